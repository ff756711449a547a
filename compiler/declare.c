/* Names first: every layer, field, enum and table exists before any expression is lowered, so that
 * declarations may come in any order and in any file. */
#include "internal.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

static void declare_layer(pk_compiler *cx, pk_node node, pk_ref parent);

/* ---- enums ---------------------------------------------------------------------------------- */

static void declare_entries(pk_compiler *cx, pk_ref names, pk_node list, bool flags)
{
    const pk_scope scope = {0};
    uint64_t value = 0;
    uint32_t count = 0;
    pk_ref first = 0;
    for (pk_node at = list; at; at = pk_at(cx, at)->next) {
        pk_ast_node entry = *pk_at(cx, at);
        if (entry.kind != PK_AST_ENTRY)
            continue;
        int64_t number;
        if (entry.b && pk_constant_int(cx, &scope, entry.b, 0, &number)) {
            value = (uint64_t)number;
        } else if (entry.b) {
            pk_diag_report(cx->diags, PK_DIAG_NOT_CONSTANT, pk_at(cx, entry.b)->span,
                           "an enumerator's value must be a constant integer");
        }
        pk_ref name = pk_text_of_atom(cx, entry.a);
        pk_ref ref = PK_ADD(cx->builder, ENT, 1);
        if (!first)
            first = ref;
        *PK_AT(cx->builder, ENT, ref) = (pk_image_entry){.value = value, .name = name};
        count++;
        value++;
    }
    pk_image_enum *set = PK_AT(cx->builder, ENU, names);
    set->entries = first;
    set->n_entries = count;
    set->flags = flags;
}

static void declare_enum(pk_compiler *cx, pk_node node)
{
    pk_ast_node at = *pk_at(cx, node);
    bool flags = at.kind == PK_AST_FLAGS;
    pk_ref name = pk_text_of_atom(cx, at.a);
    pk_ref ref = PK_ADD(cx->builder, ENU, 1);
    PK_AT(cx->builder, ENU, ref)->name = name;
    declare_entries(cx, ref, flags ? at.b : at.d, flags);
    int64_t select = 0;
    const pk_scope scope = {0};
    const pk_symbol *known = pk_symbol_find(cx, name);
    if (!flags && at.c) {
        if (!pk_constant_int(cx, &scope, at.c, 0, &select))
            pk_diag_report(cx->diags, PK_DIAG_NOT_CONSTANT, pk_at(cx, at.c)->span,
                           "the value that chooses this enum must be a constant integer");
        pk_image_enum *set = PK_AT(cx->builder, ENU, ref);
        set->select = (uint64_t)select;
        set->chained = 1;
        if (known && known->kind == PK_SYM_ENUM) {
            pk_ref last = known->ref;
            while (PK_AT(cx->builder, ENU, last)->next)
                last = PK_AT(cx->builder, ENU, last)->next;
            PK_AT(cx->builder, ENU, last)->next = ref;
            return;
        }
    }
    (void)pk_symbol_add(cx, name, PK_SYM_ENUM, ref, 0, at.span);
}

/* ---- layers ---------------------------------------------------------------------------------- */

static void declared_add(pk_compiler *cx, pk_node node, pk_ref layer)
{
    if (pk_grow((void **)&cx->declared, &cx->cap_declared, cx->n_declared, sizeof *cx->declared)) {
        cx->declared[cx->n_declared].node = node;
        cx->declared[cx->n_declared].layer = layer;
        cx->n_declared++;
    }
}

static void declare_cases(pk_compiler *cx, pk_node items, pk_ref layer)
{
    for (pk_node at = items; at; at = pk_at(cx, at)->next)
        if (pk_at(cx, at)->kind == PK_AST_CASE)
            declare_layer(cx, at, layer);
}

static uint32_t formals_of(pk_compiler *cx, const pk_ast_node *node)
{
    if (node->kind != PK_AST_STRUCT || !node->d)
        return 0;
    return (uint32_t)pk_ast_list_len(cx->ast, pk_at(cx, node->d)->a);
}

/* The string behind the name of a layer, struct or case; 0 without one. */
static pk_ref title_of(pk_compiler *cx, const pk_ast_node *at)
{
    uint32_t blob = at->d;
    if (at->kind == PK_AST_STRUCT)
        blob = at->d ? pk_at(cx, at->d)->d : 0;
    const pk_bytes title = pk_ast_blob_bytes(cx->ast, blob);
    return title.len ? pk_image_builder_text(cx->builder, (const char *)title.data, title.len) : 0;
}

