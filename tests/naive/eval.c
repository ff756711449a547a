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
        *ret_value = scope->dissecting ? naive_int((int64_t)((scope->end - scope->at) / 8))
                                       : naive_undefined();
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

/* ---- operators ---------------------------------------------------------------------------------
 */

static bool is_unsigned(naive_value value)
{
    return value.field != NULL && value.field->type == NAIVE_UINT && value.field->bits == 64;
}

bool naive_equal(naive_value a, naive_value b)
{
    if (a.kind == NAIVE_INT && b.kind == NAIVE_INT)
        return a.number == b.number;
    if (a.kind == NAIVE_BYTES && b.kind == NAIVE_BYTES)
        return a.bytes.len == b.bytes.len &&
               (a.bytes.len == 0 || memcmp(a.bytes.data, b.bytes.data, a.bytes.len) == 0);
    if (a.kind != NAIVE_LIST)
        return false;
    if (b.kind != NAIVE_LIST) {
        for (size_t i = 0; i < a.list->count; i++) {
            if (naive_equal(a.list->at[i], b))
                return true;
        }
        return false;
    }
    bool same = a.list->count == b.list->count;
    for (size_t i = 0; same && i < a.list->count; i++)
        same = naive_equal(a.list->at[i], b.list->at[i]);
    return same;
}

/* -1, 0, 1; false when the two cannot be compared. */
static bool compare(naive_value a, naive_value b, int *ret_order)
{
    if (a.kind == NAIVE_INT && b.kind == NAIVE_INT) {
        bool wide = is_unsigned(a) || is_unsigned(b);
        bool less = wide ? (uint64_t)a.number < (uint64_t)b.number : a.number < b.number;
        *ret_order = a.number == b.number ? 0 : less ? -1 : 1;
        return true;
    }
    if (a.kind != NAIVE_BYTES || b.kind != NAIVE_BYTES || a.bytes.len != b.bytes.len)
        return false;
    int order = a.bytes.len == 0 ? 0 : memcmp(a.bytes.data, b.bytes.data, a.bytes.len);
    *ret_order = order < 0 ? -1 : order > 0;
    return true;
}

static naive_value as_number(naive_packet *packet, naive_value value)
{
    int64_t number;
    if (value.kind != NAIVE_NODE || !naive_number(packet, value, &number))
        return value;
    return naive_int(number);
}

static bool is_set(const naive_unit *unit, pk_node expr)
{
    const pk_ast_node *n = naive_at(unit, expr);
    switch (n->kind) {
    case PK_AST_RANGE:
    case PK_AST_LIST:
        return true;
    case PK_AST_IP4:
    case PK_AST_IP6:
        return n->b != 0;
    case PK_AST_BINARY:
        return n->a == PK_OP_EXCEPT;
    default:
        return false;
    }
}

static bool in_prefix(naive_value value, pk_bytes prefix, unsigned bits)
{
    if (value.kind != NAIVE_BYTES || value.bytes.len != prefix.len)
        return false;
    for (unsigned i = 0; i < bits; i++) {
        if (((value.bytes.data[i / 8] ^ prefix.data[i / 8]) & 0x80 >> i % 8) != 0)
            return false;
    }
    return true;
}

static bool in_range(const naive_scope *scope, naive_value value, const pk_ast_node *range)
{
    naive_value lo = naive_eval(scope, range->a), hi = naive_eval(scope, range->b);
    int low, high;
    if (!compare(value, lo, &low) || !compare(value, hi, &high) || low < 0 || high > 0)
        return false;
    if (range->c == 0 || value.kind != NAIVE_INT)
        return true;
    int64_t step = naive_eval(scope, range->c).number;
    return step != 0 && (value.number - lo.number) % step == 0;
}

bool naive_is_member(const naive_scope *scope, naive_value value, pk_node set)
{
    naive_unit *unit = scope->packet->unit;
    pk_ast_node n = *naive_at(unit, set);
    if (n.kind == PK_AST_RANGE)
        return in_range(scope, value, &n);
    if (n.kind == PK_AST_LIST) {
        for (pk_node e = n.a; e != 0; e = naive_at(unit, e)->next) {
            if (naive_is_member(scope, value, e))
                return true;
        }
        return false;
    }
    if ((n.kind == PK_AST_IP4 || n.kind == PK_AST_IP6) && n.b != 0)
        return in_prefix(value, pk_ast_blob_bytes(unit->ast, n.a), n.b - 1);
    if (n.kind == PK_AST_BINARY && n.a == PK_OP_EXCEPT)
        return naive_is_member(scope, value, n.b) && !naive_is_member(scope, value, n.c);
    pk_node let = n.kind == PK_AST_NAME ? naive_global(unit, PK_AST_LET, n.a) : 0;
    if (let != 0)
        return naive_is_member(scope, value, naive_at(unit, let)->b);
    return naive_equal(value, as_number(scope->packet, naive_eval(scope, set)));
}

