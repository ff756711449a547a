#include "template_symbols.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory ---------------------------------------------------------------------------------- */

void pk_trace_free(vm_trace *trace)
{
    free(trace->nodes);
    free(trace->strings);
    free(trace->pieces);
    free(trace->guards);
}

bool pk_trace_grow(pk_vm *vm, void **array, uint32_t *cap, uint32_t need, size_t size)
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

bool pk_trace_decide(pk_vm *vm, pk_value value, const char *what)
{
    if (!vm->trace->following) {
        pk_trace_break_on(vm, what);
        return false;
    }
    pk_trace_guard(vm, value, value.number, value.number);
    return !vm->failed;
}

/* ---- integers -------------------------------------------------------------------------------- */

/* 0: the trace broke. */
uint16_t pk_trace_node(pk_vm *vm, trace_node node)
{
    vm_trace *trace = vm->trace;
    uint32_t at = trace->n_nodes ? trace->n_nodes : 1;
    if (at >= PK_TRACE_NODES) {
        pk_trace_break(vm, "too many computations with what varies (limit %d)", PK_TRACE_NODES);
        return 0;
    }
    if (!pk_trace_grow(vm, (void **)&trace->nodes, &trace->cap_nodes, at + 1, sizeof node))
        return 0;
    trace->nodes[at] = node;
    trace->n_nodes = at + 1;
    return (uint16_t)at;
}

static uint16_t constant(pk_vm *vm, int64_t number)
{
    return pk_trace_node(vm, (trace_node){.kind = TRACE_CONSTANT, .least = number, .most = number});
}

uint16_t pk_trace_node_of(pk_vm *vm, pk_value number)
{
    return number.spare ? number.spare : constant(vm, number.number);
}

void pk_trace_limit(trace_node *node, pk_trace_bound least, pk_trace_bound most)
{
    bool fits = least >= INT64_MIN && most <= INT64_MAX;
    node->least = fits ? (int64_t)least : INT64_MIN;
    node->most = fits ? (int64_t)most : INT64_MAX;
}

static pk_trace_bound corner(pk_trace_bound a, pk_trace_bound b, pk_trace_bound c, pk_trace_bound d,
                             bool greatest)
{
    pk_trace_bound best = a;
    const pk_trace_bound others[] = {b, c, d};
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
        pk_trace_limit(node, a->least >> b->least, a->most >> b->least);
    else if (b->least < 63)
        pk_trace_limit(node, (pk_trace_bound)a->least << b->least,
                       (pk_trace_bound)a->most << b->least);
}

static void limit_operation(trace_node *node, const trace_node *a, const trace_node *b)
{
    pk_trace_bound al = a->least, am = a->most, bl = b->least, bm = b->most;
    switch ((pk_op)node->op) {
    case PK_OPC_ADD:
        pk_trace_limit(node, al + bl, am + bm);
        return;
    case PK_OPC_SUBTRACT:
        pk_trace_limit(node, al - bm, am - bl);
        return;
    case PK_OPC_MUL:
        pk_trace_limit(node, corner(al * bl, al * bm, am * bl, am * bm, false),
                       corner(al * bl, al * bm, am * bl, am * bm, true));
        return;
    case PK_OPC_MOD:
        pk_trace_limit(node, bl > 0 ? 0 : bl + 1, bl > 0 ? bl - 1 : 0);
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
        pk_trace_limit(node, -am, -al);
        return;
    case PK_OPC_INVERT:
        pk_trace_limit(node, -am - 1, -al - 1);
        return;
    case PK_OPC_NOT:
    case PK_OPC_TRUTH:
    case PK_OPC_EQ:
    case PK_OPC_LT:
    case PK_OPC_LE:
    case PK_OPC_LTU:
    case PK_OPC_LEU:
        pk_trace_limit(node, 0, 1);
        return;
    default:
        pk_trace_limit(node, INT64_MIN, INT64_MAX);
        return;
    }
}

uint16_t pk_trace_combined(pk_vm *vm, pk_op op, uint16_t a, uint16_t b)
{
    if (!a || !b)
        return 0;
    if (op == PK_OPC_TRUTH && vm->trace->nodes[a].least >= 0 && vm->trace->nodes[a].most <= 1)
        return a;
    trace_node node = {.kind = TRACE_OPERATION, .op = (uint8_t)op, .a = a, .b = b};
    limit_operation(&node, &vm->trace->nodes[a], &vm->trace->nodes[b]);
    return pk_trace_node(vm, node);
}

uint16_t pk_trace_with(pk_vm *vm, pk_op op, uint16_t a, int64_t number)
{
    return pk_trace_combined(vm, op, a, constant(vm, number));
}

