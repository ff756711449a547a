/* Sets and axes. A set literal is an axis of its own, a name one axis wherever it is used; each is
 * made once, when it is first met, and the alternative being made notes which dimensions it meets,
 * in reading order. Strings are read as the field that they are given to writes them. */
#include "internal.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/literal.h"

/* ---- is it a set? -----------------------------------------------------------------------------
 */

static bool address_field(pk_compiler *cx, pk_ref field)
{
    if (!field)
        return false;
    const pk_image_field *at = PK_AT(cx->builder, FLD, field);
    return at->type == PK_TYPE_IP4 || at->type == PK_TYPE_IP6 ||
           (at->codec && strcmp(pk_str(cx, at->codec), "addr") == 0);
}

/* A string that an address field reads as a prefix: "10.0.0.0/24". */
static bool prefix_string(pk_compiler *cx, pk_bytes text, pk_ref field, pk_literal *ret_literal)
{
    pk_literal_fault fault;
    if (!address_field(cx, field) ||
        pk_literal_parse((const char *)text.data, text.len, ret_literal, &fault))
        return false;
    return (ret_literal->kind == PK_LITERAL_IP4 || ret_literal->kind == PK_LITERAL_IP6) &&
           ret_literal->prefix;
}

static pk_node let_value(pk_compiler *cx, const pk_symbol *symbol)
{
    return pk_at(cx, symbol->ref)->b;
}

bool pk_is_set(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected)
{
    for (unsigned hops = 0; hops < PK_DEPTH_LIMIT; hops++) {
        pk_ast_node at = *pk_at(cx, node);
        pk_literal literal;
        const pk_scope *bound_in;
        switch ((pk_ast_kind)at.kind) {
        case PK_AST_LIST:
        case PK_AST_RANGE:
        case PK_AST_TUPLE:
            return true;
        case PK_AST_IP4:
        case PK_AST_IP6:
            return at.b != 0;
        case PK_AST_STRING:
            return prefix_string(cx, pk_ast_blob_bytes(cx->ast, at.a), expected, &literal);
        case PK_AST_BINARY:
            return at.a == PK_OP_EXCEPT;
        case PK_AST_NAME:
            break;
        default:
            return false;
        }
        const pk_binding *binding = pk_binding_find(scope, at.a, &bound_in);
        if (binding) {
            if (!binding->value)
                return false;
            node = binding->value;
            scope = binding->scope;
            continue;
        }
        const pk_symbol *symbol = pk_symbol_find(cx, pk_text_of_atom(cx, at.a));
        if (symbol && symbol->kind == PK_SYM_PARAM)
            return PK_AT(cx->builder, PAR, symbol->ref)->is_set;
        if (!symbol || symbol->kind != PK_SYM_LET)
            return false;
        if (pk_at(cx, symbol->ref)->value)
            return true;
        node = let_value(cx, symbol);
    }
    return false;
}

/* ---- strings ----------------------------------------------------------------------------------
 */

static bool emit_blob(pk_compiler *cx, const void *bytes, size_t len, unsigned dst)
{
    pk_ref blob = pk_image_builder_blob(cx->builder, bytes, len);
    return pk_emit(cx, PK_OPC_BLOB, dst, 0, 0, blob, 0);
}

static bool report_string(pk_compiler *cx, pk_node node, pk_bytes text, pk_ref field,
                          const char *why)
{
    const pk_image_field *at = PK_AT(cx->builder, FLD, field);
    pk_diag_report(cx->diags, PK_DIAG_BAD_COERCION, pk_at(cx, node)->span,
                   "`%s.%s` cannot read \"%.*s\": it %s",
                   pk_str(cx, PK_AT(cx->builder, LAY, at->layer)->name), pk_str(cx, at->name),
                   (int)(text.len < 64 ? text.len : 64), (const char *)text.data, why);
    return false;
}

