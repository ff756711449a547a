#include "base/literal.h"

#include <string.h>

#include "base/escape.h"

/* The text being read and the first rule that it broke. */
typedef struct reader {
    const char *text;
    size_t len;
    pk_literal_fault fault;
} reader;

static bool fail(reader *in, pk_literal_error error, size_t at, size_t len)
{
    if (in->fault.error == PK_LITERAL_FINE)
        in->fault = (pk_literal_fault){error, at, len};
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static size_t find(const reader *in, size_t from, char c)
{
    while (from < in->len && in->text[from] != c)
        from++;
    return from;
}

static size_t count(const reader *in, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < in->len; i++)
        n += in->text[i] == c;
    return n;
}

/* ---- integers, numbers, durations, rates ------------------------------------------------------
 */

typedef struct unit {
    const char *name;
    pk_literal_kind kind;
    pk_literal_unit rate;
    uint64_t scale;
} unit;

static const unit units[] = {
    {"k", PK_LITERAL_INT, PK_RATE_PACKETS, 1000},
    {"M", PK_LITERAL_INT, PK_RATE_PACKETS, 1000000},
    {"G", PK_LITERAL_INT, PK_RATE_PACKETS, 1000000000},
    {"Ki", PK_LITERAL_INT, PK_RATE_PACKETS, 1024},
    {"Mi", PK_LITERAL_INT, PK_RATE_PACKETS, 1024 * 1024},
    {"Gi", PK_LITERAL_INT, PK_RATE_PACKETS, 1024 * 1024 * 1024},
    {"ns", PK_LITERAL_DURATION, PK_RATE_PACKETS, 1},
    {"us", PK_LITERAL_DURATION, PK_RATE_PACKETS, 1000},
    {"ms", PK_LITERAL_DURATION, PK_RATE_PACKETS, 1000000},
    {"s", PK_LITERAL_DURATION, PK_RATE_PACKETS, 1000000000},
    {"min", PK_LITERAL_DURATION, PK_RATE_PACKETS, UINT64_C(60000000000)},
    {"h", PK_LITERAL_DURATION, PK_RATE_PACKETS, UINT64_C(3600000000000)},
    {"pps", PK_LITERAL_RATE, PK_RATE_PACKETS, 1},
    {"kpps", PK_LITERAL_RATE, PK_RATE_PACKETS, 1000},
    {"Mpps", PK_LITERAL_RATE, PK_RATE_PACKETS, 1000000},
    {"Gpps", PK_LITERAL_RATE, PK_RATE_PACKETS, 1000000000},
    {"bps", PK_LITERAL_RATE, PK_RATE_BITS, 1},
    {"kbps", PK_LITERAL_RATE, PK_RATE_BITS, 1000},
    {"Mbps", PK_LITERAL_RATE, PK_RATE_BITS, 1000000},
    {"Gbps", PK_LITERAL_RATE, PK_RATE_BITS, 1000000000},
    {"Tbps", PK_LITERAL_RATE, PK_RATE_BITS, UINT64_C(1000000000000)},
    {"bit", PK_LITERAL_RATE, PK_RATE_BITS, 1},
    {"kbit", PK_LITERAL_RATE, PK_RATE_BITS, 1000},
    {"Mbit", PK_LITERAL_RATE, PK_RATE_BITS, 1000000},
    {"Gbit", PK_LITERAL_RATE, PK_RATE_BITS, 1000000000},
    {"Tbit", PK_LITERAL_RATE, PK_RATE_BITS, UINT64_C(1000000000000)},
};

static const unit *unit_find(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strlen(units[i].name) == len && !memcmp(units[i].name, text, len))
            return &units[i];
    }
    return NULL;
}

/* One more digit on *value; false when it overflows. */
static bool push_digit(uint64_t *value, unsigned base, unsigned digit)
{
    uint64_t next = 0;
    if (__builtin_mul_overflow(*value, base, &next) || __builtin_add_overflow(next, digit, &next))
        return false;
    *value = next;
    return true;
}

