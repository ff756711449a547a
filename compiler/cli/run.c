/* `pktc run` and `pktc send`: flags into the setup of a run; the rest is run/front.h. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/literal.h"
#include "cli.h"
#include "filter.h"
#include "run/confine.h"
#include "run/shard.h"

enum { RETRIES = 250 };

static volatile sig_atomic_t stop_requests, again_requests, state_requests;

static void on_signal(int signal_number)
{
    if (signal_number == SIGHUP)
        again_requests = again_requests + 1;
    else if (signal_number == SIGUSR1)
        state_requests = state_requests + 1;
    else
        stop_requests = stop_requests + 1;
}

static void install_handlers(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
    (void)sigaction(SIGUSR1, &action, NULL);
}

static bool put(void *context, const char *text, size_t len)
{
    pk_cli *cli = context;
    bool closed = false;
    pk_buf_add(&cli->out, text, len);
    int status = pk_cli_flush(cli, true, &closed);
    return status == 0 && !closed;
}

static int make_filter(void *context, uint32_t linktype, pk_buf *out, pk_error *reterr_)
{
    const pk_cli *cli = context;
    pk_error why;
    int code = pk_filter_compile(cli->value[PK_OPT_FILTER], linktype, out, &why);
    return code ? pk_error_set(reterr_, code, "-f: %s", why.text) : PK_OK;
}

static void tell(void *context, const char *text, size_t len)
{
    (void)context;
    (void)fwrite(text, 1, len, stderr);
}

/* ---- flags ------------------------------------------------------------------------------------
 */

static int bad_value(pk_cli *cli, const char *name, const char *value, const char *example)
{
    return pk_cli_fail(cli, PK_EXIT_USAGE, "`--%s %s`: expected %s", name, value, example);
}

static int read_rate(pk_cli *cli, pk_run_options *options)
{
    const char *text = cli->value[PK_OPT_RATE];
    pk_literal literal;
    pk_literal_fault fault;
    if (!text)
        return 0;
    options->given |= PK_RUN_RATE;
    options->rate = 0;
    if (strcmp(text, "line") == 0)
        return 0;
    if (pk_literal_parse(text, strlen(text), &literal, &fault) || literal.kind != PK_LITERAL_RATE ||
        literal.number <= 0)
        return bad_value(cli, "rate", text, "a rate: 500pps, 10kpps, 100Mbit, line");
    options->rate = pk_run_rate_of(literal.number, literal.unit == PK_RATE_BITS);
    return 0;
}

static int read_time(pk_cli *cli, pk_option option, int64_t *ret_time)
{
    const char *text = cli->value[option];
    pk_literal literal;
    pk_literal_fault fault;
    if (pk_literal_parse(text, strlen(text), &literal, &fault) ||
        literal.kind != PK_LITERAL_DURATION || literal.integer > INT64_MAX / 4)
        return bad_value(cli, pk_cli_options[option].name, text, "a duration: 2s, 500ms");
    *ret_time = (int64_t)literal.integer;
    return 0;
}

static int read_times(pk_cli *cli, pk_run_options *options)
{
    int status = 0;
    if (pk_cli_given(cli, PK_OPT_TIMEOUT)) {
        options->given |= PK_RUN_TIMEOUT;
        status = read_time(cli, PK_OPT_TIMEOUT, &options->timeout);
    }
    if (!status && pk_cli_given(cli, PK_OPT_WAIT))
        status = read_time(cli, PK_OPT_WAIT, &options->wait);
    return status;
}

static pk_front_exit exit_rule(const pk_cli *cli)
{
    const char *word = cli->value[PK_OPT_EXIT] ? cli->value[PK_OPT_EXIT] : "any";
    return strcmp(word, "all") == 0   ? PK_FRONT_EXIT_ALL
           : strcmp(word, "ran") == 0 ? PK_FRONT_EXIT_RAN
                                      : PK_FRONT_EXIT_ANY;
}

