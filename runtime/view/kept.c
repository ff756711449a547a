#include <stdlib.h>
#include <string.h>

#include "view/internal.h"

static const uint8_t *behind_sort_keys(const pk_view *view, const uint8_t *cells)
{
    for (uint32_t i = 0; i < view->n_sort; i++)
        cells += pk_cell_size(cells);
    return cells;
}

void pk_view_put(pk_view *view, const uint8_t *cells, pk_buf *out)
{
    if (view->written >= view->limit)
        return;
    view->written++;
    pk_sheet_row(&view->sheet, behind_sort_keys(view, cells), out);
}

int pk_view_keep(pk_view *view, const uint8_t *cells, size_t len, pk_error *reterr_)
{
    int error = pk_view_use_memory(view, len + sizeof(kept_row), reterr_);
    if (error)
        return error;
    if (view->n_kept == view->cap_kept) {
        uint64_t cap = view->cap_kept ? view->cap_kept * 2 : 256;
        kept_row *grown = realloc(view->kept, cap * sizeof *grown);
        if (!grown)
            return pk_error_set(reterr_, PK_ENOMEM, "no memory for the rows of a view");
        view->kept = grown;
        view->cap_kept = cap;
    }
    uint8_t *copy = pk_arena_alloc(&view->arena, len);
    if (!copy)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for the rows of a view");
    memcpy(copy, cells, len);
    view->kept[view->n_kept] = (kept_row){copy, view->n_kept, view};
    view->n_kept++;
    return PK_OK;
}

/* Undefined stays behind everything, also descending. */
static int key_order(const uint8_t *a, const uint8_t *b, bool descending)
{
    int order = pk_cell_compare(a, b);
    bool undefined = pk_cell_undefined(a) || pk_cell_undefined(b);
    return descending && !undefined ? -order : order;
}

static int row_order(const void *left, const void *right)
{
    const kept_row *a = left, *b = right;
    const pk_view *view = a->view;
    const uint8_t *x = a->cells, *y = b->cells;
    for (uint32_t i = 0; i < view->record->n_columns; i++) {
        const pk_image_column *column = &view->image->columns[view->record->columns + i];
        if (column->role != PK_COLUMN_SORT)
            continue;
        int order = key_order(x, y, column->flags & PK_COLUMN_DESCENDING);
        if (order)
            return order;
        x += pk_cell_size(x);
        y += pk_cell_size(y);
    }
    return (a->place > b->place) - (a->place < b->place);
}

void pk_view_put_kept(pk_view *view, pk_buf *out)
{
    if (view->n_kept)
        qsort(view->kept, view->n_kept, sizeof *view->kept, row_order);
    for (uint64_t i = 0; i < view->n_kept; i++)
        pk_view_put(view, view->kept[i].cells, out);
}
