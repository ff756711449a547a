/*
 * Dissecting: the item programs walked over the bytes, with a stack of instances, lists and
 * windows.
 *
 * Only this file moves the position p, and whatever it passes becomes a leaf: that is why the
 * leaves of any tree tile the packet, for any image and any bytes. Every way out of a window or
 * instance goes through leave_window, leave_instance or stop, which name what was left over.
 *
 * Where the bytes go that a payload's layer did not take (it returned at p, its window ends at w):
 * they stay in the enclosing window, so the items that follow see them first (the `pad` of a
 * frame). What these leave of it depends on whether the payload has a window of its own, that is a
 * `within` whose value is a number of its own and not `rest` itself ("as far as it goes" narrows
 * nothing):
 *   - inside a `within {}` block, the block's end names it: <window>_rest;
 *   - else, when the payload has a window of its own, the instance's end does: the bits up to w
 *     become its `_rest`. So what lies inside ip.len and outside udp.len is the `_rest` of ip, an
 *     option whose body is shorter than its length keeps its slack, and what lies behind ip.len is
 *     ip's owner's (the `pad` of eth);
 *   - else the instance simply ends at p and its owner goes on there (a VLAN tag does not swallow
 *     the padding of the frame).
 */
#include "internal.h"

#include <stdlib.h>

#define OPEN UINT32_MAX /* `end` of a record that is being filled */

/* ---- records --------------------------------------------------------------------------------- */

static uint32_t add(pk_vm *vm, pk_rec rec)
{
    vm_dissection *d = &vm->dissection;
    if (d->nodes_left > 0)
        d->nodes_left--;
    uint32_t made = pk_tree_add(d->tree, rec);
    if (made == 0)
        pk_vm_fail(vm, PK_ENOMEM, 0, "out of memory");
    return made;
}

/* A leaf from p to `end`; moves p. */
static void leaf(pk_vm *vm, pk_rec_kind kind, unsigned flags, pk_ref id, uint32_t up, uint64_t end)
{
    vm_dissection *d = &vm->dissection;
    (void)add(vm, (pk_rec){.kind = (uint8_t)kind,
                           .flags = (uint8_t)flags,
                           .id = id,
                           .off = (uint32_t)d->p,
                           .bits = (uint32_t)(end - d->p),
                           .up = up});
    d->p = end;
}

static uint32_t open_record(pk_vm *vm, pk_rec rec)
{
    rec.off = (uint32_t)vm->dissection.p;
    uint32_t made = add(vm, rec);
    if (made)
        vm->dissection.tree->recs[made].end = OPEN;
    return made;
}

static bool push_level(pk_vm *vm, vm_level level)
{
    vm_dissection *d = &vm->dissection;
    if (d->depth == d->cap) {
        uint32_t cap = d->cap ? d->cap * 2 : 32;
        vm_level *levels = realloc(d->levels, cap * sizeof *levels);
        if (!levels) {
            pk_vm_fail(vm, PK_ENOMEM, 0, "out of memory");
            return false;
        }
        d->levels = levels;
        d->cap = cap;
    }
    if (level.kind == VM_AN_INSTANCE)
        level.instance = d->depth;
    d->levels[d->depth++] = level;
    return true;
}

/* ---- ways out -------------------------------------------------------------------------------- */

static void leave_list(pk_vm *vm)
{
    vm_dissection *d = &vm->dissection;
    pk_tree_close(d->tree, pk_vm_top(vm)->rec, (uint32_t)d->p);
    d->depth--;
}

static void element_done(pk_vm *vm)
{
    vm_dissection *d = &vm->dissection;
    vm_level *list = pk_vm_top(vm);
    const pk_image_field *field = &vm->image->fields[list->field];
    pk_value element = pk_vm_node_value(0, pk_tree_pack((pk_tree_node){list->element, 0}));
    bool done = d->p == list->start;
    if (!done && field->list == 1 + PK_IMAGE_LIST_UNTIL)
        done = pk_value_truth(pk_vm_read_expr(vm, field->extent, &element, 1));
    if (done && !vm->failed)
        leave_list(vm);
}

