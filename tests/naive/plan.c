/* Packet expressions: which they are, and the stacks that they make. */
#include "internal.h"

#include <string.h>

/* ---- what is a packet expression ---------------------------------------------------------------
 */

bool naive_is_octets(const naive_unit *unit, pk_node expr)
{
    const pk_ast_node *n = naive_at(unit, expr);
    if (n->kind == PK_AST_STRING || n->kind == PK_AST_HEX)
        return true;
    return n->kind == PK_AST_BINARY && (n->a == PK_OP_ADD || n->a == PK_OP_MUL) &&
           naive_is_octets(unit, n->b);
}

static naive_scope top_scope(const naive_scope *scope)
{
    return (naive_scope){.packet = scope->packet, .space = scope->space};
}

/* The scope in which the body of a macro is read: its arguments stay expressions of the caller. */
naive_scope naive_macro_scope(const naive_scope *scope, pk_node def, pk_node args)
{
    const naive_unit *unit = scope->packet->unit;
    naive_scope inner = top_scope(scope);
    naive_scope *home = naive_alloc(scope->packet->arena, 1, sizeof *home);
    *home = *scope;
    pk_node arg = args;
    for (pk_node f = naive_at(unit, def)->b; f != 0; f = naive_at(unit, f)->next) {
        naive_env *env = naive_alloc(scope->packet->arena, 1, sizeof *env);
        env->name = naive_at(unit, f)->a;
        env->outer = inner.env;
        env->home = home;
        env->expr = arg == 0 ? 0 : naive_at(unit, arg)->b;
        inner.env = env;
        arg = arg == 0 ? 0 : naive_at(unit, arg)->next;
    }
    return inner;
}

static bool name_is_packet(const naive_scope *scope, pk_atom name)
{
    const naive_unit *unit = scope->packet->unit;
    const naive_env *env = naive_env_find(scope->env, name);
    if (env != NULL)
        return env->expr == 0 ? env->value.kind == NAIVE_STACK
                              : naive_is_packet(env->home, env->expr);
    if (scope->self != NULL)
        return false;
    pk_node let = naive_global(unit, PK_AST_LET, name);
    naive_scope top = top_scope(scope);
    if (let != 0)
        return naive_is_packet(&top, naive_at(unit, let)->b);
    int64_t number;
    if (naive_enumerator(scope->packet, scope->hint, scope->hint_inst, naive_text(unit, name),
                         &number))
        return false;
    return naive_layer_in(unit, scope->space, name) != NULL;
}

static pk_node argument_of(const naive_unit *unit, pk_node expr, const char *function)
{
    const pk_ast_node *n = naive_at(unit, expr);
    if (n->kind != PK_AST_CALL || naive_at(unit, n->a)->kind != PK_AST_NAME ||
        strcmp(naive_text(unit, naive_at(unit, n->a)->a), function) != 0)
        return 0;
    return naive_at(unit, n->b)->b;
}

/* The packet or list that `fuzz(..)` is about, 0 when this is no such call. */
pk_node naive_fuzzed(const naive_unit *unit, pk_node expr)
{
    return argument_of(unit, expr, "fuzz");
}

/* The packet that `set(..)` is about. */
pk_node naive_edited(const naive_unit *unit, pk_node expr)
{
    return argument_of(unit, expr, "set");
}

static bool call_is_packet(const naive_scope *scope, const pk_ast_node *n)
{
    const naive_unit *unit = scope->packet->unit;
    const pk_ast_node *callee = naive_at(unit, n->a);
    if (callee->kind != PK_AST_NAME)
        return false;
    pk_node def = naive_global(unit, PK_AST_DEF, callee->a);
    if (def == 0)
        return naive_layer_in(unit, scope->space, callee->a) != NULL;
    naive_scope inner = naive_macro_scope(scope, def, n->b);
    return naive_is_packet(&inner, naive_at(unit, def)->c);
}

bool naive_is_packet(const naive_scope *scope, pk_node expr)
{
    const naive_unit *unit = scope->packet->unit;
    const pk_ast_node n = *naive_at(unit, expr);
    switch ((pk_ast_kind)n.kind) {
    case PK_AST_NAME:
        return name_is_packet(scope, n.a);
    case PK_AST_CALL:
        if (naive_fuzzed(unit, expr) != 0)
            return naive_is_packet(scope, naive_fuzzed(unit, expr));
        if (naive_edited(unit, expr) != 0)
            return naive_is_packet(scope, naive_edited(unit, expr));
        return call_is_packet(scope, &n);
    case PK_AST_COND:
        return naive_is_packet(scope, n.b) || naive_is_packet(scope, n.c);
    case PK_AST_LIST:
        for (pk_node e = n.a; e != 0; e = naive_at(unit, e)->next) {
            if (naive_is_packet(scope, e))
                return true;
        }
        return false;
    case PK_AST_BINARY:
        if (n.a == PK_OP_DIV && naive_is_octets(unit, n.b))
            return true;
        return (n.a == PK_OP_DIV || n.a == PK_OP_ADD) &&
               (naive_is_packet(scope, n.b) || naive_is_packet(scope, n.c));
    default:
        return false;
    }
}

