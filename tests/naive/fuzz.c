/* fuzz(..): random values in place of constant defaults, written from IMAGE.md's description. */
#include "internal.h"

#include <string.h>

#include "base/rng.h"

enum { FOR_CASE = 0x40000000, WAYS = 1024 };

/* ---- keys --------------------------------------------------------------------------------------
 */

/* How many parts of the payload stand before this one. */
static uint32_t index_of(const naive_packet *packet, const naive_inst *inst)
{
    uint32_t index = 0;
    const naive_inst *first = inst->owner != NULL ? inst->owner->payload : packet->root;
    if (inst->role == NAIVE_MEMBER)
        return (uint32_t)inst->index;
    for (const naive_inst *i = first; i != NULL && i != inst; i = i->sibling)
        index++;
    return index;
}

/* Fields count from 1 in the order of their declaration; here parameters count among them. */
static uint32_t place_of(const naive_layer *type, unsigned slot)
{
    uint32_t place = slot + 1;
    for (size_t i = 0; i < type->n_members; i++)
        place -= type->members[i].kind == NAIVE_M_PARAM && type->members[i].slot < slot;
    return place;
}

static uint32_t mix(uint32_t key, uint32_t place, uint32_t index)
{
    uint32_t mixed = (uint32_t)pk_rng_u64(key, place, index);
    return mixed != 0 ? mixed : 1;
}

uint32_t naive_fuzz_key(const naive_packet *packet, const naive_inst *inst)
{
    if (inst == NULL || inst->fuzz == 0)
        return 0;
    const naive_inst *owner = inst->owner;
    uint32_t index = index_of(packet, inst);
    while (inst->role == NAIVE_PAYLOAD && owner != NULL && owner->type == NULL) {
        index += index_of(packet, owner) + 1; /* what stands on bytes lies behind them */
        owner = owner->owner;
    }
    uint32_t outer = naive_fuzz_key(packet, owner);
    uint32_t place = inst->role == NAIVE_MEMBER ? place_of(owner->type, inst->slot) : 0;
    return mix(outer != 0 ? outer : inst->fuzz, place, index);
}

static uint64_t stream_of(uint32_t key, uint32_t what)
{
    return (uint64_t)key << 32 | what;
}

static uint32_t below(const naive_packet *packet, uint32_t key, uint32_t what, uint32_t n)
{
    return (uint32_t)pk_rng_below(packet->seed, packet->index, stream_of(key, what), n);
}

/* ---- which instances and fields ----------------------------------------------------------------
 */

static void mark_value(naive_packet *packet, naive_value value, uint32_t stream)
{
    size_t n = value.kind == NAIVE_LIST ? value.list->count : 1;
    for (size_t i = 0; i < n; i++) {
        naive_value v = value.kind == NAIVE_LIST ? value.list->at[i] : value;
        if (v.kind == NAIVE_NODE)
            naive_fuzz_mark(packet, v.node, stream);
    }
}

void naive_fuzz_mark(naive_packet *packet, naive_inst *first, uint32_t stream)
{
    for (naive_inst *inst = first; inst != NULL; inst = inst->sibling) {
        if (inst->lower != NULL)
            naive_fuzz_mark(packet, inst->lower, stream);
        if (inst->type == NULL || inst->fuzz != 0)
            continue;
        inst->fuzz = stream;
        for (unsigned slot = 0; slot < inst->type->n_slots; slot++) {
            inst->slots[slot].state = NAIVE_UNSET; /* what was asked before was another's value */
            if (inst->slots[slot].is_given)
                mark_value(packet, inst->slots[slot].given, stream);
        }
        naive_fuzz_mark(packet, inst->payload, stream);
    }
}

/* Whether an expression has the same value in every packet: it names nothing but enumerators. */
static bool is_constant(const naive_packet *packet, const naive_field *field, pk_node expr)
{
    static const char *const pure[] = {"zeros", "fill", "min", "max", "u8", "u16", "u32", NULL};
    const naive_unit *unit = packet->unit;
    const pk_ast_node n = *naive_at(unit, expr);
    const naive_member *member;
    const char *name = "";
    switch ((pk_ast_kind)n.kind) {
    case PK_AST_NAME:
        member = naive_member_named(field->layer, n.a);
        return field->as_name != 0 && (member == NULL || member->kind == NAIVE_M_CASE);
    case PK_AST_UNARY:
        return is_constant(packet, field, n.b);
    case PK_AST_BINARY:
        return is_constant(packet, field, n.b) && is_constant(packet, field, n.c);
    case PK_AST_LIST:
        for (pk_node e = n.a; e != 0; e = naive_at(unit, e)->next)
            if (!is_constant(packet, field, e))
                return false;
        return true;
    case PK_AST_CALL:
        name = naive_at(unit, n.a)->kind == PK_AST_NAME ? naive_text(unit, naive_at(unit, n.a)->a)
                                                        : "";
        for (size_t i = 0; pure[i] != NULL; i++)
            if (strcmp(name, pure[i]) == 0)
                return is_constant(packet, field, naive_at(unit, n.b)->b);
        return false;
    case PK_AST_COND:
    case PK_AST_MEMBER:
    case PK_AST_INDEX:
    case PK_AST_SLICE:
        return false;
    default:
        return true;
    }
}