static bool lower_address(pk_compiler *cx, pk_node node, pk_bytes text, pk_ref field, unsigned dst)
{
    pk_literal literal;
    pk_literal_fault fault;
    const pk_type type = (pk_type)PK_AT(cx->builder, FLD, field)->type;
    size_t width = type == PK_TYPE_IP4 ? 4 : type == PK_TYPE_IP6 ? 16 : 6;
    pk_literal_error error = pk_literal_parse((const char *)text.data, text.len, &literal, &fault);
    size_t got = literal.kind == PK_LITERAL_IP4   ? 4
                 : literal.kind == PK_LITERAL_IP6 ? 16
                 : literal.kind == PK_LITERAL_MAC ? 6
                                                  : 0;
    if (!error && got == width)
        return emit_blob(cx, literal.address, width, dst);
    bool name = error && text.len && text.data[0] > '9';
    return report_string(cx, node, text, field,
                         name         ? "is a host name, and names are not looked up yet"
                         : width == 4 ? "is not an IPv4 address"
                         : width == 6 ? "is not a MAC address"
                                      : "is not an IPv6 address");
}

static bool lower_codec_text(pk_compiler *cx, pk_node node, pk_bytes text, pk_ref field,
                             pk_ref codec, unsigned dst)
{
    pk_codec form = pk_codec_find(pk_str(cx, codec));
    int64_t width = 0;
    pk_ref extent = PK_AT(cx->builder, FLD, field)->width;
    if (extent) {
        const pk_image_expr *expr = PK_AT(cx->builder, EXP, extent);
        if (expr->flags & PK_EXPR_CONST)
            width = (int64_t)PK_AT(cx->builder, CODE, expr->start)->e;
    }
    const char *why = "cannot be read";
    pk_buf bytes = {0};
    if (form != PK_CODEC_NONE && !pk_codec_encode(form, text, (size_t)width, &bytes, &why)) {
        pk_buf_free(&bytes);
        /* Bytes that are no text of the codec stand for themselves in a bytes field. */
        if (PK_AT(cx->builder, FLD, field)->type == PK_TYPE_BYTES)
            return emit_blob(cx, text.data, text.len, dst);
        return report_string(cx, node, text, field, why);
    }
    bool good = form == PK_CODEC_NONE ? emit_blob(cx, text.data, text.len, dst)
                                      : emit_blob(cx, bytes.data, bytes.len, dst);
    pk_buf_free(&bytes);
    return good;
}

bool pk_lower_string(pk_compiler *cx, pk_node node, pk_bytes text, pk_ref expected, unsigned dst)
{
    if (!expected)
        return emit_blob(cx, text.data, text.len, dst);
    pk_image_field field = *PK_AT(cx->builder, FLD, expected);
    uint64_t value;
    char name[128];
    (void)snprintf(name, sizeof name, "%.*s", (int)(text.len < 127 ? text.len : 127),
                   (const char *)text.data);
    pk_literal literal;
    switch ((pk_type)field.type) {
    case PK_TYPE_IP4:
    case PK_TYPE_IP6:
    case PK_TYPE_MAC:
        if (prefix_string(cx, text, expected, &literal))
            return pk_lower_axis(cx, &(pk_scope){0}, node, expected, dst);
        return lower_address(cx, node, text, expected, dst);
    case PK_TYPE_UINT:
    case PK_TYPE_INT:
    case PK_TYPE_ULEB:
    case PK_TYPE_UVLQ:
        if (pk_enumerator(cx, expected, name, &value))
            return pk_emit(cx, PK_OPC_INT, dst, 0, 0, 0, value);
        return report_string(cx, node, text, expected,
                             field.names ? "is none of the field's names" : "is not a number");
    case PK_TYPE_STRUCT:
        if (field.sub && PK_AT(cx->builder, LAY, field.sub)->codec)
            return lower_codec_text(cx, node, text, expected,
                                    PK_AT(cx->builder, LAY, field.sub)->codec, dst);
        return emit_blob(cx, text.data, text.len, dst);
    case PK_TYPE_BYTES:
        if (field.codec)
            return lower_codec_text(cx, node, text, expected, field.codec, dst);
        return emit_blob(cx, text.data, text.len, dst);
    }
    return false;
}

