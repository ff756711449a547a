#include "internal.h"
#include "template_trace.h"

#include <string.h>

/* ---- what a node is -------------------------------------------------------------------------- */

bool pk_vm_on_build(const pk_vm *vm, pk_value node)
{
    return vm->building && node.tree == 0;
}

static const pk_tree *tree_of(const pk_vm *vm, pk_value node)
{
    return vm->trees[node.tree & 1];
}

vm_node_kind pk_vm_kind(const pk_vm *vm, pk_value node)
{
    if (pk_vm_on_build(vm, node))
        return (vm_node_kind)vm->nodes[node.node].kind;
    switch (pk_tree_kind(tree_of(vm, node), pk_tree_unpack(node.node))) {
    case PK_REC_FRAME:
        return VM_IS_ROOT;
    case PK_REC_INSTANCE:
        return VM_IS_INSTANCE;
    case PK_REC_LIST:
        return VM_IS_LIST;
    case PK_REC_FIELD:
    case PK_REC_RAW:
    case PK_REC_REST:
    case PK_REC_CUT:
        break;
    }
    return VM_IS_LEAF;
}

pk_ref pk_vm_layer_of(const pk_vm *vm, pk_value node)
{
    if (pk_vm_on_build(vm, node))
        return vm->nodes[node.node].layer;
    return pk_tree_layer(tree_of(vm, node), pk_tree_unpack(node.node));
}

static pk_value build_node(uint32_t node)
{
    return node ? pk_vm_node_value(0, node) : pk_value_undefined();
}

pk_value pk_vm_owner(const pk_vm *vm, pk_value node)
{
    if (node.kind != PK_NODE)
        return pk_value_undefined();
    if (!pk_vm_on_build(vm, node))
        return pk_vm_tree_node(node.tree,
                               pk_tree_owner(tree_of(vm, node), pk_tree_unpack(node.node)));
    uint32_t up = vm->nodes[node.node].up;
    while (vm->nodes[up].kind == VM_IS_LIST)
        up = vm->nodes[up].up;
    return build_node(up);
}

pk_value pk_vm_payload(const pk_vm *vm, pk_value node)
{
    if (pk_vm_on_build(vm, node)) {
        uint32_t list = vm->nodes[node.node].payload;
        return build_node(list ? vm->nodes[list].first : 0);
    }
    const pk_tree *tree = tree_of(vm, node);
    return pk_vm_tree_node(node.tree, pk_tree_payload(tree, pk_tree_unpack(node.node)));
}

pk_value pk_vm_first(const pk_vm *vm, pk_value list)
{
    if (pk_vm_on_build(vm, list))
        return build_node(vm->nodes[list.node].first);
    return pk_vm_tree_node(list.tree, pk_tree_first(tree_of(vm, list), pk_tree_unpack(list.node)));
}

pk_value pk_vm_next(const pk_vm *vm, pk_value element)
{
    if (pk_vm_on_build(vm, element))
        return build_node(vm->nodes[element.node].next);
    return pk_vm_tree_node(element.tree,
                           pk_tree_next(tree_of(vm, element), pk_tree_unpack(element.node)));
}

uint32_t pk_vm_count(const pk_vm *vm, pk_value list)
{
    if (pk_vm_on_build(vm, list))
        return vm->nodes[list.node].count;
    return pk_tree_count(tree_of(vm, list), pk_tree_unpack(list.node));
}

/* ---- what it is worth ------------------------------------------------------------------------ */

/* The expression of `let value`, 0 when the layer has none. */
static pk_ref scalar_of(const pk_vm *vm, pk_ref layer)
{
    if (!(pk_vm_layer(vm, layer)->flags & PK_LAYER_TWO_WAY) || !vm->value_name)
        return 0;
    const pk_image_member *member = pk_image_member_find(vm->image, layer, vm->value_name);
    return member && member->kind == PK_MEMBER_LET ? member->ref : 0;
}

/* Whatever a dissection or an inference reads it notes (recall.h). */
static pk_value read_leaf(pk_vm *vm, const pk_tree *tree, pk_tree_node node)
{
    if ((vm->dissection.running || vm->inferring) && pk_tree_is_leaf(tree, node))
        pk_vm_note_leaf(&vm->dissection.notes, tree, node);
    return pk_tree_value(tree, node);
}

/* Whether a two-way scalar that is built was given a number, or drew one. */
static bool has_number(const pk_vm *vm, uint64_t node)
{
    return vm->nodes[node].expr || vm->nodes[node].state == VM_DONE;
}

