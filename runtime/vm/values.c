#include "internal.h"

#include <string.h>

#include "base/rng.h"
#include "template_trace.h"

/* ---- joining and arithmetic ------------------------------------------------------------------ */

static pk_value join(pk_vm *vm, pk_value a, pk_value b)
{
    uint32_t n = a.kind == PK_BYTES ? a.len : 0, m = b.kind == PK_BYTES ? b.len : 0;
    if (m == 0 && a.kind == PK_BYTES)
        return a;
    if (n == 0 && b.kind == PK_BYTES)
        return b;
    if ((uint64_t)n + m > PK_VM_PACKET_LIMIT) {
        pk_vm_fail(vm, PK_ELIMIT, 0, "too many bytes joined (limit %d)", PK_VM_PACKET_LIMIT);
        return pk_value_undefined();
    }
    uint8_t *bytes = pk_vm_bytes_alloc(vm, (size_t)n + m);
    if (!bytes)
        return pk_value_undefined();
    memcpy(bytes, a.bytes, n);
    memcpy(bytes + n, b.bytes, m);
    return pk_value_bytes(bytes, n + m);
}

/* Adds to bytes as to a big-endian number of that width; what overflows is lost. */
static pk_value shift_address(pk_vm *vm, pk_value bytes, uint64_t by, bool down)
{
    uint8_t *sum = pk_vm_bytes_alloc(vm, bytes.len);
    if (!sum)
        return pk_value_undefined();
    bool negative = (int64_t)by < 0;
    uint64_t left = negative ? 0 - by : by;
    bool borrow = negative != down;
    unsigned carry = 0;
    for (uint32_t i = bytes.len; i-- > 0; left >>= 8) {
        unsigned digit = (unsigned)(left & 0xff) + carry;
        unsigned next = borrow ? bytes.bytes[i] - digit : bytes.bytes[i] + digit;
        sum[i] = (uint8_t)next;
        carry = borrow ? (bytes.bytes[i] < digit) : next >> 8;
    }
    return pk_value_bytes(sum, bytes.len);
}

static pk_value add(pk_vm *vm, pk_value a, pk_value b)
{
    if (a.kind == PK_INT && b.kind == PK_INT)
        return pk_value_int((int64_t)((uint64_t)a.number + (uint64_t)b.number));
    bool text = a.kind == PK_BYTES || b.kind == PK_BYTES;
    if (text && a.kind != PK_INT && b.kind != PK_INT && a.kind <= PK_BYTES && b.kind <= PK_BYTES)
        return join(vm, a, b);
    if (a.kind == PK_BYTES && b.kind == PK_INT)
        return shift_address(vm, a, (uint64_t)b.number, false);
    if (a.kind == PK_INT && b.kind == PK_BYTES)
        return shift_address(vm, b, (uint64_t)a.number, false);
    return pk_value_undefined();
}

pk_value pk_vm_add(pk_vm *vm, pk_value a, pk_value b)
{
    return pk_trace_operation(vm, PK_OPC_ADD, a, b, add(vm, a, b));
}

static pk_value repeat(pk_vm *vm, pk_value bytes, int64_t times)
{
    if (times <= 0 || bytes.len == 0)
        return pk_value_bytes(bytes.bytes, 0);
    if ((uint64_t)times > PK_VM_FILL_LIMIT / bytes.len) {
        pk_vm_fail(vm, PK_ELIMIT, 0, "too many bytes in one value (limit %d)", PK_VM_FILL_LIMIT);
        return pk_value_undefined();
    }
    uint32_t len = bytes.len * (uint32_t)times;
    uint8_t *all = pk_vm_bytes_alloc(vm, len);
    if (!all)
        return pk_value_undefined();
    for (uint32_t at = 0; at < len; at += bytes.len)
        memcpy(all + at, bytes.bytes, bytes.len);
    return pk_value_bytes(all, len);
}

pk_value pk_vm_fill(pk_vm *vm, uint8_t byte, int64_t count)
{
    static const uint8_t empty;
    if (count <= 0)
        return pk_value_bytes(&empty, 0);
    return repeat(vm, pk_value_bytes(&byte, 1), count);
}

static pk_value bitwise(pk_vm *vm, pk_op op, pk_value a, pk_value b)
{
    if (a.len != b.len)
        return pk_value_undefined();
    uint8_t *bytes = pk_vm_bytes_alloc(vm, a.len);
    if (!bytes)
        return pk_value_undefined();
    for (uint32_t i = 0; i < a.len; i++) {
        uint8_t x = a.bytes[i], y = b.bytes[i];
        bytes[i] = (uint8_t)(op == PK_OPC_AND ? x & y : op == PK_OPC_OR ? x | y : x ^ y);
    }
    return pk_value_bytes(bytes, a.len);
}

