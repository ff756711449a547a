/* Patterns: a packet expression behind `answer` or `listen` becomes layers with a condition each, a
 * list of them alternatives. And `where`, whose equations between the reply and the stimulus are
 * what stimuli are looked up by. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum { TESTS = 64, ALTERNATIVES = 64, PENDING = 256, KEYS = 24 };

/* ---- the condition of a layer -----------------------------------------------------------------
 */

typedef struct tests {
    uint32_t outs[TESTS]; /* jumps to the end, taken when a test fails */
    unsigned count;
} tests;

/* Ends the test whose result is in register 0. */
static bool test_end(pk_compiler *cx, tests *t, pk_span span)
{
    if (t->count == TESTS) {
        pk_diag_report(cx->diags, PK_DIAG_TOO_MANY, span,
                       "too many fields of one layer in a pattern (limit %d)", TESTS);
        return false;
    }
    t->outs[t->count++] = cx->code->count;
    return pk_emit(cx, PK_OPC_JUMPF, 0, 0, 0, 0, 0);
}

/* Register 0 = register 1 is `value`, or in it where that is a set. */
static bool test_value(pk_compiler *cx, const pk_scope *scope, pk_ref field, pk_node value)
{
    if (pk_is_set(cx, scope, value, field)) {
        pk_ref set = pk_set_make(cx, scope, value, field);
        return set && pk_emit(cx, PK_OPC_IN, 0, 1, 0, set, 0);
    }
    return pk_lower(cx, scope, value, field, 2) && pk_emit(cx, PK_OPC_EQ, 0, 1, 2, 0, 0);
}

/* A path as it is walked: the layer whose names come next, and the field at hand. */
typedef struct walk {
    pk_ref layer, field;
} walk;

static bool path_step(pk_compiler *cx, walk *at, pk_ref name, bool first, pk_span span)
{
    pk_image_member member;
    if (!at->layer || !pk_member(cx, at->layer, name, &member)) {
        pk_report_unknown_field(cx, span, at->layer ? at->layer : 1, name);
        return false;
    }
    bool own = first && member.kind == PK_MEMBER_FIELD;
    if (first && !own && !pk_emit(cx, PK_OPC_SELF, 1, 0, 0, 0, 0))
        return false;
    if (own ? !pk_emit(cx, PK_OPC_SLOT, 1, 0, 0, member.ref, 0)
            : !pk_emit(cx, PK_OPC_GET, 1, 1, 0, name, 0))
        return false;
    at->field = member.kind == PK_MEMBER_FIELD ? pk_field_of_slot(cx, at->layer, member.ref) : 0;
    at->layer = at->field                       ? PK_AT(cx->builder, FLD, at->field)->sub
                : member.kind == PK_MEMBER_CASE ? member.ref
                                                : 0;
    return true;
}

/* `options.message_type`: the names from the left, into register 1. */
static bool lower_path(pk_compiler *cx, pk_node path, walk *at)
{
    pk_node names[PK_IMAGE_PATTERN_STEPS];
    unsigned n = 0;
    for (; pk_at(cx, path)->kind == PK_AST_MEMBER && n + 1 < PK_IMAGE_PATTERN_STEPS;
         path = pk_at(cx, path)->a)
        names[n++] = path;
    if (pk_at(cx, path)->kind != PK_AST_NAME)
        return pk_not_built(cx, pk_at(cx, path)->span, "this path in a pattern");
    pk_ref name = pk_text_of_atom(cx, pk_at(cx, path)->a);
    if (!path_step(cx, at, name, true, pk_at(cx, path)->span))
        return false;
    while (n--) {
        const pk_ast_node *member = pk_at(cx, names[n]);
        pk_span span = member->span;
        if (!path_step(cx, at, pk_text_of_atom(cx, member->b), false, span))
            return false;
    }
    return true;
}

/* A case that is compared stands for its first field. */
static bool enter_case(pk_compiler *cx, walk *at)
{
    if (at->field || !at->layer)
        return true;
    at->field = pk_positional(cx, at->layer, 0);
    return !at->field ||
           pk_emit(cx, PK_OPC_GET, 1, 1, 0, PK_AT(cx->builder, FLD, at->field)->name, 0);
}

static bool is_left_open(pk_compiler *cx, pk_node value)
{
    const pk_ast_node *at = pk_at(cx, value);
    const char *text = at->kind == PK_AST_NAME ? pk_ast_atom_text(cx->ast, at->a) : "";
    return strcmp(text, "None") == 0 || strcmp(text, "auto") == 0;
}

