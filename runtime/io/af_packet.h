/*
 * What the two halves of the AF_PACKET back end share: af_packet.c opens and sends,
 * af_packet_ring.c receives. Internal to runtime/io.
 *
 * The receive side is a TPACKET_V3 ring (kernel documentation, networking/packet_mmap): memory that
 * the kernel fills in blocks and hands over a block at a time, full or `retire_ms` after its first
 * frame. A block goes back to the kernel when the caller asks for more after its last frame.
 */
#ifndef PK_IO_AF_PACKET_H
#define PK_IO_AF_PACKET_H

#include "io/transport_backend.h"

typedef struct pk_ring {
    int fd;
    uint8_t *memory;
    size_t memory_len;
    uint32_t block_len;
    uint32_t block_count;
    uint32_t block;    /* the one being read, or waited for */
    uint32_t left;     /* frames of it not looked at yet */
    uint8_t *next;     /* the first of these */
    bool holding;      /* the block is ours, to be given back */
    bool outgoing;     /* frames that leave are wanted */
    bool has_ethernet; /* a VLAN tag has a place to go back to */
    uint64_t dropped;
} pk_ring;

/* Opens the receive socket, silent until pk_ring_start binds it. */
int pk_ring_open(pk_ring *ret_ring, const pk_transport_options *options,
                 const pk_transport_link *link, pk_error *reterr_);
int pk_ring_start(pk_ring *ring, const pk_transport_link *link, pk_error *reterr_);

int pk_ring_receive(pk_ring *ring, const pk_transport *transport, int64_t timeout_ns,
                    pk_frame *ret_frames, uint32_t max, uint32_t *ret_count, pk_error *reterr_);

/* Asks the kernel for its drops since the last time; the sum so far. */
uint64_t pk_ring_dropped(pk_ring *ring);

/* Accepts a ring that was never opened (fd -1). */
void pk_ring_close(pk_ring *ring);

/* A packet socket that receives nothing yet; PK_EPERM tells how to get the right. */
int pk_packet_socket(int *ret_fd, pk_error *reterr_);

#endif
