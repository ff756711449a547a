#include "internal.h"

#include <string.h>

#include "template_trace.h"

static const pk_value *values_of(pk_value multi)
{
    return (const pk_value *)(const void *)multi.bytes;
}

static pk_value multi(const pk_value *values, uint32_t count)
{
    pk_value value = {.kind = VM_MULTI, .len = count};
    value.bytes = (const uint8_t *)values;
    return value;
}

/* ---- find ------------------------------------------------------------------------------------ */

void pk_vm_step_find(pk_vm *vm, vm_frame *frame)
{
    if (frame->got) {
        frame->got = false;
        if (pk_vm_plain(vm, &frame->held, 0) == VM_PUSHED ||
            !pk_trace_settled(vm, frame->held, "what is found in a list"))
            return;
        if (pk_value_truth(frame->held)) {
            pk_vm_return(vm, frame->arg);
            return;
        }
        frame->arg = pk_vm_next(vm, frame->arg);
    }
    if (frame->arg.kind != PK_NODE || !frame->expr) {
        pk_vm_return(vm, pk_value_undefined());
        return;
    }
    pk_vm_push_expr(vm, frame->expr, frame->self, frame->item, 0);
    if (!vm->failed) {
        vm->frames[vm->depth - 1].args = &frame->arg;
        vm->frames[vm->depth - 1].n_args = 1;
    }
}

/* ---- a member of every element --------------------------------------------------------------- */

int pk_vm_push_map(pk_vm *vm, pk_value list, pk_ref name, uint8_t dst)
{
    vm_frame *frame = pk_vm_push(vm, VM_MAP, dst);
    if (!frame)
        return VM_PUSHED;
    frame->self = list;
    frame->field = name;
    frame->arg = list.kind == PK_NODE ? pk_vm_first(vm, list) : pk_value_undefined();
    return VM_PUSHED;
}

/* What was collected so far is in arg-independent scratch: `node` values of room `to` at `args`. */
static bool collect(pk_vm *vm, vm_frame *frame, const pk_value *values, uint32_t count)
{
    if (frame->node + (uint64_t)count > frame->to) {
        uint64_t cap = frame->to ? (uint64_t)frame->to * 2 : 8;
        while (cap < frame->node + (uint64_t)count)
            cap *= 2;
        if (cap > PK_VM_PACKET_LIMIT) {
            pk_vm_fail(vm, PK_ELIMIT, 0, "too many elements in a list (limit %d)",
                       PK_VM_PACKET_LIMIT);
            return false;
        }
        pk_value *room = (pk_value *)(void *)pk_vm_bytes_alloc(vm, (size_t)cap * sizeof *room);
        if (!room)
            return false;
        if (frame->node)
            memcpy(room, frame->args, frame->node * sizeof *room);
        frame->args = room;
        frame->to = (uint32_t)cap;
    }
    pk_value *end = (pk_value *)(uintptr_t)(frame->args + frame->node);
    memcpy(end, values, count * sizeof *values);
    frame->node += count;
    return true;
}

/* The element at hand, or undefined at the end. */
static pk_value next_of_map(const pk_vm *vm, vm_frame *frame)
{
    pk_value at;
    if (frame->self.kind == VM_MULTI) {
        if (frame->at >= frame->self.len)
            return pk_value_undefined();
        return values_of(frame->self)[frame->at++];
    }
    at = frame->arg;
    if (at.kind == PK_NODE)
        frame->arg = pk_vm_next(vm, at);
    return at;
}

static bool keep(pk_vm *vm, vm_frame *frame, pk_value value)
{
    if (value.kind == PK_UNDEFINED)
        return true;
    if (value.kind == VM_MULTI)
        return collect(vm, frame, values_of(value), value.len);
    return collect(vm, frame, &value, 1);
}

void pk_vm_step_map(pk_vm *vm, vm_frame *frame)
{
    if (frame->got) {
        frame->got = false;
        if (pk_vm_plain(vm, &frame->held, 0) == VM_PUSHED)
            return;
        (void)keep(vm, frame, frame->held);
        return;
    }
    pk_value element = next_of_map(vm, frame), found = element;
    if (element.kind == PK_UNDEFINED) {
        pk_vm_return(vm, frame->node ? multi(frame->args, frame->node) : pk_value_undefined());
        return;
    }
    if (frame->field && pk_vm_get(vm, element, frame->field, 0, &found) == VM_PUSHED)
        return;
    frame->held = found;
    frame->got = true;
}

/* ---- elements by number ---------------------------------------------------------------------- */

int pk_vm_element(pk_vm *vm, pk_value list, int64_t index, pk_value *ret_value)
{
    int64_t count = list.kind == VM_MULTI ? list.len : pk_vm_count(vm, list);
    *ret_value = pk_value_undefined();
    if (index < 0)
        index += count;
    if (index < 0 || index >= count)
        return VM_READY;
    if (list.kind == VM_MULTI) {
        *ret_value = values_of(list)[index];
        return VM_READY;
    }
    pk_value at = pk_vm_first(vm, list);
    while (index-- > 0)
        at = pk_vm_next(vm, at);
    *ret_value = at;
    return VM_READY;
}

