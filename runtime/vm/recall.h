/*
 * Dissections recalled: packets of a capture mostly look like ones before them.
 *
 * What dissecting makes of a packet is decided by its layer, its length and the few bits that are
 * read on the way (header lengths, types, conditions); all other bits only fill the fields. So a
 * dissection notes what it read, and the records that it made are kept with these notes. A later
 * packet of that layer and length for which every note holds gets the same records, without a
 * single item being run. A note is a decision, not more: of a condition whether it held, of a
 * dispatch key which layer it led to, so that two packets that differ in their ports alone are one
 * shape.
 *
 * A dissection that takes too many notes or records, that a limit stopped, or that asked something
 * else than its packet (a random number) is not kept, and then nothing is recalled: the path
 * that makes the records is always the same one, and what is recalled is what it made.
 *
 * The memory is VM_RECALL_BUCKETS times VM_RECALL_WAYS shapes, the oldest of a bucket giving way,
 * and VM_RECALL_MEMORY bytes at most.
 */
#ifndef PK_VM_RECALL_H
#define PK_VM_RECALL_H

#include "tree/tree.h"

struct pk_vm;

enum {
    VM_RECALL_BUCKETS = 1024,
    VM_RECALL_WAYS = 4,
    VM_RECALL_NOTES = 96,    /* of one dissection */
    VM_RECALL_RECORDS = 256, /* of one tree */
    VM_RECALL_MEMORY = 3 << 20
};

typedef enum vm_note_kind {
    VM_NOTE_SAME, /* the bits are `value` */
    VM_NOTE_TEST, /* comparing them as `test` says with `value` gives `holds` */
    VM_NOTE_TABLE /* table `ref` leads them to `layer` */
} vm_note_kind;

typedef struct vm_note {
    uint32_t off; /* bit of the packet */
    uint8_t bits; /* 1 to 64 */
    uint8_t kind;
    uint8_t test; /* vm_step_op, VM_DO_RETURN: not zero */
    bool holds;
    pk_ref table, layer;
    uint64_t value;
} vm_note;

typedef struct vm_notes {
    vm_note at[VM_RECALL_NOTES];
    uint32_t n, most;
    bool told; /* they say all that was read */
} vm_notes;

/* The `bits` bits (1 to 64) at `off` were read and are `value`. */
void pk_vm_note(vm_notes *notes, uint64_t off, unsigned bits, uint64_t value);

/* The same of any number of bits, and of a leaf. Everything that reads the bytes of the packet while it
 * is dissected goes through one of the three. */
void pk_vm_note_bits(vm_notes *notes, const pk_tree *tree, uint64_t off, uint64_t bits);
void pk_vm_note_leaf(vm_notes *notes, const pk_tree *tree, pk_tree_node leaf);

typedef struct vm_recall vm_recall;
void pk_vm_recall_free(vm_recall *recall);

/* Fills the tree, which is empty, when a shape is known for its bytes. */
bool pk_vm_recall(struct pk_vm *vm, pk_ref layer, pk_tree *tree);

/* Keeps what was dissected with the notes in vm->dissection. Without memory nothing is kept. */
void pk_vm_recall_keep(struct pk_vm *vm, pk_ref layer, const pk_tree *tree);

#endif
