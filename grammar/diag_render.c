#include "diag.h"

#include <string.h>

#include "base/escape.h"
#include "diag_store.h"

/* How much of a long line is shown: some text before the span, the span, some text behind it. With
 * the margin and what marks a cut it stays within the 80 columns of a terminal. */
enum { SHOWN_BEFORE = 30, SHOWN_LINE = 68, JSON_LINE_LIMIT = 4096, TAB_WIDTH = 4 };

typedef struct style {
    const char *strong, *error, *warning, *place, *end;
} style;

static const style plain = {"", "", "", "", ""};
static const style colored = {"\x1b[1m", "\x1b[1;31m", "\x1b[1;35m", "\x1b[1;34m", "\x1b[0m"};

/* ---- width on the terminal --------------------------------------------------------------------
 */

static unsigned cells_of(uint32_t code)
{
    static const struct {
        uint32_t lo, hi;
    } wide[] = {{0x1100, 0x115f}, {0x2e80, 0xa4cf},   {0xac00, 0xd7a3},
                {0xf900, 0xfaff}, {0xfe30, 0xfe6f},   {0xff00, 0xff60},
                {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd}};
    if (code >= 0x300 && code <= 0x36f)
        return 0;
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        if (code >= wide[i].lo && code <= wide[i].hi)
            return 2;
    }
    return 1;
}

static unsigned count_cells(const uint8_t *text, size_t len)
{
    unsigned cells = 0;
    while (len) {
        uint32_t code = 0;
        size_t size = pk_escape_utf8(text, len, &code);
        if (!size)
            size = 1;
        cells += cells_of(code);
        text += size;
        len -= size;
    }
    return cells;
}

/* Text made safe. What is shown to a person need not be reversible, so that a backslash is shown
 * as it was typed even before xHH. */
static void add_safe_part(pk_buf *out, const uint8_t *text, size_t len)
{
    while (len) {
        const uint8_t *backslash = memchr(text, '\\', len);
        size_t part = backslash ? (size_t)(backslash - text) : len;
        pk_escape_terminal(out, text, part);
        if (backslash) {
            pk_buf_byte(out, '\\');
            part++;
        }
        text += part;
        len -= part;
    }
}

static void add_safe(pk_buf *out, const char *text)
{
    add_safe_part(out, (const uint8_t *)text, strlen(text));
}

/* Appends source text made safe, tabs as blanks; returns the cells that it takes. */
static unsigned add_source(pk_buf *out, const uint8_t *text, size_t len)
{
    size_t before = out->len;
    while (len) {
        const uint8_t *tab = memchr(text, '\t', len);
        size_t part = tab ? (size_t)(tab - text) : len;
        add_safe_part(out, text, part);
        if (tab) {
            pk_buf_printf(out, "%*s", TAB_WIDTH, "");
            part++;
        }
        text += part;
        len -= part;
    }
    return out->failed ? 0 : count_cells(out->data + before, out->len - before);
}

/* ---- one line of source with its carets -------------------------------------------------------
 */

typedef struct excerpt {
    size_t from, lo, hi, to; /* in bytes of the line: what is shown, what is underlined */
} excerpt;

static size_t back_to_character(pk_bytes line, size_t at)
{
    for (int i = 0; i < 3 && at && at < line.len && (line.data[at] & 0xc0) == 0x80; i++)
        at--;
    return at;
}

/* An offset as one within the line shown, which has `len` bytes. */
static size_t in_line(const pk_place *place, uint32_t offset, size_t len)
{
    size_t at = offset > place->line_lo ? offset - place->line_lo : 0;
    return at < len ? at : len;
}

static excerpt choose_excerpt(const pk_place *place, pk_span span)
{
    excerpt e = {0};
    size_t len = place->text.len;
    e.lo = in_line(place, span.lo, len);
    e.hi = in_line(place, span.hi, len);
    if (e.hi < e.lo)
        e.hi = e.lo;
    e.to = len;
    if (len <= SHOWN_LINE)
        return e;
    if (e.lo > SHOWN_BEFORE)
        e.from = back_to_character(place->text, e.lo - SHOWN_BEFORE);
    if (e.to - e.from > SHOWN_LINE)
        e.to = back_to_character(place->text, e.from + SHOWN_LINE);
    if (e.hi > e.to)
        e.hi = e.to;
    return e;
}

