#include "set/space.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/wide.h"

enum { SHUFFLE_STREAM = 0x73687566 /* "shuf": streams of packet fields count up from 1 */ };

/* Packets of the alternatives before one, exact beyond 2^128: each of at most 2^32 alternatives
 * adds at most one carry, and one that alone exceeds 2^128 - 1 counts as 2^128. */
typedef struct total {
    pk_u128 low;
    uint64_t high;
} total;

struct pk_space {
    const pk_image *image;
    pk_arena arena;
    pk_set *sets;
    pk_ref *dim_axis; /* by dimension: its first axis, 0 = no axis has this dimension */
    uint32_t n_dims;  /* greatest dimension + 1 */
    total *before;    /* by ALT, and one behind the last */
};

/* ---- sets --------------------------------------------------------------------------------------
 */

/* A set whose steps are being run; parameters' defaults are sets that must be known first. */
typedef struct running {
    pk_ref set;
    uint32_t step;
    pk_set *stack;
    uint32_t depth;
} running;

typedef struct evaluation {
    pk_space *space;
    const pk_space_source *source;
    char *text;
    size_t text_size;
    uint8_t *state; /* by SET: 0 not begun, 1 running, 2 known */
    running *runs;
    uint32_t n_runs;
} evaluation;

static int complain(const evaluation *eval, pk_ref set, int code, const char *what)
{
    const pk_image *image = eval->space->image;
    const char *words = pk_image_text(image, image->sets[set].text);
    (void)snprintf(eval->text, eval->text_size, "the set `%.80s`: %s", *words ? words : "?", what);
    return code;
}

static int checked(const evaluation *eval, pk_ref set, int code, const char *what)
{
    char limit[96];
    (void)snprintf(limit, sizeof limit,
                   "it has more than 2^128 - 1 members, or more than %d separate parts",
                   PK_SET_RUNS_LIMIT);
    switch (code) {
    case PK_OK:
        return PK_OK;
    case PK_ENOMEM:
        return complain(eval, set, code, "no memory for it");
    case PK_ELIMIT:
        return complain(eval, set, code, limit);
    default:
        return complain(eval, set, code, what);
    }
}

static pk_value value_of(const evaluation *eval, pk_ref expr)
{
    return eval->source->eval(eval->source->context, expr);
}

static int add_range(const evaluation *eval, const pk_image_set_step *step, pk_ref set, pk_set *to)
{
    pk_value stride = step->c ? value_of(eval, step->c) : pk_value_int(1);
    if (stride.kind != PK_INT || stride.number == 0)
        return complain(eval, set, PK_EFORMAT, "the step of a range is an integer other than 0");
    int code = pk_set_add_range(&eval->space->arena, to, value_of(eval, step->a),
                                value_of(eval, step->b), stride.number);
    return checked(eval, set, code,
                   "a range needs two integers or two addresses of one kind, and a step that leads "
                   "from the first to the second");
}

static int add_prefix(const evaluation *eval, const pk_image_set_step *step, pk_ref set, pk_set *to)
{
    pk_value address = value_of(eval, step->a), bits = value_of(eval, step->b);
    if (bits.kind != PK_INT || bits.number < 0 || bits.number > 128)
        return complain(eval, set, PK_EFORMAT, "a prefix length is 0 to 32, 48 or 128");
    int code = pk_set_add_prefix(&eval->space->arena, to, address, (unsigned)bits.number);
    return checked(eval, set, code,
                   "a prefix needs an address, and a length within the address's bits");
}

/* Copies: sets grow in place, and this one is somebody else's. */
static int add_param(const evaluation *eval, const pk_image_set_step *step, pk_ref set, pk_set *to)
{
    const pk_image_param *param = &eval->space->image->params[step->a];
    const pk_set *given =
        eval->source->param_set ? eval->source->param_set(eval->source->context, step->a) : NULL;
    if (!given && !param->init_set)
        return complain(eval, set, PK_EFORMAT, "it uses a parameter that was not given");
    int code =
        pk_set_join(&eval->space->arena, to, given ? given : &eval->space->sets[param->init_set]);
    return checked(eval, set, code, "it uses a parameter that is no set");
}

