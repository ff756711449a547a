#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "template_trace.h"

/*
 * Writing what is resolved: one walk over instances, lists and parts, with a stack of its own. It
 * asks for nothing any more; a field in computation is written as zero bits of its width.
 */

typedef struct vm_visit {
    uint32_t node;
    uint32_t at, to; /* items of an instance; next part of a list */
    uint32_t rec;    /* record that owns what is written */
    uint32_t skip;   /* items before this one have no records of their own */
    uint8_t stage;   /* of the END item */
    bool opened;     /* `rec` is the node's own and to be closed */
} vm_visit;

typedef struct emission {
    pk_vm *vm;
    pk_buf *out;
    size_t base;  /* length of `out` at the start */
    uint64_t bit; /* from there on */
    pk_tree *tree;
    vm_reader *reader;
    uint32_t depth;
    bool good;
} emission;

/* ---- bits ------------------------------------------------------------------------------------ */

static bool room(emission *em, uint64_t end_bit)
{
    size_t need = em->base + (size_t)((end_bit + 7) / 8);
    if (end_bit > (uint64_t)PK_VM_PACKET_LIMIT * 8) {
        pk_vm_fail(em->vm, PK_ELIMIT, 0, "packet too long (limit %d bytes)", PK_VM_PACKET_LIMIT);
        em->good = false;
    } else if (need > em->out->len) {
        pk_buf_zeros(em->out, need - em->out->len);
        if (em->out->failed) {
            pk_vm_fail(em->vm, PK_ENOMEM, 0, "out of memory");
            em->good = false;
        }
    }
    return em->good;
}

static uint8_t *start_of(const emission *em)
{
    return em->out->data + em->base;
}

static void put_bits(emission *em, unsigned bits, uint64_t value)
{
    if (bits == 0 || !room(em, em->bit + bits))
        return;
    pk_bits_put(start_of(em), em->bit, bits, value);
    em->bit += bits;
}

/* The bytes but for the first `skip` bits. */
static void put_bytes(emission *em, pk_value value, unsigned skip)
{
    if (value.kind != PK_BYTES || value.len == 0 ||
        !room(em, em->bit + (uint64_t)value.len * 8 - skip))
        return;
    pk_trace_wrote_bytes(em->vm, value, em->bit, skip);
    if (skip == 0 && em->bit % 8 == 0) {
        memcpy(start_of(em) + em->bit / 8, value.bytes, value.len);
        em->bit += (uint64_t)value.len * 8;
        return;
    }
    put_bits(em, 8 - skip, value.bytes[0]);
    for (uint32_t i = 1; i < value.len && em->good; i++)
        put_bits(em, 8, value.bytes[i]);
}

/* A field of a little-endian group: its bits go to the bytes of the group one after the other. */
static void put_grouped(emission *em, const pk_image_field *field, pk_value number)
{
    uint64_t value = (uint64_t)number.number;
    uint64_t before = (uint64_t)field->group_bits - field->group_shift - field->bits;
    uint64_t start = em->bit >= before ? em->bit - before : 0;
    if (!room(em, start + field->group_bits))
        return;
    unsigned lo = field->group_shift, hi = lo + field->bits;
    for (unsigned at = lo; at < hi;) {
        unsigned byte = at / 8, top = hi < (byte + 1) * 8 ? hi : (byte + 1) * 8;
        uint64_t bit = start + byte * 8 + (8 - (top - byte * 8));
        pk_bits_put(start_of(em), bit, top - at, value >> (at - lo));
        pk_trace_wrote_bits(em->vm, number, at - lo, bit, top - at);
        at = top;
    }
    em->bit += field->bits;
}

static void put_integer(emission *em, const pk_image_field *field, unsigned bits, pk_value number)
{
    uint64_t value = (uint64_t)number.number & pk_bits_mask(bits);
    if (field->group_bits && (field->flags & PK_FIELD_GROUP_LE)) {
        number.number = (int64_t)value;
        put_grouped(em, field, number);
        return;
    }
    bool little = (field->flags & PK_FIELD_LE) && bits % 8 == 0;
    if (little)
        number = pk_trace_swapped(em->vm, number, bits);
    pk_trace_wrote_bits(em->vm, number, 0, em->bit, bits);
    put_bits(em, bits, little ? pk_bits_swap(value, bits) : value);
}

static void put_base128(emission *em, bool little, uint64_t value)
{
    unsigned len = pk_vm_base128_len(value);
    for (unsigned i = 0; i < len; i++) {
        unsigned group = little ? i : len - 1 - i;
        uint64_t more = i + 1 < len ? 0x80 : 0;
        put_bits(em, 8, (group * 7 < 64 ? value >> (group * 7) & 0x7f : 0) | more);
    }
}

