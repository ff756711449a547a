#include "run/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/literal.h"
#include "io/capture_index.h"
#include "run/members.h"

typedef struct known {
    char *name;
    bool has_bytes;
    pk_bytes bytes;
    pk_capture_index *frames;
    struct known *next;
} known;

typedef struct known_host {
    char *name;
    uint32_t len;
    uint8_t address[16];
    struct known_host *next;
} known_host;

struct pk_files {
    pk_files_options options;
    pk_arena arena;
    known_host *hosts;
    known *first; /* the last one asked for */
};

pk_files *pk_files_new(const pk_files_options *options)
{
    pk_files *files = calloc(1, sizeof *files);
    if (files)
        files->options = *options;
    return files;
}

void pk_files_free(pk_files *files)
{
    if (!files)
        return;
    for (known *at = files->first; at; at = at->next)
        pk_capture_index_close(at->frames);
    pk_arena_free(&files->arena);
    free(files);
}

/* Moves the file to the front, for it is asked for again soon. */
static known *find(pk_files *files, pk_bytes name, pk_error *reterr_)
{
    known **link = &files->first;
    while (*link &&
           (strlen((*link)->name) != name.len || memcmp((*link)->name, name.data, name.len) != 0))
        link = &(*link)->next;
    known *found = *link;
    if (!found) {
        found = pk_arena_alloc(&files->arena, sizeof *found);
        char *copy = pk_arena_strndup(&files->arena, (const char *)name.data, name.len);
        if (!found || !copy) {
            pk_error_set(reterr_, PK_ENOMEM, "no memory for the names of files");
            return NULL;
        }
        *found = (known){.name = copy};
    } else {
        *link = found->next;
    }
    found->next = files->first;
    files->first = found;
    return found;
}

/* ---- whole files ----------------------------------------------------------------------------- */

static int read_all(const char *path, int fd, pk_arena *arena, pk_bytes *ret_bytes,
                    pk_error *reterr_)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return pk_error_sys(reterr_, errno, "%s", path);
    if (!S_ISREG(info.st_mode) || info.st_size > PK_FILES_SIZE_LIMIT)
        return pk_error_set(reterr_, PK_ELIMIT, "%s is no regular file of at most %u bytes", path,
                            PK_FILES_SIZE_LIMIT);
    size_t size = (size_t)info.st_size, len = 0;
    uint8_t *bytes = pk_arena_alloc(arena, size + 1);
    if (!bytes)
        return pk_error_set(reterr_, PK_ENOMEM, "%s: no memory for its %zu bytes", path, size);
    while (len < size) {
        ssize_t got = read(fd, bytes + len, size - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return pk_error_sys(reterr_, errno, "%s", path);
        if (got == 0)
            break;
        len += (size_t)got;
    }
    *ret_bytes = (pk_bytes){bytes, len};
    return PK_OK;
}

int pk_file_read(const char *path, pk_arena *arena, pk_bytes *ret_bytes, pk_error *reterr_)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return pk_error_sys(reterr_, errno, "cannot open %s", path);
    int code = read_all(path, fd, arena, ret_bytes, reterr_);
    close(fd);
    return code;
}

static int env_contents(void *context, pk_bytes name, pk_bytes *ret_bytes, pk_error *reterr_)
{
    pk_files *files = context;
    known *file = find(files, name, reterr_);
    if (!file)
        return PK_ENOMEM;
    if (!file->has_bytes) {
        int code = pk_file_read(file->name, &files->arena, &file->bytes, reterr_);
        if (code)
            return code;
        file->has_bytes = true;
    }
    *ret_bytes = file->bytes;
    return PK_OK;
}

/* ---- members --------------------------------------------------------------------------------- */

/* How a field reads what is written for it. */
static void read_as_field(pk_reading *r, pk_ref field)
{
    static const uint8_t types[] = {
        [PK_TYPE_UINT] = PK_PARAM_INT,     [PK_TYPE_INT] = PK_PARAM_INT,
        [PK_TYPE_BYTES] = PK_PARAM_BYTES,  [PK_TYPE_IP4] = PK_PARAM_IP4,
        [PK_TYPE_IP6] = PK_PARAM_IP6,      [PK_TYPE_MAC] = PK_PARAM_MAC,
        [PK_TYPE_STRUCT] = PK_PARAM_BYTES, [PK_TYPE_ULEB] = PK_PARAM_INT,
        [PK_TYPE_UVLQ] = PK_PARAM_INT};
    const pk_image_field *at = &r->image->fields[field];
    pk_ref codec = at->type == PK_TYPE_STRUCT ? r->image->layers[at->sub].codec : at->codec;
    r->type = (pk_param_type)types[at->type];
    if (r->type == PK_PARAM_INT)
        r->bits = at->type == PK_TYPE_INT ? 0 : at->bits;
    r->names = at->names;
    r->codec = pk_image_text(r->image, codec);
    r->width = at->bits / 8;
}

