/* Calls: functions of the language that look at the packet, conversions, defs, natives. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum { ARGS_LIMIT = 16 };

static pk_node arg_at(const naive_unit *unit, pk_node args, size_t i)
{
    while (args != 0 && i-- > 0)
        args = naive_at(unit, args)->next;
    return args == 0 ? 0 : naive_at(unit, args)->b;
}

static size_t eval_args(const naive_scope *scope, pk_node args, naive_value ret_values[ARGS_LIMIT])
{
    const naive_unit *unit = scope->packet->unit;
    size_t n = 0;
    for (pk_node a = args; a != 0 && n < ARGS_LIMIT; a = naive_at(unit, a)->next)
        ret_values[n++] = naive_eval(scope, naive_at(unit, a)->b);
    return n;
}

naive_value naive_call_def(naive_packet *packet, naive_inst *self, pk_node def, size_t n,
                           const naive_value *args)
{
    const pk_ast_node *d = naive_at(packet->unit, def);
    naive_env envs[ARGS_LIMIT];
    naive_scope scope = {.packet = packet, .self = self};
    size_t i = 0;
    for (pk_node f = d->b; f != 0 && i < ARGS_LIMIT; f = naive_at(packet->unit, f)->next, i++) {
        envs[i] = (naive_env){.name = naive_at(packet->unit, f)->a, .outer = scope.env};
        envs[i].value = i < n ? args[i] : naive_undefined();
        scope.env = &envs[i];
    }
    return naive_eval(&scope, d->c);
}

/* ---- size, has, count, span --------------------------------------------------------------------
 */

/* Which part of this instance a name means; false when it is no part but a value. */
static bool part_named(const naive_scope *scope, pk_node expr, naive_part *ret_part,
                       unsigned *ret_slot)
{
    const naive_unit *unit = scope->packet->unit;
    const pk_ast_node *n = naive_at(unit, expr);
    if (n->kind != PK_AST_NAME || scope->self == NULL || scope->self->type == NULL ||
        naive_env_find(scope->env, n->a) != NULL)
        return false;
    const char *name = naive_text(unit, n->a);
    const naive_member *member = naive_member_named(scope->self->type, n->a);
    if (member != NULL && member->kind == NAIVE_M_FIELD) {
        *ret_part = NAIVE_FIELDS;
        *ret_slot = member->slot;
        return true;
    }
    if (member != NULL)
        return false;
    if (strcmp(name, "this") == 0)
        *ret_part = NAIVE_THIS;
    else if (strcmp(name, "head") == 0)
        *ret_part = NAIVE_HEAD;
    else if (strcmp(name, "payload") == 0)
        *ret_part = NAIVE_OF_PAYLOAD;
    else
        return false;
    return true;
}

static naive_value size_of_value(naive_packet *packet, naive_value value)
{
    uint64_t bits = 0;
    if (value.kind == NAIVE_BYTES || value.kind == NAIVE_RAW)
        return naive_int((int64_t)value.bytes.len);
    if (value.kind == NAIVE_STACK)
        return naive_int((int64_t)naive_encode_stack(packet, value.stack).bytes.len);
    if (value.kind == NAIVE_NODE)
        return naive_int((int64_t)(naive_part_bits(packet, value.node, NAIVE_THIS, 0, 0) / 8));
    if (value.kind == NAIVE_INT && value.field != NULL)
        return naive_int(value.field->bits / 8);
    if (value.kind != NAIVE_LIST)
        return naive_undefined();
    for (size_t i = 0; i < value.list->count; i++)
        bits += (uint64_t)size_of_value(packet, value.list->at[i]).number;
    return naive_int((int64_t)bits);
}

static bool is_call_to(const naive_unit *unit, pk_node expr, const char *name, pk_node *ret_args)
{
    const pk_ast_node *n = naive_at(unit, expr);
    if (n->kind != PK_AST_CALL || naive_at(unit, n->a)->kind != PK_AST_NAME ||
        strcmp(naive_text(unit, naive_at(unit, n->a)->a), name) != 0)
        return false;
    *ret_args = n->b;
    return true;
}

/* span(a, b): from field a to field b. */
static bool span_slots(const naive_scope *scope, pk_node expr, unsigned *ret_first,
                       unsigned *ret_last)
{
    const naive_unit *unit = scope->packet->unit;
    naive_part part;
    pk_node args;
    return is_call_to(unit, expr, "span", &args) && arg_at(unit, args, 1) != 0 &&
           part_named(scope, arg_at(unit, args, 0), &part, ret_first) && part == NAIVE_FIELDS &&
           part_named(scope, arg_at(unit, args, 1), &part, ret_last) && part == NAIVE_FIELDS;
}

