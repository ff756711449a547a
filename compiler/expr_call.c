/* Calls in expressions: what the language gives (size, count, has, ..), native functions, type
 * names as constructors of bytes, methods of layers, and top-level defs, which expand in place. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static unsigned argument_count(pk_compiler *cx, pk_node args)
{
    return (unsigned)pk_ast_list_len(cx->ast, args);
}

static pk_node argument(pk_compiler *cx, pk_node args, unsigned n)
{
    for (; args && n; n--)
        args = pk_at(cx, args)->next;
    return args ? pk_at(cx, args)->b : 0;
}

static bool want(pk_compiler *cx, const pk_ast_node *call, const char *name, unsigned least,
                 unsigned most)
{
    unsigned n = argument_count(cx, call->b);
    if (n >= least && n <= most)
        return true;
    pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, call->span, "`%s` takes %u argument%s, not %u",
                   name, n < least ? least : most, (n < least ? least : most) == 1 ? "" : "s", n);
    return false;
}

/* The slot of a field named in `size(x)`, `has(x)`, `span(a, b)`. */
static bool slot_named(pk_compiler *cx, const pk_scope *scope, pk_node node, uint32_t *ret_slot)
{
    pk_ast_node at = *pk_at(cx, node);
    pk_image_member member;
    if (at.kind != PK_AST_NAME || !scope->layer ||
        !pk_member(cx, scope->layer, pk_text_of_atom(cx, at.a), &member) ||
        member.kind != PK_MEMBER_FIELD)
        return false;
    *ret_slot = member.ref;
    return true;
}

static bool named(pk_compiler *cx, pk_node node, const char *text)
{
    const pk_ast_node *at = pk_at(cx, node);
    return at->kind == PK_AST_NAME && strcmp(pk_ast_atom_text(cx->ast, at->a), text) == 0;
}

/* The size or the bytes of a packet inside an expression. */
static bool lower_packet(pk_compiler *cx, const pk_scope *scope, pk_node packet, pk_op op,
                         unsigned dst)
{
    pk_ref plan = pk_plan_alone(cx, scope, packet);
    return plan && pk_emit(cx, PK_OPC_PACKET, dst, 0, 0, plan, 0) &&
           pk_emit(cx, op, dst, dst, PK_PART_THIS, 0, 0);
}

/* size(x) and bytes(x) of a part of this instance, or of any value. */
static bool lower_extent(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call, pk_op op,
                         unsigned dst)
{
    if (!want(cx, call, op == PK_OPC_SIZE ? "size" : "bytes", 1, 1))
        return false;
    pk_node x = argument(cx, call->b, 0);
    pk_ast_node at = *pk_at(cx, x);
    pk_image_part part = PK_PART_THIS;
    uint32_t from = 0;
    uint32_t to = 0;
    bool own = false;
    if (scope->layer && named(cx, x, "this")) {
        own = true;
    } else if (scope->layer && named(cx, x, "head")) {
        own = true;
        part = PK_PART_HEAD;
    } else if (scope->layer && named(cx, x, "payload")) {
        own = true;
        part = PK_PART_PAYLOAD;
    } else if (slot_named(cx, scope, x, &from)) {
        own = true;
        part = PK_PART_FIELD;
    } else if (at.kind == PK_AST_CALL && named(cx, at.a, "span")) {
        if (!want(cx, &at, "span", 2, 2))
            return false;
        if (!slot_named(cx, scope, argument(cx, at.b, 0), &from) ||
            !slot_named(cx, scope, argument(cx, at.b, 1), &to)) {
            pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, at.span,
                           "`span` takes the names of two fields of this layer");
            return false;
        }
        own = true;
        part = PK_PART_SPAN;
    }
    if (!own && pk_is_packet(cx, scope, x))
        return lower_packet(cx, scope, x, op, dst);
    if (!own)
        return pk_lower(cx, scope, x, 0, dst) && pk_emit(cx, op, dst, dst, PK_PART_THIS, 0, 0);
    return pk_emit(cx, PK_OPC_SELF, dst, 0, 0, 0, 0) && pk_emit(cx, op, dst, dst, part, from, to);
}

