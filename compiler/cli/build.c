/* `pktc build`: the compiled image into the stub that pktc carries. */
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "io/output.h"
#include "probe_stub.h"
#include "stub/embed.h"

/* Under its name only when it is whole. A file that was there keeps its permissions, and may be run
 * by whoever may read it. */
static int write_program(pk_cli *cli, const char *path, const pk_buf *program)
{
    pk_output output = {0};
    pk_error error;
    mode_t mask = umask(0);
    (void)umask(mask);
    int code = pk_output_open(&output, path, PK_OUTPUT_WHOLE, &error);
    if (!code) {
        unsigned mode = output.mode ? output.mode : 0666 & ~mask;
        output.mode = mode | (mode & 0444) >> 2;
        code = pk_output_add(&output, program->data, program->len, &error);
        if (code)
            pk_output_abandon(&output);
        else
            code = pk_output_finish(&output, &error);
    }
    return code ? pk_cli_fail(cli, PK_EXIT_OUTPUT, "%s", error.text) : 0;
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
    if (!status && strcmp(path, "-") != 0)
        pk_cli_note(cli, "%s: %zu bytes, static; `%s%s --help` lists its flags", path, program.len,
                    strchr(path, '/') ? "" : "./", path);
    pk_buf_free(&program);
    pk_description_free(&d);
    return status;
}
