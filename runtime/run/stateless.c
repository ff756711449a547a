#include "run/stateless.h"

#include <stdlib.h>

#include "base/cookie.h"
#include "vm/match_chain.h"

enum {
    READINGS = 8, /* equations that tell one field */
    FIELDS = 16,  /* fields of a cookie */
    AXES = 16     /* axes that are told by an answer */
};

/* An equation that tells a field of the stimulus: the reply's side less `extra`. */
typedef struct reading {
    pk_ref reply, guard;
    int64_t extra; /* what the stimulus's side has beside the field, as the sample has it */
} reading;

/* A field of the stimulus, and how it is read. */
typedef struct told {
    uint32_t link; /* in the chain of layers with answers */
    uint32_t slot;
    uint32_t n_readings;
    reading readings[READINGS];
} told;

typedef struct piece {
    told field;
    uint32_t shift, bits;
} piece;

typedef struct axis {
    told field;
    pk_ref ref;
} axis;

/* What is known of an alternative's answers. */
typedef struct kind {
    pk_ref alt;
    uint32_t n_links, n_pieces, n_axes, word;
    pk_ref links[PK_LAYER_DEPTH];
    piece pieces[FIELDS];
    axis axes[AXES];
    uint32_t ways; /* readings of a piece at most */
    bool by_axes;  /* every dimension has an axis that is told */
} kind;

struct pk_stateless {
    pk_match *match;
    pk_vm *vm;
    const pk_image *image;
    pk_stimuli *stimuli;
    kind *kinds;
    uint32_t n_kinds;
    int64_t *times;
    uint64_t *marks; /* k + 1 */
    pk_buf bytes;
    pk_tree sent;
    pk_u128 *digits;
    pk_match_chain reply, quotation;
};

/* ---- what tells a field ------------------------------------------------------------------------
 */

static pk_value eval(pk_stateless *s, pk_ref expr, const pk_tree *tree, pk_tree_node node)
{
    return pk_vm_eval(s->vm, expr, tree, node, NULL, NULL, 0);
}

static bool slot_value(const pk_tree *tree, pk_tree_node instance, uint32_t slot, pk_value *ret)
{
    pk_tree_node node = pk_tree_slot(tree, instance, slot);
    if (pk_tree_none(node) || !pk_tree_is_leaf(tree, node))
        return false;
    *ret = pk_tree_value(tree, node);
    return true;
}

/* Adds what equation `pair` says of the field, with the sample's `extra`. */
static void add_reading(pk_stateless *s, const pk_image_key_pair *pair, pk_ref guard,
                        const pk_match_link *sample, told *field)
{
    int64_t extra = 0;
    if (pair->term_slot != field->slot || field->n_readings == READINGS)
        return;
    if (pair->echoed_slot != field->slot) {
        pk_value own, sum = eval(s, pair->sent, &s->sent, sample->node);
        if (sum.kind != PK_INT || !slot_value(&s->sent, sample->node, field->slot, &own) ||
            own.kind != PK_INT)
            return;
        extra = (int64_t)((uint64_t)sum.number - (uint64_t)own.number);
    }
    field->readings[field->n_readings++] = (reading){pair->reply, guard, extra};
}

static void find_readings(pk_stateless *s, const pk_match_chain *sample, told *field)
{
    const pk_match_link *link = &sample->links[field->link];
    const pk_image_layer *layer = &s->image->layers[link->layer];
    for (uint32_t i = 0; i < layer->n_shapes; i++) {
        const pk_image_shape *shape = &s->image->shapes[layer->shapes + i];
        for (uint32_t k = 0; k < shape->n_keys; k++)
            add_reading(s, &s->image->key_pairs[shape->keys + k], shape->reply_guard, link, field);
    }
}

/* ---- alternatives ------------------------------------------------------------------------------
 */

/* The place in the chain of layers with answers of each plan node with its layer; link layers that
 * were put below are counted. False for a layer without answers. */
static bool link_of_plan(const pk_stateless *s, const kind *a, pk_ref plan, uint32_t *ret_link)
{
    const pk_image *image = s->image;
    uint32_t link = a->n_links;
    uint32_t behind = 0; /* plan nodes with answers from `plan` inwards */
    for (pk_ref at = plan; at && image->plans[at].kind == PK_PLAN_INSTANCE;
         at = image->plans[at].payload)
        behind += image->layers[image->plans[at].ref].answers != 0;
    if (!image->layers[image->plans[plan].ref].answers || behind > link)
        return false;
    *ret_link = link - behind;
    return a->links[*ret_link] == image->plans[plan].ref;
}

