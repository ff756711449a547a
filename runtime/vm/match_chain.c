#include "vm/match_chain.h"

#include "internal.h"
#include "template_trace.h"

enum {
    QUOTED_BITS = 64 /* RFC 792: the header and the first 64 bits of the datagram's data */
};

static bool is_instance(const pk_tree *tree, pk_tree_node node)
{
    return !pk_tree_none(node) && pk_tree_kind(tree, node) == PK_REC_INSTANCE;
}

static pk_tree_node outermost(const pk_tree *tree)
{
    pk_tree_node node = pk_tree_first(tree, (pk_tree_node){0, 0});
    while (!pk_tree_none(node) && !is_instance(tree, node))
        node = pk_tree_next(tree, node);
    return node;
}

/* Notes a layer that defines `quotes`; true when it does quote here. */
static bool note_quoting(pk_vm *vm, const pk_tree *tree, const pk_match_link *link,
                         pk_match_chain *chain)
{
    pk_ref quotes = tree->image->layers[link->layer].quotes;
    if (!vm || !quotes)
        return false;
    if (!pk_match_holds(vm, pk_vm_eval(vm, quotes, tree, link->node, NULL, NULL, 0)))
        return false;
    if (chain->n_quoting < sizeof chain->quoting / sizeof chain->quoting[0])
        chain->quoting[chain->n_quoting++] = *link;
    return true;
}

void pk_match_chain_of(pk_vm *vm, const pk_tree *tree, pk_tree_node from, pk_match_chain *ret_chain)
{
    ret_chain->tree = tree;
    ret_chain->count = 0;
    ret_chain->n_quoting = 0;
    pk_tree_node node = pk_tree_none(from) ? outermost(tree) : from;
    for (; is_instance(tree, node); node = pk_tree_payload(tree, node)) {
        pk_match_link link = {pk_tree_layer(tree, node), node};
        if (tree->image->layers[link.layer].answers && ret_chain->count < PK_LAYER_DEPTH)
            ret_chain->links[ret_chain->count++] = link;
        if (note_quoting(vm, tree, &link, ret_chain))
            return;
    }
}

bool pk_match_holds(pk_vm *vm, pk_value value)
{
    return pk_trace_settled(vm, value, "a condition") && pk_value_truth(value);
}

uint64_t pk_match_chain_fold(uint64_t hash, pk_ref layer)
{
    return pk_match_mix(hash, UINT64_C(0x4c00000000000000) | layer);
}

pk_value pk_match_fold(pk_vm *vm, pk_value hash, pk_value value)
{
    uint64_t mixed = pk_match_mix((uint64_t)hash.number, (uint64_t)value.number);
    return pk_trace_fold(vm, hash, value, pk_value_int((int64_t)mixed));
}

/* Eight bytes at a time, the last ones, and how many there were. */
static pk_value fold_bytes(pk_vm *vm, pk_value hash, pk_value bytes)
{
    uint32_t at = 0;
    for (; bytes.len - at >= 8; at += 8) {
        pk_value word = pk_value_int((int64_t)pk_bits_get(bytes.bytes + at, 0, 64));
        hash = pk_match_fold(vm, hash, pk_trace_word(vm, bytes, at, word));
    }
    pk_value rest = pk_value_int(0);
    if (at < bytes.len) {
        rest = pk_value_int((int64_t)pk_bits_get(bytes.bytes + at, 0, (bytes.len - at) * 8));
        rest = pk_trace_word(vm, bytes, at, rest);
    }
    hash = pk_match_fold(vm, hash, rest);
    return pk_match_fold(vm, hash, pk_value_int(bytes.len));
}

bool pk_match_fold_value(pk_vm *vm, pk_value *hash, pk_value value)
{
    if (value.kind == PK_INT)
        *hash = pk_match_fold(vm, *hash, value);
    else if (value.kind == PK_BYTES)
        *hash = fold_bytes(vm, *hash, value);
    else
        return false;
    return true;
}

uint32_t pk_match_shape_count(const pk_image *image, pk_ref layer)
{
    uint32_t count = image->layers[layer].n_shapes;
    return count ? count : 1;
}

