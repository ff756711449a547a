#include "internal.h"
#include "template_trace.h"

/* The operand registers of the instruction at hand, made plain: leaves and two-way scalars become
 * what they are worth. VM_PUSHED: the register is being computed, run the instruction again. */
static int plain(pk_vm *vm, const vm_frame *frame, uint8_t reg)
{
    pk_value *value = &vm->regs[frame->regs + reg];
    return value->kind <= PK_BYTES ? VM_READY : pk_vm_plain(vm, value, reg);
}

/* One value where a list would do: its first. */
static int single(pk_vm *vm, const vm_frame *frame, uint8_t reg)
{
    pk_value *value = &vm->regs[frame->regs + reg];
    if (value->kind == VM_MULTI)
        *value = value->len ? *(const pk_value *)(const void *)value->bytes : pk_value_undefined();
    return plain(vm, frame, reg);
}

static int single_pair(pk_vm *vm, const vm_frame *frame, const pk_insn *insn)
{
    int status = single(vm, frame, insn->b);
    return status == VM_READY ? single(vm, frame, insn->c) : status;
}

/* A node beside bytes stands for its encoding. */
static int bytes_of_node(pk_vm *vm, const vm_frame *frame, uint8_t reg)
{
    pk_value *value = &vm->regs[frame->regs + reg];
    if (value->kind != PK_NODE)
        return VM_READY;
    if (pk_vm_on_build(vm, *value))
        return pk_vm_push_part(vm, VM_BYTES, (uint32_t)value->node, PK_PART_THIS, 0, 0, reg);
    uint64_t off, end;
    *value = pk_vm_tree_part(vm, *value, PK_PART_THIS, 0, 0, &off, &end)
                 ? pk_vm_tree_bytes(vm, *value, off, end)
                 : pk_value_undefined();
    return VM_READY;
}

static int do_add(pk_vm *vm, const vm_frame *frame, const pk_insn *insn, pk_value *ret_value)
{
    const pk_value *regs = vm->regs + frame->regs;
    int status = single_pair(vm, frame, insn);
    if (status == VM_READY)
        status = bytes_of_node(vm, frame, insn->b);
    if (status == VM_READY)
        status = bytes_of_node(vm, frame, insn->c);
    if (status == VM_READY)
        *ret_value = pk_vm_add(vm, regs[insn->b], regs[insn->c]);
    return status;
}

/* The elements of a list, for a comparison with any of them; nodes that remain are compared as what
 * they are on the wire. */
static int comparable(pk_vm *vm, const vm_frame *frame, uint8_t reg, bool bytes)
{
    const pk_value *value = &vm->regs[frame->regs + reg];
    if (value->kind == PK_NODE && pk_vm_kind(vm, *value) == VM_IS_LIST)
        return pk_vm_push_map(vm, *value, 0, reg);
    int status = plain(vm, frame, reg);
    return status == VM_READY && bytes ? bytes_of_node(vm, frame, reg) : status;
}

/* Elements of a list are compared as they are. */
static bool constant_elements(pk_vm *vm, pk_value list)
{
    if (!vm->trace || list.kind != VM_MULTI)
        return true;
    const pk_value *values = (const pk_value *)(const void *)list.bytes;
    for (uint32_t i = 0; i < list.len; i++)
        if (!pk_trace_constant(vm, values[i], "a comparison with elements of a list"))
            return false;
    return true;
}

static pk_value compared(pk_vm *vm, pk_op op, pk_value a, pk_value b)
{
    pk_value result = pk_value_int(pk_vm_compare(op, a, b));
    (void)(constant_elements(vm, a) && constant_elements(vm, b));
    return pk_trace_operation(vm, op, a, b, result);
}

static int do_compare(pk_vm *vm, const vm_frame *frame, const pk_insn *insn, pk_value *ret_value)
{
    const pk_value *regs = vm->regs + frame->regs;
    int status = comparable(vm, frame, insn->b, true);
    if (status == VM_READY && insn->op == PK_OPC_IN) {
        *ret_value = pk_vm_is_member(vm, regs[insn->b], insn->d);
        return status;
    }
    if (status == VM_READY)
        status = comparable(vm, frame, insn->c, true);
    if (status == VM_READY)
        *ret_value = compared(vm, (pk_op)insn->op, regs[insn->b], regs[insn->c]);
    return status;
}

static int do_truth(pk_vm *vm, const vm_frame *frame, uint8_t reg, bool *ret_holds)
{
    int status = single(vm, frame, reg);
    *ret_holds = pk_value_truth(vm->regs[frame->regs + reg]);
    return status;
}

