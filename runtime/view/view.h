/*
 * Views: what is read out of the exchanges of a run, live or saved.
 *
 * A view of an image is opened, given rows one by one, and finished; what it writes is appended to
 * the caller's buffer as soon as it is known. A row is an exchange: a reply with its stimulus, or a
 * stimulus without a reply. Evaluated are, whatever the order in the source: conditions on rows,
 * groups, conditions on groups, columns, sort, limit.
 *
 * Memory: without groups and sorting a row is written and forgotten (a table first looks at
 * PK_SHEET_AHEAD rows to see how wide its columns are). Groups keep their key and what their
 * functions need, sorting keeps the rows; both end at PK_VIEW_MEMORY_LIMIT, told with its name.
 *
 * The view borrows image and machine, whose parameters must be set; it uses the machine during calls
 * only. One thread.
 */
#ifndef PK_VIEW_VIEW_H
#define PK_VIEW_VIEW_H

#include "base/error.h"
#include "vm/vm.h"

#define PK_VIEW_MEMORY_LIMIT (UINT64_C(1) << 30) /* bytes of rows and groups that are kept */

typedef struct pk_view pk_view;

typedef struct pk_view_row {
    const pk_tree *sent, *reply; /* NULL: none */
    pk_tree_node quoting;        /* the layer of `reply` whose payload is the quotation, or NONE */
    pk_u128 n;                   /* number in the set */
    uint32_t try;                /* from 1; 0: not known */
    int64_t rtt;                 /* ns, of a reply */
    int64_t time_ns;             /* since the epoch */
    bool answered;
} pk_view_row;

typedef struct pk_view_setup {
    const pk_image *image;
    pk_vm *vm;
    pk_ref view;
    pk_view_format
        format;     /* the view's own (image->views[view].format), or what the caller wants */
    unsigned width; /* columns of a table in characters; 0: 80 */
    /* Format pcapng: each row that is left, to be written by the caller. Nonzero ends with that. */
    int (*packets)(void *context, const pk_view_row *row);
    void *context;
} pk_view_setup;

/* PK_ENOENT when the image has no such view. */
int pk_view_open(pk_view **ret_view, const pk_view_setup *setup, pk_error *reterr_);

int pk_view_row_add(pk_view *view, const pk_view_row *row, pk_buf *out, pk_error *reterr_);

/* All that is left to be written. */
int pk_view_finish(pk_view *view, pk_buf *out, pk_error *reterr_);

/* True when no further row can change anything: the limit is reached. */
bool pk_view_full(const pk_view *view);

void pk_view_free(pk_view *view);

/* The view of that name, 0 = none; and the first that reads runs of `probe`, 0 = none. */
pk_ref pk_view_find(const pk_image *image, const char *name);
pk_ref pk_view_first(const pk_image *image, pk_ref probe);

/* The format of that name; false when there is none (pcapng has no name here: it needs a file). */
bool pk_view_format_find(const char *name, pk_view_format *ret_format);

#endif
