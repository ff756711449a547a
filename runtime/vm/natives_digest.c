/* Natives that make digests and sums of bytes: pure functions of their arguments. */
#include "internal.h"

#include <string.h>

#include "base/digest.h"

/* ---- sums ------------------------------------------------------------------------------------ */

static const struct crc16_kind {
    uint16_t polynomial; /* reflected where bytes go in with their lowest bit first */
    uint16_t start, end;
    bool reflected;
} crc16_kinds[] = {{0xa001, 0, 0, true},
                   {0xa001, 0xffff, 0, true},
                   {0x8408, 0xffff, 0xffff, true},
                   {0x1021, 0xffff, 0, false},
                   {0x1021, 0, 0, false}};

static int64_t crc16(const struct crc16_kind *kind, pk_value bytes)
{
    uint16_t crc = kind->start;
    for (uint32_t i = 0; i < bytes.len; i++) {
        crc = (uint16_t)(crc ^ (kind->reflected ? bytes.bytes[i] : bytes.bytes[i] << 8));
        for (unsigned bit = 0; bit < 8; bit++) {
            bool carry = kind->reflected ? crc & 1 : crc & 0x8000;
            crc = (uint16_t)(kind->reflected ? crc >> 1 : crc << 1);
            crc = carry ? crc ^ kind->polynomial : crc;
        }
    }
    return crc ^ kind->end;
}

static int64_t fletcher(pk_value bytes, unsigned width)
{
    uint32_t modulus = width == 1 ? 255 : 65535, first = 0, second = 0;
    for (uint32_t i = 0; i < bytes.len; i += width) {
        uint32_t word = bytes.bytes[i];
        if (width == 2 && i + 1 < bytes.len)
            word |= (uint32_t)bytes.bytes[i + 1] << 8;
        first = (first + word) % modulus;
        second = (second + first) % modulus;
    }
    return (int64_t)second << 8 * width | first;
}

/* ---- hash ------------------------------------------------------------------------------------ */

static void put64(uint8_t *at, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> 8 * (7 - i));
}

/* Each argument as 1 and the integer, or 2, the length and the bytes; what has no value is 0. */
static pk_value hash(pk_vm *vm, const pk_value *args, unsigned n)
{
    static const uint8_t key[16] = {0};
    size_t size = 0;
    for (unsigned i = 0; i < n; i++)
        size += 9 + (args[i].kind == PK_BYTES ? args[i].len : 0);
    uint8_t *text = pk_vm_bytes_alloc(vm, size), *at = text;
    if (!text)
        return pk_value_undefined();
    for (unsigned i = 0; i < n; i++) {
        bool bytes = args[i].kind == PK_BYTES;
        *at = bytes ? 2 : args[i].kind == PK_INT;
        put64(at + 1, bytes ? args[i].len : *at ? (uint64_t)args[i].number : 0);
        at += 9;
        if (bytes && args[i].len)
            memcpy(at, args[i].bytes, args[i].len);
        at += bytes ? args[i].len : 0;
    }
    return pk_value_int((int64_t)(pk_siphash(key, (pk_bytes){text, size}) >> 1));
}

/* ---- digests --------------------------------------------------------------------------------- */

static pk_value digest(pk_vm *vm, pk_digest which, bool keyed, const pk_value *args)
{
    static const pk_bytes none = {(const uint8_t *)"", 0};
    uint8_t result[PK_DIGEST_MAX];
    pk_bytes first = {args[0].bytes, args[0].len};
    uint32_t len =
        keyed ? pk_digest_hmac(which, first, (pk_bytes){args[1].bytes, args[1].len}, result)
              : pk_digest_of(which, first, none, result);
    uint8_t *copy = pk_vm_bytes_alloc(vm, len);
    if (!copy)
        return pk_value_undefined();
    memcpy(copy, result, len);
    return pk_value_bytes(copy, len);
}

static void spend(pk_vm *vm, const pk_value *args, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint64_t cost = args[i].kind == PK_BYTES ? args[i].len / 4 : 1;
        vm->fuel -= cost < vm->fuel ? cost : vm->fuel;
    }
}

pk_value pk_vm_native_digest(pk_vm *vm, pk_fn fn, const pk_value *args, unsigned n)
{
    spend(vm, args, n);
    if (fn == PK_FN_HASH)
        return hash(vm, args, n);
    for (unsigned i = 0; i < n; i++)
        if (args[i].kind != PK_BYTES)
            return pk_value_undefined();
    if (fn >= PK_FN_CRC16_ARC && fn <= PK_FN_CRC16_XMODEM)
        return pk_value_int(crc16(&crc16_kinds[fn - PK_FN_CRC16_ARC], args[0]));
    if (fn == PK_FN_FLETCHER16 || fn == PK_FN_FLETCHER32)
        return pk_value_int(fletcher(args[0], fn == PK_FN_FLETCHER16 ? 1 : 2));
    if (fn == PK_FN_SIPHASH)
        return args[0].len == 16 ? pk_value_int((int64_t)pk_siphash(
                                       args[0].bytes, (pk_bytes){args[1].bytes, args[1].len}))
                                 : pk_value_undefined();
    bool keyed = fn >= PK_FN_HMAC_MD5 && fn <= PK_FN_HMAC_SHA256;
    return digest(vm, (pk_digest)(fn - (keyed ? PK_FN_HMAC_MD5 : PK_FN_MD5)), keyed, args);
}
