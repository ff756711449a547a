/*
 * What the files of a front share: front_prepare.c opens all that a run needs, front_keep.c its
 * file, front.c runs it and tells how it went.
 */
#ifndef PK_RUN_FRONT_INTERNAL_H
#define PK_RUN_FRONT_INTERNAL_H

#include "net/guard.h"
#include "net/lab.h"
#include "run/front.h"
#include "run/record.h"
#include "run/report.h"
#include "run/viewed.h"

/* Everything a run needs, opened in this order and closed in the other. */
typedef struct pk_front {
    const pk_front_setup *setup;
    pk_run_options options;
    pk_lab *lab;
    pk_paths *paths;
    pk_files *files;
    pk_vm *vm;
    pk_arena arena;
    pk_session *session;
    pk_guard *guard;
    pk_scope *scope;
    sig_atomic_t state; /* of setup->state, as it was when the state was told */
    sig_atomic_t again; /* of setup->again, as it was when the scope was read */
    pk_buf earlier;     /* what the file to go on with says of its run */
    pk_done done;       /* what that run did */
    pk_record *record;
    pk_report report;
    pk_viewed *viewed;
    pk_buf out, line;
    int64_t began; /* since the epoch */
    pk_error error;
    bool progress_shown;
    bool closed;      /* nobody reads the results any more */
    pk_buf unmatched; /* the first unmatched packet, and why it is */
} pk_front;

void pk_front_tell(pk_front *f, const char *text);
void pk_front_note(pk_front *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "pktc: ..." of f->error; returns `exit_code`. */
int pk_front_fail(pk_front *f, int exit_code);

/* Opens all; 0, or an exit code after a message. */
int pk_front_prepare(pk_front *f);

/* Puts out f->out. */
int pk_front_put(pk_front *f);

/* ---- what is said of a run but its results ---- */

/* The options, as clauses of the language. */
void pk_front_config(const pk_front *f, pk_buf *out);
/* What the run would do. */
void pk_front_plan(pk_front *f, pk_buf *out);
/* Writes the file of setup->meta; errors are in f->error. */
int pk_front_meta(pk_front *f, const pk_session_counts *counts, int exit_code);

/* ---- destinations; errors are in f->error ---- */

/* Reads the lists and gives them to the session. */
int pk_front_open_scope(pk_front *f);
/* Reads them again where that was asked for; a list that cannot be read leaves the old ones. */
void pk_front_scope_again(pk_front *f);
/* PK_EFORMAT when the targets are so many that somebody should have said so. */
int pk_front_check_targets(pk_front *f);

/* ---- the file of the run; errors are in f->error ---- */

/* Takes the seed of the run to go on with. */
int pk_front_earlier(pk_front *f);
/* Reads what that run did, and leaves it out of this one. */
int pk_front_resume(pk_front *f);
int pk_front_open_record(pk_front *f);

#endif
