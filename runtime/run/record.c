#include "run/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "run/report.h"

enum {
    OPTION_CUSTOM_BINARY = 2989, /* opt_custom, bytes, may be copied (pcapng section 3.5.1) */
    LINK_LEN = 32,               /* of a pk_record_link as it is written */
    OPTION_LEN = 4 + 4 + LINK_LEN
};

struct pk_record {
    pk_capture_writer *writer;
    pk_buf comment, about;
    int64_t checkpoint; /* the run's time at the last one */
};

static void put_le(uint8_t *out, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get_le(const uint8_t *in, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = bytes; i-- > 0;)
        value = value << 8 | in[i];
    return value;
}

static void link_encode(const pk_record_link *link, uint8_t out[LINK_LEN])
{
    memset(out, 0, LINK_LEN);
    out[0] = link->version;
    out[1] = link->kind;
    out[2] = link->quoted;
    out[3] = link->try;
    put_le(out + 8, link->n_low, 8);
    put_le(out + 16, link->n_high, 8);
    put_le(out + 24, (uint64_t)link->rtt, 8);
}

static pk_record_link link_decode(const uint8_t in[LINK_LEN])
{
    return (pk_record_link){.version = in[0],
                            .kind = in[1],
                            .quoted = in[2],
                            .try = in[3],
                            .n_low = get_le(in + 8, 8),
                            .n_high = get_le(in + 16, 8),
                            .rtt = (int64_t)get_le(in + 24, 8)};
}

/* The custom option, its headers in host order as the writer wants them. */
static void option_encode(const pk_record_link *link, uint8_t out[OPTION_LEN])
{
    uint16_t code = OPTION_CUSTOM_BINARY, len = 4 + LINK_LEN;
    uint32_t enterprise = PK_RECORD_ENTERPRISE;
    memcpy(out, &code, 2);
    memcpy(out + 2, &len, 2);
    memcpy(out + 4, &enterprise, 4);
    link_encode(link, out + 8);
}

static uint32_t get_as(const uint8_t *in, unsigned bytes, bool big_endian)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | in[big_endian ? i : bytes - 1 - i];
    return value;
}

bool pk_record_link_find(const pk_capture_record *packet, pk_record_link *ret_link)
{
    const uint8_t *at = packet->options.data;
    size_t left = packet->options.len;
    while (left >= 4) {
        uint32_t code = get_as(at, 2, packet->big_endian);
        uint32_t len = get_as(at + 2, 2, packet->big_endian);
        size_t whole = 4 + ((size_t)len + 3) / 4 * 4;
        if (whole > left)
            return false;
        if (code == OPTION_CUSTOM_BINARY && len == 4 + LINK_LEN &&
            get_as(at + 4, 4, packet->big_endian) == PK_RECORD_ENTERPRISE && at[8] == 1) {
            *ret_link = link_decode(at + 8);
            return true;
        }
        at += whole;
        left -= whole;
    }
    return false;
}

static int write_about(pk_record *record, const char *head, const char *text, pk_error *reterr_)
{
    pk_buf_clear(&record->about);
    pk_buf_text(&record->about, head);
    pk_buf_text(&record->about, text);
    if (record->about.failed)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory to keep the run");
    pk_bytes data = {record->about.data, record->about.len};
    return pk_capture_write_custom(record->writer, PK_RECORD_ENTERPRISE, data, reterr_);
}

int pk_record_open(pk_record **ret_record, const pk_record_setup *setup, pk_error *reterr_)
{
    pk_record *record = calloc(1, sizeof *record);
    if (!record)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory to keep the run");
    pk_capture_write_options options = {.format = PK_CAPTURE_PCAPNG,
                                        .link = setup->link->link,
                                        .declare = true,
                                        .live = true,
                                        .append = setup->append,
                                        .interface_name = setup->link->name,
                                        .application = setup->program};
    int error = pk_capture_create(&record->writer, setup->path, &options, reterr_);
    if (!error)
        error = write_about(record, PK_RECORD_BEGIN, setup->about, reterr_);
    if (!error)
        error = pk_capture_flush(record->writer, reterr_);
    if (error) {
        pk_capture_abandon(record->writer);
        pk_buf_free(&record->about);
        free(record);
        return error;
    }
    *ret_record = record;
    return PK_OK;
}

static int write_packet(pk_record *record, pk_capture_packet packet, const pk_record_link *link,
                        pk_error *reterr_)
{
    uint8_t option[OPTION_LEN];
    option_encode(link, option);
    packet.comment = pk_buf_cstr(&record->comment);
    packet.options = (pk_bytes){option, sizeof option};
    return pk_capture_write(record->writer, &packet, reterr_);
}

