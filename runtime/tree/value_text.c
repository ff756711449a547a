#include "tree/value_text.h"

#include <string.h>

#include "base/escape.h"
#include "base/literal.h"
#include "tree/bits.h"
#include "tree/leaf.h"
#include "tree/prepared.h"

static const char digits16[] = "0123456789abcdef";

void pk_text_unsigned(pk_buf *out, uint64_t number)
{
    char text[20];
    size_t at = sizeof text;

    do
        text[--at] = (char)('0' + number % 10);
    while (number /= 10);
    pk_buf_add(out, text + at, sizeof text - at);
}

void pk_text_signed(pk_buf *out, int64_t number)
{
    if (number < 0)
        pk_buf_byte(out, '-');
    pk_text_unsigned(out, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

void pk_text_hexadecimal(pk_buf *out, uint64_t number, unsigned digits)
{
    char text[18];
    size_t at = sizeof text;

    do {
        text[--at] = digits16[number & 15];
        number >>= 4;
    } while (number || (digits < 17 && sizeof text - at < digits));
    text[--at] = 'x';
    text[--at] = '0';
    pk_buf_add(out, text + at, sizeof text - at);
}

void pk_text_hex_bytes(pk_buf *out, pk_bytes bytes)
{
    uint8_t *to = pk_buf_reserve(out, 2 * bytes.len);

    if (!to)
        return;
    for (size_t i = 0; i < bytes.len; i++) {
        *to++ = (uint8_t)digits16[bytes.data[i] >> 4];
        *to++ = (uint8_t)digits16[bytes.data[i] & 15];
    }
    out->len += 2 * bytes.len;
    out->data[out->len] = 0;
}

void pk_text_integer(pk_buf *out, const pk_image_field *field, int64_t number)
{
    unsigned digits = (field->bits + 3u) / 4;

    if (field->flags & PK_FIELD_HEX) {
        uint64_t mask =
            field->bits && field->bits < 64 ? (UINT64_C(1) << field->bits) - 1 : UINT64_MAX;

        pk_text_hexadecimal(out, (uint64_t)number & mask, digits > 16 ? 16 : digits);
    } else if (field->type == PK_TYPE_INT) {
        pk_text_signed(out, number);
    } else {
        pk_text_unsigned(out, (uint64_t)number);
    }
}

static void put_hex_literal(pk_buf *out, pk_bytes bytes)
{
    pk_buf_text(out, "x\"");
    pk_text_hex_bytes(out, bytes);
    pk_buf_byte(out, '"');
}

static void put_quoted(pk_buf *out, pk_bytes text)
{
    pk_buf_byte(out, '"');
    pk_escape_literal(out, text.data, text.len);
    pk_buf_byte(out, '"');
}

void pk_text_bytes(pk_buf *out, pk_bytes bytes)
{
    if (bytes.len && pk_codec_readable(bytes))
        put_quoted(out, bytes);
    else
        put_hex_literal(out, bytes);
}

void pk_text_bits(pk_buf *out, const uint8_t *bytes, uint64_t off, uint64_t bits)
{
    if (bits % 8 == 0 && off % 8 == 0) {
        put_hex_literal(out, (pk_bytes){bytes + off / 8, (size_t)(bits / 8)});
        return;
    }
    pk_buf_text(out, bits % 8 ? "bits\"" : "x\"");
    for (uint64_t i = 0; i < bits; i += bits % 8 ? 1 : 4)
        pk_buf_byte(out, (uint8_t)digits16[pk_bits_get(bytes, off + i, bits % 8 ? 1 : 4)]);
    pk_buf_byte(out, '"');
}

/* ---- names -------------------------------------------------------------------------------------
 */

/* The value that selects among enums. Nearly always it is another field of the same instance, which
 * needs no machine. */
static pk_value selector(const pk_tree *tree, pk_tree_node leaf, pk_ref expr, const pk_writer *how)
{
    const pk_image *image = tree->image;
    const pk_image_expr *code = &image->exprs[expr];
    pk_tree_node owner = pk_tree_owner(tree, leaf);

    if (code->count == 2 && image->code[code->start].op == PK_OPC_SLOT &&
        image->code[code->start + 1].op == PK_OPC_RET) {
        pk_tree_node other = pk_tree_slot(tree, owner, image->code[code->start].d);

        return pk_tree_none(other) ? pk_value_undefined() : pk_tree_value(tree, other);
    }
    return how && how->eval ? how->eval(how->context, tree, owner, expr) : pk_value_undefined();
}

pk_ref pk_text_enum(const pk_tree *tree, pk_tree_node leaf, const pk_writer *how)
{
    const pk_image *image = tree->image;
    pk_ref ref = pk_tree_field(tree, leaf), names = image->fields[ref].names;
    pk_value key;

    if (!names || !image->fields[ref].select)
        return names;
    key = selector(tree, leaf, image->fields[ref].select, how);
    if (key.kind != PK_INT)
        return 0;
    while (names &&
           !(image->enums[names].chained && image->enums[names].select == (uint64_t)key.number))
        names = image->enums[names].next;
    return names;
}

static bool single_letters(const pk_image *image, const pk_image_enum *set)
{
    for (uint32_t i = 0; i < set->n_entries; i++) {
        const char *name = pk_image_text(image, image->entries[set->entries + i].name);

        if (!name[0] || name[1])
            return false;
    }
    return true;
}

/* Flags, lowest bit first, then what has no name as one number. */
static bool put_flags(pk_buf *out, const pk_image *image, const pk_image_enum *set, uint64_t number)
{
    bool letters = single_letters(image, set), first = true;
    uint64_t left = number;

    for (unsigned bit = 0; bit < 64 && number >> bit; bit++) {
        if (!(number >> bit & 1))
            continue;
        for (uint32_t i = 0; i < set->n_entries; i++) {
            const pk_image_entry *entry = &image->entries[set->entries + i];

            if (entry->value != bit)
                continue;
            if (!first && !letters)
                pk_buf_byte(out, '|');
            pk_buf_text(out, pk_image_text(image, entry->name));
            left &= ~(UINT64_C(1) << bit);
            first = false;
            break;
        }
    }
    if (left && !first) {
        pk_buf_byte(out, '|');
        pk_text_hexadecimal(out, left, 0);
    }
    return !first;
}

bool pk_text_enumerator(pk_buf *out, const pk_image *image, pk_ref names, uint64_t number)
{
    const pk_image_enum *set = &image->enums[names];

    if (!names)
        return false;
    if (set->flags & 1)
        return put_flags(out, image, set, number);
    for (uint32_t i = 0; i < set->n_entries; i++) {
        const pk_image_entry *entry = &image->entries[set->entries + i];

        if (entry->value == number) {
            pk_buf_text(out, pk_image_text(image, entry->name));
            return true;
        }
    }
    return false;
}

/* ---- codecs ------------------------------------------------------------------------------------
 */

pk_codec pk_text_codec(const pk_image *image, pk_ref name)
{
    return name ? pk_codec_find(pk_image_text(image, name)) : PK_CODEC_NONE;
}

/* The bytes of a field when they are constant, else UINT64_MAX. */
static uint64_t width_of(const pk_image *image, pk_ref ref)
{
    const pk_image_field *field = &image->fields[ref];
    pk_value width;

    if (field->bits)
        return field->bits / 8;
    if (!field->width || !pk_leaf_constant(image, field->width, &width) || width.kind != PK_INT)
        return UINT64_MAX;
    return (uint64_t)width.number;
}

/* The codec by which `node` is written and its bytes; NONE when it has none or is not whole bytes.
 */
static pk_codec codec_of(const pk_tree *tree, pk_tree_node node, pk_bytes *ret_bytes)
{
    const pk_image *image = tree->image;
    pk_ref layer = pk_tree_layer(tree, node), field = pk_tree_field(tree, node);
    pk_codec codec = layer ? pk_text_codec(image, image->layers[layer].codec)
                           : pk_text_codec(image, image->fields[field].codec);

    if (codec == PK_CODEC_NONE || !pk_leaf_whole_bytes(tree, node, ret_bytes))
        return PK_CODEC_NONE;
    if (codec == PK_CODEC_PADDED && field && width_of(image, field) != ret_bytes->len)
        return PK_CODEC_NONE;
    return codec;
}

/* An integer field with a codec goes by its encoded bytes like any other. */
bool pk_text_meaning(pk_buf *out, const pk_tree *tree, pk_tree_node node, const pk_writer *how)
{
    pk_ref names = pk_tree_field(tree, node) ? pk_text_enum(tree, node, how) : 0;
    pk_bytes bytes;
    pk_codec codec;

    if (names) {
        pk_value value = pk_tree_value(tree, node);

        return value.kind == PK_INT &&
               pk_text_enumerator(out, tree->image, names, (uint64_t)value.number);
    }
    codec = codec_of(tree, node, &bytes);
    return codec != PK_CODEC_NONE && pk_codec_decode(codec, bytes, out);
}

/* ---- leaves ------------------------------------------------------------------------------------
 */

static void put_address(pk_buf *out, pk_type type, const uint8_t *bytes)
{
    uint8_t *to = type == PK_TYPE_IP6 ? NULL : pk_buf_reserve(out, 32);

    if (type == PK_TYPE_IP6)
        pk_literal_add_ip6(out, bytes);
    else if (to)
        pk_put_done(out, type == PK_TYPE_IP4 ? pk_put_ip4(to, bytes) : pk_put_mac(to, bytes));
}

static bool is_address(const pk_image_field *field, pk_value value)
{
    return value.kind == PK_BYTES && ((field->type == PK_TYPE_IP4 && value.len == 4) ||
                                      (field->type == PK_TYPE_IP6 && value.len == 16) ||
                                      (field->type == PK_TYPE_MAC && value.len == 6));
}

/* A field in several pieces is an integer of at most 64 bits: its bits are gathered in wire order.
 */
static void put_raw_bits(pk_buf *out, const pk_tree *tree, pk_tree_node leaf)
{
    pk_bit_run runs[PK_TREE_RUNS];
    unsigned n = pk_tree_runs(tree, leaf, runs), bits = 0;
    uint8_t gathered[8] = {0};

    if (n < 2) {
        pk_text_bits(out, tree->bytes, runs[0].off, n ? runs[0].bits : 0);
        return;
    }
    for (unsigned i = 0; i < n && bits + runs[i].bits <= 64; i++) {
        pk_bits_put(gathered, bits, runs[i].bits,
                    pk_bits_get(tree->bytes, runs[i].off, runs[i].bits));
        bits += runs[i].bits;
    }
    pk_text_bits(out, gathered, 0, bits);
}

void pk_text_plain(pk_buf *out, const pk_tree *tree, pk_tree_node leaf)
{
    const pk_image_field *field = &tree->image->fields[pk_tree_field(tree, leaf)];
    pk_value value = pk_tree_value(tree, leaf);

    if (value.kind == PK_INT)
        pk_text_integer(out, field, value.number);
    else if (is_address(field, value))
        put_address(out, (pk_type)field->type, value.bytes);
    else if (value.kind == PK_BYTES)
        pk_text_bytes(out, (pk_bytes){value.bytes, value.len});
    else
        put_raw_bits(out, tree, leaf);
}

/* ---- values apart from trees ---------------------------------------------------------------------
 */

void pk_text_any(pk_buf *out, pk_value value)
{
    if (value.kind == PK_INT)
        pk_text_signed(out, value.number);
    else if (value.kind == PK_BYTES && pk_codec_readable((pk_bytes){value.bytes, value.len}))
        pk_buf_add(out, value.bytes, value.len);
    else if (value.kind == PK_BYTES)
        put_hex_literal(out, (pk_bytes){value.bytes, value.len});
}

static void put_duration(pk_buf *out, int64_t nanoseconds)
{
    uint64_t size = nanoseconds < 0 ? 0 - (uint64_t)nanoseconds : (uint64_t)nanoseconds;
    const char *sign = nanoseconds < 0 ? "-" : "";
    double value = (double)size;
    if (size < 10000)
        pk_buf_printf(out, "%s%llu ns", sign, (unsigned long long)size);
    else if (size < 1000000)
        pk_buf_printf(out, "%s%.1f us", sign, value / 1e3);
    else if (size < 1000000000)
        pk_buf_printf(out, "%s%.*f ms", sign, size < 10000000 ? 2 : 1, value / 1e6);
    else
        pk_buf_printf(out, "%s%.2f s", sign, value / 1e9);
}

void pk_text_form(pk_buf *out, pk_view_form form, pk_value value)
{
    if (value.kind == PK_INT && form == PK_WRITTEN_DURATION) {
        put_duration(out, value.number);
    } else if (value.kind == PK_INT && form == PK_WRITTEN_MOMENT) {
        int64_t rest = value.number % 1000000000;
        rest += rest < 0 ? 1000000000 : 0;
        pk_buf_printf(out, "%lld.%09lld", (long long)((value.number - rest) / 1000000000),
                      (long long)rest);
    } else if (value.kind == PK_BYTES && form == PK_WRITTEN_PREFIX) {
        for (uint32_t i = 0; i < value.len; i++)
            pk_buf_printf(out, "%s%02x", i ? ":" : "", value.bytes[i]);
    } else if (value.kind == PK_BYTES && form == PK_WRITTEN_PREFIX) {
        for (uint32_t i = 0; i < value.len; i++)
            pk_buf_printf(out, "%s%02x", i ? ":" : "", value.bytes[i]);
    } else {
        pk_text_any(out, value);
    }
}

static pk_ref selected_names(const pk_image *image, pk_ref field, pk_value selector)
{
    pk_ref names = image->fields[field].names;

    if (!image->fields[field].select)
        return names;
    if (selector.kind != PK_INT)
        return 0;
    while (names && !(image->enums[names].chained &&
                      image->enums[names].select == (uint64_t)selector.number))
        names = image->enums[names].next;
    return names;
}

void pk_text_value(pk_buf *out, const pk_image *image, pk_ref field, pk_value value, bool names,
                   pk_value selector)
{
    const pk_image_field *at = &image->fields[field];
    pk_ref known = value.kind == PK_INT ? selected_names(image, field, selector) : 0;
    pk_codec codec = pk_text_codec(image, at->codec);
    bool shown = known && (names || image->enums[known].flags & 1);

    if (shown && pk_text_enumerator(out, image, known, (uint64_t)value.number))
        return;
    if (value.kind == PK_INT)
        pk_text_integer(out, at, value.number);
    else if (is_address(at, value))
        put_address(out, (pk_type)at->type, value.bytes);
    else if (value.kind == PK_BYTES && codec != PK_CODEC_NONE &&
             pk_codec_decode(codec, (pk_bytes){value.bytes, value.len}, out))
        return;
    else
        pk_text_any(out, value);
}

/* Names that mean something else where an enumerator may stand (LANGUAGE.md 2.1, 2.2, 3.1): reading
 * them would be refused as ambiguous. */
static bool taken(const pk_image *image, const char *name)
{
    static const char *const words[] = {
        "layer", "struct", "enum",  "flags",  "import", "param",   "let",  "def",   "extend",
        "alias", "if",     "else",  "within", "bits",   "payload", "case", "by",    "until",
        "for",   "in",     "on",    "as",     "and",    "or",      "not",  "step",  "except",
        "where", "this",   "head",  "here",   "pos",    "rest",    "it",   "below", "parent",
        "value", "size",   "count", "has",    "span",   "find",    "peek", "over",  "under",
        "auto",  "raw",    "None",  "random", "true",   "false",
#define PK_FN(id, text, least, most, doc) text,
#include "image/natives.def"
#undef PK_FN
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(words[i], name))
            return true;
    for (uint32_t i = 1; i < image->n_params; i++)
        if (!strcmp(pk_image_text(image, image->params[i].name), name))
            return true;
    return pk_image_layer_find(image, name) != 0;
}

/* Whether every name in "A|B|0x10" may stand there. */
static bool all_free(const pk_image *image, pk_buf *out, size_t start)
{
    size_t at = start;
    bool free_so_far = true;

    for (size_t i = start; i <= out->len && free_so_far && !out->failed; i++) {
        uint8_t c = i < out->len ? out->data[i] : 0;

        if (c && c != '|')
            continue;
        out->data[i] = 0;
        free_so_far = !taken(image, (const char *)out->data + at);
        out->data[i] = c;
        at = i + 1;
    }
    return free_so_far && !out->failed;
}

/* Is the name of an enum read back as this number? Not when another value has it too. */
static bool put_symbol(pk_buf *out, const pk_tree *tree, pk_tree_node leaf)
{
    const pk_image *image = tree->image;
    const pk_image_field *field = &image->fields[pk_tree_field(tree, leaf)];
    pk_value value = pk_tree_value(tree, leaf);
    size_t start = out->len;

    /* An enum that another field selects is only known once that field is. */
    if (!field->names || field->select || value.kind != PK_INT)
        return false;
    if (pk_text_enumerator(out, image, field->names, (uint64_t)value.number) &&
        all_free(image, out, start))
        return true;
    pk_text_truncate(out, start);
    return false;
}

/* The shortest base-128 form is the one that the number means; any other is written as bits. */
static bool shortest(const pk_image_field *field, pk_value value, uint64_t bits)
{
    uint64_t left = (uint64_t)value.number;
    uint64_t least = 8;

    if (field->type != PK_TYPE_ULEB && field->type != PK_TYPE_UVLQ)
        return true;
    while (left >>= 7)
        least += 8;
    return bits == least;
}

static void put_raw_call(pk_buf *out, const pk_tree *tree, pk_tree_node leaf)
{
    pk_buf_text(out, "raw(");
    put_raw_bits(out, tree, leaf);
    pk_buf_byte(out, ')');
}

/* The text of a codec as the language has it: bare literal or quoted. */
bool pk_text_by_codec(pk_buf *out, const pk_tree *tree, pk_tree_node node)
{
    pk_bytes bytes;
    pk_codec codec = codec_of(tree, node, &bytes);
    size_t start;

    if (codec == PK_CODEC_NONE)
        return false;
    if (!pk_codec_bare(codec))
        pk_buf_byte(out, '"');
    start = out->len;
    if (pk_codec_decode(codec, bytes, out)) {
        pk_text_escape_from(out, start, pk_escape_literal);
        if (!pk_codec_bare(codec))
            pk_buf_byte(out, '"');
        return true;
    }
    pk_text_truncate(out, start - !pk_codec_bare(codec));
    return false;
}

void pk_text_source(pk_buf *out, const pk_tree *tree, pk_tree_node leaf)
{
    const pk_image *image = tree->image;
    pk_ref ref = pk_tree_field(tree, leaf);
    const pk_image_field *field = &image->fields[ref];
    pk_value value = pk_tree_value(tree, leaf);
    pk_codec codec = pk_text_codec(image, field->codec);

    if (!ref && value.kind == PK_BYTES)
        pk_text_bytes(out, (pk_bytes){value.bytes, value.len});
    else if (!ref)
        put_raw_bits(out, tree, leaf);
    else if (put_symbol(out, tree, leaf) || pk_text_by_codec(out, tree, leaf))
        return;
    else if ((codec != PK_CODEC_NONE && codec != PK_CODEC_TEXT) ||
             (value.kind != PK_INT && value.kind != PK_BYTES) ||
             (value.kind == PK_INT && !shortest(field, value, pk_leaf_bits(tree, leaf))))
        put_raw_call(out, tree, leaf);
    else
        pk_text_plain(out, tree, leaf);
}

/* ---- escaping in place --------------------------------------------------------------------------
 */

void pk_text_truncate(pk_buf *out, size_t start)
{
    if (out->failed)
        return;
    out->len = start;
    if (out->data)
        out->data[start] = 0;
}

/* Escaped behind itself, then moved down. No escaper makes more than six bytes of one, and the room
 * is there before it starts, so that what it reads does not move. */
void pk_text_escape_from(pk_buf *out, size_t start, pk_text_escaper *escape)
{
    size_t len = out->len - start, escaped;

    if (!pk_buf_reserve(out, 6 * len + 16))
        return;
    escape(out, out->data + start, len);
    if (out->failed)
        return;
    escaped = out->len - start - len;
    memmove(out->data + start, out->data + start + len, escaped);
    pk_text_truncate(out, start + escaped);
}
