/* JSON and spans: one object a line. The schema is in writers.h. */
#include "tree/writers.h"

#include <string.h>

#include "base/escape.h"
#include "tree/bits.h"
#include "tree/json_leaf.h"
#include "tree/leaf.h"
#include "tree/script.h"
#include "tree/value_text.h"

enum {
    EXACT_BITS = 53,  /* what a double holds (RFC 8259 section 6) */
    PACKET_ROOM = 192 /* keys and numbers of a packet */
};

static void put_string(pk_buf *out, const char *text)
{
    pk_escape_json(out, text, strlen(text));
}

/* `,"key":` or, first in its object, `"key":`. */
static void put_key(pk_buf *out, const char *key)
{
    if (out->len && out->data[out->len - 1] != '{')
        pk_buf_byte(out, ',');
    pk_buf_byte(out, '"');
    pk_buf_text(out, key);
    pk_buf_text(out, "\":");
}

static void put_number(pk_buf *out, const char *key, uint64_t number)
{
    put_key(out, key);
    pk_text_unsigned(out, number);
}

static void put_name(pk_buf *out, const char *key, const char *name)
{
    put_key(out, key);
    put_string(out, name);
}

static void put_flag(pk_buf *out, const char *key, bool flag)
{
    put_key(out, key);
    pk_buf_text(out, flag ? "true" : "false");
}

static void put_hex(pk_buf *out, const char *key, pk_bytes bytes)
{
    put_key(out, key);
    pk_buf_byte(out, '"');
    pk_text_hex_bytes(out, bytes);
    pk_buf_byte(out, '"');
}

/* `{` with a comma before it where another value stands before. */
static void open_object(pk_buf *out)
{
    if (out->len && out->data[out->len - 1] == '}')
        pk_buf_byte(out, ',');
    pk_buf_byte(out, '{');
}

static void put_runs(pk_buf *out, const char *key, const pk_bit_run *runs, unsigned n,
                     uint64_t base)
{
    put_key(out, key);
    for (unsigned i = 0; i < n; i++) {
        pk_buf_text(out, i ? ",[" : "[[");
        pk_text_unsigned(out, runs[i].off - base);
        pk_buf_byte(out, ',');
        pk_text_unsigned(out, runs[i].bits);
        pk_buf_byte(out, ']');
    }
    pk_buf_text(out, n ? "]" : "[]");
}

/* What has no value of its own kind: bits where they are, as bytes if they are that many. */
static void put_bits(pk_buf *out, const pk_tree *tree, pk_bit_run run)
{
    bool whole = run.bits % 8 == 0;
    uint32_t step = whole ? 4 : 1;

    put_key(out, whole ? "hex" : "bits01");
    pk_buf_byte(out, '"');
    for (uint32_t i = 0; i < run.bits; i += step)
        pk_buf_byte(out, (uint8_t) "0123456789abcdef"[pk_bits_get(tree->bytes, run.off + i, step)]);
    pk_buf_byte(out, '"');
}

static void put_integer(pk_buf *out, const char *key, const pk_image_field *field, int64_t number)
{
    bool exact = field->bits && field->bits <= EXACT_BITS;

    put_key(out, key);
    if (!exact)
        pk_buf_byte(out, '"');
    if (field->type == PK_TYPE_INT)
        pk_text_signed(out, number);
    else
        pk_text_unsigned(out, (uint64_t)number);
    if (!exact)
        pk_buf_byte(out, '"');
}

static void put_text(pk_buf *out, const char *key, const pk_tree *tree, pk_tree_node node,
                     const pk_writer *how)
{
    size_t before = out->len, start;

    put_key(out, key);
    start = out->len;
    if (pk_text_meaning(out, tree, node, how))
        pk_text_escape_from(out, start, pk_escape_json);
    else
        pk_text_truncate(out, before);
}

static bool is_address(pk_type type)
{
    return type == PK_TYPE_IP4 || type == PK_TYPE_IP6 || type == PK_TYPE_MAC;
}

