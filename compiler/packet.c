/* Packet expressions: stacks, lists of packets, juxtaposition. A list is a choice; the alternatives
 * of a stack are the product of its parts' choices, in reading order. Alternative i is planned from
 * i alone, so nothing is enumerated twice. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static bool plan(pk_compiler *cx, const pk_scope *scope, pk_node node, uint32_t index,
                 pk_ref within, pk_planned *ret);

/* ---- what a name stands for -------------------------------------------------------------------
 */

pk_node pk_resolve(pk_compiler *cx, const pk_scope *scope, pk_node node, const pk_scope **ret_scope)
{
    static const pk_scope global = {0};
    *ret_scope = scope;
    for (unsigned hops = 0; hops < PK_DEPTH_LIMIT; hops++) {
        pk_ast_node at = *pk_at(cx, node);
        if (at.kind != PK_AST_NAME)
            return node;
        const pk_scope *bound_in;
        const pk_binding *binding = pk_binding_find(*ret_scope, at.a, &bound_in);
        if (binding && binding->value) {
            node = binding->value;
            *ret_scope = binding->scope;
            continue;
        }
        const pk_symbol *symbol = pk_symbol_find(cx, pk_text_of_atom(cx, at.a));
        if (binding || !symbol)
            return node;
        if (symbol->kind == PK_SYM_LET && !pk_at(cx, symbol->ref)->value)
            node = pk_at(cx, symbol->ref)->b;
        else if (symbol->kind == PK_SYM_DEF && !pk_at(cx, symbol->ref)->b)
            node = pk_at(cx, symbol->ref)->c;
        else
            return node;
        *ret_scope = &global;
    }
    return node;
}

static const pk_symbol *callee_of(pk_compiler *cx, pk_node node)
{
    pk_ast_node at = *pk_at(cx, node);
    if (at.kind != PK_AST_CALL || pk_at(cx, at.a)->kind != PK_AST_NAME)
        return NULL;
    return pk_symbol_find(cx, pk_text_of_atom(cx, pk_at(cx, at.a)->a));
}

bool pk_is_packet(pk_compiler *cx, const pk_scope *scope, pk_node node)
{
    if (scope->layer || cx->depth >= PK_DEPTH_LIMIT)
        return false;
    /* The left end of a chain decides: a/b/c is ((a/b)/c). */
    for (unsigned hops = 0; hops < PK_DEPTH_LIMIT; hops++) {
        node = pk_resolve(cx, scope, node, &scope);
        pk_ast_node at = *pk_at(cx, node);
        const pk_symbol *callee = callee_of(cx, node);
        if (at.kind == PK_AST_CALL) {
            if (callee && callee->kind == PK_SYM_DEF)
                return pk_is_packet(cx, &(pk_scope){0}, pk_at(cx, callee->ref)->c);
            if (callee || !pk_transformed(cx, node))
                return (callee && callee->kind == PK_SYM_LAYER) || pk_calls_pcap(cx, node);
            node = pk_transformed(cx, node);
            continue;
        }
        if (at.kind == PK_AST_LIST && at.a) {
            node = at.a;
            continue;
        }
        if (at.kind != PK_AST_BINARY || (at.a != PK_OP_DIV && at.a != PK_OP_ADD))
            return false;
        cx->depth++;
        bool right = pk_is_packet(cx, scope, at.c);
        cx->depth--;
        if (right)
            return true;
        node = at.b;
    }
    return false;
}

/* ---- choices ----------------------------------------------------------------------------------
 */

static bool is_stack(pk_compiler *cx, pk_node node)
{
    const pk_ast_node *at = pk_at(cx, node);
    return at->kind == PK_AST_BINARY && (at->a == PK_OP_DIV || at->a == PK_OP_ADD);
}

