#include "build.h"

#include <string.h>

#include "parser.h"

/* What could stand at the place of the error, as names of tokens. */
typedef struct expected {
    const char *const *names;
    unsigned count;
} expected;

enum { SHOWN_LIMIT = 40, PARTS_LIMIT = 12 };

static bool has(const expected *e, const char *name)
{
    for (unsigned i = 0; i < e->count; i++) {
        if (!strcmp(e->names[i], name))
            return true;
    }
    return false;
}

static bool is_one_of(const char *name, const char *const *words)
{
    for (; *words; words++) {
        if (!strcmp(name, *words))
            return true;
    }
    return false;
}

static pk_bytes text_of(const pk_parser *p, const pk_token *token)
{
    return pk_sources_text(p->sources, token->span);
}

/* ---- what was found ---------------------------------------------------------------------------
 */

static const char *literal_name(const pk_parser *p, const pk_token *token)
{
    pk_ast_kind kind = (pk_ast_kind)pk_ast_get(p->ast, token->node)->kind;
    switch (kind) {
    case PK_AST_INT:
        return "integer";
    case PK_AST_IP4:
        return "IPv4 address";
    case PK_AST_IP6:
        return "IPv6 address";
    case PK_AST_MAC:
        return "MAC address";
    case PK_AST_HEX:
        return "hex string";
    case PK_AST_BITS:
        return "bit string";
    case PK_AST_ERROR:
        return "text";
    default:
        return pk_ast_kind_name(kind);
    }
}

static bool is_keyword(int kind)
{
    return kind >= T_LAYER && kind <= T_WHERE;
}

static void describe(const pk_parser *p, const pk_token *token, pk_buf *out)
{
    pk_bytes text = text_of(p, token);
    int len = (int)(text.len < SHOWN_LIMIT ? text.len : SHOWN_LIMIT);
    const char *more = text.len > SHOWN_LIMIT ? "..." : "";
    if (token->kind == T_END || (token->kind == T_SEP && token->cause == T_END))
        pk_buf_text(out, p->expression ? "end of the expression" : "end of the text");
    else if (token->kind == T_SEP && token->cause == T_SEP)
        pk_buf_text(out, "end of line");
    else if (token->kind == T_SEP && token->cause == '}')
        pk_buf_text(out, "`}`");
    else if (token->kind == T_STRING)
        pk_buf_text(out, "string");
    else if (token->kind == T_INT || token->kind == T_LITERAL || token->kind == T_BAD)
        pk_buf_printf(out, "%s `%.*s%s`", literal_name(p, token), len, (const char *)text.data,
                      more);
    else
        pk_buf_printf(out, "`%.*s%s`", len, (const char *)text.data, more);
}

/* ---- what was expected ------------------------------------------------------------------------
 */

static const char *const value_starts[] = {"name",  "integer", "literal", "string", "'('",
                                           "'['",   "'-'",     "'~'",     "not",    "...",
                                           "flags", "payload", NULL};
static const char *const operators[] = {"or",  "and", "not",    "==",   "!=",  "'<'", "<=",  "'>'",
                                        ">=",  "in",  "except", "'|'",  "'^'", "'&'", "<<",  ">>",
                                        "'+'", "'-'", "'*'",    "'/'",  "'%'", "..",  "'?'", "'('",
                                        "'['", "'.'", "'@'",    "step", NULL};
static const char *const declarations[] = {"layer", "struct", "enum", "flags",  "import",
                                           "param", "let",    "def",  "extend", "alias",
                                           "if",    "where",  "name", "packet", NULL};
static const char *const items[] = {"name", "if",  "within", "bits",  "payload", "case",
                                    "let",  "def", "param",  "alias", NULL};
static const char *const statements[] = {"name", "packet", "where", "let", "on", "for", "if", NULL};
static const char *const never_said[] = {"end of file",     "malformed literal",      "packet",
                                         "start of a file", "start of an expression", NULL};
