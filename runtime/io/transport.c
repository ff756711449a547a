#include "io/transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "io/transport_backend.h"

#define SLOTS_DEFAULT     256u
#define ETHERNET_HEADER   14u
#define SLOT_ALIGN        64u
#define SLOT_MEMORY       (8u * 1024u * 1024u) /* jumbo links get fewer slots */
#define QUEUE_WAIT_STEP   1000000ll            /* look for `stop` every millisecond */
#define QUEUE_WAIT_MIN_NS 20000ll

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static void lay_out_slots(pk_transport *transport, uint32_t size)
{
    for (uint32_t i = 0; i < transport->slot_count; i++) {
        transport->slots[i].data = transport->memory + (size_t)i * size;
        transport->slots[i].capacity = size;
    }
}

int pk_transport_prepare(pk_transport *transport, uint32_t slots, pk_error *reterr_)
{
    uint32_t size = (transport->link.frame_max + SLOT_ALIGN - 1) & ~(SLOT_ALIGN - 1);
    if (slots == 0)
        slots = SLOTS_DEFAULT;
    if (slots > PK_TRANSPORT_BATCH_MAX)
        slots = PK_TRANSPORT_BATCH_MAX;
    if ((uint64_t)slots * size > SLOT_MEMORY)
        slots = SLOT_MEMORY / size;
    transport->slot_count = slots;
    transport->slots = calloc(slots, sizeof *transport->slots);
    transport->batch = calloc(slots, sizeof *transport->batch);
    transport->memory = aligned_alloc(SLOT_ALIGN, (size_t)slots * size);
    if (!transport->slots || !transport->batch || !transport->memory)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for %u frames of %u bytes", slots, size);
    memset(transport->memory, 0, (size_t)slots * size);
    lay_out_slots(transport, size);
    return PK_OK;
}

const pk_transport_link *pk_transport_link_of(const pk_transport *transport)
{
    return &transport->link;
}

uint32_t pk_transport_header(const pk_transport_link *link)
{
    return link->has_ethernet ? ETHERNET_HEADER : 0;
}

uint32_t pk_transport_slots(pk_transport *transport, uint32_t want, pk_slot **ret_slots)
{
    *ret_slots = transport->slots;
    /* A receive-only transport has none. */
    return want < transport->slot_count ? want : transport->slot_count;
}

/* The sentence for a frame that was refused. */
static int refusal(const pk_transport *transport, const pk_bytes *frame, int sys_errno,
                   pk_error *reterr_)
{
    const pk_transport_link *link = &transport->link;
    if (sys_errno == EMSGSIZE) {
        int code = pk_error_set(
            reterr_, PK_EIO, "a frame of %zu bytes is too long for %s: its MTU of %u allows %u",
            frame->len, link->name, link->mtu, link->mtu + pk_transport_header(link));
        if (reterr_)
            reterr_->sys_errno = sys_errno;
        return code;
    }
    if (sys_errno == ECANCELED)
        return pk_error_sys(reterr_, sys_errno, "sending on %s was stopped", link->name);
    if (sys_errno == ENOBUFS || sys_errno == EAGAIN)
        return pk_error_sys(reterr_, sys_errno, "the send queue of %s stayed full for %lld ms",
                            link->name, (long long)(transport->queue_wait_ns / 1000000));
    if (sys_errno == ENETDOWN)
        return pk_error_sys(reterr_, sys_errno, "cannot send on %s, it is down (ip link set %s up)",
                            link->name, link->name);
    return pk_error_sys(reterr_, sys_errno, "cannot send on %s", link->name);
}

static bool queue_full(int result)
{
    return result == -EAGAIN || result == -ENOBUFS;
}

/* Offers the frames once, waiting while the queue is full: how many were taken, or -errno. */
static int offer(pk_transport *transport, const pk_bytes *frames, uint32_t count)
{
    int64_t step = QUEUE_WAIT_MIN_NS;
    int64_t deadline = 0;
    for (;;) {
        int result = transport->ops->send(transport, frames, count);
        if (result == -EINTR)
            result = -EAGAIN;
        else if (!queue_full(result))
            return result;
        if (pk_transport_stopped(transport))
            return -ECANCELED;
        int64_t now = now_ns();
        if (deadline == 0)
            deadline = now + transport->queue_wait_ns;
        else if (now >= deadline)
            return result;
        transport->stats.retried++;
        transport->ops->wait(transport, step);
        step = step * 2 < QUEUE_WAIT_STEP ? step * 2 : QUEUE_WAIT_STEP;
    }
}

