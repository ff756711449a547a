#include "lexer.h"

#include <string.h>

#include "base/escape.h"

static pk_node add_blob(pk_lexer *lexer, pk_ast_kind kind, const uint8_t *from, uint64_t value)
{
    if (lexer->skipping)
        return 0;
    pk_span span = {lexer->base + (uint32_t)(from - lexer->begin),
                    lexer->base + (uint32_t)(lexer->at - lexer->begin)};
    pk_blob blob =
        pk_ast_blob(lexer->ast, lexer->scratch.data ? (const char *)lexer->scratch.data : "",
                    lexer->scratch.len);
    return pk_ast_add(lexer->ast, kind, span, blob, 0, 0, 0, value);
}

/* Keeps a byte of the string, up to the limit; the caller reports when it is passed. */
static void keep(pk_lexer *lexer, unsigned byte)
{
    if (lexer->scratch.len <= PK_LITERAL_LIMIT)
        pk_buf_byte(&lexer->scratch, (uint8_t)byte);
}

static void check_size(pk_lexer *lexer, const uint8_t *from)
{
    if (lexer->scratch.len <= PK_LITERAL_LIMIT)
        return;
    lexer->scratch.len = 0;
    pk_lexer_report(lexer, PK_DIAG_LITERAL_SIZE, from, from + 1, "a string is too long");
    pk_diag_label(lexer->diags, "a string has at most %d bytes (PK_LITERAL_LIMIT)",
                  PK_LITERAL_LIMIT);
    pk_diag_help(lexer->diags, "longer bytes come from a file: file(\"name\")");
}

