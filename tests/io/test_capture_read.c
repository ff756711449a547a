/* Every capture format is read as its specification says, from files, maps and pipes alike. */
#include "../base/check.h"
#include "capture_fixture.h"

#include <sys/wait.h>

typedef struct opened {
    pk_capture_reader *reader;
    int fd;
} opened;

static opened open_bytes(const pk_buf *buf, bool map)
{
    pk_error err = {0};
    pk_capture_read_options options = {.map = map};
    opened o = {.fd = file_of(buf)};
    int code = pk_capture_open_fd(&o.reader, o.fd, "test", &options, &err);
    CHECK_INT(code, PK_OK);
    if (code < 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    return o;
}

static void close_bytes(opened *o)
{
    pk_capture_close(o->reader);
    (void)close(o->fd);
}

static pk_capture_record next(opened *o)
{
    pk_capture_record record = {0};
    pk_error err = {0};
    int code = pk_capture_next(o->reader, &record, &err);
    if (code < 0)
        fprintf(stderr, "next: %d %s\n", code, err.text);
    CHECK_INT(code, PK_OK);
    return record;
}

static void check_end(opened *o)
{
    pk_capture_record record;
    pk_error err;
    CHECK_INT(pk_capture_next(o->reader, &record, &err), PK_EOF);
    CHECK_INT(pk_capture_next(o->reader, &record, &err), PK_EOF);
}

static void check_data(const pk_capture_record *record, const char *expected)
{
    CHECK_INT(record->captured, strlen(expected));
    CHECK(record->captured == strlen(expected) &&
          memcmp(record->data, expected, record->captured) == 0);
}

/* magic, and what one tick of the fraction is worth */
static void check_pcap(bool big, bool map, uint32_t magic, int64_t tick)
{
    pk_buf buf = {0};
    put_pcap_header(&buf, big, magic, 1);
    put_pcap_record(&buf, big, 1700000000, 123456, 5, 60);
    if (magic == 0xa1b2cd34)
        pk_buf_zeros(&buf, 8);
    pk_buf_text(&buf, "hello");
    put_pcap_record(&buf, big, 4294967295u, 999999, 0, 0);
    if (magic == 0xa1b2cd34)
        pk_buf_zeros(&buf, 8);
    opened o = open_bytes(&buf, map);
    CHECK_INT(pk_capture_reader_format(o.reader), tick == 1 ? PK_CAPTURE_PCAP_NS : PK_CAPTURE_PCAP);
    pk_capture_record record = next(&o);
    check_data(&record, "hello");
    CHECK_INT(record.original, 60);
    CHECK_INT(record.time_ns, 1700000000000000000 + 123456 * tick);
    CHECK(record.has_time);
    CHECK_INT(record.number, 1);
    CHECK_INT(record.offset, 24);
    CHECK_INT(record.link, 1);
    record = next(&o);
    CHECK_INT(record.captured, 0);
    CHECK_INT(record.time_ns, 4294967295000000000 + 999999 * tick);
    CHECK_INT(record.number, 2);
    check_end(&o);
    CHECK_INT(pk_capture_reader_counts(o.reader)->packets, 2);
    close_bytes(&o);
    pk_buf_free(&buf);
}

static void check_pcap_all(void)
{
    for (unsigned i = 0; i < 4; i++) {
        bool big = i & 1;
        bool map = i & 2;
        check_pcap(big, map, 0xa1b2c3d4, 1000);
        check_pcap(big, map, 0xa1b23c4d, 1);
        check_pcap(big, map, 0xa1b2cd34, 1000);
    }
}

/* Two sections of different byte order; interfaces count on, their ids start anew. */
static void check_sections(bool map)
{
    pk_buf buf = {0};
    put_section(&buf, false);
    put_interface(&buf, false, 1, 0, 0, 0);
    put_interface(&buf, false, 101, 0, 9, 0);
    put_packet(&buf, false, 1, 1700000000123456789, "first", NULL);
    put_section(&buf, true);
    put_interface(&buf, true, 113, 0, 6, 0);
    size_t offset = buf.len;
    put_packet(&buf, true, 0, 1700000000123456, "second", NULL);
    opened o = open_bytes(&buf, map);
    pk_capture_record record = next(&o);
    check_data(&record, "first");
    CHECK_INT(record.interface, 1);
    CHECK_INT(record.link, 101);
    CHECK_INT(record.time_ns, 1700000000123456789);
    CHECK(!record.big_endian);
    record = next(&o);
    check_data(&record, "second");
    CHECK_INT(record.interface, 2);
    CHECK_INT(record.link, 113);
    CHECK_INT(record.time_ns, 1700000000123456000);
    CHECK_INT(record.offset, offset);
    CHECK(record.big_endian);
    check_end(&o);
    CHECK_INT(pk_capture_interface_count(o.reader), 3);
    CHECK_INT(pk_capture_interface_at(o.reader, 2)->link, 113);
    CHECK(pk_capture_interface_at(o.reader, 3) == NULL);
    CHECK_INT(pk_capture_reader_counts(o.reader)->sections, 2);
    close_bytes(&o);
    pk_buf_free(&buf);
}

typedef struct resolution_case {
    uint8_t resolution;
    uint64_t ticks;
    int64_t offset;
    int64_t time_ns;
    bool has_time;
} resolution_case;

static const resolution_case resolutions[] = {
    {0, 1500000, 0, 1500000000, true},        /* none: microseconds */
    {3, 1500, 0, 1500000000, true},           /* milliseconds */
    {12, 1500000001999, 0, 1500000001, true}, /* picoseconds, cut */
    {0x8a, 1536, 0, 1500000000, true},        /* 2^-10 s */
    {0xbf, UINT64_C(3) << 62, 0, 1500000000, true},
    {6, 500000, 1000000000, 1000000000500000000, true},
    {6, 0, -1, -1000000000, true},
    {0xff, 1, 0, 0, true},          /* 2^-127 s */
    {0x7f, UINT64_MAX, 0, 0, true}, /* 10^-127 s */
    {1, UINT64_MAX, 0, 0, false},   /* beyond 64 bits of nanoseconds */
    {6, 0, INT64_MAX, 0, false},
};

static void check_resolutions(void)
{
    for (size_t i = 0; i < sizeof resolutions / sizeof *resolutions; i++) {
        const resolution_case *c = &resolutions[i];
        pk_buf buf = {0};
        put_section(&buf, true);
        put_interface(&buf, true, 1, 0, c->resolution, c->offset);
        put_packet(&buf, true, 0, c->ticks, "x", NULL);
        opened o = open_bytes(&buf, false);
        pk_capture_record record = next(&o);
        CHECK_INT(record.time_ns, c->time_ns);
        CHECK_INT(record.has_time, c->has_time);
        close_bytes(&o);
        pk_buf_free(&buf);
    }
}

static void check_options(void)
{
    pk_buf buf = {0};
    pk_buf options = {0};
    uint32_t flags = 2;
    put_option(&options, false, 1, "why", 3);
    put_option(&options, false, 2, &flags, 4);
    put_option(&options, false, 1, "again", 5);
    size_t len = options.len;
    put(&options, false, 4, 0);
    put_section(&buf, false);
    put_interface(&buf, false, 1, 0, 0, 0);
    put_packet(&buf, false, 0, 0, "x", &options);
    pk_buf_clear(&options);
    put(&options, false, 2, 1);
    put(&options, false, 2, 65535); /* an option that runs over its block */
    put_packet(&buf, false, 0, 0, "y", &options);
    opened o = open_bytes(&buf, false);
    pk_capture_record record = next(&o);
    CHECK_INT(record.direction, PK_DIRECTION_OUT);
    CHECK_INT(record.comment.len, 3);
    CHECK(memcmp(record.comment.data, "why", 3) == 0);
    CHECK_INT(record.options.len, len);
    record = next(&o);
    check_data(&record, "y");
    CHECK(record.comment.data == NULL);
    CHECK_INT(pk_capture_reader_counts(o.reader)->bad_options, 1);
    close_bytes(&o);
    pk_buf_free(&buf);
    pk_buf_free(&options);
}

/* Simple and obsolete packet blocks, and blocks that are skipped but counted. */
static void check_other_blocks(void)
{
    pk_buf buf = {0};
    pk_buf body = {0};
    put_section(&buf, false);
    put_interface(&buf, false, 1, 4, 0, 0);
    put(&body, false, 4, 6); /* original length; the snap length says how much is there */
    pk_buf_text(&body, "abcd");
    put_block(&buf, false, 3, &body);
    pk_buf_clear(&body);
    put(&body, false, 2, 0); /* interface */
    put(&body, false, 2, 7); /* drops */
    put(&body, false, 8, UINT64_C(5) << 32);
    put(&body, false, 4, 3);
    put(&body, false, 4, 9);
    pk_buf_text(&body, "old");
    put_block(&buf, false, 2, &body);
    pk_buf_clear(&body);
    put_block(&buf, false, 4, &body);
    put_block(&buf, false, 5, &body);
    put(&body, false, 4, 32473);
    put_block(&buf, false, 0xbad, &body);
    put_block(&buf, false, 0x77777777, &body);
    opened o = open_bytes(&buf, false);
    pk_capture_record record = next(&o);
    check_data(&record, "abcd");
    CHECK_INT(record.original, 6);
    CHECK(!record.has_time);
    record = next(&o);
    check_data(&record, "old");
    CHECK_INT(record.original, 9);
    CHECK_INT(record.time_ns, 5000);
    check_end(&o);
    const pk_capture_counts *counts = pk_capture_reader_counts(o.reader);
    CHECK_INT(counts->names, 1);
    CHECK_INT(counts->statistics, 1);
    CHECK_INT(counts->custom, 1);
    CHECK_INT(counts->other, 1);
    close_bytes(&o);
    pk_buf_free(&buf);
    pk_buf_free(&body);
}

/* A slow pipe: one byte at a time, no seeking. */
static void check_pipe(void)
{
    pk_buf buf = {0};
    pk_error err;
    int ends[2];
    put_section(&buf, false);
    put_interface(&buf, false, 1, 0, 0, 0);
    put_packet(&buf, false, 0, 1, "through", NULL);
    put_packet(&buf, false, 0, 2, "a pipe", NULL);
    if (pipe(ends) < 0)
        exit(1);
    pid_t writer = fork();
    if (writer == 0) {
        for (size_t i = 0; i < buf.len; i++)
            if (write(ends[1], buf.data + i, 1) != 1)
                _exit(1);
        _exit(0);
    }
    (void)close(ends[1]);
    opened o = {.fd = ends[0]};
    pk_capture_read_options options = {.map = true}; /* asked for, not possible, no harm */
    CHECK_INT(pk_capture_open_fd(&o.reader, ends[0], "pipe", &options, &err), PK_OK);
    pk_capture_record record = next(&o);
    check_data(&record, "through");
    record = next(&o);
    check_data(&record, "a pipe");
    check_end(&o);
    (void)waitpid(writer, NULL, 0);
    close_bytes(&o);
    pk_buf_free(&buf);
}

int main(void)
{
    check_pcap_all();
    check_sections(false);
    check_sections(true);
    check_resolutions();
    check_options();
    check_other_blocks();
    check_pipe();
    return check_result();
}
