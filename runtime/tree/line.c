/*
 * One line a packet: each layer of the stack with what is remarkable in it.
 *
 *   ip 10.0.0.1 > 10.0.0.2 ttl=1 / tcp 20 > 80 flags=SA options=[mss, nop] / 5 bytes "hello"
 *
 * A layer that declares `def summary` says it itself. Otherwise: where it goes from and to, for the
 * two usual pairs of names, then every field whose default does not say it.
 */
#include "tree/writers.h"

#include <string.h>

#include "base/escape.h"
#include "tree/leaf.h"
#include "tree/prepared.h"
#include "tree/value_text.h"

enum { SHOWN_BYTES = 24, SHOWN_ELEMENTS = 12 };

static const char *const pairs[][2] = {{"src", "dst"}, {"sport", "dport"}};

static void put_safe(pk_buf *out, const char *text)
{
    pk_escape_terminal(out, text, strlen(text));
}

/* The names as the image has them, 0 for one that it has not; NULL without a cache. A name is in an
 * image once. */
static const pk_ref *pair_names(const pk_tree *tree, const pk_writer *how)
{
    pk_writer_cache *cache = how ? how->cache : NULL;

    for (unsigned i = 0; cache && !cache->pairs_known && i < 4; i++)
        cache->pairs[i] = pk_image_name_find(tree->image, pairs[i / 2][i % 2]);
    if (cache)
        cache->pairs_known = true;
    return cache ? cache->pairs : NULL;
}

/* Which of the four names the node has: two times the pair, and one more for its second. */
enum { NO_ROLE = 4 };
static unsigned role_of(const pk_tree *tree, pk_tree_node node, const pk_ref *names)
{
    pk_ref field = pk_tree_field(tree, node);
    unsigned i = 0;

    if (!field)
        return NO_ROLE;
    pk_ref name = tree->image->fields[field].name;
    while (i < NO_ROLE &&
           (names ? name != names[i]
                  : strcmp(pk_image_text(tree->image, name), pairs[i / 2][i % 2]) != 0))
        i++;
    return i;
}

static void put_bytes(pk_buf *out, const pk_tree *tree, pk_tree_node leaf)
{
    pk_value value = pk_tree_value(tree, leaf);
    uint64_t bits = pk_leaf_bits(tree, leaf);

    if (value.kind == PK_BYTES && value.len <= SHOWN_BYTES) {
        pk_text_bytes(out, (pk_bytes){value.bytes, value.len});
    } else {
        pk_text_unsigned(out, bits % 8 ? bits : bits / 8);
        pk_buf_text(out, bits % 8 ? " bits" : " bytes");
    }
}

/* Meaning if there is one, else what is on the wire, long bytes only by their number. */
static void put_value(pk_buf *out, const pk_tree *tree, pk_tree_node node, const pk_writer *how)
{
    const pk_image_field *field = &tree->image->fields[pk_tree_field(tree, node)];
    size_t start = out->len;

    if (pk_text_meaning(out, tree, node, how))
        pk_text_escape_from(out, start, pk_escape_terminal);
    else if (!pk_tree_field(tree, node) || field->type == PK_TYPE_BYTES)
        put_bytes(out, tree, node);
    else
        pk_text_plain(out, tree, node);
}

/* What an element or struct is called: by its case if it carries one. */
static const char *called(const pk_tree *tree, pk_tree_node instance)
{
    pk_tree_node payload = pk_tree_payload(tree, instance), key;
    pk_ref layer = pk_tree_none(payload) ? pk_leaf_empty_case(tree, instance, &key)
                                         : pk_tree_layer(tree, payload);

    if (!layer)
        layer = pk_tree_layer(tree, instance);
    return pk_image_text(tree->image, tree->image->layers[layer].name);
}

static void put_node(pk_buf *out, const pk_tree *tree, pk_tree_node node, const pk_writer *how)
{
    size_t start = out->len;

    if (pk_tree_is_leaf(tree, node))
        put_value(out, tree, node, how);
    else if (pk_text_meaning(out, tree, node, how))
        pk_text_escape_from(out, start, pk_escape_terminal);
    else
        put_safe(out, called(tree, node));
}

static void put_list(pk_buf *out, const pk_tree *tree, pk_tree_node list, const pk_writer *how)
{
    unsigned n = 0;

    pk_buf_byte(out, '[');
    for (pk_tree_node at = pk_tree_first(tree, list); !pk_tree_none(at);
         at = pk_tree_next(tree, at), n++) {
        if (n == SHOWN_ELEMENTS) {
            pk_buf_text(out, ", ..");
            break;
        }
        pk_buf_text(out, n ? ", " : "");
        put_node(out, tree, at, how);
    }
    pk_buf_byte(out, ']');
}

