/*
 * The functions over the rows of a group: what is kept of the values seen so far, and what they
 * come to. Undefined values are passed over, but by `count` without an argument.
 */
#ifndef PK_VIEW_AGGREGATE_H
#define PK_VIEW_AGGREGATE_H

#include "view/cell.h"

typedef struct pk_accumulator {
    uint64_t count;
    pk_u128 sum;  /* mean: of the values, each raised by 2^63 */
    bool flag;    /* any: one held; all: one did not */
    pk_buf cells; /* first, last, min, max: one cell; list, uniq, ranges, quantile: all */
    uint64_t n_cells;
    size_t sorted_at; /* uniq: length of `cells` when repetitions were last taken out */
} pk_accumulator;

void pk_accumulator_free(pk_accumulator *at);

/* One more row. `cell` is the argument's value; NULL: the function has none. */
void pk_accumulator_add(pk_accumulator *at, pk_aggregate kind, const uint8_t *cell);

/* What it comes to. Bytes are the accumulator's, lists and texts the arena's. `image` and the record
 * say how ranges are written. */
pk_value pk_accumulator_value(pk_accumulator *at, const pk_image *image,
                              const pk_image_aggregate *record, pk_arena *arena);

#endif
