/*
 * The image: a compiled description, flat and self-contained.
 *
 * One little-endian blob: a header, a table of sections, and sections that are arrays of fixed-size
 * records (this file) or plain bytes. Records name each other by index; index 0 of every record
 * section is reserved and means "none". Nothing is relocated: a loaded image is a set of pointers
 * into the blob, which the caller keeps alive and unchanged (it may be a read-only mapping).
 * Same source, same bytes. IMAGE.md is the specification; ops.def and natives.def are its tables.
 *
 * An image always holds the layers it can use, with everything that a reader of descriptions needs
 * of them (names, defaults, documentation): the compiler reads the standard layers from their image
 * exactly as the machines do. A program adds parameters, sets, axes, plans and probes.
 *
 * pk_image_load checks container and records (pk_image_verify) before anything is used; after it
 * has accepted, no index, register, slot or jump can be out of range.
 */
#ifndef PK_IMAGE_IMAGE_H
#define PK_IMAGE_IMAGE_H

#include "base/arena.h"
#include "base/types.h"
#include "image/view_records.h"

/* An index into the section named beside it; STR is an offset into the string section. */
typedef uint32_t pk_ref;

enum {
    PK_IMAGE_VERSION = 1,
    PK_IMAGE_REGS = 64,          /* registers of one expression */
    PK_IMAGE_SLOTS_LIMIT = 4096, /* fields in a layer */
    PK_IMAGE_PATTERN_STEPS = 64, /* layers that a pattern names */
    PK_IMAGE_SIZE_LIMIT = 256 * 1024 * 1024
};

typedef enum pk_op {
#define PK_OP(name, text, group, a, b, c, d, e, doc) PK_OPC_##name,
#include "image/ops.def"
#undef PK_OP
    PK_OPC_COUNT_OF
} pk_op;

typedef enum pk_fn {
#define PK_FN(name, text, least, most, doc) PK_FN_##name,
#include "image/natives.def"
#undef PK_FN
    PK_FN_COUNT_OF
} pk_fn;

/* Operand c of SIZE and BYTES. */
typedef enum pk_image_part {
    PK_PART_THIS,    /* the whole node, payload included */
    PK_PART_HEAD,    /* everything before the payload */
    PK_PART_PAYLOAD, /* the payload alone */
    PK_PART_FIELD,   /* slot d */
    PK_PART_SPAN     /* slots d to e, both included, as they follow each other on the wire */
} pk_image_part;

typedef struct pk_insn {
    uint8_t op, a, b, c;
    uint32_t d;
    uint64_t e;
} pk_insn;

/* EXP: a piece of expression code. */
typedef struct pk_image_expr {
    uint32_t start, count; /* CODE */
    uint32_t args;         /* arguments it takes */
    pk_ref layer;          /* LAY whose slots its SLOT, HAS, SIZE.. operands mean; 0 = none */
    pk_ref text;           /* STR: as it was written, for people */
    uint32_t flags;        /* PK_EXPR_* */
} pk_image_expr;
enum {
    PK_EXPR_CONST = 1 /* depends on nothing but its instructions */
};

typedef enum pk_layer_kind {
    PK_LAYER_LAYER,
    PK_LAYER_STRUCT,
    PK_LAYER_CASE /* of the struct `parent` */
} pk_layer_kind;

/* LAY: a layer, a struct, or a case of a struct; all are dissected, built and stacked alike. */
typedef struct pk_image_layer {
    pk_ref name;    /* STR */
    pk_ref title;   /* STR, 0 = none */
    pk_ref source;  /* STR "net/ip.pkt:12" */
    uint32_t kind;  /* pk_layer_kind */
    pk_ref parent;  /* LAY, of a case */
    uint32_t flags; /* PK_LAYER_* */
    pk_ref fields;  /* FLD: first of n_fields, in wire order */
    uint32_t n_fields;
    uint32_t n_slots; /* distinct field names; a slot is a field's place in the layer's namespace */
    pk_ref members;   /* MEM: first of n_members, sorted by name (STR offset) */
    uint32_t n_members;
    uint32_t items; /* CODE: the item program */
    uint32_t n_items;
    uint32_t fixed_fields; /* leading fields at constant offsets, and their bits in all */
    uint32_t fixed_bits;
    pk_ref binds; /* BND: first of n_binds, this layer as the upper one */
    uint32_t n_binds;
    pk_ref shapes; /* SHP: first of n_shapes, from `def answers` */
    uint32_t n_shapes;
    pk_ref answers;     /* EXP: `def answers(q)`, q is argument 0; 0 = has none */
    pk_ref quotes;      /* EXP: `def quotes`; 0 = has none */
    pk_ref codec;       /* STR: text codec of a struct (`as dnsname`), 0 = none */
    uint32_t n_formals; /* parameters of a struct, its arguments 0.. in every expression */
    uint32_t spare;
} pk_image_layer;
enum {
    PK_LAYER_TWO_WAY = 1, /* has `let value`: behaves as an integer */
    PK_LAYER_STANDARD = 2 /* came with the standard image */
};

