#include "image/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/escape.h"

enum { NAME_SHOWN = 48 /* bytes of a name from the image in a sentence */ };

/* ---- sentences ------------------------------------------------------------------------------- */

/* The record may be the one at fault, so nothing in it is believed. */
static void name_add(pk_buf *out, const pk_image *image, uint64_t text)
{
    if (text < image->n_strings)
        pk_escape_terminal(out, image->strings + text,
                           strnlen(image->strings + text, image->n_strings - text < NAME_SHOWN
                                                              ? (size_t)(image->n_strings - text)
                                                              : (size_t)NAME_SHOWN));
}

static bool describe_layer(pk_buf *out, const pk_image *image, pk_ref layer)
{
    if (!layer || layer >= image->n_layers)
        return false;
    name_add(out, image, image->layers[layer].name);
    return true;
}

static void describe_field(pk_buf *out, const pk_image *image, pk_ref field)
{
    if (describe_layer(out, image, image->fields[field].layer))
        pk_buf_byte(out, '.');
    name_add(out, image, image->fields[field].name);
}

/* An expression is best known by what it is for. */
static bool describe_expr(pk_buf *out, const pk_image *image, pk_ref expr)
{
    for (pk_ref i = 1; i < image->n_fields; i++) {
        const pk_image_field *field = &image->fields[i];
        const char *role = field->init == expr     ? "default"
                           : field->width == expr  ? "width"
                           : field->extent == expr ? "extent"
                           : field->select == expr ? "enum selector"
                                                   : NULL;
        if (!role)
            continue;
        pk_buf_printf(out, "%s of `", role);
        describe_field(out, image, i);
        pk_buf_byte(out, '`');
        return true;
    }
    for (pk_ref i = 1; i < image->n_members; i++) {
        const pk_image_member *member = &image->members[i];
        if (member->ref != expr || (member->kind != PK_MEMBER_LET && member->kind != PK_MEMBER_DEF))
            continue;
        pk_buf_text(out, member->kind == PK_MEMBER_LET ? "let `" : "def `");
        name_add(out, image, member->name);
        pk_buf_byte(out, '`');
        return true;
    }
    return false;
}

/* The first text member of the record names it. */
static void describe_text(pk_buf *out, const pk_image *image, pk_section section, pk_ref ref)
{
    size_t n;
    const pk_record_info *infos = pk_record_infos(&n);
    uint32_t count;
    const uint8_t *data = pk_image_section_data(image, section, &count);
    const uint8_t *record = data + (size_t)ref * pk_image_record_size(section);
    for (size_t i = 0; i < n; i++)
        if (infos[i].section == section && infos[i].kind == PK_KIND_TEXT) {
            uint64_t text = pk_record_value(&infos[i], record);
            if (text == 0 || text >= image->n_strings)
                return;
            pk_buf_byte(out, '`');
            name_add(out, image, text);
            pk_buf_byte(out, '`');
            return;
        }
}

static void describe(pk_buf *out, const pk_image *image, pk_section section, pk_ref ref)
{
    if (!ref)
        return;
    if (section == PK_SEC_FLD) {
        pk_buf_byte(out, '`');
        describe_field(out, image, ref);
        pk_buf_byte(out, '`');
    } else if (section != PK_SEC_EXP || !describe_expr(out, image, ref)) {
        describe_text(out, image, section, ref);
    }
}

int pk_verify_refuse(const pk_verifier *verifier, pk_section section, pk_ref ref, uint32_t insn,
                     const char *why, ...)
{
    char reason[256];
    va_list args;
    va_start(args, why);
    (void)vsnprintf(reason, sizeof reason, why, args);
    va_end(args);
    pk_buf name = {0}, at = {0};
    describe(&name, verifier->image, section, ref);
    if (insn != PK_VERIFY_NO_INSN)
        pk_buf_printf(&at, ", %s %u", section == PK_SEC_LAY ? "item" : "instruction", insn);
    const char *label = pk_buf_cstr(&name);
    (void)snprintf(verifier->text, verifier->text_size, "rejected: %s %u%s%s%s%s: %s",
                   pk_section_noun(section), ref, *label ? " (" : "", label, *label ? ")" : "",
                   pk_buf_cstr(&at), reason);
    pk_buf_free(&name);
    pk_buf_free(&at);
    return PK_EFORMAT;
}

