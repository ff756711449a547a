#include "../base/check.h"

#include <stdlib.h>

#include "base/rng.h"
#include "vm/match_table.h"

static uint64_t key(uint64_t i)
{
    return pk_rng_u64(1, i, 0);
}

static bool has(const pk_match_table *table, uint64_t hash, uint32_t stimulus)
{
    pk_match_cursor cursor;
    if (!pk_match_table_first(table, hash, &cursor))
        return false;
    do
        if (cursor.stimulus == stimulus)
            return true;
    while (pk_match_table_next(table, &cursor));
    return false;
}

static void every_stimulus_is_found_by_its_key(void)
{
    enum { COUNT = 200000 };
    pk_match_table table = {0};
    for (uint32_t i = 0; i < COUNT; i++)
        CHECK_INT(pk_match_table_add(&table, key(i), i), PK_OK);
    unsigned found = 0, strangers = 0;
    pk_match_cursor cursor;
    for (uint32_t i = 0; i < COUNT; i++) {
        found += has(&table, key(i), i);
        strangers += pk_match_table_first(&table, key(i + COUNT), &cursor);
    }
    CHECK_INT(found, COUNT);
    CHECK(strangers < 50);
    CHECK(sizeof(pk_match_entry) <= 16);
    CHECK((uint64_t)table.cap * sizeof *table.entries <= COUNT * UINT64_C(16));
    pk_match_table_free(&table);
}

static void equal_keys_come_in_the_order_of_adding(void)
{
    enum { COUNT = 100000 };
    pk_match_table table = {0};
    for (uint32_t i = 0; i < COUNT; i++)
        CHECK_INT(pk_match_table_add(&table, key(1), i), PK_OK);
    CHECK_INT(pk_match_table_add(&table, key(2), COUNT), PK_OK);
    pk_match_cursor cursor;
    CHECK(pk_match_table_first(&table, key(1), &cursor));
    for (uint32_t i = 0; i < COUNT; i++) {
        CHECK(cursor.stimulus == i);
        CHECK(pk_match_table_next(&table, &cursor) == (i + 1 < COUNT));
    }
    CHECK(has(&table, key(2), COUNT) && !has(&table, key(2), 0));
    pk_match_table_free(&table);
}

static void the_answered_go_behind_the_others(void)
{
    pk_match_table table = {0};
    for (uint32_t i = 0; i < 4; i++)
        pk_match_table_add(&table, key(1), i);
    pk_match_cursor cursor;
    static const uint32_t order[] = {1, 2, 3, 0};
    pk_match_table_first(&table, key(1), &cursor);
    pk_match_table_rotate(&table, &cursor);
    CHECK(pk_match_table_first(&table, key(1), &cursor));
    for (uint32_t i = 0; i < 4; i++, pk_match_table_next(&table, &cursor))
        CHECK_INT(cursor.stimulus, order[i]);
    /* Not the first: nothing moves. */
    pk_match_table_first(&table, key(1), &cursor);
    pk_match_table_next(&table, &cursor);
    pk_match_table_rotate(&table, &cursor);
    pk_match_table_first(&table, key(1), &cursor);
    CHECK_INT(cursor.stimulus, 1);
    pk_match_table_free(&table);
}

static void room_that_was_reserved_is_not_moved(void)
{
    pk_match_table table = {0};
    CHECK_INT(pk_match_table_reserve(&table, 10000), PK_OK);
    const pk_match_entry *before = table.entries;
    for (uint32_t i = 0; i < 10000; i++)
        pk_match_table_add(&table, key(i), i);
    CHECK(table.entries == before);
    CHECK_INT(pk_match_table_add(&table, key(1), PK_MATCH_STIMULI_LIMIT), PK_ELIMIT);
    pk_match_table_free(&table);
}

int main(void)
{
    every_stimulus_is_found_by_its_key();
    equal_keys_come_in_the_order_of_adding();
    the_answered_go_behind_the_others();
    room_that_was_reserved_is_not_moved();
    return check_result();
}