static void account_sent(pk_transport *transport, const pk_bytes *frames, uint32_t count)
{
    transport->stats.sent += count;
    for (uint32_t i = 0; i < count; i++)
        transport->stats.sent_bytes += frames[i].len;
}

int pk_transport_send(pk_transport *transport, const pk_bytes *frames, uint32_t count,
                      uint32_t *ret_sent, pk_error *reterr_)
{
    uint32_t done = 0;
    int code = PK_OK;
    while (done < count && code == PK_OK) {
        if (pk_transport_stopped(transport)) {
            code = refusal(transport, &frames[done], ECANCELED, reterr_);
            break;
        }
        uint32_t batch = count - done;
        if (batch > PK_TRANSPORT_BATCH_MAX)
            batch = PK_TRANSPORT_BATCH_MAX;
        int result = offer(transport, frames + done, batch);
        if (result <= 0) {
            if (result != -ECANCELED)
                transport->stats.failed++;
            code = refusal(transport, &frames[done], -result, reterr_);
            break;
        }
        account_sent(transport, frames + done, (uint32_t)result);
        done += (uint32_t)result;
    }
    if (ret_sent)
        *ret_sent = done;
    return code;
}

/* Reasons that concern one frame; after any other the rest of a batch is not tried. */
static bool concerns_frame_only(int sys_errno)
{
    return sys_errno == EMSGSIZE || sys_errno == EINVAL;
}

static void mark_slots(pk_transport *transport, uint32_t from, uint32_t to, int sys_errno)
{
    for (uint32_t i = from; i < to; i++)
        transport->slots[i].sys_errno = sys_errno;
}

int pk_transport_commit(pk_transport *transport, uint32_t count, uint32_t *ret_sent,
                        pk_error *reterr_)
{
    if (count > transport->slot_count)
        count = transport->slot_count;
    for (uint32_t i = 0; i < count; i++)
        transport->batch[i] = (pk_bytes){transport->slots[i].data, transport->slots[i].len};
    if (transport->stamps)
        memset(transport->stamps, 0, transport->slot_count * sizeof *transport->stamps);
    int first = PK_OK;
    uint32_t sent = 0;
    uint32_t at = 0;
    while (at < count) {
        uint32_t taken = 0;
        pk_error error = {0};
        int code = pk_transport_send(transport, transport->batch + at, count - at, &taken, &error);
        mark_slots(transport, at, at + taken, 0);
        sent += taken;
        at += taken;
        if (code == PK_OK)
            break;
        if (first == PK_OK && reterr_)
            *reterr_ = error;
        first = first == PK_OK ? code : first;
        transport->slots[at++].sys_errno = error.sys_errno;
        if (!concerns_frame_only(error.sys_errno)) {
            mark_slots(transport, at, count, ECANCELED);
            break;
        }
    }
    for (uint32_t i = 0; i < count; i++)
        transport->slots[i].sent_ns = transport->stamps ? transport->stamps[i] : 0;
    if (ret_sent)
        *ret_sent = sent;
    return first;
}

static void account_received(pk_transport *transport, const pk_frame *frames, uint32_t count)
{
    transport->stats.received += count;
    for (uint32_t i = 0; i < count; i++) {
        transport->stats.received_bytes += frames[i].captured;
        transport->stats.cut += frames[i].flags & PK_FRAME_CUT ? 1 : 0;
    }
}

int pk_transport_receive(pk_transport *transport, int64_t timeout_ns, pk_frame *ret_frames,
                         uint32_t max, uint32_t *ret_count, pk_error *reterr_)
{
    *ret_count = 0;
    if (!transport->ops->receive)
        return pk_error_set(reterr_, PK_EUNSUPPORTED, "%s was opened for sending only",
                            transport->link.name);
    int code = transport->ops->receive(transport, timeout_ns, ret_frames, max, ret_count, reterr_);
    account_received(transport, ret_frames, *ret_count);
    return code;
}

void pk_transport_stats_of(pk_transport *transport, pk_transport_stats *ret_stats)
{
    if (transport->ops->dropped)
        transport->stats.dropped = transport->ops->dropped(transport);
    *ret_stats = transport->stats;
}

int pk_transport_fd(const pk_transport *transport)
{
    return transport->ops->fd ? transport->ops->fd(transport) : -1;
}

void pk_transport_close(pk_transport *transport)
{
    if (!transport)
        return;
    free(transport->slots);
    free(transport->batch);
    free(transport->memory);
    free(transport->stamps);
    transport->ops->close(transport);
}