static void put_value(pk_buf *out, const pk_tree *tree, pk_tree_node leaf)
{
    const pk_image_field *field = &tree->image->fields[pk_tree_field(tree, leaf)];
    pk_value value = pk_tree_value(tree, leaf);

    if (value.kind == PK_INT) {
        put_integer(out, "value", field, value.number);
    } else if (value.kind == PK_BYTES && is_address((pk_type)field->type)) {
        put_key(out, "value");
        pk_buf_byte(out, '"');
        pk_text_plain(out, tree, leaf);
        pk_buf_byte(out, '"');
    } else if (value.kind == PK_BYTES) {
        put_hex(out, "hex", (pk_bytes){value.bytes, value.len});
    } else {
        put_bits(out, tree, pk_leaf_extent(tree, leaf));
    }
}

static bool has_default(const pk_tree *tree, pk_tree_node node)
{
    return !pk_leaf_is_element(tree, node) && !pk_leaf_is_payload(tree, node) &&
           !pk_leaf_is_raw(tree, node);
}

static void put_marks(pk_buf *out, const pk_tree *tree, pk_tree_node node, const pk_writer *how)
{
    if (how && how->flags & PK_WRITER_MARKS && has_default(tree, node) &&
        !pk_leaf_inferred(tree, node, how))
        put_flag(out, "explicit", true);
    if (pk_leaf_is_raw(tree, node))
        put_flag(out, "raw", true);
    if (!node.fixed && pk_leaf_rec(tree, node)->flags & PK_REC_STOP)
        put_flag(out, "stopped", true);
}

/* Marks are of one packet. */
static pk_writer_cache *usable_cache(const pk_writer *how)
{
    return how && !(how->flags & PK_WRITER_MARKS) ? how->cache : NULL;
}

/* What the packet's bytes say: of a leaf its value and text, of a struct its text. */
static void put_said(pk_buf *out, const pk_tree *tree, pk_tree_node node, const pk_writer *how)
{
    bool leaf = pk_tree_is_leaf(tree, node);

    if (leaf)
        put_value(out, tree, node);
    if (!leaf || pk_tree_field(tree, node))
        put_text(out, "text", tree, node, how);
}

static void put_part(pk_buf *out, const pk_tree *tree, pk_tree_node node, const pk_writer *how)
{
    size_t start = out->len;

    put_said(out, tree, node, how);
    pk_script_part(usable_cache(how), out, start, node);
}

static void put_leaf(pk_buf *out, const pk_tree *tree, pk_tree_node leaf, const pk_writer *how)
{
    pk_writer_cache *cache = usable_cache(how);
    if (cache && pk_json_leaf(out, tree, leaf, cache))
        return;
    pk_bit_run runs[PK_TREE_RUNS];
    unsigned n = pk_tree_runs(tree, leaf, runs);
    uint64_t base = pk_leaf_base(tree, leaf);

    open_object(out);
    if (!pk_leaf_is_element(tree, leaf))
        put_name(out, "name", pk_tree_name(tree, leaf));
    put_number(out, "at", runs[0].off - base);
    put_number(out, "bits", pk_leaf_bits(tree, leaf));
    if (n > 1)
        put_runs(out, "runs", runs, n, base);
    put_part(out, tree, leaf, how);
    put_marks(out, tree, leaf, how);
    pk_buf_byte(out, '}');
}

static void put_place(pk_buf *out, const pk_tree *tree, uint32_t rec)
{
    uint64_t lo = tree->recs[rec].off, hi = lo + tree->recs[rec].bits;
    pk_bit_run run = {(uint32_t)lo, (uint32_t)(hi - lo)};

    put_number(out, "off", lo / 8);
    put_number(out, "len", (hi + 7) / 8 - lo / 8);
    if (lo % 8 || hi % 8) {
        put_key(out, "bit");
        pk_buf_byte(out, '[');
        pk_text_unsigned(out, run.off);
        pk_buf_byte(out, ',');
        pk_text_unsigned(out, run.bits);
        pk_buf_byte(out, ']');
    }
}

static void open_list(pk_buf *out, const pk_tree *tree, pk_tree_node list, const pk_writer *how)
{
    const pk_rec *rec = pk_leaf_rec(tree, list);

    put_name(out, "name", pk_tree_name(tree, list));
    put_number(out, "at", rec->off - pk_leaf_base(tree, list));
    put_number(out, "bits", rec->bits);
    put_marks(out, tree, list, how);
    put_key(out, "list");
    pk_buf_byte(out, '[');
}

