#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "cli.h"

enum { CHUNK = 64 * 1024 };

static void say(const char *before, const char *format, va_list args)
{
    char text[2048];
    (void)vsnprintf(text, sizeof text, format, args);
    pk_buf safe = {0};
    pk_buf_text(&safe, before);
    pk_escape_terminal(&safe, text, strlen(text));
    pk_buf_byte(&safe, '\n');
    (void)fputs(pk_buf_cstr(&safe), stderr);
    pk_buf_free(&safe);
}

int pk_cli_fail(const pk_cli *cli, int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)cli;
    say("pktc: ", format, args);
    va_end(args);
    return status;
}

void pk_cli_note(const pk_cli *cli, const char *format, ...)
{
    if (pk_cli_given(cli, PK_OPT_QUIET))
        return;
    va_list args;
    va_start(args, format);
    say("", format, args);
    va_end(args);
}

int pk_cli_flush(pk_cli *cli, bool all, bool *ret_closed)
{
    pk_buf *out = &cli->out;
    if (all && cli->verify && pk_source_verify_flush(cli->verify, out) != PK_OK)
        out->failed = true;
    if (out->failed)
        return pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "memory is exhausted");
    if (!all && out->len < CHUNK)
        return 0;
    size_t done = 0;
    while (done < out->len) {
        ssize_t n = write(STDOUT_FILENO, out->data + done, out->len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EPIPE) {
            *ret_closed = true;
            break;
        }
        if (n < 0) {
            pk_buf_clear(out);
            return pk_cli_fail(cli, PK_EXIT_OUTPUT, "cannot write to standard output: %s",
                               strerror(errno));
        }
        done += (size_t)n;
    }
    pk_buf_clear(out);
    return 0;
}

bool pk_cli_color(const pk_cli *cli, int fd)
{
    const char *when = cli->value[PK_OPT_COLOR];
    if (when && strcmp(when, "auto") != 0)
        return strcmp(when, "always") == 0;
    const char *none = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return !(none && *none) && !(terminal && strcmp(terminal, "dumb") == 0) && isatty(fd);
}