/* `src > dst` of each pair that the layer has both of. */
static void put_pairs(pk_buf *out, const pk_tree *tree, uint32_t rec, const pk_writer *how,
                      const pk_ref *names, bool ret_paired[2])
{
    pk_tree_node ends[NO_ROLE + 1] = {PK_TREE_NONE, PK_TREE_NONE, PK_TREE_NONE, PK_TREE_NONE};

    for (pk_tree_node at = pk_tree_first(tree, (pk_tree_node){rec, 0}); !pk_tree_none(at);
         at = pk_tree_next(tree, at))
        ends[role_of(tree, at, names)] = at;
    for (unsigned i = 0; i < 2; i++) {
        ret_paired[i] = !pk_tree_none(ends[2 * i]) && !pk_tree_none(ends[2 * i + 1]);
        if (!ret_paired[i])
            continue;
        pk_buf_byte(out, ' ');
        put_value(out, tree, ends[2 * i], how);
        pk_buf_text(out, " > ");
        put_value(out, tree, ends[2 * i + 1], how);
    }
}

static void put_fields(pk_buf *out, const pk_tree *tree, uint32_t rec, const pk_writer *how,
                       const bool paired[2], const pk_ref *names)
{
    for (pk_tree_node at = pk_tree_first(tree, (pk_tree_node){rec, 0}); !pk_tree_none(at);
         at = pk_tree_next(tree, at)) {
        if (pk_leaf_is_payload(tree, at))
            continue;
        unsigned role = role_of(tree, at, names);
        if ((role < NO_ROLE && paired[role / 2]) ||
            (!pk_leaf_is_raw(tree, at) && pk_leaf_inferred(tree, at, how)))
            continue;
        pk_buf_byte(out, ' ');
        put_safe(out, pk_tree_name(tree, at));
        pk_buf_byte(out, '=');
        if (pk_tree_kind(tree, at) == PK_REC_LIST)
            put_list(out, tree, at, how);
        else
            put_node(out, tree, at, how);
    }
}

/* A layer's own `def summary`, looked for among its few members: the image's names are many. */
static const pk_image_member *summary_of(const pk_image *image, pk_ref layer)
{
    const pk_image_layer *at = &image->layers[layer];
    for (uint32_t i = 0; i < at->n_members; i++) {
        const pk_image_member *member = &image->members[at->members + i];
        if (member->kind == PK_MEMBER_DEF &&
            strcmp(pk_image_text(image, member->name), "summary") == 0)
            return member;
    }
    return NULL;
}

/* What `def summary` of the layer says, when it gives bytes. */
static bool put_summary(pk_buf *out, const pk_tree *tree, uint32_t rec, const pk_writer *how)
{
    const pk_image_member *member =
        how && how->eval ? summary_of(tree->image, tree->recs[rec].id) : NULL;
    pk_value value;

    if (!member || tree->image->exprs[member->ref].args)
        return false;
    value = how->eval(how->context, tree, (pk_tree_node){rec, 0}, member->ref);
    if (value.kind != PK_BYTES)
        return false;
    pk_buf_byte(out, ' ');
    pk_escape_terminal(out, value.bytes, value.len);
    return true;
}

/* Bytes that no layer claimed, behind the layer that they are the payload or rest of. */
static void put_loose(pk_buf *out, const pk_tree *tree, uint32_t rec, const pk_writer *how)
{
    for (pk_tree_node at = pk_tree_first(tree, (pk_tree_node){rec, 0}); !pk_tree_none(at);
         at = pk_tree_next(tree, at)) {
        bool loose = rec ? pk_tree_kind(tree, at) == PK_REC_RAW : pk_tree_is_leaf(tree, at);

        if (!loose)
            continue;
        uint64_t bytes = pk_leaf_bits(tree, at) / 8;
        pk_buf_text(out, rec || at.rec > 1 ? " / " : "");
        if (bytes <= SHOWN_BYTES)
            pk_buf_printf(out, "%u byte%s ", (unsigned)bytes, bytes == 1 ? "" : "s");
        put_value(out, tree, at, how);
        if (pk_leaf_rec(tree, at)->flags & PK_REC_STOP)
            pk_buf_text(out, " (dissection stopped)");
    }
}

void pk_write_line(pk_buf *out, const pk_tree *tree, const pk_writer *how)
{
    const pk_ref *names = pair_names(tree, how);

    for (uint32_t rec = pk_leaf_next_layer(tree, 0), n = 0; rec;
         rec = pk_leaf_next_layer(tree, rec), n++) {
        bool paired[2];

        pk_buf_text(out, n ? " / " : "");
        put_safe(out, pk_image_text(tree->image, tree->image->layers[tree->recs[rec].id].name));
        if (!put_summary(out, tree, rec, how)) {
            put_pairs(out, tree, rec, how, names, paired);
            put_fields(out, tree, rec, how, paired, names);
        }
        put_loose(out, tree, rec, how);
    }
    put_loose(out, tree, 0, how);
    if (!tree->len)
        pk_buf_text(out, "0 bytes");
}
