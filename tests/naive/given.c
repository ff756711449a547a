/* What is given to the fields of an instance: scalars, lists, structs, leftovers. */
#include "internal.h"

#include <string.h>

/* ---- arguments ---------------------------------------------------------------------------------
 */

bool naive_is_none(const naive_unit *unit, pk_node expr)
{
    const pk_ast_node *n = naive_at(unit, expr);
    if (n->kind != PK_AST_NAME)
        return false;
    const char *name = naive_text(unit, n->a);
    return strcmp(name, "None") == 0 || strcmp(name, "auto") == 0;
}

const naive_field *naive_field_at(const naive_layer *layer, size_t position)
{
    for (unsigned slot = 0; slot < layer->n_slots; slot++) {
        for (size_t i = 0; i < layer->n_fields; i++) {
            if (layer->fields[i].slot == slot && position-- == 0)
                return &layer->fields[i];
            if (layer->fields[i].slot == slot)
                break;
        }
    }
    return NULL;
}

static const naive_field *field_of_slot(const naive_layer *layer, unsigned slot)
{
    for (size_t i = 0; i < layer->n_fields; i++) {
        if (layer->fields[i].slot == slot)
            return &layer->fields[i];
    }
    return NULL;
}

/* Of several fields of a name a list takes the one that is a list. */
static const naive_field *list_of_slot(const naive_layer *layer, unsigned slot)
{
    for (size_t i = 0; i < layer->n_fields; i++) {
        if (layer->fields[i].slot == slot && layer->fields[i].is_list)
            return &layer->fields[i];
    }
    return field_of_slot(layer, slot);
}

static bool has_variants(const naive_layer *layer, unsigned slot)
{
    size_t n = 0;
    for (size_t i = 0; i < layer->n_fields; i++)
        n += layer->fields[i].slot == slot;
    return n > 1;
}

/* The field that a name means, when branches declare it more than once: the one present. */
static const naive_field *chosen_field(naive_packet *packet, naive_inst *inst, unsigned slot)
{
    const naive_field *active = NULL;
    if (has_variants(inst->type, slot)) {
        inst->slots[slot].is_given = true; /* it is about to be: `has` says so already */
        active = naive_active(packet, inst, slot);
        inst->slots[slot].is_given = false;
    }
    return active != NULL ? active : field_of_slot(inst->type, slot);
}

static void give(naive_packet *packet, naive_inst *inst, unsigned slot, naive_value value,
                 unsigned order)
{
    if (value.kind == NAIVE_UNDEFINED)
        return;
    (void)packet;
    inst->slots[slot].is_given = true;
    inst->slots[slot].given = value;
    inst->slots[slot].order = order;
    naive_adopt(inst, slot, value);
}

