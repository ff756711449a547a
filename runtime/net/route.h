/*
 * Where a packet would go: routes, neighbours and the two together, as the kernel would choose.
 *
 * Looking up routes and neighbours needs no privilege. pk_neighbour_resolve makes the kernel ask
 * the link (ARP, RFC 826; neighbour solicitation, RFC 4861 section 7.2) and waits for its answer;
 * that needs CAP_NET_ADMIN. Without it the question is sent by ourselves, which needs CAP_NET_RAW;
 * without that it is PK_EPERM, unless the cache holds the answer.
 */
#ifndef PK_NET_ROUTE_H
#define PK_NET_ROUTE_H

#include "net/link.h"

typedef struct pk_route {
    uint32_t out;   /* interface index */
    pk_ip source;   /* preferred source address (family 0: none) */
    pk_ip gateway;  /* family 0: the destination is on the link */
    pk_ip next_hop; /* gateway, or the destination itself */
    uint8_t type;   /* RTN_UNICAST, RTN_LOCAL, RTN_BROADCAST, RTN_MULTICAST, ... */
    uint32_t mtu;   /* of the path, 0: the link's */
} pk_route;

typedef struct pk_route_query {
    pk_ip destination;
    pk_ip source;  /* family 0: any */
    uint32_t out;  /* interface that must be used; 0: any */
    uint32_t mark; /* firewall mark; 0: none */
} pk_route_query;

/* PK_ENOENT when the kernel has no route (the text says which address, and why). */
int pk_route_lookup(pk_netlink *netlink, const pk_route_query *query, pk_route *ret_route,
                    pk_error *reterr_);

typedef struct pk_neighbour {
    uint8_t address[PK_LINK_ADDRESS_MAX];
    uint8_t address_len; /* 0: not known (yet) */
    uint16_t state;      /* NUD_* */
} pk_neighbour;

/* What the cache holds; PK_ENOENT when it holds no usable address. */
int pk_neighbour_lookup(pk_netlink *netlink, uint32_t index, const pk_ip *ip,
                        pk_neighbour *ret_neighbour, pk_error *reterr_);

/* Cache first, then the kernel asks the link, at most for timeout_ns. PK_ENOENT: nobody answered.
 */
int pk_neighbour_resolve(pk_netlink *netlink, uint32_t index, const pk_ip *ip, int64_t timeout_ns,
                         pk_neighbour *ret_neighbour, pk_error *reterr_);

/* All that a frame to `destination` needs. */
typedef struct pk_path {
    pk_route route;
    pk_link link;
    pk_neighbour neighbour; /* where the frame goes; address_len 0 on links without addresses */
} pk_path;

/* Route, link and neighbour in one: broadcast, multicast (RFC 1112 section 6.4, RFC 2464 section 7)
 * and loopback next hops are computed, not asked for. */
int pk_path_resolve(pk_netlink *netlink, const pk_route_query *query, int64_t timeout_ns,
                    pk_path *ret_path, pk_error *reterr_);

#endif