int pk_vm_plain(pk_vm *vm, pk_value *value, uint8_t dst)
{
    if (value->kind != PK_NODE)
        return VM_READY;
    vm_node_kind kind = pk_vm_kind(vm, *value);
    bool build = pk_vm_on_build(vm, *value);
    if (kind == VM_IS_LEAF && !build) {
        const pk_tree *tree = tree_of(vm, *value);
        pk_tree_node leaf = pk_tree_unpack(value->node);
        *value = pk_trace_leaf(vm, value->tree, tree, leaf, read_leaf(vm, tree, leaf));
        return VM_READY;
    }
    pk_ref scalar = kind == VM_IS_INSTANCE ? scalar_of(vm, pk_vm_layer_of(vm, *value)) : 0;
    if (build && (kind == VM_IS_LEAF || (scalar && has_number(vm, value->node)))) {
        const vm_node *node = &vm->nodes[value->node];
        if (node->state == VM_DONE) {
            *value = node->value;
            return VM_READY;
        }
        if (node->state == VM_BUSY && pk_vm_asked_for_zeros(vm, (uint32_t)value->node)) {
            *value = pk_value_undefined();
            return VM_READY;
        }
        vm_frame *frame = pk_vm_push(vm, VM_NODE, dst);
        if (frame)
            frame->node = (uint32_t)value->node;
        return VM_PUSHED;
    }
    return scalar ? pk_vm_push_expr(vm, scalar, *value, VM_NO_ITEM, dst) : VM_READY;
}

/* ---- fields ---------------------------------------------------------------------------------- */

static int param_read(pk_vm *vm, pk_value self, uint32_t slot, uint8_t dst, pk_value *ret_value)
{
    pk_ref layer = pk_vm_layer_of(vm, self);
    *ret_value = pk_value_undefined();
    if (slot >= pk_vm_layer(vm, layer)->n_slots)
        return VM_READY;
    pk_ref field = vm->slot_field[vm->slot_base[layer] + slot];
    if (!(vm->image->fields[field].flags & PK_FIELD_PARAM) || !vm->image->fields[field].init)
        return VM_READY;
    return pk_vm_push_expr(vm, vm->image->fields[field].init, self, VM_NO_ITEM, dst);
}

int pk_vm_slot_read(pk_vm *vm, pk_value self, uint32_t slot, uint8_t dst, pk_value *ret_value)
{
    *ret_value = pk_value_undefined();
    if (self.kind != PK_NODE || pk_vm_kind(vm, self) != VM_IS_INSTANCE)
        return VM_READY;
    if (pk_vm_on_build(vm, self))
        return pk_vm_build_slot(vm, (uint32_t)self.node, slot, dst, ret_value);
    const pk_tree *tree = tree_of(vm, self);
    pk_tree_node node = pk_tree_slot(tree, pk_tree_unpack(self.node), slot);
    if (pk_tree_none(node))
        return param_read(vm, self, slot, dst, ret_value);
    *ret_value = pk_trace_leaf(vm, self.tree, tree, node, read_leaf(vm, tree, node));
    ret_value->tree = ret_value->kind == PK_NODE ? self.tree : 0;
    return VM_READY;
}

bool pk_vm_has(const pk_vm *vm, pk_value self, uint32_t slot)
{
    if (self.kind != PK_NODE || pk_vm_kind(vm, self) != VM_IS_INSTANCE)
        return false;
    if (!pk_vm_on_build(vm, self))
        return !pk_tree_none(pk_tree_slot(tree_of(vm, self), pk_tree_unpack(self.node), slot));
    const vm_node *node = &vm->nodes[self.node];
    return slot < pk_vm_layer(vm, node->layer)->n_slots && vm->slots[node->slots + slot].given != 0;
}

/* ---- members --------------------------------------------------------------------------------- */

/* The instance of `layer` (or raw bytes, when that is what is asked for) stacked on `base`. */
static pk_value stacked(const pk_vm *vm, pk_value base, pk_ref name)
{
    pk_ref layer = pk_vm_layer_named(vm, name);
    bool root = pk_vm_kind(vm, base) == VM_IS_ROOT;
    if (!layer)
        return pk_value_undefined();
    pk_value at = root ? pk_vm_first(vm, base) : pk_vm_payload(vm, base);
    while (at.kind == PK_NODE) {
        bool instance = pk_vm_kind(vm, at) == VM_IS_INSTANCE;
        if (instance ? pk_vm_layer_of(vm, at) == layer : layer == vm->raw_layer)
            return at;
        at = instance ? pk_vm_payload(vm, at) : pk_value_undefined();
    }
    return pk_value_undefined();
}

