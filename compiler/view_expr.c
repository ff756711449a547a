/* Expressions over groups: functions over many rows, and what they look at. */
#include "view.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    pk_aggregate kind;
    unsigned least, most;
} aggregates[] = {
    {"first", PK_AGG_FIRST, 1, 1}, {"last", PK_AGG_LAST, 1, 1}, {"count", PK_AGG_COUNT, 0, 1},
    {"any", PK_AGG_ANY, 1, 1},     {"all", PK_AGG_ALL, 1, 1},   {"min", PK_AGG_MIN, 1, 1},
    {"max", PK_AGG_MAX, 1, 1},     {"mean", PK_AGG_MEAN, 1, 1}, {"quantile", PK_AGG_QUANTILE, 2, 2},
    {"list", PK_AGG_LIST, 1, 1},   {"uniq", PK_AGG_UNIQ, 1, 1}, {"ranges", PK_AGG_RANGES, 1, 1},
};

/* ---- what an expression holds ------------------------------------------------------------------ */

typedef struct search {
    pk_compiler *cx;
    bool (*test)(struct search *search, const pk_scope *scope, const pk_ast_node *at);
    unsigned budget;
} search;

static bool holds(search *s, const pk_scope *scope, pk_node node);

static bool any_holds(search *s, const pk_scope *scope, pk_node list)
{
    for (; list; list = pk_at(s->cx, list)->next)
        if (holds(s, scope, list))
            return true;
    return false;
}

static bool name_holds(search *s, const pk_scope *scope, pk_atom name)
{
    const pk_scope *bound_in;
    const pk_binding *binding = pk_binding_find(scope, name, &bound_in);
    return binding && binding->value && holds(s, binding->scope, binding->value);
}

const char *pk_view_callee(pk_compiler *cx, const pk_ast_node *call)
{
    const pk_ast_node *at = pk_at(cx, call->a);
    return call->kind == PK_AST_CALL && at->kind == PK_AST_NAME ? pk_ast_atom_text(cx->ast, at->a)
                                                                : "";
}

static const pk_symbol *def_called(pk_compiler *cx, const pk_ast_node *call)
{
    const pk_ast_node *at = pk_at(cx, call->a);
    const pk_symbol *symbol =
        at->kind == PK_AST_NAME ? pk_symbol_find(cx, pk_text_of_atom(cx, at->a)) : NULL;
    return symbol && symbol->kind == PK_SYM_DEF ? symbol : NULL;
}

static bool call_holds(search *s, const pk_scope *scope, const pk_ast_node *at)
{
    const pk_symbol *def = def_called(s->cx, at);
    const pk_scope inside = {.view = scope->view};
    if (def && holds(s, &inside, pk_at(s->cx, def->ref)->c))
        return true;
    if (pk_at(s->cx, at->a)->kind == PK_AST_MEMBER && holds(s, scope, at->a))
        return true;
    return any_holds(s, scope, at->b);
}

static bool holds(search *s, const pk_scope *scope, pk_node node)
{
    pk_ast_node at = *pk_at(s->cx, node);
    if (!node || !s->budget || !--s->budget)
        return false;
    if (s->test(s, scope, &at))
        return true;
    switch ((pk_ast_kind)at.kind) {
    case PK_AST_NAME:
        return name_holds(s, scope, at.a);
    case PK_AST_UNARY:
        return holds(s, scope, at.b);
    case PK_AST_BINARY:
    case PK_AST_ARG:
        return holds(s, scope, at.b) || holds(s, scope, at.c);
    case PK_AST_COND:
    case PK_AST_SLICE:
    case PK_AST_RANGE:
        return holds(s, scope, at.a) || holds(s, scope, at.b) || holds(s, scope, at.c);
    case PK_AST_MEMBER:
        return holds(s, scope, at.a);
    case PK_AST_NTH:
    case PK_AST_INDEX:
        return holds(s, scope, at.a) || holds(s, scope, at.b);
    case PK_AST_CALL:
        return call_holds(s, scope, &at);
    case PK_AST_LIST:
    case PK_AST_TUPLE:
        return any_holds(s, scope, at.a);
    default:
        return false;
    }
}

