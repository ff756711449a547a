#include "run/front.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "net/lab.h"
#include "run/params.h"
#include "run/record.h"
#include "run/report.h"

enum { PUT_AT = 64 * 1024 /* bytes of results that are put out at once at the latest */ };
#define LAB_RATE (UINT64_C(10000) * 1000000) /* in a network of our own */

/* Everything a run needs, opened in this order and closed in the other. */
typedef struct front {
    const pk_front_setup *setup;
    pk_run_options options;
    pk_lab *lab;
    pk_paths *paths;
    pk_vm *vm;
    pk_arena arena;
    pk_session *session;
    pk_record *record;
    pk_report report;
    pk_buf out, line;
    pk_error error;
    bool progress_shown;
    bool closed;      /* nobody reads the results any more */
    pk_buf unmatched; /* the first unmatched packet, and why it is */
} front;

/* ---- telling ---- */

static void tell(front *f, const char *text)
{
    if (f->progress_shown)
        f->setup->tell(f->setup->context, "\r\x1b[K", 4);
    f->progress_shown = false;
    f->setup->tell(f->setup->context, text, strlen(text));
}

static void tell_note(front *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell_note(front *f, const char *format, ...)
{
    char text[PK_ERROR_TEXT_MAX + 64];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    tell(f, text);
}

int pk_front_exit_of(int code)
{
    return code == PK_EFORMAT ? PK_EXIT_USAGE : PK_EXIT_ENVIRONMENT;
}

static int fail(front *f, int exit_code)
{
    tell_note(f, "error: %s\n", f->error.text);
    return exit_code;
}

/* ---- results ---- */

/* What was kept in the file is there before what is said of it. */
static int put_results(front *f)
{
    int error = f->record ? pk_record_flush(f->record, &f->error) : PK_OK;
    if (error)
        return error;
    if (f->out.failed)
        return pk_error_set(&f->error, PK_ENOMEM, "no memory for results");
    if (!f->out.len)
        return PK_OK;
    if (f->progress_shown)
        tell(f, "");
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
    front *f = context;
    return f->record ? pk_record_sent(f->record, sent, &f->error) : PK_OK;
}

static bool is_listed(const front *f, const pk_exchange *exchange)
{
    if (exchange->verdict == PK_VERDICT_OTHER)
        return f->setup->others && f->setup->verbosity > 2;
    return exchange->verdict == PK_VERDICT_ANSWER || exchange->verdict == PK_VERDICT_HEARD ||
           f->setup->others;
}

/* The summary says of the first unmatched packet why it is none of ours. */
static void note_unmatched(front *f, const pk_exchange *exchange)
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
    front *f = context;
    if (f->record && exchange->verdict != PK_VERDICT_OTHER) {
        int error = pk_record_received(f->record, exchange, &f->error);
        if (error)
            return error;
    }
    note_unmatched(f, exchange);
    if (is_listed(f, exchange))
        pk_report_exchange(&f->report, &f->out, exchange);
    return f->out.len >= PUT_AT ? put_results(f) : PK_OK;
}

static int on_progress(void *context, const pk_session_counts *counts)
{
    front *f = context;
    int error = put_results(f);
    if (error || !f->setup->progress || f->setup->quiet)
        return error;
    pk_buf_clear(&f->line);
    pk_buf_text(&f->line, "\r\x1b[K");
    pk_report_progress(&f->line, counts);
    f->setup->tell(f->setup->context, pk_buf_cstr(&f->line), f->line.len);
    f->progress_shown = true;
    return PK_OK;
}

/* ---- before the run ---- */

static int open_lab(front *f)
{
    const pk_front_setup *setup = f->setup;
    pk_lab_options options = {.hops = setup->lab_hops};
    int error = pk_lab_open(&f->lab, &options, &f->error);
    for (uint32_t i = 0; !error && i < setup->n_lab_ports; i++)
        error = pk_lab_listen(f->lab, AF_INET6, setup->lab_ports[i], &f->error);
    if (!error && *pk_lab_warning(f->lab) && !setup->quiet)
        tell_note(f, "lab: %s\n", pk_lab_warning(f->lab));
    return error;
}

static int open_machine(front *f)
{
    int error = pk_paths_open(&f->paths, &f->error);
    if (error)
        return error;
    pk_env env = pk_paths_env(f->paths);
    f->vm = pk_vm_new(f->setup->image, &env);
    return f->vm ? PK_OK : pk_error_set(&f->error, PK_ENOMEM, "no memory for the machine");
}

