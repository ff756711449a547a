/*
 * A growable byte buffer with a sticky error: after a failed growth every further call is a no-op
 * and `failed` stays set, so that a writer checks once, at its end. The buffer owns its bytes;
 * pk_buf_free releases them. `data` is NUL-terminated whenever it is not NULL (the NUL is not
 * counted in len), so text built here can be printed as it stands.
 */
#ifndef PK_BASE_BUF_H
#define PK_BASE_BUF_H

#include "base/types.h"

typedef struct pk_buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    bool failed;
} pk_buf;

/* Room for `extra` more bytes beyond len; returns where they start, or NULL (and sets failed). */
uint8_t *pk_buf_reserve(pk_buf *buf, size_t extra);

void pk_buf_add(pk_buf *buf, const void *bytes, size_t len);
void pk_buf_byte(pk_buf *buf, uint8_t byte);
void pk_buf_text(pk_buf *buf, const char *text);
void pk_buf_zeros(pk_buf *buf, size_t count);
void pk_buf_printf(pk_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Forgets the content (and the error), keeps the memory. */
void pk_buf_clear(pk_buf *buf);
void pk_buf_free(pk_buf *buf);

/* The text so far; "" for an empty or failed buffer. */
const char *pk_buf_cstr(const pk_buf *buf);

#endif
