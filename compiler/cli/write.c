#include <string.h>

#include "base/wide.h"
#include "cli.h"
#include "io/capture.h"
#include "vm/template_expander.h"

enum {
    LINK_USER0 =
        147,        /* LINKTYPE_USER0: for packets whose outermost layer no link type begins with */
    LINK_RAW = 101, /* LINKTYPE_RAW: of a file without packets */
    LINKS = 64,     /* different link types in one file */
    BATCH_BYTES = 65536 /* of packets that are written in batches */
};

typedef struct writing {
    pk_cli *cli;
    pk_description *d;
    pk_capture_writer *writer;
    uint32_t links[LINKS]; /* by interface */
    uint32_t n_links;
    pk_ref alt; /* the last one written, and */
    uint32_t interface;
} writing;

/* The link type whose packets begin with `layer`. */
static uint32_t link_of(const pk_image *image, pk_ref layer)
{
    pk_ref link = pk_image_layer_find(image, "link");
    for (pk_ref t = 1; t < image->n_tables; t++) {
        const pk_image_table *table = &image->tables[t];
        for (uint32_t k = 0; table->layer == link && k < table->n_keys; k++)
            if (image->keys[table->keys + k].layer == layer)
                return (uint32_t)image->keys[table->keys + k].lo;
    }
    return LINK_USER0;
}

static uint32_t link_of_alt(const pk_image *image, pk_ref alt)
{
    const pk_image_plan *plan = &image->plans[image->alts[alt].plan];
    return plan->kind == PK_PLAN_INSTANCE ? link_of(image, plan->ref) : LINK_USER0;
}

static int open_writer(writing *w, uint32_t link, bool is_frame)
{
    pk_error error;
    const char *format = w->cli->value[PK_OPT_FORMAT];
    pk_capture_write_options options = {.link = link, .declare = true, .application = "pktc"};
    if (format)
        options.format = pk_capture_format_of_name(format);
    if (pk_capture_create(&w->writer, w->cli->value[PK_OPT_OUTPUT], &options, &error))
        return pk_cli_fail(w->cli, PK_EXIT_OUTPUT, "%s", error.text);
    w->links[0] = link;
    w->n_links = 1;
    if (link == LINK_USER0 && !is_frame)
        pk_cli_note(w->cli,
                    "the outermost layer is no link layer: written as link type USER0 (147)");
    return 0;
}

static int interface_of(writing *w, uint32_t link, uint32_t *ret_interface)
{
    pk_error error;
    for (*ret_interface = 0; *ret_interface < w->n_links; ++*ret_interface)
        if (w->links[*ret_interface] == link)
            return 0;
    const pk_capture_interface interface = {.link = link, .time_decimal = 9};
    if (w->n_links == LINKS)
        return pk_cli_fail(w->cli, PK_EXIT_USAGE, "too many link types in one file (limit %d)",
                           LINKS);
    if (pk_capture_add_interface(w->writer, &interface, ret_interface, &error))
        return pk_cli_fail(w->cli, PK_EXIT_USAGE, "%s", error.text);
    w->links[w->n_links++] = link;
    return 0;
}

/* Makes w->interface that of an alternative's packets. */
static int choose_interface(writing *w, pk_ref alt)
{
    uint32_t link;
    bool is_frame = pk_vm_frame_link(w->d->vm, alt, &link); /* each has its own */
    if (w->writer && w->alt == alt && !is_frame)
        return 0;
    if (!is_frame)
        link = link_of_alt(&w->d->image, alt);
    w->interface = 0;
    w->alt = alt;
    return w->writer ? interface_of(w, link, &w->interface) : open_writer(w, link, is_frame);
}

/* Packets of a set have an order and no time: each is a microsecond after the one before. */
static int64_t time_of(pk_u128 n)
{
    return (int64_t)(n * 1000);
}

static int write_packet(writing *w, pk_expander *expander, pk_u128 n)
{
    pk_vm_error why = {0};
    pk_bytes bytes;
    pk_ref alt;
    if (pk_expander_packet(expander, n, &bytes, &alt, &why) != PK_OK)
        return pk_describe_unbuilt(w->cli, n, &why);
    int status = choose_interface(w, alt);
    if (status)
        return status;
    const pk_capture_packet packet = {.data = bytes.data,
                                      .captured = (uint32_t)bytes.len,
                                      .time_ns = time_of(n),
                                      .interface = w->interface};
    pk_error error;
    if (pk_capture_write(w->writer, &packet, &error))
        return pk_cli_fail(w->cli, PK_EXIT_OUTPUT, "%s", error.text);
    return 0;
}

