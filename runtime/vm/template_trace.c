#include "template_trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"

__extension__ typedef __int128 wide;

/* ---- memory ---------------------------------------------------------------------------------- */

void pk_trace_free(vm_trace *trace)
{
    free(trace->nodes);
    free(trace->strings);
    free(trace->pieces);
    free(trace->guards);
}

static bool grow(pk_vm *vm, void **array, uint32_t *cap, uint32_t need, size_t size)
{
    if (need <= *cap)
        return true;
    uint32_t wanted = *cap ? *cap * 2 : 64;
    while (wanted < need)
        wanted *= 2;
    void *grown = realloc(*array, (size_t)wanted * size);
    if (!grown) {
        pk_vm_fail(vm, PK_ENOMEM, 0, "out of memory");
        return false;
    }
    *array = grown;
    *cap = wanted;
    return true;
}

void pk_trace_break(pk_vm *vm, const char *format, ...)
{
    vm_trace *trace = vm->trace;
    if (!trace->reason[0]) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(trace->reason, sizeof trace->reason, format, args);
        va_end(args);
    }
    pk_vm_fail(vm, PK_EUNSUPPORTED, 0, "%s", trace->reason);
}

void pk_trace_break_on(pk_vm *vm, const char *what)
{
    pk_trace_break(vm, "%s depends on what varies", what);
}

/* ---- integers -------------------------------------------------------------------------------- */

/* 0: the trace broke. */
static uint16_t add_node(pk_vm *vm, trace_node node)
{
    vm_trace *trace = vm->trace;
    uint32_t at = trace->n_nodes ? trace->n_nodes : 1;
    if (at >= PK_TRACE_NODES) {
        pk_trace_break(vm, "too many computations with what varies (limit %d)", PK_TRACE_NODES);
        return 0;
    }
    if (!grow(vm, (void **)&trace->nodes, &trace->cap_nodes, at + 1, sizeof node))
        return 0;
    trace->nodes[at] = node;
    trace->n_nodes = at + 1;
    return (uint16_t)at;
}

static uint16_t constant(pk_vm *vm, int64_t number)
{
    return add_node(vm, (trace_node){.kind = TRACE_CONSTANT, .least = number, .most = number});
}

static uint16_t node_of(pk_vm *vm, pk_value number)
{
    return number.spare ? number.spare : constant(vm, number.number);
}

static void limit(trace_node *node, wide least, wide most)
{
    bool fits = least >= INT64_MIN && most <= INT64_MAX;
    node->least = fits ? (int64_t)least : INT64_MIN;
    node->most = fits ? (int64_t)most : INT64_MAX;
}

static wide corner(wide a, wide b, wide c, wide d, bool greatest)
{
    wide best = a;
    const wide others[] = {b, c, d};
    for (unsigned i = 0; i < 3; i++)
        if (greatest ? others[i] > best : others[i] < best)
            best = others[i];
    return best;
}

/* All bits that a number from 0 to `most` can have. */
static int64_t bits_below(int64_t most)
{
    uint64_t mask = (uint64_t)most;
    for (unsigned shift = 1; shift < 64; shift *= 2)
        mask |= mask >> shift;
    return (int64_t)mask;
}

static void limit_bits(trace_node *node, const trace_node *a, const trace_node *b)
{
    bool natural = a->least >= 0 && b->least >= 0;
    node->least = INT64_MIN;
    node->most = INT64_MAX;
    if (node->op == PK_OPC_AND && (a->least >= 0 || b->least >= 0)) {
        node->least = 0;
        node->most = a->least >= 0 ? a->most : b->most;
        if (natural && b->most < node->most)
            node->most = b->most;
    } else if (natural && node->op != PK_OPC_AND) {
        node->least = 0;
        node->most = bits_below(a->most | b->most);
    }
}

static void limit_shift(trace_node *node, const trace_node *a, const trace_node *b)
{
    bool known = b->least == b->most && b->least >= 0 && b->least < 64 && a->least >= 0;
    node->least = INT64_MIN;
    node->most = INT64_MAX;
    if (!known)
        return;
    if (node->op == PK_OPC_SHR)
        limit(node, a->least >> b->least, a->most >> b->least);
    else if (b->least < 63)
        limit(node, (wide)a->least << b->least, (wide)a->most << b->least);
}

