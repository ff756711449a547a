#include <errno.h>
#include <poll.h>

#include "run/session_internal.h"
#include "vm/pattern.h"

/* Calls of receive in a row, each a block of the ring at most: all that has come, and yet sending
 * is not kept waiting by a flood. */
enum { ROUNDS = 256 };
#define CLOCKS_DIFFER INT64_C(60000000000) /* ns: a time stamp that far off is of another clock */

static const pk_tree *source_rebuild(void *context, uint32_t number)
{
    return pk_session_rebuild(context, number);
}

static bool source_answered(void *context, uint32_t number)
{
    const pk_session *session = context;
    return number < session->tracker.count && pk_tracker_answered(&session->tracker, number);
}

/* A kernel time stamp on the clock of the deadlines. */
static int64_t arrival_of(const pk_frame *frame, int64_t now, int64_t realtime)
{
    int64_t age = realtime - frame->time_ns;
    if (age < -CLOCKS_DIFFER || age > CLOCKS_DIFFER)
        return now;
    return now - age;
}

/* What the loopback shows of our own packets is no answer to anything. */
static bool is_own(pk_session *session, const pk_match_source *source)
{
    return session->loopback && pk_match_is_stimulus(session->match, &session->reply_tree, source);
}

static void judge_matched(pk_session *session, const pk_match_result *result, int64_t arrival,
                          pk_exchange *exchange)
{
    exchange->k = result->number;
    exchange->n = pk_session_number(session, result->number);
    exchange->quoted = result->kind == PK_MATCH_QUOTE;
    exchange->quoting = result->quoting;
    exchange->verdict = pk_tracker_reply(&session->tracker, result->number, arrival, &exchange->try,
                                         &exchange->rtt);
    exchange->sent = pk_session_rebuild(session, result->number);
}

static const pk_image_probe *probe_of(const pk_session *session)
{
    return &session->image->probes[session->setup.probe];
}

/* A pattern may fit the stimulus as well as its answer. */
static bool by_pattern(const pk_session *session)
{
    return probe_of(session)->n_answer != 0;
}

static bool is_listened_for(pk_session *session)
{
    const pk_image_probe *probe = probe_of(session);
    return pk_pattern_any(session->setup.vm, &session->reply_tree, probe->listen, probe->n_listen);
}

/* What is neither an answer nor a quotation. */
static void judge_stranger(pk_session *session, pk_match_kind kind, bool own, pk_exchange *exchange)
{
    if (!own && is_listened_for(session)) {
        exchange->verdict = PK_VERDICT_HEARD;
        session->counts.heard++;
    } else if (kind == PK_MATCH_OTHER || own) {
        exchange->verdict = PK_VERDICT_OTHER;
        session->counts.other++;
    } else {
        exchange->verdict = PK_VERDICT_UNMATCHED;
        session->counts.unmatched++;
    }
}

static pk_verdict count_stateless(pk_session *session, uint64_t k, bool late)
{
    pk_session_counts *counts = &session->counts;
    if (late) {
        counts->late++;
        return PK_VERDICT_LATE;
    }
    bool first = pk_stateless_mark(session->stateless, k);
    counts->answered += first;
    if (!first && session->options->collect == 1) {
        counts->duplicates++;
        return PK_VERDICT_DUPLICATE;
    }
    counts->answers++;
    return PK_VERDICT_ANSWER;
}

static void judge_stateless(pk_session *session, int64_t arrival, pk_exchange *exchange)
{
    pk_stateless_result found;
    pk_stateless_find(session->stateless, &session->reply_tree, session->next, &found);
    if (!found.sent) {
        /* A loopback shows what was sent as well: layer for layer, and no answer. */
        judge_stranger(session, session->loopback ? PK_MATCH_OTHER : found.match.kind, false,
                       exchange);
        return;
    }
    int64_t sent_at = pk_stateless_sent_at(session->stateless, found.k);
    exchange->k = found.k < PK_SESSION_NONE ? (uint32_t)found.k : PK_SESSION_NONE;
    exchange->n = found.n;
    exchange->sent = found.sent;
    exchange->quoted = found.match.kind == PK_MATCH_QUOTE;
    exchange->quoting = found.match.quoting;
    exchange->try = 1;
    exchange->rtt = sent_at ? (arrival > sent_at ? arrival - sent_at : 1) : -1;
    exchange->verdict =
        count_stateless(session, found.k, sent_at && exchange->rtt > session->options->timeout);
}

