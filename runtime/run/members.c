#include "run/members.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/codec.h"
#include "base/escape.h"
#include "base/literal.h"
#include "base/octets.h"
#include "run/files.h"
#include "run/options.h"

typedef pk_reading reading;

typedef struct piece {
    const char *text;
    size_t len;
} piece;

static piece piece_trim(piece text)
{
    while (text.len && strchr(" \t\r\n", text.text[0])) {
        text.text++;
        text.len--;
    }
    while (text.len && strchr(" \t\r\n", text.text[text.len - 1]))
        text.len--;
    return text;
}

static bool piece_is(piece text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.text, word, text.len) == 0;
}

/* ---- what types are called ---- */

static const struct type_words {
    const char *one, *many, *example, *set_example;
} words[] = {
    [PK_PARAM_INT] = {"integer", "integers", "443", "22,80,8000..8100"},
    [PK_PARAM_TEXT] = {"text", "texts", "example", "one,two or @names.txt"},
    [PK_PARAM_BYTES] = {"bytes", "byte strings", "x\"00ff\"", "x\"00\",x\"ff\""},
    [PK_PARAM_BOOL] = {"yes or no", "truth values", "yes", "yes,no"},
    [PK_PARAM_DURATION] = {"duration", "durations", "2s", "10ms,1s"},
    [PK_PARAM_RATE] = {"rate", "rates", "500pps", "1kpps,10kpps"},
    [PK_PARAM_IP4] = {"IPv4 address", "IPv4 addresses", "192.0.2.1", "10.0.0.0/24,10.0.1.5"},
    [PK_PARAM_IP6] = {"IPv6 address", "IPv6 addresses", "2001:db8::1", "2001:db8::/120"},
    [PK_PARAM_MAC] = {"MAC address", "MAC addresses", "02:00:00:00:00:01",
                      "02:00:00:00:00:01..02:00:00:00:00:09"},
    [PK_PARAM_IFACE] = {"interface", "interfaces", "eth0", "eth0,eth1"},
    [PK_PARAM_FILE] = {"file name", "file names", "in.pcap", "a.pcap,b.pcap"},
};
enum { TYPE_COUNT = sizeof words / sizeof words[0] };

static const struct type_words *words_of(const pk_reading *r)
{
    return &words[(unsigned)r->type < TYPE_COUNT ? r->type : PK_PARAM_TEXT];
}

void pk_reading_type_text(const pk_reading *r, pk_buf *out)
{
    const struct type_words *type = words_of(r);
    if (r->is_set)
        pk_buf_text(out, "set of ");
    if (r->bits)
        pk_buf_printf(out, "%u-bit ", (unsigned)r->bits);
    pk_buf_text(out, r->is_set ? type->many : type->one);
}

const char *pk_reading_example(const pk_reading *r)
{
    return r->is_set ? words_of(r)->set_example : words_of(r)->example;
}

/* ---- errors ---- */

static int refuse(const reading *r, piece text, const char *why)
{
    pk_buf shown = {0}, type = {0}, where = {0};
    pk_escape_terminal(&shown, text.text, text.len < 64 ? text.len : 64);
    pk_reading_type_text(r, &type);
    pk_buf_text(&where, r->where);
    if (r->line)
        pk_buf_printf(&where, ":%u", r->line);
    pk_error_set(r->error, PK_EFORMAT, "%s: `%s` %s (%s: %s, such as %s)", pk_buf_cstr(&where),
                 pk_buf_cstr(&shown), why, r->what, pk_buf_cstr(&type), pk_reading_example(r));
    pk_buf_free(&shown);
    pk_buf_free(&type);
    pk_buf_free(&where);
    return PK_EFORMAT;
}

static int no_memory(const reading *r)
{
    return pk_error_set(r->error, PK_ENOMEM, "%s: no memory for its value", r->where);
}

/* ---- single values ---- */

static int refuse_fault(const reading *r, piece text, const pk_literal_fault *fault)
{
    pk_buf why = {0};
    pk_literal_explain(&why, fault, text.text, text.len);
    /* The explanation repeats the text in front; what follows it is the reason. */
    int code = refuse(r, text, "is not understood");
    if (!why.failed && why.len)
        pk_error_append(r->error, "; %s", pk_buf_cstr(&why));
    pk_buf_free(&why);
    return code;
}

static int read_literal(const reading *r, piece text, pk_literal_kind kind, pk_literal *ret_literal)
{
    pk_literal_fault fault;
    pk_literal literal = {0};
    if (pk_literal_parse(text.text, text.len, &literal, &fault))
        return refuse_fault(r, text, &fault);
    if (literal.kind != kind) {
        char why[96];
        snprintf(why, sizeof why, "is %s, not %s", pk_literal_kind_name(literal.kind),
                 pk_literal_kind_name(kind));
        return refuse(r, text, why);
    }
    *ret_literal = literal;
    return PK_OK;
}