/* The entry of `aggregates` that the call means, or -1. `count` of what is a list of many rows
 * already is the function of lists. */
static int aggregate_of(search *s, const pk_scope *scope, const pk_ast_node *at)
{
    pk_compiler *cx = s->cx;
    const char *name = pk_view_callee(cx, at);
    unsigned n = at->kind == PK_AST_CALL ? (unsigned)pk_ast_list_len(cx->ast, at->b) : 0;
    if (!*name || def_called(cx, at))
        return -1;
    for (size_t i = 0; i < sizeof aggregates / sizeof *aggregates; i++)
        if (strcmp(name, aggregates[i].name) == 0 && n >= aggregates[i].least &&
            n <= aggregates[i].most)
            return any_holds(s, scope, at->b) ? -1 : (int)i;
    return -1;
}

static bool is_aggregate(search *s, const pk_scope *scope, const pk_ast_node *at)
{
    return aggregate_of(s, scope, at) >= 0;
}

static bool reads_row(search *s, const pk_scope *scope, const pk_ast_node *at)
{
    const pk_scope *bound_in;
    if (at->kind == PK_AST_CALL && strcmp(pk_view_callee(s->cx, at), "delta") == 0)
        return true;
    const pk_binding *binding =
        at->kind == PK_AST_NAME ? pk_binding_find(scope, at->a, &bound_in) : NULL;
    return binding && !binding->value;
}

bool pk_view_is_aggregate(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *at)
{
    search s = {cx, is_aggregate, PK_VIEW_LOOKS};
    return aggregate_of(&s, scope, at) >= 0;
}

bool pk_view_aggregates(pk_compiler *cx, const pk_scope *scope, pk_node node)
{
    search s = {cx, is_aggregate, PK_VIEW_LOOKS};
    return holds(&s, scope, node);
}

static bool is_of_row(pk_compiler *cx, const pk_scope *scope, pk_node node)
{
    search s = {cx, reads_row, PK_VIEW_LOOKS};
    return holds(&s, scope, node) && !pk_view_aggregates(cx, scope, node);
}

/* ---- expressions of their own ------------------------------------------------------------------ */

/* How many arguments its instructions name. */
static void count_arguments(pk_compiler *cx, pk_ref expr)
{
    pk_image_expr *at = PK_AT(cx->builder, EXP, expr);
    for (uint32_t i = 0; expr && i < at->count; i++) {
        const pk_insn *insn = PK_AT(cx->builder, CODE, at->start + i);
        if (insn->op == PK_OPC_ARG && insn->d >= at->args)
            at->args = insn->d + 1;
    }
}

static pk_ref lower_apart(pk_compiler *cx, const pk_scope *scope, pk_node node)
{
    pk_ref expr = pk_lower_expr(cx, scope, node, 0, 0);
    count_arguments(cx, expr);
    return expr;
}

pk_node pk_view_argument_of(pk_compiler *cx, const pk_ast_node *call, unsigned n)
{
    pk_node at = call->b;
    for (; at && n; n--)
        at = pk_at(cx, at)->next;
    return at ? pk_at(cx, at)->b : 0;
}

/* Behind names of lets. */
pk_node pk_view_behind_names(pk_compiler *cx, const pk_scope **scope, pk_node node)
{
    const pk_scope *bound_in;
    for (unsigned hops = 0; hops < PK_VIEW_LOOKS && pk_at(cx, node)->kind == PK_AST_NAME; hops++) {
        const pk_binding *binding = pk_binding_find(*scope, pk_at(cx, node)->a, &bound_in);
        if (!binding || !binding->value)
            break;
        node = binding->value;
        *scope = binding->scope;
    }
    return node;
}

/* `source(p)`, `diff(a, b)`: texts of whole packets, made by the writers. */
pk_view_form pk_view_packets(pk_compiler *cx, const pk_ast_node *at)
{
    size_t n = at->kind == PK_AST_CALL ? pk_ast_list_len(cx->ast, at->b) : 0;
    if (n == 1 && strcmp(pk_view_callee(cx, at), "source") == 0)
        return PK_WRITTEN_PACKET;
    if (n == 2 && strcmp(pk_view_callee(cx, at), "diff") == 0)
        return PK_WRITTEN_DIFFERENCE;
    return PK_WRITTEN_PLAIN;
}

