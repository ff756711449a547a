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
#include "ready.h"

#include <stdlib.h>

#define OPEN UINT32_MAX /* `end` of a record that is being filled */

/* ---- records --------------------------------------------------------------------------------- */

static uint32_t add(pk_vm *vm, pk_rec rec)
{
    uint32_t made = pk_tree_add(vm->dissection.tree, rec);
    if (made == 0)
        pk_vm_fail(vm, PK_ENOMEM, 0, "out of memory");
    return made;
}

/* A record at p. Most of them need neither more room nor a name of their own. */
static inline uint32_t put(pk_vm *vm, pk_rec rec)
{
    vm_dissection *d = &vm->dissection;
    pk_tree *tree = d->tree;
    d->nodes_left -= d->nodes_left > 0;
    rec.off = (uint32_t)d->p;
    if (tree->count == tree->cap || rec.kind >= PK_REC_RAW)
        return add(vm, rec);
    rec.end = tree->count + 1;
    tree->recs[tree->count] = rec;
    return tree->count++;
}

/* A leaf from p to `end`; moves p. */
static void leaf(pk_vm *vm, pk_rec_kind kind, unsigned flags, pk_ref id, uint32_t up, uint64_t end)
{
    vm_dissection *d = &vm->dissection;
    (void)put(vm, (pk_rec){.kind = (uint8_t)kind,
                           .flags = (uint8_t)flags,
                           .id = id,
                           .bits = (uint32_t)(end - d->p),
                           .up = up});
    d->p = end;
}

static uint32_t open_record(pk_vm *vm, pk_rec rec)
{
    uint32_t made = put(vm, rec);
    if (made)
        vm->dissection.tree->recs[made].end = OPEN;
    return made;
}

static inline void close_record(const vm_dissection *d, uint32_t rec)
{
    pk_rec *at = &d->tree->recs[rec];
    at->bits = (uint32_t)d->p - at->off;
    at->end = d->tree->count;
}

static bool more_levels(pk_vm *vm)
{
    vm_dissection *d = &vm->dissection;
    uint32_t cap = d->cap ? d->cap * 2 : 32;
    vm_level *levels = realloc(d->levels, cap * sizeof *levels);
    if (!levels) {
        pk_vm_fail(vm, PK_ENOMEM, 0, "out of memory");
        return false;
    }
    d->levels = levels;
    d->cap = cap;
    return true;
}

/* The next level, of which only what every kind has is set; NULL without memory. */
static inline vm_level *push_level(pk_vm *vm, vm_level_kind kind, uint32_t rec, pk_ref name)
{
    vm_dissection *d = &vm->dissection;
    if (d->depth == d->cap && !more_levels(vm))
        return NULL;
    vm_level *level = &d->levels[d->depth];
    level->kind = (uint8_t)kind;
    level->rec = rec;
    level->name = name;
    level->outer = d->e;
    level->instance = kind == VM_AN_INSTANCE ? d->depth : d->levels[d->depth - 1].instance;
    d->depth++;
    return level;
}

/* ---- ways out -------------------------------------------------------------------------------- */

static void leave_list(pk_vm *vm)
{
    vm_dissection *d = &vm->dissection;
    close_record(d, pk_vm_top(vm)->rec);
    d->depth--;
}

static void element_done(pk_vm *vm)
{
    vm_dissection *d = &vm->dissection;
    vm_level *list = pk_vm_top(vm);
    const pk_image_field *field = &vm->image->fields[list->name];
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
    const vm_level *window = pk_vm_top(vm);
    if (d->p < d->e)
        leaf(vm, PK_REC_REST, 0, window->name, pk_vm_instance(vm)->rec, d->e);
    d->e = window->outer;
    d->depth--;
}

static void leave_instance(pk_vm *vm)
{
    vm_dissection *d = &vm->dissection;
    const vm_level *level = pk_vm_top(vm);
    if (d->p < level->claim)
        leaf(vm, PK_REC_REST, 0, 0, level->rec, level->claim);
    close_record(d, level->rec);
    d->e = level->outer;
    d->depth--;
    if (d->depth > 0 && pk_vm_top(vm)->kind == VM_A_LIST)
        element_done(vm);
}

