#include "tree/columns.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "tree/leaf.h"
#include "tree/value_text.h"

typedef enum step_kind {
    STEP_SLOT,    /* field of an instance; goes on with each element of a list */
    STEP_CASE,    /* the payload, if it is that layer */
    STEP_PAYLOAD, /* last: the bytes of the payload */
    STEP_LET,     /* last: a derived value */
    STEP_FLAG     /* last: one bit of the integer */
} step_kind;

typedef struct step {
    step_kind kind;
    uint32_t ref; /* slot, LAY, EXP, bit number */
} step;

typedef enum frame_value {
    FRAME_NONE,
    FRAME_NUMBER,
    FRAME_LEN,
    FRAME_CAP_LEN,
    FRAME_TIME
} frame_value;

typedef struct column {
    const char *path;
    frame_value frame;
    pk_ref layer;
    unsigned n_steps;
    step steps[PK_COLUMNS_STEPS];
    bool repeated; /* an earlier column has the same path */
} column;

struct pk_columns {
    const pk_image *image;
    uint32_t flags;
    size_t count;
    column columns[];
};

/* ---- resolving ----------------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    frame_value value;
} frame_names[] = {{"frame.number", FRAME_NUMBER},
                   {"frame.len", FRAME_LEN},
                   {"frame.cap_len", FRAME_CAP_LEN},
                   {"frame.time_epoch", FRAME_TIME}};

/* Where the path stands: inside instances of a layer, or at the values of a field. */
typedef struct place {
    pk_ref layer, field;
} place;

/* Names of the image are compared without making copies: `len` characters of a path. */
static bool same_name(const pk_image *image, pk_ref name, const char *text, size_t len)
{
    const char *have = pk_image_text(image, name);

    return strlen(have) == len && !memcmp(have, text, len);
}

static const pk_image_member *member_named(const pk_image *image, pk_ref layer, const char *name,
                                           size_t len)
{
    const pk_image_layer *at = &image->layers[layer];

    for (uint32_t i = 0; i < at->n_members; i++)
        if (same_name(image, image->members[at->members + i].name, name, len))
            return &image->members[at->members + i];
    return NULL;
}

static pk_ref field_of_slot(const pk_image *image, pk_ref layer, uint32_t slot)
{
    const pk_image_layer *at = &image->layers[layer];

    for (uint32_t i = 0; i < at->n_fields; i++)
        if (image->fields[at->fields + i].slot == slot)
            return at->fields + i;
    return 0;
}

static bool step_to_member(const pk_image *image, const pk_image_member *member, place *at,
                           step *ret_step)
{
    switch ((pk_member_kind)member->kind) {
    case PK_MEMBER_FIELD:
        *ret_step = (step){STEP_SLOT, member->ref};
        at->field = field_of_slot(image, at->layer, member->ref);
        at->layer = image->fields[at->field].sub;
        return true;
    case PK_MEMBER_CASE:
        *ret_step = (step){STEP_CASE, member->ref};
        *at = (place){member->ref, 0};
        return true;
    case PK_MEMBER_LET:
        *ret_step = (step){STEP_LET, member->ref};
        *at = (place){0, 0};
        return true;
    case PK_MEMBER_DEF:
    case PK_MEMBER_PARAM:
    case PK_MEMBER_WINDOW:
        return false;
    }
    return false;
}

static bool step_to_flag(const pk_image *image, place *at, const char *name, size_t len,
                         step *ret_step)
{
    const pk_image_enum *set = &image->enums[image->fields[at->field].names];

    for (uint32_t i = 0; set->flags & 1 && i < set->n_entries; i++)
        if (same_name(image, image->entries[set->entries + i].name, name, len)) {
            *ret_step = (step){STEP_FLAG, (uint32_t)image->entries[set->entries + i].value & 63};
            *at = (place){0, 0};
            return true;
        }
    return false;
}

/* One step by the longest name that fits: an alias may hold dots (`src.hw_mac`). Returns how much
 * of the path it took, 0 when nothing fits. */
static size_t take_step(const pk_image *image, place *at, const char *path, step *ret_step)
{
    for (size_t len = strlen(path); len; len--) {
        const pk_image_member *member;

        if (path[len] && path[len] != '.')
            continue;
        member = at->layer ? member_named(image, at->layer, path, len) : NULL;
        if (member && step_to_member(image, member, at, ret_step))
            return len;
        if (!at->layer && at->field && step_to_flag(image, at, path, len, ret_step))
            return len;
        if (at->layer && !path[len] && len == 7 && !memcmp(path, "payload", 7)) {
            *ret_step = (step){STEP_PAYLOAD, 0};
            *at = (place){0, 0};
            return len;
        }
    }
    return 0;
}

