/*
 * Numbers of link types: the LINKTYPE_ numbers that stand in capture files (registry at
 * tcpdump.org/linktypes.html), and what the kernel's device types (ARPHRD_, <net/if_arp.h>) look
 * like to a packet socket. Nothing here can fail.
 */
#ifndef PK_BASE_LINKTYPE_H
#define PK_BASE_LINKTYPE_H

#include "base/types.h"

enum {
    PK_LINKTYPE_NULL = 0,
    PK_LINKTYPE_ETHERNET = 1,
    PK_LINKTYPE_PPP = 9,
    PK_LINKTYPE_RAW = 101, /* IPv4 or IPv6, told by the first nibble */
    PK_LINKTYPE_IEEE802_11 = 105,
    PK_LINKTYPE_LINUX_SLL = 113,
    PK_LINKTYPE_IEEE802_11_PRISM = 119,
    PK_LINKTYPE_IEEE802_11_RADIOTAP = 127,
    PK_LINKTYPE_IPV4 = 228,
    PK_LINKTYPE_IPV6 = 229,
    PK_LINKTYPE_NETLINK = 253
};

#define PK_LINKTYPE_NONE UINT32_MAX /* no number is known */

uint32_t pk_linktype_of_arphrd(uint16_t arphrd);

#endif
