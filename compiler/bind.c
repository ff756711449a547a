/* `on` clauses and cases: what a key means when dissecting, and what stacking imposes when
 * building. Keys and binds are gathered while walking the declarations and written at the end,
 * because a table's keys and a layer's binds must be consecutive records, also where `extend` adds
 * to what the standard image has. */
#include "internal.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

pk_ref pk_table_find(pk_compiler *cx, pk_ref layer, pk_ref name)
{
    uint32_t count = pk_image_builder_count(cx->builder, PK_SEC_TAB);
    for (pk_ref i = 1; i < count; i++) {
        const pk_image_table *table = PK_AT(cx->builder, TAB, i);
        if (table->layer == layer && table->name == name)
            return i;
    }
    return 0;
}

void pk_key_put(pk_compiler *cx, pk_ref table, uint64_t lo, uint64_t hi, pk_ref layer, pk_span span)
{
    if (pk_grow((void **)&cx->keys, &cx->cap_keys, cx->n_keys, sizeof *cx->keys))
        cx->keys[cx->n_keys++] =
            (pk_pending_key){table, {.lo = lo, .hi = hi, .layer = layer}, span};
}

void pk_bind_put(pk_compiler *cx, pk_ref upper, pk_ref lower, const pk_image_imposition *imposed,
                 uint32_t count)
{
    pk_image_bind bind = {.lower = lower, .n_impositions = count};
    if (count) {
        bind.impositions = PK_ADD(cx->builder, IMP, count);
        for (uint32_t i = 0; i < count; i++)
            *PK_AT(cx->builder, IMP, bind.impositions + i) = imposed[i];
    }
    if (pk_grow((void **)&cx->binds, &cx->cap_binds, cx->n_binds, sizeof *cx->binds)) {
        cx->binds[cx->n_binds].upper = upper;
        cx->binds[cx->n_binds].bind = bind;
        cx->n_binds++;
    }
}

/* A constant key: a number or a range of numbers. */
static bool key_bounds(pk_compiler *cx, pk_node node, pk_ref field, int64_t *ret_lo,
                       int64_t *ret_hi)
{
    const pk_scope scope = {0};
    pk_ast_node at = *pk_at(cx, node);
    if (at.kind == PK_AST_RANGE)
        return pk_constant_int(cx, &scope, at.a, field, ret_lo) &&
               pk_constant_int(cx, &scope, at.b, field, ret_hi);
    bool good = pk_constant_int(cx, &scope, node, field, ret_lo);
    *ret_hi = *ret_lo;
    return good;
}

static bool looks_constant(pk_compiler *cx, pk_node node)
{
    pk_ast_kind kind = (pk_ast_kind)pk_at(cx, node)->kind;
    return kind == PK_AST_INT || kind == PK_AST_RANGE || kind == PK_AST_NAME ||
           kind == PK_AST_UNARY;
}

static pk_node argument_of(pk_compiler *cx, pk_node args, const char *name, size_t len)
{
    for (pk_node at = args; at; at = pk_at(cx, at)->next) {
        pk_node path = pk_at(cx, at)->a;
        if (!path || pk_at(cx, path)->kind != PK_AST_NAME)
            continue;
        const char *text = pk_ast_atom_text(cx->ast, pk_at(cx, path)->a);
        if (strlen(text) == len && memcmp(text, name, len) == 0)
            return pk_at(cx, at)->b;
    }
    return 0;
}

/* The key of a tuple table `(a, b)`, when the bind names all of its parts. */
static bool tuple_key(pk_compiler *cx, pk_ref lower, const char *name, pk_node args,
                      uint64_t *ret_key)
{
    uint64_t key = 0;
    const char *at = name + 1;
    while (*at && *at != ')') {
        size_t len = strcspn(at, ",) ");
        pk_node value = argument_of(cx, args, at, len);
        pk_ref text = pk_image_builder_text(cx->builder, at, len);
        pk_ref field = pk_field_by_name(cx, lower, text);
        int64_t lo;
        int64_t hi;
        if (!value || !looks_constant(cx, value) || !key_bounds(cx, value, field, &lo, &hi))
            return false;
        unsigned bits = field ? PK_AT(cx->builder, FLD, field)->bits : 16;
        key = key << bits | (uint64_t)lo;
        at += len;
        at += strspn(at, ", ");
    }
    *ret_key = key;
    return true;
}

/* Whether `name` is part of a tuple table of `lower` that the bind names whole: that table then
 * chooses alone, for one part says less than the bind. */
