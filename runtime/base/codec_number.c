/* Codecs of numbers and times: sint bcd tbcd ntp. */
#include "base/codec_forms.h"

#include <string.h>

const char *pk_codec_encode_SINT(pk_bytes text, size_t width, pk_buf *out)
{
    bool negative = text.len && text.data[0] == '-';
    uint64_t magnitude = 0, limit = (uint64_t)INT64_MAX + negative, bits;
    unsigned n = 8;

    (void)width;
    if (text.len == negative)
        return "is not an integer";
    for (size_t i = negative; i < text.len; i++) {
        uint64_t digit = (uint64_t)text.data[i] - '0';

        if (text.data[i] < '0' || digit > 9)
            return "is not a decimal integer";
        if (magnitude > (limit - digit) / 10)
            return "does not fit 64 bits";
        magnitude = magnitude * 10 + digit;
    }
    bits = negative ? -magnitude : magnitude;
    /* X.690 section 8.3.2: the first nine bits are neither all ones nor all zeros. */
    while (n > 1) {
        uint64_t top = bits >> (n * 8 - 9) & 0x1ff;

        if (top != 0 && top != 0x1ff)
            break;
        n--;
    }
    while (n--)
        pk_buf_byte(out, (uint8_t)(bits >> n * 8));
    return NULL;
}

bool pk_codec_decode_SINT(pk_bytes bytes, pk_buf *out)
{
    uint64_t bits;

    if (!bytes.len || bytes.len > 8)
        return false;
    bits = bytes.data[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < bytes.len; i++)
        bits = bits << 8 | bytes.data[i];
    pk_buf_printf(out, "%lld", (long long)(int64_t)bits);
    return true;
}

/* The digits that half a byte can be; f is not one, it fills. */
static const char bcd_digits[] = "0123456789";
static const char tbcd_digits[] = "0123456789*#abc";

static const char *encode_bcd(pk_bytes text, pk_buf *out, const char *digits, bool low_first)
{
    for (size_t i = 0; i < text.len; i += 2) {
        unsigned half[2] = {15, 15};

        for (size_t k = 0; k < 2 && i + k < text.len; k++) {
            const char *at = text.data[i + k] ? strchr(digits, text.data[i + k]) : NULL;

            if (!at)
                return "has a character that is not a digit";
            half[k] = (unsigned)(at - digits);
        }
        pk_buf_byte(out, (uint8_t)(half[!low_first ? 0 : 1] << 4 | half[low_first ? 0 : 1]));
    }
    return NULL;
}

static bool decode_bcd(pk_bytes bytes, pk_buf *out, const char *digits, bool low_first)
{
    size_t n = strlen(digits);

    for (size_t i = 0; i < bytes.len; i++) {
        unsigned high = bytes.data[i] >> 4, low = bytes.data[i] & 15;
        unsigned first = low_first ? low : high, second = low_first ? high : low;

        if (first >= n || (second >= n && (second != 15 || i + 1 < bytes.len)))
            return false;
        pk_buf_byte(out, (uint8_t)digits[first]);
        if (second < n)
            pk_buf_byte(out, (uint8_t)digits[second]);
    }
    return true;
}

const char *pk_codec_encode_BCD(pk_bytes text, size_t width, pk_buf *out)
{
    (void)width;
    return encode_bcd(text, out, bcd_digits, false);
}

bool pk_codec_decode_BCD(pk_bytes bytes, pk_buf *out)
{
    return decode_bcd(bytes, out, bcd_digits, false);
}

const char *pk_codec_encode_TBCD(pk_bytes text, size_t width, pk_buf *out)
{
    (void)width;
    return encode_bcd(text, out, tbcd_digits, true);
}

bool pk_codec_decode_TBCD(pk_bytes bytes, pk_buf *out)
{
    return decode_bcd(bytes, out, tbcd_digits, true);
}

/*
 * NTP seconds count from 1900-01-01 (RFC 5905 section 6). The fraction of 2^-32 s is written with
 * at most ten decimals: 10^-10 is finer than 2^-32, so rounding both ways gives the same fraction.
 * Days to dates: the proleptic Gregorian calendar, in years that begin with March.
 */
enum { NTP_DAYS_TO_MARCH_0000 = 693901 };
static const uint64_t decimals = 10000000000u;

typedef struct date {
    unsigned year, month, day;
} date;

static date date_of(uint32_t days)
{
    uint32_t d = days + NTP_DAYS_TO_MARCH_0000, era = d / 146097, doe = d % 146097;
    uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    unsigned month = mp < 10 ? mp + 3 : mp - 9;

    return (date){era * 400 + yoe + (month <= 2), month, doy - (153 * mp + 2) / 5 + 1};
}