static void unterminated(pk_lexer *lexer, const uint8_t *from)
{
    pk_lexer_report(lexer, PK_DIAG_UNTERMINATED_STRING, from, from + 1,
                    "this string has no closing quote");
    pk_diag_label(lexer->diags, "strings end on the line on which they begin");
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* ---- strings ----------------------------------------------------------------------------------
 */

static bool is_octal(const pk_lexer *lexer)
{
    return lexer->at < lexer->limit && *lexer->at >= '0' && *lexer->at <= '7';
}

/* One to three octal digits, as in C and Python. */
static bool read_octal(pk_lexer *lexer)
{
    unsigned value = 0;
    for (int i = 0; i < 3 && is_octal(lexer); i++)
        value = value * 8 + (unsigned)(*lexer->at++ - '0');
    keep(lexer, value);
    return value <= 0xff;
}

static bool read_hex(pk_lexer *lexer)
{
    int high = lexer->at < lexer->limit ? hex_value(lexer->at[0]) : -1;
    int low = high >= 0 && lexer->at + 1 < lexer->limit ? hex_value(lexer->at[1]) : -1;
    if (low < 0)
        return false;
    keep(lexer, (unsigned)(high << 4 | low));
    lexer->at += 2;
    return true;
}

/* What follows a backslash; false when it is no escape. */
static bool read_escape(pk_lexer *lexer)
{
    static const char letters[] = "nrtabfve\\'\"";
    static const char values[] = "\n\r\t\a\b\f\v\x1b\\'\"";
    if (is_octal(lexer))
        return read_octal(lexer);
    uint8_t letter = lexer->at < lexer->limit ? *lexer->at : 0;
    const char *found = letter ? strchr(letters, letter) : NULL;
    if (letter != 'x' && !found)
        return false;
    lexer->at++;
    if (letter == 'x')
        return read_hex(lexer);
    keep(lexer, (uint8_t)values[found - letters]);
    return true;
}

static void bad_escape(pk_lexer *lexer, const uint8_t *backslash)
{
    const uint8_t *end = backslash + 1;
    if (end < lexer->limit && *end >= ' ' && *end < 0x7f)
        end++;
    pk_lexer_report(lexer, PK_DIAG_BAD_ESCAPE, backslash, end, "unknown escape in a string");
    pk_diag_label(lexer->diags,
                  "known: \\n \\r \\t \\a \\b \\f \\v \\e \\\\ \\' \\\" \\0 to \\377 and \\x "
                  "with two hex digits");
}

/* One character that stands for itself; false when it is NUL or not UTF-8 (reported). */
static bool read_plain(pk_lexer *lexer)
{
    uint32_t code = 0;
    size_t size = pk_escape_utf8(lexer->at, (size_t)(lexer->limit - lexer->at), &code);
    for (size_t i = 0; i < size; i++)
        keep(lexer, lexer->at[i]);
    lexer->at += size ? size : 1;
    return size && code;
}

static void bad_plain(pk_lexer *lexer)
{
    const uint8_t *at = lexer->at - 1;
    if (*at)
        pk_lexer_report(lexer, PK_DIAG_BAD_UTF8, at, at + 1, "this string is not UTF-8 text");
    else
        pk_lexer_report(lexer, PK_DIAG_NUL_BYTE, at, at + 1, "a NUL byte inside a string");
    pk_diag_label(lexer->diags, "write the byte as \\x%02x", *at);
}

pk_node pk_lexer_string(pk_lexer *lexer, const uint8_t *from)
{
    uint8_t quote = lexer->at[-1];
    bool complained = false; /* once a string is enough */
    pk_buf_clear(&lexer->scratch);
    for (;;) {
        if (lexer->at == lexer->limit || *lexer->at == '\n') {
            unterminated(lexer, from);
            break;
        }
        if (*lexer->at == quote) {
            lexer->at++;
            break;
        }
        const uint8_t *at = lexer->at;
        if (*at == '\\') {
            lexer->at++;
            if (!read_escape(lexer) && !complained) {
                bad_escape(lexer, at);
                complained = true;
            }
        } else if (!read_plain(lexer) && !complained) {
            bad_plain(lexer);
            complained = true;
        }
    }
    check_size(lexer, from);
    return add_blob(lexer, PK_AST_STRING, from, 0);
}

/* ---- hex and bit strings ----------------------------------------------------------------------
 */

static bool is_separator(uint8_t c)
{
    return c && strchr(" \t\r\n:._-", c);
}

/* Moves behind the closing quote; false when there is none before the end of the text. `*ret_bad`
 * is the first character that is neither digit nor separator. */
static bool find_end(pk_lexer *lexer, uint8_t quote, bool (*is_digit)(uint8_t),
                     const uint8_t **ret_bad)
{
    *ret_bad = NULL;
    for (; lexer->at < lexer->limit && *lexer->at != quote; lexer->at++) {
        if (!*ret_bad && !is_digit(*lexer->at) && !is_separator(*lexer->at))
            *ret_bad = lexer->at;
        if (*ret_bad && *lexer->at == '\n')
            return false; /* the quote was forgotten, not a digit mistyped */
    }
    return lexer->at < lexer->limit;
}

/* Reads up to the closing quote and reports what is wrong; the digits lie in [begin, at - 1). */
static bool check_digits(pk_lexer *lexer, const uint8_t *from, pk_diag_code code,
                         bool (*is_digit)(uint8_t), const char *what, const char *label)
{
    const uint8_t *begin = lexer->at;
    const uint8_t *bad = NULL;
    if (!find_end(lexer, begin[-1], is_digit, &bad)) {
        const uint8_t *line_end = memchr(begin, '\n', (size_t)(lexer->limit - begin));
        lexer->at = line_end ? line_end : lexer->limit;
        pk_lexer_report(lexer, PK_DIAG_UNTERMINATED_STRING, from, begin,
                        "this string has no closing quote");
        pk_diag_label(lexer->diags, "begins here");
        return false;
    }
    lexer->at++;
    if (!bad)
        return true;
    pk_lexer_report(lexer, code, bad, bad + 1, what);
    pk_diag_label(lexer->diags, "%s", label);
    return false;
}

static bool is_hex_digit(uint8_t c)
{
    return hex_value(c) >= 0;
}

static bool is_bit(uint8_t c)
{
    return c == '0' || c == '1';
}

pk_node pk_lexer_hex(pk_lexer *lexer, const uint8_t *from)
{
    const uint8_t *at = lexer->at;
    unsigned digits = 0;
    unsigned byte = 0;
    pk_buf_clear(&lexer->scratch);
    if (!check_digits(lexer, from, PK_DIAG_BAD_HEX_STRING, is_hex_digit,
                      "a hex string holds only hex digits",
                      "neither a digit nor one of the ignored blanks and : . _ -"))
        return add_blob(lexer, PK_AST_HEX, from, 0);
    for (; at < lexer->at - 1; at++) {
        if (hex_value(*at) < 0)
            continue;
        byte = byte << 4 | (unsigned)hex_value(*at);
        if (++digits % 2 == 0)
            keep(lexer, byte & 0xff);
    }
    if (digits % 2) {
        pk_lexer_report(lexer, PK_DIAG_BAD_HEX_STRING, from, lexer->at,
                        "a hex string needs two digits for each byte");
        pk_diag_label(lexer->diags, "%u digits", digits);
    }
    check_size(lexer, from);
    return add_blob(lexer, PK_AST_HEX, from, 0);
}

pk_node pk_lexer_bits(pk_lexer *lexer, const uint8_t *from)
{
    const uint8_t *at = lexer->at;
    uint64_t bits = 0;
    unsigned byte = 0;
    pk_buf_clear(&lexer->scratch);
    if (!check_digits(lexer, from, PK_DIAG_BAD_BIT_STRING, is_bit,
                      "a bit string holds only 0 and 1",
                      "neither a bit nor one of the ignored blanks and : . _ -"))
        return add_blob(lexer, PK_AST_BITS, from, 0);
    for (; at < lexer->at - 1; at++) {
        if (!is_bit(*at))
            continue;
        byte = byte << 1 | (unsigned)(*at - '0');
        if (++bits % 8 == 0)
            keep(lexer, byte & 0xff);
    }
    if (bits % 8)
        keep(lexer, byte << (8 - bits % 8) & 0xff);
    check_size(lexer, from);
    return add_blob(lexer, PK_AST_BITS, from, lexer->scratch.len ? bits : 0);
}
