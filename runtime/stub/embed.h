/*
 * Putting an image into the stub of a standalone probe.
 *
 * The stub is a static ELF64 program (little-endian) that was linked with a small read-only section
 * `.pktc_image` in a loadable segment of its own, above everything else. Embedding writes the image
 * behind the file and makes that section and its segment point there; nothing else moves. The
 * result is an ordinary program: strip, objcopy and signers keep the section like any other, and
 * the kernel maps it. No compiler and no linker is needed.
 *
 * The same layout is read back: pk_embed_find gives the image that a probe carries.
 */
#ifndef PK_STUB_EMBED_H
#define PK_STUB_EMBED_H

#include "base/buf.h"
#include "base/error.h"

#define PK_EMBED_SECTION ".pktc_image"
#define PK_EMBED_STUB_LIMIT \
    (64u * 1024u * 1024u) /* bytes of a stub or probe that is looked into \
                           */

/* Appends the probe to `out`. PK_EFORMAT when the stub is no such program, PK_ENOMEM. */
int pk_embed(pk_bytes stub, pk_bytes image, pk_buf *out, pk_error *reterr_);

/* The content of the section of a probe: points into `program`. PK_EFORMAT when it is no ELF64
 * program, PK_ENOENT when it has no such section. */
int pk_embed_find(pk_bytes program, pk_bytes *ret_image, pk_error *reterr_);

#endif
