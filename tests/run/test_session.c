#include "../base/check.h"

#include <malloc.h>
#include <stdlib.h>

#include "scene.h"

#define HEAD "eth(dst=02:00:00:00:00:02, src=02:00:00:00:00:01)/ip(src=192.0.2.1, "

static void balanced(const scene *s)
{
    const pk_session_counts *c = &s->counts;
    CHECK(c->sent + c->failed <= c->asked);
    CHECK(c->answered <= c->sent);
    CHECK_INT(c->received, c->answers + c->duplicates + c->late + c->unmatched + c->other);
    CHECK_INT(s->seen[PK_VERDICT_ANSWER], c->answers);
    CHECK_INT(s->seen[PK_VERDICT_DUPLICATE], c->duplicates);
    CHECK_INT(s->seen[PK_VERDICT_LATE], c->late);
    CHECK_INT(s->seen[PK_VERDICT_UNMATCHED], c->unmatched);
    CHECK_INT(s->seen[PK_VERDICT_OTHER], c->other);
}

static void reply_once(scene *s, const pk_sent *sent)
{
    uint8_t frame[256];
    scene_echo_reply(sent->bytes, frame);
    scene_put(s, frame, sent->bytes.len);
}

static void reply_twice(scene *s, const pk_sent *sent)
{
    reply_once(s, sent);
    reply_once(s, sent);
}

static void every_stimulus_is_answered_and_the_run_ends_at_once(void)
{
    scene s;
    scene_open(&s, "send " HEAD "dst=10.0.0.0/24)/icmp(id=7), timeout=30s, rate=line");
    s.responder = reply_once;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(s.counts.sent, 256);
    CHECK_INT(s.counts.answered, 256);
    CHECK(s.counts.elapsed < INT64_C(5000000000));
    balanced(&s);
    scene_close(&s);
}

static void duplicates_are_counted_apart(void)
{
    scene s;
    scene_open(&s, "send " HEAD "dst=10.0.0.0/26)/icmp(id=7), timeout=2s, rate=line");
    s.responder = reply_twice;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(s.counts.answered, 64);
    CHECK_INT(s.counts.answers, 64);
    CHECK_INT(s.counts.duplicates, 64);
    balanced(&s);
    scene_close(&s);
}

static void all_replies_are_answers_when_all_are_collected(void)
{
    scene s;
    scene_open(&s, "send " HEAD "dst=10.0.0.0/29)/icmp(), timeout=100ms, collect=all, rate=line");
    s.responder = reply_twice;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(s.counts.answered, 8);
    CHECK_INT(s.counts.answers, 16);
    CHECK_INT(s.counts.duplicates, 0);
    CHECK(s.counts.elapsed >= INT64_C(100000000));
    balanced(&s);
    scene_close(&s);
}

static void reply_to_second_try(scene *s, const pk_sent *sent)
{
    if (sent->try == 2)
        reply_once(s, sent);
}

static void only_the_unanswered_are_sent_again(void)
{
    scene s;
    scene_open(&s, "send " HEAD "dst=10.0.0.0/28)/icmp(id=7), timeout=80ms, retry=3, rate=line");
    s.responder = reply_to_second_try;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(s.counts.sent, 16);
    CHECK_INT(s.counts.retries, 16);
    CHECK_INT(s.counts.answered, 16);
    pk_exchange exchange;
    CHECK(pk_session_kept(s.session, 0, &exchange));
    CHECK_INT(exchange.try, 2);
    CHECK(exchange.rtt < INT64_C(80000000));
    balanced(&s);
    scene_close(&s);
}

static void silence_ends_after_the_last_time_out(void)
{
    scene s;
    scene_open(&s, "send " HEAD "dst=10.0.0.1)/icmp(), timeout=50ms, retry=2");
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(s.counts.sent, 1);
    CHECK_INT(s.counts.retries, 2);
    CHECK_INT(s.counts.answered, 0);
    CHECK(s.counts.elapsed >= INT64_C(150000000));
    CHECK(s.counts.elapsed < INT64_C(1000000000));
    CHECK(pk_session_unanswered(s.session, 0));
    CHECK_INT(pk_memory_sent_count(s.transport), 3);
    scene_close(&s);
}