static void declare_layer(pk_compiler *cx, pk_node node, pk_ref parent)
{
    pk_ast_node at = *pk_at(cx, node);
    pk_ref name = pk_text_of_atom(cx, at.a);
    pk_ref source = pk_place_text(cx, at.span);
    pk_ref title = title_of(cx, &at);
    pk_ref codec = 0;
    if (at.kind == PK_AST_STRUCT && at.d && pk_at(cx, at.d)->b)
        codec = pk_text_of_atom(cx, pk_at(cx, at.d)->b);
    pk_ref ref = PK_ADD(cx->builder, LAY, 1);
    pk_image_layer *layer = PK_AT(cx->builder, LAY, ref);
    layer->name = name;
    layer->source = source;
    layer->title = title;
    layer->codec = codec;
    layer->parent = parent;
    layer->kind = at.kind == PK_AST_LAYER    ? PK_LAYER_LAYER
                  : at.kind == PK_AST_STRUCT ? PK_LAYER_STRUCT
                                             : PK_LAYER_CASE;
    layer->flags = cx->options->mark_standard ? PK_LAYER_STANDARD : 0;
    layer->n_formals = formals_of(cx, &at);
    if (at.kind != PK_AST_CASE)
        (void)pk_symbol_add(cx, name, PK_SYM_LAYER, ref, 0, at.span);
    declared_add(cx, node, ref);
    declare_cases(cx, at.c, ref);
}

static void declare_let(pk_compiler *cx, pk_node node)
{
    uint32_t index = 0;
    for (pk_node at = pk_at(cx, node)->a; at; at = pk_at(cx, at)->next) {
        pk_ref name = pk_text_of_atom(cx, pk_at(cx, at)->a);
        (void)pk_symbol_add(cx, name, PK_SYM_LET, node, index++, pk_at(cx, at)->span);
    }
}

static void declare(pk_compiler *cx, pk_node node)
{
    switch ((pk_ast_kind)pk_at(cx, node)->kind) {
    case PK_AST_ENUM:
    case PK_AST_FLAGS:
        declare_enum(cx, node);
        break;
    case PK_AST_LAYER:
    case PK_AST_STRUCT:
        declare_layer(cx, node, 0);
        break;
    case PK_AST_LET:
        declare_let(cx, node);
        break;
    case PK_AST_DEF: {
        pk_ref name = pk_text_of_atom(cx, pk_at(cx, node)->a);
        (void)pk_symbol_add(cx, name, PK_SYM_DEF, node, 0, pk_at(cx, node)->span);
        break;
    }
    case PK_AST_PARAM:
        pk_declare_param(cx, node);
        break;
    default:
        break;
    }
}

static void declare_extend(pk_compiler *cx, pk_node node)
{
    pk_ast_node at = *pk_at(cx, node);
    pk_ref name = pk_text_of_atom(cx, at.a);
    pk_ref layer = pk_layer_by_name(cx, name);
    if (!layer) {
        pk_report_unknown_layer(cx, at.span, name);
        return;
    }
    declared_add(cx, node, layer);
    declare_cases(cx, at.c, layer);
}

/* A layer's second name, known to programs by its record. */
static void alias_put(pk_compiler *cx, pk_ref name, pk_ref layer, pk_span span)
{
    pk_ref ref = PK_ADD(cx->builder, ALI, 1);
    *PK_AT(cx->builder, ALI, ref) = (pk_image_alias){.name = name, .layer = layer};
    (void)pk_symbol_add(cx, name, PK_SYM_LAYER, layer, ref, span);
}

static void declare_alias(pk_compiler *cx, pk_node node)
{
    pk_ast_node at = *pk_at(cx, node);
    pk_ref old = pk_text_of_atom(cx, at.b);
    pk_ref layer = pk_layer_by_name(cx, old);
    if (!layer)
        pk_report_unknown_layer(cx, at.span, old);
    else
        alias_put(cx, pk_text_of_atom(cx, at.a), layer, at.span);
}

void pk_declare_file(pk_compiler *cx, pk_node file)
{
    for (pk_node at = pk_at(cx, file)->a; at; at = pk_at(cx, at)->next)
        declare(cx, at);
}

/* ---- fields and members ---------------------------------------------------------------------- */

