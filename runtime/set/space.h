/*
 * The space of a program's packets: mixed-radix arithmetic from an index to what varies.
 *
 * pk_space_new evaluates every SET of the image once, after the parameters are known; from then on
 * it is read-only and may be shared. The packets of a probe are those of its alternatives one after
 * the other; within an alternative the dimensions multiply, leftmost slowest. Packet n is found from
 * n alone: alternative by cumulative count, digits by division.
 */
#ifndef PK_SET_SPACE_H
#define PK_SET_SPACE_H

#include "image/image.h"
#include "set/set.h"

typedef struct pk_space pk_space;

/* How a space reads expressions and set-valued parameters of the program; `context` is the
 * caller's. Bytes that a value points to must outlive the space. */
typedef struct pk_space_source {
    pk_value (*eval)(void *context, pk_ref expr);
    const pk_set *(*param_set)(void *context, pk_ref param);
    /* What files have, NULL: nothing. `lines` adds the members in file `name`, read as the field or
     * parameter that `step` names, from the arena; `frames` counts the frames of a capture. On
     * failure a code, and the reason in `why` (256 bytes). */
    int (*lines)(void *context, const pk_image_set_step *step, pk_bytes name, pk_arena *arena,
                 pk_set *to, char *why);
    int (*frames)(void *context, pk_bytes name, uint64_t *ret_count, char *why);
    void *context;
    uint64_t seed; /* of shuffled sets and samples */
    pk_ref first;  /* sets before this one are left empty: nobody asks for them */
} pk_space_source;

/* On failure PK_EFORMAT (a bound that is no number or address, a range of mixed kinds), PK_ELIMIT
 * or PK_ENOMEM, with one sentence naming the set as it was written. */
int pk_space_new(const pk_image *image, const pk_space_source *source, pk_space **ret_space,
                 char *reterr_text, size_t reterr_size);
void pk_space_free(pk_space *space);

/* Number of packets of alternatives first .. first + count - 1; false when it exceeds 2^128 - 1. */
bool pk_space_count(const pk_space *space, pk_ref first, uint32_t count, pk_u128 *ret_count);

/* Where packet `index` of those alternatives lies: its alternative and one digit per dimension. */
typedef struct pk_point {
    pk_ref alt;
    pk_u128 index;   /* as asked */
    pk_u128 *digits; /* by dimension number; owned by the point's maker */
} pk_point;
int pk_point_init(const pk_space *space, pk_point *ret_point); /* PK_ENOMEM */
void pk_point_free(pk_point *point);
/* Its alternative alone; 0 beyond the end. */
pk_ref pk_space_alt(const pk_space *space, pk_ref first, uint32_t count, pk_u128 index);
bool pk_space_locate(const pk_space *space, pk_ref first, uint32_t count, pk_u128 index,
                     pk_point *point);

/* The index among alternatives from `first` on of the packet of `alt` with these digits, by
 * dimension number; false when one is too large. */
bool pk_space_index(const pk_space *space, pk_ref first, pk_ref alt, const pk_u128 *digits,
                    pk_u128 *ret_index);

/* The element that axis `axis` has at `point`; addresses go to `scratch`. */
pk_value pk_space_element(const pk_space *space, pk_ref axis, const pk_point *point,
                          uint8_t scratch[16]);
/* Members of a dimension. */
pk_u128 pk_space_dim_count(const pk_space *space, uint32_t dim);
const pk_set *pk_space_set(const pk_space *space, pk_ref set);
const pk_set *pk_space_axis_set(const pk_space *space, pk_ref axis);

#endif
