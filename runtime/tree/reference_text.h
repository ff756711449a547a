/*
 * The parts of the reference about what stands on what, for reference.c.
 */
#ifndef PK_TREE_REFERENCE_TEXT_H
#define PK_TREE_REFERENCE_TEXT_H

#include "base/buf.h"
#include "image/image.h"

/* Text of the image, escaped for a terminal. */
void pk_reference_safe(pk_buf *out, const char *text);

/* Breaks the line before the item that was appended from `start` on (its leading blank included) if
 * the line, which began at *line, has become too long. */
void pk_reference_item(pk_buf *out, size_t *line, size_t start);

/* The layer's bind number `index`: `eth(type=0x0800)`, `ipv6(hlim=255)/icmpv6(type=133)`. */
void pk_reference_bind(pk_buf *out, const pk_image *image, pk_ref layer, uint32_t index);

void pk_reference_below(pk_buf *out, const pk_image *image, pk_ref layer);
void pk_reference_above(pk_buf *out, const pk_image *image, pk_ref layer);
void pk_reference_cases(pk_buf *out, const pk_image *image, pk_ref layer);

#endif
