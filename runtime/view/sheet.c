#include "view/sheet.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "tree/value_text.h"

enum {
    GAP = 2,         /* blanks between the columns of a table */
    SEEN_NUMBER = 1, /* what a column holds */
    SEEN_OTHER = 2
};
#define EXACT INT64_C(9007199254740992) /* 2^53: integers up to there survive as doubles */

/* ---- values as text ---------------------------------------------------------------------------- */

static bool is_seconds(const pk_sheet *sheet, const pk_sheet_column *column)
{
    return column->form == PK_WRITTEN_DURATION && sheet->format == PK_VIEW_CSV;
}

static void put_seconds(pk_buf *out, int64_t nanoseconds)
{
    uint64_t size = nanoseconds < 0 ? 0 - (uint64_t)nanoseconds : (uint64_t)nanoseconds;
    pk_buf_printf(out, "%s%llu.%09llu", nanoseconds < 0 ? "-" : "",
                  (unsigned long long)(size / 1000000000), (unsigned long long)(size % 1000000000));
}

static void put_value(pk_buf *out, const pk_image *image, const pk_sheet_column *column,
                      pk_value value)
{
    if (column->field)
        pk_text_value(out, image, column->field, value, false, pk_value_undefined());
    else
        pk_text_form(out, (pk_view_form)column->form, value);
}

/* Elements by comma; lists in a list in brackets. */
static void put_cell(pk_buf *out, const pk_image *image, const pk_sheet_column *column,
                     const uint8_t *cell, bool seconds)
{
    pk_cell_walk walk = pk_cell_begin(cell);
    pk_value value;
    bool first = true;
    for (;;) {
        pk_cell_event event = pk_cell_next(&walk, &value);
        if (event == PK_CELL_END)
            return;
        if (event == PK_CELL_CLOSE) {
            first = false;
            if (walk.depth)
                pk_buf_byte(out, ']');
            continue;
        }
        if (!first)
            pk_buf_text(out, ", ");
        first = event == PK_CELL_OPEN;
        if (event == PK_CELL_OPEN && walk.depth > 1)
            pk_buf_byte(out, '[');
        else if (event == PK_CELL_VALUE && seconds && value.kind == PK_INT)
            put_seconds(out, value.number);
        else if (event == PK_CELL_VALUE)
            put_value(out, image, column, value);
    }
}

void pk_sheet_text(pk_buf *out, const pk_image *image, const pk_sheet_column *column,
                   const uint8_t *cell)
{
    put_cell(out, image, column, cell, false);
}

/* ---- json -------------------------------------------------------------------------------------- */

static bool is_flags(const pk_image *image, const pk_sheet_column *column)
{
    pk_ref names = image->fields[column->field].names;
    return names && image->enums[names].flags & 1;
}

static void put_json_value(pk_sheet *sheet, pk_buf *out, const pk_sheet_column *column,
                           pk_value value)
{
    const pk_image_field *field = &sheet->image->fields[column->field];
    bool number = value.kind == PK_INT && column->form != PK_WRITTEN_MOMENT &&
                  !is_flags(sheet->image, column);
    bool exact = column->field ? field->bits && field->bits <= 53
                               : value.number <= EXACT && value.number >= -EXACT;
    if (value.kind == PK_UNDEFINED) {
        pk_buf_text(out, "null");
    } else if (number && column->form == PK_WRITTEN_DURATION) {
        put_seconds(out, value.number);
    } else if (number && exact) {
        pk_text_signed(out, value.number);
    } else if (number) {
        pk_buf_byte(out, '"');
        pk_text_integer(out, &(pk_image_field){.type = field->type}, value.number);
        pk_buf_byte(out, '"');
    } else {
        pk_buf_clear(&sheet->text);
        put_value(&sheet->text, sheet->image, column, value);
        pk_escape_json(out, sheet->text.data, sheet->text.len);
    }
}

static void put_json_cell(pk_sheet *sheet, pk_buf *out, const pk_sheet_column *column,
                          const uint8_t *cell)
{
    pk_cell_walk walk = pk_cell_begin(cell);
    pk_value value;
    bool first = true;
    for (;;) {
        pk_cell_event event = pk_cell_next(&walk, &value);
        if (event == PK_CELL_END)
            return;
        if (event != PK_CELL_CLOSE && !first)
            pk_buf_byte(out, ',');
        first = event == PK_CELL_OPEN;
        if (event == PK_CELL_VALUE)
            put_json_value(sheet, out, column, value);
        else
            pk_buf_byte(out, event == PK_CELL_OPEN ? '[' : ']');
    }
}

