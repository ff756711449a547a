/* Layers that take a standard layer's place: a program that declares `ipv6` anew means that udp and
 * all others bound on the standard one stand on its own. What is bound on the predecessor is bound
 * on the successor too, and `over` and `under` of standard layers mean the successor. The program's
 * own binds and keys come first. */
#include "internal.h"

#include "image/shapes.h"

static pk_ref predecessor(pk_compiler *cx, pk_ref layer)
{
    const pk_image *standard = cx->options->standard;
    const pk_image_layer at = *PK_AT(cx->builder, LAY, layer);
    for (pk_ref old = 1; standard && at.kind != PK_LAYER_CASE && old < standard->n_layers; old++)
        if (standard->layers[old].name == at.name && standard->layers[old].kind == at.kind)
            return old;
    return 0;
}

/* Code that asks its own layer for a field says nothing about another layer's slots. */
static bool asks_fields(pk_compiler *cx, pk_ref value)
{
    const pk_image_expr expr = *PK_AT(cx->builder, EXP, value);
    for (uint32_t i = 0; i < expr.count; i++) {
        const pk_insn insn = *PK_AT(cx->builder, CODE, expr.start + i);
        bool part = insn.op == PK_OPC_SIZE || insn.op == PK_OPC_BYTES;
        bool field = !part || insn.c == PK_PART_FIELD || insn.c == PK_PART_SPAN;
        uint8_t shape = pk_op_info_of(insn.op)->shapes[3];
        if (insn.op == PK_OPC_FIND || shape == PK_SHAPE_EXP || (field && shape == PK_SHAPE_SLOT))
            return true;
    }
    return false;
}

/* The same expression, of another layer: jumps are counted from its start. */
static pk_ref expr_of(pk_compiler *cx, pk_ref value, pk_ref layer)
{
    pk_image_expr expr = *PK_AT(cx->builder, EXP, value);
    pk_ref code = PK_ADD(cx->builder, CODE, expr.count);
    for (uint32_t i = 0; i < expr.count; i++)
        *PK_AT(cx->builder, CODE, code + i) = *PK_AT(cx->builder, CODE, expr.start + i);
    expr.start = code;
    expr.layer = layer;
    return PK_PUT(cx->builder, EXP, &expr, 1);
}

/* `what` said of the predecessor, as said of the successor; false when it has no such field. */
static bool carried_over(pk_compiler *cx, pk_image_imposition *what, pk_ref new)
{
    pk_ref field = pk_field_of_slot(cx, what->layer, what->slot);
    pk_image_member member;
    if (!field || asks_fields(cx, what->value) ||
        !pk_member(cx, new, PK_AT(cx->builder, FLD, field)->name, &member) ||
        member.kind != PK_MEMBER_FIELD)
        return false;
    what->layer = new;
    what->slot = member.ref;
    what->value = expr_of(cx, what->value, new);
    return true;
}

/* A bind that lies on the predecessor, or reaches down to it, once more. */
static void bind_over(pk_compiler *cx, pk_ref upper, const pk_image_bind *bind, pk_ref old,
                      pk_ref new)
{
    enum { ROOM = 64 };
    pk_image_imposition imposed[ROOM];
    uint32_t n = 0;
    bool concerned = bind->lower == old;
    for (uint32_t i = 0; i < bind->n_impositions && n + 2 <= ROOM; i++) {
        pk_image_imposition what = *PK_AT(cx->builder, IMP, bind->impositions + i);
        bool of_old = what.layer == old;
        concerned |= of_old;
        if (what.depth > 0 || bind->lower != old)
            imposed[n++] = what;
        if (of_old && carried_over(cx, &what, new))
            imposed[n++] = what;
    }
    if (concerned)
        pk_bind_put(cx, upper, bind->lower == old ? new : bind->lower, imposed, n);
}

static void keys_over(pk_compiler *cx, pk_ref old, pk_ref new)
{
    uint32_t tables = pk_image_builder_count(cx->builder, PK_SEC_TAB);
    for (pk_ref t = 1; t < tables; t++) {
        const pk_image_table table = *PK_AT(cx->builder, TAB, t);
        pk_ref mine = table.layer == old ? pk_table_find(cx, new, table.name) : 0;
        for (uint32_t k = 0; mine && k < table.n_keys; k++) {
            const pk_image_key key = *PK_AT(cx->builder, KEY, table.keys + k);
            pk_key_put(cx, mine, key.lo, key.hi, key.layer, (pk_span){0, 0});
        }
    }
}

static void asked_over(pk_compiler *cx, pk_ref old, pk_ref new)
{
    for (uint32_t i = 0; i < cx->options->standard->n_code; i++) {
        pk_insn *insn = PK_AT(cx->builder, CODE, i);
        if ((insn->op == PK_OPC_OVER || insn->op == PK_OPC_UNDER) && insn->d == old)
            insn->d = new;
    }
}

void pk_bind_successors(pk_compiler *cx)
{
    for (size_t i = 0; i < cx->n_declared; i++) {
        pk_ref new = cx->declared[i].layer;
        pk_ref old = predecessor(cx, new);
        if (!old || old == new)
            continue;
        keys_over(cx, old, new);
        asked_over(cx, old, new);
        for (pk_ref upper = 1; upper < cx->options->standard->n_layers; upper++) {
            const pk_image_layer at = *PK_AT(cx->builder, LAY, upper);
            for (uint32_t b = 0; b < at.n_binds; b++) {
                const pk_image_bind bind = *PK_AT(cx->builder, BND, at.binds + b);
                bind_over(cx, upper, &bind, old, new);
            }
        }
    }
}
