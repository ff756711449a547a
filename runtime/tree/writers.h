/*
 * Writers: a finished tree as text, in every form that pktc shows packets in.
 *
 *   tree    every field on a line of its own, for people (tree form)
 *   line    one line a packet: the layers and what is remarkable in them
 *   source  the packet as a description: compiling and building it gives the same bytes
 *   json    one JSON object a line, complete (JSON below)
 *   spans   one JSON object a line with the absolute bits of every leaf, to compare dissectors
 *   hex     offset, sixteen bytes, ASCII; or the bytes as one line of hexadecimal digits
 *   c       the bytes as the initialiser of a C array
 *
 * Columns chosen by path (`-T fields -e ip.src`, CSV, JSON lines) are in tree/columns.h, the text
 * of single values in tree/value_text.h.
 *
 * All writers append to the caller's buffer, whose sticky error is the only thing that can fail;
 * they allocate nothing else, recurse nowhere, and are reading any tree that tree.h allows, however
 * strange: what a record says is written, and every leaf is written once. Everything that comes
 * from the packet or from the image passes through base/escape.h. Nothing here knows a protocol:
 * names, widths and meanings come from the image.
 *
 * Inferred and explicit. A field whose default expression gives exactly the bits on the wire is
 * inferred, the others are explicit (LANGUAGE.md 3.2). Only a machine can evaluate defaults, so the
 * writers ask the caller (pk_writer). Without an answer, source writes every field, and line falls
 * back on what can be seen without a machine: a field equal to its constant default, or one whose
 * default is computed, is left out.
 *
 * Tree form
 *
 *   packet 1, 54 bytes
 *   ip  20 bytes
 *     ttl = 64
 *     proto = 6 (tcp)
 *     options  1 element, 4 bytes
 *       tcp_option  4 bytes
 *       ...
 *   raw payload and long byte strings as indented dump lines
 *
 * A layer starts at the margin whatever lies below it; fields behind a payload follow it under
 * `eth, behind its payload`. Lines are at most 80 columns unless one name or text is longer.
 * Verbosity 1 adds where a field lies (byte, or byte.bit, and width in bits) and marks explicit
 * fields with `*`; verbosity 2 adds the field's documentation and, for an explicit field, its
 * default as written. Leftovers are fields named `_cut`, `_rest`, `options_rest`..
 *
 * JSON
 *
 *   packet  {"v":1, "n":number, "time":"seconds.nanoseconds", "len":bytes on the wire,
 *            "cap":captured bytes, "hex":"the captured bytes", "layers":[layer..],
 *            "fields":[leaf..]}
 *   layer   {"layer":name, "off":byte, "len":bytes, "fields":[item..]}
 *   item    leaf, list or struct
 *   leaf    {"name":name, "at":bit, "bits":count, "value":number or text}, or with
 *           "hex":"digits" in place of the value
 *   list    {"name":name, "at":bit, "bits":count, "list":[element..]}
 *   struct  {"name":name, "layer":type, "off":byte, "len":bytes, "fields":[item..]}
 *
 * - `layers` holds the stack of payloads, outermost first. "on" gives the index of the layer below
 *   where that is not the one before. A layer's `len` counts its payload. Structs and the cases of
 *   structs are nested where they stand: the payload of a struct is the item without a name. An
 *   element of a list is a leaf or struct without a name.
 * - `off` counts bytes from the packet's start. An instance that does not begin or end at a whole
 *   byte also has "bit": [first bit from the packet's start, number of bits]; its `off` is then
 *   rounded down and its `len` up.
 * - `at` counts bits from the start of the layer or struct that holds the item (so it is the same
 *   number in every packet for a field at a fixed place); in the packet's own "fields", which holds
 *   leaves that belong to no layer and is left out when there are none, from the packet's start.
 *   A field in two pieces (a little-endian bit group) also has "runs": [[at, bits], [at, bits]].
 * - Integers are JSON numbers when the field's width is a constant of at most 53 bits, else always
 *   strings of decimal digits, so that a reader with doubles loses nothing and a field never
 *   changes its JSON type. Addresses are strings in "value". Byte strings have "hex" instead; when
 *   its bits are no whole bytes, "bits01" with a digit a bit.
 * - "text" is there when the value has a meaning: enumerator, flags, text codec, also on a struct.
 *   Escaped so that no byte is lost (base/escape.h).
 * - "explicit":true with PK_WRITER_MARKS, where the value differs from its default.
 * - "raw":true on bytes that nobody dissected (payload, rest, cut), "stopped":true where a limit of
 *   the machine ended the dissection.
 *
 * The leaves partition the packet: JSON accounts for every bit once, and "hex" alone rebuilds it
 * (JSON to bytes to JSON is the identity). No object has a key twice; no key depends on the packet.
 *
 * Spans
 *
 *   {"n":1, "malformed":bool, "layers":[{"name","pos","len"}],
 *    "fields":[{"l","name","bits","int"}]}
 *
 * `pos` and `len` are bytes, `len` without the payload. `bits` are [first absolute bit, count]
 * runs; the value is "int", else "val" (address or codec text) or "hex"; leaves that nobody
 * dissected have "blob":true. A name is the path inside its layer; a set of flags is followed by a
 * field for each of its bits, `flags.S`, `flags.9` where it has no name. A packet is malformed when
 * something in it did not fit (a cut).
 *
 * Source
 *
 * `ip(src=10.0.0.1, dst=10.0.0.2)/icmp(type=echo)/"abc"`: explicit fields by name; a case by its
 * name alone (`mss(1460)`, `nop`, also where it has no content and so no record) unless its carrier
 * has something of its own to say (`tcp_option(length=99)/mss()`); text in quotes where all of it
 * is readable, else x".."; leftovers as `_rest`, `_cut`, `options_rest`; the field before a cut is
 * always written, because `_cut` means "up to the last item named"; what follows a payload behind
 * everything is joined by `+`. A frame that begins with bytes is `send x".."`, for bytes alone are
 * no statement. Symbols are used only where reading them gives the same bits; an enumerator whose
 * name means something else as well (a layer, a word of the language) is written as a number.
 */
