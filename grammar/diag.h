/*
 * Diagnostics: what is wrong with the user's input, where, why, and what to type instead.
 *
 * Each kind of diagnostic stands once in diag.def with a permanent code (E0123), its severity and
 * an explanation. A report has a primary span with a label, one sentence, and any number of notes
 * and helps. Reports are collected, ordered by position and rendered at the end, as text in the
 * shape of LANGUAGE.md "Diagnostics" or as one JSON object a line. After PK_DIAG_LIMIT errors
 * further ones are counted and dropped. Nothing here prints: rendering appends to a buffer, and
 * everything that came from input passes the terminal escaper (base/escape.h).
 */
#ifndef PK_GRAMMAR_DIAG_H
#define PK_GRAMMAR_DIAG_H

#include "base/buf.h"
#include "sources.h"

enum { PK_DIAG_LIMIT = 20 };

typedef enum pk_diag_code {
#define PK_DIAG(id, code, severity, summary, explanation) PK_DIAG_##id,
#include "diag.def"
#undef PK_DIAG
    PK_DIAG_CODES
} pk_diag_code;

/* "E0123", what it is in general, and a longer explanation ("" when the summary says it all). */
const char *pk_diag_code_text(pk_diag_code code);
const char *pk_diag_summary(pk_diag_code code);
const char *pk_diag_explanation(pk_diag_code code);
bool pk_diag_is_error(pk_diag_code code);

/* The diagnostic with this code, in any case of letters, or PK_DIAG_CODES. */
pk_diag_code pk_diag_find(const char *code_text);

typedef struct pk_diags pk_diags;

pk_diags *pk_diags_new(const pk_sources *sources);
void pk_diags_free(pk_diags *diags);

/* Reports at `span`. `format` makes the sentence after "error: "; it has no final full stop. */
void pk_diag_report(pk_diags *diags, pk_diag_code code, pk_span span, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* These add to the report made last: the text beside its carets, why, what to type, another place
 * that matters (shown with its own line and carets). */
void pk_diag_label(pk_diags *diags, const char *format, ...) __attribute__((format(printf, 2, 3)));
void pk_diag_note(pk_diags *diags, const char *format, ...) __attribute__((format(printf, 2, 3)));
void pk_diag_help(pk_diags *diags, const char *format, ...) __attribute__((format(printf, 2, 3)));
void pk_diag_also(pk_diags *diags, pk_span span, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

unsigned pk_diags_errors(const pk_diags *diags);
unsigned pk_diags_warnings(const pk_diags *diags);

typedef enum pk_diag_form { PK_DIAG_TEXT, PK_DIAG_COLOR, PK_DIAG_JSON } pk_diag_form;

/* Appends all reports in order of position and ends with a count when some were dropped. */
void pk_diags_render(const pk_diags *diags, pk_diag_form form, pk_buf *out);

/* The candidate nearest to `word` (Damerau-Levenshtein, at most a third of its length away), or
 * NULL. Candidates come one at a time so that any namespace can be searched without a copy. */
typedef struct pk_suggest {
    const char *word;
    const char *best;
    unsigned distance;
} pk_suggest;
void pk_suggest_begin(pk_suggest *suggest, const char *word);
void pk_suggest_offer(pk_suggest *suggest, const char *candidate);

#endif
