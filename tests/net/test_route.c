/* Routes, links and neighbours are what the kernel would choose, and failures say why. */
#include "net/route.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/check.h"
#include "lab_fixture.h"
#include "net/configure.h"

static const uint8_t mac_near[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t mac_far[6] = {2, 0, 0, 0, 0, 2};

typedef struct bench {
    pk_netlink *near;
    pk_link link;
} bench;

static void must(int code, const pk_error *err)
{
    if (code < 0) {
        fprintf(stderr, "cannot set up: %s\n", err->text);
        exit(1);
    }
}

/* Link-local addresses are usable at once: without one the kernel cannot solicit. */
static void enter_namespace(void)
{
    pk_error err;
    if (unshare(CLONE_NEWNET) < 0)
        exit(1);
    must(pk_sysctl_write("net/ipv6/conf/default/accept_dad", "0", &err), &err);
}

/* near (a0, 10.1.0.1/24, fd00:1::1/64) - far (b0, .2, ::2), without fixed neighbours. */
static bench set_up(void)
{
    pk_error err;
    bench b;
    pk_netlink *far;
    pk_link peer;
    fixture lab = fixture_open(0); /* for the right to make namespaces, wherever it comes from */
    fixture_close(&lab);
    enter_namespace();
    must(pk_netlink_open(&far, &err), &err);
    int far_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    enter_namespace();
    must(pk_netlink_open(&b.near, &err), &err);
    pk_veth_end a_end = {"a0", mac_near, -1};
    pk_veth_end b_end = {"b0", mac_far, far_fd};
    must(pk_veth_create(b.near, &a_end, &b_end, 1400, &err), &err);
    must(pk_link_by_name(b.near, "a0", &b.link, &err), &err);
    must(pk_link_by_name(far, "b0", &peer, &err), &err);
    pk_ip near4 = ip_of("10.1.0.1");
    pk_ip near6 = ip_of("fd00:1::1");
    pk_ip far4 = ip_of("10.1.0.2");
    pk_ip far6 = ip_of("fd00:1::2");
    must(pk_link_set_up(b.near, 1, true, &err), &err);
    must(pk_link_set_up(b.near, b.link.index, true, &err), &err);
    must(pk_link_set_up(far, peer.index, true, &err), &err);
    must(pk_address_add(b.near, b.link.index, &near4, 24, &err), &err);
    must(pk_address_add(b.near, b.link.index, &near6, 64, &err), &err);
    must(pk_address_add(far, peer.index, &far4, 24, &err), &err);
    must(pk_address_add(far, peer.index, &far6, 64, &err), &err);
    must(pk_address_add(far, peer.index, &far6, 64, &err), &err); /* twice is no error */
    pk_ip other4 = ip_of("10.1.0.3");
    pk_ip other6 = ip_of("fd00:1::3");
    must(pk_address_add(far, peer.index, &other4, 24, &err), &err);
    must(pk_address_add(far, peer.index, &other6, 64, &err), &err);
    pk_route_entry route = {.family = AF_INET,
                            .destination = ip_of("192.0.2.0"),
                            .prefix = 24,
                            .gateway = far4,
                            .out = b.link.index};
    must(pk_route_add(b.near, &route, &err), &err);
    route = (pk_route_entry){.family = AF_INET,
                             .destination = ip_of("203.0.113.0"),
                             .prefix = 24,
                             .type = RTN_UNREACHABLE};
    must(pk_route_add(b.near, &route, &err), &err);
    pk_netlink_close(far); /* far_fd holds the namespace itself to the end */
    return b;
}

static void check_link(bench *b)
{
    pk_error err;
    pk_link link;
    CHECK_INT(pk_link_by_name(b->near, "a0", &link, &err), PK_OK);
    CHECK_TEXT(link.name, "a0");
    CHECK_TEXT(link.kind, "veth");
    CHECK_INT(link.mtu, 1400);
    CHECK_INT(link.arphrd, 1);
    CHECK_INT(link.linktype, PK_LINKTYPE_ETHERNET);
    CHECK(link.up);
    CHECK(memcmp(link.address, mac_near, 6) == 0);
    CHECK_INT(pk_link_by_name(b->near, "eth77", &link, &err), PK_ENOENT);
    CHECK_TEXT(err.text, "no interface \"eth77\"; there are: lo a0");
    CHECK_INT(pk_link_by_name(b->near, "a-name-longer-than-any", &link, &err), PK_ENOENT);
    CHECK_INT(pk_link_by_index(b->near, 9999, &link, &err), PK_ENOENT);
    CHECK_INT(link.mtu, 1400); /* not touched by the failures */
}

static void check_lists(bench *b)
{
    pk_error err;
    pk_link *links;
    pk_link_address *addresses;
    size_t count;
    CHECK_INT(pk_link_list(b->near, &links, &count, &err), PK_OK);
    CHECK_INT(count, 2);
    CHECK_TEXT(links[0].name, "lo");
    CHECK_TEXT(links[1].name, "a0");
    free(links);
    CHECK_INT(pk_link_addresses(b->near, &addresses, &count, &err), PK_OK);
    unsigned found = 0;
    pk_ip near4 = ip_of("10.1.0.1");
    pk_ip near6 = ip_of("fd00:1::1");
    for (size_t i = 0; i < count; i++) {
        found += pk_ip_equal(&addresses[i].ip, &near4) && addresses[i].prefix == 24;
        found += pk_ip_equal(&addresses[i].ip, &near6) && addresses[i].prefix == 64;
    }
    CHECK_INT(found, 2);
    free(addresses);
}

static pk_route look_up(bench *b, const char *destination)
{
    pk_error err;
    pk_route route = {0};
    pk_route_query query = {.destination = ip_of(destination)};
    int code = pk_route_lookup(b->near, &query, &route, &err);
    if (code < 0)
        fprintf(stderr, "%s\n", err.text);
    CHECK_INT(code, PK_OK);
    return route;
}

static void check_routes(bench *b)
{
    char text[PK_IP_TEXT_MAX];
    pk_route route = look_up(b, "10.1.0.77");
    CHECK_INT(route.out, b->link.index);
    CHECK_INT(route.type, RTN_UNICAST);
    CHECK_TEXT(pk_ip_text(&route.source, text), "10.1.0.1");
    CHECK_TEXT(pk_ip_text(&route.gateway, text), "none");
    CHECK_TEXT(pk_ip_text(&route.next_hop, text), "10.1.0.77");
    route = look_up(b, "192.0.2.9");
    CHECK_TEXT(pk_ip_text(&route.gateway, text), "10.1.0.2");
    CHECK_TEXT(pk_ip_text(&route.next_hop, text), "10.1.0.2");
    route = look_up(b, "10.1.0.1");
    CHECK_INT(route.type, RTN_LOCAL);
    CHECK_INT(route.out, 1);
    route = look_up(b, "10.1.0.255");
    CHECK_INT(route.type, RTN_BROADCAST);
    route = look_up(b, "fd00:1::99");
    CHECK_INT(route.out, b->link.index);
    CHECK_TEXT(pk_ip_text(&route.source, text), "fd00:1::1");
}

static void check_no_route(bench *b)
{
    static const char *const nowhere[] = {"8.8.8.8", "2001:db8::1", "203.0.113.5"};
    pk_error err;
    pk_route route;
    for (size_t i = 0; i < 3; i++) {
        char start[80];
        pk_route_query query = {.destination = ip_of(nowhere[i])};
        CHECK_INT(pk_route_lookup(b->near, &query, &route, &err), PK_ENOENT);
        (void)snprintf(start, sizeof start, "no route to %s: ", nowhere[i]);
        CHECK(strncmp(err.text, start, strlen(start)) == 0);
    }
}

static void check_resolved(bench *b, const char *destination, const uint8_t *mac)
{
    pk_error err = {0};
    pk_path path;
    pk_route_query query = {.destination = ip_of(destination)};
    int code = pk_path_resolve(b->near, &query, 2000000000, &path, &err);
    if (code < 0)
        fprintf(stderr, "%s\n", err.text);
    CHECK_INT(code, PK_OK);
    CHECK_INT(path.neighbour.address_len, 6);
    CHECK(memcmp(path.neighbour.address, mac, 6) == 0);
}

static void check_neighbours(bench *b)
{
    pk_error err;
    pk_neighbour neighbour;
    pk_ip far4 = ip_of("10.1.0.2");
    pk_ip absent = ip_of("10.1.0.200");
    CHECK_INT(pk_neighbour_lookup(b->near, b->link.index, &far4, &neighbour, &err), PK_ENOENT);
    check_resolved(b, "192.0.2.9", mac_far); /* by ARP for the gateway */
    CHECK_INT(pk_neighbour_lookup(b->near, b->link.index, &far4, &neighbour, &err), PK_OK);
    check_resolved(b, "fd00:1::2", mac_far); /* by neighbour solicitation */
    check_resolved(b, "10.1.0.255", (const uint8_t[]){255, 255, 255, 255, 255, 255});
    check_resolved(b, "10.1.0.1", (const uint8_t[]){0, 0, 0, 0, 0, 0});
    check_resolved(b, "ff02::1:2", (const uint8_t[]){0x33, 0x33, 0, 1, 0, 2});
    CHECK_INT(pk_neighbour_resolve(b->near, b->link.index, &absent, 200000000, &neighbour, &err),
              PK_ENOENT);
    CHECK_TEXT(err.text, "10.1.0.200 does not answer ARP");
}

/* Leaves the capabilities of a mask (the first 32 of them). */
static void keep_only(uint32_t capabilities)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{capabilities, capabilities, 0}, {0}};
    CHECK(syscall(SYS_capset, &header, data) == 0);
}

