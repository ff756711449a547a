#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/wide.h"
#include "cli.h"

const pk_cli_verb pk_cli_verbs[PK_VERBS] = {
#define PK_VERB(id, name, operands, doc) {name, operands, doc},
#include "opts.def"
};

#define V(id)  (1u << PK_VERB_##id)
#define V_SET  (V(RUN) | V(SEND) | V(SHOW) | V(WRITE))
#define V_TEXT (V_SET | V(BUILD) | V(DISASM) | V(CHECK) | V(EXPLAIN) | V(VIEW))
#define V_NET  (V(RUN) | V(SEND))
#define V_ALL  (~0u)
const pk_cli_option pk_cli_options[PK_OPTIONS] = {
#define PK_OPT(id, letter, name, value, verbs, doc) {letter, name, value, verbs, doc},
#include "opts.def"
};

/* ---- parsing ----------------------------------------------------------------------------------
 */

static int usage(const pk_cli *cli, const char *format, const char *what, const char *best)
{
    (void)pk_cli_fail(cli, 0, format, what);
    if (best)
        (void)fprintf(stderr, "did you mean `%s`?\n", best);
    else if (cli->verb == PK_VERBS)
        (void)fputs("`pktc --help` says what there is\n", stderr);
    else
        (void)fprintf(stderr, "`pktc %s --help` says what there is\n",
                      pk_cli_verbs[cli->verb].name);
    return PK_EXIT_USAGE;
}

/* The verb that a file's first line asks for, as in `#!/usr/bin/env -S pktc run`; RUN where it
 * names none. False when there is no such line. */
static bool verb_of_file(const char *path, pk_verb *ret_verb)
{
    char line[256] = "";
    FILE *file = fopen(path, "re");
    bool good = file && fgets(line, sizeof line, file) && strncmp(line, "#!", 2) == 0;
    if (file)
        (void)fclose(file);
    const char *program = good ? strstr(line, "pktc") : NULL;
    if (!program)
        return false;
    program += strcspn(program, " \t\n");
    program += strspn(program, " \t");
    size_t len = strcspn(program, " \t\n");
    *ret_verb = PK_VERB_RUN;
    for (size_t v = 0; v < PK_VERBS; v++)
        if (len == strlen(pk_cli_verbs[v].name) && memcmp(program, pk_cli_verbs[v].name, len) == 0)
            *ret_verb = (pk_verb)v;
    return true;
}

/* Sets the verb; *ret_file when `text` is a file that says itself what to do with it. */
static int verb_find(pk_cli *cli, const char *text, bool *ret_file)
{
    pk_suggest suggest;
    pk_suggest_begin(&suggest, text);
    for (size_t i = 0; i < PK_VERBS; i++) {
        pk_suggest_offer(&suggest, pk_cli_verbs[i].name);
        if (strcmp(text, pk_cli_verbs[i].name) == 0) {
            cli->verb = (pk_verb)i;
            return 0;
        }
    }
    static const char *const later[] = {"query", "fmt", "svg"};
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (strcmp(text, later[i]) == 0)
            return pk_cli_fail(cli, PK_EXIT_USAGE, "`%s` is not built yet", text);
    *ret_file = verb_of_file(text, &cli->verb);
    if (*ret_file)
        return 0;
    if (text[0] == '-')
        return usage(cli, "a verb comes first, then `%s`", text, NULL);
    if (access(text, F_OK) == 0)
        return pk_cli_fail(cli, PK_EXIT_USAGE,
                           "what is to be done with %s? `pktc show %s` shows its packets, "
                           "`pktc run %s` sends them",
                           text, text, text);
    return usage(cli, "there is no verb `%s`", text, suggest.best);
}

static int keep_in(const pk_cli *cli, const char **list, size_t *count, pk_option option,
                   const char *value)
{
    if (*count == PK_CLI_LIST)
        return pk_cli_fail(cli, PK_EXIT_USAGE, "too many -%c (limit %d)",
                           pk_cli_options[option].letter, PK_CLI_LIST);
    list[(*count)++] = value;
    return 0;
}

