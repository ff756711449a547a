#include "net/lab_node.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SIOCGSKNS
#define SIOCGSKNS 0x894C
#endif

#define PREFIX_IPV4       30u
#define PREFIX_IPV6       126u
#define PREFIX_LINK_LOCAL 64u
#define ANSWER_TABLE      100u
#define RULE_PRIORITY     10u
#define ROLE(role)        (1u << (role))
#define ROLES_ALL         (ROLE(PK_LAB_NEAR) | ROLE(PK_LAB_ROUTER) | ROLE(PK_LAB_FAR))
#define ROLES_ANSWER      (ROLE(PK_LAB_ROUTER) | ROLE(PK_LAB_FAR))
#define LOOPBACK_INDEX    1u

typedef struct setting {
    uint32_t roles;
    const char *name;
    const char *value;
    const char *loss; /* what is missing without it; NULL: nothing to speak of */
} setting;

/* Links made afterwards take what conf/default says. Forwarding first: it resets others. */
static const setting settings[] = {
    {ROLE(PK_LAB_ROUTER), "net/ipv4/ip_forward", "1", "routers do not forward"},
    {ROLE(PK_LAB_ROUTER), "net/ipv6/conf/all/forwarding", "1", "routers do not forward IPv6"},
    {ROLES_ALL, "net/ipv4/conf/all/rp_filter", "0", "forged sources may go unanswered"},
    {ROLES_ALL, "net/ipv4/conf/default/rp_filter", "0", "forged sources may go unanswered"},
    {ROLES_ALL, "net/ipv4/conf/all/accept_local", "1", NULL},
    {ROLES_ALL, "net/ipv4/conf/default/accept_local", "1", NULL},
    {ROLES_ALL, "net/ipv4/conf/all/route_localnet", "1", NULL},
    {ROLES_ALL, "net/ipv4/conf/default/route_localnet", "1", NULL},
    {ROLE(PK_LAB_ROUTER), "net/ipv4/conf/default/proxy_arp", "1", NULL},
    {ROLE(PK_LAB_ROUTER), "net/ipv4/neigh/default/proxy_delay", "0", NULL},
    {ROLES_ANSWER, "net/ipv4/icmp_ratelimit", "0", "ICMP errors are rationed"},
    {ROLES_ANSWER, "net/ipv4/icmp_ratemask", "0", "ICMP errors are rationed"},
    {ROLES_ANSWER, "net/ipv4/icmp_echo_ignore_all", "0", NULL},
    {ROLES_ANSWER, "net/ipv6/icmp/ratelimit", "0", "ICMPv6 errors are rationed"},
    {ROLES_ANSWER, "net/ipv6/icmp/ratemask", "", NULL},
    {ROLES_ANSWER, "net/ipv4/icmp_msgs_per_sec", "1000000", NULL},
    {ROLES_ANSWER, "net/ipv4/icmp_msgs_burst", "100000", NULL},
    {ROLE(PK_LAB_FAR), "net/ipv4/tcp_max_tw_buckets", "0", NULL},
    {ROLE(PK_LAB_FAR), "net/ipv4/tcp_max_syn_backlog", "65536", NULL},
    {ROLE(PK_LAB_FAR), "net/ipv4/tcp_invalid_ratelimit", "0", NULL},
    {ROLE(PK_LAB_FAR), "net/ipv4/tcp_challenge_ack_limit", "2147483647", NULL},
    {ROLE(PK_LAB_FAR), "net/core/somaxconn", "65535", NULL},
    {ROLES_ALL, "net/ipv4/igmp_link_local_mcast_reports", "0", NULL},
    {ROLES_ALL, "net/ipv6/conf/default/disable_ipv6", "0", NULL},
    {ROLES_ALL, "net/ipv6/conf/default/accept_ra", "0", NULL},
    {ROLES_ALL, "net/ipv6/conf/default/autoconf", "0", NULL},
    {ROLES_ALL, "net/ipv6/conf/default/dad_transmits", "0", NULL},
    {ROLES_ALL, "net/ipv6/conf/default/accept_dad", "0", NULL},
    {ROLES_ALL, "net/ipv6/conf/default/router_solicitations", "0", NULL},
    {ROLES_ALL, "net/ipv6/conf/default/addr_gen_mode", "1", NULL},
};

static void note(pk_lab_notes *notes, const char *loss, const char *why)
{
    size_t used = strlen(notes->text);
    if (strstr(notes->text, loss))
        return;
    (void)snprintf(notes->text + used, sizeof notes->text - used, "%s%s (%s)", used ? "; " : "",
                   loss, why);
}