static void limit_operation(trace_node *node, const trace_node *a, const trace_node *b)
{
    wide al = a->least, am = a->most, bl = b->least, bm = b->most;
    switch ((pk_op)node->op) {
    case PK_OPC_ADD:
        limit(node, al + bl, am + bm);
        return;
    case PK_OPC_SUBTRACT:
        limit(node, al - bm, am - bl);
        return;
    case PK_OPC_MUL:
        limit(node, corner(al * bl, al * bm, am * bl, am * bm, false),
              corner(al * bl, al * bm, am * bl, am * bm, true));
        return;
    case PK_OPC_MOD:
        limit(node, bl > 0 ? 0 : bl + 1, bl > 0 ? bl - 1 : 0);
        return;
    case PK_OPC_AND:
    case PK_OPC_OR:
    case PK_OPC_XOR:
        limit_bits(node, a, b);
        return;
    case PK_OPC_SHL:
    case PK_OPC_SHR:
        limit_shift(node, a, b);
        return;
    case PK_OPC_NEG:
        limit(node, -am, -al);
        return;
    case PK_OPC_INVERT:
        limit(node, -am - 1, -al - 1);
        return;
    case PK_OPC_NOT:
    case PK_OPC_TRUTH:
    case PK_OPC_EQ:
    case PK_OPC_LT:
    case PK_OPC_LE:
    case PK_OPC_LTU:
    case PK_OPC_LEU:
        limit(node, 0, 1);
        return;
    default:
        limit(node, INT64_MIN, INT64_MAX);
        return;
    }
}

static uint16_t operation(pk_vm *vm, pk_op op, uint16_t a, uint16_t b)
{
    if (!a || !b)
        return 0;
    trace_node node = {.kind = TRACE_OPERATION, .op = (uint8_t)op, .a = a, .b = b};
    limit_operation(&node, &vm->trace->nodes[a], &vm->trace->nodes[b]);
    return add_node(vm, node);
}

static uint16_t with_constant(pk_vm *vm, pk_op op, uint16_t a, int64_t number)
{
    return operation(vm, op, a, constant(vm, number));
}

/* The low bits of a node as a number. */
static uint16_t low_bits(pk_vm *vm, uint16_t node, unsigned bits)
{
    const trace_node *at = &vm->trace->nodes[node];
    if (bits >= 64 || (at->least >= 0 && (uint64_t)at->most <= pk_bits_mask(bits)))
        return node;
    return with_constant(vm, PK_OPC_AND, node, (int64_t)pk_bits_mask(bits));
}

static pk_value named(pk_value value, uint16_t symbol)
{
    value.spare = symbol;
    return value;
}

/* ---- byte strings ---------------------------------------------------------------------------- */

static bool add_piece(pk_vm *vm, uint64_t bit, unsigned bits, uint16_t node)
{
    vm_trace *trace = vm->trace;
    if (!node)
        return false;
    if (trace->n_pieces >= PK_TRACE_PIECES) {
        pk_trace_break(vm, "too many parts that vary (limit %d)", PK_TRACE_PIECES);
        return false;
    }
    if (!grow(vm, (void **)&trace->pieces, &trace->cap_pieces, trace->n_pieces + 1,
              sizeof *trace->pieces))
        return false;
    trace->pieces[trace->n_pieces++] =
        (trace_piece){.bit = (uint32_t)bit, .node = node, .bits = (uint16_t)bits};
    return true;
}

/* The pieces from `first` on are those of `value`; without any it is constant. */
static pk_value string_from(pk_vm *vm, uint32_t first, pk_value value)
{
    vm_trace *trace = vm->trace;
    uint32_t at = trace->n_strings ? trace->n_strings : 1;
    value.spare = 0;
    if (vm->failed || first == trace->n_pieces)
        return value;
    if (at >= PK_TRACE_STRINGS) {
        pk_trace_break(vm, "too many byte strings that vary (limit %d)", PK_TRACE_STRINGS);
        return value;
    }
    if (!grow(vm, (void **)&trace->strings, &trace->cap_strings, at + 1, sizeof *trace->strings))
        return value;
    trace->strings[at] = (trace_string){.pieces = first, .n_pieces = trace->n_pieces - first};
    trace->n_strings = at + 1;
    return named(value, (uint16_t)at);
}

