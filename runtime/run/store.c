#include "run/store.h"

#include <stdlib.h>
#include <string.h>

enum { CAP_MIN = 64 };

void pk_store_init(pk_store *ret_store, size_t limit)
{
    *ret_store = (pk_store){.arena = {.limit = limit}};
}

void pk_store_free(pk_store *store)
{
    pk_arena_free(&store->arena);
    free(store->items);
    *store = (pk_store){0};
}

static bool grow(pk_store *store)
{
    uint64_t cap = store->cap ? store->cap * 3 / 2 : CAP_MIN;
    pk_stored *items = realloc(store->items, cap * sizeof *items);
    if (!items)
        return false;
    store->items = items;
    store->cap = cap;
    return true;
}

int pk_store_add(pk_store *store, const pk_stored *item)
{
    if (store->count == store->cap && !grow(store))
        return PK_ENOMEM;
    uint8_t *bytes = pk_arena_alloc(&store->arena, item->len);
    if (!bytes)
        return store->arena.limit ? PK_ELIMIT : PK_ENOMEM;
    memcpy(bytes, item->bytes, item->len);
    store->items[store->count] = *item;
    store->items[store->count++].bytes = bytes;
    return PK_OK;
}
