/* `def answers(q)` in disjunctive form: each disjunct becomes a shape whose equations between the
 * two sides are hash keys and whose one-sided tests are guards. What is neither stays in `answers`
 * itself, which is evaluated on every candidate. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum { SHAPES = 16, LEAVES = 24 };

typedef struct leaf {
    pk_node node;
    bool negated;
} leaf;

typedef struct conjunct {
    leaf leaves[LEAVES];
    unsigned count;
} conjunct;

typedef struct disjunction {
    conjunct *parts;
    unsigned count;
    bool overflow;
} disjunction;

static void expand(pk_compiler *cx, pk_node node, bool negated, const disjunction *before,
                   disjunction *after);

static void add_leaf(const disjunction *before, pk_node node, bool negated, disjunction *after)
{
    for (unsigned i = 0; i < before->count; i++) {
        if (after->count == SHAPES || before->parts[i].count == LEAVES) {
            after->overflow = true;
            return;
        }
        conjunct *part = &after->parts[after->count++];
        *part = before->parts[i];
        part->leaves[part->count++] = (leaf){node, negated};
    }
}

static void expand_both(pk_compiler *cx, pk_node a, bool not_a, pk_node b, bool not_b,
                        const disjunction *before, disjunction *after)
{
    disjunction middle = {.parts = calloc(SHAPES, sizeof(conjunct))};
    if (middle.parts)
        expand(cx, a, not_a, before, &middle);
    if (middle.parts)
        expand(cx, b, not_b, &middle, after);
    after->overflow |= middle.overflow || !middle.parts;
    free(middle.parts);
}

/* Appends to `after` each conjunct of `before` joined with each disjunct of `node`. */
static void expand(pk_compiler *cx, pk_node node, bool negated, const disjunction *before,
                   disjunction *after)
{
    pk_ast_node at = *pk_at(cx, node);
    if (at.kind == PK_AST_UNARY && at.a == PK_OP_NOT) {
        expand(cx, at.b, !negated, before, after);
    } else if (at.kind == PK_AST_BINARY && (at.a == PK_OP_AND || at.a == PK_OP_OR)) {
        if ((at.a == PK_OP_AND) != negated) {
            expand_both(cx, at.b, negated, at.c, negated, before, after);
        } else {
            expand(cx, at.b, negated, before, after);
            expand(cx, at.c, negated, before, after);
        }
    } else if (at.kind == PK_AST_COND) {
        expand_both(cx, at.a, false, at.b, negated, before, after);
        expand_both(cx, at.a, true, at.c, negated, before, after);
    } else {
        add_leaf(before, node, negated, after);
    }
}

/* Which sides an expression reads. */
enum { READS_REPLY = 1, READS_SENT = 2 };

static unsigned sides(pk_compiler *cx, pk_ref layer, pk_node node)
{
    pk_ast_node at = *pk_at(cx, node);
    unsigned mask = 0;
    switch ((pk_ast_kind)at.kind) {
    case PK_AST_NAME: {
        pk_ref name = pk_text_of_atom(cx, at.a);
        pk_image_member member;
        if (strcmp(pk_str(cx, name), "q") == 0)
            return READS_SENT;
        return pk_member(cx, layer, name, &member) || pk_layer_by_name(cx, name) ||
                       strcmp(pk_str(cx, name), "below") == 0 ||
                       strcmp(pk_str(cx, name), "payload") == 0
                   ? READS_REPLY
                   : 0;
    }
    case PK_AST_UNARY:
    case PK_AST_ARG:
        return sides(cx, layer, at.b);
    case PK_AST_BINARY:
        return sides(cx, layer, at.b) | sides(cx, layer, at.c);
    case PK_AST_COND:
        return sides(cx, layer, at.a) | sides(cx, layer, at.b) | sides(cx, layer, at.c);
    case PK_AST_MEMBER:
    case PK_AST_NTH:
        return sides(cx, layer, at.a);
    case PK_AST_INDEX:
    case PK_AST_SLICE:
    case PK_AST_RANGE:
        mask = sides(cx, layer, at.a);
        if (at.b)
            mask |= sides(cx, layer, at.b);
        return mask;
    case PK_AST_CALL:
        for (pk_node arg = at.b; arg; arg = pk_at(cx, arg)->next)
            mask |= sides(cx, layer, arg);
        return mask | (pk_at(cx, at.a)->kind == PK_AST_MEMBER ? sides(cx, layer, at.a) : 0);
    case PK_AST_LIST:
    case PK_AST_TUPLE:
        for (pk_node element = at.a; element; element = pk_at(cx, element)->next)
            mask |= sides(cx, layer, element);
        return mask;
    default:
        return 0;
    }
}

