#include "image/verify.h"

/* Registers as a set: bit r. */
typedef uint64_t registers;
_Static_assert(PK_IMAGE_REGS == 64, "a register set is one word");

int pk_verify_claim(pk_verifier *verifier, uint32_t start, uint32_t count, pk_section section,
                    pk_ref ref, bool *ret_known)
{
    const pk_image *image = verifier->image;
    uint32_t mine = section == PK_SEC_EXP ? 1 + ref : image->n_exprs + ref;
    uint32_t other = count ? verifier->owner[start] : 0;
    *ret_known = false;
    if (section == PK_SEC_EXP && other && other <= image->n_exprs) {
        const pk_image_expr *a = &image->exprs[ref], *b = &image->exprs[other - 1];
        *ret_known = a->start == b->start && a->count == b->count && a->args == b->args &&
                     a->layer == b->layer;
        if (*ret_known)
            return PK_OK;
    }
    for (uint32_t i = start; i < start + count; i++) {
        if (verifier->owner[i])
            return pk_verify_refuse(verifier, section, ref, PK_VERIFY_NO_INSN,
                                    "instruction %u of section CODE belongs to another program", i);
        verifier->owner[i] = mine;
    }
    return PK_OK;
}

/* ---- operands ----------------------------------------------------------------------------------
 */

/* Where an instruction stands. */
typedef struct operand_place {
    uint32_t at, count; /* in its program */
    pk_ref layer;       /* the program's own */
    pk_section section;
    pk_ref ref;
} operand_place;

/* From `first`, below `limit`. */
static pk_verify_range below(uint64_t first, uint64_t limit)
{
    return limit > first ? (pk_verify_range){first, limit - 1} : (pk_verify_range){1, 0};
}

/* SLOT is of the program's own layer, but beside PART of a layer known only when it runs. Jumps and
 * own slots depend on the program as well: this holds of them what every program would. */
static pk_verify_range range_of(const pk_image *image, pk_shape shape, bool optional)
{
    switch (shape) {
    case PK_SHAPE_UNUSED:
        return below(0, 1);
    case PK_SHAPE_W:
    case PK_SHAPE_R:
        return below(0, PK_IMAGE_REGS);
    case PK_SHAPE_FLD:
        return below(1, image->n_fields);
    case PK_SHAPE_EXP:
        return below(0, image->n_exprs);
    case PK_SHAPE_BLB:
        return below(0, image->n_blobs);
    case PK_SHAPE_PAR:
        return below(1, image->n_params);
    case PK_SHAPE_STR:
        return below(0, image->n_strings);
    case PK_SHAPE_PLD:
        return below(1, image->n_payloads);
    case PK_SHAPE_PLN:
        return below(1, image->n_plans);
    case PK_SHAPE_AXS:
        return below(optional ? 0 : 1, image->n_axes);
    case PK_SHAPE_SET:
        return below(1, image->n_sets);
    case PK_SHAPE_LAY:
        return below(1, image->n_layers);
    case PK_SHAPE_FN:
        return below(0, PK_FN_COUNT_OF);
    case PK_SHAPE_SLOT:
        return below(0, PK_IMAGE_SLOTS_LIMIT);
    case PK_SHAPE_PART:
        return below(0, PK_PART_SPAN + 1);
    case PK_SHAPE_J:
    case PK_SHAPE_N:
    case PK_SHAPE_E64:
        break;
    }
    return (pk_verify_range){0, UINT64_MAX};
}

void pk_verify_ops(pk_verifier *verifier)
{
    for (unsigned code = 0; code < PK_OPC_COUNT_OF; code++) {
        const pk_op_info *info = pk_op_info_of(code);
        pk_verify_op *op = &verifier->ops[code];
        *op = (pk_verify_op){.shapes = info->shapes, .item = info->item};
        for (unsigned i = 0; i < PK_OPERANDS; i++) {
            op->range[i] = range_of(verifier->image, (pk_shape)info->shapes[i], i == 4);
            if (info->shapes[i] == PK_SHAPE_R)
                op->reads |= (uint8_t)(1u << i);
        }
        op->jumps = info->shapes[3] == PK_SHAPE_J;
        op->own_slot = info->shapes[3] == PK_SHAPE_SLOT && info->shapes[2] != PK_SHAPE_PART;
        op->writes = info->shapes[0] == PK_SHAPE_W;
        if (code == PK_OPC_NATIVE || code == PK_OPC_CALL)
            op->run = 1;
        if (code == PK_OPC_METHOD)
            op->run = 2;
    }
}

