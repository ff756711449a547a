/*
 * Expressions over a tree that need no frames: integers read from fields, counted with and compared.
 * They are most of what dissecting asks (header lengths, windows, keys, conditions). Whatever else
 * turns up, an address, a list, a default, a function, is left to the general machine from the
 * start: nothing that was done until then has left a trace. What is spent is the same either way.
 */
#include "internal.h"

enum { QUICK_REGS = 8 };

typedef struct quick {
    pk_vm *vm;
    const pk_tree *tree;
    pk_value self;
    const pk_value *args;
    uint32_t n_args;
    uint64_t spent;
    pk_value regs[QUICK_REGS];
} quick;

/* ---- fields ---------------------------------------------------------------------------------- */

static bool is_plain_unsigned(const pk_image_field *field)
{
    return field->type == PK_TYPE_UINT && field->bits > 0 && field->bits <= 64 &&
           !(field->flags & PK_FIELD_LE) &&
           !(field->group_bits && (field->flags & PK_FIELD_GROUP_LE));
}

/* Slots are numbered in the order of their first fields: among fixed fields, slot = place. */
static bool fixed_slot(const pk_tree *tree, const pk_rec *rec, uint32_t slot, pk_value *ret_value)
{
    const pk_image_layer *layer = &tree->image->layers[rec->id];
    const pk_image_field *field = &tree->image->fields[layer->fields + slot];
    if (!(rec->flags & PK_REC_FIXED) || slot >= layer->fixed_fields || field->slot != slot ||
        !is_plain_unsigned(field))
        return false;
    uint64_t off = (uint64_t)rec->off + field->fixed_off;
    if (field->group_bits)
        off += (uint64_t)field->group_bits - field->group_shift - field->bits;
    if (off + field->bits > (uint64_t)tree->len * 8)
        return false;
    *ret_value = pk_value_int((int64_t)pk_bits_get(tree->bytes, off, field->bits));
    return true;
}

/* A parameter of the layer has its default, which is mostly a constant; a field has nothing. The
 * general machine pushes a frame for a default and comes back to the one that asked. */
static bool absent(quick *q, pk_ref layer, uint32_t slot, pk_value *ret_value)
{
    const pk_image *image = q->vm->image;
    *ret_value = pk_value_undefined();
    if (slot >= image->layers[layer].n_slots)
        return false;
    const pk_image_field *field = &image->fields[q->vm->slot_field[q->vm->slot_base[layer] + slot]];
    if (!(field->flags & PK_FIELD_PARAM) || !field->init)
        return true;
    const pk_insn *code = image->code + image->exprs[field->init].start;
    if (image->exprs[field->init].count != 2 || code[0].op != PK_OPC_INT || code[0].a != code[1].a)
        return false;
    *ret_value = pk_value_int((int64_t)code[0].e);
    q->spent += 4;
    return true;
}

/* The integer in a slot of `rec`, undefined where nothing stands; false for any other value, and
 * for a parameter's default. */
static bool slot_of(quick *q, uint32_t rec, uint32_t slot, pk_value *ret_value)
{
    const pk_tree *tree = q->tree;
    const pk_rec *at = &tree->recs[rec];
    if (at->kind != PK_REC_INSTANCE)
        return false;
    if (fixed_slot(tree, at, slot, ret_value))
        return true;
    pk_tree_node node = pk_tree_slot(tree, (pk_tree_node){rec, 0}, slot);
    if (!pk_tree_none(node)) {
        *ret_value = pk_tree_value(tree, node);
        return ret_value->kind <= PK_INT;
    }
    return absent(q, at->id, slot, ret_value);
}

static bool member_of(quick *q, pk_value base, pk_ref name, pk_value *ret_value)
{
    pk_tree_node node = pk_tree_unpack(base.node);
    if (base.kind != PK_NODE || base.tree || node.fixed ||
        q->tree->recs[node.rec].kind != PK_REC_INSTANCE)
        return false;
    const pk_image_member *member =
        pk_image_member_find(q->vm->image, q->tree->recs[node.rec].id, name);
    return member && member->kind == PK_MEMBER_FIELD &&
           slot_of(q, node.rec, member->ref, ret_value);
}

/* ---- the bytes around ------------------------------------------------------------------------ */

static bool here(const quick *q, pk_value *ret_value)
{
    const vm_dissection *d = &q->vm->dissection;
    uint64_t start = q->tree->recs[pk_tree_unpack(q->self.node).rec].off;
    if (!d->running)
        return false;
    *ret_value = pk_value_int((int64_t)((d->p >= start ? d->p - start : 0) / 8));
    return true;
}

static bool rest(const quick *q, pk_value *ret_value)
{
    const vm_dissection *d = &q->vm->dissection;
    if (!d->running)
        return false;
    *ret_value = pk_value_int((int64_t)((d->e - d->p) / 8));
    ret_value->spare = 1; /* no number of its own: see dissect.c */
    return true;
}

static bool peek(const quick *q, uint32_t bits, pk_value *ret_value)
{
    const vm_dissection *d = &q->vm->dissection;
    if (!d->running)
        return false;
    *ret_value = pk_value_undefined();
    if (bits <= 64 && bits <= d->e - d->p)
        *ret_value = pk_value_int((int64_t)pk_bits_get(d->tree->bytes, d->p, bits));
    return true;
}

/* ---- operations on two integers -------------------------------------------------------------- */

static pk_value operation(pk_op op, uint64_t a, uint64_t b)
{
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
        return pk_value_int((int64_t)a < (int64_t)b);
    case PK_OPC_LE:
        return pk_value_int((int64_t)a <= (int64_t)b);
    case PK_OPC_LTU:
        return pk_value_int(a < b);
    case PK_OPC_LEU:
        return pk_value_int(a <= b);
    default:
        return pk_value_undefined();
    }
}

