/*
 * Two packets for tests of matching: the stimulus and the reply, both written as descriptions, built
 * by the machine over one image.
 */
#ifndef PK_TESTS_PAIR_H
#define PK_TESTS_PAIR_H

#include "vm/match.h"

typedef struct pair {
    pk_image image;
    pk_buf image_bytes;
    pk_vm *vm;
    pk_tree sent, reply;
    pk_buf sent_bytes, reply_bytes;
} pair;

/* Ends the test program when one of the two cannot be built. `clauses` are the probe's further ones,
 * "" for none. */
void pair_open(pair *p, const char *sent, const char *reply, const char *clauses);
void pair_close(pair *p);

/* What the matcher says of the reply when the sent packet is the only stimulus. */
pk_match_kind pair_judge(pair *p);

#endif