static bool within(pk_verify_range range, uint64_t value)
{
    return (value >= range.first) & (value <= range.last);
}

/* What operand d may be in this program. */
static pk_verify_range range_of_d(const pk_verifier *verifier, const pk_verify_op *op,
                                  const operand_place *place)
{
    if (op->jumps)
        return below((uint64_t)place->at + 1, place->count);
    if (op->own_slot)
        return below(0, verifier->image->layers[place->layer].n_slots);
    return op->range[3];
}

static const char *shape_noun(pk_shape shape)
{
    static const char *const nouns[] = {
        [PK_SHAPE_W] = "register",         [PK_SHAPE_R] = "register",  [PK_SHAPE_FLD] = "field",
        [PK_SHAPE_EXP] = "expression",     [PK_SHAPE_BLB] = "blob",    [PK_SHAPE_PAR] = "parameter",
        [PK_SHAPE_STR] = "text",           [PK_SHAPE_PLD] = "payload", [PK_SHAPE_PLN] = "plan node",
        [PK_SHAPE_AXS] = "axis",           [PK_SHAPE_SET] = "set",     [PK_SHAPE_LAY] = "layer",
        [PK_SHAPE_FN] = "native function", [PK_SHAPE_SLOT] = "slot",   [PK_SHAPE_PART] = "part",
        [PK_SHAPE_E64] = "number",
    };
    return nouns[shape] ? nouns[shape] : "number";
}

#define OPERAND_REFUSE(verifier, place, ...) \
    pk_verify_refuse(verifier, (place)->section, (place)->ref, (place)->at, __VA_ARGS__)

static int refuse_operand(const pk_verifier *verifier, const operand_place *place,
                          const pk_insn *insn, unsigned operand)
{
    const pk_verify_op *op = &verifier->ops[insn->op];
    const char *name = pk_op_name((pk_op)insn->op);
    pk_shape shape = (pk_shape)op->shapes[operand];
    unsigned long long value = pk_insn_operand(insn, operand);
    if (shape == PK_SHAPE_UNUSED)
        return OPERAND_REFUSE(verifier, place, "`%s` has an operand where it takes none", name);
    if (shape == PK_SHAPE_J && value <= place->at)
        return OPERAND_REFUSE(verifier, place, "jump to %llu goes backwards", value);
    if (shape == PK_SHAPE_J)
        return OPERAND_REFUSE(verifier, place, "jump to %llu leaves the program of %u instructions",
                              value, place->count);
    if (shape == PK_SHAPE_SLOT && op->own_slot && !place->layer)
        return OPERAND_REFUSE(verifier, place, "`%s` needs a layer, and this expression has none",
                              name);
    return OPERAND_REFUSE(verifier, place, "`%s` names %s %llu, which does not exist", name,
                          shape_noun(shape), value);
}

static int refuse_operands(const pk_verifier *verifier, const operand_place *place,
                           const pk_insn *insn)
{
    bool item = place->section == PK_SEC_LAY;
    if (insn->op >= PK_OPC_COUNT_OF || verifier->ops[insn->op].item != item)
        return OPERAND_REFUSE(verifier, place, "opcode %u is no %s", insn->op,
                              item ? "item" : "expression instruction");
    const pk_verify_op *op = &verifier->ops[insn->op];
    unsigned operand = 0;
    while (operand < PK_OPERANDS - 1 &&
           within(operand == 3 ? range_of_d(verifier, op, place) : op->range[operand],
                  pk_insn_operand(insn, operand)))
        operand++;
    return refuse_operand(verifier, place, insn, operand);
}

