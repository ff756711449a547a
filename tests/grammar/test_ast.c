#include "../base/check.h"

#include "parse.h"

static void equal_names_have_equal_numbers(void)
{
    pk_ast *ast = pk_ast_new(0);
    char name[16];
    pk_atom first = pk_ast_atom(ast, "ttl", 3);
    CHECK(first != 0);
    CHECK_INT(pk_ast_atom(ast, "", 0), 0);
    for (int i = 0; i < 5000; i++) {
        int len = snprintf(name, sizeof name, "name%d", i);
        CHECK_INT(pk_ast_atom(ast, name, (size_t)len), first + 1 + (unsigned)i);
    }
    CHECK_INT(pk_ast_atom(ast, "ttlx", 3), first);
    CHECK_INT(pk_ast_atom(ast, "name4999", 8), first + 5000);
    CHECK_TEXT(pk_ast_atom_text(ast, first), "ttl");
    CHECK_TEXT(pk_ast_atom_text(ast, 999999), "");
    CHECK_INT(pk_ast_atom_count(ast), first + 5001);
    pk_ast_free(ast);
}

static void indices_out_of_range_are_nothing(void)
{
    pk_ast *ast = pk_ast_new(0);
    CHECK_INT(pk_ast_get(ast, 0)->kind, PK_AST_NONE);
    CHECK_INT(pk_ast_get(ast, 1)->kind, PK_AST_NONE);
    pk_node node = pk_ast_add(ast, PK_AST_INT, (pk_span){1, 2}, 0, 0, 0, 0, 7);
    CHECK_INT(pk_ast_get(ast, node)->value, 7);
    CHECK_INT(pk_ast_get(ast, node + 1)->kind, PK_AST_NONE);
    CHECK_INT(pk_ast_blob_bytes(ast, 12345).len, 0);
    CHECK_INT(pk_ast_list_len(ast, 0), 0);
    pk_ast_free(ast);
    pk_ast_free(NULL);
}

static void the_budget_of_nodes_holds_and_is_reported(void)
{
    static const char text[] =
        "let a = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, "
        "19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32]\n";
    pk_sources *sources = pk_sources_new();
    pk_diags *diags = pk_diags_new(sources);
    pk_ast *ast = pk_ast_new(16);
    pk_span span = {0, 0};
    pk_buf out = {0};
    CHECK_INT(pk_sources_add(sources, "x", text, sizeof text - 1, &span), PK_OK);
    CHECK_INT(pk_parse(ast, sources, span, diags), 0);
    CHECK(pk_ast_exhausted(ast));
    CHECK_INT(pk_diags_errors(diags), 1);
    pk_diags_render(diags, PK_DIAG_TEXT, &out);
    CHECK(strstr(pk_buf_cstr(&out), "the program is too big [E0903]"));
    pk_buf_free(&out);
    pk_ast_free(ast);
    pk_diags_free(diags);
    pk_sources_free(sources);
}

static pk_node parse_one(pk_ast *ast, pk_sources *sources, pk_diags *diags, const char *text)
{
    pk_span span = {0, 0};
    CHECK_INT(pk_sources_add(sources, "x", text, strlen(text), &span), PK_OK);
    return pk_parse_expr(ast, sources, span, diags);
}

/* The text that a node's span covers. */
static void check_span(const pk_ast *ast, const pk_sources *sources, pk_node node, const char *want)
{
    pk_bytes text = pk_sources_text(sources, pk_ast_get(ast, node)->span);
    CHECK_INT(text.len, strlen(want));
    CHECK(text.len == strlen(want) && !memcmp(text.data, want, text.len));
}

static void spans_cover_what_was_written(void)
{
    pk_sources *sources = pk_sources_new();
    pk_diags *diags = pk_diags_new(sources);
    pk_ast *ast = pk_ast_new(0);
    pk_node root = parse_one(ast, sources, diags, "  ip(dst=10.0.0.1, ttl = 1..3)/x.y  # c");
    const pk_ast_node *stack = pk_ast_get(ast, root);
    CHECK_INT(stack->kind, PK_AST_BINARY);
    check_span(ast, sources, root, "ip(dst=10.0.0.1, ttl = 1..3)/x.y");
    check_span(ast, sources, stack->b, "ip(dst=10.0.0.1, ttl = 1..3)");
    check_span(ast, sources, stack->c, "x.y");
    pk_node first = pk_ast_get(ast, stack->b)->b;
    check_span(ast, sources, first, "dst=10.0.0.1");
    check_span(ast, sources, pk_ast_get(ast, first)->b, "10.0.0.1");
    pk_node second = pk_ast_get(ast, first)->next;
    check_span(ast, sources, second, "ttl = 1..3");
    check_span(ast, sources, pk_ast_get(ast, second)->b, "1..3");
    CHECK_INT(pk_diags_errors(diags), 0);
    pk_ast_free(ast);
    pk_diags_free(diags);
    pk_sources_free(sources);
}

/* A part of a source ends where its span ends, whatever comes behind. */
static void a_part_of_a_source_can_be_parsed(void)
{
    static const char text[] = "junk ( 1+22 33 \"";
    pk_sources *sources = pk_sources_new();
    pk_diags *diags = pk_diags_new(sources);
    pk_ast *ast = pk_ast_new(0);
    pk_span span = {0, 0};
    CHECK_INT(pk_sources_add(sources, "x", text, sizeof text - 1, &span), PK_OK);
    pk_node root = pk_parse_expr(ast, sources, (pk_span){span.lo + 7, span.lo + 10}, diags);
    CHECK_INT(pk_diags_errors(diags), 0);
    check_span(ast, sources, root, "1+2");
    CHECK_INT(pk_ast_get(ast, pk_ast_get(ast, root)->c)->value, 2);
    pk_ast_free(ast);
    pk_diags_free(diags);
    pk_sources_free(sources);
}

int main(void)
{
    equal_names_have_equal_numbers();
    indices_out_of_range_are_nothing();
    the_budget_of_nodes_holds_and_is_reported();
    spans_cover_what_was_written();
    a_part_of_a_source_can_be_parsed();
    return check_result();
}