/* How many alternatives a packet expression has; 0 when it exceeds the limit. */
static uint32_t choices(pk_compiler *cx, const pk_scope *scope, pk_node node)
{
    if (cx->depth >= PK_DEPTH_LIMIT)
        return 1; /* plan() reports it */
    cx->depth++;
    node = pk_resolve(cx, scope, node, &scope);
    pk_ast_node at = *pk_at(cx, node);
    const pk_symbol *callee = callee_of(cx, node);
    uint64_t n = 1;
    if (is_stack(cx, node)) {
        n = (uint64_t)choices(cx, scope, at.b) * choices(cx, scope, at.c);
    } else if (at.kind == PK_AST_LIST && pk_is_packet(cx, scope, node)) {
        n = 0;
        for (pk_node element = at.a; element; element = pk_at(cx, element)->next)
            n += choices(cx, scope, element);
    } else if (callee && callee->kind == PK_SYM_DEF) {
        n = choices(cx, &(pk_scope){0}, pk_at(cx, callee->ref)->c);
    } else if (pk_transformed(cx, node)) {
        n = choices(cx, scope, pk_transformed(cx, node));
    }
    cx->depth--;
    return n > PK_ALTERNATIVES_LIMIT ? 0 : (uint32_t)n;
}

/* ---- planning ---------------------------------------------------------------------------------
 */

static pk_ref layer_of_plan(pk_compiler *cx, pk_ref ref)
{
    const pk_image_plan *at = PK_AT(cx->builder, PLN, ref);
    return at->kind == PK_PLAN_INSTANCE ? at->ref : 0;
}

static void append_sibling(pk_compiler *cx, pk_ref first, pk_ref more)
{
    if (!more)
        return;
    while (PK_AT(cx->builder, PLN, first)->next)
        first = PK_AT(cx->builder, PLN, first)->next;
    PK_AT(cx->builder, PLN, first)->next = more;
}

static bool is_padding(pk_compiler *cx, pk_ref ref)
{
    pk_ref layer = layer_of_plan(cx, ref);
    return layer && strcmp(pk_str(cx, PK_AT(cx->builder, LAY, layer)->name), "padding") == 0;
}

/* Structs and cases: parts of a layer. */
static bool is_part(pk_compiler *cx, pk_ref layer)
{
    return layer && PK_AT(cx->builder, LAY, layer)->kind != PK_LAYER_LAYER;
}

bool pk_has_payload(pk_compiler *cx, pk_ref layer)
{
    const pk_image_layer at = *PK_AT(cx->builder, LAY, layer);
    for (uint32_t i = 0; i < at.n_items; i++)
        if (PK_AT(cx->builder, CODE, at.items + i)->op == PK_OPC_PAY)
            return true;
    return at.kind == PK_LAYER_LAYER;
}

bool pk_plan_wrap(pk_compiler *cx, pk_planned *what, pk_ref below, pk_ref wanted, pk_span span)
{
    unsigned used = 0;
    pk_ref layer = layer_of_plan(cx, what->first);
    while (layer && layer != wanted && used < PK_IMPLIED_LIMIT) {
        pk_ref lower = pk_implied(cx, layer);
        if (!lower || lower == below)
            break;
        pk_ref inside = what->first;
        pk_ref outer = what->lower[used] ? what->lower[used] : pk_plan_new(cx, lower);
        used++;
        PK_AT(cx->builder, PLN, outer)->next = PK_AT(cx->builder, PLN, inside)->next;
        PK_AT(cx->builder, PLN, outer)->payload = inside;
        PK_AT(cx->builder, PLN, inside)->next = 0;
        if (what->holder == inside && is_part(cx, layer) && is_part(cx, lower))
            what->holder = outer;
        what->first = outer;
        layer = lower;
    }
    for (; used < PK_IMPLIED_LIMIT; used++) {
        if (!what->lower[used])
            continue;
        pk_diag_report(
            cx->diags, PK_DIAG_DUPLICATE_ARGUMENT, span, "these are values of `%s` below, too",
            pk_str(cx, PK_AT(cx->builder, LAY, layer_of_plan(cx, what->lower[used]))->name));
        pk_diag_help(cx->diags, "that layer is written already: give them to it");
        return false;
    }
    memset(what->lower, 0, sizeof what->lower);
    return true;
}

