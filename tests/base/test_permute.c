#include "base/permute.h"

#include <stdlib.h>

#include "check.h"

static void test_small_domains_are_permuted_exhaustively(void)
{
    static uint8_t seen[3000];
    for (uint32_t n = 1; n < 3000; n += n < 70 ? 1 : 97) {
        for (uint64_t seed = 0; seed < 3; seed++) {
            pk_permute permute;
            uint32_t bad = 0;
            pk_permute_init(&permute, n, seed);
            memset(seen, 0, n);
            for (uint32_t i = 0; i < n; i++) {
                pk_u128 value = pk_permute_forward(&permute, i);
                bad +=
                    value >= n || seen[(size_t)value]++ || pk_permute_inverse(&permute, value) != i;
            }
            CHECK_INT(bad, 0);
        }
    }
}

static void test_shards_are_disjoint_and_complete(void)
{
    enum { N = 10007, SHARDS = 7 };
    static uint8_t owner[N];
    pk_permute permute;
    pk_permute_init(&permute, N, 42);
    uint32_t twice = 0, sent = 0;
    for (uint32_t shard = 0; shard < SHARDS; shard++)
        for (uint32_t i = shard; i < N; i += SHARDS) {
            uint8_t *at = &owner[(size_t)pk_permute_forward(&permute, i)];
            twice += *at != 0;
            *at = (uint8_t)(shard + 1);
            sent++;
        }
    CHECK_INT(twice, 0);
    CHECK_INT(sent, N);
}

static void test_large_domains_come_back(void)
{
    static const unsigned widths[] = {31, 32, 33, 63, 64, 65, 95, 127, 128};
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        pk_u128 top = (pk_u128)1 << (widths[w] - 1);
        const pk_u128 sizes[] = {top - 1, top, top + 1, top + (top - 1)};
        for (size_t s = 0; s < 4; s++) {
            pk_permute permute;
            uint32_t bad = 0, moved = 0;
            pk_permute_init(&permute, sizes[s], w);
            for (pk_u128 i = 0; i < 200; i++) {
                pk_u128 index = i < 100 ? i : sizes[s] - 1 - (i - 100);
                pk_u128 value = pk_permute_forward(&permute, index);
                bad += value >= sizes[s] || pk_permute_inverse(&permute, value) != index;
                moved += value != index;
            }
            CHECK_INT(bad, 0);
            CHECK(moved > 195);
        }
    }
}

/* The order is part of the result file's meaning (shards, resume): it may not change unnoticed. */
static void test_known_answers(void)
{
    static const uint64_t want[] = {698, 644, 256, 778, 366, 744, 207, 722};
    pk_permute permute;
    pk_permute_init(&permute, 1000, 1);
    for (uint32_t i = 0; i < 8; i++)
        CHECK_INT(pk_permute_forward(&permute, i), want[i]);
    pk_permute_init(&permute, ~(pk_u128)0, 1);
    pk_u128 value = pk_permute_forward(&permute, 0);
    CHECK((uint64_t)(value >> 64) == 0x5273f1c6273f462b);
    CHECK((uint64_t)value == 0xa4777c95c82bc96);
}

/* Chi-square of where index 0 of 64 goes, over 6,400 seeds: 63 degrees of freedom, so above 120
 * with probability 2e-5; and neighbours are not neighbours more often than by chance. */
static void test_values_are_spread_evenly(void)
{
    uint32_t hits[64] = {0}, neighbours = 0;
    for (uint64_t seed = 0; seed < 6400; seed++) {
        pk_permute permute;
        pk_permute_init(&permute, 64, seed);
        uint32_t first = (uint32_t)pk_permute_forward(&permute, 0);
        hits[first]++;
        neighbours += (uint32_t)pk_permute_forward(&permute, 1) == first + 1;
    }
    double chi = 0;
    for (int i = 0; i < 64; i++)
        chi += ((double)hits[i] - 100) * ((double)hits[i] - 100) / 100;
    CHECK(chi < 120);
    CHECK(neighbours > 60 && neighbours < 140); /* 100 expected */
}

int main(void)
{
    test_small_domains_are_permuted_exhaustively();
    test_shards_are_disjoint_and_complete();
    test_large_domains_come_back();
    test_known_answers();
    test_values_are_spread_evenly();
    return check_result();
}
