/*
 * How reports are kept between diag.c, which collects them, and diag_render.c, which writes them.
 * Nobody else includes this. Texts are as formatted, not yet escaped; all lives in one arena.
 */
#ifndef PK_GRAMMAR_DIAG_STORE_H
#define PK_GRAMMAR_DIAG_STORE_H

#include "diag.h"

typedef enum remark_kind { REMARK_NOTE, REMARK_HELP, REMARK_PLACE } remark_kind;

typedef struct remark {
    struct remark *next;
    remark_kind kind;
    pk_span span; /* of a PLACE */
    const char *text;
} remark;

typedef struct report {
    pk_diag_code code;
    pk_span span;
    const char *message;
    const char *label; /* NULL = none */
    remark *first, *last;
} report;

enum { PK_DIAG_STORE_LIMIT = 2 * PK_DIAG_LIMIT, REMARK_LIMIT = 16, MESSAGE_LIMIT = 2000 };

struct pk_diags {
    const pk_sources *sources;
    pk_arena arena;
    report reports[PK_DIAG_STORE_LIMIT]; /* up to PK_DIAG_LIMIT errors and as many warnings */
    unsigned count;
    unsigned errors, warnings; /* reported, kept or not */
    report *current;           /* the report made last, or NULL when it was dropped */
};

#endif
