/* The way to destinations that vary: noted in a trace, and asked for a whole batch of packets. */
#include <string.h>

#include "template_internal.h"
#include "template_symbols.h"

enum { RANGES = 64 /* runs of a set of destinations whose ways are compared */ };

/* ---- in a trace ------------------------------------------------------------------------------ */

static void put_address(pk_u128 number, uint32_t len, uint8_t *bytes)
{
    for (uint32_t i = len; i-- > 0; number >>= 8)
        bytes[i] = (uint8_t)number;
}

static pk_way_state way_to_run(pk_vm *vm, const pk_run *run, uint32_t len, pk_way *ret_way)
{
    uint8_t ends[2][16] = {{0}};
    pk_u128 step = (pk_u128)(pk_trace_bound)run->step;
    pk_u128 last = run->first + (pk_u128)((run->count - 1) * step);
    bool up = run->step >= 0;
    if (run->kind == PK_RUN_BLOB || run->width != len)
        return PK_WAY_VARIES;
    put_address(up ? run->first : last, len, ends[0]);
    put_address(up ? last : run->first, len, ends[1]);
    return vm->env.way(vm->env.context, (pk_bytes){ends[0], len}, ends[1], ret_way);
}

/* The ways to all elements of a set, when they are the same. */
static pk_way_state way_to_set(pk_vm *vm, const pk_set *set, uint32_t len, pk_way *ret_way)
{
    while (set->views && set->n_runs == 1)
        set = set->runs[0].of; /* the way is the same in any order */
    if (set->n_runs > RANGES)
        return PK_WAY_VARIES;
    for (uint32_t i = 0; i < set->n_runs; i++) {
        pk_way way;
        pk_way_state state = way_to_run(vm, &set->runs[i], len, &way);
        if (state != PK_WAY_KNOWN)
            return state;
        if (i && memcmp(&way, ret_way, sizeof way) != 0)
            return PK_WAY_VARIES;
        *ret_way = way;
    }
    return PK_WAY_KNOWN;
}

static pk_way_state way_to(pk_vm *vm, pk_value destination, pk_way *ret_way)
{
    const pk_set *set = destination.spare ? vm->trace->strings[destination.spare].set : NULL;
    if (!destination.spare)
        return vm->env.way(vm->env.context, (pk_bytes){destination.bytes, destination.len},
                           destination.bytes, ret_way);
    return set ? way_to_set(vm, set, destination.len, ret_way) : PK_WAY_VARIES;
}

static uint16_t half_of(pk_vm *vm, pk_value bytes, uint32_t from)
{
    pk_value half = pk_value_bytes(bytes.bytes + from, bytes.len < 8 ? bytes.len : 8);
    return pk_trace_number_of(vm, bytes.spare ? pk_trace_cut(vm, bytes, half) : half);
}

static pk_value way_string(pk_vm *vm, trace_way_part part, pk_value destination, pk_value result)
{
    bool wide = destination.len == 16;
    trace_node node = {.kind = TRACE_WAY, .part = part, .len = destination.len};
    uint32_t first = 0;
    node.a = half_of(vm, destination, wide ? 8 : 0);
    node.b = wide ? half_of(vm, destination, 0) : 0;
    if (!node.a || (wide && !node.b))
        return result;
    pk_trace_limit(&node, 0, (pk_trace_bound)pk_bits_mask(result.len * 8));
    if (result.len != 16)
        return pk_trace_string_of(vm, pk_trace_node(vm, node), result);
    pk_trace_limit(&node, INT64_MIN, INT64_MAX);
    uint16_t low = pk_trace_node(vm, node);
    node.part = PK_WAY_SOURCE_HIGH;
    uint16_t high = pk_trace_node(vm, node);
    first = vm->trace->n_pieces;
    if (pk_trace_piece(vm, 0, 64, high))
        (void)pk_trace_piece(vm, 64, 64, low);
    return pk_trace_string_from(vm, first, result);
}

pk_value pk_trace_way(pk_vm *vm, trace_way_part part, pk_value destination, pk_value result)
{
    pk_way way;
    if (!vm->trace || vm->failed || destination.kind != PK_BYTES ||
        (destination.len != 4 && destination.len != 16))
        return result;
    if (!vm->env.way) {
        (void)pk_trace_constant(vm, destination, "the way to the destination");
        return result;
    }
    switch (way_to(vm, destination, &way)) {
    case PK_WAY_KNOWN:
        return result;
    case PK_WAY_LATER:
        vm->trace->later = true;
        pk_trace_break(vm, "the way to the destination is not known yet");
        return result;
    case PK_WAY_VARIES:
        break;
    }
    return way_string(vm, part, destination, result);
}

/* ---- for a batch ----------------------------------------------------------------------------- */

static void ask(pk_template *templ, const trace_node *what, uint32_t i, uint64_t low, uint64_t high)
{
    uint8_t to[16];
    template_way *at = &templ->ways[i];
    put_address((pk_u128)high << 64 | low, what->len, to);
    at->known =
        templ->env.way(templ->env.context, (pk_bytes){to, what->len}, to, &at->way) == PK_WAY_KNOWN;
}

/* Packets to the same destination mostly stand side by side. */
static void ask_all(pk_template *templ, const trace_node *what, uint32_t n)
{
    const template_column *columns = templ->columns;
    const uint64_t *low = pk_template_wide(&columns[what->a], 0, n, templ->left), *high = low;
    if (what->b)
        high = pk_template_wide(&columns[what->b], 0, n, templ->right);
    for (uint32_t i = 0; i < n; i++) {
        if (i && low[i] == low[i - 1] && (!what->b || high[i] == high[i - 1]))
            templ->ways[i] = templ->ways[i - 1];
        else
            ask(templ, what, i, low[i], what->b ? high[i] : 0);
        if (!templ->ways[i].known)
            templ->refused[i] = true;
    }
    templ->way_a = what->a;
    templ->way_b = what->b;
}

static uint64_t part_of(const pk_way *way, const trace_node *what)
{
    const uint8_t *from = way->source;
    unsigned bits = what->len == 4 ? 32 : 64;
    switch ((trace_way_part)what->part) {
    case PK_WAY_SOURCE:
        from += what->len == 4 ? 0 : 8;
        break;
    case PK_WAY_SOURCE_HIGH:
        break;
    case PK_WAY_SOURCE_MAC:
    case PK_WAY_NEXTHOP_MAC:
        from = what->part == PK_WAY_SOURCE_MAC ? way->source_mac : way->nexthop_mac;
        bits = 48;
        break;
    }
    return pk_bits_get(from, 0, bits);
}

void pk_template_ways(pk_template *templ, template_column *column, uint32_t n)
{
    const trace_node *what = &column->what;
    if (templ->way_a != what->a || templ->way_b != what->b)
        ask_all(templ, what, n);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t value = part_of(&templ->ways[i].way, what);
        if (column->wide)
            ((uint64_t *)column->own)[i] = value;
        else
            ((uint32_t *)column->own)[i] = (uint32_t)value;
    }
}
