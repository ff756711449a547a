#include "run/stimuli.h"

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
    if (!stimuli.total)
        return pk_error_set(reterr_, PK_EFORMAT, "the set of packets is empty");
    if (pk_point_init(space, &stimuli.point) != PK_OK)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for a point of the set");
    stimuli.has_point = true;
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
    *stimuli = (pk_stimuli){0};
}

void pk_stimuli_link_set(pk_stimuli *stimuli, uint32_t linktype)
{
    stimuli->link_layer = pk_vm_link_layer(stimuli->vm, linktype);
}

pk_u128 pk_stimuli_number(const pk_stimuli *stimuli, uint64_t k)
{
    return pk_order_at(&stimuli->order, k);
}

/* Can a layer lie directly on the link's? */
static bool lies_on(const pk_image *image, pk_ref upper, pk_ref lower)
{
    const pk_image_layer *layer = &image->layers[upper];
    for (uint32_t i = 0; i < layer->n_binds; i++)
        if (image->binds[layer->binds + i].lower == lower)
            return true;
    return false;
}

static pk_ref link_before(const pk_stimuli *stimuli, pk_ref alt)
{
    const pk_image *image = stimuli->image;
    const pk_image_plan *outermost = &image->plans[image->alts[alt].plan];
    if (!stimuli->link_layer || outermost->kind != PK_PLAN_INSTANCE ||
        outermost->ref == stimuli->link_layer)
        return 0;
    return lies_on(image, outermost->ref, stimuli->link_layer) ? stimuli->link_layer : 0;
}

static void locate(pk_stimuli *stimuli, pk_u128 n)
{
    const pk_image_probe *probe = stimuli->probe;
    pk_space_locate(pk_vm_space(stimuli->vm), probe->alts, probe->n_alts, n % stimuli->total,
                    &stimuli->point);
    stimuli->point.index = n;
}

bool pk_stimuli_link_added(pk_stimuli *stimuli, pk_u128 n)
{
    locate(stimuli, n);
    return link_before(stimuli, stimuli->point.alt) != 0;
}

int pk_stimuli_build(pk_stimuli *stimuli, pk_u128 n, pk_buf *out, pk_tree *tree,
                     pk_vm_error *reterr_error)
{
    locate(stimuli, n);
    pk_vm_link_set(stimuli->vm, link_before(stimuli, stimuli->point.alt));
    pk_buf_clear(out);
    return pk_vm_build(stimuli->vm, &stimuli->point, out, tree, reterr_error);
}
