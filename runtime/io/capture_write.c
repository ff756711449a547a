#include "io/capture.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "io/output.h"

#define NS_PER_S       1000000000ll
#define PCAP_SNAP      262144u
#define OPTION_LEN_MAX 65535u

struct pk_capture_writer {
    pk_output output;
    pk_capture_format format;
    uint32_t link; /* pcap: of the whole file */
    uint32_t interface_count;
    uint32_t interface_room;
    pk_capture_interface *interfaces;
    pk_buf block; /* the block being built; reused */
};

static void put_u16(pk_buf *buf, uint16_t value)
{
    pk_buf_add(buf, &value, sizeof value);
}

static void put_u32(pk_buf *buf, uint32_t value)
{
    pk_buf_add(buf, &value, sizeof value);
}

static void put_u64(pk_buf *buf, uint64_t value)
{
    pk_buf_add(buf, &value, sizeof value);
}

static void put_padded(pk_buf *buf, const void *bytes, size_t len)
{
    pk_buf_add(buf, bytes, len);
    pk_buf_zeros(buf, (4 - len % 4) % 4);
}

static void put_option(pk_buf *buf, uint16_t code, const void *bytes, size_t len)
{
    if (len > OPTION_LEN_MAX)
        len = OPTION_LEN_MAX;
    put_u16(buf, code);
    put_u16(buf, (uint16_t)len);
    put_padded(buf, bytes, len);
}

static void put_text_option(pk_buf *buf, uint16_t code, const char *text)
{
    if (text && *text)
        put_option(buf, code, text, strlen(text));
}

static void begin_block(pk_capture_writer *writer, uint32_t type)
{
    pk_buf_clear(&writer->block);
    put_u32(&writer->block, type);
    put_u32(&writer->block, 0); /* the length, set by end_block */
}

/* Closes the option list that started at `options_at`, then the block, and hands it on. */
static int end_block(pk_capture_writer *writer, size_t options_at, pk_error *reterr_)
{
    pk_buf *buf = &writer->block;
    if (buf->len > options_at)
        put_u32(buf, 0);
    if (buf->len > PK_CAPTURE_BLOCK_MAX - 4)
        return pk_error_set(reterr_, PK_ELIMIT,
                            "a block of %zu bytes is beyond the limit of a capture block (%u)",
                            buf->len, PK_CAPTURE_BLOCK_MAX);
    uint32_t len = (uint32_t)buf->len + 4;
    put_u32(buf, len);
    if (buf->failed)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for a capture block");
    memcpy(buf->data + 4, &len, sizeof len);
    int code = pk_output_record(&writer->output, buf->len, reterr_);
    return code < 0 ? code : pk_output_add(&writer->output, buf->data, buf->len, reterr_);
}

static int write_section(pk_capture_writer *writer, const pk_capture_write_options *options,
                         pk_error *reterr_)
{
    begin_block(writer, 0x0a0d0d0a);
    put_u32(&writer->block, 0x1a2b3c4d);
    put_u16(&writer->block, 1);
    put_u16(&writer->block, 0);
    put_u64(&writer->block, UINT64_MAX); /* section length: not known */
    size_t options_at = writer->block.len;
    put_text_option(&writer->block, 4, options->application);
    return end_block(writer, options_at, reterr_);
}

static int write_pcap_header(pk_capture_writer *writer, const pk_capture_write_options *options,
                             pk_error *reterr_)
{
    pk_buf *buf = &writer->block;
    put_u32(buf, writer->format == PK_CAPTURE_PCAP_NS ? 0xa1b23c4d : 0xa1b2c3d4);
    put_u16(buf, 2);
    put_u16(buf, 4);
    put_u64(buf, 0); /* time zone and accuracy, always 0 */
    put_u32(buf, options->snap ? options->snap : PCAP_SNAP);
    put_u32(buf, options->link);
    if (buf->failed)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for a capture header");
    return pk_output_add(&writer->output, buf->data, buf->len, reterr_);
}

