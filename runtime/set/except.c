/* pk_set_except. What is taken away is put in order first: stretches of neighbouring values are
 * merged into intervals, progressions kept apart, blobs sorted. Each run of the set then meets only
 * what overlaps it. */
#include "set/set.h"

#include <stdlib.h>
#include <string.h>

#include "set/line.h"

enum { CLASSES = 4 /* integers, addresses of 4, 6 and 16 bytes */ };

typedef struct without_class {
    pk_lines intervals; /* ascending, apart from each other */
    pk_lines stepped;   /* ascending by low */
    pk_u128 *reach;     /* by stepped: the greatest position of it and those before it */
} without_class;

typedef struct exception {
    pk_arena scratch;
    without_class classes[CLASSES];
    pk_bytes *blobs; /* ascending */
    uint32_t n_blobs;
    pk_lines pieces, spare; /* of the run at hand */
    uint64_t work;          /* pieces looked at */
} exception;

static unsigned class_of(const pk_run *run)
{
    if (run->kind == PK_RUN_INT)
        return 0;
    return run->width == 4 ? 1 : run->width == 6 ? 2 : 3;
}

static int compare_lines(const void *a, const void *b)
{
    const pk_line *x = a, *y = b;
    return (x->low > y->low) - (x->low < y->low);
}

static int compare_blobs(const void *a, const void *b)
{
    const pk_bytes *x = a, *y = b;
    if (x->len != y->len || !x->len)
        return (x->len > y->len) - (x->len < y->len);
    return memcmp(x->data, y->data, x->len);
}

/* ---- putting in order --------------------------------------------------------------------------
 */

static int take_run(exception *ex, const pk_run *run)
{
    if (run->kind == PK_RUN_BLOB) {
        ex->blobs[ex->n_blobs++] = run->blob;
        return PK_OK;
    }
    without_class *class = &ex->classes[class_of(run)];
    pk_line line = pk_line_of_run(run);
    bool interval = line.step == 1 || line.count == 1;
    return pk_lines_add(&ex->scratch, interval ? &class->intervals : &class->stepped, line.low,
                        line.count, line.step);
}

static void merge_intervals(pk_lines *lines)
{
    uint32_t n = 0;
    if (!lines->count)
        return;
    qsort(lines->at, lines->count, sizeof *lines->at, compare_lines);
    for (uint32_t i = 1; i < lines->count; i++) {
        pk_line *last = &lines->at[n];
        const pk_line *next = &lines->at[i];
        pk_u128 high = pk_line_high(last), next_high = pk_line_high(next);
        if (next->low > high && next->low - high > 1)
            lines->at[++n] = *next;
        else if (next_high > high)
            last->count = next_high - last->low + 1;
    }
    lines->count = n + 1;
}

static int order_stepped(exception *ex, without_class *class)
{
    pk_lines *lines = &class->stepped;
    class->reach = pk_arena_array(&ex->scratch, lines->count, sizeof *class->reach);
    if (!class->reach)
        return PK_ENOMEM;
    if (lines->count)
        qsort(lines->at, lines->count, sizeof *lines->at, compare_lines);
    for (uint32_t i = 0; i < lines->count; i++) {
        pk_u128 high = pk_line_high(&lines->at[i]);
        class->reach[i] = i && class->reach[i - 1] > high ? class->reach[i - 1] : high;
    }
    return PK_OK;
}

static int put_in_order(exception *ex, const pk_set *without)
{
    int code = PK_OK;
    ex->blobs = pk_arena_array(&ex->scratch, without->n_runs, sizeof *ex->blobs);
    if (!ex->blobs)
        return PK_ENOMEM;
    for (uint32_t i = 0; i < without->n_runs && !code; i++)
        code = take_run(ex, &without->runs[i]);
    if (!code && ex->n_blobs)
        qsort(ex->blobs, ex->n_blobs, sizeof *ex->blobs, compare_blobs);
    for (unsigned i = 0; i < CLASSES && !code; i++) {
        merge_intervals(&ex->classes[i].intervals);
        code = order_stepped(ex, &ex->classes[i]);
    }
    return code;
}

