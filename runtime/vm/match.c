#include "vm/match.h"

#include <stdlib.h>
#include <string.h>

#include "vm/match_internal.h"
#include "vm/pattern.h"

enum {
    CHANGED_BY_PATH = 3,  /* bytes: a time to live and a checksum */
    COPY_WEIGHT = 1 << 24 /* above any number of bytes */
};

static void add_quoted(pk_match *match, pk_ref layer)
{
    for (uint32_t i = 0; i < match->n_quoted; i++)
        if (match->quoted[i] == layer)
            return;
    if (layer && match->n_quoted < PK_MATCH_QUOTED_LAYERS)
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
    match->plans = pk_match_plans_new();
    find_quoted(match);
    return match;
}

void pk_match_free(pk_match *match)
{
    if (!match)
        return;
    pk_match_table_free(&match->answers);
    pk_match_table_free(&match->quotes);
    pk_match_plans_free(match->plans);
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

void pk_match_expect(pk_match *match, uint64_t stimuli)
{
    match->expected = stimuli;
}

/* ---- adding ---- */

static int reserve(pk_match *match, pk_match_table *table, uint32_t each)
{
    if (!match->expected || table->used || !each)
        return PK_OK;
    return pk_match_table_reserve(table, match->expected * each);
}

static int add_keys(pk_match *match, pk_match_table *table, const pk_value *keys, uint32_t count,
                    uint32_t number)
{
    int error = reserve(match, table, count);
    for (uint32_t i = 0; !error && i < count; i++)
        error = pk_match_table_add(table, (uint64_t)keys[i].number, number);
    return error;
}

int pk_match_add(pk_match *match, uint32_t number, const pk_tree *sent)
{
    const pk_match_keys *keys = &match->keys;
    pk_match_plan_sent(match, sent);
    bool by_pattern = match->rule && match->rule->n_answer;
    if (keys->used || by_pattern)
        pk_match_chain_note(&match->chains, keys->chain, keys->used);
    int error = add_keys(match, &match->answers, keys->keys, keys->answers, number);
    return error
               ? error
               : add_keys(match, &match->quotes, keys->keys + keys->answers, keys->quotes, number);
}

/* ---- answers ---- */

static bool layer_answers(pk_match *match, const pk_match_link *reply, const pk_match_link *sent)
{
    pk_value q = {.kind = PK_NODE, .tree = 1, .node = pk_tree_pack(sent->node)};
    pk_ref answers = match->image->layers[reply->layer].answers;
    return pk_match_holds(match->vm, pk_vm_eval(match->vm, answers, match->reply.tree, reply->node,
                                                match->sent.tree, &q, 1));
}

bool pk_match_verify(pk_match *match, const pk_tree *sent)
{
    pk_match_chain_of(NULL, sent, PK_TREE_NONE, &match->sent);
    if (match->rule && match->rule->n_answer)
        return pk_pattern_any(match->vm, match->reply.tree, match->rule->answer,
                              match->rule->n_answer) &&
               pk_match_rule_holds(match->vm, match->rule, match->reply.tree, sent);
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
static bool try_key(pk_match *match, const pk_tree *reply, uint64_t key,
                    const pk_match_source *source, pk_match_result *result)
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
        if (!sent || !pk_match_plan_verify(match, reply, sent))
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

static void find_answer(pk_match *match, const pk_tree *reply, const pk_match_source *source,
                        pk_match_result *result)
{
    const pk_match_keys *keys = &match->keys;
    pk_match_plan_reply(match, reply);
    if (keys->resembles)
        result->kind = PK_MATCH_NONE;
    for (uint32_t i = 0; i < keys->answers; i++)
        if (try_key(match, reply, (uint64_t)keys->keys[i].number, source, result))
            return;
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
        pk_value own;
        if (!pk_match_quote_hash(match->vm, &match->sent, at, &own) || (uint64_t)own.number != key)
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
        pk_value key;
        result->kind = PK_MATCH_NONE;
        pk_match_chain_of(NULL, reply, from, &match->quotation);
        if (!match->quotation.count || !pk_match_quote_hash(match->vm, &match->quotation, 0, &key))
            continue;
        result->quoting = match->reply.quoting[i].node;
        if (try_quote(match, (uint64_t)key.number, source, result))
            return;
    }
}

void pk_match_find(pk_match *match, const pk_tree *reply, const pk_match_source *source,
                   pk_match_result *ret_result)
{
    *ret_result = (pk_match_result){.kind = PK_MATCH_OTHER, .quoting = PK_TREE_NONE};
    find_answer(match, reply, source, ret_result);
    if (ret_result->kind != PK_MATCH_ANSWER && match->reply.n_quoting)
        find_quote(match, reply, source, ret_result);
}

/* ---- one by one ---- */

static bool judge_quote(pk_match *match, const pk_tree *reply, const pk_tree *sent,
                        pk_match_result *result)
{
    for (uint32_t i = 0; i < match->reply.n_quoting; i++) {
        pk_tree_node from = pk_tree_payload(reply, match->reply.quoting[i].node);
        pk_value key;
        if (pk_tree_none(from) || pk_tree_kind(reply, from) != PK_REC_INSTANCE)
            continue;
        pk_match_chain_of(NULL, reply, from, &match->quotation);
        if (!match->quotation.count ||
            !pk_match_quote_hash(match->vm, &match->quotation, 0, &key) ||
            !quote_fits(match, (uint64_t)key.number, sent))
            continue;
        result->quoting = match->reply.quoting[i].node;
        return true;
    }
    return false;
}

void pk_match_judge(pk_match *match, const pk_tree *reply, const pk_tree *sent,
                    pk_match_result *ret_result)
{
    *ret_result = (pk_match_result){.kind = PK_MATCH_NONE, .quoting = PK_TREE_NONE};
    pk_match_chain_of(match->vm, reply, PK_TREE_NONE, &match->reply);
    if (pk_match_verify(match, sent))
        ret_result->kind = PK_MATCH_ANSWER;
    else if (judge_quote(match, reply, sent, ret_result))
        ret_result->kind = PK_MATCH_QUOTE;
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
        pk_value key;
        if (pk_match_can_be_quoted(match, match->reply.links[i].layer))
            return pk_match_quote_hash(match->vm, &match->reply, i, &key) &&
                   is_candidate(match, packet, i, (uint64_t)key.number, source);
    }
    return false;
}
