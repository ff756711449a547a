/* Which of the fields of one name is present: declarations may have several, in branches that
 * exclude each other (the data of a record by its type). What a value is written like depends on
 * it. The conditions are evaluated as far as constants go, over what is given and over defaults; a
 * condition on anything else leaves it open. Conditions are code of the image, because standard
 * layers have no source here. */
#include "internal.h"

enum { STEPS_LIMIT = 4096, REGISTERS = 256 };

typedef enum known { OPEN, UNDEFINED, NUMBER } known;

typedef struct quantity {
    known kind;
    int64_t number;
} quantity;

typedef struct query {
    pk_compiler *cx;
    const pk_image_given *given;
    size_t n_given;
    pk_ref layer;
    uint32_t slot; /* the one asked about: it is going to be given */
} query;

static quantity number(int64_t value)
{
    return (quantity){NUMBER, value};
}

static const pk_image_given *given_to(const query *q, uint32_t slot)
{
    for (size_t i = 0; i < q->n_given; i++)
        if (q->given[i].slot == slot && q->given[i].kind <= PK_GIVEN_RAW)
            return &q->given[i];
    return NULL;
}

static quantity constant(const query *q, pk_ref expr)
{
    const pk_image_expr *code = PK_AT(q->cx->builder, EXP, expr);
    const pk_insn *insn = PK_AT(q->cx->builder, CODE, code->start);
    bool plain = (code->flags & PK_EXPR_CONST) && code->count == 2 && insn->op == PK_OPC_INT;
    return plain ? number((int64_t)insn->e) : (quantity){OPEN, 0};
}

static quantity slot_value(const query *q, uint32_t slot)
{
    const pk_image_given *given = given_to(q, slot);
    if (given)
        return given->kind == PK_GIVEN_VALUE ? constant(q, given->ref) : (quantity){OPEN, 0};
    pk_ref field = pk_field_of_slot(q->cx, q->layer, slot);
    const pk_image_field at = *PK_AT(q->cx->builder, FLD, field);
    bool integer = at.type == PK_TYPE_UINT || at.type == PK_TYPE_INT;
    if (slot == q->slot || at.list || !integer)
        return (quantity){OPEN, 0};
    return at.init ? constant(q, at.init) : number(0);
}

static bool truth(quantity value)
{
    return value.kind == NUMBER && value.number != 0;
}

static quantity compare(pk_op op, quantity left, quantity right)
{
    if (left.kind == OPEN || right.kind == OPEN)
        return (quantity){OPEN, 0};
    if (left.kind != NUMBER || right.kind != NUMBER)
        return op == PK_OPC_AND || op == PK_OPC_OR ? (quantity){UNDEFINED, 0} : number(0);
    int64_t a = left.number;
    int64_t b = right.number;
    return number(op == PK_OPC_EQ    ? a == b
                  : op == PK_OPC_LT  ? a < b
                  : op == PK_OPC_LE  ? a <= b
                  : op == PK_OPC_AND ? (a & b)
                                     : (a | b));
}

/* One instruction that is no jump. */
static quantity step(const query *q, const pk_insn *insn, const quantity *regs)
{
    switch ((int)insn->op) {
    case PK_OPC_INT:
        return number((int64_t)insn->e);
    case PK_OPC_UNDEF:
    case PK_OPC_REST: /* nothing is on the wire yet */
    case PK_OPC_PEEK:
    case PK_OPC_SCAN:
        return (quantity){UNDEFINED, 0};
    case PK_OPC_MOVE:
        return regs[insn->b];
    case PK_OPC_SLOT:
        return slot_value(q, insn->d);
    case PK_OPC_HAS:
        return number(insn->d == q->slot || given_to(q, insn->d) != NULL);
    case PK_OPC_TRUTH:
    case PK_OPC_NOT:
        if (regs[insn->b].kind == OPEN)
            return regs[insn->b];
        return number(truth(regs[insn->b]) == (insn->op == PK_OPC_TRUTH));
    case PK_OPC_EQ:
    case PK_OPC_LT:
    case PK_OPC_LE:
    case PK_OPC_AND:
    case PK_OPC_OR:
        return compare((pk_op)insn->op, regs[insn->b], regs[insn->c]);
    default:
        return (quantity){OPEN, 0};
    }
}

