/*
 * A transport: frames out, frames in, on one link.
 *
 * One interface for every way to reach a wire: AF_PACKET (io/af_packet.c), memory for tests
 * (io/memory.c), later a TX ring, AF_XDP or a capture file. Frames are whole as the link carries
 * them, from the first byte of the link header; links without one (tun, raw IP) start at the IP
 * header, and pk_transport_link tells which.
 *
 * SENDING. Either build in place: pk_transport_slots lends buffers, the caller writes frames and
 * their len, pk_transport_commit sends the first n; or pk_transport_send sends frames that lie
 * elsewhere, without copying them. Every frame is tried once and accounted once: `sent` when the
 * kernel took it, `failed` when it refused this frame, with the reason in the slot. A full queue
 * (EAGAIN, ENOBUFS) is waited for, not counted.
 *
 * RECEIVING. The receive side is open, filter in place, before open returns, so an answer to the
 * first frame cannot be missed. Received frames are borrowed until the next pk_transport_receive.
 * VLAN tags that the kernel took off are back in the bytes. The transport's own frames (and all
 * else that leaves by this link) are not shown unless `outgoing` is asked for. Frames that the
 * kernel dropped because nobody fetched them are counted in `dropped`.
 *
 * A transport owns its sockets and buffers; pk_transport_close accepts NULL. One thread at a time.
 */
#ifndef PK_IO_TRANSPORT_H
#define PK_IO_TRANSPORT_H

#include <signal.h>

#include "base/error.h"
#include "base/types.h"

#define PK_TRANSPORT_NAME_MAX   16u
#define PK_TRANSPORT_BATCH_MAX  1024u  /* slots lent at once, frames taken by one system call */
#define PK_TRANSPORT_FRAME_MAX  65600u /* bytes of one frame */
#define PK_TRANSPORT_FILTER_MAX 4096u  /* classic BPF instructions (the kernel's BPF_MAXINSNS) */

struct sock_filter; /* <linux/filter.h> */

typedef struct pk_transport pk_transport;

typedef struct pk_slot {
    uint8_t *data;     /* capacity bytes, aligned to 64 */
    uint32_t capacity; /* at least what the link can carry */
    uint32_t len;      /* set by the caller */
    int sys_errno;     /* set by commit: 0 sent, else why this frame was refused */
    int64_t sent_ns;   /* set by commit with `stamps`: the kernel's clock when the frame left, since
                          the epoch; 0: not known */
} pk_slot;

enum {
    PK_FRAME_CUT = 1u << 0,      /* captured < original: the buffer was too small */
    PK_FRAME_VLAN_PUT = 1u << 1, /* a tag that the kernel had removed was put back */
    PK_FRAME_OUTGOING = 1u << 2, /* leaves by this link (only with `outgoing`) */
    PK_FRAME_PARTIAL = 1u << 3   /* own packet whose checksum is left to the hardware */
};

typedef struct pk_frame {
    const uint8_t *data; /* borrowed until the next receive */
    uint32_t captured;   /* bytes at data */
    uint32_t original;   /* bytes on the link */
    int64_t time_ns;     /* the kernel's (or the hardware's) clock at arrival, since the epoch */
    uint32_t flags;      /* PK_FRAME_* */
} pk_frame;

typedef struct pk_transport_link {
    char name[PK_TRANSPORT_NAME_MAX];
    uint32_t index;     /* interface index; 0 for memory */
    uint16_t arphrd;    /* ARPHRD_* of the kernel */
    uint32_t link;      /* LINKTYPE_ number for capture files (base/linktype.h), or NONE */
    bool has_ethernet;  /* frames start with an Ethernet header (loopback too) */
    bool up;            /* as it was at open */
    uint32_t mtu;       /* bytes behind the link header */
    uint32_t frame_max; /* largest frame the link takes, header and VLAN tag included */
    uint8_t address[8]; /* own link address */
    uint8_t address_len;
} pk_transport_link;

