#include "tree/json_leaf.h"

#include <string.h>

#include "base/escape.h"
#include "base/literal.h"
#include "tree/script.h"

enum {
    EXACT_BITS = 53, /* as in json.c */
    AROUND = 128     /* numbers, addresses, keys and punctuation around the texts of one leaf */
};

/* Where one leaf lies. */
typedef struct spot {
    uint64_t off;
    uint32_t bits;
    uint32_t base; /* what `at` counts from */
    bool element;
} spot;

/* ---- prepared texts -------------------------------------------------------------------------- */

static void add_number(pk_buf *out, uint64_t number)
{
    uint8_t text[24], *end = pk_put_unsigned(text, number);
    pk_buf_add(out, text, (size_t)(end - text));
}

static size_t begin_named(pk_writer_cache *cache, const char *key, pk_ref name)
{
    const char *text = pk_image_text(cache->image, name);
    size_t start = cache->text.len;
    pk_buf_text(&cache->text, key);
    pk_escape_json(&cache->text, text, strlen(text));
    return start;
}

static bool prepare_fixed(pk_writer_cache *cache, pk_ref ref, pk_prepared_field *field)
{
    size_t start = begin_named(cache, "{\"name\":", cache->image->fields[ref].name);
    pk_buf_text(&cache->text, ",\"at\":");
    add_number(&cache->text, field->off);
    pk_buf_text(&cache->text, ",\"bits\":");
    add_number(&cache->text, field->bits);
    return pk_prepared_keep(cache, start, &field->fixed);
}

static bool prepare_named(pk_writer_cache *cache, pk_ref ref, pk_prepared_field *field)
{
    size_t start = begin_named(cache, "{\"name\":", cache->image->fields[ref].name);
    pk_buf_text(&cache->text, ",\"at\":");
    return pk_prepared_keep(cache, start, &field->named);
}

static bool prepare_layer(pk_writer_cache *cache, pk_ref layer)
{
    size_t start = begin_named(cache, "{\"layer\":", cache->image->layers[layer].name);
    pk_buf_text(&cache->text, ",\"off\":");
    return pk_prepared_keep(cache, start, &cache->layers[layer]);
}

/* As open_object in json.c. */
static uint8_t *put_comma(const pk_buf *out, uint8_t *to)
{
    if (out->len && to[-1] == '}')
        *to++ = ',';
    return to;
}

/* ---- heads ----------------------------------------------------------------------------------- */

static uint8_t *put_dynamic_head(uint8_t *to, const pk_writer_cache *cache,
                                 const pk_prepared_field *field, const spot *at)
{
    if (at->element)
        to = PK_PUT(to, "{\"at\":");
    else
        to = pk_put(to, cache->text.data + field->named.at, field->named.len);
    to = pk_put_unsigned(to, at->off - at->base);
    to = PK_PUT(to, ",\"bits\":");
    return pk_put_unsigned(to, at->bits);
}

/* ---- values ---------------------------------------------------------------------------------- */

static uint8_t *put_text(uint8_t *to, pk_prepared_names *names, uint64_t number)
{
    uint8_t *start = to, *text = PK_PUT(to, ",\"text\":\"");
    to = pk_prepared_put_name(text, names, number);
    if (to == text)
        return start;
    *to++ = '"';
    return to;
}

static uint8_t *put_integer(uint8_t *to, const pk_tree *tree, const pk_prepared_field *field,
                            const spot *at)
{
    uint64_t number = pk_prepared_number(tree, field, at->off, at->bits), size = number;
    bool exact = field->bits && field->bits <= EXACT_BITS;
    to = PK_PUT(to, ",\"value\":");
    if (!exact)
        *to++ = '"';
    if (field->kind == PK_PREPARED_SIGNED && number >> 63) {
        *to++ = '-';
        size = 0 - number;
    }
    to = pk_put_unsigned(to, size);
    if (!exact)
        *to++ = '"';
    return field->names ? put_text(to, field->names, number) : to;
}

