/* Sets: what is one, and the stack programs that make them. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- is it a set? -----------------------------------------------------------------------------
 */

static pk_node let_value(pk_compiler *cx, const pk_symbol *symbol)
{
    return pk_at(cx, symbol->ref)->b;
}

bool pk_is_set(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected)
{
    for (unsigned hops = 0; hops < PK_DEPTH_LIMIT; hops++) {
        pk_ast_node at = *pk_at(cx, node);
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
            return pk_text_is_set(cx, pk_ast_blob_bytes(cx->ast, at.a), expected);
        case PK_AST_BINARY:
            return at.a == PK_OP_EXCEPT || pk_is_prefix(cx, scope, node, expected);
        case PK_AST_CALL:
            return pk_calls_set(cx, node, NULL);
        case PK_AST_INDEX: {
            uint32_t index;
            return pk_zip_element(cx, scope, node, &bound_in, &index) != 0;
        }
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

/* ---- making sets ------------------------------------------------------------------------------
 */

bool pk_step(pk_steps *s, pk_set_op op, uint32_t a, uint32_t b, uint32_t c)
{
    if (!pk_grow((void **)&s->list, &s->cap, s->count, sizeof *s->list))
        return false;
    s->list[s->count++] = (pk_image_set_step){op, a, b, c};
    return true;
}

/* A member of a set, or a bound of a range: 0 after a report. */
static pk_ref member_expr(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected)
{
    pk_ref expr = pk_lower_expr(cx, scope, node, expected, 0);
    return expr && (!expected || pk_fits(cx, expected, expr, pk_at(cx, node)->span)) ? expr : 0;
}

static bool step_range(pk_compiler *cx, const pk_scope *scope, pk_node lo, pk_node hi, pk_node by,
                       pk_ref expected, pk_steps *s)
{
    pk_ref a = member_expr(cx, scope, lo, expected);
    pk_ref b = member_expr(cx, scope, hi, expected);
    pk_ref c = by ? pk_lower_expr(cx, scope, by, 0, 0) : 0;
    return a && b && (!by || c) && pk_step(s, PK_SET_RANGE, a, b, c);
}

bool pk_prefix_step(pk_compiler *cx, pk_span span, const uint8_t *address, size_t width,
                    unsigned len, pk_steps *s)
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
    return pk_step(s, PK_SET_PREFIX, a, b, 0);
}

static bool step_name(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                      pk_steps *s)
{
    pk_ast_node at = *pk_at(cx, node);
    const pk_scope *bound_in;
    const pk_binding *binding = pk_binding_find(scope, at.a, &bound_in);
    if (binding && binding->value)
        return pk_set_steps(cx, binding->scope, binding->value, expected, s);
    const pk_symbol *symbol = pk_symbol_find(cx, pk_text_of_atom(cx, at.a));
    if (symbol && symbol->kind == PK_SYM_PARAM && PK_AT(cx->builder, PAR, symbol->ref)->is_set)
        return pk_step(s, PK_SET_PARAM, symbol->ref, 0, 0);
    if (symbol && symbol->kind == PK_SYM_LET && !pk_at(cx, symbol->ref)->value)
        return pk_set_steps(cx, &(pk_scope){0}, let_value(cx, symbol), expected, s);
    pk_ref value = member_expr(cx, scope, node, expected);
    return value && pk_step(s, PK_SET_VALUE, value, 0, 0);
}

static bool step_list(pk_compiler *cx, const pk_scope *scope, pk_node elements, pk_ref expected,
                      pk_steps *s)
{
    if (!elements)
        return pk_step(s, PK_SET_NONE, 0, 0, 0);
    bool first = true;
    for (pk_node at = elements; at; at = pk_at(cx, at)->next) {
        if (!pk_set_steps(cx, scope, at, expected, s) ||
            (!first && !pk_step(s, PK_SET_JOIN, 0, 0, 0)))
            return false;
        first = false;
    }
    return true;
}

/* What is left out is found in stretches of members, which a drawn order or weights have not. */
static bool step_except(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *at,
                        pk_ref expected, pk_steps *s)
{
    size_t first = s->count;
    if (!pk_set_steps(cx, scope, at->b, expected, s) ||
        !pk_set_steps(cx, scope, at->c, expected, s))
        return false;
    for (size_t i = first; i < s->count; i++) {
        if (s->list[i].op < PK_SET_SHUFFLE || s->list[i].op > PK_SET_REPEAT)
            continue;
        pk_diag_report(cx->diags, PK_DIAG_BAD_OPERANDS, at->span,
                       "`except` does not go with sets in a drawn order or with weights");
        pk_diag_help(cx->diags, "first leave out, then shuffle: shuffle(10.0.0.0/8 except X)");
        return false;
    }
    return pk_step(s, PK_SET_EXCEPT, 0, 0, 0);
}

static bool set_steps_node(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                           pk_steps *s)
{
    pk_ast_node at = *pk_at(cx, node);
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
            if (at.c)
                pk_meet_zone(cx, pk_ast_atom_text(cx->ast, at.c),
                             strlen(pk_ast_atom_text(cx->ast, at.c)), at.span);
            return pk_prefix_step(cx, at.span, address.data, address.len, at.b - 1, s);
        }
        break;
    case PK_AST_STRING:
        if (pk_text_is_set(cx, pk_ast_blob_bytes(cx->ast, at.a), expected))
            return pk_text_steps(cx, node, expected, s);
        break;
    case PK_AST_BINARY:
        if (at.a == PK_OP_EXCEPT)
            return step_except(cx, scope, &at, expected, s);
        if (pk_is_prefix(cx, scope, node, expected))
            return pk_prefix_steps(cx, scope, node, expected, s);
        break;
    case PK_AST_CALL:
        if (pk_calls_set(cx, node, NULL))
            return pk_set_call_steps(cx, scope, node, expected, s);
        break;
    case PK_AST_NAME:
        return step_name(cx, scope, node, expected, s);
    default:
        break;
    }
    pk_ref value = member_expr(cx, scope, node, expected);
    return value && pk_step(s, PK_SET_VALUE, value, 0, 0);
}

bool pk_set_steps(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                  pk_steps *s)
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
    pk_steps s = {0};
    pk_ref ref = 0;
    if (pk_set_steps(cx, scope, node, expected, &s)) {
        pk_ref first = PK_PUT(cx->builder, SOP, s.list, (uint32_t)s.count);
        pk_ref text = pk_text_of_node(cx, node);
        ref = PK_ADD(cx->builder, SET, 1);
        *PK_AT(cx->builder, SET, ref) =
            (pk_image_set){.steps = first, .n_steps = (uint32_t)s.count, .text = text};
    }
    free(s.list);
    return ref;
}