/* Digits of `base` with single underscores between them, from *at on. At least one digit. */
static bool read_digits(reader *in, size_t *at, unsigned base, uint64_t *value)
{
    size_t first = *at;
    size_t i = first;
    for (; i < in->len; i++) {
        int digit = hex_value(in->text[i]);
        if (in->text[i] == '_') {
            bool between = i > first && in->text[i - 1] != '_' && i + 1 < in->len &&
                           hex_value(in->text[i + 1]) >= 0;
            if (!between)
                return fail(in, PK_LITERAL_E_UNDERSCORE, i, 1);
            continue;
        }
        if (digit < 0 || (base <= 10 && digit > 9))
            break;
        if ((unsigned)digit >= base)
            return fail(in, PK_LITERAL_E_BAD_DIGIT, i, 1);
        if (!push_digit(value, base, (unsigned)digit))
            return fail(in, PK_LITERAL_E_TOO_BIG, 0, in->len);
    }
    if (i == first)
        return fail(in, PK_LITERAL_E_NOT_LITERAL, 0, in->len);
    *at = i;
    return true;
}

static bool parse_based(reader *in, unsigned base, pk_literal *lit)
{
    size_t at = 2;
    if (at == in->len)
        return fail(in, PK_LITERAL_E_NOT_LITERAL, 0, in->len);
    if (!read_digits(in, &at, base, &lit->integer))
        return false;
    if (at < in->len)
        return fail(in, PK_LITERAL_E_BAD_DIGIT, at, 1);
    lit->kind = PK_LITERAL_INT;
    return true;
}

static unsigned base_of(const reader *in)
{
    if (in->len < 2 || in->text[0] != '0')
        return 10;
    switch (in->text[1]) {
    case 'x':
    case 'X':
        return 16;
    case 'o':
    case 'O':
        return 8;
    case 'b':
    case 'B':
        return in->len > 2 && (in->text[2] == 'i' || in->text[2] == 'p') ? 10 : 2; /* 0bit, 0bps */
    default:
        return 10;
    }
}

static uint64_t power_of_ten(unsigned exponent)
{
    uint64_t power = 1;
    while (exponent--)
        power *= 10;
    return power;
}

enum { FRACTION_LIMIT = 18 };

/* The scaled value as a double: exact digits first, one rounding at the end. */
static bool set_number(reader *in, pk_literal *lit, uint64_t digits, unsigned places,
                       uint64_t scale)
{
    if (digits > UINT64_C(1) << 53)
        return fail(in, PK_LITERAL_E_TOO_PRECISE, 0, in->len);
    pk_u128 scaled = (pk_u128)digits * scale;
    lit->number = (double)scaled / (double)power_of_ten(places);
    return true;
}

static bool set_integer(reader *in, pk_literal *lit, uint64_t digits, unsigned places,
                        uint64_t scale)
{
    pk_u128 scaled = (pk_u128)digits * scale;
    if (scaled % power_of_ten(places))
        return fail(in, PK_LITERAL_E_NOT_WHOLE, 0, in->len);
    scaled /= power_of_ten(places);
    if (scaled > UINT64_MAX)
        return fail(in, PK_LITERAL_E_TOO_BIG, 0, in->len);
    lit->integer = (uint64_t)scaled;
    return true;
}

static bool bad_unit(reader *in, size_t at)
{
    size_t len = in->len - at;
    bool milli_or_minute = len == 1 && in->text[at] == 'm';
    return fail(in, milli_or_minute ? PK_LITERAL_E_MILLI_OR_MINUTE : PK_LITERAL_E_UNKNOWN_UNIT, at,
                len);
}

static bool parse_number(reader *in, pk_literal *lit)
{
    unsigned base = base_of(in);
    if (base != 10)
        return parse_based(in, base, lit);
    size_t at = 0;
    uint64_t digits = 0;
    unsigned places = 0;
    if (!read_digits(in, &at, 10, &digits))
        return false;
    if (in->text[0] == '0' && at > 1)
        return fail(in, PK_LITERAL_E_LEADING_ZERO, 0, at);
    if (at < in->len && in->text[at] == '.') {
        size_t first = ++at;
        if (!read_digits(in, &at, 10, &digits))
            return false;
        if (at - first > FRACTION_LIMIT)
            return fail(in, PK_LITERAL_E_TOO_PRECISE, 0, in->len);
        for (size_t i = first; i < at; i++)
            places += in->text[i] != '_';
    }
    if (at == in->len) {
        lit->kind = places ? PK_LITERAL_NUMBER : PK_LITERAL_INT;
        lit->integer = digits;
        return !places || set_number(in, lit, digits, places, 1);
    }
    const unit *found = unit_find(in->text + at, in->len - at);
    if (!found)
        return bad_unit(in, at);
    lit->kind = found->kind;
    lit->unit = found->rate;
    if (found->kind == PK_LITERAL_RATE)
        return set_number(in, lit, digits, places, found->scale);
    return set_integer(in, lit, digits, places, found->scale);
}

