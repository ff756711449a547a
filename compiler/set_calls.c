/* Functions that make sets of sets and files, and prefixes round addresses: the steps that they
 * stand for. */
#include "internal.h"

#include <string.h>

typedef bool maker(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call, pk_ref expected,
                   pk_steps *s);

static pk_node argument(pk_compiler *cx, const pk_ast_node *call, unsigned n)
{
    pk_node arg = call->b;
    for (; arg && n; n--)
        arg = pk_at(cx, arg)->next;
    return arg ? pk_at(cx, arg)->b : 0;
}

uint32_t pk_stream_of(pk_compiler *cx, pk_node node)
{
    for (size_t i = cx->n_draws; i-- > 0;)
        if (cx->draws[i].node == node)
            return cx->draws[i].stream;
    if (!pk_grow((void **)&cx->draws, &cx->cap_draws, cx->n_draws, sizeof *cx->draws))
        return 0;
    uint32_t stream = (uint32_t)cx->n_draws + 1;
    cx->draws[cx->n_draws++] = (pk_draw){node, stream};
    return stream;
}

/* A parameter's members are what its type says, whatever field they go to. */
static bool lines_steps(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call,
                        pk_ref expected, pk_steps *s)
{
    pk_ref name = pk_lower_expr(cx, scope, argument(cx, call, 0), 0, 0);
    return name && pk_step(s, PK_SET_LINES, name, cx->set_param ? 0 : expected, cx->set_param);
}

static bool shuffle_steps(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call,
                          pk_ref expected, pk_steps *s)
{
    uint32_t stream = pk_stream_of(cx, call->b);
    return stream && pk_set_steps(cx, scope, argument(cx, call, 0), expected, s) &&
           pk_step(s, PK_SET_SHUFFLE, stream, 0, 0);
}

static bool sample_steps(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call,
                         pk_ref expected, pk_steps *s)
{
    uint32_t stream = pk_stream_of(cx, call->b);
    pk_node size = argument(cx, call, 1);
    int64_t number;
    if (pk_constant_int(cx, scope, size, 0, &number) && number < 0) {
        pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, pk_at(cx, size)->span,
                       "the size of a sample is not negative");
        return false;
    }
    pk_ref count = pk_lower_expr(cx, scope, size, 0, 0);
    return stream && count && pk_set_steps(cx, scope, argument(cx, call, 0), expected, s) &&
           pk_step(s, PK_SET_SAMPLE, stream, count, 0);
}

static pk_ref weight(pk_compiler *cx, const pk_scope *scope, pk_node node)
{
    int64_t number;
    if (pk_constant_int(cx, scope, node, 0, &number) && number < 0) {
        pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, pk_at(cx, node)->span,
                       "a weight is not negative");
        return 0;
    }
    return pk_lower_expr(cx, scope, node, 0, 0);
}

static bool weighted_steps(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call,
                           pk_ref expected, pk_steps *s)
{
    const pk_scope *of_members, *of_weights;
    pk_ast_node members = *pk_at(cx, pk_resolve(cx, scope, argument(cx, call, 0), &of_members));
    pk_ast_node weights = *pk_at(cx, pk_resolve(cx, scope, argument(cx, call, 1), &of_weights));
    size_t n = pk_ast_list_len(cx->ast, members.a);
    if (members.kind != PK_AST_LIST || weights.kind != PK_AST_LIST || !n ||
        pk_ast_list_len(cx->ast, weights.a) != n) {
        pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, call->span,
                       "`weighted` takes a list of members and a list of as many weights");
        pk_diag_help(cx->diags, "weighted([64, 594, 1518], [7, 4, 1])");
        return false;
    }
    pk_node share = weights.a;
    for (pk_node at = members.a; at; at = pk_at(cx, at)->next, share = pk_at(cx, share)->next) {
        pk_ref times = weight(cx, of_weights, share);
        if (!times || !pk_set_steps(cx, of_members, at, expected, s) ||
            !pk_step(s, PK_SET_REPEAT, times, 0, 0) ||
            (at != members.a && !pk_step(s, PK_SET_JOIN, 0, 0, 0)))
            return false;
    }
    return true;
}

