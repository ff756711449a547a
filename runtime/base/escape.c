#include "base/escape.h"

static const char hex_digits[] = "0123456789abcdef";

static bool is_continuation(const uint8_t *bytes, size_t len, size_t at)
{
    return at < len && (bytes[at] & 0xc0) == 0x80;
}

/* RFC 3629 section 4: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
size_t pk_escape_utf8(const uint8_t *bytes, size_t len, uint32_t *ret_code)
{
    if (!len)
        return 0;
    uint32_t code = bytes[0];
    if (code < 0x80) {
        *ret_code = code;
        return 1;
    }
    if (code < 0xc2 || code > 0xf4)
        return 0;
    size_t size = code < 0xe0 ? 2 : code < 0xf0 ? 3 : 4;
    code &= 0x7fU >> size;
    for (size_t i = 1; i < size; i++) {
        if (!is_continuation(bytes, len, i))
            return 0;
        code = code << 6 | (bytes[i] & 0x3fU);
    }
    if ((size == 3 && code < 0x800) || (size == 4 && code < 0x10000) || code > 0x10ffff ||
        (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *ret_code = code;
    return size;
}

bool pk_escape_invisible(uint32_t code)
{
    static const struct {
        uint32_t lo, hi;
    } ranges[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},
        {0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
        {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe007f},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (code >= ranges[i].lo && code <= ranges[i].hi)
            return true;
    }
    return false;
}

static bool is_hex(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') ||
           (byte >= 'A' && byte <= 'F');
}

/* Whether the input itself holds a backslash that would be read back as an escape. */
static bool looks_escaped(const uint8_t *bytes, size_t len)
{
    return len >= 4 && bytes[0] == '\\' && bytes[1] == 'x' && is_hex(bytes[2]) && is_hex(bytes[3]);
}

static void add_hex_bytes(pk_buf *out, const char *lead, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        pk_buf_text(out, lead);
        pk_buf_byte(out, (uint8_t)hex_digits[bytes[i] >> 4]);
        pk_buf_byte(out, (uint8_t)hex_digits[bytes[i] & 15]);
    }
}

static void add_json_code(pk_buf *out, uint32_t code)
{
    if (code > 0xffff) {
        code -= 0x10000;
        pk_buf_printf(out, "\\u%04x\\u%04x", 0xd800 + (code >> 10), 0xdc00 + (code & 0x3ff));
    } else {
        pk_buf_printf(out, "\\u%04x", code);
    }
}

static const char *json_short(uint32_t code)
{
    switch (code) {
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    default:
        return NULL;
    }
}

void pk_escape_json(pk_buf *out, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    pk_buf_byte(out, '"');
    while (len) {
        uint32_t code = 0;
        size_t size = pk_escape_utf8(at, len, &code);
        if (!size || looks_escaped(at, len)) {
            size = 1;
            add_hex_bytes(out, "\\\\x", at, 1);
        } else if (json_short(code)) {
            pk_buf_text(out, json_short(code));
        } else if (pk_escape_invisible(code)) {
            add_json_code(out, code);
        } else {
            pk_buf_add(out, at, size);
        }
        at += size;
        len -= size;
    }
    pk_buf_byte(out, '"');
}

void pk_escape_terminal(pk_buf *out, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    while (len) {
        uint32_t code = 0;
        size_t size = pk_escape_utf8(at, len, &code);
        if (!size || looks_escaped(at, len)) {
            size = 1;
            add_hex_bytes(out, "\\x", at, 1);
        } else if (pk_escape_invisible(code)) {
            add_hex_bytes(out, "\\x", at, size);
        } else {
            pk_buf_add(out, at, size);
        }
        at += size;
        len -= size;
    }
}

void pk_escape_literal(pk_buf *out, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    while (len) {
        uint32_t code = 0;
        size_t size = pk_escape_utf8(at, len, &code);
        if (!size) {
            size = 1;
            add_hex_bytes(out, "\\x", at, 1);
        } else if (json_short(code)) {
            pk_buf_text(out, json_short(code));
        } else if (pk_escape_invisible(code)) {
            add_hex_bytes(out, "\\x", at, size);
        } else {
            pk_buf_add(out, at, size);
        }
        at += size;
        len -= size;
    }
}
