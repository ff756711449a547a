#include "image/shapes.h"

#include <string.h>

enum { GROUP_item = 1, GROUP_expr = 0 };

/* A shape applied to 0 is its number: ops.def writes `-` where an operand is unused, and -(0) is 0. */
#define W(zero)    PK_SHAPE_W
#define R(zero)    PK_SHAPE_R
#define N(zero)    PK_SHAPE_N
#define J(zero)    PK_SHAPE_J
#define FLD(zero)  PK_SHAPE_FLD
#define EXP(zero)  PK_SHAPE_EXP
#define BLB(zero)  PK_SHAPE_BLB
#define PAR(zero)  PK_SHAPE_PAR
#define STR(zero)  PK_SHAPE_STR
#define PLD(zero)  PK_SHAPE_PLD
#define PLN(zero)  PK_SHAPE_PLN
#define AXS(zero)  PK_SHAPE_AXS
#define SET(zero)  PK_SHAPE_SET
#define LAY(zero)  PK_SHAPE_LAY
#define FN(zero)   PK_SHAPE_FN
#define SLOT(zero) PK_SHAPE_SLOT
#define PART(zero) PK_SHAPE_PART
#define E64(zero)  PK_SHAPE_E64

_Static_assert(PK_SHAPE_UNUSED == 0, "`-` is a shape");

static const pk_op_info ops[] = {
#define PK_OP(id, text, group, a, b, c, d, e, doc) \
    {#id, text, #group, doc, {#a, #b, #c, #d, #e}, {a(0), b(0), c(0), d(0), e(0)}, GROUP_##group},
#include "image/ops.def"
#undef PK_OP
};

#undef W
#undef R
#undef N
#undef J
#undef FLD
#undef EXP
#undef BLB
#undef PAR
#undef STR
#undef PLD
#undef PLN
#undef AXS
#undef SET
#undef LAY
#undef FN
#undef SLOT
#undef PART
#undef E64

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
        [PK_SEC_STR] = "text",        [PK_SEC_DATA] = "byte",
        [PK_SEC_BLB] = "blob",        [PK_SEC_CODE] = "instruction",
        [PK_SEC_EXP] = "expression",  [PK_SEC_LAY] = "layer",
        [PK_SEC_FLD] = "field",       [PK_SEC_MEM] = "member",
        [PK_SEC_ALI] = "alias",       [PK_SEC_ENU] = "enum",
        [PK_SEC_ENT] = "enum entry",  [PK_SEC_TAB] = "table",
        [PK_SEC_KEY] = "key",         [PK_SEC_PLD] = "payload",
        [PK_SEC_SEL] = "selector",    [PK_SEC_BND] = "binding",
        [PK_SEC_IMP] = "imposition",  [PK_SEC_SHP] = "answer shape",
        [PK_SEC_KYP] = "key pair",    [PK_SEC_PAR] = "parameter",
        [PK_SEC_SET] = "set",         [PK_SEC_SOP] = "set step",
        [PK_SEC_AXS] = "axis",        [PK_SEC_PLN] = "plan node",
        [PK_SEC_GIV] = "given value", [PK_SEC_ALT] = "alternative",
        [PK_SEC_DML] = "dimension",   [PK_SEC_PST] = "pattern layer",
        [PK_SEC_PAT] = "pattern",     [PK_SEC_CKI] = "piece of a cookie",
        [PK_SEC_PRB] = "probe",       [PK_SEC_OPT] = "option",
        [PK_SEC_CHK] = "check",       [PK_SEC_SRC] = "source byte",
        [PK_SEC_VIW] = "view",        [PK_SEC_COL] = "column",
        [PK_SEC_AGG] = "aggregate",
    };
    return nouns[section];
}