static void leave_window(pk_vm *vm)
{
    vm_dissection *d = &vm->dissection;
    const vm_level window = *pk_vm_top(vm);
    if (d->p < d->e)
        leaf(vm, PK_REC_REST, 0, window.window, pk_vm_instance(vm)->rec, d->e);
    d->e = window.outer;
    d->depth--;
}

static void leave_instance(pk_vm *vm)
{
    vm_dissection *d = &vm->dissection;
    const vm_level level = *pk_vm_top(vm);
    if (d->p < level.claim)
        leaf(vm, PK_REC_REST, 0, 0, level.rec, level.claim);
    pk_tree_close(d->tree, level.rec, (uint32_t)d->p);
    d->e = level.outer;
    d->depth--;
    if (d->depth > 0 && pk_vm_top(vm)->kind == VM_A_LIST)
        element_done(vm);
}

/* The items of a window that was cut are behind us: on with what follows its end. */
static void skip_window(const pk_vm *vm, vm_level *level)
{
    const pk_image_layer *layer = pk_vm_layer(vm, level->layer);
    const pk_insn *items = vm->image->code + layer->items;
    unsigned inner = 0;
    for (; level->pc < layer->n_items; level->pc++) {
        if (items[level->pc].op == PK_OPC_WIN)
            inner++;
        if (items[level->pc].op == PK_OPC_WEN && inner-- == 0) {
            level->pc++;
            return;
        }
    }
}

/* Something did not fit: the rest of the innermost window is one leaf, its later items are absent.
 */
static void cut(pk_vm *vm)
{
    vm_dissection *d = &vm->dissection;
    while (pk_vm_top(vm)->kind == VM_A_LIST)
        leave_list(vm);
    const vm_level *level = pk_vm_top(vm);
    leaf(vm, PK_REC_CUT, 0, level->kind == VM_A_WINDOW ? level->window : 0, pk_vm_instance(vm)->rec,
         d->e);
    if (pk_vm_top(vm)->kind == VM_A_WINDOW) {
        skip_window(vm, pk_vm_instance(vm));
        leave_window(vm);
    } else {
        leave_instance(vm);
    }
}

/* A limit of the whole packet is reached: everything from here on is one leaf. */
static void stop(pk_vm *vm, uint32_t up, uint64_t end)
{
    vm_dissection *d = &vm->dissection;
    for (; d->depth > 0; d->depth--)
        if (pk_vm_top(vm)->kind != VM_A_WINDOW)
            pk_tree_close(d->tree, pk_vm_top(vm)->rec, (uint32_t)d->p);
    vm->failed = false;
    if (d->p < end)
        leaf(vm, PK_REC_RAW, PK_REC_STOP, 0, up, end);
    d->tree->flags |= PK_TREE_STOPPED;
}

/* ---- instances ------------------------------------------------------------------------------- */

/* Layers count from the outermost, structures from their layer. False when it would be too deep. */
static bool depth_of(pk_vm *vm, pk_ref layer, vm_level *level)
{
    bool counts = pk_vm_layer(vm, layer)->kind == PK_LAYER_LAYER;
    const vm_level *around = vm->dissection.depth > 0 ? pk_vm_instance(vm) : NULL;
    level->layers = (uint8_t)((around ? around->layers : 0) + (counts ? 1 : 0));
    level->structs = (uint8_t)(counts ? 0 : (around ? around->structs : 0) + 1);
    return level->layers <= PK_LAYER_DEPTH && level->structs <= PK_STRUCT_DEPTH;
}

/* Begins an instance that may reach to `end`. */
static void enter(pk_vm *vm, pk_ref layer, pk_rec rec, uint64_t end)
{
    vm_dissection *d = &vm->dissection;
    vm_level level = {.kind = VM_AN_INSTANCE, .layer = layer, .outer = d->e};
    if (!depth_of(vm, layer, &level)) {
        d->tree->flags |= PK_TREE_STOPPED;
        leaf(vm, PK_REC_RAW, PK_REC_STOP | (rec.flags & PK_REC_PAYLOAD), 0, rec.up, end);
        return;
    }
    rec.kind = PK_REC_INSTANCE;
    rec.id = layer;
    level.rec = open_record(vm, rec);
    if (level.rec == 0 || !push_level(vm, level))
        return;
    d->e = end;
}

