/*
 * A first-in first-out queue of 32-bit numbers, four bytes each whatever its length: blocks are
 * taken as it grows and given back as it is read. Putting fails when memory is refused.
 */
#ifndef PK_RUN_QUEUE_H
#define PK_RUN_QUEUE_H

#include "base/types.h"

typedef struct pk_queue {
    struct pk_queue_block *first, *last, *spare;
    uint32_t read, write; /* in the first and the last block */
    uint64_t count;
} pk_queue;

/* All zero is an empty queue. */
void pk_queue_free(pk_queue *queue);
bool pk_queue_put(pk_queue *queue, uint32_t value);
/* The oldest number; false when there is none. Peek leaves it where it is. */
bool pk_queue_peek(const pk_queue *queue, uint32_t *ret_value);
bool pk_queue_get(pk_queue *queue, uint32_t *ret_value);
/* The same on a copy of the struct: the queue itself stays as it is. For going through it. */
bool pk_queue_step(pk_queue *copy, uint32_t *ret_value);

#endif
