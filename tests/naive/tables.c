/* Dispatch tables, from binds and cases, read both ways. */
#include "internal.h"

#include <string.h>

enum { COLUMNS = 4 };

/* ---- selectors ---------------------------------------------------------------------------------
 */

static pk_atom written(naive_unit *unit, pk_node expr)
{
    const pk_ast_node *n = naive_at(unit, expr);
    if (n->kind == PK_AST_NAME)
        return n->a;
    pk_bytes text = pk_sources_text(unit->sources, n->span);
    return pk_ast_atom(unit->ast, (const char *)text.data, text.len);
}

/* "dsap,ssap" of (dsap, ssap). */
static pk_atom tuple_name(naive_unit *unit, pk_node tuple)
{
    char name[256] = "";
    size_t used = 0;
    for (pk_node e = naive_at(unit, tuple)->a; e != 0; e = naive_at(unit, e)->next) {
        const char *one = naive_text(unit, written(unit, e));
        size_t len = strlen(one);
        if (used + len + 2 > sizeof name)
            break;
        if (used != 0)
            name[used++] = ',';
        memcpy(name + used, one, len + 1);
        used += len;
    }
    return naive_atom(unit, name);
}

pk_node naive_selector(naive_unit *unit, const naive_layer *layer, pk_node selector,
                       const naive_layer **ret_owner, pk_atom *ret_table)
{
    const pk_ast_node n = *naive_at(unit, selector);
    *ret_owner = layer;
    if (n.kind == PK_AST_BINARY && n.a == PK_OP_IN) {
        const pk_ast_node table = *naive_at(unit, n.c);
        if (table.kind == PK_AST_MEMBER) {
            *ret_owner = naive_layer_named(unit, naive_at(unit, table.a)->a);
            *ret_table = table.b;
        } else {
            *ret_table = written(unit, n.c);
        }
        return n.b;
    }
    *ret_table = n.kind == PK_AST_TUPLE ? tuple_name(unit, selector) : written(unit, selector);
    return selector;
}

/* The columns of a table: the parts of its name. */
static size_t columns_of(naive_unit *unit, pk_atom table, pk_atom ret_columns[COLUMNS])
{
    const char *name = naive_text(unit, table);
    size_t n = 0;
    while (n < COLUMNS) {
        size_t len = strcspn(name, ",");
        ret_columns[n++] = pk_ast_atom(unit->ast, name, len);
        name = naive_text(unit, table) + (name - naive_text(unit, table)) + len;
        if (*name != ',')
            break;
        name++;
    }
    return n;
}

/* ---- keys --------------------------------------------------------------------------------------
 */

static void add_key(naive_unit *unit, naive_key key)
{
    naive_key *grown = naive_alloc(&unit->arena, unit->n_keys + 1, sizeof *grown);
    if (unit->n_keys != 0)
        memcpy(grown, unit->keys, unit->n_keys * sizeof *grown);
    grown[unit->n_keys++] = key;
    unit->keys = grown;
}

static const naive_field *field_named(const naive_layer *layer, pk_atom name)
{
    const naive_member *member = layer == NULL ? NULL : naive_member_named(layer, name);
    for (size_t i = 0; member != NULL && member->kind == NAIVE_M_FIELD && i < layer->n_fields;
         i++) {
        if (layer->fields[i].slot == member->slot)
            return &layer->fields[i];
    }
    return NULL;
}

/* The constant that a key expression is: a number or a range of numbers. */
static bool constant(naive_unit *unit, pk_node expr, const naive_field *hint, uint64_t *ret_lo,
                     uint64_t *ret_hi)
{
    naive_packet packet = {.unit = unit, .arena = &unit->arena};
    naive_scope scope = {.packet = &packet, .hint = hint};
    const pk_ast_node n = *naive_at(unit, expr);
    bool range = n.kind == PK_AST_RANGE;
    if (n.kind != PK_AST_INT && n.kind != PK_AST_NAME && n.kind != PK_AST_UNARY && !range)
        return false; /* an expression holds for building only */
    naive_value lo = naive_eval(&scope, range ? n.a : expr);
    naive_value hi = range ? naive_eval(&scope, n.b) : lo;
    *ret_lo = (uint64_t)lo.number;
    *ret_hi = (uint64_t)hi.number;
    return lo.kind == NAIVE_INT && hi.kind == NAIVE_INT;
}

