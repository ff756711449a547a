#include <stdlib.h>
#include <string.h>

#include "view/internal.h"

enum { LEAST_TABLE = 64 };

static uint64_t hash_of(const uint8_t *bytes, size_t len)
{
    uint64_t hash = UINT64_C(0x6a09e667f3bcc908) ^ len;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x9e3779b97f4a7c15), hash ^= hash >> 29;
    return hash;
}

static uint64_t slot_of(const pk_view *view, uint64_t hash, const uint8_t *key, size_t len)
{
    uint64_t at = hash & (view->cap_table - 1);
    while (view->table[at]) {
        const view_group *group = &view->groups[view->table[at] - 1];
        if (group->hash == hash && group->key_len == len && memcmp(group->key, key, len) == 0)
            break;
        at = (at + 1) & (view->cap_table - 1);
    }
    return at;
}

static bool grow_table(pk_view *view)
{
    if (view->n_groups * 2 < view->cap_table)
        return true;
    uint64_t cap = view->cap_table ? view->cap_table * 2 : LEAST_TABLE;
    uint64_t *table = calloc(cap, sizeof *table);
    if (!table)
        return false;
    free(view->table);
    view->table = table;
    view->cap_table = cap;
    for (uint64_t i = 0; i < view->n_groups; i++) {
        uint64_t at = view->groups[i].hash & (cap - 1);
        while (table[at])
            at = (at + 1) & (cap - 1);
        table[at] = i + 1;
    }
    return true;
}

static bool grow_groups(pk_view *view)
{
    if (view->n_groups < view->cap_groups)
        return true;
    uint64_t cap = view->cap_groups ? view->cap_groups * 2 : LEAST_TABLE;
    view_group *grown = realloc(view->groups, cap * sizeof *grown);
    if (!grown)
        return false;
    view->groups = grown;
    view->cap_groups = cap;
    return true;
}

static view_group *add_group(pk_view *view, uint64_t hash, pk_error *reterr_)
{
    size_t len = view->key.len;
    uint32_t n = view->record->n_aggregates;
    if (pk_view_use_memory(view, len + sizeof(view_group) + n * sizeof(pk_accumulator), reterr_))
        return NULL;
    uint8_t *key = pk_arena_alloc(&view->arena, len);
    pk_accumulator *functions = pk_arena_array(&view->arena, n, sizeof *functions);
    if (!key || !functions || !grow_groups(view)) {
        (void)pk_error_set(reterr_, PK_ENOMEM, "no memory for the groups of a view");
        return NULL;
    }
    memcpy(key, view->key.data, len);
    view_group *group = &view->groups[view->n_groups++];
    *group = (view_group){hash, key, (uint32_t)len, functions};
    return group;
}

view_group *pk_view_group_of(pk_view *view, pk_error *reterr_)
{
    if (!view->key.len)
        pk_buf_byte(&view->key, 0); /* one group for all rows has a key, too */
    const uint8_t *key = view->key.data;
    if (view->key.failed || !grow_table(view)) {
        (void)pk_error_set(reterr_, PK_ENOMEM, "no memory for the groups of a view");
        return NULL;
    }
    uint64_t hash = hash_of(key, view->key.len), at = slot_of(view, hash, key, view->key.len);
    if (view->table[at])
        return &view->groups[view->table[at] - 1];
    view_group *group = add_group(view, hash, reterr_);
    if (group)
        view->table[at] = view->n_groups;
    return group;
}

void pk_view_group_values(pk_view *view, view_group *group, pk_arena *arena,
                          pk_value ret_args[PK_VIEW_FUNCTIONS_LIMIT])
{
    const pk_image_view *record = view->record;
    for (uint32_t i = 0; i < record->n_aggregates; i++)
        ret_args[i] = pk_accumulator_value(&group->functions[i], view->image,
                                           &view->image->aggregates[record->aggregates + i], arena);
}

void pk_view_groups_free(pk_view *view)
{
    for (uint64_t i = 0; i < view->n_groups; i++)
        for (uint32_t k = 0; k < view->record->n_aggregates; k++)
            pk_accumulator_free(&view->groups[i].functions[k]);
    free(view->groups);
    free(view->table);
}
