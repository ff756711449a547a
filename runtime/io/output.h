/*
 * Buffered output to a file that appears under its name only when it is whole.
 *
 * A regular path is written without a name (O_TMPFILE) or, where the file system cannot do that,
 * under a temporary name beside it; pk_output_finish gives it its name in one step, so a reader
 * never meets half a file and an old file stays until the new one is complete. "-", descriptors,
 * devices, pipes and `live` are written at once. Every error of the system surfaces at the call
 * that meets it and sticks; sys_errno tells which (ENOSPC: the disk is full). A regular file that
 * was written at once is then cut back to its last whole record, as pk_output_record marked them.
 */
#ifndef PK_IO_OUTPUT_H
#define PK_IO_OUTPUT_H

#include "base/error.h"
#include "base/types.h"

typedef enum pk_output_mode {
    PK_OUTPUT_WHOLE, /* under its name when finished */
    PK_OUTPUT_LIVE,  /* under its name at once */
    PK_OUTPUT_APPEND /* behind what is there */
} pk_output_mode;

typedef struct pk_output {
    int fd;
    bool own_fd;
    char *name;      /* for messages */
    char *target;    /* the final path, when it is to be named at the end; else NULL */
    char *temporary; /* the name it has meanwhile; NULL: none */
    unsigned mode;   /* permission bits for the final file */
    uint8_t *buffer;
    size_t used;
    uint64_t written; /* bytes accepted */
    uint64_t existed; /* bytes that were there before (append) */
    uint64_t landed;  /* bytes the system took */
    uint64_t whole;   /* of these, up to the end of a record */
    pk_error error;   /* the first failure; code 0 = none */
} pk_output;

int pk_output_open(pk_output *ret_output, const char *path, pk_output_mode mode, pk_error *reterr_);
int pk_output_open_fd(pk_output *ret_output, int fd, const char *name, pk_error *reterr_);

/* The next len bytes belong together: what came before them is whole. */
int pk_output_record(pk_output *output, size_t len, pk_error *reterr_);

int pk_output_add(pk_output *output, const void *bytes, size_t len, pk_error *reterr_);
/* Room for `len` bytes (at most PK_OUTPUT_ROOM) of whole records, to be written in place and then
 * taken, as many of them as are whole. */
#define PK_OUTPUT_ROOM (256u * 1024u)
int pk_output_room(pk_output *output, size_t len, uint8_t **ret_at, pk_error *reterr_);
void pk_output_take(pk_output *output, size_t len);

int pk_output_flush(pk_output *output, pk_error *reterr_);

/* Flushes, closes, names. Everything is released whatever comes out. */
int pk_output_finish(pk_output *output, pk_error *reterr_);

/* Closes and drops. Accepts an all-zero output. */
void pk_output_abandon(pk_output *output);

#endif
