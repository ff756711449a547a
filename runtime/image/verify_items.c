#include "image/verify.h"

/* One item program. */
typedef struct items_check {
    pk_verifier *verifier;
    const pk_image_layer *layer;
    pk_ref ref;
    const pk_insn *code;
    uint32_t *window;    /* by item */
    uint32_t at;         /* item at hand */
    uint32_t open;       /* 1 + the innermost open WIN, 0 = none */
    uint32_t next_field; /* fields stand in wire order: the least that may come now */
} items_check;

#define REFUSE(check, ...) \
    pk_verify_refuse((check)->verifier, PK_SEC_LAY, (check)->ref, (check)->at, __VA_ARGS__)

static const pk_image_field *field_of(const items_check *check, const pk_insn *insn)
{
    return &check->verifier->image->fields[insn->d];
}

/* ---- fields ------------------------------------------------------------------------------------
 */

static bool is_integer(const pk_image_field *field)
{
    return field->type == PK_TYPE_UINT || field->type == PK_TYPE_INT;
}

static bool width_fits(const pk_image_field *field)
{
    switch ((pk_type)field->type) {
    case PK_TYPE_UINT:
    case PK_TYPE_INT:
        return field->bits >= 1 && field->bits <= 64;
    case PK_TYPE_IP4:
        return field->bits == 32;
    case PK_TYPE_IP6:
        return field->bits == 128;
    case PK_TYPE_MAC:
        return field->bits == 48;
    case PK_TYPE_BYTES:
        return field->bits >= 8 && field->bits % 8 == 0;
    case PK_TYPE_STRUCT:
    case PK_TYPE_ULEB:
    case PK_TYPE_UVLQ:
        break;
    }
    return false;
}

static bool struct_fits(const items_check *check, const pk_image_field *field)
{
    uint32_t formals = check->verifier->image->layers[field->sub].n_formals;
    if (!field->sub)
        return false;
    return field->n_args == formals ||
           (field->list == 1 + PK_IMAGE_LIST_FOR && field->n_args + 1 == formals);
}

/* An element of a list is read by its type alone. */
static bool element_fits(const items_check *check, const pk_image_field *field)
{
    if (field->type == PK_TYPE_STRUCT)
        return struct_fits(check, field);
    if (field->type == PK_TYPE_ULEB || field->type == PK_TYPE_UVLQ)
        return true;
    return field->width ? is_integer(field) || field->type == PK_TYPE_BYTES
                        : width_fits(field) || field->type == PK_TYPE_BYTES;
}

static bool item_fits(const items_check *check, pk_op op, const pk_image_field *field)
{
    switch (op) {
    case PK_OPC_FLD:
        return !field->list && !field->width && width_fits(field);
    case PK_OPC_FLX:
        return !field->list && field->width && !field->bits && is_integer(field);
    case PK_OPC_BYT:
        return !field->list && field->type == PK_TYPE_BYTES;
    case PK_OPC_VAR:
        return !field->list && (field->type == PK_TYPE_ULEB || field->type == PK_TYPE_UVLQ);
    case PK_OPC_SUB:
        return !field->list && field->type == PK_TYPE_STRUCT && struct_fits(check, field);
    case PK_OPC_LST:
        return field->list && element_fits(check, field) &&
               (field->list == 1 + PK_IMAGE_LIST_WINDOW || field->extent);
    default:
        return true;
    }
}

static int check_field(items_check *check, const pk_insn *insn)
{
    const pk_image_field *field = field_of(check, insn);
    const char *op = pk_op_name((pk_op)insn->op);
    if (field->layer != check->ref)
        return REFUSE(check, "`%s` of field %u, which is of layer %u", op, insn->d, field->layer);
    if (insn->d < check->next_field || insn->d >= check->layer->fields + check->layer->n_fields)
        return REFUSE(check, "`%s` of field %u, which is out of order", op, insn->d);
    if (field->flags & PK_FIELD_PARAM)
        return REFUSE(check, "`%s` of field %u, which is a parameter", op, insn->d);
    if (!item_fits(check, (pk_op)insn->op, field))
        return REFUSE(check, "`%s` of field %u, which has another type or width", op, insn->d);
    check->next_field = insn->d + 1;
    return PK_OK;
}

