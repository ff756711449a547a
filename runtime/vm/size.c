#include "internal.h"

#include <string.h>

#include "template_trace.h"

/*
 * Sizes, resolving and encodings share one shape: a frame with a range of items of an instance, or
 * the parts of a list, and a cursor. A size needs presence, widths, and the values of fields whose
 * encoding has no fixed width; it never needs the value of a fixed-width field, so a length may
 * cover itself. Resolving needs every value. What is in computation is passed over and counted in
 * `passed_over`: a result that passed something over is not kept.
 */
enum { PREPARE, VISIT, ENCODE };

/* ---- pushing --------------------------------------------------------------------------------- */

int pk_vm_push_part(pk_vm *vm, vm_frame_kind kind, uint32_t node, pk_image_part part, uint32_t from,
                    uint32_t to, uint8_t dst)
{
    vm_frame *frame = pk_vm_push(vm, kind, dst);
    if (!frame)
        return VM_PUSHED;
    frame->node = node;
    frame->part = (uint8_t)part;
    frame->slot = from;
    frame->field = to;
    return VM_PUSHED;
}

int pk_vm_push_range(pk_vm *vm, vm_frame_kind kind, uint32_t node, uint32_t from, uint32_t to,
                     uint8_t dst)
{
    vm_frame *frame = pk_vm_push(vm, kind, dst);
    if (!frame)
        return VM_PUSHED;
    frame->node = node;
    frame->from = from;
    frame->at = from;
    frame->to = to;
    frame->stage = VISIT;
    frame->part = PK_PART_SPAN;
    return VM_PUSHED;
}

int pk_vm_push_whole(pk_vm *vm, vm_frame_kind kind, uint32_t node, uint8_t dst)
{
    return pk_vm_push_part(vm, kind, node, PK_PART_THIS, 0, 0, dst);
}

int pk_vm_push_here(pk_vm *vm, uint32_t instance, uint32_t item, uint8_t dst)
{
    return pk_vm_push_range(vm, VM_SIZE, instance, 0, item, dst);
}

/* ---- which items a part is ------------------------------------------------------------------- */

static bool opaque(const vm_node *node)
{
    return node->kind == VM_IS_INSTANCE && node->state == VM_DONE && node->value.kind == PK_BYTES;
}

/* The items of the slots from..to that are present. */
static int span_items(pk_vm *vm, vm_frame *frame)
{
    uint32_t n_slots = pk_vm_layer(vm, vm->nodes[frame->node].layer)->n_slots;
    frame->from = frame->to = 0;
    for (uint32_t slot = frame->slot; slot <= frame->field && slot < n_slots; slot++) {
        pk_ref field;
        if (pk_vm_field_at(vm, frame->node, slot, &field) == VM_PUSHED)
            return VM_PUSHED;
        uint32_t item = field ? vm->item_of[field] : VM_NO_ITEM;
        if (item == VM_NO_ITEM)
            continue;
        if (frame->from == frame->to || item < frame->from)
            frame->from = item;
        if (item + 1 > frame->to)
            frame->to = item + 1;
    }
    return VM_READY;
}

static int part_items(pk_vm *vm, vm_frame *frame)
{
    uint32_t n = pk_vm_layer(vm, vm->nodes[frame->node].layer)->n_items;
    if (frame->part == PK_PART_FIELD)
        frame->field = frame->slot;
    if (frame->part == PK_PART_FIELD || frame->part == PK_PART_SPAN)
        return span_items(vm, frame);
    if (pk_vm_walk(vm, frame->node, n) == VM_PUSHED)
        return VM_PUSHED;
    frame->from = 0;
    frame->to = frame->part == PK_PART_HEAD ? vm->nodes[frame->node].pay : n;
    return VM_READY;
}

