#include "run/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "run/pace.h"
#include "tree/writers.h"

#define NS_PER_S      1e9
#define WORTH_TELLING INT64_C(5000000) /* ns that sending lagged behind */

void pk_report_number(pk_buf *out, pk_u128 number)
{
    char digits[40];
    unsigned at = sizeof digits;
    do
        digits[--at] = (char)('0' + (unsigned)(number % 10));
    while (number /= 10);
    pk_buf_add(out, digits + at, sizeof digits - at);
}

void pk_report_duration(pk_buf *out, int64_t nanoseconds)
{
    if (nanoseconds < 0) {
        pk_buf_byte(out, '-');
        return;
    }
    static const struct {
        double unit;
        const char *name;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}};
    double value = (double)nanoseconds;
    size_t i = value >= 1e9 ? 0 : value >= 1e5 ? 1 : 2;
    value /= units[i].unit;
    int decimals = value >= 100 ? 0 : value >= 10 ? 1 : 2;
    pk_buf_printf(out, "%.*f %s", decimals, value, units[i].name);
}

const char *pk_report_verdict(const pk_exchange *exchange)
{
    switch (exchange->verdict) {
    case PK_VERDICT_ANSWER:
        return exchange->quoted ? "error report" : "answer";
    case PK_VERDICT_DUPLICATE:
        return "duplicate";
    case PK_VERDICT_LATE:
        return "late answer";
    case PK_VERDICT_UNMATCHED:
        return "unmatched";
    case PK_VERDICT_HEARD:
        return "heard";
    case PK_VERDICT_OTHER:
        break;
    }
    return "other traffic";
}

/* ---- packets ---- */

static pk_value writer_eval(void *context, const pk_tree *tree, pk_tree_node self, pk_ref expr)
{
    return pk_vm_eval(context, expr, tree, self, NULL, NULL, 0);
}

static bool writer_inferred(void *context, const pk_tree *tree, pk_tree_node node)
{
    return pk_vm_inferred(context, tree, node);
}

static pk_writer writer_of(const pk_report *report)
{
    return (pk_writer){.inferred = writer_inferred,
                       .eval = writer_eval,
                       .context = report->vm,
                       .cache = report->cache,
                       .verbosity = report->verbosity > 1 ? report->verbosity - 1 : 0};
}

/* A packet's line without the link layer, when the probe did not write it itself. */
static void put_line(const pk_report *report, pk_buf *out, const pk_tree *tree, bool skip_link)
{
    pk_writer how = writer_of(report);
    pk_buf line = {0};
    pk_write_line(&line, tree, &how);
    const char *text = pk_buf_cstr(&line);
    const char *rest = skip_link ? strstr(text, " / ") : NULL;
    pk_buf_text(out, rest ? rest + 3 : text);
    pk_buf_free(&line);
}

static void put_source(const pk_report *report, pk_buf *out, const pk_tree *tree)
{
    pk_writer how = writer_of(report);
    pk_buf_text(out, "    ");
    pk_write_source(out, tree, &how);
    pk_buf_byte(out, '\n');
}

static void put_json_packet(const pk_report *report, pk_buf *out, const char *key,
                            const pk_tree *tree, const pk_writer_packet *packet)
{
    pk_writer how = writer_of(report);
    pk_buf_printf(out, ",\"%s\":", key);
    if (!tree) {
        pk_buf_text(out, "null");
        return;
    }
    pk_write_json(out, tree, &how, packet);
    if (!out->failed && out->data[out->len - 1] == '\n')
        out->data[--out->len] = 0;
}

static pk_writer_packet packet_of(const pk_exchange *exchange)
{
    return (pk_writer_packet){.number = 1,
                              .has_time = true,
                              .seconds = exchange->time_ns / 1000000000,
                              .nanoseconds = (uint32_t)(exchange->time_ns % 1000000000)};
}

static void put_json(const pk_report *report, pk_buf *out, const pk_exchange *exchange)
{
    pk_writer_packet packet = packet_of(exchange);
    pk_buf_printf(out, "{\"v\":1,\"kind\":\"%s\",\"n\":", pk_report_verdict(exchange));
    if (exchange->sent) {
        pk_buf_byte(out, '"');
        pk_report_number(out, exchange->n);
        pk_buf_printf(out, "\",\"try\":%u,\"rtt\":", exchange->try);
        if (exchange->rtt < 0)
            pk_buf_text(out, "null");
        else
            pk_buf_printf(out, "%.9f", (double)exchange->rtt / NS_PER_S);
        pk_buf_printf(out, ",\"quoted\":%s", exchange->quoted ? "true" : "false");
    } else {
        pk_buf_text(out, "null,\"try\":null,\"rtt\":null,\"quoted\":false");
    }
    put_json_packet(report, out, "sent", exchange->sent, NULL);
    put_json_packet(report, out, "reply", exchange->reply, &packet);
    pk_buf_text(out, "}\n");
}

