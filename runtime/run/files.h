/*
 * The files that a program speaks of, for the machine (pk_env_files): file(..), lines(..), pcap(..).
 *
 * Each file is opened when it is first asked for and kept for the life of the object: its bytes
 * (PK_FILES_SIZE_LIMIT), or an index of its frames (io/capture_index.h). Names are those of the
 * process: relative ones begin at its working directory. For one thread, as the machine is.
 */
#ifndef PK_RUN_FILES_H
#define PK_RUN_FILES_H

#include "base/arena.h"
#include "base/error.h"
#include "io/capture.h"
#include "vm/vm.h"

#define PK_FILES_SIZE_LIMIT (64u * 1024u * 1024u) /* bytes of a file that is read as a whole */

typedef struct pk_files pk_files;

typedef struct pk_files_options {
    const pk_capture_codec *gzip; /* as for pk_capture_open */
} pk_files_options;

pk_files *pk_files_new(const pk_files_options *options); /* NULL: no memory */
void pk_files_free(pk_files *files);                     /* accepts NULL */

pk_env_files pk_files_env(pk_files *files);

/* A whole regular file, in memory of the arena. */
int pk_file_read(const char *path, pk_arena *arena, pk_bytes *ret_bytes, pk_error *reterr_);

#endif
