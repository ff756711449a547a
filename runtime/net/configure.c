#include "net/configure.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/request.h"

#define MAC_LEN         6u
#define SYSCTL_PATH_MAX 256u

static void add_veth_end(pk_request *request, const pk_veth_end *end, uint32_t mtu)
{
    pk_request_add_text(request, IFLA_IFNAME, end->name);
    if (end->mac)
        pk_request_add(request, IFLA_ADDRESS, end->mac, MAC_LEN);
    if (mtu)
        pk_request_add_u32(request, IFLA_MTU, mtu);
    if (end->namespace_fd >= 0)
        pk_request_add_u32(request, IFLA_NET_NS_FD, (uint32_t)end->namespace_fd);
}

int pk_veth_create(pk_netlink *netlink, const pk_veth_end *a, const pk_veth_end *b, uint32_t mtu,
                   pk_error *reterr_)
{
    pk_request request;
    struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
    pk_request_begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof info);
    add_veth_end(&request, a, mtu);
    size_t link_info = pk_request_nest(&request, IFLA_LINKINFO);
    pk_request_add_text(&request, IFLA_INFO_KIND, "veth");
    size_t data = pk_request_nest(&request, IFLA_INFO_DATA);
    size_t peer = pk_request_nest(&request, VETH_INFO_PEER);
    pk_request_put(&request, &info, sizeof info);
    add_veth_end(&request, b, mtu);
    pk_request_nest_end(&request, peer);
    pk_request_nest_end(&request, data);
    pk_request_nest_end(&request, link_info);
    return pk_netlink_ask(netlink, &request, NULL, NULL, reterr_,
                          "cannot make the virtual link %s - %s", a->name, b->name);
}

int pk_link_delete(pk_netlink *netlink, uint32_t index, pk_error *reterr_)
{
    pk_request request;
    struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index};
    pk_request_begin(&request, RTM_DELLINK, 0, &info, sizeof info);
    return pk_netlink_ask(netlink, &request, NULL, NULL, reterr_, "cannot remove link %u", index);
}

int pk_link_set_up(pk_netlink *netlink, uint32_t index, bool up, pk_error *reterr_)
{
    pk_request request;
    struct ifinfomsg info = {
        .ifi_family = AF_UNSPEC,
        .ifi_index = (int)index,
        .ifi_flags = up ? IFF_UP : 0,
        .ifi_change = IFF_UP,
    };
    pk_request_begin(&request, RTM_NEWLINK, 0, &info, sizeof info);
    return pk_netlink_ask(netlink, &request, NULL, NULL, reterr_, "cannot set link %u %s", index,
                          up ? "up" : "down");
}

/* One attribute of an existing link. */
static int change_link(pk_netlink *netlink, uint32_t index, uint16_t type, const void *value,
                       size_t len, const char *what, pk_error *reterr_)
{
    pk_request request;
    struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index};
    pk_request_begin(&request, RTM_NEWLINK, 0, &info, sizeof info);
    pk_request_add(&request, type, value, len);
    return pk_netlink_ask(netlink, &request, NULL, NULL, reterr_, "cannot set the %s of link %u",
                          what, index);
}

int pk_link_set_mtu(pk_netlink *netlink, uint32_t index, uint32_t mtu, pk_error *reterr_)
{
    return change_link(netlink, index, IFLA_MTU, &mtu, sizeof mtu, "MTU", reterr_);
}

int pk_link_set_mac(pk_netlink *netlink, uint32_t index, const uint8_t mac[6], pk_error *reterr_)
{
    return change_link(netlink, index, IFLA_ADDRESS, mac, MAC_LEN, "address", reterr_);
}

int pk_link_set_namespace(pk_netlink *netlink, uint32_t index, int namespace_fd, pk_error *reterr_)
{
    return change_link(netlink, index, IFLA_NET_NS_FD, &namespace_fd, sizeof namespace_fd,
                       "namespace", reterr_);
}

int pk_link_offloads_off(pk_netlink *netlink, const char *name, pk_error *reterr_)
{
    /* Checksums last but one: segmentation rests on them. */
    static const uint32_t commands[] = {ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO, ETHTOOL_STXCSUM,
                                        ETHTOOL_SRXCSUM};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct ethtool_value value = {.cmd = commands[i], .data = 0};
        struct ifreq request = {0};
        (void)snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
        request.ifr_data = (void *)&value;
        bool needed = commands[i] == ETHTOOL_STXCSUM;
        if (ioctl(pk_netlink_fd(netlink), SIOCETHTOOL, &request) < 0 && needed)
            return pk_error_sys(reterr_, errno, "cannot turn off checksum offload of %s", name);
    }
    return PK_OK;
}

static int forgive_existing(int code, const pk_error *err)
{
    return code < 0 && err->sys_errno == EEXIST ? PK_OK : code;
}

/* Hands on an error that was not forgiven. */
static int settle(int code, const pk_error *err, pk_error *reterr_)
{
    code = forgive_existing(code, err);
    if (code < 0 && reterr_)
        *reterr_ = *err;
    return code;
}