static bool lower_size(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call,
                       unsigned dst)
{
    return lower_extent(cx, scope, call, PK_OPC_SIZE, dst);
}

static bool lower_bytes(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call,
                        unsigned dst)
{
    return lower_extent(cx, scope, call, PK_OPC_BYTES, dst);
}

static bool lower_count(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call,
                        unsigned dst)
{
    return want(cx, call, "count", 1, 1) && pk_lower(cx, scope, argument(cx, call->b, 0), 0, dst) &&
           pk_emit(cx, PK_OPC_COUNT, dst, dst, 0, 0, 0);
}

static bool lower_has(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call, unsigned dst)
{
    uint32_t slot;
    if (!want(cx, call, "has", 1, 1))
        return false;
    pk_node x = argument(cx, call->b, 0);
    if (!slot_named(cx, scope, x, &slot)) {
        pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, pk_at(cx, x)->span,
                       "`has` takes the name of a field of this layer");
        return false;
    }
    return pk_emit(cx, PK_OPC_HAS, dst, 0, 0, slot, 0);
}

static bool lower_find(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call,
                       unsigned dst)
{
    if (!want(cx, call, "find", 2, 2) || !pk_lower(cx, scope, argument(cx, call->b, 0), 0, dst))
        return false;
    pk_binding it = {.name = pk_ast_atom(cx->ast, "it", 2)};
    pk_scope inside = *scope;
    inside.outer = scope;
    inside.bindings = &it;
    inside.n_bindings = 1;
    pk_ref condition = pk_lower_expr(cx, &inside, argument(cx, call->b, 1), 0, 1);
    return condition && pk_emit(cx, PK_OPC_FIND, dst, dst, 0, 0, condition);
}

static bool lower_peek(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call,
                       unsigned dst)
{
    int64_t bits;
    if (!want(cx, call, "peek", 1, 1))
        return false;
    if (!pk_constant_int(cx, scope, argument(cx, call->b, 0), 0, &bits) || bits < 1 || bits > 64) {
        pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, call->span,
                       "`peek` takes a constant number of bits, 1 to 64");
        return false;
    }
    return pk_emit(cx, PK_OPC_PEEK, dst, 0, 0, (uint32_t)bits, 0);
}

static bool lower_scan(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call,
                       unsigned dst)
{
    pk_bytes bytes;
    if (!want(cx, call, "scan", 1, 1))
        return false;
    pk_node end = argument(cx, call->b, 0);
    if (!pk_constant_bytes(cx, scope, end, 0, &bytes) || !bytes.len) {
        pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, pk_at(cx, end)->span,
                       "what ends the bytes is a text, such as \"\\r\\n\"");
        return false;
    }
    pk_ref blob = pk_image_builder_blob(cx->builder, bytes.data, bytes.len);
    return pk_emit(cx, PK_OPC_SCAN, dst, 0, 0, blob, 0);
}

static bool lower_relation(pk_compiler *cx, const pk_ast_node *call, pk_op op, unsigned dst)
{
    if (!want(cx, call, op == PK_OPC_OVER ? "over" : "under", 1, 1))
        return false;
    pk_ast_node x = *pk_at(cx, argument(cx, call->b, 0));
    pk_ref name = x.kind == PK_AST_NAME ? pk_text_of_atom(cx, x.a) : 0;
    pk_ref layer = pk_layer_by_name(cx, name);
    if (!layer) {
        pk_report_unknown_layer(cx, x.span, name);
        return false;
    }
    return pk_emit(cx, op, dst, 0, 0, layer, 0);
}

static bool lower_over(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call,
                       unsigned dst)
{
    (void)scope;
    return lower_relation(cx, call, PK_OPC_OVER, dst);
}

static bool lower_under(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call,
                        unsigned dst)
{
    (void)scope;
    return lower_relation(cx, call, PK_OPC_UNDER, dst);
}

static const struct {
    const char *name;
    bool (*lower)(pk_compiler *, const pk_scope *, const pk_ast_node *, unsigned);
} builtins[] = {
    {"size", lower_size}, {"bytes", lower_bytes}, {"count", lower_count},
    {"has", lower_has},   {"find", lower_find},   {"peek", lower_peek},
    {"scan", lower_scan}, {"over", lower_over},   {"under", lower_under},
};

