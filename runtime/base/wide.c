#include "base/wide.h"

void pk_wide_add(pk_buf *out, pk_u128 number)
{
    char digits[40];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + (int)(number % 10));
        number /= 10;
    } while (number);
    pk_buf_add(out, digits + at, sizeof digits - at);
}

bool pk_wide_parse(const char *text, pk_u128 *ret_number)
{
    const pk_u128 most = ~(pk_u128)0;
    pk_u128 number = 0;
    bool digit = false;
    for (; *text; text++) {
        if (*text == '_' && digit && text[1]) {
            digit = false;
            continue;
        }
        if (*text < '0' || *text > '9')
            return false;
        unsigned value = (unsigned)(*text - '0');
        if (number > (most - value) / 10)
            return false;
        number = number * 10 + value;
        digit = true;
    }
    *ret_number = number;
    return digit;
}
