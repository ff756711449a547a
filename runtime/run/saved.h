/*
 * A run that was kept in a file (run/record.h), read again.
 *
 * pk_saved_open reads what stands before the packets: program, probe, seed, parameters, source. The
 * caller compiles the source, sets the parameters, and lets pk_saved_read tell the exchanges, in the
 * order in which they were received, and then the stimuli that were not answered, in the order in
 * which they were sent. The file may be cut anywhere (the run was killed): what is whole counts.
 *
 * The packets sent are kept while reading, PK_SAVED_LIMIT bytes at most, for their answers come
 * later. The file is hostile: nothing in it is trusted.
 */
#ifndef PK_RUN_SAVED_H
#define PK_RUN_SAVED_H

#include "io/capture.h"
#include "run/session.h"

#define PK_SAVED_LIMIT       (UINT64_C(1) << 30)   /* bytes of packets sent that are kept */
#define PK_SAVED_PARAMS      256u                  /* parameters */
#define PK_SAVED_ABOUT_LIMIT (17u * 1024u * 1024u) /* bytes of what the file says of its run */

typedef struct pk_saved_param {
    const char *name, *text;
} pk_saved_param;

typedef struct pk_saved_about {
    const char *program, *probe, *seed; /* "" where the file does not say */
    pk_saved_param params[PK_SAVED_PARAMS];
    uint32_t n_params;
    const char *source;
    size_t source_len;
    uint32_t link; /* LINKTYPE_ of the packets */
} pk_saved_about;

typedef struct pk_saved pk_saved;

/* PK_EFORMAT for a file that is no capture, or a capture that no run of pktc is kept in. */
int pk_saved_open(pk_saved **ret_saved, const char *path, const pk_capture_codec *gzip,
                  pk_error *reterr_);
const pk_saved_about *pk_saved_about_of(const pk_saved *saved);

typedef struct pk_saved_reader {
    pk_vm *vm;
    const pk_image *image;
    /* Trees are good during the call. Nonzero ends with that. `k` of the exchange means nothing. */
    int (*received)(void *context, const pk_exchange *exchange);
    int (*unanswered)(void *context, const pk_tree *sent, pk_u128 n);
    void *context;
} pk_saved_reader;

/* *ret_cut: the file ends in the middle of a record. Once for each file. */
int pk_saved_read(pk_saved *saved, const pk_saved_reader *reader, bool *ret_cut, pk_error *reterr_);

void pk_saved_free(pk_saved *saved); /* accepts NULL */

#endif
