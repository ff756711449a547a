/* Building: the value of each field on demand, sizes, and the bytes. */
#include "internal.h"

#include <string.h>

/* ---- values of fields --------------------------------------------------------------------------
 */

bool naive_present(naive_packet *packet, naive_inst *inst, const naive_cond *conds)
{
    if (conds == NULL)
        return true;
    if (!naive_present(packet, inst, conds->outer))
        return false;
    naive_scope scope = {.packet = packet, .self = inst, .hint_inst = inst};
    return naive_truth(naive_eval(&scope, conds->expr)) == conds->want;
}

/* The field item of a slot that is on the wire, NULL when none is. */
const naive_field *naive_active(naive_packet *packet, naive_inst *inst, unsigned slot)
{
    for (size_t i = 0; i < inst->type->n_fields; i++) {
        const naive_field *field = &inst->type->fields[i];
        if (field->slot == slot && naive_present(packet, inst, field->conds))
            return field;
    }
    return NULL;
}

static naive_value empty_list(naive_packet *packet, size_t room)
{
    naive_list *list = naive_alloc(packet->arena, 1, sizeof *list);
    list->at = naive_alloc(packet->arena, room + 1, sizeof *list->at);
    return (naive_value){.kind = NAIVE_LIST, .list = list};
}

static void pass_args(naive_packet *packet, naive_inst *owner, const naive_field *field,
                      naive_inst *inst, const naive_value *element)
{
    const naive_unit *unit = packet->unit;
    size_t n = pk_ast_list_len(unit->ast, field->sub->formals);
    if (n == 0)
        return;
    inst->args = naive_alloc(packet->arena, n, sizeof *inst->args);
    naive_env env = {.name = field->list_name};
    naive_scope scope = {.packet = packet, .self = owner, .item = field->node};
    if (element != NULL) {
        env.value = *element;
        scope.env = &env;
    }
    pk_node arg = field->args;
    if (arg == 0 && element != NULL)
        inst->args[0] = *element;
    for (size_t i = 0; arg != 0 && i < n; arg = naive_at(unit, arg)->next, i++)
        inst->args[i] = naive_eval(&scope, naive_at(unit, arg)->b);
}

naive_inst *naive_sub_inst(naive_packet *packet, naive_inst *owner, const naive_field *field,
                           const naive_value *element)
{
    naive_inst *inst = naive_new_inst(packet, field->sub);
    inst->owner = owner;
    inst->role = NAIVE_MEMBER;
    inst->slot = field->slot;
    pass_args(packet, owner, field, inst, element);
    return inst;
}

/* One element for each element of the list after `for`. */
static naive_value list_for_each(naive_packet *packet, naive_inst *inst, const naive_field *field)
{
    naive_scope scope = {.packet = packet, .self = inst, .item = field->node};
    naive_value over = naive_eval(&scope, field->list_expr);
    size_t n = over.kind == NAIVE_LIST ? over.list->count : 0;
    naive_value value = empty_list(packet, n);
    for (size_t i = 0; i < n && field->sub != NULL; i++) {
        naive_inst *sub = naive_sub_inst(packet, inst, field, &over.list->at[i]);
        sub->index = i;
        value.list->at[i] = (naive_value){.kind = NAIVE_NODE, .node = sub};
        value.list->count = i + 1;
    }
    return value;
}

/* Without a default: zero, or as many zero bytes as the type says, or nothing. */
static naive_value nothing(naive_packet *packet, naive_inst *inst, const naive_field *field)
{
    static const uint8_t zeros[16];
    int64_t width = 0;
    if (field->is_list)
        return field->list_kind == PK_LIST_FOR ? list_for_each(packet, inst, field)
                                               : empty_list(packet, 0);
    if (field->type == NAIVE_STRUCT)
        return (naive_value){.kind = NAIVE_NODE, .node = naive_sub_inst(packet, inst, field, NULL)};
    if (field->type != NAIVE_OCTETS)
        return naive_int(0);
    if (field->address)
        return naive_bytes(zeros, field->bits / 8);
    naive_scope scope = {.packet = packet, .self = inst, .item = field->node};
    naive_value value = naive_bytes(zeros, 0), size = naive_undefined();
    if (field->width != 0)
        size = naive_eval(&scope, field->width);
    if (naive_number(packet, size, &width))
        naive_native(packet, "zeros", 1, &size, &value);
    return value;
}

