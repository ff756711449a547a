#include "set/set.h"

#include <stdlib.h>

#include "../base/check.h"

/* ---- a naive set: every element written out ----------------------------------------------------
 */

enum { NAIVE_MOST = 4096 };

typedef struct naive {
    pk_value at[NAIVE_MOST];
    uint8_t bytes[NAIVE_MOST][16];
    size_t count;
} naive;

static bool equal(pk_value a, pk_value b)
{
    if (a.kind != b.kind)
        return false;
    if (a.kind == PK_INT)
        return a.number == b.number;
    return a.kind == PK_BYTES && a.len == b.len && (!a.len || memcmp(a.bytes, b.bytes, a.len) == 0);
}

static void naive_add(naive *set, pk_value value)
{
    if (set->count == NAIVE_MOST)
        abort();
    set->at[set->count] = value;
    if (value.kind == PK_BYTES && value.len <= 16) {
        memcpy(set->bytes[set->count], value.bytes, value.len);
        set->at[set->count].bytes = set->bytes[set->count];
    }
    set->count++;
}

static size_t naive_find(const naive *set, pk_value value)
{
    for (size_t i = 0; i < set->count; i++)
        if (equal(set->at[i], value))
            return i;
    return set->count;
}

static void naive_except(naive *set, const naive *without)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (naive_find(without, set->at[i]) < without->count)
            continue;
        uint8_t bytes[16];
        pk_value value = set->at[i];
        memcpy(bytes, set->bytes[i], 16);
        memcpy(set->bytes[kept], bytes, 16);
        set->at[kept] = value;
        if (value.kind == PK_BYTES && value.len <= 16)
            set->at[kept].bytes = set->bytes[kept];
        kept++;
    }
    set->count = kept;
}

/* Same order, same count, and the inverse finds the first of equals. */
static bool same(const pk_set *set, const naive *want)
{
    uint8_t scratch[16];
    pk_u128 index = 0;
    if (set->count != want->count)
        return false;
    for (size_t i = 0; i < want->count; i++) {
        if (!equal(pk_set_at(set, i, scratch), want->at[i]))
            return false;
        if (!pk_set_index_of(set, want->at[i], &index) || index != naive_find(want, want->at[i]))
            return false;
    }
    return true;
}

/* ---- small numbers and addresses
 * ----------------------------------------------------------------- */

static pk_value ip4(uint8_t bytes[4], uint32_t number)
{
    for (int i = 4; i-- > 0; number >>= 8)
        bytes[i] = (uint8_t)number;
    return pk_value_bytes(bytes, 4);
}

static pk_value ip6(uint8_t bytes[16], pk_u128 number)
{
    for (int i = 16; i-- > 0; number >>= 8)
        bytes[i] = (uint8_t)number;
    return pk_value_bytes(bytes, 16);
}

static uint64_t random_state;

static uint64_t next(uint64_t below)
{
    random_state += 0x9e3779b97f4a7c15;
    uint64_t z = random_state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % below;
}

/* ---- properties
 * ---------------------------------------------------------------------------------- */

static const pk_value blobs[] = {
    {.kind = PK_BYTES, .len = 0, .bytes = (const uint8_t *)""},
    {.kind = PK_BYTES, .len = 3, .bytes = (const uint8_t *)"abc"},
    {.kind = PK_BYTES, .len = 3, .bytes = (const uint8_t *)"abd"},
    {.kind = PK_BYTES, .len = 20, .bytes = (const uint8_t *)"abcdefghijklmnopqrst"},
};

/* A value of one of three kinds; addresses lie at the upper end of their space. */
static pk_value draw(uint8_t bytes[16], uint64_t kind, uint64_t number)
{
    if (kind == 0)
        return pk_value_int((int64_t)number - 40);
    if (kind == 1)
        return ip4(bytes, UINT32_MAX - 150 + (uint32_t)number);
    return blobs[number % 4];
}

static void add_random(pk_arena *arena, pk_set *set, naive *want, uint64_t kind)
{
    uint8_t lo_bytes[16], hi_bytes[16];
    uint64_t from = next(120), to = next(120);
    int64_t step = (int64_t)next(9) - 4;
    pk_value lo = draw(lo_bytes, kind, from), hi = draw(hi_bytes, kind, to);
    if (kind == 2 || next(3) == 0) {
        CHECK_INT(pk_set_add_value(arena, set, lo), PK_OK);
        naive_add(want, lo);
        return;
    }
    int code = pk_set_add_range(arena, set, lo, hi, step);
    if (step == 1 && to < from)
        step = -1;
    bool good = step != 0 && (from == to || (to > from) == (step > 0));
    CHECK_INT(code, good ? PK_OK : PK_EFORMAT);
    for (int64_t i = (int64_t)from; good && (step > 0 ? i <= (int64_t)to : i >= (int64_t)to);
         i += step)
        naive_add(want, draw(lo_bytes, kind, (uint64_t)i));
}

