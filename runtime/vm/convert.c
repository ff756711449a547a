#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "template_trace.h"

unsigned pk_vm_base128_len(uint64_t number)
{
    unsigned len = 1;
    while (number >>= 7)
        len++;
    return len;
}

uint64_t pk_vm_scalar_bits(const pk_vm *vm, pk_ref field, uint32_t width, pk_value value)
{
    const pk_image_field *at = &vm->image->fields[field];
    switch ((pk_type)at->type) {
    case PK_TYPE_UINT:
    case PK_TYPE_INT:
        return at->bits ? at->bits : width;
    case PK_TYPE_ULEB:
    case PK_TYPE_UVLQ:
        return (uint64_t)8 * pk_vm_base128_len(value.kind == PK_INT ? (uint64_t)value.number : 0);
    case PK_TYPE_BYTES:
    case PK_TYPE_IP4:
    case PK_TYPE_IP6:
    case PK_TYPE_MAC:
    case PK_TYPE_STRUCT:
        break;
    }
    return value.kind == PK_BYTES ? (uint64_t)value.len * 8 : at->bits;
}

pk_value pk_vm_zero(pk_vm *vm, pk_ref field)
{
    const pk_image_field *at = &vm->image->fields[field];
    switch ((pk_type)at->type) {
    case PK_TYPE_UINT:
    case PK_TYPE_INT:
    case PK_TYPE_ULEB:
    case PK_TYPE_UVLQ:
        return pk_value_int(0);
    case PK_TYPE_BYTES:
    case PK_TYPE_IP4:
    case PK_TYPE_IP6:
    case PK_TYPE_MAC:
    case PK_TYPE_STRUCT:
        break;
    }
    return pk_vm_fill(vm, 0, at->bits / 8);
}

/* ---- integers -------------------------------------------------------------------------------- */

static bool fits(const pk_image_field *field, unsigned bits, int64_t number)
{
    if (bits >= 64)
        return true;
    if (bits == 0)
        return number == 0;
    if (field->type == PK_TYPE_INT) {
        int64_t most = (int64_t)((uint64_t)1 << (bits - 1));
        return number >= -most && number < most;
    }
    return number >= 0 && (uint64_t)number <= pk_bits_mask(bits);
}

/* The same for every packet, as `fits` says it. */
static void guard_fit(pk_vm *vm, const pk_image_field *field, unsigned bits, pk_value value)
{
    int64_t most = bits < 64 ? (int64_t)pk_bits_mask(bits) : INT64_MAX;
    if (bits >= 64)
        return;
    if (bits && field->type == PK_TYPE_INT)
        pk_trace_guard(vm, value, -(int64_t)((uint64_t)1 << (bits - 1)), most >> 1);
    else
        pk_trace_guard(vm, value, 0, most);
}

static bool to_integer(pk_vm *vm, pk_ref field, unsigned bits, pk_value *value, uint32_t lo)
{
    char name[96];
    if (value->kind == PK_BYTES && value->len * 8 == bits && bits <= 64) {
        *value =
            pk_trace_decode(vm, *value, pk_value_int((int64_t)pk_bits_get(value->bytes, 0, bits)));
        return true;
    }
    if (value->kind != PK_INT) {
        pk_vm_fail(vm, PK_EFORMAT, lo, "`%s` is an integer of %u bits, it cannot take bytes",
                   pk_vm_field_text(vm, field, name, sizeof name), bits);
        return false;
    }
    if (!fits(&vm->image->fields[field], bits, value->number)) {
        pk_vm_fail(vm, PK_EFORMAT, lo, "`%s` is %u bits wide, %lld does not fit",
                   pk_vm_field_text(vm, field, name, sizeof name), bits, (long long)value->number);
        return false;
    }
    guard_fit(vm, &vm->image->fields[field], bits, *value);
    return true;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* Bytes that a field written `as padded` has in all; 0 when that is not constant. */
static uint64_t padded_width(const pk_vm *vm, const pk_image_field *field)
{
    if (!field->codec || strcmp(pk_image_text(vm->image, field->codec), "padded") != 0)
        return 0;
    if (field->bits)
        return field->bits / 8;
    const pk_image_expr *expr = &vm->image->exprs[field->width];
    if (!field->width || !(expr->flags & PK_EXPR_CONST))
        return 0;
    const pk_insn *insn = &vm->image->code[expr->start];
    return insn->op == PK_OPC_INT && insn->e <= PK_VM_FILL_LIMIT ? insn->e : 0;
}

static bool pad(pk_vm *vm, uint64_t len, pk_value *value)
{
    uint8_t *bytes = pk_vm_bytes_alloc(vm, len);
    if (!bytes)
        return false;
    memset(bytes, 0, len);
    if (value->len)
        memcpy(bytes, value->bytes, value->len);
    *value = pk_trace_padded(vm, *value, pk_value_bytes(bytes, (uint32_t)len));
    return true;
}

static bool to_bytes(pk_vm *vm, pk_ref field, pk_value *value, uint32_t lo)
{
    const pk_image_field *at = &vm->image->fields[field];
    char name[96];
    if (value->kind == PK_INT && at->bits && at->bits % 8 == 0 && at->bits <= 64) {
        if (!fits(at, at->bits, value->number))
            return to_integer(vm, field, at->bits, value, lo);
        guard_fit(vm, at, at->bits, *value);
        *value = pk_vm_encode(vm, *value, at->bits, false);
    }
    if (value->kind != PK_BYTES) {
        pk_vm_fail(vm, PK_EFORMAT, lo, "`%s` takes bytes, not an integer",
                   pk_vm_field_text(vm, field, name, sizeof name));
        return false;
    }
    uint64_t padded = padded_width(vm, at);
    if (padded > value->len && !pad(vm, padded, value))
        return false;
    if (at->bits && value->len != at->bits / 8) {
        pk_vm_fail(vm, PK_EFORMAT, lo, "`%s` takes %u bytes, %u given",
                   pk_vm_field_text(vm, field, name, sizeof name), at->bits / 8, value->len);
        return false;
    }
    return true;
}

bool pk_vm_convert(pk_vm *vm, pk_ref field, uint32_t width, pk_value *value, uint32_t lo)
{
    const pk_image_field *at = &vm->image->fields[field];
    switch ((pk_type)at->type) {
    case PK_TYPE_UINT:
    case PK_TYPE_INT:
        return to_integer(vm, field, at->bits ? at->bits : width, value, lo);
    case PK_TYPE_ULEB:
    case PK_TYPE_UVLQ:
        return to_integer(vm, field, 64, value, lo) &&
               pk_trace_constant(vm, *value, "the length of an integer");
    case PK_TYPE_BYTES:
    case PK_TYPE_IP4:
    case PK_TYPE_IP6:
    case PK_TYPE_MAC:
    case PK_TYPE_STRUCT:
        break;
    }
    return to_bytes(vm, field, value, lo);
}
