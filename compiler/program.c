/* What a program adds to the layers: probes with their options, checks. One table says
 * which clauses there are, what they take and which of them later stages still have to build. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- clauses ----------------------------------------------------------------------------------
 */

typedef enum clause_use {
    CLAUSE_OPTION, /* of a probe, with a value */
    CLAUSE_WORD,   /* of a probe, with a word or a value */
    CLAUSE_SWITCH, /* of a probe, without a value */
    CLAUSE_FILTER, /* of a probe, with the text of a capture filter */
    CLAUSE_PART,   /* of a probe, with `I/N` */
    CLAUSE_RANGE,  /* of a probe, with a value or `A..B` */
    CLAUSE_SEND,
    CLAUSE_ANSWER,
    CLAUSE_LISTEN,
    CLAUSE_PROBE,
    CLAUSE_CHECK,
    CLAUSE_VIEW,
    CLAUSE_LATER /* not built yet: an error */
} clause_use;

static const struct {
    const char *name;
    clause_use use;
} clauses[] = {
    {"send", CLAUSE_SEND},        {"probe", CLAUSE_PROBE},    {"check", CLAUSE_CHECK},
    {"timeout", CLAUSE_OPTION},   {"retry", CLAUSE_OPTION},   {"rate", CLAUSE_WORD},
    {"inter", CLAUSE_RANGE},      {"count", CLAUSE_WORD},     {"loops", CLAUSE_OPTION},
    {"order", CLAUSE_WORD},       {"seed", CLAUSE_OPTION},    {"iface", CLAUSE_WORD},
    {"collect", CLAUSE_WORD},     {"view", CLAUSE_VIEW},      {"flow", CLAUSE_LATER},
    {"respond", CLAUSE_LATER},    {"listen", CLAUSE_LISTEN},  {"answer", CLAUSE_ANSWER},
    {"stateless", CLAUSE_SWITCH}, {"rtt", CLAUSE_WORD},       {"burst", CLAUSE_OPTION},
    {"duration", CLAUSE_OPTION},  {"shard", CLAUSE_PART},     {"threads", CLAUSE_LATER},
    {"discard", CLAUSE_SWITCH},   {"capture", CLAUSE_FILTER}, {"canary", CLAUSE_LATER},
    {"stop", CLAUSE_LATER},       {"pace", CLAUSE_LATER},     {"speed", CLAUSE_LATER},
    {"save", CLAUSE_WORD},        {"guard", CLAUSE_WORD},     {"where", CLAUSE_LATER},
    {"sniff", CLAUSE_LATER},
};

static bool is_option(clause_use use)
{
    return use == CLAUSE_OPTION || use == CLAUSE_WORD || use == CLAUSE_SWITCH ||
           use == CLAUSE_PART || use == CLAUSE_RANGE || use == CLAUSE_FILTER;
}

static const char *clause_text(pk_compiler *cx, const pk_ast_node *at)
{
    return pk_ast_atom_text(cx->ast, at->a);
}

/* Finds the clause, or reports and returns false. */
static bool clause_find(pk_compiler *cx, const char *text, pk_span span, clause_use *ret_use)
{
    pk_suggest suggest;
    pk_suggest_begin(&suggest, text);
    for (size_t i = 0; i < sizeof clauses / sizeof *clauses; i++) {
        pk_suggest_offer(&suggest, clauses[i].name);
        if (strcmp(text, clauses[i].name) == 0) {
            *ret_use = clauses[i].use;
            return true;
        }
    }
    span.hi = span.lo + (uint32_t)strlen(text);
    pk_diag_report(cx->diags, PK_DIAG_UNKNOWN_CLAUSE, span, "there is no clause `%s`", text);
    if (suggest.best)
        pk_diag_label(cx->diags, "did you mean `%s`?", suggest.best);
    return false;
}

static bool clause_later(pk_compiler *cx, const char *text, pk_span span, clause_use use)
{
    span.hi = span.lo + (uint32_t)strlen(text);
    if (use == CLAUSE_LATER) {
        pk_diag_report(cx->diags, PK_DIAG_NOT_BUILT_YET, span, "`%s` is not built yet", text);
        return true;
    }
    return false;
}

/* ---- probes -----------------------------------------------------------------------------------
 */

enum { PROBE_OPTIONS = 32, PROBE_LETS = 64 };

