/* What is said of a run but its results: its options, its plan, and JSON about it. */
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "io/output.h"
#include "run/front_internal.h"

void pk_front_config(const pk_front *f, pk_buf *out)
{
    pk_buf value = {0};
    for (uint32_t i = 0; i < pk_run_options_count(); i++) {
        pk_buf_clear(&value);
        const char *name = pk_run_option_text(&f->options, i, &value);
        if (name)
            pk_buf_printf(out, value.len ? "%s %s\n" : "%s\n", name, pk_buf_cstr(&value));
    }
    pk_buf_free(&value);
}

/* ---- the plan ---- */

static void plan_packet(pk_front *f, pk_buf *out, const char *which, pk_u128 k)
{
    const pk_order *order = pk_session_order(f->session);
    pk_u128 n = pk_order_at(order, k);
    const pk_tree *tree = pk_session_stimulus(f->session, n);
    pk_buf_printf(out, "%s packet, number ", which);
    pk_report_number(out, n);
    pk_buf_text(out, ": ");
    if (tree)
        pk_report_stimulus(&f->report, out, n, tree);
    else
        pk_buf_text(out, "cannot be built");
    pk_buf_byte(out, '\n');
}

void pk_front_plan(pk_front *f, pk_buf *out)
{
    pk_session_counts counts;
    const pk_transport_link *link = pk_transport_link_of(pk_session_transport(f->session));
    pk_session_counts_of(f->session, &counts);
    pk_report_plan(out, counts.asked, f->options.rate, link->name);
    pk_front_config(f, out);
    uint64_t skipped = pk_done_count(&f->done);
    if (skipped)
        pk_buf_printf(out, "sent before, by the run in %s: %llu\n", f->setup->resume,
                      (unsigned long long)skipped);
    if (!counts.asked)
        return;
    plan_packet(f, out, "first", 0);
    if (counts.asked != PK_RUN_COUNT_FOREVER && counts.asked > 1)
        plan_packet(f, out, "last", counts.asked + skipped - 1);
}

/* ---- JSON ---- */

static void add_string(pk_buf *out, const char *text)
{
    pk_escape_json(out, text, strlen(text));
}

static void add_member(pk_buf *out, const char *name, const char *text)
{
    pk_buf_printf(out, ",\"%s\":", name);
    add_string(out, text);
}

/* RFC 3339, in UTC. */
static void add_time(pk_buf *out, const char *name, int64_t time_ns)
{
    time_t seconds = (time_t)(time_ns / 1000000000);
    struct tm parts;
    char text[64];
    size_t len =
        gmtime_r(&seconds, &parts) ? strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts) : 0;
    pk_buf_printf(out, ",\"%s\":\"%.*s.%09uZ\"", name, (int)len, text,
                  (unsigned)(time_ns % 1000000000));
}

static void add_config(const pk_front *f, pk_buf *out)
{
    pk_buf value = {0};
    pk_buf_text(out, ",\"config\":{");
    bool first = true;
    for (uint32_t i = 0; i < pk_run_options_count(); i++) {
        pk_buf_clear(&value);
        const char *name = pk_run_option_text(&f->options, i, &value);
        if (!name)
            continue;
        pk_buf_printf(out, "%s\"%s\":", first ? "" : ",", name);
        add_string(out, pk_buf_cstr(&value));
        first = false;
    }
    pk_buf_text(out, "},\"params\":{");
    for (uint32_t i = 0; i < f->setup->n_params; i++) {
        pk_buf_text(out, i ? "," : "");
        add_string(out, f->setup->params[i].name);
        pk_buf_byte(out, ':');
        add_string(out, f->setup->params[i].text);
    }
    pk_buf_byte(out, '}');
    pk_buf_free(&value);
}

/* The counters of pk_record_counts, which are lines of `name: value`. */
static void add_counts(pk_buf *out, const pk_session_counts *counts)
{
    pk_buf lines = {0};
    pk_record_counts(&lines, counts);
    const char *at = pk_buf_cstr(&lines);
    pk_buf_text(out, ",\"counts\":{");
    for (bool first = true; *at; first = false) {
        size_t name = strcspn(at, ":"), line = strcspn(at, "\n");
        pk_buf_printf(out, "%s\"%.*s\":\"%.*s\"", first ? "" : ",", (int)name, at,
                      (int)(line - name - 2), at + name + 2);
        at += line + 1;
    }
    pk_buf_byte(out, '}');
    pk_buf_free(&lines);
}

static void describe(const pk_front *f, const pk_session_counts *counts, int exit_code, pk_buf *out)
{
    const pk_front_setup *setup = f->setup;
    const pk_image *image = setup->image;
    const pk_transport_link *link = pk_transport_link_of(pk_session_transport(f->session));
    pk_buf_text(out, "{\"v\":1,\"kind\":\"run\"");
    add_member(out, "program", setup->program ? setup->program : "");
    add_member(out, "probe", pk_image_text(image, image->probes[setup->probe].name));
    pk_buf_printf(out, ",\"image\":\"%016llx\",\"seed\":\"%llu\"", (unsigned long long)image->hash,
                  (unsigned long long)f->options.seed);
    add_member(out, "interface", link->name);
    pk_buf_printf(out, ",\"link\":%u,\"mtu\":%u", link->link, link->mtu);
    add_time(out, "began", f->began);
    add_time(out, "ended", f->began + counts->elapsed);
    add_config(f, out);
    add_counts(out, counts);
    pk_buf_printf(out, ",\"stopped\":%s,\"exit\":%d", counts->stopped ? "true" : "false",
                  exit_code);
    add_member(out, "failure", pk_session_failure(f->session));
    add_member(out, "exclusion", pk_session_exclusion(f->session));
    pk_buf_text(out, "}\n");
}

int pk_front_meta(pk_front *f, const pk_session_counts *counts, int exit_code)
{
    pk_buf text = {0};
    pk_output file;
    if (!f->setup->meta)
        return PK_OK;
    int error = pk_output_open(&file, f->setup->meta, PK_OUTPUT_WHOLE, &f->error);
    if (error)
        return error;
    describe(f, counts, exit_code, &text);
    if (text.failed)
        error = pk_error_set(&f->error, PK_ENOMEM, "no memory for %s", f->setup->meta);
    else
        error = pk_output_add(&file, text.data, text.len, &f->error);
    pk_buf_free(&text);
    if (error)
        pk_output_abandon(&file);
    return error ? error : pk_output_finish(&file, &f->error);
}
