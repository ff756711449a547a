/*
 * How one packet differs from another that should be the same: what a path changed, told from the
 * stimulus and the quotation of it in an error report.
 */
#ifndef PK_TREE_DIFFERENCE_H
#define PK_TREE_DIFFERENCE_H

#include "base/buf.h"
#include "tree/tree.h"

/* Appends the fields that differ, in wire order: "ip.ttl 5 -> 1, tcp.options differ". `from` and
 * `to` are the frame, or a layer whose payload is the packet. Layers that only the first packet has
 * outside (a link) are passed over, and so is what the second does not have any more at its end: a
 * quotation is cut. Appends nothing when nothing differs. Not escaped. */
void pk_tree_difference(pk_buf *out, const pk_tree *a, pk_tree_node from, const pk_tree *b,
                        pk_tree_node to);

#endif
