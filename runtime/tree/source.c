/*
 * A tree as a description of the language (LANGUAGE.md 2.5, 3.2, 3.4).
 *
 * The text nests as the tree does, but in another order: what stands inside an instance's brackets
 * are all its fields, wherever its payload lies between them, and the payload follows. The writer
 * goes from node to node without a stack: where it goes next follows from where it is, and whether
 * a comma is due from the last character written (no value ends with an opening bracket).
 */
#include "tree/writers.h"

#include <string.h>

#include "base/escape.h"
#include "tree/leaf.h"
#include "tree/value_text.h"

typedef struct source {
    pk_buf *out;
    const pk_tree *tree;
    const pk_writer *how;
} source;

/* ---- questions about the tree -------------------------------------------------------------------
 */

static const pk_image_layer *type_of(const source *s, pk_tree_node instance)
{
    return &s->tree->image->layers[pk_tree_layer(s->tree, instance)];
}

static bool is_instance(const source *s, pk_tree_node node)
{
    return pk_tree_kind(s->tree, node) == PK_REC_INSTANCE;
}

/* The first payload at or behind `node` among its siblings. */
static pk_tree_node payload_from(const source *s, pk_tree_node node)
{
    while (!pk_tree_none(node) && !pk_leaf_is_payload(s->tree, node))
        node = pk_tree_next(s->tree, node);
    return node;
}

/* A field is written if its default does not say it, or if a cut follows: `_cut` means "up to the
 * last item named". */
static bool written(const source *s, pk_tree_node node)
{
    pk_tree_node next = pk_tree_next(s->tree, node);

    if (pk_leaf_is_payload(s->tree, node))
        return false;
    if (pk_leaf_is_raw(s->tree, node))
        return true;
    if (!pk_tree_none(next) && pk_tree_kind(s->tree, next) == PK_REC_CUT)
        return true;
    return !pk_leaf_surely_inferred(s->tree, node, s->how);
}

/* The first argument to write at or behind `node`. */
static pk_tree_node argument_from(const source *s, pk_tree_node node)
{
    while (!pk_tree_none(node) && !written(s, node))
        node = pk_tree_next(s->tree, node);
    return node;
}

/* Only where a struct is expected do its cases have names of their own. */
static bool on_stack(const source *s, pk_tree_node node)
{
    return pk_leaf_is_payload(s->tree, node) || !pk_leaf_rec(s->tree, node)->up;
}

/* A struct that says nothing itself but carries one of its cases is not written: the case names it.
 */
static bool silent(const source *s, pk_tree_node node)
{
    pk_tree_node first = pk_tree_first(s->tree, node), payload = payload_from(s, first);
    const pk_image_layer *upper;

    if (!is_instance(s, node) || on_stack(s, node) || pk_tree_none(payload) ||
        !is_instance(s, payload))
        return false;
    upper = type_of(s, payload);
    return upper->kind == PK_LAYER_CASE && upper->parent == pk_tree_layer(s->tree, node) &&
           pk_tree_none(argument_from(s, first)) &&
           pk_tree_none(payload_from(s, pk_tree_next(s->tree, payload)));
}

/* `nop`: an element that says no more than the key of a case without content. */
static pk_ref bare_case(const source *s, pk_tree_node node)
{
    pk_tree_node key, first = argument_from(s, pk_tree_first(s->tree, node));
    pk_ref found = is_instance(s, node) ? pk_leaf_empty_case(s->tree, node, &key) : 0;

    if (!found || pk_tree_none(first))
        return found;
    if (first.rec != key.rec || first.fixed != key.fixed ||
        !pk_tree_none(argument_from(s, pk_tree_next(s->tree, first))))
        return 0;
    return found;
}

static bool carried_silently(const source *s, pk_tree_node node)
{
    return pk_leaf_is_payload(s->tree, node) && silent(s, pk_tree_parent(s->tree, node));
}

