#include "template_internal.h"

#include <assert.h>
#include <string.h>

#include "base/rng.h"

__extension__ typedef __int128 wide_int;

/* ---- widths ---------------------------------------------------------------------------------- */

const uint64_t *pk_template_wide(const template_column *column, uint32_t from, uint32_t count,
                                 uint64_t *room)
{
    if (column->wide)
        return (const uint64_t *)column->at + from;
    const uint32_t *narrow = (const uint32_t *)column->at + from;
    for (uint32_t i = 0; i < count; i++)
        room[i] = narrow[i];
    return room;
}

const uint32_t *pk_template_narrow(const template_column *column, uint32_t from, uint32_t count,
                                   uint32_t *room)
{
    if (!column->wide)
        return (const uint32_t *)column->at + from;
    const uint64_t *wide = (const uint64_t *)column->at + from;
    for (uint32_t i = 0; i < count; i++)
        room[i] = (uint32_t)wide[i];
    return room;
}

static void set_value(const template_column *column, void *out, uint32_t i, uint64_t value)
{
    if (column->wide)
        ((uint64_t *)out)[i] = value;
    else
        ((uint32_t *)out)[i] = (uint32_t)value;
}

static void fill(const pk_template *templ, const template_column *column, void *out, uint32_t at,
                 uint32_t n, uint64_t first, uint64_t step)
{
    if (column->wide)
        templ->kernels->ramp_wide((uint64_t *)out + at, n, first, step);
    else
        templ->kernels->ramp((uint32_t *)out + at, n, (uint32_t)first, (uint32_t)step);
}

/* ---- elements -------------------------------------------------------------------------------- */

static const pk_run *run_at(const pk_set *set, pk_u128 index)
{
    uint32_t lo = 0, hi = set->n_runs;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (set->runs[mid].before <= index)
            lo = mid;
        else
            hi = mid;
    }
    return &set->runs[lo];
}

static uint64_t element_at(const template_column *column, pk_u128 index)
{
    const trace_node *what = &column->what;
    const pk_run *run = pk_set_find(what->set, &index);
    pk_u128 step = (pk_u128)(wide_int)run->step;
    pk_u128 number = run->first + (pk_u128)(index * step);
    uint64_t value = 0;
    if (run->kind != PK_RUN_BLOB)
        return column->high ? (uint64_t)(number >> 64) : (uint64_t)number;
    for (uint32_t i = 0; i < what->len; i++)
        value = value << 8 | run->blob.data[what->part + i];
    return value;
}

static uint32_t least(pk_u128 a, uint32_t b)
{
    return a < b ? (uint32_t)a : b;
}

/* Consecutive packets in spans: the digit stays, or goes up with the element along one run. */
static void elements_from(const pk_template *templ, const template_column *column, void *out,
                          pk_u128 first, uint32_t count)
{
    const pk_set *set = column->what.set;
    pk_u128 turn, digit;
    assert(set->count); /* of an empty set there is no packet */
    if (first >> 64 == 0 && column->step >> 64 == 0 && column->radix >> 64 == 0) {
        uint64_t step = (uint64_t)column->step;
        uint64_t radix = (uint64_t)column->radix;
        assert(step && radix);
        turn = (uint64_t)first % step;
        digit = (uint64_t)first / step % radix;
    } else {
        turn = first % column->step;
        digit = first / column->step % column->radix;
    }
    for (uint32_t at = 0; at < count;) {
        pk_u128 index = digit < set->count ? digit : digit % set->count;
        const pk_run *run = run_at(set, index);
        uint32_t n = count - at;
        bool rising = column->step == 1 && column->linear;
        if (rising) {
            n = least(run->count - (index - run->before), n);
            n = least(column->radix - digit, n);
        } else {
            n = least(column->step - turn, n);
        }
        fill(templ, column, out, at, n, element_at(column, index),
             rising ? (uint64_t)run->step : 0);
        at += n;
        turn += rising ? 0 : n;
        digit += rising ? n : turn == column->step;
        turn = turn == column->step ? 0 : turn;
        digit = digit == column->radix ? 0 : digit;
    }
}

void pk_template_table(pk_template *templ, template_column *column)
{
    elements_from(templ, column, column->table, 0, column->period + PK_TEMPLATE_BATCH);
}

static void elements_of(const pk_template *templ, template_column *column,
                        const template_batch *batch)
{
    const pk_set *set = column->what.set;
    for (uint32_t i = 0; i < batch->count; i++) {
        pk_u128 index = batch->numbers[i] - templ->begin, digit;
        if (index >> 64 == 0 && column->step >> 64 == 0 && column->radix >> 64 == 0)
            digit = (uint64_t)index / (uint64_t)column->step % (uint64_t)column->radix;
        else
            digit = index / column->step % column->radix;
        set_value(column, column->own, i,
                  element_at(column, digit < set->count ? digit : digit % set->count));
    }
}

