/*
 * The few types that every room shares.
 *
 * pk_u128 counts and indexes packet sets (a /0 of IPv6 times anything must still be exact), and
 * holds addresses as integers while a set does arithmetic on them. pk_span is a half-open range of
 * byte offsets in the concatenation of all sources (grammar/source.h maps it back to file, line and
 * column). pk_bytes is a borrowed view: it never owns.
 */
#ifndef PK_BASE_TYPES_H
#define PK_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__extension__ typedef unsigned __int128 pk_u128;

typedef struct pk_span {
    uint32_t lo; /* first byte */
    uint32_t hi; /* one past the last byte; lo == hi marks a point */
} pk_span;

typedef struct pk_bytes {
    const uint8_t *data;
    size_t len;
} pk_bytes;

/* Environment errors. Input errors are diagnostics, our own bugs are assertions; only what the
 * machine or the caller's surroundings refuse comes back as one of these (0 is success). */
enum {
    PK_OK = 0,
    PK_ENOMEM = -1,    /* allocation refused */
    PK_EIO = -2,       /* read, write or socket failed; errno tells */
    PK_EFORMAT = -3,   /* bytes that are not what they claim to be */
    PK_EPERM = -4,     /* privilege missing */
    PK_ENOENT = -5,    /* file, interface, layer or name absent */
    PK_ELIMIT = -6,    /* a named limit was reached */
    PK_EUNSUPPORTED = -7, /* understood, and this build or kernel cannot */
    PK_EOF = -8        /* orderly end of a stream */
};

#endif