static void apply_settings(pk_lab_role role, pk_lab_notes *notes)
{
    pk_error err;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        const setting *s = &settings[i];
        if (s->roles & ROLE(role) && pk_sysctl_write(s->name, s->value, &err) < 0 && s->loss)
            note(notes, s->loss, err.text);
    }
}

pk_ip pk_lab_ip(int family, uint32_t link, uint32_t side)
{
    uint8_t third = (uint8_t)link;
    uint8_t host = (uint8_t)(side + 1);
    if (family == AF_INET)
        return (pk_ip){AF_INET, {198, 18, third, host}};
    return (pk_ip){AF_INET6, {0x20, 0x01, 0, 2, 0, 0, 0, third, [15] = host}};
}

static pk_ip link_local(uint32_t side)
{
    return (pk_ip){AF_INET6, {0xfe, 0x80, [15] = (uint8_t)(side + 1)}};
}

void pk_lab_mac(uint32_t link, uint32_t side, uint8_t ret_mac[6])
{
    const uint8_t mac[6] = {0x02, 0x00, 0xc6, 0x12, (uint8_t)link, (uint8_t)(side + 1)};
    memcpy(ret_mac, mac, sizeof mac);
}

int pk_lab_node_create(pk_lab_node *ret_node, pk_lab_role role, uint32_t place, pk_lab_notes *notes,
                       pk_error *reterr_)
{
    pk_lab_node node = {.namespace_fd = -1, .role = role, .place = place};
    if (unshare(CLONE_NEWNET) < 0)
        return pk_error_sys(reterr_, errno, "cannot make a network namespace");
    int code = pk_netlink_open(&node.netlink, reterr_);
    if (code < 0)
        return code;
    node.namespace_fd = ioctl(pk_netlink_fd(node.netlink), SIOCGSKNS);
    if (node.namespace_fd < 0) {
        code = pk_error_sys(reterr_, errno, "cannot hold a network namespace");
        pk_lab_node_close(&node);
        return code;
    }
    apply_settings(role, notes);
    *ret_node = node;
    return PK_OK;
}

static const char *right_name(const pk_lab_node *node)
{
    return node->role == PK_LAB_NEAR ? "lab0" : PK_LAB_RIGHT;
}

int pk_lab_node_join(const pk_lab_node *left, const pk_lab_node *right, uint32_t mtu,
                     pk_error *reterr_)
{
    uint8_t left_mac[6];
    uint8_t right_mac[6];
    pk_lab_mac(left->place, 0, left_mac);
    pk_lab_mac(left->place, 1, right_mac);
    pk_veth_end a = {right_name(left), left_mac, -1};
    pk_veth_end b = {PK_LAB_LEFT, right_mac, right->namespace_fd};
    int code = pk_veth_create(left->netlink, &a, &b, mtu, reterr_);
    if (code == PK_OK)
        code = pk_link_offloads_off(left->netlink, a.name, reterr_);
    if (code == PK_OK)
        code = pk_link_offloads_off(right->netlink, b.name, reterr_);
    return code;
}

/* One family's address and the fixed entry of the neighbour at the other end of the link. */
static int address_end(const pk_lab_node *node, int family, uint32_t index, uint32_t link,
                       uint32_t side, pk_error *reterr_)
{
    uint8_t mac[6];
    pk_ip own = pk_lab_ip(family, link, side);
    pk_ip other = pk_lab_ip(family, link, 1 - side);
    pk_lab_mac(link, 1 - side, mac);
    uint8_t prefix = family == AF_INET ? PREFIX_IPV4 : PREFIX_IPV6;
    int code = pk_address_add(node->netlink, index, &own, prefix, reterr_);
    if (code == PK_OK)
        code = pk_neighbour_add(node->netlink, index, &other, mac, reterr_);
    if (code < 0 || family == AF_INET)
        return code;
    /* A link-local address beside it: what speaks to ff02:: or solicits needs one. */
    own = link_local(side);
    other = link_local(1 - side);
    code = pk_address_add(node->netlink, index, &own, PREFIX_LINK_LOCAL, reterr_);
    return code < 0 ? code : pk_neighbour_add(node->netlink, index, &other, mac, reterr_);
}

