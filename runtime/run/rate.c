/* Rates: numbers a second, and as the image has them. */
#include "base/literal.h"
#include "run/options.h"
#include "run/pace.h"

#define PPS_UNIT 1e6 /* a rate counts the packets of that many seconds */

uint64_t pk_run_rate_of(double per_second, bool bits)
{
    if (bits)
        return PK_PACE_BITS | (uint64_t)(per_second < 1      ? 1
                                         : per_second > 1e18 ? 1e18
                                                             : per_second);
    double rate = per_second * PPS_UNIT;
    return (uint64_t)(rate < 1 ? 1 : rate > 9e18 ? 9e18 : rate);
}

void pk_run_rate_text(pk_buf *out, uint64_t rate)
{
    if (!rate)
        pk_buf_text(out, "line");
    else if (rate & PK_PACE_BITS)
        pk_literal_add_rate(out, (double)(rate & ~PK_PACE_BITS), PK_RATE_BITS);
    else
        pk_literal_add_rate(out, (double)rate / PPS_UNIT, PK_RATE_PACKETS);
}
