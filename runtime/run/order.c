#include "run/order.h"

enum { ROUNDS = 8 };

uint64_t pk_order_mix(uint64_t value)
{
    value += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

static unsigned bits_of(pk_u128 value)
{
    unsigned bits = 0;
    for (; value; value >>= 1)
        bits++;
    return bits;
}

void pk_order_init(pk_order *ret_order, pk_u128 total, bool random, uint64_t seed)
{
    unsigned bits = bits_of(total - 1);
    *ret_order = (pk_order){.total = total, .random = random && total > 1};
    ret_order->half = bits < 2 ? 1 : (bits + 1) / 2;
    for (unsigned i = 0; i < ROUNDS; i++)
        ret_order->keys[i] = pk_order_mix(seed ^ pk_order_mix(i + 1));
}

static pk_u128 permute(const pk_order *order, pk_u128 value)
{
    uint64_t mask = order->half == 64 ? UINT64_MAX : (UINT64_C(1) << order->half) - 1;
    uint64_t left = (uint64_t)(value >> order->half) & mask;
    uint64_t right = (uint64_t)value & mask;
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t next = left ^ (pk_order_mix(right ^ order->keys[i]) & mask);
        left = right;
        right = next;
    }
    return (pk_u128)left << order->half | right;
}

pk_u128 pk_order_at(const pk_order *order, pk_u128 k)
{
    if (!order->random)
        return k;
    pk_u128 place = k % order->total;
    pk_u128 base = k - place;
    do
        place = permute(order, place);
    while (place >= order->total);
    return base + place;
}
