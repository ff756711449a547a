/*
 * The field tree: what a packet is made of, bit for bit.
 *
 * A tree is one array of records in wire order over one packet's bytes. The records that are leaves
 * partition the bytes exactly: fields, and the named leftovers (cut, rest, raw). An instance of a
 * layer whose leading fields have constant offsets is ONE record: those fields are "fixed" nodes,
 * read out of the image's field table when somebody asks. Only what is dynamic has records of its
 * own. Both machines make the same tree: dissect from bytes, build from a description.
 *
 * A node is a record, or a fixed field of a record. Both fit a pk_tree_node, a plain value; node 0
 * is the frame, the root that holds the outermost instance and what is left behind it.
 *
 * The tree borrows image and bytes; it owns its records, which are reused from packet to packet
 * (pk_tree_reset), so that a capture of any size is dissected in constant memory.
 */
#ifndef PK_TREE_TREE_H
#define PK_TREE_TREE_H

#include "image/image.h"
#include "image/value.h"

typedef enum pk_rec_kind {
    PK_REC_FRAME,    /* the root */
    PK_REC_INSTANCE, /* of layer `id` */
    PK_REC_FIELD,    /* field `id`: a leaf, or one element of a list of scalars */
    PK_REC_LIST,     /* field `id`: holds its elements */
    PK_REC_RAW,      /* payload that no layer claimed: a leaf */
    PK_REC_REST,     /* leftover of window `id` (STR, 0 = of the instance or frame): a leaf */
    PK_REC_CUT       /* what remained when a field did not fit, of window `id`: a leaf */
} pk_rec_kind;

typedef struct pk_rec {
    uint8_t kind;  /* pk_rec_kind */
    uint8_t flags; /* PK_REC_* */
    uint16_t slot; /* FIELD, LIST, and INSTANCE of a struct field: slot in the owner instance */
    uint32_t id;   /* layer, field, or name */
    uint32_t off;  /* bits from the packet's start */
    uint32_t bits; /* length, payload included */
    uint32_t up;   /* the record that owns this one */
    uint32_t end;  /* one past its last descendant: the next record in wire order */
} pk_rec;
enum {
    PK_REC_PAYLOAD = 1,  /* this instance or raw is the payload of the instance `up` */
    PK_REC_FIXED = 2,    /* an instance whose fixed fields are all present (as virtual nodes) */
    PK_REC_EXPLICIT = 4, /* build: the value was given, not inferred */
    PK_REC_STOP = 8,     /* raw because depth, fuel or the node limit ended dissection here */
    PK_REC_FIELD_OF =
        16 /* an instance that is the value of field `slot`, or an element of a list */
};

/* What a packet of n captured bytes may cost (RELIABILITY R2, R3). */
enum {
    PK_LAYER_DEPTH = 64,
    PK_STRUCT_DEPTH = 32,
    PK_FUEL_BASE = 4096,
    PK_FUEL_PER_BYTE = 256,
    PK_NODES_BASE = 512
};

typedef struct pk_tree {
    const pk_image *image;
    const uint8_t *bytes;
    uint32_t len;      /* captured bytes */
    uint32_t wire_len; /* bytes on the wire, >= len */
    uint32_t flags;    /* PK_TREE_* */
    pk_rec *recs;
    uint32_t count, cap;
    uint64_t shape; /* not 0: trees that one machine gave this number have the same records */
    const uint8_t
        *fixed; /* with a shape: bits that are the same in all its packets; NULL: unknown */
    char *name; /* room for a composed name; see pk_tree_name */
    uint32_t name_cap;
} pk_tree;
enum { PK_TREE_STOPPED = 1 /* a limit ended the dissection early */ };

typedef struct pk_tree_node {
    uint32_t rec;   /* record */
    uint32_t fixed; /* 0 = the record itself, k = fixed field number k-1 of that instance */
} pk_tree_node;

void pk_tree_init(pk_tree *tree, const pk_image *image);
void pk_tree_free(pk_tree *tree);

/* Empties the tree for another packet; keeps the memory. */
void pk_tree_reset(pk_tree *tree, const uint8_t *bytes, uint32_t len, uint32_t wire_len);