static void put_scalar(emission *em, pk_ref ref, uint32_t width, pk_value value)
{
    const pk_image_field *field = &em->vm->image->fields[ref];
    pk_value number = value.kind == PK_INT ? value : pk_value_int(0);
    switch ((pk_type)field->type) {
    case PK_TYPE_UINT:
    case PK_TYPE_INT:
        put_integer(em, field, field->bits ? field->bits : width, number);
        return;
    case PK_TYPE_ULEB:
    case PK_TYPE_UVLQ:
        if (value.kind == PK_INT)
            put_base128(em, field->type == PK_TYPE_ULEB, (uint64_t)number.number);
        return;
    case PK_TYPE_BYTES:
    case PK_TYPE_IP4:
    case PK_TYPE_IP6:
    case PK_TYPE_MAC:
    case PK_TYPE_STRUCT:
        break;
    }
    if (value.kind == PK_BYTES)
        put_bytes(em, value, 0);
    else /* in computation */
        for (unsigned left = field->bits; left > 0 && em->good; left -= left < 8 ? left : 8)
            put_bits(em, left < 8 ? left : 8, 0);
}

/* ---- records --------------------------------------------------------------------------------- */

static uint32_t add_record(emission *em, pk_rec rec)
{
    if (!em->tree)
        return 0;
    uint32_t made = pk_tree_add(em->tree, rec);
    if (made == 0) {
        pk_vm_fail(em->vm, PK_ENOMEM, 0, "out of memory");
        em->good = false;
    }
    return made;
}

static void record_leaf(emission *em, pk_rec rec, uint64_t start)
{
    rec.off = (uint32_t)start;
    rec.bits = (uint32_t)(em->bit - start);
    (void)add_record(em, rec);
}

static vm_visit *push_visit(emission *em, uint32_t node, uint32_t rec)
{
    pk_vm *vm = em->vm;
    if (em->depth == vm->cap_visits) {
        uint32_t cap = vm->cap_visits ? vm->cap_visits * 2 : 64;
        vm_visit *visits = realloc(vm->visits, cap * sizeof *visits);
        if (!visits) {
            pk_vm_fail(vm, PK_ENOMEM, 0, "out of memory");
            em->good = false;
            return NULL;
        }
        vm->visits = visits;
        vm->cap_visits = cap;
    }
    vm_visit *visit = &vm->visits[em->depth++];
    *visit = (vm_visit){.node = node, .rec = rec};
    return visit;
}

/* Whether the fixed prefix is there as declared, so that one record says it all. */
static uint32_t fixed_items(const pk_vm *vm, const vm_node *node)
{
    const pk_image_layer *layer = pk_vm_layer(vm, node->layer);
    const pk_insn *items = vm->image->code + layer->items;
    if (layer->n_items == 0 || items[0].op != PK_OPC_FIX)
        return 0;
    for (uint32_t i = 1; i <= items[0].d && i < layer->n_items; i++) {
        if (vm->items[node->items + i] != VM_PRESENT || items[i].op != PK_OPC_FLD)
            return 0;
        if (vm->slots[node->slots + vm->image->fields[items[i].d].slot].raw)
            return 0;
    }
    return items[0].d + 1;
}

static pk_rec instance_record(const emission *em, const vm_node *node, uint32_t up)
{
    pk_rec rec = {.kind = PK_REC_INSTANCE, .id = node->layer, .up = up, .off = (uint32_t)em->bit};
    if (node->role == VM_PAYLOAD)
        rec.flags |= PK_REC_PAYLOAD;
    if (node->role == VM_FIELD || node->role == VM_ELEMENT) {
        rec.flags |= PK_REC_FIELD_OF;
        rec.slot = em->vm->image->fields[node->field].slot;
    }
    if (node->flags & VM_NODE_EXPLICIT)
        rec.flags |= PK_REC_EXPLICIT;
    return rec;
}

/* An instance given as bytes: they are written, and read again for the tree. */
static void emit_opaque(emission *em, const vm_node *node, uint32_t up)
{
    pk_rec rec = instance_record(em, node, up);
    uint64_t start = em->bit;
    put_bytes(em, node->value, 0);
    struct vm_trace *trace = em->vm->trace;
    if (trace && node->value.spare)
        trace->opaque = true;
    em->vm->trace = NULL; /* reading is not followed */
    if (em->tree && em->good && !em->reader(em->vm, em->tree, node->layer, rec, start, em->bit))
        em->good = false;
    em->vm->trace = trace;
}