/* Padding has no place in the stack: what it holds goes behind everything. */
static bool stack_padding(pk_compiler *cx, const pk_planned *below, const pk_planned *above,
                          pk_planned *ret)
{
    if (below->first == below->inner && is_padding(cx, below->first)) {
        *ret = *above;
        append_sibling(cx, below->first, below->trailer);
        ret->trailer = below->first;
        append_sibling(cx, ret->trailer, above->trailer);
        return true;
    }
    if (!is_padding(cx, above->first))
        return false;
    *ret = *below;
    ret->padded = true;
    if (ret->trailer)
        append_sibling(cx, ret->trailer, above->first);
    else
        ret->trailer = above->first;
    return true;
}

static void attach(pk_compiler *cx, pk_ref inner, pk_ref more)
{
    pk_ref payload = PK_AT(cx->builder, PLN, inner)->payload;
    if (payload)
        append_sibling(cx, payload, more);
    else
        PK_AT(cx->builder, PLN, inner)->payload = more;
}

/* a / b: b is the payload of a's innermost layer; bytes have none, so what follows stands behind
 * them, as it does behind a struct that has none. */
static bool stack_onto(pk_compiler *cx, pk_planned *below, pk_planned *above, pk_span span,
                       pk_planned *ret)
{
    if (stack_padding(cx, below, above, ret))
        return true;
    pk_ref layer = layer_of_plan(cx, below->inner);
    if (below->padded) { /* an empty padding keeps the layers around it apart */
        pk_ref gap = pk_plan_new(cx, layer_of_plan(cx, below->trailer));
        if (layer && pk_has_payload(cx, layer))
            attach(cx, below->inner, gap);
        else
            append_sibling(cx, layer ? below->holder : below->inner, gap);
        below->inner = below->holder = gap;
        layer = layer_of_plan(cx, gap);
    }
    if (!pk_plan_wrap(cx, above, layer, 0, span))
        return false;
    *ret = *below;
    ret->padded = above->padded;
    ret->inner = above->inner;
    ret->holder = above->holder;
    if (!ret->trailer)
        ret->trailer = above->trailer;
    else
        append_sibling(cx, ret->trailer, above->trailer);
    if (!layer) {
        append_sibling(cx, below->inner, above->first);
    } else if (!pk_has_payload(cx, layer)) {
        append_sibling(cx, below->holder, above->first);
    } else {
        attach(cx, below->inner, above->first);
        if (is_part(cx, layer) && is_part(cx, layer_of_plan(cx, above->holder)))
            ret->holder = below->holder;
    }
    return true;
}

static bool report_count(pk_compiler *cx, pk_node node, const pk_ast_node *right)
{
    pk_diag_report(cx->diags, PK_DIAG_BAD_OPERANDS, pk_at(cx, node)->span,
                   "cannot multiply a packet");
    pk_diag_label(cx->diags, "`/` binds first: this is (..) * %s",
                  pk_str(cx, pk_text_of_node(cx, right->c)));
    pk_diag_help(cx->diags, "for repeated bytes write /(\"A\" * 100); to send it often: send .., "
                            "count=100");
    return false;
}

