#include "tree/reference.h"

#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/escape.h"
#include "tree/diagram.h"
#include "tree/reference_text.h"
#include "tree/value_text.h"

enum { NAME_WIDTH = 14, TYPE_WIDTH = 22, COLUMNS = 80 };

/* ---- pieces
 * -------------------------------------------------------------------------------------- */

void pk_reference_safe(pk_buf *out, const char *text)
{
    pk_escape_terminal(out, text, strlen(text));
}

static void put_ref(pk_buf *out, const pk_image *image, pk_ref text)
{
    pk_reference_safe(out, pk_image_text(image, text));
}

/* Blanks up to `column` of the line that began at `line`, at least one. */
static void put_column(pk_buf *out, size_t line, size_t column)
{
    do
        pk_buf_byte(out, ' ');
    while (!out->failed && out->len - line < column);
}

void pk_reference_item(pk_buf *out, size_t *line, size_t start)
{
    size_t len = out->len - start;

    if (out->failed || out->len - *line <= COLUMNS || !pk_buf_reserve(out, 3))
        return;
    /* Starts with the blank before it, which becomes the line break. */
    memmove(out->data + start + 2, out->data + start, len);
    memcpy(out->data + start, "\n  ", 3);
    out->len += 2;
    *line = start + 1;
}

static const char *expr_text(const pk_image *image, pk_ref expr)
{
    return pk_image_text(image, image->exprs[expr].text);
}

/* ---- types
 * --------------------------------------------------------------------------------------- */

static void put_scalar_type(pk_buf *out, const pk_image *image, const pk_image_field *field)
{
    bool is_signed = field->type == PK_TYPE_INT;

    if (field->flags & PK_FIELD_PARAM && is_signed) {
        pk_buf_text(out, "int");
        return;
    }
    switch ((pk_type)field->type) {
    case PK_TYPE_UINT:
    case PK_TYPE_INT:
        if (field->bits)
            pk_buf_printf(out, "%c%u%s", is_signed ? 'i' : 'u', field->bits,
                          field->flags & PK_FIELD_LE ? "le" : "");
        else
            pk_buf_printf(out, "%c(%s)", is_signed ? 'i' : 'u', expr_text(image, field->width));
        return;
    case PK_TYPE_BYTES:
        pk_buf_text(out, "bytes");
        if (field->width) {
            const char *width = expr_text(image, field->width);
            bool until = strncmp(width, "until", 5) == 0; /* a text that ends the bytes */
            pk_buf_byte(out, until ? '(' : '[');
            pk_reference_safe(out, width);
            pk_buf_byte(out, until ? ')' : ']');
        } else if (field->bits) {
            pk_buf_printf(out, "[%u]", field->bits / 8u);
        }
        return;
    case PK_TYPE_IP4:
        pk_buf_text(out, "ip4");
        return;
    case PK_TYPE_IP6:
        pk_buf_text(out, "ip6");
        return;
    case PK_TYPE_MAC:
        pk_buf_text(out, "mac");
        return;
    case PK_TYPE_STRUCT:
        put_ref(out, image, image->layers[field->sub].name);
        return;
    case PK_TYPE_ULEB:
        pk_buf_text(out, "uleb");
        return;
    case PK_TYPE_UVLQ:
        pk_buf_text(out, "uvlq");
        return;
    }
}

static void put_list_type(pk_buf *out, const pk_image *image, const pk_image_field *field)
{
    const char *extent = expr_text(image, field->extent);

    if (!field->list)
        return;
    pk_buf_byte(out, '[');
    if (field->list - 1 == PK_IMAGE_LIST_COUNT)
        pk_reference_safe(out, extent);
    if (field->list - 1 == PK_IMAGE_LIST_FOR) {
        pk_buf_text(out, "for ");
        pk_reference_safe(out, extent);
    }
    pk_buf_byte(out, ']');
    if (field->list - 1 == PK_IMAGE_LIST_UNTIL) {
        pk_buf_text(out, " until ");
        pk_reference_safe(out, extent);
    }
}