typedef struct probe {
    pk_image_probe record;
    pk_image_option options[PROBE_OPTIONS];
    bool sends;
    pk_span stateless; /* where that was asked for */
    pk_patterns answer, listen;
    pk_binding lets[PROBE_LETS]; /* names that hold inside the block */
    pk_scope scope;
} probe;

static pk_ref option_value(pk_compiler *cx, const pk_scope *scope, pk_node value, clause_use use)
{
    const pk_scope *bound_in;
    pk_ast_node at = *pk_at(cx, value);
    const pk_symbol *symbol =
        at.kind == PK_AST_NAME ? pk_symbol_find(cx, pk_text_of_atom(cx, at.a)) : NULL;
    if (use == CLAUSE_WORD && at.kind == PK_AST_NAME &&
        (!symbol || symbol->kind == PK_SYM_LAYER) && /* `guard tcp` */
        !pk_binding_find(scope, at.a, &bound_in)) {
        const char *word = pk_ast_atom_text(cx->ast, at.a);
        return pk_expr_bytes(cx, word, strlen(word));
    }
    if (pk_is_set(cx, scope, value, 0)) {
        pk_diag_report(cx->diags, PK_DIAG_SET_NOT_ALLOWED, at.span,
                       "this clause takes one value, not a set");
        return 0;
    }
    return pk_lower_expr(cx, scope, value, 0, 0);
}

static void add_option(pk_compiler *cx, probe *p, pk_ref name, pk_node value, clause_use use)
{
    pk_ref expr = value ? option_value(cx, &p->scope, value, use) : 0;
    if (p->record.n_options < sizeof p->options / sizeof *p->options && (expr || !value))
        p->options[p->record.n_options++] = (pk_image_option){name, expr};
}

/* `shard I/N` is two options of the image. */
static void add_part(pk_compiler *cx, probe *p, pk_ref name, const char *text, pk_node value)
{
    pk_ast_node at = *pk_at(cx, value);
    if (at.kind != PK_AST_BINARY || at.a != PK_OP_DIV) {
        pk_diag_report(cx->diags, PK_DIAG_CLAUSE_VALUE, at.span, "`%s` takes a part of a number",
                       text);
        pk_diag_label(cx->diags, "such as 0/8, the first of eight");
        return;
    }
    char whole[32]; /* names of clauses are short */
    int len = snprintf(whole, sizeof whole, "%ss", text);
    add_option(cx, p, name, at.b, CLAUSE_PART);
    add_option(cx, p, pk_image_builder_text(cx->builder, whole, (size_t)len), at.c, CLAUSE_PART);
}

static void probe_pattern(pk_compiler *cx, probe *p, clause_use use, pk_span span, pk_node value)
{
    if (value)
        (void)pk_patterns_add(cx, &p->scope, value, use == CLAUSE_ANSWER ? &p->answer : &p->listen);
    else
        pk_diag_report(cx->diags, PK_DIAG_CLAUSE_VALUE, span,
                       "`%s` takes a pattern: ip()/.../dns(qr=1)",
                       use == CLAUSE_ANSWER ? "answer" : "listen");
}

static void probe_where(pk_compiler *cx, probe *p, pk_span span, pk_node condition)
{
    if (p->record.where)
        pk_diag_report(cx->diags, PK_DIAG_CLAUSE_TWICE, span, "`where` is given twice");
    else
        (void)pk_lower_where(cx, &p->scope, condition, &p->record);
}

/* `inter A..B` is two options as well. */
static void add_range(pk_compiler *cx, probe *p, pk_ref name, const char *text, pk_node value)
{
    pk_ast_node at = *pk_at(cx, value);
    bool range = at.kind == PK_AST_RANGE && !at.c;
    add_option(cx, p, name, range ? at.a : value, CLAUSE_OPTION);
    char most[32];
    int len = snprintf(most, sizeof most, "%s..", text);
    if (range)
        add_option(cx, p, pk_image_builder_text(cx->builder, most, (size_t)len), at.b,
                   CLAUSE_OPTION);
}

/* The text is compiled here, for links with and without an Ethernet header; where only one of the two
 * can be, the other is left out. */
