#include "base/octets.h"

#include <string.h>

typedef struct reader {
    const char *text;
    size_t len, at;
} reader;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take(reader *in, char c)
{
    bool there = in->at < in->len && in->text[in->at] == c;
    in->at += there;
    return there;
}

static bool take_octet(reader *in, uint8_t *ret_octet)
{
    unsigned number = 0;
    size_t start = in->at;
    while (in->at < in->len && in->at - start < 3 && is_digit(in->text[in->at]))
        number = number * 10 + (unsigned)(in->text[in->at++] - '0');
    size_t digits = in->at - start;
    if (!digits || number > 255 || (digits > 1 && in->text[start] == '0'))
        return false;
    *ret_octet = (uint8_t)number;
    return true;
}

static bool take_part(reader *in, uint8_t *ret_lo, uint8_t *ret_hi, bool *ret_range)
{
    if (take(in, '*')) {
        *ret_lo = 0;
        *ret_hi = 255;
        *ret_range = true;
        return true;
    }
    if (!take_octet(in, ret_lo))
        return false;
    *ret_hi = *ret_lo;
    if (!take(in, '-'))
        return true;
    *ret_range = true;
    return take_octet(in, ret_hi) && *ret_lo <= *ret_hi;
}

bool pk_octets_parse(const char *text, size_t len, uint8_t ret_lo[4], uint8_t ret_hi[4])
{
    reader in = {text, len, 0};
    uint8_t lo[4], hi[4];
    bool range = false;
    for (unsigned i = 0; i < 4; i++)
        if ((i && !take(&in, '.')) || !take_part(&in, &lo[i], &hi[i], &range))
            return false;
    if (in.at != len || !range)
        return false;
    memcpy(ret_lo, lo, 4);
    memcpy(ret_hi, hi, 4);
    return true;
}

bool pk_host_name_form(const char *text, size_t len)
{
    bool letter = false;
    size_t label = 0; /* characters of the label at hand */
    if (len == 0 || len > 253)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool alpha = (c | 32) >= 'a' && (c | 32) <= 'z';
        letter |= alpha;
        if (c == '.' ? !label : !alpha && !is_digit(c) && c != '_' && (c != '-' || !label))
            return false;
        label = c == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return letter;
}

bool pk_host_prefix_parse(const char *text, size_t len, size_t *ret_name_len, unsigned *ret_prefix)
{
    const char *slash = len ? memchr(text, '/', len) : NULL;
    if (!slash || !pk_host_name_form(text, (size_t)(slash - text)))
        return false;
    reader in = {text, len, (size_t)(slash - text) + 1};
    uint8_t prefix;
    if (!take_octet(&in, &prefix) || in.at != len)
        return false;
    *ret_name_len = (size_t)(slash - text);
    *ret_prefix = prefix;
    return true;
}