static bool tuple_takes(pk_compiler *cx, pk_ref lower, const char *name, pk_node args)
{
    uint32_t count = pk_image_builder_count(cx->builder, PK_SEC_TAB);
    for (pk_ref i = 1; i < count; i++) {
        const pk_image_table table = *PK_AT(cx->builder, TAB, i);
        char tuple[256];
        uint64_t key;
        (void)snprintf(tuple, sizeof tuple, "%s", pk_str(cx, table.name));
        if (table.layer != lower || *tuple != '(' || !tuple_key(cx, lower, tuple, args, &key))
            continue;
        for (const char *at = tuple + 1; *at && *at != ')'; at += strspn(at, ", ")) {
            size_t len = strcspn(at, ",) ");
            if (strlen(name) == len && memcmp(at, name, len) == 0)
                return true;
            at += len;
        }
    }
    return false;
}

static void bind_keys(pk_compiler *cx, pk_ref upper, pk_ref lower, const pk_ast_node *part)
{
    uint32_t count = pk_image_builder_count(cx->builder, PK_SEC_TAB);
    for (pk_ref i = 1; i < count; i++) {
        const pk_image_table table = *PK_AT(cx->builder, TAB, i);
        if (table.layer != lower)
            continue;
        char name[256];
        (void)snprintf(name, sizeof name, "%s", pk_str(cx, table.name));
        uint64_t key;
        if (*name == '(') {
            if (tuple_key(cx, lower, name, part->b, &key))
                pk_key_put(cx, i, key, key, upper, part->span);
            continue;
        }
        pk_node value = argument_of(cx, part->b, name, strlen(name));
        pk_ref field = pk_field_by_name(cx, lower, table.name);
        int64_t lo;
        int64_t hi;
        if (value && looks_constant(cx, value) && key_bounds(cx, value, field, &lo, &hi) &&
            !tuple_takes(cx, lower, name, part->b))
            pk_key_put(cx, i, (uint64_t)lo, (uint64_t)hi, upper, part->span);
    }
}

/* What one part of a bind imposes on its layer's fields; names of lets only select. */
static uint32_t bind_impose(pk_compiler *cx, pk_ref layer, uint32_t depth, const pk_ast_node *part,
                            pk_image_imposition *imposed, uint32_t room)
{
    uint32_t n = 0;
    for (pk_node at = part->b; at && n < room; at = pk_at(cx, at)->next) {
        pk_ast_node arg = *pk_at(cx, at);
        if (!arg.a || pk_at(cx, arg.a)->kind != PK_AST_NAME) {
            pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, arg.span,
                           "`on` names fields: write name=value");
            continue;
        }
        pk_ref name = pk_text_of_atom(cx, pk_at(cx, arg.a)->a);
        pk_image_member member;
        if (!pk_member(cx, layer, name, &member)) {
            if (!pk_table_find(cx, layer, name))
                pk_report_unknown_field(cx, pk_at(cx, arg.a)->span, layer, name);
            continue;
        }
        if (member.kind != PK_MEMBER_FIELD || pk_at(cx, arg.b)->kind == PK_AST_RANGE)
            continue;
        const pk_scope scope = {.layer = layer};
        pk_ref field = pk_field_of_slot(cx, layer, member.ref);
        pk_ref value = pk_lower_expr(cx, &scope, arg.b, field, 0);
        if (value)
            imposed[n++] = (pk_image_imposition){layer, depth, member.ref, value};
    }
    return n;
}

static void bind_one(pk_compiler *cx, pk_ref upper, pk_node bind)
{
    enum { PARTS = 8, ROOM = 32 };
    pk_node parts[PARTS];
    uint32_t n = 0;
    for (pk_node at = pk_at(cx, bind)->a; at && n < PARTS; at = pk_at(cx, at)->next)
        parts[n++] = at;
    pk_image_imposition imposed[ROOM];
    uint32_t n_imposed = 0;
    pk_ref lower = 0;
    for (uint32_t depth = 0; depth < n; depth++) {
        pk_ast_node part = *pk_at(cx, parts[n - 1 - depth]);
        pk_ref name = pk_text_of_atom(cx, part.a);
        pk_ref layer = pk_layer_by_name(cx, name);
        if (!layer) {
            pk_report_unknown_layer(cx, part.span, name);
            return;
        }
        if (depth == 0) {
            lower = layer;
            bind_keys(cx, upper, layer, &part);
        }
        n_imposed += bind_impose(cx, layer, depth, &part, imposed + n_imposed, ROOM - n_imposed);
    }
    if (lower)
        pk_bind_put(cx, upper, lower, imposed, n_imposed);
}

