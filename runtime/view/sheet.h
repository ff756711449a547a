/*
 * A sheet: columns with names, rows of cells, written as text in one of the formats of views.
 *
 *   table  columns as wide as they need, numbers to the right, within the width asked for: where
 *          it is not enough, wide columns break their texts at blanks over several lines
 *   csv    RFC 4180 with a line of names; durations in seconds
 *   json   an object a line: {"v":1,"view":"ports","row":{"host":"10.0.0.1","open":[22,80]}}
 *   md     a table of Markdown
 *   tex    a tabular of LaTeX
 *
 * Undefined is `-` in a table, md and tex, nothing in csv, null in json. Rows are written as they
 * come, but for a table, which keeps PK_SHEET_AHEAD of them to see their widths.
 */
#ifndef PK_VIEW_SHEET_H
#define PK_VIEW_SHEET_H

#include "view/cell.h"

enum {
    PK_SHEET_AHEAD = 256,
    PK_SHEET_COLUMNS_LIMIT = 512 /* columns, those of a matrix included */
};

typedef struct pk_sheet_column {
    const char *name; /* borrowed */
    pk_ref field;     /* FLD as which values are written, 0 = form says */
    uint32_t form;    /* pk_view_form */
} pk_sheet_column;

typedef struct pk_sheet {
    const pk_image *image;
    const char *title; /* the view's name */
    pk_view_format format;
    unsigned width;
    const pk_sheet_column *columns; /* borrowed */
    uint32_t n_columns;
    bool headed;
    bool settled;     /* the widths of a table are known */
    uint32_t *widths; /* of columns, and of the longest word in each behind them */
    uint8_t *numbers; /* whether columns hold numbers, and whether anything else */
    pk_buf ahead;     /* cells of the rows that wait */
    uint32_t n_ahead;
    pk_buf text, line;
} pk_sheet;

/* False without memory. `columns` must last as long as the sheet. */
bool pk_sheet_open(pk_sheet *ret_sheet, const pk_image *image, const char *title,
                   pk_view_format format, unsigned width, const pk_sheet_column *columns,
                   uint32_t n_columns);
void pk_sheet_free(pk_sheet *sheet);

/* A row: a cell for each column, one behind the other. */
void pk_sheet_row(pk_sheet *sheet, const uint8_t *cells, pk_buf *out);

/* What waits, and what the format ends with. */
void pk_sheet_finish(pk_sheet *sheet, pk_buf *out);

/* One cell as text for people, not escaped. */
void pk_sheet_text(pk_buf *out, const pk_image *image, const pk_sheet_column *column,
                   const uint8_t *cell);

#endif