/* ---- lines ---- */

void pk_report_packet(const pk_report *report, pk_buf *out, const pk_exchange *exchange)
{
    put_line(report, out, exchange->reply, pk_session_link_added(report->session, exchange->n));
}

static void put_reason(const pk_report *report, pk_buf *out, const pk_exchange *exchange)
{
    size_t start = out->len;
    pk_buf_text(out, "    ");
    if (pk_session_explain(report->session, exchange->reply, out))
        pk_buf_byte(out, '\n');
    else if (!out->failed)
        out->data[out->len = start] = 0;
}

static void put_head(const pk_report *report, pk_buf *out, const pk_exchange *exchange)
{
    bool skip = pk_session_link_added(report->session, exchange->sent ? exchange->n : 0);
    if (exchange->sent) {
        pk_report_number(out, exchange->n);
        pk_buf_text(out, "  ");
        pk_report_duration(out, exchange->rtt);
        pk_buf_text(out, "  ");
        put_line(report, out, exchange->sent, skip);
        pk_buf_text(out, "  =>  ");
    }
    if (exchange->verdict != PK_VERDICT_ANSWER)
        pk_buf_printf(out, "(%s) ", pk_report_verdict(exchange));
    put_line(report, out, exchange->reply, skip);
    pk_buf_byte(out, '\n');
    if (exchange->verdict == PK_VERDICT_UNMATCHED)
        put_reason(report, out, exchange);
}

static void put_body(const pk_report *report, pk_buf *out, const pk_exchange *exchange)
{
    pk_writer how = writer_of(report);
    pk_writer_packet packet = packet_of(exchange);
    if (report->form == PK_FRONT_TREE)
        pk_write_tree(out, exchange->reply, &how, &packet);
    else if (report->form == PK_FRONT_HEX)
        pk_write_hex(out, exchange->bytes, 4);
    else if (report->form == PK_FRONT_SOURCE)
        put_source(report, out, exchange->reply);
}

void pk_report_exchange(const pk_report *report, pk_buf *out, const pk_exchange *exchange)
{
    if (report->form == PK_FRONT_JSON) {
        put_json(report, out, exchange);
        return;
    }
    put_head(report, out, exchange);
    put_body(report, out, exchange);
}

void pk_report_stimulus(const pk_report *report, pk_buf *out, pk_u128 n, const pk_tree *tree)
{
    put_line(report, out, tree, pk_session_link_added(report->session, n));
}

void pk_report_unanswered(const pk_report *report, pk_buf *out, uint32_t k)
{
    pk_u128 n = pk_session_number(report->session, k);
    const pk_tree *sent = pk_session_stimulus(report->session, n);
    if (report->form == PK_FRONT_JSON) {
        pk_buf_text(out, "{\"v\":1,\"kind\":\"no answer\",\"n\":\"");
        pk_report_number(out, n);
        pk_buf_text(out, "\",\"try\":null,\"rtt\":null,\"quoted\":false");
        put_json_packet(report, out, "sent", sent, NULL);
        pk_buf_text(out, ",\"reply\":null}\n");
        return;
    }
    pk_report_number(out, n);
    pk_buf_text(out, "  -  ");
    if (sent)
        put_line(report, out, sent, pk_session_link_added(report->session, n));
    pk_buf_text(out, "  =>  no answer\n");
}

/* ---- the run as a whole ---- */

/* Seconds that a number of packets takes; 0 when the rate does not say. */
static double seconds_for(pk_u128 packets, uint64_t rate)
{
    if (!rate || rate & PK_PACE_BITS)
        return 0;
    return (double)packets / ((double)rate / 1e6);
}

static void put_seconds(pk_buf *out, double seconds)
{
    if (seconds < 120)
        pk_buf_printf(out, "%.1f s", seconds);
    else if (seconds < 7200)
        pk_buf_printf(out, "%.0f min", seconds / 60);
    else if (seconds < 172800)
        pk_buf_printf(out, "%.1f h", seconds / 3600);
    else
        pk_buf_printf(out, "%.0f days", seconds / 86400);
}

static void put_packets(pk_buf *out, pk_u128 packets)
{
    if (packets == PK_RUN_COUNT_FOREVER) {
        pk_buf_text(out, "packets without end");
        return;
    }
    pk_report_number(out, packets);
    pk_buf_text(out, packets == 1 ? " packet" : " packets");
}

