/*
 * A sliding window over a byte stream: the part of a capture file that is being looked at.
 *
 * The stream is a descriptor that is read, a file that is mapped as a whole, or what a codec
 * unpacks. pk_window_need makes the next n bytes visible at pk_window_at; they stay put until the
 * next need or skip (mapped: until close). The buffer grows by doubling as bytes really arrive, so
 * that a length claimed by the file allocates nothing. The descriptor belongs to the caller.
 */
#ifndef PK_IO_WINDOW_H
#define PK_IO_WINDOW_H

#include "io/capture.h"

typedef struct pk_window {
    const uint8_t *bytes; /* the visible part is [start, end) */
    size_t start;
    size_t end;
    uint64_t offset; /* of bytes[start] in the stream */
    uint8_t *buffer; /* owned; NULL when mapped */
    size_t cap;
    void *mapping;
    size_t mapping_len;
    int fd;
    bool ended;
    const pk_capture_codec *codec;
    void *codec_state;
} pk_window;

/* A window at the descriptor's present position. With `map` a regular file is mapped. */
int pk_window_open(pk_window *ret_window, int fd, bool map, pk_error *reterr_);

/* From here on the stream is what the codec makes of it. */
int pk_window_unpack(pk_window *window, const pk_capture_codec *codec, pk_error *reterr_);

/* PK_OK: n bytes are visible. PK_EOF: the stream ends before. PK_EIO, PK_EFORMAT (damaged packing),
 * PK_ENOMEM: with a text. */
int pk_window_need(pk_window *window, size_t n, pk_error *reterr_);

void pk_window_close(pk_window *window);

static inline const uint8_t *pk_window_at(const pk_window *window)
{
    return window->bytes + window->start;
}

static inline size_t pk_window_visible(const pk_window *window)
{
    return window->end - window->start;
}

/* n must be visible. */
static inline void pk_window_skip(pk_window *window, size_t n)
{
    window->start += n;
    window->offset += n;
}

#endif
