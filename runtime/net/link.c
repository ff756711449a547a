#include "net/link.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/request.h"

#define NAMES_IN_MESSAGE 16u

static void take_hardware_address(pk_bytes value, uint8_t *out, uint8_t *ret_len)
{
    size_t len = value.len < PK_LINK_ADDRESS_MAX ? value.len : PK_LINK_ADDRESS_MAX;
    memcpy(out, value.data, len);
    *ret_len = (uint8_t)len;
}

static void take_counters(pk_bytes value, pk_link *link)
{
    struct rtnl_link_stats64 stats;
    size_t len = value.len < sizeof stats ? value.len : sizeof stats;
    memset(&stats, 0, sizeof stats);
    memcpy(&stats, value.data, len);
    link->rx_dropped = stats.rx_dropped;
    link->rx_missed = stats.rx_missed_errors;
    link->tx_dropped = stats.tx_dropped;
}

static void take_kind(pk_bytes list, pk_link *link)
{
    uint16_t type;
    pk_bytes value;
    while (pk_attribute_next(&list, &type, &value))
        if (type == IFLA_INFO_KIND)
            pk_attribute_text(value, link->kind, sizeof link->kind);
}

static void take_link_attribute(pk_link *link, uint16_t type, pk_bytes value)
{
    uint8_t broadcast_len;
    switch (type) {
    case IFLA_IFNAME:
        pk_attribute_text(value, link->name, sizeof link->name);
        break;
    case IFLA_ADDRESS:
        take_hardware_address(value, link->address, &link->address_len);
        break;
    case IFLA_BROADCAST:
        take_hardware_address(value, link->broadcast, &broadcast_len);
        break;
    case IFLA_MTU:
        link->mtu = pk_attribute_u32(value);
        break;
    case IFLA_LINKINFO:
        take_kind(value, link);
        break;
    case IFLA_STATS64:
        take_counters(value, link);
        break;
    default: /* some sixty others that we do not ask about */
        break;
    }
}

static bool parse_link(pk_bytes body, pk_link *ret_link)
{
    struct ifinfomsg info;
    if (!pk_body_take(&body, &info, sizeof info))
        return false;
    pk_link link = {
        .index = (uint32_t)info.ifi_index,
        .arphrd = info.ifi_type,
        .linktype = pk_linktype_of_arphrd(info.ifi_type),
        .flags = info.ifi_flags,
        .up = info.ifi_flags & IFF_UP,
        .running = info.ifi_flags & IFF_RUNNING,
    };
    uint16_t type;
    pk_bytes value;
    while (pk_attribute_next(&body, &type, &value))
        take_link_attribute(&link, type, value);
    *ret_link = link;
    return true;
}

static int take_one_link(void *context, uint16_t type, pk_bytes body, pk_error *reterr_)
{
    if (type == RTM_NEWLINK && !parse_link(body, context))
        return pk_error_set(reterr_, PK_EFORMAT, "the kernel's description of a link is cut");
    return PK_OK;
}

static int ask_link(pk_netlink *netlink, pk_request *request, pk_link *ret_link, pk_error *reterr_)
{
    pk_link link = {0};
    int code = pk_netlink_ask(netlink, request, take_one_link, &link, reterr_, "no such interface");
    if (code == PK_OK && link.index == 0)
        return pk_error_set(reterr_, PK_ENOENT, "no such interface");
    if (code == PK_OK)
        *ret_link = link;
    return code;
}

static void name_the_others(pk_netlink *netlink, const char *name, pk_error *reterr_)
{
    pk_link *links = NULL;
    size_t count = 0;
    (void)pk_error_set(reterr_, PK_ENOENT, "no interface \"%s\"; there are:", name);
    if (pk_link_list(netlink, &links, &count, NULL) < 0)
        return;
    for (size_t i = 0; i < count && i < NAMES_IN_MESSAGE; i++)
        pk_error_append(reterr_, " %s", links[i].name);
    free(links);
}

int pk_link_by_name(pk_netlink *netlink, const char *name, pk_link *ret_link, pk_error *reterr_)
{
    int code = PK_ENOENT;
    if (*name && strlen(name) < PK_LINK_NAME_MAX) {
        pk_request request;
        struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
        pk_request_begin(&request, RTM_GETLINK, 0, &info, sizeof info);
        pk_request_add_text(&request, IFLA_IFNAME, name);
        code = ask_link(netlink, &request, ret_link, reterr_);
    }
    if (code == PK_ENOENT)
        name_the_others(netlink, name, reterr_);
    return code;
}

