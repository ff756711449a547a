#include "tree/leaf.h"

#include <string.h>

#include "tree/bits.h"

uint64_t pk_leaf_bits(const pk_tree *tree, pk_tree_node leaf)
{
    pk_bit_run runs[PK_TREE_RUNS];
    unsigned n = pk_tree_runs(tree, leaf, runs);
    uint64_t bits = 0;

    for (unsigned i = 0; i < n; i++)
        bits += runs[i].bits;
    return bits;
}

pk_bit_run pk_leaf_extent(const pk_tree *tree, pk_tree_node node)
{
    const pk_rec *rec = pk_leaf_rec(tree, node);
    pk_bit_run runs[PK_TREE_RUNS];

    if (!node.fixed)
        return (pk_bit_run){rec->off, rec->bits};
    return pk_tree_runs(tree, node, runs) ? runs[0] : (pk_bit_run){rec->off, 0};
}

bool pk_leaf_whole_bytes(const pk_tree *tree, pk_tree_node node, pk_bytes *ret_bytes)
{
    pk_bit_run run = pk_leaf_extent(tree, node), runs[PK_TREE_RUNS];

    if (pk_tree_is_leaf(tree, node)) {
        if (pk_tree_runs(tree, node, runs) != 1)
            return false;
        run = runs[0];
    }
    if (run.off % 8 || run.bits % 8)
        return false;
    *ret_bytes = (pk_bytes){tree->bytes + run.off / 8, run.bits / 8};
    return true;
}

bool pk_leaf_is_layer(const pk_tree *tree, uint32_t rec)
{
    while (rec) {
        const pk_rec *at = &tree->recs[rec];

        if (at->kind != PK_REC_INSTANCE || (at->up && !(at->flags & PK_REC_PAYLOAD)))
            return false;
        rec = at->up;
    }
    return true;
}

/* Lists and structs hold no layer of the stack: their records are skipped whole. */
uint32_t pk_leaf_next_layer(const pk_tree *tree, uint32_t rec)
{
    for (rec++; rec < tree->count;) {
        const pk_rec *at = &tree->recs[rec];
        bool instance = at->kind == PK_REC_INSTANCE;

        if (instance && (!at->up || at->flags & PK_REC_PAYLOAD) && pk_leaf_is_layer(tree, rec))
            return rec;
        rec = at->end > rec ? at->end : rec + 1;
    }
    return 0;
}

bool pk_leaf_is_payload(const pk_tree *tree, pk_tree_node node)
{
    const pk_rec *rec = pk_leaf_rec(tree, node);

    return !node.fixed && rec->flags & PK_REC_PAYLOAD;
}

bool pk_leaf_is_raw(const pk_tree *tree, pk_tree_node node)
{
    pk_rec_kind kind = pk_tree_kind(tree, node);

    return kind == PK_REC_RAW || kind == PK_REC_REST || kind == PK_REC_CUT;
}

/* ---- walking -----------------------------------------------------------------------------------
 */

static bool stacked(const pk_tree *tree, const pk_visit *visit, pk_tree_node node)
{
    const pk_rec *rec = pk_leaf_rec(tree, node);

    return !node.fixed && rec->kind == PK_REC_INSTANCE && rec->up == visit->root &&
           (!visit->root || rec->flags & PK_REC_PAYLOAD);
}

static pk_tree_node visit_first(const pk_tree *tree, const pk_visit *visit)
{
    uint32_t from = visit->layer;

    if (visit->started || !from)
        return pk_tree_first(tree, visit->node);
    if (from >= tree->count || from >= tree->recs[visit->root].end)
        return PK_TREE_NONE;
    return (pk_tree_node){from, 0};
}

bool pk_visit_next(const pk_tree *tree, pk_visit *visit)
{
    bool down = !visit->started || visit->event == PK_VISIT_OPEN;
    pk_tree_node up = down ? visit->node : pk_tree_parent(tree, visit->node);
    pk_tree_node to = down ? visit_first(tree, visit) : pk_tree_next(tree, visit->node);

    if (visit->event == PK_VISIT_END)
        return false;
    visit->depth += visit->started && down;
    visit->started = true;
    visit->layer = 0;
    while (!pk_tree_none(to) && up.rec == visit->root && stacked(tree, visit, to)) {
        if (visit->stops) {
            visit->layer = to.rec;
            visit->event = PK_VISIT_END;
            return false;
        }
        to = pk_tree_next(tree, to);
    }
    if (!pk_tree_none(to)) {
        visit->node = to;
        visit->event = pk_tree_is_leaf(tree, to) ? PK_VISIT_LEAF : PK_VISIT_OPEN;
        return true;
    }
    visit->node = up;
    visit->event = pk_tree_none(up) || up.rec == visit->root ? PK_VISIT_END : PK_VISIT_CLOSE;
    visit->depth -= visit->event == PK_VISIT_CLOSE;
    return visit->event == PK_VISIT_CLOSE;
}