static naive_value call_size(const naive_scope *scope, pk_node args)
{
    pk_node expr = arg_at(scope->packet->unit, args, 0);
    naive_part part = NAIVE_FIELDS;
    unsigned first = 0, last = 0;
    if (expr == 0)
        return naive_undefined();
    if (part_named(scope, expr, &part, &first)) {
        last = first;
    } else if (!span_slots(scope, expr, &first, &last)) {
        return size_of_value(scope->packet, naive_eval(scope, expr));
    }
    return naive_int((int64_t)(naive_part_bits(scope->packet, scope->self, part, first, last) / 8));
}

static naive_value call_span(const naive_scope *scope, pk_node expr)
{
    unsigned first, last;
    if (!span_slots(scope, expr, &first, &last))
        return naive_undefined();
    return naive_part_bytes(scope->packet, scope->self, NAIVE_FIELDS, first, last);
}

static naive_value call_has(const naive_scope *scope, pk_node args)
{
    naive_part part;
    unsigned slot = 0;
    pk_node expr = arg_at(scope->packet->unit, args, 0);
    if (expr == 0 || !part_named(scope, expr, &part, &slot))
        return naive_int(0);
    naive_inst *self = scope->self;
    if (part == NAIVE_OF_PAYLOAD)
        return naive_int(self->dissected ? self->has_payload : self->payload != NULL);
    if (part != NAIVE_FIELDS)
        return naive_int(1);
    return naive_int(self->dissected ? self->slots[slot].field != NULL
                                     : self->slots[slot].is_given);
}

static naive_value call_count(const naive_scope *scope, pk_node args)
{
    pk_node expr = arg_at(scope->packet->unit, args, 0);
    naive_value value = expr == 0 ? naive_undefined() : naive_eval(scope, expr);
    return naive_int(value.kind == NAIVE_LIST ? (int64_t)value.list->count : 0);
}

static naive_value call_find(const naive_scope *scope, pk_node args)
{
    const naive_unit *unit = scope->packet->unit;
    naive_value list = naive_eval(scope, arg_at(unit, args, 0));
    for (size_t i = 0; list.kind == NAIVE_LIST && i < list.list->count; i++) {
        naive_scope inner = *scope;
        inner.it = &list.list->at[i];
        if (naive_truth(naive_eval(&inner, arg_at(unit, args, 1))))
            return list.list->at[i];
    }
    return naive_undefined();
}

static naive_value call_peek(const naive_scope *scope, pk_node args)
{
    int64_t width;
    naive_value value = naive_eval(scope, arg_at(scope->packet->unit, args, 0));
    if (!scope->dissecting || !naive_number(scope->packet, value, &width) || width < 0 ||
        width > 64 || scope->at + (uint64_t)width > scope->end)
        return naive_undefined();
    return naive_int((int64_t)naive_bits_get(scope->packet->wire.data, scope->at, (unsigned)width));
}

/* Bytes up to and including the first `end`, or all that are left. */
uint64_t naive_scan(const naive_scope *scope, naive_value end)
{
    uint64_t left = (scope->end - scope->at) / 8;
    for (uint64_t from = 0; end.kind == NAIVE_BYTES && from + end.bytes.len <= left; from++) {
        size_t i = 0;
        while (i < end.bytes.len &&
               naive_bits_get(scope->packet->wire.data, scope->at + 8 * (from + i), 8) ==
                   end.bytes.data[i])
            i++;
        if (i == end.bytes.len)
            return from + i;
    }
    return left;
}

/* over(L): a layer L lies below; under(L): the payload is an L. */
static naive_value call_around(const naive_scope *scope, pk_node args, bool over)
{
    const naive_unit *unit = scope->packet->unit;
    pk_node expr = arg_at(unit, args, 0);
    const pk_ast_node *n = naive_at(unit, expr);
    const naive_layer *layer = n->kind == PK_AST_NAME ? naive_layer_named(unit, n->a) : NULL;
    const naive_inst *self = scope->self;
    if (layer == NULL || self == NULL)
        return naive_int(0);
    if (!over)
        return naive_int(self->payload != NULL && self->payload->type == layer);
    for (self = self->owner; self != NULL; self = self->owner) {
        if (self->type == layer)
            return naive_int(1);
    }
    return naive_int(0);
}

static bool packet_function(const naive_scope *scope, const char *name, pk_node expr, pk_node args,
                            naive_value *ret_value)
{
    if (strcmp(name, "size") == 0)
        *ret_value = call_size(scope, args);
    else if (strcmp(name, "span") == 0)
        *ret_value = call_span(scope, expr);
    else if (strcmp(name, "has") == 0)
        *ret_value = call_has(scope, args);
    else if (strcmp(name, "count") == 0)
        *ret_value = call_count(scope, args);
    else if (strcmp(name, "find") == 0 && args != 0)
        *ret_value = call_find(scope, args);
    else if (strcmp(name, "peek") == 0 && args != 0)
        *ret_value = call_peek(scope, args);
    else if (strcmp(name, "scan") == 0 && args != 0)
        *ret_value = scope->dissecting
                         ? naive_int((int64_t)naive_scan(
                               scope, naive_eval(scope, naive_at(scope->packet->unit, args)->b)))
                         : naive_undefined();
    else if ((strcmp(name, "over") == 0 || strcmp(name, "under") == 0) && args != 0)
        *ret_value = call_around(scope, args, name[0] == 'o');
    else if (strcmp(name, "mutate") == 0 && args != 0)
        *ret_value = naive_mutate(scope, args);
    else
        return false;
    return true;
}