static int write_interface(pk_capture_writer *writer, const pk_capture_interface *interface,
                           pk_error *reterr_)
{
    if (interface->link > UINT16_MAX)
        return pk_error_set(reterr_, PK_ELIMIT, "link type %u does not fit a pcapng file",
                            interface->link);
    begin_block(writer, 1);
    put_u16(&writer->block, (uint16_t)interface->link);
    put_u16(&writer->block, 0);
    put_u32(&writer->block, interface->snap);
    size_t options_at = writer->block.len;
    put_text_option(&writer->block, 2, interface->name);
    uint8_t resolution = 9;
    put_option(&writer->block, 9, &resolution, 1);
    if (interface->fcs_len)
        put_option(&writer->block, 13, &interface->fcs_len, 1);
    return end_block(writer, options_at, reterr_);
}

static int remember_interface(pk_capture_writer *writer, const pk_capture_interface *interface,
                              pk_error *reterr_)
{
    if (writer->interface_count >= PK_CAPTURE_INTERFACE_MAX)
        return pk_error_set(reterr_, PK_ELIMIT, "too many interfaces in a capture (limit %u)",
                            PK_CAPTURE_INTERFACE_MAX);
    if (writer->interface_count == writer->interface_room) {
        uint32_t room = writer->interface_room ? writer->interface_room * 2 : 4;
        pk_capture_interface *grown = realloc(writer->interfaces, room * sizeof *grown);
        if (!grown)
            return pk_error_set(reterr_, PK_ENOMEM, "no memory for interfaces");
        writer->interfaces = grown;
        writer->interface_room = room;
    }
    writer->interfaces[writer->interface_count] = *interface;
    return PK_OK;
}

int pk_capture_add_interface(pk_capture_writer *writer, const pk_capture_interface *interface,
                             uint32_t *ret_id, pk_error *reterr_)
{
    int code = remember_interface(writer, interface, reterr_);
    if (code < 0)
        return code;
    if (writer->format == PK_CAPTURE_PCAPNG)
        code = write_interface(writer, interface, reterr_);
    else if (interface->link != writer->link)
        code = pk_error_set(reterr_, PK_EUNSUPPORTED,
                            "a pcap file holds one link type (%u), not also %u; write pcapng",
                            writer->link, interface->link);
    if (code < 0)
        return code;
    if (ret_id)
        *ret_id = writer->interface_count;
    writer->interface_count++;
    return PK_OK;
}

static int declare_first(pk_capture_writer *writer, const pk_capture_write_options *options,
                         pk_error *reterr_)
{
    pk_capture_interface interface = {.link = options->link, .snap = options->snap};
    if (options->interface_name)
        (void)strncat(interface.name, options->interface_name, PK_CAPTURE_NAME_MAX - 1);
    return pk_capture_add_interface(writer, &interface, NULL, reterr_);
}

/* A section can follow only whole blocks: what is there is read to its end. */
static int check_appendable(const pk_output *output, pk_error *reterr_)
{
    if (output->existed == 0)
        return PK_OK;
    pk_capture_reader *reader;
    int code = pk_capture_open(&reader, output->name, NULL, reterr_);
    if (code < 0)
        return code;
    if (pk_capture_reader_format(reader) != PK_CAPTURE_PCAPNG)
        code = pk_error_set(reterr_, PK_EUNSUPPORTED, "%s: only pcapng files can be appended to",
                            output->name);
    pk_capture_record record;
    while (code == PK_OK)
        code = pk_capture_next(reader, &record, reterr_);
    pk_capture_close(reader);
    return code == PK_EOF ? PK_OK : code;
}