static bool want_packet(pk_compiler *cx, const pk_scope *scope, pk_node node)
{
    if (!node || pk_path_end_of(cx, scope, node).kind == PK_PATH_PACKET)
        return true;
    pk_diag_report(cx->diags, PK_DIAG_NOT_A_PACKET, pk_at(cx, node)->span,
                   "this is no packet of the exchange");
    pk_diag_help(cx->diags, "the packets are sent, reply and quoted");
    return false;
}

static pk_measured measure_row(pk_compiler *cx, const pk_scope *scope, pk_node node)
{
    pk_measured result = {0};
    node = pk_view_behind_names(cx, &scope, node);
    pk_ast_node at = *pk_at(cx, node);
    result.form = pk_view_packets(cx, &at);
    if (!result.form) {
        pk_written how = pk_written_as(cx, scope, node);
        result.field = how.field;
        result.form = how.form;
        result.expr = lower_apart(cx, scope, node);
        return result;
    }
    pk_node a = pk_view_argument_of(cx, &at, 0), b = pk_view_argument_of(cx, &at, 1);
    if (!want_packet(cx, scope, a) || !want_packet(cx, scope, b))
        return result;
    result.expr = lower_apart(cx, scope, a);
    result.other = b ? lower_apart(cx, scope, b) : 0;
    return result;
}

/* ---- functions over rows ----------------------------------------------------------------------- */

static int known_function(const pk_view_function *list, uint32_t count, pk_aggregate kind,
                          const pk_scope *scope, pk_node node)
{
    for (uint32_t i = 0; i < count; i++)
        if (list[i].record.kind == (uint32_t)kind && list[i].node == node && list[i].scope == scope)
            return (int)i;
    return -1;
}

static bool fraction(pk_compiler *cx, pk_node node, uint32_t *ret_millionths)
{
    pk_ast_node at = *pk_at(cx, node);
    double number = -1;
    if (at.kind == PK_AST_NUMBER)
        memcpy(&number, &at.value, sizeof number);
    else if (at.kind == PK_AST_INT)
        number = at.value ? (double)at.value : 0;
    if (number < 0 || number > 1) {
        pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, at.span,
                       "a quantile is a number from 0 to 1, such as 0.99");
        return false;
    }
    *ret_millionths = (uint32_t)(number * 1e6 + 0.5);
    return true;
}

/* Adds the function of `value` (0 = none) where `condition` (0 = always) holds, both over a row;
 * false after a report. */
bool pk_view_function_add(pk_compiler *cx, const pk_scope *scope, pk_aggregate kind, pk_node value,
                          pk_node condition, pk_node number, pk_node node, uint32_t *ret_index)
{
    pk_view_state *view = scope->view;
    bool running = kind == PK_AGG_DELTA;
    pk_view_function *list = running ? view->running : view->aggregates;
    uint32_t *count = running ? &view->n_running : &view->n_aggregates;
    int known = known_function(list, *count, kind, scope, node);
    if (known >= 0) {
        *ret_index = (uint32_t)known;
        return true;
    }
    if (*count == PK_VIEW_FUNCTIONS_LIMIT) {
        pk_diag_report(cx->diags, PK_DIAG_TOO_MANY, pk_at(cx, node)->span,
                       "too many functions over rows in a view (limit %d)",
                       PK_VIEW_FUNCTIONS_LIMIT);
        return false;
    }
    bool outer = view->over_group;
    view->over_group = false;
    pk_image_aggregate record = {.kind = (uint32_t)kind};
    pk_measured measured = value ? measure_row(cx, scope, value) : (pk_measured){0};
    record.where = condition ? lower_apart(cx, scope, condition) : 0;
    view->over_group = outer;
    record.expr = measured.expr;
    record.other = measured.other;
    record.form = measured.form;
    record.field = measured.field;
    if ((value && !record.expr) || (condition && !record.where) ||
        (number && !fraction(cx, number, &record.number)))
        return false;
    list[*count] = (pk_view_function){record, node, scope};
    *ret_index = (*count)++;
    return true;
}

