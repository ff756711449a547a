/* Membership: `x in S` and `x == S` against a set that is written out, as a chain of comparisons
 * that ends at the first that holds. */
#include "internal.h"

#include <stdlib.h>

static bool lower_between(pk_compiler *cx, const pk_scope *scope, pk_node lo, pk_node hi,
                          pk_ref field, unsigned dst, unsigned value)
{
    if (!pk_lower(cx, scope, lo, field, value + 1) ||
        !pk_emit(cx, PK_OPC_LE, dst, value + 1, value, 0, 0))
        return false;
    uint32_t out = cx->code->count;
    if (!pk_emit(cx, PK_OPC_JUMPF, dst, 0, 0, 0, 0) || !pk_lower(cx, scope, hi, field, value + 1) ||
        !pk_emit(cx, PK_OPC_LE, dst, value, value + 1, 0, 0))
        return false;
    pk_emit_patch(cx, out);
    return true;
}

static bool lower_in_prefix(pk_compiler *cx, const pk_ast_node *prefix, unsigned dst,
                            unsigned value)
{
    pk_bytes address = pk_ast_blob_bytes(cx->ast, prefix->a);
    uint8_t bounds[2][16];
    unsigned len = prefix->b - 1;
    for (unsigned i = 0; i < address.len && i < 16; i++) {
        unsigned kept = len >= 8 * (i + 1) ? 8 : len > 8 * i ? len - 8 * i : 0;
        uint8_t mask = (uint8_t)(0xff00u >> kept);
        bounds[0][i] = address.data[i] & mask;
        bounds[1][i] = (uint8_t)(bounds[0][i] | (uint8_t)~mask);
    }
    pk_ref lo = pk_image_builder_blob(cx->builder, bounds[0], address.len);
    pk_ref hi = pk_image_builder_blob(cx->builder, bounds[1], address.len);
    if (!pk_emit(cx, PK_OPC_BLOB, value + 1, 0, 0, lo, 0) ||
        !pk_emit(cx, PK_OPC_LE, dst, value + 1, value, 0, 0))
        return false;
    uint32_t out = cx->code->count;
    if (!pk_emit(cx, PK_OPC_JUMPF, dst, 0, 0, 0, 0) ||
        !pk_emit(cx, PK_OPC_BLOB, value + 1, 0, 0, hi, 0) ||
        !pk_emit(cx, PK_OPC_LE, dst, value, value + 1, 0, 0))
        return false;
    pk_emit_patch(cx, out);
    return true;
}

/* `(a, b) == (c, d)` component by component; the components of the left are in value, value+1, … */
static bool lower_in_tuple(pk_compiler *cx, const pk_scope *scope, pk_node left, pk_node tuple,
                           unsigned dst, unsigned value, unsigned n)
{
    uint32_t outs[8];
    uint32_t n_outs = 0;
    pk_node part = pk_at(cx, left)->a;
    for (pk_node at = pk_at(cx, tuple)->a; at; at = pk_at(cx, at)->next) {
        if (n_outs == n || n_outs == 8 || !part)
            return pk_not_built(cx, pk_at(cx, tuple)->span, "tuples of different lengths");
        pk_ref field = pk_field_of_expr(cx, scope, part);
        if (!pk_lower(cx, scope, at, field, value + n) ||
            !pk_emit(cx, PK_OPC_EQ, dst, value + n_outs, value + n, 0, 0))
            return false;
        outs[n_outs++] = cx->code->count;
        if (!pk_emit(cx, PK_OPC_JUMPF, dst, 0, 0, 0, 0))
            return false;
        part = pk_at(cx, part)->next;
    }
    for (uint32_t i = 0; i < n_outs; i++)
        pk_emit_patch(cx, outs[i]);
    return true;
}

static bool lower_in_one(pk_compiler *cx, const pk_scope *scope, pk_node left, pk_node element,
                         pk_ref field, unsigned dst, unsigned value, unsigned n)
{
    pk_ast_node at = *pk_at(cx, element);
    if (pk_at(cx, left)->kind == PK_AST_TUPLE && at.kind == PK_AST_TUPLE)
        return lower_in_tuple(cx, scope, left, element, dst, value, n);
    if (at.kind == PK_AST_RANGE)
        return lower_between(cx, scope, at.a, at.b, field, dst, value);
    if ((at.kind == PK_AST_IP4 || at.kind == PK_AST_IP6) && at.b)
        return lower_in_prefix(cx, &at, dst, value);
    return pk_lower(cx, scope, element, field, value + 1) &&
           pk_emit(cx, PK_OPC_EQ, dst, value, value + 1, 0, 0);
}

bool pk_lower_condition_in(pk_compiler *cx, const pk_scope *scope, pk_node left, pk_node right,
                           pk_ref expected, unsigned dst)
{
    unsigned n = 0;
    unsigned value = dst + 1;
    if (scope->view && pk_view_set(cx, scope, &right)) {
        pk_ref set = pk_set_make(cx, scope, right, expected);
        return set && pk_lower(cx, scope, left, expected, value) &&
               pk_emit(cx, PK_OPC_IN, dst, value, 0, set, 0);
    }
    if (pk_at(cx, left)->kind == PK_AST_TUPLE) {
        for (pk_node at = pk_at(cx, left)->a; at; at = pk_at(cx, at)->next)
            if (!pk_lower(cx, scope, at, 0, value + n++))
                return false;
    } else if (!pk_lower(cx, scope, left, expected, value)) {
        return false;
    }
    bool list = pk_at(cx, right)->kind == PK_AST_LIST;
    pk_node element = list ? pk_at(cx, right)->a : right;
    uint32_t *outs = calloc(list ? pk_ast_list_len(cx->ast, element) + 1 : 1, sizeof *outs);
    uint32_t n_outs = 0;
    bool good = outs && (element || pk_emit(cx, PK_OPC_INT, dst, 0, 0, 0, 0));
    while (good && element) {
        good = lower_in_one(cx, scope, left, element, expected, dst, value, n);
        element = list ? pk_at(cx, element)->next : 0;
        if (good && element) {
            outs[n_outs++] = cx->code->count;
            good = pk_emit(cx, PK_OPC_JUMPT, dst, 0, 0, 0, 0);
        }
    }
    for (uint32_t i = 0; good && i < n_outs; i++)
        pk_emit_patch(cx, outs[i]);
    free(outs);
    return good;
}
