/*
 * The machine over the standard layers: their `check` lines hold, what was built dissects into
 * leaves that tile it, and damaged packets tile as well, whatever the damage.
 */
#include <stdlib.h>
#include <string.h>

#include "../base/check.h"
#include "compile.h"
#include "standard.h"
#include "tiling.h"
#include "vm/vm.h"

typedef struct machine {
    const pk_image *standard;
    pk_buf bytes;
    pk_image image; /* the standard layers and one check */
    pk_vm *vm;
    pk_tree built, read;
    pk_point point;
} machine;

/* False when the compiler does not take the line. */
static bool compile(const char *line, const pk_image *standard, pk_buf *ret_image)
{
    pk_sources *sources = pk_sources_new();
    pk_diags *diags = pk_diags_new(sources);
    const pk_compile_options options = {.standard = standard};
    pk_span text;
    bool good = pk_sources_add(sources, "check", line, strlen(line), &text) == PK_OK &&
                pk_compile(&options, sources, &text, 1, diags, ret_image) == PK_OK;
    pk_diags_free(diags);
    pk_sources_free(sources);
    return good;
}

static bool open_machine(machine *m, const char *line, const pk_image *standard)
{
    char why[256];
    pk_vm_error error;
    memset(m, 0, sizeof *m);
    m->standard = standard;
    if (!compile(line, standard, &m->bytes) ||
        pk_image_load(m->bytes.data, m->bytes.len, &m->image, why, sizeof why))
        return false;
    m->vm = pk_vm_new(&m->image, NULL);
    pk_tree_init(&m->built, &m->image);
    pk_tree_init(&m->read, &m->image);
    return m->vm && pk_vm_space_open(m->vm, 0, &error) == PK_OK &&
           pk_point_init(pk_vm_space(m->vm), &m->point) == PK_OK;
}

static void close_machine(machine *m)
{
    pk_point_free(&m->point);
    pk_tree_free(&m->built);
    pk_tree_free(&m->read);
    pk_vm_free(m->vm);
    pk_buf_free(&m->bytes);
}

static bool build(machine *m, pk_buf *out)
{
    pk_vm_error error = {0};
    bool found = pk_space_locate(pk_vm_space(m->vm), m->image.checks[1].alt, 1, 0, &m->point);
    int code = found ? pk_vm_build(m->vm, &m->point, out, &m->built, &error) : PK_EFORMAT;
    if (code != PK_OK)
        printf("# %s\n", error.text);
    return code == PK_OK;
}

static void say_hex(const char *what, const uint8_t *bytes, size_t len)
{
    printf("# %s ", what);
    for (size_t i = 0; i < len; i++)
        printf("%02x", bytes[i]);
    printf("\n");
}

static void the_check_holds(machine *m, const char *line, const pk_buf *out)
{
    pk_value expect =
        pk_vm_eval(m->vm, m->image.checks[1].expect, NULL, PK_TREE_NONE, NULL, NULL, 0);
    bool good = expect.kind == PK_BYTES && expect.len == out->len &&
                memcmp(expect.bytes, out->data, out->len) == 0;
    if (!good) {
        printf("# %s", line);
        say_hex("built   ", out->data, out->len);
        if (expect.kind == PK_BYTES)
            say_hex("expected", expect.bytes, expect.len);
    }
    CHECK(good);
    CHECK(tiles(&m->built));
}

/* The outermost layer of a built packet. */
static pk_ref outermost(const machine *m)
{
    return pk_tree_layer(&m->built, pk_tree_first(&m->built, (pk_tree_node){0, 0}));
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return *state >> 33;
}

static void damaged_packets_tile(machine *m, const pk_buf *out)
{
    static uint64_t state = 1;
    pk_ref layer = outermost(m);
    uint32_t size = (uint32_t)out->len;
    for (uint32_t len = 0; len <= size; len++) {
        CHECK(pk_vm_dissect(m->vm, layer, out->data, len, len, &m->read) == PK_OK);
        CHECK(tiles(&m->read));
    }
    uint8_t *copy = malloc(size + 1U);
    for (unsigned round = 0; round < 200 && size > 0; round++) {
        memcpy(copy, out->data, size);
        for (uint64_t flips = next_random(&state) % 4; flips > 0; flips--)
            copy[next_random(&state) % size] = (uint8_t)next_random(&state);
        CHECK(pk_vm_dissect(m->vm, layer, copy, size, size, &m->read) == PK_OK);
        CHECK(tiles(&m->read));
    }
    free(copy);
}

static void random_bytes_tile_in_every_layer(machine *m)
{
    uint64_t state = 7;
    uint8_t bytes[300];
    for (pk_ref layer = 0; layer < m->image.n_layers; layer++)
        for (unsigned round = 0; round < 50; round++) {
            uint32_t len = (uint32_t)(next_random(&state) % sizeof bytes);
            for (uint32_t i = 0; i < len; i++)
                bytes[i] = (uint8_t)next_random(&state);
            CHECK(pk_vm_dissect(m->vm, layer, bytes, len, len, &m->read) == PK_OK);
            CHECK(tiles(&m->read));
        }
}

static void hold_line(const char *line, const pk_image *standard, unsigned *held, unsigned *refused)
{
    machine m;
    pk_buf out = {0};
    bool builds = false;
    if (!open_machine(&m, line, standard)) {
        printf("# not compiled: %s", line);
        (*refused)++;
    } else if ((builds = build(&m, &out))) {
        the_check_holds(&m, line, &out);
        damaged_packets_tile(&m, &out);
        (*held)++;
    } else {
        printf("# %s", line);
        CHECK(builds);
    }
    pk_buf_free(&out);
    close_machine(&m);
}

static void hold_file(const char *folder, const char *name, const pk_image *standard,
                      unsigned *held, unsigned *refused)
{
    char path[512];
    char line[16384];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "check ", 6) == 0)
            hold_line(line, standard, held, refused);
    if (file)
        fclose(file);
}

/* Usage: test_standard FOLDER LAYERS.pkt.. */
int main(int argc, char **argv)
{
    pk_image standard;
    char why[256];
    unsigned held = 0, refused = 0;
    machine m;
    if (pk_image_load(pk_standard_image, pk_standard_image_size, &standard, why, sizeof why))
        return 99;
    for (int i = 2; i < argc; i++)
        hold_file(argv[1], argv[i], &standard, &held, &refused);
    printf("# %u checks held, %u not compiled\n", held, refused);
    CHECK(held > 20);
    CHECK(refused < held / 4);
    CHECK(open_machine(&m, "check x\"00\" == x\"00\"\n", &standard));
    random_bytes_tile_in_every_layer(&m);
    close_machine(&m);
    return check_result();
}
