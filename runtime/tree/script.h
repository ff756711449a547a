/*
 * Scripts: what was written of one packet, as the way to write the next one of its shape.
 *
 * Trees of one shape (tree.h) have the same records, so what is written of them differs only in the
 * values. While the writer writes the first such tree it says which stretches of its text came from
 * the packet's bytes; all that lies between is kept as it is, and a stretch becomes an operation
 * that reads the value at its place and writes it by its type: decimal, address, digits, the name of
 * an enumerator. A stretch that is out of the ordinary is written by the writer itself again. So a
 * script has no knowledge of the form, and cannot write anything that the writer did not.
 *
 * Scripts belong to a pk_writer_cache, PK_SCRIPT_SLOTS of them and PK_SCRIPT_MEMORY bytes at most; a
 * newer one takes the place of an older. A script is used for trees whose records are equal, bit by
 * bit, to those that it was made from; a shape's number is only where to look.
 */
#ifndef PK_TREE_SCRIPT_H
#define PK_TREE_SCRIPT_H

#include "tree/prepared.h"

enum {
    PK_SCRIPT_SLOTS = 1024,
    PK_SCRIPT_MEMORY = 2 << 20,
    PK_SCRIPT_OPERATIONS = 2048, /* of one script */
    PK_SCRIPT_TEXT = 65536       /* bytes of text in one */
};

typedef struct pk_scripts pk_scripts;
void pk_scripts_free(pk_scripts *scripts);

/* Writes a stretch of the general kind again. */
typedef void pk_script_writer(pk_buf *out, const pk_tree *tree, pk_tree_node node,
                              const pk_writer *how);

/* Writes the tree when there is a script for it. */
bool pk_script_write(pk_buf *out, const pk_tree *tree, const pk_writer *how,
                     pk_script_writer *general);

/* The writer begins: what stands in `out` from here on is of this tree. */
void pk_script_begin(pk_writer_cache *cache, const pk_buf *out, const pk_tree *tree);

/* What stands in `out` from `start` on is what the writer says of the value of `node`. A leaf's begins
 * with `,"value":` or `,"hex":`. */
void pk_script_part(pk_writer_cache *cache, const pk_buf *out, size_t start, pk_tree_node node);

/* The writer is done. */
void pk_script_end(pk_writer_cache *cache, const pk_buf *out, const pk_tree *tree);

#endif
