#include "diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "diag_store.h"

typedef enum severity { ERROR, WARNING } severity;

static const struct {
    const char *code;
    severity severity;
    const char *summary;
    const char *explanation;
} table[] = {
#define PK_DIAG(id, code, severity, summary, explanation) {code, severity, summary, explanation},
#include "diag.def"
#undef PK_DIAG
};

static bool known(pk_diag_code code)
{
    return (size_t)code < sizeof table / sizeof table[0];
}

const char *pk_diag_code_text(pk_diag_code code)
{
    return known(code) ? table[code].code : "";
}

const char *pk_diag_summary(pk_diag_code code)
{
    return known(code) ? table[code].summary : "";
}

const char *pk_diag_explanation(pk_diag_code code)
{
    return known(code) ? table[code].explanation : "";
}

bool pk_diag_is_error(pk_diag_code code)
{
    return !known(code) || table[code].severity == ERROR;
}

pk_diag_code pk_diag_find(const char *code_text)
{
    for (int code = 0; code < PK_DIAG_CODES; code++) {
        if (!strcasecmp(table[code].code, code_text))
            return (pk_diag_code)code;
    }
    return PK_DIAG_CODES;
}

pk_diags *pk_diags_new(const pk_sources *sources)
{
    pk_diags *diags = calloc(1, sizeof *diags);
    if (diags)
        diags->sources = sources;
    return diags;
}

void pk_diags_free(pk_diags *diags)
{
    if (!diags)
        return;
    pk_arena_free(&diags->arena);
    free(diags);
}

unsigned pk_diags_errors(const pk_diags *diags)
{
    return diags->errors;
}

unsigned pk_diags_warnings(const pk_diags *diags)
{
    return diags->warnings;
}

/* The formatted text, at most MESSAGE_LIMIT bytes of it; NULL when memory is refused. */
static const char *format_text(pk_diags *diags, const char *format, va_list args)
{
    char text[MESSAGE_LIMIT];
    int len = vsnprintf(text, sizeof text, format, args);
    if (len < 0)
        return NULL;
    size_t used = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    return pk_arena_strndup(&diags->arena, text, used);
}

static report *make_room(pk_diags *diags, pk_diag_code code)
{
    unsigned *count = pk_diag_is_error(code) ? &diags->errors : &diags->warnings;
    bool room = *count < PK_DIAG_LIMIT && diags->count < PK_DIAG_STORE_LIMIT;
    ++*count;
    return room ? &diags->reports[diags->count++] : NULL;
}

void pk_diag_report(pk_diags *diags, pk_diag_code code, pk_span span, const char *format, ...)
{
    diags->current = make_room(diags, code);
    if (!diags->current)
        return;
    va_list args;
    va_start(args, format);
    const char *message = format_text(diags, format, args);
    va_end(args);
    *diags->current =
        (report){.code = code, .span = span, .message = message ? message : pk_diag_summary(code)};
}

void pk_diag_label(pk_diags *diags, const char *format, ...)
{
    if (!diags->current)
        return;
    va_list args;
    va_start(args, format);
    diags->current->label = format_text(diags, format, args);
    va_end(args);
}

static void add_remark(pk_diags *diags, remark_kind kind, pk_span span, const char *format,
                       va_list args)
{
    unsigned have = 0;
    for (remark *at = diags->current->first; at; at = at->next)
        have++;
    remark *new = have < REMARK_LIMIT ? pk_arena_alloc(&diags->arena, sizeof *new) : NULL;
    const char *text = new ? format_text(diags, format, args) : NULL;
    if (!text)
        return;
    *new = (remark){.kind = kind, .span = span, .text = text};
    if (diags->current->last)
        diags->current->last->next = new;
    else
        diags->current->first = new;
    diags->current->last = new;
}

void pk_diag_note(pk_diags *diags, const char *format, ...)
{
    if (!diags->current)
        return;
    va_list args;
    va_start(args, format);
    add_remark(diags, REMARK_NOTE, (pk_span){0, 0}, format, args);
    va_end(args);
}

void pk_diag_help(pk_diags *diags, const char *format, ...)
{
    if (!diags->current)
        return;
    va_list args;
    va_start(args, format);
    add_remark(diags, REMARK_HELP, (pk_span){0, 0}, format, args);
    va_end(args);
}

void pk_diag_also(pk_diags *diags, pk_span span, const char *format, ...)
{
    if (!diags->current)
        return;
    va_list args;
    va_start(args, format);
    add_remark(diags, REMARK_PLACE, span, format, args);
    va_end(args);
}
