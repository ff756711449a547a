#include "net/neighbour_ask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/neighbour.h>
#include <net/ethernet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/checksum.h"

#define ARP_LEN      28u
#define IPV6_LEN     40u
#define SOLICIT_LEN  32u /* header, target, source link-layer address option */
#define QUESTION_MAX 128u
#define ANSWER_MAX   2048u
#define ICMPV6       58u

typedef struct asking {
    int fd;
    const pk_link *link;
    const pk_ip *target;
    pk_ip source;
    uint8_t question[QUESTION_MAX];
    size_t question_len;
} asking;

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static bool same_prefix(const pk_link_address *own, const pk_ip *ip)
{
    uint32_t whole = own->prefix / 8u;
    uint32_t rest = own->prefix % 8u;
    if (memcmp(own->ip.bytes, ip->bytes, whole) != 0)
        return false;
    return rest == 0 || (own->ip.bytes[whole] ^ ip->bytes[whole]) >> (8 - rest) == 0;
}

/* The address to ask from: one of the target's own network where there is one. */
static int choose_source(pk_netlink *netlink, asking *a, pk_error *reterr_)
{
    pk_link_address *list;
    size_t count;
    int code = pk_link_addresses(netlink, &list, &count, reterr_);
    if (code < 0)
        return code;
    for (size_t i = 0; i < count; i++) {
        if (list[i].index != a->link->index || list[i].ip.family != a->target->family)
            continue;
        bool near = same_prefix(&list[i], a->target);
        if (near || a->source.family == 0)
            a->source = list[i].ip;
        if (near)
            break;
    }
    free(list);
    return PK_OK;
}

static void put_ethernet(asking *a, const uint8_t *to, uint16_t type)
{
    memcpy(a->question, to, ETH_ALEN);
    memcpy(a->question + ETH_ALEN, a->link->address, ETH_ALEN);
    a->question[12] = (uint8_t)(type >> 8);
    a->question[13] = (uint8_t)type;
}

/* RFC 826: hardware 1, protocol 0x0800, lengths 6 and 4, request; sender; target. */
static void build_arp(asking *a)
{
    static const uint8_t start[] = {0, 1, 8, 0, 6, 4, 0, 1};
    uint8_t *arp = a->question + ETH_HLEN;
    put_ethernet(a, a->link->broadcast, ETH_P_ARP);
    memcpy(arp, start, sizeof start);
    memcpy(arp + 8, a->link->address, ETH_ALEN);
    memcpy(arp + 14, a->source.bytes, 4); /* 0.0.0.0 without one: a probe, RFC 5227 */
    memcpy(arp + 24, a->target->bytes, 4);
    a->question_len = ETH_HLEN + ARP_LEN;
}

/* RFC 4861 section 4.3, to the solicited-node multicast address (RFC 4291 section 2.7.1). */
static void build_solicitation(asking *a)
{
    const uint8_t *last = a->target->bytes + 13;
    const uint8_t mac[ETH_ALEN] = {0x33, 0x33, 0xff, last[0], last[1], last[2]};
    uint8_t *ip = a->question + ETH_HLEN;
    uint8_t *icmp = ip + IPV6_LEN;
    const uint8_t start[8] = {0x60, 0, 0, 0, 0, SOLICIT_LEN, ICMPV6, 255};
    const uint8_t group[13] = {0xff, 0x02, [11] = 0x01, [12] = 0xff};
    put_ethernet(a, mac, ETH_P_IPV6);
    memcpy(ip, start, sizeof start);
    memcpy(ip + 8, a->source.bytes, 16);
    memcpy(ip + 24, group, sizeof group);
    memcpy(ip + 37, last, 3);
    icmp[0] = 135;
    memcpy(icmp + 8, a->target->bytes, 16);
    icmp[24] = 1; /* source link-layer address, in units of 8 octets */
    icmp[25] = 1;
    memcpy(icmp + 26, a->link->address, ETH_ALEN);
    uint64_t sum = pk_checksum_add(SOLICIT_LEN + ICMPV6, ip + 8, 32);
    uint16_t checksum = pk_checksum_finish(pk_checksum_add(sum, icmp, SOLICIT_LEN));
    icmp[2] = (uint8_t)(checksum >> 8);
    icmp[3] = (uint8_t)checksum;
    a->question_len = ETH_HLEN + IPV6_LEN + SOLICIT_LEN;
}

