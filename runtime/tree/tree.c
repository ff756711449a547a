#include "tree/tree.h"

#include <stdlib.h>
#include <string.h>

#include "tree/bits.h"

#define NO_RECORD UINT32_MAX
enum { FIRST_RECORDS = 256 };

/* ---- life ------------------------------------------------------------------------------------ */

void pk_tree_init(pk_tree *tree, const pk_image *image)
{
    *tree = (pk_tree){.image = image};
    pk_tree_reset(tree, NULL, 0, 0);
}

void pk_tree_free(pk_tree *tree)
{
    if (!tree)
        return;
    free(tree->recs);
    free(tree->name);
    *tree = (pk_tree){.image = tree->image};
}

static bool enlarge(pk_tree *tree)
{
    uint32_t cap = tree->cap ? tree->cap * 2 : FIRST_RECORDS;
    if (cap <= tree->cap)
        return false;
    pk_rec *recs = realloc(tree->recs, cap * sizeof *recs);
    if (!recs)
        return false;
    tree->recs = recs;
    tree->cap = cap;
    return true;
}

static bool grow(pk_tree *tree)
{
    return tree->count < tree->cap || enlarge(tree);
}

void pk_tree_reset(pk_tree *tree, const uint8_t *bytes, uint32_t len, uint32_t wire_len)
{
    tree->bytes = bytes;
    tree->len = len;
    tree->wire_len = wire_len < len ? len : wire_len;
    tree->flags = 0;
    tree->shape = 0;
    tree->fixed = NULL;
    tree->count = 0;
    if (!grow(tree))
        return;
    tree->recs[0] =
        (pk_rec){.kind = PK_REC_FRAME, .bits = len * 8, .up = NO_RECORD, .end = NO_RECORD};
    tree->count = 1;
}

bool pk_tree_copy(pk_tree *to, const pk_tree *from)
{
    if (to->cap < from->count) {
        pk_rec *recs = realloc(to->recs, from->count * sizeof *recs);
        if (!recs)
            return false;
        to->recs = recs;
        to->cap = from->count;
    }
    if (to->name_cap < from->name_cap) {
        char *name = realloc(to->name, from->name_cap);
        if (!name)
            return false;
        to->name = name;
        to->name_cap = from->name_cap;
    }
    memcpy(to->recs, from->recs, from->count * sizeof *from->recs);
    to->image = from->image;
    to->bytes = from->bytes;
    to->len = from->len;
    to->wire_len = from->wire_len;
    to->flags = from->flags;
    to->shape = from->shape;
    to->fixed = from->fixed;
    to->count = from->count;
    return true;
}

/* pk_tree_name composes "<window>_rest" in tree->name; the room is made while memory may fail. */
static bool reserve_name(pk_tree *tree, const pk_rec *rec)
{
    if ((rec->kind != PK_REC_REST && rec->kind != PK_REC_CUT) || rec->id == 0)
        return true;
    size_t need = strlen(pk_image_text(tree->image, rec->id)) + sizeof "_rest";
    if (need <= tree->name_cap)
        return true;
    if (need > UINT32_MAX / 2)
        return false;
    char *name = realloc(tree->name, need);
    if (!name)
        return false;
    tree->name = name;
    tree->name_cap = (uint32_t)need;
    return true;
}

uint32_t pk_tree_add(pk_tree *tree, pk_rec rec)
{
    if (tree->count == 0 || !grow(tree) || !reserve_name(tree, &rec))
        return 0;
    rec.end = tree->count + 1;
    tree->recs[tree->count] = rec;
    return tree->count++;
}

bool pk_tree_take(pk_tree *tree, const pk_rec *recs, uint32_t count, bool named)
{
    while (tree->cap < count)
        if (!enlarge(tree))
            return false;
    for (uint32_t i = 0; named && i < count; i++)
        if (recs[i].kind >= PK_REC_REST && !reserve_name(tree, &recs[i]))
            return false;
    memcpy(tree->recs, recs, count * sizeof *recs);
    tree->count = count;
    return true;
}

