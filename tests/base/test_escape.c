#include "check.h"

#include "base/escape.h"

typedef void escaper(pk_buf *out, const void *bytes, size_t len);

static const char *escaped(escaper *escape, const char *bytes, size_t len)
{
    static pk_buf out;
    pk_buf_clear(&out);
    if (!bytes) {
        pk_buf_free(&out);
        return "";
    }
    escape(&out, bytes, len);
    return pk_buf_cstr(&out);
}

#define ESCAPED(escape, text) escaped(escape, text, sizeof(text) - 1)

static void utf8_is_read_as_rfc3629_says(void)
{
    static const struct {
        const char *bytes;
        size_t len, size;
        uint32_t code;
    } cases[] = {
        {"a", 1, 1, 'a'},
        {"\xc3\xa9", 2, 2, 0xe9},
        {"\xe2\x82\xac", 3, 3, 0x20ac},
        {"\xf0\x9f\x98\x80", 4, 4, 0x1f600},
        {"\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
        {"\xed\x9f\xbf", 3, 3, 0xd7ff},
        {"", 0, 0, 0},                 /* nothing */
        {"\x80", 1, 0, 0},             /* continuation first */
        {"\xc0\xaf", 2, 0, 0},         /* overlong */
        {"\xc1\xbf", 2, 0, 0},         /* overlong */
        {"\xe0\x9f\xbf", 3, 0, 0},     /* overlong */
        {"\xf0\x8f\xbf\xbf", 4, 0, 0}, /* overlong */
        {"\xed\xa0\x80", 3, 0, 0},     /* surrogate */
        {"\xf4\x90\x80\x80", 4, 0, 0}, /* beyond the last */
        {"\xe2\x82", 2, 0, 0},         /* cut */
        {"\xe2\x28\xac", 3, 0, 0},     /* no continuation */
        {"\xff", 1, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t code = 0;
        CHECK_INT(pk_escape_utf8((const uint8_t *)cases[i].bytes, cases[i].len, &code),
                  cases[i].size);
        CHECK_INT(code, cases[i].code);
    }
}

static void json_strings_are_valid_whatever_the_bytes(void)
{
    CHECK_TEXT(ESCAPED(pk_escape_json, ""), "\"\"");
    CHECK_TEXT(ESCAPED(pk_escape_json, "a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
    CHECK_TEXT(ESCAPED(pk_escape_json, "\n\r\t\b\0x"), "\"\\n\\r\\t\\u0008\\u0000x\"");
    CHECK_TEXT(ESCAPED(pk_escape_json, "caf\xc3\xa9"), "\"caf\xc3\xa9\"");
    CHECK_TEXT(ESCAPED(pk_escape_json, "\x7f\xc2\x85\xe2\x80\xae"), "\"\\u007f\\u0085\\u202e\"");
    CHECK_TEXT(ESCAPED(pk_escape_json, "\xf3\xa0\x80\x81"), "\"\\udb40\\udc01\"");
    CHECK_TEXT(ESCAPED(pk_escape_json, "a\xff"
                                       "b"),
               "\"a\\\\xffb\"");
}

static void json_escapes_of_bytes_are_told_from_the_same_characters(void)
{
    CHECK_TEXT(ESCAPED(pk_escape_json, "\\xff"), "\"\\\\x5cxff\"");
    CHECK_TEXT(ESCAPED(pk_escape_json, "\\xfg"), "\"\\\\xfg\"");
    CHECK_TEXT(ESCAPED(pk_escape_json, "\\\xff"), "\"\\\\\\\\xff\"");
}

static void terminal_text_cannot_move_the_cursor_or_reorder_the_line(void)
{
    CHECK_TEXT(ESCAPED(pk_escape_terminal, "a\x1b[2Jb\r\n\t"), "a\\x1b[2Jb\\x0d\\x0a\\x09");
    CHECK_TEXT(ESCAPED(pk_escape_terminal, "\x7f\xc2\x9b"), "\\x7f\\xc2\\x9b");
    CHECK_TEXT(ESCAPED(pk_escape_terminal, "\xe2\x80\xae\xe2\x81\xa6"),
               "\\xe2\\x80\\xae\\xe2\\x81\\xa6");
    CHECK_TEXT(ESCAPED(pk_escape_terminal, "na\xc3\xafve \xff"), "na\xc3\xafve \\xff");
    CHECK_TEXT(ESCAPED(pk_escape_terminal, "\\x1b \\n"), "\\x5cx1b \\n");
}

static void literals_hold_every_byte(void)
{
    CHECK_TEXT(ESCAPED(pk_escape_literal, "a\"\\\n\0\x80\xc3\xa9'"),
               "a\\\"\\\\\\n\\x00\\x80\xc3\xa9'");
}

int main(void)
{
    utf8_is_read_as_rfc3629_says();
    json_strings_are_valid_whatever_the_bytes();
    json_escapes_of_bytes_are_told_from_the_same_characters();
    terminal_text_cannot_move_the_cursor_or_reorder_the_line();
    literals_hold_every_byte();
    (void)escaped(NULL, NULL, 0);
    return check_result();
}
