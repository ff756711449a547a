#include "internal.h"

#include <string.h>

#include "base/checksum.h"
#include "base/rng.h"
#include "template_trace.h"

/* ---- sums ------------------------------------------------------------------------------------ */

/* Reflected CRC, four bits a step: the table holds the remainders of the sixteen nibbles. */
static uint32_t reflected_crc(pk_value bytes, const uint32_t table[16])
{
    uint32_t crc = 0xffffffff;
    for (uint32_t i = 0; i < bytes.len; i++) {
        crc ^= bytes.bytes[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

/* IEEE 802.3, polynomial 0x04c11db7. */
static const uint32_t crc32_table[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};

/* Castagnoli, polynomial 0x1edc6f41 (RFC 9260 appendix A). */
static const uint32_t crc32c_table[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};

static int64_t adler32(pk_value bytes)
{
    uint32_t low = 1, high = 0;
    for (uint32_t i = 0; i < bytes.len; i++) {
        low = (low + bytes.bytes[i]) % 65521;
        high = (high + low) % 65521;
    }
    return (int64_t)high << 16 | low;
}

static pk_value sum_of(pk_fn fn, pk_value bytes)
{
    if (bytes.kind != PK_BYTES)
        return pk_value_undefined();
    switch (fn) {
    case PK_FN_INET_SUM:
        return pk_value_int(pk_checksum_inet(bytes.bytes, bytes.len));
    case PK_FN_CRC32:
        return pk_value_int(reflected_crc(bytes, crc32_table));
    case PK_FN_CRC32C:
        return pk_value_int(reflected_crc(bytes, crc32c_table));
    case PK_FN_ADLER32:
        return pk_value_int(adler32(bytes));
    case PK_FN_LENGTH:
        return pk_value_int(bytes.len);
    default:
        return pk_value_undefined();
    }
}

/* ---- integers -------------------------------------------------------------------------------- */

static pk_value extreme(const pk_value *args, unsigned n, bool greatest)
{
    pk_value best = pk_value_undefined();
    for (unsigned i = 0; i < n; i++) {
        if (args[i].kind != PK_INT)
            continue;
        bool better = greatest ? args[i].number > best.number : args[i].number < best.number;
        if (best.kind == PK_UNDEFINED || better)
            best = pk_value_int(args[i].number);
    }
    return best;
}

static int64_t bytes_needed(uint64_t number)
{
    int64_t bytes = 1;
    while (number >>= 8)
        bytes++;
    return bytes;
}

/* ---- damage ---------------------------------------------------------------------------------- */

static pk_value flip_bits(pk_vm *vm, pk_value bytes, int64_t count, uint64_t key)
{
    if (count > PK_VM_FLIP_LIMIT) {
        pk_vm_fail(vm, PK_ELIMIT, 0, "too many bits to change (limit %d)", PK_VM_FLIP_LIMIT);
        return pk_value_undefined();
    }
    uint8_t *copy = pk_vm_bytes_alloc(vm, bytes.len);
    if (!copy || !bytes.len)
        return copy ? bytes : pk_value_undefined();
    memcpy(copy, bytes.bytes, bytes.len);
    for (int64_t i = 0; i < count; i++) {
        uint64_t bit = (uint64_t)pk_rng_below(key, (pk_u128)i, 0, (pk_u128)bytes.len * 8);
        copy[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
    }
    return pk_value_bytes(copy, bytes.len);
}

/* ---- the environment ------------------------------------------------------------------------- */

/* The destination of the outermost layer that has an IPv4 or IPv6 field `dst`. VM_PUSHED while that
 * field is being computed for the first time. */
static int network_destination(pk_vm *vm, pk_value self, pk_value *ret_address)
{
    pk_value at = self;
    *ret_address = pk_value_bytes(NULL, 0);
    for (pk_value below = self; below.kind == PK_NODE; below = pk_vm_owner(vm, below))
        at = below;
    while (at.kind == PK_NODE && pk_vm_kind(vm, at) == VM_IS_INSTANCE && vm->dst_name) {
        pk_ref layer = pk_vm_layer_of(vm, at);
        const pk_image_member *member = pk_image_member_find(vm->image, layer, vm->dst_name);
        pk_ref field = 0;
        if (member && member->kind == PK_MEMBER_FIELD)
            field = vm->slot_field[vm->slot_base[layer] + member->ref];
        uint8_t type = vm->image->fields[field].type;
        if (field && (type == PK_TYPE_IP4 || type == PK_TYPE_IP6)) {
            pk_value value;
            if (pk_vm_on_build(vm, at) &&
                vm->slots[vm->nodes[at.node].slots + member->ref].state == VM_BUSY)
                return VM_READY;
            if (pk_vm_slot_read(vm, at, member->ref, VM_DISCARD, &value) == VM_PUSHED)
                return VM_PUSHED;
            if (value.kind == PK_BYTES)
                *ret_address = value;
            return VM_READY;
        }
        at = pk_vm_payload(vm, at);
    }
    return VM_READY;
}

static pk_value address(pk_vm *vm, const uint8_t *bytes, uint32_t len)
{
    uint8_t *copy = pk_vm_bytes_alloc(vm, len);
    if (!copy)
        return pk_value_undefined();
    memcpy(copy, bytes, len);
    return pk_value_bytes(copy, len);
}

static int link_address(pk_vm *vm, pk_fn fn, pk_value self, pk_value *ret_value)
{
    uint8_t mac[6];
    pk_value destination = pk_value_bytes(NULL, 0);
    bool own = fn == PK_FN_SRC_MAC;
    bool (*ask)(void *, pk_bytes, uint8_t *) = own ? vm->env.source_mac : vm->env.nexthop_mac;
    memset(mac, own ? 0 : 0xff, sizeof mac);
    if (ask) {
        vm->dissection.notes.told = false; /* who is asked may answer otherwise another time */
        if (network_destination(vm, self, &destination) == VM_PUSHED)
            return VM_PUSHED;
        if (!ask(vm->env.context, (pk_bytes){destination.bytes, destination.len}, mac))
            memset(mac, own ? 0 : 0xff, sizeof mac);
    }
    *ret_value = address(vm, mac, sizeof mac);
    if (ask)
        *ret_value =
            pk_trace_way(vm, own ? PK_WAY_SOURCE_MAC : PK_WAY_NEXTHOP_MAC, destination, *ret_value);
    return VM_READY;
}

static pk_value source_address(pk_vm *vm, pk_value destination, uint32_t len)
{
    static const uint8_t loopback6[16] = {[15] = 1}, loopback4[4] = {127, 0, 0, 1};
    uint8_t bytes[16] = {0};
    if (destination.kind != PK_BYTES || destination.len != len)
        return address(vm, bytes, len);
    bool local = len == 4 ? destination.bytes[0] == 127
                          : memcmp(destination.bytes, loopback6, sizeof loopback6) == 0;
    if (vm->trace && destination.spare)
        local = pk_trace_loopback(vm, destination);
    if (local)
        return address(vm, len == 4 ? loopback4 : loopback6, len);
    pk_bytes to = {destination.bytes, destination.len};
    vm->dissection.notes.told = false;
    if (!vm->env.source_address || !vm->env.source_address(vm->env.context, to, bytes))
        memset(bytes, 0, sizeof bytes);
    pk_value own = address(vm, bytes, len);
    return vm->env.source_address ? pk_trace_way(vm, PK_WAY_SOURCE, destination, own) : own;
}

/* ---- the table ------------------------------------------------------------------------------- */

static int call(pk_vm *vm, pk_fn fn, pk_value self, const pk_value *args, unsigned n,
                pk_value *ret_value)
{
    static const pk_value none;
    const pk_value *first = n > 0 ? &args[0] : &none;
    *ret_value = pk_value_undefined();
    switch (fn) {
    case PK_FN_INET_SUM:
    case PK_FN_CRC32:
    case PK_FN_CRC32C:
    case PK_FN_ADLER32:
    case PK_FN_LENGTH:
        vm->fuel -= first->len / 16 < vm->fuel ? first->len / 16 : vm->fuel;
        *ret_value = sum_of(fn, *first);
        return VM_READY;
    case PK_FN_NONZERO:
        if (first->kind == PK_INT)
            *ret_value = pk_value_int(first->number ? first->number : 0xffff);
        return VM_READY;
    case PK_FN_MIN:
    case PK_FN_MAX:
        *ret_value = extreme(args, n, fn == PK_FN_MAX);
        return VM_READY;
    case PK_FN_ZEROS:
        if (first->kind == PK_INT)
            *ret_value = pk_vm_fill(vm, 0, first->number);
        return VM_READY;
    case PK_FN_FILL:
        if (n > 1 && first->kind == PK_INT && args[1].kind == PK_INT)
            *ret_value = pk_vm_fill(vm, (uint8_t)first->number, args[1].number);
        return VM_READY;
    case PK_FN_UBYTES:
        if (first->kind == PK_INT)
            *ret_value = pk_value_int(bytes_needed((uint64_t)first->number));
        return VM_READY;
    case PK_FN_FLIP_BITS:
        if (n > 2 && first->kind == PK_BYTES && args[1].kind == PK_INT && args[2].kind == PK_INT)
            *ret_value = flip_bits(vm, *first, args[1].number, (uint64_t)args[2].number);
        return VM_READY;
    case PK_FN_SRC_MAC:
    case PK_FN_NEXTHOP_MAC:
        return link_address(vm, fn, self, ret_value);
    case PK_FN_SRC_IP4:
        *ret_value = source_address(vm, *first, 4);
        return VM_READY;
    case PK_FN_SRC_IP6:
        *ret_value = source_address(vm, *first, 16);
        return VM_READY;
    case PK_FN_FILE:
    case PK_FN_FRAME:
    case PK_FN_ADDRESS:
    case PK_FN_ENCODED:
        *ret_value = pk_vm_native_file(vm, fn, args, n);
        return VM_READY;
    case PK_FN_MD5:
    case PK_FN_SHA1:
    case PK_FN_SHA256:
    case PK_FN_HMAC_MD5:
    case PK_FN_HMAC_SHA1:
    case PK_FN_HMAC_SHA256:
    case PK_FN_SIPHASH:
    case PK_FN_HASH:
    case PK_FN_CRC16_ARC:
    case PK_FN_CRC16_FROM_ONES:
    case PK_FN_CRC16_X25:
    case PK_FN_CRC16_CCITT:
    case PK_FN_CRC16_XMODEM:
    case PK_FN_FLETCHER16:
    case PK_FN_FLETCHER32:
        *ret_value = pk_vm_native_digest(vm, fn, args, n);
        return VM_READY;
    case PK_FN_COUNT_OF:
        break;
    }
    return VM_READY;
}

int pk_vm_native(pk_vm *vm, pk_fn fn, pk_value self, const pk_value *args, unsigned n,
                 pk_value *ret_value)
{
    int status = call(vm, fn, self, args, n, ret_value);
    if (status == VM_READY)
        *ret_value = pk_trace_native(vm, fn, args, n, *ret_value);
    return status;
}
