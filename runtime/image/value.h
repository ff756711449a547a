/*
 * A value of the machines: undefined, a 64-bit integer, borrowed bytes (addresses are bytes), a
 * node of a tree, or many of these. 16 bytes, passed by value. Bytes point into the packet, the image or the
 * machine's scratch memory and live as long as the evaluation's caller was told.
 */
#ifndef PK_IMAGE_VALUE_H
#define PK_IMAGE_VALUE_H

#include "base/types.h"

typedef enum pk_value_kind {
    PK_UNDEFINED,
    PK_INT,
    PK_BYTES,
    PK_NODE,
    PK_MANY /* what all elements of a list have: `len` values at `many` */
} pk_value_kind;

typedef struct pk_value {
    uint8_t kind; /* pk_value_kind */
    uint8_t tree; /* NODE: 0 = the tree at hand, 1 = the other one (q) */
    uint16_t spare;
    uint32_t len; /* BYTES, MANY */
    union {
        int64_t number;       /* INT */
        const uint8_t *bytes; /* BYTES */
        uint64_t node;        /* NODE: a pk_tree_node packed by tree.h, or the builder's own */
        const struct pk_value *many; /* MANY */
    };
} pk_value;

static inline pk_value pk_value_undefined(void)
{
    return (pk_value){.kind = PK_UNDEFINED};
}

static inline pk_value pk_value_int(int64_t number)
{
    return (pk_value){.kind = PK_INT, .number = number};
}

static inline pk_value pk_value_bytes(const uint8_t *bytes, uint32_t len)
{
    return (pk_value){.kind = PK_BYTES, .len = len, .bytes = bytes};
}

static inline pk_value pk_value_many(const pk_value *values, uint32_t count)
{
    return (pk_value){.kind = PK_MANY, .len = count, .many = values};
}

#endif
