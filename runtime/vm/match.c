#include "vm/match.h"

#include <stdlib.h>
#include <string.h>

#include "vm/match_chain.h"
#include "vm/pattern.h"

enum {
    QUOTED_LAYERS = 16,
    QUOTE_STARTS = 2,
    CHANGED_BY_PATH = 3,  /* bytes: a time to live and a checksum */
    COPY_WEIGHT = 1 << 24 /* above any number of bytes */
};

/* Which chains stimuli have: a received packet with none of them as its beginning is other traffic.
 * When there are too many different ones, every chain counts as known. */
typedef struct known_chain {
    uint64_t hash;
    uint64_t used; /* combinations of shapes that some stimulus has a key of */
} known_chain;

typedef struct chain_set {
    known_chain chains[PK_MATCH_CHAINS];
    uint32_t count;
    bool full;
} chain_set;

struct pk_match {
    pk_vm *vm;
    const pk_image *image;
    const pk_image_probe *rule; /* NULL: the layers say what answers */
    pk_match_table answers;
    pk_match_table quotes;
    uint64_t expected;
    chain_set chains;
    pk_ref quoted[QUOTED_LAYERS]; /* layers that a quotation can begin with */
    uint32_t n_quoted;
    pk_ref copy_of; /* STR: the name, 0 when no layer has it */
    pk_match_chain sent, reply, quotation;
};

static void add_quoted(pk_match *match, pk_ref layer)
{
    for (uint32_t i = 0; i < match->n_quoted; i++)
        if (match->quoted[i] == layer)
            return;
    if (layer && match->n_quoted < QUOTED_LAYERS)
        match->quoted[match->n_quoted++] = layer;
}

/* What the payload of a quoting layer can begin with: its `else` layer, or else its table. */
static void add_quoted_of(pk_match *match, const pk_image_payload *payload)
{
    const pk_image *image = match->image;
    add_quoted(match, payload->otherwise);
    if (payload->otherwise)
        return;
    for (uint32_t s = 0; s < payload->n_selectors; s++) {
        const pk_image_table *table =
            &image->tables[image->selectors[payload->selectors + s].table];
        for (uint32_t k = 0; k < table->n_keys; k++)
            add_quoted(match, image->keys[table->keys + k].layer);
    }
}

static void find_quoted(pk_match *match)
{
    const pk_image *image = match->image;
    for (pk_ref layer = 1; layer < image->n_layers; layer++) {
        const pk_image_layer *record = &image->layers[layer];
        for (uint32_t i = 0; record->quotes && i < record->n_items; i++) {
            const pk_insn *insn = &image->code[record->items + i];
            if (insn->op == PK_OPC_PAY)
                add_quoted_of(match, &image->payloads[insn->d]);
        }
    }
}

pk_match *pk_match_new(pk_vm *vm, const pk_image *image)
{
    pk_match *match = calloc(1, sizeof *match);
    if (!match)
        return NULL;
    match->vm = vm;
    match->image = image;
    match->copy_of = pk_image_name_find(image, "copy_of");
    find_quoted(match);
    return match;
}

void pk_match_free(pk_match *match)
{
    if (!match)
        return;
    pk_match_table_free(&match->answers);
    pk_match_table_free(&match->quotes);
    free(match);
}

pk_vm *pk_match_vm(const pk_match *match)
{
    return match->vm;
}

const pk_image_probe *pk_match_rule(const pk_match *match)
{
    return match->rule;
}

void pk_match_rule_set(pk_match *match, const pk_image_probe *probe)
{
    match->rule = probe;
}

static bool has_patterns(const pk_match *match)
{
    return match->rule && match->rule->n_answer;
}

void pk_match_expect(pk_match *match, uint64_t stimuli)
{
    match->expected = stimuli;
}

/* ---- chains ---- */

static known_chain *chain_find(chain_set *chains, uint64_t hash)
{
    for (uint32_t i = 0; i < chains->count; i++)
        if (chains->chains[i].hash == hash)
            return &chains->chains[i];
    return NULL;
}

