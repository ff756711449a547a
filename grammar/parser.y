/*
 * The grammar of LANGUAGE.md, as bison accepts it: LALR(1), no conflict, nothing decided by the
 * order of rules. Actions make nodes and nothing else. No %destructor: values are indices and
 * chains of indices into the tree, which dies as a whole.
 *
 * Two tokens are made by the filter: SEP ends a statement, and BARE goes before a statement that
 * begins with a packet expression instead of the name of a clause. `tight` are the operators that
 * bind tighter than a range, so that a range is not associative and `step` belongs to it alone.
 */
%define api.pure full
%define api.push-pull push
%define api.prefix {pk_grammar_}
%define api.token.prefix {T_}
%define api.location.type {pk_span}
%define parse.error custom
%define parse.lac full
%define locations
%expect 0
%parse-param {pk_parser *p}

%code requires {
#include "build.h"
}

%code {
#define YYLLOC_DEFAULT(current, rhs, n)                                                            \
    do {                                                                                           \
        (current).lo = (n) ? YYRHSLOC(rhs, 1).lo : YYRHSLOC(rhs, 0).hi;                            \
        (current).hi = YYRHSLOC(rhs, n).hi;                                                        \
    } while (0)

static void pk_grammar_error(const pk_span *at, pk_parser *p, const char *message);

/* The shapes of node that most rules make. */
#define NODE(kind, span, a, b, c, d, value) pk_build(p, PK_AST_##kind, span, a, b, c, d, value)
#define BINARY(span, op, a, b)              pk_build_binary(p, span, PK_OP_##op, a, b)
#define EXPR(kind, span, a, b, c, nodes)    pk_build_expr(p, PK_AST_##kind, span, a, b, c, nodes)
}

%union {
    pk_node node;
    pk_atom atom;
    pk_chain chain;
}

%token END 0        "end of file"
%token SEP          "end of line"
%token BARE         "packet"
%token TEXT_MARK    "start of a file"
%token EXPR_MARK    "start of an expression"

%token <atom> NAME    "name"
%token <node> INT     "integer"
%token <node> LITERAL "literal"
%token <node> STRING  "string"
%token <node> BAD     "malformed literal"

%token <atom> LAYER "layer" STRUCT "struct" ENUM "enum" FLAGS "flags" IMPORT "import"
%token <atom> PARAM "param" LET "let" DEF "def" EXTEND "extend" ALIAS "alias" IF "if" ELSE "else"
%token <atom> WITHIN "within" BITS "bits" PAYLOAD "payload" CASE "case" BY "by" UNTIL "until"
%token <atom> FOR "for" IN "in" ON "on" AS "as" AND "and" OR "or" NOT "not" STEP "step"
%token <atom> EXCEPT "except" WHERE "where"

%token SKIP "..." DOTDOT ".." ARROW "=>" EQ "==" NE "!=" LE "<=" GE ">=" SHL "<<" SHR ">>"

%right '?' ':'
%left OR
%left AND
%right NOT
%nonassoc EQ NE '<' LE '>' GE IN
%left EXCEPT
%left '|'
%left '^'
%left '&'
%left SHL SHR
%left '+' '-'
%left '*' '/' '%'
%precedence UNARY

%type <node> decl import param let def enum flags alias layer struct extend
%type <node> bind bindpart formal entry type prim listtype structhead
%type <node> item field within_item bits_item payload_item case_item if_item
%type <node> stmt clause where send on for if_stmt body
%type <node> expr tight postfix primary nth arg carg
%type <node> opt_default opt_help opt_type opt_within opt_form opt_where name
%type <atom> anyname opt_as opt_struct_as
%type <chain> decls binds opt_binds bindparts opt_formals formals enum_body entries entry_list
%type <chain> items item_block opt_items item_else stmts block stmt_else names
%type <chain> exprs opt_args args cargs opt_by

%%

start:
    TEXT_MARK decls END     { p->result = NODE(FILE, @$, $decls.head, 0, 0, 0, 0); }
  | EXPR_MARK expr SEP END  { p->result = $expr; }
  | EXPR_MARK error SEP END { p->result = NODE(ERROR, @2, 0, 0, 0, 0, 0); }
  ;

/* ---- declarations ---- */

