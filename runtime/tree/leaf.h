/*
 * What the writers ask of a tree beyond tree.h: where things lie, which instances are layers of the
 * stack, what is inferred. For the writers only.
 */
#ifndef PK_TREE_LEAF_H
#define PK_TREE_LEAF_H

#include "tree/writers.h"

/* All bits of a leaf, of its runs together. */
uint64_t pk_leaf_bits(const pk_tree *tree, pk_tree_node leaf);

/* The first bit and the length of any node. */
pk_bit_run pk_leaf_extent(const pk_tree *tree, pk_tree_node node);

/* The bytes of a leaf or instance; false when it is in two pieces or not whole bytes. */
bool pk_leaf_whole_bytes(const pk_tree *tree, pk_tree_node node, pk_bytes *ret_bytes);

/* The record of a node (the instance, for a fixed field). */
static inline const pk_rec *pk_leaf_rec(const pk_tree *tree, pk_tree_node node)
{
    return &tree->recs[node.rec];
}

/* Is this record an instance of the stack: reached from the frame by payloads alone? */
bool pk_leaf_is_layer(const pk_tree *tree, uint32_t rec);

/* The first stack layer behind record `rec` in wire order (0 to begin); 0 at the end. */
uint32_t pk_leaf_next_layer(const pk_tree *tree, uint32_t rec);

/*
 * A walk over what belongs to one layer of the stack (or to the frame itself): its fields, lists
 * and structs with all that is in them, in wire order, but not the layers that are its payload.
 * Needs no stack: the way back up is in the tree.
 */
typedef enum pk_visit_event {
    PK_VISIT_LEAF,
    PK_VISIT_OPEN,  /* a list, or an instance that is an element, a field's value or a case */
    PK_VISIT_CLOSE, /* the same node again, behind its children */
    PK_VISIT_END
} pk_visit_event;
typedef struct pk_visit {
    uint32_t root;
    bool started;
    bool stops; /* at the next payload layer, whose record is then in `layer` */
    uint32_t layer;
    pk_visit_event event;
    pk_tree_node node;
    unsigned depth; /* open nodes around `node` */
} pk_visit;
static inline pk_visit pk_visit_begin(uint32_t root)
{
    return (pk_visit){.root = root, .node = {root, 0}};
}
/* The same from record `from` on (0 = all), stopping at the next payload layer. */
static inline pk_visit pk_visit_part(uint32_t root, uint32_t from)
{
    return (pk_visit){.root = root, .stops = true, .layer = from, .node = {root, 0}};
}
/* Do not go into the node that was just opened. */
static inline void pk_visit_skip(pk_visit *visit)
{
    visit->event = PK_VISIT_LEAF;
}
/* Moves on; false at the end. */
bool pk_visit_next(const pk_tree *tree, pk_visit *visit);

/* The bit from which offsets inside `node`'s instance count. */
uint64_t pk_leaf_base(const pk_tree *tree, pk_tree_node node);

/* Is it an element of a list? */
bool pk_leaf_is_element(const pk_tree *tree, pk_tree_node node);

/* "options.mss.mss": names from below the instance `root` down to `node`, unescaped. */
void pk_leaf_path(pk_buf *out, const pk_tree *tree, uint32_t root, pk_tree_node node);

/* Where `rec` stands as a payload: instance or raw. */
bool pk_leaf_is_payload(const pk_tree *tree, pk_tree_node node);

/* The case that a struct without a payload still stands for: its key means a case that has no
 * content (`nop`). 0 when there is none, or when the key's bits are not exactly what that case
 * imposes. *ret_key is then the node of the key. */
pk_ref pk_leaf_empty_case(const pk_tree *tree, pk_tree_node instance, pk_tree_node *ret_key);

/* The number of bits of an instance before its first payload. */
uint32_t pk_leaf_head_bits(const pk_tree *tree, uint32_t instance);

/* Is it bytes that nobody dissected: raw, rest or cut? */
bool pk_leaf_is_raw(const pk_tree *tree, pk_tree_node node);

/* The value of an expression that is a constant; false when it is computed. */
bool pk_leaf_constant(const pk_image *image, pk_ref expr, pk_value *ret_value);

/* Whether the default gives these bits: what `how` says, else what a look at the image tells
 * (constant default, no default and all zero, or computed: then yes). */
bool pk_leaf_inferred(const pk_tree *tree, pk_tree_node node, const pk_writer *how);

/* The same, but never guessed: without an answer nothing is inferred. */
bool pk_leaf_surely_inferred(const pk_tree *tree, pk_tree_node node, const pk_writer *how);

#endif