void pk_report_plan(pk_buf *out, pk_u128 asked, uint64_t rate, const char *interface)
{
    if (asked) {
        put_packets(out, asked);
        pk_buf_text(out, " on ");
    } else {
        pk_buf_text(out, "listening on ");
    }
    pk_escape_terminal(out, interface, strlen(interface));
    if (!asked) {
        pk_buf_byte(out, '\n');
        return;
    }
    pk_buf_text(out, " at ");
    pk_run_rate_text(out, rate);
    double seconds = seconds_for(asked, rate);
    if (seconds > 0 && asked != PK_RUN_COUNT_FOREVER) {
        pk_buf_text(out, ", ");
        put_seconds(out, seconds);
    }
    pk_buf_byte(out, '\n');
}

static double achieved(const pk_session_counts *counts)
{
    uint64_t tries = counts->sent + counts->retries;
    return tries > 1 && counts->sending > 0
               ? (double)(tries - 1) * NS_PER_S / (double)counts->sending
               : 0;
}

void pk_report_progress(pk_buf *out, const pk_session_counts *counts)
{
    pk_buf_printf(out, "sent %llu", (unsigned long long)counts->sent);
    if (counts->asked != PK_RUN_COUNT_FOREVER) {
        pk_buf_text(out, " of ");
        pk_report_number(out, counts->asked);
    }
    pk_buf_printf(out, ", answered %llu, waiting for %llu, %.0f pps of ",
                  (unsigned long long)counts->answered, (unsigned long long)counts->open,
                  achieved(counts));
    pk_run_rate_text(out, counts->rate);
    if (counts->dropped)
        pk_buf_printf(out, ", %llu lost here", (unsigned long long)counts->dropped);
    pk_u128 left = counts->asked - counts->sent - counts->failed - counts->excluded;
    double seconds = seconds_for(left, counts->rate);
    if (seconds > 0.5 && counts->asked != PK_RUN_COUNT_FOREVER) {
        pk_buf_text(out, ", ");
        put_seconds(out, seconds);
        pk_buf_text(out, " to go");
    }
}

static void put_asked(pk_buf *out, const pk_session_counts *counts)
{
    if (counts->asked == PK_RUN_COUNT_FOREVER) {
        pk_buf_printf(out, "sent %llu, failed %llu", (unsigned long long)counts->sent,
                      (unsigned long long)counts->failed);
    } else {
        pk_buf_text(out, "asked ");
        pk_report_number(out, counts->asked);
        pk_buf_printf(out, " = %llu sent + %llu failed + ", (unsigned long long)counts->sent,
                      (unsigned long long)counts->failed);
        pk_report_number(out, counts->asked - counts->sent - counts->failed);
        pk_buf_text(out, " not sent");
    }
    if (counts->excluded)
        pk_buf_printf(out, " (%llu excluded)", (unsigned long long)counts->excluded);
    pk_buf_printf(out, "; sent %llu = %llu answered + %llu unanswered",
                  (unsigned long long)counts->sent, (unsigned long long)counts->answered,
                  (unsigned long long)(counts->sent - counts->answered));
    if (counts->retries)
        pk_buf_printf(out, "; %llu sent again", (unsigned long long)counts->retries);
    pk_buf_byte(out, '\n');
}

static void put_received(pk_buf *out, const pk_session_counts *counts)
{
    pk_buf_printf(out,
                  "received %llu = %llu answers + %llu duplicates + %llu late + %llu unmatched + ",
                  (unsigned long long)counts->received, (unsigned long long)counts->answers,
                  (unsigned long long)counts->duplicates, (unsigned long long)counts->late,
                  (unsigned long long)counts->unmatched);
    if (counts->heard)
        pk_buf_printf(out, "%llu heard + ", (unsigned long long)counts->heard);
    pk_buf_printf(out, "%llu other traffic; %llu lost here\n", (unsigned long long)counts->other,
                  (unsigned long long)counts->dropped);
}

void pk_report_summary(pk_buf *out, const pk_session_counts *counts, uint64_t seed)
{
    put_asked(out, counts);
    put_received(out, counts);
    pk_report_duration(out, counts->elapsed);
    pk_buf_text(out, "; rate asked ");
    pk_run_rate_text(out, counts->rate);
    if (achieved(counts) > 0)
        pk_buf_printf(out, ", achieved %.1f pps", achieved(counts));
    if (counts->worst_gap > WORTH_TELLING) {
        pk_buf_text(out, ", at worst ");
        pk_report_duration(out, counts->worst_gap);
        pk_buf_text(out, " behind");
    }
    pk_buf_printf(out, "; seed %llu%s\n", (unsigned long long)seed,
                  counts->stopped ? "; stopped" : "");
}