uint32_t pk_leaf_head_bits(const pk_tree *tree, uint32_t instance)
{
    const pk_rec *rec = &tree->recs[instance];
    pk_tree_node payload = pk_tree_payload(tree, (pk_tree_node){instance, 0});

    return pk_tree_none(payload) ? rec->bits : tree->recs[payload.rec].off - rec->off;
}

uint64_t pk_leaf_base(const pk_tree *tree, pk_tree_node node)
{
    pk_tree_node owner = pk_tree_owner(tree, node);

    return pk_tree_none(owner) ? 0 : tree->recs[owner.rec].off;
}

bool pk_leaf_is_element(const pk_tree *tree, pk_tree_node node)
{
    const pk_rec *rec = pk_leaf_rec(tree, node);

    return !node.fixed && rec->up < tree->count && tree->recs[rec->up].kind == PK_REC_LIST;
}

enum { PATH_NAMES = 2 * (PK_STRUCT_DEPTH + 1) }; /* a list and an instance at each depth */

void pk_leaf_path(pk_buf *out, const pk_tree *tree, uint32_t root, pk_tree_node node)
{
    pk_tree_node way[PATH_NAMES];
    unsigned n = 0;

    for (; !pk_tree_none(node) && (node.rec != root || node.fixed) && n < PATH_NAMES;
         node = pk_tree_parent(tree, node))
        if (!pk_leaf_is_element(tree, node))
            way[n++] = node;
    while (n--) {
        pk_buf_text(out, pk_tree_name(tree, way[n]));
        if (n)
            pk_buf_byte(out, '.');
    }
}

/* ---- cases without content ----------------------------------------------------------------------
 */

/* The layer that `key` alone means in the table. */
static pk_ref only_key(const pk_image *image, pk_ref table, uint64_t key)
{
    const pk_image_table *at = &image->tables[table];

    for (uint32_t i = 0; i < at->n_keys; i++) {
        const pk_image_key *row = &image->keys[at->keys + i];

        if (row->lo == key && row->hi == key)
            return row->layer;
    }
    return 0;
}

/* The field that a selector's key is, when it is just that: `slot d; ret`. */
static pk_tree_node key_field(const pk_tree *tree, pk_tree_node instance, pk_ref expr)
{
    const pk_image_expr *e = &tree->image->exprs[expr];
    const pk_insn *code = &tree->image->code[e->start];

    if (e->count != 2 || code[0].op != PK_OPC_SLOT || code[1].op != PK_OPC_RET)
        return PK_TREE_NONE;
    return pk_tree_slot(tree, instance, code[0].d);
}

static pk_ref case_of_payload(const pk_tree *tree, pk_tree_node instance, pk_ref payload,
                              pk_tree_node *ret_key)
{
    const pk_image *image = tree->image;
    const pk_image_payload *item = &image->payloads[payload];

    for (uint32_t i = 0; i < item->n_selectors; i++) {
        const pk_image_selector *selector = &image->selectors[item->selectors + i];
        pk_tree_node key = key_field(tree, instance, selector->key);
        pk_value value = pk_tree_none(key) ? pk_value_undefined() : pk_tree_value(tree, key);
        pk_ref found =
            value.kind == PK_INT ? only_key(image, selector->table, (uint64_t)value.number) : 0;

        if (found && image->layers[found].kind == PK_LAYER_CASE && !image->layers[found].n_fields &&
            image->layers[found].parent == pk_tree_layer(tree, instance)) {
            *ret_key = key;
            return found;
        }
    }
    return 0;
}

