#include "base/checksum.h"

uint64_t pk_checksum_add(uint64_t sum, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    for (; len >= 2; at += 2, len -= 2)
        sum += (uint64_t)at[0] << 8 | at[1];
    if (len)
        sum += (uint64_t)at[0] << 8;
    return sum;
}

uint16_t pk_checksum_finish(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

uint16_t pk_checksum_inet(const void *bytes, size_t len)
{
    return pk_checksum_finish(pk_checksum_add(0, bytes, len));
}

uint16_t pk_checksum_update(uint16_t checksum, uint16_t old_word, uint16_t new_word)
{
    /* HC' = ~(~HC + ~m + m'), RFC 1624 section 3: never turns 0xffff into 0 by itself. */
    uint64_t sum = (uint64_t)(uint16_t)~checksum + (uint16_t)~old_word + new_word;
    return pk_checksum_finish(sum);
}