static uint8_t *put_bytes(uint8_t *to, const pk_tree *tree, const pk_prepared_field *field,
                          const spot *at)
{
    const uint8_t *bytes = tree->bytes + at->off / 8;
    to = field->kind == PK_PREPARED_BYTES ? PK_PUT(to, ",\"hex\":\"") : PK_PUT(to, ",\"value\":\"");
    if (field->kind == PK_PREPARED_IP4)
        to = pk_put_ip4(to, bytes);
    else if (field->kind == PK_PREPARED_MAC)
        to = pk_put_mac(to, bytes);
    else if (field->kind == PK_PREPARED_IP6)
        to = pk_literal_put_ip6(to, bytes);
    else
        to = pk_put_hex(to, bytes, at->bits / 8);
    *to++ = '"';
    return to;
}

/* ---- leaves ---------------------------------------------------------------------------------- */

/* False for what is out of the ordinary, in a tree that nothing but its type vouches for. */
static bool find_spot(const pk_tree *tree, pk_tree_node leaf, const pk_prepared_field *field,
                      spot *ret_spot)
{
    const pk_rec *rec = &tree->recs[leaf.rec];
    if (leaf.fixed) {
        *ret_spot = (spot){(uint64_t)rec->off + field->off, field->bits, rec->off, false};
    } else {
        const pk_rec *up = &tree->recs[rec->up];
        bool element = up->kind == PK_REC_LIST;
        if (element)
            up = &tree->recs[up->up];
        if (up->kind != PK_REC_INSTANCE || (rec->flags & PK_REC_STOP) || rec->off < up->off ||
            (field->bits && field->bits != rec->bits))
            return false;
        *ret_spot = (spot){rec->off, rec->bits, up->off, element};
    }
    bool integer = field->kind == PK_PREPARED_UNSIGNED || field->kind == PK_PREPARED_SIGNED;
    bool whole = ret_spot->off % 8 == 0 && ret_spot->bits % 8 == 0;
    return ret_spot->off + ret_spot->bits <= (uint64_t)tree->len * 8 &&
           (integer ? ret_spot->bits <= 64 : whole);
}

/* Payload, rest or cut of whole bytes, by its own name. */
static bool put_raw(pk_buf *out, const pk_tree *tree, pk_tree_node leaf, pk_writer_cache *cache)
{
    const pk_rec *rec = &tree->recs[leaf.rec];
    const pk_rec *up = &tree->recs[rec->up];
    uint32_t base = up->kind == PK_REC_INSTANCE ? up->off : 0;
    bool frame = up->kind == PK_REC_FRAME;
    if ((rec->kind != PK_REC_RAW && rec->id) || (up->kind != PK_REC_INSTANCE && !frame) ||
        rec->off < base || (rec->off | rec->bits) % 8 ||
        (uint64_t)rec->off + rec->bits > (uint64_t)tree->len * 8)
        return false;
    uint8_t *to = pk_buf_reserve(out, AROUND + rec->bits / 4);
    if (!to)
        return false;
    to = put_comma(out, to);
    to = rec->kind == PK_REC_RAW    ? PK_PUT(to, "{\"name\":\"raw\",\"at\":")
         : rec->kind == PK_REC_REST ? PK_PUT(to, "{\"name\":\"_rest\",\"at\":")
                                    : PK_PUT(to, "{\"name\":\"_cut\",\"at\":");
    to = pk_put_unsigned(to, rec->off - base);
    to = PK_PUT(to, ",\"bits\":");
    to = pk_put_unsigned(to, rec->bits);
    size_t start = (size_t)(to - out->data);
    to = PK_PUT(to, ",\"hex\":\"");
    to = pk_put_hex(to, tree->bytes + rec->off / 8, rec->bits / 8);
    *to++ = '"';
    pk_put_done(out, to);
    pk_script_part(cache, out, start, leaf);
    pk_buf_text(out, ",\"raw\":true");
    if (rec->flags & PK_REC_STOP)
        pk_buf_text(out, ",\"stopped\":true");
    pk_buf_byte(out, '}');
    return true;
}