decls:
    %empty          { $$ = pk_chain_one(0); }
  | decls decl SEP  { $$ = pk_chain_add(p, $1, $decl); }
  | decls error SEP { $$ = pk_chain_add(p, $1, NODE(ERROR, @2, 0, 0, 0, 0, 0)); yyerrok; }
  ;

decl:
    import | param | let | def | enum | flags | alias | layer | struct | extend
  | if_stmt | clause | where | send
  | NAME '=' expr opt_help {
        $$ = NODE(LET, @$, NODE(NAME, @NAME, $NAME, 0, 0, 0, 0), $expr, 0, pk_build_blob(p, $opt_help), 0);
    }
  ;

import: IMPORT STRING { $$ = NODE(IMPORT, @$, pk_build_blob(p, $STRING), 0, 0, 0, 0); };

param:
    PARAM NAME ':' type opt_default opt_help {
        $$ = NODE(PARAM, @$, $NAME, $type, $opt_default, pk_build_blob(p, $opt_help), 0);
    }
  ;

let:
    LET name '=' expr opt_help {
        $$ = NODE(LET, @$, $name, $expr, 0, pk_build_blob(p, $opt_help), 0);
    }
  | LET '(' names opt_comma ')' '=' expr opt_help {
        $$ = NODE(LET, @$, $names.head, $expr, 0, pk_build_blob(p, $opt_help), 1);
    }
  ;

name: NAME { $$ = NODE(NAME, @$, $NAME, 0, 0, 0, 0); };
names:
    name           { $$ = pk_chain_one($name); }
  | names ',' name { $$ = pk_chain_add(p, $1, $name); }
  ;

def:
    DEF NAME '=' expr opt_help {
        $$ = NODE(DEF, @$, $NAME, 0, $expr, pk_build_blob(p, $opt_help), 0);
    }
  | DEF NAME '(' opt_formals ')' '=' expr opt_help {
        $$ = NODE(DEF, @$, $NAME, $opt_formals.head, $expr, pk_build_blob(p, $opt_help), 1);
    }
  ;

opt_formals: %empty { $$ = pk_chain_one(0); } | formals opt_comma;
formals:
    formal             { $$ = pk_chain_one($formal); }
  | formals ',' formal { $$ = pk_chain_add(p, $1, $formal); }
  ;
formal: NAME opt_type { $$ = NODE(FORMAL, @$, $NAME, $opt_type, 0, 0, 0); };

enum:
    ENUM NAME ':' type enum_body {
        $$ = NODE(ENUM, @$, $NAME, $type, 0, $enum_body.head, 0);
    }
  | ENUM NAME '[' expr ']' enum_body {
        $$ = NODE(ENUM, @$, $NAME, 0, $expr, $enum_body.head, 0);
    }
  ;
flags: FLAGS NAME enum_body { $$ = NODE(FLAGS, @$, $NAME, $enum_body.head, 0, 0, 0); };

/* Entries are separated by commas; ends of lines do as well. */
enum_body: '{' entries '}' { $$ = $entries; };
entries: entry_list | entry_list entry { $$ = pk_chain_add(p, $1, $entry); };
entry_list:
    %empty                     { $$ = pk_chain_one(0); }
  | entry_list entry ','       { $$ = pk_chain_add(p, $1, $entry); }
  | entry_list entry SEP       { $$ = pk_chain_add(p, $1, $entry); }
  | entry_list error SEP       { $$ = pk_chain_add(p, $1, NODE(ERROR, @2, 0, 0, 0, 0, 0)); yyerrok; }
  ;
entry:
    anyname opt_default opt_help {
        $$ = NODE(ENTRY, @$, $anyname, $opt_default, 0, pk_build_blob(p, $opt_help), 0);
    }
  ;

alias:
    ALIAS anyname[new] '=' anyname[old] opt_help {
        $$ = NODE(ALIAS, @$, $new, $old, 0, pk_build_blob(p, $opt_help), 0);
    }
  | ALIAS anyname[new] '=' anyname[old] '(' opt_args ')' opt_help {
        $$ = NODE(ALIAS, @$, $new, $old, $opt_args.head, pk_build_blob(p, $opt_help), 0);
    }
  ;

