#include "base/rng.h"

enum { TRIES = 128 /* each fails with probability below 1/2 */ };

void pk_rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t ret_words[4])
{
    uint32_t a = counter[0], b = counter[1], c = counter[2], d = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int i = 0; i < PK_PHILOX_ROUNDS; i++) {
        uint64_t x = (uint64_t)PK_PHILOX_M0 * a, y = (uint64_t)PK_PHILOX_M1 * c;
        a = (uint32_t)(y >> 32) ^ b ^ k0;
        b = (uint32_t)y;
        c = (uint32_t)(x >> 32) ^ d ^ k1;
        d = (uint32_t)x;
        k0 += PK_PHILOX_W0;
        k1 += PK_PHILOX_W1;
    }
    ret_words[0] = a;
    ret_words[1] = b;
    ret_words[2] = c;
    ret_words[3] = d;
}

/* The finalizer of splitmix64; it leaves 0 where it is. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

uint64_t pk_rng_key(uint64_t seed, pk_u128 index, uint64_t stream)
{
    uint64_t apart = (stream >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return seed ^ mix((uint64_t)(index >> 64)) ^ mix(apart);
}

void pk_rng_block(uint64_t seed, pk_u128 index, uint64_t stream, uint32_t block,
                  uint64_t ret_words[2])
{
    uint64_t low = (uint64_t)index, of_seed = pk_rng_key(seed, index, stream);
    const uint32_t counter[4] = {(uint32_t)low, (uint32_t)(low >> 32), (uint32_t)stream, block};
    const uint32_t key[2] = {(uint32_t)of_seed, (uint32_t)(of_seed >> 32)};
    uint32_t words[4];
    pk_rng_philox(counter, key, words);
    ret_words[0] = (uint64_t)words[1] << 32 | words[0];
    ret_words[1] = (uint64_t)words[3] << 32 | words[2];
}

uint64_t pk_rng_u64(uint64_t seed, pk_u128 index, uint64_t stream)
{
    uint64_t words[2];
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

/* n up to 2^64. */
static bool below_word(uint64_t word, pk_u128 n, pk_u128 *ret_value)
{
    pk_u128 carry = n >> 64 ? word : 0; /* n = 2^64: all of it */
    pk_u128 product = (pk_u128)word * (uint64_t)n;
    uint64_t low = (uint64_t)product;
    *ret_value = carry + (product >> 64);
    if (n >> 64 || low >= (uint64_t)n)
        return true;
    return low >= (0 - (uint64_t)n) % (uint64_t)n; /* 2^64 mod n, without 2^64 */
}

static bool below_words(const uint64_t words[2], pk_u128 n, pk_u128 *ret_value)
{
    pk_u128 low = multiply_wide((pk_u128)words[1] << 64 | words[0], n, ret_value);
    return low >= n || low >= ((pk_u128)0 - n) % n; /* 2^128 mod n, without 2^128 */
}

pk_u128 pk_rng_below(uint64_t seed, pk_u128 index, uint64_t stream, pk_u128 n)
{
    pk_u128 value = 0;
    bool good = n == 0;
    for (uint32_t block = 0; !good && block < TRIES; block++) {
        uint64_t words[2];
        pk_rng_block(seed, index, stream, block, words);
        good =
            n <= (pk_u128)1 << 64 ? below_word(words[0], n, &value) : below_words(words, n, &value);
    }
    return value;
}

void pk_rng_bytes(uint64_t seed, pk_u128 index, uint64_t stream, uint8_t *ret_bytes, size_t len)
{
    uint64_t words[2] = {0};
    for (size_t i = 0; i < len; i++) {
        if (i % 16 == 0)
            pk_rng_block(seed, index, stream, (uint32_t)(i / 16), words);
        ret_bytes[i] = (uint8_t)(words[i / 8 % 2] >> (i % 8 * 8));
    }
}
