/*
 * For fuzz targets that dissect: the standard layers, opened once for all inputs, and the layer that
 * an input is given to: by its first two bytes any layer, and one time in two Ethernet.
 */
#ifndef PK_TESTS_FUZZ_LAYERS_H
#define PK_TESTS_FUZZ_LAYERS_H

#include <stdlib.h>

#include "fuzz.h"
#include "standard.h"
#include "vm/vm.h"

enum { LAYER_BYTES = 2 };

typedef struct layers {
    pk_image image;
    pk_vm *vm;
    pk_ref eth;
} layers;

static void require(bool condition)
{
    if (!condition)
        abort();
}

static const layers *layers_standard(void)
{
    static layers standard;
    char why[256];
    if (standard.vm)
        return &standard;
    require(pk_image_load(pk_standard_image, pk_standard_image_size, &standard.image, why,
                          sizeof why) == PK_OK);
    standard.eth = pk_image_layer_find(&standard.image, "eth");
    standard.vm = pk_vm_new(&standard.image, NULL);
    require(standard.vm != NULL);
    return &standard;
}

static pk_ref layers_pick(const layers *standard, const uint8_t *data)
{
    pk_ref layer = ((pk_ref)data[0] << 8 | data[1]) % (2 * standard->image.n_layers);
    return layer < standard->image.n_layers ? layer : standard->eth;
}

#endif
