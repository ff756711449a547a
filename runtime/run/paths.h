/*
 * Which way packets go: the environment of the machine (pk_env) as the kernel's routes and
 * neighbours have it, asked lazily and remembered.
 *
 * While a packet is built its layers ask for source address, own link address and the next hop's.
 * Each answer comes from a small cache (a slot for each destination by hash, an entry for each next
 * hop). A next hop whose link address is not known yet does not stop the build: the link is asked,
 * and pk_paths_used tells that the packet just built has to wait and be built again; after
 * PK_PATHS_WAIT without an answer it tells that the hop is silent. IPv4 addresses that share a route
 * (net/route_table.h) are asked for once, and a set of which all go by one gateway has one way. So a sweep of a link with many
 * absent hosts goes on at its rate. (Without CAP_NET_ADMIN the kernel does not ask for us; then a
 * build stops for PK_PATHS_OWN_WAIT at most, once for each next hop.)
 *
 * pk_paths_begin before a build and pk_paths_used after it also tell by which interface it leaves.
 * Owns a netlink handle; for one thread.
 */
#ifndef PK_RUN_PATHS_H
#define PK_RUN_PATHS_H

#include "net/route.h"
#include "run/scope.h"
#include "vm/vm.h"

#define PK_PATHS_WAIT         INT64_C(1000000000) /* ns that a next hop has to answer */
#define PK_PATHS_ASK_AGAIN    INT64_C(500000)     /* ns between two looks for the answer */
#define PK_PATHS_OWN_WAIT     INT64_C(300000000)  /* ns that building stops to ask by ourselves */
#define PK_PATHS_SILENT_KEPT  INT64_C(5000000000) /* ns until a silent hop is asked again */
#define PK_PATHS_DESTINATIONS 4096u               /* routes remembered */
#define PK_PATHS_HOPS_LIMIT   1048576u            /* next hops remembered */

typedef struct pk_paths pk_paths;

int pk_paths_open(pk_paths **ret_paths, pk_error *reterr_);

/* All packets leave by this interface, whatever the routes say. PK_ENOENT for an unknown one. */
int pk_paths_interface_set(pk_paths *paths, const char *interface, pk_error *reterr_);
/* What does not leave by this interface has no way that could be known (0: any interface will do).
 */
void pk_paths_leave_by(pk_paths *paths, uint32_t index);
/* The interface set, or the last one used; 0: none. */
uint32_t pk_paths_interface(const pk_paths *paths);
/* Nobody is asked for link addresses, for looking at a run without having it. */
void pk_paths_silence(pk_paths *paths);
/* Neighbours that this scope refuses are not asked for their link addresses; borrowed. */
void pk_paths_scope_set(pk_paths *paths, const pk_scope *scope);
void pk_paths_close(pk_paths *paths);

pk_env pk_paths_env(pk_paths *paths);

typedef struct pk_paths_use {
    uint32_t out;      /* interface of the packet's route; 0: it asked for none */
    bool waiting;      /* the next hop's link address is not known yet */
    bool silent;       /* the next hop did not answer */
    bool refused;      /* silent because asking needs a privilege that is missing */
    bool no_route;     /* the kernel has no route */
    pk_ip destination; /* what that concerns */
    pk_ip next_hop;
} pk_paths_use;

void pk_paths_begin(pk_paths *paths);
const pk_paths_use *pk_paths_used(const pk_paths *paths);

/* Does the kernel's route to an address (4 or 16 bytes) lead to a router? */
bool pk_paths_by_router(pk_paths *paths, pk_bytes address);

/* The sentence for a use that cannot be sent. */
void pk_paths_explain(const pk_paths *paths, pk_error *ret_error);

/* The interface that a path leaves by, as the kernel describes it. */
int pk_paths_link(pk_paths *paths, uint32_t index, pk_link *ret_link, pk_error *reterr_);

#endif
