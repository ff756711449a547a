#include "base/literal.h"

#include <string.h>

#include "base/escape.h"

/* ---- what is wrong, and what to type instead ----------------------------------------------------
 */

enum { SHOWN_LIMIT = 60 }; /* bytes of a literal that are repeated in a message */

static void add_shown(pk_buf *out, const char *text, size_t len)
{
    pk_escape_terminal(out, text, len < SHOWN_LIMIT ? len : SHOWN_LIMIT);
    if (len > SHOWN_LIMIT)
        pk_buf_text(out, "...");
}

void pk_literal_explain(pk_buf *out, const pk_literal_fault *fault, const char *text, size_t len)
{
    static const char *const summaries[] = {"is fine",
#define SUMMARY(name, summary) summary,
                                            PK_LITERAL_FAULTS(SUMMARY)
#undef SUMMARY
    };
    if (len)
        add_shown(out, text, len);
    else
        pk_buf_text(out, "nothing");
    pk_buf_byte(out, ' ');
    pk_buf_text(out, summaries[fault->error]);
}

static const char *fixed_help(pk_literal_error error)
{
    switch (error) {
    case PK_LITERAL_E_UNKNOWN_UNIT:
        return "counts: k M G Ki Mi Gi; durations: ns us ms s min h; rates: pps kpps Mpps Gpps, "
               "bps kbps Mbps Gbps Tbps";
    case PK_LITERAL_E_BAD_DIGIT:
        return "0x is followed by hex digits, 0b by 0 and 1, 0o by 0 to 7";
    case PK_LITERAL_E_UNDERSCORE:
        return "write 1_000";
    case PK_LITERAL_E_TOO_BIG:
        return "integers go up to 18446744073709551615 (64 bits), durations to 5124095h";
    case PK_LITERAL_E_TOO_PRECISE:
        return "use at most 15 digits";
    case PK_LITERAL_E_NOT_WHOLE:
        return "counts are whole, and the finest duration is 1ns";
    case PK_LITERAL_E_IP4_PARTS:
        return "four decimal parts from 0 to 255: 192.0.2.1, or 192.0.2.0/24 for a network";
    case PK_LITERAL_E_IP4_OCTET:
        return "each of the four parts is 0 to 255";
    case PK_LITERAL_E_PREFIX:
        return "/0 to /32 behind an IPv4 address, /0 to /128 behind an IPv6 address";
    case PK_LITERAL_E_IP6_GROUP:
    case PK_LITERAL_E_IP6_COUNT:
        return "eight groups of hex digits, or fewer and one `::`: 2001:db8::1; a MAC address has "
               "six pairs: 02:00:00:00:00:01";
    case PK_LITERAL_E_IP6_GAPS:
        return "`::` may stand once, or its length would be unknown";
    case PK_LITERAL_E_ZONE:
        return "the zone is an interface name: fe80::1%eth0";
    case PK_LITERAL_E_MAC:
        return "six pairs of hex digits: 02:00:00:00:00:01; other lengths are written x\"...\"";
    case PK_LITERAL_E_NOT_LITERAL:
        return "examples: 80  0xff  64k  1.5s  10kpps  192.0.2.0/24  2001:db8::1";
    case PK_LITERAL_FINE:
    case PK_LITERAL_E_MILLI_OR_MINUTE:
    case PK_LITERAL_E_LEADING_ZERO:
        break;
    }
    return "";
}

void pk_literal_help(pk_buf *out, const pk_literal_fault *fault, const char *text, size_t len)
{
    size_t digits = len ? len - 1 : 0;
    if (fault->error == PK_LITERAL_E_MILLI_OR_MINUTE && digits < SHOWN_LIMIT) {
        pk_buf_text(out, "write ");
        add_shown(out, text, digits);
        pk_buf_text(out, "ms or ");
        add_shown(out, text, digits);
        pk_buf_text(out, "min");
    } else if (fault->error == PK_LITERAL_E_LEADING_ZERO) {
        size_t zeros = 0;
        while (zeros + 1 < fault->len && text[fault->at + zeros] == '0')
            zeros++;
        pk_buf_text(out, "write ");
        add_shown(out, text + fault->at + zeros, fault->len - zeros);
        pk_buf_text(out, "; elsewhere a leading zero means octal, which is written 0o17 here");
    } else {
        pk_buf_text(out, fixed_help(fault->error));
    }
}

const char *pk_literal_kind_name(pk_literal_kind kind)
{
    switch (kind) {
    case PK_LITERAL_INT:
        return "integer";
    case PK_LITERAL_NUMBER:
        return "number";
    case PK_LITERAL_DURATION:
        return "duration";
    case PK_LITERAL_RATE:
        return "rate";
    case PK_LITERAL_IP4:
        return "IPv4 address";
    case PK_LITERAL_IP6:
        return "IPv6 address";
    case PK_LITERAL_MAC:
        return "MAC address";
    }
    return "literal";
}

/* ---- values as text -----------------------------------------------------------------------------
 */

void pk_literal_add_ip4(pk_buf *out, const uint8_t address[static 4])
{
    pk_buf_printf(out, "%u.%u.%u.%u", address[0], address[1], address[2], address[3]);
}

