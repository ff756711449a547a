#include "parse.h"

#include <stdlib.h>

#include "build.h"
#include "parser.h"

typedef pk_grammar_pstate machine;

/* ---- pushing tokens ---------------------------------------------------------------------------
 */

static int push(pk_parser *p, machine *m, const pk_token *token)
{
    PK_GRAMMAR_STYPE value = {0};
    pk_span span = token->span;
    if (token->kind == T_INT || token->kind == T_LITERAL || token->kind == T_STRING ||
        token->kind == T_BAD)
        value.node = token->node;
    else
        value.atom = token->atom;
    p->token = *token;
    p->failed = false;
    p->unclosed = false;
    int status = pk_grammar_push_parse(m, token->kind, &value, &span, p);
    p->previous = *token;
    return status;
}

static int push_made(pk_parser *p, machine *m, int kind)
{
    uint32_t at = p->token.span.lo;
    pk_token made = {.kind = kind, .span = {at, at}};
    return push(p, m, &made);
}

static bool stopped(const pk_parser *p)
{
    return p->fatal || p->filter.too_deep || pk_ast_exhausted(p->ast);
}

/* ---- recovery ---------------------------------------------------------------------------------
 */

/* After an error the parser stands in the innermost block, behind `error`, and waits for a
 * separator. Closes the blocks inside the one to which recovery returns. */
static int leave_blocks(pk_parser *p, machine *m, const pk_token *bad)
{
    int status = YYPUSH_MORE;
    if (bad->kind != T_SEP)
        status = push_made(p, m, T_SEP);
    for (unsigned level = bad->level; level > p->level && status == YYPUSH_MORE; level--) {
        status = push_made(p, m, '}');
        if (level - 1 > p->level && status == YYPUSH_MORE)
            status = push_made(p, m, T_SEP);
    }
    return status;
}

/* Drops tokens up to the end of the statement at the level to which recovery returns. */
static int skip_statement(pk_parser *p, machine *m)
{
    while (!stopped(p)) {
        pk_token token;
        pk_filter_next(&p->filter, &token);
        if (token.kind == T_SEP && pk_filter_open(&p->filter))
            continue;
        if (token.kind == T_END || (token.kind == T_SEP && token.level == p->level))
            return push(p, m, &token);
        if (token.kind == '}' && token.level == p->level) {
            int status = push_made(p, m, T_SEP);
            return status == YYPUSH_MORE ? push(p, m, &token) : status;
        }
    }
    return YYPUSH_MORE;
}

/* A token that begins a line may begin a statement: it is read again as such, unless it was. */
static bool may_begin_anew(const pk_parser *p, const pk_token *bad)
{
    bool is_head = p->filter.heads[bad->level].span.lo == bad->span.lo;
    return bad->kind == T_SEP || (bad->newline_before && !is_head);
}

static int recover_here(pk_parser *p, machine *m, const pk_token *bad)
{
    if (p->unclosed || may_begin_anew(p, bad))
        pk_filter_abandon(&p->filter);
    if (may_begin_anew(p, bad))
        pk_filter_reread(&p->filter, bad);
    if (bad->kind == T_SEP)
        return YYPUSH_MORE; /* it ended the statement already */
    if (bad->kind == '}') {
        int status = push_made(p, m, T_SEP);
        return status == YYPUSH_MORE ? push(p, m, bad) : status;
    }
    return skip_statement(p, m);
}

static int recover(pk_parser *p, machine *m)
{
    pk_token bad = p->token;
    int status = YYPUSH_MORE;
    p->filter.lexer.skipping = true;
    if (p->level < bad.level) {
        status = leave_blocks(p, m, &bad);
        if (status == YYPUSH_MORE)
            status = skip_statement(p, m);
    } else {
        status = recover_here(p, m, &bad);
    }
    p->filter.lexer.skipping = false;
    return status;
}

/* ---- a whole text -----------------------------------------------------------------------------
 */

static void run(pk_parser *p, machine *m, int mark, uint32_t at)
{
    pk_token token = {.kind = mark, .span = {at, at}};
    int status = push(p, m, &token);
    while (status == YYPUSH_MORE && !stopped(p)) {
        pk_filter_next(&p->filter, &token);
        status = push(p, m, &token);
        if (p->failed && status == YYPUSH_MORE)
            status = recover(p, m);
    }
}

static pk_node finish(pk_parser *p, pk_span span)
{
    if (pk_ast_exhausted(p->ast)) {
        pk_diag_report(p->diags, PK_DIAG_PROGRAM_SIZE, p->token.span, "the program is too big");
        pk_diag_label(p->diags, "memory or the limit of %d elements is reached (PK_AST_NODE_LIMIT)",
                      PK_AST_NODE_LIMIT);
        return 0;
    }
    if (p->result)
        return p->result;
    pk_node error = pk_ast_add(p->ast, PK_AST_ERROR, span, 0, 0, 0, 0, 0);
    return p->expression ? error : pk_ast_add(p->ast, PK_AST_FILE, span, error, 0, 0, 0, 0);
}

static pk_node parse(pk_ast *ast, const pk_sources *sources, pk_span span, pk_diags *diags,
                     bool expression)
{
    pk_parser *p = calloc(1, sizeof *p);
    machine *m = pk_grammar_pstate_new();
    pk_node result = 0;
    if (p && m) {
        *p = (pk_parser){.ast = ast, .sources = sources, .diags = diags, .expression = expression};
        pk_filter_begin(&p->filter, ast, sources, span, diags, expression);
        run(p, m, expression ? T_EXPR_MARK : T_TEXT_MARK, span.lo);
        pk_filter_end(&p->filter);
        result = finish(p, span);
    } else {
        pk_diag_report(diags, PK_DIAG_NO_MEMORY, span, "memory is exhausted");
    }
    pk_grammar_pstate_delete(m);
    free(p);
    return result;
}

pk_node pk_parse(pk_ast *ast, const pk_sources *sources, pk_span span, pk_diags *diags)
{
    return parse(ast, sources, span, diags, false);
}

pk_node pk_parse_expr(pk_ast *ast, const pk_sources *sources, pk_span span, pk_diags *diags)
{
    return parse(ast, sources, span, diags, true);
}
