/*
 * What the verifier accepts, the machine survives.
 *
 * The standard layers' image is edited a little and its hash put right again; when it still loads,
 * packets are dissected with it, every value of the tree is read, and every default, let and answer
 * rule is evaluated in the instances found. No check in the machine may be missing for it: the
 * sanitizers see what reads or writes outside. An input is a seed for a number of such rounds.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "image/format.h"
#include "standard.h"
#include "vm/vm.h"

enum { ROUNDS = 40, PACKET = 120 };

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* One to three members of records changed: to a small number, a near one, or another record's. */
static void edit(uint8_t *image, size_t len, uint64_t seed, uint64_t round)
{
    for (uint64_t i = 0; i <= round % 3; i++) {
        size_t widths[] = {1, 2, 4, 4}, width = widths[pk_rng_below(seed, round, i * 8, 4)];
        size_t at = (size_t)pk_rng_below(seed, round, i * 8 + 1, (len - 8) / width) * width;
        uint32_t value = (uint32_t)pk_rng_below(seed, round, i * 8 + 2, 300), old = 0;
        uint64_t how = pk_rng_u64(seed, round, i * 8 + 3) % 3;
        memcpy(&old, image + at, width);
        if (how == 1)
            value = old + value % 9 - 4;
        else if (how == 2)
            memcpy(&value, image + pk_rng_below(seed, round, i * 8 + 4, len / 4 - 1) * 4, 4);
        memcpy(image + at, &value, width);
    }
    uint64_t hash = pk_image_hash(image, len);
    memcpy(image + offsetof(pk_image_header, hash), &hash, sizeof hash);
}

/* Ethernet, IPv4, TCP with options; the rest of the packet is random. */
static uint32_t make_packet(uint8_t *packet, uint64_t seed, uint64_t round)
{
    static const uint8_t start[] = {
        2,   0,  0,    0,    0, 1,  2,    0, 0, 0, 0,  2, 8,    0,    0x45, 0,    0,
        106, 0,  1,    0,    0, 64, 6,    0, 0, 1, 2,  3, 4,    5,    6,    7,    8,
        0,   80, 0x12, 0x34, 0, 0,  0,    1, 0, 0, 0,  2, 0xa0, 0x12, 0xff, 0xff, 0,
        0,   0,  0,    2,    4, 5,  0xb4, 4, 2, 8, 10, 0, 0,    0,    1,    0,    0};
    uint32_t len = (uint32_t)pk_rng_below(seed, round, 100, PACKET) + 1;
    pk_rng_bytes(seed, round, 101, packet, PACKET);
    memcpy(packet, start, sizeof start);
    /* Another protocol number, now and then. */
    if (round % 2)
        packet[23] = (uint8_t)pk_rng_u64(seed, round, 102);
    return len;
}

static void read_all(pk_vm *vm, const pk_image *image, const pk_tree *tree)
{
    pk_value sum = pk_value_int(0);
    for (pk_tree_node at = {0, 0}; !pk_tree_none(at); at = pk_tree_walk(tree, at)) {
        pk_value value = pk_tree_value(tree, at);
        for (uint32_t i = 0; value.kind == PK_BYTES && i < value.len; i++)
            sum.number ^= value.bytes[i];
        require(pk_tree_name(tree, at) != NULL);
        pk_ref layer = pk_tree_layer(tree, at);
        for (pk_ref expr = 1; layer && expr < image->n_exprs; expr++) {
            pk_value self = {.kind = PK_NODE, .node = pk_tree_pack(at)};
            const pk_value args[2] = {self, pk_value_int(3)};
            if (image->exprs[expr].layer == layer)
                (void)pk_vm_eval(vm, expr, tree, at, NULL, args, 2);
        }
    }
}

static void run(const pk_image *image, uint64_t seed, uint64_t round)
{
    uint8_t bytes[PACKET];
    uint32_t len = make_packet(bytes, seed, round);
    uint8_t *packet = malloc(len);
    pk_vm *vm = pk_vm_new(image, NULL);
    pk_tree tree;
    require(packet && vm);
    memcpy(packet, bytes, len);
    pk_tree_init(&tree, image);
    pk_ref eth = pk_image_layer_find(image, "eth");
    pk_ref any = (pk_ref)pk_rng_below(seed, round, 103, image->n_layers);
    for (int i = 0; i < 2; i++)
        if (pk_vm_dissect(vm, i ? any : eth, packet, len, len, &tree) == PK_OK)
            read_all(vm, image, &tree);
    pk_tree_free(&tree);
    pk_vm_free(vm);
    free(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t seed = size;
    for (size_t i = 0; i < size; i++)
        seed = (seed ^ data[i]) * 0x100000001b3;
    uint8_t *copy = malloc(pk_standard_image_size);
    require(copy != NULL);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        char reason[512];
        pk_image image;
        memcpy(copy, pk_standard_image, pk_standard_image_size);
        edit(copy, pk_standard_image_size, seed, round);
        if (pk_image_load(copy, pk_standard_image_size, &image, reason, sizeof reason) == PK_OK)
            run(&image, seed, round);
    }
    free(copy);
    return 0;
}
