#include "io/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/capture_reader.h"

#define SNIFF_LEN 64u

typedef struct magic {
    uint8_t bytes[8];
    uint8_t len;
    const char *what;
} magic;

/* What people hand to a reader by mistake, and the way on. */
static const magic foreign[] = {
    {{0x1f, 0x8b}, 2, "gzip data, which this program cannot unpack; use `gzip -dc FILE |`"},
    {{'B', 'Z', 'h'}, 3, "bzip2 data; use `bzip2 -dc FILE |`"},
    {{0xfd, '7', 'z', 'X', 'Z', 0}, 6, "xz data; use `xz -dc FILE |`"},
    {{0x28, 0xb5, 0x2f, 0xfd}, 4, "zstd data; use `zstd -dc FILE |`"},
    {{0x04, 0x22, 0x4d, 0x18}, 4, "lz4 data; use `lz4 -dc FILE |`"},
    {{'P', 'K', 3, 4}, 4, "a zip archive"},
    {{0x7f, 'E', 'L', 'F'}, 4, "an ELF program"},
    {{'M', 'Z'}, 2, "a Windows program"},
    {{'s', 'n', 'o', 'o', 'p', 0, 0, 0}, 8, "a snoop capture; convert it with `editcap`"},
    {{'R', 'T', 'S', 'S'}, 4, "a Network Monitor 1 capture; convert it with `editcap`"},
    {{'G', 'M', 'B', 'U'}, 4, "a Network Monitor 2 capture; convert it with `editcap`"},
    {{'X', 'C', 'P', 0}, 4, "a NetXRay capture; convert it with `editcap`"},
    {{'%', 'P', 'D', 'F'}, 4, "a PDF document"},
    {{0x89, 'P', 'N', 'G'}, 4, "a PNG picture"},
    {{'S', 'Q', 'L', 'i', 't', 'e', ' ', 'f'}, 8, "an SQLite database"},
    {{'#', '!'}, 2, "a script"},
};

int pk_capture_damaged(const pk_capture_reader *reader, uint64_t offset, pk_error *reterr_,
                       const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return pk_error_set(reterr_, PK_EFORMAT, "%s: %s, at offset %llu", reader->name, text,
                        (unsigned long long)offset);
}

/* Puts the file's name before a text that a lower part wrote. */
static int name_error(const pk_capture_reader *reader, int code, pk_error *reterr_)
{
    if (!reterr_)
        return code;
    pk_error inner = *reterr_;
    (void)pk_error_set(reterr_, code, "%s: %s", reader->name, inner.text);
    reterr_->sys_errno = inner.sys_errno;
    return code;
}

int pk_capture_need(pk_capture_reader *reader, size_t n, bool may_end, const char *what,
                    pk_error *reterr_)
{
    int code = pk_window_need(&reader->window, n, reterr_);
    if (code == PK_OK)
        return code;
    if (code != PK_EOF)
        return name_error(reader, code, reterr_);
    size_t there = pk_window_visible(&reader->window);
    if (may_end && there == 0)
        return PK_EOF;
    reader->cut = true;
    return pk_capture_damaged(reader, reader->window.offset, reterr_,
                              "cut short: %s needs %zu bytes, %zu are there", what, n, there);
}

int pk_capture_declare(pk_capture_reader *reader, const pk_capture_interface *interface,
                       pk_error *reterr_)
{
    if (reader->interface_count >= PK_CAPTURE_INTERFACE_MAX)
        return pk_error_set(
            reterr_, PK_ELIMIT, "%s: too many interfaces in a capture (limit %u), at offset %llu",
            reader->name, PK_CAPTURE_INTERFACE_MAX, (unsigned long long)reader->window.offset);
    if (reader->interface_count == reader->interface_room) {
        uint32_t room = reader->interface_room ? reader->interface_room * 2 : 4;
        pk_capture_interface *grown = realloc(reader->interfaces, room * sizeof *grown);
        if (!grown)
            return pk_error_set(reterr_, PK_ENOMEM, "%s: no memory for interfaces", reader->name);
        reader->interfaces = grown;
        reader->interface_room = room;
    }
    reader->interfaces[reader->interface_count++] = *interface;
    return PK_OK;
}