bool pk_value_truth(pk_value value)
{
    switch (value.kind) {
    case PK_INT:
        return value.number != 0;
    case PK_BYTES:
    case VM_MULTI:
        return value.len != 0;
    case PK_NODE:
        return true;
    default:
        return false;
    }
}

/* ---- instructions that ask for the packet ---------------------------------------------------- */

static int do_arg(pk_vm *vm, const vm_frame *frame, const pk_insn *insn, pk_value *ret_value)
{
    *ret_value = pk_value_undefined();
    if (frame->n_args > 0) {
        if (insn->d < frame->n_args)
            *ret_value = frame->args[insn->d];
        return VM_READY;
    }
    if (frame->self.kind != PK_NODE)
        return VM_READY;
    vm_frame *formal = pk_vm_push(vm, VM_FORMAL, insn->a);
    if (formal) {
        formal->self = frame->self;
        formal->slot = insn->d;
    }
    return VM_PUSHED;
}

static int do_param(pk_vm *vm, const vm_frame *frame, const pk_insn *insn, pk_value *ret_value)
{
    if (vm->param_state[insn->d] == VM_DONE) {
        *ret_value = vm->params[insn->d];
        return VM_READY;
    }
    pk_ref init = vm->image->params[insn->d].init;
    if (init)
        return pk_vm_push_expr(vm, init, frame->self, VM_NO_ITEM, insn->a);
    *ret_value = pk_value_undefined();
    return VM_READY;
}

/* On build: the integer that the scalar was given. */
static int given_value(pk_vm *vm, const vm_frame *frame, pk_value *ret_value)
{
    *ret_value = pk_value_undefined();
    if (frame->self.kind != PK_NODE || !pk_vm_on_build(vm, frame->self))
        return VM_READY;
    uint32_t node = (uint32_t)frame->self.node;
    int status = pk_vm_node_ready(vm, node);
    if (status == VM_READY && vm->nodes[node].value.kind == PK_INT)
        *ret_value = vm->nodes[node].value;
    return status;
}

/* Inferring: what it would have been given, which is what it says. */
static int scalar_value(pk_vm *vm, const vm_frame *frame, const pk_insn *insn, pk_value *ret_value)
{
    *ret_value = pk_value_undefined();
    if (frame->self.kind != PK_NODE || !vm->inferring || !vm->value_name)
        return VM_READY;
    return pk_vm_get(vm, frame->self, vm->value_name, insn->a, ret_value);
}

static int do_extent(pk_vm *vm, const vm_frame *frame, const pk_insn *insn, pk_value *ret_value)
{
    pk_value node = vm->regs[frame->regs + insn->b];
    bool bytes = insn->op == PK_OPC_BYTES;
    if (node.kind == VM_MULTI)
        node = node.len ? *(const pk_value *)(const void *)node.bytes : pk_value_undefined();
    if (node.kind == PK_BYTES) {
        *ret_value = bytes ? node : pk_value_int(node.len);
        return VM_READY;
    }
    *ret_value = pk_value_undefined();
    if (node.kind != PK_NODE)
        return VM_READY;
    pk_image_part part = (pk_image_part)insn->c;
    if (pk_vm_on_build(vm, node))
        return pk_vm_push_part(vm, bytes ? VM_BYTES : VM_SIZE, (uint32_t)node.node, part, insn->d,
                               (uint32_t)insn->e, insn->a);
    uint64_t off, end;
    if (!pk_vm_tree_part(vm, node, part, insn->d, (uint32_t)insn->e, &off, &end))
        return VM_READY;
    *ret_value =
        bytes ? pk_vm_tree_bytes(vm, node, off, end) : pk_value_int((int64_t)((end - off) / 8));
    return VM_READY;
}

static pk_value do_under(const pk_vm *vm, const vm_frame *frame, pk_ref layer)
{
    if (frame->self.kind != PK_NODE)
        return pk_value_int(0);
    pk_value payload = pk_vm_payload(vm, frame->self);
    return pk_value_int(payload.kind == PK_NODE && pk_vm_kind(vm, payload) == VM_IS_INSTANCE &&
                        pk_vm_layer_of(vm, payload) == layer);
}

static int do_find(pk_vm *vm, const vm_frame *frame, const pk_insn *insn, pk_value *ret_value)
{
    pk_value list = vm->regs[frame->regs + insn->b];
    *ret_value = pk_value_undefined();
    if (list.kind != PK_NODE || pk_vm_kind(vm, list) != VM_IS_LIST)
        return VM_READY;
    pk_value self = frame->self;
    uint32_t item = frame->item;
    vm_frame *find = pk_vm_push(vm, VM_FIND, insn->a);
    if (find) {
        find->self = self;
        find->item = item;
        find->expr = (uint32_t)insn->e;
        find->arg = pk_vm_first(vm, list);
    }
    return VM_PUSHED;
}