static void put_json_row(pk_sheet *sheet, const uint8_t *cells, pk_buf *out)
{
    pk_buf_text(out, "{\"v\":1,\"view\":");
    pk_escape_json(out, sheet->title, strlen(sheet->title));
    pk_buf_text(out, ",\"row\":{");
    for (uint32_t i = 0; i < sheet->n_columns; i++) {
        if (i)
            pk_buf_byte(out, ',');
        pk_escape_json(out, sheet->columns[i].name, strlen(sheet->columns[i].name));
        pk_buf_byte(out, ':');
        put_json_cell(sheet, out, &sheet->columns[i], cells);
        cells += pk_cell_size(cells);
    }
    pk_buf_text(out, "}}\n");
}

/* ---- csv, md, tex ------------------------------------------------------------------------------ */

static void put_csv(pk_buf *out, const pk_buf *text)
{
    const char *at = pk_buf_cstr(text);
    bool quoted = strpbrk(at, ",\"\n\r") != NULL || (text->len && (*at == ' ' || *at == '#'));
    if (quoted)
        pk_buf_byte(out, '"');
    for (; *at; at++) {
        if (*at == '"')
            pk_buf_byte(out, '"');
        pk_buf_byte(out, (uint8_t)*at);
    }
    if (quoted)
        pk_buf_byte(out, '"');
}

static void put_markdown(pk_buf *out, const pk_buf *text)
{
    for (const char *at = pk_buf_cstr(text); *at; at++) {
        if (strchr("|\\`*_<>[]", *at))
            pk_buf_byte(out, '\\');
        pk_buf_byte(out, (uint8_t)*at);
    }
}

static void put_tex(pk_buf *out, const pk_buf *text)
{
    for (const char *at = pk_buf_cstr(text); *at; at++) {
        if (strchr("&%$#_{}", *at))
            pk_buf_printf(out, "\\%c", *at);
        else if (*at == '\\')
            pk_buf_text(out, "\\textbackslash{}");
        else if (*at == '~' || *at == '^')
            pk_buf_printf(out, "\\%c{}", *at);
        else
            pk_buf_byte(out, (uint8_t)*at);
    }
}

typedef struct marks {
    const char *before, *between, *behind;
    void (*put)(pk_buf *out, const pk_buf *text);
    const char *undefined;
} marks;

static marks marks_of(pk_view_format format)
{
    if (format == PK_VIEW_MARKDOWN)
        return (marks){"| ", " | ", " |\n", put_markdown, "-"};
    if (format == PK_VIEW_TEX)
        return (marks){"", " & ", " \\\\\n", put_tex, "-"};
    return (marks){"", ",", "\n", put_csv, ""};
}

/* The text of a cell, safe to show, into sheet->line. */
static void shown_text(pk_sheet *sheet, const pk_sheet_column *column, const uint8_t *cell,
                       const char *undefined)
{
    pk_buf_clear(&sheet->text);
    pk_buf_clear(&sheet->line);
    put_cell(&sheet->text, sheet->image, column, cell, is_seconds(sheet, column));
    if (pk_cell_undefined(cell) || (!sheet->text.len && sheet->format != PK_VIEW_CSV))
        pk_buf_text(&sheet->line, undefined);
    else
        pk_escape_terminal(&sheet->line, sheet->text.data, sheet->text.len);
}

static void shown_name(pk_sheet *sheet, uint32_t column)
{
    const char *name = sheet->columns[column].name;
    pk_buf_clear(&sheet->line);
    pk_escape_terminal(&sheet->line, name, strlen(name));
}

static void put_marked_row(pk_sheet *sheet, const uint8_t *cells, pk_buf *out)
{
    marks how = marks_of(sheet->format);
    pk_buf_text(out, how.before);
    for (uint32_t i = 0; i < sheet->n_columns; i++) {
        if (i)
            pk_buf_text(out, how.between);
        if (cells)
            shown_text(sheet, &sheet->columns[i], cells, how.undefined);
        else
            shown_name(sheet, i);
        how.put(out, &sheet->line);
        if (cells)
            cells += pk_cell_size(cells);
    }
    pk_buf_text(out, how.behind);
}

static void put_marked_head(pk_sheet *sheet, pk_buf *out)
{
    if (sheet->format == PK_VIEW_TEX) {
        pk_buf_text(out, "\\begin{tabular}{");
        for (uint32_t i = 0; i < sheet->n_columns; i++)
            pk_buf_byte(out, 'l');
        pk_buf_text(out, "}\n");
    }
    put_marked_row(sheet, NULL, out);
    if (sheet->format == PK_VIEW_TEX)
        pk_buf_text(out, "\\hline\n");
    for (uint32_t i = 0; sheet->format == PK_VIEW_MARKDOWN && i < sheet->n_columns; i++)
        pk_buf_text(out, i ? "---|" : "|---|");
    if (sheet->format == PK_VIEW_MARKDOWN)
        pk_buf_byte(out, '\n');
}

