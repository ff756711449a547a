/* Expressions over a row: texts, comparisons, the functions of views, layers by number. */
#include "view.h"

#include <string.h>

bool pk_bare_packet(const pk_scope *scope)
{
    return scope->view && scope->view->filter;
}

/* ---- texts ------------------------------------------------------------------------------------- */

/* Leaves in `dst` the value of the field that selects among the names of what `node` leads to, where
 * that is a field beside it; else undefined. */
static bool lower_selector(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref field,
                           unsigned dst)
{
    const pk_scope *inside = scope;
    pk_ast_node at = *pk_at(cx, pk_view_behind_names(cx, &inside, node));
    pk_image_field record = *PK_AT(cx->builder, FLD, field);
    const pk_image_expr *select = PK_AT(cx->builder, EXP, record.select);
    const pk_insn *insn = PK_AT(cx->builder, CODE, select->start);
    bool beside = record.select && select->count == 2 && insn->op == PK_OPC_SLOT;
    if (!beside || at.kind != PK_AST_MEMBER || scope->view->over_group)
        return pk_emit(cx, PK_OPC_UNDEF, dst, 0, 0, 0, 0);
    pk_ref name = PK_AT(cx->builder, FLD, pk_field_of_slot(cx, record.layer, insn->d))->name;
    return pk_lower(cx, inside, at.a, 0, dst) && pk_emit(cx, PK_OPC_GET, dst, dst, 0, name, 0);
}

static bool lower_text(pk_compiler *cx, const pk_scope *scope, pk_node node, bool names,
                       unsigned dst)
{
    pk_written how = pk_written_as(cx, scope, node);
    if (!pk_lower(cx, scope, node, 0, dst))
        return false;
    if (how.text)
        return true;
    if (!how.field)
        return pk_emit(cx, PK_OPC_TEXT, dst, dst,
                       how.form <= PK_WRITTEN_PREFIX ? how.form : PK_WRITTEN_PLAIN, 0, 0);
    return lower_selector(cx, scope, node, how.field, dst + 1) &&
           pk_emit(cx, PK_OPC_NAMED, dst, dst, dst + 1, how.field, names);
}

static bool is_text(pk_compiler *cx, const pk_scope *scope, pk_node node)
{
    return pk_written_as(cx, scope, node).text;
}

static bool lower_joined(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *at,
                         unsigned dst)
{
    return lower_text(cx, scope, at->b, false, dst) &&
           lower_text(cx, scope, at->c, false, dst + 1) &&
           pk_emit(cx, PK_OPC_ADD, dst, dst, dst + 1, 0, 0);
}

/* Branches that are written differently give their texts. */
static bool lower_choice(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *at,
                         unsigned dst)
{
    if (!pk_lower(cx, scope, at->a, 0, dst))
        return false;
    uint32_t otherwise = cx->code->count;
    if (!pk_emit(cx, PK_OPC_JUMPF, dst, 0, 0, 0, 0) || !lower_text(cx, scope, at->b, false, dst))
        return false;
    uint32_t leave = cx->code->count;
    if (!pk_emit(cx, PK_OPC_JUMP, 0, 0, 0, 0, 0))
        return false;
    pk_emit_patch(cx, otherwise);
    if (!lower_text(cx, scope, at->c, false, dst))
        return false;
    pk_emit_patch(cx, leave);
    return pk_emit(cx, PK_OPC_MOVE, dst, dst, 0, 0, 0);
}

/* ---- comparisons ------------------------------------------------------------------------------- */

/* Two values that are there, and not equal: of a packet that is not there nothing is different. */
static bool lower_unequal(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *at,
                          unsigned dst)
{
    pk_ref field = pk_field_of_expr(cx, scope, at->b);
    if (!field)
        field = pk_field_of_expr(cx, scope, at->c);
    if (!pk_lower(cx, scope, at->b, field, dst) || !pk_lower(cx, scope, at->c, field, dst + 1))
        return false;
    uint32_t outs[2];
    for (unsigned i = 0; i < 2; i++) {
        uint32_t defined = cx->code->count;
        if (!pk_emit(cx, PK_OPC_JUMPD, dst + i, 0, 0, 0, 0) ||
            !pk_emit(cx, PK_OPC_INT, dst, 0, 0, 0, 0))
            return false;
        outs[i] = cx->code->count;
        if (!pk_emit(cx, PK_OPC_JUMP, 0, 0, 0, 0, 0))
            return false;
        pk_emit_patch(cx, defined);
    }
    if (!pk_emit(cx, PK_OPC_EQ, dst, dst, dst + 1, 0, 0) ||
        !pk_emit(cx, PK_OPC_NOT, dst, dst, 0, 0, 0))
        return false;
    pk_emit_patch(cx, outs[0]);
    pk_emit_patch(cx, outs[1]);
    return pk_emit(cx, PK_OPC_TRUTH, dst, dst, 0, 0, 0);
}

/* ---- functions over a row ---------------------------------------------------------------------- */

