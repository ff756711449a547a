/*
 * An evaluation followed once and then repeated for other packets of the same shapes.
 *
 * While expressions over one or two trees are evaluated with a trace that follows
 * (template_trace.h), it notes each value's way from the bits of the packets, and each decision as a
 * guard. What came of it is then a straight program: load bits, compute, compare with what was
 * decided, fold into hashes. For other packets whose trees have the same records the program gives
 * what the evaluation would have given, or says that a decision would have fallen otherwise.
 *
 * A program owns its memory.
 */
#ifndef PK_VM_MATCH_FOLLOW_H
#define PK_VM_MATCH_FOLLOW_H

#include "vm/vm.h"

typedef struct pk_follow pk_follow;

/* From now on what the machine evaluates over trees is followed. */
typedef struct vm_trace vm_trace;
vm_trace *pk_follow_begin(pk_vm *vm); /* NULL without memory */

/* No more; makes the program that gives `count` values as they were computed. NULL when something
 * turned up that cannot be followed, or without memory. */
pk_follow *pk_follow_end(pk_vm *vm, vm_trace *trace, const pk_value *values, uint32_t count);
void pk_follow_free(pk_follow *follow);

/* Runs it over packet 0, and packet 1 where there were two. False when a decision falls otherwise. */
bool pk_follow_run(pk_follow *follow, const pk_tree *first, const pk_tree *second);

/* Value `i` of the last run that was true. */
int64_t pk_follow_value(const pk_follow *follow, uint32_t i);

#endif
