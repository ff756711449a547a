/*
 * A session: one probe, run on one transport.
 *
 * pk_session_new works out the set, pk_session_open opens the transport (its receive side is open
 * before the first packet leaves), pk_session_run sends at the asked rate, drains the receive ring
 * between the batches, judges each received packet, sends the unanswered again, and ends when every
 * stimulus is answered or given up. What happens is told to an observer as it happens; with `keep`
 * the received packets can be looked at afterwards (pk_session_kept).
 *
 * Accounts, always:
 *   sent + failed + not sent = asked     (not sent: among them the excluded)
 *   answered + unanswered = sent
 *   received = answers + duplicates + late + unmatched + heard + other
 * `other` is traffic that no stimulus of this probe could cause, judged by its layers; `unmatched`
 * has the layers of an answer and is none; `heard` is what answers nothing and the probe's `listen`
 * watches for. `dropped` is what the kernel could not hand over.
 *
 * Durations are of the monotonic clock. A reply's round trip time is the kernel's time stamp of its
 * arrival less the kernel's time stamp of the stimulus's leaving. Where there is none of that (above
 * PK_SESSION_STAMP_RATE, or from a driver that gives none in time) it counts from the call that gave
 * the batch to the kernel, and so is an upper bound; `unstamped` says of how many.
 *
 * The session borrows machine, image, paths and options' texts; it owns the transport that it
 * opened. One thread. Memory per stimulus stays within 64 bytes.
 */
#ifndef PK_RUN_SESSION_H
#define PK_RUN_SESSION_H

#include "io/transport.h"
#include "run/paths.h"
#include "run/resume.h"
#include "run/scope.h"
#include "run/stimuli.h"
#include "run/store.h"
#include "vm/match.h"

#define PK_SESSION_PROGRESS   INT64_C(200000000)    /* ns between two calls of `progress` */
#define PK_SESSION_POLL       INT64_C(50000000)     /* ns at most between two looks at `stop` */
#define PK_SESSION_LINK_WAIT  INT64_C(10000000000)  /* ns that a link may be down while sending */
#define PK_SESSION_STAMP_RATE UINT64_C(20000000000) /* packets in 10^6 s: 20 kpps */
#define PK_SESSION_EXPLAIN    1024u /* stimuli that an unmatched packet is compared with */
#define PK_SESSION_KEEP_LIMIT (UINT64_C(1) << 30) /* bytes kept of received packets */

typedef struct pk_session pk_session;

/* One received packet and what it was taken for. Trees and bytes are borrowed for the call. */
typedef struct pk_exchange {
    pk_verdict verdict;
    bool quoted;     /* an error report that quotes the stimulus */
    uint32_t k;      /* the stimulus: the k-th sent, from 0; UINT32_MAX: none */
    pk_u128 n;       /* its number in the set */
    uint32_t try;    /* from 1 */
    int64_t rtt;     /* ns; negative: not known */
    int64_t time_ns; /* kernel's, since the epoch */
    pk_bytes bytes;
    uint32_t wire_len;
    const pk_tree *reply;
    const pk_tree *sent;  /* NULL without a stimulus */
    pk_tree_node quoting; /* the layer of `reply` whose payload is the quotation */
} pk_exchange;

typedef struct pk_sent {
    uint64_t k;
    pk_u128 n;
    uint32_t try;
    int64_t time_ns; /* since the epoch */
    pk_bytes bytes;
} pk_sent;

typedef struct pk_session_counts {
    pk_u128 asked;
    uint64_t sent, failed;
    uint64_t excluded; /* stimuli not sent for where they go */
    uint64_t retries;  /* tries beyond the first */
    uint64_t answered; /* stimuli */
    uint64_t received; /* packets, and what they were: */
    uint64_t answers, duplicates, late, unmatched, heard, other;
    uint64_t not_kept; /* received and counted, beyond PK_SESSION_KEEP_LIMIT */
    uint64_t dropped;  /* by the kernel, for want of room */
    uint64_t open;     /* stimuli still waited for */
    uint64_t bytes_sent;
    uint64_t unstamped; /* frames of which the kernel did not say when they left */
    int64_t elapsed;    /* ns since the run began */
    int64_t sending;    /* ns from the first packet to the last */
    int64_t worst_gap;  /* ns that sending lagged behind its deadline at most */
    uint64_t rate;      /* as asked (run/pace.h) */
    bool stopped;       /* by `stop`, before all was sent */
} pk_session_counts;