/* ---- fields ------------------------------------------------------------------------------------
 */

static void read_scalar(pk_vm *vm, pk_ref ref, uint32_t up)
{
    vm_dissection *d = &vm->dissection;
    const pk_image_field *field = &vm->image->fields[ref];
    uint64_t bits = 0;
    bool fit = pk_vm_read_bits(vm, field, &bits);
    if (vm->failed)
        return;
    if (!fit) {
        cut(vm);
        return;
    }
    vm_level *top = pk_vm_top(vm);
    uint32_t made = add(vm, (pk_rec){.kind = PK_REC_FIELD,
                                     .slot = field->slot,
                                     .id = ref,
                                     .off = (uint32_t)d->p,
                                     .bits = (uint32_t)bits,
                                     .up = up});
    d->p += bits;
    if (top->kind == VM_A_LIST) {
        top->element = made;
        element_done(vm);
    }
}

static void read_struct(pk_vm *vm, pk_ref ref, uint32_t up)
{
    const pk_image_field *field = &vm->image->fields[ref];
    enter(vm, field->sub, (pk_rec){.flags = PK_REC_FIELD_OF, .slot = field->slot, .up = up},
          vm->dissection.e);
}

/* ---- lists ----------------------------------------------------------------------------------- */

static uint64_t list_count(pk_vm *vm, const pk_image_field *field)
{
    if (field->list != 1 + PK_IMAGE_LIST_COUNT && field->list != 1 + PK_IMAGE_LIST_FOR)
        return UINT64_MAX;
    pk_value extent = pk_vm_read_expr(vm, field->extent, NULL, 0);
    if (extent.kind == PK_NODE && pk_vm_kind(vm, extent) == VM_IS_LIST)
        return pk_vm_count(vm, extent);
    return extent.kind == PK_INT && extent.number > 0 ? (uint64_t)extent.number : 0;
}

static void enter_list(pk_vm *vm, pk_ref ref)
{
    const pk_image_field *field = &vm->image->fields[ref];
    vm_level level = {.kind = VM_A_LIST, .field = ref, .instance = pk_vm_top(vm)->instance};
    level.count = list_count(vm, field);
    if (vm->failed)
        return;
    level.rec = open_record(vm, (pk_rec){.kind = PK_REC_LIST,
                                         .id = ref,
                                         .slot = field->slot,
                                         .up = pk_vm_instance(vm)->rec});
    if (level.rec)
        (void)push_level(vm, level);
}

static void next_element(pk_vm *vm)
{
    vm_dissection *d = &vm->dissection;
    vm_level *list = pk_vm_top(vm);
    if (d->p >= d->e || list->index >= list->count) {
        leave_list(vm);
        return;
    }
    list->index++;
    list->start = d->p;
    list->element = d->tree->count;
    if (vm->image->fields[list->field].type != PK_TYPE_STRUCT) {
        read_scalar(vm, list->field, list->rec);
        return;
    }
    uint32_t depth = d->depth;
    read_struct(vm, list->field, list->rec);
    if (d->depth == depth && !vm->failed) /* too deep: one raw leaf was all */
        leave_list(vm);
}

/* ---- payload --------------------------------------------------------------------------------- */

static pk_ref payload_layer(pk_vm *vm, const pk_image_payload *payload)
{
    for (uint32_t i = 0; i < payload->n_selectors && !vm->failed; i++) {
        const pk_image_selector *selector = &vm->image->selectors[payload->selectors + i];
        pk_value key = pk_vm_read_expr(vm, selector->key, NULL, 0);
        if (key.kind != PK_INT)
            continue;
        pk_ref layer = pk_image_table_find(vm->image, selector->table, (uint64_t)key.number);
        if (layer)
            return layer;
    }
    return payload->otherwise;
}

