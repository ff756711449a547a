/*
 * The arithmetic of runs: ascending progressions of unsigned 128-bit positions.
 *
 * A run of integers or addresses is seen as a line: positions low, low + step, .., `count` of them.
 * Integers are shifted by 2^63 so that their signed order is the order of positions; a descending
 * run is the same line walked backwards. Taking one line from another leaves lines:
 *
 *   x = a + i s  (the line)   and   x = b + j t  (what is taken),   g = gcd(s, t)
 *
 * have common members only if g divides b - a, and then exactly those with
 *
 *   i = (b - a)/g * (s/g)^-1   modulo m = t/g
 *
 * so of the line's indices those in one residue class modulo m go, between the first and the last
 * position that both cover. With m = 1 that is one stretch; otherwise each gap between two removed
 * indices is a line of its own, because a set keeps its order.
 */
#ifndef PK_SET_LINE_H
#define PK_SET_LINE_H

#include "set/set.h"

typedef struct pk_line {
    pk_u128 low;
    pk_u128 count; /* > 0 */
    pk_u128 step;  /* > 0, at most 2^63 */
} pk_line;

typedef struct pk_lines {
    pk_line *at;
    uint32_t count, cap;
} pk_lines;

static inline pk_u128 pk_line_high(const pk_line *line)
{
    return line->low + (line->count - 1) * line->step;
}

/* The line of an INT or ADDRESS run. */
pk_line pk_line_of_run(const pk_run *run);

/* The run of kind and width (and direction) of `like` that covers `line`. */
pk_run pk_line_to_run(const pk_line *line, const pk_run *like);

/* Position of an integer, and back. */
pk_u128 pk_line_position(int64_t number);
int64_t pk_line_number(pk_u128 position);

/* The index of `position` in `line`; false when it is no member. */
bool pk_line_find(const pk_line *line, pk_u128 position, pk_u128 *ret_index);

/* Appends; PK_ELIMIT beyond PK_SET_RUNS_LIMIT, PK_ENOMEM. */
int pk_lines_add(pk_arena *arena, pk_lines *lines, pk_u128 low, pk_u128 count, pk_u128 step);

/* Appends to `out`, ascending, what `line` has and `taken` has not. */
int pk_line_subtract(pk_arena *arena, const pk_line *line, const pk_line *taken, pk_lines *out);

#endif