pk_value pk_vm_list_slice(pk_vm *vm, pk_value list, pk_value from, pk_value to)
{
    int64_t count = list.kind == VM_MULTI ? list.len : pk_vm_count(vm, list);
    if (from.kind != PK_INT)
        return pk_value_undefined();
    int64_t lo = from.number < 0 ? from.number + count : from.number;
    int64_t hi = to.kind != PK_INT ? count - 1 : to.number < 0 ? to.number + count : to.number;
    lo = lo < 0 ? 0 : lo;
    hi = hi >= count ? count - 1 : hi;
    if (lo > hi)
        return pk_value_undefined();
    if (list.kind == VM_MULTI)
        return multi(values_of(list) + lo, (uint32_t)(hi - lo + 1));
    size_t size = (size_t)(hi - lo + 1) * sizeof(pk_value);
    pk_value *values = (pk_value *)(void *)pk_vm_bytes_alloc(vm, size);
    if (!values)
        return pk_value_undefined();
    pk_value at = pk_vm_first(vm, list);
    for (int64_t i = 0; i <= hi; i++, at = pk_vm_next(vm, at))
        if (i >= lo)
            values[i - lo] = at;
    return multi(values, (uint32_t)(hi - lo + 1));
}

/* ---- arguments of a struct ------------------------------------------------------------------- */

typedef struct formal_place {
    pk_ref field; /* that the instance is the value or an element of */
    pk_value owner;
    int64_t index; /* as an element */
} formal_place;

static pk_ref tree_field_of(const pk_vm *vm, const pk_tree *tree, pk_tree_node self)
{
    const pk_rec *rec = &tree->recs[self.rec];
    pk_tree_node owner = pk_tree_owner(tree, self);
    if (rec->up < tree->count && tree->recs[rec->up].kind == PK_REC_LIST)
        return tree->recs[rec->up].id;
    if (!(rec->flags & PK_REC_FIELD_OF) || pk_tree_none(owner))
        return 0;
    pk_ref layer = pk_tree_layer(tree, owner);
    if (rec->slot >= pk_vm_layer(vm, layer)->n_slots)
        return 0;
    pk_ref field = vm->slot_field[vm->slot_base[layer] + rec->slot];
    while (field && vm->image->fields[field].sub != rec->id)
        field = vm->same_slot[field];
    return field;
}

static pk_value parent_list(const pk_vm *vm, pk_value self)
{
    if (pk_vm_on_build(vm, self))
        return pk_vm_node_value(0, vm->nodes[self.node].up);
    const pk_tree *tree = vm->trees[self.tree & 1];
    return pk_vm_tree_node(self.tree, pk_tree_parent(tree, pk_tree_unpack(self.node)));
}

static formal_place place_of(const pk_vm *vm, pk_value self)
{
    formal_place place = {.owner = pk_vm_owner(vm, self)};
    if (pk_vm_on_build(vm, self))
        place.field = vm->nodes[self.node].field;
    else
        place.field = tree_field_of(vm, vm->trees[self.tree & 1], pk_tree_unpack(self.node));
    pk_value list = parent_list(vm, self);
    if (list.kind != PK_NODE || pk_vm_kind(vm, list) != VM_IS_LIST)
        return place;
    pk_value at = pk_vm_first(vm, list);
    for (; at.kind == PK_NODE && at.node != self.node; at = pk_vm_next(vm, at))
        place.index++;
    return place;
}

static void push_argument(pk_vm *vm, vm_frame *frame, const pk_image_field *field, pk_value owner)
{
    if (frame->slot >= field->n_args) {
        pk_vm_return(vm, pk_value_undefined());
        return;
    }
    frame->stage = 2;
    pk_vm_push_expr(vm, field->args + frame->slot, owner, VM_NO_ITEM, 0);
}

/* In `T[for x in L]` the element of L is the argument, or what the arguments are computed from. */
void pk_vm_step_formal(pk_vm *vm, vm_frame *frame)
{
    if (frame->stage == 2) {
        pk_vm_return(vm, frame->held);
        return;
    }
    formal_place place = place_of(vm, frame->self);
    const pk_image_field *field = &vm->image->fields[place.field];
    if (!place.field || place.owner.kind != PK_NODE) {
        pk_vm_return(vm, pk_value_undefined());
        return;
    }
    if (field->list != 1 + PK_IMAGE_LIST_FOR) {
        push_argument(vm, frame, field, place.owner);
        return;
    }
    if (frame->stage == 0) {
        frame->stage = 1;
        pk_vm_push_expr(vm, field->extent, place.owner, VM_NO_ITEM, 0);
        return;
    }
    bool list = frame->held.kind == VM_MULTI ||
                (frame->held.kind == PK_NODE && pk_vm_kind(vm, frame->held) == VM_IS_LIST);
    frame->arg = pk_value_undefined();
    if (list)
        (void)pk_vm_element(vm, frame->held, place.index, &frame->arg);
    if (field->n_args == 0) {
        pk_vm_return(vm, frame->slot == 0 ? frame->arg : pk_value_undefined());
        return;
    }
    push_argument(vm, frame, field, place.owner);
    vm_frame *top = &vm->frames[vm->depth - 1];
    if (!vm->failed && top->kind == VM_EXPR && frame->stage == 2) {
        top->args = &frame->arg;
        top->n_args = 1;
    }
}

pk_value pk_vm_count_of(const pk_vm *vm, pk_value list)
{
    if (list.kind == VM_MULTI)
        return pk_value_int(list.len);
    if (list.kind == PK_NODE && pk_vm_kind(vm, list) == VM_IS_LIST)
        return pk_value_int(pk_vm_count(vm, list));
    return pk_value_int(list.kind == PK_BYTES ? list.len : 0);
}