static quantity evaluate(const query *q, pk_ref expr)
{
    quantity regs[REGISTERS] = {{OPEN, 0}};
    const pk_image_expr code = *PK_AT(q->cx->builder, EXP, expr);
    uint32_t at = 0;
    for (unsigned steps = 0; at < code.count && steps < STEPS_LIMIT; steps++) {
        const pk_insn insn = *PK_AT(q->cx->builder, CODE, code.start + at);
        quantity on = regs[insn.a];
        bool decides = insn.op == PK_OPC_JUMPF || insn.op == PK_OPC_JUMPT ||
                       insn.op == PK_OPC_JUMPD || insn.op == PK_OPC_RET;
        if (insn.op == PK_OPC_RET || (decides && on.kind == OPEN))
            return on;
        bool jumps = insn.op == PK_OPC_JUMP || (insn.op == PK_OPC_JUMPF && !truth(on)) ||
                     (insn.op == PK_OPC_JUMPT && truth(on)) ||
                     (insn.op == PK_OPC_JUMPD && on.kind == NUMBER);
        if (!decides && insn.op != PK_OPC_JUMP)
            regs[insn.a] = step(q, &insn, regs);
        at = jumps ? insn.d : at + 1;
    }
    return (quantity){OPEN, 0};
}

static bool puts_field(pk_op op)
{
    return op == PK_OPC_FLD || op == PK_OPC_FLX || op == PK_OPC_BYT || op == PK_OPC_VAR ||
           op == PK_OPC_SUB || op == PK_OPC_LST;
}

static bool puts_slot(const query *q, const pk_insn *insn)
{
    return puts_field((pk_op)insn->op) && PK_AT(q->cx->builder, FLD, insn->d)->slot == q->slot;
}

/* Both branches of a condition that is open, when the field asked about is in neither: where they
 * end; else 0. */
static uint32_t pass_by(const query *q, const pk_image_layer *layer, uint32_t item)
{
    uint32_t end = PK_AT(q->cx->builder, CODE, layer->items + item)->d;
    const pk_insn *last = PK_AT(q->cx->builder, CODE, layer->items + end - 1);
    if (last->op == PK_OPC_JMP && last->d > end)
        end = last->d;
    for (uint32_t i = item + 1; i < end; i++)
        if (puts_slot(q, PK_AT(q->cx->builder, CODE, layer->items + i)))
            return 0;
    return end;
}

bool pk_has_variants(pk_compiler *cx, pk_ref layer, uint32_t slot)
{
    const pk_image_layer at = *PK_AT(cx->builder, LAY, layer);
    unsigned n = 0;
    for (uint32_t i = 0; i < at.n_fields; i++)
        n += PK_AT(cx->builder, FLD, at.fields + i)->slot == slot;
    return n > 1;
}

pk_ref pk_field_present(pk_compiler *cx, pk_ref layer, uint32_t slot, const pk_image_given *given,
                        size_t n_given)
{
    const query q = {cx, given, n_given, layer, slot};
    const pk_image_layer at = *PK_AT(cx->builder, LAY, layer);
    pk_ref fallback = pk_field_of_slot(cx, layer, slot);
    if (!pk_has_variants(cx, layer, slot))
        return fallback;
    uint32_t item = 0;
    for (unsigned steps = 0; item < at.n_items && steps < STEPS_LIMIT; steps++) {
        const pk_insn insn = *PK_AT(cx->builder, CODE, at.items + item);
        if (puts_slot(&q, &insn))
            return insn.d;
        quantity holds = insn.op == PK_OPC_JIF ? evaluate(&q, (pk_ref)insn.e) : number(1);
        if (holds.kind == OPEN) {
            item = pass_by(&q, &at, item);
            if (!item)
                return fallback;
            continue;
        }
        bool jumps = insn.op == PK_OPC_JMP || (insn.op == PK_OPC_JIF && !truth(holds));
        item = jumps ? insn.d : item + 1;
    }
    return fallback;
}