static void put_type(pk_buf *out, const pk_image *image, const pk_image_field *field)
{
    put_scalar_type(out, image, field);
    put_list_type(out, image, field);
    if (field->group_bits && field->flags & PK_FIELD_GROUP_LE)
        pk_buf_printf(out, " in u%ule", field->group_bits);
    if (field->names) {
        pk_buf_text(out, " as ");
        put_ref(out, image, image->enums[field->names].name);
    }
    if (field->select) {
        pk_buf_byte(out, '[');
        pk_reference_safe(out, expr_text(image, field->select));
        pk_buf_byte(out, ']');
    }
    if (field->codec) {
        pk_buf_text(out, " as ");
        put_ref(out, image, field->codec);
    } else if (field->flags & PK_FIELD_HEX) {
        pk_buf_text(out, " as hex");
    }
}

/* ---- a field in the table of its layer
 * ------------------------------------------------------------ */

static void put_field_row(pk_buf *out, const pk_image *image, const pk_image_field *field)
{
    size_t line = out->len;

    pk_buf_text(out, "  ");
    put_ref(out, image, field->name);
    put_column(out, line, 2 + NAME_WIDTH);
    put_type(out, image, field);
    if (field->init) {
        put_column(out, line, 2 + NAME_WIDTH + TYPE_WIDTH);
        pk_buf_text(out, "= ");
        pk_reference_safe(out, expr_text(image, field->init));
    }
    pk_buf_byte(out, '\n');
    if (field->doc) {
        line = out->len;
        pk_buf_text(out, "  ");
        put_column(out, line, 2 + NAME_WIDTH);
        put_ref(out, image, field->doc);
        pk_buf_byte(out, '\n');
    }
}

static void put_fields(pk_buf *out, const pk_image *image, const pk_image_layer *layer, bool params)
{
    bool any = false;

    for (uint32_t i = 0; i < layer->n_fields; i++) {
        const pk_image_field *field = &image->fields[layer->fields + i];

        if (params != ((field->flags & PK_FIELD_PARAM) != 0))
            continue;
        if (!any)
            pk_buf_text(out, params ? "\nParameters\n" : "\nFields\n");
        any = true;
        put_field_row(out, image, field);
    }
}

/* ---- members beside the fields
 * --------------------------------------------------------------------- */

static const pk_image_member *member_at(const pk_image *image, const pk_image_layer *layer,
                                        uint32_t index)
{
    return &image->members[layer->members + index];
}

static const char *slot_name(const pk_image *image, const pk_image_layer *layer, uint32_t slot)
{
    for (uint32_t i = 0; i < layer->n_fields; i++)
        if (image->fields[layer->fields + i].slot == slot)
            return pk_image_text(image, image->fields[layer->fields + i].name);
    return "";
}

/* The name that an alias stands for. */
static const char *aliased(const pk_image *image, const pk_image_layer *layer,
                           const pk_image_member *alias)
{
    if (alias->kind == PK_MEMBER_FIELD)
        return slot_name(image, layer, alias->ref);
    for (uint32_t i = 0; i < layer->n_members; i++) {
        const pk_image_member *other = member_at(image, layer, i);

        if (!other->alias && other->kind == alias->kind && other->ref == alias->ref)
            return pk_image_text(image, other->name);
    }
    return "";
}

/* `name = expression`, a line each. */
static void put_derived(pk_buf *out, const pk_image *image, const pk_image_layer *layer)
{
    bool any = false;

    for (uint32_t i = 0; i < layer->n_members; i++) {
        const pk_image_member *member = member_at(image, layer, i);
        size_t line;

        if (member->kind != PK_MEMBER_LET || member->alias)
            continue;
        if (!any)
            pk_buf_text(out, "\nDerived\n");
        any = true;
        line = out->len;
        pk_buf_text(out, "  ");
        put_ref(out, image, member->name);
        put_column(out, line, 2 + NAME_WIDTH);
        pk_buf_text(out, "= ");
        pk_reference_safe(out, expr_text(image, member->ref));
        pk_buf_byte(out, '\n');
    }
}

static void put_aliases(pk_buf *out, const pk_image *image, const pk_image_layer *layer)
{
    bool any = false;
    size_t line = 0;

    for (uint32_t i = 0; i < layer->n_members; i++) {
        const pk_image_member *member = member_at(image, layer, i);
        size_t start;

        if (!member->alias)
            continue;
        if (!any) {
            pk_buf_byte(out, '\n');
            line = out->len;
            pk_buf_text(out, "Other names:");
        }
        start = out->len + any;
        pk_buf_text(out, any ? ", " : " ");
        any = true;
        put_ref(out, image, member->name);
        pk_buf_text(out, " = ");
        pk_reference_safe(out, aliased(image, layer, member));
        pk_reference_item(out, &line, start);
    }
    if (any)
        pk_buf_byte(out, '\n');
}

