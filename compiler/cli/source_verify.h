/*
 * Packets as descriptions that are known to give them back (LANGUAGE.md 3.2).
 *
 * Every description is compiled and built before it is shown, and what comes out is compared with
 * the packet. First the one that leaves out what defaults say; where that gives other bytes, the
 * one that names every field; where that does too, the bytes themselves as `send x".."`, with a
 * comment that names what they are. So each line, compiled again, gives the same bytes.
 *
 * A compilation costs far more than a line of it does, so packets are gathered, and a batch is
 * compiled in one piece, in smaller ones where something in it is refused. What was gathered is
 * written in order when a batch is full and by pk_source_verify_flush. Only memory can fail. The
 * machine that judges knows no addresses of this host: what a description leaves to them is what
 * it has without a network.
 */
#ifndef PK_CLI_SOURCE_VERIFY_H
#define PK_CLI_SOURCE_VERIFY_H

#include "tree/writers.h"

typedef struct pk_source_verify pk_source_verify;

/* How many packets were written in each way. */
typedef struct pk_source_counts {
    uint64_t brief, full, bytes;
} pk_source_counts;

/* `base` is what descriptions are compiled over: the standard layers, or a program with layers of
 * its own but without parameters. Borrowed. NULL when memory is refused. */
pk_source_verify *pk_source_verify_new(const pk_image *base);
void pk_source_verify_free(pk_source_verify *verify);

/* Takes the packet of `tree`; writes to `out` when a batch is full. A line a packet. */
int pk_source_verify_add(pk_source_verify *verify, const pk_tree *tree, const pk_writer *how,
                         pk_buf *out);
int pk_source_verify_flush(pk_source_verify *verify, pk_buf *out);

pk_source_counts pk_source_verify_counts(const pk_source_verify *verify);

#endif
