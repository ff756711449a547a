/*
 * Dissecting, LANGUAGE.md section 3.2 word for word: a bit position, the end of the window, and a
 * leaf for every bit that is passed.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct cursor {
    naive_dissection *d;
    naive_inst *inst;
    uint64_t at, end;   /* bits */
    const char *window; /* its name, "" = the instance's own */
} cursor;

static void parse_inst(naive_dissection *d, naive_inst *inst, uint64_t *at, uint64_t end);
static bool parse_items(cursor *c, pk_node items);

/* ---- pieces ------------------------------------------------------------------------------------
 */

static naive_piece *add_piece(cursor *c, naive_piece_kind kind, uint64_t bits)
{
    naive_piece *piece = naive_alloc(&c->d->arena, 1, sizeof *piece);
    piece->kind = kind;
    piece->off = c->at;
    piece->bits = bits;
    if (c->inst->last == NULL)
        c->inst->pieces = piece;
    else
        c->inst->last->next = piece;
    c->inst->last = piece;
    return piece;
}

static void add_leftover(cursor *c, naive_piece_kind kind, const char *window, uint64_t to)
{
    const char *what = kind == NAIVE_P_CUT ? "cut" : "rest";
    naive_piece *piece = add_piece(c, kind, to - c->at);
    snprintf(piece->name, sizeof piece->name, "%.80s_%s", window, what);
    c->at = to;
}

/* A field did not fit: the rest of the window is the cut. */
static bool cut(cursor *c)
{
    add_leftover(c, NAIVE_P_CUT, c->window, c->end);
    return true;
}

static naive_scope scope_at(const cursor *c)
{
    return (naive_scope){.packet = &c->d->packet,
                         .self = c->inst,
                         .hint_inst = c->inst,
                         .dissecting = true,
                         .at = c->at,
                         .end = c->end};
}

/* At most `expr` bytes from here; undefined leaves the window as it is. */
static uint64_t window_end(const cursor *c, pk_node expr)
{
    naive_scope scope = scope_at(c);
    int64_t bytes;
    if (expr == 0 || !naive_number(scope.packet, naive_eval(&scope, expr), &bytes))
        return c->end;
    uint64_t room = c->end - c->at;
    if (bytes < 0)
        return c->at;
    return (uint64_t)bytes > room / 8 ? c->end : c->at + (uint64_t)bytes * 8;
}

static void note(cursor *c, const naive_field *field, uint64_t from, naive_value value)
{
    naive_slot *slot = &c->inst->slots[field->slot];
    value.field = field;
    value.from = c->inst;
    slot->field = field;
    slot->value = value;
    slot->off = from;
    slot->end = c->at;
    slot->state = NAIVE_DONE;
}

/* ---- scalars -----------------------------------------------------------------------------------
 */

static naive_value integer_at(const cursor *c, const naive_field *field, uint64_t off,
                              unsigned width)
{
    uint64_t raw = naive_bits_get(c->d->packet.wire.data, off, width);
    if (field->little)
        raw = naive_swap(raw, width);
    if (field->type == NAIVE_SINT && width > 0 && width < 64 && raw >> (width - 1) != 0)
        raw |= ~(uint64_t)0 << width;
    naive_value value = naive_int((int64_t)raw);
    value.field = field;
    return value;
}

static uint64_t octets_wanted(const cursor *c, const naive_field *field)
{
    naive_scope scope = scope_at(c);
    int64_t bytes = 0;
    uint64_t room = (c->end - c->at) / 8;
    if (field->until != 0)
        return naive_scan(&scope, naive_eval(&scope, field->until));
    if (field->width == 0)
        return room;
    if (!naive_number(scope.packet, naive_eval(&scope, field->width), &bytes) || bytes < 0)
        bytes = 0;
    return (uint64_t)bytes < room ? (uint64_t)bytes : room;
}

static naive_value octets_at(cursor *c, uint64_t bits)
{
    naive_bits out = {0};
    for (uint64_t i = 0; i < bits; i++)
        naive_bits_put(&c->d->packet, &out, naive_bits_get(c->d->packet.wire.data, c->at + i, 1),
                       1);
    return naive_copy(&c->d->packet, out.data, (size_t)(bits / 8));
}

/* Base 128: false when it is not whole in the window, or longer than 64 bits need. */
static bool varint_at(const cursor *c, naive_type type, uint64_t *ret_value, uint64_t *ret_bits)
{
    uint64_t value = 0, at = c->at;
    for (unsigned i = 0; i < 10 && at + 8 <= c->end; i++, at += 8) {
        uint64_t octet = naive_bits_get(c->d->packet.wire.data, at, 8);
        if (type == NAIVE_ULEB)
            value |= 7 * i < 64 ? (octet & 0x7f) << 7 * i : 0;
        else
            value = value << 7 | (octet & 0x7f);
        if ((octet & 0x80) != 0)
            continue;
        *ret_value = value;
        *ret_bits = at + 8 - c->at;
        return true;
    }
    return false;
}