static void elements(const pk_template *templ, template_column *column, const template_batch *batch)
{
    if (batch->numbers) {
        column->at = column->own;
        elements_of(templ, column, batch);
    } else if (column->period) {
        size_t at = (size_t)(batch->first % column->period);
        column->at = column->wide ? (const void *)((const uint64_t *)column->table + at)
                                  : (const void *)((const uint32_t *)column->table + at);
    } else {
        elements_from(templ, column, column->own, batch->first, batch->count);
    }
}

/* ---- random numbers -------------------------------------------------------------------------- */

static pk_u128 asked(const template_batch *batch, uint32_t i)
{
    return batch->numbers ? batch->numbers[i] + batch->loop : batch->index + i;
}

/* Consecutive packets whose indices differ in the low 32 bits only are drawn side by side. */
static bool side_by_side(const pk_template *templ, const template_batch *batch, uint64_t stream,
                         pk_draw *ret_from)
{
    uint64_t low = (uint64_t)batch->index;
    if (batch->numbers || (uint32_t)low > UINT32_MAX - batch->count)
        return false;
    *ret_from = (pk_draw){.key = pk_rng_key(templ->seed, batch->index, stream),
                          .index = low,
                          .stream = (uint32_t)stream};
    return true;
}

static void choose_each(const pk_template *templ, const template_column *column,
                        const template_batch *batch)
{
    const trace_node *what = &column->what;
    for (uint32_t i = 0; i < batch->count; i++) {
        pk_u128 index = pk_rng_below(templ->seed, asked(batch, i), what->stream, what->set->count);
        set_value(column, column->own, i, element_at(column, index));
    }
}

static void choices(pk_template *templ, template_column *column, const template_batch *batch)
{
    const pk_set *set = column->what.set;
    const pk_run *run = &set->runs[0];
    pk_draw from;
    bool small =
        set->count <= (pk_u128)1 << 32 && side_by_side(templ, batch, column->what.stream, &from);
    if (!small)
        choose_each(templ, column, batch);
    else if (set->n_runs == 1 && column->linear && !column->wide) {
        if (!templ->kernels->draw_below(column->own, batch->count, &from, (uint64_t)set->count,
                                        (uint32_t)run->first, (uint32_t)run->step))
            choose_each(templ, column, batch);
    } else if (templ->kernels->draw_below(templ->narrow, batch->count, &from, (uint64_t)set->count,
                                          0, 1)) {
        for (uint32_t i = 0; i < batch->count; i++)
            set_value(column, column->own, i, element_at(column, templ->narrow[i]));
    } else {
        choose_each(templ, column, batch);
    }
}

static void randoms(const pk_template *templ, template_column *column, const template_batch *batch)
{
    pk_draw from;
    uint64_t *out = column->own;
    uint64_t stream = column->what.stream;
    if (pk_cookies_stream(stream)) {
        for (uint32_t i = 0; i < batch->count; i++)
            out[i] = pk_cookies_random(templ->cookies, stream, asked(batch, i));
        return;
    }
    if (side_by_side(templ, batch, stream, &from)) {
        templ->kernels->draw(out, batch->count, &from);
        return;
    }
    for (uint32_t i = 0; i < batch->count; i++)
        out[i] = pk_rng_u64(templ->seed, asked(batch, i), stream);
}

/* ---- arithmetic: as values.c has it ---------------------------------------------------------- */

static uint64_t divided(int64_t a, int64_t b, bool remainder)
{
    if (b == -1)
        return remainder ? 0 : 0 - (uint64_t)a;
    int64_t quotient = a / b, rest = a % b;
    if (rest != 0 && (rest < 0) != (b < 0)) {
        quotient--;
        rest += b;
    }
    return (uint64_t)(remainder ? rest : quotient);
}

#define EACH(value)                        \
    for (uint32_t i = 0; i < n; i++) {     \
        const uint64_t x = a[i], y = b[i]; \
        (void)y;                           \
        out[i] = (uint64_t)(value);        \
    }                                      \
    return

static void operate(pk_op op, uint64_t *out, uint32_t n, const uint64_t *a, const uint64_t *b)
{
    switch (op) {
    case PK_OPC_ADD:
        EACH(x + y);
    case PK_OPC_SUBTRACT:
        EACH(x - y);
    case PK_OPC_MUL:
        EACH(x * y);
    case PK_OPC_DIV: /* the trace lets no divisor be 0 */
        EACH(divided((int64_t)x, (int64_t)y, false));
    case PK_OPC_MOD:
        EACH(divided((int64_t)x, (int64_t)y, true));
    case PK_OPC_AND:
        EACH(x & y);
    case PK_OPC_OR:
        EACH(x | y);
    case PK_OPC_XOR:
        EACH(x ^ y);
    case PK_OPC_SHL:
        EACH(y >= 64 ? 0 : x << y);
    case PK_OPC_SHR:
        EACH(y >= 64 ? 0 : x >> y);
    case PK_OPC_NEG:
        EACH(0 - x);
    case PK_OPC_INVERT:
        EACH(~x);
    case PK_OPC_NOT:
        EACH(x == 0);
    case PK_OPC_TRUTH:
        EACH(x != 0);
    case PK_OPC_EQ:
        EACH(x == y);
    case PK_OPC_LT:
        EACH((int64_t)x < (int64_t)y);
    case PK_OPC_LE:
        EACH((int64_t)x <= (int64_t)y);
    case PK_OPC_LTU:
        EACH(x < y);
    default: /* LEU: the trace has no other */
        EACH(x <= y);
    }
}

