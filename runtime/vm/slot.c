#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "template_trace.h"

/* ---- cycles ---------------------------------------------------------------------------------- */

static const char *slot_name(const pk_vm *vm, uint32_t node, uint32_t slot)
{
    pk_ref layer = vm->nodes[node].layer;
    pk_ref field = vm->slot_field[vm->slot_base[layer] + slot];
    return pk_image_text(vm->image, vm->image->fields[field].name);
}

static const char *node_name(const pk_vm *vm, uint32_t node)
{
    const vm_node *at = &vm->nodes[node];
    if (at->field)
        return pk_image_text(vm->image, vm->image->fields[at->field].name);
    return at->layer ? pk_image_text(vm->image, pk_vm_layer(vm, at->layer)->name) : "payload";
}

static const char *frame_name(const pk_vm *vm, const vm_frame *frame)
{
    switch ((vm_frame_kind)frame->kind) {
    case VM_SLOT:
        return slot_name(vm, frame->node, frame->slot);
    case VM_NODE:
    case VM_WALK:
        return node_name(vm, frame->node);
    default:
        return NULL;
    }
}

/* Says what depends on itself, and through what: the frames from its first occurrence on. */
int pk_vm_fail_cycle(pk_vm *vm, vm_frame_kind kind, uint32_t node, uint32_t slot)
{
    char path[160] = "";
    size_t len = 0;
    uint32_t first = vm->base;
    while (first < vm->depth &&
           !(vm->frames[first].kind == kind && vm->frames[first].node == node &&
             (kind != VM_SLOT || vm->frames[first].slot == slot)))
        first++;
    for (uint32_t i = first + 1; i < vm->depth && len + 1 < sizeof path; i++) {
        const char *name = frame_name(vm, &vm->frames[i]);
        int more = name ? snprintf(path + len, sizeof path - len, "%s -> ", name) : 0;
        len += more > 0 ? (size_t)more : 0;
    }
    const char *name = kind == VM_SLOT ? slot_name(vm, node, slot) : node_name(vm, node);
    const char *layer = pk_image_text(vm->image, pk_vm_layer(vm, vm->nodes[node].layer)->name);
    pk_vm_fail(vm, PK_EFORMAT, 0, "%s `%s%s%s` depends on itself: %s -> %s%s",
               kind == VM_WALK ? "what is present in" : "the value of",
               kind == VM_SLOT ? layer : "", kind == VM_SLOT ? "." : "", name, name, path, name);
    return VM_PUSHED;
}

/* ---- structs and lists ----------------------------------------------------------------------- */

/* The constant bytes of a list's default, when they are whole elements of one width. */
static bool constant_elements(const pk_vm *vm, pk_ref field, pk_bytes *ret_bytes)
{
    const pk_image_field *at = &vm->image->fields[field];
    const pk_image_expr *expr = &vm->image->exprs[at->init];
    const pk_insn *code = vm->image->code + expr->start;
    if (!(expr->flags & PK_EXPR_CONST) || code->op != PK_OPC_BLOB || !at->bits || at->bits % 8)
        return false;
    const pk_image_blob *blob = &vm->image->blobs[code->d];
    *ret_bytes = (pk_bytes){vm->image->data + blob->off, blob->len};
    return blob->len % (at->bits / 8) == 0;
}

static pk_value element_value(const pk_image_field *field, const uint8_t *bytes)
{
    unsigned n = field->bits / 8;
    uint64_t number = 0;
    if (field->type != PK_TYPE_UINT && field->type != PK_TYPE_INT)
        return pk_value_bytes(bytes, n);
    for (unsigned i = 0; i < n; i++)
        number = number << 8 | bytes[field->flags & PK_FIELD_LE ? n - 1 - i : i];
    if (field->type == PK_TYPE_INT && n > 0 && n < 8 && number >> (8 * n - 1))
        number |= UINT64_MAX << (8 * n);
    return pk_value_int((int64_t)number);
}

static uint32_t list_of_constants(pk_vm *vm, uint32_t list, pk_ref field, pk_bytes bytes)
{
    const pk_image_field *at = &vm->image->fields[field];
    for (size_t i = 0; i < bytes.len; i += at->bits / 8u) {
        uint32_t leaf = pk_vm_new_leaf(vm, 0, list, VM_ELEMENT);
        if (!leaf)
            return 0;
        vm->nodes[leaf].field = field;
        vm->nodes[leaf].value = element_value(at, bytes.data + i);
        vm->nodes[leaf].state = VM_DONE;
        pk_vm_append(vm, list, leaf);
    }
    return list;
}