void pk_tree_close(pk_tree *tree, uint32_t rec, uint32_t end_bit)
{
    if (rec >= tree->count)
        return;
    pk_rec *at = &tree->recs[rec];
    at->bits = end_bit > at->off ? end_bit - at->off : 0;
    at->end = tree->count;
}

/* ---- walking --------------------------------------------------------------------------------- */

static uint32_t end_of(const pk_tree *tree, uint32_t rec)
{
    uint32_t end = tree->recs[rec].end;
    return end < tree->count ? end : tree->count;
}

static const pk_image_layer *layer_of(const pk_tree *tree, uint32_t rec)
{
    return &tree->image->layers[tree->recs[rec].id];
}

static uint32_t fixed_count(const pk_tree *tree, uint32_t rec)
{
    const pk_rec *at = &tree->recs[rec];
    if (at->kind != PK_REC_INSTANCE || !(at->flags & PK_REC_FIXED))
        return 0;
    return layer_of(tree, rec)->fixed_fields;
}

static pk_tree_node first_record(const pk_tree *tree, uint32_t rec)
{
    if (rec + 1 < end_of(tree, rec))
        return (pk_tree_node){rec + 1, 0};
    return PK_TREE_NONE;
}

pk_tree_node pk_tree_first(const pk_tree *tree, pk_tree_node parent)
{
    if (parent.rec >= tree->count || parent.fixed)
        return PK_TREE_NONE;
    if (fixed_count(tree, parent.rec) > 0)
        return (pk_tree_node){parent.rec, 1};
    return first_record(tree, parent.rec);
}

pk_tree_node pk_tree_next(const pk_tree *tree, pk_tree_node node)
{
    if (node.rec >= tree->count)
        return PK_TREE_NONE;
    if (node.fixed) {
        if (node.fixed < fixed_count(tree, node.rec))
            return (pk_tree_node){node.rec, node.fixed + 1};
        return first_record(tree, node.rec);
    }
    uint32_t up = tree->recs[node.rec].up, next = end_of(tree, node.rec);
    if (up >= tree->count || next >= end_of(tree, up))
        return PK_TREE_NONE;
    return (pk_tree_node){next, 0};
}

pk_tree_node pk_tree_parent(const pk_tree *tree, pk_tree_node node)
{
    if (node.rec >= tree->count)
        return PK_TREE_NONE;
    if (node.fixed)
        return (pk_tree_node){node.rec, 0};
    uint32_t up = tree->recs[node.rec].up;
    return up < tree->count ? (pk_tree_node){up, 0} : PK_TREE_NONE;
}

pk_tree_node pk_tree_walk(const pk_tree *tree, pk_tree_node node)
{
    pk_tree_node to = pk_tree_first(tree, node);
    while (pk_tree_none(to) && !pk_tree_none(node)) {
        to = pk_tree_next(tree, node);
        node = pk_tree_parent(tree, node);
    }
    return to;
}

/* ---- what a node is -------------------------------------------------------------------------- */

pk_rec_kind pk_tree_kind(const pk_tree *tree, pk_tree_node node)
{
    return node.fixed ? PK_REC_FIELD : (pk_rec_kind)tree->recs[node.rec].kind;
}

bool pk_tree_is_leaf(const pk_tree *tree, pk_tree_node node)
{
    switch (pk_tree_kind(tree, node)) {
    case PK_REC_FRAME:
    case PK_REC_INSTANCE:
    case PK_REC_LIST:
        return false;
    case PK_REC_FIELD:
    case PK_REC_RAW:
    case PK_REC_REST:
    case PK_REC_CUT:
        return true;
    }
    return true;
}

pk_ref pk_tree_layer(const pk_tree *tree, pk_tree_node node)
{
    return pk_tree_kind(tree, node) == PK_REC_INSTANCE ? tree->recs[node.rec].id : 0;
}

