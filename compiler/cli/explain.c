#include <string.h>
#include <strings.h>

#include "base/wide.h"
#include "cli.h"

static const struct {
    const char *code, *summary, *explanation;
} diagnostics[] = {
#define PK_DIAG(id, code, severity, summary, explanation) {code, summary, explanation},
#include "diag.def"
#undef PK_DIAG
};

enum { WIDTH = 79 };

static void add_wrapped(pk_buf *out, const char *text)
{
    size_t column = 0;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (column) {
            bool fits = column + 1 + word <= WIDTH;
            pk_buf_byte(out, fits ? ' ' : '\n');
            column = fits ? column + 1 : 0;
        }
        pk_buf_add(out, text, word);
        column += word;
        text += word;
        text += strspn(text, " ");
    }
    pk_buf_byte(out, '\n');
}

static int list_all(pk_cli *cli)
{
    for (size_t i = 0; i < sizeof diagnostics / sizeof *diagnostics; i++)
        pk_buf_printf(&cli->out, "%s  %s\n", diagnostics[i].code, diagnostics[i].summary);
    return 0;
}

/* ---- sets -------------------------------------------------------------------------------------
 */

/* One set, read by fields in several ways, is told once. */
static bool is_told(const pk_image *image, pk_ref axis)
{
    pk_ref text = image->sets[image->axes[axis].set].text;
    for (pk_ref other = 1; other < axis; other++)
        if (image->axes[other].dim == image->axes[axis].dim &&
            image->sets[image->axes[other].set].text == text)
            return true;
    return false;
}

static void add_axes(pk_cli *cli, const pk_description *d, const pk_image_alt *alt)
{
    const pk_image *image = &d->image;
    for (uint32_t i = 0; i < alt->n_dims; i++)
        for (pk_ref axis = 1; axis < image->n_axes; axis++) {
            const pk_set *set = pk_space_axis_set(pk_vm_space(d->vm), axis);
            if (image->axes[axis].dim != image->dims[alt->dims + i] || !set || is_told(image, axis))
                continue;
            const char *name = pk_image_text(image, image->axes[axis].name);
            const char *text = pk_image_text(image, image->sets[image->axes[axis].set].text);
            pk_buf_text(&cli->out, "    ");
            pk_wide_add(&cli->out, set->count);
            pk_buf_printf(&cli->out, "  %s", name);
            if (strcmp(name, text) != 0)
                pk_buf_printf(&cli->out, " = %s", text);
            pk_buf_byte(&cli->out, '\n');
        }
}

static void add_stack(pk_cli *cli, const pk_image *image, pk_ref plan)
{
    for (bool first = true; plan; plan = image->plans[plan].payload, first = false) {
        bool instance = image->plans[plan].kind == PK_PLAN_INSTANCE;
        pk_buf_printf(&cli->out, "%s%s", first ? "" : "/",
                      instance ? pk_image_text(image, image->layers[image->plans[plan].ref].name)
                               : "bytes");
    }
}

/* How many packets, of which stacks, and what varies in each: the slowest first. */
static int explain_set(pk_cli *cli)
{
    pk_description d = {0};
    int status = pk_describe_set(cli, &d);
    const pk_image_probe *probe = &d.image.probes[d.probe];
    pk_u128 count;
    for (uint32_t i = 0; !status && i < probe->n_alts; i++) {
        const pk_image_alt *alt = &d.image.alts[probe->alts + i];
        add_stack(cli, &d.image, alt->plan);
        if (pk_space_count(pk_vm_space(d.vm), probe->alts + i, 1, &count)) {
            pk_buf_text(&cli->out, ": ");
            pk_wide_add(&cli->out, count);
            pk_buf_text(&cli->out, count == 1 ? " packet\n" : " packets\n");
        } else {
            pk_buf_text(&cli->out, ": more than 2^128 - 1 packets\n");
        }
        add_axes(cli, &d, alt);
    }
    pk_description_free(&d);
    return status;
}

static bool is_code(const char *text)
{
    return strlen(text) == 5 && strspn(text + 1, "0123456789") == 4 && strchr("EeWw", *text);
}

int pk_cli_explain(pk_cli *cli)
{
    if (pk_cli_given(cli, PK_OPT_ROUTE))
        return pk_cli_explain_route(cli);
    if (pk_cli_given(cli, PK_OPT_MATCH))
        return pk_cli_explain_match(cli);
    if (!cli->n_operands && !cli->n_exprs)
        return list_all(cli);
    if (!cli->n_operands || !is_code(cli->operands[0]))
        return explain_set(cli);
    if (cli->n_operands > 1)
        return pk_cli_fail(cli, PK_EXIT_USAGE,
                           "explain takes one code, as in `pktc explain E0303`");
    for (size_t i = 0; i < sizeof diagnostics / sizeof *diagnostics; i++) {
        if (strcasecmp(cli->operands[0], diagnostics[i].code) != 0)
            continue;
        pk_buf_printf(&cli->out, "%s: %s\n\n", diagnostics[i].code, diagnostics[i].summary);
        add_wrapped(&cli->out, diagnostics[i].explanation);
        return 0;
    }
    return pk_cli_fail(cli, PK_EXIT_USAGE, "there is no diagnostic `%s`; `pktc explain` lists them",
                       cli->operands[0]);
}