bool pk_match_shape_empty(const pk_image *image, pk_ref layer, uint32_t shape)
{
    const pk_image_layer *record = &image->layers[layer];
    if (shape >= record->n_shapes)
        return true;
    const pk_image_shape *at = &image->shapes[record->shapes + shape];
    return !at->n_keys && !at->reply_guard && !at->sent_guard;
}

static bool guard_holds(pk_vm *vm, const pk_tree *tree, const pk_match_link *link, pk_ref guard)
{
    return !guard || pk_match_holds(vm, pk_vm_eval(vm, guard, tree, link->node, NULL, NULL, 0));
}

bool pk_match_shape_hash(pk_vm *vm, const pk_tree *tree, const pk_match_link *link, uint32_t shape,
                         pk_match_side side, pk_value *ret_hash)
{
    const pk_image *image = tree->image;
    const pk_image_layer *layer = &image->layers[link->layer];
    pk_value hash = pk_value_int((int64_t)pk_match_mix(link->layer, shape));
    *ret_hash = hash;
    if (shape >= layer->n_shapes)
        return true;
    const pk_image_shape *record = &image->shapes[layer->shapes + shape];
    pk_ref guard = side == PK_SIDE_SENT ? record->sent_guard : record->reply_guard;
    if (!guard_holds(vm, tree, link, guard))
        return false;
    for (uint32_t i = 0; i < record->n_keys; i++) {
        const pk_image_key_pair *pair = &image->key_pairs[record->keys + i];
        pk_ref expr = side == PK_SIDE_SENT ? pair->sent : pair->reply;
        if (!pk_match_fold_value(vm, &hash, pk_vm_eval(vm, expr, tree, link->node, NULL, NULL, 0)))
            return false;
    }
    *ret_hash = hash;
    return true;
}

/* A packet as a whole, as an argument. */
static pk_value whole(unsigned tree)
{
    return (pk_value){
        .kind = PK_NODE, .tree = (uint8_t)tree, .node = pk_tree_pack((pk_tree_node){0, 0})};
}

bool pk_match_rule_hash(pk_vm *vm, const pk_tree *tree, const pk_image_probe *rule,
                        pk_match_side side, pk_value *ret_hash)
{
    const pk_tree_node root = {0, 0};
    pk_value hash = pk_value_int(2);
    for (uint32_t i = 0; i < rule->n_keys; i++) {
        const pk_image_key_pair *pair = &tree->image->key_pairs[rule->keys + i];
        pk_ref expr = side == PK_SIDE_SENT ? pair->sent : pair->reply;
        pk_value packet = whole(0);
        if (!pk_match_fold_value(vm, &hash, pk_vm_eval(vm, expr, tree, root, NULL, &packet, 1)))
            return false;
    }
    *ret_hash = hash;
    return true;
}

bool pk_match_rule_holds(pk_vm *vm, const pk_image_probe *rule, const pk_tree *reply,
                         const pk_tree *sent)
{
    const pk_value packets[] = {whole(0), whole(1)};
    return !rule || !rule->where ||
           pk_value_truth(
               pk_vm_eval(vm, rule->where, reply, (pk_tree_node){0, 0}, sent, packets, 2));
}

uint32_t pk_match_radix(const pk_image *image, const pk_match_chain *chain, uint32_t count,
                        uint32_t radix[PK_LAYER_DEPTH], bool keyed[PK_LAYER_DEPTH])
{
    uint32_t product = 1;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t shapes = pk_match_shape_count(image, chain->links[i].layer);
        keyed[i] = product * shapes <= PK_MATCH_SHAPES;
        radix[i] = keyed[i] ? shapes : 1;
        product *= radix[i];
    }
    return product;
}

/* Has an earlier equation of the layer named this slot? */
static bool slot_seen(const pk_image *image, const pk_image_layer *layer, uint32_t shape,
                      uint32_t pair, uint32_t slot)
{
    for (uint32_t s = 0; s <= shape; s++) {
        const pk_image_shape *record = &image->shapes[layer->shapes + s];
        uint32_t end = s == shape ? pair : record->n_keys;
        for (uint32_t i = 0; i < end; i++)
            if (image->key_pairs[record->keys + i].echoed_slot == slot)
                return true;
    }
    return false;
}