static pk_value divide(int64_t a, int64_t b, bool remainder)
{
    if (b == 0)
        return pk_value_undefined();
    if (b == -1)
        return pk_value_int(remainder ? 0 : (int64_t)(0 - (uint64_t)a));
    int64_t quotient = a / b, rest = a % b;
    if (rest != 0 && (rest < 0) != (b < 0)) {
        quotient--;
        rest += b;
    }
    return pk_value_int(remainder ? rest : quotient);
}

static pk_value of_integers(pk_op op, int64_t a, int64_t b)
{
    uint64_t x = (uint64_t)a, y = (uint64_t)b;
    switch (op) {
    case PK_OPC_SUBTRACT:
        return pk_value_int((int64_t)(x - y));
    case PK_OPC_MUL:
        return pk_value_int((int64_t)(x * y));
    case PK_OPC_DIV:
        return divide(a, b, false);
    case PK_OPC_MOD:
        return divide(a, b, true);
    case PK_OPC_AND:
        return pk_value_int((int64_t)(x & y));
    case PK_OPC_OR:
        return pk_value_int((int64_t)(x | y));
    case PK_OPC_XOR:
        return pk_value_int((int64_t)(x ^ y));
    case PK_OPC_SHL:
        return pk_value_int(y >= 64 ? 0 : (int64_t)(x << y));
    case PK_OPC_SHR:
        return pk_value_int(y >= 64 ? 0 : (int64_t)(x >> y));
    default:
        return pk_value_undefined();
    }
}

static pk_value arithmetic(pk_vm *vm, pk_op op, pk_value a, pk_value b)
{
    if (a.kind == PK_INT && b.kind == PK_INT)
        return of_integers(op, a.number, b.number);
    if (a.kind == PK_BYTES && b.kind == PK_INT) {
        if (op == PK_OPC_SUBTRACT)
            return shift_address(vm, a, (uint64_t)b.number, true);
        if (op == PK_OPC_MUL)
            return repeat(vm, a, b.number);
    }
    if (a.kind == PK_INT && b.kind == PK_BYTES && op == PK_OPC_MUL)
        return repeat(vm, b, a.number);
    bool bits = op == PK_OPC_AND || op == PK_OPC_OR || op == PK_OPC_XOR;
    if (a.kind == PK_BYTES && b.kind == PK_BYTES && bits)
        return bitwise(vm, op, a, b);
    return pk_value_undefined();
}

pk_value pk_vm_arithmetic(pk_vm *vm, pk_op op, pk_value a, pk_value b)
{
    return pk_trace_operation(vm, op, a, b, arithmetic(vm, op, a, b));
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool compare_bytes(pk_op op, pk_value a, pk_value b)
{
    if (a.len != b.len)
        return false;
    int order = a.len ? memcmp(a.bytes, b.bytes, a.len) : 0;
    if (op == PK_OPC_EQ)
        return order == 0;
    return op == PK_OPC_LT ? order < 0 : op == PK_OPC_LE && order <= 0;
}

static bool compare_one(pk_op op, pk_value a, pk_value b)
{
    if (a.kind == PK_BYTES && b.kind == PK_BYTES)
        return compare_bytes(op, a, b);
    if (a.kind == PK_NODE && b.kind == PK_NODE)
        return op == PK_OPC_EQ && a.tree == b.tree && a.node == b.node;
    if (a.kind != PK_INT || b.kind != PK_INT)
        return false;
    switch (op) {
    case PK_OPC_EQ:
        return a.number == b.number;
    case PK_OPC_LT:
        return a.number < b.number;
    case PK_OPC_LE:
        return a.number <= b.number;
    case PK_OPC_LTU:
        return (uint64_t)a.number < (uint64_t)b.number;
    default:
        return (uint64_t)a.number <= (uint64_t)b.number;
    }
}

bool pk_vm_compare(pk_op op, pk_value a, pk_value b)
{
    const pk_value *left = &a, *right = &b;
    uint32_t n = 1, m = 1;
    if (a.kind == VM_MULTI) {
        left = (const pk_value *)(const void *)a.bytes;
        n = a.len;
    }
    if (b.kind == VM_MULTI) {
        right = (const pk_value *)(const void *)b.bytes;
        m = b.len;
    }
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < m; k++)
            if (compare_one(op, left[i], right[k]))
                return true;
    return false;
}