pk_ref pk_tree_field(const pk_tree *tree, pk_tree_node node)
{
    if (node.fixed)
        return layer_of(tree, node.rec)->fields + node.fixed - 1;
    pk_rec_kind kind = pk_tree_kind(tree, node);
    return kind == PK_REC_FIELD || kind == PK_REC_LIST ? tree->recs[node.rec].id : 0;
}

static const char *instance_name(const pk_tree *tree, uint32_t rec)
{
    const pk_image *image = tree->image;
    const pk_rec *at = &tree->recs[rec];
    uint32_t up = at->up;
    if ((at->flags & PK_REC_FIELD_OF) && up < tree->count &&
        tree->recs[up].kind == PK_REC_INSTANCE) {
        const pk_image_layer *owner = layer_of(tree, up);
        for (uint32_t i = 0; i < owner->n_fields; i++) {
            const pk_image_field *field = &image->fields[owner->fields + i];
            if (field->slot == at->slot)
                return pk_image_text(image, field->name);
        }
    }
    return pk_image_text(image, image->layers[at->id].name);
}

static const char *leftover_name(const pk_tree *tree, const pk_rec *rec, const char *suffix)
{
    if (rec->id == 0)
        return suffix;
    const char *base = pk_image_text(tree->image, rec->id);
    size_t len = strlen(base), more = strlen(suffix) + 1;
    if (len + more > tree->name_cap)
        return suffix;
    memcpy(tree->name, base, len);
    memcpy(tree->name + len, suffix, more);
    return tree->name;
}

const char *pk_tree_name(const pk_tree *tree, pk_tree_node node)
{
    pk_ref field = pk_tree_field(tree, node);
    if (field)
        return pk_image_text(tree->image, tree->image->fields[field].name);
    const pk_rec *rec = &tree->recs[node.rec];
    switch (pk_tree_kind(tree, node)) {
    case PK_REC_FRAME:
        return "frame";
    case PK_REC_INSTANCE:
        return instance_name(tree, node.rec);
    case PK_REC_RAW:
        return "raw";
    case PK_REC_REST:
        return leftover_name(tree, rec, "_rest");
    case PK_REC_CUT:
        return leftover_name(tree, rec, "_cut");
    case PK_REC_FIELD:
    case PK_REC_LIST:
        break;
    }
    return "";
}

/* ---- where it lies and what it says ---------------------------------------------------------- */

typedef struct place {
    uint64_t off;
    uint32_t bits;
    const pk_image_field *field; /* NULL unless a field */
} place;

static place place_of(const pk_tree *tree, pk_tree_node node)
{
    const pk_rec *rec = &tree->recs[node.rec];
    pk_ref field = pk_tree_field(tree, node);
    place at = {rec->off, rec->bits, field ? &tree->image->fields[field] : NULL};
    if (node.fixed) {
        at.off += at.field->fixed_off;
        at.bits = at.field->bits;
        if (at.field->group_bits) /* fixed_off is where the group starts */
            at.off += (uint64_t)at.field->group_bits - at.field->group_shift - at.bits;
    }
    return at;
}

static bool in_little_group(const place *at)
{
    const pk_image_field *field = at->field;
    return field && field->group_bits && (field->flags & PK_FIELD_GROUP_LE) &&
           at->bits == field->bits && field->group_bits % 8 == 0 && field->group_bits <= 64 &&
           (uint32_t)field->group_shift + field->bits <= field->group_bits;
}

/* First bit of the group that the field lies in; the group must lie within the packet. */
static bool group_start(const pk_tree *tree, const place *at, uint64_t *ret_off)
{
    uint64_t before = (uint64_t)at->field->group_bits - at->field->group_shift - at->bits;
    if (at->off < before || at->off - before + at->field->group_bits > (uint64_t)tree->len * 8)
        return false;
    *ret_off = at->off - before;
    return true;
}

