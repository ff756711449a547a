/*
 * What writers find out about an image once and use for every packet: how a field's value is read
 * and shown, the texts around it that never change, the names of enums and flag sets by value.
 *
 * A cache belongs to the writers' caller, who gives it in pk_writer for one image and one thread;
 * without one the writers work everything out again each time and write the same. It is filled as
 * fields are met. Memory that is refused, and whatever is out of the ordinary (a field in pieces, a
 * text codec, an enum that another field selects, a name that would have to be escaped), is
 * answered by "general": the caller then goes the way that takes everything.
 */
#ifndef PK_TREE_PREPARED_H
#define PK_TREE_PREPARED_H

#include <endian.h>

#include "base/arena.h"
#include "tree/bits.h"
#include "tree/writers.h"

typedef enum pk_prepared_kind {
    PK_PREPARED_UNKNOWN, /* not looked at yet */
    PK_PREPARED_GENERAL,
    PK_PREPARED_UNSIGNED,
    PK_PREPARED_SIGNED,
    PK_PREPARED_IP4,
    PK_PREPARED_IP6,
    PK_PREPARED_MAC,
    PK_PREPARED_BYTES
} pk_prepared_kind;

typedef struct pk_prepared_name {
    uint64_t value; /* of a flag set: the bit */
    const char *text;
    uint32_t len; /* 0 = the bit has no name */
} pk_prepared_name;

typedef struct pk_prepared_names {
    bool ready, general, is_set, letters;
    uint32_t n;       /* rows, sorted by value; of a flag set 64, one a bit */
    uint32_t longest; /* bytes of the longest text that a value can have */
    const pk_prepared_name *rows;
    bool has_last; /* what was asked for last is mostly asked for next */
    uint8_t last_len, last_text[32];
    uint64_t last;
} pk_prepared_names;

typedef struct pk_prepared_text {
    uint32_t at, len; /* in the cache's text; len 0 = not made yet */
} pk_prepared_text;

typedef struct pk_prepared_field {
    uint8_t kind;
    bool little;
    uint16_t bits; /* constant width, 0 = the record's */
    uint32_t off;  /* of a fixed field: bits from its instance's start */
    pk_prepared_names *names;
    pk_prepared_text fixed, named; /* json: before the value of a fixed field; before `at` */
} pk_prepared_field;

struct pk_writer_cache {
    const pk_image *image;
    pk_prepared_field *fields;
    pk_prepared_names *names;
    struct pk_scripts *scripts; /* NULL = none yet (script.h) */
    pk_prepared_text *layers;   /* json: `"layer":"ip","off":` */
    bool pairs_known;
    pk_ref pairs[4]; /* line: src, dst, sport, dport */
    pk_buf text;
    pk_arena arena;
};

/* The field's row; its kind is GENERAL when nothing can be prepared for it. */
const pk_prepared_field *pk_prepared_study(pk_writer_cache *cache, pk_ref field);
static inline pk_prepared_field *pk_prepared_of(pk_writer_cache *cache, pk_ref field)
{
    if (cache->fields[field].kind == PK_PREPARED_UNKNOWN)
        (void)pk_prepared_study(cache, field);
    return &cache->fields[field];
}

/* What stands in `cache->text` from `start` on is a text now; false when memory was refused. */
bool pk_prepared_keep(pk_writer_cache *cache, size_t start, pk_prepared_text *ret_text);

/* The text of `value` at `to`, which has room for names->longest and 32 bytes more; returns its end,
 * `to` itself when the value has no name. */
uint8_t *pk_prepared_find_name(uint8_t *to, pk_prepared_names *names, uint64_t value);
static inline uint8_t *pk_prepared_put_name(uint8_t *to, pk_prepared_names *names, uint64_t value)
{
    if (!names->has_last || names->last != value)
        return pk_prepared_find_name(to, names, value);
    __builtin_memcpy(to, names->last_text, sizeof names->last_text);
    return to + names->last_len;
}

/* `bits` (at most 64) bits at `off`, which lie within the packet. */
static inline uint64_t pk_prepared_bits(const pk_tree *tree, uint64_t off, unsigned bits)
{
    uint64_t word;
    if (off / 8 + 8 > tree->len || off % 8 + bits > 64 || bits == 0)
        return pk_bits_get(tree->bytes, off, bits);
    __builtin_memcpy(&word, tree->bytes + off / 8, sizeof word);
    return be64toh(word) << off % 8 >> (64 - bits);
}

/* The integer of a field of the kinds UNSIGNED and SIGNED. */
static inline uint64_t pk_prepared_number(const pk_tree *tree, const pk_prepared_field *field,
                                          uint64_t off, unsigned bits)
{
    uint64_t number = pk_prepared_bits(tree, off, bits);
    if (field->little && bits % 8 == 0)
        number = pk_bits_swap(number, bits);
    if (field->kind == PK_PREPARED_SIGNED && bits > 0 && bits < 64 && number >> (bits - 1) & 1)
        number |= ~pk_bits_mask(bits);
    return number;
}

/* ---- text into room that was reserved, with eight bytes to spare; each returns its end ---------- */

static inline uint8_t *pk_put(uint8_t *to, const void *text, size_t len)
{
    __builtin_memcpy(to, text, len);
    return to + len;
}
#define PK_PUT(to, literal) pk_put(to, literal, sizeof(literal) - 1)

extern const uint8_t pk_put_threes[1001][4];
uint8_t *pk_put_long(uint8_t *to, uint64_t number);
static inline uint8_t *pk_put_unsigned(uint8_t *to, uint64_t number)
{
    if (number >= 1000)
        return pk_put_long(to, number);
    const uint8_t *three = pk_put_threes[number];
    __builtin_memcpy(to, three + 3 - three[3], 4);
    return to + three[3];
}
uint8_t *pk_put_hex(uint8_t *to, const uint8_t *bytes, size_t len);
uint8_t *pk_put_ip4(uint8_t *to, const uint8_t *bytes);
uint8_t *pk_put_mac(uint8_t *to, const uint8_t *bytes);

/* What was written up to `end` belongs to the buffer. */
static inline void pk_put_done(pk_buf *out, uint8_t *end)
{
    *end = 0;
    out->len = (size_t)(end - out->data);
}

#endif
