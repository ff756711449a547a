#include "run/front.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "run/front_internal.h"

enum { PUT_AT = 64 * 1024 /* bytes of results that are put out at once at the latest */ };

/* ---- telling ---- */

void pk_front_tell(pk_front *f, const char *text)
{
    if (f->progress_shown)
        f->setup->tell(f->setup->context, "\r\x1b[K", 4);
    f->progress_shown = false;
    f->setup->tell(f->setup->context, text, strlen(text));
}

void pk_front_note(pk_front *f, const char *format, ...)
{
    char text[PK_ERROR_TEXT_MAX + 64];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    pk_front_tell(f, text);
}

int pk_front_exit_of(int code)
{
    return code == PK_EFORMAT ? PK_EXIT_USAGE : PK_EXIT_ENVIRONMENT;
}

int pk_front_fail(pk_front *f, int exit_code)
{
    pk_front_note(f, "%s: %s\n", f->setup->name, f->error.text);
    return exit_code;
}

/* ---- results ---- */

/* What was kept in the file is there before what is said of it. */
int pk_front_put(pk_front *f)
{
    int error = f->record ? pk_record_flush(f->record, &f->error) : PK_OK;
    if (error)
        return error;
    if (f->out.failed)
        return pk_error_set(&f->error, PK_ENOMEM, "no memory for results");
    if (!f->out.len)
        return PK_OK;
    if (f->progress_shown)
        pk_front_tell(f, "");
    errno = 0;
    bool fine = f->setup->put(f->setup->context, pk_buf_cstr(&f->out), f->out.len);
    f->closed = !fine && errno == EPIPE;
    pk_buf_clear(&f->out);
    if (f->closed)
        return PK_EOF;
    return fine ? PK_OK : pk_error_set(&f->error, PK_EIO, "the results cannot be written");
}

static int on_sent(void *context, const pk_sent *sent)
{
    pk_front *f = context;
    return f->record ? pk_record_sent(f->record, sent, &f->error) : PK_OK;
}

static bool is_listed(const pk_front *f, const pk_exchange *exchange)
{
    if (exchange->verdict == PK_VERDICT_OTHER)
        return f->setup->others && f->setup->verbosity > 2;
    return exchange->verdict == PK_VERDICT_ANSWER || exchange->verdict == PK_VERDICT_HEARD ||
           f->setup->others;
}

/* The summary says of the first unmatched packet why it is none of ours. */
static void note_unmatched(pk_front *f, const pk_exchange *exchange)
{
    if (exchange->verdict != PK_VERDICT_UNMATCHED || f->unmatched.len || f->setup->quiet)
        return;
    pk_buf_text(&f->unmatched, "the first unmatched packet: ");
    pk_report_packet(&f->report, &f->unmatched, exchange);
    pk_buf_text(&f->unmatched, "; ");
    if (!pk_session_explain(f->session, exchange->reply, &f->unmatched))
        pk_buf_text(&f->unmatched, "it resembles no stimulus");
    pk_buf_byte(&f->unmatched, '\n');
}

static int on_received(void *context, const pk_exchange *exchange)
{
    pk_front *f = context;
    if (f->record && exchange->verdict != PK_VERDICT_OTHER) {
        int error = pk_record_received(f->record, exchange, &f->error);
        if (error)
            return error;
    }
    note_unmatched(f, exchange);
    if (f->viewed) {
        int error = pk_viewed_received(f->viewed, exchange, &f->out, &f->error);
        if (error)
            return error;
    } else if (is_listed(f, exchange))
        pk_report_exchange(&f->report, &f->out, exchange);
    return f->out.len >= PUT_AT ? pk_front_put(f) : PK_OK;
}

static void tell_state(pk_front *f, const pk_session_counts *counts)
{
    f->state = *f->setup->state;
    pk_buf_clear(&f->line);
    pk_report_progress(&f->line, counts);
    pk_buf_byte(&f->line, '\n');
    pk_front_tell(f, pk_buf_cstr(&f->line));
}

static int on_progress(void *context, const pk_session_counts *counts)
{
    pk_front *f = context;
    pk_front_scope_again(f);
    int error = pk_front_put(f);
    if (!error && f->record)
        error = pk_record_checkpoint(f->record, counts, pk_session_settled(f->session), &f->error);
    if (!error && f->setup->state && *f->setup->state != f->state)
        tell_state(f, counts);
    if (error || !f->setup->progress || f->setup->quiet)
        return error;
    pk_buf_clear(&f->line);
    pk_buf_text(&f->line, "\r\x1b[K");
    pk_report_progress(&f->line, counts);
    f->setup->tell(f->setup->context, pk_buf_cstr(&f->line), f->line.len);
    f->progress_shown = true;
    return PK_OK;
}

static void tell_plan(pk_front *f)
{
    pk_session_counts counts;
    pk_session_counts_of(f->session, &counts);
    pk_buf_clear(&f->line);
    pk_report_plan(&f->line, f->setup->image->probes[f->setup->probe].n_alts ? counts.asked : 0,
                   f->options.rate, pk_transport_link_of(pk_session_transport(f->session))->name);
    if (!f->setup->quiet)
        pk_front_tell(f, pk_buf_cstr(&f->line));
}

/* ---- after it ---- */