/* What one layer's items declare, gathered before it is written. */
typedef struct gathering {
    pk_ref layer;
    pk_image_member *members;
    size_t n_members, cap_members;
    uint32_t n_slots;
    pk_ref first_field;
    uint32_t n_fields;
} gathering;

static void member_put(pk_compiler *cx, gathering *g, pk_ref name, pk_member_kind kind,
                       uint32_t ref, bool alias)
{
    if (pk_grow((void **)&g->members, &g->cap_members, g->n_members, sizeof *g->members))
        g->members[g->n_members++] = (pk_image_member){name, kind, ref, alias};
    (void)cx;
}

static pk_image_member *member_of(gathering *g, pk_ref name)
{
    for (size_t i = 0; i < g->n_members; i++)
        if (g->members[i].name == name)
            return &g->members[i];
    return NULL;
}

static uint16_t slot_for(pk_compiler *cx, gathering *g, pk_ref name, pk_span span)
{
    if (strcmp(pk_str(cx, name), "_") != 0) {
        pk_image_member *known = member_of(g, name);
        if (known && known->kind == PK_MEMBER_FIELD)
            return (uint16_t)known->ref;
    }
    if (g->n_slots >= PK_IMAGE_SLOTS_LIMIT) {
        pk_diag_report(cx->diags, PK_DIAG_TOO_MANY, span, "too many fields in a layer (limit %d)",
                       PK_IMAGE_SLOTS_LIMIT);
        return 0;
    }
    uint16_t slot = (uint16_t)g->n_slots++;
    if (strcmp(pk_str(cx, name), "_") != 0)
        member_put(cx, g, name, PK_MEMBER_FIELD, slot, false);
    return slot;
}

/* Makes the FLD of a FIELD or PARAM node. Lowering comes back to it by walking in the same order.
 */
static void gather_field(pk_compiler *cx, gathering *g, const pk_ast_node *at, pk_node type)
{
    pk_image_field field = {.layer = g->layer, .fixed_off = UINT32_MAX};
    field.name = pk_text_of_atom(cx, at->a);
    if (at->kind == PK_AST_PARAM)
        field.flags |= PK_FIELD_PARAM;
    pk_field_type(cx, type, &field);
    field.slot = slot_for(cx, g, field.name, at->span);
    if (strcmp(pk_str(cx, field.name), "_") == 0)
        field.flags |= PK_FIELD_ANONYMOUS;
    if (at->kind == PK_AST_FIELD && at->d) {
        pk_ast_node tail = *pk_at(cx, at->d);
        pk_field_written_as(cx, &tail, &field);
        pk_bytes doc = pk_ast_blob_bytes(cx->ast, tail.d);
        if (tail.d)
            field.doc = pk_image_builder_text(cx->builder, (const char *)doc.data, doc.len);
    } else if (at->kind == PK_AST_PARAM && at->d) {
        pk_bytes doc = pk_ast_blob_bytes(cx->ast, at->d);
        field.doc = pk_image_builder_text(cx->builder, (const char *)doc.data, doc.len);
    }
    pk_ref ref = PK_ADD(cx->builder, FLD, 1);
    *PK_AT(cx->builder, FLD, ref) = field;
    if (!g->n_fields++)
        g->first_field = ref;
}

/* The name of a window is that of its first field. */
static pk_atom window_name(pk_compiler *cx, pk_node items)
{
    for (pk_node at = items; at;) {
        const pk_ast_node *item = pk_at(cx, at);
        if (item->kind == PK_AST_FIELD)
            return item->a;
        if (item->kind == PK_AST_IF || item->kind == PK_AST_WITHIN || item->kind == PK_AST_BITGROUP)
            at = item->b ? item->b : item->next;
        else
            at = item->next;
    }
    return 0;
}

pk_ref pk_window_text(pk_compiler *cx, pk_node items)
{
    pk_atom atom = window_name(cx, items);
    return atom ? pk_text_of_atom(cx, atom) : pk_image_builder_text(cx->builder, "window", 6);
}

static void gather_window(pk_compiler *cx, gathering *g, pk_ref base)
{
    char name[128];
    static const char *const suffixes[] = {"_rest", "_cut"};
    for (size_t i = 0; i < 2; i++) {
        int len = snprintf(name, sizeof name, "%s%s", pk_str(cx, base), suffixes[i]);
        if (len <= 0 || (size_t)len >= sizeof name)
            return;
        pk_ref text = pk_image_builder_text(cx->builder, name, (size_t)len);
        if (!member_of(g, text))
            member_put(cx, g, text, PK_MEMBER_WINDOW, base, false);
    }
}