static void judge(pk_session *session, int64_t arrival, pk_exchange *exchange)
{
    if (session->stateless) {
        judge_stateless(session, arrival, exchange);
        return;
    }
    pk_match_source source = {source_rebuild, source_answered, session};
    pk_match_result result;
    pk_match_find(session->match, &session->reply_tree, &source, &result);
    bool matched = result.kind == PK_MATCH_ANSWER || result.kind == PK_MATCH_QUOTE;
    bool own = (!matched || by_pattern(session)) && is_own(session, &source);
    if (matched && !own && result.number < session->tracker.count) {
        judge_matched(session, &result, arrival, exchange);
    } else {
        judge_stranger(session, result.kind, own, exchange);
    }
}

/* A full store keeps what it has; the counters go on. */
static int keep(pk_session *session, const pk_exchange *exchange)
{
    if (!session->setup.keep || exchange->verdict == PK_VERDICT_OTHER)
        return PK_OK;
    pk_stored stored = {.bytes = exchange->bytes.data,
                        .len = (uint32_t)exchange->bytes.len,
                        .wire_len = exchange->wire_len,
                        .k = exchange->k,
                        .verdict = (uint8_t)exchange->verdict,
                        .try = (uint8_t)exchange->try,
                        .quoted = exchange->quoted,
                        .rtt = exchange->rtt,
                        .time_ns = exchange->time_ns};
    int error = pk_store_add(&session->store, &stored);
    if (error == PK_ELIMIT) {
        session->counts.not_kept++;
        return PK_OK;
    }
    return error;
}

static int take_frame(pk_session *session, const pk_frame *frame, int64_t arrival)
{
    const pk_session_observer *observer = session->observer;
    session->counts.received++;
    if (pk_vm_dissect(session->setup.vm, session->stimuli.link_layer, frame->data, frame->captured,
                      frame->original, &session->reply_tree) != PK_OK)
        return PK_ENOMEM;
    pk_exchange exchange = {.k = PK_SESSION_NONE,
                            .time_ns = frame->time_ns,
                            .bytes = {frame->data, frame->captured},
                            .wire_len = frame->original,
                            .reply = &session->reply_tree,
                            .quoting = PK_TREE_NONE};
    judge(session, arrival, &exchange);
    int error = keep(session, &exchange);
    if (error || !observer || !observer->received)
        return error;
    return observer->received(observer->context, &exchange);
}

/* A link that went down is waited for, as sending does. */
static bool link_may_return(pk_session *session, const pk_error *why, int64_t wait)
{
    int64_t now = pk_session_now();
    if (why->sys_errno != ENETDOWN)
        return false;
    if (!session->down_since)
        session->down_since = now;
    struct timespec pause = {0, (long)(wait < PK_SESSION_POLL ? wait : PK_SESSION_POLL)};
    if (wait > 0)
        ppoll(NULL, 0, &pause, NULL);
    return now - session->down_since < PK_SESSION_LINK_WAIT;
}

int pk_session_receive(pk_session *session, int64_t wait, pk_error *reterr_)
{
    uint32_t count = 1;
    for (uint32_t round = 0; count && round < ROUNDS; round++, wait = 0) {
        pk_error why = {0};
        int error = pk_transport_receive(session->transport, wait, session->frames,
                                         PK_SESSION_FRAMES, &count, &why);
        if (error && link_may_return(session, &why, wait))
            return PK_OK;
        if (error)
            return pk_error_set(reterr_, error, "%s", why.text);
        int64_t now = pk_session_now(), realtime = now + pk_session_epoch(session);
        if (count)
            session->down_since = 0;
        for (uint32_t i = 0; !error && i < count; i++)
            error = take_frame(session, &session->frames[i],
                               arrival_of(&session->frames[i], now, realtime));
        if (error)
            return pk_error_set(reterr_, error,
                                error == PK_ENOMEM ? "no memory for a received packet"
                                                   : "cannot put out a received packet");
    }
    return PK_OK;
}
