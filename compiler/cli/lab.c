/* `pktc lab`: a command, or a shell, in the private network that --lab makes. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "net/lab.h"

/* The command has the terminal's signals; pktc waits for it, whatever comes. */
static int run_inside(pk_cli *cli, char **words)
{
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGQUIT, SIG_IGN);
    pid_t child = fork();
    if (child < 0)
        return pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "cannot start %s: %s", words[0],
                           strerror(errno));
    if (child == 0) {
        (void)signal(SIGINT, SIG_DFL);
        (void)signal(SIGQUIT, SIG_DFL);
        (void)signal(SIGPIPE, SIG_DFL);
        (void)execvp(words[0], words);
        _exit(errno == ENOENT ? 127 : 126);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return code == 127 ? pk_cli_fail(cli, code, "there is no program `%s`", words[0]) : code;
}

static void tell_lab(pk_cli *cli, const pk_lab *lab)
{
    pk_ip near4, near6, hop4, hop6;
    char own[PK_IP_TEXT_MAX], hop[PK_IP_TEXT_MAX];
    pk_lab_addresses(lab, &near4, &near6, &hop4, &hop6);
    pk_cli_note(cli, "lab: %s is %s, everything else is behind %s and answers", PK_LAB_INTERFACE,
                pk_ip_text(&near4, own), pk_ip_text(&hop4, hop));
    if (*pk_lab_warning(lab))
        pk_cli_note(cli, "lab: %s", pk_lab_warning(lab));
}

int pk_cli_lab(pk_cli *cli)
{
    char *words[PK_CLI_LIST + 1] = {NULL};
    const char *shell = getenv("SHELL");
    uint16_t ports[PK_CLI_PORTS];
    uint32_t n_ports = 0;
    pk_lab_options options = {0};
    pk_lab *lab = NULL;
    pk_error error = {0};
    int status = pk_cli_lab_options(cli, &options.hops, ports, &n_ports);
    if (status)
        return status;
    int code = pk_lab_open(&lab, &options, &error);
    for (uint32_t i = 0; !code && i < n_ports; i++)
        code = pk_lab_listen(lab, AF_INET6, ports[i], &error);
    if (code) {
        pk_lab_close(lab);
        return pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "%s", error.text);
    }
    for (size_t i = 0; i < cli->n_operands; i++)
        words[i] = (char *)(uintptr_t)cli->operands[i];
    if (!words[0])
        words[0] = (char *)(uintptr_t)(shell && *shell ? shell : "/bin/sh");
    tell_lab(cli, lab);
    status = run_inside(cli, words);
    pk_lab_close(lab);
    return status;
}
