/* Replies of shapes seen before are matched by what is remembered of them: exactly those stimuli are
 * answered that were, whatever else looks the same. */
#include "../base/check.h"

#include <string.h>

#include "scene.h"

#define ETHER "eth(dst=02:00:00:00:00:02, src=02:00:00:00:00:01)/"

enum { ETHERNET = 14, IPV4 = 20, IPV6 = 40 };

typedef struct counting {
    uint64_t answered, wrong;
} counting;

static void swap(uint8_t *a, uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t keep = a[i];
        a[i] = b[i];
        b[i] = keep;
    }
}

/* The frame on its way back, addresses and ports exchanged. */
static void turn(const pk_sent *sent, uint8_t *frame)
{
    memcpy(frame, sent->bytes.data, sent->bytes.len);
    swap(frame, frame + 6, 6);
    if (frame[12] == 0x08)
        swap(frame + ETHERNET + 12, frame + ETHERNET + 16, 4);
    else
        swap(frame + ETHERNET + 8, frame + ETHERNET + 24, 16);
}

/* Every third stimulus stays without an answer: what comes differs in one byte at `at`. */
static void put(scene *s, const pk_sent *sent, uint8_t *frame, size_t at)
{
    counting *c = s->own;
    if (sent->k % 3 == 2) {
        frame[at] ^= 0x40;
        c->wrong++;
    } else {
        c->answered++;
    }
    scene_put(s, frame, sent->bytes.len);
}

static void echo(scene *s, const pk_sent *sent)
{
    uint8_t frame[128];
    turn(sent, frame);
    frame[ETHERNET + IPV4] = 0;
    put(s, sent, frame, ETHERNET + IPV4 + 4);
}

static void echo6(scene *s, const pk_sent *sent)
{
    uint8_t frame[128];
    turn(sent, frame);
    frame[ETHERNET + IPV6] = 129;
    put(s, sent, frame, ETHERNET + 8 + 7); /* in the first half of the address */
}

/* Resets, and every other time a connection. */
static void handshake(scene *s, const pk_sent *sent)
{
    uint8_t frame[128];
    uint8_t *tcp = frame + ETHERNET + IPV4;
    turn(sent, frame);
    swap(tcp, tcp + 2, 2);
    memcpy(tcp + 8, sent->bytes.data + ETHERNET + IPV4 + 4, 4);
    tcp[11]++;
    tcp[4] = (uint8_t)sent->k;
    tcp[13] = sent->k % 2 ? 0x14 : 0x12;
    put(s, sent, frame, ETHERNET + IPV4 + 10);
}

static void datagram(scene *s, const pk_sent *sent)
{
    uint8_t frame[128];
    turn(sent, frame);
    swap(frame + ETHERNET + IPV4, frame + ETHERNET + IPV4 + 2, 2);
    put(s, sent, frame, ETHERNET + IPV4 + 1);
}

static void run(const char *text, scene_responder *responder, uint64_t count)
{
    scene s;
    counting c = {0, 0};
    scene_open(&s, text);
    s.own = &c;
    s.responder = responder;
    s.options.rate = 0;
    s.options.retry = 0;
    s.options.timeout = 50000000;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(s.counts.sent, count);
    CHECK_INT(s.counts.answered, c.answered);
    CHECK_INT(s.counts.unmatched, c.wrong);
    CHECK_INT(s.counts.duplicates + s.counts.late + s.counts.other, 0);
    for (uint32_t k = 0; k < count; k++)
        if (pk_session_unanswered(s.session, k) != (k % 3 == 2)) {
            CHECK_INT(k, -1); /* the answer of another was taken for its own */
            break;
        }
    scene_close(&s);
}

int main(void)
{
    run("send " ETHER "ip(src=10.0.0.1, dst=10.1.0.0/23)/icmp(seq=random(u16))", echo, 512);
    run("send " ETHER "ip(src=10.0.0.1, dst=10.1.0.1)/icmp(id=1..400)", echo, 400);
    run("send " ETHER "ip(src=10.0.0.1, dst=10.1.0.0/24)/tcp(sport=random(1024..65535), dport=80, "
        "seq=random(u32), flags=S)",
        handshake, 256);
    run("send " ETHER "ip(src=10.0.0.1, dst=10.1.0.0/28)/udp(sport=4000, dport=1..40)/\"hello\"",
        datagram, 640);
    run("send " ETHER "ipv6(src=2001:db8::1, dst=2001:db8:1::/120)/icmpv6(id=7)", echo6, 256);
    run("send " ETHER "ip(src=10.0.0.1, dst=10.1.0.0/24)/udp(sport=9..10, dport=7)", datagram, 512);
    return check_result();
}
