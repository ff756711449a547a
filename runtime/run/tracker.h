/*
 * What became of each stimulus: sent, tried again, answered, given up.
 *
 * Stimuli are numbered from 0 in the order in which they were first sent. A stimulus costs 12
 * bytes, and 4 more while it waits for its deadline or for its next try. All times are nanoseconds
 * of the monotonic clock, so a step of the wall clock moves nothing.
 *
 * A stimulus is open from its first try until enough replies came (collect) or its last try's
 * time-out passed. A reply to an open stimulus is an answer; once enough came, a duplicate; after
 * the stimulus was given up, late: told apart, never silently dropped. A reply that arrived in time
 * but is looked at afterwards counts by its arrival.
 *
 * The tracker owns its memory. Whatever can fail fails with PK_ENOMEM or PK_ELIMIT.
 */
#ifndef PK_RUN_TRACKER_H
#define PK_RUN_TRACKER_H

#include "run/queue.h"

#define PK_TRACKER_STIMULI_LIMIT \
    (UINT32_C(1) << 30)             /* stimuli of one run that is kept track of \
                                     */
#define PK_TRACKER_RETRY_LIMIT 250u /* tries beyond the first */
#define PK_COLLECT_ALL         0u

typedef struct pk_tracker_options {
    int64_t timeout;  /* after the last try */
    uint32_t retry;   /* more tries for the unanswered */
    uint32_t collect; /* replies kept for a stimulus, at most 65535; or PK_COLLECT_ALL */
} pk_tracker_options;

typedef enum pk_verdict {
    PK_VERDICT_ANSWER,    /* the first reply, or a further one that was asked for */
    PK_VERDICT_DUPLICATE, /* one more than asked for */
    PK_VERDICT_LATE,      /* the stimulus had been given up */
    PK_VERDICT_UNMATCHED, /* of a kind that stimuli have, yet no answer to one */
    PK_VERDICT_OTHER,     /* nothing that a stimulus of this run could cause */
    PK_VERDICT_HEARD      /* neither, and yet what `listen` watches for */
} pk_verdict;

typedef struct pk_tracker {
    pk_tracker_options options;
    int64_t *sent_at;
    uint32_t *state;
    uint32_t cap, count;
    pk_queue flight; /* waiting for their deadline, in the order of sending */
    pk_queue again;  /* to be sent once more */
    uint64_t open;
    uint64_t sent;     /* stimuli of which at least one try left */
    uint64_t failed;   /* stimuli of which none did */
    uint64_t retries;  /* tries beyond the first */
    uint64_t answered; /* stimuli with at least one answer */
    uint64_t answers;  /* replies by verdict */
    uint64_t duplicates;
    uint64_t late;
} pk_tracker;

void pk_tracker_init(pk_tracker *ret_tracker, const pk_tracker_options *options);
void pk_tracker_free(pk_tracker *tracker);

/* Memory for `count` stimuli at once, where the number is known. */
int pk_tracker_reserve(pk_tracker *tracker, uint64_t count);

/* Makes stimulus `k` known; *ret_first: it was not before. */
int pk_tracker_begin(pk_tracker *tracker, uint32_t k, bool *ret_first);

/* Notes a try of stimulus `k` (a new number, or one that pk_tracker_again gave out); numbers below
 * it that were not noted yet count as not tried. `left`: the kernel took it. */
int pk_tracker_sent(pk_tracker *tracker, uint32_t k, int64_t now, bool left);

/* Judges a reply to stimulus `k` that arrived at `arrival`; *ret_try counts from 1, *ret_rtt is the
 * time since that try, at least 1. */
pk_verdict pk_tracker_reply(pk_tracker *tracker, uint32_t k, int64_t arrival, uint32_t *ret_try,
                            int64_t *ret_rtt);

/* Gives up, or puts up for another try, whatever is due at `now`. */
int pk_tracker_expire(pk_tracker *tracker, int64_t now);

/* The stimulus to be sent again next; false when there is none. */
bool pk_tracker_again(pk_tracker *tracker, uint32_t *ret_k);

/* The next deadline; INT64_MAX when nothing waits. */
int64_t pk_tracker_deadline(pk_tracker *tracker);

bool pk_tracker_answered(const pk_tracker *tracker, uint32_t k);

/* Did a try of `k` leave, and no answer come? */
bool pk_tracker_unanswered(const pk_tracker *tracker, uint32_t k);

/* Tries made of `k` so far. */
uint32_t pk_tracker_tries(const pk_tracker *tracker, uint32_t k);

#endif