int pk_verify_context(const pk_verifier *verifier, pk_ref expr, pk_ref layer, uint32_t args,
                      pk_section section, pk_ref ref, const char *what)
{
    const pk_image_expr *at = &verifier->image->exprs[expr];
    if (!expr)
        return PK_OK;
    if (at->layer && at->layer != layer)
        return pk_verify_refuse(verifier, section, ref, PK_VERIFY_NO_INSN,
                                "%s is expression %u, which is of another layer", what, expr);
    if (at->args > args)
        return pk_verify_refuse(verifier, section, ref, PK_VERIFY_NO_INSN,
                                "%s is expression %u, which takes %u arguments, %u given", what,
                                expr, at->args, args);
    return PK_OK;
}

int pk_verify_uses(const pk_verifier *verifier, const pk_verify_use *uses, size_t n, pk_ref layer,
                   pk_section section, pk_ref ref)
{
    int code = PK_OK;
    for (size_t i = 0; i < n && !code; i++)
        code = pk_verify_context(verifier, uses[i].expr, layer, uses[i].args, section, ref,
                                 uses[i].what);
    return code;
}

uint8_t *pk_verify_marks(pk_verifier *verifier, uint32_t count)
{
    return pk_arena_array(&verifier->arena, count, 1);
}

bool pk_verify_mark(uint8_t *marks, pk_ref first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (marks[first + i])
            return false;
        marks[first + i] = 1;
    }
    return true;
}

/* ---- every record by records.def --------------------------------------------------------------
 */

/* Whether a member may be `value`. `limit` is how many records its target has, `n` the member behind
 * it. Where the kind is known when compiling, a comparison or two is left of it. */
static inline bool member_good(pk_record_kind kind, uint64_t value, uint32_t n, uint32_t limit,
                               uint32_t most)
{
    switch (kind) {
    case PK_KIND_TEXT:
    case PK_KIND_MAYBE:
        return value < limit;
    case PK_KIND_NEED:
        return value != 0 && value < limit;
    case PK_KIND_LIST:
        return value <= limit && n <= limit - value && (n == 0 || value != 0);
    case PK_KIND_BELOW:
        return value < most;
    case PK_KIND_BITS:
        return (value & ~(uint64_t)most) == 0;
    case PK_KIND_ZERO:
        return value == 0;
    case PK_KIND_COUNT:
    case PK_KIND_NUMBER:
        break;
    }
    return true;
}

/* The length of a list stands behind it (records.def). */
static inline uint32_t member_behind(const uint8_t *record, size_t off, size_t size,
                                     pk_record_kind kind)
{
    uint32_t n = 0;
    if (kind == PK_KIND_LIST)
        memcpy(&n, record + off + size, sizeof n);
    return n;
}

#define PK_SECTION(id, field, type) typedef type record_##id;
PK_SECTIONS
#undef PK_SECTION

/* All members of a record of `section`, which is a constant wherever this is called: of the whole
 * of records.def the compiler keeps that section's lines. */
