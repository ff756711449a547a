#include "vm/match_table.h"

#include <stdlib.h>
#include <string.h>

enum { CAP_MIN = 64, NODES_MIN = 64 };
#define EMPTY UINT32_MAX
#define RING  (UINT32_C(1) << 31)

void pk_match_table_free(pk_match_table *table)
{
    free(table->entries);
    free(table->nodes);
    *table = (pk_match_table){0};
}

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

/* Buckets follow the tag's order, so 32 bits are enough to place an entry again when growing. */
static uint32_t bucket_of(uint32_t tag, uint32_t cap)
{
    return (uint32_t)((uint64_t)tag * cap >> 32);
}

/* The entry of `tag`, or the empty one where it belongs. */
static uint32_t place_of(const pk_match_entry *entries, uint32_t cap, uint32_t tag)
{
    uint32_t at = bucket_of(tag, cap);
    while (entries[at].value != EMPTY && entries[at].tag != tag)
        at = at + 1 == cap ? 0 : at + 1;
    return at;
}

static int resize(pk_match_table *table, uint64_t cap)
{
    if (cap > UINT32_MAX - 1)
        return PK_ELIMIT;
    pk_match_entry *entries = malloc((size_t)cap * sizeof *entries);
    if (!entries)
        return PK_ENOMEM;
    memset(entries, 0xff, (size_t)cap * sizeof *entries);
    for (uint32_t i = 0; i < table->cap; i++)
        if (table->entries[i].value != EMPTY)
            entries[place_of(entries, (uint32_t)cap, table->entries[i].tag)] = table->entries[i];
    free(table->entries);
    table->entries = entries;
    table->cap = (uint32_t)cap;
    return PK_OK;
}

/* Five entries of six used at most: 64 bytes of state a stimulus leave no room for a half-empty
 * table. */
static uint64_t cap_for(uint64_t count)
{
    uint64_t cap = count + count / 5 + 8;
    return cap < CAP_MIN ? CAP_MIN : cap;
}

int pk_match_table_reserve(pk_match_table *table, uint64_t count)
{
    if (count > PK_MATCH_STIMULI_LIMIT * UINT64_C(2))
        return PK_ELIMIT;
    uint64_t cap = cap_for(count);
    return cap > table->cap ? resize(table, cap) : PK_OK;
}

static int room(pk_match_table *table)
{
    if (cap_for((uint64_t)table->used + 1) <= table->cap)
        return PK_OK;
    return resize(table, cap_for((uint64_t)table->used * 3 / 2 + 64));
}

static int nodes_room(pk_match_table *table, uint32_t count)
{
    if (table->nodes_cap - table->nodes_used >= count)
        return PK_OK;
    uint64_t cap = table->nodes_cap ? (uint64_t)table->nodes_cap * 3 / 2 : NODES_MIN;
    if (cap > PK_MATCH_STIMULI_LIMIT)
        return PK_ELIMIT;
    pk_match_node *nodes = realloc(table->nodes, (size_t)cap * sizeof *nodes);
    if (!nodes)
        return PK_ENOMEM;
    table->nodes = nodes;
    table->nodes_cap = (uint32_t)cap;
    return PK_OK;
}

static uint32_t node_add(pk_match_table *table, uint32_t stimulus)
{
    uint32_t node = table->nodes_used++;
    table->nodes[node] = (pk_match_node){stimulus, node};
    return node;
}

/* Links one more stimulus behind the last one of an entry. */
static int entry_extend(pk_match_table *table, pk_match_entry *entry, uint32_t stimulus)
{
    int error = nodes_room(table, 2);
    if (error)
        return error;
    if (!(entry->value & RING))
        entry->value = RING | node_add(table, entry->value);
    uint32_t last = entry->value & ~RING;
    uint32_t node = node_add(table, stimulus);
    table->nodes[node].next = table->nodes[last].next;
    table->nodes[last].next = node;
    entry->value = RING | node;
    return PK_OK;
}

int pk_match_table_add(pk_match_table *table, uint64_t hash, uint32_t stimulus)
{
    if (stimulus >= PK_MATCH_STIMULI_LIMIT)
        return PK_ELIMIT;
    int error = room(table);
    if (error)
        return error;
    pk_match_entry *entry = &table->entries[place_of(table->entries, table->cap, tag_of(hash))];
    if (entry->value != EMPTY)
        return entry_extend(table, entry, stimulus);
    *entry = (pk_match_entry){tag_of(hash), stimulus};
    table->used++;
    return PK_OK;
}

bool pk_match_table_first(const pk_match_table *table, uint64_t hash, pk_match_cursor *ret_cursor)
{
    if (!table->cap)
        return false;
    uint32_t at = place_of(table->entries, table->cap, tag_of(hash));
    uint32_t value = table->entries[at].value;
    if (value == EMPTY)
        return false;
    if (!(value & RING)) {
        *ret_cursor = (pk_match_cursor){at, EMPTY, EMPTY, value};
        return true;
    }
    uint32_t last = value & ~RING;
    uint32_t node = table->nodes[last].next;
    *ret_cursor = (pk_match_cursor){at, node, last, table->nodes[node].stimulus};
    return true;
}

bool pk_match_table_next(const pk_match_table *table, pk_match_cursor *cursor)
{
    if (cursor->node == cursor->last)
        return false;
    cursor->node = table->nodes[cursor->node].next;
    cursor->stimulus = table->nodes[cursor->node].stimulus;
    return true;
}

void pk_match_table_rotate(pk_match_table *table, const pk_match_cursor *cursor)
{
    if (cursor->node == cursor->last || table->nodes[cursor->last].next != cursor->node)
        return;
    table->entries[cursor->entry].value = RING | cursor->node;
}
