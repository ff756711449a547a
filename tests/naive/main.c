/*
 * pk-naive: the naive interpreter on the command line.
 *
 *   pk-naive [options] build -e EXPR [--at N | --count | --all MAX]   packets as hex, one a line
 *   pk-naive [options] dissect LAYER | --dlt N      hex lines on stdin -> one JSON object a line
 *   pk-naive [options] batch      expressions on stdin -> the packets of each as hex on one line
 * (at most 10,000), or "error: .." pk-naive [options] check      runs every `check`
 *
 * Options: -f FILE adds a source, -l FOLDER every .pkt file below it (default: PK_STDLAYERS).
 */
#include "naive.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
    const char *expression, *command, *layer;
    bool count, has_dlt, loaded;
    pk_u128 at;
    uint64_t all;
    uint32_t dlt;
} options;

static int usage(void)
{
    fputs("usage: pk-naive [-f FILE]... [-l FOLDER] build -e EXPR [--at N | --count | --all MAX]\n"
          "       pk-naive [-f FILE]... [-l FOLDER] dissect LAYER | --dlt N\n"
          "       pk-naive [-f FILE]... [-l FOLDER] batch | check\n",
          stderr);
    return 2;
}

static int failure(const naive_unit *unit)
{
    fprintf(stderr, "pk-naive: %s\n", naive_unit_error(unit));
    return 1;
}

static pk_u128 wide(const char *text)
{
    pk_u128 number = 0;
    for (; isdigit((unsigned char)*text); text++)
        number = number * 10 + (unsigned)(*text - '0');
    return number;
}

static void print_wide(pk_u128 number)
{
    char text[48];
    size_t at = sizeof text - 1;
    text[at] = 0;
    do {
        text[--at] = (char)('0' + (int)(number % 10));
        number /= 10;
    } while (number != 0);
    puts(text + at);
}

static void print_hex(const pk_buf *buf)
{
    for (size_t i = 0; i < buf->len; i++)
        printf("%02x", buf->data[i]);
    putchar('\n');
}

static bool print_packet(naive_program *program, pk_u128 index)
{
    pk_buf bytes = {0};
    bool good = naive_program_build(program, index, &bytes);
    if (good)
        print_hex(&bytes);
    pk_buf_free(&bytes);
    return good;
}

static int run_build(naive_unit *unit, const options *o)
{
    if (o->expression == NULL)
        return usage();
    naive_program *program = naive_program_new(unit, o->expression);
    pk_u128 count;
    bool good = program != NULL && naive_program_count(program, &count);
    if (good && o->count)
        print_wide(count);
    else if (good && o->all != 0)
        for (uint64_t i = 0; good && i < o->all && i < count; i++)
            good = print_packet(program, i);
    else if (good)
        good = print_packet(program, o->at);
    naive_program_free(program);
    return good ? 0 : failure(unit);
}

static size_t read_hex(const char *line, uint8_t *bytes)
{
    size_t n = 0;
    unsigned high = 0;
    bool half = false;
    for (; *line != 0; line++) {
        if (!isxdigit((unsigned char)*line))
            continue;
        unsigned digit = isdigit((unsigned char)*line)
                             ? (unsigned)(*line - '0')
                             : (unsigned)(tolower((unsigned char)*line) - 'a' + 10);
        if (half)
            bytes[n++] = (uint8_t)(high << 4 | digit);
        high = digit;
        half = !half;
    }
    return n;
}

static int run_dissect(naive_unit *unit, const options *o)
{
    const naive_layer *layer = o->has_dlt         ? naive_layer_of_link(unit, o->dlt)
                               : o->layer != NULL ? naive_layer_find(unit, o->layer)
                                                  : NULL;
    if (layer == NULL && !o->has_dlt)
        return usage();
    char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, stdin) > 0) {
        uint8_t *bytes = malloc(strlen(line) + 1);
        if (bytes == NULL)
            abort();
        naive_dissection *d = naive_dissect(unit, layer, bytes, read_hex(line, bytes));
        pk_buf out = {0};
        naive_dissection_json(d, &out);
        puts(pk_buf_cstr(&out));
        pk_buf_free(&out);
        naive_dissection_free(d);
        free(bytes);
    }
    free(line);
    return 0;
}