bool pk_json_leaf(pk_buf *out, const pk_tree *tree, pk_tree_node leaf, pk_writer_cache *cache)
{
    const pk_rec *rec = &tree->recs[leaf.rec];
    if (!leaf.fixed && rec->kind != PK_REC_FIELD)
        return put_raw(out, tree, leaf, cache);
    pk_ref ref = leaf.fixed ? cache->image->layers[rec->id].fields + leaf.fixed - 1 : rec->id;
    pk_prepared_field *field = pk_prepared_of(cache, ref);
    spot at;
    if (field->kind == PK_PREPARED_GENERAL || !find_spot(tree, leaf, field, &at))
        return false;
    if (leaf.fixed ? !field->fixed.len && !prepare_fixed(cache, ref, field)
                   : !field->named.len && !prepare_named(cache, ref, field))
        return false;
    size_t head = leaf.fixed ? field->fixed.len : field->named.len;
    size_t digits = field->kind == PK_PREPARED_BYTES ? at.bits / 4 : 0;
    uint8_t *to =
        pk_buf_reserve(out, AROUND + head + digits + (field->names ? field->names->longest : 0));
    if (!to)
        return false;
    to = put_comma(out, to);
    to = leaf.fixed ? pk_put(to, cache->text.data + field->fixed.at, field->fixed.len)
                    : put_dynamic_head(to, cache, field, &at);
    size_t start = (size_t)(to - out->data);
    bool integer = field->kind == PK_PREPARED_UNSIGNED || field->kind == PK_PREPARED_SIGNED;
    to = integer ? put_integer(to, tree, field, &at) : put_bytes(to, tree, field, &at);
    pk_put_done(out, to);
    pk_script_part(cache, out, start, leaf);
    pk_buf_byte(out, '}');
    return true;
}

/* ---- what holds leaves ------------------------------------------------------------------------ */

bool pk_json_open_layer(pk_buf *out, const pk_tree *tree, uint32_t rec, pk_writer_cache *cache)
{
    const pk_rec *at = &tree->recs[rec];
    const pk_prepared_text *head = &cache->layers[at->id];
    if ((at->off | at->bits) % 8 || (!head->len && !prepare_layer(cache, at->id)))
        return false;
    uint8_t *to = pk_buf_reserve(out, AROUND + head->len);
    if (!to)
        return false;
    to = put_comma(out, to);
    to = pk_put(to, cache->text.data + head->at, head->len);
    to = pk_put_unsigned(to, at->off / 8);
    to = PK_PUT(to, ",\"len\":");
    to = pk_put_unsigned(to, at->bits / 8);
    to = PK_PUT(to, ",\"fields\":[");
    pk_put_done(out, to);
    return true;
}

static bool open_list(pk_buf *out, const pk_tree *tree, const pk_rec *rec, pk_writer_cache *cache)
{
    pk_prepared_field *field = pk_prepared_of(cache, rec->id);
    const pk_rec *up = &tree->recs[rec->up];
    if (up->kind != PK_REC_INSTANCE || rec->off < up->off ||
        (!field->named.len && !prepare_named(cache, rec->id, field)))
        return false;
    uint8_t *to = pk_buf_reserve(out, AROUND + field->named.len);
    if (!to)
        return false;
    to = put_comma(out, to);
    to = pk_put(to, cache->text.data + field->named.at, field->named.len);
    to = pk_put_unsigned(to, rec->off - up->off);
    to = PK_PUT(to, ",\"bits\":");
    to = pk_put_unsigned(to, rec->bits);
    to = PK_PUT(to, ",\"list\":[");
    pk_put_done(out, to);
    return true;
}

bool pk_json_open(pk_buf *out, const pk_tree *tree, pk_tree_node node, pk_writer_cache *cache)
{
    const pk_rec *rec = &tree->recs[node.rec];
    if (rec->flags & PK_REC_STOP)
        return false;
    if (rec->kind == PK_REC_LIST)
        return open_list(out, tree, rec, cache);
    bool named = !(rec->flags & PK_REC_PAYLOAD) && tree->recs[rec->up].kind != PK_REC_LIST;
    return !named && !cache->image->layers[rec->id].codec &&
           pk_json_open_layer(out, tree, node.rec, cache);
}

uint32_t pk_json_fixed(pk_buf *out, const pk_tree *tree, uint32_t rec, pk_writer_cache *cache)
{
    const pk_rec *at = &tree->recs[rec];
    if (at->kind != PK_REC_INSTANCE || !(at->flags & PK_REC_FIXED))
        return 0;
    uint32_t n = cache->image->layers[at->id].fixed_fields, i = 0;
    while (i < n && pk_json_leaf(out, tree, (pk_tree_node){rec, i + 1}, cache))
        i++;
    return i;
}
