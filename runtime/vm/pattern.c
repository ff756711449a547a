#include "vm/pattern.h"

/* The instances of a packet, from the outermost inwards. */
typedef struct chain {
    pk_tree_node nodes[PK_LAYER_DEPTH];
    uint32_t count;
    uint32_t own; /* those before a quotation begins */
} chain;

static bool is_instance(const pk_tree *tree, pk_tree_node node)
{
    return !pk_tree_none(node) && pk_tree_kind(tree, node) == PK_REC_INSTANCE;
}

static bool quotes(pk_vm *vm, const pk_tree *tree, pk_tree_node node)
{
    pk_ref quotes = tree->image->layers[pk_tree_layer(tree, node)].quotes;
    return quotes && pk_value_truth(pk_vm_eval(vm, quotes, tree, node, NULL, NULL, 0));
}

static void chain_of(pk_vm *vm, const pk_tree *tree, chain *ret_chain)
{
    pk_tree_node node = pk_tree_first(tree, (pk_tree_node){0, 0});
    while (!pk_tree_none(node) && !is_instance(tree, node))
        node = pk_tree_next(tree, node);
    *ret_chain = (chain){.count = 0};
    bool quoted = false;
    for (; is_instance(tree, node) && ret_chain->count < PK_LAYER_DEPTH;
         node = pk_tree_payload(tree, node)) {
        ret_chain->nodes[ret_chain->count++] = node;
        if (quoted)
            continue;
        ret_chain->own = ret_chain->count;
        quoted = quotes(vm, tree, node);
    }
}

static bool step_holds(pk_vm *vm, const pk_tree *tree, const pk_image_pattern_step *step,
                       pk_tree_node node)
{
    if (pk_tree_layer(tree, node) != step->layer)
        return false;
    return !step->condition ||
           pk_value_truth(pk_vm_eval(vm, step->condition, tree, node, NULL, NULL, 0));
}

/* The steps up to the next gap. */
static uint32_t run_of(const pk_image_pattern_step *steps, uint32_t count)
{
    uint32_t n = 1;
    while (n < count && !steps[n].gap)
        n++;
    return n;
}

/* Where the run of `n` steps has its first place, beginning in at .. end - 1; the chain's length
 * when nowhere. */
static uint32_t place_of(pk_vm *vm, const pk_tree *tree, const chain *packet, uint32_t at,
                         uint32_t end, const pk_image_pattern_step *steps, uint32_t n)
{
    for (; at < end && at + n <= packet->count; at++) {
        uint32_t i = 0;
        while (i < n && step_holds(vm, tree, &steps[i], packet->nodes[at + i]))
            i++;
        if (i == n)
            return at;
    }
    return packet->count;
}

/* The first place of each run is as good as any: it leaves the most to the runs behind it. */
bool pk_pattern_holds(pk_vm *vm, const pk_tree *tree, pk_ref pattern)
{
    const pk_image_pattern *record = &tree->image->patterns[pattern];
    const pk_image_pattern_step *steps = &tree->image->pattern_steps[record->steps];
    chain packet;
    uint32_t at = 0;
    chain_of(vm, tree, &packet);
    for (uint32_t done = 0; done < record->n_steps;) {
        uint32_t n = run_of(steps + done, record->n_steps - done);
        uint32_t end = done ? packet.count : packet.own;
        at = place_of(vm, tree, &packet, at, end, steps + done, n);
        if (at == packet.count)
            return false;
        at += n;
        done += n;
    }
    return true;
}

bool pk_pattern_any(pk_vm *vm, const pk_tree *tree, pk_ref first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (pk_pattern_holds(vm, tree, first + i))
            return true;
    return false;
}
