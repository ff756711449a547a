/*
 * What the files of the naive interpreter share: declarations put together from the tree
 * (naive_layer, naive_field), values, instances, and the scope in which an expression is read.
 *
 * An instance is one occurrence of a layer, struct or case in a packet. While building it holds
 * what was given and computes the rest on demand, each value once. While dissecting it holds
 * pieces: what was found, in wire order. Expressions read both kinds through the same functions.
 */
#ifndef PK_TESTS_NAIVE_INTERNAL_H
#define PK_TESTS_NAIVE_INTERNAL_H

#include "naive.h"

enum {
    NAIVE_DEPTH = 600,           /* nested evaluations */
    NAIVE_LAYER_DEPTH = 64,      /* layers in a packet */
    NAIVE_STRUCT_DEPTH = 32,     /* structures in a layer */
    NAIVE_BYTES_LIMIT = 1 << 20, /* bytes of one value or packet */
    NAIVE_ALTERNATIVES = 65536
};

typedef struct naive_inst naive_inst;
typedef struct naive_field naive_field;
typedef struct naive_scope naive_scope;
typedef struct naive_stack naive_stack;

/* ---- values ------------------------------------------------------------------------------------
 */

typedef enum naive_kind {
    NAIVE_UNDEFINED,
    NAIVE_INT,
    NAIVE_BYTES,
    NAIVE_NODE,
    NAIVE_LIST,
    NAIVE_STACK, /* a packet expression's instances, not yet placed anywhere */
    NAIVE_RAW    /* these bytes in place of a field's encoding */
} naive_kind;

typedef struct naive_value {
    naive_kind kind;
    bool text;    /* BYTES from a string literal: coerced by the type it is given to */
    bool is_rest; /* INT: the value of `rest` itself, which as a window narrows nothing */
    int64_t number;
    pk_bytes bytes;
    naive_inst *node;
    naive_stack *stack;
    struct naive_list *list;
    uint64_t n_bits;          /* BYTES from bits"..": how many; else 0 */
    const naive_field *field; /* where it was read from: its enumerators are in reach */
    naive_inst *from;
} naive_value;

typedef struct naive_list {
    size_t count;
    naive_value *at;
} naive_list;

/* ---- declarations ------------------------------------------------------------------------------
 */

typedef enum naive_type {
    NAIVE_UINT,
    NAIVE_SINT,
    NAIVE_OCTETS, /* bytes and addresses */
    NAIVE_STRUCT,
    NAIVE_ULEB,
    NAIVE_UVLQ
} naive_type;

/* The conditions around an item, innermost first. */
typedef struct naive_cond {
    pk_node expr;
    bool want;
    struct naive_cond *outer;
} naive_cond;

struct naive_field {
    naive_layer *layer;
    pk_node node;
    pk_atom name;
    unsigned slot;
    naive_type type;
    unsigned bits; /* constant width of an element, 0 = none */
    bool little;
    bool address;     /* ip4, ip6, mac */
    pk_node width;    /* of u(E), bytes[E]; 0 = constant or rest */
    pk_node until;    /* of bytes(until=..) */
    naive_layer *sub; /* STRUCT */
    pk_node args;     /* ARG list of the struct */
    bool is_list;
    unsigned list_kind; /* pk_ast_list */
    pk_node list_expr;
    pk_atom list_name;
    pk_node init;
    pk_node within;
    pk_atom as_name;
    pk_node as_index;
    naive_cond *conds;
};

typedef enum naive_member_kind {
    NAIVE_M_FIELD,
    NAIVE_M_LET,
    NAIVE_M_DEF,
    NAIVE_M_PARAM,
    NAIVE_M_CASE
} naive_member_kind;

typedef struct naive_member {
    pk_atom name;
    naive_member_kind kind;
    pk_node node;     /* LET, DEF, PARAM */
    pk_node presets;  /* CASE: arguments that come with the name */
    unsigned slot;    /* FIELD, PARAM (parameters have slots of their own behind the fields') */
    naive_layer *sub; /* CASE */
} naive_member;

typedef enum naive_layer_kind { NAIVE_IS_LAYER, NAIVE_IS_STRUCT, NAIVE_IS_CASE } naive_layer_kind;

typedef struct naive_payload {
    pk_node node;
    naive_cond *conds;
} naive_payload;

