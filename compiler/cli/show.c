#include <stdio.h>
#include <string.h>

#include "base/wide.h"
#include "cli.h"

enum { SHOWN = 10 }; /* packets of a set that are shown unless more are asked for */

static void say_rest(pk_cli *cli, pk_u128 shown, pk_u128 count)
{
    pk_buf text = {0};
    pk_wide_add(&text, shown);
    pk_buf_text(&text, " of ");
    pk_wide_add(&text, count);
    pk_cli_note(cli, "%s packets shown; --first N shows more, --at I any one", pk_buf_cstr(&text));
    pk_buf_free(&text);
}

static int show_range(pk_cli *cli, pk_description *d, pk_form form, pk_u128 from, pk_u128 to)
{
    const pk_space *space = pk_vm_space(d->vm);
    const pk_image_probe *probe = &d->image.probes[d->probe];
    pk_point point;
    pk_tree tree;
    pk_buf bytes = {0};
    if (pk_point_init(space, &point))
        return pk_cli_fail(cli, PK_EXIT_ENVIRONMENT, "memory is exhausted");
    pk_tree_init(&tree, &d->image);
    int status = 0;
    bool closed = false;
    for (pk_u128 n = from; n < to && !status && !closed; n++) {
        pk_vm_error error = {0};
        pk_buf_clear(&bytes);
        (void)pk_space_locate(space, probe->alts, probe->n_alts, n, &point);
        if (pk_vm_build(d->vm, &point, &bytes, &tree, &error) != PK_OK) {
            status = pk_describe_unbuilt(cli, n, &error);
            break;
        }
        const pk_writer_packet packet = {.number = (uint64_t)n + 1};
        pk_form_write(cli, d->vm, form, &tree, &packet);
        status = pk_cli_flush(cli, false, &closed);
    }
    pk_buf_free(&bytes);
    pk_tree_free(&tree);
    pk_point_free(&point);
    return status;
}

static int show(pk_cli *cli, pk_description *d, pk_form form)
{
    const pk_image_probe *probe = &d->image.probes[d->probe];
    pk_u128 count;
    if (!pk_space_count(pk_vm_space(d->vm), probe->alts, probe->n_alts, &count))
        return pk_cli_fail(cli, PK_EXIT_USAGE, "the set has more than 2^128 - 1 packets");
    if (pk_cli_given(cli, PK_OPT_COUNT)) {
        pk_wide_add(&cli->out, count);
        pk_buf_byte(&cli->out, '\n');
        return 0;
    }
    pk_u128 from = 0;
    pk_u128 to = count < SHOWN ? count : SHOWN;
    if (pk_cli_given(cli, PK_OPT_FIRST)) {
        if (!pk_cli_number(cli, PK_OPT_FIRST, &to))
            return PK_EXIT_USAGE;
        to = to < count ? to : count;
    }
    if (pk_cli_given(cli, PK_OPT_AT)) {
        if (!pk_cli_number(cli, PK_OPT_AT, &from))
            return PK_EXIT_USAGE;
        if (from >= count) {
            pk_buf text = {0};
            pk_wide_add(&text, count);
            int status = pk_cli_fail(cli, PK_EXIT_USAGE,
                                     "there is no packet %s: the set has %s, counted from 0",
                                     cli->value[PK_OPT_AT], pk_buf_cstr(&text));
            pk_buf_free(&text);
            return status;
        }
        to = from + 1;
    }
    if (!count)
        pk_cli_note(cli, "the set of packets is empty");
    int status = show_range(cli, d, form, from, to);
    bool closed = false;
    if (!status)
        status = pk_cli_flush(cli, true, &closed);
    if (!status && to - from < count && !pk_cli_given(cli, PK_OPT_FIRST) &&
        !pk_cli_given(cli, PK_OPT_AT))
        say_rest(cli, to - from, count);
    return status;
}

int pk_cli_show(pk_cli *cli)
{
    pk_form form = pk_form_of(cli, PK_FORM_TREE);
    pk_description d = {0};
    int status = pk_describe_set(cli, &d);
    if (!status)
        status = pk_form_verify(cli, form, &d.image);
    if (!status) {
        pk_describe_ignored(cli, &d);
        status = show(cli, &d, form);
    }
    pk_form_verify_end(cli);
    pk_description_free(&d);
    return status;
}
