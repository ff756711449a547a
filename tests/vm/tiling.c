#include "tiling.h"

#include <stdio.h>
#include <stdlib.h>

static bool mark(uint8_t *seen, uint64_t total, pk_bit_run run)
{
    for (uint64_t bit = run.off; bit < (uint64_t)run.off + run.bits; bit++) {
        if (bit >= total || seen[bit])
            return false;
        seen[bit] = 1;
    }
    return true;
}

static bool covered(const uint8_t *seen, uint64_t total)
{
    for (uint64_t bit = 0; bit < total; bit++)
        if (!seen[bit])
            return false;
    return true;
}

bool tiles(const pk_tree *tree)
{
    uint64_t total = (uint64_t)tree->len * 8;
    uint8_t *seen = calloc(total + 1, 1);
    bool good = seen != NULL;
    pk_tree_node node = pk_tree_first(tree, (pk_tree_node){0, 0});
    for (; good && !pk_tree_none(node); node = pk_tree_walk(tree, node)) {
        pk_bit_run runs[PK_TREE_RUNS];
        if (!pk_tree_is_leaf(tree, node))
            continue;
        unsigned n = pk_tree_runs(tree, node, runs);
        for (unsigned i = 0; i < n && good; i++)
            good = mark(seen, total, runs[i]);
        if (!good)
            printf("# leaf %s overlaps or is outside\n", pk_tree_name(tree, node));
    }
    if (good && !covered(seen, total)) {
        printf("# bits without a leaf\n");
        good = false;
    }
    free(seen);
    return good;
}
