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

static pk_set_shape shape_of(const pk_run *run)
{
    if (run->kind == PK_RUN_VIEW)
        return run->of->shape;
    return (pk_set_shape){(uint32_t)run->blob.len, run->kind, run->width, false};
}

static void add_shape(pk_set *set, pk_set_shape shape)
{
    const pk_set_shape *own = &set->shape;
    if (!set->n_runs)
        set->shape = shape;
    else if (shape.kind != own->kind || shape.width != own->width || shape.len != own->len)
        set->shape.mixed = true;
    set->shape.mixed |= shape.mixed;
}

static int append(pk_arena *arena, pk_set *set, pk_run run)
{
    if (set->n_runs == PK_SET_RUNS_LIMIT || run.count > ~set->count)
        return PK_ELIMIT;
    if (!reserve(arena, set))
        return PK_ENOMEM;
    run.before = set->count;
    add_shape(set, shape_of(&run));
    set->runs[set->n_runs++] = run;
    set->count += run.count;
    if (run.kind == PK_RUN_VIEW && run.of->views + 1 > set->views)
        set->views = run.of->views + 1;
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
    if (!last || run->kind >= PK_RUN_BLOB || !same_class(last, run) || set->count == ~(pk_u128)0)
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

/* ---- views -------------------------------------------------------------------------------------
 */

/* Replaces the set by one view of what it was. */
static int look_through(pk_arena *arena, pk_set *set, pk_run view)
{
    if (set->views == PK_SET_VIEWS_LIMIT)
        return PK_ELIMIT;
    pk_set *of = pk_arena_alloc(arena, sizeof *of);
    if (!of)
        return PK_ENOMEM;
    *of = *set;
    pk_set made = {0};
    view.kind = PK_RUN_VIEW;
    view.of = of;
    int code = view.count ? append(arena, &made, view) : PK_OK;
    if (!code)
        *set = made;
    return code;
}

int pk_set_shuffle(pk_arena *arena, pk_set *set, pk_u128 count, uint64_t seed)
{
    if (count > set->count)
        return PK_EFORMAT;
    if (!set->count)
        return PK_OK;
    pk_permute *order = pk_arena_alloc(arena, sizeof *order);
    if (!order)
        return PK_ENOMEM;
    pk_permute_init(order, set->count, seed);
    return look_through(arena, set, (pk_run){.count = count, .order = order});
}

int pk_set_repeat(pk_arena *arena, pk_set *set, pk_u128 times)
{
    if (times == 1 || !set->count)
        return PK_OK;
    if (times > ~(pk_u128)0 / set->count)
        return PK_ELIMIT;
    return look_through(arena, set, (pk_run){.count = set->count * times});
}

/* Where in the set behind it a view finds its element `index`. */
static pk_u128 view_forward(const pk_run *view, pk_u128 index)
{
    return view->order ? pk_permute_forward(view->order, index) : index % view->of->count;
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
    case PK_RUN_VIEW:
        break;
    }
    return pk_value_undefined();
}

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

const pk_run *pk_set_find(const pk_set *set, pk_u128 *index)
{
    for (;;) {
        const pk_run *run = run_at(set, *index);
        *index -= run->before;
        if (run->kind != PK_RUN_VIEW)
            return run;
        *index = view_forward(run, *index);
        set = run->of;
    }
}

pk_value pk_set_at(const pk_set *set, pk_u128 index, uint8_t scratch[16])
{
    const pk_run *run = pk_set_find(set, &index);
    return run_element(run, index, scratch);
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

/* A set on the way through views, and the run of it at hand. */
typedef struct place {
    const pk_set *set;
    uint32_t run;
} place;

/* How often an element must be looked for under a view: a repeated set has it as often, and which of
 * them comes first is known but under a drawn order. */
static pk_u128 turns(const place *way, uint32_t depth)
{
    const pk_run *view = &way[depth].set->runs[way[depth].run];
    for (uint32_t i = 0; i < depth && !view->order; i++)
        if (way[i].set->runs[way[i].run].order)
            return view->count / view->of->count;
    return 1;
}

/* From an index in the innermost set of the way to one in the outermost; `turn` says which of equal
 * ones is taken. */
static bool climb(const place *way, uint32_t depth, const pk_u128 *turn, pk_u128 *index)
{
    while (depth-- > 0) {
        const pk_run *view = &way[depth].set->runs[way[depth].run];
        if (view->order)
            *index = pk_permute_inverse(view->order, *index);
        else
            *index += turn[depth] * view->of->count;
        if (*index >= view->count)
            return false;
        *index += view->before;
    }
    return true;
}

static bool next_turn(const place *way, uint32_t depth, pk_u128 *turn)
{
    while (depth-- > 0) {
        if (++turn[depth] < turns(way, depth))
            return true;
        turn[depth] = 0;
    }
    return false;
}

static void climb_to_least(const place *way, uint32_t depth, pk_u128 index, pk_u128 *best)
{
    pk_u128 turn[PK_SET_VIEWS_LIMIT] = {0};
    uint32_t work = 0;
    do {
        pk_u128 found = index;
        if (climb(way, depth, turn, &found) && found < *best)
            *best = found;
    } while (++work < PK_SET_WORK_LIMIT && next_turn(way, depth, turn));
}

bool pk_set_index_of(const pk_set *set, pk_value value, pk_u128 *ret_index)
{
    pk_run wanted;
    pk_u128 index, best = ~(pk_u128)0; /* no index: counts end there */
    place way[PK_SET_VIEWS_LIMIT + 1] = {{set, 0}};
    uint32_t depth = 0;
    if (!run_of_value(value, &wanted))
        return false;
    for (;;) {
        place *at = &way[depth];
        if (at->run == at->set->n_runs) {
            if (depth == 0)
                break;
            way[--depth].run++;
            continue;
        }
        const pk_run *run = &at->set->runs[at->run];
        if (run->kind == PK_RUN_VIEW) {
            way[++depth] = (place){run->of, 0};
            continue;
        }
        if (run_find(run, &wanted, &index)) {
            climb_to_least(way, depth, index + run->before, &best);
            if (depth == 0)
                break; /* what comes behind it has greater indices */
        }
        at->run++;
    }
    if (best == ~(pk_u128)0)
        return false;
    *ret_index = best;
    return true;
}