/* ---- making sets ------------------------------------------------------------------------------
 */

typedef struct steps {
    pk_image_set_step *list;
    size_t count, cap;
} steps;

static bool step(steps *s, pk_set_op op, uint32_t a, uint32_t b, uint32_t c)
{
    if (!pk_grow((void **)&s->list, &s->cap, s->count, sizeof *s->list))
        return false;
    s->list[s->count++] = (pk_image_set_step){op, a, b, c};
    return true;
}

static bool set_steps(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                      steps *s);

/* A member of a set, or a bound of a range: 0 after a report. */
static pk_ref member_expr(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected)
{
    pk_ref expr = pk_lower_expr(cx, scope, node, expected, 0);
    return expr && (!expected || pk_fits(cx, expected, expr, pk_at(cx, node)->span)) ? expr : 0;
}

static bool step_range(pk_compiler *cx, const pk_scope *scope, pk_node lo, pk_node hi, pk_node by,
                       pk_ref expected, steps *s)
{
    pk_ref a = member_expr(cx, scope, lo, expected);
    pk_ref b = member_expr(cx, scope, hi, expected);
    pk_ref c = by ? pk_lower_expr(cx, scope, by, 0, 0) : 0;
    return a && b && (!by || c) && step(s, PK_SET_RANGE, a, b, c);
}

static bool step_prefix(pk_compiler *cx, pk_span span, const uint8_t *address, size_t width,
                        unsigned len, steps *s)
{
    if (width == 16 && len == 0) {
        pk_diag_report(cx->diags, PK_DIAG_SET_TOO_BIG, span,
                       "all of IPv6 is one address more than can be counted");
        pk_diag_label(cx->diags, "a set has at most 2^128 - 1 members");
        pk_diag_help(cx->diags,
                     "a part of it: 2000::/3, or one drawn for each packet: random(2000::/3)");
        return false;
    }
    pk_ref a = pk_expr_bytes(cx, address, width);
    pk_ref b = pk_expr_int(cx, len);
    return step(s, PK_SET_PREFIX, a, b, 0);
}

static bool step_name(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                      steps *s)
{
    pk_ast_node at = *pk_at(cx, node);
    const pk_scope *bound_in;
    const pk_binding *binding = pk_binding_find(scope, at.a, &bound_in);
    if (binding && binding->value)
        return set_steps(cx, binding->scope, binding->value, expected, s);
    const pk_symbol *symbol = pk_symbol_find(cx, pk_text_of_atom(cx, at.a));
    if (symbol && symbol->kind == PK_SYM_PARAM && PK_AT(cx->builder, PAR, symbol->ref)->is_set)
        return step(s, PK_SET_PARAM, symbol->ref, 0, 0);
    if (symbol && symbol->kind == PK_SYM_LET && !pk_at(cx, symbol->ref)->value)
        return set_steps(cx, &(pk_scope){0}, let_value(cx, symbol), expected, s);
    pk_ref value = member_expr(cx, scope, node, expected);
    return value && step(s, PK_SET_VALUE, value, 0, 0);
}

static bool step_list(pk_compiler *cx, const pk_scope *scope, pk_node elements, pk_ref expected,
                      steps *s)
{
    if (!elements)
        return step(s, PK_SET_NONE, 0, 0, 0);
    bool first = true;
    for (pk_node at = elements; at; at = pk_at(cx, at)->next) {
        if (!set_steps(cx, scope, at, expected, s) || (!first && !step(s, PK_SET_JOIN, 0, 0, 0)))
            return false;
        first = false;
    }
    return true;
}

