#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "run/session_internal.h"

#define STAMP_SLACK INT64_C(1000000) /* ns by which two looks at the clocks may differ */

/* The slots of one batch and whose packets they hold. Slots that templates fill are
 * taken first and then filled together, by fill_batch. */
typedef struct send_batch {
    pk_slot *slots;
    uint32_t room, count;
    bool unfilled; /* some slots wait for their template */
    uint64_t k[PK_SESSION_BATCH];
    pk_u128 n[PK_SESSION_BATCH];
    pk_template *templates[PK_SESSION_BATCH]; /* NULL: the slot is filled */
} send_batch;

static void note_failure(pk_session *session, const char *text)
{
    if (session->failure[0])
        return;
    (void)snprintf(session->failure, sizeof session->failure, "%s", text);
}

static bool sending_over(const pk_session *session, int64_t now)
{
    return session->counts.stopped ||
           (session->options->duration && now - session->began > session->options->duration);
}

static bool has_new(const pk_session *session)
{
    return session->next < session->stimuli.asked && session->waiting.count < PK_SESSION_WAITING;
}

bool pk_session_has_more(const pk_session *session, int64_t now)
{
    if (sending_over(session, now))
        return false;
    return session->next < session->stimuli.asked || session->waiting.count ||
           session->tracker.again.count;
}

int64_t pk_session_send_next(pk_session *session)
{
    int64_t next = INT64_MAX;
    if (session->waiting.count)
        next = session->wait_until;
    if (has_new(session) || session->tracker.again.count) {
        int64_t due = pk_pace_next(&session->pace);
        next = due < next ? due : next;
    }
    return next;
}

/* ---- stimuli that came to nothing ---- */

static int stimulus_failed(pk_session *session, uint64_t k, int64_t now, const char *why)
{
    note_failure(session, why);
    if (pk_session_tracks(session))
        return pk_tracker_sent(&session->tracker, (uint32_t)k, now, false);
    session->counts.failed++;
    return PK_OK;
}

/* One that was sent before, and is excluded only now, is given up when its time is over. */
static int stimulus_excluded(pk_session *session, uint64_t k, int64_t now)
{
    if (pk_session_tracks(session) && k < session->tracker.count &&
        pk_tracker_tries(&session->tracker, (uint32_t)k))
        return pk_tracker_sent(&session->tracker, (uint32_t)k, now, false);
    session->counts.excluded++;
    return PK_OK;
}

static int put_off(pk_session *session, uint64_t k, int64_t now)
{
    session->wait_until = now + PK_SESSION_WAIT_TICK;
    return pk_queue_put(&session->waiting, (uint32_t)k) ? PK_OK : PK_ENOMEM;
}

/* ---- building ---- */

typedef enum built { BUILT, BUILT_LATER, BUILT_FAILED, BUILT_EXCLUDED } built;

/* Another interface than the session's own is no way out. */
static built judge_way(pk_session *session, pk_error *why)
{
    if (!session->setup.paths)
        return BUILT;
    const pk_paths_use *use = pk_paths_used(session->setup.paths);
    const pk_transport_link *link = pk_transport_link_of(session->transport);
    if (use->no_route || use->silent) {
        pk_paths_explain(session->setup.paths, why);
        return BUILT_FAILED;
    }
    if (use->out && link->index && use->out != link->index) {
        char text[PK_IP_TEXT_MAX];
        pk_error_set(why, PK_ENOENT, "%s is not reached by %s, which this run sends on",
                     pk_ip_text(&use->destination, text), link->name);
        return BUILT_FAILED;
    }
    return use->waiting ? BUILT_LATER : BUILT;
}

static built build(pk_session *session, pk_u128 n, pk_error *why)
{
    pk_vm_error error = {0};
    if (session->setup.paths)
        pk_paths_begin(session->setup.paths);
    if (pk_stimuli_build(&session->stimuli, n, &session->packet, &session->packet_tree, &error)) {
        pk_error_set(why, error.code, "%s", error.text);
        return BUILT_FAILED;
    }
    pk_session_reach reach = pk_session_reach_of(session, &session->packet_tree);
    if (pk_session_excludes(session, reach, session->packet.data))
        return BUILT_EXCLUDED;
    return judge_way(session, why);
}

/* The matcher learns of a stimulus once, before its first try. */
static int make_known(pk_session *session, uint64_t k, const pk_tree *tree)
{
    bool first = false;
    if (!pk_session_tracks(session))
        return PK_OK;
    int error = pk_tracker_begin(&session->tracker, (uint32_t)k, &first);
    if (!error && first)
        error = pk_match_add(session->match, (uint32_t)k, tree);
    return error;
}