/* A text typed on the command line has no line numbers worth showing. */
static bool is_numbered(const pk_place *place)
{
    return place->name[0] != '-';
}

static void add_gutter(pk_buf *out, const style *s, const pk_place *place)
{
    if (place && is_numbered(place))
        pk_buf_printf(out, "%s%3u |%s ", s->place, place->line, s->end);
    else
        pk_buf_printf(out, "%s    |%s ", s->place, s->end);
}

static void add_lines(pk_buf *out, const style *s, const char *caret_style, const pk_place *place,
                      pk_span span)
{
    const uint8_t *text = place->text.data;
    excerpt e = choose_excerpt(place, span);
    unsigned before = 0;
    add_gutter(out, s, place);
    if (e.from) {
        pk_buf_text(out, "...");
        before = 3;
    }
    before += add_source(out, text + e.from, e.lo - e.from);
    unsigned carets = add_source(out, text + e.lo, e.hi - e.lo);
    (void)add_source(out, text + e.hi, e.to - e.hi);
    if (e.to < place->text.len)
        pk_buf_text(out, "...");
    pk_buf_byte(out, '\n');
    if (place->line > 999 && is_numbered(place))
        before += place->line > 99999 ? 3 : place->line > 9999 ? 2 : 1;
    add_gutter(out, s, NULL);
    pk_buf_printf(out, "%*s%s", (int)before, "", caret_style);
    for (unsigned i = 0; i < (carets ? carets : 1); i++)
        pk_buf_byte(out, '^');
    pk_buf_text(out, s->end);
}

/* ---- text -------------------------------------------------------------------------------------
 */

static void add_header(pk_buf *out, const style *s, const pk_place *place, const char *word_style,
                       const char *word, const char *message)
{
    pk_buf_text(out, s->strong);
    add_safe(out, place->name);
    pk_buf_printf(out, ":%u:%u:%s %s%s:%s ", place->line, place->column, s->end, word_style, word,
                  s->end);
    add_safe(out, message);
}

/* The remark that stands beside the carets when there is no label: the first help. */
static const remark *inline_remark(const report *r)
{
    if (r->label || !r->first)
        return NULL;
    return r->first->kind == REMARK_HELP ? r->first : NULL;
}

static void add_remark(pk_buf *out, const style *s, const pk_sources *sources, const remark *note)
{
    if (note->kind == REMARK_PLACE) {
        pk_place place = pk_sources_place(sources, note->span.lo);
        add_header(out, s, &place, s->strong, "note", note->text);
        pk_buf_byte(out, '\n');
        add_lines(out, s, s->place, &place, note->span);
    } else {
        add_gutter(out, s, NULL);
        pk_buf_printf(out, "%s%s:%s ", s->strong, note->kind == REMARK_HELP ? "help" : "note",
                      s->end);
        add_safe(out, note->text);
    }
    pk_buf_byte(out, '\n');
}

static void render_text(const pk_diags *diags, const report *r, const style *s, pk_buf *out)
{
    pk_place place = pk_sources_place(diags->sources, r->span.lo);
    bool is_error = pk_diag_is_error(r->code);
    const char *word_style = is_error ? s->error : s->warning;
    add_header(out, s, &place, word_style, is_error ? "error" : "warning", r->message);
    pk_buf_printf(out, " [%s]\n", pk_diag_code_text(r->code));
    add_lines(out, s, word_style, &place, r->span);
    const remark *beside = inline_remark(r);
    if (r->label) {
        pk_buf_byte(out, ' ');
        add_safe(out, r->label);
    } else if (beside) {
        pk_buf_printf(out, " %shelp:%s ", s->strong, s->end);
        add_safe(out, beside->text);
    }
    pk_buf_byte(out, '\n');
    for (const remark *note = r->first; note; note = note->next) {
        if (note != beside)
            add_remark(out, s, diags->sources, note);
    }
}