/* The stimulus's side is evaluated in the stimulus itself: there `q` is this instance. */
static pk_scope sent_scope(pk_compiler *cx, pk_ref layer, pk_binding *q)
{
    *q = (pk_binding){.name = pk_ast_atom(cx->ast, "q", 1), .arg = UINT32_MAX};
    return (pk_scope){.bindings = q, .n_bindings = 1, .layer = layer, .other = layer};
}

static uint32_t echoed_slot(pk_compiler *cx, pk_ref layer, pk_node node)
{
    pk_ast_node at = *pk_at(cx, node);
    pk_image_member member;
    if (at.kind == PK_AST_MEMBER && pk_at(cx, at.a)->kind == PK_AST_NAME &&
        pk_member(cx, layer, pk_text_of_atom(cx, at.b), &member) && member.kind == PK_MEMBER_FIELD)
        return member.ref;
    return UINT32_MAX;
}

/* The field f in `q.f`, `q.f + E`, `E + q.f` and `q.f - E`, as far as E does not read it. */
static uint32_t term_slot(pk_compiler *cx, pk_ref layer, pk_node node)
{
    pk_ast_node at = *pk_at(cx, node);
    if (at.kind != PK_AST_BINARY || (at.a != PK_OP_ADD && at.a != PK_OP_SUB))
        return echoed_slot(cx, layer, node);
    uint32_t left = echoed_slot(cx, layer, at.b);
    uint32_t right = echoed_slot(cx, layer, at.c);
    if (left == right)
        return UINT32_MAX;
    return left != UINT32_MAX ? left : at.a == PK_OP_ADD ? right : UINT32_MAX;
}

static bool key_pair(pk_compiler *cx, pk_ref layer, const leaf *test, pk_image_key_pair *ret_pair)
{
    pk_ast_node at = *pk_at(cx, test->node);
    if (test->negated || at.kind != PK_AST_BINARY || at.a != PK_OP_EQ ||
        pk_is_set(cx, &(pk_scope){.layer = layer}, at.c, 0))
        return false;
    unsigned left = sides(cx, layer, at.b);
    unsigned right = sides(cx, layer, at.c);
    pk_node reply = left == READS_REPLY && right == READS_SENT ? at.b : at.c;
    pk_node sent = reply == at.b ? at.c : at.b;
    if ((left | right) != (READS_REPLY | READS_SENT) || left == right ||
        left == (READS_REPLY | READS_SENT) || right == (READS_REPLY | READS_SENT) || !left ||
        !right)
        return false;
    pk_binding q;
    pk_scope sent_side = sent_scope(cx, layer, &q);
    const pk_scope reply_side = {.layer = layer};
    ret_pair->reply = pk_lower_expr(cx, &reply_side, reply, 0, 0);
    ret_pair->sent = pk_lower_expr(cx, &sent_side, sent, 0, 0);
    ret_pair->echoed_slot = echoed_slot(cx, layer, sent);
    ret_pair->term_slot = term_slot(cx, layer, sent);
    return ret_pair->reply && ret_pair->sent;
}

/* "not a" or "a", after what there is. */
static void add_text(pk_compiler *cx, pk_buf *text, const leaf *test)
{
    pk_buf_printf(text, "%s%s%s", text->len ? " and " : "", test->negated ? "not " : "",
                  pk_str(cx, pk_text_of_node(cx, test->node)));
}

