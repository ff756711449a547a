/*
 * Templates: the packets of an alternative without building each.
 *
 * pk_template_new builds one packet of an alternative with the general machine and a trace
 * (template_trace.h) of where each value comes from. When nothing that varies decided how the packet
 * is made, all packets of the alternative have this one shape: constant bytes, pieces that are
 * computed from the index, and checksums that are sums of constant words and pieces.
 * pk_template_expand then writes packets in batches: the packet's constant bytes are copied, and
 * each step of a small program computes one column of values for the whole batch. The result is
 * the general machine's, byte for byte; five packets of the alternative are compared when the
 * template is made.
 *
 * What the environment says of the way to a destination is a constant when all destinations of the
 * alternative go the same known way; else it is asked for each packet.
 *
 * Otherwise there is no template, and a sentence says why; the caller uses pk_vm_build for all
 * packets of that alternative. It also does so for the packets that pk_template_expand refuses:
 * those whose value may not fit its field, and those whose way is not known.
 *
 * A template keeps no reference to the machine but borrows its space and image; it is good as long
 * as the machine's parameters, space and link layer stay. It holds columns of its own, so it is for
 * one thread.
 */
#ifndef PK_VM_TEMPLATE_H
#define PK_VM_TEMPLATE_H

#include "vm/vm.h"

enum {
    PK_TEMPLATE_BATCH = 256,
    PK_TEMPLATE_REASON = 160,
    PK_TEMPLATE_LIMIT = 65536, /* bytes of a packet */
    PK_TEMPLATE_SUM = 8192     /* pieces under one checksum */
};

typedef struct pk_template pk_template;

/* The template of alternative `alt`, where indices count from alternative `first` on, as in
 * pk_space_locate. NULL: `reterr_reason` (PK_TEMPLATE_REASON bytes) says why there is none, and
 * *ret_later (may be NULL) whether there may be one once a link address is known. The machine must
 * not be at work. */
pk_template *pk_template_new(pk_vm *vm, pk_ref first, pk_ref alt, char *reterr_reason,
                             bool *ret_later);
void pk_template_free(pk_template *templ);

uint32_t pk_template_length(const pk_template *templ); /* bytes of each packet */
const uint8_t *pk_template_bytes(const pk_template *templ);
uint32_t pk_template_steps(const pk_template *templ); /* columns computed for a batch */

/* Takes other kernels (template_kernels.h) than the best of this processor; for tests and benchmarks.
 */
struct pk_kernels;
void pk_template_use(pk_template *templ, const struct pk_kernels *kernels);

/* The packets first .. first + count - 1, or, with `numbers`, those of these indices in this order;
 * all lie in the alternative. */
typedef struct pk_template_run {
    pk_u128 first;
    const pk_u128 *numbers; /* may be NULL */
    uint32_t count;
    /* Where packets go: slot i is slots[i], or without `slots` at base + i * stride. */
    uint8_t *base;
    size_t stride;
    uint8_t *const *slots;
    bool prepared; /* every slot holds a packet of this template already */
    pk_u128 loop;  /* is added to each index where random values are drawn */
    bool *refused; /* one for each packet, may be NULL */
} pk_template_run;

/* Writes the packets. Those that the general machine must build are marked in `refused` (their
 * slots then hold anything), and all are written; without `refused` writing stops before the first
 * of them. Returns how many were written. */
uint32_t pk_template_expand(pk_template *templ, const pk_template_run *run);

/* The tree of a packet of this template, over its `bytes`; good until the next call. NULL when its
 * packets do not all have the same tree. */
const pk_tree *pk_template_tree(pk_template *templ, const uint8_t *bytes);

#endif