/* The answer to the first comes when the last is sent, after the first was given up. */
static void reply_late(scene *s, const pk_sent *sent)
{
    static uint8_t first[256];
    if (sent->k == 0)
        scene_echo_reply(sent->bytes, first);
    if (sent->k == 3)
        scene_put(s, first, sent->bytes.len);
}

static void the_late_are_told_from_answers(void)
{
    scene s;
    scene_open(&s, "send " HEAD "dst=10.0.0.0/30)/icmp(), timeout=20ms, inter=20ms");
    s.responder = reply_late;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(s.counts.answered, 0);
    CHECK_INT(s.counts.late, 1);
    balanced(&s);
    scene_close(&s);
}

static void reply_wrong(scene *s, const pk_sent *sent)
{
    uint8_t frame[256];
    scene_echo_reply(sent->bytes, frame);
    frame[14 + 20 + 5] ^= 1; /* another id */
    scene_put(s, frame, sent->bytes.len);
    frame[12] = 0x88; /* another protocol altogether */
    frame[13] = 0xb5;
    scene_put(s, frame, sent->bytes.len);
}

static void what_answers_nothing_is_unmatched_or_other_traffic(void)
{
    scene s;
    scene_open(&s, "send " HEAD "dst=10.0.0.0/29)/icmp(id=6), timeout=50ms, rate=line");
    s.responder = reply_wrong;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(s.counts.answered, 0);
    CHECK_INT(s.counts.unmatched, 8);
    CHECK_INT(s.counts.other, 8);
    balanced(&s);
    scene_close(&s);
}

/* From a router of no interest, quoting as much as the test wants. */
static void report(scene *s, const pk_sent *sent)
{
    static const uint8_t router[4] = {203, 0, 113, 9};
    uint8_t frame[512];
    size_t len = scene_unreachable(sent->bytes, router, *(const size_t *)s->own, frame);
    scene_put(s, frame, len);
}

static void error_reports_find_what_they_quote(void)
{
    for (size_t quoted = 28; quoted <= 40; quoted += 12) {
        scene s;
        scene_open(&s, "send " HEAD "dst=10.0.0.0/28)/udp(sport=4000, dport=1..16)/\"pktc!\", "
                       "timeout=1s, rate=line");
        s.responder = report;
        s.own = &quoted;
        CHECK_INT(scene_run(&s, NULL), PK_OK);
        CHECK_INT(s.counts.sent, 256);
        CHECK_INT(s.counts.answered, 256);
        CHECK_INT(s.quoted, 256);
        for (uint64_t i = 0; i < 256; i++) {
            pk_exchange exchange;
            CHECK(pk_session_kept(s.session, i, &exchange));
            CHECK_INT(exchange.n, i);
        }
        balanced(&s);
        scene_close(&s);
    }
}

static void a_quotation_too_short_to_tell_is_unmatched(void)
{
    scene s;
    size_t quoted = 20;
    scene_open(&s,
               "send " HEAD "dst=10.0.0.1)/udp(sport=4000, dport=1..4), timeout=50ms, rate=line");
    s.responder = report;
    s.own = &quoted;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(s.counts.unmatched, 4);
    balanced(&s);
    scene_close(&s);
}

/* What the path changed in between does not matter, what differs between stimuli does. */
static void report_backwards(scene *s, const pk_sent *sent)
{
    static const uint8_t router[4] = {203, 0, 113, 9};
    static uint8_t frames[8][512];
    static size_t lens[8];
    lens[sent->k] = scene_unreachable(sent->bytes, router, 64, frames[sent->k]);
    frames[sent->k][14 + 20 + 8 + 8] = 1; /* the time to live that was left */
    for (size_t i = 8; sent->k == 7 && i-- > 0;)
        scene_put(s, frames[i], lens[i]);
}

