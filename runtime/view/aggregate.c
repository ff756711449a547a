#include "view/aggregate.h"

#include <stdlib.h>
#include <string.h>

#include "view/sheet.h"

#define LOWEST (UINT64_C(1) << 63) /* turns the order of signed numbers into that of unsigned */
enum { UNIQ_LEAST = 4096 /* bytes of cells before repetitions are taken out for the first time */ };

void pk_accumulator_free(pk_accumulator *at)
{
    pk_buf_free(&at->cells);
}

static void append(pk_accumulator *at, const uint8_t *cell)
{
    pk_buf_add(&at->cells, cell, pk_cell_size(cell));
    at->n_cells++;
}

static void replace(pk_accumulator *at, const uint8_t *cell)
{
    pk_buf_clear(&at->cells);
    at->n_cells = 0;
    append(at, cell);
}

/* ---- lists in order ---------------------------------------------------------------------------- */

/* A cell and its place among the cells. */
typedef struct placed {
    const uint8_t *cell;
    uint64_t place;
} placed;

static int by_value(const void *a, const void *b)
{
    const placed *x = a, *y = b;
    int order = pk_cell_compare(x->cell, y->cell);
    return order ? order : (x->place > y->place) - (x->place < y->place);
}

static int by_place(const void *a, const void *b)
{
    const placed *x = a, *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

/* All cells, ascending; to be freed. NULL without memory, or cells. */
static placed *in_order(const pk_accumulator *at)
{
    placed *list = at->n_cells ? calloc(at->n_cells, sizeof *list) : NULL;
    const uint8_t *cell = at->cells.data;
    for (uint64_t i = 0; list && i < at->n_cells; i++, cell += pk_cell_size(cell))
        list[i] = (placed){cell, i};
    if (list)
        qsort(list, at->n_cells, sizeof *list, by_value);
    return list;
}

/* Of equal cells the first stays, all in the order in which they came. */
static void take_out_repetitions(pk_accumulator *at)
{
    placed *list = in_order(at);
    pk_buf kept = {0};
    uint64_t n = 0;
    at->cells.failed |= at->n_cells && !list;
    for (uint64_t i = 0; list && i < at->n_cells; i++)
        if (i == 0 || pk_cell_compare(list[i - 1].cell, list[i].cell) != 0)
            list[n++] = list[i];
    if (list)
        qsort(list, n, sizeof *list, by_place);
    for (uint64_t i = 0; list && i < n; i++)
        pk_buf_add(&kept, list[i].cell, pk_cell_size(list[i].cell));
    if (list) {
        pk_buf_free(&at->cells);
        at->cells = kept;
        at->n_cells = n;
    }
    free(list);
    at->sorted_at = at->cells.len;
}

/* ---- one more row ------------------------------------------------------------------------------ */

static void add_unique(pk_accumulator *at, const uint8_t *cell)
{
    append(at, cell);
    if (at->cells.len > UNIQ_LEAST && at->cells.len > 2 * at->sorted_at)
        take_out_repetitions(at);
}

static bool holds(const uint8_t *cell)
{
    pk_cell_walk walk = pk_cell_begin(cell);
    pk_value value;
    pk_cell_event event = pk_cell_next(&walk, &value);
    return event == PK_CELL_OPEN ? walk.left[1] != 0 : pk_value_truth(value);
}

static void add_number(pk_accumulator *at, const uint8_t *cell)
{
    pk_cell_walk walk = pk_cell_begin(cell);
    pk_value value;
    for (pk_cell_event event; (event = pk_cell_next(&walk, &value)) != PK_CELL_END;) {
        if (event != PK_CELL_VALUE || value.kind != PK_INT)
            continue;
        at->sum += (uint64_t)value.number ^ LOWEST;
        at->count++;
    }
}

static void add_condition(pk_accumulator *at, pk_aggregate kind, const uint8_t *cell)
{
    bool held = !cell || holds(cell);
    at->count += held;
    at->flag |= kind == PK_AGG_ALL ? !held : held;
}

static bool is_condition(pk_aggregate kind)
{
    return kind == PK_AGG_COUNT || kind == PK_AGG_ANY || kind == PK_AGG_ALL;
}

void pk_accumulator_add(pk_accumulator *at, pk_aggregate kind, const uint8_t *cell)
{
    if (is_condition(kind)) {
        add_condition(at, kind, cell);
        return;
    }
    if (!cell || pk_cell_undefined(cell))
        return;
    switch (kind) {
    case PK_AGG_FIRST:
        if (!at->n_cells)
            append(at, cell);
        break;
    case PK_AGG_LAST:
        replace(at, cell);
        break;
    case PK_AGG_MIN:
        if (!at->n_cells || pk_cell_compare(cell, at->cells.data) < 0)
            replace(at, cell);
        break;
    case PK_AGG_MAX:
        if (!at->n_cells || pk_cell_compare(cell, at->cells.data) > 0)
            replace(at, cell);
        break;
    case PK_AGG_MEAN:
        add_number(at, cell);
        break;
    case PK_AGG_LIST:
    case PK_AGG_QUANTILE:
        append(at, cell);
        break;
    case PK_AGG_UNIQ:
    case PK_AGG_RANGES:
        add_unique(at, cell);
        break;
    case PK_AGG_COUNT:
    case PK_AGG_ANY:
    case PK_AGG_ALL:
    case PK_AGG_DELTA:
        break;
    }
}

/* ---- what it comes to -------------------------------------------------------------------------- */

/* To the nearest integer, halves upwards. */
static pk_value mean(const pk_accumulator *at)
{
    if (!at->count)
        return pk_value_undefined();
    uint64_t raised = (uint64_t)((at->sum + at->count / 2) / at->count);
    return pk_value_int((int64_t)(raised ^ LOWEST));
}

/* The least value that the fraction of all values does not exceed (nearest rank). */
static pk_value quantile(const pk_accumulator *at, uint32_t millionths, pk_arena *arena)
{
    placed *list = in_order(at);
    if (!list)
        return pk_value_undefined();
    uint64_t rank = (uint64_t)(((pk_u128)at->n_cells * millionths + 999999) / 1000000);
    pk_value value = pk_cell_value(list[rank ? rank - 1 : 0].cell, arena);
    free(list);
    return value;
}

static pk_value all_values(const pk_accumulator *at, pk_arena *arena)
{
    pk_value *values = pk_arena_array(arena, at->n_cells + 1, sizeof *values);
    const uint8_t *cell = at->cells.data;
    if (!values || at->n_cells > UINT32_MAX)
        return pk_value_undefined();
    for (uint64_t i = 0; i < at->n_cells; i++, cell += pk_cell_size(cell))
        values[i] = pk_cell_value(cell, arena);
    return pk_value_many(values, (uint32_t)at->n_cells);
}

/* Is b the number, or the address, behind a? */
static bool follows(pk_value a, pk_value b)
{
    if (a.kind != b.kind)
        return false;
    if (a.kind == PK_INT)
        return a.number != INT64_MAX && b.number == a.number + 1;
    if (a.kind != PK_BYTES || a.len != b.len || !a.len)
        return false;
    uint32_t at = a.len;
    while (at-- > 0) {
        if (b.bytes[at] != (uint8_t)(a.bytes[at] + 1))
            return false;
        if (a.bytes[at] != 0xff)
            return memcmp(a.bytes, b.bytes, at) == 0;
    }
    return false;
}

static pk_value ranges(const pk_accumulator *at, const pk_image *image,
                       const pk_image_aggregate *record, pk_arena *arena)
{
    const pk_sheet_column how = {.field = record->field, .form = record->form};
    placed *list = in_order(at);
    pk_buf text = {0};
    for (uint64_t i = 0, end; list && i < at->n_cells; i = end + 1) {
        end = i;
        while (end + 1 < at->n_cells && follows(pk_cell_value(list[end].cell, arena),
                                                pk_cell_value(list[end + 1].cell, arena)))
            end++;
        pk_buf_text(&text, i ? ", " : "");
        pk_sheet_text(&text, image, &how, list[i].cell);
        if (end > i) {
            pk_buf_text(&text, "..");
            pk_sheet_text(&text, image, &how, list[end].cell);
        }
    }
    char *kept = text.failed ? NULL : pk_arena_strndup(arena, pk_buf_cstr(&text), text.len);
    pk_value value = kept && text.len ? pk_value_bytes((uint8_t *)kept, (uint32_t)text.len)
                                      : pk_value_undefined();
    pk_buf_free(&text);
    free(list);
    return value;
}

pk_value pk_accumulator_value(pk_accumulator *at, const pk_image *image,
                              const pk_image_aggregate *record, pk_arena *arena)
{
    pk_aggregate kind = (pk_aggregate)record->kind;
    if (kind == PK_AGG_UNIQ || kind == PK_AGG_RANGES)
        take_out_repetitions(at);
    switch (kind) {
    case PK_AGG_COUNT:
        return pk_value_int((int64_t)at->count);
    case PK_AGG_ANY:
        return pk_value_int(at->flag);
    case PK_AGG_ALL:
        return pk_value_int(!at->flag);
    case PK_AGG_MEAN:
        return mean(at);
    case PK_AGG_QUANTILE:
        return quantile(at, record->number, arena);
    case PK_AGG_LIST:
    case PK_AGG_UNIQ:
        return all_values(at, arena);
    case PK_AGG_RANGES:
        return ranges(at, image, record, arena);
    case PK_AGG_FIRST:
    case PK_AGG_LAST:
    case PK_AGG_MIN:
    case PK_AGG_MAX:
        return at->n_cells ? pk_cell_value(at->cells.data, arena) : pk_value_undefined();
    case PK_AGG_DELTA:
        break;
    }
    return pk_value_undefined();
}
