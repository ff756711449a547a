/* Strings as values of fields: read as the field that they are given to writes them. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/literal.h"
#include "base/octets.h"

bool pk_is_address_field(pk_compiler *cx, pk_ref field)
{
    if (!field)
        return false;
    const pk_image_field *at = PK_AT(cx->builder, FLD, field);
    return at->type == PK_TYPE_IP4 || at->type == PK_TYPE_IP6 ||
           (at->codec && strcmp(pk_str(cx, at->codec), "addr") == 0);
}

/* Bytes of the addresses that a field has, or the parameter whose default is being made; 0 when it has
 * none, or any. */
static unsigned address_width(pk_compiler *cx, pk_ref field)
{
    if (!field) {
        unsigned type = cx->set_param ? PK_AT(cx->builder, PAR, cx->set_param)->type : PK_PARAM_INT;
        return type == PK_PARAM_IP4 ? 4 : type == PK_PARAM_IP6 ? 16 : 0;
    }
    unsigned type = PK_AT(cx->builder, FLD, field)->type;
    return type == PK_TYPE_IP4 ? 4 : type == PK_TYPE_IP6 ? 16 : 0;
}

typedef enum set_text {
    TEXT_IS_NO_SET,
    TEXT_IS_PREFIX,
    TEXT_IS_HOST_PREFIX,
    TEXT_IS_OCTETS
} set_text;

/* What a text that stands for several addresses is made of. */
typedef struct several {
    pk_literal literal;
    size_t name_len;
    unsigned prefix;
    uint8_t octets[8];
} several;

static set_text set_text_of(pk_compiler *cx, pk_bytes text, pk_ref field, several *ret)
{
    pk_literal_fault fault;
    const char *at = (const char *)text.data;
    unsigned width = address_width(cx, field);
    if (!width && !pk_is_address_field(cx, field))
        return TEXT_IS_NO_SET;
    if (!pk_literal_parse(at, text.len, &ret->literal, &fault))
        return (ret->literal.kind == PK_LITERAL_IP4 || ret->literal.kind == PK_LITERAL_IP6) &&
                       ret->literal.prefix
                   ? TEXT_IS_PREFIX
                   : TEXT_IS_NO_SET;
    if (width && pk_host_prefix_parse(at, text.len, &ret->name_len, &ret->prefix))
        return TEXT_IS_HOST_PREFIX;
    return width == 4 && pk_octets_parse(at, text.len, ret->octets, ret->octets + 4)
               ? TEXT_IS_OCTETS
               : TEXT_IS_NO_SET;
}

bool pk_text_is_set(pk_compiler *cx, pk_bytes text, pk_ref field)
{
    several parts;
    return set_text_of(cx, text, field, &parts) != TEXT_IS_NO_SET;
}

/* The address that a host name stands for, found when the program starts. */
static bool emit_host(pk_compiler *cx, pk_bytes name, unsigned width, unsigned dst)
{
    pk_ref blob = pk_image_builder_blob(cx->builder, name.data, name.len);
    return pk_emit(cx, PK_OPC_BLOB, dst, 0, 0, blob, 0) &&
           pk_emit(cx, PK_OPC_INT, dst + 1, 0, 0, 0, width) &&
           pk_emit(cx, PK_OPC_NATIVE, dst, dst, 2, PK_FN_ADDRESS, 0);
}

static pk_ref host_expr(pk_compiler *cx, pk_bytes name, unsigned width)
{
    pk_code code = {0};
    pk_code *outer = cx->code;
    cx->code = &code;
    bool good = emit_host(cx, name, width, 0) && pk_emit(cx, PK_OPC_RET, 0, 0, 0, 0, 0);
    cx->code = outer;
    pk_ref expr = 0;
    if (good) {
        pk_ref start = PK_PUT(cx->builder, CODE, code.insns, code.count);
        expr = PK_ADD(cx->builder, EXP, 1);
        *PK_AT(cx->builder, EXP, expr) = (pk_image_expr){.start = start, .count = code.count};
    }
    free(code.insns);
    return expr;
}

bool pk_text_steps(pk_compiler *cx, pk_node node, pk_ref field, pk_steps *s)
{
    several parts;
    pk_bytes text = pk_ast_blob_bytes(cx->ast, pk_at(cx, node)->a);
    pk_ref a = 0;
    switch (set_text_of(cx, text, field, &parts)) {
    case TEXT_IS_PREFIX:
        return pk_prefix_step(cx, pk_at(cx, node)->span, parts.literal.address,
                              parts.literal.kind == PK_LITERAL_IP4 ? 4 : 16,
                              parts.literal.prefix - 1, s);
    case TEXT_IS_HOST_PREFIX:
        a = host_expr(cx, (pk_bytes){text.data, parts.name_len}, address_width(cx, field));
        return a && pk_step(s, PK_SET_PREFIX, a, pk_expr_int(cx, parts.prefix), 0);
    case TEXT_IS_OCTETS:
        return pk_step(s, PK_SET_OCTETS, pk_expr_bytes(cx, parts.octets, 8), 0, 0);
    case TEXT_IS_NO_SET:
        break;
    }
    return false;
}

