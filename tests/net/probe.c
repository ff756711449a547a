#include "probe.h"

#include <string.h>
#include <sys/socket.h>

#include "base/checksum.h"

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* RFC 793 section 3.1 and RFC 8200 section 8.1: addresses, length and protocol are summed, too. */
static uint16_t sum_with_pseudo(const uint8_t *addresses, size_t address_len, uint8_t protocol,
                                const uint8_t *body, size_t len)
{
    uint64_t sum = pk_checksum_add(0, addresses, 2 * address_len);
    sum += protocol + len;
    return pk_checksum_finish(pk_checksum_add(sum, body, len));
}

static uint8_t *put_ethernet(uint8_t *out, const probe_link *link, uint16_t type)
{
    memcpy(out, link->hop_mac, 6);
    memcpy(out + 6, link->own_mac, 6);
    put16(out + 12, type);
    return out + 14;
}

/* The body lies ready behind the header's place; its checksum field is at checksum_at. */
static uint32_t close_ipv4(uint8_t *out, const probe_link *link, const pk_ip *to, uint8_t hop_limit,
                           uint8_t protocol, size_t len, size_t checksum_at)
{
    uint8_t *ip = put_ethernet(out, link, 0x0800);
    const uint8_t start[12] = {0x45, 0, 0, 0, 0x12, 0x34, 0x40, 0, hop_limit, protocol};
    memcpy(ip, start, sizeof start);
    put16(ip + 2, (uint16_t)(20 + len));
    memcpy(ip + 12, link->own4.bytes, 4);
    memcpy(ip + 16, to->bytes, 4);
    put16(ip + 10, pk_checksum_inet(ip, 20));
    uint16_t sum = protocol == 1 ? pk_checksum_inet(ip + 20, len)
                                 : sum_with_pseudo(ip + 12, 4, protocol, ip + 20, len);
    put16(ip + 20 + checksum_at, sum);
    return (uint32_t)(14 + 20 + len);
}

static uint32_t close_ipv6(uint8_t *out, const probe_link *link, const pk_ip *to, uint8_t hop_limit,
                           uint8_t protocol, size_t len, size_t checksum_at)
{
    uint8_t *ip = put_ethernet(out, link, 0x86dd);
    const uint8_t start[8] = {0x60, 0, 0, 0, 0, (uint8_t)len, protocol, hop_limit};
    memcpy(ip, start, sizeof start);
    memcpy(ip + 8, link->own6.bytes, 16);
    memcpy(ip + 24, to->bytes, 16);
    put16(ip + 40 + checksum_at, sum_with_pseudo(ip + 8, 16, protocol, ip + 40, len));
    return (uint32_t)(14 + 40 + len);
}

static uint8_t *body_place(uint8_t *out, const pk_ip *to, size_t len)
{
    uint8_t *body = out + 14 + (to->family == AF_INET ? 20 : 40);
    memset(body, 0, len);
    return body;
}

static uint32_t close_ip(uint8_t *out, const probe_link *link, const pk_ip *to, uint8_t hop_limit,
                         uint8_t protocol, size_t len, size_t checksum_at)
{
    if (to->family == AF_INET)
        return close_ipv4(out, link, to, hop_limit, protocol, len, checksum_at);
    return close_ipv6(out, link, to, hop_limit, protocol == 1 ? 58 : protocol, len, checksum_at);
}

uint32_t probe_echo(uint8_t *out, const probe_link *link, const pk_ip *to, uint8_t hop_limit,
                    uint16_t id, uint16_t sequence)
{
    uint8_t *body = body_place(out, to, 24);
    body[0] = to->family == AF_INET ? 8 : 128;
    put16(body + 4, id);
    put16(body + 6, sequence);
    memcpy(body + 8, "sixteen octets..", 16);
    return close_ip(out, link, to, hop_limit, 1, 24, 2);
}

uint32_t probe_udp(uint8_t *out, const probe_link *link, const pk_ip *to, uint8_t hop_limit,
                   uint16_t from_port, uint16_t to_port)
{
    uint8_t *body = body_place(out, to, 12);
    put16(body, from_port);
    put16(body + 2, to_port);
    put16(body + 4, 12);
    memcpy(body + 8, "ping", 4);
    return close_ip(out, link, to, hop_limit, 17, 12, 6);
}

