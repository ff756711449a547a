/* pktc: the verb table and the exit code. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"

static int (*const verbs[PK_VERBS])(pk_cli *) = {
    [PK_VERB_RUN] = pk_cli_run,         [PK_VERB_SEND] = pk_cli_run,
    [PK_VERB_SHOW] = pk_cli_show,       [PK_VERB_WRITE] = pk_cli_write,
    [PK_VERB_VIEW] = pk_cli_view,       [PK_VERB_READ] = pk_cli_read,
    [PK_VERB_BUILD] = pk_cli_build,     [PK_VERB_CHECK] = pk_cli_check,
    [PK_VERB_LAYERS] = pk_cli_layers,   [PK_VERB_DISASM] = pk_cli_disasm,
    [PK_VERB_EXPLAIN] = pk_cli_explain, [PK_VERB_SNIFF] = pk_cli_sniff,
    [PK_VERB_DOCTOR] = pk_cli_doctor,   [PK_VERB_LAB] = pk_cli_lab,
    [PK_VERB_HELP] = pk_cli_help,       [PK_VERB_COMPLETION] = pk_cli_completion,
};

int main(int argc, char **argv)
{
    /* A closed pipe and a file that may not grow are errors of write(), not the end of pktc. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    pk_cli *cli = calloc(1, sizeof *cli);
    if (!cli) {
        (void)fputs("pktc: memory is exhausted\n", stderr);
        return PK_EXIT_ENVIRONMENT;
    }
    cli->program = argv[0];
    int status = pk_cli_parse(cli, argc, argv);
    bool closed = false;
    if (status & PK_CLI_DONE) {
        status &= 0xff;
    } else if (status == 0) {
        status = verbs[cli->verb](cli);
    }
    int written = pk_cli_flush(cli, true, &closed);
    pk_buf_free(&cli->out);
    free(cli);
    return status ? status : written;
}