/* The field that an argument without a name means. */
static const char *first_field(const source *s, const pk_image_layer *type)
{
    const pk_image *image = s->tree->image;

    for (uint32_t i = 0; i < type->n_fields; i++) {
        const pk_image_field *field = &image->fields[type->fields + i];

        if (!(field->flags & (PK_FIELD_PARAM | PK_FIELD_ANONYMOUS)))
            return pk_image_text(image, field->name);
    }
    return "";
}

/* `mss(1460)`: the only argument is the first field, and the type has a single meaning for it. */
static bool positional(const source *s, pk_tree_node instance, pk_tree_node argument)
{
    const pk_image_layer *type = type_of(s, instance);
    pk_tree_node first = pk_tree_first(s->tree, instance);

    return type->kind == PK_LAYER_CASE && !(type->flags & PK_LAYER_TWO_WAY) &&
           argument.rec == first.rec && argument.fixed == first.fixed &&
           !pk_leaf_is_raw(s->tree, argument) &&
           !strcmp(first_field(s, type), pk_tree_name(s->tree, argument)) &&
           pk_tree_none(argument_from(s, pk_tree_next(s->tree, argument)));
}

/* The integer of a two-way scalar: `let value`. */
static bool scalar(const source *s, pk_tree_node instance, pk_value *ret_value)
{
    const pk_image *image = s->tree->image;
    const pk_image_layer *type = type_of(s, instance);
    const pk_image_member *member;
    pk_ref name;

    if (!(type->flags & PK_LAYER_TWO_WAY) || !s->how || !s->how->eval)
        return false;
    name = pk_image_name_find(image, "value");
    member = name ? pk_image_member_find(image, pk_tree_layer(s->tree, instance), name) : NULL;
    if (!member || member->kind != PK_MEMBER_LET)
        return false;
    *ret_value = s->how->eval(s->how->context, s->tree, instance, member->ref);
    return ret_value->kind == PK_INT;
}

/* ---- pieces -------------------------------------------------------------------------------------
 */

static bool ends_with(const source *s, uint8_t c)
{
    return s->out->len && s->out->data[s->out->len - 1] == c;
}

static void put_name(const source *s, const char *name)
{
    pk_escape_terminal(s->out, name, strlen(name));
}

static void put_type(const source *s, pk_tree_node instance)
{
    const pk_image *image = s->tree->image;
    const pk_image_layer *type = type_of(s, instance);
    pk_tree_node lower = pk_tree_parent(s->tree, instance);
    bool in_place = pk_leaf_is_payload(s->tree, instance) && !pk_tree_none(lower) &&
                    pk_tree_layer(s->tree, lower) == type->parent;

    if (type->kind == PK_LAYER_CASE && !in_place) {
        put_name(s, pk_image_text(image, image->layers[type->parent].name));
        pk_buf_byte(s->out, '.');
    }
    put_name(s, pk_image_text(image, type->name));
}

static void begin_argument(const source *s, pk_tree_node instance, pk_tree_node argument)
{
    bool alone = ends_with(s, '(') && positional(s, instance, argument);

    if (!ends_with(s, '('))
        pk_buf_text(s->out, ", ");
    if (alone)
        return;
    put_name(s, pk_tree_name(s->tree, argument));
    pk_buf_byte(s->out, '=');
}

/* ---- going on: each returns the node to enter next, or NONE
 * --------------------------------------- */

/* Behind the last argument: the bracket, then the payload. */
static pk_tree_node close_arguments(const source *s, pk_tree_node instance)
{
    pk_tree_node payload = payload_from(s, pk_tree_first(s->tree, instance));

    if (ends_with(s, '(') && pk_tree_none(payload) && carried_silently(s, instance))
        pk_text_truncate(s->out, s->out->len - 1);
    else
        pk_buf_byte(s->out, ')');
    if (pk_tree_none(payload))
        return PK_TREE_NONE;
    pk_buf_byte(s->out, '/');
    if (!pk_tree_none(payload_from(s, pk_tree_next(s->tree, payload))))
        pk_buf_byte(s->out, '(');
    return payload;
}

/* Begins the argument, or closes; the node to enter, else NONE when the instance is complete. */
static pk_tree_node go_on_with(const source *s, pk_tree_node instance, pk_tree_node argument)
{
    if (pk_tree_none(argument))
        return close_arguments(s, instance);
    begin_argument(s, instance, argument);
    return argument;
}

