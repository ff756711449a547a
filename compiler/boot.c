/* The boot compiler: compiles the standard layers into an image while pktc is being built, and
 * writes it as C source (pk_standard_image, standard.h).
 *
 *   pktc-boot -o OUTPUT.c -C FOLDER FILE.. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compile.h"

static int fail(const char *what, const char *name)
{
    (void)fprintf(stderr, "pktc-boot: %s %s: %s\n", what, name, strerror(errno));
    return 1;
}

static int write_source(const char *path, const pk_buf *image)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return fail("cannot write", path);
    (void)fprintf(file, "/* The standard layers' image, made from stdlayers/. */\n"
                        "#include \"standard.h\"\n\nconst uint64_t pk_standard_image[] = {");
    for (size_t i = 0; i < image->len; i += 8) {
        uint64_t word = 0;
        size_t n = image->len - i < 8 ? image->len - i : 8;
        memcpy(&word, image->data + i, n);
        (void)fprintf(file, "%s0x%" PRIx64 "u,", i % 64 ? " " : "\n    ", word);
    }
    (void)fprintf(file, "\n};\nconst size_t pk_standard_image_size = %zu;\n", image->len);
    return fclose(file) == 0 ? 0 : fail("cannot write", path);
}

static int compile(pk_sources *sources, pk_diags *diags, char **files, int n, const char *output)
{
    pk_span *texts = calloc((size_t)n + 1, sizeof *texts);
    if (!texts)
        return fail("out of memory at", output);
    for (int i = 0; i < n; i++)
        if (pk_sources_read(sources, files[i], &texts[i]) != PK_OK) {
            free(texts);
            return fail("cannot read", files[i]);
        }
    const pk_compile_options options = {.mark_standard = true};
    pk_buf image = {0};
    int result = pk_compile(&options, sources, texts, (size_t)n, diags, &image);
    pk_buf report = {0};
    pk_diags_render(diags, PK_DIAG_TEXT, &report);
    (void)fputs(pk_buf_cstr(&report), stderr);
    pk_image loaded;
    char why[256];
    if (result == PK_OK && pk_image_load(image.data, image.len, &loaded, why, sizeof why) != 0) {
        (void)fprintf(stderr, "pktc-boot: the image made is not valid: %s\n", why);
        result = PK_EFORMAT;
    }
    pk_buf_free(&report);
    free(texts);
    int status = result == PK_OK ? 0 : 1;
    if (!status)
        status = write_source(output, &image);
    pk_buf_free(&image);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 5 || strcmp(argv[1], "-o") != 0 || strcmp(argv[3], "-C") != 0) {
        (void)fprintf(stderr, "usage: pktc-boot -o OUTPUT.c -C FOLDER FILE..\n");
        return 2;
    }
    char here[4096];
    char output[8192];
    if (!realpath(".", here))
        return fail("cannot use", argv[2]);
    int len = argv[2][0] == '/' ? snprintf(output, sizeof output, "%s", argv[2])
                                : snprintf(output, sizeof output, "%s/%s", here, argv[2]);
    if (len < 0 || (size_t)len >= sizeof output)
        return fail("cannot use", argv[2]);
    if (chdir(argv[4]) != 0)
        return fail("cannot enter", argv[4]);
    pk_sources *sources = pk_sources_new();
    pk_diags *diags = sources ? pk_diags_new(sources) : NULL;
    int status = diags ? compile(sources, diags, argv + 5, argc - 5, output)
                       : fail("out of memory at", output);
    pk_diags_free(diags);
    pk_sources_free(sources);
    return status;
}