/* A name that the field has for a number. */
static bool read_name(const reading *r, piece text, pk_value *ret_value)
{
    for (pk_ref names = r->names; names; names = r->image->enums[names].next) {
        const pk_image_enum *at = &r->image->enums[names];
        for (uint32_t i = 0; i < at->n_entries; i++) {
            const pk_image_entry *entry = &r->image->entries[at->entries + i];
            const char *name = pk_image_text(r->image, entry->name);
            if (strlen(name) != text.len || memcmp(name, text.text, text.len) != 0)
                continue;
            uint64_t value = at->flags ? (uint64_t)1 << entry->value : entry->value;
            *ret_value = pk_value_int((int64_t)value);
            return true;
        }
    }
    return false;
}

static int read_int(const reading *r, piece text, pk_value *ret_value)
{
    if (read_name(r, text, ret_value))
        return PK_OK;
    pk_literal literal = {0};
    bool negative = text.len > 1 && text.text[0] == '-';
    piece digits = negative ? (piece){text.text + 1, text.len - 1} : text;
    int error = read_literal(r, digits, PK_LITERAL_INT, &literal);
    if (error)
        return error;
    unsigned bits = r->bits;
    if (bits && bits < 64 && (negative || literal.integer >> bits))
        return refuse(r, text, "does not fit");
    uint64_t number = negative ? 0 - literal.integer : literal.integer;
    *ret_value = pk_value_int((int64_t)number);
    return PK_OK;
}

static int read_duration(const reading *r, piece text, pk_value *ret_value)
{
    pk_literal literal = {0};
    int error = read_literal(r, text, PK_LITERAL_DURATION, &literal);
    if (!error)
        *ret_value = pk_value_int((int64_t)literal.integer);
    return error;
}

static int read_rate(const reading *r, piece text, pk_value *ret_value)
{
    if (piece_is(text, "line")) {
        *ret_value = pk_value_bytes((const uint8_t *)"line", 4);
        return PK_OK;
    }
    pk_literal literal = {0};
    int error = read_literal(r, text, PK_LITERAL_RATE, &literal);
    if (!error)
        *ret_value =
            pk_value_int((int64_t)pk_run_rate_of(literal.number, literal.unit == PK_RATE_BITS));
    return error;
}

static int read_bool(const reading *r, piece text, pk_value *ret_value)
{
    static const char *const yes[] = {"true", "yes", "1", "on"};
    static const char *const no[] = {"false", "no", "0", "off"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (!piece_is(text, yes[i]) && !piece_is(text, no[i]))
            continue;
        *ret_value = pk_value_int(piece_is(text, yes[i]));
        return PK_OK;
    }
    return refuse(r, text, "is neither yes nor no");
}

static int keep_bytes(const reading *r, const void *bytes, size_t len, pk_value *ret_value)
{
    char *copy = pk_arena_strndup(r->arena, bytes, len);
    if (!copy)
        return no_memory(r);
    *ret_value = pk_value_bytes((const uint8_t *)copy, (uint32_t)len);
    return PK_OK;
}

/* A host name, with a prefix length where that may be. */
static bool is_host(const reading *r, piece text, size_t *ret_name_len, unsigned *ret_prefix)
{
    unsigned prefix = 0;
    *ret_name_len = text.len;
    if (!r->hosts || !r->hosts->address)
        return false;
    if (pk_host_name_form(text.text, text.len))
        return true;
    if (!ret_prefix || !pk_host_prefix_parse(text.text, text.len, ret_name_len, &prefix))
        return false;
    *ret_prefix = prefix + 1;
    return true;
}

static int read_host(const reading *r, piece name, uint32_t len, pk_value *ret_value)
{
    uint8_t address[16];
    pk_error error;
    int code = r->hosts->address(
        r->hosts->context, (pk_bytes){(const uint8_t *)name.text, name.len}, len, address, &error);
    if (code)
        return pk_error_set(r->error, code, "%s: %s", r->where, error.text);
    return keep_bytes(r, address, len, ret_value);
}