static void take_slot(send_batch *batch, uint64_t k, pk_u128 n, pk_template *templ, uint32_t len)
{
    uint32_t at = batch->count++;
    batch->k[at] = k;
    batch->n[at] = n;
    batch->templates[at] = templ;
    batch->slots[at].len = len;
    batch->unfilled = batch->unfilled || templ;
}

static void say_too_long(const pk_session *session, size_t len, pk_error *why)
{
    const pk_transport_link *link = pk_transport_link_of(session->transport);
    uint32_t header = pk_transport_header(link);
    pk_error_set(why, PK_ELIMIT,
                 "a packet of %zu bytes is too long for %s, whose MTU is %u: %u at most",
                 len - header, link->name, link->mtu, link->mtu);
}

static bool fits(const pk_session *session, const pk_slot *slot, size_t len, pk_error *why)
{
    if (len <= slot->capacity)
        return true;
    say_too_long(session, len, why);
    return false;
}

/* Builds packet n into a slot. *ret_filled: it is there; else it was put off or has failed. */
static int build_into(pk_session *session, pk_slot *slot, uint64_t k, pk_u128 n, int64_t now,
                      bool *ret_filled)
{
    pk_error why = {0};
    built how = build(session, n, &why);
    if (how == BUILT && !fits(session, slot, session->packet.len, &why))
        how = BUILT_FAILED;
    *ret_filled = how == BUILT;
    if (how == BUILT_LATER)
        return put_off(session, k, now);
    if (how == BUILT_EXCLUDED)
        return stimulus_excluded(session, k, now);
    if (how == BUILT_FAILED)
        return stimulus_failed(session, k, now, why.text);
    memcpy(slot->data, session->packet.data, session->packet.len);
    slot->len = (uint32_t)session->packet.len;
    return make_known(session, k, &session->packet_tree);
}

static int take(pk_session *session, send_batch *batch, uint64_t k, bool spend, int64_t now)
{
    pk_error why = {0};
    pk_u128 n = pk_stimuli_number(&session->stimuli, k);
    pk_template *templ = pk_stimuli_template(&session->stimuli, n);
    uint32_t len = templ ? pk_template_length(templ) : 0;
    uint64_t excluded = session->counts.excluded;
    int error = PK_OK;
    bool filled = templ != NULL;
    pk_slot *slot = &batch->slots[batch->count];
    if (!templ)
        error = build_into(session, slot, k, n, now, &filled);
    else if (!fits(session, slot, len, &why))
        error = stimulus_failed(session, k, now, why.text);
    if (filled && !why.code)
        take_slot(batch, k, n, templ, templ ? len : slot->len);
    if (spend && session->counts.excluded == excluded)
        pk_pace_spend(&session->pace, templ ? len : (uint32_t)session->packet.len);
    return error;
}

/* ---- templates ------------------------------------------------------------------------------- */

/* Those that wait for a template, side by side. */
typedef struct waiting {
    uint32_t count;
    uint32_t at[PK_SESSION_BATCH];
    pk_u128 n[PK_SESSION_BATCH];
    pk_template *templates[PK_SESSION_BATCH];
    uint8_t *slots[PK_SESSION_BATCH];
    bool refused[PK_SESSION_BATCH];
    bool excluded[PK_SESSION_BATCH];
} waiting;

static void find_waiting(const send_batch *batch, waiting *w)
{
    w->count = 0;
    for (uint32_t i = 0; i < batch->count; i++) {
        if (!batch->templates[i])
            continue;
        w->at[w->count] = i;
        w->n[w->count] = batch->n[i];
        w->refused[w->count] = w->excluded[w->count] = false;
        w->templates[w->count] = batch->templates[i];
        w->slots[w->count++] = batch->slots[i].data;
    }
}

/* Takes the slot out; those behind it move up. */
static void drop_slot(send_batch *batch, uint32_t at)
{
    batch->count--;
    for (; at < batch->count; at++) {
        batch->k[at] = batch->k[at + 1];
        batch->n[at] = batch->n[at + 1];
        batch->templates[at] = batch->templates[at + 1];
        batch->slots[at].len = batch->slots[at + 1].len;
        memcpy(batch->slots[at].data, batch->slots[at + 1].data, batch->slots[at].len);
    }
}

/* What the template refused is built in its place; last slot first, so that the numbers of slots
 * stay good where one falls out. */
static int build_refused(pk_session *session, send_batch *batch, const waiting *w, int64_t now)
{
    int error = PK_OK;
    for (uint32_t i = w->count; !error && i-- > 0;) {
        uint32_t at = w->at[i];
        bool filled = true;
        if (w->excluded[i])
            filled = false;
        else if (w->refused[i])
            error = build_into(session, &batch->slots[at], batch->k[at], w->n[i], now, &filled);
        if (!filled)
            drop_slot(batch, at);
    }
    return error;
}