static int keep_reach(pk_cli *cli, pk_option option, const char *value)
{
    static const struct {
        pk_option option;
        pk_scope_list list;
        bool file;
    } kinds[] = {{PK_OPT_EXCLUDE, PK_SCOPE_EXCLUDED, false},
                 {PK_OPT_EXCLUDE_FILE, PK_SCOPE_EXCLUDED, true},
                 {PK_OPT_SCOPE, PK_SCOPE_ONLY, true},
                 {PK_OPT_ALLOW, PK_SCOPE_ALLOWED, false}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].option != option)
            continue;
        if (cli->n_reach == PK_CLI_LIST)
            return pk_cli_fail(cli, PK_EXIT_USAGE, "too many --%s (limit %d)",
                               pk_cli_options[option].name, PK_CLI_LIST);
        cli->reach[cli->n_reach++] = (pk_front_reach){kinds[i].list, kinds[i].file, value};
    }
    return 0;
}

static int keep(pk_cli *cli, pk_option option, const char *value)
{
    cli->value[option] = value;
    cli->times[option]++;
    if (option == PK_OPT_EXPR || option == PK_OPT_COLUMN)
        return keep_in(cli, cli->exprs, &cli->n_exprs, option, value);
    if (option == PK_OPT_IMPORT)
        return keep_in(cli, cli->imports, &cli->n_imports, option, value);
    if (option == PK_OPT_IFACE)
        return keep_in(cli, cli->interfaces, &cli->n_interfaces, option, value);
    return keep_reach(cli, option, value);
}

static int keep_param(pk_cli *cli, const char *name, size_t len, const char *value)
{
    if (cli->n_params == PK_CLI_LIST)
        return pk_cli_fail(cli, PK_EXIT_USAGE, "too many parameters (limit %d)", PK_CLI_LIST);
    cli->params[cli->n_params++] = (pk_cli_param){name, len, value};
    return 0;
}

static int parse_define(pk_cli *cli, const char *text)
{
    const char *equals = text ? strchr(text, '=') : NULL;
    if (!equals || equals == text)
        return pk_cli_fail(cli, PK_EXIT_USAGE, "-D takes NAME=VALUE, not `%s`", text ? text : "");
    return keep_param(cli, text, (size_t)(equals - text), equals + 1);
}

/* Whether `value` is one of "a|b|c"; anything is where there is no choice. */
static bool is_choice(const char *choices, const char *value)
{
    size_t len = strlen(value);
    if (!choices || !strchr(choices, '|'))
        return true;
    for (const char *at = choices; *at;) {
        size_t word = strcspn(at, "|");
        if (word == len && memcmp(at, value, len) == 0)
            return true;
        at += word;
        at += *at == '|';
    }
    return false;
}

static int take(pk_cli *cli, size_t option, const char *value)
{
    const pk_cli_option *row = &pk_cli_options[option];
    if (value && !is_choice(row->value, value))
        return pk_cli_fail(cli, PK_EXIT_USAGE, "`--%s` takes %s, not `%s`", row->name, row->value,
                           value);
    if (option == PK_OPT_DEFINE)
        return parse_define(cli, value);
    return keep(cli, (pk_option)option, value);
}

/* `--name VALUE`, `--name=VALUE`; `*i` moves over a value of its own. */
static int parse_long(pk_cli *cli, int argc, char **argv, int *i)
{
    const char *text = argv[*i] + 2;
    size_t len = strcspn(text, "=");
    const char *value = text[len] ? text + len + 1 : NULL;
    for (size_t o = 0; o < PK_OPTIONS; o++) {
        if (strlen(pk_cli_options[o].name) != len ||
            memcmp(pk_cli_options[o].name, text, len) != 0 || !pk_cli_goes_with(o, cli->verb))
            continue;
        if (!pk_cli_options[o].value && value)
            return usage(cli, "`--%s` takes no value", pk_cli_options[o].name, NULL);
        if (pk_cli_options[o].value && !value) {
            if (*i + 1 >= argc)
                return usage(cli, "`--%s` needs a value", pk_cli_options[o].name, NULL);
            value = argv[++*i];
        }
        return take(cli, o, value);
    }
    bool set = pk_cli_takes_params(cli->verb);
    if (set && (value || *i + 1 < argc))
        return keep_param(cli, text, len, value ? value : argv[++*i]);
    pk_suggest suggest;
    pk_suggest_begin(&suggest, text);
    for (size_t o = 0; o < PK_OPTIONS; o++)
        if (pk_cli_goes_with(o, cli->verb))
            pk_suggest_offer(&suggest, pk_cli_options[o].name);
    char best[64];
    if (suggest.best)
        (void)snprintf(best, sizeof best, "--%s", suggest.best);
    return usage(cli,
                 set ? "`--%s` is no option, and as a parameter it needs a value"
                     : "there is no option `--%s`",
                 text, suggest.best ? best : NULL);
}

