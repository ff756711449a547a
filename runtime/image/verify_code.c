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

typedef struct operand_check {
    const pk_verifier *verifier;
    uint32_t at, count;
    pk_ref layer;
    pk_section section;
    pk_ref ref;
    const char *op;
    uint64_t value;
} operand_check;

#define OPERAND_REFUSE(check, ...) \
    pk_verify_refuse((check)->verifier, (check)->section, (check)->ref, (check)->at, __VA_ARGS__)

static int operand_below(const operand_check *check, uint64_t least, uint64_t limit,
                         const char *what)
{
    if (check->value >= least && check->value < limit)
        return PK_OK;
    return OPERAND_REFUSE(check, "`%s` names %s %llu, which does not exist", check->op, what,
                          (unsigned long long)check->value);
}

static int operand_jump(const operand_check *check)
{
    if (check->value <= check->at)
        return OPERAND_REFUSE(check, "jump to %llu goes backwards",
                              (unsigned long long)check->value);
    if (check->value >= check->count)
        return OPERAND_REFUSE(check, "jump to %llu leaves the program of %u instructions",
                              (unsigned long long)check->value, check->count);
    return PK_OK;
}

/* SLOT is of the program's own layer, but beside PART of a layer known only when it runs. */
static int operand_slot(const operand_check *check, bool own)
{
    if (!own)
        return operand_below(check, 0, PK_IMAGE_SLOTS_LIMIT, "slot");
    if (!check->layer)
        return OPERAND_REFUSE(check, "`%s` needs a layer, and this expression has none", check->op);
    return operand_below(check, 0, check->verifier->image->layers[check->layer].n_slots, "slot");
}

static int operand_ok(const operand_check *check, pk_shape shape, bool own_slots, bool optional)
{
    const pk_image *image = check->verifier->image;
    switch (shape) {
    case PK_SHAPE_UNUSED:
        return check->value
                   ? OPERAND_REFUSE(check, "`%s` has an operand where it takes none", check->op)
                   : PK_OK;
    case PK_SHAPE_W:
    case PK_SHAPE_R:
        return operand_below(check, 0, PK_IMAGE_REGS, "register");
    case PK_SHAPE_J:
        return operand_jump(check);
    case PK_SHAPE_FLD:
        return operand_below(check, 1, image->n_fields, "field");
    case PK_SHAPE_EXP:
        return operand_below(check, 0, image->n_exprs, "expression");
    case PK_SHAPE_BLB:
        return operand_below(check, 0, image->n_blobs, "blob");
    case PK_SHAPE_PAR:
        return operand_below(check, 1, image->n_params, "parameter");
    case PK_SHAPE_STR:
        return operand_below(check, 0, image->n_strings, "text");
    case PK_SHAPE_PLD:
        return operand_below(check, 1, image->n_payloads, "payload");
    case PK_SHAPE_AXS:
        return operand_below(check, optional ? 0 : 1, image->n_axes, "axis");
    case PK_SHAPE_LAY:
        return operand_below(check, 1, image->n_layers, "layer");
    case PK_SHAPE_FN:
        return operand_below(check, 0, PK_FN_COUNT_OF, "native function");
    case PK_SHAPE_SLOT:
        return operand_slot(check, own_slots);
    case PK_SHAPE_PART:
        return operand_below(check, 0, PK_PART_SPAN + 1, "part");
    case PK_SHAPE_N:
    case PK_SHAPE_E64:
        break;
    }
    return PK_OK;
}

int pk_verify_operands(const pk_verifier *verifier, const pk_insn *insn, uint32_t at,
                       uint32_t count, pk_ref layer, pk_section section, pk_ref ref)
{
    operand_check check = {verifier, at, count, layer, section, ref, "?", 0};
    bool item = section == PK_SEC_LAY;
    if (insn->op >= PK_OPC_COUNT_OF || pk_op_info_of(insn->op)->item != item)
        return OPERAND_REFUSE(&check, "opcode %u is no %s", insn->op,
                              item ? "item" : "expression instruction");
    const uint8_t *shapes = verifier->shapes[insn->op];
    check.op = pk_op_name((pk_op)insn->op);
    for (unsigned i = 0; i < PK_OPERANDS; i++) {
        check.value = pk_insn_operand(insn, i);
        int code = operand_ok(&check, (pk_shape)shapes[i], shapes[2] != PK_SHAPE_PART, i == 4);
        if (code)
            return code;
    }
    return PK_OK;
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

static int reads(const expr_check *check, uint64_t first, uint64_t count)
{
    if (first + count > PK_IMAGE_REGS)
        return EXPR_REFUSE(check, "`%s` reads beyond register %d",
                           pk_op_name((pk_op)check->insn->op), PK_IMAGE_REGS - 1);
    for (uint64_t r = first; r < first + count; r++)
        if (check->undef >> r & 1)
            return EXPR_REFUSE(check, "register %llu may be read before it is written",
                               (unsigned long long)r);
    return PK_OK;
}

/* How many registers operand b stands for; all other R operands are one. */
static uint64_t registers_at_b(const pk_insn *insn)
{
    if (insn->op == PK_OPC_NATIVE || insn->op == PK_OPC_CALL)
        return insn->c;
    return insn->op == PK_OPC_METHOD ? (uint64_t)insn->c + 1 : 1;
}

static int check_reads(const expr_check *check)
{
    const uint8_t *shapes = check->verifier->shapes[check->insn->op];
    for (unsigned i = 0; i < PK_OPERANDS; i++) {
        if (shapes[i] != PK_SHAPE_R)
            continue;
        uint64_t count = i == 1 ? registers_at_b(check->insn) : 1;
        int code = reads(check, pk_insn_operand(check->insn, i), count);
        if (code)
            return code;
    }
    return PK_OK;
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
    const uint8_t *shapes = check->verifier->shapes[insn->op];
    if (shapes[0] == PK_SHAPE_W)
        check->undef &= ~((registers)1 << insn->a);
    if (shapes[3] == PK_SHAPE_J && check->reachable) {
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
    for (pk_ref ref = 1; ref < verifier->image->n_exprs; ref++) {
        int code = verify_expr(verifier, ref);
        if (code)
            return code;
    }
    return PK_OK;
}
