#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum { NODES_LIMIT = 1 << 20, FIRST_NODES = 64 };

/* ---- making nodes ---------------------------------------------------------------------------- */

static bool make_room(pk_vm *vm, void **array, uint32_t *cap, uint64_t need, size_t size)
{
    if (need <= *cap)
        return true;
    uint64_t wanted = *cap ? (uint64_t)*cap * 2 : FIRST_NODES;
    while (wanted < need)
        wanted *= 2;
    void *grown = wanted > UINT32_MAX ? NULL : realloc(*array, (size_t)wanted * size);
    if (!grown) {
        pk_vm_fail(vm, PK_ENOMEM, 0, "out of memory");
        return false;
    }
    *array = grown;
    *cap = (uint32_t)wanted;
    return true;
}

static uint32_t new_node(pk_vm *vm, vm_node_kind kind, uint32_t up, vm_role role)
{
    if (vm->n_nodes >= NODES_LIMIT) {
        pk_vm_fail(vm, PK_ELIMIT, 0, "too many elements in a packet (limit %d)", NODES_LIMIT);
        return 0;
    }
    if (!make_room(vm, (void **)&vm->nodes, &vm->cap_nodes, (uint64_t)vm->n_nodes + 1,
                   sizeof *vm->nodes))
        return 0;
    vm->nodes[vm->n_nodes] =
        (vm_node){.kind = (uint8_t)kind, .role = (uint8_t)role, .up = up, .pay = VM_NO_ITEM};
    return vm->n_nodes++;
}

uint32_t pk_vm_new_instance(pk_vm *vm, pk_ref layer, uint32_t up, vm_role role)
{
    const pk_image_layer *at = pk_vm_layer(vm, layer);
    if (vm->n_instances >= PK_VM_INSTANCES_LIMIT) {
        pk_vm_fail(vm, PK_ELIMIT, 0, "too many instances in a packet (limit %d)",
                   PK_VM_INSTANCES_LIMIT);
        return 0;
    }
    if (!make_room(vm, (void **)&vm->slots, &vm->cap_slots, (uint64_t)vm->n_slots + at->n_slots,
                   sizeof *vm->slots) ||
        !make_room(vm, (void **)&vm->items, &vm->cap_items, (uint64_t)vm->n_items + at->n_items, 1))
        return 0;
    uint32_t node = new_node(vm, VM_IS_INSTANCE, up, role);
    if (!node)
        return 0;
    vm->nodes[node].layer = layer;
    vm->nodes[node].slots = vm->n_slots;
    vm->nodes[node].items = vm->n_items;
    if (at->n_slots)
        memset(vm->slots + vm->n_slots, 0, at->n_slots * sizeof *vm->slots);
    if (at->n_items)
        memset(vm->items + vm->n_items, 0, at->n_items);
    vm->n_slots += at->n_slots;
    vm->n_items += at->n_items;
    vm->n_instances++;
    return node;
}

uint32_t pk_vm_new_list(pk_vm *vm, pk_ref field, uint32_t up, vm_role role)
{
    uint32_t node = new_node(vm, VM_IS_LIST, up, role);
    if (node)
        vm->nodes[node].field = field;
    return node;
}

uint32_t pk_vm_new_leaf(pk_vm *vm, pk_ref expr, uint32_t up, vm_role role)
{
    uint32_t node = new_node(vm, VM_IS_LEAF, up, role);
    if (node)
        vm->nodes[node].expr = expr;
    return node;
}

void pk_vm_append(pk_vm *vm, uint32_t list, uint32_t node)
{
    vm_node *at = &vm->nodes[list];
    if (at->last)
        vm->nodes[at->last].next = node;
    else
        at->first = node;
    at->last = node;
    at->count++;
}

/* ---- from the plan --------------------------------------------------------------------------- */

/* The key of a fuzzed plan's instance, which is `index` of `field` (0: the payload) of `owner`. */
static uint32_t fuzz_key(const pk_vm *vm, const pk_image_plan *plan, uint32_t owner, pk_ref field,
                         uint32_t index)
{
    uint32_t outer = vm->nodes[owner].fuzz ? vm->nodes[owner].fuzz : plan->stream;
    uint32_t place = field ? vm->image->fields[field].slot + 1u : 0;
    return plan->flags & PK_PLAN_FUZZ ? pk_vm_fuzz_key(outer, place, index) : 0;
}

