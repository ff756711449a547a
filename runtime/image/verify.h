/*
 * The verifier's state and the seams between its files.
 *
 *   verify.c        every record by records.def; the sentences of refusals
 *   verify_code.c   expressions: registers, jumps, operands
 *   verify_items.c  item programs: fixed prefix, windows, bit groups
 *   verify_layers.c layers: fields, members, payloads, answer shapes
 *   verify_links.c  what other records mean together: tables, chains, sets, plans, probes
 *   verify_views.c  views: their expressions and what those are given
 *
 * Each step walks its sections once; a range that could be claimed twice is either checked by
 * something computed beforehand or may not overlap another (an expression may repeat another's
 * range exactly, which then was checked). So the whole is linear in the image's size. Scratch
 * memory comes from one arena and is proportional to the image.
 *
 * Every function returns PK_OK, PK_ENOMEM, or PK_EFORMAT with the sentence written.
 */
#ifndef PK_IMAGE_VERIFY_H
#define PK_IMAGE_VERIFY_H

#include "image/format.h"
#include "image/shapes.h"

/* What an operand may be, both ends included; a first above its last lets nothing through. */
typedef struct pk_verify_range {
    uint64_t first, last;
} pk_verify_range;

/* What ops.def and this image say of an opcode, so that an instruction takes a few comparisons. */
typedef struct pk_verify_op {
    pk_verify_range range[PK_OPERANDS]; /* of d only where the program at hand does not matter */
    const uint8_t *shapes;              /* pk_shape of each operand */
    bool item, jumps, own_slot;         /* d is a jump; d is a slot of the program's own layer */
    bool writes;                        /* register a */
    uint8_t reads;                      /* bit i: operand i is a register read */
    uint8_t run; /* operand b stands for one register, or for operand c and run - 1 of them */
} pk_verify_op;

typedef struct pk_verifier {
    const pk_image *image;
    pk_ref known[PK_SEC_COUNT_OF]; /* records from 1 up to this one are known to be good */
    char *text;                    /* where the sentence goes */
    size_t text_size;
    pk_arena arena;
    pk_verify_op ops[PK_OPC_COUNT_OF];
    /* By index into CODE: */
    uint32_t *owner;   /* 1 + EXP, or n_exprs + LAY, whose program it belongs to; 0 = nobody's */
    uint64_t *undef;   /* at a jump's target: registers that some path leaves unwritten */
    uint8_t *targeted; /* a jump goes here */
    uint32_t *window;  /* item programs: 1 + the WIN around it, relative to the program; 0 = none */
    uint8_t *selectors; /* by SEL: some payload's */
} pk_verifier;

enum { PK_VERIFY_NO_INSN = UINT32_MAX >> 1 };

/* "rejected: field 12 (`tcp.dport`): <why>"; with an instruction "..., instruction 3: <why>".
 * Returns PK_EFORMAT. */
int pk_verify_refuse(const pk_verifier *verifier, pk_section section, pk_ref ref, uint32_t insn,
                     const char *why, ...) __attribute__((format(printf, 5, 6)));

/* Checks that `expr` (0 passes) may be evaluated in an instance of `layer` (0 = in none) with at
 * most `args` arguments; `section` and `ref` name the record that refers to it as `what`. */
int pk_verify_context(const pk_verifier *verifier, pk_ref expr, pk_ref layer, uint32_t args,
                      pk_section section, pk_ref ref, const char *what);

typedef struct pk_verify_use {
    pk_ref expr;
    uint32_t args;
    const char *what;
} pk_verify_use;

/* pk_verify_context for each of `n` uses. */
int pk_verify_uses(const pk_verifier *verifier, const pk_verify_use *uses, size_t n, pk_ref layer,
                   pk_section section, pk_ref ref);

/* One zeroed mark for each of `count` records, NULL without memory. */
uint8_t *pk_verify_marks(pk_verifier *verifier, uint32_t count);

/* Sets `count` marks from `first`; false when one is set already. Ranges marked so are walked once,
 * whatever the records say. */
bool pk_verify_mark(uint8_t *marks, pk_ref first, uint32_t count);

/* Marks `count` instructions from `start` as those of `owner`; *ret_known when an expression has
 * claimed and checked exactly these before. */
int pk_verify_claim(pk_verifier *verifier, uint32_t start, uint32_t count, pk_section section,
                    pk_ref ref, bool *ret_known);

/* Prepares verifier->ops. */
void pk_verify_ops(pk_verifier *verifier);

/* Checks the operands of one instruction that ops.def describes: references in range, registers
 * below PK_IMAGE_REGS, unused ones zero, jumps forward and inside the `count` instructions.
 * `layer` is the program's own. */
int pk_verify_operands(const pk_verifier *verifier, const pk_insn *insn, uint32_t at,
                       uint32_t count, pk_ref layer, pk_section section, pk_ref ref);

/* The payload that an item of layer `owner` names. */
int pk_verify_payload(const pk_verifier *verifier, pk_ref ref, pk_ref owner);

/* In this order. */
int pk_verify_layers(pk_verifier *verifier);
int pk_verify_links(pk_verifier *verifier);
int pk_verify_views(pk_verifier *verifier);
int pk_verify_items(pk_verifier *verifier);
int pk_verify_expressions(pk_verifier *verifier);

#endif
