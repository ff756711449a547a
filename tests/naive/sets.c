/* Sets of packets: which literals are axes, and in what order they multiply. */
#include "internal.h"

#include <string.h>

enum { AXES_LIMIT = 256 };

/* ---- axes of an expression ---------------------------------------------------------------------
 */

typedef struct collector {
    naive_packet *packet; /* its alternative holds the choices so far */
    naive_axis *axes;
    size_t n_axes;
    pk_node pending; /* a list of packets that still has to be chosen from */
    bool failed;
} collector;

static void add_axis(collector *c, const naive_scope *scope, pk_node expr, const naive_field *field)
{
    for (size_t i = 0; i < c->n_axes; i++) {
        if (c->axes[i].node == expr)
            return;
    }
    if (c->n_axes == AXES_LIMIT) {
        c->failed = !naive_fail(c->packet->unit, expr, "too many axes (limit %d)", AXES_LIMIT);
        return;
    }
    naive_axis *axis = &c->axes[c->n_axes];
    if (!naive_set_runs(scope, expr, field, &axis->runs, &axis->n_runs)) {
        c->failed = true;
        return;
    }
    axis->node = expr;
    axis->count = 0;
    for (size_t i = 0; i < axis->n_runs; i++)
        axis->count += axis->runs[i].count;
    c->n_axes++;
}

static void collect_value(collector *c, const naive_scope *scope, pk_node expr,
                          const naive_field *field);
static void collect_packet(collector *c, const naive_scope *scope, pk_node expr);

static void collect_case_values(collector *c, const naive_scope *scope, const naive_layer *type,
                                pk_node tuple)
{
    naive_unit *unit = c->packet->unit;
    const pk_ast_node word = *naive_at(unit, naive_at(unit, tuple)->a);
    pk_node values = word.next;
    const naive_layer *chosen =
        word.kind == PK_AST_STRING
            ? naive_case_word(unit, type, pk_ast_blob_bytes(unit->ast, word.a))
            : NULL;
    bool spread = values != 0 && naive_at(unit, values)->kind == PK_AST_TUPLE;
    pk_node v = spread ? naive_at(unit, values)->a : values;
    for (size_t i = 0; v != 0; v = naive_at(unit, v)->next, i++) {
        const naive_field *field = chosen == NULL ? NULL : naive_field_at(chosen, i);
        if (!naive_is_none(unit, v) && field != NULL)
            collect_value(c, scope, v, field);
    }
}

static void collect_element(collector *c, const naive_scope *scope, const naive_field *field,
                            pk_node expr)
{
    naive_unit *unit = c->packet->unit;
    const pk_ast_node n = *naive_at(unit, expr);
    naive_scope inner = *scope;
    inner.space = field->sub;
    naive_field single = *field;
    single.is_list = false;
    if (field->sub != NULL && n.kind == PK_AST_TUPLE)
        collect_case_values(c, &inner, field->sub, expr);
    else if (naive_is_packet(&inner, expr))
        collect_packet(c, &inner, expr);
    else if (n.kind != PK_AST_STRING && n.kind != PK_AST_HEX)
        collect_value(c, scope, expr, field->sub == NULL ? &single : NULL);
}

static void collect_list(collector *c, const naive_scope *scope, pk_node expr,
                         const naive_field *field)
{
    naive_unit *unit = c->packet->unit;
    const pk_ast_node n = *naive_at(unit, expr);
    if (n.kind != PK_AST_LIST) {
        collect_element(c, scope, field, expr);
        return;
    }
    for (pk_node e = n.a; e != 0; e = naive_at(unit, e)->next)
        collect_element(c, scope, field, e);
}

static bool is_axis(const naive_scope *scope, pk_node expr, const naive_field *field)
{
    naive_unit *unit = scope->packet->unit;
    const pk_ast_node *n = naive_at(unit, expr);
    switch ((pk_ast_kind)n->kind) {
    case PK_AST_RANGE:
        return true;
    case PK_AST_LIST:
        return true;
    case PK_AST_TUPLE:
        return n->a != 0 && naive_at(unit, n->a)->next != 0;
    case PK_AST_IP4:
    case PK_AST_IP6:
        return n->b != 0;
    case PK_AST_BINARY:
        return n->a == PK_OP_EXCEPT;
    case PK_AST_STRING:
        return naive_is_prefix_text(scope, field, pk_ast_blob_bytes(unit->ast, n->a));
    case PK_AST_CALL:
        return naive_set_call(unit, expr) != NULL;
    default:
        return false;
    }
}

static void collect_name(collector *c, const naive_scope *scope, pk_atom name,
                         const naive_field *field)
{
    const naive_unit *unit = c->packet->unit;
    const naive_env *env = naive_env_find(scope->env, name);
    naive_scope top = {.packet = scope->packet, .space = scope->space};
    if (env != NULL) {
        if (env->expr != 0)
            collect_value(c, env->home, env->expr, field);
        return;
    }
    pk_node let = naive_global(unit, PK_AST_LET, name);
    pk_node param = let != 0 ? 0 : naive_global(unit, PK_AST_PARAM, name);
    if (let != 0)
        collect_value(c, &top, naive_at(unit, let)->b, field);
    else if (param != 0 && naive_at(unit, param)->c != 0)
        collect_value(c, &top, naive_at(unit, param)->c, field);
}

/* The number of flips is drawn, it is no axis. */
static bool is_mutate(const naive_unit *unit, const pk_ast_node *call)
{
    const pk_ast_node *callee = naive_at(unit, call->a);
    return callee->kind == PK_AST_NAME && strcmp(naive_text(unit, callee->a), "mutate") == 0;
}

static void collect_value(collector *c, const naive_scope *scope, pk_node expr,
                          const naive_field *field)
{
    naive_unit *unit = c->packet->unit;
    const pk_ast_node n = *naive_at(unit, expr);
    naive_scope inner = *scope;
    inner.space = field == NULL ? NULL : field->sub;
    inner.hint = field;
    if (field != NULL && naive_fuzzed(unit, expr) != 0) {
        collect_value(c, scope, naive_fuzzed(unit, expr), field);
    } else if (field != NULL && field->is_list && n.kind == PK_AST_LIST) {
        collect_list(c, scope, expr, field);
    } else if (naive_is_packet(&inner, expr)) {
        collect_packet(c, &inner, expr);
    } else if (n.kind == PK_AST_NAME) {
        collect_name(c, scope, n.a, field);
    } else if (field != NULL && (field->is_list || field->sub != NULL)) {
        collect_list(c, scope, expr, field);
    } else if (is_axis(&inner, expr, field)) {
        add_axis(c, &inner, expr, field);
    } else if (n.kind == PK_AST_UNARY) {
        collect_value(c, scope, n.b, field);
    } else if (n.kind == PK_AST_BINARY) {
        collect_value(c, scope, n.b, field);
        if (n.a != PK_OP_IN)
            collect_value(c, scope, n.c, field);
    } else if (n.kind == PK_AST_COND) {
        collect_value(c, scope, n.a, NULL);
        collect_value(c, scope, n.b, field);
        collect_value(c, scope, n.c, field);
    } else if (n.kind == PK_AST_INDEX || n.kind == PK_AST_SLICE) {
        collect_value(c, scope, n.a, NULL);
    } else if (n.kind == PK_AST_CALL) {
        for (pk_node a = n.b; a != 0 && (a == n.b || !is_mutate(unit, &n));
             a = naive_at(unit, a)->next)
            collect_value(c, scope, naive_at(unit, a)->b, NULL);
    }
}

static void collect_call(collector *c, const naive_scope *scope, const pk_ast_node *n)
{
    naive_unit *unit = c->packet->unit;
    pk_atom name = naive_at(unit, n->a)->a;
    pk_node def = naive_global(unit, PK_AST_DEF, name);
    if (def != 0) {
        naive_scope inner = naive_macro_scope(scope, def, n->b);
        collect_packet(c, &inner, naive_at(unit, def)->c);
        return;
    }
    const naive_layer *type = naive_layer_in(unit, scope->space, name);
    naive_scope plain = *scope;
    plain.space = NULL;
    size_t position = 0;
    for (pk_node a = n->b; a != 0; a = naive_at(unit, a)->next) {
        const pk_ast_node arg = *naive_at(unit, a);
        const naive_field *field = naive_argument_field(unit, type, &arg, position);
        position += arg.a == 0;
        if (!naive_is_none(unit, arg.b))
            collect_value(c, &plain, arg.b, field);
    }
}

static void collect_choice(collector *c, const naive_scope *scope, pk_node expr)
{
    naive_unit *unit = c->packet->unit;
    const naive_choice *choice = naive_choice_of(c->packet, expr);
    if (choice == NULL) {
        if (c->pending == 0)
            c->pending = expr;
        return;
    }
    pk_node e = naive_at(unit, expr)->a;
    for (size_t i = 0; i < choice->pick; i++)
        e = naive_at(unit, e)->next;
    collect_packet(c, scope, e);
}

/* Where the names of a stack's upper half are looked up: in the layer below it. */
static const naive_layer *top_type(const naive_scope *scope, pk_node expr)
{
    naive_value value =
        naive_is_packet(scope, expr) ? naive_stack_of(scope, expr) : naive_undefined();
    return value.kind == NAIVE_STACK ? value.stack->top->type : NULL;
}

static void collect_packet_name(collector *c, const naive_scope *scope, pk_atom name)
{
    const naive_unit *unit = c->packet->unit;
    const naive_env *env = naive_env_find(scope->env, name);
    naive_scope top = {.packet = scope->packet, .space = scope->space};
    pk_node let = env == NULL ? naive_global(unit, PK_AST_LET, name) : 0;
    if (env != NULL && env->expr != 0)
        collect_packet(c, env->home, env->expr);
    else if (let != 0)
        collect_packet(c, &top, naive_at(unit, let)->b);
}

