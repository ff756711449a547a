/* Where the item at hand lies, and what is ahead of it. */
#include "internal.h"

/* Where the item at hand lies, counted from `self` (in bits); false when there is none. */
static bool bit_at_hand(const pk_vm *vm, pk_value self, uint64_t *ret_bits)
{
    if (self.kind != PK_NODE || self.tree != 0)
        return false;
    uint64_t start = vm->trees[0]->recs[pk_tree_unpack(self.node).rec].off;
    uint64_t at = vm->dissection.running ? vm->dissection.p : vm->at_bit;
    if (!vm->dissection.running && !vm->inferring)
        return false;
    *ret_bits = at >= start ? at - start : 0;
    return true;
}

static pk_value enclosing_layer(const pk_vm *vm, pk_value self)
{
    pk_value owner = self;
    while (owner.kind == PK_NODE &&
           pk_vm_layer(vm, pk_vm_layer_of(vm, owner))->kind != PK_LAYER_LAYER) {
        self = owner;
        owner = pk_vm_owner(vm, owner);
    }
    return owner.kind == PK_NODE ? owner : self;
}

int pk_vm_place(pk_vm *vm, const vm_frame *frame, const pk_insn *insn, pk_value *ret_value)
{
    *ret_value = pk_value_undefined();
    pk_value self = frame->self;
    if (self.kind != PK_NODE)
        return VM_READY;
    if (pk_vm_on_build(vm, self)) {
        if (frame->item == VM_NO_ITEM)
            return VM_READY;
        return insn->op == PK_OPC_HERE
                   ? pk_vm_push_here(vm, (uint32_t)self.node, frame->item, insn->a)
                   : pk_vm_push_pos(vm, (uint32_t)self.node, frame->item, insn->a);
    }
    uint64_t bits;
    if (insn->op == PK_OPC_POS)
        self = enclosing_layer(vm, self);
    if (bit_at_hand(vm, self, &bits))
        *ret_value = pk_value_int((int64_t)(bits / 8));
    return VM_READY;
}

pk_value pk_vm_window(pk_vm *vm, const pk_insn *insn)
{
    const vm_dissection *d = &vm->dissection;
    vm->looks += vm->building;
    if (vm->building || !d->running)
        return pk_value_undefined();
    if (insn->op == PK_OPC_REST) {
        pk_value rest = pk_value_int((int64_t)((d->e - d->p) / 8));
        rest.spare = 1; /* no number of its own: see dissect.c */
        return rest;
    }
    return insn->op == PK_OPC_SCAN ? pk_vm_scan(vm, insn->d) : pk_vm_peek(vm, insn->d);
}
