#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/wide.h"
#include "cli.h"
#include "filter.h"
#include "image/builder.h"
#include "image/format.h"
#include "run/params.h"
#include "standard.h"

int pk_describe_report(pk_cli *cli, const pk_diags *diags)
{
    pk_buf text = {0};
    pk_diag_form form = pk_cli_given(cli, PK_OPT_JSON_ERRORS) ? PK_DIAG_JSON
                        : pk_cli_color(cli, STDERR_FILENO)    ? PK_DIAG_COLOR
                                                              : PK_DIAG_TEXT;
    pk_diags_render(diags, form, &text);
    (void)fputs(pk_buf_cstr(&text), stderr);
    pk_buf_free(&text);
    return pk_diags_errors(diags) ? PK_EXIT_USAGE : 0;
}

/* What only shows packets needs neither the image's bytes nor its hash. */
static bool as_bytes(const pk_cli *cli)
{
    return cli->verb != PK_VERB_SHOW && cli->verb != PK_VERB_CHECK;
}

static int keep_bytes(pk_description *d, char *why, size_t size)
{
    int code = pk_image_builder_finish(d->builder, &d->image_bytes);
    pk_image_builder_free(d->builder);
    d->builder = NULL;
    if (code != PK_OK)
        return code;
    return pk_image_attach(d->image_bytes.data, d->image_bytes.len, &d->image, why, size);
}

/* What the compiler just made is checked like any image, but for the hash and for what it took over
 * from the standard layers: nothing has had it in between, and those were checked when they were built. */
static int load(pk_cli *cli, pk_description *d, const pk_image *standard)
{
    char why[256] = "memory is exhausted";
    int code = as_bytes(cli) ? keep_bytes(d, why, sizeof why) : PK_OK;
    if (!as_bytes(cli))
        pk_image_builder_view(d->builder, &d->image);
    if (code == PK_OK)
        code = pk_image_verify_over(&d->image, standard, why, sizeof why);
    if (code != PK_OK)
        return pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "the compiled image is not valid: %s", why);
    return 0;
}

static int attach_standard(pk_cli *cli, pk_image *ret_image)
{
    char why[256];
    if (pk_image_attach(pk_standard_image, pk_standard_image_size, ret_image, why, sizeof why))
        return pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "the standard layers are damaged: %s", why);
    return 0;
}

static bool compile_filter(const char *text, uint32_t linktype, pk_buf *out, pk_buf *reterr_why)
{
    pk_error error;
    if (pk_filter_compile(text, linktype, out, &error) == PK_OK)
        return true;
    pk_buf_text(reterr_why, error.text);
    return false;
}

static int read_source(pk_cli *cli, pk_description *d, const char *path, pk_span *ret_text)
{
    int result = pk_sources_read(d->sources, path, ret_text);
    if (result == PK_OK)
        return 0;
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    if (result == PK_ELIMIT)
        return pk_cli_fail(cli, PK_EXIT_USAGE, "%s is too long for a description (limit %d bytes)",
                           name, PK_SOURCE_LIMIT);
    return pk_cli_fail(cli, PK_EXIT_USAGE, "cannot read %s: %s", name,
                       result == PK_ENOMEM ? "memory is exhausted" : strerror(errno));
}

int pk_describe(pk_cli *cli, const char *const *files, size_t n_files, pk_description *ret)
{
    return pk_describe_texts(cli, NULL, 0, files, n_files, ret);
}

int pk_describe_texts(pk_cli *cli, const pk_source_text *given, size_t n_given,
                      const char *const *files, size_t n_files, pk_description *ret)
{
    *ret = (pk_description){.sources = pk_sources_new()};
    ret->diags = ret->sources ? pk_diags_new(ret->sources) : NULL;
    pk_image standard;
    pk_span texts[PK_CLI_LIST];
    size_t n = 0;
    int status;
    if (!ret->diags)
        return pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "memory is exhausted");
    status = attach_standard(cli, &standard);
    for (size_t i = 0; !status && i < n_given && n < PK_CLI_LIST; i++)
        if (pk_sources_add(ret->sources, given[i].name, given[i].text, given[i].len, &texts[n++]))
            status = pk_cli_fail(cli, PK_EXIT_USAGE, "%s is too long", given[i].name);
    for (size_t i = 0; !status && i < cli->n_exprs && n < PK_CLI_LIST; i++)
        if (pk_sources_add(ret->sources, "-e", cli->exprs[i], strlen(cli->exprs[i]), &texts[n++]))
            status = pk_cli_fail(cli, PK_EXIT_USAGE, "the text of -e is too long");
    for (size_t i = 0; !status && i < n_files && n < PK_CLI_LIST; i++)
        status = read_source(cli, ret, files[i], &texts[n++]);
    if (status)
        return status;
    const pk_compile_options options = {.standard = &standard,
                                        .import_paths = cli->imports,
                                        .n_import_paths = cli->n_imports,
                                        .filter = compile_filter};
    int result = pk_compile_view(&options, ret->sources, texts, n, ret->diags, &ret->builder);
    status = pk_describe_report(cli, ret->diags);
    if (status)
        return status;
    if (result != PK_OK)
        return pk_cli_fail(cli, PK_EXIT_USAGE, "the description is too big");
    return load(cli, ret, &standard);
}