static pk_node argument(const naive_unit *unit, const naive_layer *layer, pk_node args,
                        pk_atom name)
{
    const naive_field *field = layer == NULL ? NULL : field_named(layer, name);
    for (pk_node a = args; a != 0; a = naive_at(unit, a)->next) {
        const pk_ast_node *path = naive_at(unit, naive_at(unit, a)->a);
        if (path->kind != PK_AST_NAME)
            continue;
        const naive_field *own = layer == NULL ? NULL : field_named(layer, path->a);
        if (path->a == name || (field != NULL && own != NULL && own->slot == field->slot))
            return naive_at(unit, a)->b;
    }
    return 0;
}

/* The key of a bind in one table of the layer below; false when it does not name all columns. */
static bool bind_key(naive_unit *unit, const naive_layer *owner, pk_atom table, pk_node args,
                     naive_key *ret_key)
{
    naive_key key = {.owner = owner, .name = table};
    pk_atom columns[COLUMNS] = {0};
    key.n = columns_of(unit, table, columns);
    for (size_t i = 0; i < key.n; i++) {
        pk_node expr = argument(unit, owner, args, columns[i]);
        if (expr == 0 ||
            !constant(unit, expr, field_named(owner, columns[i]), &key.lo[i], &key.hi[i]))
            return false;
    }
    *ret_key = key;
    return true;
}

static pk_node last_part(const naive_unit *unit, pk_node bind)
{
    pk_node part = naive_at(unit, bind)->a;
    while (naive_at(unit, part)->next != 0)
        part = naive_at(unit, part)->next;
    return part;
}

typedef struct table {
    const naive_layer *owner;
    pk_atom name;
} table;

typedef struct tables {
    table *at;
    size_t count;
} tables;

static void note_table(naive_unit *unit, tables *all, const naive_layer *owner, pk_atom name)
{
    for (size_t i = 0; i < all->count; i++) {
        if (all->at[i].owner == owner && all->at[i].name == name)
            return;
    }
    table *grown = naive_alloc(&unit->arena, all->count + 1, sizeof *grown);
    if (all->count != 0)
        memcpy(grown, all->at, all->count * sizeof *grown);
    grown[all->count++] = (table){owner, name};
    all->at = grown;
}

static void find_tables(naive_unit *unit, tables *all)
{
    for (size_t i = 0; i < unit->n_layers; i++) {
        const naive_layer *layer = unit->layers[i];
        for (size_t p = 0; p < layer->n_payloads; p++) {
            pk_node s = naive_at(unit, layer->payloads[p].node)->a;
            for (; s != 0; s = naive_at(unit, s)->next) {
                const naive_layer *owner;
                pk_atom name;
                naive_selector(unit, layer, s, &owner, &name);
                note_table(unit, all, owner, name);
            }
        }
    }
    note_table(unit, all, NULL, naive_atom(unit, "dlt"));
}

/* Whether the bind names all columns of a table of several, of which `column` is one. */
static bool chosen_by_more(naive_unit *unit, const tables *all, const naive_layer *owner,
                           pk_atom column, pk_node args)
{
    for (size_t i = 0; i < all->count; i++) {
        pk_atom columns[COLUMNS] = {0};
        naive_key key;
        size_t n = columns_of(unit, all->at[i].name, columns);
        if (all->at[i].owner != owner || n < 2 ||
            !bind_key(unit, owner, all->at[i].name, args, &key))
            continue;
        for (size_t c = 0; c < n; c++) {
            if (columns[c] == column)
                return true;
        }
    }
    return false;
}

