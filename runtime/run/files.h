/*
 * The files that a program speaks of, for the machine (pk_env_files): file(..), lines(..), pcap(..), and
 * its host names.
 *
 * Each file is opened when it is first asked for and kept for the life of the object: its bytes
 * (PK_FILES_SIZE_LIMIT), or an index of its frames (io/capture_index.h). Names are those of the
 * process: relative ones begin at its working directory. A host name is looked up by a function of the
 * caller, once in each family, and stands for that address from then on. For one thread, as the
 * machine is.
 */
#ifndef PK_RUN_FILES_H
#define PK_RUN_FILES_H

#include "base/arena.h"
#include "base/error.h"
#include "io/capture.h"
#include "vm/vm.h"

#define PK_FILES_SIZE_LIMIT (64u * 1024u * 1024u) /* bytes of a file that is read as a whole */

typedef struct pk_files pk_files;

/* The address of `len` bytes (4 or 16) of a host, in network order; a code and its sentence. */
typedef int pk_files_resolve(const char *host, uint32_t len, uint8_t ret_address[16],
                             pk_error *reterr_);

typedef struct pk_files_options {
    pk_files_resolve *resolve;    /* NULL: pk_files_hosts */
    const pk_capture_codec *gzip; /* as for pk_capture_open */
} pk_files_options;

pk_files *pk_files_new(const pk_files_options *options); /* NULL: no memory */
void pk_files_free(pk_files *files);                     /* accepts NULL */

pk_env_files pk_files_env(pk_files *files);

/* Looks in /etc/hosts alone: what a program can do that has no resolver. */
pk_files_resolve pk_files_hosts;

/* A whole regular file, in memory of the arena. */
int pk_file_read(const char *path, pk_arena *arena, pk_bytes *ret_bytes, pk_error *reterr_);

#endif