static int do_element(pk_vm *vm, const vm_frame *frame, const pk_insn *insn, pk_value *ret_value)
{
    pk_value base = vm->regs[frame->regs + insn->b];
    int status = single(vm, frame, insn->c);
    *ret_value = pk_value_undefined();
    if (status != VM_READY)
        return status;
    pk_value index = vm->regs[frame->regs + insn->c];
    if (index.kind != PK_INT || !pk_trace_settled(vm, index, "the number of an element"))
        return VM_READY;
    bool list =
        base.kind == VM_MULTI || (base.kind == PK_NODE && pk_vm_kind(vm, base) == VM_IS_LIST);
    if (list)
        return pk_vm_element(vm, base, index.number, ret_value);
    if ((status = single(vm, frame, insn->b)) != VM_READY ||
        (status = bytes_of_node(vm, frame, insn->b)) != VM_READY)
        return status;
    base = vm->regs[frame->regs + insn->b];
    pk_value byte = pk_trace_slice(vm, base, pk_vm_byte_slice(base, index, index));
    if (byte.kind == PK_BYTES && byte.len == 1)
        *ret_value = pk_trace_decode(vm, byte, pk_value_int(byte.bytes[0]));
    return VM_READY;
}

static int do_slice(pk_vm *vm, const vm_frame *frame, const pk_insn *insn, pk_value *ret_value)
{
    uint8_t last = (uint8_t)(insn->d < PK_IMAGE_REGS ? insn->d : 0);
    pk_value *regs = vm->regs + frame->regs;
    int status = single(vm, frame, insn->c);
    if (status == VM_READY)
        status = single(vm, frame, last);
    if (status != VM_READY)
        return status;
    if (!pk_trace_settled(vm, regs[insn->c], "where a slice begins") ||
        !pk_trace_settled(vm, regs[last], "where a slice ends"))
        return VM_READY;
    pk_value base = regs[insn->b];
    if (base.kind == VM_MULTI || (base.kind == PK_NODE && pk_vm_kind(vm, base) == VM_IS_LIST)) {
        *ret_value = pk_vm_list_slice(vm, base, regs[insn->c], regs[last]);
        return VM_READY;
    }
    if ((status = single(vm, frame, insn->b)) != VM_READY ||
        (status = bytes_of_node(vm, frame, insn->b)) != VM_READY)
        return status;
    base = regs[insn->b];
    *ret_value = pk_trace_slice(vm, base, pk_vm_byte_slice(base, regs[insn->c], regs[last]));
    return VM_READY;
}

static int do_native(pk_vm *vm, const vm_frame *frame, const pk_insn *insn, pk_value *ret_value)
{
    *ret_value = pk_value_undefined();
    if (insn->d >= PK_FN_COUNT_OF)
        return VM_READY;
    for (unsigned i = 0; i < insn->c; i++) {
        uint8_t reg = (uint8_t)(insn->b + i);
        int status = single(vm, frame, reg);
        if (status == VM_READY)
            status = bytes_of_node(vm, frame, reg);
        if (status != VM_READY)
            return status;
    }
    return pk_vm_native(vm, (pk_fn)insn->d, frame->self, vm->regs + frame->regs + insn->b, insn->c,
                        ret_value);
}

static int do_encode(pk_vm *vm, const vm_frame *frame, const pk_insn *insn, pk_value *ret_value)
{
    int status = single(vm, frame, insn->b);
    if (status == VM_READY)
        *ret_value = pk_vm_encode(vm, vm->regs[frame->regs + insn->b], insn->d, insn->c != 0);
    return status;
}

static void do_call(pk_vm *vm, const vm_frame *frame, const pk_insn *insn)
{
    const pk_value *args = vm->regs + frame->regs + insn->b;
    pk_vm_push_expr(vm, insn->d, frame->self, frame->item, insn->a);
    if (!vm->failed) {
        vm->frames[vm->depth - 1].args = args;
        vm->frames[vm->depth - 1].n_args = insn->c;
    }
}

static int do_sorted(pk_vm *vm, const vm_frame *frame, const pk_insn *insn, pk_value *ret_value)
{
    int status = comparable(vm, frame, insn->b, false);
    if (status == VM_READY)
        *ret_value = pk_vm_sorted(vm, vm->regs[frame->regs + insn->b]);
    return status;
}

