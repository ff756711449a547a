/* The bytes alone: a dump, a line of digits, a C array. */
#include "tree/writers.h"

#include "tree/value_text.h"

enum { ROW = 16 };
static const char digits16[] = "0123456789abcdef";

/* "  0010  45 00 00 1c 00 01 00 00  40 11 7c ce 7f 00 00 01  E.......@.|....." */
static void hex_row(pk_buf *out, pk_bytes bytes, size_t at, unsigned indent, unsigned digits)
{
    size_t n = bytes.len - at < ROW ? bytes.len - at : ROW;

    for (unsigned i = 0; i < indent; i++)
        pk_buf_byte(out, ' ');
    for (unsigned i = digits; i--;)
        pk_buf_byte(out, (uint8_t)digits16[at >> 4 * i & 15]);
    pk_buf_byte(out, ' ');
    for (size_t i = 0; i < ROW; i++) {
        uint8_t c = i < n ? bytes.data[at + i] : 0;

        pk_buf_text(out, i == ROW / 2 ? "  " : " ");
        pk_buf_byte(out, (uint8_t)(i < n ? digits16[c >> 4] : ' '));
        pk_buf_byte(out, (uint8_t)(i < n ? digits16[c & 15] : ' '));
    }
    pk_buf_text(out, "  ");
    for (size_t i = 0; i < n; i++) {
        uint8_t c = bytes.data[at + i];

        pk_buf_byte(out, c >= 0x20 && c < 0x7f ? c : '.');
    }
    pk_buf_byte(out, '\n');
}

void pk_write_hex(pk_buf *out, pk_bytes bytes, unsigned indent)
{
    unsigned digits = 4;

    while (digits < 16 && bytes.len >> 4 * digits)
        digits++;
    for (size_t at = 0; at < bytes.len; at += ROW)
        hex_row(out, bytes, at, indent, digits);
}

void pk_write_hex_line(pk_buf *out, pk_bytes bytes)
{
    pk_text_hex_bytes(out, bytes);
}

void pk_write_c(pk_buf *out, pk_bytes bytes, const char *name)
{
    pk_buf_printf(out, "static const unsigned char %s[%zu] = {", name, bytes.len ? bytes.len : 1);
    for (size_t i = 0; i < bytes.len; i++) {
        pk_buf_text(out, i % 12 ? " " : "\n    ");
        pk_text_hexadecimal(out, bytes.data[i], 2);
        pk_buf_byte(out, ',');
    }
    pk_buf_text(out, bytes.len ? "\n};\n" : "0};\n");
}