/* `options_rest`, `options_cut`: the leftover of a window. */
static pk_value leftover(const pk_vm *vm, pk_value base, const pk_image_member *member)
{
    const char *name = pk_image_text(vm->image, member->name);
    size_t len = strlen(name);
    bool cut = len > 4 && strcmp(name + len - 4, "_cut") == 0;
    if (pk_vm_on_build(vm, base)) {
        uint32_t at = vm->nodes[base.node].leftover;
        for (; at; at = vm->nodes[at].next)
            if (vm->nodes[at].window == member->ref && (vm->nodes[at].role == VM_CUT) == cut)
                break;
        return build_node(at);
    }
    const pk_tree *tree = tree_of(vm, base);
    pk_tree_node at = pk_tree_first(tree, pk_tree_unpack(base.node));
    for (; !pk_tree_none(at); at = pk_tree_next(tree, at)) {
        pk_rec_kind kind = pk_tree_kind(tree, at);
        if (kind == (cut ? PK_REC_CUT : PK_REC_REST) && tree->recs[at.rec].id == member->ref)
            break;
    }
    return pk_vm_tree_node(base.tree, at);
}

static bool at_work_in(const pk_vm *vm, pk_value self)
{
    const vm_frame *frame = &vm->frames[vm->depth > 0 ? vm->depth - 1 : 0];
    return vm->depth > 0 && frame->kind == VM_EXPR && frame->self.kind == PK_NODE &&
           frame->self.tree == self.tree && frame->self.node == self.node;
}

/* What is computed in an instance sees the item at hand only if it is the instance at work. */
static int compute(pk_vm *vm, pk_ref expr, pk_value self, uint8_t dst)
{
    uint32_t item = at_work_in(vm, self) ? vm->frames[vm->depth - 1].item : VM_NO_ITEM;
    return pk_vm_push_expr(vm, expr, self, item, dst);
}

/* `value` inside a two-way scalar that is being built is what it was given: its `let value` reads
 * the fields that are computed from it. True when that is what is asked for. */
static bool asks_given(const pk_vm *vm, pk_value base, pk_ref name)
{
    return name == vm->value_name && pk_vm_on_build(vm, base) &&
           scalar_of(vm, pk_vm_layer_of(vm, base)) &&
           (has_number(vm, base.node) || at_work_in(vm, base));
}

static pk_value payload_case(const pk_vm *vm, pk_value base, pk_ref layer)
{
    pk_value payload = pk_vm_payload(vm, base);
    if (payload.kind == PK_NODE && pk_vm_kind(vm, payload) == VM_IS_INSTANCE &&
        pk_vm_layer_of(vm, payload) == layer)
        return payload;
    return pk_value_undefined();
}

static int instance_get(pk_vm *vm, pk_value base, pk_ref name, uint8_t dst, pk_value *ret_value)
{
    const pk_image_member *member = pk_image_member_find(vm->image, pk_vm_layer_of(vm, base), name);
    if (!member) {
        *ret_value = name == vm->payload_name ? pk_vm_payload(vm, base) : stacked(vm, base, name);
        return VM_READY;
    }
    if (asks_given(vm, base, name)) {
        *ret_value = has_number(vm, base.node) ? base : pk_value_undefined();
        return pk_vm_plain(vm, ret_value, dst);
    }
    switch ((pk_member_kind)member->kind) {
    case PK_MEMBER_FIELD:
        return pk_vm_slot_read(vm, base, member->ref, dst, ret_value);
    case PK_MEMBER_LET:
    case PK_MEMBER_DEF:
    case PK_MEMBER_PARAM:
        return member->ref ? compute(vm, member->ref, base, dst) : VM_READY;
    case PK_MEMBER_CASE:
        *ret_value = payload_case(vm, base, member->ref);
        return VM_READY;
    case PK_MEMBER_WINDOW:
        *ret_value = leftover(vm, base, member);
        return VM_READY;
    }
    return VM_READY;
}

/* Raw bytes answer to the fields of the layer `raw`. */
static pk_value raw_get(const pk_vm *vm, pk_value base, pk_ref name)
{
    if (vm->raw_layer && pk_image_member_find(vm->image, vm->raw_layer, name))
        return base;
    return pk_value_undefined();
}

