/* The transport without a wire accounts for every frame: sent, refused, waited for, looped. */
#include "../base/check.h"
#include "io/memory.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

static pk_transport *open_memory(const pk_memory_options *options)
{
    pk_transport *transport;
    pk_error err;
    if (pk_transport_open_memory(&transport, options, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    return transport;
}

/* Builds in place; frame i is i + 1 bytes of the value i. */
static uint32_t fill(pk_transport *transport, uint32_t want)
{
    pk_slot *slots;
    uint32_t count = pk_transport_slots(transport, want, &slots);
    for (uint32_t i = 0; i < count; i++) {
        slots[i].len = i + 1;
        memset(slots[i].data, (int)(i & 0xff), i + 1);
    }
    return count;
}

static void check_in_place(void)
{
    pk_memory_options options = {.slots = 100, .full_every = 7};
    pk_transport *transport = open_memory(&options);
    pk_transport_stats stats;
    pk_error err;
    uint32_t sent;
    uint32_t count = fill(transport, 1000);
    CHECK_INT(count, 100);
    CHECK_INT(pk_transport_commit(transport, count, &sent, &err), PK_OK);
    CHECK_INT(sent, 100);
    CHECK_INT(pk_memory_sent_count(transport), 100);
    for (uint32_t i = 0; i < 100; i++) {
        pk_bytes frame = pk_memory_sent(transport, i);
        CHECK_INT(frame.len, i + 1);
        CHECK(frame.data[0] == i && frame.data[i] == i);
    }
    CHECK_INT(pk_memory_sent(transport, 100).len, 0);
    pk_transport_stats_of(transport, &stats);
    CHECK_INT(stats.sent, 100);
    CHECK_INT(stats.sent_bytes, 5050);
    CHECK_INT(stats.retried, 14);
    CHECK_INT(stats.failed, 0);
    pk_transport_close(transport);
}

/* One frame too long: it alone fails, and the message has both numbers. */
static void check_too_long(void)
{
    pk_memory_options options = {.slots = 8, .mtu = 50};
    pk_transport *transport = open_memory(&options);
    pk_transport_stats stats;
    pk_slot *slots;
    pk_error err;
    uint32_t sent;
    CHECK_INT(pk_transport_slots(transport, 5, &slots), 5);
    for (uint32_t i = 0; i < 5; i++)
        slots[i].len = i == 2 ? 65 : 64;
    CHECK_INT(slots[2].capacity, 64);
    static uint8_t longer[65];
    uint8_t *kept = slots[2].data;
    slots[2].data = longer;
    CHECK_INT(pk_transport_commit(transport, 5, &sent, &err), PK_EIO);
    slots[2].data = kept;
    CHECK_INT(sent, 4);
    CHECK_INT(err.sys_errno, EMSGSIZE);
    CHECK_TEXT(err.text, "a frame of 65 bytes is too long for memory: its MTU of 50 allows 64");
    for (uint32_t i = 0; i < 5; i++)
        CHECK_INT(slots[i].sys_errno, i == 2 ? EMSGSIZE : 0);
    pk_transport_stats_of(transport, &stats);
    CHECK_INT(stats.sent, 4);
    CHECK_INT(stats.failed, 1);
    pk_transport_close(transport);
}

static void check_loop(void)
{
    pk_memory_options options = {.loop = true, .time_ns = 5000};
    pk_transport *transport = open_memory(&options);
    pk_error err;
    pk_frame frames[3];
    uint32_t count;
    pk_bytes two[2] = {{(const uint8_t *)"one", 3}, {(const uint8_t *)"two", 3}};
    CHECK_INT(pk_transport_send(transport, two, 2, NULL, &err), PK_OK);
    CHECK_INT(pk_memory_put(transport, (pk_bytes){(const uint8_t *)"three", 5}, 9, &err), PK_OK);
    CHECK_INT(pk_transport_receive(transport, 0, frames, 2, &count, &err), PK_OK);
    CHECK_INT(count, 2);
    CHECK(memcmp(frames[0].data, "one", 3) == 0 && memcmp(frames[1].data, "two", 3) == 0);
    CHECK_INT(frames[1].time_ns, 6000);
    CHECK_INT(pk_transport_receive(transport, 0, frames, 3, &count, &err), PK_OK);
    CHECK_INT(count, 1);
    CHECK_INT(frames[0].captured, 5);
    CHECK_INT(frames[0].time_ns, 9);
    CHECK_INT(pk_transport_receive(transport, 0, frames, 3, &count, &err), PK_OK);
    CHECK_INT(count, 0);
    pk_transport_close(transport);
}

int main(void)
{
    check_in_place();
    check_too_long();
    check_loop();
    pk_transport_close(NULL);
    return check_result();
}
