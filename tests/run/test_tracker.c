#include "../base/check.h"

#include "run/tracker.h"

#define MS INT64_C(1000000)

static pk_tracker tracker_of(uint32_t retry, uint32_t collect)
{
    pk_tracker tracker;
    pk_tracker_options options = {.timeout = 100 * MS, .retry = retry, .collect = collect};
    pk_tracker_init(&tracker, &options);
    return tracker;
}

static pk_verdict reply(pk_tracker *tracker, uint32_t k, int64_t at)
{
    uint32_t try;
    int64_t rtt;
    return pk_tracker_reply(tracker, k, at, &try, &rtt);
}

static void answered_and_unanswered_make_sent(void)
{
    pk_tracker tracker = tracker_of(0, 1);
    for (uint32_t k = 0; k < 10; k++)
        CHECK_INT(pk_tracker_sent(&tracker, k, k * MS, k != 3), PK_OK);
    CHECK_INT(tracker.sent, 9);
    CHECK_INT(tracker.failed, 1);
    CHECK_INT(tracker.open, 9);
    CHECK_INT(reply(&tracker, 5, 20 * MS), PK_VERDICT_ANSWER);
    CHECK_INT(reply(&tracker, 5, 21 * MS), PK_VERDICT_DUPLICATE);
    CHECK_INT(tracker.open, 8);
    CHECK_INT(tracker.answered, 1);
    CHECK_INT(tracker.duplicates, 1);
    CHECK(pk_tracker_answered(&tracker, 5) && !pk_tracker_answered(&tracker, 6));
    pk_tracker_free(&tracker);
}

static void time_outs_are_by_deadline_and_the_late_are_told(void)
{
    pk_tracker tracker = tracker_of(0, 1);
    pk_tracker_sent(&tracker, 0, 0, true);
    pk_tracker_sent(&tracker, 1, 50 * MS, true);
    CHECK_INT(pk_tracker_deadline(&tracker), 100 * MS);
    CHECK_INT(pk_tracker_expire(&tracker, 100 * MS), PK_OK);
    CHECK_INT(tracker.open, 2);
    CHECK_INT(pk_tracker_expire(&tracker, 101 * MS), PK_OK);
    CHECK_INT(tracker.open, 1);
    CHECK_INT(reply(&tracker, 0, 102 * MS), PK_VERDICT_LATE);
    CHECK_INT(tracker.answered, 0);
    /* It arrived in time and is looked at afterwards. */
    CHECK_INT(pk_tracker_expire(&tracker, 200 * MS), PK_OK);
    CHECK_INT(tracker.open, 0);
    CHECK_INT(reply(&tracker, 1, 149 * MS), PK_VERDICT_ANSWER);
    CHECK_INT(tracker.answered, 1);
    CHECK_INT(tracker.open, 0);
    CHECK_INT(tracker.late, 1);
    CHECK(pk_tracker_deadline(&tracker) == INT64_MAX);
    pk_tracker_free(&tracker);
}

static void only_the_unanswered_are_tried_again(void)
{
    pk_tracker tracker = tracker_of(2, 1);
    for (uint32_t k = 0; k < 3; k++)
        pk_tracker_sent(&tracker, k, 0, true);
    reply(&tracker, 1, 10 * MS);
    pk_tracker_expire(&tracker, 101 * MS);
    uint32_t k = 99;
    CHECK(pk_tracker_again(&tracker, &k) && k == 0);
    pk_tracker_sent(&tracker, 0, 110 * MS, true);
    /* Its answer comes while it waits for its second try: no second try. */
    CHECK_INT(reply(&tracker, 2, 105 * MS), PK_VERDICT_ANSWER);
    CHECK(!pk_tracker_again(&tracker, &k));
    CHECK_INT(pk_tracker_deadline(&tracker), 210 * MS);
    uint32_t try;
    int64_t rtt;
    CHECK_INT(pk_tracker_reply(&tracker, 0, 150 * MS, &try, &rtt), PK_VERDICT_ANSWER);
    CHECK_INT(try, 2);
    CHECK_INT(rtt, 40 * MS);
    CHECK_INT(tracker.open, 0);
    CHECK_INT(tracker.sent, 3);
    CHECK_INT(tracker.retries, 1);
    pk_tracker_free(&tracker);
}

static void tries_are_counted_out(void)
{
    pk_tracker tracker = tracker_of(2, 1);
    pk_tracker_sent(&tracker, 0, 0, true);
    uint32_t k, tries = 1;
    for (int64_t now = 0; now < 1000 * MS; now += 10 * MS) {
        pk_tracker_expire(&tracker, now);
        if (pk_tracker_again(&tracker, &k)) {
            pk_tracker_sent(&tracker, k, now, true);
            tries++;
        }
    }
    CHECK_INT(tries, 3);
    CHECK_INT(pk_tracker_tries(&tracker, 0), 3);
    CHECK_INT(tracker.open, 0);
    CHECK_INT(tracker.retries, 2);
    pk_tracker_free(&tracker);
}

static void all_replies_are_kept_until_the_deadline(void)
{
    pk_tracker tracker = tracker_of(0, PK_COLLECT_ALL);
    pk_tracker_sent(&tracker, 0, 0, true);
    for (int i = 0; i < 5; i++)
        CHECK_INT(reply(&tracker, 0, i * MS), PK_VERDICT_ANSWER);
    CHECK_INT(tracker.open, 1);
    CHECK_INT(tracker.answered, 1);
    CHECK_INT(tracker.answers, 5);
    pk_tracker_expire(&tracker, 101 * MS);
    CHECK_INT(tracker.open, 0);
    pk_tracker_free(&tracker);
}

static void a_number_of_replies_closes_the_stimulus(void)
{
    pk_tracker tracker = tracker_of(0, 2);
    pk_tracker_sent(&tracker, 0, 0, true);
    CHECK_INT(reply(&tracker, 0, MS), PK_VERDICT_ANSWER);
    CHECK_INT(tracker.open, 1);
    CHECK_INT(reply(&tracker, 0, MS), PK_VERDICT_ANSWER);
    CHECK_INT(tracker.open, 0);
    CHECK_INT(reply(&tracker, 0, MS), PK_VERDICT_DUPLICATE);
    pk_tracker_free(&tracker);
}

int main(void)
{
    answered_and_unanswered_make_sent();
    time_outs_are_by_deadline_and_the_late_are_told();
    only_the_unanswered_are_tried_again();
    tries_are_counted_out();
    all_replies_are_kept_until_the_deadline();
    a_number_of_replies_closes_the_stimulus();
    return check_result();
}