/* Expands packets from *n on into the file's own buffer, as many as stand together; none when packet
 * *n must be built. */
static int write_batch(writing *w, pk_expander *expander, pk_u128 count, pk_u128 *n)
{
    pk_ref alt;
    pk_u128 end;
    pk_template *templ = pk_expander_span(expander, *n, &alt, &end);
    pk_error error;
    end = end < count ? end : count;
    if (!templ || pk_template_length(templ) > BATCH_BYTES)
        return 0;
    int status = choose_interface(w, alt);
    if (status)
        return status;
    pk_capture_batch batch = {.interface = w->interface,
                              .len = pk_template_length(templ),
                              .time_ns = time_of(*n),
                              .step_ns = 1000,
                              .count = end - *n < PK_TEMPLATE_BATCH ? (uint32_t)(end - *n)
                                                                    : PK_TEMPLATE_BATCH};
    if (pk_capture_reserve(w->writer, &batch, &error))
        return pk_cli_fail(w->cli, PK_EXIT_OUTPUT, "%s", error.text);
    const pk_template_run run = {
        .first = *n, .count = batch.count, .base = batch.base, .stride = batch.stride};
    uint32_t written = pk_template_expand(templ, &run);
    pk_capture_take(w->writer, &batch, written);
    *n += written;
    return 0;
}

static int write_all(writing *w, pk_u128 count)
{
    const pk_image_probe *probe = &w->d->image.probes[w->d->probe];
    pk_expander *expander = pk_expander_new(w->d->vm, probe->alts, probe->n_alts);
    if (!expander)
        return pk_cli_fail(w->cli, PK_EXIT_ENVIRONMENT, "memory is exhausted");
    int status = 0;
    for (pk_u128 n = 0; n < count && !status;) {
        pk_u128 before = n;
        status = write_batch(w, expander, count, &n);
        if (!status && n == before)
            status = write_packet(w, expander, n++);
    }
    pk_expander_free(expander);
    return status;
}

static int write_set(pk_cli *cli, pk_description *d)
{
    const pk_image_probe *probe = &d->image.probes[d->probe];
    pk_u128 count;
    pk_u128 first;
    if (!pk_space_count(pk_vm_space(d->vm), probe->alts, probe->n_alts, &count))
        return pk_cli_fail(cli, PK_EXIT_USAGE, "the set has more than 2^128 - 1 packets");
    if (pk_cli_given(cli, PK_OPT_FIRST)) {
        if (!pk_cli_number(cli, PK_OPT_FIRST, &first))
            return PK_EXIT_USAGE;
        count = first < count ? first : count;
    }
    if (count > UINT64_C(1) << 40)
        return pk_cli_fail(cli, PK_EXIT_USAGE,
                           "the set has more than 2^40 packets; write a part of it with --first N");
    writing w = {.cli = cli, .d = d};
    int status = write_all(&w, count);
    pk_error error;
    if (!status && !w.writer)
        status = open_writer(&w, LINK_RAW, false);
    if (status)
        pk_capture_abandon(w.writer);
    else if (pk_capture_finish(w.writer, &error))
        status = pk_cli_fail(cli, PK_EXIT_OUTPUT, "%s", error.text);
    if (status)
        return status;
    pk_buf text = {0};
    pk_wide_add(&text, count);
    pk_cli_note(cli, "%s packet%s written", pk_buf_cstr(&text), count == 1 ? "" : "s");
    pk_buf_free(&text);
    return 0;
}

int pk_cli_write(pk_cli *cli)
{
    if (!pk_cli_given(cli, PK_OPT_OUTPUT))
        return pk_cli_fail(cli, PK_EXIT_USAGE,
                           "where to? add -o FILE.pcapng (- is standard output)");
    const char *suffix = strrchr(cli->value[PK_OPT_OUTPUT], '.');
    if (suffix && strcmp(suffix, ".gz") == 0)
        return pk_cli_fail(cli, PK_EXIT_USAGE, "captures are written unpacked: -o - | gzip >%s",
                           cli->value[PK_OPT_OUTPUT]);
    pk_description d = {0};
    int status = pk_describe_set(cli, &d);
    if (!status) {
        pk_describe_ignored(cli, &d);
        status = write_set(cli, &d);
    }
    pk_description_free(&d);
    return status;
}