/* ---- addresses --------------------------------------------------------------------------------
 */

/* A decimal number without sign or leading zero in [at, end), at most `limit`. */
static bool read_decimal(reader *in, size_t at, size_t end, unsigned limit, pk_literal_error error,
                         unsigned *ret_value)
{
    unsigned value = 0;
    if (at == end)
        return fail(in, error, at, 0);
    for (size_t i = at; i < end; i++) {
        if (!is_digit(in->text[i]))
            return fail(in, error, at, end - at);
        value = value * 10 + (unsigned)(in->text[i] - '0');
        if (value > limit)
            return fail(in, error, at, end - at);
    }
    if (end - at > 1 && in->text[at] == '0')
        return fail(in, PK_LITERAL_E_LEADING_ZERO, at, end - at);
    *ret_value = value;
    return true;
}

static bool all_digits(const reader *in, size_t at, size_t end)
{
    for (size_t i = at; i < end; i++) {
        if (!is_digit(in->text[i]))
            return false;
    }
    return end > at;
}

static bool read_octets(reader *in, size_t at, size_t end, uint8_t *address)
{
    size_t start = at;
    for (unsigned part = 0; part < 4; part++) {
        size_t stop = find(in, at, '.');
        if (stop > end)
            stop = end;
        if ((part < 3) != (stop < end) || !all_digits(in, at, stop))
            return fail(in, PK_LITERAL_E_IP4_PARTS, start, end - start);
        unsigned value = 0;
        if (!read_decimal(in, at, stop, 255, PK_LITERAL_E_IP4_OCTET, &value))
            return false;
        address[part] = (uint8_t)value;
        at = stop + 1;
    }
    return true;
}

/* What stands behind the `/`, which is at `slash` (or at the end when there is none). */
static bool read_prefix(reader *in, size_t slash, unsigned limit, pk_literal *lit)
{
    unsigned value = 0;
    if (slash == in->len)
        return true;
    if (!read_decimal(in, slash + 1, in->len, limit, PK_LITERAL_E_PREFIX, &value))
        return false;
    lit->prefix = value + 1;
    return true;
}

static bool parse_ip4(reader *in, pk_literal *lit)
{
    size_t slash = find(in, 0, '/');
    lit->kind = PK_LITERAL_IP4;
    return read_octets(in, 0, slash, lit->address) && read_prefix(in, slash, 32, lit);
}

static bool read_group(reader *in, size_t at, size_t end, uint8_t *ret_pair)
{
    unsigned value = 0;
    if (end - at < 1 || end - at > 4)
        return fail(in, PK_LITERAL_E_IP6_GROUP, at, end - at);
    for (size_t i = at; i < end; i++) {
        int digit = hex_value(in->text[i]);
        if (digit < 0)
            return fail(in, PK_LITERAL_E_IP6_GROUP, at, end - at);
        value = value << 4 | (unsigned)digit;
    }
    ret_pair[0] = (uint8_t)(value >> 8);
    ret_pair[1] = (uint8_t)value;
    return true;
}

