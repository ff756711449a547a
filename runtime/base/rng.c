#include "base/rng.h"

enum { ROUNDS = 10, TRIES = 128 /* each fails with probability below 1/2 */ };

static uint64_t multiply(uint64_t a, uint64_t b, uint64_t *ret_high)
{
    pk_u128 product = (pk_u128)a * b;
    *ret_high = (uint64_t)(product >> 64);
    return (uint64_t)product;
}

void pk_rng_philox(const uint64_t counter[4], const uint64_t key[2], uint64_t ret_words[4])
{
    uint64_t a = counter[0], b = counter[1], c = counter[2], d = counter[3];
    uint64_t k0 = key[0], k1 = key[1];
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t high_a, high_c;
        uint64_t low_a = multiply(0xd2e7470ee14c6c93, a, &high_a);
        uint64_t low_c = multiply(0xca5a826395121157, c, &high_c);
        a = high_c ^ b ^ k0;
        b = low_c;
        c = high_a ^ d ^ k1;
        d = low_a;
        k0 += 0x9e3779b97f4a7c15; /* golden ratio, sqrt(3) - 1: Weyl sequences */
        k1 += 0xbb67ae8584caa73b;
    }
    ret_words[0] = a;
    ret_words[1] = b;
    ret_words[2] = c;
    ret_words[3] = d;
}

void pk_rng_block(uint64_t seed, pk_u128 index, uint64_t stream, uint64_t block,
                  uint64_t ret_words[4])
{
    const uint64_t counter[4] = {(uint64_t)index, (uint64_t)(index >> 64), stream, block};
    const uint64_t key[2] = {seed, 0};
    pk_rng_philox(counter, key, ret_words);
}

uint64_t pk_rng_u64(uint64_t seed, pk_u128 index, uint64_t stream)
{
    uint64_t words[4];
    pk_rng_block(seed, index, stream, 0, words);
    return words[0];
}

/* a * b, 256 bits: the low half, the high half in *ret_high. */
static pk_u128 multiply_wide(pk_u128 a, pk_u128 b, pk_u128 *ret_high)
{
    uint64_t a0 = (uint64_t)a, a1 = (uint64_t)(a >> 64);
    uint64_t b0 = (uint64_t)b, b1 = (uint64_t)(b >> 64);
    pk_u128 low = (pk_u128)a0 * b0, high = (pk_u128)a1 * b1;
    pk_u128 one = (pk_u128)a1 * b0, two = (pk_u128)a0 * b1;
    pk_u128 middle = (low >> 64) + (uint64_t)one + (uint64_t)two;
    *ret_high = high + (one >> 64) + (two >> 64) + (middle >> 64);
    return middle << 64 | (uint64_t)low;
}

pk_u128 pk_rng_below(uint64_t seed, pk_u128 index, uint64_t stream, pk_u128 n)
{
    pk_u128 high = 0;
    if (n == 0)
        return 0;
    for (uint64_t block = 0; block < TRIES; block++) {
        uint64_t words[4];
        pk_rng_block(seed, index, stream, block, words);
        pk_u128 low = multiply_wide((pk_u128)words[1] << 64 | words[0], n, &high);
        if (low >= n || low >= ((pk_u128)0 - n) % n) /* 2^128 mod n, without 2^128 */
            break;
    }
    return high;
}

void pk_rng_bytes(uint64_t seed, pk_u128 index, uint64_t stream, uint8_t *ret_bytes, size_t len)
{
    uint64_t words[4] = {0};
    for (size_t i = 0; i < len; i++) {
        if (i % 32 == 0)
            pk_rng_block(seed, index, stream, i / 32, words);
        ret_bytes[i] = (uint8_t)(words[i / 8 % 4] >> (i % 8 * 8));
    }
}