static pk_ref layer_named(const pk_image *image, const char *name, size_t len)
{
    for (uint32_t i = 1; i < image->n_layers; i++)
        if (image->layers[i].kind != PK_LAYER_CASE &&
            same_name(image, image->layers[i].name, name, len))
            return i;
    for (uint32_t i = 1; i < image->n_aliases; i++)
        if (same_name(image, image->aliases[i].name, name, len))
            return image->aliases[i].layer;
    return 0;
}

static void explain(pk_buf *out, const char *path, const char *what, const char *name)
{
    pk_buf_text(out, "`");
    pk_escape_terminal(out, path, strlen(path));
    pk_buf_text(out, "`: ");
    pk_buf_text(out, what);
    pk_buf_text(out, " `");
    pk_escape_terminal(out, name, strlen(name));
    pk_buf_text(out, "`");
}

static int resolve(const pk_image *image, column *c, pk_buf *reterr_text)
{
    size_t at = strcspn(c->path, ".");
    place where;

    for (size_t i = 0; i < sizeof frame_names / sizeof *frame_names; i++)
        if (!strcmp(frame_names[i].name, c->path)) {
            c->frame = frame_names[i].value;
            return PK_OK;
        }
    where = (place){c->layer = layer_named(image, c->path, at), 0};
    if (!c->layer) {
        explain(reterr_text, c->path, "there is no layer", c->path);
        return PK_ENOENT;
    }
    while (c->path[at]) {
        size_t used;

        if (c->n_steps == PK_COLUMNS_STEPS) {
            explain(reterr_text, c->path, "too many names in a path (limit 16), behind",
                    c->path + at + 1);
            return PK_ELIMIT;
        }
        used = take_step(image, &where, c->path + at + 1, &c->steps[c->n_steps]);
        if (!used) {
            explain(reterr_text, c->path, "there is no field", c->path + at + 1);
            return PK_ENOENT;
        }
        c->n_steps++;
        at += used + 1;
    }
    return PK_OK;
}

int pk_columns_new(const pk_image *image, const char *const *paths, size_t count, uint32_t flags,
                   pk_columns **ret_columns, pk_buf *reterr_text)
{
    pk_columns *columns;
    int failure = PK_OK;

    if (count > PK_COLUMNS_LIMIT) {
        pk_buf_text(reterr_text, "too many columns (limit 256)");
        return PK_ELIMIT;
    }
    columns = calloc(1, sizeof *columns + count * sizeof *columns->columns);
    if (!columns) {
        pk_buf_text(reterr_text, "out of memory");
        return PK_ENOMEM;
    }
    columns->image = image;
    columns->flags = flags;
    columns->count = count;
    for (size_t i = 0; i < count && !failure; i++) {
        columns->columns[i].path = paths[i];
        failure = resolve(image, &columns->columns[i], reterr_text);
        for (size_t k = 0; k < i; k++)
            columns->columns[i].repeated |= !strcmp(paths[k], paths[i]);
    }
    if (failure) {
        free(columns);
        return failure;
    }
    *ret_columns = columns;
    return PK_OK;
}

void pk_columns_free(pk_columns *columns)
{
    free(columns);
}

/* ---- values -------------------------------------------------------------------------------------
 */

typedef struct cell {
    pk_buf *out;
    const pk_columns *columns;
    const column *column;
    const pk_tree *tree;
    const pk_writer *how;
    pk_columns_form form;
    unsigned n; /* values so far */
} cell;

static void separate(cell *c)
{
    if (c->n++)
        pk_buf_byte(c->out, ',');
}

/* Text of any kind, unescaped from `start` on. CSV is escaped as a whole cell later. */
static void finish_text(cell *c, size_t start)
{
    if (c->form == PK_COLUMNS_JSON)
        pk_text_escape_from(c->out, start, pk_escape_json);
    else
        pk_text_escape_from(c->out, start, pk_escape_terminal);
}

static void put_number(cell *c, int64_t number)
{
    separate(c);
    pk_text_signed(c->out, number);
}

static void put_quoted_if_json(cell *c)
{
    if (c->form == PK_COLUMNS_JSON)
        pk_buf_byte(c->out, '"');
}

static void put_hex(cell *c, pk_bytes bytes)
{
    put_quoted_if_json(c);
    pk_text_hex_bytes(c->out, bytes);
    put_quoted_if_json(c);
}