layer:
    LAYER NAME opt_help opt_binds item_block {
        $$ = NODE(LAYER, @$, $NAME, $opt_binds.head, $item_block.head, pk_build_blob(p, $opt_help),
                  0);
    }
  ;

struct:
    STRUCT NAME structhead[head] opt_binds opt_struct_as item_block {
        pk_node head = $head;
        if (!head && $opt_struct_as)
            head = NODE(STRUCTHEAD, @opt_struct_as, 0, 0, 0, 0, 0);
        if ($opt_struct_as && head)
            pk_ast_edit(p->ast, head)->b = $opt_struct_as;
        $$ = NODE(STRUCT, @$, $NAME, $opt_binds.head, $item_block.head, head, 0);
    }
  ;
structhead:
    opt_help {
        $$ = $1 ? NODE(STRUCTHEAD, @$, 0, 0, 0, pk_build_blob(p, $1), 0) : 0;
    }
  | '(' opt_formals ')' opt_help {
        $$ = NODE(STRUCTHEAD, @$, $opt_formals.head, 0, 0, pk_build_blob(p, $opt_help), 0);
    }
  ;
opt_struct_as: %empty { $$ = 0; } | AS anyname { $$ = $2; };

extend:
    EXTEND NAME opt_binds opt_items {
        $$ = NODE(EXTEND, @$, $NAME, $opt_binds.head, $opt_items.head, 0, 0);
    }
  ;

opt_binds: %empty { $$ = pk_chain_one(0); } | ON binds { $$ = $2; };
binds:
    bind           { $$ = pk_chain_one($bind); }
  | binds ',' bind { $$ = pk_chain_add(p, $1, $bind); }
  ;
bind: bindparts { $$ = NODE(BIND, @$, $1.head, 0, 0, 0, 0); };
bindparts:
    bindpart               { $$ = pk_chain_one($bindpart); }
  | bindparts '/' bindpart { $$ = pk_chain_add(p, $1, $bindpart); }
  ;
bindpart:
    NAME                  { $$ = NODE(BINDPART, @$, $NAME, 0, 0, 0, 0); }
  | NAME '(' opt_args ')' { $$ = NODE(BINDPART, @$, $NAME, $opt_args.head, 0, 0, 0); }
  ;

opt_help: %empty { $$ = 0; } | STRING;
opt_comma: %empty | ',';
opt_type: %empty { $$ = 0; } | ':' type { $$ = $2; };
opt_default: %empty { $$ = 0; } | '=' expr { $$ = $2; };

/* Where nothing else can stand, reserved words are names. */
anyname:
    NAME | LAYER | STRUCT | ENUM | FLAGS | IMPORT | PARAM | LET | DEF | EXTEND | ALIAS | IF | ELSE
  | WITHIN | BITS | PAYLOAD | CASE | BY | UNTIL | FOR | IN | ON | AS | AND | OR | NOT | STEP | EXCEPT
  | WHERE
  ;

/* ---- items of layers ---- */

items:
    %empty          { $$ = pk_chain_one(0); }
  | items item SEP  { $$ = pk_chain_add(p, $1, $item); }
  | items error SEP { $$ = pk_chain_add(p, $1, NODE(ERROR, @2, 0, 0, 0, 0, 0)); yyerrok; }
  ;
item_block: '{' items '}' { $$ = $items; };
opt_items: %empty { $$ = pk_chain_one(0); } | item_block;

item: field | if_item | within_item | bits_item | payload_item | case_item | let | def | param | alias;

field:
    NAME ':' type opt_within opt_form opt_default opt_help {
        pk_node tail = pk_build_tail(p, @$, $opt_within, $opt_form, $opt_help);
        $$ = NODE(FIELD, @$, $NAME, $type, $opt_default, tail, 0);
    }
  ;
opt_within: %empty { $$ = 0; } | WITHIN expr { $$ = $2; };
opt_form:
    %empty     { $$ = 0; }
  | AS anyname { $$ = NODE(NAME, @2, $2, 0, 0, 0, 0); }
  | AS anyname '[' expr ']' {
        pk_node form = NODE(NAME, @2, $2, 0, 0, 0, 0);
        $$ = NODE(INDEX, @$, form, $expr, 0, 0, 0);
    }
  ;