/* A case is bound on its struct by the key of the struct's first table. */
static void bind_case(pk_compiler *cx, pk_node node, pk_ref layer)
{
    pk_ast_node at = *pk_at(cx, node);
    pk_ref lower = PK_AT(cx->builder, LAY, layer)->parent;
    pk_ref table = 0;
    uint32_t count = pk_image_builder_count(cx->builder, PK_SEC_TAB);
    for (pk_ref i = 1; i < count && !table; i++)
        if (PK_AT(cx->builder, TAB, i)->layer == lower)
            table = i;
    if (!table) {
        pk_diag_report(cx->diags, PK_DIAG_BAD_BIND, at.span,
                       "`%s` has no `payload by ..`, so a case can never be chosen",
                       pk_str(cx, PK_AT(cx->builder, LAY, lower)->name));
        return;
    }
    pk_ref key_name = PK_AT(cx->builder, TAB, table)->name;
    pk_ref field = pk_field_by_name(cx, lower, key_name);
    int64_t lo;
    int64_t hi;
    if (!key_bounds(cx, at.b, field, &lo, &hi)) {
        pk_diag_report(cx->diags, PK_DIAG_NOT_CONSTANT, pk_at(cx, at.b)->span,
                       "the key of a case must be a constant integer or range");
        return;
    }
    pk_key_put(cx, table, (uint64_t)lo, (uint64_t)hi, layer, at.span);
    pk_image_imposition imposed = {.layer = lower};
    if (field) {
        imposed.slot = PK_AT(cx->builder, FLD, field)->slot;
        imposed.value = pk_expr_int(cx, lo);
    }
    pk_bind_put(cx, layer, lower, &imposed, field ? 1 : 0);
}

void pk_bind_layers(pk_compiler *cx)
{
    for (size_t i = 0; i < cx->n_declared; i++) {
        pk_node node = cx->declared[i].node;
        pk_ast_node at = *pk_at(cx, node);
        if (at.kind == PK_AST_CASE) {
            bind_case(cx, node, cx->declared[i].layer);
            continue;
        }
        for (pk_node bind = at.b; bind; bind = pk_at(cx, bind)->next)
            bind_one(cx, cx->declared[i].layer, bind);
    }
}

pk_ref pk_implied(pk_compiler *cx, pk_ref layer)
{
    const pk_image_layer at = *PK_AT(cx->builder, LAY, layer);
    if (at.kind == PK_LAYER_CASE)
        return at.parent;
    if (!at.n_binds)
        return 0;
    const pk_image_bind bind = *PK_AT(cx->builder, BND, at.binds);
    bool brings = at.kind == PK_LAYER_STRUCT;
    for (uint32_t i = 0; i < bind.n_impositions && !brings; i++)
        brings = PK_AT(cx->builder, IMP, bind.impositions + i)->depth > 0;
    return brings ? bind.lower : 0;
}

/* ---- writing ----------------------------------------------------------------------------------
 */

static int by_table_and_key(const void *a, const void *b)
{
    const pk_pending_key *x = a;
    const pk_pending_key *y = b;
    if (x->table != y->table)
        return x->table < y->table ? -1 : 1;
    if (x->key.lo != y->key.lo)
        return x->key.lo < y->key.lo ? -1 : 1;
    /* The later declaration comes first and wins. */
    return x->span.lo > y->span.lo ? -1 : x->span.lo < y->span.lo;
}

/* Existing keys of every table that gets new ones join the pending list. */
static void gather_existing(pk_compiler *cx)
{
    size_t n = cx->n_keys;
    uint32_t tables = pk_image_builder_count(cx->builder, PK_SEC_TAB);
    for (pk_ref t = 1; t < tables; t++) {
        bool touched = false;
        for (size_t i = 0; i < n && !touched; i++)
            touched = cx->keys[i].table == t;
        const pk_image_table table = *PK_AT(cx->builder, TAB, t);
        for (uint32_t k = 0; touched && k < table.n_keys; k++) {
            pk_image_key key = *PK_AT(cx->builder, KEY, table.keys + k);
            pk_key_put(cx, t, key.lo, key.hi, key.layer, (pk_span){0, 0});
        }
    }
}

static int by_key(const void *a, const void *b)
{
    const pk_image_key *x = a;
    const pk_image_key *y = b;
    return x->lo < y->lo ? -1 : x->lo > y->lo;
}

static void key_write(pk_compiler *cx, uint64_t lo, uint64_t hi, pk_ref layer)
{
    pk_ref ref = PK_ADD(cx->builder, KEY, 1);
    *PK_AT(cx->builder, KEY, ref) = (pk_image_key){.lo = lo, .hi = hi, .layer = layer};
}