static pk_tree_node enter_instance(const source *s, pk_tree_node node)
{
    pk_tree_node first = pk_tree_first(s->tree, node), argument = argument_from(s, first);
    bool is_value = !on_stack(s, node);
    pk_ref bare = is_value ? bare_case(s, node) : 0;
    pk_value value;

    if (is_value && pk_text_by_codec(s->out, s->tree, node))
        return PK_TREE_NONE;
    if (silent(s, node))
        return payload_from(s, first);
    if (bare) {
        put_name(s, pk_image_text(s->tree->image, s->tree->image->layers[bare].name));
        return PK_TREE_NONE;
    }
    if (is_value && scalar(s, node, &value)) {
        if (pk_tree_none(argument) && pk_tree_none(payload_from(s, first))) {
            pk_text_signed(s->out, value.number);
            return PK_TREE_NONE;
        }
        put_type(s, node);
        pk_buf_byte(s->out, '(');
        pk_text_signed(s->out, value.number);
    } else {
        put_type(s, node);
        pk_buf_byte(s->out, '(');
    }
    return go_on_with(s, node, argument);
}

/* Writes the beginning of `node`. The node inside it to enter next, NONE when it is complete. */
static pk_tree_node enter(const source *s, pk_tree_node node)
{
    pk_tree_node first;

    if (pk_tree_is_leaf(s->tree, node)) {
        pk_text_source(s->out, s->tree, node);
        return PK_TREE_NONE;
    }
    if (is_instance(s, node))
        return enter_instance(s, node);
    first = pk_tree_first(s->tree, node);
    pk_buf_text(s->out, pk_tree_none(first) ? "[]" : "[");
    return first;
}

/* Behind a complete payload: its next sibling, or the end of the group. */
static pk_tree_node behind_payload(const source *s, pk_tree_node instance, pk_tree_node payload)
{
    pk_tree_node first = payload_from(s, pk_tree_first(s->tree, instance));
    pk_tree_node next = payload_from(s, pk_tree_next(s->tree, payload));

    if (!pk_tree_none(next)) {
        pk_buf_text(s->out, " + ");
        return next;
    }
    if (first.rec != payload.rec)
        pk_buf_byte(s->out, ')');
    return PK_TREE_NONE;
}

/* Behind complete `node` inside `up`: the next node to enter there, NONE when `up` is complete. */
static pk_tree_node behind(const source *s, pk_tree_node up, pk_tree_node node)
{
    pk_tree_node next = pk_tree_next(s->tree, node);

    if (is_instance(s, up)) {
        if (pk_leaf_is_payload(s->tree, node))
            return behind_payload(s, up, node);
        return go_on_with(s, up, argument_from(s, next));
    }
    if (pk_tree_kind(s->tree, up) == PK_REC_LIST)
        pk_buf_text(s->out, pk_tree_none(next) ? "]" : ", ");
    else if (!pk_tree_none(next))
        pk_buf_text(s->out, " + ");
    return next;
}

static pk_tree_node leave(const source *s, pk_tree_node node)
{
    pk_tree_node up = pk_tree_parent(s->tree, node);

    while (!pk_tree_none(up)) {
        pk_tree_node to = behind(s, up, node);

        if (!pk_tree_none(to))
            return to;
        node = up;
        up = pk_tree_parent(s->tree, node);
    }
    return PK_TREE_NONE;
}

void pk_write_source(pk_buf *out, const pk_tree *tree, const pk_writer *how)
{
    source s = {out, tree, how};
    pk_tree_node at = pk_tree_first(tree, (pk_tree_node){0, 0});

    /* Bytes alone are no statement, a description is. */
    if (pk_tree_none(at) || !is_instance(&s, at))
        pk_buf_text(out, pk_tree_none(at) ? "send x\"\"" : "send ");
    while (!pk_tree_none(at)) {
        pk_tree_node inside = enter(&s, at);

        at = pk_tree_none(inside) ? leave(&s, at) : inside;
    }
}
