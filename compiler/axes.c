/* Axes: a set that is written is an axis of its own, a name one axis wherever it is used; each is
 * made once, when it is first met, and the alternative being made notes which dimensions it meets,
 * in reading order. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static bool meet_dim(pk_compiler *cx, uint32_t dim)
{
    for (size_t i = 0; i < cx->n_dims_met; i++)
        if (cx->dims[i] == dim)
            return true;
    if (!pk_grow((void **)&cx->dims, &cx->cap_dims, cx->n_dims_met, sizeof *cx->dims))
        return false;
    cx->dims[cx->n_dims_met++] = dim;
    return true;
}

/* Whether two fields read a written member alike. */
static bool same_reading(pk_compiler *cx, pk_ref a, pk_ref b)
{
    if (a == b || !a || !b)
        return a == b;
    const pk_image_field *x = PK_AT(cx->builder, FLD, a), *y = PK_AT(cx->builder, FLD, b);
    return x->type == y->type && x->codec == y->codec && x->names == y->names && x->sub == y->sub &&
           x->width == y->width;
}

/* The axis itself, or `ret_dim` of one of the same members read otherwise; else 0. */
static pk_ref axis_known(pk_compiler *cx, pk_axis_key key, uint32_t *ret_dim)
{
    /* Axes are met again soon after they were made: look from the end. */
    for (size_t i = cx->n_axes; i-- > 0 && cx->n_axes - i < 4096;) {
        const pk_axis_key *at = &cx->axes[i];
        if (at->kind != key.kind || at->ref != key.ref)
            continue;
        const pk_image_axis *axis = PK_AT(cx->builder, AXS, at->axis);
        if (at->index == key.index && same_reading(cx, at->field, key.field))
            return at->axis;
        *ret_dim = axis->dim;
    }
    return 0;
}

static pk_ref axis_add(pk_compiler *cx, pk_axis_key key, pk_image_axis axis)
{
    if (!axis.set || !pk_grow((void **)&cx->axes, &cx->cap_axes, cx->n_axes, sizeof *cx->axes))
        return 0;
    key.axis = PK_ADD(cx->builder, AXS, 1);
    *PK_AT(cx->builder, AXS, key.axis) = axis;
    cx->axes[cx->n_axes++] = key;
    return key.axis;
}

/* What goes on with the packet's number is no dimension of the set of packets. */
static bool emit_axis(pk_compiler *cx, pk_ref axis, unsigned dst)
{
    uint32_t dim = axis ? PK_AT(cx->builder, AXS, axis)->dim : 0;
    return axis && (!dim || meet_dim(cx, dim)) && pk_emit(cx, PK_OPC_AXIS, dst, 0, 0, axis, 0);
}

/* A set in one place of the packet or of a zip; cycle(S) goes through S again and again. */
static pk_ref axis_make(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_axis_key key,
                        pk_image_axis axis)
{
    const pk_scope *inside;
    pk_node behind = pk_resolve(cx, scope, node, &inside);
    if (pk_calls_set(cx, behind, "cycle")) {
        pk_node arg = pk_at(cx, behind)->b;
        if (!arg || pk_at(cx, arg)->next) {
            pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, pk_at(cx, behind)->span,
                           "`cycle` takes one set");
            return 0;
        }
        axis.flags = PK_AXIS_CYCLES;
        scope = inside;
        node = pk_at(cx, arg)->b;
    }
    axis.set = pk_set_make(cx, scope, node, key.field);
    return axis_add(cx, key, axis);
}

static bool not_here(pk_compiler *cx, const pk_scope *scope, pk_node node)
{
    if (!scope->layer)
        return false;
    pk_diag_report(cx->diags, PK_DIAG_SET_NOT_ALLOWED, pk_at(cx, node)->span,
                   "a set cannot stand here: a layer's fields have one value");
    return true;
}

