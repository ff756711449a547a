/*
 * What the files of a view share: view.c evaluates rows, group.c keeps groups, kept.c sorts and
 * limits what is left, matrix.c makes a sheet of groups.
 */
#ifndef PK_VIEW_INTERNAL_H
#define PK_VIEW_INTERNAL_H

#include "view/aggregate.h"
#include "view/sheet.h"
#include "view/view.h"

enum { PK_VIEW_ROW_ARGUMENTS = PK_VIEW_ARGUMENTS + PK_VIEW_FUNCTIONS_LIMIT };

typedef struct view_group {
    uint64_t hash;
    const uint8_t *key; /* cells of the key columns, in the arena */
    uint32_t key_len;
    pk_accumulator *functions; /* n_aggregates of them */
} view_group;

/* A row that waits for its turn: the cells of its sort keys, then those of its columns. */
typedef struct kept_row {
    const uint8_t *cells;
    uint64_t place;
    const pk_view *view;
} kept_row;

struct pk_view {
    pk_view_setup setup;
    const pk_image *image;
    const pk_image_view *record;
    pk_tree empty; /* stands for a reply that is not there */
    bool matrix;

    uint64_t limit, written;                    /* rows; limit UINT64_MAX: none */
    pk_value previous[PK_VIEW_FUNCTIONS_LIMIT]; /* of running functions */
    pk_buf cells, key, line;
    uint64_t memory; /* bytes of rows and groups kept */

    pk_arena arena;
    view_group *groups;
    uint64_t n_groups, cap_groups;
    uint64_t *table; /* open addressing: 1 + group, 0 = free; a power of two */
    uint64_t cap_table;

    kept_row *kept;
    uint64_t n_kept, cap_kept;
    uint32_t n_sort; /* sort keys */

    pk_sheet sheet;
    pk_sheet_column columns[PK_VIEW_COLUMNS_LIMIT];
};

/* ---- view.c ---- */
bool pk_view_over_row(const pk_view *view, const pk_image_column *column);
/* Evaluates an expression over a group and appends its cell. */
void pk_view_group_cell(pk_view *view, const pk_image_column *column, const pk_value *args,
                        pk_buf *out);
bool pk_view_group_holds(pk_view *view, pk_ref condition, const pk_value *args);
/* Notes `bytes` more; PK_ELIMIT with the limit's name. */
int pk_view_use_memory(pk_view *view, uint64_t bytes, pk_error *reterr_);
/* A row of the sheet is ready: its sort keys' cells and its columns'. */
int pk_view_emit(pk_view *view, const uint8_t *cells, size_t len, pk_buf *out, pk_error *reterr_);

/* ---- group.c ---- */
/* The group of view->key, made when it is new; NULL after an error. */
view_group *pk_view_group_of(pk_view *view, pk_error *reterr_);
/* What its aggregates come to. */
void pk_view_group_values(pk_view *view, view_group *group, pk_arena *arena,
                          pk_value ret_args[PK_VIEW_FUNCTIONS_LIMIT]);
void pk_view_groups_free(pk_view *view);

/* ---- matrix.c ---- */
int pk_view_matrix(pk_view *view, pk_buf *out, pk_error *reterr_);

/* ---- kept.c ---- */
int pk_view_keep(pk_view *view, const uint8_t *cells, size_t len, pk_error *reterr_);
void pk_view_put_kept(pk_view *view, pk_buf *out);
/* Writes one row, its sort keys passed over, unless the limit is reached. */
void pk_view_put(pk_view *view, const uint8_t *cells, pk_buf *out);

#endif
