/*
 * The transport without a wire, for tests: frames sent are appended to a buffer that can be read
 * back, frames to be received are put in by hand. A loop sends what is sent to its own receive
 * side. Received frames are borrowed until the next receive, send or put. Frames keep their order;
 * nothing is ever lost, the failures are those asked for.
 */
#ifndef PK_IO_MEMORY_H
#define PK_IO_MEMORY_H

#include "io/transport.h"

typedef struct pk_memory_options {
    uint32_t link;       /* LINKTYPE_ number to report; 0: Ethernet */
    uint32_t mtu;        /* 0: 1500. Longer frames are refused with EMSGSIZE */
    bool loop;           /* every frame sent can be received */
    uint32_t slots;      /* batch size; 0: 256 */
    int64_t time_ns;     /* time stamp of the first frame; each further one is 1 us later */
    uint64_t full_every; /* every n-th frame finds the queue full once (retried); 0: never */
} pk_memory_options;

int pk_transport_open_memory(pk_transport **ret_transport, const pk_memory_options *options,
                             pk_error *reterr_);

/* Frames sent so far, and the bytes of one (empty beyond the last; borrowed until the next send).
 */
uint64_t pk_memory_sent_count(const pk_transport *transport);
pk_bytes pk_memory_sent(const pk_transport *transport, uint64_t index);

/* Puts a frame before the receive side (copied). */
int pk_memory_put(pk_transport *transport, pk_bytes frame, int64_t time_ns, pk_error *reterr_);

#endif
