/* Expressions: the value of a node ends in register `dst`, temporaries live above it. Constant
 * operands fold as they are emitted, so "is it constant" is "is it one INT or BLOB". */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"

/* ---- code ------------------------------------------------------------------------------------ */

static bool fold(pk_code *code, pk_op op, unsigned a, unsigned b, unsigned c);

bool pk_emit(pk_compiler *cx, pk_op op, unsigned a, unsigned b, unsigned c, uint32_t d, uint64_t e)
{
    pk_code *code = cx->code;
    if (fold(code, op, a, b, c))
        return true;
    if (code->count == code->cap) {
        uint32_t cap = code->cap ? code->cap * 2 : 16;
        pk_insn *grown = realloc(code->insns, cap * sizeof *grown);
        if (!grown)
            return false;
        code->insns = grown;
        code->cap = cap;
    }
    code->insns[code->count++] = (pk_insn){(uint8_t)op, (uint8_t)a, (uint8_t)b, (uint8_t)c, d, e};
    return true;
}

void pk_emit_patch(pk_compiler *cx, uint32_t at)
{
    cx->code->insns[at].d = cx->code->count;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

static bool folded(pk_op op, int64_t a, int64_t b, int64_t *ret)
{
    uint64_t x = (uint64_t)a;
    uint64_t y = (uint64_t)b;
    switch (op) {
    case PK_OPC_ADD:
        *ret = (int64_t)(x + y);
        return true;
    case PK_OPC_SUBTRACT:
        *ret = (int64_t)(x - y);
        return true;
    case PK_OPC_MUL:
        *ret = (int64_t)(x * y);
        return true;
    case PK_OPC_AND:
        *ret = (int64_t)(x & y);
        return true;
    case PK_OPC_OR:
        *ret = (int64_t)(x | y);
        return true;
    case PK_OPC_XOR:
        *ret = (int64_t)(x ^ y);
        return true;
    case PK_OPC_SHL:
        *ret = y < 64 ? (int64_t)(x << y) : 0;
        return true;
    case PK_OPC_SHR:
        *ret = y < 64 ? (int64_t)(x >> y) : 0;
        return true;
    case PK_OPC_DIV:
    case PK_OPC_MOD:
        if (b == 0 || (a == INT64_MIN && b == -1))
            return false;
        *ret = op == PK_OPC_DIV ? floor_div(a, b) : a - b * floor_div(a, b);
        return true;
    default:
        return false;
    }
}

/* Two INTs into adjacent registers, then an operation on them, are one INT. */
static bool fold(pk_code *code, pk_op op, unsigned a, unsigned b, unsigned c)
{
    int64_t number;
    if (code->count >= 1 && a == b && (op == PK_OPC_NEG || op == PK_OPC_INVERT)) {
        pk_insn *last = &code->insns[code->count - 1];
        if (last->op != PK_OPC_INT || last->a != a)
            return false;
        last->e = op == PK_OPC_NEG ? 0 - last->e : ~last->e;
        return true;
    }
    if (code->count < 2 || a != b || c != a + 1)
        return false;
    pk_insn *x = &code->insns[code->count - 2];
    const pk_insn *y = &code->insns[code->count - 1];
    if (x->op != PK_OPC_INT || y->op != PK_OPC_INT || x->a != a || y->a != c ||
        !folded(op, (int64_t)x->e, (int64_t)y->e, &number))
        return false;
    x->e = (uint64_t)number;
    code->count--;
    return true;
}

static bool is_constant(const pk_code *code)
{
    return code->count == 1 &&
           (code->insns[0].op == PK_OPC_INT || code->insns[0].op == PK_OPC_BLOB);
}

static pk_ref expr_write(pk_compiler *cx, const pk_code *code, pk_ref layer, pk_ref text,
                         uint32_t args, bool constant)
{
    pk_ref start = PK_PUT(cx->builder, CODE, code->insns, code->count);
    pk_ref ref = PK_ADD(cx->builder, EXP, 1);
    *PK_AT(cx->builder, EXP, ref) = (pk_image_expr){.start = start,
                                                    .count = code->count,
                                                    .args = args,
                                                    .layer = layer,
                                                    .text = text,
                                                    .flags = constant ? PK_EXPR_CONST : 0};
    return ref;
}

pk_ref pk_lower_expr(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                     uint32_t args)
{
    pk_code code = {0};
    pk_code *outer = cx->code;
    cx->code = &code;
    bool good = pk_lower(cx, scope, node, expected, 0);
    bool constant = good && is_constant(&code);
    good = good && pk_emit(cx, PK_OPC_RET, 0, 0, 0, 0, 0);
    cx->code = outer;
    pk_ref text = scope->layer ? pk_text_of_node(cx, node) : 0;
    pk_ref ref = good ? expr_write(cx, &code, scope->layer, text, args, constant) : 0;
    free(code.insns);
    return ref;
}

pk_ref pk_expr_put(pk_compiler *cx, const pk_code *code, pk_ref layer, pk_ref text, uint32_t args)
{
    return expr_write(cx, code, layer, text, args, false);
}

static pk_ref expr_of(pk_compiler *cx, pk_insn insn)
{
    pk_insn insns[2] = {insn, {.op = PK_OPC_RET}};
    const pk_code code = {insns, 2, 2};
    return expr_write(cx, &code, 0, 0, 0, true);
}

pk_ref pk_expr_int(pk_compiler *cx, int64_t number)
{
    return expr_of(cx, (pk_insn){.op = PK_OPC_INT, .e = (uint64_t)number});
}

pk_ref pk_expr_bytes(pk_compiler *cx, const void *bytes, size_t len)
{
    pk_ref blob = pk_image_builder_blob(cx->builder, bytes, len);
    return expr_of(cx, (pk_insn){.op = PK_OPC_BLOB, .d = blob});
}

pk_ref pk_expr_packet(pk_compiler *cx, pk_ref plan)
{
    return expr_of(cx, (pk_insn){.op = PK_OPC_PACKET, .d = plan});
}

/* Lowers into a scratch program, silently, to see whether it is one constant. */
static bool constant(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                     pk_insn *ret_insn)
{
    pk_code code = {0};
    pk_code *outer = cx->code;
    cx->code = &code;
    bool good = pk_lower(cx, scope, node, expected, 0) && is_constant(&code);
    cx->code = outer;
    if (good)
        *ret_insn = code.insns[0];
    free(code.insns);
    return good;
}

bool pk_constant_int(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                     int64_t *ret_number)
{
    pk_insn insn;
    if (!constant(cx, scope, node, expected, &insn) || insn.op != PK_OPC_INT)
        return false;
    *ret_number = (int64_t)insn.e;
    return true;
}

bool pk_constant_bytes(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                       pk_bytes *ret_bytes)
{
    pk_insn insn;
    if (!constant(cx, scope, node, expected, &insn) || insn.op != PK_OPC_BLOB)
        return false;
    *ret_bytes = pk_image_blob_of(cx, insn.d);
    return true;
}

pk_bytes pk_image_blob_of(pk_compiler *cx, pk_ref blob)
{
    pk_image view;
    pk_image_builder_view(cx->builder, &view);
    return pk_image_bytes(&view, blob);
}

/* ---- operators ------------------------------------------------------------------------------- */

static bool lower_logic(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *at, unsigned dst)
{
    bool conjunction = at->a == PK_OP_AND;
    pk_op jump = conjunction ? PK_OPC_JUMPF : PK_OPC_JUMPT;
    if (!pk_lower(cx, scope, at->b, 0, dst) || !pk_emit(cx, PK_OPC_TRUTH, dst, dst, 0, 0, 0))
        return false;
    uint32_t skip = cx->code->count;
    if (!pk_emit(cx, jump, dst, 0, 0, 0, 0) || !pk_lower(cx, scope, at->c, 0, dst) ||
        !pk_emit(cx, PK_OPC_TRUTH, dst, dst, 0, 0, 0))
        return false;
    pk_emit_patch(cx, skip);
    return true;
}

static bool lower_cond(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *at,
                       pk_ref expected, unsigned dst)
{
    if (!pk_lower(cx, scope, at->a, 0, dst))
        return false;
    uint32_t otherwise = cx->code->count;
    if (!pk_emit(cx, PK_OPC_JUMPF, dst, 0, 0, 0, 0) || !pk_lower(cx, scope, at->b, expected, dst))
        return false;
    uint32_t leave = cx->code->count;
    if (!pk_emit(cx, PK_OPC_JUMP, 0, 0, 0, 0, 0))
        return false;
    pk_emit_patch(cx, otherwise);
    if (!pk_lower(cx, scope, at->c, expected, dst))
        return false;
    pk_emit_patch(cx, leave);
    /* A value that only one branch leaves constant must not fold with what follows. */
    return pk_emit(cx, PK_OPC_MOVE, dst, dst, 0, 0, 0);
}

static bool is_comparison(unsigned op)
{
    return op >= PK_OP_EQ && op <= PK_OP_IN;
}

static bool lower_comparison(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *at,
                             unsigned dst)
{
    pk_ref field = pk_field_of_expr(cx, scope, at->b);
    if (at->a == PK_OP_IN ||
        ((at->a == PK_OP_EQ || at->a == PK_OP_NE) && pk_is_set(cx, scope, at->c, field))) {
        if (!pk_lower_condition_in(cx, scope, at->b, at->c, field, dst))
            return false;
        return at->a != PK_OP_NE || pk_emit(cx, PK_OPC_NOT, dst, dst, 0, 0, 0);
    }
    if (!field)
        field = pk_field_of_expr(cx, scope, at->c);
    if (!pk_lower(cx, scope, at->b, field, dst) || !pk_lower(cx, scope, at->c, field, dst + 1))
        return false;
    switch (at->a) {
    case PK_OP_EQ:
        return pk_emit(cx, PK_OPC_EQ, dst, dst, dst + 1, 0, 0);
    case PK_OP_NE:
        return pk_emit(cx, PK_OPC_EQ, dst, dst, dst + 1, 0, 0) &&
               pk_emit(cx, PK_OPC_NOT, dst, dst, 0, 0, 0);
    case PK_OP_LT:
        return pk_emit(cx, PK_OPC_LT, dst, dst, dst + 1, 0, 0);
    case PK_OP_LE:
        return pk_emit(cx, PK_OPC_LE, dst, dst, dst + 1, 0, 0);
    case PK_OP_GT:
        return pk_emit(cx, PK_OPC_LT, dst, dst + 1, dst, 0, 0);
    default:
        return pk_emit(cx, PK_OPC_LE, dst, dst + 1, dst, 0, 0);
    }
}

/* Whether what was emitted last is a constant 0 in this register. */
static bool is_zero(const pk_code *code, unsigned reg)
{
    const pk_insn *last = code->count ? &code->insns[code->count - 1] : NULL;
    return last && last->op == PK_OPC_INT && last->a == reg && last->e == 0;
}

static bool emit_arithmetic(pk_compiler *cx, unsigned op, pk_span span, unsigned dst)
{
    static const uint8_t ops[PK_OP_BITNOT + 1] = {
        [PK_OP_BITOR] = PK_OPC_OR,     [PK_OP_BITXOR] = PK_OPC_XOR, [PK_OP_BITAND] = PK_OPC_AND,
        [PK_OP_SHL] = PK_OPC_SHL,      [PK_OP_SHR] = PK_OPC_SHR,    [PK_OP_ADD] = PK_OPC_ADD,
        [PK_OP_SUB] = PK_OPC_SUBTRACT, [PK_OP_MUL] = PK_OPC_MUL,    [PK_OP_DIV] = PK_OPC_DIV,
        [PK_OP_MOD] = PK_OPC_MOD};
    if (op > PK_OP_BITNOT || !ops[op]) {
        pk_diag_report(cx->diags, PK_DIAG_WRONG_TYPE, span, "`%s` does not give a value here",
                       pk_ast_op_text((pk_ast_op)op));
        return false;
    }
    if ((op == PK_OP_DIV || op == PK_OP_MOD) && is_zero(cx->code, dst + 1)) {
        pk_diag_report(cx->diags, PK_DIAG_DIVISION_BY_ZERO, span, "a division by zero");
        return false;
    }
    return pk_emit(cx, (pk_op)ops[op], dst, dst, dst + 1, 0, 0);
}

/* `a + b + c + …` leans left: walk down the spine in a loop, then come back up. */
static bool lower_binary(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                         unsigned dst)
{
    pk_ast_node at = *pk_at(cx, node);
    if (at.a == PK_OP_AND || at.a == PK_OP_OR) {
        if (pk_at(cx, at.b)->kind != PK_AST_BINARY || pk_at(cx, at.b)->a != at.a)
            return lower_logic(cx, scope, &at, dst);
    } else if (is_comparison(at.a)) {
        return lower_comparison(cx, scope, &at, dst);
    }
    bool logic = at.a == PK_OP_AND || at.a == PK_OP_OR;
    size_t length = 0;
    pk_node first = node;
    while (pk_at(cx, first)->kind == PK_AST_BINARY && !is_comparison(pk_at(cx, first)->a) &&
           (logic ? pk_at(cx, first)->a == at.a : pk_at(cx, first)->a > PK_OP_EXCEPT)) {
        first = pk_at(cx, first)->b;
        length++;
    }
    pk_node *spine = calloc(length + 1, sizeof *spine);
    if (!spine)
        return false;
    size_t n = 0;
    for (pk_node walk = node; n < length; walk = pk_at(cx, walk)->b)
        spine[n++] = walk;
    pk_ref field = logic ? 0 : pk_field_of_expr(cx, scope, node);
    pk_ref names = field ? field : expected;
    bool good = pk_lower(cx, scope, first, names, dst);
    pk_op jump = at.a == PK_OP_AND ? PK_OPC_JUMPF : PK_OPC_JUMPT;
    for (size_t i = n; good && i-- > 0;) {
        pk_ast_node step = *pk_at(cx, spine[i]);
        if (!logic) {
            good = pk_lower(cx, scope, step.c, names, dst + 1) &&
                   emit_arithmetic(cx, step.a, step.span, dst);
            continue;
        }
        uint32_t skip = cx->code->count + 1;
        good = pk_emit(cx, PK_OPC_TRUTH, dst, dst, 0, 0, 0) && pk_emit(cx, jump, dst, 0, 0, 0, 0) &&
               pk_lower(cx, scope, step.c, 0, dst) && pk_emit(cx, PK_OPC_TRUTH, dst, dst, 0, 0, 0);
        if (good)
            pk_emit_patch(cx, skip);
    }
    free(spine);
    return good;
}

/* A number for bytes that are read as one (ASN.1 integers) is the text of that codec. */
static bool is_number_text(pk_compiler *cx, pk_ref expected)
{
    if (!expected)
        return false;
    const pk_image_field *field = PK_AT(cx->builder, FLD, expected);
    return field->type == PK_TYPE_BYTES && field->codec &&
           pk_codec_find(pk_str(cx, field->codec)) == PK_CODEC_SINT;
}

static bool lower_number_text(pk_compiler *cx, pk_node node, const char *sign, uint64_t number,
                              pk_ref expected, unsigned dst)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%s%" PRIu64, sign, number);
    return pk_lower_string(cx, node, (pk_bytes){(const uint8_t *)text, (size_t)len}, expected, dst);
}