#ifndef PK_TREE_WRITERS_H
#define PK_TREE_WRITERS_H

#include "base/buf.h"
#include "tree/tree.h"

/* What a writer keeps from packet to packet, to be faster: made for one image, used by one thread.
 * NULL when memory is refused, which is as good a value of `cache` below, only slower. */
typedef struct pk_writer_cache pk_writer_cache;
pk_writer_cache *pk_writer_cache_new(const pk_image *image);
void pk_writer_cache_free(pk_writer_cache *cache);

/* What writers ask. Each function may be NULL, and a writer itself may be NULL: see above. */
typedef struct pk_writer {
    /* Whether the default of `node` gives its bits. Asked of fields, lists, and instances that are
     * the value of a field; never of list elements, payloads or leftovers. */
    bool (*inferred)(void *context, const pk_tree *tree, pk_tree_node node);
    /* Expression `expr` in instance `self`: which enum names a value, the integer of a two-way
     * scalar, a derived column. */
    pk_value (*eval)(void *context, const pk_tree *tree, pk_tree_node self, pk_ref expr);
    void *context;
    unsigned verbosity;     /* tree form: 0 to 2 */
    uint32_t flags;         /* PK_WRITER_* */
    pk_writer_cache *cache; /* of the tree's image, may be NULL */
} pk_writer;
enum {
    PK_WRITER_MARKS = 1 /* json, tree: say which fields are explicit */
};

/* What is known of a packet beside its bytes; NULL: number 1, no time. */
typedef struct pk_writer_packet {
    uint64_t number; /* from 1 */
    bool has_time;
    int64_t seconds; /* since 1970-01-01, UTC */
    uint32_t nanoseconds;
    const char *interface; /* where it was seen; NULL: not told */
    bool offloaded;        /* checksums are left to the hardware, and so not there yet */
} pk_writer_packet;

void pk_write_tree(pk_buf *out, const pk_tree *tree, const pk_writer *how,
                   const pk_writer_packet *packet);
void pk_write_json(pk_buf *out, const pk_tree *tree, const pk_writer *how,
                   const pk_writer_packet *packet);
void pk_write_spans(pk_buf *out, const pk_tree *tree, const pk_writer *how,
                    const pk_writer_packet *packet);

/* Without a number or time, ends without a newline: the caller frames the line. */
void pk_write_line(pk_buf *out, const pk_tree *tree, const pk_writer *how);
void pk_write_source(pk_buf *out, const pk_tree *tree, const pk_writer *how);

/* The dump's lines are indented by `indent` blanks and end with a newline each; an empty packet has
 * none. The line form is digits only, without a newline. */
void pk_write_hex(pk_buf *out, pk_bytes bytes, unsigned indent);
void pk_write_hex_line(pk_buf *out, pk_bytes bytes);
void pk_write_c(pk_buf *out, pk_bytes bytes, const char *name);

#endif
