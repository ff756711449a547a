/* Functions that take a packet and give one: `fuzz(p)`. Their packet is planned as if it stood
 * alone, then the plan is changed. */
#include "internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

typedef bool transform(pk_compiler *cx, const pk_scope *scope, pk_node args, pk_planned *planned);

static transform fuzz, set;

static const struct {
    const char *name, *example;
    unsigned most; /* arguments */
    transform *apply;
} transforms[] = {
    {"fuzz", "fuzz(ip()/udp()), or a list of options: options=fuzz([mss()])", 1, fuzz},
    {"set", "set(ip(ttl=64)/udp(), ttl=1)", UINT_MAX, set}};

enum { NO_TRANSFORM = sizeof transforms / sizeof *transforms };

static unsigned transform_of(pk_compiler *cx, pk_node node)
{
    pk_ast_node at = *pk_at(cx, node);
    if (at.kind != PK_AST_CALL || pk_at(cx, at.a)->kind != PK_AST_NAME)
        return NO_TRANSFORM;
    pk_atom name = pk_at(cx, at.a)->a;
    if (pk_symbol_find(cx, pk_text_of_atom(cx, name))) /* the program has its own */
        return NO_TRANSFORM;
    unsigned i = 0;
    while (i < NO_TRANSFORM && strcmp(pk_ast_atom_text(cx->ast, name), transforms[i].name) != 0)
        i++;
    return i;
}

pk_node pk_transformed(pk_compiler *cx, pk_node node)
{
    pk_node arg = transform_of(cx, node) < NO_TRANSFORM ? pk_at(cx, node)->b : 0;
    return arg && !pk_at(cx, arg)->a && !pk_at(cx, arg)->c ? pk_at(cx, arg)->b : 0;
}

bool pk_report_no_packet(pk_compiler *cx, pk_node node)
{
    if (transform_of(cx, node) == NO_TRANSFORM)
        return false;
    while (pk_transformed(cx, node) && transform_of(cx, pk_transformed(cx, node)) != NO_TRANSFORM)
        node = pk_transformed(cx, node);
    pk_node condition = pk_at(cx, node)->b ? pk_at(cx, pk_at(cx, node)->b)->c : 0;
    if (condition)
        return !pk_not_built(cx, pk_at(cx, condition)->span, "`where` in set()");
    pk_node inner = pk_transformed(cx, node);
    pk_ast_node what = *pk_at(cx, inner ? inner : node);
    if (inner && what.kind == PK_AST_CALL && pk_at(cx, what.a)->kind == PK_AST_NAME &&
        !pk_symbol_find(cx, pk_text_of_atom(cx, pk_at(cx, what.a)->a))) {
        pk_report_unknown_layer(cx, pk_at(cx, what.a)->span,
                                pk_text_of_atom(cx, pk_at(cx, what.a)->a));
        return true;
    }
    unsigned which = transform_of(cx, node);
    pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, what.span, "`%s` takes a packet",
                   transforms[which].name);
    pk_diag_help(cx->diags, "%s", transforms[which].example);
    return true;
}

bool pk_transform(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_planned *planned)
{
    unsigned which = transform_of(cx, node);
    pk_node args = pk_at(cx, node)->b;
    size_t n = pk_ast_list_len(cx->ast, args);
    if (n <= transforms[which].most)
        return transforms[which].apply(cx, scope, pk_at(cx, args)->next, planned);
    pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT_COUNT, pk_at(cx, node)->span,
                   "`%s` takes %u argument%s, not %zu", transforms[which].name,
                   transforms[which].most, transforms[which].most == 1 ? "" : "s", n);
    return false;
}

/* ---- set --------------------------------------------------------------------------------------
 */

static bool set(pk_compiler *cx, const pk_scope *scope, pk_node args, pk_planned *planned)
{
    bool good = pk_plan_wrap(cx, planned, 0, 0, pk_at(cx, args)->span);
    for (; args && good; args = pk_at(cx, args)->next) {
        pk_ast_node arg = *pk_at(cx, args);
        if (arg.c)
            return pk_not_built(cx, pk_at(cx, arg.c)->span, "`where` in set()");
        if (!arg.a) {
            pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, arg.span,
                           "`set` takes fields behind the packet: ttl=1");
            return false;
        }
        good = pk_edit_packet(cx, scope, planned->first, arg.a, arg.b);
    }
    return good;
}

/* ---- fuzz -------------------------------------------------------------------------------------
 */

typedef struct plan_list {
    pk_ref *refs;
    size_t count, cap;
} plan_list;

static bool put(plan_list *list, pk_ref plan)
{
    if (!plan)
        return true;
    if (!pk_grow((void **)&list->refs, &list->cap, list->count, sizeof *list->refs))
        return false;
    list->refs[list->count++] = plan;
    return true;
}

/* An instance, and what else is to be visited: what follows it, what stands on it, its given structs
 * and elements. */
static bool fuzz_plan(pk_compiler *cx, plan_list *list, pk_ref plan, uint32_t stream)
{
    pk_image_plan *at = PK_AT(cx->builder, PLN, plan);
    if (at->kind == PK_PLAN_INSTANCE && !(at->flags & PK_PLAN_FUZZ)) {
        at->flags |= PK_PLAN_FUZZ;
        at->stream = stream;
    }
    bool good = put(list, at->next) && put(list, at->payload);
    for (uint32_t i = 0; good && i < at->n_givens; i++) {
        const pk_image_given *given = PK_AT(cx->builder, GIV, at->givens + i);
        if (given->kind == PK_GIVEN_LIST || given->kind == PK_GIVEN_NODE)
            good = put(list, given->ref);
    }
    return good;
}

static bool fuzz(pk_compiler *cx, const pk_scope *scope, pk_node args, pk_planned *planned)
{
    (void)scope;
    (void)args;
    plan_list list = {0};
    uint32_t stream = ++cx->n_random;
    bool good = put(&list, planned->first);
    for (unsigned i = 0; i < PK_IMPLIED_LIMIT; i++)
        good = good && put(&list, planned->lower[i]);
    while (good && list.count)
        good = fuzz_plan(cx, &list, list.refs[--list.count], stream);
    free(list.refs);
    return good;
}
