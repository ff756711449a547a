/*
 * Sets: ordered multisets of values with O(log runs) access by index.
 *
 * A set is a list of runs; a run is an arithmetic progression of integers or addresses, or one byte
 * string. Element i is found by binary search in the cumulative counts. Nothing is enumerated: a /0
 * of IPv6 is one run. `except` splits runs. Counts are exact up to 2^128 - 1; beyond, PK_ELIMIT.
 * Memory comes from the arena given at each operation.
 */
#ifndef PK_SET_SET_H
#define PK_SET_SET_H

#include "base/arena.h"
#include "image/value.h"

enum {
    PK_SET_RUNS_LIMIT = 1 << 20, /* runs in one set */
    PK_SET_WORK_LIMIT = 1 << 24  /* pieces that one except may look at */
};

typedef enum pk_run_kind { PK_RUN_INT, PK_RUN_ADDRESS, PK_RUN_BLOB } pk_run_kind;

typedef struct pk_run {
    pk_u128 first;  /* INT: two's complement of the 64-bit value; ADDRESS: big-endian number */
    pk_u128 count;  /* > 0 */
    pk_u128 before; /* elements in the runs before this one */
    int64_t step;   /* INT and ADDRESS */
    pk_bytes blob;  /* BLOB (count 1) */
    uint8_t kind;   /* pk_run_kind */
    uint8_t width;  /* ADDRESS: bytes, 4, 6 or 16 */
} pk_run;

typedef struct pk_set {
    pk_run *runs;
    uint32_t n_runs;
    pk_u128 count;
} pk_set;

int pk_set_add_value(pk_arena *arena, pk_set *set, pk_value value);
/* `lo` to `hi` by `step` (not 0; the sign is taken from lo and hi when step is 1), both included as
 * far as the step reaches. Both integers, or bytes of one width (4, 6, 16). PK_EFORMAT otherwise. */
int pk_set_add_range(pk_arena *arena, pk_set *set, pk_value lo, pk_value hi, int64_t step);
/* Every address that shares the first `prefix_len` bits, in order. */
int pk_set_add_prefix(pk_arena *arena, pk_set *set, pk_value address, unsigned prefix_len);
int pk_set_join(pk_arena *arena, pk_set *set, const pk_set *more);
/* Removes from `set` every element that is a member of `without`; order is kept. */
int pk_set_except(pk_arena *arena, pk_set *set, const pk_set *without);

/* Element `index` (< count). An address is written to `scratch` (16 bytes) and returned as bytes
 * pointing there. */
pk_value pk_set_at(const pk_set *set, pk_u128 index, uint8_t scratch[16]);
/* The index of the first element equal to `value`; false when it is no member. */
bool pk_set_index_of(const pk_set *set, pk_value value, pk_u128 *ret_index);

#endif
