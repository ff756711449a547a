#include "set/set.h"

#include <string.h>

#include "set/line.h"

__extension__ typedef __int128 wide;

/* ---- runs --------------------------------------------------------------------------------------
 */

/* Room for one more run: capacities are powers of two, so the count tells when it is used up. */
static bool reserve(pk_arena *arena, pk_set *set)
{
    uint32_t n = set->n_runs;
    if (n && (n < 4 || n & (n - 1)))
        return true;
    pk_run *runs = pk_arena_array(arena, n ? (size_t)n * 2 : 4, sizeof *runs);
    if (!runs)
        return false;
    if (n)
        memcpy(runs, set->runs, n * sizeof *runs);
    set->runs = runs;
    return true;
}

static int append(pk_arena *arena, pk_set *set, pk_run run)
{
    if (set->n_runs == PK_SET_RUNS_LIMIT || run.count > ~set->count)
        return PK_ELIMIT;
    if (!reserve(arena, set))
        return PK_ENOMEM;
    run.before = set->count;
    set->runs[set->n_runs++] = run;
    set->count += run.count;
    return PK_OK;
}

static bool is_address_width(size_t width)
{
    return width == 4 || width == 6 || width == 16;
}

static pk_u128 address_number(const uint8_t *bytes, size_t width)
{
    pk_u128 number = 0;
    for (size_t i = 0; i < width; i++)
        number = number << 8 | bytes[i];
    return number;
}

static void address_bytes(pk_u128 number, size_t width, uint8_t *ret_bytes)
{
    for (size_t i = width; i-- > 0; number >>= 8)
        ret_bytes[i] = (uint8_t)number;
}

/* A run of the value alone; false when it is neither integer nor bytes. */
static bool run_of_value(pk_value value, pk_run *ret_run)
{
    pk_run run = {.count = 1, .step = 1};
    if (value.kind == PK_INT) {
        run.kind = PK_RUN_INT;
        run.first = (pk_u128)(wide)value.number;
    } else if (value.kind == PK_BYTES && is_address_width(value.len)) {
        run.kind = PK_RUN_ADDRESS;
        run.width = (uint8_t)value.len;
        run.first = address_number(value.bytes, value.len);
    } else if (value.kind == PK_BYTES) {
        run.kind = PK_RUN_BLOB;
        run.blob = (pk_bytes){value.bytes, value.len};
    } else {
        return false;
    }
    *ret_run = run;
    return true;
}

static bool same_class(const pk_run *a, const pk_run *b)
{
    return a->kind == b->kind && a->width == b->width;
}

/* Lengthens the last run by a value that continues it, so that a written-out list of consecutive
 * values is one run. */
static bool continues(pk_set *set, const pk_run *run)
{
    pk_run *last = set->n_runs ? &set->runs[set->n_runs - 1] : NULL;
    if (!last || run->kind == PK_RUN_BLOB || !same_class(last, run) || set->count == ~(pk_u128)0)
        return false;
    pk_line line = pk_line_of_run(last);
    pk_u128 end = last->step < 0 ? line.low : pk_line_high(&line), next = pk_line_of_run(run).low;
    int64_t step = next > end && next - end == 1 ? 1 : next < end && end - next == 1 ? -1 : 0;
    if (!step || (last->count > 1 && last->step != step))
        return false;
    last->step = step;
    last->count++;
    set->count++;
    return true;
}

int pk_set_add_value(pk_arena *arena, pk_set *set, pk_value value)
{
    pk_run run;
    if (!run_of_value(value, &run))
        return PK_EFORMAT;
    return continues(set, &run) ? PK_OK : append(arena, set, run);
}