/* The low bits of a node as a number. */
static uint16_t low_bits(pk_vm *vm, uint16_t node, unsigned bits)
{
    const trace_node *at = &vm->trace->nodes[node];
    if (bits >= 64 || (at->least >= 0 && (uint64_t)at->most <= pk_bits_mask(bits)))
        return node;
    return pk_trace_with(vm, PK_OPC_AND, node, (int64_t)pk_bits_mask(bits));
}

pk_value pk_trace_named(pk_value value, uint16_t symbol)
{
    value.spare = symbol;
    return value;
}

/* ---- byte strings ---------------------------------------------------------------------------- */

bool pk_trace_piece(pk_vm *vm, uint64_t bit, unsigned bits, uint16_t node)
{
    vm_trace *trace = vm->trace;
    if (!node)
        return false;
    if (trace->n_pieces >= PK_TRACE_PIECES) {
        pk_trace_break(vm, "too many parts that vary (limit %d)", PK_TRACE_PIECES);
        return false;
    }
    if (!pk_trace_grow(vm, (void **)&trace->pieces, &trace->cap_pieces, trace->n_pieces + 1,
                       sizeof *trace->pieces))
        return false;
    trace->pieces[trace->n_pieces++] =
        (trace_piece){.bit = (uint32_t)bit, .node = node, .bits = (uint16_t)bits};
    return true;
}

/* The pieces from `first` on are those of `value`; without any it is constant. */
pk_value pk_trace_string_from(pk_vm *vm, uint32_t first, pk_value value)
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
    if (!pk_trace_grow(vm, (void **)&trace->strings, &trace->cap_strings, at + 1,
                       sizeof *trace->strings))
        return value;
    trace->strings[at] = (trace_string){.pieces = first, .n_pieces = trace->n_pieces - first};
    trace->n_strings = at + 1;
    return pk_trace_named(value, (uint16_t)at);
}

/* Adds the pieces of `bytes`, moved by `shift` bits. */
bool pk_trace_pieces_of(pk_vm *vm, pk_value bytes, uint64_t shift)
{
    if (bytes.kind != PK_BYTES || !bytes.spare)
        return true;
    const trace_string string = vm->trace->strings[bytes.spare];
    for (uint32_t i = 0; i < string.n_pieces; i++) {
        const trace_piece piece = vm->trace->pieces[string.pieces + i];
        if (!pk_trace_piece(vm, piece.bit + shift, piece.bits, piece.node))
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
            node = pk_trace_with(vm, PK_OPC_SHR, node, (int64_t)(end - hi));
        if (!pk_trace_piece(vm, lo - from, (unsigned)(hi - lo), node))
            break;
    }
    return pk_trace_string_from(vm, first, result);
}

/* At most 8 bytes as a big-endian number. */
uint16_t pk_trace_number_of(pk_vm *vm, pk_value bytes)
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
            part = pk_trace_with(vm, PK_OPC_SHL, part, shift);
        number = number ? pk_trace_combined(vm, PK_OPC_OR, number, part) : part;
        if (!number)
            return 0;
    }
    int64_t fixed = (int64_t)pk_bits_get(rest, 0, bits);
    return fixed ? pk_trace_with(vm, PK_OPC_OR, number, fixed) : number;
}

/* `result` is all of a node's low bits. */
pk_value pk_trace_string_of(pk_vm *vm, uint16_t node, pk_value result)
{
    uint32_t first = vm->trace->n_pieces;
    (void)pk_trace_piece(vm, 0, result.len * 8, node);
    return pk_trace_string_from(vm, first, result);
}

pk_value pk_trace_decode(pk_vm *vm, pk_value bytes, pk_value result)
{
    return vm->trace && bytes.spare ? pk_trace_named(result, pk_trace_number_of(vm, bytes))
                                    : result;
}

static uint16_t swapped(pk_vm *vm, uint16_t node, unsigned bits)
{
    trace_node swap = {.kind = TRACE_SWAP, .a = node, .part = bits};
    pk_trace_limit(&swap, bits < 64 ? 0 : INT64_MIN,
                   bits < 64 ? (pk_trace_bound)pk_bits_mask(bits) : (pk_trace_bound)INT64_MAX);
    return bits == 8 ? node : pk_trace_node(vm, swap);
}

pk_value pk_trace_swapped(pk_vm *vm, pk_value value, unsigned bits)
{
    return vm->trace && value.spare ? pk_trace_named(value, swapped(vm, value.spare, bits)) : value;
}

pk_value pk_trace_encode(pk_vm *vm, pk_value number, unsigned bits, bool little, pk_value result)
{
    if (!vm->trace || !number.spare || result.kind != PK_BYTES)
        return result;
    return pk_trace_string_of(vm, little ? swapped(vm, number.spare, bits) : number.spare, result);
}

pk_value pk_trace_padded(pk_vm *vm, pk_value bytes, pk_value result)
{
    return vm->trace ? pk_trace_named(result, bytes.spare) : result;
}