/* Adds the pieces of `bytes`, moved by `shift` bits. */
static bool add_pieces_of(pk_vm *vm, pk_value bytes, uint64_t shift)
{
    if (bytes.kind != PK_BYTES || !bytes.spare)
        return true;
    const trace_string string = vm->trace->strings[bytes.spare];
    for (uint32_t i = 0; i < string.n_pieces; i++) {
        const trace_piece piece = vm->trace->pieces[string.pieces + i];
        if (!add_piece(vm, piece.bit + shift, piece.bits, piece.node))
            return false;
    }
    return true;
}

pk_value pk_trace_cut(pk_vm *vm, pk_value bytes, pk_value result)
{
    uint32_t first = vm->trace->n_pieces;
    const trace_string string = vm->trace->strings[bytes.spare];
    if (result.kind != PK_BYTES)
        return result;
    uint64_t from = result.len ? (uint64_t)(result.bytes - bytes.bytes) * 8 : 0;
    uint64_t to = from + (uint64_t)result.len * 8;
    for (uint32_t i = 0; i < string.n_pieces; i++) {
        const trace_piece piece = vm->trace->pieces[string.pieces + i];
        uint64_t end = piece.bit + (uint64_t)piece.bits;
        uint64_t lo = piece.bit > from ? piece.bit : from, hi = end < to ? end : to;
        if (lo >= hi)
            continue;
        uint16_t node = piece.node;
        if (hi < end)
            node = with_constant(vm, PK_OPC_SHR, node, (int64_t)(end - hi));
        if (!add_piece(vm, lo - from, (unsigned)(hi - lo), node))
            break;
    }
    return string_from(vm, first, result);
}

/* At most 8 bytes as a big-endian number. */
static uint16_t number_of(pk_vm *vm, pk_value bytes)
{
    unsigned bits = bytes.len * 8;
    uint8_t rest[8] = {0};
    uint16_t number = 0;
    if (bytes.len > sizeof rest) {
        pk_trace_break_on(vm, "a calculation with more than 8 bytes");
        return 0;
    }
    if (!bytes.spare)
        return constant(vm, (int64_t)pk_bits_get(bytes.bytes, 0, bits));
    const trace_string string = vm->trace->strings[bytes.spare];
    memcpy(rest, bytes.bytes, bytes.len);
    for (uint32_t i = 0; i < string.n_pieces; i++) {
        const trace_piece piece = vm->trace->pieces[string.pieces + i];
        unsigned shift = bits - piece.bit - piece.bits;
        pk_bits_put(rest, piece.bit, piece.bits, 0);
        uint16_t part = low_bits(vm, piece.node, piece.bits);
        if (part && shift)
            part = with_constant(vm, PK_OPC_SHL, part, shift);
        number = number ? operation(vm, PK_OPC_OR, number, part) : part;
        if (!number)
            return 0;
    }
    int64_t fixed = (int64_t)pk_bits_get(rest, 0, bits);
    return fixed ? with_constant(vm, PK_OPC_OR, number, fixed) : number;
}

/* `result` is all of a node's low bits. */
static pk_value string_of(pk_vm *vm, uint16_t node, pk_value result)
{
    uint32_t first = vm->trace->n_pieces;
    (void)add_piece(vm, 0, result.len * 8, node);
    return string_from(vm, first, result);
}

pk_value pk_trace_decode(pk_vm *vm, pk_value bytes, pk_value result)
{
    return vm->trace && bytes.spare ? named(result, number_of(vm, bytes)) : result;
}

static uint16_t swapped(pk_vm *vm, uint16_t node, unsigned bits)
{
    trace_node swap = {.kind = TRACE_SWAP, .a = node, .part = bits};
    limit(&swap, bits < 64 ? 0 : INT64_MIN, bits < 64 ? (wide)pk_bits_mask(bits) : (wide)INT64_MAX);
    return bits == 8 ? node : add_node(vm, swap);
}

pk_value pk_trace_swapped(pk_vm *vm, pk_value value, unsigned bits)
{
    return vm->trace && value.spare ? named(value, swapped(vm, value.spare, bits)) : value;
}

