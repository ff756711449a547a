/*
 * Sets: ordered multisets of values with O(log runs) access by index.
 *
 * A set is a list of runs; a run is an arithmetic progression of integers or addresses, one byte
 * string, or a view of another set: its members over and over, or in an order drawn from a seed
 * (base/permute.h), all of them or the first so many. Element i is found by binary search in the
 * cumulative counts. Nothing is enumerated: a /0 of IPv6 is one run, and so is it shuffled. `except`
 * splits runs, and takes no views. Counts are exact up to 2^128 - 1; beyond, PK_ELIMIT. Memory comes
 * from the arena given at each operation.
 */
#ifndef PK_SET_SET_H
#define PK_SET_SET_H

#include "base/arena.h"
#include "base/permute.h"
#include "image/value.h"

enum {
    PK_SET_RUNS_LIMIT = 1 << 20, /* runs in one set */
    PK_SET_WORK_LIMIT =
        1 << 24,            /* pieces that one except, or equal members that one search, looks at */
    PK_SET_VIEWS_LIMIT = 16 /* views of views, as in shuffle(shuffle(S)) */
};

typedef enum pk_run_kind { PK_RUN_INT, PK_RUN_ADDRESS, PK_RUN_BLOB, PK_RUN_VIEW } pk_run_kind;

struct pk_set;

typedef struct pk_run {
    pk_u128 first;  /* INT: two's complement of the 64-bit value; ADDRESS: big-endian number */
    pk_u128 count;  /* > 0 */
    pk_u128 before; /* elements in the runs before this one */
    int64_t step;   /* INT and ADDRESS */
    pk_bytes blob;  /* BLOB (count 1) */
    const struct pk_set *of; /* VIEW: element i is element i modulo of->count, */
    const pk_permute *order; /* or, when not NULL, element order(i) */
    uint8_t kind;            /* pk_run_kind */
    uint8_t width;           /* ADDRESS: bytes, 4, 6 or 16 */
} pk_run;

/* What the elements are that a run leads to, through views or not. */
typedef struct pk_set_shape {
    uint32_t len;  /* BLOB: bytes */
    uint8_t kind;  /* pk_run_kind, not VIEW */
    uint8_t width; /* ADDRESS: bytes */
    bool mixed;    /* they differ: the others mean nothing */
} pk_set_shape;

typedef struct pk_set {
    pk_run *runs;
    uint32_t n_runs;
    uint32_t views; /* views one behind the other on the way to an element, at most */
    pk_u128 count;
    pk_set_shape shape; /* of every element */
} pk_set;

int pk_set_add_value(pk_arena *arena, pk_set *set, pk_value value);
/* `lo` to `hi` by `step` (not 0; the sign is taken from lo and hi when step is 1), both included as
 * far as the step reaches. Both integers, or bytes of one width (4, 6, 16). PK_EFORMAT otherwise. */
int pk_set_add_range(pk_arena *arena, pk_set *set, pk_value lo, pk_value hi, int64_t step);
/* Every address that shares the first `prefix_len` bits, in order. */
int pk_set_add_prefix(pk_arena *arena, pk_set *set, pk_value address, unsigned prefix_len);
int pk_set_join(pk_arena *arena, pk_set *set, const pk_set *more);
/* Removes from `set` every element that is a member of `without`; order is kept. PK_EFORMAT when one
 * of them has views. */
int pk_set_except(pk_arena *arena, pk_set *set, const pk_set *without);

/* Leaves of `set` its first `count` elements in an order that `seed` draws; PK_EFORMAT when there are
 * not as many. */
int pk_set_shuffle(pk_arena *arena, pk_set *set, pk_u128 count, uint64_t seed);
/* The whole of `set` as many times over. */
int pk_set_repeat(pk_arena *arena, pk_set *set, pk_u128 times);

/* Element `index` (< count). An address is written to `scratch` (16 bytes) and returned as bytes
 * pointing there. */
pk_value pk_set_at(const pk_set *set, pk_u128 index, uint8_t scratch[16]);
/* The networks of `prefix_len` bits in which a member of `set` lies, ascending, each once, in place of
 * the set; PK_EFORMAT for a member that is no address of so many bits. */
int pk_set_networks(pk_arena *arena, pk_set *set, unsigned prefix_len);
/* The IPv4 addresses whose i-th octet is lo[i] to hi[i], ascending. */
int pk_set_add_octets(pk_arena *arena, pk_set *set, const uint8_t lo[4], const uint8_t hi[4]);

/* The run, never a view, in which element `*index` (< count) is found, and its index in that. */
const pk_run *pk_set_find(const pk_set *set, pk_u128 *index);
/* The least index of an element equal to `value`; false when it is no member. (Of members that are
 * repeated under a drawn order the first PK_SET_WORK_LIMIT are looked at.) */
bool pk_set_index_of(const pk_set *set, pk_value value, pk_u128 *ret_index);

#endif