static void among_equal_keys_the_quoted_bytes_decide(void)
{
    scene s;
    scene_open(&s,
               "let t = 1..8\nsend " HEAD "dst=10.0.0.1, ttl=t, id=t)/udp(sport=4000, dport=9), "
               "timeout=200ms, rate=line");
    s.responder = report_backwards;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(s.counts.answered, 8);
    for (uint64_t i = 0; i < 8; i++) {
        pk_exchange exchange;
        CHECK(pk_session_kept(s.session, i, &exchange));
        CHECK_INT(exchange.n, 7 - i);
    }
    scene_close(&s);
}

/* Each report shows a time to live of 1, as the first rung was sent with: it must not get them all. */
static void report_expired(scene *s, const pk_sent *sent)
{
    static const uint8_t router[4] = {203, 0, 113, 9};
    uint8_t frame[512];
    size_t len = scene_unreachable(sent->bytes, router, 64, frame);
    frame[14 + 20 + 8 + 8] = 1;
    scene_put(s, frame, len);
}

static void each_rung_of_a_ladder_gets_its_own_report(void)
{
    scene s;
    scene_open(&s, "send " HEAD "dst=10.0.0.1, ttl=1..30)/udp(sport=4000, dport=9), timeout=200ms, "
                   "rate=1kpps");
    s.responder = report_expired;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(s.counts.answered, 30);
    CHECK_INT(s.counts.duplicates, 0);
    for (uint64_t i = 0; i < 30; i++) {
        pk_exchange exchange;
        CHECK(pk_session_kept(s.session, i, &exchange) && exchange.n == i);
    }
    scene_close(&s);
}

static void an_unmatched_packet_says_where_it_differed(void)
{
    scene s;
    scene_open(&s, "send " HEAD "dst=10.0.0.0/29)/icmp(id=6, seq=2), timeout=50ms, rate=line");
    s.responder = reply_wrong;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    pk_exchange exchange;
    pk_buf why = {0};
    CHECK(pk_session_kept(s.session, 3, &exchange));
    CHECK_INT(exchange.verdict, PK_VERDICT_UNMATCHED);
    CHECK(pk_session_explain(s.session, exchange.reply, &why));
    CHECK(strstr(pk_buf_cstr(&why), "stimulus 3") != NULL);
    CHECK(strstr(pk_buf_cstr(&why), "id is 7 where 6 would answer") != NULL);
    CHECK(strstr(pk_buf_cstr(&why), "src agrees") != NULL);
    pk_buf_free(&why);
    scene_close(&s);
}

static void equal_stimuli_are_answered_in_their_order(void)
{
    scene s;
    scene_open(&s, "send " HEAD "dst=10.0.0.1)/icmp(id=1), count=5000, timeout=2s, rate=line");
    s.responder = reply_once;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(s.counts.answered, 5000);
    pk_exchange exchange;
    CHECK(pk_session_kept(s.session, 4999, &exchange) && exchange.n == 4999);
    scene_close(&s);
}

static void a_full_queue_costs_no_packet(void)
{
    scene s;
    pk_memory_options often_full = {.full_every = 3};
    scene_open(&s, "send " HEAD "dst=10.0.0.0/25)/icmp(), timeout=1s, rate=line");
    s.responder = reply_once;
    CHECK_INT(scene_run(&s, &often_full), PK_OK);
    CHECK_INT(s.counts.sent, 128);
    CHECK_INT(s.counts.answered, 128);
    CHECK_INT(pk_memory_sent_count(s.transport), 128);
    scene_close(&s);
}