static bool lower_aggregate(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_aggregate kind,
                            unsigned dst)
{
    pk_ast_node call = *pk_at(cx, node);
    pk_node condition = call.b ? pk_at(cx, call.b)->c : 0;
    uint32_t index;
    return pk_view_function_add(cx, scope, kind, pk_view_argument_of(cx, &call, 0), condition,
                                kind == PK_AGG_QUANTILE ? pk_view_argument_of(cx, &call, 1) : 0,
                                node, &index) &&
           pk_emit(cx, PK_OPC_ARG, dst, 0, 0, index, 0);
}

/* A function over rows of what is over rows already; some have a second meaning for lists. */
static bool looks_twice(pk_compiler *cx, const pk_ast_node *at)
{
    static const char *const lists[] = {"count", "min", "max", "first"};
    const char *name = pk_view_callee(cx, at);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (strcmp(name, lists[i]) == 0)
            return false;
    for (size_t i = 0; i < sizeof aggregates / sizeof *aggregates; i++)
        if (strcmp(name, aggregates[i].name) == 0)
            return !def_called(cx, at);
    return false;
}

bool pk_lower_over_group(pk_compiler *cx, const pk_scope *scope, pk_node node, unsigned dst,
                         bool *ret_handled)
{
    search s = {cx, is_aggregate, PK_VIEW_LOOKS};
    pk_ast_node at = *pk_at(cx, node);
    int entry = aggregate_of(&s, scope, &at);
    uint32_t index;
    *ret_handled = true;
    if (entry >= 0)
        return lower_aggregate(cx, scope, node, aggregates[entry].kind, dst);
    pk_aggregate implied = scope->view->cell ? PK_AGG_UNIQ : PK_AGG_FIRST;
    if (entry < 0 && looks_twice(cx, &at)) {
        pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, at.span,
                       "`%s` is about rows, and this is about many rows already",
                       pk_view_callee(cx, &at));
        return false;
    }
    *ret_handled = is_of_row(cx, scope, node);
    return !*ret_handled || (pk_view_function_add(cx, scope, implied, node, 0, 0, node, &index) &&
                             pk_emit(cx, PK_OPC_ARG, dst, 0, 0, index, 0));
}

pk_measured pk_view_measure(pk_compiler *cx, const pk_scope *scope, pk_node node)
{
    if (!scope->view->over_group)
        return measure_row(cx, scope, node);
    pk_measured result = {0};
    const pk_scope *inside = scope;
    pk_node bare = pk_view_behind_names(cx, &inside, node);
    pk_written how = pk_written_as(cx, scope, node);
    pk_ast_node at = *pk_at(cx, bare);
    if (pk_view_packets(cx, &at)) {
        /* The text of the first row's packets: what the aggregate gives, as it is. */
        pk_code code = {0};
        pk_code *outer = cx->code;
        cx->code = &code;
        uint32_t index = 0;
        bool good = pk_view_function_add(cx, inside, PK_AGG_FIRST, bare, 0, 0, bare, &index);
        cx->code = outer;
        if (!good)
            return result;
        pk_insn insns[2] = {{.op = PK_OPC_ARG, .d = index}, {.op = PK_OPC_RET}};
        pk_ref start = PK_PUT(cx->builder, CODE, insns, 2);
        result.expr = PK_ADD(cx->builder, EXP, 1);
        *PK_AT(cx->builder, EXP, result.expr) =
            (pk_image_expr){.start = start, .count = 2, .args = index + 1};
        return result;
    }
    result.field = how.field;
    result.form = how.form;
    result.expr = lower_apart(cx, scope, node);
    return result;
}

pk_ref pk_lower_filter(pk_compiler *cx, pk_node file)
{
    pk_ast_node at = *pk_at(cx, pk_at(cx, file)->a);
    if (at.kind != PK_AST_WHERE || at.next) {
        pk_diag_report(cx->diags, PK_DIAG_WRONG_TYPE, at.span, "a filter is one condition");
        pk_diag_help(cx->diags, "ip.ttl < 5 and tcp");
        return 0;
    }
    pk_view_state *state = calloc(1, sizeof *state);
    if (!state)
        return 0;
    state->filter = true;
    const pk_scope scope = {.view = state};
    pk_ref expr = measure_row(cx, &scope, at.a).expr;
    free(state);
    return expr;
}