bool naive_fuzzes(const naive_packet *packet, const naive_inst *inst, const naive_field *field)
{
    bool anonymous = strcmp(naive_text(packet->unit, field->name), "_") == 0;
    return inst->fuzz != 0 && !anonymous &&
           (field->init == 0 || is_constant(packet, field, field->init));
}

/* ---- values ------------------------------------------------------------------------------------
 */

static naive_value octets(naive_packet *packet, uint32_t key, uint32_t what, size_t len)
{
    uint8_t *data = naive_alloc(packet->arena, len + 1, 1);
    pk_rng_bytes(packet->seed, packet->index, stream_of(key, what), data, len);
    return naive_bytes(data, len);
}

static naive_value scalar(naive_packet *packet, const naive_field *field, unsigned bits,
                          uint32_t key, uint32_t what)
{
    uint64_t drawn = pk_rng_u64(packet->seed, packet->index, stream_of(key, what));
    if (field->type == NAIVE_ULEB || field->type == NAIVE_UVLQ)
        return naive_int((int64_t)(drawn & 0xffffffff));
    if (field->type == NAIVE_OCTETS && (!field->address || field->bits == 128))
        return octets(packet, key, what, field->bits / 8);
    if (bits < 64)
        drawn &= ((uint64_t)1 << bits) - 1;
    if (field->type == NAIVE_SINT && bits > 0 && bits < 64 && drawn >> (bits - 1) != 0)
        drawn |= UINT64_MAX << bits;
    if (field->type != NAIVE_OCTETS)
        return naive_int((int64_t)drawn);
    uint8_t data[8];
    for (unsigned i = 0; i < bits / 8; i++)
        data[i] = (uint8_t)(drawn >> (bits - 8 - 8 * i));
    return naive_copy(packet, data, bits / 8);
}

static bool mentions(const naive_unit *unit, pk_node expr, pk_atom name)
{
    const pk_ast_node n = *naive_at(unit, expr);
    switch ((pk_ast_kind)n.kind) {
    case PK_AST_NAME:
        return n.a == name;
    case PK_AST_UNARY:
        return mentions(unit, n.b, name);
    case PK_AST_BINARY:
        return mentions(unit, n.b, name) || mentions(unit, n.c, name);
    case PK_AST_COND:
        return mentions(unit, n.a, name) || mentions(unit, n.b, name) || mentions(unit, n.c, name);
    case PK_AST_CALL:
        for (pk_node a = n.b; a != 0; a = naive_at(unit, a)->next)
            if (mentions(unit, naive_at(unit, a)->b, name) &&
                strcmp(naive_text(unit, naive_at(unit, n.a)->a), "has") != 0)
                return true;
        return false;
    default:
        return false;
    }
}

/* Whether the length of bytes is in a field that nobody gave and that is computed from them. */
static bool sizes_itself(const naive_packet *packet, const naive_inst *inst,
                         const naive_field *field)
{
    bool found = false;
    for (size_t i = 0; i < inst->type->n_fields && field->width != 0; i++) {
        const naive_field *other = &inst->type->fields[i];
        found = found || (!inst->slots[other->slot].is_given && other->init != 0 &&
                          mentions(packet->unit, field->width, other->name) &&
                          mentions(packet->unit, other->init, field->name));
    }
    return found;
}

static naive_value bytes_of_field(naive_packet *packet, naive_inst *inst, const naive_field *field,
                                  uint32_t key)
{
    int64_t length = 0;
    uint32_t place = place_of(inst->type, field->slot);
    naive_scope scope = {.packet = packet, .self = inst, .item = field->node};
    bool any = field->width == 0 || sizes_itself(packet, inst, field);
    naive_value size = any ? naive_undefined() : naive_eval(&scope, field->width);
    if (field->bits != 0)
        length = field->bits / 8;
    else if (any || !naive_number(packet, size, &length))
        length = below(packet, key, 0x7fffffffU + place, 17);
    if (length > 1024)
        length = 1024;
    return octets(packet, key, place, length < 0 ? 0 : (size_t)length);
}

static unsigned depth_of(const naive_inst *inst)
{
    unsigned depth = 0;
    for (; inst != NULL && inst->type != NULL && inst->type->kind != NAIVE_IS_LAYER;
         inst = inst->owner)
        depth += inst->role == NAIVE_MEMBER;
    return depth;
}