static int start(pk_capture_writer *writer, const pk_capture_write_options *options,
                 pk_error *reterr_)
{
    int code = PK_OK;
    if (options->append && writer->format != PK_CAPTURE_PCAPNG)
        return pk_error_set(reterr_, PK_EUNSUPPORTED, "only pcapng files can be appended to");
    if (options->append && (code = check_appendable(&writer->output, reterr_)) < 0)
        return code;
    writer->link = options->link;
    code = writer->format == PK_CAPTURE_PCAPNG ? write_section(writer, options, reterr_)
                                               : write_pcap_header(writer, options, reterr_);
    if (code == PK_OK && (options->declare || writer->format != PK_CAPTURE_PCAPNG))
        code = declare_first(writer, options, reterr_);
    return code;
}

static pk_capture_format chosen_format(const char *path, const pk_capture_write_options *options)
{
    if (options->format != PK_CAPTURE_NONE)
        return options->format;
    pk_capture_format format = pk_capture_format_of_path(path);
    return format == PK_CAPTURE_NONE ? PK_CAPTURE_PCAPNG : format;
}

/* Takes over an open output (closed on failure). */
static int wrap(pk_capture_writer **ret_writer, pk_output *output,
                const pk_capture_write_options *options, pk_error *reterr_)
{
    pk_capture_writer *writer = calloc(1, sizeof *writer);
    if (!writer) {
        pk_output_abandon(output);
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for writing");
    }
    writer->output = *output;
    writer->format = chosen_format(output->name, options);
    int code = start(writer, options, reterr_);
    if (code < 0) {
        pk_capture_abandon(writer);
        return code;
    }
    *ret_writer = writer;
    return PK_OK;
}

int pk_capture_create(pk_capture_writer **ret_writer, const char *path,
                      const pk_capture_write_options *options, pk_error *reterr_)
{
    pk_output_mode mode = PK_OUTPUT_WHOLE;
    if (options->append)
        mode = PK_OUTPUT_APPEND;
    else if (options->live)
        mode = PK_OUTPUT_LIVE;
    pk_output output;
    int code = pk_output_open(&output, path, mode, reterr_);
    return code < 0 ? code : wrap(ret_writer, &output, options, reterr_);
}

int pk_capture_create_fd(pk_capture_writer **ret_writer, int fd, const char *name,
                         const pk_capture_write_options *options, pk_error *reterr_)
{
    pk_output output;
    int code = pk_output_open_fd(&output, fd, name, reterr_);
    return code < 0 ? code : wrap(ret_writer, &output, options, reterr_);
}

static int write_pcap_record(pk_capture_writer *writer, const pk_capture_packet *packet,
                             pk_error *reterr_)
{
    int64_t seconds = packet->time_ns / NS_PER_S;
    if (packet->time_ns < 0 || seconds > UINT32_MAX)
        return pk_error_set(reterr_, PK_ELIMIT,
                            "a pcap file cannot say the time %lld s; write pcapng",
                            (long long)seconds);
    int64_t fraction = packet->time_ns % NS_PER_S;
    uint32_t header[4] = {
        (uint32_t)seconds,
        (uint32_t)(writer->format == PK_CAPTURE_PCAP_NS ? fraction : fraction / 1000),
        packet->captured,
        packet->original ? packet->original : packet->captured,
    };
    int code = pk_output_record(&writer->output, sizeof header + packet->captured, reterr_);
    if (code == PK_OK)
        code = pk_output_add(&writer->output, header, sizeof header, reterr_);
    if (code == PK_OK)
        code = pk_output_add(&writer->output, packet->data, packet->captured, reterr_);
    return code;
}

static int write_packet_block(pk_capture_writer *writer, const pk_capture_packet *packet,
                              pk_error *reterr_)
{
    pk_buf *buf = &writer->block;
    uint64_t ticks = (uint64_t)packet->time_ns;
    begin_block(writer, 6);
    put_u32(buf, packet->interface);
    put_u32(buf, (uint32_t)(ticks >> 32));
    put_u32(buf, (uint32_t)ticks);
    put_u32(buf, packet->captured);
    put_u32(buf, packet->original ? packet->original : packet->captured);
    put_padded(buf, packet->data, packet->captured);
    size_t options_at = buf->len;
    put_text_option(buf, 1, packet->comment);
    if (packet->direction != PK_DIRECTION_UNKNOWN) {
        uint32_t flags = (uint32_t)packet->direction;
        put_option(buf, 2, &flags, sizeof flags);
    }
    pk_buf_add(buf, packet->options.data, packet->options.len);
    return end_block(writer, options_at, reterr_);
}

