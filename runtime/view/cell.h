/*
 * Cells: values of a view as bytes, to be kept, compared and written.
 *
 * A cell is a tag and, by tag: nothing (undefined), 8 bytes (an integer), a length and bytes, or a
 * count and that many cells (a list). Cells stand one behind the other in a buffer; equal values
 * have equal bytes, so that a group's key is nothing but the bytes of its cells. Only pk_cell_put
 * makes cells, so what reads them trusts them.
 *
 * Nothing recurses: lists in lists are walked with a small stack (PK_CELL_DEPTH; what is deeper is
 * undefined).
 */
#ifndef PK_VIEW_CELL_H
#define PK_VIEW_CELL_H

#include "base/arena.h"
#include "base/buf.h"
#include "vm/vm.h"

enum { PK_CELL_DEPTH = 8 };

/* Appends the value as a cell. Nodes of `trees` (by pk_value.tree) become texts: a struct with a
 * text codec that text, any other its layer's name. */
void pk_cell_put(pk_buf *out, pk_value value, const pk_tree *const trees[2]);
void pk_cell_put_text(pk_buf *out, const void *text, size_t len);

/* Length in bytes of the cell at `at`. */
size_t pk_cell_size(const uint8_t *at);

/* The cell as a value; a list is an array of the arena. Bytes are borrowed. */
pk_value pk_cell_value(const uint8_t *at, pk_arena *arena);

/* One cell after the other, lists opened: `left` counts the elements that are still to come in the
 * innermost list that is open. */
typedef struct pk_cell_walk {
    const uint8_t *at;
    uint32_t left[PK_CELL_DEPTH + 1];
    unsigned depth; /* lists open around what comes next */
} pk_cell_walk;

typedef enum pk_cell_event {
    PK_CELL_VALUE,
    PK_CELL_OPEN,
    PK_CELL_CLOSE,
    PK_CELL_END
} pk_cell_event;

static inline pk_cell_walk pk_cell_begin(const uint8_t *at)
{
    return (pk_cell_walk){.at = at, .left = {1}};
}

/* VALUE: *ret_value is undefined, an integer or bytes. END: the cell is read, `at` behind it. */
pk_cell_event pk_cell_next(pk_cell_walk *walk, pk_value *ret_value);

/* -1, 0, 1: undefined is last, integers by size, bytes as text, lists element by element. */
int pk_cell_compare(const uint8_t *a, const uint8_t *b);

static inline bool pk_cell_undefined(const uint8_t *at)
{
    return *at == PK_UNDEFINED;
}

#endif