/* Turns the part into what is to be visited. An instance that was given as bytes has no items. */
static int prepare(pk_vm *vm, vm_frame *frame)
{
    const vm_node *node = &vm->nodes[frame->node];
    if (node->kind == VM_IS_INSTANCE) {
        if (pk_vm_node_ready(vm, frame->node) == VM_PUSHED)
            return VM_PUSHED;
        node = &vm->nodes[frame->node];
        if (frame->part == PK_PART_PAYLOAD && !opaque(node)) {
            frame->node = node->payload;
            frame->part = frame->node ? PK_PART_THIS : VM_PART_NOTHING;
            node = &vm->nodes[frame->node];
        } else if (!opaque(node) && part_items(vm, frame) == VM_PUSHED) {
            return VM_PUSHED;
        }
    }
    frame->at = node->kind == VM_IS_INSTANCE ? frame->from : node->first;
    frame->stage = VISIT;
    return VM_READY;
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static void return_size(pk_vm *vm, vm_frame *frame)
{
    vm_node *node = &vm->nodes[frame->node];
    bool whole = frame->part == PK_PART_THIS;
    uint64_t bits = frame->sum;
    if (whole && frame->taint == vm->passed_over && node->kind != VM_IS_ROOT) {
        node->bits = bits;
        node->flags |= VM_NODE_SIZED;
    }
    bool inside = vm->depth - 1 > vm->base && vm->frames[vm->depth - 2].kind != VM_EXPR;
    if (!inside)
        bits /= 8;
    pk_vm_return(vm, pk_value_int((int64_t)bits));
}

/* Adds the size of a struct, list or payload. */
static int add_child(pk_vm *vm, vm_frame *frame, uint32_t child)
{
    if (!child)
        return vm->failed ? VM_PUSHED : VM_READY;
    if (frame->got) {
        frame->got = false;
        frame->sum += (uint64_t)frame->held.number;
        return VM_READY;
    }
    if (vm->nodes[child].flags & VM_NODE_SIZED) {
        frame->sum += vm->nodes[child].bits;
        return VM_READY;
    }
    return pk_vm_push_whole(vm, VM_SIZE, child, 0);
}

/* A leftover begins at the bit where it stands: of its first byte only what is left of it. */
static int add_leftovers(pk_vm *vm, vm_frame *frame, pk_ref window, vm_role role)
{
    for (uint32_t at = vm->nodes[frame->node].leftover; at; at = vm->nodes[at].next) {
        if (vm->nodes[at].window != window || vm->nodes[at].role != role)
            continue;
        if (pk_vm_node_ready(vm, at) == VM_PUSHED)
            return VM_PUSHED;
        uint64_t bits = (uint64_t)vm->nodes[at].value.len * 8;
        frame->sum += bits ? bits - frame->sum % 8 : 0;
    }
    return VM_READY;
}

/* The end of an instance or window: cut, payload that no item took, rest. Coming back with the
 * payload's size, the cut is counted already. */
static int add_end(pk_vm *vm, vm_frame *frame, pk_ref window, uint32_t payload)
{
    bool leftovers = vm->nodes[frame->node].leftover != 0;
    if (leftovers && !frame->got)
        for (uint32_t at = vm->nodes[frame->node].leftover; at; at = vm->nodes[at].next)
            if (pk_vm_node_ready(vm, at) == VM_PUSHED)
                return VM_PUSHED;
    if (leftovers && !frame->got)
        (void)add_leftovers(vm, frame, window, VM_CUT);
    if (payload && add_child(vm, frame, payload) == VM_PUSHED)
        return VM_PUSHED;
    return leftovers ? add_leftovers(vm, frame, window, VM_REST) : VM_READY;
}

static int add_scalar(pk_vm *vm, vm_frame *frame, pk_ref field)
{
    const pk_image_field *at = &vm->image->fields[field];
    const vm_slot *slot = &vm->slots[vm->nodes[frame->node].slots + at->slot];
    bool integer = at->type == PK_TYPE_UINT || at->type == PK_TYPE_INT;
    bool raw = slot->given == 1 + PK_GIVEN_RAW;
    uint32_t width = 0;
    if (slot->state == VM_EMPTY && (raw || (!integer && !at->bits))) {
        pk_value value;
        return pk_vm_build_slot(vm, frame->node, at->slot, VM_DISCARD, &value);
    }
    if (slot->state == VM_BUSY && (raw || (!integer && !at->bits))) {
        vm->passed_over++;
        return VM_READY;
    }
    if (slot->state == VM_DONE && slot->raw) {
        frame->sum += (uint64_t)slot->value.len * 8;
        return VM_READY;
    }
    if (integer && pk_vm_slot_width(vm, frame->node, field, &width) == VM_PUSHED)
        return VM_PUSHED;
    slot = &vm->slots[vm->nodes[frame->node].slots + at->slot];
    frame->sum += pk_vm_scalar_bits(vm, field, width, slot->value);
    return VM_READY;
}

static int add_item(pk_vm *vm, vm_frame *frame, uint32_t item)
{
    const vm_node *node = &vm->nodes[frame->node];
    const pk_image_layer *layer = pk_vm_layer(vm, node->layer);
    const pk_insn *insn = &vm->image->code[layer->items + item];
    switch ((pk_op)insn->op) {
    case PK_OPC_FLD:
    case PK_OPC_FLX:
    case PK_OPC_BYT:
    case PK_OPC_VAR:
        return add_scalar(vm, frame, insn->d);
    case PK_OPC_SUB:
    case PK_OPC_LST:
        return add_child(vm, frame, pk_vm_child(vm, frame->node, insn->d));
    case PK_OPC_PAY:
        return node->pay == item ? add_child(vm, frame, node->payload) : VM_READY;
    case PK_OPC_WEN:
        return node->leftover ? add_end(vm, frame, pk_vm_window_of(vm, layer, item), 0) : VM_READY;
    case PK_OPC_END:
        return add_end(vm, frame, 0, node->pay == item ? node->payload : 0);
    default:
        return VM_READY;
    }
}

static int add_leaf(pk_vm *vm, vm_frame *frame, uint32_t leaf)
{
    const vm_node *node = &vm->nodes[leaf];
    const pk_image_field *field = &vm->image->fields[node->field];
    if (node->field && field->bits && !(node->flags & VM_NODE_RAW)) {
        frame->sum += field->bits;
        return VM_READY;
    }
    if (pk_vm_node_ready(vm, leaf) == VM_PUSHED)
        return VM_PUSHED;
    node = &vm->nodes[leaf];
    if (!node->field || (node->flags & VM_NODE_RAW)) {
        frame->sum += (uint64_t)node->value.len * 8;
        return VM_READY;
    }
    uint32_t width = 0;
    pk_value owner = pk_vm_owner(vm, pk_vm_node_value(0, leaf));
    bool integer = field->type == PK_TYPE_UINT || field->type == PK_TYPE_INT;
    if (integer && pk_vm_slot_width(vm, (uint32_t)owner.node, node->field, &width) == VM_PUSHED)
        return VM_PUSHED;
    frame->sum += pk_vm_scalar_bits(vm, node->field, width, vm->nodes[leaf].value);
    return VM_READY;
}

static int size_items(pk_vm *vm, vm_frame *frame)
{
    if (pk_vm_walk(vm, frame->node, frame->to) == VM_PUSHED)
        return VM_PUSHED;
    for (; frame->at < frame->to; frame->at++) {
        if (vm->items[vm->nodes[frame->node].items + frame->at] != VM_PRESENT)
            continue;
        vm->fuel -= vm->fuel > 0;
        if (add_item(vm, frame, frame->at) == VM_PUSHED)
            return VM_PUSHED;
    }
    return VM_READY;
}

static int size_parts(pk_vm *vm, vm_frame *frame)
{
    while (frame->at) {
        bool leaf = vm->nodes[frame->at].kind == VM_IS_LEAF;
        int status = leaf ? add_leaf(vm, frame, frame->at) : add_child(vm, frame, frame->at);
        if (status == VM_PUSHED)
            return VM_PUSHED;
        vm->fuel -= vm->fuel > 0;
        frame->at = vm->nodes[frame->at].next;
    }
    return VM_READY;
}

void pk_vm_step_size(pk_vm *vm, vm_frame *frame)
{
    if (frame->stage == PREPARE && prepare(vm, frame) == VM_PUSHED)
        return;
    const vm_node *node = &vm->nodes[frame->node];
    int status = VM_READY;
    if (frame->part == VM_PART_NOTHING)
        frame->sum = 0;
    else if (opaque(node))
        frame->sum = (uint64_t)node->value.len * 8;
    else if (node->kind == VM_IS_INSTANCE)
        status = size_items(vm, frame);
    else if (node->kind == VM_IS_LEAF)
        status = add_leaf(vm, frame, frame->node);
    else
        status = size_parts(vm, frame);
    if (status == VM_READY)
        return_size(vm, frame);
}

/* ---- resolving ------------------------------------------------------------------------------- */

static int resolve_child(pk_vm *vm, vm_frame *frame, uint32_t child)
{
    if (!child)
        return vm->failed ? VM_PUSHED : VM_READY;
    if (frame->got) {
        frame->got = false;
        return VM_READY;
    }
    if (vm->nodes[child].flags & VM_NODE_RESOLVED)
        return VM_READY;
    return pk_vm_push_whole(vm, VM_RESOLVE, child, 0);
}

static int resolve_leftovers(pk_vm *vm, const vm_frame *frame)
{
    for (uint32_t at = vm->nodes[frame->node].leftover; at; at = vm->nodes[at].next)
        if (pk_vm_node_ready(vm, at) == VM_PUSHED)
            return VM_PUSHED;
    return VM_READY;
}

static int resolve_scalar(pk_vm *vm, vm_frame *frame, pk_ref field)
{
    const pk_image_field *at = &vm->image->fields[field];
    const vm_slot *slot = &vm->slots[vm->nodes[frame->node].slots + at->slot];
    bool integer = at->type == PK_TYPE_UINT || at->type == PK_TYPE_INT;
    uint32_t width;
    if (slot->state == VM_BUSY) {
        vm->passed_over++;
        return integer ? pk_vm_slot_width(vm, frame->node, field, &width) : VM_READY;
    }
    if (slot->state == VM_DONE)
        return VM_READY;
    pk_value value;
    return pk_vm_build_slot(vm, frame->node, at->slot, VM_DISCARD, &value);
}

static int resolve_item(pk_vm *vm, vm_frame *frame, uint32_t item)
{
    const vm_node *node = &vm->nodes[frame->node];
    const pk_insn *insn = &vm->image->code[pk_vm_layer(vm, node->layer)->items + item];
    switch ((pk_op)insn->op) {
    case PK_OPC_FLD:
    case PK_OPC_FLX:
    case PK_OPC_BYT:
    case PK_OPC_VAR:
        return resolve_scalar(vm, frame, insn->d);
    case PK_OPC_SUB:
    case PK_OPC_LST:
        return resolve_child(vm, frame, pk_vm_child(vm, frame->node, insn->d));
    case PK_OPC_PAY:
        return node->pay == item ? resolve_child(vm, frame, node->payload) : VM_READY;
    case PK_OPC_WEN:
        return resolve_leftovers(vm, frame);
    case PK_OPC_END:
        if (resolve_leftovers(vm, frame) == VM_PUSHED)
            return VM_PUSHED;
        return node->pay == item ? resolve_child(vm, frame, node->payload) : VM_READY;
    default:
        return VM_READY;
    }
}

static bool on_the_wire(const pk_vm *vm, const vm_node *node, uint32_t slot)
{
    pk_ref field = vm->slot_field[vm->slot_base[node->layer] + slot];
    for (; field; field = vm->same_slot[field]) {
        uint32_t item = vm->item_of[field];
        if (vm->image->fields[field].flags & PK_FIELD_PARAM)
            return true;
        if (item != VM_NO_ITEM && vm->items[node->items + item] == VM_PRESENT)
            return true;
    }
    return false;
}

/* Keeps in mind the first value that was given and goes nowhere. */
static void note_ignored(pk_vm *vm, const vm_node *node)
{
    uint32_t n = pk_vm_layer(vm, node->layer)->n_slots;
    for (uint32_t slot = 0; slot < n && !vm->ignored; slot++) {
        const vm_slot *at = &vm->slots[node->slots + slot];
        if (!at->given || on_the_wire(vm, node, slot))
            continue;
        vm->ignored = vm->slot_field[vm->slot_base[node->layer] + slot];
        vm->ignored_lo = at->lo;
    }
}

static int resolve_items(pk_vm *vm, vm_frame *frame)
{
    if (pk_vm_walk(vm, frame->node, frame->to) == VM_PUSHED)
        return VM_PUSHED;
    for (; frame->at < frame->to; frame->at++) {
        if (vm->items[vm->nodes[frame->node].items + frame->at] != VM_PRESENT)
            continue;
        vm->fuel -= vm->fuel > 0;
        if (resolve_item(vm, frame, frame->at) == VM_PUSHED)
            return VM_PUSHED;
    }
    if (frame->part == PK_PART_THIS)
        note_ignored(vm, &vm->nodes[frame->node]);
    return VM_READY;
}

static int resolve_parts(pk_vm *vm, vm_frame *frame)
{
    while (frame->at) {
        bool leaf = vm->nodes[frame->at].kind == VM_IS_LEAF;
        int status = leaf ? pk_vm_node_ready(vm, frame->at) : resolve_child(vm, frame, frame->at);
        if (status == VM_PUSHED)
            return VM_PUSHED;
        vm->fuel -= vm->fuel > 0;
        frame->at = vm->nodes[frame->at].next;
    }
    return VM_READY;
}

void pk_vm_step_resolve(pk_vm *vm, vm_frame *frame)
{
    if (frame->stage == PREPARE && prepare(vm, frame) == VM_PUSHED)
        return;
    vm_node *node = &vm->nodes[frame->node];
    int status = VM_READY;
    if (node->kind == VM_IS_LEAF)
        status = pk_vm_node_ready(vm, frame->node);
    else if (node->kind != VM_IS_INSTANCE)
        status = resolve_parts(vm, frame);
    else if (!opaque(node))
        status = resolve_items(vm, frame);
    if (status == VM_PUSHED)
        return;
    if (frame->part == PK_PART_THIS && frame->taint == vm->passed_over)
        vm->nodes[frame->node].flags |= VM_NODE_RESOLVED;
    pk_vm_return(vm, pk_value_undefined());
}

/* ---- encodings ------------------------------------------------------------------------------- */

void pk_vm_step_bytes(pk_vm *vm, vm_frame *frame)
{
    if (frame->stage == PREPARE) {
        if (prepare(vm, frame) == VM_PUSHED)
            return;
        frame->stage = ENCODE;
        if (frame->part == VM_PART_NOTHING) {
            pk_vm_return(vm, pk_vm_fill(vm, 0, 0));
            return;
        }
        bool items =
            vm->nodes[frame->node].kind == VM_IS_INSTANCE && !opaque(&vm->nodes[frame->node]);
        if (items && frame->part != PK_PART_THIS)
            pk_vm_push_range(vm, VM_RESOLVE, frame->node, frame->from, frame->to, VM_DISCARD);
        else
            pk_vm_push_whole(vm, VM_RESOLVE, frame->node, VM_DISCARD);
        return;
    }
    pk_buf_clear(&vm->encoding);
    if (!pk_vm_emit(vm, frame->node, frame->from, frame->to, &vm->encoding, NULL, NULL))
        return;
    uint8_t *bytes = pk_vm_bytes_alloc(vm, vm->encoding.len);
    if (!bytes)
        return;
    if (vm->encoding.len)
        memcpy(bytes, vm->encoding.data, vm->encoding.len);
    pk_vm_return(vm, pk_trace_written(vm, pk_value_bytes(bytes, (uint32_t)vm->encoding.len)));
}

/* ---- the offset in the layer ------------------------------------------------------------------
 */

int pk_vm_push_pos(pk_vm *vm, uint32_t instance, uint32_t item, uint8_t dst)
{
    vm_frame *frame = pk_vm_push(vm, VM_POS, dst);
    if (!frame)
        return VM_PUSHED;
    frame->node = instance;
    frame->to = item;
    return VM_PUSHED;
}

/* Up one level: what precedes the instance among its list's elements, then in its owner. */
void pk_vm_step_pos(pk_vm *vm, vm_frame *frame)
{
    if (frame->got) {
        frame->got = false;
        frame->sum += (uint64_t)frame->held.number;
        frame->at = frame->stage == 1 ? vm->nodes[frame->at].next : 0;
        frame->stage = 1;
    }
    const vm_node *node = &vm->nodes[frame->node];
    bool top = node->kind == VM_IS_INSTANCE && pk_vm_layer(vm, node->layer)->kind == PK_LAYER_LAYER;
    if (frame->stage == 0) {
        pk_vm_push_range(vm, VM_SIZE, frame->node, 0, frame->to, 0);
        return;
    }
    uint32_t up = node->up;
    if (top || node->role == VM_OUTERMOST) {
        pk_vm_return(vm, pk_value_int((int64_t)(frame->sum / 8)));
        return;
    }
    if (vm->nodes[up].kind == VM_IS_LIST) {
        if (frame->at == 0)
            frame->at = vm->nodes[up].first;
        if (frame->at != frame->node) {
            pk_vm_push_whole(vm, VM_SIZE, frame->at, 0);
            return;
        }
        node = &vm->nodes[up];
    }
    frame->to = node->role == VM_PAYLOAD ? vm->nodes[node->up].pay : vm->item_of[node->field];
    frame->node = node->up;
    frame->stage = 0;
    if (frame->to == VM_NO_ITEM) /* the payload's place is not known yet: all items before it */
        frame->to = pk_vm_layer(vm, vm->nodes[frame->node].layer)->n_items - 1;
}
