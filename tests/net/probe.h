/*
 * What the lab's tests say on the wire: whole Ethernet frames with right checksums, and a look at
 * the frames that come back. Written out by hand on purpose: it shares nothing with what it tests.
 */
#ifndef PK_TESTS_NET_PROBE_H
#define PK_TESTS_NET_PROBE_H

#include "io/transport.h"
#include "net/route.h"

typedef struct probe_link {
    uint8_t own_mac[6];
    uint8_t hop_mac[6];
    pk_ip own4;
    pk_ip own6;
} probe_link;

/* Each builds a frame at `out` (at least 128 bytes) and returns its length. The destination's
 * family decides. */
uint32_t probe_echo(uint8_t *out, const probe_link *link, const pk_ip *to, uint8_t hop_limit,
                    uint16_t id, uint16_t sequence);
uint32_t probe_udp(uint8_t *out, const probe_link *link, const pk_ip *to, uint8_t hop_limit,
                   uint16_t from_port, uint16_t to_port);
uint32_t probe_syn(uint8_t *out, const probe_link *link, const pk_ip *to, uint16_t from_port,
                   uint16_t to_port);
uint32_t probe_arp(uint8_t *out, const probe_link *link, const pk_ip *target);

typedef enum probe_kind {
    PROBE_OTHER,
    PROBE_ECHO_REPLY,
    PROBE_UNREACHABLE_PORT,
    PROBE_TIME_EXCEEDED,
    PROBE_SYN_ACK,
    PROBE_RESET,
    PROBE_ARP_REPLY
} probe_kind;

typedef struct probe_answer {
    probe_kind kind;
    pk_ip from;
    uint16_t id;       /* echo: identifier; TCP: its source port; quotes: the quoted source port */
    uint16_t sequence; /* echo: sequence; TCP: its destination port; quotes: the quoted port */
    pk_ip quoted;      /* errors: the destination quoted */
    bool checksums_good; /* of IP and of what is in it */
} probe_answer;

/* Reads one received frame. */
probe_answer probe_read(const pk_frame *frame);

#endif