static bool test_argument(pk_compiler *cx, const pk_scope *scope, pk_ref layer, pk_node node,
                          unsigned position, tests *t)
{
    pk_ast_node arg = *pk_at(cx, node);
    walk at = {.layer = layer};
    if (is_left_open(cx, arg.b))
        return true;
    if (arg.a) {
        if (!lower_path(cx, arg.a, &at))
            return false;
    } else {
        at.field = pk_positional(cx, layer, position);
        if (!at.field) {
            pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT_COUNT, arg.span,
                           "too many arguments: `%s` has %u field%s",
                           pk_str(cx, PK_AT(cx->builder, LAY, layer)->name), position,
                           position == 1 ? "" : "s");
            return false;
        }
        if (!pk_emit(cx, PK_OPC_SLOT, 1, 0, 0, PK_AT(cx->builder, FLD, at.field)->slot, 0))
            return false;
    }
    return enter_case(cx, &at) && test_value(cx, scope, at.field, arg.b) &&
           test_end(cx, t, arg.span);
}

/* The values that come with an alias, as far as they are on the wire. */
static bool test_presets(pk_compiler *cx, pk_ref plan, tests *t, pk_span span)
{
    const pk_image_plan at = plan ? *PK_AT(cx->builder, PLN, plan) : (pk_image_plan){0};
    for (uint32_t i = 0; i < at.n_givens; i++) {
        const pk_image_given given = *PK_AT(cx->builder, GIV, at.givens + i);
        pk_ref field = pk_field_of_slot(cx, at.ref, given.slot);
        if (given.kind != PK_GIVEN_VALUE || !field ||
            PK_AT(cx->builder, FLD, field)->flags & PK_FIELD_PARAM)
            continue;
        const pk_image_expr expr = *PK_AT(cx->builder, EXP, given.ref);
        if (!(expr.flags & PK_EXPR_CONST))
            continue;
        const pk_insn insn = *PK_AT(cx->builder, CODE, expr.start);
        if (!pk_emit(cx, PK_OPC_SLOT, 1, 0, 0, given.slot, 0) ||
            !pk_emit(cx, (pk_op)insn.op, 2, insn.b, insn.c, insn.d, insn.e) ||
            !pk_emit(cx, PK_OPC_EQ, 0, 1, 2, 0, 0) || !test_end(cx, t, span))
            return false;
    }
    return true;
}

/* The condition of `layer(args)` in *ret_expr, 0 when there is none. */
static bool condition(pk_compiler *cx, const pk_scope *scope, pk_ref layer, pk_ref presets,
                      pk_node call, pk_ref *ret_expr)
{
    pk_ast_node at = *pk_at(cx, call);
    pk_code code = {0};
    pk_code *outer = cx->code;
    tests t = {.count = 0};
    unsigned position = 0;
    cx->code = &code;
    bool good = test_presets(cx, presets, &t, at.span);
    for (pk_node arg = at.kind == PK_AST_CALL ? at.b : 0; arg; arg = pk_at(cx, arg)->next) {
        good &= test_argument(cx, scope, layer, arg, position, &t);
        position += !pk_at(cx, arg)->a;
    }
    for (unsigned i = 0; good && i < t.count; i++)
        pk_emit_patch(cx, t.outs[i]);
    good = good && pk_emit(cx, PK_OPC_RET, 0, 0, 0, 0, 0);
    cx->code = outer;
    *ret_expr = good && t.count ? pk_expr_put(cx, &code, layer, pk_text_of_node(cx, call), 0) : 0;
    free(code.insns);
    return good;
}

/* ---- patterns ---------------------------------------------------------------------------------
 */

/* What of an expression is still to be read, the leftmost last. */
typedef struct pending {
    struct {
        pk_node node;
        const pk_scope *scope;
    } list[PENDING];
    unsigned count;
} pending;

static bool pending_add(pk_compiler *cx, pending *p, pk_node node, const pk_scope *scope)
{
    if (p->count == PENDING) {
        pk_diag_report(cx->diags, PK_DIAG_TOO_MANY, pk_at(cx, node)->span,
                       "too many layers in a pattern (limit %d)", PK_IMAGE_PATTERN_STEPS);
        return false;
    }
    p->list[p->count].node = node;
    p->list[p->count++].scope = scope;
    return true;
}

typedef struct steps {
    pk_image_pattern_step list[PK_IMAGE_PATTERN_STEPS];
    unsigned count;
    bool gap;
} steps;