typedef enum pk_type {
    PK_TYPE_UINT,
    PK_TYPE_INT,
    PK_TYPE_BYTES,
    PK_TYPE_IP4,
    PK_TYPE_IP6,
    PK_TYPE_MAC,
    PK_TYPE_STRUCT,
    PK_TYPE_ULEB, /* little-endian base 128 */
    PK_TYPE_UVLQ  /* big-endian base 128 */
} pk_type;

/* FLD: one field item. Two fields of a layer with one name (in exclusive branches) share a slot. */
typedef struct pk_image_field {
    pk_ref name;  /* STR */
    pk_ref layer; /* LAY */
    uint16_t slot;
    uint8_t type;   /* pk_type; of the element for a list */
    uint8_t list;   /* 0 = no list, else 1 + pk_image_list */
    uint16_t bits;  /* constant width of (one element of) the field; 0 = by expression or struct */
    uint16_t flags; /* PK_FIELD_* */
    uint16_t group_bits;  /* width of the bit group it lies in, 0 = none */
    uint16_t group_shift; /* its least significant bit counted from the group's */
    uint32_t fixed_off;   /* bits from the layer's start when among the fixed fields (to its group's
                           start for a field of a bit group), else ~0 */
    pk_ref width;  /* EXP: bytes of a bytes field, bits of u(E); 0 = the rest of the window */
    pk_ref extent; /* EXP: count, until condition (argument 0 = it) or set of a list */
    pk_ref init;   /* EXP: default; 0 = zero or empty */
    pk_ref sub;    /* LAY: struct type */
    pk_ref args;   /* EXP: first of n_args consecutive arguments of the struct */
    uint32_t n_args;
    pk_ref names;  /* ENU: enum or flag set, 0 = none */
    pk_ref select; /* EXP: which of the enums of that name (`as code[type]`) */
    pk_ref codec;  /* STR: text codec, 0 = none */
    pk_ref doc;    /* STR */
} pk_image_field;
enum {
    PK_FIELD_LE = 1,       /* little-endian */
    PK_FIELD_HEX = 2,      /* written in hexadecimal */
    PK_FIELD_GROUP_LE = 4, /* the bit group is little-endian */
    PK_FIELD_HAS_INIT = 8,
    PK_FIELD_ANONYMOUS = 16, /* `_`: alignment */
    PK_FIELD_PARAM = 32      /* configuration, in no item: never on the wire */
};

typedef enum pk_image_list {
    PK_IMAGE_LIST_WINDOW,
    PK_IMAGE_LIST_COUNT,
    PK_IMAGE_LIST_UNTIL,
    PK_IMAGE_LIST_FOR
} pk_image_list;

typedef enum pk_member_kind {
    PK_MEMBER_FIELD, /* ref = slot */
    PK_MEMBER_LET,   /* ref = EXP */
    PK_MEMBER_DEF,   /* ref = EXP with arguments */
    PK_MEMBER_PARAM, /* ref = EXP: the default of the configuration parameter */
    PK_MEMBER_CASE,  /* ref = LAY */
    PK_MEMBER_WINDOW /* ref = STR: the base name of a window, whose <base>_rest/_cut are leaves */
} pk_member_kind;

/* MEM: a name in a layer's namespace; an alias is a second record with the same kind and ref. */
typedef struct pk_image_member {
    pk_ref name; /* STR */
    uint32_t kind;
    uint32_t ref;
    uint32_t alias; /* 1 when this name is an alias */
} pk_image_member;

/* ALI: a layer's second name. */
typedef struct pk_image_alias {
    pk_ref name;  /* STR */
    pk_ref layer; /* LAY */
    pk_ref plan;  /* PLN: an instance of it whose given values come with the name; 0 = none */
    uint32_t spare;
} pk_image_alias;

