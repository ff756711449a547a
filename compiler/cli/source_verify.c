#include "source_verify.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "compile.h"
#include "vm/vm.h"

enum {
    BATCH_PACKETS = 64,
    BATCH_BYTES = 64 * 1024 /* of packets; a single one may be longer */
};

typedef struct piece {
    size_t at, len;
} piece;

/* The ways of writing, the best first. */
typedef enum way { WAY_BRIEF, WAY_FULL, WAY_BYTES, WAYS } way;

typedef struct packet {
    piece bytes;
    piece text[WAYS];
    way way;
    bool settled;
} packet;

struct pk_source_verify {
    const pk_image *base;
    packet packets[BATCH_PACKETS];
    size_t count;
    pk_buf bytes, text;
    uint64_t written[WAYS];
};

pk_source_verify *pk_source_verify_new(const pk_image *base)
{
    pk_source_verify *verify = calloc(1, sizeof *verify);
    if (verify)
        verify->base = base;
    return verify;
}

void pk_source_verify_free(pk_source_verify *verify)
{
    if (!verify)
        return;
    pk_buf_free(&verify->bytes);
    pk_buf_free(&verify->text);
    free(verify);
}

pk_source_counts pk_source_verify_counts(const pk_source_verify *verify)
{
    return (pk_source_counts){verify->written[WAY_BRIEF], verify->written[WAY_FULL],
                              verify->written[WAY_BYTES]};
}

/* ---- building a batch -------------------------------------------------------------------------- */

static bool same_bytes(const pk_source_verify *verify, const packet *p, const pk_buf *built)
{
    return built->len == p->bytes.len &&
           (built->len == 0 ||
            memcmp(built->data, verify->bytes.data + p->bytes.at, built->len) == 0);
}

/* The machine's packets against ours: in order, behind those that were there before. */
static void compare(pk_source_verify *verify, pk_vm *vm, pk_point *point, packet *const *open,
                    size_t n)
{
    pk_buf built = {0};
    for (size_t i = 0; i < n; i++) {
        pk_ref alternative = verify->base->n_alts + (pk_ref)i;
        pk_vm_error error;
        pk_buf_clear(&built);
        open[i]->settled = pk_space_locate(pk_vm_space(vm), alternative, 1, 0, point) &&
                           pk_vm_build(vm, point, &built, NULL, &error) == PK_OK &&
                           same_bytes(verify, open[i], &built);
    }
    pk_buf_free(&built);
}

static bool build(pk_source_verify *verify, const pk_buf *compiled, packet *const *open, size_t n)
{
    pk_image image;
    pk_point point = {0};
    pk_vm_error error;
    char why[256];
    if (pk_image_load(compiled->data, compiled->len, &image, why, sizeof why) != PK_OK ||
        image.n_alts != verify->base->n_alts + n)
        return false;
    pk_vm *vm = pk_vm_new(&image, NULL);
    bool good = vm && pk_vm_space_open_from(vm, verify->base->n_sets, &error) == PK_OK &&
                pk_point_init(pk_vm_space(vm), &point) == PK_OK;
    if (good)
        compare(verify, vm, &point, open, n);
    pk_point_free(&point);
    pk_vm_free(vm);
    return good;
}

/* Compiles the packets as they are written now, in one piece; false when something in it is
 * refused. */
static bool attempt(pk_source_verify *verify, packet *const *open, size_t n)
{
    pk_buf source = {0}, compiled = {0};
    pk_sources *sources = pk_sources_new();
    pk_diags *diags = sources ? pk_diags_new(sources) : NULL;
    const pk_compile_options options = {.standard = verify->base};
    pk_span span;
    for (size_t i = 0; i < n; i++) {
        const piece *text = &open[i]->text[open[i]->way];
        pk_buf_add(&source, verify->text.data + text->at, text->len);
        pk_buf_byte(&source, '\n');
    }
    bool good =
        diags && !source.failed &&
        pk_sources_add(sources, "packets", (const char *)source.data, source.len, &span) == PK_OK &&
        pk_compile(&options, sources, &span, 1, diags, &compiled) == PK_OK &&
        build(verify, &compiled, open, n);
    pk_diags_free(diags);
    pk_sources_free(sources);
    pk_buf_free(&source);
    pk_buf_free(&compiled);
    return good;
}

/* Where a piece is refused, smaller ones are tried, down to a single packet. */
static void settle(pk_source_verify *verify, way how)
{
    packet *open[BATCH_PACKETS];
    size_t n = 0;
    for (size_t i = 0; i < verify->count; i++) {
        if (verify->packets[i].settled)
            continue;
        verify->packets[i].way = how;
        open[n++] = &verify->packets[i];
    }
    for (size_t at = 0, size = n; at < n;) {
        size = size < n - at ? size : n - at;
        if (attempt(verify, open + at, size)) {
            at += size;
            size *= 2;
        } else if (size > 1) {
            size /= 2;
        } else {
            at++;
        }
    }
}

/* ---- gathering and writing --------------------------------------------------------------------- */

int pk_source_verify_flush(pk_source_verify *verify, pk_buf *out)
{
    for (way how = WAY_BRIEF; how < WAY_BYTES; how++)
        settle(verify, how);
    for (size_t i = 0; i < verify->count; i++) {
        packet *p = &verify->packets[i];
        if (!p->settled)
            p->way = WAY_BYTES;
        pk_buf_add(out, verify->text.data + p->text[p->way].at, p->text[p->way].len);
        pk_buf_byte(out, '\n');
        verify->written[p->way]++;
    }
    verify->count = 0;
    pk_buf_clear(&verify->bytes);
    pk_buf_clear(&verify->text);
    return out->failed ? PK_ENOMEM : PK_OK;
}

static void put_bytes(pk_buf *out, const pk_tree *tree)
{
    pk_tree_node first = pk_tree_first(tree, (pk_tree_node){0, 0});
    pk_buf_text(out, "send x\"");
    pk_write_hex_line(out, (pk_bytes){tree->bytes, tree->len});
    pk_buf_byte(out, '"');
    if (pk_tree_none(first))
        return;
    const char *name = pk_tree_name(tree, first);
    pk_buf_text(out, " # ");
    pk_escape_terminal(out, name, strlen(name));
    pk_buf_text(out, ", which no description gives back");
}

static void put_text(pk_source_verify *verify, const pk_tree *tree, const pk_writer *how, packet *p)
{
    const pk_writer every = {.eval = how->eval, .context = how->context};
    for (way w = WAY_BRIEF; w < WAYS; w++) {
        p->text[w].at = verify->text.len;
        if (w == WAY_BYTES)
            put_bytes(&verify->text, tree);
        else
            pk_write_source(&verify->text, tree, w == WAY_BRIEF ? how : &every);
        p->text[w].len = verify->text.len - p->text[w].at;
    }
}

int pk_source_verify_add(pk_source_verify *verify, const pk_tree *tree, const pk_writer *how,
                         pk_buf *out)
{
    packet *p = &verify->packets[verify->count];
    *p = (packet){.bytes = {verify->bytes.len, tree->len}};
    pk_buf_add(&verify->bytes, tree->bytes, tree->len);
    put_text(verify, tree, how, p);
    if (verify->bytes.failed || verify->text.failed)
        return PK_ENOMEM;
    verify->count++;
    if (verify->count < BATCH_PACKETS && verify->bytes.len < BATCH_BYTES)
        return PK_OK;
    return pk_source_verify_flush(verify, out);
}
