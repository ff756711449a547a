/* The Internet checksum agrees with the examples of RFC 1071 and RFC 1624. */
#include "../base/check.h"
#include "base/checksum.h"

int main(void)
{
    static const uint8_t example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    CHECK_INT(pk_checksum_inet(example, 8), 0x220d); /* RFC 1071 section 3: the sum is ddf2 */
    CHECK_INT(pk_checksum_inet(example, 7), 0x2304); /* the odd byte padded */
    CHECK_INT(pk_checksum_inet(example, 0), 0xffff);
    uint64_t pieces = pk_checksum_add(pk_checksum_add(0, example, 4), example + 4, 4);
    CHECK_INT(pk_checksum_finish(pieces), 0x220d);
    CHECK_INT(pk_checksum_update(0xdd2f, 0x5555, 0x3285), 0x0000); /* RFC 1624 section 4 */
    uint8_t with_own[10];
    memcpy(with_own, example, 8);
    with_own[8] = 0x22;
    with_own[9] = 0x0d;
    CHECK_INT(pk_checksum_inet(with_own, 10), 0);
    /* Every change of a word by the short way is the change by the long way. */
    for (uint32_t word = 0; word < 0x10000; word++) {
        uint8_t changed[8];
        memcpy(changed, example, 8);
        changed[2] = (uint8_t)(word >> 8);
        changed[3] = (uint8_t)word;
        CHECK_INT(pk_checksum_update(0x220d, 0xf203, (uint16_t)word), pk_checksum_inet(changed, 8));
    }
    return check_result();
}
