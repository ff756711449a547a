#include "lexer.h"

#include <string.h>

#include "base/escape.h"
#include "base/literal.h"
#include "parser.h"

void pk_lexer_begin(pk_lexer *lexer, pk_ast *ast, const pk_sources *sources, pk_span span,
                    pk_diags *diags)
{
    pk_bytes text = pk_sources_text(sources, span);
    *lexer = (pk_lexer){.base = span.lo, .ast = ast, .diags = diags};
    if (text.data[text.len]) { /* a part of a source: the automaton needs a NUL behind it */
        pk_buf_add(&lexer->part, text.data, text.len);
        text = (pk_bytes){(const uint8_t *)pk_buf_cstr(&lexer->part), lexer->part.len};
    }
    lexer->begin = text.data;
    lexer->at = text.data;
    lexer->limit = text.data + text.len;
    if (text.len >= 3 && !memcmp(text.data, "\xef\xbb\xbf", 3))
        lexer->at += 3; /* a byte order mark */
}

void pk_lexer_end(pk_lexer *lexer)
{
    pk_buf_free(&lexer->scratch);
    pk_buf_free(&lexer->part);
}

static pk_span span_of(const pk_lexer *lexer, const uint8_t *from, const uint8_t *to)
{
    return (pk_span){lexer->base + (uint32_t)(from - lexer->begin),
                     lexer->base + (uint32_t)(to - lexer->begin)};
}

void pk_lexer_report(pk_lexer *lexer, pk_diag_code code, const uint8_t *from, const uint8_t *to,
                     const char *message)
{
    pk_span span = span_of(lexer, from, to);
    pk_diag_report(lexer->diags, code, span, "%s", message);
    lexer->last_error = span.lo;
}

/* ---- names and keywords ----------------------------------------------------------------------- */

static bool too_long(pk_lexer *lexer, const uint8_t *from, const char *message)
{
    if (lexer->at - from <= PK_NAME_LIMIT)
        return false;
    pk_lexer_report(lexer, PK_DIAG_LITERAL_SIZE, from, lexer->at, message);
    pk_diag_label(lexer->diags, "at most %d characters (PK_NAME_LIMIT)", PK_NAME_LIMIT);
    return true;
}

static const uint8_t *skip_blanks(const pk_lexer *lexer, bool lines)
{
    const uint8_t *at = lexer->at;
    while (at < lexer->limit && (*at == ' ' || *at == '\t' || *at == '\r' || (lines && *at == '\n')))
        at++;
    return at;
}

/* After `.` and `as`, before `=` and before `:` a keyword is an ordinary name: no rule of the grammar has
 * a keyword there. (`==`, `=>` and `::` are other tokens.) */
static bool is_soft(const pk_lexer *lexer)
{
    if (lexer->previous == '.' || lexer->previous == T_AS)
        return true;
    const uint8_t *next = skip_blanks(lexer, false);
    if (next == lexer->limit)
        return false;
    uint8_t after = next + 1 < lexer->limit ? next[1] : 0;
    return (*next == '=' && after != '=' && after != '>') || (*next == ':' && after != ':');
}

/* Whether what follows a name makes it the beginning of an expression. */
static bool is_joined(const pk_lexer *lexer)
{
    const uint8_t *next = skip_blanks(lexer, true);
    if (next == lexer->limit)
        return false;
    if (*next == '(')
        return next == skip_blanks(lexer, false);
    bool dots = next + 1 < lexer->limit && next[1] == '.';
    return *next == '/' || *next == '@' || (*next == '.' && !dots);
}

/* While a statement is skipped only what may begin the next one is kept. */
static bool is_unwanted(const pk_lexer *lexer, const pk_token *token)
{
    return lexer->skipping && !token->newline_before && lexer->previous != '}' &&
           lexer->previous != T_SEP;
}

static int name(pk_lexer *lexer, const uint8_t *from, pk_token *token)
{
    size_t len = (size_t)(lexer->at - from);
    if (too_long(lexer, from, "this name is too long"))
        len = PK_NAME_LIMIT;
    if (!is_unwanted(lexer, token))
        token->atom = pk_ast_atom(lexer->ast, (const char *)from, len);
    token->joined = is_joined(lexer);
    return T_NAME;
}

