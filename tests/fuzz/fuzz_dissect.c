/*
 * Any bytes, as any standard layer: the leaves tile them, no limit is passed, the same bytes give
 * the same tree, and whatever is asked about a node has an answer. The first two bytes of an input
 * pick the layer.
 */
#include <stdlib.h>
#include <string.h>

#include "../vm/tiling.h"
#include "layers.h"

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
    if (size < LAYER_BYTES || size > 65536)
        return 0;
    const layers *standard = layers_standard();
    /* In memory of exactly that size, so that a read beyond it is seen. */
    uint32_t len = (uint32_t)(size - LAYER_BYTES);
    uint8_t *bytes = malloc(len ? len : 1);
    require(bytes != NULL);
    memcpy(bytes, data + LAYER_BYTES, len);
    dissect(standard->vm, &standard->image, layers_pick(standard, data), bytes, len);
    free(bytes);
    return 0;
}
