#include <string.h>

#include "vm/match_internal.h"
#include "vm/pattern.h"

/* ---- chains ---------------------------------------------------------------------------------- */

static pk_known_chain *chain_find(pk_chain_set *chains, uint64_t hash)
{
    for (uint32_t i = 0; i < chains->count; i++)
        if (chains->chains[i].hash == hash)
            return &chains->chains[i];
    return NULL;
}

/* The combinations of shapes that a stimulus of this chain can be found by; 0: there is none. */
static uint64_t chain_used(pk_chain_set *chains, uint64_t hash)
{
    const pk_known_chain *known = chain_find(chains, hash);
    return known ? known->used : chains->full ? UINT64_MAX : 0;
}

void pk_match_chain_note(pk_chain_set *chains, uint64_t hash, uint64_t used)
{
    pk_known_chain *known = chain_find(chains, hash);
    if (known && (known->used | used) == known->used)
        return;
    chains->version++;
    if (known)
        known->used |= used;
    else if (chains->count == PK_MATCH_CHAINS)
        chains->full = true;
    else
        chains->chains[chains->count++] = (pk_known_chain){hash, used};
}

static uint64_t chain_hash(const pk_match_chain *chain, uint32_t count)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < count; i++)
        hash = pk_match_chain_fold(hash, chain->links[i].layer);
    return hash;
}

/* ---- combinations of shapes ------------------------------------------------------------------ */

/* One side of a chain's shapes, each evaluated once and only when it is asked for, and the
 * combination at hand. */
typedef struct key_walk {
    const pk_match_chain *chain;
    pk_match_side side;
    uint32_t count;
    uint64_t combination; /* one bit: the one at hand, counted from the first */
    uint32_t radix[PK_LAYER_DEPTH], digit[PK_LAYER_DEPTH];
    bool keyed[PK_LAYER_DEPTH];
    pk_value hash[PK_MATCH_SHAPES * 2]; /* of layer i's shape s at at[i] + s */
    bool evaluated[PK_MATCH_SHAPES * 2], applies[PK_MATCH_SHAPES * 2], empty[PK_MATCH_SHAPES * 2];
    uint32_t at[PK_LAYER_DEPTH];
} key_walk;

static void evaluate_shape(pk_match *match, key_walk *walk, uint32_t link)
{
    uint32_t shape = walk->digit[link], at = walk->at[link] + shape;
    const pk_match_link *layer = &walk->chain->links[link];
    walk->evaluated[at] = true;
    walk->hash[at] = pk_value_int(layer->layer);
    walk->applies[at] = true;
    walk->empty[at] = true;
    if (!walk->keyed[link])
        return;
    walk->empty[at] = pk_match_shape_empty(match->image, layer->layer, shape);
    walk->applies[at] = pk_match_shape_hash(match->vm, walk->chain->tree, layer, shape, walk->side,
                                            &walk->hash[at]);
}

/* A product of at most PK_MATCH_SHAPES has at most that many shapes in layers of more than one, and
 * a layer of one shape for each of PK_LAYER_DEPTH links; a combination is a bit of a word. */
_Static_assert((int)PK_LAYER_DEPTH <= (int)PK_MATCH_SHAPES, "room for the shapes of a walk");
_Static_assert((int)PK_MATCH_SHAPES == 64, "a combination is a bit of a word");

static void walk_init(pk_match *match, const pk_match_chain *chain, uint32_t count,
                      pk_match_side side, key_walk *walk)
{
    walk->chain = chain;
    walk->side = side;
    walk->count = count;
    walk->combination = 1;
    pk_match_radix(match->image, chain, count, walk->radix, walk->keyed);
    uint32_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        walk->at[i] = at;
        walk->digit[i] = 0;
        at += walk->radix[i];
    }
    memset(walk->evaluated, 0, at);
}

/* The key of the combination at hand; false when one of its shapes does not apply, or when it has
 * neither equation nor guard. */
static bool walk_key(pk_match *match, key_walk *walk, uint64_t chain, pk_value *ret_key)
{
    pk_value key = pk_value_int((int64_t)chain);
    bool says = false;
    for (uint32_t i = 0; i < walk->count; i++) {
        uint32_t at = walk->at[i] + walk->digit[i];
        if (!walk->evaluated[at])
            evaluate_shape(match, walk, i);
        if (!walk->applies[at])
            return false;
        says = says || !walk->empty[at];
        key = pk_match_fold(match->vm, key, walk->hash[at]);
    }
    *ret_key = key;
    return says;
}