/* A stimulus without an answer: a row of every view, and listed without one when asked for. */
static int list_one(pk_front *f, uint32_t k)
{
    if (!f->viewed) {
        pk_report_unanswered(&f->report, &f->out, k);
        return PK_OK;
    }
    pk_u128 n = pk_session_number(f->session, k);
    const pk_tree *sent = pk_session_stimulus(f->session, n);
    return pk_viewed_unanswered(f->viewed, sent, n, &f->out, &f->error);
}

static int list_unanswered(pk_front *f)
{
    bool wanted = f->setup->unanswered || f->viewed;
    uint32_t count = wanted ? pk_session_stimuli(f->session) : 0;
    int error = PK_OK;
    for (uint32_t k = 0; !error && k < count; k++) {
        if (!pk_session_unanswered(f->session, k))
            continue;
        error = list_one(f, k);
        if (!error && f->out.len >= PUT_AT)
            error = pk_front_put(f);
    }
    if (!error) {
        error = pk_viewed_finish(f->viewed, &f->out, &f->error);
        f->viewed = NULL;
    }
    return error ? error : pk_front_put(f);
}

static void tell_summary(pk_front *f, const pk_session_counts *counts)
{
    if (*pk_session_failure(f->session))
        pk_front_note(f, "not every packet left: %s\n", pk_session_failure(f->session));
    if (*pk_session_exclusion(f->session))
        pk_front_note(f, "not sent: %s\n", pk_session_exclusion(f->session));
    if (f->setup->quiet)
        return;
    if (f->unmatched.len)
        pk_front_tell(f, pk_buf_cstr(&f->unmatched));
    if (counts->unstamped && counts->answers && !f->options.no_rtt)
        pk_front_note(
            f,
            "round trip times are upper bounds for %llu of the packets: when they left is "
            "not known%s\n",
            (unsigned long long)counts->unstamped,
            pk_session_stamps(f->session) ? "" : " (it is asked up to 20 kpps)");
    pk_buf_clear(&f->line);
    pk_report_summary(&f->line, counts, f->options.seed);
    pk_front_tell(f, pk_buf_cstr(&f->line));
}

static int exit_of(const pk_front *f, const pk_session_counts *counts)
{
    if (counts->dropped)
        return PK_EXIT_LOST;
    if (counts->asked && counts->failed && !counts->sent)
        return PK_EXIT_ENVIRONMENT;
    if (counts->excluded && !counts->sent)
        return PK_EXIT_USAGE;
    if (f->setup->exit_rule == PK_FRONT_EXIT_RAN || f->options.discard || !counts->asked)
        return PK_EXIT_ANSWERED;
    uint64_t wanted = f->setup->exit_rule == PK_FRONT_EXIT_ALL ? counts->sent : 1;
    return counts->answered >= wanted || (!counts->sent && counts->heard) ? PK_EXIT_ANSWERED
                                                                          : PK_EXIT_SILENT;
}

/* ---- the run ---- */

/* An observer's own failure says more than that of the session it ended. */
static int failed_run(pk_front *f, const pk_error *ended)
{
    bool output = f->error.code != 0;
    if (!output)
        f->error = *ended;
    return pk_front_fail(f, output ? PK_EXIT_OUTPUT : PK_EXIT_ENVIRONMENT);
}

static int run(pk_front *f, pk_session_counts *ret_counts)
{
    pk_session_observer observer = {.sent = on_sent,
                                    .received = on_received,
                                    .progress = on_progress,
                                    .context = f,
                                    .stop = f->setup->stop};
    pk_error ended = {0};
    tell_plan(f);
    if (f->setup->opened)
        f->setup->opened();
    f->began = pk_session_realtime();
    int error = pk_session_run(f->session, &observer, &ended);
    pk_session_counts counts;
    pk_session_counts_of(f->session, &counts);
    *ret_counts = counts;
    int code = error && !f->closed ? failed_run(f, &ended) : exit_of(f, &counts);
    if (!error && list_unanswered(f) && !f->closed)
        code = pk_front_fail(f, PK_EXIT_OUTPUT);
    if (pk_record_finish(f->record, &counts, pk_session_settled(f->session), &f->error))
        code = pk_front_fail(f, PK_EXIT_OUTPUT);
    f->record = NULL;
    tell_summary(f, &counts);
    if (pk_front_meta(f, &counts, code))
        code = pk_front_fail(f, PK_EXIT_OUTPUT);
    return code;
}

static void close_all(pk_front *f)
{
    pk_session_counts none = {0};
    pk_record_finish(f->record, &none, 0, NULL);
    (void)pk_viewed_finish(f->viewed, &f->out, NULL);
    pk_writer_cache_free(f->report.cache);
    pk_session_free(f->session);
    pk_scope_free(f->scope);
    pk_done_free(&f->done);
    pk_buf_free(&f->earlier);
    pk_vm_free(f->vm);
    pk_files_free(f->files);
    pk_paths_close(f->paths);
    pk_guard_close(f->guard);
    pk_lab_close(f->lab);
    pk_buf_free(&f->out);
    pk_buf_free(&f->line);
    pk_buf_free(&f->unmatched);
    pk_arena_free(&f->arena);
}

int pk_front_run(const pk_front_setup *setup, pk_session_counts *ret_counts)
{
    pk_front f = {.setup = setup};
    pk_session_counts counts = {0};
    int code = pk_front_prepare(&f);
    if (!code && (setup->dry_run || setup->print_config))
        code = pk_front_put(&f) ? pk_front_fail(&f, PK_EXIT_OUTPUT) : 0;
    else if (!code)
        code = run(&f, &counts);
    close_all(&f);
    if (ret_counts)
        *ret_counts = counts;
    return code;
}