/* The table that a selector uses: `by proto`, `by (dsap, ssap)`; `in` names another layer's. */
static void gather_table(pk_compiler *cx, gathering *g, pk_node selector)
{
    pk_ast_node at = *pk_at(cx, selector);
    if (at.kind == PK_AST_BINARY && at.a == PK_OP_IN)
        return;
    pk_ref name = pk_text_of_node(cx, selector);
    if (pk_table_find(cx, g->layer, name))
        return;
    pk_ref ref = PK_ADD(cx->builder, TAB, 1);
    pk_image_table *table = PK_AT(cx->builder, TAB, ref);
    table->layer = g->layer;
    table->name = name;
}

static void gather_items(pk_compiler *cx, gathering *g, pk_node items)
{
    for (pk_node node = items; node; node = pk_at(cx, node)->next) {
        pk_ast_node at = *pk_at(cx, node);
        switch ((pk_ast_kind)at.kind) {
        case PK_AST_FIELD:
            gather_field(cx, g, &at, at.b);
            if (at.d && pk_at(cx, at.d)->a)
                gather_window(cx, g, pk_text_of_atom(cx, at.a));
            break;
        case PK_AST_IF:
            gather_items(cx, g, at.b);
            gather_items(cx, g, at.c);
            break;
        case PK_AST_WITHIN:
            gather_window(cx, g, pk_window_text(cx, at.b));
            gather_items(cx, g, at.b);
            break;
        case PK_AST_BITGROUP:
            gather_items(cx, g, at.b);
            break;
        case PK_AST_PAYLOAD:
            for (pk_node by = at.a; by; by = pk_at(cx, by)->next)
                gather_table(cx, g, by);
            break;
        default:
            break;
        }
    }
}

static void gather_derived(pk_compiler *cx, gathering *g, pk_node items)
{
    for (pk_node node = items; node; node = pk_at(cx, node)->next) {
        pk_ast_node at = *pk_at(cx, node);
        if (at.kind == PK_AST_LET) {
            pk_ref name = pk_text_of_atom(cx, pk_at(cx, at.a)->a);
            if (strcmp(pk_str(cx, name), "value") == 0)
                PK_AT(cx->builder, LAY, g->layer)->flags |= PK_LAYER_TWO_WAY;
            member_put(cx, g, name, PK_MEMBER_LET, 0, false);
        } else if (at.kind == PK_AST_DEF) {
            member_put(cx, g, pk_text_of_atom(cx, at.a), PK_MEMBER_DEF, 0, false);
        } else if (at.kind == PK_AST_PARAM) {
            gather_field(cx, g, &at, at.b);
        } else if (at.kind == PK_AST_IF) {
            gather_derived(cx, g, at.b);
            gather_derived(cx, g, at.c);
        }
    }
}

static void gather_aliases(pk_compiler *cx, gathering *g, pk_node items)
{
    for (pk_node node = items; node; node = pk_at(cx, node)->next) {
        pk_ast_node at = *pk_at(cx, node);
        if (at.kind != PK_AST_ALIAS)
            continue;
        pk_ref old = pk_text_of_atom(cx, at.b);
        pk_image_member *target = member_of(g, old);
        if (!target) {
            pk_report_unknown_field(cx, at.span, g->layer, old);
            continue;
        }
        pk_ref name = pk_text_of_atom(cx, at.a);
        pk_image_member copy = *target;
        member_put(cx, g, name, (pk_member_kind)copy.kind, copy.ref, true);
        /* A second name of a case is Scapy's class name: it is known everywhere. */
        if (copy.kind == PK_MEMBER_CASE && !pk_symbol_find(cx, name))
            alias_put(cx, name, copy.ref, (pk_span){0, 0});
        else if (at.c)
            pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, at.span,
                           "only the alias of a layer or case gives values");
    }
}

static int by_name(const void *a, const void *b)
{
    const pk_image_member *x = a;
    const pk_image_member *y = b;
    return x->name < y->name ? -1 : x->name > y->name;
}