/* ---- bit groups --------------------------------------------------------------------------------
 */

static uint32_t shift_of(const items_check *check, uint32_t at)
{
    const pk_insn *insn = &check->code[at];
    return insn->op == PK_OPC_FLD ? field_of(check, insn)->group_shift : 0;
}

/* Whether the item at `at` lies in a bit group and does not begin it. */
static bool inside_group(const items_check *check, uint32_t at)
{
    const pk_image_field *field = field_of(check, &check->code[at]);
    return check->code[at].op == PK_OPC_FLD && field->group_bits &&
           field->group_shift + field->bits != field->group_bits;
}

/* The fields of a group follow each other from its most significant bit to its least, with nothing
 * between: so a machine may read or write the group as one integer. */
static int check_group(const items_check *check, const pk_insn *insn)
{
    const pk_image_field *field = field_of(check, insn);
    if (insn->op != PK_OPC_FLD || !field->group_bits) {
        if (check->at && shift_of(check, check->at - 1))
            return REFUSE(check, "stands within a bit group");
        return PK_OK;
    }
    if (field->group_bits % 8 || field->group_shift + field->bits > field->group_bits ||
        !is_integer(field))
        return REFUSE(check, "field %u does not fit its bit group", insn->d);
    uint32_t before = check->at ? shift_of(check, check->at - 1) : 0;
    uint32_t end = field->group_shift + field->bits;
    if (end == (before ? before : field->group_bits)) {
        if (before) {
            const pk_image_field *last = field_of(check, insn - 1);
            if (last->group_bits != field->group_bits ||
                (last->flags ^ field->flags) & PK_FIELD_GROUP_LE)
                return REFUSE(check, "field %u changes its bit group", insn->d);
        }
        return PK_OK;
    }
    return REFUSE(check, "field %u leaves a gap in its bit group", insn->d);
}

/* ---- the fixed prefix ---------------------------------------------------------------------------
 */

static int check_fixed_field(const items_check *check, uint32_t index, uint64_t bits)
{
    const pk_insn *insn = &check->code[1 + index];
    if (1 + index >= check->layer->n_items || insn->op != PK_OPC_FLD)
        return REFUSE(check, "`fix` promises %u fields, item %u is none", check->code[0].d,
                      1 + index);
    const pk_image_field *field = field_of(check, insn);
    if (insn->d != check->layer->fields + index)
        return REFUSE(check, "fixed field %u is not the layer's %u. field", insn->d, index + 1);
    uint32_t end = field->group_shift + field->bits;
    uint64_t want = field->group_bits ? bits + end - field->group_bits : bits;
    if (field->fixed_off != want)
        return REFUSE(check, "fixed field %u is at bit %llu, not %u", insn->d,
                      (unsigned long long)want, field->fixed_off);
    return PK_OK;
}

static int check_fixed(const items_check *check)
{
    const pk_image *image = check->verifier->image;
    const pk_insn *fix = check->code;
    uint32_t n = fix->op == PK_OPC_FIX ? fix->d : 0;
    uint64_t bits = 0;
    for (uint32_t i = 0; i < n; i++) {
        int code = check_fixed_field(check, i, bits);
        if (code)
            return code;
        bits += image->fields[check->layer->fields + i].bits;
    }
    if (fix->op == PK_OPC_FIX && (!n || fix->e != bits))
        return REFUSE(check, "`fix` promises %llu bits, its %u fields have %llu",
                      (unsigned long long)fix->e, n, (unsigned long long)bits);
    if (check->layer->fixed_fields != n || check->layer->fixed_bits != bits)
        return REFUSE(check, "the layer promises %u fixed fields of %u bits, its items %u of %llu",
                      check->layer->fixed_fields, check->layer->fixed_bits, n,
                      (unsigned long long)bits);
    if (n && shift_of(check, n))
        return REFUSE(check, "the fixed fields end within a bit group");
    return PK_OK;
}

/* Fields behind the prefix promise nothing. */
static int check_unfixed(const items_check *check)
{
    const pk_image_layer *layer = check->layer;
    for (uint32_t i = layer->fixed_fields; i < layer->n_fields; i++)
        if (check->verifier->image->fields[layer->fields + i].fixed_off != UINT32_MAX)
            return pk_verify_refuse(check->verifier, PK_SEC_FLD, layer->fields + i,
                                    PK_VERIFY_NO_INSN, "has a fixed offset, its layer denies it");
    return PK_OK;
}

