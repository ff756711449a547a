#include "match_follow.h"

#include <stdlib.h>
#include <string.h>

#include "match_chain.h"
#include "template_internal.h"

enum { STEPS = 512 /* of one program */ };

typedef struct follow_step {
    uint8_t kind, op;  /* trace_kind, pk_op */
    uint8_t bits;      /* LOAD; SWAP */
    uint8_t skip;      /* LOAD: bits of its first byte that lie before */
    uint16_t a, b, to; /* operands and result: places in `values` */
    uint16_t side;     /* LOAD: 0 or 1 */
    uint32_t byte;     /* LOAD: its first byte */
} follow_step;

struct pk_follow {
    follow_step *steps;
    uint64_t *values; /* constants, and what the steps compute; place 0 is none */
    trace_guard *guards;
    uint16_t *outputs;
    uint32_t n_steps, n_values, n_guards;
};

vm_trace *pk_follow_begin(pk_vm *vm)
{
    vm_trace *trace = calloc(1, sizeof *trace);
    if (!trace)
        return NULL;
    trace->n_nodes = trace->n_strings = 1;
    trace->following = true;
    vm->trace = trace;
    return trace;
}

void pk_follow_free(pk_follow *follow)
{
    if (!follow)
        return;
    free(follow->steps);
    free(follow->values);
    free(follow->guards);
    free(follow->outputs);
    free(follow);
}

/* ---- making ---------------------------------------------------------------------------------- */

static bool can_run(const trace_node *node)
{
    switch ((trace_kind)node->kind) {
    case TRACE_CONSTANT:
    case TRACE_LOAD:
    case TRACE_FOLD:
    case TRACE_OPERATION:
    case TRACE_LEAST:
    case TRACE_GREATEST:
    case TRACE_NONZERO:
    case TRACE_SWAP:
        return true;
    case TRACE_ELEMENT:
    case TRACE_CHOICE:
    case TRACE_RANDOM:
    case TRACE_WAY:
    case TRACE_SUM:
        return false;
    }
    return false;
}

/* Operands stand before what uses them. */
static void mark_needed(const vm_trace *trace, const pk_value *values, uint32_t count,
                        uint16_t *place_of)
{
    for (uint32_t i = 0; i < count; i++)
        place_of[values[i].spare] = 1;
    for (uint32_t i = 0; i < trace->n_guards; i++)
        place_of[trace->guards[i].node] = 1;
    for (uint32_t i = trace->n_nodes; i-- > 1;) {
        if (!place_of[i])
            continue;
        place_of[trace->nodes[i].a] = 1;
        place_of[trace->nodes[i].b] = 1;
    }
    place_of[0] = 0;
}

/* Gives the node a place and, unless it is a constant, the step that computes it. */
static bool add_step(pk_follow *follow, const trace_node *node, uint16_t *place_of, uint32_t number)
{
    uint32_t to = follow->n_values++;
    place_of[number] = (uint16_t)to;
    follow->values[to] = (uint64_t)node->least;
    if (node->kind == TRACE_CONSTANT)
        return true;
    follow->steps[follow->n_steps++] =
        (follow_step){.kind = node->kind,
                      .op = node->op,
                      .bits = (uint8_t)(node->kind == TRACE_SWAP ? node->part : node->len),
                      .a = place_of[node->a],
                      .b = place_of[node->b ? node->b : node->a],
                      .to = (uint16_t)to,
                      .byte = (uint32_t)(node->stream / 8),
                      .skip = (uint8_t)(node->stream % 8),
                      .side = node->part & 1};
    return can_run(node);
}

static uint32_t count_steps(const vm_trace *trace, uint32_t values, const uint16_t *place_of)
{
    uint32_t n = 1 + values;
    for (uint32_t i = 1; i < trace->n_nodes; i++)
        n += place_of[i] != 0;
    return n;
}

