/*
 * The codecs' own functions, between the files that hold them and the table in codec.c.
 *
 * Each encoder appends the bytes and returns NULL, or returns why the text is not of its form (what
 * it appended so far is then dropped by the caller). Each decoder appends a candidate text, which
 * the caller checks by encoding it again, or returns false for bytes it cannot read at all; it may
 * therefore be generous.
 */
#ifndef PK_BASE_CODEC_FORMS_H
#define PK_BASE_CODEC_FORMS_H

#include "base/codec.h"

typedef const char *pk_codec_encoder(pk_bytes text, size_t width, pk_buf *out);
typedef bool pk_codec_decoder(pk_bytes bytes, pk_buf *out);

#define PK_CODEC(name, text, bare, doc)      \
    pk_codec_encoder pk_codec_encode_##name; \
    pk_codec_decoder pk_codec_decode_##name;
#include "base/codec.def"
#undef PK_CODEC

/* The value of a hexadecimal digit, -1 for any other byte. */
int pk_codec_digit(uint8_t c);

#endif
