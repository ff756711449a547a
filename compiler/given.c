/* Arguments become given values: of the slot they name, in the form that the slot's type takes. */
#include "internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

typedef struct givens {
    pk_image_given *list;
    size_t count, cap;
    uint32_t flags;
} givens;

static bool given(givens *g, uint32_t slot, pk_given_kind kind, uint32_t ref, pk_span span)
{
    if (!pk_grow((void **)&g->list, &g->cap, g->count, sizeof *g->list))
        return false;
    g->list[g->count++] = (pk_image_given){slot, kind, ref, span.lo};
    return true;
}

static pk_ref plan_element(pk_compiler *cx, const pk_scope *scope, pk_ref field, pk_node node);
static pk_ref positional(pk_compiler *cx, pk_ref layer, unsigned n);

static pk_ref new_instance(pk_compiler *cx, pk_ref layer)
{
    pk_ref ref = PK_ADD(cx->builder, PLN, 1);
    *PK_AT(cx->builder, PLN, ref) = (pk_image_plan){.kind = PK_PLAN_INSTANCE, .ref = layer};
    return ref;
}

static bool named(pk_compiler *cx, pk_node node, const char *text)
{
    const pk_ast_node *at = pk_at(cx, node);
    return at->kind == PK_AST_NAME && strcmp(pk_ast_atom_text(cx->ast, at->a), text) == 0;
}

static bool calls(pk_compiler *cx, pk_node node, const char *text)
{
    const pk_ast_node *at = pk_at(cx, node);
    return at->kind == PK_AST_CALL && named(cx, at->a, text);
}

/* ---- does it fit? -----------------------------------------------------------------------------
 */

/* Fields of one name in exclusive branches share a slot: the widest says what may be given. */
static pk_ref widest(pk_compiler *cx, pk_ref field)
{
    const pk_image_field at = *PK_AT(cx->builder, FLD, field);
    const pk_image_layer layer = *PK_AT(cx->builder, LAY, at.layer);
    pk_ref best = field;
    for (uint32_t i = 0; i < layer.n_fields; i++) {
        const pk_image_field *other = PK_AT(cx->builder, FLD, layer.fields + i);
        if (other->slot == at.slot && other->type == at.type &&
            (!other->bits || other->bits > PK_AT(cx->builder, FLD, best)->bits))
            best = layer.fields + i;
    }
    return best;
}

bool pk_fits(pk_compiler *cx, pk_ref field, pk_ref expr, pk_span span)
{
    const pk_image_field *at = PK_AT(cx->builder, FLD, widest(cx, field));
    const pk_image_expr *code = PK_AT(cx->builder, EXP, expr);
    if (!(code->flags & PK_EXPR_CONST) || at->bits == 0 || at->bits > 64)
        return true;
    const pk_insn insn = *PK_AT(cx->builder, CODE, code->start);
    bool integer = at->type == PK_TYPE_UINT || at->type == PK_TYPE_INT;
    const char *layer = pk_str(cx, PK_AT(cx->builder, LAY, at->layer)->name);
    const char *name = pk_str(cx, at->name);
    if (insn.op != PK_OPC_INT || !integer) {
        if (insn.op == PK_OPC_INT || (insn.op == PK_OPC_BLOB && integer)) {
            pk_diag_report(cx->diags, PK_DIAG_WRONG_TYPE, span, "`%s.%s` is %s, not %s", layer,
                           name, integer ? "a number" : "an address",
                           integer ? "bytes" : "a number");
            return false;
        }
        return true;
    }
    int64_t number = (int64_t)insn.e;
    unsigned bits = at->bits;
    bool is_signed = at->type == PK_TYPE_INT;
    int64_t least = is_signed ? (int64_t)(UINT64_MAX << (bits - 1)) : 0;
    uint64_t most = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
    if (is_signed)
        most >>= 1;
    if (bits == 64 || (number >= least && (number < 0 || (uint64_t)number <= most)))
        return true;
    pk_diag_report(cx->diags, PK_DIAG_DOES_NOT_FIT, span,
                   "%lld does not fit `%s.%s` (%u bits, %lld..%llu)", (long long)number, layer,
                   name, bits, (long long)least, (unsigned long long)most);
    pk_diag_help(cx->diags,
                 "to send these low bits anyway write %lld & 0x%llx; for other bytes "
                 "raw(x\"..\")",
                 (long long)number, (unsigned long long)most);
    return false;
}

