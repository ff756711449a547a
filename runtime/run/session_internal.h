/* What the files of a session share: session.c makes and shows it, session_send.c and
 * session_receive.c are the two directions, session_run.c the loop. */
#ifndef PK_RUN_SESSION_INTERNAL_H
#define PK_RUN_SESSION_INTERNAL_H

#include "run/pace.h"
#include "run/session.h"
#include "run/stateless.h"

enum {
    PK_SESSION_BATCH = 64,    /* frames between two looks at the receive side */
    PK_SESSION_FRAMES = 256,  /* received frames taken at once */
    PK_SESSION_WAITING = 1024 /* stimuli that wait for a link address or a link at a time */
};
#define PK_SESSION_WAIT_TICK INT64_C(1000000) /* ns between two looks at those that wait */
#define PK_SESSION_NONE      UINT32_MAX

/* Where a packet's destination stands: bytes from its start, and how many; 0: it has none. */
typedef struct pk_session_reach {
    uint32_t at, len;
} pk_session_reach;

struct pk_session {
    pk_session_setup setup;
    const pk_image *image;
    const pk_run_options *options;
    pk_transport *transport;
    bool own_transport;
    bool loopback;
    pk_stimuli stimuli;
    pk_tracker tracker;
    pk_match *match;
    pk_stateless *stateless; /* in place of the tracker; NULL: the run is not stateless */
    pk_store store;
    pk_session_counts counts;
    const pk_session_observer *observer;

    /* sending */
    pk_pace pace;
    uint64_t next;         /* stimuli begun */
    const pk_scope *scope; /* NULL: every destination will do */
    char exclusion[PK_ERROR_TEXT_MAX];
    const pk_template *reach_of; /* the template that `reach` was read from */
    pk_session_reach reach;
    const pk_done *done; /* not to be begun; NULL: none */
    pk_queue waiting;    /* begun, and not sent for want of a link address or of the link */
    int64_t wait_until;
    int64_t down_since; /* the link refuses since then; 0: it works */
    pk_buf packet;
    pk_tree packet_tree;
    char failure[PK_ERROR_TEXT_MAX];

    /* receiving */
    pk_frame frames[PK_SESSION_FRAMES];
    pk_tree reply_tree;
    pk_buf rebuilt;
    pk_tree rebuilt_tree;
    uint32_t rebuilt_k; /* whose packet rebuilt holds */

    int64_t linger; /* all is settled, and the run ends then; 0: it is not */
    int64_t began, first_sent, last_sent, told;
    bool ran;
};

int64_t pk_session_now(void); /* monotonic */
/* The clock of time stamps, since the epoch, less the monotonic one: looked at several times, so that
 * being interrupted between two clocks does not show. */
int64_t pk_session_epoch(const pk_session *session);

static inline bool pk_session_listens(const pk_session *session)
{
    return !session->options->discard;
}

static inline bool pk_session_tracks(const pk_session *session)
{
    return pk_session_listens(session) && !session->options->stateless;
}

/* Moves `next` over what is done. */
static inline void pk_session_pass_done(pk_session *session)
{
    while (session->done && session->next < session->stimuli.asked &&
           pk_done_has(session->done, session->next))
        session->next++;
}

/* The receive filter that the caller or the probe wants, to `out`; nothing when neither does. */
int pk_session_find_filter(pk_session *session, uint32_t linktype, pk_buf *out, pk_error *reterr_);

pk_session_reach pk_session_reach_of(const pk_session *session, const pk_tree *tree);

/* May the packet not be sent, for where it goes? Keeps the first reason. */
bool pk_session_excludes(pk_session *session, pk_session_reach reach, const uint8_t *packet);

/* Is there anything that may be sent, now or when its time comes? */
bool pk_session_has_more(const pk_session *session, int64_t now);
/* Sends what is due, at most a batch. */
int pk_session_send(pk_session *session, int64_t now, pk_error *reterr_);
/* When sending wants to go on. */
int64_t pk_session_send_next(pk_session *session);

/* Waits up to `wait` ns and judges all that has come. */
int pk_session_receive(pk_session *session, int64_t wait, pk_error *reterr_);

/* The k-th stimulus built again. */
const pk_tree *pk_session_rebuild(pk_session *session, uint32_t k);

#endif
