/* Frames over a packet socket: whole, once, in order, with tags, times and a full account. */
#include "lab_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../base/check.h"
#include "net/configure.h"

#define MARK_TYPE 0x88b5 /* IEEE 802 local experimental Ethertype 1 */

static pk_transport *open_on(const pk_transport_options *options)
{
    pk_transport *transport;
    pk_error err;
    if (pk_transport_open_packet(&transport, options, &err) < 0) {
        fprintf(stderr, "cannot open: %s\n", err.text);
        exit(1);
    }
    return transport;
}

/* A frame of our own type with a number in it. */
static uint32_t build_marked(uint8_t *out, uint32_t number, uint32_t len)
{
    memset(out, 0, len);
    out[0] = 2;
    out[12] = MARK_TYPE >> 8;
    out[13] = MARK_TYPE & 0xff;
    memcpy(out + 14, &number, sizeof number);
    return len;
}

static bool is_marked(const pk_frame *frame, uint32_t *ret_number)
{
    if (frame->captured < 18 || frame->data[12] != MARK_TYPE >> 8 ||
        frame->data[13] != (MARK_TYPE & 0xff))
        return false;
    memcpy(ret_number, frame->data + 14, sizeof *ret_number);
    return true;
}

static void send_marked(pk_transport *transport, uint32_t from, uint32_t count)
{
    pk_error err;
    while (count > 0) {
        pk_slot *slots;
        uint32_t sent;
        uint32_t batch = pk_transport_slots(transport, count, &slots);
        for (uint32_t i = 0; i < batch; i++)
            slots[i].len = build_marked(slots[i].data, from + i, 60);
        if (pk_transport_commit(transport, batch, &sent, &err) < 0)
            fprintf(stderr, "%s\n", err.text);
        CHECK_INT(sent, batch);
        from += batch;
        count -= batch;
    }
}

/* Counts marked frames until a quiet tenth of a second; they must come in order. */
static uint32_t receive_marked(pk_transport *transport, uint32_t at_most_flags)
{
    pk_frame frames[64];
    uint32_t total = 0;
    uint32_t last = 0;
    pk_error err;
    for (uint32_t count = 1; count > 0;) {
        CHECK_INT(pk_transport_receive(transport, 100000000, frames, 64, &count, &err), PK_OK);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t number;
            if (!is_marked(&frames[i], &number))
                continue;
            CHECK(total == 0 || number > last);
            CHECK_INT(frames[i].captured, 60);
            CHECK_INT(frames[i].flags & ~at_most_flags, 0);
            last = number;
            total++;
        }
    }
    return total;
}

static int64_t wall_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* On the loopback each frame comes back exactly once. */
static void check_loopback(void)
{
    pk_transport *transport = open_on(&(pk_transport_options){.interface = "lo"});
    const pk_transport_link *link = pk_transport_link_of(transport);
    CHECK_TEXT(link->name, "lo");
    CHECK_INT(link->arphrd, 772);
    CHECK_INT(link->link, 1);
    CHECK(link->has_ethernet);
    CHECK_INT(link->mtu, 65536);
    send_marked(transport, 0, 3000);
    CHECK_INT(receive_marked(transport, 0), 3000);
    int64_t before = wall_ns();
    send_marked(transport, 7, 1);
    pk_frame frame;
    uint32_t count;
    pk_error err;
    CHECK_INT(pk_transport_receive(transport, 1000000000, &frame, 1, &count, &err), PK_OK);
    CHECK_INT(count, 1);
    CHECK(frame.time_ns >= before && frame.time_ns <= wall_ns());
    pk_transport_stats stats;
    pk_transport_stats_of(transport, &stats);
    CHECK_INT(stats.sent, 3001);
    CHECK_INT(stats.received, 3001);
    CHECK_INT(stats.received_bytes, 3001 * 60);
    CHECK_INT(stats.dropped + stats.failed + stats.cut, 0);
    pk_transport_close(transport);
}

/* Leaving frames are shown only to who asks. */
static void check_outgoing(void)
{
    pk_transport_options asked = {.interface = PK_LAB_INTERFACE, .outgoing = true};
    pk_transport_options plain = {.interface = PK_LAB_INTERFACE};
    pk_transport *curious = open_on(&asked);
    pk_transport *quiet = open_on(&plain);
    send_marked(quiet, 0, 10);
    CHECK_INT(receive_marked(quiet, 0), 0);
    CHECK_INT(receive_marked(curious, PK_FRAME_OUTGOING), 10);
    pk_transport_close(curious);
    pk_transport_close(quiet);
}