/* What a caller wants to hear; any function may be NULL. A nonzero result ends the run
 * with that code (an output that failed). */
typedef struct pk_session_observer {
    int (*sent)(void *context, const pk_sent *sent);
    int (*received)(void *context, const pk_exchange *exchange);
    int (*progress)(void *context, const pk_session_counts *counts);
    void *context;
    /* 1: no more sending, wait for what is under way; 2: end at once. Looked at within 100 ms. */
    const volatile sig_atomic_t *stop;
} pk_session_observer;

/* Makes a filter for frames of a link type: instructions of 8 bytes, appended. */
typedef int pk_session_filter(void *context, uint32_t linktype, pk_buf *out, pk_error *reterr_);

typedef struct pk_session_setup {
    pk_vm *vm; /* its space must be open, its environment that of `paths` */
    const pk_image *image;
    pk_ref probe;
    const pk_run_options *options;
    pk_paths *paths;           /* NULL: packets name their addresses themselves */
    pk_session_filter *filter; /* of the receive side; NULL: the probe's own (`capture`), or none */
    void *filter_context;
    bool keep; /* keep received packets (but not other traffic) */
} pk_session_setup;

int pk_session_new(pk_session **ret_session, const pk_session_setup *setup, pk_error *reterr_);
void pk_session_free(pk_session *session);

/* Opens AF_PACKET on the interface asked for, or the one that the first packet's route says. */
int pk_session_open(pk_session *session, pk_error *reterr_);

/* Uses a transport of the caller's instead. */
int pk_session_use(pk_session *session, pk_transport *transport, pk_error *reterr_);

/* What may be sent to; borrowed, may be replaced in the run. NULL: everything. */
void pk_session_scope_set(pk_session *session, const pk_scope *scope);

/* Why stimuli were excluded: the first reason; "" when none was. */
const char *pk_session_exclusion(const pk_session *session);

/* How many targets outside of special ranges the run has, as far as can be told without looking at
 * each packet, and never too few; counting ends beyond `enough`, and below that many stimuli it is 0. */
pk_u128 pk_session_targets(pk_session *session, const pk_scope *scope, pk_u128 enough);

/* In which order the stimuli go; k counts along it. */
const pk_order *pk_session_order(const pk_session *session);

/* Leaves out stimuli that an earlier run sent, before the run; `done` is borrowed. They are asked for
 * no more. */
void pk_session_skip(pk_session *session, const pk_done *done);

/* All stimuli below that k were sent, or failed for good. */
uint64_t pk_session_settled(const pk_session *session);

/* The clock of time stamps: ns since the epoch. */
int64_t pk_session_realtime(void);

/* Runs to the end. PK_OK also when nothing was answered; an error is one of the environment (link
 * gone, no memory, an observer's output). Once per session. */
int pk_session_run(pk_session *session, const pk_session_observer *observer, pk_error *reterr_);

void pk_session_counts_of(pk_session *session, pk_session_counts *ret_counts);
/* Is the kernel asked when frames leave? */
bool pk_session_stamps(const pk_session *session);
const pk_transport *pk_session_transport(const pk_session *session);

/* Why stimuli failed: the first reason; "" when none did. */
const char *pk_session_failure(const pk_session *session);

/* Says of the reply of an unmatched exchange (during the observer's call, or just after
 * pk_session_kept) which stimulus it came nearest to, and where it differed. Looks at the latest
 * PK_SESSION_EXPLAIN stimuli. False when it resembles none. */
bool pk_session_explain(pk_session *session, const pk_tree *reply, pk_buf *out);

/* The received packets that were kept, in order of arrival. Their trees are made anew and good
 * until the next call. False beyond the last. */
bool pk_session_kept(pk_session *session, uint64_t index, pk_exchange *ret_exchange);

/* Stimuli begun so far: k runs from 0 to below that. */
uint32_t pk_session_stimuli(const pk_session *session);
/* Was stimulus `k` sent, and not answered? */
bool pk_session_unanswered(const pk_session *session, uint32_t k);
/* Its number, its packet built again (NULL when it cannot be; good until the next call), and
 * whether the link's layer was put before what the probe wrote. */
pk_u128 pk_session_number(const pk_session *session, uint32_t k);
const pk_tree *pk_session_stimulus(pk_session *session, pk_u128 n);
bool pk_session_link_added(pk_session *session, pk_u128 n);

#endif
