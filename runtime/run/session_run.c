#include <poll.h>

#include "run/session_internal.h"

static void look_at_stop(pk_session *session, bool *ret_leave)
{
    const pk_session_observer *observer = session->observer;
    int stop = observer && observer->stop ? *observer->stop : 0;
    if (stop > 0)
        session->counts.stopped = true;
    *ret_leave = stop > 1;
}

static int tell_progress(pk_session *session, int64_t now)
{
    const pk_session_observer *observer = session->observer;
    session->counts.elapsed = now - session->began;
    if (!observer || !observer->progress || now - session->told < PK_SESSION_PROGRESS)
        return PK_OK;
    session->told = now;
    pk_session_counts counts;
    pk_session_counts_of(session, &counts);
    return observer->progress(observer->context, &counts);
}

/* Who only listens ends with the asked number of packets, or with the duration; who listens beside
 * its stimuli, a time-out after the last of them. */
static bool listening(const pk_session *session, int64_t now)
{
    const pk_run_options *options = session->options;
    if (!session->image->probes[session->setup.probe].n_listen || session->counts.stopped)
        return false;
    if (session->stimuli.total)
        return now < session->last_sent + options->timeout;
    return !(options->count && session->counts.heard >= options->count) &&
           !(options->duration && now - session->began >= options->duration);
}

/* Who keeps nothing of stimuli knows of none that it waits for: it waits for all. */
static bool waiting_for_any(const pk_session *session, int64_t now)
{
    return session->stateless && session->last_sent &&
           now < session->last_sent + session->options->timeout;
}

/* Nothing to send any more, and nobody waited for. */
static bool settled(const pk_session *session, int64_t now)
{
    return !pk_session_has_more(session, now) && session->tracker.open == 0 &&
           !listening(session, now) && !waiting_for_any(session, now);
}

/* And what comes late has had its time. */
static bool finished(pk_session *session, int64_t now)
{
    if (!settled(session, now)) {
        session->linger = 0;
        return false;
    }
    if (!session->linger)
        session->linger = now + (pk_session_tracks(session) ? session->options->wait : 0);
    return now >= session->linger;
}

static int64_t time_to_wait(pk_session *session, int64_t now)
{
    int64_t next = pk_tracker_deadline(&session->tracker);
    if (next != INT64_MAX)
        next++; /* a deadline has passed one later */
    if (pk_session_has_more(session, now)) {
        int64_t send = pk_session_send_next(session);
        next = send < next ? send : next;
    }
    if (session->linger && session->linger < next)
        next = session->linger;
    int64_t wait = next > now ? next - now : 0;
    return wait < PK_SESSION_POLL ? wait : PK_SESSION_POLL;
}

static int wait_for_more(pk_session *session, int64_t wait, pk_error *reterr_)
{
    if (pk_session_listens(session))
        return pk_session_receive(session, wait, reterr_);
    struct timespec pause = {0, (long)wait};
    if (wait)
        ppoll(NULL, 0, &pause, NULL); /* ends at a signal, as receiving does */
    return PK_OK;
}

static int step(pk_session *session, bool *ret_over, pk_error *reterr_)
{
    bool leave;
    look_at_stop(session, &leave);
    int64_t now = pk_session_now();
    int error = pk_session_send(session, now, reterr_);
    if (error)
        return error;
    now = pk_session_now();
    if (leave || finished(session, now)) {
        *ret_over = true;
        return pk_session_listens(session) ? pk_session_receive(session, 0, reterr_) : PK_OK;
    }
    error = wait_for_more(session, time_to_wait(session, now), reterr_);
    if (error)
        return error;
    now = pk_session_now();
    if (pk_tracker_expire(&session->tracker, now) != PK_OK)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory to keep account of a stimulus");
    error = tell_progress(session, now);
    return error ? pk_error_set(reterr_, error, "cannot show how the run goes") : PK_OK;
}

/* Where their number is known and not large, the tables are made once. */
static void expect_stimuli(pk_session *session)
{
    if (session->stimuli.asked > (1u << 22) || !pk_session_tracks(session))
        return;
    pk_match_expect(session->match, (uint64_t)session->stimuli.asked);
    pk_tracker_reserve(&session->tracker, (uint64_t)session->stimuli.asked);
}

int pk_session_run(pk_session *session, const pk_session_observer *observer, pk_error *reterr_)
{
    if (!session->transport || session->ran)
        return pk_error_set(reterr_, PK_EUNSUPPORTED, "this session has no transport, or has run");
    session->ran = true;
    session->observer = observer;
    session->began = session->told = pk_session_now();
    pk_pace_init(&session->pace, session->options->rate, session->options->burst, session->began);
    pk_pace_spread(&session->pace, session->options->spread, session->options->seed);
    expect_stimuli(session);
    bool over = false;
    int error = PK_OK;
    while (!error && !over)
        error = step(session, &over, reterr_);
    session->counts.elapsed = pk_session_now() - session->began;
    session->observer = NULL;
    return error;
}