static int do_text(pk_vm *vm, const vm_frame *frame, const pk_insn *insn, pk_value *ret_value)
{
    const pk_value *regs = vm->regs + frame->regs;
    bool named = insn->op == PK_OPC_NAMED;
    int status = comparable(vm, frame, insn->b, false);
    if (status == VM_READY && named)
        status = single(vm, frame, insn->c);
    if (status == VM_READY)
        *ret_value =
            pk_vm_text(vm, insn, regs[insn->b], named ? regs[insn->c] : pk_value_undefined());
    return status;
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* An instruction that is answered at once writes its register; one that pushed a frame which
 * delivers there is behind us when that frame ends; one that is to be run again stays. */
#define RESULT(value) regs[insn->a] = (value)
#define AGAIN(call)                            \
    do {                                       \
        pk_value found = pk_value_undefined(); \
        if ((call) != VM_READY)                \
            return;                            \
        regs[insn->a] = found;                 \
    } while (0)
#define DELIVER(call)                          \
    do {                                       \
        pk_value found = pk_value_undefined(); \
        frame->pc++;                           \
        if ((call) != VM_READY)                \
            return;                            \
        frame->pc--;                           \
        regs[insn->a] = found;                 \
    } while (0)

void pk_vm_step_expr(pk_vm *vm, vm_frame *frame)
{
    const pk_image_expr *expr = &vm->image->exprs[frame->expr];
    const pk_insn *code = vm->image->code + expr->start;
    pk_value *regs = vm->regs + frame->regs;
    for (;; frame->pc++) {
        if (frame->pc >= expr->count) {
            pk_vm_return(vm, pk_value_undefined());
            return;
        }
        if (vm->fuel == 0 || vm->failed)
            return; /* the runner says so */
        vm->fuel--;
        const pk_insn *insn = &code[frame->pc];
        bool holds = false;
        switch ((pk_op)insn->op) {
        case PK_OPC_INT:
            RESULT(pk_value_int((int64_t)insn->e));
            break;
        case PK_OPC_BLOB: {
            pk_bytes bytes = pk_image_bytes(vm->image, insn->d);
            RESULT(pk_value_bytes(bytes.data, (uint32_t)bytes.len));
            break;
        }
        case PK_OPC_UNDEF:
            RESULT(pk_value_undefined());
            break;
        case PK_OPC_MOVE:
            RESULT(regs[insn->b]);
            break;
        case PK_OPC_ARG:
            DELIVER(do_arg(vm, frame, insn, &found));
            break;
        case PK_OPC_PARAM:
            DELIVER(do_param(vm, frame, insn, &found));
            break;
        case PK_OPC_AXIS:
            RESULT(pk_vm_axis(vm, insn->d));
            break;
        case PK_OPC_RANDOM:
            RESULT(pk_vm_random(vm, insn->d, (pk_ref)insn->e));
            break;
        case PK_OPC_ADD:
            AGAIN(do_add(vm, frame, insn, &found));
            break;
        case PK_OPC_SUBTRACT:
        case PK_OPC_MUL:
        case PK_OPC_DIV:
        case PK_OPC_MOD:
        case PK_OPC_AND:
        case PK_OPC_OR:
        case PK_OPC_XOR:
        case PK_OPC_SHL:
        case PK_OPC_SHR:
            if (single_pair(vm, frame, insn) != VM_READY)
                return;
            RESULT(pk_vm_arithmetic(vm, (pk_op)insn->op, regs[insn->b], regs[insn->c]));
            break;
        case PK_OPC_NEG:
        case PK_OPC_INVERT:
            if (single(vm, frame, insn->b) != VM_READY)
                return;
            if (regs[insn->b].kind == PK_INT) {
                uint64_t number = (uint64_t)regs[insn->b].number;
                pk_value found;
                found = pk_value_int((int64_t)(insn->op == PK_OPC_NEG ? 0 - number : ~number));
                RESULT(
                    pk_trace_operation(vm, (pk_op)insn->op, regs[insn->b], regs[insn->b], found));
            } else {
                RESULT(pk_value_undefined());
            }
            break;
        case PK_OPC_NOT:
        case PK_OPC_TRUTH:
            if (do_truth(vm, frame, insn->b, &holds) != VM_READY)
                return;
            RESULT(pk_trace_operation(vm, (pk_op)insn->op, regs[insn->b], regs[insn->b],
                                      pk_value_int(holds == (insn->op == PK_OPC_TRUTH))));
            break;
        case PK_OPC_EQ:
        case PK_OPC_LT:
        case PK_OPC_LE:
        case PK_OPC_LTU:
        case PK_OPC_LEU:
        case PK_OPC_IN:
            AGAIN(do_compare(vm, frame, insn, &found));
            break;
        case PK_OPC_JUMP:
            frame->pc = insn->d - 1;
            break;
        case PK_OPC_JUMPF:
        case PK_OPC_JUMPT:
            if (do_truth(vm, frame, insn->a, &holds) != VM_READY ||
                !pk_trace_settled(vm, regs[insn->a], "a condition"))
                return;
            if (holds == (insn->op == PK_OPC_JUMPT))
                frame->pc = insn->d - 1;
            break;
        case PK_OPC_JUMPD:
            if (regs[insn->a].kind != PK_UNDEFINED)
                frame->pc = insn->d - 1;
            break;
        case PK_OPC_SLOT:
            DELIVER(pk_vm_slot_read(vm, frame->self, insn->d, insn->a, &found));
            break;
        case PK_OPC_SELF:
            RESULT(frame->self);
            break;
        case PK_OPC_OWNER:
            RESULT(pk_vm_owner(vm, regs[insn->b]));
            break;
        case PK_OPC_BELOW:
            RESULT(pk_vm_below(vm, frame->self, insn->d));
            break;
        case PK_OPC_GET:
            DELIVER(pk_vm_get(vm, regs[insn->b], insn->d, insn->a, &found));
            break;
        case PK_OPC_PAYLOAD:
            RESULT(regs[insn->b].kind == PK_NODE ? pk_vm_payload(vm, regs[insn->b])
                                                 : pk_value_undefined());
            break;
        case PK_OPC_VALUE:
            if (vm->building)
                AGAIN(given_value(vm, frame, &found));
            else
                DELIVER(scalar_value(vm, frame, insn, &found));
            break;
        case PK_OPC_OVER:
            RESULT(pk_value_int(pk_vm_over(vm, frame->self, insn->d)));
            break;
        case PK_OPC_UNDER:
            RESULT(do_under(vm, frame, insn->d));
            break;
        case PK_OPC_HAS:
            RESULT(pk_value_int(pk_vm_has(vm, frame->self, insn->d)));
            break;
        case PK_OPC_SIZE:
        case PK_OPC_BYTES:
            DELIVER(do_extent(vm, frame, insn, &found));
            break;
        case PK_OPC_COUNT:
            RESULT(pk_vm_count_of(vm, regs[insn->b]));
            break;
        case PK_OPC_HERE:
        case PK_OPC_POS:
            DELIVER(pk_vm_place(vm, frame, insn, &found));
            break;
        case PK_OPC_REST:
        case PK_OPC_PEEK:
        case PK_OPC_SCAN:
            RESULT(pk_vm_window(vm, insn));
            break;
        case PK_OPC_FIND:
            DELIVER(do_find(vm, frame, insn, &found));
            break;
        case PK_OPC_ELEMENT:
            AGAIN(do_element(vm, frame, insn, &found));
            break;
        case PK_OPC_SLICE:
            AGAIN(do_slice(vm, frame, insn, &found));
            break;
        case PK_OPC_ENCODE:
            AGAIN(do_encode(vm, frame, insn, &found));
            break;
        case PK_OPC_NATIVE:
            AGAIN(do_native(vm, frame, insn, &found));
            break;
        case PK_OPC_PACKET:
            AGAIN(pk_vm_packet(vm, insn->d, &found));
            break;
        case PK_OPC_CALL:
            frame->pc++;
            do_call(vm, frame, insn);
            return;
        case PK_OPC_METHOD:
            DELIVER(pk_vm_method(vm, regs[insn->b], insn->d, regs + insn->b + 1, insn->c, insn->a,
                                 &found));
            break;
        case PK_OPC_NTH:
            RESULT(pk_vm_nth(vm, regs[insn->b], insn->d, (int64_t)insn->e));
            break;
        case PK_OPC_SORTED:
            AGAIN(do_sorted(vm, frame, insn, &found));
            break;
        case PK_OPC_TEXT:
        case PK_OPC_NAMED:
            AGAIN(do_text(vm, frame, insn, &found));
            break;
        case PK_OPC_RET:
            pk_vm_return(vm, regs[insn->a]);
            return;
        case PK_OPC_FIX:
        case PK_OPC_FLD:
        case PK_OPC_FLX:
        case PK_OPC_BYT:
        case PK_OPC_VAR:
        case PK_OPC_SUB:
        case PK_OPC_LST:
        case PK_OPC_JIF:
        case PK_OPC_JMP:
        case PK_OPC_WIN:
        case PK_OPC_WEN:
        case PK_OPC_PAY:
        case PK_OPC_END:
        case PK_OPC_COUNT_OF:
            RESULT(pk_value_undefined());
            break;
        }
    }
}