/* axes.c takes those that stand where they can. */
static bool cycle_steps(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call,
                        pk_ref expected, pk_steps *s)
{
    (void)scope;
    (void)expected;
    (void)s;
    pk_diag_report(cx->diags, PK_DIAG_SET_NOT_ALLOWED, call->span,
                   "`cycle` has no end, so it can be no part of a set");
    pk_diag_help(cx->diags, "as a field's value it goes on with the packets, in zip(..) with the "
                            "other sets");
    return false;
}

static bool each_steps(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call,
                       pk_ref expected, pk_steps *s)
{
    return pk_set_steps(cx, scope, argument(cx, call, 0), expected, s);
}

static const struct {
    const char *name;
    unsigned n_args;
    maker *steps;
} makers[] = {
    {"lines", 1, lines_steps},       {"shuffle", 1, shuffle_steps}, {"sample", 2, sample_steps},
    {"weighted", 2, weighted_steps}, {"cycle", 1, cycle_steps},     {"each", 1, each_steps},
};

/* The number of the function that is called, -1 when it is none. */
static int maker_of(pk_compiler *cx, pk_node node)
{
    pk_ast_node at = *pk_at(cx, node);
    if (at.kind != PK_AST_CALL || pk_at(cx, at.a)->kind != PK_AST_NAME)
        return -1;
    const char *text = pk_ast_atom_text(cx->ast, pk_at(cx, at.a)->a);
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        if (strcmp(text, makers[i].name) == 0)
            return pk_symbol_find(cx, pk_text_of_atom(cx, pk_at(cx, at.a)->a)) ? -1 : (int)i;
    return -1;
}

bool pk_calls_set(pk_compiler *cx, pk_node node, const char *name)
{
    int which = maker_of(cx, node);
    return which >= 0 && (!name || strcmp(name, makers[which].name) == 0);
}

bool pk_set_call_steps(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                       pk_steps *s)
{
    int which = maker_of(cx, node);
    pk_ast_node call = *pk_at(cx, node);
    size_t n = pk_ast_list_len(cx->ast, call.b);
    if (n != makers[which].n_args) {
        pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, call.span,
                       "`%s` takes %u argument%s, not %zu", makers[which].name,
                       makers[which].n_args, makers[which].n_args == 1 ? "" : "s", n);
        return false;
    }
    return makers[which].steps(cx, scope, &call, expected, s);
}

/* ---- prefixes ---------------------------------------------------------------------------------
 */

/* An address is known by its literal, by the type of a parameter, or by the field it goes to. */
bool pk_is_prefix(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected)
{
    pk_ast_node at = *pk_at(cx, node);
    if (at.kind != PK_AST_BINARY || at.a != PK_OP_DIV || scope->layer)
        return false;
    if (pk_is_address_field(cx, expected))
        return true;
    const pk_scope *inside;
    pk_ast_node left = *pk_at(cx, pk_resolve(cx, scope, at.b, &inside));
    const pk_symbol *symbol =
        left.kind == PK_AST_NAME ? pk_symbol_find(cx, pk_text_of_atom(cx, left.a)) : NULL;
    unsigned type = symbol && symbol->kind == PK_SYM_PARAM
                        ? PK_AT(cx->builder, PAR, symbol->ref)->type
                        : PK_PARAM_INT;
    return left.kind == PK_AST_IP4 || left.kind == PK_AST_IP6 || type == PK_PARAM_IP4 ||
           type == PK_PARAM_IP6;
}

bool pk_prefix_steps(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                     pk_steps *s)
{
    pk_ast_node at = *pk_at(cx, node);
    pk_ref bits = pk_lower_expr(cx, scope, at.c, 0, 0);
    return bits && pk_set_steps(cx, scope, at.b, expected, s) &&
           pk_step(s, PK_SET_NETWORKS, bits, 0, 0);
}