int pk_verify_operands(const pk_verifier *verifier, const pk_insn *insn, uint32_t at,
                       uint32_t count, pk_ref layer, pk_section section, pk_ref ref)
{
    const operand_place place = {at, count, layer, section, ref};
    if (insn->op < PK_OPC_COUNT_OF) {
        const pk_verify_op *op = &verifier->ops[insn->op];
        bool good = op->item == (section == PK_SEC_LAY);
        good &= within(op->range[0], insn->a);
        good &= within(op->range[1], insn->b);
        good &= within(op->range[2], insn->c);
        good &= within(op->range[4], insn->e);
        if (good && within(range_of_d(verifier, op, &place), insn->d))
            return PK_OK;
    }
    return refuse_operands(verifier, &place, insn);
}

/* ---- expressions -------------------------------------------------------------------------------
 */

typedef struct expr_check {
    pk_verifier *verifier;
    const pk_image_expr *expr;
    pk_ref ref;
    uint32_t at;
    const pk_insn *insn;
    registers undef; /* that some path to here leaves unwritten */
    bool reachable;
} expr_check;

#define EXPR_REFUSE(check, ...) \
    pk_verify_refuse((check)->verifier, PK_SEC_EXP, (check)->ref, (check)->at, __VA_ARGS__)

/* Registers `first` and the `count` - 1 after it; their end is at most PK_IMAGE_REGS. */
static registers span_of(unsigned first, unsigned count)
{
    registers all = count < PK_IMAGE_REGS ? ((registers)1 << count) - 1 : ~(registers)0;
    return count ? all << first : 0;
}

static int refuse_read(const expr_check *check, registers unwritten)
{
    return EXPR_REFUSE(check, "register %d may be read before it is written",
                       __builtin_ctzll(unwritten));
}

/* Operands were checked: each register is below PK_IMAGE_REGS. */
static int check_reads(const expr_check *check)
{
    const pk_insn *insn = check->insn;
    const pk_verify_op *op = &check->verifier->ops[insn->op];
    registers read = 0;
    if (op->reads & 1)
        read |= (registers)1 << insn->a;
    if (op->reads & 2) {
        unsigned count = op->run ? insn->c + op->run - 1u : 1;
        if (insn->b + count > PK_IMAGE_REGS)
            return EXPR_REFUSE(check, "`%s` reads beyond register %d", pk_op_name((pk_op)insn->op),
                               PK_IMAGE_REGS - 1);
        read |= span_of(insn->b, count);
    }
    if (op->reads & 4)
        read |= (registers)1 << insn->c;
    if (op->reads & 8)
        read |= (registers)1 << insn->d;
    if (op->reads & 16)
        read |= (registers)1 << insn->e;
    return read & check->undef ? refuse_read(check, read & check->undef) : PK_OK;
}

static int check_native(const expr_check *check)
{
    const pk_fn_info *fn = pk_fn_info_of(check->insn->d);
    if (check->insn->c >= fn->least && check->insn->c <= fn->most)
        return PK_OK;
    return EXPR_REFUSE(check, "`%s` takes %u to %u arguments, %u given", fn->text, fn->least,
                       fn->most, check->insn->c);
}

/* The callee runs in this instance. */
static int check_callee(const expr_check *check, pk_ref callee, uint32_t args)
{
    const pk_image_expr *expr = &check->verifier->image->exprs[callee];
    if (!callee)
        return EXPR_REFUSE(check, "`%s` names no expression", pk_op_name((pk_op)check->insn->op));
    if (expr->layer && expr->layer != check->expr->layer)
        return EXPR_REFUSE(check, "expression %u is of another layer", callee);
    if (expr->args > args)
        return EXPR_REFUSE(check, "expression %u takes %u arguments, %u given", callee, expr->args,
                           args);
    return PK_OK;
}