static inline __attribute__((always_inline)) bool
record_good(const uint32_t *limits, pk_section section, const void *record)
{
    bool good = true;
#define PK_RECORD(id, member, kind, target, most, doc)                                   \
    if (section == PK_SEC_##id)                                                          \
        good &= member_good(PK_KIND_##kind, ((const record_##id *)record)->member,       \
                            member_behind(record, offsetof(record_##id, member),         \
                                          sizeof(((const record_##id *)record)->member), \
                                          PK_KIND_##kind),                               \
                            limits[PK_SEC_##target], most);
#include "image/records.def"
#undef PK_RECORD
    return good;
}

/* The first record of a section, from `from` on, that has a wrong member, 0 when none has. */
static pk_ref first_wrong(const pk_image *image, const uint32_t *limits, pk_section section,
                          pk_ref from)
{
    switch (section) {
#define PK_SECTION(id, field, type)                                    \
    case PK_SEC_##id:                                                  \
        for (pk_ref ref = from; ref < image->n_##field; ref++)         \
            if (!record_good(limits, PK_SEC_##id, image->field + ref)) \
                return ref;                                            \
        return 0;
        PK_SECTIONS
#undef PK_SECTION
    case PK_SEC_COUNT_OF:
        break;
    }
    return 0;
}

static int refuse_member(const pk_verifier *verifier, const pk_record_info *info, pk_ref ref,
                         uint64_t value, uint32_t n, uint32_t limit)
{
    char why[96];
    const char *target = pk_image_section_name((pk_section)info->target);
    switch ((pk_record_kind)info->kind) {
    case PK_KIND_LIST:
        (void)snprintf(why, sizeof why, "and %u records of %s from there are not among its %u", n,
                       target, limit);
        break;
    case PK_KIND_BELOW:
        (void)snprintf(why, sizeof why, "out of range");
        break;
    case PK_KIND_BITS:
        (void)snprintf(why, sizeof why, "unknown flags");
        break;
    case PK_KIND_ZERO:
        (void)snprintf(why, sizeof why, "but is reserved");
        break;
    default:
        if (info->kind == PK_KIND_NEED && !value)
            (void)snprintf(why, sizeof why, "but may not be none");
        else
            (void)snprintf(why, sizeof why, "but there are only %u records of %s", limit, target);
        break;
    }
    return pk_verify_refuse(verifier, (pk_section)info->section, ref, PK_VERIFY_NO_INSN,
                            "%s is %llu, %s", info->member, (unsigned long long)value, why);
}

/* Says which member of a record that first_wrong found it was. */
static int refuse_record(const pk_verifier *verifier, const uint32_t *limits, pk_section section,
                         pk_ref ref)
{
    size_t n_infos;
    uint32_t count;
    const pk_record_info *infos = pk_record_infos(&n_infos);
    const uint8_t *record = pk_image_section_data(verifier->image, section, &count);
    record += (size_t)ref * pk_image_record_size(section);
    for (size_t i = 0; i < n_infos; i++) {
        const pk_record_info *info = &infos[i];
        if (info->section != section)
            continue;
        pk_record_kind kind = (pk_record_kind)info->kind;
        uint64_t value = pk_record_value(info, record);
        uint32_t n = member_behind(record, info->off, info->size, kind);
        uint32_t limit = limits[info->target];
        if (!member_good(kind, value, n, limit, info->most))
            return refuse_member(verifier, info, ref, value, n, limit);
    }
    return pk_verify_refuse(verifier, section, ref, PK_VERIFY_NO_INSN, "a member is out of range");
}

static int verify_records(const pk_verifier *verifier)
{
    uint32_t limits[PK_SEC_COUNT_OF];
    for (int i = 0; i < PK_SEC_COUNT_OF; i++)
        (void)pk_image_section_data(verifier->image, (pk_section)i, &limits[i]);
    for (int i = 0; i < PK_SEC_COUNT_OF; i++) {
        pk_ref wrong = first_wrong(verifier->image, limits, (pk_section)i, verifier->known[i]);
        if (wrong)
            return refuse_record(verifier, limits, (pk_section)i, wrong);
    }
    return PK_OK;
}

/* Element 0 of every section is all zero; so empty text and empty bytes need no special case. */
static int verify_reserved(const pk_verifier *verifier)
{
    static const uint8_t zeros[sizeof(pk_image_layer)];
    for (int i = 0; i < PK_SEC_COUNT_OF; i++) {
        uint32_t count;
        const void *data = pk_image_section_data(verifier->image, (pk_section)i, &count);
        if (memcmp(data, zeros, pk_image_record_size((pk_section)i)) != 0)
            return pk_verify_refuse(verifier, (pk_section)i, 0, PK_VERIFY_NO_INSN,
                                    "the reserved record is not zero");
    }
    uint32_t n = verifier->image->n_strings;
    if (verifier->image->strings[n - 1] != 0)
        return pk_verify_refuse(verifier, PK_SEC_STR, n - 1, PK_VERIFY_NO_INSN,
                                "the last text has no end");
    return PK_OK;
}

/* ---- all of it ---------------------------------------------------------------------------------
 */

/* In one piece, so that what is not looked at costs nothing. */
static void *scratch_new(pk_verifier *verifier)
{
    size_t n = verifier->image->n_code;
    size_t each = sizeof *verifier->undef + sizeof *verifier->owner + sizeof *verifier->window +
                  sizeof *verifier->targeted;
    uint64_t *scratch = calloc(n, each);
    if (!scratch)
        return NULL;
    verifier->undef = scratch;
    verifier->owner = (uint32_t *)(void *)(verifier->undef + n);
    verifier->window = verifier->owner + n;
    verifier->targeted = (uint8_t *)(void *)(verifier->window + n);
    return scratch;
}

static int verify_all(pk_verifier *verifier, bool layers)
{
    void *scratch = scratch_new(verifier);
    int code = scratch ? verify_reserved(verifier) : PK_ENOMEM;
    pk_verify_ops(verifier);
    if (!code)
        code = verify_records(verifier);
    if (!code && layers)
        code = pk_verify_layers(verifier);
    if (!code)
        code = pk_verify_links(verifier);
    if (!code)
        code = pk_verify_views(verifier);
    if (!code && layers)
        code = pk_verify_items(verifier);
    if (!code)
        code = pk_verify_expressions(verifier);
    if (code == PK_ENOMEM)
        (void)snprintf(verifier->text, verifier->text_size, "no memory to check the image");
    pk_arena_free(&verifier->arena);
    free(scratch);
    return code;
}

int pk_image_verify(const pk_image *image, char *reterr_text, size_t reterr_size)
{
    pk_verifier verifier = {.image = image, .text = reterr_text, .text_size = reterr_size};
    for (int i = 0; i < PK_SEC_COUNT_OF; i++)
        verifier.known[i] = 1;
    return verify_all(&verifier, true);
}

/* What the layers consist of, and what expressions do. */
static bool of_layers(pk_section section)
{
    return section >= PK_SEC_LAY && section <= PK_SEC_KYP;
}

/* Notes which records are those of the base. False when a layer was added or changed. */
static bool find_known(pk_verifier *verifier, const pk_image *base)
{
    for (int i = 0; i < PK_SEC_COUNT_OF; i++) {
        pk_section section = (pk_section)i;
        uint32_t have, want;
        const void *data = pk_image_section_data(verifier->image, section, &have);
        const void *good = pk_image_section_data(base, section, &want);
        verifier->known[i] = 1;
        if (section > PK_SEC_KYP)
            continue;
        if (have < want || (of_layers(section) && have != want) ||
            memcmp(data, good, (size_t)want * pk_image_record_size(section)) != 0)
            return false;
        verifier->known[i] = want;
    }
    return true;
}

/* No new expression claims code of an old one. */
static bool own_code(const pk_verifier *verifier)
{
    const pk_image *image = verifier->image;
    for (pk_ref ref = verifier->known[PK_SEC_EXP]; ref < image->n_exprs; ref++)
        if (image->exprs[ref].start < verifier->known[PK_SEC_CODE])
            return false;
    return true;
}

int pk_image_verify_over(const pk_image *image, const pk_image *base, char *reterr_text,
                         size_t reterr_size)
{
    pk_verifier verifier = {.image = image, .text = reterr_text, .text_size = reterr_size};
    if (!find_known(&verifier, base) || !own_code(&verifier))
        return pk_image_verify(image, reterr_text, reterr_size);
    return verify_all(&verifier, false);
}
