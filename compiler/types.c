/* The types of fields: primitives, integers of any width, structs, and how a value is written. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

typedef struct primitive {
    const char *text;
    pk_type type;
    uint16_t bits;
} primitive;

static const primitive primitives[] = {
    {"ip4", PK_TYPE_IP4, 32},    {"ip6", PK_TYPE_IP6, 128}, {"mac", PK_TYPE_MAC, 48},
    {"bytes", PK_TYPE_BYTES, 0}, {"uleb", PK_TYPE_ULEB, 0}, {"uvlq", PK_TYPE_UVLQ, 0},
};

/* u16, i8, u32le; a bare u or i takes its width from an argument. */
static bool integer_type(const char *text, pk_image_field *field)
{
    if (*text != 'u' && *text != 'i')
        return false;
    char *end;
    unsigned long bits = strtoul(text + 1, &end, 10);
    bool le = strcmp(end, "le") == 0;
    if ((*end && !le) || (text[1] && (text[1] < '0' || text[1] > '9')) || bits > 64)
        return false;
    if (text[1] && bits == 0)
        return false;
    field->type = *text == 'u' ? PK_TYPE_UINT : PK_TYPE_INT;
    field->bits = (uint16_t)bits;
    if (le)
        field->flags |= PK_FIELD_LE;
    return true;
}

static void report_unknown_type(pk_compiler *cx, pk_span span, const char *text)
{
    pk_suggest suggest;
    pk_suggest_begin(&suggest, text);
    for (size_t i = 0; i < sizeof primitives / sizeof *primitives; i++)
        pk_suggest_offer(&suggest, primitives[i].text);
    for (size_t i = 0; i < cx->cap_symbols; i++)
        if (cx->symbols[i].kind == PK_SYM_LAYER)
            pk_suggest_offer(&suggest, pk_str(cx, cx->symbols[i].name));
    pk_diag_report(cx->diags, PK_DIAG_UNKNOWN_TYPE, span, "there is no type `%s`", text);
    if (suggest.best)
        pk_diag_label(cx->diags, "did you mean `%s`?", suggest.best);
    pk_diag_help(cx->diags,
                 "types are uN iN (N to 64, uNle, iNle), ip4 ip6 mac bytes uleb uvlq, and structs");
}

void pk_field_type(pk_compiler *cx, pk_node type, pk_image_field *field)
{
    pk_ast_node at = *pk_at(cx, type);
    pk_ref name = pk_text_of_atom(cx, at.a);
    const char *text = pk_str(cx, name);
    if (at.c) {
        bool bytes = strcmp(text, "bytes") == 0;
        pk_ast_node list = *pk_at(cx, at.c);
        if (!(bytes && list.a == PK_LIST_COUNT && !at.b))
            field->list = (uint8_t)(1 + list.a);
    }
    if (integer_type(text, field))
        return;
    if (field->flags & PK_FIELD_PARAM && strcmp(text, "int") == 0) {
        field->type = PK_TYPE_INT;
        field->bits = 64;
        return;
    }
    for (size_t i = 0; i < sizeof primitives / sizeof *primitives; i++) {
        if (strcmp(text, primitives[i].text) == 0) {
            field->type = (uint8_t)primitives[i].type;
            field->bits = primitives[i].bits;
            return;
        }
    }
    field->type = PK_TYPE_STRUCT;
    field->sub = pk_layer_by_name(cx, name);
    if (!field->sub)
        report_unknown_type(cx, at.span, text);
}

static const char *const codecs[] = {
#define PK_CODEC(name, text, bare, doc) text,
#include "base/codec.def"
#undef PK_CODEC
};

void pk_field_written_as(pk_compiler *cx, const pk_ast_node *tail, pk_image_field *field)
{
    if (!tail->b)
        return;
    pk_ref name = pk_text_of_atom(cx, tail->b);
    const char *text = pk_str(cx, name);
    const pk_symbol *symbol = pk_symbol_find(cx, name);
    if (strcmp(text, "hex") == 0) {
        field->flags |= PK_FIELD_HEX;
        return;
    }
    if (symbol && symbol->kind == PK_SYM_ENUM) {
        field->names = symbol->ref;
        return;
    }
    pk_suggest suggest;
    pk_suggest_begin(&suggest, text);
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++) {
        pk_suggest_offer(&suggest, codecs[i]);
        if (strcmp(text, codecs[i]) == 0) {
            field->codec = name;
            return;
        }
    }
    for (size_t i = 0; i < cx->cap_symbols; i++)
        if (cx->symbols[i].kind == PK_SYM_ENUM)
            pk_suggest_offer(&suggest, pk_str(cx, cx->symbols[i].name));
    pk_diag_report(cx->diags, PK_DIAG_UNKNOWN_NAME, tail->span,
                   "`%s` is neither an enum, a flag set nor a text codec", text);
    if (suggest.best)
        pk_diag_label(cx->diags, "did you mean `%s`?", suggest.best);
}
