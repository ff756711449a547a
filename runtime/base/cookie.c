#include "base/cookie.h"

#include "base/rng.h"

void pk_cookies_init(pk_cookies *ret_cookies, pk_u128 total, uint64_t seed)
{
    ret_cookies->total = total;
    ret_cookies->seed = seed;
    for (unsigned bits = 1; bits <= PK_COOKIE_BITS; bits++)
        pk_permute_init(&ret_cookies->permutes[bits], (pk_u128)1 << bits, seed ^ bits);
}

bool pk_cookies_tell(const pk_cookies *cookies, unsigned bits)
{
    return bits > PK_COOKIE_PROOF && cookies->total <= (pk_u128)1 << (bits - PK_COOKIE_PROOF);
}

uint64_t pk_cookies_word(const pk_cookies *cookies, unsigned bits, pk_u128 index)
{
    pk_u128 place = index < cookies->total ? index : index % cookies->total;
    if (pk_cookies_tell(cookies, bits))
        return (uint64_t)pk_permute_forward(&cookies->permutes[bits], place);
    uint64_t word = pk_rng_u64(cookies->seed, place, PK_COOKIE_STREAM | bits);
    return word >> (PK_COOKIE_BITS - bits);
}

uint64_t pk_cookies_random(const pk_cookies *cookies, uint64_t stream, pk_u128 index)
{
    unsigned bits = (unsigned)(stream & 0xff);
    bool good = cookies && bits && bits <= PK_COOKIE_BITS;
    return good ? pk_cookies_word(cookies, bits, index) : 0;
}

bool pk_cookies_index(const pk_cookies *cookies, unsigned bits, uint64_t word, pk_u128 *ret_index)
{
    if (!pk_cookies_tell(cookies, bits) || (bits < PK_COOKIE_BITS && word >> bits))
        return false;
    pk_u128 index = pk_permute_inverse(&cookies->permutes[bits], word);
    if (index >= cookies->total)
        return false;
    *ret_index = index;
    return true;
}