/* RFC 5952 section 4.2: the longest run of at least two zero groups, the first of equal ones. */
static void longest_run(const unsigned *groups, unsigned count, unsigned *ret_at, unsigned *ret_len)
{
    *ret_at = count;
    *ret_len = 1;
    for (unsigned i = 0; i < count;) {
        unsigned len = 0;
        while (i + len < count && !groups[i + len])
            len++;
        if (len > *ret_len) {
            *ret_at = i;
            *ret_len = len;
        }
        i += len + 1;
    }
}

static uint8_t *put_decimal(uint8_t *to, unsigned byte)
{
    if (byte >= 100)
        *to++ = (uint8_t)('0' + byte / 100);
    if (byte >= 10)
        *to++ = (uint8_t)('0' + byte / 10 % 10);
    *to++ = (uint8_t)('0' + byte % 10);
    return to;
}

static uint8_t *put_mapped(uint8_t *to, const uint8_t *address)
{
    memcpy(to, "::ffff:", 7);
    to += 7;
    for (unsigned i = 0; i < 4; i++) {
        to = put_decimal(to, address[i]);
        *to++ = '.';
    }
    return to - 1;
}

static uint8_t *put_group(uint8_t *to, unsigned group)
{
    unsigned digits = group > 0xfff ? 4 : group > 0xff ? 3 : group > 0xf ? 2 : 1;
    while (digits-- > 0)
        *to++ = (uint8_t) "0123456789abcdef"[group >> 4 * digits & 15];
    return to;
}

uint8_t *pk_literal_put_ip6(uint8_t *to, const uint8_t address[static 16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (!memcmp(address, mapped, sizeof mapped))
        return put_mapped(to, address + 12);
    unsigned groups[8];
    for (size_t i = 0; i < 8; i++)
        groups[i] = (unsigned)address[2 * i] << 8 | address[2 * i + 1];
    unsigned gap = 0;
    unsigned gap_len = 0;
    longest_run(groups, 8, &gap, &gap_len);
    for (unsigned i = 0; i < 8;) {
        if (i == gap) {
            *to++ = ':';
            *to++ = ':';
            i += gap_len;
            continue;
        }
        if (i && i != gap + gap_len)
            *to++ = ':';
        to = put_group(to, groups[i++]);
    }
    return to;
}

void pk_literal_add_ip6(pk_buf *out, const uint8_t address[static 16])
{
    uint8_t text[PK_LITERAL_IP6_TEXT], *end = pk_literal_put_ip6(text, address);
    pk_buf_add(out, text, (size_t)(end - text));
}

void pk_literal_add_mac(pk_buf *out, const uint8_t address[static 6])
{
    pk_buf_printf(out, "%02x:%02x:%02x:%02x:%02x:%02x", address[0], address[1], address[2],
                  address[3], address[4], address[5]);
}

void pk_literal_add_duration(pk_buf *out, uint64_t nanoseconds)
{
    static const struct {
        const char *name;
        uint64_t scale;
        unsigned places;
    } steps[] = {{"s", 1000000000, 9}, {"ms", 1000000, 6}, {"us", 1000, 3}, {"ns", 1, 0}};
    size_t i = 0;
    while (i < 3 && nanoseconds < steps[i].scale && nanoseconds)
        i++;
    uint64_t fraction = nanoseconds % steps[i].scale;
    unsigned places = steps[i].places;
    while (places && fraction % 10 == 0) {
        fraction /= 10;
        places--;
    }
    pk_buf_printf(out, "%llu", (unsigned long long)(nanoseconds / steps[i].scale));
    if (places)
        pk_buf_printf(out, ".%0*llu", (int)places, (unsigned long long)fraction);
    pk_buf_text(out, steps[i].name);
}

/* Whether `digits` / 10^places, scaled, is the same double again. */
static bool reads_back(uint64_t digits, unsigned places, double scale, double wanted)
{
    double divisor = 1;
    for (unsigned i = 0; i < places; i++)
        divisor *= 10;
    double back = (double)((pk_u128)digits * (uint64_t)scale) / divisor;
    return back <= wanted && back >= wanted;
}

static const double RATE_LIMIT = 1e24; /* beyond any wire; keeps the digits within 64 bits */

void pk_literal_add_rate(pk_buf *out, double per_second, pk_literal_unit unit)
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T"};
    size_t last = unit == PK_RATE_PACKETS ? 3 : 4;
    double scale = 1;
    size_t i = 0;
    if (!(per_second >= 0))
        per_second = 0;
    if (per_second > RATE_LIMIT)
        per_second = RATE_LIMIT;
    while (i < last && per_second >= scale * 1000) {
        scale *= 1000;
        i++;
    }
    double value = per_second / scale;
    uint64_t digits = (uint64_t)(value + 0.5);
    unsigned places = 0;
    while (places < 15 && value < 1e14 && !reads_back(digits, places, scale, per_second)) {
        value *= 10;
        places++;
        digits = (uint64_t)(value + 0.5);
    }
    uint64_t divisor = 1;
    for (unsigned p = 0; p < places; p++)
        divisor *= 10;
    pk_buf_printf(out, "%llu", (unsigned long long)(digits / divisor));
    if (places)
        pk_buf_printf(out, ".%0*llu", (int)places, (unsigned long long)(digits % divisor));
    pk_buf_printf(out, "%s%s", prefixes[i], unit == PK_RATE_PACKETS ? "pps" : "bps");
}
