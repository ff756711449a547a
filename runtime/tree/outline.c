/*
 * The tree form: every field on a line of its own. Its look is described in writers.h.
 */
#include "tree/writers.h"

#include <string.h>

#include "base/escape.h"
#include "tree/leaf.h"
#include "tree/value_text.h"

enum { COLUMNS = 80, STEP = 2, PLACE_WIDTH = 14, DUMP_INDENT_LIMIT = 8 };

typedef struct outline {
    pk_buf *out;
    const pk_tree *tree;
    const pk_writer *how;
    unsigned verbosity;
    size_t line; /* where the line at hand begins in `out` */
} outline;

static void put_safe(pk_buf *out, const char *text)
{
    pk_escape_terminal(out, text, strlen(text));
}

static void put_blanks(pk_buf *out, size_t n)
{
    while (n--)
        pk_buf_byte(out, ' ');
}

static void end_line(outline *o)
{
    pk_buf_byte(o->out, '\n');
    o->line = o->out->len;
}

/* "20", or "20.4": a byte and a bit in it. */
static void put_bit_number(pk_buf *out, uint64_t bit)
{
    pk_text_unsigned(out, bit / 8);
    if (bit % 8) {
        pk_buf_byte(out, '.');
        pk_text_unsigned(out, bit % 8);
    }
}

/* At verbosity 1: first byte + bytes, both with .bits where they are not whole. */
static void put_place(outline *o, uint64_t off, uint64_t bits)
{
    if (!o->verbosity)
        return;
    put_bit_number(o->out, off);
    pk_buf_byte(o->out, '+');
    put_bit_number(o->out, bits);
    do
        pk_buf_byte(o->out, ' ');
    while (!o->out->failed && o->out->len - o->line < PLACE_WIDTH);
}

static bool marks(const outline *o)
{
    return o->verbosity || (o->how && o->how->flags & PK_WRITER_MARKS);
}

static bool is_explicit(const outline *o, pk_tree_node node)
{
    return marks(o) && !pk_leaf_is_element(o->tree, node) && !pk_leaf_is_payload(o->tree, node) &&
           !pk_leaf_is_raw(o->tree, node) && !pk_leaf_inferred(o->tree, node, o->how);
}

/* Place, indentation and mark. */
static void begin_line(outline *o, pk_tree_node node, unsigned depth)
{
    pk_bit_run run = pk_leaf_extent(o->tree, node);
    uint64_t bits = pk_tree_is_leaf(o->tree, node) ? pk_leaf_bits(o->tree, node) : run.bits;

    o->line = o->out->len;
    put_place(o, run.off, bits);
    if (marks(o))
        pk_buf_text(o->out, is_explicit(o, node) ? "* " : "  ");
    put_blanks(o->out, (size_t)depth * STEP);
}

static void put_size(pk_buf *out, uint64_t bits)
{
    bool whole = bits % 8 == 0;
    uint64_t n = whole ? bits / 8 : bits;

    pk_text_unsigned(out, n);
    pk_buf_text(out, whole ? " byte" : " bit");
    pk_buf_text(out, n == 1 ? "" : "s");
}

/* ---- values -------------------------------------------------------------------------------------
 */

/* An integer with its meaning behind it, an address, or bytes by codec, as text or in hexadecimal.
 */
static void put_value(outline *o, pk_tree_node leaf)
{
    pk_value value = pk_tree_value(o->tree, leaf);
    pk_ref ref = pk_tree_field(o->tree, leaf);
    size_t start;

    if (value.kind == PK_INT) {
        pk_text_plain(o->out, o->tree, leaf);
        start = o->out->len;
        pk_buf_text(o->out, " (");
        if (pk_text_meaning(o->out, o->tree, leaf, o->how)) {
            pk_text_escape_from(o->out, start, pk_escape_terminal);
            pk_buf_byte(o->out, ')');
        } else {
            pk_text_truncate(o->out, start);
        }
    } else if (!ref || !pk_text_by_codec(o->out, o->tree, leaf)) {
        pk_text_plain(o->out, o->tree, leaf);
    }
}

/* What else is known of a field: its documentation, and the default that it differs from. */
static void put_notes(outline *o, pk_tree_node node)
{
    const pk_image *image = o->tree->image;
    const pk_image_field *field = &image->fields[pk_tree_field(o->tree, node)];
    pk_ref text = field->init ? image->exprs[field->init].text : 0;
    bool differs = text && is_explicit(o, node);

    if (o->verbosity < 2 || !pk_tree_field(o->tree, node) || !(field->doc || differs))
        return;
    pk_buf_text(o->out, "  # ");
    put_safe(o->out, pk_image_text(image, field->doc));
    if (differs) {
        pk_buf_text(o->out, field->doc ? "; default " : "default ");
        put_safe(o->out, pk_image_text(image, text));
    }
}

