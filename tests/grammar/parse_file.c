/*
 * Parses files and prints what the parser says: the instrument of the golden tests.
 *
 *   parse_file [--ast] [--json] [--color] [--expr] [--usage] [--name NAME] FILE...
 *
 * --usage ends with the processor milliseconds and the kilobytes of memory that it took.
 *
 * Exit status 0 when no file has an error, 1 when one has, 2 when one cannot be read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "parse.h"

typedef struct options {
    bool ast, expr, usage;
    pk_diag_form form;
    const char *name; /* shown in place of the path */
} options;

static int read_source(pk_sources *sources, const options *opts, const char *path, pk_span *span)
{
    if (!opts->name)
        return pk_sources_read(sources, path, span);
    pk_sources *quiet = pk_sources_new();
    pk_span text_span = {0, 0};
    int error = quiet ? pk_sources_read(quiet, path, &text_span) : PK_ENOMEM;
    if (!error) {
        pk_bytes text = pk_sources_text(quiet, text_span);
        error = pk_sources_add(sources, opts->name, text.data, text.len, span);
    }
    pk_sources_free(quiet);
    return error;
}

static int parse_file(const options *opts, const char *path)
{
    pk_sources *sources = pk_sources_new();
    pk_ast *ast = pk_ast_new(0);
    pk_diags *diags = pk_diags_new(sources);
    pk_span span = {0, 0};
    pk_buf out = {0};
    int status = 2;
    int error = sources && ast && diags ? read_source(sources, opts, path, &span) : PK_ENOMEM;
    if (error) {
        fprintf(stderr, "%s: cannot be read (%d)\n", path, error);
    } else {
        pk_node root = opts->expr ? pk_parse_expr(ast, sources, span, diags)
                                  : pk_parse(ast, sources, span, diags);
        if (opts->ast)
            pk_ast_dump(ast, root, &out);
        pk_diags_render(diags, opts->form, &out);
        fputs(pk_buf_cstr(&out), stdout);
        status = pk_diags_errors(diags) ? 1 : 0;
    }
    pk_buf_free(&out);
    pk_diags_free(diags);
    pk_ast_free(ast);
    pk_sources_free(sources);
    return status;
}

/* The peak of resident memory, of this program's own image (a getrusage would count its parent's
 * pages before the exec). */
static long peak_kilobytes(void)
{
    char line[128];
    long peak = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) {
        if (!strncmp(line, "VmHWM:", 6))
            peak = strtol(line + 6, NULL, 10);
    }
    if (status)
        (void)fclose(status);
    return peak;
}

static void print_usage(void)
{
    printf("%ld ms, %ld kB\n", (long)(clock() * 1000 / CLOCKS_PER_SEC), peak_kilobytes());
}

int main(int argc, char **argv)
{
    options opts = {.form = PK_DIAG_TEXT};
    int status = 0;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--ast")) {
            opts.ast = true;
        } else if (!strcmp(argv[i], "--expr")) {
            opts.expr = true;
        } else if (!strcmp(argv[i], "--usage")) {
            opts.usage = true;
        } else if (!strcmp(argv[i], "--json")) {
            opts.form = PK_DIAG_JSON;
        } else if (!strcmp(argv[i], "--color")) {
            opts.form = PK_DIAG_COLOR;
        } else if (!strcmp(argv[i], "--name") && i + 1 < argc) {
            opts.name = argv[++i];
        } else {
            int one = parse_file(&opts, argv[i]);
            status = one > status ? one : status;
        }
    }
    if (opts.usage)
        print_usage();
    return status;
}
