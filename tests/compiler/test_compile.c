/* What the compiler promises of whole programs.
 *
 *   test_compile PROGRAM.pkt..
 *
 * Each program compiles, or every error that it gets says "not built yet" (E0801); compiling it
 * twice gives the same bytes; and the image is accepted by the verifier. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "standard.h"

static bool compile(const char *path, pk_buf *image, pk_buf *report, unsigned *ret_errors)
{
    pk_image standard;
    char why[256];
    if (pk_image_load(pk_standard_image, pk_standard_image_size, &standard, why, sizeof why))
        return false;
    pk_sources *sources = pk_sources_new();
    pk_diags *diags = pk_diags_new(sources);
    const pk_compile_options options = {.standard = &standard};
    pk_span text;
    bool good = pk_sources_read(sources, path, &text) == 0;
    if (good)
        (void)pk_compile(&options, sources, &text, 1, diags, image);
    *ret_errors = pk_diags_errors(diags);
    pk_diags_render(diags, PK_DIAG_TEXT, report);
    pk_diags_free(diags);
    pk_sources_free(sources);
    return good;
}

/* Every line that carries an error's headline names E0801. */
static bool only_not_built(const char *report)
{
    for (const char *at = report; (at = strstr(at, ": error: ")) != NULL; at++) {
        const char *end = strchr(at, '\n');
        const char *code = strstr(at, "[E0801]");
        if (!code || (end && code > end))
            return false;
    }
    return true;
}

static bool hold(const char *path)
{
    pk_buf first = {0};
    pk_buf second = {0};
    pk_buf report = {0};
    pk_buf again = {0};
    unsigned errors = 0;
    bool good = compile(path, &first, &report, &errors) && compile(path, &second, &again, &errors);
    if (good && errors) {
        good = only_not_built(pk_buf_cstr(&report));
    } else if (good) {
        pk_image image;
        char why[256] = "";
        good = first.len == second.len && memcmp(first.data, second.data, first.len) == 0 &&
               pk_image_load(first.data, first.len, &image, why, sizeof why) == 0;
        if (!good)
            (void)printf("# %s %s\n", path, *why ? why : "compiles to different bytes");
    }
    if (!good)
        (void)printf("# %s:\n%s\n", path, pk_buf_cstr(&report));
    pk_buf_free(&first);
    pk_buf_free(&second);
    pk_buf_free(&report);
    pk_buf_free(&again);
    return good;
}

int main(int argc, char **argv)
{
    int failed = 0;
    (void)printf("1..%d\n", argc - 1);
    for (int i = 1; i < argc; i++) {
        const char *slash = strrchr(argv[i], '/');
        bool good = hold(argv[i]);
        failed += !good;
        (void)printf("%sok %d - %s\n", good ? "" : "not ", i, slash ? slash + 1 : argv[i]);
    }
    return failed ? 1 : 0;
}