/* ---- conversions -------------------------------------------------------------------------------
 */

/* u16(5), u32le(n): an integer as bytes. */
static bool constructor(naive_packet *packet, const char *name, naive_value arg,
                        naive_value *ret_value)
{
    char *end;
    if (name[0] != 'u' || name[1] < '1' || name[1] > '9')
        return false;
    unsigned long width = strtoul(name + 1, &end, 10);
    bool little = strcmp(end, "le") == 0;
    if ((*end != 0 && !little) || width > 64 || width % 8 != 0)
        return false;
    int64_t number;
    *ret_value = naive_undefined();
    if (!naive_number(packet, arg, &number))
        return true;
    uint64_t raw = width == 64 ? (uint64_t)number : (uint64_t)number & (((uint64_t)1 << width) - 1);
    uint8_t data[8];
    for (unsigned i = 0; i < width / 8; i++)
        data[i] = (uint8_t)(raw >> (little ? 8 * i : width - 8 - 8 * i));
    *ret_value = naive_copy(packet, data, width / 8);
    return true;
}

static naive_value as_bytes(naive_packet *packet, naive_value value)
{
    if (value.kind == NAIVE_STACK)
        return naive_encode_stack(packet, value.stack);
    if (value.kind == NAIVE_NODE)
        return naive_part_bytes(packet, value.node, NAIVE_THIS, 0, 0);
    return value.kind == NAIVE_BYTES ? value : naive_undefined();
}

/* ---- the dispatch ------------------------------------------------------------------------------
 */

static naive_value call_method(const naive_scope *scope, const pk_ast_node *callee, pk_node args)
{
    naive_packet *packet = scope->packet;
    const pk_ast_node *base = naive_at(packet->unit, callee->a);
    naive_value values[ARGS_LIMIT];
    naive_inst *inst = NULL;
    if (base->kind == PK_AST_NAME && strcmp(naive_text(packet->unit, base->a), "below") == 0) {
        inst = naive_below(packet->unit, scope->self, callee->b);
    } else {
        naive_value value = naive_eval(scope, callee->a);
        inst = value.kind == NAIVE_NODE ? value.node : NULL;
    }
    if (inst == NULL || inst->type == NULL)
        return naive_undefined();
    const naive_member *member = naive_member_named(inst->type, callee->b);
    if (member == NULL || member->kind != NAIVE_M_DEF)
        return naive_undefined();
    size_t n = eval_args(scope, args, values);
    return naive_call_def(packet, inst, member->node, n, values);
}

static naive_value call_named(const naive_scope *scope, pk_node expr, pk_atom atom, pk_node args)
{
    naive_packet *packet = scope->packet;
    const naive_unit *unit = packet->unit;
    const char *name = naive_text(unit, atom);
    naive_value value, values[ARGS_LIMIT];
    const naive_member *own = scope->self == NULL || scope->self->type == NULL
                                  ? NULL
                                  : naive_member_named(scope->self->type, atom);
    if (packet_function(scope, name, expr, args, &value))
        return value;
    size_t n = eval_args(scope, args, values);
    if (own != NULL && own->kind == NAIVE_M_DEF)
        return naive_call_def(packet, scope->self, own->node, n, values);
    pk_node def = naive_global(unit, PK_AST_DEF, atom);
    if (def != 0)
        return naive_call_def(packet, NULL, def, n, values);
    for (size_t i = 0; i < n; i++)
        values[i] = values[i].kind == NAIVE_STACK ? as_bytes(packet, values[i]) : values[i];
    if (n == 1 && strcmp(name, "bytes") == 0)
        return as_bytes(packet, values[0]);
    if (n == 1 && constructor(packet, name, values[0], &value))
        return value;
    if (naive_native(packet, name, n, values, &value))
        return value;
    naive_fail(packet->unit, expr, "no function `%s`", name);
    return naive_undefined();
}

naive_value naive_call(const naive_scope *scope, pk_node expr)
{
    const naive_unit *unit = scope->packet->unit;
    const pk_ast_node *n = naive_at(unit, expr);
    const pk_ast_node *callee = naive_at(unit, n->a);
    if (naive_is_packet(scope, expr))
        return naive_stack_of(scope, expr);
    if (callee->kind == PK_AST_MEMBER)
        return call_method(scope, callee, n->b);
    if (naive_set_call(unit, expr) != NULL)
        return naive_undefined(); /* no axis is chosen from yet */
    if (callee->kind == PK_AST_NAME)
        return call_named(scope, expr, callee->a, n->b);
    return naive_undefined();
}
