#include "io/af_packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/linktype.h"
#include "io/af_packet_stamp.h"

#define VLAN_TAG_LEN     4u
#define SEND_BUFFER      (4 * 1024 * 1024)
#define QUEUE_WAIT_MS    1000u
#define NAME_LIST_MAX    16u
#define PROGRAM_PATH_MAX 192u

typedef struct af_packet {
    pk_transport transport; /* first: the pointer is handed out as this */
    pk_ring ring;
    int send_fd;
    pk_stamps stamps;
    struct mmsghdr *messages;
    struct iovec *vectors;
    struct sockaddr_ll *addresses;
} af_packet;

static int no_privilege(int sys_errno, pk_error *reterr_)
{
    char program[PROGRAM_PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    if (len <= 0)
        len = snprintf(program, sizeof program, "PROGRAM");
    program[len] = 0;
    int code = pk_error_set(reterr_, PK_EPERM,
                            "raw frames need CAP_NET_RAW: `sudo setcap cap_net_raw+ep %s`, or try "
                            "it in a private network with --lab",
                            program);
    if (reterr_)
        reterr_->sys_errno = sys_errno;
    return code;
}

int pk_packet_socket(int *ret_fd, pk_error *reterr_)
{
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 && (errno == EPERM || errno == EACCES))
        return no_privilege(errno, reterr_);
    if (fd < 0)
        return pk_error_sys(reterr_, errno, "cannot open a packet socket");
    *ret_fd = fd;
    return PK_OK;
}

static int no_interface(const char *name, pk_error *reterr_)
{
    int code = pk_error_set(reterr_, PK_ENOENT, "no interface \"%s\"; there are:", name);
    struct if_nameindex *list = if_nameindex();
    for (unsigned i = 0; list && list[i].if_name && i < NAME_LIST_MAX; i++)
        pk_error_append(reterr_, " %s", list[i].if_name);
    if_freenameindex(list);
    if (reterr_)
        reterr_->sys_errno = ENODEV;
    return code;
}

static int find_interface(int fd, const pk_transport_options *options, struct ifreq *request,
                          pk_error *reterr_)
{
    *request = (struct ifreq){0};
    if (!options->interface) {
        request->ifr_ifindex = (int)options->index;
        if (ioctl(fd, SIOCGIFNAME, request) < 0)
            return pk_error_sys(reterr_, errno, "no interface with index %u", options->index);
        return PK_OK;
    }
    if (strlen(options->interface) >= IFNAMSIZ)
        return no_interface(options->interface, reterr_);
    (void)snprintf(request->ifr_name, IFNAMSIZ, "%s", options->interface);
    if (ioctl(fd, SIOCGIFINDEX, request) < 0)
        return no_interface(options->interface, reterr_);
    return PK_OK;
}

static void take_address(pk_transport_link *link, const struct sockaddr *address)
{
    link->arphrd = address->sa_family;
    link->link = pk_linktype_of_arphrd(link->arphrd);
    link->has_ethernet = link->link == PK_LINKTYPE_ETHERNET;
    if (link->has_ethernet) {
        memcpy(link->address, address->sa_data, ETH_ALEN);
        link->address_len = ETH_ALEN;
    }
}

/* A link whose kind has no number is shown as the kernel has it, under none. */
static int describe(int fd, const pk_transport_options *options, pk_transport_link *ret_link,
                    pk_error *reterr_)
{
    pk_transport_link link = {0};
    struct ifreq request;
    int code = find_interface(fd, options, &request, reterr_);
    if (code < 0)
        return code;
    (void)snprintf(link.name, sizeof link.name, "%s", request.ifr_name);
    if (ioctl(fd, SIOCGIFINDEX, &request) < 0)
        return pk_error_sys(reterr_, errno, "cannot look at %s", link.name);
    link.index = (uint32_t)request.ifr_ifindex;
    if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
        return pk_error_sys(reterr_, errno, "cannot look at %s", link.name);
    take_address(&link, &request.ifr_hwaddr);
    if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
        return pk_error_sys(reterr_, errno, "cannot look at %s", link.name);
    link.up = request.ifr_flags & IFF_UP;
    if (ioctl(fd, SIOCGIFMTU, &request) < 0)
        return pk_error_sys(reterr_, errno, "cannot look at %s", link.name);
    link.mtu = (uint32_t)request.ifr_mtu;
    link.frame_max = link.mtu + (link.has_ethernet ? ETH_HLEN + VLAN_TAG_LEN : 0);
    if (link.frame_max > PK_TRANSPORT_FRAME_MAX)
        link.frame_max = PK_TRANSPORT_FRAME_MAX;
    *ret_link = link;
    return PK_OK;
}

/* What the kernel needs to know of a frame beside its bytes. */
static uint16_t protocol_of(const pk_transport_link *link, const pk_bytes *frame)
{
    if (link->has_ethernet)
        return frame->len >= ETH_HLEN ? (uint16_t)(frame->data[12] << 8 | frame->data[13]) : 0;
    if (frame->len > 0 && frame->data[0] >> 4 == 6)
        return ETH_P_IPV6;
    return ETH_P_IP;
}

static int send_frames(pk_transport *transport, const pk_bytes *frames, uint32_t count)
{
    af_packet *p = (af_packet *)transport;
    if (!p->messages)
        return -EOPNOTSUPP; /* receive only */
    for (uint32_t i = 0; i < count; i++) {
        p->vectors[i] = (struct iovec){(void *)(uintptr_t)frames[i].data, frames[i].len};
        p->addresses[i].sll_protocol = htons(protocol_of(&transport->link, &frames[i]));
    }
    int sent = sendmmsg(p->send_fd, p->messages, count, MSG_DONTWAIT);
    int result = sent < 0 ? -errno : sent;
    size_t place = ((uintptr_t)frames - (uintptr_t)transport->batch) / sizeof *frames;
    if (p->stamps.on && transport->stamps && place < transport->slot_count)
        pk_stamps_take(&p->stamps, p->send_fd, count, sent, transport->stamps + place);
    return result;
}