int pk_address_add(pk_netlink *netlink, uint32_t index, const pk_ip *ip, uint8_t prefix,
                   pk_error *reterr_)
{
    pk_request request;
    pk_error err = {0};
    char text[PK_IP_TEXT_MAX];
    struct ifaddrmsg info = {
        .ifa_family = ip->family,
        .ifa_prefixlen = prefix,
        .ifa_flags = ip->family == AF_INET6 ? IFA_F_NODAD : 0,
        .ifa_index = index,
    };
    pk_request_begin(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof info);
    pk_request_add_ip(&request, IFA_LOCAL, ip);
    pk_request_add_ip(&request, IFA_ADDRESS, ip);
    int code = pk_netlink_ask(netlink, &request, NULL, NULL, &err, "cannot add address %s/%u",
                              pk_ip_text(ip, text), prefix);
    return settle(code, &err, reterr_);
}

int pk_route_add(pk_netlink *netlink, const pk_route_entry *route, pk_error *reterr_)
{
    pk_request request;
    pk_error err = {0};
    char text[PK_IP_TEXT_MAX];
    uint8_t type = route->type ? route->type : RTN_UNICAST;
    uint32_t table = route->table ? route->table : RT_TABLE_MAIN;
    bool on_link = !route->gateway.family && type == RTN_UNICAST;
    struct rtmsg info = {
        .rtm_family = route->family,
        .rtm_dst_len = route->prefix,
        .rtm_table = (uint8_t)(table < 256 ? table : RT_TABLE_UNSPEC),
        .rtm_protocol = RTPROT_STATIC,
        .rtm_scope = RT_SCOPE_UNIVERSE,
        .rtm_type = type,
    };
    if (route->family == AF_INET && (on_link || type == RTN_LOCAL))
        info.rtm_scope = type == RTN_LOCAL ? RT_SCOPE_HOST : RT_SCOPE_LINK;
    pk_request_begin(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof info);
    pk_request_add_u32(&request, RTA_TABLE, table);
    if (route->destination.family)
        pk_request_add_ip(&request, RTA_DST, &route->destination);
    if (route->gateway.family)
        pk_request_add_ip(&request, RTA_GATEWAY, &route->gateway);
    if (route->source.family)
        pk_request_add_ip(&request, RTA_PREFSRC, &route->source);
    if (route->out)
        pk_request_add_u32(&request, RTA_OIF, route->out);
    int code = pk_netlink_ask(netlink, &request, NULL, NULL, &err, "cannot add a route to %s/%u",
                              route->destination.family ? pk_ip_text(&route->destination, text)
                                                        : "default",
                              route->prefix);
    return settle(code, &err, reterr_);
}

static int change_rule(pk_netlink *netlink, uint16_t type, uint16_t flags, const pk_rule *rule,
                       pk_error *reterr_)
{
    pk_request request;
    struct fib_rule_hdr header = {
        .family = rule->family,
        .table = (uint8_t)(rule->table < 256 ? rule->table : RT_TABLE_UNSPEC),
        .action = FR_ACT_TO_TBL,
    };
    pk_request_begin(&request, type, flags, &header, sizeof header);
    pk_request_add_u32(&request, FRA_PRIORITY, rule->priority);
    pk_request_add_u32(&request, FRA_TABLE, rule->table);
    if (rule->in_interface)
        pk_request_add_text(&request, FRA_IIFNAME, rule->in_interface);
    return pk_netlink_ask(netlink, &request, NULL, NULL, reterr_,
                          "cannot change the routing rule %u", rule->priority);
}

int pk_rule_add(pk_netlink *netlink, const pk_rule *rule, pk_error *reterr_)
{
    return change_rule(netlink, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule, reterr_);
}

int pk_rule_delete(pk_netlink *netlink, const pk_rule *rule, pk_error *reterr_)
{
    return change_rule(netlink, RTM_DELRULE, 0, rule, reterr_);
}

int pk_neighbour_add(pk_netlink *netlink, uint32_t index, const pk_ip *ip, const uint8_t mac[6],
                     pk_error *reterr_)
{
    pk_request request;
    char text[PK_IP_TEXT_MAX];
    struct ndmsg info = {
        .ndm_family = ip->family,
        .ndm_ifindex = (int)index,
        .ndm_state = NUD_PERMANENT,
    };
    pk_request_begin(&request, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof info);
    pk_request_add_ip(&request, NDA_DST, ip);
    pk_request_add(&request, NDA_LLADDR, mac, MAC_LEN);
    return pk_netlink_ask(netlink, &request, NULL, NULL, reterr_, "cannot fix the neighbour %s",
                          pk_ip_text(ip, text));
}

int pk_sysctl_write(const char *name, const char *value, pk_error *reterr_)
{
    char path[SYSCTL_PATH_MAX];
    if (snprintf(path, sizeof path, "/proc/sys/%s", name) >= (int)sizeof path)
        return pk_error_set(reterr_, PK_ELIMIT, "a sysctl name of %zu bytes (limit %u)",
                            strlen(name), SYSCTL_PATH_MAX);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return pk_error_sys(reterr_, errno, "cannot set %s", name);
    ssize_t done = write(fd, value, strlen(value));
    int sys_errno = errno;
    (void)close(fd);
    return done < 0 ? pk_error_sys(reterr_, sys_errno, "cannot set %s to %s", name, value) : PK_OK;
}