/* ---- the page
 * --------------------------------------------------------------------------------------- */

static void put_layer_name(pk_buf *out, const pk_image *image, pk_ref ref)
{
    const pk_image_layer *layer = &image->layers[ref];

    if (layer->kind == PK_LAYER_CASE) {
        put_ref(out, image, image->layers[layer->parent].name);
        pk_buf_byte(out, '.');
    }
    put_ref(out, image, layer->name);
}

static void put_other_layer_names(pk_buf *out, const pk_image *image, pk_ref ref)
{
    for (uint32_t i = 1; i < image->n_aliases; i++)
        if (image->aliases[i].layer == ref) {
            pk_buf_text(out, ", ");
            put_ref(out, image, image->aliases[i].name);
        }
}

/* A text as a paragraph of its own. */
static void put_words(pk_buf *out, const char *text)
{
    size_t line = out->len;
    for (const char *at = text; *at;) {
        size_t start = out->len;
        size_t blank = *at == ' ';
        size_t len = blank + strcspn(at + blank, " ");
        char word[128];
        (void)snprintf(word, sizeof word, "%.*s", (int)len, at);
        pk_reference_safe(out, word);
        pk_reference_item(out, &line, start);
        at += len;
    }
    pk_buf_byte(out, '\n');
}

static void put_title(pk_buf *out, const pk_image *image, pk_ref ref)
{
    static const char *const kinds[] = {"layer", "struct", "case"};
    const pk_image_layer *layer = &image->layers[ref];

    put_layer_name(out, image, ref);
    put_other_layer_names(out, image, ref);
    pk_buf_printf(out, " (%s)", layer->kind <= PK_LAYER_CASE ? kinds[layer->kind] : "");
    pk_buf_byte(out, '\n');
    if (layer->title)
        put_words(out, pk_image_text(image, layer->title));
    if (layer->source) {
        pk_buf_text(out, "declared in ");
        put_ref(out, image, layer->source);
        pk_buf_byte(out, '\n');
    }
}

static void put_answers(pk_buf *out, const pk_image *image, const pk_image_layer *layer)
{
    if (layer->answers) {
        pk_buf_text(out, "\nAnswers q when\n  ");
        pk_reference_safe(out, expr_text(image, layer->answers));
        pk_buf_byte(out, '\n');
    }
    if (layer->quotes) {
        pk_buf_text(out, "\nQuotes what it is about when\n  ");
        pk_reference_safe(out, expr_text(image, layer->quotes));
        pk_buf_byte(out, '\n');
    }
}

void pk_write_layer(pk_buf *out, const pk_image *image, pk_ref ref)
{
    const pk_image_layer *layer = &image->layers[ref];

    put_title(out, image, ref);
    pk_buf_byte(out, '\n');
    pk_write_diagram(out, image, ref);
    put_fields(out, image, layer, false);
    put_fields(out, image, layer, true);
    put_derived(out, image, layer);
    put_aliases(out, image, layer);
    pk_reference_below(out, image, ref);
    pk_reference_above(out, image, ref);
    put_answers(out, image, layer);
}

/* Of a title that is too long for its line, what stands before the references. */
static void put_name_part(pk_buf *out, const char *title, size_t line)
{
    const char *references = strstr(title, " (");
    size_t len = strlen(title);
    if (references && out->len - line + len > COLUMNS)
        len = (size_t)(references - title);
    char name[128];
    (void)snprintf(name, sizeof name, "%.*s", (int)len, title);
    pk_reference_safe(out, name);
}

void pk_write_layers(pk_buf *out, const pk_image *image)
{
    for (uint32_t i = 1; i < image->n_layers; i++) {
        const pk_image_layer *layer = &image->layers[i];
        size_t line = out->len;

        if (layer->kind != PK_LAYER_LAYER)
            continue;
        put_ref(out, image, layer->name);
        put_other_layer_names(out, image, i);
        if (layer->title) {
            put_column(out, line, 2 * NAME_WIDTH);
            put_name_part(out, pk_image_text(image, layer->title), line);
        } else if (layer->n_binds) {
            put_column(out, line, 2 * NAME_WIDTH);
            pk_buf_text(out, "on ");
            pk_reference_bind(out, image, i, 0);
        }
        pk_buf_byte(out, '\n');
    }
}

