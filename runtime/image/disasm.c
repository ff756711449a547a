#include "image/disasm.h"

#include <string.h>

#include "base/escape.h"
#include "image/format.h"
#include "image/shapes.h"

enum { BYTES_SHOWN = 32 };

static void text_add(pk_buf *out, const pk_image *image, pk_ref text)
{
    const char *words = pk_image_text(image, text);
    pk_buf_byte(out, '"');
    pk_escape_literal(out, words, strlen(words));
    pk_buf_byte(out, '"');
}

static void name_add(pk_buf *out, const pk_image *image, pk_ref text)
{
    const char *words = pk_image_text(image, text);
    pk_escape_terminal(out, words, strlen(words));
}

static void layer_add(pk_buf *out, const pk_image *image, pk_ref layer)
{
    const pk_image_layer *at = &image->layers[layer];
    if (at->parent) {
        name_add(out, image, image->layers[at->parent].name);
        pk_buf_byte(out, '.');
    }
    name_add(out, image, at->name);
}

static void bytes_add(pk_buf *out, pk_bytes bytes)
{
    pk_buf_text(out, "x\"");
    for (size_t i = 0; i < bytes.len && i < BYTES_SHOWN; i++)
        pk_buf_printf(out, "%02x", bytes.data[i]);
    pk_buf_byte(out, '"');
    if (bytes.len > BYTES_SHOWN)
        pk_buf_printf(out, "... (%zu bytes)", bytes.len);
}

/* A small number as it is, others with their bits. */
static void number_add(pk_buf *out, uint64_t number)
{
    if (number < 4096)
        pk_buf_printf(out, "%llu", (unsigned long long)number);
    else
        pk_buf_printf(out, "%lld (0x%llx)", (long long)number, (unsigned long long)number);
}

/* The first field of that slot. */
static void slot_add(pk_buf *out, const pk_image *image, pk_ref layer, uint64_t slot)
{
    const pk_image_layer *owner = &image->layers[layer];
    pk_buf_printf(out, "%llu", (unsigned long long)slot);
    for (uint32_t i = 0; i < owner->n_fields; i++) {
        const pk_image_field *field = &image->fields[owner->fields + i];
        if (field->slot == slot) {
            pk_buf_byte(out, ' ');
            name_add(out, image, field->name);
            return;
        }
    }
}

/* ---- instructions ------------------------------------------------------------------------------
 */

static void part_add(pk_buf *out, uint64_t part)
{
    static const char *const parts[] = {"this", "head", "payload", "field", "span"};
    pk_buf_text(out, part <= PK_PART_SPAN ? parts[part] : "?");
}

static void operand_add(pk_buf *out, const pk_image *image, pk_ref layer, pk_shape shape,
                        uint64_t value)
{
    pk_ref ref = (pk_ref)value;
    switch (shape) {
    case PK_SHAPE_UNUSED:
        return;
    case PK_SHAPE_W:
    case PK_SHAPE_R:
        pk_buf_printf(out, "r%u", ref);
        return;
    case PK_SHAPE_N:
    case PK_SHAPE_E64:
        number_add(out, value);
        return;
    case PK_SHAPE_J:
        pk_buf_printf(out, "-> %u", ref);
        return;
    case PK_SHAPE_FLD:
        name_add(out, image, image->fields[ref].name);
        return;
    case PK_SHAPE_EXP:
        pk_buf_printf(out, "expression %u", ref);
        return;
    case PK_SHAPE_BLB:
        bytes_add(out, pk_image_bytes(image, ref));
        return;
    case PK_SHAPE_PAR:
        name_add(out, image, image->params[ref].name);
        return;
    case PK_SHAPE_STR:
        text_add(out, image, ref);
        return;
    case PK_SHAPE_PLD:
        pk_buf_printf(out, "payload %u", ref);
        return;
    case PK_SHAPE_PLN:
        pk_buf_printf(out, "plan node %u", ref);
        return;
    case PK_SHAPE_AXS:
        pk_buf_printf(out, "axis %u", ref);
        return;
    case PK_SHAPE_SET:
        text_add(out, image, image->sets[ref].text);
        return;
    case PK_SHAPE_LAY:
        layer_add(out, image, ref);
        return;
    case PK_SHAPE_FN:
        pk_buf_text(out, ref < PK_FN_COUNT_OF ? pk_fn_info_of(ref)->text : "?");
        return;
    case PK_SHAPE_SLOT:
        slot_add(out, image, layer, value);
        return;
    case PK_SHAPE_PART:
        part_add(out, value);
        return;
    }
}

