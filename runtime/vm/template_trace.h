/*
 * What a build was computed from.
 *
 * While a machine has a trace, a build notes where each value comes from. A value that depends on
 * the packet's index carries the number of a symbol in `spare` (0: it is constant):
 *
 *   an integer's symbol is a node of a graph whose leaves are elements of sets (picked by a digit
 *   of the index or at random), random numbers and constants, and whose inner nodes are arithmetic
 *   and Internet checksums;
 *   a byte string's symbol is a list of pieces: bits at a position that are an integer's low bits.
 *   All its other bits are constant, and so is its length.
 *
 * The kind of a value (undefined, integer, bytes of that length) is always constant. Whoever lets an
 * integer with a symbol decide something else (a jump, a size, an element's number, a variable
 * width) must ask pk_trace_settled, and what computes from values in another way than those known
 * here must refuse them: the trace then breaks, the build fails, and the packets have no single
 * shape as far as the trace can tell. So a build that ends well took decisions that hold for every
 * index, and the packet's own pieces and their graph say what differs from packet to packet. What
 * may still fail for some index (a value that does not fit its field) is noted as a guard.
 *
 * Sums. A checksum's node keeps the sum of the constant words and its pieces. The Internet checksum
 * of RFC 1071 folds a sum S of 16-bit words with carries: the result is 0 for S = 0 and else the
 * one number in 1..65535 that equals S modulo 65535. Any S' that equals S modulo 65535 and is 0
 * only together with S therefore gives the same checksum, in the same of its two forms of zero.
 * As 2^16 is 1 modulo 65535, a piece of value v whose last bit lies s bits before the end of a word
 * adds v 2^s, whatever words it spans; v 2^s is 0 only for v = 0, and nothing here is negative. So
 * S' = constant words + sum of v 2^s, wherever pieces begin or end.
 *
 * Following. A trace can also follow expressions over finished trees (pk_vm_eval): sources are then
 * the bits of one packet or two that have the same trees as the ones at hand, and a decision breaks
 * nothing but becomes a guard: what was computed holds for all packets of which it gives the same
 * (match_follow.h).
 *
 * The trace owns its memory. It is for one build; numbers of symbols mean nothing in another.
 */
#ifndef PK_VM_TEMPLATE_TRACE_H
#define PK_VM_TEMPLATE_TRACE_H

#include "set/set.h"
#include "vm/internal.h"

enum {
    PK_TRACE_NODES = 4096,   /* integers in one trace */
    PK_TRACE_STRINGS = 4096, /* byte strings in one trace */
    PK_TRACE_PIECES = 65536, /* pieces of all byte strings */
    PK_TRACE_REASON = 160
};

typedef enum trace_kind {
    TRACE_CONSTANT,  /* least */
    TRACE_ELEMENT,   /* element of a set, picked by a digit of the index */
    TRACE_CHOICE,    /* element of a set, picked at random */
    TRACE_RANDOM,    /* 64 random bits */
    TRACE_OPERATION, /* `op` of a and b */
    TRACE_LEAST,     /* the lesser of a and b, signed */
    TRACE_GREATEST,
    TRACE_NONZERO, /* a, or 0xffff in place of 0 */
    TRACE_SWAP,    /* the `part` bits of a with their bytes in the other order */
    TRACE_LOAD,    /* `len` bits at bit `stream` of packet `part`; only when following */
    TRACE_FOLD,    /* hash a with b folded in; only when following */
    TRACE_WAY,     /* `part` (trace_way_part) of the way to address a, with b its upper half */
    TRACE_SUM      /* Internet checksum of `sum` and `n_pieces` pieces from `pieces` on */
} trace_kind;

/* The parts of a way; of its source also the upper half, of 16 bytes. */
typedef enum trace_way_part {
    PK_WAY_SOURCE,
    PK_WAY_SOURCE_HIGH,
    PK_WAY_SOURCE_MAC,
    PK_WAY_NEXTHOP_MAC
} trace_way_part;

/* Bits `bit` .. bit + bits - 1 are the low bits of integer `node`. */
typedef struct trace_piece {
    uint32_t bit;
    uint16_t node;
    uint16_t bits; /* 1 to 64 */
} trace_piece;

typedef struct trace_node {
    uint8_t kind, op;
    uint16_t a, b;     /* operands */
    uint32_t dim;      /* ELEMENT */
    uint64_t stream;   /* CHOICE, RANDOM */
    const pk_set *set; /* ELEMENT, CHOICE */
    uint32_t part,
        len; /* ELEMENT, CHOICE of bytes: which of them; SWAP: bits; WAY: of the address */
    uint32_t pieces, n_pieces;
    uint64_t sum;
    int64_t least, most; /* no value lies outside */
} trace_node;

typedef struct trace_string {
    uint32_t pieces, n_pieces;
    const pk_set *set; /* it is just an element of this set */
} trace_string;

typedef struct trace_guard {
    uint16_t node;
    int64_t least, most;
} trace_guard;

typedef struct vm_trace {
    trace_node *nodes;
    trace_string *strings;
    trace_piece *pieces;
    trace_guard *guards;
    uint32_t n_nodes, n_strings, n_pieces, n_guards;
    uint32_t cap_nodes, cap_strings, cap_pieces, cap_guards;
    uint32_t emitted; /* pieces of what is being written, from here on */
    bool following;   /* expressions over trees; decisions are guards */
    bool later;       /* it broke over a way that is not known yet */
    bool opaque;      /* bytes that vary stand for an instance: its inner structure may vary too */
    char reason[PK_TRACE_REASON];
} vm_trace;

