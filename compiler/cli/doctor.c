/* `pktc doctor`: what this machine lets pktc do, and the command that lets it do the rest. */
#include <linux/capability.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/escape.h"
#include "cli.h"
#include "filter.h"
#include "net/lab.h"
#include "net/route.h"
#include "probe_stub.h"

static bool has_capability(unsigned capability)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    return syscall(SYS_capget, &header, data) == 0 &&
           data[capability / 32].effective & 1u << capability % 32;
}

static void add_program(pk_buf *out)
{
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path);
    if (len > 0)
        pk_escape_terminal(out, path, (size_t)len);
    else
        pk_buf_text(out, "pktc");
}

static bool look_at_privileges(pk_buf *out)
{
    bool raw = has_capability(CAP_NET_RAW), admin = has_capability(CAP_NET_ADMIN);
    pk_buf_text(out, "sending and receiving: ");
    if (raw) {
        pk_buf_text(out, "yes\n");
    } else {
        pk_buf_text(out, "no, CAP_NET_RAW is missing: sudo setcap cap_net_raw+ep ");
        add_program(out);
        pk_buf_byte(out, '\n');
    }
    pk_buf_text(out, admin ? "link addresses of neighbours: asked for by the kernel\n"
                           : "link addresses of neighbours: asked for by pktc (the kernel asks for "
                             "who has CAP_NET_ADMIN)\n");
    return raw;
}

/* In a process of its own, since the lab takes the process along. Writes what is wrong. */
static void try_lab(int fd)
{
    pk_lab *lab;
    pk_error error = {0};
    const char *text = pk_lab_open(&lab, NULL, &error) ? error.text : pk_lab_warning(lab);
    (void)!write(fd, text, strlen(text));
    _exit(error.code != 0);
}

static void look_at_lab(pk_buf *out)
{
    int ends[2], status = -1;
    char text[PK_ERROR_TEXT_MAX];
    pid_t child = -1;
    if (pipe(ends) == 0) {
        child = fork();
        if (child == 0)
            try_lab(ends[1]);
        (void)close(ends[1]);
    }
    ssize_t len = child > 0 ? read(ends[0], text, sizeof text) : 0;
    if (child > 0) {
        (void)waitpid(child, &status, 0);
        (void)close(ends[0]);
    }
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    pk_buf_printf(out, "private network (--lab): %s%s", good ? "yes" : "no", len > 0 ? ", " : "");
    pk_escape_terminal(out, text, len > 0 ? (size_t)len : 0);
    pk_buf_byte(out, '\n');
}

/* ---- interfaces and routes ------------------------------------------------------------------ */

static void add_addresses(pk_buf *out, uint32_t index, const pk_link_address *addresses,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char text[PK_IP_TEXT_MAX];
        if (addresses[i].index == index)
            pk_buf_printf(out, "  %s/%u", pk_ip_text(&addresses[i].ip, text), addresses[i].prefix);
    }
    pk_buf_byte(out, '\n');
}

static void look_at_interfaces(pk_buf *out, pk_netlink *netlink)
{
    pk_link *links = NULL;
    pk_link_address *addresses = NULL;
    size_t n_links = 0, n_addresses = 0;
    pk_error error = {0};
    if (pk_link_list(netlink, &links, &n_links, &error) ||
        pk_link_addresses(netlink, &addresses, &n_addresses, &error))
        pk_buf_printf(out, "interfaces: %s\n", error.text);
    for (size_t i = 0; i < n_links; i++) {
        const pk_link *link = &links[i];
        pk_buf_printf(out, "interface %s: %s%s, link type ", link->name, link->up ? "up" : "down",
                      link->up && !link->running ? " without carrier" : "");
        if (link->linktype == PK_LINKTYPE_NONE)
            pk_buf_printf(out, "unknown (ARPHRD %u)", link->arphrd);
        else
            pk_buf_printf(out, "%u", link->linktype);
        pk_buf_printf(out, ", MTU %u", link->mtu);
        add_addresses(out, link->index, addresses, n_addresses);
    }
    free(links);
    free(addresses);
}

static void look_at_route(pk_buf *out, pk_netlink *netlink, const char *version,
                          const char *address)
{
    pk_route_query query = {0};
    pk_route route;
    pk_link link;
    char text[PK_IP_TEXT_MAX];
    pk_error error;
    bool found = pk_ip_parse(&query.destination, address) &&
                 pk_route_lookup(netlink, &query, &route, &error) == PK_OK &&
                 pk_link_by_index(netlink, route.out, &link, &error) == PK_OK;
    pk_buf_printf(out, "route of %s to everywhere: ", version);
    if (found)
        pk_buf_printf(out, "by %s, from %s\n", link.name, pk_ip_text(&route.source, text));
    else
        pk_buf_text(out, "none\n");
}

int pk_cli_doctor(pk_cli *cli)
{
    pk_buf *out = &cli->out;
    pk_netlink *netlink;
    pk_error error;
    pk_buf_printf(out, "pktc %s, %s\n", PKTC_VERSION, pk_filter_library());
    bool raw = look_at_privileges(out);
    look_at_lab(out);
    pk_buf_printf(out, "standalone probes (build): yes, %zu bytes and the description\n",
                  pk_probe_stub_size);
    if (pk_netlink_open(&netlink, &error))
        return pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "%s", error.text);
    look_at_interfaces(out, netlink);
    /* Addresses of root servers: as far away as any. */
    look_at_route(out, netlink, "IPv4", "198.41.0.4");
    look_at_route(out, netlink, "IPv6", "2001:503:ba3e::2:30");
    pk_netlink_close(netlink);
    return raw ? 0 : PK_EXIT_ENVIRONMENT;
}
