#include "lexer.h"

#include "parser.h"

void pk_filter_begin(pk_filter *filter, pk_ast *ast, const pk_sources *sources, pk_span span,
                     pk_diags *diags, bool expression)
{
    filter->expression = expression;
    filter->depth = 0;
    filter->blocks = 0;
    filter->abandoned = 0;
    filter->queued = 0;
    filter->too_deep = false;
    filter->ended = false;
    filter->unclosed_before = UINT32_MAX;
    filter->held.kind = -1;
    filter->stack[0] = (pk_bracket){.kind = '{'};
    filter->heads[0] = (pk_token){.kind = T_END, .span = {span.lo, span.lo}};
    filter->previous = (pk_token){.kind = T_SEP, .span = {span.lo, span.lo}};
    pk_lexer_begin(&filter->lexer, ast, sources, span, diags);
}

void pk_filter_end(pk_filter *filter)
{
    pk_lexer_end(&filter->lexer);
}

/* ---- the newline rule -------------------------------------------------------------------------
 */

/* Whether a statement can end with this token. `flags` and `payload` are also names of values. */
static bool can_end(int kind)
{
    switch (kind) {
    case T_NAME:
    case T_INT:
    case T_LITERAL:
    case T_STRING:
    case T_BAD:
    case T_FLAGS:
    case T_PAYLOAD:
    case T_SKIP:
    case ')':
    case ']':
    case '}':
        return true;
    default:
        return false;
    }
}

/* Whether a statement can begin with this token. */
static bool can_begin(int kind)
{
    switch (kind) {
    case '[': /* a list of packets */
    case T_NAME:
    case T_LAYER:
    case T_STRUCT:
    case T_ENUM:
    case T_FLAGS:
    case T_IMPORT:
    case T_PARAM:
    case T_LET:
    case T_DEF:
    case T_EXTEND:
    case T_ALIAS:
    case T_IF:
    case T_WITHIN:
    case T_BITS:
    case T_PAYLOAD:
    case T_CASE:
    case T_FOR:
    case T_ON:
    case T_WHERE:
        return true;
    default:
        return false;
    }
}

static bool in_parentheses(const pk_filter *filter)
{
    return filter->stack[filter->depth].kind != '{';
}

static bool needs_separator(const pk_filter *filter, const pk_token *token)
{
    int previous = filter->previous.kind;
    if (previous == T_SEP || previous == '{')
        return false;
    if (token->kind == T_END)
        return true;
    if (token->kind == '}')
        return previous != ',';
    if (in_parentheses(filter) || !can_end(previous) || !can_begin(token->kind))
        return false;
    return token->newline_before || previous == '}';
}

/* ---- delivery ---------------------------------------------------------------------------------
 */

/* Takes note of a token and puts it behind those that wait. */
static void deliver(pk_filter *filter, const pk_token *token)
{
    bool begins = filter->previous.kind == T_SEP || filter->previous.kind == '{';
    pk_token *made = &filter->queue[filter->queued++];
    *made = *token;
    made->level = filter->blocks;
    if (begins && !in_parentheses(filter) && token->kind != T_SEP && token->kind != '}')
        filter->heads[filter->blocks] = *made;
    filter->previous = *made;
}

static void deliver_made(pk_filter *filter, int kind, uint32_t at)
{
    pk_token made = {.kind = kind, .span = {at, at}};
    deliver(filter, &made);
}

/* The end of a statement, which `cause` brought about. */
static void separate(pk_filter *filter, int cause)
{
    uint32_t at = filter->previous.span.hi;
    pk_token made = {.kind = T_SEP, .span = {at, at}, .cause = cause};
    deliver(filter, &made);
}

static void report(pk_filter *filter, pk_diag_code code, pk_span span, const char *format,
                   char what)
{
    pk_diag_report(filter->lexer.diags, code, span, format, what);
    filter->lexer.last_error = span.lo;
}

/* ---- brackets ---------------------------------------------------------------------------------
 */

static char opener_of(int closer)
{
    return closer == ')' ? '(' : closer == ']' ? '[' : '{';
}

static char closer_of(char opener)
{
    return opener == '(' ? ')' : opener == '[' ? ']' : '}';
}

/* `ip(..)` and `[ip(..), ..]` at the start of a statement are packets. */
static void mark_bare(pk_filter *filter, const pk_token *token)
{
    int previous = filter->previous.kind;
    bool begins = previous == T_SEP || previous == '{' || previous == T_ARROW;
    if (begins && !in_parentheses(filter) && !filter->expression)
        filter->queue[filter->queued++] =
            (pk_token){.kind = T_BARE, .span = {token->span.lo, token->span.lo}};
}

static void open_bracket(pk_filter *filter, const pk_token *token)
{
    if (token->kind == '[') {
        if (needs_separator(filter, token))
            separate(filter, T_SEP);
        mark_bare(filter, token);
    }
    deliver(filter, token);
    if (filter->depth == PK_NESTING_LIMIT) {
        report(filter, PK_DIAG_NESTING, token->span, "`%c` opens one level too many",
               (char)token->kind);
        pk_diag_label(filter->lexer.diags, "at most %d brackets may be open (PK_NESTING_LIMIT)",
                      PK_NESTING_LIMIT);
        filter->too_deep = true;
        return;
    }
    filter->stack[++filter->depth] = (pk_bracket){.kind = (char)token->kind, .span = token->span};
    filter->blocks += token->kind == '{';
}