static int combine(const evaluation *eval, pk_set_op op, running *run)
{
    pk_set *left = &run->stack[run->depth - 2];
    const pk_set *right = &run->stack[run->depth - 1];
    run->depth--;
    int code = op == PK_SET_JOIN ? pk_set_join(&eval->space->arena, left, right)
                                 : pk_set_except(&eval->space->arena, left, right);
    return checked(eval, run->set, code,
                   "`except` does not go with sets in a drawn order or with weights: first leave "
                   "out, then shuffle");
}

/* ---- files ---- */

static int file_name(const evaluation *eval, pk_ref set, pk_ref expr, pk_bytes *ret_name)
{
    pk_value name = value_of(eval, expr);
    if (name.kind != PK_BYTES || !name.len || memchr(name.bytes, 0, name.len))
        return complain(eval, set, PK_EFORMAT, "the name of a file is a text");
    *ret_name = (pk_bytes){name.bytes, name.len};
    return PK_OK;
}

static int add_lines(const evaluation *eval, const pk_image_set_step *step, pk_ref set, pk_set *to)
{
    char why[256] = "there are no files here";
    pk_bytes name;
    int code = file_name(eval, set, step->a, &name);
    if (code)
        return code;
    code = eval->source->lines ? eval->source->lines(eval->source->context, step, name,
                                                     &eval->space->arena, to, why)
                               : PK_EUNSUPPORTED;
    return code ? complain(eval, set, code, why) : PK_OK;
}

static int add_frames(const evaluation *eval, const pk_image_set_step *step, pk_ref set, pk_set *to)
{
    char why[256] = "there are no files here";
    uint64_t count = 0;
    pk_bytes name;
    int code = file_name(eval, set, step->a, &name);
    if (code)
        return code;
    code = eval->source->frames ? eval->source->frames(eval->source->context, name, &count, why)
                                : PK_EUNSUPPORTED;
    if (code)
        return complain(eval, set, code, why);
    if (!count)
        return PK_OK;
    code = pk_set_add_range(&eval->space->arena, to, pk_value_int(0),
                            pk_value_int((int64_t)(count - 1)), 1);
    return checked(eval, set, code, "it has too many frames");
}

static int add_octets(const evaluation *eval, const pk_image_set_step *step, pk_ref set, pk_set *to)
{
    pk_value bounds = value_of(eval, step->a);
    if (bounds.kind != PK_BYTES || bounds.len != 8)
        return complain(eval, set, PK_EFORMAT, "octets are ranges of four numbers");
    int code = pk_set_add_octets(&eval->space->arena, to, bounds.bytes, bounds.bytes + 4);
    return checked(eval, set, code, "a range of octets goes upwards");
}

/* ---- what is made of a whole set ---- */

static int draw(const evaluation *eval, const pk_image_set_step *step, pk_ref set, pk_set *of)
{
    pk_u128 count = of->count;
    if (step->op == PK_SET_SAMPLE) {
        pk_value asked = value_of(eval, step->b);
        if (asked.kind != PK_INT || asked.number < 0 || (pk_u128)asked.number > of->count)
            return complain(eval, set, PK_EFORMAT,
                            "a sample is a number of members, and not of more than there are");
        count = (pk_u128)asked.number;
    }
    uint64_t seed = pk_rng_u64(eval->source->seed, step->a, SHUFFLE_STREAM);
    int code = pk_set_shuffle(&eval->space->arena, of, count, seed);
    return checked(eval, set, code, "it cannot be shuffled");
}

static int repeat(const evaluation *eval, const pk_image_set_step *step, pk_ref set, pk_set *of)
{
    pk_value times = value_of(eval, step->a);
    if (times.kind != PK_INT || times.number < 0)
        return complain(eval, set, PK_EFORMAT, "a weight is an integer, and not negative");
    int code = pk_set_repeat(&eval->space->arena, of, (pk_u128)times.number);
    return checked(eval, set, code, "it cannot be repeated");
}

static int networks(const evaluation *eval, const pk_image_set_step *step, pk_ref set, pk_set *of)
{
    static const char what[] = "a prefix needs an address, and a length within the address's bits";
    pk_value bits = value_of(eval, step->a);
    if (bits.kind != PK_INT || bits.number < 0 || bits.number > 128)
        return complain(eval, set, PK_EFORMAT, what);
    return checked(eval, set, pk_set_networks(&eval->space->arena, of, (unsigned)bits.number),
                   what);
}