static void open_instance(emission *em, uint32_t at, uint32_t up)
{
    const vm_node *node = &em->vm->nodes[at];
    if (node->state == VM_DONE && node->value.kind == PK_BYTES) {
        emit_opaque(em, node, up);
        return;
    }
    pk_rec rec = instance_record(em, node, up);
    uint32_t fixed = fixed_items(em->vm, node);
    if (fixed)
        rec.flags |= PK_REC_FIXED;
    uint32_t made = add_record(em, rec);
    vm_visit *visit = em->good ? push_visit(em, at, made) : NULL;
    if (!visit)
        return;
    visit->to = pk_vm_layer(em->vm, node->layer)->n_items;
    visit->skip = fixed;
    visit->opened = true;
}

static void open_list(emission *em, uint32_t at, uint32_t up)
{
    const vm_node *node = &em->vm->nodes[at];
    bool payload = node->role == VM_PAYLOAD;
    uint32_t made = up;
    if (!payload) {
        pk_rec rec = {.kind = PK_REC_LIST, .id = node->field, .up = up, .off = (uint32_t)em->bit};
        rec.slot = em->vm->image->fields[node->field].slot;
        if (node->flags & VM_NODE_EXPLICIT)
            rec.flags |= PK_REC_EXPLICIT;
        made = add_record(em, rec);
    }
    vm_visit *visit = em->good ? push_visit(em, at, made) : NULL;
    if (!visit)
        return;
    visit->at = node->first;
    visit->opened = !payload;
}

/* ---- leaves ---------------------------------------------------------------------------------- */

static void emit_leaf(emission *em, uint32_t at, uint32_t up)
{
    const vm_node *node = &em->vm->nodes[at];
    const pk_image_field *field = &em->vm->image->fields[node->field];
    pk_rec rec = {.kind = PK_REC_RAW, .up = up};
    uint64_t start = em->bit;
    if (node->role == VM_PAYLOAD)
        rec.flags |= PK_REC_PAYLOAD;
    if (node->flags & VM_NODE_EXPLICIT)
        rec.flags |= PK_REC_EXPLICIT;
    if (!node->field || (node->flags & VM_NODE_RAW)) {
        put_bytes(em, node->value, 0);
    } else {
        pk_value owner = pk_vm_owner(em->vm, pk_vm_node_value(0, at));
        const vm_slot *slot = &em->vm->slots[em->vm->nodes[owner.node].slots + field->slot];
        put_scalar(em, node->field, slot->width, node->value);
        rec.kind = PK_REC_FIELD;
        rec.id = node->field;
        rec.slot = field->slot;
    }
    if (em->bit > start || rec.kind == PK_REC_FIELD)
        record_leaf(em, rec, start);
}

static void emit_field(emission *em, const vm_visit *visit, pk_ref ref)
{
    const pk_image_field *field = &em->vm->image->fields[ref];
    const vm_slot *slot = &em->vm->slots[em->vm->nodes[visit->node].slots + field->slot];
    uint64_t start = em->bit;
    bool busy = slot->state != VM_DONE;
    if (slot->raw && !busy)
        put_bytes(em, slot->value, 0);
    else
        put_scalar(em, ref, slot->width, busy ? pk_value_undefined() : slot->value);
    if (visit->at < visit->skip)
        return;
    pk_rec rec = {.kind = PK_REC_FIELD, .id = ref, .slot = field->slot, .up = visit->rec};
    if (slot->given)
        rec.flags |= PK_REC_EXPLICIT;
    record_leaf(em, rec, start);
}

/* What was given as cut or rest of a window; it begins at the bit where it stands. */
static void emit_leftovers(emission *em, const vm_visit *visit, pk_ref window, vm_role role)
{
    uint32_t at = em->vm->nodes[visit->node].leftover;
    for (; at && em->good; at = em->vm->nodes[at].next) {
        const vm_node *leaf = &em->vm->nodes[at];
        if (leaf->window != window || leaf->role != role)
            continue;
        uint64_t start = em->bit;
        put_bytes(em, leaf->value, (unsigned)(em->bit % 8));
        pk_rec rec = {.kind = role == VM_CUT ? PK_REC_CUT : PK_REC_REST,
                      .id = window,
                      .up = visit->rec,
                      .flags = PK_REC_EXPLICIT};
        if (role == VM_CUT || em->bit > start)
            record_leaf(em, rec, start);
    }
}

/* ---- the walk -------------------------------------------------------------------------------- */