static void bind_node(naive_packet *packet, naive_inst *inst, const naive_field *field,
                      const naive_value *given, const naive_value *element)
{
    if (given->kind == NAIVE_NODE && given->node->args == NULL)
        pass_args(packet, inst, field, given->node, element);
}

/* What was given gets its type's arguments; elements of a list after `for` the one that they stand
 * for. */
static void bind_given(naive_packet *packet, naive_inst *inst, const naive_field *field,
                       const naive_value *given)
{
    if (field->sub == NULL)
        return;
    bind_node(packet, inst, field, given, NULL);
    if (given->kind != NAIVE_LIST)
        return;
    naive_scope scope = {.packet = packet, .self = inst, .item = field->node};
    naive_value over = naive_undefined();
    if (field->list_kind == PK_LIST_FOR)
        over = naive_eval(&scope, field->list_expr);
    size_t n = over.kind == NAIVE_LIST ? over.list->count : 0;
    for (size_t i = 0; i < given->list->count; i++)
        bind_node(packet, inst, field, &given->list->at[i], i < n ? &over.list->at[i] : NULL);
}

/* What no longer fits among random values keeps its low bits. */
static int64_t low_bits(unsigned width)
{
    return width >= 64 ? -1 : (int64_t)(((uint64_t)1 << width) - 1);
}

static naive_value compute(naive_packet *packet, naive_inst *inst, const naive_field *field)
{
    naive_slot *slot = &inst->slots[field->slot];
    naive_value value;
    if (slot->is_given) {
        bind_given(packet, inst, field, &slot->given);
        return slot->given;
    }
    if (naive_imposed(packet, inst, field->name, field, &value) && value.kind != NAIVE_UNDEFINED)
        return naive_coerce(packet, field, inst, value);
    if (naive_fuzzes(packet, inst, field) && field->list_kind != PK_LIST_FOR)
        return naive_fuzz_value(packet, inst, field);
    if (field->init == 0)
        return nothing(packet, inst, field);
    naive_scope scope = {.packet = packet, .self = inst, .item = field->node};
    value = naive_field_expr(&scope, inst, field, field->init);
    if (inst->fuzz != 0 && value.kind == NAIVE_INT && field->type == NAIVE_UINT)
        value.number &= low_bits(naive_width(packet, field, inst));
    return value.kind == NAIVE_UNDEFINED ? nothing(packet, inst, field) : value;
}

/* A field that is asked for while it is computed reads as zero. */
static naive_value while_computing(naive_packet *packet, const naive_field *field)
{
    if (field->is_list)
        return empty_list(packet, 0);
    if (field->type == NAIVE_OCTETS)
        return naive_bytes("", 0);
    return field->type == NAIVE_STRUCT ? naive_undefined() : naive_int(0);
}

static naive_value parameter(naive_packet *packet, naive_inst *inst, unsigned slot)
{
    const naive_layer *type = inst->type;
    if (inst->slots[slot].is_given)
        return inst->slots[slot].given;
    for (size_t i = 0; i < type->n_members; i++) {
        const naive_member *member = &type->members[i];
        if (member->kind != NAIVE_M_PARAM || member->slot != slot)
            continue;
        naive_value imposed;
        if (naive_imposed(packet, inst, member->name, NULL, &imposed))
            return imposed;
        naive_scope scope = {.packet = packet};
        pk_node init = naive_at(packet->unit, member->node)->c;
        return init == 0 ? naive_undefined() : naive_eval(&scope, init);
    }
    return naive_undefined();
}

static naive_value marked(naive_value value, const naive_field *field, naive_inst *inst)
{
    value.field = field;
    value.from = inst;
    return value;
}

static naive_value field_value(naive_packet *packet, naive_inst *inst, const naive_field *field)
{
    naive_slot *slot = &inst->slots[field->slot];
    if (slot->state == NAIVE_DONE)
        return slot->value;
    if (slot->state == NAIVE_COMPUTING)
        return while_computing(packet, field);
    slot->state = NAIVE_COMPUTING;
    slot->value = marked(compute(packet, inst, field), field, inst);
    naive_adopt(inst, field->slot, slot->value);
    slot->state = NAIVE_DONE;
    return slot->value;
}

naive_value naive_slot_value(naive_packet *packet, naive_inst *inst, unsigned slot)
{
    bool is_field = false;
    for (size_t i = 0; i < inst->type->n_fields; i++)
        is_field = is_field || inst->type->fields[i].slot == slot;
    if (!is_field)
        return parameter(packet, inst, slot);
    if (inst->dissected)
        return inst->slots[slot].field == NULL ? naive_undefined() : inst->slots[slot].value;
    const naive_field *field = naive_active(packet, inst, slot);
    return field == NULL ? naive_undefined() : field_value(packet, inst, field);
}