static bool link_bind(naive_unit *unit, const tables *all, naive_layer *upper, pk_node bind)
{
    const pk_ast_node part = *naive_at(unit, last_part(unit, bind));
    bool capture = strcmp(naive_text(unit, part.a), "link") == 0;
    const naive_layer *lower = capture ? NULL : naive_layer_named(unit, part.a);
    if (lower == NULL && !capture)
        return naive_fail(unit, bind, "no layer `%s`", naive_text(unit, part.a));
    for (size_t i = 0; i < all->count; i++) {
        naive_key key;
        if (all->at[i].owner != lower || !bind_key(unit, lower, all->at[i].name, part.b, &key) ||
            chosen_by_more(unit, all, lower, all->at[i].name, part.b))
            continue;
        key.target = upper;
        add_key(unit, key);
    }
    return true;
}

/* A case is an entry of the table of its struct's first selector. */
static bool link_case(naive_unit *unit, naive_layer *layer)
{
    const naive_layer *parent = layer->parent;
    pk_node selector = parent->n_payloads == 0 ? 0 : naive_at(unit, parent->payloads[0].node)->a;
    if (selector == 0)
        return naive_fail(unit, layer->node, "`%s` has no `payload by`",
                          naive_text(unit, parent->name));
    naive_key key = {.target = layer};
    pk_node by = naive_selector(unit, parent, selector, &key.owner, &key.name);
    bool tuple = naive_at(unit, layer->key)->kind == PK_AST_TUPLE;
    pk_node columns = naive_at(unit, by)->kind == PK_AST_TUPLE ? naive_at(unit, by)->a : by;
    pk_node value = tuple ? naive_at(unit, layer->key)->a : layer->key;
    for (; value != 0 && key.n < COLUMNS; value = tuple ? naive_at(unit, value)->next : 0) {
        const pk_ast_node *column = naive_at(unit, columns);
        const naive_field *hint =
            column->kind == PK_AST_NAME ? field_named(parent, column->a) : NULL;
        if (!constant(unit, value, hint, &key.lo[key.n], &key.hi[key.n]))
            return naive_fail(unit, layer->node, "the key of a case is a constant");
        key.n++;
        columns = tuple ? column->next : columns;
    }
    add_key(unit, key);
    return true;
}

bool naive_tables_link(naive_unit *unit)
{
    tables all = {0};
    find_tables(unit, &all);
    for (size_t i = 0; i < unit->n_layers; i++) {
        naive_layer *layer = unit->layers[i];
        if (layer->kind == NAIVE_IS_CASE && !link_case(unit, layer))
            return false;
        for (size_t b = 0; b < layer->n_binds; b++) {
            if (!link_bind(unit, &all, layer, layer->binds[b]))
                return false;
        }
    }
    return true;
}

naive_layer *naive_lookup(const naive_unit *unit, const naive_layer *owner, pk_atom name,
                          const uint64_t *key, size_t n)
{
    for (size_t i = unit->n_keys; i-- > 0;) {
        const naive_key *k = &unit->keys[i];
        bool match = k->owner == owner && k->name == name && k->n == n;
        for (size_t c = 0; match && c < n; c++)
            match = key[c] >= k->lo[c] && key[c] <= k->hi[c];
        if (match)
            return k->target;
    }
    return NULL;
}

const naive_layer *naive_layer_of_link(naive_unit *unit, uint32_t dlt)
{
    uint64_t key = dlt;
    return naive_lookup(unit, NULL, naive_atom(unit, "dlt"), &key, 1);
}

/* ---- what a payload imposes below ---------------------------------------------------------------
 */

/* The first bind of `upper` that stands directly on `lower`, 0 = none. */
static pk_node bind_on(const naive_unit *unit, const naive_layer *upper, const naive_layer *lower)
{
    for (size_t b = 0; b < upper->n_binds; b++) {
        const pk_ast_node *part = naive_at(unit, last_part(unit, upper->binds[b]));
        if (naive_layer_named(unit, part->a) == lower)
            return upper->binds[b];
    }
    return 0;
}

