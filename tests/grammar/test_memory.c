/*
 * Every allocation of a parse is refused in turn (the linker wraps the allocator): the parse must
 * end in order each time, and say so unless it could do without.
 */
#include "../base/check.h"

#include <stdlib.h>

#include "parse.h"

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

static const char text[] =
    "layer demo on ip(proto=253) {\n  a: u8 = 1 \"help\"\n  if a { b: bytes[a] } else { c: u8 "
    "}\n}\n"
    "probe p { send ip(dst=[10.0.0.0/8, ::1, 00:11:22:33:44:55])/demo(a=x\"45 00\"); rate 5kpps }\n"
    "let x = 1 + \"text\\n\" ? ((((2)))) : a.b.c\nlet y = 10m\nlayr z { a: u8 }\nsend ip(\n";

/* Whether the parse was complete: its six errors found, or three and no memory for the rest. */
static bool parse_all(bool *ret_told)
{
    pk_sources *sources = pk_sources_new();
    pk_diags *diags = sources ? pk_diags_new(sources) : NULL;
    pk_ast *ast = pk_ast_new(0);
    pk_span span = {0, 0};
    pk_buf out = {0};
    bool ready =
        sources && diags && ast && !pk_sources_add(sources, "x", text, sizeof text - 1, &span);
    pk_node root = ready ? pk_parse(ast, sources, span, diags) : 0;
    if (root)
        pk_ast_dump(ast, root, &out);
    if (ready)
        pk_diags_render(diags, PK_DIAG_JSON, &out);
    *ret_told = !ready || out.failed || pk_diags_errors(diags) > 0;
    bool whole = root && !out.failed && strstr(pk_buf_cstr(&out), "E0108") &&
                 strstr(pk_buf_cstr(&out), "E0204") && strstr(pk_buf_cstr(&out), "E0202");
    pk_buf_free(&out);
    pk_ast_free(ast);
    pk_diags_free(diags);
    pk_sources_free(sources);
    return whole;
}

int main(void)
{
    bool told = false;
    CHECK(parse_all(&told));
    long needed = allocations;
    CHECK(needed > 20);
    long survived = 0;
    for (long i = 0; i < needed; i++) {
        countdown = i;
        survived += parse_all(&told);
        CHECK(told);
    }
    countdown = -1;
    CHECK(survived < needed);
    CHECK(parse_all(&told));
    return check_result();
}
