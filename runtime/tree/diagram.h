/*
 * A layer drawn as RFCs draw it: 32 bits a row, from its field table and item program alone.
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |version|  ihl  |      tos      |              len              |
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * Fields of constant width are drawn to scale, the others and the payload as one row whose sides
 * are dots. What stands under a condition begins a new row under `if ..:`. A name that does not fit
 * its bits is cut. Fields of a little-endian bit group are drawn where their most significant bits
 * would be in a big-endian one, as documents of such protocols do.
 */
#ifndef PK_TREE_DIAGRAM_H
#define PK_TREE_DIAGRAM_H

#include "base/buf.h"
#include "image/image.h"

void pk_write_diagram(pk_buf *out, const pk_image *image, pk_ref layer);

#endif
