/*
 * What the files of the machines share.
 *
 * Evaluation is one stack of frames. An expression frame runs instructions over a window of
 * registers; what it asks for and cannot have at once (a let of another instance, the default of a
 * field that nobody computed yet, the size of a list) is pushed as a frame of its own, and when
 * that is done the instruction either has its result or is run again and now finds it. The other
 * kinds of frame visit many things and keep a cursor, so that they too can be interrupted:
 *
 *   EXPR     an expression                        access.c, eval.c
 *   FIND     find(list, condition)                lists.c
 *   MAP      a member of every element of a list  lists.c
 *   FORMAL   an argument of a struct              lists.c
 *   SLOT     the value of a field (build)         slot.c
 *   NODE     the value of a leaf, of a two-way scalar, the bytes given for a struct (build) slot.c
 *   WALK     which items are present (build)      slot.c
 *   SIZE     bits of items or of a list (build)   size.c
 *   RESOLVE  every value of items or of a list (build) size.c
 *   BYTES    the encoding of a part (build)       size.c
 *   POS      bytes from the start of the layer (build) size.c
 *
 * Nodes of values belong to one of two worlds. On a tree (dissecting, or over finished trees) a
 * node is a pk_tree_node. While building it is the index of a vm_node: instances, lists and leaves
 * made from the plan, then completed as they are asked for, each slot computed at most once.
 */
#ifndef PK_VM_INTERNAL_H
#define PK_VM_INTERNAL_H

#include "recall.h"
#include "base/cookie.h"
#include "tree/bits.h"
#include "vm/vm.h"

#define VM_NO_ITEM UINT32_MAX

enum {
    VM_MULTI = PK_MANY,
    VM_DISCARD = 255, /* a frame's result is found where it was stored */
    VM_READY = 0,
    VM_PUSHED = 1,        /* a frame was pushed (or the machine failed): run the same step again */
    VM_PART_NOTHING = 200 /* the payload of an instance that has none */
};

/* ---- scratch memory: reused from call to call
 * ---------------------------------------------------- */

typedef struct vm_chunk vm_chunk;
typedef struct vm_scratch {
    vm_chunk *first, *at;
    size_t used; /* of chunk `at` */
} vm_scratch;

void *pk_vm_scratch_alloc(vm_scratch *scratch, size_t size); /* NULL without memory */
void pk_vm_scratch_reset(vm_scratch *scratch);
void pk_vm_scratch_free(vm_scratch *scratch);

/* ---- frames
 * -------------------------------------------------------------------------------------- */

typedef enum vm_frame_kind {
    VM_EXPR,
    VM_FIND,
    VM_MAP,
    VM_FORMAL,
    VM_SLOT,
    VM_NODE,
    VM_WALK,
    VM_SIZE,
    VM_RESOLVE,
    VM_BYTES,
    VM_POS
} vm_frame_kind;

typedef struct vm_frame {
    uint8_t kind;
    uint8_t dst;           /* register of the frame below that takes the result, or VM_DISCARD */
    uint8_t stage;         /* of a frame that goes through several */
    uint8_t part;          /* pk_image_part, or VM_PART_NOTHING */
    bool got;              /* `held` is the result of the frame that was pushed */
    uint32_t regs, n_regs; /* window in the machine's registers */
    uint32_t expr, pc;
    uint32_t item; /* build: the item at hand, or VM_NO_ITEM */
    uint32_t n_args;
    const pk_value *args;
    pk_value self;
    pk_value held, arg;
    uint32_t node, slot, field;
    uint32_t from, to, at;
    uint32_t taint; /* how often a field in computation had been passed over at the start */
    uint64_t sum;
} vm_frame;

/* ---- building
 * ------------------------------------------------------------------------------------ */

