/* Strings as values of fields: read as the field that they are given to writes them. */
#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/literal.h"

bool pk_is_address_field(pk_compiler *cx, pk_ref field)
{
    if (!field)
        return false;
    const pk_image_field *at = PK_AT(cx->builder, FLD, field);
    return at->type == PK_TYPE_IP4 || at->type == PK_TYPE_IP6 ||
           (at->codec && strcmp(pk_str(cx, at->codec), "addr") == 0);
}

bool pk_prefix_string(pk_compiler *cx, pk_bytes text, pk_ref field, pk_literal *ret_literal)
{
    pk_literal_fault fault;
    if (!pk_is_address_field(cx, field) ||
        pk_literal_parse((const char *)text.data, text.len, ret_literal, &fault))
        return false;
    return (ret_literal->kind == PK_LITERAL_IP4 || ret_literal->kind == PK_LITERAL_IP6) &&
           ret_literal->prefix;
}

static bool emit_blob(pk_compiler *cx, const void *bytes, size_t len, unsigned dst)
{
    pk_ref blob = pk_image_builder_blob(cx->builder, bytes, len);
    return pk_emit(cx, PK_OPC_BLOB, dst, 0, 0, blob, 0);
}

static bool report_string(pk_compiler *cx, pk_node node, pk_bytes text, pk_ref field,
                          const char *why)
{
    const pk_image_field *at = PK_AT(cx->builder, FLD, field);
    pk_diag_report(cx->diags, PK_DIAG_BAD_COERCION, pk_at(cx, node)->span,
                   "`%s.%s` cannot read \"%.*s\": it %s",
                   pk_str(cx, PK_AT(cx->builder, LAY, at->layer)->name), pk_str(cx, at->name),
                   (int)(text.len < 64 ? text.len : 64), (const char *)text.data, why);
    return false;
}

static bool lower_address(pk_compiler *cx, pk_node node, pk_bytes text, pk_ref field, unsigned dst)
{
    pk_literal literal;
    pk_literal_fault fault;
    const pk_type type = (pk_type)PK_AT(cx->builder, FLD, field)->type;
    size_t width = type == PK_TYPE_IP4 ? 4 : type == PK_TYPE_IP6 ? 16 : 6;
    pk_literal_error error = pk_literal_parse((const char *)text.data, text.len, &literal, &fault);
    size_t got = literal.kind == PK_LITERAL_IP4   ? 4
                 : literal.kind == PK_LITERAL_IP6 ? 16
                 : literal.kind == PK_LITERAL_MAC ? 6
                                                  : 0;
    if (!error && got == width)
        return emit_blob(cx, literal.address, width, dst);
    bool name = error && text.len && text.data[0] > '9';
    return report_string(cx, node, text, field,
                         name         ? "is a host name, and names are not looked up yet"
                         : width == 4 ? "is not an IPv4 address"
                         : width == 6 ? "is not a MAC address"
                                      : "is not an IPv6 address");
}

static bool lower_codec_text(pk_compiler *cx, pk_node node, pk_bytes text, pk_ref field,
                             pk_ref codec, unsigned dst)
{
    pk_codec form = pk_codec_find(pk_str(cx, codec));
    int64_t width = 0;
    pk_ref extent = PK_AT(cx->builder, FLD, field)->width;
    if (extent) {
        const pk_image_expr *expr = PK_AT(cx->builder, EXP, extent);
        if (expr->flags & PK_EXPR_CONST)
            width = (int64_t)PK_AT(cx->builder, CODE, expr->start)->e;
    }
    const char *why = "cannot be read";
    pk_buf bytes = {0};
    if (form != PK_CODEC_NONE && !pk_codec_encode(form, text, (size_t)width, &bytes, &why)) {
        pk_buf_free(&bytes);
        /* Bytes that are no text of the codec stand for themselves in a bytes field. */
        if (PK_AT(cx->builder, FLD, field)->type == PK_TYPE_BYTES)
            return emit_blob(cx, text.data, text.len, dst);
        return report_string(cx, node, text, field, why);
    }
    bool good = form == PK_CODEC_NONE ? emit_blob(cx, text.data, text.len, dst)
                                      : emit_blob(cx, bytes.data, bytes.len, dst);
    pk_buf_free(&bytes);
    return good;
}

bool pk_lower_string(pk_compiler *cx, pk_node node, pk_bytes text, pk_ref expected, unsigned dst)
{
    if (!expected)
        return emit_blob(cx, text.data, text.len, dst);
    pk_image_field field = *PK_AT(cx->builder, FLD, expected);
    uint64_t value;
    char name[128];
    (void)snprintf(name, sizeof name, "%.*s", (int)(text.len < 127 ? text.len : 127),
                   (const char *)text.data);
    pk_literal literal;
    switch ((pk_type)field.type) {
    case PK_TYPE_IP4:
    case PK_TYPE_IP6:
    case PK_TYPE_MAC:
        if (pk_prefix_string(cx, text, expected, &literal))
            return pk_lower_axis(cx, &(pk_scope){0}, node, expected, dst);
        return lower_address(cx, node, text, expected, dst);
    case PK_TYPE_UINT:
    case PK_TYPE_INT:
    case PK_TYPE_ULEB:
    case PK_TYPE_UVLQ:
        if (pk_enumerator(cx, expected, name, &value))
            return pk_emit(cx, PK_OPC_INT, dst, 0, 0, 0, value);
        return report_string(cx, node, text, expected,
                             field.names ? "is none of the field's names" : "is not a number");
    case PK_TYPE_STRUCT:
        if (field.sub && PK_AT(cx->builder, LAY, field.sub)->codec)
            return lower_codec_text(cx, node, text, expected,
                                    PK_AT(cx->builder, LAY, field.sub)->codec, dst);
        return emit_blob(cx, text.data, text.len, dst);
    case PK_TYPE_BYTES:
        if (field.codec)
            return lower_codec_text(cx, node, text, expected, field.codec, dst);
        return emit_blob(cx, text.data, text.len, dst);
    }
    return false;
}