static bool walk_step(key_walk *walk)
{
    walk->combination <<= 1;
    for (uint32_t i = walk->count; i-- > 0;) {
        if (++walk->digit[i] < walk->radix[i])
            return true;
        walk->digit[i] = 0;
    }
    return false;
}

/* Adds the keys of the combinations in `used`; returns those that have one. */
static uint64_t add_keys(pk_match *match, key_walk *walk, uint64_t chain, uint64_t used)
{
    pk_match_keys *keys = &match->keys;
    uint64_t got = 0;
    do {
        if (!(used & walk->combination) || keys->answers == PK_MATCH_KEYS - PK_MATCH_QUOTE_STARTS ||
            !walk_key(match, walk, chain, &keys->keys[keys->answers]))
            continue;
        got |= walk->combination;
        keys->answers++;
    } while (walk_step(walk));
    return got;
}

/* ---- a stimulus ------------------------------------------------------------------------------ */

static bool has_patterns(const pk_match *match)
{
    return match->rule && match->rule->n_answer;
}

/* By the probe's own rule. What the layers would say is kept in mind for telling other traffic. */
static void sent_rule_key(pk_match *match)
{
    pk_match_keys *keys = &match->keys;
    keys->answers =
        pk_match_rule_hash(match->vm, match->sent.tree, match->rule, PK_SIDE_SENT, &keys->keys[0]);
}

static void sent_answer_keys(pk_match *match)
{
    key_walk walk;
    walk_init(match, &match->sent, match->sent.count, PK_SIDE_SENT, &walk);
    match->keys.used = add_keys(match, &walk, match->keys.chain, UINT64_MAX);
}

bool pk_match_can_be_quoted(const pk_match *match, pk_ref layer)
{
    for (uint32_t i = 0; i < match->n_quoted; i++)
        if (match->quoted[i] == layer)
            return true;
    return false;
}

static void sent_quote_keys(pk_match *match)
{
    pk_match_keys *keys = &match->keys;
    uint32_t starts = 0;
    for (uint32_t i = 0; i < match->sent.count && starts < PK_MATCH_QUOTE_STARTS; i++) {
        if (!pk_match_can_be_quoted(match, match->sent.links[i].layer))
            continue;
        starts++;
        keys->quotes += pk_match_quote_hash(match->vm, &match->sent, i,
                                            &keys->keys[keys->answers + keys->quotes]);
    }
}

void pk_match_sent_keys(pk_match *match)
{
    pk_match_keys *keys = &match->keys;
    keys->answers = keys->quotes = 0;
    keys->chain = chain_hash(&match->sent, match->sent.count);
    keys->used = 0;
    if (has_patterns(match))
        sent_rule_key(match);
    else if (match->sent.count)
        sent_answer_keys(match);
    sent_quote_keys(match);
}

/* ---- a reply --------------------------------------------------------------------------------- */

static void reply_rule_key(pk_match *match)
{
    pk_match_keys *keys = &match->keys;
    const pk_image_probe *rule = match->rule;
    bool fits = pk_pattern_any(match->vm, match->reply.tree, rule->answer, rule->n_answer);
    keys->resembles = fits || match->chains.full;
    for (uint32_t count = match->reply.count; count > 0 && !keys->resembles; count--)
        keys->resembles = chain_find(&match->chains, chain_hash(&match->reply, count)) != NULL;
    if (fits)
        keys->answers =
            pk_match_rule_hash(match->vm, match->reply.tree, rule, PK_SIDE_REPLY, &keys->keys[0]);
}

/* The longest beginning first: a stimulus with more layers says more. */
static void reply_answer_keys(pk_match *match)
{
    key_walk walk;
    for (uint32_t count = match->reply.count; count > 0; count--) {
        uint64_t chain = chain_hash(&match->reply, count);
        uint64_t used = chain_used(&match->chains, chain);
        if (!used)
            continue;
        match->keys.resembles = true;
        walk_init(match, &match->reply, count, PK_SIDE_REPLY, &walk);
        (void)add_keys(match, &walk, chain, used);
    }
}

void pk_match_reply_keys(pk_match *match)
{
    pk_match_keys *keys = &match->keys;
    keys->answers = keys->quotes = 0;
    keys->chain = keys->used = 0;
    keys->resembles = false;
    if (has_patterns(match))
        reply_rule_key(match);
    else
        reply_answer_keys(match);
}
