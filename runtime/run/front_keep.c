/* The file of a run: what it says beside the packets, and going on with one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/front_internal.h"

/* Which run it is: what a run that goes on with it must have, too. */
static void identify(const pk_front *f, pk_buf *out)
{
    const pk_front_setup *setup = f->setup;
    const pk_image *image = setup->image;
    const pk_run_options *options = &f->options;
    pk_buf_printf(out, "image: %016llx\n", (unsigned long long)image->hash);
    pk_buf_printf(out, "probe: %s\n", pk_image_text(image, image->probes[setup->probe].name));
    pk_buf_printf(out, "order: %s\n", options->random_order ? "random" : "linear");
    pk_buf_printf(out, "shard: %u/%u\n", options->shard, options->shards ? options->shards : 1);
    if (options->count == PK_RUN_COUNT_FOREVER) {
        pk_buf_text(out, "count: forever\n");
    } else {
        pk_buf_text(out, "count: ");
        pk_report_number(out, options->count);
        pk_buf_printf(out, "\nloops: %llu\n", (unsigned long long)options->loops);
    }
    for (uint32_t i = 0; i < setup->n_params; i++)
        pk_buf_printf(out, "param %s: %s\n", setup->params[i].name, setup->params[i].text);
    pk_buf_printf(out, "seed: %llu\n", (unsigned long long)f->options.seed);
}

static void describe(const pk_front *f, pk_buf *out)
{
    const pk_front_setup *setup = f->setup;
    const pk_image *image = setup->image;
    identify(f, out);
    pk_buf_printf(out, "program: %s\nrate: ", setup->program ? setup->program : "");
    pk_run_rate_text(out, f->options.rate);
    pk_buf_printf(out, "\ntimeout_ns: %lld\nretry: %u\n", (long long)f->options.timeout,
                  f->options.retry);
    pk_buf_printf(out, "rtt_clock: CLOCK_REALTIME, kernel receive minus %s\n",
                  pk_session_stamps(f->session) ? "kernel send"
                                                : "begin of the sending call (upper bound)");
    pk_buf_text(out, "source:\n");
    if (setup->source)
        pk_buf_text(out, setup->source);
    else
        pk_buf_add(out, image->source + 1, image->n_source > 1 ? image->n_source - 1 : 0);
}

/* ---- going on ---- */

int pk_front_earlier(pk_front *f)
{
    const char *path = f->setup->resume;
    if (!path)
        return PK_OK;
    int error = pk_resume_about(path, &f->earlier, &f->error);
    if (error)
        return error;
    const char *seed = strstr(pk_buf_cstr(&f->earlier), "\nseed: ");
    if (!seed)
        return pk_error_set(&f->error, PK_EFORMAT, "%s does not say the seed of its run", path);
    uint64_t number = strtoull(seed + 7, NULL, 10);
    if (f->options.given & PK_RUN_SEED && f->options.seed != number)
        return pk_error_set(&f->error, PK_EFORMAT, "the run in %s has the seed %llu", path,
                            (unsigned long long)number);
    f->options.seed = number;
    f->options.given |= PK_RUN_SEED;
    return PK_OK;
}

/* The first line that differs says why it is another run. */
static int check_identity(pk_front *f)
{
    pk_buf mine = {0};
    identify(f, &mine);
    const char *here = pk_buf_cstr(&mine), *there = pk_buf_cstr(&f->earlier);
    int error = PK_OK;
    while (!error && *here) {
        size_t len = strcspn(here, "\n") + 1, other = strcspn(there, "\n");
        if (other + 1 != len || memcmp(here, there, len) != 0)
            error = pk_error_set(&f->error, PK_EFORMAT,
                                 "%s is of another run: it has `%.*s`, this one `%.*s`",
                                 f->setup->resume, (int)other, there, (int)len - 1, here);
        here += len;
        there += other + (there[other] != 0);
    }
    pk_buf_free(&mine);
    return error;
}

int pk_front_resume(pk_front *f)
{
    const char *path = f->setup->resume;
    uint64_t whole = 0;
    bool cut = false;
    if (!path)
        return PK_OK;
    int error = check_identity(f);
    if (!error)
        error =
            pk_resume_read(path, pk_session_order(f->session), &f->done, &whole, &cut, &f->error);
    if (error)
        return error;
    if (cut && !f->setup->dry_run && truncate(path, (off_t)whole) < 0)
        return pk_error_sys(&f->error, errno,
                            "cannot cut the last record, which is not whole, off %s", path);
    pk_session_skip(f->session, &f->done);
    if (!f->setup->quiet)
        pk_front_note(f, "%s has %llu of the stimuli; the rest is sent\n", path,
                      (unsigned long long)pk_done_count(&f->done));
    return PK_OK;
}

int pk_front_open_record(pk_front *f)
{
    const pk_front_setup *setup = f->setup;
    pk_record_setup record = {.path = setup->resume        ? setup->resume
                                      : setup->save        ? setup->save
                                      : f->options.save[0] ? f->options.save
                                                           : NULL,
                              .link = pk_transport_link_of(pk_session_transport(f->session)),
                              .program = setup->program,
                              .append = setup->resume != NULL};
    if (!record.path)
        return PK_OK;
    pk_buf about = {0};
    describe(f, &about);
    record.about = pk_buf_cstr(&about);
    int error = pk_record_open(&f->record, &record, &f->error);
    pk_buf_free(&about);
    return error;
}
