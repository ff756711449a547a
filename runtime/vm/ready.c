#include "ready.h"

typedef struct run {
    pk_vm *vm;
    const pk_tree *tree;
    uint32_t rec; /* the instance */
    const pk_value *args;
    uint32_t n_args;
    uint64_t undefined; /* registers */
} run;

static inline void set(run *r, int64_t *regs, unsigned reg, pk_value value)
{
    regs[reg] = value.number;
    r->undefined &= ~(UINT64_C(1) << reg);
    if (value.kind != PK_INT) {
        regs[reg] = 0;
        r->undefined |= UINT64_C(1) << reg;
    }
}

/* Reads and notes. */
static int64_t load(const run *r, uint64_t off, unsigned bits)
{
    uint64_t value = pk_vm_load(r->tree, off, bits);
    pk_vm_note(&r->vm->dissection.notes, off, bits, value);
    return (int64_t)value;
}

/* ---- fields ---------------------------------------------------------------------------------- */

/* The integer in a slot of `rec`, undefined where nothing stands; false for any other value. */
static bool slot_of(const run *r, uint32_t rec, uint32_t slot, pk_value *ret_value)
{
    pk_tree_node node = pk_tree_slot(r->tree, (pk_tree_node){rec, 0}, slot);
    *ret_value = pk_tree_none(node) ? pk_value_undefined() : pk_tree_value(r->tree, node);
    if (ret_value->kind == PK_INT)
        pk_vm_note_leaf(&r->vm->dissection.notes, r->tree, node);
    return ret_value->kind <= PK_INT;
}

static bool node_of(const run *r, unsigned which, pk_value *ret_node)
{
    *ret_node = pk_vm_node_value(0, pk_tree_pack((pk_tree_node){r->rec, 0}));
    if (which == VM_READY_SELF)
        return true;
    if (which >= r->n_args)
        return false;
    *ret_node = r->args[which];
    return ret_node->kind == PK_NODE && !ret_node->tree;
}

/* A parameter of a struct has a default, which the general machine sees to. */
static bool is_param(const run *r, pk_ref layer, uint32_t slot)
{
    const pk_image *image = r->vm->image;
    return slot >= image->layers[layer].n_slots ||
           (image->fields[r->vm->slot_field[r->vm->slot_base[layer] + slot]].flags &
            PK_FIELD_PARAM);
}

static bool find_member(const run *r, vm_step *step, uint32_t rec, pk_value *ret_value)
{
    const pk_rec *at = &r->tree->recs[rec];
    const pk_image_member *member = pk_image_member_find(r->vm->image, at->id, step->at);
    uint32_t off;
    if (!member || member->kind != PK_MEMBER_FIELD || is_param(r, at->id, member->ref))
        return false;
    const pk_image_field *field = pk_vm_fixed_integer(r->vm->image, at->id, member->ref, &off);
    if (field) {
        step->found.layer = at->id;
        step->found.off = off;
        step->bits = field->bits;
    }
    return slot_of(r, rec, member->ref, ret_value);
}

static bool member_of(run *r, vm_step *step, int64_t *regs)
{
    pk_value node, value;
    if (!node_of(r, step->b, &node))
        return false;
    pk_tree_node at = pk_tree_unpack(node.node);
    const pk_rec *rec = &r->tree->recs[at.rec];
    if (at.fixed || rec->kind != PK_REC_INSTANCE)
        return false;
    if (step->found.layer == rec->id && (rec->flags & PK_REC_FIXED))
        value = pk_value_int(load(r, rec->off + step->found.off, step->bits));
    else if (!find_member(r, step, at.rec, &value))
        return false;
    set(r, regs, step->a, value);
    return true;
}

/* ---- the bytes around ------------------------------------------------------------------------ */

static bool size_of(run *r, const vm_step *step, int64_t *regs)
{
    pk_value node, value = pk_value_undefined();
    uint64_t off, end;
    if (!node_of(r, step->b, &node))
        return false;
    if (pk_vm_tree_part(r->vm, node, (pk_image_part)step->c, step->at, (uint32_t)step->number, &off,
                        &end))
        value = pk_value_int((int64_t)((end - off) / 8));
    set(r, regs, step->a, value);
    return true;
}

