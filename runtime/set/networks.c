/* Sets of addresses by networks: every prefix that has a member of a set, and products of octets. */
#include "set/set.h"

#include <stdlib.h>

#include "set/line.h"

/* Neighbouring networks of addresses of one width. */
typedef struct stretch {
    pk_u128 first, last;
    uint8_t width;
} stretch;

typedef struct stretches {
    stretch *at;
    uint32_t count, cap;
} stretches;

static int add_stretch(pk_arena *arena, stretches *list, stretch one)
{
    if (list->count == PK_SET_RUNS_LIMIT)
        return PK_ELIMIT;
    if (list->count == list->cap) {
        uint32_t cap = list->cap ? list->cap * 2 : 16;
        stretch *grown = pk_arena_array(arena, cap, sizeof *grown);
        if (!grown)
            return PK_ENOMEM;
        for (uint32_t i = 0; i < list->count; i++)
            grown[i] = list->at[i];
        list->at = grown;
        list->cap = cap;
    }
    list->at[list->count++] = one;
    return PK_OK;
}

/* Members that lie at most a network apart leave none out between the first and the last. */
static int of_run(pk_arena *arena, const pk_run *run, unsigned len, stretches *list)
{
    if (run->kind != PK_RUN_ADDRESS || len > run->width * 8u)
        return PK_EFORMAT;
    unsigned host_bits = run->width * 8u - len;
    if (host_bits == 128)
        return PK_ELIMIT;
    pk_u128 hosts = ((pk_u128)1 << host_bits) - 1;
    pk_line line = pk_line_of_run(run);
    if (line.step - 1 <= hosts)
        return add_stretch(arena, list,
                           (stretch){line.low & ~hosts, pk_line_high(&line) | hosts, run->width});
    int code = PK_OK;
    for (pk_u128 i = 0; i < line.count && !code; i++) {
        pk_u128 member = line.low + i * line.step;
        code = add_stretch(arena, list, (stretch){member & ~hosts, member | hosts, run->width});
    }
    return code;
}

static int compare(const void *a, const void *b)
{
    const stretch *x = a, *y = b;
    if (x->width != y->width)
        return x->width < y->width ? -1 : 1;
    return (x->first > y->first) - (x->first < y->first);
}

static void merge(stretches *list)
{
    uint32_t n = 0;
    if (!list->count)
        return;
    qsort(list->at, list->count, sizeof *list->at, compare);
    for (uint32_t i = 1; i < list->count; i++) {
        stretch *last = &list->at[n];
        const stretch *next = &list->at[i];
        bool apart = next->width != last->width || next->first > last->last;
        if (apart && !(next->width == last->width && next->first - last->last == 1))
            list->at[++n] = *next;
        else if (next->last > last->last)
            last->last = next->last;
    }
    list->count = n + 1;
}

int pk_set_networks(pk_arena *arena, pk_set *set, unsigned prefix_len)
{
    pk_arena scratch = {0};
    stretches list = {0};
    pk_set made = {0};
    int code = PK_OK;
    for (uint32_t i = 0; i < set->n_runs && !code; i++)
        code = of_run(&scratch, &set->runs[i], prefix_len, &list);
    merge(&list);
    for (uint32_t i = 0; i < list.count && !code; i++) {
        const stretch *at = &list.at[i];
        pk_run run = {.first = at->first, .step = 1, .kind = PK_RUN_ADDRESS, .width = at->width};
        run.count = at->last - at->first + 1; /* 0: all 2^128 of them */
        const pk_set one = {.runs = &run, .n_runs = 1, .count = run.count};
        code = run.count ? pk_set_join(arena, &made, &one) : PK_ELIMIT;
    }
    pk_arena_free(&scratch);
    if (!code)
        *set = made;
    return code;
}

int pk_set_add_octets(pk_arena *arena, pk_set *set, const uint8_t lo[4], const uint8_t hi[4])
{
    unsigned fixed = 3; /* the octets before it choose a run; those behind it are free */
    while (fixed > 0 && lo[fixed] == 0 && hi[fixed] == 255)
        fixed--;
    pk_u128 size = (pk_u128)1 << 8 * (3 - fixed);
    uint32_t runs = 1;
    for (unsigned i = 0; i < fixed; i++) {
        runs *= (uint32_t)(hi[i] - lo[i]) + 1;
        if (hi[i] < lo[i] || runs > PK_SET_RUNS_LIMIT)
            return hi[i] < lo[i] ? PK_EFORMAT : PK_ELIMIT;
    }
    int code = hi[fixed] < lo[fixed] ? PK_EFORMAT : PK_OK;
    for (uint32_t n = 0; n < runs && !code; n++) {
        pk_u128 number = 0, rest = n;
        for (unsigned i = fixed; i-- > 0;) {
            unsigned choices = (unsigned)(hi[i] - lo[i]) + 1;
            number |= (lo[i] + rest % choices) << 8 * (3 - i);
            rest /= choices;
        }
        pk_run run = {.step = 1, .kind = PK_RUN_ADDRESS, .width = 4};
        run.first = number | (pk_u128)lo[fixed] << 8 * (3 - fixed);
        run.count = ((pk_u128)(hi[fixed] - lo[fixed]) + 1) * size;
        const pk_set one = {.runs = &run, .n_runs = 1, .count = run.count};
        code = pk_set_join(arena, set, &one);
    }
    return code;
}