static int env_members(void *context, const pk_image *image, const pk_image_set_step *step,
                       pk_bytes name, pk_arena *arena, pk_set *to, pk_error *reterr_)
{
    char what[160] = "bytes";
    pk_bytes text;
    int code = env_contents(context, name, &text, reterr_);
    if (code)
        return code;
    const pk_files *files = context;
    pk_reading r = {.image = image,
                    .type = PK_PARAM_BYTES,
                    .where = files->first->name,
                    .what = what,
                    .is_set = true,
                    .arena = arena,
                    .error = reterr_};
    const pk_env_files hosts = pk_files_env(context);
    r.hosts = &hosts;
    if (step->b) {
        const pk_image_field *field = &image->fields[step->b];
        (void)snprintf(what, sizeof what, "%s.%s",
                       pk_image_text(image, image->layers[field->layer].name),
                       pk_image_text(image, field->name));
        read_as_field(&r, step->b);
    } else if (step->c) {
        const pk_image_param *param = &image->params[step->c];
        (void)snprintf(what, sizeof what, "%s", pk_image_text(image, param->name));
        r.type = (pk_param_type)param->type;
        r.bits = param->bits;
    }
    return pk_reading_lines(&r, text, to);
}

/* ---- captures -------------------------------------------------------------------------------- */

static int capture(pk_files *files, pk_bytes name, known **ret_file, pk_error *reterr_)
{
    known *file = find(files, name, reterr_);
    if (!file)
        return PK_ENOMEM;
    const pk_capture_read_options reading = {.gzip = files->options.gzip};
    int code =
        file->frames ? PK_OK : pk_capture_index_open(&file->frames, file->name, &reading, reterr_);
    *ret_file = file;
    return code;
}

static int env_frames(void *context, pk_bytes name, uint64_t *ret_count, pk_error *reterr_)
{
    known *file = NULL;
    int code = capture(context, name, &file, reterr_);
    if (!code)
        *ret_count = pk_capture_index_count(file->frames);
    return code;
}

static int env_frame(void *context, pk_bytes name, uint64_t index, pk_bytes *ret_bytes,
                     uint32_t *ret_link, pk_error *reterr_)
{
    known *file = NULL;
    int code = capture(context, name, &file, reterr_);
    return code ? code
                : pk_capture_index_frame(file->frames, (uint32_t)index, ret_bytes, ret_link,
                                         reterr_);
}

/* ---- hosts ----------------------------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of a line, up to a comment; false at its end. */
static bool next_word(const char **at, const char *end, pk_bytes *ret_word)
{
    while (*at < end && is_space(**at))
        ++*at;
    const char *start = *at;
    while (*at < end && !is_space(**at) && **at != '#')
        ++*at;
    *ret_word = (pk_bytes){(const uint8_t *)start, (size_t)(*at - start)};
    return *at > start;
}

/* hosts(5): an address, and the names that stand for it. */
static bool line_names(const char *at, const char *end, const char *host, uint32_t len,
                       uint8_t *ret_address)
{
    pk_bytes word;
    pk_literal literal;
    pk_literal_fault fault;
    pk_literal_kind wanted = len == 4 ? PK_LITERAL_IP4 : PK_LITERAL_IP6;
    if (!next_word(&at, end, &word) ||
        pk_literal_parse((const char *)word.data, word.len, &literal, &fault) ||
        literal.kind != wanted)
        return false;
    while (next_word(&at, end, &word))
        if (word.len == strlen(host) && strncasecmp((const char *)word.data, host, word.len) == 0) {
            memcpy(ret_address, literal.address, len);
            return true;
        }
    return false;
}

int pk_files_hosts(const char *host, uint32_t len, uint8_t ret_address[16], pk_error *reterr_)
{
    pk_arena arena = {0};
    pk_bytes text = {NULL, 0};
    int code = PK_ENOENT;
    (void)pk_file_read("/etc/hosts", &arena, &text, NULL);
    const char *at = (const char *)text.data, *end = text.data ? at + text.len : NULL;
    while (at < end && code) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        line = line ? line : end;
        if (line_names(at, line, host, len, ret_address))
            code = PK_OK;
        at = line + 1;
    }
    pk_arena_free(&arena);
    if (!code)
        return PK_OK;
    return pk_error_set(reterr_, PK_ENOENT,
                        "/etc/hosts has no IPv%c address of `%s`, and this program looks nowhere "
                        "else; give the address",
                        len == 4 ? '4' : '6', host);
}

static int env_address(void *context, pk_bytes name, uint32_t len, uint8_t ret_address[16],
                       pk_error *reterr_)
{
    pk_files *files = context;
    for (const known_host *at = files->hosts; at; at = at->next)
        if (at->len == len && strlen(at->name) == name.len &&
            memcmp(at->name, name.data, name.len) == 0) {
            memcpy(ret_address, at->address, len);
            return PK_OK;
        }
    known_host *found = pk_arena_alloc(&files->arena, sizeof *found);
    char *copy = pk_arena_strndup(&files->arena, (const char *)name.data, name.len);
    if (!found || !copy)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for the names of hosts");
    *found = (known_host){.name = copy, .len = len, .next = files->hosts};
    pk_files_resolve *resolve = files->options.resolve ? files->options.resolve : pk_files_hosts;
    int code = resolve(copy, len, found->address, reterr_);
    if (code)
        return code;
    files->hosts = found;
    memcpy(ret_address, found->address, len);
    return PK_OK;
}

pk_env_files pk_files_env(pk_files *files)
{
    return (pk_env_files){.contents = env_contents,
                          .members = env_members,
                          .frames = env_frames,
                          .frame = env_frame,
                          .address = env_address,
                          .context = files};
}
