#include "../base/check.h"

#include "run/pace.h"
#include "run/queue.h"

#define SECOND INT64_C(1000000000)

static uint64_t pps(uint64_t rate)
{
    return rate * 1000000;
}

/* Packets that go in `span` when somebody looks every `step`. */
static unsigned count_sent(uint64_t rate, uint32_t burst, int64_t span, int64_t step, uint32_t len)
{
    pk_pace pace;
    pk_pace_init(&pace, rate, burst, 0);
    unsigned sent = 0;
    for (int64_t now = 0; now < span; now += step)
        for (; sent < 10000000 && pk_pace_due(&pace, now); sent++)
            pk_pace_spend(&pace, len);
    return sent;
}

static void packets_a_second_are_kept_exactly(void)
{
    CHECK_INT(count_sent(pps(100), 0, 10 * SECOND, 1000000, 60), 1000);
    CHECK_INT(count_sent(pps(3), 0, 10 * SECOND, 1000000, 60), 30);
    CHECK_INT(count_sent(pps(100000), 0, SECOND, 1000000, 60), 99901);
}

static void a_rate_below_one_a_second_works(void)
{
    CHECK_INT(count_sent(50000, 0, 100 * SECOND, 10000000, 60), 5); /* 0.05 pps */
}

static void bits_a_second_count_the_bytes(void)
{
    CHECK_INT(count_sent(PK_PACE_BITS | 1000000, 0, SECOND, 100000, 1250), 100);
    CHECK_INT(count_sent(PK_PACE_BITS | 1000000, 0, SECOND, 100000, 125), 1000);
}

static void a_pause_does_not_become_a_flood(void)
{
    pk_pace pace;
    pk_pace_init(&pace, pps(1000), 0, 0);
    unsigned sent = 0;
    for (; pk_pace_due(&pace, 5 * SECOND); sent++)
        pk_pace_spend(&pace, 60);
    CHECK_INT(sent, 10); /* what 10 ms hold */
    CHECK_INT(pk_pace_next(&pace), 5 * SECOND + 1000000);
}

static void an_asked_burst_is_the_limit(void)
{
    pk_pace pace;
    pk_pace_init(&pace, pps(10), 32, 0);
    unsigned sent = 0;
    for (; pk_pace_due(&pace, 50 * SECOND); sent++)
        pk_pace_spend(&pace, 60);
    CHECK_INT(sent, 32);
}

static void no_rate_is_no_limit(void)
{
    pk_pace pace;
    pk_pace_init(&pace, 0, 0, 0);
    for (unsigned i = 0; i < 1000; i++) {
        CHECK(pk_pace_due(&pace, 0));
        pk_pace_spend(&pace, 1500);
    }
}

static void a_queue_gives_back_what_was_put_in_order(void)
{
    pk_queue queue = {0};
    uint32_t put = 0, got = 0, value = 0;
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < 1000; i++)
            CHECK(pk_queue_put(&queue, put++));
        for (unsigned i = 0; i < 900; i++) {
            CHECK(pk_queue_peek(&queue, &value) && value == got);
            CHECK(pk_queue_get(&queue, &value) && value == got++);
        }
    }
    CHECK_INT(queue.count, 5000);
    while (pk_queue_get(&queue, &value))
        CHECK(value == got++);
    CHECK_INT(got, 50000);
    CHECK(pk_queue_put(&queue, 7) && pk_queue_get(&queue, &value) && value == 7);
    CHECK(!pk_queue_get(&queue, &value));
    pk_queue_free(&queue);
}

static void a_spread_varies_the_distances_within_its_bounds_and_by_the_seed(void)
{
    int64_t first[64];
    for (uint64_t seed = 1; seed <= 2; seed++) {
        pk_pace pace;
        int64_t least = INT64_MAX, most = 0;
        bool same = true;
        pk_pace_init(&pace, pps(100), 0, 0);
        pk_pace_spread(&pace, 30000000, seed);
        for (int i = 0; i < 64; i++) {
            int64_t before = pk_pace_next(&pace);
            pk_pace_spend(&pace, 64);
            int64_t distance = pk_pace_next(&pace) - before;
            least = distance < least ? distance : least;
            most = distance > most ? distance : most;
            same = same && (seed == 1 || distance == first[i]);
            first[i] = distance;
        }
        CHECK(least >= 10000000 && least < 12000000);
        CHECK(most <= 40000000 && most > 38000000);
        CHECK(seed == 1 || !same);
    }
}

int main(void)
{
    a_spread_varies_the_distances_within_its_bounds_and_by_the_seed();
    packets_a_second_are_kept_exactly();
    a_rate_below_one_a_second_works();
    bits_a_second_count_the_bytes();
    a_pause_does_not_become_a_flood();
    an_asked_burst_is_the_limit();
    no_rate_is_no_limit();
    a_queue_gives_back_what_was_put_in_order();
    return check_result();
}
