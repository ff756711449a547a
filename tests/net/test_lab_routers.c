/* Routers between the near and the far end count down the TTL and say where it ended. */
#include "lab_fixture.h"

#include <string.h>
#include <sys/socket.h>

#include "../base/check.h"

#define HOPS 5u

/* Router i, counted from 1, is left0 198.18.<i-1>.2 and 2001:2:0:<i-1>::2. */
static pk_ip router_ip(int family, uint32_t router)
{
    char text[PK_IP_TEXT_MAX];
    if (family == AF_INET)
        (void)snprintf(text, sizeof text, "198.18.%u.2", router - 1);
    else
        (void)snprintf(text, sizeof text, "2001:2:0:%u::2", router - 1);
    return ip_of(text);
}

static void check_ladder(fixture *f, const char *address)
{
    uint8_t frame[128];
    pk_ip to = ip_of(address);
    for (uint8_t ttl = 1; ttl <= HOPS + 1; ttl++) {
        uint16_t port = (uint16_t)(33434 + ttl);
        fixture_send(f, frame, probe_udp(frame, &f->link, &to, ttl, 42000, port));
        probe_answer answer = fixture_answer(f);
        CHECK(pk_ip_equal(&answer.quoted, &to));
        CHECK_INT(answer.sequence, port);
        CHECK(answer.checksums_good);
        if (ttl > HOPS) {
            CHECK_INT(answer.kind, PROBE_UNREACHABLE_PORT);
        } else {
            pk_ip router = router_ip(to.family, ttl);
            char text[PK_IP_TEXT_MAX];
            char expected[PK_IP_TEXT_MAX];
            CHECK_INT(answer.kind, PROBE_TIME_EXCEEDED);
            CHECK_TEXT(pk_ip_text(&answer.from, text), pk_ip_text(&router, expected));
        }
    }
}

static void check_beyond(fixture *f, const char *address)
{
    uint8_t frame[128];
    pk_ip to = ip_of(address);
    fixture_send(f, frame, probe_echo(frame, &f->link, &to, 64, 1, 2));
    probe_answer answer = fixture_answer(f);
    CHECK_INT(answer.kind, PROBE_ECHO_REPLY);
    CHECK(pk_ip_equal(&answer.from, &to));
}

/* An answer to a forged source comes back the way the probe went. */
static void check_forged_source(fixture *f, const char *source, const char *address)
{
    uint8_t frame[128];
    pk_ip to = ip_of(address);
    probe_link forged = f->link;
    forged.own4 = ip_of(source);
    fixture_send(f, frame, probe_echo(frame, &forged, &to, 64, 3, 4));
    probe_answer answer = fixture_answer(f);
    CHECK_INT(answer.kind, PROBE_ECHO_REPLY);
    CHECK(pk_ip_equal(&answer.from, &to));
}

static void check_arp(fixture *f)
{
    uint8_t frame[128];
    pk_ip target = ip_of("10.44.0.1");
    fixture_send(f, frame, probe_arp(frame, &f->link, &target));
    probe_answer answer = fixture_answer(f);
    CHECK_INT(answer.kind, PROBE_ARP_REPLY);
    CHECK(pk_ip_equal(&answer.from, &target));
}

int main(void)
{
    fixture f = fixture_open(HOPS);
    check_ladder(&f, "203.0.113.9");
    check_ladder(&f, "2001:db8:9::9");
    check_beyond(&f, "10.0.0.1");
    check_beyond(&f, "2001:db8::1");
    check_forged_source(&f, "172.16.5.5", "10.3.3.3");
    check_arp(&f);
    fixture_close(&f);
    return check_result();
}
