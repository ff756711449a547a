/*
 * Inside of matching: a packet's chain of layers with `answers`, and the keys of its layers.
 *
 * A key is a 64-bit hash folded layer by layer; both sides fold the same layer and shape numbers
 * and values, so equal keys follow from equal sides. Nothing here allocates; what cannot be hashed
 * (undefined values, nodes) makes a shape not apply.
 */
#ifndef PK_VM_MATCH_CHAIN_H
#define PK_VM_MATCH_CHAIN_H

#include "vm/match.h"

/* The machine that a matcher borrows, and the probe whose rule it follows (NULL: none). */
pk_vm *pk_match_vm(const pk_match *match);
const pk_image_probe *pk_match_rule(const pk_match *match);

typedef struct pk_match_link {
    pk_ref layer;
    pk_tree_node node;
} pk_match_link;

typedef struct pk_match_chain {
    const pk_tree *tree;
    uint32_t count;
    pk_match_link links[PK_LAYER_DEPTH];
    uint32_t n_quoting;
    pk_match_link quoting[4]; /* layers that define `quotes`, in order */
} pk_match_chain;

/* The chain of a tree from `from` on (NONE: from its outermost instance). Layers with `quotes` are
 * noted, and with `vm` (may be NULL) end the chain where they do quote. */
void pk_match_chain_of(pk_vm *vm, const pk_tree *tree, pk_tree_node from,
                       pk_match_chain *ret_chain);

/* Folds a value into a hash, or the next layer of a sequence. */
static inline uint64_t pk_match_mix(uint64_t hash, uint64_t value)
{
    hash ^= value;
    hash = (hash ^ hash >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ hash >> 27) * UINT64_C(0x94d049bb133111eb);
    return (hash ^ hash >> 31) + UINT64_C(0x9e3779b97f4a7c15);
}
uint64_t pk_match_chain_fold(uint64_t hash, pk_ref layer);

/* Hashes of what packets say are integers of the machine, which knows where they come from when it
 * follows (match_follow.h). False for values that have no hash. */
pk_value pk_match_fold(pk_vm *vm, pk_value hash, pk_value value);
bool pk_match_fold_value(pk_vm *vm, pk_value *hash, pk_value value);

/* Does an expression hold that was evaluated for a condition? */
bool pk_match_holds(pk_vm *vm, pk_value value);

typedef enum pk_match_side { PK_SIDE_SENT, PK_SIDE_REPLY } pk_match_side;

/* The hash of one side of shape `shape` of a link; false when a guard fails or a value is missing.
 */
bool pk_match_shape_hash(pk_vm *vm, const pk_tree *tree, const pk_match_link *link, uint32_t shape,
                         pk_match_side side, pk_value *ret_hash);

/* Shapes of a layer as keys know them: 1 where the image has none. */
uint32_t pk_match_shape_count(const pk_image *image, pk_ref layer);
/* Has it neither an equation nor a guard? */
bool pk_match_shape_empty(const pk_image *image, pk_ref layer, uint32_t shape);

/* How many of the first `count` links give keys within PK_MATCH_SHAPES: radix[i] is 1 for those
 * that give none. Returns the product. */
uint32_t pk_match_radix(const pk_image *image, const pk_match_chain *chain, uint32_t count,
                        uint32_t radix[PK_LAYER_DEPTH], bool keyed[PK_LAYER_DEPTH]);

/* The key of what a quotation of the chain from link `first` on would hold; false when the first
 * layer echoes nothing, or an echoed field of it is missing. */
bool pk_match_quote_hash(pk_vm *vm, const pk_match_chain *chain, uint32_t first,
                         pk_value *ret_hash);

/* The hash of one side of a rule's equations over a whole packet; false when a value is missing. */
bool pk_match_rule_hash(pk_vm *vm, const pk_tree *tree, const pk_image_probe *rule,
                        pk_match_side side, pk_value *ret_hash);

/* Does the rule's condition hold of the two? Without one it does. */
bool pk_match_rule_holds(pk_vm *vm, const pk_image_probe *rule, const pk_tree *reply,
                         const pk_tree *sent);

#endif
