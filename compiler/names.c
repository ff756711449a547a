#include "internal.h"

#include <ctype.h>
#include <string.h>

static size_t slot_of(const pk_compiler *cx, pk_ref name)
{
    size_t mask = cx->cap_symbols - 1;
    size_t at = (name * 2654435761u) & mask;
    while (cx->symbols[at].kind != PK_SYM_NONE && cx->symbols[at].name != name)
        at = (at + 1) & mask;
    return at;
}

const pk_symbol *pk_symbol_find(const pk_compiler *cx, pk_ref name)
{
    if (!cx->cap_symbols || !name)
        return NULL;
    const pk_symbol *symbol = &cx->symbols[slot_of(cx, name)];
    return symbol->kind == PK_SYM_NONE ? NULL : symbol;
}

static bool symbols_grow(pk_compiler *cx)
{
    if (cx->n_symbols * 2 < cx->cap_symbols)
        return true;
    pk_symbol *old = cx->symbols;
    size_t old_cap = cx->cap_symbols;
    size_t cap = old_cap ? old_cap * 2 : 1024;
    pk_symbol *grown = pk_arena_array(&cx->arena, cap, sizeof *grown);
    if (!grown)
        return false;
    cx->symbols = grown;
    cx->cap_symbols = cap;
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].kind != PK_SYM_NONE)
            cx->symbols[slot_of(cx, old[i].name)] = old[i];
    return true;
}

static const char *kind_text(pk_symbol_kind kind)
{
    switch (kind) {
    case PK_SYM_NONE:
        break;
    case PK_SYM_LAYER:
        return "layer";
    case PK_SYM_ENUM:
        return "enum";
    case PK_SYM_PARAM:
        return "parameter";
    case PK_SYM_LET:
        return "let";
    case PK_SYM_DEF:
        return "def";
    }
    return "name";
}

bool pk_symbol_add(pk_compiler *cx, pk_ref name, pk_symbol_kind kind, uint32_t ref, uint32_t index,
                   pk_span span)
{
    if (!symbols_grow(cx))
        return false;
    pk_symbol *at = &cx->symbols[slot_of(cx, name)];
    /* A program may declare a standard layer's or parameter's name anew: the nearest wins. */
    if (at->kind != PK_SYM_NONE && at->span.hi != 0) {
        pk_diag_report(cx->diags, PK_DIAG_DUPLICATE, span, "`%s` is declared twice",
                       pk_str(cx, name));
        pk_diag_also(cx->diags, at->span, "the %s of this name", kind_text(at->kind));
        pk_diag_help(cx->diags, "rename one of the two");
        return false;
    }
    if (at->kind == PK_SYM_NONE)
        cx->n_symbols++;
    *at = (pk_symbol){name, kind, ref, index, span};
    return true;
}

void pk_names_load(pk_compiler *cx)
{
    pk_image view;
    pk_image_builder_view(cx->builder, &view);
    for (pk_ref i = 1; i < view.n_layers; i++)
        if (view.layers[i].kind != PK_LAYER_CASE)
            (void)pk_symbol_add(cx, view.layers[i].name, PK_SYM_LAYER, i, 0, (pk_span){0, 0});
    for (pk_ref i = 1; i < view.n_enums; i++)
        if (!pk_symbol_find(cx, view.enums[i].name))
            (void)pk_symbol_add(cx, view.enums[i].name, PK_SYM_ENUM, i, 0, (pk_span){0, 0});
    for (pk_ref i = 1; i < view.n_aliases; i++)
        if (!pk_symbol_find(cx, view.aliases[i].name))
            (void)pk_symbol_add(cx, view.aliases[i].name, PK_SYM_LAYER, view.aliases[i].layer, i,
                                (pk_span){0, 0});
}

pk_ref pk_layer_by_name(pk_compiler *cx, pk_ref name)
{
    const pk_symbol *symbol = pk_symbol_find(cx, name);
    return symbol && symbol->kind == PK_SYM_LAYER ? symbol->ref : 0;
}

/* Names before aliases, so that of two equally near the layer's own is taken. */
void pk_offer_layers(pk_compiler *cx, pk_suggest *suggest)
{
    uint32_t layers = pk_image_builder_count(cx->builder, PK_SEC_LAY);
    for (pk_ref i = 1; i < layers; i++) {
        const pk_image_layer *layer = PK_AT(cx->builder, LAY, i);
        if (layer->kind != PK_LAYER_CASE)
            pk_suggest_offer(suggest, pk_str(cx, layer->name));
    }
    for (size_t i = 0; i < cx->cap_symbols; i++)
        if (cx->symbols[i].kind == PK_SYM_LAYER)
            pk_suggest_offer(suggest, pk_str(cx, cx->symbols[i].name));
}