/* ---- items -------------------------------------------------------------------------------------
 */

static int check_exprs(const items_check *check, const pk_insn *insn)
{
    if (insn->op == PK_OPC_PAY)
        return pk_verify_payload(check->verifier, insn->d, check->ref);
    if (insn->op != PK_OPC_JIF && insn->op != PK_OPC_WIN)
        return PK_OK;
    if (insn->op == PK_OPC_JIF && !insn->e)
        return REFUSE(check, "`jif` has no condition");
    return pk_verify_context(check->verifier, (pk_ref)insn->e, check->ref, check->layer->n_formals,
                             PK_SEC_LAY, check->ref, "a condition or window");
}

/* Window numbers, which make jumps comparable: WIN itself lies outside what it opens, WEN within
 * what it closes. */
static int check_window(items_check *check, const pk_insn *insn)
{
    check->window[check->at] = check->open;
    if (insn->op == PK_OPC_WIN)
        check->open = check->at + 1;
    if (insn->op == PK_OPC_WEN) {
        if (!check->open)
            return REFUSE(check, "`wen` closes no window");
        check->open = check->window[check->open - 1];
    }
    return PK_OK;
}

static int check_item(items_check *check)
{
    const pk_insn *insn = &check->code[check->at];
    bool last = check->at + 1 == check->layer->n_items;
    int code = pk_verify_operands(check->verifier, insn, check->at, check->layer->n_items,
                                  check->ref, PK_SEC_LAY, check->ref);
    if (code)
        return code;
    if (insn->op == PK_OPC_FIX && check->at)
        return REFUSE(check, "`fix` is not the first item");
    if ((insn->op == PK_OPC_END) != last)
        return REFUSE(check, last ? "the last item is not `end`" : "`end` is not the last item");
    if (check->verifier->ops[insn->op].shapes[3] == PK_SHAPE_FLD)
        code = check_field(check, insn);
    if (!code)
        code = check_group(check, insn);
    if (!code)
        code = check_exprs(check, insn);
    if (!code)
        code = check_window(check, insn);
    if (!code && last && check->open)
        return REFUSE(check, "the window of item %u stays open", check->open - 1);
    return code;
}

/* A jump stays in its window, and lands on no field in the middle of a bit group. */
static int check_jump(const items_check *check)
{
    const pk_insn *insn = &check->code[check->at];
    if (insn->op != PK_OPC_JIF && insn->op != PK_OPC_JMP)
        return PK_OK;
    if (check->window[insn->d] != check->window[check->at])
        return REFUSE(check, "jump to %u crosses a window's boundary", insn->d);
    if (inside_group(check, insn->d))
        return REFUSE(check, "jump to %u lands within a bit group", insn->d);
    return PK_OK;
}

static int verify_program(pk_verifier *verifier, pk_ref ref)
{
    const pk_image_layer *layer = &verifier->image->layers[ref];
    bool known;
    int code = pk_verify_claim(verifier, layer->items, layer->n_items, PK_SEC_LAY, ref, &known);
    if (code)
        return code;
    if (!layer->n_items)
        return pk_verify_refuse(verifier, PK_SEC_LAY, ref, PK_VERIFY_NO_INSN, "has no items");
    items_check check = {verifier,
                         layer,
                         ref,
                         verifier->image->code + layer->items,
                         verifier->window + layer->items,
                         0,
                         0,
                         layer->fields};
    for (check.at = 0; check.at < layer->n_items && !code; check.at++)
        code = check_item(&check);
    for (check.at = 0; check.at < layer->n_items && !code; check.at++)
        code = check_jump(&check);
    check.at = 0;
    if (!code)
        code = check_fixed(&check);
    return code ? code : check_unfixed(&check);
}

int pk_verify_items(pk_verifier *verifier)
{
    for (pk_ref ref = 1; ref < verifier->image->n_layers; ref++) {
        int code = verify_program(verifier, ref);
        if (code)
            return code;
    }
    return PK_OK;
}
