/* Sets as runs: arithmetic progressions of numbers and addresses, and single values. */
#include "internal.h"

#include "base/literal.h"
#include "base/permute.h"
#include "base/rng.h"

#include <string.h>

enum { RUNS_LIMIT = 65536 };

typedef struct runs {
    naive_run *at;
    size_t count, cap;
} runs;

static void add_run(pk_arena *arena, runs *list, naive_run run)
{
    if (list->count == list->cap) {
        size_t cap = list->cap * 2 + 8;
        naive_run *grown = naive_alloc(arena, cap, sizeof *grown);
        if (list->count != 0)
            memcpy(grown, list->at, list->count * sizeof *grown);
        list->at = grown;
        list->cap = cap;
    }
    list->at[list->count++] = run;
}

/* Integers are shifted by 2^63 so that they order like addresses do. */
static bool ordinal(naive_value value, pk_u128 *ret_number, unsigned *ret_width)
{
    if (value.kind == NAIVE_INT) {
        *ret_number = (uint64_t)value.number ^ (uint64_t)1 << 63;
        *ret_width = 0;
        return true;
    }
    if (value.kind != NAIVE_BYTES || value.text ||
        (value.bytes.len != 4 && value.bytes.len != 6 && value.bytes.len != 16))
        return false;
    *ret_number = 0;
    for (size_t i = 0; i < value.bytes.len; i++)
        *ret_number = *ret_number << 8 | value.bytes.data[i];
    *ret_width = (unsigned)value.bytes.len;
    return true;
}

static naive_value from_ordinal(naive_packet *packet, pk_u128 number, unsigned width)
{
    if (width == 0)
        return naive_int((int64_t)((uint64_t)number ^ (uint64_t)1 << 63));
    uint8_t data[16];
    for (unsigned i = 0; i < width; i++)
        data[i] = (uint8_t)(number >> 8 * (width - 1 - i));
    return naive_copy(packet, data, width);
}

static pk_u128 run_at(const naive_run *run, pk_u128 i)
{
    return run->step >= 0 ? run->start + i * (uint64_t)run->step
                          : run->start - i * (0 - (uint64_t)run->step);
}

static bool add_range(const naive_scope *scope, pk_node where, naive_value lo, naive_value hi,
                      int64_t step, runs *list)
{
    naive_unit *unit = scope->packet->unit;
    naive_run run = {.step = step};
    pk_u128 end;
    unsigned width;
    if (!ordinal(lo, &run.start, &run.width) || !ordinal(hi, &end, &width) || width != run.width)
        return naive_fail(unit, where, "the ends of a range are two numbers or two addresses");
    if (step == 0)
        return naive_fail(unit, where, "a step of 0 never arrives");
    if (step == 1 && end < run.start)
        run.step = -1;
    uint64_t stride = run.step < 0 ? 0 - (uint64_t)run.step : (uint64_t)run.step;
    if ((run.step > 0) != (end >= run.start) && end != run.start)
        return true;
    pk_u128 distance = end >= run.start ? end - run.start : run.start - end;
    run.count = stride ? distance / stride + 1 : 1;
    add_run(scope->packet->arena, list, run);
    return true;
}

static void add_prefix(const naive_scope *scope, pk_bytes address, unsigned length, runs *list)
{
    naive_value value = naive_bytes(address.data, address.len);
    naive_run run = {.step = 1};
    ordinal(value, &run.start, &run.width);
    unsigned host = (unsigned)address.len * 8 - length;
    run.count = host >= 128 ? 0 : (pk_u128)1 << host; /* a /0 of IPv6 counts one too many */
    if (host >= 128) {
        run.start = 0;
        run.count = ~(pk_u128)0;
    } else {
        run.start &= ~(run.count - 1);
    }
    add_run(scope->packet->arena, list, run);
}

