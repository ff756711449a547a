/*
 * Going on with a run that ended before its time: what its file says was done.
 *
 * A saved run (run/record.h) says in its first block what it is a run of, in every checkpoint below
 * which number all stimuli are settled (sent, or failed for good), and in each packet's link which
 * stimulus it is. So the stimuli that need not be sent again are those below the last checkpoint,
 * and those above it whose packets stand in the file; they are kept as a number and one bit for
 * each above it. A packet that was sent when the process was killed and had not reached the file is
 * sent again; none is left out.
 *
 * A file whose writer was killed may end within a record: pk_resume_read tells where the whole
 * records end, and the caller cuts it there before more is appended.
 */
#ifndef PK_RUN_RESUME_H
#define PK_RUN_RESUME_H

#include "base/buf.h"
#include "base/error.h"
#include "run/order.h"

#define PK_RESUME_WINDOW_LIMIT (UINT64_C(1) << 30) /* stimuli between checkpoint and end of file */

typedef struct pk_done {
    uint64_t base; /* a multiple of 8: all below are done */
    uint8_t *bits; /* from `base` on */
    size_t len;    /* bytes at bits */
} pk_done;

/* All zero is none. */
void pk_done_free(pk_done *done);
bool pk_done_has(const pk_done *done, uint64_t k);
uint64_t pk_done_count(const pk_done *done);
/* PK_ENOMEM, PK_ELIMIT. */
int pk_done_add(pk_done *done, uint64_t k, pk_error *reterr_);
/* All below `k` are done. */
int pk_done_settle(pk_done *done, uint64_t k, pk_error *reterr_);

/* What the file says of its run, behind PK_RECORD_BEGIN, to `out`. PK_EFORMAT for a file that is no
 * saved run. */
int pk_resume_about(const char *path, pk_buf *out, pk_error *reterr_);

/* What was done of the stimuli of `order`; *ret_whole bytes of the file are whole, *ret_cut: more
 * is there, of a record that is not. PK_EFORMAT for a file that is damaged before its end. */
int pk_resume_read(const char *path, const pk_order *order, pk_done *ret_done, uint64_t *ret_whole,
                   bool *ret_cut, pk_error *reterr_);

#endif