void pk_meet_zone(pk_compiler *cx, const char *zone, size_t len, pk_span span)
{
    pk_ref text = pk_image_builder_text(cx->builder, zone, len);
    if (!cx->zone || cx->zone == text) {
        cx->zone = text;
        cx->zone_span = span;
        return;
    }
    pk_diag_report(cx->diags, PK_DIAG_CLAUSE_VALUE, span, "two zones in one probe: `%s` and `%s`",
                   pk_str(cx, cx->zone), pk_str(cx, text));
    pk_diag_help(cx->diags, "a zone names the interface that packets leave by; write a probe for "
                            "each");
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
    pk_literal literal = {0};
    pk_literal_fault fault;
    size_t width = address_width(cx, field);
    width = width ? width : 6;
    pk_literal_error error = pk_literal_parse((const char *)text.data, text.len, &literal, &fault);
    size_t got = literal.kind == PK_LITERAL_IP4   ? 4
                 : literal.kind == PK_LITERAL_IP6 ? 16
                 : literal.kind == PK_LITERAL_MAC ? 6
                                                  : 0;
    if (!error && got == width) {
        if (literal.zone)
            pk_meet_zone(cx, literal.zone, literal.zone_len, pk_at(cx, node)->span);
        return emit_blob(cx, literal.address, width, dst);
    }
    if (error && width != 6 && pk_host_name_form((const char *)text.data, text.len))
        return emit_host(cx, text, (unsigned)width, dst);
    const char *why = width == 4   ? "is not an IPv4 address, nor a host name"
                      : width == 6 ? "is not a MAC address"
                                   : "is not an IPv6 address, nor a host name";
    if (field)
        return report_string(cx, node, text, field, why);
    pk_diag_report(cx->diags, PK_DIAG_BAD_COERCION, pk_at(cx, node)->span, "this %s", why);
    return false;
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
    if (!expected && address_width(cx, 0))
        return lower_address(cx, node, text, 0, dst);
    if (!expected)
        return emit_blob(cx, text.data, text.len, dst);
    pk_image_field field = *PK_AT(cx->builder, FLD, expected);
    uint64_t value;
    char name[128];
    (void)snprintf(name, sizeof name, "%.*s", (int)(text.len < 127 ? text.len : 127),
                   (const char *)text.data);
    switch ((pk_type)field.type) {
    case PK_TYPE_IP4:
    case PK_TYPE_IP6:
    case PK_TYPE_MAC:
        if (pk_text_is_set(cx, text, expected))
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

/* The codec that a field reads texts with, "" when they stand for themselves. */
static const char *codec_of(pk_compiler *cx, pk_ref field)
{
    const pk_image_field *at = PK_AT(cx->builder, FLD, field);
    pk_ref codec = at->type == PK_TYPE_STRUCT && at->sub ? PK_AT(cx->builder, LAY, at->sub)->codec
                   : at->type == PK_TYPE_BYTES           ? at->codec
                                                         : 0;
    const char *text = pk_str(cx, codec);
    return pk_codec_find(text) == PK_CODEC_NONE ? "" : text;
}

bool pk_lower_text_value(pk_compiler *cx, pk_ref param, pk_ref expected, unsigned dst)
{
    if (!expected || PK_AT(cx->builder, PAR, param)->type != PK_PARAM_TEXT)
        return true;
    const pk_image_field field = *PK_AT(cx->builder, FLD, expected);
    unsigned width = field.type == PK_TYPE_MAC ? 6 : address_width(cx, expected);
    if (width)
        return pk_emit(cx, PK_OPC_INT, dst + 1, 0, 0, 0, width) &&
               pk_emit(cx, PK_OPC_NATIVE, dst, dst, 2, PK_FN_ADDRESS, 0);
    const char *codec = codec_of(cx, expected);
    return !*codec || (emit_blob(cx, codec, strlen(codec), dst + 1) &&
                       pk_emit(cx, PK_OPC_INT, dst + 2, 0, 0, 0, field.bits / 8) &&
                       pk_emit(cx, PK_OPC_NATIVE, dst, dst, 3, PK_FN_ENCODED, 0));
}