static bool text_prefix(const naive_scope *scope, const naive_field *field, pk_bytes text,
                        runs *list)
{
    pk_literal literal;
    pk_literal_fault fault;
    if (field == NULL || !field->address ||
        pk_literal_parse((const char *)text.data, text.len, &literal, &fault) != PK_LITERAL_FINE ||
        literal.prefix == 0)
        return false;
    size_t width = literal.kind == PK_LITERAL_IP4 ? 4 : 16;
    naive_value copy = naive_copy(scope->packet, literal.address, width);
    add_prefix(scope, copy.bytes, literal.prefix - 1, list);
    return true;
}

static bool collect_runs(const naive_scope *scope, pk_node expr, const naive_field *field,
                         runs *list);

static void cut_run(pk_arena *arena, const naive_run *run, pk_u128 lo, pk_u128 hi, runs *out)
{
    pk_u128 first = run->step > 0 ? run->start : run_at(run, run->count - 1);
    pk_u128 last = run->step > 0 ? run_at(run, run->count - 1) : run->start;
    if (hi < first || lo > last) {
        add_run(arena, out, *run);
        return;
    }
    naive_run below = *run, above = *run;
    below.start = run->step > 0 ? first : lo - 1;
    below.count = lo > first ? lo - first : 0;
    above.start = run->step > 0 ? hi + 1 : last;
    above.count = hi < last ? last - hi : 0;
    if (run->step > 0 && below.count != 0)
        add_run(arena, out, below);
    if (above.count != 0)
        add_run(arena, out, above);
    if (run->step < 0 && below.count != 0)
        add_run(arena, out, below);
}

static bool run_has(const naive_run *run, pk_u128 number, unsigned width, naive_value value)
{
    if (run->single && run->first.kind == NAIVE_BYTES)
        return naive_equal(run->first, value);
    if (run->width != width)
        return false;
    pk_u128 first = run->step > 0 ? run->start : run_at(run, run->count - 1);
    pk_u128 last = run->step > 0 ? run_at(run, run->count - 1) : run->start;
    uint64_t stride = run->step < 0 ? 0 - (uint64_t)run->step : (uint64_t)run->step;
    return number >= first && number <= last && (number - first) % stride == 0;
}

/* Element by element: for runs with a stride, and for single values. */
static bool sift_run(const naive_scope *scope, pk_node where, const naive_run *run,
                     const naive_run *without, runs *out)
{
    if (run->count > RUNS_LIMIT)
        return naive_fail(scope->packet->unit, where, "too many runs in a set (limit %d)",
                          RUNS_LIMIT);
    for (pk_u128 i = 0; i < run->count; i++) {
        naive_run one = *run;
        one.count = 1;
        one.start = run_at(run, i);
        one.single = run->single;
        naive_value value =
            run->single ? run->first : from_ordinal(scope->packet, one.start, run->width);
        if (!run_has(without, one.start, run->width, value))
            add_run(scope->packet->arena, out, one);
    }
    return true;
}

static bool except(const naive_scope *scope, pk_node where, runs *base, const naive_run *without)
{
    runs out = {0};
    for (size_t i = 0; i < base->count; i++) {
        const naive_run *run = &base->at[i];
        bool plain = !run->single && (run->step == 1 || run->step == -1) &&
                     (without->step == 1 || without->step == -1 || without->count == 1);
        if (plain && without->width == run->width) {
            pk_u128 a = without->start, b = run_at(without, without->count - 1);
            cut_run(scope->packet->arena, run, a < b ? a : b, a < b ? b : a, &out);
        } else if (!sift_run(scope, where, run, without, &out)) {
            return false;
        }
    }
    *base = out;
    return true;
}

static bool except_runs(const naive_scope *scope, pk_node expr, const naive_field *field,
                        runs *list)
{
    const pk_ast_node n = *naive_at(scope->packet->unit, expr);
    runs base = {0}, without = {0};
    if (!collect_runs(scope, n.b, field, &base) || !collect_runs(scope, n.c, field, &without))
        return false;
    for (size_t i = 0; i < without.count; i++) {
        if (!except(scope, expr, &base, &without.at[i]))
            return false;
    }
    for (size_t i = 0; i < base.count; i++)
        add_run(scope->packet->arena, list, base.at[i]);
    return true;
}

