#include "run/params.h"

#include <stdio.h>
#include <string.h>

#include "run/members.h"

static pk_reading reading_of(const pk_image *image, pk_ref param)
{
    const pk_image_param *record = &image->params[param];
    return (pk_reading){.image = image,
                        .type = (pk_param_type)record->type,
                        .bits = record->bits,
                        .is_set = record->is_set};
}

void pk_params_type_text(const pk_image *image, pk_ref param, pk_buf *out)
{
    const pk_reading r = reading_of(image, param);
    pk_reading_type_text(&r, out);
}

const char *pk_params_example(const pk_image *image, pk_ref param)
{
    const pk_reading r = reading_of(image, param);
    return pk_reading_example(&r);
}

/* ---- assigning ---- */

pk_ref pk_params_find(const pk_image *image, const char *name)
{
    for (pk_ref i = 1; i < image->n_params; i++)
        if (strcmp(pk_image_text(image, image->params[i].name), name) == 0)
            return i;
    return 0;
}

static int unknown(const pk_image *image, const char *name, pk_error *reterr_)
{
    pk_error_set(reterr_, PK_ENOENT, "there is no parameter `%s`", name);
    for (pk_ref i = 1; i < image->n_params; i++)
        pk_error_append(reterr_, "%s --%s", i == 1 ? "; there are" : ",",
                        pk_image_text(image, image->params[i].name));
    return PK_ENOENT;
}

static int assign_set(pk_vm *vm, const pk_reading *r, pk_ref param, const char *text)
{
    pk_set *set = pk_arena_alloc(r->arena, sizeof *set);
    if (!set)
        return pk_error_set(r->error, PK_ENOMEM, "%s: no memory for its value", r->where);
    int error = pk_reading_set(r, text, set);
    return error ? error : pk_vm_param_set(vm, param, set);
}

int pk_params_assign(pk_vm *vm, const pk_image *image, pk_arena *arena, const char *name,
                     const char *text, pk_error *reterr_)
{
    pk_ref param = pk_params_find(image, name);
    if (!param)
        return unknown(image, name, reterr_);
    pk_error ignored;
    char where[64];
    (void)snprintf(where, sizeof where, "--%s", name);
    pk_reading r = reading_of(image, param);
    r.arena = arena;
    r.where = where;
    r.what = name;
    r.hosts = pk_vm_files(vm);
    r.error = reterr_ ? reterr_ : &ignored;
    if (r.is_set)
        return assign_set(vm, &r, param, text);
    pk_value value = pk_value_undefined();
    int error = pk_reading_value(&r, text, &value);
    return error ? error : pk_vm_param_value(vm, param, value);
}

static bool is_given(pk_ref param, const pk_ref *given, uint32_t n_given)
{
    for (uint32_t i = 0; i < n_given; i++)
        if (given[i] == param)
            return true;
    return false;
}

int pk_params_complete(const pk_image *image, const pk_ref *given, uint32_t n_given,
                       pk_error *reterr_)
{
    int code = PK_OK;
    for (pk_ref i = 1; i < image->n_params; i++) {
        const pk_image_param *param = &image->params[i];
        if (param->init || param->init_set || is_given(i, given, n_given))
            continue;
        if (!code)
            code = pk_error_set(reterr_, PK_EFORMAT, "needed and not given:");
        pk_buf type = {0};
        pk_params_type_text(image, i, &type);
        pk_error_append(reterr_, " --%s (%s, such as %s)", pk_image_text(image, param->name),
                        pk_buf_cstr(&type), pk_params_example(image, i));
        pk_buf_free(&type);
    }
    return code;
}