struct naive_layer {
    pk_atom name;
    naive_layer_kind kind;
    naive_layer *parent; /* of a case */
    pk_node key;         /* of a case */
    pk_node node;
    pk_node *items; /* heads of item lists: the declaration's and those of its extensions */
    size_t n_items;
    pk_node *binds; /* BIND nodes */
    size_t n_binds;
    pk_node formals;
    pk_atom codec;
    pk_node value; /* expression of `let value`: behaves as an integer */
    naive_field *fields;
    size_t n_fields;
    unsigned n_slots;
    naive_member *members;
    size_t n_members;
    naive_payload *payloads;
    size_t n_payloads;
    size_t index; /* in the unit */
};

/* One key of a dispatch table: values lo..hi of each column. */
typedef struct naive_key {
    const naive_layer *owner; /* whose table; NULL: the pseudo layer `link` */
    pk_atom name;             /* of the table: its selector as written, "dsap,ssap" for a tuple */
    size_t n;
    uint64_t lo[4], hi[4];
    naive_layer *target;
} naive_key;

struct naive_unit {
    pk_arena arena;
    pk_sources *sources;
    pk_diags *diags;
    pk_ast *ast;
    pk_node *globals; /* every declaration of every file */
    size_t n_globals;
    naive_layer **layers;
    size_t n_layers;
    naive_key *keys;
    size_t n_keys;
    pk_node draws[64]; /* sets in a drawn order, as they were met */
    size_t n_draws;
    pk_node *checks;
    size_t n_checks;
    bool failed;
    char error[512];
};

/* ---- instances ---------------------------------------------------------------------------------
 */

typedef enum naive_role { NAIVE_ROOT, NAIVE_PAYLOAD, NAIVE_MEMBER } naive_role;

typedef enum naive_state { NAIVE_UNSET, NAIVE_COMPUTING, NAIVE_DONE } naive_state;

typedef struct naive_slot {
    naive_state state;
    bool is_given;
    unsigned order; /* of the argument list, from 1; 0 = not given */
    naive_value given;
    naive_value value;
    /* dissected */
    const naive_field *field; /* the field found; NULL = absent */
    uint64_t off, end;        /* bits */
} naive_slot;

typedef enum naive_piece_kind {
    NAIVE_P_FIELD, /* a leaf, or one element of a list of scalars */
    NAIVE_P_INST,  /* struct, element, payload */
    NAIVE_P_RAW,
    NAIVE_P_CUT,
    NAIVE_P_REST
} naive_piece_kind;

typedef struct naive_piece {
    naive_piece_kind kind;
    const naive_field *field;
    char name[96]; /* CUT, REST */
    uint64_t off, bits;
    uint64_t group; /* bits of the little-endian group it lies in, 0 = none */
    naive_value value;
    naive_inst *inst;
    struct naive_piece *next;
} naive_piece;

typedef struct naive_leftover {
    pk_atom name; /* window, 0 = the instance itself */
    naive_value value;
    struct naive_leftover *next;
} naive_leftover;

struct naive_inst {
    const naive_layer *type; /* NULL: literal bytes */
    pk_bytes literal;
    naive_inst *owner; /* the instance that this is a field, element or payload of */
    naive_role role;
    unsigned slot; /* MEMBER: of the owner */
    size_t index;  /* MEMBER: element */
    naive_slot *slots;
    naive_value *args;   /* of a struct's formals */
    naive_value scalar;  /* the integer given to a two-way scalar */
    naive_inst *payload; /* first instance stacked on this one */
    naive_inst *sibling; /* juxtaposed with this one */
    naive_inst *lower;   /* holds what was given to the layer that this one brings along */
    uint32_t fuzz; /* not 0: constant defaults are random; the stream where nothing around is */
    bool cut_given;
    naive_value cut;
    naive_leftover *rests;
    /* dissected */
    bool dissected;
    uint64_t off, end, payload_off, payload_end; /* bits */
    uint64_t claim; /* end of a payload's own window: up to there the instance keeps what is left */
    bool has_payload;
    naive_piece *pieces, *last;
};

struct naive_stack {
    naive_inst *first;   /* chain of siblings */
    naive_inst *top;     /* where the next layer goes */
    naive_inst *trailer; /* padding, behind everything */
    bool padded;         /* padding was stacked last: what follows stands on that */
};

/* ---- packets and scopes ------------------------------------------------------------------------
 */

