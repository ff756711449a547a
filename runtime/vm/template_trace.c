#include "template_symbols.h"

#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"

/* ---- operations ------------------------------------------------------------------------------ */

static pk_value joined(pk_vm *vm, pk_value a, pk_value b, pk_value result)
{
    uint32_t first = vm->trace->n_pieces;
    if (pk_trace_pieces_of(vm, a, 0))
        (void)pk_trace_pieces_of(vm, b, a.kind == PK_BYTES ? (uint64_t)a.len * 8 : 0);
    return pk_trace_string_from(vm, first, result);
}

static pk_value repeated(pk_vm *vm, pk_value bytes, pk_value times, pk_value result)
{
    uint32_t first = vm->trace->n_pieces;
    if (!pk_trace_settled(vm, times, "how often bytes are repeated"))
        return result;
    for (uint64_t at = 0; bytes.len && at < result.len; at += bytes.len)
        if (!pk_trace_pieces_of(vm, bytes, at * 8))
            break;
    return pk_trace_string_from(vm, first, result);
}

static pk_value of_integers(pk_vm *vm, pk_op op, pk_value a, pk_value b, pk_value result)
{
    if ((op == PK_OPC_DIV || op == PK_OPC_MOD) &&
        !pk_trace_settled(vm, b, "whether a divisor is 0"))
        return result;
    if (result.kind != PK_INT)
        return result;
    return pk_trace_named(
        result, pk_trace_combined(vm, op, pk_trace_node_of(vm, a), pk_trace_node_of(vm, b)));
}

static uint16_t word_of(pk_vm *vm, pk_value bytes, uint32_t from)
{
    uint32_t len = bytes.len - from < 8 ? bytes.len - from : 8;
    pk_value word = pk_value_bytes(bytes.bytes + from, len);
    return pk_trace_number_of(vm, bytes.spare ? pk_trace_cut(vm, bytes, word) : word);
}

/* Word by word from the last: less in this one, or equal and less in those behind it. */
static uint16_t compared_words(pk_vm *vm, pk_op op, pk_value a, pk_value b)
{
    uint16_t result = 0;
    for (uint32_t from = (a.len + 7) / 8 * 8; from > 0 && !vm->failed;) {
        from -= 8;
        uint16_t left = word_of(vm, a, from), right = word_of(vm, b, from);
        if (!result) {
            result = pk_trace_combined(vm, op, left, right);
            continue;
        }
        uint16_t equal = pk_trace_combined(vm, PK_OPC_EQ, left, right);
        result = pk_trace_combined(vm, PK_OPC_AND, equal, result);
        if (op != PK_OPC_EQ)
            result = pk_trace_combined(vm, PK_OPC_OR,
                                       pk_trace_combined(vm, PK_OPC_LTU, left, right), result);
    }
    return result;
}

/* Equal lengths compare as numbers, big-endian and unsigned. */
static pk_value compared(pk_vm *vm, pk_op op, pk_value a, pk_value b, pk_value result)
{
    bool ordered = op == PK_OPC_EQ || op == PK_OPC_LT || op == PK_OPC_LE;
    if (a.len != b.len || !ordered)
        return pk_trace_named(result, 0);
    if (op != PK_OPC_EQ)
        op = op == PK_OPC_LT ? PK_OPC_LTU : PK_OPC_LEU;
    if (a.len == 0)
        return pk_trace_named(result, 0);
    return pk_trace_named(result, compared_words(vm, op, a, b));
}

static pk_value of_bytes(pk_vm *vm, pk_op op, pk_value a, pk_value b, pk_value result)
{
    switch (op) {
    case PK_OPC_ADD:
        return joined(vm, a, b, result);
    case PK_OPC_AND:
    case PK_OPC_OR:
    case PK_OPC_XOR: {
        if (result.kind != PK_BYTES)
            return result;
        uint16_t left = pk_trace_number_of(vm, a), right = left ? pk_trace_number_of(vm, b) : 0;
        return pk_trace_string_of(vm, pk_trace_combined(vm, op, left, right), result);
    }
    case PK_OPC_EQ:
    case PK_OPC_LT:
    case PK_OPC_LE:
    case PK_OPC_LTU:
    case PK_OPC_LEU:
        return compared(vm, op, a, b, result);
    default:
        pk_trace_break_on(vm, "a calculation with bytes");
        return result;
    }
}

