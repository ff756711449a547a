#include "internal.h"

#include <string.h>

#include "template_trace.h"

/* ---- presence -------------------------------------------------------------------------------- */

int pk_vm_walk(pk_vm *vm, uint32_t instance, uint32_t to)
{
    vm_node *node = &vm->nodes[instance];
    if (node->walked >= to)
        return VM_READY;
    if (node->flags & VM_NODE_WALKING)
        return pk_vm_fail_cycle(vm, VM_WALK, instance, 0);
    vm_frame *frame = pk_vm_push(vm, VM_WALK, VM_DISCARD);
    if (!frame)
        return VM_PUSHED;
    node->flags |= VM_NODE_WALKING;
    frame->node = instance;
    frame->to = to;
    return VM_PUSHED;
}

static const pk_insn *items_of(const pk_vm *vm, const vm_node *node)
{
    return vm->image->code + pk_vm_layer(vm, node->layer)->items;
}

static bool holds_field(const pk_insn *item)
{
    return item->op == PK_OPC_FLD || item->op == PK_OPC_FLX || item->op == PK_OPC_BYT ||
           item->op == PK_OPC_VAR || item->op == PK_OPC_SUB || item->op == PK_OPC_LST;
}

static bool is_given(const pk_vm *vm, const vm_node *node, const pk_insn *item)
{
    return holds_field(item) && vm->slots[node->slots + vm->image->fields[item->d].slot].given;
}

/* Whether every field of the slot is among the items from..to. */
static bool only_there(const pk_vm *vm, pk_ref layer, uint32_t slot, uint32_t from, uint32_t to)
{
    pk_ref field = vm->slot_field[vm->slot_base[layer] + slot];
    for (; field; field = vm->same_slot[field])
        if (vm->item_of[field] < from || vm->item_of[field] >= to)
            return false;
    return true;
}

/* A condition that looks at the wire (`rest`, `peek`) has no answer while building: then what is
 * given that can only stand inside has. */
static bool gives(const pk_vm *vm, const vm_node *node, uint32_t from, uint32_t to)
{
    const pk_insn *items = items_of(vm, node);
    for (uint32_t i = from; i < to; i++)
        if (is_given(vm, node, &items[i]) &&
            only_there(vm, node->layer, vm->image->fields[items[i].d].slot, from, to))
            return true;
    return false;
}

static bool has_cut(const pk_vm *vm, const vm_node *node, pk_ref window)
{
    for (uint32_t at = node->leftover; at; at = vm->nodes[at].next)
        if (vm->nodes[at].role == VM_CUT && vm->nodes[at].window == window)
            return true;
    return false;
}

/* With a cut nothing between the last item given and the cut is there. */
static void cut_items(pk_vm *vm, vm_node *node, uint32_t from, uint32_t to)
{
    const pk_insn *items = items_of(vm, node);
    uint8_t *present = vm->items + node->items;
    for (uint32_t i = to; i-- > from;) {
        if (present[i] == VM_PRESENT && is_given(vm, node, &items[i]))
            return;
        if (holds_field(&items[i]) || items[i].op == PK_OPC_PAY)
            present[i] = VM_ABSENT;
        if (node->pay == i)
            node->pay = VM_NO_ITEM;
    }
}

/* One past the last item that may be given; all of them when nothing is cut. */
static uint32_t last_given(const pk_vm *vm, const vm_node *node)
{
    const pk_image_layer *layer = pk_vm_layer(vm, node->layer);
    const pk_insn *items = items_of(vm, node);
    uint32_t n = layer->n_items;
    if (!(node->flags & VM_NODE_ENDS) || !has_cut(vm, node, 0))
        return n;
    while (n > 0 && !is_given(vm, node, &items[n - 1]))
        n--;
    return n;
}

static uint32_t opening_of(const pk_insn *items, uint32_t closing)
{
    uint32_t depth = 0, i = closing;
    while (i-- > 0) {
        if (items[i].op == PK_OPC_WEN)
            depth++;
        else if (items[i].op == PK_OPC_WIN && depth-- == 0)
            return i;
    }
    return 0;
}