/* All packets of an expression, or why it has none. */
static void batch_line(naive_unit *unit, const char *expression, pk_buf *out)
{
    enum { PACKETS = 10000 };
    pk_u128 count = 0;
    pk_buf bytes = {0};
    naive_program *program = naive_program_new(unit, expression);
    bool good = program != NULL && naive_program_count(program, &count);
    for (pk_u128 i = 0; good && i < count && i < PACKETS; i++) {
        pk_buf_clear(&bytes);
        good = naive_program_build(program, i, &bytes);
        if (i != 0)
            pk_buf_byte(out, ' ');
        for (size_t b = 0; b < bytes.len; b++)
            pk_buf_printf(out, "%02x", bytes.data[b]);
    }
    if (!good) {
        pk_buf_clear(out);
        pk_buf_printf(out, "error: %s", naive_unit_error(unit));
    }
    naive_program_free(program);
    pk_buf_free(&bytes);
}

static int run_batch(naive_unit *unit)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    pk_buf out = {0};
    while ((len = getline(&line, &cap, stdin)) > 0) {
        if (line[len - 1] == '\n')
            line[len - 1] = 0;
        pk_buf_clear(&out);
        batch_line(unit, line, &out);
        for (size_t i = 0; i < out.len; i++)
            out.data[i] = isprint(out.data[i]) ? out.data[i] : '?';
        puts(pk_buf_cstr(&out));
    }
    pk_buf_free(&out);
    free(line);
    return 0;
}

static int run_checks(naive_unit *unit)
{
    size_t bad = 0;
    for (size_t i = 0; i < naive_unit_checks(unit); i++) {
        pk_buf report = {0};
        if (!naive_unit_check(unit, i, &report)) {
            bad++;
            puts(pk_buf_cstr(&report));
        }
        pk_buf_free(&report);
    }
    printf("%zu checks, %zu failed\n", naive_unit_checks(unit), bad);
    return bad != 0;
}

static bool read_option(naive_unit *unit, options *o, const char *name, const char *value)
{
    if (strcmp(name, "-e") == 0)
        o->expression = value;
    else if (strcmp(name, "--at") == 0)
        o->at = wide(value);
    else if (strcmp(name, "--all") == 0)
        o->all = strtoull(value, NULL, 10);
    else if (strcmp(name, "-f") == 0)
        return naive_unit_add_file(unit, value);
    else if (strcmp(name, "-l") == 0)
        return (o->loaded = naive_unit_add_folder(unit, value));
    else if (strcmp(name, "--dlt") == 0)
        o->has_dlt = (o->dlt = (uint32_t)strtoul(value, NULL, 10)) != UINT32_MAX;
    else
        return false;
    return true;
}

static bool read_options(naive_unit *unit, options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--count") == 0)
            o->count = true;
        else if (argv[i][0] == '-' && i + 1 < argc) {
            if (!read_option(unit, o, argv[i], argv[i + 1]))
                return false;
            i++;
        } else if (o->command == NULL)
            o->command = argv[i];
        else
            o->layer = argv[i];
    }
    return true;
}

static int run(naive_unit *unit, int argc, char **argv)
{
    options o = {0};
    const char *folder = getenv("PK_STDLAYERS");
    if (!read_options(unit, &o, argc, argv))
        return naive_unit_error(unit)[0] == 0 ? usage() : failure(unit);
    if (!o.loaded && folder != NULL && !naive_unit_add_folder(unit, folder))
        return failure(unit);
    if (o.command == NULL)
        return usage();
    if (!naive_unit_link(unit))
        return failure(unit);
    if (strcmp(o.command, "build") == 0)
        return run_build(unit, &o);
    if (strcmp(o.command, "dissect") == 0)
        return run_dissect(unit, &o);
    if (strcmp(o.command, "batch") == 0)
        return run_batch(unit);
    return strcmp(o.command, "check") == 0 ? run_checks(unit) : usage();
}

int main(int argc, char **argv)
{
    naive_unit *unit = naive_unit_new();
    int status = run(unit, argc, argv);
    naive_unit_free(unit);
    return status;
}
