/* How many targets a run has that somebody else may own.
 *
 * Nothing is enumerated. In each alternative one dimension after the other is moved along the ends
 * of its set's runs while the others stand at 0, and the packet built there says where it goes: so
 * it is seen which dimensions the destination depends on. When that is one, each run of its set
 * whose two ends lie in one special range (special.def) counts nothing, and any other all of its
 * members; when there are more, all of their product counts as soon as one packet seen goes to
 * others. That is never too few but where the destination is computed from a set whose runs hide it. */
#include <string.h>

#include "run/session_internal.h"

enum { RUNS = 1024 /* ends looked at in a set */ };

typedef struct survey {
    pk_session *session;
    const pk_scope *scope;
    pk_point point;
    uint8_t first[16]; /* the destination with all digits 0 */
    uint32_t len;      /* its bytes; 0: none */
} survey;

/* The destination of the packet at the point; its length, 0 for none. */
static uint32_t look(survey *s, uint8_t ret_address[16])
{
    pk_session *session = s->session;
    pk_vm_error error;
    pk_vm_link_set(session->setup.vm, 0);
    pk_buf_clear(&session->packet);
    if (pk_vm_build(session->setup.vm, &s->point, &session->packet, &session->packet_tree, &error))
        return 0;
    pk_session_reach reach = pk_session_reach_of(session, &session->packet_tree);
    memcpy(ret_address, session->packet.data + reach.at, reach.len);
    return reach.len;
}

static int special_of(const survey *s, const uint8_t *address, uint32_t len)
{
    return len ? pk_scope_special(s->scope, (pk_bytes){address, len}) : 0;
}

/* What one dimension does to the destination. */
typedef struct effect {
    bool moves;      /* it depends on it */
    bool seen;       /* a packet was seen that goes to others */
    pk_u128 count;   /* members */
    pk_u128 exposed; /* of these, in runs that may go to others */
} effect;

/* `count` members that lie between those with the two digits. */
static void look_between(survey *s, uint32_t dim, const pk_u128 digits[2], pk_u128 count, effect *e)
{
    uint8_t ends[2][16] = {{0}};
    int special[2];
    for (unsigned i = 0; i < 2; i++) {
        s->point.digits[dim] = digits[i];
        uint32_t len = look(s, ends[i]);
        special[i] = special_of(s, ends[i], len);
        e->moves = e->moves || len != s->len || memcmp(ends[i], s->first, len) != 0;
        e->seen = e->seen || special[i] < 0;
    }
    s->point.digits[dim] = 0;
    if (special[0] < 0 || special[0] != special[1])
        e->exposed += count;
}

/* The ends of a drawn order say nothing: those of the runs behind it are looked at where they went. Of a
 * sample, and of a view of a view, all members count. */
static void look_at_view(survey *s, uint32_t dim, const pk_run *view, effect *e)
{
    const pk_set *of = view->of;
    if (of->views || view->count < of->count || of->n_runs > RUNS) {
        const pk_u128 ends[2] = {view->before, view->before + view->count - 1};
        look_between(s, dim, ends, 0, e);
        e->seen = e->seen || e->moves;
        e->exposed += view->count;
        return;
    }
    for (uint32_t i = 0; i < of->n_runs; i++) {
        const pk_run *run = &of->runs[i];
        pk_u128 ends[2] = {run->before, run->before + run->count - 1};
        for (unsigned k = 0; k < 2; k++)
            ends[k] =
                view->before + (view->order ? pk_permute_inverse(view->order, ends[k]) : ends[k]);
        look_between(s, dim, ends, run->count * (view->count / of->count), e);
    }
}

static void look_at_run(survey *s, uint32_t dim, const pk_run *run, effect *e)
{
    const pk_u128 ends[2] = {run->before, run->before + run->count - 1};
    if (run->kind == PK_RUN_VIEW)
        look_at_view(s, dim, run, e);
    else
        look_between(s, dim, ends, run->count, e);
}

static effect look_at_dimension(survey *s, uint32_t dim)
{
    const pk_image *image = s->session->image;
    const pk_space *space = pk_vm_space(s->session->setup.vm);
    effect all = {0};
    for (pk_ref axis = 1; axis < image->n_axes; axis++) {
        effect e = {.moves = all.moves, .seen = all.seen};
        if (image->axes[axis].dim != dim)
            continue;
        const pk_set *set = pk_space_axis_set(space, axis);
        for (uint32_t i = 0; i < set->n_runs && i < RUNS; i++)
            look_at_run(s, dim, &set->runs[i], &e);
        if (set->n_runs > RUNS)
            e.exposed = set->count;
        e.exposed = e.exposed > all.exposed ? e.exposed : all.exposed;
        e.count = set->count > all.count ? set->count : all.count;
        all = e;
    }
    return all;
}

static pk_u128 product(pk_u128 a, pk_u128 b)
{
    return b && a > ~(pk_u128)0 / b ? ~(pk_u128)0 : a * b;
}

/* Is a destination drawn for each packet anew? */
static bool is_drawn(survey *s)
{
    uint8_t other[16] = {0};
    s->point.index++;
    uint32_t len = look(s, other);
    s->point.index--;
    return len != s->len || memcmp(other, s->first, len) != 0;
}

static pk_u128 targets_of_alternative(survey *s, pk_ref alt)
{
    const pk_image *image = s->session->image;
    const pk_image_alt *at = &image->alts[alt];
    pk_u128 targets = 1, exposed = 0;
    unsigned moving = 0;
    s->point.alt = alt;
    for (uint32_t i = 0; i < at->n_dims; i++)
        s->point.digits[image->dims[at->dims + i]] = 0;
    s->len = look(s, s->first);
    if (!s->len)
        return 0;
    if (is_drawn(s))
        return ~(pk_u128)0;
    if (image->plans[at->plan].flags & PK_PLAN_FRAME) { /* each frame goes where it goes */
        pk_u128 frames = 0;
        return pk_space_count(pk_vm_space(s->session->setup.vm), alt, 1, &frames) ? frames
                                                                                  : ~(pk_u128)0;
    }
    bool seen = special_of(s, s->first, s->len) < 0;
    for (uint32_t i = 0; i < at->n_dims; i++) {
        effect e = look_at_dimension(s, image->dims[at->dims + i]);
        if (!e.moves)
            continue;
        moving++;
        seen = seen || e.seen || (e.exposed && e.exposed == e.count);
        exposed = e.exposed;
        targets = product(targets, e.count);
    }
    if (moving == 1)
        return exposed;
    return seen ? targets : 0;
}

pk_u128 pk_session_targets(pk_session *session, const pk_scope *scope, pk_u128 enough)
{
    survey s = {.session = session, .scope = scope};
    const pk_image_probe *probe = session->stimuli.probe;
    pk_u128 targets = 0;
    if (session->stimuli.asked <= enough ||
        pk_point_init(pk_vm_space(session->setup.vm), &s.point) != PK_OK)
        return 0;
    for (uint32_t i = 0; i < probe->n_alts && targets <= enough; i++) {
        pk_u128 more = targets_of_alternative(&s, probe->alts + i);
        targets = more > ~(pk_u128)0 - targets ? ~(pk_u128)0 : targets + more;
    }
    pk_point_free(&s.point);
    return targets < session->stimuli.asked ? targets : session->stimuli.asked;
}
