#include "run/paths.h"

#include "net/route_table.h"

#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { HOPS_MIN = 64 };

typedef enum hop_state { HOP_UNASKED, HOP_ASKED, HOP_KNOWN, HOP_SILENT } hop_state;

typedef struct hop {
    pk_ip ip; /* family 0: empty slot */
    uint32_t out;
    hop_state state;
    bool refused; /* asking needs a privilege that is missing */
    uint8_t address[6];
    int64_t asked, looked;
} hop;

typedef struct destination {
    pk_ip ip;
    bool has_route;
    pk_route route;
} destination;

struct pk_paths {
    pk_netlink *netlink;
    pk_link own; /* the interface asked for, or the last one used; index 0: none */
    uint32_t fixed;
    bool kernel_asks; /* the kernel asks the link for us, and we need not wait meanwhile */
    destination *destinations;
    pk_route_table *table; /* NULL until a route is looked up */
    pk_route *shared;      /* by prefix of the table: the route of its addresses; out 0: unknown */
    bool silent;           /* nobody is asked for anything */
    const pk_scope *scope; /* NULL: nothing is excluded */
    uint32_t leaves_by;    /* interface of the run's transport; 0: any */
    hop *hops;
    uint32_t hops_cap, hops_used;
    pk_paths_use use;
    pk_error error;
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static bool has_net_admin(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    return syscall(SYS_capget, &header, data) == 0 && data[0].effective & 1u << CAP_NET_ADMIN;
}

int pk_paths_open(pk_paths **ret_paths, pk_error *reterr_)
{
    pk_paths *paths = calloc(1, sizeof *paths);
    if (!paths)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for routes");
    paths->destinations = calloc(PK_PATHS_DESTINATIONS, sizeof *paths->destinations);
    paths->kernel_asks = has_net_admin();
    int error = paths->destinations ? pk_netlink_open(&paths->netlink, reterr_)
                                    : pk_error_set(reterr_, PK_ENOMEM, "no memory for routes");
    if (error) {
        pk_paths_close(paths);
        return error;
    }
    *ret_paths = paths;
    return PK_OK;
}

int pk_paths_interface_set(pk_paths *paths, const char *interface, pk_error *reterr_)
{
    int error = pk_link_by_name(paths->netlink, interface, &paths->own, reterr_);
    if (!error)
        paths->fixed = paths->own.index;
    return error;
}

void pk_paths_close(pk_paths *paths)
{
    if (!paths)
        return;
    pk_netlink_close(paths->netlink);
    free(paths->destinations);
    pk_route_table_free(paths->table);
    free(paths->shared);
    free(paths->hops);
    free(paths);
}

int pk_paths_link(pk_paths *paths, uint32_t index, pk_link *ret_link, pk_error *reterr_)
{
    if (paths->own.index != index) {
        int error = pk_link_by_index(paths->netlink, index, &paths->own, reterr_);
        if (error)
            return error;
    }
    *ret_link = paths->own;
    return PK_OK;
}

void pk_paths_begin(pk_paths *paths)
{
    paths->use = (pk_paths_use){0};
}

const pk_paths_use *pk_paths_used(const pk_paths *paths)
{
    return &paths->use;
}

void pk_paths_explain(const pk_paths *paths, pk_error *ret_error)
{
    char text[PK_IP_TEXT_MAX];
    if (paths->use.no_route || paths->use.refused)
        *ret_error = paths->error;
    else if (paths->use.silent)
        pk_error_set(ret_error, PK_ENOENT, "next hop %s on %s does not tell its link address",
                     pk_ip_text(&paths->use.next_hop, text), paths->own.name);
}

/* ---- routes ---- */

/* The finalizer of splitmix64. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

static uint64_t ip_hash(const pk_ip *ip, uint32_t salt)
{
    uint64_t halves[2] = {0, 0};
    memcpy(halves, ip->bytes, pk_ip_len(ip));
    return mix(halves[0] ^ mix(halves[1] ^ ip->family ^ (uint64_t)salt << 32));
}

static bool ip_of(pk_bytes address, pk_ip *ret_ip)
{
    if (address.len != 4 && address.len != 16)
        return false;
    *ret_ip = (pk_ip){.family = address.len == 4 ? AF_INET : AF_INET6};
    memcpy(ret_ip->bytes, address.data, address.len);
    return true;
}

static uint32_t ip4_number(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The route that all addresses of the prefix of first..last share, NULL when it is not known. Made
 * at first use; without memory for it each address is asked for. */
static pk_route *shared_route(pk_paths *paths, const uint8_t *first, const uint8_t *last)
{
    if (!paths->table) {
        if (pk_route_table_read(paths->netlink, &paths->table, NULL))
            return NULL;
        paths->shared = calloc(pk_route_table_count(paths->table) + 1u, sizeof *paths->shared);
    }
    uint32_t prefix = pk_route_table_prefix(paths->table, ip4_number(first), ip4_number(last));
    return prefix == PK_ROUTE_TABLE_NONE || !paths->shared ? NULL : &paths->shared[prefix];
}

static void look_up(pk_paths *paths, const pk_ip *ip, destination *slot)
{
    pk_route_query query = {.destination = *ip, .out = paths->fixed};
    pk_route *shared = ip->family == AF_INET ? shared_route(paths, ip->bytes, ip->bytes) : NULL;
    pk_route route;
    *slot = (destination){.ip = *ip};
    if (shared && shared->out) {
        slot->route = *shared;
        slot->route.next_hop = shared->gateway.family ? shared->gateway : *ip;
        slot->has_route = true;
    } else if (pk_route_lookup(paths->netlink, &query, &route, &paths->error) == PK_OK) {
        slot->route = route;
        slot->has_route = true;
        if (shared)
            *shared = route;
    }
}

/* The route to `ip`, from the cache or the kernel; NULL when there is none. */
static const pk_route *route_to(pk_paths *paths, const pk_ip *ip)
{
    destination *slot = &paths->destinations[ip_hash(ip, 0) % PK_PATHS_DESTINATIONS];
    if (!slot->ip.family || !pk_ip_equal(&slot->ip, ip))
        look_up(paths, ip, slot);
    paths->use.destination = *ip;
    if (!slot->has_route) {
        paths->use.no_route = true;
        return NULL;
    }
    paths->use.out = slot->route.out;
    return &slot->route;
}

/* ---- next hops ---- */

static uint32_t hop_place(const hop *hops, uint32_t cap, const pk_ip *ip, uint32_t out)
{
    uint32_t at = (uint32_t)(ip_hash(ip, out) % cap);
    while (hops[at].ip.family && (hops[at].out != out || !pk_ip_equal(&hops[at].ip, ip)))
        at = at + 1 == cap ? 0 : at + 1;
    return at;
}

static bool hops_grow(pk_paths *paths)
{
    uint32_t cap = paths->hops_cap ? paths->hops_cap * 2 : HOPS_MIN;
    if (cap > PK_PATHS_HOPS_LIMIT * 2)
        return false;
    hop *hops = calloc(cap, sizeof *hops);
    if (!hops)
        return false;
    for (uint32_t i = 0; i < paths->hops_cap; i++)
        if (paths->hops[i].ip.family)
            hops[hop_place(hops, cap, &paths->hops[i].ip, paths->hops[i].out)] = paths->hops[i];
    free(paths->hops);
    paths->hops = hops;
    paths->hops_cap = cap;
    return true;
}

static hop *hop_of(pk_paths *paths, const pk_ip *ip, uint32_t out)
{
    if (paths->hops_used * 4 >= paths->hops_cap * 3 && !hops_grow(paths))
        return NULL;
    hop *entry = &paths->hops[hop_place(paths->hops, paths->hops_cap, ip, out)];
    if (!entry->ip.family) {
        *entry = (hop){.ip = *ip, .out = out};
        paths->hops_used++;
    }
    return entry;
}

static void hop_learn(hop *entry, const pk_neighbour *neighbour)
{
    size_t len = neighbour->address_len < 6 ? neighbour->address_len : 6;
    memset(entry->address, 0, sizeof entry->address);
    memcpy(entry->address, neighbour->address, len);
    entry->state = HOP_KNOWN;
}

/* Asks, looks or gives up, as its time is. */
static void hop_advance(pk_paths *paths, hop *entry, const pk_route_query *query)
{
    int64_t now = now_ns();
    pk_path path;
    if (entry->state == HOP_SILENT && now - entry->asked < PK_PATHS_SILENT_KEPT)
        return;
    int64_t pause = (entry->looked - entry->asked) / 2; /* the longer it takes, the less often */
    pause = pause < PK_PATHS_ASK_AGAIN ? PK_PATHS_ASK_AGAIN : pause;
    if (entry->state == HOP_ASKED && now - entry->looked < pause)
        return;
    if (entry->state != HOP_ASKED)
        entry->asked = now;
    entry->looked = now;
    pk_error error;
    int64_t wait = paths->kernel_asks ? 0 : PK_PATHS_OWN_WAIT;
    int code = pk_path_resolve(paths->netlink, query, wait, &path, &error);
    entry->refused = code == PK_EPERM;
    if (entry->refused)
        paths->error = error;
    if (code == PK_OK)
        hop_learn(entry, &path.neighbour);
    else
        entry->state = entry->refused || !paths->kernel_asks || now - entry->asked > PK_PATHS_WAIT
                           ? HOP_SILENT
                           : HOP_ASKED;
}

/* ---- the machine's questions ---- */

static bool env_source_address(void *context, pk_bytes to, uint8_t ret_address[16])
{
    pk_paths *paths = context;
    pk_ip ip;
    if (!ip_of(to, &ip))
        return false;
    const pk_route *route = route_to(paths, &ip);
    if (!route || route->source.family != ip.family)
        return false;
    memcpy(ret_address, route->source.bytes, to.len);
    return true;
}

static bool env_source_mac(void *context, pk_bytes to, uint8_t ret_mac[6])
{
    pk_paths *paths = context;
    pk_ip ip;
    uint32_t out = paths->fixed;
    const pk_route *route = !out && ip_of(to, &ip) ? route_to(paths, &ip) : NULL;
    if (route)
        out = route->out;
    if (!out)
        out = paths->own.index;
    pk_link link;
    if (!out || pk_paths_link(paths, out, &link, NULL) != PK_OK || link.address_len != 6)
        return false;
    if (!paths->use.out)
        paths->use.out = out;
    memcpy(ret_mac, link.address, 6);
    return true;
}

/* An excluded neighbour is not even asked for its link address; a router may be. */
static bool left_alone(const pk_paths *paths, pk_bytes to, const pk_route *route)
{
    const char *why;
    return paths->scope && !route->gateway.family &&
           pk_scope_judge(paths->scope, to, &why) == PK_SCOPE_REFUSED;
}

static bool env_nexthop_mac(void *context, pk_bytes to, uint8_t ret_mac[6])
{
    pk_paths *paths = context;
    pk_ip ip;
    const pk_route *route = ip_of(to, &ip) ? route_to(paths, &ip) : NULL;
    if (!route)
        return false;
    const pk_ip *next = route->next_hop.family ? &route->next_hop : &ip;
    paths->use.next_hop = *next;
    if (paths->silent || left_alone(paths, to, route))
        return false;
    hop *entry = hop_of(paths, next, route->out);
    if (!entry)
        return false;
    if (entry->state != HOP_KNOWN) {
        pk_route_query query = {.destination = ip, .out = paths->fixed};
        hop_advance(paths, entry, &query);
    }
    paths->use.silent = entry->state == HOP_SILENT;
    paths->use.refused = entry->state == HOP_SILENT && entry->refused;
    paths->use.waiting = entry->state == HOP_ASKED;
    memcpy(ret_mac, entry->address, 6);
    return true;
}

/* Do all of first..last have one route, and one next hop? */
static bool go_one_way(pk_paths *paths, pk_bytes first, const uint8_t *last)
{
    if (memcmp(first.data, last, first.len) == 0)
        return true;
    const pk_route *shared = first.len == 4 ? shared_route(paths, first.data, last) : NULL;
    return shared && shared->out && shared->gateway.family;
}

static pk_way_state way_of(pk_paths *paths, const pk_ip *to, pk_way *ret_way)
{
    pk_link link;
    pk_way way = {{0}, {0}, {0}};
    const pk_route *route = route_to(paths, to);
    if (!route || (paths->leaves_by && route->out != paths->leaves_by) ||
        pk_paths_link(paths, route->out, &link, NULL) != PK_OK)
        return PK_WAY_LATER;
    if (route->source.family == to->family)
        memcpy(way.source, route->source.bytes, pk_ip_len(to));
    if (link.address_len == 6) {
        const pk_ip next = route->next_hop.family ? route->next_hop : *to;
        const hop *entry = hop_of(paths, &next, route->out);
        if (!entry || entry->state != HOP_KNOWN)
            return PK_WAY_LATER;
        memcpy(way.source_mac, link.address, 6);
        memcpy(way.nexthop_mac, entry->address, 6);
    }
    *ret_way = way;
    return PK_WAY_KNOWN;
}

static pk_way_state env_way(void *context, pk_bytes first, const uint8_t *last, pk_way *ret_way)
{
    pk_paths *paths = context;
    const pk_paths_use use = paths->use; /* this is no part of a build */
    pk_way_state state = PK_WAY_VARIES;
    pk_ip to;
    if (!ip_of(first, &to))
        return PK_WAY_VARIES;
    (void)route_to(paths, &to);
    if (go_one_way(paths, first, last))
        state = way_of(paths, &to, ret_way);
    paths->use = use;
    return state;
}

uint32_t pk_paths_interface(const pk_paths *paths)
{
    return paths->own.index;
}

void pk_paths_silence(pk_paths *paths)
{
    paths->silent = true;
}

void pk_paths_scope_set(pk_paths *paths, const pk_scope *scope)
{
    paths->scope = scope;
}

bool pk_paths_by_router(pk_paths *paths, pk_bytes address)
{
    const pk_paths_use use = paths->use; /* this is no part of a build */
    pk_ip ip;
    const pk_route *route = ip_of(address, &ip) ? route_to(paths, &ip) : NULL;
    paths->use = use;
    return route && route->gateway.family;
}

void pk_paths_leave_by(pk_paths *paths, uint32_t index)
{
    paths->leaves_by = index;
}

pk_env pk_paths_env(pk_paths *paths)
{
    return (pk_env){.source_address = env_source_address,
                    .source_mac = env_source_mac,
                    .nexthop_mac = env_nexthop_mac,
                    .way = env_way,
                    .context = paths};
}
