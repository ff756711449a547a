#include "run/tracker.h"

#include <stdlib.h>

/* A stimulus's state: replies in the low 16 bits, tries in the next 8, flags above. */
enum {
    REPLIES = 0xffff,
    TRY_ONE = 1 << 16,
    TRY_SHIFT = 16,
    TRY_MASK = 0xff,
    BEGUN = 1 << 24,
    CLOSED = 1 << 25, /* enough replies, or given up */
    GIVEN_UP = 1 << 26,
    FAILED = 1 << 27, /* no try was taken by the kernel */
    CAP_MIN = 256
};

void pk_tracker_init(pk_tracker *ret_tracker, const pk_tracker_options *options)
{
    *ret_tracker = (pk_tracker){.options = *options};
    if (ret_tracker->options.retry > PK_TRACKER_RETRY_LIMIT)
        ret_tracker->options.retry = PK_TRACKER_RETRY_LIMIT;
    if (ret_tracker->options.collect > REPLIES)
        ret_tracker->options.collect = REPLIES;
}

void pk_tracker_free(pk_tracker *tracker)
{
    free(tracker->sent_at);
    free(tracker->state);
    pk_queue_free(&tracker->flight);
    pk_queue_free(&tracker->again);
    *tracker = (pk_tracker){0};
}

int pk_tracker_reserve(pk_tracker *tracker, uint64_t count)
{
    if (count > PK_TRACKER_STIMULI_LIMIT)
        return PK_ELIMIT;
    if (count <= tracker->cap)
        return PK_OK;
    int64_t *sent_at = realloc(tracker->sent_at, count * sizeof *sent_at);
    if (!sent_at)
        return PK_ENOMEM;
    tracker->sent_at = sent_at;
    uint32_t *state = realloc(tracker->state, count * sizeof *state);
    if (!state)
        return PK_ENOMEM;
    tracker->state = state;
    tracker->cap = (uint32_t)count;
    return PK_OK;
}

static int add_stimulus(pk_tracker *tracker)
{
    if (tracker->count == tracker->cap) {
        uint64_t cap = (uint64_t)tracker->cap * 3 / 2;
        int error = tracker->cap >= PK_TRACKER_STIMULI_LIMIT
                        ? PK_ELIMIT
                        : pk_tracker_reserve(tracker, cap < CAP_MIN ? CAP_MIN : cap);
        if (error)
            return error;
    }
    tracker->state[tracker->count] = 0;
    tracker->sent_at[tracker->count++] = 0;
    return PK_OK;
}

static int make_room(pk_tracker *tracker, uint32_t k)
{
    int error = PK_OK;
    while (!error && k >= tracker->count)
        error = add_stimulus(tracker);
    return error;
}

int pk_tracker_begin(pk_tracker *tracker, uint32_t k, bool *ret_first)
{
    int error = make_room(tracker, k);
    if (error)
        return error;
    *ret_first = !(tracker->state[k] & BEGUN);
    tracker->state[k] |= BEGUN;
    return PK_OK;
}

static uint32_t tries_of(uint32_t state)
{
    return state >> TRY_SHIFT & TRY_MASK;
}

static void first_try_failed(pk_tracker *tracker, uint32_t k)
{
    tracker->state[k] |= CLOSED | GIVEN_UP | FAILED;
    tracker->failed++;
}

int pk_tracker_sent(pk_tracker *tracker, uint32_t k, int64_t now, bool left)
{
    int error = make_room(tracker, k);
    if (error)
        return error;
    bool first = tries_of(tracker->state[k]) == 0;
    tracker->state[k] += TRY_ONE;
    tracker->sent_at[k] = now;
    if (first && !left) {
        first_try_failed(tracker, k);
        return PK_OK;
    }
    if (first) {
        tracker->sent++;
        tracker->open++;
    } else {
        tracker->retries++;
    }
    return pk_queue_put(&tracker->flight, k) ? PK_OK : PK_ENOMEM;
}

