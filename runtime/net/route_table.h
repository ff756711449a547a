/*
 * The kernel's IPv4 routing table, read once: which destinations share a route.
 *
 * Asking the kernel for each of 65,536 destinations costs more than sending to them. Where routing
 * goes by destination alone (the three rules that every system has, no multipath routes), all
 * addresses of a prefix less its longer prefixes have one route, and asking for one of them is
 * enough. pk_route_table_prefix tells which prefix that is. Multicast and broadcast addresses have
 * routes of their own kinds and belong to none, nor does anything while other rules are in force.
 * Redirects and path MTUs that the kernel has learned for single addresses are not in the table.
 *
 * The table owns its memory and does not follow changes. pk_route_table_free accepts NULL.
 */
#ifndef PK_NET_ROUTE_TABLE_H
#define PK_NET_ROUTE_TABLE_H

#include "net/netlink.h"

#define PK_ROUTE_TABLE_LIMIT 4096u      /* prefixes; of a larger table nothing is known */
#define PK_ROUTE_TABLE_NONE  UINT32_MAX /* no prefix tells */

typedef struct pk_route_table pk_route_table;

/* PK_OK also when the table cannot be used; then no address has a prefix. */
int pk_route_table_read(pk_netlink *netlink, pk_route_table **ret_table, pk_error *reterr_);
void pk_route_table_free(pk_route_table *table);

/* The number of the prefix whose route all of first..last (in host order) have; from 0 to below
 * pk_route_table_count. PK_ROUTE_TABLE_NONE: they do not share one, or have none. */
uint32_t pk_route_table_prefix(const pk_route_table *table, uint32_t first, uint32_t last);
uint32_t pk_route_table_count(const pk_route_table *table);

#endif