typedef enum vm_node_kind { VM_IS_ROOT, VM_IS_INSTANCE, VM_IS_LIST, VM_IS_LEAF } vm_node_kind;
typedef enum vm_role { VM_OUTERMOST, VM_FIELD, VM_ELEMENT, VM_PAYLOAD, VM_REST, VM_CUT } vm_role;
typedef enum vm_state { VM_EMPTY, VM_BUSY, VM_DONE } vm_state;
enum {
    VM_NODE_EXPLICIT = 1,
    VM_NODE_RESOLVED = 2,
    VM_NODE_SIZED = 4,
    VM_NODE_WALKING = 8,
    VM_NODE_ENDS = 16, /* `_cut` is given: only the items up to the last one given */
    VM_NODE_RAW = 32   /* a leaf written as it stands, whatever its field */
};

typedef struct vm_node {
    uint8_t kind, role, state, flags;
    uint16_t slot;
    uint16_t structs; /* structures above it in its layer */
    uint32_t layer, field, plan;
    uint32_t up, next, first, last, count; /* children of lists; `up` of an element is the list */
    uint32_t slots, items, walked;
    uint32_t pay;      /* the item that takes the payload, VM_NO_ITEM until known */
    uint32_t payload;  /* list of the payload's parts, 0 = none */
    uint32_t leftover; /* chain of REST and CUT leaves through next */
    uint32_t window;   /* of a leftover */
    uint32_t expr, lo;
    uint32_t fuzz; /* key of an instance whose constant defaults are random, 0 = none */
    uint64_t bits; /* once SIZED */
    pk_value value;
} vm_node;

typedef struct vm_slot {
    uint8_t state;
    uint8_t given;    /* 0, or 1 + pk_given_kind */
    uint8_t sized;    /* vm_state of `width` */
    bool raw;         /* the value is what stands there, whatever the field's encoding */
    uint32_t ref;     /* EXP given, or node */
    uint32_t imposed; /* EXP */
    bool keyed;       /* imposed: `key`, by a shared dispatch table */
    uint64_t key;
    uint32_t field; /* FLD, once DONE; 0 = absent */
    uint32_t lo;
    uint32_t child; /* node of a struct or list */
    uint32_t width; /* bits of an integer whose width is an expression */
    pk_value value;
} vm_slot;

/* ---- dissecting
 * ---------------------------------------------------------------------------------- */

typedef enum vm_level_kind { VM_AN_INSTANCE, VM_A_LIST, VM_A_WINDOW } vm_level_kind;

/* 64 bytes, one of them for each open instance, list or window. */
typedef struct vm_level {
    uint8_t kind;
    uint8_t layers, structs; /* depth, of an instance */
    uint32_t instance;       /* level whose items are run */
    uint32_t rec;
    pk_ref name; /* LAY, FLD of the list, STR of the window */
    union {
        uint32_t pc;      /* VM_AN_INSTANCE: the next item */
        uint32_t element; /* VM_A_LIST: record of the element at hand */
    };
    uint32_t n_items;
    const pk_insn *items;
    uint64_t outer; /* end of the window around */
    union {
        uint64_t claim; /* VM_AN_INSTANCE: where its payload's own window ends */
        uint64_t count; /* VM_A_LIST */
    };
    uint64_t index, start; /* VM_A_LIST: elements begun, where the last one did */
} vm_level;

/* What a table said of a key; the next packet mostly asks the same. */
typedef struct vm_dispatch {
    uint64_t key;
    pk_ref table, layer; /* table 0: nothing yet */
} vm_dispatch;
enum { VM_DISPATCHES = 64 };

typedef struct vm_dissection {
    pk_tree *tree;
    uint64_t p, e; /* bits: position, end of the innermost window */
    vm_level *levels;
    uint32_t depth, cap;
    uint64_t nodes_left;
    bool running;
    vm_dispatch dispatch[VM_DISPATCHES];
    vm_notes notes; /* what was read */
} vm_dissection;

/* ---- the machine
 * --------------------------------------------------------------------------------- */