/* A range leaves out the single keys inside it, and what an earlier range has taken. */
static void range_write(pk_compiler *cx, const pk_pending_key *keys, size_t n, size_t at,
                        uint64_t *next)
{
    uint64_t lo = keys[at].key.lo > *next ? keys[at].key.lo : *next;
    uint64_t hi = keys[at].key.hi;
    pk_ref layer = keys[at].key.layer;
    for (size_t i = 0; i < n && lo <= hi; i++) {
        uint64_t single = keys[i].key.lo;
        if (single != keys[i].key.hi || single < lo || single > hi)
            continue;
        if (single > lo)
            key_write(cx, lo, single - 1, layer);
        if (single == UINT64_MAX)
            return;
        lo = single + 1;
    }
    if (lo <= hi) {
        key_write(cx, lo, hi, layer);
        *next = hi == UINT64_MAX ? hi : hi + 1;
    }
}

/* Keys of one table: of equal ones the first in `keys`, which is the program's, counts. */
static uint32_t keys_write(pk_compiler *cx, const pk_pending_key *keys, size_t n)
{
    pk_ref first = pk_image_builder_count(cx->builder, PK_SEC_KEY);
    uint64_t next = 0;
    for (size_t i = 0; i < n; i++) {
        bool single = keys[i].key.lo == keys[i].key.hi;
        if (!single)
            range_write(cx, keys, n, i, &next);
        else if (i == 0 || keys[i - 1].key.lo != keys[i].key.lo ||
                 keys[i - 1].key.lo != keys[i - 1].key.hi)
            key_write(cx, keys[i].key.lo, keys[i].key.hi, keys[i].key.layer);
    }
    uint32_t count = pk_image_builder_count(cx->builder, PK_SEC_KEY) - first;
    if (count)
        qsort(PK_AT(cx->builder, KEY, first), count, sizeof(pk_image_key), by_key);
    return count;
}

static void tables_write(pk_compiler *cx)
{
    gather_existing(cx);
    if (cx->n_keys)
        qsort(cx->keys, cx->n_keys, sizeof *cx->keys, by_table_and_key);
    for (size_t from = 0; from < cx->n_keys;) {
        size_t to = from;
        while (to < cx->n_keys && cx->keys[to].table == cx->keys[from].table)
            to++;
        pk_ref first = pk_image_builder_count(cx->builder, PK_SEC_KEY);
        uint32_t count = keys_write(cx, cx->keys + from, to - from);
        pk_image_table *table = PK_AT(cx->builder, TAB, cx->keys[from].table);
        table->keys = first;
        table->n_keys = count;
        from = to;
    }
}

static void bind_write(pk_compiler *cx, const pk_image_bind *bind, uint32_t *count)
{
    const pk_image_bind copy = *bind;
    (void)PK_PUT(cx->builder, BND, &copy, 1);
    *count += 1;
}

/* A program's binds stand before the standard ones, and those of shared tables behind all: the
 * first that fits is what building uses. */
static void layer_binds_write(pk_compiler *cx, pk_ref upper, bool before)
{
    const pk_image_layer old = *PK_AT(cx->builder, LAY, upper);
    pk_ref first = pk_image_builder_count(cx->builder, PK_SEC_BND);
    uint32_t count = 0;
    for (uint32_t i = 0; !before && i < old.n_binds; i++)
        bind_write(cx, PK_AT(cx->builder, BND, old.binds + i), &count);
    for (size_t i = 0; i < cx->n_binds; i++)
        if (cx->binds[i].upper == upper)
            bind_write(cx, &cx->binds[i].bind, &count);
    for (uint32_t i = 0; before && i < old.n_binds; i++)
        bind_write(cx, PK_AT(cx->builder, BND, old.binds + i), &count);
    pk_image_layer *layer = PK_AT(cx->builder, LAY, upper);
    layer->binds = first;
    layer->n_binds = count;
}

static void pending_binds_write(pk_compiler *cx, bool before)
{
    for (size_t i = 0; i < cx->n_binds; i++) {
        bool first = true;
        for (size_t j = 0; j < i && first; j++)
            first = cx->binds[j].upper != cx->binds[i].upper;
        if (first)
            layer_binds_write(cx, cx->binds[i].upper, before);
    }
    cx->n_binds = 0;
}

/* ---- shared tables ----------------------------------------------------------------------------
 */

static bool is_bound(pk_compiler *cx, pk_ref upper, pk_ref lower)
{
    const pk_image_layer *layer = PK_AT(cx->builder, LAY, upper);
    for (uint32_t i = 0; i < layer->n_binds; i++)
        if (PK_AT(cx->builder, BND, layer->binds + i)->lower == lower)
            return true;
    return false;
}