static int transform(const evaluation *eval, const pk_image_set_step *step, const running *run)
{
    pk_set *of = &run->stack[run->depth - 1];
    if (step->op == PK_SET_REPEAT)
        return repeat(eval, step, run->set, of);
    if (step->op == PK_SET_NETWORKS)
        return networks(eval, step, run->set, of);
    return draw(eval, step, run->set, of);
}

static int run_step(const evaluation *eval, running *run, const pk_image_set_step *step)
{
    if (step->op == PK_SET_JOIN || step->op == PK_SET_EXCEPT)
        return combine(eval, (pk_set_op)step->op, run);
    if (step->op >= PK_SET_SHUFFLE)
        return transform(eval, step, run);
    pk_set *to = &run->stack[run->depth++];
    *to = (pk_set){0};
    switch ((pk_set_op)step->op) {
    case PK_SET_VALUE:
        return checked(eval, run->set,
                       pk_set_add_value(&eval->space->arena, to, value_of(eval, step->a)),
                       "an element is neither a number, an address nor bytes");
    case PK_SET_RANGE:
        return add_range(eval, step, run->set, to);
    case PK_SET_PREFIX:
        return add_prefix(eval, step, run->set, to);
    case PK_SET_PARAM:
        return add_param(eval, step, run->set, to);
    case PK_SET_LINES:
        return add_lines(eval, step, run->set, to);
    case PK_SET_FRAMES:
        return add_frames(eval, step, run->set, to);
    case PK_SET_OCTETS:
        return add_octets(eval, step, run->set, to);
    case PK_SET_JOIN:
    case PK_SET_EXCEPT:
    case PK_SET_NONE:
    case PK_SET_SHUFFLE:
    case PK_SET_SAMPLE:
    case PK_SET_REPEAT:
    case PK_SET_NETWORKS:
        break;
    }
    return PK_OK;
}

/* The set that a step needs and that is not known yet, 0 = none. */
static pk_ref missing(const evaluation *eval, const pk_image_set_step *step)
{
    if (step->op != PK_SET_PARAM)
        return 0;
    pk_ref init = eval->space->image->params[step->a].init_set;
    bool given =
        eval->source->param_set && eval->source->param_set(eval->source->context, step->a) != NULL;
    return given || eval->state[init] == 2 ? 0 : init;
}

static int begin(evaluation *eval, pk_ref set)
{
    const pk_image_set *at = &eval->space->image->sets[set];
    if (eval->state[set] == 1)
        return complain(eval, set, PK_EFORMAT, "it depends on itself");
    running *run = &eval->runs[eval->n_runs];
    *run = (running){.set = set};
    run->stack = pk_arena_array(&eval->space->arena, at->n_steps, sizeof *run->stack);
    if (!run->stack)
        return complain(eval, set, PK_ENOMEM, "no memory for it");
    eval->n_runs++;
    eval->state[set] = 1;
    return PK_OK;
}

/* Runs the innermost set until it is known or needs another. */
static int advance(evaluation *eval)
{
    running *run = &eval->runs[eval->n_runs - 1];
    const pk_image_set *set = &eval->space->image->sets[run->set];
    while (run->step < set->n_steps) {
        const pk_image_set_step *step = &eval->space->image->set_steps[set->steps + run->step];
        pk_ref needed = missing(eval, step);
        if (needed)
            return begin(eval, needed);
        int code = run_step(eval, run, step);
        if (code)
            return code;
        run->step++;
    }
    if (run->depth)
        eval->space->sets[run->set] = run->stack[0];
    eval->state[run->set] = 2;
    eval->n_runs--;
    return PK_OK;
}

static int evaluate_sets(evaluation *eval)
{
    uint32_t n = eval->space->image->n_sets;
    eval->space->sets = pk_arena_array(&eval->space->arena, n, sizeof *eval->space->sets);
    eval->state = pk_arena_array(&eval->space->arena, n, 1);
    eval->runs = pk_arena_array(&eval->space->arena, n, sizeof *eval->runs);
    if (!eval->space->sets || !eval->state || !eval->runs)
        return complain(eval, 0, PK_ENOMEM, "no memory for it");
    eval->state[0] = 2;
    int code = PK_OK;
    for (pk_ref set = eval->source->first ? eval->source->first : 1; set < n && !code; set++) {
        code = eval->state[set] ? PK_OK : begin(eval, set);
        while (eval->n_runs && !code)
            code = advance(eval);
    }
    return code;
}