/* ---- the walk ----------------------------------------------------------------------------------
 */

/* One walk over the items of an instance serves sizes (out is NULL) and bytes. It can be limited to
 * what stands before an item, before the payload, to the payload, or to a run of fields. */
typedef struct walk {
    naive_packet *packet;
    naive_inst *inst;
    naive_bits *out;
    uint64_t bits;
    naive_part part;
    unsigned first, last;
    pk_node stop;
    bool within_fields; /* FIELDS: past the first */
    bool past;          /* nothing more counts */
    bool payload_done;
    size_t givens_left; /* with _cut: named fields still to come */
} walk;

static void inst_walk(naive_packet *packet, naive_inst *inst, naive_bits *out, uint64_t *bits);

static void walk_inst(walk *w, naive_inst *inst)
{
    inst_walk(w->packet, inst, w->out, &w->bits);
}

static void put_bytes(walk *w, naive_value value)
{
    uint64_t n = value.n_bits != 0 ? value.n_bits : value.bytes.len * 8;
    w->bits += n;
    if (w->out != NULL)
        naive_bits_put_bytes(w->packet, w->out, value.bytes.data, n);
}

static void put_scalar(walk *w, const naive_field *field, naive_value value)
{
    naive_bits scratch = {0};
    naive_bits *out = w->out != NULL ? w->out : &scratch;
    uint64_t before = out->count;
    naive_scalar_put(w->packet, out, field, w->inst, value);
    w->bits += out->count - before;
}

static void put_value(walk *w, const naive_field *field, naive_value value)
{
    if (value.kind == NAIVE_NODE)
        walk_inst(w, value.node);
    else if (value.kind == NAIVE_LIST)
        for (size_t i = 0; i < value.list->count; i++)
            put_value(w, field, value.list->at[i]);
    else if (value.kind == NAIVE_RAW || field->type == NAIVE_STRUCT)
        put_bytes(w, value);
    else
        put_scalar(w, field, value);
}

/* The size of a field of constant width never needs its value. */
static bool constant_width(const walk *w, const naive_field *field)
{
    const naive_slot *slot = &w->inst->slots[field->slot];
    bool integer = field->type == NAIVE_UINT || field->type == NAIVE_SINT || field->address;
    bool odd = slot->is_given && slot->given.kind == NAIVE_RAW;
    bool resized = field->address && slot->is_given && slot->given.kind == NAIVE_BYTES &&
                   slot->given.bytes.len * 8 != field->bits;
    return integer && !field->is_list && field->bits != 0 && !odd && !resized;
}

static void put_computing(walk *w, const naive_field *field)
{
    if (constant_width(w, field)) {
        w->bits += field->bits;
        for (unsigned i = 0; w->out != NULL && i < field->bits; i++)
            naive_bits_put(w->packet, w->out, 0, 1);
    }
}

static void walk_field(walk *w, pk_node node)
{
    const naive_field *field = NULL;
    for (size_t i = 0; i < w->inst->type->n_fields; i++) {
        if (w->inst->type->fields[i].node == node)
            field = &w->inst->type->fields[i];
    }
    if (field == NULL)
        return;
    naive_slot *slot = &w->inst->slots[field->slot];
    if (w->part == NAIVE_FIELDS && field->slot == w->first)
        w->within_fields = true;
    bool wanted = w->part == NAIVE_THIS || w->part == NAIVE_HEAD || w->within_fields;
    if (!w->past && wanted) {
        if (w->out == NULL && constant_width(w, field))
            w->bits += field->bits;
        else if (slot->state == NAIVE_COMPUTING)
            put_computing(w, field);
        else
            put_value(w, field, field_value(w->packet, w->inst, field));
    }
    if (w->part == NAIVE_FIELDS && field->slot == w->last)
        w->past = true;
    if (w->inst->cut_given && slot->is_given && --w->givens_left == 0)
        w->past = true;
}

static void walk_payload(walk *w)
{
    if (w->payload_done)
        return;
    w->payload_done = true;
    if (w->part == NAIVE_HEAD)
        w->past = true;
    if (w->past || (w->part != NAIVE_THIS && w->part != NAIVE_OF_PAYLOAD && !w->within_fields))
        return;
    for (naive_inst *up = w->inst->payload; up != NULL; up = up->sibling)
        walk_inst(w, up);
    if (w->part == NAIVE_OF_PAYLOAD)
        w->past = true;
}