/* ENU: an enum or flag set; enums of one name chosen by another field chain through next. */
typedef struct pk_image_enum {
    pk_ref name;     /* STR */
    uint32_t flags;  /* 1 = flag set: entry values are bit numbers */
    uint64_t select; /* for which value of the selecting field; meaningful when chained is 1 */
    uint32_t chained;
    pk_ref next;    /* ENU */
    pk_ref entries; /* ENT: first of n_entries */
    uint32_t n_entries;
} pk_image_enum;
typedef struct pk_image_entry {
    uint64_t value;
    pk_ref name; /* STR */
    uint32_t spare;
} pk_image_entry;

/* TAB: what a key of a payload selector means. Keys are sorted by lo and do not overlap. */
typedef struct pk_image_table {
    pk_ref layer; /* LAY it belongs to */
    pk_ref name;  /* STR: the selector as written ("proto", "dsap,ssap") */
    pk_ref keys;  /* KEY: first of n_keys */
    uint32_t n_keys;
} pk_image_table;
typedef struct pk_image_key {
    uint64_t lo, hi; /* inclusive */
    pk_ref layer;    /* LAY */
    uint32_t spare;
} pk_image_key;

/* PLD: a payload item. Selectors are tried in order; then the else layer; then raw. */
typedef struct pk_image_payload {
    pk_ref selectors; /* SEL: first of n_selectors */
    uint32_t n_selectors;
    pk_ref window;    /* EXP: at most that many bytes; 0 = the rest */
    pk_ref otherwise; /* LAY, 0 = raw bytes */
} pk_image_payload;
typedef struct pk_image_selector {
    pk_ref key;   /* EXP */
    pk_ref table; /* TAB */
} pk_image_selector;

/* BND: `layer upper on …/lower(…)`; IMP: the defaults it imposes below when stacked. */
typedef struct pk_image_bind {
    pk_ref lower;       /* LAY directly below */
    pk_ref impositions; /* IMP: first of n_impositions */
    uint32_t n_impositions;
    uint32_t spare;
} pk_image_bind;
typedef struct pk_image_imposition {
    pk_ref layer;   /* LAY on which it is imposed */
    uint32_t depth; /* 0 = the layer directly below, 1 = the one below that, .. */
    uint32_t slot;
    pk_ref value; /* EXP, evaluated in that lower instance */
} pk_image_imposition;

/* SHP: one disjunct of `answers`: a reply is an answer when each key's two sides are equal, the
 * guards hold and `answers` itself does. KYP: one equation. */
typedef struct pk_image_shape {
    pk_ref keys; /* KYP: first of n_keys */
    uint32_t n_keys;
    pk_ref reply_guard; /* EXP over the reply, 0 = none */
    pk_ref sent_guard;  /* EXP over the stimulus, 0 = none */
    pk_ref residual;    /* STR: what of the disjunct is neither, as written; 0 = nothing */
    uint32_t spare;
} pk_image_shape;
typedef struct pk_image_key_pair {
    pk_ref reply;         /* EXP, evaluated in the reply's instance */
    pk_ref sent;          /* EXP, evaluated in the stimulus's instance */
    uint32_t echoed_slot; /* slot of the stimulus when `sent` is just that field, else ~0 */
    uint32_t term_slot;   /* slot that `sent` is, or is a sum with (q.seq + q.seglen), else ~0 */
} pk_image_key_pair;

/* PAR: a parameter of the program. */
typedef enum pk_param_type {
    PK_PARAM_INT,
    PK_PARAM_TEXT,
    PK_PARAM_BYTES,
    PK_PARAM_BOOL,
    PK_PARAM_DURATION, /* nanoseconds */
    PK_PARAM_RATE,     /* see pk_image_option */
    PK_PARAM_IP4,
    PK_PARAM_IP6,
    PK_PARAM_MAC,
    PK_PARAM_IFACE,
    PK_PARAM_FILE
} pk_param_type;
typedef struct pk_image_param {
    pk_ref name;   /* STR */
    pk_ref doc;    /* STR */
    uint16_t type; /* pk_param_type; of the element for a set */
    uint16_t bits; /* width of uN, else 0 */
    uint32_t is_set;
    pk_ref init;      /* EXP, 0 = required */
    pk_ref init_set;  /* SET when is_set, 0 = required */
    pk_ref init_text; /* STR: the default as written */
    uint32_t spare;
} pk_image_param;