static void a_packet_too_long_for_the_link_fails_with_both_numbers(void)
{
    scene s;
    pk_memory_options small = {.mtu = 100};
    scene_open(&s, "send " HEAD "dst=10.0.0.1)/icmp()/fill(0, [10, 200]), timeout=50ms");
    CHECK_INT(scene_run(&s, &small), PK_OK);
    CHECK_INT(s.counts.sent, 1);
    CHECK_INT(s.counts.failed, 1);
    CHECK(strstr(pk_session_failure(s.session), "228 bytes is too long") != NULL);
    CHECK(strstr(pk_session_failure(s.session), "MTU is 100") != NULL);
    scene_close(&s);
}

static void ask_to_stop(scene *s, const pk_sent *sent)
{
    reply_once(s, sent);
    s->stop = 1;
}

static void a_stop_leaves_the_rest_unsent_and_said(void)
{
    scene s;
    scene_open(&s, "send " HEAD "dst=10.0.0.0/8)/icmp(), timeout=1s, rate=1kpps");
    s.responder = ask_to_stop;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK(s.counts.stopped);
    CHECK(s.counts.sent >= 1 && s.counts.sent < 100);
    CHECK_INT(s.counts.answered, s.counts.sent);
    CHECK(s.counts.asked == 1 << 24);
    balanced(&s);
    scene_close(&s);
}

static void the_asked_rate_is_kept(void)
{
    scene s;
    scene_open(&s, "send " HEAD "dst=10.0.0.0/24)/icmp(), timeout=1ms, rate=1kpps");
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(s.counts.sent, 256);
    CHECK(s.counts.sending >= INT64_C(240000000));
    CHECK(s.counts.sending < INT64_C(2000000000));
    scene_close(&s);
}

static void a_duration_ends_sending(void)
{
    scene s;
    scene_open(&s, "probe p { send " HEAD "dst=10.0.0.1)/icmp() ; count 1M ; rate 1kpps ; "
                   "duration 200ms ; timeout 20ms }");
    s.responder = reply_once;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK(s.counts.sent >= 20 && s.counts.sent <= 202); /* a busy machine sends late, never more */
    CHECK_INT(s.counts.answered, s.counts.sent);
    balanced(&s);
    scene_close(&s);
}

static void loops_send_the_set_again_with_new_numbers(void)
{
    scene s;
    scene_open(&s, "probe p { send " HEAD "dst=10.0.0.0/30, id=random(u16))/icmp(id=3) ; loops 3 ; "
                   "rate line ; timeout 1s ; seed 4 }");
    s.responder = reply_once;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(s.counts.sent, 12);
    CHECK_INT(s.counts.answered, 12);
    pk_bytes first = pk_memory_sent(s.transport, 0), again = pk_memory_sent(s.transport, 4);
    uint8_t id[2] = {first.data[18], first.data[19]};
    CHECK_INT(first.data[33], again.data[33]);
    CHECK(memcmp(id, again.data + 18, 2) != 0);
    scene_close(&s);
}

/* An echo reply to each stimulus, and one that none asked for. */
static void answer_and_speak(scene *s, const pk_sent *sent)
{
    uint8_t frame[2048];
    scene_echo_reply(sent->bytes, frame);
    scene_put(s, frame, sent->bytes.len);
    frame[14 + 20 + 4] = 0x77; /* the high byte of its id */
    scene_put(s, frame, sent->bytes.len);
}

static void what_is_listened_for_is_heard_beside_answers(void)
{
    scene s;
    scene_open(&s, "probe p { send ip(src=10.0.0.1, dst=10.0.0.2)/icmp(seq=1..3); rate line\n"
                   "listen icmp(id=0x7700..0x77ff); timeout 20ms }");
    s.responder = answer_and_speak;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(s.counts.answered, 3);
    CHECK_INT(s.counts.heard, 3);
    CHECK_INT(s.counts.unmatched, 0);
    CHECK_INT(s.seen[PK_VERDICT_HEARD], 3);
    CHECK(s.counts.elapsed >= 20000000); /* it listened on, with all answered */
    scene_close(&s);
}

