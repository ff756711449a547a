/*
 * What ops.def, natives.def and records.def say, as data: for the verifier, the disassembler and
 * the writer of IMAGE.md's tables. Nothing here can fail; all tables are constant.
 */
#ifndef PK_IMAGE_SHAPES_H
#define PK_IMAGE_SHAPES_H

#include "image/image.h"

/* Operand shapes, as described in ops.def. */
typedef enum pk_shape {
    PK_SHAPE_UNUSED, /* - */
    PK_SHAPE_W,
    PK_SHAPE_R,
    PK_SHAPE_N,
    PK_SHAPE_J,
    PK_SHAPE_FLD,
    PK_SHAPE_EXP,
    PK_SHAPE_BLB,
    PK_SHAPE_PAR,
    PK_SHAPE_STR,
    PK_SHAPE_PLD,
    PK_SHAPE_PLN,
    PK_SHAPE_AXS,
    PK_SHAPE_SET,
    PK_SHAPE_LAY,
    PK_SHAPE_FN,
    PK_SHAPE_SLOT,
    PK_SHAPE_PART,
    PK_SHAPE_E64
} pk_shape;

enum { PK_OPERANDS = 5 }; /* a, b, c, d, e */

typedef struct pk_op_info {
    const char *id;    /* "ADD" */
    const char *text;  /* "add" */
    const char *group; /* "item" or "expr" */
    const char *doc;
    const char *spelled[PK_OPERANDS]; /* the shapes as written in ops.def */
    uint8_t shapes[PK_OPERANDS];      /* pk_shape */
    bool item;
} pk_op_info;

/* `op` must be below PK_OPC_COUNT_OF. */
const pk_op_info *pk_op_info_of(unsigned op);

/* Operand 0..4 of an instruction as a number. */
uint64_t pk_insn_operand(const pk_insn *insn, unsigned operand);

typedef struct pk_fn_info {
    const char *id, *text, *doc;
    uint8_t least, most; /* arguments */
} pk_fn_info;

/* `fn` must be below PK_FN_COUNT_OF. */
const pk_fn_info *pk_fn_info_of(unsigned fn);

typedef enum pk_record_kind {
    PK_KIND_TEXT,
    PK_KIND_NEED,
    PK_KIND_MAYBE,
    PK_KIND_LIST,
    PK_KIND_COUNT,
    PK_KIND_NUMBER,
    PK_KIND_BELOW,
    PK_KIND_BITS,
    PK_KIND_ZERO
} pk_record_kind;

/* A member of a record. */
typedef struct pk_record_info {
    const char *member, *kind_text, *doc;
    uint32_t most;
    uint8_t section, kind, target; /* pk_section, pk_record_kind, pk_section */
    uint8_t off, size;             /* in bytes */
} pk_record_info;

/* All members, those of one section together, ascending offsets. */
const pk_record_info *pk_record_infos(size_t *ret_count);

/* The value of a member in a record. */
uint64_t pk_record_value(const pk_record_info *info, const void *record);

/* "expression" for EXP: what a record of a section is called in a sentence. */
const char *pk_section_noun(pk_section section);

#endif
