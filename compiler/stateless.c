/* `stateless`: the fields that a layer says an asker may choose (`let nonce`, `let nonce_high`), that
 * its answers echo and the description leaves open, get pieces of the packet's cookie. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/cookie.h"

enum { FIELDS = 16, UNSET = 16 };

typedef struct chosen {
    pk_ref plan;
    uint32_t slot;
    unsigned bits;
    bool high; /* the top bit of the field is always set */
} chosen;

typedef struct choice {
    chosen fields[FIELDS];
    unsigned count, bits;
    pk_ref taken[UNSET]; /* FLD: that would do, and are given */
    unsigned n_taken;
} choice;

/* Does a shape of the layer's answers compare the reply with this field, or a sum with it? */
static bool is_echoed(pk_compiler *cx, pk_ref layer, uint32_t slot)
{
    const pk_image_layer at = *PK_AT(cx->builder, LAY, layer);
    for (uint32_t s = 0; s < at.n_shapes; s++) {
        const pk_image_shape shape = *PK_AT(cx->builder, SHP, at.shapes + s);
        for (uint32_t i = 0; i < shape.n_keys; i++)
            if (PK_AT(cx->builder, KYP, shape.keys + i)->term_slot == slot)
                return true;
    }
    return false;
}

static bool is_given(pk_compiler *cx, pk_ref plan, uint32_t slot)
{
    const pk_image_plan at = *PK_AT(cx->builder, PLN, plan);
    for (uint32_t i = 0; i < at.n_givens; i++) {
        const pk_image_given *given = PK_AT(cx->builder, GIV, at.givens + i);
        if (given->slot == slot && given->kind <= PK_GIVEN_RAW)
            return true;
    }
    return false;
}

static void choose(pk_compiler *cx, pk_ref plan, uint32_t slot, bool high, choice *c)
{
    pk_ref layer = PK_AT(cx->builder, PLN, plan)->ref;
    pk_ref field = pk_field_of_slot(cx, layer, slot);
    unsigned bits = field ? PK_AT(cx->builder, FLD, field)->bits : 0;
    if (!bits || !is_echoed(cx, layer, slot))
        return;
    if (is_given(cx, plan, slot)) {
        if (c->n_taken < UNSET)
            c->taken[c->n_taken++] = field;
        return;
    }
    bits -= high;
    if (bits > PK_COOKIE_BITS - c->bits)
        bits = PK_COOKIE_BITS - c->bits;
    if (!bits || c->count == FIELDS)
        return;
    c->fields[c->count++] = (chosen){plan, slot, bits, high};
    c->bits += bits;
}

/* The fields that `let NAME = ..` of the layer reads, in its order. */
static void choose_named(pk_compiler *cx, pk_ref plan, const char *name, bool high, choice *c)
{
    pk_ref layer = PK_AT(cx->builder, PLN, plan)->ref;
    pk_image_member member;
    pk_ref text = pk_image_builder_text(cx->builder, name, strlen(name));
    if (!pk_member(cx, layer, text, &member) || member.kind != PK_MEMBER_LET)
        return;
    const pk_image_expr expr = *PK_AT(cx->builder, EXP, member.ref);
    for (uint32_t i = 0; i < expr.count; i++) {
        const pk_insn insn = *PK_AT(cx->builder, CODE, expr.start + i);
        if (insn.op == PK_OPC_SLOT)
            choose(cx, plan, insn.d, high, c);
    }
}

/* `(cookie >> shift) & mask`, with the top bit where that is asked for. */
static pk_ref piece(pk_compiler *cx, const chosen *field, unsigned shift, unsigned bits)
{
    uint64_t mask = field->bits == 64 ? UINT64_MAX : ((uint64_t)1 << field->bits) - 1;
    uint64_t top = field->high && field->bits < 64 ? (uint64_t)1 << field->bits : 0;
    pk_code code = {0};
    pk_code *outer = cx->code;
    cx->code = &code;
    bool good =
        pk_emit(cx, PK_OPC_RANDOM, 0, 0, 0, PK_COOKIE_STREAM | bits, 0) &&
        pk_emit(cx, PK_OPC_INT, 1, 0, 0, 0, shift) && pk_emit(cx, PK_OPC_SHR, 0, 0, 1, 0, 0) &&
        pk_emit(cx, PK_OPC_INT, 1, 0, 0, 0, mask) && pk_emit(cx, PK_OPC_AND, 0, 0, 1, 0, 0) &&
        (!top ||
         (pk_emit(cx, PK_OPC_INT, 1, 0, 0, 0, top) && pk_emit(cx, PK_OPC_OR, 0, 0, 1, 0, 0))) &&
        pk_emit(cx, PK_OPC_RET, 0, 0, 0, 0, 0);
    cx->code = outer;
    pk_ref expr = good ? pk_expr_put(cx, &code, 0, 0, 0) : 0;
    free(code.insns);
    return expr;
}

