/* Paths in packets that are described: `set(p, tcp.options.mss.mss=1400)`, `dns(.., qd[0].qtype=AAAA)`.
 * A path leads from an instance of the plan through the structs and elements that it was given to
 * the instance whose field takes the value. */
#include "internal.h"

#include <string.h>

enum { STEPS = 32 };

/* One step of a path, from the left: a name, or what stands behind one. */
typedef struct path_step {
    pk_ast_kind kind; /* NAME, NTH or INDEX */
    pk_node node;     /* of the whole path up to here */
    pk_ref name;
    int64_t number;
} path_step;

typedef struct path {
    path_step steps[STEPS];
    unsigned n;
    pk_span span;
} path;

static bool refuse(pk_compiler *cx, pk_span span, const char *what)
{
    pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, span, "%s", what);
    return false;
}

/* The steps stand in the tree from the right. */
static bool path_read(pk_compiler *cx, const pk_scope *scope, pk_node node, path *ret)
{
    *ret = (path){.span = pk_at(cx, node)->span};
    for (;;) {
        pk_ast_node at = *pk_at(cx, node);
        path_step step = {.kind = (pk_ast_kind)at.kind, .node = node};
        if (ret->n == STEPS)
            return refuse(cx, at.span, "a path has at most 32 steps");
        if (at.kind == PK_AST_NAME || at.kind == PK_AST_MEMBER)
            step = (path_step){PK_AST_NAME, node,
                               pk_text_of_atom(cx, at.kind == PK_AST_NAME ? at.a : at.b), 0};
        else if (at.kind != PK_AST_NTH && at.kind != PK_AST_INDEX)
            return refuse(cx, at.span, "a path is made of names, @n and [n]");
        else if (!pk_constant_int(cx, scope, at.b, 0, &step.number))
            return refuse(cx, pk_at(cx, at.b)->span, "this number must be known");
        memmove(ret->steps + 1, ret->steps, ret->n * sizeof *ret->steps);
        ret->steps[0] = step;
        ret->n++;
        if (at.kind == PK_AST_NAME)
            return true;
        node = at.a;
    }
}

static pk_ref layer_of(pk_compiler *cx, pk_ref plan)
{
    const pk_image_plan *at = PK_AT(cx->builder, PLN, plan);
    return at->kind == PK_PLAN_INSTANCE ? at->ref : 0;
}

/* The instance behind this one in reading order: what stands on it, else what is beside it. */
static pk_ref above(pk_compiler *cx, pk_ref plan)
{
    const pk_image_plan *at = PK_AT(cx->builder, PLN, plan);
    return at->payload ? at->payload : at->next;
}

/* Element `index` of a chain; without an index the first that is, or holds, what the next step
 * names. */
static pk_ref element_for(pk_compiler *cx, pk_ref plan, const path_step *next)
{
    pk_image_member member;
    if (next->kind == PK_AST_INDEX) {
        for (int64_t i = 0; plan && i < next->number; i++)
            plan = PK_AT(cx->builder, PLN, plan)->next;
        return next->number < 0 ? 0 : plan;
    }
    for (; plan; plan = PK_AT(cx->builder, PLN, plan)->next) {
        pk_ref layer = layer_of(cx, plan);
        if (!layer || !pk_member(cx, layer, next->name, &member))
            continue;
        pk_ref payload = PK_AT(cx->builder, PLN, plan)->payload;
        if (member.kind != PK_MEMBER_CASE || (payload && layer_of(cx, payload) == member.ref))
            return plan;
    }
    return 0;
}

/* What a field was given, as far as it has parts; 0 = it was not. */
static pk_ref parts_of(pk_compiler *cx, pk_ref plan, uint32_t slot)
{
    const pk_image_plan at = *PK_AT(cx->builder, PLN, plan);
    for (uint32_t i = 0; i < at.n_givens; i++) {
        const pk_image_given *given = PK_AT(cx->builder, GIV, at.givens + i);
        if (given->slot == slot && (given->kind == PK_GIVEN_LIST || given->kind == PK_GIVEN_NODE))
            return given->ref;
    }
    return 0;
}

static bool not_there(pk_compiler *cx, const path *to, const path_step *step)
{
    pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, to->span, "`%s` is not written in this packet",
                   pk_str(cx, pk_text_of_node(cx, step->node)));
    pk_diag_help(cx->diags, "a path leads through what the packet was given; give the whole field");
    return false;
}

