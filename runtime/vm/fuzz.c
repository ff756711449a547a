#include "internal.h"

#include "base/rng.h"
#include "template_trace.h"

/*
 * `fuzz(..)`: random values in place of constant defaults (IMAGE.md, "Fuzzed instances").
 *
 * Each fuzzed instance has a key: the stream of its fuzz() mixed with the way to it (slot and
 * element by element), so that every draw is a function of the seed, the packet's number and the
 * place in the packet, whatever the order in which values are asked for. What draws decide about
 * the shape of a packet (lengths, cases) no template can follow: they break the trace.
 */
enum {
    MOST_BYTES = 16,   /* of bytes whose length nothing says */
    MOST_ELEMENTS = 4, /* of a list in a layer; half as many in each structure further in */
    DEEPEST = 3, /* structures above the last that is fuzzed: what recurses must come to an end */
    TWO_WAY_BITS = 8 /* of the number given to a two-way integer */
};

/* What a draw is for; values and bytes of a slot: its number + 1. */
#define FOR_COUNT UINT32_C(0x80000000) /* + slot: how many bytes or elements */
#define FOR_CASE  UINT32_C(0x40000000)

uint32_t pk_vm_fuzz_key(uint32_t key, uint32_t place, uint32_t index)
{
    uint32_t mixed = (uint32_t)pk_rng_u64(key, place, index);
    return mixed ? mixed : 1;
}

static uint64_t stream_of(uint32_t key, uint32_t what)
{
    return (uint64_t)key << 32 | what;
}

static uint64_t draw(const pk_vm *vm, uint32_t key, uint32_t what)
{
    return vm->point ? pk_rng_u64(vm->seed, vm->point->index, stream_of(key, what)) : 0;
}

static uint32_t draw_below(const pk_vm *vm, uint32_t key, uint32_t what, uint32_t n)
{
    pk_u128 index = vm->point ? vm->point->index : 0;
    return (uint32_t)pk_rng_below(vm->seed, index, stream_of(key, what), n);
}

/* Whether an expression asks nothing of the packet, the program or the surroundings. */
static bool asks_nothing(const pk_vm *vm, pk_ref expr)
{
    const pk_image_expr *at = &vm->image->exprs[expr];
    for (uint32_t i = 0; i < at->count; i++) {
        const pk_insn *insn = &vm->image->code[at->start + i];
        bool pure = insn->op <= PK_OPC_MOVE && insn->op >= PK_OPC_INT;
        bool computes = insn->op >= PK_OPC_ADD && insn->op <= PK_OPC_JUMPD && insn->op != PK_OPC_IN;
        bool makes = insn->op == PK_OPC_ENCODE || insn->op == PK_OPC_RET;
        bool calls = insn->op == PK_OPC_NATIVE && insn->d < PK_FN_SRC_MAC;
        if (!pure && !computes && !makes && !calls)
            return false;
    }
    return true;
}

void pk_vm_study_fixed(pk_vm *vm)
{
    const pk_image *image = vm->image;
    for (pk_ref i = 1; i < image->n_fields; i++) {
        const pk_image_field *field = &image->fields[i];
        if (!(field->flags & (PK_FIELD_PARAM | PK_FIELD_ANONYMOUS)) &&
            (!field->init || asks_nothing(vm, field->init)))
            vm->field_facts[i] |= VM_FIELD_FIXED;
    }
}

bool pk_vm_fuzzes(const pk_vm *vm, uint32_t instance, pk_ref field)
{
    return vm->nodes[instance].fuzz && vm->field_facts[field] & VM_FIELD_FIXED;
}

/* Whether an expression reads the slot, or asks how long it is. */
static bool reads(const pk_vm *vm, pk_ref expr, uint32_t slot)
{
    const pk_image_expr *at = &vm->image->exprs[expr];
    for (uint32_t i = 0; expr && i < at->count; i++) {
        const pk_insn *insn = &vm->image->code[at->start + i];
        bool extent = insn->op == PK_OPC_SIZE || insn->op == PK_OPC_BYTES;
        bool part = extent && (insn->c == PK_PART_FIELD || insn->c == PK_PART_SPAN);
        if ((insn->op == PK_OPC_SLOT || part) && insn->d == slot)
            return true;
        if (extent && insn->c == PK_PART_SPAN && insn->e == slot)
            return true;
    }
    return false;
}