/* ---- natives, constructors, defs --------------------------------------------------------------
 */

static const struct {
    const char *name;
    unsigned least, most;
} natives[] = {
#define PK_FN(name, text, least, most, doc) {text, least, most},
#include "image/natives.def"
#undef PK_FN
};

static bool lower_arguments(pk_compiler *cx, const pk_scope *scope, pk_node args, unsigned dst,
                            unsigned *ret_count)
{
    unsigned n = 0;
    for (pk_node at = args; at; at = pk_at(cx, at)->next)
        if (!pk_lower(cx, scope, pk_at(cx, at)->b, 0, dst + n++))
            return false;
    *ret_count = n;
    return true;
}

static bool lower_native(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call,
                         unsigned fn, unsigned dst)
{
    unsigned n;
    return want(cx, call, natives[fn].name, natives[fn].least, natives[fn].most) &&
           lower_arguments(cx, scope, call->b, dst, &n) &&
           pk_emit(cx, PK_OPC_NATIVE, dst, dst, n, fn, 0);
}

/* u16(x), u32le(x): the integer's bytes. */
static bool constructor(const char *text, unsigned *ret_bits, unsigned *ret_le)
{
    if (*text != 'u')
        return false;
    char *end;
    unsigned long bits = strtoul(text + 1, &end, 10);
    *ret_le = strcmp(end, "le") == 0;
    *ret_bits = (unsigned)bits;
    return text[1] >= '1' && text[1] <= '9' && bits <= 64 && bits % 8 == 0 && (!*end || *ret_le);
}

static bool lower_def_call(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call,
                           const pk_symbol *symbol, pk_ref expected, unsigned dst)
{
    pk_ast_node def = *pk_at(cx, symbol->ref);
    unsigned n = (unsigned)pk_ast_list_len(cx->ast, def.b);
    if (!want(cx, call, pk_str(cx, symbol->name), n, n))
        return false;
    pk_binding *bindings = calloc(n + 1, sizeof *bindings);
    if (!bindings)
        return false;
    unsigned i = 0;
    for (pk_node formal = def.b; formal; formal = pk_at(cx, formal)->next, i++)
        bindings[i] = (pk_binding){
            .name = pk_at(cx, formal)->a, .value = argument(cx, call->b, i), .scope = scope};
    const pk_scope inside = {
        .bindings = bindings, .n_bindings = n, .layer = scope->layer, .view = scope->view};
    bool good = pk_lower(cx, &inside, def.c, expected, dst);
    free(bindings);
    return good;
}

/* An element of a set, drawn by a stream of its own. */
static bool lower_draw(pk_compiler *cx, const pk_scope *scope, pk_node set, pk_ref expected,
                       unsigned dst)
{
    uint32_t stream = ++cx->n_random;
    pk_ref made = pk_set_make(cx, scope, set, expected);
    if (!made)
        return false;
    pk_ref axis = PK_ADD(cx->builder, AXS, 1);
    PK_AT(cx->builder, AXS, axis)->set = made; /* dim 0: drawn from, never stepped */
    return pk_emit(cx, PK_OPC_RANDOM, dst, 0, 0, stream, axis);
}

/* `random`, `random(S)`, `random(u32)`: a stream of its own, reduced to the set or the width. */
static bool lower_random(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *at,
                         pk_ref expected, unsigned dst)
{
    pk_node set = at->kind == PK_AST_CALL ? argument(cx, at->b, 0) : 0;
    unsigned bits = expected ? PK_AT(cx->builder, FLD, expected)->bits : 0;
    unsigned le;
    if (set && pk_at(cx, set)->kind == PK_AST_NAME &&
        constructor(pk_ast_atom_text(cx->ast, pk_at(cx, set)->a), &bits, &le))
        set = 0;
    if (set)
        return lower_draw(cx, scope, set, expected, dst);
    uint32_t stream = ++cx->n_random;
    pk_type type = expected ? (pk_type)PK_AT(cx->builder, FLD, expected)->type : PK_TYPE_UINT;
    if (type == PK_TYPE_IP4 || type == PK_TYPE_MAC)
        return pk_emit(cx, PK_OPC_RANDOM, dst, 0, 0, stream, 0) &&
               pk_emit(cx, PK_OPC_ENCODE, dst, dst, 0, bits, 0);
    if (!pk_emit(cx, PK_OPC_RANDOM, dst, 0, 0, stream, 0))
        return false;
    if (bits == 0 || bits >= 64)
        return true;
    return pk_emit(cx, PK_OPC_INT, dst + 1, 0, 0, 0, ((uint64_t)1 << bits) - 1) &&
           pk_emit(cx, PK_OPC_AND, dst, dst, dst + 1, 0, 0);
}