/* An address and how far to go from it. */
static pk_value of_mixed(pk_vm *vm, pk_op op, pk_value bytes, pk_value number, pk_value result)
{
    if (op == PK_OPC_MUL)
        return repeated(vm, bytes, number, result);
    if (op == PK_OPC_EQ || op == PK_OPC_LT || op == PK_OPC_LE || op == PK_OPC_LTU ||
        op == PK_OPC_LEU || result.kind == PK_UNDEFINED)
        return pk_trace_named(result, 0); /* an integer never compares with bytes */
    if (op != PK_OPC_ADD && op != PK_OPC_SUBTRACT) {
        pk_trace_break_on(vm, "a calculation with bytes");
        return result;
    }
    uint16_t left = pk_trace_number_of(vm, bytes), right = left ? pk_trace_node_of(vm, number) : 0;
    return pk_trace_string_of(vm, pk_trace_combined(vm, op, left, right), result);
}

pk_value pk_trace_compute(pk_vm *vm, pk_op op, pk_value a, pk_value b, pk_value result)
{
    bool one = op == PK_OPC_NEG || op == PK_OPC_INVERT || op == PK_OPC_NOT || op == PK_OPC_TRUTH;
    if (vm->failed)
        return result;
    if (one)
        return a.kind == PK_INT
                   ? pk_trace_named(result, pk_trace_combined(vm, op, a.spare, a.spare))
                   : result;
    if (a.kind == PK_INT && b.kind == PK_INT)
        return of_integers(vm, op, a, b, result);
    if (a.kind > PK_BYTES || b.kind > PK_BYTES) {
        pk_trace_break_on(vm, "a calculation with a list");
        return result;
    }
    if (a.kind == PK_BYTES && b.kind == PK_INT)
        return of_mixed(vm, op, a, b, result);
    if (a.kind == PK_INT && b.kind == PK_BYTES)
        return of_mixed(vm, op, b, a, result);
    if (a.kind == PK_BYTES && b.kind == PK_BYTES)
        return of_bytes(vm, op, a, b, result);
    if (op == PK_OPC_ADD && result.kind == PK_BYTES)
        return joined(vm, a, b, result); /* one is undefined */
    return pk_trace_named(result, 0);
}

/* ---- sources --------------------------------------------------------------------------------- */

static void limit_to_set(trace_node *node)
{
    const pk_set *set = node->set;
    bool number = set->shape.kind == PK_RUN_INT;
    bool small = !set->views && (number || set->shape.width <= 6);
    pk_trace_bound least = 0, most = (pk_trace_bound)pk_bits_mask(node->len * 8);
    if (node->len == 8 || number) {
        least = INT64_MIN;
        most = INT64_MAX;
    }
    for (uint32_t i = 0; small && set->shape.kind != PK_RUN_BLOB && i < set->n_runs; i++) {
        const pk_run *run = &set->runs[i];
        pk_trace_bound first = (pk_trace_bound)run->first,
                       last = first + (pk_trace_bound)(run->count - 1) * run->step;
        pk_trace_bound lo = first < last ? first : last, hi = first < last ? last : first;
        least = i == 0 || lo < least ? lo : least;
        most = i == 0 || hi > most ? hi : most;
    }
    pk_trace_limit(node, least, most);
}

static uint16_t leaf(pk_vm *vm, trace_node node)
{
    vm_trace *trace = vm->trace;
    for (uint32_t i = 1; i < trace->n_nodes; i++) {
        const trace_node *at = &trace->nodes[i];
        if (at->kind == node.kind && at->set == node.set && at->dim == node.dim &&
            at->stream == node.stream && at->part == node.part && at->len == node.len)
            return (uint16_t)i;
    }
    if (node.set)
        limit_to_set(&node);
    return pk_trace_node(vm, node);
}

