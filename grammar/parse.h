/*
 * Text -> syntax tree. A pure push parser: no global state, no I/O, bounded stack. It recovers at
 * `;`, a newline and `}` and so reports several independent errors in one run.
 */
#ifndef PK_GRAMMAR_PARSE_H
#define PK_GRAMMAR_PARSE_H

#include "ast.h"
#include "diag.h"

enum { PK_NESTING_LIMIT = 256, PK_LITERAL_LIMIT = 1024 * 1024 };

/* Parses the source at `span` into `ast` and returns its FILE node (0 only when memory is refused
 * or the node budget is spent, which is reported too). Errors are in `diags`; the tree then holds
 * ERROR nodes where text was skipped. */
pk_node pk_parse(pk_ast *ast, const pk_sources *sources, pk_span span, pk_diags *diags);

/* Parses one expression alone (a parameter's value, a filter of the command line). */
pk_node pk_parse_expr(pk_ast *ast, const pk_sources *sources, pk_span span, pk_diags *diags);

#endif