static int keyword(pk_lexer *lexer, const uint8_t *from, pk_token *token, int kind)
{
    if (is_soft(lexer))
        return name(lexer, from, token);
    token->atom = pk_ast_atom(lexer->ast, (const char *)from, (size_t)(lexer->at - from));
    return kind;
}

/* ---- numbers and addresses -------------------------------------------------------------------- */

static pk_node add(pk_lexer *lexer, pk_ast_kind kind, const uint8_t *from, uint32_t a, uint32_t b,
                   uint32_t c, uint64_t value)
{
    if (lexer->skipping)
        return 0;
    return pk_ast_add(lexer->ast, kind, span_of(lexer, from, lexer->at), a, b, c, 0, value);
}

static pk_diag_code code_of(pk_literal_error error)
{
    switch (error) {
    case PK_LITERAL_E_IP4_PARTS:
    case PK_LITERAL_E_IP4_OCTET:
    case PK_LITERAL_E_PREFIX:
    case PK_LITERAL_E_IP6_GROUP:
    case PK_LITERAL_E_IP6_COUNT:
    case PK_LITERAL_E_IP6_GAPS:
    case PK_LITERAL_E_ZONE:
    case PK_LITERAL_E_MAC:
        return PK_DIAG_BAD_ADDRESS;
    default:
        return PK_DIAG_BAD_NUMBER;
    }
}

/* Malformed parts of an address are underlined alone, of a number the whole. */
static int bad_literal(pk_lexer *lexer, const uint8_t *from, const pk_literal_fault *fault,
                       pk_token *token)
{
    const char *text = (const char *)from;
    size_t len = (size_t)(lexer->at - from);
    pk_diag_code code = code_of(fault->error);
    bool part = code == PK_DIAG_BAD_ADDRESS && fault->len;
    const uint8_t *lo = part ? from + fault->at : from;
    const uint8_t *hi = part ? lo + fault->len : lexer->at;
    pk_buf words = {0};
    pk_literal_explain(&words, fault, text, len);
    pk_lexer_report(lexer, code, lo, hi, pk_buf_cstr(&words));
    pk_buf_clear(&words);
    pk_literal_help(&words, fault, text, len);
    pk_diag_label(lexer->diags, "%s", pk_buf_cstr(&words));
    pk_buf_free(&words);
    token->node = add(lexer, PK_AST_ERROR, from, 0, 0, 0, 0);
    return T_BAD;
}

