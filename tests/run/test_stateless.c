/* Matching without memory: cookies in echoed fields. */
#include <malloc.h>
#include <stdlib.h>

#include "../base/check.h"
#include "scene.h"

enum { ETHERNET = 14, IPV4 = 20, ID = ETHERNET + IPV4 + 4, SEQ = ETHERNET + IPV4 + 4 };

#define PINGS "send ip(src=10.0.0.1, dst=10.1.0.0/24)/icmp() ; rate line ; timeout 20ms ; stateless"
#define SYNS  "send ip(src=10.0.0.1, dst=10.1.0.0/24)/tcp(dport=[80, 443]) ; rate line ; "

static void answer(scene *s, const pk_sent *sent)
{
    uint8_t frame[2048];
    scene_echo_reply(sent->bytes, frame);
    scene_put(s, frame, sent->bytes.len);
}

static void answer_twice(scene *s, const pk_sent *sent)
{
    answer(s, sent);
    answer(s, sent);
}

/* A SYN with the ends swapped becomes the reset that a closed port sends (RFC 9293 3.10.7.1). */
static void reset(scene *s, const pk_sent *sent)
{
    uint8_t frame[2048];
    const uint8_t *tcp = sent->bytes.data + ETHERNET + IPV4;
    scene_echo_reply(sent->bytes, frame);
    uint8_t *out = frame + ETHERNET + IPV4;
    memcpy(out, tcp + 2, 2);
    memcpy(out + 2, tcp, 2);
    uint32_t seq = (uint32_t)tcp[4] << 24 | (uint32_t)tcp[5] << 16 | (uint32_t)tcp[6] << 8 | tcp[7];
    memset(out + 4, 0, 4);
    for (int i = 0; i < 4; i++)
        out[8 + i] = (uint8_t)((seq + 1) >> (24 - 8 * i));
    out[13] = 0x14;
    scene_put(s, frame, sent->bytes.len);
}

static void report(scene *s, const pk_sent *sent)
{
    static const uint8_t from[4] = {10, 9, 9, 9};
    uint8_t frame[2048];
    size_t len = scene_unreachable(sent->bytes, from, IPV4 + 8, frame);
    scene_put(s, frame, len);
}

static void expect_all(const char *text, scene_responder *responder, uint64_t count, bool quoted)
{
    scene s;
    scene_open(&s, text);
    s.responder = responder;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    if (s.error.code)
        fprintf(stderr, "%s: %s\n", text, s.error.text);
    CHECK_INT(s.counts.sent, count);
    CHECK_INT(s.counts.answered, count);
    CHECK_INT(s.counts.answers, count);
    CHECK_INT(s.counts.unmatched, 0);
    CHECK_INT(s.quoted, quoted ? count : 0);
    scene_close(&s);
}

static void every_stimulus_is_answered_by_its_cookie(void)
{
    expect_all("probe p { " PINGS " }", answer, 256, false);
    expect_all("probe p { " PINGS " ; order random ; shard 1/4 ; seed 5 }", answer, 64, false);
    expect_all("probe p { " SYNS " timeout 20ms ; stateless }", reset, 512, false);
    expect_all("probe p { send [ip(src=10.0.0.1, dst=10.1.0.0/28)/icmp(), ip(src=10.0.0.1, "
               "dst=10.2.0.0/28)/icmp(type=13)] ; rate line ; timeout 20ms ; stateless }",
               report, 32, true);
}

static void eight_quoted_bytes_hold_enough_of_a_cookie(void)
{
    expect_all("probe p { " SYNS " timeout 20ms ; stateless }", report, 512, true);
    expect_all("probe p { send ip(src=10.0.0.1, dst=10.1.0.0/24, ttl=1..3)/tcp() ; rate line ; "
               "timeout 20ms ; stateless }",
               report, 768, true);
}

/* 2^17 numbers have no room in the 32 bits of an echo: the target is found by its address. */
static void where_the_word_is_short_the_axes_tell_the_number(void)
{
    expect_all(
        "probe p { send ip(src=10.0.0.1, dst=10.0.0.0/15)/icmp() ; count 300 ; order random ; "
        "rate line ; timeout 20ms ; stateless }",
        answer, 300, false);
}

