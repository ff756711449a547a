/* `pktc sniff`: what passes by on interfaces, dissected as it comes. */
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "io/transport.h"
#include "net/link.h"
#include "reading.h"

enum { INTERFACES = 64, FRAMES = 256 };

typedef struct sniffing {
    pk_reading reading;
    pk_transport *transports[INTERFACES];
    pk_buf filters[INTERFACES];
    size_t count;
    pk_capture_writer *writer; /* -w; NULL: shown */
    uint64_t seen;
} sniffing;

static volatile sig_atomic_t stop;

static void on_signal(int signal_number)
{
    (void)signal_number;
    stop = 1;
}

static void install_handlers(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
}

/* ---- interfaces ----------------------------------------------------------------------------- */

static int open_one(pk_cli *cli, sniffing *s, const pk_link *link)
{
    pk_error error;
    pk_buf *filter = &s->filters[s->count];
    const char *text = cli->value[PK_OPT_FILTER];
    if (s->count == INTERFACES)
        return pk_cli_fail(cli, PK_EXIT_USAGE, "too many interfaces (limit %d)", INTERFACES);
    if (text && pk_filter_compile(text, link->linktype, filter, &error))
        return pk_cli_fail(cli, PK_EXIT_USAGE, "-f '%s' on %s: %s", text, link->name, error.text);
    const pk_transport_options options = {
        .interface = link->name,
        .filter = (const struct sock_filter *)(const void *)filter->data,
        .filter_len = (uint32_t)(filter->len / 8),
        .lock_filter = true,
        .outgoing = true,
        .promiscuous = !pk_cli_given(cli, PK_OPT_NO_PROMISCUOUS),
        .receive_only = true,
        .ring_bytes = 4u * 1024u * 1024u,
        .stop = &stop};
    if (pk_transport_open_packet(&s->transports[s->count], &options, &error))
        return pk_cli_fail(cli, pk_front_exit_of(error.code), "%s", error.text);
    s->count++;
    return 0;
}

/* Those named; else all that are up, the loopback only when it is alone. */
static int open_interfaces(pk_cli *cli, sniffing *s, pk_netlink *netlink)
{
    pk_error error;
    pk_link link, *links;
    size_t count;
    int status = 0;
    for (size_t i = 0; !status && i < cli->n_interfaces; i++)
        status = pk_link_by_name(netlink, cli->interfaces[i], &link, &error)
                     ? pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "%s", error.text)
                     : open_one(cli, s, &link);
    if (status || cli->n_interfaces)
        return status;
    if (pk_link_list(netlink, &links, &count, &error))
        return pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "%s", error.text);
    for (unsigned loopback = 0; !status && !s->count && loopback < 2; loopback++)
        for (size_t i = 0; !status && i < count; i++)
            if (links[i].up && !(links[i].flags & IFF_LOOPBACK) == !loopback)
                status = open_one(cli, s, &links[i]);
    free(links);
    if (!status && !s->count)
        status = pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "no interface is up");
    return status;
}

static int open_writer(pk_cli *cli, sniffing *s)
{
    const char *path = cli->value[PK_OPT_SAVE];
    pk_error error;
    const pk_capture_write_options options = {
        .format = PK_CAPTURE_PCAPNG, .live = true, .application = "pktc " PKTC_VERSION};
    if (!path)
        return 0;
    int code = pk_capture_create(&s->writer, path, &options, &error);
    for (size_t i = 0; !code && i < s->count; i++) {
        const pk_transport_link *link = pk_transport_link_of(s->transports[i]);
        pk_capture_interface interface = {.link = link->link == PK_LINKTYPE_NONE ? PK_LINKTYPE_RAW
                                                                                 : link->link};
        (void)snprintf(interface.name, sizeof interface.name, "%s", link->name);
        code = pk_capture_add_interface(s->writer, &interface, NULL, &error);
    }
    return code ? pk_cli_fail(cli, PK_EXIT_OUTPUT, "%s", error.text) : 0;
}

/* ---- packets -------------------------------------------------------------------------------- */

static int keep_frame(sniffing *s, const pk_frame *frame, uint32_t interface)
{
    pk_error error;
    const pk_capture_packet packet = {
        .data = frame->data,
        .captured = frame->captured,
        .original = frame->original,
        .time_ns = frame->time_ns,
        .interface = interface,
        .direction = frame->flags & PK_FRAME_OUTGOING ? PK_DIRECTION_OUT : PK_DIRECTION_IN};
    if (pk_capture_write(s->writer, &packet, &error))
        return pk_cli_fail(s->reading.cli, PK_EXIT_OUTPUT, "%s", error.text);
    return 0;
}