static int parse_short(pk_cli *cli, int argc, char **argv, int *i)
{
    for (const char *at = argv[*i] + 1; *at; at++) {
        size_t o = 0;
        while (o < PK_OPTIONS &&
               (pk_cli_options[o].letter != *at || !pk_cli_goes_with(o, cli->verb)))
            o++;
        char letter[2] = {*at, 0};
        if (o == PK_OPTIONS)
            return usage(cli, "there is no option `-%s`", letter, NULL);
        if (!pk_cli_options[o].value) {
            int status = take(cli, o, NULL);
            if (status)
                return status;
            continue;
        }
        if (!at[1] && *i + 1 >= argc)
            return usage(cli, "`-%s` needs a value", letter, NULL);
        return take(cli, o, at[1] ? at + 1 : argv[++*i]);
    }
    return 0;
}

static int parse_one(pk_cli *cli, int argc, char **argv, int *i, bool *only_operands)
{
    const char *text = argv[*i];
    if (!*only_operands && strcmp(text, "--") == 0) {
        *only_operands = true;
        return 0;
    }
    if (!*only_operands && text[0] == '-' && text[1] == '-')
        return parse_long(cli, argc, argv, i);
    if (!*only_operands && text[0] == '-' && text[1])
        return parse_short(cli, argc, argv, i);
    if (cli->n_operands == PK_CLI_LIST)
        return pk_cli_fail(cli, PK_EXIT_USAGE, "too many operands (limit %d)", PK_CLI_LIST);
    cli->operands[cli->n_operands++] = text;
    *only_operands = *only_operands || cli->verb == PK_VERB_LAB; /* the command's own */
    return 0;
}

static int say_version(pk_cli *cli)
{
    pk_buf_printf(&cli->out, "pktc %s\n", PKTC_VERSION);
    return PK_CLI_DONE;
}

int pk_cli_parse(pk_cli *cli, int argc, char **argv)
{
    cli->verb = PK_VERBS;
    const char *first = argc < 2 ? "--help" : argv[1];
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        pk_cli_help_all(cli);
        return PK_CLI_DONE | (argc < 2 ? PK_EXIT_USAGE : 0);
    }
    if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0)
        return say_version(cli);
    bool is_file = false;
    int status = verb_find(cli, first, &is_file);
    bool only_operands = false;
    for (int i = is_file ? 1 : 2; !status && i < argc; i++)
        status = parse_one(cli, argc, argv, &i, &only_operands);
    if (status)
        return status;
    if (pk_cli_given(cli, PK_OPT_HELP)) {
        pk_cli_help_verb(cli, cli->verb);
        return PK_CLI_DONE;
    }
    return pk_cli_given(cli, PK_OPT_VERSION) ? say_version(cli) : 0;
}

bool pk_cli_number(pk_cli *cli, pk_option option, pk_u128 *ret_number)
{
    if (pk_wide_parse(cli->value[option], ret_number))
        return true;
    (void)pk_cli_fail(cli, 0, "`--%s` takes a number, not `%s`", pk_cli_options[option].name,
                      cli->value[option]);
    return false;
}

bool pk_cli_seed(pk_cli *cli, uint64_t *ret_seed)
{
    pk_u128 number = 0;
    if (pk_cli_given(cli, PK_OPT_SEED) && !pk_cli_number(cli, PK_OPT_SEED, &number))
        return false;
    if (number > UINT64_MAX) {
        (void)pk_cli_fail(cli, 0, "`--seed` has 64 bits; %s is more", cli->value[PK_OPT_SEED]);
        return false;
    }
    *ret_seed = (uint64_t)number;
    return true;
}