void pk_trace_free(vm_trace *trace);

/* The trace cannot follow; the build fails. Keeps the first reason. */
void pk_trace_break(pk_vm *vm, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Slow paths of the functions below. */
void pk_trace_break_on(pk_vm *vm, const char *what);
bool pk_trace_decide(pk_vm *vm, pk_value value, const char *what);
pk_value pk_trace_load(pk_vm *vm, unsigned side, const pk_tree *tree, pk_tree_node leaf,
                       pk_value value);
pk_value pk_trace_compute(pk_vm *vm, pk_op op, pk_value a, pk_value b, pk_value result);
pk_value pk_trace_cut(pk_vm *vm, pk_value bytes, pk_value result);
void pk_trace_bytes_written(pk_vm *vm, pk_value bytes, uint64_t bit, unsigned skip);
void pk_trace_bits_written(pk_vm *vm, uint16_t node, unsigned shift, uint64_t bit, unsigned bits);

/* `value` decides something ("a condition"): it must be constant; of bytes, its length. */
static inline bool pk_trace_settled(pk_vm *vm, pk_value value, const char *what)
{
    return !vm->trace || !value.spare || value.kind != PK_INT || pk_trace_decide(vm, value, what);
}

/* `value` is used in a way that nothing here follows: all of it must be constant. */
static inline bool pk_trace_constant(pk_vm *vm, pk_value value, const char *what)
{
    if (!vm->trace || !value.spare)
        return true;
    pk_trace_break_on(vm, what);
    return false;
}

/* `result` is what `op` made of a and b. */
static inline pk_value pk_trace_operation(pk_vm *vm, pk_op op, pk_value a, pk_value b,
                                          pk_value result)
{
    if (!vm->trace || !(a.spare | b.spare))
        return result;
    return pk_trace_compute(vm, op, a, b, result);
}

/* `result` lies within the bytes of `bytes`. */
static inline pk_value pk_trace_slice(pk_vm *vm, pk_value bytes, pk_value result)
{
    return vm->trace && bytes.spare ? pk_trace_cut(vm, bytes, result) : result;
}

/* `value` is what leaf `leaf` of the tree at hand (side 0) or the other one says. */
static inline pk_value pk_trace_leaf(pk_vm *vm, unsigned side, const pk_tree *tree,
                                     pk_tree_node leaf, pk_value value)
{
    return vm->trace && vm->trace->following ? pk_trace_load(vm, side, tree, leaf, value) : value;
}

/* `result` is hash `hash` with `value` folded in. */
pk_value pk_trace_fold(pk_vm *vm, pk_value hash, pk_value value, pk_value result);

/* At most 8 bytes of `bytes` from `from` on as a number, with its symbol. */
pk_value pk_trace_word(pk_vm *vm, pk_value bytes, uint32_t from, pk_value result);

/* Sources. `dim` is the axis's dimension. */
pk_value pk_trace_element(pk_vm *vm, const pk_set *set, uint32_t dim, pk_value value);
pk_value pk_trace_choice(pk_vm *vm, const pk_set *set, uint32_t stream, pk_value value);
pk_value pk_trace_random(pk_vm *vm, uint64_t stream, pk_value value);

/* `result` is what a native function made of its arguments. */
pk_value pk_trace_native(pk_vm *vm, pk_fn fn, const pk_value *args, unsigned n, pk_value result);

/* `result` is what the environment says of the way to `destination`: a constant when that is one
 * way and known. */
pk_value pk_trace_way(pk_vm *vm, trace_way_part part, pk_value destination, pk_value result);

/* Are the possible values of this address loopback addresses, or none of them? Breaks the trace
 * when some are, and where it cannot tell. */
bool pk_trace_loopback(pk_vm *vm, pk_value address);

/* `result` is `number` as `bits` bits. */
pk_value pk_trace_encode(pk_vm *vm, pk_value number, unsigned bits, bool little, pk_value result);

/* `result` is the integer that the bytes say, big-endian, at most 8. */
pk_value pk_trace_decode(pk_vm *vm, pk_value bytes, pk_value result);

/* `result` is `bytes` with constant bytes behind. */
pk_value pk_trace_padded(pk_vm *vm, pk_value bytes, pk_value result);

/* An integer with a symbol must lie within least..most, or the packet cannot be built. */
void pk_trace_guard(pk_vm *vm, pk_value number, int64_t least, int64_t most);

/* The writer begins; writes an integer's bits shift .. shift + bits - 1, or bytes, at `bit`; ends
 * with `result`. */
static inline void pk_trace_write(pk_vm *vm)
{
    if (vm->trace)
        vm->trace->emitted = vm->trace->n_pieces;
}
static inline void pk_trace_wrote_bits(pk_vm *vm, pk_value value, unsigned shift, uint64_t bit,
                                       unsigned bits)
{
    if (vm->trace && value.spare)
        pk_trace_bits_written(vm, value.spare, shift, bit, bits);
}
static inline void pk_trace_wrote_bytes(pk_vm *vm, pk_value bytes, uint64_t bit, unsigned skip)
{
    if (vm->trace && bytes.spare)
        pk_trace_bytes_written(vm, bytes, bit, skip);
}
/* The value with its bytes in the other order; only its symbol is looked at. */
pk_value pk_trace_swapped(pk_vm *vm, pk_value value, unsigned bits);
pk_value pk_trace_written(pk_vm *vm, pk_value result);

#endif
