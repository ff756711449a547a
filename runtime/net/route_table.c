#include "net/route_table.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/request.h"

enum { RULES = 3 /* local, main, default */ };
#define MULTICAST UINT32_C(0xe0000000)

typedef struct prefix {
    uint32_t first, last; /* host order */
    uint8_t len;
    uint8_t rank; /* of its table, as the rules ask them */
} prefix;

struct pk_route_table {
    prefix *prefixes; /* in the order in which the kernel looks for one */
    uint32_t count, cap;
    uint32_t rules;
    bool unusable;
};

static uint32_t last_of(uint32_t first, uint8_t len)
{
    return len == 0 ? UINT32_MAX : first | (len < 32 ? UINT32_MAX >> len : 0);
}

static bool grow(pk_route_table *table)
{
    uint32_t cap = table->cap ? table->cap * 2 : 64;
    if (cap > PK_ROUTE_TABLE_LIMIT)
        return false;
    prefix *prefixes = realloc(table->prefixes, cap * sizeof *prefixes);
    if (!prefixes)
        return false;
    table->prefixes = prefixes;
    table->cap = cap;
    return true;
}

static uint8_t rank_of(uint32_t number)
{
    return number == RT_TABLE_LOCAL ? 0 : number == RT_TABLE_MAIN ? 1 : 2;
}

/* Routes whose way depends on more than the destination make the table unusable. */
static int take_route(void *context, uint16_t type, pk_bytes body, pk_error *reterr_)
{
    pk_route_table *table = context;
    struct rtmsg info;
    uint16_t attribute;
    pk_bytes value;
    pk_ip to = {0};
    if (type != RTM_NEWROUTE)
        return PK_OK;
    if (!pk_body_take(&body, &info, sizeof info))
        return pk_error_set(reterr_, PK_EFORMAT, "the kernel's description of a route is cut");
    if (info.rtm_family != AF_INET || info.rtm_flags & RTM_F_CLONED)
        return PK_OK;
    uint32_t number = info.rtm_table;
    while (pk_attribute_next(&body, &attribute, &value)) {
        if (attribute == RTA_DST)
            to = pk_attribute_ip(value, AF_INET);
        else if (attribute == RTA_TABLE)
            number = pk_attribute_u32(value);
        else if (attribute == RTA_MULTIPATH)
            table->unusable = true;
    }
    if (number != RT_TABLE_LOCAL && number != RT_TABLE_MAIN && number != RT_TABLE_DEFAULT)
        return PK_OK;
    table->unusable = table->unusable || info.rtm_tos || info.rtm_src_len;
    if (table->unusable || (table->count == table->cap && !grow(table))) {
        table->unusable = true;
        return PK_OK;
    }
    uint32_t first = (uint32_t)to.bytes[0] << 24 | (uint32_t)to.bytes[1] << 16 |
                     (uint32_t)to.bytes[2] << 8 | to.bytes[3];
    table->prefixes[table->count++] = (prefix){.first = first,
                                               .last = last_of(first, info.rtm_dst_len),
                                               .len = info.rtm_dst_len,
                                               .rank = rank_of(number)};
    return PK_OK;
}

/* Any rule that asks for more than a table is one too many. */
static int take_rule(void *context, uint16_t type, pk_bytes body, pk_error *reterr_)
{
    pk_route_table *table = context;
    struct fib_rule_hdr info;
    uint16_t attribute;
    pk_bytes value;
    if (type != RTM_NEWRULE)
        return PK_OK;
    if (!pk_body_take(&body, &info, sizeof info))
        return pk_error_set(reterr_, PK_EFORMAT, "the kernel's description of a rule is cut");
    if (info.family != AF_INET)
        return PK_OK;
    table->rules++;
    if (info.src_len || info.dst_len || info.tos || info.action != FR_ACT_TO_TBL ||
        info.flags & FIB_RULE_INVERT)
        table->unusable = true;
    uint32_t number = info.table;
    while (pk_attribute_next(&body, &attribute, &value)) {
        if (attribute == FRA_TABLE)
            number = pk_attribute_u32(value);
        else if (attribute == FRA_FWMARK || attribute == FRA_IIFNAME || attribute == FRA_OIFNAME ||
                 attribute == FRA_UID_RANGE || attribute == FRA_L3MDEV)
            table->unusable = true;
    }
    if (number != RT_TABLE_LOCAL && number != RT_TABLE_MAIN && number != RT_TABLE_DEFAULT)
        table->unusable = true;
    return PK_OK;
}

/* A table's shortest prefix comes before the longest of the next table. */
static int by_turn(const void *a, const void *b)
{
    const prefix *left = a, *right = b;
    if (left->rank != right->rank)
        return left->rank < right->rank ? -1 : 1;
    return (left->len < right->len) - (left->len > right->len);
}

static int ask(pk_netlink *netlink, pk_route_table *table, pk_error *reterr_)
{
    pk_request request;
    struct rtmsg routes = {.rtm_family = AF_INET};
    struct fib_rule_hdr rules = {.family = AF_INET};
    pk_request_begin(&request, RTM_GETRULE, NLM_F_DUMP, &rules, sizeof rules);
    int code = pk_netlink_ask(netlink, &request, take_rule, table, reterr_, "routing rules");
    if (code)
        return code;
    pk_request_begin(&request, RTM_GETROUTE, NLM_F_DUMP, &routes, sizeof routes);
    return pk_netlink_ask(netlink, &request, take_route, table, reterr_, "routes");
}

int pk_route_table_read(pk_netlink *netlink, pk_route_table **ret_table, pk_error *reterr_)
{
    pk_route_table *table = calloc(1, sizeof *table);
    pk_error why = {0};
    if (!table)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for the routing table");
    if (ask(netlink, table, &why) || table->rules > RULES)
        table->unusable = true;
    if (table->unusable)
        table->count = 0;
    else if (table->count)
        qsort(table->prefixes, table->count, sizeof *table->prefixes, by_turn);
    *ret_table = table;
    return PK_OK;
}

void pk_route_table_free(pk_route_table *table)
{
    if (table)
        free(table->prefixes);
    free(table);
}

uint32_t pk_route_table_count(const pk_route_table *table)
{
    return table->count;
}

uint32_t pk_route_table_prefix(const pk_route_table *table, uint32_t first, uint32_t last)
{
    if (last >= MULTICAST)
        return PK_ROUTE_TABLE_NONE;
    for (uint32_t i = 0; i < table->count; i++) {
        const prefix *at = &table->prefixes[i];
        if (first > at->last || last < at->first)
            continue;
        return first >= at->first && last <= at->last ? i : PK_ROUTE_TABLE_NONE;
    }
    return PK_ROUTE_TABLE_NONE;
}