static pk_atom first_name(const naive_unit *unit, pk_node items, pk_atom payload)
{
    for (pk_node i = items; i != 0; i = naive_at(unit, i)->next) {
        const pk_ast_node *n = naive_at(unit, i);
        pk_atom found = 0;
        if (n->kind == PK_AST_FIELD)
            found = n->a;
        else if (n->kind == PK_AST_PAYLOAD)
            found = payload;
        else if (n->kind == PK_AST_WITHIN || n->kind == PK_AST_BITGROUP || n->kind == PK_AST_IF)
            found = first_name(unit, n->b, payload);
        if (found != 0)
            return found;
    }
    return 0;
}

pk_atom naive_window_name(naive_unit *unit, pk_node items)
{
    return first_name(unit, items, naive_atom(unit, "payload"));
}

static void put_leftover(walk *w, pk_atom name)
{
    for (naive_leftover *rest = w->inst->rests; rest != NULL; rest = rest->next) {
        if (rest->name == name && !w->past && (w->part == NAIVE_THIS || w->part == NAIVE_HEAD))
            put_bytes(w, rest->value);
    }
}

static void walk_items(walk *w, pk_node items);

static void walk_group(walk *w, const pk_ast_node *n)
{
    const naive_unit *unit = w->packet->unit;
    const char *type = naive_text(unit, naive_at(unit, n->a)->a);
    bool little = strlen(type) > 2 && strcmp(type + strlen(type) - 2, "le") == 0;
    if (w->out == NULL || !little) {
        walk_items(w, n->b);
        return;
    }
    naive_bits group = {0}, *out = w->out;
    w->out = &group;
    walk_items(w, n->b);
    w->out = out;
    for (uint64_t byte = (group.count + 7) / 8; byte-- > 0;)
        naive_bits_put(w->packet, out, group.data[byte], 8);
}

static void walk_items(walk *w, pk_node items)
{
    const naive_unit *unit = w->packet->unit;
    for (pk_node i = items; i != 0 && !w->past; i = naive_at(unit, i)->next) {
        const pk_ast_node n = *naive_at(unit, i);
        w->past = w->past || i == w->stop;
        if (n.kind == PK_AST_FIELD) {
            walk_field(w, i);
        } else if (n.kind == PK_AST_PAYLOAD) {
            walk_payload(w);
        } else if (n.kind == PK_AST_BITGROUP) {
            walk_group(w, &n);
        } else if (n.kind == PK_AST_WITHIN) {
            walk_items(w, n.b);
            put_leftover(w, naive_window_name(w->packet->unit, n.b));
        } else if (n.kind == PK_AST_IF) {
            naive_scope scope = {.packet = w->packet, .self = w->inst, .hint_inst = w->inst};
            scope.item = i;
            walk_items(w, naive_truth(naive_eval(&scope, n.a)) ? n.b : n.c);
        }
    }
}

static void run_walk(walk *w)
{
    const naive_inst *inst = w->inst;
    if (inst->cut_given) {
        for (unsigned slot = 0; slot < inst->type->n_slots; slot++)
            w->givens_left += inst->slots[slot].is_given;
        w->past = w->givens_left == 0;
    }
    for (size_t i = 0; i < inst->type->n_items; i++)
        walk_items(w, inst->type->items[i]);
    bool whole = w->part == NAIVE_THIS && w->stop == 0;
    if (inst->cut_given && whole) {
        put_bytes(w, inst->cut);
        return;
    }
    walk_payload(w);
    if (whole)
        put_leftover(w, 0);
}

/* A dissected instance has its bytes on the wire already. */
static bool wire_span(const naive_inst *inst, naive_part part, unsigned first, unsigned last,
                      uint64_t *ret_from, uint64_t *ret_to)
{
    *ret_from = inst->off;
    *ret_to = inst->end;
    if (part == NAIVE_HEAD && inst->has_payload)
        *ret_to = inst->payload_off;
    if (part == NAIVE_OF_PAYLOAD) {
        *ret_from = inst->payload_off;
        *ret_to = inst->payload_end;
        return inst->has_payload;
    }
    if (part == NAIVE_FIELDS) {
        *ret_from = inst->slots[first].off;
        *ret_to = inst->slots[last].end;
        return inst->slots[first].field != NULL && inst->slots[last].field != NULL;
    }
    return true;
}

