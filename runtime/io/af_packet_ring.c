#include "io/af_packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RING_BYTES     (16u * 1024u * 1024u)
#define BLOCK_SMALL    (64u * 1024u)
#define BLOCK_LARGE    (128u * 1024u) /* where a frame may be longer than a small block holds */
#define RING_FRAME     2048u          /* the kernel checks it, and does not use it */
#define HEADROOM       16u            /* before each frame, room for a VLAN tag to be put back */
#define VLAN_TAG_LEN   4u
#define RETIRE_DEFAULT 1u
/* Where the kernel says whom a frame came from: behind its header, aligned. */
#define FROM_OFFSET \
    ((sizeof(struct tpacket3_hdr) + TPACKET_ALIGNMENT - 1) / TPACKET_ALIGNMENT * TPACKET_ALIGNMENT)
#define WAIT_SLICE_NS 50000000ll /* look at `stop` this often */

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

static int set_option(const pk_ring *ring, int option, int value)
{
    return setsockopt(ring->fd, SOL_PACKET, option, &value, sizeof value);
}

/* Asks for a ring of `bytes`, for less where the kernel has no memory for it. */
static int ask_ring(pk_ring *ring, uint32_t bytes, uint32_t retire_ms, pk_error *reterr_)
{
    uint32_t blocks = bytes / ring->block_len;
    for (blocks = blocks < 4 ? 4 : blocks; blocks >= 4; blocks /= 2) {
        struct tpacket_req3 request = {
            .tp_block_size = ring->block_len,
            .tp_block_nr = blocks,
            .tp_frame_size = RING_FRAME,
            .tp_frame_nr = blocks * (ring->block_len / RING_FRAME),
            .tp_retire_blk_tov = retire_ms ? retire_ms : RETIRE_DEFAULT,
        };
        if (setsockopt(ring->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request) == 0) {
            ring->block_count = blocks;
            return PK_OK;
        }
        if (errno != ENOMEM)
            break;
    }
    return pk_error_sys(reterr_, errno, "cannot make a receive ring of %u bytes", bytes);
}

static int map_ring(pk_ring *ring, pk_error *reterr_)
{
    size_t len = (size_t)ring->block_count * ring->block_len;
    void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
    if (memory == MAP_FAILED)
        return pk_error_sys(reterr_, errno, "cannot map a receive ring of %zu bytes", len);
    ring->memory = memory;
    ring->memory_len = len;
    return PK_OK;
}

static int attach_filter(const pk_ring *ring, const pk_transport_options *options,
                         pk_error *reterr_)
{
    if (options->filter_len > PK_TRANSPORT_FILTER_MAX)
        return pk_error_set(reterr_, PK_ELIMIT,
                            "a receive filter of %u instructions (limit of a filter %u)",
                            options->filter_len, PK_TRANSPORT_FILTER_MAX);
    if (options->filter_len == 0)
        return PK_OK;
    struct sock_fprog program = {
        .len = (unsigned short)options->filter_len,
        .filter = (struct sock_filter *)(uintptr_t)options->filter,
    };
    if (setsockopt(ring->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0)
        return pk_error_sys(reterr_, errno, "the kernel refused the receive filter");
    int on = 1;
    if (options->lock_filter &&
        setsockopt(ring->fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on) < 0)
        return pk_error_sys(reterr_, errno, "cannot lock the receive filter");
    return PK_OK;
}

static int join_promiscuous(const pk_ring *ring, uint32_t index, pk_error *reterr_)
{
    struct packet_mreq request = {.mr_ifindex = (int)index, .mr_type = PACKET_MR_PROMISC};
    if (setsockopt(ring->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof request) < 0)
        return pk_error_sys(reterr_, errno, "cannot receive what is addressed to others");
    return PK_OK;
}

static int set_up(pk_ring *ring, const pk_transport_options *options, const pk_transport_link *link,
                  pk_error *reterr_)
{
    if (set_option(ring, PACKET_VERSION, TPACKET_V3) < 0)
        return pk_error_sys(reterr_, errno, "this kernel has no TPACKET_V3 ring");
    if (set_option(ring, PACKET_RESERVE, HEADROOM) < 0)
        return pk_error_sys(reterr_, errno, "cannot reserve room for VLAN tags");
    if (!options->outgoing)
        (void)set_option(ring, PACKET_IGNORE_OUTGOING, 1); /* before 4.20 we sort them out */
    int code = attach_filter(ring, options, reterr_);
    if (code == PK_OK)
        code = ask_ring(ring, options->ring_bytes ? options->ring_bytes : RING_BYTES,
                        options->retire_ms, reterr_);
    if (code == PK_OK)
        code = map_ring(ring, reterr_);
    if (code == PK_OK && options->promiscuous)
        code = join_promiscuous(ring, link->index, reterr_);
    return code;
}

int pk_ring_open(pk_ring *ret_ring, const pk_transport_options *options,
                 const pk_transport_link *link, pk_error *reterr_)
{
    pk_ring ring = {
        .fd = -1,
        .block_len = link->frame_max > BLOCK_SMALL / 2 ? BLOCK_LARGE : BLOCK_SMALL,
        .outgoing = options->outgoing,
        .has_ethernet = link->has_ethernet,
    };
    int code = pk_packet_socket(&ring.fd, reterr_);
    if (code == PK_OK)
        code = set_up(&ring, options, link, reterr_);
    if (code < 0) {
        pk_ring_close(&ring);
        return code;
    }
    *ret_ring = ring;
    return PK_OK;
}

int pk_ring_start(pk_ring *ring, const pk_transport_link *link, pk_error *reterr_)
{
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_ALL),
        .sll_ifindex = (int)link->index,
    };
    if (bind(ring->fd, (const struct sockaddr *)&address, sizeof address) < 0)
        return pk_error_sys(reterr_, errno, "cannot receive on %s", link->name);
    return PK_OK;
}

