/*
 * Making any bytes safe to show: in JSON, on a terminal, in a string literal of the language.
 *
 * Whatever came from a file, a packet or a command line passes one of these before it is printed.
 * All three append to a buffer (whose sticky error is the only thing that can fail), accept any
 * bytes whatever, and are reversible: different inputs give different outputs.
 *
 * Well-formed UTF-8 (RFC 3629) is kept where it can be seen. "Invisible" characters are never kept:
 * C0 and C1 controls, DEL, line and paragraph separators, the bidirectional controls that reorder a
 * line, zero-width and tag characters.
 */
#ifndef PK_BASE_ESCAPE_H
#define PK_BASE_ESCAPE_H

#include "base/buf.h"

/* The length of the well-formed UTF-8 sequence that `bytes` begins with, its code point in
 * *ret_code; 0 (and *ret_code untouched) when there is none. */
size_t pk_escape_utf8(const uint8_t *bytes, size_t len, uint32_t *ret_code);

/* Whether a code point is one of the invisible ones described above. */
bool pk_escape_invisible(uint32_t code);

/* A whole JSON string (RFC 8259 section 7), quotes included. Invisible characters are written as
 * \uXXXX. A byte that is not part of well-formed UTF-8 becomes the four characters \xHH in the
 * *decoded* string (in the JSON text: \\xHH), and a backslash that happens to stand before xHH
 * becomes \x5c, so that replacing each \xHH in the decoded string by its byte restores the input,
 * whatever JSON tool it went through. HH is lower case. */
void pk_escape_json(pk_buf *out, const void *bytes, size_t len);

/* Text for a terminal: invisible characters and ill-formed bytes become \xHH, byte by byte. Only
 * the backslash before xHH is escaped too (as \x5c). Newlines and tabs count as invisible. */
void pk_escape_terminal(pk_buf *out, const void *bytes, size_t len);

/* The inside of a string literal of the language, without its quotes: \n \r \t \\ \" and \xHH.
 * Reading the literal gives back exactly these bytes. */
void pk_escape_literal(pk_buf *out, const void *bytes, size_t len);

#endif
