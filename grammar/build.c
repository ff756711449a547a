#include "build.h"

#include <string.h>

pk_node pk_build(pk_parser *p, pk_ast_kind kind, pk_span span, uint32_t a, uint32_t b, uint32_t c,
                 uint32_t d, uint64_t value)
{
    return pk_ast_add(p->ast, kind, span, a, b, c, d, value);
}

/* Lists are as deep as their deepest element; the chain keeps that in its first. */
static unsigned depth_of(const pk_parser *p, bool is_node, uint32_t link)
{
    return is_node ? pk_ast_get(p->ast, link)->spare : 0;
}

static unsigned most(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

pk_node pk_build_expr(pk_parser *p, pk_ast_kind kind, pk_span span, uint32_t a, uint32_t b,
                      uint32_t c, unsigned nodes)
{
    unsigned depth = 1 + most(depth_of(p, nodes & 1, a),
                              most(depth_of(p, nodes & 2, b), depth_of(p, nodes & 4, c)));
    pk_node made = pk_ast_add(p->ast, kind, span, a, b, c, 0, 0);
    pk_ast_node *node = pk_ast_edit(p->ast, made);
    if (depth > PK_AST_DEPTH_LIMIT) {
        pk_message_depth(p);
        depth = PK_AST_DEPTH_LIMIT;
    }
    if (node)
        node->spare = (uint16_t)depth;
    return made;
}

pk_node pk_build_binary(pk_parser *p, pk_span span, pk_ast_op op, pk_node a, pk_node b)
{
    return pk_build_expr(p, PK_AST_BINARY, span, op, a, b, 6);
}

pk_node pk_build_unary(pk_parser *p, pk_span span, pk_ast_op op, pk_node a)
{
    return pk_build_expr(p, PK_AST_UNARY, span, op, a, 0, 2);
}

pk_node pk_build_index(pk_parser *p, pk_span span, pk_node base, pk_node inner)
{
    const pk_ast_node *range = pk_ast_get(p->ast, inner);
    if (range->kind == PK_AST_RANGE && !range->c)
        return pk_build_expr(p, PK_AST_SLICE, span, base, range->a, range->b, 7);
    return pk_build_expr(p, PK_AST_INDEX, span, base, inner, 0, 3);
}

/* NAME, and what `.`, `@` and `[ ]` make of it. */
static bool is_path(const pk_ast *ast, pk_node node)
{
    for (;;) {
        const pk_ast_node *at = pk_ast_get(ast, node);
        switch (at->kind) {
        case PK_AST_NAME:
        case PK_AST_ERROR:
        case PK_AST_NONE:
            return true;
        case PK_AST_MEMBER:
        case PK_AST_NTH:
        case PK_AST_INDEX:
            node = at->a;
            break;
        default:
            return false;
        }
    }
}

pk_node pk_build_arg(pk_parser *p, pk_ast_kind kind, pk_span span, pk_node path, pk_node value,
                     uint32_t c)
{
    if (path && !is_path(p->ast, path)) {
        pk_diag_report(p->diags, PK_DIAG_NOT_A_PATH, pk_ast_get(p->ast, path)->span,
                       "what stands before `=` is not a name");
        pk_diag_label(p->diags, "a name or a path like options.mss; to compare write `==`");
    }
    return pk_build_expr(p, kind, span, path, value, c, kind == PK_AST_ARG ? 7 : 3);
}

pk_node pk_build_send(pk_parser *p, pk_span span, pk_chain args)
{
    const pk_ast_node *first = pk_ast_get(p->ast, args.head);
    if (args.head == args.last && !first->a && !first->c)
        return pk_build(p, PK_AST_SEND, span, first->b, 0, 0, 0, 0);
    return pk_build(p, PK_AST_CLAUSE, span, pk_ast_atom(p->ast, "send", 4), args.head, 0, 0, 0);
}

pk_node pk_build_tail(pk_parser *p, pk_span span, pk_node within, pk_node form, pk_node help)
{
    const pk_ast_node *as = pk_ast_get(p->ast, form); /* a NAME, or INDEX of one */
    pk_atom name = as->kind == PK_AST_INDEX ? pk_ast_get(p->ast, as->a)->a : as->a;
    pk_node index = as->kind == PK_AST_INDEX ? as->b : 0;
    if (!within && !form && !help)
        return 0;
    return pk_build(p, PK_AST_FIELDTAIL, span, within, name, index, pk_build_blob(p, help), 0);
}

pk_chain pk_chain_one(pk_node node)
{
    return (pk_chain){node, node};
}

pk_chain pk_chain_add(pk_parser *p, pk_chain chain, pk_node node)
{
    if (!chain.head)
        return pk_chain_one(node);
    if (!node)
        return chain;
    pk_ast_link(p->ast, chain.last, node);
    pk_ast_node *head = pk_ast_edit(p->ast, chain.head);
    if (head)
        head->spare = (uint16_t)most(head->spare, pk_ast_get(p->ast, node)->spare);
    return (pk_chain){chain.head, node};
}

pk_chain pk_chain_join(pk_parser *p, pk_node first, pk_chain rest)
{
    pk_ast_link(p->ast, first, rest.head);
    pk_ast_node *head = pk_ast_edit(p->ast, first);
    if (head)
        head->spare = (uint16_t)most(head->spare, pk_ast_get(p->ast, rest.head)->spare);
    return (pk_chain){first, rest.last};
}

pk_blob pk_build_blob(pk_parser *p, pk_node string)
{
    return pk_ast_get(p->ast, string)->a;
}
