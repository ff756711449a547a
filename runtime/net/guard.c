#include "net/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/request.h"

#ifndef NFT_TABLE_F_OWNER
#define NFT_TABLE_F_OWNER 0x2 /* Linux 5.12 */
#endif

enum {
    MESSAGES = 5,   /* begin, table, chain, rule, end */
    TCP_FLAGS = 13, /* byte of the header with RST in it (RFC 9293 section 3.1) */
    TCP_RST = 4
};

struct pk_guard {
    int fd; /* the table lives as long as it */
};

bool pk_guard_knows(const char *name, size_t len)
{
    return len == strlen(PK_GUARD_NAME) && memcmp(name, PK_GUARD_NAME, len) == 0;
}

/* A transaction: messages one behind the other in one datagram. */
typedef struct batch {
    _Alignas(8) uint8_t bytes[MESSAGES * PK_NETLINK_REQUEST_MAX];
    size_t len;
    bool overflow;
    char name[32];
} batch;

static void begin(pk_request *request, uint16_t type, uint16_t flags, uint8_t family,
                  uint16_t resource)
{
    const struct nfgenmsg body = {.nfgen_family = family, .res_id = htons(resource)};
    pk_request_begin(request, type, flags, &body, sizeof body);
}

static void append(batch *b, const pk_request *request, uint32_t sequence)
{
    struct nlmsghdr header;
    size_t padded = (request->len + 3) / 4 * 4;
    if (request->overflow || b->len + padded > sizeof b->bytes) {
        b->overflow = true;
        return;
    }
    memcpy(b->bytes + b->len, request->bytes, request->len);
    memcpy(&header, b->bytes + b->len, sizeof header);
    header.nlmsg_len = (uint32_t)request->len;
    header.nlmsg_seq = sequence;
    memcpy(b->bytes + b->len, &header, sizeof header);
    b->len += padded;
}

