#include "io/capture_index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/capture_reader.h"

enum { AHEAD = 64 * 1024 /* bytes read at once at the least */ };

typedef struct frame {
    uint64_t offset;
    uint32_t len;
    uint32_t link;
} frame;

struct pk_capture_index {
    char *name;
    int fd; /* the capture, or the file that its frames were laid out in */
    frame *frames;
    uint32_t count, cap;
    uint8_t *buffer; /* what stands in the file at `at` */
    size_t room, len;
    uint64_t at;
};

static int no_memory(const pk_capture_index *index, pk_error *reterr_)
{
    return pk_error_set(reterr_, PK_ENOMEM, "%s: no memory for an index of its frames",
                        index->name);
}

/* ---- laying out ------------------------------------------------------------------------------ */

static int open_unnamed(const char *name, int *ret_fd, pk_error *reterr_)
{
    const char *folder = getenv("TMPDIR");
    if (!folder || !*folder)
        folder = "/tmp";
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return pk_error_sys(reterr_, errno, "%s cannot be read at a place, and a copy in %s fails",
                            name, folder);
    *ret_fd = fd;
    return PK_OK;
}

static int lay_out(const pk_capture_index *index, const pk_capture_record *record,
                   pk_error *reterr_)
{
    for (size_t done = 0; done < record->captured;) {
        ssize_t put = write(index->fd, record->data + done, record->captured - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return pk_error_sys(reterr_, errno, "%s: its frames cannot be laid out", index->name);
        done += (size_t)put;
    }
    return PK_OK;
}

/* ---- the scan -------------------------------------------------------------------------------- */

static int add_frame(pk_capture_index *index, frame one, pk_error *reterr_)
{
    if (index->count == PK_CAPTURE_FRAMES_LIMIT)
        return pk_error_set(reterr_, PK_ELIMIT, "%s: too many frames for an index (limit %u)",
                            index->name, PK_CAPTURE_FRAMES_LIMIT);
    if (index->count == index->cap) {
        uint32_t cap = index->cap ? index->cap * 2 : 1024;
        frame *grown = realloc(index->frames, cap * sizeof *grown);
        if (!grown)
            return no_memory(index, reterr_);
        index->frames = grown;
        index->cap = cap;
    }
    index->frames[index->count++] = one;
    return PK_OK;
}

/* Where the record's bytes lie in the stream that the reader's window slides over. */
static uint64_t offset_of(const pk_capture_reader *reader, const pk_capture_record *record)
{
    return reader->window.offset - (uint64_t)(pk_window_at(&reader->window) - record->data);
}

static int scan(pk_capture_index *index, pk_capture_reader *reader, bool copied, pk_error *reterr_)
{
    pk_capture_record record;
    uint64_t end = 0;
    int code;
    while ((code = pk_capture_next(reader, &record, reterr_)) == PK_OK) {
        frame one = {copied ? end : offset_of(reader, &record), record.captured, record.link};
        code = copied ? lay_out(index, &record, reterr_) : PK_OK;
        if (!code)
            code = add_frame(index, one, reterr_);
        if (code)
            return code;
        end += record.captured;
    }
    if (code == PK_EOF)
        return PK_OK;
    pk_error_append(reterr_, " (%u whole frame%s before)", index->count,
                    index->count == 1 ? "" : "s");
    return code;
}

static bool may_seek(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && lseek(fd, 0, SEEK_CUR) == 0;
}

static int index_of(pk_capture_index *index, int fd, const pk_capture_read_options *options,
                    pk_error *reterr_)
{
    pk_capture_reader *reader = NULL;
    bool seekable = may_seek(fd);
    const pk_capture_read_options reading = {.gzip = options ? options->gzip : NULL};
    int code = pk_capture_open_fd(&reader, fd, index->name, &reading, reterr_);
    if (code)
        return code;
    bool copied = !seekable || reader->window.codec || reader->format == PK_CAPTURE_HEXDUMP;
    if (copied)
        code = open_unnamed(index->name, &index->fd, reterr_);
    else if ((index->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) < 0)
        code = pk_error_sys(reterr_, errno, "%s", index->name);
    if (!code)
        code = scan(index, reader, copied, reterr_);
    pk_capture_close(reader);
    return code;
}

int pk_capture_index_open(pk_capture_index **ret_index, const char *path,
                          const pk_capture_read_options *options, pk_error *reterr_)
{
    bool stdin_too = strcmp(path, "-") == 0;
    pk_capture_index *index = calloc(1, sizeof *index);
    if (index)
        *index = (pk_capture_index){.fd = -1, .name = strdup(stdin_too ? "stdin" : path)};
    if (!index || !index->name) {
        free(index);
        return pk_error_set(reterr_, PK_ENOMEM, "%s: no memory for an index of its frames", path);
    }
    int fd = stdin_too ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    int code = fd < 0 ? pk_error_sys(reterr_, errno, "cannot open %s", path)
                      : index_of(index, fd, options, reterr_);
    if (fd >= 0 && !stdin_too)
        (void)close(fd);
    if (code) {
        pk_capture_index_close(index);
        return code;
    }
    *ret_index = index;
    return PK_OK;
}

void pk_capture_index_close(pk_capture_index *index)
{
    if (!index)
        return;
    if (index->fd >= 0)
        (void)close(index->fd);
    free(index->frames);
    free(index->buffer);
    free(index->name);
    free(index);
}

/* ---- frames ---------------------------------------------------------------------------------- */

uint32_t pk_capture_index_count(const pk_capture_index *index)
{
    return index->count;
}

static bool is_buffered(const pk_capture_index *index, const frame *one)
{
    return one->offset >= index->at && one->offset - index->at <= index->len &&
           one->len <= index->len - (one->offset - index->at);
}

static int make_room(pk_capture_index *index, size_t size, pk_error *reterr_)
{
    if (size <= index->room)
        return PK_OK;
    uint8_t *grown = realloc(index->buffer, size);
    if (!grown)
        return no_memory(index, reterr_);
    index->buffer = grown;
    index->room = size;
    return PK_OK;
}

static int fetch(pk_capture_index *index, const frame *one, pk_error *reterr_)
{
    int code = make_room(index, one->len > AHEAD ? one->len : AHEAD, reterr_);
    if (code)
        return code;
    index->at = one->offset;
    index->len = 0;
    while (index->len < index->room) {
        ssize_t got = pread(index->fd, index->buffer + index->len, index->room - index->len,
                            (off_t)(index->at + index->len));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return pk_error_sys(reterr_, errno, "%s: cannot read", index->name);
        if (got == 0)
            break;
        index->len += (size_t)got;
    }
    if (index->len < one->len)
        return pk_error_set(reterr_, PK_EIO, "%s: it became shorter while it was read",
                            index->name);
    return PK_OK;
}

int pk_capture_index_frame(pk_capture_index *index, uint32_t number, pk_bytes *ret_bytes,
                           uint32_t *ret_link, pk_error *reterr_)
{
    const frame *one = &index->frames[number];
    int code = is_buffered(index, one) ? PK_OK : fetch(index, one, reterr_);
    if (code)
        return code;
    *ret_bytes = (pk_bytes){index->buffer + (one->offset - index->at), one->len};
    *ret_link = one->link;
    return PK_OK;
}
