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

naive_stack *naive_finish(naive_packet *packet, naive_stack *stack)
{
    wrap_case(packet, stack);
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
        upper->first = above;
        if (above == NULL)
            return lower;
        first = above;
    }
    naive_wrap(packet, upper, lower->top->type, NULL);
    if (upper->first == first && first != NULL && first->lower != NULL)
        naive_fail(packet->unit, 0, "`%s` has values for `%s`, which is given already",
                   naive_text(packet->unit, first->type->name),
                   naive_text(packet->unit, first->lower->type->name));
    naive_inst *struct_below = without_payload(lower->top);
    if (struct_below == NULL) {
        append(&lower->top->payload, upper->first);
        place(lower->top->payload, lower->top);
    } else {
        append(&struct_below->sibling, upper->first);
        place(upper->first, struct_below->owner);
    }
    lower->top = upper->top;
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