uint32_t probe_syn(uint8_t *out, const probe_link *link, const pk_ip *to, uint16_t from_port,
                   uint16_t to_port)
{
    uint8_t *body = body_place(out, to, 20);
    put16(body, from_port);
    put16(body + 2, to_port);
    put16(body + 4, 0x1234);
    body[12] = 0x50;
    body[13] = 0x02;
    put16(body + 14, 1024);
    return close_ip(out, link, to, 64, 6, 20, 16);
}

uint32_t probe_arp(uint8_t *out, const probe_link *link, const pk_ip *target)
{
    static const uint8_t start[8] = {0, 1, 8, 0, 6, 4, 0, 1};
    uint8_t *arp = put_ethernet(out, link, 0x0806);
    memset(out, 0xff, 6);
    memcpy(arp, start, sizeof start);
    memcpy(arp + 8, link->own_mac, 6);
    memcpy(arp + 14, link->own4.bytes, 4);
    memset(arp + 18, 0, 6);
    memcpy(arp + 24, target->bytes, 4);
    return 14 + 28;
}

static pk_ip address_at(const uint8_t *at, uint8_t family)
{
    pk_ip ip = {.family = family};
    memcpy(ip.bytes, at, pk_ip_len(&ip));
    return ip;
}

/* What an ICMP error quotes: the address, and the first four bytes behind the header. */
static void read_quote(const uint8_t *quote, size_t len, uint8_t family, probe_answer *answer)
{
    size_t header = family == AF_INET ? 20 : 40;
    if (len < header + 8)
        return;
    answer->quoted = address_at(quote + (family == AF_INET ? 16 : 24), family);
    answer->id = get16(quote + header);
    answer->sequence = get16(quote + header + 2);
}

static void read_icmp(const uint8_t *body, size_t len, uint8_t family, probe_answer *answer)
{
    if (len < 8)
        return;
    bool six = family == AF_INET6;
    if (body[0] == (six ? 129 : 0)) {
        answer->kind = PROBE_ECHO_REPLY;
        answer->id = get16(body + 4);
        answer->sequence = get16(body + 6);
        return;
    }
    if (body[0] == (six ? 1 : 3) && body[1] == (six ? 4 : 3))
        answer->kind = PROBE_UNREACHABLE_PORT;
    else if (body[0] == (six ? 3 : 11))
        answer->kind = PROBE_TIME_EXCEEDED;
    else
        return;
    read_quote(body + 8, len - 8, family, answer);
}

static void read_tcp(const uint8_t *body, size_t len, probe_answer *answer)
{
    if (len < 20)
        return;
    answer->id = get16(body);
    answer->sequence = get16(body + 2);
    if ((body[13] & 0x12) == 0x12)
        answer->kind = PROBE_SYN_ACK;
    else if (body[13] & 0x04)
        answer->kind = PROBE_RESET;
}

static void read_body(const uint8_t *body, size_t len, uint8_t protocol, uint8_t family,
                      const uint8_t *addresses, probe_answer *answer)
{
    size_t address_len = family == AF_INET ? 4 : 16;
    uint16_t sum = protocol == 1 ? pk_checksum_inet(body, len)
                                 : sum_with_pseudo(addresses, address_len, protocol, body, len);
    answer->checksums_good = answer->checksums_good && sum == 0;
    if (protocol == 1 || protocol == 58)
        read_icmp(body, len, family, answer);
    else if (protocol == 6)
        read_tcp(body, len, answer);
}

probe_answer probe_read(const pk_frame *frame)
{
    probe_answer answer = {.kind = PROBE_OTHER, .checksums_good = true};
    if (frame->captured < 14 + 28)
        return answer;
    const uint8_t *at = frame->data + 14;
    size_t len = frame->captured - 14;
    uint16_t type = get16(frame->data + 12);
    if (type == 0x0806 && get16(at + 6) == 2) {
        answer.kind = PROBE_ARP_REPLY;
        answer.from = address_at(at + 14, AF_INET);
    } else if (type == 0x0800 && get16(at + 2) <= len) {
        size_t header = (size_t)(at[0] & 15) * 4;
        answer.from = address_at(at + 12, AF_INET);
        answer.checksums_good = pk_checksum_inet(at, header) == 0;
        read_body(at + header, get16(at + 2) - header, at[9], AF_INET, at + 12, &answer);
    } else if (type == 0x86dd && 40u + get16(at + 4) <= len) {
        answer.from = address_at(at + 8, AF_INET6);
        read_body(at + 40, get16(at + 4), at[6], AF_INET6, at + 8, &answer);
    }
    return answer;
}
