#include "stub/arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/literal.h"
#include "run/params.h"
#include "run/shard.h"
#include "view/view.h"

typedef struct parsing {
    const pk_image *image;
    pk_front_setup *setup;
    pk_front_param *params;
    uint32_t n_params;
    pk_front_reach *reach;
    pk_stub_verb *verb;
    const char *view, *form; /* as typed; NULL: not given */
    pk_error *error;
} parsing;

/* ---- values of options ---- */

static int refuse(parsing *p, const char *name, const char *text, const char *expected)
{
    return pk_error_set(p->error, PK_EFORMAT, "%s: `%s` is not %s", name, text, expected);
}

static bool literal_of(const char *text, pk_literal_kind kind, pk_literal *ret_literal)
{
    pk_literal_fault fault;
    return pk_literal_parse(text, strlen(text), ret_literal, &fault) == PK_LITERAL_FINE &&
           ret_literal->kind == kind;
}

static int set_rate(parsing *p, const char *text)
{
    pk_literal literal;
    pk_run_options *options = &p->setup->options;
    if (strcmp(text, "line") == 0)
        options->rate = 0;
    else if (literal_of(text, PK_LITERAL_RATE, &literal) && literal.number > 0)
        options->rate = pk_run_rate_of(literal.number, literal.unit == PK_RATE_BITS);
    else
        return refuse(p, "--rate", text, "a rate such as 1kpps, 10Mbps or line");
    options->given |= PK_RUN_RATE;
    return PK_OK;
}

static int set_wait(parsing *p, const char *text)
{
    pk_literal literal;
    if (!literal_of(text, PK_LITERAL_DURATION, &literal) || literal.integer > INT64_MAX / 4)
        return refuse(p, "--wait", text, "a duration such as 2s or 500ms");
    p->setup->options.wait = (int64_t)literal.integer;
    return PK_OK;
}

static int set_timeout(parsing *p, const char *text)
{
    pk_literal literal;
    if (!literal_of(text, PK_LITERAL_DURATION, &literal) || literal.integer > INT64_MAX / 4)
        return refuse(p, "--timeout", text, "a duration such as 2s or 500ms");
    p->setup->options.timeout = (int64_t)literal.integer;
    p->setup->options.given |= PK_RUN_TIMEOUT;
    return PK_OK;
}

static bool integer_of(const char *text, uint64_t most, uint64_t *ret_number)
{
    pk_literal literal;
    if (!literal_of(text, PK_LITERAL_INT, &literal) || literal.integer > most)
        return false;
    *ret_number = literal.integer;
    return true;
}

static int set_retry(parsing *p, const char *text)
{
    uint64_t retry;
    if (!integer_of(text, PK_TRACKER_RETRY_LIMIT, &retry))
        return refuse(p, "--retry", text, "a number of tries from 0 to 250");
    p->setup->options.retry = (uint32_t)retry;
    p->setup->options.given |= PK_RUN_RETRY;
    return PK_OK;
}

static int set_count(parsing *p, const char *text)
{
    uint64_t count;
    if (!integer_of(text, UINT64_MAX, &count) || !count)
        return refuse(p, "--count", text, "a number of packets");
    p->setup->options.count = count;
    p->setup->options.given |= PK_RUN_COUNT;
    return PK_OK;
}

static int set_seed(parsing *p, const char *text)
{
    if (!integer_of(text, UINT64_MAX, &p->setup->options.seed))
        return refuse(p, "--seed", text, "an integer");
    p->setup->options.given |= PK_RUN_SEED;
    return PK_OK;
}

static int set_shard(parsing *p, const char *text)
{
    pk_shard shard;
    int error = pk_shard_read(text, getenv, &shard, p->error);
    if (error)
        return error;
    p->setup->options.shard = shard.index;
    p->setup->options.shards = shard.count;
    p->setup->options.given |= PK_RUN_SHARD | PK_RUN_SHARDS;
    return PK_OK;
}

static int set_interface(parsing *p, const char *text)
{
    pk_run_options *options = &p->setup->options;
    if (!*text || strlen(text) >= sizeof options->interface)
        return refuse(p, "--iface", text, "the name of an interface");
    memcpy(options->interface, text, strlen(text) + 1);
    options->given |= PK_RUN_INTERFACE;
    return PK_OK;
}

