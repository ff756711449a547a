/* Frames of a capture by their number: in any order, from files and pipes, and what is refused. */
#include "../base/check.h"
#include "capture_fixture.h"
#include "io/capture_index.h"

enum { FRAMES = 3000 };

/* Frame i has 1 + i % 1500 bytes of value i. */
static void make_capture(pk_buf *buf)
{
    put_pcap_header(buf, false, 0xa1b2c3d4, 1);
    for (unsigned i = 0; i < FRAMES; i++) {
        unsigned len = 1 + i % 1500;
        put_pcap_record(buf, false, i, 0, len, len);
        for (unsigned k = 0; k < len; k++)
            pk_buf_byte(buf, (uint8_t)i);
    }
}

static char path[] = "/tmp/pktc-index-XXXXXX";

static void write_file(const pk_buf *buf, size_t len)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(buf->data, 1, len, file) != len || fclose(file) != 0)
        exit(1);
}

static void check_frame(pk_capture_index *index, uint32_t number)
{
    pk_bytes bytes = {0};
    pk_error error = {0};
    uint32_t link = 0;
    CHECK_INT(pk_capture_index_frame(index, number, &bytes, &link, &error), PK_OK);
    CHECK_INT(bytes.len, 1 + number % 1500);
    CHECK_INT(link, 1);
    CHECK(bytes.len && bytes.data[0] == (uint8_t)number &&
          bytes.data[bytes.len - 1] == (uint8_t)number);
}

static void check_all(pk_capture_index *index)
{
    CHECK_INT(pk_capture_index_count(index), FRAMES);
    for (uint32_t i = 0; i < FRAMES; i++)
        check_frame(index, i);
    for (uint32_t i = FRAMES; i-- > 0;)
        check_frame(index, i);
    for (uint32_t i = 0; i < FRAMES; i++)
        check_frame(index, i * 1009 % FRAMES);
}

static void test_frames_come_in_any_order(void)
{
    pk_buf buf = {0};
    pk_capture_index *index = NULL;
    pk_error error = {0};
    make_capture(&buf);
    write_file(&buf, buf.len);
    CHECK_INT(pk_capture_index_open(&index, path, NULL, &error), PK_OK);
    check_all(index);
    pk_capture_index_close(index);
    pk_buf_free(&buf);
}

static void test_a_pipe_is_laid_out(void)
{
    pk_buf buf = {0};
    pk_capture_index *index = NULL;
    pk_error error = {0};
    int ends[2];
    make_capture(&buf);
    if (pipe(ends) != 0)
        exit(1);
    fflush(NULL);
    if (fork() == 0) {
        size_t done = 0;
        while (done < buf.len) {
            ssize_t put = write(ends[1], buf.data + done, buf.len - done);
            if (put <= 0)
                _exit(1);
            done += (size_t)put;
        }
        _exit(0);
    }
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    CHECK_INT(pk_capture_index_open(&index, "-", NULL, &error), PK_OK);
    check_all(index);
    pk_capture_index_close(index);
    pk_buf_free(&buf);
}

static void test_what_is_no_whole_capture_is_refused(void)
{
    pk_buf buf = {0};
    pk_capture_index *index = NULL;
    pk_error error = {0};
    make_capture(&buf);
    write_file(&buf, 24 + 17 + 18 + 10);
    CHECK_INT(pk_capture_index_open(&index, path, NULL, &error), PK_EFORMAT);
    CHECK(strstr(error.text, "cut short") && strstr(error.text, "(2 whole frames before)"));
    write_file(&buf, 0);
    CHECK_INT(pk_capture_index_open(&index, path, NULL, &error), PK_EFORMAT);
    write_file(&buf, 24);
    CHECK_INT(pk_capture_index_open(&index, path, NULL, &error), PK_OK);
    CHECK_INT(pk_capture_index_count(index), 0);
    pk_capture_index_close(index);
    CHECK_INT(pk_capture_index_open(&index, "/nowhere/at.all", NULL, &error), PK_ENOENT);
    pk_buf_free(&buf);
}

static void test_a_file_that_shrinks_is_told(void)
{
    pk_buf buf = {0};
    pk_capture_index *index = NULL;
    pk_error error = {0};
    pk_bytes bytes;
    uint32_t link;
    make_capture(&buf);
    write_file(&buf, buf.len);
    CHECK_INT(pk_capture_index_open(&index, path, NULL, &error), PK_OK);
    CHECK_INT(truncate(path, 100), 0);
    CHECK_INT(pk_capture_index_frame(index, FRAMES - 1, &bytes, &link, &error), PK_EIO);
    check_frame(index, 0);
    pk_capture_index_close(index);
    pk_buf_free(&buf);
}

int main(void)
{
    int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    close(fd);
    test_frames_come_in_any_order();
    test_a_pipe_is_laid_out();
    test_what_is_no_whole_capture_is_refused();
    test_a_file_that_shrinks_is_told();
    unlink(path);
    return check_result();
}
