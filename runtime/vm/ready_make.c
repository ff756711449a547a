#include "ready.h"

#include <string.h>

/* What is known of a register where the translation stands. */
typedef enum kind {
    NOTHING, /* nobody wrote it */
    NUMBER,
    PERHAPS, /* a number, or undefined */
    CONSTANT,
    SELF,
    ARGUMENT
} kind;
typedef struct known {
    uint8_t kind;
    uint8_t which; /* ARGUMENT: its number */
    bool rest;     /* it is `rest` itself */
    int64_t number;
} known;

typedef struct maker {
    pk_vm *vm;
    const pk_image_expr *expr;
    const pk_insn *code;
    vm_ready ready;
    vm_step steps[4 * VM_READY_CODE];
    uint32_t n_steps;
    known regs[VM_READY_REGS];
    uint16_t cost;    /* of instructions that no step stands for yet */
    bool reachable;   /* the instruction at hand, from the one before it */
    uint16_t perhaps; /* registers that may have been undefined: all jumps go forward */
    uint32_t place[VM_READY_CODE]; /* the step of an instruction */
    bool target[VM_READY_CODE], met[VM_READY_CODE];
    known states[VM_READY_CODE][VM_READY_REGS]; /* at a target, from the jumps met so far */
    int64_t numbers[VM_READY_NUMBERS];
    unsigned n_numbers; /* registers in use */
    bool failed;
} maker;

/* ---- steps ----------------------------------------------------------------------------------- */

static vm_step *add(maker *m, vm_step_op op, unsigned a, unsigned b, unsigned c)
{
    if (m->n_steps + 1 >= 4 * VM_READY_CODE) {
        m->failed = true;
        return &m->steps[0];
    }
    vm_step *step = &m->steps[m->n_steps++];
    *step = (vm_step){
        .op = (uint8_t)op, .a = (uint8_t)a, .b = (uint8_t)b, .c = (uint8_t)c, .cost = m->cost};
    m->cost = 0;
    return step;
}

/* The register that holds a constant. */
static unsigned constant(maker *m, int64_t number)
{
    for (unsigned i = VM_READY_REGS; i < m->n_numbers; i++)
        if (m->numbers[i] == number)
            return i;
    if (m->n_numbers == VM_READY_NUMBERS) {
        m->failed = true;
        return 0;
    }
    m->numbers[m->n_numbers] = number;
    return m->n_numbers++;
}

static void becomes(maker *m, unsigned reg, kind what)
{
    m->regs[reg] = (known){.kind = (uint8_t)what};
    if (what == PERHAPS)
        m->perhaps |= (uint16_t)(1U << reg);
    else if (m->perhaps >> reg & 1)
        (void)add(m, VM_DO_CLEAR, reg, 0, 0);
}

/* The register to read a number from. */
static unsigned number_in(maker *m, unsigned reg)
{
    const known *at = &m->regs[reg];
    if (at->kind == CONSTANT)
        return constant(m, at->number);
    if (at->kind == PERHAPS)
        (void)add(m, VM_DO_DEFINED, reg, 0, 0);
    else if (at->kind != NUMBER)
        m->failed = true;
    return reg;
}

/* The same where undefined is an answer too. */
static unsigned value_in(maker *m, unsigned reg)
{
    return m->regs[reg].kind == PERHAPS ? reg : number_in(m, reg);
}

/* ---- where paths meet ------------------------------------------------------------------------ */

static bool reads(const pk_insn *insn, unsigned reg)
{
    switch ((pk_op)insn->op) {
    case PK_OPC_RET:
    case PK_OPC_JUMPF:
    case PK_OPC_JUMPT:
    case PK_OPC_JUMPD:
        return insn->a == reg;
    case PK_OPC_INT:
    case PK_OPC_SLOT:
    case PK_OPC_JUMP:
        return false;
    default:
        return insn->b == reg || insn->c == reg;
    }
}