pk_ref pk_leaf_empty_case(const pk_tree *tree, pk_tree_node instance, pk_tree_node *ret_key)
{
    const pk_image *image = tree->image;
    const pk_image_layer *layer = &image->layers[pk_tree_layer(tree, instance)];

    if (layer->kind != PK_LAYER_STRUCT || !pk_tree_none(pk_tree_payload(tree, instance)))
        return 0;
    for (uint32_t i = 0; i < layer->n_items; i++)
        if (image->code[layer->items + i].op == PK_OPC_PAY) {
            pk_ref found =
                case_of_payload(tree, instance, image->code[layer->items + i].d, ret_key);

            if (found)
                return found;
        }
    return 0;
}

/* ---- inferred ----------------------------------------------------------------------------------
 */

bool pk_leaf_constant(const pk_image *image, pk_ref expr, pk_value *ret_value)
{
    const pk_image_expr *e = &image->exprs[expr];
    const pk_insn *code = &image->code[e->start];

    if (e->count != 2 || code[1].op != PK_OPC_RET || code[1].a != code[0].a)
        return false;
    if (code[0].op == PK_OPC_INT) {
        *ret_value = pk_value_int((int64_t)code[0].e);
    } else if (code[0].op == PK_OPC_BLOB) {
        pk_bytes bytes = pk_image_bytes(image, code[0].d);

        *ret_value = pk_value_bytes(bytes.data, (uint32_t)bytes.len);
    } else {
        return false;
    }
    return true;
}

static bool all_zero(const pk_tree *tree, pk_tree_node node)
{
    pk_bit_run runs[PK_TREE_RUNS];
    unsigned n = pk_tree_runs(tree, node, runs);

    for (unsigned i = 0; i < n; i++)
        for (uint32_t b = 0; b < runs[i].bits; b++)
            if (pk_bits_get(tree->bytes, runs[i].off + b, 1))
                return false;
    return true;
}

static bool same_value(const pk_image_field *field, pk_value wire, pk_value given)
{
    if (wire.kind == PK_INT && given.kind == PK_INT) {
        uint64_t mask =
            field->bits && field->bits < 64 ? (UINT64_C(1) << field->bits) - 1 : UINT64_MAX;

        return !(((uint64_t)wire.number ^ (uint64_t)given.number) & mask);
    }
    return wire.kind == PK_BYTES && given.kind == PK_BYTES && wire.len == given.len &&
           (!wire.len || !memcmp(wire.bytes, given.bytes, wire.len));
}

/* Whether the payload that stands on the field's instance imposes exactly this value (LANGUAGE.md
 * 3.3), as ip imposes its type on eth. */
static bool imposed(const pk_tree *tree, pk_tree_node node, const pk_image_field *field)
{
    const pk_image *image = tree->image;
    pk_tree_node upper = pk_tree_payload(tree, pk_tree_owner(tree, node));
    pk_ref layer = pk_tree_none(upper) ? 0 : pk_tree_layer(tree, upper);
    pk_value given;

    for (uint32_t i = 0; layer && i < image->layers[layer].n_binds; i++) {
        const pk_image_bind *bind = &image->binds[image->layers[layer].binds + i];

        for (uint32_t k = 0; bind->lower == field->layer && k < bind->n_impositions; k++) {
            const pk_image_imposition *at = &image->impositions[bind->impositions + k];

            if (!at->depth && at->slot == field->slot && pk_leaf_constant(image, at->value, &given))
                return same_value(field, pk_tree_value(tree, node), given);
        }
    }
    return false;
}

static bool looks_inferred(const pk_tree *tree, pk_tree_node node)
{
    const pk_image_field *field = &tree->image->fields[pk_tree_field(tree, node)];
    const pk_rec *rec = pk_leaf_rec(tree, node);
    pk_value given;

    if (!node.fixed && rec->flags & PK_REC_EXPLICIT)
        return false;
    if (pk_tree_kind(tree, node) != PK_REC_FIELD)
        return rec->bits == 0;
    if (imposed(tree, node, field))
        return true;
    if (!field->init)
        return field->bits ? all_zero(tree, node) : pk_leaf_bits(tree, node) == 0;
    if (!pk_leaf_constant(tree->image, field->init, &given))
        return true;
    return same_value(field, pk_tree_value(tree, node), given);
}

bool pk_leaf_inferred(const pk_tree *tree, pk_tree_node node, const pk_writer *how)
{
    if (how && how->inferred)
        return how->inferred(how->context, tree, node);
    return looks_inferred(tree, node);
}

bool pk_leaf_surely_inferred(const pk_tree *tree, pk_tree_node node, const pk_writer *how)
{
    return how && how->inferred && how->inferred(how->context, tree, node);
}