static int set_params(front *f)
{
    const pk_front_setup *setup = f->setup;
    pk_ref *given = pk_arena_array(&f->arena, setup->n_params + 1u, sizeof *given);
    if (!given)
        return pk_error_set(&f->error, PK_ENOMEM, "no memory for parameters");
    for (uint32_t i = 0; i < setup->n_params; i++) {
        const pk_front_param *param = &setup->params[i];
        int error =
            pk_params_assign(f->vm, setup->image, &f->arena, param->name, param->text, &f->error);
        if (error)
            return error;
        given[i] = pk_params_find(setup->image, param->name);
    }
    return pk_params_complete(setup->image, given, setup->n_params, &f->error);
}

/* The lab has one link, and nobody in it is disturbed by a rate. */
static void suit_lab(front *f)
{
    pk_run_options *options = &f->options;
    if (!f->setup->lab)
        return;
    if (options->interface[0] && strcmp(options->interface, PK_LAB_INTERFACE) != 0) {
        if (!f->setup->quiet)
            tell_note(f, "lab: %s stands for interface %s\n", PK_LAB_INTERFACE, options->interface);
    }
    memcpy(options->interface, PK_LAB_INTERFACE, sizeof PK_LAB_INTERFACE);
    if (!(options->given & PK_RUN_RATE))
        options->rate = LAB_RATE;
}

static int choose_seed(front *f)
{
    if (f->options.given & PK_RUN_SEED)
        return PK_OK;
    uint32_t seed; /* short enough to be typed again */
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        return pk_error_set(&f->error, PK_EIO, "the kernel gives no random number for a seed");
    f->options.seed = seed;
    return PK_OK;
}

static int read_options(front *f)
{
    const pk_image *image = f->setup->image;
    f->options = f->setup->options;
    int error =
        pk_run_options_read(f->vm, image, &image->probes[f->setup->probe], &f->options, &f->error);
    if (error)
        return error;
    suit_lab(f);
    return choose_seed(f);
}

static int open_space(front *f)
{
    pk_vm_error error = {0};
    if (pk_vm_space_open(f->vm, f->options.seed, &error) == PK_OK)
        return PK_OK;
    return pk_error_set(&f->error, error.code, "%s", error.text);
}

static int open_session(front *f)
{
    pk_session_setup setup = {.vm = f->vm,
                              .image = f->setup->image,
                              .probe = f->setup->probe,
                              .options = &f->options,
                              .paths = f->paths};
    int error = PK_OK;
    if (f->options.interface[0])
        error = pk_paths_interface_set(f->paths, f->options.interface, &f->error);
    if (!error)
        error = pk_session_new(&f->session, &setup, &f->error);
    return error ? error : pk_session_open(f->session, &f->error);
}

/* What the file says of the run beside its packets. */
static void describe(front *f, pk_buf *out)
{
    const pk_front_setup *setup = f->setup;
    const pk_image *image = setup->image;
    pk_buf_printf(out, "program: %s\n", setup->program ? setup->program : "");
    pk_buf_printf(out, "probe: %s\n", pk_image_text(image, image->probes[setup->probe].name));
    pk_buf_printf(out, "seed: %llu\n", (unsigned long long)f->options.seed);
    pk_buf_printf(out, "image: %016llx\n", (unsigned long long)image->hash);
    if (f->options.shards)
        pk_buf_printf(out, "shard: %u/%u\n", f->options.shard, f->options.shards);
    pk_buf_text(out, "rate: ");
    pk_run_rate_text(out, f->options.rate);
    pk_buf_printf(out, "\ntimeout_ns: %lld\nretry: %u\norder: %s\n", (long long)f->options.timeout,
                  f->options.retry, f->options.random_order ? "random" : "linear");
    for (uint32_t i = 0; i < setup->n_params; i++)
        pk_buf_printf(out, "param %s: %s\n", setup->params[i].name, setup->params[i].text);
    pk_buf_text(out, "source:\n");
    if (setup->source)
        pk_buf_text(out, setup->source);
    else
        pk_buf_add(out, image->source + 1, image->n_source > 1 ? image->n_source - 1 : 0);
}

static int open_record(front *f)
{
    const char *path = f->setup->save       ? f->setup->save
                       : f->options.save[0] ? f->options.save
                                            : NULL;
    if (!path)
        return PK_OK;
    pk_buf about = {0};
    describe(f, &about);
    const pk_transport_link *link = pk_transport_link_of(pk_session_transport(f->session));
    int error =
        pk_record_open(&f->record, path, link, f->setup->program, pk_buf_cstr(&about), &f->error);
    pk_buf_free(&about);
    return error;
}

static void tell_plan(front *f)
{
    pk_session_counts counts;
    pk_session_counts_of(f->session, &counts);
    pk_buf_clear(&f->line);
    pk_report_plan(&f->line, f->setup->image->probes[f->setup->probe].n_alts ? counts.asked : 0,
                   f->options.rate, pk_transport_link_of(pk_session_transport(f->session))->name);
    if (!f->setup->quiet)
        tell(f, pk_buf_cstr(&f->line));
}