static int set_order(parsing *p, const char *text)
{
    bool random = strcmp(text, "random") == 0;
    if (!random && strcmp(text, "linear") != 0)
        return refuse(p, "--order", text, "linear or random");
    p->setup->options.random_order = random;
    p->setup->options.given |= PK_RUN_ORDER;
    return PK_OK;
}

static int set_form(parsing *p, const char *text)
{
    static const char *const names[] = {[PK_FRONT_LINE] = "line",
                                        [PK_FRONT_TREE] = "tree",
                                        [PK_FRONT_JSON] = "json",
                                        [PK_FRONT_HEX] = "hex",
                                        [PK_FRONT_SOURCE] = "pkt"};
    p->form = text;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) != 0)
            continue;
        p->setup->form = (pk_front_form)i;
        return PK_OK;
    }
    return pk_view_format_find(text, &p->setup->format)
               ? PK_OK
               : refuse(p, "--as", text, "line, tree, json, hex, pkt, table, csv, md or tex");
}

static int set_view(parsing *p, const char *text)
{
    p->view = text;
    return PK_OK;
}

static int set_exit(parsing *p, const char *text)
{
    static const char *const names[] = {
        [PK_FRONT_EXIT_ANY] = "any", [PK_FRONT_EXIT_ALL] = "all", [PK_FRONT_EXIT_RAN] = "ran"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) != 0)
            continue;
        p->setup->exit_rule = (pk_front_exit)i;
        return PK_OK;
    }
    return refuse(p, "--exit", text, "any, all or ran");
}

static int set_save(parsing *p, const char *text)
{
    p->setup->save = text;
    return PK_OK;
}

static int add_reach(parsing *p, pk_scope_list list, bool file, const char *text)
{
    p->reach[p->setup->n_reach++] = (pk_front_reach){list, file, text};
    return PK_OK;
}

static int set_exclude(parsing *p, const char *text)
{
    return add_reach(p, PK_SCOPE_EXCLUDED, false, text);
}

static int set_exclude_file(parsing *p, const char *text)
{
    return add_reach(p, PK_SCOPE_EXCLUDED, true, text);
}

static int set_scope(parsing *p, const char *text)
{
    return add_reach(p, PK_SCOPE_ONLY, true, text);
}

static int set_allow(parsing *p, const char *text)
{
    return add_reach(p, PK_SCOPE_ALLOWED, false, text);
}

static int set_resume(parsing *p, const char *text)
{
    p->setup->resume = text;
    return PK_OK;
}

static int set_meta(parsing *p, const char *text)
{
    p->setup->meta = text;
    return PK_OK;
}

/* ---- options without a value ---- */

static int set_dry_run(parsing *p, const char *text)
{
    (void)text;
    p->setup->dry_run = true;
    return PK_OK;
}

static int set_print_config(parsing *p, const char *text)
{
    (void)text;
    p->setup->print_config = true;
    return PK_OK;
}

static int set_lab(parsing *p, const char *text)
{
    (void)text;
    p->setup->lab = true;
    return PK_OK;
}

static int set_quiet(parsing *p, const char *text)
{
    (void)text;
    p->setup->quiet = true;
    return PK_OK;
}

/* -v shows the full tree of each reply; more of it, more in the tree. */
static int set_verbose(parsing *p, const char *text)
{
    (void)text;
    p->setup->verbosity++;
    if (p->setup->form == PK_FRONT_LINE)
        p->setup->form = PK_FRONT_TREE;
    return PK_OK;
}

static int set_yes(parsing *p, const char *text)
{
    (void)text;
    p->setup->many = true;
    return PK_OK;
}

static int set_unanswered(parsing *p, const char *text)
{
    (void)text;
    p->setup->unanswered = true;
    return PK_OK;
}

static int set_others(parsing *p, const char *text)
{
    (void)text;
    p->setup->others = true;
    return PK_OK;
}

static int set_help(parsing *p, const char *text)
{
    (void)text;
    *p->verb = PK_STUB_HELP;
    return PK_OK;
}

static int set_version(parsing *p, const char *text)
{
    (void)text;
    *p->verb = PK_STUB_VERSION;
    return PK_OK;
}

static int set_info(parsing *p, const char *text)
{
    (void)text;
    *p->verb = PK_STUB_INFO;
    return PK_OK;
}

