#include "template_expander.h"

#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_BATCH = 4,
    SLOTS_LIMIT = 1 << 22, /* bytes of all slots */
    LATER_LIMIT = 4096,    /* packets after which a way that is not known is not waited for */
    KNOWN_NOT = 1,         /* in `known`: no template */
    KNOWN_FROM = 2         /* its number in `templates`, from here on */
};

struct pk_expander {
    pk_vm *vm;
    pk_ref first;
    uint32_t n_alts;
    pk_ref link;    /* layer below every stack that can lie on it, 0 = none */
    uint8_t *known; /* by alternative: 0 not asked for, else KNOWN_.. */
    uint32_t later; /* times that a template could not be made yet */
    pk_template *templates[PK_EXPANDER_TEMPLATES];
    uint32_t n_templates;
    pk_point point;
    pk_buf packet;      /* built by the general machine */
    uint8_t *slots;     /* the batch at hand */
    size_t slots_size;  /* bytes */
    uint32_t length;    /* of each of its packets */
    pk_ref alt;         /* that they are of */
    pk_u128 at;         /* index of the first of them */
    uint32_t n, wanted; /* how many; how many next time */
    pk_expander_counts counts;
};

pk_expander *pk_expander_new(pk_vm *vm, pk_ref first, uint32_t count)
{
    pk_expander *expander = calloc(1, sizeof *expander);
    if (!expander)
        return NULL;
    *expander = (pk_expander){.vm = vm, .first = first, .n_alts = count, .wanted = FIRST_BATCH};
    expander->known = calloc((size_t)count + 1, 1);
    if (expander->known && pk_point_init(pk_vm_space(vm), &expander->point) == PK_OK)
        return expander;
    pk_expander_free(expander);
    return NULL;
}

void pk_expander_free(pk_expander *expander)
{
    if (!expander)
        return;
    for (uint32_t i = 0; i < expander->n_templates; i++)
        pk_template_free(expander->templates[i]);
    pk_point_free(&expander->point);
    pk_buf_free(&expander->packet);
    free(expander->known);
    free(expander->slots);
    free(expander);
}

pk_expander_counts pk_expander_count(const pk_expander *expander)
{
    return expander->counts;
}

/* ---- the link's layer ------------------------------------------------------------------------ */

/* Can a layer lie directly on the link's? */
static bool lies_on(const pk_image *image, pk_ref upper, pk_ref lower)
{
    const pk_image_layer *layer = &image->layers[upper];
    for (uint32_t i = 0; i < layer->n_binds; i++)
        if (image->binds[layer->binds + i].lower == lower)
            return true;
    return false;
}

pk_ref pk_expander_link_before(const pk_expander *expander, pk_ref alt)
{
    const pk_image *image = expander->vm->image;
    const pk_image_plan *outermost = &image->plans[image->alts[alt].plan];
    if (!expander->link || outermost->kind != PK_PLAN_INSTANCE || outermost->ref == expander->link)
        return 0;
    return lies_on(image, outermost->ref, expander->link) ? expander->link : 0;
}

static void forget(pk_expander *expander)
{
    for (uint32_t i = 0; i < expander->n_templates; i++)
        pk_template_free(expander->templates[i]);
    expander->n_templates = expander->n = 0;
    memset(expander->known, 0, expander->n_alts);
}

void pk_expander_link_set(pk_expander *expander, pk_ref layer)
{
    if (layer != expander->link)
        forget(expander);
    expander->link = layer;
}

/* ---- templates ------------------------------------------------------------------------------- */

static bool worth_it(const pk_expander *expander, pk_ref alt)
{
    pk_u128 count;
    return expander->n_templates < PK_EXPANDER_TEMPLATES &&
           pk_space_count(pk_vm_space(expander->vm), alt, 1, &count) && count >= PK_EXPANDER_LEAST;
}

static pk_template *template_of(pk_expander *expander, pk_ref alt)
{
    uint8_t *known = &expander->known[alt - expander->first];
    char reason[PK_TEMPLATE_REASON];
    bool later = false;
    if (*known)
        return *known == KNOWN_NOT ? NULL : expander->templates[*known - KNOWN_FROM];
    *known = KNOWN_NOT;
    if (!worth_it(expander, alt))
        return NULL;
    pk_vm_link_set(expander->vm, pk_expander_link_before(expander, alt));
    pk_template *made = pk_template_new(expander->vm, expander->first, alt, reason, &later);
    if (!made) {
        if (later && expander->later++ < LATER_LIMIT)
            *known = 0;
        return NULL;
    }
    *known = (uint8_t)(KNOWN_FROM + expander->n_templates);
    expander->templates[expander->n_templates++] = made;
    return made;
}

