/* How near a reply came: what an unmatched packet is explained with. */
#include "base/literal.h"
#include "vm/match_chain.h"
#include "vm/pattern.h"

typedef struct comparison {
    int32_t agree, differ;
} comparison;

static void add_value(pk_buf *out, pk_value value)
{
    if (value.kind == PK_INT)
        pk_buf_printf(out, "%lld", (long long)value.number);
    else if (value.kind == PK_BYTES && value.len == 4)
        pk_literal_add_ip4(out, value.bytes);
    else if (value.kind == PK_BYTES && value.len == 16)
        pk_literal_add_ip6(out, value.bytes);
    else if (value.kind == PK_BYTES && value.len == 6)
        pk_literal_add_mac(out, value.bytes);
    else
        pk_buf_text(out, value.kind == PK_BYTES ? "other bytes" : "absent");
}

/* Equal as keys are: undefined equals nothing. */
static bool same_value(pk_vm *vm, pk_value a, pk_value b)
{
    pk_value hash_a = pk_value_int(0), hash_b = pk_value_int(0);
    return a.kind == b.kind && pk_match_fold_value(vm, &hash_a, a) &&
           pk_match_fold_value(vm, &hash_b, b) && hash_a.number == hash_b.number;
}

/* A value and where it can stay while another is evaluated. */
typedef struct kept_value {
    pk_value value;
    uint8_t bytes[16];
} kept_value;

static void keep_value(kept_value *kept)
{
    if (kept->value.kind != PK_BYTES || kept->value.len > sizeof kept->bytes)
        return;
    for (uint32_t i = 0; i < kept->value.len; i++)
        kept->bytes[i] = kept->value.bytes[i];
    kept->value.bytes = kept->bytes;
}

static bool pair_agrees(pk_vm *vm, const pk_image_key_pair *pair, const pk_tree *reply,
                        const pk_match_link *reply_link, const pk_tree *sent,
                        const pk_match_link *sent_link, pk_buf *out)
{
    kept_value mine = {.value =
                           pk_vm_eval(vm, pair->reply, reply, reply_link->node, NULL, NULL, 0)};
    keep_value(&mine);
    pk_value theirs = pk_vm_eval(vm, pair->sent, sent, sent_link->node, NULL, NULL, 0);
    bool same = same_value(vm, mine.value, theirs);
    if (!out)
        return same;
    const pk_image *image = reply->image;
    pk_buf_printf(out, " %s ", pk_image_text(image, image->exprs[pair->reply].text));
    if (same) {
        pk_buf_text(out, "agrees,");
        return true;
    }
    pk_buf_text(out, "is ");
    add_value(out, mine.value);
    pk_buf_text(out, " where ");
    add_value(out, theirs);
    pk_buf_text(out, " would answer,");
    return false;
}

static comparison compare_shape(pk_vm *vm, uint32_t shape, const pk_tree *reply,
                                const pk_match_link *reply_link, const pk_tree *sent,
                                const pk_match_link *sent_link, pk_buf *out)
{
    const pk_image *image = reply->image;
    const pk_image_shape *record = &image->shapes[image->layers[reply_link->layer].shapes + shape];
    comparison result = {0, 0};
    for (uint32_t i = 0; i < record->n_keys; i++) {
        bool same = pair_agrees(vm, &image->key_pairs[record->keys + i], reply, reply_link, sent,
                                sent_link, out);
        result.agree += same;
        result.differ += !same;
    }
    return result;
}

/* The shape that fits best, spoken of in `out`. */
static comparison compare_layer(pk_vm *vm, const pk_tree *reply, const pk_match_link *reply_link,
                                const pk_tree *sent, const pk_match_link *sent_link, pk_buf *out)
{
    const pk_image_layer *layer = &reply->image->layers[reply_link->layer];
    comparison best = {0, 0};
    uint32_t chosen = 0;
    for (uint32_t s = 0; s < layer->n_shapes; s++) {
        comparison now = compare_shape(vm, s, reply, reply_link, sent, sent_link, NULL);
        if (s == 0 || now.agree - now.differ > best.agree - best.differ) {
            best = now;
            chosen = s;
        }
    }
    if (!out || best.agree + best.differ == 0)
        return best;
    pk_buf_printf(out, "%s%s:", out->len ? "; " : "", pk_image_text(reply->image, layer->name));
    compare_shape(vm, chosen, reply, reply_link, sent, sent_link, out);
    if (!out->failed)
        out->data[--out->len] = 0; /* the last comma */
    return best;
}

/* By the probe's own rule there is a pattern that fits or not, and a condition that holds or not. */
static int compare_rule(pk_vm *vm, const pk_image_probe *rule, const pk_tree *reply,
                        const pk_tree *sent, pk_buf *out)
{
    const pk_image *image = reply->image;
    if (!pk_pattern_any(vm, reply, rule->answer, rule->n_answer)) {
        for (uint32_t i = 0; out && i < rule->n_answer; i++)
            pk_buf_printf(out, "%s%s", i ? " or " : "it is not `answer` ",
                          pk_image_text(image, image->patterns[rule->answer + i].text));
        return -1;
    }
    if (pk_match_rule_holds(vm, rule, reply, sent))
        return 1;
    if (out)
        pk_buf_printf(out, "`where %s` does not hold",
                      pk_image_text(image, image->exprs[rule->where].text));
    return 0;
}

int pk_match_compare(pk_match *match, const pk_tree *reply, const pk_tree *sent, pk_buf *out)
{
    pk_match_chain mine, theirs;
    pk_vm *vm = pk_match_vm(match);
    const pk_image_probe *rule = pk_match_rule(match);
    if (rule && rule->n_answer)
        return compare_rule(vm, rule, reply, sent, out);
    pk_match_chain_of(vm, reply, PK_TREE_NONE, &mine);
    pk_match_chain_of(NULL, sent, PK_TREE_NONE, &theirs);
    if (theirs.count > mine.count || !theirs.count)
        return INT32_MIN;
    for (uint32_t i = 0; i < theirs.count; i++)
        if (mine.links[i].layer != theirs.links[i].layer)
            return INT32_MIN;
    comparison sum = {0, 0};
    for (uint32_t i = 0; i < theirs.count; i++) {
        comparison now = compare_layer(vm, reply, &mine.links[i], sent, &theirs.links[i], out);
        sum.agree += now.agree;
        sum.differ += now.differ;
    }
    if (out && rule && sum.differ == 0 && !pk_match_rule_holds(vm, rule, reply, sent))
        pk_buf_printf(out, "; `where %s` does not hold",
                      pk_image_text(reply->image, reply->image->exprs[rule->where].text));
    return sum.agree - sum.differ;
}
