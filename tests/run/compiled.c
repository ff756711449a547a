#include "compiled.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "standard.h"

void compiled_give_up(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(99);
}

void compiled(const char *text, pk_buf *ret_image)
{
    pk_image standard;
    char why[256];
    if (pk_image_attach(pk_standard_image, pk_standard_image_size, &standard, why, sizeof why))
        compiled_give_up("standard image", why);
    pk_sources *sources = pk_sources_new();
    pk_diags *diags = pk_diags_new(sources);
    const pk_compile_options options = {.standard = &standard};
    pk_span span;
    if (pk_sources_add(sources, "test", text, strlen(text), &span) ||
        pk_compile(&options, sources, &span, 1, diags, ret_image)) {
        pk_buf report = {0};
        pk_diags_render(diags, PK_DIAG_TEXT, &report);
        compiled_give_up(text, pk_buf_cstr(&report));
    }
    pk_diags_free(diags);
    pk_sources_free(sources);
}
