/* Names and paths in expressions: what is bound, the layer's own members, what the language gives,
 * top-level names, and enumerators of the field at hand. */
#include "internal.h"

#include <string.h>

const pk_binding *pk_binding_find(const pk_scope *scope, pk_atom name, const pk_scope **ret_scope)
{
    for (const pk_scope *at = scope; at; at = at->outer)
        for (size_t i = 0; i < at->n_bindings; i++)
            if (at->bindings[i].name == name) {
                *ret_scope = at;
                return &at->bindings[i];
            }
    return NULL;
}

static bool is_name(pk_compiler *cx, pk_node node, const char *text)
{
    const pk_ast_node *at = pk_at(cx, node);
    return at->kind == PK_AST_NAME && strcmp(pk_ast_atom_text(cx->ast, at->a), text) == 0;
}

/* A member of the layer, of the struct that a case belongs to, or of what encloses that. */
static bool lower_own_member(pk_compiler *cx, const pk_scope *scope, pk_ref name, unsigned dst,
                             bool *ret_known)
{
    pk_ref layer = scope->layer;
    unsigned up = 0;
    pk_image_member member;
    while (layer && !pk_member(cx, layer, name, &member)) {
        layer = PK_AT(cx->builder, LAY, layer)->parent;
        up++;
    }
    *ret_known = layer != 0 && member.kind != PK_MEMBER_CASE && member.kind != PK_MEMBER_WINDOW;
    if (!*ret_known)
        return true;
    if (up == 0 && member.kind == PK_MEMBER_FIELD)
        return pk_emit(cx, PK_OPC_SLOT, dst, 0, 0, member.ref, 0);
    bool good = pk_emit(cx, PK_OPC_SELF, dst, 0, 0, 0, 0);
    for (; good && up; up--)
        good = pk_emit(cx, PK_OPC_OWNER, dst, dst, 0, 0, 0);
    return good && pk_emit(cx, PK_OPC_GET, dst, dst, 0, name, 0);
}

static bool lower_part(pk_compiler *cx, pk_image_part part, unsigned dst)
{
    return pk_emit(cx, PK_OPC_SELF, dst, 0, 0, 0, 0) &&
           pk_emit(cx, PK_OPC_BYTES, dst, dst, part, 0, 0);
}

/* Names that the language itself gives inside a layer. */
static bool lower_builtin(pk_compiler *cx, const pk_scope *scope, const char *text, unsigned dst,
                          bool *ret_known)
{
    static const struct {
        const char *text;
        pk_op op;
    } plain[] = {{"here", PK_OPC_HERE}, {"pos", PK_OPC_POS}, {"rest", PK_OPC_REST}};
    static const struct {
        const char *text;
        pk_image_part part;
    } parts[] = {{"this", PK_PART_THIS}, {"head", PK_PART_HEAD}, {"payload", PK_PART_PAYLOAD}};
    *ret_known = true;
    if (!scope->layer) {
        *ret_known = false;
        return true;
    }
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(text, plain[i].text) == 0)
            return pk_emit(cx, plain[i].op, dst, 0, 0, 0, 0);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcmp(text, parts[i].text) == 0)
            return lower_part(cx, parts[i].part, dst);
    if (strcmp(text, "parent") == 0)
        return pk_emit(cx, PK_OPC_SELF, dst, 0, 0, 0, 0) &&
               pk_emit(cx, PK_OPC_OWNER, dst, dst, 0, 0, 0);
    if (strcmp(text, "value") == 0 &&
        (PK_AT(cx->builder, LAY, scope->layer)->flags & PK_LAYER_TWO_WAY))
        return pk_emit(cx, PK_OPC_VALUE, dst, 0, 0, 0, 0);
    *ret_known = false;
    return true;
}

static bool lower_symbol(pk_compiler *cx, const pk_scope *scope, const pk_symbol *symbol,
                         pk_span span, pk_ref expected, unsigned dst)
{
    switch (symbol->kind) {
    case PK_SYM_PARAM:
        if (PK_AT(cx->builder, PAR, symbol->ref)->is_set)
            return pk_lower_param(cx, symbol->ref, dst) &&
                   pk_lower_text_value(cx, symbol->ref, expected, dst);
        return pk_emit(cx, PK_OPC_PARAM, dst, 0, 0, symbol->ref, 0) &&
               pk_lower_text_value(cx, symbol->ref, expected, dst);
    case PK_SYM_LET:
        return pk_lower_let(cx, scope, symbol, expected, dst);
    case PK_SYM_DEF: {
        pk_ast_node def = *pk_at(cx, symbol->ref);
        const pk_scope inside = {.view = scope->view};
        if (!def.b)
            return pk_lower(cx, &inside, def.c, expected, dst);
        break;
    }
    case PK_SYM_LAYER:
    case PK_SYM_ENUM:
    case PK_SYM_NONE:
        break;
    }
    pk_diag_report(cx->diags, PK_DIAG_WRONG_TYPE, span, "`%s` is not a value here",
                   pk_str(cx, symbol->name));
    if (symbol->kind == PK_SYM_LAYER)
        pk_diag_help(cx->diags, "a packet is written with parentheses: %s()",
                     pk_str(cx, symbol->name));
    return false;
}

