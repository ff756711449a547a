/*
 * Patterns: does a packet contain these layers (`answer ip(src=10.0.0.0/8)/.../dns(qr=1)`)?
 *
 * A pattern's layers lie directly on each other, somewhere in the packet; where `...` stands, others
 * may lie between. Each has a condition, evaluated in its instance. What a tunnel carries is part of
 * the packet. What an error report quotes is so only behind the report itself: `icmp()/ip()/udp()`
 * can match there, `udp()` does not.
 */
#ifndef PK_VM_PATTERN_H
#define PK_VM_PATTERN_H

#include "vm/vm.h"

/* Does the packet match pattern `pattern` (PAT)? */
bool pk_pattern_holds(pk_vm *vm, const pk_tree *tree, pk_ref pattern);

/* Any of the `count` patterns from `first` on. */
bool pk_pattern_any(pk_vm *vm, const pk_tree *tree, pk_ref first, uint32_t count);

#endif