int pk_vm_get(pk_vm *vm, pk_value base, pk_ref name, uint8_t dst, pk_value *ret_value)
{
    *ret_value = pk_value_undefined();
    if (base.kind == VM_MULTI)
        return pk_vm_push_map(vm, base, name, dst);
    if (base.kind != PK_NODE)
        return VM_READY;
    switch (pk_vm_kind(vm, base)) {
    case VM_IS_ROOT:
        *ret_value = stacked(vm, base, name);
        return VM_READY;
    case VM_IS_INSTANCE:
        return instance_get(vm, base, name, dst, ret_value);
    case VM_IS_LIST:
        return pk_vm_push_map(vm, base, name, dst);
    case VM_IS_LEAF:
        *ret_value = raw_get(vm, base, name);
        return VM_READY;
    }
    return VM_READY;
}

int pk_vm_method(pk_vm *vm, pk_value base, pk_ref name, const pk_value *args, unsigned n,
                 uint8_t dst, pk_value *ret_value)
{
    *ret_value = pk_value_undefined();
    if (base.kind != PK_NODE || pk_vm_kind(vm, base) != VM_IS_INSTANCE)
        return VM_READY;
    const pk_image_member *member = pk_image_member_find(vm->image, pk_vm_layer_of(vm, base), name);
    if (!member || (member->kind != PK_MEMBER_DEF && member->kind != PK_MEMBER_LET) || !member->ref)
        return VM_READY;
    compute(vm, member->ref, base, dst);
    if (!vm->failed) {
        vm->frames[vm->depth - 1].args = args;
        vm->frames[vm->depth - 1].n_args = n;
    }
    return VM_PUSHED;
}

/* ---- what lies below ------------------------------------------------------------------------- */

pk_value pk_vm_below(const pk_vm *vm, pk_value self, pk_ref name)
{
    pk_value at = pk_vm_owner(vm, self);
    while (at.kind == PK_NODE && !pk_image_member_find(vm->image, pk_vm_layer_of(vm, at), name))
        at = pk_vm_owner(vm, at);
    return at;
}

bool pk_vm_over(const pk_vm *vm, pk_value self, pk_ref layer)
{
    pk_value at = pk_vm_owner(vm, self);
    while (at.kind == PK_NODE && pk_vm_layer_of(vm, at) != layer)
        at = pk_vm_owner(vm, at);
    return at.kind == PK_NODE;
}

/* ---- parts of a tree's node ------------------------------------------------------------------ */

typedef struct extent {
    uint64_t off, end;
} extent;

static extent extent_of(const pk_vm *vm, const pk_tree *tree, pk_tree_node node)
{
    const pk_rec *rec = &tree->recs[node.rec];
    if (node.fixed) {
        pk_bit_run runs[PK_TREE_RUNS];
        unsigned n = pk_tree_runs(tree, node, runs);
        return (extent){runs[0].off, (uint64_t)runs[n - 1].off + runs[n - 1].bits};
    }
    bool open = rec->end == UINT32_MAX && vm->dissection.running && tree == vm->dissection.tree;
    uint64_t end = open ? vm->dissection.p : (uint64_t)rec->off + rec->bits;
    return (extent){rec->off, end > rec->off ? end : rec->off};
}

static extent payload_extent(const pk_vm *vm, const pk_tree *tree, pk_tree_node instance,
                             extent whole)
{
    extent part = {whole.end, whole.end};
    bool found = false;
    pk_tree_node at = pk_tree_payload(tree, instance);
    for (; !pk_tree_none(at); at = pk_tree_next(tree, at)) {
        if (!(tree->recs[at.rec].flags & PK_REC_PAYLOAD))
            continue;
        extent one = extent_of(vm, tree, at);
        if (!found)
            part.off = one.off;
        part.end = one.end;
        found = true;
    }
    return part;
}

/* Before the payload; without one, before the first field behind where it would be. */
static extent head_extent(const pk_vm *vm, const pk_tree *tree, pk_tree_node instance, extent whole)
{
    pk_tree_node at = pk_tree_first(tree, instance);
    for (; !pk_tree_none(at); at = pk_tree_next(tree, at)) {
        const pk_rec *rec = &tree->recs[at.rec];
        pk_ref field = pk_tree_field(tree, at);
        bool behind = !at.fixed && (rec->flags & PK_REC_PAYLOAD);
        if (field && (vm->field_facts[field] & VM_FIELD_BEHIND_PAY))
            behind = true;
        if (behind)
            return (extent){whole.off, extent_of(vm, tree, at).off};
    }
    return whole;
}

