/*
 * The run kept in a file: pcapng that any tool opens, with what is needed to look at the run again.
 *
 * Every packet sent and received stands in it as a packet, with direction and nanosecond time, a
 * comment for people ("stimulus 12, try 1", "answer to 12, try 1, rtt 0.31 ms") and, for programs,
 * a custom option (2989, may be copied) of PK_RECORD_ENTERPRISE with a pk_record_link in
 * little-endian order. Two custom blocks frame the packets: the first says program, probe, seed,
 * parameters and the source, the last the counters; both are lines of `name: value`, the source
 * standing last behind `source:`. In between stands a checkpoint every PK_RECORD_EVERY: the
 * counters so far, and below which k all stimuli are settled, for run/resume.h.
 *
 * The file grows under its final name with whole records only; pk_record_flush hands them to the
 * system, so that what was flushed survives the end of the process, however it ends. A run that
 * goes on with an earlier one adds a section to its file.
 */
#ifndef PK_RUN_RECORD_H
#define PK_RUN_RECORD_H

#include "io/capture.h"
#include "run/session.h"

#define PK_RECORD_ENTERPRISE 32473u /* RFC 5612: the number for documentation; we have none */
#define PK_RECORD_BEGIN      "pktc run 1\n"
#define PK_RECORD_CHECKPOINT "pktc checkpoint 1\n"
#define PK_RECORD_END        "pktc end 1\n"
#define PK_RECORD_EVERY      INT64_C(2000000000) /* ns of the run between two checkpoints */

enum { PK_RECORD_SENT = 0 /* a received packet has 1 + its pk_verdict */ };

typedef struct pk_record_link {
    uint8_t version; /* 1 */
    uint8_t kind;    /* PK_RECORD_SENT, or 1 + pk_verdict */
    uint8_t quoted;
    uint8_t try;
    uint32_t spare;
    uint64_t n_low, n_high; /* number in the set; all ones: of no stimulus */
    int64_t rtt;            /* ns; negative: not known */
} pk_record_link;

typedef struct pk_record pk_record;

typedef struct pk_record_setup {
    const char *path;
    const pk_transport_link *link;
    const char *program;
    const char *about; /* the text of the first block, behind its first line */
    bool append;       /* behind the run that the file holds; it must be whole */
} pk_record_setup;

int pk_record_open(pk_record **ret_record, const pk_record_setup *setup, pk_error *reterr_);
int pk_record_sent(pk_record *record, const pk_sent *sent, pk_error *reterr_);
int pk_record_received(pk_record *record, const pk_exchange *exchange, pk_error *reterr_);
int pk_record_flush(pk_record *record, pk_error *reterr_);

/* Writes a checkpoint when the last one is long enough ago by `counts->elapsed`, and flushes. */
int pk_record_checkpoint(pk_record *record, const pk_session_counts *counts, uint64_t settled,
                         pk_error *reterr_);

/* Writes the last checkpoint and the last block and closes; releases the record whatever comes out.
 * Accepts NULL. */
int pk_record_finish(pk_record *record, const pk_session_counts *counts, uint64_t settled,
                     pk_error *reterr_);

/* The counters as lines of `name: value`. */
void pk_record_counts(pk_buf *out, const pk_session_counts *counts);

/* The link that stands in the options of a captured packet; false when there is none. */
bool pk_record_link_find(const pk_capture_record *packet, pk_record_link *ret_link);

#endif
