#include "../base/check.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/record.h"

static char path[] = "/tmp/pktc-record-XXXXXX";
static const uint8_t frame[60] = {1, 2, 3};

static void write_run(bool finish)
{
    pk_record *record = NULL;
    pk_error error = {0};
    pk_transport_link link = {.name = "lab0", .link = 1};
    pk_record_setup setup = {path, &link, "pktc test", "seed: 7\nsource:\nsend x", false};
    CHECK_INT(pk_record_open(&record, &setup, &error), PK_OK);
    pk_sent sent = {.n = ((pk_u128)1 << 64) + 5, .try = 2, .time_ns = 1000, .bytes = {frame, 60}};
    CHECK_INT(pk_record_sent(record, &sent, &error), PK_OK);
    pk_tree tree = {0};
    pk_exchange answer = {.verdict = PK_VERDICT_ANSWER,
                          .quoted = true,
                          .n = 5,
                          .try = 1,
                          .rtt = 310000,
                          .time_ns = 2000,
                          .bytes = {frame, 42},
                          .wire_len = 60,
                          .sent = &tree};
    CHECK_INT(pk_record_received(record, &answer, &error), PK_OK);
    pk_exchange stranger = {.verdict = PK_VERDICT_UNMATCHED, .time_ns = 3000, .bytes = {frame, 60}};
    CHECK_INT(pk_record_received(record, &stranger, &error), PK_OK);
    CHECK_INT(pk_record_flush(record, &error), PK_OK);
    pk_session_counts counts = {.asked = 1, .sent = 1, .received = 2};
    if (finish)
        CHECK_INT(pk_record_finish(record, &counts, 1, &error), PK_OK);
}

static pk_capture_record next(pk_capture_reader *reader)
{
    pk_capture_record packet = {0};
    pk_error error = {0};
    CHECK_INT(pk_capture_next(reader, &packet, &error), PK_OK);
    return packet;
}

static bool comment_is(const pk_capture_record *packet, const char *text)
{
    return packet->comment.len == strlen(text) &&
           memcmp(packet->comment.data, text, packet->comment.len) == 0;
}

static void packets_are_read_back_with_their_links(void)
{
    pk_capture_reader *reader = NULL;
    pk_error error = {0};
    CHECK_INT(pk_capture_open(&reader, path, NULL, &error), PK_OK);
    pk_record_link link;
    pk_capture_record packet = next(reader);
    CHECK_INT(packet.direction, PK_DIRECTION_OUT);
    CHECK_INT(packet.time_ns, 1000);
    CHECK(comment_is(&packet, "stimulus 18446744073709551621, try 2"));
    CHECK(pk_record_link_find(&packet, &link));
    CHECK_INT(link.kind, PK_RECORD_SENT);
    CHECK_INT(link.try, 2);
    CHECK(link.n_low == 5 && link.n_high == 1);
    packet = next(reader);
    CHECK_INT(packet.direction, PK_DIRECTION_IN);
    CHECK_INT(packet.captured, 42);
    CHECK_INT(packet.original, 60);
    CHECK(comment_is(&packet, "error report to 5, try 1, rtt 0.31 ms"));
    CHECK(pk_record_link_find(&packet, &link));
    CHECK_INT(link.kind, 1 + PK_VERDICT_ANSWER);
    CHECK_INT(link.quoted, 1);
    CHECK_INT(link.rtt, 310000);
    CHECK(link.n_low == 5 && link.n_high == 0);
    packet = next(reader);
    CHECK(comment_is(&packet, "unmatched"));
    CHECK(pk_record_link_find(&packet, &link));
    CHECK(link.n_low == UINT64_MAX && link.n_high == UINT64_MAX);
    CHECK_INT(pk_capture_next(reader, &packet, &error), PK_EOF);
    CHECK_INT(pk_capture_reader_counts(reader)->custom, access(path, R_OK) == 0 ? 3 : 0);
    pk_capture_close(reader);
}

/* A process that dies after a flush: the file ends in a whole record. */
static void what_was_flushed_survives(void)
{
    pid_t child = fork();
    if (child == 0) {
        write_run(false);
        _exit(check_failures);
    }
    CHECK(child > 0);
    pk_capture_reader *reader = NULL;
    pk_capture_record packet;
    pk_error error = {0};
    int code, status = -1, packets = 0;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK_INT(pk_capture_open(&reader, path, NULL, &error), PK_OK);
    while ((code = pk_capture_next(reader, &packet, &error)) == PK_OK)
        packets++;
    CHECK_INT(code, PK_EOF);
    CHECK_INT(packets, 3);
    pk_capture_close(reader);
}

static void a_full_disk_is_told(void)
{
    pk_record *record = NULL;
    pk_error error = {0};
    pk_transport_link link = {.name = "lab0", .link = 1};
    pk_record_setup setup = {"/dev/full", &link, "pktc test", "", false};
    int code = pk_record_open(&record, &setup, &error);
    CHECK(code == PK_EIO || code == PK_EFORMAT);
    CHECK(strstr(error.text, "/dev/full") != NULL);
    CHECK(record == NULL);
}

int main(void)
{
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
    write_run(true);
    packets_are_read_back_with_their_links();
    what_was_flushed_survives();
    a_full_disk_is_told();
    unlink(path);
    return check_result();
}