static int read_address(const reading *r, piece text, pk_literal_kind kind, uint32_t len,
                        pk_value *ret_value, unsigned *ret_prefix)
{
    pk_literal literal = {0};
    size_t name_len;
    if (len != 6 && is_host(r, text, &name_len, ret_prefix))
        return read_host(r, (piece){text.text, name_len}, len, ret_value);
    int error = read_literal(r, text, kind, &literal);
    if (error)
        return error;
    if (literal.zone)
        return refuse(r, text, "has a zone, which a parameter cannot have; name the interface");
    if (literal.prefix && !ret_prefix)
        return refuse(r, text, "is a prefix, not one address");
    if (ret_prefix)
        *ret_prefix = literal.prefix;
    return keep_bytes(r, literal.address, len, ret_value);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 32) >= 'a' && (c | 32) <= 'f')
        return (c | 32) - 'a' + 10;
    return -1;
}

static int read_hex(const reading *r, piece text, pk_value *ret_value)
{
    uint8_t *bytes = pk_arena_alloc(r->arena, text.len / 2 + 1);
    if (!bytes)
        return no_memory(r);
    size_t digits = 0;
    for (size_t i = 2; i + 1 < text.len; i++) {
        int digit = hex_digit(text.text[i]);
        if (text.text[i] == ' ')
            continue;
        if (digit < 0)
            return refuse(r, text, "has a character that is no hexadecimal digit");
        bytes[digits / 2] = (uint8_t)(bytes[digits / 2] << 4 | digit);
        digits++;
    }
    if (digits % 2)
        return refuse(r, text, "has an odd number of hexadecimal digits");
    *ret_value = pk_value_bytes(bytes, (uint32_t)(digits / 2));
    return PK_OK;
}

/* Text that is not of the codec's form stands for itself in bytes without a structure. */
static int read_coded(const reading *r, piece text, pk_value *ret_value)
{
    pk_buf bytes = {0};
    const char *why = "is refused";
    pk_codec codec = pk_codec_find(r->codec);
    bool good = pk_codec_encode(codec, (pk_bytes){(const uint8_t *)text.text, text.len}, r->width,
                                &bytes, &why);
    int code = good ? keep_bytes(r, bytes.data, bytes.len, ret_value) : refuse(r, text, why);
    pk_buf_free(&bytes);
    return code;
}

static int read_bytes(const reading *r, piece text, pk_value *ret_value)
{
    if (r->codec && pk_codec_find(r->codec) != PK_CODEC_NONE)
        return read_coded(r, text, ret_value);
    bool hex = r->type == PK_PARAM_BYTES && text.len >= 3 && text.text[0] == 'x' &&
               text.text[1] == '"' && text.text[text.len - 1] == '"';
    return hex ? read_hex(r, text, ret_value) : keep_bytes(r, text.text, text.len, ret_value);
}

/* One value; `ret_prefix` (may be NULL) takes what stands behind an address's slash. */
static int read_value(const reading *r, piece text, pk_value *ret_value, unsigned *ret_prefix)
{
    switch ((pk_param_type)r->type) {
    case PK_PARAM_INT:
        return read_int(r, text, ret_value);
    case PK_PARAM_BOOL:
        return read_bool(r, text, ret_value);
    case PK_PARAM_DURATION:
        return read_duration(r, text, ret_value);
    case PK_PARAM_RATE:
        return read_rate(r, text, ret_value);
    case PK_PARAM_IP4:
        return read_address(r, text, PK_LITERAL_IP4, 4, ret_value, ret_prefix);
    case PK_PARAM_IP6:
        return read_address(r, text, PK_LITERAL_IP6, 16, ret_value, ret_prefix);
    case PK_PARAM_MAC:
        return read_address(r, text, PK_LITERAL_MAC, 6, ret_value, NULL);
    case PK_PARAM_TEXT:
    case PK_PARAM_BYTES:
    case PK_PARAM_IFACE:
    case PK_PARAM_FILE:
        return read_bytes(r, text, ret_value);
    }
    return refuse(r, text, "is for a parameter of unknown type");
}

/* ---- sets ---- */

static bool is_text_type(const reading *r)
{
    return r->type == PK_PARAM_TEXT || r->type == PK_PARAM_BYTES || r->type == PK_PARAM_IFACE ||
           r->type == PK_PARAM_FILE;
}

/* Where `word` stands in the text; its length when nowhere. */
static size_t find_word(piece text, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= text.len; i++)
        if (memcmp(text.text + i, word, len) == 0)
            return i;
    return text.len;
}

static int set_error(const reading *r, piece text, int error)
{
    if (error == PK_ENOMEM)
        return no_memory(r);
    if (error == PK_ELIMIT)
        return refuse(r, text, "makes the set larger than 2^128 - 1, or too scattered");
    return error ? refuse(r, text, "is no such range") : PK_OK;
}