static uint32_t days_of(date when)
{
    uint32_t y = when.year - (when.month <= 2), era = y / 400, yoe = y % 400;
    uint32_t mp = when.month > 2 ? when.month - 3 : when.month + 9;
    uint32_t doy = (153 * mp + 2) / 5 + when.day - 1;

    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - NTP_DAYS_TO_MARCH_0000;
}

/* Reads `n` digits at *at, then `behind`, and moves on. */
static bool ntp_number(pk_bytes text, size_t *at, unsigned n, char behind, unsigned *ret_number)
{
    unsigned number = 0;

    if (text.len - *at <= n)
        return false;
    for (unsigned i = 0; i < n; i++) {
        uint8_t c = text.data[*at + i];

        if (c < '0' || c > '9')
            return false;
        number = number * 10 + (unsigned)(c - '0');
    }
    if (behind && text.data[*at + n] != (uint8_t)behind)
        return false;
    *at += n + (behind != 0);
    *ret_number = number;
    return true;
}

/* ".5" -> decimals of 10^-10; the rest of the text must be Z. */
static bool ntp_fraction(pk_bytes text, size_t at, uint64_t *ret_fraction)
{
    uint64_t fraction = 0, unit = decimals;

    if (text.data[at] == '.') {
        for (at++; at < text.len && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
            unit /= 10;
            fraction += unit * (uint64_t)(text.data[at] - '0');
        }
        if (unit == decimals)
            return false;
    }
    *ret_fraction = fraction;
    return at + 1 == text.len && text.data[at] == 'Z';
}

static bool ntp_read(pk_bytes text, date *ret_date, uint64_t *ret_second, uint64_t *ret_fraction)
{
    unsigned hour, minute, second;
    size_t at = 0;

    if (!ntp_number(text, &at, 4, '-', &ret_date->year) ||
        !ntp_number(text, &at, 2, '-', &ret_date->month) ||
        !ntp_number(text, &at, 2, 'T', &ret_date->day) || !ntp_number(text, &at, 2, ':', &hour) ||
        !ntp_number(text, &at, 2, ':', &minute) || !ntp_number(text, &at, 2, 0, &second) ||
        !ntp_fraction(text, at, ret_fraction))
        return false;
    *ret_second = hour * 3600 + minute * 60 + second;
    return hour < 24 && minute < 60 && second < 60;
}

const char *pk_codec_encode_NTP(pk_bytes text, size_t width, pk_buf *out)
{
    static const char why[] = "is not a time of the form 2024-01-31T12:00:00.5Z, 1900 to 2036";
    date when, back;
    uint64_t stamp, fraction, seconds;

    (void)width;
    if (!ntp_read(text, &when, &seconds, &fraction) || when.year < 1900 || when.year > 2036 ||
        !when.month || when.month > 12 || !when.day || when.day > 31)
        return why;
    back = date_of(days_of(when));
    seconds += (uint64_t)days_of(when) * 86400;
    if (back.month != when.month || seconds > UINT32_MAX)
        return why;
    stamp = (seconds << 32) + ((fraction << 29) + decimals / 16) / (decimals / 8);
    for (unsigned n = 8; n--;)
        pk_buf_byte(out, (uint8_t)(stamp >> n * 8));
    return NULL;
}

bool pk_codec_decode_NTP(pk_bytes bytes, pk_buf *out)
{
    uint64_t stamp = 0, seconds, fraction;
    unsigned digits = 10;
    date when;

    if (bytes.len != 8)
        return false;
    for (unsigned i = 0; i < 8; i++)
        stamp = stamp << 8 | bytes.data[i];
    seconds = stamp >> 32;
    when = date_of((uint32_t)(seconds / 86400));
    fraction = ((stamp & UINT32_MAX) * (decimals / 8) + (1u << 28)) >> 29;
    pk_buf_printf(out, "%04u-%02u-%02uT%02u:%02u:%02u", when.year, when.month, when.day,
                  (unsigned)(seconds % 86400 / 3600), (unsigned)(seconds % 3600 / 60),
                  (unsigned)(seconds % 60));
    while (digits && fraction % 10 == 0) {
        fraction /= 10;
        digits--;
    }
    if (digits)
        pk_buf_printf(out, ".%0*llu", (int)digits, (unsigned long long)fraction);
    pk_buf_byte(out, 'Z');
    return true;
}
