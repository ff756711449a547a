/*
 * What the actions of parser.y call: making nodes, chaining lists, and the few checks that the
 * grammar alone cannot make. The parser's state is here too; parse.c drives it.
 *
 * A chain is a list under construction. Nodes of expressions know how deep they are (in the node's
 * spare field), so that PK_AST_DEPTH_LIMIT holds for what left recursion builds as well.
 */
#ifndef PK_GRAMMAR_BUILD_H
#define PK_GRAMMAR_BUILD_H

#include "lexer.h"

typedef struct pk_chain {
    pk_node head, last;
} pk_chain;

typedef struct pk_parser {
    pk_ast *ast;
    const pk_sources *sources;
    pk_diags *diags;
    pk_filter filter;
    pk_token token;    /* the one being pushed */
    pk_token previous; /* the one pushed before */
    pk_node result;
    unsigned level;  /* of the block to which recovery returns */
    bool expression; /* one expression is read, not a file */
    bool failed;     /* the push made an error */
    bool unclosed;   /* ... and it was blamed on an open parenthesis */
    bool fatal;      /* a limit was passed: stop */
} pk_parser;

/* A node whose links a, b and c are, where the bits of `nodes` (1, 2, 4) say so, nodes or lists of
 * nodes that it is deeper than. */
pk_node pk_build_expr(pk_parser *p, pk_ast_kind kind, pk_span span, uint32_t a, uint32_t b,
                      uint32_t c, unsigned nodes);
pk_node pk_build_binary(pk_parser *p, pk_span span, pk_ast_op op, pk_node a, pk_node b);
pk_node pk_build_unary(pk_parser *p, pk_span span, pk_ast_op op, pk_node a);

/* base[inner], where a range inside makes a slice. */
pk_node pk_build_index(pk_parser *p, pk_span span, pk_node base, pk_node inner);

/* An argument; what stands before `=` is checked to be a path. */
pk_node pk_build_arg(pk_parser *p, pk_ast_kind kind, pk_span span, pk_node path, pk_node value,
                     uint32_t c);

pk_node pk_build(pk_parser *p, pk_ast_kind kind, pk_span span, uint32_t a, uint32_t b, uint32_t c,
                 uint32_t d, uint64_t value);

/* A bare packet expression: SEND, or the clause `send` when it has more to it than a packet. */
pk_node pk_build_send(pk_parser *p, pk_span span, pk_chain args);

/* FIELDTAIL, or 0 when there is nothing in it. */
pk_node pk_build_tail(pk_parser *p, pk_span span, pk_node within, pk_node form, pk_node help);

pk_chain pk_chain_one(pk_node node);
pk_chain pk_chain_add(pk_parser *p, pk_chain chain, pk_node node);
pk_chain pk_chain_join(pk_parser *p, pk_node first, pk_chain rest);

/* The blob of a STRING node; 0 for none. */
pk_blob pk_build_blob(pk_parser *p, pk_node string);

/* messages.c: reports a syntax error at the parser's token. `expected` are the names that parser.y
 * gives to the tokens that could stand there. */
void pk_message_syntax(pk_parser *p, const char *const *expected, unsigned count);
void pk_message_depth(pk_parser *p);

#endif
