#include "machine.h"

#include <stdio.h>
#include <string.h>

#include "compile.h"
#include "tree/writers.h"

static bool compile(machine *m, const char *text, const pk_image *standard)
{
    pk_sources *sources = pk_sources_new();
    pk_diags *diags = pk_diags_new(sources);
    const pk_compile_options options = {.standard = standard};
    pk_span span;
    bool good = pk_sources_add(sources, "test", text, strlen(text), &span) == PK_OK &&
                pk_compile(&options, sources, &span, 1, diags, &m->bytes) == PK_OK;
    if (!good) {
        pk_buf report = {0};
        pk_diags_render(diags, PK_DIAG_TEXT, &report);
        snprintf(m->why, sizeof m->why, "%s", pk_buf_cstr(&report));
        pk_buf_free(&report);
    }
    pk_diags_free(diags);
    pk_sources_free(sources);
    return good;
}

bool machine_open(machine *m, const char *text, const pk_image *standard)
{
    pk_vm_error error = {0};
    memset(m, 0, sizeof *m);
    if (!compile(m, text, standard) ||
        pk_image_load(m->bytes.data, m->bytes.len, &m->image, m->why, sizeof m->why))
        return false;
    m->vm = pk_vm_new(&m->image, NULL);
    pk_tree_init(&m->built, &m->image);
    pk_tree_init(&m->read, &m->image);
    if (!m->vm || pk_vm_space_open(m->vm, 7, &error) != PK_OK ||
        pk_point_init(pk_vm_space(m->vm), &m->point) != PK_OK) {
        snprintf(m->why, sizeof m->why, "%s", error.text);
        return false;
    }
    return true;
}

void machine_close(machine *m)
{
    pk_point_free(&m->point);
    pk_tree_free(&m->built);
    pk_tree_free(&m->read);
    pk_vm_free(m->vm);
    pk_buf_free(&m->bytes);
}

bool machine_build(machine *m, pk_ref alt, pk_buf *out)
{
    pk_vm_error error = {.text = "no such packet"};
    bool found = pk_space_locate(pk_vm_space(m->vm), alt, 1, 0, &m->point);
    bool good = found && pk_vm_build(m->vm, &m->point, out, &m->built, &error) == PK_OK;
    if (!good)
        snprintf(m->why, sizeof m->why, "%s", error.text);
    return good;
}

bool machine_packet(machine *m, const char *text, const pk_image *standard, pk_buf *out)
{
    if (!machine_open(m, text, standard))
        return false;
    if (m->image.n_probes < 2 || m->image.probes[1].n_alts == 0) {
        snprintf(m->why, sizeof m->why, "no packet in it");
        return false;
    }
    return machine_build(m, m->image.probes[1].alts, out);
}

bool machine_read(machine *m, const char *layer, const uint8_t *bytes, size_t len)
{
    pk_ref found = pk_image_layer_find(&m->image, layer);
    return pk_vm_dissect(m->vm, found, bytes, (uint32_t)len, (uint32_t)len, &m->read) == PK_OK;
}

static bool inferred(void *context, const pk_tree *tree, pk_tree_node node)
{
    return pk_vm_inferred(context, tree, node);
}

static pk_value eval(void *context, const pk_tree *tree, pk_tree_node self, pk_ref expr)
{
    return pk_vm_eval(context, expr, tree, self, NULL, NULL, 0);
}

void machine_source(machine *m, const pk_tree *tree, pk_buf *out)
{
    const pk_writer how = {.inferred = inferred, .eval = eval, .context = m->vm};
    pk_write_source(out, tree, &how);
    pk_buf_byte(out, '\n');
}

static void dump_bits(const pk_tree *tree, pk_tree_node node, pk_buf *out)
{
    pk_bit_run runs[PK_TREE_RUNS];
    unsigned n = pk_tree_runs(tree, node, runs);
    for (unsigned i = 0; i < n; i++)
        for (uint32_t bit = 0; bit < runs[i].bits; bit++) {
            uint32_t at = runs[i].off + bit;
            pk_buf_byte(out, (tree->bytes[at / 8] >> (7 - at % 8) & 1) ? '1' : '0');
        }
}

static void dump_value(const pk_tree *tree, pk_tree_node node, pk_buf *out)
{
    pk_value value = pk_tree_value(tree, node);
    pk_buf_byte(out, ' ');
    if (value.kind == PK_INT)
        pk_buf_printf(out, "%lld", (long long)value.number);
    else if (value.kind == PK_BYTES)
        for (uint32_t i = 0; i < value.len; i++)
            pk_buf_printf(out, "%02x", value.bytes[i]);
    else
        dump_bits(tree, node, out);
}

void machine_dump(const pk_tree *tree, pk_buf *out)
{
    pk_tree_node node = pk_tree_first(tree, (pk_tree_node){0, 0});
    for (; !pk_tree_none(node); node = pk_tree_walk(tree, node)) {
        pk_tree_node up = pk_tree_parent(tree, node);
        for (; !pk_tree_none(up) && up.rec != 0; up = pk_tree_parent(tree, up))
            pk_buf_byte(out, ' ');
        pk_buf_text(out, pk_tree_name(tree, node));
        if (pk_tree_is_leaf(tree, node))
            dump_value(tree, node, out);
        if (!node.fixed && (tree->recs[node.rec].flags & PK_REC_STOP))
            pk_buf_text(out, " (stopped)");
        pk_buf_byte(out, '\n');
    }
}