static void add_filter(pk_compiler *cx, probe *p, const char *text, pk_node value)
{
    static const struct {
        uint32_t linktype;
        const char *suffix;
    } kinds[] = {{1, ""}, {101, "s"}};
    pk_ast_node at = *pk_at(cx, value);
    pk_buf why = {0};
    bool any = false;
    if (at.kind != PK_AST_STRING || !cx->options->filter) {
        pk_diag_report(cx->diags, PK_DIAG_CLAUSE_VALUE, at.span, "`%s` takes a filter in quotes",
                       text);
        pk_diag_label(cx->diags, "such as \"tcp port 80\", see pcap-filter(7)");
        return;
    }
    pk_bytes bytes = pk_ast_blob_bytes(cx->ast, at.a);
    pk_buf filter = {0};
    pk_buf_add(&filter, bytes.data, bytes.len);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        pk_buf program = {0};
        char name[32];
        int len = snprintf(name, sizeof name, "%s%s", text, kinds[i].suffix);
        pk_buf_clear(&why);
        if (cx->options->filter(pk_buf_cstr(&filter), kinds[i].linktype, &program, &why) &&
            p->record.n_options < PROBE_OPTIONS) {
            pk_ref ref = pk_image_builder_text(cx->builder, name, (size_t)len);
            p->options[p->record.n_options++] =
                (pk_image_option){ref, pk_expr_bytes(cx, (const char *)program.data, program.len)};
            any = true;
        }
        pk_buf_free(&program);
    }
    if (!any)
        pk_diag_report(cx->diags, PK_DIAG_CLAUSE_VALUE, at.span, "`%s`: %s, see pcap-filter(7)",
                       text, pk_buf_cstr(&why));
    pk_buf_free(&why);
    pk_buf_free(&filter);
}

static void probe_option(pk_compiler *cx, probe *p, pk_atom name, pk_span span, pk_node value)
{
    const char *text = pk_ast_atom_text(cx->ast, name);
    clause_use use;
    if (!clause_find(cx, text, span, &use) || clause_later(cx, text, span, use))
        return;
    if (use == CLAUSE_ANSWER || use == CLAUSE_LISTEN) {
        probe_pattern(cx, p, use, span, value);
        return;
    }
    if (!is_option(use)) {
        pk_diag_report(cx->diags, PK_DIAG_CLAUSE_PLACE, span, "`%s` cannot stand here", text);
        return;
    }
    if ((use == CLAUSE_SWITCH) != !value) {
        pk_diag_report(cx->diags, PK_DIAG_CLAUSE_VALUE, span, "`%s` takes %s", text,
                       value ? "no value" : "a value");
        return;
    }
    if (value && pk_unit_missing(cx, text, value))
        return;
    if (strcmp(text, "stateless") == 0)
        p->stateless = span;
    pk_ref ref = pk_text_of_atom(cx, name);
    for (uint32_t i = 0; i < p->record.n_options; i++) {
        if (p->options[i].name == ref) {
            pk_diag_report(cx->diags, PK_DIAG_CLAUSE_TWICE, span, "`%s` is given twice", text);
            return;
        }
    }
    if (use == CLAUSE_FILTER)
        add_filter(cx, p, text, value);
    else if (use == CLAUSE_PART)
        add_part(cx, p, ref, text, value);
    else if (use == CLAUSE_RANGE)
        add_range(cx, p, ref, text, value);
    else
        add_option(cx, p, ref, value, use);
}

/* `send P, stateless`: the name of a clause without a value, and of nothing else. */
static bool is_switch(pk_compiler *cx, pk_node node)
{
    const pk_ast_node *at = pk_at(cx, node);
    const char *text = at->kind == PK_AST_NAME ? pk_ast_atom_text(cx->ast, at->a) : "";
    if (*text && pk_symbol_find(cx, pk_text_of_atom(cx, at->a)))
        return false;
    for (size_t i = 0; i < sizeof clauses / sizeof *clauses; i++)
        if (clauses[i].use == CLAUSE_SWITCH && strcmp(text, clauses[i].name) == 0)
            return true;
    return false;
}

static void probe_send(pk_compiler *cx, probe *p, const pk_ast_node *clause)
{
    for (pk_node at = clause->b; at; at = pk_at(cx, at)->next) {
        pk_ast_node arg = *pk_at(cx, at);
        if (arg.a && pk_at(cx, arg.a)->kind == PK_AST_NAME) {
            probe_option(cx, p, pk_at(cx, arg.a)->a, arg.span, arg.b);
        } else if (is_switch(cx, arg.b)) {
            probe_option(cx, p, pk_at(cx, arg.b)->a, arg.span, 0);
        } else if (p->sends) {
            pk_diag_report(cx->diags, PK_DIAG_CLAUSE_TWICE, arg.span,
                           "a probe sends one set of packets");
            pk_diag_help(cx->diags, "put several into a list: send [a, b]");
        } else {
            p->sends = true;
            (void)pk_plan_alternatives(cx, &p->scope, arg.b, &p->record.alts, &p->record.n_alts);
        }
    }
}

