/*
 * The packets of a range of alternatives by index, the fastest way there is for each.
 *
 * An alternative of some size gets a template when its first packet is asked for; packets asked for
 * one after the other are expanded in batches that grow. All others are built by the general
 * machine: those of small alternatives, of alternatives without a template, and those that a
 * template stops before. So every packet comes out as pk_vm_build makes it, errors included.
 *
 * An expander borrows the machine, whose parameters, space, link layer and seed must stay as they
 * are; it must not be asked while the machine is at work. It is for one thread.
 */
#ifndef PK_VM_TEMPLATE_EXPANDER_H
#define PK_VM_TEMPLATE_EXPANDER_H

#include "vm/template.h"

enum {
    PK_EXPANDER_LEAST = 16,    /* packets that an alternative must have to get a template */
    PK_EXPANDER_TEMPLATES = 64 /* kept by one expander; further alternatives go without */
};

typedef struct pk_expander pk_expander;

/* For alternatives first .. first + count - 1, indices counted as in pk_space_locate. NULL without
 * memory. */
pk_expander *pk_expander_new(pk_vm *vm, pk_ref first, uint32_t count);
void pk_expander_free(pk_expander *expander);

/* From now on `layer` (0: none) is put below every stack whose outermost layer can lie on it; and
 * which layer that is for an alternative. */
void pk_expander_link_set(pk_expander *expander, pk_ref layer);
pk_ref pk_expander_link_before(const pk_expander *expander, pk_ref alt);

/* The template that packet `index` comes from, for whoever expands batches of his own; NULL when it
 * must be built, for now or for good. */
pk_template *pk_expander_template(pk_expander *expander, pk_u128 index);
/* The same, with its alternative and where that ends. */
pk_template *pk_expander_span(pk_expander *expander, pk_u128 index, pk_ref *ret_alt,
                              pk_u128 *ret_end);

/* Packet `index` and the alternative it is of. The bytes are good until the next call. On failure
 * the code and text of pk_vm_build; PK_ENOENT for an index beyond the end. */
int pk_expander_packet(pk_expander *expander, pk_u128 index, pk_bytes *ret_bytes, pk_ref *ret_alt,
                       pk_vm_error *reterr_error);

/* Packets that came from templates so far, and that the general machine built. */
typedef struct pk_expander_counts {
    uint64_t expanded, built;
} pk_expander_counts;
pk_expander_counts pk_expander_count(const pk_expander *expander);

#endif