/* ---- tables ------------------------------------------------------------------------------------ */

static uint32_t letters(const char *text, size_t len)
{
    uint32_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += (text[i] & 0xc0) != 0x80;
    return count;
}

/* How much of `text` goes on a line of `width` letters: all, or up to a blank; a word that is longer
 * stays whole. */
static size_t line_of(const char *text, uint32_t width)
{
    size_t len = strlen(text), blank = 0;
    uint32_t count = 0;
    for (size_t i = 0; i < len; i++) {
        count += (text[i] & 0xc0) != 0x80;
        if (count > width && blank)
            return blank;
        if (text[i] == ' ')
            blank = i + 1;
    }
    return len;
}

static void put_padded(pk_buf *out, const char *text, size_t len, uint32_t width, bool right,
                       bool last)
{
    while (len && text[len - 1] == ' ')
        len--;
    uint32_t count = letters(text, len);
    uint32_t pad = count < width ? width - count : 0;
    for (uint32_t i = 0; right && i < pad; i++)
        pk_buf_byte(out, ' ');
    pk_buf_add(out, text, len);
    for (uint32_t i = 0; !right && !last && i < pad; i++)
        pk_buf_byte(out, ' ');
}

/* The texts of a row, and as many lines as they take. */
static void put_table_row(pk_sheet *sheet, const uint8_t *cells, pk_buf *out)
{
    const char *rest[PK_SHEET_COLUMNS_LIMIT];
    size_t begins[PK_SHEET_COLUMNS_LIMIT];
    uint32_t n = sheet->n_columns;
    pk_buf texts = {0};
    for (uint32_t i = 0; i < n; i++) {
        begins[i] = texts.len;
        if (cells)
            shown_text(sheet, &sheet->columns[i], cells, "-");
        else
            shown_name(sheet, i);
        pk_buf_add(&texts, pk_buf_cstr(&sheet->line), sheet->line.len + 1);
        if (cells)
            cells += pk_cell_size(cells);
    }
    if (texts.failed) {
        out->failed = true;
        pk_buf_free(&texts);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        rest[i] = (const char *)texts.data + begins[i];
    bool more = n > 0;
    while (more) {
        more = false;
        uint32_t last = 0;
        for (uint32_t i = 0; i < n; i++)
            last = *rest[i] ? i : last;
        for (uint32_t i = 0; i <= last; i++) {
            size_t len = line_of(rest[i], sheet->widths[i]);
            put_padded(out, rest[i], len, sheet->widths[i], sheet->numbers[i] == SEEN_NUMBER,
                       i == last);
            if (i < last)
                pk_buf_text(out, "  ");
            rest[i] += len;
            more |= *rest[i] != 0;
        }
        pk_buf_byte(out, '\n');
    }
    pk_buf_free(&texts);
}

/* Whole packets stay on their line. */
static bool breaks(const pk_sheet_column *column)
{
    return column->form != PK_WRITTEN_LINE && column->form != PK_WRITTEN_PACKET;
}

/* Too wide: the widest column that may break gives way, step by step. */
static void fit(pk_sheet *sheet)
{
    uint64_t all = (uint64_t)GAP * (sheet->n_columns ? sheet->n_columns - 1 : 0), fixed = 0;
    for (uint32_t i = 0; i < sheet->n_columns; i++) {
        all += sheet->widths[i];
        fixed += breaks(&sheet->columns[i]) ? 0 : sheet->widths[i];
    }
    while (all > sheet->width && fixed < sheet->width) {
        uint32_t *widest = NULL, spare = 0;
        for (uint32_t i = 0; i < sheet->n_columns; i++) {
            uint32_t word = sheet->widths[sheet->n_columns + i];
            if (!breaks(&sheet->columns[i]) || sheet->widths[i] <= word ||
                (widest && sheet->widths[i] <= *widest))
                continue;
            widest = &sheet->widths[i];
            spare = *widest - word;
        }
        if (!widest)
            return;
        uint64_t over = all - sheet->width;
        uint32_t step = over / 2 + 1 < spare ? (uint32_t)(over / 2 + 1) : spare;
        *widest -= step;
        all -= step;
    }
}

/* A column takes what is in sheet->line, and its longest word. */
static void widen(pk_sheet *sheet, uint32_t column)
{
    const char *text = pk_buf_cstr(&sheet->line);
    uint32_t *width = &sheet->widths[column], *word = width + sheet->n_columns;
    uint32_t all = letters(text, sheet->line.len);
    *width = all > *width ? all : *width;
    while (*text) {
        size_t len = strcspn(text, " ");
        uint32_t count = letters(text, len);
        *word = count > *word ? count : *word;
        text += len + (text[len] == ' ');
    }
}

static void measure(pk_sheet *sheet, const uint8_t *cells)
{
    for (uint32_t i = 0; i < sheet->n_columns; i++) {
        shown_text(sheet, &sheet->columns[i], cells, "-");
        widen(sheet, i);
        if (*cells == PK_INT && !is_flags(sheet->image, &sheet->columns[i]))
            sheet->numbers[i] |= SEEN_NUMBER;
        else if (*cells != PK_UNDEFINED)
            sheet->numbers[i] |= SEEN_OTHER;
        cells += pk_cell_size(cells);
    }
}

static const uint8_t *row_behind(const pk_sheet *sheet, const uint8_t *cells)
{
    for (uint32_t i = 0; i < sheet->n_columns; i++)
        cells += pk_cell_size(cells);
    return cells;
}

static void settle(pk_sheet *sheet, pk_buf *out)
{
    for (uint32_t i = 0; i < sheet->n_columns; i++) {
        shown_name(sheet, i);
        widen(sheet, i);
        sheet->numbers[i] = 0;
    }
    const uint8_t *at = sheet->ahead.data;
    for (uint32_t i = 0; i < sheet->n_ahead; i++, at = row_behind(sheet, at))
        measure(sheet, at);
    fit(sheet);
    sheet->settled = true;
    if (sheet->n_ahead)
        put_table_row(sheet, NULL, out);
    at = sheet->ahead.data;
    for (uint32_t i = 0; i < sheet->n_ahead; i++, at = row_behind(sheet, at))
        put_table_row(sheet, at, out);
    pk_buf_clear(&sheet->ahead);
    sheet->n_ahead = 0;
}

static void take_table_row(pk_sheet *sheet, const uint8_t *cells, pk_buf *out)
{
    if (sheet->settled) {
        put_table_row(sheet, cells, out);
        return;
    }
    pk_buf_add(&sheet->ahead, cells, (size_t)(row_behind(sheet, cells) - cells));
    out->failed |= sheet->ahead.failed;
    if (!sheet->ahead.failed && ++sheet->n_ahead == PK_SHEET_AHEAD)
        settle(sheet, out);
}

/* ---- the whole --------------------------------------------------------------------------------- */

bool pk_sheet_open(pk_sheet *ret_sheet, const pk_image *image, const char *title,
                   pk_view_format format, unsigned width, const pk_sheet_column *columns,
                   uint32_t n_columns)
{
    *ret_sheet = (pk_sheet){.image = image,
                            .title = title,
                            .format = format,
                            .width = width ? width : 80,
                            .columns = columns,
                            .n_columns = n_columns};
    ret_sheet->widths = calloc(2u * n_columns + 2u, sizeof *ret_sheet->widths);
    ret_sheet->numbers = calloc(n_columns + 1u, sizeof *ret_sheet->numbers);
    return ret_sheet->widths && ret_sheet->numbers;
}

void pk_sheet_free(pk_sheet *sheet)
{
    free(sheet->widths);
    free(sheet->numbers);
    pk_buf_free(&sheet->ahead);
    pk_buf_free(&sheet->text);
    pk_buf_free(&sheet->line);
    *sheet = (pk_sheet){0};
}

static bool is_marked(const pk_sheet *sheet)
{
    return sheet->format == PK_VIEW_CSV || sheet->format == PK_VIEW_MARKDOWN ||
           sheet->format == PK_VIEW_TEX;
}

void pk_sheet_row(pk_sheet *sheet, const uint8_t *cells, pk_buf *out)
{
    if (is_marked(sheet) && !sheet->headed)
        put_marked_head(sheet, out);
    sheet->headed = true;
    if (sheet->format == PK_VIEW_JSON)
        put_json_row(sheet, cells, out);
    else if (is_marked(sheet))
        put_marked_row(sheet, cells, out);
    else
        take_table_row(sheet, cells, out);
}

void pk_sheet_finish(pk_sheet *sheet, pk_buf *out)
{
    if (is_marked(sheet) && !sheet->headed)
        put_marked_head(sheet, out);
    if (sheet->format == PK_VIEW_TEX)
        pk_buf_text(out, "\\end{tabular}\n");
    if (sheet->format == PK_VIEW_TABLE && !sheet->settled)
        settle(sheet, out);
}