static bool is_in_alternative(const pk_image *image, pk_ref alt, pk_ref plan)
{
    pk_ref at = image->alts[alt].plan;
    while (at && at != plan)
        at = image->plans[at].payload;
    return at != 0;
}

static void find_pieces(pk_stateless *s, const pk_match_chain *sample, kind *a)
{
    const pk_image_probe *probe = s->stimuli->probe;
    for (uint32_t i = 0; i < probe->n_cookies && a->n_pieces < FIELDS; i++) {
        const pk_image_cookie *cookie = &s->image->cookies[probe->cookies + i];
        piece *p = &a->pieces[a->n_pieces];
        *p = (piece){.field.slot = cookie->slot, .shift = cookie->shift, .bits = cookie->bits};
        if (!is_in_alternative(s->image, a->alt, cookie->plan) ||
            !link_of_plan(s, a, cookie->plan, &p->field.link))
            continue;
        a->word = cookie->word;
        find_readings(s, sample, &p->field);
        a->ways = p->field.n_readings > a->ways ? p->field.n_readings : a->ways;
        a->n_pieces += p->field.n_readings != 0;
    }
}

/* The axis that a given value is, and nothing else; 0 when it is more. */
static pk_ref axis_of(const pk_image *image, const pk_image_given *given)
{
    if (given->kind != PK_GIVEN_VALUE)
        return 0;
    const pk_image_expr *expr = &image->exprs[given->ref];
    const pk_insn *code = &image->code[expr->start];
    return expr->count == 2 && code[0].op == PK_OPC_AXIS && code[1].op == PK_OPC_RET ? code[0].d
                                                                                     : 0;
}

static void add_axis(pk_stateless *s, const pk_match_chain *sample, pk_ref plan,
                     const pk_image_given *given, kind *a)
{
    axis *at = &a->axes[a->n_axes];
    pk_ref ref = axis_of(s->image, given);
    if (!ref || a->n_axes == AXES)
        return;
    *at = (axis){.field.slot = given->slot, .ref = ref};
    if (!link_of_plan(s, a, plan, &at->field.link))
        return;
    find_readings(s, sample, &at->field);
    a->n_axes += at->field.n_readings != 0;
}

static void find_axes(pk_stateless *s, const pk_match_chain *sample, kind *a)
{
    const pk_image *image = s->image;
    for (pk_ref plan = image->alts[a->alt].plan;
         plan && image->plans[plan].kind == PK_PLAN_INSTANCE; plan = image->plans[plan].payload)
        for (uint32_t i = 0; i < image->plans[plan].n_givens; i++)
            add_axis(s, sample, plan, &image->givens[image->plans[plan].givens + i], a);
}

/* The dimension of the alternative that no axis tells; 0 when all are told. */
static uint32_t untold_dim(const pk_stateless *s, const kind *a)
{
    const pk_image *image = s->image;
    const pk_image_alt *alt = &image->alts[a->alt];
    for (uint32_t i = 0; i < alt->n_dims; i++) {
        uint32_t dim = image->dims[alt->dims + i];
        bool found = false;
        for (uint32_t k = 0; k < a->n_axes && !found; k++)
            found = image->axes[a->axes[k].ref].dim == dim;
        if (!found)
            return dim;
    }
    return 0;
}

static const char *name_of_dim(const pk_image *image, uint32_t dim)
{
    for (pk_ref ref = 1; ref < image->n_axes; ref++)
        if (image->axes[ref].dim == dim)
            return pk_image_text(image, image->axes[ref].name);
    return "";
}