pk_value pk_trace_encode(pk_vm *vm, pk_value number, unsigned bits, bool little, pk_value result)
{
    if (!vm->trace || !number.spare || result.kind != PK_BYTES)
        return result;
    return string_of(vm, little ? swapped(vm, number.spare, bits) : number.spare, result);
}

pk_value pk_trace_padded(pk_vm *vm, pk_value bytes, pk_value result)
{
    return vm->trace ? named(result, bytes.spare) : result;
}

/* ---- operations ------------------------------------------------------------------------------ */

static pk_value joined(pk_vm *vm, pk_value a, pk_value b, pk_value result)
{
    uint32_t first = vm->trace->n_pieces;
    if (add_pieces_of(vm, a, 0))
        (void)add_pieces_of(vm, b, a.kind == PK_BYTES ? (uint64_t)a.len * 8 : 0);
    return string_from(vm, first, result);
}

static pk_value repeated(pk_vm *vm, pk_value bytes, pk_value times, pk_value result)
{
    uint32_t first = vm->trace->n_pieces;
    if (!pk_trace_settled(vm, times, "how often bytes are repeated"))
        return result;
    for (uint64_t at = 0; bytes.len && at < result.len; at += bytes.len)
        if (!add_pieces_of(vm, bytes, at * 8))
            break;
    return string_from(vm, first, result);
}

static pk_value of_integers(pk_vm *vm, pk_op op, pk_value a, pk_value b, pk_value result)
{
    if ((op == PK_OPC_DIV || op == PK_OPC_MOD) &&
        !pk_trace_settled(vm, b, "whether a divisor is 0"))
        return result;
    if (result.kind != PK_INT)
        return result;
    return named(result, operation(vm, op, node_of(vm, a), node_of(vm, b)));
}

/* Equal lengths compare as numbers, big-endian and unsigned. */
static pk_value compared(pk_vm *vm, pk_op op, pk_value a, pk_value b, pk_value result)
{
    bool ordered = op == PK_OPC_EQ || op == PK_OPC_LT || op == PK_OPC_LE;
    if (a.len != b.len || !ordered)
        return named(result, 0);
    if (op != PK_OPC_EQ)
        op = op == PK_OPC_LT ? PK_OPC_LTU : PK_OPC_LEU;
    uint16_t left = number_of(vm, a), right = left ? number_of(vm, b) : 0;
    return named(result, operation(vm, op, left, right));
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
        uint16_t left = number_of(vm, a), right = left ? number_of(vm, b) : 0;
        return string_of(vm, operation(vm, op, left, right), result);
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
        return named(result, 0); /* an integer never compares with bytes */
    if (op != PK_OPC_ADD && op != PK_OPC_SUBTRACT) {
        pk_trace_break_on(vm, "a calculation with bytes");
        return result;
    }
    uint16_t left = number_of(vm, bytes), right = left ? node_of(vm, number) : 0;
    return string_of(vm, operation(vm, op, left, right), result);
}

pk_value pk_trace_compute(pk_vm *vm, pk_op op, pk_value a, pk_value b, pk_value result)
{
    bool one = op == PK_OPC_NEG || op == PK_OPC_INVERT || op == PK_OPC_NOT || op == PK_OPC_TRUTH;
    if (vm->failed)
        return result;
    if (one)
        return a.kind == PK_INT ? named(result, operation(vm, op, a.spare, a.spare)) : result;
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
    return named(result, 0);
}

/* ---- sources --------------------------------------------------------------------------------- */

static bool same_class(const pk_set *set)
{
    for (uint32_t i = 1; i < set->n_runs; i++) {
        const pk_run *run = &set->runs[i], *first = &set->runs[0];
        if (run->kind != first->kind || run->width != first->width ||
            run->blob.len != first->blob.len)
            return false;
    }
    return true;
}