/* One scalar, a leaf. True when it was cut. */
static bool parse_scalar(cursor *c, const naive_field *field, naive_value *ret_value)
{
    uint64_t width = field->bits, number = 0;
    naive_value value;
    if (field->type == NAIVE_OCTETS) {
        width = field->address ? width : octets_wanted(c, field) * 8;
    } else if (field->type == NAIVE_ULEB || field->type == NAIVE_UVLQ) {
        if (!varint_at(c, field->type, &number, &width))
            return cut(c);
    } else if (field->width != 0) {
        naive_scope scope = scope_at(c);
        int64_t bits = 0;
        if (!naive_number(scope.packet, naive_eval(&scope, field->width), &bits) || bits < 0)
            bits = 0;
        width = bits > 64 ? 64 : (uint64_t)bits;
    }
    if (width > c->end - c->at)
        return cut(c);
    if (field->type == NAIVE_OCTETS)
        value = octets_at(c, width);
    else if (field->type == NAIVE_UINT || field->type == NAIVE_SINT)
        value = integer_at(c, field, c->at, (unsigned)width);
    else
        value = naive_int((int64_t)number);
    naive_piece *piece = add_piece(c, NAIVE_P_FIELD, width);
    piece->field = field;
    piece->value = value;
    c->at += width;
    *ret_value = value;
    return false;
}

/* ---- instances ---------------------------------------------------------------------------------
 */

static unsigned layers_around(const naive_inst *inst)
{
    unsigned n = 0;
    for (; inst != NULL; inst = inst->owner)
        n += inst->type->kind == NAIVE_IS_LAYER;
    return n;
}

static unsigned structs_around(const naive_inst *inst)
{
    unsigned n = 0;
    for (; inst != NULL && inst->type->kind != NAIVE_IS_LAYER; inst = inst->owner)
        n++;
    return n;
}

static bool too_deep(const naive_inst *owner, const naive_layer *type)
{
    return type->kind == NAIVE_IS_LAYER ? layers_around(owner) >= NAIVE_LAYER_DEPTH
                                        : structs_around(owner) >= NAIVE_STRUCT_DEPTH;
}

static void add_raw(cursor *c, uint64_t to)
{
    add_piece(c, NAIVE_P_RAW, to - c->at);
    c->at = to;
}

static naive_value add_inst(cursor *c, naive_inst *inst, uint64_t end)
{
    naive_piece *piece = add_piece(c, NAIVE_P_INST, 0);
    piece->inst = inst;
    parse_inst(c->d, inst, &c->at, end);
    piece->bits = c->at - piece->off;
    return (naive_value){.kind = NAIVE_NODE, .node = inst};
}

/* An instance of a struct field or element. False when it is too deep and therefore raw. */
static bool parse_sub(cursor *c, const naive_field *field, const naive_value *element, size_t index,
                      naive_value *ret_value)
{
    if (too_deep(c->inst, field->sub)) {
        add_raw(c, c->end);
        return false;
    }
    naive_inst *sub = naive_sub_inst(&c->d->packet, c->inst, field, element);
    sub->index = index;
    *ret_value = add_inst(c, sub, c->end);
    return true;
}

/* ---- lists -------------------------------------------------------------------------------------
 */

typedef struct list_state {
    naive_list *list;
    size_t cap;
    uint64_t wanted; /* elements at most */
    naive_value over;
} list_state;

static void push(cursor *c, list_state *s, naive_value value)
{
    if (s->list->count == s->cap) {
        size_t cap = s->cap * 2 + 8;
        naive_value *grown = naive_alloc(&c->d->arena, cap, sizeof *grown);
        if (s->list->count != 0)
            memcpy(grown, s->list->at, s->list->count * sizeof *grown);
        s->list->at = grown;
        s->cap = cap;
    }
    s->list->at[s->list->count++] = value;
}

static list_state list_begin(const cursor *c, const naive_field *field)
{
    naive_scope scope = scope_at(c);
    list_state s = {.list = naive_alloc(&c->d->arena, 1, sizeof(naive_list))};
    int64_t count = 0;
    s.wanted = UINT64_MAX;
    if (field->list_kind == PK_LIST_COUNT) {
        naive_value value = naive_eval(&scope, field->list_expr);
        s.wanted = naive_number(scope.packet, value, &count) && count > 0 ? (uint64_t)count : 0;
    } else if (field->list_kind == PK_LIST_FOR) {
        s.over = naive_eval(&scope, field->list_expr);
        s.wanted = s.over.kind == NAIVE_LIST ? s.over.list->count : 0;
    }
    return s;
}