static bool plan_stack(pk_compiler *cx, const pk_scope *scope, pk_node node, uint32_t index,
                       pk_ref within, pk_planned *ret)
{
    pk_ast_node at = *pk_at(cx, node);
    uint32_t right_choices = choices(cx, scope, at.c);
    pk_planned left;
    pk_planned right;
    if (!right_choices || !plan(cx, scope, at.b, index / right_choices, within, &left))
        return false;
    pk_ref below = at.a == PK_OP_DIV ? layer_of_plan(cx, left.inner) : 0;
    if (!plan(cx, scope, at.c, index % right_choices, below, &right))
        return false;
    if (at.a == PK_OP_DIV)
        return stack_onto(cx, &left, &right, at.span, ret);
    if (!pk_plan_wrap(cx, &left, 0, 0, at.span) || !pk_plan_wrap(cx, &right, 0, 0, at.span))
        return false;
    append_sibling(cx, left.first, right.first);
    *ret = right;
    ret->first = left.first;
    if (left.trailer) {
        append_sibling(cx, left.trailer, right.trailer);
        ret->trailer = left.trailer;
    }
    return true;
}

static bool plan_choice(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *list,
                        uint32_t index, pk_ref within, pk_planned *ret)
{
    for (pk_node element = list->a; element; element = pk_at(cx, element)->next) {
        uint32_t n = choices(cx, scope, element);
        if (index < n)
            return plan(cx, scope, element, index, within, ret);
        index -= n;
    }
    return false;
}

static bool plan_def(pk_compiler *cx, const pk_scope *scope, pk_node node, const pk_symbol *symbol,
                     uint32_t index, pk_ref within, pk_planned *ret)
{
    pk_ast_node call = *pk_at(cx, node);
    pk_ast_node def = *pk_at(cx, symbol->ref);
    size_t n = pk_ast_list_len(cx->ast, def.b);
    if (pk_ast_list_len(cx->ast, call.b) != n) {
        pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT_COUNT, call.span,
                       "`%s` takes %zu argument%s", pk_str(cx, symbol->name), n, n == 1 ? "" : "s");
        return false;
    }
    pk_binding *bindings = calloc(n + 1, sizeof *bindings);
    if (!bindings)
        return false;
    pk_node arg = call.b;
    pk_node formal = def.b;
    for (size_t i = 0; i < n; i++) {
        bindings[i] =
            (pk_binding){.name = pk_at(cx, formal)->a, .value = pk_at(cx, arg)->b, .scope = scope};
        arg = pk_at(cx, arg)->next;
        formal = pk_at(cx, formal)->next;
    }
    const pk_scope inside = {.bindings = bindings, .n_bindings = n};
    bool good = plan(cx, &inside, def.c, index, within, ret);
    free(bindings);
    return good;
}

static bool plan_node(pk_compiler *cx, const pk_scope *scope, pk_node node, uint32_t index,
                      pk_ref within, pk_planned *ret)
{
    pk_node written = node;
    const pk_scope *outer = scope;
    node = pk_resolve(cx, scope, node, &scope);
    pk_ast_node at = *pk_at(cx, node);
    const pk_symbol *callee = callee_of(cx, node);
    pk_image_member member;
    bool is_case =
        within && (at.kind == PK_AST_CALL || at.kind == PK_AST_NAME) &&
        (at.kind == PK_AST_NAME || pk_at(cx, at.a)->kind == PK_AST_NAME) &&
        pk_member(cx, within,
                  pk_text_of_atom(cx, at.kind == PK_AST_NAME ? at.a : pk_at(cx, at.a)->a),
                  &member) &&
        member.kind == PK_MEMBER_CASE;
    if (!is_case && callee && callee->kind == PK_SYM_DEF)
        return plan_def(cx, scope, node, callee, index, within, ret);
    if (!callee && within && at.kind == PK_AST_NAME)
        callee = pk_symbol_find(cx, pk_text_of_atom(cx, at.a));
    if (is_case || (callee && callee->kind == PK_SYM_LAYER))
        return pk_plan_call(cx, scope, within, node, ret);
    if (pk_transformed(cx, node) && pk_is_packet(cx, scope, node))
        return plan(cx, scope, pk_transformed(cx, node), index, within, ret) &&
               pk_transform(cx, scope, node, ret);
    if (is_stack(cx, node) && (at.a == PK_OP_DIV || pk_is_packet(cx, scope, node)))
        return plan_stack(cx, scope, node, index, within, ret);
    if (at.kind == PK_AST_LIST && pk_is_packet(cx, scope, node))
        return plan_choice(cx, scope, &at, index, within, ret);
    if (at.kind == PK_AST_BINARY && at.a == PK_OP_MUL && pk_is_packet(cx, scope, at.b))
        return report_count(cx, node, &at);
    /* Anything else is bytes: kept as it was written, for the sake of its names. */
    *ret = (pk_planned){.first = pk_calls_pcap(cx, node) ? pk_plan_frames(cx, scope, node)
                                                         : pk_plan_value(cx, outer, 0, written)};
    ret->inner = ret->holder = ret->first;
    return ret->first != 0;
}

