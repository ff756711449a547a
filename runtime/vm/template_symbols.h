/*
 * Making the symbols of a trace (template_trace.h): nodes and the limits of their values, pieces
 * and byte strings.
 *
 * Symbol 0 is none: where a function takes or gives it the trace broke or memory ran out, the
 * machine has failed, and what is made of it does not matter.
 */
#ifndef PK_VM_TEMPLATE_SYMBOLS_H
#define PK_VM_TEMPLATE_SYMBOLS_H

#include "template_trace.h"

__extension__ typedef __int128 pk_trace_bound;

bool pk_trace_grow(pk_vm *vm, void **array, uint32_t *cap, uint32_t need, size_t size);

uint16_t pk_trace_node(pk_vm *vm, trace_node node);
void pk_trace_limit(trace_node *node, pk_trace_bound least, pk_trace_bound most);
uint16_t pk_trace_node_of(pk_vm *vm, pk_value number); /* its symbol, or a constant's */
uint16_t pk_trace_combined(pk_vm *vm, pk_op op, uint16_t a, uint16_t b);
uint16_t pk_trace_with(pk_vm *vm, pk_op op, uint16_t a, int64_t number);

pk_value pk_trace_named(pk_value value, uint16_t symbol);

/* Adds a piece behind the last one. */
bool pk_trace_piece(pk_vm *vm, uint64_t bit, unsigned bits, uint16_t node);
/* The pieces from `first` on are those of `value`; without any it is constant. */
pk_value pk_trace_string_from(pk_vm *vm, uint32_t first, pk_value value);
/* Adds the pieces of `bytes`, moved by `shift` bits. */
bool pk_trace_pieces_of(pk_vm *vm, pk_value bytes, uint64_t shift);
/* At most 8 bytes as a big-endian number. */
uint16_t pk_trace_number_of(pk_vm *vm, pk_value bytes);
/* `result` is all of a node's low bits. */
pk_value pk_trace_string_of(pk_vm *vm, uint16_t node, pk_value result);

#endif
