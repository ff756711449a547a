/*
 * Any bytes, as any standard layer: the leaves tile them, no limit is passed, the same bytes give
 * the same tree, and whatever is asked about a node has an answer. The first byte of an input picks
 * the layer.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "../vm/tiling.h"
#include "standard.h"
#include "vm/vm.h"

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void ask_everything(pk_vm *vm, const pk_tree *tree)
{
    for (pk_tree_node at = {0, 0}; !pk_tree_none(at); at = pk_tree_walk(tree, at)) {
        bool inferred = pk_vm_inferred(vm, tree, at);
        pk_value value = pk_tree_value(tree, at);
        require(!inferred || pk_tree_field(tree, at) || pk_tree_layer(tree, at));
        require(value.kind != PK_BYTES || value.bytes >= tree->bytes);
        require(*pk_tree_name(tree, at) != 0);
    }
}

static void dissect(pk_vm *vm, const pk_image *image, pk_ref layer, const uint8_t *bytes,
                    uint32_t len)
{
    pk_tree first, second;
    pk_tree_init(&first, image);
    pk_tree_init(&second, image);
    require(pk_vm_dissect(vm, layer, bytes, len, len, &first) == PK_OK);
    require(tiles(&first));
    require(first.count <= PK_NODES_BASE + len + 4);
    ask_everything(vm, &first);
    require(pk_vm_dissect(vm, layer, bytes, len, len, &second) == PK_OK);
    require(first.count == second.count && first.flags == second.flags);
    require(memcmp(first.recs, second.recs, first.count * sizeof *first.recs) == 0);
    pk_tree_free(&first);
    pk_tree_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pk_image image;
    char why[256];
    if (size < 1 || size > 65536)
        return 0;
    require(pk_image_load(pk_standard_image, pk_standard_image_size, &image, why, sizeof why) ==
            PK_OK);
    pk_vm *vm = pk_vm_new(&image, NULL);
    require(vm != NULL);
    /* In memory of exactly that size, so that a read beyond it is seen. */
    uint32_t len = (uint32_t)(size - 1);
    uint8_t *bytes = malloc(len ? len : 1);
    require(bytes != NULL);
    memcpy(bytes, data + 1, len);
    dissect(vm, &image, data[0] < image.n_layers ? data[0] : 0, bytes, len);
    dissect(vm, &image, pk_image_layer_find(&image, "eth"), bytes, len);
    free(bytes);
    pk_vm_free(vm);
    return 0;
}
