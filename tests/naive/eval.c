#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- names -------------------------------------------------------------------------------------
 */

const naive_env *naive_env_find(const naive_env *env, pk_atom name)
{
    for (; env != NULL; env = env->outer) {
        if (env->name == name)
            return env;
    }
    return NULL;
}

static naive_value env_value(const naive_scope *scope, const naive_env *env)
{
    if (env->expr == 0)
        return env->value;
    naive_scope home = *env->home;
    home.packet = scope->packet;
    home.hint = scope->hint;
    home.hint_inst = scope->hint_inst;
    return naive_eval(&home, env->expr);
}

static naive_value node_value(naive_inst *inst)
{
    return inst == NULL ? naive_undefined() : (naive_value){.kind = NAIVE_NODE, .node = inst};
}

/* `below.name`: the nearest lower layer in whose namespace the name is. */
naive_inst *naive_below(const naive_unit *unit, const naive_inst *self, pk_atom name)
{
    (void)unit;
    if (self == NULL)
        return NULL;
    for (naive_inst *lower = self->owner; lower != NULL; lower = lower->owner) {
        if (lower->type != NULL && lower->type->kind == NAIVE_IS_LAYER &&
            naive_member_named(lower->type, name) != NULL)
            return lower;
    }
    return NULL;
}

/* The nearest instance of a layer around or below this one, itself included. */
static naive_inst *enclosing(naive_inst *self, const naive_layer *layer)
{
    while (self != NULL && self->type != layer)
        self = self->owner;
    return self;
}

static naive_value formal_value(const naive_unit *unit, const naive_inst *self, pk_atom name)
{
    size_t i = 0;
    for (pk_node f = self->type->formals; f != 0; f = naive_at(unit, f)->next, i++) {
        if (naive_at(unit, f)->a == name)
            return self->args == NULL ? naive_undefined() : self->args[i];
    }
    return naive_undefined();
}

static bool is_formal(const naive_unit *unit, const naive_inst *self, pk_atom name)
{
    for (pk_node f = self->type->formals; f != 0; f = naive_at(unit, f)->next) {
        if (naive_at(unit, f)->a == name)
            return true;
    }
    return false;
}

/* A member read from inside or outside: field, let, parameter, def without arguments. */
static naive_value read_member(naive_packet *packet, naive_inst *inst, const naive_member *member)
{
    const naive_unit *unit = packet->unit;
    naive_scope scope = {.packet = packet, .self = inst, .hint_inst = inst};
    switch (member->kind) {
    case NAIVE_M_FIELD:
    case NAIVE_M_PARAM:
        return naive_slot_value(packet, inst, member->slot);
    case NAIVE_M_LET:
        return naive_eval(&scope, naive_at(unit, member->node)->b);
    case NAIVE_M_DEF:
        return naive_eval(&scope, naive_at(unit, member->node)->c);
    case NAIVE_M_CASE:
        break;
    }
    return naive_undefined();
}

static naive_value part_value(const naive_scope *scope, naive_part part)
{
    return naive_part_bytes(scope->packet, scope->self, part, 0, 0);
}

static naive_value rest_value(const naive_scope *scope)
{
    if (!scope->dissecting)
        return naive_undefined();
    naive_value value = naive_int((int64_t)((scope->end - scope->at) / 8));
    value.is_rest = true;
    return value;
}

/* Names that every layer has. False when `name` is none of them. */
static bool builtin_name(const naive_scope *scope, const char *name, naive_value *ret_value)
{
    naive_packet *packet = scope->packet;
    naive_inst *self = scope->self;
    if (strcmp(name, "it") == 0 && scope->it != NULL)
        *ret_value = *scope->it;
    else if (self == NULL)
        return false;
    else if (strcmp(name, "this") == 0)
        *ret_value = part_value(scope, NAIVE_THIS);
    else if (strcmp(name, "head") == 0)
        *ret_value = part_value(scope, NAIVE_HEAD);
    else if (strcmp(name, "payload") == 0)
        *ret_value = part_value(scope, NAIVE_OF_PAYLOAD);
    else if (strcmp(name, "parent") == 0)
        *ret_value = node_value(self->owner);
    else if (strcmp(name, "here") == 0)
        *ret_value =
            naive_int((int64_t)((scope->dissecting ? scope->at - self->off
                                                   : naive_here_bits(packet, self, scope->item)) /
                                8));
    else if (strcmp(name, "pos") == 0)
        *ret_value = naive_int((int64_t)(naive_pos_bits(scope) / 8));
    else if (strcmp(name, "rest") == 0)
        *ret_value = rest_value(scope);
    else if (strcmp(name, "value") == 0 && self->type->value != 0)
        *ret_value = self->scalar;
    else
        return false;
    return true;
}

