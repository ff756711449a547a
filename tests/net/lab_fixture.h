/*
 * A lab for one test: opened or, where the machine forbids namespaces, skipped with the status that
 * meson takes for it and the reason on stderr.
 */
#ifndef PK_TESTS_NET_LAB_FIXTURE_H
#define PK_TESTS_NET_LAB_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>

#include "net/lab.h"
#include "probe.h"

#define SKIPPED 77

typedef struct fixture {
    pk_lab *lab;
    pk_transport *transport;
    probe_link link;
} fixture;

static inline fixture fixture_open(uint32_t hops)
{
    fixture f = {0};
    pk_error err;
    pk_lab_options options = {.hops = hops};
    int code = pk_lab_open(&f.lab, &options, &err);
    if (code == PK_EPERM) {
        fprintf(stderr, "skipped: %s\n", err.text);
        exit(SKIPPED);
    }
    pk_transport_options transport = {.interface = PK_LAB_INTERFACE};
    if (code < 0 || pk_transport_open_packet(&f.transport, &transport, &err) < 0) {
        fprintf(stderr, "no lab: %s\n", err.text);
        exit(1);
    }
    if (*pk_lab_warning(f.lab)) {
        fprintf(stderr, "skipped, this machine's lab is poorer: %s\n", pk_lab_warning(f.lab));
        exit(SKIPPED);
    }
    pk_ip hop4;
    pk_ip hop6;
    pk_lab_addresses(f.lab, &f.link.own4, &f.link.own6, &hop4, &hop6);
    for (unsigned i = 0; i < 6; i++)
        f.link.own_mac[i] = pk_transport_link_of(f.transport)->address[i];
    pk_netlink *netlink;
    pk_path path;
    pk_route_query query = {.destination = hop4};
    if (pk_netlink_open(&netlink, &err) < 0 ||
        pk_path_resolve(netlink, &query, 0, &path, &err) < 0) {
        fprintf(stderr, "no way out of the lab: %s\n", err.text);
        exit(1);
    }
    for (unsigned i = 0; i < 6; i++)
        f.link.hop_mac[i] = path.neighbour.address[i];
    pk_netlink_close(netlink);
    return f;
}

static inline void fixture_close(fixture *f)
{
    pk_transport_close(f->transport);
    pk_lab_close(f->lab);
}

/* Sends one frame. */
static inline void fixture_send(fixture *f, const uint8_t *frame, uint32_t len)
{
    pk_error err;
    pk_bytes bytes = {frame, len};
    if (pk_transport_send(f->transport, &bytes, 1, NULL, &err) < 0) {
        fprintf(stderr, "cannot send: %s\n", err.text);
        exit(1);
    }
}

/* The next answer of a known kind within a second; PROBE_OTHER when there is none. */
static inline probe_answer fixture_answer(fixture *f)
{
    pk_error err;
    for (unsigned quiet = 0; quiet < 10;) {
        pk_frame frame;
        uint32_t count;
        if (pk_transport_receive(f->transport, 100000000, &frame, 1, &count, &err) < 0) {
            fprintf(stderr, "cannot receive: %s\n", err.text);
            exit(1);
        }
        probe_answer answer = {0};
        if (count > 0)
            answer = probe_read(&frame);
        if (answer.kind != PROBE_OTHER)
            return answer;
        quiet += count == 0;
    }
    return (probe_answer){0};
}

static inline pk_ip ip_of(const char *text)
{
    pk_ip ip = {0};
    if (!pk_ip_parse(&ip, text)) {
        fprintf(stderr, "not an address: %s\n", text);
        exit(1);
    }
    return ip;
}

#endif
