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

int pk_cli_explain(pk_cli *cli)
{
    if (cli->n_operands != 1)
        return pk_cli_fail(cli, PK_EXIT_USAGE,
                           "explain takes one code, as in `pktc explain E0303`");
    for (size_t i = 0; i < sizeof diagnostics / sizeof *diagnostics; i++) {
        if (strcasecmp(cli->operands[0], diagnostics[i].code) != 0)
            continue;
        pk_buf_printf(&cli->out, "%s: %s\n", diagnostics[i].code, diagnostics[i].summary);
        if (*diagnostics[i].explanation)
            pk_buf_printf(&cli->out, "\n%s\n", diagnostics[i].explanation);
        return 0;
    }
    return pk_cli_fail(cli, PK_EXIT_USAGE, "there is no diagnostic `%s`", cli->operands[0]);
}
