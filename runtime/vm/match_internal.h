/*
 * Inside of the matcher: what its files share.
 *
 * match_keys.c computes the keys of a packet, match.c keeps stimuli by them and finds them again,
 * match_plan.c remembers how the keys of packets of one shape come about.
 */
#ifndef PK_VM_MATCH_INTERNAL_H
#define PK_VM_MATCH_INTERNAL_H

#include "vm/match_chain.h"
#include "vm/match_plan.h"

enum {
    PK_MATCH_QUOTED_LAYERS = 16,
    PK_MATCH_QUOTE_STARTS = 2,
    PK_MATCH_KEYS = 256 /* of one packet */
};

/* Which chains stimuli have: a received packet with none of them as its beginning is other traffic.
 * When there are too many different ones, every chain counts as known. */
typedef struct pk_known_chain {
    uint64_t hash;
    uint64_t used; /* combinations of shapes that some stimulus has a key of */
} pk_known_chain;

typedef struct pk_chain_set {
    pk_known_chain chains[PK_MATCH_CHAINS];
    uint32_t count;
    uint32_t version; /* counts changes */
    bool full;
} pk_chain_set;

/* The keys that a packet is found by, or looked up by, in that order: first those of answers, then
 * those of what a quotation of it would hold. */
typedef struct pk_match_keys {
    uint32_t answers, quotes;
    pk_value keys[PK_MATCH_KEYS];
    uint64_t chain, used; /* SENT: its chain, and the combinations that gave a key; 0: none */
    bool resembles;       /* REPLY: it begins with the layers of some stimulus */
} pk_match_keys;

struct pk_match {
    pk_vm *vm;
    const pk_image *image;
    const pk_image_probe *rule; /* NULL: the layers say what answers */
    pk_match_table answers;
    pk_match_table quotes;
    uint64_t expected;
    pk_chain_set chains;
    pk_ref quoted[PK_MATCH_QUOTED_LAYERS]; /* layers that a quotation can begin with */
    uint32_t n_quoted;
    pk_ref copy_of; /* STR: the name, 0 when no layer has it */
    pk_match_chain sent, reply, quotation;
    pk_match_keys keys;
    pk_match_plans *plans; /* NULL: nothing is remembered */
};

/* The keys of match->sent, of match->reply, into match->keys. */
void pk_match_sent_keys(pk_match *match);
void pk_match_reply_keys(pk_match *match);

void pk_match_chain_note(pk_chain_set *chains, uint64_t hash, uint64_t used);
bool pk_match_can_be_quoted(const pk_match *match, pk_ref layer);

/* Does the reply at hand answer the stimulus? Every layer's `answers` itself is asked. */
bool pk_match_verify(pk_match *match, const pk_tree *sent);

#endif