static uint32_t default_list(pk_vm *vm, uint32_t instance, pk_ref field)
{
    pk_bytes constants;
    uint32_t list = pk_vm_new_list(vm, field, instance, VM_FIELD);
    if (list && pk_vm_fuzzes(vm, instance, field))
        return pk_vm_fuzz_list(vm, list, instance, field) ? list : 0;
    if (!list || !vm->image->fields[field].init)
        return list;
    if (constant_elements(vm, field, &constants))
        return list_of_constants(vm, list, field, constants);
    uint32_t leaf = pk_vm_new_leaf(vm, vm->image->fields[field].init, list, VM_ELEMENT);
    if (!leaf)
        return 0;
    vm->nodes[leaf].field = field;
    vm->nodes[leaf].flags |= VM_NODE_RAW;
    pk_vm_append(vm, list, leaf);
    return list;
}

static uint32_t default_struct(pk_vm *vm, uint32_t instance, pk_ref field, pk_ref imposed)
{
    const pk_image_field *at = &vm->image->fields[field];
    uint16_t structs = (uint16_t)(vm->nodes[instance].structs + 1);
    if (structs > PK_STRUCT_DEPTH) {
        pk_vm_fail(vm, PK_ELIMIT, 0, "too many nested structures in a layer (limit %d)",
                   PK_STRUCT_DEPTH);
        return 0;
    }
    if (!imposed && pk_vm_fuzzes(vm, instance, field))
        return pk_vm_fuzz_struct(vm, at->sub, instance, VM_FIELD, structs,
                                 pk_vm_fuzz_key(vm->nodes[instance].fuzz, at->slot + 1u, 0));
    uint32_t node = pk_vm_new_instance(vm, at->sub, instance, VM_FIELD);
    if (!node)
        return 0;
    vm->nodes[node].structs = structs;
    vm->nodes[node].expr = imposed ? imposed : at->init;
    return node;
}

uint32_t pk_vm_child(pk_vm *vm, uint32_t instance, pk_ref field)
{
    uint32_t at = vm->nodes[instance].slots + vm->image->fields[field].slot;
    const vm_slot given = vm->slots[at];
    if (given.child)
        return given.child;
    uint32_t child = 0;
    if (given.given)
        child = pk_vm_child_of_value(vm, instance, field, given.ref);
    else if (!given.imposed)
        child = pk_vm_child_of_default(vm, instance, field);
    if (!child && !given.given && !vm->failed)
        child = vm->image->fields[field].list ? default_list(vm, instance, field)
                                              : default_struct(vm, instance, field, given.imposed);
    if (!child)
        return 0;
    if (given.given) {
        vm->nodes[child].flags |= VM_NODE_EXPLICIT;
        vm->nodes[child].lo = given.lo;
    }
    vm->nodes[child].field = field;
    vm->nodes[child].slot = vm->image->fields[field].slot;
    vm->slots[at].child = child;
    return child;
}

/* ---- values of fields ------------------------------------------------------------------------ */

enum { FIELD_STAGE, CHOOSE_STAGE, VALUE_STAGE, WIDTH_STAGE, ZERO_STAGE, WIDTH_ONLY, WIDTH_FOUND };
enum { FROM_GIVEN, FROM_IMPOSED, FROM_INIT, FROM_NOTHING, FROM_CHANCE };

/* Whether what the busy slot or two-way integer waits for is how many zeros a field without a value
 * has: then it has none (`len: u8 = size(text); text: bytes[len]`). */
static bool asked_for_zeros(const pk_vm *vm, vm_frame_kind kind, uint32_t node, uint32_t slot)
{
    for (uint32_t i = vm->depth; i-- > vm->base;) {
        const vm_frame *frame = &vm->frames[i];
        if (frame->kind == kind && frame->node == node && (kind != VM_SLOT || frame->slot == slot))
            return false;
        if (frame->kind == VM_SLOT && frame->stage == ZERO_STAGE)
            return true;
    }
    return false;
}

bool pk_vm_asked_for_zeros(const pk_vm *vm, uint32_t node)
{
    return asked_for_zeros(vm, VM_NODE, node, 0);
}

