#include "template_kernels.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/rng.h"

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

/* ---- random numbers -------------------------------------------------------------------------- */

/* As many 64-bit lanes as a register has; of the operands of mul32 the low halves count. */
#if defined(__AVX2__) && !defined(KERNELS_PLAIN)
typedef uint64_t lanes __attribute__((vector_size(32)));
static inline lanes mul32(lanes a, lanes b)
{
    return (lanes)_mm256_mul_epu32((__m256i)a, (__m256i)b);
}
static inline lanes ramp_lanes(uint64_t first)
{
    return (lanes){first, first + 1, first + 2, first + 3};
}
#elif defined(__SSE2__) && !defined(KERNELS_PLAIN)
typedef uint64_t lanes __attribute__((vector_size(16)));
static inline lanes mul32(lanes a, lanes b)
{
    return (lanes)_mm_mul_epu32((__m128i)a, (__m128i)b);
}
static inline lanes ramp_lanes(uint64_t first)
{
    return (lanes){first, first + 1};
}
#else
typedef uint64_t lanes;
static inline lanes mul32(lanes a, lanes b)
{
    return (uint64_t)(uint32_t)a * (uint32_t)b;
}
static inline lanes ramp_lanes(uint64_t first)
{
    return first;
}
#endif

enum { DRAWN = 256, LANES = sizeof(lanes) / sizeof(uint64_t) };

static inline lanes all_lanes(uint64_t value)
{
    return ramp_lanes(0) * 0 + value;
}

/* Philox4x32-7 as base/rng.c has it, from index `low` of the draw on: the first two words of each
 * block, in the low halves; what stands above them means nothing. */
static inline void philox(const pk_draw *from, uint64_t low, lanes *ret_one, lanes *ret_two)
{
    lanes a = ramp_lanes(low), b = all_lanes(from->index >> 32), c = all_lanes(from->stream);
    lanes d = all_lanes(0), m0 = all_lanes(PK_PHILOX_M0), m1 = all_lanes(PK_PHILOX_M1);
    uint32_t k0 = (uint32_t)from->key, k1 = (uint32_t)(from->key >> 32);
#pragma GCC unroll 7
    for (unsigned r = 0; r < PK_PHILOX_ROUNDS; r++) {
        lanes x = mul32(m0, a), y = mul32(m1, c);
        a = y >> 32 ^ (b ^ all_lanes(k0));
        b = y;
        c = x >> 32 ^ (d ^ all_lanes(k1));
        d = x;
        k0 += PK_PHILOX_W0;
        k1 += PK_PHILOX_W1;
    }
    *ret_one = a;
    *ret_two = b;
}

static inline lanes word_at(const pk_draw *from, uint32_t i)
{
    lanes one, two;
    philox(from, from->index + i, &one, &two);
    return two << 32 | (one & all_lanes(UINT32_MAX));
}

static void draw(uint64_t *RESTRICT out, uint32_t n, const pk_draw *from)
{
    uint32_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        lanes word = word_at(from, i);
        memcpy(out + i, &word, sizeof word);
    }
    lanes last = word_at(from, i);
    memcpy(out + i, &last, (n - i) * sizeof *out);
}

/* floor(x n / 2^64) from the halves of x. The product's low half is below 2^32, and so perhaps below
 * n, where the low half of what comes before the last shift is 0. */
