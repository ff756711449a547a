/*
 * A small image that uses every section once, for the tests of the room and the fuzz target's seed.
 *
 *   layer link with table `dlt`; layer demo on link(dlt=1):
 *     magic: u16, le group { a: u12, b: u4 }, [if a] within 4 { more: bytes }, items: part[until],
 *     payload by magic
 *   struct part(n) { v: u8 }, case part.big = ..
 *
 * and a program: a parameter, a set, an axis, a plan of two instances, a probe, a check, a view.
 */
#ifndef PK_TESTS_IMAGE_SAMPLE_H
#define PK_TESTS_IMAGE_SAMPLE_H

#include "image/builder.h"

/* Records of the sample that tests change. */
typedef struct sample {
    pk_ref demo, part, big, link;                        /* LAY */
    pk_ref magic, a, b, more, list, v;                   /* FLD */
    pk_ref constant, formula, branch, condition, member; /* EXP */
    pk_ref set, axis, plan, inner, table, pattern;
    pk_ref view, over_row, over_group; /* VIW, EXP, EXP */
} sample;

/* Fills `builder` (from pk_image_builder_new(NULL)). */
sample sample_make(pk_image_builder *builder);

#endif