void pk_template_combine(const trace_node *what, uint64_t *out, uint32_t n, const uint64_t *a,
                         const uint64_t *b)
{
    switch ((trace_kind)what->kind) {
    case TRACE_OPERATION:
        operate((pk_op)what->op, out, n, a, b);
        return;
    case TRACE_LEAST:
        EACH((int64_t)y < (int64_t)x ? y : x);
    case TRACE_GREATEST:
        EACH((int64_t)y > (int64_t)x ? y : x);
    case TRACE_NONZERO:
        EACH(x ? x : 0xffff);
    case TRACE_SWAP:
        EACH(pk_bits_swap(x & pk_bits_mask(what->part), what->part));
    case TRACE_CONSTANT:
    case TRACE_ELEMENT:
    case TRACE_CHOICE:
    case TRACE_RANDOM:
    case TRACE_WAY:
    case TRACE_LOAD:
    case TRACE_FOLD:
    case TRACE_SUM:
        return;
    }
}

/* The low bits of random ones, mostly. */
static bool masked(const pk_template *templ, template_column *column, uint32_t n)
{
    const trace_node *what = &column->what;
    const template_column *a = &templ->columns[what->a], *b = &templ->columns[what->b];
    if (what->kind != TRACE_OPERATION || what->op != PK_OPC_AND || column->wide || !a->wide ||
        b->what.kind != TRACE_CONSTANT)
        return false;
    const uint64_t *from = a->at;
    uint32_t *out = column->own, mask = (uint32_t)b->what.least;
    for (uint32_t i = 0; i < n; i++)
        out[i] = (uint32_t)from[i] & mask;
    return true;
}

static void computed(pk_template *templ, template_column *column, uint32_t n)
{
    const trace_node *what = &column->what;
    if (masked(templ, column, n))
        return;
    const uint64_t *a = pk_template_wide(&templ->columns[what->a], 0, n, templ->left);
    const uint64_t *b = a;
    uint64_t result[PK_TEMPLATE_BATCH];
    if (what->b)
        b = pk_template_wide(&templ->columns[what->b], 0, n, templ->right);
    pk_template_combine(what, result, n, a, b);
    if (column->wide)
        memcpy(column->own, result, n * sizeof *result);
    else
        for (uint32_t i = 0; i < n; i++)
            /* The analyser does not see that n of them were made. NOLINTNEXTLINE(clang-analyzer-*) */
            ((uint32_t *)column->own)[i] = (uint32_t)result[i];
}

/* ---- checksums: why this is right stands in template_trace.h --------------------------------- */

static void add_piece(const pk_template *templ, uint32_t *sum, uint32_t n, trace_piece piece)
{
    const template_column *column = &templ->columns[piece.node];
    unsigned shift = (16 - (piece.bit + piece.bits) % 16) % 16;
    uint64_t mask = pk_bits_mask(piece.bits);
    bool whole = !column->wide && (uint64_t)column->what.most <= mask;
    if (column->wide)
        templ->kernels->sum_wide(sum, n, column->at, mask, shift);
    else if (whole && shift == 0 && column->what.most <= 0xffff)
        templ->kernels->sum_small(sum, n, column->at);
    else if (whole && shift == 0)
        templ->kernels->sum_word(sum, n, column->at);
    else
        templ->kernels->sum_add(sum, n, column->at, (uint32_t)mask, shift);
}

static void checksums(const pk_template *templ, template_column *column, uint32_t n)
{
    const trace_node *what = &column->what;
    uint32_t *sum = column->own;
    uint64_t fixed = what->sum;
    while (fixed >> 16)
        fixed = (fixed & 0xffff) + (fixed >> 16);
    templ->kernels->sum_start(sum, n, (uint32_t)fixed);
    for (uint32_t i = 0; i < what->n_pieces; i++)
        add_piece(templ, sum, n, templ->pieces[what->pieces + i]);
    templ->kernels->sum_close(sum, n);
}

void pk_template_column(pk_template *templ, template_column *column, const template_batch *batch)
{
    switch ((trace_kind)column->what.kind) {
    case TRACE_CONSTANT:
        fill(templ, column, column->own, 0, batch->count, (uint64_t)column->what.least, 0);
        return;
    case TRACE_ELEMENT:
        elements(templ, column, batch);
        return;
    case TRACE_CHOICE:
        choices(templ, column, batch);
        return;
    case TRACE_RANDOM:
        randoms(templ, column, batch);
        return;
    case TRACE_SUM:
        checksums(templ, column, batch->count);
        return;
    case TRACE_WAY:
        pk_template_ways(templ, column, batch->count);
        return;
    case TRACE_LOAD:
    case TRACE_FOLD: /* there are no packets to follow in a build */
        return;
    case TRACE_OPERATION:
    case TRACE_LEAST:
    case TRACE_GREATEST:
    case TRACE_NONZERO:
    case TRACE_SWAP:
        computed(templ, column, batch->count);
        return;
    }
}
