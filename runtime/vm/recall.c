#include "recall.h"

#include <stdlib.h>
#include <string.h>

#include "ready.h"

/* Notes of the kind SAME, as many as lie within eight bytes, in the order of memory. */
typedef struct word {
    uint64_t mask, value;
    uint64_t at; /* byte of the packet */
} word;

/* One block holds the words, then the other notes, then the records. */
typedef struct shape {
    uint64_t serial;
    pk_ref layer; /* 0 = free */
    uint32_t len;
    uint16_t n_words, n_notes, n_recs;
    bool named; /* some record has a name to compose */
    size_t cap;
    word *words;
    vm_note *notes;
    pk_rec *recs;
} shape;

struct vm_recall {
    size_t used;
    shape shapes[VM_RECALL_BUCKETS][VM_RECALL_WAYS]; /* the last used first */
};

void pk_vm_recall_free(vm_recall *recall)
{
    if (!recall)
        return;
    for (uint32_t i = 0; i < VM_RECALL_BUCKETS; i++)
        for (uint32_t k = 0; k < VM_RECALL_WAYS; k++)
            free(recall->shapes[i][k].words);
    free(recall);
}

/* ---- notes ----------------------------------------------------------------------------------- */

void pk_vm_note(vm_notes *notes, uint64_t off, unsigned bits, uint64_t value)
{
    for (uint32_t i = notes->n; i-- > 0 && i + 8 >= notes->n;)
        if (notes->at[i].off == off && notes->at[i].bits == bits &&
            notes->at[i].kind == VM_NOTE_SAME)
            return;
    if (notes->n >= notes->most)
        notes->told = false;
    else if (bits > 0)
        notes->at[notes->n++] =
            (vm_note){.off = (uint32_t)off, .bits = (uint8_t)bits, .value = value};
}

void pk_vm_note_bits(vm_notes *notes, const pk_tree *tree, uint64_t off, uint64_t bits)
{
    if (off + bits > (uint64_t)tree->len * 8)
        notes->told = false;
    while (bits > 0 && notes->told && notes->n <= notes->most) {
        unsigned take = bits < 64 ? (unsigned)bits : 64;
        pk_vm_note(notes, off, take, pk_bits_get(tree->bytes, off, take));
        off += take;
        bits -= take;
    }
}

void pk_vm_note_leaf(vm_notes *notes, const pk_tree *tree, pk_tree_node leaf)
{
    pk_bit_run runs[PK_TREE_RUNS];
    for (unsigned i = pk_tree_runs(tree, leaf, runs); i-- > 0;)
        pk_vm_note_bits(notes, tree, runs[i].off, runs[i].bits);
}

static bool compare(uint8_t test, uint64_t a, uint64_t b)
{
    switch (test) {
    case VM_DO_EQ:
        return a == b;
    case VM_DO_LT:
        return (int64_t)a < (int64_t)b;
    case VM_DO_LTU:
        return a < b;
    case VM_DO_LEU:
        return a <= b;
    default:
        return a != 0;
    }
}

static inline bool holds(pk_vm *vm, const vm_note *note, const pk_tree *tree)
{
    uint64_t value = pk_vm_load(tree, note->off, note->bits);
    if (note->kind == VM_NOTE_SAME)
        return value == note->value;
    if (note->kind == VM_NOTE_TEST)
        return compare(note->test, value, note->value) == note->holds;
    return pk_vm_dispatch(vm, note->table, value) == note->layer;
}

/* ---- shapes ---------------------------------------------------------------------------------- */

static shape *bucket_of(const pk_vm *vm, pk_ref layer, uint32_t len)
{
    return vm->recall->shapes[(len * UINT32_C(2654435761) >> 16 ^ layer) % VM_RECALL_BUCKETS];
}

static inline bool fits(pk_vm *vm, const shape *at, const pk_tree *tree)
{
    uint64_t wrong = 0, found;
    for (uint32_t i = 0; i < at->n_words && !wrong; i++) {
        memcpy(&found, tree->bytes + at->words[i].at, sizeof found);
        wrong = (found ^ at->words[i].value) & at->words[i].mask;
    }
    if (wrong)
        return false;
    for (uint32_t i = 0; i < at->n_notes; i++)
        if (!holds(vm, &at->notes[i], tree))
            return false;
    return true;
}