/* Scapy's random values, by width. */
static bool scapy_random(const char *text, unsigned *ret_bits)
{
    static const struct {
        const char *name;
        unsigned bits;
    } known[] = {{"RandByte", 8},  {"RandShort", 16}, {"RandInt", 32},
                 {"RandLong", 64}, {"RandIP", 32},    {"RandMAC", 48}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(text, known[i].name) == 0) {
            *ret_bits = known[i].bits;
            return true;
        }
    return false;
}

static bool lower_scapy_random(pk_compiler *cx, const char *text, unsigned bits, unsigned dst)
{
    if (!pk_emit(cx, PK_OPC_RANDOM, dst, 0, 0, ++cx->n_random, 0))
        return false;
    if (strcmp(text, "RandIP") == 0 || strcmp(text, "RandMAC") == 0)
        return pk_emit(cx, PK_OPC_ENCODE, dst, dst, 0, bits, 0);
    if (bits == 64)
        return true;
    return pk_emit(cx, PK_OPC_INT, dst + 1, 0, 0, 0, ((uint64_t)1 << bits) - 1) &&
           pk_emit(cx, PK_OPC_AND, dst, dst, dst + 1, 0, 0);
}

/* mutate(bytes, flips=1..8): a number of random bits changed; how many is a number, or is drawn from
 * a set. */
static bool lower_mutate(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call,
                         unsigned dst)
{
    pk_ast_node what = call->b ? *pk_at(cx, call->b) : (pk_ast_node){0};
    pk_ast_node flips = what.next ? *pk_at(cx, what.next) : (pk_ast_node){0};
    if (!what.b || what.a || flips.next || (flips.a && !named(cx, flips.a, "flips"))) {
        pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, call->span,
                       "`mutate` takes bytes or a packet, and flips=");
        pk_diag_help(cx->diags, "mutate(tcp(), flips=1..8)");
        return false;
    }
    uint32_t key = ++cx->n_random;
    bool good = pk_is_packet(cx, scope, what.b) ? lower_packet(cx, scope, what.b, PK_OPC_BYTES, dst)
                                                : pk_lower(cx, scope, what.b, 0, dst);
    if (good && flips.b && pk_is_set(cx, scope, flips.b, 0))
        good = lower_draw(cx, scope, flips.b, 0, dst + 1);
    else if (good)
        good = flips.b ? pk_lower(cx, scope, flips.b, 0, dst + 1)
                       : pk_emit(cx, PK_OPC_INT, dst + 1, 0, 0, 0, 1);
    return good && pk_emit(cx, PK_OPC_RANDOM, dst + 2, 0, 0, key, 0) &&
           pk_emit(cx, PK_OPC_NATIVE, dst, dst, 3, PK_FN_FLIP_BITS, 0);
}

static bool lower_method(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call,
                         unsigned dst)
{
    pk_ast_node path = *pk_at(cx, call->a);
    pk_ref name = pk_text_of_atom(cx, path.b);
    unsigned n;
    bool good = named(cx, path.a, "below") && scope->layer
                    ? pk_emit(cx, PK_OPC_BELOW, dst, 0, 0, name, 0)
                    : pk_lower(cx, scope, path.a, 0, dst);
    return good && lower_arguments(cx, scope, call->b, dst + 1, &n) &&
           pk_emit(cx, PK_OPC_METHOD, dst, dst, n, name, 0);
}