static void open_struct(pk_buf *out, const pk_tree *tree, pk_tree_node node, const pk_writer *how)
{
    pk_ref layer = pk_tree_layer(tree, node);

    if (has_default(tree, node))
        put_name(out, "name", pk_tree_name(tree, node));
    put_name(out, "layer", pk_image_text(tree->image, tree->image->layers[layer].name));
    put_place(out, tree, node.rec);
    if (tree->image->layers[layer].codec)
        put_part(out, tree, node, how);
    put_marks(out, tree, node, how);
    put_key(out, "fields");
    pk_buf_byte(out, '[');
}

static void put_items(pk_buf *out, const pk_tree *tree, uint32_t root, const pk_writer *how)
{
    pk_writer_cache *cache = usable_cache(how);
    pk_visit visit = pk_visit_begin(root);
    uint32_t done = cache ? pk_json_fixed(out, tree, root, cache) : 0;

    if (done) /* on with what follows the last of them */
        visit =
            (pk_visit){.root = root, .started = true, .event = PK_VISIT_LEAF, .node = {root, done}};
    while (pk_visit_next(tree, &visit)) {
        if (visit.event == PK_VISIT_LEAF) {
            put_leaf(out, tree, visit.node, how);
        } else if (visit.event == PK_VISIT_CLOSE) {
            pk_buf_add(out, "]}", 2);
        } else if (!cache || !pk_json_open(out, tree, visit.node, cache)) {
            open_object(out);
            if (pk_tree_kind(tree, visit.node) == PK_REC_LIST)
                open_list(out, tree, visit.node, how);
            else
                open_struct(out, tree, visit.node, how);
        }
    }
}

static uint64_t layer_index(const pk_tree *tree, uint32_t rec)
{
    uint64_t index = 0;

    for (uint32_t at = pk_leaf_next_layer(tree, 0); at && at != rec; index++)
        at = pk_leaf_next_layer(tree, at);
    return index;
}

static void open_layer(pk_buf *out, const pk_tree *tree, uint32_t rec, uint32_t before)
{
    const pk_rec *at = &tree->recs[rec];

    open_object(out);
    put_name(out, "layer", pk_image_text(tree->image, tree->image->layers[at->id].name));
    if (at->up && at->up != before)
        put_number(out, "on", layer_index(tree, at->up));
    put_place(out, tree, rec);
    put_key(out, "fields");
    pk_buf_byte(out, '[');
}

static void put_layers(pk_buf *out, const pk_tree *tree, const pk_writer *how)
{
    pk_writer_cache *cache = usable_cache(how);

    put_key(out, "layers");
    pk_buf_byte(out, '[');
    for (uint32_t rec = pk_leaf_next_layer(tree, 0), before = 0; rec;
         before = rec, rec = pk_leaf_next_layer(tree, rec)) {
        const pk_rec *at = &tree->recs[rec];

        if ((at->up && at->up != before) || !cache || !pk_json_open_layer(out, tree, rec, cache))
            open_layer(out, tree, rec, before);
        put_items(out, tree, rec, how);
        pk_buf_text(out, "]}");
    }
    pk_buf_byte(out, ']');
}

static uint8_t *put_time(uint8_t *to, const pk_writer_packet *packet)
{
    uint32_t left = packet->nanoseconds % 1000000000;

    to = PK_PUT(to, ",\"time\":\"");
    if (packet->seconds < 0)
        *to++ = '-';
    to = pk_put_unsigned(to, packet->seconds < 0 ? -(uint64_t)packet->seconds
                                                 : (uint64_t)packet->seconds);
    *to++ = '.';
    for (unsigned i = 9; i-- > 0; left /= 10)
        to[i] = (uint8_t)('0' + left % 10);
    to += 9;
    *to++ = '"';
    return to;
}

static void put_origin(pk_buf *out, const pk_writer_packet *packet)
{
    if (packet && packet->interface) {
        pk_buf_text(out, ",\"interface\":");
        pk_escape_json(out, packet->interface, strlen(packet->interface));
    }
    if (packet && packet->offloaded)
        pk_buf_text(out, ",\"offloaded\":true");
}

