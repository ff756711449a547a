/*
 * The text of one value: what an integer, an address or a byte string of a field looks like.
 *
 * Two ways of writing. *Plain*: number, address, quoted text or x"hex", what is on the wire.
 * *Meaning*: the enumerator, the flags (lowest bit first; letters joined when all names of the set
 * are single letters, else with `|`), or the text of a codec. The source form of a leaf is its
 * meaning if reading that gives the same bits, else plain, else raw(x"..").
 *
 * Numbers and addresses are safe to print as they are; a meaning and names are not and pass through
 * an escaper (pk_text_escape_*). All append to a buffer and leave it as it was when they return
 * false.
 */
#ifndef PK_TREE_VALUE_TEXT_H
#define PK_TREE_VALUE_TEXT_H

#include "base/codec.h"
#include "tree/writers.h"

void pk_text_unsigned(pk_buf *out, uint64_t number);
void pk_text_signed(pk_buf *out, int64_t number);
void pk_text_hexadecimal(pk_buf *out, uint64_t number, unsigned digits); /* 0x.., at least */
void pk_text_hex_bytes(pk_buf *out, pk_bytes bytes);                     /* digits only */

/* The integer as the field's type says: signed, hexadecimal (filled to the width), decimal. */
void pk_text_integer(pk_buf *out, const pk_image_field *field, int64_t number);

/* Bytes as the language writes them: "text" when readable and not empty, else x"..". */
void pk_text_bytes(pk_buf *out, pk_bytes bytes);

/* `bits` bits from bit `off`: x".." for a whole number of bytes (wherever they begin), bits".." */
void pk_text_bits(pk_buf *out, const uint8_t *bytes, uint64_t off, uint64_t bits);

/* The ENU that names the values of this leaf: the field's own, or the one that another field
 * selects; 0 when there is none. */
pk_ref pk_text_enum(const pk_tree *tree, pk_tree_node leaf, const pk_writer *how);

/* The names of `number` in an enum or flag set. A number without a name, or with bits left over,
 * has none; bits of a set that have no name follow as one number (S|A|0x200). */
bool pk_text_enumerator(pk_buf *out, const pk_image *image, pk_ref names, uint64_t number);

/* The meaning of a leaf or of a struct with a codec, unescaped. */
bool pk_text_meaning(pk_buf *out, const pk_tree *tree, pk_tree_node node, const pk_writer *how);

/* A value apart from its tree, as field `field` of the image is written: flags by their letters or
 * names, codec texts, addresses, integers as declared. `names`: an enumerator by its name, among
 * those that `selector` selects where the field's names hang on another. Escaped like a meaning is:
 * not at all. */
void pk_text_value(pk_buf *out, const pk_image *image, pk_ref field, pk_value value, bool names,
                   pk_value selector);

/* A value of which nothing is known: a number, an address by its length, readable text as it is, or
 * x"hex". Not escaped. */
void pk_text_any(pk_buf *out, pk_value value);

/* The same, of a duration or a moment where the form says so. */
void pk_text_form(pk_buf *out, pk_view_form form, pk_value value);

/* What is on the wire; always possible, always safe to print. */
void pk_text_plain(pk_buf *out, const pk_tree *tree, pk_tree_node leaf);

/* The leaf as an expression of the language. */
void pk_text_source(pk_buf *out, const pk_tree *tree, pk_tree_node leaf);

/* The same of a leaf or struct through its codec alone, if it has one and its bytes have a text. */
bool pk_text_by_codec(pk_buf *out, const pk_tree *tree, pk_tree_node node);

/* The codec of a field or struct type, PK_CODEC_NONE without one (or with an unknown one). */
pk_codec pk_text_codec(const pk_image *image, pk_ref name);

/* Replaces what stands in `out` from `start` on by its escaped form. */
typedef void pk_text_escaper(pk_buf *out, const void *bytes, size_t len);
void pk_text_escape_from(pk_buf *out, size_t start, pk_text_escaper *escape);

/* Forgets what was appended from `start` on. */
void pk_text_truncate(pk_buf *out, size_t start);

#endif
