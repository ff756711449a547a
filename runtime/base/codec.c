#include "base/codec.h"

#include <string.h>

#include "base/codec_forms.h"
#include "base/escape.h"

typedef struct codec_row {
    const char *name, *doc;
    bool bare;
    pk_codec_encoder *encode;
    pk_codec_decoder *decode;
} codec_row;

static const codec_row rows[PK_CODEC_COUNT_OF] = {
    [PK_CODEC_NONE] = {.name = "", .doc = ""},
#define PK_CODEC(id, text, is_bare, about) \
    [PK_CODEC_##id] = {text, about, is_bare, pk_codec_encode_##id, pk_codec_decode_##id},
#include "base/codec.def"
#undef PK_CODEC
};

pk_codec pk_codec_find(const char *name)
{
    for (unsigned i = 1; i < PK_CODEC_COUNT_OF; i++)
        if (!strcmp(rows[i].name, name))
            return (pk_codec)i;
    return PK_CODEC_NONE;
}

const char *pk_codec_name(pk_codec codec)
{
    return rows[codec].name;
}

const char *pk_codec_doc(pk_codec codec)
{
    return rows[codec].doc;
}

bool pk_codec_bare(pk_codec codec)
{
    return rows[codec].bare;
}

static void truncate_to(pk_buf *out, size_t len)
{
    if (out->failed)
        return;
    out->len = len;
    if (out->data)
        out->data[len] = 0;
}

bool pk_codec_encode(pk_codec codec, pk_bytes text, size_t width, pk_buf *out,
                     const char **reterr_why)
{
    size_t start = out->len;
    const char *why =
        codec == PK_CODEC_NONE ? "has no text form" : rows[codec].encode(text, width, out);

    if (!why)
        return !out->failed;
    truncate_to(out, start);
    if (reterr_why)
        *reterr_why = why;
    return false;
}

/* The candidate text stands at the end of `out`; its encoding is appended behind it, compared, and
 * dropped again: no memory of its own. The room is reserved first, so that the text does not move
 * while it is read. */
static bool encodes_to(pk_codec codec, pk_buf *out, size_t start, pk_bytes bytes)
{
    size_t text_len = out->len - start;
    bool same;

    if (!pk_buf_reserve(out, 4 * text_len + bytes.len + 64))
        return false;
    same = !rows[codec].encode((pk_bytes){out->data + start, text_len}, bytes.len, out) &&
           !out->failed && out->len - start - text_len == bytes.len &&
           (!bytes.len || !memcmp(out->data + start + text_len, bytes.data, bytes.len));
    truncate_to(out, start + text_len);
    return same;
}

bool pk_codec_decode(pk_codec codec, pk_bytes bytes, pk_buf *out)
{
    size_t start = out->len;

    if (codec == PK_CODEC_NONE || out->failed)
        return false;
    if (rows[codec].decode(bytes, out) && encodes_to(codec, out, start, bytes))
        return true;
    truncate_to(out, start);
    return false;
}

bool pk_codec_readable(pk_bytes bytes)
{
    for (size_t i = 0; i < bytes.len;) {
        uint32_t code;
        uint8_t c = bytes.data[i];
        size_t n = 1;

        if (c >= 0x80) {
            n = pk_escape_utf8(bytes.data + i, bytes.len - i, &code);
            if (!n || pk_escape_invisible(code))
                return false;
        } else if (c == 0x7f || (c < 0x20 && c != '\t' && c != '\n' && c != '\r')) {
            return false;
        }
        i += n;
    }
    return true;
}

int pk_codec_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}
