/*
 * The reference of layers and fields, made from an image alone (`pktc layers`, `pktc layers tcp`,
 * `pktc layers tcp.flags`): what a declaration says, for people, at most 80 columns where the texts
 * allow it.
 *
 *   pk_write_layers  one line a layer: name, other names, title or what it sits on
 *   pk_write_layer   one layer, struct or case: title and source, the diagram, fields with type,
 *                    default and documentation, derived values, other names, what it sits on, what
 *                    it carries, its cases, what answers it
 *   pk_write_field   one field or derived value: the same of it alone, and its enumerators
 */
#ifndef PK_TREE_REFERENCE_H
#define PK_TREE_REFERENCE_H

#include "base/buf.h"
#include "image/image.h"

void pk_write_layers(pk_buf *out, const pk_image *image);
void pk_write_layer(pk_buf *out, const pk_image *image, pk_ref layer);

/* False, and nothing written, when the layer has no such member. */
bool pk_write_field(pk_buf *out, const pk_image *image, pk_ref layer, const char *name);

/* The layer, struct or case (`tcp_option.mss`) of that name, 0 when there is none. */
pk_ref pk_reference_find(const pk_image *image, const char *name);

#endif