static bool draw_below(uint32_t *RESTRICT out, uint32_t n, const pk_draw *from, uint64_t below,
                       uint32_t first, uint32_t step)
{
    uint64_t words[DRAWN + LANES], doubtful[LANES];
    lanes factor = all_lanes((uint32_t)below), some = all_lanes(0);
    const lanes low = all_lanes(UINT32_MAX), whole = all_lanes(below >> 32 ? UINT64_MAX : 0);
    for (uint32_t i = 0; i < n; i += LANES) {
        lanes one, two;
        philox(from, from->index + i, &one, &two);
        lanes rest = mul32(two, factor) + (mul32(one, factor) >> 32);
        some |= (lanes)((rest & low) == 0);
        rest = rest >> 32 | (two & whole); /* n is 2^32: the upper half as it is */
        memcpy(words + i, &rest, sizeof rest);
    }
    for (uint32_t i = 0; i < n; i++)
        out[i] = first + (uint32_t)words[i] * step;
    memcpy(doubtful, &some, sizeof some);
    for (uint32_t i = 1; i < LANES; i++)
        doubtful[0] |= doubtful[i];
    return below >> 32 || !doubtful[0];
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

#define PLAIN(value) (value)
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BIG16(value) __builtin_bswap16(value)
#define BIG32(value) __builtin_bswap32(value)
#define BIG64(value) __builtin_bswap64(value)
#else
#define BIG16(value) (value)
#define BIG32(value) (value)
#define BIG64(value) (value)
#endif

/* With wide vectors the values of a column are swapped side by side first, else one by one as they
 * are stored. */
#if defined(__AVX2__) && !defined(KERNELS_PLAIN)
#define WORDS(word, swap)            \
    word words[DRAWN];               \
    for (uint32_t k = 0; k < n; k++) \
        words[k] = swap((word)column[k]);
#define PUT(row, word, swap, k) memcpy(row, &words[k], sizeof(word))
#else
#define WORDS(word, swap)
#define PUT(row, word, swap, k)             \
    do {                                    \
        word value = swap((word)column[k]); \
        memcpy(row, &value, sizeof value);  \
    } while (0)
#endif

/* Four rows a turn: the turn's own cost is a third of the work otherwise. */
#define STORE(name, type, word, swap)                                               \
    static void name(const pk_rows *rows, uint32_t at, const type *RESTRICT column) \
    {                                                                               \
        uint32_t n = rows->count, i = 0;                                            \
        WORDS(word, swap)                                                           \
        if (rows->slots) {                                                          \
            for (; i < n; i++)                                                      \
                PUT(rows->slots[i] + at, word, swap, i);                            \
            return;                                                                 \
        }                                                                           \
        size_t stride = rows->stride;                                               \
        uint8_t *row = rows->base + at;                                             \
        for (; i + 4 <= n; i += 4, row += 4 * stride) {                             \
            PUT(row, word, swap, i);                                                \
            PUT(row + stride, word, swap, i + 1);                                   \
            PUT(row + 2 * stride, word, swap, i + 2);                               \
            PUT(row + 3 * stride, word, swap, i + 3);                               \
        }                                                                           \
        for (; i < n; i++, row += stride)                                           \
            PUT(row, word, swap, i);                                                \
    }

STORE(store8, uint32_t, uint8_t, PLAIN)
STORE(store16, uint32_t, uint16_t, BIG16)
STORE(store32, uint32_t, uint32_t, BIG32)
STORE(store64, uint64_t, uint64_t, BIG64)

typedef struct chunk {
    uint8_t bytes[32];
} chunk;

/* 32 to 64 bytes as two overlapping halves, which stay in registers. */
static void copy_short(const pk_rows *rows, const uint8_t *bytes, uint32_t len)
{
    chunk head, tail;
    size_t behind = len - sizeof tail, stride = rows->stride;
    uint32_t n = rows->count, i = 0;
    memcpy(&head, bytes, sizeof head);
    memcpy(&tail, bytes + behind, sizeof tail);
    for (; rows->slots && i < n; i++) {
        memcpy(rows->slots[i], &head, sizeof head);
        memcpy(rows->slots[i] + behind, &tail, sizeof tail);
    }
    uint8_t *row = rows->base;
    for (; i + 4 <= n; i += 4, row += 4 * stride)
        for (uint32_t k = 0; k < 4; k++) {
            memcpy(row + k * stride, &head, sizeof head);
            memcpy(row + k * stride + behind, &tail, sizeof tail);
        }
    for (; i < n; i++, row += stride) {
        memcpy(row, &head, sizeof head);
        memcpy(row + behind, &tail, sizeof tail);
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
                            .draw_below = draw_below,
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