static void emit_child(emission *em, const vm_visit *visit, pk_ref field)
{
    const vm_slot *slot =
        &em->vm->slots[em->vm->nodes[visit->node].slots + em->vm->image->fields[field].slot];
    uint32_t child = slot->child, rec = visit->rec;
    if (!child)
        return;
    if (em->vm->nodes[child].kind == VM_IS_LIST)
        open_list(em, child, rec);
    else
        open_instance(em, child, rec);
}

static void emit_payload(emission *em, const vm_visit *visit, uint32_t item)
{
    const vm_node *node = &em->vm->nodes[visit->node];
    if (node->payload && node->pay == item)
        open_list(em, node->payload, visit->rec);
}

/* The end comes twice when a payload stands before the rest. */
static void emit_end(emission *em, uint32_t index)
{
    vm_visit *visit = &em->vm->visits[index];
    if (visit->stage == 0) {
        visit->stage = 1;
        visit->at--;
        emit_leftovers(em, visit, 0, VM_CUT);
        emit_payload(em, visit, visit->at);
        return;
    }
    emit_leftovers(em, visit, 0, VM_REST);
}

static void emit_item(emission *em, uint32_t index)
{
    vm_visit *visit = &em->vm->visits[index];
    const vm_node *node = &em->vm->nodes[visit->node];
    const pk_image_layer *layer = pk_vm_layer(em->vm, node->layer);
    const pk_insn *insn = &em->vm->image->code[layer->items + visit->at];
    uint32_t item = visit->at;
    bool present = em->vm->items[node->items + item] == VM_PRESENT;
    if (present && insn->op <= PK_OPC_VAR && insn->op != PK_OPC_FIX)
        emit_field(em, visit, insn->d);
    visit->at++;
    if (!present)
        return;
    if (insn->op == PK_OPC_SUB || insn->op == PK_OPC_LST) {
        emit_child(em, visit, insn->d);
    } else if (insn->op == PK_OPC_PAY) {
        emit_payload(em, visit, item);
    } else if (insn->op == PK_OPC_WEN && node->leftover) {
        pk_ref window = pk_vm_window_of(em->vm, layer, item);
        emit_leftovers(em, visit, window, VM_CUT);
        emit_leftovers(em, visit, window, VM_REST);
    } else if (insn->op == PK_OPC_END) {
        emit_end(em, index);
    }
}

static void emit_part(emission *em, uint32_t index)
{
    vm_visit *visit = &em->vm->visits[index];
    uint32_t at = visit->at, rec = visit->rec;
    visit->at = em->vm->nodes[at].next;
    if (em->vm->nodes[at].kind == VM_IS_LEAF)
        emit_leaf(em, at, rec);
    else
        open_instance(em, at, rec);
}

static void run(emission *em)
{
    pk_vm *vm = em->vm;
    while (em->depth > 0 && em->good && !vm->failed) {
        vm_visit *visit = &vm->visits[em->depth - 1];
        bool items = vm->nodes[visit->node].kind == VM_IS_INSTANCE;
        if (items ? visit->at < visit->to : visit->at != 0) {
            if (items)
                emit_item(em, em->depth - 1);
            else
                emit_part(em, em->depth - 1);
            continue;
        }
        if (em->tree && visit->opened)
            pk_tree_close(em->tree, visit->rec, (uint32_t)em->bit);
        em->depth--;
    }
}

/* The first visit of an instance is of some of its items only, and has no record. */
static void begin(emission *em, uint32_t node, uint32_t from, uint32_t to)
{
    const vm_node *at = &em->vm->nodes[node];
    bool opaque = at->kind == VM_IS_INSTANCE && at->state == VM_DONE && at->value.kind == PK_BYTES;
    if (at->kind == VM_IS_LEAF || opaque) {
        put_bytes(em, at->value, 0);
        return;
    }
    vm_visit *visit = push_visit(em, node, 0);
    if (!visit)
        return;
    visit->at = at->kind == VM_IS_INSTANCE ? from : at->first;
    visit->to = to;
}

bool pk_vm_emit(pk_vm *vm, uint32_t node, uint32_t from, uint32_t to, pk_buf *out, pk_tree *tree,
                vm_reader *reader)
{
    emission em = {
        .vm = vm, .out = out, .base = out->len, .tree = tree, .reader = reader, .good = true};
    pk_trace_write(vm);
    begin(&em, node, from, to);
    run(&em);
    if (tree && em.good) {
        uint64_t end = (em.bit + 7) / 8 * 8, start = em.bit;
        em.bit = end;
        tree->len = tree->wire_len = (uint32_t)(end / 8);
        if (end > start) /* the packet does not end with a byte */
            record_leaf(&em, (pk_rec){.kind = PK_REC_REST}, start);
        pk_tree_close(tree, 0, (uint32_t)end);
    }
    return em.good && !vm->failed;
}