/* The end of a node's bits, counted from the instance's start. */
static uint32_t end_within(const pk_tree *tree, pk_tree_node instance, pk_tree_node node)
{
    pk_bit_run runs[PK_TREE_RUNS];
    uint32_t end = 0;
    for (unsigned i = 0, n = pk_tree_runs(tree, node, runs); i < n; i++)
        if (runs[i].off + runs[i].bits > end)
            end = runs[i].off + runs[i].bits;
    return end - tree->recs[instance.rec].off;
}

/* Shapes that the stimulus (or its copy) can be answered by, one bit each. */
static uint64_t shapes_open(pk_vm *vm, const pk_tree *tree, const pk_match_link *link)
{
    const pk_image_layer *layer = &tree->image->layers[link->layer];
    uint64_t open = 0;
    for (uint32_t s = 0; s < layer->n_shapes && s < 64; s++)
        if (guard_holds(vm, tree, link, tree->image->shapes[layer->shapes + s].sent_guard))
            open |= UINT64_C(1) << s;
    return open;
}

/* Do all of these shapes echo this slot? */
static bool always_echoed(const pk_image *image, const pk_image_layer *layer, uint64_t open,
                          uint32_t slot)
{
    for (uint32_t s = 0; s < layer->n_shapes; s++) {
        const pk_image_shape *shape = &image->shapes[layer->shapes + s];
        bool found = s < 64 && !(open >> s & 1);
        for (uint32_t i = 0; i < shape->n_keys && !found; i++)
            found = image->key_pairs[shape->keys + i].echoed_slot == slot;
        if (!found)
            return false;
    }
    return true;
}

/* Folds one echoed field in. Of the first layer each must be there; of the next one those that lie
 * where every quotation reaches. */
static bool fold_slot(pk_vm *vm, const pk_tree *tree, const pk_match_link *link, uint32_t slot,
                      bool first, pk_value *hash, uint32_t *count)
{
    pk_tree_node node = pk_tree_slot(tree, link->node, slot);
    if (pk_tree_none(node) || !pk_tree_is_leaf(tree, node))
        return !first;
    if (!first && end_within(tree, link->node, node) > QUOTED_BITS)
        return true;
    *hash = pk_match_fold(vm, *hash, pk_value_int(slot));
    ++*count;
    return pk_match_fold_value(vm, hash,
                               pk_trace_leaf(vm, 0, tree, node, pk_tree_value(tree, node)));
}

static bool fold_echoed(pk_vm *vm, const pk_tree *tree, const pk_match_link *link, bool first,
                        pk_value *hash, uint32_t *count)
{
    const pk_image *image = tree->image;
    const pk_image_layer *layer = &image->layers[link->layer];
    uint64_t open = first ? 0 : shapes_open(vm, tree, link);
    for (uint32_t s = 0; s < layer->n_shapes; s++) {
        const pk_image_shape *shape = &image->shapes[layer->shapes + s];
        for (uint32_t i = 0; i < shape->n_keys; i++) {
            uint32_t slot = image->key_pairs[shape->keys + i].echoed_slot;
            if (slot == UINT32_MAX || slot_seen(image, layer, s, i, slot) ||
                (!first && !always_echoed(image, layer, open, slot)))
                continue;
            if (!fold_slot(vm, tree, link, slot, first, hash, count))
                return false;
        }
    }
    return true;
}

bool pk_match_quote_hash(pk_vm *vm, const pk_match_chain *chain, uint32_t first, pk_value *ret_hash)
{
    pk_value hash = pk_value_int((int64_t)pk_match_chain_fold(1, chain->links[first].layer));
    uint32_t count = 0;
    if (!fold_echoed(vm, chain->tree, &chain->links[first], true, &hash, &count) || !count)
        return false;
    if (first + 1 < chain->count) {
        const pk_match_link *next = &chain->links[first + 1];
        hash = pk_match_fold(vm, hash,
                             pk_value_int((int64_t)(UINT64_C(0x4c00000000000000) | next->layer)));
        if (!fold_echoed(vm, chain->tree, next, false, &hash, &count))
            return false;
    }
    *ret_hash = hash;
    return true;
}
