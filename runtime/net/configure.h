/*
 * Setting up links, addresses, routes and rules, for namespaces of our own (the lab, tests). All of
 * it needs CAP_NET_ADMIN in the namespace of the handle and changes that namespace only.
 */
#ifndef PK_NET_CONFIGURE_H
#define PK_NET_CONFIGURE_H

#include "net/link.h"

/* One end of a pair of virtual Ethernet links. */
typedef struct pk_veth_end {
    const char *name;
    const uint8_t *mac; /* 6 bytes; NULL: the kernel's choice */
    int namespace_fd;   /* where it shall live; -1: the handle's namespace */
} pk_veth_end;

int pk_veth_create(pk_netlink *netlink, const pk_veth_end *a, const pk_veth_end *b, uint32_t mtu,
                   pk_error *reterr_);
int pk_link_delete(pk_netlink *netlink, uint32_t index, pk_error *reterr_);
int pk_link_set_up(pk_netlink *netlink, uint32_t index, bool up, pk_error *reterr_);
int pk_link_set_mtu(pk_netlink *netlink, uint32_t index, uint32_t mtu, pk_error *reterr_);
int pk_link_set_mac(pk_netlink *netlink, uint32_t index, const uint8_t mac[6], pk_error *reterr_);
int pk_link_set_namespace(pk_netlink *netlink, uint32_t index, int namespace_fd, pk_error *reterr_);

/* Checksums, segmentation and receive coalescing done by the kernel before the frame is seen
 * (ETHTOOL_STXCSUM and its kin all off): what is captured is then what is sent. */
int pk_link_offloads_off(pk_netlink *netlink, const char *name, pk_error *reterr_);

/* No duplicate address detection: usable at once. An address that is there already is no error. */
int pk_address_add(pk_netlink *netlink, uint32_t index, const pk_ip *ip, uint8_t prefix,
                   pk_error *reterr_);

typedef struct pk_route_entry {
    uint8_t family;
    pk_ip destination; /* family 0 with prefix 0: default */
    uint8_t prefix;
    pk_ip gateway;  /* family 0: none */
    pk_ip source;   /* preferred source; family 0: none */
    uint32_t out;   /* interface index; 0: by the gateway */
    uint32_t table; /* 0: main */
    uint8_t type;   /* RTN_*; 0: RTN_UNICAST */
} pk_route_entry;

int pk_route_add(pk_netlink *netlink, const pk_route_entry *route, pk_error *reterr_);

typedef struct pk_rule {
    uint8_t family;
    uint32_t priority;
    const char *in_interface; /* NULL: any */
    uint32_t table;
} pk_rule;

int pk_rule_add(pk_netlink *netlink, const pk_rule *rule, pk_error *reterr_);
int pk_rule_delete(pk_netlink *netlink, const pk_rule *rule, pk_error *reterr_);

/* A neighbour entry that never ages. */
int pk_neighbour_add(pk_netlink *netlink, uint32_t index, const pk_ip *ip, const uint8_t mac[6],
                     pk_error *reterr_);

/* Writes /proc/sys/<name> (slashes in name) of the CALLER's present namespace. */
int pk_sysctl_write(const char *name, const char *value, pk_error *reterr_);

#endif
