/*
 * Random descriptions of sets of packets, the same for the same state: stacks of layers whose
 * fields are constant, ranges, lists, prefixes, random, or calculated; options, odd payloads, VLAN
 * tags, IPv6 and tunnels.
 */
#ifndef PK_TESTS_TEMPLATE_SAMPLE_H
#define PK_TESTS_TEMPLATE_SAMPLE_H

#include "base/buf.h"

uint64_t sample_next(uint64_t *state);
uint64_t sample_below(uint64_t *state, uint64_t n);

/* Appends a program with one `send`. */
void sample_program(uint64_t *state, pk_buf *out);

#endif