typedef struct pk_transport_stats {
    uint64_t sent; /* frames the kernel took */
    uint64_t sent_bytes;
    uint64_t failed;   /* frames the kernel refused */
    uint64_t retried;  /* times a full queue was waited for */
    uint64_t received; /* frames handed to the caller */
    uint64_t received_bytes;
    uint64_t dropped; /* passed the filter but found the receive buffer full */
    uint64_t cut;     /* received cut short */
} pk_transport_stats;

typedef struct pk_transport_options {
    const char *interface;            /* name; or NULL and */
    uint32_t index;                   /* the interface index */
    const struct sock_filter *filter; /* classic BPF on received frames; copied by the kernel */
    uint32_t filter_len;              /* instructions; 0: everything */
    bool lock_filter;                 /* SO_LOCK_FILTER: nobody can change it afterwards */
    bool outgoing;                    /* show frames that leave by this link, too */
    bool promiscuous;
    bool stamps;            /* ask the kernel when frames left: costs a call for each batch */
    bool send_only;         /* no receive side */
    bool receive_only;      /* no send side */
    bool bypass_queue;      /* PACKET_QDISC_BYPASS: past the queueing discipline */
    uint32_t retire_ms;     /* receive latency bound of the ring; 0: 1 ms */
    uint32_t ring_bytes;    /* receive buffer; 0: 16 MiB */
    uint32_t slots;         /* frames a batch can hold; 0: 256; at most PK_TRANSPORT_BATCH_MAX */
    uint32_t queue_wait_ms; /* give up on a full queue after this long without progress; 0: 1000 */
    /* Where set and not 0, waiting inside send and receive ends early (for a signal handler). */
    const volatile sig_atomic_t *stop;
} pk_transport_options;

/* AF_PACKET. PK_EPERM without CAP_NET_RAW (the text says how to get it), PK_ENOENT for an unknown
 * interface, PK_ELIMIT for a filter that is too long. */
int pk_transport_open_packet(pk_transport **ret_transport, const pk_transport_options *options,
                             pk_error *reterr_);

const pk_transport_link *pk_transport_link_of(const pk_transport *transport);

/* Bytes of a frame that its MTU does not count: the link header, without a VLAN tag. */
uint32_t pk_transport_header(const pk_transport_link *link);

/* Lends up to `want` slots (at most the batch size); *ret_slots is an array of the count returned.
 * The slots stay the transport's and are good until the next commit or close. Never fails: the
 * count is at least 1 (0 only for want == 0 or a receive-only transport). */
uint32_t pk_transport_slots(pk_transport *transport, uint32_t want, pk_slot **ret_slots);

/* Sends the first `count` lent slots in order. PK_OK when all were taken; otherwise the first
 * reason, with each slot's own in slot->sys_errno (ECANCELED: not tried, after an error that
 * concerns the whole link, or because of `stop`). *ret_sent (may be NULL): how many were taken. */
int pk_transport_commit(pk_transport *transport, uint32_t count, uint32_t *ret_sent,
                        pk_error *reterr_);

/* The same for frames elsewhere: stops at the first refusal, so *ret_sent is also the index of the
 * frame refused. */
int pk_transport_send(pk_transport *transport, const pk_bytes *frames, uint32_t count,
                      uint32_t *ret_sent, pk_error *reterr_);

/* Waits up to timeout_ns (0: looks only, negative: for ever) for frames and gives at most `max` of
 * them. PK_OK with *ret_count 0 when none came, a signal interrupted, or `stop` was set. */
int pk_transport_receive(pk_transport *transport, int64_t timeout_ns, pk_frame *ret_frames,
                         uint32_t max, uint32_t *ret_count, pk_error *reterr_);

/* Counters up to now (asks the kernel for its drops). */
void pk_transport_stats_of(pk_transport *transport, pk_transport_stats *ret_stats);

/* A descriptor that polls readable when frames wait; -1 where there is none. */
int pk_transport_fd(const pk_transport *transport);

void pk_transport_close(pk_transport *transport);

#endif
