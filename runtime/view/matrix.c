/* A matrix: groups by row and column become a sheet that is as wide as there are columns. */
#include <stdlib.h>
#include <string.h>

#include "view/internal.h"

/* What a group stands at, and what stands there. */
typedef struct entry {
    const uint8_t *row, *across; /* cells */
    uint32_t n_row, n_across;
    const uint8_t *cell;
} entry;

typedef struct matrix {
    pk_view *view;
    pk_arena arena;
    entry *entries;
    uint64_t n_entries;
    const entry **heads; /* an entry of each column, in order */
    uint32_t n_heads;
    uint32_t n_row, n_across, n_cell; /* columns of the view by role */
    pk_sheet_column *columns;
    pk_sheet sheet;
} matrix;

static int cells_order(const uint8_t *a, const uint8_t *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        int order = pk_cell_compare(a, b);
        if (order)
            return order;
        a += pk_cell_size(a);
        b += pk_cell_size(b);
    }
    return 0;
}

static int by_across(const void *left, const void *right)
{
    const entry *const *a = left, *const *b = right;
    return cells_order((*a)->across, (*b)->across, (*a)->n_across);
}

static int by_row(const void *left, const void *right)
{
    const entry *a = left, *b = right;
    int order = cells_order(a->row, b->row, a->n_row);
    return order ? order : cells_order(a->across, b->across, a->n_across);
}

static const pk_image_column *column_of(const matrix *m, pk_view_role role, uint32_t n)
{
    const pk_image_view *record = m->view->record;
    const pk_image_column *column = m->view->image->columns + record->columns;
    for (uint32_t i = 0; i < record->n_columns; i++, column++)
        if (column->role == (uint32_t)role && n-- == 0)
            return column;
    return NULL;
}

static uint32_t count_role(const pk_view *view, pk_view_role role)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < view->record->n_columns; i++)
        count += view->image->columns[view->record->columns + i].role == (uint32_t)role;
    return count;
}

static pk_sheet_column sheet_column(const matrix *m, const pk_image_column *column)
{
    return (pk_sheet_column){pk_image_text(m->view->image, column->name), column->field,
                             column->form};
}

/* A list of one, as a cell of several rows with one value is, stands for its element. */
static const uint8_t *lone(const uint8_t *cell)
{
    pk_cell_walk walk = pk_cell_begin(cell);
    pk_value value;
    bool one = pk_cell_next(&walk, &value) == PK_CELL_OPEN && walk.left[1] == 1;
    return one ? walk.at : cell;
}

static bool empty_list(const uint8_t *cell)
{
    pk_cell_walk walk = pk_cell_begin(cell);
    pk_value value;
    return pk_cell_next(&walk, &value) == PK_CELL_OPEN && walk.left[1] == 0;
}

/* The value at one place: of several expressions their texts together. */
static void put_place(matrix *m, const pk_value *args, pk_buf *out)
{
    pk_buf cell = {0}, text = {0};
    for (uint32_t i = 0; i < m->n_cell; i++) {
        const pk_image_column *column = column_of(m, PK_COLUMN_CELL, i);
        const pk_sheet_column how = sheet_column(m, column);
        pk_buf_clear(&cell);
        pk_view_group_cell(m->view, column, args, &cell);
        if (cell.failed)
            break;
        if (empty_list(cell.data))
            pk_buf_clear(&cell), pk_buf_byte(&cell, PK_UNDEFINED);
        const uint8_t *at = lone(cell.data);
        if (m->n_cell == 1) {
            pk_buf_add(out, at, pk_cell_size(at));
        } else if (!pk_cell_undefined(at)) {
            if (text.len)
                pk_buf_byte(&text, ' ');
            pk_sheet_text(&text, m->view->image, &how, at);
        }
    }
    if (m->n_cell > 1 && text.len)
        pk_cell_put_text(out, text.data, text.len);
    else if (m->n_cell > 1)
        pk_buf_byte(out, PK_UNDEFINED);
    out->failed |= cell.failed | text.failed;
    pk_buf_free(&cell);
    pk_buf_free(&text);
}

static const uint8_t *keep(matrix *m, const pk_buf *cells)
{
    uint8_t *copy = cells->failed ? NULL : pk_arena_alloc(&m->arena, cells->len);
    if (copy)
        memcpy(copy, cells->data, cells->len);
    return copy;
}

/* The keys of a group are the cells of its ROW and ACROSS columns in the order of the view. */
static void split_key(const matrix *m, const view_group *group, entry *ret_entry)
{
    const uint8_t *at = group->key;
    const pk_image_view *record = m->view->record;
    *ret_entry = (entry){.n_row = m->n_row, .n_across = m->n_across};
    for (uint32_t i = 0; i < record->n_columns; i++) {
        uint32_t role = m->view->image->columns[record->columns + i].role;
        if (role != PK_COLUMN_ROW && role != PK_COLUMN_ACROSS)
            continue;
        const uint8_t **first = role == PK_COLUMN_ROW ? &ret_entry->row : &ret_entry->across;
        *first = *first ? *first : at;
        at += pk_cell_size(at);
    }
}

