/*
 * How keys and verdicts come about, remembered by the shapes of packets.
 *
 * Trees with one `shape` have the same records (tree/tree.h), so what is evaluated over them differs
 * only by the bits that are read. The first packet of a shape is evaluated by the machine and
 * followed (match_follow.h); for the next ones the program that came of it gives the keys of a
 * stimulus, the keys that a reply is looked up by, and whether a reply of one shape answers a
 * stimulus of another. Where a decision falls otherwise a further program is made, up to
 * PK_MATCH_VARIANTS of each; what cannot be followed is evaluated each time, with the same result.
 *
 * Owned by a matcher; nothing here fails: without memory everything is evaluated.
 */
#ifndef PK_VM_MATCH_PLAN_H
#define PK_VM_MATCH_PLAN_H

#include "vm/match.h"

enum {
    PK_MATCH_PLANS = 512,  /* shapes, and pairs of them, for which something is remembered */
    PK_MATCH_VARIANTS = 4, /* programs of each */
    PK_MATCH_ATTEMPTS = 8  /* evaluations followed for each */
};

typedef struct pk_match_plans pk_match_plans;

pk_match_plans *pk_match_plans_new(void); /* NULL without memory */
void pk_match_plans_free(pk_match_plans *plans);

/* Computes the keys of a stimulus into match->keys. */
void pk_match_plan_sent(pk_match *match, const pk_tree *sent);

/* The same of a reply, which may have quoting layers (match->reply.n_quoting). */
void pk_match_plan_reply(pk_match *match, const pk_tree *reply);

/* Does the reply answer the stimulus? */
bool pk_match_plan_verify(pk_match *match, const pk_tree *reply, const pk_tree *sent);

#endif
