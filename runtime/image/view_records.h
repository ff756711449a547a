/*
 * The records of views, which image.h lists among its sections: what is read out of the exchanges of
 * a run, and how it is written. As there, a reference is an index into the section named beside it.
 */
#ifndef PK_IMAGE_VIEW_RECORDS_H
#define PK_IMAGE_VIEW_RECORDS_H

#include "base/types.h"

/* VIW: a reading of the exchanges of a run. Rows are exchanges; the expressions over a row take the
 * arguments of pk_view_argument and, behind them, what the running functions give. In a grouped
 * view the columns are expressions over a group: their arguments are what its aggregates give. */
typedef enum pk_view_argument {
    PK_VIEW_SENT,   /* node: the stimulus */
    PK_VIEW_REPLY,  /* node: what was received */
    PK_VIEW_QUOTED, /* node: the layer of the reply that quotes the stimulus */
    PK_VIEW_N,      /* number in the set; decimal digits beyond 63 bits */
    PK_VIEW_TRY,
    PK_VIEW_RTT,  /* ns */
    PK_VIEW_TIME, /* ns since the epoch */
    PK_VIEW_ANSWERED,
    PK_VIEW_ARGUMENTS
} pk_view_argument;

typedef enum pk_view_format {
    PK_VIEW_TABLE,
    PK_VIEW_CSV,
    PK_VIEW_JSON,
    PK_VIEW_MARKDOWN,
    PK_VIEW_TEX,
    PK_VIEW_SOURCE, /* the stimuli of the rows, as a program */
    PK_VIEW_PCAPNG  /* the packets of the rows, into a file */
} pk_view_format;

enum {
    PK_VIEW_COLUMNS_LIMIT = 64,  /* columns of a view, sort keys included */
    PK_VIEW_FUNCTIONS_LIMIT = 64 /* aggregates, or running functions, of a view */
};

typedef struct pk_image_view {
    uint32_t name;    /* STR */
    uint32_t probe;   /* PRB, 0 = of any probe */
    uint32_t where;   /* EXP over a row, 0 = all rows */
    uint32_t having;  /* EXP over a group, 0 = all groups */
    uint32_t columns; /* COL: first of n_columns */
    uint32_t n_columns;
    uint32_t running; /* AGG: first of n_running, told from row to row */
    uint32_t n_running;
    uint32_t aggregates; /* AGG: first of n_aggregates, over the rows of a group */
    uint32_t n_aggregates;
    uint32_t limit;  /* EXP, 0 = none */
    uint32_t format; /* pk_view_format */
    uint32_t file;   /* STR: of format pcapng */
    uint32_t flags;  /* PK_VIEW_GROUPED */
    uint32_t source; /* STR "file:line" */
    uint32_t spare;
} pk_image_view;
enum { PK_VIEW_GROUPED = 1 };

/* How a value is written, where no field says. */
typedef enum pk_view_form {
    PK_WRITTEN_PLAIN,
    PK_WRITTEN_DURATION,  /* nanoseconds */
    PK_WRITTEN_MOMENT,    /* nanoseconds since the epoch */
    PK_WRITTEN_PREFIX,    /* bytes as pairs of digits: 00:1b:21 */
    PK_WRITTEN_LINE,      /* a packet, as a line */
    PK_WRITTEN_PACKET,    /* a packet, as a description */
    PK_WRITTEN_DIFFERENCE /* two packets: the fields that differ */
} pk_view_form;

typedef enum pk_view_role {
    PK_COLUMN_SHOWN,
    PK_COLUMN_KEY, /* rows with equal keys are a group; over a row */
    PK_COLUMN_SORT,
    PK_COLUMN_ROW,    /* of a matrix: over a row */
    PK_COLUMN_ACROSS, /* of a matrix: over a row */
    PK_COLUMN_CELL    /* of a matrix */
} pk_view_role;

/* COL: a column of a view, or what it is grouped or sorted by. */
typedef struct pk_image_column {
    uint32_t name;  /* STR */
    uint32_t expr;  /* EXP */
    uint32_t other; /* EXP: the second packet of a difference */
    uint32_t field; /* FLD as which the value is written, 0 = form says */
    uint32_t form;  /* pk_view_form */
    uint32_t role;  /* pk_view_role */
    uint32_t flags; /* PK_COLUMN_DESCENDING */
    uint32_t spare;
} pk_image_column;
enum { PK_COLUMN_DESCENDING = 1 };

typedef enum pk_aggregate {
    PK_AGG_FIRST,
    PK_AGG_LAST,
    PK_AGG_COUNT, /* rows for which the argument holds; without one, all */
    PK_AGG_ANY,
    PK_AGG_ALL,
    PK_AGG_MIN,
    PK_AGG_MAX,
    PK_AGG_MEAN,
    PK_AGG_QUANTILE, /* number: the fraction, in millionths */
    PK_AGG_LIST,
    PK_AGG_UNIQ,
    PK_AGG_RANGES, /* text: "1..3, 7" */
    PK_AGG_DELTA   /* running: less the value of the row before */
} pk_aggregate;

/* AGG: a function over the rows of a group, or from row to row. */
typedef struct pk_image_aggregate {
    uint32_t kind;  /* pk_aggregate */
    uint32_t expr;  /* EXP over a row, 0 = none */
    uint32_t other; /* EXP: the second packet of a difference */
    uint32_t where; /* EXP over a row: only rows for which it holds; 0 = all */
    uint32_t field; /* FLD as which ranges are written */
    uint32_t form;  /* pk_view_form */
    uint32_t number;
    uint32_t spare;
} pk_image_aggregate;

#endif