/* ---- values of structs ------------------------------------------------------------------------
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

static pk_ref wrap_case(pk_compiler *cx, pk_ref within, pk_ref layer, pk_ref *ret_inner)
{
    const pk_image_layer *at = PK_AT(cx->builder, LAY, layer);
    pk_ref outer = 0;
    if (at->kind == PK_LAYER_CASE && at->parent != within)
        outer = new_instance(cx, at->parent);
    pk_ref inner = new_instance(cx, layer);
    if (outer)
        PK_AT(cx->builder, PLN, outer)->payload = inner;
    *ret_inner = inner;
    return outer ? outer : inner;
}

pk_ref pk_plan_call(pk_compiler *cx, const pk_scope *scope, pk_ref within, pk_node node,
                    pk_ref *ret_inner)
{
    pk_ast_node at = *pk_at(cx, node);
    pk_node callee = at.kind == PK_AST_CALL ? at.a : node;
    pk_ref name = pk_text_of_atom(cx, pk_at(cx, callee)->a);
    pk_image_member member;
    pk_ref layer = 0;
    if (within && pk_member(cx, within, name, &member) && member.kind == PK_MEMBER_CASE)
        layer = member.ref;
    if (!layer)
        layer = pk_layer_by_name(cx, name);
    if (!layer) {
        pk_report_unknown_layer(cx, pk_at(cx, callee)->span, name);
        return 0;
    }
    pk_ref first = wrap_case(cx, within, layer, ret_inner);
    if (at.kind == PK_AST_CALL &&
        !pk_plan_givens(cx, scope, layer, at.b, *ret_inner, first == *ret_inner ? 0 : first))
        return 0;
    return first;
}

/* Scapy writes ('NOP', None) and ('SAckOK', b'') where there is nothing to give. */
static bool is_nothing(pk_compiler *cx, pk_node node)
{
    const pk_ast_node *at = pk_at(cx, node);
    return named(cx, node, "None") ||
           (at->kind == PK_AST_STRING && pk_ast_blob_bytes(cx->ast, at->a).len == 0);
}

/* The elements behind a tuple's first are positional arguments; a nested tuple is several. */
static pk_node tuple_arguments(pk_compiler *cx, pk_node tuple)
{
    pk_node args = 0;
    pk_node last = 0;
    for (pk_node element = pk_at(cx, pk_at(cx, tuple)->a)->next; element;
         element = pk_at(cx, element)->next) {
        bool several = pk_at(cx, element)->kind == PK_AST_TUPLE;
        pk_node value = several ? pk_at(cx, element)->a : element;
        for (; value; value = several ? pk_at(cx, value)->next : 0) {
            if (is_nothing(cx, value))
                continue;
            pk_node arg =
                pk_ast_add(cx->ast, PK_AST_ARG, pk_at(cx, value)->span, 0, value, 0, 0, 0);
            if (last)
                pk_ast_link(cx->ast, last, arg);
            else
                args = arg;
            last = arg;
        }
    }
    return args;
}