/* Sends one after the other, without names or options of their own, are one set: a capture printed
 * as source is many lines and one program. */
static bool joins_previous(pk_compiler *cx, const pk_image_probe *next)
{
    uint32_t count = pk_image_builder_count(cx->builder, PK_SEC_PRB);
    pk_image_probe *before = PK_AT(cx->builder, PRB, count - 1);
    if (count <= 1 || next->name || next->n_options || before->name || before->n_options ||
        next->n_answer || next->n_listen || before->n_answer || before->n_listen ||
        before->alts + before->n_alts != next->alts)
        return false;
    before->n_alts += next->n_alts;
    return true;
}

/* `fe80::1%eth0`: the packets leave by eth0, as if the probe said `iface eth0`. */
static void take_zone(pk_compiler *cx, probe *p)
{
    pk_ref zone = cx->zone, name = pk_image_builder_text(cx->builder, "iface", 5);
    cx->zone = 0;
    if (!zone)
        return;
    const char *text = pk_str(cx, zone);
    for (uint32_t i = 0; i < p->record.n_options; i++) {
        if (p->options[i].name != name)
            continue;
        const pk_image_expr *expr = PK_AT(cx->builder, EXP, p->options[i].value);
        const pk_insn insn = *PK_AT(cx->builder, CODE, expr->start);
        pk_bytes given = insn.op == PK_OPC_BLOB ? pk_image_blob_of(cx, insn.d) : (pk_bytes){0};
        if (given.len != strlen(text) || (given.len && memcmp(given.data, text, given.len) != 0))
            pk_diag_report(cx->diags, PK_DIAG_CLAUSE_VALUE, cx->zone_span,
                           "an address of zone `%s`, and another `iface`", text);
        return;
    }
    if (p->record.n_options < PROBE_OPTIONS)
        p->options[p->record.n_options++] =
            (pk_image_option){name, pk_expr_bytes(cx, text, strlen(text))};
}

static void probe_write(pk_compiler *cx, probe *p, pk_span span)
{
    if (p->stateless.hi && p->sends)
        pk_lay_cookies(cx, p->stateless, &p->record);
    take_zone(cx, p);
    pk_patterns_write(cx, &p->answer, &p->record.answer, &p->record.n_answer);
    pk_patterns_write(cx, &p->listen, &p->record.listen, &p->record.n_listen);
    if (!p->sends && !p->record.n_listen) {
        pk_diag_report(cx->diags, PK_DIAG_NOTHING_TO_SEND, span, "this probe sends nothing");
        pk_diag_help(cx->diags, "add: send ip(dst=..)/icmp()");
        return;
    }
    if (p->record.n_options) {
        p->record.options = PK_ADD(cx->builder, OPT, p->record.n_options);
        for (uint32_t i = 0; i < p->record.n_options; i++)
            *PK_AT(cx->builder, OPT, p->record.options + i) = p->options[i];
    }
    if (joins_previous(cx, &p->record))
        return;
    pk_ref ref = PK_ADD(cx->builder, PRB, 1);
    *PK_AT(cx->builder, PRB, ref) = p->record;
}

/* A let inside the block: each sees those before it. `let (a, b) = zip(..)`: a is zip(..)[0]. */
static void probe_let(pk_compiler *cx, probe *p, pk_node let)
{
    pk_ast_node at = *pk_at(cx, let);
    uint32_t index = 0;
    if (at.value && !pk_zip_fits(cx, let))
        return;
    for (pk_node name = at.a; name; name = pk_at(cx, name)->next, index++) {
        pk_node value = at.b;
        if (p->scope.n_bindings == PROBE_LETS) {
            pk_diag_report(cx->diags, PK_DIAG_TOO_MANY, at.span,
                           "too many lets in a probe (limit %d)", PROBE_LETS);
            return;
        }
        if (at.value) {
            pk_node number = pk_ast_add(cx->ast, PK_AST_INT, at.span, 0, 0, 0, 0, index);
            value = pk_ast_add(cx->ast, PK_AST_INDEX, at.span, at.b, number, 0, 0, 0);
        }
        p->lets[p->scope.n_bindings++] =
            (pk_binding){.name = pk_at(cx, name)->a, .value = value, .scope = &p->scope};
    }
}

