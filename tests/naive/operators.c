/* Operators: integers wrap at 64 bits, bytes join, sets are tested, undefined spreads. */
#include "internal.h"

#include <string.h>

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

naive_value naive_stack_bytes(naive_packet *packet, naive_value value)
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
    l = naive_stack_bytes(packet, l);
    r = naive_stack_bytes(packet, r);
    return naive_int(holds(scope, (pk_ast_op)n->a, l, r));
}

static naive_value eval_arithmetic(const naive_scope *scope, const pk_ast_node *n)
{
    naive_value l, r;
    both_sides(scope, n, &l, &r);
    naive_packet *packet = scope->packet;
    l = naive_stack_bytes(packet, as_number(packet, l));
    r = naive_stack_bytes(packet, as_number(packet, r));
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

naive_value naive_binary(const naive_scope *scope, pk_node expr)
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

naive_value naive_unary(const naive_scope *scope, pk_node expr)
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
