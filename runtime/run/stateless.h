/*
 * Stateless matching: which stimulus a received packet answers, with nothing kept of any.
 *
 * The compiler has laid pieces of a cookie (base/cookie.h) into fields that answers echo. From a
 * reply the pieces are read by the equations of `def answers`, turned round: where a shape says
 * `ack == q.seq + q.seglen`, the piece in seq is ack less what else the sum has, which a sample
 * packet of each alternative tells. Where the word has room, it gives the packet's number. Where it
 * has not, the number is found from the axes: each varying field that is echoed tells its digit
 * (reply source address -> place in the set of targets). Either way the stimulus is made again, and
 * the whole predicate decides.
 *
 * A quotation holds the stimulus's own fields; as many bits of the cookie as it holds must be
 * right, and be PK_COOKIE_PROOF at least (all of a shorter word).
 *
 * Memory is constant in the number of stimuli: a sample for each alternative, times of the latest
 * PK_STATELESS_TIMES sent, and marks of the latest answered, of which a further reply is told to be
 * a duplicate. A mark can be lost to another's, at a place for PK_STATELESS_MARKS of them: then a
 * duplicate counts as one more answer.
 */
#ifndef PK_RUN_STATELESS_H
#define PK_RUN_STATELESS_H

#include "run/stimuli.h"
#include "vm/match.h"

enum {
    PK_STATELESS_ALTERNATIVES = 256, /* alternatives of a stateless probe */
    PK_STATELESS_TIMES = 1 << 17,
    PK_STATELESS_MARKS = 1 << 16
};

typedef struct pk_stateless pk_stateless;

/* The stimuli's link must be set. PK_ELIMIT for too many alternatives; PK_EUNSUPPORTED with the way
 * out when the cookie has no room for the set's numbers and an axis cannot be told from an answer.
 * `times`: keep the times of sending. The rest is borrowed. */
int pk_stateless_new(pk_stateless **ret_stateless, pk_match *match, pk_stimuli *stimuli, bool times,
                     pk_error *reterr_);
void pk_stateless_free(pk_stateless *stateless);

void pk_stateless_sent(pk_stateless *stateless, uint64_t k, int64_t now);

/* Judges a reply; `begun` stimuli were sent so far. ANSWER or QUOTE: *ret_n and *ret_k are which,
 * *ret_sent its tree, good until the next call. */
typedef struct pk_stateless_result {
    pk_match_result match;
    pk_u128 n;
    uint64_t k;
    const pk_tree *sent;
} pk_stateless_result;
void pk_stateless_find(pk_stateless *stateless, const pk_tree *reply, uint64_t begun,
                       pk_stateless_result *ret_result);

/* Notes an answer to k; false when one was noted before. */
bool pk_stateless_mark(pk_stateless *stateless, uint64_t k);

/* When stimulus k was sent; 0 when that is not known any more. */
int64_t pk_stateless_sent_at(const pk_stateless *stateless, uint64_t k);

#endif
