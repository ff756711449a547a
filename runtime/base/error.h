/*
 * An error of the environment, as a value.
 *
 * What the machine or the caller's surroundings refuse comes back as one of the PK_E* codes of
 * base/types.h; a pk_error beside it carries the sentence for the person at the terminal, with the
 * way out in it where there is one. A pk_error is plain memory owned by the caller, needs no
 * release, and every function here accepts NULL for callers that want the code alone. The text is
 * always NUL-terminated and cut at its end when it is too long; it may quote bytes from outside
 * (file names), so whoever prints it escapes it.
 */
#ifndef PK_BASE_ERROR_H
#define PK_BASE_ERROR_H

#include "base/types.h"

#define PK_ERROR_TEXT_MAX 512

typedef struct pk_error {
    int code;      /* PK_E*, 0 = none */
    int sys_errno; /* the errno behind it, 0 = none */
    char text[PK_ERROR_TEXT_MAX];
} pk_error;

/* Fills *reterr_ (unless NULL) and returns `code`, so that callers write `return
 * pk_error_set(...)`. */
int pk_error_set(pk_error *reterr_, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a failed system call: the code follows from `sys_errno`, and ": <its meaning>" is
 * put behind the text. */
int pk_error_sys(pk_error *reterr_, int sys_errno, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds to the text, cutting at its end. */
void pk_error_append(pk_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The PK_E* code that stands for an errno. */
int pk_error_code_of(int sys_errno);

#endif
