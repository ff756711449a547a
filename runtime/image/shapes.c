#include "image/shapes.h"

#include <string.h>

enum { GROUP_item = 1, GROUP_expr = 0 };

static const pk_op_info ops[] = {
#define PK_OP(id, text, group, a, b, c, d, e, doc) \
    {#id, text, #group, doc, {#a, #b, #c, #d, #e}, GROUP_##group},
#include "image/ops.def"
#undef PK_OP
};

static const pk_fn_info fns[] = {
#define PK_FN(id, text, least, most, doc) {#id, text, doc, least, most},
#include "image/natives.def"
#undef PK_FN
};

#define PK_SECTION(id, field, type) typedef type record_##id;
PK_SECTIONS
#undef PK_SECTION

static const pk_record_info records[] = {
#define PK_RECORD(id, member, kind, target, most, doc) \
    {#member,                                          \
     #kind,                                            \
     doc,                                              \
     most,                                             \
     PK_SEC_##id,                                      \
     PK_KIND_##kind,                                   \
     PK_SEC_##target,                                  \
     offsetof(record_##id, member),                    \
     sizeof(((const record_##id *)0)->member)},
#include "image/records.def"
#undef PK_RECORD
};

const pk_op_info *pk_op_info_of(unsigned op)
{
    return &ops[op];
}

pk_shape pk_shape_of(const char *spelled)
{
    static const struct {
        const char *text;
        pk_shape shape;
    } shapes[] = {
        {"-", PK_SHAPE_UNUSED},  {"W", PK_SHAPE_W},     {"R", PK_SHAPE_R},
        {"N", PK_SHAPE_N},       {"J", PK_SHAPE_J},     {"FLD", PK_SHAPE_FLD},
        {"EXP", PK_SHAPE_EXP},   {"BLB", PK_SHAPE_BLB}, {"PAR", PK_SHAPE_PAR},
        {"STR", PK_SHAPE_STR},   {"PLD", PK_SHAPE_PLD}, {"AXS", PK_SHAPE_AXS},
        {"LAY", PK_SHAPE_LAY},   {"FN", PK_SHAPE_FN},   {"SLOT", PK_SHAPE_SLOT},
        {"PART", PK_SHAPE_PART}, {"E64", PK_SHAPE_E64},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (strcmp(shapes[i].text, spelled) == 0)
            return shapes[i].shape;
    return PK_SHAPE_UNUSED;
}

uint64_t pk_insn_operand(const pk_insn *insn, unsigned operand)
{
    switch (operand) {
    case 0:
        return insn->a;
    case 1:
        return insn->b;
    case 2:
        return insn->c;
    case 3:
        return insn->d;
    default:
        return insn->e;
    }
}

const pk_fn_info *pk_fn_info_of(unsigned fn)
{
    return &fns[fn];
}

const pk_record_info *pk_record_infos(size_t *ret_count)
{
    *ret_count = sizeof records / sizeof *records;
    return records;
}

uint64_t pk_record_value(const pk_record_info *info, const void *record)
{
    uint64_t value = 0; /* images are little-endian, and so is whoever got past the loader */
    memcpy(&value, (const uint8_t *)record + info->off, info->size);
    return value;
}

const char *pk_section_noun(pk_section section)
{
    static const char *const nouns[PK_SEC_COUNT_OF] = {
        [PK_SEC_STR] = "text",         [PK_SEC_DATA] = "byte",       [PK_SEC_BLB] = "blob",
        [PK_SEC_CODE] = "instruction", [PK_SEC_EXP] = "expression",  [PK_SEC_LAY] = "layer",
        [PK_SEC_FLD] = "field",        [PK_SEC_MEM] = "member",      [PK_SEC_ALI] = "alias",
        [PK_SEC_ENU] = "enum",         [PK_SEC_ENT] = "enum entry",  [PK_SEC_TAB] = "table",
        [PK_SEC_KEY] = "key",          [PK_SEC_PLD] = "payload",     [PK_SEC_SEL] = "selector",
        [PK_SEC_BND] = "binding",      [PK_SEC_IMP] = "imposition",  [PK_SEC_SHP] = "answer shape",
        [PK_SEC_KYP] = "key pair",     [PK_SEC_PAR] = "parameter",   [PK_SEC_SET] = "set",
        [PK_SEC_SOP] = "set step",     [PK_SEC_AXS] = "axis",        [PK_SEC_PLN] = "plan node",
        [PK_SEC_GIV] = "given value",  [PK_SEC_ALT] = "alternative", [PK_SEC_DML] = "dimension",
        [PK_SEC_PRB] = "probe",        [PK_SEC_OPT] = "option",      [PK_SEC_CHK] = "check",
        [PK_SEC_SRC] = "source byte",
    };
    return nouns[section];
}