static bool self_name(const naive_scope *scope, pk_atom name, naive_value *ret_value)
{
    const naive_unit *unit = scope->packet->unit;
    naive_inst *self = scope->self;
    if (self == NULL || self->type == NULL)
        return false;
    if (is_formal(unit, self, name)) {
        *ret_value = formal_value(unit, self, name);
        return true;
    }
    const naive_member *member = naive_member_named(self->type, name);
    bool two_way = self->type->value != 0 && strcmp(naive_text(unit, name), "value") == 0;
    if (member == NULL || member->kind == NAIVE_M_CASE || two_way)
        return false;
    if (member->kind == NAIVE_M_LET) { /* read where it is used: peek and here look around */
        naive_scope inner = *scope;
        inner.env = NULL;
        *ret_value = naive_eval(&inner, naive_at(unit, member->node)->b);
    } else {
        *ret_value = read_member(scope->packet, self, member);
    }
    return true;
}

static bool global_name(const naive_scope *scope, pk_atom name, naive_value *ret_value)
{
    const naive_unit *unit = scope->packet->unit;
    naive_scope top = {.packet = scope->packet,
                       .hint = scope->hint,
                       .hint_inst = scope->hint_inst,
                       .space = scope->space};
    pk_node node = naive_global(unit, PK_AST_LET, name);
    pk_node expr = node == 0 ? 0 : naive_at(unit, node)->b;
    if (node == 0 && (node = naive_global(unit, PK_AST_PARAM, name)) != 0)
        expr = naive_at(unit, node)->c;
    if (node == 0 && (node = naive_global(unit, PK_AST_DEF, name)) != 0)
        expr = naive_at(unit, node)->c;
    if (node == 0)
        return false;
    *ret_value = expr == 0 ? naive_undefined() : naive_eval(&top, expr);
    return true;
}

static naive_value eval_name(const naive_scope *scope, pk_node expr)
{
    naive_packet *packet = scope->packet;
    pk_atom name = naive_at(packet->unit, expr)->a;
    const char *text = naive_text(packet->unit, name);
    naive_value value;
    const naive_env *env = naive_env_find(scope->env, name);
    if (env != NULL)
        return env_value(scope, env);
    if (self_name(scope, name, &value) || builtin_name(scope, text, &value) ||
        global_name(scope, name, &value))
        return value;
    int64_t number;
    if (naive_enumerator(packet, scope->hint, scope->hint_inst, text, &number)) {
        value = naive_int(number);
        value.field = scope->hint;
        return value;
    }
    if (strcmp(text, "True") == 0 || strcmp(text, "true") == 0)
        return naive_int(1);
    if (strcmp(text, "False") == 0 || strcmp(text, "false") == 0)
        return naive_int(0);
    naive_layer *layer = naive_layer_in(packet->unit, scope->space, name);
    if (layer != NULL && scope->self != NULL)
        return node_value(enclosing(scope->self, layer));
    return layer != NULL ? naive_stack_of(scope, expr) : naive_undefined();
}

/* ---- members -----------------------------------------------------------------------------------
 */

static naive_value of_node(naive_packet *packet, naive_inst *inst, pk_atom name)
{
    if (inst->type == NULL)
        return naive_undefined();
    const naive_member *member = naive_member_named(inst->type, name);
    if (member != NULL && member->kind != NAIVE_M_CASE)
        return read_member(packet, inst, member);
    const naive_layer *layer = naive_layer_in(packet->unit, inst->type, name);
    for (naive_inst *up = inst->payload; up != NULL && layer != NULL; up = up->payload) {
        if (up->type == layer)
            return node_value(up);
    }
    if (strcmp(naive_text(packet->unit, name), "payload") == 0)
        return node_value(inst->payload);
    return naive_undefined();
}

naive_value naive_member_of(naive_packet *packet, naive_value base, pk_atom name)
{
    int64_t bit;
    if (base.kind == NAIVE_NODE)
        return of_node(packet, base.node, name);
    if (base.kind == NAIVE_INT && base.field != NULL &&
        naive_enumerator(packet, base.field, base.from, naive_text(packet->unit, name), &bit))
        return naive_int((base.number & bit) != 0);
    for (size_t i = 0; base.kind == NAIVE_LIST && i < base.list->count; i++) {
        naive_value found = naive_member_of(packet, base.list->at[i], name);
        if (found.kind != NAIVE_UNDEFINED)
            return found;
    }
    return naive_undefined();
}

static naive_value eval_member(const naive_scope *scope, pk_node expr)
{
    const naive_unit *unit = scope->packet->unit;
    const pk_ast_node *n = naive_at(unit, expr);
    const pk_ast_node *base = naive_at(unit, n->a);
    if (base->kind == PK_AST_NAME && strcmp(naive_text(unit, base->a), "below") == 0) {
        naive_inst *lower = naive_below(unit, scope->self, n->b);
        return lower == NULL ? naive_undefined() : of_node(scope->packet, lower, n->b);
    }
    return naive_member_of(scope->packet, naive_eval(scope, n->a), n->b);
}