bool pk_vm_fuzz_sizes_itself(const pk_vm *vm, uint32_t instance, pk_ref field)
{
    const vm_node *node = &vm->nodes[instance];
    const pk_image_field *at = &vm->image->fields[field];
    const pk_image_expr *width = &vm->image->exprs[at->width];
    for (uint32_t i = 0; i < width->count; i++) {
        const pk_insn *insn = &vm->image->code[width->start + i];
        if (insn->op != PK_OPC_SLOT || vm->slots[node->slots + insn->d].given)
            continue;
        pk_ref length = vm->slot_field[vm->slot_base[node->layer] + insn->d];
        if (reads(vm, vm->image->fields[length].init, at->slot))
            return true;
    }
    return false;
}

/* ---- scalars --------------------------------------------------------------------------------- */

static pk_value random_bytes(pk_vm *vm, uint32_t key, uint32_t what, uint32_t len)
{
    uint8_t *bytes = pk_vm_bytes_alloc(vm, len);
    if (!bytes)
        return pk_value_undefined();
    if (vm->point)
        pk_rng_bytes(vm->seed, vm->point->index, stream_of(key, what), bytes, len);
    if (vm->trace)
        pk_trace_break(vm, "fuzzed bytes");
    return pk_value_bytes(bytes, len);
}

/* The low bits of a draw; an integer with a sign has its highest bit for it. */
static pk_value random_integer(pk_vm *vm, uint32_t key, uint32_t what, unsigned bits,
                               bool is_signed)
{
    pk_value drawn = pk_value_int((int64_t)draw(vm, key, what));
    drawn = pk_trace_random(vm, stream_of(key, what), drawn);
    pk_value mask = pk_value_int((int64_t)pk_bits_mask(bits));
    if (bits < 64)
        drawn = pk_vm_arithmetic(vm, PK_OPC_AND, drawn, mask);
    if (is_signed && bits && bits < 64 && (uint64_t)drawn.number >> (bits - 1)) {
        (void)pk_trace_constant(vm, drawn, "a fuzzed number with a sign");
        drawn = pk_value_int((int64_t)((uint64_t)drawn.number | UINT64_MAX << bits));
    }
    return drawn;
}

static pk_value random_scalar(pk_vm *vm, pk_ref field, unsigned bits, uint32_t key, uint32_t what)
{
    const pk_image_field *at = &vm->image->fields[field];
    switch ((pk_type)at->type) {
    case PK_TYPE_UINT:
    case PK_TYPE_INT:
        return random_integer(vm, key, what, bits, at->type == PK_TYPE_INT);
    case PK_TYPE_ULEB:
    case PK_TYPE_UVLQ:
        return random_integer(vm, key, what, 32, false);
    case PK_TYPE_IP4:
    case PK_TYPE_MAC:
        return pk_vm_encode(vm, random_integer(vm, key, what, at->bits, false), at->bits, false);
    case PK_TYPE_IP6:
    case PK_TYPE_BYTES:
    case PK_TYPE_STRUCT:
        break;
    }
    return random_bytes(vm, key, what, at->bits / 8);
}

pk_value pk_vm_fuzz_scalar(pk_vm *vm, uint32_t instance, pk_ref field, unsigned bits)
{
    const pk_image_field *at = &vm->image->fields[field];
    uint32_t key = vm->nodes[instance].fuzz;
    if (at->type == PK_TYPE_BYTES && !at->bits)
        return pk_vm_fuzz_bytes(vm, instance, field, pk_value_undefined());
    return random_scalar(vm, field, bits, key, at->slot + 1u);
}

pk_value pk_vm_fuzz_bytes(pk_vm *vm, uint32_t instance, pk_ref field, pk_value length)
{
    uint32_t key = vm->nodes[instance].fuzz, slot = vm->image->fields[field].slot;
    if (length.kind != PK_INT)
        length = pk_value_int(draw_below(vm, key, FOR_COUNT + slot, MOST_BYTES + 1));
    if (length.number < 0)
        length = pk_value_int(0);
    if (length.number > PK_VM_FUZZ_LIMIT)
        length = pk_value_int(PK_VM_FUZZ_LIMIT);
    return random_bytes(vm, key, slot + 1, (uint32_t)length.number);
}

/* ---- structs and lists ----------------------------------------------------------------------- */