/* A kernel without IPv6 makes a lab without it. */
static int bring_up(const pk_lab_node *node, const char *name, uint32_t link, uint32_t side,
                    uint32_t *ret_index, pk_lab_notes *notes, pk_error *reterr_)
{
    pk_link found;
    pk_error err;
    int code = pk_link_by_name(node->netlink, name, &found, reterr_);
    if (code == PK_OK)
        code = pk_link_set_up(node->netlink, found.index, true, reterr_);
    if (code == PK_OK)
        code = address_end(node, AF_INET, found.index, link, side, reterr_);
    if (code < 0)
        return code;
    if (!notes->no_ipv6 && address_end(node, AF_INET6, found.index, link, side, &err) < 0) {
        notes->no_ipv6 = true;
        note(notes, "no IPv6", err.text);
    }
    *ret_index = found.index;
    return PK_OK;
}

static int add_default(const pk_lab_node *node, int family, uint32_t table, uint32_t out,
                       pk_ip gateway, pk_error *reterr_)
{
    pk_route_entry route = {
        .family = (uint8_t)family, .gateway = gateway, .out = out, .table = table};
    return pk_route_add(node->netlink, &route, reterr_);
}

static int rule_for_incoming(const pk_lab_node *node, int family, uint32_t table, pk_error *reterr_)
{
    pk_rule rule = {(uint8_t)family, RULE_PRIORITY, PK_LAB_LEFT, table};
    return pk_rule_add(node->netlink, &rule, reterr_);
}

/* What comes from the left goes on to the right, everything else back to the left. */
static int route_through(const pk_lab_node *node, int family, uint32_t left, uint32_t right,
                         pk_error *reterr_)
{
    pk_ip back = pk_lab_ip(family, node->place - 1, 0);
    pk_ip on = pk_lab_ip(family, node->place, 1);
    int code = add_default(node, family, 0, left, back, reterr_);
    if (code == PK_OK)
        code = add_default(node, family, ANSWER_TABLE, right, on, reterr_);
    if (code == PK_OK)
        code = rule_for_incoming(node, family, ANSWER_TABLE, reterr_);
    return code;
}

/*
 * The far end takes every destination for its own, and only what comes in by the link: a rule leads
 * it to a table that says `local default`. For IPv4 this must be the table `local` itself, because
 * a source address counts as ours, and may be answered from, only when that table says so; the rule
 * that sends everything there first then has to go, or the answers would stay here, too.
 */
static int answer_for_all(const pk_lab_node *node, int family, uint32_t left, pk_error *reterr_)
{
    pk_ip back = pk_lab_ip(family, node->place - 1, 0);
    uint32_t table = family == AF_INET ? RT_TABLE_LOCAL : ANSWER_TABLE;
    pk_route_entry all = {
        .family = (uint8_t)family, .out = LOOPBACK_INDEX, .table = table, .type = RTN_LOCAL};
    int code = add_default(node, family, 0, left, back, reterr_);
    if (code == PK_OK)
        code = rule_for_incoming(node, family, table, reterr_);
    if (code == PK_OK && family == AF_INET) {
        pk_rule first = {AF_INET, 0, NULL, RT_TABLE_LOCAL};
        code = pk_rule_delete(node->netlink, &first, reterr_);
    }
    return code < 0 ? code : pk_route_add(node->netlink, &all, reterr_);
}

static int route_family(const pk_lab_node *node, int family, uint32_t left, uint32_t right,
                        pk_error *reterr_)
{
    switch (node->role) {
    case PK_LAB_NEAR:
        return add_default(node, family, 0, right, pk_lab_ip(family, 0, 1), reterr_);
    case PK_LAB_ROUTER:
        return route_through(node, family, left, right, reterr_);
    case PK_LAB_FAR:
        return answer_for_all(node, family, left, reterr_);
    }
    return PK_OK;
}

int pk_lab_node_configure(const pk_lab_node *node, pk_lab_notes *notes, pk_error *reterr_)
{
    uint32_t left = 0;
    uint32_t right = 0;
    int code = pk_link_set_up(node->netlink, LOOPBACK_INDEX, true, reterr_);
    if (code == PK_OK && node->role != PK_LAB_NEAR)
        code = bring_up(node, PK_LAB_LEFT, node->place - 1, 1, &left, notes, reterr_);
    if (code == PK_OK && node->role != PK_LAB_FAR)
        code = bring_up(node, right_name(node), node->place, 0, &right, notes, reterr_);
    if (code == PK_OK)
        code = route_family(node, AF_INET, left, right, reterr_);
    if (code == PK_OK && !notes->no_ipv6)
        code = route_family(node, AF_INET6, left, right, reterr_);
    return code;
}

void pk_lab_node_close(pk_lab_node *node)
{
    pk_netlink_close(node->netlink);
    node->netlink = NULL;
    if (node->namespace_fd >= 0)
        (void)close(node->namespace_fd);
    node->namespace_fd = -1;
}