/* Part `up` of a bind, counted from the layer directly below; 0 = there is none. */
static pk_node part_at(const naive_unit *unit, pk_node bind, size_t up)
{
    pk_node first = naive_at(unit, bind)->a;
    size_t n = pk_ast_list_len(unit->ast, first);
    if (up >= n)
        return 0;
    for (size_t i = n - 1 - up; i > 0; i--)
        first = naive_at(unit, first)->next;
    return first;
}

static bool column_value(naive_unit *unit, const naive_layer *layer, pk_node key_expr,
                         const naive_field *field, const naive_key *key, int64_t *ret_number)
{
    const pk_ast_node n = *naive_at(unit, key_expr);
    pk_node column = n.kind == PK_AST_TUPLE ? n.a : key_expr;
    for (size_t i = 0; column != 0 && i < key->n; i++) {
        const pk_ast_node c = *naive_at(unit, column);
        const naive_field *own = c.kind == PK_AST_NAME ? field_named(layer, c.a) : NULL;
        if (own != NULL && own->slot == field->slot) {
            *ret_number = (int64_t)key->lo[i];
            return true;
        }
        column = n.kind == PK_AST_TUPLE ? c.next : 0;
    }
    return false;
}

/* Through the table: the first key that leads to `upper` from a selector of the layer. */
static bool imposed_by_table(naive_unit *unit, const naive_layer *layer, const naive_layer *upper,
                             const naive_field *field, int64_t *ret_number)
{
    for (size_t p = 0; p < layer->n_payloads; p++) {
        pk_node s = naive_at(unit, layer->payloads[p].node)->a;
        for (; s != 0; s = naive_at(unit, s)->next) {
            const naive_layer *owner;
            pk_atom name;
            pk_node expr = naive_selector(unit, layer, s, &owner, &name);
            for (size_t k = 0; k < unit->n_keys; k++) {
                const naive_key *key = &unit->keys[k];
                if (key->owner == owner && key->name == name && key->target == upper)
                    return column_value(unit, layer, expr, field, key, ret_number);
            }
        }
    }
    return false;
}

static bool imposed_by_part(naive_packet *packet, naive_inst *inst, pk_node part, pk_atom name,
                            const naive_field *field, naive_value *ret_value)
{
    naive_unit *unit = packet->unit;
    const pk_ast_node n = *naive_at(unit, part);
    if (naive_layer_named(unit, n.a) != inst->type)
        return false;
    pk_node expr = argument(unit, inst->type, n.b, name);
    if (expr == 0)
        return false;
    naive_scope scope = {.packet = packet, .self = inst, .hint = field, .hint_inst = inst};
    scope.item = field == NULL ? 0 : field->node;
    const pk_ast_node e = *naive_at(unit, expr);
    *ret_value = naive_eval(&scope, e.kind == PK_AST_RANGE ? e.a : expr);
    return true;
}

bool naive_imposed(naive_packet *packet, naive_inst *inst, pk_atom name, const naive_field *field,
                   naive_value *ret_value)
{
    naive_unit *unit = packet->unit;
    naive_inst *lower = inst, *upper = inst->payload;
    for (size_t up = 0; upper != NULL && upper->type != NULL; up++) {
        pk_node bind = lower->type == NULL ? 0 : bind_on(unit, upper->type, lower->type);
        pk_node part = bind == 0 ? 0 : part_at(unit, bind, up);
        if (part != 0 && imposed_by_part(packet, inst, part, name, field, ret_value))
            return true;
        int64_t number;
        if (up == 0 && bind == 0 && field != NULL &&
            imposed_by_table(unit, inst->type, upper->type, field, &number)) {
            *ret_value = naive_int(number);
            return true;
        }
        lower = upper;
        upper = upper->payload;
    }
    return false;
}