/* ---- counting ----------------------------------------------------------------------------------
 */

static bool find_dims(pk_space *space)
{
    const pk_image *image = space->image;
    for (pk_ref axis = 1; axis < image->n_axes; axis++)
        if (image->axes[axis].dim >= space->n_dims)
            space->n_dims = image->axes[axis].dim + 1;
    if (!space->n_dims)
        space->n_dims = 1;
    space->dim_axis = pk_arena_array(&space->arena, space->n_dims, sizeof *space->dim_axis);
    if (!space->dim_axis)
        return false;
    for (pk_ref axis = image->n_axes; axis-- > 1;) {
        pk_ref *first = &space->dim_axis[image->axes[axis].dim];
        if (!*first || !(image->axes[axis].flags & PK_AXIS_CYCLES))
            *first = axis;
    }
    return true;
}

/* Sets that step together have as many members. */
static int pair_up(const evaluation *eval)
{
    const pk_space *space = eval->space;
    for (pk_ref axis = 1; axis < space->image->n_axes; axis++) {
        const pk_image_axis *at = &space->image->axes[axis];
        pk_ref first = space->dim_axis[at->dim];
        if (!at->dim || first == axis)
            continue;
        pk_u128 count = pk_space_axis_set(space, axis)->count;
        pk_u128 other = pk_space_axis_set(space, first)->count;
        bool cycles = (at->flags & PK_AXIS_CYCLES) && (count || !other);
        if (count == other || cycles)
            continue;
        pk_buf text = {0};
        pk_buf_text(&text, "what steps together has as many members: here are ");
        pk_wide_add(&text, count);
        pk_buf_text(&text, " and ");
        pk_wide_add(&text, other);
        pk_buf_text(&text, "; cycle(..) begins again");
        int code = complain(eval, at->set, PK_EFORMAT, pk_buf_cstr(&text));
        pk_buf_free(&text);
        return code;
    }
    return PK_OK;
}

pk_u128 pk_space_dim_count(const pk_space *space, uint32_t dim)
{
    return pk_space_axis_set(space, space->dim_axis[dim])->count;
}

/* The product of an alternative's dimensions; false when it exceeds 2^128 - 1. An empty dimension
 * makes it 0 however large the others are. */
static bool alt_count(const pk_space *space, pk_ref alt, pk_u128 *ret_count)
{
    const pk_image_alt *at = &space->image->alts[alt];
    pk_u128 count = 1;
    bool fits = true;
    for (uint32_t i = 0; i < at->n_dims; i++) {
        pk_u128 n = pk_space_dim_count(space, space->image->dims[at->dims + i]);
        if (n == 0) {
            *ret_count = 0;
            return true;
        }
        fits = fits && count <= ~(pk_u128)0 / n;
        count *= n;
    }
    if (fits)
        *ret_count = count;
    return fits;
}

static bool add_up(pk_space *space)
{
    uint32_t n = space->image->n_alts;
    space->before = pk_arena_array(&space->arena, (size_t)n + 1, sizeof *space->before);
    if (!space->before)
        return false;
    total sum = {0};
    for (pk_ref alt = 1; alt < n; alt++) {
        pk_u128 count = 0;
        space->before[alt] = sum;
        if (alt_count(space, alt, &count))
            sum.high += count > ~sum.low;
        else
            sum.high++;
        sum.low += count;
    }
    space->before[n] = sum;
    return true;
}

static total difference(total a, total b)
{
    return (total){a.low - b.low, a.high - b.high - (a.low < b.low)};
}

bool pk_space_count(const pk_space *space, pk_ref first, uint32_t count, pk_u128 *ret_count)
{
    total sum = difference(space->before[first + count], space->before[first]);
    if (count == 0)
        sum = (total){0};
    if (sum.high)
        return false;
    *ret_count = sum.low;
    return true;
}

/* ---- life --------------------------------------------------------------------------------------
 */

int pk_space_new(const pk_image *image, const pk_space_source *source, pk_space **ret_space,
                 char *reterr_text, size_t reterr_size)
{
    pk_space *space = calloc(1, sizeof *space);
    evaluation eval = {.space = space, .source = source, .text = reterr_text};
    eval.text_size = reterr_size;
    int code = space ? PK_OK : PK_ENOMEM;
    if (space) {
        space->image = image;
        code = evaluate_sets(&eval);
    }
    if (!code && !find_dims(space))
        code = PK_ENOMEM;
    if (!code)
        code = pair_up(&eval);
    if (!code && !add_up(space))
        code = PK_ENOMEM;
    if (code) {
        if (code == PK_ENOMEM)
            (void)snprintf(reterr_text, reterr_size, "no memory for the program's sets");
        pk_space_free(space);
        return code;
    }
    *ret_space = space;
    return PK_OK;
}