static void give(pk_compiler *cx, const chosen *field, unsigned shift, unsigned bits)
{
    pk_ref expr = piece(cx, field, shift, bits);
    const pk_image_plan old = *PK_AT(cx->builder, PLN, field->plan);
    pk_ref first = PK_ADD(cx->builder, GIV, old.n_givens + 1);
    for (uint32_t i = 0; i < old.n_givens; i++)
        *PK_AT(cx->builder, GIV, first + i) = *PK_AT(cx->builder, GIV, old.givens + i);
    *PK_AT(cx->builder, GIV, first + old.n_givens) =
        (pk_image_given){.slot = field->slot, .kind = PK_GIVEN_VALUE, .ref = expr};
    pk_image_plan *plan = PK_AT(cx->builder, PLN, field->plan);
    plan->givens = first;
    plan->n_givens = old.n_givens + 1;
}

static void report(pk_compiler *cx, pk_span span, const choice *c)
{
    pk_diag_report(
        cx->diags, PK_DIAG_NOT_STATELESS, span,
        "a stateless probe hides a cookie in fields that answers echo, and none is free");
    pk_buf names = {0};
    for (unsigned i = 0; i < c->n_taken; i++) {
        const pk_image_field *field = PK_AT(cx->builder, FLD, c->taken[i]);
        pk_buf_printf(&names, "%s`%s.%s`", i ? " or " : "",
                      pk_str(cx, PK_AT(cx->builder, LAY, field->layer)->name),
                      pk_str(cx, field->name));
    }
    if (c->n_taken)
        pk_diag_help(cx->diags, "leave %s unset", pk_buf_cstr(&names));
    else
        pk_diag_help(cx->diags, "none of its layers has a field that an asker may choose "
                                "(`let nonce` of the layer)");
    pk_buf_free(&names);
}

/* The layers of one alternative share the word: the outermost has its low bits. */
static bool lay_cookie(pk_compiler *cx, pk_span span, pk_ref plan)
{
    choice c = {.count = 0};
    for (; plan; plan = PK_AT(cx->builder, PLN, plan)->payload) {
        if (PK_AT(cx->builder, PLN, plan)->kind != PK_PLAN_INSTANCE)
            break;
        choose_named(cx, plan, "nonce", false, &c);
        choose_named(cx, plan, "nonce_high", true, &c);
    }
    if (!c.count) {
        report(cx, span, &c);
        return false;
    }
    unsigned shift = 0;
    for (unsigned i = 0; i < c.count; i++) {
        give(cx, &c.fields[i], shift, c.bits);
        pk_ref ref = PK_ADD(cx->builder, CKI, 1);
        *PK_AT(cx->builder, CKI, ref) = (pk_image_cookie){.plan = c.fields[i].plan,
                                                          .slot = c.fields[i].slot,
                                                          .shift = shift,
                                                          .bits = c.fields[i].bits,
                                                          .word = c.bits};
        shift += c.fields[i].bits;
    }
    return true;
}

void pk_lay_cookies(pk_compiler *cx, pk_span span, pk_image_probe *probe)
{
    probe->cookies = pk_image_builder_count(cx->builder, PK_SEC_CKI);
    for (uint32_t i = 0; i < probe->n_alts; i++)
        if (!lay_cookie(cx, span, PK_AT(cx->builder, ALT, probe->alts + i)->plan))
            return;
    probe->n_cookies = pk_image_builder_count(cx->builder, PK_SEC_CKI) - probe->cookies;
}
