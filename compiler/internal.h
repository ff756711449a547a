/*
 * The compiler's shared state and the seams between its steps.
 *
 * One compilation reads all sources into one syntax tree, declares every name, then lowers. What a
 * step knows about layers it reads from the image under construction, so standard layers and the
 * program's own look alike. Recursion follows the nesting of expressions and items only, which the
 * parser bounds (PK_NESTING_LIMIT), plus the expansion of `def`s, bounded by PK_DEPTH_LIMIT; long
 * chains of operators are walked in loops.
 */
#ifndef PK_COMPILER_INTERNAL_H
#define PK_COMPILER_INTERNAL_H

#include "ast.h"
#include "compile.h"
#include "image/builder.h"
#include "image/value.h"

enum {
    PK_DEPTH_LIMIT = 512,            /* nested expressions after expansion of defs */
    PK_ALTERNATIVES_LIMIT = 1 << 20, /* alternatives of one packet set */
    PK_IMPLIED_LIMIT = 4             /* layers that one brings along */
};

typedef enum pk_symbol_kind {
    PK_SYM_NONE,
    PK_SYM_LAYER, /* ref = LAY */
    PK_SYM_ENUM,  /* ref = ENU */
    PK_SYM_PARAM, /* ref = PAR */
    PK_SYM_LET,   /* ref = AST node of the LET, index = which of its names */
    PK_SYM_DEF    /* ref = AST node of the DEF */
} pk_symbol_kind;

typedef struct pk_symbol {
    pk_ref name; /* STR */
    pk_symbol_kind kind;
    uint32_t ref;
    uint32_t index;
    pk_span span; /* where it was declared; empty for the standard image's */
} pk_symbol;

/* A key that a declaration adds to a dispatch table, kept until all are known. */
typedef struct pk_pending_key {
    pk_ref table;
    pk_image_key key;
    pk_span span;
} pk_pending_key;

/* Code being made for one expression. */
typedef struct pk_code {
    pk_insn *insns;
    uint32_t count, cap;
} pk_code;

struct pk_scope;

/* A name bound for the time of one expression: an argument of the code, or (expansion of a def)
 * another expression in the scope of its caller. */
typedef struct pk_binding {
    pk_atom name;
    pk_node value; /* 0: argument number `arg` of the code; UINT32_MAX: this instance */
    const struct pk_scope *scope;
    uint32_t arg;
    bool packet; /* the argument is a packet of a row */
} pk_binding;

typedef struct pk_scope {
    const struct pk_scope *outer; /* searched next for bindings */
    const pk_binding *bindings;
    size_t n_bindings;
    pk_ref layer;               /* whose members are visible; 0 in programs */
    pk_ref other;               /* layer of `q` */
    struct pk_view_state *view; /* expressions over the rows or groups of a view, else NULL */
} pk_scope;

/* An axis already made: for a set that is written by its node, for zip(..) by node and place, for a
 * parameter by its reference. Fields that read its members differently (texts as names and as
 * addresses) have an axis each, of one dimension. */
typedef enum pk_axis_kind { PK_AXIS_OF_NODE, PK_AXIS_OF_PARAM } pk_axis_kind;
typedef struct pk_axis_key {
    pk_axis_kind kind;
    uint32_t ref;
    uint32_t index; /* of zip(..): which of its sets, from 1 */
    pk_ref field;   /* FLD that reads the members, 0 = none */
    pk_ref axis;
} pk_axis_key;

/* A set in a drawn order, by its node, and the number of its stream. */
typedef struct pk_draw {
    pk_node node;
    uint32_t stream;
} pk_draw;