static bool read_from(const maker *m, uint32_t pc, unsigned reg)
{
    for (; pc < m->expr->count; pc++)
        if (reads(&m->code[pc], reg))
            return true;
    return false;
}

/* Constants that somebody may read behind the place where paths meet stand in their registers. */
static void settle(maker *m, uint32_t to)
{
    for (unsigned i = 0; i < VM_READY_REGS; i++) {
        known *at = &m->regs[i];
        if (at->kind != CONSTANT || !read_from(m, to, i))
            continue;
        unsigned from = constant(m, at->number);
        (void)add(m, VM_DO_MOVE, i, from, 0);
        *at = (known){.kind = NUMBER};
    }
}

static known both(known a, known b)
{
    bool numbers = (a.kind == NUMBER || a.kind == PERHAPS) &&
                   (b.kind == NUMBER || b.kind == PERHAPS) && a.rest == b.rest;
    if (numbers)
        return (known){.kind = a.kind == b.kind ? a.kind : PERHAPS, .rest = a.rest};
    bool same = a.kind == b.kind && a.which == b.which && a.rest == b.rest && a.kind != CONSTANT;
    return same ? a : (known){.kind = NOTHING};
}

static void arrive(maker *m, uint32_t at)
{
    for (unsigned i = 0; i < VM_READY_REGS; i++)
        m->states[at][i] = m->met[at] ? both(m->states[at][i], m->regs[i]) : m->regs[i];
    m->met[at] = true;
}

/* From here on nothing but the end, perhaps behind moves of what is returned. */
static bool ends(const maker *m, uint32_t pc, uint8_t *ret_reg, uint16_t *ret_cost)
{
    const pk_insn *insn = &m->code[pc];
    *ret_cost = 1;
    if (insn->op == PK_OPC_MOVE && insn[1].op == PK_OPC_RET && insn[1].a == insn->a &&
        insn->b < VM_READY_REGS) {
        *ret_cost = 2;
        *ret_reg = insn->b;
        return true;
    }
    *ret_reg = insn->a;
    return insn->op == PK_OPC_RET;
}

static void make_return(maker *m, unsigned reg)
{
    unsigned from = value_in(m, reg);
    add(m, VM_DO_RETURN, from, 0, 0)->bits = m->regs[reg].rest;
    m->reachable = false;
}

/* The instruction at `pc` is jumped to. */
static void meet(maker *m, uint32_t pc)
{
    uint8_t reg;
    uint16_t cost;
    if (m->reachable && ends(m, pc, &reg, &cost)) { /* each path returns its own */
        m->cost = (uint16_t)(m->cost + cost);
        make_return(m, reg);
    } else if (m->reachable) {
        settle(m, pc);
        if (m->cost) /* what came before must be paid for on this path alone */
            add(m, VM_DO_JUMP, 0, 0, 0)->at = pc;
        arrive(m, pc);
    }
    m->reachable = m->met[pc];
    memcpy(m->regs, m->states[pc], sizeof m->regs);
}

/* ---- instructions ---------------------------------------------------------------------------- */

const pk_image_field *pk_vm_fixed_integer(const pk_image *image, pk_ref layer, uint32_t slot,
                                          uint32_t *ret_off)
{
    const pk_image_layer *at = &image->layers[layer];
    const pk_image_field *field = &image->fields[at->fields + slot];
    if (slot >= at->fixed_fields || field->slot != slot || field->type != PK_TYPE_UINT ||
        field->bits == 0 || field->bits > 64 || (field->flags & PK_FIELD_LE) ||
        (field->group_bits && (field->flags & PK_FIELD_GROUP_LE)))
        return NULL;
    *ret_off = field->fixed_off;
    if (field->group_bits) /* fixed_off is where the group starts */
        *ret_off += (uint32_t)(field->group_bits - field->group_shift - field->bits);
    return field;
}

/* A parameter of the layer has its default; the general machine pushes a frame for it and comes
 * back to the one that asked. */