static void put_integer(cell *c, const pk_image_field *field, int64_t number)
{
    bool json = c->form == PK_COLUMNS_JSON, quoted = json && (!field->bits || field->bits > 53);

    if (quoted)
        pk_buf_byte(c->out, '"');
    if (!json)
        pk_text_integer(c->out, field, number);
    else if (field->type == PK_TYPE_INT)
        pk_text_signed(c->out, number);
    else
        pk_text_unsigned(c->out, (uint64_t)number);
    if (quoted)
        pk_buf_byte(c->out, '"');
}

static void put_leaf(cell *c, pk_tree_node leaf)
{
    const pk_image_field *field = &c->tree->image->fields[pk_tree_field(c->tree, leaf)];
    pk_value value = pk_tree_value(c->tree, leaf);
    size_t start = c->out->len;

    if ((value.kind != PK_INT || c->columns->flags & PK_COLUMNS_NAMES) &&
        pk_tree_field(c->tree, leaf) && pk_text_meaning(c->out, c->tree, leaf, c->how)) {
        finish_text(c, start);
    } else if (value.kind == PK_INT) {
        put_integer(c, field, value.number);
    } else if (value.kind == PK_BYTES && field->type == PK_TYPE_BYTES) {
        put_hex(c, (pk_bytes){value.bytes, value.len});
    } else {
        pk_text_plain(c->out, c->tree, leaf);
        finish_text(c, start);
    }
}

/* An instance as a value: its text, else what it is. */
static void put_instance(cell *c, pk_tree_node node)
{
    const pk_image *image = c->tree->image;
    size_t start = c->out->len;

    if (!pk_text_meaning(c->out, c->tree, node, c->how))
        pk_buf_text(c->out, pk_image_text(image, image->layers[pk_tree_layer(c->tree, node)].name));
    finish_text(c, start);
}

static void put_node(cell *c, pk_tree_node node)
{
    separate(c);
    if (pk_tree_is_leaf(c->tree, node))
        put_leaf(c, node);
    else
        put_instance(c, node);
}

static void put_payload(cell *c, pk_tree_node instance)
{
    pk_tree_node payload = pk_tree_payload(c->tree, instance);
    pk_bytes bytes;

    if (pk_tree_none(payload) || !pk_leaf_whole_bytes(c->tree, payload, &bytes))
        return;
    separate(c);
    put_hex(c, bytes);
}

static void put_derived(cell *c, pk_tree_node instance, pk_ref expr)
{
    pk_value value = pk_value_undefined();

    if (c->how && c->how->eval)
        value = c->how->eval(c->how->context, c->tree, instance, expr);
    if (value.kind == PK_INT) {
        put_number(c, value.number);
    } else if (value.kind == PK_BYTES) {
        separate(c);
        put_hex(c, (pk_bytes){value.bytes, value.len});
    }
}

/* The last step, or the node itself when all steps are done. */
static void put_last(cell *c, pk_tree_node node, const step *last)
{
    pk_value value;

    if (last && last->kind == STEP_LET) {
        put_derived(c, node, last->ref);
    } else if (last && last->kind == STEP_PAYLOAD) {
        put_payload(c, node);
    } else if (last && last->kind == STEP_FLAG) {
        value = pk_tree_value(c->tree, node);
        if (value.kind == PK_INT)
            put_number(c, (int64_t)((uint64_t)value.number >> last->ref & 1));
    } else {
        put_node(c, node);
    }
}

/* ---- walking the paths
 * --------------------------------------------------------------------------- */

static bool is_last_only(const step *s)
{
    return s->kind == STEP_LET || s->kind == STEP_PAYLOAD || s->kind == STEP_FLAG;
}

/* Where a step leads from `node`: for a list its first element. */
static pk_tree_node follow(const pk_tree *tree, pk_tree_node node, const step *s)
{
    pk_tree_node to;

    if (s->kind == STEP_CASE) {
        to = pk_tree_payload(tree, node);
        return !pk_tree_none(to) && pk_tree_layer(tree, to) == s->ref ? to : PK_TREE_NONE;
    }
    to = pk_tree_slot(tree, node, s->ref);
    if (!pk_tree_none(to) && pk_tree_kind(tree, to) == PK_REC_LIST)
        return pk_tree_first(tree, to);
    return to;
}

