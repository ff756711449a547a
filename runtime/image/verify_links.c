#include "image/verify.h"

#define REFUSE(verifier, section, ref, ...) \
    pk_verify_refuse(verifier, PK_SEC_##section, ref, PK_VERIFY_NO_INSN, __VA_ARGS__)

/* ---- chains ------------------------------------------------------------------------------------
 */

typedef pk_ref next_of(const pk_image *image, pk_ref ref);

static pk_ref next_enum(const pk_image *image, pk_ref ref)
{
    return image->enums[ref].next;
}

static pk_ref parent_layer(const pk_image *image, pk_ref ref)
{
    return image->layers[ref].parent;
}

/* Every record has one successor: a walk that meets its own trail is in a cycle, one that meets an
 * older trail is not. */
static int verify_chain(pk_verifier *verifier, pk_section section, uint32_t count, next_of *next)
{
    uint32_t *trail = pk_arena_array(&verifier->arena, count, sizeof *trail);
    if (!trail)
        return PK_ENOMEM;
    for (pk_ref start = 1; start < count; start++) {
        pk_ref at = start;
        while (at && !trail[at]) {
            trail[at] = start;
            at = next(verifier->image, at);
        }
        if (at && trail[at] == start)
            return pk_verify_refuse(verifier, section, at, PK_VERIFY_NO_INSN,
                                    "its chain comes back to itself");
    }
    return PK_OK;
}

/* ---- tables ------------------------------------------------------------------------------------
 */

/* run[i] is the first key of the ascending run that key i ends, so that any table's order is seen
 * at its last key. */
static int verify_tables(pk_verifier *verifier)
{
    const pk_image *image = verifier->image;
    pk_ref *run = pk_arena_array(&verifier->arena, image->n_keys, sizeof *run);
    if (!run)
        return PK_ENOMEM;
    for (pk_ref ref = 1; ref < image->n_keys; ref++) {
        const pk_image_key *key = &image->keys[ref];
        if (key->lo > key->hi)
            return REFUSE(verifier, KEY, ref, "%llu to %llu is empty", (unsigned long long)key->lo,
                          (unsigned long long)key->hi);
        run[ref] = ref > 1 && key[-1].hi < key->lo ? run[ref - 1] : ref;
    }
    for (pk_ref ref = 1; ref < image->n_tables; ref++) {
        const pk_image_table *table = &image->tables[ref];
        if (table->n_keys && run[table->keys + table->n_keys - 1] > table->keys)
            return REFUSE(verifier, TAB, ref, "its keys are not sorted, or overlap");
    }
    return PK_OK;
}

static int verify_impositions(pk_verifier *verifier)
{
    const pk_image *image = verifier->image;
    int code = PK_OK;
    for (pk_ref ref = 1; ref < image->n_impositions && !code; ref++) {
        const pk_image_imposition *imposition = &image->impositions[ref];
        uint32_t slots = image->layers[imposition->layer].n_slots;
        if (imposition->slot >= slots)
            return REFUSE(verifier, IMP, ref, "slot %u of %u", imposition->slot, slots);
        code = pk_verify_context(verifier, imposition->value, imposition->layer, 0, PK_SEC_IMP, ref,
                                 "the value");
    }
    return code;
}

/* ---- sets and axes -----------------------------------------------------------------------------
 */

/* How many sets a step takes from the stack; each pushes one. */
static uint32_t pops(const pk_image_set_step *step)
{
    if (step->op == PK_SET_JOIN || step->op == PK_SET_EXCEPT)
        return 2;
    return step->op >= PK_SET_SHUFFLE;
}

/* Who reads the lines of a file. */
static int verify_reader(const pk_verifier *verifier, pk_ref ref)
{
    const pk_image *image = verifier->image;
    const pk_image_set_step *step = &image->set_steps[ref];
    if (step->b >= image->n_fields)
        return REFUSE(verifier, SOP, ref, "%u is no field", step->b);
    if (step->c >= image->n_params || (step->b && step->c))
        return REFUSE(verifier, SOP, ref, "%u is no parameter to read it", step->c);
    return PK_OK;
}

static int verify_step(const pk_verifier *verifier, pk_ref ref)
{
    const pk_image *image = verifier->image;
    const pk_image_set_step *step = &image->set_steps[ref];
    const uint32_t operands[] = {step->a, step->b, step->c};
    uint32_t n = 0, from = 0; /* operands that are expressions */
    int code = PK_OK;
    switch ((pk_set_op)step->op) {
    case PK_SET_VALUE:
        n = 1;
        break;
    case PK_SET_RANGE:
        n = step->c ? 3 : 2;
        break;
    case PK_SET_PREFIX:
        n = 2;
        break;
    case PK_SET_PARAM:
        if (!step->a || step->a >= image->n_params || !image->params[step->a].is_set)
            return REFUSE(verifier, SOP, ref, "%u is no set parameter", step->a);
        return PK_OK;
    case PK_SET_LINES:
        n = 1;
        code = verify_reader(verifier, ref);
        break;
    case PK_SET_FRAMES:
    case PK_SET_OCTETS:
    case PK_SET_REPEAT:
    case PK_SET_NETWORKS:
        n = 1;
        break;
    case PK_SET_SAMPLE:
        from = 1;
        n = 2;
        break;
    case PK_SET_JOIN:
    case PK_SET_EXCEPT:
    case PK_SET_NONE:
    case PK_SET_SHUFFLE:
        break;
    }
    for (uint32_t i = from; i < n && !code; i++) {
        if (!operands[i] || operands[i] >= image->n_exprs)
            return REFUSE(verifier, SOP, ref, "%u is no expression", operands[i]);
        code = pk_verify_context(verifier, operands[i], 0, 0, PK_SEC_SOP, ref, "an operand");
    }
    return code;
}

static int verify_set(const pk_verifier *verifier, uint8_t *marks, pk_ref ref)
{
    const pk_image_set *set = &verifier->image->sets[ref];
    uint32_t depth = 0;
    if (!pk_verify_mark(marks, set->steps, set->n_steps))
        return REFUSE(verifier, SET, ref, "shares steps with another set");
    for (uint32_t i = 0; i < set->n_steps; i++) {
        uint32_t taken = pops(&verifier->image->set_steps[set->steps + i]);
        if (depth < taken)
            return REFUSE(verifier, SET, ref, "step %u takes %u sets, there are %u", i, taken,
                          depth);
        depth = depth - taken + 1;
    }
    if (depth != 1)
        return REFUSE(verifier, SET, ref, "its steps leave %u sets, not one", depth);
    return PK_OK;
}

static int verify_sets(pk_verifier *verifier)
{
    const pk_image *image = verifier->image;
    uint8_t *marks = pk_verify_marks(verifier, image->n_set_steps);
    int code = marks ? PK_OK : PK_ENOMEM;
    for (pk_ref ref = 1; ref < image->n_set_steps && !code; ref++)
        code = verify_step(verifier, ref);
    for (pk_ref ref = 1; ref < image->n_sets && !code; ref++)
        code = verify_set(verifier, marks, ref);
    return code;
}

/* Dimensions are numbered from 1 by their axes; an alternative names only those. Axes that only
 * random draws use have dimension 0. */
static int verify_dims(pk_verifier *verifier)
{
    const pk_image *image = verifier->image;
    uint8_t *known = pk_verify_marks(verifier, image->n_axes);
    if (!known)
        return PK_ENOMEM;
    for (pk_ref ref = 1; ref < image->n_axes; ref++) {
        uint32_t dim = image->axes[ref].dim;
        if (dim >= image->n_axes)
            return REFUSE(verifier, AXS, ref, "dimension %u, among %u axes", dim,
                          image->n_axes - 1);
        known[dim] = dim != 0;
    }
    for (pk_ref ref = 1; ref < image->n_dims; ref++)
        if (image->dims[ref] >= image->n_axes || !known[image->dims[ref]])
            return REFUSE(verifier, DML, ref, "dimension %u has no axis", image->dims[ref]);
    return PK_OK;
}

/* ---- plans -------------------------------------------------------------------------------------
 */

/* The plan nodes that a given value leads to. */
static pk_ref given_plan(const pk_image_given *given)
{
    return given->kind == PK_GIVEN_LIST || given->kind == PK_GIVEN_NODE ? given->ref : 0;
}

static int verify_given(const pk_verifier *verifier, pk_ref ref, pk_ref layer)
{
    const pk_image *image = verifier->image;
    const pk_image_given *given = &image->givens[ref];
    bool plan = given->kind == PK_GIVEN_LIST || given->kind == PK_GIVEN_NODE;
    bool window = given->kind == PK_GIVEN_CUT || given->kind == PK_GIVEN_REST;
    /* Behind the slots of a two-way scalar stands the number that it means. */
    bool scalar = given->kind == PK_GIVEN_VALUE && image->layers[layer].flags & PK_LAYER_TWO_WAY;
    uint32_t slots = window ? image->n_strings : image->layers[layer].n_slots + scalar;
    uint32_t refs = plan ? image->n_plans : image->n_exprs;
    if (given->slot >= slots)
        return REFUSE(verifier, GIV, ref, "slot %u of %u", given->slot, slots);
    if (given->ref >= refs || (!given->ref && given->kind != PK_GIVEN_LIST))
        return REFUSE(verifier, GIV, ref, "kind %u names %u of %u", given->kind, given->ref, refs);
    return plan ? PK_OK
                : pk_verify_context(verifier, given->ref, layer, 0, PK_SEC_GIV, ref, "the value");
}

static int verify_plan(const pk_verifier *verifier, uint8_t *marks, pk_ref ref)
{
    const pk_image *image = verifier->image;
    const pk_image_plan *plan = &image->plans[ref];
    bool instance = plan->kind == PK_PLAN_INSTANCE;
    uint32_t refs = instance ? image->n_layers : image->n_exprs;
    if (!plan->ref || plan->ref >= refs)
        return REFUSE(verifier, PLN, ref, "kind %u names %u of %u", plan->kind, plan->ref, refs);
    if (!instance && (plan->n_givens || plan->payload))
        return REFUSE(verifier, PLN, ref, "a value has given values or a payload");
    if (!pk_verify_mark(marks, plan->givens, plan->n_givens))
        return REFUSE(verifier, PLN, ref, "shares given values with another");
    if (!instance)
        return pk_verify_context(verifier, plan->ref, 0, 0, PK_SEC_PLN, ref, "the value");
    int code = PK_OK;
    for (uint32_t i = 0; i < plan->n_givens && !code; i++)
        code = verify_given(verifier, plan->givens + i, plan->ref);
    return code;
}

typedef struct plan_graph {
    const pk_image *image;
    uint32_t *above; /* by PLN: nodes that lead to it and are not done */
    pk_ref *ready;   /* nodes that nothing undone leads to */
    uint32_t n_ready;
} plan_graph;

static void edge_count(plan_graph *graph, pk_ref to)
{
    if (to)
        graph->above[to]++;
}

static void edge_drop(plan_graph *graph, pk_ref to)
{
    if (to && --graph->above[to] == 0)
        graph->ready[graph->n_ready++] = to;
}

static void edges(plan_graph *graph, pk_ref ref, void (*visit)(plan_graph *graph, pk_ref to))
{
    const pk_image_plan *plan = &graph->image->plans[ref];
    visit(graph, plan->payload);
    visit(graph, plan->next);
    for (uint32_t i = 0; i < plan->n_givens; i++)
        visit(graph, given_plan(&graph->image->givens[plan->givens + i]));
}

/* Nodes are taken off that nothing left leads to; in a cycle there is none. */
static int verify_acyclic(pk_verifier *verifier)
{
    uint32_t n = verifier->image->n_plans;
    plan_graph graph = {.image = verifier->image};
    graph.above = pk_arena_array(&verifier->arena, n, sizeof *graph.above);
    graph.ready = pk_arena_array(&verifier->arena, n, sizeof *graph.ready);
    if (!graph.above || !graph.ready)
        return PK_ENOMEM;
    for (pk_ref ref = 1; ref < n; ref++)
        edges(&graph, ref, edge_count);
    for (pk_ref ref = 1; ref < n; ref++)
        if (!graph.above[ref])
            graph.ready[graph.n_ready++] = ref;
    for (uint32_t done = 0; done < graph.n_ready; done++)
        edges(&graph, graph.ready[done], edge_drop);
    for (pk_ref ref = 1; ref < n; ref++)
        if (graph.above[ref])
            return REFUSE(verifier, PLN, ref, "is part of a cycle, or below one");
    return PK_OK;
}

static int verify_plans(pk_verifier *verifier)
{
    const pk_image *image = verifier->image;
    uint8_t *marks = pk_verify_marks(verifier, image->n_givens);
    int code = marks ? PK_OK : PK_ENOMEM;
    for (pk_ref ref = 1; ref < image->n_plans && !code; ref++)
        code = verify_plan(verifier, marks, ref);
    return code ? code : verify_acyclic(verifier);
}

/* ---- the program -------------------------------------------------------------------------------
 */

static int verify_cookie(const pk_verifier *verifier, pk_ref ref)
{
    const pk_image *image = verifier->image;
    const pk_image_cookie *cookie = &image->cookies[ref];
    const pk_image_plan *plan = &image->plans[cookie->plan];
    if (plan->kind != PK_PLAN_INSTANCE || cookie->slot >= image->layers[plan->ref].n_slots)
        return REFUSE(verifier, CKI, ref, "plan node %u has no slot %u", cookie->plan,
                      cookie->slot);
    if (!cookie->bits || cookie->shift + cookie->bits > cookie->word)
        return REFUSE(verifier, CKI, ref, "bits %u to %u of a word of %u", cookie->shift,
                      cookie->shift + cookie->bits, cookie->word);
    return PK_OK;
}

/* The condition of a pattern's layer is evaluated in it; what a probe says of answers, outside. */
static int verify_answers(const pk_verifier *verifier)
{
    const pk_image *image = verifier->image;
    int code = PK_OK;
    for (pk_ref ref = 1; ref < image->n_pattern_steps && !code; ref++)
        code =
            pk_verify_context(verifier, image->pattern_steps[ref].condition,
                              image->pattern_steps[ref].layer, 0, PK_SEC_PST, ref, "the condition");
    for (pk_ref ref = 1; ref < image->n_cookies && !code; ref++)
        code = verify_cookie(verifier, ref);
    for (pk_ref ref = 1; ref < image->n_probes && !code; ref++) {
        const pk_image_probe *probe = &image->probes[ref];
        code = pk_verify_context(verifier, probe->where, 0, 2, PK_SEC_PRB, ref, "the condition");
        for (uint32_t i = 0; i < probe->n_keys && !code; i++) {
            const pk_image_key_pair *pair = &image->key_pairs[probe->keys + i];
            const pk_verify_use uses[] = {{pair->reply, 1, "the reply's side"},
                                          {pair->sent, 1, "the stimulus's side"}};
            code = pk_verify_uses(verifier, uses, 2, 0, PK_SEC_KYP, probe->keys + i);
        }
    }
    return code;
}

/* Parameters, options and checks are evaluated outside any packet. */
static int verify_program(const pk_verifier *verifier)
{
    const pk_image *image = verifier->image;
    int code = PK_OK;
    for (pk_ref ref = 1; ref < image->n_params && !code; ref++)
        code = pk_verify_context(verifier, image->params[ref].init, 0, 0, PK_SEC_PAR, ref,
                                 "the default");
    for (pk_ref ref = 1; ref < image->n_options && !code; ref++)
        code = pk_verify_context(verifier, image->options[ref].value, 0, 0, PK_SEC_OPT, ref,
                                 "the value");
    for (pk_ref ref = 1; ref < image->n_checks && !code; ref++)
        code = pk_verify_context(verifier, image->checks[ref].expect, 0, 0, PK_SEC_CHK, ref,
                                 "the expectation");
    return code;
}

int pk_verify_links(pk_verifier *verifier)
{
    static int (*const steps[])(pk_verifier * verifier) = {verify_tables, verify_impositions,
                                                           verify_sets, verify_dims, verify_plans};
    const pk_image *image = verifier->image;
    int code = verify_chain(verifier, PK_SEC_ENU, image->n_enums, next_enum);
    if (!code)
        code = verify_chain(verifier, PK_SEC_LAY, image->n_layers, parent_layer);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !code; i++)
        code = steps[i](verifier);
    if (!code)
        code = verify_answers(verifier);
    return code ? code : verify_program(verifier);
}
