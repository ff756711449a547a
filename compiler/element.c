/* Values of structs: elements of a list and fields of a struct type, in our own spelling (calls and
 * stacks) and in Scapy's (tuples, words, "first:second"). Tuples become what they stand for in the
 * syntax tree, and are then planned as that. */
#include "internal.h"

#include <ctype.h>
#include <string.h>

pk_ref pk_plan_value(pk_compiler *cx, const pk_scope *scope, pk_ref field, pk_node node)
{
    pk_ref expr = pk_lower_expr(cx, scope, node, field, 0);
    if (!expr)
        return 0;
    pk_ref ref = PK_ADD(cx->builder, PLN, 1);
    *PK_AT(cx->builder, PLN, ref) = (pk_image_plan){.kind = PK_PLAN_VALUE, .ref = expr};
    return ref;
}

pk_ref pk_plan_new(pk_compiler *cx, pk_ref layer)
{
    pk_ref ref = PK_ADD(cx->builder, PLN, 1);
    *PK_AT(cx->builder, PLN, ref) = (pk_image_plan){.kind = PK_PLAN_INSTANCE, .ref = layer};
    return ref;
}

/* ---- words ------------------------------------------------------------------------------------
 */

/* Scapy writes 'message-type' and 'MSS' where cases are called message_type and mss. */
static pk_ref case_by_text(pk_compiler *cx, pk_ref layer, pk_bytes text)
{
    char plain[64];
    if (text.len == 0 || text.len >= sizeof plain)
        return 0;
    for (unsigned pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < text.len; i++) {
            char c = (char)text.data[i];
            plain[i] = pass == 0 ? c : c == '-' || c == ' ' ? '_' : (char)tolower((uint8_t)c);
        }
        pk_ref name = pk_image_builder_text(cx->builder, plain, text.len);
        pk_image_member member;
        if (pk_member(cx, layer, name, &member) && member.kind == PK_MEMBER_CASE)
            return member.ref;
    }
    return 0;
}

static bool has_table(pk_compiler *cx, pk_ref layer)
{
    uint32_t count = pk_image_builder_count(cx->builder, PK_SEC_TAB);
    for (pk_ref i = 1; i < count; i++)
        if (PK_AT(cx->builder, TAB, i)->layer == layer)
            return true;
    return false;
}

/* "5:9" for a struct of numbers is a tuple (5, 9); 0 when the text is no such thing. */
static pk_node tuple_of_text(pk_compiler *cx, pk_ref layer, pk_node node, pk_bytes text)
{
    pk_node first = 0;
    pk_node last = 0;
    uint64_t number = 0;
    unsigned n = 0;
    if (!text.len || PK_AT(cx->builder, LAY, layer)->codec || has_table(cx, layer))
        return 0;
    for (size_t i = 0; i <= text.len; i++) {
        uint8_t c = i < text.len ? text.data[i] : ':';
        if (c == ':') {
            pk_node value =
                pk_ast_add(cx->ast, PK_AST_INT, pk_at(cx, node)->span, 0, 0, 0, 0, number);
            if (last)
                pk_ast_link(cx->ast, last, value);
            else
                first = value;
            last = value;
            number = 0;
            n++;
        } else if (!isdigit(c) || number > UINT32_MAX) {
            return 0;
        } else {
            number = number * 10 + (c - '0');
        }
    }
    return n < 2 ? 0 : pk_ast_add(cx->ast, PK_AST_TUPLE, pk_at(cx, node)->span, first, 0, 0, 0, 0);
}

/* ---- tuples -----------------------------------------------------------------------------------
 */

typedef struct chain {
    pk_node first, last;
} chain;

static void chain_put(pk_compiler *cx, chain *to, pk_node node)
{
    if (to->last)
        pk_ast_link(cx->ast, to->last, node);
    else
        to->first = node;
    to->last = node;
}

static pk_node copy(pk_compiler *cx, pk_node node)
{
    pk_ast_node at = *pk_at(cx, node);
    return pk_ast_add(cx->ast, (pk_ast_kind)at.kind, at.span, at.a, at.b, at.c, at.d, at.value);
}

/* Scapy writes ('NOP', None) and ('SAckOK', b'') where there is nothing to give. */
static bool is_nothing(pk_compiler *cx, pk_node node)
{
    const pk_ast_node *at = pk_at(cx, node);
    return (at->kind == PK_AST_NAME && strcmp(pk_ast_atom_text(cx->ast, at->a), "None") == 0) ||
           (at->kind == PK_AST_STRING && pk_ast_blob_bytes(cx->ast, at->a).len == 0);
}

