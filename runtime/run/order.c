#include "run/order.h"

void pk_order_init(pk_order *ret_order, pk_u128 total, bool random, uint64_t seed)
{
    *ret_order = (pk_order){.total = total, .random = random};
    pk_permute_init(&ret_order->permute, total, seed);
}

pk_u128 pk_order_at(const pk_order *order, pk_u128 k)
{
    if (!order->random)
        return k;
    pk_u128 place = k % order->total;
    return k - place + pk_permute_forward(&order->permute, place);
}