static bool plan(pk_compiler *cx, const pk_scope *scope, pk_node node, uint32_t index,
                 pk_ref within, pk_planned *ret)
{
    if (cx->depth >= PK_DEPTH_LIMIT) {
        pk_diag_report(cx->diags, PK_DIAG_EXPRESSION_DEPTH, pk_at(cx, node)->span,
                       "packet too deep (limit %d)", PK_DEPTH_LIMIT);
        pk_diag_help(cx->diags, "is a def or let using itself?");
        return false;
    }
    cx->depth++;
    bool good = plan_node(cx, scope, node, index, within, ret);
    cx->depth--;
    return good;
}

/* The slot of a layer's field for padding: bytes called `pad` behind its payload. */
static bool pad_slot(pk_compiler *cx, pk_ref layer, uint32_t *ret_slot)
{
    pk_ref pad = pk_field_by_name(cx, layer, pk_image_builder_text(cx->builder, "pad", 3));
    const pk_image_layer at = *PK_AT(cx->builder, LAY, layer);
    if (!pad || at.kind != PK_LAYER_LAYER || PK_AT(cx->builder, FLD, pad)->type != PK_TYPE_BYTES)
        return false;
    for (uint32_t i = 0; i < at.n_items; i++) {
        const pk_insn *insn = PK_AT(cx->builder, CODE, at.items + i);
        *ret_slot = PK_AT(cx->builder, FLD, pad)->slot;
        if (insn->op == PK_OPC_PAY || insn->d == pad)
            return insn->op == PK_OPC_PAY;
    }
    return false;
}

/* Padding of a frame that has a field for it is that field's value, as it will be read. */
static bool take_padding(pk_compiler *cx, const pk_planned *what)
{
    const pk_image_plan frame = *PK_AT(cx->builder, PLN, what->first);
    const pk_image_plan padding = *PK_AT(cx->builder, PLN, what->trailer);
    uint32_t slot;
    if (frame.kind != PK_PLAN_INSTANCE || frame.next || padding.next || padding.n_givens != 1 ||
        frame.flags || !pad_slot(cx, frame.ref, &slot))
        return false;
    pk_image_given load = *PK_AT(cx->builder, GIV, padding.givens);
    for (uint32_t i = 0; i < frame.n_givens; i++)
        if (PK_AT(cx->builder, GIV, frame.givens + i)->slot == slot)
            return false;
    if (load.kind != PK_GIVEN_VALUE)
        return false;
    load.slot = slot;
    pk_ref givens = PK_ADD(cx->builder, GIV, frame.n_givens + 1);
    for (uint32_t i = 0; i < frame.n_givens; i++)
        *PK_AT(cx->builder, GIV, givens + i) = *PK_AT(cx->builder, GIV, frame.givens + i);
    *PK_AT(cx->builder, GIV, givens + frame.n_givens) = load;
    PK_AT(cx->builder, PLN, what->first)->givens = givens;
    PK_AT(cx->builder, PLN, what->first)->n_givens++;
    return true;
}

