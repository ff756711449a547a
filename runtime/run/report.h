/*
 * What a run says: exchanges in every form, the progress line, the summary. All is appended to the
 * caller's buffer, whose sticky error is the only thing that can fail.
 */
#ifndef PK_RUN_REPORT_H
#define PK_RUN_REPORT_H

#include "run/front.h"
#include "tree/writers.h"

typedef struct pk_report {
    pk_session *session;
    pk_vm *vm;
    const pk_image *image;
    pk_front_form form;
    unsigned verbosity;
    pk_writer_cache *cache; /* may be NULL */
} pk_report;

/* One exchange: a line, and behind it what the form wants. */
void pk_report_exchange(const pk_report *report, pk_buf *out, const pk_exchange *exchange);

/* The received packet of an exchange as one line, without its newline. */
void pk_report_packet(const pk_report *report, pk_buf *out, const pk_exchange *exchange);

/* Packet `n` of the set, as one line without its newline. */
void pk_report_stimulus(const pk_report *report, pk_buf *out, pk_u128 n, const pk_tree *tree);

/* A stimulus without an answer. */
void pk_report_unanswered(const pk_report *report, pk_buf *out, uint32_t k);

/* "256 packets, 100pps: 2.6s" before the first one leaves. */
void pk_report_plan(pk_buf *out, pk_u128 asked, uint64_t rate, const char *interface);

/* The progress line, without line control. */
void pk_report_progress(pk_buf *out, const pk_session_counts *counts);

/* Three lines whose numbers balance. */
void pk_report_summary(pk_buf *out, const pk_session_counts *counts, uint64_t seed);

/* "answer", "error report", "duplicate", "late answer", "unmatched", "other traffic". */
const char *pk_report_verdict(const pk_exchange *exchange);

void pk_report_number(pk_buf *out, pk_u128 number);
/* "0.31 ms", "2.5 s": three digits. */
void pk_report_duration(pk_buf *out, int64_t nanoseconds);

#endif