/* `stateless, rtt=no` */
static void probe_stateless(pk_compiler *cx, probe *p, const pk_ast_node *at)
{
    probe_option(cx, p, at->a, at->span, 0);
    for (pk_node arg = at->b; arg; arg = pk_at(cx, arg)->next) {
        pk_ast_node one = *pk_at(cx, arg);
        if (one.a && pk_at(cx, one.a)->kind == PK_AST_NAME)
            probe_option(cx, p, pk_at(cx, one.a)->a, one.span, one.b);
        else
            pk_diag_report(cx->diags, PK_DIAG_CLAUSE_VALUE, one.span,
                           "`stateless` takes no value but `rtt=no`");
    }
}

static void probe_clause(pk_compiler *cx, probe *p, const pk_ast_node *at)
{
    const char *text = clause_text(cx, at);
    bool answer = strcmp(text, "answer") == 0;
    pk_node arg = at->b;
    if (strcmp(text, "stateless") == 0 && arg && pk_at(cx, arg)->a)
        probe_stateless(cx, p, at);
    else if (at->d && !answer)
        (void)pk_not_built(cx, at->span, "`where` behind this clause");
    else if (strcmp(text, "send") == 0)
        probe_send(cx, p, at);
    else
        do
            probe_option(cx, p, at->a, at->span, arg ? pk_at(cx, arg)->b : 0);
        while (arg && (arg = pk_at(cx, arg)->next) && (answer || strcmp(text, "listen") == 0));
    if (at->d && answer)
        probe_where(cx, p, at->span, at->d);
}

static void probe_block(pk_compiler *cx, probe *p, pk_node block)
{
    for (pk_node node = block; node; node = pk_at(cx, node)->next) {
        pk_ast_node at = *pk_at(cx, node);
        if (at.kind == PK_AST_LET) {
            probe_let(cx, p, node);
        } else if (at.kind == PK_AST_SEND) {
            at.b = pk_ast_add(cx->ast, PK_AST_CARG, at.span, 0, at.a, 0, 0, 0);
            probe_send(cx, p, &at);
        } else if (at.kind == PK_AST_CLAUSE) {
            probe_clause(cx, p, &at);
        } else if (at.kind == PK_AST_WHERE) {
            probe_where(cx, p, at.span, at.a);
        } else if (at.kind != PK_AST_ERROR) {
            (void)pk_not_built(cx, at.span, "this statement in a probe");
        }
    }
}

static void lower_probe(pk_compiler *cx, const pk_ast_node *at)
{
    probe p = {0};
    pk_ast_node name = at->b ? *pk_at(cx, pk_at(cx, at->b)->b) : (pk_ast_node){0};
    if (name.kind != PK_AST_NAME) {
        pk_diag_report(cx->diags, PK_DIAG_CLAUSE_VALUE, at->span, "a probe has a name");
        pk_diag_help(cx->diags, "probe ping { send .. }");
        return;
    }
    p.scope.bindings = p.lets;
    p.record.name = pk_text_of_atom(cx, name.a);
    uint32_t count = pk_image_builder_count(cx->builder, PK_SEC_PRB);
    for (pk_ref i = 1; i < count; i++) {
        if (PK_AT(cx->builder, PRB, i)->name == p.record.name) {
            pk_diag_report(cx->diags, PK_DIAG_DUPLICATE, name.span, "`%s` is declared twice",
                           pk_str(cx, p.record.name));
            return;
        }
    }
    probe_block(cx, &p, at->c);
    probe_write(cx, &p, at->span);
}

/* `send P, option=value` and a bare packet: probes without a name. */
static void lower_send(pk_compiler *cx, const pk_ast_node *at)
{
    probe p = {0};
    pk_ast_node clause = *at;
    if (at->kind == PK_AST_SEND) {
        const pk_scope scope = {0};
        if (!pk_is_packet(cx, &scope, at->a)) {
            if (pk_report_no_packet(cx, at->a))
                return;
            pk_node callee = pk_at(cx, at->a)->kind == PK_AST_CALL ? pk_at(cx, at->a)->a : at->a;
            pk_ref name = pk_at(cx, callee)->kind == PK_AST_NAME
                              ? pk_text_of_atom(cx, pk_at(cx, callee)->a)
                              : 0;
            if (name && !pk_symbol_find(cx, name)) {
                pk_report_unknown_layer(cx, pk_at(cx, callee)->span, name);
                return;
            }
        }
        clause.b = pk_ast_add(cx->ast, PK_AST_CARG, at->span, 0, at->a, 0, 0, 0);
    }
    probe_send(cx, &p, &clause);
    probe_write(cx, &p, at->span);
}