enum {
    VM_FIELD_SURE = 1,       /* no condition stands before the field */
    VM_FIELD_BEHIND_PAY = 2, /* where the field is, a payload came before it */
    VM_FIELD_ASKED = 4,  /* conditional, and an expression of its layer asks whether it is given */
    VM_FIELD_FIXED = 16, /* no default, or one that is the same in every packet */
    VM_FIELD_SIMPLE = 8  /* an integer whose default is a constant that nothing above overrides */
};

typedef struct vm_name {
    pk_ref name, layer;
} vm_name;

struct pk_vm {
    const pk_image *image;
    pk_env env;
    pk_vm_error space_error; /* what an element of a set failed with */
    uint32_t frame_link;     /* link type of the captured frame that was asked for last */

    /* made once from the image */
    uint8_t *regs_of;        /* EXP: registers that it uses, 0 = not counted yet */
    uint32_t *slot_base;     /* LAY: where its slots begin in slot_field */
    uint32_t *slot_field;    /* first FLD of a slot */
    uint32_t *same_slot;     /* FLD: next FLD of the same slot, 0 = none */
    uint32_t *item_of;       /* FLD: its item, VM_NO_ITEM when in none */
    uint8_t *field_facts;    /* FLD */
    struct vm_ready **ready; /* EXP: made ready, NULL = not yet (ready.h) */
    pk_arena ready_memory;
    vm_name *names; /* layers by name and alias, open addressing; name 0 = free */
    uint32_t name_mask;
    pk_ref value_name, dst_name, payload_name, raw_layer, link_table;

    /* parameters, packet at hand */
    pk_value *params;
    uint8_t *param_state; /* vm_state; DONE: set or computed */
    const pk_set **param_sets;
    pk_arena param_bytes;
    pk_space *space;
    uint64_t seed;
    pk_cookies *cookies; /* of a stateless probe; NULL: none */
    pk_ref link;         /* LAY put below every stack, 0 = none */
    const pk_point *point;

    /* evaluation */
    vm_frame *frames;
    uint32_t depth, base;
    pk_value *regs;
    pk_value result;
    uint64_t fuel;
    const pk_tree *trees[2];
    bool building, inferring;
    bool thorough;                  /* no shortcuts */
    uint64_t at_bit;                /* inferring: where the field lies */
    pk_bit_run blank[PK_TREE_RUNS]; /* inferring: bits that read as zero */
    unsigned n_blank;
    vm_scratch scratch;

    /* building */
    vm_node *nodes;
    uint32_t n_nodes, cap_nodes;
    vm_slot *slots;
    uint32_t n_slots, cap_slots;
    uint8_t *items; /* presence: vm_presence of each item of each instance */
    uint32_t n_items, cap_items;
    uint32_t n_instances;
    uint32_t alone;       /* lists of packets that stand alone, chained by next */
    uint32_t looks;       /* how often `rest` or `peek` asked for bytes that are not there yet */
    uint32_t passed_over; /* fields in computation that a size or an encoding left out */
    pk_ref ignored;       /* FLD: the first that was given and is not on the wire, 0 = none */
    uint32_t ignored_lo;
    pk_buf encoding;
    struct vm_visit *visits;
    uint32_t cap_visits;

    vm_dissection dissection;
    vm_recall *recall;
    uint64_t shapes;           /* numbered so far */
    struct vm_answer *answers; /* infer.c */
    uint64_t templates;        /* made so far: their trees' shapes */
    struct vm_trace *trace;    /* building: notes where values come from, NULL mostly */
    bool failed;
    pk_vm_error error;
};

typedef enum vm_presence { VM_UNKNOWN, VM_PRESENT, VM_ABSENT } vm_presence;