static int set_verify(parsing *p, const char *text)
{
    (void)text;
    *p->verb = PK_STUB_VERIFY;
    return PK_OK;
}

static int set_source(parsing *p, const char *text)
{
    (void)text;
    *p->verb = PK_STUB_SOURCE;
    return PK_OK;
}

static const struct flag {
    const char *name;
    char letter;       /* 0 = none */
    const char *value; /* NULL = takes none */
    int (*set)(parsing *p, const char *text);
    const char *help;
} flags[] = {
    {"rate", 0, "RATE", set_rate, "packets or bits a second, or line (default 100pps)"},
    {"timeout", 0, "TIME", set_timeout, "how long an answer is waited for"},
    {"wait", 0, "TIME", set_wait, "listen on for late answers when all is settled"},
    {"retry", 0, "N", set_retry, "more tries for the unanswered"},
    {"count", 'c', "N", set_count, "packets in all"},
    {"order", 0, "ORDER", set_order, "linear or random"},
    {"exclude", 0, "ADDR,..", set_exclude, "send nothing to these addresses, prefixes or ranges"},
    {"exclude-file", 0, "FILE", set_exclude_file, "nor to those in FILE, one a line"},
    {"scope", 0, "FILE", set_scope, "send to nothing but what FILE lists"},
    {"allow", 0, "ADDR,..", set_allow, "send there although it is private or the like"},
    {"yes", 0, NULL, set_yes, "send to more than 65536 targets that others may own"},
    {"shard", 0, "I/N", set_shard, "part I of N, from 0; env: as an array job says"},
    {"seed", 0, "N", set_seed, "of random values and random order"},
    {"iface", 'i', "NAME", set_interface, "interface (default: by the route)"},
    {"write", 'w', "FILE", set_save, "keep the run in a pcapng file"},
    {"resume", 0, "FILE", set_resume, "go on with the run that FILE keeps"},
    {"view", 0, "NAME", set_view, "the view to show; none: a line per exchange"},
    {"as", 0, "FORM", set_form, "table, csv, json, md, tex, pkt; line, tree, hex"},
    {"unanswered", 0, NULL, set_unanswered, "list what was not answered, too"},
    {"all", 0, NULL, set_others, "list duplicates, late and unmatched packets, too"},
    {"exit", 0, "RULE", set_exit, "exit code 0 for any answer, all answered, or ran"},
    {"meta", 0, "FILE", set_meta, "write how the run went as JSON"},
    {"dry-run", 0, NULL, set_dry_run, "do everything but send; print the plan"},
    {"print-config", 0, NULL, set_print_config, "print the options that hold, and exit"},
    {"lab", 0, NULL, set_lab, "in a private network whose other end answers for every address"},
    {"verbose", 'v', NULL, set_verbose, "full field trees"},
    {"quiet", 'q', NULL, set_quiet, "results only"},
    {"info", 0, NULL, set_info, "what this probe is, and exit"},
    {"source", 0, NULL, set_source, "the program's text, and exit"},
    {"verify", 0, NULL, set_verify, "check the image carried, and exit"},
    {"help", 'h', NULL, set_help, "this text, and exit"},
    {"version", 'V', NULL, set_version, "the version, and exit"},
};
enum { FLAG_COUNT = sizeof flags / sizeof flags[0] };

/* ---- the line ---- */

static const struct flag *flag_of(const char *name, size_t len, char letter)
{
    for (size_t i = 0; i < FLAG_COUNT; i++)
        if (letter ? flags[i].letter == letter
                   : strlen(flags[i].name) == len && strncmp(flags[i].name, name, len) == 0)
            return &flags[i];
    return NULL;
}

/* The program's parameter of that name (`_` may be typed as `-`); 0 = none. */
static pk_ref param_of(const pk_image *image, const char *name, size_t len)
{
    for (pk_ref i = 1; i < image->n_params; i++) {
        const char *own = pk_image_text(image, image->params[i].name);
        size_t at = 0;
        while (at < len && own[at] && (own[at] == name[at] || (own[at] == '_' && name[at] == '-')))
            at++;
        if (at == len && !own[at])
            return i;
    }
    return 0;
}

static int take_param(parsing *p, pk_ref param, const char *text)
{
    const char *name = pk_image_text(p->image, p->image->params[param].name);
    p->params[p->n_params++] = (pk_front_param){name, text};
    return PK_OK;
}