/* The kernel takes the tag of a received frame away; the caller does not notice. */
static void check_vlan(void)
{
    pk_transport *transport = open_on(&(pk_transport_options){.interface = "lo"});
    uint8_t sent[64];
    pk_error err;
    for (uint32_t i = 0; i < sizeof sent; i++)
        sent[i] = (uint8_t)i;
    memcpy(sent + 12, (const uint8_t[]){0x81, 0x00, 0x60, 0x7b, 0x88, 0xb5}, 6);
    sent[0] = 2;
    pk_bytes frame = {sent, sizeof sent};
    CHECK_INT(pk_transport_send(transport, &frame, 1, NULL, &err), PK_OK);
    pk_frame got;
    uint32_t count;
    CHECK_INT(pk_transport_receive(transport, 1000000000, &got, 1, &count, &err), PK_OK);
    CHECK_INT(count, 1);
    CHECK_INT(got.captured, sizeof sent);
    CHECK_INT(got.original, sizeof sent);
    CHECK(memcmp(got.data, sent, sizeof sent) == 0);
    CHECK_INT(got.flags, PK_FRAME_VLAN_PUT);
    pk_transport_close(transport);
}

/* A filter on the number's first byte lets one in 256 through; locked, it stays. */
static void check_filter(void)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 14),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 5, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    pk_transport_options options = {
        .interface = "lo", .filter = program, .filter_len = 4, .lock_filter = true};
    pk_transport *transport = open_on(&options);
    send_marked(transport, 0, 1024);
    CHECK_INT(receive_marked(transport, 0), 4);
    pk_transport_close(transport);
    options.filter_len = PK_TRANSPORT_FILTER_MAX + 1;
    pk_error err;
    CHECK_INT(pk_transport_open_packet(&transport, &options, &err), PK_ELIMIT);
    CHECK_TEXT(err.text, "a receive filter of 4097 instructions (limit of a filter 4096)");
}

/* Nobody fetches: what the ring cannot hold is counted, to the frame. */
static void check_overrun(void)
{
    pk_transport *transport =
        open_on(&(pk_transport_options){.interface = "lo", .ring_bytes = 512 * 1024});
    pk_transport_stats stats;
    send_marked(transport, 0, 30000);
    uint32_t received = receive_marked(transport, 0);
    pk_transport_stats_of(transport, &stats);
    CHECK(stats.dropped > 0);
    CHECK_INT(received + stats.dropped, 30000);
    CHECK_INT(stats.sent, 30000);
    pk_transport_close(transport);
}

static void check_too_long(fixture *f)
{
    static uint8_t bytes[1600];
    pk_error err;
    uint32_t sent = 77;
    pk_bytes frames[3] = {{bytes, 1514}, {bytes, 1515}, {bytes, 60}};
    (void)build_marked(bytes, 0, 1515);
    CHECK_INT(pk_transport_send(f->transport, frames, 3, &sent, &err), PK_EIO);
    CHECK_INT(sent, 1);
    CHECK_INT(err.sys_errno, EMSGSIZE);
    CHECK_TEXT(err.text, "a frame of 1515 bytes is too long for lab0: its MTU of 1500 allows 1514");
}

static void check_unknown(void)
{
    pk_transport *transport;
    pk_error err;
    pk_transport_options options = {.interface = "wlan9"};
    CHECK_INT(pk_transport_open_packet(&transport, &options, &err), PK_ENOENT);
    CHECK_TEXT(err.text, "no interface \"wlan9\"; there are: lo lab0");
    options.interface = "a-name-longer-than-any-interface-has";
    CHECK_INT(pk_transport_open_packet(&transport, &options, &err), PK_ENOENT);
    options.interface = NULL;
    options.index = 4711;
    CHECK_INT(pk_transport_open_packet(&transport, &options, &err), PK_ENOENT);
}

/* Waiting ends early when asked to. */
static void check_stop(void)
{
    volatile sig_atomic_t stop = 1;
    pk_transport *transport =
        open_on(&(pk_transport_options){.interface = PK_LAB_INTERFACE, .stop = &stop});
    pk_frame frame;
    pk_error err;
    uint32_t count;
    int64_t before = wall_ns();
    do
        CHECK_INT(pk_transport_receive(transport, -1, &frame, 1, &count, &err), PK_OK);
    while (count > 0);
    CHECK(wall_ns() - before < 500000000);
    uint8_t bytes[60];
    uint32_t sent;
    pk_bytes one = {bytes, build_marked(bytes, 0, sizeof bytes)};
    CHECK_INT(pk_transport_send(transport, &one, 1, &sent, &err), PK_EIO);
    CHECK_INT(err.sys_errno, ECANCELED);
    CHECK_INT(sent, 0);
    pk_transport_close(transport);
}

