/*
 * The machines: an image run in both directions, and its expressions.
 *
 *   pk_vm_dissect  bytes -> tree       the item programs read; the VM owns every leftover bit
 *   pk_vm_build    point -> bytes+tree the item programs write; defaults are evaluated on demand
 *   pk_vm_eval     expression over a finished tree (answers, views, options, filters)
 *
 * A machine owns its stacks and scratch memory, allocated once from the image's limits and reused;
 * it is for one thread. Nothing recurses in C: expressions, defaults that need other defaults,
 * sizes, and nested instances are frames on one explicit stack (PK_VM_FRAMES). Dissection never
 * fails on input: what does not fit a declaration becomes a named leaf, what exceeds a limit one raw
 * leaf. Building fails only for a value that does not fit, a cycle, or a named limit, and then says
 * which field of which layer.
 */
#ifndef PK_VM_VM_H
#define PK_VM_VM_H

#include "base/buf.h"
#include "base/cookie.h"
#include "base/error.h"
#include "set/space.h"
#include "tree/tree.h"

enum {
    PK_VM_FRAMES = 1024,           /* nested evaluations */
    PK_VM_PACKET_LIMIT = 1 << 20,  /* bytes of a built packet */
    PK_VM_FILL_LIMIT = 1 << 20,    /* bytes that one zeros(), fill() or `*` may make */
    PK_VM_FUZZ_LIMIT = 1024,       /* bytes of a fuzzed field, whatever its random length says */
    PK_VM_FLIP_LIMIT = 65536,      /* bits that one mutate() may change */
    PK_VM_INSTANCES_LIMIT = 65536, /* instances of a built packet */
    PK_VM_BUILD_FUEL = 1 << 24     /* steps of building one packet */
};

/* Files and names that a program speaks of (run/files.h). Each function returns PK_OK, or a code with
 * its sentence; what it gives stays as it is, and where it is, as long as the machine. NULL: there is
 * nothing of the kind. */
typedef struct pk_env_files {
    int (*contents)(void *context, pk_bytes name, pk_bytes *ret_bytes, pk_error *reterr_);
    /* Adds the members in a file, a line each, as the field or parameter of the step reads them. */
    int (*members)(void *context, const pk_image *image, const pk_image_set_step *step,
                   pk_bytes name, pk_arena *arena, pk_set *to, pk_error *reterr_);
    /* Frames of a capture file, and frame `index` of it, counted from 0: its bytes, good until the
     * next call, and its link type (LINKTYPE_*). */
    int (*frames)(void *context, pk_bytes name, uint64_t *ret_count, pk_error *reterr_);
    int (*frame)(void *context, pk_bytes name, uint64_t index, pk_bytes *ret_bytes,
                 uint32_t *ret_link, pk_error *reterr_);
    /* The address of `len` bytes, 4 or 16, that a host name stands for. */
    int (*address)(void *context, pk_bytes host, uint32_t len, uint8_t ret_address[16],
                   pk_error *reterr_);
    void *context;
} pk_env_files;

/* How packets to an address leave. */
typedef struct pk_way {
    uint8_t source[16]; /* own address */
    uint8_t source_mac[6], nexthop_mac[6];
} pk_way;

typedef enum pk_way_state {
    PK_WAY_KNOWN, /* one way for all of the addresses */
    PK_WAY_LATER, /* one way, but its link address is not known yet, or it is none at all */
    PK_WAY_VARIES /* not the same for all of them, as far as is known */
} pk_way_state;

/* What the machine asks its surroundings (natives.def, group environment). Any function may be
 * NULL: the table's fallbacks then hold. `destination` is the packet's outermost network address,
 * 4 or 16 bytes (len 0: none known). Return false when unknown. */
typedef struct pk_env {
    bool (*source_address)(void *context, pk_bytes destination, uint8_t ret_address[16]);
    bool (*source_mac)(void *context, pk_bytes destination, uint8_t ret_mac[6]);
    bool (*nexthop_mac)(void *context, pk_bytes destination, uint8_t ret_mac[6]);
    /* The three at once for all addresses first..last (of equal length), without looking for what
     * is not known yet. What it calls KNOWN the three would answer too, now and later. May be NULL:
     * then the way to what varies has no template. */
    pk_way_state (*way)(void *context, pk_bytes first, const uint8_t *last, pk_way *ret_way);
    void *context;
    pk_env_files files;
} pk_env;

typedef struct pk_vm pk_vm;

typedef struct pk_vm_error {
    int code;       /* PK_ENOMEM, PK_ELIMIT, PK_EFORMAT */
    char text[256]; /* "`tcp.dport` is 16 bits wide, 70000 does not fit" */
    uint32_t lo;    /* position in the source of the value at fault, 0 = unknown */
} pk_vm_error;

