#include "io/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/linktype.h"
#include "io/transport_backend.h"

#define MTU_DEFAULT     1500u
#define ETHERNET_HEADER 14u
#define TIME_STEP_NS    1000

/* Frames one behind the other in one buffer, found by where they end. */
typedef struct frame_entry {
    size_t end;
    int64_t time_ns;
} frame_entry;

typedef struct frame_list {
    pk_buf bytes;
    pk_buf entries;
    uint64_t count;
} frame_list;

typedef struct memory {
    pk_transport transport; /* first: the pointer is handed out as this */
    pk_memory_options options;
    frame_list sent;
    frame_list waiting;
    uint64_t read; /* of waiting, already received */
    uint64_t offered;
    bool full_now;
} memory;

static frame_entry entry_at(const frame_list *list, uint64_t index)
{
    frame_entry entry;
    memcpy(&entry, list->entries.data + index * sizeof entry, sizeof entry);
    return entry;
}

static pk_bytes frame_at(const frame_list *list, uint64_t index)
{
    size_t start = index ? entry_at(list, index - 1).end : 0;
    return (pk_bytes){list->bytes.data + start, entry_at(list, index).end - start};
}

static bool add_frame(frame_list *list, pk_bytes frame, int64_t time_ns)
{
    pk_buf_add(&list->bytes, frame.data, frame.len);
    frame_entry entry = {list->bytes.len, time_ns};
    pk_buf_add(&list->entries, &entry, sizeof entry);
    if (list->bytes.failed || list->entries.failed)
        return false;
    list->count++;
    return true;
}

static void free_frames(frame_list *list)
{
    pk_buf_free(&list->bytes);
    pk_buf_free(&list->entries);
}

/* Every n-th frame finds no room once. */
static bool find_full(memory *m)
{
    uint64_t every = m->options.full_every;
    m->full_now = every && !m->full_now && m->offered % every == every - 1;
    return m->full_now;
}

/* 0: taken, else why not. */
static int send_one(memory *m, pk_bytes frame)
{
    if (frame.len > m->transport.link.frame_max)
        return EMSGSIZE;
    if (find_full(m))
        return ENOBUFS;
    int64_t time = m->options.time_ns + (int64_t)m->offered * TIME_STEP_NS;
    if (!add_frame(&m->sent, frame, time))
        return ENOMEM;
    if (m->options.loop && !add_frame(&m->waiting, frame, time))
        return ENOMEM;
    m->offered++;
    return 0;
}

static int send_frames(pk_transport *transport, const pk_bytes *frames, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        memory *m = (memory *)transport;
        int sys_errno = send_one(m, frames[i]);
        if (sys_errno && i > 0)
            m->full_now = false; /* met again, and told, with the next call */
        if (sys_errno)
            return i ? (int)i : -sys_errno;
    }
    return (int)count;
}

static void wait_queue(pk_transport *transport, int64_t timeout_ns)
{
    (void)transport;
    (void)timeout_ns;
}

static int receive_frames(pk_transport *transport, int64_t timeout_ns, pk_frame *ret_frames,
                          uint32_t max, uint32_t *ret_count, pk_error *reterr_)
{
    memory *m = (memory *)transport;
    (void)timeout_ns;
    (void)reterr_;
    uint32_t count = 0;
    for (; count < max && m->read < m->waiting.count; count++, m->read++) {
        pk_bytes bytes = frame_at(&m->waiting, m->read);
        ret_frames[count] = (pk_frame){
            .data = bytes.data,
            .captured = (uint32_t)bytes.len,
            .original = (uint32_t)bytes.len,
            .time_ns = entry_at(&m->waiting, m->read).time_ns,
        };
    }
    *ret_count = count;
    return PK_OK;
}

static void close_memory(pk_transport *transport)
{
    memory *m = (memory *)transport;
    free_frames(&m->sent);
    free_frames(&m->waiting);
    free(m);
}

static const pk_transport_ops memory_ops = {
    .send = send_frames,
    .wait = wait_queue,
    .receive = receive_frames,
    .close = close_memory,
};

int pk_transport_open_memory(pk_transport **ret_transport, const pk_memory_options *options,
                             pk_error *reterr_)
{
    memory *m = calloc(1, sizeof *m);
    if (!m)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for a transport");
    m->options = *options;
    pk_transport *transport = &m->transport;
    transport->ops = &memory_ops;
    transport->queue_wait_ns = 1000000000;
    transport->link = (pk_transport_link){
        .name = "memory",
        .link = options->link ? options->link : PK_LINKTYPE_ETHERNET,
        .up = true,
        .mtu = options->mtu ? options->mtu : MTU_DEFAULT,
    };
    transport->link.has_ethernet = transport->link.link == PK_LINKTYPE_ETHERNET;
    transport->link.frame_max =
        transport->link.mtu + (transport->link.has_ethernet ? ETHERNET_HEADER : 0);
    int code = pk_transport_prepare(transport, options->slots, reterr_);
    if (code < 0) {
        pk_transport_close(transport);
        return code;
    }
    *ret_transport = transport;
    return PK_OK;
}

uint64_t pk_memory_sent_count(const pk_transport *transport)
{
    return ((const memory *)transport)->sent.count;
}

pk_bytes pk_memory_sent(const pk_transport *transport, uint64_t index)
{
    const memory *m = (const memory *)transport;
    return index < m->sent.count ? frame_at(&m->sent, index) : (pk_bytes){0};
}

int pk_memory_put(pk_transport *transport, pk_bytes frame, int64_t time_ns, pk_error *reterr_)
{
    if (!add_frame(&((memory *)transport)->waiting, frame, time_ns))
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for a frame");
    return PK_OK;
}
