/* Codecs whose bytes are text in some wrapping: text cstr padded pstr utf16 utf16le hex. */
#include "base/codec_forms.h"

#include <string.h>

#include "base/escape.h"

const char *pk_codec_encode_TEXT(pk_bytes text, size_t width, pk_buf *out)
{
    (void)width;
    pk_buf_add(out, text.data, text.len);
    return NULL;
}

bool pk_codec_decode_TEXT(pk_bytes bytes, pk_buf *out)
{
    pk_buf_add(out, bytes.data, bytes.len);
    return pk_codec_readable(bytes);
}

const char *pk_codec_encode_CSTR(pk_bytes text, size_t width, pk_buf *out)
{
    (void)width;
    if (text.len && memchr(text.data, 0, text.len))
        return "holds a zero byte, which would end it";
    pk_buf_add(out, text.data, text.len);
    pk_buf_byte(out, 0);
    return NULL;
}

bool pk_codec_decode_CSTR(pk_bytes bytes, pk_buf *out)
{
    return bytes.len && pk_codec_decode_TEXT((pk_bytes){bytes.data, bytes.len - 1}, out);
}

const char *pk_codec_encode_PADDED(pk_bytes text, size_t width, pk_buf *out)
{
    if (width && text.len > width)
        return "is longer than its field";
    pk_buf_add(out, text.data, text.len);
    pk_buf_zeros(out, width > text.len ? width - text.len : 0);
    return NULL;
}

bool pk_codec_decode_PADDED(pk_bytes bytes, pk_buf *out)
{
    while (bytes.len && !bytes.data[bytes.len - 1])
        bytes.len--;
    return pk_codec_decode_TEXT(bytes, out);
}

const char *pk_codec_encode_PSTR(pk_bytes text, size_t width, pk_buf *out)
{
    (void)width;
    if (text.len > 0xffff)
        return "is longer than 65535 bytes";
    pk_buf_byte(out, (uint8_t)(text.len >> 8));
    pk_buf_byte(out, (uint8_t)text.len);
    pk_buf_add(out, text.data, text.len);
    return NULL;
}

bool pk_codec_decode_PSTR(pk_bytes bytes, pk_buf *out)
{
    return bytes.len >= 2 && pk_codec_decode_TEXT((pk_bytes){bytes.data + 2, bytes.len - 2}, out);
}

static void put_unit(pk_buf *out, uint32_t unit, bool little)
{
    pk_buf_byte(out, (uint8_t)(little ? unit : unit >> 8));
    pk_buf_byte(out, (uint8_t)(little ? unit >> 8 : unit));
}

/* RFC 2781 section 2.1. */
static const char *encode_utf16(pk_bytes text, pk_buf *out, bool little)
{
    for (size_t i = 0; i < text.len;) {
        uint32_t code = 0;
        size_t n = pk_escape_utf8(text.data + i, text.len - i, &code);

        if (!n)
            return "is not well-formed UTF-8";
        if (code > 0xffff) {
            put_unit(out, 0xd800 + ((code - 0x10000) >> 10), little);
            put_unit(out, 0xdc00 + ((code - 0x10000) & 0x3ff), little);
        } else {
            put_unit(out, code, little);
        }
        i += n;
    }
    return NULL;
}

static void put_utf8(pk_buf *out, uint32_t code)
{
    if (code < 0x80) {
        pk_buf_byte(out, (uint8_t)code);
        return;
    }
    if (code < 0x800) {
        pk_buf_byte(out, (uint8_t)(0xc0 | code >> 6));
    } else {
        if (code < 0x10000) {
            pk_buf_byte(out, (uint8_t)(0xe0 | code >> 12));
        } else {
            pk_buf_byte(out, (uint8_t)(0xf0 | code >> 18));
            pk_buf_byte(out, (uint8_t)(0x80 | (code >> 12 & 0x3f)));
        }
        pk_buf_byte(out, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
    }
    pk_buf_byte(out, (uint8_t)(0x80 | (code & 0x3f)));
}

/* A surrogate that has no partner gives ill-formed UTF-8, which the encoder then refuses. */
static bool decode_utf16(pk_bytes bytes, pk_buf *out, bool little)
{
    size_t start = out->len;
    uint32_t high = 0;

    if (bytes.len % 2)
        return false;
    for (size_t i = 0; i < bytes.len; i += 2) {
        uint32_t unit = (uint32_t)bytes.data[i + little] << 8 | bytes.data[i + !little];

        if (high) {
            put_utf8(out, unit >> 10 == 0x37 ? 0x10000 + ((high & 0x3ff) << 10 | (unit & 0x3ff))
                                             : 0xdc00);
            high = 0;
        } else if (unit >> 10 == 0x36) {
            high = unit;
        } else {
            put_utf8(out, unit);
        }
    }
    return !high && !out->failed &&
           pk_codec_readable((pk_bytes){out->data + start, out->len - start});
}

const char *pk_codec_encode_UTF16(pk_bytes text, size_t width, pk_buf *out)
{
    (void)width;
    return encode_utf16(text, out, false);
}

bool pk_codec_decode_UTF16(pk_bytes bytes, pk_buf *out)
{
    return decode_utf16(bytes, out, false);
}

const char *pk_codec_encode_UTF16LE(pk_bytes text, size_t width, pk_buf *out)
{
    (void)width;
    return encode_utf16(text, out, true);
}

bool pk_codec_decode_UTF16LE(pk_bytes bytes, pk_buf *out)
{
    return decode_utf16(bytes, out, true);
}

const char *pk_codec_encode_HEX(pk_bytes text, size_t width, pk_buf *out)
{
    (void)width;
    if (text.len % 2)
        return "has an odd number of hexadecimal digits";
    for (size_t i = 0; i < text.len; i += 2) {
        int high = pk_codec_digit(text.data[i]), low = pk_codec_digit(text.data[i + 1]);

        if (high < 0 || low < 0)
            return "is not made of hexadecimal digits";
        pk_buf_byte(out, (uint8_t)(high << 4 | low));
    }
    return NULL;
}

bool pk_codec_decode_HEX(pk_bytes bytes, pk_buf *out)
{
    for (size_t i = 0; i < bytes.len; i++) {
        pk_buf_byte(out, (uint8_t) "0123456789abcdef"[bytes.data[i] >> 4]);
        pk_buf_byte(out, (uint8_t) "0123456789abcdef"[bytes.data[i] & 15]);
    }
    return true;
}
