/* set(p, path=value): values for what a packet that is described holds already. */
#include "internal.h"

#include <string.h>

/* What stands on an instance, else what is beside it. */
static naive_inst *above(const naive_inst *inst)
{
    return inst->payload != NULL ? inst->payload : inst->sibling;
}

static naive_inst *nth(naive_inst *first, const naive_layer *type, int64_t n)
{
    int64_t count = 0;
    for (naive_inst *i = first; i != NULL; i = above(i))
        count += i->type == type;
    n = n < 0 ? count + n + 1 : n;
    for (naive_inst *i = first; i != NULL; i = above(i)) {
        if (i->type == type && --n == 0)
            return i;
    }
    return NULL;
}

static bool has_field(const naive_inst *inst, pk_atom name)
{
    const naive_member *member = inst->type == NULL ? NULL : naive_member_named(inst->type, name);
    return member != NULL && member->kind == NAIVE_M_FIELD;
}

/* The element that the next step means: by number, or the first that has the name. */
static naive_inst *element(naive_value value, const naive_member *member, int64_t index)
{
    size_t n = value.kind == NAIVE_LIST ? value.list->count : 0;
    if (value.kind == NAIVE_NODE)
        return value.node;
    for (size_t i = 0; i < n; i++) {
        naive_inst *node = value.list->at[i].node;
        bool is_case = member == NULL || member->kind != NAIVE_M_CASE ||
                       (node->payload != NULL && node->payload->type == member->sub);
        if (index >= 0 ? (int64_t)i == index : is_case)
            return node;
    }
    return NULL;
}

/* The instance that a path without its last step means. */
static naive_inst *target(const naive_scope *scope, naive_inst *first, bool inside, pk_node path)
{
    const naive_unit *unit = scope->packet->unit;
    const pk_ast_node n = *naive_at(unit, path);
    int64_t number = -1;
    if (n.kind == PK_AST_NAME) {
        const naive_layer *type = inside ? NULL : naive_layer_named(unit, n.a);
        const naive_member *member = inside ? naive_member_named(first->type, n.a) : NULL;
        if (type != NULL)
            return nth(first, type, 1);
        return member == NULL ? NULL : element(first->slots[member->slot].given, NULL, -1);
    }
    if (n.kind == PK_AST_NTH) {
        (void)naive_number(scope->packet, naive_eval(scope, n.b), &number);
        return nth(first, naive_layer_named(unit, naive_at(unit, n.a)->a), number);
    }
    /* A field, its element, or a case of what the rest of the path means. */
    const pk_ast_node list = *naive_at(unit, n.kind == PK_AST_INDEX ? n.a : path);
    bool bare = list.kind == PK_AST_NAME;
    naive_inst *owner = bare ? first : target(scope, first, inside, list.a);
    const naive_member *member =
        owner == NULL ? NULL : naive_member_named(owner->type, bare ? list.a : list.b);
    if (n.kind == PK_AST_INDEX)
        (void)naive_number(scope->packet, naive_eval(scope, n.b), &number);
    if (member == NULL)
        return NULL;
    return member->kind == NAIVE_M_CASE ? owner->payload
                                        : element(owner->slots[member->slot].given, NULL, number);
}

/* options.mss.mss: of the list `options` the element that is an mss. */
static naive_inst *case_of(const naive_scope *scope, naive_inst *first, bool inside, pk_node path)
{
    const naive_unit *unit = scope->packet->unit;
    const pk_ast_node n = *naive_at(unit, path);
    if (n.kind != PK_AST_MEMBER || naive_at(unit, n.a)->kind == PK_AST_INDEX)
        return target(scope, first, inside, path);
    const pk_ast_node list = *naive_at(unit, n.a);
    naive_inst *owner = list.kind == PK_AST_MEMBER ? target(scope, first, inside, list.a)
                        : inside                   ? first
                                                   : NULL;
    const naive_member *member =
        owner == NULL
            ? NULL
            : naive_member_named(owner->type, list.kind == PK_AST_MEMBER ? list.b : list.a);
    if (member == NULL || member->kind != NAIVE_M_FIELD ||
        owner->slots[member->slot].given.kind != NAIVE_LIST)
        return target(scope, first, inside, path);
    naive_value given = owner->slots[member->slot].given;
    for (size_t i = 0; i < given.list->count; i++) {
        naive_inst *node = given.list->at[i].node;
        const naive_member *named = naive_member_named(node->type, n.b);
        if (named != NULL && named->kind == NAIVE_M_CASE && node->payload != NULL &&
            node->payload->type == named->sub)
            return node->payload;
    }
    return NULL;
}

void naive_edit(const naive_scope *scope, naive_inst *first, bool inside, pk_node path,
                pk_node value)
{
    naive_unit *unit = scope->packet->unit;
    const pk_ast_node n = *naive_at(unit, path);
    pk_atom name = n.kind == PK_AST_MEMBER ? n.b : n.a;
    naive_inst *inst = NULL;
    if (n.kind == PK_AST_MEMBER)
        inst = case_of(scope, first, inside, n.a);
    for (naive_inst *i = first; n.kind == PK_AST_NAME && i != NULL && inst == NULL; i = above(i))
        inst = has_field(i, name) ? i : NULL;
    if (inst == NULL || !has_field(inst, name)) {
        naive_fail(unit, path, "this is not written in the packet");
        return;
    }
    naive_slot *slot = &inst->slots[naive_member_named(inst->type, name)->slot];
    slot->is_given = false;
    slot->state = NAIVE_UNSET;
    naive_give(scope, inst, name, value);
}

naive_stack *naive_set(const naive_scope *scope, pk_node args)
{
    naive_packet *packet = scope->packet;
    naive_stack *stack = naive_stack_expr(scope, naive_at(packet->unit, args)->b);
    naive_wrap(packet, stack, NULL, NULL);
    for (pk_node a = naive_at(packet->unit, args)->next; a != 0;
         a = naive_at(packet->unit, a)->next)
        naive_edit(scope, stack->first, false, naive_at(packet->unit, a)->a,
                   naive_at(packet->unit, a)->b);
    return stack;
}
