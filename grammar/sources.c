#include "sources.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Line starts are found by scanning from the nearest of these marks. */
enum { MARK_STEP = 64 * 1024, READ_STEP = 256 * 1024 };

typedef struct source {
    char *name;
    uint8_t *text;
    uint32_t lo, len;
    uint32_t lead;   /* bytes at its start that are not shown */
    uint32_t *marks; /* newlines before each multiple of MARK_STEP */
} source;

struct pk_sources {
    source *list;
    size_t count, cap;
    uint32_t end; /* first offset that no source owns; 0 is never a source's */
};

pk_sources *pk_sources_new(void)
{
    pk_sources *sources = calloc(1, sizeof *sources);
    if (sources)
        sources->end = 1;
    return sources;
}

void pk_sources_free(pk_sources *sources)
{
    if (!sources)
        return;
    for (size_t i = 0; i < sources->count; i++) {
        free(sources->list[i].name);
        free(sources->list[i].text);
        free(sources->list[i].marks);
    }
    free(sources->list);
    free(sources);
}

static uint32_t count_newlines(const uint8_t *text, size_t len)
{
    uint32_t lines = 0;
    for (size_t i = 0; i < len; i++)
        lines += text[i] == '\n';
    return lines;
}

/* Code points: every byte but the continuation bytes of UTF-8. */
static uint32_t count_columns(const uint8_t *text, size_t len)
{
    uint32_t columns = 0;
    for (size_t i = 0; i < len; i++)
        columns += (text[i] & 0xc0) != 0x80;
    return columns;
}

static uint32_t *make_marks(const uint8_t *text, size_t len)
{
    size_t count = len / MARK_STEP + 1;
    uint32_t *marks = calloc(count, sizeof *marks);
    for (size_t i = 1; marks && i < count; i++)
        marks[i] = marks[i - 1] + count_newlines(text + (i - 1) * MARK_STEP, MARK_STEP);
    return marks;
}

static bool grow(pk_sources *sources)
{
    if (sources->count < sources->cap)
        return true;
    size_t cap = sources->cap ? sources->cap * 2 : 8;
    source *list = realloc(sources->list, cap * sizeof *list);
    if (!list)
        return false;
    sources->list = list;
    sources->cap = cap;
    return true;
}

/* Takes over `text`, which has room for len + 1 bytes and is released on failure too. */
static int adopt(pk_sources *sources, const char *name, uint8_t *text, size_t len,
                 pk_span *ret_span)
{
    source new = {.name = strdup(name), .text = text, .lo = sources->end, .len = (uint32_t)len};
    new.marks = make_marks(text, len);
    if (!new.name || !new.marks || !grow(sources)) {
        free(new.name);
        free(new.marks);
        free(text);
        return PK_ENOMEM;
    }
    text[len] = 0;
    sources->list[sources->count++] = new;
    sources->end += new.len + 1;
    *ret_span = (pk_span){new.lo, new.lo + new.len};
    return PK_OK;
}

static bool has_room(const pk_sources *sources, size_t len)
{
    return len <= PK_SOURCE_LIMIT && len < UINT32_MAX - sources->end;
}

int pk_sources_add(pk_sources *sources, const char *name, const void *text, size_t len,
                   pk_span *ret_span)
{
    if (!has_room(sources, len))
        return PK_ELIMIT;
    uint8_t *copy = malloc(len + 1);
    if (!copy)
        return PK_ENOMEM;
    if (len)
        memcpy(copy, text, len);
    return adopt(sources, name, copy, len, ret_span);
}

/* All that `fd` gives, in a buffer with one byte to spare. A regular file is read into a buffer of
 * its size; of a pipe it is not known. */
static int read_all(int fd, uint8_t **ret_text, size_t *ret_len)
{
    struct stat st;
    size_t cap = READ_STEP;
    if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0) {
        if (st.st_size > PK_SOURCE_LIMIT)
            return PK_ELIMIT;
        cap = (size_t)st.st_size + 2;
    }
    uint8_t *text = malloc(cap);
    size_t len = 0;
    int error = text ? PK_OK : PK_ENOMEM;
    while (!error) {
        if (len + 1 == cap) {
            uint8_t *bigger = realloc(text, cap += cap / 2);
            if (!bigger) {
                error = PK_ENOMEM;
                break;
            }
            text = bigger;
        }
        ssize_t got = read(fd, text + len, cap - 1 - len);
        if (got == 0)
            break;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            error = PK_EIO;
        else if ((len += (size_t)got) > PK_SOURCE_LIMIT)
            error = PK_ELIMIT;
    }
    if (error) {
        int saved = errno;
        free(text);
        errno = saved;
        return error;
    }
    *ret_text = text;
    *ret_len = len;
    return PK_OK;
}

int pk_sources_read(pk_sources *sources, const char *path, pk_span *ret_span)
{
    bool standard = !strcmp(path, "-");
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return PK_EIO;
    uint8_t *text = NULL;
    size_t len = 0;
    int error = read_all(fd, &text, &len);
    int saved = errno;
    if (!standard)
        (void)close(fd);
    errno = saved;
    if (error)
        return error;
    if (!has_room(sources, len)) {
        free(text);
        return PK_ELIMIT;
    }
    return adopt(sources, standard ? "stdin" : path, text, len, ret_span);
}

/* The source that owns `offset` (its end included), or NULL. */
static const source *owner(const pk_sources *sources, uint32_t offset)
{
    size_t lo = 0;
    size_t hi = sources->count;
    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        if (sources->list[middle].lo <= offset)
            lo = middle + 1;
        else
            hi = middle;
    }
    if (!lo)
        return NULL;
    const source *found = &sources->list[lo - 1];
    return offset - found->lo <= found->len ? found : NULL;
}

pk_bytes pk_sources_text(const pk_sources *sources, pk_span span)
{
    const source *in = owner(sources, span.lo);
    if (!in || span.hi < span.lo)
        return (pk_bytes){(const uint8_t *)"", 0};
    uint32_t at = span.lo - in->lo;
    uint32_t len = span.hi - span.lo;
    return (pk_bytes){in->text + at, len < in->len - at ? len : in->len - at};
}

void pk_sources_hide(pk_sources *sources, pk_span text, uint32_t lead)
{
    for (size_t i = 0; i < sources->count; i++)
        if (sources->list[i].lo == text.lo && lead <= sources->list[i].len)
            sources->list[i].lead = lead;
}

pk_place pk_sources_place(const pk_sources *sources, uint32_t offset)
{
    const source *in = owner(sources, offset);
    if (!in)
        return (pk_place){"", 1, 1, {(const uint8_t *)"", 0}, offset};
    uint32_t at = offset - in->lo;
    uint32_t mark = at / MARK_STEP * MARK_STEP;
    uint32_t line = in->marks[at / MARK_STEP] + count_newlines(in->text + mark, at - mark);
    const uint8_t *before = at ? memrchr(in->text, '\n', at) : NULL;
    uint32_t start = before ? (uint32_t)(before - in->text) + 1 : in->lead;
    at = at > start ? at : start;
    const uint8_t *after = memchr(in->text + at, '\n', in->len - at);
    uint32_t end = after ? (uint32_t)(after - in->text) : in->len;
    if (end > start && in->text[end - 1] == '\r')
        end--;
    return (pk_place){
        .name = in->name,
        .line = line + 1,
        .column = count_columns(in->text + start, at - start) + 1,
        .text = {in->text + start, end - start},
        .line_lo = in->lo + start,
    };
}