/* The keys of a struct's cases in ascending order. */
static size_t cases_of(naive_unit *unit, const naive_layer *type, const naive_key *ret_keys[WAYS])
{
    size_t n = 0;
    if (type->kind == NAIVE_IS_LAYER || type->n_payloads == 0)
        return 0;
    const naive_layer *owner;
    pk_atom table;
    pk_node selector = naive_at(unit, type->payloads[0].node)->a;
    if (selector == 0)
        return 0;
    (void)naive_selector(unit, type, selector, &owner, &table);
    for (size_t i = 0; i < unit->n_keys && owner == type && n < WAYS; i++) {
        const naive_key *key = &unit->keys[i];
        if (key->owner != owner || key->name != table)
            continue;
        size_t at = n++;
        for (; at > 0 && ret_keys[at - 1]->lo[0] > key->lo[0]; at--)
            ret_keys[at] = ret_keys[at - 1];
        ret_keys[at] = key;
    }
    return n;
}

/* A struct: its number when it is a two-way integer, else of one of its cases or none. */
static naive_value structure(naive_packet *packet, naive_inst *owner, const naive_field *field,
                             size_t index)
{
    const naive_key *keys[WAYS];
    naive_inst *inst = naive_sub_inst(packet, owner, field, NULL);
    naive_value value = {.kind = NAIVE_NODE, .node = inst};
    inst->index = index;
    inst->fuzz = 1; /* the owner's key counts */
    uint32_t key = naive_fuzz_key(packet, inst);
    if (field->sub->value != 0) {
        uint64_t drawn = pk_rng_u64(packet->seed, packet->index, stream_of(key, 1));
        inst->fuzz = 0;
        inst->scalar = naive_int((int64_t)(drawn & 0xff));
        return value;
    }
    if (depth_of(inst) > 3) {
        inst->fuzz = 0;
        return value;
    }
    size_t n = cases_of(packet->unit, field->sub, keys);
    uint32_t chosen = below(packet, key, FOR_CASE, (uint32_t)n + 1);
    if (chosen < n) {
        naive_inst *upper = naive_new_inst(packet, keys[chosen]->target);
        upper->owner = inst;
        upper->role = NAIVE_PAYLOAD;
        upper->fuzz = 1;
        inst->payload = upper;
    }
    return value;
}

static naive_value elements(naive_packet *packet, naive_inst *inst, const naive_field *field,
                            uint32_t key)
{
    unsigned depth = depth_of(inst);
    uint32_t most = depth > 3 ? 0 : 4U >> depth;
    uint32_t place = place_of(inst->type, field->slot);
    uint32_t n = below(packet, key, 0x7fffffffU + place, most + 1);
    bool sized = field->bits != 0 || field->type == NAIVE_STRUCT || field->type == NAIVE_ULEB ||
                 field->type == NAIVE_UVLQ;
    naive_list *list = naive_alloc(packet->arena, 1, sizeof *list);
    list->at = naive_alloc(packet->arena, n + 1, sizeof *list->at);
    for (uint32_t i = 0; sized && i < n; i++)
        list->at[list->count++] = field->type == NAIVE_STRUCT
                                      ? structure(packet, inst, field, i)
                                      : scalar(packet, field, field->bits, mix(key, place, i), 1);
    return (naive_value){.kind = NAIVE_LIST, .list = list};
}

naive_value naive_fuzz_value(naive_packet *packet, naive_inst *inst, const naive_field *field)
{
    uint32_t key = naive_fuzz_key(packet, inst);
    if (field->is_list)
        return elements(packet, inst, field, key);
    if (field->type == NAIVE_STRUCT)
        return structure(packet, inst, field, 0);
    if (field->type == NAIVE_OCTETS && !field->address)
        return bytes_of_field(packet, inst, field, key);
    return scalar(packet, field, naive_width(packet, field, inst), key,
                  place_of(inst->type, field->slot));
}

/* ---- mutate ------------------------------------------------------------------------------------
 */

/* mutate(bytes, flips=N): one stream for the key, another for how many when that is a set. */
naive_value naive_mutate(const naive_scope *scope, pk_node args)
{
    naive_packet *packet = scope->packet;
    const naive_unit *unit = packet->unit;
    pk_node flips = naive_at(unit, args)->next;
    uint64_t key = pk_rng_u64(packet->seed, packet->index, ++packet->n_random);
    naive_value values[3] = {naive_eval(scope, naive_at(unit, args)->b), naive_int(1)};
    naive_axis axis = {0};
    values[0] = naive_stack_bytes(packet, values[0]);
    if (flips != 0 &&
        naive_set_runs(scope, naive_at(unit, flips)->b, NULL, &axis.runs, &axis.n_runs)) {
        for (size_t i = 0; i < axis.n_runs; i++)
            axis.count += axis.runs[i].count;
        values[1] = naive_axis_value(
            packet, &axis,
            pk_rng_below(packet->seed, packet->index, ++packet->n_random, axis.count));
    } else if (flips != 0) {
        values[1] = naive_eval(scope, naive_at(unit, flips)->b);
    }
    values[2] = naive_int((int64_t)key);
    naive_value result = naive_undefined();
    (void)naive_native(packet, "flip_bits", 3, values, &result);
    return result;
}