static bool lower_own_def(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *call,
                          pk_ref name, unsigned dst)
{
    unsigned n;
    return pk_emit(cx, PK_OPC_SELF, dst, 0, 0, 0, 0) &&
           lower_arguments(cx, scope, call->b, dst + 1, &n) &&
           pk_emit(cx, PK_OPC_METHOD, dst, dst, n, name, 0);
}

bool pk_function_is_later(const char *text)
{
    static const char *const later[] = {"train", "fragment", "answer", "ephemeral", "local_net"};
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (strcmp(text, later[i]) == 0)
            return true;
    return false;
}

static bool report_unknown_function(pk_compiler *cx, pk_span span, const char *text)
{
    if (pk_function_is_later(text)) {
        pk_diag_report(cx->diags, PK_DIAG_NOT_BUILT_YET, span, "`%s()` is not built yet", text);
        return false;
    }
    pk_suggest suggest;
    pk_suggest_begin(&suggest, text);
    for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
        pk_suggest_offer(&suggest, builtins[i].name);
    for (size_t i = 0; i < sizeof natives / sizeof *natives; i++)
        pk_suggest_offer(&suggest, natives[i].name);
    pk_offer_layers(cx, &suggest);
    for (size_t i = 0; i < cx->cap_symbols; i++)
        if (cx->symbols[i].kind == PK_SYM_DEF)
            pk_suggest_offer(&suggest, pk_str(cx, cx->symbols[i].name));
    pk_diag_report(cx->diags, PK_DIAG_UNKNOWN_NAME, span, "there is no layer or function `%s`",
                   text);
    if (suggest.best)
        pk_diag_label(cx->diags, "did you mean `%s`?", suggest.best);
    return false;
}

bool pk_lower_call(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                   unsigned dst)
{
    pk_ast_node call = *pk_at(cx, node);
    if (call.kind == PK_AST_NAME)
        return lower_random(cx, scope, &call, expected, dst);
    pk_ast_node callee = *pk_at(cx, call.a);
    if (callee.kind == PK_AST_MEMBER)
        return lower_method(cx, scope, &call, dst);
    if (callee.kind != PK_AST_NAME)
        return pk_not_built(cx, call.span, "calling the result of an expression");
    pk_ref name = pk_text_of_atom(cx, callee.a);
    const char *text = pk_str(cx, name);
    pk_image_member member;
    if (scope->layer && pk_member(cx, scope->layer, name, &member) && member.kind == PK_MEMBER_DEF)
        return lower_own_def(cx, scope, &call, name, dst);
    const pk_symbol *symbol = pk_symbol_find(cx, name);
    if (symbol && symbol->kind == PK_SYM_DEF)
        return lower_def_call(cx, scope, &call, symbol, expected, dst);
    for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
        if (strcmp(text, builtins[i].name) == 0)
            return builtins[i].lower(cx, scope, &call, dst);
    if (pk_calls_set(cx, node, NULL))
        return pk_lower_axis(cx, scope, node, expected, dst);
    unsigned bits;
    unsigned le;
    for (unsigned i = 0; i < sizeof natives / sizeof *natives; i++)
        if (strcmp(text, natives[i].name) == 0)
            return lower_native(cx, scope, &call, i, dst);
    if (strcmp(text, "mutate") == 0)
        return lower_mutate(cx, scope, &call, dst);
    if (strcmp(text, "random") == 0)
        return lower_random(cx, scope, &call, expected, dst);
    if (scapy_random(text, &bits))
        return lower_scapy_random(cx, text, bits, dst);
    if (constructor(text, &bits, &le))
        return want(cx, &call, text, 1, 1) &&
               pk_lower(cx, scope, argument(cx, call.b, 0), 0, dst) &&
               pk_emit(cx, PK_OPC_ENCODE, dst, dst, le, bits, 0);
    if (symbol && symbol->kind == PK_SYM_LAYER) {
        pk_diag_report(cx->diags, PK_DIAG_WRONG_TYPE, call.span,
                       "a packet cannot stand here, a value is expected");
        return false;
    }
    return !pk_report_no_packet(cx, node) && report_unknown_function(cx, callee.span, text);
}
