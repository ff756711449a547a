/*
 * Expressions made ready: integers read from a tree, counted with and compared.
 *
 * They are most of what dissecting asks (header lengths, windows, keys, conditions). The first time
 * that one is asked for, its code is translated into steps over 64-bit registers: a fixed field has
 * become a load at a known place, constants are folded and wait in registers of their own, a jump
 * to the end is the end. A step has no frame, no kind and no memory to ask for.
 *
 * What does not fit this, an address, a list, a default, a function, is left to the general machine
 * from the start (`steps` is NULL) or when it turns up (pk_vm_ready returns false): nothing that
 * was done until then has left a trace. What is spent is the same either way: a step costs as many
 * instructions as it stands for. Made for one machine, which is for one thread: a step may remember
 * what it found last.
 */
#ifndef PK_VM_READY_H
#define PK_VM_READY_H

#include <endian.h>

#include "internal.h"

typedef enum vm_step_op {
    VM_DO_UNDEFINED, /* a is undefined */
    VM_DO_MOVE,      /* a = b, undefined included */
    VM_DO_LOAD,      /* a = `bits` bits at bit `at` of the instance */
    VM_DO_SLOT,      /* a = slot `at`, where it stands; undefined when absent */
    VM_DO_HAS,       /* a = slot `at` is there */
    VM_DO_MEMBER,    /* a = member `at` of node b */
    VM_DO_SIZE,      /* a = bytes of part c of node b, `at` and `number` as in the code */
    VM_DO_HERE,
    VM_DO_REST,
    VM_DO_PEEK, /* a = the next `bits` bits */
    VM_DO_ADD,
    VM_DO_SUBTRACT,
    VM_DO_MUL,
    VM_DO_AND,
    VM_DO_OTHER, /* a = b and c, by the opcode in `at` */
    VM_DO_EQ,
    VM_DO_LT,
    VM_DO_LTU,
    VM_DO_LEU,
    VM_DO_NOT,
    VM_DO_TRUTH,
    VM_DO_NEG,
    VM_DO_JUMP,
    VM_DO_JUMPF,
    VM_DO_JUMPT,
    VM_DO_JUMPD,
    VM_DO_DEFINED, /* a number is wanted of a: without one the general machine must see to it */
    VM_DO_CLEAR,   /* a is defined from here on */
    VM_DO_RETURN   /* a, which is `rest` itself when `bits` says so */
} vm_step_op;

typedef struct vm_step {
    uint8_t op, a, b, c;
    uint16_t cost; /* instructions that it stands for */
    uint16_t bits;
    uint32_t at; /* of a jump: the step to go to */
    union {
        uint64_t number;
        struct {
            pk_ref layer; /* MEMBER: whose fixed field was found last, 0 = none */
            uint32_t off;
        } found;
    };
} vm_step;

enum {
    VM_READY_CODE = 64,    /* instructions of an expression that is made ready */
    VM_READY_REGS = 16,    /* its own registers */
    VM_READY_NUMBERS = 32, /* with those that hold constants */
    VM_READY_SELF = 255    /* node b: the instance; else an argument */
};

typedef struct vm_ready {
    vm_step *steps; /* NULL: not for this */
    pk_ref layer;   /* of which the instance must be, 0 = any */
    bool fixed;     /* its fixed fields must be there */
    bool wire;      /* it asks where the dissection is */
    int64_t *regs;
} vm_ready;

/* `bits` (1 to 64) bits at `off`, which lie within the packet. */
static inline uint64_t pk_vm_load(const pk_tree *tree, uint64_t off, unsigned bits)
{
    uint64_t word;
    if (off / 8 + sizeof word > tree->len || off % 8 + bits > 64)
        return pk_bits_get(tree->bytes, off, bits);
    __builtin_memcpy(&word, tree->bytes + off / 8, sizeof word);
    return be64toh(word) << off % 8 >> (64 - bits);
}

/* How a condition that reads one fixed field compares it with the constant `ret_with`: a comparison,
 * VM_DO_RETURN for the field itself (not zero), VM_DO_UNDEFINED for any other expression. With NULL
 * only the field itself is meant. */
vm_step_op pk_vm_ready_test(const pk_vm *vm, pk_ref expr, uint64_t *ret_with);

/* Translates; NULL without memory, which may be asked for again. */
vm_ready *pk_vm_ready_make(pk_vm *vm, pk_ref expr);

/* The result of an operation on two integers; undefined for what is none. */
pk_value pk_vm_operation(pk_vm *vm, pk_op op, int64_t a, int64_t b);

/* The field in `slot` of the layer when it is an unsigned integer at a fixed place; else NULL. */
const pk_image_field *pk_vm_fixed_integer(const pk_image *image, pk_ref layer, uint32_t slot,
                                          uint32_t *ret_off);

#endif