static bool set_steps_node(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                           steps *s)
{
    pk_ast_node at = *pk_at(cx, node);
    pk_literal literal;
    switch ((pk_ast_kind)at.kind) {
    case PK_AST_LIST:
        return step_list(cx, scope, at.a, expected, s);
    case PK_AST_RANGE:
        return step_range(cx, scope, at.a, at.b, at.c, expected, s);
    case PK_AST_TUPLE: {
        /* Scapy's (a, b) where a number is expected: from a to b. */
        pk_node second = pk_at(cx, at.a)->next;
        if (!second || pk_at(cx, second)->next) {
            pk_diag_report(cx->diags, PK_DIAG_BAD_RANGE, at.span,
                           "as a range of values a tuple has two elements, first and last");
            return false;
        }
        return step_range(cx, scope, at.a, second, 0, expected, s);
    }
    case PK_AST_IP4:
    case PK_AST_IP6:
        if (at.b) {
            pk_bytes address = pk_ast_blob_bytes(cx->ast, at.a);
            return step_prefix(cx, at.span, address.data, address.len, at.b - 1, s);
        }
        break;
    case PK_AST_STRING:
        if (prefix_string(cx, pk_ast_blob_bytes(cx->ast, at.a), expected, &literal))
            return step_prefix(cx, at.span, literal.address,
                               literal.kind == PK_LITERAL_IP4 ? 4 : 16, literal.prefix - 1, s);
        break;
    case PK_AST_BINARY:
        if (at.a == PK_OP_EXCEPT)
            return set_steps(cx, scope, at.b, expected, s) &&
                   set_steps(cx, scope, at.c, expected, s) && step(s, PK_SET_EXCEPT, 0, 0, 0);
        break;
    case PK_AST_NAME:
        return step_name(cx, scope, node, expected, s);
    default:
        break;
    }
    pk_ref value = member_expr(cx, scope, node, expected);
    return value && step(s, PK_SET_VALUE, value, 0, 0);
}

static bool set_steps(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                      steps *s)
{
    if (cx->depth >= PK_DEPTH_LIMIT) {
        pk_diag_report(cx->diags, PK_DIAG_EXPRESSION_DEPTH, pk_at(cx, node)->span,
                       "set too deep (limit %d)", PK_DEPTH_LIMIT);
        return false;
    }
    cx->depth++;
    bool good = set_steps_node(cx, scope, node, expected, s);
    cx->depth--;
    return good;
}

pk_ref pk_set_make(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected)
{
    steps s = {0};
    pk_ref ref = 0;
    if (set_steps(cx, scope, node, expected, &s)) {
        pk_ref first = PK_PUT(cx->builder, SOP, s.list, (uint32_t)s.count);
        pk_ref text = pk_text_of_node(cx, node);
        ref = PK_ADD(cx->builder, SET, 1);
        *PK_AT(cx->builder, SET, ref) =
            (pk_image_set){.steps = first, .n_steps = (uint32_t)s.count, .text = text};
    }
    free(s.list);
    return ref;
}

/* ---- axes -------------------------------------------------------------------------------------
 */

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

static pk_ref axis_known(pk_compiler *cx, uint32_t kind, uint32_t ref, uint32_t index)
{
    /* Axes are met again soon after they were made: look from the end. */
    for (size_t i = cx->n_axes; i-- > 0 && cx->n_axes - i < 4096;)
        if (cx->axes[i].kind == kind && cx->axes[i].ref == ref && cx->axes[i].index == index)
            return cx->axes[i].axis;
    return 0;
}

static pk_ref axis_add(pk_compiler *cx, uint32_t kind, uint32_t ref, uint32_t index, pk_ref set,
                       pk_ref name, uint32_t dim)
{
    if (!set || !pk_grow((void **)&cx->axes, &cx->cap_axes, cx->n_axes, sizeof *cx->axes))
        return 0;
    pk_ref axis = PK_ADD(cx->builder, AXS, 1);
    *PK_AT(cx->builder, AXS, axis) = (pk_image_axis){.set = set, .dim = dim, .name = name};
    cx->axes[cx->n_axes++] = (pk_axis_key){kind, ref, index, axis};
    return axis;
}

