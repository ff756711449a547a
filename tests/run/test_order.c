#include "../base/check.h"

#include <stdlib.h>

#include "run/order.h"

static void linear_order_is_the_index_itself(void)
{
    pk_order order;
    pk_order_init(&order, 10, false, 1);
    CHECK_INT(pk_order_at(&order, 0), 0);
    CHECK_INT(pk_order_at(&order, 9), 9);
    CHECK_INT(pk_order_at(&order, 23), 23);
}

static bool is_permutation(pk_u128 total, uint64_t seed)
{
    pk_order order;
    pk_order_init(&order, total, true, seed);
    uint8_t *seen = calloc(1, (size_t)total);
    bool fine = seen != NULL;
    for (pk_u128 k = 0; fine && k < total; k++) {
        pk_u128 n = pk_order_at(&order, k);
        fine = n < total && !seen[(size_t)n]++;
    }
    free(seen);
    return fine;
}

static void random_order_visits_every_packet_once(void)
{
    static const unsigned totals[] = {1, 2, 3, 4, 5, 7, 16, 17, 255, 256, 257, 1000, 65536, 100003};
    for (size_t i = 0; i < sizeof totals / sizeof totals[0]; i++)
        for (uint64_t seed = 0; seed < 3; seed++)
            CHECK(is_permutation(totals[i], seed));
}

static void random_order_follows_the_seed(void)
{
    pk_order a, b, c;
    pk_order_init(&a, 1000, true, 7);
    pk_order_init(&b, 1000, true, 7);
    pk_order_init(&c, 1000, true, 8);
    unsigned same = 0, moved = 0;
    for (unsigned k = 0; k < 1000; k++) {
        CHECK(pk_order_at(&a, k) == pk_order_at(&b, k));
        same += pk_order_at(&a, k) == pk_order_at(&c, k);
        moved += pk_order_at(&a, k) != k;
    }
    CHECK(same < 20);
    CHECK(moved > 970);
}

static void a_second_loop_keeps_counting(void)
{
    pk_order order;
    pk_order_init(&order, 100, true, 3);
    for (unsigned k = 0; k < 100; k++)
        CHECK(pk_order_at(&order, k + 100) == pk_order_at(&order, k) + 100);
}

static void the_largest_set_stays_in_range(void)
{
    pk_order order;
    pk_u128 total = ~(pk_u128)0;
    pk_order_init(&order, total, true, 1);
    CHECK(pk_order_at(&order, 0) != pk_order_at(&order, 1));
    CHECK(pk_order_at(&order, total - 1) < total);
    pk_order_init(&order, ((pk_u128)1 << 80) + 1, true, 1);
    for (unsigned k = 0; k < 1000; k++)
        CHECK(pk_order_at(&order, k) <= (pk_u128)1 << 80);
}

/* Every packet of the first `places` of the order lies in exactly one of the parts. */
static bool is_partition(pk_u128 total, pk_u128 places, uint32_t shards, bool random, uint64_t seed)
{
    uint8_t *seen = calloc(1, (size_t)(places / total + 1) * (size_t)total);
    pk_u128 together = 0;
    bool fine = seen != NULL;
    for (uint32_t shard = 0; fine && shard < shards; shard++) {
        pk_order order;
        pk_order_init(&order, total, random, seed);
        pk_order_shard_set(&order, shard, shards);
        pk_u128 share = pk_order_share(&order, places);
        together += share;
        for (pk_u128 k = 0; fine && k < share; k++) {
            pk_u128 n = pk_order_at(&order, k), back = 0;
            fine = !seen[(size_t)n]++ && pk_order_find(&order, n, &back) && back == k;
        }
    }
    free(seen);
    return fine && together == places;
}

static void shards_share_nothing_and_miss_nothing(void)
{
    uint64_t state = 12345;
    for (unsigned i = 0; i < 300; i++) {
        uint32_t draw[4];
        for (unsigned j = 0; j < 4; j++) {
            state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
            draw[j] = (uint32_t)(state >> 33);
        }
        pk_u128 total = 1 + draw[0] % 3000, places = 1 + draw[1] % (3 * (uint32_t)total);
        uint32_t shards = 1 + draw[2] % (i % 2 ? 9 : 4000); /* also more than there are packets */
        CHECK(is_partition(total, places, shards, false, 0));
        CHECK(is_partition(total, places, shards, true, draw[3]));
    }
}

static void a_packet_of_another_shard_is_not_found(void)
{
    pk_order order;
    pk_u128 k;
    pk_order_init(&order, 100, true, 9);
    pk_u128 fifth = pk_order_at(&order, 5);
    pk_order_shard_set(&order, 1, 4);
    CHECK(pk_order_find(&order, fifth, &k));
    CHECK_INT(k, 1);
    pk_order_shard_set(&order, 2, 4);
    CHECK(!pk_order_find(&order, fifth, &k));
}

int main(void)
{
    linear_order_is_the_index_itself();
    random_order_visits_every_packet_once();
    random_order_follows_the_seed();
    a_second_loop_keeps_counting();
    the_largest_set_stays_in_range();
    shards_share_nothing_and_miss_nothing();
    a_packet_of_another_shard_is_not_found();
    return check_result();
}