static int add_range(const reading *r, piece text, size_t dots, pk_set *set)
{
    piece lo = piece_trim((piece){text.text, dots});
    piece hi = {text.text + dots + 2, text.len - dots - 2};
    int64_t step = 1;
    size_t at = find_word(hi, " step ");
    if (at < hi.len) {
        piece by = piece_trim((piece){hi.text + at + 6, hi.len - at - 6});
        pk_value value = pk_value_undefined();
        int error = read_int(r, by, &value);
        if (error)
            return error;
        if (value.number == 0)
            return refuse(r, by, "is no step");
        step = value.number;
        hi.len = at;
    }
    pk_value first = pk_value_undefined(), last = first;
    int error = read_value(r, lo, &first, NULL);
    if (!error)
        error = read_value(r, piece_trim(hi), &last, NULL);
    return error ? error : set_error(r, text, pk_set_add_range(r->arena, set, first, last, step));
}

static int add_member(const reading *r, piece text, pk_set *set)
{
    if (!text.len)
        return refuse(r, text, "is empty where a member is expected");
    uint8_t lo[4], hi[4];
    if (r->type == PK_PARAM_IP4 && pk_octets_parse(text.text, text.len, lo, hi))
        return set_error(r, text, pk_set_add_octets(r->arena, set, lo, hi));
    size_t dots = is_text_type(r) ? text.len : find_word(text, "..");
    if (dots < text.len)
        return add_range(r, text, dots, set);
    pk_value value = pk_value_undefined();
    unsigned prefix = 0;
    int error = read_value(r, text, &value, &prefix);
    if (error)
        return error;
    error = prefix ? pk_set_add_prefix(r->arena, set, value, prefix - 1)
                   : pk_set_add_value(r->arena, set, value);
    return set_error(r, text, error);
}

/* The next part of `rest` up to the separator; false when there is none. */
static bool next_part(piece *rest, char separator, piece *ret_part)
{
    if (!rest->text)
        return false;
    const char *end = memchr(rest->text, separator, rest->len);
    size_t len = end ? (size_t)(end - rest->text) : rest->len;
    *ret_part = piece_trim((piece){rest->text, len});
    *rest = end ? (piece){end + 1, rest->len - len - 1} : (piece){NULL, 0};
    return true;
}

/* A `#` that begins a line or a word begins a comment. */
static piece without_comment(piece line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.text[i] == '#' && (i == 0 || strchr(" \t", line.text[i - 1])))
            return piece_trim((piece){line.text, i});
    return line;
}

static int add_lines(const reading *r, piece text, pk_set *set)
{
    reading at = *r;
    piece line;
    int error = PK_OK;
    while (!error && next_part(&text, '\n', &line)) {
        at.line++;
        line = without_comment(line);
        if (line.len)
            error = add_member(&at, line, set);
    }
    return error;
}

int pk_reading_lines(const pk_reading *r, pk_bytes text, pk_set *set)
{
    return add_lines(r, (piece){(const char *)text.data, text.len}, set);
}

static int add_file(const reading *r, piece name, pk_set *set)
{
    char *path = pk_arena_strndup(r->arena, name.text, name.len);
    if (!path)
        return no_memory(r);
    reading inside = *r;
    inside.where = path;
    pk_bytes text;
    int error = pk_file_read(path, r->arena, &text, r->error);
    return error ? error : pk_reading_lines(&inside, text, set);
}

static int add_members(const reading *r, piece text, pk_set *set)
{
    piece member;
    int error = PK_OK;
    while (!error && next_part(&text, ',', &member))
        error = member.len && member.text[0] == '@'
                    ? add_file(r, (piece){member.text + 1, member.len - 1}, set)
                    : add_member(r, member, set);
    return error;
}

static int read_list(const reading *r, piece text, pk_set *set)
{
    text = piece_trim(text);
    if (text.len >= 2 && text.text[0] == '[' && text.text[text.len - 1] == ']')
        text = piece_trim((piece){text.text + 1, text.len - 2});
    return text.len ? add_members(r, text, set) : PK_OK;
}

int pk_reading_set(const pk_reading *r, const char *value, pk_set *set)
{
    piece text = {value, strlen(value)};
    size_t at = is_text_type(r) ? text.len : find_word(text, " except ");
    int error = read_list(r, (piece){text.text, at}, set);
    while (!error && at < text.len) {
        text = (piece){text.text + at + 8, text.len - at - 8};
        at = find_word(text, " except ");
        pk_set without = {0};
        error = read_list(r, (piece){text.text, at}, &without);
        if (!error)
            error = set_error(r, text, pk_set_except(r->arena, set, &without));
    }
    return error;
}

int pk_reading_value(const pk_reading *r, const char *value, pk_value *ret_value)
{
    piece text = {value, strlen(value)};
    return read_value(r, is_text_type(r) ? text : piece_trim(text), ret_value, NULL);
}
