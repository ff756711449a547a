#include "run/stimuli.h"

#include <stdio.h>

static pk_u128 asked_of(const pk_stimuli *stimuli, const pk_run_options *options)
{
    if (options->count)
        return options->count;
    pk_u128 loops = options->loops ? options->loops : 1;
    return loops > PK_RUN_COUNT_FOREVER / stimuli->total ? PK_RUN_COUNT_FOREVER
                                                         : stimuli->total * loops;
}

int pk_stimuli_init(pk_stimuli *ret_stimuli, pk_vm *vm, const pk_image *image,
                    const pk_image_probe *probe, const pk_run_options *options, pk_error *reterr_)
{
    pk_stimuli stimuli = {.vm = vm, .image = image, .probe = probe};
    const pk_space *space = pk_vm_space(vm);
    if (!pk_space_count(space, probe->alts, probe->n_alts, &stimuli.total))
        return pk_error_set(reterr_, PK_ELIMIT, "the set has more than 2^128 - 1 packets");
    if (!stimuli.total && probe->n_listen && !probe->n_alts) {
        *ret_stimuli = stimuli;
        return PK_OK;
    }
    if (!stimuli.total)
        return pk_error_set(reterr_, PK_EFORMAT, "the set of packets is empty");
    if (pk_vm_probe_set(vm, probe) != PK_OK || pk_point_init(space, &stimuli.point) != PK_OK)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for a point of the set");
    stimuli.has_point = true;
    stimuli.expander = pk_expander_new(vm, probe->alts, probe->n_alts);
    if (!stimuli.expander) {
        pk_point_free(&stimuli.point);
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for templates");
    }
    pk_order_init(&stimuli.order, stimuli.total, options->random_order, options->seed);
    if (options->shards)
        pk_order_shard_set(&stimuli.order, options->shard, options->shards);
    stimuli.asked = asked_of(&stimuli, options);
    if (stimuli.asked != PK_RUN_COUNT_FOREVER)
        stimuli.asked = pk_order_share(&stimuli.order, stimuli.asked);
    *ret_stimuli = stimuli;
    return PK_OK;
}

void pk_stimuli_free(pk_stimuli *stimuli)
{
    if (stimuli->has_point)
        pk_point_free(&stimuli->point);
    pk_expander_free(stimuli->expander);
    *stimuli = (pk_stimuli){0};
}

void pk_stimuli_link_set(pk_stimuli *stimuli, uint32_t linktype)
{
    stimuli->link = linktype;
    stimuli->link_layer = pk_vm_link_layer(stimuli->vm, linktype);
    if (stimuli->expander)
        pk_expander_link_set(stimuli->expander, stimuli->link_layer);
}

pk_u128 pk_stimuli_number(const pk_stimuli *stimuli, uint64_t k)
{
    return pk_order_at(&stimuli->order, k);
}

/* The place in the set of packet `n`. */
static pk_u128 place_of(const pk_stimuli *stimuli, pk_u128 n)
{
    return n < stimuli->total ? n : n % stimuli->total;
}

static void locate(pk_stimuli *stimuli, pk_u128 n)
{
    const pk_image_probe *probe = stimuli->probe;
    pk_space_locate(pk_vm_space(stimuli->vm), probe->alts, probe->n_alts, place_of(stimuli, n),
                    &stimuli->point);
    stimuli->point.index = n;
}

bool pk_stimuli_link_added(pk_stimuli *stimuli, pk_u128 n)
{
    if (!stimuli->total)
        return false;
    locate(stimuli, n);
    return pk_expander_link_before(stimuli->expander, stimuli->point.alt) != 0;
}