if_item:
    IF expr item_block item_else {
        $$ = NODE(IF, @$, $expr, $item_block.head, $item_else.head, 0, 0);
    }
  ;
item_else:
    %empty          { $$ = pk_chain_one(0); }
  | ELSE item_block { $$ = $item_block; }
  | ELSE if_item    { $$ = pk_chain_one($if_item); }
  ;

within_item: WITHIN expr item_block { $$ = NODE(WITHIN, @$, $expr, $item_block.head, 0, 0, 0); };
bits_item: BITS type item_block { $$ = NODE(BITGROUP, @$, $type, $item_block.head, 0, 0, 0); };

payload_item:
    PAYLOAD opt_by             { $$ = NODE(PAYLOAD, @$, $opt_by.head, 0, 0, 0, 0); }
  | PAYLOAD opt_by WITHIN expr { $$ = NODE(PAYLOAD, @$, $opt_by.head, $expr, 0, 0, 0); }
  | PAYLOAD opt_by ELSE NAME   { $$ = NODE(PAYLOAD, @$, $opt_by.head, 0, $NAME, 0, 0); }
  | PAYLOAD opt_by WITHIN expr ELSE NAME {
        $$ = NODE(PAYLOAD, @$, $opt_by.head, $expr, $NAME, 0, 0);
    }
  | PAYLOAD opt_by ELSE NAME WITHIN expr {
        $$ = NODE(PAYLOAD, @$, $opt_by.head, $expr, $NAME, 0, 0);
    }
  ;
opt_by: %empty { $$ = pk_chain_one(0); } | BY exprs { $$ = $2; };

case_item:
    CASE NAME '=' expr opt_help opt_items {
        $$ = NODE(CASE, @$, $NAME, $expr, $opt_items.head, pk_build_blob(p, $opt_help), 0);
    }
  ;

/* ---- types ---- */

type:
    prim
  | prim listtype {
        pk_ast_node *type = pk_ast_edit(p->ast, $prim);
        $$ = $prim;
        if (type) {
            type->c = $listtype;
            type->span = @$;
        }
    }
  ;
prim:
    NAME                  { $$ = NODE(TYPE, @$, $NAME, 0, 0, 0, 0); }
  | NAME '(' opt_args ')' { $$ = NODE(TYPE, @$, $NAME, $opt_args.head, 0, 0, 0); }
  ;
listtype:
    '[' ']'                       { $$ = NODE(LISTTYPE, @$, PK_LIST_WINDOW, 0, 0, 0, 0); }
  | '[' ']' UNTIL expr            { $$ = NODE(LISTTYPE, @$, PK_LIST_UNTIL, $expr, 0, 0, 0); }
  | '[' expr ']'                  { $$ = NODE(LISTTYPE, @$, PK_LIST_COUNT, $expr, 0, 0, 0); }
  | '[' FOR NAME IN expr ']'      { $$ = NODE(LISTTYPE, @$, PK_LIST_FOR, $expr, $NAME, 0, 0); }
  ;

/* ---- statements ---- */

stmts:
    %empty          { $$ = pk_chain_one(0); }
  | stmts stmt SEP  { $$ = pk_chain_add(p, $1, $stmt); }
  | stmts error SEP { $$ = pk_chain_add(p, $1, NODE(ERROR, @2, 0, 0, 0, 0, 0)); yyerrok; }
  ;
block: '{' stmts '}' { $$ = $stmts; };

stmt: clause | where | send | let | on | for | if_stmt;

clause:
    NAME                 { $$ = NODE(CLAUSE, @$, $NAME, 0, 0, 0, 0); }
  | NAME cargs           { $$ = NODE(CLAUSE, @$, $NAME, $cargs.head, 0, 0, 0); }
  | NAME cargs WHERE expr { $$ = NODE(CLAUSE, @$, $NAME, $cargs.head, 0, $expr, 0); }
  | NAME ',' cargs       { $$ = NODE(CLAUSE, @$, $NAME, $cargs.head, 0, 0, 0); }
  | NAME block           { $$ = NODE(CLAUSE, @$, $NAME, 0, $block.head, 0, 1); }
  | NAME cargs block     { $$ = NODE(CLAUSE, @$, $NAME, $cargs.head, $block.head, 0, 1); }
  ;