typedef struct pk_compiler {
    const pk_compile_options *options;
    pk_sources *sources;
    pk_diags *diags;
    pk_ast *ast;
    pk_image_builder *builder;
    pk_arena arena;

    pk_node *files; /* FILE nodes, imports included */
    size_t n_files, cap_files;

    pk_symbol *symbols; /* open addressing, capacity a power of two */
    size_t n_symbols, cap_symbols;

    /* Declared layers, in order: AST node (LAYER, STRUCT, CASE, EXTEND) and LAY. */
    struct pk_declared {
        pk_node node;
        pk_ref layer;
    } * declared;
    size_t n_declared, cap_declared;

    pk_pending_key *keys;
    size_t n_keys, cap_keys;

    struct pk_pending_bind {
        pk_ref upper;
        pk_image_bind bind;
    } * binds;
    size_t n_binds, cap_binds;

    pk_code *code; /* the expression being made */
    unsigned depth;

    pk_axis_key *axes;
    size_t n_axes, cap_axes;
    uint32_t n_dims;
    uint32_t *dims; /* dimensions met by the alternative being made */
    size_t n_dims_met, cap_dims;
    uint32_t n_random; /* random streams given out, in this alternative */
    pk_draw *draws;    /* drawn orders, numbered from 1 */
    size_t n_draws, cap_draws;
    pk_ref set_param; /* PAR whose default is being made */
    pk_ref zone;      /* STR: of an address of the probe being made, 0 = none met */
    pk_span zone_span;
} pk_compiler;

/* ---- general ---- */
/* Grows an array of the compiler to hold one more; false (and a limit report) without memory. */
bool pk_grow(void **array, size_t *cap, size_t count, size_t size);
static inline const pk_ast_node *pk_at(const pk_compiler *cx, pk_node node)
{
    return pk_ast_get(cx->ast, node);
}
pk_ref pk_text_of_atom(pk_compiler *cx, pk_atom atom);
const char *pk_str(pk_compiler *cx, pk_ref text);
/* The source text of a node, white space folded. */
pk_ref pk_text_of_node(pk_compiler *cx, pk_node node);
pk_ref pk_place_text(pk_compiler *cx, pk_span span);

/* ---- names.c ---- */
const pk_symbol *pk_symbol_find(const pk_compiler *cx, pk_ref name);
/* False when the name is taken by another declaration of this compilation (reported). */
bool pk_symbol_add(pk_compiler *cx, pk_ref name, pk_symbol_kind kind, uint32_t ref, uint32_t index,
                   pk_span span);
/* A layer by name in the global namespace, cases by their global aliases; 0 when there is none. */
pk_ref pk_layer_by_name(pk_compiler *cx, pk_ref name);
void pk_offer_layers(pk_compiler *cx, pk_suggest *suggest);
void pk_report_unknown_layer(pk_compiler *cx, pk_span span, pk_ref name);
void pk_report_unknown_field(pk_compiler *cx, pk_span span, pk_ref layer, pk_ref name);
bool pk_member(pk_compiler *cx, pk_ref layer, pk_ref name, pk_image_member *ret_member);
/* The field record of a slot (the first of that name), 0 when it is none. */
pk_ref pk_field_of_slot(pk_compiler *cx, pk_ref layer, uint32_t slot);
/* The FLD of a member name, 0 when it is no field. */
pk_ref pk_field_by_name(pk_compiler *cx, pk_ref layer, pk_ref name);
/* Value of an enumerator or flag name of a field; letter strings for flags. */
bool pk_enumerator(pk_compiler *cx, pk_ref field, const char *text, uint64_t *ret_value);
void pk_names_load(pk_compiler *cx); /* the standard image's */

/* ---- declare.c: names, fields and tables of layers; enums ---- */
void pk_declare_file(pk_compiler *cx, pk_node file);
void pk_declare_members(pk_compiler *cx);
/* STR: the base name of a window whose contents are `items`. */
pk_ref pk_window_text(pk_compiler *cx, pk_node items);

/* ---- types.c ---- */
void pk_field_type(pk_compiler *cx, pk_node type, pk_image_field *field);
void pk_field_written_as(pk_compiler *cx, const pk_ast_node *tail, pk_image_field *field);

/* ---- bind.c: `on`, cases, dispatch keys ---- */
/* What a layer brings along when it does not stand on it: a case its struct; a struct, and a layer
 * bound by a chain (ipv6/icmpv6), the layer directly below in the first bind. 0 = nothing. */