/* The combinations of shapes that a stimulus of this chain can be found by; 0: there is none. */
static uint64_t chain_used(chain_set *chains, uint64_t hash)
{
    const known_chain *known = chain_find(chains, hash);
    return known ? known->used : chains->full ? UINT64_MAX : 0;
}

static void chain_note(chain_set *chains, uint64_t hash, uint64_t used)
{
    known_chain *known = chain_find(chains, hash);
    if (known)
        known->used |= used;
    else if (chains->count == PK_MATCH_CHAINS)
        chains->full = true;
    else
        chains->chains[chains->count++] = (known_chain){hash, used};
}

static uint64_t chain_hash(const pk_match_chain *chain, uint32_t count)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < count; i++)
        hash = pk_match_chain_fold(hash, chain->links[i].layer);
    return hash;
}

/* ---- keys ---- */

/* One side of a chain's shapes, each evaluated once and only when it is asked for, and the
 * combination at hand. */
typedef struct key_walk {
    const pk_match_chain *chain;
    pk_match_side side;
    uint32_t count;
    uint64_t combination; /* one bit: the one at hand, counted from the first */
    uint32_t radix[PK_LAYER_DEPTH], digit[PK_LAYER_DEPTH];
    bool keyed[PK_LAYER_DEPTH];
    uint64_t hash[PK_MATCH_SHAPES * 2]; /* of layer i's shape s at at[i] + s */
    bool evaluated[PK_MATCH_SHAPES * 2], applies[PK_MATCH_SHAPES * 2], empty[PK_MATCH_SHAPES * 2];
    uint32_t at[PK_LAYER_DEPTH];
} key_walk;

