#include "io/capture_gzip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define INPUT_LEN   (64u * 1024u)
#define GZIP_WINDOW (15 + 16) /* the largest window, and a gzip header before it */

typedef struct gzip_state {
    z_stream stream;
    int fd;
    bool ended;    /* nothing more to read */
    bool between;  /* the last member is complete */
    uint8_t *head; /* what the reader had looked at already */
    uint8_t input[INPUT_LEN];
} gzip_state;

static void close_gzip(void *state)
{
    gzip_state *s = state;
    (void)inflateEnd(&s->stream);
    free(s->head);
    free(s);
}

static void *open_gzip(int fd, const uint8_t *head, size_t head_len)
{
    gzip_state *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->fd = fd;
    s->head = malloc(head_len ? head_len : 1);
    if (!s->head || inflateInit2(&s->stream, GZIP_WINDOW) != Z_OK) {
        free(s->head);
        free(s);
        return NULL;
    }
    memcpy(s->head, head, head_len);
    s->stream.next_in = s->head;
    s->stream.avail_in = (unsigned)head_len;
    return s;
}

static int read_input(gzip_state *s)
{
    ssize_t got;
    do
        got = read(s->fd, s->input, sizeof s->input);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -1;
    s->ended = got == 0;
    s->stream.next_in = s->input;
    s->stream.avail_in = (unsigned)got;
    return 0;
}

static ptrdiff_t damaged(void)
{
    errno = EBADMSG;
    return -1;
}

/* Behind a whole member, what does not begin another is ignored, as gzip itself does. */
static void look_for_member(gzip_state *s)
{
    if (!s->between || s->stream.avail_in == 0 || s->stream.next_in[0] == 0x1f)
        return;
    s->ended = true;
    s->stream.avail_in = 0;
}

/* One step of inflate; false when the data is damaged. */
static bool unpack_some(gzip_state *s)
{
    int result = inflate(&s->stream, Z_NO_FLUSH);
    s->between = result == Z_STREAM_END;
    if (s->between)
        return inflateReset(&s->stream) == Z_OK;
    return result == Z_OK || result == Z_BUF_ERROR;
}

static ptrdiff_t read_gzip(void *state, uint8_t *out, size_t cap)
{
    gzip_state *s = state;
    unsigned room = cap < INPUT_LEN * 16 ? (unsigned)cap : INPUT_LEN * 16;
    s->stream.next_out = out;
    s->stream.avail_out = room;
    while (s->stream.avail_out == room) {
        if (s->stream.avail_in == 0 && !s->ended && read_input(s) < 0)
            return -1;
        look_for_member(s);
        if (s->stream.avail_in == 0 && s->ended)
            return s->between ? 0 : damaged();
        if (!unpack_some(s))
            return s->stream.avail_out == room ? damaged()
                                               : (ptrdiff_t)(room - s->stream.avail_out);
    }
    return (ptrdiff_t)(room - s->stream.avail_out);
}

const pk_capture_codec *pk_capture_gzip(void)
{
    static const pk_capture_codec codec = {open_gzip, read_gzip, close_gzip};
    return &codec;
}
