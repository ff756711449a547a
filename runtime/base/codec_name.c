/* Codecs of names and identifiers: dnsname oid addr prefix uuid guid. */
#include "base/codec_forms.h"

#include <string.h>

#include "base/literal.h"

enum { LABEL_LIMIT = 63, NAME_LIMIT = 255 }; /* RFC 1035 section 2.3.4 */

/* One character of a label: itself, \X, or \DDD. Returns how much of the text it took, 0 = bad. */
static size_t dns_character(const uint8_t *text, size_t len, uint8_t *ret_byte)
{
    unsigned value = 0;

    if (*text != '\\') {
        *ret_byte = *text;
        return 1;
    }
    if (len < 2)
        return 0;
    if (text[1] < '0' || text[1] > '9') {
        *ret_byte = text[1];
        return 2;
    }
    if (len < 4)
        return 0;
    for (unsigned i = 1; i < 4; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    if (value > 255)
        return 0;
    *ret_byte = (uint8_t)value;
    return 4;
}

/* A label from text[*at] to the dot or the end; *at moves behind the dot. */
static const char *dns_label(pk_bytes text, size_t *at, pk_buf *out)
{
    uint8_t label[LABEL_LIMIT];
    size_t n = 0;

    while (*at < text.len && text.data[*at] != '.') {
        uint8_t byte;
        size_t used = dns_character(text.data + *at, text.len - *at, &byte);

        if (!used)
            return "has a backslash that is neither \\. nor \\DDD";
        if (n == LABEL_LIMIT)
            return "has a label of more than 63 bytes";
        label[n++] = byte;
        *at += used;
    }
    if (!n)
        return "has an empty label";
    if (*at < text.len)
        ++*at;
    pk_buf_byte(out, (uint8_t)n);
    pk_buf_add(out, label, n);
    return NULL;
}

const char *pk_codec_encode_DNSNAME(pk_bytes text, size_t width, pk_buf *out)
{
    size_t start = out->len, at = 0;

    (void)width;
    if (text.len == 1 && text.data[0] == '.')
        at = 1;
    while (at < text.len) {
        const char *why = dns_label(text, &at, out);

        if (why)
            return why;
    }
    pk_buf_byte(out, 0);
    return out->len - start > NAME_LIMIT ? "is longer than 255 bytes" : NULL;
}

static void dns_put(pk_buf *out, uint8_t c)
{
    if (c == '.' || c == '\\') {
        pk_buf_byte(out, '\\');
        pk_buf_byte(out, c);
    } else if (c > 0x20 && c < 0x7f) {
        pk_buf_byte(out, c);
    } else {
        pk_buf_byte(out, '\\');
        pk_buf_byte(out, (uint8_t)('0' + c / 100));
        pk_buf_byte(out, (uint8_t)('0' + c / 10 % 10));
        pk_buf_byte(out, (uint8_t)('0' + c % 10));
    }
}

bool pk_codec_decode_DNSNAME(pk_bytes bytes, pk_buf *out)
{
    size_t at = 0;

    if (bytes.len == 1 && !bytes.data[0]) {
        pk_buf_byte(out, '.');
        return true;
    }
    while (at < bytes.len && bytes.data[at]) {
        size_t n = bytes.data[at];

        if (n > LABEL_LIMIT || n >= bytes.len - at)
            return false;
        if (at)
            pk_buf_byte(out, '.');
        for (size_t i = 1; i <= n; i++)
            dns_put(out, bytes.data[at + i]);
        at += n + 1;
    }
    return at + 1 == bytes.len;
}

/* X.690 section 8.19: base 128, high bit set on all octets but the last of a subidentifier. */
static void oid_put(pk_buf *out, uint64_t value)
{
    unsigned shift = 63;

    while (shift && !(value >> shift))
        shift -= 7;
    for (; shift; shift -= 7)
        pk_buf_byte(out, (uint8_t)(0x80 | (value >> shift & 0x7f)));
    pk_buf_byte(out, (uint8_t)(value & 0x7f));
}

/* A decimal arc, no leading zero. Returns the characters it took, 0 = bad. */
static size_t oid_arc(pk_bytes text, size_t at, uint64_t *ret_arc)
{
    uint64_t arc = 0;
    size_t n = 0;

    for (; at + n < text.len && text.data[at + n] >= '0' && text.data[at + n] <= '9'; n++) {
        uint64_t digit = (uint64_t)(text.data[at + n] - '0');

        if (arc > (UINT64_MAX - 80 - digit) / 10)
            return 0;
        arc = arc * 10 + digit;
    }
    if (!n || (n > 1 && text.data[at] == '0'))
        return 0;
    *ret_arc = arc;
    return n;
}

const char *pk_codec_encode_OID(pk_bytes text, size_t width, pk_buf *out)
{
    uint64_t first = 0, arc;
    size_t at = 0;

    (void)width;
    for (unsigned n = 0; n == 0 || at < text.len; n++) {
        size_t used;

        if (n && text.data[at++] != '.')
            return "is not numbers with dots between them";
        used = oid_arc(text, at, &arc);
        if (!used)
            return "is not numbers of at most 64 bits with dots between them";
        at += used;
        if (n == 0)
            first = arc;
        else if (n == 1 && (first > 2 || (first < 2 && arc > 39)))
            return "does not begin as an object identifier does (0.0-39, 1.0-39 or 2.n)";
        else
            oid_put(out, n == 1 ? first * 40 + arc : arc);
        if (n == 0 && at == text.len)
            return "has only one number, an object identifier has two or more";
    }
    return NULL;
}

bool pk_codec_decode_OID(pk_bytes bytes, pk_buf *out)
{
    uint64_t value = 0;
    bool first = true, open = false;

    for (size_t i = 0; i < bytes.len; i++) {
        if (value >> 57)
            return false;
        value = value << 7 | (bytes.data[i] & 0x7f);
        open = bytes.data[i] & 0x80;
        if (open)
            continue;
        if (first) {
            uint64_t root = value < 80 ? value / 40 : 2;

            pk_buf_printf(out, "%u.%llu", (unsigned)root, (unsigned long long)(value - root * 40));
        } else {
            pk_buf_printf(out, ".%llu", (unsigned long long)value);
        }
        first = false;
        value = 0;
    }
    return !first && !open;
}

const char *pk_codec_encode_ADDR(pk_bytes text, size_t width, pk_buf *out)
{
    static const char why[] = "is not an IPv4, IPv6 or MAC address";
    pk_literal literal;
    pk_literal_fault fault;

    (void)width;
    if (pk_literal_parse((const char *)text.data, text.len, &literal, &fault))
        return why;
    if (literal.kind == PK_LITERAL_MAC)
        pk_buf_add(out, literal.address, 6);
    else if (literal.kind == PK_LITERAL_IP4 && !literal.prefix)
        pk_buf_add(out, literal.address, 4);
    else if (literal.kind == PK_LITERAL_IP6 && !literal.prefix && !literal.zone)
        pk_buf_add(out, literal.address, 16);
    else
        return why;
    return NULL;
}

bool pk_codec_decode_ADDR(pk_bytes bytes, pk_buf *out)
{
    if (bytes.len == 4)
        pk_literal_add_ip4(out, bytes.data);
    else if (bytes.len == 6)
        pk_literal_add_mac(out, bytes.data);
    else if (bytes.len == 16)
        pk_literal_add_ip6(out, bytes.data);
    else
        return false;
    return true;
}

const char *pk_codec_encode_PREFIX(pk_bytes text, size_t width, pk_buf *out)
{
    size_t at = 0;

    (void)width;
    for (unsigned n = 0; at < text.len; n++) {
        uint64_t octet;
        size_t used;

        if (n == 4 || (n && text.data[at++] != '.'))
            return "is not one to four octets with dots between them";
        used = oid_arc(text, at, &octet);
        if (!used || octet > 255)
            return "has an octet that is not 0 to 255";
        pk_buf_byte(out, (uint8_t)octet);
        at += used;
    }
    return NULL;
}

bool pk_codec_decode_PREFIX(pk_bytes bytes, pk_buf *out)
{
    if (!bytes.len || bytes.len > 4)
        return false;
    for (size_t i = 0; i < bytes.len; i++)
        pk_buf_printf(out, i ? ".%u" : "%u", bytes.data[i]);
    return true;
}

/* Where each byte of the text stands on the wire. */
static const uint8_t uuid_order[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
static const uint8_t guid_order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

static bool uuid_dash(unsigned byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

static const char *encode_uuid(pk_bytes text, pk_buf *out, const uint8_t order[16])
{
    static const char why[] = "is not of the form 00112233-4455-6677-8899-aabbccddeeff";
    uint8_t bytes[16];
    size_t at = 0;

    if (text.len != 36)
        return why;
    for (unsigned i = 0; i < 16; i++) {
        int high, low;

        if (uuid_dash(i) && text.data[at++] != '-')
            return why;
        high = pk_codec_digit(text.data[at]);
        low = pk_codec_digit(text.data[at + 1]);
        if (high < 0 || low < 0)
            return why;
        bytes[order[i]] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    pk_buf_add(out, bytes, 16);
    return NULL;
}

static bool decode_uuid(pk_bytes bytes, pk_buf *out, const uint8_t order[16])
{
    if (bytes.len != 16)
        return false;
    for (unsigned i = 0; i < 16; i++)
        pk_buf_printf(out, uuid_dash(i) ? "-%02x" : "%02x", bytes.data[order[i]]);
    return true;
}

const char *pk_codec_encode_UUID(pk_bytes text, size_t width, pk_buf *out)
{
    (void)width;
    return encode_uuid(text, out, uuid_order);
}

bool pk_codec_decode_UUID(pk_bytes bytes, pk_buf *out)
{
    return decode_uuid(bytes, out, uuid_order);
}

const char *pk_codec_encode_GUID(pk_bytes text, size_t width, pk_buf *out)
{
    (void)width;
    return encode_uuid(text, out, guid_order);
}

bool pk_codec_decode_GUID(pk_bytes bytes, pk_buf *out)
{
    return decode_uuid(bytes, out, guid_order);
}