static const char *const any_name[] = {
    "layer", "struct", "enum",   "flags", "import",  "param", "let",    "def",   "extend", "alias",
    "if",    "else",   "within", "bits",  "payload", "case",  "by",     "until", "for",    "in",
    "on",    "as",     "and",    "or",    "not",     "step",  "except", "where", NULL};

/* Sets of tokens that a person knows by one word. The first whose marks are all expected speaks
 * for all of its members. */
typedef struct group {
    const char *marks[2];
    const char *const *members;
    const char *word;
    bool last; /* said after everything else */
} group;

static const group groups[] = {
    {{"import", "extend"}, declarations, "a declaration or a clause", false},
    {{"case", "bits"}, items, "a field or another item", false},
    {{"for", "on"}, statements, "a clause", false},
    {{"integer", "string"}, value_starts, "a value", false},
    {{"'|'", "or"}, operators, "an operator", true},
};

enum { GROUPS = sizeof groups / sizeof groups[0] };

typedef struct parts {
    const char *words[PARTS_LIMIT];
    unsigned count;
} parts;

static void add_part(parts *list, const char *word)
{
    if (list->count < PARTS_LIMIT)
        list->words[list->count++] = word;
}

/* A place that takes any word as a name expects all keywords; then groups mean nothing. */
static bool takes_any_name(const expected *e)
{
    return has(e, "until") && has(e, "step") && has(e, "import");
}

static bool is_active(const expected *e, const group *g)
{
    return !takes_any_name(e) && has(e, g->marks[0]) && has(e, g->marks[1]);
}

static bool is_covered(const expected *e, const char *name)
{
    if (is_one_of(name, never_said) || (takes_any_name(e) && is_one_of(name, any_name)))
        return true;
    for (unsigned g = 0; g < GROUPS; g++) {
        if (is_active(e, &groups[g]) && is_one_of(name, groups[g].members))
            return true;
    }
    return false;
}

static void add_groups(const expected *e, parts *list, bool last)
{
    for (unsigned g = 0; g < GROUPS; g++) {
        if (groups[g].last == last && is_active(e, &groups[g]))
            add_part(list, groups[g].word);
    }
}

static parts choose_parts(const expected *e)
{
    parts list = {{0}, 0};
    add_groups(e, &list, false);
    for (unsigned i = 0; i < e->count; i++) {
        if (!is_covered(e, e->names[i]))
            add_part(&list, e->names[i]);
    }
    add_groups(e, &list, true);
    return list;
}

static void add_word(const pk_parser *p, pk_buf *out, const char *word)
{
    size_t len = strlen(word);
    if (!strcmp(word, "name"))
        pk_buf_text(out, p->previous.kind == ':' ? "a type" : "a name");
    else if (!strcmp(word, "integer"))
        pk_buf_text(out, "an integer");
    else if (!strcmp(word, "string"))
        pk_buf_text(out, p->previous.kind == T_IMPORT ? "a file name in quotes"
                                                      : "a description in quotes");
    else if (!strcmp(word, "end of line"))
        pk_buf_text(out, p->expression ? "the end of the expression" : "the end of the line");
    else if (strchr(word, ' '))
        pk_buf_text(out, word);
    else if (word[0] == '\'' && len >= 3)
        pk_buf_printf(out, "`%.*s`", (int)(len - 2), word + 1);
    else
        pk_buf_printf(out, "`%s`", word);
}

static void add_expected(const pk_parser *p, const expected *e, pk_buf *out)
{
    parts list = choose_parts(e);
    pk_buf_text(out, list.count ? "expected " : "expected nothing more");
    for (unsigned i = 0; i < list.count; i++) {
        if (i)
            pk_buf_text(out, i + 1 == list.count ? " or " : ", ");
        add_word(p, out, list.words[i]);
    }
}

/* ---- mistakes that have a better name than "unexpected"
 * ------------------------------------------ */

static const char *const clauses[] = {
    "send",  "listen",   "answer", "collect", "timeout", "retry",     "rate",    "inter",
    "burst", "count",    "order",  "seed",    "shard",   "threads",   "probe",   "view",
    "flow",  "respond",  "iface",  "save",    "stop",    "pace",      "show",    "sort",
    "limit", "group",    "table",  "format",  "expect",  "emit",      "done",    "fail",
    "wait",  "guard",    "check",  "canary",  "capture", "stateless", "discard", "speed",
    "loops", "duration", NULL};