/* The parts this, head and payload take no slots. */
static bool is_shown(const pk_insn *insn, unsigned operand, const pk_op_info *info)
{
    pk_shape shape = (pk_shape)info->shapes[operand];
    if (shape == PK_SHAPE_UNUSED)
        return false;
    if (info->shapes[2] == PK_SHAPE_PART && operand > 2)
        return operand == 3 ? insn->c >= PK_PART_FIELD : insn->c == PK_PART_SPAN;
    return true;
}

static void insn_add(pk_buf *out, const pk_image *image, pk_ref layer, const pk_insn *insn)
{
    if (insn->op >= PK_OPC_COUNT_OF) {
        pk_buf_printf(out, "? opcode %u", insn->op);
        return;
    }
    const pk_op_info *info = pk_op_info_of(insn->op);
    const char *separator = " ";
    pk_buf_text(out, info->text);
    for (unsigned i = 0; i < PK_OPERANDS; i++) {
        if (!is_shown(insn, i, info))
            continue;
        pk_shape shape = (pk_shape)info->shapes[i];
        /* A slot beside a part is of another node's layer. */
        bool own = info->shapes[2] != PK_SHAPE_PART;
        pk_buf_text(out, separator);
        operand_add(out, image, own ? layer : 0, shape, pk_insn_operand(insn, i));
        separator = ", ";
    }
}

void pk_image_disasm_insn(const pk_image *image, const pk_insn *insn, pk_buf *out)
{
    insn_add(out, image, 0, insn);
}

static void code_add(pk_buf *out, const pk_image *image, pk_ref layer, uint32_t start,
                     uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        pk_buf_printf(out, "    %3u  ", i);
        insn_add(out, image, layer, &image->code[start + i]);
        pk_buf_byte(out, '\n');
    }
}

/* ---- records -----------------------------------------------------------------------------------
 */

static void member_add(pk_buf *out, const pk_image *image, const pk_record_info *info,
                       uint64_t value)
{
    pk_buf_printf(out, " %s=", info->member);
    switch ((pk_record_kind)info->kind) {
    case PK_KIND_TEXT:
        text_add(out, image, (pk_ref)value);
        return;
    case PK_KIND_NEED:
    case PK_KIND_MAYBE:
    case PK_KIND_LIST:
        if (info->target == PK_SEC_LAY)
            layer_add(out, image, (pk_ref)value);
        else
            pk_buf_printf(out, "%s:%llu", pk_image_section_name((pk_section)info->target),
                          (unsigned long long)value);
        return;
    case PK_KIND_COUNT:
    case PK_KIND_NUMBER:
    case PK_KIND_BELOW:
    case PK_KIND_BITS:
    case PK_KIND_ZERO:
        number_add(out, value);
        return;
    }
}

/* "  noun 3: name="a" type=1 ..", zeros left out. */
static void record_add(pk_buf *out, const pk_image *image, pk_section section, pk_ref ref)
{
    size_t n;
    uint32_t count;
    const pk_record_info *infos = pk_record_infos(&n);
    const uint8_t *data = pk_image_section_data(image, section, &count);
    pk_buf_printf(out, "  %s %u:", pk_section_noun(section), ref);
    for (size_t i = 0; i < n; i++) {
        if (infos[i].section != section)
            continue;
        uint64_t value =
            pk_record_value(&infos[i], data + (size_t)ref * pk_image_record_size(section));
        if (value)
            member_add(out, image, &infos[i], value);
    }
    pk_buf_byte(out, '\n');
}

static void records_add(pk_buf *out, const pk_image *image, pk_section section, pk_ref first,
                        uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        record_add(out, image, section, first + i);
}

static void section_add(pk_buf *out, const pk_image *image, pk_section section)
{
    uint32_t count;
    (void)pk_image_section_data(image, section, &count);
    if (count <= 1)
        return;
    pk_buf_printf(out, "\nsection %s\n", pk_image_section_name(section));
    records_add(out, image, section, 1, count - 1);
}

/* ---- layers and expressions ---------------------------------------------------------------------
 */

