/*
 * The table behind matching: from the hash of a key to the stimuli that have it.
 *
 * Open addressing with entries of 8 bytes: 32 bits of the hash and a stimulus. Stimuli whose 32
 * bits are equal (the same key, or by chance) share one entry that leads to a ring of nodes in the
 * order of their adding, so that a hundred thousand equal keys cost no more than as many different
 * ones. A hit is a candidate, never a proof: whoever asks verifies it against the stimulus itself.
 *
 * The table owns its memory. Adding fails with PK_ENOMEM or PK_ELIMIT and then leaves the table as
 * it was.
 */
#ifndef PK_VM_MATCH_TABLE_H
#define PK_VM_MATCH_TABLE_H

#include "base/types.h"

#define PK_MATCH_STIMULI_LIMIT (UINT32_C(1) << 30) /* stimuli and links of one table */

typedef struct pk_match_entry {
    uint32_t tag;
    uint32_t value; /* empty, a stimulus, or a ring's last node */
} pk_match_entry;

typedef struct pk_match_node {
    uint32_t stimulus;
    uint32_t next;
} pk_match_node;

typedef struct pk_match_table {
    pk_match_entry *entries;
    uint32_t cap, used;
    pk_match_node *nodes;
    uint32_t nodes_cap, nodes_used;
} pk_match_table;

/* All zero is an empty table. */
void pk_match_table_free(pk_match_table *table);

/* Makes room for `count` entries, so that adding them moves nothing. */
int pk_match_table_reserve(pk_match_table *table, uint64_t count);

int pk_match_table_add(pk_match_table *table, uint64_t hash, uint32_t stimulus);

/* Walks the stimuli of a hash in the order of their adding. */
typedef struct pk_match_cursor {
    uint32_t entry, node, last;
    uint32_t stimulus; /* the candidate at hand */
} pk_match_cursor;
bool pk_match_table_first(const pk_match_table *table, uint64_t hash, pk_match_cursor *ret_cursor);
bool pk_match_table_next(const pk_match_table *table, pk_match_cursor *cursor);

/* Puts the first candidate of a ring behind the others: it has its answer. Does nothing when the
 * cursor stands elsewhere. */
void pk_match_table_rotate(pk_match_table *table, const pk_match_cursor *cursor);

#endif
