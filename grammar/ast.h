/*
 * The syntax tree: flat, indexed, and exactly what was written.
 *
 * A tree owns one arena. Nodes live in one array and name each other by 32-bit index (0 = none), so
 * a tree can be grown while it is walked and costs 40 bytes a node. What each kind's links mean
 * stands in ast.def, the single table from which the enum, the names and the dump are made. Names
 * are interned atoms: equal names have equal numbers. Byte strings are blobs.
 *
 * The parser builds nodes and nothing else; nothing here knows types, layers or packets. Every node
 * carries the span of the text it came from; sources.h turns a span into file, line and column.
 */
#ifndef PK_GRAMMAR_AST_H
#define PK_GRAMMAR_AST_H

#include "base/arena.h"
#include "base/buf.h"

typedef uint32_t pk_node; /* index of a node, 0 = none */
typedef uint32_t pk_atom; /* index of an interned name, 0 = none */
typedef uint32_t pk_blob; /* index of a byte string, 0 = none */

typedef enum pk_ast_kind {
    PK_AST_NONE,
#define PK_AST(kind, name, a, b, c, d, value) PK_AST_##kind,
#include "ast.def"
#undef PK_AST
    PK_AST_KINDS
} pk_ast_kind;

/* Operators of UNARY and BINARY, in order of precedence, loosest first. */
typedef enum pk_ast_op {
    PK_OP_OR,
    PK_OP_AND,
    PK_OP_NOT,
    PK_OP_EQ,
    PK_OP_NE,
    PK_OP_LT,
    PK_OP_LE,
    PK_OP_GT,
    PK_OP_GE,
    PK_OP_IN,
    PK_OP_EXCEPT,
    PK_OP_BITOR,
    PK_OP_BITXOR,
    PK_OP_BITAND,
    PK_OP_SHL,
    PK_OP_SHR,
    PK_OP_ADD,
    PK_OP_SUB,
    PK_OP_MUL,
    PK_OP_DIV, /* also stacking: the operands' types decide, LANGUAGE.md "The three ambiguities" */
    PK_OP_MOD,
    PK_OP_NEG,
    PK_OP_BITNOT
} pk_ast_op;

/* How a list type ends (LISTTYPE.a). */
typedef enum pk_ast_list {
    PK_LIST_WINDOW, /* T[]          to the end of the window */
    PK_LIST_COUNT,  /* T[n]         n elements (bytes[n]: n bytes) */
    PK_LIST_UNTIL,  /* T[] until C  up to and including the first element for which C holds */
    PK_LIST_FOR     /* T[for x in L] one per element of L */
} pk_ast_list;

typedef struct pk_ast_node {
    uint16_t kind; /* pk_ast_kind */
    uint16_t spare;
    pk_span span;
    pk_node next; /* the next element of the list this node is in */
    uint32_t a, b, c, d;
    uint64_t value;
} pk_ast_node;

typedef struct pk_ast pk_ast;

/* An empty tree whose node, atom and blob counts are bounded by `node_limit` (0 = the default of
 * PK_AST_NODE_LIMIT). NULL when memory is refused. */
pk_ast *pk_ast_new(uint32_t node_limit);
void pk_ast_free(pk_ast *ast);

enum { PK_AST_NODE_LIMIT = 1024 * 1024 };

/* A new node, or 0 once memory or the node budget is spent (pk_ast_exhausted then says so). */
pk_node pk_ast_add(pk_ast *ast, pk_ast_kind kind, pk_span span, uint32_t a, uint32_t b, uint32_t c,
                   uint32_t d, uint64_t value);
bool pk_ast_exhausted(const pk_ast *ast);

/* Never NULL: index 0 and indices out of range give a node of kind NONE. The pointer is good until
 * the next pk_ast_add. */
const pk_ast_node *pk_ast_get(const pk_ast *ast, pk_node node);

/* The same node to be changed in place (by the parser only), NULL for none. */
pk_ast_node *pk_ast_edit(pk_ast *ast, pk_node node);

/* Makes `next` the element behind `last`, which is the last of its list: whoever appends in a loop
 * keeps head and last. */
void pk_ast_link(pk_ast *ast, pk_node last, pk_node next);
size_t pk_ast_list_len(const pk_ast *ast, pk_node list);

/* Interning. The text is copied; len bytes, not NUL-terminated on input, NUL-terminated on output.
 * Atom 0 is the empty name. */
pk_atom pk_ast_atom(pk_ast *ast, const char *text, size_t len);
const char *pk_ast_atom_text(const pk_ast *ast, pk_atom atom);
uint32_t pk_ast_atom_count(const pk_ast *ast);

pk_blob pk_ast_blob(pk_ast *ast, const void *bytes, size_t len);
pk_bytes pk_ast_blob_bytes(const pk_ast *ast, pk_blob blob);

const char *pk_ast_kind_name(pk_ast_kind kind);
const char *pk_ast_op_text(pk_ast_op op);

/* An indented listing, one node a line, for tests and `pktc explain --ast`. Iterative. */
void pk_ast_dump(const pk_ast *ast, pk_node root, pk_buf *out);

#endif