void naive_adopt(naive_inst *inst, unsigned slot, naive_value value)
{
    size_t count = value.kind == NAIVE_LIST ? value.list->count : 1;
    for (size_t i = 0; i < count; i++) {
        const naive_value *v = value.kind == NAIVE_LIST ? &value.list->at[i] : &value;
        if (v->kind != NAIVE_NODE)
            continue;
        v->node->owner = inst;
        v->node->role = NAIVE_MEMBER;
        v->node->slot = slot;
        v->node->index = i;
    }
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* _cut, _rest, options_rest. */
static bool give_leftover(const naive_scope *scope, naive_inst *inst, pk_atom atom, pk_node expr)
{
    naive_packet *packet = scope->packet;
    const char *name = naive_text(packet->unit, atom);
    if (!ends_with(name, "_cut") && !ends_with(name, "_rest"))
        return false;
    naive_value value = naive_eval(scope, expr);
    if (strcmp(name, "_cut") == 0) {
        inst->cut_given = true;
        inst->cut = value;
        return true;
    }
    char window[128] = "";
    size_t len = strlen(name) - 5;
    if (len >= sizeof window || ends_with(name, "_cut"))
        return false;
    memcpy(window, name, len);
    naive_leftover *rest = naive_alloc(packet->arena, 1, sizeof *rest);
    *rest = (naive_leftover){.value = value, .next = inst->rests};
    rest->name = len == 0 ? 0 : naive_atom(packet->unit, window);
    inst->rests = rest;
    return true;
}

static void give_named(const naive_scope *scope, naive_inst *inst, pk_node path, pk_node expr,
                       unsigned order)
{
    naive_packet *packet = scope->packet;
    naive_unit *unit = packet->unit;
    const pk_ast_node *p = naive_at(unit, path);
    const naive_member *member =
        p->kind == PK_AST_NAME ? naive_member_named(inst->type, p->a) : NULL;
    if (member == NULL && p->kind == PK_AST_NAME && give_leftover(scope, inst, p->a, expr))
        return;
    const naive_layer *below = member == NULL ? naive_implied(unit, inst->type) : NULL;
    if (below != NULL) { /* a field of the layer that this one brings along */
        if (inst->lower == NULL) {
            inst->lower = naive_new_inst(packet, below);
            inst->lower->payload = inst; /* what it imposes counts already */
        }
        give_named(scope, inst->lower, path, expr, order);
        return;
    }
    if (member == NULL || (member->kind != NAIVE_M_FIELD && member->kind != NAIVE_M_PARAM)) {
        naive_fail(unit, path, "`%s` has no field of that name",
                   naive_text(unit, inst->type->name));
        return;
    }
    if (naive_is_none(unit, expr))
        return;
    const naive_field *field = chosen_field(packet, inst, member->slot);
    naive_value value =
        field == NULL ? naive_eval(scope, expr) : naive_field_expr(scope, inst, field, expr);
    give(packet, inst, member->slot, value, order);
}

void naive_give(const naive_scope *scope, naive_inst *inst, pk_atom name, pk_node expr)
{
    const naive_member *member = naive_member_named(inst->type, name);
    const naive_field *field = chosen_field(scope->packet, inst, member->slot);
    if (!naive_is_none(scope->packet->unit, expr))
        give(scope->packet, inst, member->slot, naive_field_expr(scope, inst, field, expr), 1);
}

static void give_position(const naive_scope *scope, naive_inst *inst, size_t position, pk_node expr,
                          unsigned order)
{
    naive_packet *packet = scope->packet;
    if (inst->type->value != 0 && position == 0) {
        inst->scalar = naive_eval(scope, expr);
        return;
    }
    const naive_field *field = naive_field_at(inst->type, position);
    if (field == NULL) {
        naive_fail(packet->unit, expr, "too many values for `%s`",
                   naive_text(packet->unit, inst->type->name));
        return;
    }
    if (!naive_is_none(packet->unit, expr))
        give(packet, inst, field->slot, naive_field_expr(scope, inst, field, expr), order);
}

const naive_field *naive_argument_field(const naive_unit *unit, const naive_layer *type,
                                        const pk_ast_node *arg, size_t position)
{
    const pk_ast_node *p = naive_at(unit, arg->a);
    if (arg->a == 0)
        return naive_field_at(type, position);
    const naive_member *member = p->kind == PK_AST_NAME ? naive_member_named(type, p->a) : NULL;
    const naive_layer *below = member == NULL ? naive_implied(unit, type) : NULL;
    if (below != NULL)
        return naive_argument_field(unit, below, arg, position);
    return member == NULL                                ? NULL
           : naive_at(unit, arg->b)->kind == PK_AST_LIST ? list_of_slot(type, member->slot)
                                                         : field_of_slot(type, member->slot);
}

/* Fields whose type or enumerators another field chooses come last. */
static void give_args(const naive_scope *scope, naive_inst *inst, pk_node args, unsigned pass)
{
    const naive_unit *unit = scope->packet->unit;
    size_t position = 0;
    unsigned order = 1;
    for (pk_node a = args; a != 0; a = naive_at(unit, a)->next, order++) {
        const pk_ast_node arg = *naive_at(unit, a);
        if (arg.a != 0 && naive_at(unit, arg.a)->kind != PK_AST_NAME)
            continue; /* a path: when all else is given */
        const naive_field *field = naive_argument_field(unit, inst->type, &arg, position);
        bool late =
            field != NULL && (field->as_index != 0 || has_variants(field->layer, field->slot));
        if (late == (pass == 1) && arg.a != 0)
            give_named(scope, inst, arg.a, arg.b, order);
        else if (late == (pass == 1))
            give_position(scope, inst, position, arg.b, order);
        position += arg.a == 0;
    }
}

naive_stack *naive_call_layer(const naive_scope *scope, const naive_layer *type, pk_node presets,
                              pk_node args)
{
    naive_inst *inst = naive_new_inst(scope->packet, type);
    naive_scope given = *scope;
    given.space = NULL;
    for (unsigned pass = 0; pass < 2; pass++) {
        give_args(&given, inst, presets, pass);
        give_args(&given, inst, args, pass);
    }
    const naive_unit *unit = scope->packet->unit;
    for (pk_node a = args; a != 0; a = naive_at(unit, a)->next) {
        const pk_ast_node arg = *naive_at(unit, a);
        if (arg.a != 0 && naive_at(unit, arg.a)->kind != PK_AST_NAME)
            naive_edit(&given, inst, true, arg.a, arg.b);
    }
    return naive_stack_new(scope->packet, inst);
}

/* ---- lists and structs as values ---------------------------------------------------------------
 */

static naive_value node_of(naive_packet *packet, naive_stack *stack, const naive_layer *wanted)
{
    naive_wrap(packet, stack, NULL, wanted);
    return (naive_value){.kind = NAIVE_NODE, .node = stack->first};
}

static naive_value two_way(naive_packet *packet, const naive_layer *type, naive_value number)
{
    naive_inst *inst = naive_new_inst(packet, type);
    inst->scalar = number;
    return (naive_value){.kind = NAIVE_NODE, .node = inst};
}

/* The case of `type` that a word names, in Scapy's spelling too: "message-type". */
naive_layer *naive_case_word(naive_unit *unit, const naive_layer *type, pk_bytes word)
{
    char name[128];
    if (word.len >= sizeof name)
        return NULL;
    for (size_t i = 0; i < word.len; i++)
        name[i] = (char)(word.data[i] == '-' || word.data[i] == ' ' ? '_' : word.data[i]);
    name[word.len] = 0;
    const naive_member *member = naive_member_named(type, naive_atom(unit, name));
    return member != NULL && member->kind == NAIVE_M_CASE ? member->sub : NULL;
}

static const naive_field *key_field(naive_unit *unit, const naive_layer *type)
{
    if (type->n_payloads == 0)
        return NULL;
    pk_node selector = naive_at(unit, type->payloads[0].node)->a;
    const naive_layer *owner;
    pk_atom table;
    const pk_ast_node *key = naive_at(unit, naive_selector(unit, type, selector, &owner, &table));
    const naive_member *member = key->kind == PK_AST_NAME ? naive_member_named(type, key->a) : NULL;
    return member == NULL ? NULL : field_of_slot(type, member->slot);
}

static bool is_number(const naive_unit *unit, pk_node expr)
{
    return naive_at(unit, expr)->kind == PK_AST_INT;
}

/* The values of a tuple as a list: ("SAck", (1, 2, 3, 4)) gives numbers to structs, each taking as
 * many as it has fields. */
static naive_value spread_list(const naive_scope *scope, const naive_field *field, pk_node values)
{
    naive_packet *packet = scope->packet;
    const naive_unit *unit = packet->unit;
    naive_list *list = naive_alloc(packet->arena, 1, sizeof *list);
    list->at = naive_alloc(packet->arena, pk_ast_list_len(unit->ast, values) + 1, sizeof *list->at);
    for (pk_node v = values; v != 0;) {
        if (field->sub == NULL || !is_number(unit, v)) {
            list->at[list->count++] = naive_element(scope, field, v);
            v = naive_at(unit, v)->next;
            continue;
        }
        naive_inst *inst = naive_new_inst(packet, field->sub);
        for (size_t i = 0; v != 0 && naive_field_at(field->sub, i) != NULL; i++) {
            give_position(scope, inst, i, v, (unsigned)i + 1);
            v = naive_at(unit, v)->next;
        }
        list->at[list->count++] = (naive_value){.kind = NAIVE_NODE, .node = inst};
    }
    return (naive_value){.kind = NAIVE_LIST, .list = list};
}

/* ("MSS", 1460), ("Timestamp", (1, 2)), (76, x"00"): a case by name, or by its number. */
static naive_value tuple_element(const naive_scope *scope, const naive_layer *type, pk_node tuple)
{
    naive_packet *packet = scope->packet;
    naive_unit *unit = packet->unit;
    pk_node head = naive_at(unit, tuple)->a;
    const pk_ast_node word = *naive_at(unit, head);
    pk_node values = word.next;
    if (word.kind != PK_AST_STRING) {
        naive_inst *outer = naive_new_inst(packet, type);
        const naive_field *key = key_field(unit, type);
        if (key != NULL)
            give(packet, outer, key->slot, naive_field_expr(scope, outer, key, head), 1);
        naive_stack *stack = naive_stack_new(packet, outer);
        if (values != 0 && !naive_is_none(unit, values))
            naive_attach(packet, stack, naive_stack_value(scope, values));
        return node_of(packet, stack, type);
    }
    const naive_layer *chosen = naive_case_word(unit, type, pk_ast_blob_bytes(unit->ast, word.a));
    if (chosen == NULL) {
        naive_fail(unit, head, "`%s` has no case of that name", naive_text(unit, type->name));
        return naive_undefined();
    }
    naive_inst *inst = naive_new_inst(packet, chosen);
    const naive_field *first = naive_field_at(chosen, 0);
    bool spread = values != 0 && naive_at(unit, values)->kind == PK_AST_TUPLE;
    pk_node v = spread ? naive_at(unit, values)->a : values;
    bool listed =
        first != NULL && first->is_list && v != 0 && naive_at(unit, v)->kind != PK_AST_LIST;
    if (listed)
        give(packet, inst, first->slot, spread_list(scope, first, v), 1);
    for (size_t i = 0; !listed && first != NULL && v != 0; v = naive_at(unit, v)->next, i++)
        give_position(scope, inst, i, v, (unsigned)i + 1);
    return node_of(packet, naive_stack_new(packet, inst), type);
}

/* What a text given to a struct is for: its only text, when nothing stands in it. */
static const naive_field *text_field(const naive_unit *unit, const naive_layer *type)
{
    const naive_field *found = NULL;
    if (type->codec != 0 || type->n_payloads != 0)
        return NULL;
    for (size_t i = 0; i < type->n_fields; i++) {
        const naive_field *field = &type->fields[i];
        if (field->type != NAIVE_OCTETS || field->is_list || field->as_name == 0 ||
            strcmp(naive_text(unit, field->as_name), "text") != 0)
            continue;
        if (found != NULL)
            return NULL;
        found = field;
    }
    return found;
}

/* "5:9" for a struct of numbers is a tuple (5, 9). */
static bool numbers_of_text(naive_packet *packet, const naive_layer *type, pk_bytes text,
                            naive_inst *inst)
{
    size_t position = 0;
    int64_t number = 0;
    if (type->codec != 0 || type->n_payloads != 0 || memchr(text.data, ':', text.len) == NULL)
        return false;
    for (size_t i = 0; i <= text.len; i++) {
        const naive_field *field = naive_field_at(type, position);
        if (i < text.len && text.data[i] >= '0' && text.data[i] <= '9' && number <= UINT32_MAX) {
            number = number * 10 + (text.data[i] - '0');
        } else if ((i < text.len && text.data[i] != ':') || field == NULL) {
            return false;
        } else {
            give(packet, inst, field->slot, naive_int(number), (unsigned)++position);
            number = 0;
        }
    }
    return true;
}

naive_value naive_element(const naive_scope *scope, const naive_field *field, pk_node expr)
{
    naive_packet *packet = scope->packet;
    naive_unit *unit = packet->unit;
    naive_scope inner = *scope;
    inner.space = field->sub;
    inner.hint = field;
    const pk_ast_node n = *naive_at(unit, expr);
    if (field->sub == NULL)
        return naive_coerce(packet, field, scope->hint_inst, naive_eval(&inner, expr));
    naive_scope outside = inner;
    outside.self = NULL;
    if (n.kind == PK_AST_TUPLE)
        return tuple_element(&outside, field->sub, expr);
    if (n.kind == PK_AST_STRING) {
        pk_bytes word = pk_ast_blob_bytes(unit->ast, n.a);
        const naive_layer *chosen = naive_case_word(unit, field->sub, word);
        if (chosen != NULL)
            return node_of(packet, naive_stack_new(packet, naive_new_inst(packet, chosen)),
                           field->sub);
        const naive_field *text = text_field(unit, field->sub);
        if (text != NULL) {
            naive_inst *inst = naive_new_inst(packet, field->sub);
            give(packet, inst, text->slot, naive_field_expr(&outside, inst, text, expr), 1);
            return (naive_value){.kind = NAIVE_NODE, .node = inst};
        }
        naive_inst *numbers = naive_new_inst(packet, field->sub);
        if (numbers_of_text(packet, field->sub, word, numbers))
            return (naive_value){.kind = NAIVE_NODE, .node = numbers};
    }
    if (naive_is_packet(&outside, expr))
        return node_of(packet, naive_stack_expr(&outside, expr), field->sub);
    naive_value value = naive_eval(&inner, expr);
    if (value.kind == NAIVE_INT && field->sub->value != 0)
        return two_way(packet, field->sub, value);
    if (value.kind == NAIVE_STACK)
        return node_of(packet, value.stack, field->sub);
    if (value.kind == NAIVE_INT)
        naive_fail(unit, expr, "`%s` is no number", naive_text(unit, field->sub->name));
    return naive_coerce(packet, field, scope->hint_inst, value);
}

static naive_value list_expr(const naive_scope *scope, const naive_field *field, pk_node expr)
{
    naive_packet *packet = scope->packet;
    const naive_unit *unit = packet->unit;
    const pk_ast_node n = *naive_at(unit, expr);
    pk_node let =
        n.kind == PK_AST_NAME && scope->self == NULL ? naive_global(unit, PK_AST_LET, n.a) : 0;
    const naive_env *env = n.kind == PK_AST_NAME ? naive_env_find(scope->env, n.a) : NULL;
    if (env != NULL && env->expr != 0) {
        naive_scope home = *env->home;
        home.hint = scope->hint;
        home.hint_inst = scope->hint_inst;
        return list_expr(&home, field, env->expr);
    }
    if (env == NULL && let != 0)
        return list_expr(scope, field, naive_at(unit, let)->b);
    if (naive_fuzzed(unit, expr) != 0) {
        naive_value value = list_expr(scope, field, naive_fuzzed(unit, expr));
        uint32_t stream = ++packet->n_random;
        for (size_t i = 0; value.kind == NAIVE_LIST && i < value.list->count; i++)
            if (value.list->at[i].kind == NAIVE_NODE)
                naive_fuzz_mark(packet, value.list->at[i].node, stream);
        return value;
    }
    naive_list *list = naive_alloc(packet->arena, 1, sizeof *list);
    if (n.kind == PK_AST_LIST) {
        list->at =
            naive_alloc(packet->arena, pk_ast_list_len(unit->ast, n.a) + 1, sizeof *list->at);
        for (pk_node e = n.a; e != 0; e = naive_at(unit, e)->next)
            list->at[list->count++] = naive_element(scope, field, e);
        return (naive_value){.kind = NAIVE_LIST, .list = list};
    }
    bool octets = naive_is_octets(unit, expr) || n.kind == PK_AST_BITS;
    naive_value value = octets ? naive_eval(scope, expr) : naive_element(scope, field, expr);
    if (value.kind == NAIVE_LIST)
        return value;
    if (value.kind == NAIVE_BYTES && (octets || field->sub != NULL))
        value.kind = NAIVE_RAW;
    if (value.kind == NAIVE_RAW || value.kind == NAIVE_UNDEFINED)
        return value;
    list->at = naive_alloc(packet->arena, 1, sizeof *list->at);
    list->at[list->count++] = value;
    return (naive_value){.kind = NAIVE_LIST, .list = list};
}

static bool known_name(const naive_scope *scope, pk_node expr)
{
    const naive_unit *unit = scope->packet->unit;
    const pk_ast_node *n = naive_at(unit, expr);
    return n->kind != PK_AST_NAME || scope->self != NULL ||
           naive_env_find(scope->env, n->a) != NULL || naive_global(unit, PK_AST_LET, n->a) != 0 ||
           naive_global(unit, PK_AST_PARAM, n->a) != 0;
}

naive_value naive_field_expr(const naive_scope *scope, naive_inst *inst, const naive_field *field,
                             pk_node expr)
{
    naive_packet *packet = scope->packet;
    naive_scope inner = *scope;
    inner.hint = field;
    inner.hint_inst = inst;
    inner.space = field->sub;
    if (field->is_list)
        return list_expr(&inner, field, expr);
    if (field->type == NAIVE_STRUCT)
        return naive_element(&inner, field, expr);
    naive_value value = naive_coerce(packet, field, inst, naive_eval(&inner, expr));
    if (value.kind == NAIVE_UNDEFINED && !known_name(&inner, expr))
        naive_fail(packet->unit, expr, "`%s` is no value of `%s`",
                   naive_text(packet->unit, naive_at(packet->unit, expr)->a),
                   naive_text(packet->unit, field->name));
    return value;
}
