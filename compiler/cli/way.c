/* `pktc explain --route`: which way packets to an address would go, and why not. */
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "base/literal.h"
#include "cli.h"
#include "net/route.h"

static const char *kind_of(uint8_t type)
{
    switch (type) {
    case RTN_UNICAST:
        return "unicast";
    case RTN_LOCAL:
        return "local";
    case RTN_BROADCAST:
        return "broadcast";
    case RTN_MULTICAST:
        return "multicast";
    case RTN_ANYCAST:
        return "anycast";
    default:
        return "other";
    }
}

static void add_hop(pk_buf *out, pk_netlink *netlink, const pk_route *route, const pk_link *link)
{
    char text[PK_IP_TEXT_MAX];
    pk_neighbour neighbour;
    pk_buf_printf(out, "next hop: %s, %s", pk_ip_text(&route->next_hop, text),
                  route->gateway.family ? "a router" : "itself, on the link");
    if (link->linktype != PK_LINKTYPE_ETHERNET || link->flags & (IFF_LOOPBACK | IFF_NOARP)) {
        pk_buf_text(out, "; the link has no addresses to ask for\n");
    } else if (pk_neighbour_lookup(netlink, link->index, &route->next_hop, &neighbour, NULL)) {
        pk_buf_text(out, "; its link address is not known yet and would be asked for\n");
    } else {
        pk_buf_text(out, ", link address ");
        pk_literal_add_mac(out, neighbour.address);
        pk_buf_byte(out, '\n');
    }
}

/* What a run would do with the address, unless told otherwise. */
static int add_scope(pk_cli *cli, const pk_ip *ip, const pk_route *route)
{
    const char *why = NULL;
    pk_error error;
    pk_scope *scope = pk_scope_new();
    if (!scope)
        return pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "memory is exhausted");
    int code = access(PK_FRONT_EXCLUSIONS, F_OK)
                   ? PK_OK
                   : pk_scope_add_file(scope, PK_SCOPE_EXCLUDED, PK_FRONT_EXCLUSIONS, &error);
    pk_scope_settle(scope);
    pk_scope_verdict verdict = pk_scope_judge(scope, (pk_bytes){ip->bytes, pk_ip_len(ip)}, &why);
    pk_scope_free(scope);
    if (code)
        return pk_cli_fail(cli, PK_EXIT_USAGE, "%s", error.text);
    if (verdict == PK_SCOPE_REFUSED)
        pk_buf_text(&cli->out, "not sent to: listed in " PK_FRONT_EXCLUSIONS "\n");
    else if (verdict == PK_SCOPE_SPECIAL && route->gateway.family)
        pk_buf_printf(&cli->out,
                      "not sent to without --allow: of special purpose (%s), and behind a router\n",
                      why);
    else if (verdict == PK_SCOPE_SPECIAL)
        pk_buf_printf(&cli->out, "sent to: of special purpose (%s), but not behind a router\n",
                      why);
    else
        pk_buf_text(&cli->out, "sent to\n");
    return 0;
}

static int explain(pk_cli *cli, pk_netlink *netlink, const pk_ip *ip)
{
    pk_buf *out = &cli->out;
    pk_route_query query = {.destination = *ip};
    pk_route route;
    pk_link link;
    pk_error error;
    char text[PK_IP_TEXT_MAX];
    if (pk_route_lookup(netlink, &query, &route, &error) ||
        pk_link_by_index(netlink, route.out, &link, &error))
        return pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "%s", error.text);
    pk_buf_printf(out, "%s: %s route by %s, %s, MTU %u\n", pk_ip_text(ip, text),
                  kind_of(route.type), link.name, link.up ? "up" : "down",
                  route.mtu ? route.mtu : link.mtu);
    pk_buf_printf(out, "own address: %s", pk_ip_text(&route.source, text));
    if (link.address_len == 6) {
        pk_buf_text(out, ", link address ");
        pk_literal_add_mac(out, link.address);
    }
    pk_buf_byte(out, '\n');
    add_hop(out, netlink, &route, &link);
    return add_scope(cli, ip, &route);
}

int pk_cli_explain_route(pk_cli *cli)
{
    const char *address = cli->value[PK_OPT_ROUTE];
    pk_netlink *netlink;
    pk_ip ip;
    pk_error error;
    if (!pk_ip_parse(&ip, address))
        return pk_cli_fail(cli, PK_EXIT_USAGE,
                           "`--route %s`: expected an address: 192.0.2.1, 2001:db8::1", address);
    if (pk_netlink_open(&netlink, &error))
        return pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "%s", error.text);
    int status = explain(cli, netlink, &ip);
    pk_netlink_close(netlink);
    return status;
}
