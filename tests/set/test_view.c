/* Views of sets: shuffled, sampled, repeated; networks round addresses; ranges of octets. */
#include "set/set.h"

#include <stdlib.h>

#include "../base/check.h"

static pk_value at(const pk_set *set, pk_u128 index)
{
    static uint8_t scratch[16];
    return pk_set_at(set, index, scratch);
}

static int64_t number_at(const pk_set *set, pk_u128 index)
{
    pk_value value = at(set, index);
    int64_t number = 0;
    if (value.kind == PK_INT)
        return value.number;
    for (uint32_t i = 0; i < value.len && i < 8; i++)
        number = number << 8 | value.bytes[i];
    return number;
}

static pk_set range(pk_arena *arena, int64_t lo, int64_t hi)
{
    pk_set set = {0};
    CHECK_INT(pk_set_add_range(arena, &set, pk_value_int(lo), pk_value_int(hi), 1), PK_OK);
    return set;
}

static pk_value ip4(uint8_t *bytes, uint32_t number)
{
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(number >> 8 * (3 - i));
    return pk_value_bytes(bytes, 4);
}

static void test_a_shuffled_set_has_each_member_once_and_gives_its_index_back(void)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        for (int64_t n = 1; n < 200; n += 13) {
            pk_arena arena = {0};
            pk_set set = range(&arena, 100, 99 + n);
            uint8_t seen[200] = {0};
            pk_u128 index = 0;
            CHECK_INT(pk_set_shuffle(&arena, &set, (pk_u128)n, seed), PK_OK);
            CHECK(set.count == (pk_u128)n);
            for (int64_t i = 0; i < n; i++) {
                int64_t number = number_at(&set, (pk_u128)i);
                CHECK(number >= 100 && number < 100 + n && !seen[number - 100]++);
                CHECK(pk_set_index_of(&set, pk_value_int(number), &index) && index == (pk_u128)i);
            }
            CHECK(!pk_set_index_of(&set, pk_value_int(99), &index));
            pk_arena_free(&arena);
        }
    }
}

static void test_the_order_depends_on_the_seed_alone(void)
{
    pk_arena arena = {0};
    pk_set a = range(&arena, 1, 1000), b = range(&arena, 1, 1000), c = range(&arena, 1, 1000);
    unsigned same = 0, in_place = 0;
    CHECK_INT(pk_set_shuffle(&arena, &a, 1000, 7), PK_OK);
    CHECK_INT(pk_set_shuffle(&arena, &b, 1000, 7), PK_OK);
    CHECK_INT(pk_set_shuffle(&arena, &c, 1000, 8), PK_OK);
    for (int i = 0; i < 1000; i++) {
        CHECK_INT(number_at(&a, (pk_u128)i), number_at(&b, (pk_u128)i));
        same += number_at(&a, (pk_u128)i) == number_at(&c, (pk_u128)i);
        in_place += number_at(&a, (pk_u128)i) == i + 1;
    }
    CHECK(same < 10 && in_place < 10);
    pk_arena_free(&arena);
}

static void test_a_sample_is_the_beginning_of_the_shuffled_set(void)
{
    pk_arena arena = {0};
    pk_set all = range(&arena, 0, 999), some = range(&arena, 0, 999);
    pk_u128 index = 0;
    unsigned members = 0;
    CHECK_INT(pk_set_shuffle(&arena, &all, 1000, 3), PK_OK);
    CHECK_INT(pk_set_shuffle(&arena, &some, 10, 3), PK_OK);
    CHECK(some.count == 10);
    for (int i = 0; i < 10; i++)
        CHECK_INT(number_at(&some, (pk_u128)i), number_at(&all, (pk_u128)i));
    for (int64_t i = 0; i < 1000; i++)
        members += pk_set_index_of(&some, pk_value_int(i), &index) && index < 10;
    CHECK_INT(members, 10);
    CHECK_INT(pk_set_shuffle(&arena, &some, 11, 3), PK_EFORMAT);
    CHECK_INT(pk_set_shuffle(&arena, &some, 0, 3), PK_OK);
    CHECK(some.count == 0);
    pk_arena_free(&arena);
}

static void test_a_repeated_set_comes_so_often(void)
{
    pk_arena arena = {0};
    pk_set set = range(&arena, 5, 6), more = range(&arena, 5, 9);
    pk_u128 index = 0;
    CHECK_INT(pk_set_repeat(&arena, &set, 3), PK_OK);
    CHECK(set.count == 6);
    for (unsigned i = 0; i < 6; i++)
        CHECK_INT(number_at(&set, i), 5 + i % 2);
    CHECK_INT(pk_set_join(&arena, &set, &more), PK_OK);
    CHECK(pk_set_index_of(&set, pk_value_int(6), &index) && index == 1);
    CHECK(pk_set_index_of(&set, pk_value_int(9), &index) && index == 10);
    CHECK_INT(pk_set_repeat(&arena, &set, ~(pk_u128)0 / 2), PK_ELIMIT);
    CHECK_INT(pk_set_repeat(&arena, &set, 0), PK_OK);
    CHECK(set.count == 0);
    pk_arena_free(&arena);
}

