#include <string.h>
#include <strings.h>

#include "cli.h"

static const struct {
    const char *code, *summary, *explanation;
} diagnostics[] = {
#define PK_DIAG(id, code, severity, summary, explanation) {code, summary, explanation},
#include "diag.def"
#undef PK_DIAG
};

enum { WIDTH = 79 };

static void add_wrapped(pk_buf *out, const char *text)
{
    size_t column = 0;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (column) {
            bool fits = column + 1 + word <= WIDTH;
            pk_buf_byte(out, fits ? ' ' : '\n');
            column = fits ? column + 1 : 0;
        }
        pk_buf_add(out, text, word);
        column += word;
        text += word;
        text += strspn(text, " ");
    }
    pk_buf_byte(out, '\n');
}

static int list_all(pk_cli *cli)
{
    for (size_t i = 0; i < sizeof diagnostics / sizeof *diagnostics; i++)
        pk_buf_printf(&cli->out, "%s  %s\n", diagnostics[i].code, diagnostics[i].summary);
    return 0;
}

int pk_cli_explain(pk_cli *cli)
{
    if (!cli->n_operands)
        return list_all(cli);
    if (cli->n_operands > 1)
        return pk_cli_fail(cli, PK_EXIT_USAGE,
                           "explain takes one code, as in `pktc explain E0303`");
    for (size_t i = 0; i < sizeof diagnostics / sizeof *diagnostics; i++) {
        if (strcasecmp(cli->operands[0], diagnostics[i].code) != 0)
            continue;
        pk_buf_printf(&cli->out, "%s: %s\n\n", diagnostics[i].code, diagnostics[i].summary);
        add_wrapped(&cli->out, diagnostics[i].explanation);
        return 0;
    }
    return pk_cli_fail(cli, PK_EXIT_USAGE, "there is no diagnostic `%s`; `pktc explain` lists them",
                       cli->operands[0]);
}
