/*
 * What a fuzz target is: one function that takes any bytes and aborts when something is wrong.
 * Linked with libFuzzer it is fed by it; linked with replay.c it is run over given files and over
 * damaged copies of them, always the same ones.
 */
#ifndef PK_TESTS_FUZZ_H
#define PK_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif
