#include "machines.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "standard.h"

bool machines_open(machines *m, const char *folder)
{
    char why[256];
    *m = (machines){.unit = naive_unit_new()};
    if (!naive_unit_add_folder(m->unit, folder) || !naive_unit_link(m->unit)) {
        (void)printf("# naive: %s\n", naive_unit_error(m->unit));
        return false;
    }
    if (pk_image_load(pk_standard_image, pk_standard_image_size, &m->standard, why, sizeof why)) {
        (void)printf("# image: %s\n", why);
        return false;
    }
    m->vm = pk_vm_new(&m->standard, NULL);
    pk_tree_init(&m->tree, &m->standard);
    return m->vm != NULL;
}

void machines_close(machines *m)
{
    pk_tree_free(&m->tree);
    pk_vm_free(m->vm);
    naive_unit_free(m->unit);
}

static void say_hex(const char *what, const uint8_t *bytes, size_t len)
{
    (void)printf("#   %s ", what);
    for (size_t i = 0; i < len; i++)
        (void)printf("%02x", bytes[i]);
    (void)putchar('\n');
}

static void differ(machines *m, const char *subject, const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    /* The analyser of clang 14 does not see va_start here. */
    (void)vsnprintf(text, sizeof text, format, args); // NOLINT(clang-analyzer-valist.Uninitialized)
    va_end(args);
    m->differences++;
    (void)printf("# %s: %s\n", subject, text);
}

/* ---- building ---------------------------------------------------------------------------------
 */

static bool compile(machines *m, const char *expression, pk_buf *image)
{
    pk_sources *sources = pk_sources_new();
    pk_diags *diags = pk_diags_new(sources);
    const pk_compile_options options = {.standard = &m->standard};
    pk_span text;
    bool good = pk_sources_add(sources, "expression", expression, strlen(expression), &text) == 0 &&
                pk_compile(&options, sources, &text, 1, diags, image) == 0;
    if (!good) {
        pk_buf report = {0};
        pk_diags_render(diags, PK_DIAG_TEXT, &report);
        differ(m, expression, "does not compile\n%s", pk_buf_cstr(&report));
        pk_buf_free(&report);
    }
    pk_diags_free(diags);
    pk_sources_free(sources);
    return good;
}

static void compare_packet(machines *m, const char *expression, uint64_t n, naive_program *program,
                           pk_vm *vm, pk_point *point)
{
    pk_buf naive = {0};
    pk_buf fast = {0};
    pk_vm_error error = {0};
    bool naive_good = naive_program_build(program, n, &naive);
    bool fast_good = pk_vm_build(vm, point, &fast, NULL, &error) == 0;
    m->compared++;
    if (naive_good != fast_good) {
        differ(m, expression, "packet %" PRIu64 ": naive %s, machine %s", n,
               naive_good ? "builds" : naive_unit_error(m->unit),
               fast_good ? "builds" : error.text);
    } else if (naive_good && (naive.len != fast.len ||
                              (naive.len && memcmp(naive.data, fast.data, fast.len) != 0))) {
        differ(m, expression, "packet %" PRIu64 " differs", n);
        say_hex("naive  ", naive.data, naive.len);
        say_hex("machine", fast.data, fast.len);
    }
    pk_buf_free(&naive);
    pk_buf_free(&fast);
}

static void compare_set(machines *m, const char *expression, uint64_t most, naive_program *program,
                        const pk_image *image, pk_vm *vm)
{
    const pk_image_probe *probe = &image->probes[1];
    const pk_space *space = pk_vm_space(vm);
    pk_u128 naive_count;
    pk_u128 count;
    pk_point point;
    if (!naive_program_count(program, &naive_count) ||
        !pk_space_count(space, probe->alts, probe->n_alts, &count) || count != naive_count) {
        differ(m, expression, "the sets have different sizes");
        return;
    }
    if (pk_point_init(space, &point))
        return;
    /* The first packets, and as many again spread over the whole set. */
    for (uint64_t i = 0; i < most && i < count; i++) {
        pk_u128 spread = count > 2 * most ? count / most * i + i % 7 : i;
        for (unsigned pass = 0; pass < (count > 2 * most ? 2u : 1u); pass++) {
            uint64_t n = pass ? (uint64_t)(spread < count ? spread : count - 1) : i;
            if (pk_space_locate(space, probe->alts, probe->n_alts, n, &point))
                compare_packet(m, expression, n, program, vm, &point);
        }
    }
    pk_point_free(&point);
}

void machines_compare_build(machines *m, const char *expression, uint64_t most)
{
    pk_buf bytes = {0};
    pk_image image;
    char why[256];
    naive_program *program = naive_program_new(m->unit, expression);
    if (!program) {
        differ(m, expression, "naive: %s", naive_unit_error(m->unit));
        return;
    }
    if (compile(m, expression, &bytes)) {
        pk_vm_error error = {0};
        pk_vm *vm = NULL;
        if (pk_image_load(bytes.data, bytes.len, &image, why, sizeof why))
            differ(m, expression, "%s", why);
        else if (!(vm = pk_vm_new(&image, NULL)) || pk_vm_space_open(vm, 0, &error))
            differ(m, expression, "%s", error.text);
        else
            compare_set(m, expression, most, program, &image, vm);
        pk_vm_free(vm);
    }
    naive_program_free(program);
    pk_buf_free(&bytes);
}

/* ---- dissecting -------------------------------------------------------------------------------
 */

static bool next_leaf(const pk_tree *tree, pk_tree_node *node)
{
    do {
        *node = pk_tree_walk(tree, *node);
    } while (!pk_tree_none(*node) && !pk_tree_is_leaf(tree, *node));
    return !pk_tree_none(*node);
}

/* The naive interpreter gives a leaf's span as first bit and width; a field of a little-endian bit
 * group in two pieces is compared by its width alone. */
static bool same_leaf(const pk_tree *tree, pk_tree_node node, const naive_leaf *leaf)
{
    pk_bit_run runs[PK_TREE_RUNS];
    unsigned n = pk_tree_runs(tree, node, runs);
    uint64_t bits = 0;
    for (unsigned i = 0; i < n; i++)
        bits += runs[i].bits;
    const char *name = pk_tree_name(tree, node);
    const char *last = strrchr(leaf->path, '.');
    if (bits != leaf->bits || (n <= 1 && bits && runs[0].off != leaf->off))
        return false;
    if (pk_tree_kind(tree, node) == PK_REC_FIELD && last && strcmp(name, last + 1) != 0)
        return false;
    pk_value value = pk_tree_value(tree, node);
    if (value.kind == PK_INT && leaf->is_number)
        return (uint64_t)value.number == leaf->number;
    if (value.kind == PK_BYTES && !leaf->is_number)
        return value.len == leaf->value_len &&
               (value.len == 0 || memcmp(value.bytes, leaf->value, value.len) == 0);
    return true;
}

static void compare_leaves(machines *m, const char *layer, const naive_dissection *naive,
                           const uint8_t *bytes, uint32_t len)
{
    pk_tree_node node = {0, 0};
    uint64_t covered = 0;
    for (size_t i = 0; i <= naive_leaves(naive); i++) {
        bool more = next_leaf(&m->tree, &node);
        const naive_leaf *leaf = i < naive_leaves(naive) ? naive_leaf_at(naive, i) : NULL;
        if (!more && !leaf)
            break;
        if (!more || !leaf || !same_leaf(&m->tree, node, leaf)) {
            differ(m, layer, "leaf %zu: naive %s at %" PRIu64 " of %" PRIu64 " bits, machine %s", i,
                   leaf ? leaf->path : "(none)", leaf ? leaf->off : 0, leaf ? leaf->bits : 0,
                   more ? pk_tree_name(&m->tree, node) : "(none)");
            say_hex("bytes", bytes, len);
            return;
        }
        covered += leaf->bits;
    }
    if (covered != (uint64_t)len * 8) {
        differ(m, layer, "the leaves cover %" PRIu64 " of %" PRIu64 " bits", covered,
               (uint64_t)len * 8);
        say_hex("bytes", bytes, len);
    }
}

void machines_compare_dissect(machines *m, const char *layer, const uint8_t *bytes, uint32_t len)
{
    pk_ref ref = pk_image_layer_find(&m->standard, layer);
    const naive_layer *naive = naive_layer_find(m->unit, layer);
    if (!ref || !naive) {
        differ(m, layer, "is not known to both");
        return;
    }
    m->compared++;
    naive_dissection *dissection = naive_dissect(m->unit, naive, bytes, len);
    if (pk_vm_dissect(m->vm, ref, bytes, len, len, &m->tree) != 0)
        differ(m, layer, "the machine has no memory");
    else
        compare_leaves(m, layer, dissection, bytes, len);
    naive_dissection_free(dissection);
}
