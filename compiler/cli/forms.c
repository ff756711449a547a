#include <string.h>

#include "cli.h"

static const struct {
    const char *name;
    pk_form form;
} forms[] = {
    {"tree", PK_FORM_TREE},   {"line", PK_FORM_LINE}, {"pkt", PK_FORM_PKT},
    {"json", PK_FORM_JSON},   {"hex", PK_FORM_HEX},   {"c", PK_FORM_C},
    {"spans", PK_FORM_SPANS},
};

pk_form pk_form_of(const pk_cli *cli, pk_form otherwise)
{
    const char *name = cli->value[PK_OPT_AS];
    for (size_t i = 0; name && i < sizeof forms / sizeof *forms; i++)
        if (strcmp(name, forms[i].name) == 0)
            return forms[i].form;
    return otherwise;
}

static bool inferred(void *context, const pk_tree *tree, pk_tree_node node)
{
    return pk_vm_inferred(context, tree, node);
}

static pk_value eval(void *context, const pk_tree *tree, pk_tree_node self, pk_ref expr)
{
    return pk_vm_eval(context, expr, tree, self, NULL, NULL, 0);
}

pk_writer pk_form_writer(pk_cli *cli, pk_vm *vm)
{
    return (pk_writer){.inferred = inferred,
                       .eval = eval,
                       .context = vm,
                       .verbosity = cli->times[PK_OPT_VERBOSE],
                       .cache = cli->cache};
}

/* A parameter's value is known to the machine that expands the set alone. */
int pk_form_verify(pk_cli *cli, pk_form form, const pk_image *image)
{
    if (form != PK_FORM_PKT || image->n_params > 1)
        return 0;
    cli->verify = pk_source_verify_new(image);
    return cli->verify ? 0 : pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "memory is exhausted");
}

void pk_form_verify_end(pk_cli *cli)
{
    if (cli->verify && pk_source_verify_flush(cli->verify, &cli->out) != PK_OK)
        cli->out.failed = true;
    pk_source_verify_free(cli->verify);
    cli->verify = NULL;
}

static void write_description(pk_cli *cli, const pk_tree *tree, const pk_writer *how)
{
    if (!cli->verify) {
        pk_write_source(&cli->out, tree, how);
        pk_buf_byte(&cli->out, '\n');
    } else if (pk_source_verify_add(cli->verify, tree, how, &cli->out) != PK_OK) {
        cli->out.failed = true;
    }
}

void pk_form_write(pk_cli *cli, pk_vm *vm, pk_form form, const pk_tree *tree,
                   const pk_writer_packet *packet)
{
    const pk_writer how = pk_form_writer(cli, vm);
    const pk_bytes bytes = {tree->bytes, tree->len};
    switch (form) {
    case PK_FORM_TREE:
        pk_write_tree(&cli->out, tree, &how, packet);
        break;
    case PK_FORM_LINE:
        pk_write_line(&cli->out, tree, &how);
        pk_buf_byte(&cli->out, '\n');
        break;
    case PK_FORM_PKT:
        write_description(cli, tree, &how);
        break;
    case PK_FORM_JSON:
        pk_write_json(&cli->out, tree, &how, packet);
        break;
    case PK_FORM_HEX:
        if (cli->times[PK_OPT_VERBOSE]) {
            pk_write_hex(&cli->out, bytes, 0);
        } else {
            pk_write_hex_line(&cli->out, bytes);
            pk_buf_byte(&cli->out, '\n');
        }
        break;
    case PK_FORM_C:
        pk_write_c(&cli->out, bytes, "packet");
        break;
    case PK_FORM_SPANS:
        pk_write_spans(&cli->out, tree, &how, packet);
        break;
    }
}