static int check_kind(const pk_stateless *s, kind *a, pk_error *reterr_)
{
    const pk_cookies *cookies = pk_vm_cookies(s->vm);
    if (!a->n_pieces)
        return pk_error_set(reterr_, PK_EUNSUPPORTED,
                            "no answer of these packets would bring the cookie back");
    if (a->word < PK_COOKIE_LEAST)
        return pk_error_set(reterr_, PK_EUNSUPPORTED,
                            "stateless: a cookie of %u bits is too short (%d at least): leave more "
                            "echoed fields unset",
                            a->word, PK_COOKIE_LEAST);
    uint32_t dim = untold_dim(s, a);
    a->by_axes = dim == 0;
    if (a->by_axes || pk_cookies_tell(cookies, a->word))
        return PK_OK;
    return pk_error_set(
        reterr_, PK_EUNSUPPORTED,
        "stateless: %u bits of cookie tell %llu packets by number, and `%s` does not come back in "
        "an answer: send fewer, or leave more echoed fields unset",
        a->word, a->word > PK_COOKIE_PROOF ? 1ull << (a->word - PK_COOKIE_PROOF) : 0ull,
        name_of_dim(s->image, dim));
}

/* Looks at the first packet of an alternative. */
static int learn(pk_stateless *s, pk_ref alt, pk_u128 first, kind *ret_kind, pk_error *reterr_)
{
    pk_vm_error error = {0};
    pk_match_chain *sample = &s->reply;
    if (pk_stimuli_build(s->stimuli, first, &s->bytes, &s->sent, &error))
        return pk_error_set(reterr_, error.code, "%s", error.text);
    pk_match_chain_of(NULL, &s->sent, PK_TREE_NONE, sample);
    *ret_kind = (kind){.alt = alt, .n_links = sample->count};
    for (uint32_t i = 0; i < sample->count; i++)
        ret_kind->links[i] = sample->links[i].layer;
    find_pieces(s, sample, ret_kind);
    find_axes(s, sample, ret_kind);
    return check_kind(s, ret_kind, reterr_);
}

static int learn_all(pk_stateless *s, pk_error *reterr_)
{
    const pk_image_probe *probe = s->stimuli->probe;
    const pk_space *space = pk_vm_space(s->vm);
    pk_u128 before = 0, count = 0;
    int code = PK_OK;
    for (uint32_t i = 0; i < probe->n_alts && !code; i++) {
        if (!pk_space_count(space, probe->alts + i, 1, &count) || !count)
            continue;
        code = learn(s, probe->alts + i, before, &s->kinds[s->n_kinds++], reterr_);
        before += count;
    }
    return code;
}

/* ---- making ------------------------------------------------------------------------------------
 */

static int make(pk_stateless *s, bool times, pk_error *reterr_)
{
    const pk_image_probe *probe = s->stimuli->probe;
    if (probe->n_alts > PK_STATELESS_ALTERNATIVES)
        return pk_error_set(reterr_, PK_ELIMIT,
                            "too many alternatives of a stateless probe (limit %d)",
                            PK_STATELESS_ALTERNATIVES);
    s->kinds = calloc(probe->n_alts + 1u, sizeof *s->kinds);
    s->marks = calloc(PK_STATELESS_MARKS, sizeof *s->marks);
    s->digits = calloc(s->image->n_axes + 1u, sizeof *s->digits);
    if (times)
        s->times = calloc(PK_STATELESS_TIMES, 2 * sizeof *s->times);
    if (!s->kinds || !s->marks || !s->digits || (times && !s->times))
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for a session");
    return learn_all(s, reterr_);
}

int pk_stateless_new(pk_stateless **ret_stateless, pk_match *match, pk_stimuli *stimuli, bool times,
                     pk_error *reterr_)
{
    pk_stateless *s = calloc(1, sizeof *s);
    if (!s)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for a session");
    s->match = match;
    s->vm = stimuli->vm;
    s->image = stimuli->image;
    s->stimuli = stimuli;
    pk_tree_init(&s->sent, s->image);
    int code = make(s, times, reterr_);
    if (code) {
        pk_stateless_free(s);
        return code;
    }
    *ret_stateless = s;
    return PK_OK;
}

void pk_stateless_free(pk_stateless *stateless)
{
    if (!stateless)
        return;
    free(stateless->kinds);
    free(stateless->marks);
    free(stateless->digits);
    free(stateless->times);
    pk_buf_free(&stateless->bytes);
    pk_tree_free(&stateless->sent);
    free(stateless);
}

/* ---- reading a reply ---------------------------------------------------------------------------
 */

/* Where fields are read: off the reply, or off a copy of the stimulus. */
typedef struct place {
    const pk_match_chain *chain;
    uint32_t first; /* the stimulus's link that the chain's first is opposite to */
    bool quoted;
} place;