static int check_packet(const pk_capture_writer *writer, const pk_capture_packet *packet,
                        pk_error *reterr_)
{
    if (packet->interface >= writer->interface_count)
        return pk_error_set(reterr_, PK_ENOENT, "a packet of interface %u where %u are declared",
                            packet->interface, writer->interface_count);
    if (packet->captured > PK_CAPTURE_BLOCK_MAX)
        return pk_error_set(reterr_, PK_ELIMIT,
                            "a packet of %u bytes is beyond the limit of a capture record (%u)",
                            packet->captured, PK_CAPTURE_BLOCK_MAX);
    if (writer->format == PK_CAPTURE_PCAPNG && packet->time_ns < 0)
        return pk_error_set(reterr_, PK_ELIMIT, "a capture cannot hold a time before 1970");
    return PK_OK;
}

int pk_capture_write(pk_capture_writer *writer, const pk_capture_packet *packet, pk_error *reterr_)
{
    int code = check_packet(writer, packet, reterr_);
    if (code < 0)
        return code;
    return writer->format == PK_CAPTURE_PCAPNG ? write_packet_block(writer, packet, reterr_)
                                               : write_pcap_record(writer, packet, reterr_);
}

/* ---- batches --------------------------------------------------------------------------------- */

enum { PCAP_HEAD = 16, BLOCK_HEAD = 28, BLOCK_TAIL = 4 };

static uint32_t padded(uint32_t len)
{
    return (len + 3) & ~UINT32_C(3);
}

static void put_pcap_heads(const pk_capture_writer *writer, const pk_capture_batch *batch)
{
    int64_t unit = writer->format == PK_CAPTURE_PCAP_NS ? 1 : 1000;
    int64_t seconds = batch->time_ns / NS_PER_S, rest = batch->time_ns % NS_PER_S;
    uint8_t *at = batch->base - PCAP_HEAD;
    for (uint32_t i = 0; i < batch->count; i++, at += batch->stride) {
        const uint32_t head[4] = {(uint32_t)seconds, (uint32_t)(rest / unit), batch->len,
                                  batch->len};
        memcpy(at, head, sizeof head);
        for (rest += batch->step_ns; rest >= NS_PER_S; rest -= NS_PER_S)
            seconds++;
    }
}

static void put_block_heads(const pk_capture_batch *batch)
{
    uint32_t size = (uint32_t)batch->stride;
    uint64_t ticks = (uint64_t)batch->time_ns;
    uint8_t *at = batch->base - BLOCK_HEAD;
    for (uint32_t i = 0; i < batch->count; i++, at += size, ticks += (uint64_t)batch->step_ns) {
        const uint32_t head[7] = {
            6,          size,      batch->interface, (uint32_t)(ticks >> 32), (uint32_t)ticks,
            batch->len, batch->len};
        memcpy(at, head, sizeof head);
        memset(at + size - BLOCK_TAIL - 4, 0, 4); /* padding, before the packet is there */
        memcpy(at + size - BLOCK_TAIL, &size, sizeof size);
    }
}