/* SET: a set of values, made once at load (after the parameters are known) by a small stack program
 * over sets; SOP: its steps. The result is an ordered list of runs (set/set.h). */
typedef enum pk_set_op {
    PK_SET_VALUE,  /* push { a } */
    PK_SET_RANGE,  /* push a .. b step c (EXP; c 0 = 1), both ends included */
    PK_SET_PREFIX, /* push every address of a/b (EXP: address bytes, prefix length) */
    PK_SET_PARAM,  /* push the set parameter a (PAR) */
    PK_SET_JOIN,   /* pop y, x; push x then y (concatenation, order and repeats kept) */
    PK_SET_EXCEPT, /* pop y, x; push x without the members of y */
    PK_SET_NONE,   /* push the empty set */
    PK_SET_LINES,  /* push the members in file a (EXP: name), a line each, read as field b (FLD) or
                      parameter c (PAR) reads them; 0 = as plain bytes */
    PK_SET_FRAMES, /* push the numbers of the frames of capture file a (EXP: name), from 0 */
    PK_SET_OCTETS, /* push the IPv4 addresses of a (EXP: eight bytes, least and greatest octets) */
    PK_SET_SHUFFLE, /* pop x; push x in an order drawn from the seed by stream a */
    PK_SET_SAMPLE,  /* pop x; push the first b (EXP) members of x in an order drawn likewise */
    PK_SET_REPEAT,  /* pop x; push x a (EXP) times over */
    PK_SET_NETWORKS /* pop x; push every address of the prefixes of a (EXP) bits round its members */
} pk_set_op;
typedef struct pk_image_set {
    pk_ref steps; /* SOP: first of n_steps */
    uint32_t n_steps;
    pk_ref text; /* STR: as written */
    uint32_t spare;
} pk_image_set;
typedef struct pk_image_set_step {
    uint32_t op; /* pk_set_op */
    uint32_t a, b, c;
} pk_image_set_step;

/* AXS: a source of values that the packet's index selects: the digit of dimension `dim` picks an
 * element of the set. Axes of one dimension (zip) step together and have as many members, but those
 * that cycle: they begin again. DIM counts as its first axis that does not. Of dimension 0 the digit
 * is the packet's number itself: cycle(S) on its own, and what only random draws use. */
enum { PK_AXIS_CYCLES = 1 };
typedef struct pk_image_axis {
    pk_ref set;     /* SET */
    uint32_t dim;   /* number of the dimension, from 1; 0 = the packet's number */
    pk_ref name;    /* STR: the let's name, or the text of the literal */
    uint32_t flags; /* PK_AXIS_* */
} pk_image_axis;

typedef enum pk_plan_kind {
    PK_PLAN_INSTANCE, /* of layer `ref`, with given values and a payload */
    PK_PLAN_VALUE     /* bytes or, in a list of integers, an integer: EXP `ref` */
} pk_plan_kind;

/* PLN: a node of a packet description. The first plan node of a payload or list chains its
 * juxtaposed siblings through next. */
typedef struct pk_image_plan {
    uint32_t kind; /* pk_plan_kind */
    uint32_t ref;
    pk_ref givens; /* GIV: first of n_givens */
    uint32_t n_givens;
    pk_ref payload;  /* PLN: first payload node, 0 = none */
    pk_ref next;     /* PLN */
    uint32_t flags;  /* PK_PLAN_* */
    uint32_t stream; /* of random numbers, of a fuzzed instance */
} pk_image_plan;
enum {
    PK_PLAN_FIELDS_END =
        1,           /* `_cut` is given: emit the items up to the last one given, then the cut
                               bytes, then nothing more of this instance */
    PK_PLAN_FUZZ = 2, /* fields with a constant default or none are random, see vm/fuzz.c */
    PK_PLAN_FRAME = 4       /* VALUE: a captured frame, whose link type says what it begins with */
};

typedef enum pk_given_kind {
    PK_GIVEN_VALUE, /* EXP: integer or bytes; for a struct with a text codec, encoded bytes; for a
                       two-way scalar, its integer */
    PK_GIVEN_LIST,  /* PLN chain (0 = the empty list) */
    PK_GIVEN_NODE,  /* PLN: an instance for a struct field */
    PK_GIVEN_RAW,   /* EXP: these bytes in place of the field's encoding */
    PK_GIVEN_CUT,   /* EXP: bytes of `_cut` */
    PK_GIVEN_REST /* EXP: leftover bytes of the window named by slot (STR), or of the instance (0) */
} pk_given_kind;
typedef struct pk_image_given {
    uint32_t slot;
    uint32_t kind; /* pk_given_kind */
    uint32_t ref;
    uint32_t lo; /* span in the source: position of the argument (0 = none) */
} pk_image_given;