/* (76, b'..'): a number in place of a name is the key itself, and what follows plain bytes. */
static pk_ref plan_numbered(pk_compiler *cx, const pk_scope *scope, pk_ref layer, pk_node tuple)
{
    pk_node head = pk_at(cx, tuple)->a;
    pk_node body = pk_at(cx, head)->next;
    pk_ref ref = new_instance(cx, layer);
    pk_ref key = positional(cx, layer, 0);
    pk_ref value = key ? pk_lower_expr(cx, scope, head, key, 0) : 0;
    if (!value || !pk_fits(cx, key, value, pk_at(cx, head)->span))
        return 0;
    pk_ref giv = PK_ADD(cx->builder, GIV, 1);
    *PK_AT(cx->builder, GIV, giv) = (pk_image_given){
        PK_AT(cx->builder, FLD, key)->slot, PK_GIVEN_VALUE, value, pk_at(cx, head)->span.lo};
    PK_AT(cx->builder, PLN, ref)->givens = giv;
    PK_AT(cx->builder, PLN, ref)->n_givens = 1;
    if (body && !is_nothing(cx, body)) {
        pk_ref bytes = plan_element(cx, scope, 0, body);
        if (!bytes)
            return 0;
        PK_AT(cx->builder, PLN, ref)->payload = bytes;
    }
    return ref;
}

/* ('MSS', 1460): the case of that name with the rest as its fields in order. */
static pk_ref plan_tuple(pk_compiler *cx, const pk_scope *scope, pk_ref layer, pk_node node)
{
    pk_ast_node head = *pk_at(cx, pk_at(cx, node)->a);
    if (head.kind == PK_AST_INT)
        return plan_numbered(cx, scope, layer, node);
    pk_ref which = head.kind == PK_AST_STRING
                       ? case_by_text(cx, layer, pk_ast_blob_bytes(cx->ast, head.a))
                       : 0;
    if (!which) {
        pk_diag_report(cx->diags, PK_DIAG_UNKNOWN_NAME, head.span, "`%s` has no case of this name",
                       pk_str(cx, PK_AT(cx->builder, LAY, layer)->name));
        return 0;
    }
    pk_ref inner;
    pk_ref first = wrap_case(cx, 0, which, &inner);
    return pk_plan_givens(cx, scope, which, tuple_arguments(cx, node), inner, 0) ? first : 0;
}

static pk_ref plan_element(pk_compiler *cx, const pk_scope *scope, pk_ref field, pk_node node)
{
    pk_ref expr = pk_lower_expr(cx, scope, node, field, 0);
    if (!expr)
        return 0;
    pk_ref ref = PK_ADD(cx->builder, PLN, 1);
    *PK_AT(cx->builder, PLN, ref) = (pk_image_plan){.kind = PK_PLAN_VALUE, .ref = expr};
    return ref;
}

/* The layer that a stack's left end names, walking down in a loop. */
static pk_node leftmost(pk_compiler *cx, pk_node node)
{
    while (pk_at(cx, node)->kind == PK_AST_BINARY && pk_at(cx, node)->a == PK_OP_DIV)
        node = pk_at(cx, node)->b;
    return node;
}