static bool report_unknown_name(pk_compiler *cx, const pk_scope *scope, pk_span span,
                                const char *text, pk_ref expected)
{
    pk_suggest suggest;
    pk_suggest_begin(&suggest, text);
    pk_image view;
    pk_image_builder_view(cx->builder, &view);
    pk_ref names = expected ? view.fields[expected].names : 0;
    for (pk_ref at = names; at; at = view.enums[at].next)
        for (uint32_t i = 0; i < view.enums[at].n_entries; i++)
            pk_suggest_offer(&suggest,
                             pk_image_text(&view, view.entries[view.enums[at].entries + i].name));
    if (scope->layer)
        for (uint32_t i = 0; i < view.layers[scope->layer].n_members; i++)
            pk_suggest_offer(
                &suggest,
                pk_image_text(&view, view.members[view.layers[scope->layer].members + i].name));
    for (size_t i = 0; i < cx->cap_symbols; i++)
        if (cx->symbols[i].kind == PK_SYM_LET || cx->symbols[i].kind == PK_SYM_PARAM)
            pk_suggest_offer(&suggest, pk_str(cx, cx->symbols[i].name));
    pk_diag_report(cx->diags, PK_DIAG_UNKNOWN_NAME, span, "nothing here is called `%s`", text);
    if (suggest.best)
        pk_diag_label(cx->diags, "did you mean `%s`?", suggest.best);
    if (names)
        pk_diag_note(cx->diags, "looked among the names of `%s`, then `let`s and parameters",
                     pk_image_text(&view, view.enums[names].name));
    return false;
}

bool pk_lower_name(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                   unsigned dst)
{
    pk_ast_node at = *pk_at(cx, node);
    const pk_scope *bound_in = NULL;
    const pk_binding *binding = pk_binding_find(scope, at.a, &bound_in);
    if (binding && binding->value)
        return pk_lower(cx, binding->scope, binding->value, expected, dst);
    if (binding && binding->arg == UINT32_MAX)
        return pk_emit(cx, PK_OPC_SELF, dst, 0, 0, 0, 0);
    if (binding)
        return pk_emit(cx, PK_OPC_ARG, dst, 0, 0, binding->arg, 0);
    pk_ref name = pk_text_of_atom(cx, at.a);
    const char *text = pk_str(cx, name);
    bool known;
    bool good = lower_own_member(cx, scope, name, dst, &known);
    if (known || !good)
        return good;
    const pk_symbol *symbol = pk_symbol_find(cx, name);
    uint64_t value;
    bool enumerator = pk_enumerator(cx, expected, text, &value);
    bool variable = symbol && (symbol->kind == PK_SYM_LET || symbol->kind == PK_SYM_PARAM);
    if (enumerator && variable && !scope->layer) {
        pk_diag_report(cx->diags, PK_DIAG_AMBIGUOUS, at.span, "`%s` is ambiguous", text);
        pk_diag_label(cx->diags, "a name of `%s`, or the one declared below",
                      pk_str(cx, PK_AT(cx->builder, FLD, expected)->name));
        pk_diag_also(cx->diags, symbol->span, "declared here");
        pk_diag_help(cx->diags, "rename the %s", symbol->kind == PK_SYM_LET ? "let" : "param");
        return false;
    }
    if (enumerator)
        return pk_emit(cx, PK_OPC_INT, dst, 0, 0, 0, value);
    good = lower_builtin(cx, scope, text, dst, &known);
    if (known || !good)
        return good;
    if (symbol)
        return lower_symbol(cx, scope, symbol, at.span, expected, dst);
    if (strcmp(text, "random") == 0)
        return pk_lower_call(cx, scope, node, expected, dst);
    if (strcmp(text, "True") == 0 || strcmp(text, "true") == 0)
        return pk_emit(cx, PK_OPC_INT, dst, 0, 0, 0, 1);
    if (strcmp(text, "False") == 0 || strcmp(text, "false") == 0)
        return pk_emit(cx, PK_OPC_INT, dst, 0, 0, 0, 0);
    return report_unknown_name(cx, scope, at.span, text, expected);
}

/* ---- members --------------------------------------------------------------------------------- */