/* The `nth` way of reading a field that applies; false when there are no more. */
static bool read_field(pk_stateless *s, const told *field, const place *at, uint32_t nth,
                       pk_value *ret)
{
    if (field->link < at->first || field->link - at->first >= at->chain->count)
        return false;
    const pk_match_link *link = &at->chain->links[field->link - at->first];
    const pk_tree *tree = at->chain->tree;
    if (at->quoted)
        return nth == 0 && slot_value(tree, link->node, field->slot, ret);
    for (uint32_t i = 0; i < field->n_readings; i++) {
        const reading *how = &field->readings[i];
        if (how->guard && !pk_value_truth(eval(s, how->guard, tree, link->node)))
            continue;
        if (nth--)
            continue;
        *ret = eval(s, how->reply, tree, link->node);
        if (ret->kind == PK_INT)
            ret->number = (int64_t)((uint64_t)ret->number - (uint64_t)how->extra);
        return ret->kind == PK_INT || ret->kind == PK_BYTES;
    }
    return false;
}

static uint64_t mask_of(uint32_t bits)
{
    return bits >= 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
}

/* The bits of the word that can be read, in the nth way where there are several. */
static uint64_t read_word(pk_stateless *s, const kind *a, const place *at, uint32_t nth,
                          uint64_t *ret_known)
{
    uint64_t word = 0;
    *ret_known = 0;
    for (uint32_t i = 0; i < a->n_pieces; i++) {
        const piece *p = &a->pieces[i];
        pk_value value;
        if (!read_field(s, &p->field, at, nth, &value) && !read_field(s, &p->field, at, 0, &value))
            continue;
        if (value.kind != PK_INT)
            continue;
        word |= ((uint64_t)value.number & mask_of(p->bits)) << p->shift;
        *ret_known |= mask_of(p->bits) << p->shift;
    }
    return word;
}

static bool digit_of(pk_stateless *s, const kind *a, const place *at, uint32_t dim)
{
    for (uint32_t i = 0; i < a->n_axes; i++) {
        const axis *told_by = &a->axes[i];
        const pk_set *set = pk_space_axis_set(pk_vm_space(s->vm), told_by->ref);
        pk_value value;
        if (s->image->axes[told_by->ref].dim != dim || !set)
            continue;
        for (uint32_t nth = 0; read_field(s, &told_by->field, at, nth, &value); nth++)
            if (pk_set_index_of(set, value, &s->digits[dim]))
                return true;
    }
    return false;
}

static bool index_by_axes(pk_stateless *s, const kind *a, const place *at, pk_u128 *ret_index)
{
    const pk_image_alt *alt = &s->image->alts[a->alt];
    const pk_image_probe *probe = s->stimuli->probe;
    for (uint32_t i = 0; i < alt->n_dims; i++)
        if (!digit_of(s, a, at, s->image->dims[alt->dims + i]))
            return false;
    return pk_space_index(pk_vm_space(s->vm), probe->alts, a->alt, s->digits, ret_index);
}

/* ---- the verdict -------------------------------------------------------------------------------
 */

static unsigned bits_in(uint64_t word)
{
    unsigned count = 0;
    for (; word; word &= word - 1)
        count++;
    return count;
}

/* Makes stimulus `index` again and asks whether the reply answers it, cookie included. */
static bool is_it(pk_stateless *s, const kind *a, const pk_tree *reply, pk_u128 index,
                  uint64_t word, uint64_t known, uint64_t begun, pk_stateless_result *result)
{
    pk_vm_error error;
    pk_u128 k;
    uint64_t right = pk_cookies_word(pk_vm_cookies(s->vm), a->word, index);
    unsigned proof = a->word < PK_COOKIE_PROOF ? a->word : PK_COOKIE_PROOF;
    if (bits_in(known) < proof || ((word ^ right) & known) ||
        !pk_order_find(&s->stimuli->order, index, &k) || k >= begun ||
        pk_stimuli_packet(s->stimuli, index, &s->bytes, &s->sent, &error))
        return false;
    pk_match_judge(s->match, reply, &s->sent, &result->match);
    if (result->match.kind != PK_MATCH_ANSWER && result->match.kind != PK_MATCH_QUOTE)
        return false;
    result->n = index;
    result->k = (uint64_t)k;
    result->sent = &s->sent;
    return true;
}

