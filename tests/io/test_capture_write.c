/* What is written is read back byte for byte, and a failed write leaves nothing half done. */
#include "../base/check.h"
#include "capture_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char folder[64];

static const char *path_of(const char *name)
{
    static char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static unsigned count_files(void)
{
    unsigned count = 0;
    DIR *list = opendir(folder);
    for (struct dirent *entry; list && (entry = readdir(list));)
        count += entry->d_name[0] != '.';
    if (list)
        (void)closedir(list);
    return count;
}

static void must(int code, const pk_error *err)
{
    if (code < 0)
        fprintf(stderr, "%s\n", err->text);
    CHECK_INT(code, PK_OK);
}

/* A frame of each length from 0 on, with a time that shows every digit. */
static pk_capture_packet packet_of(unsigned i, uint8_t *bytes)
{
    for (unsigned k = 0; k < i; k++)
        bytes[k] = (uint8_t)(i * 7 + k);
    return (pk_capture_packet){
        .data = bytes,
        .captured = i,
        .original = i + (i % 3) * 100,
        .time_ns = 1700000000123456789 + i,
        .direction = (pk_capture_direction)(i % 3),
        .comment = i % 5 == 4 ? "a comment" : NULL,
    };
}

enum { PACKETS = 300 };

static void write_file(const char *path, pk_capture_format format)
{
    static uint8_t bytes[PACKETS];
    pk_error err = {0};
    pk_capture_writer *writer;
    pk_capture_write_options options = {.format = format,
                                        .link = 101,
                                        .declare = true,
                                        .interface_name = "lab0",
                                        .application = "a test"};
    must(pk_capture_create(&writer, path, &options, &err), &err);
    CHECK(access(path, F_OK) < 0); /* not before it is whole */
    for (unsigned i = 0; i < PACKETS; i++) {
        pk_capture_packet packet = packet_of(i, bytes);
        must(pk_capture_write(writer, &packet, &err), &err);
        if (i == 100 && pk_capture_write_custom(writer, 32473, (pk_bytes){bytes, 9}, &err) < 0)
            CHECK(format != PK_CAPTURE_PCAPNG && err.code == PK_EUNSUPPORTED);
    }
    must(pk_capture_finish(writer, &err), &err);
    CHECK(access(path, F_OK) == 0);
}

static void check_record(const pk_capture_record *record, unsigned i, pk_capture_format format)
{
    uint8_t bytes[PACKETS];
    pk_capture_packet packet = packet_of(i, bytes);
    int64_t time = packet.time_ns;
    if (format == PK_CAPTURE_PCAP)
        time -= time % 1000;
    CHECK_INT(record->captured, packet.captured);
    CHECK_INT(record->original, packet.original ? packet.original : packet.captured);
    CHECK_INT(record->time_ns, time);
    CHECK(memcmp(record->data, bytes, packet.captured) == 0);
    if (format != PK_CAPTURE_PCAPNG)
        return;
    CHECK_INT(record->direction, packet.direction);
    CHECK_INT(record->comment.len, packet.comment ? strlen(packet.comment) : 0);
}

static void read_back(const char *path, pk_capture_format format)
{
    pk_error err = {0};
    pk_capture_reader *reader;
    pk_capture_record record;
    must(pk_capture_open(&reader, path, NULL, &err), &err);
    CHECK_INT(pk_capture_reader_format(reader), format);
    for (unsigned i = 0; i < PACKETS; i++) {
        must(pk_capture_next(reader, &record, &err), &err);
        check_record(&record, i, format);
        CHECK_INT(record.link, 101);
    }
    CHECK_INT(pk_capture_next(reader, &record, &err), PK_EOF);
    CHECK_INT(pk_capture_reader_counts(reader)->custom, format == PK_CAPTURE_PCAPNG);
    if (format == PK_CAPTURE_PCAPNG)
        CHECK_TEXT(pk_capture_interface_at(reader, 0)->name, "lab0");
    pk_capture_close(reader);
}

static void check_round_trips(void)
{
    static const struct {
        const char *name;
        pk_capture_format asked;
        pk_capture_format got;
    } cases[] = {
        {"a.pcap", PK_CAPTURE_NONE, PK_CAPTURE_PCAP},
        {"b.PCAPNG", PK_CAPTURE_NONE, PK_CAPTURE_PCAPNG},
        {"c.pcapns", PK_CAPTURE_NONE, PK_CAPTURE_PCAP_NS},
        {"d", PK_CAPTURE_NONE, PK_CAPTURE_PCAPNG},
        {"e.pcap", PK_CAPTURE_PCAP_NS, PK_CAPTURE_PCAP_NS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file(path_of(cases[i].name), cases[i].asked);
        read_back(path_of(cases[i].name), cases[i].got);
        CHECK_INT(unlink(path_of(cases[i].name)), 0);
    }
}

static void check_names(void)
{
    CHECK_INT(pk_capture_format_of_path("x/run.ntar"), PK_CAPTURE_PCAPNG);
    CHECK_INT(pk_capture_format_of_path("x.pcap-ns"), PK_CAPTURE_PCAP_NS);
    CHECK_INT(pk_capture_format_of_path(".pcap"), PK_CAPTURE_NONE);
    CHECK_INT(pk_capture_format_of_path("pcap"), PK_CAPTURE_NONE);
    CHECK_INT(pk_capture_format_of_name("pcap-ns"), PK_CAPTURE_PCAP_NS);
    CHECK_INT(pk_capture_format_of_name("erf"), PK_CAPTURE_NONE);
    CHECK_TEXT(pk_capture_format_name(PK_CAPTURE_PCAPNG), "pcapng");
}

/* A full disk is a failed run: ENOSPC comes out, nothing stays behind. */
static void check_full_disk(void)
{
    static uint8_t big[300000];
    pk_error err = {0};
    pk_capture_writer *writer;
    pk_capture_packet packet = {.data = big, .captured = sizeof big};
    pk_capture_write_options options = {.format = PK_CAPTURE_PCAPNG, .declare = true, .link = 1};
    must(pk_capture_create(&writer, "/dev/full", &options, &err), &err);
    int code = pk_capture_write(writer, &packet, &err);
    CHECK_INT(code, PK_EIO);
    CHECK_INT(err.sys_errno, ENOSPC);
    CHECK_TEXT(err.text, "cannot write /dev/full: No space left on device");
    CHECK_INT(pk_capture_write(writer, &packet, &err), PK_EIO); /* sticks */
    CHECK_INT(pk_capture_finish(writer, &err), PK_EIO);
    CHECK_INT(err.sys_errno, ENOSPC);
    must(pk_capture_create(&writer, "/dev/full", &options, &err), &err); /* small: at the end */
    CHECK_INT(pk_capture_finish(writer, &err), PK_EIO);
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    (void)getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    (void)setrlimit(RLIMIT_FSIZE, &limit);
}

/* Writes until the limit is hit. */
static int write_beyond(const char *path, bool live, pk_error *reterr_)
{
    static uint8_t bytes[1000];
    pk_capture_writer *writer;
    pk_capture_write_options options = {.declare = true, .link = 1, .live = live};
    must(pk_capture_create(&writer, path, &options, reterr_), reterr_);
    pk_capture_packet packet = {.data = bytes, .captured = sizeof bytes};
    int code = PK_OK;
    for (unsigned i = 0; i < 2000 && code == PK_OK; i++)
        code = pk_capture_write(writer, &packet, reterr_);
    int end = pk_capture_finish(writer, reterr_);
    return code < 0 ? code : end;
}

static void check_cut_off(void)
{
    pk_error err = {0};
    (void)signal(SIGXFSZ, SIG_IGN);
    limit_files(700001);
    unsigned before = count_files();
    CHECK_INT(write_beyond(path_of("whole.pcap"), false, &err), PK_EIO);
    CHECK_INT(err.sys_errno, EFBIG);
    CHECK_INT(count_files(), before);
    CHECK_INT(write_beyond(path_of("live.pcapng"), true, &err), PK_EIO);
    limit_files(RLIM_INFINITY);
    /* The live file ends on a whole record. */
    pk_capture_reader *reader;
    pk_capture_record record;
    must(pk_capture_open(&reader, path_of("live.pcapng"), NULL, &err), &err);
    int code;
    while ((code = pk_capture_next(reader, &record, &err)) == PK_OK)
        CHECK_INT(record.captured, 1000);
    CHECK_INT(code, PK_EOF);
    CHECK(pk_capture_reader_counts(reader)->packets > 100);
    pk_capture_close(reader);
    CHECK_INT(unlink(path_of("live.pcapng")), 0);
}

static void check_abandoned(void)
{
    pk_error err = {0};
    pk_capture_writer *writer;
    pk_capture_write_options options = {.declare = true, .link = 1};
    unsigned before = count_files();
    must(pk_capture_create(&writer, path_of("never.pcap"), &options, &err), &err);
    pk_capture_abandon(writer);
    CHECK_INT(count_files(), before);
    CHECK_INT(pk_capture_create(&writer, path_of("no/such/folder.pcap"), &options, &err), PK_EIO);
    CHECK_INT(err.sys_errno, ENOENT);
}

/* An old file keeps its content until the new one is whole, and its permissions after. */
static void check_replaced(void)
{
    pk_error err = {0};
    pk_capture_writer *writer;
    pk_capture_write_options options = {.declare = true, .link = 1};
    struct stat status;
    must(pk_capture_create(&writer, path_of("old.pcap"), &options, &err), &err);
    must(pk_capture_finish(writer, &err), &err);
    (void)chmod(path_of("old.pcap"), 0640);
    must(pk_capture_create(&writer, path_of("old.pcap"), &options, &err), &err);
    pk_capture_packet packet = {.data = (const uint8_t *)"x", .captured = 1};
    must(pk_capture_write(writer, &packet, &err), &err);
    must(pk_capture_flush(writer, &err), &err);
    CHECK(stat(path_of("old.pcap"), &status) == 0 && status.st_size == 24);
    must(pk_capture_finish(writer, &err), &err);
    CHECK(stat(path_of("old.pcap"), &status) == 0 && status.st_size == 24 + 16 + 1);
    CHECK_INT(status.st_mode & 0777, 0640);
    CHECK_INT(unlink(path_of("old.pcap")), 0);
}

static void check_append(void)
{
    pk_error err = {0};
    pk_capture_writer *writer;
    pk_capture_write_options options = {.declare = true, .link = 1, .append = true};
    pk_capture_packet packet = {.data = (const uint8_t *)"x", .captured = 1};
    for (unsigned i = 0; i < 3; i++) {
        must(pk_capture_create(&writer, path_of("run.pcapng"), &options, &err), &err);
        must(pk_capture_write(writer, &packet, &err), &err);
        must(pk_capture_finish(writer, &err), &err);
    }
    pk_capture_reader *reader;
    pk_capture_record record;
    must(pk_capture_open(&reader, path_of("run.pcapng"), NULL, &err), &err);
    while (pk_capture_next(reader, &record, &err) == PK_OK)
        continue;
    CHECK_INT(pk_capture_reader_counts(reader)->packets, 3);
    CHECK_INT(pk_capture_reader_counts(reader)->sections, 3);
    pk_capture_close(reader);
    options.format = PK_CAPTURE_PCAP;
    CHECK_INT(pk_capture_create(&writer, path_of("run.pcapng"), &options, &err), PK_EUNSUPPORTED);
    CHECK_INT(unlink(path_of("run.pcapng")), 0);
}

static void check_limits(void)
{
    pk_error err = {0};
    pk_capture_writer *writer;
    pk_capture_write_options options = {.declare = true, .link = 1, .format = PK_CAPTURE_PCAP};
    pk_capture_packet packet = {.data = (const uint8_t *)"x", .captured = 1, .interface = 1};
    must(pk_capture_create(&writer, path_of("l.pcap"), &options, &err), &err);
    CHECK_INT(pk_capture_write(writer, &packet, &err), PK_ENOENT);
    packet.interface = 0;
    packet.time_ns = INT64_C(4294967296) * 1000000000;
    CHECK_INT(pk_capture_write(writer, &packet, &err), PK_ELIMIT);
    packet.captured = PK_CAPTURE_BLOCK_MAX + 1;
    CHECK_INT(pk_capture_write(writer, &packet, &err), PK_ELIMIT);
    pk_capture_interface other = {.link = 101};
    uint32_t id = 77;
    CHECK_INT(pk_capture_add_interface(writer, &other, &id, &err), PK_EUNSUPPORTED);
    CHECK_INT(id, 77);
    other.link = 1;
    CHECK_INT(pk_capture_add_interface(writer, &other, &id, &err), PK_OK);
    CHECK_INT(id, 1);
    pk_capture_abandon(writer);
}

/* Across the second, in more batches than one, of lengths with and without padding. */
static void write_run(const char *path, pk_capture_format format, uint32_t len, bool batches)
{
    enum { RUN = 9000 };
    const int64_t from = INT64_C(1999995000) * 1000, step = 1000;
    uint8_t bytes[64];
    pk_error err = {0};
    pk_capture_writer *writer;
    pk_capture_write_options options = {.format = format, .link = 1, .declare = true};
    must(pk_capture_create(&writer, path, &options, &err), &err);
    for (uint32_t i = 0; i < RUN;) {
        pk_capture_batch batch = {.len = len, .time_ns = from + i * step, .step_ns = step};
        batch.count = RUN - i;
        if (batches) {
            must(pk_capture_reserve(writer, &batch, &err), &err);
            CHECK(batch.count >= 1 && batch.count <= RUN - i);
        } else {
            batch.count = 1;
        }
        for (uint32_t k = 0; k < batch.count; k++) {
            memset(bytes, (int)(i + k), len);
            const pk_capture_packet packet = {
                .data = bytes, .captured = len, .time_ns = batch.time_ns};
            if (batches)
                memcpy(batch.base + k * batch.stride, bytes, len);
            else
                must(pk_capture_write(writer, &packet, &err), &err);
        }
        uint32_t taken = batches && batch.count > 5 && i == 0 ? batch.count - 5 : batch.count;
        if (batches)
            pk_capture_take(writer, &batch, taken);
        i += taken;
    }
    must(pk_capture_finish(writer, &err), &err);
}

static bool same_files(const char *a, const char *b)
{
    FILE *one = fopen(a, "rb"), *two = fopen(b, "rb");
    int c = 0, d = 0;
    while (one && two && c == d && c != EOF) {
        c = getc(one);
        d = getc(two);
    }
    if (one)
        (void)fclose(one);
    if (two)
        (void)fclose(two);
    return one && two && c == d;
}

static void check_batches(void)
{
    static const uint32_t lengths[] = {0, 1, 4, 42, 63};
    char single[160];
    (void)snprintf(single, sizeof single, "%s", path_of("single"));
    for (int format = PK_CAPTURE_PCAP; format <= PK_CAPTURE_PCAPNG; format++)
        for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            write_run(single, (pk_capture_format)format, lengths[i], false);
            write_run(path_of("batches"), (pk_capture_format)format, lengths[i], true);
            CHECK(same_files(single, path_of("batches")));
        }
    (void)unlink(single);
    (void)unlink(path_of("batches"));
}

int main(void)
{
    make_folder(folder);
    check_round_trips();
    check_names();
    check_full_disk();
    check_cut_off();
    check_abandoned();
    check_replaced();
    check_append();
    check_limits();
    check_batches();
    CHECK_INT(count_files(), 0);
    CHECK_INT(rmdir(folder), 0);
    return check_result();
}
