/*
 * In which order the packets of a set are sent.
 *
 * A run asks for `asked` packets of a set of `total`. The k-th packet sent is packet n of the set:
 * n = k in linear order; in random order n is a keyed permutation of the whole set, so that no
 * packet comes twice and none is missed whatever part of the order is used, and nothing is stored.
 * Beyond the set's end the order starts over: n keeps counting (n mod total is the place in the
 * set), so that random fields differ from loop to loop.
 *
 * The permutation is a balanced Feistel network of 8 rounds over the next even number of bits, and
 * values outside the set are walked on (Black and Rogaway 2002, "Ciphers with Arbitrary Finite
 * Domains", cycle walking): at most four steps a packet on average. It mixes; it is no secret.
 */
#ifndef PK_RUN_ORDER_H
#define PK_RUN_ORDER_H

#include "base/types.h"

typedef struct pk_order {
    pk_u128 total; /* > 0 */
    bool random;
    unsigned half; /* bits of each half of the network */
    uint64_t keys[8];
} pk_order;

void pk_order_init(pk_order *ret_order, pk_u128 total, bool random, uint64_t seed);

/* The packet that is sent as number `k`. */
pk_u128 pk_order_at(const pk_order *order, pk_u128 k);

/* A mixer of 64 bits (the finalizer of splitmix64), for keys and hashes. */
uint64_t pk_order_mix(uint64_t value);

#endif
