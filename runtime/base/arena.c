#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_MIN = 16 * 1024, ALIGNMENT = 16 };

struct pk_arena_block {
    struct pk_arena_block *next;
    size_t size;
    size_t used;
    uint64_t pad_to_alignment;
    uint8_t data[];
};

static struct pk_arena_block *block_new(size_t at_least)
{
    size_t size = at_least > BLOCK_MIN ? at_least : BLOCK_MIN;
    if (size > SIZE_MAX - sizeof(struct pk_arena_block))
        return NULL;
    struct pk_arena_block *block = calloc(1, sizeof *block + size);
    if (block)
        block->size = size;
    return block;
}

void *pk_arena_alloc(pk_arena *arena, size_t size)
{
    if (size > SIZE_MAX - ALIGNMENT)
        return NULL;
    size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (arena->limit && (size > arena->limit || arena->used > arena->limit - size))
        return NULL;
    struct pk_arena_block *block = arena->head;
    if (!block || block->size - block->used < size) {
        block = block_new(size);
        if (!block)
            return NULL;
        block->next = arena->head;
        arena->head = block;
    }
    void *at = block->data + block->used;
    block->used += size;
    arena->used += size;
    return at;
}

void *pk_arena_array(pk_arena *arena, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    return pk_arena_alloc(arena, count * size);
}

char *pk_arena_strndup(pk_arena *arena, const char *text, size_t len)
{
    char *copy = len < SIZE_MAX ? pk_arena_alloc(arena, len + 1) : NULL;
    if (copy && len)
        memcpy(copy, text, len);
    return copy;
}

void pk_arena_free(pk_arena *arena)
{
    struct pk_arena_block *block = arena->head;
    while (block) {
        struct pk_arena_block *next = block->next;
        free(block);
        block = next;
    }
    arena->head = NULL;
    arena->used = 0;
}
