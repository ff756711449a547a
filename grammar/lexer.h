/*
 * Text -> tokens, in two steps. The lexer (lexer.re, strings.c) recognizes the tokens of
 * LANGUAGE.md "Lexical structure" and reports what is malformed in one of them; it then goes on
 * with a token of the kind that was meant, so that one mistake is one message. The filter
 * (filter.c) makes of line ends the separators that the grammar knows, keeps the stack of open
 * brackets, and marks statements that begin with a packet expression. Neither knows the state of
 * the parser.
 *
 * Literals and strings become leaves of the tree at once; names become atoms.
 */
#ifndef PK_GRAMMAR_LEXER_H
#define PK_GRAMMAR_LEXER_H

#include "parse.h"

typedef struct pk_token {
    int kind; /* enum pk_grammar_tokentype of parser.h */
    pk_span span;
    bool newline_before; /* the first token of its line */
    unsigned level;      /* open blocks around it; those of { and } are outside and inside */
    int cause;    /* of a SEP: `;` as written, SEP for a newline, or the `}` or END behind it */
    bool joined;  /* followed at once by what continues an expression: ( / . @ */
    pk_atom atom; /* NAME */
    pk_node node; /* INT, LITERAL, STRING, BAD */
} pk_token;

typedef struct pk_lexer {
    const uint8_t *begin, *at, *limit;
    uint32_t base; /* offset of `begin` in the space of all sources */
    pk_ast *ast;
    pk_diags *diags;
    pk_buf scratch;      /* the bytes of the string being read */
    pk_buf part;         /* a copy of the text when it is not a whole source */
    int previous;        /* kind of the token before */
    bool skipping;       /* the parser drops tokens up to the next statement: make no nodes */
    uint32_t last_error; /* offset of the last lexical error, 0 = none */
} pk_lexer;

void pk_lexer_begin(pk_lexer *lexer, pk_ast *ast, const pk_sources *sources, pk_span span,
                    pk_diags *diags);
void pk_lexer_end(pk_lexer *lexer);

/* The next token; after the last one END for ever. Never fails: what is malformed is reported. */
void pk_lexer_next(pk_lexer *lexer, pk_token *ret_token);

/* Whether reading stopped early: the tree is full, or the text is hopeless. */
bool pk_lexer_is_over(const pk_lexer *lexer);

/* Reports at [from, to) of the text and remembers where. */
void pk_lexer_report(pk_lexer *lexer, pk_diag_code code, const uint8_t *from, const uint8_t *to,
                     const char *message);

/* strings.c: the rest of a string whose opening quote is at[-1]; `from` is where the token begins.
 * They leave `at` behind the token and return its node. */
pk_node pk_lexer_string(pk_lexer *lexer, const uint8_t *from);
pk_node pk_lexer_hex(pk_lexer *lexer, const uint8_t *from);
pk_node pk_lexer_bits(pk_lexer *lexer, const uint8_t *from);

/* characters.c: what stands at `from` is no token: report it and skip it. *ret_node is set and true
 * returned when a string in typographic quotes was read. */
bool pk_lexer_strange(pk_lexer *lexer, const uint8_t *from, pk_node *ret_node);
void pk_lexer_comment(pk_lexer *lexer);

typedef struct pk_bracket {
    char kind; /* ( [ { */
    pk_span span;
} pk_bracket;

typedef struct pk_filter {
    pk_lexer lexer;
    pk_bracket
        stack[PK_NESTING_LIMIT + 1];      /* [0] is the text itself, like a block without braces */
    pk_token heads[PK_NESTING_LIMIT + 1]; /* per level: what its last statement began with */
    unsigned depth;                       /* index of the innermost open bracket */
    unsigned blocks;                      /* open braces */
    unsigned abandoned; /* brackets given up: their closers are dropped in silence */
    pk_token queue[4];  /* made but not yet delivered */
    unsigned queued;
    pk_token held; /* read but not yet looked at; kind < 0 when there is none */
    pk_token previous;
    uint32_t unclosed_before; /* where missing closers were reported last */
    bool expression;          /* the text is one expression, not statements */
    bool too_deep;            /* PK_NESTING_LIMIT was passed (and reported): the text ends here */
    bool ended;
} pk_filter;

void pk_filter_begin(pk_filter *filter, pk_ast *ast, const pk_sources *sources, pk_span span,
                     pk_diags *diags, bool expression);
void pk_filter_end(pk_filter *filter);
void pk_filter_next(pk_filter *filter, pk_token *ret_token);

/* The innermost open ( or [, or NULL when a block (or the text) is innermost. */
const pk_bracket *pk_filter_open(const pk_filter *filter);

/* Gives up the open ( and [ of this block: they count as closed. */
void pk_filter_abandon(pk_filter *filter);

/* Delivers `token`, which was delivered last, once more, as the beginning of a statement. */
void pk_filter_reread(pk_filter *filter, const pk_token *token);

#endif