static pk_ref plan_struct_stack(pk_compiler *cx, const pk_scope *scope, pk_ref layer, pk_node node)
{
    enum { PARTS = PK_STACK_LIMIT };
    pk_node parts[PARTS];
    unsigned n = 0;
    pk_node left = leftmost(cx, node);
    for (; node != left; node = pk_at(cx, node)->b) {
        if (n == PARTS) {
            pk_diag_report(cx->diags, PK_DIAG_TOO_MANY, pk_at(cx, node)->span,
                           "too many layers in one packet (limit %d)", PARTS);
            return 0;
        }
        parts[n++] = pk_at(cx, node)->c;
    }
    pk_ref inner;
    pk_ref first = pk_plan_call(cx, scope, layer, left, &inner);
    while (first && n-- > 0) {
        pk_ref below = PK_AT(cx->builder, PLN, inner)->ref;
        pk_ast_kind kind = (pk_ast_kind)pk_at(cx, parts[n])->kind;
        pk_ref above_inner = 0;
        pk_ref above = kind == PK_AST_CALL || kind == PK_AST_NAME
                           ? pk_plan_call(cx, scope, below, parts[n], &above_inner)
                           : plan_element(cx, scope, 0, parts[n]);
        if (!above)
            return 0;
        PK_AT(cx->builder, PLN, inner)->payload = above;
        inner = above_inner ? above_inner : above;
    }
    return first;
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

pk_ref pk_plan_struct(pk_compiler *cx, const pk_scope *scope, pk_ref layer, pk_node node)
{
    pk_ast_node at = *pk_at(cx, node);
    if (at.kind == PK_AST_TUPLE)
        return plan_tuple(cx, scope, layer, node);
    if (at.kind == PK_AST_STRING) {
        pk_ref which = case_by_text(cx, layer, pk_ast_blob_bytes(cx->ast, at.a));
        pk_ref inner;
        return which ? wrap_case(cx, 0, which, &inner) : plan_element(cx, scope, 0, node);
    }
    if (at.kind == PK_AST_BINARY && at.a == PK_OP_DIV &&
        names_a_layer(cx, scope, layer, leftmost(cx, node)))
        return plan_struct_stack(cx, scope, layer, node);
    if (names_a_layer(cx, scope, layer, node)) {
        pk_ref inner;
        pk_ref which = 0;
        pk_image_member member;
        pk_node name = at.kind == PK_AST_CALL ? at.a : node;
        if (pk_member(cx, layer, pk_text_of_atom(cx, pk_at(cx, name)->a), &member))
            which = member.kind == PK_MEMBER_CASE ? member.ref : 0;
        if (!which)
            return pk_plan_call(cx, scope, 0, node, &inner);
        pk_ref first = wrap_case(cx, 0, which, &inner);
        if (at.kind == PK_AST_CALL && !pk_plan_givens(cx, scope, which, at.b, inner, first))
            return 0;
        return first;
    }
    const pk_symbol *symbol =
        at.kind == PK_AST_NAME ? pk_symbol_find(cx, pk_text_of_atom(cx, at.a)) : NULL;
    if (symbol && symbol->kind == PK_SYM_LET && cx->depth < PK_DEPTH_LIMIT &&
        names_a_layer(cx, scope, layer, leftmost(cx, pk_at(cx, symbol->ref)->b))) {
        cx->depth++;
        pk_ref ref = pk_plan_struct(cx, &(pk_scope){0}, layer, pk_at(cx, symbol->ref)->b);
        cx->depth--;
        return ref;
    }
    return plan_element(cx, scope, 0, node);
}

/* ---- values of fields -------------------------------------------------------------------------
 */

/* A list given by name is the list that the name stands for. */
static pk_node list_behind(pk_compiler *cx, const pk_scope *scope, pk_node node)
{
    for (unsigned hops = 0; hops < PK_DEPTH_LIMIT && pk_at(cx, node)->kind == PK_AST_NAME; hops++) {
        const pk_scope *bound_in;
        const pk_binding *binding = pk_binding_find(scope, pk_at(cx, node)->a, &bound_in);
        const pk_symbol *symbol = pk_symbol_find(cx, pk_text_of_atom(cx, pk_at(cx, node)->a));
        if (binding && binding->value) {
            node = binding->value;
            scope = binding->scope;
        } else if (symbol && symbol->kind == PK_SYM_LET && !pk_at(cx, symbol->ref)->value) {
            node = pk_at(cx, symbol->ref)->b;
        } else {
            break;
        }
    }
    return node;
}

static bool give_list(pk_compiler *cx, const pk_scope *scope, pk_ref field, pk_node node, givens *g)
{
    const pk_image_field at = *PK_AT(cx->builder, FLD, field);
    pk_span span = pk_at(cx, node)->span;
    pk_node list = list_behind(cx, scope, node);
    pk_ast_kind kind = (pk_ast_kind)pk_at(cx, list)->kind;
    if (kind == PK_AST_STRING || kind == PK_AST_HEX) {
        pk_ref expr = pk_lower_expr(cx, scope, list, 0, 0);
        return expr && given(g, at.slot, PK_GIVEN_RAW, expr, span);
    }
    pk_node element = kind == PK_AST_LIST ? pk_at(cx, list)->a : list;
    pk_ref first = 0;
    pk_ref last = 0;
    while (element) {
        pk_ref ref = at.sub ? pk_plan_struct(cx, scope, at.sub, element)
                            : plan_element(cx, scope, field, element);
        if (!ref)
            return false;
        if (last)
            PK_AT(cx->builder, PLN, last)->next = ref;
        else
            first = ref;
        last = ref;
        element = kind == PK_AST_LIST ? pk_at(cx, element)->next : 0;
    }
    return given(g, at.slot, PK_GIVEN_LIST, first, span);
}

static bool give_struct(pk_compiler *cx, const pk_scope *scope, pk_ref field, pk_node node,
                        givens *g)
{
    const pk_image_field at = *PK_AT(cx->builder, FLD, field);
    pk_span span = pk_at(cx, node)->span;
    pk_ast_kind kind = (pk_ast_kind)pk_at(cx, node)->kind;
    if (kind == PK_AST_NAME || kind == PK_AST_CALL || kind == PK_AST_BINARY) {
        if (names_a_layer(cx, scope, at.sub, leftmost(cx, node))) {
            pk_ref ref = pk_plan_struct(cx, scope, at.sub, node);
            return ref && given(g, at.slot, PK_GIVEN_NODE, ref, span);
        }
    }
    pk_ref expr = pk_lower_expr(cx, scope, node, field, 0);
    return expr && given(g, at.slot, PK_GIVEN_VALUE, expr, span);
}

static bool give(pk_compiler *cx, const pk_scope *scope, pk_ref field, pk_node node, givens *g)
{
    const pk_image_field at = *PK_AT(cx->builder, FLD, field);
    pk_span span = pk_at(cx, node)->span;
    if (named(cx, node, "None") || named(cx, node, "auto"))
        return true;
    if (calls(cx, node, "raw") || calls(cx, node, "RawVal")) {
        pk_node arg = pk_at(cx, node)->b;
        pk_ref expr = arg ? pk_lower_expr(cx, scope, pk_at(cx, arg)->b, 0, 0) : 0;
        return expr && given(g, at.slot, PK_GIVEN_RAW, expr, span);
    }
    if (at.list)
        return give_list(cx, scope, field, node, g);
    if (at.type == PK_TYPE_STRUCT)
        return give_struct(cx, scope, field, node, g);
    pk_ref expr = pk_lower_expr(cx, scope, node, field, 0);
    return expr && pk_fits(cx, field, expr, span) && given(g, at.slot, PK_GIVEN_VALUE, expr, span);
}

/* ---- arguments --------------------------------------------------------------------------------
 */

/* The n-th field that an argument without a name means: parameters and alignment do not count, nor
 * does a second field of the same name. */
static pk_ref positional(pk_compiler *cx, pk_ref layer, unsigned n)
{
    const pk_image_layer at = *PK_AT(cx->builder, LAY, layer);
    unsigned seen = 0;
    for (uint32_t i = 0; i < at.n_fields; i++) {
        pk_ref ref = at.fields + i;
        const pk_image_field field = *PK_AT(cx->builder, FLD, ref);
        if (field.flags & (PK_FIELD_PARAM | PK_FIELD_ANONYMOUS) ||
            pk_field_of_slot(cx, layer, field.slot) != ref)
            continue;
        if (seen++ == n)
            return ref;
    }
    return 0;
}

static bool give_leftover(pk_compiler *cx, const pk_scope *scope, const char *name, pk_ref window,
                          pk_node value, givens *g)
{
    pk_ref expr = pk_lower_expr(cx, scope, value, 0, 0);
    size_t len = strlen(name);
    bool cut = len >= 4 && strcmp(name + len - 4, "_cut") == 0;
    if (cut && !window)
        g->flags |= PK_PLAN_FIELDS_END;
    return expr &&
           given(g, window, cut ? PK_GIVEN_CUT : PK_GIVEN_REST, expr, pk_at(cx, value)->span);
}

/* A case called by itself takes the fields of its struct, too. */
static pk_ref layer_with(pk_compiler *cx, pk_ref layer, pk_ref name, givens **g, givens *outer)
{
    pk_image_member member;
    pk_ref parent = PK_AT(cx->builder, LAY, layer)->parent;
    if (!outer || pk_member(cx, layer, name, &member) || !pk_member(cx, parent, name, &member) ||
        member.kind != PK_MEMBER_FIELD)
        return layer;
    *g = outer;
    return parent;
}

static bool give_named(pk_compiler *cx, const pk_scope *scope, pk_ref layer, const pk_ast_node *arg,
                       givens *g, givens *outer)
{
    pk_ast_node path = *pk_at(cx, arg->a);
    if (path.kind != PK_AST_NAME)
        return pk_not_built(cx, path.span, "a path in a description (it is for patterns)");
    pk_ref name = pk_text_of_atom(cx, path.a);
    const char *text = pk_str(cx, name);
    pk_image_member member;
    if (strcmp(text, "_cut") == 0 || strcmp(text, "_rest") == 0)
        return give_leftover(cx, scope, text, 0, arg->b, g);
    layer = layer_with(cx, layer, name, &g, outer);
    if (!pk_member(cx, layer, name, &member) ||
        (member.kind != PK_MEMBER_FIELD && member.kind != PK_MEMBER_WINDOW)) {
        pk_report_unknown_field(cx, path.span, layer, name);
        return false;
    }
    if (member.kind == PK_MEMBER_WINDOW)
        return give_leftover(cx, scope, text, member.ref, arg->b, g);
    for (size_t i = 0; i < g->count; i++) {
        if (g->list[i].slot == member.ref && g->list[i].kind <= PK_GIVEN_RAW) {
            pk_diag_report(cx->diags, PK_DIAG_DUPLICATE_ARGUMENT, path.span, "`%s` is given twice",
                           text);
            return false;
        }
    }
    return give(cx, scope, pk_field_of_slot(cx, layer, member.ref), arg->b, g);
}

static bool give_positional(pk_compiler *cx, const pk_scope *scope, pk_ref layer, pk_node value,
                            unsigned n, givens *g)
{
    pk_ref field = positional(cx, layer, n);
    if (field)
        return give(cx, scope, field, value, g);
    pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT_COUNT, pk_at(cx, value)->span,
                   "too many arguments: `%s` has %u field%s",
                   pk_str(cx, PK_AT(cx->builder, LAY, layer)->name), n, n == 1 ? "" : "s");
    return false;
}