/* ---- a description that is a set ----------------------------------------------------------------
 */

/* The description is -e, the first operand, or a pipe; what remains of the operands follows. */
static int describe_operands(pk_cli *cli, pk_description *ret, size_t *ret_used)
{
    static const char *const standard_input[] = {"-"};
    *ret_used = 0;
    if (cli->n_exprs)
        return pk_describe(cli, NULL, 0, ret);
    if (cli->n_operands) {
        *ret_used = 1;
        return pk_describe(cli, cli->operands, 1, ret);
    }
    if (isatty(STDIN_FILENO))
        return pk_cli_fail(cli, PK_EXIT_USAGE,
                           "no description: name a FILE, pipe one in, or use -e 'TEXT'");
    return pk_describe(cli, standard_input, 1, ret);
}

const char *pk_describe_name(const pk_cli *cli)
{
    if (cli->n_exprs)
        return "the text of -e";
    bool named = cli->n_operands && strcmp(cli->operands[0], "-") != 0;
    return named ? cli->operands[0] : "standard input";
}

static int unknown_probe(pk_cli *cli, const pk_description *d, const char *name, const char *best)
{
    if (best)
        return pk_cli_fail(cli, PK_EXIT_USAGE, "there is no probe `%s`; did you mean `%s`?", name,
                           best);
    pk_buf names = {0};
    for (pk_ref probe = 1; probe < d->image.n_probes; probe++) {
        const char *text = pk_image_text(&d->image, d->image.probes[probe].name);
        pk_buf_printf(&names, "%s%s", probe > 1 ? ", " : "", *text ? text : "one without a name");
    }
    int status =
        pk_cli_fail(cli, PK_EXIT_USAGE, "there is no probe `%s` in %s; those there are: %s", name,
                    pk_describe_name(cli), pk_buf_cstr(&names));
    pk_buf_free(&names);
    return status;
}

static void say_first(pk_cli *cli, const pk_image *image)
{
    const char *name = pk_image_text(image, image->probes[1].name);
    pk_cli_note(cli,
                "%u probes in %s: taking the first%s%s; a name or number behind it "
                "chooses another",
                image->n_probes - 1, pk_describe_name(cli), *name ? ", " : "", name);
}

/* By name, or by number counted from 1. */
static int choose_probe(pk_cli *cli, pk_description *d, const char *name)
{
    const pk_image *image = &d->image;
    if (image->n_probes <= 1)
        return pk_cli_fail(cli, PK_EXIT_USAGE,
                           "%s has no packets: add a line of them, as in ip(dst=10.0.0.1)/icmp()",
                           pk_describe_name(cli));
    d->probe = 1;
    if (!name) {
        if (image->n_probes > 2 && cli->verb != PK_VERB_BUILD)
            say_first(cli, image);
        return 0;
    }
    pk_u128 number;
    if (pk_wide_parse(name, &number) && number > 0 && number < image->n_probes) {
        d->probe = (pk_ref)number;
        return 0;
    }
    pk_suggest suggest;
    pk_suggest_begin(&suggest, name);
    for (d->probe = 1; d->probe < image->n_probes; d->probe++) {
        const char *text = pk_image_text(image, image->probes[d->probe].name);
        pk_suggest_offer(&suggest, text);
        if (strcmp(text, name) == 0)
            return 0;
    }
    return unknown_probe(cli, d, name, suggest.best);
}

/* A name that is no parameter may be a misspelt option as well. */
static int check_params(pk_cli *cli, const pk_description *d)
{
    for (size_t i = 0; i < cli->n_params; i++) {
        char name[128];
        (void)snprintf(name, sizeof name, "%.*s", (int)cli->params[i].name_len,
                       cli->params[i].name);
        if (pk_params_find(&d->image, name))
            continue;
        pk_suggest suggest;
        pk_suggest_begin(&suggest, name);
        for (size_t o = 0; o < PK_OPTIONS; o++)
            if (pk_cli_goes_with(o, cli->verb))
                pk_suggest_offer(&suggest, pk_cli_options[o].name);
        for (pk_ref p = 1; p < d->image.n_params; p++)
            pk_suggest_offer(&suggest, pk_image_text(&d->image, d->image.params[p].name));
        if (suggest.best)
            return pk_cli_fail(cli, PK_EXIT_USAGE,
                               "`--%s` is neither an option nor a parameter; did you mean `--%s`?",
                               name, suggest.best);
        return pk_cli_fail(cli, PK_EXIT_USAGE,
                           "`--%s` is neither an option of `%s` nor a parameter of %s", name,
                           pk_cli_verbs[cli->verb].name, pk_describe_name(cli));
    }
    return 0;
}