static bool list_ends(const cursor *c, const naive_field *field, const naive_value *element)
{
    naive_scope scope = scope_at(c);
    scope.it = element;
    return field->list_kind == PK_LIST_UNTIL && naive_truth(naive_eval(&scope, field->list_expr));
}

/* True when an element was cut. */
static bool parse_list(cursor *c, const naive_field *field)
{
    list_state s = list_begin(c, field);
    uint64_t from = c->at;
    bool was_cut = false;
    note(c, field, from, (naive_value){.kind = NAIVE_LIST, .list = s.list});
    while (!was_cut && s.list->count < s.wanted && c->at < c->end) {
        uint64_t before = c->at;
        naive_value value;
        const naive_value *element =
            s.over.kind == NAIVE_LIST ? &s.over.list->at[s.list->count] : NULL;
        if (field->type != NAIVE_STRUCT)
            was_cut = parse_scalar(c, field, &value);
        else if (!parse_sub(c, field, element, s.list->count, &value))
            break;
        if (was_cut)
            break;
        push(c, &s, value);
        if (c->at == before || list_ends(c, field, &value))
            break;
    }
    note(c, field, from, (naive_value){.kind = NAIVE_LIST, .list = s.list});
    return was_cut;
}

/* ---- items -------------------------------------------------------------------------------------
 */

static const naive_field *field_of(const naive_inst *inst, pk_node node)
{
    for (size_t i = 0; i < inst->type->n_fields; i++) {
        if (inst->type->fields[i].node == node)
            return &inst->type->fields[i];
    }
    return NULL;
}

static bool parse_one(cursor *c, const naive_field *field)
{
    uint64_t from = c->at;
    naive_value value;
    if (field->is_list)
        return parse_list(c, field);
    if (field->type != NAIVE_STRUCT) {
        if (parse_scalar(c, field, &value))
            return true;
    } else if (!parse_sub(c, field, NULL, 0, &value)) {
        return false;
    }
    note(c, field, from, value);
    return false;
}

/* What a window did not use becomes its rest. */
static void close_window(cursor *c, cursor *inner)
{
    if (inner->at < inner->end)
        add_leftover(inner, NAIVE_P_REST, inner->window, inner->end);
    c->at = inner->at;
}

static bool parse_field(cursor *c, pk_node node)
{
    const naive_field *field = field_of(c->inst, node);
    if (field->within == 0)
        return parse_one(c, field);
    cursor inner = *c;
    inner.window = naive_text(c->d->unit, field->name);
    inner.end = window_end(c, field->within);
    parse_one(&inner, field);
    close_window(c, &inner);
    return false;
}

static void parse_within(cursor *c, const pk_ast_node *n)
{
    cursor inner = *c;
    inner.window = naive_text(c->d->unit, naive_window_name(c->d->unit, n->b));
    inner.end = window_end(c, n->a);
    parse_items(&inner, n->b);
    close_window(c, &inner);
}

/* Fields of a bit group, most significant first; a little-endian group is turned round first. */
static bool parse_group(cursor *c, const pk_ast_node *n)
{
    naive_unit *unit = c->d->unit;
    const char *type = naive_text(unit, naive_at(unit, n->a)->a);
    unsigned width = (unsigned)strtoul(type + 1, NULL, 10), used = 0;
    bool little = strcmp(type + strlen(type) - 2, "le") == 0;
    if (width > c->end - c->at)
        return cut(c);
    uint64_t whole = naive_bits_get(c->d->packet.wire.data, c->at, width);
    if (little)
        whole = naive_swap(whole, width);
    for (pk_node i = n->b; i != 0; i = naive_at(unit, i)->next) {
        const naive_field *field = field_of(c->inst, i);
        if (field == NULL || used + field->bits > width)
            continue;
        uint64_t raw = whole >> (width - used - field->bits);
        raw &= field->bits < 64 ? ((uint64_t)1 << field->bits) - 1 : ~(uint64_t)0;
        naive_piece *piece = add_piece(c, NAIVE_P_FIELD, field->bits);
        piece->field = field;
        piece->value = naive_int((int64_t)raw);
        piece->group = little ? width : 0;
        c->at += field->bits;
        used += field->bits;
        note(c, field, piece->off, piece->value);
    }
    return false;
}

/* ---- payloads ----------------------------------------------------------------------------------
 */