/* The constant that `upper` imposes on a slot of `owner` when stacked on it. */
static bool imposed_constant(pk_compiler *cx, pk_ref upper, pk_ref owner, uint32_t slot,
                             int64_t *ret_value)
{
    const pk_image_layer layer = *PK_AT(cx->builder, LAY, upper);
    for (uint32_t i = 0; i < layer.n_binds; i++) {
        const pk_image_bind bind = *PK_AT(cx->builder, BND, layer.binds + i);
        for (uint32_t k = 0; bind.lower == owner && k < bind.n_impositions; k++) {
            const pk_image_imposition *what = PK_AT(cx->builder, IMP, bind.impositions + k);
            const pk_image_expr *expr = PK_AT(cx->builder, EXP, what->value);
            const pk_insn *insn = PK_AT(cx->builder, CODE, expr->start);
            if (what->depth == 0 && what->slot == slot && (expr->flags & PK_EXPR_CONST) &&
                insn->op == PK_OPC_INT) {
                *ret_value = (int64_t)insn->e;
                return true;
            }
        }
    }
    return false;
}

/* The layers that this compilation declared, extended or bound, one mark each: what the standard
 * image's layers share with each other is in it already. NULL, also without memory: all of them. */
static uint8_t *touched_layers(pk_compiler *cx)
{
    uint32_t layers = pk_image_builder_count(cx->builder, PK_SEC_LAY);
    uint32_t standard = cx->options->standard ? cx->options->standard->n_layers : 1;
    uint8_t *touched = standard > 1 ? pk_arena_array(&cx->arena, layers, 1) : NULL;
    if (!touched)
        return NULL;
    memset(touched + standard, 1, layers - standard);
    for (size_t i = 0; i < cx->n_declared; i++)
        touched[cx->declared[i].layer] = 1;
    for (size_t i = 0; i < cx->n_binds; i++)
        touched[cx->binds[i].upper] = 1;
    return touched;
}

/* `payload by proto in eth.type`: whatever is bound on eth by its type lies on this layer too, and
 * building it there gives `proto` that key. */
static void share_table(pk_compiler *cx, pk_ref layer, const pk_image_selector *selector,
                        uint8_t *touched)
{
    const pk_image_table table = *PK_AT(cx->builder, TAB, selector->table);
    const pk_image_expr key = *PK_AT(cx->builder, EXP, selector->key);
    const pk_insn insn = *PK_AT(cx->builder, CODE, key.start);
    pk_ref field = pk_field_by_name(cx, table.layer, table.name);
    if (table.layer == layer || key.count != 2 || insn.op != PK_OPC_SLOT || !field)
        return;
    uint32_t slot = PK_AT(cx->builder, FLD, field)->slot;
    uint32_t layers = pk_image_builder_count(cx->builder, PK_SEC_LAY);
    for (pk_ref upper = 1; upper < layers; upper++) {
        int64_t value;
        if (touched && !touched[layer] && !touched[upper])
            continue;
        if (is_bound(cx, upper, layer) || !imposed_constant(cx, upper, table.layer, slot, &value))
            continue;
        const pk_image_imposition imposed = {layer, 0, insn.d, pk_expr_int(cx, value)};
        pk_bind_put(cx, upper, layer, &imposed, 1);
        if (touched)
            touched[upper] = 1;
    }
}

static void share_tables(pk_compiler *cx, uint8_t *touched)
{
    uint32_t layers = pk_image_builder_count(cx->builder, PK_SEC_LAY);
    if (touched && !memchr(touched, 1, layers))
        return;
    for (pk_ref layer = 1; layer < layers; layer++) {
        const pk_image_layer at = *PK_AT(cx->builder, LAY, layer);
        for (uint32_t i = 0; i < at.n_items; i++) {
            const pk_insn item = *PK_AT(cx->builder, CODE, at.items + i);
            if (item.op != PK_OPC_PAY)
                continue;
            const pk_image_payload payload = *PK_AT(cx->builder, PLD, item.d);
            for (uint32_t k = 0; k < payload.n_selectors; k++) {
                const pk_image_selector selector = *PK_AT(cx->builder, SEL, payload.selectors + k);
                if (selector.key && selector.table)
                    share_table(cx, layer, &selector, touched);
            }
        }
        pending_binds_write(cx, false);
    }
}

void pk_bind_finish(pk_compiler *cx)
{
    uint8_t *touched = touched_layers(cx);
    tables_write(cx);
    pending_binds_write(cx, true);
    share_tables(cx, touched);
}
