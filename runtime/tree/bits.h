/*
 * Bits of a packet: reading and writing up to 64 of them at any bit offset, most significant first,
 * and the byte order of little-endian fields. The caller has checked the bounds.
 */
#ifndef PK_TREE_BITS_H
#define PK_TREE_BITS_H

#include "base/types.h"

static inline uint64_t pk_bits_mask(unsigned bits)
{
    return bits >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << bits) - 1;
}

/* `bits` (0 to 64) bits from bit `off` on. */
static inline uint64_t pk_bits_get(const uint8_t *bytes, uint64_t off, unsigned bits)
{
    const uint8_t *at = bytes + off / 8;
    unsigned skip = (unsigned)(off % 8), got = 0;
    uint64_t value = 0;
    if (bits == 0)
        return 0;
    while (got + 8 <= skip + bits && got < 64) {
        value = value << 8 | *at++;
        got += 8;
    }
    if (got == skip + bits)
        return value & pk_bits_mask(bits);
    unsigned more = skip + bits - got; /* 1 to 7 bits of one further byte */
    value = value << more | (uint64_t)*at >> (8 - more);
    return value & pk_bits_mask(bits);
}

/* Writes the low `bits` bits of `value`; the other bits of the bytes touched stay. */
static inline void pk_bits_put(uint8_t *bytes, uint64_t off, unsigned bits, uint64_t value)
{
    while (bits > 0) {
        unsigned skip = (unsigned)(off % 8), room = 8 - skip, take = bits < room ? bits : room;
        unsigned shift = room - take;
        unsigned mask = 0xffU >> skip & 0xffU << shift;
        unsigned part = (unsigned)(value >> (bits - take)) << shift & mask;
        uint8_t *at = bytes + off / 8;
        *at = (uint8_t)((*at & ~mask) | part);
        off += take;
        bits -= take;
    }
}

/* The integer whose low `bits` bits (a multiple of 8) are those of `value` with the bytes swapped.
 */
static inline uint64_t pk_bits_swap(uint64_t value, unsigned bits)
{
    return bits == 0 ? 0 : __builtin_bswap64(value) >> (64 - bits);
}

#endif