static void expressions_add(pk_buf *out, const pk_image *image, pk_ref layer)
{
    for (pk_ref ref = 1; ref < image->n_exprs; ref++) {
        const pk_image_expr *expr = &image->exprs[ref];
        if (expr->layer != layer)
            continue;
        pk_buf_printf(out, "  expression %u", ref);
        if (expr->args)
            pk_buf_printf(out, " (%u arguments)", expr->args);
        pk_buf_text(out, ": ");
        name_add(out, image, expr->text);
        pk_buf_byte(out, '\n');
        code_add(out, image, layer, expr->start, expr->count);
    }
}

static void payloads_add(pk_buf *out, const pk_image *image, const pk_image_layer *layer)
{
    for (uint32_t i = 0; i < layer->n_items; i++) {
        const pk_insn *insn = &image->code[layer->items + i];
        if (insn->op != PK_OPC_PAY)
            continue;
        record_add(out, image, PK_SEC_PLD, insn->d);
        const pk_image_payload *payload = &image->payloads[insn->d];
        records_add(out, image, PK_SEC_SEL, payload->selectors, payload->n_selectors);
    }
}

static void tables_add(pk_buf *out, const pk_image *image, pk_ref layer)
{
    for (pk_ref ref = 1; ref < image->n_tables; ref++)
        if (image->tables[ref].layer == layer) {
            record_add(out, image, PK_SEC_TAB, ref);
            records_add(out, image, PK_SEC_KEY, image->tables[ref].keys, image->tables[ref].n_keys);
        }
}

static void bindings_add(pk_buf *out, const pk_image *image, const pk_image_layer *layer)
{
    for (uint32_t i = 0; i < layer->n_binds; i++) {
        const pk_image_bind *bind = &image->binds[layer->binds + i];
        record_add(out, image, PK_SEC_BND, layer->binds + i);
        records_add(out, image, PK_SEC_IMP, bind->impositions, bind->n_impositions);
    }
    for (uint32_t i = 0; i < layer->n_shapes; i++) {
        const pk_image_shape *shape = &image->shapes[layer->shapes + i];
        record_add(out, image, PK_SEC_SHP, layer->shapes + i);
        records_add(out, image, PK_SEC_KYP, shape->keys, shape->n_keys);
    }
}

static void layer_dump(pk_buf *out, const pk_image *image, pk_ref ref)
{
    static const char *const kinds[] = {"layer", "struct", "case"};
    const pk_image_layer *layer = &image->layers[ref];
    pk_buf_printf(out, "\n%s ", kinds[layer->kind]);
    layer_add(out, image, ref);
    pk_buf_text(out, ":\n");
    record_add(out, image, PK_SEC_LAY, ref);
    records_add(out, image, PK_SEC_FLD, layer->fields, layer->n_fields);
    records_add(out, image, PK_SEC_MEM, layer->members, layer->n_members);
    pk_buf_text(out, "  items:\n");
    code_add(out, image, ref, layer->items, layer->n_items);
    payloads_add(out, image, layer);
    bindings_add(out, image, layer);
    tables_add(out, image, ref);
    expressions_add(out, image, ref);
}

void pk_image_disasm(const pk_image *image, pk_ref layer, pk_buf *out)
{
    static const pk_section rest[] = {PK_SEC_ALI, PK_SEC_ENU, PK_SEC_ENT, PK_SEC_PAR, PK_SEC_SET,
                                      PK_SEC_SOP, PK_SEC_AXS, PK_SEC_PLN, PK_SEC_GIV, PK_SEC_ALT,
                                      PK_SEC_PST, PK_SEC_PAT, PK_SEC_CKI, PK_SEC_PRB, PK_SEC_OPT,
                                      PK_SEC_CHK, PK_SEC_VIW, PK_SEC_COL, PK_SEC_AGG};
    if (layer) {
        layer_dump(out, image, layer);
        return;
    }
    pk_buf_printf(out, "image of %zu bytes, version %d, hash %016llx\n", image->blob_len,
                  PK_IMAGE_VERSION, (unsigned long long)image->hash);
    for (pk_ref ref = 1; ref < image->n_layers; ref++)
        layer_dump(out, image, ref);
    pk_buf_text(out, "\nexpressions of no layer:\n");
    expressions_add(out, image, 0);
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        section_add(out, image, rest[i]);
    for (pk_ref ref = 1; ref < image->n_dims; ref++)
        pk_buf_printf(out, "%s%u%s", ref == 1 ? "\nsection DML\n  " : ", ", image->dims[ref],
                      ref + 1 == image->n_dims ? "\n" : "");
}