/* One part of a list or payload: an instance, or a value of the list's element type. */
static bool add_part(pk_vm *vm, uint32_t list, const pk_image_plan *plan, pk_ref ref, vm_role role)
{
    pk_ref field = vm->nodes[list].field;
    bool structs = field && vm->image->fields[field].type == PK_TYPE_STRUCT;
    uint32_t node;
    if (plan->kind == PK_PLAN_INSTANCE)
        node = pk_vm_new_instance(vm, plan->ref, list, role);
    else if (structs)
        node = pk_vm_new_instance(vm, vm->image->fields[field].sub, list, role);
    else
        node = pk_vm_new_leaf(vm, plan->ref, list, role);
    if (!node)
        return false;
    vm_node *at = &vm->nodes[node];
    at->field = field;
    at->flags |= VM_NODE_EXPLICIT;
    if (plan->kind == PK_PLAN_INSTANCE) {
        at->plan = ref;
        at->fuzz = fuzz_key(vm, plan, vm->nodes[list].up, field, vm->nodes[list].count);
    } else {
        at->expr = plan->ref;
    }
    pk_vm_append(vm, list, node);
    return true;
}

static bool add_chain(pk_vm *vm, uint32_t list, pk_ref plan, vm_role role)
{
    for (; plan; plan = vm->image->plans[plan].next)
        if (!add_part(vm, list, &vm->image->plans[plan], plan, role))
            return false;
    return true;
}

static bool give_leftover(pk_vm *vm, uint32_t instance, const pk_image_given *given)
{
    bool cut = given->kind == PK_GIVEN_CUT;
    uint32_t leaf = pk_vm_new_leaf(vm, given->ref, instance, cut ? VM_CUT : VM_REST);
    if (!leaf)
        return false;
    vm->nodes[leaf].window = given->slot;
    vm->nodes[leaf].lo = given->lo;
    vm->nodes[leaf].flags |= VM_NODE_EXPLICIT | VM_NODE_RAW;
    vm->nodes[leaf].next = vm->nodes[instance].leftover;
    vm->nodes[instance].leftover = leaf;
    if (cut)
        vm->nodes[instance].flags |= VM_NODE_ENDS;
    return true;
}

/* A list given as bytes is one leaf that is written as it stands. */
uint32_t pk_vm_child_of_value(pk_vm *vm, uint32_t instance, pk_ref field, pk_ref expr)
{
    if (vm->image->fields[field].list) {
        uint32_t list = pk_vm_new_list(vm, field, instance, VM_FIELD);
        uint32_t leaf = list ? pk_vm_new_leaf(vm, expr, list, VM_ELEMENT) : 0;
        if (!leaf)
            return 0;
        vm->nodes[leaf].field = field;
        vm->nodes[leaf].flags |= VM_NODE_EXPLICIT | VM_NODE_RAW;
        pk_vm_append(vm, list, leaf);
        return list;
    }
    uint32_t node = pk_vm_new_instance(vm, vm->image->fields[field].sub, instance, VM_FIELD);
    if (node)
        vm->nodes[node].expr = expr;
    return node;
}

static uint32_t child_of_plan(pk_vm *vm, uint32_t instance, pk_ref field,
                              const pk_image_given *given)
{
    if (given->kind == PK_GIVEN_LIST) {
        uint32_t list = pk_vm_new_list(vm, field, instance, VM_FIELD);
        return list && add_chain(vm, list, given->ref, VM_ELEMENT) ? list : 0;
    }
    const pk_image_plan *plan = &vm->image->plans[given->ref];
    if (plan->kind != PK_PLAN_INSTANCE) {
        pk_vm_fail(vm, PK_EFORMAT, given->lo, "a struct field takes an instance");
        return 0;
    }
    uint32_t node = pk_vm_new_instance(vm, plan->ref, instance, VM_FIELD);
    if (node) {
        vm->nodes[node].plan = given->ref;
        vm->nodes[node].fuzz = fuzz_key(vm, plan, instance, field, 0);
    }
    return node;
}

static bool composite(const pk_image_field *field)
{
    return field->list || field->type == PK_TYPE_STRUCT;
}

/* The field record of the slot that what is given suits best. */
static pk_ref field_for(const pk_vm *vm, pk_ref layer, const pk_image_given *given)
{
    pk_ref first = vm->slot_field[vm->slot_base[layer] + given->slot], field = first;
    bool list = given->kind == PK_GIVEN_LIST, node = given->kind == PK_GIVEN_NODE;
    for (; field; field = vm->same_slot[field]) {
        const pk_image_field *at = &vm->image->fields[field];
        if (list ? at->list != 0 : node ? at->type == PK_TYPE_STRUCT && !at->list : true)
            return field;
    }
    return first;
}