int pk_vm_build_slot(pk_vm *vm, uint32_t instance, uint32_t slot, uint8_t dst, pk_value *ret_value)
{
    const vm_node *node = &vm->nodes[instance];
    *ret_value = pk_value_undefined();
    bool opaque = node->value.kind == PK_BYTES && node->state == VM_DONE;
    if (slot >= pk_vm_layer(vm, node->layer)->n_slots || opaque)
        return VM_READY;
    const vm_slot *at = &vm->slots[node->slots + slot];
    if (at->state == VM_DONE) {
        *ret_value = at->value;
        return VM_READY;
    }
    if (at->state == VM_BUSY && asked_for_zeros(vm, VM_SLOT, instance, slot))
        return VM_READY;
    if (at->state == VM_BUSY)
        return pk_vm_fail_cycle(vm, VM_SLOT, instance, slot);
    vm_frame *frame = pk_vm_push(vm, VM_SLOT, dst);
    if (frame) {
        frame->node = instance;
        frame->slot = slot;
    }
    return VM_PUSHED;
}

int pk_vm_slot_width(pk_vm *vm, uint32_t instance, pk_ref field, uint32_t *ret_bits)
{
    const pk_image_field *at = &vm->image->fields[field];
    vm_slot *slot = &vm->slots[vm->nodes[instance].slots + at->slot];
    if (at->bits || slot->sized == VM_DONE) {
        *ret_bits = at->bits ? at->bits : slot->width;
        return VM_READY;
    }
    if (slot->sized == VM_BUSY)
        return pk_vm_fail_cycle(vm, VM_SLOT, instance, at->slot);
    vm_frame *frame = pk_vm_push(vm, VM_SLOT, VM_DISCARD);
    if (!frame)
        return VM_PUSHED;
    slot->sized = VM_BUSY;
    frame->node = instance;
    frame->slot = at->slot;
    frame->field = field;
    frame->stage = WIDTH_ONLY;
    return VM_PUSHED;
}

static void finish(pk_vm *vm, const vm_frame *frame, pk_value value, bool raw)
{
    vm_slot *slot = &vm->slots[vm->nodes[frame->node].slots + frame->slot];
    slot->state = VM_DONE;
    slot->field = frame->field;
    slot->raw = raw;
    slot->value = value;
    pk_vm_return(vm, value);
}

/* The field that the slot is. What is given for the only field of its name needs no look at what is
 * present. */
static void find_field(pk_vm *vm, vm_frame *frame)
{
    const vm_node *node = &vm->nodes[frame->node];
    const vm_slot *slot = &vm->slots[node->slots + frame->slot];
    pk_ref field = vm->slot_field[vm->slot_base[node->layer] + frame->slot];
    if (!slot->given || vm->same_slot[field])
        if (pk_vm_field_at(vm, frame->node, frame->slot, &field) == VM_PUSHED)
            return;
    frame->field = field;
    if (!field) {
        finish(vm, frame, pk_value_undefined(), false);
        return;
    }
    const pk_image_field *at = &vm->image->fields[field];
    if (at->list || at->type == PK_TYPE_STRUCT) {
        uint32_t child = pk_vm_child(vm, frame->node, field);
        if (child)
            finish(vm, frame, pk_vm_node_value(0, child), false);
        return;
    }
    vm->slots[vm->nodes[frame->node].slots + frame->slot].state = VM_BUSY;
    frame->stage = CHOOSE_STAGE;
}

/* Given, imposed, default, nothing: the first that is defined. */
static void choose(pk_vm *vm, vm_frame *frame)
{
    const vm_slot *slot = &vm->slots[vm->nodes[frame->node].slots + frame->slot];
    const pk_image_field *field = &vm->image->fields[frame->field];
    pk_ref exprs[] = {slot->given ? slot->ref : 0, slot->imposed, field->init};
    pk_value self = pk_vm_node_value(0, frame->node);
    uint32_t item = vm->item_of[frame->field];
    while (frame->at < FROM_NOTHING && !exprs[frame->at] &&
           !(frame->at == FROM_IMPOSED && slot->keyed))
        frame->at++;
    bool chance = frame->at >= FROM_INIT && pk_vm_fuzzes(vm, frame->node, frame->field);
    if (chance)
        frame->at = FROM_CHANCE;
    frame->got = false;
    if (frame->at == FROM_IMPOSED && slot->keyed) {
        frame->arg = pk_value_int((int64_t)slot->key);
        frame->stage = WIDTH_STAGE;
    } else if (frame->at < FROM_NOTHING) {
        frame->stage = VALUE_STAGE;
        pk_vm_push_expr(vm, exprs[frame->at], self, item, 0);
    } else if (field->type == PK_TYPE_BYTES && field->width &&
               !(chance && pk_vm_fuzz_sizes_itself(vm, frame->node, frame->field))) {
        frame->stage = ZERO_STAGE;
        pk_vm_push_expr(vm, field->width, self, item, 0);
    } else {
        frame->arg = chance ? pk_value_undefined() : pk_vm_zero(vm, frame->field);
        frame->stage = WIDTH_STAGE;
    }
}