/* The cases of a struct: the table in which its payload is looked up first. */
static const pk_image_table *cases_of(const pk_vm *vm, pk_ref layer)
{
    const pk_image_layer *at = pk_vm_layer(vm, layer);
    if (at->kind == PK_LAYER_LAYER)
        return NULL;
    for (uint32_t i = 0; i < at->n_items; i++) {
        const pk_insn *insn = &vm->image->code[at->items + i];
        if (insn->op != PK_OPC_PAY)
            continue;
        const pk_image_payload *payload = &vm->image->payloads[insn->d];
        pk_ref table = payload->n_selectors ? vm->image->selectors[payload->selectors].table : 0;
        return table && vm->image->tables[table].layer == layer ? &vm->image->tables[table] : NULL;
    }
    return NULL;
}

static bool add_case(pk_vm *vm, uint32_t node)
{
    const pk_image_table *cases = cases_of(vm, vm->nodes[node].layer);
    uint32_t key = vm->nodes[node].fuzz, n = cases ? cases->n_keys : 0;
    uint32_t chosen = draw_below(vm, key, FOR_CASE, n + 1);
    if (!cases || chosen == n)
        return true; /* no case: whatever key, nothing behind it */
    if (vm->trace)
        pk_trace_break(vm, "a fuzzed case");
    uint32_t list = pk_vm_new_list(vm, 0, node, VM_PAYLOAD);
    pk_ref layer = vm->image->keys[cases->keys + chosen].layer;
    uint32_t upper = list ? pk_vm_new_instance(vm, layer, list, VM_PAYLOAD) : 0;
    if (!upper)
        return false;
    vm->nodes[node].payload = list;
    vm->nodes[upper].structs = vm->nodes[node].structs;
    vm->nodes[upper].fuzz = pk_vm_fuzz_key(key, 0, 0);
    pk_vm_append(vm, list, upper);
    pk_vm_impose(vm, upper);
    return true;
}

uint32_t pk_vm_fuzz_struct(pk_vm *vm, pk_ref layer, uint32_t up, vm_role role, uint32_t structs,
                           uint32_t key)
{
    uint32_t node = pk_vm_new_instance(vm, layer, up, role);
    if (!node)
        return 0;
    vm->nodes[node].structs = (uint16_t)structs;
    if (pk_vm_layer(vm, layer)->flags & PK_LAYER_TWO_WAY) {
        vm->nodes[node].value = random_integer(vm, key, 1, TWO_WAY_BITS, false);
        (void)pk_trace_constant(vm, vm->nodes[node].value, "a fuzzed two-way integer");
        vm->nodes[node].state = VM_DONE;
        return node;
    }
    if (structs > DEEPEST)
        return node;
    vm->nodes[node].fuzz = key;
    return add_case(vm, node) ? node : 0;
}

static bool add_element(pk_vm *vm, uint32_t list, pk_ref field, uint32_t structs, uint32_t key)
{
    const pk_image_field *at = &vm->image->fields[field];
    bool is_struct = at->type == PK_TYPE_STRUCT;
    uint32_t node = is_struct ? pk_vm_fuzz_struct(vm, at->sub, list, VM_ELEMENT, structs + 1, key)
                              : pk_vm_new_leaf(vm, 0, list, VM_ELEMENT);
    if (!node)
        return false;
    vm->nodes[node].field = field;
    if (!is_struct) {
        vm->nodes[node].value = random_scalar(vm, field, at->bits, key, 1);
        vm->nodes[node].state = VM_DONE;
    }
    pk_vm_append(vm, list, node);
    return true;
}

bool pk_vm_fuzz_list(pk_vm *vm, uint32_t list, uint32_t instance, pk_ref field)
{
    const pk_image_field *at = &vm->image->fields[field];
    uint32_t key = vm->nodes[instance].fuzz, structs = vm->nodes[instance].structs;
    bool sized = at->bits || at->type == PK_TYPE_STRUCT || at->type >= PK_TYPE_ULEB;
    if (at->list == PK_IMAGE_LIST_FOR + 1 || !sized)
        return true;
    uint32_t most = structs > DEEPEST ? 0 : (uint32_t)MOST_ELEMENTS >> structs;
    uint32_t n = draw_below(vm, key, FOR_COUNT + at->slot, most + 1);
    if (vm->trace)
        pk_trace_break(vm, "a fuzzed list");
    for (uint32_t i = 0; i < n; i++)
        if (!add_element(vm, list, field, structs, pk_vm_fuzz_key(key, at->slot + 1u, i)))
            return false;
    return true;
}