bool pk_lower_axis(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                   unsigned dst)
{
    if (not_here(cx, scope, node))
        return false;
    pk_axis_key key = {.kind = PK_AXIS_OF_NODE, .ref = node, .field = expected};
    uint32_t dim = 0;
    pk_ref axis = axis_known(cx, key, &dim);
    if (!axis) {
        bool cycles = pk_calls_set(cx, node, "cycle");
        pk_image_axis made = {.dim = dim || cycles ? dim : ++cx->n_dims,
                              .name = pk_text_of_node(cx, node)};
        axis = axis_make(cx, scope, node, key, made);
    }
    return emit_axis(cx, axis, dst);
}

bool pk_lower_param(pk_compiler *cx, pk_ref param, unsigned dst)
{
    pk_axis_key key = {.kind = PK_AXIS_OF_PARAM, .ref = param};
    uint32_t dim = 0;
    pk_ref axis = axis_known(cx, key, &dim);
    if (!axis) {
        pk_ref first = PK_ADD(cx->builder, SOP, 1);
        *PK_AT(cx->builder, SOP, first) = (pk_image_set_step){PK_SET_PARAM, param, 0, 0};
        pk_ref name = PK_AT(cx->builder, PAR, param)->name;
        pk_ref set = PK_ADD(cx->builder, SET, 1);
        *PK_AT(cx->builder, SET, set) = (pk_image_set){first, 1, name, 0};
        axis = axis_add(cx, key, (pk_image_axis){.set = set, .dim = ++cx->n_dims, .name = name});
    }
    return emit_axis(cx, axis, dst);
}

/* The frames of a capture file: which of them is an axis, its bytes come from the file. */
static bool lower_frame(pk_compiler *cx, const pk_scope *scope, pk_node call, unsigned dst)
{
    pk_node name = pk_at(cx, pk_at(cx, call)->b)->b;
    pk_axis_key key = {.kind = PK_AXIS_OF_NODE, .ref = call};
    uint32_t dim = 0;
    pk_ref axis = axis_known(cx, key, &dim);
    if (!axis) {
        pk_ref file = pk_lower_expr(cx, scope, name, 0, 0);
        if (!file)
            return false;
        pk_ref first = PK_ADD(cx->builder, SOP, 1);
        *PK_AT(cx->builder, SOP, first) = (pk_image_set_step){PK_SET_FRAMES, file, 0, 0};
        pk_ref text = pk_text_of_node(cx, call);
        pk_ref set = PK_ADD(cx->builder, SET, 1);
        *PK_AT(cx->builder, SET, set) = (pk_image_set){first, 1, text, 0};
        axis = axis_add(cx, key, (pk_image_axis){.set = set, .dim = ++cx->n_dims, .name = text});
    }
    return pk_lower(cx, scope, name, 0, dst) && emit_axis(cx, axis, dst + 1) &&
           pk_emit(cx, PK_OPC_NATIVE, dst, dst, 2, PK_FN_FRAME, 0);
}

bool pk_calls_pcap(pk_compiler *cx, pk_node node)
{
    pk_ast_node at = *pk_at(cx, node);
    return at.kind == PK_AST_CALL && pk_at(cx, at.a)->kind == PK_AST_NAME &&
           strcmp(pk_ast_atom_text(cx->ast, pk_at(cx, at.a)->a), "pcap") == 0 &&
           !pk_symbol_find(cx, pk_text_of_atom(cx, pk_at(cx, at.a)->a));
}

pk_ref pk_plan_frames(pk_compiler *cx, const pk_scope *scope, pk_node call)
{
    if (pk_ast_list_len(cx->ast, pk_at(cx, call)->b) != 1) {
        pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, pk_at(cx, call)->span,
                       "`pcap` takes the name of a capture file");
        return 0;
    }
    pk_code code = {0};
    pk_code *outer = cx->code;
    cx->code = &code;
    bool good = lower_frame(cx, scope, call, 0) && pk_emit(cx, PK_OPC_RET, 0, 0, 0, 0, 0);
    cx->code = outer;
    pk_ref plan = 0;
    if (good) {
        pk_ref start = PK_PUT(cx->builder, CODE, code.insns, code.count);
        pk_ref expr = PK_ADD(cx->builder, EXP, 1);
        *PK_AT(cx->builder, EXP, expr) = (pk_image_expr){.start = start, .count = code.count};
        plan = PK_ADD(cx->builder, PLN, 1);
        *PK_AT(cx->builder, PLN, plan) =
            (pk_image_plan){.kind = PK_PLAN_VALUE, .ref = expr, .flags = PK_PLAN_FRAME};
    }
    free(code.insns);
    return plan;
}

