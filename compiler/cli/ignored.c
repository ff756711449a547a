/* Values that were written and are in no packet: `icmp(type=echo, gw=10.0.0.1)`. Nothing is
 * forbidden, and nothing is dropped without a word. */
#include <ctype.h>

#include "cli.h"

enum { ALTERNATIVES = 64 }; /* of a set, whose first packets are looked at */

static char byte_at(const pk_description *d, uint32_t at)
{
    const pk_bytes text = pk_sources_text(d->sources, (pk_span){at, at + 1});
    return text.len ? (char)text.data[0] : 0;
}

static bool in_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* `gw` of `gw=10.0.0.1`, whose value stands at `value`; of an argument without a name, the value's
 * first byte. */
static pk_span name_before(const pk_description *d, uint32_t value)
{
    uint32_t hi = value;
    while (hi > 0 && (byte_at(d, hi - 1) == ' ' || byte_at(d, hi - 1) == '='))
        hi--;
    uint32_t lo = hi;
    while (lo > 0 && in_name(byte_at(d, lo - 1)))
        lo--;
    return lo < hi && hi < value ? (pk_span){lo, hi} : (pk_span){value, value + 1};
}

/* `told` is the place of the last warning: alternatives that share a `let` share its mistakes. */
static void note_ignored(const pk_description *d, pk_diags *diags, uint32_t *told)
{
    char text[128];
    uint32_t lo;
    const char *name = pk_vm_ignored(d->vm, text, sizeof text, &lo);
    if (!name || !lo || lo == *told)
        return;
    *told = lo;
    pk_diag_report(diags, PK_DIAG_VALUE_IGNORED, name_before(d, lo),
                   "`%s` is not on the wire with the other values given", name);
    pk_diag_label(diags, "left out");
    pk_diag_help(diags, "bytes that belong to no field can be stacked as payload: / x\"0a000001\"");
}

static void look_at_firsts(const pk_description *d, pk_diags *diags)
{
    const pk_space *space = pk_vm_space(d->vm);
    const pk_image_probe *probe = &d->image.probes[d->probe];
    uint32_t n = probe->n_alts < ALTERNATIVES ? probe->n_alts : ALTERNATIVES;
    pk_point point;
    pk_buf bytes = {0};
    uint32_t told = 0;
    if (pk_point_init(space, &point))
        return;
    for (uint32_t i = 0; i < n; i++) {
        pk_vm_error error;
        pk_buf_clear(&bytes);
        if (pk_space_locate(space, probe->alts + i, 1, 0, &point) &&
            pk_vm_build(d->vm, &point, &bytes, NULL, &error) == PK_OK)
            note_ignored(d, diags, &told);
    }
    pk_buf_free(&bytes);
    pk_point_free(&point);
}

void pk_describe_ignored(pk_cli *cli, const pk_description *d)
{
    pk_diags *diags = pk_cli_given(cli, PK_OPT_QUIET) ? NULL : pk_diags_new(d->sources);
    if (!diags)
        return;
    look_at_firsts(d, diags);
    pk_describe_report(cli, diags);
    pk_diags_free(diags);
}