static void limit_to_set(trace_node *node)
{
    const pk_set *set = node->set;
    bool number = set->runs[0].kind == PK_RUN_INT, small = number || set->runs[0].width <= 6;
    wide least = 0, most = (wide)pk_bits_mask(node->len * 8);
    if (node->len == 8 || number) {
        least = INT64_MIN;
        most = INT64_MAX;
    }
    for (uint32_t i = 0; small && set->runs[0].kind != PK_RUN_BLOB && i < set->n_runs; i++) {
        const pk_run *run = &set->runs[i];
        wide first = (wide)run->first, last = first + (wide)(run->count - 1) * run->step;
        wide lo = first < last ? first : last, hi = first < last ? last : first;
        least = i == 0 || lo < least ? lo : least;
        most = i == 0 || hi > most ? hi : most;
    }
    limit(node, least, most);
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
    return add_node(vm, node);
}

/* What an element is: an integer, or bytes 8 by 8. */
static pk_value picked(pk_vm *vm, trace_node node, pk_value value)
{
    const pk_set *set = node.set;
    if (set->count == 1 || vm->failed)
        return value;
    if (!same_class(set)) {
        pk_trace_break(vm, "a set has elements of different kinds or lengths");
        return value;
    }
    if (value.kind == PK_INT)
        return named(value, leaf(vm, node));
    uint32_t first = vm->trace->n_pieces;
    for (node.part = 0; node.part < value.len; node.part += 8) {
        node.len = value.len - node.part < 8 ? value.len - node.part : 8;
        if (!add_piece(vm, (uint64_t)node.part * 8, node.len * 8, leaf(vm, node)))
            return value;
    }
    value = string_from(vm, first, value);
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

pk_value pk_trace_random(pk_vm *vm, uint32_t stream, pk_value value)
{
    trace_node node = {
        .kind = TRACE_RANDOM, .stream = stream, .least = INT64_MIN, .most = INT64_MAX};
    return vm->trace ? named(value, leaf(vm, node)) : value;
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
    limit(&node, 0, 0xffff);
    return named(result, add_node(vm, node));
}

static pk_value extreme(pk_vm *vm, const pk_value *args, unsigned n, bool greatest, pk_value result)
{
    uint16_t best = 0;
    for (unsigned i = 0; i < n && !vm->failed; i++) {
        if (args[i].kind != PK_INT)
            continue;
        uint16_t other = node_of(vm, args[i]);
        if (!best || !other) {
            best = other;
            continue;
        }
        const trace_node *a = &vm->trace->nodes[best], *b = &vm->trace->nodes[other];
        trace_node node = {.kind = greatest ? TRACE_GREATEST : TRACE_LEAST, .a = best, .b = other};
        bool low = greatest ? a->least > b->least : a->least < b->least;
        bool high = greatest ? a->most > b->most : a->most < b->most;
        limit(&node, low ? a->least : b->least, high ? a->most : b->most);
        best = add_node(vm, node);
    }
    return named(result, best);
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
        limit(&node, at->least, at->most > 0xffff ? at->most : 0xffff);
        return named(result, add_node(vm, node));
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
    bool part = !set;
    if (set && address.len == 16)
        part = pk_set_index_of(set, pk_value_bytes(loopback6, 16), &index);
    for (uint32_t i = 0; set && address.len == 4 && i < set->n_runs; i++) {
        const pk_run *run = &set->runs[i];
        wide last = (wide)run->first + (wide)(run->count - 1) * run->step;
        wide lo = (wide)run->first < last ? (wide)run->first : last;
        wide hi = (wide)run->first < last ? last : (wide)run->first;
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
    if (grow(vm, (void **)&trace->guards, &trace->cap_guards, trace->n_guards + 1,
             sizeof *trace->guards))
        trace->guards[trace->n_guards++] =
            (trace_guard){.node = number.spare, .least = least, .most = most};
}

void pk_trace_bits_written(pk_vm *vm, uint16_t node, unsigned shift, uint64_t bit, unsigned bits)
{
    if (shift)
        node = with_constant(vm, PK_OPC_SHR, node, shift);
    if (bits)
        (void)add_piece(vm, bit, bits, node);
}

void pk_trace_bytes_written(pk_vm *vm, pk_value bytes, uint64_t bit, unsigned skip)
{
    if (bytes.kind != PK_BYTES)
        return;
    if (skip)
        pk_trace_break_on(vm, "what begins within a byte");
    else
        (void)add_pieces_of(vm, bytes, bit);
}

pk_value pk_trace_written(pk_vm *vm, pk_value result)
{
    return vm->trace ? string_from(vm, vm->trace->emitted, result) : result;
}
