/* The far end of the lab answers for every address, over both families, with bytes as sent. */
#include "lab_fixture.h"

#include <string.h>
#include <sys/socket.h>

#include "../base/check.h"

static const char *const addresses[] = {
    "10.1.2.3",      "192.168.77.5", "192.0.2.1",   "8.8.8.8",     "172.31.255.254",
    "127.5.5.5",     "240.1.1.1",    "198.18.99.1", "2001:db8::5", "fd12:3456::1",
    "2606:4700::11", "64:ff9b::1",   "fec0::99",
};

static void check_echo(fixture *f)
{
    uint8_t frame[128];
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        pk_ip to = ip_of(addresses[i]);
        uint16_t sequence = (uint16_t)(i + 1);
        fixture_send(f, frame, probe_echo(frame, &f->link, &to, 64, 0x7777, sequence));
        probe_answer answer = fixture_answer(f);
        char text[PK_IP_TEXT_MAX];
        CHECK_INT(answer.kind, PROBE_ECHO_REPLY);
        CHECK_TEXT(pk_ip_text(&answer.from, text), addresses[i]);
        CHECK_INT(answer.id, 0x7777);
        CHECK_INT(answer.sequence, sequence);
        CHECK(answer.checksums_good);
    }
}

static void check_closed_udp(fixture *f)
{
    uint8_t frame[128];
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        pk_ip to = ip_of(addresses[i]);
        fixture_send(f, frame, probe_udp(frame, &f->link, &to, 64, 40000, (uint16_t)(5000 + i)));
        probe_answer answer = fixture_answer(f);
        CHECK_INT(answer.kind, PROBE_UNREACHABLE_PORT);
        CHECK(pk_ip_equal(&answer.quoted, &to));
        CHECK_INT(answer.id, 40000);
        CHECK_INT(answer.sequence, 5000 + i);
        CHECK(answer.checksums_good);
    }
}

static void check_tcp(fixture *f, const char *address, uint16_t port, probe_kind expected)
{
    uint8_t frame[128];
    pk_ip to = ip_of(address);
    fixture_send(f, frame, probe_syn(frame, &f->link, &to, 41000, port));
    probe_answer answer = fixture_answer(f);
    CHECK_INT(answer.kind, expected);
    CHECK(pk_ip_equal(&answer.from, &to));
    CHECK_INT(answer.id, port);
    CHECK_INT(answer.sequence, 41000);
    CHECK(answer.checksums_good);
}

static void check_arp(fixture *f)
{
    static const char *const targets[] = {"198.18.0.2", "10.0.0.1", "192.168.1.254", "1.1.1.1"};
    uint8_t frame[128];
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        pk_ip target = ip_of(targets[i]);
        fixture_send(f, frame, probe_arp(frame, &f->link, &target));
        probe_answer answer = fixture_answer(f);
        CHECK_INT(answer.kind, PROBE_ARP_REPLY);
        CHECK(pk_ip_equal(&answer.from, &target));
    }
}

/* No ration: as many errors come back as were provoked. */
static void check_error_flood(fixture *f)
{
    enum { COUNT = 2000 };
    static bool seen[COUNT];
    uint8_t frame[128];
    pk_ip to = ip_of("10.9.8.7");
    unsigned answered = 0;
    for (unsigned i = 0; i < COUNT; i++)
        fixture_send(f, frame, probe_udp(frame, &f->link, &to, 64, 40001, (uint16_t)(10000 + i)));
    for (;;) {
        probe_answer answer = fixture_answer(f);
        if (answer.kind == PROBE_OTHER)
            break;
        unsigned which = answer.sequence - 10000u;
        CHECK_INT(answer.kind, PROBE_UNREACHABLE_PORT);
        if (which < COUNT && !seen[which]) {
            seen[which] = true;
            answered++;
        }
    }
    CHECK_INT(answered, COUNT);
}

int main(void)
{
    fixture f = fixture_open(0);
    pk_error err;
    check_echo(&f);
    check_closed_udp(&f);
    CHECK_INT(pk_lab_listen(f.lab, AF_INET6, 80, &err), PK_OK);
    CHECK_INT(pk_lab_listen(f.lab, AF_INET, 443, &err), PK_OK);
    CHECK_INT(pk_lab_listen(f.lab, AF_INET, 443, &err), PK_EIO); /* taken already */
    check_tcp(&f, "10.200.1.1", 80, PROBE_SYN_ACK);
    check_tcp(&f, "2001:db8::1", 80, PROBE_SYN_ACK);
    check_tcp(&f, "10.200.1.2", 443, PROBE_SYN_ACK);
    check_tcp(&f, "2001:db8::1", 443, PROBE_RESET);
    check_tcp(&f, "10.200.1.1", 81, PROBE_RESET);
    check_tcp(&f, "2001:db8::1", 81, PROBE_RESET);
    check_arp(&f);
    check_error_flood(&f);
    pk_transport_stats stats;
    pk_transport_stats_of(f.transport, &stats);
    CHECK_INT(stats.failed, 0);
    CHECK_INT(stats.dropped, 0);
    fixture_close(&f);
    return check_result();
}