static void what_no_answer_tells_is_said_at_once(void)
{
    scene s;
    scene_open(&s,
               "probe p { send ip(src=10.0.0.1, dst=10.0.0.0/16, ttl=1..3)/icmp() ; stateless }");
    CHECK_INT(scene_run(&s, NULL), PK_EUNSUPPORTED);
    CHECK_TEXT(
        s.error.text,
        "stateless: 32 bits of cookie tell 65536 packets by number, and `1..3` does not come "
        "back in an answer: send fewer, or leave more echoed fields unset");
    scene_close(&s);
}

static void further_answers_are_duplicates(void)
{
    scene s;
    scene_open(&s, "probe p { " PINGS " }");
    s.responder = answer_twice;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(s.counts.answered, 256);
    CHECK_INT(s.counts.answers, 256);
    CHECK_INT(s.counts.duplicates, 256);
    scene_close(&s);
}

/* ---- forged answers ---- */

static uint64_t forgeries; /* for each stimulus */

/* As good as somebody can who sees the targets' addresses but no packet: all is right but the words
 * that are echoed. */
static void forge(scene *s, const pk_sent *sent)
{
    static uint64_t state = 88172645463325252u;
    uint8_t frame[2048];
    scene_echo_reply(sent->bytes, frame);
    for (uint64_t i = 0; i < forgeries; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        memcpy(frame + ID, &state, 4);
        scene_put(s, frame, sent->bytes.len);
    }
}

static void forged_answers_are_never_matched(uint64_t count)
{
    scene s;
    pk_buf text = {0};
    pk_buf_printf(&text,
                  "probe p { send ip(src=10.0.0.1, dst=10.1.0.0/24)/icmp() ; rate line ; "
                  "timeout %llums ; stateless ; seed 99 ; count 250 }",
                  (unsigned long long)500 + count / 100); /* all are looked at */
    scene_open(&s, pk_buf_cstr(&text));
    pk_buf_free(&text);
    s.responder = forge;
    forgeries = count / 250;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(s.counts.received, count);
    CHECK_INT(s.counts.answers, 0);
    CHECK_INT(s.counts.unmatched, count);
    scene_close(&s);
}

/* ---- memory ---- */

static uint64_t most;

static uint64_t bytes_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void watch(scene *s, const pk_sent *sent)
{
    uint64_t now = bytes_in_use();
    (void)s;
    (void)sent;
    most = now > most ? now : most;
}

static int64_t memory_for(const char *clauses, unsigned count)
{
    scene s;
    pk_buf text = {0};
    pk_buf_printf(&text,
                  "probe p { send ip(src=10.0.0.1, dst=10.0.0.0/8)/icmp() ; rate line ; "
                  "timeout 1ms ; count %u ; %s }",
                  count, clauses);
    scene_open(&s, pk_buf_cstr(&text));
    s.responder = watch;
    uint64_t before = bytes_in_use();
    most = before;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(s.counts.sent, count);
    scene_close(&s);
    pk_buf_free(&text);
    return (int64_t)(most - before);
}

/* What the transport in memory keeps of frames is the same when nothing is received, and taken off.
 */
static void memory_does_not_grow_with_the_stimuli(void)
{
    int64_t few = memory_for("stateless", 10000) - memory_for("discard", 10000);
    int64_t many = memory_for("stateless", 100000) - memory_for("discard", 100000);
    if (!bytes_in_use())
        return; /* a sanitizer's allocator does not say */
    CHECK(few > 0);
    CHECK(many - few < 45000); /* half a byte for each of the 90,000 */
    CHECK(many < 4 << 20);
}

int main(int argc, char **argv)
{
    every_stimulus_is_answered_by_its_cookie();
    eight_quoted_bytes_hold_enough_of_a_cookie();
    where_the_word_is_short_the_axes_tell_the_number();
    what_no_answer_tells_is_said_at_once();
    further_answers_are_duplicates();
    forged_answers_are_never_matched(argc > 1 ? strtoull(argv[1], NULL, 10) : 50000);
    memory_does_not_grow_with_the_stimuli();
    return check_result();
}