static bool emit_axis(pk_compiler *cx, pk_ref axis, unsigned dst)
{
    return axis && meet_dim(cx, PK_AT(cx->builder, AXS, axis)->dim) &&
           pk_emit(cx, PK_OPC_AXIS, dst, 0, 0, axis, 0);
}

bool pk_lower_axis(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                   unsigned dst)
{
    if (scope->layer) {
        pk_diag_report(cx->diags, PK_DIAG_SET_NOT_ALLOWED, pk_at(cx, node)->span,
                       "a set cannot stand here: a layer's fields have one value");
        return false;
    }
    pk_ref axis = axis_known(cx, 0, node, 0);
    if (!axis) {
        pk_ref set = pk_set_make(cx, scope, node, expected);
        axis = axis_add(cx, 0, node, 0, set, pk_text_of_node(cx, node), ++cx->n_dims);
    }
    return emit_axis(cx, axis, dst);
}

bool pk_lower_param(pk_compiler *cx, pk_ref param, unsigned dst)
{
    pk_ref axis = axis_known(cx, 1, param, 0);
    if (!axis) {
        pk_ref first = PK_ADD(cx->builder, SOP, 1);
        *PK_AT(cx->builder, SOP, first) = (pk_image_set_step){PK_SET_PARAM, param, 0, 0};
        pk_ref name = PK_AT(cx->builder, PAR, param)->name;
        pk_ref set = PK_ADD(cx->builder, SET, 1);
        *PK_AT(cx->builder, SET, set) = (pk_image_set){first, 1, name, 0};
        axis = axis_add(cx, 1, param, 0, set, name, ++cx->n_dims);
    }
    return emit_axis(cx, axis, dst);
}

/* let (h, p) = zip(hosts, ports): axes of one dimension. */
static bool lower_zip(pk_compiler *cx, const pk_symbol *symbol, pk_ref expected, unsigned dst)
{
    pk_ast_node call = *pk_at(cx, let_value(cx, symbol));
    const char *callee = call.kind == PK_AST_CALL && pk_at(cx, call.a)->kind == PK_AST_NAME
                             ? pk_ast_atom_text(cx->ast, pk_at(cx, call.a)->a)
                             : "";
    size_t names = pk_ast_list_len(cx->ast, pk_at(cx, symbol->ref)->a);
    if (strcmp(callee, "zip") != 0 || pk_ast_list_len(cx->ast, call.b) != names) {
        pk_diag_report(cx->diags, PK_DIAG_UNEQUAL_ZIP, call.span,
                       "`let (..)` takes zip() of as many sets as it has names");
        return false;
    }
    pk_ref axis = axis_known(cx, 0, symbol->ref, symbol->index + 1);
    if (!axis) {
        pk_node set = call.b;
        uint32_t dim = 0;
        for (uint32_t i = 0; i < names; i++) {
            pk_ref known = axis_known(cx, 0, symbol->ref, i + 1);
            if (known)
                dim = PK_AT(cx->builder, AXS, known)->dim;
        }
        for (uint32_t i = 0; i < symbol->index; i++)
            set = pk_at(cx, set)->next;
        pk_ref made = pk_set_make(cx, &(pk_scope){0}, pk_at(cx, set)->b, expected);
        axis = axis_add(cx, 0, symbol->ref, symbol->index + 1, made, symbol->name,
                        dim ? dim : ++cx->n_dims);
    }
    return emit_axis(cx, axis, dst);
}

bool pk_lower_let(pk_compiler *cx, const pk_scope *scope, const pk_symbol *symbol, pk_ref expected,
                  unsigned dst)
{
    (void)scope;
    const pk_scope inside = {0};
    if (pk_at(cx, symbol->ref)->value)
        return lower_zip(cx, symbol, expected, dst);
    return pk_lower(cx, &inside, let_value(cx, symbol), expected, dst);
}