static bool looks_like_text(const uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (at[i] == 0x7f || (at[i] < 0x20 && !strchr("\t\n\r\f", at[i])) || at[i] == 0)
            return false;
    return len > 0;
}

static int refuse(pk_capture_reader *reader, pk_error *reterr_)
{
    const char *name = reader->name;
    int code = pk_window_need(&reader->window, SNIFF_LEN, reterr_);
    if (code < 0 && code != PK_EOF)
        return name_error(reader, code, reterr_);
    const uint8_t *at = pk_window_at(&reader->window);
    size_t len = pk_window_visible(&reader->window);
    if (len > SNIFF_LEN)
        len = SNIFF_LEN;
    if (len == 0)
        return pk_error_set(reterr_, PK_EFORMAT, "%s: empty, not a capture", name);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (len >= foreign[i].len && memcmp(at, foreign[i].bytes, foreign[i].len) == 0)
            return pk_error_set(reterr_, PK_EFORMAT, "%s: not a capture but %s", name,
                                foreign[i].what);
    if (looks_like_text(at, len))
        return pk_error_set(reterr_, PK_EFORMAT,
                            "%s: not a capture but text (pcap, pcapng and hex dumps are read)",
                            name);
    if (len < 4)
        return pk_error_set(reterr_, PK_EFORMAT, "%s: only %zu bytes, not a capture", name, len);
    return pk_error_set(reterr_, PK_EFORMAT,
                        "%s: not a capture (pcap and pcapng are read); it starts with "
                        "%02x %02x %02x %02x",
                        name, at[0], at[1], at[2], at[3]);
}

