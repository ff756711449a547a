#include "io/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(pk_output *output, int sys_errno, const char *what, pk_error *reterr_)
{
    int code = pk_error_sys(&output->error, sys_errno, "cannot %s %s", what, output->name);
    /* Out of room is a failed write, whatever kind of room it is. */
    if (code != PK_EPERM)
        output->error.code = PK_EIO;
    if (reterr_)
        *reterr_ = output->error;
    return output->error.code;
}

static int failed_before(const pk_output *output, pk_error *reterr_)
{
    if (reterr_)
        *reterr_ = output->error;
    return output->error.code;
}

static int no_memory(pk_error *reterr_)
{
    return pk_error_set(reterr_, PK_ENOMEM, "no memory for writing");
}

static int prepare(pk_output *output, const char *name, pk_error *reterr_)
{
    *output = (pk_output){.fd = -1};
    output->name = strdup(name);
    output->buffer = malloc(PK_OUTPUT_ROOM);
    if (output->name && output->buffer)
        return PK_OK;
    pk_output_abandon(output);
    return no_memory(reterr_);
}

int pk_output_open_fd(pk_output *ret_output, int fd, const char *name, pk_error *reterr_)
{
    pk_output output;
    int code = prepare(&output, name, reterr_);
    if (code < 0)
        return code;
    output.fd = fd;
    *ret_output = output;
    return PK_OK;
}

/* The directory part of a path, "." for none. NULL: no memory. */
static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static int open_nameless(const char *target)
{
    char *directory = directory_of(target);
    if (!directory)
        return -1;
    int fd = open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    free(directory);
    return fd;
}

/* A name beside the target that nobody has: "<target>.part-<process>-<n>". */
static char *temporary_name(const char *target, unsigned attempt)
{
    size_t room = strlen(target) + 48;
    char *name = malloc(room);
    if (name)
        (void)snprintf(name, room, "%s.part-%ld-%u", target, (long)getpid(), attempt);
    return name;
}

static int open_named(pk_output *output)
{
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        char *name = temporary_name(output->target, attempt);
        if (!name) {
            errno = ENOMEM;
            return -1;
        }
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0) {
            output->temporary = name;
            return fd;
        }
        free(name);
        if (errno != EEXIST)
            return -1;
    }
    return -1;
}

/* Writes to a symbolic link go to what it points at; a path that is not there yet stays. */
static char *final_path(const char *path)
{
    char *real = realpath(path, NULL);
    return real ? real : strdup(path);
}

static int open_whole(pk_output *output, const char *path, const struct stat *existing,
                      pk_error *reterr_)
{
    output->target = final_path(path);
    if (!output->target)
        return no_memory(reterr_);
    if (existing && access(path, W_OK) < 0)
        return fail(output, errno, "write", reterr_);
    output->mode = existing ? existing->st_mode & 07777 : 0;
    output->fd = open_nameless(output->target);
    if (output->fd < 0)
        output->fd = open_named(output);
    return output->fd < 0 ? fail(output, errno, "create", reterr_) : PK_OK;
}

static int open_direct(pk_output *output, const char *path, pk_output_mode mode, pk_error *reterr_)
{
    int flags = O_CREAT | O_CLOEXEC;
    flags |= mode == PK_OUTPUT_APPEND ? O_RDWR | O_APPEND : O_WRONLY | O_TRUNC;
    output->fd = open(path, flags, 0666);
    if (output->fd < 0)
        return fail(output, errno, "create", reterr_);
    struct stat status;
    if (mode == PK_OUTPUT_APPEND && fstat(output->fd, &status) == 0 && S_ISREG(status.st_mode))
        output->existed = (uint64_t)status.st_size;
    return PK_OK;
}

int pk_output_open(pk_output *ret_output, const char *path, pk_output_mode mode, pk_error *reterr_)
{
    if (strcmp(path, "-") == 0)
        return pk_output_open_fd(ret_output, STDOUT_FILENO, "stdout", reterr_);
    pk_output output;
    int code = prepare(&output, path, reterr_);
    if (code < 0)
        return code;
    output.own_fd = true;
    struct stat existing;
    bool exists = stat(path, &existing) == 0;
    if (mode == PK_OUTPUT_WHOLE && (!exists || S_ISREG(existing.st_mode)))
        code = open_whole(&output, path, exists ? &existing : NULL, reterr_);
    else
        code = open_direct(&output, path, mode, reterr_);
    if (code < 0) {
        pk_output_abandon(&output);
        return code;
    }
    *ret_output = output;
    return PK_OK;
}

/* A descriptor handed in may be non-blocking: then the reader is waited for. */
static bool wait_writable(int fd)
{
    struct pollfd entry = {.fd = fd, .events = POLLOUT};
    return poll(&entry, 1, -1) >= 0 || errno == EINTR;
}

