#include "net/route.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "net/request.h"

#define MAC_LEN 6u

static void take_metrics(pk_bytes list, pk_route *route)
{
    uint16_t type;
    pk_bytes value;
    while (pk_attribute_next(&list, &type, &value))
        if (type == RTAX_MTU)
            route->mtu = pk_attribute_u32(value);
}

/* RTA_VIA: a gateway of the other family (RFC 5549): a 16-bit family, then the address. */
static pk_ip take_via(pk_bytes value)
{
    uint16_t family;
    if (!value.data || value.len < sizeof family)
        return (pk_ip){0};
    memcpy(&family, value.data, sizeof family);
    return pk_attribute_ip((pk_bytes){value.data + 2, value.len - 2}, (uint8_t)family);
}

static int take_route(void *context, uint16_t type, pk_bytes body, pk_error *reterr_)
{
    struct rtmsg info;
    pk_route *route = context;
    if (type != RTM_NEWROUTE)
        return PK_OK;
    if (!pk_body_take(&body, &info, sizeof info))
        return pk_error_set(reterr_, PK_EFORMAT, "the kernel's description of a route is cut");
    route->type = info.rtm_type;
    uint16_t attribute;
    pk_bytes value;
    while (pk_attribute_next(&body, &attribute, &value)) {
        if (attribute == RTA_OIF)
            route->out = pk_attribute_u32(value);
        else if (attribute == RTA_PREFSRC)
            route->source = pk_attribute_ip(value, info.rtm_family);
        else if (attribute == RTA_GATEWAY)
            route->gateway = pk_attribute_ip(value, info.rtm_family);
        else if (attribute == RTA_VIA)
            route->gateway = take_via(value);
        else if (attribute == RTA_METRICS)
            take_metrics(value, route);
    }
    return PK_OK;
}

static bool no_way(uint8_t type)
{
    return type == RTN_UNREACHABLE || type == RTN_BLACKHOLE || type == RTN_PROHIBIT ||
           type == RTN_THROW || type == RTN_UNSPEC;
}

static void ask_for(pk_request *request, const pk_route_query *query)
{
    uint8_t bits = (uint8_t)(pk_ip_len(&query->destination) * 8);
    struct rtmsg info = {
        .rtm_family = query->destination.family,
        .rtm_dst_len = bits,
        .rtm_src_len = query->source.family ? bits : 0,
    };
    pk_request_begin(request, RTM_GETROUTE, 0, &info, sizeof info);
    pk_request_add_ip(request, RTA_DST, &query->destination);
    if (query->source.family)
        pk_request_add_ip(request, RTA_SRC, &query->source);
    if (query->out)
        pk_request_add_u32(request, RTA_OIF, query->out);
    if (query->mark)
        pk_request_add_u32(request, RTA_MARK, query->mark);
}

int pk_route_lookup(pk_netlink *netlink, const pk_route_query *query, pk_route *ret_route,
                    pk_error *reterr_)
{
    char text[PK_IP_TEXT_MAX];
    pk_request request;
    pk_route route = {0};
    pk_error err = {0};
    if (pk_ip_len(&query->destination) == 0)
        return pk_error_set(reterr_, PK_ENOENT, "no route without an address");
    (void)pk_ip_text(&query->destination, text);
    ask_for(&request, query);
    int code = pk_netlink_ask(netlink, &request, take_route, &route, &err, "no route to %s", text);
    if (code < 0 && err.sys_errno)
        code = err.code = PK_ENOENT; /* whichever way the kernel says no */
    else if (code == PK_OK && no_way(route.type))
        code = pk_error_set(&err, PK_ENOENT, "no route to %s: the routing table refuses it", text);
    if (code < 0) {
        if (reterr_)
            *reterr_ = err;
        return code;
    }
    route.next_hop = route.gateway.family ? route.gateway : query->destination;
    *ret_route = route;
    return PK_OK;
}

static void map_multicast(const pk_ip *ip, uint8_t *mac)
{
    if (ip->family == AF_INET) { /* the low 23 bits, RFC 1112 section 6.4 */
        memcpy(mac,
               (const uint8_t[]){0x01, 0x00, 0x5e, ip->bytes[1] & 0x7f, ip->bytes[2], ip->bytes[3]},
               MAC_LEN);
    } else { /* the last four octets, RFC 2464 section 7 */
        mac[0] = 0x33;
        mac[1] = 0x33;
        memcpy(mac + 2, ip->bytes + 12, 4);
    }
}

static bool is_multicast(const pk_ip *ip)
{
    return ip->family == AF_INET ? ip->bytes[0] >> 4 == 0xe : ip->bytes[0] == 0xff;
}

/* Where the neighbour follows from the route and the link alone. */
static bool known_neighbour(const pk_path *path, const pk_ip *destination, pk_neighbour *ret_known)
{
    pk_neighbour known = {.state = NUD_NOARP};
    const pk_link *link = &path->link;
    bool ethernet = link->linktype == PK_LINKTYPE_ETHERNET;
    if (ethernet) {
        known.address_len = MAC_LEN;
        if (link->flags & IFF_LOOPBACK)
            memset(known.address, 0, MAC_LEN);
        else if (path->route.type == RTN_BROADCAST)
            memcpy(known.address, link->broadcast, MAC_LEN);
        else if (is_multicast(destination))
            map_multicast(destination, known.address);
        else if (link->flags & IFF_NOARP)
            memcpy(known.address, link->address, MAC_LEN);
        else
            return false;
    }
    *ret_known = known;
    return true;
}

int pk_path_resolve(pk_netlink *netlink, const pk_route_query *query, int64_t timeout_ns,
                    pk_path *ret_path, pk_error *reterr_)
{
    pk_path path = {0};
    int code = pk_route_lookup(netlink, query, &path.route, reterr_);
    if (code == PK_OK)
        code = pk_link_by_index(netlink, path.route.out, &path.link, reterr_);
    if (code == PK_OK && !known_neighbour(&path, &query->destination, &path.neighbour))
        code = pk_neighbour_resolve(netlink, path.route.out, &path.route.next_hop, timeout_ns,
                                    &path.neighbour, reterr_);
    if (code == PK_OK)
        *ret_path = path;
    return code;
}
