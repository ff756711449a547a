/*
 * The container of an image, shared by its writer (builder.c), its reader (image.c) and the tests.
 *
 *   header         64 bytes, struct pk_image_header
 *   section table  32 bytes for each section present, ascending section numbers
 *   sections       each 8-byte aligned, ascending, not overlapping; zero bytes between them
 *
 * The magic shows what transfers do to binary files, as PNG's does (RFC 2083 section 3.1): the
 * first byte has its top bit set, CR LF would change under line-end conversion, ^Z stops a
 * text-mode reader, and the lone LF would become CR LF.
 *
 * A section that holds nothing but its reserved element 0 is left out. A reader meets a section
 * number it does not know: it refuses when PK_SECTION_REQUIRED is set, skips it otherwise.
 */
#ifndef PK_IMAGE_FORMAT_H
#define PK_IMAGE_FORMAT_H

#include "image/image.h"

#define PK_IMAGE_MAGIC "\x89PKT\r\n\x1a\n"

typedef struct pk_image_header {
    uint8_t magic[8];
    uint32_t version;    /* of the writer */
    uint32_t min_reader; /* least version that understands everything used here */
    uint64_t size;       /* of the whole image in bytes, a multiple of 8 */
    uint64_t hash;       /* pk_image_hash */
    uint32_t n_sections; /* entries of the section table */
    uint32_t spare;
    uint64_t spares[3];
} pk_image_header;

typedef struct pk_image_section {
    uint32_t id;     /* pk_section */
    uint32_t flags;  /* PK_SECTION_* */
    uint64_t off;    /* from the image's start in bytes, a multiple of 8 */
    uint64_t len;    /* in bytes, a multiple of record */
    uint32_t record; /* size of a record in bytes */
    uint32_t spare;
} pk_image_section;
enum {
    PK_SECTION_REQUIRED = 1 /* a reader that does not know this section must refuse */
};

/* Size of a record of a known section, in bytes. */
uint32_t pk_image_record_size(pk_section section);

/* "EXP" */
const char *pk_image_section_name(pk_section section);

/* The content hash: of every 64-bit word of the image but for the header's hash field, in four lanes
 * that are folded at the end. Each step is a bijection of the state for a given word and of the word
 * for a given state, so a change confined to one word never goes unseen. It shows damage; it is no
 * signature. */
uint64_t pk_image_hash(const void *blob, size_t len);

/* Walks every record of a loaded container (IMAGE.md, "What a reader checks"). PK_EFORMAT with its
 * sentence, or PK_ENOMEM. */
int pk_image_verify(const pk_image *image, char *reterr_text, size_t reterr_size);

/* The same of an image that was made over `base`, which is known to be good: what it has from there, bit
 * for bit, is not looked at again. Refuses what pk_image_verify refuses. */
int pk_image_verify_over(const pk_image *image, const pk_image *base, char *reterr_text,
                         size_t reterr_size);

/* A section of a view or a loaded image as plain bytes. */
const void *pk_image_section_data(const pk_image *image, pk_section section, uint32_t *ret_count);

/* Points a section of an image at `count` records. */
void pk_image_section_set(pk_image *image, pk_section section, const void *data, uint32_t count);

#endif