/* With what its outermost layer brings along, and what comes behind everything. */
static bool plan_whole(pk_compiler *cx, const pk_scope *scope, pk_node node, uint32_t index,
                       pk_ref wanted, pk_planned *ret)
{
    if (!plan(cx, scope, node, index, wanted, ret) ||
        !pk_plan_wrap(cx, ret, 0, wanted, pk_at(cx, node)->span))
        return false;
    if (ret->trailer && (wanted || !take_padding(cx, ret)))
        append_sibling(cx, ret->first, ret->trailer);
    return true;
}

pk_ref pk_plan_element(pk_compiler *cx, const pk_scope *scope, pk_ref layer, pk_node node)
{
    pk_planned planned;
    return plan_whole(cx, scope, node, 0, layer, &planned) ? planned.first : 0;
}

pk_ref pk_plan_alone(pk_compiler *cx, const pk_scope *scope, pk_node node)
{
    pk_planned planned;
    if (choices(cx, scope, node) != 1) {
        pk_diag_report(cx->diags, PK_DIAG_SET_NOT_ALLOWED, pk_at(cx, node)->span,
                       "a list of packets cannot stand inside an expression");
        return 0;
    }
    return plan_whole(cx, scope, node, 0, 0, &planned) ? planned.first : 0;
}

/* ---- alternatives -----------------------------------------------------------------------------
 */

typedef struct alternatives {
    pk_image_alt *list;
    size_t count, cap;
} alternatives;

static bool add_alternative(pk_compiler *cx, const pk_scope *scope, pk_node node, uint32_t index,
                            alternatives *alts)
{
    pk_planned packet;
    cx->n_dims_met = 0;
    cx->n_random = 0; /* no packet belongs to two alternatives */
    if (!plan_whole(cx, scope, node, index, 0, &packet) ||
        !pk_grow((void **)&alts->list, &alts->cap, alts->count, sizeof *alts->list))
        return false;
    pk_image_alt alt = {.plan = packet.first, .n_dims = (uint32_t)cx->n_dims_met};
    if (alt.n_dims) {
        alt.dims = PK_ADD(cx->builder, DML, alt.n_dims);
        for (uint32_t i = 0; i < alt.n_dims; i++)
            *PK_AT(cx->builder, DML, alt.dims + i) = cx->dims[i];
    }
    alts->list[alts->count++] = alt;
    return true;
}

static bool gather(pk_compiler *cx, const pk_scope *scope, pk_node node, alternatives *alts)
{
    node = pk_resolve(cx, scope, node, &scope);
    pk_ast_node at = *pk_at(cx, node);
    if (at.kind == PK_AST_LIST && pk_is_packet(cx, scope, node)) {
        bool good = true;
        cx->depth++;
        for (pk_node e = at.a; e && good && cx->depth < PK_DEPTH_LIMIT; e = pk_at(cx, e)->next)
            good = gather(cx, scope, e, alts);
        cx->depth--;
        return good;
    }
    uint32_t n = choices(cx, scope, node);
    if (!n || alts->count + n > PK_ALTERNATIVES_LIMIT) {
        pk_diag_report(cx->diags, PK_DIAG_TOO_MANY, at.span,
                       "too many alternatives of one packet (limit %d)", PK_ALTERNATIVES_LIMIT);
        pk_diag_help(cx->diags, "put the sets into the fields: ip(dst=[..]) multiplies for free");
        return false;
    }
    for (uint32_t i = 0; i < n; i++)
        if (!add_alternative(cx, scope, node, i, alts))
            return false;
    return true;
}

bool pk_plan_alternatives(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref *ret_first,
                          uint32_t *ret_count)
{
    alternatives alts = {0};
    bool good = gather(cx, scope, node, &alts);
    if (good) {
        *ret_first = PK_ADD(cx->builder, ALT, (uint32_t)alts.count);
        *ret_count = (uint32_t)alts.count;
        for (size_t i = 0; i < alts.count; i++)
            *PK_AT(cx->builder, ALT, *ret_first + (uint32_t)i) = alts.list[i];
    }
    free(alts.list);
    return good;
}