pk_ref pk_implied(pk_compiler *cx, pk_ref layer);
void pk_bind_layers(pk_compiler *cx);
void pk_bind_finish(pk_compiler *cx);
/* A key for a dispatch table, a bind for a layer: written by pk_bind_finish. */
void pk_key_put(pk_compiler *cx, pk_ref table, uint64_t lo, uint64_t hi, pk_ref layer,
                pk_span span);
void pk_bind_put(pk_compiler *cx, pk_ref upper, pk_ref lower, const pk_image_imposition *imposed,
                 uint32_t count);
pk_ref pk_table_find(pk_compiler *cx, pk_ref layer, pk_ref name);

/* ---- succeed.c: layers that take a standard layer's place ---- */
void pk_bind_successors(pk_compiler *cx);

/* ---- layer.c: item programs, defaults, lets and defs ---- */
void pk_lower_layers(pk_compiler *cx);

/* ---- answers.c ---- */
void pk_lower_answers(pk_compiler *cx, pk_ref layer, pk_node def);

/* ---- expr.c, expr_call.c ---- */
/* Lowers `node` to an expression record. `expected` is the FLD whose enumerators and type it may
 * use (0 = none), `args` the number of arguments of the code. 0 after a report. */
pk_ref pk_lower_expr(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                     uint32_t args);
/* An expression of its own for what `emit` puts into register 0. */
pk_ref pk_expr_put(pk_compiler *cx, const pk_code *code, pk_ref layer, pk_ref text, uint32_t args);
pk_ref pk_expr_int(pk_compiler *cx, int64_t number);
pk_ref pk_expr_bytes(pk_compiler *cx, const void *bytes, size_t len);
pk_ref pk_expr_packet(pk_compiler *cx, pk_ref plan);
/* Emits code that leaves the value of `node` in register dst. False after a report. */
bool pk_lower(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected, unsigned dst);
bool pk_lower_call(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                   unsigned dst);
bool pk_lower_name(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                   unsigned dst);
bool pk_lower_member(pk_compiler *cx, const pk_scope *scope, pk_node node, unsigned dst);
bool pk_lower_condition_in(pk_compiler *cx, const pk_scope *scope, pk_node left, pk_node right,
                           pk_ref expected, unsigned dst);
bool pk_emit(pk_compiler *cx, pk_op op, unsigned a, unsigned b, unsigned c, uint32_t d, uint64_t e);
void pk_emit_patch(pk_compiler *cx,
                   uint32_t at); /* the jump at `at` goes to the next instruction */
/* The field whose names and type the other operand of an operator may use. */
pk_ref pk_field_of_expr(pk_compiler *cx, const pk_scope *scope, pk_node node);
const pk_binding *pk_binding_find(const pk_scope *scope, pk_atom name, const pk_scope **ret_scope);
/* A constant integer, or bytes; false (silently) when it is not constant. */
bool pk_constant_int(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                     int64_t *ret_number);
bool pk_constant_bytes(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                       pk_bytes *ret_bytes);
pk_bytes pk_image_blob_of(pk_compiler *cx, pk_ref blob);
/* Whether it is a function of the language that this version does not have. */
bool pk_function_is_later(const char *text);
bool pk_not_built(pk_compiler *cx, pk_span span, const char *what);

/* ---- path.c: where a path leads, how a value is written ---- */
typedef struct pk_path_end {
    enum { PK_PATH_UNKNOWN, PK_PATH_PACKET, PK_PATH_LAYER, PK_PATH_FIELD } kind;
    pk_ref layer; /* of a layer; of a field: its struct, 0 = none */
    pk_ref field;
} pk_path_end;
pk_path_end pk_path_end_of(pk_compiler *cx, const pk_scope *scope, pk_node node);
/* Reports a MEMBER whose name is none where its path leads; true where that cannot be told. */
bool pk_check_step(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *at);
typedef struct pk_written {
    pk_ref field; /* as this FLD, 0 = form says */
    pk_view_form form;
    bool text; /* it is a text already */
} pk_written;
pk_written pk_written_as(pk_compiler *cx, const pk_scope *scope, pk_node node);
/* What gives the one or the other: a text where they are written in different ways. */
pk_written pk_written_either(pk_compiler *cx, pk_written a, pk_written b);