/* Where the answer's link address stands; NULL for a frame that is no answer. */
static const uint8_t *answer_in(const asking *a, const uint8_t *frame, size_t len)
{
    const uint8_t *body = frame + ETH_HLEN;
    if (a->target->family == AF_INET) {
        bool reply = len >= ETH_HLEN + ARP_LEN && body[6] == 0 && body[7] == 2;
        return reply && memcmp(body + 14, a->target->bytes, 4) == 0 ? body + 8 : NULL;
    }
    const uint8_t *icmp = body + IPV6_LEN;
    if (len < ETH_HLEN + IPV6_LEN + 24 || body[6] != ICMPV6 || body[7] != 255 || icmp[0] != 136 ||
        memcmp(icmp + 8, a->target->bytes, 16) != 0)
        return NULL;
    /* The target link-layer address option; without it the frame's own source will do. */
    bool option = len >= ETH_HLEN + IPV6_LEN + 32 && icmp[24] == 2 && icmp[25] == 1;
    return option ? icmp + 26 : frame + ETH_ALEN;
}

static int wait_answer(const asking *a, int64_t deadline, pk_neighbour *ret_neighbour)
{
    uint8_t frame[ANSWER_MAX];
    for (int64_t left; (left = deadline - now_ns()) > 0;) {
        struct timespec limit = {left / 1000000000, (long)(left % 1000000000)};
        struct pollfd entry = {.fd = a->fd, .events = POLLIN};
        if (ppoll(&entry, 1, &limit, NULL) <= 0)
            continue;
        ssize_t got = recv(a->fd, frame, sizeof frame, MSG_DONTWAIT);
        const uint8_t *address = got > 0 ? answer_in(a, frame, (size_t)got) : NULL;
        if (!address)
            continue;
        *ret_neighbour = (pk_neighbour){.address_len = ETH_ALEN, .state = NUD_REACHABLE};
        memcpy(ret_neighbour->address, address, ETH_ALEN);
        return PK_OK;
    }
    return PK_ENOENT;
}

static int open_socket(asking *a, pk_error *reterr_)
{
    uint16_t protocol = a->target->family == AF_INET ? ETH_P_ARP : ETH_P_IPV6;
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(protocol),
        .sll_ifindex = (int)a->link->index,
    };
    a->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (a->fd < 0)
        return pk_error_sys(reterr_, errno, "cannot ask %s for addresses", a->link->name);
    if (bind(a->fd, (const struct sockaddr *)&address, sizeof address) < 0)
        return pk_error_sys(reterr_, errno, "cannot ask %s for addresses", a->link->name);
    return PK_OK;
}

static int ask_and_wait(asking *a, int64_t timeout_ns, pk_neighbour *ret_neighbour,
                        pk_error *reterr_)
{
    char text[PK_IP_TEXT_MAX];
    int64_t start = now_ns();
    for (int i = 1; i <= PK_NEIGHBOUR_ASK_TIMES; i++) {
        if (send(a->fd, a->question, a->question_len, 0) < 0 && errno != ENOBUFS)
            return pk_error_sys(reterr_, errno, "cannot ask %s for addresses", a->link->name);
        int64_t deadline = start + timeout_ns / PK_NEIGHBOUR_ASK_TIMES * i;
        if (wait_answer(a, deadline, ret_neighbour) == PK_OK)
            return PK_OK;
    }
    return pk_error_set(reterr_, PK_ENOENT, "%s does not answer %s", pk_ip_text(a->target, text),
                        a->target->family == AF_INET ? "ARP" : "neighbour solicitation");
}

int pk_neighbour_ask(pk_netlink *netlink, uint32_t index, const pk_ip *ip, int64_t timeout_ns,
                     pk_neighbour *ret_neighbour, pk_error *reterr_)
{
    pk_link link;
    int code = pk_link_by_index(netlink, index, &link, reterr_);
    if (code < 0)
        return code;
    if (link.linktype != PK_LINKTYPE_ETHERNET)
        return pk_error_set(reterr_, PK_EUNSUPPORTED, "%s has no addresses to ask for", link.name);
    asking a = {.fd = -1, .link = &link, .target = ip};
    code = choose_source(netlink, &a, reterr_);
    if (code == PK_OK)
        code = open_socket(&a, reterr_);
    if (code == PK_OK) {
        if (ip->family == AF_INET)
            build_arp(&a);
        else
            build_solicitation(&a);
        code = ask_and_wait(&a, timeout_ns, ret_neighbour, reterr_);
    }
    if (a.fd >= 0)
        (void)close(a.fd);
    return code;
}