/* ---- the dispatch ------------------------------------------------------------------------------
 */

static naive_value eval_tuple(const naive_scope *scope, pk_node first)
{
    naive_packet *packet = scope->packet;
    size_t count = pk_ast_list_len(packet->unit->ast, first);
    naive_list *list = naive_alloc(packet->arena, 1, sizeof *list);
    list->at = naive_alloc(packet->arena, count + 1, sizeof *list->at);
    for (pk_node e = first; e != 0; e = naive_at(packet->unit, e)->next)
        list->at[list->count++] = naive_eval(scope, e);
    return (naive_value){.kind = NAIVE_LIST, .list = list};
}

static naive_value eval_index(const naive_scope *scope, const pk_ast_node *n)
{
    naive_value base = naive_eval(scope, n->a);
    int64_t i;
    if (!naive_number(scope->packet, naive_eval(scope, n->b), &i))
        return naive_undefined();
    int64_t count = base.kind == NAIVE_LIST    ? (int64_t)base.list->count
                    : base.kind == NAIVE_BYTES ? (int64_t)base.bytes.len
                                               : 0;
    if (i < 0)
        i += count;
    if (i < 0 || i >= count)
        return naive_undefined();
    return base.kind == NAIVE_LIST ? base.list->at[i] : naive_int(base.bytes.data[i]);
}

static naive_value eval_slice(const naive_scope *scope, const pk_ast_node *n)
{
    naive_value base = naive_stack_bytes(scope->packet, naive_eval(scope, n->a));
    if (base.kind != NAIVE_BYTES)
        return naive_undefined();
    int64_t count = (int64_t)base.bytes.len, from = 0, to = count - 1;
    if (n->b != 0 && !naive_number(scope->packet, naive_eval(scope, n->b), &from))
        return naive_undefined();
    if (n->c != 0 && !naive_number(scope->packet, naive_eval(scope, n->c), &to))
        return naive_undefined();
    from = from < 0 ? from + count : from;
    to = to < 0 ? to + count : to;
    from = from < 0 ? 0 : from;
    to = to >= count ? count - 1 : to;
    return from > to ? naive_bytes("", 0)
                     : naive_bytes(base.bytes.data + from, (size_t)(to - from + 1));
}

static naive_value eval_literal(const naive_scope *scope, const pk_ast_node *n)
{
    naive_packet *packet = scope->packet;
    pk_bytes blob = pk_ast_blob_bytes(packet->unit->ast, n->a);
    naive_value value = naive_copy(packet, blob.data, blob.len);
    value.text = n->kind == PK_AST_STRING;
    value.n_bits = n->kind == PK_AST_BITS ? n->value : 0;
    return value;
}

static naive_value eval_node(const naive_scope *scope, pk_node expr)
{
    naive_packet *packet = scope->packet;
    const pk_ast_node n = *naive_at(packet->unit, expr);
    switch ((pk_ast_kind)n.kind) {
    case PK_AST_INT:
    case PK_AST_DURATION:
        return naive_int((int64_t)n.value);
    case PK_AST_IP4:
    case PK_AST_IP6:
    case PK_AST_MAC:
    case PK_AST_STRING:
    case PK_AST_HEX:
    case PK_AST_BITS:
        return eval_literal(scope, &n);
    case PK_AST_NAME:
        return eval_name(scope, expr);
    case PK_AST_UNARY:
        return naive_unary(scope, expr);
    case PK_AST_BINARY:
        return naive_is_packet(scope, expr) ? naive_stack_of(scope, expr)
                                            : naive_binary(scope, expr);
    case PK_AST_COND:
        return naive_eval(scope, naive_truth(naive_eval(scope, n.a)) ? n.b : n.c);
    case PK_AST_CALL:
        return naive_call(scope, expr);
    case PK_AST_MEMBER:
        return eval_member(scope, expr);
    case PK_AST_INDEX:
        return eval_index(scope, &n);
    case PK_AST_SLICE:
        return eval_slice(scope, &n);
    case PK_AST_LIST:
        return naive_is_packet(scope, expr) ? naive_stack_of(scope, expr) : eval_tuple(scope, n.a);
    case PK_AST_TUPLE:
        return eval_tuple(scope, n.a);
    default:
        return naive_undefined();
    }
}

naive_value naive_eval(const naive_scope *scope, pk_node expr)
{
    naive_packet *packet = scope->packet;
    pk_u128 digit;
    const naive_axis *axis = naive_axis_of(packet, expr, &digit);
    if (axis != NULL)
        return naive_axis_value(packet, axis, digit);
    if (packet->depth >= NAIVE_DEPTH) {
        naive_fail(packet->unit, expr, "a value depends on itself");
        return naive_undefined();
    }
    packet->depth++;
    naive_value value = eval_node(scope, expr);
    packet->depth--;
    return value;
}
