/* Natives that ask for files: what they give is constant for the life of a session. */
#include "internal.h"

#include <string.h>

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

pk_value pk_vm_native_file(pk_vm *vm, pk_fn fn, const pk_value *args, unsigned n)
{
    if (fn == PK_FN_FILE && n > 0)
        return contents(vm, args[0]);
    if (fn == PK_FN_FRAME && n > 1)
        return frame(vm, args[0], args[1]);
    return pk_value_undefined();
}