static bool give(pk_vm *vm, uint32_t instance, const pk_image_given *given)
{
    pk_ref layer = vm->nodes[instance].layer;
    const pk_image_layer *at = pk_vm_layer(vm, layer);
    if (given->kind == PK_GIVEN_CUT || given->kind == PK_GIVEN_REST)
        return give_leftover(vm, instance, given);
    if (given->slot >= at->n_slots) { /* `value` of a two-way scalar */
        vm->nodes[instance].expr = given->kind == PK_GIVEN_VALUE ? given->ref : 0;
        return true;
    }
    pk_ref field = field_for(vm, layer, given);
    uint32_t child = 0;
    bool plan = given->kind == PK_GIVEN_LIST || given->kind == PK_GIVEN_NODE;
    /* Which of several fields of a name takes a value is known when it is known what is present. */
    if (plan || (composite(&vm->image->fields[field]) && !vm->same_slot[field])) {
        child = plan ? child_of_plan(vm, instance, field, given)
                     : pk_vm_child_of_value(vm, instance, field, given->ref);
        if (!child)
            return false;
        vm->nodes[child].slot = (uint16_t)given->slot;
        vm->nodes[child].field = field;
        vm->nodes[child].lo = given->lo;
        vm->nodes[child].flags |= VM_NODE_EXPLICIT;
    }
    vm_slot *slot = &vm->slots[vm->nodes[instance].slots + given->slot];
    slot->given = (uint8_t)(1 + given->kind);
    slot->ref = given->ref;
    slot->lo = given->lo;
    slot->child = child;
    return true;
}

/* ---- what a layer imposes on those below ----------------------------------------------------- */

static const pk_image_bind *bind_on(const pk_vm *vm, pk_ref upper, pk_ref lower)
{
    const pk_image_layer *at = pk_vm_layer(vm, upper);
    for (uint32_t i = 0; i < at->n_binds; i++)
        if (vm->image->binds[at->binds + i].lower == lower)
            return &vm->image->binds[at->binds + i];
    return NULL;
}

static uint32_t below(const pk_vm *vm, uint32_t instance)
{
    if (vm->nodes[instance].role != VM_PAYLOAD)
        return 0;
    return vm->nodes[vm->nodes[instance].up].up;
}

/* The slot that a selector is, when it is just a field. */
static bool plain_selector(const pk_vm *vm, pk_ref expr, uint32_t *ret_slot)
{
    const pk_image_expr *at = &vm->image->exprs[expr];
    const pk_insn *code = vm->image->code + at->start;
    if (!expr || at->count != 2 || code[0].op != PK_OPC_SLOT || code[1].op != PK_OPC_RET)
        return false;
    *ret_slot = code[0].d;
    return true;
}

static bool key_in_table(const pk_vm *vm, pk_ref table, pk_ref upper, uint64_t *ret_key)
{
    const pk_image_table *at = &vm->image->tables[table];
    for (uint32_t i = 0; i < at->n_keys; i++) {
        const pk_image_key *key = &vm->image->keys[at->keys + i];
        if (key->layer == upper) {
            *ret_key = key->lo;
            return true;
        }
    }
    return false;
}

bool pk_vm_table_key(const pk_vm *vm, pk_ref lower, pk_ref upper, uint32_t *ret_slot,
                     uint64_t *ret_key)
{
    const pk_image_layer *layer = pk_vm_layer(vm, lower);
    for (uint32_t i = 0; i < layer->n_items; i++) {
        const pk_insn *insn = &vm->image->code[layer->items + i];
        if (insn->op != PK_OPC_PAY)
            continue;
        const pk_image_payload *payload = &vm->image->payloads[insn->d];
        for (uint32_t k = 0; k < payload->n_selectors; k++) {
            const pk_image_selector *selector = &vm->image->selectors[payload->selectors + k];
            if (key_in_table(vm, selector->table, upper, ret_key))
                return plain_selector(vm, selector->key, ret_slot);
        }
    }
    return false;
}

static void impose_key(pk_vm *vm, uint32_t lower, pk_ref upper)
{
    uint32_t slot;
    uint64_t key;
    pk_ref layer = vm->nodes[lower].layer;
    if (!pk_vm_table_key(vm, layer, upper, &slot, &key) || slot >= pk_vm_layer(vm, layer)->n_slots)
        return;
    vm_slot *at = &vm->slots[vm->nodes[lower].slots + slot];
    if (!at->imposed && !at->keyed) {
        at->keyed = true;
        at->key = key;
    }
}