static void wait_queue(pk_transport *transport, int64_t timeout_ns)
{
    af_packet *p = (af_packet *)transport;
    struct timespec pause = {timeout_ns / 1000000000, (long)(timeout_ns % 1000000000)};
    struct pollfd entry = {.fd = p->send_fd, .events = POLLOUT};
    struct timespec none = {0};
    /* ENOBUFS comes from the device's queue while the socket stays writable: then time passes. */
    if (ppoll(&entry, 1, &none, NULL) == 1)
        (void)nanosleep(&pause, NULL);
    else
        (void)ppoll(&entry, 1, &pause, NULL);
}

static int receive_frames(pk_transport *transport, int64_t timeout_ns, pk_frame *ret_frames,
                          uint32_t max, uint32_t *ret_count, pk_error *reterr_)
{
    af_packet *p = (af_packet *)transport;
    if (p->ring.fd < 0)
        return pk_error_set(reterr_, PK_EUNSUPPORTED, "%s was opened for sending only",
                            transport->link.name);
    return pk_ring_receive(&p->ring, transport, timeout_ns, ret_frames, max, ret_count, reterr_);
}

static uint64_t dropped(pk_transport *transport)
{
    af_packet *p = (af_packet *)transport;
    return p->ring.fd < 0 ? 0 : pk_ring_dropped(&p->ring);
}

static int readable_fd(const pk_transport *transport)
{
    return ((const af_packet *)transport)->ring.fd;
}

static void close_packet(pk_transport *transport)
{
    af_packet *p = (af_packet *)transport;
    pk_ring_close(&p->ring);
    if (p->send_fd >= 0)
        (void)close(p->send_fd);
    free(p->messages);
    free(p->vectors);
    free(p->addresses);
    free(p);
}

static const pk_transport_ops packet_ops = {
    .send = send_frames,
    .wait = wait_queue,
    .receive = receive_frames,
    .dropped = dropped,
    .fd = readable_fd,
    .close = close_packet,
};

static int prepare_messages(af_packet *p, pk_error *reterr_)
{
    p->messages = calloc(PK_TRANSPORT_BATCH_MAX, sizeof *p->messages);
    p->vectors = calloc(PK_TRANSPORT_BATCH_MAX, sizeof *p->vectors);
    p->addresses = calloc(PK_TRANSPORT_BATCH_MAX, sizeof *p->addresses);
    if (!p->messages || !p->vectors || !p->addresses)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for sending");
    for (uint32_t i = 0; i < PK_TRANSPORT_BATCH_MAX; i++) {
        p->addresses[i] = (struct sockaddr_ll){
            .sll_family = AF_PACKET,
            .sll_ifindex = (int)p->transport.link.index,
        };
        p->messages[i].msg_hdr = (struct msghdr){
            .msg_name = &p->addresses[i],
            .msg_namelen = sizeof p->addresses[i],
            .msg_iov = &p->vectors[i],
            .msg_iovlen = 1,
        };
    }
    return PK_OK;
}

static void enlarge_send_buffer(int fd)
{
    int bytes = SEND_BUFFER;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

static int open_send_side(af_packet *p, const pk_transport_options *options, pk_error *reterr_)
{
    enlarge_send_buffer(p->send_fd);
    int on = 1;
    if (options->bypass_queue &&
        setsockopt(p->send_fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) < 0)
        return pk_error_sys(reterr_, errno, "cannot pass by the queue of %s",
                            p->transport.link.name);
    int code = prepare_messages(p, reterr_);
    if (code >= 0)
        code = pk_transport_prepare(&p->transport, options->slots, reterr_);
    if (code < 0 || !options->stamps || !pk_stamps_open(&p->stamps, p->send_fd))
        return code;
    p->transport.stamps = calloc(p->transport.slot_count, sizeof *p->transport.stamps);
    return p->transport.stamps ? code : pk_error_set(reterr_, PK_ENOMEM, "no memory for sending");
}

static int open_sides(af_packet *p, const pk_transport_options *options, pk_error *reterr_)
{
    int code = pk_packet_socket(&p->send_fd, reterr_);
    if (code == PK_OK)
        code = describe(p->send_fd, options, &p->transport.link, reterr_);
    if (code == PK_OK && !options->send_only)
        code = pk_ring_open(&p->ring, options, &p->transport.link, reterr_);
    if (code == PK_OK && !options->receive_only)
        code = open_send_side(p, options, reterr_);
    if (code == PK_OK && !options->send_only)
        code = pk_ring_start(&p->ring, &p->transport.link, reterr_);
    return code;
}

int pk_transport_open_packet(pk_transport **ret_transport, const pk_transport_options *options,
                             pk_error *reterr_)
{
    af_packet *p = calloc(1, sizeof *p);
    if (!p)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for a transport");
    uint32_t wait_ms = options->queue_wait_ms ? options->queue_wait_ms : QUEUE_WAIT_MS;
    p->transport.ops = &packet_ops;
    p->transport.stop = options->stop;
    p->transport.queue_wait_ns = (int64_t)wait_ms * 1000000;
    p->send_fd = -1;
    p->ring.fd = -1;
    int code = open_sides(p, options, reterr_);
    if (code < 0) {
        pk_transport_close(&p->transport);
        return code;
    }
    *ret_transport = &p->transport;
    return PK_OK;
}
