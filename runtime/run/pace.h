/*
 * Pacing by deadline: how many packets are due now, and when the next one will be.
 *
 * Each packet has a time at which it may go, counted from the one before (not from when that one
 * really went), so a late wake-up is caught up by a few packets at once and the asked rate is kept
 * exactly; but never by more than `burst` packets: a pause of the machine does not become a flood.
 * Times are nanoseconds of the monotonic clock. A rate of 0 means without limit.
 *
 * A spread makes the distances irregular: to each a random time up to it is added.
 */
#ifndef PK_RUN_PACE_H
#define PK_RUN_PACE_H

#include "base/types.h"

/* A rate as the image has it: packets per 1,000,000 seconds, or bits per second with bit 63. */
#define PK_PACE_BITS UINT64_C(0x8000000000000000)

typedef struct pk_pace {
    uint64_t rate;  /* as above; 0 = without limit */
    uint32_t burst; /* packets that may be late at once */
    int64_t slack;  /* how far the deadline may lie behind */
    int64_t next;   /* when the next packet is due */
    uint64_t rest;  /* what the last division left, so that nothing is lost to rounding */
    int64_t spread; /* ns that a distance may be longer, at most */
    uint64_t seed;  /* of the spread, */
    uint64_t drawn; /* and how many were drawn */
} pk_pace;

/* burst 0: what 10 ms hold, at least 1. */
void pk_pace_init(pk_pace *ret_pace, uint64_t rate, uint32_t burst, int64_t now);

/* From here on distances are longer by 0 to `spread` ns, drawn from the seed. The pace has a rate. */
void pk_pace_spread(pk_pace *pace, int64_t spread, uint64_t seed);

/* May a packet go at `now`? */
bool pk_pace_due(pk_pace *pace, int64_t now);

/* One packet of `bytes` has gone: moves the deadline on. */
void pk_pace_spend(pk_pace *pace, uint32_t bytes);

/* It has not gone after all. */
void pk_pace_refund(pk_pace *pace, uint32_t bytes);

/* When the next packet is due (in the past when it is due already). */
int64_t pk_pace_next(const pk_pace *pace);

#endif
