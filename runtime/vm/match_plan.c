#include "vm/match_plan.h"

#include <stdlib.h>

#include "vm/match_follow.h"
#include "vm/match_internal.h"

typedef struct variant {
    pk_follow *follow;
    uint32_t answers, quotes;
    uint64_t chain, used;
    bool resembles;
} variant;

/* What is known of replies of shape `reply` and stimuli of shape `sent`; one of them may be 0. */
typedef struct plan {
    uint64_t reply, sent;
    uint32_t version; /* of the chains that a reply was looked up in */
    uint32_t count, attempts;
    variant variants[PK_MATCH_VARIANTS];
} plan;

struct pk_match_plans {
    plan table[PK_MATCH_PLANS * 2];
    uint32_t count;
};

pk_match_plans *pk_match_plans_new(void)
{
    return calloc(1, sizeof(pk_match_plans));
}

static void forget(plan *at)
{
    for (uint32_t i = 0; i < at->count; i++)
        pk_follow_free(at->variants[i].follow);
    at->count = at->attempts = 0;
}

void pk_match_plans_free(pk_match_plans *plans)
{
    for (uint32_t i = 0; plans && i < PK_MATCH_PLANS * 2; i++)
        forget(&plans->table[i]);
    free(plans);
}

/* NULL: nothing can be remembered. */
static plan *plan_of(pk_match_plans *plans, uint64_t reply, uint64_t sent)
{
    if (!plans)
        return NULL;
    uint32_t at = (uint32_t)(pk_match_mix(reply, sent) % (PK_MATCH_PLANS * 2));
    while (plans->table[at].reply | plans->table[at].sent) {
        if (plans->table[at].reply == reply && plans->table[at].sent == sent)
            return &plans->table[at];
        at = (at + 1) % (PK_MATCH_PLANS * 2);
    }
    if (plans->count == PK_MATCH_PLANS)
        return NULL;
    plans->count++;
    plans->table[at].reply = reply;
    plans->table[at].sent = sent;
    return &plans->table[at];
}

static const variant *run_one(plan *at, const pk_tree *first, const pk_tree *second)
{
    for (uint32_t i = 0; i < at->count; i++)
        if (pk_follow_run(at->variants[i].follow, first, second))
            return &at->variants[i];
    return NULL;
}

/* Begins to follow when that may still lead to something; a probe's own rule is not followed. */
static vm_trace *attempt(pk_match *match, plan *at)
{
    bool ruled = match->rule && (match->rule->n_answer || match->rule->where);
    if (!at || ruled || at->count == PK_MATCH_VARIANTS || at->attempts == PK_MATCH_ATTEMPTS)
        return NULL;
    at->attempts++;
    return pk_follow_begin(match->vm);
}

/* ---- keys ------------------------------------------------------------------------------------ */

static bool recall_keys(pk_match *match, plan *at, const pk_tree *tree)
{
    const variant *found = run_one(at, tree, NULL);
    pk_match_keys *keys = &match->keys;
    if (!found)
        return false;
    keys->answers = found->answers;
    keys->quotes = found->quotes;
    keys->chain = found->chain;
    keys->used = found->used;
    keys->resembles = found->resembles;
    for (uint32_t i = 0; i < keys->answers + keys->quotes; i++)
        keys->keys[i] = pk_value_int(pk_follow_value(found->follow, i));
    return true;
}

/* True: the keys at hand are good. */
static bool remember_keys(pk_match *match, plan *at, vm_trace *trace)
{
    const pk_match_keys *keys = &match->keys;
    pk_follow *follow = pk_follow_end(match->vm, trace, keys->keys, keys->answers + keys->quotes);
    if (!follow)
        return false;
    at->variants[at->count++] =
        (variant){follow, keys->answers, keys->quotes, keys->chain, keys->used, keys->resembles};
    return true;
}

void pk_match_plan_sent(pk_match *match, const pk_tree *sent)
{
    plan *at = sent->shape ? plan_of(match->plans, 0, sent->shape) : NULL;
    if (at && recall_keys(match, at, sent))
        return;
    vm_trace *trace = attempt(match, at);
    pk_match_chain_of(NULL, sent, PK_TREE_NONE, &match->sent);
    pk_match_sent_keys(match);
    if (trace && !remember_keys(match, at, trace))
        pk_match_sent_keys(match);
}

static void evaluate_reply(pk_match *match, const pk_tree *reply)
{
    pk_match_chain_of(match->vm, reply, PK_TREE_NONE, &match->reply);
    pk_match_reply_keys(match);
}

void pk_match_plan_reply(pk_match *match, const pk_tree *reply)
{
    plan *at = reply->shape ? plan_of(match->plans, reply->shape, 0) : NULL;
    if (at && at->version != match->chains.version)
        forget(at);
    if (at)
        at->version = match->chains.version;
    match->reply.tree = NULL;
    match->reply.n_quoting = 0;
    if (at && recall_keys(match, at, reply))
        return;
    vm_trace *trace = attempt(match, at);
    evaluate_reply(match, reply);
    if (!trace)
        return;
    bool quoting = match->reply.n_quoting > 0; /* those are looked at one by one */
    if (!remember_keys(match, at, trace))
        evaluate_reply(match, reply);
    else if (quoting)
        pk_follow_free(at->variants[--at->count].follow);
}

/* ---- verdicts -------------------------------------------------------------------------------- */

bool pk_match_plan_verify(pk_match *match, const pk_tree *reply, const pk_tree *sent)
{
    plan *at =
        reply->shape && sent->shape ? plan_of(match->plans, reply->shape, sent->shape) : NULL;
    if (at && run_one(at, reply, sent))
        return true;
    if (match->reply.tree != reply)
        pk_match_chain_of(match->vm, reply, PK_TREE_NONE, &match->reply);
    vm_trace *trace = attempt(match, at);
    bool holds = pk_match_verify(match, sent);
    if (!trace)
        return holds;
    pk_follow *follow = pk_follow_end(match->vm, trace, NULL, 0);
    if (!follow)
        return pk_match_verify(match, sent);
    if (holds)
        at->variants[at->count++] = (variant){.follow = follow};
    else
        pk_follow_free(follow);
    return holds;
}
