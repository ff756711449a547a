/*
 * Matching: which stimulus a received packet answers.
 *
 * What answers what is declared in the layers (`def answers(q)`); the compiler has split each into
 * shapes, equations between the reply's side and the stimulus's with guards on either. The chain of
 * a packet is its layers that define `answers`, from the outermost inwards; layers without it
 * (plain bytes) count for nothing. A reply answers a stimulus when its chain begins with the
 * stimulus's chain, layer for layer, and each of its layers answers the one opposite.
 *
 * To find the stimulus without trying them all, the equations become keys: for each combination of
 * the shapes of its chain a stimulus has the hash of all its sent sides, and a reply the hash of
 * all its reply sides. A hit is a candidate, verified by evaluating every layer's `answers` itself
 * against the stimulus, which the caller builds again. Stimuli with one key are told apart by that
 * alone; among equals the earliest unanswered is taken.
 *
 * An error report (`def quotes`) carries a copy of the stimulus, often cut short. Its key is made
 * of the stimulus's own fields that answers echo: all of the network layer's and, of the next one,
 * those that every answer echoes and that lie within its first 8 bytes (RFC 792 promises no more; a
 * path may rewrite the rest, such as TCP's sequence numbers). Among the candidates that one is
 * taken whose bytes agree most with the quotation, on a tie the earliest unanswered.
 *
 * A probe can say for itself what answers it (`answer PATTERN where CONDITION`): then the equations
 * of its condition are the key, and of stimuli that have none, or an equal one, the earliest
 * unanswered is taken.
 *
 * A stack none of whose layers has an equation or a guard cannot be answered. The matcher keeps no packet; it
 * borrows the machine and the image. It is for one thread.
 */
#ifndef PK_VM_MATCH_H
#define PK_VM_MATCH_H

#include "base/buf.h"
#include "vm/match_table.h"
#include "vm/vm.h"

enum {
    PK_MATCH_SHAPES = 64,      /* combinations of a chain's shapes; further layers give no keys */
    PK_MATCH_CANDIDATES = 256, /* stimuli of one key that are tried for one reply */
    PK_MATCH_CHAINS = 256      /* different chains of layers among the stimuli */
};

typedef struct pk_match pk_match;

/* NULL when memory is refused. */
pk_match *pk_match_new(pk_vm *vm, const pk_image *image);
void pk_match_free(pk_match *match);

/* From now on answers are told as this probe says: by its `answer` patterns, when it has any, in
 * place of what the layers define; and `where` must hold of each. Quotations are found as ever. The
 * record is borrowed. Before the first stimulus is added. */
void pk_match_rule_set(pk_match *match, const pk_image_probe *probe);

/* How many stimuli will be added, where that is known: no table is moved while they are. */
void pk_match_expect(pk_match *match, uint64_t stimuli);

/* Adds stimulus `number` (below PK_MATCH_STIMULI_LIMIT), whose finished tree is `sent`. PK_ENOMEM
 * or PK_ELIMIT. */
int pk_match_add(pk_match *match, uint32_t number, const pk_tree *sent);

/* What the matcher asks about stimuli. `rebuild` gives the tree of the stimulus as it was sent,
 * good until the next call; NULL when it cannot be built. */
typedef struct pk_match_source {
    const pk_tree *(*rebuild)(void *context, uint32_t number);
    bool (*answered)(void *context, uint32_t number);
    void *context;
} pk_match_source;

typedef enum pk_match_kind {
    PK_MATCH_OTHER,  /* its layers are those of no stimulus: other traffic */
    PK_MATCH_NONE,   /* could be an answer by its layers, but is none */
    PK_MATCH_ANSWER, /* answers stimulus `number` */
    PK_MATCH_QUOTE   /* quotes stimulus `number` */
} pk_match_kind;

typedef struct pk_match_result {
    pk_match_kind kind;
    uint32_t number;
    pk_tree_node quoting; /* QUOTE: the layer of the reply whose payload is the quotation */
    uint32_t candidates;  /* stimuli of the same key that were looked at */
    bool given_up;        /* NONE: PK_MATCH_CANDIDATES was reached */
} pk_match_result;

void pk_match_find(pk_match *match, const pk_tree *reply, const pk_match_source *source,
                   pk_match_result *ret_result);

/* Judges a reply against one stimulus, looking nothing up: ANSWER, QUOTE or NONE. */
void pk_match_judge(pk_match *match, const pk_tree *reply, const pk_tree *sent,
                    pk_match_result *ret_result);

/* Is this packet itself a stimulus, byte for byte from its network layer on? A loopback shows them.
 */
bool pk_match_is_stimulus(pk_match *match, const pk_tree *packet, const pk_match_source *source);

/* How near a reply came to a stimulus: the equations of the best shape of each layer opposite, in
 * words ("tcp: sport, dport agree, ack is 8, sent 3"). Returns how many equations agree less the
 * number that do not; INT32_MIN when the chains differ. `out` may be NULL. */
int pk_match_compare(pk_match *match, const pk_tree *reply, const pk_tree *sent, pk_buf *out);

#endif
