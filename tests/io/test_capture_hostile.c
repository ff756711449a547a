/* Hostile and foreign files are refused with what they are and where; whole records come first. */
#include "../base/check.h"
#include "capture_fixture.h"

#include <sys/resource.h>

typedef struct outcome {
    int code;
    uint64_t packets;
    pk_error err;
} outcome;

static outcome read_all(const pk_buf *buf, bool map)
{
    outcome o = {0};
    pk_capture_reader *reader;
    pk_capture_read_options options = {.map = map};
    int fd = file_of(buf);
    o.code = pk_capture_open_fd(&reader, fd, "bad", &options, &o.err);
    if (o.code == PK_OK) {
        pk_capture_record record;
        while ((o.code = pk_capture_next(reader, &record, &o.err)) == PK_OK)
            o.packets++;
        pk_error again = {0};
        CHECK_INT(pk_capture_next(reader, &record, &again), o.code); /* the end sticks */
        CHECK_TEXT(again.text, o.code == PK_EOF ? "" : o.err.text);
        pk_capture_close(reader);
    }
    (void)close(fd);
    return o;
}

static void check_refused(const void *bytes, size_t len, const char *expected)
{
    pk_buf buf = {0};
    pk_buf_add(&buf, bytes, len);
    outcome o = read_all(&buf, false);
    CHECK_INT(o.code, PK_EFORMAT);
    CHECK_TEXT(o.err.text, expected);
    pk_buf_free(&buf);
}

#define REFUSED(bytes, expected) check_refused(bytes, sizeof(bytes) - 1, expected)

static void check_kinds(void)
{
    REFUSED("", "bad: empty, not a capture");
    REFUSED("\x1f\x8b\x08\x00garbage", "bad: not a capture but gzip data, which this program "
                                       "cannot unpack; use `gzip -dc FILE |`");
    REFUSED("\x7f"
            "ELF\x02\x01",
            "bad: not a capture but an ELF program");
    REFUSED("# a text\n", "bad: not a capture but text (pcap, pcapng and hex dumps are read)");
    REFUSED("\x28\xb5\x2f\xfd....", "bad: not a capture but zstd data; use `zstd -dc FILE |`");
    REFUSED("snoop\0\0\0\0\0\0\2", "bad: not a capture but a snoop capture; convert it with "
                                   "`editcap`");
    REFUSED("\1\2\3\4\5", "bad: not a capture (pcap and pcapng are read); it starts with "
                          "01 02 03 04");
    REFUSED("\1\2", "bad: only 2 bytes, not a capture");
}

/* Cut at every length: all records that are whole, then the error with the right offset. */
static void check_cuts(bool ng)
{
    pk_buf whole = {0};
    size_t ends[5];
    if (ng) {
        put_section(&whole, false);
        put_interface(&whole, false, 1, 0, 0, 0);
    } else {
        put_pcap_header(&whole, false, 0xa1b2c3d4, 1);
    }
    size_t start = whole.len;
    for (unsigned i = 0; i < 5; i++) {
        if (ng) {
            put_packet(&whole, false, 0, i, "0123456789", NULL);
        } else {
            put_pcap_record(&whole, false, i, 0, 10, 10);
            pk_buf_text(&whole, "0123456789");
        }
        ends[i] = whole.len;
    }
    for (size_t len = start; len <= whole.len; len++) {
        pk_buf cut = {whole.data, len, len, false};
        unsigned expected = 0;
        while (expected < 5 && ends[expected] <= len)
            expected++;
        size_t from = expected ? ends[expected - 1] : start;
        for (int map = 0; map < 2; map++) {
            outcome o = read_all(&cut, map);
            char text[64];
            CHECK_INT(o.packets, expected);
            CHECK_INT(o.code, len == from ? PK_EOF : PK_EFORMAT);
            (void)snprintf(text, sizeof text, "at offset %zu", from);
            CHECK(len == from || strstr(o.err.text, text));
        }
    }
    pk_buf_free(&whole);
}

static pk_buf started(void)
{
    pk_buf buf = {0};
    put_section(&buf, false);
    put_interface(&buf, false, 1, 0, 0, 0);
    put_packet(&buf, false, 0, 0, "good", NULL);
    return buf;
}

static void check_after_good(pk_buf *buf, int code, const char *text)
{
    outcome o = read_all(buf, false);
    CHECK_INT(o.packets, 1);
    CHECK_INT(o.code, code);
    CHECK(strstr(o.err.text, text));
    if (!strstr(o.err.text, text))
        fprintf(stderr, "  got: %s\n", o.err.text);
    pk_buf_free(buf);
}

