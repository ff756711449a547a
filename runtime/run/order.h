/*
 * In which order the packets of a set are sent.
 *
 * A run asks for a number of packets of a set of `total`. The k-th packet sent is packet n of the
 * set: n = k in linear order; in random order n is a keyed permutation of the whole set
 * (base/permute.h), so that no packet comes twice and none is missed whatever part of the order is
 * used, and nothing is stored. Beyond the set's end the order starts over: n keeps counting (n mod
 * total is the place in the set), so that random fields differ from loop to loop.
 */
#ifndef PK_RUN_ORDER_H
#define PK_RUN_ORDER_H

#include "base/permute.h"

typedef struct pk_order {
    pk_u128 total; /* > 0 */
    bool random;
    pk_permute permute;
} pk_order;

void pk_order_init(pk_order *ret_order, pk_u128 total, bool random, uint64_t seed);

/* The packet that is sent as number `k`. */
pk_u128 pk_order_at(const pk_order *order, pk_u128 k);

#endif
