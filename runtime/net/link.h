/*
 * Links (network interfaces) and their addresses, as the kernel of the handle's namespace knows
 * them. Looking needs no privilege.
 */
#ifndef PK_NET_LINK_H
#define PK_NET_LINK_H

#include "base/linktype.h"
#include "net/netlink.h"

#define PK_LINK_NAME_MAX    16u
#define PK_LINK_ADDRESS_MAX 32u /* bytes of a hardware address */
#define PK_LINK_LIST_MAX    65536u

typedef struct pk_link {
    uint32_t index;
    char name[PK_LINK_NAME_MAX];
    char kind[PK_LINK_NAME_MAX]; /* "veth", "tun", ...; "" for hardware and loopback */
    uint16_t arphrd;             /* ARPHRD_* */
    uint32_t linktype;           /* LINKTYPE_ number of its frames, or PK_LINKTYPE_NONE */
    uint32_t flags;              /* IFF_* */
    bool up;                     /* IFF_UP */
    bool running;                /* IFF_RUNNING: the carrier is there */
    uint32_t mtu;
    uint8_t address[PK_LINK_ADDRESS_MAX]; /* own hardware address */
    uint8_t broadcast[PK_LINK_ADDRESS_MAX];
    uint8_t address_len;
    uint64_t rx_dropped; /* interface counters, for the account at a run's end */
    uint64_t rx_missed;
    uint64_t tx_dropped;
} pk_link;

typedef struct pk_link_address {
    uint32_t index;
    pk_ip ip;
    uint8_t prefix;
    uint8_t scope;  /* RT_SCOPE_* */
    uint32_t flags; /* IFA_F_* */
} pk_link_address;

/* PK_ENOENT when there is none; the text lists the names that exist. */
int pk_link_by_name(pk_netlink *netlink, const char *name, pk_link *ret_link, pk_error *reterr_);
int pk_link_by_index(pk_netlink *netlink, uint32_t index, pk_link *ret_link, pk_error *reterr_);

/* All of them, by index; the array is the caller's, to be given to free(). */
int pk_link_list(pk_netlink *netlink, pk_link **ret_links, size_t *ret_count, pk_error *reterr_);
int pk_link_addresses(pk_netlink *netlink, pk_link_address **ret_addresses, size_t *ret_count,
                      pk_error *reterr_);

#endif
