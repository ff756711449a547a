#include <string.h>

#include "cli.h"

static void say_difference(pk_cli *cli, const char *source, pk_bytes want, const pk_buf *got)
{
    size_t at = 0;
    while (at < want.len && at < got->len && want.data[at] == got->data[at])
        at++;
    pk_buf_printf(&cli->out, "%s: check failed at byte %zu\n  want ", source, at);
    pk_write_hex_line(&cli->out, want);
    pk_buf_text(&cli->out, "\n  got  ");
    pk_write_hex_line(&cli->out, (pk_bytes){got->data, got->len});
    pk_buf_byte(&cli->out, '\n');
}

static bool check_one(pk_cli *cli, pk_description *d, pk_ref ref)
{
    const pk_image_check *check = &d->image.checks[ref];
    const char *source = pk_image_text(&d->image, check->source);
    pk_vm_error error = {0};
    pk_buf bytes = {0};
    pk_point point;
    if (pk_point_init(pk_vm_space(d->vm), &point))
        return false;
    bool good = pk_space_locate(pk_vm_space(d->vm), check->alt, 1, 0, &point) &&
                pk_vm_build(d->vm, &point, &bytes, NULL, &error) == PK_OK;
    if (!good) {
        pk_buf_printf(&cli->out, "%s: %s\n", source, error.text);
    } else {
        pk_value want = pk_vm_eval(d->vm, check->expect, NULL, PK_TREE_NONE, NULL, NULL, 0);
        good = want.kind == PK_BYTES && want.len == bytes.len &&
               (bytes.len == 0 || memcmp(want.bytes, bytes.data, bytes.len) == 0);
        if (!good)
            say_difference(cli, source, (pk_bytes){want.bytes, want.len}, &bytes);
    }
    pk_point_free(&point);
    pk_buf_free(&bytes);
    return good;
}

static int check_all(pk_cli *cli, pk_description *d)
{
    pk_vm_error error = {0};
    d->vm = pk_vm_new(&d->image, NULL);
    if (!d->vm)
        return pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "memory is exhausted");
    unsigned failed = 0;
    unsigned passed = 0;
    /* Checks know no parameters, but a file that has some is checked all the same. */
    if (d->image.n_checks > 1 && pk_vm_space_open(d->vm, 0, &error) != PK_OK)
        return pk_cli_fail(cli, PK_EXIT_USAGE, "%s", error.text);
    for (pk_ref i = 1; i < d->image.n_checks; i++)
        *(check_one(cli, d, i) ? &passed : &failed) += 1;
    if (!pk_cli_given(cli, PK_OPT_QUIET))
        pk_buf_printf(&cli->out, "%u check%s passed, %u failed\n", passed, passed == 1 ? "" : "s",
                      failed);
    return failed ? PK_EXIT_SILENT : PK_EXIT_ANSWERED;
}

int pk_cli_check(pk_cli *cli)
{
    static const char *const standard_input[] = {"-"};
    bool piped = !cli->n_operands && !cli->n_exprs;
    pk_description d = {0};
    int status = piped ? pk_describe(cli, standard_input, 1, &d)
                       : pk_describe(cli, cli->operands, cli->n_operands, &d);
    if (!status)
        status = check_all(cli, &d);
    pk_description_free(&d);
    return status;
}
