#include "run/order.h"

void pk_order_init(pk_order *ret_order, pk_u128 total, bool random, uint64_t seed)
{
    *ret_order = (pk_order){.total = total, .random = random, .shards = 1};
    pk_permute_init(&ret_order->permute, total, seed);
}

void pk_order_shard_set(pk_order *order, uint32_t shard, uint32_t shards)
{
    order->shard = shard;
    order->shards = shards;
}

pk_u128 pk_order_share(const pk_order *order, pk_u128 places)
{
    if (places <= order->shard)
        return 0;
    return (places - order->shard - 1) / order->shards + 1;
}

pk_u128 pk_order_at(const pk_order *order, pk_u128 k)
{
    pk_u128 at = order->shard + k * order->shards;
    if (!order->random)
        return at;
    pk_u128 place = at % order->total;
    return at - place + pk_permute_forward(&order->permute, place);
}

bool pk_order_find(const pk_order *order, pk_u128 n, pk_u128 *ret_k)
{
    pk_u128 at = n;
    if (order->random) {
        pk_u128 place = n % order->total;
        at = n - place + pk_permute_inverse(&order->permute, place);
    }
    if (at % order->shards != order->shard)
        return false;
    *ret_k = at / order->shards;
    return true;
}