/* The bit of a flag name when the last step of a path tests one: `tcp.flags.S`. */
static bool flag_of_path(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *at,
                         uint64_t *ret_bit)
{
    pk_ref field = pk_field_of_expr(cx, scope, at->a);
    pk_ref names = field ? PK_AT(cx->builder, FLD, field)->names : 0;
    return names && PK_AT(cx->builder, ENU, names)->flags &&
           pk_enumerator(cx, field, pk_ast_atom_text(cx->ast, at->b), ret_bit);
}

bool pk_lower_member(pk_compiler *cx, const pk_scope *scope, pk_node node, unsigned dst)
{
    pk_ast_node at = *pk_at(cx, node);
    pk_ref name = pk_text_of_atom(cx, at.b);
    uint64_t bit;
    if (flag_of_path(cx, scope, &at, &bit))
        return pk_lower(cx, scope, at.a, 0, dst) &&
               pk_emit(cx, PK_OPC_INT, dst + 1, 0, 0, 0, bit) &&
               pk_emit(cx, PK_OPC_AND, dst, dst, dst + 1, 0, 0) &&
               pk_emit(cx, PK_OPC_TRUTH, dst, dst, 0, 0, 0);
    if (is_name(cx, at.a, "below") && scope->layer)
        return pk_emit(cx, PK_OPC_BELOW, dst, 0, 0, name, 0) &&
               pk_emit(cx, PK_OPC_GET, dst, dst, 0, name, 0);
    if (is_name(cx, at.a, "payload") && scope->layer)
        return pk_emit(cx, PK_OPC_SELF, dst, 0, 0, 0, 0) &&
               pk_emit(cx, PK_OPC_PAYLOAD, dst, dst, 0, 0, 0) &&
               pk_emit(cx, PK_OPC_GET, dst, dst, 0, name, 0);
    if (pk_at(cx, at.a)->kind == PK_AST_NAME && scope->layer) {
        /* `bgp.as4`: a member of the nearest enclosing or lower layer of that name. */
        pk_ref base = pk_text_of_atom(cx, pk_at(cx, at.a)->a);
        const pk_scope *bound_in;
        pk_image_member own;
        if (!pk_binding_find(scope, pk_at(cx, at.a)->a, &bound_in) &&
            !pk_member(cx, scope->layer, base, &own) && pk_layer_by_name(cx, base))
            return pk_emit(cx, PK_OPC_BELOW, dst, 0, 0, name, 0) &&
                   pk_emit(cx, PK_OPC_GET, dst, dst, 0, name, 0);
    }
    return pk_lower(cx, scope, at.a, 0, dst) && pk_emit(cx, PK_OPC_GET, dst, dst, 0, name, 0);
}

pk_ref pk_field_of_expr(pk_compiler *cx, const pk_scope *scope, pk_node node)
{
    pk_ast_node at = *pk_at(cx, node);
    pk_ref seen = scope->layer ? 0 : pk_written_as(cx, scope, node).field;
    if (seen)
        return seen;
    if (at.kind == PK_AST_NAME) {
        pk_ref name = pk_text_of_atom(cx, at.a);
        for (pk_ref layer = scope->layer; layer; layer = PK_AT(cx->builder, LAY, layer)->parent) {
            pk_ref field = pk_field_by_name(cx, layer, name);
            if (field)
                return field;
        }
        return 0;
    }
    if (at.kind == PK_AST_BINARY && at.a >= PK_OP_BITOR && at.a <= PK_OP_BITAND) {
        pk_ref left = pk_field_of_expr(cx, scope, at.b);
        return left ? left : pk_field_of_expr(cx, scope, at.c);
    }
    if (at.kind != PK_AST_MEMBER)
        return 0;
    pk_ref name = pk_text_of_atom(cx, at.b);
    if (is_name(cx, at.a, "q") && scope->other)
        return pk_field_by_name(cx, scope->other, name);
    if (pk_at(cx, at.a)->kind == PK_AST_NAME) {
        pk_ref layer = pk_layer_by_name(cx, pk_text_of_atom(cx, pk_at(cx, at.a)->a));
        if (layer)
            return pk_field_by_name(cx, layer, name);
        if (is_name(cx, at.a, "parent") && scope->layer)
            return pk_field_by_name(cx, PK_AT(cx->builder, LAY, scope->layer)->parent, name);
    }
    pk_ast_node base = *pk_at(cx, at.a);
    pk_ref stacked = base.kind == PK_AST_MEMBER ? pk_layer_by_name(cx, pk_text_of_atom(cx, base.b))
                                                : 0; /* `reply.icmp.type` */
    if (stacked && pk_field_by_name(cx, stacked, name))
        return pk_field_by_name(cx, stacked, name);
    pk_ref list = pk_field_of_expr(cx, scope, at.a);
    return list ? pk_field_by_name(cx, PK_AT(cx->builder, FLD, list)->sub, name) : 0;
}
