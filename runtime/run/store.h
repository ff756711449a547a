/*
 * Received packets kept in memory, for looking at them after the run: bytes one behind the other in
 * large blocks that never move, and a small record each. Adding fails with PK_ENOMEM, or PK_ELIMIT
 * at the limit given (what was kept before stays).
 */
#ifndef PK_RUN_STORE_H
#define PK_RUN_STORE_H

#include "base/arena.h"
#include "run/tracker.h"

typedef struct pk_stored {
    const uint8_t *bytes;
    uint32_t len, wire_len;
    uint32_t k;      /* stimulus; UINT32_MAX: none */
    uint8_t verdict; /* pk_verdict */
    uint8_t try;
    bool quoted;
    int64_t rtt;     /* ns */
    int64_t time_ns; /* since the epoch */
} pk_stored;

typedef struct pk_store {
    pk_arena arena;
    pk_stored *items;
    uint64_t count, cap;
} pk_store;

/* `limit` bytes at most; 0: no limit. */
void pk_store_init(pk_store *ret_store, size_t limit);
void pk_store_free(pk_store *store);

/* Copies the bytes. */
int pk_store_add(pk_store *store, const pk_stored *item);

#endif