static void make_param(maker *m, unsigned reg, const pk_image_field *field)
{
    const pk_image *image = m->vm->image;
    const pk_image_expr *init = &image->exprs[field->init];
    const pk_insn *code = image->code + init->start;
    if (!field->init) {
        becomes(m, reg, PERHAPS);
        (void)add(m, VM_DO_UNDEFINED, reg, 0, 0);
    } else if (init->count == 2 && code[0].op == PK_OPC_INT && code[0].a == code[1].a) {
        m->regs[reg] = (known){.kind = CONSTANT, .number = (int64_t)code[0].e};
        m->cost = (uint16_t)(m->cost + 4);
    } else {
        m->failed = true;
    }
}

/* Slots are numbered in the order of their first fields: among fixed fields, slot = place. */
static void make_slot(maker *m, const pk_insn *insn)
{
    const pk_image *image = m->vm->image;
    pk_ref layer = m->expr->layer;
    uint32_t off;
    if (!layer || insn->d >= image->layers[layer].n_slots) {
        m->failed = true;
        return;
    }
    pk_ref first = m->vm->slot_field[m->vm->slot_base[layer] + insn->d];
    const pk_image_field *field = pk_vm_fixed_integer(image, layer, insn->d, &off);
    m->ready.layer = layer;
    if (field) {
        vm_step *step = add(m, VM_DO_LOAD, insn->a, 0, 0);
        step->at = off;
        step->bits = field->bits;
        m->ready.fixed = true;
        becomes(m, insn->a, NUMBER);
    } else if (image->fields[first].flags & PK_FIELD_PARAM) {
        make_param(m, insn->a, &image->fields[first]);
    } else {
        add(m, VM_DO_SLOT, insn->a, 0, 0)->at = insn->d;
        becomes(m, insn->a, PERHAPS);
    }
}

static void make_has(maker *m, const pk_insn *insn)
{
    m->ready.layer = m->expr->layer;
    m->failed |= m->expr->layer == 0;
    add(m, VM_DO_HAS, insn->a, 0, 0)->at = insn->d;
    becomes(m, insn->a, NUMBER);
}

static void make_member(maker *m, const pk_insn *insn)
{
    const known *base = &m->regs[insn->b];
    if (base->kind != SELF && base->kind != ARGUMENT) {
        m->failed = true;
        return;
    }
    vm_step *step =
        add(m, VM_DO_MEMBER, insn->a, base->kind == SELF ? VM_READY_SELF : base->which, 0);
    step->at = insn->d;
    becomes(m, insn->a, PERHAPS);
}

static void make_size(maker *m, const pk_insn *insn)
{
    const known *base = &m->regs[insn->b];
    if (base->kind != SELF && base->kind != ARGUMENT) {
        m->failed = true;
        return;
    }
    vm_step *step =
        add(m, VM_DO_SIZE, insn->a, base->kind == SELF ? VM_READY_SELF : base->which, insn->c);
    step->at = insn->d;
    step->number = insn->e;
    becomes(m, insn->a, PERHAPS);
}

static void make_wire(maker *m, const pk_insn *insn)
{
    vm_step_op op = insn->op == PK_OPC_HERE   ? VM_DO_HERE
                    : insn->op == PK_OPC_REST ? VM_DO_REST
                                              : VM_DO_PEEK;
    m->ready.wire = true;
    m->failed |= op == VM_DO_PEEK && insn->d > 64;
    add(m, op, insn->a, 0, 0)->bits = (uint16_t)insn->d;
    becomes(m, insn->a, op == VM_DO_PEEK ? PERHAPS : NUMBER);
    m->regs[insn->a].rest = op == VM_DO_REST;
}