send: BARE cargs { $$ = pk_build_send(p, @$, $cargs); };
where: WHERE expr { $$ = NODE(WHERE, @$, $expr, 0, 0, 0, 0); };

cargs:
    carg           { $$ = pk_chain_one($carg); }
  | cargs ',' carg { $$ = pk_chain_add(p, $1, $carg); }
  ;
carg:
    expr opt_as               { $$ = pk_build_arg(p, PK_AST_CARG, @$, 0, $expr, $opt_as); }
  | expr[path] '=' expr[value] { $$ = pk_build_arg(p, PK_AST_CARG, @$, $path, $value, 0); }
  ;
opt_as: %empty { $$ = 0; } | AS anyname { $$ = $2; };

on:
    ON cargs opt_where ARROW body {
        $$ = NODE(ON, @$, $cargs.head, $opt_where, $body, 0, 0);
    }
  | ON cargs opt_where ARROW block {
        $$ = NODE(ON, @$, $cargs.head, $opt_where, $block.head, 0, 1);
    }
  ;
body: clause | send;
opt_where: %empty { $$ = 0; } | WHERE expr { $$ = $2; };

for: FOR NAME IN expr block { $$ = NODE(FOR, @$, $NAME, $expr, $block.head, 0, 0); };

if_stmt:
    IF expr block stmt_else { $$ = NODE(IF, @$, $expr, $block.head, $stmt_else.head, 0, 0); }
  ;
stmt_else:
    %empty       { $$ = pk_chain_one(0); }
  | ELSE block   { $$ = $block; }
  | ELSE if_stmt { $$ = pk_chain_one($if_stmt); }
  ;

/* ---- expressions ---- */

expr:
    tight
  | tight[a] DOTDOT tight[b]               { $$ = EXPR(RANGE, @$, $a, $b, 0, 3); }
  | tight[a] DOTDOT tight[b] STEP tight[s] { $$ = EXPR(RANGE, @$, $a, $b, $s, 7); }
  | expr[a] '&' expr[b]      { $$ = BINARY(@$, BITAND, $a, $b); }
  | expr[a] '^' expr[b]      { $$ = BINARY(@$, BITXOR, $a, $b); }
  | expr[a] '|' expr[b]      { $$ = BINARY(@$, BITOR, $a, $b); }
  | expr[a] EXCEPT expr[b]   { $$ = BINARY(@$, EXCEPT, $a, $b); }
  | expr[a] EQ expr[b]       { $$ = BINARY(@$, EQ, $a, $b); }
  | expr[a] NE expr[b]       { $$ = BINARY(@$, NE, $a, $b); }
  | expr[a] '<' expr[b]      { $$ = BINARY(@$, LT, $a, $b); }
  | expr[a] LE expr[b]       { $$ = BINARY(@$, LE, $a, $b); }
  | expr[a] '>' expr[b]      { $$ = BINARY(@$, GT, $a, $b); }
  | expr[a] GE expr[b]       { $$ = BINARY(@$, GE, $a, $b); }
  | expr[a] IN expr[b]       { $$ = BINARY(@$, IN, $a, $b); }
  | expr[a] NOT IN expr[b] %prec IN {
        $$ = pk_build_unary(p, @$, PK_OP_NOT, BINARY(@$, IN, $a, $b));
    }
  | NOT expr[a]              { $$ = pk_build_unary(p, @$, PK_OP_NOT, $a); }
  | expr[a] AND expr[b]      { $$ = BINARY(@$, AND, $a, $b); }
  | expr[a] OR expr[b]       { $$ = BINARY(@$, OR, $a, $b); }
  | expr[a] '?' expr[b] ':' expr[c] { $$ = EXPR(COND, @$, $a, $b, $c, 7); }
  ;

tight:
    postfix
  | tight[a] SHL tight[b] { $$ = BINARY(@$, SHL, $a, $b); }
  | tight[a] SHR tight[b] { $$ = BINARY(@$, SHR, $a, $b); }
  | tight[a] '+' tight[b] { $$ = BINARY(@$, ADD, $a, $b); }
  | tight[a] '-' tight[b] { $$ = BINARY(@$, SUB, $a, $b); }
  | tight[a] '*' tight[b] { $$ = BINARY(@$, MUL, $a, $b); }
  | tight[a] '/' tight[b] { $$ = BINARY(@$, DIV, $a, $b); }
  | tight[a] '%' tight[b] { $$ = BINARY(@$, MOD, $a, $b); }
  | '-' tight[a] %prec UNARY { $$ = pk_build_unary(p, @$, PK_OP_NEG, $a); }
  | '~' tight[a] %prec UNARY { $$ = pk_build_unary(p, @$, PK_OP_BITNOT, $a); }
  ;

