#include "net/route.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "net/neighbour_ask.h"
#include "net/request.h"

#define POLL_FIRST_NS 500000ll   /* how soon to look for the answer, doubling up to */
#define POLL_LAST_NS  20000000ll /* this */
#define USABLE        (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP)

typedef struct looking {
    uint32_t index;
    const pk_ip *ip;
    pk_neighbour found;
    bool there;
} looking;

static int take_neighbour(void *context, uint16_t type, pk_bytes body, pk_error *reterr_)
{
    (void)reterr_;
    looking *l = context;
    struct ndmsg info;
    if (type != RTM_NEWNEIGH || !pk_body_take(&body, &info, sizeof info))
        return PK_OK;
    pk_neighbour neighbour = {.state = info.ndm_state};
    pk_ip ip = {0};
    uint16_t attribute;
    pk_bytes value;
    while (pk_attribute_next(&body, &attribute, &value)) {
        if (attribute == NDA_DST) {
            ip = pk_attribute_ip(value, info.ndm_family);
        } else if (attribute == NDA_LLADDR && value.len <= PK_LINK_ADDRESS_MAX) {
            memcpy(neighbour.address, value.data, value.len);
            neighbour.address_len = (uint8_t)value.len;
        }
    }
    if ((uint32_t)info.ndm_ifindex == l->index && pk_ip_equal(&ip, l->ip)) {
        l->found = neighbour;
        l->there = true;
    }
    return PK_OK;
}

/* One entry; kernels before 5.0 only give the whole table. */
static int look(pk_netlink *netlink, looking *l, pk_error *reterr_)
{
    pk_request request;
    char text[PK_IP_TEXT_MAX];
    struct ndmsg info = {.ndm_family = l->ip->family, .ndm_ifindex = (int)l->index};
    pk_request_begin(&request, RTM_GETNEIGH, 0, &info, sizeof info);
    pk_request_add_ip(&request, NDA_DST, l->ip);
    pk_error err = {0};
    int code = pk_netlink_ask(netlink, &request, take_neighbour, l, &err, "no neighbour %s",
                              pk_ip_text(l->ip, text));
    if (code < 0 && (err.sys_errno == EOPNOTSUPP || err.sys_errno == EINVAL)) {
        struct ndmsg all = {.ndm_family = l->ip->family};
        pk_request_begin(&request, RTM_GETNEIGH, NLM_F_DUMP, &all, sizeof all);
        code = pk_netlink_ask(netlink, &request, take_neighbour, l, &err, "no neighbour %s", text);
    }
    if (code < 0 && code != PK_ENOENT) {
        if (reterr_)
            *reterr_ = err;
        return code;
    }
    return PK_OK;
}

static bool usable(const looking *l)
{
    return l->there && l->found.state & USABLE && l->found.address_len > 0;
}

int pk_neighbour_lookup(pk_netlink *netlink, uint32_t index, const pk_ip *ip,
                        pk_neighbour *ret_neighbour, pk_error *reterr_)
{
    char text[PK_IP_TEXT_MAX];
    looking l = {.index = index, .ip = ip};
    int code = look(netlink, &l, reterr_);
    if (code < 0)
        return code;
    if (!usable(&l))
        return pk_error_set(reterr_, PK_ENOENT, "the link address of %s is not known",
                            pk_ip_text(ip, text));
    *ret_neighbour = l.found;
    return PK_OK;
}

/* NTF_USE: as if a packet wanted to go there, without one. */
static int provoke(pk_netlink *netlink, uint32_t index, const pk_ip *ip, pk_error *reterr_)
{
    pk_request request;
    char text[PK_IP_TEXT_MAX];
    struct ndmsg info = {
        .ndm_family = ip->family,
        .ndm_ifindex = (int)index,
        .ndm_state = NUD_NONE,
        .ndm_flags = NTF_USE,
    };
    pk_request_begin(&request, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof info);
    pk_request_add_ip(&request, NDA_DST, ip);
    return pk_netlink_ask(netlink, &request, NULL, NULL, reterr_,
                          "cannot ask the link for %s's address", pk_ip_text(ip, text));
}

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static void pause_ns(int64_t ns)
{
    struct timespec pause = {ns / 1000000000, (long)(ns % 1000000000)};
    (void)nanosleep(&pause, NULL);
}

static int no_answer(const pk_ip *ip, pk_error *reterr_)
{
    char text[PK_IP_TEXT_MAX];
    return pk_error_set(reterr_, PK_ENOENT, "%s does not answer %s", pk_ip_text(ip, text),
                        ip->family == AF_INET ? "ARP" : "neighbour solicitation");
}

static int wait_answer(pk_netlink *netlink, looking *l, int64_t timeout_ns, pk_error *reterr_)
{
    int64_t deadline = now_ns() + timeout_ns;
    for (int64_t step = POLL_FIRST_NS;;) {
        l->there = false;
        int code = look(netlink, l, reterr_);
        if (code < 0 || usable(l))
            return code;
        if (l->there && l->found.state & NUD_FAILED)
            return no_answer(l->ip, reterr_);
        int64_t left = deadline - now_ns();
        if (left <= 0)
            return no_answer(l->ip, reterr_);
        pause_ns(left < step ? left : step);
        step = step * 2 < POLL_LAST_NS ? step * 2 : POLL_LAST_NS;
    }
}

int pk_neighbour_resolve(pk_netlink *netlink, uint32_t index, const pk_ip *ip, int64_t timeout_ns,
                         pk_neighbour *ret_neighbour, pk_error *reterr_)
{
    looking l = {.index = index, .ip = ip};
    int code = look(netlink, &l, reterr_);
    if (code == PK_OK && !usable(&l)) {
        code = provoke(netlink, index, ip, reterr_);
        if (code == PK_OK)
            code = wait_answer(netlink, &l, timeout_ns, reterr_);
        else if (code == PK_EPERM)
            code = pk_neighbour_ask(netlink, index, ip, timeout_ns, &l.found, reterr_);
    }
    if (code == PK_OK)
        *ret_neighbour = l.found;
    return code;
}