/* Numbers, time and bytes of the packet. */
static void put_packet(pk_buf *out, const pk_tree *tree, const pk_writer_packet *packet)
{
    uint8_t *to = pk_buf_reserve(out, PACKET_ROOM + 2 * (size_t)tree->len);

    if (!to)
        return;
    to = PK_PUT(to, "{\"v\":1,\"n\":");
    to = pk_put_unsigned(to, packet ? packet->number : 1);
    if (packet && packet->has_time)
        to = put_time(to, packet);
    to = PK_PUT(to, ",\"len\":");
    to = pk_put_unsigned(to, tree->wire_len);
    to = PK_PUT(to, ",\"cap\":");
    to = pk_put_unsigned(to, tree->len);
    to = PK_PUT(to, ",\"hex\":\"");
    to = pk_put_hex(to, tree->bytes, tree->len);
    *to++ = '"';
    pk_put_done(out, to);
}

/* Leaves that belong to no layer; the key goes again when there are none. */
static void put_frame_items(pk_buf *out, const pk_tree *tree, const pk_writer *how)
{
    size_t before = out->len, empty;

    put_key(out, "fields");
    pk_buf_byte(out, '[');
    empty = out->len;
    put_items(out, tree, 0, how);
    if (out->len == empty)
        pk_text_truncate(out, before);
    else
        pk_buf_byte(out, ']');
}

void pk_write_json(pk_buf *out, const pk_tree *tree, const pk_writer *how,
                   const pk_writer_packet *packet)
{
    pk_writer_cache *cache = usable_cache(how);

    put_packet(out, tree, packet);
    put_origin(out, packet);
    if (cache && pk_script_write(out, tree, how, put_said))
        return;
    pk_script_begin(cache, out, tree);
    put_layers(out, tree, how);
    put_frame_items(out, tree, how);
    pk_buf_text(out, "}\n");
    pk_script_end(cache, out, tree);
}

/* ---- spans --------------------------------------------------------------------------------------
 */

static void span_value(pk_buf *out, const pk_tree *tree, pk_tree_node node, const pk_writer *how)
{
    const pk_image_field *field = &tree->image->fields[pk_tree_field(tree, node)];
    pk_value value = pk_tree_value(tree, node);
    size_t before = out->len;

    if (pk_leaf_is_raw(tree, node)) {
        put_flag(out, "blob", true);
    } else if (value.kind == PK_INT) {
        put_key(out, "int");
        if (field->type == PK_TYPE_INT)
            pk_text_signed(out, value.number);
        else
            pk_text_unsigned(out, (uint64_t)value.number);
    } else {
        put_text(out, "val", tree, node, how);
        if (out->len == before && value.kind == PK_BYTES && is_address((pk_type)field->type)) {
            put_key(out, "val");
            pk_buf_byte(out, '"');
            pk_text_plain(out, tree, node);
            pk_buf_byte(out, '"');
        } else if (out->len == before && pk_tree_is_leaf(tree, node)) {
            put_bits(out, tree, pk_leaf_extent(tree, node));
        }
    }
}

static pk_ref flag_set_of(const pk_tree *tree, pk_tree_node node)
{
    pk_ref field = pk_tree_field(tree, node);
    pk_ref names = field ? tree->image->fields[field].names : 0;

    return names && tree->image->enums[names].flags & 1 && !pk_leaf_is_raw(tree, node) ? names : 0;
}

static void put_flag_name(pk_buf *out, const pk_image *image, pk_ref names, unsigned bit)
{
    const pk_image_enum *set = &image->enums[names];

    pk_buf_byte(out, '.');
    for (uint32_t i = 0; i < set->n_entries; i++)
        if (image->entries[set->entries + i].value == bit) {
            pk_buf_text(out, pk_image_text(image, image->entries[set->entries + i].name));
            return;
        }
    pk_text_unsigned(out, bit);
}

/* Where bit `bit` of an integer lies, counted from its least significant. Runs ascend; of a
 * little-endian integer the low bits come first, byte by byte. */
static uint32_t bit_place(const pk_bit_run *runs, unsigned n, bool little, uint32_t bit)
{
    if (!little)
        return runs[0].off + runs[0].bits - 1 - bit;
    for (unsigned i = 0; i < n; i++)
        for (uint32_t at = runs[i].off, end = at + runs[i].bits, take; at < end; at += take) {
            take = 8 - at % 8 < end - at ? 8 - at % 8 : end - at;
            if (bit < take)
                return at + take - 1 - bit;
            bit -= take;
        }
    return runs[0].off;
}