uint64_t naive_part_bits(naive_packet *packet, naive_inst *inst, naive_part part, unsigned first,
                         unsigned last)
{
    uint64_t from, to, bits = 0;
    if (inst->type == NULL) {
        inst_walk(packet, inst, NULL, &bits);
        return bits;
    }
    if (inst->dissected)
        return wire_span(inst, part, first, last, &from, &to) && to > from ? to - from : 0;
    walk w = {.packet = packet, .inst = inst, .part = part, .first = first, .last = last};
    run_walk(&w);
    return w.bits;
}

naive_value naive_part_bytes(naive_packet *packet, naive_inst *inst, naive_part part,
                             unsigned first, unsigned last)
{
    uint64_t from, to, bits = 0;
    naive_bits out = {0};
    walk w = {.packet = packet, .inst = inst, .part = part, .first = first, .last = last};
    w.out = &out;
    if (inst->type == NULL) {
        inst_walk(packet, inst, &out, &bits);
    } else if (inst->dissected) {
        if (wire_span(inst, part, first, last, &from, &to) && to > from) {
            for (uint64_t i = from; i < to; i++)
                naive_bits_put(packet, &out, naive_bits_get(packet->wire.data, i, 1), 1);
        }
    } else {
        run_walk(&w);
    }
    return naive_copy(packet, out.data, (size_t)((out.count + 7) / 8));
}

uint64_t naive_here_bits(naive_packet *packet, naive_inst *inst, pk_node item)
{
    walk w = {.packet = packet, .inst = inst, .part = NAIVE_THIS, .stop = item};
    if (item == 0)
        return naive_part_bits(packet, inst, NAIVE_HEAD, 0, 0);
    run_walk(&w);
    return w.bits;
}

static uint64_t offset_in_layer(naive_packet *packet, naive_inst *inst)
{
    naive_inst *owner = inst->owner;
    if (inst->type == NULL || inst->type->kind == NAIVE_IS_LAYER || owner == NULL)
        return 0;
    uint64_t off = offset_in_layer(packet, owner);
    if (inst->role == NAIVE_PAYLOAD)
        return off + naive_part_bits(packet, owner, NAIVE_HEAD, 0, 0);
    const naive_field *field = naive_active(packet, owner, inst->slot);
    off += naive_here_bits(packet, owner, field == NULL ? 0 : field->node);
    naive_value value = owner->slots[inst->slot].is_given ? owner->slots[inst->slot].given
                                                          : owner->slots[inst->slot].value;
    for (size_t i = 0; value.kind == NAIVE_LIST && i < inst->index; i++) {
        if (value.list->at[i].kind == NAIVE_NODE)
            off += naive_part_bits(packet, value.list->at[i].node, NAIVE_THIS, 0, 0);
    }
    return off;
}

uint64_t naive_pos_bits(const naive_scope *scope)
{
    naive_inst *layer = scope->self;
    if (scope->dissecting) {
        while (layer->owner != NULL && (layer->type == NULL || layer->type->kind != NAIVE_IS_LAYER))
            layer = layer->owner;
        return scope->at - layer->off;
    }
    return offset_in_layer(scope->packet, scope->self) +
           naive_here_bits(scope->packet, scope->self, scope->item);
}

static void inst_walk(naive_packet *packet, naive_inst *inst, naive_bits *out, uint64_t *bits)
{
    walk w = {.packet = packet, .inst = inst, .out = out, .part = NAIVE_THIS};
    if (packet->depth >= NAIVE_DEPTH) {
        naive_fail(packet->unit, 0, "too many layers in a packet");
        return;
    }
    packet->depth++;
    if (inst->type != NULL) {
        run_walk(&w);
    } else {
        put_bytes(&w, naive_bytes(inst->literal.data, inst->literal.len));
        for (naive_inst *up = inst->payload; up != NULL; up = up->sibling)
            walk_inst(&w, up);
    }
    packet->depth--;
    *bits += w.bits;
}

naive_value naive_encode_stack(naive_packet *packet, const naive_stack *stack)
{
    naive_bits out = {0};
    uint64_t bits = 0;
    for (naive_inst *i = stack->first; i != NULL; i = i->sibling)
        inst_walk(packet, i, &out, &bits);
    for (naive_inst *i = stack->trailer; i != NULL; i = i->sibling)
        inst_walk(packet, i, &out, &bits);
    return naive_copy(packet, out.data, (size_t)((out.count + 7) / 8));
}