static int read_shard(pk_cli *cli, pk_run_options *options)
{
    pk_shard shard;
    pk_error error;
    if (!pk_cli_given(cli, PK_OPT_SHARD))
        return 0;
    if (pk_shard_read(cli->value[PK_OPT_SHARD], getenv, &shard, &error))
        return pk_cli_fail(cli, PK_EXIT_USAGE, "--shard: %s", error.text);
    options->given |= PK_RUN_SHARD | PK_RUN_SHARDS;
    options->shard = shard.index;
    options->shards = shard.count;
    return 0;
}

static int read_numbers(pk_cli *cli, pk_run_options *options)
{
    pk_u128 number;
    if (pk_cli_given(cli, PK_OPT_RETRY)) {
        if (!pk_cli_number(cli, PK_OPT_RETRY, &number) || number > RETRIES)
            return bad_value(cli, "retry", cli->value[PK_OPT_RETRY], "a number up to 250");
        options->given |= PK_RUN_RETRY;
        options->retry = (uint32_t)number;
    }
    if (pk_cli_given(cli, PK_OPT_LIMIT)) {
        if (!pk_cli_number(cli, PK_OPT_LIMIT, &options->count) || !options->count)
            return bad_value(cli, "packets", cli->value[PK_OPT_LIMIT], "a number from 1");
        options->given |= PK_RUN_COUNT;
    }
    if (pk_cli_given(cli, PK_OPT_SEED)) {
        if (!pk_cli_seed(cli, &options->seed))
            return PK_EXIT_USAGE;
        options->given |= PK_RUN_SEED;
    }
    return 0;
}

static int read_words(pk_cli *cli, pk_run_options *options)
{
    const char *order = cli->value[PK_OPT_ORDER];
    const char *interface = cli->value[PK_OPT_IFACE];
    if (order) {
        options->given |= PK_RUN_ORDER;
        options->random_order = strcmp(order, "random") == 0;
    }
    if (interface) {
        if (strlen(interface) >= sizeof options->interface)
            return bad_value(cli, "iface", interface, "the name of an interface");
        options->given |= PK_RUN_INTERFACE;
        (void)snprintf(options->interface, sizeof options->interface, "%s", interface);
    }
    if (pk_cli_given(cli, PK_OPT_GUARD)) {
        options->given |= PK_RUN_GUARD;
        options->guard = true;
    }
    if (cli->verb == PK_VERB_SEND) {
        options->given |= PK_RUN_DISCARD;
        options->discard = true;
    }
    return 0;
}

static int read_ports(pk_cli *cli, uint16_t *ports, uint32_t *ret_count)
{
    const char *at = cli->value[PK_OPT_LISTEN];
    *ret_count = 0;
    while (at && *at) {
        char *end;
        unsigned long port = strtoul(at, &end, 10);
        if (end == at || port == 0 || port > 65535 || (*end && *end != ',') ||
            *ret_count == PK_CLI_PORTS)
            return bad_value(cli, "listen", cli->value[PK_OPT_LISTEN], "ports: 22,80,443");
        ports[(*ret_count)++] = (uint16_t)port;
        at = *end ? end + 1 : end;
    }
    return 0;
}

/* The form of exchanges that no view shows. */
static pk_front_form form_of(const pk_cli *cli)
{
    static const struct {
        const char *name;
        pk_front_form form;
    } forms[] = {{"line", PK_FRONT_LINE},
                 {"tree", PK_FRONT_TREE},
                 {"json", PK_FRONT_JSON},
                 {"hex", PK_FRONT_HEX},
                 {"pkt", PK_FRONT_SOURCE}};
    const char *name = cli->value[PK_OPT_ROWS];
    for (size_t i = 0; name && i < sizeof forms / sizeof *forms; i++)
        if (strcmp(name, forms[i].name) == 0)
            return forms[i].form;
    return cli->times[PK_OPT_VERBOSE] ? PK_FRONT_TREE : PK_FRONT_LINE;
}

int pk_cli_lab_options(pk_cli *cli, uint32_t *ret_hops, uint16_t *ports, uint32_t *ret_count)
{
    pk_u128 hops = 0;
    int status = read_ports(cli, ports, ret_count);
    if (!status && pk_cli_given(cli, PK_OPT_HOPS) &&
        (!pk_cli_number(cli, PK_OPT_HOPS, &hops) || hops > 8))
        status = bad_value(cli, "hops", cli->value[PK_OPT_HOPS], "0 to 8");
    *ret_hops = (uint32_t)hops;
    return status;
}