pk_template *pk_expander_template(pk_expander *expander, pk_u128 index)
{
    pk_ref alt = pk_space_alt(pk_vm_space(expander->vm), expander->first, expander->n_alts, index);
    return alt ? template_of(expander, alt) : NULL;
}

pk_template *pk_expander_span(pk_expander *expander, pk_u128 index, pk_ref *ret_alt,
                              pk_u128 *ret_end)
{
    const pk_space *space = pk_vm_space(expander->vm);
    *ret_end = 0;
    *ret_alt = pk_space_alt(space, expander->first, expander->n_alts, index);
    if (!*ret_alt)
        return NULL;
    (void)pk_space_count(space, expander->first, *ret_alt - expander->first + 1, ret_end);
    return template_of(expander, *ret_alt);
}

/* ---- one packet after the other -------------------------------------------------------------- */

/* How many packets from `index` on the next batch has; it stays within the alternative. */
static uint32_t batch_size(pk_expander *expander, pk_ref alt, pk_u128 index, uint32_t length)
{
    pk_u128 end = 0;
    (void)pk_space_count(pk_vm_space(expander->vm), expander->first, alt - expander->first + 1,
                         &end);
    bool follows = expander->n && index == expander->at + expander->n;
    uint32_t room = SLOTS_LIMIT / (length + 1), wanted = expander->wanted;
    expander->wanted = !follows                          ? FIRST_BATCH
                       : wanted * 2 <= PK_TEMPLATE_BATCH ? wanted * 2
                                                         : PK_TEMPLATE_BATCH;
    if (expander->wanted > room)
        expander->wanted = room ? room : 1;
    return end - index < expander->wanted ? (uint32_t)(end - index) : expander->wanted;
}

static bool make_slots(pk_expander *expander, size_t size)
{
    if (size <= expander->slots_size)
        return true;
    uint8_t *slots = realloc(expander->slots, size);
    if (!slots)
        return false;
    expander->slots = slots;
    expander->slots_size = size;
    return true;
}

/* False when the packet must be built. */
static bool expand_from(pk_expander *expander, pk_ref alt, pk_u128 index)
{
    pk_template *templ = template_of(expander, alt);
    if (!templ)
        return false;
    uint32_t length = pk_template_length(templ);
    uint32_t n = batch_size(expander, alt, index, length);
    expander->n = 0;
    if (!make_slots(expander, (size_t)n * length + 1))
        return false;
    const pk_template_run run = {
        .first = index, .count = n, .base = expander->slots, .stride = length};
    expander->n = pk_template_expand(templ, &run);
    expander->at = index;
    expander->alt = alt;
    expander->length = length;
    return expander->n > 0;
}

static bool in_batch(const pk_expander *expander, pk_u128 index)
{
    return index >= expander->at && index - expander->at < expander->n;
}

int pk_expander_packet(pk_expander *expander, pk_u128 index, pk_bytes *ret_bytes, pk_ref *ret_alt,
                       pk_vm_error *reterr_error)
{
    if (!in_batch(expander, index)) {
        pk_vm_error error = {.code = PK_ENOENT, .text = "there is no such packet"};
        if (!pk_space_locate(pk_vm_space(expander->vm), expander->first, expander->n_alts, index,
                             &expander->point)) {
            *reterr_error = error;
            return PK_ENOENT;
        }
        pk_ref alt = expander->point.alt;
        if (!expand_from(expander, alt, index)) {
            pk_buf_clear(&expander->packet);
            expander->counts.built++;
            pk_vm_link_set(expander->vm, pk_expander_link_before(expander, alt));
            int code =
                pk_vm_build(expander->vm, &expander->point, &expander->packet, NULL, reterr_error);
            if (code == PK_OK) {
                *ret_bytes = (pk_bytes){expander->packet.data, expander->packet.len};
                *ret_alt = alt;
            }
            return code;
        }
    }
    expander->counts.expanded++;
    size_t at = (size_t)(index - expander->at) * expander->length;
    *ret_bytes = (pk_bytes){expander->slots + at, expander->length};
    *ret_alt = expander->alt;
    return PK_OK;
}