/* `env` is copied, may be NULL. NULL when memory is refused. */
pk_vm *pk_vm_new(const pk_image *image, const pk_env *env);
void pk_vm_free(pk_vm *vm);

/* Where the machine's files and names come from. */
const pk_env_files *pk_vm_files(const pk_vm *vm);

/* Parameters start as their defaults. Bytes are copied. The value must be set before
 * pk_vm_space_open. */
int pk_vm_param_value(pk_vm *vm, pk_ref param, pk_value value);
int pk_vm_param_set(pk_vm *vm, pk_ref param, const pk_set *set); /* borrowed */

/* Evaluates the image's sets with the parameters as they are. The space belongs to the machine. */
int pk_vm_space_open(pk_vm *vm, uint64_t seed, pk_vm_error *reterr_error);
/* The same for the packets of those who name no set before `first`; no parameter is asked for. */
int pk_vm_space_open_from(pk_vm *vm, pk_ref first, pk_vm_error *reterr_error);
const pk_space *pk_vm_space(const pk_vm *vm);

/* Whose packets are built from now on: those of a stateless probe have cookies (base/cookie.h). With
 * the space open. PK_ENOMEM only. And the cookies; NULL for a probe that has none. */
int pk_vm_probe_set(pk_vm *vm, const pk_image_probe *probe);
const pk_cookies *pk_vm_cookies(const pk_vm *vm);

/* Builds the packet at `point` (of the machine's space). Appends its bytes to `out`; when `tree` is
 * not NULL makes its tree over those bytes (out->data must then stay as it is). */
int pk_vm_build(pk_vm *vm, const pk_point *point, pk_buf *out, pk_tree *tree,
                pk_vm_error *reterr_error);

/* Alternative `alt` of pcap(..): the packets are the frames of a capture, as they are, their trees what
 * dissecting them by their link type gives. True, with the link type (LINKTYPE_*) of the packet that
 * was built last; false for other alternatives. */
bool pk_vm_frame_link(const pk_vm *vm, pk_ref alt, uint32_t *ret_link);

/* The first field, as "icmp.ptr", that the last packet built was given a value for but does not have
 * with its other values (a pointer in an echo): such a value is left out. NULL: every value went
 * somewhere. `ret_lo` is its position in the source, 0 = unknown. */
const char *pk_vm_ignored(const pk_vm *vm, char *text, size_t size, uint32_t *ret_lo);

/* From now on every stack is built as the payload of an instance of `layer` with default fields, as if
 * it had been written so; 0 ends that. For transports whose frames begin below what was described. */
void pk_vm_link_set(pk_vm *vm, pk_ref layer);

/* Dissects `len` captured bytes (of `wire_len`) as `layer` (0 = raw) into `tree`. PK_ENOMEM only. */
int pk_vm_dissect(pk_vm *vm, pk_ref layer, const uint8_t *bytes, uint32_t len, uint32_t wire_len,
                  pk_tree *tree);

/* A machine reads simple expressions without frames and gives a packet that looks like an earlier one
 * the same records. `on` false: it takes neither way from now on, and finds the same (tests hold that). */
void pk_vm_shortcuts_set(pk_vm *vm, bool on);

/* The layer that capture link type `dlt` means (table `dlt` of the pseudo layer `link`); 0 = none. */
pk_ref pk_vm_link_layer(const pk_vm *vm, uint32_t dlt);

/* Evaluates `expr` in `self` of `tree`. `args` may hold nodes of `tree` (value.tree 0) or of
 * `other` (value.tree 1; NULL when there is none). Bytes of the result live until the next call. A
 * constant expression needs no tree (NULL). */
pk_value pk_vm_eval(pk_vm *vm, pk_ref expr, const pk_tree *tree, pk_tree_node self,
                    const pk_tree *other, const pk_value *args, uint32_t n_args);

/* The same, but a list gives all its values (PK_MANY). Nodes that are no values of their own remain
 * nodes: instances, and structs with a text codec. */
pk_value pk_vm_eval_many(pk_vm *vm, pk_ref expr, const pk_tree *tree, pk_tree_node self,
                         const pk_tree *other, const pk_value *args, uint32_t n_args);

/* Would building give `node` the bits that it has, were it left unset in a description of this tree
 * (LANGUAGE.md, inference)? Of a leaf: what an upper layer imposes, else its default, else zero or
 * nothing, computed on the rest of the tree. Of a struct field: its default's bytes, or, for a
 * two-way scalar, its default's integer (its own fields are asked about one by one). Of a list:
 * whether it is empty. A conditional field whose presence an expression asks about (`has`) is never
 * inferred: leaving it out would change the answer. False for anything that is not a field. */
bool pk_vm_inferred(pk_vm *vm, const pk_tree *tree, pk_tree_node node);

/* Does `a` hold as a condition (nonzero, non-empty, a node)? */
bool pk_value_truth(pk_value value);

#endif