/* ---- JSON -------------------------------------------------------------------------------------
 */

static void add_text_member(pk_buf *out, const char *name, const void *text, size_t len)
{
    pk_buf_printf(out, "\"%s\":", name);
    pk_escape_json(out, text, len);
    pk_buf_byte(out, ',');
}

/* "file":..., "line":..., "column":..., "end_line":..., "end_column":..., the last one open. */
static void add_place_members(pk_buf *out, const pk_sources *sources, pk_span span)
{
    pk_place lo = pk_sources_place(sources, span.lo);
    pk_place hi = pk_sources_place(sources, span.hi);
    add_text_member(out, "file", lo.name, strlen(lo.name));
    pk_buf_printf(out, "\"line\":%u,\"column\":%u,\"end_line\":%u,\"end_column\":%u", lo.line,
                  lo.column, hi.line, hi.column);
}

static void add_json_remark(pk_buf *out, const pk_sources *sources, const remark *note)
{
    static const char *const kinds[] = {"note", "help", "place"};
    pk_buf_byte(out, '{');
    add_text_member(out, "kind", kinds[note->kind], strlen(kinds[note->kind]));
    if (note->kind == REMARK_PLACE) {
        add_place_members(out, sources, note->span);
        pk_buf_byte(out, ',');
    }
    pk_buf_text(out, "\"message\":");
    pk_escape_json(out, note->text, strlen(note->text));
    pk_buf_byte(out, '}');
}

static void render_json(const pk_diags *diags, const report *r, pk_buf *out)
{
    const char *severity = pk_diag_is_error(r->code) ? "error" : "warning";
    const char *code = pk_diag_code_text(r->code);
    pk_place place = pk_sources_place(diags->sources, r->span.lo);
    pk_buf_text(out, "{\"v\":1,");
    add_text_member(out, "severity", severity, strlen(severity));
    add_text_member(out, "code", code, strlen(code));
    add_text_member(out, "message", r->message, strlen(r->message));
    if (r->label)
        add_text_member(out, "label", r->label, strlen(r->label));
    if (place.text.len <= JSON_LINE_LIMIT)
        add_text_member(out, "source", place.text.data, place.text.len);
    add_place_members(out, diags->sources, r->span);
    pk_buf_text(out, ",\"notes\":[");
    for (const remark *note = r->first; note; note = note->next) {
        add_json_remark(out, diags->sources, note);
        if (note->next)
            pk_buf_byte(out, ',');
    }
    pk_buf_text(out, "]}\n");
}

/* ---- all of them ------------------------------------------------------------------------------
 */

/* Indices of the reports in order of position; equal ones stay in order of reporting. */
static void sort_reports(const pk_diags *diags, unsigned *order)
{
    for (unsigned i = 0; i < diags->count; i++) {
        unsigned at = i;
        while (at && diags->reports[order[at - 1]].span.lo > diags->reports[i].span.lo) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
}

static void render_dropped(pk_diag_form form, const char *what, unsigned reported, pk_buf *out)
{
    if (reported <= PK_DIAG_LIMIT)
        return;
    unsigned dropped = reported - PK_DIAG_LIMIT;
    if (form == PK_DIAG_JSON)
        pk_buf_printf(out, "{\"v\":1,\"dropped\":%u,\"severity\":\"%s\"}\n", dropped, what);
    else
        pk_buf_printf(out, "%u more %s%s not shown (limit %d)\n", dropped, what,
                      dropped == 1 ? "" : "s", PK_DIAG_LIMIT);
}

void pk_diags_render(const pk_diags *diags, pk_diag_form form, pk_buf *out)
{
    unsigned order[PK_DIAG_STORE_LIMIT];
    sort_reports(diags, order);
    for (unsigned i = 0; i < diags->count; i++) {
        const report *r = &diags->reports[order[i]];
        if (form == PK_DIAG_JSON)
            render_json(diags, r, out);
        else
            render_text(diags, r, form == PK_DIAG_COLOR ? &colored : &plain, out);
    }
    render_dropped(form, "error", diags->errors, out);
    render_dropped(form, "warning", diags->warnings, out);
}
