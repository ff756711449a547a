/*
 * The smallest test harness: a failed check prints where and what, and the program's exit status
 * is the number of failures (at most 99).
 */
#ifndef PK_TESTS_CHECK_H
#define PK_TESTS_CHECK_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int check_failures;

#define CHECK(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            check_failures++;                                                       \
        }                                                                           \
    } while (0)

#define CHECK_INT(got, want)                                                                \
    do {                                                                                    \
        intmax_t check_got = (intmax_t)(got), check_want = (intmax_t)(want);                \
        if (check_got != check_want) {                                                      \
            fprintf(stderr, "%s:%d: %s is %" PRIdMAX ", expected %" PRIdMAX "\n", __FILE__, \
                    __LINE__, #got, check_got, check_want);                                 \
            check_failures++;                                                               \
        }                                                                                   \
    } while (0)

#define CHECK_TEXT(got, want)                                                                      \
    do {                                                                                           \
        const char *check_got = (got), *check_want = (want);                                       \
        if (strcmp(check_got, check_want) != 0) {                                                  \
            fprintf(stderr, "%s:%d: %s\n  is       %s\n  expected %s\n", __FILE__, __LINE__, #got, \
                    check_got, check_want);                                                        \
            check_failures++;                                                                      \
        }                                                                                          \
    } while (0)

static inline int check_result(void)
{
    if (check_failures)
        fprintf(stderr, "%d checks failed\n", check_failures);
    return check_failures > 99 ? 99 : check_failures;
}

#endif