static void read_payload(pk_vm *vm, pk_ref ref)
{
    vm_dissection *d = &vm->dissection;
    const pk_image_payload *payload = &vm->image->payloads[ref];
    pk_value window = pk_vm_read_expr(vm, payload->window, NULL, 0);
    uint64_t end = pk_vm_window_end(vm, window);
    if (vm->failed || d->p >= end)
        return;
    vm_level *owner = pk_vm_instance(vm);
    bool own = window.kind == PK_INT && window.spare == 0;
    if (own && pk_vm_top(vm)->kind == VM_AN_INSTANCE && end > owner->claim)
        owner->claim = end;
    uint32_t up = owner->rec;
    pk_ref layer = payload_layer(vm, payload);
    if (vm->failed)
        return;
    if (layer == 0)
        leaf(vm, PK_REC_RAW, PK_REC_PAYLOAD, 0, up, end);
    else
        enter(vm, layer, (pk_rec){.flags = PK_REC_PAYLOAD, .up = up}, end);
}

/* ---- items ----------------------------------------------------------------------------------- */

/* One record for the instance and its constant prefix, when all of that is there. */
static void read_fixed(pk_vm *vm, const pk_insn *insn)
{
    vm_dissection *d = &vm->dissection;
    vm_level *level = pk_vm_instance(vm);
    const pk_image_layer *layer = pk_vm_layer(vm, level->layer);
    pk_rec *rec = &d->tree->recs[level->rec];
    if (layer->fixed_bits > d->e - d->p || d->p != rec->off || insn->d != layer->fixed_fields)
        return;
    rec->flags |= PK_REC_FIXED;
    d->p += layer->fixed_bits;
    level->pc += insn->d;
}

static void enter_window(pk_vm *vm, const pk_insn *insn)
{
    vm_dissection *d = &vm->dissection;
    pk_value bytes = pk_vm_read_expr(vm, (pk_ref)insn->e, NULL, 0);
    vm_level level = {
        .kind = VM_A_WINDOW, .window = insn->d, .outer = d->e, .instance = pk_vm_top(vm)->instance};
    if (vm->failed || !push_level(vm, level))
        return;
    d->e = pk_vm_window_end(vm, bytes);
}

static void run_item(pk_vm *vm)
{
    vm_level *level = pk_vm_instance(vm);
    const pk_image_layer *layer = pk_vm_layer(vm, level->layer);
    if (level->pc >= layer->n_items) {
        leave_instance(vm);
        return;
    }
    const pk_insn *insn = &vm->image->code[layer->items + level->pc++];
    switch ((pk_op)insn->op) {
    case PK_OPC_FIX:
        read_fixed(vm, insn);
        return;
    case PK_OPC_FLD:
    case PK_OPC_FLX:
    case PK_OPC_BYT:
    case PK_OPC_VAR:
        read_scalar(vm, insn->d, level->rec);
        return;
    case PK_OPC_SUB:
        read_struct(vm, insn->d, level->rec);
        return;
    case PK_OPC_LST:
        enter_list(vm, insn->d);
        return;
    case PK_OPC_JIF: {
        uint32_t at = pk_vm_top(vm)->instance;
        if (!pk_value_truth(pk_vm_read_expr(vm, (pk_ref)insn->e, NULL, 0)))
            vm->dissection.levels[at].pc = insn->d;
        return;
    }
    case PK_OPC_JMP:
        level->pc = insn->d;
        return;
    case PK_OPC_WIN:
        enter_window(vm, insn);
        return;
    case PK_OPC_WEN:
        if (pk_vm_top(vm)->kind == VM_A_WINDOW)
            leave_window(vm);
        return;
    case PK_OPC_PAY:
        read_payload(vm, insn->d);
        return;
    default: /* END; a window that is still open ends with its instance */
        while (pk_vm_top(vm)->kind == VM_A_WINDOW)
            leave_window(vm);
        leave_instance(vm);
        return;
    }
}