static pk_ref take_text(pk_compiler *cx, pk_buf *text)
{
    pk_ref ref = text->len ? pk_image_builder_text(cx->builder, pk_buf_cstr(text), text->len) : 0;
    pk_buf_free(text);
    return ref;
}

/* One expression for all tests of the conjunct that read just `side`; 0 when there is none. */
static pk_ref guard(pk_compiler *cx, pk_ref layer, const conjunct *part, unsigned side)
{
    pk_binding q;
    pk_scope scope = sent_scope(cx, layer, &q);
    pk_code code = {0};
    pk_code *outer = cx->code;
    cx->code = &code;
    uint32_t outs[LEAVES];
    unsigned n = 0;
    bool good = true;
    pk_buf text = {0};
    for (unsigned i = 0; good && i < part->count; i++) {
        const leaf *test = &part->leaves[i];
        if (sides(cx, layer, test->node) != side)
            continue;
        add_text(cx, &text, test);
        good = pk_lower(cx, &scope, test->node, 0, 0) &&
               pk_emit(cx, test->negated ? PK_OPC_NOT : PK_OPC_TRUTH, 0, 0, 0, 0, 0);
        outs[n++] = code.count;
        good = good && pk_emit(cx, PK_OPC_JUMPF, 0, 0, 0, 0, 0);
    }
    for (unsigned i = 0; good && i < n; i++)
        pk_emit_patch(cx, outs[i]);
    good = good && n && pk_emit(cx, PK_OPC_RET, 0, 0, 0, 0, 0);
    cx->code = outer;
    pk_ref ref = 0;
    pk_ref written = take_text(cx, &text);
    if (good)
        ref = pk_expr_put(cx, &code, layer, written, 0);
    free(code.insns);
    return ref;
}

static pk_image_shape shape_of(pk_compiler *cx, pk_ref layer, const conjunct *part)
{
    pk_image_key_pair pairs[LEAVES];
    pk_image_shape shape = {0};
    pk_buf residual = {0};
    for (unsigned i = 0; i < part->count; i++) {
        memset(&pairs[shape.n_keys], 0, sizeof *pairs);
        const leaf *test = &part->leaves[i];
        unsigned reads = sides(cx, layer, test->node);
        if (key_pair(cx, layer, test, &pairs[shape.n_keys]))
            shape.n_keys++;
        else if (reads != READS_REPLY && reads != READS_SENT)
            add_text(cx, &residual, test);
    }
    shape.residual = take_text(cx, &residual);
    shape.reply_guard = guard(cx, layer, part, READS_REPLY);
    shape.sent_guard = guard(cx, layer, part, READS_SENT);
    if (shape.n_keys) {
        shape.keys = PK_ADD(cx->builder, KYP, shape.n_keys);
        for (uint32_t i = 0; i < shape.n_keys; i++)
            *PK_AT(cx->builder, KYP, shape.keys + i) = pairs[i];
    }
    return shape;
}

void pk_lower_answers(pk_compiler *cx, pk_ref layer, pk_node def)
{
    disjunction start = {.parts = calloc(1, sizeof(conjunct)), .count = 1};
    disjunction all = {.parts = calloc(SHAPES, sizeof(conjunct))};
    pk_image_shape shapes[SHAPES];
    if (start.parts && all.parts)
        expand(cx, pk_at(cx, def)->c, false, &start, &all);
    if (all.overflow) {
        pk_diag_report(cx->diags, PK_DIAG_TOO_MANY, pk_at(cx, def)->span,
                       "too many alternatives in `answers` (limit %d)", SHAPES);
    } else if (all.parts) {
        for (unsigned i = 0; i < all.count; i++)
            shapes[i] = shape_of(cx, layer, &all.parts[i]);
        pk_ref first = PK_ADD(cx->builder, SHP, all.count);
        for (unsigned i = 0; i < all.count; i++)
            *PK_AT(cx->builder, SHP, first + i) = shapes[i];
        PK_AT(cx->builder, LAY, layer)->shapes = first;
        PK_AT(cx->builder, LAY, layer)->n_shapes = all.count;
    }
    free(start.parts);
    free(all.parts);
}