/* The values in a tuple from `node` on; a nested tuple is several. */
static pk_node flatten(pk_compiler *cx, pk_node node)
{
    chain values = {0};
    for (; node; node = pk_at(cx, node)->next) {
        bool several = pk_at(cx, node)->kind == PK_AST_TUPLE;
        pk_node value = several ? pk_at(cx, node)->a : node;
        for (; value; value = several ? pk_at(cx, value)->next : 0)
            if (!is_nothing(cx, value))
                chain_put(cx, &values, copy(cx, value));
    }
    return values.first;
}

static unsigned fields_of(pk_compiler *cx, pk_ref layer)
{
    unsigned n = 0;
    while (pk_positional(cx, layer, n))
        n++;
    return n;
}

/* ('SAck', (1, 2, 3, 4)), ('router', '10.0.0.1', '10.0.0.2'): the values are the elements of the
 * case's list; to structs numbers are given as many at a time as these have fields. */
static pk_node gather_list(pk_compiler *cx, pk_ref sub, pk_node values)
{
    pk_span span = pk_at(cx, values)->span;
    unsigned each = sub ? fields_of(cx, sub) : 0;
    chain elements = {0};
    while (values) {
        chain group = {0};
        bool numbers = each && pk_at(cx, values)->kind == PK_AST_INT;
        unsigned n = 0;
        do {
            chain_put(cx, &group, copy(cx, values));
            values = pk_at(cx, values)->next;
        } while (numbers && ++n < each && values && pk_at(cx, values)->kind == PK_AST_INT);
        chain_put(cx, &elements,
                  numbers ? pk_ast_add(cx->ast, PK_AST_TUPLE, span, group.first, 0, 0, 0, 0)
                          : group.first);
    }
    return pk_ast_add(cx->ast, PK_AST_LIST, span, elements.first, 0, 0, 0, 0);
}

static pk_node arguments(pk_compiler *cx, pk_node values)
{
    chain args = {0};
    for (; values; values = pk_at(cx, values)->next)
        chain_put(cx, &args,
                  pk_ast_add(cx->ast, PK_AST_ARG, pk_at(cx, values)->span, 0, values, 0, 0, 0));
    return args.first;
}

/* What follows the name of a case in a tuple, as the arguments of that case. */
static pk_node case_arguments(pk_compiler *cx, pk_ref which, pk_node head)
{
    pk_node values = flatten(cx, pk_at(cx, head)->next);
    pk_ref first = pk_positional(cx, which, 0);
    if (!values || !first || pk_at(cx, values)->kind == PK_AST_LIST)
        return arguments(cx, values);
    const pk_image_field field = *PK_AT(cx->builder, FLD, first);
    return arguments(cx, field.list ? gather_list(cx, field.sub, values) : values);
}

/* (76, b'..'): a number in place of a name is the key itself, and what follows plain bytes. */
static pk_ref plan_numbered(pk_compiler *cx, const pk_scope *scope, pk_ref layer, pk_node tuple)
{
    pk_node head = pk_at(cx, tuple)->a;
    pk_node body = pk_at(cx, head)->next;
    bool keyed = has_table(cx, layer);
    pk_planned planned = {.first = pk_plan_new(cx, layer)};
    pk_node args = arguments(cx, keyed ? copy(cx, head) : flatten(cx, head));
    if (!pk_plan_givens(cx, scope, args, 0, &planned))
        return 0;
    if (keyed && body && !is_nothing(cx, body)) {
        pk_ref bytes = pk_plan_value(cx, scope, 0, body);
        if (!bytes)
            return 0;
        PK_AT(cx->builder, PLN, planned.first)->payload = bytes;
    }
    return planned.first;
}

/* ('MSS', 1460): the case of that name with the rest as its fields in order. */
static pk_ref plan_tuple(pk_compiler *cx, const pk_scope *scope, pk_ref layer, pk_node node)
{
    pk_node head = pk_at(cx, node)->a;
    pk_ast_node at = *pk_at(cx, head);
    if (at.kind == PK_AST_INT)
        return plan_numbered(cx, scope, layer, node);
    pk_ref which =
        at.kind == PK_AST_STRING ? case_by_text(cx, layer, pk_ast_blob_bytes(cx->ast, at.a)) : 0;
    if (!which) {
        pk_diag_report(cx->diags, PK_DIAG_UNKNOWN_NAME, at.span, "`%s` has no case of this name",
                       pk_str(cx, PK_AT(cx->builder, LAY, layer)->name));
        return 0;
    }
    pk_planned planned = {.first = pk_plan_new(cx, which)};
    if (!pk_plan_givens(cx, scope, case_arguments(cx, which, head), 0, &planned))
        return 0;
    return pk_plan_wrap(cx, &planned, 0, layer, at.span) ? planned.first : 0;
}

/* ---- structs ----------------------------------------------------------------------------------
 */