/* Bytes that do not fit the line are dumped below it. */
static bool dump_instead(outline *o, pk_tree_node leaf, size_t value, unsigned depth)
{
    pk_bytes bytes;
    size_t indent = (size_t)depth * STEP + STEP;

    if (o->out->failed || o->out->len - o->line <= COLUMNS ||
        !pk_leaf_whole_bytes(o->tree, leaf, &bytes))
        return false;
    pk_text_truncate(o->out, value);
    put_size(o->out, 8 * (uint64_t)bytes.len);
    if (pk_leaf_rec(o->tree, leaf)->flags & PK_REC_STOP && !leaf.fixed)
        pk_buf_text(o->out, " (dissection stopped)");
    put_notes(o, leaf);
    end_line(o);
    pk_write_hex(o->out, bytes, indent > DUMP_INDENT_LIMIT ? DUMP_INDENT_LIMIT : (unsigned)indent);
    o->line = o->out->len;
    return true;
}

static void put_leaf(outline *o, pk_tree_node leaf, unsigned depth)
{
    size_t value;

    if (!o->verbosity && !pk_leaf_bits(o->tree, leaf) && pk_tree_kind(o->tree, leaf) != PK_REC_CUT)
        return;
    begin_line(o, leaf, depth);
    put_safe(o->out, pk_tree_name(o->tree, leaf));
    pk_buf_text(o->out, " = ");
    value = o->out->len;
    put_value(o, leaf);
    if (dump_instead(o, leaf, value, depth))
        return;
    if (!leaf.fixed && pk_leaf_rec(o->tree, leaf)->flags & PK_REC_STOP)
        pk_buf_text(o->out, " (dissection stopped)");
    put_notes(o, leaf);
    end_line(o);
}

/* ---- lists and structs
 * --------------------------------------------------------------------------- */

/* Breaks the line before what was appended from `start` on, if the terminal ends within it. */
static void wrap(outline *o, size_t start, size_t indent)
{
    size_t len = o->out->len - start;

    if (o->out->failed || o->out->len - o->line <= COLUMNS || start - o->line <= indent ||
        !pk_buf_reserve(o->out, indent + 1))
        return;
    memmove(o->out->data + start + indent, o->out->data + start, len);
    memset(o->out->data + start, ' ', indent);
    o->out->data[start] = '\n';
    o->out->len += indent;
    o->line = start + 1;
}

/* A list of scalars on one line, broken where the terminal ends. Each item begins with a blank. */
static void put_scalars(outline *o, pk_tree_node list, unsigned depth)
{
    size_t indent;

    pk_buf_text(o->out, " = [");
    indent = o->out->len - o->line;
    if (indent > COLUMNS / 2)
        indent = (size_t)(depth + 2) * STEP;
    for (pk_tree_node at = pk_tree_first(o->tree, list); !pk_tree_none(at);) {
        pk_tree_node next = pk_tree_next(o->tree, at);
        size_t start = o->out->len;
        bool first = at.rec == list.rec + 1;

        pk_buf_text(o->out, first ? "" : " ");
        put_value(o, at);
        pk_buf_byte(o->out, pk_tree_none(next) ? ']' : ',');
        if (!first)
            wrap(o, start, indent);
        at = next;
    }
    end_line(o);
}

/* Returns whether what is inside has been shown already. */
static bool open_list(outline *o, pk_tree_node list, unsigned depth)
{
    uint32_t n = pk_tree_count(o->tree, list);
    pk_tree_node first = pk_tree_first(o->tree, list);

    if (!n && !o->verbosity)
        return true;
    begin_line(o, list, depth);
    put_safe(o->out, pk_tree_name(o->tree, list));
    if (n && pk_tree_kind(o->tree, first) == PK_REC_FIELD) {
        put_scalars(o, list, depth);
        return true;
    }
    pk_buf_printf(o->out, "  %u element%s, ", n, n == 1 ? "" : "s");
    put_size(o->out, pk_leaf_rec(o->tree, list)->bits);
    put_notes(o, list);
    end_line(o);
    return false;
}

/* `tcp_option/mss`: what it is, and which case it carries. */
static void put_type(outline *o, pk_tree_node instance)
{
    const pk_image *image = o->tree->image;
    pk_tree_node payload = pk_tree_payload(o->tree, instance), key;
    pk_ref layer = pk_tree_layer(o->tree, instance);
    pk_ref upper = pk_tree_none(payload) ? pk_leaf_empty_case(o->tree, instance, &key)
                                         : pk_tree_layer(o->tree, payload);

    put_safe(o->out, pk_image_text(image, image->layers[layer].name));
    if (upper && image->layers[upper].parent == layer) {
        pk_buf_byte(o->out, '/');
        put_safe(o->out, pk_image_text(image, image->layers[upper].name));
    }
}

