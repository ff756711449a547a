#include "base/rng.h"

#include "check.h"

/* The vectors published with Random123 (kat_vectors, philox4x32 with 7 rounds). */
static void test_philox_gives_the_published_vectors(void)
{
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } vectors[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x5f6fb709, 0x0d893f64, 0x4f121f81, 0x4f730a48}},
        {{UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX},
         {UINT32_MAX, UINT32_MAX},
         {0x5207ddc2, 0x45165e59, 0x4d8ee751, 0x8c52f662}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0x4dfccaba, 0x190a87f0, 0xc47362ba, 0xb6b5242a}},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        uint32_t words[4];
        pk_rng_philox(vectors[i].counter, vectors[i].key, words);
        CHECK(memcmp(words, vectors[i].want, sizeof words) == 0);
    }
}

static void test_each_part_of_the_name_of_a_value_counts(void)
{
    uint64_t base = pk_rng_u64(1, 2, 3);
    CHECK(base == pk_rng_u64(1, 2, 3));
    CHECK(base != pk_rng_u64(2, 2, 3));
    CHECK(base != pk_rng_u64(1, 3, 3));
    CHECK(base != pk_rng_u64(1, 2, 4));
    CHECK(base != pk_rng_u64(1, 2, 3 + (UINT64_C(1) << 32)));
    CHECK(base != pk_rng_u64(1, 2 + ((pk_u128)1 << 64), 3));
}

static void test_ranges_are_met_exactly_and_evenly(void)
{
    for (uint32_t n = 1; n <= 40; n++) {
        uint32_t hits[40] = {0}, outside = 0;
        for (uint32_t i = 0; i < 20000; i++) {
            pk_u128 value = pk_rng_below(7, i, n, n);
            outside += value >= n;
            hits[(size_t)value % 40]++;
        }
        CHECK_INT(outside, 0);
        double chi = 0, mean = 20000.0 / n;
        for (uint32_t i = 0; i < n; i++)
            chi += ((double)hits[i] - mean) * ((double)hits[i] - mean) / mean;
        CHECK(chi < n + 5 * 9); /* about five standard deviations at n = 40 */
    }
    CHECK(pk_rng_below(1, 2, 3, 0) == 0);
    CHECK(pk_rng_below(1, 2, 3, (pk_u128)1 << 64) == pk_rng_u64(1, 2, 3));
}

/* n = 3/4 of 2^128: taking x modulo n would hit the first third twice as often. */
static void test_huge_ranges_have_no_modulo_bias(void)
{
    pk_u128 quarter = (pk_u128)1 << 126, n = quarter * 3;
    uint32_t hits[3] = {0};
    for (uint32_t i = 0; i < 30000; i++) {
        pk_u128 value = pk_rng_below(9, i, 0, n);
        CHECK(value < n);
        hits[(size_t)(value / quarter)]++;
    }
    for (int i = 0; i < 3; i++)
        CHECK(hits[i] > 9600 && hits[i] < 10400);
    CHECK(pk_rng_below(9, 0, 0, ~(pk_u128)0) != pk_rng_below(9, 1, 0, ~(pk_u128)0));
}

static void test_bytes_begin_alike_whatever_their_number(void)
{
    uint8_t few[5], many[100], words_as_bytes[16];
    uint64_t words[2];
    pk_rng_bytes(1, 2, 3, few, sizeof few);
    pk_rng_bytes(1, 2, 3, many, sizeof many);
    CHECK(memcmp(few, many, sizeof few) == 0);
    pk_rng_block(1, 2, 3, 1, words);
    for (int i = 0; i < 16; i++)
        words_as_bytes[i] = (uint8_t)(words[i / 8] >> (i % 8 * 8));
    CHECK(memcmp(many + 16, words_as_bytes, 16) == 0);
    uint32_t ones = 0;
    for (int i = 0; i < 100; i++)
        ones += (uint32_t)__builtin_popcount(many[i]);
    CHECK(ones > 330 && ones < 470);
}

int main(void)
{
    test_philox_gives_the_published_vectors();
    test_each_part_of_the_name_of_a_value_counts();
    test_ranges_are_met_exactly_and_evenly();
    test_huge_ranges_have_no_modulo_bias();
    test_bytes_begin_alike_whatever_their_number();
    return check_result();
}