/* A set of flags has a span for each bit too, named or not, so that the bits still tile it. */
static void put_flag_spans(pk_buf *out, const pk_tree *tree, uint32_t root, uint64_t index,
                           pk_tree_node node)
{
    pk_ref names = flag_set_of(tree, node);
    pk_bit_run runs[PK_TREE_RUNS] = {pk_leaf_extent(tree, node)};
    unsigned n = names ? pk_tree_runs(tree, node, runs) : 0;
    const pk_image_field *field = &tree->image->fields[pk_tree_field(tree, node)];
    pk_value value = pk_tree_value(tree, node);
    bool little = field->flags & PK_FIELD_LE || n > 1;
    uint32_t bits = 0;

    for (unsigned i = 0; i < n; i++)
        bits += runs[i].bits;
    for (uint32_t bit = bits; value.kind == PK_INT && bits > 1 && bit-- > 0;) {
        pk_bit_run run = {bit_place(runs, n, little, bit), 1};
        size_t start;

        open_object(out);
        if (root)
            put_number(out, "l", index);
        put_key(out, "name");
        start = out->len;
        pk_leaf_path(out, tree, root, node);
        put_flag_name(out, tree->image, names, bit);
        pk_text_escape_from(out, start, pk_escape_json);
        put_runs(out, "bits", &run, 1, 0);
        put_number(out, "int", (uint64_t)value.number >> (bit & 63) & 1);
        pk_buf_byte(out, '}');
    }
}

/* Leaves, and structs that are written as one text. */
static void put_span(pk_buf *out, const pk_tree *tree, uint32_t root, uint64_t index,
                     pk_tree_node node, const pk_writer *how)
{
    pk_bit_run runs[PK_TREE_RUNS] = {pk_leaf_extent(tree, node)};
    unsigned n = pk_tree_is_leaf(tree, node) ? pk_tree_runs(tree, node, runs) : 1;
    size_t start;

    if (!runs[0].bits)
        return;
    open_object(out);
    if (root)
        put_number(out, "l", index);
    put_key(out, "name");
    start = out->len;
    pk_leaf_path(out, tree, root, node);
    pk_text_escape_from(out, start, pk_escape_json);
    put_runs(out, "bits", runs, n, 0);
    span_value(out, tree, node, how);
    pk_buf_byte(out, '}');
}

static void put_spans_of(pk_buf *out, const pk_tree *tree, uint32_t root, uint64_t index,
                         const pk_writer *how)
{
    pk_visit visit = pk_visit_begin(root);

    while (pk_visit_next(tree, &visit)) {
        pk_ref layer = pk_tree_layer(tree, visit.node);

        if (visit.event == PK_VISIT_LEAF ||
            (visit.event == PK_VISIT_OPEN && layer && tree->image->layers[layer].codec))
            put_span(out, tree, root, index, visit.node, how);
        if (visit.event == PK_VISIT_LEAF)
            put_flag_spans(out, tree, root, index, visit.node);
    }
}

static bool has_cut(const pk_tree *tree)
{
    for (uint32_t i = 1; i < tree->count; i++)
        if (tree->recs[i].kind == PK_REC_CUT)
            return true;
    return false;
}

void pk_write_spans(pk_buf *out, const pk_tree *tree, const pk_writer *how,
                    const pk_writer_packet *packet)
{
    uint64_t index = 0;

    pk_buf_byte(out, '{');
    put_number(out, "n", packet ? packet->number : 1);
    put_flag(out, "malformed", has_cut(tree));
    put_key(out, "layers");
    pk_buf_byte(out, '[');
    for (uint32_t rec = pk_leaf_next_layer(tree, 0); rec; rec = pk_leaf_next_layer(tree, rec)) {
        const pk_rec *at = &tree->recs[rec];

        open_object(out);
        put_name(out, "name", pk_image_text(tree->image, tree->image->layers[at->id].name));
        put_number(out, "pos", at->off / 8);
        put_number(out, "len", (pk_leaf_head_bits(tree, rec) + 7) / 8);
        pk_buf_byte(out, '}');
    }
    pk_buf_byte(out, ']');
    put_key(out, "fields");
    pk_buf_byte(out, '[');
    for (uint32_t rec = pk_leaf_next_layer(tree, 0); rec; rec = pk_leaf_next_layer(tree, rec))
        put_spans_of(out, tree, rec, index++, how);
    put_spans_of(out, tree, 0, 0, how);
    pk_buf_text(out, "]}\n");
}
