/*
 * Text codecs: how a byte string of the wire is written as text (`name: bytes as dnsname`).
 *
 * A codec is a pair of pure functions. Encoding turns the text that a person wrote into the bytes
 * of the field; it is total on what it accepts and says in one sentence why it refuses. Decoding is
 * defined by encoding: bytes have a text only when encoding that text gives the same bytes again,
 * so whatever a printer shows through a codec can be pasted back without changing a bit. Bytes that
 * have no such text (a compressed name, an integer with a superfluous byte) are shown raw.
 *
 * Text here is unescaped UTF-8: who prints it passes it through base/escape.h. Nothing is allocated
 * but the growth of the caller's buffer. codec.def is the table of codecs.
 */
#ifndef PK_BASE_CODEC_H
#define PK_BASE_CODEC_H

#include "base/buf.h"

typedef enum pk_codec {
    PK_CODEC_NONE,
#define PK_CODEC(name, text, bare, doc) PK_CODEC_##name,
#include "base/codec.def"
#undef PK_CODEC
    PK_CODEC_COUNT_OF
} pk_codec;

/* The codec of that name; PK_CODEC_NONE when there is none. */
pk_codec pk_codec_find(const char *name);

const char *pk_codec_name(pk_codec codec); /* "dnsname"; "" for NONE */
const char *pk_codec_doc(pk_codec codec);  /* what it writes, for people */

/* Whether its text is a literal that stands in a description without quotes. */
bool pk_codec_bare(pk_codec codec);

/* Appends the bytes that `text` means. `width` is the width of the field in bytes where that is
 * constant, else 0; only `padded` asks for it. False when the text is not of the codec's form:
 * *reterr_why (if not NULL) then continues a sentence that begins with the text ("is not ..."), and
 * `out` is as it was. False without a reason when memory is refused. */
bool pk_codec_encode(pk_codec codec, pk_bytes text, size_t width, pk_buf *out,
                     const char **reterr_why);

/* Appends the text of `bytes`, only if encoding it (with the width of `bytes`) gives exactly
 * `bytes`. False otherwise, and `out` is as it was. */
bool pk_codec_decode(pk_codec codec, pk_bytes bytes, pk_buf *out);

/* Whether bytes read as text: well-formed UTF-8 without invisible characters but tab, carriage
 * return and newline. The empty string does. */
bool pk_codec_readable(pk_bytes bytes);

#endif