int pk_capture_reserve(pk_capture_writer *writer, pk_capture_batch *batch, pk_error *reterr_)
{
    bool blocks = writer->format == PK_CAPTURE_PCAPNG;
    int64_t last = batch->time_ns + batch->step_ns * (int64_t)batch->count;
    const pk_capture_packet packet = {
        .captured = batch->len, .time_ns = batch->time_ns, .interface = batch->interface};
    int code = check_packet(writer, &packet, reterr_);
    uint32_t head = blocks ? BLOCK_HEAD : PCAP_HEAD;
    size_t stride = blocks ? BLOCK_HEAD + padded(batch->len) + BLOCK_TAIL : head + batch->len;
    if (code < 0)
        return code;
    if (stride > PK_OUTPUT_ROOM || batch->step_ns < 0 || (!blocks && last / NS_PER_S > UINT32_MAX))
        return pk_error_set(reterr_, PK_ELIMIT, "these packets cannot be written in batches");
    uint32_t most = (uint32_t)(PK_OUTPUT_ROOM / stride);
    batch->count = batch->count < most ? batch->count : most;
    code = pk_output_room(&writer->output, batch->count * stride, &batch->base, reterr_);
    if (code < 0)
        return code;
    batch->base += head;
    batch->stride = stride;
    if (blocks)
        put_block_heads(batch);
    else
        put_pcap_heads(writer, batch);
    return PK_OK;
}

void pk_capture_take(pk_capture_writer *writer, const pk_capture_batch *batch, uint32_t count)
{
    pk_output_take(&writer->output, count * batch->stride);
}

int pk_capture_write_custom(pk_capture_writer *writer, uint32_t enterprise, pk_bytes data,
                            pk_error *reterr_)
{
    if (writer->format != PK_CAPTURE_PCAPNG)
        return pk_error_set(reterr_, PK_EUNSUPPORTED,
                            "a pcap file holds packets only; write "
                            "pcapng");
    begin_block(writer, 0x00000bad);
    put_u32(&writer->block, enterprise);
    put_padded(&writer->block, data.data, data.len);
    return end_block(writer, writer->block.len, reterr_);
}

int pk_capture_flush(pk_capture_writer *writer, pk_error *reterr_)
{
    return pk_output_flush(&writer->output, reterr_);
}

uint64_t pk_capture_written(const pk_capture_writer *writer)
{
    return writer->output.written;
}

static void release(pk_capture_writer *writer)
{
    pk_buf_free(&writer->block);
    free(writer->interfaces);
    free(writer);
}

int pk_capture_finish(pk_capture_writer *writer, pk_error *reterr_)
{
    if (!writer)
        return PK_OK;
    int code = pk_output_finish(&writer->output, reterr_);
    release(writer);
    return code;
}

void pk_capture_abandon(pk_capture_writer *writer)
{
    if (!writer)
        return;
    pk_output_abandon(&writer->output);
    release(writer);
}

static bool ends_with(const char *path, const char *suffix)
{
    size_t len = strlen(path);
    size_t suffix_len = strlen(suffix);
    return len > suffix_len && strcasecmp(path + len - suffix_len, suffix) == 0;
}

pk_capture_format pk_capture_format_of_path(const char *path)
{
    static const struct {
        const char *suffix;
        pk_capture_format format;
    } suffixes[] = {
        {".pcapng", PK_CAPTURE_PCAPNG},  {".ntar", PK_CAPTURE_PCAPNG},
        {".ngcap", PK_CAPTURE_PCAPNG},   {".pcap", PK_CAPTURE_PCAP},
        {".cap", PK_CAPTURE_PCAP},       {".dmp", PK_CAPTURE_PCAP},
        {".pcapns", PK_CAPTURE_PCAP_NS}, {".pcap-ns", PK_CAPTURE_PCAP_NS},
    };
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (ends_with(path, suffixes[i].suffix))
            return suffixes[i].format;
    return PK_CAPTURE_NONE;
}

static const char *const format_names[] = {
    [PK_CAPTURE_NONE] = "",
    [PK_CAPTURE_PCAP] = "pcap",
    [PK_CAPTURE_PCAP_NS] = "pcap-ns",
    [PK_CAPTURE_PCAPNG] = "pcapng",
};

const char *pk_capture_format_name(pk_capture_format format)
{
    return format_names[format];
}

pk_capture_format pk_capture_format_of_name(const char *name)
{
    for (int i = PK_CAPTURE_PCAP; i <= PK_CAPTURE_PCAPNG; i++)
        if (strcmp(name, format_names[i]) == 0)
            return (pk_capture_format)i;
    return PK_CAPTURE_NONE;
}