static void givens_write(pk_compiler *cx, const givens *g, pk_ref plan)
{
    if (!g->count)
        return;
    pk_ref first = PK_PUT(cx->builder, GIV, g->list, (uint32_t)g->count);
    pk_image_plan *at = PK_AT(cx->builder, PLN, plan);
    at->givens = first;
    at->n_givens = (uint32_t)g->count;
    at->flags = g->flags;
}

bool pk_plan_givens(pk_compiler *cx, const pk_scope *scope, pk_ref layer, pk_node args, pk_ref plan,
                    pk_ref outer)
{
    givens g = {0};
    givens h = {0};
    bool good = true;
    unsigned n = 0;
    for (pk_node at = args; at; at = pk_at(cx, at)->next) {
        pk_ast_node arg = *pk_at(cx, at);
        /* Go on after an error: the next argument may have its own. */
        if (arg.a)
            good &= give_named(cx, scope, layer, &arg, &g, outer ? &h : NULL);
        else if (!give_positional(cx, scope, layer, arg.b, n++, &g)) {
            good = false;
            if (!positional(cx, layer, n - 1))
                break;
        }
    }
    if (good) {
        givens_write(cx, &g, plan);
        if (outer)
            givens_write(cx, &h, outer);
    }
    free(g.list);
    free(h.list);
    return good;
}