int pk_record_sent(pk_record *record, const pk_sent *sent, pk_error *reterr_)
{
    pk_record_link link = {.version = 1,
                           .kind = PK_RECORD_SENT,
                           .try = (uint8_t)sent->try,
                           .n_low = (uint64_t)sent->n,
                           .n_high = (uint64_t)(sent->n >> 64)};
    pk_capture_packet packet = {.data = sent->bytes.data,
                                .captured = (uint32_t)sent->bytes.len,
                                .time_ns = sent->time_ns,
                                .direction = PK_DIRECTION_OUT};
    pk_buf_clear(&record->comment);
    pk_buf_text(&record->comment, "stimulus ");
    pk_report_number(&record->comment, sent->n);
    pk_buf_printf(&record->comment, ", try %u", sent->try);
    return write_packet(record, packet, &link, reterr_);
}

static void comment_received(pk_buf *out, const pk_exchange *exchange)
{
    pk_buf_clear(out);
    pk_buf_text(out, pk_report_verdict(exchange));
    if (!exchange->sent)
        return;
    pk_buf_text(out, exchange->verdict == PK_VERDICT_DUPLICATE ? " of an answer to " : " to ");
    pk_report_number(out, exchange->n);
    pk_buf_printf(out, ", try %u, rtt ", exchange->try);
    pk_report_duration(out, exchange->rtt);
}

int pk_record_received(pk_record *record, const pk_exchange *exchange, pk_error *reterr_)
{
    bool matched = exchange->sent != NULL;
    pk_record_link link = {.version = 1,
                           .kind = (uint8_t)(1 + exchange->verdict),
                           .quoted = exchange->quoted,
                           .try = (uint8_t)exchange->try,
                           .n_low = matched ? (uint64_t)exchange->n : UINT64_MAX,
                           .n_high = matched ? (uint64_t)(exchange->n >> 64) : UINT64_MAX,
                           .rtt = exchange->rtt};
    pk_capture_packet packet = {.data = exchange->bytes.data,
                                .captured = (uint32_t)exchange->bytes.len,
                                .original = exchange->wire_len,
                                .time_ns = exchange->time_ns,
                                .direction = PK_DIRECTION_IN};
    comment_received(&record->comment, exchange);
    return write_packet(record, packet, &link, reterr_);
}

int pk_record_flush(pk_record *record, pk_error *reterr_)
{
    return pk_capture_flush(record->writer, reterr_);
}

void pk_record_counts(pk_buf *out, const pk_session_counts *counts)
{
    const struct {
        const char *name;
        uint64_t value;
    } lines[] = {
        {"sent", counts->sent},         {"failed", counts->failed},
        {"excluded", counts->excluded}, {"retries", counts->retries},
        {"answered", counts->answered}, {"received", counts->received},
        {"answers", counts->answers},   {"duplicates", counts->duplicates},
        {"late", counts->late},         {"unmatched", counts->unmatched},
        {"heard", counts->heard},       {"other", counts->other},
        {"dropped", counts->dropped},   {"elapsed_ns", (uint64_t)counts->elapsed},
    };
    pk_buf_text(out, "asked: ");
    pk_report_number(out, counts->asked);
    pk_buf_byte(out, '\n');
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        pk_buf_printf(out, "%s: %llu\n", lines[i].name, (unsigned long long)lines[i].value);
}

static int write_checkpoint(pk_record *record, const pk_session_counts *counts, uint64_t settled,
                            pk_error *reterr_)
{
    pk_buf *text = &record->comment;
    pk_buf_clear(text);
    pk_buf_printf(text, "settled: %llu\n", (unsigned long long)settled);
    pk_record_counts(text, counts);
    return write_about(record, PK_RECORD_CHECKPOINT, pk_buf_cstr(text), reterr_);
}

int pk_record_checkpoint(pk_record *record, const pk_session_counts *counts, uint64_t settled,
                         pk_error *reterr_)
{
    if (counts->elapsed - record->checkpoint < PK_RECORD_EVERY)
        return PK_OK;
    record->checkpoint = counts->elapsed;
    int error = write_checkpoint(record, counts, settled, reterr_);
    return error ? error : pk_record_flush(record, reterr_);
}

int pk_record_finish(pk_record *record, const pk_session_counts *counts, uint64_t settled,
                     pk_error *reterr_)
{
    if (!record)
        return PK_OK;
    int error = write_checkpoint(record, counts, settled, reterr_);
    pk_buf_clear(&record->comment);
    pk_record_counts(&record->comment, counts);
    if (!error)
        error = write_about(record, PK_RECORD_END, pk_buf_cstr(&record->comment), reterr_);
    int closed = pk_capture_finish(record->writer, error ? NULL : reterr_);
    pk_buf_free(&record->comment);
    pk_buf_free(&record->about);
    free(record);
    return error ? error : closed;
}
