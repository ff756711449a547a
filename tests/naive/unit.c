#include "internal.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- memory and errors -------------------------------------------------------------------------
 */

void *naive_alloc(pk_arena *arena, size_t count, size_t size)
{
    void *memory = pk_arena_array(arena, count, size);
    if (memory == NULL)
        abort();
    return memory;
}

bool naive_fail(naive_unit *unit, pk_node where, const char *format, ...)
{
    if (unit->failed)
        return false;
    unit->failed = true;
    size_t used = 0;
    if (where != 0) {
        pk_place place = pk_sources_place(unit->sources, naive_at(unit, where)->span.lo);
        int n = snprintf(unit->error, sizeof unit->error, "%s:%u:%u: ", place.name, place.line,
                         place.column);
        used = n < 0 ? 0 : (size_t)n;
    }
    if (used >= sizeof unit->error)
        return false;
    va_list list;
    va_start(list, format);
    vsnprintf(unit->error + used, sizeof unit->error - used, format, list);
    va_end(list);
    return false;
}

const char *naive_unit_error(const naive_unit *unit)
{
    return unit->error;
}

/* ---- the tree ----------------------------------------------------------------------------------
 */

const pk_ast_node *naive_at(const naive_unit *unit, pk_node node)
{
    return pk_ast_get(unit->ast, node);
}

const char *naive_text(const naive_unit *unit, pk_atom atom)
{
    return pk_ast_atom_text(unit->ast, atom);
}

pk_atom naive_atom(naive_unit *unit, const char *text)
{
    return pk_ast_atom(unit->ast, text, strlen(text));
}

static void push_node(naive_unit *unit, pk_node **list, size_t *count, pk_node node)
{
    pk_node *grown = naive_alloc(&unit->arena, *count + 1, sizeof *grown);
    if (*count != 0)
        memcpy(grown, *list, *count * sizeof *grown);
    grown[(*count)++] = node;
    *list = grown;
}

naive_unit *naive_unit_new(void)
{
    naive_unit *unit = calloc(1, sizeof *unit);
    if (unit == NULL)
        abort();
    unit->sources = pk_sources_new();
    unit->diags = unit->sources == NULL ? NULL : pk_diags_new(unit->sources);
    unit->ast = pk_ast_new(0);
    if (unit->diags == NULL || unit->ast == NULL)
        abort();
    return unit;
}

void naive_unit_free(naive_unit *unit)
{
    if (unit == NULL)
        return;
    pk_arena_free(&unit->arena);
    pk_ast_free(unit->ast);
    pk_diags_free(unit->diags);
    pk_sources_free(unit->sources);
    free(unit);
}

static bool add_source(naive_unit *unit, pk_span span)
{
    pk_node file = pk_parse(unit->ast, unit->sources, span, unit->diags);
    if (file == 0 || pk_diags_errors(unit->diags) != 0) {
        pk_buf text = {0};
        pk_diags_render(unit->diags, PK_DIAG_TEXT, &text);
        naive_fail(unit, 0, "%s", pk_buf_cstr(&text));
        pk_buf_free(&text);
        return false;
    }
    for (pk_node n = naive_at(unit, file)->a; n != 0; n = naive_at(unit, n)->next)
        push_node(unit, &unit->globals, &unit->n_globals, n);
    return true;
}

bool naive_unit_add_file(naive_unit *unit, const char *path)
{
    pk_span span;
    if (pk_sources_read(unit->sources, path, &span) != PK_OK)
        return naive_fail(unit, 0, "cannot read %s", path);
    return add_source(unit, span);
}

bool naive_unit_add_text(naive_unit *unit, const char *name, const char *text)
{
    pk_span span;
    if (pk_sources_add(unit->sources, name, text, strlen(text), &span) != PK_OK)
        return naive_fail(unit, 0, "cannot hold %s", name);
    return add_source(unit, span);
}