int pk_link_by_index(pk_netlink *netlink, uint32_t index, pk_link *ret_link, pk_error *reterr_)
{
    pk_request request;
    struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index};
    pk_request_begin(&request, RTM_GETLINK, 0, &info, sizeof info);
    int code = index ? ask_link(netlink, &request, ret_link, reterr_) : PK_ENOENT;
    if (code == PK_ENOENT)
        (void)pk_error_set(reterr_, code, "no interface with index %u", index);
    return code;
}

/* A growing array of one kind of thing. */
typedef struct listing {
    uint8_t *items;
    size_t count;
    size_t room;
} listing;

static int add_item(listing *list, const void *item, size_t size, pk_error *reterr_)
{
    if (list->count >= PK_LINK_LIST_MAX)
        return pk_error_set(reterr_, PK_ELIMIT, "too many links or addresses (limit %u)",
                            PK_LINK_LIST_MAX);
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 16;
        uint8_t *grown = realloc(list->items, room * size);
        if (!grown)
            return pk_error_set(reterr_, PK_ENOMEM, "no memory for a list of links");
        list->items = grown;
        list->room = room;
    }
    memcpy(list->items + list->count++ * size, item, size);
    return PK_OK;
}

static int take_link(void *context, uint16_t type, pk_bytes body, pk_error *reterr_)
{
    pk_link link;
    if (type != RTM_NEWLINK || !parse_link(body, &link))
        return PK_OK;
    return add_item(context, &link, sizeof link, reterr_);
}

static int list_all(pk_netlink *netlink, pk_request *request, pk_answer_taker take,
                    listing *ret_list, pk_error *reterr_)
{
    listing list = {0};
    int code = pk_netlink_ask(netlink, request, take, &list, reterr_, "cannot list links");
    if (code < 0)
        free(list.items);
    else
        *ret_list = list;
    return code;
}

int pk_link_list(pk_netlink *netlink, pk_link **ret_links, size_t *ret_count, pk_error *reterr_)
{
    pk_request request;
    listing list;
    struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
    pk_request_begin(&request, RTM_GETLINK, NLM_F_DUMP, &info, sizeof info);
    int code = list_all(netlink, &request, take_link, &list, reterr_);
    if (code < 0)
        return code;
    *ret_links = (pk_link *)(void *)list.items;
    *ret_count = list.count;
    return PK_OK;
}

static void take_address_attribute(pk_link_address *address, uint8_t family, uint16_t type,
                                   pk_bytes value, bool *has_local)
{
    if (type == IFA_LOCAL) {
        address->ip = pk_attribute_ip(value, family);
        *has_local = true;
    } else if (type == IFA_ADDRESS && !*has_local) {
        address->ip = pk_attribute_ip(value, family); /* on a point-to-point link: the peer's */
    } else if (type == IFA_FLAGS) {
        address->flags = pk_attribute_u32(value);
    }
}

static int take_address(void *context, uint16_t type, pk_bytes body, pk_error *reterr_)
{
    struct ifaddrmsg info;
    if (type != RTM_NEWADDR || !pk_body_take(&body, &info, sizeof info))
        return PK_OK;
    pk_link_address address = {
        .index = info.ifa_index,
        .prefix = info.ifa_prefixlen,
        .scope = info.ifa_scope,
        .flags = info.ifa_flags,
    };
    uint16_t attribute;
    pk_bytes value;
    bool has_local = false;
    while (pk_attribute_next(&body, &attribute, &value))
        take_address_attribute(&address, info.ifa_family, attribute, value, &has_local);
    return address.ip.family ? add_item(context, &address, sizeof address, reterr_) : PK_OK;
}

int pk_link_addresses(pk_netlink *netlink, pk_link_address **ret_addresses, size_t *ret_count,
                      pk_error *reterr_)
{
    pk_request request;
    listing list;
    struct ifaddrmsg info = {.ifa_family = AF_UNSPEC};
    pk_request_begin(&request, RTM_GETADDR, NLM_F_DUMP, &info, sizeof info);
    int code = list_all(netlink, &request, take_address, &list, reterr_);
    if (code < 0)
        return code;
    *ret_addresses = (pk_link_address *)(void *)list.items;
    *ret_count = list.count;
    return PK_OK;
}
