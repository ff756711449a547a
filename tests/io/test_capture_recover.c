/* A pcapng file that is damaged or cut anywhere gives its whole records, and names what is bad. */
#include "../base/check.h"
#include "capture_fixture.h"

enum { PACKETS = 12 };

typedef struct outcome {
    int code;
    bool seen[PACKETS];
    unsigned packets, ranges, customs;
    uint64_t bad; /* bytes left out */
    uint64_t whole;
    bool cut;
} outcome;

static void on_damaged(void *context, uint64_t from, uint64_t to, const char *why)
{
    outcome *o = context;
    CHECK(from < to);
    CHECK(*why);
    o->bad += to - from;
    o->ranges++;
}

static void on_custom(void *context, uint32_t enterprise, pk_bytes data)
{
    outcome *o = context;
    if (enterprise == 32473 && data.len == 8 && memcmp(data.data, "of pktc!", 8) == 0)
        o->customs++;
}

static outcome read_all(const uint8_t *bytes, size_t len)
{
    outcome o = {0};
    pk_capture_reader *reader;
    pk_capture_read_options options = {.custom = on_custom, .damaged = on_damaged, .context = &o};
    pk_buf buf = {0};
    pk_buf_add(&buf, bytes, len);
    int fd = file_of(&buf);
    pk_buf_free(&buf);
    pk_error error = {0};
    o.code = pk_capture_open_fd(&reader, fd, "file", &options, &error);
    if (o.code == PK_OK) {
        pk_capture_record record;
        while ((o.code = pk_capture_next(reader, &record, &error)) == PK_OK) {
            o.packets++;
            if (record.captured == 7 && memcmp(record.data, "packet", 6) == 0 &&
                record.data[6] >= 'a' && record.data[6] < 'a' + PACKETS)
                o.seen[record.data[6] - 'a'] = true;
        }
        o.whole = pk_capture_reader_whole(reader, &o.cut);
        pk_capture_close(reader);
    }
    (void)close(fd);
    return o;
}

/* Where each block begins, the end included. */
static pk_buf make_file(size_t starts[PACKETS + 4])
{
    pk_buf buf = {0}, custom = {0};
    unsigned n = 0;
    starts[n++] = buf.len;
    put_section(&buf, false);
    starts[n++] = buf.len;
    put_interface(&buf, false, 1, 0, 9, 0);
    starts[n++] = buf.len;
    put(&custom, false, 4, 32473);
    pk_buf_text(&custom, "of pktc!");
    put_block(&buf, false, 0xbad, &custom);
    for (int i = 0; i < PACKETS; i++) {
        char text[] = {'p', 'a', 'c', 'k', 'e', 't', (char)('a' + i), 0};
        starts[n++] = buf.len;
        put_packet(&buf, false, 0, 1, text, NULL);
    }
    starts[n] = buf.len;
    pk_buf_free(&custom);
    return buf;
}

static void a_flipped_byte_costs_its_own_block_alone(const pk_buf *file, const size_t *starts)
{
    uint8_t *bytes = malloc(file->len);
    for (size_t at = starts[3]; bytes && at < file->len; at++) {
        memcpy(bytes, file->data, file->len);
        bytes[at] ^= 0xff;
        outcome o = read_all(bytes, file->len);
        CHECK_INT(o.customs, 1);
        for (unsigned i = 0; i < PACKETS; i++)
            if (at < starts[3 + i] || at >= starts[4 + i])
                CHECK(o.seen[i]);
        CHECK(o.code == PK_EOF || at >= starts[3 + PACKETS - 1]);
        CHECK(o.packets >= PACKETS - 1 && o.packets <= PACKETS);
        bool other_type = (at - starts[3]) % (starts[4] - starts[3]) < 4; /* passed as unknown */
        if (o.packets < PACKETS && o.code == PK_EOF)
            CHECK_INT(o.bad, other_type ? 0 : starts[4] - starts[3]);
    }
    free(bytes);
}

static void a_flipped_head_never_invents_packets(const pk_buf *file, const size_t *starts)
{
    uint8_t *bytes = malloc(file->len);
    for (size_t at = 0; bytes && at < starts[3]; at++) {
        memcpy(bytes, file->data, file->len);
        bytes[at] ^= 0xff;
        outcome o = read_all(bytes, file->len);
        CHECK(o.code < 0);
        CHECK(o.packets <= PACKETS);
        if (at >= starts[2])
            CHECK_INT(o.packets, PACKETS);
    }
    free(bytes);
}

static void a_cut_file_gives_what_is_whole_and_says_how_much(const pk_buf *file,
                                                             const size_t *starts)
{
    for (size_t len = starts[3]; len <= file->len; len++) {
        outcome o = read_all(file->data, len);
        unsigned whole = 0;
        while (whole < PACKETS && starts[4 + whole] <= len)
            whole++;
        CHECK_INT(o.packets, whole);
        bool torn = len != starts[3 + whole];
        CHECK_INT(o.code, torn ? PK_EFORMAT : PK_EOF);
        CHECK_INT(o.cut, torn);
        CHECK_INT(o.whole, starts[3 + whole]);
        CHECK_INT(o.ranges, 0);
    }
}

int main(void)
{
    size_t starts[PACKETS + 4];
    pk_buf file = make_file(starts);
    a_flipped_byte_costs_its_own_block_alone(&file, starts);
    a_flipped_head_never_invents_packets(&file, starts);
    a_cut_file_gives_what_is_whole_and_says_how_much(&file, starts);
    pk_buf_free(&file);
    return check_result();
}
