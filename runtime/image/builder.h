/*
 * Making an image: a growable array for each section, starting empty or as a copy of a base image
 * (so a program's image is the standard layers plus its own records). The builder owns its memory;
 * references stay valid as sections grow, pointers do not. Failure of memory is sticky and told at
 * the end: adding then returns reference 0 and a pointer to a dummy record, so that the compiler
 * needs one check.
 */
#ifndef PK_IMAGE_BUILDER_H
#define PK_IMAGE_BUILDER_H

#include "base/buf.h"
#include "image/image.h"

typedef struct pk_image_builder pk_image_builder;

/* `base` may be NULL (then every section holds just its reserved element 0). Copied. */
pk_image_builder *pk_image_builder_new(const pk_image *base);
void pk_image_builder_free(pk_image_builder *builder);

/* Appends `count` zeroed records to `section`; returns the reference of the first. */
pk_ref pk_image_builder_add(pk_image_builder *builder, pk_section section, uint32_t count);

/* Appends copies of `count` records; returns the reference of the first. To be preferred to copying
 * to PK_AT, where after a failure there is room for one record only. */
pk_ref pk_image_builder_put(pk_image_builder *builder, pk_section section, const void *records,
                            uint32_t count);

/* The record at `ref`; good until the next add to that section. Never NULL. */
void *pk_image_builder_at(pk_image_builder *builder, pk_section section, pk_ref ref);
uint32_t pk_image_builder_count(const pk_image_builder *builder, pk_section section);

/* Typed forms: PK_AT(builder, FLD, ref)->slot, PK_ADD(builder, FLD, n). */
#define PK_SECTION(id, field, type) typedef type pk_section_type_##id;
PK_SECTIONS
#undef PK_SECTION
#define PK_AT(builder, id, ref) \
    ((pk_section_type_##id *)pk_image_builder_at(builder, PK_SEC_##id, ref))
#define PK_ADD(builder, id, count) pk_image_builder_add(builder, PK_SEC_##id, count)
#define PK_PUT(builder, id, records, count) \
    pk_image_builder_put(builder, PK_SEC_##id, records, count)

/* Interned: equal texts give equal references. Embedded NUL bytes are not allowed. */
pk_ref pk_image_builder_text(pk_image_builder *builder, const char *text, size_t len);
/* Equal blobs may share a reference. */
pk_ref pk_image_builder_blob(pk_image_builder *builder, const void *bytes, size_t len);

/* The sections as they stand, for lookups while compiling; pointers good until the next add. */
void pk_image_builder_view(pk_image_builder *builder, pk_image *ret_image);

/* PK_OK, or why something could not be added. */
int pk_image_builder_failure(const pk_image_builder *builder);

/* The finished image, deterministic. PK_ENOMEM, or PK_ELIMIT beyond PK_IMAGE_SIZE_LIMIT. */
int pk_image_builder_finish(pk_image_builder *builder, pk_buf *out);

#endif
