#include "ast.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/literal.h"

/* What one of the links of a kind holds; read from the words of ast.def. */
typedef enum link_sort {
    LINK_UNUSED,
    LINK_NODE,
    LINK_LIST,
    LINK_ATOM,
    LINK_BLOB,
    LINK_NUMBER
} link_sort;

static const char *const link_words[][5] = {
    {"-", "-", "-", "-", "-"},
#define PK_AST(kind, name, a, b, c, d, value) {a, b, c, d, value},
#include "ast.def"
#undef PK_AST
};

enum { INDENT_LIMIT = 64 };

typedef struct entry {
    pk_node node;
    uint32_t depth;
    char label;  /* 'a' .. 'd', or ' ' for the root */
    bool listed; /* its `next` follows it */
} entry;

typedef struct dump {
    const pk_ast *ast;
    pk_buf *out;
    entry *stack;
    size_t len, cap;
} dump;

static bool begins(const char *text, const char *word)
{
    return !strncmp(text, word, strlen(word));
}

static link_sort sort_of(const char *words)
{
    if (begins(words, "-"))
        return LINK_UNUSED;
    if (begins(words, "node"))
        return LINK_NODE;
    if (begins(words, "list"))
        return LINK_LIST;
    if (begins(words, "atom"))
        return LINK_ATOM;
    return begins(words, "blob") ? LINK_BLOB : LINK_NUMBER;
}

static uint32_t link_of(const pk_ast_node *node, int which)
{
    const uint32_t links[] = {node->a, node->b, node->c, node->d};
    return links[which];
}

static void push(dump *d, pk_node node, uint32_t depth, char label, bool listed)
{
    if (!node || d->out->failed)
        return;
    if (d->len == d->cap) {
        size_t cap = d->cap ? d->cap * 2 : 64;
        entry *stack = realloc(d->stack, cap * sizeof *stack);
        if (!stack) {
            d->out->failed = true;
            return;
        }
        d->stack = stack;
        d->cap = cap;
    }
    d->stack[d->len++] = (entry){node, depth, label, listed};
}

static double double_of(uint64_t bits)
{
    double number = 0;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static void print_blob(dump *d, pk_blob blob)
{
    pk_bytes bytes = pk_ast_blob_bytes(d->ast, blob);
    pk_buf_text(d->out, " \"");
    pk_escape_literal(d->out, bytes.data, bytes.len);
    pk_buf_byte(d->out, '"');
}

static void print_hex(dump *d, const pk_ast_node *node)
{
    pk_bytes bytes = pk_ast_blob_bytes(d->ast, node->a);
    for (size_t i = 0; i < bytes.len; i++)
        pk_buf_printf(d->out, i ? "%02x" : " %02x", bytes.data[i]);
    if (node->kind == PK_AST_BITS)
        pk_buf_printf(d->out, " bits=%llu", (unsigned long long)node->value);
}

static void print_address(dump *d, const pk_ast_node *node)
{
    pk_bytes bytes = pk_ast_blob_bytes(d->ast, node->a);
    pk_buf_byte(d->out, ' ');
    if (bytes.len == 4)
        pk_literal_add_ip4(d->out, bytes.data);
    else if (bytes.len == 16)
        pk_literal_add_ip6(d->out, bytes.data);
    else if (bytes.len == 6)
        pk_literal_add_mac(d->out, bytes.data);
    if (node->kind == PK_AST_IP6 && node->c)
        pk_buf_printf(d->out, "%%%s", pk_ast_atom_text(d->ast, node->c));
    if (node->kind != PK_AST_MAC && node->b)
        pk_buf_printf(d->out, "/%u", node->b - 1);
}

/* Literals are shown as values; true when `node` is one. */
static bool print_literal(dump *d, const pk_ast_node *node)
{
    switch ((pk_ast_kind)node->kind) {
    case PK_AST_INT:
        pk_buf_printf(d->out, " %llu", (unsigned long long)node->value);
        return true;
    case PK_AST_NUMBER:
        pk_buf_printf(d->out, " %.17g", double_of(node->value));
        return true;
    case PK_AST_DURATION:
        pk_buf_byte(d->out, ' ');
        pk_literal_add_duration(d->out, node->value);
        return true;
    case PK_AST_RATE:
        pk_buf_byte(d->out, ' ');
        pk_literal_add_rate(d->out, double_of(node->value),
                            node->a ? PK_RATE_BITS : PK_RATE_PACKETS);
        return true;
    case PK_AST_IP4:
    case PK_AST_IP6:
    case PK_AST_MAC:
        print_address(d, node);
        return true;
    case PK_AST_HEX:
    case PK_AST_BITS:
        print_hex(d, node);
        return true;
    default:
        return false;
    }
}

static void print_plain(dump *d, const pk_ast_node *node, int which, const char *words)
{
    uint32_t link = link_of(node, which);
    switch (sort_of(words)) {
    case LINK_ATOM:
        if (link)
            pk_buf_printf(d->out, " %s", pk_ast_atom_text(d->ast, link));
        break;
    case LINK_BLOB:
        if (link || words[4] != '?')
            print_blob(d, link);
        break;
    case LINK_NUMBER:
        if (begins(words, "pk_ast_op"))
            pk_buf_printf(d->out, " %s", pk_ast_op_text((pk_ast_op)link));
        else
            pk_buf_printf(d->out, " %u", link);
        break;
    case LINK_UNUSED:
    case LINK_NODE:
    case LINK_LIST:
        break;
    }
}

static void print_node(dump *d, const entry *at, const pk_ast_node *node)
{
    const char *const *words = link_words[node->kind];
    uint32_t depth = at->depth < INDENT_LIMIT ? at->depth : INDENT_LIMIT;
    for (uint32_t i = 0; i < depth; i++)
        pk_buf_text(d->out, "  ");
    if (at->label != ' ')
        pk_buf_printf(d->out, "%c: ", at->label);
    pk_buf_text(d->out, pk_ast_kind_name((pk_ast_kind)node->kind));
    if (!print_literal(d, node)) {
        for (int i = 0; i < 4; i++)
            print_plain(d, node, i, words[i]);
        if (sort_of(words[4]) != LINK_UNUSED && node->value)
            pk_buf_printf(d->out, " value=%llu", (unsigned long long)node->value);
    }
    pk_buf_byte(d->out, '\n');
}

static void visit(dump *d, entry at)
{
    const pk_ast_node *node = pk_ast_get(d->ast, at.node);
    print_node(d, &at, node);
    if (at.listed)
        push(d, node->next, at.depth, at.label, true);
    for (int i = 3; i >= 0; i--) {
        link_sort sort = sort_of(link_words[node->kind][i]);
        if (sort == LINK_NODE || sort == LINK_LIST)
            push(d, link_of(node, i), at.depth + 1, "abcd"[i], sort == LINK_LIST);
    }
}

void pk_ast_dump(const pk_ast *ast, pk_node root, pk_buf *out)
{
    dump d = {.ast = ast, .out = out};
    push(&d, root, 0, ' ', false);
    while (d.len && !out->failed)
        visit(&d, d.stack[--d.len]);
    free(d.stack);
}