static void members_write(pk_compiler *cx, gathering *g)
{
    if (g->n_members)
        qsort(g->members, g->n_members, sizeof *g->members, by_name);
    for (size_t i = 1; i < g->n_members; i++)
        if (g->members[i].name == g->members[i - 1].name)
            pk_diag_report(cx->diags, PK_DIAG_DUPLICATE, pk_at(cx, cx->declared[0].node)->span,
                           "`%s` means two things in `%s`", pk_str(cx, g->members[i].name),
                           pk_str(cx, PK_AT(cx->builder, LAY, g->layer)->name));
    pk_ref ref = PK_ADD(cx->builder, MEM, (uint32_t)g->n_members);
    for (size_t i = 0; i < g->n_members; i++)
        *PK_AT(cx->builder, MEM, ref + (uint32_t)i) = g->members[i];
    pk_image_layer *layer = PK_AT(cx->builder, LAY, g->layer);
    layer->members = g->n_members ? ref : 0;
    layer->n_members = (uint32_t)g->n_members;
}

static void gather_cases(pk_compiler *cx, gathering *g)
{
    for (size_t i = 0; i < cx->n_declared; i++) {
        pk_ref layer = cx->declared[i].layer;
        if (pk_at(cx, cx->declared[i].node)->kind == PK_AST_CASE &&
            PK_AT(cx->builder, LAY, layer)->parent == g->layer)
            member_put(cx, g, PK_AT(cx->builder, LAY, layer)->name, PK_MEMBER_CASE, layer, false);
    }
}

static void declare_layer_members(pk_compiler *cx, pk_node node, pk_ref ref)
{
    gathering g = {.layer = ref};
    pk_node items = pk_at(cx, node)->c;
    gather_items(cx, &g, items);
    gather_derived(cx, &g, items);
    gather_cases(cx, &g);
    pk_image_layer *layer = PK_AT(cx->builder, LAY, ref);
    layer->fields = g.first_field;
    layer->n_fields = g.n_fields;
    layer->n_slots = g.n_slots;
    gather_aliases(cx, &g, items);
    members_write(cx, &g);
    free(g.members);
}

/* `extend` adds cases to a layer that may have come from the standard image. */
static void extend_members(pk_compiler *cx, pk_node node, pk_ref ref)
{
    gathering g = {.layer = ref};
    pk_image_layer layer = *PK_AT(cx->builder, LAY, ref);
    for (uint32_t i = 0; i < layer.n_members; i++) {
        pk_image_member member = *PK_AT(cx->builder, MEM, layer.members + i);
        member_put(cx, &g, member.name, (pk_member_kind)member.kind, member.ref, member.alias);
    }
    for (pk_node at = pk_at(cx, node)->c; at; at = pk_at(cx, at)->next) {
        pk_ast_node item = *pk_at(cx, at);
        if (item.kind != PK_AST_CASE) {
            pk_diag_report(cx->diags, PK_DIAG_BAD_ITEM, item.span,
                           "`extend` adds cases and binds, nothing else");
            continue;
        }
        for (size_t i = 0; i < cx->n_declared; i++)
            if (cx->declared[i].node == at)
                member_put(cx, &g, pk_text_of_atom(cx, item.a), PK_MEMBER_CASE,
                           cx->declared[i].layer, false);
    }
    members_write(cx, &g);
    free(g.members);
}

void pk_declare_members(pk_compiler *cx)
{
    for (size_t f = 0; f < cx->n_files; f++)
        for (pk_node at = pk_at(cx, cx->files[f])->a; at; at = pk_at(cx, at)->next)
            if (pk_at(cx, at)->kind == PK_AST_EXTEND)
                declare_extend(cx, at);
    for (size_t f = 0; f < cx->n_files; f++)
        for (pk_node at = pk_at(cx, cx->files[f])->a; at; at = pk_at(cx, at)->next)
            if (pk_at(cx, at)->kind == PK_AST_ALIAS)
                declare_alias(cx, at);
    for (size_t i = 0; i < cx->n_declared; i++)
        if (pk_at(cx, cx->declared[i].node)->kind != PK_AST_EXTEND)
            declare_layer_members(cx, cx->declared[i].node, cx->declared[i].layer);
    for (size_t i = 0; i < cx->n_declared; i++)
        if (pk_at(cx, cx->declared[i].node)->kind == PK_AST_EXTEND &&
            pk_at(cx, cx->declared[i].node)->c)
            extend_members(cx, cx->declared[i].node, cx->declared[i].layer);
}
