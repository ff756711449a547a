/*
 * A keyed permutation of [0, n), for n from 1 to 2^128 - 1, computed a value at a time.
 *
 * Random order, shards and resume rest on it: the i-th packet sent is number forward(i), so nothing
 * is stored about what was sent but i, and the parts i = k modulo m of a sharded run are disjoint
 * and complete because forward is a bijection.
 *
 * The mathematics. Let b = max(2, bits of n - 1), so that n <= 2^b < 2n for n > 2. A value of b
 * bits is cut into a left half of b/2 bits (rounded down) and a right half of the rest. A Feistel
 * round
 *
 *     (L, R)  ->  (R, L xor F_k(R))
 *
 * is a bijection of the b bits whatever F is: R is kept, and from it L is found again. When b is
 * odd the halves change widths with each round; an even number of rounds restores them. F_k is a
 * 64-bit multiply-xorshift mixer of R xor k, cut to the width of L; the round keys come from the
 * seed by the counter-based generator of base/rng.h. Luby and Rackoff (1988): four rounds with
 * random functions cannot be told from a random permutation; six are used, as F is no random
 * function. This is no cipher: who sees many values can find the key.
 *
 * The domain 2^b is larger than [0, n), so the round function is applied again until the value
 * falls below n ("cycle walking", Black and Rogaway 2002). Restricted to [0, n) that is again a
 * bijection: it follows the cycle of the large permutation to the next element below n, and walking
 * the inverse permutation comes back. As 2^b < 2n, less than two applications are expected.
 */
#ifndef PK_BASE_PERMUTE_H
#define PK_BASE_PERMUTE_H

#include "base/types.h"

enum { PK_PERMUTE_ROUNDS = 6 };

typedef struct pk_permute {
    pk_u128 n;
    uint64_t keys[PK_PERMUTE_ROUNDS];
    unsigned left, right; /* bits of the halves before the first round */
} pk_permute;

/* n must not be 0. Equal n and seed give equal permutations, in every build. */
void pk_permute_init(pk_permute *permute, pk_u128 n, uint64_t seed);

/* Where `index` (< n) goes, and where a value came from. */
pk_u128 pk_permute_forward(const pk_permute *permute, pk_u128 index);
pk_u128 pk_permute_inverse(const pk_permute *permute, pk_u128 value);

#endif