/* One integer or byte string out of what an expression gave. VM_PUSHED: `held` is being made. */
static int settle(pk_vm *vm, vm_frame *frame)
{
    pk_value *held = &frame->held;
    if (held->kind == VM_MULTI)
        *held = held->len ? *(const pk_value *)(const void *)held->bytes : pk_value_undefined();
    if (pk_vm_plain(vm, held, 0) == VM_PUSHED)
        return VM_PUSHED;
    if (held->kind == PK_NODE)
        return pk_vm_push_part(vm, VM_BYTES, (uint32_t)held->node, PK_PART_THIS, 0, 0, 0);
    return VM_READY;
}

static void take_value(pk_vm *vm, vm_frame *frame)
{
    const vm_slot *slot = &vm->slots[vm->nodes[frame->node].slots + frame->slot];
    if (settle(vm, frame) == VM_PUSHED)
        return;
    if (frame->held.kind == PK_UNDEFINED) {
        frame->at++;
        frame->stage = CHOOSE_STAGE;
        return;
    }
    if (frame->at == FROM_GIVEN && slot->given == 1 + PK_GIVEN_RAW) {
        char name[96];
        if (frame->held.kind == PK_BYTES)
            finish(vm, frame, frame->held, true);
        else
            pk_vm_fail(vm, PK_EFORMAT, slot->lo, "raw() of `%s` takes bytes",
                       pk_vm_field_text(vm, frame->field, name, sizeof name));
        return;
    }
    frame->arg = frame->held;
    frame->stage = WIDTH_STAGE;
}

static void take_width(pk_vm *vm, vm_frame *frame)
{
    const vm_slot *slot = &vm->slots[vm->nodes[frame->node].slots + frame->slot];
    const pk_image_field *field = &vm->image->fields[frame->field];
    uint32_t bits = field->bits;
    bool integer = field->type == PK_TYPE_UINT || field->type == PK_TYPE_INT;
    if (integer && pk_vm_slot_width(vm, frame->node, frame->field, &bits) == VM_PUSHED)
        return;
    if (frame->at == FROM_CHANCE)
        frame->arg = pk_vm_fuzz_scalar(vm, frame->node, frame->field, bits);
    else if (frame->at == FROM_INIT && vm->nodes[frame->node].fuzz && frame->arg.kind == PK_INT &&
             field->type == PK_TYPE_UINT && bits < 64)
        frame->arg =
            pk_vm_arithmetic(vm, PK_OPC_AND, frame->arg, pk_value_int((int64_t)pk_bits_mask(bits)));
    if (!vm->failed && pk_vm_convert(vm, frame->field, bits, &frame->arg, slot->lo))
        finish(vm, frame, frame->arg, false);
}

/* As many bytes as the type says: zeros, or random ones. */
static void take_zeros(pk_vm *vm, vm_frame *frame)
{
    if (settle(vm, frame) == VM_PUSHED || !pk_trace_settled(vm, frame->held, "a length"))
        return;
    int64_t length = frame->held.kind == PK_INT ? frame->held.number : 0;
    pk_value bytes = frame->at == FROM_CHANCE
                         ? pk_vm_fuzz_bytes(vm, frame->node, frame->field, frame->held)
                         : pk_vm_fill(vm, 0, length);
    finish(vm, frame, bytes, false);
}

static uint32_t width_in_bits(pk_value value)
{
    if (value.kind != PK_INT || value.number < 0)
        return 0;
    return value.number > 64 ? 64 : (uint32_t)value.number;
}

