/*
 * In which order the packets of a set are sent, and which part of that order is this run's.
 *
 * A run asks for a number of packets of a set of `total`. The k-th packet sent is packet n of the
 * set: n = k in linear order; in random order n is a keyed permutation of the whole set
 * (base/permute.h), so that no packet comes twice and none is missed whatever part of the order is
 * used, and nothing is stored. Beyond the set's end the order starts over: n keeps counting (n mod
 * total is the place in the set), so that random fields differ from loop to loop.
 *
 * Shard i of m takes the places i, i + m, i + 2m, .. of the whole order, the repetitions included:
 * the shards of one order (equal total, seed and m) are disjoint and together complete, because
 * each place has one remainder modulo m and the order is a bijection.
 */
#ifndef PK_RUN_ORDER_H
#define PK_RUN_ORDER_H

#include "base/permute.h"

typedef struct pk_order {
    pk_u128 total; /* > 0 */
    bool random;
    uint32_t shard, shards; /* shard < shards */
    pk_permute permute;
} pk_order;

void pk_order_init(pk_order *ret_order, pk_u128 total, bool random, uint64_t seed);

/* Takes a part; `shard` < `shards`. */
void pk_order_shard_set(pk_order *order, uint32_t shard, uint32_t shards);

/* How many of the first `places` of the whole order are of this part. */
pk_u128 pk_order_share(const pk_order *order, pk_u128 places);

/* The packet that is sent as number `k` of this part. */
pk_u128 pk_order_at(const pk_order *order, pk_u128 k);

/* The `k` of packet `n`; false when it is of another part. */
bool pk_order_find(const pk_order *order, pk_u128 n, pk_u128 *ret_k);

#endif