/* ---- stacks ------------------------------------------------------------------------------------
 */

naive_stack *naive_stack_value(const naive_scope *scope, pk_node expr)
{
    naive_packet *packet = scope->packet;
    naive_scope plain = *scope;
    plain.space = NULL;
    naive_value value = naive_eval(&plain, expr);
    if (value.kind == NAIVE_STACK)
        return value.stack;
    if (value.kind == NAIVE_NODE)
        value = naive_part_bytes(packet, value.node, NAIVE_THIS, 0, 0);
    if (value.kind != NAIVE_BYTES)
        naive_fail(packet->unit, expr, "this is neither a layer nor bytes");
    return naive_literal_stack(packet, value.bytes);
}

static naive_stack *stack_name(const naive_scope *scope, pk_node expr)
{
    const naive_unit *unit = scope->packet->unit;
    pk_atom name = naive_at(unit, expr)->a;
    const naive_env *env = naive_env_find(scope->env, name);
    if (env != NULL && env->expr != 0) {
        naive_scope home = *env->home;
        home.packet = scope->packet;
        home.space = scope->space;
        return naive_stack_expr(&home, env->expr);
    }
    pk_node let = env == NULL ? naive_global(unit, PK_AST_LET, name) : 0;
    naive_scope top = top_scope(scope);
    if (let != 0)
        return naive_stack_expr(&top, naive_at(unit, let)->b);
    const naive_layer *layer = naive_layer_in(unit, scope->space, name);
    return env == NULL && layer != NULL
               ? naive_call_layer(scope, layer, naive_presets(unit, scope->space, name), 0)
               : naive_stack_value(scope, expr);
}

static naive_stack *stack_call(const naive_scope *scope, pk_node expr)
{
    const naive_unit *unit = scope->packet->unit;
    const pk_ast_node n = *naive_at(unit, expr);
    pk_atom name = naive_at(unit, n.a)->a;
    pk_node def = naive_global(unit, PK_AST_DEF, name);
    if (def == 0)
        return naive_call_layer(scope, naive_layer_in(unit, scope->space, name),
                                naive_presets(unit, scope->space, name), n.b);
    naive_scope inner = naive_macro_scope(scope, def, n.b);
    return naive_stack_expr(&inner, naive_at(unit, def)->c);
}

static naive_stack *stack_fuzzed(const naive_scope *scope, pk_node expr)
{
    naive_stack *stack = naive_stack_expr(scope, expr);
    naive_fuzz_mark(scope->packet, stack->first, ++scope->packet->n_random);
    return stack;
}

static naive_stack *stack_list(const naive_scope *scope, pk_node expr)
{
    const naive_unit *unit = scope->packet->unit;
    const naive_choice *choice = naive_choice_of(scope->packet, expr);
    pk_node e = naive_at(unit, expr)->a;
    for (size_t i = 0; choice != NULL && i < choice->pick && e != 0; i++)
        e = naive_at(unit, e)->next;
    return naive_stack_expr(scope, e);
}

static naive_stack *stack_binary(const naive_scope *scope, const pk_ast_node *n)
{
    naive_packet *packet = scope->packet;
    naive_stack *left = naive_stack_expr(scope, n->b);
    naive_scope upper = *scope;
    if (n->a == PK_OP_DIV && left->top->type != NULL)
        upper.space = left->top->type;
    naive_stack *right = naive_stack_expr(&upper, n->c);
    return n->a == PK_OP_DIV ? naive_attach(packet, left, right)
                             : naive_juxtapose(packet, left, right);
}

naive_stack *naive_stack_expr(const naive_scope *scope, pk_node expr)
{
    const pk_ast_node n = *naive_at(scope->packet->unit, expr);
    if (!naive_is_packet(scope, expr))
        return naive_stack_value(scope, expr);
    switch ((pk_ast_kind)n.kind) {
    case PK_AST_NAME:
        return stack_name(scope, expr);
    case PK_AST_CALL:
        if (naive_fuzzed(scope->packet->unit, expr) != 0)
            return stack_fuzzed(scope, naive_fuzzed(scope->packet->unit, expr));
        if (naive_edited(scope->packet->unit, expr) != 0)
            return naive_set(scope, n.b);
        return stack_call(scope, expr);
    case PK_AST_LIST:
        return stack_list(scope, expr);
    case PK_AST_COND:
        return naive_stack_expr(scope, naive_truth(naive_eval(scope, n.a)) ? n.b : n.c);
    case PK_AST_BINARY:
        return stack_binary(scope, &n);
    default:
        return naive_stack_value(scope, expr);
    }
}

naive_value naive_stack_of(const naive_scope *scope, pk_node expr)
{
    return (naive_value){.kind = NAIVE_STACK, .stack = naive_stack_expr(scope, expr)};
}
