/*
 * What a back end of a transport fills in. transport.c holds what all have in common: the slots,
 * the account of what was sent, and the dispatch. Internal to runtime/io.
 *
 * send: offers `count` frames to the link and says how many it took, or -errno for the first one
 * when it took none; -EAGAIN and -ENOBUFS mean "full, wait" and are repeated by transport.c after
 * `wait` (a poll for writability, in nanoseconds). receive and fd may be NULL (send only).
 */
#ifndef PK_IO_TRANSPORT_BACKEND_H
#define PK_IO_TRANSPORT_BACKEND_H

#include "io/transport.h"

typedef struct pk_transport_ops {
    int (*send)(pk_transport *transport, const pk_bytes *frames, uint32_t count);
    void (*wait)(pk_transport *transport, int64_t timeout_ns);
    int (*receive)(pk_transport *transport, int64_t timeout_ns, pk_frame *ret_frames, uint32_t max,
                   uint32_t *ret_count, pk_error *reterr_);
    uint64_t (*dropped)(pk_transport *transport); /* in all, since open */
    int (*fd)(const pk_transport *transport);
    void (*close)(pk_transport *transport); /* releases the back end's parts, and its state */
} pk_transport_ops;

struct pk_transport {
    const pk_transport_ops *ops;
    pk_transport_link link;
    pk_transport_stats stats;
    const volatile sig_atomic_t *stop;
    int64_t queue_wait_ns;
    pk_slot *slots;
    pk_bytes *batch; /* the slots as the back end wants them */
    uint8_t *memory; /* of the slots */
    int64_t *stamps; /* when the frames of `batch` left, filled by the back end; NULL: not asked */
    uint32_t slot_count;
};

/* Gives an embedded transport its slots. */
int pk_transport_prepare(pk_transport *transport, uint32_t slots, pk_error *reterr_);

static inline bool pk_transport_stopped(const pk_transport *transport)
{
    return transport->stop && *transport->stop;
}

#endif