/* The value of a flag: behind `=`, or the next word. */
static const char *value_of(const char *word, char **argv, int *at)
{
    const char *equals = strchr(word, '=');
    if (equals)
        return equals + 1;
    return argv[*at + 1] ? argv[++*at] : NULL;
}

static int take_long(parsing *p, char **argv, int *at)
{
    const char *word = argv[*at];
    const char *name = word + 2;
    size_t len = strcspn(name, "=");
    pk_ref param = param_of(p->image, name, len);
    const struct flag *flag = param ? NULL : flag_of(name, len, 0);
    if (!param && !flag)
        return pk_error_set(p->error, PK_EFORMAT, "there is no option `%.*s` (--help lists them)",
                            (int)(len + 2), word);
    if (flag && !flag->value)
        return name[len] ? pk_error_set(p->error, PK_EFORMAT, "--%s takes no value", flag->name)
                         : flag->set(p, NULL);
    const char *value = value_of(word, argv, at);
    if (!value)
        return pk_error_set(p->error, PK_EFORMAT, "%s wants a value", word);
    return param ? take_param(p, param, value) : flag->set(p, value);
}

/* Letters may stand together; a value follows its letter or is the next word. */
static int take_short(parsing *p, char **argv, int *at)
{
    const char *word = argv[*at];
    int error = PK_OK;
    for (size_t i = 1; !error && word[i]; i++) {
        const struct flag *flag = flag_of(NULL, 0, word[i]);
        if (!flag)
            return pk_error_set(p->error, PK_EFORMAT,
                                "there is no option `-%c` (--help lists them)", word[i]);
        if (!flag->value) {
            error = flag->set(p, NULL);
            continue;
        }
        const char *value = word[i + 1] ? word + i + 1 : argv[*at + 1] ? argv[++*at] : NULL;
        return value ? flag->set(p, value)
                     : pk_error_set(p->error, PK_EFORMAT, "-%c wants a value", word[i]);
    }
    return error;
}

static uint32_t probe_count(const pk_image *image)
{
    return image->n_probes ? image->n_probes - 1 : 0;
}

static bool choose_probe(parsing *p, const char *name)
{
    for (pk_ref i = 1; i < p->image->n_probes; i++) {
        if (strcmp(pk_image_text(p->image, p->image->probes[i].name), name) != 0)
            continue;
        p->setup->probe = i;
        return true;
    }
    return false;
}

static int unknown_probe(parsing *p, const char *name)
{
    if (name)
        pk_error_set(p->error, PK_EFORMAT, "there is no probe `%s`; there are", name);
    else
        pk_error_set(p->error, PK_EFORMAT, "which probe? There are");
    for (pk_ref i = 1; i < p->image->n_probes; i++)
        pk_error_append(p->error, "%s %s", i > 1 ? "," : "",
                        pk_image_text(p->image, p->image->probes[i].name));
    return PK_EFORMAT;
}

static int take_word(parsing *p, const char *word)
{
    if (probe_count(p->image) > 1 && !p->setup->probe)
        return choose_probe(p, word) ? PK_OK : unknown_probe(p, word);
    for (pk_ref i = 1; i < p->image->n_params; i++)
        if (p->image->params[i].is_set)
            return take_param(p, i, word);
    return pk_error_set(p->error, PK_EFORMAT, "`%s` is not expected here (--help)", word);
}

static int take_all(parsing *p, int argc, char **argv)
{
    bool only_words = false;
    int error = PK_OK;
    for (int at = 1; !error && at < argc; at++) {
        const char *word = argv[at];
        if (only_words || word[0] != '-' || !word[1])
            error = take_word(p, word);
        else if (strcmp(word, "--") == 0)
            only_words = true;
        else
            error = word[1] == '-' ? take_long(p, argv, &at) : take_short(p, argv, &at);
    }
    return error;
}

static int unknown_view(parsing *p)
{
    pk_error_set(p->error, PK_EFORMAT, "there is no view `%s` of this probe; there are", p->view);
    for (pk_ref i = 1; i < p->image->n_views; i++)
        pk_error_append(p->error, "%s %s", i > 1 ? "," : "",
                        pk_image_text(p->image, p->image->views[i].name));
    return PK_EFORMAT;
}