static bool try_kind(pk_stateless *s, const kind *a, const place *at, const pk_tree *reply,
                     uint64_t begun, pk_stateless_result *result)
{
    const pk_cookies *cookies = pk_vm_cookies(s->vm);
    bool told_by_axes = false;
    pk_u128 by_axes = 0, index;
    if (a->by_axes)
        told_by_axes = index_by_axes(s, a, at, &by_axes);
    for (uint32_t nth = 0; nth < a->ways; nth++) {
        uint64_t known, word = read_word(s, a, at, nth, &known);
        if (known == mask_of(a->word) && pk_cookies_index(cookies, a->word, word, &index) &&
            is_it(s, a, reply, index, word, known, begun, result))
            return true;
        if (told_by_axes && is_it(s, a, reply, by_axes, word, known, begun, result))
            return true;
    }
    return false;
}

static bool begins_with(const pk_match_chain *chain, const kind *a, uint32_t first)
{
    uint32_t n = a->n_links - first;
    for (uint32_t i = 0; i < n && i < chain->count; i++)
        if (chain->links[i].layer != a->links[first + i])
            return false;
    return n != 0;
}

static bool find_answer(pk_stateless *s, const pk_tree *reply, uint64_t begun,
                        pk_stateless_result *result)
{
    for (uint32_t i = 0; i < s->n_kinds; i++) {
        const kind *a = &s->kinds[i];
        const place at = {.chain = &s->reply};
        if (s->reply.count < a->n_links || !begins_with(&s->reply, a, 0))
            continue;
        result->match.kind = PK_MATCH_NONE;
        if (try_kind(s, a, &at, reply, begun, result))
            return true;
    }
    return false;
}

static bool find_quote(pk_stateless *s, const pk_tree *reply, uint64_t begun,
                       pk_stateless_result *result)
{
    for (uint32_t q = 0; q < s->reply.n_quoting; q++) {
        pk_tree_node from = pk_tree_payload(reply, s->reply.quoting[q].node);
        if (pk_tree_none(from) || pk_tree_kind(reply, from) != PK_REC_INSTANCE)
            continue;
        pk_match_chain_of(NULL, reply, from, &s->quotation);
        result->match.kind = PK_MATCH_NONE;
        for (uint32_t i = 0; i < s->n_kinds; i++)
            for (uint32_t first = 0; first < s->kinds[i].n_links; first++) {
                const place at = {.chain = &s->quotation, .first = first, .quoted = true};
                if (begins_with(&s->quotation, &s->kinds[i], first) &&
                    try_kind(s, &s->kinds[i], &at, reply, begun, result))
                    return true;
            }
    }
    return false;
}

void pk_stateless_find(pk_stateless *stateless, const pk_tree *reply, uint64_t begun,
                       pk_stateless_result *ret_result)
{
    *ret_result = (pk_stateless_result){.match = {.kind = PK_MATCH_OTHER, .quoting = PK_TREE_NONE}};
    pk_match_chain_of(stateless->vm, reply, PK_TREE_NONE, &stateless->reply);
    if (!find_answer(stateless, reply, begun, ret_result) && stateless->reply.n_quoting)
        (void)find_quote(stateless, reply, begun, ret_result);
}

/* ---- the little that is kept -------------------------------------------------------------------
 */

void pk_stateless_sent(pk_stateless *stateless, uint64_t k, int64_t now)
{
    int64_t *at = stateless->times ? &stateless->times[k % PK_STATELESS_TIMES * 2] : NULL;
    if (!at)
        return;
    at[0] = (int64_t)k;
    at[1] = now;
}

int64_t pk_stateless_sent_at(const pk_stateless *stateless, uint64_t k)
{
    const int64_t *at = stateless->times ? &stateless->times[k % PK_STATELESS_TIMES * 2] : NULL;
    return at && at[0] == (int64_t)k ? at[1] : 0;
}

bool pk_stateless_mark(pk_stateless *stateless, uint64_t k)
{
    uint64_t *mark = &stateless->marks[k * UINT64_C(0x9e3779b97f4a7c15) >> 48];
    bool first = *mark != k + 1;
    *mark = k + 1;
    return first;
}
