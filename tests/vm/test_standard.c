/*
 * The machine over the standard layers: their `check` lines hold, what was built dissects into
 * leaves that tile it, and damaged packets tile as well, whatever the damage.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "standard.h"
#include "tiling.h"
#include "vm/vm.h"

typedef struct machine {
    pk_image image;
    pk_vm *vm;
    pk_tree built, read;
    pk_point point;
} machine;

static bool open_machine(machine *m)
{
    char why[256];
    pk_vm_error error;
    memset(m, 0, sizeof *m);
    if (pk_image_load(pk_standard_image, pk_standard_image_size, &m->image, why, sizeof why))
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
}

static const char *place(const machine *m, uint32_t check)
{
    return pk_image_text(&m->image, m->image.checks[check].source);
}

static bool build(machine *m, uint32_t check, pk_buf *out)
{
    pk_vm_error error = {0};
    bool found = pk_space_locate(pk_vm_space(m->vm), m->image.checks[check].alt, 1, 0, &m->point);
    int code = found ? pk_vm_build(m->vm, &m->point, out, &m->built, &error) : PK_EFORMAT;
    if (code != PK_OK)
        printf("# %s: %s\n", place(m, check), error.text);
    return code == PK_OK;
}

static void say_hex(const char *what, const uint8_t *bytes, size_t len)
{
    printf("# %s ", what);
    for (size_t i = 0; i < len; i++)
        printf("%02x", bytes[i]);
    printf("\n");
}

static void checks_hold(machine *m)
{
    for (uint32_t i = 1; i < m->image.n_checks; i++) {
        pk_buf out = {0};
        bool good = build(m, i, &out);
        pk_value expect =
            pk_vm_eval(m->vm, m->image.checks[i].expect, NULL, PK_TREE_NONE, NULL, NULL, 0);
        good = good && expect.kind == PK_BYTES && expect.len == out.len &&
               memcmp(expect.bytes, out.data, out.len) == 0;
        if (!good) {
            printf("# %s\n", place(m, i));
            say_hex("built   ", out.data, out.len);
            if (expect.kind == PK_BYTES)
                say_hex("expected", expect.bytes, expect.len);
        }
        CHECK(good);
        CHECK(tiles(&m->built));
        pk_buf_free(&out);
    }
    CHECK(m->image.n_checks > 20);
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

static void damaged_packets_tile(machine *m)
{
    uint64_t state = 1;
    for (uint32_t i = 1; i < m->image.n_checks; i++) {
        pk_buf out = {0};
        if (!build(m, i, &out) || out.len == 0) {
            pk_buf_free(&out);
            continue;
        }
        pk_ref layer = outermost(m);
        for (uint32_t len = 0; len <= out.len; len++) {
            CHECK(pk_vm_dissect(m->vm, layer, out.data, len, len, &m->read) == PK_OK);
            CHECK(tiles(&m->read));
        }
        for (unsigned round = 0; round < 200; round++) {
            uint8_t *copy = malloc(out.len);
            memcpy(copy, out.data, out.len);
            for (uint64_t flips = next_random(&state) % 4; flips > 0; flips--)
                copy[next_random(&state) % out.len] = (uint8_t)next_random(&state);
            uint32_t len = (uint32_t)out.len;
            CHECK(pk_vm_dissect(m->vm, layer, copy, len, len, &m->read) == PK_OK);
            CHECK(tiles(&m->read));
            free(copy);
        }
        pk_buf_free(&out);
    }
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

int main(void)
{
    machine m;
    bool good = open_machine(&m);
    CHECK(good);
    if (good) {
        checks_hold(&m);
        damaged_packets_tile(&m);
        random_bytes_tile_in_every_layer(&m);
    }
    close_machine(&m);
    return check_result();
}