static int make_waiting_known(pk_session *session, const send_batch *batch, const waiting *w)
{
    int error = PK_OK;
    for (uint32_t i = 0; !error && i < w->count && pk_session_tracks(session); i++) {
        if (w->refused[i] || w->excluded[i])
            continue;
        const pk_tree *tree = pk_template_tree(w->templates[i], w->slots[i]);
        pk_vm_error why = {0};
        if (!tree && pk_stimuli_build(&session->stimuli, w->n[i], &session->packet,
                                      &session->packet_tree, &why) == PK_OK)
            tree = &session->packet_tree;
        if (tree)
            error = make_known(session, batch->k[w->at[i]], tree);
    }
    return error;
}

/* The destination's place is the same in all packets of a template that have one tree. */
static pk_session_reach reach_in(pk_session *session, const waiting *w, uint32_t i)
{
    pk_vm_error why = {0};
    if (session->reach_of == w->templates[i])
        return session->reach;
    const pk_tree *tree = pk_template_tree(w->templates[i], w->slots[i]);
    if (tree) {
        session->reach_of = w->templates[i];
        session->reach = pk_session_reach_of(session, tree);
        return session->reach;
    }
    if (pk_stimuli_build(&session->stimuli, w->n[i], &session->packet, &session->packet_tree, &why))
        return (pk_session_reach){0, 0};
    return pk_session_reach_of(session, &session->packet_tree);
}

/* What is excluded takes no place in the rate. */
static int exclude_waiting(pk_session *session, const send_batch *batch, waiting *w, int64_t now)
{
    int error = PK_OK;
    for (uint32_t i = 0; !error && i < w->count; i++) {
        w->excluded[i] = !w->refused[i] && session->scope &&
                         pk_session_excludes(session, reach_in(session, w, i), w->slots[i]);
        if (!w->excluded[i])
            continue;
        pk_pace_refund(&session->pace, batch->slots[w->at[i]].len);
        error = stimulus_excluded(session, batch->k[w->at[i]], now);
    }
    return error;
}

static int fill_batch(pk_session *session, send_batch *batch, int64_t now)
{
    waiting w;
    if (!batch->unfilled)
        return PK_OK;
    find_waiting(batch, &w);
    pk_stimuli_expand(&session->stimuli, w.n, w.templates, w.slots, w.count, w.refused);
    int error = exclude_waiting(session, batch, &w, now);
    if (!error)
        error = make_waiting_known(session, batch, &w);
    return error ? error : build_refused(session, batch, &w, now);
}

/* ---- what is due ----------------------------------------------------------------------------- */

/* Queues hold the low half of a number, and what waits is never far behind the newest. */
static uint64_t whole_number(const pk_session *session, uint32_t low)
{
    uint64_t k = (session->next & ~(uint64_t)UINT32_MAX) | low;
    return k >= session->next ? k - UINT32_MAX - 1 : k;
}

uint64_t pk_session_settled(const pk_session *session)
{
    uint32_t low;
    uint64_t settled = session->next;
    pk_queue left_waiting = session->waiting; /* read, not taken from */
    for (uint64_t left = left_waiting.count; left; left--) {
        uint64_t k = pk_queue_step(&left_waiting, &low) ? whole_number(session, low) : settled;
        settled = k < settled ? k : settled;
    }
    return settled;
}

/* Those that waited go first; each had its place in the rate when it was begun. */
static int take_waiting(pk_session *session, send_batch *batch, int64_t now)
{
    uint32_t low;
    int error = PK_OK;
    if (now < session->wait_until)
        return PK_OK;
    for (uint64_t left = session->waiting.count; !error && left && batch->count < batch->room;
         left--)
        if (pk_queue_get(&session->waiting, &low))
            error = take(session, batch, whole_number(session, low), false, now);
    return error;
}

static void note_gap(pk_session *session, int64_t now)
{
    int64_t gap = session->pace.rate ? now - pk_pace_next(&session->pace) : 0;
    if (gap > session->counts.worst_gap)
        session->counts.worst_gap = gap;
}

static uint64_t begin_next(pk_session *session)
{
    uint64_t k = session->next++;
    pk_session_pass_done(session);
    return k;
}

static int take_due(pk_session *session, send_batch *batch, int64_t now)
{
    int error = PK_OK;
    if (has_new(session) || session->tracker.again.count)
        note_gap(session, now);
    for (uint32_t tries = 0; !error && tries < PK_SESSION_BATCH && batch->count < batch->room;
         tries++) {
        uint32_t again;
        if (!has_new(session) && !session->tracker.again.count)
            break;
        if (!pk_pace_due(&session->pace, now))
            break;
        if (pk_tracker_again(&session->tracker, &again))
            error = take(session, batch, again, true, now);
        else if (has_new(session))
            error = take(session, batch, begin_next(session), true, now);
    }
    return error;
}

/* ---- sending ---- */