/* What stands first when a view is shuffled again, and what is there several times. */
static void test_views_of_views_find_the_least_index(void)
{
    pk_arena arena = {0};
    pk_set set = range(&arena, 1, 4), other = range(&arena, 3, 8);
    pk_u128 index = 0;
    CHECK_INT(pk_set_repeat(&arena, &set, 2), PK_OK);
    CHECK_INT(pk_set_join(&arena, &set, &other), PK_OK);
    CHECK_INT(pk_set_shuffle(&arena, &set, set.count, 11), PK_OK);
    CHECK_INT(pk_set_repeat(&arena, &set, 2), PK_OK);
    CHECK_INT(pk_set_shuffle(&arena, &set, 17, 12), PK_OK);
    CHECK_INT(set.views, 4);
    for (int64_t number = 0; number < 10; number++) {
        pk_u128 first = 0;
        while (first < set.count && number_at(&set, first) != number)
            first++;
        bool found = pk_set_index_of(&set, pk_value_int(number), &index);
        CHECK(found == (first < set.count));
        CHECK(!found || index == first);
    }
    for (unsigned i = 0; i < PK_SET_VIEWS_LIMIT - 4; i++)
        CHECK_INT(pk_set_repeat(&arena, &set, 2), PK_OK);
    CHECK_INT(pk_set_repeat(&arena, &set, 2), PK_ELIMIT);
    pk_set plain = range(&arena, 1, 4);
    CHECK_INT(pk_set_except(&arena, &set, &plain), PK_EFORMAT);
    CHECK_INT(pk_set_except(&arena, &plain, &set), PK_EFORMAT);
    pk_arena_free(&arena);
}

static void test_the_whole_of_ipv6_but_one_is_shuffled(void)
{
    pk_arena arena = {0};
    pk_set set = {0};
    uint8_t lo[16] = {[15] = 1}, hi[16], scratch[16];
    pk_u128 index = 0, middle = (pk_u128)1 << 100;
    memset(hi, 0xff, sizeof hi);
    CHECK_INT(pk_set_add_range(&arena, &set, pk_value_bytes(lo, 16), pk_value_bytes(hi, 16), 1),
              PK_OK);
    CHECK_INT(pk_set_shuffle(&arena, &set, set.count, 1), PK_OK);
    CHECK(set.count == ~(pk_u128)0);
    CHECK(pk_set_index_of(&set, pk_set_at(&set, middle, scratch), &index) && index == middle);
    pk_arena_free(&arena);
}

static void test_networks_hold_every_member_once(void)
{
    pk_arena arena = {0};
    pk_set set = {0};
    uint8_t bytes[4], more[4];
    CHECK_INT(pk_set_add_value(&arena, &set, ip4(bytes, 0x0a000105)), PK_OK);
    CHECK_INT(pk_set_add_range(&arena, &set, ip4(bytes, 0x0a0000fe), ip4(more, 0x0a000102), 1),
              PK_OK);
    CHECK_INT(pk_set_add_range(&arena, &set, ip4(bytes, 0x0a010000), ip4(more, 0x0a010600), 0x300),
              PK_OK);
    CHECK_INT(pk_set_networks(&arena, &set, 24), PK_OK);
    CHECK(set.count == 5 * 256 && set.n_runs == 4);
    CHECK_INT(number_at(&set, 0), 0x0a000000);
    CHECK_INT(number_at(&set, 511), 0x0a0001ff);
    CHECK_INT(number_at(&set, 512), 0x0a010000);
    CHECK_INT(number_at(&set, 768), 0x0a010300);
    CHECK_INT(number_at(&set, 1279), 0x0a0106ff);
    CHECK_INT(pk_set_networks(&arena, &set, 8), PK_OK);
    CHECK(set.count == 1 << 24 && set.n_runs == 1);
    CHECK_INT(pk_set_networks(&arena, &set, 33), PK_EFORMAT);
    pk_set numbers = range(&arena, 1, 2);
    CHECK_INT(pk_set_networks(&arena, &numbers, 8), PK_EFORMAT);
    pk_arena_free(&arena);
}

static void test_octets_multiply(void)
{
    pk_arena arena = {0};
    pk_set set = {0};
    static const uint8_t lo[4] = {10, 0, 1, 0}, hi[4] = {10, 255, 2, 255};
    static const uint8_t low[4] = {0, 0, 0, 1}, high[4] = {255, 255, 255, 10};
    CHECK_INT(pk_set_add_octets(&arena, &set, lo, hi), PK_OK);
    CHECK(set.count == 256 * 2 * 256 && set.n_runs == 256);
    CHECK_INT(number_at(&set, 0), 0x0a000100);
    CHECK_INT(number_at(&set, 511), 0x0a0002ff);
    CHECK_INT(number_at(&set, 512), 0x0a010100);
    CHECK_INT(number_at(&set, set.count - 1), 0x0aff02ff);
    CHECK_INT(pk_set_add_octets(&arena, &set, low, high), PK_ELIMIT);
    CHECK_INT(pk_set_add_octets(&arena, &set, hi, lo), PK_EFORMAT);
    pk_set all = {0};
    static const uint8_t none[4] = {0}, full[4] = {255, 255, 255, 255};
    CHECK_INT(pk_set_add_octets(&arena, &all, none, full), PK_OK);
    CHECK(all.count == (pk_u128)1 << 32 && all.n_runs == 1);
    pk_arena_free(&arena);
}

int main(void)
{
    test_a_shuffled_set_has_each_member_once_and_gives_its_index_back();
    test_the_order_depends_on_the_seed_alone();
    test_a_sample_is_the_beginning_of_the_shuffled_set();
    test_a_repeated_set_comes_so_often();
    test_views_of_views_find_the_least_index();
    test_the_whole_of_ipv6_but_one_is_shuffled();
    test_networks_hold_every_member_once();
    test_octets_multiply();
    return check_result();
}
