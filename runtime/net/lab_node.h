/*
 * One namespace of the lab: how it is made and how it is set up by its place in the chain. Internal
 * to runtime/net; lab.c puts the chain together.
 */
#ifndef PK_NET_LAB_NODE_H
#define PK_NET_LAB_NODE_H

#include "net/configure.h"

#define PK_LAB_LEFT  "left0"
#define PK_LAB_RIGHT "right0"

typedef enum pk_lab_role { PK_LAB_NEAR, PK_LAB_ROUTER, PK_LAB_FAR } pk_lab_role;

typedef struct pk_lab_node {
    int namespace_fd; /* -1: none */
    pk_netlink *netlink;
    pk_lab_role role;
    uint32_t place; /* 0: near; the link to the right of it has the same number */
} pk_lab_node;

/* What could not be set, for pk_lab_warning. */
typedef struct pk_lab_notes {
    char text[512];
    bool no_ipv6;
} pk_lab_notes;

/* The two ends of link `link`: side 0 is the left end. */
pk_ip pk_lab_ip(int family, uint32_t link, uint32_t side);
void pk_lab_mac(uint32_t link, uint32_t side, uint8_t ret_mac[6]);

/* Moves the caller into a new namespace and keeps it as *ret_node. */
int pk_lab_node_create(pk_lab_node *ret_node, pk_lab_role role, uint32_t place, pk_lab_notes *notes,
                       pk_error *reterr_);

/* A link from `left` to the node at its right. */
int pk_lab_node_join(const pk_lab_node *left, const pk_lab_node *right, uint32_t mtu,
                     pk_error *reterr_);

/* Addresses, neighbours, routes and rules. Both its links must be there. */
int pk_lab_node_configure(const pk_lab_node *node, pk_lab_notes *notes, pk_error *reterr_);

/* Accepts a node that was never made. */
void pk_lab_node_close(pk_lab_node *node);

#endif