static void add_mark(batch *b, uint16_t type, uint32_t sequence)
{
    pk_request request;
    begin(&request, type, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
    append(b, &request, sequence);
}

static uint16_t nft_type(uint16_t message)
{
    return (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message);
}

/* Numbers of nftables are in the order of the network. */
static void add_number(pk_request *request, uint16_t type, uint32_t value)
{
    pk_request_add_u32(request, type, htonl(value));
}

static size_t nest(pk_request *request, uint16_t type)
{
    return pk_request_nest(request, type | NLA_F_NESTED);
}

static void add_table(batch *b, uint32_t sequence)
{
    pk_request request;
    begin(&request, nft_type(NFT_MSG_NEWTABLE), NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, NFPROTO_INET,
          0);
    pk_request_add_text(&request, NFTA_TABLE_NAME, b->name);
    add_number(&request, NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
    append(b, &request, sequence);
}

/* All that this machine itself sends passes the hook `output`. */
static void add_chain(batch *b, uint32_t sequence)
{
    pk_request request;
    begin(&request, nft_type(NFT_MSG_NEWCHAIN), NLM_F_CREATE | NLM_F_ACK, NFPROTO_INET, 0);
    pk_request_add_text(&request, NFTA_CHAIN_TABLE, b->name);
    pk_request_add_text(&request, NFTA_CHAIN_NAME, "output");
    size_t hook = nest(&request, NFTA_CHAIN_HOOK);
    add_number(&request, NFTA_HOOK_HOOKNUM, NF_INET_LOCAL_OUT);
    add_number(&request, NFTA_HOOK_PRIORITY, 0);
    pk_request_nest_end(&request, hook);
    add_number(&request, NFTA_CHAIN_POLICY, NF_ACCEPT);
    pk_request_add_text(&request, NFTA_CHAIN_TYPE, "filter");
    append(b, &request, sequence);
}

/* ---- the rule: meta l4proto tcp, meta oif N, tcp flags & rst != 0, drop -------------------------
 */

typedef struct expression {
    size_t element, data;
} expression;

static expression open_expression(pk_request *request, const char *name)
{
    expression e = {.element = nest(request, NFTA_LIST_ELEM)};
    pk_request_add_text(request, NFTA_EXPR_NAME, name);
    e.data = nest(request, NFTA_EXPR_DATA);
    return e;
}

static void close_expression(pk_request *request, expression e)
{
    pk_request_nest_end(request, e.data);
    pk_request_nest_end(request, e.element);
}

static void add_data(pk_request *request, uint16_t type, const void *bytes, size_t len)
{
    size_t data = nest(request, type);
    pk_request_add(request, NFTA_DATA_VALUE, bytes, len);
    pk_request_nest_end(request, data);
}

static void add_load_meta(pk_request *request, uint32_t key)
{
    expression e = open_expression(request, "meta");
    add_number(request, NFTA_META_DREG, NFT_REG_1);
    add_number(request, NFTA_META_KEY, key);
    close_expression(request, e);
}

static void add_compare(pk_request *request, uint32_t op, const void *bytes, size_t len)
{
    expression e = open_expression(request, "cmp");
    add_number(request, NFTA_CMP_SREG, NFT_REG_1);
    add_number(request, NFTA_CMP_OP, op);
    add_data(request, NFTA_CMP_DATA, bytes, len);
    close_expression(request, e);
}

static void add_load_flags(pk_request *request)
{
    const uint8_t mask = TCP_RST, flip = 0;
    expression e = open_expression(request, "payload");
    add_number(request, NFTA_PAYLOAD_DREG, NFT_REG_1);
    add_number(request, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
    add_number(request, NFTA_PAYLOAD_OFFSET, TCP_FLAGS);
    add_number(request, NFTA_PAYLOAD_LEN, 1);
    close_expression(request, e);
    e = open_expression(request, "bitwise");
    add_number(request, NFTA_BITWISE_SREG, NFT_REG_1);
    add_number(request, NFTA_BITWISE_DREG, NFT_REG_1);
    add_number(request, NFTA_BITWISE_LEN, 1);
    add_data(request, NFTA_BITWISE_MASK, &mask, 1);
    add_data(request, NFTA_BITWISE_XOR, &flip, 1);
    close_expression(request, e);
}

static void add_drop(pk_request *request)
{
    expression e = open_expression(request, "immediate");
    add_number(request, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    size_t data = nest(request, NFTA_IMMEDIATE_DATA);
    size_t verdict = nest(request, NFTA_DATA_VERDICT);
    add_number(request, NFTA_VERDICT_CODE, NF_DROP);
    pk_request_nest_end(request, verdict);
    pk_request_nest_end(request, data);
    close_expression(request, e);
}

static void add_rule(batch *b, uint32_t interface_index, uint32_t sequence)
{
    pk_request request;
    const uint8_t tcp = IPPROTO_TCP, none = 0;
    begin(&request, nft_type(NFT_MSG_NEWRULE), NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK,
          NFPROTO_INET, 0);
    pk_request_add_text(&request, NFTA_RULE_TABLE, b->name);
    pk_request_add_text(&request, NFTA_RULE_CHAIN, "output");
    size_t list = nest(&request, NFTA_RULE_EXPRESSIONS);
    add_load_meta(&request, NFT_META_L4PROTO);
    add_compare(&request, NFT_CMP_EQ, &tcp, 1);
    add_load_meta(&request, NFT_META_OIF);
    add_compare(&request, NFT_CMP_EQ, &interface_index, sizeof interface_index);
    add_load_flags(&request);
    add_compare(&request, NFT_CMP_NEQ, &none, 1);
    add_drop(&request);
    pk_request_nest_end(&request, list);
    append(b, &request, sequence);
}

/* ---- asking ------------------------------------------------------------------------------------
 */

static int refused(int sys_errno, pk_error *reterr_)
{
    if (sys_errno == EPERM || sys_errno == EACCES)
        return pk_error_set(reterr_, PK_EPERM, "it needs CAP_NET_ADMIN");
    if (sys_errno == EPROTONOSUPPORT || sys_errno == EOPNOTSUPP || sys_errno == EINVAL ||
        sys_errno == ENOENT)
        return pk_error_set(reterr_, PK_EUNSUPPORTED,
                            "this kernel has no nftables with tables that have an owner (5.12)");
    return pk_error_sys(reterr_, sys_errno, "the kernel refused a rule");
}

/* The verdicts of the transaction: the first that is bad, or the last one. */
static int await_verdict(int fd, uint32_t last, pk_error *reterr_)
{
    _Alignas(8) uint8_t bytes[8192];
    for (;;) {
        ssize_t got = recv(fd, bytes, sizeof bytes, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return refused(errno, reterr_);
        size_t left = (size_t)got;
        const uint8_t *at = bytes;
        while (left >= sizeof(struct nlmsghdr)) {
            struct nlmsghdr header;
            struct nlmsgerr verdict;
            memcpy(&header, at, sizeof header);
            size_t whole = ((size_t)header.nlmsg_len + 3) / 4 * 4;
            if (header.nlmsg_len < sizeof header || header.nlmsg_len > left)
                break;
            if (header.nlmsg_type == NLMSG_ERROR &&
                header.nlmsg_len >= sizeof header + sizeof verdict) {
                memcpy(&verdict, at + sizeof header, sizeof verdict);
                if (verdict.error)
                    return refused(-verdict.error, reterr_);
                if (header.nlmsg_seq == last)
                    return PK_OK;
            }
            at += whole < left ? whole : left;
            left -= whole < left ? whole : left;
        }
    }
}

static int put_up(int fd, uint32_t interface_index, pk_error *reterr_)
{
    batch *b = calloc(1, sizeof *b);
    if (!b)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for a guard");
    (void)snprintf(b->name, sizeof b->name, "pktc-%ld", (long)getpid());
    add_mark(b, NFNL_MSG_BATCH_BEGIN, 1);
    add_table(b, 2);
    add_chain(b, 3);
    add_rule(b, interface_index, 4);
    add_mark(b, NFNL_MSG_BATCH_END, 5);
    int code = PK_OK;
    if (b->overflow || send(fd, b->bytes, b->len, 0) < 0)
        code = refused(b->overflow ? EMSGSIZE : errno, reterr_);
    free(b);
    return code ? code : await_verdict(fd, 4, reterr_);
}

int pk_guard_open(pk_guard **ret_guard, uint32_t interface_index, pk_error *reterr_)
{
    pk_guard *guard = calloc(1, sizeof *guard);
    if (!guard)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for a guard");
    guard->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    int code =
        guard->fd < 0 ? refused(errno, reterr_) : put_up(guard->fd, interface_index, reterr_);
    if (code) {
        pk_guard_close(guard);
        return code;
    }
    *ret_guard = guard;
    return PK_OK;
}

void pk_guard_close(pk_guard *guard)
{
    if (!guard)
        return;
    if (guard->fd >= 0)
        (void)close(guard->fd);
    free(guard);
}