static bool open_struct(outline *o, pk_tree_node node, unsigned depth)
{
    const pk_tree *tree = o->tree;
    const char *name = pk_tree_name(tree, node);
    pk_ref layer = pk_tree_layer(tree, node);
    bool named = !pk_leaf_is_element(tree, node) && !pk_leaf_is_payload(tree, node), known;

    begin_line(o, node, depth);
    if (named) {
        put_safe(o->out, name);
        pk_buf_text(o->out, " = ");
    }
    known = pk_text_by_codec(o->out, tree, node);
    if (known && o->verbosity)
        pk_buf_text(o->out, "  ");
    if (!known || o->verbosity) {
        put_type(o, node);
        pk_buf_text(o->out, "  ");
        put_size(o->out, tree->recs[node.rec].bits);
    }
    put_notes(o, node);
    end_line(o);
    return known && !o->verbosity && layer;
}

/* ---- layers
 * -------------------------------------------------------------------------------------- */

static void put_layer_line(outline *o, uint32_t rec)
{
    const pk_tree *tree = o->tree;

    o->line = o->out->len;
    put_place(o, tree->recs[rec].off, tree->recs[rec].bits);
    put_safe(o->out, pk_image_text(tree->image, tree->image->layers[tree->recs[rec].id].name));
    pk_buf_text(o->out, "  ");
    put_size(o->out, pk_leaf_head_bits(tree, rec));
    end_line(o);
}

static void put_behind_line(outline *o, uint32_t rec)
{
    const pk_tree *tree = o->tree;

    o->line = o->out->len;
    if (!rec) {
        pk_buf_text(o->out, "behind everything");
    } else {
        put_safe(o->out, pk_image_text(tree->image, tree->image->layers[tree->recs[rec].id].name));
        pk_buf_text(o->out, ", behind its payload");
    }
    end_line(o);
}

/* Is there something to show of `rec` from its record `from` on? */
static bool shows(const outline *o, uint32_t rec, uint32_t from)
{
    pk_visit visit = pk_visit_part(rec, from);

    while (pk_visit_next(o->tree, &visit)) {
        if (o->verbosity || pk_leaf_extent(o->tree, visit.node).bits ||
            pk_tree_kind(o->tree, visit.node) == PK_REC_CUT)
            return true;
        pk_visit_skip(&visit);
    }
    return false;
}

/* What `rec` has from its record `from` on to its next payload layer, which is returned (0 = none).
 */
static uint32_t put_part(outline *o, uint32_t rec, uint32_t from)
{
    pk_visit visit = pk_visit_part(rec, from);

    if (from && shows(o, rec, from))
        put_behind_line(o, rec);
    while (pk_visit_next(o->tree, &visit)) {
        unsigned depth = visit.depth + (rec || from ? 1 : 0);
        bool done = false;

        if (visit.event == PK_VISIT_LEAF)
            put_leaf(o, visit.node, depth);
        else if (visit.event == PK_VISIT_OPEN)
            done = pk_tree_kind(o->tree, visit.node) == PK_REC_LIST
                       ? open_list(o, visit.node, depth)
                       : open_struct(o, visit.node, depth);
        if (done)
            pk_visit_skip(&visit);
    }
    return visit.layer;
}

static void put_packet_line(outline *o, const pk_writer_packet *packet)
{
    pk_buf_text(o->out, "packet ");
    pk_text_unsigned(o->out, packet ? packet->number : 1);
    pk_buf_text(o->out, ", ");
    put_size(o->out, 8 * (uint64_t)o->tree->len);
    if (o->tree->wire_len > o->tree->len) {
        pk_buf_text(o->out, " captured of ");
        pk_text_unsigned(o->out, o->tree->wire_len);
    }
    if (packet && packet->has_time)
        pk_buf_printf(o->out, ", %lld.%09u s", (long long)packet->seconds,
                      (unsigned)packet->nanoseconds);
    if (packet && packet->interface) {
        pk_buf_text(o->out, ", on ");
        pk_escape_terminal(o->out, packet->interface, strlen(packet->interface));
    }
    if (packet && packet->offloaded)
        pk_buf_text(o->out, ", checksums offloaded");
    end_line(o);
}

void pk_write_tree(pk_buf *out, const pk_tree *tree, const pk_writer *how,
                   const pk_writer_packet *packet)
{
    outline o = {out, tree, how, how ? how->verbosity : 0, out->len};
    uint32_t at = 0, layer;

    put_packet_line(&o, packet);
    layer = put_part(&o, 0, 0);
    /* Down into each payload layer, and back out to what stands behind it. */
    for (;;) {
        while (layer) {
            at = layer;
            put_layer_line(&o, at);
            layer = put_part(&o, at, 0);
        }
        if (!at)
            return;
        layer = put_part(&o, tree->recs[at].up, tree->recs[at].end);
        at = tree->recs[at].up;
    }
}