static bool key_of(const naive_scope *scope, pk_node expr, uint64_t key[4], size_t *ret_n)
{
    naive_value value = naive_eval(scope, expr);
    size_t n = value.kind == NAIVE_LIST ? value.list->count : 1;
    for (size_t i = 0; i < n; i++) {
        int64_t number;
        naive_value one = value.kind == NAIVE_LIST ? value.list->at[i] : value;
        if (i >= 4 || !naive_number(scope->packet, one, &number))
            return false;
        key[i] = (uint64_t)number;
    }
    *ret_n = n;
    return n != 0;
}

static const naive_layer *next_layer(const cursor *c, const pk_ast_node *payload)
{
    naive_unit *unit = c->d->unit;
    naive_scope scope = scope_at(c);
    for (pk_node s = payload->a; s != 0; s = naive_at(unit, s)->next) {
        const naive_layer *owner;
        pk_atom table;
        uint64_t key[4];
        size_t n;
        pk_node by = naive_selector(unit, c->inst->type, s, &owner, &table);
        if (!key_of(&scope, by, key, &n))
            continue;
        const naive_layer *found = naive_lookup(unit, owner, table, key, n);
        if (found != NULL)
            return found;
    }
    return payload->c == 0 ? NULL : naive_layer_named(unit, payload->c);
}

/* A payload whose window is a number of its own, not `rest`, and in no `within` block: what its
 * layer and the items behind it leave of that window stays with this instance. */
static bool own_window(const cursor *c, pk_node within)
{
    naive_scope scope = scope_at(c);
    naive_value bytes = within == 0 ? naive_undefined() : naive_eval(&scope, within);
    return bytes.kind == NAIVE_INT && !bytes.is_rest && c->window[0] == 0;
}

static void parse_payload(cursor *c, const pk_ast_node *n)
{
    uint64_t end = window_end(c, n->b), from = c->at;
    if (end == c->at)
        return;
    if (own_window(c, n->b) && end > c->inst->claim)
        c->inst->claim = end;
    const naive_layer *type = next_layer(c, n);
    if (type == NULL || too_deep(c->inst, type)) {
        add_raw(c, end);
    } else {
        naive_inst *upper = naive_new_inst(&c->d->packet, type);
        upper->owner = c->inst;
        upper->role = NAIVE_PAYLOAD;
        c->inst->payload = upper;
        add_inst(c, upper, end);
    }
    c->inst->has_payload = true;
    c->inst->payload_off = from;
    c->inst->payload_end = c->at;
}

static bool parse_items(cursor *c, pk_node items)
{
    naive_unit *unit = c->d->unit;
    for (pk_node i = items; i != 0; i = naive_at(unit, i)->next) {
        const pk_ast_node n = *naive_at(unit, i);
        bool was_cut = false;
        naive_scope scope = scope_at(c);
        if (n.kind == PK_AST_FIELD)
            was_cut = parse_field(c, i);
        else if (n.kind == PK_AST_BITGROUP)
            was_cut = parse_group(c, &n);
        else if (n.kind == PK_AST_WITHIN)
            parse_within(c, &n);
        else if (n.kind == PK_AST_PAYLOAD)
            parse_payload(c, &n);
        else if (n.kind == PK_AST_IF)
            was_cut = parse_items(c, naive_truth(naive_eval(&scope, n.a)) ? n.b : n.c);
        if (was_cut)
            return true;
    }
    return false;
}

static void parse_inst(naive_dissection *d, naive_inst *inst, uint64_t *at, uint64_t end)
{
    cursor c = {.d = d, .inst = inst, .at = *at, .end = end, .window = ""};
    inst->dissected = true;
    inst->off = *at;
    inst->end = end;
    bool was_cut = false;
    for (size_t i = 0; !was_cut && i < inst->type->n_items; i++)
        was_cut = parse_items(&c, inst->type->items[i]);
    if (c.at < inst->claim)
        add_leftover(&c, NAIVE_P_REST, "", inst->claim);
    *at = inst->end = c.at;
}

naive_dissection *naive_dissect(naive_unit *unit, const naive_layer *layer, const uint8_t *bytes,
                                size_t len)
{
    naive_dissection *d = calloc(1, sizeof *d);
    if (d == NULL)
        abort();
    d->unit = unit;
    d->packet = (naive_packet){.unit = unit, .arena = &d->arena};
    d->packet.wire = naive_copy(&d->packet, bytes, len).bytes;
    if (layer != NULL && len != 0) {
        d->root = naive_new_inst(&d->packet, layer);
        parse_inst(d, d->root, &d->end, (uint64_t)len * 8);
    }
    naive_leaves_collect(d);
    return d;
}

void naive_dissection_free(naive_dissection *dissection)
{
    if (dissection == NULL)
        return;
    pk_arena_free(&dissection->arena);
    free(dissection);
}