static void collect_packet(collector *c, const naive_scope *scope, pk_node expr)
{
    const pk_ast_node n = *naive_at(c->packet->unit, expr);
    if (c->failed || c->pending != 0)
        return;
    if (!naive_is_packet(scope, expr)) {
        collect_value(c, scope, expr, NULL);
        return;
    }
    if (naive_fuzzed(c->packet->unit, expr) != 0) {
        collect_packet(c, scope, naive_fuzzed(c->packet->unit, expr));
    } else if (naive_edited(c->packet->unit, expr) != 0) {
        collect_packet(c, scope, naive_edited(c->packet->unit, expr));
        for (pk_node a = naive_at(c->packet->unit, n.b)->next; a != 0;
             a = naive_at(c->packet->unit, a)->next)
            collect_value(c, scope, naive_at(c->packet->unit, a)->b, NULL);
    } else if (n.kind == PK_AST_CALL) {
        collect_call(c, scope, &n);
    } else if (n.kind == PK_AST_NAME) {
        collect_packet_name(c, scope, n.a);
    } else if (n.kind == PK_AST_LIST) {
        collect_choice(c, scope, expr);
    } else if (n.kind == PK_AST_COND) {
        collect_value(c, scope, n.a, NULL);
        collect_packet(c, scope, n.b);
        collect_packet(c, scope, n.c);
    } else if (n.kind == PK_AST_BINARY) {
        collect_packet(c, scope, n.b);
        if (c->failed || c->pending != 0)
            return;
        naive_scope upper = *scope;
        const naive_layer *lower = n.a == PK_OP_DIV ? top_type(scope, n.b) : NULL;
        if (lower != NULL)
            upper.space = lower;
        collect_packet(c, &upper, n.c);
    }
}

/* ---- alternatives ------------------------------------------------------------------------------
 */

typedef struct expansion {
    naive_unit *unit;
    pk_arena *arena;
    pk_node expr;
    naive_alternative *at;
    size_t count, cap;
} expansion;

static bool add_alternative(expansion *x, naive_choice *choices, collector *c)
{
    if (x->count == NAIVE_ALTERNATIVES)
        return naive_fail(x->unit, x->expr, "too many alternatives (limit %d)", NAIVE_ALTERNATIVES);
    if (x->count == x->cap) {
        size_t cap = x->cap * 2 + 8;
        naive_alternative *grown = naive_alloc(x->arena, cap, sizeof *grown);
        if (x->count != 0)
            memcpy(grown, x->at, x->count * sizeof *grown);
        x->at = grown;
        x->cap = cap;
    }
    naive_alternative *a = &x->at[x->count++];
    *a = (naive_alternative){.choices = choices, .axes = c->axes, .n_axes = c->n_axes, .count = 1};
    for (size_t i = 0; i < c->n_axes; i++) {
        pk_u128 n = c->axes[i].count;
        if (n != 0 && a->count > ~(pk_u128)0 / n)
            return naive_fail(x->unit, x->expr, "more than 2^128 packets");
        a->count *= n;
    }
    return true;
}

static bool expand(expansion *x, naive_choice *choices)
{
    naive_alternative so_far = {.choices = choices};
    naive_packet packet = {.unit = x->unit, .arena = x->arena, .alternative = &so_far};
    naive_scope scope = {.packet = &packet};
    collector c = {.packet = &packet};
    c.axes = naive_alloc(x->arena, AXES_LIMIT, sizeof *c.axes);
    collect_packet(&c, &scope, x->expr);
    if (c.failed || x->unit->failed)
        return false;
    if (c.pending == 0)
        return add_alternative(x, choices, &c);
    size_t members = pk_ast_list_len(x->unit->ast, naive_at(x->unit, c.pending)->a);
    for (size_t i = 0; i < members; i++) {
        naive_choice *choice = naive_alloc(x->arena, 1, sizeof *choice);
        *choice = (naive_choice){.node = c.pending, .pick = i, .outer = choices};
        if (!expand(x, choice))
            return false;
    }
    return true;
}

bool naive_alternatives(naive_unit *unit, pk_arena *arena, pk_node expr,
                        naive_alternative **ret_alternatives, size_t *ret_count)
{
    expansion x = {.unit = unit, .arena = arena, .expr = expr};
    if (!expand(&x, NULL))
        return false;
    *ret_alternatives = x.at;
    *ret_count = x.count;
    return true;
}

const naive_axis *naive_axis_of(const naive_packet *packet, pk_node node, pk_u128 *ret_digit)
{
    if (packet->alternative == NULL || packet->digits == NULL)
        return NULL;
    for (size_t i = 0; i < packet->alternative->n_axes; i++) {
        if (packet->alternative->axes[i].node != node)
            continue;
        *ret_digit = packet->digits[i];
        return &packet->alternative->axes[i];
    }
    return NULL;
}

const naive_choice *naive_choice_of(const naive_packet *packet, pk_node node)
{
    const naive_choice *c = packet->alternative == NULL ? NULL : packet->alternative->choices;
    while (c != NULL && c->node != node)
        c = c->outer;
    return c;
}
