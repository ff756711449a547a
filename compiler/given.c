/* Arguments become given values: of the slot they name, in the form that the slot's type takes. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* What is given to one layer. */
typedef struct givens {
    pk_ref layer;
    pk_image_given *list;
    size_t count, cap;
    size_t n_presets; /* the first ones come with the name (alias), and yield */
    uint32_t flags;
} givens;

static bool same_slot(const pk_image_given *given, uint32_t slot)
{
    return given->slot == slot && given->kind <= PK_GIVEN_RAW;
}

static bool given(givens *g, uint32_t slot, pk_given_kind kind, uint32_t ref, pk_span span)
{
    for (size_t i = 0; kind <= PK_GIVEN_RAW && i < g->n_presets; i++) {
        if (same_slot(&g->list[i], slot)) {
            g->list[i] = (pk_image_given){slot, kind, ref, span.lo};
            return true;
        }
    }
    if (!pk_grow((void **)&g->list, &g->cap, g->count, sizeof *g->list))
        return false;
    g->list[g->count++] = (pk_image_given){slot, kind, ref, span.lo};
    return true;
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
    pk_node changed = pk_transformed(cx, list_behind(cx, scope, node));
    pk_node list = changed ? changed : node;
    list = list_behind(cx, scope, list);
    pk_ast_kind kind = (pk_ast_kind)pk_at(cx, list)->kind;
    if (pk_calls_set(cx, list, "each"))
        return pk_not_built(cx, pk_at(cx, list)->span, "`each` for a field that is a list");
    if (kind == PK_AST_STRING || kind == PK_AST_HEX) {
        pk_ref expr = pk_lower_expr(cx, scope, list, 0, 0);
        return expr && given(g, at.slot, PK_GIVEN_RAW, expr, span);
    }
    pk_node element = kind == PK_AST_LIST ? pk_at(cx, list)->a : list;
    pk_ref first = 0;
    pk_ref last = 0;
    while (element) {
        bool text = at.sub && PK_AT(cx->builder, LAY, at.sub)->codec &&
                    pk_at(cx, element)->kind == PK_AST_STRING;
        pk_ref ref = at.sub && !text ? pk_plan_struct(cx, scope, at.sub, element)
                                     : pk_plan_value(cx, scope, field, element);
        if (!ref)
            return false;
        if (last)
            PK_AT(cx->builder, PLN, last)->next = ref;
        else
            first = ref;
        last = ref;
        element = kind == PK_AST_LIST ? pk_at(cx, element)->next : 0;
    }
    if (changed) {
        pk_planned elements = {.first = first};
        if (!pk_transform(cx, scope, list_behind(cx, scope, node), &elements))
            return false;
    }
    return given(g, at.slot, PK_GIVEN_LIST, first, span);
}

