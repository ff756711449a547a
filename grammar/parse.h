/*
 * Text -> syntax tree. A pure push parser: no global state, no I/O, bounded stack. It recovers at
 * `;`, a newline and `}` and so reports several independent errors in one run.
 */
#ifndef PK_GRAMMAR_PARSE_H
#define PK_GRAMMAR_PARSE_H

#include "ast.h"
#include "diag.h"

enum {
    PK_NESTING_LIMIT = 256,         /* brackets open at a time */
    PK_LITERAL_LIMIT = 1024 * 1024, /* bytes of a string in the source */
    PK_NAME_LIMIT = 255,            /* characters of a name or number */
    PK_AST_DEPTH_LIMIT = 4096       /* levels of any expression, so of any walk down one */
};

/* Parses the source at `span` into `ast` and returns its FILE node (0 only when memory is refused
 * or the node budget is spent, which is reported too). Errors are in `diags`; the tree then holds
 * ERROR nodes where text was skipped. */
pk_node pk_parse(pk_ast *ast, const pk_sources *sources, pk_span span, pk_diags *diags);

/* Parses one expression alone (a parameter's value, a filter of the command line). */
pk_node pk_parse_expr(pk_ast *ast, const pk_sources *sources, pk_span span, pk_diags *diags);

#endif
