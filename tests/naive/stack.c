/* Instances, and how they are put on top of or beside each other. */
#include "internal.h"

#include <string.h>

/* ---- instances and stacks ----------------------------------------------------------------------
 */

naive_inst *naive_new_inst(naive_packet *packet, const naive_layer *type)
{
    naive_inst *inst = naive_alloc(packet->arena, 1, sizeof *inst);
    inst->type = type;
    if (type != NULL)
        inst->slots = naive_alloc(packet->arena, type->n_slots + 1, sizeof *inst->slots);
    return inst;
}

naive_stack *naive_stack_new(naive_packet *packet, naive_inst *inst)
{
    naive_stack *stack = naive_alloc(packet->arena, 1, sizeof *stack);
    stack->first = stack->top = inst;
    return stack;
}

naive_stack *naive_literal_stack(naive_packet *packet, pk_bytes bytes)
{
    naive_inst *inst = naive_new_inst(packet, NULL);
    inst->literal = bytes;
    return naive_stack_new(packet, inst);
}

static void place(naive_inst *first, naive_inst *owner)
{
    for (naive_inst *i = first; i != NULL; i = i->sibling) {
        i->owner = owner;
        i->role = NAIVE_PAYLOAD;
    }
}

/* What brings the layer below it along when it stands on something else: a case its struct; a
 * struct, and a layer with a chained bind (ipv6/icmpv6), the layer directly below in that bind. */
const naive_layer *naive_implied(const naive_unit *unit, const naive_layer *type)
{
    if (type == NULL || type->kind == NAIVE_IS_CASE)
        return type == NULL ? NULL : type->parent;
    if (type->n_binds == 0)
        return NULL;
    pk_node part = naive_at(unit, type->binds[0])->a;
    bool chain = naive_at(unit, part)->next != 0;
    while (naive_at(unit, part)->next != 0)
        part = naive_at(unit, part)->next;
    return chain || type->kind == NAIVE_IS_STRUCT ? naive_layer_named(unit, naive_at(unit, part)->a)
                                                  : NULL;
}

void naive_wrap(naive_packet *packet, naive_stack *stack, const naive_layer *below,
                const naive_layer *wanted)
{
    for (;;) {
        naive_inst *first = stack->first;
        const naive_layer *type = first == NULL || first->type == wanted
                                      ? NULL
                                      : naive_implied(packet->unit, first->type);
        if (type == NULL || type == below)
            return;
        naive_inst *outer = first->lower != NULL ? first->lower : naive_new_inst(packet, type);
        outer->sibling = first->sibling;
        first->sibling = NULL;
        outer->payload = first;
        place(first, outer);
        stack->first = outer;
    }
}

static void wrap_case(naive_packet *packet, naive_stack *stack)
{
    naive_wrap(packet, stack, NULL, NULL);
}

/* The slot of a layer's field for padding: bytes called `pad`, behind the payload. */
static bool pad_slot(naive_packet *packet, const naive_inst *frame, unsigned *ret_slot)
{
    const naive_layer *type = frame->type;
    const naive_member *pad =
        type == NULL ? NULL : naive_member_named(type, naive_atom(packet->unit, "pad"));
    if (pad == NULL || pad->kind != NAIVE_M_FIELD || type->kind != NAIVE_IS_LAYER ||
        type->n_payloads == 0)
        return false;
    const naive_field *field = NULL;
    for (size_t i = 0; i < type->n_fields && field == NULL; i++)
        field = type->fields[i].slot == pad->slot ? &type->fields[i] : NULL;
    *ret_slot = pad->slot;
    return field != NULL && field->type == NAIVE_OCTETS && !field->is_list &&
           naive_at(packet->unit, field->node)->span.lo >
               naive_at(packet->unit, type->payloads[0].node)->span.lo;
}

/* Padding of a frame that has a field for it is that field's value. */
static void take_padding(naive_packet *packet, naive_stack *stack)
{
    naive_inst *frame = stack->first;
    const naive_inst *padding = stack->trailer;
    unsigned slot;
    if (padding == NULL || padding->sibling != NULL || frame->sibling != NULL ||
        !padding->slots[0].is_given || padding->slots[0].given.kind != NAIVE_BYTES ||
        frame->cut_given || !pad_slot(packet, frame, &slot) || frame->slots[slot].is_given)
        return;
    frame->slots[slot].is_given = true;
    frame->slots[slot].given = padding->slots[0].given;
    stack->trailer = NULL;
}

naive_stack *naive_finish(naive_packet *packet, naive_stack *stack)
{
    wrap_case(packet, stack);
    take_padding(packet, stack);
    return stack;
}

static void append(naive_inst **chain, naive_inst *more)
{
    while (*chain != NULL)
        chain = &(*chain)->sibling;
    *chain = more;
}

static bool is_padding(const naive_unit *unit, const naive_inst *inst)
{
    return inst->type != NULL && strcmp(naive_text(unit, inst->type->name), "padding") == 0;
}

/* The outermost struct around `top` when nothing can stand in it: what is stacked there follows it.
 */
static naive_inst *without_payload(naive_inst *top)
{
    if (top->type == NULL || top->type->kind == NAIVE_IS_LAYER || top->type->n_payloads != 0)
        return NULL;
    while (top->owner != NULL && top->owner->type != NULL &&
           top->owner->type->kind != NAIVE_IS_LAYER)
        top = top->owner;
    return top;
}

static void put(naive_inst *top, naive_inst *above)
{
    naive_inst *struct_below = without_payload(top);
    append(struct_below == NULL ? &top->payload : &struct_below->sibling, above);
    place(above, struct_below == NULL ? top : struct_below->owner);
}

naive_stack *naive_attach(naive_packet *packet, naive_stack *lower, naive_stack *upper)
{
    naive_inst *first = upper->first;
    if (lower->first != NULL && lower->first == lower->top &&
        is_padding(packet->unit, lower->first)) {
        append(&lower->first, lower->trailer);
        append(&upper->trailer, lower->first);
        return upper;
    }
    append(&lower->trailer, upper->trailer);
    if (first != NULL && is_padding(packet->unit, first)) {
        naive_inst *above = first->payload;
        first->payload = NULL;
        append(&lower->trailer, first);
        lower->padded = true;
        upper->first = above;
        if (above == NULL)
            return lower;
        first = above;
    }
    if (lower->padded) { /* an empty padding keeps the layers around it apart */
        naive_inst *gap = naive_new_inst(packet, lower->trailer->type);
        put(lower->top, gap);
        lower->top = gap;
        lower->padded = false;
    }
    naive_wrap(packet, upper, lower->top->type, NULL);
    if (upper->first == first && first != NULL && first->lower != NULL)
        naive_fail(packet->unit, 0, "`%s` has values for `%s`, which is given already",
                   naive_text(packet->unit, first->type->name),
                   naive_text(packet->unit, first->lower->type->name));
    put(lower->top, upper->first);
    lower->top = upper->top;
    lower->padded = upper->padded;
    return lower;
}

naive_stack *naive_juxtapose(naive_packet *packet, naive_stack *left, naive_stack *right)
{
    wrap_case(packet, left);
    wrap_case(packet, right);
    append(&left->first, right->first);
    append(&left->trailer, right->trailer);
    left->top = right->top;
    return left;
}
