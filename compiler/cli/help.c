#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

enum { WIDTH = 79, DOC_COLUMN = 27 };

const char *const pk_cli_exits[6] = {
    [PK_EXIT_ANSWERED] = "good; run: at least one packet was answered",
    [PK_EXIT_SILENT] = "run: nothing was answered; check: a check does not hold",
    [PK_EXIT_USAGE] = "the command line, the description or the input is at fault",
    [PK_EXIT_ENVIRONMENT] = "a permission, an interface, a route or memory is missing",
    [PK_EXIT_OUTPUT] = "a result could not be written",
    [PK_EXIT_LOST] = "finished, but this machine lost replies",
};

/* `text` broken between words so that it ends before WIDTH; it begins at DOC_COLUMN. */
static void add_doc(pk_buf *out, const char *text)
{
    size_t column = DOC_COLUMN;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (column > DOC_COLUMN && column + 1 + word > WIDTH) {
            pk_buf_printf(out, "\n%-*s", DOC_COLUMN, "");
            column = DOC_COLUMN;
        } else if (column > DOC_COLUMN) {
            pk_buf_byte(out, ' ');
            column++;
        }
        pk_buf_add(out, text, word);
        column += word;
        text += word;
        text += strspn(text, " ");
    }
    pk_buf_byte(out, '\n');
}

static void add_option(pk_buf *out, const pk_cli_option *row)
{
    char left[64];
    int len = row->letter ? snprintf(left, sizeof left, "  -%c, --%s", row->letter, row->name)
                          : snprintf(left, sizeof left, "      --%s", row->name);
    if (row->value && len > 0)
        (void)snprintf(left + len, sizeof left - (size_t)len, " %s", row->value);
    pk_buf_printf(out, "%-*s", DOC_COLUMN, left);
    if (strlen(left) >= DOC_COLUMN)
        pk_buf_printf(out, "\n%-*s", DOC_COLUMN, "");
    add_doc(out, row->doc);
}

void pk_cli_help_all(pk_cli *cli)
{
    pk_buf *out = &cli->out;
    pk_buf_text(out, "usage: pktc VERB [OPTION].. [FILE]\n\n"
                     "pktc compiles descriptions of packets, sends them, matches the answers and\n"
                     "dissects what comes back. FILE is a description; - is standard input.\n\n");
    for (size_t i = 0; i < PK_VERBS; i++)
        pk_buf_printf(out, "  %-11s%s\n", pk_cli_verbs[i].name, pk_cli_verbs[i].doc);
    pk_buf_text(out,
                "\n`pktc VERB --help` lists a verb's options, `pktc help --man` is the manual\n"
                "page. First steps, no privilege needed:\n\n"
                "  echo 'ip(dst=10.1.2.0/28)/icmp()' | pktc run --lab -\n"
                "  pktc show -e 'ip(dst=10.0.0.1)/tcp(dport=[22,80])'\n"
                "  pktc layers tcp\n");
}

void pk_cli_help_verb(pk_cli *cli, pk_verb verb)
{
    pk_buf *out = &cli->out;
    const pk_cli_verb *row = &pk_cli_verbs[verb];
    pk_buf_printf(out, "usage: pktc %s [OPTION].. %s\n\n", row->name, row->operands);
    pk_buf_printf(out, "%c%s.\n\n", toupper((unsigned char)row->doc[0]), row->doc + 1);
    for (size_t i = 0; i < PK_OPTIONS; i++)
        if (pk_cli_goes_with(i, verb))
            add_option(out, &pk_cli_options[i]);
    if (pk_cli_takes_params(verb))
        pk_buf_text(out, "\nEach `param` of the description is an option too: --NAME VALUE.\n");
    pk_buf_text(out, "\nExit status:\n");
    for (size_t code = 0; code < sizeof pk_cli_exits / sizeof *pk_cli_exits; code++)
        pk_buf_printf(out, "  %zu  %s\n", code, pk_cli_exits[code]);
}

int pk_cli_help(pk_cli *cli)
{
    if (pk_cli_given(cli, PK_OPT_MAN)) {
        pk_cli_manual(&cli->out);
        return 0;
    }
    if (!cli->n_operands) {
        pk_cli_help_all(cli);
        return 0;
    }
    for (size_t i = 0; i < PK_VERBS; i++) {
        if (strcmp(cli->operands[0], pk_cli_verbs[i].name) == 0) {
            pk_cli_help_verb(cli, (pk_verb)i);
            return 0;
        }
    }
    return pk_cli_fail(cli, PK_EXIT_USAGE, "there is no verb `%s`; `pktc help` lists them",
                       cli->operands[0]);
}