/* The groups of [0, end) into `bytes`; *ret_gap is where `::` stood, in bytes, or 16. */
static bool read_groups(reader *in, size_t end, uint8_t *bytes, size_t *ret_used, size_t *ret_gap)
{
    size_t used = 0;
    size_t gap = 16;
    size_t at = 0;
    if (end >= 2 && in->text[0] == ':' && in->text[1] == ':') {
        gap = 0;
        at = 2;
    }
    while (at < end) {
        size_t stop = find(in, at, ':');
        if (stop > end)
            stop = end;
        bool dotted = memchr(in->text + at, '.', stop - at) != NULL;
        if (used + (dotted ? 4 : 2) > 16 || (dotted && stop < end))
            return fail(in, PK_LITERAL_E_IP6_COUNT, 0, end);
        if (!(dotted ? read_octets(in, at, stop, bytes + used)
                     : read_group(in, at, stop, bytes + used)))
            return false;
        used += dotted ? 4 : 2;
        at = stop;
        if (at == end)
            break;
        if (++at == end)
            return fail(in, PK_LITERAL_E_IP6_COUNT, at - 1, 1);
        if (in->text[at] == ':') {
            if (gap < 16)
                return fail(in, PK_LITERAL_E_IP6_GAPS, at - 1, 2);
            gap = used;
            at++;
        }
    }
    *ret_used = used;
    *ret_gap = gap;
    return true;
}

static bool read_zone(reader *in, size_t percent, size_t end, pk_literal *lit)
{
    if (percent >= end)
        return true;
    size_t at = percent + 1;
    for (size_t i = at; i < end; i++) {
        char c = in->text[i];
        bool fine = is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                    c == '.' || c == '-';
        if (!fine)
            return fail(in, PK_LITERAL_E_ZONE, at, end - at);
    }
    if (at == end)
        return fail(in, PK_LITERAL_E_ZONE, percent, 1);
    lit->zone = in->text + at;
    lit->zone_len = end - at;
    return true;
}

static bool parse_ip6(reader *in, pk_literal *lit)
{
    size_t slash = find(in, 0, '/');
    size_t percent = find(in, 0, '%');
    size_t end = percent < slash ? percent : slash;
    uint8_t bytes[16];
    size_t used = 0;
    size_t gap = 0;
    if (!read_groups(in, end, bytes, &used, &gap))
        return false;
    if (gap == 16 ? used != 16 : used == 16)
        return fail(in, PK_LITERAL_E_IP6_COUNT, 0, end);
    size_t before = gap < used ? gap : used;
    memcpy(lit->address, bytes, before);
    memcpy(lit->address + 16 - (used - before), bytes + before, used - before);
    lit->kind = PK_LITERAL_IP6;
    return read_zone(in, percent, slash, lit) && read_prefix(in, slash, 128, lit);
}

static bool parse_mac(reader *in, pk_literal *lit)
{
    lit->kind = PK_LITERAL_MAC;
    if (in->len != 17)
        return fail(in, PK_LITERAL_E_MAC, 0, in->len);
    for (size_t i = 0; i < 6; i++) {
        int high = hex_value(in->text[i * 3]);
        int low = hex_value(in->text[i * 3 + 1]);
        if (high < 0 || low < 0 || (i < 5 && in->text[i * 3 + 2] != ':'))
            return fail(in, PK_LITERAL_E_MAC, 0, in->len);
        lit->address[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* ---- the door ---------------------------------------------------------------------------------
 */

static bool has_gap(const reader *in)
{
    for (size_t i = 1; i < in->len; i++) {
        if (in->text[i] == ':' && in->text[i - 1] == ':')
            return true;
    }
    return false;
}

static bool parse_any(reader *in, pk_literal *lit)
{
    size_t colons = count(in, ':');
    if (colons)
        return colons == 5 && !has_gap(in) ? parse_mac(in, lit) : parse_ip6(in, lit);
    if (!in->len || !is_digit(in->text[0]))
        return fail(in, PK_LITERAL_E_NOT_LITERAL, 0, in->len);
    if (count(in, '.') > 1 || find(in, 0, '/') < in->len)
        return parse_ip4(in, lit);
    return parse_number(in, lit);
}

pk_literal_error pk_literal_parse(const char *text, size_t len, pk_literal *ret_literal,
                                  pk_literal_fault *reterr_fault)
{
    reader in = {text, len, {PK_LITERAL_FINE, 0, 0}};
    pk_literal lit = {0};
    if (parse_any(&in, &lit)) {
        *ret_literal = lit;
        return PK_LITERAL_FINE;
    }
    *reterr_fault = in.fault;
    return in.fault.error;
}