/* A link without a header of its own: packets start at IP. */
static void check_tun(void)
{
    static const uint8_t packet[28] = {0x45, 0, 0,  28, 0, 0, 0,  0, 64, 253,
                                       0,    0, 10, 0,  0, 1, 10, 0, 0,  2};
    pk_error err;
    int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    struct ifreq request = {.ifr_name = "tun9", .ifr_flags = IFF_TUN | IFF_NO_PI};
    if (tun < 0 || ioctl(tun, TUNSETIFF, &request) < 0) {
        fprintf(stderr, "no tun device here\n");
        return;
    }
    pk_netlink *netlink;
    pk_link link;
    CHECK_INT(pk_netlink_open(&netlink, &err), PK_OK);
    CHECK_INT(pk_link_by_name(netlink, "tun9", &link, &err), PK_OK);
    CHECK_INT(pk_link_set_up(netlink, link.index, true, &err), PK_OK);
    CHECK_INT(link.linktype, PK_LINKTYPE_RAW);
    pk_transport *transport = open_on(&(pk_transport_options){.index = link.index});
    CHECK_INT(pk_transport_link_of(transport)->link, PK_LINKTYPE_RAW);
    CHECK(!pk_transport_link_of(transport)->has_ethernet);
    CHECK_INT(write(tun, packet, sizeof packet), sizeof packet);
    pk_frame frame = {0};
    uint32_t count = 0;
    CHECK_INT(pk_transport_receive(transport, 1000000000, &frame, 1, &count, &err), PK_OK);
    CHECK_INT(count, 1);
    CHECK_INT(frame.captured, sizeof packet);
    CHECK(count == 1 && memcmp(frame.data, packet, sizeof packet) == 0);
    pk_bytes out = {packet, sizeof packet};
    uint8_t in[64];
    CHECK_INT(pk_transport_send(transport, &out, 1, NULL, &err), PK_OK);
    CHECK_INT(read(tun, in, sizeof in), sizeof packet);
    CHECK(memcmp(in, packet, sizeof packet) == 0);
    pk_transport_close(transport);
    pk_netlink_close(netlink);
    (void)close(tun);
}

static void set_lab_link(bool up)
{
    pk_netlink *netlink;
    pk_link link;
    pk_error err;
    CHECK_INT(pk_netlink_open(&netlink, &err), PK_OK);
    CHECK_INT(pk_link_by_name(netlink, PK_LAB_INTERFACE, &link, &err), PK_OK);
    CHECK_INT(pk_link_set_up(netlink, link.index, up, &err), PK_OK);
    pk_netlink_close(netlink);
}

/* Down in the middle: both sides say so, nothing is counted as sent; up again, it goes on. */
static void check_down(fixture *f)
{
    pk_slot *slots;
    pk_error err;
    pk_frame frames[16];
    uint32_t count = pk_transport_slots(f->transport, 3, &slots);
    uint32_t sent;
    set_lab_link(false);
    for (uint32_t i = 0; i < count; i++)
        slots[i].len = build_marked(slots[i].data, i, 60);
    CHECK_INT(pk_transport_commit(f->transport, 3, &sent, &err), PK_EIO);
    CHECK_INT(sent, 0);
    CHECK_INT(slots[0].sys_errno, ENETDOWN);
    CHECK_INT(slots[2].sys_errno, ECANCELED);
    CHECK_TEXT(err.text, "cannot send on lab0, it is down (ip link set lab0 up): Network is down");
    int code;
    unsigned tries = 0;
    do
        code = pk_transport_receive(f->transport, 0, frames, 16, &count, &err);
    while (code == PK_OK && tries++ < 1000);
    CHECK_INT(code, PK_EIO);
    CHECK_INT(err.sys_errno, ENETDOWN);
    set_lab_link(true);
    send_marked(f->transport, 0, 5);
}

/* Without the right the text says how to get it. */
static void check_no_privilege(void)
{
    pid_t child = fork();
    if (child == 0) {
        pk_transport *transport;
        pk_error err = {0};
        pk_transport_options options = {.interface = "lo"};
        (void)!setresuid(65534, 65534, 65534); /* who may not do this has no privilege anyway */
        int code = pk_transport_open_packet(&transport, &options, &err);
        bool told = strstr(err.text, "sudo setcap cap_net_raw+ep /") && strstr(err.text, "--lab");
        _exit(code == PK_EPERM && told ? 0 : 1);
    }
    int status = 0;
    (void)waitpid(child, &status, 0);
    CHECK_INT(status, 0);
}

int main(void)
{
    check_no_privilege(); /* before the lab gives it */
    fixture f = fixture_open(0);
    check_loopback();
    check_outgoing();
    check_vlan();
    check_filter();
    check_overrun();
    check_too_long(&f);
    check_unknown();
    check_stop();
    check_tun();
    check_down(&f);
    fixture_close(&f);
    return check_result();
}