/* ---- view_row.c: expressions over rows and groups ---- */
/* Whether names of layers alone mean those of the packet at hand, as in a filter. */
bool pk_bare_packet(const pk_scope *scope);
/* What only views have: *ret_handled is false for an expression like any other. */
bool pk_lower_viewing(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                      unsigned dst, bool *ret_handled);

/* Looks behind names on the right of `in`; true for a set that is not written out there. */
bool pk_view_set(pk_compiler *cx, const pk_scope *scope, pk_node *set);

/* ---- view.c ---- */
void pk_lower_view(pk_compiler *cx, const pk_ast_node *at);

/* ---- view_expr.c ---- */
/* The condition of a file that is nothing but `where CONDITION`; 0 after a report. */
pk_ref pk_lower_filter(pk_compiler *cx, pk_node file);

/* ---- text.c: coercion of strings by the field's type ---- */
bool pk_is_address_field(pk_compiler *cx, pk_ref field);
/* Whether the field, or the parameter whose default is being made, reads the text as several addresses:
 * "10.0.0.0/24", "www.example.com/24", "10.0.*.1-9"; and the steps that make them. */
bool pk_text_is_set(pk_compiler *cx, pk_bytes text, pk_ref field);
/* An address with a zone was met: the packets of the probe leave by that interface. */
void pk_meet_zone(pk_compiler *cx, const char *zone, size_t len, pk_span span);
/* Behind the value of a parameter in register `dst`: what the field makes of a text. */
bool pk_lower_text_value(pk_compiler *cx, pk_ref param, pk_ref expected, unsigned dst);
/* Emits a string literal as the value of a field (address, enumerator, flags, text codec, bytes).
 */
bool pk_lower_string(pk_compiler *cx, pk_node node, pk_bytes text, pk_ref expected, unsigned dst);

/* ---- sets.c: sets as stack programs ---- */
bool pk_is_set(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected);
pk_ref pk_set_make(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected);

typedef struct pk_steps {
    pk_image_set_step *list;
    size_t count, cap;
} pk_steps;
bool pk_text_steps(pk_compiler *cx, pk_node node, pk_ref field, pk_steps *s); /* text.c */
bool pk_prefix_step(pk_compiler *cx, pk_span span, const uint8_t *address, size_t width,
                    unsigned len, pk_steps *s);
bool pk_step(pk_steps *s, pk_set_op op, uint32_t a, uint32_t b, uint32_t c);
/* Appends the steps that push the set that `node` denotes; false after a report. */
bool pk_set_steps(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                  pk_steps *s);

/* ---- set_calls.c: functions that make sets ---- */
/* Whether `node` calls a function of the language by this name (NULL: any that makes a set). */
bool pk_calls_set(pk_compiler *cx, pk_node node, const char *name);
bool pk_set_call_steps(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                       pk_steps *s);
/* Whether it is `A/N`, the prefix of an address that is not written out. */
bool pk_is_prefix(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected);
bool pk_prefix_steps(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                     pk_steps *s);
/* The number of the stream that a drawn order comes from; 0 without memory. */
uint32_t pk_stream_of(pk_compiler *cx, pk_node node);

/* ---- axes.c ---- */
/* Emits AXIS for the set that `node` denotes. */
bool pk_lower_axis(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref expected,
                   unsigned dst);
bool pk_lower_param(pk_compiler *cx, pk_ref param, unsigned dst);
/* pcap(FILE): the frames of a capture as packets. The plan is a value, native `frame` of the file's name
 * and of an axis that counts the frames (PK_SET_FRAMES); the machine gets them from pk_env_files, with
 * the link type that says what each begins with (pk_vm_frame_link). 0 after a report. */