static void evaluate_shape(pk_match *match, key_walk *walk, uint32_t link)
{
    uint32_t shape = walk->digit[link], at = walk->at[link] + shape;
    const pk_match_link *layer = &walk->chain->links[link];
    walk->evaluated[at] = true;
    walk->hash[at] = layer->layer;
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
static bool walk_key(pk_match *match, key_walk *walk, uint64_t chain, uint64_t *ret_key)
{
    uint64_t key = chain;
    bool says = false;
    for (uint32_t i = 0; i < walk->count; i++) {
        uint32_t at = walk->at[i] + walk->digit[i];
        if (!walk->evaluated[at])
            evaluate_shape(match, walk, i);
        if (!walk->applies[at])
            return false;
        says = says || !walk->empty[at];
        key = pk_match_fold(key, walk->hash[at]);
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

/* ---- adding ---- */

static int reserve(pk_match *match, pk_match_table *table, uint32_t each)
{
    if (!match->expected || table->used || !each)
        return PK_OK;
    return pk_match_table_reserve(table, match->expected * each);
}

static int add_answers(pk_match *match, uint32_t number)
{
    key_walk walk;
    uint64_t keys[PK_MATCH_SHAPES], chain = chain_hash(&match->sent, match->sent.count);
    uint64_t used = 0;
    uint32_t count = 0;
    walk_init(match, &match->sent, match->sent.count, PK_SIDE_SENT, &walk);
    do {
        if (!walk_key(match, &walk, chain, &keys[count]))
            continue;
        used |= walk.combination;
        count++;
    } while (walk_step(&walk));
    if (count)
        chain_note(&match->chains, chain, used);
    int error = reserve(match, &match->answers, count);
    for (uint32_t i = 0; !error && i < count; i++)
        error = pk_match_table_add(&match->answers, keys[i], number);
    return error;
}

/* By the probe's own rule. What the layers would say is kept in mind for telling other traffic. */
static int add_by_rule(pk_match *match, uint32_t number)
{
    uint64_t key;
    chain_note(&match->chains, chain_hash(&match->sent, match->sent.count), 0);
    if (!pk_match_rule_hash(match->vm, match->sent.tree, match->rule, PK_SIDE_SENT, &key))
        return PK_OK;
    int error = reserve(match, &match->answers, 1);
    return error ? error : pk_match_table_add(&match->answers, key, number);
}

static bool can_be_quoted(const pk_match *match, pk_ref layer)
{
    for (uint32_t i = 0; i < match->n_quoted; i++)
        if (match->quoted[i] == layer)
            return true;
    return false;
}

static int add_quotes(pk_match *match, uint32_t number)
{
    uint32_t starts = 0;
    for (uint32_t i = 0; i < match->sent.count && starts < QUOTE_STARTS; i++) {
        uint64_t key;
        if (!can_be_quoted(match, match->sent.links[i].layer))
            continue;
        starts++;
        if (!pk_match_quote_hash(match->vm, &match->sent, i, &key))
            continue;
        int error = reserve(match, &match->quotes, 1);
        if (!error)
            error = pk_match_table_add(&match->quotes, key, number);
        if (error)
            return error;
    }
    return PK_OK;
}

int pk_match_add(pk_match *match, uint32_t number, const pk_tree *sent)
{
    pk_match_chain_of(NULL, sent, PK_TREE_NONE, &match->sent);
    if (!match->sent.count && !has_patterns(match))
        return PK_OK;
    int error = has_patterns(match) ? add_by_rule(match, number) : add_answers(match, number);
    return error ? error : add_quotes(match, number);
}

/* ---- answers ---- */

static bool layer_answers(pk_match *match, const pk_match_link *reply, const pk_match_link *sent)
{
    pk_value q = {.kind = PK_NODE, .tree = 1, .node = pk_tree_pack(sent->node)};
    pk_ref answers = match->image->layers[reply->layer].answers;
    return pk_value_truth(
        pk_vm_eval(match->vm, answers, match->reply.tree, reply->node, match->sent.tree, &q, 1));
}

/* Does the reply at hand answer the stimulus? The last word, whatever the keys said. */
static bool verified(pk_match *match, const pk_tree *sent)
{
    pk_match_chain_of(NULL, sent, PK_TREE_NONE, &match->sent);
    if (has_patterns(match))
        return pk_match_rule_holds(match->vm, match->rule, match->reply.tree, sent);
    if (match->sent.count > match->reply.count)
        return false;
    for (uint32_t i = 0; i < match->sent.count; i++)
        if (match->sent.links[i].layer != match->reply.links[i].layer)
            return false;
    for (uint32_t i = match->sent.count; i-- > 0;)
        if (!layer_answers(match, &match->reply.links[i], &match->sent.links[i]))
            return false;
    return pk_match_rule_holds(match->vm, match->rule, match->reply.tree, sent);
}

/* Tries the candidates of a key; stops at an unanswered one that is verified, and remembers an
 * answered one. True when the search is over. */
static bool try_key(pk_match *match, uint64_t key, const pk_match_source *source,
                    pk_match_result *result)
{
    pk_match_cursor cursor;
    bool more = pk_match_table_first(&match->answers, key, &cursor);
    for (; more; more = pk_match_table_next(&match->answers, &cursor)) {
        bool answered = source->answered(source->context, cursor.stimulus);
        if (answered && result->kind == PK_MATCH_ANSWER)
            continue;
        if (result->candidates == PK_MATCH_CANDIDATES) {
            result->given_up = true;
            return true;
        }
        result->candidates++;
        const pk_tree *sent = source->rebuild(source->context, cursor.stimulus);
        if (!sent || !verified(match, sent))
            continue;
        result->kind = PK_MATCH_ANSWER;
        result->number = cursor.stimulus;
        if (answered)
            continue;
        pk_match_table_rotate(&match->answers, &cursor);
        return true;
    }
    return false;
}

static bool try_prefix(pk_match *match, uint32_t count, uint64_t chain, uint64_t used,
                       const pk_match_source *source, pk_match_result *result)
{
    key_walk walk;
    uint64_t key;
    walk_init(match, &match->reply, count, PK_SIDE_REPLY, &walk);
    do
        if (used & walk.combination && walk_key(match, &walk, chain, &key) &&
            try_key(match, key, source, result))
            return true;
    while (walk_step(&walk));
    return false;
}

/* The longest beginning first: a stimulus with more layers says more. */
static void find_answer(pk_match *match, const pk_match_source *source, pk_match_result *result)
{
    for (uint32_t count = match->reply.count; count > 0; count--) {
        uint64_t chain = chain_hash(&match->reply, count);
        uint64_t used = chain_used(&match->chains, chain);
        if (!used)
            continue;
        if (result->kind == PK_MATCH_OTHER)
            result->kind = PK_MATCH_NONE;
        if (try_prefix(match, count, chain, used, source, result))
            return;
    }
}

static bool known_beginning(pk_match *match)
{
    for (uint32_t count = match->reply.count; count > 0; count--)
        if (chain_find(&match->chains, chain_hash(&match->reply, count)))
            return true;
    return match->chains.full;
}

static void find_by_rule(pk_match *match, const pk_match_source *source, pk_match_result *result)
{
    const pk_image_probe *rule = match->rule;
    uint64_t key;
    bool fits = pk_pattern_any(match->vm, match->reply.tree, rule->answer, rule->n_answer);
    if (fits || known_beginning(match))
        result->kind = PK_MATCH_NONE;
    if (fits && pk_match_rule_hash(match->vm, match->reply.tree, rule, PK_SIDE_REPLY, &key))
        (void)try_key(match, key, source, result);
}

/* ---- quotations ---- */

/* The link of the chain that begins with `layer` where a quotation can. */
static uint32_t link_of_layer(const pk_match_chain *chain, pk_ref layer, uint32_t from)
{
    while (from < chain->count && chain->links[from].layer != layer)
        from++;
    return from;
}

static const uint8_t *bytes_from(const pk_tree *tree, pk_tree_node node, uint32_t *ret_len)
{
    const pk_rec *rec = &tree->recs[node.rec];
    *ret_len = rec->bits / 8;
    return tree->bytes + rec->off / 8;
}

static uint32_t bytes_agree(const pk_tree *quote_tree, pk_tree_node quote, const pk_tree *sent_tree,
                            pk_tree_node sent)
{
    uint32_t quote_len, sent_len, agree = 0;
    const uint8_t *a = bytes_from(quote_tree, quote, &quote_len);
    const uint8_t *b = bytes_from(sent_tree, sent, &sent_len);
    uint32_t len = quote_len < sent_len ? quote_len : sent_len;
    for (uint32_t i = 0; i < len; i++)
        agree += a[i] == b[i];
    return agree;
}

/* Does the quoted layer's `def copy_of(q)`, where it has one, say that it is this stimulus? */
static bool is_copy(pk_match *match, const pk_tree *sent, pk_tree_node node)
{
    const pk_match_link *head = &match->quotation.links[0];
    const pk_image_member *member =
        match->copy_of ? pk_image_member_find(match->image, head->layer, match->copy_of) : NULL;
    if (!member || member->kind != PK_MEMBER_DEF || match->image->exprs[member->ref].args != 1)
        return true;
    pk_value q = {.kind = PK_NODE, .tree = 1, .node = pk_tree_pack(node)};
    return pk_value_truth(
        pk_vm_eval(match->vm, member->ref, match->quotation.tree, head->node, sent, &q, 1));
}

/* How well the quotation at hand fits a stimulus: agreeing bytes, and far above any number of them
 * what `copy_of` says; 0 when its key differs. */
static uint32_t quote_fits(pk_match *match, uint64_t key, const pk_tree *sent)
{
    const pk_match_link *head = &match->quotation.links[0];
    pk_match_chain_of(NULL, sent, PK_TREE_NONE, &match->sent);
    uint32_t best = 0, at = 0;
    for (; (at = link_of_layer(&match->sent, head->layer, at)) < match->sent.count; at++) {
        uint64_t own;
        if (!pk_match_quote_hash(match->vm, &match->sent, at, &own) || own != key)
            continue;
        pk_tree_node node = match->sent.links[at].node;
        uint32_t fit = 1 + bytes_agree(match->quotation.tree, head->node, sent, node);
        fit += is_copy(match, sent, node) ? COPY_WEIGHT : 0;
        best = fit > best ? fit : best;
    }
    return best;
}

/* Tries the stimuli of a key. A path changes a few bytes of what it carries, the time to live and a
 * checksum, so that the first rung of a ladder may agree best with the report of any other: among
 * stimuli that differ no more than that the unanswered are preferred, then the earliest. */
static bool try_quote(pk_match *match, uint64_t key, const pk_match_source *source,
                      pk_match_result *result)
{
    pk_match_cursor cursor, chosen = {0};
    uint32_t best = 0;
    bool best_answered = true;
    bool more = pk_match_table_first(&match->quotes, key, &cursor);
    for (; more; more = pk_match_table_next(&match->quotes, &cursor)) {
        if (result->candidates++ == PK_MATCH_CANDIDATES) {
            result->given_up = !best;
            break;
        }
        const pk_tree *sent = source->rebuild(source->context, cursor.stimulus);
        uint32_t fit = sent ? quote_fits(match, key, sent) : 0;
        bool answered = source->answered(source->context, cursor.stimulus);
        fit += fit && !answered ? CHANGED_BY_PATH : 0;
        if (fit <= best)
            continue;
        best = fit;
        best_answered = answered;
        chosen = cursor;
    }
    if (!best)
        return false;
    result->kind = PK_MATCH_QUOTE;
    result->number = chosen.stimulus;
    if (!best_answered)
        pk_match_table_rotate(&match->quotes, &chosen);
    return true;
}

static void find_quote(pk_match *match, const pk_tree *reply, const pk_match_source *source,
                       pk_match_result *result)
{
    for (uint32_t i = 0; i < match->reply.n_quoting; i++) {
        pk_tree_node from = pk_tree_payload(reply, match->reply.quoting[i].node);
        if (pk_tree_none(from) || pk_tree_kind(reply, from) != PK_REC_INSTANCE)
            continue;
        uint64_t key;
        result->kind = PK_MATCH_NONE;
        pk_match_chain_of(NULL, reply, from, &match->quotation);
        if (!match->quotation.count || !pk_match_quote_hash(match->vm, &match->quotation, 0, &key))
            continue;
        result->quoting = match->reply.quoting[i].node;
        if (try_quote(match, key, source, result))
            return;
    }
}

void pk_match_find(pk_match *match, const pk_tree *reply, const pk_match_source *source,
                   pk_match_result *ret_result)
{
    *ret_result = (pk_match_result){.kind = PK_MATCH_OTHER, .quoting = PK_TREE_NONE};
    pk_match_chain_of(match->vm, reply, PK_TREE_NONE, &match->reply);
    if (has_patterns(match))
        find_by_rule(match, source, ret_result);
    else
        find_answer(match, source, ret_result);
    if (ret_result->kind != PK_MATCH_ANSWER && match->reply.n_quoting)
        find_quote(match, reply, source, ret_result);
}

/* ---- own packets ---- */

static bool same_bytes(const pk_tree *a_tree, pk_tree_node a, const pk_tree *b_tree, pk_tree_node b)
{
    uint32_t a_len, b_len;
    const uint8_t *a_bytes = bytes_from(a_tree, a, &a_len);
    const uint8_t *b_bytes = bytes_from(b_tree, b, &b_len);
    return a_len == b_len && memcmp(a_bytes, b_bytes, a_len) == 0;
}

static bool is_candidate(pk_match *match, const pk_tree *packet, uint32_t link, uint64_t key,
                         const pk_match_source *source)
{
    pk_match_cursor cursor;
    bool more = pk_match_table_first(&match->quotes, key, &cursor);
    for (uint32_t tried = 0; more && tried < PK_MATCH_CANDIDATES; tried++) {
        const pk_tree *sent = source->rebuild(source->context, cursor.stimulus);
        if (sent) {
            pk_match_chain_of(NULL, sent, PK_TREE_NONE, &match->sent);
            if (link < match->sent.count && same_bytes(packet, match->reply.links[link].node, sent,
                                                       match->sent.links[link].node))
                return true;
        }
        more = pk_match_table_next(&match->quotes, &cursor);
    }
    return false;
}

bool pk_match_is_stimulus(pk_match *match, const pk_tree *packet, const pk_match_source *source)
{
    pk_match_chain_of(NULL, packet, PK_TREE_NONE, &match->reply);
    for (uint32_t i = 0; i < match->reply.count; i++) {
        uint64_t key;
        if (can_be_quoted(match, match->reply.links[i].layer))
            return pk_match_quote_hash(match->vm, &match->reply, i, &key) &&
                   is_candidate(match, packet, i, key, source);
    }
    return false;
}
