/*
 * Ranges of octets, "192.168.*.1-10", and host names: texts that stand for addresses without being one.
 */
#ifndef PK_BASE_OCTETS_H
#define PK_BASE_OCTETS_H

#include "base/types.h"

/* Four parts between dots, each a number, `first-last` upwards, or `*` for all; at least one of them no
 * plain number. False for any other text. */
bool pk_octets_parse(const char *text, size_t len, uint8_t ret_lo[4], uint8_t ret_hi[4]);

/* Whether the text has the form of a host name (RFC 1123 section 2.1, and `_`): labels of letters,
 * digits, `-` and `_` between dots, at most 253 characters, not all of them digits and dots. */
bool pk_host_name_form(const char *text, size_t len);

/* "www.example.com/24": the length of the name in front and of the prefix; false for any other text. */
bool pk_host_prefix_parse(const char *text, size_t len, size_t *ret_name_len, unsigned *ret_prefix);

#endif