/* ---- one run -----------------------------------------------------------------------------------
 */

/* How many of the lines begin at `position` or before. */
static uint32_t beginning_by(const pk_lines *lines, pk_u128 position)
{
    uint32_t lo = 0, hi = lines->count;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (lines->at[mid].low <= position)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* `line` without the intervals that overlap it, from the lowest up: each meets only the piece that
 * the one before it left last. */
static int cut_intervals(exception *ex, const pk_lines *intervals, const pk_line *line)
{
    pk_u128 high = pk_line_high(line);
    uint32_t i = beginning_by(intervals, line->low);
    if (i)
        i--;
    int code = pk_lines_add(&ex->scratch, &ex->pieces, line->low, line->count, line->step);
    for (; i < intervals->count && intervals->at[i].low <= high && !code; i++) {
        if (!ex->pieces.count)
            break;
        pk_line last = ex->pieces.at[--ex->pieces.count];
        code = pk_line_subtract(&ex->scratch, &last, &intervals->at[i], &ex->pieces);
    }
    return code;
}

static int cut_stepped(exception *ex, const pk_line *taken)
{
    pk_lines before = ex->pieces;
    ex->pieces = ex->spare;
    ex->pieces.count = 0;
    ex->spare = before;
    int code = PK_OK;
    for (uint32_t i = 0; i < before.count && !code; i++)
        code = ++ex->work > PK_SET_WORK_LIMIT
                   ? PK_ELIMIT
                   : pk_line_subtract(&ex->scratch, &before.at[i], taken, &ex->pieces);
    return code;
}

/* Leaves in ex->pieces what remains of the run. */
static int cut(exception *ex, const pk_run *run)
{
    const without_class *class = &ex->classes[class_of(run)];
    pk_line line = pk_line_of_run(run);
    ex->pieces.count = 0;
    int code = cut_intervals(ex, &class->intervals, &line);
    uint32_t i = beginning_by(&class->stepped, pk_line_high(&line));
    while (i-- > 0 && class->reach[i] >= line.low && !code)
        code = cut_stepped(ex, &class->stepped.at[i]);
    return code;
}

/* ---- all of them -------------------------------------------------------------------------------
 */

static int append_run(pk_arena *arena, pk_set *set, const pk_run *run)
{
    pk_set one = {.runs = (pk_run *)run, .n_runs = 1, .count = run->count};
    return pk_set_join(arena, set, &one);
}

static int append_pieces(const exception *ex, pk_arena *arena, pk_set *set, const pk_run *run)
{
    const pk_lines *pieces = &ex->pieces;
    int code = PK_OK;
    for (uint32_t i = 0; i < pieces->count && !code; i++) {
        uint32_t at = run->step < 0 ? pieces->count - 1 - i : i;
        pk_run piece = pk_line_to_run(&pieces->at[at], run);
        code = append_run(arena, set, &piece);
    }
    return code;
}

static int except_run(exception *ex, pk_arena *arena, pk_set *kept, const pk_run *run)
{
    if (run->kind == PK_RUN_BLOB) {
        bool gone = ex->n_blobs &&
                    bsearch(&run->blob, ex->blobs, ex->n_blobs, sizeof *ex->blobs, compare_blobs);
        return gone ? PK_OK : append_run(arena, kept, run);
    }
    int code = cut(ex, run);
    return code ? code : append_pieces(ex, arena, kept, run);
}

int pk_set_except(pk_arena *arena, pk_set *set, const pk_set *without)
{
    exception ex = {0};
    pk_set kept = {0};
    if (set->views || without->views)
        return PK_EFORMAT;
    int code = put_in_order(&ex, without);
    for (uint32_t i = 0; i < set->n_runs && !code; i++)
        code = except_run(&ex, arena, &kept, &set->runs[i]);
    pk_arena_free(&ex.scratch);
    if (!code)
        *set = kept;
    return code;
}