static pk_capture_format recognize(pk_capture_reader *reader, const uint8_t *at)
{
    uint32_t little = (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
    if (little == 0x0a0d0d0a)
        return PK_CAPTURE_PCAPNG;
    for (int swapped = 0; swapped < 2; swapped++) {
        uint32_t value = swapped ? __builtin_bswap32(little) : little;
        reader->big_endian = swapped;
        reader->record_header = value == 0xa1b2cd34 ? 24 : 16;
        if (value == 0xa1b2c3d4 || value == 0xa1b2cd34)
            return PK_CAPTURE_PCAP;
        if (value == 0xa1b23c4d)
            return PK_CAPTURE_PCAP_NS;
    }
    return PK_CAPTURE_NONE;
}

/* Looks at four bytes first: a live pipe may hold no more than a file header for a long time. */
static int sniff(pk_capture_reader *reader, const pk_capture_codec *gzip, pk_error *reterr_)
{
    int code = pk_window_need(&reader->window, 4, reterr_);
    if (code < 0 && code != PK_EOF)
        return name_error(reader, code, reterr_);
    const uint8_t *at = pk_window_at(&reader->window);
    size_t len = pk_window_visible(&reader->window);
    if (gzip && len >= 2 && at[0] == 0x1f && at[1] == 0x8b) {
        code = pk_window_unpack(&reader->window, gzip, reterr_);
        return code < 0 ? name_error(reader, code, reterr_) : sniff(reader, NULL, reterr_);
    }
    reader->format = len >= 4 ? recognize(reader, at) : PK_CAPTURE_NONE;
    if (reader->format == PK_CAPTURE_NONE && looks_like_text(at, len) &&
        pk_hexdump_recognize(reader))
        reader->format = PK_CAPTURE_HEXDUMP;
    switch (reader->format) {
    case PK_CAPTURE_NONE:
        return refuse(reader, reterr_);
    case PK_CAPTURE_PCAP:
    case PK_CAPTURE_PCAP_NS:
        return pk_pcap_start(reader, reterr_);
    case PK_CAPTURE_HEXDUMP:
        return pk_hexdump_start(reader, reterr_);
    case PK_CAPTURE_PCAPNG:
        return PK_OK;
    }
    return PK_OK;
}

/* A packed file is read, not mapped: the codec wants the descriptor. */
static bool may_map(int fd)
{
    uint8_t head[2];
    off_t position = lseek(fd, 0, SEEK_CUR);
    if (position < 0 || pread(fd, head, sizeof head, position) != (ssize_t)sizeof head)
        return false;
    return head[0] != 0x1f || head[1] != 0x8b;
}

int pk_capture_open_fd(pk_capture_reader **ret_reader, int fd, const char *name,
                       const pk_capture_read_options *options, pk_error *reterr_)
{
    static const pk_capture_read_options none = {0};
    if (!options)
        options = &none;
    pk_capture_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return pk_error_set(reterr_, PK_ENOMEM, "%s: no memory for reading", name);
    reader->own_fd = -1;
    reader->window.fd = -1;
    reader->custom = options->custom;
    reader->damaged = options->damaged;
    reader->context = options->context;
    reader->name = strdup(name);
    int code = PK_ENOMEM;
    if (!reader->name)
        (void)pk_error_set(reterr_, code, "no memory for reading");
    else
        code = pk_window_open(&reader->window, fd, options->map && may_map(fd), reterr_);
    if (code == PK_OK)
        code = sniff(reader, options->gzip, reterr_);
    if (code < 0) {
        pk_capture_close(reader);
        return code;
    }
    *ret_reader = reader;
    return PK_OK;
}

int pk_capture_open(pk_capture_reader **ret_reader, const char *path,
                    const pk_capture_read_options *options, pk_error *reterr_)
{
    if (strcmp(path, "-") == 0)
        return pk_capture_open_fd(ret_reader, STDIN_FILENO, "stdin", options, reterr_);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return pk_error_sys(reterr_, errno, "cannot open %s", path);
    int code = pk_capture_open_fd(ret_reader, fd, path, options, reterr_);
    if (code < 0)
        (void)close(fd);
    else
        (*ret_reader)->own_fd = fd;
    return code;
}

static int next_record(pk_capture_reader *reader, pk_capture_record *record, pk_error *reterr_)
{
    switch (reader->format) {
    case PK_CAPTURE_PCAPNG:
        return pk_pcapng_next(reader, record, reterr_);
    case PK_CAPTURE_HEXDUMP:
        return pk_hexdump_next(reader, record, reterr_);
    case PK_CAPTURE_NONE:
    case PK_CAPTURE_PCAP:
    case PK_CAPTURE_PCAP_NS:
        break;
    }
    return pk_pcap_next(reader, record, reterr_);
}

int pk_capture_next(pk_capture_reader *reader, pk_capture_record *ret_record, pk_error *reterr_)
{
    int code = reader->ended;
    if (code == PK_OK) {
        pk_capture_record record = {0};
        reader->whole = reader->window.offset;
        code = next_record(reader, &record, &reader->end);
        if (code == PK_OK) {
            record.number = ++reader->counts.packets;
            *ret_record = record;
            return PK_OK;
        }
        reader->ended = code;
    }
    if (code != PK_EOF && reterr_)
        *reterr_ = reader->end;
    return code;
}

uint64_t pk_capture_reader_whole(const pk_capture_reader *reader, bool *ret_cut)
{
    if (ret_cut)
        *ret_cut = reader->cut;
    return reader->whole;
}

pk_capture_format pk_capture_reader_format(const pk_capture_reader *reader)
{
    return reader->format;
}

const pk_capture_counts *pk_capture_reader_counts(const pk_capture_reader *reader)
{
    return &reader->counts;
}

uint32_t pk_capture_interface_count(const pk_capture_reader *reader)
{
    return reader->interface_count;
}

const pk_capture_interface *pk_capture_interface_at(const pk_capture_reader *reader, uint32_t id)
{
    return id < reader->interface_count ? &reader->interfaces[id] : NULL;
}

void pk_capture_close(pk_capture_reader *reader)
{
    if (!reader)
        return;
    pk_window_close(&reader->window);
    pk_buf_free(&reader->packet);
    if (reader->own_fd >= 0)
        (void)close(reader->own_fd);
    free(reader->interfaces);
    free(reader->name);
    free(reader);
}
