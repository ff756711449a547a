/*
 * Any bytes, as any standard layer: the leaves tile them, and what is written for them, compiled and
 * built again, gives the same bytes; with every field named by the description itself, too, unless
 * it was written as bytes. The first two bytes of an input pick the layer.
 */
#include <stdlib.h>
#include <string.h>

#include "../vm/machine.h"
#include "../vm/tiling.h"
#include "layers.h"
#include "source_verify.h"

enum { INPUT_LIMIT = 4096 };

static bool inferred(void *context, const pk_tree *tree, pk_tree_node node)
{
    return pk_vm_inferred(context, tree, node);
}

static pk_value eval(void *context, const pk_tree *tree, pk_tree_node self, pk_ref expr)
{
    return pk_vm_eval(context, expr, tree, self, NULL, NULL, 0);
}

/* Both writers in one batch: in brief, and with every field from the start. */
static void write_both(const pk_image *image, pk_vm *vm, const pk_tree *tree, pk_buf *source)
{
    const pk_writer brief = {.inferred = inferred, .eval = eval, .context = vm};
    const pk_writer full = {.eval = eval, .context = vm};
    pk_source_verify *verify = pk_source_verify_new(image);
    require(verify != NULL);
    require(pk_source_verify_add(verify, tree, &brief, source) == PK_OK);
    require(pk_source_verify_add(verify, tree, &full, source) == PK_OK);
    require(pk_source_verify_flush(verify, source) == PK_OK);
    pk_source_counts counts = pk_source_verify_counts(verify);
    require(counts.brief + counts.full + counts.bytes == 2);
    pk_source_verify_free(verify);
}

static void hold(const pk_image *image, pk_vm *vm, pk_ref layer, const uint8_t *bytes, uint32_t len)
{
    pk_tree tree;
    machine again;
    pk_buf source = {0};
    pk_tree_init(&tree, image);
    require(pk_vm_dissect(vm, layer, bytes, len, len, &tree) == PK_OK);
    require(tiles(&tree));
    write_both(image, vm, &tree, &source);
    require(machine_open(&again, pk_buf_cstr(&source), image));
    require(again.image.n_alts == image->n_alts + 2);
    for (pk_ref i = 0; i < 2; i++) {
        pk_buf built = {0};
        require(machine_build(&again, image->n_alts + i, &built));
        require(built.len == len && (len == 0 || memcmp(built.data, bytes, len) == 0));
        pk_buf_free(&built);
    }
    machine_close(&again);
    pk_buf_free(&source);
    pk_tree_free(&tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < LAYER_BYTES || size > INPUT_LIMIT)
        return 0;
    const layers *standard = layers_standard();
    hold(&standard->image, standard->vm, layers_pick(standard, data), data + LAYER_BYTES,
         (uint32_t)(size - LAYER_BYTES));
    return 0;
}