static bool give_struct(pk_compiler *cx, const pk_scope *scope, pk_ref field, pk_node node,
                        givens *g)
{
    const pk_image_field at = *PK_AT(cx->builder, FLD, field);
    pk_span span = pk_at(cx, node)->span;
    pk_ast_kind kind = (pk_ast_kind)pk_at(cx, node)->kind;
    bool text = kind == PK_AST_STRING && pk_text_field(cx, at.sub);
    if (text || ((kind == PK_AST_NAME || kind == PK_AST_CALL || kind == PK_AST_BINARY) &&
                 pk_is_element(cx, scope, at.sub, node))) {
        pk_ref ref = pk_plan_struct(cx, scope, at.sub, node);
        return ref && given(g, at.slot, PK_GIVEN_NODE, ref, span);
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
pk_ref pk_positional(pk_compiler *cx, pk_ref layer, unsigned n)
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

/* The first of the layers, from the one called downwards, that has this name. */
static givens *givens_with(pk_compiler *cx, givens *g, unsigned n, pk_ref name)
{
    pk_image_member member;
    for (unsigned i = 0; i < n; i++)
        if (pk_member(cx, g[i].layer, name, &member))
            return &g[i];
    return g;
}

static bool give_named(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *arg, givens *all,
                       unsigned n)
{
    pk_ast_node path = *pk_at(cx, arg->a);
    pk_ref name = pk_text_of_atom(cx, path.a);
    const char *text = pk_str(cx, name);
    pk_image_member member;
    if (strcmp(text, "_cut") == 0 || strcmp(text, "_rest") == 0)
        return give_leftover(cx, scope, text, 0, arg->b, all);
    givens *g = givens_with(cx, all, n, name);
    if (!pk_member(cx, g->layer, name, &member) ||
        (member.kind != PK_MEMBER_FIELD && member.kind != PK_MEMBER_WINDOW)) {
        pk_report_unknown_field(cx, path.span, g->layer, name);
        return false;
    }
    if (member.kind == PK_MEMBER_WINDOW)
        return give_leftover(cx, scope, text, member.ref, arg->b, g);
    for (size_t i = g->n_presets; i < g->count; i++) {
        if (same_slot(&g->list[i], member.ref)) {
            pk_diag_report(cx->diags, PK_DIAG_DUPLICATE_ARGUMENT, path.span, "`%s` is given twice",
                           text);
            return false;
        }
    }
    pk_ref field = pk_field_present(cx, g->layer, member.ref, g->list, g->count);
    return give(cx, scope, field, arg->b, g);
}

/* The value of a field with several forms is read when what chooses the form is known. */
static bool comes_late(pk_compiler *cx, const pk_ast_node *arg, const givens *all, unsigned n)
{
    if (!arg->a || pk_at(cx, arg->a)->kind != PK_AST_NAME)
        return false;
    pk_image_member member;
    pk_ref name = pk_text_of_atom(cx, pk_at(cx, arg->a)->a);
    for (unsigned i = 0; i < n; i++)
        if (pk_member(cx, all[i].layer, name, &member))
            return member.kind == PK_MEMBER_FIELD && pk_has_variants(cx, all[i].layer, member.ref);
    return false;
}

/* `ber_len(5, long=1)`: the first value of a two-way scalar is the number it stands for. */
static bool is_two_way(pk_compiler *cx, pk_ref layer)
{
    return PK_AT(cx->builder, LAY, layer)->flags & PK_LAYER_TWO_WAY;
}

static pk_ref position_field(pk_compiler *cx, pk_ref layer, unsigned n)
{
    return pk_positional(cx, layer, n - is_two_way(cx, layer));
}

static bool give_positional(pk_compiler *cx, const pk_scope *scope, pk_node value, unsigned n,
                            givens *g)
{
    if (n == 0 && is_two_way(cx, g->layer)) {
        pk_ref expr = pk_lower_expr(cx, scope, value, 0, 0);
        uint32_t slot = PK_AT(cx->builder, LAY, g->layer)->n_slots; /* behind all: what it means */
        return expr && given(g, slot, PK_GIVEN_VALUE, expr, pk_at(cx, value)->span);
    }
    pk_ref field = position_field(cx, g->layer, n);
    if (field)
        return give(cx, scope, field, value, g);
    pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT_COUNT, pk_at(cx, value)->span,
                   "too many arguments: `%s` has %u field%s",
                   pk_str(cx, PK_AT(cx->builder, LAY, g->layer)->name), n, n == 1 ? "" : "s");
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

static void presets_copy(pk_compiler *cx, pk_ref presets, givens *g)
{
    const pk_image_plan from = *PK_AT(cx->builder, PLN, presets);
    for (uint32_t i = 0; i < from.n_givens; i++) {
        if (!pk_grow((void **)&g->list, &g->cap, g->count, sizeof *g->list))
            return;
        g->list[g->count++] = *PK_AT(cx->builder, GIV, from.givens + i);
    }
    g->n_presets = g->count;
    g->flags = from.flags;
}

/* `qd[0].qtype=AAAA`: a value for a part of what is given. */
static bool is_path(pk_compiler *cx, const pk_ast_node *arg)
{
    return arg->a && pk_at(cx, arg->a)->kind != PK_AST_NAME;
}

static bool give_all(pk_compiler *cx, const pk_scope *scope, pk_node args, givens *g, unsigned n)
{
    bool good = true;
    for (unsigned pass = 0; pass < 2; pass++) {
        unsigned position = 0;
        for (pk_node at = args; at; at = pk_at(cx, at)->next) {
            pk_ast_node arg = *pk_at(cx, at);
            position += !arg.a;
            if (is_path(cx, &arg) || comes_late(cx, &arg, g, n) != (pass == 1))
                continue;
            /* Go on after an error: the next argument may have its own. */
            good &= arg.a ? give_named(cx, scope, &arg, g, n)
                          : give_positional(cx, scope, arg.b, position - 1, g);
            if (!arg.a && position > is_two_way(cx, g->layer) &&
                !position_field(cx, g->layer, position - 1))
                break;
        }
    }
    return good;
}

bool pk_plan_givens(pk_compiler *cx, const pk_scope *scope, pk_node args, pk_ref presets,
                    pk_planned *planned)
{
    givens g[1 + PK_IMPLIED_LIMIT] = {{.layer = PK_AT(cx->builder, PLN, planned->first)->ref}};
    unsigned n = 1;
    while (n <= PK_IMPLIED_LIMIT && (g[n].layer = pk_implied(cx, g[n - 1].layer)) != 0)
        n++;
    planned->inner = planned->holder = planned->first;
    if (presets)
        presets_copy(cx, presets, g);
    bool good = give_all(cx, scope, args, g, n);
    for (unsigned i = 0; good && i < n; i++) {
        if (i && g[i].count)
            planned->lower[i - 1] = pk_plan_new(cx, g[i].layer);
        givens_write(cx, &g[i], i ? planned->lower[i - 1] : planned->first);
    }
    for (pk_node at = args; good && at; at = pk_at(cx, at)->next) {
        pk_ast_node arg = *pk_at(cx, at);
        good = !is_path(cx, &arg) || pk_edit_inside(cx, scope, planned->first, arg.a, arg.b);
    }
    for (unsigned i = 0; i < n; i++)
        free(g[i].list);
    return good;
}

/* What is given to the slot or, of a leftover, in its place. */
static bool takes_place(const pk_image_given *given, const pk_image_member *member, bool leftover,
                        pk_given_kind kind)
{
    return leftover ? given->kind == kind && given->slot == member->ref
                    : same_slot(given, member->ref);
}

/* Takes away what was given to the name, so that something else can be. */
static void take_back(pk_compiler *cx, givens *g, pk_ref name)
{
    const char *text = pk_str(cx, name);
    size_t len = strlen(text);
    pk_image_member member = {0};
    bool known = pk_member(cx, g->layer, name, &member);
    bool leftover = !known || member.kind == PK_MEMBER_WINDOW;
    bool cut = len >= 4 && strcmp(text + len - 4, "_cut") == 0;
    size_t kept = 0;
    for (size_t i = 0; i < g->count; i++)
        if (!takes_place(&g->list[i], &member, leftover, cut ? PK_GIVEN_CUT : PK_GIVEN_REST))
            g->list[kept++] = g->list[i];
    g->count = g->n_presets = kept;
    if (leftover && cut && !member.ref)
        g->flags &= ~(uint32_t)PK_PLAN_FIELDS_END;
}

bool pk_plan_edit(pk_compiler *cx, const pk_scope *scope, pk_ref plan, pk_node node, pk_ref name,
                  pk_node value)
{
    pk_image_plan *at = PK_AT(cx->builder, PLN, plan);
    givens g = {.layer = at->ref};
    const char *text = pk_str(cx, name);
    pk_span span = pk_at(cx, node)->span;
    presets_copy(cx, plan, &g);
    take_back(cx, &g, name);
    g.n_presets = 0; /* nothing yields any more: what the field had is gone */
    at->givens = at->n_givens = 0;
    pk_node last = pk_ast_add(cx->ast, PK_AST_NAME, span, pk_ast_atom(cx->ast, text, strlen(text)),
                              0, 0, 0, 0);
    const pk_ast_node arg = {.kind = PK_AST_ARG, .span = span, .a = last, .b = value};
    bool none = named(cx, value, "None") || named(cx, value, "auto");
    bool leftover = strcmp(text, "_cut") == 0 || strcmp(text, "_rest") == 0;
    bool good = (none && leftover) || give_named(cx, scope, &arg, &g, 1);
    givens_write(cx, &g, plan);
    PK_AT(cx->builder, PLN, plan)->flags =
        (PK_AT(cx->builder, PLN, plan)->flags & PK_PLAN_FUZZ) | g.flags;
    free(g.list);
    return good;
}

bool pk_plan_call(pk_compiler *cx, const pk_scope *scope, pk_ref within, pk_node node,
                  pk_planned *ret)
{
    pk_ast_node at = *pk_at(cx, node);
    pk_node callee = at.kind == PK_AST_CALL ? at.a : node;
    pk_ref name = pk_text_of_atom(cx, pk_at(cx, callee)->a);
    pk_image_member member;
    pk_ref layer = 0;
    pk_ref presets = 0;
    if (within && pk_member(cx, within, name, &member) && member.kind == PK_MEMBER_CASE)
        layer = member.ref;
    const pk_symbol *symbol = layer ? NULL : pk_symbol_find(cx, name);
    if (symbol && symbol->kind == PK_SYM_LAYER) {
        layer = symbol->ref;
        presets = symbol->index ? PK_AT(cx->builder, ALI, symbol->index)->plan : 0;
    }
    if (!layer) {
        pk_report_unknown_layer(cx, pk_at(cx, callee)->span, name);
        return false;
    }
    *ret = (pk_planned){.first = pk_plan_new(cx, layer)};
    return pk_plan_givens(cx, scope, at.kind == PK_AST_CALL ? at.b : 0, presets, ret);
}

/* ---- aliases that give values -----------------------------------------------------------------
 */

static void lower_alias(pk_compiler *cx, pk_node node)
{
    pk_ast_node at = *pk_at(cx, node);
    const pk_symbol *symbol =
        at.kind == PK_AST_ALIAS && at.c ? pk_symbol_find(cx, pk_text_of_atom(cx, at.a)) : NULL;
    if (!symbol || symbol->kind != PK_SYM_LAYER || !symbol->index)
        return;
    pk_ref alias = symbol->index;
    pk_planned planned = {.first = pk_plan_new(cx, symbol->ref)};
    pk_symbol old = *pk_symbol_find(cx, pk_text_of_atom(cx, at.b));
    pk_ref presets = old.index ? PK_AT(cx->builder, ALI, old.index)->plan : 0;
    if (!pk_plan_givens(cx, &(pk_scope){0}, at.c, presets, &planned))
        return;
    PK_AT(cx->builder, ALI, alias)->plan = planned.first;
    if (planned.lower[0])
        pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, at.span,
                       "an alias gives values to the fields of `%s` itself",
                       pk_ast_atom_text(cx->ast, at.b));
}

void pk_lower_aliases(pk_compiler *cx)
{
    for (size_t f = 0; f < cx->n_files; f++)
        for (pk_node at = pk_at(cx, cx->files[f])->a; at; at = pk_at(cx, at)->next)
            lower_alias(cx, at);
    for (size_t i = 0; i < cx->n_declared; i++)
        for (pk_node at = pk_at(cx, cx->declared[i].node)->c; at; at = pk_at(cx, at)->next)
            lower_alias(cx, at);
}