/* Half a record at the end of a file that people read is worse than none. */
static void cut_back(const pk_output *output)
{
    struct stat status;
    off_t position = lseek(output->fd, 0, SEEK_CUR);
    if (output->target || position < 0 || fstat(output->fd, &status) < 0)
        return;
    if (!S_ISREG(status.st_mode) || status.st_size != position)
        return;
    uint64_t torn = output->landed - output->whole;
    if (torn > 0 && ftruncate(output->fd, position - (off_t)torn) == 0)
        (void)lseek(output->fd, position - (off_t)torn, SEEK_SET);
}

static int write_all(pk_output *output, const uint8_t *at, size_t len, pk_error *reterr_)
{
    while (len > 0) {
        ssize_t done = write(output->fd, at, len);
        if (done < 0 && (errno == EINTR || (errno == EAGAIN && wait_writable(output->fd))))
            continue;
        if (done < 0) {
            int sys_errno = errno;
            cut_back(output);
            return fail(output, sys_errno, "write", reterr_);
        }
        at += done;
        len -= (size_t)done;
        output->landed += (uint64_t)done;
    }
    return PK_OK;
}

int pk_output_flush(pk_output *output, pk_error *reterr_)
{
    if (output->error.code)
        return failed_before(output, reterr_);
    size_t used = output->used;
    output->used = 0;
    int code = write_all(output, output->buffer, used, reterr_);
    if (code == PK_OK)
        output->whole = output->landed;
    return code;
}

int pk_output_record(pk_output *output, size_t len, pk_error *reterr_)
{
    if (output->error.code)
        return failed_before(output, reterr_);
    if (output->used == 0)
        output->whole = output->landed;
    else if (len > PK_OUTPUT_ROOM - output->used)
        return pk_output_flush(output, reterr_);
    return PK_OK;
}

int pk_output_room(pk_output *output, size_t len, uint8_t **ret_at, pk_error *reterr_)
{
    int code = pk_output_record(output, len, reterr_);
    *ret_at = output->buffer + output->used;
    return code;
}

void pk_output_take(pk_output *output, size_t len)
{
    output->used += len;
    output->written += len;
}

/* A record longer than the buffer lands in pieces and is whole only with the next one's mark. */
static int flush_piece(pk_output *output, pk_error *reterr_)
{
    uint64_t whole = output->whole;
    int code = pk_output_flush(output, reterr_);
    output->whole = whole;
    return code;
}

int pk_output_add(pk_output *output, const void *bytes, size_t len, pk_error *reterr_)
{
    if (output->error.code)
        return failed_before(output, reterr_);
    output->written += len;
    if (len > PK_OUTPUT_ROOM - output->used) {
        int code = flush_piece(output, reterr_);
        if (code < 0)
            return code;
        if (len >= PK_OUTPUT_ROOM)
            return write_all(output, bytes, len, reterr_);
    }
    if (len > 0)
        memcpy(output->buffer + output->used, bytes, len);
    output->used += len;
    return PK_OK;
}

/* linkat cannot replace a file, so a nameless file gets a temporary name first. */
static int name_nameless(pk_output *output)
{
    char descriptor[48];
    (void)snprintf(descriptor, sizeof descriptor, "/proc/self/fd/%d", output->fd);
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        char *name = temporary_name(output->target, attempt);
        if (!name) {
            errno = ENOMEM;
            return -1;
        }
        if (linkat(AT_FDCWD, descriptor, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0) {
            output->temporary = name;
            return 0;
        }
        free(name);
        if (errno != EEXIST)
            return -1;
    }
    return -1;
}

static int give_name(pk_output *output, pk_error *reterr_)
{
    if (output->mode)
        (void)fchmod(output->fd, output->mode); /* as the old file had it; ours if it cannot be */
    if (!output->temporary && name_nameless(output) < 0)
        return fail(output, errno, "name", reterr_);
    if (rename(output->temporary, output->target) < 0)
        return fail(output, errno, "rename to", reterr_);
    free(output->temporary);
    output->temporary = NULL;
    return PK_OK;
}

static int close_output(pk_output *output, pk_error *reterr_)
{
    int fd = output->fd;
    output->fd = -1;
    if (output->own_fd && close(fd) < 0 && errno != EINTR)
        return fail(output, errno, "close", reterr_);
    return PK_OK;
}

int pk_output_finish(pk_output *output, pk_error *reterr_)
{
    int code = pk_output_flush(output, reterr_);
    /* Naming needs the descriptor; a late error of close (quota, network file systems) still must
     * not leave the name behind, so the data is brought to the disk before. */
    if (code == PK_OK && output->target && fdatasync(output->fd) < 0 && errno != EINVAL)
        code = fail(output, errno, "write", reterr_);
    if (code == PK_OK && output->target)
        code = give_name(output, reterr_);
    if (code == PK_OK)
        code = close_output(output, reterr_);
    pk_output_abandon(output);
    return code;
}

void pk_output_abandon(pk_output *output)
{
    if (output->own_fd && output->fd >= 0)
        (void)close(output->fd);
    if (output->temporary)
        (void)unlink(output->temporary);
    free(output->name);
    free(output->target);
    free(output->temporary);
    free(output->buffer);
    *output = (pk_output){.fd = -1};
}