int pk_stimuli_build(pk_stimuli *stimuli, pk_u128 n, pk_buf *out, pk_tree *tree,
                     pk_vm_error *reterr_error)
{
    locate(stimuli, n);
    pk_vm_link_set(stimuli->vm, pk_expander_link_before(stimuli->expander, stimuli->point.alt));
    pk_buf_clear(out);
    int code = pk_vm_build(stimuli->vm, &stimuli->point, out, tree, reterr_error);
    uint32_t link;
    if (code || !pk_vm_frame_link(stimuli->vm, stimuli->point.alt, &link) ||
        link == stimuli->link || !stimuli->link)
        return code;
    *reterr_error = (pk_vm_error){.code = PK_EFORMAT};
    (void)snprintf(reterr_error->text, sizeof reterr_error->text,
                   "a captured frame of link type %u cannot be sent on a link of type %u", link,
                   stimuli->link);
    return PK_EFORMAT;
}

/* ---- by templates ---------------------------------------------------------------------------- */

pk_template *pk_stimuli_template(pk_stimuli *stimuli, pk_u128 n)
{
    return pk_expander_template(stimuli->expander, place_of(stimuli, n));
}

/* Those of one template and one loop through the set, in the order asked. */
typedef struct group {
    uint32_t count;
    uint32_t at[PK_STIMULI_BATCH];
    pk_u128 places[PK_STIMULI_BATCH];
    uint8_t *slots[PK_STIMULI_BATCH];
    bool refused[PK_STIMULI_BATCH];
} group;

static void expand_group(group *g, pk_template *templ, pk_u128 loop, bool *ret_refused)
{
    bool in_line = true;
    for (uint32_t i = 1; i < g->count && in_line; i++)
        in_line = g->places[i] == g->places[0] + i;
    const pk_template_run run = {.first = g->places[0],
                                 .numbers = in_line ? NULL : g->places,
                                 .count = g->count,
                                 .slots = g->slots,
                                 .loop = loop,
                                 .refused = g->refused};
    (void)pk_template_expand(templ, &run);
    for (uint32_t i = 0; i < g->count; i++)
        ret_refused[g->at[i]] = g->refused[i];
}

void pk_stimuli_expand(const pk_stimuli *stimuli, const pk_u128 *ns, pk_template *const *templates,
                       uint8_t *const *slots, uint32_t count, bool *ret_refused)
{
    bool done[PK_STIMULI_BATCH] = {false};
    group g;
    for (uint32_t first = 0; first < count; first++) {
        if (done[first])
            continue;
        pk_u128 loop = ns[first] - place_of(stimuli, ns[first]);
        g.count = 0;
        for (uint32_t i = first; i < count; i++) {
            pk_u128 place = ns[i] - loop;
            if (done[i] || templates[i] != templates[first] || ns[i] < loop ||
                place >= stimuli->total)
                continue;
            done[i] = true;
            g.at[g.count] = i;
            g.places[g.count] = place;
            g.slots[g.count++] = slots[i];
        }
        expand_group(&g, templates[first], loop, ret_refused);
    }
}

/* False when it must be built. */
static bool expand_one(pk_stimuli *stimuli, pk_u128 n, pk_buf *out, pk_tree *tree)
{
    bool refused = true;
    pk_template *templ = pk_stimuli_template(stimuli, n);
    if (!templ || (tree && !pk_template_tree(templ, NULL)))
        return false;
    uint32_t len = pk_template_length(templ);
    uint8_t *slot = pk_buf_reserve(out, len + 1);
    pk_u128 place = place_of(stimuli, n);
    if (!slot)
        return false;
    const pk_template_run run = {.first = place,
                                 .count = 1,
                                 .base = slot,
                                 .stride = len,
                                 .loop = n - place,
                                 .refused = &refused};
    (void)pk_template_expand(templ, &run);
    out->len += refused ? 0 : len;
    return !refused && (!tree || pk_tree_copy(tree, pk_template_tree(templ, slot)));
}

int pk_stimuli_packet(pk_stimuli *stimuli, pk_u128 n, pk_buf *out, pk_tree *tree,
                      pk_vm_error *reterr_error)
{
    pk_buf_clear(out);
    if (expand_one(stimuli, n, out, tree))
        return PK_OK;
    return pk_stimuli_build(stimuli, n, out, tree, reterr_error);
}