static void pop(pk_filter *filter)
{
    filter->blocks -= filter->stack[filter->depth].kind == '{';
    filter->depth--;
}

/* The bracket that `closer` closes, or 0: a parenthesis never closes across a brace. */
static unsigned find_opener(const pk_filter *filter, int closer)
{
    char opener = opener_of(closer);
    for (unsigned at = filter->depth; at; at--) {
        if (filter->stack[at].kind == opener)
            return at;
        if (filter->stack[at].kind == '{')
            break;
    }
    return 0;
}

/* Closes the innermost bracket on behalf of `token`, which closes something further out or ends the
 * text. Only the innermost of several is reported. */
static void close_unclosed(pk_filter *filter, const pk_token *token)
{
    const pk_bracket *open = &filter->stack[filter->depth];
    if (filter->unclosed_before != token->span.lo && !pk_lexer_is_over(&filter->lexer)) {
        report(filter, PK_DIAG_UNCLOSED, open->span, "`%c` is never closed", open->kind);
        if (token->kind != T_END)
            pk_diag_also(filter->lexer.diags, token->span, "this closes something further out");
    }
    filter->unclosed_before = token->span.lo;
    if (open->kind == '{' && needs_separator(filter, &(pk_token){.kind = '}'}))
        separate(filter, token->kind);
    deliver_made(filter, closer_of(open->kind), token->span.lo);
    pop(filter);
}

/* One step of closing; false when `token` waits for another (what is inside must be closed first).
 */
static bool close_bracket(pk_filter *filter, const pk_token *token)
{
    unsigned opener = find_opener(filter, token->kind);
    if (!opener) {
        if (filter->abandoned && token->kind != '}') {
            filter->abandoned--;
            return true;
        }
        report(filter, PK_DIAG_UNOPENED, token->span, "`%c` closes nothing", (char)token->kind);
        pk_diag_label(filter->lexer.diags, "no `%c` is open here", opener_of(token->kind));
        return true;
    }
    if (opener < filter->depth) {
        close_unclosed(filter, token);
        return false;
    }
    if (token->kind == '}' && needs_separator(filter, token))
        separate(filter, '}');
    deliver(filter, token);
    pop(filter);
    return true;
}

/* The end of the text: closes what is open, one bracket a call, then ends. */
static bool finish(pk_filter *filter, const pk_token *token)
{
    if (filter->depth) {
        close_unclosed(filter, token);
        return false;
    }
    if (needs_separator(filter, token))
        separate(filter, T_END);
    filter->ended = true;
    deliver(filter, token);
    return true;
}

/* ---- one token from the lexer -----------------------------------------------------------------
 */

static void handle_plain(pk_filter *filter, const pk_token *token)
{
    if (needs_separator(filter, token))
        separate(filter, T_SEP);
    if (token->kind == T_NAME && token->joined)
        mark_bare(filter, token);
    deliver(filter, token);
}

/* Turns one token into those to deliver; false when it must be looked at again. */
static bool handle(pk_filter *filter, const pk_token *token)
{
    switch (token->kind) {
    case '(':
    case '[':
    case '{':
        open_bracket(filter, token);
        return true;
    case ')':
    case ']':
    case '}':
        return close_bracket(filter, token);
    case T_END:
        return finish(filter, token);
    case T_SEP:
        if (filter->previous.kind != T_SEP && filter->previous.kind != '{')
            deliver(filter, &(pk_token){.kind = T_SEP, .span = token->span, .cause = ';'});
        return true;
    default:
        handle_plain(filter, token);
        return true;
    }
}

static pk_token take(pk_filter *filter)
{
    pk_token first = filter->queue[0];
    filter->queued--;
    for (unsigned i = 0; i < filter->queued; i++)
        filter->queue[i] = filter->queue[i + 1];
    return first;
}

void pk_filter_next(pk_filter *filter, pk_token *ret_token)
{
    while (!filter->queued && !filter->ended) {
        pk_token token = filter->held;
        filter->held.kind = -1;
        if (token.kind < 0)
            pk_lexer_next(&filter->lexer, &token);
        if (!handle(filter, &token))
            filter->held = token;
    }
    if (filter->queued)
        *ret_token = take(filter);
    else
        *ret_token = (pk_token){.kind = T_END, .span = filter->previous.span};
}

/* ---- for the parser's messages and its recovery -------------------------------------------------
 */

const pk_bracket *pk_filter_open(const pk_filter *filter)
{
    return in_parentheses(filter) ? &filter->stack[filter->depth] : NULL;
}

void pk_filter_abandon(pk_filter *filter)
{
    while (in_parentheses(filter)) {
        pop(filter);
        filter->abandoned++;
    }
}

void pk_filter_reread(pk_filter *filter, const pk_token *token)
{
    bool bracket = token->kind == '(' || token->kind == '[' || token->kind == '{';
    if (bracket || token->kind == T_SEP || filter->queued || filter->held.kind >= 0)
        return;
    filter->held = *token;
    filter->previous = (pk_token){.kind = ')', .span = {token->span.lo, token->span.lo}};
}
