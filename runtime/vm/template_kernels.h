/*
 * What a template does for a whole batch at once.
 *
 * The same plain loops are compiled three times, for any processor without vector instructions
 * (`plain`), and on x86 for SSE2 and AVX2; pk_kernels_best chooses when the program runs. All give
 * the same bytes. Columns have at most PK_TEMPLATE_BATCH values; a narrow one holds integers from 0
 * to 2^32 - 1. Nothing can fail.
 */
#ifndef PK_VM_TEMPLATE_KERNELS_H
#define PK_VM_TEMPLATE_KERNELS_H

#include "base/types.h"

/* Rows are slots[i], or base + i * stride. */
typedef struct pk_rows {
    uint8_t *base;
    size_t stride;
    uint8_t *const *slots;
    uint32_t count;
} pk_rows;

/* Where random numbers are drawn: the low 32 bits of the index do not run over. */
typedef struct pk_draw {
    uint64_t key; /* pk_rng_key */
    uint64_t index;
    uint32_t stream;
} pk_draw;

typedef struct pk_kernels {
    const char *name;
    void (*ramp)(uint32_t *out, uint32_t n, uint32_t first, uint32_t step);
    void (*ramp_wide)(uint64_t *out, uint32_t n, uint64_t first, uint64_t step);
    /* pk_rng_u64 of the draw's index and of n - 1 more behind it, at most PK_TEMPLATE_BATCH. */
    void (*draw)(uint64_t *out, uint32_t n, const pk_draw *from);
    /* first + step * pk_rng_below(.., below) for `below` from 1 to 2^32; false when some of them would
     * have to be drawn again, which is rare. */
    bool (*draw_below)(uint32_t *out, uint32_t n, const pk_draw *from, uint64_t below,
                       uint32_t first, uint32_t step);
    /* Sums of 16-bit words with deferred carries: add one piece's column (its low bits by `mask`),
     * `shift` bits before the end of a word; then close into the checksum. */
    void (*sum_start)(uint32_t *sum, uint32_t n, uint32_t fixed);
    void (*sum_small)(uint32_t *sum, uint32_t n, const uint32_t *column); /* below 2^16, shift 0 */
    void (*sum_word)(uint32_t *sum, uint32_t n, const uint32_t *column);  /* shift 0 */
    void (*sum_add)(uint32_t *sum, uint32_t n, const uint32_t *column, uint32_t mask,
                    unsigned shift);
    void (*sum_wide)(uint32_t *sum, uint32_t n, const uint64_t *column, uint64_t mask,
                     unsigned shift);
    void (*sum_close)(uint32_t *sum, uint32_t n);
    /* The low bits of each value, big-endian, at byte `at` of its row. */
    void (*store8)(const pk_rows *rows, uint32_t at, const uint32_t *column);
    void (*store16)(const pk_rows *rows, uint32_t at, const uint32_t *column);
    void (*store32)(const pk_rows *rows, uint32_t at, const uint32_t *column);
    void (*store64)(const pk_rows *rows, uint32_t at, const uint64_t *column);
    void (*copy)(const pk_rows *rows, const uint8_t *bytes, uint32_t len);
} pk_kernels;

extern const pk_kernels pk_kernels_plain;
#if defined(__x86_64__)
extern const pk_kernels pk_kernels_sse2, pk_kernels_avx2;
#endif

const pk_kernels *pk_kernels_best(void);
/* By name, for tests; NULL when this processor cannot. */
const pk_kernels *pk_kernels_named(const char *name);

#endif