postfix:
    primary
  | postfix[f] '(' opt_args ')'   { $$ = EXPR(CALL, @$, $f, $opt_args.head, 0, 3); }
  | postfix[f] '[' expr ']'       { $$ = pk_build_index(p, @$, $f, $expr); }
  | postfix[f] '[' tight[a] DOTDOT ']' { $$ = EXPR(SLICE, @$, $f, $a, 0, 3); }
  | postfix[f] '[' DOTDOT tight[b] ']' { $$ = EXPR(SLICE, @$, $f, 0, $b, 5); }
  | postfix[f] '[' DOTDOT ']'     { $$ = EXPR(SLICE, @$, $f, 0, 0, 1); }
  | postfix[f] '.' NAME           { $$ = EXPR(MEMBER, @$, $f, $NAME, 0, 1); }
  | postfix[f] '@' nth            { $$ = EXPR(NTH, @$, $f, $nth, 0, 3); }
  ;
nth:
    INT
  | '-' INT      { $$ = pk_build_unary(p, @$, PK_OP_NEG, $INT); }
  | name
  | '(' expr ')' { $$ = $expr; }
  ;

primary:
    name
  | FLAGS   { $$ = NODE(NAME, @$, $FLAGS, 0, 0, 0, 0); }
  | PAYLOAD { $$ = NODE(NAME, @$, $PAYLOAD, 0, 0, 0, 0); }
  | INT | LITERAL | STRING | BAD
  | SKIP         { $$ = NODE(SKIP, @$, 0, 0, 0, 0, 0); }
  | '(' expr ')' { $$ = $expr; }
  | '(' ')'      { $$ = NODE(TUPLE, @$, 0, 0, 0, 0, 0); }
  | '(' expr ',' ')'                 { $$ = EXPR(TUPLE, @$, $expr, 0, 0, 1); }
  | '(' expr ',' exprs opt_comma ')' {
        $$ = EXPR(TUPLE, @$, pk_chain_join(p, $expr, $exprs).head, 0, 0, 1);
    }
  | '[' ']'                 { $$ = NODE(LIST, @$, 0, 0, 0, 0, 0); }
  | '[' exprs opt_comma ']' { $$ = EXPR(LIST, @$, $exprs.head, 0, 0, 1); }
  ;

exprs:
    expr           { $$ = pk_chain_one($expr); }
  | exprs ',' expr { $$ = pk_chain_add(p, $1, $expr); }
  ;

opt_args: %empty { $$ = pk_chain_one(0); } | args opt_comma;
args:
    arg          { $$ = pk_chain_one($arg); }
  | args ',' arg { $$ = pk_chain_add(p, $1, $arg); }
  ;
arg:
    expr                        { $$ = pk_build_arg(p, PK_AST_ARG, @$, 0, $expr, 0); }
  | expr[path] '=' expr[value]  { $$ = pk_build_arg(p, PK_AST_ARG, @$, $path, $value, 0); }
  | expr[value] WHERE expr[if]  { $$ = pk_build_arg(p, PK_AST_ARG, @$, 0, $value, $if); }
  ;

%%

static void pk_grammar_error(const pk_span *at, pk_parser *p, const char *message)
{
    (void)at;
    (void)message; /* the only one that is not a syntax error: the parser's own stack is full */
    pk_message_depth(p);
}

static int yyreport_syntax_error(const yypcontext_t *context, pk_parser *p)
{
    yysymbol_kind_t kinds[YYNTOKENS];
    const char *names[YYNTOKENS];
    int count = yypcontext_expected_tokens(context, kinds, YYNTOKENS);
    if (count < 0)
        count = 0;
    for (int i = 0; i < count; i++)
        names[i] = yysymbol_name(kinds[i]);
    pk_message_syntax(p, names, (unsigned)count);
    p->failed = true;
    return 0;
}