static bool gather(matrix *m)
{
    pk_view *view = m->view;
    pk_buf cells = {0};
    pk_arena scratch = {0};
    bool good = true;
    m->entries = calloc(view->n_groups + 1, sizeof *m->entries);
    for (uint64_t i = 0; m->entries && good && i < view->n_groups; i++) {
        pk_value args[PK_VIEW_FUNCTIONS_LIMIT];
        pk_view_group_values(view, &view->groups[i], &scratch, args);
        if (view->record->having && !pk_view_group_holds(view, view->record->having, args))
            continue;
        pk_buf_clear(&cells);
        put_place(m, args, &cells);
        entry *at = &m->entries[m->n_entries++];
        split_key(m, &view->groups[i], at);
        at->cell = keep(m, &cells);
        good = at->cell != NULL;
        pk_arena_free(&scratch);
    }
    pk_buf_free(&cells);
    pk_arena_free(&scratch);
    if (m->entries && m->n_entries)
        qsort(m->entries, m->n_entries, sizeof *m->entries, by_row);
    return m->entries && good;
}

/* One entry for each column that occurs. */
static int find_heads(matrix *m, pk_error *reterr_)
{
    const entry **all = calloc(m->n_entries + 1, sizeof(const entry *));
    if (!all)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for a matrix");
    m->heads = all;
    for (uint64_t i = 0; i < m->n_entries; i++)
        all[i] = &m->entries[i];
    if (m->n_entries)
        qsort(all, m->n_entries, sizeof *all, by_across);
    uint64_t n = 0;
    for (uint64_t i = 0; i < m->n_entries; i++)
        if (!i || cells_order(all[n - 1]->across, all[i]->across, m->n_across) != 0)
            all[n++] = all[i];
    if (n + m->n_row > PK_SHEET_COLUMNS_LIMIT)
        return pk_error_set(reterr_, PK_ELIMIT,
                            "view `%s` has too many columns across (PK_SHEET_COLUMNS_LIMIT %d); "
                            "exchange row and col, or leave some out with where",
                            pk_image_text(m->view->image, m->view->record->name),
                            PK_SHEET_COLUMNS_LIMIT);
    m->n_heads = (uint32_t)n;
    return PK_OK;
}

static const char *head_text(matrix *m, const entry *head)
{
    pk_buf text = {0};
    const uint8_t *at = head->across;
    for (uint32_t i = 0; i < m->n_across; i++, at += pk_cell_size(at)) {
        const pk_sheet_column how = sheet_column(m, column_of(m, PK_COLUMN_ACROSS, i));
        if (i)
            pk_buf_byte(&text, ' ');
        if (pk_cell_undefined(at))
            pk_buf_byte(&text, '-');
        else
            pk_sheet_text(&text, m->view->image, &how, at);
    }
    const char *kept =
        text.failed ? NULL : pk_arena_strndup(&m->arena, pk_buf_cstr(&text), text.len);
    pk_buf_free(&text);
    return kept;
}

static bool open_sheet(matrix *m)
{
    pk_view *view = m->view;
    m->columns = pk_arena_array(&m->arena, m->n_row + m->n_heads + 1u, sizeof *m->columns);
    if (!m->columns)
        return false;
    for (uint32_t i = 0; i < m->n_row; i++)
        m->columns[i] = sheet_column(m, column_of(m, PK_COLUMN_ROW, i));
    for (uint32_t i = 0; i < m->n_heads; i++) {
        pk_sheet_column *column = &m->columns[m->n_row + i];
        if (m->n_cell == 1)
            *column = sheet_column(m, column_of(m, PK_COLUMN_CELL, 0));
        column->name = head_text(m, m->heads[i]);
        if (!column->name)
            return false;
    }
    return pk_sheet_open(&m->sheet, view->image, view->sheet.title, view->setup.format,
                         view->setup.width, m->columns, m->n_row + m->n_heads);
}

/* Entries `first` up to `end` have one row. */
static void put_row(matrix *m, uint64_t first, uint64_t end, pk_buf *out)
{
    pk_buf cells = {0};
    const uint8_t *at = m->entries[first].row;
    for (uint32_t i = 0; i < m->n_row; i++)
        at += pk_cell_size(at);
    pk_buf_add(&cells, m->entries[first].row, (size_t)(at - m->entries[first].row));
    for (uint32_t i = 0; i < m->n_heads; i++) {
        const entry *here = &m->entries[first];
        bool found =
            first < end && cells_order(here->across, m->heads[i]->across, m->n_across) == 0;
        if (found)
            pk_buf_add(&cells, here->cell, pk_cell_size(here->cell));
        else
            pk_buf_byte(&cells, PK_UNDEFINED);
        first += found;
    }
    if (!cells.failed)
        pk_sheet_row(&m->sheet, cells.data, out);
    out->failed |= cells.failed;
    pk_buf_free(&cells);
}

static void put_rows(matrix *m, pk_buf *out)
{
    for (uint64_t i = 0, end, written = 0; i < m->n_entries && written < m->view->limit; i = end) {
        end = i + 1;
        while (end < m->n_entries &&
               cells_order(m->entries[i].row, m->entries[end].row, m->n_row) == 0)
            end++;
        put_row(m, i, end, out);
        written++;
    }
}

int pk_view_matrix(pk_view *view, pk_buf *out, pk_error *reterr_)
{
    matrix m = {.view = view,
                .n_row = count_role(view, PK_COLUMN_ROW),
                .n_across = count_role(view, PK_COLUMN_ACROSS),
                .n_cell = count_role(view, PK_COLUMN_CELL)};
    int error = gather(&m) ? find_heads(&m, reterr_)
                           : pk_error_set(reterr_, PK_ENOMEM, "no memory for a matrix");
    if (!error && !open_sheet(&m))
        error = pk_error_set(reterr_, PK_ENOMEM, "no memory for a matrix");
    if (!error) {
        put_rows(&m, out);
        pk_sheet_finish(&m.sheet, out);
    }
    pk_sheet_free(&m.sheet);
    free(m.entries);
    free(m.heads);
    pk_arena_free(&m.arena);
    return error;
}