static int check_numbers(const expr_check *check)
{
    const pk_insn *insn = check->insn;
    switch ((pk_op)insn->op) {
    case PK_OPC_ARG:
        return insn->d < check->expr->args
                   ? PK_OK
                   : EXPR_REFUSE(check, "argument %u of %u", insn->d, check->expr->args);
    case PK_OPC_PEEK:
        return insn->d <= 64 ? PK_OK : EXPR_REFUSE(check, "peeks %u bits (limit 64)", insn->d);
    case PK_OPC_ENCODE:
        return insn->d % 8 == 0 && insn->d <= 64 && insn->c <= 1
                   ? PK_OK
                   : EXPR_REFUSE(check, "encodes %u bits in order %u", insn->d, insn->c);
    case PK_OPC_TEXT:
        return insn->c <= PK_WRITTEN_PREFIX ? PK_OK
                                            : EXPR_REFUSE(check, "text of form %u", insn->c);
    case PK_OPC_NAMED:
        return insn->e <= 1 ? PK_OK
                            : EXPR_REFUSE(check, "names in mode %llu", (unsigned long long)insn->e);
    case PK_OPC_SIZE:
    case PK_OPC_BYTES:
        return insn->e < PK_IMAGE_SLOTS_LIMIT
                   ? PK_OK
                   : EXPR_REFUSE(check, "slot %llu (limit %d)", (unsigned long long)insn->e,
                                 PK_IMAGE_SLOTS_LIMIT);
    case PK_OPC_NATIVE:
        return check_native(check);
    case PK_OPC_CALL:
        return check_callee(check, insn->d, insn->c);
    case PK_OPC_FIND:
        return check_callee(check, (pk_ref)insn->e, 1);
    default:
        return PK_OK;
    }
}

/* Follows the instruction: what is written after it, and where control goes. */
static void step(expr_check *check)
{
    const pk_insn *insn = check->insn;
    const pk_verify_op *op = &check->verifier->ops[insn->op];
    if (op->writes)
        check->undef &= ~((registers)1 << insn->a);
    if (op->jumps && check->reachable) {
        uint32_t target = check->expr->start + insn->d;
        check->verifier->undef[target] |= check->undef;
        check->verifier->targeted[target] = 1;
    }
    if (insn->op == PK_OPC_RET || insn->op == PK_OPC_JUMP)
        check->reachable = false;
}

/* Joins the paths that meet here. What no path reaches may read anything: it never runs. */
static void arrive(expr_check *check)
{
    uint32_t at = check->expr->start + check->at;
    if (check->verifier->targeted[at]) {
        check->undef =
            check->verifier->undef[at] | (check->reachable ? check->undef : (registers)0);
        check->reachable = true;
    } else if (!check->reachable) {
        check->undef = 0;
    }
}

static int verify_expr(pk_verifier *verifier, pk_ref ref)
{
    const pk_image_expr *expr = &verifier->image->exprs[ref];
    expr_check check = {verifier, expr, ref, 0, NULL, ~(registers)0, true};
    bool known;
    int code = pk_verify_claim(verifier, expr->start, expr->count, PK_SEC_EXP, ref, &known);
    if (code || known)
        return code;
    if (!expr->count || verifier->image->code[expr->start + expr->count - 1].op != PK_OPC_RET)
        return pk_verify_refuse(verifier, PK_SEC_EXP, ref, PK_VERIFY_NO_INSN,
                                "does not end in `ret`");
    for (; check.at < expr->count; check.at++) {
        check.insn = &verifier->image->code[expr->start + check.at];
        arrive(&check);
        code = pk_verify_operands(verifier, check.insn, check.at, expr->count, expr->layer,
                                  PK_SEC_EXP, ref);
        if (!code)
            code = check_reads(&check);
        if (!code)
            code = check_numbers(&check);
        if (code)
            return code;
        step(&check);
    }
    return PK_OK;
}

int pk_verify_expressions(pk_verifier *verifier)
{
    for (pk_ref ref = verifier->known[PK_SEC_EXP]; ref < verifier->image->n_exprs; ref++) {
        int code = verify_expr(verifier, ref);
        if (code)
            return code;
    }
    return PK_OK;
}