/* The view that is named, else the first of the probe, unless --as wants exchanges. */
static int choose_view(parsing *p)
{
    pk_front_setup *setup = p->setup;
    const char *form = p->form ? p->form : "";
    bool none = p->view && strcmp(p->view, "none") == 0;
    setup->view = p->view ? pk_view_find(p->image, p->view) : pk_view_first(p->image, setup->probe);
    pk_ref of = setup->view ? p->image->views[setup->view].probe : 0;
    if (p->view && !none && (!setup->view || (of && of != setup->probe)))
        return unknown_view(p);
    if (none || setup->verbosity || strcmp(form, "line") == 0 || strcmp(form, "tree") == 0 ||
        strcmp(form, "hex") == 0)
        setup->view = 0;
    setup->reformat =
        pk_view_format_find(strcmp(form, "pkt") == 0 ? "source" : form, &setup->format);
    return PK_OK;
}

int pk_stub_arguments(const pk_image *image, int argc, char **argv, pk_arena *arena,
                      pk_front_setup *setup, pk_stub_verb *ret_verb, pk_error *reterr_)
{
    parsing p = {.image = image, .setup = setup, .verb = ret_verb, .error = reterr_};
    *ret_verb = PK_STUB_RUN;
    p.params = pk_arena_array(arena, (size_t)argc + 1, sizeof *p.params);
    p.reach = pk_arena_array(arena, (size_t)argc + 1, sizeof *p.reach);
    setup->reach = p.reach;
    if (!p.params || !p.reach)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for the command line");
    int error = take_all(&p, argc, argv);
    if (error)
        return error;
    setup->params = p.params;
    setup->n_params = p.n_params;
    if (probe_count(image) == 1)
        setup->probe = 1;
    if (*ret_verb == PK_STUB_RUN && !setup->probe)
        return probe_count(image) ? unknown_probe(&p, NULL)
                                  : pk_error_set(reterr_, PK_EFORMAT, "the program has no probe");
    return *ret_verb == PK_STUB_RUN ? choose_view(&p) : PK_OK;
}

/* ---- help ---- */

static void help_params(const pk_image *image, pk_buf *out)
{
    if (image->n_params > 1)
        pk_buf_text(out, "\nParameters:\n");
    for (pk_ref i = 1; i < image->n_params; i++) {
        const pk_image_param *param = &image->params[i];
        pk_buf type = {0};
        pk_params_type_text(image, i, &type);
        pk_buf_printf(out, "  --%-12s %s", pk_image_text(image, param->name), pk_buf_cstr(&type));
        pk_buf_free(&type);
        if (param->doc)
            pk_buf_printf(out, ": %s", pk_image_text(image, param->doc));
        if (param->init_text)
            pk_buf_printf(out, " (default %s)\n", pk_image_text(image, param->init_text));
        else
            pk_buf_printf(out, " (needed, such as %s)\n", pk_params_example(image, i));
    }
}

static void help_options(const pk_image *image, pk_buf *out)
{
    pk_buf_text(out, "\nOptions:\n");
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        char left[48];
        if (param_of(image, flags[i].name, strlen(flags[i].name)))
            continue;
        snprintf(left, sizeof left, "--%s%s%s", flags[i].name, flags[i].value ? " " : "",
                 flags[i].value ? flags[i].value : "");
        pk_buf_printf(out, "  %c%c %-16s %s\n", flags[i].letter ? '-' : ' ',
                      flags[i].letter ? flags[i].letter : ' ', left, flags[i].help);
    }
}

void pk_stub_help(const pk_image *image, const char *name, pk_buf *out)
{
    bool several = probe_count(image) > 1;
    pk_buf_printf(out, "Usage: %s%s [options]", name, several ? " PROBE" : "");
    for (pk_ref i = 1; i < image->n_params; i++) {
        if (!image->params[i].is_set)
            continue;
        pk_buf_printf(out, " [%s]", pk_image_text(image, image->params[i].name));
        break;
    }
    pk_buf_text(out, "\n");
    if (several)
        pk_buf_text(out, "\nProbes:\n");
    for (pk_ref i = 1; several && i < image->n_probes; i++)
        pk_buf_printf(out, "  %s\n", pk_image_text(image, image->probes[i].name));
    help_params(image, out);
    help_options(image, out);
    pk_buf_text(out, "\nExit code: 0 answered, 1 no answer, 2 usage, 3 permission or environment,\n"
                     "4 output failed, 5 replies were lost by this machine.\n");
}