/* What an element is: an integer, or bytes 8 by 8. */
static pk_value picked(pk_vm *vm, trace_node node, pk_value value)
{
    const pk_set *set = node.set;
    if (set->count == 1 || vm->failed)
        return value;
    if (node.kind == TRACE_ELEMENT && !node.dim) {
        pk_trace_break(vm, "a set that goes on with the packet's number");
        return value;
    }
    if (set->shape.mixed) {
        pk_trace_break(vm, "a set has elements of different kinds or lengths");
        return value;
    }
    if (value.kind == PK_INT)
        return pk_trace_named(value, leaf(vm, node));
    uint32_t first = vm->trace->n_pieces;
    for (node.part = 0; node.part < value.len; node.part += 8) {
        node.len = value.len - node.part < 8 ? value.len - node.part : 8;
        if (!pk_trace_piece(vm, (uint64_t)node.part * 8, node.len * 8, leaf(vm, node)))
            return value;
    }
    value = pk_trace_string_from(vm, first, value);
    if (value.spare)
        vm->trace->strings[value.spare].set = set;
    return value;
}

pk_value pk_trace_element(pk_vm *vm, const pk_set *set, uint32_t dim, pk_value value)
{
    if (!vm->trace || value.kind == PK_UNDEFINED)
        return value;
    return picked(vm, (trace_node){.kind = TRACE_ELEMENT, .set = set, .dim = dim}, value);
}

pk_value pk_trace_choice(pk_vm *vm, const pk_set *set, uint32_t stream, pk_value value)
{
    if (!vm->trace || value.kind == PK_UNDEFINED)
        return value;
    return picked(vm, (trace_node){.kind = TRACE_CHOICE, .set = set, .stream = stream}, value);
}

pk_value pk_trace_random(pk_vm *vm, uint64_t stream, pk_value value)
{
    trace_node node = {
        .kind = TRACE_RANDOM, .stream = stream, .least = INT64_MIN, .most = INT64_MAX};
    return vm->trace ? pk_trace_named(value, leaf(vm, node)) : value;
}

/* ---- packets that are followed --------------------------------------------------------------- */

/* Bits that never differ are a constant. */
static bool is_fixed(const pk_tree *tree, uint32_t off, uint32_t bits)
{
    return tree->fixed && pk_bits_get(tree->fixed, off, bits) == pk_bits_mask(bits);
}

static uint16_t load(pk_vm *vm, unsigned side, const pk_tree *tree, uint32_t off, uint32_t bits)
{
    if (is_fixed(tree, off, bits))
        return pk_trace_node_of(vm, pk_value_int((int64_t)pk_bits_get(tree->bytes, off, bits)));
    trace_node node = {.kind = TRACE_LOAD, .part = side, .stream = off, .len = bits};
    pk_trace_bound most = bits < 64 ? (pk_trace_bound)pk_bits_mask(bits) : INT64_MAX;
    pk_trace_limit(&node, bits < 64 ? 0 : INT64_MIN, most);
    return leaf(vm, node);
}

static pk_value load_number(pk_vm *vm, unsigned side, const pk_tree *tree, pk_tree_node at,
                            pk_value value)
{
    pk_bit_run runs[PK_TREE_RUNS];
    const pk_image_field *field = &tree->image->fields[pk_tree_field(tree, at)];
    unsigned n = pk_tree_runs(tree, at, runs);
    if (field->type != PK_TYPE_UINT || n != 1 || runs[0].bits > 64) {
        pk_trace_break(vm, "a number that is not plain bits");
        return value;
    }
    if (is_fixed(tree, runs[0].off, runs[0].bits))
        return value;
    value = pk_trace_named(value, load(vm, side, tree, runs[0].off, runs[0].bits));
    bool little = (field->flags & PK_FIELD_LE) && runs[0].bits % 8 == 0;
    return little ? pk_trace_swapped(vm, value, runs[0].bits) : value;
}

pk_value pk_trace_load(pk_vm *vm, unsigned side, const pk_tree *tree, pk_tree_node at,
                       pk_value value)
{
    pk_bit_run runs[PK_TREE_RUNS];
    if (vm->failed || value.kind == PK_UNDEFINED || value.kind == PK_NODE)
        return value;
    if (value.kind == PK_INT)
        return load_number(vm, side, tree, at, value);
    uint32_t first = vm->trace->n_pieces, fixed = 0;
    if (pk_tree_runs(tree, at, runs) != 1 && value.len) {
        pk_trace_break(vm, "bytes that do not lie together");
        return value;
    }
    while (fixed < value.len && is_fixed(tree, runs[0].off + fixed * 8, 8))
        fixed++;
    if (fixed == value.len)
        return value;
    for (uint32_t from = 0; from < value.len; from += 8) {
        uint32_t bits = (value.len - from < 8 ? value.len - from : 8) * 8;
        if (!pk_trace_piece(vm, (uint64_t)from * 8, bits,
                            load(vm, side, tree, runs[0].off + from * 8, bits)))
            return value;
    }
    return pk_trace_string_from(vm, first, value);
}