static naive want_a, want_b;

static void test_random_sets_equal_their_enumeration(void)
{
    random_state = 1;
    for (int round = 0; round < 3000; round++) {
        pk_arena arena = {0};
        pk_set a = {0}, b = {0};
        want_a.count = want_b.count = 0;
        uint64_t mixed = next(4);
        for (uint64_t i = next(5); i-- > 0;)
            add_random(&arena, &a, &want_a, mixed == 3 ? next(3) : mixed);
        for (uint64_t i = next(6); i-- > 0;)
            add_random(&arena, &b, &want_b, mixed == 3 ? next(3) : mixed);
        bool good = same(&a, &want_a) && same(&b, &want_b);
        CHECK_INT(pk_set_except(&arena, &a, &b), PK_OK);
        naive_except(&want_a, &want_b);
        good = good && same(&a, &want_a);
        CHECK_INT(pk_set_join(&arena, &a, &b), PK_OK);
        for (size_t i = 0; i < want_b.count; i++)
            naive_add(&want_a, want_b.at[i]);
        good = good && same(&a, &want_a);
        CHECK_INT(pk_set_join(&arena, &a, &a), PK_OK);
        CHECK(a.count == 2 * want_a.count);
        pk_arena_free(&arena);
        if (!good) {
            CHECK_INT(round, -1);
            return;
        }
    }
}

/* ---- what must be exact at the ends
 * ---------------------------------------------------------------- */

static void test_prefixes_enumerate_their_addresses(void)
{
    pk_arena arena = {0};
    pk_set set = {0};
    uint8_t bytes[16], scratch[16];
    pk_u128 index = 0;
    CHECK_INT(pk_set_add_prefix(&arena, &set, ip4(bytes, 0x0a0000ff), 30), PK_OK);
    CHECK_INT(set.count, 4);
    CHECK(equal(pk_set_at(&set, 3, scratch), ip4(bytes, 0x0a0000ff)));
    CHECK(equal(pk_set_at(&set, 0, scratch), ip4(bytes, 0x0a0000fc)));
    CHECK(!pk_set_index_of(&set, ip4(bytes, 0x0a000100), &index));
    CHECK_INT(pk_set_add_prefix(&arena, &set, ip4(bytes, 0), 0), PK_OK);
    CHECK(set.count == ((pk_u128)1 << 32) + 4);
    CHECK(equal(pk_set_at(&set, set.count - 1, scratch), ip4(bytes, UINT32_MAX)));
    CHECK_INT(pk_set_add_prefix(&arena, &set, ip4(bytes, 7), 33), PK_EFORMAT);
    CHECK_INT(pk_set_add_prefix(&arena, &set, pk_value_int(7), 3), PK_EFORMAT);
    pk_arena_free(&arena);
}

static void test_ipv6_is_exact_up_to_the_last_address(void)
{
    pk_arena arena = {0};
    pk_set set = {0}, one = {0};
    uint8_t bytes[16], high[16], scratch[16];
    pk_u128 index = 0, most = ~(pk_u128)0;
    CHECK_INT(pk_set_add_prefix(&arena, &set, ip6(bytes, 0), 0), PK_ELIMIT);
    CHECK_INT(pk_set_add_range(&arena, &set, ip6(bytes, 0), ip6(high, most), 1), PK_ELIMIT);
    CHECK_INT(set.count, 0);
    CHECK_INT(pk_set_add_range(&arena, &set, ip6(bytes, 1), ip6(high, most), 1), PK_OK);
    CHECK(set.count == most && set.n_runs == 1);
    CHECK(equal(pk_set_at(&set, most - 1, scratch), ip6(bytes, most)));
    CHECK(pk_set_index_of(&set, ip6(bytes, most), &index) && index == most - 1);
    CHECK(!pk_set_index_of(&set, ip6(bytes, 0), &index));
    CHECK_INT(pk_set_add_value(&arena, &set, pk_value_int(1)), PK_ELIMIT);
    CHECK_INT(pk_set_add_value(&arena, &one, ip6(bytes, most >> 1)), PK_OK);
    CHECK_INT(pk_set_join(&arena, &one, &set), PK_ELIMIT);
    CHECK_INT(pk_set_except(&arena, &set, &one), PK_OK);
    CHECK(set.count == most - 1 && set.n_runs == 2);
    CHECK(equal(pk_set_at(&set, (most >> 1) - 1, scratch), ip6(bytes, (most >> 1) + 1)));
    set = (pk_set){0};
    CHECK_INT(pk_set_add_range(&arena, &set, ip6(high, most), ip6(bytes, 5), -3), PK_OK);
    CHECK(set.count == (most - 5) / 3 + 1);
    CHECK(equal(pk_set_at(&set, set.count - 1, scratch), ip6(bytes, 5 + (most - 5) % 3)));
    pk_arena_free(&arena);
}