static const char *nearest(const char *word, const char *const *candidates)
{
    pk_suggest suggest;
    pk_suggest_begin(&suggest, word);
    for (; *candidates; candidates++)
        pk_suggest_offer(&suggest, *candidates);
    return suggest.best;
}

/* What a keyword at the head of a statement could be, by the kind of block around it. */
static const char *const head_keywords[] = {"layer", "struct", "enum",   "flags", "import", "param",
                                            "let",   "def",    "extend", "alias", "if",     NULL};
static const char *const inner_keywords[] = {"within", "bits",  "payload", "case", "let",   "def",
                                             "param",  "alias", "if",      "for",  "where", NULL};

/* A name before `:` or `=` is no keyword, however much it looks like one. */
static bool is_named(const pk_parser *p, unsigned level)
{
    return level == p->token.level && (p->token.kind == ':' || p->token.kind == '=') &&
           p->previous.span.lo == p->filter.heads[level].span.lo;
}

/* The error may be the consequence of a misspelt keyword further out: `layr foo { a: u8 }` goes
 * wrong at the colon. Outermost first. */
static bool misspelt_keyword(pk_parser *p)
{
    for (unsigned level = 0; level <= p->token.level; level++) {
        const pk_token *head = &p->filter.heads[level];
        const char *word = head->kind == T_NAME ? pk_ast_atom_text(p->ast, head->atom) : "";
        const char *best = nearest(word, level ? inner_keywords : head_keywords);
        bool itself = head->span.lo == p->token.span.lo || is_named(p, level);
        if (!*word || !best || head->joined || itself || is_one_of(word, clauses))
            continue;
        pk_diag_report(p->diags, PK_DIAG_MISSPELT_KEYWORD, head->span, "`%s` is not a keyword",
                       word);
        pk_diag_label(p->diags, "did you mean `%s`?", best);
        p->level = level;
        return true;
    }
    return false;
}

static bool unclosed_bracket(pk_parser *p, const expected *e)
{
    const pk_bracket *open = pk_filter_open(&p->filter);
    const pk_token *token = &p->token;
    bool own = open && open->span.lo == token->span.lo;
    bool line_began = token->newline_before || token->kind == T_SEP || token->kind == '{' ||
                      (p->previous.newline_before && p->previous.kind == T_NAME);
    const char *closer = !open ? "" : open->kind == '(' ? "')'" : "']'";
    if (!open || own || !line_began || !has(e, closer))
        return false;
    p->unclosed = true;
    pk_buf words = {0};
    pk_buf_text(&words, "this was read as still inside it: ");
    add_expected(p, e, &words);
    pk_diag_report(p->diags, PK_DIAG_UNCLOSED, open->span, "`%c` is not closed", open->kind);
    pk_diag_label(p->diags, "opened here");
    pk_diag_also(p->diags, token->span, "%s", pk_buf_cstr(&words));
    pk_buf_free(&words);
    return true;
}

/* `x ? dead:beef::1`: the address swallowed the colon. */
static bool glued_address(pk_parser *p, const expected *e)
{
    const pk_token *before = &p->previous;
    pk_bytes text = text_of(p, before);
    if (before->kind != T_LITERAL || !has(e, "':'") || !text.len || text.data[0] < 'A' ||
        pk_ast_get(p->ast, before->node)->kind != PK_AST_IP6)
        return false;
    pk_buf words = {0};
    describe(p, before, &words);
    pk_diag_report(p->diags, PK_DIAG_SYNTAX, before->span, "unexpected %s", pk_buf_cstr(&words));
    pk_diag_label(p->diags,
                  "names made of hex digits need a space before `:` when an address follows");
    pk_buf_free(&words);
    return true;
}