/* With the right to send raw frames and no other we ask ourselves; without that we say so. */
static void check_own_questions(bench *b)
{
    pk_error err;
    pk_neighbour neighbour;
    pk_ip other4 = ip_of("10.1.0.3");
    pk_ip other6 = ip_of("fd00:1::3");
    pk_ip absent = ip_of("fd00:1::77");
    keep_only(1u << CAP_NET_RAW);
    check_resolved(b, "10.1.0.3", mac_far);
    check_resolved(b, "fd00:1::3", mac_far);
    CHECK_INT(pk_neighbour_lookup(b->near, b->link.index, &other4, &neighbour, &err), PK_ENOENT);
    CHECK_INT(pk_neighbour_resolve(b->near, b->link.index, &absent, 90000000, &neighbour, &err),
              PK_ENOENT);
    CHECK_TEXT(err.text, "fd00:1::77 does not answer neighbour solicitation");
    keep_only(0);
    CHECK_INT(pk_neighbour_resolve(b->near, b->link.index, &other6, 90000000, &neighbour, &err),
              PK_EPERM);
    check_resolved(b, "10.1.0.2", mac_far); /* still in the cache */
}

int main(void)
{
    bench b = set_up();
    check_link(&b);
    check_lists(&b);
    check_routes(&b);
    check_no_route(&b);
    check_neighbours(&b);
    check_own_questions(&b);
    pk_netlink_close(b.near);
    return check_result();
}