/* Makes `to` a tree of its own with the records of `from` over the same bytes. False without memory.
 */
bool pk_tree_copy(pk_tree *to, const pk_tree *from);

/* Appends a record (its `end` is its own index + 1 until pk_tree_close) and returns its index, or 0
 * when memory is refused. Record 0 is the frame, made by pk_tree_reset. A record that is still
 * being filled may have an `end` of UINT32_MAX: it then reaches to the last record. */
uint32_t pk_tree_add(pk_tree *tree, pk_rec rec);

/* Gives a tree that was reset the records of another over as many bytes, of which some may have a
 * name to compose when it is `named`; false without memory. */
bool pk_tree_take(pk_tree *tree, const pk_rec *recs, uint32_t count, bool named);

void pk_tree_close(pk_tree *tree, uint32_t rec, uint32_t end_bit);

/* Walking. A missing node is PK_TREE_NONE; children come in wire order, fixed fields included. */
#define PK_TREE_NONE ((pk_tree_node){UINT32_MAX, 0})
static inline bool pk_tree_none(pk_tree_node node)
{
    return node.rec == UINT32_MAX;
}
pk_tree_node pk_tree_first(const pk_tree *tree, pk_tree_node parent);
pk_tree_node pk_tree_next(const pk_tree *tree, pk_tree_node node); /* next sibling */
pk_tree_node pk_tree_parent(const pk_tree *tree, pk_tree_node node);

/* Wire order over everything: the node after `node`, children first; NONE at the end. */
pk_tree_node pk_tree_walk(const pk_tree *tree, pk_tree_node node);

pk_rec_kind pk_tree_kind(const pk_tree *tree, pk_tree_node node); /* a fixed node is a FIELD */
bool pk_tree_is_leaf(const pk_tree *tree, pk_tree_node node);
pk_ref pk_tree_layer(const pk_tree *tree, pk_tree_node node); /* LAY of an instance, else 0 */
pk_ref pk_tree_field(const pk_tree *tree, pk_tree_node node); /* FLD of a field or list, else 0 */

/* "ttl", "_cut", "options_rest": the field's name, for the instance of a struct field too; a list
 * element and every other instance have their layer's name; raw is "raw". Lives until the next
 * call for this tree. */
const char *pk_tree_name(const pk_tree *tree, pk_tree_node node);

/* Where a node lies: one run of bits, but up to three for a field of a little-endian bit group (the
 * end of one byte, whole bytes, the start of another), in the order of the wire. Returns the number
 * of runs. The offset of a record in such a group counts as if the group were big-endian. */
enum { PK_TREE_RUNS = 3 };
typedef struct pk_bit_run {
    uint32_t off, bits;
} pk_bit_run;
unsigned pk_tree_runs(const pk_tree *tree, pk_tree_node node, pk_bit_run ret_runs[PK_TREE_RUNS]);

/* The value of a leaf: integers as INT (signed types sign-extended), else BYTES in the packet. A
 * leaf that is not whole bytes (a cut) gives undefined; read it through its runs. Instances and
 * lists give NODE. */
pk_value pk_tree_value(const pk_tree *tree, pk_tree_node node);

/* Field `slot` of an instance (a fixed node, a record, an instance of a struct field, a list), its
 * payload (instance or raw), the nearest enclosing instance, element i of a list and their number. */
pk_tree_node pk_tree_slot(const pk_tree *tree, pk_tree_node instance, uint32_t slot);
pk_tree_node pk_tree_payload(const pk_tree *tree, pk_tree_node instance);
pk_tree_node pk_tree_owner(const pk_tree *tree, pk_tree_node node);
pk_tree_node pk_tree_element(const pk_tree *tree, pk_tree_node list, uint32_t index);
uint32_t pk_tree_count(const pk_tree *tree, pk_tree_node list);

static inline uint64_t pk_tree_pack(pk_tree_node node)
{
    return (uint64_t)node.rec << 32 | node.fixed;
}
static inline pk_tree_node pk_tree_unpack(uint64_t packed)
{
    return (pk_tree_node){(uint32_t)(packed >> 32), (uint32_t)packed};
}

#endif
