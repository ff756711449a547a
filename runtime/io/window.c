#include "io/window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW_INITIAL (256u * 1024u)

static int map_file(pk_window *window, size_t size, size_t position)
{
    void *mapping = mmap(NULL, size, PROT_READ, MAP_PRIVATE, window->fd, 0);
    if (mapping == MAP_FAILED)
        return -1;
    (void)madvise(mapping, size, MADV_SEQUENTIAL);
    window->mapping = mapping;
    window->mapping_len = size;
    window->bytes = mapping;
    window->start = position;
    window->end = size;
    window->ended = true;
    return 0;
}

static bool try_map(pk_window *window)
{
    struct stat status;
    off_t position = lseek(window->fd, 0, SEEK_CUR);
    if (position < 0 || fstat(window->fd, &status) < 0 || !S_ISREG(status.st_mode))
        return false;
    if (status.st_size <= position || (uint64_t)status.st_size > SIZE_MAX / 2)
        return false;
    return map_file(window, (size_t)status.st_size, (size_t)position) == 0;
}

static int allocate(pk_window *window, pk_error *reterr_)
{
    window->buffer = malloc(WINDOW_INITIAL);
    if (!window->buffer)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for reading");
    window->cap = WINDOW_INITIAL;
    window->bytes = window->buffer;
    return PK_OK;
}

int pk_window_open(pk_window *ret_window, int fd, bool map, pk_error *reterr_)
{
    pk_window window = {.fd = fd};
    if (!map || !try_map(&window)) {
        int code = allocate(&window, reterr_);
        if (code < 0)
            return code;
    }
    *ret_window = window;
    return PK_OK;
}

int pk_window_unpack(pk_window *window, const pk_capture_codec *codec, pk_error *reterr_)
{
    void *state = codec->open(window->fd, pk_window_at(window), pk_window_visible(window));
    if (!state)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for unpacking");
    window->codec = codec;
    window->codec_state = state;
    window->start = 0;
    window->end = 0;
    window->offset = 0;
    window->ended = false;
    return PK_OK;
}

/* Moves what is visible to the front and grows the buffer when it is full. */
static int make_room(pk_window *window, pk_error *reterr_)
{
    size_t visible = pk_window_visible(window);
    if (window->start > 0) {
        memmove(window->buffer, window->buffer + window->start, visible);
        window->start = 0;
        window->end = visible;
    }
    if (visible < window->cap)
        return PK_OK;
    uint8_t *grown = realloc(window->buffer, window->cap * 2);
    if (!grown)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for a block of %zu bytes",
                            window->cap * 2);
    window->buffer = grown;
    window->bytes = grown;
    window->cap *= 2;
    return PK_OK;
}

static ptrdiff_t read_some(pk_window *window)
{
    uint8_t *at = window->buffer + window->end;
    size_t room = window->cap - window->end;
    if (window->codec)
        return window->codec->read(window->codec_state, at, room);
    ssize_t got;
    do
        got = read(window->fd, at, room);
    while (got < 0 && errno == EINTR);
    return got;
}

int pk_window_need(pk_window *window, size_t n, pk_error *reterr_)
{
    while (pk_window_visible(window) < n) {
        if (window->ended)
            return PK_EOF;
        int code = make_room(window, reterr_);
        if (code < 0)
            return code;
        ptrdiff_t got = read_some(window);
        if (got < 0 && window->codec && errno == EBADMSG)
            return pk_error_set(reterr_, PK_EFORMAT, "the packed data is damaged or cut short");
        if (got < 0)
            return pk_error_sys(reterr_, errno, "cannot read");
        window->ended = got == 0;
        window->end += (size_t)got;
    }
    return PK_OK;
}

void pk_window_close(pk_window *window)
{
    if (window->codec)
        window->codec->close(window->codec_state);
    if (window->mapping)
        (void)munmap(window->mapping, window->mapping_len);
    free(window->buffer);
    *window = (pk_window){.fd = -1};
}