static bool fill(pk_follow *follow, const vm_trace *trace, const pk_value *values, uint32_t count,
                 uint16_t *place_of)
{
    follow->n_values = 1;
    for (uint32_t i = 1; i < trace->n_nodes; i++)
        if (place_of[i] && !add_step(follow, &trace->nodes[i], place_of, i))
            return false;
    for (uint32_t i = 0; i < trace->n_guards; i++) {
        follow->guards[i] = trace->guards[i];
        follow->guards[i].node = place_of[trace->guards[i].node];
    }
    follow->n_guards = trace->n_guards;
    for (uint32_t i = 0; i < count; i++) {
        follow->outputs[i] = place_of[values[i].spare];
        if (values[i].spare)
            continue;
        follow->values[follow->n_values] = (uint64_t)values[i].number;
        follow->outputs[i] = (uint16_t)follow->n_values++;
    }
    return true;
}

static pk_follow *make(const vm_trace *trace, const pk_value *values, uint32_t count)
{
    pk_follow *follow = calloc(1, sizeof *follow);
    uint16_t *place_of = calloc((size_t)trace->n_nodes + 1, sizeof *place_of);
    bool good = follow && place_of;
    if (good) {
        mark_needed(trace, values, count, place_of);
        uint32_t n = count_steps(trace, count, place_of);
        follow->steps = n <= STEPS ? calloc(n, sizeof *follow->steps) : NULL;
        follow->values = n <= STEPS ? calloc(n, sizeof *follow->values) : NULL;
        follow->guards = calloc((size_t)trace->n_guards + 1, sizeof *follow->guards);
        follow->outputs = calloc((size_t)count + 1, sizeof *follow->outputs);
        good = follow->steps && follow->values && follow->guards && follow->outputs &&
               fill(follow, trace, values, count, place_of);
    }
    free(place_of);
    if (good)
        return follow;
    pk_follow_free(follow);
    return NULL;
}

pk_follow *pk_follow_end(pk_vm *vm, vm_trace *trace, const pk_value *values, uint32_t count)
{
    vm->trace = NULL;
    vm->failed = false;
    pk_follow *follow = trace->reason[0] ? NULL : make(trace, values, count);
    pk_trace_free(trace);
    free(trace);
    return follow;
}

/* ---- running --------------------------------------------------------------------------------- */

static inline uint64_t load(const follow_step *step, const pk_tree *tree)
{
    unsigned bits = step->bits;
    if ((uint64_t)step->byte + 8 <= tree->len && step->skip + bits <= 64) {
        uint64_t word;
        memcpy(&word, tree->bytes + step->byte, sizeof word);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        return word << step->skip >> (64 - bits);
    }
    return pk_bits_get(tree->bytes, (uint64_t)step->byte * 8 + step->skip, bits);
}

/* The commonest at once, the others as templates do it. */
static inline uint64_t operate(const follow_step *step, uint64_t a, uint64_t b)
{
    uint64_t result = 0;
    if (step->kind == TRACE_OPERATION) {
        if (step->op == PK_OPC_EQ)
            return a == b;
        if (step->op == PK_OPC_AND)
            return a & b;
        if (step->op == PK_OPC_OR)
            return a | b;
        if (step->op == PK_OPC_LEU)
            return a <= b;
        if (step->op == PK_OPC_TRUTH)
            return a != 0;
    }
    const trace_node what = {.kind = step->kind, .op = step->op, .part = step->bits};
    pk_template_combine(&what, &result, 1, &a, &b);
    return result;
}

static bool guards_hold(const pk_follow *follow)
{
    for (uint32_t i = 0; i < follow->n_guards; i++) {
        const trace_guard *guard = &follow->guards[i];
        int64_t value = (int64_t)follow->values[guard->node];
        if (value < guard->least || value > guard->most)
            return false;
    }
    return true;
}

bool pk_follow_run(pk_follow *follow, const pk_tree *first, const pk_tree *second)
{
    const pk_tree *trees[2] = {first, second};
    uint64_t *values = follow->values;
    for (uint32_t i = 0; i < follow->n_steps; i++) {
        const follow_step *step = &follow->steps[i];
        if (step->kind == TRACE_FOLD)
            values[step->to] = pk_match_mix(values[step->a], values[step->b]);
        else if (step->kind == TRACE_LOAD)
            values[step->to] = load(step, trees[step->side]);
        else
            values[step->to] = operate(step, values[step->a], values[step->b]);
    }
    return guards_hold(follow);
}

int64_t pk_follow_value(const pk_follow *follow, uint32_t i)
{
    return (int64_t)follow->values[follow->outputs[i]];
}
