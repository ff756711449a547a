/*
 * 128-bit counts as text: the sizes and indices of packet sets.
 */
#ifndef PK_BASE_WIDE_H
#define PK_BASE_WIDE_H

#include "base/buf.h"

/* Decimal digits, without separators. */
void pk_wide_add(pk_buf *out, pk_u128 number);

/* Decimal digits with `_` between them allowed, all of `text`; false for anything else, the empty
 * text and numbers of more than 128 bits. */
bool pk_wide_parse(const char *text, pk_u128 *ret_number);

#endif