/* `first(a, b, ..)`: the first that is there. */
static bool lower_first(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call,
                        pk_ref expected, unsigned dst)
{
    uint32_t outs[16];
    uint32_t n = 0;
    for (pk_node at = call->b; at; at = pk_at(cx, at)->next) {
        if (!pk_lower(cx, scope, pk_at(cx, at)->b, expected, dst))
            return false;
        if (!pk_at(cx, at)->next)
            break;
        if (n == sizeof outs / sizeof *outs) {
            pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, call->span,
                           "`first` takes at most 17 values");
            return false;
        }
        outs[n++] = cx->code->count;
        if (!pk_emit(cx, PK_OPC_JUMPD, dst, 0, 0, 0, 0))
            return false;
    }
    for (uint32_t i = 0; i < n; i++)
        pk_emit_patch(cx, outs[i]);
    return pk_emit(cx, PK_OPC_MOVE, dst, dst, 0, 0, 0);
}

static bool lower_named(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call,
                        unsigned dst)
{
    pk_node x = pk_view_argument_of(cx, call, 0);
    if (pk_written_as(cx, scope, x).field)
        return lower_text(cx, scope, x, true, dst);
    pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, call->span,
                   "`name` takes a field whose values have names");
    return false;
}

/* The part of a link address that its maker was given. */
static bool lower_oui(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call, unsigned dst)
{
    return pk_lower(cx, scope, pk_view_argument_of(cx, call, 0), 0, dst) &&
           pk_emit(cx, PK_OPC_INT, dst + 1, 0, 0, 0, 0) &&
           pk_emit(cx, PK_OPC_INT, dst + 2, 0, 0, 0, 2) &&
           pk_emit(cx, PK_OPC_SLICE, dst, dst, dst + 1, dst + 2, 0) &&
           pk_emit(cx, PK_OPC_TEXT, dst, dst, PK_WRITTEN_PREFIX, 0, 0);
}

static bool lower_delta(pk_compiler *cx, const pk_scope *scope, pk_node node, unsigned dst)
{
    pk_ast_node call = *pk_at(cx, node);
    uint32_t index;
    return pk_view_function_add(cx, scope, PK_AGG_DELTA, pk_view_argument_of(cx, &call, 0), 0, 0,
                                node, &index) &&
           pk_emit(cx, PK_OPC_ARG, dst, 0, 0, PK_VIEW_ARGUMENTS + index, 0);
}

static bool report_misplaced(pk_compiler *cx, const pk_ast_node *call, const char *why)
{
    pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, call->span, "`%s` %s", pk_view_callee(cx, call),
                   why);
    return false;
}

static bool lower_function(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                           unsigned dst, bool *ret_handled)
{
    pk_ast_node call = *pk_at(cx, node);
    const char *name = pk_view_callee(cx, &call);
    size_t n = pk_ast_list_len(cx->ast, call.b);
    *ret_handled = true;
    if (pk_view_packets(cx, &call))
        return report_misplaced(cx, &call, "is a column of its own, it joins with nothing");
    if (!scope->view->over_group && !scope->view->filter && pk_view_is_aggregate(cx, scope, &call))
        return report_misplaced(cx, &call, "looks at many rows, and this is about one");
    if (strcmp(name, "first") == 0 && n > 1)
        return lower_first(cx, scope, &call, expected, dst);
    if (n == 1 && strcmp(name, "text") == 0)
        return lower_text(cx, scope, pk_view_argument_of(cx, &call, 0), false, dst);
    if (n == 1 && strcmp(name, "name") == 0)
        return lower_named(cx, scope, &call, dst);
    if (n == 1 && strcmp(name, "oui") == 0)
        return lower_oui(cx, scope, &call, dst);
    if (n == 1 && strcmp(name, "sorted") == 0)
        return pk_lower(cx, scope, pk_view_argument_of(cx, &call, 0), 0, dst) &&
               pk_emit(cx, PK_OPC_SORTED, dst, dst, 0, 0, 0);
    if (n == 1 && strcmp(name, "delta") == 0 && !scope->view->filter)
        return lower_delta(cx, scope, node, dst);
    *ret_handled = false;
    return true;
}

/* ---- layers ------------------------------------------------------------------------------------ */

/* The layer that a name alone means: of the one packet, or a mistake. */
static bool lower_layer_name(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *at,
                             pk_ref expected, unsigned dst, bool *ret_handled)
{
    const pk_scope *bound_in;
    pk_ref name = pk_text_of_atom(cx, at->a);
    uint64_t value;
    *ret_handled = false;
    if (strcmp(pk_str(cx, name), "lost_at") == 0 && !pk_binding_find(scope, at->a, &bound_in))
        return pk_not_built(cx, at->span, "`lost_at`, where a canary fell silent");
    if (pk_binding_find(scope, at->a, &bound_in) || !pk_layer_by_name(cx, name) ||
        pk_enumerator(cx, expected, pk_str(cx, name), &value))
        return true;
    *ret_handled = true;
    if (scope->view->filter)
        return pk_emit(cx, PK_OPC_ARG, dst, 0, 0, PK_VIEW_REPLY, 0) &&
               pk_emit(cx, PK_OPC_GET, dst, dst, 0, name, 0);
    pk_diag_report(cx->diags, PK_DIAG_WRONG_TYPE, at->span, "`%s` of which packet?",
                   pk_str(cx, name));
    pk_diag_label(cx->diags, "sent.%s, reply.%s or quoted.%s", pk_str(cx, name), pk_str(cx, name),
                  pk_str(cx, name));
    return false;
}