void pk_report_unknown_layer(pk_compiler *cx, pk_span span, pk_ref name)
{
    if (pk_function_is_later(pk_str(cx, name))) {
        pk_diag_report(cx->diags, PK_DIAG_NOT_BUILT_YET, span, "`%s()` is not built yet",
                       pk_str(cx, name));
        return;
    }
    pk_suggest suggest;
    pk_suggest_begin(&suggest, pk_str(cx, name));
    pk_offer_layers(cx, &suggest);
    pk_diag_report(cx->diags, PK_DIAG_UNKNOWN_LAYER, span, "there is no layer `%s`",
                   pk_str(cx, name));
    if (suggest.best)
        pk_diag_label(cx->diags, "did you mean `%s`?", suggest.best);
    pk_diag_help(cx->diags, "`pktc layers` lists them");
}

void pk_report_unknown_field(pk_compiler *cx, pk_span span, pk_ref layer, pk_ref name)
{
    pk_image view;
    pk_image_builder_view(cx->builder, &view);
    const pk_image_layer *owner = &view.layers[layer];
    pk_suggest suggest;
    pk_suggest_begin(&suggest, pk_str(cx, name));
    for (uint32_t i = 0; i < owner->n_members; i++)
        pk_suggest_offer(&suggest, pk_image_text(&view, view.members[owner->members + i].name));
    pk_buf fields = {0};
    for (uint32_t i = 0; i < owner->n_fields && fields.len < 200; i++) {
        const char *text = pk_image_text(&view, view.fields[owner->fields + i].name);
        if (strcmp(text, "_") != 0)
            pk_buf_printf(&fields, " %s", text);
    }
    pk_diag_report(cx->diags, PK_DIAG_UNKNOWN_FIELD, span, "`%s` has no field `%s`",
                   pk_str(cx, owner->name), pk_str(cx, name));
    if (suggest.best)
        pk_diag_label(cx->diags, "did you mean `%s`?  (fields:%s)", suggest.best,
                      pk_buf_cstr(&fields));
    else
        pk_diag_label(cx->diags, "fields:%s", fields.len ? pk_buf_cstr(&fields) : " none");
    pk_buf_free(&fields);
}

bool pk_member(pk_compiler *cx, pk_ref layer, pk_ref name, pk_image_member *ret_member)
{
    pk_image view;
    pk_image_builder_view(cx->builder, &view);
    const pk_image_member *member = pk_image_member_find(&view, layer, name);
    if (!member)
        return false;
    *ret_member = *member;
    return true;
}

pk_ref pk_field_of_slot(pk_compiler *cx, pk_ref layer, uint32_t slot)
{
    const pk_image_layer *owner = PK_AT(cx->builder, LAY, layer);
    for (uint32_t i = 0; i < owner->n_fields; i++)
        if (PK_AT(cx->builder, FLD, owner->fields + i)->slot == slot)
            return owner->fields + i;
    return 0;
}

pk_ref pk_field_by_name(pk_compiler *cx, pk_ref layer, pk_ref name)
{
    pk_image_member member;
    if (!layer || !pk_member(cx, layer, name, &member) || member.kind != PK_MEMBER_FIELD)
        return 0;
    return pk_field_of_slot(cx, layer, member.ref);
}

static bool entry_find(pk_compiler *cx, pk_ref names, const char *text, size_t len, uint64_t *ret)
{
    pk_image view;
    pk_image_builder_view(cx->builder, &view);
    for (pk_ref at = names; at; at = view.enums[at].next) {
        const pk_image_enum *set = &view.enums[at];
        for (uint32_t i = 0; i < set->n_entries; i++) {
            const pk_image_entry *entry = &view.entries[set->entries + i];
            const char *name = pk_image_text(&view, entry->name);
            if (strlen(name) == len && memcmp(name, text, len) == 0) {
                *ret = set->flags ? (uint64_t)1 << (entry->value & 63) : entry->value;
                return true;
            }
        }
    }
    return false;
}

/* Flags by letters (`SA`) or joined by `+` or `|` (`DF+MF`). */
static bool flag_string(pk_compiler *cx, pk_ref names, const char *text, uint64_t *ret_value)
{
    uint64_t value = 0;
    uint64_t bit;
    if (strpbrk(text, "+|")) {
        while (*text) {
            size_t len = strcspn(text, "+|");
            if (!entry_find(cx, names, text, len, &bit))
                return false;
            value |= bit;
            text += len + (text[len] != 0);
        }
    } else {
        for (; *text; text++) {
            if (!entry_find(cx, names, text, 1, &bit))
                return false;
            value |= bit;
        }
    }
    *ret_value = value;
    return true;
}

bool pk_enumerator(pk_compiler *cx, pk_ref field, const char *text, uint64_t *ret_value)
{
    pk_ref names = field ? PK_AT(cx->builder, FLD, field)->names : 0;
    if (!names)
        return false;
    if (entry_find(cx, names, text, strlen(text), ret_value))
        return true;
    /* Scapy writes who-has and Echo Reply where names here have underscores. */
    char plain[64];
    size_t len = strlen(text);
    if (len < sizeof plain) {
        for (size_t i = 0; i <= len; i++)
            plain[i] = text[i] == '-' || text[i] == ' ' ? '_' : (char)tolower((uint8_t)text[i]);
        if (entry_find(cx, names, plain, len, ret_value))
            return true;
    }
    return PK_AT(cx->builder, ENU, names)->flags && flag_string(cx, names, text, ret_value);
}
