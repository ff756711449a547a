#include "run/session.h"

#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "run/report.h"
#include "run/session_internal.h"

#define LINKTYPE_ETHERNET 1u

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int64_t pk_session_now(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

int64_t pk_session_realtime(void)
{
    return clock_ns(CLOCK_REALTIME);
}

int64_t pk_session_epoch(const pk_session *session)
{
    int64_t best = INT64_MAX, epoch = 0;
    (void)session;
    for (unsigned i = 0; i < 3; i++) {
        int64_t before = clock_ns(CLOCK_MONOTONIC), real = clock_ns(CLOCK_REALTIME);
        int64_t window = clock_ns(CLOCK_MONOTONIC) - before;
        if (window < best)
            epoch = real - before - window / 2;
        best = window < best ? window : best;
    }
    return epoch;
}

static int no_memory(pk_error *reterr_)
{
    return pk_error_set(reterr_, PK_ENOMEM, "no memory for a session");
}

static int check_size(const pk_session *session, pk_error *reterr_)
{
    if (session->options->discard || session->options->duration || session->options->stateless ||
        session->stimuli.asked == PK_RUN_COUNT_FOREVER ||
        session->stimuli.asked <= PK_TRACKER_STIMULI_LIMIT)
        return PK_OK;
    return pk_error_set(reterr_, PK_ELIMIT,
                        "too many stimuli to keep account of (limit %u): keep nothing of each "
                        "(`stateless`), take a part with `count`, or do not listen (`discard`)",
                        PK_TRACKER_STIMULI_LIMIT);
}

static int init_parts(pk_session *session, pk_error *reterr_)
{
    const pk_run_options *options = session->options;
    pk_tracker_options tracking = {options->timeout, options->retry, options->collect};
    pk_tracker_init(&session->tracker, &tracking);
    pk_store_init(&session->store, PK_SESSION_KEEP_LIMIT);
    pk_tree_init(&session->packet_tree, session->image);
    pk_tree_init(&session->reply_tree, session->image);
    pk_tree_init(&session->rebuilt_tree, session->image);
    session->match = pk_match_new(session->setup.vm, session->image);
    if (!session->match)
        return no_memory(reterr_);
    pk_match_rule_set(session->match, &session->image->probes[session->setup.probe]);
    return pk_stimuli_init(&session->stimuli, session->setup.vm, session->image,
                           &session->image->probes[session->setup.probe], options, reterr_);
}

int pk_session_new(pk_session **ret_session, const pk_session_setup *setup, pk_error *reterr_)
{
    pk_session *session = calloc(1, sizeof *session);
    if (!session)
        return no_memory(reterr_);
    session->setup = *setup;
    session->image = setup->image;
    session->options = setup->options;
    session->rebuilt_k = PK_SESSION_NONE;
    int error = init_parts(session, reterr_);
    if (!error)
        error = check_size(session, reterr_);
    if (error) {
        pk_session_free(session);
        return error;
    }
    session->counts.asked = session->stimuli.asked;
    session->counts.rate = session->options->rate;
    *ret_session = session;
    return PK_OK;
}

void pk_session_free(pk_session *session)
{
    if (!session)
        return;
    if (session->own_transport)
        pk_transport_close(session->transport);
    pk_stimuli_free(&session->stimuli);
    pk_tracker_free(&session->tracker);
    pk_stateless_free(session->stateless);
    pk_match_free(session->match);
    pk_store_free(&session->store);
    pk_queue_free(&session->waiting);
    pk_tree_free(&session->packet_tree);
    pk_tree_free(&session->reply_tree);
    pk_tree_free(&session->rebuilt_tree);
    pk_buf_free(&session->packet);
    pk_buf_free(&session->rebuilt);
    free(session);
}

/* ---- the transport ---- */

int pk_session_use(pk_session *session, pk_transport *transport, pk_error *reterr_)
{
    const pk_transport_link *link = pk_transport_link_of(transport);
    session->transport = transport;
    session->loopback = link->arphrd == ARPHRD_LOOPBACK;
    if (session->setup.paths)
        pk_paths_leave_by(session->setup.paths, link->index);
    pk_stimuli_link_set(&session->stimuli, link->link);
    if (!session->stimuli.link_layer)
        return pk_error_set(reterr_, PK_EUNSUPPORTED,
                            "%s: no layer describes frames of link type %u", link->name,
                            link->link);
    if (session->options->stateless && pk_session_listens(session) && !session->stateless)
        return pk_stateless_new(&session->stateless, session->match, &session->stimuli,
                                !session->options->no_rtt, reterr_);
    return PK_OK;
}

/* Builds the first packet to learn its way; 0 when it asks for none. */
static uint32_t ask_way(pk_session *session, uint32_t linktype)
{
    pk_paths *paths = session->setup.paths;
    pk_vm_error error;
    if (!session->stimuli.total)
        return 0; /* there is none */
    pk_stimuli_link_set(&session->stimuli, linktype);
    pk_paths_begin(paths);
    pk_stimuli_build(&session->stimuli, pk_stimuli_number(&session->stimuli, 0), &session->packet,
                     NULL, &error);
    return pk_paths_used(paths)->out;
}

static int find_interface(pk_session *session, uint32_t *ret_index, pk_error *reterr_)
{
    if (!session->setup.paths)
        return pk_error_set(reterr_, PK_ENOENT, "no interface is given (-i)");
    uint32_t index = ask_way(session, UINT32_MAX);
    if (!index)
        index = ask_way(session, LINKTYPE_ETHERNET);
    const pk_paths_use *use = pk_paths_used(session->setup.paths);
    if (!index && use->no_route) {
        pk_error reason = {0};
        pk_paths_explain(session->setup.paths, &reason);
        return pk_error_set(reterr_, reason.code ? reason.code : PK_ENOENT, "%s", reason.text);
    }
    if (!index && !session->stimuli.total)
        return pk_error_set(reterr_, PK_ENOENT,
                            "a probe that only listens does not say where: name an interface (-i)");
    if (!index)
        return pk_error_set(reterr_, PK_ENOENT,
                            "the packets do not say by which interface they leave: name one (-i)");
    *ret_index = index;
    return PK_OK;
}

/* Above, asking for each frame would cost more than sending it. */
static bool wants_stamps(const pk_run_options *options)
{
    return !options->discard && options->rate && !(options->rate & PK_PACE_BITS) &&
           options->rate <= PK_SESSION_STAMP_RATE;
}

/* The link type that the transport will have. */
static uint32_t linktype_of(pk_session *session, uint32_t index)
{
    pk_link link;
    pk_paths *paths = session->setup.paths;
    if (!index && paths)
        index = pk_paths_interface(paths);
    return paths && index && !pk_paths_link(paths, index, &link, NULL) ? link.linktype
                                                                       : LINKTYPE_ETHERNET;
}

int pk_session_open(pk_session *session, pk_error *reterr_)
{
    pk_transport_options options = {.send_only = session->options->discard,
                                    .stamps = wants_stamps(session->options)};
    int error = PK_OK;
    if (session->options->interface[0])
        options.interface = session->options->interface;
    else
        error = find_interface(session, &options.index, reterr_);
    pk_buf filter = {0};
    if (!error && !options.send_only)
        error =
            pk_session_find_filter(session, linktype_of(session, options.index), &filter, reterr_);
    options.filter = (const struct sock_filter *)(const void *)filter.data;
    options.filter_len = (uint32_t)(filter.len / 8);
    options.lock_filter = filter.len > 0;
    pk_transport *transport = NULL;
    if (!error)
        error = pk_transport_open_packet(&transport, &options, reterr_);
    pk_buf_free(&filter);
    if (error)
        return error;
    session->own_transport = true;
    return pk_session_use(session, transport, reterr_);
}

bool pk_session_stamps(const pk_session *session)
{
    return wants_stamps(session->options);
}

const pk_transport *pk_session_transport(const pk_session *session)
{
    return session->transport;
}

/* ---- what an earlier run did ---- */

const pk_order *pk_session_order(const pk_session *session)
{
    return &session->stimuli.order;
}

void pk_session_skip(pk_session *session, const pk_done *done)
{
    pk_u128 count = pk_done_count(done);
    session->done = done;
    session->next =
        done->base < session->stimuli.asked ? done->base : (uint64_t)session->stimuli.asked;
    if (session->counts.asked != PK_RUN_COUNT_FOREVER)
        session->counts.asked -= count < session->counts.asked ? count : session->counts.asked;
    pk_session_pass_done(session);
}

/* ---- what can be asked of it ---- */

void pk_session_counts_of(pk_session *session, pk_session_counts *ret_counts)
{
    pk_session_counts *counts = &session->counts;
    const pk_tracker *tracker = &session->tracker;
    if (pk_session_tracks(session)) {
        counts->sent = tracker->sent;
        counts->failed = tracker->failed;
        counts->retries = tracker->retries;
        counts->answered = tracker->answered;
        counts->answers = tracker->answers;
        counts->duplicates = tracker->duplicates;
        counts->late = tracker->late;
        counts->open = tracker->open;
    }
    if (session->transport) {
        pk_transport_stats stats = {0};
        pk_transport_stats_of(session->transport, &stats);
        counts->dropped = stats.dropped;
        counts->bytes_sent = stats.sent_bytes;
    }
    counts->sending = session->last_sent - session->first_sent;
    *ret_counts = *counts;
}

const char *pk_session_failure(const pk_session *session)
{
    return session->failure;
}

uint32_t pk_session_stimuli(const pk_session *session)
{
    return session->tracker.count;
}

bool pk_session_unanswered(const pk_session *session, uint32_t k)
{
    return k < session->tracker.count && pk_tracker_unanswered(&session->tracker, k);
}

bool pk_session_link_added(pk_session *session, pk_u128 n)
{
    return pk_stimuli_link_added(&session->stimuli, n);
}

pk_u128 pk_session_number(const pk_session *session, uint32_t k)
{
    return pk_stimuli_number(&session->stimuli, k);
}

const pk_tree *pk_session_stimulus(pk_session *session, pk_u128 n)
{
    pk_vm_error error;
    session->rebuilt_k = PK_SESSION_NONE;
    if (pk_stimuli_packet(&session->stimuli, n, &session->rebuilt, &session->rebuilt_tree, &error))
        return NULL;
    return &session->rebuilt_tree;
}

const pk_tree *pk_session_rebuild(pk_session *session, uint32_t k)
{
    if (session->rebuilt_k == k)
        return &session->rebuilt_tree;
    const pk_tree *tree = pk_session_stimulus(session, pk_session_number(session, k));
    if (tree)
        session->rebuilt_k = k;
    return tree;
}

/* The latest stimulus that most equations hold for; PK_SESSION_NONE when the layers of none fit. */
static uint32_t nearest(pk_session *session, const pk_tree *reply)
{
    uint32_t count = session->tracker.count, best_k = PK_SESSION_NONE;
    uint32_t first = count > PK_SESSION_EXPLAIN ? count - PK_SESSION_EXPLAIN : 0;
    int best = INT32_MIN;
    for (uint32_t k = count; k-- > first;) {
        const pk_tree *sent = pk_session_rebuild(session, k);
        int near = sent ? pk_match_compare(session->match, reply, sent, NULL) : INT32_MIN;
        if (near <= best)
            continue;
        best = near;
        best_k = k;
    }
    return best_k;
}

bool pk_session_explain(pk_session *session, const pk_tree *reply, pk_buf *out)
{
    if (session->stateless) {
        pk_buf_text(out, "it has not the cookie of a stimulus that was sent");
        return true;
    }
    uint32_t k = nearest(session, reply);
    const pk_tree *sent = k == PK_SESSION_NONE ? NULL : pk_session_rebuild(session, k);
    if (!sent)
        return false;
    pk_buf why = {0};
    pk_match_compare(session->match, reply, sent, &why);
    pk_buf_text(out, "nearest is stimulus ");
    pk_report_number(out, pk_session_number(session, k));
    pk_buf_printf(out, ": %s", pk_buf_cstr(&why));
    pk_buf_free(&why);
    return true;
}

bool pk_session_kept(pk_session *session, uint64_t index, pk_exchange *ret_exchange)
{
    if (index >= session->store.count)
        return false;
    const pk_stored *stored = &session->store.items[index];
    pk_tree *reply = &session->reply_tree;
    if (pk_vm_dissect(session->setup.vm, session->stimuli.link_layer, stored->bytes, stored->len,
                      stored->wire_len, reply) != PK_OK)
        return false;
    *ret_exchange = (pk_exchange){.verdict = (pk_verdict)stored->verdict,
                                  .quoted = stored->quoted,
                                  .k = stored->k,
                                  .try = stored->try,
                                  .rtt = stored->rtt,
                                  .time_ns = stored->time_ns,
                                  .bytes = {stored->bytes, stored->len},
                                  .wire_len = stored->wire_len,
                                  .reply = reply,
                                  .quoting = PK_TREE_NONE};
    if (stored->k != PK_SESSION_NONE) {
        ret_exchange->n = pk_session_number(session, stored->k);
        ret_exchange->sent = pk_session_rebuild(session, stored->k);
    }
    return true;
}