int pk_set_add_range(pk_arena *arena, pk_set *set, pk_value lo, pk_value hi, int64_t step)
{
    pk_run from, to;
    if (step == 0 || !run_of_value(lo, &from) || !run_of_value(hi, &to) ||
        from.kind == PK_RUN_BLOB || !same_class(&from, &to))
        return PK_EFORMAT;
    pk_u128 first = pk_line_of_run(&from).low, last = pk_line_of_run(&to).low;
    bool down = last < first;
    if (step == 1 && down)
        step = -1;
    if (first != last && down != (step < 0))
        return PK_EFORMAT;
    pk_u128 size = step < 0 ? (pk_u128)0 - (pk_u128)(wide)step : (pk_u128)step;
    pk_u128 steps = (down ? first - last : last - first) / size;
    if (steps == ~(pk_u128)0)
        return PK_ELIMIT;
    from.count = steps + 1;
    from.step = steps ? step : 1;
    return append(arena, set, from);
}

int pk_set_add_prefix(pk_arena *arena, pk_set *set, pk_value address, unsigned prefix_len)
{
    pk_run run;
    if (!run_of_value(address, &run) || run.kind != PK_RUN_ADDRESS || prefix_len > run.width * 8U)
        return PK_EFORMAT;
    unsigned host_bits = run.width * 8U - prefix_len;
    if (host_bits == 128)
        return PK_ELIMIT; /* 2^128 elements are one more than can be counted */
    run.count = (pk_u128)1 << host_bits;
    run.first = run.first >> host_bits << host_bits;
    return append(arena, set, run);
}

int pk_set_join(pk_arena *arena, pk_set *set, const pk_set *more)
{
    uint32_t n = more->n_runs;
    if (n > PK_SET_RUNS_LIMIT - set->n_runs || more->count > ~set->count)
        return PK_ELIMIT;
    int code = PK_OK;
    for (uint32_t i = 0; i < n && !code; i++)
        code = append(arena, set, more->runs[i]);
    return code;
}

/* ---- elements ----------------------------------------------------------------------------------
 */

static pk_value run_element(const pk_run *run, pk_u128 index, uint8_t scratch[16])
{
    pk_u128 step = (pk_u128)(wide)run->step;
    pk_u128 number = run->first + (pk_u128)(index * step);
    switch ((pk_run_kind)run->kind) {
    case PK_RUN_INT:
        return pk_value_int((int64_t)(uint64_t)number);
    case PK_RUN_ADDRESS:
        address_bytes(number, run->width, scratch);
        return pk_value_bytes(scratch, run->width);
    case PK_RUN_BLOB:
        return pk_value_bytes(run->blob.data, (uint32_t)run->blob.len);
    }
    return pk_value_undefined();
}

pk_value pk_set_at(const pk_set *set, pk_u128 index, uint8_t scratch[16])
{
    uint32_t lo = 0, hi = set->n_runs;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (set->runs[mid].before <= index)
            lo = mid;
        else
            hi = mid;
    }
    return run_element(&set->runs[lo], index - set->runs[lo].before, scratch);
}

static bool blobs_equal(pk_bytes a, pk_bytes b)
{
    return a.len == b.len && (!a.len || memcmp(a.data, b.data, a.len) == 0);
}

static bool run_find(const pk_run *run, const pk_run *value, pk_u128 *ret_index)
{
    if (!same_class(run, value))
        return false;
    if (run->kind == PK_RUN_BLOB) {
        *ret_index = 0;
        return blobs_equal(run->blob, value->blob);
    }
    pk_line line = pk_line_of_run(run);
    if (!pk_line_find(&line, pk_line_of_run(value).low, ret_index))
        return false;
    if (run->step < 0)
        *ret_index = run->count - 1 - *ret_index;
    return true;
}

bool pk_set_index_of(const pk_set *set, pk_value value, pk_u128 *ret_index)
{
    pk_run wanted;
    pk_u128 index;
    if (!run_of_value(value, &wanted))
        return false;
    for (uint32_t i = 0; i < set->n_runs; i++)
        if (run_find(&set->runs[i], &wanted, &index)) {
            *ret_index = set->runs[i].before + index;
            return true;
        }
    return false;
}