pk_value pk_trace_fold(pk_vm *vm, pk_value hash, pk_value value, pk_value result)
{
    if (!vm->trace || !(hash.spare | value.spare) || vm->failed)
        return result;
    trace_node node = {.kind = TRACE_FOLD, .least = INT64_MIN, .most = INT64_MAX};
    node.a = pk_trace_node_of(vm, hash);
    node.b = pk_trace_node_of(vm, value);
    return pk_trace_named(result, pk_trace_node(vm, node));
}

pk_value pk_trace_word(pk_vm *vm, pk_value bytes, uint32_t from, pk_value result)
{
    if (!vm->trace || !bytes.spare || vm->failed)
        return result;
    return pk_trace_named(result, word_of(vm, bytes, from));
}

/* ---- native functions ------------------------------------------------------------------------ */

static pk_value summed(pk_vm *vm, pk_value bytes, pk_value result)
{
    const trace_string string = vm->trace->strings[bytes.spare];
    trace_node node = {.kind = TRACE_SUM, .pieces = string.pieces, .n_pieces = string.n_pieces};
    uint8_t *fixed = malloc(bytes.len ? bytes.len : 1);
    if (!fixed) {
        pk_vm_fail(vm, PK_ENOMEM, 0, "out of memory");
        return result;
    }
    memcpy(fixed, bytes.bytes, bytes.len);
    for (uint32_t i = 0; i < string.n_pieces; i++)
        pk_bits_put(fixed, vm->trace->pieces[string.pieces + i].bit,
                    vm->trace->pieces[string.pieces + i].bits, 0);
    node.sum = pk_checksum_add(0, fixed, bytes.len);
    free(fixed);
    pk_trace_limit(&node, 0, 0xffff);
    return pk_trace_named(result, pk_trace_node(vm, node));
}

static pk_value extreme(pk_vm *vm, const pk_value *args, unsigned n, bool greatest, pk_value result)
{
    uint16_t best = 0;
    for (unsigned i = 0; i < n && !vm->failed; i++) {
        if (args[i].kind != PK_INT)
            continue;
        uint16_t other = pk_trace_node_of(vm, args[i]);
        if (!best || !other) {
            best = other;
            continue;
        }
        const trace_node *a = &vm->trace->nodes[best], *b = &vm->trace->nodes[other];
        trace_node node = {.kind = greatest ? TRACE_GREATEST : TRACE_LEAST, .a = best, .b = other};
        bool low = greatest ? a->least > b->least : a->least < b->least;
        bool high = greatest ? a->most > b->most : a->most < b->most;
        pk_trace_limit(&node, low ? a->least : b->least, high ? a->most : b->most);
        best = pk_trace_node(vm, node);
    }
    return pk_trace_named(result, best);
}

static bool any_symbol(const pk_value *args, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (args[i].spare)
            return true;
    return false;
}

