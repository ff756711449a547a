/* `pktc build`: the compiled image into the stub that pktc carries. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "probe_stub.h"
#include "stub/embed.h"

static int write_all(int fd, const pk_buf *bytes)
{
    size_t done = 0;
    while (done < bytes->len) {
        ssize_t n = write(fd, bytes->data + done, bytes->len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        done += (size_t)n;
    }
    return 0;
}

/* Under a temporary name until it is whole. */
static int write_program(pk_cli *cli, const char *path, const pk_buf *program)
{
    char temporary[4096];
    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
        return pk_cli_fail(cli, PK_EXIT_USAGE, "the path `%s` is too long", path);
    int fd = mkstemp(temporary);
    if (fd < 0)
        return pk_cli_fail(cli, PK_EXIT_OUTPUT, "cannot write %s: %s", path, strerror(errno));
    mode_t mask = umask(0);
    (void)umask(mask);
    bool good = write_all(fd, program) == 0 && fchmod(fd, 0777 & ~mask) == 0;
    good = close(fd) == 0 && good;
    if (good && rename(temporary, path) == 0)
        return 0;
    int error = errno;
    (void)unlink(temporary);
    return pk_cli_fail(cli, PK_EXIT_OUTPUT, "cannot write %s: %s", path, strerror(error));
}

int pk_cli_build(pk_cli *cli)
{
    const char *path = cli->value[PK_OPT_OUTPUT];
    if (!path)
        return pk_cli_fail(cli, PK_EXIT_USAGE, "what is the probe to be called? add -o NAME");
    pk_description d = {0};
    pk_buf program = {0};
    pk_error error;
    int status = pk_describe_probe(cli, &d);
    const pk_bytes stub = {pk_probe_stub, pk_probe_stub_size};
    const pk_bytes image = {d.image_bytes.data, d.image_bytes.len};
    if (!status && pk_embed(stub, image, &program, &error))
        status = pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "%s", error.text);
    if (!status)
        status = write_program(cli, path, &program);
    if (!status)
        pk_cli_note(cli, "%s: %zu bytes, static; `%s --help` lists its flags", path, program.len,
                    path);
    pk_buf_free(&program);
    pk_description_free(&d);
    return status;
}
