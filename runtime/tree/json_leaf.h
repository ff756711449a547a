/*
 * JSON of the leaves that most packets consist of, out of what the cache has prepared: the text up
 * to the value is copied, the value read at a known place and written into room that was reserved
 * once. Gives byte for byte what json.c writes, or nothing.
 */
#ifndef PK_TREE_JSON_LEAF_H
#define PK_TREE_JSON_LEAF_H

#include "tree/prepared.h"

/* Each returns false, with `out` as it was, when what is asked for must go the general way. */
bool pk_json_leaf(pk_buf *out, const pk_tree *tree, pk_tree_node leaf, pk_writer_cache *cache);

/* All that opens a layer, a list, or a struct that has no name, with `[` at the end. */
bool pk_json_open_layer(pk_buf *out, const pk_tree *tree, uint32_t rec, pk_writer_cache *cache);
bool pk_json_open(pk_buf *out, const pk_tree *tree, pk_tree_node node, pk_writer_cache *cache);

/* The fixed fields of an instance; returns how many of them were written. */
uint32_t pk_json_fixed(pk_buf *out, const pk_tree *tree, uint32_t rec, pk_writer_cache *cache);

#endif