static void test_integers_are_exact_at_both_ends(void)
{
    pk_arena arena = {0};
    pk_set set = {0}, odd = {0};
    uint8_t scratch[16];
    pk_u128 index = 0;
    CHECK_INT(pk_set_add_range(&arena, &set, pk_value_int(INT64_MIN), pk_value_int(INT64_MAX), 1),
              PK_OK);
    CHECK(set.count == (pk_u128)1 << 64);
    CHECK_INT(pk_set_at(&set, 0, scratch).number, INT64_MIN);
    CHECK_INT(pk_set_at(&set, set.count - 1, scratch).number, INT64_MAX);
    CHECK(pk_set_index_of(&set, pk_value_int(-1), &index) && index == ((pk_u128)1 << 63) - 1);
    CHECK_INT(
        pk_set_add_range(&arena, &odd, pk_value_int(INT64_MAX), pk_value_int(INT64_MIN), INT64_MIN),
        PK_OK);
    CHECK_INT(odd.count, 2);
    CHECK_INT(pk_set_at(&odd, 1, scratch).number, -1);
    CHECK_INT(pk_set_except(&arena, &set, &odd), PK_OK);
    CHECK(set.count == ((pk_u128)1 << 64) - 2);
    CHECK_INT(pk_set_at(&set, set.count - 1, scratch).number, INT64_MAX - 1);
    CHECK(!pk_set_index_of(&set, pk_value_int(-1), &index));
    pk_arena_free(&arena);
}

static void test_ranges_of_mixed_kinds_are_refused(void)
{
    pk_arena arena = {0};
    pk_set set = {0};
    uint8_t bytes[16], more[16];
    pk_value number = pk_value_int(1);
    CHECK_INT(pk_set_add_range(&arena, &set, number, ip4(bytes, 1), 1), PK_EFORMAT);
    CHECK_INT(pk_set_add_range(&arena, &set, ip6(more, 1), ip4(bytes, 1), 1), PK_EFORMAT);
    CHECK_INT(pk_set_add_range(&arena, &set, blobs[1], blobs[2], 1), PK_EFORMAT);
    CHECK_INT(pk_set_add_range(&arena, &set, number, number, 0), PK_EFORMAT);
    CHECK_INT(pk_set_add_range(&arena, &set, number, pk_value_int(5), -1), PK_EFORMAT);
    CHECK_INT(pk_set_add_value(&arena, &set, pk_value_undefined()), PK_EFORMAT);
    CHECK(set.count == 0 && set.n_runs == 0);
    pk_arena_free(&arena);
}

static void test_neighbours_written_out_are_one_run(void)
{
    pk_arena arena = {0};
    pk_set set = {0};
    uint8_t bytes[16];
    for (int64_t i = 0; i < 100000; i++)
        CHECK_INT(pk_set_add_value(&arena, &set, pk_value_int(i)), PK_OK);
    CHECK_INT(set.n_runs, 1);
    CHECK_INT(pk_set_add_value(&arena, &set, ip6(bytes, ~(pk_u128)0)), PK_OK);
    CHECK_INT(pk_set_add_value(&arena, &set, ip6(bytes, 0)), PK_OK);
    CHECK_INT(set.n_runs, 3);
    pk_arena_free(&arena);
}

static void test_runs_are_limited_by_name(void)
{
    pk_arena arena = {0};
    pk_set set = {0}, all = {0};
    int code = PK_OK;
    for (int64_t i = 0; i < PK_SET_RUNS_LIMIT; i++)
        code |= pk_set_add_value(&arena, &set, pk_value_int(i * 3));
    CHECK_INT(code, PK_OK);
    CHECK_INT(pk_set_add_value(&arena, &set, pk_value_int(-7)), PK_ELIMIT);
    CHECK_INT(set.n_runs, PK_SET_RUNS_LIMIT);
    /* A million holes in one range: found in order, each by its index. */
    CHECK_INT(
        pk_set_add_range(&arena, &all, pk_value_int(1), pk_value_int(3 * PK_SET_RUNS_LIMIT), 1),
        PK_OK);
    CHECK_INT(pk_set_except(&arena, &all, &set), PK_OK);
    uint8_t scratch[16];
    CHECK_INT(all.count, 2 * PK_SET_RUNS_LIMIT + 1);
    CHECK_INT(pk_set_at(&all, 0, scratch).number, 1);
    CHECK_INT(pk_set_at(&all, 1000001, scratch).number, 1500002);
    pk_arena_free(&arena);
}

int main(void)
{
    test_random_sets_equal_their_enumeration();
    test_prefixes_enumerate_their_addresses();
    test_ipv6_is_exact_up_to_the_last_address();
    test_integers_are_exact_at_both_ends();
    test_ranges_of_mixed_kinds_are_refused();
    test_neighbours_written_out_are_one_run();
    test_runs_are_limited_by_name();
    return check_result();
}