/* Every node that the column's steps reach from one instance, elements of lists in turn. */
static void put_instance_values(cell *c, pk_tree_node instance)
{
    const column *col = c->column;
    const step *last = col->n_steps && is_last_only(&col->steps[col->n_steps - 1])
                           ? &col->steps[col->n_steps - 1]
                           : NULL;
    unsigned n = col->n_steps - (last ? 1 : 0), depth = 0;
    pk_tree_node way[PK_COLUMNS_STEPS + 1];

    way[0] = instance;
    for (;;) {
        while (depth < n && !pk_tree_none(way[depth])) {
            way[depth + 1] = follow(c->tree, way[depth], &col->steps[depth]);
            depth++;
        }
        if (!pk_tree_none(way[depth]))
            put_last(c, way[depth], last);
        for (;; depth--) {
            if (!depth)
                return;
            if (!pk_tree_none(way[depth]) && pk_leaf_is_element(c->tree, way[depth])) {
                way[depth] = pk_tree_next(c->tree, way[depth]);
                if (!pk_tree_none(way[depth]))
                    break;
            }
        }
    }
}

static void put_frame_value(cell *c, const pk_writer_packet *packet)
{
    switch (c->column->frame) {
    case FRAME_NUMBER:
        put_number(c, packet ? (int64_t)packet->number : 1);
        return;
    case FRAME_LEN:
        put_number(c, c->tree->wire_len);
        return;
    case FRAME_CAP_LEN:
        put_number(c, c->tree->len);
        return;
    case FRAME_TIME:
        if (!packet || !packet->has_time)
            return;
        separate(c);
        put_quoted_if_json(c);
        pk_buf_printf(c->out, "%lld.%09u", (long long)packet->seconds,
                      (unsigned)packet->nanoseconds);
        put_quoted_if_json(c);
        return;
    case FRAME_NONE:
        return;
    }
}

static void put_values(cell *c, const pk_writer_packet *packet)
{
    if (c->column->frame) {
        put_frame_value(c, packet);
        return;
    }
    for (uint32_t i = 1; i < c->tree->count; i++)
        if (c->tree->recs[i].kind == PK_REC_INSTANCE && c->tree->recs[i].id == c->column->layer)
            put_instance_values(c, (pk_tree_node){i, 0});
}

/* ---- rows
 * ---------------------------------------------------------------------------------------- */

static void quote_csv(pk_buf *out, const void *bytes, size_t len)
{
    const uint8_t *text = bytes;

    pk_buf_byte(out, '"');
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"')
            pk_buf_byte(out, '"');
        pk_buf_byte(out, text[i]);
    }
    pk_buf_byte(out, '"');
}

/* RFC 4180 section 2: quoted where it holds a comma or a quote (line breaks are escaped already).
 */
static void finish_csv(pk_buf *out, size_t start)
{
    for (size_t i = start; i < out->len && !out->failed; i++)
        if (out->data[i] == ',' || out->data[i] == '"') {
            pk_text_escape_from(out, start, quote_csv);
            return;
        }
}

void pk_columns_head(pk_buf *out, const pk_columns *columns, pk_columns_form form)
{
    if (form == PK_COLUMNS_JSON)
        return;
    for (size_t i = 0; i < columns->count; i++) {
        const char *path = columns->columns[i].path;
        size_t start;

        if (i)
            pk_buf_byte(out, form == PK_COLUMNS_CSV ? ',' : '\t');
        start = out->len;
        pk_escape_terminal(out, path, strlen(path));
        if (form == PK_COLUMNS_CSV)
            finish_csv(out, start);
    }
    pk_buf_byte(out, '\n');
}

static void put_json_cell(cell *c, const pk_writer_packet *packet, bool first)
{
    if (c->column->repeated)
        return;
    pk_buf_text(c->out, first ? "" : ",");
    pk_escape_json(c->out, c->column->path, strlen(c->column->path));
    pk_buf_text(c->out, ":[");
    put_values(c, packet);
    pk_buf_byte(c->out, ']');
}

void pk_columns_row(pk_buf *out, const pk_columns *columns, pk_columns_form form,
                    const pk_tree *tree, const pk_writer *how, const pk_writer_packet *packet)
{
    if (form == PK_COLUMNS_JSON)
        pk_buf_byte(out, '{');
    for (size_t i = 0; i < columns->count; i++) {
        cell c = {out, columns, &columns->columns[i], tree, how, form, 0};
        size_t start;

        if (form == PK_COLUMNS_JSON) {
            put_json_cell(&c, packet, i == 0);
            continue;
        }
        if (i)
            pk_buf_byte(out, form == PK_COLUMNS_CSV ? ',' : '\t');
        start = out->len;
        put_values(&c, packet);
        if (form == PK_COLUMNS_CSV)
            finish_csv(out, start);
    }
    pk_buf_text(out, form == PK_COLUMNS_JSON ? "}\n" : "\n");
}
