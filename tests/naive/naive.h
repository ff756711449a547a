/*
 * The naive interpreter: layers and packet expressions run straight off the syntax tree.
 *
 * This is the oracle that the compiled machines are compared with (LANGUAGE.md section 3.2), so it
 * is written as plainly as possible: no layout, no templates, no bytecode, recursion wherever the
 * language recurses (with depth limits). It shares nothing with compiler/ and runtime/vm; from
 * runtime/base it takes buffers and the reader of literals, from grammar/ the parser.
 *
 * A unit owns the sources, the tree and every declaration in it. A program is one packet expression
 * of a unit: a set of packets that is counted and built by index. A dissection owns the tree of one
 * packet. Memory comes from arenas and allocation failure aborts: this is test code. What is wrong
 * with the input comes back as false and one sentence in naive_unit_error.
 */
#ifndef PK_TESTS_NAIVE_H
#define PK_TESTS_NAIVE_H

#include "ast.h"
#include "parse.h"

typedef struct naive_unit naive_unit;
typedef struct naive_layer naive_layer;
typedef struct naive_program naive_program;
typedef struct naive_dissection naive_dissection;

naive_unit *naive_unit_new(void);
void naive_unit_free(naive_unit *unit);

/* Adds a file, every .pkt file below a folder (in order of their names), or a text. After the last
 * one naive_unit_link puts the declarations together; only then the rest works. */
bool naive_unit_add_file(naive_unit *unit, const char *path);
bool naive_unit_add_folder(naive_unit *unit, const char *path);
bool naive_unit_add_text(naive_unit *unit, const char *name, const char *text);
bool naive_unit_link(naive_unit *unit);
const char *naive_unit_error(const naive_unit *unit);

/* The `check` statements of the unit, in order of appearance. */
size_t naive_unit_checks(const naive_unit *unit);
/* Runs check `i`: true when the packet has the bytes expected. `report` says what differs. */
bool naive_unit_check(naive_unit *unit, size_t i, pk_buf *report);

/* A packet expression. NULL and the unit's error when it is not one. */
naive_program *naive_program_new(naive_unit *unit, const char *expression);
void naive_program_free(naive_program *program);
bool naive_program_count(naive_program *program, pk_u128 *ret_count);
/* Appends the bytes of packet `index`. */
bool naive_program_build(naive_program *program, pk_u128 index, pk_buf *out);

/* 0 when there is no such layer; link types are those of the pseudo layer `link`, table `dlt`. */
const naive_layer *naive_layer_find(naive_unit *unit, const char *name);
const naive_layer *naive_layer_of_link(naive_unit *unit, uint32_t dlt);

/* Dissects; never fails on input. The bytes are copied. */
naive_dissection *naive_dissect(naive_unit *unit, const naive_layer *layer, const uint8_t *bytes,
                                size_t len);
void naive_dissection_free(naive_dissection *dissection);

/* A leaf, in wire order. `bits` is 0 for an empty field or cut. The value is an integer
 * (`is_number`, `is_signed`) or the leaf's bits, left-aligned. */
typedef struct naive_leaf {
    char path[160]; /* "ip.ttl", "tcp.options_rest", "raw.load" */
    uint64_t off, bits;
    unsigned depth; /* instances around it: 1 in the outermost, 0 for the frame's own rest */
    bool is_number, is_signed;
    uint64_t number;
    uint8_t *value;
    size_t value_len;
} naive_leaf;
size_t naive_leaves(const naive_dissection *dissection);
const naive_leaf *naive_leaf_at(const naive_dissection *dissection, size_t i);
void naive_dissection_json(const naive_dissection *dissection, pk_buf *out);

/* Builds the dissected packet again with every value given and every presence as found. */
bool naive_rebuild(naive_dissection *dissection, pk_buf *out);

#endif
