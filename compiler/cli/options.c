#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wide.h"
#include "cli.h"

typedef struct option_row {
    char letter;
    const char *name;
    const char *value;
    unsigned verbs;
    const char *doc;
} option_row;

static const struct {
    const char *name, *operands, *doc;
} verbs[] = {
#define PK_VERB(id, name, operands, doc) {name, operands, doc},
#include "opts.def"
};

#define V(id)  (1u << PK_VERB_##id)
#define V_SET  (V(RUN) | V(SEND) | V(SHOW) | V(WRITE))
#define V_TEXT (V_SET | V(BUILD) | V(DISASM) | V(CHECK))
#define V_NET  (V(RUN) | V(SEND))
#define V_ALL  (~0u)
static const option_row options[] = {
#define PK_OPT(id, letter, name, value, verbs, doc) {letter, name, value, verbs, doc},
#include "opts.def"
};

/* ---- help -------------------------------------------------------------------------------------
 */

static void help_option(pk_buf *out, const option_row *row)
{
    char left[48];
    int len = row->letter ? snprintf(left, sizeof left, "  -%c, --%s", row->letter, row->name)
                          : snprintf(left, sizeof left, "      --%s", row->name);
    if (row->value && len > 0)
        (void)snprintf(left + len, sizeof left - (size_t)len, " %s", row->value);
    pk_buf_printf(out, "%-27s", left);
    if (strlen(left) > 26)
        pk_buf_printf(out, "\n%-27s", "");
    /* The rest of 80 columns, broken between words. */
    size_t column = 27;
    for (const char *at = row->doc; *at;) {
        size_t word = strcspn(at, " ");
        if (column > 27 && column + 1 + word > 79) {
            pk_buf_printf(out, "\n%-27s", "");
            column = 27;
        } else if (column > 27) {
            pk_buf_byte(out, ' ');
            column++;
        }
        pk_buf_add(out, at, word);
        column += word;
        at += word;
        at += strspn(at, " ");
    }
    pk_buf_byte(out, '\n');
}

static void help_verbs(pk_buf *out)
{
    pk_buf_text(out, "usage: pktc VERB [OPTION].. [FILE]\n\n"
                     "pktc compiles descriptions of packets, sends them, matches the answers and\n"
                     "dissects what comes back. FILE is a description; - is standard input.\n\n");
    for (size_t i = 0; i < PK_VERBS; i++)
        pk_buf_printf(out, "  %-9s%s\n", verbs[i].name, verbs[i].doc);
    pk_buf_text(out, "\n`pktc VERB --help` lists a verb's options. First steps, no privilege "
                     "needed:\n\n"
                     "  echo 'ip(dst=10.1.2.0/28)/icmp()' | pktc run --lab -\n"
                     "  pktc show -e 'ip(dst=10.0.0.1)/tcp(dport=[22,80])'\n"
                     "  pktc layers tcp\n");
}

void pk_cli_help(pk_cli *cli, bool of_verb)
{
    if (!of_verb) {
        help_verbs(&cli->out);
        return;
    }
    pk_buf_printf(&cli->out, "usage: pktc %s [OPTION].. %s\n\n", verbs[cli->verb].name,
                  verbs[cli->verb].operands);
    char first = (char)toupper((unsigned char)verbs[cli->verb].doc[0]);
    pk_buf_printf(&cli->out, "%c%s.\n\n", first, verbs[cli->verb].doc + 1);
    for (size_t i = 0; i < PK_OPTIONS; i++)
        if (options[i].verbs & 1u << cli->verb)
            help_option(&cli->out, &options[i]);
    if (cli->verb == PK_VERB_RUN || cli->verb == PK_VERB_READ || cli->verb == PK_VERB_SHOW)
        pk_buf_text(&cli->out,
                    "\nExit status: 0 good (run: answered), 1 no answer, 2 usage or input,\n"
                    "3 permission or environment, 4 output failed, 5 replies lost here.\n");
}

/* ---- parsing ----------------------------------------------------------------------------------
 */

static int usage(const pk_cli *cli, const char *format, const char *what, const char *best)
{
    (void)pk_cli_fail(cli, 0, format, what);
    if (best)
        (void)fprintf(stderr, "did you mean `%s`?\n", best);
    else
        (void)fprintf(stderr, "`pktc %s--help` says what there is\n",
                      cli->verb == PK_VERBS ? "" : verbs[cli->verb].name);
    return PK_EXIT_USAGE;
}

