#include "net/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/request.h"

#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif

struct pk_netlink {
    int fd;
    uint32_t sequence;
    uint8_t *answer; /* PK_NETLINK_ANSWER_MAX bytes */
};

uint32_t pk_ip_len(const pk_ip *ip)
{
    if (ip->family == AF_INET)
        return 4;
    return ip->family == AF_INET6 ? 16 : 0;
}

bool pk_ip_parse(pk_ip *ret_ip, const char *text)
{
    pk_ip ip = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};
    if (inet_pton(ip.family, text, ip.bytes) != 1)
        return false;
    *ret_ip = ip;
    return true;
}

const char *pk_ip_text(const pk_ip *ip, char *out)
{
    if (!inet_ntop(ip->family, ip->bytes, out, PK_IP_TEXT_MAX))
        (void)snprintf(out, PK_IP_TEXT_MAX, "none");
    return out;
}

bool pk_ip_equal(const pk_ip *a, const pk_ip *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, pk_ip_len(a)) == 0;
}

/* What an old kernel does not know is done without. */
static void set_manners(int fd)
{
    int on = 1;
    (void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    (void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    (void)setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
}

int pk_netlink_open(pk_netlink **ret_netlink, pk_error *reterr_)
{
    pk_netlink *netlink = calloc(1, sizeof *netlink);
    uint8_t *answer = malloc(PK_NETLINK_ANSWER_MAX);
    if (!netlink || !answer) {
        free(netlink);
        free(answer);
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for netlink");
    }
    netlink->answer = answer;
    netlink->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (netlink->fd < 0) {
        int code = pk_error_sys(reterr_, errno, "cannot ask the kernel for links and routes");
        pk_netlink_close(netlink);
        return code;
    }
    set_manners(netlink->fd);
    *ret_netlink = netlink;
    return PK_OK;
}

void pk_netlink_close(pk_netlink *netlink)
{
    if (!netlink)
        return;
    if (netlink->fd >= 0)
        (void)close(netlink->fd);
    free(netlink->answer);
    free(netlink);
}

int pk_netlink_fd(const pk_netlink *netlink)
{
    return netlink->fd;
}

/* The kernel's own words, where it has some. */
static void take_words(pk_bytes attributes, char *words, size_t room)
{
    uint16_t type;
    pk_bytes value;
    while (pk_attribute_next(&attributes, &type, &value))
        if (type == NLMSGERR_ATTR_MSG)
            pk_attribute_text(value, words, room);
}

typedef struct asking {
    pk_netlink *netlink;
    bool over;
    pk_answer_taker take;
    void *context;
    const char *what;
    pk_error *reterr_;
} asking;

/* NLMSG_ERROR carries the verdict: a negative errno, the request's header, and attributes. */
static int take_verdict(asking *a, const struct nlmsghdr *header, pk_bytes body)
{
    struct nlmsgerr verdict;
    char words[128] = "";
    a->over = true;
    if (!pk_body_take(&body, &verdict, sizeof verdict))
        return pk_error_set(a->reterr_, PK_EFORMAT, "%s: the kernel's answer is cut", a->what);
    if (verdict.error == 0)
        return PK_OK;
    if (header->nlmsg_flags & NLM_F_ACK_TLVS)
        take_words(body, words, sizeof words);
    int code = pk_error_sys(a->reterr_, -verdict.error, "%s", a->what);
    if (words[0])
        pk_error_append(a->reterr_, " (%s)", words);
    return code;
}

static int take_message(asking *a, const struct nlmsghdr *header, pk_bytes body)
{
    if (header->nlmsg_seq != a->netlink->sequence || header->nlmsg_type == NLMSG_NOOP)
        return PK_OK;
    if (header->nlmsg_type == NLMSG_ERROR)
        return take_verdict(a, header, body);
    if (header->nlmsg_type == NLMSG_DONE) {
        int32_t verdict = 0;
        a->over = true;
        (void)pk_body_take(&body, &verdict, sizeof verdict);
        return verdict < 0 ? pk_error_sys(a->reterr_, -verdict, "%s", a->what) : PK_OK;
    }
    return a->take ? a->take(a->context, header->nlmsg_type, body, a->reterr_) : PK_OK;
}

static int take_datagram(asking *a, pk_bytes datagram)
{
    struct nlmsghdr header;
    while (!a->over && datagram.len >= sizeof header) {
        memcpy(&header, datagram.data, sizeof header);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > datagram.len)
            return pk_error_set(a->reterr_, PK_EFORMAT, "%s: the kernel's answer is cut", a->what);
        pk_bytes body = {datagram.data + sizeof header, header.nlmsg_len - sizeof header};
        int code = take_message(a, &header, body);
        if (code < 0)
            return code;
        size_t step = (header.nlmsg_len + 3u) & ~(size_t)3;
        step = step < datagram.len ? step : datagram.len;
        datagram.data += step;
        datagram.len -= step;
    }
    return PK_OK;
}

static int receive_answers(asking *a)
{
    while (!a->over) {
        ssize_t got = recv(a->netlink->fd, a->netlink->answer, PK_NETLINK_ANSWER_MAX, MSG_TRUNC);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return pk_error_sys(a->reterr_, errno, "%s", a->what);
        if ((size_t)got > PK_NETLINK_ANSWER_MAX)
            return pk_error_set(a->reterr_, PK_ELIMIT,
                                "%s: an answer of %zd bytes (limit of a netlink answer %u)",
                                a->what, got, PK_NETLINK_ANSWER_MAX);
        int code = take_datagram(a, (pk_bytes){a->netlink->answer, (size_t)got});
        if (code < 0)
            return code;
    }
    return PK_OK;
}

static void finish_header(pk_netlink *netlink, pk_request *request)
{
    struct nlmsghdr header;
    memcpy(&header, request->bytes, sizeof header);
    header.nlmsg_len = (uint32_t)request->len;
    header.nlmsg_seq = ++netlink->sequence;
    memcpy(request->bytes, &header, sizeof header);
}

int pk_netlink_ask(pk_netlink *netlink, pk_request *request, pk_answer_taker take, void *context,
                   pk_error *reterr_, const char *what, ...)
{
    char text[160];
    va_list args;
    va_start(args, what);
    (void)vsnprintf(text, sizeof text, what, args);
    va_end(args);
    if (request->overflow)
        return pk_error_set(reterr_, PK_ELIMIT, "%s: longer than a netlink request may be (%u)",
                            text, PK_NETLINK_REQUEST_MAX);
    finish_header(netlink, request);
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    if (sendto(netlink->fd, request->bytes, request->len, 0, (const struct sockaddr *)&kernel,
               sizeof kernel) < 0)
        return pk_error_sys(reterr_, errno, "%s", text);
    asking a = {netlink, false, take, context, text, reterr_};
    return receive_answers(&a);
}