static bool lower_unary(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                        unsigned dst)
{
    const pk_ast_node value = *pk_at(cx, node), *at = &value;
    const pk_ast_node operand = *pk_at(cx, at->b);
    if (at->a == PK_OP_NEG && operand.kind == PK_AST_INT && is_number_text(cx, expected))
        return lower_number_text(cx, node, "-", operand.value, expected, dst);
    if (!pk_lower(cx, scope, at->b, at->a == PK_OP_NOT ? 0 : expected, dst))
        return false;
    pk_op op = at->a == PK_OP_NOT ? PK_OPC_NOT : at->a == PK_OP_NEG ? PK_OPC_NEG : PK_OPC_INVERT;
    return pk_emit(cx, op, dst, dst, 0, 0, 0);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool lower_blob(pk_compiler *cx, pk_blob blob, unsigned dst)
{
    pk_bytes bytes = pk_ast_blob_bytes(cx->ast, blob);
    pk_ref ref = pk_image_builder_blob(cx->builder, bytes.data, bytes.len);
    return pk_emit(cx, PK_OPC_BLOB, dst, 0, 0, ref, 0);
}

/* A number of bits that is no number of bytes is for leftovers, which end with a byte: the bits
 * stand at the end of the bytes. */
static bool lower_bits(pk_compiler *cx, const pk_ast_node *at, unsigned dst)
{
    pk_bytes bits = pk_ast_blob_bytes(cx->ast, at->a);
    unsigned shift = (unsigned)(-at->value % 8);
    pk_buf moved = {0};
    for (size_t i = 0; i < bits.len; i++) {
        unsigned above = i ? bits.data[i - 1] : 0;
        pk_buf_byte(&moved, (uint8_t)((above << 8 | bits.data[i]) >> shift));
    }
    pk_ref ref = pk_image_builder_blob(cx->builder, moved.data, moved.len);
    bool good = !moved.failed && pk_emit(cx, PK_OPC_BLOB, dst, 0, 0, ref, 0);
    pk_buf_free(&moved);
    return good;
}

static bool lower_slice(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *at, unsigned dst)
{
    bool good = pk_lower(cx, scope, at->a, 0, dst);
    good = good && (at->b ? pk_lower(cx, scope, at->b, 0, dst + 1)
                          : pk_emit(cx, PK_OPC_INT, dst + 1, 0, 0, 0, 0));
    good = good && (at->c ? pk_lower(cx, scope, at->c, 0, dst + 2)
                          : pk_emit(cx, PK_OPC_UNDEF, dst + 2, 0, 0, 0, 0));
    return good && pk_emit(cx, PK_OPC_SLICE, dst, dst, dst + 1, dst + 2, 0);
}

static bool lower_index(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                        unsigned dst)
{
    const pk_ast_node value = *pk_at(cx, node), *at = &value;
    const pk_scope *inside;
    uint32_t index;
    pk_node zip = pk_zip_element(cx, scope, node, &inside, &index);
    if (zip)
        return pk_lower_zip(cx, inside, zip, index, 0, expected, dst);
    return pk_lower(cx, scope, at->a, 0, dst) && pk_lower(cx, scope, at->b, 0, dst + 1) &&
           pk_emit(cx, PK_OPC_ELEMENT, dst, dst, dst + 1, 0, 0);
}

static bool lower_node(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                       unsigned dst)
{
    pk_ast_node at = *pk_at(cx, node);
    switch ((pk_ast_kind)at.kind) {
    case PK_AST_INT:
        if (is_number_text(cx, expected))
            return lower_number_text(cx, node, "", at.value, expected, dst);
        return pk_emit(cx, PK_OPC_INT, dst, 0, 0, 0, at.value);
    case PK_AST_DURATION:
        return pk_emit(cx, PK_OPC_INT, dst, 0, 0, 0, at.value);
    case PK_AST_RATE: {
        double rate;
        memcpy(&rate, &at.value, sizeof rate);
        uint64_t value = at.a ? (uint64_t)1 << 63 | (uint64_t)rate : (uint64_t)(rate * 1e6);
        return pk_emit(cx, PK_OPC_INT, dst, 0, 0, 0, value);
    }
    case PK_AST_IP4:
    case PK_AST_IP6:
        if (at.c)
            pk_meet_zone(cx, pk_ast_atom_text(cx->ast, at.c),
                         strlen(pk_ast_atom_text(cx->ast, at.c)), at.span);
        return at.b ? pk_lower_axis(cx, scope, node, expected, dst) : lower_blob(cx, at.a, dst);
    case PK_AST_MAC:
    case PK_AST_HEX:
        return lower_blob(cx, at.a, dst);
    case PK_AST_STRING:
        return pk_lower_string(cx, node, pk_ast_blob_bytes(cx->ast, at.a), expected, dst);
    case PK_AST_NAME:
        return pk_lower_name(cx, scope, node, expected, dst);
    case PK_AST_UNARY:
        return lower_unary(cx, scope, node, expected, dst);
    case PK_AST_BINARY:
        if (at.a == PK_OP_EXCEPT || pk_is_prefix(cx, scope, node, expected))
            return pk_lower_axis(cx, scope, node, expected, dst);
        return lower_binary(cx, scope, node, expected, dst);
    case PK_AST_COND:
        return lower_cond(cx, scope, &at, expected, dst);
    case PK_AST_CALL:
        return pk_lower_call(cx, scope, node, expected, dst);
    case PK_AST_MEMBER:
        return pk_lower_member(cx, scope, node, dst);
    case PK_AST_INDEX:
        return lower_index(cx, scope, node, expected, dst);
    case PK_AST_SLICE:
        return lower_slice(cx, scope, &at, dst);
    case PK_AST_RANGE:
    case PK_AST_LIST:
    case PK_AST_TUPLE:
        return pk_lower_axis(cx, scope, node, expected, dst);
    case PK_AST_NTH:
        return pk_not_built(cx, at.span, "`layer@n` in an expression");
    case PK_AST_BITS:
        return lower_bits(cx, &at, dst);
    default:
        pk_diag_report(cx->diags, PK_DIAG_WRONG_TYPE, at.span, "this is not a value");
        return false;
    }
}

bool pk_lower(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected, unsigned dst)
{
    if (cx->depth >= PK_DEPTH_LIMIT || dst + 4 >= PK_IMAGE_REGS) {
        pk_diag_report(cx->diags, PK_DIAG_EXPRESSION_DEPTH, pk_at(cx, node)->span,
                       "expression too deep (limit %d registers, %d expansions)", PK_IMAGE_REGS,
                       PK_DEPTH_LIMIT);
        pk_diag_help(cx->diags, "is a def using itself? otherwise name a part with `let`");
        return false;
    }
    cx->depth++;
    bool handled = false;
    bool good = !scope->view || pk_lower_viewing(cx, scope, node, expected, dst, &handled);
    if (good && !handled)
        good = lower_node(cx, scope, node, expected, dst);
    cx->depth--;
    return good;
}

bool pk_not_built(pk_compiler *cx, pk_span span, const char *what)
{
    pk_diag_report(cx->diags, PK_DIAG_NOT_BUILT_YET, span, "%s: not built yet", what);
    return false;
}