/* type and length of a block, and too little behind it */
static void check_block_length(uint32_t len, int code, const char *text)
{
    pk_buf buf = started();
    put(&buf, false, 4, 6);
    put(&buf, false, 4, len);
    pk_buf_zeros(&buf, 64);
    check_after_good(&buf, code, text);
}

static void check_lies(void)
{
    pk_buf buf = started();
    put_packet(&buf, false, 7, 0, "x", NULL);
    check_after_good(&buf, PK_EFORMAT, "interface 7 where 1 are described, at offset 84");
    buf = started();
    put_packet(&buf, false, 0, 0, "x", NULL);
    buf.data[buf.len - 1] = 9;
    check_after_good(&buf, PK_EFORMAT, "36 bytes in front and 150994980 behind, at offset 84");
    buf = started();
    put_packet(&buf, false, 0, 0, "x", NULL);
    buf.data[84 + 20] = 200;
    check_after_good(&buf, PK_EFORMAT, "200 captured bytes in a block of 36, at offset 84");
    buf = started();
    put_section(&buf, false);
    buf.data[84 + 8] = 0;
    check_after_good(&buf, PK_EFORMAT, "byte order mark");
    check_block_length(0, PK_EFORMAT, "length 0, at offset 84");
    check_block_length(13, PK_EFORMAT, "length 13, at offset 84");
    check_block_length(16777220, PK_ELIMIT, "limit of a capture block is 16777216");
    check_block_length(0xfffffffc, PK_ELIMIT, "limit of a capture block is 16777216");
    check_block_length(16777216, PK_EFORMAT, "needs 16777216 bytes, 72 are there");
}

static void check_record_claims(void)
{
    pk_buf buf = {0};
    put_pcap_header(&buf, false, 0xa1b2c3d4, 1);
    put_pcap_record(&buf, false, 0, 0, UINT32_MAX, UINT32_MAX);
    pk_buf_zeros(&buf, 60);
    outcome o = read_all(&buf, false);
    CHECK_INT(o.code, PK_ELIMIT);
    CHECK(strstr(o.err.text, "limit of a capture record is 16777216"));
    pk_buf_clear(&buf);
    put_pcap_header(&buf, false, 0xa1b2c3d4, 1);
    buf.data[4] = 9;
    o = read_all(&buf, false);
    CHECK_INT(o.code, PK_EFORMAT);
    CHECK(strstr(o.err.text, "pcap version 9.4 is not known"));
    pk_buf_free(&buf);
}

static void check_interface_limit(void)
{
    pk_buf buf = {0};
    put_section(&buf, false);
    for (unsigned i = 0; i < PK_CAPTURE_INTERFACE_MAX; i++)
        put_interface(&buf, false, 1, 0, 0, 0);
    put_packet(&buf, false, 65535, 0, "last", NULL);
    outcome o = read_all(&buf, false);
    CHECK_INT(o.code, PK_EOF);
    CHECK_INT(o.packets, 1);
    put_interface(&buf, false, 1, 0, 0, 0);
    o = read_all(&buf, false);
    CHECK_INT(o.code, PK_ELIMIT);
    CHECK(strstr(o.err.text, "too many interfaces in a capture (limit 65536)"));
    pk_buf_free(&buf);
}

/* Every byte of a small file set to every one of a few values: no crash, no endless loop. */
static void check_flips(void)
{
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
    pk_buf buf = started();
    put_packet(&buf, false, 0, 0, "more", NULL);
    unsigned refused = 0;
    for (size_t at = 0; at < buf.len; at++) {
        uint8_t old = buf.data[at];
        for (size_t v = 0; v < sizeof values; v++) {
            buf.data[at] = values[v];
            outcome o = read_all(&buf, v & 1);
            CHECK(o.code < 0 && o.packets <= 2);
            refused += o.code != PK_EOF;
        }
        buf.data[at] = old;
    }
    CHECK(refused > 100);
    pk_buf_free(&buf);
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

/* What a length claims is never taken on trust: 64 MiB must do for all of this. */
static void limit_memory(void)
{
#ifndef __SANITIZE_ADDRESS__ /* which wants more than that for itself */
    struct rlimit data = {64u << 20, 64u << 20};
    (void)setrlimit(RLIMIT_DATA, &data);
#endif
}

int main(void)
{
    limit_memory();
    check_kinds();
    check_cuts(false);
    check_cuts(true);
    check_lies();
    check_record_claims();
    check_interface_limit();
    check_flips();
    return check_result();
}