static void close_stimulus(pk_tracker *tracker, uint32_t k, uint32_t flags)
{
    if (!(tracker->state[k] & CLOSED))
        tracker->open--;
    tracker->state[k] |= CLOSED | flags;
}

static bool may_try_again(const pk_tracker *tracker, uint32_t k)
{
    return (tracker->state[k] & REPLIES) == 0 &&
           tries_of(tracker->state[k]) <= tracker->options.retry;
}

/* Did a reply come too late? Only the last try's deadline counts. */
static bool is_late(const pk_tracker *tracker, uint32_t k, int64_t arrival)
{
    int64_t deadline = tracker->sent_at[k] + tracker->options.timeout;
    return arrival > deadline && !may_try_again(tracker, k);
}

static pk_verdict count_answer(pk_tracker *tracker, uint32_t k)
{
    uint32_t replies = tracker->state[k] & REPLIES;
    uint32_t collect = tracker->options.collect;
    if (collect != PK_COLLECT_ALL && replies >= collect) {
        tracker->duplicates++;
        return PK_VERDICT_DUPLICATE;
    }
    if (!replies)
        tracker->answered++;
    if (replies < REPLIES)
        tracker->state[k]++;
    tracker->answers++;
    if (collect != PK_COLLECT_ALL && replies + 1 == collect)
        close_stimulus(tracker, k, 0);
    return PK_VERDICT_ANSWER;
}

pk_verdict pk_tracker_reply(pk_tracker *tracker, uint32_t k, int64_t arrival, uint32_t *ret_try,
                            int64_t *ret_rtt)
{
    *ret_try = tries_of(tracker->state[k]);
    *ret_rtt = arrival > tracker->sent_at[k] ? arrival - tracker->sent_at[k] : 1;
    bool enough = tracker->options.collect != PK_COLLECT_ALL &&
                  (tracker->state[k] & REPLIES) >= tracker->options.collect;
    if (!enough && is_late(tracker, k, arrival)) {
        tracker->late++;
        return PK_VERDICT_LATE;
    }
    return count_answer(tracker, k);
}

static int deadline_passed(pk_tracker *tracker, uint32_t k)
{
    if (tracker->state[k] & CLOSED)
        return PK_OK;
    if (!may_try_again(tracker, k)) {
        close_stimulus(tracker, k, GIVEN_UP);
        return PK_OK;
    }
    return pk_queue_put(&tracker->again, k) ? PK_OK : PK_ENOMEM;
}

int pk_tracker_expire(pk_tracker *tracker, int64_t now)
{
    uint32_t k;
    while (pk_queue_peek(&tracker->flight, &k)) {
        bool closed = tracker->state[k] & CLOSED;
        if (!closed && now <= tracker->sent_at[k] + tracker->options.timeout)
            return PK_OK;
        pk_queue_get(&tracker->flight, &k);
        int error = deadline_passed(tracker, k);
        if (error)
            return error;
    }
    return PK_OK;
}

bool pk_tracker_again(pk_tracker *tracker, uint32_t *ret_k)
{
    while (pk_queue_get(&tracker->again, ret_k))
        if (!(tracker->state[*ret_k] & CLOSED))
            return true;
    return false;
}

int64_t pk_tracker_deadline(pk_tracker *tracker)
{
    uint32_t k;
    if (!pk_queue_peek(&tracker->flight, &k))
        return INT64_MAX;
    return tracker->sent_at[k] + tracker->options.timeout;
}

bool pk_tracker_answered(const pk_tracker *tracker, uint32_t k)
{
    return tracker->state[k] & REPLIES;
}

bool pk_tracker_unanswered(const pk_tracker *tracker, uint32_t k)
{
    uint32_t state = tracker->state[k];
    return tries_of(state) && !(state & (REPLIES | FAILED));
}

uint32_t pk_tracker_tries(const pk_tracker *tracker, uint32_t k)
{
    return tries_of(tracker->state[k]);
}