/* Follows the steps from `i` on; the last one names the field. */
static bool edit_in(pk_compiler *cx, const pk_scope *scope, pk_ref plan, const path *to, unsigned i,
                    pk_node value)
{
    for (; i < to->n; i++) {
        const path_step *step = &to->steps[i];
        pk_ref layer = layer_of(cx, plan);
        pk_image_member member;
        if (step->kind != PK_AST_NAME)
            return refuse(cx, to->span, "[n] stands behind a list, @n behind a layer");
        if (i + 1 == to->n)
            return pk_plan_edit(cx, scope, plan, step->node, step->name, value);
        if (!layer || !pk_member(cx, layer, step->name, &member)) {
            pk_report_unknown_field(cx, pk_at(cx, step->node)->span, layer, step->name);
            return false;
        }
        pk_ref next = member.kind == PK_MEMBER_CASE ? PK_AT(cx->builder, PLN, plan)->payload
                                                    : parts_of(cx, plan, member.ref);
        bool list = member.kind != PK_MEMBER_CASE;
        next = next && list ? element_for(cx, next, step + 1) : next;
        if (!next || (!list && layer_of(cx, next) != member.ref))
            return not_there(cx, to, step);
        plan = next;
        i += list && step[1].kind == PK_AST_INDEX;
        if (i + 1 == to->n)
            return refuse(cx, to->span, "a path ends with a field");
    }
    return false;
}

/* ---- where a path begins ----------------------------------------------------------------------
 */

/* The n-th instance of a layer from the outside (from 1) or, negative, from the inside. */
static pk_ref nth_layer(pk_compiler *cx, pk_ref first, pk_ref layer, int64_t n)
{
    int64_t count = 0;
    for (pk_ref at = first; at; at = above(cx, at))
        count += layer_of(cx, at) == layer;
    n = n < 0 ? count + n + 1 : n;
    for (pk_ref at = first; at; at = above(cx, at))
        if (layer_of(cx, at) == layer && --n == 0)
            return at;
    return 0;
}

static bool has_field(pk_compiler *cx, pk_ref plan, pk_ref name)
{
    pk_image_member member;
    pk_ref layer = layer_of(cx, plan);
    return layer && pk_member(cx, layer, name, &member) && member.kind == PK_MEMBER_FIELD;
}

/* The one layer of the packet that has the field; 0 after a report. */
static pk_ref layer_with(pk_compiler *cx, pk_ref first, const path *to)
{
    pk_ref found = 0;
    pk_ref name = to->steps[0].name;
    const char *text = pk_str(cx, name);
    if (strcmp(text, "_cut") == 0 || strcmp(text, "_rest") == 0)
        return first;
    for (pk_ref at = first; at; at = above(cx, at)) {
        if (!has_field(cx, at, name))
            continue;
        if (found) {
            const char *one = pk_str(cx, PK_AT(cx->builder, LAY, layer_of(cx, found))->name);
            const char *two = pk_str(cx, PK_AT(cx->builder, LAY, layer_of(cx, at))->name);
            pk_diag_report(cx->diags, PK_DIAG_AMBIGUOUS, to->span, "`%s` is ambiguous",
                           pk_str(cx, name));
            pk_diag_help(cx->diags, "write %s.%s=.. or %s.%s=..", one, pk_str(cx, name), two,
                         pk_str(cx, name));
            return 0;
        }
        found = at;
    }
    if (!found)
        pk_report_unknown_field(cx, to->span, layer_of(cx, first), name);
    return found;
}

bool pk_edit_inside(pk_compiler *cx, const pk_scope *scope, pk_ref plan, pk_node node,
                    pk_node value)
{
    path to;
    return path_read(cx, scope, node, &to) && edit_in(cx, scope, plan, &to, 0, value);
}

bool pk_edit_packet(pk_compiler *cx, const pk_scope *scope, pk_ref first, pk_node node,
                    pk_node value)
{
    path to;
    if (!path_read(cx, scope, node, &to))
        return false;
    pk_ref layer = to.n > 1 ? pk_layer_by_name(cx, to.steps[0].name) : 0;
    if (!layer) {
        pk_ref plan = layer_with(cx, first, &to);
        return plan && edit_in(cx, scope, plan, &to, 0, value);
    }
    bool nth = to.steps[1].kind == PK_AST_NTH;
    pk_ref plan = nth_layer(cx, first, layer, nth ? to.steps[1].number : 1);
    return plan ? edit_in(cx, scope, plan, &to, nth ? 2 : 1, value)
                : not_there(cx, &to, &to.steps[nth]);
}
