#include "tree/difference.h"

#include <string.h>

#include "tree/leaf.h"
#include "tree/value_text.h"

static bool is_instance(const pk_tree *tree, pk_tree_node node)
{
    return !pk_tree_none(node) && pk_tree_kind(tree, node) == PK_REC_INSTANCE;
}

static pk_tree_node outermost(const pk_tree *tree, pk_tree_node from)
{
    return from.rec ? pk_tree_payload(tree, from) : pk_tree_first(tree, from);
}

static void begin(pk_buf *out, size_t start, const pk_tree *tree, pk_tree_node layer,
                  const char *name)
{
    if (out->len > start)
        pk_buf_text(out, ", ");
    pk_buf_text(out,
                pk_image_text(tree->image, tree->image->layers[pk_tree_layer(tree, layer)].name));
    pk_buf_printf(out, ".%s ", name);
}

static bool same_value(pk_value a, pk_value b)
{
    if (a.kind != b.kind)
        return false;
    if (a.kind == PK_INT)
        return a.number == b.number;
    return a.kind != PK_BYTES ||
           (a.len == b.len && (!a.len || memcmp(a.bytes, b.bytes, a.len) == 0));
}

static void compare_leaf(pk_buf *out, size_t start, const pk_tree *a, pk_tree_node layer,
                         pk_tree_node x, const pk_tree *b, pk_tree_node y)
{
    const pk_value none = pk_value_undefined();
    pk_value old = pk_tree_value(a, x), new = pk_tree_value(b, y);
    if (same_value(old, new))
        return;
    begin(out, start, a, layer, pk_tree_name(a, x));
    pk_text_value(out, a->image, pk_tree_field(a, x), old, false, none);
    pk_buf_text(out, " -> ");
    pk_text_value(out, b->image, pk_tree_field(b, y), new, false, none);
}

/* Lists and structs as the bytes that they are. */
static void compare_whole(pk_buf *out, size_t start, const pk_tree *a, pk_tree_node layer,
                          pk_tree_node x, const pk_tree *b, pk_tree_node y)
{
    pk_bit_run of_x = pk_leaf_extent(a, x), of_y = pk_leaf_extent(b, y);
    bool whole = of_x.off % 8 == 0 && of_y.off % 8 == 0 && of_x.bits % 8 == 0;
    if (of_x.bits == of_y.bits &&
        (!whole || memcmp(a->bytes + of_x.off / 8, b->bytes + of_y.off / 8, of_x.bits / 8) == 0))
        return;
    begin(out, start, a, layer, pk_tree_name(a, x));
    pk_buf_text(out, "differ");
}

/* What the second has of the layer. A field in which it was cut off is none of that. */
static void compare_layer(pk_buf *out, size_t start, const pk_tree *a, pk_tree_node layer,
                          const pk_tree *b, pk_tree_node other)
{
    pk_tree_node x = pk_tree_first(a, layer);
    for (; !pk_tree_none(x); x = pk_tree_next(a, x)) {
        pk_ref field = pk_tree_field(a, x);
        bool instance = pk_tree_kind(a, x) == PK_REC_INSTANCE;
        if (!field && !(instance && a->recs[x.rec].flags & PK_REC_FIELD_OF))
            continue;
        uint32_t slot = field ? a->image->fields[field].slot : a->recs[x.rec].slot;
        pk_tree_node y = pk_tree_slot(b, other, slot);
        if (pk_tree_none(y))
            continue;
        if (pk_tree_is_leaf(a, x) && pk_tree_is_leaf(b, y))
            compare_leaf(out, start, a, layer, x, b, y);
        else
            compare_whole(out, start, a, layer, x, b, y);
    }
}

/* Payload that no layer claimed: as far as both have it. */
static void compare_raw(pk_buf *out, size_t start, const pk_tree *a, pk_tree_node x,
                        const pk_tree *b, pk_tree_node y)
{
    pk_value old = pk_tree_value(a, x), new = pk_tree_value(b, y);
    uint32_t len = old.len < new.len ? old.len : new.len;
    if (old.kind != PK_BYTES || new.kind != PK_BYTES || !len ||
        memcmp(old.bytes, new.bytes, len) == 0)
        return;
    pk_buf_text(out, out->len > start ? ", payload differs" : "payload differs");
}

void pk_tree_difference(pk_buf *out, const pk_tree *a, pk_tree_node from, const pk_tree *b,
                        pk_tree_node to)
{
    size_t start = out->len;
    pk_tree_node x = outermost(a, from), y = outermost(b, to);
    while (is_instance(a, x) && is_instance(b, y) && pk_tree_layer(a, x) != pk_tree_layer(b, y))
        x = pk_tree_payload(a, x);
    while (is_instance(a, x) && is_instance(b, y) && pk_tree_layer(a, x) == pk_tree_layer(b, y)) {
        compare_layer(out, start, a, x, b, y);
        x = pk_tree_payload(a, x);
        y = pk_tree_payload(b, y);
    }
    if (!pk_tree_none(x) && !pk_tree_none(y) && !is_instance(a, x) && !is_instance(b, y))
        compare_raw(out, start, a, x, b, y);
}
