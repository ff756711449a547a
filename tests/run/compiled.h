/* A description compiled over the standard layers, for tests of runs; what cannot be ends the test. */
#ifndef PK_TESTS_COMPILED_H
#define PK_TESTS_COMPILED_H

#include "base/buf.h"

/* The image of `text`, as bytes. */
void compiled(const char *text, pk_buf *ret_image);

/* Ends the test program: what could not be, and why. */
void compiled_give_up(const char *what, const char *why) __attribute__((noreturn));

#endif
