#include "run/pace.h"

#include "base/rng.h"

#define NS_PER_S      UINT64_C(1000000000)
#define PPS_UNIT      UINT64_C(1000000)    /* rates count packets in that many seconds */
#define CATCH_UP      INT64_C(10000000)    /* ns */
#define SPREAD_STREAM UINT64_C(0x70616365) /* apart from the streams of packets */
#define FRAME_BYTES   1500u                /* a frame of ordinary size */

/* Cost of a packet; divided by the rate's number it is its nanoseconds. */
static pk_u128 cost_of(const pk_pace *pace, uint32_t bytes)
{
    if (pace->rate & PK_PACE_BITS)
        return (pk_u128)bytes * 8 * NS_PER_S;
    return (pk_u128)PPS_UNIT * NS_PER_S;
}

static uint64_t divisor_of(const pk_pace *pace)
{
    return pace->rate & ~PK_PACE_BITS;
}

/* Packets of ordinary size that CATCH_UP holds. */
static uint32_t burst_of(const pk_pace *pace)
{
    pk_u128 cost = cost_of(pace, FRAME_BYTES) / divisor_of(pace);
    pk_u128 fits = cost ? (pk_u128)CATCH_UP / cost : UINT32_MAX;
    return fits < 1 ? 1 : fits > UINT32_MAX ? UINT32_MAX : (uint32_t)fits;
}

static int64_t slack_of(const pk_pace *pace)
{
    pk_u128 slack = cost_of(pace, FRAME_BYTES) / divisor_of(pace) * (pace->burst - 1);
    return slack > INT64_MAX / 2 ? INT64_MAX / 2 : (int64_t)slack;
}

void pk_pace_init(pk_pace *ret_pace, uint64_t rate, uint32_t burst, int64_t now)
{
    *ret_pace = (pk_pace){.rate = rate, .burst = burst, .next = now};
    if ((rate & ~PK_PACE_BITS) == 0)
        ret_pace->rate = 0;
    if (!ret_pace->rate)
        return;
    if (!burst)
        ret_pace->burst = burst_of(ret_pace);
    ret_pace->slack = slack_of(ret_pace);
}

void pk_pace_spread(pk_pace *pace, int64_t spread, uint64_t seed)
{
    pace->spread = spread;
    pace->seed = seed;
}

bool pk_pace_due(pk_pace *pace, int64_t now)
{
    if (!pace->rate)
        return true;
    if (now < pace->next)
        return false;
    if (now - pace->next > pace->slack) {
        pace->next = now - pace->slack;
        pace->rest = 0;
    }
    return true;
}

void pk_pace_spend(pk_pace *pace, uint32_t bytes)
{
    if (!pace->rate)
        return;
    uint64_t divisor = divisor_of(pace);
    pk_u128 cost = cost_of(pace, bytes) + pace->rest;
    pk_u128 step = cost / divisor;
    pace->rest = (uint64_t)(cost % divisor);
    pace->next += step > INT64_MAX / 2 ? INT64_MAX / 2 : (int64_t)step;
    if (pace->spread)
        pace->next += (int64_t)pk_rng_below(pace->seed, pace->drawn++, SPREAD_STREAM,
                                            (pk_u128)pace->spread + 1);
}

void pk_pace_refund(pk_pace *pace, uint32_t bytes)
{
    if (!pace->rate)
        return;
    uint64_t divisor = divisor_of(pace);
    pk_u128 cost = cost_of(pace, bytes);
    pk_u128 step = cost / divisor;
    uint64_t rest = (uint64_t)(cost % divisor);
    step += rest > pace->rest;
    pace->rest += rest > pace->rest ? divisor - rest : -rest;
    pace->next -= step > INT64_MAX / 2 ? INT64_MAX / 2 : (int64_t)step;
}

int64_t pk_pace_next(const pk_pace *pace)
{
    return pace->rate ? pace->next : 0;
}
