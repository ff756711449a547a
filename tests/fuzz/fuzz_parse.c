/*
 * Any bytes, parsed as a file and as an expression. Beside what the sanitizers see: the parse ends
 * with a tree or a reason, the reports lie inside the text and render to one valid line each, and a
 * tree without errors has no ERROR nodes.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "parse.h"

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_text(const pk_buf *out)
{
    for (size_t i = 0; i < out->len; i++)
        require(out->data[i] == '\n' || out->data[i] >= ' ');
}

static void check_nodes(const pk_ast *ast, pk_span text, bool fine)
{
    for (pk_node node = 1; pk_ast_get(ast, node)->kind != PK_AST_NONE; node++) {
        const pk_ast_node *at = pk_ast_get(ast, node);
        require(at->kind < PK_AST_KINDS);
        require(at->span.lo <= at->span.hi);
        require(at->span.hi == 0 || (at->span.lo >= text.lo && at->span.hi <= text.hi));
        require(at->next < UINT32_MAX);
        require(!fine || at->kind != PK_AST_ERROR);
    }
}

static void parse(const uint8_t *data, size_t len, bool expression)
{
    pk_sources *sources = pk_sources_new();
    pk_diags *diags = pk_diags_new(sources);
    pk_ast *ast = pk_ast_new(20000);
    pk_span span = {0, 0};
    pk_buf out = {0};
    require(sources && diags && ast && !pk_sources_add(sources, "fuzz", data, len, &span));
    pk_node root =
        expression ? pk_parse_expr(ast, sources, span, diags) : pk_parse(ast, sources, span, diags);
    require(root || pk_ast_exhausted(ast));
    require(root || pk_diags_errors(diags));
    check_nodes(ast, span, !pk_diags_errors(diags));
    pk_diags_render(diags, PK_DIAG_TEXT, &out);
    pk_diags_render(diags, PK_DIAG_JSON, &out);
    check_text(&out);
    pk_ast_dump(ast, root, &out);
    require(!out.failed);
    pk_buf_free(&out);
    pk_ast_free(ast);
    pk_diags_free(diags);
    pk_sources_free(sources);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    parse(data, len, false);
    parse(data, len, true);
    return 0;
}
