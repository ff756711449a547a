/*
 * The stimuli of a run: packet n of a probe, whole as the link carries it, at any time.
 *
 * Most packets come from templates (vm/template_expander.h), in batches where the caller has some to
 * ask for; the others are built one by one.
 *
 * A packet is a pure function of n (and of routes that are looked up): it is built for sending, for
 * a further try, for verifying a candidate and for whoever looks at the results, and never kept.
 * When the outermost layer of a stack is not the link's own but one that can lie on it, the link's
 * layer is put before it, with default fields; a stack that can do neither is sent as it is. A frame of
 * a capture is sent as it is, on links of its own type only.
 */
#ifndef PK_RUN_STIMULI_H
#define PK_RUN_STIMULI_H

#include "base/buf.h"
#include "base/error.h"
#include "run/options.h"
#include "run/order.h"
#include "vm/template_expander.h"

typedef struct pk_stimuli {
    pk_vm *vm;
    const pk_image *image;
    const pk_image_probe *probe;
    pk_ref link_layer; /* of the link's frames; 0: none known */
    uint32_t link;     /* LINKTYPE_ of the link */
    pk_u128 total;     /* packets of the probe's set */
    pk_u128 asked;     /* packets of this run */
    pk_order order;
    pk_point point;
    bool has_point;
    pk_expander *expander;
} pk_stimuli;

enum { PK_STIMULI_BATCH = 256 };

/* A probe that only listens has no stimuli. The machine's space must be open. PK_EFORMAT for an empty set, PK_ELIMIT for one of more than
 * 2^128 - 1 packets. */
int pk_stimuli_init(pk_stimuli *ret_stimuli, pk_vm *vm, const pk_image *image,
                    const pk_image_probe *probe, const pk_run_options *options, pk_error *reterr_);
void pk_stimuli_free(pk_stimuli *stimuli);

/* What the frames of the link begin with, by LINKTYPE_ number. */
void pk_stimuli_link_set(pk_stimuli *stimuli, uint32_t linktype);

/* The number of the k-th packet sent. */
pk_u128 pk_stimuli_number(const pk_stimuli *stimuli, uint64_t k);

/* The template of packet `n`; NULL when it must be built. */
pk_template *pk_stimuli_template(pk_stimuli *stimuli, pk_u128 n);

/* Expands `count` (at most PK_STIMULI_BATCH) packets of templates: number ns[i], of templates[i]
 * (not NULL), into slots[i]. Those marked in ret_refused must be built. */
void pk_stimuli_expand(const pk_stimuli *stimuli, const pk_u128 *ns, pk_template *const *templates,
                       uint8_t *const *slots, uint32_t count, bool *ret_refused);

/* Expands or builds packet `n` into `out` (cleared first) and, unless NULL, its tree over it. */
int pk_stimuli_packet(pk_stimuli *stimuli, pk_u128 n, pk_buf *out, pk_tree *tree,
                      pk_vm_error *reterr_error);

/* The same, always built. */
int pk_stimuli_build(pk_stimuli *stimuli, pk_u128 n, pk_buf *out, pk_tree *tree,
                     pk_vm_error *reterr_error);

/* Is the link's layer put before packet `n`? */
bool pk_stimuli_link_added(pk_stimuli *stimuli, pk_u128 n);

#endif