static int tell_sent(pk_session *session, uint64_t k, pk_u128 n, const pk_slot *slot,
                     int64_t time_ns)
{
    const pk_session_observer *observer = session->observer;
    if (!observer || !observer->sent)
        return PK_OK;
    pk_sent sent = {
        .k = k,
        .n = n,
        .try = pk_session_tracks(session) ? pk_tracker_tries(&session->tracker, (uint32_t)k) : 1,
        .time_ns = time_ns,
        .bytes = {slot->data, slot->len}};
    return observer->sent(observer->context, &sent);
}

static int slot_left(pk_session *session, const send_batch *batch, uint32_t i, int64_t now,
                     int64_t time_ns)
{
    uint64_t k = batch->k[i];
    if (!session->first_sent)
        session->first_sent = now;
    session->last_sent = now;
    int error = PK_OK;
    if (pk_session_tracks(session))
        error = pk_tracker_sent(&session->tracker, (uint32_t)k, now, true);
    else
        session->counts.sent++;
    if (session->stateless)
        pk_stateless_sent(session->stateless, k, now);
    return error ? error : tell_sent(session, k, batch->n[i], &batch->slots[i], time_ns);
}

/* A link that is down may come back; one that is gone does not. */
static bool may_come_back(int sys_errno)
{
    return sys_errno == ENETDOWN || sys_errno == ECANCELED;
}

static int slot_refused(pk_session *session, uint64_t k, const pk_slot *slot, int64_t now)
{
    if (may_come_back(slot->sys_errno) &&
        (!session->down_since || now - session->down_since < PK_SESSION_LINK_WAIT)) {
        if (!session->down_since)
            session->down_since = now;
        int error = put_off(session, k, now);
        session->wait_until = now + PK_SESSION_POLL;
        return error;
    }
    pk_error why;
    if (slot->sys_errno == EMSGSIZE)
        say_too_long(session, slot->len, &why);
    else
        pk_error_sys(&why, slot->sys_errno, "the kernel refused a packet");
    return stimulus_failed(session, k, now, why.text);
}

static bool link_gone(int sys_errno)
{
    return sys_errno == ENODEV || sys_errno == ENXIO;
}

/* A call that sends a batch. A frame without a time stamp of the kernel is taken to have left when the
 * call began: so its round trip time is never less than it was. */
typedef struct span {
    int64_t begin, end; /* monotonic */
    int64_t epoch;      /* begin, since the epoch */
} span;

/* The kernel's own time, as far as it is one of this call. */
static int64_t stamp_of(const pk_slot *slot, const span *when)
{
    int64_t after = slot->sent_ns - when->epoch;
    bool good =
        slot->sent_ns && after > -STAMP_SLACK && after < when->end - when->begin + STAMP_SLACK;
    return good ? slot->sent_ns : 0;
}

static int settle(pk_session *session, send_batch *batch, const span *when)
{
    int error = PK_OK;
    for (uint32_t i = 0; !error && i < batch->count; i++) {
        const pk_slot *slot = &batch->slots[i];
        int64_t stamp = stamp_of(slot, when);
        if (slot->sys_errno == 0) {
            session->down_since = 0;
            session->counts.unstamped += stamp == 0;
            error = slot_left(session, batch, i,
                              stamp ? when->begin + stamp - when->epoch : when->begin,
                              stamp ? stamp : when->epoch);
        } else {
            error = slot_refused(session, batch->k[i], slot, when->end);
        }
    }
    return error;
}

static int commit(pk_session *session, send_batch *batch, pk_error *reterr_)
{
    pk_error refusal = {0};
    span when = {.begin = pk_session_now()};
    when.epoch = when.begin + pk_session_epoch(session);
    int code = pk_transport_commit(session->transport, batch->count, NULL, &refusal);
    when.end = pk_session_now();
    int error = settle(session, batch, &when);
    if (error)
        return pk_error_set(reterr_, error, "cannot keep account of the packets sent");
    if (code && link_gone(refusal.sys_errno)) {
        if (reterr_)
            *reterr_ = refusal;
        return code;
    }
    return PK_OK;
}

int pk_session_send(pk_session *session, int64_t now, pk_error *reterr_)
{
    if (!pk_session_has_more(session, now) || pk_session_send_next(session) > now)
        return PK_OK;
    send_batch batch;
    batch.count = 0;
    batch.unfilled = false;
    batch.room = pk_transport_slots(session->transport, PK_SESSION_BATCH, &batch.slots);
    int error = take_waiting(session, &batch, now);
    if (!error)
        error = take_due(session, &batch, now);
    if (!error)
        error = fill_batch(session, &batch, now);
    if (error)
        return pk_error_set(reterr_, error,
                            error == PK_ENOMEM ? "no memory to keep account of a stimulus"
                                               : "too many stimuli to keep account of");
    return batch.count ? commit(session, &batch, reterr_) : PK_OK;
}