bool pk_calls_pcap(pk_compiler *cx, pk_node node);
pk_ref pk_plan_frames(pk_compiler *cx, const pk_scope *scope, pk_node call);
/* Emits AXIS for set number `index` of zip(..), called `name` (STR, 0 = by its text). */
bool pk_lower_zip(pk_compiler *cx, const pk_scope *scope, pk_node zip, uint32_t index, pk_ref name,
                  pk_ref expected, unsigned dst);
/* zip(..)[i]: the call, its scope, and i; 0 when it is something else. */
pk_node pk_zip_element(pk_compiler *cx, const pk_scope *scope, pk_node node,
                       const pk_scope **ret_scope, uint32_t *ret_index);
/* Whether the value of `let (a, ..)` pairs as many sets as it has names; reports when not. */
bool pk_zip_fits(pk_compiler *cx, pk_node let);
bool pk_lower_let(pk_compiler *cx, const pk_scope *scope, const pk_symbol *symbol, pk_ref expected,
                  unsigned dst);

/* ---- packet.c: packet expressions -> plans ---- */

/* A planned packet or element. What its outermost layer brings along (nd_ns: icmpv6; a case: its
 * struct) is made when it is known what it stands on. */
typedef struct pk_planned {
    pk_ref first;                   /* its outermost nodes, chained by next */
    pk_ref inner;                   /* where `/` attaches what follows */
    pk_ref holder;                  /* the struct's instance that `inner` is, or is a case of */
    pk_ref trailer;                 /* padding: behind everything */
    bool padded;                    /* padding was stacked last: what follows stands on that */
    pk_ref lower[PK_IMPLIED_LIMIT]; /* instances that hold what was given to the layers that `first`
                                       brings along, the nearest first; 0 = nothing given */
} pk_planned;

/* Follows names through bindings and lets; `ret_scope` is where the result's names live. A call of a
 * def is left to the caller. */
pk_node pk_resolve(pk_compiler *cx, const pk_scope *scope, pk_node node,
                   const pk_scope **ret_scope);
bool pk_is_packet(pk_compiler *cx, const pk_scope *scope, pk_node node);
/* The alternatives that `node` denotes, appended to ALT; false after a report. */
bool pk_plan_alternatives(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_ref *ret_first,
                          uint32_t *ret_count);
/* A stack, call or name as an element of type `layer`; 0 after a report. */
pk_ref pk_plan_element(pk_compiler *cx, const pk_scope *scope, pk_ref layer, pk_node node);
/* A packet inside an expression: one, without alternatives; 0 after a report. */
pk_ref pk_plan_alone(pk_compiler *cx, const pk_scope *scope, pk_node node);
/* Puts what `what` brings along below it, until it stands on `below` or is a `wanted` (0: neither
 * is known). */
bool pk_plan_wrap(pk_compiler *cx, pk_planned *what, pk_ref below, pk_ref wanted, pk_span span);

/* Whether something can stand in an instance of `layer`: always in a layer, in a struct or case when
 * it declares a payload. */
bool pk_has_payload(pk_compiler *cx, pk_ref layer);

/* ---- element.c: values of structs ---- */
pk_ref pk_plan_new(pk_compiler *cx, pk_ref layer);
/* The value of an expression as a plan node; `field` as in pk_lower_expr. */
pk_ref pk_plan_value(pk_compiler *cx, const pk_scope *scope, pk_ref field, pk_node node);
/* An element or struct value as a plan node of `layer` (or one of its cases). */
pk_ref pk_plan_struct(pk_compiler *cx, const pk_scope *scope, pk_ref layer, pk_node node);
/* The field that a text given to the struct is for: its only text, when nothing stands in it and it
 * has no codec of its own; 0 = none. */
pk_ref pk_text_field(pk_compiler *cx, pk_ref layer);
/* Whether `node` is written as an instance of `layer`, or of something that stands in its place. */
bool pk_is_element(pk_compiler *cx, const pk_scope *scope, pk_ref layer, pk_node node);

