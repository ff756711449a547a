#include <string.h>

#include "cli.h"
#include "tree/reference.h"

int pk_cli_unknown_layer(pk_cli *cli, const pk_image *image, const char *name)
{
    pk_suggest suggest;
    pk_suggest_begin(&suggest, name);
    for (pk_ref i = 1; i < image->n_layers; i++)
        pk_suggest_offer(&suggest, pk_image_text(image, image->layers[i].name));
    for (pk_ref i = 1; i < image->n_aliases; i++)
        pk_suggest_offer(&suggest, pk_image_text(image, image->aliases[i].name));
    return suggest.best
               ? pk_cli_fail(cli, PK_EXIT_USAGE, "there is no layer `%s`; did you mean `%s`?", name,
                             suggest.best)
               : pk_cli_fail(cli, PK_EXIT_USAGE, "there is no layer `%s`", name);
}

static int one(pk_cli *cli, const pk_image *image, const char *name)
{
    pk_ref layer = pk_reference_find(image, name);
    if (layer) {
        pk_write_layer(&cli->out, image, layer);
        return 0;
    }
    /* layer.field, where the layer may itself be struct.case */
    char owner[256];
    const char *dot = strrchr(name, '.');
    size_t len = dot ? (size_t)(dot - name) : 0;
    if (!dot || len >= sizeof owner)
        return pk_cli_unknown_layer(cli, image, name);
    memcpy(owner, name, len);
    owner[len] = 0;
    layer = pk_reference_find(image, owner);
    if (!layer)
        return pk_cli_unknown_layer(cli, image, owner);
    if (pk_write_field(&cli->out, image, layer, dot + 1))
        return 0;
    return pk_cli_fail(cli, PK_EXIT_USAGE, "`%s` has no field `%s`; `pktc layers %s` lists them",
                       owner, dot + 1, owner);
}

int pk_cli_layers(pk_cli *cli)
{
    pk_description d = {0};
    int status = pk_describe_standard(cli, &d);
    if (!status && !cli->n_operands)
        pk_write_layers(&cli->out, &d.image);
    for (size_t i = 0; !status && i < cli->n_operands; i++) {
        if (i)
            pk_buf_byte(&cli->out, '\n');
        status = one(cli, &d.image, cli->operands[i]);
    }
    pk_description_free(&d);
    return status;
}