static int show_frame(sniffing *s, const pk_frame *frame, uint32_t interface)
{
    const pk_transport_link *link = pk_transport_link_of(s->transports[interface]);
    const pk_capture_record record = {
        .data = frame->data,
        .captured = frame->captured,
        .original = frame->original,
        .time_ns = frame->time_ns,
        .has_time = true,
        .direction = frame->flags & PK_FRAME_OUTGOING ? PK_DIRECTION_OUT : PK_DIRECTION_IN,
        .link = link->link,
        .number = s->seen};
    s->reading.number = s->seen;
    s->reading.interface = s->count > 1 ? link->name : NULL;
    s->reading.offloaded = frame->flags & PK_FRAME_PARTIAL;
    return pk_reading_record(&s->reading, &record);
}

static int take_frames(sniffing *s, uint32_t interface)
{
    pk_frame frames[FRAMES];
    uint32_t count = 0;
    pk_error error;
    int code = pk_transport_receive(s->transports[interface], 0, frames, FRAMES, &count, &error);
    if (code && error.sys_errno != ENETDOWN)
        return pk_cli_fail(s->reading.cli, PK_EXIT_ENVIRONMENT, "%s", error.text);
    int status = 0;
    for (uint32_t i = 0; !status && i < count; i++) {
        if (s->reading.limit && s->seen >= s->reading.limit)
            break;
        s->seen++;
        status =
            s->writer ? keep_frame(s, &frames[i], interface) : show_frame(s, &frames[i], interface);
    }
    return status;
}

/* What was seen is put out before the next wait: a pipe's reader sees it as it comes. */
static int put_out(sniffing *s, bool *ret_closed)
{
    pk_error error;
    if (s->writer && pk_capture_flush(s->writer, &error))
        return pk_cli_fail(s->reading.cli, PK_EXIT_OUTPUT, "%s", error.text);
    return pk_cli_flush(s->reading.cli, true, ret_closed);
}

static int sniff(sniffing *s)
{
    struct pollfd entries[INTERFACES];
    int status = 0;
    bool closed = false;
    for (size_t i = 0; i < s->count; i++)
        entries[i] = (struct pollfd){.fd = pk_transport_fd(s->transports[i]), .events = POLLIN};
    while (!status && !stop && !closed && !(s->reading.limit && s->seen >= s->reading.limit)) {
        int ready = poll(entries, (nfds_t)s->count, 200);
        for (uint32_t i = 0; ready > 0 && !status && i < s->count; i++)
            if (entries[i].revents)
                status = take_frames(s, i);
        if (!status)
            status = put_out(s, &closed);
    }
    return status;
}

static int tell_end(sniffing *s)
{
    uint64_t dropped = 0;
    for (size_t i = 0; i < s->count; i++) {
        pk_transport_stats stats = {0};
        pk_transport_stats_of(s->transports[i], &stats);
        dropped += stats.dropped;
    }
    pk_cli_note(s->reading.cli, "%" PRIu64 " packet%s; %" PRIu64 " lost here", s->seen,
                s->seen == 1 ? "" : "s", dropped);
    return dropped ? PK_EXIT_LOST : 0;
}

static int open_all(pk_cli *cli, sniffing *s)
{
    pk_netlink *netlink;
    pk_error error;
    if (cli->n_operands)
        return pk_cli_fail(cli, PK_EXIT_USAGE,
                           "what is `%s`? an interface is named by -i, a filter by -f",
                           cli->operands[0]);
    if (pk_netlink_open(&netlink, &error))
        return pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "%s", error.text);
    int status = open_interfaces(cli, s, netlink);
    pk_netlink_close(netlink);
    if (!status)
        status = open_writer(cli, s);
    return status;
}

int pk_cli_sniff(pk_cli *cli)
{
    static sniffing s;
    pk_error error = {0};
    int status = pk_reading_open(&s.reading, cli);
    if (!status)
        status = open_all(cli, &s);
    install_handlers();
    if (!status)
        status = sniff(&s);
    if (pk_capture_finish(s.writer, &error) && !status)
        status = pk_cli_fail(cli, PK_EXIT_OUTPUT, "%s", error.text);
    if (!status)
        status = tell_end(&s);
    for (size_t i = 0; i < s.count; i++)
        pk_transport_close(s.transports[i]);
    for (size_t i = 0; i < INTERFACES; i++)
        pk_buf_free(&s.filters[i]);
    pk_reading_close(&s.reading);
    return status;
}