static bool single_run(const naive_scope *scope, pk_node expr, const naive_field *field, runs *list)
{
    naive_packet *packet = scope->packet;
    naive_value value = naive_eval(scope, expr);
    if (value.kind == NAIVE_BYTES && value.text && text_prefix(scope, field, value.bytes, list))
        return true;
    if (field != NULL && !field->is_list)
        value = naive_coerce(packet, field, scope->hint_inst, value);
    naive_run run = {.first = value, .count = 1, .step = 1, .single = true};
    if (!ordinal(value, &run.start, &run.width))
        run.width = ~0U;
    run.single = true;
    add_run(packet->arena, list, run);
    return true;
}

static bool name_runs(const naive_scope *scope, pk_node expr, const naive_field *field, runs *list)
{
    const naive_unit *unit = scope->packet->unit;
    pk_atom name = naive_at(unit, expr)->a;
    const naive_env *env = naive_env_find(scope->env, name);
    if (env != NULL && env->expr != 0)
        return collect_runs(env->home, env->expr, field, list);
    pk_node let = env == NULL ? naive_global(unit, PK_AST_LET, name) : 0;
    if (let != 0)
        return collect_runs(scope, naive_at(unit, let)->b, field, list);
    pk_node param = env == NULL ? naive_global(unit, PK_AST_PARAM, name) : 0;
    if (param != 0 && naive_at(unit, param)->c != 0)
        return collect_runs(scope, naive_at(unit, param)->c, field, list);
    return single_run(scope, expr, field, list);
}

/* Which function that makes a set is called: shuffle, sample, weighted, each; NULL for none. */
const char *naive_set_call(const naive_unit *unit, pk_node expr)
{
    static const char *const names[] = {"shuffle", "sample", "weighted", "each"};
    const pk_ast_node *n = naive_at(unit, expr);
    if (n->kind != PK_AST_CALL || naive_at(unit, n->a)->kind != PK_AST_NAME)
        return NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(naive_text(unit, naive_at(unit, n->a)->a), names[i]) == 0)
            return names[i];
    return NULL;
}

uint32_t naive_draw_number(naive_unit *unit, pk_node expr)
{
    size_t i = 0;
    while (i < unit->n_draws && unit->draws[i] != expr)
        i++;
    if (i == unit->n_draws && i < sizeof unit->draws / sizeof *unit->draws)
        unit->draws[unit->n_draws++] = expr;
    return (uint32_t)i + 1;
}

static naive_value member_of(naive_packet *packet, const runs *list, pk_u128 i)
{
    const naive_axis all = {.runs = list->at, .n_runs = list->count};
    return naive_axis_value(packet, &all, i);
}

/* Every member written out, then put where the drawn order says. */
static bool drawn_runs(const naive_scope *scope, pk_node expr, const naive_field *field, runs *list)
{
    naive_packet *packet = scope->packet;
    naive_unit *unit = packet->unit;
    const pk_ast_node n = *naive_at(unit, expr);
    pk_node size = naive_at(unit, n.b)->next;
    runs all = {0};
    pk_u128 count = 0;
    int64_t wanted;
    if (!collect_runs(scope, naive_at(unit, n.b)->b, field, &all))
        return false;
    for (size_t i = 0; i < all.count; i++)
        count += all.at[i].count;
    wanted = (int64_t)count;
    if (size != 0 && !naive_number(packet, naive_eval(scope, naive_at(unit, size)->b), &wanted))
        return naive_fail(unit, expr, "a sample has a size");
    if (count > RUNS_LIMIT || wanted < 0 || (pk_u128)wanted > count)
        return naive_fail(unit, expr, "a sample of %lld", (long long)wanted);
    pk_permute order;
    if (count != 0)
        pk_permute_init(&order, count,
                        pk_rng_u64(packet->seed, naive_draw_number(unit, expr), 0x73687566));
    for (int64_t i = 0; i < wanted; i++) {
        naive_run run = {.count = 1, .step = 1, .single = true};
        run.first = member_of(packet, &all, pk_permute_forward(&order, (pk_u128)i));
        if (!ordinal(run.first, &run.start, &run.width))
            run.width = ~0U;
        add_run(packet->arena, list, run);
    }
    return true;
}