static bool not_a_layer(pk_compiler *cx, pk_span span)
{
    pk_diag_report(cx->diags, PK_DIAG_NOT_A_PACKET, span, "a pattern is made of layers");
    pk_diag_help(cx->diags, "such as ip(src=10.0.0.0/8)/.../dns(qr=1)");
    return false;
}

static bool add_layer(pk_compiler *cx, const pk_scope *scope, pk_node node, steps *s)
{
    pk_ast_node at = *pk_at(cx, node);
    pk_node callee = at.kind == PK_AST_CALL ? at.a : node;
    if (pk_at(cx, callee)->kind != PK_AST_NAME)
        return not_a_layer(cx, at.span);
    pk_ref name = pk_text_of_atom(cx, pk_at(cx, callee)->a);
    const pk_symbol *symbol = pk_symbol_find(cx, name);
    if (!symbol) {
        pk_report_unknown_layer(cx, pk_at(cx, callee)->span, name);
        return false;
    }
    if (symbol->kind != PK_SYM_LAYER)
        return not_a_layer(cx, at.span);
    if (s->count == PK_IMAGE_PATTERN_STEPS) {
        pk_diag_report(cx->diags, PK_DIAG_TOO_MANY, at.span,
                       "too many layers in a pattern (limit %d)", PK_IMAGE_PATTERN_STEPS);
        return false;
    }
    pk_ref layer = symbol->ref;
    pk_ref presets = symbol->index ? PK_AT(cx->builder, ALI, symbol->index)->plan : 0;
    pk_image_pattern_step step = {.layer = layer, .gap = s->gap && s->count};
    s->gap = false;
    if (!condition(cx, scope, layer, presets, node, &step.condition))
        return false;
    s->list[s->count++] = step;
    return true;
}

static bool read_steps(pk_compiler *cx, const pk_scope *scope, pk_node node, steps *s)
{
    pending p = {.count = 0};
    bool good = pending_add(cx, &p, node, scope);
    while (good && p.count) {
        p.count--;
        scope = p.list[p.count].scope;
        node = pk_resolve(cx, scope, p.list[p.count].node, &scope);
        pk_ast_node at = *pk_at(cx, node);
        if (at.kind == PK_AST_BINARY && at.a == PK_OP_DIV)
            good = pending_add(cx, &p, at.c, scope) && pending_add(cx, &p, at.b, scope);
        else if (at.kind == PK_AST_SKIP)
            s->gap = true;
        else
            good = add_layer(cx, scope, node, s);
    }
    return good;
}

static pk_image_pattern pattern_of(pk_compiler *cx, const pk_scope *scope, pk_node node)
{
    steps s = {.count = 0};
    pk_image_pattern pattern = {0};
    if (!read_steps(cx, scope, node, &s))
        return pattern;
    if (!s.count) {
        (void)not_a_layer(cx, pk_at(cx, node)->span);
        return pattern;
    }
    pattern.text = pk_text_of_node(cx, node);
    pattern.n_steps = s.count;
    pattern.steps = PK_PUT(cx->builder, PST, s.list, s.count);
    return pattern;
}

bool pk_patterns_add(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_patterns *patterns)
{
    pending p = {.count = 0};
    bool good = pending_add(cx, &p, node, scope);
    while (good && p.count) {
        p.count--;
        const pk_scope *inner = p.list[p.count].scope;
        pk_node choice = pk_resolve(cx, inner, p.list[p.count].node, &inner);
        pk_ast_node at = *pk_at(cx, choice);
        if (at.kind == PK_AST_LIST) {
            unsigned first = p.count;
            for (pk_node one = at.a; good && one; one = pk_at(cx, one)->next)
                good = pending_add(cx, &p, one, inner);
            for (unsigned i = first, k = p.count; i + 1 < k; i++) {
                pk_node keep = p.list[i].node;
                p.list[i].node = p.list[--k].node;
                p.list[k].node = keep;
            }
            continue;
        }
        if (patterns->count == PK_PATTERNS_LIMIT) {
            pk_diag_report(cx->diags, PK_DIAG_TOO_MANY, at.span,
                           "too many patterns in one clause (limit %d)", PK_PATTERNS_LIMIT);
            return false;
        }
        pk_image_pattern *pattern = &patterns->list[patterns->count];
        *pattern = pattern_of(cx, inner, choice);
        good = pattern->n_steps != 0;
        patterns->count += good;
    }
    return good;
}

void pk_patterns_write(pk_compiler *cx, const pk_patterns *patterns, pk_ref *ret_first,
                       uint32_t *ret_count)
{
    *ret_count = patterns->count;
    *ret_first = patterns->count ? PK_PUT(cx->builder, PAT, patterns->list, patterns->count) : 0;
}

