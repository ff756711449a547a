#include "run/queue.h"

#include <stdlib.h>

enum { BLOCK = 2044 }; /* with the header just below two pages */

struct pk_queue_block {
    struct pk_queue_block *next;
    uint32_t values[BLOCK];
};

void pk_queue_free(pk_queue *queue)
{
    while (queue->first) {
        struct pk_queue_block *next = queue->first->next;
        free(queue->first);
        queue->first = next;
    }
    free(queue->spare);
    *queue = (pk_queue){0};
}

static bool grow(pk_queue *queue)
{
    struct pk_queue_block *block = queue->spare ? queue->spare : malloc(sizeof *block);
    if (!block)
        return false;
    queue->spare = NULL;
    block->next = NULL;
    if (queue->last)
        queue->last->next = block;
    else
        queue->first = block;
    queue->last = block;
    queue->write = 0;
    return true;
}

bool pk_queue_put(pk_queue *queue, uint32_t value)
{
    if ((!queue->last || queue->write == BLOCK) && !grow(queue))
        return false;
    queue->last->values[queue->write++] = value;
    queue->count++;
    return true;
}

bool pk_queue_peek(const pk_queue *queue, uint32_t *ret_value)
{
    if (!queue->count)
        return false;
    *ret_value = queue->first->values[queue->read];
    return true;
}

static void drop_first(pk_queue *queue)
{
    struct pk_queue_block *block = queue->first;
    queue->first = block->next;
    if (!queue->first)
        queue->last = NULL;
    queue->read = 0;
    if (queue->spare)
        free(block);
    else
        queue->spare = block;
}

bool pk_queue_step(pk_queue *copy, uint32_t *ret_value)
{
    if (!pk_queue_peek(copy, ret_value))
        return false;
    copy->count--;
    if (++copy->read == BLOCK) {
        copy->first = copy->first->next;
        copy->read = 0;
    }
    return true;
}

bool pk_queue_get(pk_queue *queue, uint32_t *ret_value)
{
    if (!pk_queue_peek(queue, ret_value))
        return false;
    queue->read++;
    queue->count--;
    if (queue->read == BLOCK || (!queue->count && queue->first == queue->last))
        drop_first(queue);
    return true;
}