void pk_space_free(pk_space *space)
{
    if (!space)
        return;
    pk_arena_free(&space->arena);
    free(space);
}

/* ---- points ------------------------------------------------------------------------------------
 */

int pk_point_init(const pk_space *space, pk_point *ret_point)
{
    pk_u128 *digits = calloc(space->n_dims, sizeof *digits);
    if (!digits)
        return PK_ENOMEM;
    *ret_point = (pk_point){.digits = digits};
    return PK_OK;
}

void pk_point_free(pk_point *point)
{
    free(point->digits);
    *point = (pk_point){0};
}

static bool at_most(total a, pk_u128 index)
{
    return a.high == 0 && a.low <= index;
}

/* The alternative among `count` > 0 from `first` in which `index` lies, if it lies in any. */
static pk_ref alt_of(const pk_space *space, pk_ref first, uint32_t count, pk_u128 index)
{
    total base = space->before[first];
    uint32_t lo = 0, hi = count;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (at_most(difference(space->before[first + mid], base), index))
            lo = mid;
        else
            hi = mid;
    }
    return first + lo;
}

/* Takes the digit off `*index`. Most spaces fit 64 bits, where division is cheap. */
static pk_u128 take_digit(pk_u128 *index, pk_u128 radix)
{
    pk_u128 digit;
    if (*index >> 64 == 0 && radix >> 64 == 0) {
        uint64_t small = (uint64_t)*index, by = (uint64_t)radix;
        digit = small % by;
        *index = small / by;
    } else {
        digit = *index % radix;
        *index /= radix;
    }
    return digit;
}

pk_ref pk_space_alt(const pk_space *space, pk_ref first, uint32_t count, pk_u128 index)
{
    if (!count || at_most(difference(space->before[first + count], space->before[first]), index))
        return 0;
    return count == 1 ? first : alt_of(space, first, count, index);
}

bool pk_space_locate(const pk_space *space, pk_ref first, uint32_t count, pk_u128 index,
                     pk_point *point)
{
    if (!count || at_most(difference(space->before[first + count], space->before[first]), index))
        return false;
    pk_ref alt = alt_of(space, first, count, index);
    const pk_image_alt *at = &space->image->alts[alt];
    pk_u128 rest = index - difference(space->before[alt], space->before[first]).low;
    for (uint32_t i = at->n_dims; i-- > 0;) {
        uint32_t dim = space->image->dims[at->dims + i];
        point->digits[dim] = take_digit(&rest, pk_space_dim_count(space, dim));
    }
    point->alt = alt;
    point->index = index;
    return true;
}

bool pk_space_index(const pk_space *space, pk_ref first, pk_ref alt, const pk_u128 *digits,
                    pk_u128 *ret_index)
{
    const pk_image_alt *at = &space->image->alts[alt];
    pk_u128 index = 0;
    for (uint32_t i = 0; i < at->n_dims; i++) {
        uint32_t dim = space->image->dims[at->dims + i];
        pk_u128 radix = pk_space_dim_count(space, dim);
        if (digits[dim] >= radix)
            return false;
        index = index * radix + digits[dim];
    }
    *ret_index = index + difference(space->before[alt], space->before[first]).low;
    return true;
}

pk_value pk_space_element(const pk_space *space, pk_ref axis, const pk_point *point,
                          uint8_t scratch[16])
{
    const pk_set *set = pk_space_axis_set(space, axis);
    uint32_t dim = space->image->axes[axis].dim;
    pk_u128 digit = dim ? point->digits[dim] : point->index;
    if (!set->count)
        return pk_value_undefined();
    return pk_set_at(set, digit < set->count ? digit : digit % set->count, scratch);
}

const pk_set *pk_space_set(const pk_space *space, pk_ref set)
{
    return &space->sets[set];
}

const pk_set *pk_space_axis_set(const pk_space *space, pk_ref axis)
{
    return &space->sets[space->image->axes[axis].set];
}