static bool weighted_runs(const naive_scope *scope, pk_node expr, const naive_field *field,
                          runs *list)
{
    naive_unit *unit = scope->packet->unit;
    pk_node members = naive_at(unit, expr)->b, weights = naive_at(unit, members)->next;
    pk_node w = naive_at(unit, naive_at(unit, weights)->b)->a;
    for (pk_node m = naive_at(unit, naive_at(unit, members)->b)->a; m != 0;
         m = naive_at(unit, m)->next, w = naive_at(unit, w)->next) {
        int64_t times = naive_eval(scope, w).number;
        while (times-- > 0)
            if (!collect_runs(scope, m, field, list))
                return false;
    }
    return true;
}

static bool call_runs(const naive_scope *scope, pk_node expr, const naive_field *field, runs *list)
{
    naive_unit *unit = scope->packet->unit;
    const char *name = naive_set_call(unit, expr);
    if (name == NULL)
        return single_run(scope, expr, field, list);
    if (strcmp(name, "weighted") == 0)
        return weighted_runs(scope, expr, field, list);
    if (strcmp(name, "each") == 0)
        return collect_runs(scope, naive_at(unit, naive_at(unit, expr)->b)->b, field, list);
    return drawn_runs(scope, expr, field, list);
}

static bool collect_runs(const naive_scope *scope, pk_node expr, const naive_field *field,
                         runs *list)
{
    naive_unit *unit = scope->packet->unit;
    const pk_ast_node n = *naive_at(unit, expr);
    int64_t step = 1;
    switch ((pk_ast_kind)n.kind) {
    case PK_AST_RANGE:
        if (n.c != 0 && !naive_number(scope->packet, naive_eval(scope, n.c), &step))
            return naive_fail(unit, n.c, "a step is a number");
        return add_range(scope, expr, naive_eval(scope, n.a), naive_eval(scope, n.b), step, list);
    case PK_AST_TUPLE:
        return add_range(scope, expr, naive_eval(scope, n.a),
                         naive_eval(scope, naive_at(unit, n.a)->next), 1, list);
    case PK_AST_LIST:
        for (pk_node e = n.a; e != 0; e = naive_at(unit, e)->next) {
            if (!collect_runs(scope, e, field, list))
                return false;
        }
        return true;
    case PK_AST_IP4:
    case PK_AST_IP6:
        if (n.b == 0)
            return single_run(scope, expr, field, list);
        add_prefix(scope, pk_ast_blob_bytes(unit->ast, n.a), n.b - 1, list);
        return true;
    case PK_AST_BINARY:
        if (n.a == PK_OP_EXCEPT)
            return except_runs(scope, expr, field, list);
        return single_run(scope, expr, field, list);
    case PK_AST_NAME:
        return name_runs(scope, expr, field, list);
    case PK_AST_CALL:
        return call_runs(scope, expr, field, list);
    default:
        return single_run(scope, expr, field, list);
    }
}

bool naive_set_runs(const naive_scope *scope, pk_node expr, const naive_field *field,
                    naive_run **ret_runs, size_t *ret_count)
{
    runs list = {0};
    naive_scope inner = *scope;
    inner.hint = field;
    if (!collect_runs(&inner, expr, field, &list))
        return false;
    *ret_runs = list.at;
    *ret_count = list.count;
    return true;
}

naive_value naive_axis_value(naive_packet *packet, const naive_axis *axis, pk_u128 digit)
{
    for (size_t i = 0; i < axis->n_runs; i++) {
        const naive_run *run = &axis->runs[i];
        if (digit < run->count)
            return run->single ? run->first : from_ordinal(packet, run_at(run, digit), run->width);
        digit -= run->count;
    }
    return naive_undefined();
}

bool naive_is_prefix_text(const naive_scope *scope, const naive_field *field, pk_bytes text)
{
    runs list = {0};
    return text_prefix(scope, field, text, &list);
}