static vm_step_op step_of(pk_op op)
{
    switch (op) {
    case PK_OPC_ADD:
        return VM_DO_ADD;
    case PK_OPC_SUBTRACT:
        return VM_DO_SUBTRACT;
    case PK_OPC_MUL:
        return VM_DO_MUL;
    case PK_OPC_AND:
        return VM_DO_AND;
    case PK_OPC_EQ:
        return VM_DO_EQ;
    case PK_OPC_LT:
        return VM_DO_LT;
    case PK_OPC_LTU:
        return VM_DO_LTU;
    case PK_OPC_LEU:
        return VM_DO_LEU;
    default:
        return VM_DO_OTHER;
    }
}

static void make_binary(maker *m, const pk_insn *insn)
{
    const known *b = &m->regs[insn->b], *c = &m->regs[insn->c];
    if (b->kind == CONSTANT && c->kind == CONSTANT) {
        pk_value value = pk_vm_operation(m->vm, (pk_op)insn->op, b->number, c->number);
        m->failed |= value.kind != PK_INT;
        m->regs[insn->a] = (known){.kind = CONSTANT, .number = value.number};
        return;
    }
    unsigned left = number_in(m, insn->b), right = number_in(m, insn->c);
    vm_step_op op = step_of((pk_op)insn->op);
    add(m, op, insn->a, left, right)->at = insn->op;
    bool perhaps = insn->op == PK_OPC_DIV || insn->op == PK_OPC_MOD;
    becomes(m, insn->a, perhaps ? PERHAPS : NUMBER);
}

static void make_unary(maker *m, const pk_insn *insn)
{
    vm_step_op op = insn->op == PK_OPC_NEG     ? VM_DO_NEG
                    : insn->op == PK_OPC_TRUTH ? VM_DO_TRUTH
                                               : VM_DO_NOT;
    unsigned from = op == VM_DO_NEG ? number_in(m, insn->b) : value_in(m, insn->b);
    (void)add(m, op, insn->a, from, 0);
    becomes(m, insn->a, NUMBER);
}

static void make_move(maker *m, const pk_insn *insn)
{
    if (m->regs[insn->b].kind == NUMBER || m->regs[insn->b].kind == PERHAPS)
        (void)add(m, VM_DO_MOVE, insn->a, insn->b, 0);
    else
        m->failed |= m->regs[insn->b].kind == NOTHING;
    m->regs[insn->a] = m->regs[insn->b];
    if (m->regs[insn->a].kind == PERHAPS)
        m->perhaps |= (uint16_t)(1U << insn->a);
}

static void make_jump(maker *m, const pk_insn *insn)
{
    uint8_t from;
    uint16_t cost;
    vm_step_op op = insn->op == PK_OPC_JUMP    ? VM_DO_JUMP
                    : insn->op == PK_OPC_JUMPF ? VM_DO_JUMPF
                    : insn->op == PK_OPC_JUMPT ? VM_DO_JUMPT
                                               : VM_DO_JUMPD;
    if (op == VM_DO_JUMP && ends(m, insn->d, &from, &cost)) {
        m->cost = (uint16_t)(m->cost + cost);
        make_return(m, from);
        return;
    }
    unsigned reg = op == VM_DO_JUMP ? 0 : value_in(m, insn->a);
    settle(m, insn->d);
    add(m, op, reg, 0, 0)->at = insn->d;
    arrive(m, insn->d);
    m->reachable = op != VM_DO_JUMP;
}

