/*
 * Two ways to run a description, side by side: the compiled machines (compiler/, runtime/vm) and
 * the naive interpreter (tests/naive), which share nothing but the parser.
 */
#ifndef PK_TESTS_MACHINES_H
#define PK_TESTS_MACHINES_H

#include "compile.h"
#include "naive.h"
#include "vm/vm.h"

typedef struct machines {
    naive_unit *unit;
    pk_image standard;
    pk_vm *vm; /* over the standard image */
    pk_tree tree;
    unsigned compared; /* packets */
    unsigned differences;
} machines;

/* False after a message. `folder` holds the standard layers' sources. */
bool machines_open(machines *m, const char *folder);
void machines_close(machines *m);

/* Builds the first `most` packets of an expression both ways. */
void machines_compare_build(machines *m, const char *expression, uint64_t most);

/* Dissects both ways: the same leaves in the same order, which tile the bytes. */
void machines_compare_dissect(machines *m, const char *layer, const uint8_t *bytes, uint32_t len);

#endif