static unsigned add_run(pk_bit_run *runs, unsigned count, uint64_t off, uint64_t bits)
{
    if (bits == 0)
        return count;
    if (count > 0 && runs[count - 1].off + runs[count - 1].bits == off) {
        runs[count - 1].bits += (uint32_t)bits;
        return count;
    }
    runs[count] = (pk_bit_run){(uint32_t)off, (uint32_t)bits};
    return count + 1;
}

/*
 * Bit i of a little-endian integer, counted from its least significant, is in byte i / 8:
 *
 *     byte 0          byte 1          byte 2
 *     7 6 5 4 3 2 1 0 15 ..         8 23 ..        16      a field of the bits 4..18 is
 *     x x x x         x x x x x x x x           x x x      4 bits, 8 bits, 3 bits
 */
static unsigned little_runs(uint64_t start, unsigned lo, unsigned hi, pk_bit_run *ret_runs)
{
    unsigned count = 0;
    if (lo / 8 == (hi - 1) / 8)
        return add_run(ret_runs, 0, start + lo / 8 * 8 + (8 - ((hi - 1) % 8 + 1)), hi - lo);
    unsigned whole_lo = (lo + 7) / 8 * 8, whole_hi = hi / 8 * 8;
    count = add_run(ret_runs, count, start + lo / 8 * 8, whole_lo - lo);
    count = add_run(ret_runs, count, start + whole_lo, whole_hi - whole_lo);
    return add_run(ret_runs, count, start + whole_hi + (8 - hi % 8) % 8, hi - whole_hi);
}

unsigned pk_tree_runs(const pk_tree *tree, pk_tree_node node, pk_bit_run ret_runs[PK_TREE_RUNS])
{
    place at = place_of(tree, node);
    uint64_t start;
    if (at.bits > 0 && in_little_group(&at) && group_start(tree, &at, &start)) {
        unsigned lo = at.field->group_shift;
        return little_runs(start, lo, lo + at.bits, ret_runs);
    }
    ret_runs[0] = (pk_bit_run){(uint32_t)at.off, at.bits};
    return 1;
}

static pk_value integer(const place *at, uint64_t raw)
{
    if (at->field->type == PK_TYPE_INT && at->bits > 0 && at->bits < 64 &&
        (raw >> (at->bits - 1) & 1))
        raw |= ~pk_bits_mask(at->bits);
    return pk_value_int((int64_t)raw);
}

static pk_value scalar(const pk_tree *tree, const place *at)
{
    uint64_t start;
    if (at->bits > 64)
        return pk_value_undefined();
    if (in_little_group(at)) {
        unsigned width = at->field->group_bits;
        if (!group_start(tree, at, &start))
            return pk_value_undefined();
        uint64_t group = pk_bits_swap(pk_bits_get(tree->bytes, start, width), width);
        return integer(at, group >> at->field->group_shift & pk_bits_mask(at->bits));
    }
    uint64_t raw = pk_bits_get(tree->bytes, at->off, at->bits);
    if ((at->field->flags & PK_FIELD_LE) && at->bits % 8 == 0)
        raw = pk_bits_swap(raw, at->bits);
    return integer(at, raw);
}

/* Base 128: 7 bits a byte, the top bit says that another follows (LEB128, MIDI/BER VLQ). */
static pk_value base128(const pk_tree *tree, const place *at)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < at->bits / 8; i++) {
        uint64_t group = pk_bits_get(tree->bytes, at->off + (uint64_t)i * 8, 8) & 0x7f;
        if (at->field->type == PK_TYPE_UVLQ)
            value = value << 7 | group;
        else if (i * 7 < 64)
            value |= group << (i * 7);
    }
    return pk_value_int((int64_t)value);
}

static pk_value bytes_at(const pk_tree *tree, const place *at)
{
    if (at->off % 8 || at->bits % 8)
        return pk_value_undefined();
    return pk_value_bytes(tree->bytes + at->off / 8, at->bits / 8);
}

pk_value pk_tree_value(const pk_tree *tree, pk_tree_node node)
{
    if (node.rec >= tree->count)
        return pk_value_undefined();
    if (!pk_tree_is_leaf(tree, node))
        return (pk_value){.kind = PK_NODE, .node = pk_tree_pack(node)};
    place at = place_of(tree, node);
    if (at.off + at.bits > (uint64_t)tree->len * 8)
        return pk_value_undefined();
    if (!at.field)
        return bytes_at(tree, &at);
    switch ((pk_type)at.field->type) {
    case PK_TYPE_UINT:
    case PK_TYPE_INT:
        return scalar(tree, &at);
    case PK_TYPE_ULEB:
    case PK_TYPE_UVLQ:
        return base128(tree, &at);
    case PK_TYPE_BYTES:
    case PK_TYPE_IP4:
    case PK_TYPE_IP6:
    case PK_TYPE_MAC:
    case PK_TYPE_STRUCT:
        break;
    }
    return bytes_at(tree, &at);
}

/* ---- relations ------------------------------------------------------------------------------- */

/* Slots are numbered in the order of their first fields, so the first guess is nearly always it. */
static uint32_t fixed_of_slot(const pk_tree *tree, uint32_t rec, uint32_t slot)
{
    uint32_t count = fixed_count(tree, rec);
    const pk_image_field *fields = tree->image->fields + layer_of(tree, rec)->fields;
    if (slot < count && fields[slot].slot == slot)
        return slot + 1;
    for (uint32_t i = 0; i < count; i++)
        if (fields[i].slot == slot)
            return i + 1;
    return 0;
}

static bool has_slot(const pk_rec *rec, uint32_t slot)
{
    if (rec->slot != slot)
        return false;
    return rec->kind == PK_REC_FIELD || rec->kind == PK_REC_LIST ||
           (rec->kind == PK_REC_INSTANCE && (rec->flags & PK_REC_FIELD_OF));
}

pk_tree_node pk_tree_slot(const pk_tree *tree, pk_tree_node instance, uint32_t slot)
{
    uint32_t rec = instance.rec;
    if (rec >= tree->count || instance.fixed || tree->recs[rec].kind != PK_REC_INSTANCE)
        return PK_TREE_NONE;
    uint32_t fixed = fixed_of_slot(tree, rec, slot);
    if (fixed)
        return (pk_tree_node){rec, fixed};
    uint32_t end = end_of(tree, rec);
    for (uint32_t at = rec + 1; at < end; at = end_of(tree, at))
        if (has_slot(&tree->recs[at], slot))
            return (pk_tree_node){at, 0};
    return PK_TREE_NONE;
}

pk_tree_node pk_tree_payload(const pk_tree *tree, pk_tree_node instance)
{
    if (instance.rec >= tree->count || instance.fixed)
        return PK_TREE_NONE;
    uint32_t end = end_of(tree, instance.rec);
    for (uint32_t at = instance.rec + 1; at < end; at = end_of(tree, at))
        if (tree->recs[at].flags & PK_REC_PAYLOAD)
            return (pk_tree_node){at, 0};
    return PK_TREE_NONE;
}

pk_tree_node pk_tree_owner(const pk_tree *tree, pk_tree_node node)
{
    pk_tree_node up = pk_tree_parent(tree, node);
    while (!pk_tree_none(up) && tree->recs[up.rec].kind != PK_REC_INSTANCE)
        up = pk_tree_parent(tree, up);
    return up;
}

pk_tree_node pk_tree_element(const pk_tree *tree, pk_tree_node list, uint32_t index)
{
    pk_tree_node at = pk_tree_first(tree, list);
    while (!pk_tree_none(at) && index > 0) {
        at = pk_tree_next(tree, at);
        index--;
    }
    return at;
}

uint32_t pk_tree_count(const pk_tree *tree, pk_tree_node list)
{
    uint32_t count = 0;
    for (pk_tree_node at = pk_tree_first(tree, list); !pk_tree_none(at);
         at = pk_tree_next(tree, at))
        count++;
    return count;
}