/* ---- one field
 * ---------------------------------------------------------------------------------------- */

static void put_enumerators(pk_buf *out, const pk_image *image, pk_ref names, bool hex)
{
    for (; names; names = image->enums[names].chained ? image->enums[names].next : 0) {
        const pk_image_enum *set = &image->enums[names];

        pk_buf_text(out, set->flags & 1 ? "\nFlags " : "\nNames ");
        put_ref(out, image, set->name);
        if (set->chained)
            pk_buf_printf(out, "[%llu]", (unsigned long long)set->select);
        pk_buf_byte(out, '\n');
        for (uint32_t i = 0; i < set->n_entries; i++) {
            const pk_image_entry *entry = &image->entries[set->entries + i];
            size_t line = out->len;

            pk_buf_text(out, "  ");
            put_ref(out, image, entry->name);
            put_column(out, line, 2 * NAME_WIDTH);
            if (set->flags & 1)
                pk_text_hexadecimal(out, UINT64_C(1) << (entry->value & 63), 0);
            else if (hex)
                pk_text_hexadecimal(out, entry->value, 0);
            else
                pk_text_unsigned(out, entry->value);
            pk_buf_byte(out, '\n');
        }
    }
}

static void put_field_page(pk_buf *out, const pk_image *image, pk_ref ref)
{
    const pk_image_field *field = &image->fields[ref];
    pk_codec codec = pk_text_codec(image, field->codec);

    put_field_row(out, image, field);
    if (field->fixed_off != UINT32_MAX)
        pk_buf_printf(out, "  %u bit%s from bit %u of the layer (byte %u)\n", field->bits,
                      field->bits == 1 ? "" : "s", field->fixed_off, field->fixed_off / 8);
    if (codec != PK_CODEC_NONE)
        pk_buf_printf(out, "  written as %s: %s\n", pk_codec_name(codec), pk_codec_doc(codec));
    put_enumerators(out, image, field->names, field->flags & PK_FIELD_HEX);
    if (field->sub)
        pk_reference_cases(out, image, field->sub);
}

static void put_slot_pages(pk_buf *out, const pk_image *image, const pk_image_layer *layer,
                           uint32_t slot)
{
    for (uint32_t i = 0; i < layer->n_fields; i++)
        if (image->fields[layer->fields + i].slot == slot)
            put_field_page(out, image, layer->fields + i);
}

bool pk_write_field(pk_buf *out, const pk_image *image, pk_ref ref, const char *name)
{
    const pk_image_layer *layer = &image->layers[ref];
    pk_ref text = pk_image_name_find(image, name);
    const pk_image_member *member = text ? pk_image_member_find(image, ref, text) : NULL;

    if (!member)
        return false;
    if (member->kind == PK_MEMBER_CASE) {
        pk_write_layer(out, image, member->ref);
        return true;
    }
    put_layer_name(out, image, ref);
    pk_buf_byte(out, '.');
    put_ref(out, image, member->name);
    if (member->alias) {
        pk_buf_text(out, ", another name of ");
        pk_reference_safe(out, aliased(image, layer, member));
    }
    pk_buf_byte(out, '\n');
    if (member->kind == PK_MEMBER_FIELD) {
        put_slot_pages(out, image, layer, member->ref);
    } else if (member->kind != PK_MEMBER_WINDOW) {
        pk_buf_text(out, "  = ");
        pk_reference_safe(out, expr_text(image, member->ref));
        pk_buf_byte(out, '\n');
    }
    return true;
}

pk_ref pk_reference_find(const pk_image *image, const char *name)
{
    const char *dot = strchr(name, '.');
    pk_ref whole = dot ? 0 : pk_image_layer_find(image, name);

    if (!dot)
        return whole;
    for (uint32_t i = 1; i < image->n_layers; i++) {
        const pk_image_layer *layer = &image->layers[i];
        const char *parent = pk_image_text(image, image->layers[layer->parent].name);

        if (layer->kind == PK_LAYER_CASE && strlen(parent) == (size_t)(dot - name) &&
            !strncmp(parent, name, (size_t)(dot - name)) &&
            !strcmp(pk_image_text(image, layer->name), dot + 1))
            return i;
    }
    return 0;
}
