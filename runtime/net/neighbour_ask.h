/*
 * Asking a link for an address by packets of our own, where the kernel may not be told to: needs
 * CAP_NET_RAW only. Internal to runtime/net.
 *
 * ARP (RFC 826) for IPv4, neighbour solicitation (RFC 4861 section 7.2.2) for IPv6, at most
 * PK_NEIGHBOUR_ASK_TIMES of them, spread over the time allowed. Ethernet only.
 */
#ifndef PK_NET_NEIGHBOUR_ASK_H
#define PK_NET_NEIGHBOUR_ASK_H

#include "net/route.h"

#define PK_NEIGHBOUR_ASK_TIMES 3

/* PK_ENOENT: nobody answered. PK_EPERM: not this way either. */
int pk_neighbour_ask(pk_netlink *netlink, uint32_t index, const pk_ip *ip, int64_t timeout_ns,
                     pk_neighbour *ret_neighbour, pk_error *reterr_);

#endif
