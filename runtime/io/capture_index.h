/*
 * The frames of a capture file by their number.
 *
 * Opening reads the file once from end to end and keeps for each frame where its bytes are, how many,
 * and its link type: 16 bytes a frame, PK_CAPTURE_FRAMES_LIMIT of them. A frame is then one read at
 * its place; neighbouring frames come from one buffer, so that going through them in order reads the
 * file in large pieces. What cannot be read at a place (a pipe, a packed file, a hex dump) is laid out in a file
 * without a name in $TMPDIR or /tmp. A file that is damaged or cut short is refused with the reader's
 * sentence and the number of whole frames before. For one thread.
 */
#ifndef PK_IO_CAPTURE_INDEX_H
#define PK_IO_CAPTURE_INDEX_H

#include "io/capture.h"

#define PK_CAPTURE_FRAMES_LIMIT 16777216u /* frames of a capture that are known by number */

typedef struct pk_capture_index pk_capture_index;

/* `options` as for pk_capture_open, but that nothing is mapped. */
int pk_capture_index_open(pk_capture_index **ret_index, const char *path,
                          const pk_capture_read_options *options, pk_error *reterr_);
void pk_capture_index_close(pk_capture_index *index); /* accepts NULL */

uint32_t pk_capture_index_count(const pk_capture_index *index);

/* Frame `number` (< count), from 0. Its bytes are good until the next call. */
int pk_capture_index_frame(pk_capture_index *index, uint32_t number, pk_bytes *ret_bytes,
                           uint32_t *ret_link, pk_error *reterr_);

#endif
