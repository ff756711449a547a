#include "view/cell.h"

#include <string.h>

#include "tree/value_text.h"

/* ---- making cells ------------------------------------------------------------------------------ */

static void put_bytes(pk_buf *out, const void *bytes, uint32_t len)
{
    pk_buf_byte(out, PK_BYTES);
    pk_buf_add(out, &len, sizeof len);
    if (len)
        pk_buf_add(out, bytes, len);
}

void pk_cell_put_text(pk_buf *out, const void *text, size_t len)
{
    put_bytes(out, text, len > UINT32_MAX ? UINT32_MAX : (uint32_t)len);
}

static void put_node(pk_buf *out, const pk_tree *tree, pk_tree_node node)
{
    pk_buf text = {0};
    pk_ref layer = tree ? pk_tree_layer(tree, node) : 0;
    if (layer && !pk_text_meaning(&text, tree, node, NULL))
        pk_buf_text(&text, pk_image_text(tree->image, tree->image->layers[layer].name));
    if (layer)
        pk_cell_put_text(out, text.data, text.len);
    else
        pk_buf_byte(out, PK_UNDEFINED);
    out->failed |= text.failed;
    pk_buf_free(&text);
}

static void put_one(pk_buf *out, pk_value value, const pk_tree *const trees[2])
{
    switch ((pk_value_kind)value.kind) {
    case PK_INT:
        pk_buf_byte(out, PK_INT);
        pk_buf_add(out, &value.number, sizeof value.number);
        break;
    case PK_BYTES:
        put_bytes(out, value.bytes, value.len);
        break;
    case PK_NODE:
        put_node(out, trees[value.tree & 1], pk_tree_unpack(value.node));
        break;
    case PK_UNDEFINED:
    case PK_MANY:
        pk_buf_byte(out, PK_UNDEFINED);
        break;
    }
}

void pk_cell_put(pk_buf *out, pk_value value, const pk_tree *const trees[2])
{
    struct {
        const pk_value *at;
        uint32_t left;
    } open[PK_CELL_DEPTH + 1] = {{&value, 1}};
    unsigned depth = 0;
    for (;;) {
        while (depth && !open[depth].left)
            depth--;
        if (!open[depth].left)
            return;
        const pk_value *at = open[depth].at++;
        open[depth].left--;
        if (at->kind != PK_MANY || depth == PK_CELL_DEPTH) {
            put_one(out, *at, trees);
            continue;
        }
        pk_buf_byte(out, PK_MANY);
        pk_buf_add(out, &at->len, sizeof at->len);
        depth++;
        open[depth].at = at->many;
        open[depth].left = at->len;
    }
}

/* ---- reading cells ----------------------------------------------------------------------------- */

static uint32_t read_u32(const uint8_t *at)
{
    uint32_t number;
    memcpy(&number, at, sizeof number);
    return number;
}

pk_cell_event pk_cell_next(pk_cell_walk *walk, pk_value *ret_value)
{
    if (!walk->left[walk->depth]) {
        if (!walk->depth)
            return PK_CELL_END;
        walk->depth--;
        return PK_CELL_CLOSE;
    }
    walk->left[walk->depth]--;
    const uint8_t *at = walk->at;
    *ret_value = pk_value_undefined();
    switch ((pk_value_kind)*at) {
    case PK_INT:
        *ret_value = pk_value_int(0);
        memcpy(&ret_value->number, at + 1, sizeof ret_value->number);
        walk->at = at + 1 + sizeof ret_value->number;
        return PK_CELL_VALUE;
    case PK_BYTES:
        *ret_value = pk_value_bytes(at + 5, read_u32(at + 1));
        walk->at = at + 5 + ret_value->len;
        return PK_CELL_VALUE;
    case PK_MANY:
        walk->at = at + 5;
        walk->left[++walk->depth] = read_u32(at + 1);
        return PK_CELL_OPEN;
    case PK_UNDEFINED:
    case PK_NODE:
        break;
    }
    walk->at = at + 1;
    return PK_CELL_VALUE;
}

size_t pk_cell_size(const uint8_t *at)
{
    pk_cell_walk walk = pk_cell_begin(at);
    pk_value value;
    while (pk_cell_next(&walk, &value) != PK_CELL_END)
        ;
    return (size_t)(walk.at - at);
}

pk_value pk_cell_value(const uint8_t *at, pk_arena *arena)
{
    pk_value result = pk_value_undefined();
    pk_value *room[PK_CELL_DEPTH + 1] = {&result};
    pk_cell_walk walk = pk_cell_begin(at);
    for (;;) {
        pk_value value;
        switch (pk_cell_next(&walk, &value)) {
        case PK_CELL_VALUE:
            *room[walk.depth]++ = value;
            break;
        case PK_CELL_OPEN: {
            uint32_t count = walk.left[walk.depth];
            pk_value *values = pk_arena_array(arena, count + 1u, sizeof *values);
            if (!values)
                return pk_value_undefined();
            *room[walk.depth - 1]++ = pk_value_many(values, count);
            room[walk.depth] = values;
            break;
        }
        case PK_CELL_CLOSE:
            break;
        case PK_CELL_END:
            return result;
        }
    }
}

/* ---- order ------------------------------------------------------------------------------------- */

static int compare_bytes(pk_value a, pk_value b)
{
    uint32_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.bytes, b.bytes, len) : 0;
    return order ? (order > 0) - (order < 0) : (a.len > b.len) - (a.len < b.len);
}

/* Undefined behind everything. */
static int rank(pk_cell_event event, pk_value value)
{
    if (event == PK_CELL_CLOSE || event == PK_CELL_END)
        return 0;
    if (event == PK_CELL_OPEN)
        return 3;
    return value.kind == PK_UNDEFINED ? 4 : value.kind == PK_INT ? 1 : 2;
}

int pk_cell_compare(const uint8_t *a, const uint8_t *b)
{
    pk_cell_walk left = pk_cell_begin(a), right = pk_cell_begin(b);
    for (;;) {
        pk_value x = {0}, y = {0};
        pk_cell_event of_x = pk_cell_next(&left, &x), of_y = pk_cell_next(&right, &y);
        int order = rank(of_x, x) - rank(of_y, y);
        if (order)
            return order > 0 ? 1 : -1;
        if (of_x == PK_CELL_END)
            return 0;
        if (of_x != PK_CELL_VALUE || x.kind == PK_UNDEFINED)
            continue;
        order =
            x.kind == PK_INT ? (x.number > y.number) - (x.number < y.number) : compare_bytes(x, y);
        if (order)
            return order;
    }
}