/* ---- where ------------------------------------------------------------------------------------
 */

enum { READS_REPLY = 1, READS_SENT = 2 };

/* Which of the two packets an expression reads. */
static unsigned packets_of(pk_compiler *cx, pk_node node)
{
    pk_node stack[PENDING] = {node};
    unsigned count = 1, mask = 0;
    while (count) {
        pk_ast_node at = *pk_at(cx, stack[--count]);
        const char *text = at.kind == PK_AST_NAME ? pk_ast_atom_text(cx->ast, at.a) : "";
        pk_node links[3] = {0, 0, 0};
        if (strcmp(text, "reply") == 0)
            mask |= READS_REPLY;
        else if (strcmp(text, "sent") == 0)
            mask |= READS_SENT;
        else if (at.kind == PK_AST_MEMBER || at.kind == PK_AST_NTH)
            links[0] = at.a;
        else if (at.kind == PK_AST_UNARY)
            links[0] = at.b;
        else if (at.kind == PK_AST_BINARY)
            links[0] = at.b, links[1] = at.c;
        else if (at.kind == PK_AST_INDEX || at.kind == PK_AST_SLICE)
            links[0] = at.a, links[1] = at.b, links[2] = at.c;
        else if (at.kind != PK_AST_INT && at.kind != PK_AST_NAME)
            return 0; /* whatever it is, it is no side of an equation */
        for (unsigned i = 0; i < 3; i++)
            if (links[i] && count < PENDING)
                stack[count++] = links[i];
    }
    return mask;
}

static pk_ref side_of(pk_compiler *cx, const pk_scope *scope, const char *name, pk_node node)
{
    const pk_binding packet = {.name = pk_ast_atom(cx->ast, name, strlen(name))};
    const pk_scope inside = {.outer = scope, .bindings = &packet, .n_bindings = 1};
    pk_ref expr = pk_lower_expr(cx, &inside, node, 0, 1);
    pk_ref text = pk_text_of_node(cx, node);
    if (expr)
        PK_AT(cx->builder, EXP, expr)->text = text;
    return expr;
}

/* `reply.x == sent.y`, either way round. */
static bool equation(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *at,
                     pk_image_key_pair *ret_pair)
{
    if (at->kind != PK_AST_BINARY || at->a != PK_OP_EQ)
        return false;
    unsigned left = packets_of(cx, at->b), right = packets_of(cx, at->c);
    if (left + right != READS_REPLY + READS_SENT || !left || !right)
        return false;
    pk_node reply = left == READS_REPLY ? at->b : at->c;
    *ret_pair =
        (pk_image_key_pair){.reply = side_of(cx, scope, "reply", reply),
                            .sent = side_of(cx, scope, "sent", reply == at->b ? at->c : at->b),
                            .echoed_slot = UINT32_MAX,
                            .term_slot = UINT32_MAX};
    return ret_pair->reply && ret_pair->sent;
}

static uint32_t equations(pk_compiler *cx, const pk_scope *scope, pk_node node,
                          pk_image_key_pair pairs[KEYS])
{
    pk_node stack[PENDING] = {node};
    unsigned count = 1;
    uint32_t n = 0;
    while (count && n < KEYS) {
        pk_ast_node at = *pk_at(cx, stack[--count]);
        bool both = at.kind == PK_AST_BINARY && at.a == PK_OP_AND;
        if (both && count + 2 <= PENDING) {
            stack[count++] = at.c;
            stack[count++] = at.b;
        } else if (!both) {
            n += equation(cx, scope, &at, &pairs[n]);
        }
    }
    return n;
}

bool pk_lower_where(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_image_probe *probe)
{
    const pk_binding packets[] = {{.name = pk_ast_atom(cx->ast, "reply", 5), .arg = 0},
                                  {.name = pk_ast_atom(cx->ast, "sent", 4), .arg = 1}};
    const pk_scope inside = {.outer = scope, .bindings = packets, .n_bindings = 2};
    pk_image_key_pair pairs[KEYS];
    probe->where = pk_lower_expr(cx, &inside, node, 0, 2);
    if (!probe->where)
        return false;
    PK_AT(cx->builder, EXP, probe->where)->text = pk_text_of_node(cx, node);
    probe->n_keys = equations(cx, scope, node, pairs);
    probe->keys = probe->n_keys ? PK_PUT(cx->builder, KYP, pairs, probe->n_keys) : 0;
    return true;
}
