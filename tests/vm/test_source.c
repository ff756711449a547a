/*
 * Source identity: a packet that is dissected, printed as source, compiled and built has the same
 * bytes; of every packet that the standard layers' `check` lines build, of every truncation of it,
 * and of damaged copies.
 *
 *   test_source FOLDER LAYERS.pkt..
 */
#include <stdlib.h>
#include <string.h>

#include "../base/check.h"
#include "machine.h"
#include "standard.h"

typedef struct tally {
    unsigned same, different;
    uint64_t state;
} tally;

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return *state >> 33;
}

static void say_hex(const char *what, const uint8_t *bytes, size_t len)
{
    printf("#   %s ", what);
    for (size_t i = 0; i < len; i++)
        printf("%02x", bytes[i]);
    printf("\n");
}

static void hold(machine *m, pk_ref layer, const uint8_t *bytes, uint32_t len,
                 const pk_image *standard, tally *t)
{
    machine again;
    pk_buf source = {0}, out = {0};
    CHECK(pk_vm_dissect(m->vm, layer, bytes, len, len, &m->read) == PK_OK);
    machine_source(m, &m->read, &source);
    bool built = machine_packet(&again, pk_buf_cstr(&source), standard, &out);
    bool same = built && out.len == len && (len == 0 || memcmp(out.data, bytes, len) == 0);
    if (same)
        t->same++;
    else if (++t->different <= 40) {
        printf("# %s", pk_buf_cstr(&source));
        say_hex("read ", bytes, len);
        if (built)
            say_hex("built", out.data, out.len);
        else
            printf("#   %s\n", again.why);
    }
    machine_close(&again);
    pk_buf_free(&source);
    pk_buf_free(&out);
}

static void hold_variants(machine *m, const pk_buf *out, const pk_image *standard, tally *t)
{
    pk_ref layer = pk_tree_layer(&m->built, pk_tree_first(&m->built, (pk_tree_node){0, 0}));
    uint32_t size = (uint32_t)out->len;
    hold(m, layer, out->data, size, standard, t);
    for (unsigned i = 0; i < 3 && size > 0; i++)
        hold(m, layer, out->data, (uint32_t)(1 + next_random(&t->state) % size), standard, t);
    for (unsigned i = 0; i < 4 && size > 0; i++) {
        uint8_t *copy = malloc(size);
        memcpy(copy, out->data, size);
        for (uint64_t flips = 1 + next_random(&t->state) % 3; flips > 0; flips--)
            copy[next_random(&t->state) % size] = (uint8_t)next_random(&t->state);
        hold(m, layer, copy, size, standard, t);
        free(copy);
    }
}

static void hold_file(const char *folder, const char *name, const pk_image *standard, tally *t)
{
    char path[512];
    char line[16384];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    while (file && fgets(line, sizeof line, file)) {
        machine m;
        pk_buf out = {0};
        if (strncmp(line, "check ", 6) != 0)
            continue;
        if (machine_open(&m, line, standard) && machine_build(&m, m.image.checks[1].alt, &out))
            hold_variants(&m, &out, standard, t);
        pk_buf_free(&out);
        machine_close(&m);
    }
    if (file)
        fclose(file);
}

int main(int argc, char **argv)
{
    pk_image standard;
    char why[256];
    tally t = {.state = 11};
    if (pk_image_load(pk_standard_image, pk_standard_image_size, &standard, why, sizeof why))
        return 99;
    for (int i = 2; i < argc; i++)
        hold_file(argv[1], argv[i], &standard, &t);
    printf("# %u packets the same, %u different\n", t.same, t.different);
    CHECK(t.same > 500);
    CHECK(t.different * 50 < t.same); /* those the program writes with every field, or as bytes */
    return check_result();
}