/* The items of a window that was cut are behind us: on with what follows its end. */
static void skip_window(vm_level *level)
{
    unsigned inner = 0;
    for (; level->pc < level->n_items; level->pc++) {
        uint8_t op = level->items[level->pc].op;
        if (op == PK_OPC_WIN)
            inner++;
        if (op == PK_OPC_WEN && inner-- == 0) {
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
    leaf(vm, PK_REC_CUT, 0, level->kind == VM_A_WINDOW ? level->name : 0, pk_vm_instance(vm)->rec,
         d->e);
    if (pk_vm_top(vm)->kind == VM_A_WINDOW) {
        skip_window(pk_vm_instance(vm));
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
            close_record(d, pk_vm_top(vm)->rec);
    vm->failed = false;
    if (d->p < end)
        leaf(vm, PK_REC_RAW, PK_REC_STOP, 0, up, end);
    d->tree->flags |= PK_TREE_STOPPED;
}

/* ---- instances ------------------------------------------------------------------------------- */

/* Layers count from the outermost, structures from their layer. */
static bool too_deep(const vm_level *level)
{
    return level->layers > PK_LAYER_DEPTH || level->structs > PK_STRUCT_DEPTH;
}

static void count_depth(pk_vm *vm, vm_level *level, const vm_level *around)
{
    bool counts = vm->image->layers[level->name].kind == PK_LAYER_LAYER;
    level->layers = (uint8_t)((around ? around->layers : 0) + counts);
    level->structs = (uint8_t)(counts ? 0 : (around ? around->structs : 0) + 1);
}

/* Begins an instance that may reach to `end`. */
static void enter(pk_vm *vm, pk_ref layer, pk_rec rec, uint64_t end)
{
    vm_dissection *d = &vm->dissection;
    uint32_t around = d->depth > 0 ? pk_vm_top(vm)->instance : 0;
    bool inside = d->depth > 0;
    vm_level *level = push_level(vm, VM_AN_INSTANCE, 0, layer);
    if (!level)
        return;
    count_depth(vm, level, inside ? &d->levels[around] : NULL);
    if (too_deep(level)) {
        d->depth--;
        d->tree->flags |= PK_TREE_STOPPED;
        leaf(vm, PK_REC_RAW, PK_REC_STOP | (rec.flags & PK_REC_PAYLOAD), 0, rec.up, end);
        return;
    }
    level->pc = 0;
    level->items = vm->image->code + vm->image->layers[layer].items;
    level->n_items = vm->image->layers[layer].n_items;
    level->claim = 0;
    rec.kind = PK_REC_INSTANCE;
    rec.id = layer;
    level->rec = open_record(vm, rec);
    if (level->rec == 0)
        d->depth--;
    else
        d->e = end;
}

/* ---- fields ------------------------------------------------------------------------------------
 */

/* The widths that are known without a look at the packet. */
static inline bool plain_width(const vm_dissection *d, const pk_image_field *field,
                               uint64_t *ret_bits)
{
    uint64_t left = d->e - d->p;
    if (field->bits && !field->width) { /* a bit group must fit as a whole */
        *ret_bits = field->bits;
        return field->bits + (field->group_bits ? field->group_shift : 0U) <= left;
    }
    *ret_bits = left & ~UINT64_C(7);
    return field->type == PK_TYPE_BYTES && !field->width;
}

static void read_scalar(pk_vm *vm, pk_ref ref, uint32_t up)
{
    vm_dissection *d = &vm->dissection;
    const pk_image_field *field = &vm->image->fields[ref];
    uint64_t bits = 0;
    bool fit = plain_width(d, field, &bits) || pk_vm_read_bits(vm, field, &bits);
    if (vm->failed)
        return;
    if (!fit) {
        cut(vm);
        return;
    }
    uint32_t made = put(vm, (pk_rec){.kind = PK_REC_FIELD,
                                     .slot = field->slot,
                                     .id = ref,
                                     .bits = (uint32_t)bits,
                                     .up = up});
    d->p += bits;
    vm_level *top = pk_vm_top(vm);
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
    uint64_t count = list_count(vm, field);
    if (vm->failed)
        return;
    uint32_t rec = open_record(vm, (pk_rec){.kind = PK_REC_LIST,
                                            .id = ref,
                                            .slot = field->slot,
                                            .up = pk_vm_instance(vm)->rec});
    vm_level *level = rec ? push_level(vm, VM_A_LIST, rec, ref) : NULL;
    if (!level)
        return;
    level->count = count;
    level->index = level->start = 0;
    level->element = 0;
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
    if (vm->image->fields[list->name].type != PK_TYPE_STRUCT) {
        read_scalar(vm, list->name, list->rec);
        return;
    }
    uint32_t depth = d->depth;
    read_struct(vm, list->name, list->rec);
    if (d->depth == depth && !vm->failed) /* too deep: one raw leaf was all */
        leave_list(vm);
}

/* ---- payload --------------------------------------------------------------------------------- */

pk_ref pk_vm_dispatch(pk_vm *vm, pk_ref table, uint64_t key)
{
    vm_dispatch *at = &vm->dissection.dispatch[(key ^ key >> 8 ^ table * 31) % VM_DISPATCHES];
    if (at->table != table || at->key != key)
        *at = (vm_dispatch){key, table, pk_image_table_find(vm->image, table, key)};
    return at->layer;
}

/* What was read for the key matters as far as it leads to the layer. */
static pk_ref select_layer(pk_vm *vm, const pk_image_selector *selector)
{
    vm_notes *notes = &vm->dissection.notes;
    uint32_t before = notes->n;
    pk_value key = pk_vm_read_expr(vm, selector->key, NULL, 0);
    if (key.kind != PK_INT)
        return 0;
    pk_ref layer = pk_vm_dispatch(vm, selector->table, (uint64_t)key.number);
    if (notes->n == before + 1 && pk_vm_ready_test(vm, selector->key, NULL) == VM_DO_RETURN) {
        notes->at[before].kind = VM_NOTE_TABLE;
        notes->at[before].table = selector->table;
        notes->at[before].layer = layer;
    }
    return layer;
}

static pk_ref payload_layer(pk_vm *vm, const pk_image_payload *payload)
{
    for (uint32_t i = 0; i < payload->n_selectors && !vm->failed; i++) {
        pk_ref layer = select_layer(vm, &vm->image->selectors[payload->selectors + i]);
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
    const pk_image_layer *layer = &vm->image->layers[level->name];
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
    if (!vm->failed && push_level(vm, VM_A_WINDOW, 0, insn->d))
        d->e = pk_vm_window_end(vm, bytes);
}

static void jump_unless(pk_vm *vm, const pk_insn *insn, uint32_t instance)
{
    vm_notes *notes = &vm->dissection.notes;
    uint32_t before = notes->n;
    bool holds = pk_value_truth(pk_vm_read_expr(vm, (pk_ref)insn->e, NULL, 0));
    uint64_t with = 0;
    vm_step_op test =
        notes->n == before + 1 ? pk_vm_ready_test(vm, (pk_ref)insn->e, &with) : VM_DO_UNDEFINED;
    if (test != VM_DO_UNDEFINED) {
        vm_note *note = &notes->at[before];
        note->kind = VM_NOTE_TEST;
        note->test = (uint8_t)test;
        note->holds = holds;
        note->value = with;
    }
    if (!holds)
        vm->dissection.levels[instance].pc = insn->d;
}

static void run_item(pk_vm *vm, uint32_t instance)
{
    vm_level *level = &vm->dissection.levels[instance];
    if (level->pc >= level->n_items) {
        leave_instance(vm);
        return;
    }
    const pk_insn *insn = &level->items[level->pc++];
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
    case PK_OPC_JIF:
        jump_unless(vm, insn, instance);
        return;
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
        if (vm->fuel == 0 || d->nodes_left == 0 || vm->failed) {
            if (vm->failed && vm->error.code == PK_ENOMEM)
                return false;
            stop(vm, root, end);
            return !vm->failed;
        }
        vm->fuel--;
        const vm_level *top = pk_vm_top(vm);
        if (top->kind == VM_A_LIST)
            next_element(vm);
        else
            run_item(vm, top->instance);
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
    d->notes.n = 0;
    d->notes.most = VM_RECALL_NOTES;
    d->notes.told = true;
}

int pk_vm_dissect(pk_vm *vm, pk_ref layer, const uint8_t *bytes, uint32_t len, uint32_t wire_len,
                  pk_tree *tree)
{
    uint32_t bits = len > UINT32_MAX / 8 ? UINT32_MAX / 8 * 8 : len * 8;
    pk_tree_reset(tree, bytes, bits / 8, wire_len);
    if (tree->count == 0)
        return PK_ENOMEM;
    if (layer && pk_vm_recall(vm, layer, tree))
        return PK_OK;
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
    if (good && !vm->failed && layer)
        pk_vm_recall_keep(vm, layer, tree);
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
