/*
 * A view while it is compiled, shared by view.c (its clauses), view_expr.c (expressions over groups)
 * and view_row.c (expressions over a row).
 *
 * An expression is over a row or over a group. Over a row, names stand for the exchange's packets
 * and numbers, and `delta` for a running function. Over a group every largest part without a
 * function over rows is the value that it has in the group's first row; so such an expression is
 * nothing but operators over what the aggregates give.
 */
#ifndef PK_COMPILER_VIEW_H
#define PK_COMPILER_VIEW_H

#include "internal.h"

/* An aggregate or running function, and what it was made of: the same is made once. */
typedef struct pk_view_function {
    pk_image_aggregate record;
    pk_node node;
    const pk_scope *scope;
} pk_view_function;

typedef struct pk_view_state {
    bool filter;     /* names of layers alone are those of the one packet */
    bool over_group; /* the expression at hand is over a group */
    bool cell;       /* .. and what several rows have at one place of a matrix: all values count */
    pk_view_function running[PK_VIEW_FUNCTIONS_LIMIT], aggregates[PK_VIEW_FUNCTIONS_LIMIT];
    uint32_t n_running, n_aggregates;
} pk_view_state;

/* An expression, and how its value is written. */
typedef struct pk_measured {
    pk_ref expr, other, field;
    pk_view_form form;
} pk_measured;

/* Nodes that are looked at for one answer: lets may multiply. */
enum { PK_VIEW_LOOKS = 4096 };

/* The name that a call calls, "" when it is no plain name; its n-th argument, 0 = none. */
const char *pk_view_callee(pk_compiler *cx, const pk_ast_node *call);
pk_node pk_view_argument_of(pk_compiler *cx, const pk_ast_node *call, unsigned n);

/* What stands behind names of lets; *scope becomes where that is read. */
pk_node pk_view_behind_names(pk_compiler *cx, const pk_scope **scope, pk_node node);

/* `source(p)`, `diff(a, b)`: the form of what whole packets give; PLAIN for anything else. */
pk_view_form pk_view_packets(pk_compiler *cx, const pk_ast_node *at);

/* Adds the function of `value` (0 = none) where `condition` (0 = always) holds, both over a row,
 * known by `node`; false after a report. */
bool pk_view_function_add(pk_compiler *cx, const pk_scope *scope, pk_aggregate kind, pk_node value,
                          pk_node condition, pk_node number, pk_node node, uint32_t *ret_index);

/* What expressions over groups have beside those over rows. */
bool pk_lower_over_group(pk_compiler *cx, const pk_scope *scope, pk_node node, unsigned dst,
                         bool *ret_handled);

bool pk_view_is_aggregate(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call);

/* Does it look at many rows? */
bool pk_view_aggregates(pk_compiler *cx, const pk_scope *scope, pk_node node);

/* An expression of its own over what view->over_group says. expr is 0 after a report. */
pk_measured pk_view_measure(pk_compiler *cx, const pk_scope *scope, pk_node node);

#endif