typedef struct naive_run { /* an arithmetic progression, or one value */
    naive_value first;
    pk_u128 start, count;
    int64_t step;
    unsigned width; /* bytes of an address, 0 = integer or single value */
    bool single;
} naive_run;

typedef struct naive_axis {
    pk_node node;
    naive_run *runs;
    size_t n_runs;
    pk_u128 count;
} naive_axis;

typedef struct naive_choice { /* which member of a list of packets */
    pk_node node;
    size_t pick;
    struct naive_choice *outer;
} naive_choice;

typedef struct naive_alternative {
    naive_choice *choices;
    naive_axis *axes;
    size_t n_axes;
    pk_u128 count;
} naive_alternative;

/* The packet being built or dissected. */
typedef struct naive_packet {
    naive_unit *unit;
    pk_arena *arena;
    const naive_alternative *alternative; /* NULL while dissecting */
    pk_u128 *digits;
    unsigned depth;
    uint64_t seed;
    pk_u128 index;
    uint32_t n_random;      /* streams of random numbers used so far */
    const naive_inst *root; /* building: the first of the outermost instances */
    pk_bytes wire;          /* dissecting */
} naive_packet;

/* A name bound to a value, or to an expression of another scope. */
typedef struct naive_env {
    pk_atom name;
    naive_value value;
    pk_node expr;
    const naive_scope *home;
    struct naive_env *outer;
} naive_env;

struct naive_scope {
    naive_packet *packet;
    naive_inst *self;
    const naive_field *hint; /* whose enumerators are in reach */
    naive_inst *hint_inst;   /* the instance of that field */
    naive_env *env;
    const naive_value *it;
    pk_node item;             /* build: the item being computed */
    const naive_layer *space; /* whose cases are named without their struct */
    bool dissecting;
    uint64_t at, end; /* dissect: position and end of the window, bits */
};

/* ---- unit.c ------------------------------------------------------------------------------------
 */