static void who_only_listens_ends_with_the_asked_number_or_the_duration(void)
{
    scene s;
    scene_open(&s, "listen arp(op=2), duration=20ms");
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(s.counts.heard, 0);
    CHECK(s.counts.elapsed >= 20000000);
    scene_close(&s);
}

static void sending_alone_receives_nothing(void)
{
    scene s;
    scene_open(&s, "probe p { send " HEAD "dst=10.0.0.0/24)/icmp() ; discard ; rate line }");
    s.responder = reply_once;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(s.counts.sent, 256);
    CHECK_INT(s.counts.received, 0);
    scene_close(&s);
}

static void random_order_sends_all_of_a_set(void)
{
    scene s;
    scene_open(&s, "send " HEAD "dst=10.0.0.0/24)/icmp(), order=random, seed=9, rate=line, "
                   "timeout=1s");
    s.responder = reply_once;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    bool seen[256] = {false};
    unsigned in_place = 0;
    for (uint32_t k = 0; k < 256; k++) {
        pk_bytes frame = pk_memory_sent(s.transport, k);
        CHECK(!seen[frame.data[33]]);
        seen[frame.data[33]] = true;
        in_place += frame.data[33] == k;
    }
    CHECK(in_place < 16);
    scene_close(&s);
}

static uint64_t bytes_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static uint64_t most;

static void watch_memory(scene *s, const pk_sent *sent)
{
    (void)s;
    (void)sent;
    uint64_t now = bytes_in_use();
    most = now > most ? now : most;
}

enum { MANY = 200000 };

/* Bytes in use at most while MANY stimuli are sent, beyond those in use before. */
static uint64_t memory_for(const char *text)
{
    scene s;
    scene_open(&s, text);
    s.responder = watch_memory;
    uint64_t before = bytes_in_use();
    most = before;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(s.counts.sent, MANY);
    scene_close(&s);
    return most - before;
}

#define SYNS "send " HEAD "dst=10.0.0.0..10.3.13.63)/tcp(sport=4000) ; rate line ; "

/* TCP has the most shapes of any: three keys and a quotation each. What the transport in memory
 * keeps of the frames is the same when nothing is tracked, and taken off. */
static void a_stimulus_costs_at_most_64_bytes(void)
{
    uint64_t tracked = memory_for("probe p { " SYNS "timeout 1s }");
    uint64_t sent_only = memory_for("probe p { " SYNS "discard }");
    if (!bytes_in_use())
        return; /* a sanitizer's allocator does not say */
    CHECK(tracked > sent_only);
    CHECK((tracked - sent_only) / MANY <= 64);
    CHECK((tracked - sent_only) / MANY >= 30);
}

int main(void)
{
    every_stimulus_is_answered_and_the_run_ends_at_once();
    duplicates_are_counted_apart();
    all_replies_are_answers_when_all_are_collected();
    only_the_unanswered_are_sent_again();
    silence_ends_after_the_last_time_out();
    the_late_are_told_from_answers();
    what_answers_nothing_is_unmatched_or_other_traffic();
    error_reports_find_what_they_quote();
    a_quotation_too_short_to_tell_is_unmatched();
    among_equal_keys_the_quoted_bytes_decide();
    each_rung_of_a_ladder_gets_its_own_report();
    an_unmatched_packet_says_where_it_differed();
    equal_stimuli_are_answered_in_their_order();
    a_full_queue_costs_no_packet();
    a_packet_too_long_for_the_link_fails_with_both_numbers();
    a_stop_leaves_the_rest_unsent_and_said();
    the_asked_rate_is_kept();
    a_duration_ends_sending();
    loops_send_the_set_again_with_new_numbers();
    what_is_listened_for_is_heard_beside_answers();
    who_only_listens_ends_with_the_asked_number_or_the_duration();
    sending_alone_receives_nothing();
    random_order_sends_all_of_a_set();
    a_stimulus_costs_at_most_64_bytes();
    return check_result();
}
