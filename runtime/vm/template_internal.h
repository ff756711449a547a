/*
 * Inside of a template: its columns, patches and guards, in the order they are run.
 *
 * template.c makes it from a trace, template_columns.c computes columns, template_expand.c writes
 * packets. Operands are column numbers; a column's operands stand before it. Column 0 is none.
 */
#ifndef PK_VM_TEMPLATE_INTERNAL_H
#define PK_VM_TEMPLATE_INTERNAL_H

#include "base/cookie.h"
#include "template.h"
#include "template_kernels.h"
#include "template_trace.h"

enum { TEMPLATE_PERIOD = 2048 /* packets after which a column that repeats is kept in a table */ };

typedef struct template_column {
    trace_node what;   /* a, b, pieces: of the template */
    pk_u128 step;      /* ELEMENT: packets for which its digit stays the same */
    pk_u128 radix;     /* ELEMENT: values of its digit */
    uint32_t period;   /* table: packets after which it repeats; 0 = no table */
    bool wide;         /* values are uint64_t, else uint32_t */
    bool high;         /* ELEMENT, CHOICE: the first half of a 16-byte address */
    bool linear;       /* ELEMENT, CHOICE: integers and addresses, but not `high` */
    void *own, *table; /* memory */
    const void *at;    /* values of the batch at hand */
} template_column;

typedef struct template_batch {
    pk_u128 first;          /* within the alternative */
    const pk_u128 *numbers; /* as in pk_template_run, or NULL */
    pk_u128 index;          /* as asked, of the first packet, loops included */
    pk_u128 loop;           /* what loops add to each of the numbers */
    uint32_t count;
} template_batch;

typedef struct template_way {
    pk_way way;
    bool known;
} template_way;

struct pk_template {
    const pk_kernels *kernels;
    uint64_t seed;
    const pk_cookies *cookies;
    pk_u128 begin, count; /* of the alternative, as asked */
    uint8_t *bytes;
    uint32_t len;
    template_column *columns;
    uint32_t n_columns;
    trace_piece *pieces; /* of sums, then of the packet */
    uint32_t patches, n_patches;
    trace_guard *guards;
    uint32_t n_guards;
    uint64_t left[PK_TEMPLATE_BATCH], right[PK_TEMPLATE_BATCH]; /* operands */
    uint32_t narrow[PK_TEMPLATE_BATCH];
    pk_tree
        tree; /* that of every packet, over the bytes of one; without records when they differ */
    uint8_t *fixed; /* one bit for each of the packet's: no patch writes it */
    pk_env env;
    template_way *ways;    /* of the batch at hand, to the address of columns way_a and way_b */
    uint16_t way_a, way_b; /* 0: not asked yet */
    bool refused[PK_TEMPLATE_BATCH]; /* packets of the batch that the general machine must build */
};

/* Makes `column`'s values for the batch. */
void pk_template_column(pk_template *templ, template_column *column, const template_batch *batch);
/* Computes OPERATION, LEAST, GREATEST, NONZERO or SWAP of n operands. */
void pk_template_combine(const trace_node *what, uint64_t *out, uint32_t n, const uint64_t *a,
                         const uint64_t *b);
/* The same of a WAY; marks packets whose way is not known as refused. */
void pk_template_ways(pk_template *templ, template_column *column, uint32_t n);
/* Fills the table of a column that has a period. */
void pk_template_table(pk_template *templ, template_column *column);
/* The column's values from `from` on, in the width asked for; may stand in `room`. */
const uint64_t *pk_template_wide(const template_column *column, uint32_t from, uint32_t count,
                                 uint64_t *room);
const uint32_t *pk_template_narrow(const template_column *column, uint32_t from, uint32_t count,
                                   uint32_t *room);

#endif