pk_ref pk_vm_window_of(const pk_vm *vm, const pk_image_layer *layer, uint32_t item)
{
    const pk_insn *items = vm->image->code + layer->items;
    return items[opening_of(items, item)].d;
}

static void mark(pk_vm *vm, const vm_node *node, uint32_t from, uint32_t to, vm_presence presence)
{
    if (to > from)
        memset(vm->items + node->items + from, (int)presence, to - from);
}

/* Behind the last item given, everything but the end is absent. */
static void end_of_walk(pk_vm *vm, vm_node *node, uint32_t n)
{
    if (node->walked < n) {
        cut_items(vm, node, 0, node->walked);
        mark(vm, node, node->walked, n - 1, VM_ABSENT);
        mark(vm, node, n - 1, n, VM_PRESENT);
        node->walked = n;
    }
    if (node->pay == VM_NO_ITEM)
        node->pay = n - 1;
}

static uint32_t walk_item(pk_vm *vm, vm_node *node, uint32_t at, bool holds)
{
    const pk_insn *items = items_of(vm, node);
    uint32_t next = at + 1;
    mark(vm, node, at, at + 1, VM_PRESENT);
    if (items[at].op == PK_OPC_JMP || (items[at].op == PK_OPC_JIF && !holds))
        next = items[at].d;
    mark(vm, node, at + 1, next, VM_ABSENT);
    if (items[at].op == PK_OPC_PAY && node->pay == VM_NO_ITEM)
        node->pay = at;
    if (items[at].op == PK_OPC_WEN && (node->flags & VM_NODE_ENDS)) {
        uint32_t opening = opening_of(items, at);
        if (has_cut(vm, node, items[opening].d))
            cut_items(vm, node, opening, at);
    }
    return next;
}

void pk_vm_step_walk(pk_vm *vm, vm_frame *frame)
{
    vm_node *node = &vm->nodes[frame->node];
    uint32_t n = pk_vm_layer(vm, node->layer)->n_items, stop = last_given(vm, node);
    const pk_insn *items = items_of(vm, node);
    while (node->walked < stop && node->walked < frame->to) {
        const pk_insn *item = &items[node->walked];
        bool holds = true;
        if (item->op == PK_OPC_JIF) {
            if (!frame->got) {
                frame->sum = vm->looks;
                pk_vm_push_expr(vm, (pk_ref)item->e, pk_vm_node_value(0, frame->node), node->walked,
                                0);
                return;
            }
            if (pk_vm_plain(vm, &frame->held, 0) == VM_PUSHED ||
                !pk_trace_settled(vm, frame->held, "which fields are present"))
                return;
            holds = pk_value_truth(frame->held) ||
                    (frame->sum != vm->looks && gives(vm, node, node->walked + 1, item->d));
            frame->got = false;
        }
        node->walked = walk_item(vm, node, node->walked, holds);
    }
    if (node->walked >= stop)
        end_of_walk(vm, node, n);
    node->flags &= (uint8_t)~VM_NODE_WALKING;
    pk_vm_return(vm, pk_value_undefined());
}

int pk_vm_field_at(pk_vm *vm, uint32_t instance, uint32_t slot, pk_ref *ret_field)
{
    const vm_node *node = &vm->nodes[instance];
    pk_ref field = vm->slot_field[vm->slot_base[node->layer] + slot];
    bool whole = !(node->flags & VM_NODE_ENDS);
    *ret_field = field;
    if (!field || (vm->image->fields[field].flags & PK_FIELD_PARAM))
        return VM_READY;
    for (; field; field = vm->same_slot[field]) {
        uint32_t item = vm->item_of[field];
        *ret_field = field;
        if (item == VM_NO_ITEM)
            continue;
        if (whole && (vm->field_facts[field] & VM_FIELD_SURE))
            return VM_READY;
        if (pk_vm_walk(vm, instance, item + 1) == VM_PUSHED)
            return VM_PUSHED;
        if (vm->items[vm->nodes[instance].items + item] == VM_PRESENT)
            return VM_READY;
    }
    *ret_field = 0;
    return VM_READY;
}
