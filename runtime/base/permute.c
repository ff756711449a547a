#include "base/permute.h"

#include "base/rng.h"

enum {
    KEY_STREAM = 0x7065726d /* "perm": no packet field draws from it, their streams count up */
};

static uint64_t low_bits(unsigned bits)
{
    return bits == 64 ? ~(uint64_t)0 : ((uint64_t)1 << bits) - 1;
}

/* The constants are those of Stafford's mixer 13: each output bit depends on every input bit. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

void pk_permute_init(pk_permute *permute, pk_u128 n, uint64_t seed)
{
    unsigned bits = 0;
    for (pk_u128 most = n - 1; most; most >>= 1)
        bits++;
    if (bits < 2)
        bits = 2;
    permute->n = n;
    permute->left = bits / 2;
    permute->right = bits - bits / 2;
    for (unsigned i = 0; i < PK_PERMUTE_ROUNDS; i++)
        permute->keys[i] = pk_rng_u64(seed, i, KEY_STREAM);
}

static pk_u128 rounds_forward(const pk_permute *permute, pk_u128 value)
{
    unsigned left = permute->left, right = permute->right;
    uint64_t l = (uint64_t)(value >> right), r = (uint64_t)value & low_bits(right);
    for (unsigned i = 0; i < PK_PERMUTE_ROUNDS; i++) {
        uint64_t next = l ^ (mix(r ^ permute->keys[i]) & low_bits(left));
        unsigned width = left;
        l = r;
        r = next;
        left = right;
        right = width;
    }
    return (pk_u128)l << right | r;
}

static pk_u128 rounds_inverse(const pk_permute *permute, pk_u128 value)
{
    unsigned left = permute->left, right = permute->right;
    uint64_t l = (uint64_t)(value >> right), r = (uint64_t)value & low_bits(right);
    for (unsigned i = PK_PERMUTE_ROUNDS; i-- > 0;) {
        unsigned width = left;
        uint64_t before = r ^ (mix(l ^ permute->keys[i]) & low_bits(right));
        r = l;
        l = before;
        left = right;
        right = width;
    }
    return (pk_u128)l << right | r;
}

pk_u128 pk_permute_forward(const pk_permute *permute, pk_u128 index)
{
    do
        index = rounds_forward(permute, index);
    while (index >= permute->n);
    return index;
}

pk_u128 pk_permute_inverse(const pk_permute *permute, pk_u128 value)
{
    do
        value = rounds_inverse(permute, value);
    while (value >= permute->n);
    return value;
}