/* SIZE of a node on the tree; its own fields are looked for as they are on the wire. */
static bool size_of(const quick *q, const pk_insn *insn, pk_value *ret_value)
{
    pk_value node = q->regs[insn->b];
    uint64_t off, end;
    if (node.kind != PK_NODE || node.tree)
        return false;
    *ret_value = pk_value_undefined();
    if (pk_vm_tree_part(q->vm, node, (pk_image_part)insn->c, insn->d, (uint32_t)insn->e, &off,
                        &end))
        *ret_value = pk_value_int((int64_t)((end - off) / 8));
    return true;
}

static bool binary(quick *q, const pk_insn *insn)
{
    if (insn->op < PK_OPC_ADD || insn->op > PK_OPC_LEU || insn->op == PK_OPC_NEG ||
        insn->op == PK_OPC_INVERT || insn->b >= QUICK_REGS || insn->c >= QUICK_REGS)
        return false;
    const pk_value *a = &q->regs[insn->b], *b = &q->regs[insn->c];
    if (a->kind != PK_INT || b->kind != PK_INT)
        return false;
    if (insn->op == PK_OPC_DIV || insn->op == PK_OPC_MOD) {
        q->regs[insn->a] = pk_vm_arithmetic(q->vm, (pk_op)insn->op, *a, *b);
        return true;
    }
    q->regs[insn->a] = operation((pk_op)insn->op, (uint64_t)a->number, (uint64_t)b->number);
    return true;
}

/* ---- the loop -------------------------------------------------------------------------------- */

static bool truth_of(const quick *q, uint8_t reg, bool *ret_holds)
{
    if (q->regs[reg].kind > PK_INT)
        return false;
    *ret_holds = q->regs[reg].kind == PK_INT && q->regs[reg].number != 0;
    return true;
}

/* One instruction that is not the last; moves *pc when it jumps. */
static bool step(quick *q, const pk_insn *insn, uint32_t *pc)
{
    bool holds;
    pk_value *to = &q->regs[insn->a];
    switch ((pk_op)insn->op) {
    case PK_OPC_INT:
        *to = pk_value_int((int64_t)insn->e);
        return true;
    case PK_OPC_MOVE:
        *to = q->regs[insn->b];
        return true;
    case PK_OPC_ARG:
        if (insn->d >= q->n_args)
            return false;
        *to = q->args[insn->d];
        return to->kind == PK_NODE || to->kind == PK_INT;
    case PK_OPC_SLOT:
        return slot_of(q, pk_tree_unpack(q->self.node).rec, insn->d, to);
    case PK_OPC_SELF:
        *to = q->self;
        return true;
    case PK_OPC_SIZE:
        return size_of(q, insn, to);
    case PK_OPC_HAS:
        *to = pk_value_int(pk_vm_has(q->vm, q->self, insn->d));
        return true;
    case PK_OPC_GET:
        return member_of(q, q->regs[insn->b], insn->d, to);
    case PK_OPC_HERE:
        return here(q, to);
    case PK_OPC_REST:
        return rest(q, to);
    case PK_OPC_PEEK:
        return peek(q, insn->d, to);
    case PK_OPC_NOT:
    case PK_OPC_TRUTH:
        if (!truth_of(q, insn->b, &holds))
            return false;
        *to = pk_value_int(holds == (insn->op == PK_OPC_TRUTH));
        return true;
    case PK_OPC_JUMPF:
    case PK_OPC_JUMPT:
        if (!truth_of(q, insn->a, &holds))
            return false;
        if (holds == (insn->op == PK_OPC_JUMPT))
            *pc = insn->d - 1;
        return true;
    case PK_OPC_JUMPD:
        if (to->kind != PK_UNDEFINED)
            *pc = insn->d - 1;
        return true;
    case PK_OPC_JUMP:
        *pc = insn->d - 1;
        return true;
    case PK_OPC_NEG:
        *to = pk_value_int((int64_t)(0 - (uint64_t)q->regs[insn->b].number));
        return q->regs[insn->b].kind == PK_INT;
    default:
        return binary(q, insn) && to->kind <= PK_INT;
    }
}

bool pk_vm_quick(pk_vm *vm, pk_ref expr, pk_value self, const pk_value *args, uint32_t n_args,
                 pk_value *ret_value)
{
    const pk_image_expr *at = &vm->image->exprs[expr];
    const pk_insn *code = vm->image->code + at->start;
    if (expr == 0 || vm->building || vm->trace || vm->failed || self.kind != PK_NODE || self.tree)
        return false;
    unsigned n_regs = vm->regs_of[expr];
    if (n_regs > QUICK_REGS)
        return false;
    quick q;
    q.vm = vm;
    q.tree = vm->trees[0];
    q.self = self;
    q.args = args;
    q.n_args = n_args;
    for (unsigned i = 0; i < n_regs; i++)
        q.regs[i] = pk_value_undefined();
    q.spent = 1; /* the frame */
    for (uint32_t pc = 0; pc < at->count; pc++) {
        const pk_insn *insn = &code[pc];
        q.spent++;
        if (insn->op == PK_OPC_RET) {
            if (q.regs[insn->a].kind > PK_INT || q.spent > vm->fuel)
                return false;
            vm->fuel -= q.spent;
            *ret_value = q.regs[insn->a];
            return true;
        }
        if (!step(&q, insn, &pc))
            return false;
    }
    return false;
}