void *naive_alloc(pk_arena *arena, size_t count, size_t size);
bool naive_fail(naive_unit *unit, pk_node where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
const pk_ast_node *naive_at(const naive_unit *unit, pk_node node);
const char *naive_text(const naive_unit *unit, pk_atom atom);
pk_atom naive_atom(naive_unit *unit, const char *text);
naive_layer *naive_layer_named(const naive_unit *unit, pk_atom name);
naive_layer *naive_layer_in(const naive_unit *unit, const naive_layer *space, pk_atom name);
/* The arguments that come with that name: `alias name = layer(..)`. */
pk_node naive_presets(const naive_unit *unit, const naive_layer *space, pk_atom name);
const naive_member *naive_member_named(const naive_layer *layer, pk_atom name);
pk_node naive_global(const naive_unit *unit, pk_ast_kind kind, pk_atom name);

/* ---- tables.c ----------------------------------------------------------------------------------
 */

bool naive_tables_link(naive_unit *unit);
/* A selector of a payload item: its key expression, and the table it is looked up in. */
pk_node naive_selector(naive_unit *unit, const naive_layer *layer, pk_node selector,
                       const naive_layer **ret_owner, pk_atom *ret_table);
naive_layer *naive_lookup(const naive_unit *unit, const naive_layer *owner, pk_atom table,
                          const uint64_t *key, size_t n);
/* The value that what is stacked on `inst` imposes on field `field`; false when nothing does. */
/* `field` is NULL when the name is a parameter's. */
bool naive_imposed(naive_packet *packet, naive_inst *inst, pk_atom name, const naive_field *field,
                   naive_value *ret_value);

/* ---- value.c -----------------------------------------------------------------------------------
 */

naive_value naive_undefined(void);
naive_value naive_int(int64_t number);
naive_value naive_bytes(const void *data, size_t len);
naive_value naive_copy(naive_packet *packet, const void *data, size_t len);
bool naive_truth(naive_value value);
naive_value naive_join(naive_packet *packet, naive_value a, naive_value b);
/* The integer behind a value: of an integer, or of a two-way scalar. */
bool naive_number(naive_packet *packet, naive_value value, int64_t *ret_number);
/* What `value` means to a field: text becomes an address, an enumerator, flags. */
naive_value naive_coerce(naive_packet *packet, const naive_field *field, naive_inst *inst,
                         naive_value value);
bool naive_enumerator(naive_packet *packet, const naive_field *field, naive_inst *inst,
                      const char *text, int64_t *ret_number);

/* ---- eval.c ------------------------------------------------------------------------------------
 */

naive_value naive_eval(const naive_scope *scope, pk_node expr);
naive_value naive_member_of(naive_packet *packet, naive_value base, pk_atom name);
naive_value naive_call_def(naive_packet *packet, naive_inst *self, pk_node def, size_t n,
                           const naive_value *args);
naive_value naive_call(const naive_scope *scope, pk_node expr); /* call.c */
uint64_t naive_scan(const naive_scope *scope, naive_value end);
bool naive_is_member(const naive_scope *scope, naive_value value, pk_node set);
bool naive_equal(naive_value a, naive_value b);
naive_inst *naive_below(const naive_unit *unit, const naive_inst *self, pk_atom name);
const naive_env *naive_env_find(const naive_env *env, pk_atom name);

/* ---- natives.c ---------------------------------------------------------------------------------
 */

/* False when there is no such function. */
bool naive_native(naive_packet *packet, const char *name, size_t n, const naive_value *args,
                  naive_value *ret_value);

/* ---- operators.c --- */

naive_value naive_binary(const naive_scope *scope, pk_node expr);
naive_value naive_unary(const naive_scope *scope, pk_node expr);
naive_value naive_stack_bytes(naive_packet *packet, naive_value value);

/* ---- stack.c --- */

/* The layer that `type` brings along when it stands on anything else, NULL = none. */
const naive_layer *naive_implied(const naive_unit *unit, const naive_layer *type);
void naive_wrap(naive_packet *packet, naive_stack *stack, const naive_layer *below,
                const naive_layer *wanted);
naive_stack *naive_attach(naive_packet *packet, naive_stack *lower, naive_stack *upper);
naive_stack *naive_juxtapose(naive_packet *packet, naive_stack *left, naive_stack *right);
naive_stack *naive_literal_stack(naive_packet *packet, pk_bytes bytes);

/* ---- plan.c, given.c
 * ------------------------------------------------------------------------------------
 */

/* Evaluates a packet expression; `space` names cases. UNDEFINED when `expr` is none. */
naive_value naive_stack_of(const naive_scope *scope, pk_node expr);
bool naive_is_packet(const naive_scope *scope, pk_node expr);
naive_value naive_element(const naive_scope *scope, const naive_field *field, pk_node expr);
/* What `expr` gives to a field: elements of a list, an instance, a scalar in the field's terms. */
naive_value naive_field_expr(const naive_scope *scope, naive_inst *inst, const naive_field *field,
                             pk_node expr);
/* The member a field's slot holds becomes part of `inst`. */
void naive_adopt(naive_inst *inst, unsigned slot, naive_value value);
naive_inst *naive_new_inst(naive_packet *packet, const naive_layer *type);
naive_stack *naive_stack_new(naive_packet *packet, naive_inst *inst);
/* A stack as a packet of its own: a lone case stands in its struct. */
naive_stack *naive_finish(naive_packet *packet, naive_stack *stack);
pk_node naive_edited(const naive_unit *unit, pk_node expr);
pk_node naive_fuzzed(const naive_unit *unit, pk_node expr);
naive_stack *naive_stack_expr(const naive_scope *scope, pk_node expr);
naive_stack *naive_stack_value(const naive_scope *scope, pk_node expr);
naive_stack *naive_call_layer(const naive_scope *scope, const naive_layer *type, pk_node presets,
                              pk_node args);
bool naive_is_octets(const naive_unit *unit, pk_node expr);
bool naive_is_none(const naive_unit *unit, pk_node expr);
const naive_field *naive_field_at(const naive_layer *layer, size_t position);
const naive_field *naive_argument_field(const naive_unit *unit, const naive_layer *type,
                                        const pk_ast_node *arg, size_t position);
naive_layer *naive_case_word(naive_unit *unit, const naive_layer *type, pk_bytes word);
naive_scope naive_macro_scope(const naive_scope *scope, pk_node def, pk_node args);
const naive_axis *naive_axis_of(const naive_packet *packet, pk_node node, pk_u128 *ret_digit);
const naive_choice *naive_choice_of(const naive_packet *packet, pk_node node);

/* ---- sets.c ------------------------------------------------------------------------------------
 */

bool naive_alternatives(naive_unit *unit, pk_arena *arena, pk_node expr,
                        naive_alternative **ret_alternatives, size_t *ret_count);
naive_value naive_axis_value(naive_packet *packet, const naive_axis *axis, pk_u128 digit);
/* The runs of a set expression; false when `expr` is not a set. */
const char *naive_set_call(const naive_unit *unit, pk_node expr);
/* The number of a drawn order, from 1 in the order in which they are met. */
uint32_t naive_draw_number(naive_unit *unit, pk_node expr);
bool naive_is_prefix_text(const naive_scope *scope, const naive_field *field, pk_bytes text);
bool naive_set_runs(const naive_scope *scope, pk_node expr, const naive_field *field,
                    naive_run **ret_runs, size_t *ret_count);

/* ---- build.c -----------------------------------------------------------------------------------
 */

naive_inst *naive_sub_inst(naive_packet *packet, naive_inst *owner, const naive_field *field,
                           const naive_value *element);
pk_atom naive_window_name(naive_unit *unit, pk_node items);

typedef enum naive_part {
    NAIVE_THIS,
    NAIVE_HEAD,
    NAIVE_OF_PAYLOAD,
    NAIVE_FIELDS /* first to last slot */
} naive_part;

naive_value naive_slot_value(naive_packet *packet, naive_inst *inst, unsigned slot);
bool naive_present(naive_packet *packet, naive_inst *inst, const naive_cond *conds);
const naive_field *naive_active(naive_packet *packet, naive_inst *inst, unsigned slot);
uint64_t naive_part_bits(naive_packet *packet, naive_inst *inst, naive_part part, unsigned first,
                         unsigned last);
naive_value naive_part_bytes(naive_packet *packet, naive_inst *inst, naive_part part,
                             unsigned first, unsigned last);
uint64_t naive_here_bits(naive_packet *packet, naive_inst *inst, pk_node item);
uint64_t naive_pos_bits(const naive_scope *scope);
naive_value naive_encode_stack(naive_packet *packet, const naive_stack *stack);

/* ---- edit.c ------------------------------------------------------------------------------------
 */

/* Gives the value to what a path means in the packet that begins with `first`, or `inside` it. */
void naive_edit(const naive_scope *scope, naive_inst *first, bool inside, pk_node path,
                pk_node value);
naive_stack *naive_set(const naive_scope *scope, pk_node args);
void naive_give(const naive_scope *scope, naive_inst *inst, pk_atom name,
                pk_node expr); /* given.c */

/* ---- fuzz.c ------------------------------------------------------------------------------------
 */

/* Everything from `first` on takes random values in place of constant defaults. */
void naive_fuzz_mark(naive_packet *packet, naive_inst *first, uint32_t stream);
uint32_t naive_fuzz_key(const naive_packet *packet, const naive_inst *inst); /* 0: not fuzzed */
bool naive_fuzzes(const naive_packet *packet, const naive_inst *inst, const naive_field *field);
naive_value naive_mutate(const naive_scope *scope, pk_node args);
naive_value naive_fuzz_value(naive_packet *packet, naive_inst *inst, const naive_field *field);

/* ---- dissect.c ---------------------------------------------------------------------------------
 */

struct naive_dissection {
    naive_unit *unit;
    pk_arena arena;
    naive_packet packet;
    naive_inst *root; /* NULL: not even the outermost layer is known */
    uint64_t end;     /* bits dissected; the frame's rest is behind them */
    naive_leaf *leaves;
    size_t n_leaves, cap_leaves;
};

void naive_leaves_collect(naive_dissection *dissection); /* leaves.c */

/* ---- bits.c ------------------------------------------------------------------------------------
 */

typedef struct naive_bits {
    uint8_t *data;
    uint64_t count, cap; /* bits */
} naive_bits;

void naive_bits_put(naive_packet *packet, naive_bits *bits, uint64_t value, unsigned width);
void naive_bits_put_bytes(naive_packet *packet, naive_bits *bits, const uint8_t *data,
                          uint64_t n_bits);
uint64_t naive_bits_get(const uint8_t *data, uint64_t off, unsigned width);
/* The integer whose `width` bits (whole bytes) were written least significant byte first. */
uint64_t naive_swap(uint64_t value, unsigned width);
/* Bits of an integer field. */
unsigned naive_width(naive_packet *packet, const naive_field *field, naive_inst *inst);
bool naive_scalar_put(naive_packet *packet, naive_bits *bits, const naive_field *field,
                      naive_inst *inst, naive_value value);

#endif
