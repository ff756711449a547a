/*
 * Every allocation of making, loading, showing and expanding an image is refused in turn (the
 * linker wraps the allocator): each step must end in order, with the code for it, and a run that
 * was refused nothing must succeed.
 */
#include "../base/check.h"

#include <stdlib.h>

#include "../image/sample.h"
#include "image/disasm.h"
#include "set/space.h"

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's --wrap prescribes these names */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
/* NOLINTEND(bugprone-reserved-identifier) */

static long countdown = -1; /* allocations until one is refused, < 0 = never */
static long allocations;

static bool refused(void)
{
    allocations++;
    return countdown >= 0 && countdown-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return refused() ? NULL : __real_realloc(old, size);
}

/* Every expression of the sample's sets is worth 4. */
static pk_value eval(void *context, pk_ref expr)
{
    (void)context;
    (void)expr;
    return pk_value_int(4);
}

static int make(const pk_image *base, pk_buf *out)
{
    pk_image_builder *builder = pk_image_builder_new(base);
    if (!builder)
        return PK_ENOMEM;
    if (!base)
        (void)sample_make(builder);
    int code = pk_image_builder_finish(builder, out);
    pk_image_builder_free(builder);
    return code;
}

static int expand(const pk_image *image)
{
    const pk_space_source source = {.eval = eval};
    pk_space *space = NULL;
    pk_point point;
    pk_u128 count = 0;
    char reason[256] = "";
    int code = pk_space_new(image, &source, &space, reason, sizeof reason);
    if (code) {
        CHECK(!space && *reason);
        return code;
    }
    CHECK(pk_space_count(space, 1, 1, &count) && count == 2);
    code = pk_point_init(space, &point);
    if (!code) {
        CHECK(pk_space_locate(space, 1, 1, 1, &point));
        pk_point_free(&point);
    }
    pk_space_free(space);
    return code;
}

static int everything(void)
{
    pk_buf first = {0}, second = {0}, text = {0};
    pk_image image;
    char reason[256] = "";
    int code = make(NULL, &first);
    if (!code)
        code = pk_image_load(first.data, first.len, &image, reason, sizeof reason);
    if (!code)
        code = make(&image, &second);
    if (!code && (second.len != first.len || memcmp(first.data, second.data, first.len) != 0))
        CHECK_TEXT("the copy", "the same bytes");
    if (!code)
        code = expand(&image);
    if (!code)
        pk_image_disasm(&image, 0, &text);
    if (!code && text.failed)
        code = PK_ENOMEM;
    pk_buf_free(&first);
    pk_buf_free(&second);
    pk_buf_free(&text);
    return code;
}

int main(void)
{
    CHECK_INT(everything(), PK_OK);
    long all = allocations, told = 0;
    CHECK(all > 30);
    for (long i = 0; i < all; i++) {
        countdown = i;
        int code = everything();
        told += code == PK_ENOMEM;
        if (code != PK_ENOMEM && code != PK_OK)
            CHECK_INT(code, PK_ENOMEM);
    }
    /* A few allocations make one escaped name of a text that is then shown without it. */
    CHECK(told > all * 3 / 4);
    countdown = -1;
    CHECK_INT(everything(), PK_OK);
    return check_result();
}