static bool reserved_word(pk_parser *p, const expected *e)
{
    if (!is_keyword(p->token.kind) || p->token.newline_before || !has(e, "name") || has(e, "'+'"))
        return false;
    pk_bytes text = text_of(p, &p->token);
    pk_diag_report(p->diags, PK_DIAG_RESERVED, p->token.span, "`%.*s` is a reserved word",
                   (int)text.len, (const char *)text.data);
    pk_diag_label(p->diags,
                  has(e, "integer") ? "as a field it is written this.%.*s" : "choose another name",
                  (int)text.len, (const char *)text.data);
    return true;
}

static bool chained(pk_parser *p, const expected *e)
{
    bool range = p->token.kind == T_DOTDOT;
    switch (p->token.kind) {
    case T_EQ:
    case T_NE:
    case '<':
    case T_LE:
    case '>':
    case T_GE:
    case T_IN:
    case T_DOTDOT:
        break;
    default:
        return false;
    }
    if (!has(e, "and"))
        return false;
    pk_diag_report(p->diags, PK_DIAG_NO_CHAIN, p->token.span, "%s do not chain",
                   range ? "ranges" : "comparisons");
    pk_diag_label(p->diags, "%s",
                  range ? "a range has two ends, and `step` for its stride"
                        : "write `a < b and b < c`");
    return true;
}

static bool assignment(pk_parser *p, const expected *e)
{
    const pk_token *head = &p->filter.heads[p->token.level];
    if (p->token.kind != '=' && p->token.kind != ':')
        return false;
    bool first = head->kind == T_NAME && head->span.lo == p->previous.span.lo;
    if (p->token.kind == '=' && first) {
        const char *word = pk_ast_atom_text(p->ast, head->atom);
        pk_diag_report(p->diags, PK_DIAG_ASSIGNMENT, p->token.span,
                       "`=` after the name of a clause");
        pk_diag_label(p->diags, "write `%s VALUE`, or `let %s = VALUE` for a new name", word, word);
        return true;
    }
    if (p->token.kind == ':' && first) {
        pk_diag_report(p->diags, PK_DIAG_SYNTAX, p->token.span, "a field outside of a layer");
        pk_diag_label(p->diags, "fields stand inside `layer`, `struct` or `case`; a parameter "
                                "begins with `param`");
        return true;
    }
    if (p->token.kind != '=' || !has(e, "=="))
        return false;
    pk_diag_report(p->diags, PK_DIAG_SYNTAX, p->token.span, "unexpected `=`");
    pk_diag_label(p->diags, "to compare write `==`");
    return true;
}

/* ---- the report -------------------------------------------------------------------------------
 */

/* A statement in which the lexer found fault is not blamed twice. */
static bool already_blamed(const pk_parser *p)
{
    uint32_t at = p->filter.lexer.last_error;
    return at && at >= p->filter.heads[p->token.level].span.lo && at <= p->token.span.hi;
}

static void unexpected(pk_parser *p, const expected *e)
{
    pk_buf words = {0};
    describe(p, &p->token, &words);
    pk_diag_report(p->diags, PK_DIAG_SYNTAX, p->token.span, "unexpected %s", pk_buf_cstr(&words));
    pk_buf_clear(&words);
    add_expected(p, e, &words);
    pk_diag_label(p->diags, "%s", pk_buf_cstr(&words));
    pk_buf_free(&words);
}

void pk_message_syntax(pk_parser *p, const char *const *names, unsigned count)
{
    expected e = {names, count};
    p->level = p->token.level;
    if (already_blamed(p))
        return;
    if (misspelt_keyword(p) || unclosed_bracket(p, &e) || glued_address(p, &e) || chained(p, &e) ||
        assignment(p, &e) || reserved_word(p, &e))
        return;
    unexpected(p, &e);
}

void pk_message_depth(pk_parser *p)
{
    if (p->fatal)
        return;
    p->fatal = true;
    pk_diag_report(p->diags, PK_DIAG_EXPRESSION_DEPTH, p->token.span, "this is nested too deeply");
    pk_diag_label(p->diags, "at most %d operators one on top of the other (PK_AST_DEPTH_LIMIT)",
                  PK_AST_DEPTH_LIMIT);
}