/* Where the item at hand lies, counted from the instance. */
static int64_t here(const run *r)
{
    const vm_dissection *d = &r->vm->dissection;
    uint64_t start = r->tree->recs[r->rec].off;
    return (int64_t)((d->p >= start ? d->p - start : 0) / 8);
}

static bool slot(run *r, const vm_step *step, int64_t *regs)
{
    pk_value value;
    if (!slot_of(r, r->rec, step->at, &value))
        return false;
    set(r, regs, step->a, value);
    return true;
}

static inline void move(run *r, const vm_step *step, int64_t *regs)
{
    set(r, regs, step->a,
        r->undefined >> step->b & 1 ? pk_value_undefined() : pk_value_int(regs[step->b]));
}

/* ---- operations on two integers -------------------------------------------------------------- */

pk_value pk_vm_operation(pk_vm *vm, pk_op op, int64_t left, int64_t right)
{
    uint64_t a = (uint64_t)left, b = (uint64_t)right;
    switch (op) {
    case PK_OPC_ADD:
        return pk_value_int((int64_t)(a + b));
    case PK_OPC_SUBTRACT:
        return pk_value_int((int64_t)(a - b));
    case PK_OPC_MUL:
        return pk_value_int((int64_t)(a * b));
    case PK_OPC_AND:
        return pk_value_int((int64_t)(a & b));
    case PK_OPC_OR:
        return pk_value_int((int64_t)(a | b));
    case PK_OPC_XOR:
        return pk_value_int((int64_t)(a ^ b));
    case PK_OPC_SHL:
        return pk_value_int(b < 64 ? (int64_t)(a << b) : 0);
    case PK_OPC_SHR:
        return pk_value_int(b < 64 ? (int64_t)(a >> b) : 0);
    case PK_OPC_EQ:
        return pk_value_int(a == b);
    case PK_OPC_LT:
        return pk_value_int(left < right);
    case PK_OPC_LE:
        return pk_value_int(left <= right);
    case PK_OPC_LTU:
        return pk_value_int(a < b);
    case PK_OPC_LEU:
        return pk_value_int(a <= b);
    case PK_OPC_DIV:
    case PK_OPC_MOD:
        return pk_vm_arithmetic(vm, op, pk_value_int(left), pk_value_int(right));
    default:
        return pk_value_undefined();
    }
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* One step that asks the tree; false: the general machine's. */
static bool ask(run *r, vm_step *step, int64_t *regs)
{
    switch ((vm_step_op)step->op) {
    case VM_DO_SLOT:
        return slot(r, step, regs);
    case VM_DO_MEMBER:
        return member_of(r, step, regs);
    case VM_DO_SIZE:
        return size_of(r, step, regs);
    case VM_DO_PEEK:
        set(r, regs, step->a, pk_vm_peek(r->vm, step->bits));
        return true;
    case VM_DO_UNDEFINED:
        set(r, regs, step->a, pk_value_undefined());
        return true;
    case VM_DO_OTHER:
        set(r, regs, step->a,
            pk_vm_operation(r->vm, (pk_op)step->at, regs[step->b], regs[step->c]));
        return true;
    default:
        return false;
    }
}

/* Runs to the end; 0 when it is the general machine's, else what was spent. */
static uint64_t go(run *r, const vm_ready *ready, pk_value *ret_value)
{
    int64_t *regs = ready->regs;
    const vm_dissection *d = &r->vm->dissection;
    const uint64_t base = r->tree->recs[r->rec].off;
    uint64_t spent = 1; /* the frame */
    for (vm_step *step = ready->steps;; step++) {
        spent += step->cost;
        switch ((vm_step_op)step->op) {
        case VM_DO_LOAD:
            regs[step->a] = load(r, base + step->at, step->bits);
            break;
        case VM_DO_MOVE:
            move(r, step, regs);
            break;
        case VM_DO_HAS:
            regs[step->a] =
                !pk_tree_none(pk_tree_slot(r->tree, (pk_tree_node){r->rec, 0}, step->at));
            break;
        case VM_DO_HERE:
            regs[step->a] = here(r);
            break;
        case VM_DO_REST:
            regs[step->a] = (int64_t)((d->e - d->p) / 8);
            break;
        case VM_DO_ADD:
            regs[step->a] = (int64_t)((uint64_t)regs[step->b] + (uint64_t)regs[step->c]);
            break;
        case VM_DO_SUBTRACT:
            regs[step->a] = (int64_t)((uint64_t)regs[step->b] - (uint64_t)regs[step->c]);
            break;
        case VM_DO_MUL:
            regs[step->a] = (int64_t)((uint64_t)regs[step->b] * (uint64_t)regs[step->c]);
            break;
        case VM_DO_AND:
            regs[step->a] = regs[step->b] & regs[step->c];
            break;
        case VM_DO_EQ:
            regs[step->a] = regs[step->b] == regs[step->c];
            break;
        case VM_DO_LT:
            regs[step->a] = regs[step->b] < regs[step->c];
            break;
        case VM_DO_LTU:
            regs[step->a] = (uint64_t)regs[step->b] < (uint64_t)regs[step->c];
            break;
        case VM_DO_LEU:
            regs[step->a] = (uint64_t)regs[step->b] <= (uint64_t)regs[step->c];
            break;
        case VM_DO_NOT:
            regs[step->a] = !regs[step->b];
            break;
        case VM_DO_TRUTH:
            regs[step->a] = regs[step->b] != 0;
            break;
        case VM_DO_NEG:
            regs[step->a] = (int64_t)(0 - (uint64_t)regs[step->b]);
            break;
        case VM_DO_JUMPF:
            if (!regs[step->a])
                step = ready->steps + step->at - 1;
            break;
        case VM_DO_JUMPT:
            if (regs[step->a])
                step = ready->steps + step->at - 1;
            break;
        case VM_DO_JUMPD:
            if (!(r->undefined >> step->a & 1))
                step = ready->steps + step->at - 1;
            break;
        case VM_DO_JUMP:
            step = ready->steps + step->at - 1;
            break;
        case VM_DO_DEFINED:
            if (r->undefined >> step->a & 1)
                return 0;
            break;
        case VM_DO_CLEAR:
            r->undefined &= ~(UINT64_C(1) << step->a);
            break;
        case VM_DO_RETURN:
            *ret_value =
                r->undefined >> step->a & 1 ? pk_value_undefined() : pk_value_int(regs[step->a]);
            ret_value->spare = ret_value->kind == PK_INT ? step->bits : 0;
            return spent;
        default:
            if (!ask(r, step, regs))
                return 0;
        }
    }
}

vm_step_op pk_vm_ready_test(const pk_vm *vm, pk_ref expr, uint64_t *ret_with)
{
    const vm_ready *ready = vm->ready[expr];
    const vm_step *step = ready ? ready->steps : NULL;
    if (!step || step[0].op != VM_DO_LOAD)
        return VM_DO_UNDEFINED;
    if (step[1].op == VM_DO_RETURN && step[1].a == step[0].a)
        return VM_DO_RETURN;
    bool compares = step[1].op >= VM_DO_EQ && step[1].op <= VM_DO_LEU;
    if (!ret_with || !compares || step[1].b != step[0].a || step[1].c < VM_READY_REGS ||
        step[2].op != VM_DO_RETURN || step[2].a != step[1].a)
        return VM_DO_UNDEFINED;
    *ret_with = (uint64_t)ready->regs[step[1].c];
    return (vm_step_op)step[1].op;
}

bool pk_vm_ready(pk_vm *vm, pk_ref expr, uint32_t rec, const pk_value *args, uint32_t n_args,
                 pk_value *ret_value)
{
    vm_ready *ready = vm->ready[expr];
    if (!ready && !(ready = pk_vm_ready_make(vm, expr)))
        return false;
    const pk_rec *at = &vm->trees[0]->recs[rec];
    if (!ready->steps || vm->failed || vm->trace || vm->thorough ||
        (ready->layer && ready->layer != at->id) || (ready->fixed && !(at->flags & PK_REC_FIXED)) ||
        (ready->wire && !vm->dissection.running))
        return false;
    run r = {vm, vm->trees[0], rec, args, n_args, 0};
    uint64_t spent = go(&r, ready, ret_value);
    if (spent == 0 || spent > vm->fuel)
        return false;
    vm->fuel -= spent;
    return true;
}