/* Runs until the levels are empty. False without memory. */
static bool run(pk_vm *vm, uint32_t root, uint64_t end)
{
    vm_dissection *d = &vm->dissection;
    while (d->depth > 0) {
        bool spent = vm->fuel == 0 || d->nodes_left == 0;
        if (vm->failed && vm->error.code == PK_ENOMEM)
            return false;
        if (spent || vm->failed) {
            stop(vm, root, end);
            return !vm->failed;
        }
        vm->fuel--;
        if (pk_vm_top(vm)->kind == VM_A_LIST)
            next_element(vm);
        else
            run_item(vm);
    }
    return !vm->failed || vm->error.code != PK_ENOMEM;
}

/* ---- from outside ---------------------------------------------------------------------------- */

static void begin(pk_vm *vm, pk_tree *tree, uint64_t off, uint64_t end)
{
    vm_dissection *d = &vm->dissection;
    d->tree = tree;
    d->p = off;
    d->e = end;
    d->depth = 0;
    d->running = true;
    d->nodes_left = (uint64_t)PK_NODES_BASE + (end - off) / 8;
    vm->fuel = PK_FUEL_BASE + (uint64_t)PK_FUEL_PER_BYTE * ((end - off) / 8);
    vm->trees[0] = tree;
    vm->trees[1] = NULL;
    vm->building = false;
    vm->inferring = false;
    vm->failed = false;
}

int pk_vm_dissect(pk_vm *vm, pk_ref layer, const uint8_t *bytes, uint32_t len, uint32_t wire_len,
                  pk_tree *tree)
{
    uint32_t bits = len > UINT32_MAX / 8 ? UINT32_MAX / 8 * 8 : len * 8;
    pk_tree_reset(tree, bytes, bits / 8, wire_len);
    if (tree->count == 0)
        return PK_ENOMEM;
    vm->depth = vm->base = 0;
    begin(vm, tree, 0, bits);
    vm_dissection *d = &vm->dissection;
    bool good = true;
    if (layer == 0 || layer >= vm->image->n_layers) {
        if (bits > 0)
            leaf(vm, PK_REC_RAW, 0, 0, 0, bits);
    } else {
        if (bits > 0)
            enter(vm, layer, (pk_rec){.up = 0}, bits);
        good = run(vm, 0, bits);
    }
    if (good && d->p < bits)
        leaf(vm, PK_REC_REST, 0, 0, 0, bits);
    pk_tree_close(tree, 0, bits);
    d->running = false;
    return good && !vm->failed ? PK_OK : PK_ENOMEM;
}

/* What an instance cannot make of bytes that it was given is its `_rest`; beyond a limit it is one
 * raw leaf. */
bool pk_vm_dissect_part(pk_vm *vm, pk_tree *tree, pk_ref layer, pk_rec instance, uint64_t off,
                        uint64_t end)
{
    const pk_tree *before[2] = {vm->trees[0], vm->trees[1]};
    uint64_t fuel = vm->fuel;
    uint32_t count = tree->count, flags = tree->flags;
    begin(vm, tree, off, end);
    enter(vm, layer, instance, end);
    bool good = run(vm, instance.up, end);
    vm_dissection *d = &vm->dissection;
    if (good && (tree->flags & PK_TREE_STOPPED) && !(flags & PK_TREE_STOPPED)) {
        tree->count = count;
        tree->flags = flags;
        d->p = off;
        instance.kind = PK_REC_INSTANCE;
        instance.id = layer;
        (void)open_record(vm, instance);
        leaf(vm, PK_REC_RAW, PK_REC_STOP, 0, count, end);
    } else if (good && d->p < end) {
        leaf(vm, PK_REC_REST, 0, 0, count, end);
    }
    pk_tree_close(tree, count, (uint32_t)end);
    d->running = false;
    vm->building = true;
    vm->trees[0] = before[0];
    vm->trees[1] = before[1];
    vm->fuel = fuel;
    return good && !vm->failed;
}