static bool in_set(const pk_set *set, pk_value value)
{
    pk_u128 index;
    bool plain = value.kind == PK_INT || value.kind == PK_BYTES;
    return set && plain && pk_set_index_of(set, value, &index);
}

pk_value pk_vm_is_member(pk_vm *vm, pk_value value, pk_ref set)
{
    const pk_set *members = vm->space ? pk_space_set(vm->space, set) : NULL;
    const pk_value *values = &value;
    uint32_t n = 1;
    if (value.kind == VM_MULTI) {
        values = (const pk_value *)(const void *)value.bytes;
        n = value.len;
    }
    bool member = false;
    for (uint32_t i = 0; i < n && !member; i++)
        member =
            pk_trace_constant(vm, values[i], "membership in a set") && in_set(members, values[i]);
    return pk_value_int(member);
}

/* ---- constructors ---------------------------------------------------------------------------- */

pk_value pk_vm_encode(pk_vm *vm, pk_value number, unsigned bits, bool little)
{
    if (number.kind != PK_INT || bits == 0 || bits > 64 || bits % 8)
        return pk_value_undefined();
    uint8_t *bytes = pk_vm_bytes_alloc(vm, bits / 8);
    if (!bytes)
        return pk_value_undefined();
    uint64_t value = (uint64_t)number.number & pk_bits_mask(bits);
    pk_bits_put(bytes, 0, bits, little ? pk_bits_swap(value, bits) : value);
    return pk_trace_encode(vm, number, bits, little, pk_value_bytes(bytes, bits / 8));
}

pk_value pk_vm_byte_slice(pk_value bytes, pk_value from, pk_value to)
{
    if (bytes.kind != PK_BYTES || from.kind != PK_INT)
        return pk_value_undefined();
    int64_t lo = from.number, hi = to.kind == PK_INT ? to.number : (int64_t)bytes.len - 1;
    if (lo < 0)
        lo += bytes.len;
    if (hi < 0)
        hi += bytes.len;
    if (lo < 0)
        lo = 0;
    if (hi >= (int64_t)bytes.len)
        hi = (int64_t)bytes.len - 1;
    if (lo > hi)
        return pk_value_bytes(bytes.bytes, 0);
    return pk_value_bytes(bytes.bytes + lo, (uint32_t)(hi - lo + 1));
}

/* ---- what the packet's index selects --------------------------------------------------------- */

static pk_value element(pk_vm *vm, const pk_set *set, pk_u128 index)
{
    uint8_t address[16];
    pk_value value = pk_set_at(set, index, address);
    if (value.kind != PK_BYTES || value.bytes != address)
        return value;
    uint8_t *bytes = pk_vm_bytes_alloc(vm, value.len);
    if (!bytes)
        return pk_value_undefined();
    memcpy(bytes, address, value.len);
    return pk_value_bytes(bytes, value.len);
}

pk_value pk_vm_random(pk_vm *vm, uint32_t stream, pk_ref axis)
{
    vm->dissection.notes.told = false;
    if (!vm->point)
        return pk_value_undefined();
    if (axis == 0) {
        uint64_t word = pk_cookies_stream(stream)
                            ? pk_cookies_random(vm->cookies, stream, vm->point->index)
                            : pk_rng_u64(vm->seed, vm->point->index, stream);
        return pk_trace_random(vm, stream, pk_value_int((int64_t)word));
    }
    const pk_set *set = pk_space_axis_set(vm->space, axis);
    if (!set || set->count == 0)
        return pk_value_undefined();
    pk_u128 index = pk_rng_below(vm->seed, vm->point->index, stream, set->count);
    return pk_trace_choice(vm, set, stream, element(vm, set, index));
}

pk_value pk_vm_axis(pk_vm *vm, pk_ref axis)
{
    vm->dissection.notes.told = false;
    uint8_t address[16];
    if (!vm->point || !vm->space)
        return pk_value_undefined();
    pk_value value = pk_space_element(vm->space, axis, vm->point, address);
    if (value.kind == PK_BYTES && value.bytes == address) {
        uint8_t *bytes = pk_vm_bytes_alloc(vm, value.len);
        if (!bytes)
            return pk_value_undefined();
        memcpy(bytes, address, value.len);
        value.bytes = bytes;
    }
    return pk_trace_element(vm, pk_space_axis_set(vm->space, axis), vm->image->axes[axis].dim,
                            value);
}