static extent span_extent(const pk_vm *vm, const pk_tree *tree, pk_tree_node instance,
                          uint32_t from, uint32_t to, extent whole)
{
    extent span = {whole.off, whole.off};
    bool found = false;
    for (uint32_t slot = from; slot <= to && slot < PK_IMAGE_SLOTS_LIMIT; slot++) {
        pk_tree_node node = pk_tree_slot(tree, instance, slot);
        if (pk_tree_none(node))
            continue;
        extent one = extent_of(vm, tree, node);
        if (!found || one.off < span.off)
            span.off = one.off;
        if (!found || one.end > span.end)
            span.end = one.end;
        found = true;
    }
    return span;
}

bool pk_vm_tree_part(const pk_vm *vm, pk_value node, pk_image_part part, uint32_t from, uint32_t to,
                     uint64_t *ret_off, uint64_t *ret_end)
{
    const pk_tree *tree = tree_of(vm, node);
    pk_tree_node at = pk_tree_unpack(node.node);
    extent whole = extent_of(vm, tree, at), result = whole;
    bool instance = !at.fixed && tree->recs[at.rec].kind == PK_REC_INSTANCE;
    if (!instance && part != PK_PART_THIS)
        return false;
    switch (part) {
    case PK_PART_THIS:
        break;
    case PK_PART_HEAD:
        result = head_extent(vm, tree, at, whole);
        break;
    case PK_PART_PAYLOAD:
        result = payload_extent(vm, tree, at, whole);
        break;
    case PK_PART_FIELD:
        result = span_extent(vm, tree, at, from, from, whole);
        break;
    case PK_PART_SPAN:
        result = span_extent(vm, tree, at, from, to, whole);
        break;
    }
    *ret_off = result.off;
    *ret_end = result.end;
    return result.end <= (uint64_t)tree->len * 8;
}

/* ---- their bytes ----------------------------------------------------------------------------- */

static bool touches_blank(const pk_vm *vm, uint64_t off, uint64_t end)
{
    for (unsigned i = 0; i < vm->n_blank; i++)
        if (vm->blank[i].off < end && vm->blank[i].off + (uint64_t)vm->blank[i].bits > off)
            return true;
    return false;
}

static void blank_bits(const pk_vm *vm, uint8_t *bytes, uint64_t off, uint64_t end)
{
    for (unsigned i = 0; i < vm->n_blank; i++) {
        uint64_t lo = vm->blank[i].off, hi = lo + vm->blank[i].bits;
        lo = lo < off ? off : lo;
        hi = hi > end ? end : hi;
        for (unsigned step; lo < hi; lo += step) {
            step = hi - lo < 64 ? (unsigned)(hi - lo) : 64;
            pk_bits_put(bytes, lo - off, step, 0);
        }
    }
}

pk_value pk_vm_tree_bytes(pk_vm *vm, pk_value node, uint64_t off, uint64_t end)
{
    const pk_tree *tree = tree_of(vm, node);
    uint32_t len = (uint32_t)((end - off + 7) / 8);
    if (vm->dissection.running || vm->inferring)
        pk_vm_note_bits(&vm->dissection.notes, tree, off, end - off);
    if (vm->trace && end > off) {
        pk_trace_break_on(vm, "the bytes of a part");
        return pk_value_undefined();
    }
    bool blank = vm->inferring && node.tree == 0 && touches_blank(vm, off, end);
    if (off % 8 == 0 && (end - off) % 8 == 0 && !blank)
        return pk_value_bytes(tree->bytes + off / 8, len);
    uint64_t cost = len / 8;
    vm->fuel = vm->fuel > cost ? vm->fuel - cost : 0;
    uint8_t *bytes = pk_vm_bytes_alloc(vm, len);
    if (!bytes)
        return pk_value_undefined();
    uint32_t whole = off % 8 ? 0 : (uint32_t)((end - off) / 8);
    memcpy(bytes, tree->bytes + off / 8, whole);
    for (uint32_t i = whole; i < len; i++) {
        uint64_t at = off + (uint64_t)i * 8;
        unsigned bits = end - at < 8 ? (unsigned)(end - at) : 8;
        bytes[i] = (uint8_t)(pk_bits_get(tree->bytes, at, bits) << (8 - bits));
    }
    if (blank)
        blank_bits(vm, bytes, off, end);
    return pk_value_bytes(bytes, len);
}
