#include "image/disasm.h"
#include "cli.h"

int pk_cli_disasm(pk_cli *cli)
{
    pk_description d = {0};
    int status = cli->n_operands || cli->n_exprs
                     ? pk_describe(cli, cli->operands, cli->n_operands, &d)
                     : pk_describe_standard(cli, &d);
    const char *name = cli->value[PK_OPT_LAYER];
    pk_ref layer = !status && name ? pk_image_layer_find(&d.image, name) : 0;
    if (!status && name && !layer)
        status = pk_cli_fail(cli, PK_EXIT_USAGE, "there is no layer `%s`", name);
    if (!status)
        pk_image_disasm(&d.image, layer, &cli->out);
    pk_description_free(&d);
    return status;
}