/* Only what stands first on a layer speaks for its payload. */
void pk_vm_impose(pk_vm *vm, uint32_t instance)
{
    const vm_node *list = &vm->nodes[vm->nodes[instance].up];
    uint32_t lower = list->first == instance ? below(vm, instance) : 0;
    const pk_image_bind *bind =
        lower ? bind_on(vm, vm->nodes[instance].layer, vm->nodes[lower].layer) : NULL;
    if (lower && !bind)
        impose_key(vm, lower, vm->nodes[instance].layer);
    for (uint32_t i = 0; bind && i < bind->n_impositions; i++) {
        const pk_image_imposition *what = &vm->image->impositions[bind->impositions + i];
        uint32_t target = lower;
        for (uint32_t depth = what->depth; depth > 0 && target; depth--)
            target = below(vm, target);
        if (!target || vm->nodes[target].layer != what->layer ||
            what->slot >= pk_vm_layer(vm, what->layer)->n_slots)
            continue;
        vm_slot *slot = &vm->slots[vm->nodes[target].slots + what->slot];
        if (!slot->imposed && !slot->keyed)
            slot->imposed = what->value;
    }
}

static bool fill_in(pk_vm *vm, uint32_t instance)
{
    const pk_image_plan plan = vm->image->plans[vm->nodes[instance].plan];
    if (plan.flags & PK_PLAN_FIELDS_END)
        vm->nodes[instance].flags |= VM_NODE_ENDS;
    for (uint32_t i = 0; i < plan.n_givens; i++)
        if (!give(vm, instance, &vm->image->givens[plan.givens + i]))
            return false;
    if (plan.payload) {
        uint32_t list = pk_vm_new_list(vm, 0, instance, VM_PAYLOAD);
        if (!list)
            return false;
        vm->nodes[instance].payload = list;
        if (!add_chain(vm, list, plan.payload, VM_PAYLOAD))
            return false;
    }
    pk_vm_impose(vm, instance);
    return true;
}

/* The stack as the payload of a link layer that nobody described: all its fields are defaults. */
static bool add_on_link(pk_vm *vm, pk_ref plan)
{
    uint32_t link = pk_vm_new_instance(vm, vm->link, 0, VM_OUTERMOST);
    uint32_t list = link ? pk_vm_new_list(vm, 0, link, VM_PAYLOAD) : 0;
    if (!list)
        return false;
    pk_vm_append(vm, 0, link);
    vm->nodes[link].payload = list;
    return add_chain(vm, list, plan, VM_PAYLOAD);
}

static bool fill_in_from(pk_vm *vm, uint32_t node)
{
    for (; node < vm->n_nodes; node++)
        if (vm->nodes[node].kind == VM_IS_INSTANCE && vm->nodes[node].plan && !fill_in(vm, node))
            return false;
    return true;
}

/* Instances are filled in the order of their making, so outer ones before what they hold. */
bool pk_vm_plan_build(pk_vm *vm, pk_ref plan)
{
    vm->n_nodes = vm->n_slots = vm->n_items = vm->n_instances = vm->alone = 0;
    (void)new_node(vm, VM_IS_ROOT, 0, VM_OUTERMOST);
    if (vm->failed || !(vm->link ? add_on_link(vm, plan) : add_chain(vm, 0, plan, VM_OUTERMOST)))
        return false;
    return fill_in_from(vm, 1);
}

/* What stands alone in a packet of one part is that part. */
static uint32_t whole_of(const pk_vm *vm, uint32_t list)
{
    uint32_t first = vm->nodes[list].first;
    return vm->nodes[list].count == 1 ? first : list;
}

static uint32_t alone(pk_vm *vm, pk_ref plan)
{
    for (uint32_t at = vm->alone; at; at = vm->nodes[at].next)
        if (vm->nodes[at].plan == plan)
            return whole_of(vm, at);
    uint32_t list = pk_vm_new_list(vm, 0, 0, VM_OUTERMOST);
    if (!list)
        return 0;
    vm->nodes[list].plan = plan;
    vm->nodes[list].next = vm->alone;
    vm->alone = list;
    bool made = add_chain(vm, list, plan, VM_OUTERMOST) && fill_in_from(vm, list + 1);
    return made ? whole_of(vm, list) : 0;
}

int pk_vm_packet(pk_vm *vm, pk_ref plan, pk_value *ret_value)
{
    uint32_t node = vm->building ? alone(vm, plan) : 0;
    *ret_value = node ? pk_vm_node_value(0, node) : pk_value_undefined();
    return vm->failed ? VM_PUSHED : VM_READY;
}

uint32_t pk_vm_child_of_default(pk_vm *vm, uint32_t instance, pk_ref field)
{
    const pk_image_expr *expr = &vm->image->exprs[vm->image->fields[field].init];
    const pk_insn *insn = vm->image->code + expr->start;
    uint32_t from = vm->n_nodes;
    if (expr->count != 2 || insn->op != PK_OPC_PACKET)
        return 0;
    bool list = vm->image->fields[field].list != 0;
    const pk_image_given given = {.kind = list ? PK_GIVEN_LIST : PK_GIVEN_NODE, .ref = insn->d};
    uint32_t child = child_of_plan(vm, instance, field, &given);
    return child && fill_in_from(vm, from) ? child : 0;
}
