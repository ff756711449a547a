/* Natives that ask for files and hosts, and read texts: what they give is constant for the life of a
 * session. */
#include "internal.h"

#include <string.h>

#include "base/codec.h"
#include "base/escape.h"
#include "base/literal.h"
#include "base/octets.h"
#include "template_trace.h"

static bool file_name(pk_vm *vm, pk_value value, pk_bytes *ret_name)
{
    *ret_name = (pk_bytes){value.bytes, value.len};
    if (value.kind == PK_BYTES && value.len && !memchr(value.bytes, 0, value.len))
        return pk_trace_constant(vm, value, "the name of a file");
    pk_vm_fail(vm, PK_EFORMAT, 0, "the name of a file is a text");
    return false;
}

static pk_value contents(pk_vm *vm, pk_value name)
{
    pk_error error = {.text = "there are no files here"};
    pk_bytes path, bytes;
    if (!file_name(vm, name, &path))
        return pk_value_undefined();
    const pk_env_files *files = &vm->env.files;
    int code =
        files->contents ? files->contents(files->context, path, &bytes, &error) : PK_EUNSUPPORTED;
    if (!code)
        return pk_value_bytes(bytes.data, (uint32_t)bytes.len);
    pk_vm_fail(vm, code, 0, "%s", error.text);
    return pk_value_undefined();
}

static pk_value frame(pk_vm *vm, pk_value name, pk_value number)
{
    pk_error error = {.text = "there are no files here"};
    pk_bytes path, bytes;
    uint64_t count = 0;
    if (number.kind != PK_INT || !file_name(vm, name, &path))
        return pk_value_undefined();
    if (vm->trace) /* its link type is asked for behind each build */
        pk_trace_break(vm, "a captured frame");
    const pk_env_files *files = &vm->env.files;
    int code =
        files->frames ? files->frames(files->context, path, &count, &error) : PK_EUNSUPPORTED;
    if (!code && (uint64_t)number.number >= count)
        code = pk_error_set(&error, PK_EFORMAT, "%.*s has %llu frames, counted from 0",
                            (int)path.len, (const char *)path.data, (unsigned long long)count);
    if (!code)
        code = files->frame(files->context, path, (uint64_t)number.number, &bytes, &vm->frame_link,
                            &error);
    uint8_t *copy = code ? NULL : pk_vm_bytes_alloc(vm, bytes.len);
    if (code)
        pk_vm_fail(vm, code, 0, "%s", error.text);
    if (!copy)
        return pk_value_undefined();
    if (bytes.len)
        memcpy(copy, bytes.data, bytes.len);
    return pk_value_bytes(copy, (uint32_t)bytes.len);
}

/* ---- texts ----------------------------------------------------------------------------------- */

static pk_value kept(pk_vm *vm, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = pk_vm_bytes_alloc(vm, len);
    if (!copy)
        return pk_value_undefined();
    if (len)
        memcpy(copy, bytes, len);
    return pk_value_bytes(copy, (uint32_t)len);
}

static void refuse_text(pk_vm *vm, int code, pk_value text, const char *why)
{
    pk_buf shown = {0};
    pk_escape_terminal(&shown, (const char *)text.bytes, text.len < 64 ? text.len : 64);
    pk_vm_fail(vm, code, 0, "`%s` %s", pk_buf_cstr(&shown), why);
    pk_buf_free(&shown);
}

static pk_value address(pk_vm *vm, pk_value text, pk_value width)
{
    static const char *const whats[] = {
        [4] = "is no IPv4 address", [6] = "is no MAC address", [16] = "is no IPv6 address"};
    pk_literal literal;
    pk_literal_fault fault;
    uint8_t found[16];
    pk_error error = {.text = "there are no host names here"};
    if (text.kind != PK_BYTES || width.kind != PK_INT ||
        (width.number != 4 && width.number != 6 && width.number != 16))
        return pk_value_undefined();
    uint32_t len = (uint32_t)width.number;
    const char *what = whats[len];
    pk_literal_kind kind = len == 4 ? PK_LITERAL_IP4 : len == 6 ? PK_LITERAL_MAC : PK_LITERAL_IP6;
    if (!pk_literal_parse((const char *)text.bytes, text.len, &literal, &fault)) {
        if (literal.kind == kind && !literal.prefix)
            return kept(vm, literal.address, len);
        refuse_text(vm, PK_EFORMAT, text, what);
        return pk_value_undefined();
    }
    if (len == 6 || !pk_host_name_form((const char *)text.bytes, text.len)) {
        refuse_text(vm, PK_EFORMAT, text, what);
        return pk_value_undefined();
    }
    const pk_env_files *files = &vm->env.files;
    pk_bytes host = {text.bytes, text.len};
    int code =
        files->address ? files->address(files->context, host, len, found, &error) : PK_EUNSUPPORTED;
    if (!code)
        return kept(vm, found, len);
    pk_vm_fail(vm, code, 0, "%s", error.text);
    return pk_value_undefined();
}

static pk_value encoded(pk_vm *vm, pk_value text, pk_value name, pk_value width)
{
    char codec[32] = "";
    pk_buf bytes = {0};
    const char *why = "cannot be read";
    if (text.kind != PK_BYTES || name.kind != PK_BYTES || width.kind != PK_INT ||
        name.len >= sizeof codec)
        return pk_value_undefined();
    memcpy(codec, name.bytes, name.len);
    pk_value value = pk_value_undefined();
    if (pk_codec_encode(pk_codec_find(codec), (pk_bytes){text.bytes, text.len},
                        (size_t)width.number, &bytes, &why))
        value = kept(vm, bytes.data, bytes.len);
    else
        refuse_text(vm, PK_EFORMAT, text, why);
    pk_buf_free(&bytes);
    return value;
}

pk_value pk_vm_native_file(pk_vm *vm, pk_fn fn, const pk_value *args, unsigned n)
{
    if (fn == PK_FN_FILE && n > 0)
        return contents(vm, args[0]);
    if (fn == PK_FN_FRAME && n > 1)
        return frame(vm, args[0], args[1]);
    if (fn == PK_FN_ADDRESS && n > 1)
        return address(vm, args[0], args[1]);
    if (fn == PK_FN_ENCODED && n > 2)
        return encoded(vm, args[0], args[1], args[2]);
    return pk_value_undefined();
}
