/* The leaves of a dissection in wire order: as records, as JSON, and built again. */
#include "internal.h"

#include <stdio.h>
#include <string.h>

static naive_leaf *add_leaf(naive_dissection *d, uint64_t off, uint64_t bits, unsigned depth)
{
    if (d->n_leaves == d->cap_leaves) {
        size_t cap = d->cap_leaves * 2 + 64;
        naive_leaf *grown = naive_alloc(&d->arena, cap, sizeof *grown);
        if (d->n_leaves != 0)
            memcpy(grown, d->leaves, d->n_leaves * sizeof *grown);
        d->leaves = grown;
        d->cap_leaves = cap;
    }
    naive_leaf *leaf = &d->leaves[d->n_leaves++];
    leaf->off = off;
    leaf->bits = bits;
    leaf->depth = depth;
    return leaf;
}

static void set_bits(naive_dissection *d, naive_leaf *leaf)
{
    naive_bits out = {0};
    for (uint64_t i = 0; i < leaf->bits; i++)
        naive_bits_put(&d->packet, &out, naive_bits_get(d->packet.wire.data, leaf->off + i, 1), 1);
    leaf->value = out.data;
    leaf->value_len = (size_t)((leaf->bits + 7) / 8);
}

static void piece_leaf(naive_dissection *d, const naive_inst *inst, const naive_piece *piece,
                       unsigned depth)
{
    naive_leaf *leaf = add_leaf(d, piece->off, piece->bits, depth);
    const char *layer = naive_text(d->unit, inst->type->name), *name = piece->name;
    if (piece->kind == NAIVE_P_FIELD)
        name = naive_text(d->unit, piece->field->name);
    if (piece->kind == NAIVE_P_RAW) {
        layer = "raw";
        name = "load";
    }
    snprintf(leaf->path, sizeof leaf->path, "%.60s.%.90s", layer, name);
    if (piece->kind == NAIVE_P_FIELD && piece->value.kind == NAIVE_INT) {
        leaf->is_number = true;
        leaf->is_signed = piece->field->type == NAIVE_SINT;
        leaf->number = (uint64_t)piece->value.number;
    }
    set_bits(d, leaf);
}

static void inst_leaves(naive_dissection *d, const naive_inst *inst, unsigned depth)
{
    for (const naive_piece *piece = inst->pieces; piece != NULL; piece = piece->next) {
        if (piece->kind == NAIVE_P_INST)
            inst_leaves(d, piece->inst, depth + 1);
        else
            piece_leaf(d, inst, piece, depth);
    }
}

void naive_leaves_collect(naive_dissection *d)
{
    uint64_t total = (uint64_t)d->packet.wire.len * 8;
    if (d->root != NULL)
        inst_leaves(d, d->root, 1);
    if (d->end == total)
        return;
    naive_leaf *leaf = add_leaf(d, d->end, total - d->end, 0);
    snprintf(leaf->path, sizeof leaf->path, "%s", d->root == NULL ? "raw.load" : "frame._rest");
    set_bits(d, leaf);
}

size_t naive_leaves(const naive_dissection *dissection)
{
    return dissection->n_leaves;
}

const naive_leaf *naive_leaf_at(const naive_dissection *dissection, size_t i)
{
    return &dissection->leaves[i];
}

void naive_dissection_json(const naive_dissection *dissection, pk_buf *out)
{
    unsigned depth = 0;
    pk_buf_text(out, "{\"leaves\":[");
    for (size_t i = 0; i < dissection->n_leaves; i++) {
        const naive_leaf *leaf = &dissection->leaves[i];
        depth = leaf->depth > depth ? leaf->depth : depth;
        pk_buf_printf(out, "%s{\"path\":\"%s\",\"off\":%llu,\"bits\":%llu,\"depth\":%u,\"value\":",
                      i == 0 ? "" : ",", leaf->path, (unsigned long long)leaf->off,
                      (unsigned long long)leaf->bits, leaf->depth);
        if (leaf->is_signed)
            pk_buf_printf(out, "%lld", (long long)leaf->number);
        else if (leaf->is_number)
            pk_buf_printf(out, "%llu", (unsigned long long)leaf->number);
        for (size_t b = 0; !leaf->is_number && b < leaf->value_len; b++)
            pk_buf_printf(out, "%s%02x", b == 0 ? "\"" : "", leaf->value[b]);
        if (!leaf->is_number)
            pk_buf_text(out, leaf->value_len == 0 ? "\"\"" : "\"");
        pk_buf_byte(out, '}');
    }
    pk_buf_printf(out, "],\"depth\":%u}", depth);
}

/* ---- building again ----------------------------------------------------------------------------
 */

/* The fields of a little-endian group are packed together and turned round. */
static const naive_piece *rebuild_group(naive_dissection *d, naive_inst *inst,
                                        const naive_piece *piece, naive_bits *out)
{
    naive_bits group = {0};
    uint64_t width = piece->group;
    while (piece != NULL && piece->group == width && group.count < width) {
        naive_scalar_put(&d->packet, &group, piece->field, inst, piece->value);
        piece = piece->next;
    }
    for (uint64_t i = width / 8; i-- > 0;)
        naive_bits_put(&d->packet, out, group.data[i], 8);
    return piece;
}

static void rebuild_inst(naive_dissection *d, naive_inst *inst, naive_bits *out)
{
    const naive_piece *piece = inst->pieces;
    while (piece != NULL) {
        if (piece->group != 0) {
            piece = rebuild_group(d, inst, piece, out);
            continue;
        }
        if (piece->kind == NAIVE_P_INST) {
            rebuild_inst(d, piece->inst, out);
        } else if (piece->kind == NAIVE_P_FIELD) {
            naive_scalar_put(&d->packet, out, piece->field, inst, piece->value);
        } else {
            for (uint64_t i = 0; i < piece->bits; i++)
                naive_bits_put(&d->packet, out,
                               naive_bits_get(d->packet.wire.data, piece->off + i, 1), 1);
        }
        piece = piece->next;
    }
}

bool naive_rebuild(naive_dissection *dissection, pk_buf *out)
{
    naive_dissection *d = dissection;
    naive_bits bits = {0};
    if (d->root != NULL)
        rebuild_inst(d, d->root, &bits);
    for (uint64_t i = d->end; i < (uint64_t)d->packet.wire.len * 8; i++)
        naive_bits_put(&d->packet, &bits, naive_bits_get(d->packet.wire.data, i, 1), 1);
    pk_buf_add(out, bits.data, (size_t)((bits.count + 7) / 8));
    return !d->unit->failed;
}
