#include "image/verify.h"

#include <stdarg.h>
#include <stdio.h>
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

typedef struct member_check {
    const pk_verifier *verifier;
    const pk_record_info *info;
    pk_ref ref;
    uint64_t value;
} member_check;

static int refuse_member(const member_check *check, const char *why)
{
    return pk_verify_refuse(check->verifier, (pk_section)check->info->section, check->ref,
                            PK_VERIFY_NO_INSN, "%s is %llu, %s", check->info->member,
                            (unsigned long long)check->value, why);
}

static int check_reference(const member_check *check)
{
    char why[96];
    uint32_t count;
    pk_section target = (pk_section)check->info->target;
    (void)pk_image_section_data(check->verifier->image, target, &count);
    if (check->value < count)
        return PK_OK;
    (void)snprintf(why, sizeof why, "but there are only %u records of %s", count,
                   pk_image_section_name(target));
    return refuse_member(check, why);
}

static int check_list(const member_check *check, const uint8_t *record)
{
    char why[96];
    uint32_t n, count;
    memcpy(&n, record + check->info->off + check->info->size, sizeof n);
    pk_section target = (pk_section)check->info->target;
    (void)pk_image_section_data(check->verifier->image, target, &count);
    if (check->value <= count && n <= count - check->value && (!n || check->value))
        return PK_OK;
    (void)snprintf(why, sizeof why, "and %u records of %s from there are not among its %u", n,
                   pk_image_section_name(target), count);
    return refuse_member(check, why);
}

static int check_member(const member_check *check, const uint8_t *record)
{
    switch ((pk_record_kind)check->info->kind) {
    case PK_KIND_TEXT:
    case PK_KIND_MAYBE:
        return check_reference(check);
    case PK_KIND_NEED:
        return check->value ? check_reference(check) : refuse_member(check, "but may not be none");
    case PK_KIND_LIST:
        return check_list(check, record);
    case PK_KIND_BELOW:
        return check->value < check->info->most ? PK_OK : refuse_member(check, "out of range");
    case PK_KIND_BITS:
        return check->value & ~(uint64_t)check->info->most ? refuse_member(check, "unknown flags")
                                                           : PK_OK;
    case PK_KIND_ZERO:
        return check->value ? refuse_member(check, "but is reserved") : PK_OK;
    case PK_KIND_COUNT:
    case PK_KIND_NUMBER:
        break;
    }
    return PK_OK;
}

/* The members of one section, `n` of them, over all its records. */
static int verify_section(const pk_verifier *verifier, const pk_record_info *infos, size_t n)
{
    uint32_t count;
    pk_section section = (pk_section)infos->section;
    const uint8_t *record = pk_image_section_data(verifier->image, section, &count);
    uint32_t size = pk_image_record_size(section);
    for (pk_ref ref = 1; ref < count; ref++) {
        record += size;
        for (size_t i = 0; i < n; i++) {
            member_check check = {verifier, &infos[i], ref, pk_record_value(&infos[i], record)};
            int code = check_member(&check, record);
            if (code)
                return code;
        }
    }
    return PK_OK;
}

static int verify_records(const pk_verifier *verifier)
{
    size_t n;
    const pk_record_info *infos = pk_record_infos(&n);
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first; end < n && infos[end].section == infos[first].section;)
            end++;
        int code = verify_section(verifier, infos + first, end - first);
        if (code)
            return code;
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

static bool scratch_new(pk_verifier *verifier)
{
    size_t n = verifier->image->n_code;
    verifier->owner = pk_arena_array(&verifier->arena, n, sizeof *verifier->owner);
    verifier->undef = pk_arena_array(&verifier->arena, n, sizeof *verifier->undef);
    verifier->targeted = pk_arena_array(&verifier->arena, n, sizeof *verifier->targeted);
    verifier->window = pk_arena_array(&verifier->arena, n, sizeof *verifier->window);
    for (unsigned op = 0; op < PK_OPC_COUNT_OF; op++)
        for (unsigned i = 0; i < PK_OPERANDS; i++)
            verifier->shapes[op][i] = (uint8_t)pk_shape_of(pk_op_info_of(op)->shapes[i]);
    return verifier->owner && verifier->undef && verifier->targeted && verifier->window;
}

int pk_image_verify(const pk_image *image, char *reterr_text, size_t reterr_size)
{
    pk_verifier verifier = {.image = image, .text = reterr_text, .text_size = reterr_size};
    int code = scratch_new(&verifier) ? verify_reserved(&verifier) : PK_ENOMEM;
    if (!code)
        code = verify_records(&verifier);
    if (!code)
        code = pk_verify_layers(&verifier);
    if (!code)
        code = pk_verify_links(&verifier);
    if (!code)
        code = pk_verify_items(&verifier);
    if (!code)
        code = pk_verify_expressions(&verifier);
    if (code == PK_ENOMEM)
        (void)snprintf(reterr_text, reterr_size, "no memory to check the image");
    pk_arena_free(&verifier.arena);
    return code;
}