static void make_insn(maker *m, const pk_insn *insn)
{
    m->cost++;
    switch ((pk_op)insn->op) {
    case PK_OPC_INT:
        m->regs[insn->a] = (known){.kind = CONSTANT, .number = (int64_t)insn->e};
        return;
    case PK_OPC_MOVE:
        make_move(m, insn);
        return;
    case PK_OPC_ARG:
        m->failed |= insn->d >= VM_READY_SELF;
        m->regs[insn->a] = (known){.kind = ARGUMENT, .which = (uint8_t)insn->d};
        return;
    case PK_OPC_SELF:
        m->regs[insn->a] = (known){.kind = SELF};
        return;
    case PK_OPC_SLOT:
        make_slot(m, insn);
        return;
    case PK_OPC_HAS:
        make_has(m, insn);
        return;
    case PK_OPC_GET:
        make_member(m, insn);
        return;
    case PK_OPC_SIZE:
        make_size(m, insn);
        return;
    case PK_OPC_HERE:
    case PK_OPC_REST:
    case PK_OPC_PEEK:
        make_wire(m, insn);
        return;
    case PK_OPC_NOT:
    case PK_OPC_TRUTH:
    case PK_OPC_NEG:
        make_unary(m, insn);
        return;
    case PK_OPC_JUMP:
    case PK_OPC_JUMPF:
    case PK_OPC_JUMPT:
    case PK_OPC_JUMPD:
        make_jump(m, insn);
        return;
    case PK_OPC_RET:
        make_return(m, insn->a);
        return;
    default:
        if (insn->op < PK_OPC_ADD || insn->op > PK_OPC_LEU || insn->op == PK_OPC_INVERT)
            m->failed = true;
        else
            make_binary(m, insn);
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Jumps name instructions until all steps are there. */
static void place_jumps(maker *m)
{
    for (uint32_t i = 0; i < m->n_steps; i++) {
        vm_step *step = &m->steps[i];
        if (step->op >= VM_DO_JUMP && step->op <= VM_DO_JUMPD)
            step->at = m->place[step->at];
    }
}

static void study(maker *m)
{
    for (uint32_t i = 0; i < m->expr->count; i++) {
        const pk_insn *insn = &m->code[i];
        bool jumps = insn->op >= PK_OPC_JUMP && insn->op <= PK_OPC_JUMPD;
        if (insn->a >= VM_READY_REGS)
            m->failed = true;
        if (jumps && (insn->d <= i || insn->d >= m->expr->count))
            m->failed = true;
        else if (jumps)
            m->target[insn->d] = true;
    }
}

static void translate(maker *m)
{
    study(m);
    m->reachable = true;
    m->n_numbers = VM_READY_REGS;
    for (uint32_t pc = 0; pc < m->expr->count && !m->failed; pc++) {
        const pk_insn *insn = &m->code[pc];
        if (m->target[pc])
            meet(m, pc);
        m->place[pc] = m->n_steps;
        if (!m->reachable)
            continue;
        if (insn->op != PK_OPC_INT && insn->op != PK_OPC_SLOT && insn->op != PK_OPC_RET &&
            (insn->b >= VM_READY_REGS || insn->c >= VM_READY_REGS) && insn->op != PK_OPC_SIZE)
            m->failed = true;
        else
            make_insn(m, insn);
    }
    m->failed |= m->reachable;
    place_jumps(m);
}

static bool keep(maker *m, vm_ready *made)
{
    pk_arena *arena = &m->vm->ready_memory;
    vm_step *steps = pk_arena_array(arena, m->n_steps, sizeof *steps);
    int64_t *regs = pk_arena_array(arena, m->n_numbers, sizeof *regs);
    if (!steps || !regs)
        return false;
    memcpy(steps, m->steps, m->n_steps * sizeof *steps);
    memcpy(regs, m->numbers, m->n_numbers * sizeof *regs);
    *made = m->ready;
    made->steps = steps;
    made->regs = regs;
    return true;
}

vm_ready *pk_vm_ready_make(pk_vm *vm, pk_ref expr)
{
    vm_ready *made = pk_arena_alloc(&vm->ready_memory, sizeof *made);
    if (!made)
        return NULL;
    maker m = {.vm = vm, .expr = &vm->image->exprs[expr]};
    m.code = vm->image->code + m.expr->start;
    if (m.expr->count <= VM_READY_CODE && expr != 0)
        translate(&m);
    else
        m.failed = true;
    if (!m.failed && !keep(&m, made))
        return NULL;
    vm->ready[expr] = made;
    return made;
}