/* ALT: one alternative of a set of packets: a stack and the dimensions that multiply, leftmost
 * slowest. The packets of a program's set are those of its alternatives, one after the other.
 * DML: dimension numbers. */
typedef struct pk_image_alt {
    pk_ref plan; /* PLN: the outermost instance or bytes; siblings (trailer) through next */
    pk_ref dims; /* DML: first of n_dims */
    uint32_t n_dims;
    uint32_t spare;
} pk_image_alt;

/* PST: a layer of a pattern: an instance of it for which the condition holds, directly on the one
 * before or, with `gap`, anywhere above it. PAT: a pattern, its layers from the outermost. */
typedef struct pk_image_pattern_step {
    pk_ref layer;     /* LAY */
    pk_ref condition; /* EXP in that layer, 0 = any instance */
    uint32_t gap;     /* 1: `...` stands before it */
    uint32_t spare;
} pk_image_pattern_step;
typedef struct pk_image_pattern {
    pk_ref steps; /* PST: first of n_steps */
    uint32_t n_steps;
    pk_ref text; /* STR: as written */
    uint32_t spare;
} pk_image_pattern;

/* CKI: a field of a stateless probe's packets that holds a piece of their cookie (base/cookie.h): the
 * low `bits` bits of it are the word's from bit `shift` on. The value is given by the plan. */
typedef struct pk_image_cookie {
    pk_ref plan; /* PLN: the instance */
    uint32_t slot;
    uint32_t shift, bits;
    uint32_t word; /* bits of the whole word */
    uint32_t spare;
} pk_image_cookie;

/* PRB: a probe (name 0: the anonymous one of a bare send), its options, and how its answers are
 * told. */
typedef struct pk_image_probe {
    pk_ref name; /* STR */
    pk_ref alts; /* ALT: first of n_alts */
    uint32_t n_alts;
    pk_ref options; /* OPT: first of n_options */
    uint32_t n_options;
    pk_ref answer; /* PAT: first of n_answer: any of them answers, in place of `def answers` */
    uint32_t n_answer;
    pk_ref listen; /* PAT: first of n_listen: what is worth showing beside answers */
    uint32_t n_listen;
    pk_ref where; /* EXP of the reply (argument 0) and the stimulus (1): holds of every answer */
    pk_ref keys;  /* KYP: first of n_keys: equations of `where`, each side an EXP of its packet */
    uint32_t n_keys;
    pk_ref cookies; /* CKI: first of n_cookies: of a stateless probe */
    uint32_t n_cookies;
} pk_image_probe;

/* OPT: `timeout 2s`: name, and its value as an expression. A rate's value is an integer: packets
 * per 1,000,000 seconds when bit 63 is clear, bits per second with bit 63 set. Durations are
 * nanoseconds. A word (`order random`) is bytes. */
typedef struct pk_image_option {
    pk_ref name;  /* STR */
    pk_ref value; /* EXP, 0 = given without a value */
} pk_image_option;

/* CHK: `check a == b`. */
typedef struct pk_image_check {
    pk_ref alt;    /* ALT: the packet */
    pk_ref expect; /* EXP: the bytes that it must have */
    pk_ref source; /* STR "file:line" */
    uint32_t spare;
} pk_image_check;

/* BLB: a byte string in DATA. */
typedef struct pk_image_blob {
    uint32_t off, len;
} pk_image_blob;