static int read_options(pk_cli *cli, pk_front_setup *setup, uint16_t *ports)
{
    pk_run_options_init(&setup->options);
    int status = read_rate(cli, &setup->options);
    status = status ? status : read_times(cli, &setup->options);
    status = status ? status : read_numbers(cli, &setup->options);
    status = status ? status : read_shard(cli, &setup->options);
    status = status ? status : read_words(cli, &setup->options);
    status =
        status ? status : pk_cli_lab_options(cli, &setup->lab_hops, ports, &setup->n_lab_ports);
    setup->form = form_of(cli);
    if (!status && !pk_cli_given(cli, PK_OPT_LAB) && (setup->lab_hops || setup->n_lab_ports))
        status = pk_cli_fail(cli, PK_EXIT_USAGE, "--hops and --listen belong to --lab");
    if (!status && setup->save && setup->resume)
        status =
            pk_cli_fail(cli, PK_EXIT_USAGE, "--resume keeps the run in its own file, without -w");
    setup->lab = pk_cli_given(cli, PK_OPT_LAB);
    setup->lab_ports = ports;
    return status;
}

/* ---- the run ----------------------------------------------------------------------------------
 */

static int run(pk_cli *cli, pk_description *d)
{
    static pk_front_param params[PK_CLI_LIST];
    static char names[PK_CLI_LIST][64];
    uint16_t ports[PK_CLI_PORTS];
    pk_front_setup setup = {.image = &d->image,
                            .gzip = PK_CLI_GZIP,
                            .resolve = pk_cli_resolve,
                            .probe = d->probe,
                            .params = params,
                            .n_params = (uint32_t)cli->n_params,
                            .reach = cli->reach,
                            .n_reach = (uint32_t)cli->n_reach,
                            .many = pk_cli_given(cli, PK_OPT_YES),
                            .filter = pk_cli_given(cli, PK_OPT_FILTER) ? make_filter : NULL,
                            .save = cli->value[PK_OPT_SAVE],
                            .meta = cli->value[PK_OPT_META],
                            .print_config = pk_cli_given(cli, PK_OPT_PRINT_CONFIG),
                            .dry_run = pk_cli_given(cli, PK_OPT_DRY_RUN),
                            .exit_rule = exit_rule(cli),
                            .name = "pktc",
                            .resume = cli->value[PK_OPT_RESUME],
                            .unanswered = pk_cli_given(cli, PK_OPT_UNANSWERED),
                            .quiet = pk_cli_given(cli, PK_OPT_QUIET),
                            .progress = isatty(STDERR_FILENO) && !pk_cli_given(cli, PK_OPT_QUIET),
                            .verbosity = cli->times[PK_OPT_VERBOSE],
                            .program = "pktc " PKTC_VERSION,
                            .opened = pk_confine,
                            .stop = &stop_requests,
                            .again = &again_requests,
                            .state = &state_requests,
                            .put = put,
                            .tell = tell,
                            .context = cli};
    for (size_t i = 0; i < cli->n_params; i++) {
        (void)snprintf(names[i], sizeof names[i], "%.*s", (int)cli->params[i].name_len,
                       cli->params[i].name);
        params[i] = (pk_front_param){names[i], cli->params[i].value};
    }
    int status = read_options(cli, &setup, ports);
    if (!status && cli->verb == PK_VERB_RUN)
        status = pk_view_choose(cli, &d->image, d->probe, cli->value[PK_OPT_VIEW], &setup.view,
                                &setup.reformat, &setup.format);
    if (status)
        return status;
    install_handlers();
    return pk_front_run(&setup, NULL);
}

int pk_cli_run(pk_cli *cli)
{
    pk_description d = {0};
    int status = pk_describe_set(cli, &d);
    if (!status) {
        pk_describe_ignored(cli, &d);
        status = run(cli, &d);
    }
    pk_description_free(&d);
    return status;
}