static void to_front(shape *bucket, uint32_t way)
{
    shape found = bucket[way];
    memmove(bucket + 1, bucket, way * sizeof *bucket);
    bucket[0] = found;
}

bool pk_vm_recall(pk_vm *vm, pk_ref layer, pk_tree *tree)
{
    if (!vm->recall || vm->thorough)
        return false;
    shape *bucket = bucket_of(vm, layer, tree->len);
    for (uint32_t i = 0; i < VM_RECALL_WAYS; i++) {
        const shape *at = &bucket[i];
        if (at->layer != layer || at->len != tree->len || !fits(vm, at, tree))
            continue;
        if (!pk_tree_take(tree, at->recs, at->n_recs, at->named))
            return false;
        tree->shape = at->serial;
        if (i > 0)
            to_front(bucket, i);
        return true;
    }
    return false;
}

/* ---- keeping --------------------------------------------------------------------------------- */

/* Room in the shape for so many bytes. */
static bool make_room(vm_recall *recall, shape *at, size_t size)
{
    if (size <= at->cap)
        return true;
    if (recall->used - at->cap + size > VM_RECALL_MEMORY)
        return false;
    word *words = realloc(at->words, size);
    if (!words)
        return false;
    recall->used += size - at->cap;
    at->words = words;
    at->cap = size;
    return true;
}

/* The note as part of the word that begins at byte `at`; false when it does not lie in it. */
static bool join(word *to, const vm_note *note)
{
    uint64_t lo = note->off - to->at * 8, hi = lo + note->bits;
    if (note->kind != VM_NOTE_SAME || note->off < to->at * 8 || hi > 64)
        return false;
    to->mask |= htobe64(pk_bits_mask(note->bits) << (64 - hi));
    to->value |= htobe64(note->value << (64 - hi));
    return true;
}

/* Sorts what was noted into words and other notes. */
static void sort_notes(const vm_notes *notes, uint32_t len, shape *at)
{
    for (uint32_t i = 0; i < notes->n; i++) {
        const vm_note *note = &notes->at[i];
        uint32_t k = 0;
        while (k < at->n_words && !join(&at->words[k], note))
            k++;
        if (k < at->n_words)
            continue;
        word begun = {.at = note->off / 8 + 8 <= len ? note->off / 8 : len - 8};
        if (len >= 8 && join(&begun, note))
            at->words[at->n_words++] = begun;
        else
            at->notes[at->n_notes++] = *note;
    }
}

static bool has_names(const pk_tree *tree)
{
    bool named = false;
    for (uint32_t i = 0; i < tree->count; i++)
        named |= tree->recs[i].kind >= PK_REC_REST && tree->recs[i].id;
    return named;
}

static bool worth_keeping(const vm_notes *notes, const pk_tree *tree)
{
    return notes->told && tree->count <= VM_RECALL_RECORDS && !(tree->flags & PK_TREE_STOPPED);
}

void pk_vm_recall_keep(pk_vm *vm, pk_ref layer, const pk_tree *tree)
{
    const vm_notes *notes = &vm->dissection.notes;
    if (vm->thorough || !worth_keeping(notes, tree))
        return;
    if (!vm->recall && !(vm->recall = calloc(1, sizeof *vm->recall)))
        return;
    shape *bucket = bucket_of(vm, layer, tree->len);
    to_front(bucket, VM_RECALL_WAYS - 1);
    size_t noted = notes->n * sizeof *notes->at, worded = notes->n * sizeof(word);
    size_t kept = tree->count * sizeof *tree->recs;
    shape *at = &bucket[0];
    at->layer = 0;
    if (!make_room(vm->recall, at, worded + noted + kept))
        return;
    at->notes = (vm_note *)(void *)(at->words + notes->n);
    at->recs = (pk_rec *)(void *)(at->notes + notes->n);
    at->n_words = at->n_notes = 0;
    sort_notes(notes, tree->len, at);
    memcpy(at->recs, tree->recs, kept);
    at->named = has_names(tree);
    at->layer = layer;
    at->len = tree->len;
    at->n_recs = (uint16_t)tree->count;
    at->serial = ++vm->shapes;
}