/* ---- after it ---- */

static int list_unanswered(front *f)
{
    int error = PK_OK;
    uint32_t count = f->setup->unanswered ? pk_session_stimuli(f->session) : 0;
    for (uint32_t k = 0; !error && k < count; k++) {
        if (!pk_session_unanswered(f->session, k))
            continue;
        pk_report_unanswered(&f->report, &f->out, k);
        error = f->out.len >= PUT_AT ? put_results(f) : PK_OK;
    }
    return error ? error : put_results(f);
}

static void tell_summary(front *f, const pk_session_counts *counts)
{
    if (*pk_session_failure(f->session))
        tell_note(f, "not every packet left: %s\n", pk_session_failure(f->session));
    if (f->setup->quiet)
        return;
    if (f->unmatched.len)
        tell(f, pk_buf_cstr(&f->unmatched));
    pk_buf_clear(&f->line);
    pk_report_summary(&f->line, counts, f->options.seed);
    tell(f, pk_buf_cstr(&f->line));
}

static int exit_of(const front *f, const pk_session_counts *counts)
{
    if (counts->dropped)
        return PK_EXIT_LOST;
    if (counts->asked && counts->failed && !counts->sent)
        return PK_EXIT_ENVIRONMENT;
    if (f->setup->exit_rule == PK_FRONT_EXIT_RAN || f->options.discard)
        return PK_EXIT_ANSWERED;
    uint64_t wanted = f->setup->exit_rule == PK_FRONT_EXIT_ALL ? counts->sent : 1;
    return counts->answered >= wanted || (!counts->sent && counts->heard) ? PK_EXIT_ANSWERED
                                                                          : PK_EXIT_SILENT;
}

/* ---- the run ---- */

static int prepare(front *f)
{
    if (f->setup->lab && open_lab(f))
        return fail(f, PK_EXIT_ENVIRONMENT);
    if (open_machine(f))
        return fail(f, PK_EXIT_ENVIRONMENT);
    int error = set_params(f);
    if (error)
        return fail(f, error == PK_ENOENT ? PK_EXIT_USAGE : pk_front_exit_of(error));
    if (read_options(f) || open_space(f))
        return fail(f, f->error.code == PK_ENOMEM ? PK_EXIT_ENVIRONMENT : PK_EXIT_USAGE);
    if ((error = open_session(f)))
        return fail(f, error == PK_ELIMIT ? PK_EXIT_USAGE : pk_front_exit_of(error));
    f->report =
        (pk_report){f->session, f->vm, f->setup->image, f->setup->form, f->setup->verbosity};
    return open_record(f) ? fail(f, PK_EXIT_OUTPUT) : 0;
}

/* An observer's own failure says more than that of the session it ended. */
static int failed_run(front *f, const pk_error *ended)
{
    bool output = f->error.code != 0;
    if (!output)
        f->error = *ended;
    return fail(f, output ? PK_EXIT_OUTPUT : PK_EXIT_ENVIRONMENT);
}

static int run(front *f, pk_session_counts *ret_counts)
{
    pk_session_observer observer = {.sent = on_sent,
                                    .received = on_received,
                                    .progress = on_progress,
                                    .context = f,
                                    .stop = f->setup->stop};
    pk_error ended = {0};
    tell_plan(f);
    int error = pk_session_run(f->session, &observer, &ended);
    pk_session_counts counts;
    pk_session_counts_of(f->session, &counts);
    *ret_counts = counts;
    int code = error && !f->closed ? failed_run(f, &ended) : exit_of(f, &counts);
    if (!error && list_unanswered(f) && !f->closed)
        code = fail(f, PK_EXIT_OUTPUT);
    if (pk_record_finish(f->record, &counts, &f->error))
        code = fail(f, PK_EXIT_OUTPUT);
    f->record = NULL;
    tell_summary(f, &counts);
    return code;
}

static void close_all(front *f)
{
    pk_session_counts none = {0};
    pk_record_finish(f->record, &none, NULL);
    pk_session_free(f->session);
    pk_vm_free(f->vm);
    pk_paths_close(f->paths);
    pk_lab_close(f->lab);
    pk_buf_free(&f->out);
    pk_buf_free(&f->line);
    pk_buf_free(&f->unmatched);
    pk_arena_free(&f->arena);
}

int pk_front_run(const pk_front_setup *setup, pk_session_counts *ret_counts)
{
    front f = {.setup = setup};
    pk_session_counts counts = {0};
    int code = prepare(&f);
    if (!code)
        code = run(&f, &counts);
    close_all(&f);
    if (ret_counts)
        *ret_counts = counts;
    return code;
}
