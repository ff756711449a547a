/* `pktc view`: a run that was kept, shown by a view of its own program or by one written later. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "run/params.h"
#include "run/saved.h"
#include "run/viewed.h"
#ifdef PKTC_GZIP
#include "io/capture_gzip.h"
#define GZIP pk_capture_gzip()
#else
#define GZIP NULL
#endif

/* Shown when there is no view: a line per exchange. */
static const char exchanges[] = "view exchanges { where answered; show n, rtt, sent, reply }\n";
static const char unanswered[] = "view exchanges { where not answered; show n, sent }\n";

/* ---- which view, and how ----------------------------------------------------------------------- */

static int unknown_view(pk_cli *cli, const pk_image *image, const char *name)
{
    pk_buf names = {0};
    pk_suggest suggest;
    pk_suggest_begin(&suggest, name);
    for (pk_ref i = 1; i < image->n_views; i++) {
        const char *text = pk_image_text(image, image->views[i].name);
        pk_suggest_offer(&suggest, text);
        pk_buf_printf(&names, "%s%s", i > 1 ? ", " : "", text);
    }
    int status = suggest.best
                     ? pk_cli_fail(cli, PK_EXIT_USAGE, "there is no view `%s`; did you mean `%s`?",
                                   name, suggest.best)
                     : pk_cli_fail(cli, PK_EXIT_USAGE, "there is no view `%s`; there %s%s", name,
                                   names.len ? "are: " : "are none", pk_buf_cstr(&names));
    pk_buf_free(&names);
    return status;
}

/* Forms of exchanges ask for those, unless a view is named. */
static bool wants_exchanges(const char *as)
{
    return as && (strcmp(as, "line") == 0 || strcmp(as, "tree") == 0 || strcmp(as, "hex") == 0);
}

int pk_view_choose(pk_cli *cli, const pk_image *image, pk_ref probe, const char *name,
                   pk_ref *ret_view, bool *ret_reformat, pk_view_format *ret_format)
{
    const char *as = cli->value[PK_OPT_ROWS];
    *ret_view = name ? pk_view_find(image, name) : pk_view_first(image, probe);
    if (name && strcmp(name, "none") == 0)
        *ret_view = 0;
    else if (name && !*ret_view)
        return unknown_view(cli, image, name);
    if (name && *ret_view && image->views[*ret_view].probe &&
        image->views[*ret_view].probe != probe)
        return pk_cli_fail(cli, PK_EXIT_USAGE, "view `%s` reads runs of probe `%s`, not of `%s`",
                           name,
                           pk_image_text(image, image->probes[image->views[*ret_view].probe].name),
                           pk_image_text(image, image->probes[probe].name));
    if (wants_exchanges(as) && name && *ret_view)
        return pk_cli_fail(cli, PK_EXIT_USAGE,
                           "a view's rows are shown as table, csv, json, md, tex or pkt, not as %s",
                           as);
    if (wants_exchanges(as) || (cli->times[PK_OPT_VERBOSE] && !name && cli->verb == PK_VERB_RUN))
        *ret_view = 0;
    if (!*ret_view || !as)
        return 0;
    *ret_reformat = pk_view_format_find(strcmp(as, "pkt") == 0 ? "source" : as, ret_format);
    return 0;
}

/* ---- the run that was kept --------------------------------------------------------------------- */

typedef struct viewing {
    pk_cli *cli;
    pk_saved *saved;
    pk_description d;
    pk_viewed *viewed;
    pk_error error;
    bool closed;
    int status;
} viewing;

static int flush(viewing *v)
{
    int status = pk_cli_flush(v->cli, false, &v->closed);
    v->status = v->status ? v->status : status;
    return status || v->closed ? PK_EOF : PK_OK;
}

static int on_received(void *context, const pk_exchange *exchange)
{
    viewing *v = context;
    int error = pk_viewed_received(v->viewed, exchange, &v->cli->out, &v->error);
    return error ? error : flush(v);
}

static int on_unanswered(void *context, const pk_tree *sent, pk_u128 n)
{
    viewing *v = context;
    int error = pk_viewed_unanswered(v->viewed, sent, n, &v->cli->out, &v->error);
    return error ? error : flush(v);
}

/* The probe that was run: by its name, or the only one without. */
static pk_ref probe_of(const pk_image *image, const char *name)
{
    for (pk_ref i = 1; i < image->n_probes; i++)
        if (strcmp(pk_image_text(image, image->probes[i].name), name) == 0)
            return i;
    return 0;
}

