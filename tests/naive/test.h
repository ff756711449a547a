/* Helpers of the naive tests: a unit with the standard layers, hex, a fixed generator. */
#ifndef PK_TESTS_NAIVE_TEST_H
#define PK_TESTS_NAIVE_TEST_H

#include "naive.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned failures;

#define EXPECT(condition, ...)                     \
    do {                                           \
        if (!(condition)) {                        \
            failures++;                            \
            printf("%s:%d: ", __FILE__, __LINE__); \
            printf(__VA_ARGS__);                   \
            putchar('\n');                         \
        }                                          \
    } while (0)

static inline naive_unit *standard_unit(const char *folder, const char *more)
{
    naive_unit *unit = naive_unit_new();
    if (!naive_unit_add_folder(unit, folder) ||
        (more != NULL && !naive_unit_add_text(unit, "test", more)) || !naive_unit_link(unit)) {
        printf("%s\n", naive_unit_error(unit));
        exit(1);
    }
    return unit;
}

static inline void hex_of(const pk_buf *bytes, pk_buf *out)
{
    pk_buf_clear(out);
    for (size_t i = 0; i < bytes->len; i++)
        pk_buf_printf(out, "%02x", bytes->data[i]);
}

static inline size_t from_hex(const char *text, uint8_t *bytes, size_t room)
{
    size_t n = 0;
    unsigned digits = 0, value = 0;
    for (; *text != 0 && n < room; text++) {
        if (!isxdigit((unsigned char)*text))
            continue;
        char digit[2] = {*text, 0};
        value = value << 4 | (unsigned)strtoul(digit, NULL, 16);
        if (++digits % 2 == 0)
            bytes[n++] = (uint8_t)value;
    }
    return n;
}

/* xorshift64*: the same mutations in every run. */
static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1d;
}

#endif
