#include "set/line.h"

#include <assert.h>
#include <string.h>

__extension__ typedef __int128 wide;

static const uint64_t SIGN = (uint64_t)1 << 63;

pk_u128 pk_line_position(int64_t number)
{
    return (uint64_t)number ^ SIGN;
}

int64_t pk_line_number(pk_u128 position)
{
    return (int64_t)((uint64_t)position ^ SIGN);
}

static pk_u128 magnitude(int64_t step)
{
    return step < 0 ? (pk_u128)0 - (pk_u128)(wide)step : (pk_u128)step;
}

pk_line pk_line_of_run(const pk_run *run)
{
    pk_u128 first =
        run->kind == PK_RUN_INT ? pk_line_position((int64_t)(uint64_t)run->first) : run->first;
    pk_line line = {first, run->count, magnitude(run->step)};
    if (run->step < 0)
        line.low = first - (run->count - 1) * line.step;
    return line;
}

pk_run pk_line_to_run(const pk_line *line, const pk_run *like)
{
    pk_run run = *like;
    bool down = like->step < 0;
    pk_u128 first = down ? pk_line_high(line) : line->low;
    run.first = like->kind == PK_RUN_INT ? (pk_u128)(wide)pk_line_number(first) : first;
    run.count = line->count;
    uint64_t step = (uint64_t)line->step;
    run.step = (int64_t)(down ? 0 - step : step);
    return run;
}

bool pk_line_find(const pk_line *line, pk_u128 position, pk_u128 *ret_index)
{
    if (position < line->low || position > pk_line_high(line))
        return false;
    pk_u128 away = position - line->low;
    if (away % line->step)
        return false;
    *ret_index = away / line->step;
    return true;
}

int pk_lines_add(pk_arena *arena, pk_lines *lines, pk_u128 low, pk_u128 count, pk_u128 step)
{
    if (lines->count == PK_SET_RUNS_LIMIT)
        return PK_ELIMIT;
    if (lines->count == lines->cap) {
        uint32_t cap = lines->cap ? lines->cap * 2 : 16;
        pk_line *at = pk_arena_array(arena, cap, sizeof *at);
        if (!at)
            return PK_ENOMEM;
        if (lines->count)
            memcpy(at, lines->at, lines->count * sizeof *at);
        lines->at = at;
        lines->cap = cap;
    }
    lines->at[lines->count++] = (pk_line){low, count, count == 1 ? 1 : step};
    return PK_OK;
}

/* ---- subtraction -------------------------------------------------------------------------------
 */

/* Indices of a line that go: first, first + period, .., last. */
typedef struct indices {
    pk_u128 first, last, period;
} indices;

static pk_u128 gcd(pk_u128 a, pk_u128 b)
{
    while (b) {
        pk_u128 rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* a^-1 modulo m, coprime, m <= 2^63: extended Euclid keeps |coefficients| <= m. */
static pk_u128 inverse(pk_u128 a, pk_u128 m)
{
    wide r0 = (wide)m, r1 = (wide)(a % m), t0 = 0, t1 = 1;
    while (r1) {
        wide q = r0 / r1, r = r0 - q * r1, t = t0 - q * t1;
        r0 = r1;
        r1 = r;
        t0 = t1;
        t1 = t;
    }
    return (pk_u128)(t0 < 0 ? t0 + (wide)m : t0) % m;
}

/* The residue of i above; false when no member is common wherever the lines lie. */
static bool residue(const pk_line *line, const pk_line *taken, pk_u128 *ret_residue,
                    pk_u128 *ret_period)
{
    pk_u128 g = gcd(line->step, taken->step);
    pk_u128 m = taken->step / g;
    assert(m > 0); /* g divides the step, which is not 0 */
    bool ahead = taken->low >= line->low;
    pk_u128 away = ahead ? taken->low - line->low : line->low - taken->low;
    if (away % g)
        return false;
    pk_u128 d = away / g % m;
    if (!ahead && d)
        d = m - d;
    *ret_residue = d * inverse(line->step / g, m) % m;
    *ret_period = m;
    return true;
}

static bool common(const pk_line *line, const pk_line *taken, indices *ret_indices)
{
    pk_u128 line_high = pk_line_high(line), taken_high = pk_line_high(taken);
    if (taken_high < line->low || taken->low > line_high)
        return false;
    pk_u128 start = taken->low > line->low ? taken->low - line->low : 0;
    pk_u128 end = (taken_high < line_high ? taken_high : line_high) - line->low;
    pk_u128 least = start / line->step + (start % line->step != 0);
    pk_u128 most = end / line->step;
    pk_u128 r, m;
    if (!residue(line, taken, &r, &m))
        return false;
    pk_u128 ahead = (r + m - least % m) % m;
    if (least > most || ahead > most - least)
        return false;
    ret_indices->first = least + ahead;
    ret_indices->last = most - (most - ret_indices->first) % m;
    ret_indices->period = m;
    return true;
}

/* Appends the part of `line` from index `first` up to before `end`. */
static int keep(pk_arena *arena, const pk_line *line, pk_u128 first, pk_u128 end, pk_lines *out)
{
    if (first >= end)
        return PK_OK;
    return pk_lines_add(arena, out, line->low + first * line->step, end - first, line->step);
}

/* The gaps between removed indices: with a period of 2 one line, else one each. */
static int keep_gaps(pk_arena *arena, const pk_line *line, const indices *gone, pk_lines *out)
{
    if (gone->period == 1 || gone->first == gone->last)
        return PK_OK;
    if (gone->period == 2 && line->step < SIGN / 2)
        return pk_lines_add(arena, out, line->low + (gone->first + 1) * line->step,
                            (gone->last - gone->first) / 2, line->step * 2);
    if ((gone->last - gone->first) / gone->period > PK_SET_RUNS_LIMIT)
        return PK_ELIMIT;
    int code = PK_OK;
    for (pk_u128 i = gone->first; i < gone->last && !code; i += gone->period)
        code = keep(arena, line, i + 1, i + gone->period, out);
    return code;
}

int pk_line_subtract(pk_arena *arena, const pk_line *line, const pk_line *taken, pk_lines *out)
{
    indices gone;
    if (!common(line, taken, &gone))
        return pk_lines_add(arena, out, line->low, line->count, line->step);
    int code = keep(arena, line, 0, gone.first, out);
    if (!code)
        code = keep_gaps(arena, line, &gone, out);
    return code ? code : keep(arena, line, gone.last + 1, line->count, out);
}
