/*
 * An arena: many small allocations, one death.
 *
 * A compilation, a loaded image and a session each own one. Memory is zeroed, aligned for any type
 * and never moves, so pointers into it stay good until pk_arena_free. Allocation may fail (NULL);
 * nothing is freed singly. An arena is used by one thread at a time.
 */
#ifndef PK_BASE_ARENA_H
#define PK_BASE_ARENA_H

#include "base/types.h"

typedef struct pk_arena {
    struct pk_arena_block *head;
    size_t used;  /* bytes handed out since the last free */
    size_t limit; /* refuse beyond this many bytes; 0 = no limit */
} pk_arena;

/* Zeroed memory of `size` bytes, or NULL. A size of 0 gives a valid pointer. */
void *pk_arena_alloc(pk_arena *arena, size_t size);

/* `count` zeroed elements; NULL on overflow of count * size as on exhaustion. */
void *pk_arena_array(pk_arena *arena, size_t count, size_t size);

/* A NUL-terminated copy of `len` bytes. */
char *pk_arena_strndup(pk_arena *arena, const char *text, size_t len);

/* Releases everything; the arena is empty and usable again. An all-zero arena is valid. */
void pk_arena_free(pk_arena *arena);

#endif