void pk_vm_step_slot(pk_vm *vm, vm_frame *frame)
{
    const pk_image_field *field = &vm->image->fields[frame->field];
    vm_slot *slot = &vm->slots[vm->nodes[frame->node].slots + frame->slot];
    switch (frame->stage) {
    case FIELD_STAGE:
        find_field(vm, frame);
        return;
    case CHOOSE_STAGE:
        choose(vm, frame);
        return;
    case VALUE_STAGE:
        take_value(vm, frame);
        return;
    case WIDTH_STAGE:
        take_width(vm, frame);
        return;
    case ZERO_STAGE:
        take_zeros(vm, frame);
        return;
    case WIDTH_ONLY:
        frame->stage = WIDTH_FOUND;
        if (field->width)
            pk_vm_push_expr(vm, field->width, pk_vm_node_value(0, frame->node),
                            vm->item_of[frame->field], 0);
        return;
    default:
        if (settle(vm, frame) == VM_PUSHED || !pk_trace_settled(vm, frame->held, "a width"))
            return;
        slot->width = width_in_bits(frame->held);
        slot->sized = VM_DONE;
        pk_vm_return(vm, frame->held);
        return;
    }
}

/* ---- values of nodes ------------------------------------------------------------------------- */

int pk_vm_node_ready(pk_vm *vm, uint32_t node)
{
    const vm_node *at = &vm->nodes[node];
    if (!at->expr || at->state == VM_DONE)
        return VM_READY;
    if (at->state == VM_BUSY && asked_for_zeros(vm, VM_NODE, node, 0))
        return VM_READY;
    if (at->state == VM_BUSY)
        return pk_vm_fail_cycle(vm, VM_NODE, node, 0);
    vm_frame *frame = pk_vm_push(vm, VM_NODE, VM_DISCARD);
    if (frame)
        frame->node = node;
    return VM_PUSHED;
}

static void begin_node(pk_vm *vm, vm_frame *frame)
{
    vm_node *node = &vm->nodes[frame->node];
    pk_value owner = pk_vm_owner(vm, pk_vm_node_value(0, frame->node));
    uint32_t item = node->field ? vm->item_of[node->field] : VM_NO_ITEM;
    if (node->state == VM_BUSY) {
        (void)pk_vm_fail_cycle(vm, VM_NODE, frame->node, 0);
        return;
    }
    if (node->state == VM_DONE || !node->expr) {
        pk_vm_return(vm, node->value);
        return;
    }
    node->state = VM_BUSY;
    frame->stage = 1;
    pk_vm_push_expr(vm, node->expr, owner, item, 0);
}

/* An instance takes the integer of a two-way scalar or its bytes; a leaf what its field takes, or
 * bytes. */
static bool fit_node(pk_vm *vm, vm_node *node, pk_value *value, uint32_t bits)
{
    char name[96];
    bool instance = node->kind == VM_IS_INSTANCE;
    bool scalar = instance && (pk_vm_layer(vm, node->layer)->flags & PK_LAYER_TWO_WAY);
    if (value->kind == PK_BYTES && (instance || !node->field || (node->flags & VM_NODE_RAW)))
        return true;
    if (value->kind == PK_UNDEFINED) {
        if (!instance)
            *value = node->field ? pk_vm_zero(vm, node->field) : pk_vm_fill(vm, 0, 0);
        return true;
    }
    if (instance && (scalar || value->kind != PK_INT))
        return true;
    if (node->field && !instance && !(node->flags & VM_NODE_RAW))
        return pk_vm_convert(vm, node->field, bits, value, node->lo);
    pk_vm_fail(vm, PK_EFORMAT, node->lo, "`%s` takes bytes, not an integer",
               node->field ? pk_vm_field_text(vm, node->field, name, sizeof name) : "payload");
    return false;
}

void pk_vm_step_node(pk_vm *vm, vm_frame *frame)
{
    if (frame->stage == 0) {
        begin_node(vm, frame);
        return;
    }
    if (settle(vm, frame) == VM_PUSHED)
        return;
    vm_node *node = &vm->nodes[frame->node];
    const pk_image_field *field = &vm->image->fields[node->field];
    uint32_t bits = 0;
    bool integer = field->type == PK_TYPE_UINT || field->type == PK_TYPE_INT;
    if (node->kind == VM_IS_LEAF && node->field && integer) {
        pk_value owner = pk_vm_owner(vm, pk_vm_node_value(0, frame->node));
        if (pk_vm_slot_width(vm, (uint32_t)owner.node, node->field, &bits) == VM_PUSHED)
            return;
    }
    pk_value value = frame->held;
    if (!fit_node(vm, node, &value, bits))
        return;
    node->value = value;
    node->state = VM_DONE;
    pk_vm_return(vm, value);
}