static struct tpacket_block_desc *block_of(const pk_ring *ring)
{
    return (struct tpacket_block_desc *)(void *)(ring->memory +
                                                 (size_t)ring->block * ring->block_len);
}

static void give_back(pk_ring *ring)
{
    if (!ring->holding || ring->left > 0)
        return;
    __atomic_store_n(&block_of(ring)->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    ring->block = (ring->block + 1) % ring->block_count;
    ring->holding = false;
}

static bool take_block(pk_ring *ring)
{
    struct tpacket_block_desc *block = block_of(ring);
    uint32_t status = __atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE);
    if (!(status & TP_STATUS_USER))
        return false;
    ring->holding = true;
    ring->left = block->hdr.bh1.num_pkts;
    ring->next = (uint8_t *)block + block->hdr.bh1.offset_to_first_pkt;
    return true;
}

/* The kernel takes the tag out of the frame:
 *
 *     destination (6) source (6) [ TPID (2) TCI (2) ] type ...
 *
 * so the two addresses move up and the tag goes in behind them (IEEE 802.1Q clause 9). */
static uint8_t *put_vlan_back(uint8_t *frame, const struct tpacket3_hdr *header)
{
    uint32_t tpid = header->tp_status & TP_STATUS_VLAN_TPID_VALID ? header->hv1.tp_vlan_tpid
                                                                  : (uint32_t)ETH_P_8021Q;
    uint32_t tci = header->hv1.tp_vlan_tci;
    memmove(frame - VLAN_TAG_LEN, frame, 2 * ETH_ALEN);
    frame -= VLAN_TAG_LEN;
    frame[12] = (uint8_t)(tpid >> 8);
    frame[13] = (uint8_t)tpid;
    frame[14] = (uint8_t)(tci >> 8);
    frame[15] = (uint8_t)tci;
    return frame;
}