pk_value pk_trace_native(pk_vm *vm, pk_fn fn, const pk_value *args, unsigned n, pk_value result)
{
    if (!vm->trace || vm->failed || !any_symbol(args, n) || result.kind == PK_UNDEFINED)
        return result;
    bool bytes = args[0].kind == PK_BYTES && args[0].spare;
    switch (fn) {
    case PK_FN_INET_SUM:
        return bytes ? summed(vm, args[0], result) : result;
    case PK_FN_NONZERO: {
        trace_node node = {.kind = TRACE_NONZERO, .a = args[0].spare};
        const trace_node *at = &vm->trace->nodes[node.a];
        pk_trace_limit(&node, at->least, at->most > 0xffff ? at->most : 0xffff);
        return pk_trace_named(result, pk_trace_node(vm, node));
    }
    case PK_FN_MIN:
    case PK_FN_MAX:
        return extreme(vm, args, n, fn == PK_FN_MAX, result);
    case PK_FN_LENGTH:
    case PK_FN_SRC_MAC:
    case PK_FN_NEXTHOP_MAC:
    case PK_FN_SRC_IP4:
    case PK_FN_SRC_IP6: /* they look after their questions themselves */
        return result;
    case PK_FN_CRC32:
    case PK_FN_CRC32C:
    case PK_FN_ADLER32:
    case PK_FN_ZEROS:
    case PK_FN_FILL:
    case PK_FN_UBYTES:
    case PK_FN_FLIP_BITS:
    case PK_FN_FILE:
    case PK_FN_FRAME:
    case PK_FN_MD5:
    case PK_FN_SHA1:
    case PK_FN_SHA256:
    case PK_FN_HMAC_MD5:
    case PK_FN_HMAC_SHA1:
    case PK_FN_HMAC_SHA256:
    case PK_FN_SIPHASH:
    case PK_FN_HASH:
    case PK_FN_CRC16_ARC:
    case PK_FN_CRC16_FROM_ONES:
    case PK_FN_CRC16_X25:
    case PK_FN_CRC16_CCITT:
    case PK_FN_CRC16_XMODEM:
    case PK_FN_FLETCHER16:
    case PK_FN_FLETCHER32:
    case PK_FN_ADDRESS:
    case PK_FN_ENCODED:
    case PK_FN_COUNT_OF:
        break;
    }
    pk_trace_break_on(vm, "the result of a function other than inet_sum");
    return result;
}

static const pk_set *set_of(const pk_vm *vm, pk_value bytes)
{
    return vm->trace->strings[bytes.spare].set;
}

bool pk_trace_loopback(pk_vm *vm, pk_value address)
{
    static const uint8_t loopback6[16] = {[15] = 1};
    const pk_set *set = set_of(vm, address);
    pk_u128 index;
    uint32_t inside = 0;
    while (set && set->views && set->n_runs == 1)
        set = set->runs[0].of; /* what is loopback there is it in any order */
    bool part = !set || set->views;
    if (set && address.len == 16)
        part = pk_set_index_of(set, pk_value_bytes(loopback6, 16), &index);
    for (uint32_t i = 0; !part && address.len == 4 && i < set->n_runs; i++) {
        const pk_run *run = &set->runs[i];
        pk_trace_bound last =
            (pk_trace_bound)run->first + (pk_trace_bound)(run->count - 1) * run->step;
        pk_trace_bound lo = (pk_trace_bound)run->first < last ? (pk_trace_bound)run->first : last;
        pk_trace_bound hi = (pk_trace_bound)run->first < last ? last : (pk_trace_bound)run->first;
        bool whole = lo >= 0x7f000000 && hi <= 0x7fffffff;
        inside += whole;
        part = part || (!whole && hi >= 0x7f000000 && lo <= 0x7fffffff);
    }
    if (part || (inside && inside < set->n_runs))
        pk_trace_break_on(vm, "whether the destination is a loopback address");
    return inside != 0;
}

/* ---- guards and writing ---------------------------------------------------------------------- */

void pk_trace_guard(pk_vm *vm, pk_value number, int64_t least, int64_t most)
{
    vm_trace *trace = vm->trace;
    if (!trace || !number.spare || number.kind != PK_INT || vm->failed)
        return;
    const trace_node *node = &trace->nodes[number.spare];
    if (node->least >= least && node->most <= most)
        return;
    if (pk_trace_grow(vm, (void **)&trace->guards, &trace->cap_guards, trace->n_guards + 1,
                      sizeof *trace->guards))
        trace->guards[trace->n_guards++] =
            (trace_guard){.node = number.spare, .least = least, .most = most};
}

void pk_trace_bits_written(pk_vm *vm, uint16_t node, unsigned shift, uint64_t bit, unsigned bits)
{
    if (shift)
        node = pk_trace_with(vm, PK_OPC_SHR, node, shift);
    if (bits)
        (void)pk_trace_piece(vm, bit, bits, node);
}

void pk_trace_bytes_written(pk_vm *vm, pk_value bytes, uint64_t bit, unsigned skip)
{
    if (bytes.kind != PK_BYTES)
        return;
    if (skip)
        pk_trace_break_on(vm, "what begins within a byte");
    else
        (void)pk_trace_pieces_of(vm, bytes, bit);
}

pk_value pk_trace_written(pk_vm *vm, pk_value result)
{
    return vm->trace ? pk_trace_string_from(vm, vm->trace->emitted, result) : result;
}