/* Sets that views ask about are those of the run. */
static int open_space(viewing *v)
{
    pk_vm_error error = {0};
    if (pk_vm_space_open(v->d.vm, 0, &error) == PK_OK)
        return 0;
    return pk_cli_fail(v->cli, PK_EXIT_USAGE, "%s", error.text);
}

static int set_params(viewing *v)
{
    const pk_saved_about *about = pk_saved_about_of(v->saved);
    for (uint32_t i = 0; i < about->n_params; i++) {
        const pk_saved_param *param = &about->params[i];
        if (pk_params_find(&v->d.image, param->name) &&
            pk_params_assign(v->d.vm, &v->d.image, &v->d.arena, param->name, param->text,
                             &v->error))
            return pk_cli_fail(v->cli, PK_EXIT_USAGE, "%s", v->error.text);
    }
    return open_space(v);
}

/* The run's program, the views that came with the command line, and what stands for none. */
static int compile(viewing *v)
{
    const pk_saved_about *about = pk_saved_about_of(v->saved);
    bool missing = pk_cli_given(v->cli, PK_OPT_UNANSWERED);
    pk_source_text texts[2] = {{"the program of the run", about->source, about->source_len},
                               {"the default view", missing ? unanswered : exchanges, 0}};
    texts[1].len = strlen(texts[1].text);
    const char *file = v->cli->value[PK_OPT_VIEWS];
    int status = pk_describe_texts(v->cli, texts, 1, &file, file != NULL, &v->d);
    if (!status && (v->d.image.n_views <= 1 || missing) && v->cli->n_operands < 2) {
        pk_description_free(&v->d);
        status = pk_describe_texts(v->cli, texts, 2, &file, file != NULL, &v->d);
    }
    if (status)
        return status;
    v->d.vm = pk_vm_new(&v->d.image, NULL);
    return v->d.vm ? set_params(v)
                   : pk_cli_fail(v->cli, PK_EXIT_ENVIRONMENT, "memory is exhausted");
}

static int open_view(viewing *v)
{
    const pk_saved_about *about = pk_saved_about_of(v->saved);
    pk_cli *cli = v->cli;
    const char *name = cli->n_operands > 1 ? cli->operands[1] : NULL;
    if (!name && pk_cli_given(cli, PK_OPT_UNANSWERED))
        name = "exchanges";
    pk_viewed_setup setup = {
        .image = &v->d.image, .vm = v->d.vm, .link = about->link, .program = "pktc " PKTC_VERSION};
    int status = pk_view_choose(cli, &v->d.image, probe_of(&v->d.image, about->probe), name,
                                &setup.view, &setup.forced, &setup.format);
    if (status)
        return status;
    if (!setup.view)
        return pk_cli_fail(cli, PK_EXIT_USAGE,
                           "no view to show: the run is of probe `%s`, and the views are of others",
                           about->probe);
    if (pk_viewed_open(&v->viewed, &setup, &v->error))
        return pk_cli_fail(cli, PK_EXIT_OUTPUT, "%s", v->error.text);
    return 0;
}

static int read_run(viewing *v)
{
    const pk_saved_reader reader = {v->d.vm, &v->d.image, on_received, on_unanswered, v};
    bool cut = false;
    int error = pk_saved_read(v->saved, &reader, &cut, &v->error);
    if (!error)
        error = pk_viewed_finish(v->viewed, &v->cli->out, &v->error);
    else
        (void)pk_viewed_finish(v->viewed, &v->cli->out, NULL);
    v->viewed = NULL;
    if (!v->status && !v->closed)
        v->status = pk_cli_flush(v->cli, true, &v->closed);
    if (error && !v->closed && !v->status)
        return pk_cli_fail(v->cli, pk_front_exit_of(error), "%s", v->error.text);
    if (cut)
        pk_cli_note(v->cli, "the file ends in the middle of a record: the run was cut off");
    return v->status;
}

int pk_cli_view(pk_cli *cli)
{
    viewing v = {.cli = cli};
    if (!cli->n_operands || cli->n_operands > 2)
        return pk_cli_fail(cli, PK_EXIT_USAGE, "name the file of a run, and a view: RUN [VIEW]");
    if (pk_saved_open(&v.saved, cli->operands[0], GZIP, &v.error))
        return pk_cli_fail(cli, PK_EXIT_USAGE, "%s", v.error.text);
    int status = compile(&v);
    if (!status)
        status = open_view(&v);
    if (!status)
        status = read_run(&v);
    pk_description_free(&v.d);
    pk_saved_free(v.saved);
    return status;
}