/* ---- vm.c ---- */
void pk_vm_fail(pk_vm *vm, int code, uint32_t lo, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
uint8_t *pk_vm_bytes_alloc(pk_vm *vm, size_t len); /* scratch; fails the machine without memory */
pk_ref pk_vm_layer_named(const pk_vm *vm, pk_ref name); /* by STR of a name or alias, 0 = none */
const pk_image_layer *pk_vm_layer(const pk_vm *vm, pk_ref layer);
/* "layer.field" for messages */
const char *pk_vm_field_text(const pk_vm *vm, pk_ref field, char *text, size_t size);

/* Counts an expression's registers into vm->regs_of. */
unsigned pk_vm_count_registers(pk_vm *vm, pk_ref expr);

/* ---- frames.c ---- */
vm_frame *pk_vm_push(pk_vm *vm, vm_frame_kind kind, uint8_t dst); /* NULL: failed */
/* Pushes `expr` in `self`; 0 gives undefined at once through a trivial frame. */
int pk_vm_push_expr(pk_vm *vm, pk_ref expr, pk_value self, uint32_t item, uint8_t dst);
void pk_vm_return(pk_vm *vm, pk_value value); /* ends the top frame */
/* Evaluates to the end; for callers outside of frames. */
pk_value pk_vm_evaluate(pk_vm *vm, pk_ref expr, pk_value self, uint32_t item, const pk_value *args,
                        uint32_t n_args);
int pk_vm_run_frame(pk_vm *vm); /* runs until the frame on top is done; PK_OK unless failed */

/* ---- eval.c ---- */
void pk_vm_step_expr(pk_vm *vm, vm_frame *frame);

/* ---- values.c ---- */
pk_value pk_vm_add(pk_vm *vm, pk_value a, pk_value b);
pk_value pk_vm_arithmetic(pk_vm *vm, pk_op op, pk_value a, pk_value b);
bool pk_vm_compare(pk_op op, pk_value a, pk_value b);
/* 1 when `value`, or any of its elements, is in the set, else 0. */
pk_value pk_vm_is_member(pk_vm *vm, pk_value value, pk_ref set);
pk_value pk_vm_encode(pk_vm *vm, pk_value number, unsigned bits, bool little);
pk_value pk_vm_byte_slice(pk_value bytes, pk_value from, pk_value to);
pk_value pk_vm_fill(pk_vm *vm, uint8_t byte, int64_t count);
pk_value pk_vm_random(pk_vm *vm, uint32_t stream, pk_ref axis);
pk_value pk_vm_axis(pk_vm *vm, pk_ref axis);

/* ---- place.c ---- */
int pk_vm_place(pk_vm *vm, const vm_frame *frame, const pk_insn *insn, pk_value *ret_value);
pk_value pk_vm_window(pk_vm *vm, const pk_insn *insn);

/* ---- viewing.c: what only views ask ---- */
pk_value pk_vm_nth(const pk_vm *vm, pk_value base, pk_ref layer, int64_t n);
pk_value pk_vm_sorted(pk_vm *vm, pk_value many);
/* `insn` is TEXT or NAMED; values plain, but for nodes that have none. */
pk_value pk_vm_text(pk_vm *vm, const pk_insn *insn, pk_value value, pk_value selector);

/* ---- natives_digest.c, natives_files.c ---- */
pk_value pk_vm_native_digest(pk_vm *vm, pk_fn fn, const pk_value *args, unsigned n);
pk_value pk_vm_native_file(pk_vm *vm, pk_fn fn, const pk_value *args, unsigned n);

/* ---- natives.c ---- */
/* VM_PUSHED when it needs a field that is not computed yet. */
int pk_vm_native(pk_vm *vm, pk_fn fn, pk_value self, const pk_value *args, unsigned n,
                 pk_value *ret_value);

/* ---- access.c: nodes of both worlds ---- */
static inline pk_value pk_vm_node_value(uint8_t tree, uint64_t node)
{
    return (pk_value){.kind = PK_NODE, .tree = tree, .node = node};
}
static inline pk_value pk_vm_tree_node(uint8_t tree, pk_tree_node node)
{
    return pk_tree_none(node) ? pk_value_undefined() : pk_vm_node_value(tree, pk_tree_pack(node));
}
bool pk_vm_on_build(const pk_vm *vm, pk_value node);
vm_node_kind pk_vm_kind(const pk_vm *vm, pk_value node);
pk_ref pk_vm_layer_of(const pk_vm *vm, pk_value node); /* of an instance, else 0 */
pk_value pk_vm_owner(const pk_vm *vm, pk_value node);
pk_value pk_vm_payload(const pk_vm *vm, pk_value node);
pk_value pk_vm_first(const pk_vm *vm, pk_value list);
pk_value pk_vm_next(const pk_vm *vm, pk_value element);
uint32_t pk_vm_count(const pk_vm *vm, pk_value list);
/* The value of a node where it has one (leaves, two-way scalars); else the node itself. The frame
 * pushed delivers to `dst`. */
int pk_vm_plain(pk_vm *vm, pk_value *value, uint8_t dst);
int pk_vm_slot_read(pk_vm *vm, pk_value self, uint32_t slot, uint8_t dst, pk_value *ret_value);
int pk_vm_get(pk_vm *vm, pk_value base, pk_ref name, uint8_t dst, pk_value *ret_value);
int pk_vm_method(pk_vm *vm, pk_value base, pk_ref name, const pk_value *args, unsigned n,
                 uint8_t dst, pk_value *ret_value);
pk_value pk_vm_below(const pk_vm *vm, pk_value self, pk_ref name);
bool pk_vm_over(const pk_vm *vm, pk_value self, pk_ref layer);
bool pk_vm_has(const pk_vm *vm, pk_value self, uint32_t slot);
/* Bits of a part of a tree's node. */
bool pk_vm_tree_part(const pk_vm *vm, pk_value node, pk_image_part part, uint32_t from, uint32_t to,
                     uint64_t *ret_off, uint64_t *ret_end);
pk_value pk_vm_tree_bytes(pk_vm *vm, pk_value node, uint64_t off, uint64_t end);

/* ---- lists.c ---- */
int pk_vm_push_map(pk_vm *vm, pk_value list, pk_ref name, uint8_t dst); /* name 0: the elements */
int pk_vm_element(pk_vm *vm, pk_value list, int64_t index, pk_value *ret_value);
/* count(value) */
pk_value pk_vm_count_of(const pk_vm *vm, pk_value list);
void pk_vm_step_find(pk_vm *vm, vm_frame *frame);
void pk_vm_step_map(pk_vm *vm, vm_frame *frame);
void pk_vm_step_formal(pk_vm *vm, vm_frame *frame);
pk_value pk_vm_list_slice(pk_vm *vm, pk_value list, pk_value from, pk_value to);

/* ---- plan.c ---- */
bool pk_vm_plan_build(pk_vm *vm, pk_ref plan); /* nodes of the packet; node 0 is the frame */
/* The packet of a plan that stands alone, made once: its instance or list; undefined unless
 * building. VM_PUSHED: failed. */
int pk_vm_packet(pk_vm *vm, pk_ref plan, pk_value *ret_value);
uint32_t pk_vm_new_instance(pk_vm *vm, pk_ref layer, uint32_t up, vm_role role); /* 0: failed */
uint32_t pk_vm_new_leaf(pk_vm *vm, pk_ref expr, uint32_t up, vm_role role);
void pk_vm_append(pk_vm *vm, uint32_t list, uint32_t node);
uint32_t pk_vm_new_list(pk_vm *vm, pk_ref field, uint32_t up, vm_role role);

/* What stands on a layer says there what kind of thing it is. */
void pk_vm_impose(pk_vm *vm, uint32_t instance);

/* A layer stacked where no bind names it, but whose key stands in a table that the lower layer
 * shares (`payload by proto in eth.type`): the field that selects takes that key. */
bool pk_vm_table_key(const pk_vm *vm, pk_ref lower, pk_ref upper, uint32_t *ret_slot,
                     uint64_t *ret_key);

/* ---- fuzz.c ---- */
void pk_vm_study_fixed(pk_vm *vm); /* finds the FIXED fields; once, when the machine is made */
/* The key of what lies at `index` of `place` (slot + 1; 0: payload) in what has `key`. */
uint32_t pk_vm_fuzz_key(uint32_t key, uint32_t place, uint32_t index);
/* Whether the field of this instance is random when nothing gives or imposes a value. */
bool pk_vm_fuzzes(const pk_vm *vm, uint32_t instance, pk_ref field);
/* Whether its length is in a field that is computed from it: then any length will do. */
bool pk_vm_fuzz_sizes_itself(const pk_vm *vm, uint32_t instance, pk_ref field);
/* A value that the field takes; `bits` is the width of an integer. */
pk_value pk_vm_fuzz_scalar(pk_vm *vm, uint32_t instance, pk_ref field, unsigned bits);
/* Bytes of that length; undefined: of a random one. */
pk_value pk_vm_fuzz_bytes(pk_vm *vm, uint32_t instance, pk_ref field, pk_value length);
/* An instance, of a random case; 0: failed. */
uint32_t pk_vm_fuzz_struct(pk_vm *vm, pk_ref layer, uint32_t up, vm_role role, uint32_t structs,
                           uint32_t key);
/* Puts elements into an empty list of `instance`. */
bool pk_vm_fuzz_list(pk_vm *vm, uint32_t list, uint32_t instance, pk_ref field);

/* ---- walk.c ---- */
/* The FLD that slot `slot` of an instance has on the wire (0 = none). */
int pk_vm_field_at(pk_vm *vm, uint32_t instance, uint32_t slot, pk_ref *ret_field);
/* ---- slot.c ---- */
int pk_vm_build_slot(pk_vm *vm, uint32_t instance, uint32_t slot, uint8_t dst, pk_value *ret_value);
int pk_vm_walk(pk_vm *vm, uint32_t instance, uint32_t to); /* presence of the items before `to` */
int pk_vm_node_ready(pk_vm *vm, uint32_t node); /* its expression, if any, is evaluated */
/* Whether the node in computation waits for how many zeros a field has: then it has no value yet. */
bool pk_vm_asked_for_zeros(const pk_vm *vm, uint32_t node);
int pk_vm_fail_cycle(pk_vm *vm, vm_frame_kind kind, uint32_t node, uint32_t slot);
/* The struct or list that a value given to `field` makes; 0: failed. */
/* The struct or list that the packet of a field's default is, 0 when it has no such default. */
uint32_t pk_vm_child_of_default(pk_vm *vm, uint32_t instance, pk_ref field);
uint32_t pk_vm_child_of_value(pk_vm *vm, uint32_t instance, pk_ref field, pk_ref expr);
uint32_t pk_vm_child(pk_vm *vm, uint32_t instance, pk_ref field); /* struct or list; 0: failed */
int pk_vm_slot_width(pk_vm *vm, uint32_t instance, pk_ref field, uint32_t *ret_bits);
void pk_vm_step_slot(pk_vm *vm, vm_frame *frame);
void pk_vm_step_node(pk_vm *vm, vm_frame *frame);
void pk_vm_step_walk(pk_vm *vm, vm_frame *frame);

/* ---- convert.c ---- */
/* What `value` is in `field` (as wide as `width` bits, 0 = any); fails the machine when it does not
 * fit. */
bool pk_vm_convert(pk_vm *vm, pk_ref field, uint32_t width, pk_value *value, uint32_t lo);
/* Bits of a scalar of `field` (its width expression gave `width`). */
uint64_t pk_vm_scalar_bits(const pk_vm *vm, pk_ref field, uint32_t width, pk_value value);
unsigned pk_vm_base128_len(uint64_t number);
pk_value pk_vm_zero(pk_vm *vm, pk_ref field);

/* ---- size.c ---- */
int pk_vm_push_part(pk_vm *vm, vm_frame_kind kind, uint32_t node, pk_image_part part, uint32_t from,
                    uint32_t to, uint8_t dst);
int pk_vm_push_here(pk_vm *vm, uint32_t instance, uint32_t item, uint8_t dst);
int pk_vm_push_pos(pk_vm *vm, uint32_t instance, uint32_t item, uint8_t dst);
/* Items from..to of an instance; a list or leaf whole. */
int pk_vm_push_range(pk_vm *vm, vm_frame_kind kind, uint32_t node, uint32_t from, uint32_t to,
                     uint8_t dst);
int pk_vm_push_whole(pk_vm *vm, vm_frame_kind kind, uint32_t node, uint8_t dst);
void pk_vm_step_size(pk_vm *vm, vm_frame *frame);
void pk_vm_step_resolve(pk_vm *vm, vm_frame *frame);
void pk_vm_step_bytes(pk_vm *vm, vm_frame *frame);
void pk_vm_step_pos(pk_vm *vm, vm_frame *frame);
/* The name of the window that the WEN at `item` closes. */
pk_ref pk_vm_window_of(const pk_vm *vm, const pk_image_layer *layer, uint32_t item);

/* ---- emit.c ---- */
/* Makes the tree of an instance that was written as given bytes (pk_vm_dissect_part). */
typedef bool vm_reader(pk_vm *vm, pk_tree *tree, pk_ref layer, pk_rec instance, uint64_t off,
                       uint64_t end);
/* Writes items from..to of `node` (all of a list or leaf) behind what `out` holds; without `tree`
 * no `reader` is needed. Every value must be resolved; a field in computation is written as zero.
 */
bool pk_vm_emit(pk_vm *vm, uint32_t node, uint32_t from, uint32_t to, pk_buf *out, pk_tree *tree,
                vm_reader *reader);

/* ---- read.c: what the dissection at hand asks of expressions and bits ---- */
static inline vm_level *pk_vm_top(pk_vm *vm)
{
    return &vm->dissection.levels[vm->dissection.depth - 1];
}
static inline vm_level *pk_vm_instance(pk_vm *vm)
{
    return &vm->dissection.levels[pk_vm_top(vm)->instance];
}
/* A condition that runs into a limit of the machine is undefined; running out of fuel or memory
 * fails the machine. */
pk_value pk_vm_read_expr(pk_vm *vm, pk_ref expr, const pk_value *args, uint32_t n_args);
/* The next `bits` bits, undefined when there are not as many. */
pk_value pk_vm_peek(pk_vm *vm, uint32_t bits);
/* min(e, p + 8 * max(N, 0)); undefined narrows nothing. */
uint64_t pk_vm_window_end(const pk_vm *vm, pk_value bytes);
/* Bytes from p up to and including the first that are those of blob `end`, or to the window's end. */
pk_value pk_vm_scan(pk_vm *vm, pk_ref end);
/* The bits that a scalar takes at p; false when it does not fit. */
bool pk_vm_read_bits(pk_vm *vm, const pk_image_field *field, uint64_t *ret_bits);

/* ---- infer.c ---- */
void pk_vm_study_defaults(pk_vm *vm); /* finds the SIMPLE fields; once, when the machine is made */

/* ---- ready.c ---- */
/* Evaluates `expr` in the instance at record `rec` of trees[0] without frames (ready.h); false when
 * it takes the general machine. */
bool pk_vm_ready(pk_vm *vm, pk_ref expr, uint32_t rec, const pk_value *args, uint32_t n_args,
                 pk_value *ret_value);

/* ---- dissect.c ---- */
/* The layer of `key` in `table`, 0 = none. */
pk_ref pk_vm_dispatch(pk_vm *vm, pk_ref table, uint64_t key);
/* Dissects bits off..end of the tree's bytes as an instance of `layer` under record `up`. */
bool pk_vm_dissect_part(pk_vm *vm, pk_tree *tree, pk_ref layer, pk_rec instance, uint64_t off,
                        uint64_t end);

#endif
