/*
 * How a probe is run: the options of its declaration, and what the caller says over them.
 *
 * pk_run_options_init gives the safe defaults. The caller sets what its own command line says and
 * marks it in `given`; pk_run_options_read then fills from the image whatever is not marked, so the
 * command line wins. An option of the probe that this runtime cannot carry out is refused by name:
 * nothing that was asked for is left undone in silence.
 */
#ifndef PK_RUN_OPTIONS_H
#define PK_RUN_OPTIONS_H

#include "base/error.h"
#include "vm/vm.h"

#define PK_RUN_RATE_DEFAULT    UINT64_C(100000000) /* 100 packets a second */
#define PK_RUN_TIMEOUT_DEFAULT INT64_C(2000000000) /* ns */
#define PK_RUN_INTERFACE_MAX   16u
#define PK_RUN_COUNT_FOREVER   (~(pk_u128)0)

/* What the clause `capture` is in an image: classic BPF for frames with an Ethernet header, and for
 * those that begin with IP. */
#define PK_RUN_CAPTURE      "capture"
#define PK_RUN_CAPTURE_BARE "captures"

enum {
    PK_RUN_TIMEOUT = 1u << 0,
    PK_RUN_RETRY = 1u << 1,
    PK_RUN_RATE = 1u << 2,
    PK_RUN_BURST = 1u << 3,
    PK_RUN_COUNT = 1u << 4,
    PK_RUN_LOOPS = 1u << 5,
    PK_RUN_DURATION = 1u << 6,
    PK_RUN_COLLECT = 1u << 7,
    PK_RUN_ORDER = 1u << 8,
    PK_RUN_SEED = 1u << 9,
    PK_RUN_INTERFACE = 1u << 10,
    PK_RUN_DISCARD = 1u << 11,
    PK_RUN_SAVE = 1u << 12,
    PK_RUN_SHARD = 1u << 13,
    PK_RUN_SHARDS = 1u << 14,
    PK_RUN_STATELESS = 1u << 15,
    PK_RUN_RTT = 1u << 16,
    PK_RUN_GUARD = 1u << 17
};

typedef struct pk_run_options {
    uint32_t given;   /* PK_RUN_*: set by the caller or by the probe */
    int64_t timeout;  /* ns after a stimulus's last try */
    uint32_t retry;   /* tries beyond the first, for the unanswered */
    uint64_t rate;    /* as run/pace.h has it; 0 = without limit */
    int64_t spread;   /* ns by which distances between packets vary at most */
    uint32_t burst;   /* packets that may go at once; 0 = by the rate */
    pk_u128 count;    /* packets; 0 = as many as the set has, times loops */
    uint64_t loops;   /* times the set is sent */
    int64_t duration; /* ns after which sending ends; 0 = when all is sent */
    int64_t wait;     /* ns listened on when all is answered or given up, for what comes late */
    uint32_t collect; /* replies kept for a stimulus; 0 = all */
    bool random_order;
    uint32_t shard, shards; /* this run's part of the order (run/order.h); shards 0 = all of it */
    bool discard;           /* send only: nothing is received */
    bool stateless;         /* nothing is kept of a stimulus (run/stateless.h) */
    bool guard;             /* the kernel sends no TCP resets while this runs (net/guard.h) */
    bool no_rtt;            /* not even when the latest were sent */
    uint64_t seed;
    char interface[PK_RUN_INTERFACE_MAX]; /* "" = by the route of the first packet */
    char save[256];                       /* file to keep the run in; "" = none */
} pk_run_options;

void pk_run_options_init(pk_run_options *ret_options);

/* PK_EFORMAT for a value that an option cannot have, PK_EUNSUPPORTED for an option that this
 * runtime does not carry out; the text names it. */
int pk_run_options_read(pk_vm *vm, const pk_image *image, const pk_image_probe *probe,
                        pk_run_options *options, pk_error *reterr_);

/* The options as the language writes them, those that have a value: option `index` (below the count)
 * appends its value and gives its name; NULL, and nothing appended, for one that has none. */
uint32_t pk_run_options_count(void);
const char *pk_run_option_text(const pk_run_options *options, uint32_t index, pk_buf *out);

/* A rate as the image has it from a number a second; and as text for people. */
uint64_t pk_run_rate_of(double per_second, bool bits);
void pk_run_rate_text(pk_buf *out, uint64_t rate);

#endif
