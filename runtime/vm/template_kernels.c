#include "template_kernels.h"

#include <string.h>

/* Compiled once per kind of processor; KERNELS is the table's name, KERNELS_TEXT what it is called.
 * Loops are written so that compilers make vectors of them. */

#define RESTRICT __restrict__

static void ramp(uint32_t *RESTRICT out, uint32_t n, uint32_t first, uint32_t step)
{
    for (uint32_t i = 0; i < n; i++)
        out[i] = first + i * step;
}

static void ramp_wide(uint64_t *RESTRICT out, uint32_t n, uint64_t first, uint64_t step)
{
    for (uint32_t i = 0; i < n; i++, first += step)
        out[i] = first;
}

/* Philox4x64-10 as base/rng.c has it, without its memory: what of the key and of the counter is the
 * same for all indices stays in registers or next to them. */
enum { ROUNDS = 10 };

__extension__ typedef unsigned __int128 product;

static void draw(uint64_t *RESTRICT one, uint64_t *RESTRICT two, uint32_t n, uint64_t seed,
                 uint64_t low, uint64_t high, uint64_t stream)
{
    uint64_t keys[ROUNDS][2];
    for (unsigned r = 0; r < ROUNDS; r++) {
        keys[r][0] = seed + r * UINT64_C(0x9e3779b97f4a7c15);
        keys[r][1] = r * UINT64_C(0xbb67ae8584caa73b);
    }
    for (uint32_t i = 0; i < n; i++) {
        uint64_t a = low + i, b = high, c = stream, d = 0;
#pragma GCC unroll 10
        for (unsigned r = 0; r < ROUNDS; r++) {
            product x = (product)UINT64_C(0xd2e7470ee14c6c93) * a;
            product y = (product)UINT64_C(0xca5a826395121157) * c;
            a = (uint64_t)(y >> 64) ^ b ^ keys[r][0];
            b = (uint64_t)y;
            c = (uint64_t)(x >> 64) ^ d ^ keys[r][1];
            d = (uint64_t)x;
        }
        one[i] = a;
        two[i] = b;
    }
}

/* ---- sums ------------------------------------------------------------------------------------ */

static void sum_start(uint32_t *RESTRICT sum, uint32_t n, uint32_t fixed)
{
    for (uint32_t i = 0; i < n; i++)
        sum[i] = fixed;
}

static void sum_small(uint32_t *RESTRICT sum, uint32_t n, const uint32_t *RESTRICT column)
{
    for (uint32_t i = 0; i < n; i++)
        sum[i] += column[i];
}

static void sum_word(uint32_t *RESTRICT sum, uint32_t n, const uint32_t *RESTRICT column)
{
    for (uint32_t i = 0; i < n; i++)
        sum[i] += (column[i] & 0xffff) + (column[i] >> 16);
}

/* (2^17 - 2) << 15 is below 2^32; what is added is below 2^17. */
static void sum_add(uint32_t *RESTRICT sum, uint32_t n, const uint32_t *RESTRICT column,
                    uint32_t mask, unsigned shift)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t value = column[i] & mask;
        uint32_t moved = ((value & 0xffff) + (value >> 16)) << shift;
        sum[i] += (moved & 0xffff) + (moved >> 16);
    }
}

static void sum_wide(uint32_t *RESTRICT sum, uint32_t n, const uint64_t *RESTRICT column,
                     uint64_t mask, unsigned shift)
{
    for (uint32_t i = 0; i < n; i++) {
        uint64_t value = column[i] & mask;
        uint64_t moved = (value & 0xffff) + (value >> 16 & 0xffff) + (value >> 32 & 0xffff);
        moved = (moved + (value >> 48)) << shift;
        sum[i] += (uint32_t)((moved & 0xffff) + (moved >> 16));
    }
}

static void sum_close(uint32_t *RESTRICT sum, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t folded = (sum[i] & 0xffff) + (sum[i] >> 16);
        folded = (folded & 0xffff) + (folded >> 16);
        sum[i] = ~folded & 0xffff;
    }
}

/* ---- rows ------------------------------------------------------------------------------------ */

static inline void put8(uint8_t *at, uint32_t value)
{
    *at = (uint8_t)value;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
static inline void put16(uint8_t *at, uint32_t value)
{
    uint16_t word = __builtin_bswap16((uint16_t)value);
    memcpy(at, &word, sizeof word);
}

static inline void put32(uint8_t *at, uint32_t value)
{
    uint32_t word = __builtin_bswap32(value);
    memcpy(at, &word, sizeof word);
}

static inline void put64(uint8_t *at, uint64_t value)
{
    uint64_t word = __builtin_bswap64(value);
    memcpy(at, &word, sizeof word);
}
#else
static inline void put16(uint8_t *at, uint32_t value)
{
    uint16_t word = (uint16_t)value;
    memcpy(at, &word, sizeof word);
}

static inline void put32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof value);
}

static inline void put64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof value);
}
#endif

/* Four rows a turn: the turn's own cost is a third of the work otherwise. */
#define STORE(name, type, put)                                                      \
    static void name(const pk_rows *rows, uint32_t at, const type *RESTRICT column) \
    {                                                                               \
        uint32_t n = rows->count, i = 0;                                            \
        if (rows->slots) {                                                          \
            for (; i < n; i++)                                                      \
                put(rows->slots[i] + at, column[i]);                                \
            return;                                                                 \
        }                                                                           \
        size_t stride = rows->stride;                                               \
        uint8_t *row = rows->base + at;                                             \
        for (; i + 4 <= n; i += 4, row += 4 * stride) {                             \
            put(row, column[i]);                                                    \
            put(row + stride, column[i + 1]);                                       \
            put(row + 2 * stride, column[i + 2]);                                   \
            put(row + 3 * stride, column[i + 3]);                                   \
        }                                                                           \
        for (; i < n; i++, row += stride)                                           \
            put(row, column[i]);                                                    \
    }

STORE(store8, uint32_t, put8)
STORE(store16, uint32_t, put16)
STORE(store32, uint32_t, put32)
STORE(store64, uint64_t, put64)

typedef struct chunk {
    uint8_t bytes[32];
} chunk;

/* 32 to 64 bytes as two overlapping halves, which stay in registers. */
static void copy_short(const pk_rows *rows, const uint8_t *bytes, uint32_t len)
{
    chunk head, tail;
    memcpy(&head, bytes, sizeof head);
    memcpy(&tail, bytes + len - sizeof tail, sizeof tail);
    uint8_t *row = rows->base;
    for (uint32_t i = 0; i < rows->count; i++, row += rows->stride) {
        uint8_t *at = rows->slots ? rows->slots[i] : row;
        memcpy(at, &head, sizeof head);
        memcpy(at + len - sizeof tail, &tail, sizeof tail);
    }
}

static void copy(const pk_rows *rows, const uint8_t *bytes, uint32_t len)
{
    if (len >= 32 && len <= 64) {
        copy_short(rows, bytes, len);
        return;
    }
    for (uint32_t i = 0; i < rows->count; i++)
        memcpy(rows->slots ? rows->slots[i] : rows->base + i * rows->stride, bytes, len);
}

const pk_kernels KERNELS = {.name = KERNELS_TEXT,
                            .ramp = ramp,
                            .ramp_wide = ramp_wide,
                            .draw = draw,
                            .sum_start = sum_start,
                            .sum_small = sum_small,
                            .sum_word = sum_word,
                            .sum_add = sum_add,
                            .sum_wide = sum_wide,
                            .sum_close = sum_close,
                            .store8 = store8,
                            .store16 = store16,
                            .store32 = store32,
                            .store64 = store64,
                            .copy = copy};