/* `sent.dot1q@2`, `ip@-1`. */
static bool lower_nth(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *at, unsigned dst)
{
    pk_ast_node layer = *pk_at(cx, at->a);
    bool bare = layer.kind == PK_AST_NAME && scope->view->filter;
    pk_ref name = layer.kind == PK_AST_MEMBER ? pk_text_of_atom(cx, layer.b)
                  : bare                      ? pk_text_of_atom(cx, layer.a)
                                              : 0;
    pk_ref ref = name ? pk_layer_by_name(cx, name) : 0;
    int64_t n;
    if (!ref || !pk_constant_int(cx, scope, at->b, 0, &n) || !n) {
        pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, at->span,
                       "behind a layer, @ takes a number: 1 is the outermost, -1 the innermost");
        return false;
    }
    bool good = bare ? pk_emit(cx, PK_OPC_ARG, dst, 0, 0, PK_VIEW_REPLY, 0)
                     : pk_lower(cx, scope, layer.a, 0, dst);
    return good && pk_emit(cx, PK_OPC_NTH, dst, dst, 0, ref, (uint64_t)n);
}

/* `reply.payload`: what no layer claimed. */
static bool lower_payload(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *at,
                          unsigned dst, bool *ret_handled)
{
    bool payload = strcmp(pk_ast_atom_text(cx->ast, at->b), "payload") == 0;
    *ret_handled = payload && pk_path_end_of(cx, scope, at->a).kind == PK_PATH_PACKET;
    return !*ret_handled ||
           (pk_lower(cx, scope, at->a, 0, dst) &&
            pk_emit(cx, PK_OPC_GET, dst, dst, 0, pk_image_builder_text(cx->builder, "raw", 3), 0));
}

/* ---- sets ------------------------------------------------------------------------------------- */

bool pk_view_set(pk_compiler *cx, const pk_scope *scope, pk_node *set)
{
    const pk_scope *inside = scope;
    pk_node node = pk_view_behind_names(cx, &inside, *set);
    for (unsigned hops = 0; hops < PK_VIEW_LOOKS && pk_at(cx, node)->kind == PK_AST_NAME; hops++) {
        const pk_symbol *symbol = pk_symbol_find(cx, pk_text_of_atom(cx, pk_at(cx, node)->a));
        if (!symbol || symbol->kind != PK_SYM_LET || pk_at(cx, symbol->ref)->value)
            break;
        node = pk_at(cx, symbol->ref)->b;
    }
    const pk_ast_node *at = pk_at(cx, node);
    *set = node;
    return at->kind == PK_AST_NAME || (at->kind == PK_AST_BINARY && at->a == PK_OP_EXCEPT)
               ? pk_is_set(cx, scope, node, 0)
               : false;
}

/* ---- the whole --------------------------------------------------------------------------------- */

bool pk_lower_viewing(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                      unsigned dst, bool *ret_handled)
{
    pk_ast_node at = *pk_at(cx, node);
    if (scope->view->over_group) {
        bool good = pk_lower_over_group(cx, scope, node, dst, ret_handled);
        if (*ret_handled || !good)
            return good;
    }
    *ret_handled = true;
    switch ((pk_ast_kind)at.kind) {
    case PK_AST_CALL:
        return lower_function(cx, scope, node, expected, dst, ret_handled);
    case PK_AST_NAME:
        return lower_layer_name(cx, scope, &at, expected, dst, ret_handled);
    case PK_AST_NTH:
        return lower_nth(cx, scope, &at, dst);
    case PK_AST_MEMBER:
        if (!pk_check_step(cx, scope, &at))
            return false;
        return lower_payload(cx, scope, &at, dst, ret_handled);
    case PK_AST_BINARY:
        if (at.a == PK_OP_NE && !pk_is_set(cx, scope, at.c, 0))
            return lower_unequal(cx, scope, &at, dst);
        if (at.a == PK_OP_ADD && (is_text(cx, scope, at.b) || is_text(cx, scope, at.c)))
            return lower_joined(cx, scope, &at, dst);
        break;
    case PK_AST_COND:
        if (is_text(cx, scope, node) && !(is_text(cx, scope, at.b) && is_text(cx, scope, at.c)))
            return lower_choice(cx, scope, &at, dst);
        break;
    default:
        break;
    }
    *ret_handled = false;
    return true;
}