/* Takes the next frame of the held block; false for one that is not wanted. */
static bool take_frame(pk_ring *ring, pk_frame *ret_frame)
{
    const struct tpacket3_hdr *header = (const void *)ring->next;
    const struct sockaddr_ll *from = (const void *)(ring->next + FROM_OFFSET);
    bool leaves = from->sll_pkttype == PACKET_OUTGOING;
    uint8_t *data = ring->next + header->tp_mac;
    ring->left--;
    ring->next += header->tp_next_offset;
    if (leaves && !ring->outgoing)
        return false;
    pk_frame frame = {
        .captured = header->tp_snaplen,
        .original = header->tp_len,
        .time_ns = (int64_t)header->tp_sec * 1000000000ll + header->tp_nsec,
    };
    if (header->tp_status & TP_STATUS_VLAN_VALID && ring->has_ethernet &&
        frame.captured >= 2 * ETH_ALEN) {
        data = put_vlan_back(data, header);
        frame.captured += VLAN_TAG_LEN;
        frame.original += VLAN_TAG_LEN;
        frame.flags |= PK_FRAME_VLAN_PUT;
    }
    frame.data = data;
    frame.flags |= frame.captured < frame.original ? PK_FRAME_CUT : 0;
    frame.flags |= leaves ? PK_FRAME_OUTGOING : 0;
    frame.flags |= header->tp_status & TP_STATUS_CSUMNOTREADY ? PK_FRAME_PARTIAL : 0;
    *ret_frame = frame;
    return true;
}

static uint32_t take_frames(pk_ring *ring, pk_frame *ret_frames, uint32_t max)
{
    uint32_t count = 0;
    while (ring->left > 0 && count < max)
        count += take_frame(ring, &ret_frames[count]) ? 1 : 0;
    return count;
}

static int socket_error(const pk_ring *ring, const char *name, pk_error *reterr_)
{
    int sys_errno = 0;
    socklen_t len = sizeof sys_errno;
    (void)getsockopt(ring->fd, SOL_SOCKET, SO_ERROR, &sys_errno, &len);
    if (sys_errno == 0)
        return PK_OK;
    if (sys_errno == ENETDOWN)
        return pk_error_sys(reterr_, sys_errno, "%s went down", name);
    return pk_error_sys(reterr_, sys_errno, "cannot receive on %s", name);
}

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* Waits for a block until the deadline (negative: none). PK_EOF: time over, a signal, or stop. */
static int wait_block(const pk_ring *ring, const pk_transport *transport, int64_t deadline,
                      pk_error *reterr_)
{
    int64_t left = deadline < 0 ? INT64_MAX : deadline - now_ns();
    int64_t slice = left < 0 ? 0 : left;
    slice = slice < WAIT_SLICE_NS ? slice : WAIT_SLICE_NS;
    struct timespec limit = {slice / 1000000000, (long)(slice % 1000000000)};
    struct pollfd entry = {.fd = ring->fd, .events = POLLIN | POLLERR};
    int ready = ppoll(&entry, 1, &limit, NULL);
    if (ready < 0 && errno != EINTR)
        return pk_error_sys(reterr_, errno, "cannot wait for frames");
    if (ready < 0 || pk_transport_stopped(transport))
        return PK_EOF;
    if (entry.revents & POLLERR)
        return socket_error(ring, transport->link.name, reterr_);
    return ready == 0 && left <= 0 ? PK_EOF : PK_OK;
}

int pk_ring_receive(pk_ring *ring, const pk_transport *transport, int64_t timeout_ns,
                    pk_frame *ret_frames, uint32_t max, uint32_t *ret_count, pk_error *reterr_)
{
    int64_t deadline = -1;
    *ret_count = 0;
    if (timeout_ns >= 0)
        deadline = timeout_ns > INT64_MAX / 2 ? INT64_MAX : now_ns() + timeout_ns;
    while (max > 0) {
        give_back(ring);
        if (ring->holding || take_block(ring)) {
            *ret_count = take_frames(ring, ret_frames, max);
            if (*ret_count > 0)
                break;
            continue;
        }
        int code = wait_block(ring, transport, deadline, reterr_);
        if (code < 0)
            return code == PK_EOF ? PK_OK : code;
    }
    return PK_OK;
}

uint64_t pk_ring_dropped(pk_ring *ring)
{
    struct tpacket_stats_v3 stats = {0};
    socklen_t len = sizeof stats;
    if (getsockopt(ring->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
        ring->dropped += stats.tp_drops; /* reading resets the kernel's counter */
    return ring->dropped;
}

void pk_ring_close(pk_ring *ring)
{
    if (ring->memory)
        (void)munmap(ring->memory, ring->memory_len);
    if (ring->fd >= 0)
        (void)close(ring->fd);
    *ring = (pk_ring){.fd = -1};
}