static int set_params(pk_cli *cli, pk_description *d)
{
    pk_ref given[PK_CLI_LIST];
    pk_error error;
    for (size_t i = 0; i < cli->n_params; i++) {
        char name[128];
        (void)snprintf(name, sizeof name, "%.*s", (int)cli->params[i].name_len,
                       cli->params[i].name);
        if (pk_params_assign(d->vm, &d->image, &d->arena, name, cli->params[i].value, &error))
            return pk_cli_fail(cli, PK_EXIT_USAGE, "%s", error.text);
        given[i] = pk_params_find(&d->image, name);
    }
    if (pk_params_complete(&d->image, given, (uint32_t)cli->n_params, &error))
        return pk_cli_fail(cli, PK_EXIT_USAGE, "%s", error.text);
    return 0;
}

int pk_describe_probe(pk_cli *cli, pk_description *ret)
{
    size_t used;
    int status = describe_operands(cli, ret, &used);
    if (status)
        return status;
    if (cli->n_operands > used + 1)
        return pk_cli_fail(cli, PK_EXIT_USAGE, "what is `%s`? one FILE and one PROBE at most",
                           cli->operands[used + 1]);
    status = choose_probe(cli, ret, cli->n_operands > used ? cli->operands[used] : NULL);
    return status ? status : check_params(cli, ret);
}

int pk_describe_set(pk_cli *cli, pk_description *ret)
{
    int status = pk_describe_probe(cli, ret);
    if (status)
        return status;
    const pk_files_options options = {.gzip = PK_CLI_GZIP, .resolve = pk_cli_resolve};
    ret->files = pk_files_new(&options);
    if (!ret->files)
        return pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "memory is exhausted");
    const pk_env env = {.files = pk_files_env(ret->files)};
    ret->vm = pk_vm_new(&ret->image, &env);
    if (!ret->vm)
        return pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "memory is exhausted");
    status = set_params(cli, ret);
    uint64_t seed = 0;
    if (!status && !pk_cli_seed(cli, &seed))
        status = PK_EXIT_USAGE;
    pk_vm_error error = {0};
    if (!status && pk_vm_space_open(ret->vm, seed, &error) != PK_OK)
        status = pk_cli_fail(cli, PK_EXIT_USAGE, "%s", error.text);
    if (!status && pk_vm_probe_set(ret->vm, &ret->image.probes[ret->probe]) != PK_OK)
        status = pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "memory is exhausted");
    return status;
}

int pk_describe_unbuilt(pk_cli *cli, pk_u128 n, const pk_vm_error *error)
{
    pk_buf text = {0};
    bool closed = false;
    int status = pk_cli_flush(cli, true, &closed);
    pk_wide_add(&text, n);
    if (!status)
        status = pk_cli_fail(cli, PK_EXIT_USAGE, "packet %s of the set: %s", pk_buf_cstr(&text),
                             error->text);
    pk_buf_free(&text);
    return status;
}

int pk_describe_standard(pk_cli *cli, pk_description *ret)
{
    *ret = (pk_description){0};
    int status = attach_standard(cli, &ret->image);
    if (status)
        return status;
    ret->vm = pk_vm_new(&ret->image, NULL);
    return ret->vm ? 0 : pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "memory is exhausted");
}

/* The condition is the text of a source that begins with `where`, as it would in a view. */
int pk_describe_filter(pk_cli *cli, const char *text, pk_description *ret, pk_ref *ret_filter)
{
    *ret = (pk_description){.sources = pk_sources_new()};
    ret->diags = ret->sources ? pk_diags_new(ret->sources) : NULL;
    pk_image standard;
    pk_span span;
    pk_buf source = {0};
    if (!ret->diags)
        return pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "memory is exhausted");
    int status = attach_standard(cli, &standard);
    pk_buf_printf(&source, "where %s", text);
    if (!status && pk_sources_add(ret->sources, "-Y", pk_buf_cstr(&source), source.len, &span))
        status = pk_cli_fail(cli, PK_EXIT_USAGE, "the condition of -Y is too long");
    pk_buf_free(&source);
    if (status)
        return status;
    pk_sources_hide(ret->sources, span, sizeof "where " - 1);
    int result =
        pk_compile_filter(&standard, ret->sources, span, ret->diags, &ret->builder, ret_filter);
    status = pk_describe_report(cli, ret->diags);
    if (!status && (result != PK_OK || !*ret_filter))
        status = pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "memory is exhausted");
    if (!status)
        status = load(cli, ret, &standard);
    if (status)
        return status;
    ret->vm = pk_vm_new(&ret->image, NULL);
    return ret->vm ? 0 : pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "memory is exhausted");
}

void pk_description_free(pk_description *description)
{
    pk_vm_free(description->vm);
    pk_files_free(description->files);
    pk_buf_free(&description->image_bytes);
    pk_image_builder_free(description->builder);
    pk_diags_free(description->diags);
    pk_sources_free(description->sources);
    pk_arena_free(&description->arena);
    *description = (pk_description){0};
}