static uint64_t bits_of(double number)
{
    uint64_t bits = 0;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static pk_node add_address(pk_lexer *lexer, const uint8_t *from, const pk_literal *lit)
{
    if (lexer->skipping)
        return 0;
    if (lit->kind == PK_LITERAL_MAC)
        return add(lexer, PK_AST_MAC, from, pk_ast_blob(lexer->ast, lit->address, 6), 0, 0, 0);
    if (lit->kind == PK_LITERAL_IP4)
        return add(lexer, PK_AST_IP4, from, pk_ast_blob(lexer->ast, lit->address, 4), lit->prefix, 0,
                   0);
    pk_atom zone = lit->zone ? pk_ast_atom(lexer->ast, lit->zone, lit->zone_len) : 0;
    return add(lexer, PK_AST_IP6, from, pk_ast_blob(lexer->ast, lit->address, 16), lit->prefix, zone,
               0);
}

static int literal(pk_lexer *lexer, const uint8_t *from, pk_token *token)
{
    pk_literal lit = {0};
    pk_literal_fault fault = {PK_LITERAL_FINE, 0, 0};
    if (too_long(lexer, from, "this number or address is too long")) {
        token->node = add(lexer, PK_AST_ERROR, from, 0, 0, 0, 0);
        return T_BAD;
    }
    if (pk_literal_parse((const char *)from, (size_t)(lexer->at - from), &lit, &fault))
        return bad_literal(lexer, from, &fault, token);
    switch (lit.kind) {
    case PK_LITERAL_INT:
        token->node = add(lexer, PK_AST_INT, from, 0, 0, 0, lit.integer);
        return T_INT;
    case PK_LITERAL_NUMBER:
        token->node = add(lexer, PK_AST_NUMBER, from, 0, 0, 0, bits_of(lit.number));
        return T_LITERAL;
    case PK_LITERAL_DURATION:
        token->node = add(lexer, PK_AST_DURATION, from, 0, 0, 0, lit.integer);
        return T_LITERAL;
    case PK_LITERAL_RATE:
        token->node = add(lexer, PK_AST_RATE, from, lit.unit == PK_RATE_BITS, 0, 0,
                          bits_of(lit.number));
        return T_LITERAL;
    case PK_LITERAL_IP4:
    case PK_LITERAL_IP6:
    case PK_LITERAL_MAC:
        token->node = add_address(lexer, from, &lit);
        return T_LITERAL;
    }
    return T_LITERAL;
}

/* ---- other languages' spellings --------------------------------------------------------------- */

static int foreign(pk_lexer *lexer, const uint8_t *from, int kind, const char *label)
{
    pk_buf words = {0};
    pk_buf_printf(&words, "`%.*s` is not an operator here", (int)(lexer->at - from),
                  (const char *)from);
    pk_lexer_report(lexer, PK_DIAG_SYNTAX, from, lexer->at, pk_buf_cstr(&words));
    pk_diag_label(lexer->diags, "%s", label);
    pk_buf_free(&words);
    return kind;
}

static void foreign_comment(pk_lexer *lexer, const uint8_t *from)
{
    pk_lexer_report(lexer, PK_DIAG_SYNTAX, from, lexer->at,
                    "this does not begin a comment, and `/` stacks two layers");
    pk_diag_label(lexer->diags, "comments begin with #");
    pk_lexer_comment(lexer);
}

/* ---- the tokens ------------------------------------------------------------------------------- */

/* A text with this many errors is no description: the rest is not looked at. */
enum { NOTHING = -1, HOPELESS = 1000 };

/* One token from the text; NOTHING when what was read is none (blanks, comments, reported rubbish). */
static int scan(pk_lexer *lexer, const uint8_t **ret_from, pk_token *token)
{
    const uint8_t *marker = lexer->at;
    const uint8_t *from = lexer->at;
    *ret_from = from;
    /*!re2c
        re2c:define:YYCTYPE = "uint8_t";
        re2c:define:YYCURSOR = lexer->at;
        re2c:define:YYLIMIT = lexer->limit;
        re2c:define:YYMARKER = marker;
        re2c:yyfill:enable = 0;
        re2c:eof = 0;
        re2c:encoding:utf8 = 1;
        re2c:encoding-policy = fail;
        re2c:indent:string = "    ";

        word   = [A-Za-z0-9_];
        part   = [0-9] word*;
        length = "/" part;
        group  = [0-9A-Fa-f]+;
        groups = group (":" group)*;
        dotted = "." [0-9]+ ("." [0-9]+)*;
        zone   = "%" word (word | [.-] word)*;
        gap    = groups? "::" groups? ("::" groups?)*;
        junk   = [g-zG-Z_] word*;

        $            { return T_END; }
        [ \t\r\f\v]+ { return NOTHING; }
        "\n"         { token->newline_before = true; return NOTHING; }
        "#"          { pk_lexer_comment(lexer); return NOTHING; }
        "//" | "/*"  { foreign_comment(lexer, from); return NOTHING; }

        "layer"   { return keyword(lexer, from, token, T_LAYER); }
        "struct"  { return keyword(lexer, from, token, T_STRUCT); }
        "enum"    { return keyword(lexer, from, token, T_ENUM); }
        "flags"   { return keyword(lexer, from, token, T_FLAGS); }
        "import"  { return keyword(lexer, from, token, T_IMPORT); }
        "param"   { return keyword(lexer, from, token, T_PARAM); }
        "let"     { return keyword(lexer, from, token, T_LET); }
        "def"     { return keyword(lexer, from, token, T_DEF); }
        "extend"  { return keyword(lexer, from, token, T_EXTEND); }
        "alias"   { return keyword(lexer, from, token, T_ALIAS); }
        "if"      { return keyword(lexer, from, token, T_IF); }
        "else"    { return keyword(lexer, from, token, T_ELSE); }
        "within"  { return keyword(lexer, from, token, T_WITHIN); }
        "bits"    { return keyword(lexer, from, token, T_BITS); }
        "payload" { return keyword(lexer, from, token, T_PAYLOAD); }
        "case"    { return keyword(lexer, from, token, T_CASE); }
        "by"      { return keyword(lexer, from, token, T_BY); }
        "until"   { return keyword(lexer, from, token, T_UNTIL); }
        "for"     { return keyword(lexer, from, token, T_FOR); }
        "in"      { return keyword(lexer, from, token, T_IN); }
        "on"      { return keyword(lexer, from, token, T_ON); }
        "as"      { return keyword(lexer, from, token, T_AS); }
        "and"     { return keyword(lexer, from, token, T_AND); }
        "or"      { return keyword(lexer, from, token, T_OR); }
        "not"     { return keyword(lexer, from, token, T_NOT); }
        "step"    { return keyword(lexer, from, token, T_STEP); }
        "except"  { return keyword(lexer, from, token, T_EXCEPT); }
        "where"   { return keyword(lexer, from, token, T_WHERE); }
        [A-Za-z_] word* { return name(lexer, from, token); }

        part ("." part)?                          { return literal(lexer, from, token); }
        part ("." part){2,} length?               { return literal(lexer, from, token); }
        gap dotted? zone? length?                 { return literal(lexer, from, token); }
        group (":" group){4,} dotted? zone? length? { return literal(lexer, from, token); }
        (gap | group (":" group){4,}) junk        { return literal(lexer, from, token); }

        [bB]? ["']    { token->node = pk_lexer_string(lexer, from); return T_STRING; }
        [xX] ["']     { token->node = pk_lexer_hex(lexer, from); return T_LITERAL; }
        "bits" ["']   { token->node = pk_lexer_bits(lexer, from); return T_LITERAL; }
        [A-Za-z] ["'] {
            pk_lexer_report(lexer, PK_DIAG_UNKNOWN_PREFIX, from, from + 1,
                            "unknown letter before a string");
            pk_diag_label(lexer->diags, "only x (hex), b (bytes) and bits may stand there");
            token->node = pk_lexer_string(lexer, from);
            return T_STRING;
        }

        "..." { return T_SKIP; }
        ".."  { return T_DOTDOT; }
        "=>"  { return T_ARROW; }
        "=="  { return T_EQ; }
        "!="  { return T_NE; }
        "<="  { return T_LE; }
        ">="  { return T_GE; }
        "<<"  { return T_SHL; }
        ">>"  { return T_SHR; }
        ";"   { return T_SEP; }
        "&&"  { return foreign(lexer, from, T_AND, "write `and`"); }
        "||"  { return foreign(lexer, from, T_OR, "write `or`"); }
        "!"   { return foreign(lexer, from, T_NOT, "write `not`"); }
        "**"  { return foreign(lexer, from, '*', "powers of two are written 1 << n"); }
        [()[\]{},:.=<>+\-*/%&|^~?@] { return *from; }

        * {
            return pk_lexer_strange(lexer, from, &token->node) ? T_STRING : NOTHING;
        }
    */
}

bool pk_lexer_is_over(const pk_lexer *lexer)
{
    return pk_ast_exhausted(lexer->ast) || pk_diags_errors(lexer->diags) > HOPELESS;
}

void pk_lexer_next(pk_lexer *lexer, pk_token *ret_token)
{
    pk_token token = {.newline_before = lexer->at == lexer->begin};
    const uint8_t *from = lexer->at;
    do
        token.kind = scan(lexer, &from, &token);
    while (token.kind == NOTHING && !pk_lexer_is_over(lexer));
    if (token.kind == NOTHING || pk_lexer_is_over(lexer))
        token.kind = T_END;
    token.span = span_of(lexer, from, lexer->at);
    lexer->previous = token.kind;
    *ret_token = token;
}
