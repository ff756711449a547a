#include "match_follow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "match_chain.h"
#include "template_internal.h"

enum { STEPS = 512 /* of one program */ };

typedef struct follow_step {
    trace_node what; /* a and b: steps */
    uint64_t byte;   /* LOAD: the first byte that it needs */
    uint8_t skip;    /* LOAD: bits of it that lie before */
} follow_step;

struct pk_follow {
    follow_step *steps; /* 0 is none */
    uint64_t *values;   /* of each step */
    trace_guard *guards;
    uint16_t *outputs;
    uint32_t n_steps, n_guards, n_outputs;
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
                        uint16_t *step_of)
{
    for (uint32_t i = 0; i < count; i++)
        step_of[values[i].spare] = 1;
    for (uint32_t i = 0; i < trace->n_guards; i++)
        step_of[trace->guards[i].node] = 1;
    for (uint32_t i = trace->n_nodes; i-- > 1;) {
        if (!step_of[i])
            continue;
        step_of[trace->nodes[i].a] = 1;
        step_of[trace->nodes[i].b] = 1;
    }
    step_of[0] = 0;
}

static bool add_step(pk_follow *follow, const trace_node *node, uint16_t *step_of, uint32_t number)
{
    uint32_t at = follow->n_steps++;
    follow_step *step = &follow->steps[at];
    if (!can_run(node))
        return false;
    step->what = *node;
    step->what.a = step_of[node->a];
    step->what.b = step_of[node->b];
    step->byte = node->stream / 8;
    step->skip = (uint8_t)(node->stream % 8);
    follow->values[at] = (uint64_t)node->least;
    step_of[number] = (uint16_t)at;
    return true;
}

static uint32_t count_steps(const vm_trace *trace, uint32_t values, const uint16_t *step_of)
{
    uint32_t n = 1 + values;
    for (uint32_t i = 1; i < trace->n_nodes; i++)
        n += step_of[i] != 0;
    return n;
}

static bool fill(pk_follow *follow, const vm_trace *trace, const pk_value *values, uint32_t count,
                 uint16_t *step_of)
{
    follow->n_steps = 1;
    for (uint32_t i = 1; i < trace->n_nodes; i++)
        if (step_of[i] && !add_step(follow, &trace->nodes[i], step_of, i))
            return false;
    for (uint32_t i = 0; i < trace->n_guards; i++) {
        follow->guards[i] = trace->guards[i];
        follow->guards[i].node = step_of[trace->guards[i].node];
    }
    follow->n_guards = trace->n_guards;
    for (uint32_t i = 0; i < count; i++) {
        if (!values[i].spare) { /* a constant gets a step of its own */
            follow->values[follow->n_steps] = (uint64_t)values[i].number;
            follow->steps[follow->n_steps].what.kind = TRACE_CONSTANT;
            follow->outputs[i] = (uint16_t)follow->n_steps++;
            continue;
        }
        follow->outputs[i] = step_of[values[i].spare];
    }
    follow->n_outputs = count;
    return true;
}

static pk_follow *make(const vm_trace *trace, const pk_value *values, uint32_t count)
{
    pk_follow *follow = calloc(1, sizeof *follow);
    uint16_t *step_of = calloc((size_t)trace->n_nodes + 1, sizeof *step_of);
    bool good = follow && step_of;
    if (good) {
        mark_needed(trace, values, count, step_of);
        uint32_t n = count_steps(trace, count, step_of);
        follow->steps = n <= STEPS ? calloc(n, sizeof *follow->steps) : NULL;
        follow->values = n <= STEPS ? calloc(n, sizeof *follow->values) : NULL;
        follow->guards = calloc((size_t)trace->n_guards + 1, sizeof *follow->guards);
        follow->outputs = calloc((size_t)count + 1, sizeof *follow->outputs);
        good = follow->steps && follow->values && follow->guards && follow->outputs &&
               fill(follow, trace, values, count, step_of);
    }
    free(step_of);
    if (good)
        return follow;
    pk_follow_free(follow);
    return NULL;
}

pk_follow *pk_follow_end(pk_vm *vm, vm_trace *trace, const pk_value *values, uint32_t count)
{
    vm->trace = NULL;
    vm->failed = false;
    if (getenv("PKDBG"))
        fprintf(stderr, "follow: %s nodes %u guards %u values %u\n", trace->reason, trace->n_nodes,
                trace->n_guards, count);
    pk_follow *follow = trace->reason[0] ? NULL : make(trace, values, count);
    pk_trace_free(trace);
    free(trace);
    return follow;
}

/* ---- running --------------------------------------------------------------------------------- */

static uint64_t load(const follow_step *step, const pk_tree *tree)
{
    unsigned bits = step->what.len;
    if (step->byte + 8 <= tree->len && step->skip + bits <= 64) {
        uint64_t word;
        memcpy(&word, tree->bytes + step->byte, sizeof word);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        return word << step->skip >> (64 - bits);
    }
    return pk_bits_get(tree->bytes, step->what.stream, bits);
}

static uint64_t operate(const trace_node *what, uint64_t a, uint64_t b)
{
    uint64_t result = 0;
    if (what->kind == TRACE_OPERATION && what->op == PK_OPC_EQ)
        return a == b;
    if (what->kind == TRACE_OPERATION && what->op == PK_OPC_AND)
        return a & b;
    pk_template_combine(what, &result, 1, &a, &b);
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
    for (uint32_t i = 1; i < follow->n_steps; i++) {
        const follow_step *step = &follow->steps[i];
        const trace_node *what = &step->what;
        if (what->kind == TRACE_CONSTANT)
            continue;
        if (what->kind == TRACE_LOAD)
            values[i] = load(step, trees[what->part & 1]);
        else if (what->kind == TRACE_FOLD)
            values[i] = pk_match_mix(values[what->a], values[what->b]);
        else
            values[i] = operate(what, values[what->a], values[what->b ? what->b : what->a]);
    }
    return guards_hold(follow);
}

int64_t pk_follow_value(const pk_follow *follow, uint32_t i)
{
    return (int64_t)follow->values[follow->outputs[i]];
}