static int verb_find(pk_cli *cli, const char *text)
{
    pk_suggest suggest;
    pk_suggest_begin(&suggest, text);
    for (size_t i = 0; i < PK_VERBS; i++) {
        pk_suggest_offer(&suggest, verbs[i].name);
        if (strcmp(text, verbs[i].name) == 0) {
            cli->verb = (pk_verb)i;
            return 0;
        }
    }
    static const char *const later[] = {"view",   "query", "sniff", "fmt",
                                        "doctor", "lab",   "svg",   "completion"};
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (strcmp(text, later[i]) == 0)
            return pk_cli_fail(cli, PK_EXIT_USAGE, "`%s` is not built yet", text);
    return usage(cli, "there is no verb `%s`", text, suggest.best);
}

static int keep(pk_cli *cli, pk_option option, const char *value)
{
    cli->value[option] = value;
    cli->times[option]++;
    if (option == PK_OPT_EXPR && cli->n_exprs < PK_CLI_LIST)
        cli->exprs[cli->n_exprs++] = value;
    else if (option == PK_OPT_IMPORT && cli->n_imports < PK_CLI_LIST)
        cli->imports[cli->n_imports++] = value;
    return 0;
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
    const char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return pk_cli_fail(cli, PK_EXIT_USAGE, "-D takes NAME=VALUE, not `%s`", text);
    return keep_param(cli, text, (size_t)(equals - text), equals + 1);
}

static int take(pk_cli *cli, size_t option, const char *value)
{
    if (!(options[option].verbs & 1u << cli->verb))
        return usage(cli, "`--%s` does not go with this verb", options[option].name, NULL);
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
        if (strlen(options[o].name) != len || memcmp(options[o].name, text, len) != 0 ||
            !(options[o].verbs & 1u << cli->verb))
            continue;
        if (!options[o].value && value)
            return usage(cli, "`--%s` takes no value", options[o].name, NULL);
        if (options[o].value && !value) {
            if (*i + 1 >= argc)
                return usage(cli, "`--%s` needs a value", options[o].name, NULL);
            value = argv[++*i];
        }
        return take(cli, o, value);
    }
    bool set = cli->verb <= PK_VERB_WRITE;
    if (set && (value || *i + 1 < argc))
        return keep_param(cli, text, len, value ? value : argv[++*i]);
    pk_suggest suggest;
    pk_suggest_begin(&suggest, text);
    for (size_t o = 0; o < PK_OPTIONS; o++)
        if (options[o].verbs & 1u << cli->verb)
            pk_suggest_offer(&suggest, options[o].name);
    char best[64];
    if (suggest.best)
        (void)snprintf(best, sizeof best, "--%s", suggest.best);
    return usage(cli, "there is no option `--%s`", text, suggest.best ? best : NULL);
}

static int parse_short(pk_cli *cli, int argc, char **argv, int *i)
{
    for (const char *at = argv[*i] + 1; *at; at++) {
        size_t o = 0;
        while (o < PK_OPTIONS &&
               (options[o].letter != *at || !*at || !(options[o].verbs & 1u << cli->verb)))
            o++;
        char letter[2] = {*at, 0};
        if (o == PK_OPTIONS)
            return usage(cli, "there is no option `-%s`", letter, NULL);
        if (!options[o].value) {
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
    return 0;
}

int pk_cli_parse(pk_cli *cli, int argc, char **argv)
{
    enum { DONE = 0x100 };
    cli->verb = PK_VERBS;
    if (argc < 2) {
        pk_cli_help(cli, false);
        return DONE | PK_EXIT_USAGE;
    }
    const char *first = argv[1];
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || strcmp(first, "help") == 0) {
        pk_cli_help(cli, false);
        return DONE;
    }
    if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
        pk_buf_printf(&cli->out, "pktc %s\n", PKTC_VERSION);
        return DONE;
    }
    int status = verb_find(cli, first);
    bool only_operands = false;
    for (int i = 2; !status && i < argc; i++)
        status = parse_one(cli, argc, argv, &i, &only_operands);
    if (status)
        return status;
    if (pk_cli_given(cli, PK_OPT_HELP)) {
        pk_cli_help(cli, true);
        return DONE;
    }
    if (pk_cli_given(cli, PK_OPT_VERSION)) {
        pk_buf_printf(&cli->out, "pktc %s\n", PKTC_VERSION);
        return DONE;
    }
    return 0;
}

bool pk_cli_number(pk_cli *cli, pk_option option, pk_u128 *ret_number)
{
    if (pk_wide_parse(cli->value[option], ret_number))
        return true;
    (void)pk_cli_fail(cli, 0, "`--%s` takes a number, not `%s`", options[option].name,
                      cli->value[option]);
    return false;
}
