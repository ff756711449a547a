#include "internal.h"

enum { BASE128_BYTES = 10 };

/* ---- expressions ----------------------------------------------------------------------------- */

/* A condition that runs into a limit of the machine is undefined; running out of fuel or memory
 * ends the dissection. */
pk_value pk_vm_read_expr(pk_vm *vm, pk_ref expr, const pk_value *args, uint32_t n_args)
{
    uint32_t rec = pk_vm_instance(vm)->rec;
    if (expr == 0)
        return pk_value_undefined();
    pk_value value;
    if (pk_vm_ready(vm, expr, rec, args, n_args, &value))
        return value;
    pk_value self = pk_vm_node_value(0, pk_tree_pack((pk_tree_node){rec, 0}));
    pk_vm_scratch_reset(&vm->scratch);
    value = pk_vm_evaluate(vm, expr, self, VM_NO_ITEM, args, n_args);
    if (vm->failed && vm->error.code != PK_ENOMEM && vm->fuel > 0) {
        vm->failed = false;
        return pk_value_undefined();
    }
    return value;
}

pk_value pk_vm_peek(pk_vm *vm, uint32_t bits)
{
    vm_dissection *d = &vm->dissection;
    if (bits > 64 || bits > d->e - d->p)
        return pk_value_undefined();
    pk_vm_note_bits(&d->notes, d->tree, d->p, bits);
    return pk_value_int((int64_t)pk_bits_get(d->tree->bytes, d->p, bits));
}

uint64_t pk_vm_window_end(const pk_vm *vm, pk_value bytes)
{
    const vm_dissection *d = &vm->dissection;
    if (bytes.kind != PK_INT)
        return d->e;
    if (bytes.number <= 0)
        return d->p;
    uint64_t left = d->e - d->p;
    return (uint64_t)bytes.number > left / 8 ? d->e : d->p + (uint64_t)bytes.number * 8;
}

/* ---- fields ---------------------------------------------------------------------------------- */

static uint64_t integer_width(pk_vm *vm, const pk_image_field *field)
{
    if (field->bits)
        return field->bits;
    pk_value width = pk_vm_read_expr(vm, field->width, NULL, 0);
    if (width.kind != PK_INT || width.number < 0)
        return 0;
    return width.number > 64 ? 64 : (uint64_t)width.number;
}

/* Bits of a base-128 integer at p, at most BASE128_BYTES bytes; 0 when it does not end in time. */
static uint64_t base128_bits(vm_dissection *d)
{
    for (unsigned i = 0; i < BASE128_BYTES; i++) {
        uint64_t at = d->p + (uint64_t)i * 8;
        if (d->e - d->p < (uint64_t)(i + 1) * 8)
            return 0;
        uint64_t byte = pk_bits_get(d->tree->bytes, at, 8);
        pk_vm_note(&d->notes, at, 8, byte);
        if (!(byte & 0x80))
            return (uint64_t)(i + 1) * 8;
    }
    return 0;
}

/* Whether `bits` bits fit; a bit group must fit as a whole. */
static bool fits(const vm_dissection *d, const pk_image_field *field, uint64_t bits)
{
    uint64_t left = d->e - d->p;
    return bits + (field->group_bits ? field->group_shift : 0) <= left;
}

bool pk_vm_read_bits(pk_vm *vm, const pk_image_field *field, uint64_t *ret_bits)
{
    vm_dissection *d = &vm->dissection;
    switch ((pk_type)field->type) {
    case PK_TYPE_UINT:
    case PK_TYPE_INT:
        *ret_bits = integer_width(vm, field);
        return fits(d, field, *ret_bits);
    case PK_TYPE_ULEB:
    case PK_TYPE_UVLQ:
        *ret_bits = base128_bits(d);
        return *ret_bits > 0;
    case PK_TYPE_IP4:
    case PK_TYPE_IP6:
    case PK_TYPE_MAC:
        *ret_bits = field->bits;
        return fits(d, field, *ret_bits);
    case PK_TYPE_BYTES:
    case PK_TYPE_STRUCT:
        break;
    }
    if (field->bits && !field->width) {
        *ret_bits = field->bits;
        return fits(d, field, *ret_bits);
    }
    uint64_t bytes = (d->e - d->p) / 8;
    if (field->width) {
        pk_value width = pk_vm_read_expr(vm, field->width, NULL, 0);
        uint64_t wanted = width.kind == PK_INT && width.number > 0 ? (uint64_t)width.number : 0;
        bytes = wanted < bytes ? wanted : bytes;
    }
    *ret_bits = bytes * 8;
    return true;
}

pk_value pk_vm_scan(pk_vm *vm, pk_ref end)
{
    vm_dissection *d = &vm->dissection;
    pk_bytes wanted = pk_image_bytes(vm->image, end);
    uint64_t left = (d->e - d->p) / 8, len = left;
    for (uint64_t i = 0; wanted.len && i + wanted.len <= left && len == left; i++) {
        size_t same = 0;
        while (same < wanted.len &&
               pk_bits_get(d->tree->bytes, d->p + (i + same) * 8, 8) == wanted.data[same])
            same++;
        if (same == wanted.len)
            len = i + wanted.len;
    }
    pk_vm_note_bits(&d->notes, d->tree, d->p, len * 8);
    vm->fuel -= len / 16 < vm->fuel ? len / 16 : vm->fuel;
    return pk_value_int((int64_t)len);
}