/* The layer that a stack's left end names, walking down in a loop. */
static pk_node leftmost(pk_compiler *cx, pk_node node)
{
    while (pk_at(cx, node)->kind == PK_AST_BINARY &&
           (pk_at(cx, node)->a == PK_OP_DIV || pk_at(cx, node)->a == PK_OP_ADD))
        node = pk_at(cx, node)->b;
    return node;
}

static bool names_a_layer(pk_compiler *cx, const pk_scope *scope, pk_ref layer, pk_node node)
{
    pk_ast_node at = *pk_at(cx, node);
    pk_node name = at.kind == PK_AST_CALL ? at.a : node;
    if (pk_at(cx, name)->kind != PK_AST_NAME)
        return false;
    pk_ref text = pk_text_of_atom(cx, pk_at(cx, name)->a);
    pk_image_member member;
    const pk_scope *bound_in;
    if (pk_binding_find(scope, pk_at(cx, name)->a, &bound_in))
        return false;
    return (pk_member(cx, layer, text, &member) && member.kind == PK_MEMBER_CASE) ||
           pk_layer_by_name(cx, text);
}

bool pk_is_element(pk_compiler *cx, const pk_scope *scope, pk_ref layer, pk_node node)
{
    node = leftmost(cx, node);
    if (pk_transformed(cx, node))
        node = leftmost(cx, pk_transformed(cx, node));
    pk_ast_node at = *pk_at(cx, node);
    if (names_a_layer(cx, scope, layer, node))
        return true;
    const pk_scope *bound_in;
    const pk_symbol *symbol = at.kind == PK_AST_NAME && !pk_binding_find(scope, at.a, &bound_in)
                                  ? pk_symbol_find(cx, pk_text_of_atom(cx, at.a))
                                  : NULL;
    return symbol && symbol->kind == PK_SYM_LET && !pk_at(cx, symbol->ref)->value &&
           names_a_layer(cx, &(pk_scope){0}, layer, leftmost(cx, pk_at(cx, symbol->ref)->b));
}

pk_ref pk_text_field(pk_compiler *cx, pk_ref layer)
{
    const pk_image_layer at = *PK_AT(cx->builder, LAY, layer);
    pk_ref found = 0;
    if (at.codec || pk_has_payload(cx, layer))
        return 0;
    for (uint32_t i = 0; i < at.n_fields; i++) {
        const pk_image_field *field = PK_AT(cx->builder, FLD, at.fields + i);
        if (field->type != PK_TYPE_BYTES || field->list ||
            strcmp(pk_str(cx, field->codec), "text") != 0)
            continue;
        if (found)
            return 0;
        found = at.fields + i;
    }
    return found;
}

static pk_node named_argument(pk_compiler *cx, pk_ref field, pk_node value)
{
    const char *text = pk_str(cx, PK_AT(cx->builder, FLD, field)->name);
    pk_span span = pk_at(cx, value)->span;
    pk_atom name = pk_ast_atom(cx->ast, text, strlen(text));
    pk_node path = pk_ast_add(cx->ast, PK_AST_NAME, span, name, 0, 0, 0, 0);
    return pk_ast_add(cx->ast, PK_AST_ARG, span, path, value, 0, 0, 0);
}

static pk_ref plan_text(pk_compiler *cx, const pk_scope *scope, pk_ref layer, pk_node node)
{
    pk_ast_node at = *pk_at(cx, node);
    pk_bytes text = pk_ast_blob_bytes(cx->ast, at.a);
    pk_ref which = case_by_text(cx, layer, text);
    if (which) {
        pk_planned planned = {.first = pk_plan_new(cx, which)};
        return pk_plan_wrap(cx, &planned, 0, layer, at.span) ? planned.first : 0;
    }
    pk_ref field = pk_text_field(cx, layer);
    if (field) {
        pk_planned planned = {.first = pk_plan_new(cx, layer)};
        pk_node args = named_argument(cx, field, copy(cx, node));
        return pk_plan_givens(cx, scope, args, 0, &planned) ? planned.first : 0;
    }
    pk_node tuple = tuple_of_text(cx, layer, node, text);
    return tuple ? plan_numbered(cx, scope, layer, tuple) : pk_plan_value(cx, scope, 0, node);
}

pk_ref pk_plan_struct(pk_compiler *cx, const pk_scope *scope, pk_ref layer, pk_node node)
{
    pk_ast_node at = *pk_at(cx, node);
    if (at.kind == PK_AST_TUPLE)
        return plan_tuple(cx, scope, layer, node);
    if (at.kind == PK_AST_STRING)
        return plan_text(cx, scope, layer, node);
    if (pk_is_element(cx, scope, layer, node))
        return pk_plan_element(cx, scope, layer, node);
    return pk_plan_value(cx, scope, 0, node);
}