/* ---- zip --------------------------------------------------------------------------------------
 */

/* Whether every set in it goes on for ever: then it steps with the packet's number. */
static bool all_cycle(pk_compiler *cx, const pk_scope *scope, pk_node zip)
{
    const pk_scope *inside;
    for (pk_node arg = pk_at(cx, zip)->b; arg; arg = pk_at(cx, arg)->next)
        if (!pk_calls_set(cx, pk_resolve(cx, scope, pk_at(cx, arg)->b, &inside), "cycle"))
            return false;
    return true;
}

bool pk_lower_zip(pk_compiler *cx, const pk_scope *scope, pk_node zip, uint32_t index, pk_ref name,
                  pk_ref expected, unsigned dst)
{
    if (not_here(cx, scope, zip))
        return false;
    pk_axis_key key = {.kind = PK_AXIS_OF_NODE, .ref = zip, .index = index + 1, .field = expected};
    uint32_t dim = 0;
    pk_ref axis = axis_known(cx, key, &dim);
    if (!axis) {
        pk_node arg = pk_at(cx, zip)->b;
        for (uint32_t i = 0; i < index; i++)
            arg = pk_at(cx, arg)->next;
        pk_node set = pk_at(cx, arg)->b;
        if (!dim && !all_cycle(cx, scope, zip))
            dim = ++cx->n_dims;
        pk_image_axis made = {.dim = dim, .name = name ? name : pk_text_of_node(cx, set)};
        axis = axis_make(cx, scope, set, key, made);
    }
    return emit_axis(cx, axis, dst);
}

static bool is_zip(pk_compiler *cx, pk_node node)
{
    pk_ast_node at = *pk_at(cx, node);
    return at.kind == PK_AST_CALL && pk_at(cx, at.a)->kind == PK_AST_NAME &&
           strcmp(pk_ast_atom_text(cx->ast, pk_at(cx, at.a)->a), "zip") == 0 &&
           !pk_symbol_find(cx, pk_text_of_atom(cx, pk_at(cx, at.a)->a));
}

pk_node pk_zip_element(pk_compiler *cx, const pk_scope *scope, pk_node node,
                       const pk_scope **ret_scope, uint32_t *ret_index)
{
    pk_ast_node at = *pk_at(cx, node);
    if (at.kind != PK_AST_INDEX || pk_at(cx, at.b)->kind != PK_AST_INT)
        return 0;
    pk_node zip = pk_resolve(cx, scope, at.a, ret_scope);
    uint64_t index = pk_at(cx, at.b)->value;
    if (!is_zip(cx, zip) || index >= pk_ast_list_len(cx->ast, pk_at(cx, zip)->b))
        return 0;
    *ret_index = (uint32_t)index;
    return zip;
}

bool pk_zip_fits(pk_compiler *cx, pk_node let)
{
    pk_ast_node at = *pk_at(cx, let);
    size_t names = pk_ast_list_len(cx->ast, at.a);
    if (is_zip(cx, at.b) && pk_ast_list_len(cx->ast, pk_at(cx, at.b)->b) == names)
        return true;
    pk_diag_report(cx->diags, PK_DIAG_UNEQUAL_ZIP, pk_at(cx, at.b)->span,
                   "`let (..)` takes zip() of as many sets as it has names");
    return false;
}

bool pk_lower_let(pk_compiler *cx, const pk_scope *scope, const pk_symbol *symbol, pk_ref expected,
                  unsigned dst)
{
    (void)scope;
    const pk_scope inside = {0};
    pk_node value = pk_at(cx, symbol->ref)->b;
    if (pk_at(cx, symbol->ref)->value)
        return pk_zip_fits(cx, symbol->ref) &&
               pk_lower_zip(cx, &inside, value, symbol->index, symbol->name, expected, dst);
    return pk_lower(cx, &inside, value, expected, dst);
}
