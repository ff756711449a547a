#include "internal.h"

#include <string.h>

vm_frame *pk_vm_push(pk_vm *vm, vm_frame_kind kind, uint8_t dst)
{
    if (vm->depth == PK_VM_FRAMES) {
        pk_vm_fail(vm, PK_ELIMIT, 0, "too many nested evaluations (limit %d)", PK_VM_FRAMES);
        return NULL;
    }
    uint32_t regs = 0;
    if (vm->depth > 0)
        regs = vm->frames[vm->depth - 1].regs + vm->frames[vm->depth - 1].n_regs;
    vm_frame *frame = &vm->frames[vm->depth++];
    *frame = (vm_frame){.kind = (uint8_t)kind, .dst = dst, .regs = regs, .item = VM_NO_ITEM};
    frame->taint = vm->passed_over;
    return frame;
}

int pk_vm_push_expr(pk_vm *vm, pk_ref expr, pk_value self, uint32_t item, uint8_t dst)
{
    vm_frame *frame = pk_vm_push(vm, VM_EXPR, dst);
    if (!frame)
        return VM_PUSHED;
    frame->expr = expr;
    frame->self = self;
    frame->item = item;
    frame->n_regs = vm->regs_of[expr] ? vm->regs_of[expr] : pk_vm_count_registers(vm, expr);
    memset(vm->regs + frame->regs, 0, frame->n_regs * sizeof *vm->regs);
    return VM_PUSHED;
}

void pk_vm_return(pk_vm *vm, pk_value value)
{
    vm_frame *frame = &vm->frames[--vm->depth];
    vm->result = value;
    if (vm->depth <= vm->base || frame->dst == VM_DISCARD)
        return;
    vm_frame *below = &vm->frames[vm->depth - 1];
    if (below->kind == VM_EXPR) {
        vm->regs[below->regs + frame->dst] = value;
    } else {
        below->held = value;
        below->got = true;
    }
}

static void step(pk_vm *vm, vm_frame *frame)
{
    switch ((vm_frame_kind)frame->kind) {
    case VM_EXPR:
        pk_vm_step_expr(vm, frame);
        return;
    case VM_FIND:
        pk_vm_step_find(vm, frame);
        return;
    case VM_MAP:
        pk_vm_step_map(vm, frame);
        return;
    case VM_FORMAL:
        pk_vm_step_formal(vm, frame);
        return;
    case VM_SLOT:
        pk_vm_step_slot(vm, frame);
        return;
    case VM_NODE:
        pk_vm_step_node(vm, frame);
        return;
    case VM_WALK:
        pk_vm_step_walk(vm, frame);
        return;
    case VM_SIZE:
        pk_vm_step_size(vm, frame);
        return;
    case VM_RESOLVE:
        pk_vm_step_resolve(vm, frame);
        return;
    case VM_BYTES:
        pk_vm_step_bytes(vm, frame);
        return;
    case VM_POS:
        pk_vm_step_pos(vm, frame);
        return;
    }
}

static bool spend(pk_vm *vm)
{
    if (vm->fuel == 0) {
        pk_vm_fail(vm, PK_ELIMIT, 0, "too many steps for one packet");
        return false;
    }
    vm->fuel--;
    return true;
}

/* A machine that failed leaves its frames where they are for the message about a cycle; they are
 * dropped here. */
int pk_vm_run_frame(pk_vm *vm)
{
    uint32_t outer = vm->base;
    if (vm->failed)
        return vm->error.code;
    vm->base = vm->depth - 1;
    while (vm->depth > vm->base && !vm->failed && spend(vm))
        step(vm, &vm->frames[vm->depth - 1]);
    vm->depth = vm->base;
    vm->base = outer;
    return vm->failed ? vm->error.code : PK_OK;
}

/* Reads what came back as an integer or bytes where it is a leaf or a two-way scalar. */
static pk_value settle(pk_vm *vm, pk_value value)
{
    while (!vm->failed && pk_vm_plain(vm, &value, 0) == VM_PUSHED) {
        if (pk_vm_run_frame(vm) != PK_OK)
            return pk_value_undefined();
        value = vm->result;
    }
    return value;
}

pk_value pk_vm_evaluate(pk_vm *vm, pk_ref expr, pk_value self, uint32_t item, const pk_value *args,
                        uint32_t n_args)
{
    if (expr == 0 || vm->failed)
        return pk_value_undefined();
    pk_vm_push_expr(vm, expr, self, item, 0);
    if (vm->failed)
        return pk_value_undefined();
    vm->frames[vm->depth - 1].args = args;
    vm->frames[vm->depth - 1].n_args = n_args;
    if (pk_vm_run_frame(vm) != PK_OK)
        return pk_value_undefined();
    return settle(vm, vm->result);
}