/* The sections, in the order in which they stand in the file: PK_SECTION(ID, field, record type). */
#define PK_SECTIONS                                       \
    PK_SECTION(STR, strings, char)                        \
    PK_SECTION(DATA, data, uint8_t)                       \
    PK_SECTION(BLB, blobs, pk_image_blob)                 \
    PK_SECTION(CODE, code, pk_insn)                       \
    PK_SECTION(EXP, exprs, pk_image_expr)                 \
    PK_SECTION(LAY, layers, pk_image_layer)               \
    PK_SECTION(FLD, fields, pk_image_field)               \
    PK_SECTION(MEM, members, pk_image_member)             \
    PK_SECTION(ALI, aliases, pk_image_alias)              \
    PK_SECTION(ENU, enums, pk_image_enum)                 \
    PK_SECTION(ENT, entries, pk_image_entry)              \
    PK_SECTION(TAB, tables, pk_image_table)               \
    PK_SECTION(KEY, keys, pk_image_key)                   \
    PK_SECTION(PLD, payloads, pk_image_payload)           \
    PK_SECTION(SEL, selectors, pk_image_selector)         \
    PK_SECTION(BND, binds, pk_image_bind)                 \
    PK_SECTION(IMP, impositions, pk_image_imposition)     \
    PK_SECTION(SHP, shapes, pk_image_shape)               \
    PK_SECTION(KYP, key_pairs, pk_image_key_pair)         \
    PK_SECTION(PAR, params, pk_image_param)               \
    PK_SECTION(SET, sets, pk_image_set)                   \
    PK_SECTION(SOP, set_steps, pk_image_set_step)         \
    PK_SECTION(AXS, axes, pk_image_axis)                  \
    PK_SECTION(PLN, plans, pk_image_plan)                 \
    PK_SECTION(GIV, givens, pk_image_given)               \
    PK_SECTION(ALT, alts, pk_image_alt)                   \
    PK_SECTION(DML, dims, uint32_t)                       \
    PK_SECTION(PST, pattern_steps, pk_image_pattern_step) \
    PK_SECTION(PAT, patterns, pk_image_pattern)           \
    PK_SECTION(CKI, cookies, pk_image_cookie)             \
    PK_SECTION(PRB, probes, pk_image_probe)               \
    PK_SECTION(OPT, options, pk_image_option)             \
    PK_SECTION(CHK, checks, pk_image_check)               \
    PK_SECTION(SRC, source, char)                         \
    PK_SECTION(VIW, views, pk_image_view)                 \
    PK_SECTION(COL, columns, pk_image_column)             \
    PK_SECTION(AGG, aggregates, pk_image_aggregate)

typedef enum pk_section {
#define PK_SECTION(id, field, type) PK_SEC_##id,
    PK_SECTIONS
#undef PK_SECTION
        PK_SEC_COUNT_OF
} pk_section;

/* A loaded image. Counts include the reserved element 0. */
typedef struct pk_image {
#define PK_SECTION(id, field, type) \
    const type *field;              \
    uint32_t n_##field;
    PK_SECTIONS
#undef PK_SECTION
    uint64_t hash; /* of the content, from the header */
    const void *blob;
    size_t blob_len;
} pk_image;

/* Checks `blob` and points *ret_image into it. The blob must be 8-byte aligned and outlive the
 * image. On refusal PK_EFORMAT (or PK_EUNSUPPORTED for a newer version) and one sentence in
 * `reterr_text`: which record of which section, and what is wrong with it. */
int pk_image_load(const void *blob, size_t len, pk_image *ret_image, char *reterr_text,
                  size_t reterr_size);

/* The same without the hash and the walk over the records: the container alone is checked. Only for
 * an image that this program carries as a constant, was loaded when the program was built, and so
 * is as trustworthy as the program's own code. Whatever comes from a file, or has been compiled,
 * takes pk_image_load. */
int pk_image_attach(const void *blob, size_t len, pk_image *ret_image, char *reterr_text,
                    size_t reterr_size);

/* The text at a STR reference; "" for 0. */
static inline const char *pk_image_text(const pk_image *image, pk_ref text)
{
    return image->strings + text;
}

/* The bytes of a blob. */
pk_bytes pk_image_bytes(const pk_image *image, pk_ref blob);

/* Member `name` (STR reference of this image) of a layer, or NULL. Binary search. */
const pk_image_member *pk_image_member_find(const pk_image *image, pk_ref layer, pk_ref name);

/* The layer of that name or alias, 0 when there is none. Linear: for tools, not for the wire. */
pk_ref pk_image_layer_find(const pk_image *image, const char *name);

/* The STR reference of a name, 0 when the image does not hold it. Linear. */
pk_ref pk_image_name_find(const pk_image *image, const char *name);
/* The same of `n` names at once: the strings of an image are many. */
void pk_image_names_find(const pk_image *image, const char *const names[], size_t n,
                         pk_ref *ret_refs);

/* What `key` means in a table; 0 = nothing. */
pk_ref pk_image_table_find(const pk_image *image, pk_ref table, uint64_t key);

const char *pk_op_name(pk_op op);

#endif