/* ---- edit.c: paths in described packets ---- */
/* Gives the value to what the path means in this instance, or in the packet that begins with it. */
bool pk_edit_inside(pk_compiler *cx, const pk_scope *scope, pk_ref plan, pk_node path,
                    pk_node value);
bool pk_edit_packet(pk_compiler *cx, const pk_scope *scope, pk_ref first, pk_node path,
                    pk_node value);

/* ---- transform.c: functions from packets to packets ---- */
/* The packet or list that such a call is about; 0 when `node` is none. */
pk_node pk_transformed(pk_compiler *cx, pk_node node);
/* Reports that such a call has no packet; false when it is no such call. */
bool pk_report_no_packet(pk_compiler *cx, pk_node node);
/* Does to the plan of that packet what the call says. */
bool pk_transform(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_planned *planned);

/* ---- given.c: arguments of a layer -> given values ---- */
/* The arguments of planned->first's layer; `presets` is a plan node whose given values come first
 * and yield to them, 0 = none. Sets inner, holder and lower. */
bool pk_plan_givens(pk_compiler *cx, const pk_scope *scope, pk_node args, pk_ref presets,
                    pk_planned *planned);
/* Gives the instance `plan` another value for what `name` (at `node`) names; `auto`: none. */
bool pk_plan_edit(pk_compiler *cx, const pk_scope *scope, pk_ref plan, pk_node node, pk_ref name,
                  pk_node value);
/* A call, or a name alone, of a layer or (first) a case of `within`. */
bool pk_plan_call(pk_compiler *cx, const pk_scope *scope, pk_ref within, pk_node node,
                  pk_planned *ret);
/* The n-th field that an argument without a name means; 0 behind the last. */
pk_ref pk_positional(pk_compiler *cx, pk_ref layer, unsigned n);
/* Whether a constant given to a field fits it; reports when not. */
bool pk_fits(pk_compiler *cx, pk_ref field, pk_ref expr, pk_span span);
/* The values of every `alias new = old(..)`. */
void pk_lower_aliases(pk_compiler *cx);

/* ---- present.c ---- */
/* Whether several fields share the name of a slot. */
bool pk_has_variants(pk_compiler *cx, pk_ref layer, uint32_t slot);
/* The FLD of a slot that is present when it is given beside `given`, as far as that can be told;
 * else the first. */
pk_ref pk_field_present(pk_compiler *cx, pk_ref layer, uint32_t slot, const pk_image_given *given,
                        size_t n_given);

/* ---- pattern.c: what `answer`, `listen` and `where` say ---- */
enum { PK_PATTERNS_LIMIT = 64 }; /* alternatives of one clause */
typedef struct pk_patterns {
    pk_image_pattern list[PK_PATTERNS_LIMIT];
    uint32_t count;
} pk_patterns;
/* Adds the pattern, or the list of them, that `node` is; false after a report. */
bool pk_patterns_add(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_patterns *patterns);
void pk_patterns_write(pk_compiler *cx, const pk_patterns *patterns, pk_ref *ret_first,
                       uint32_t *ret_count);
/* A condition over `reply` and `sent`, and the equations in it; false after a report. */
bool pk_lower_where(pk_compiler *cx, const pk_scope *scope, pk_node node, pk_image_probe *probe);

/* ---- stateless.c ---- */
/* Lays the cookie of a stateless probe into its packets, or reports that it has no place. */
void pk_lay_cookies(pk_compiler *cx, pk_span span, pk_image_probe *probe);

/* ---- clause.c ---- */
/* Reports a number without its unit where a duration or a rate is needed. */
bool pk_unit_missing(pk_compiler *cx, const char *clause, pk_node value);

/* ---- params.c ---- */
void pk_declare_param(pk_compiler *cx, pk_node node);
void pk_lower_params(pk_compiler *cx);

/* ---- program.c: probes, options, checks ---- */
void pk_lower_program(pk_compiler *cx);

#endif