static bool add_entry(naive_unit *unit, const char *folder, const char *name)
{
    char path[4096];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (name[0] == '.' || stat(path, &status) != 0)
        return true;
    if (S_ISDIR(status.st_mode))
        return naive_unit_add_folder(unit, path);
    size_t len = strlen(name);
    if (len < 4 || strcmp(name + len - 4, ".pkt") != 0)
        return true;
    return naive_unit_add_file(unit, path);
}

bool naive_unit_add_folder(naive_unit *unit, const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        return naive_fail(unit, 0, "cannot list %s", path);
    bool good = true;
    for (int i = 0; i < count; i++) {
        good = good && add_entry(unit, path, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return good;
}

/* ---- names -------------------------------------------------------------------------------------
 */

pk_node naive_global(const naive_unit *unit, pk_ast_kind kind, pk_atom name)
{
    for (size_t i = unit->n_globals; i-- > 0;) {
        const pk_ast_node *n = naive_at(unit, unit->globals[i]);
        if (n->kind != kind)
            continue;
        pk_atom own = kind == PK_AST_LET ? naive_at(unit, n->a)->a : n->a;
        if (own == name)
            return unit->globals[i];
    }
    return 0;
}

naive_layer *naive_layer_named(const naive_unit *unit, pk_atom name)
{
    for (unsigned hops = 0; hops < 8; hops++) {
        for (size_t i = 0; i < unit->n_layers; i++) {
            if (unit->layers[i]->kind != NAIVE_IS_CASE && unit->layers[i]->name == name)
                return unit->layers[i];
        }
        pk_node alias = naive_global(unit, PK_AST_ALIAS, name);
        if (alias == 0)
            return NULL;
        name = naive_at(unit, alias)->b;
    }
    return NULL;
}

const naive_member *naive_member_named(const naive_layer *layer, pk_atom name)
{
    for (size_t i = 0; i < layer->n_members; i++) {
        if (layer->members[i].name == name)
            return &layer->members[i];
    }
    return NULL;
}

static naive_layer *case_named(const naive_layer *layer, pk_atom name)
{
    const naive_member *member = naive_member_named(layer, name);
    return member != NULL && member->kind == NAIVE_M_CASE ? member->sub : NULL;
}

/* A case of `space`, else a layer or struct, else the only case of that name anywhere. */
naive_layer *naive_layer_in(const naive_unit *unit, const naive_layer *space, pk_atom name)
{
    naive_layer *found = space == NULL ? NULL : case_named(space, name);
    if (found == NULL)
        found = naive_layer_named(unit, name);
    if (found != NULL)
        return found;
    for (size_t i = 0; i < unit->n_layers; i++) {
        naive_layer *here = case_named(unit->layers[i], name);
        if (here != NULL && found != NULL)
            return NULL;
        if (here != NULL)
            found = here;
    }
    return found;
}

static pk_node case_presets(const naive_layer *layer, pk_atom name)
{
    const naive_member *member = naive_member_named(layer, name);
    return member != NULL && member->kind == NAIVE_M_CASE ? member->presets : 0;
}

pk_node naive_presets(const naive_unit *unit, const naive_layer *space, pk_atom name)
{
    if (space != NULL && case_named(space, name) != NULL)
        return case_presets(space, name);
    pk_node alias = naive_global(unit, PK_AST_ALIAS, name);
    if (alias != 0 || naive_layer_named(unit, name) != NULL)
        return alias == 0 ? 0 : naive_at(unit, alias)->c;
    for (size_t i = 0; i < unit->n_layers; i++) {
        if (case_presets(unit->layers[i], name) != 0)
            return case_presets(unit->layers[i], name);
    }
    return 0;
}

/* ---- layers ------------------------------------------------------------------------------------
 */

static naive_layer *new_layer(naive_unit *unit, naive_layer_kind kind, pk_node node, pk_atom name)
{
    naive_layer *layer = naive_alloc(&unit->arena, 1, sizeof *layer);
    naive_layer **grown = naive_alloc(&unit->arena, unit->n_layers + 1, sizeof(naive_layer *));
    if (unit->n_layers != 0)
        memcpy(grown, unit->layers, unit->n_layers * sizeof(naive_layer *));
    layer->kind = kind;
    layer->node = node;
    layer->name = name;
    layer->index = unit->n_layers;
    grown[unit->n_layers++] = layer;
    unit->layers = grown;
    return layer;
}

static naive_member *add_member(naive_unit *unit, naive_layer *layer, naive_member member)
{
    naive_member *grown = naive_alloc(&unit->arena, layer->n_members + 1, sizeof *grown);
    if (layer->n_members != 0)
        memcpy(grown, layer->members, layer->n_members * sizeof *grown);
    grown[layer->n_members] = member;
    layer->members = grown;
    return &grown[layer->n_members++];
}

static void collect_cases(naive_unit *unit, naive_layer *layer, pk_node items)
{
    for (pk_node i = items; i != 0; i = naive_at(unit, i)->next) {
        const pk_ast_node *n = naive_at(unit, i);
        if (n->kind != PK_AST_CASE)
            continue;
        pk_node key = n->b, body = n->c;
        naive_layer *sub = new_layer(unit, NAIVE_IS_CASE, i, n->a);
        sub->parent = layer;
        sub->key = key;
        push_node(unit, &sub->items, &sub->n_items, body);
        add_member(unit, layer,
                   (naive_member){.name = sub->name, .kind = NAIVE_M_CASE, .node = i, .sub = sub});
    }
}

static void add_binds(naive_unit *unit, naive_layer *layer, pk_node binds)
{
    for (pk_node b = binds; b != 0; b = naive_at(unit, b)->next)
        push_node(unit, &layer->binds, &layer->n_binds, b);
}

static void declare_layer(naive_unit *unit, pk_node node)
{
    pk_ast_node n = *naive_at(unit, node);
    bool is_layer = n.kind == PK_AST_LAYER;
    naive_layer *layer = new_layer(unit, is_layer ? NAIVE_IS_LAYER : NAIVE_IS_STRUCT, node, n.a);
    if (!is_layer && n.d != 0) {
        layer->formals = naive_at(unit, n.d)->a;
        layer->codec = naive_at(unit, n.d)->b;
    }
    add_binds(unit, layer, n.b);
    push_node(unit, &layer->items, &layer->n_items, n.c);
    collect_cases(unit, layer, n.c);
}

static bool extend_layer(naive_unit *unit, pk_node node)
{
    pk_ast_node n = *naive_at(unit, node);
    naive_layer *layer = naive_layer_named(unit, n.a);
    if (layer == NULL)
        return naive_fail(unit, node, "no layer `%s` to extend", naive_text(unit, n.a));
    add_binds(unit, layer, n.b);
    if (n.c != 0)
        push_node(unit, &layer->items, &layer->n_items, n.c);
    collect_cases(unit, layer, n.c);
    return true;
}

/* ---- fields ------------------------------------------------------------------------------------
 */

/* u12, i8, u32le: the width, or 0. */
static unsigned integer_width(const char *name, bool *ret_little)
{
    if ((name[0] != 'u' && name[0] != 'i') || name[1] < '1' || name[1] > '9')
        return 0;
    char *end;
    unsigned long bits = strtoul(name + 1, &end, 10);
    *ret_little = strcmp(end, "le") == 0;
    return bits <= 64 && (*end == 0 || *ret_little) ? (unsigned)bits : 0;
}

static bool scalar_type(naive_unit *unit, naive_field *field, pk_atom atom, pk_node args)
{
    const char *name = naive_text(unit, atom);
    bool wide = strcmp(name, "u") == 0 || strcmp(name, "i") == 0;
    field->bits = integer_width(name, &field->little);
    field->type = NAIVE_OCTETS;
    if (field->bits != 0 || (wide && args != 0)) {
        field->type = name[0] == 'u' ? NAIVE_UINT : NAIVE_SINT;
        field->width = field->bits != 0 ? 0 : naive_at(unit, args)->b;
    } else if (strcmp(name, "ip4") == 0 || strcmp(name, "ip6") == 0 || strcmp(name, "mac") == 0) {
        field->address = true;
        field->bits = name[0] == 'm' ? 48 : name[2] == '4' ? 32 : 128;
    } else if (strcmp(name, "uleb") == 0) {
        field->type = NAIVE_ULEB;
    } else if (strcmp(name, "uvlq") == 0) {
        field->type = NAIVE_UVLQ;
    } else if (strcmp(name, "bytes") == 0 && args != 0) {
        field->until = naive_at(unit, args)->b;
    } else if (strcmp(name, "bytes") != 0) {
        field->type = NAIVE_STRUCT;
        field->sub = naive_layer_named(unit, atom);
        field->args = args;
        if (field->sub == NULL)
            return naive_fail(unit, field->node, "no type `%s`", name);
    }
    return true;
}

static bool field_type(naive_unit *unit, naive_field *field, pk_node type)
{
    const pk_ast_node *t = naive_at(unit, type);
    if (!scalar_type(unit, field, t->a, t->b))
        return false;
    if (t->c == 0)
        return true;
    const pk_ast_node *list = naive_at(unit, t->c);
    bool octets = field->type == NAIVE_OCTETS && !field->address;
    if (octets && list->a == PK_LIST_COUNT && field->until == 0) {
        field->width = list->b;
        return true;
    }
    field->is_list = !octets || list->a != PK_LIST_WINDOW || field->until != 0;
    field->list_kind = list->a;
    field->list_expr = list->b;
    field->list_name = list->c;
    return true;
}

static unsigned slot_for(naive_unit *unit, naive_layer *layer, pk_atom name)
{
    bool anonymous = strcmp(naive_text(unit, name), "_") == 0;
    for (size_t i = 0; !anonymous && i < layer->n_fields; i++) {
        if (layer->fields[i].name == name)
            return layer->fields[i].slot;
    }
    unsigned slot = layer->n_slots++;
    add_member(unit, layer, (naive_member){.name = name, .kind = NAIVE_M_FIELD, .slot = slot});
    return slot;
}

static bool add_field(naive_unit *unit, naive_layer *layer, pk_node node, naive_cond *conds)
{
    const pk_ast_node *n = naive_at(unit, node);
    naive_field *grown = naive_alloc(&unit->arena, layer->n_fields + 1, sizeof *grown);
    if (layer->n_fields != 0)
        memcpy(grown, layer->fields, layer->n_fields * sizeof *grown);
    naive_field *field = &grown[layer->n_fields];
    *field = (naive_field){.layer = layer, .node = node, .name = n->a, .init = n->c};
    field->conds = conds;
    if (n->d != 0) {
        const pk_ast_node *tail = naive_at(unit, n->d);
        field->within = tail->a;
        field->as_name = tail->b;
        field->as_index = tail->c;
    }
    if (!field_type(unit, field, n->b))
        return false;
    field->slot = slot_for(unit, layer, n->a);
    layer->fields = grown;
    layer->n_fields++;
    return true;
}

static void add_payload(naive_unit *unit, naive_layer *layer, pk_node node, naive_cond *conds)
{
    naive_payload *grown = naive_alloc(&unit->arena, layer->n_payloads + 1, sizeof *grown);
    if (layer->n_payloads != 0)
        memcpy(grown, layer->payloads, layer->n_payloads * sizeof *grown);
    grown[layer->n_payloads++] = (naive_payload){.node = node, .conds = conds};
    layer->payloads = grown;
}

static naive_cond *under_condition(naive_unit *unit, pk_node expr, bool want, naive_cond *outer)
{
    naive_cond *cond = naive_alloc(&unit->arena, 1, sizeof *cond);
    *cond = (naive_cond){.expr = expr, .want = want, .outer = outer};
    return cond;
}

static void add_named(naive_unit *unit, naive_layer *layer, pk_node node)
{
    const pk_ast_node *n = naive_at(unit, node);
    naive_member member = {.node = node, .name = n->a};
    if (n->kind == PK_AST_LET) {
        member.kind = NAIVE_M_LET;
        member.name = naive_at(unit, n->a)->a;
        if (strcmp(naive_text(unit, member.name), "value") == 0)
            layer->value = n->b;
    } else if (n->kind == PK_AST_DEF) {
        member.kind = NAIVE_M_DEF;
    } else {
        member.kind = NAIVE_M_PARAM;
        member.slot = layer->n_slots++;
    }
    add_member(unit, layer, member);
}

static bool collect_items(naive_unit *unit, naive_layer *layer, pk_node items, naive_cond *conds)
{
    for (pk_node i = items; i != 0; i = naive_at(unit, i)->next) {
        pk_ast_node n = *naive_at(unit, i);
        bool good = true;
        if (n.kind == PK_AST_FIELD)
            good = add_field(unit, layer, i, conds);
        else if (n.kind == PK_AST_PAYLOAD)
            add_payload(unit, layer, i, conds);
        else if (n.kind == PK_AST_WITHIN || n.kind == PK_AST_BITGROUP)
            good = collect_items(unit, layer, n.b, conds);
        else if (n.kind == PK_AST_IF)
            good = collect_items(unit, layer, n.b, under_condition(unit, n.a, true, conds)) &&
                   collect_items(unit, layer, n.c, under_condition(unit, n.a, false, conds));
        else if (n.kind == PK_AST_LET || n.kind == PK_AST_DEF || n.kind == PK_AST_PARAM)
            add_named(unit, layer, i);
        if (!good)
            return false;
    }
    return true;
}

/* An alias takes the place of what it names, whatever that is. */
static bool collect_aliases(naive_unit *unit, naive_layer *layer, pk_node items)
{
    for (pk_node i = items; i != 0; i = naive_at(unit, i)->next) {
        const pk_ast_node *n = naive_at(unit, i);
        if (n->kind != PK_AST_ALIAS)
            continue;
        const naive_member *old = naive_member_named(layer, n->b);
        if (old == NULL)
            return naive_fail(unit, i, "nothing here is called `%s`", naive_text(unit, n->b));
        naive_member copy = *old;
        copy.name = n->a;
        copy.presets = n->c;
        add_member(unit, layer, copy);
    }
    return true;
}

static bool link_layer(naive_unit *unit, naive_layer *layer)
{
    for (size_t i = 0; i < layer->n_items; i++) {
        if (!collect_items(unit, layer, layer->items[i], NULL))
            return false;
    }
    for (size_t i = 0; i < layer->n_items; i++) {
        if (!collect_aliases(unit, layer, layer->items[i]))
            return false;
    }
    return true;
}

bool naive_unit_link(naive_unit *unit)
{
    for (size_t i = 0; i < unit->n_globals; i++) {
        const pk_ast_node *n = naive_at(unit, unit->globals[i]);
        if (n->kind == PK_AST_LAYER || n->kind == PK_AST_STRUCT)
            declare_layer(unit, unit->globals[i]);
        else if (n->kind == PK_AST_CLAUSE && strcmp(naive_text(unit, n->a), "check") == 0)
            push_node(unit, &unit->checks, &unit->n_checks, unit->globals[i]);
    }
    for (size_t i = 0; i < unit->n_globals; i++) {
        if (naive_at(unit, unit->globals[i])->kind == PK_AST_EXTEND &&
            !extend_layer(unit, unit->globals[i]))
            return false;
    }
    for (size_t i = 0; i < unit->n_layers; i++) {
        if (!link_layer(unit, unit->layers[i]))
            return false;
    }
    return naive_tables_link(unit);
}

const naive_layer *naive_layer_find(naive_unit *unit, const char *name)
{
    return naive_layer_in(unit, NULL, naive_atom(unit, name));
}