static bool holds(const naive_scope *scope, pk_ast_op op, naive_value l, naive_value r)
{
    int order;
    l = as_number(scope->packet, l);
    r = as_number(scope->packet, r);
    if (op == PK_OP_EQ)
        return naive_equal(l, r);
    if (op == PK_OP_NE)
        return !naive_equal(l, r);
    if (!compare(l, r, &order))
        return false;
    return op == PK_OP_LT   ? order < 0
           : op == PK_OP_LE ? order <= 0
           : op == PK_OP_GT ? order > 0
                            : order >= 0;
}

static int64_t floored(int64_t a, int64_t b, bool modulo)
{
    if (b == -1)
        return modulo ? 0 : (int64_t)(0 - (uint64_t)a);
    int64_t quotient = a / b;
    if (a % b != 0 && (a < 0) != (b < 0))
        quotient--;
    return modulo ? (int64_t)((uint64_t)a - (uint64_t)quotient * (uint64_t)b) : quotient;
}

static naive_value integers(pk_ast_op op, int64_t a, int64_t b, bool wide)
{
    uint64_t x = (uint64_t)a, y = (uint64_t)b;
    switch (op) {
    case PK_OP_ADD:
        return naive_int((int64_t)(x + y));
    case PK_OP_SUB:
        return naive_int((int64_t)(x - y));
    case PK_OP_MUL:
        return naive_int((int64_t)(x * y));
    case PK_OP_DIV:
    case PK_OP_MOD:
        if (b == 0)
            return naive_undefined();
        if (wide)
            return naive_int((int64_t)(op == PK_OP_DIV ? x / y : x % y));
        return naive_int(floored(a, b, op == PK_OP_MOD));
    case PK_OP_BITAND:
        return naive_int((int64_t)(x & y));
    case PK_OP_BITOR:
        return naive_int((int64_t)(x | y));
    case PK_OP_BITXOR:
        return naive_int((int64_t)(x ^ y));
    case PK_OP_SHL:
        return naive_int(y >= 64 ? 0 : (int64_t)(x << y));
    case PK_OP_SHR:
        return naive_int(y >= 64 ? 0 : (int64_t)(x >> y));
    default:
        return naive_undefined();
    }
}

/* Bytes with a number: a big-endian sum of the same width. */
static naive_value shifted(naive_packet *packet, naive_value bytes, int64_t by)
{
    naive_value sum = naive_copy(packet, bytes.bytes.data, bytes.bytes.len);
    uint8_t *data = naive_alloc(packet->arena, bytes.bytes.len + 1, 1);
    int carry = 0;
    for (size_t i = 0; i < sum.bytes.len; i++) {
        size_t at = sum.bytes.len - 1 - i;
        int add = i < 8 ? (int)((uint64_t)by >> 8 * i & 0xff) : by < 0 ? 0xff : 0;
        int total = sum.bytes.data[at] + add + carry;
        data[at] = (uint8_t)total;
        carry = total >> 8;
    }
    return naive_bytes(data, sum.bytes.len);
}

static naive_value bitwise_bytes(naive_packet *packet, pk_ast_op op, naive_value l, naive_value r)
{
    if (l.bytes.len != r.bytes.len)
        return naive_undefined();
    uint8_t *data = naive_alloc(packet->arena, l.bytes.len + 1, 1);
    for (size_t i = 0; i < l.bytes.len; i++) {
        uint8_t a = l.bytes.data[i], b = r.bytes.data[i];
        data[i] = (uint8_t)(op == PK_OP_BITAND ? a & b : op == PK_OP_BITOR ? a | b : a ^ b);
    }
    return naive_bytes(data, l.bytes.len);
}

static naive_value repeated(naive_packet *packet, naive_value bytes, int64_t times)
{
    if (times < 0)
        times = 0;
    if (bytes.bytes.len != 0 && (uint64_t)times > NAIVE_BYTES_LIMIT / bytes.bytes.len) {
        naive_fail(packet->unit, 0, "too many bytes in one value (limit %d)", NAIVE_BYTES_LIMIT);
        times = 0;
    }
    uint8_t *data = naive_alloc(packet->arena, bytes.bytes.len * (size_t)times + 1, 1);
    for (size_t i = 0; i < (size_t)times && bytes.bytes.len != 0; i++)
        memcpy(data + i * bytes.bytes.len, bytes.bytes.data, bytes.bytes.len);
    return naive_bytes(data, bytes.bytes.len * (size_t)times);
}

static naive_value octets(const naive_scope *scope, pk_ast_op op, naive_value l, naive_value r)
{
    naive_packet *packet = scope->packet;
    bool left = l.kind == NAIVE_BYTES, right = r.kind == NAIVE_BYTES;
    if (op == PK_OP_ADD && left && r.kind == NAIVE_INT)
        return shifted(packet, l, r.number);
    if (op == PK_OP_ADD && right && l.kind == NAIVE_INT)
        return shifted(packet, r, l.number);
    if (op == PK_OP_ADD)
        return naive_join(packet, l, r);
    if (op == PK_OP_SUB && left && r.kind == NAIVE_INT)
        return shifted(packet, l, (int64_t)(0 - (uint64_t)r.number));
    if (op == PK_OP_MUL && left && r.kind == NAIVE_INT)
        return repeated(packet, l, r.number);
    if (left && right && (op == PK_OP_BITAND || op == PK_OP_BITOR || op == PK_OP_BITXOR))
        return bitwise_bytes(packet, op, l, r);
    return naive_undefined();
}