/* `listen P, option=value`: a probe that only watches. */
static void lower_listen(pk_compiler *cx, const pk_ast_node *at)
{
    probe p = {0};
    for (pk_node node = at->b; node; node = pk_at(cx, node)->next) {
        pk_ast_node arg = *pk_at(cx, node);
        if (arg.a && pk_at(cx, arg.a)->kind == PK_AST_NAME)
            probe_option(cx, &p, pk_at(cx, arg.a)->a, arg.span, arg.b);
        else
            probe_pattern(cx, &p, CLAUSE_LISTEN, arg.span, arg.b);
    }
    probe_write(cx, &p, at->span);
}

/* ---- checks -----------------------------------------------------------------------------------
 */

static void lower_check(pk_compiler *cx, const pk_ast_node *at)
{
    const pk_scope scope = {0};
    pk_ast_node test = at->b ? *pk_at(cx, pk_at(cx, at->b)->b) : (pk_ast_node){0};
    if (test.kind != PK_AST_BINARY || test.a != PK_OP_EQ) {
        pk_diag_report(cx->diags, PK_DIAG_CLAUSE_VALUE, at->span,
                       "a check compares a packet with bytes: check ip() == x\"45..\"");
        return;
    }
    pk_image_check check = {0};
    uint32_t count = 0;
    if (!pk_plan_alternatives(cx, &scope, test.b, &check.alt, &count))
        return;
    if (count != 1) {
        pk_diag_report(cx->diags, PK_DIAG_SET_NOT_ALLOWED, pk_at(cx, test.b)->span,
                       "a check takes one packet, not a set");
        return;
    }
    check.expect = pk_lower_expr(cx, &scope, test.c, 0, 0);
    check.source = pk_place_text(cx, at->span);
    pk_ref ref = PK_ADD(cx->builder, CHK, 1);
    *PK_AT(cx->builder, CHK, ref) = check;
}

/* ---- the program ------------------------------------------------------------------------------
 */

static void lower_clause(pk_compiler *cx, const pk_ast_node *at)
{
    const char *text = clause_text(cx, at);
    clause_use use;
    if (!clause_find(cx, text, at->span, &use) || clause_later(cx, text, at->span, use))
        return;
    switch (use) {
    case CLAUSE_SEND:
        lower_send(cx, at);
        break;
    case CLAUSE_LISTEN:
        lower_listen(cx, at);
        break;
    case CLAUSE_PROBE:
        lower_probe(cx, at);
        break;
    case CLAUSE_CHECK:
        if (!cx->options->mark_standard)
            lower_check(cx, at);
        break;
    case CLAUSE_VIEW: /* when all probes are known */
        break;
    default: {
        pk_span span = {at->span.lo, at->span.lo + (uint32_t)strlen(text)};
        pk_diag_report(cx->diags, PK_DIAG_CLAUSE_PLACE, span,
                       "`%s` belongs into a probe, or behind a send: send .., %s=..", text, text);
        break;
    }
    }
}

static void lower_views(pk_compiler *cx)
{
    for (size_t f = 0; f < cx->n_files; f++) {
        for (pk_node node = pk_at(cx, cx->files[f])->a; node; node = pk_at(cx, node)->next) {
            pk_ast_node at = *pk_at(cx, node);
            if (at.kind == PK_AST_CLAUSE && strcmp(clause_text(cx, &at), "view") == 0)
                pk_lower_view(cx, &at);
        }
    }
}

void pk_lower_program(pk_compiler *cx)
{
    for (size_t f = 0; f < cx->n_files; f++) {
        for (pk_node node = pk_at(cx, cx->files[f])->a; node; node = pk_at(cx, node)->next) {
            pk_ast_node at = *pk_at(cx, node);
            if (at.kind == PK_AST_CLAUSE)
                lower_clause(cx, &at);
            else if (at.kind == PK_AST_SEND)
                lower_send(cx, &at);
            else if (at.kind == PK_AST_IF)
                (void)pk_not_built(cx, at.span, "`if` between declarations");
        }
    }
    lower_views(cx);
}
