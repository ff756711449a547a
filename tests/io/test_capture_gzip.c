/* Packed captures read like plain ones; damage and cuts are told after what was whole. */
#include "../base/check.h"
#include "capture_fixture.h"
#include "io/capture_gzip.h"

#include <zlib.h>

static void pack(pk_buf *out, const uint8_t *bytes, size_t len)
{
    uint8_t *room = pk_buf_reserve(out, len + 1024);
    z_stream stream = {0};
    if (!room || deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        exit(1);
    stream.next_in = (uint8_t *)(uintptr_t)bytes;
    stream.avail_in = (unsigned)len;
    stream.next_out = room;
    stream.avail_out = (unsigned)len + 1024;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
        exit(1);
    out->len += stream.total_out;
    (void)deflateEnd(&stream);
}

/* How many packets come out, and how it ends. */
static uint64_t read_packed(const pk_buf *packed, int *ret_code, pk_error *reterr_)
{
    pk_capture_read_options options = {.gzip = pk_capture_gzip(), .map = true};
    pk_capture_reader *reader;
    int fd = file_of(packed);
    uint64_t packets = 0;
    *ret_code = pk_capture_open_fd(&reader, fd, "packed", &options, reterr_);
    if (*ret_code == PK_OK) {
        pk_capture_record record;
        while ((*ret_code = pk_capture_next(reader, &record, reterr_)) == PK_OK) {
            CHECK_INT(record.captured, 1000);
            CHECK_INT(record.data[999], packets & 0xff);
            packets++;
        }
        pk_capture_close(reader);
    }
    (void)close(fd);
    return packets;
}

int main(void)
{
    enum { COUNT = 3000 };
    pk_buf plain = {0};
    pk_buf packed = {0};
    pk_error err = {0};
    int code;
    put_pcap_header(&plain, false, 0xa1b2c3d4, 1);
    uint64_t mixed = 1;
    for (unsigned i = 0; i < COUNT; i++) {
        put_pcap_record(&plain, false, i, 0, 1000, 1000);
        for (unsigned k = 0; k < 999; k++)
            pk_buf_byte(&plain, (uint8_t)((mixed = mixed * 6364136223846793005u + 1) >> 56));
        pk_buf_byte(&plain, (uint8_t)i);
    }
    pack(&packed, plain.data, plain.len);
    CHECK_INT(read_packed(&packed, &code, &err), COUNT);
    CHECK_INT(code, PK_EOF);

    pk_buf cut = packed;
    cut.len /= 2;
    uint64_t packets = read_packed(&cut, &code, &err);
    CHECK(packets > COUNT / 3 && packets < COUNT);
    CHECK_INT(code, PK_EFORMAT);
    CHECK_TEXT(err.text, "packed: the packed data is damaged or cut short");

    packed.data[packed.len / 2] ^= 0x10;
    packets = read_packed(&packed, &code, &err);
    CHECK(packets <= COUNT);
    CHECK_INT(code, PK_EFORMAT);

    pk_buf_clear(&packed); /* two members are one stream */
    pack(&packed, plain.data, 700001);
    pack(&packed, plain.data + 700001, plain.len - 700001);
    pk_buf_zeros(&packed, 512); /* padding of tapes */
    CHECK_INT(read_packed(&packed, &code, &err), COUNT);
    CHECK_INT(code, PK_EOF);
    pk_buf_free(&packed);
    pk_buf_free(&plain);
    return check_result();
}
