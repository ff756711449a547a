/* Parameters of a program: their types, what they stand for when nothing is given. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    pk_param_type type;
} param_types[] = {
    {"int", PK_PARAM_INT},     {"text", PK_PARAM_TEXT}, {"bytes", PK_PARAM_BYTES},
    {"bool", PK_PARAM_BOOL},   {"ip4", PK_PARAM_IP4},   {"duration", PK_PARAM_DURATION},
    {"rate", PK_PARAM_RATE},   {"ip6", PK_PARAM_IP6},   {"mac", PK_PARAM_MAC},
    {"iface", PK_PARAM_IFACE}, {"file", PK_PARAM_FILE},
};

static bool param_type(const char *text, pk_image_param *param)
{
    for (size_t i = 0; i < sizeof param_types / sizeof *param_types; i++) {
        if (strcmp(text, param_types[i].name) == 0) {
            param->type = (uint16_t)param_types[i].type;
            return true;
        }
    }
    char *end;
    unsigned long bits = *text == 'u' || *text == 'i' ? strtoul(text + 1, &end, 10) : 0;
    if (bits == 0 || bits > 64 || *end)
        return false;
    param->type = PK_PARAM_INT;
    param->bits = (uint16_t)bits;
    return true;
}

void pk_declare_param(pk_compiler *cx, pk_node node)
{
    pk_ast_node at = *pk_at(cx, node);
    pk_ast_node type = *pk_at(cx, at.b);
    pk_image_param param = {.name = pk_text_of_atom(cx, at.a)};
    const char *text = pk_ast_atom_text(cx->ast, type.a);
    if (strcmp(text, "set") == 0 && type.b) {
        pk_ast_node element = *pk_at(cx, pk_at(cx, type.b)->b);
        text = element.kind == PK_AST_NAME ? pk_ast_atom_text(cx->ast, element.a) : "";
        param.is_set = 1;
    }
    if (!param_type(text, &param)) {
        pk_diag_report(cx->diags, PK_DIAG_UNKNOWN_TYPE, type.span,
                       "`%s` is not a type of parameters", text);
        pk_diag_help(cx->diags, "int uN text bytes bool duration rate ip4 ip6 mac iface file, or "
                                "set(..) of one");
    }
    if (at.d) {
        pk_bytes doc = pk_ast_blob_bytes(cx->ast, at.d);
        param.doc = pk_image_builder_text(cx->builder, (const char *)doc.data, doc.len);
    }
    pk_ref ref = PK_ADD(cx->builder, PAR, 1);
    *PK_AT(cx->builder, PAR, ref) = param;
    (void)pk_symbol_add(cx, param.name, PK_SYM_PARAM, ref, 0, at.span);
}

void pk_lower_params(pk_compiler *cx)
{
    const pk_scope scope = {0};
    for (size_t f = 0; f < cx->n_files; f++) {
        for (pk_node node = pk_at(cx, cx->files[f])->a; node; node = pk_at(cx, node)->next) {
            pk_ast_node at = *pk_at(cx, node);
            if (at.kind != PK_AST_PARAM || !at.c)
                continue;
            const pk_symbol *symbol = pk_symbol_find(cx, pk_text_of_atom(cx, at.a));
            if (!symbol || symbol->kind != PK_SYM_PARAM)
                continue;
            pk_ref ref = symbol->ref;
            pk_ref text = pk_text_of_node(cx, at.c);
            bool is_set = PK_AT(cx->builder, PAR, ref)->is_set;
            cx->set_param = ref;
            pk_ref init =
                is_set ? pk_set_make(cx, &scope, at.c, 0) : pk_lower_expr(cx, &scope, at.c, 0, 0);
            cx->set_param = 0;
            pk_image_param *param = PK_AT(cx->builder, PAR, ref);
            *(is_set ? &param->init_set : &param->init) = init;
            param->init_text = text;
        }
    }
}