/* Both sides, each with the enumerators of the field that the other one is. */
static void both_sides(const naive_scope *scope, const pk_ast_node *n, naive_value *ret_left,
                       naive_value *ret_right)
{
    naive_scope inner = *scope;
    naive_value l = naive_eval(scope, n->b);
    if (l.field != NULL) {
        inner.hint = l.field;
        inner.hint_inst = l.from;
    }
    naive_value r = naive_eval(&inner, n->c);
    if (l.kind == NAIVE_UNDEFINED && r.field != NULL) {
        inner.hint = r.field;
        inner.hint_inst = r.from;
        l = naive_eval(&inner, n->b);
    }
    *ret_left = l;
    *ret_right = r;
}

static naive_value stack_bytes(naive_packet *packet, naive_value value)
{
    return value.kind == NAIVE_STACK ? naive_encode_stack(packet, value.stack) : value;
}

static naive_value eval_compare(const naive_scope *scope, const pk_ast_node *n)
{
    naive_packet *packet = scope->packet;
    if (n->a == PK_OP_IN ||
        ((n->a == PK_OP_EQ || n->a == PK_OP_NE) && is_set(packet->unit, n->c))) {
        naive_value value = as_number(packet, naive_eval(scope, n->b));
        naive_scope inner = *scope;
        if (value.field != NULL) {
            inner.hint = value.field;
            inner.hint_inst = value.from;
        }
        return naive_int(naive_is_member(&inner, value, n->c) == (n->a != PK_OP_NE));
    }
    naive_value l, r;
    both_sides(scope, n, &l, &r);
    l = stack_bytes(packet, l);
    r = stack_bytes(packet, r);
    return naive_int(holds(scope, (pk_ast_op)n->a, l, r));
}

static naive_value eval_arithmetic(const naive_scope *scope, const pk_ast_node *n)
{
    naive_value l, r;
    both_sides(scope, n, &l, &r);
    naive_packet *packet = scope->packet;
    l = stack_bytes(packet, as_number(packet, l));
    r = stack_bytes(packet, as_number(packet, r));
    naive_value value;
    if (l.kind == NAIVE_BYTES || r.kind == NAIVE_BYTES)
        value = octets(scope, (pk_ast_op)n->a, l, r);
    else if (l.kind == NAIVE_INT && r.kind == NAIVE_INT)
        value = integers((pk_ast_op)n->a, l.number, r.number, is_unsigned(l) || is_unsigned(r));
    else
        value = naive_undefined();
    bool masks = n->a == PK_OP_BITAND || n->a == PK_OP_BITOR || n->a == PK_OP_BITXOR;
    if (masks && value.kind == NAIVE_INT) {
        value.field = l.field != NULL ? l.field : r.field;
        value.from = l.field != NULL ? l.from : r.from;
    }
    return value;
}

static naive_value eval_binary(const naive_scope *scope, pk_node expr)
{
    pk_ast_node n = *naive_at(scope->packet->unit, expr);
    switch ((pk_ast_op)n.a) {
    case PK_OP_OR:
        return naive_int(naive_truth(naive_eval(scope, n.b)) ||
                         naive_truth(naive_eval(scope, n.c)));
    case PK_OP_AND:
        return naive_int(naive_truth(naive_eval(scope, n.b)) &&
                         naive_truth(naive_eval(scope, n.c)));
    case PK_OP_EQ:
    case PK_OP_NE:
    case PK_OP_LT:
    case PK_OP_LE:
    case PK_OP_GT:
    case PK_OP_GE:
    case PK_OP_IN:
        return eval_compare(scope, &n);
    default:
        return eval_arithmetic(scope, &n);
    }
}

static naive_value eval_unary(const naive_scope *scope, pk_node expr)
{
    pk_ast_node n = *naive_at(scope->packet->unit, expr);
    naive_value value = as_number(scope->packet, naive_eval(scope, n.b));
    if (n.a == PK_OP_NOT)
        return naive_int(!naive_truth(value));
    if (value.kind != NAIVE_INT)
        return naive_undefined();
    uint64_t number = (uint64_t)value.number;
    return naive_int((int64_t)(n.a == PK_OP_NEG ? 0 - number : ~number));
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
    naive_value base = stack_bytes(scope->packet, naive_eval(scope, n->a));
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
        return eval_unary(scope, expr);
    case PK_AST_BINARY:
        return naive_is_packet(scope, expr) ? naive_stack_of(scope, expr)
                                            : eval_binary(scope, expr);
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
