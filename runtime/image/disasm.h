/*
 * An image as text: layers with their fields, tables, item programs and expressions, then the
 * program's sets, axes, plans and probes; operands are written as the shapes of ops.def say.
 */
#ifndef PK_IMAGE_DISASM_H
#define PK_IMAGE_DISASM_H

#include "base/buf.h"
#include "image/image.h"

/* Everything, or with `layer` not 0 that layer alone. */
void pk_image_disasm(const pk_image *image, pk_ref layer, pk_buf *out);

/* One instruction, without a newline. */
void pk_image_disasm_insn(const pk_image *image, const pk_insn *insn, pk_buf *out);

#endif
