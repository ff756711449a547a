/* The matcher's keys against a plain evaluation: every reply of a set is compared with every stimulus
 * by `def answers` alone, layer for layer, and the matcher has to find an answer exactly where one
 * is. */
#include <stdlib.h>

#include "../base/check.h"
#include "scene.h"
#include "vm/match.h"

typedef struct packets {
    uint32_t count;
    pk_tree *trees;
    pk_buf *bytes;
} packets;

/* All packets of probe `ref`, read back as whoever receives them would. */
static packets make(scene *s, pk_ref ref)
{
    const pk_image_probe *probe = &s->image.probes[ref];
    const pk_space *space = pk_vm_space(s->vm);
    pk_u128 count = 0;
    pk_point point;
    pk_tree built;
    pk_vm_error error;
    CHECK(pk_space_count(space, probe->alts, probe->n_alts, &count));
    packets made = {.count = (uint32_t)count};
    made.trees = calloc(made.count, sizeof *made.trees);
    made.bytes = calloc(made.count, sizeof *made.bytes);
    if (!made.trees || !made.bytes || pk_point_init(space, &point))
        abort();
    pk_tree_init(&built, &s->image);
    for (uint32_t n = 0; n < made.count; n++) {
        pk_tree_init(&made.trees[n], &s->image);
        pk_space_locate(space, probe->alts, probe->n_alts, n, &point);
        pk_ref outermost = s->image.plans[s->image.alts[point.alt].plan].ref;
        if (pk_vm_build(s->vm, &point, &made.bytes[n], &built, &error) ||
            pk_vm_dissect(s->vm, outermost, made.bytes[n].data, (uint32_t)made.bytes[n].len,
                          (uint32_t)made.bytes[n].len, &made.trees[n]))
            abort();
    }
    pk_tree_free(&built);
    pk_point_free(&point);
    return made;
}

static void discard(packets *made)
{
    for (uint32_t n = 0; n < made->count; n++) {
        pk_tree_free(&made->trees[n]);
        pk_buf_free(&made->bytes[n]);
    }
    free(made->trees);
    free(made->bytes);
}

/* ---- plainly ---- */

/* The next instance from `at` inwards whose layer says what answers it. */
static pk_tree_node next_with_answers(const pk_tree *tree, pk_tree_node at)
{
    while (!pk_tree_none(at) && pk_tree_kind(tree, at) == PK_REC_INSTANCE &&
           !tree->image->layers[pk_tree_layer(tree, at)].answers)
        at = pk_tree_payload(tree, at);
    bool found = !pk_tree_none(at) && pk_tree_kind(tree, at) == PK_REC_INSTANCE;
    return found ? at : PK_TREE_NONE;
}

static bool answers_plainly(pk_vm *vm, const pk_tree *reply, const pk_tree *sent)
{
    pk_tree_node r = next_with_answers(reply, pk_tree_first(reply, (pk_tree_node){0, 0}));
    pk_tree_node q = next_with_answers(sent, pk_tree_first(sent, (pk_tree_node){0, 0}));
    if (pk_tree_none(q))
        return false;
    while (!pk_tree_none(q)) {
        if (pk_tree_none(r) || pk_tree_layer(reply, r) != pk_tree_layer(sent, q))
            return false;
        pk_value argument = {.kind = PK_NODE, .tree = 1, .node = pk_tree_pack(q)};
        pk_ref answers = reply->image->layers[pk_tree_layer(reply, r)].answers;
        if (!pk_value_truth(pk_vm_eval(vm, answers, reply, r, sent, &argument, 1)))
            return false;
        r = next_with_answers(reply, pk_tree_payload(reply, r));
        q = next_with_answers(sent, pk_tree_payload(sent, q));
    }
    return true;
}

/* ---- by keys ---- */

static const pk_tree *rebuild(void *context, uint32_t number)
{
    const packets *stimuli = context;
    return &stimuli->trees[number];
}

static bool answered(void *context, uint32_t number)
{
    (void)context;
    (void)number;
    return false;
}

static void compare(const char *program, uint32_t least)
{
    scene s;
    scene_open(&s, program);
    packets stimuli = make(&s, 1), replies = make(&s, 2);
    pk_match *match = pk_match_new(s.vm, &s.image);
    uint32_t found = 0, wrong = 0;
    if (!match)
        abort();
    for (uint32_t n = 0; n < stimuli.count; n++)
        CHECK_INT(pk_match_add(match, n, &stimuli.trees[n]), PK_OK);
    for (uint32_t r = 0; r < replies.count; r++) {
        const pk_match_source source = {rebuild, answered, &stimuli};
        pk_match_result result;
        bool plain = false;
        for (uint32_t n = 0; n < stimuli.count && !plain; n++)
            plain = answers_plainly(s.vm, &replies.trees[r], &stimuli.trees[n]);
        pk_match_find(match, &replies.trees[r], &source, &result);
        bool by_key = result.kind == PK_MATCH_ANSWER;
        found += plain;
        wrong += plain != by_key;
        if (by_key)
            CHECK(answers_plainly(s.vm, &replies.trees[r], &stimuli.trees[result.number]));
    }
    if (wrong || found < least || found == replies.count)
        fprintf(stderr, "%u of %u replies answer, %u judged otherwise: %s\n", found, replies.count,
                wrong, program);
    CHECK_INT(wrong, 0);
    CHECK(found >= least && found < replies.count);
    pk_match_free(match);
    discard(&stimuli);
    discard(&replies);
    scene_close(&s);
}

int main(void)
{
    compare("probe sent  { send ip(src=10.0.0.1, dst=[10.0.0.2, 224.0.0.1])/tcp(sport=1..2, "
            "dport=7..8, seq=0..1, ack=0..1, flags=[S, A, SA]) }\n"
            "probe reply { send ip(src=[10.0.0.2, 10.0.0.9], dst=10.0.0.1)/tcp(sport=7..8, "
            "dport=1..2, seq=0..1, ack=0..4, flags=[SA, R, RA]) }\n",
            10);
    compare("probe sent  { send [ip(src=[0.0.0.0, 10.0.0.1], dst=[10.0.0.2, 255.255.255.255])/"
            "udp(sport=1..2, dport=53)/dns(id=1..3), ip(src=10.0.0.1, dst=10.0.0.2)/"
            "udp(sport=1..2, dport=4789)/vxlan(vni=1..2)/eth()/ip(src=1.1.1.1, "
            "dst=2.2.2.2)/icmp(id=1..2)] }\n"
            "probe reply { send [ip(src=10.0.0.2..10.0.0.3, dst=10.0.0.1..10.0.0.2)/"
            "udp(sport=53, dport=1..3)/dns(id=1..4, qr=0..1), ip(src=10.0.0.2, dst=10.0.0.1)/"
            "udp(sport=1..2, dport=4789)/vxlan(vni=1..3)/eth()/ip(src=2.2.2.2, "
            "dst=1.1.1.1)/icmp(type=0, id=1..3)] }\n",
            10);
    compare("probe sent  { send [ipv6(src=[::, fe80::1], dst=[ff02::1, fe80::2])/icmpv6()/"
            "nd_ns(tgt=[fe80::2, fe80::3]), ipv6(src=fe80::1, dst=[fe80::2, ff02::1])/"
            "icmpv6(type=[echo, rs], id=1..2)] }\n"
            "probe reply { send [ipv6(src=fe80::2..fe80::3, dst=[fe80::1, ff02::1])/icmpv6()/"
            "nd_na(tgt=fe80::2..fe80::4), ipv6(src=fe80::2..fe80::3, dst=[fe80::1, ff02::1])/"
            "icmpv6(type=[echo_reply, ra], id=1..3)] }\n",
            10);
    compare("probe sent  { send [eth()/arp(op=1..3, pdst=10.0.0.2..10.0.0.3), "
            "ip(src=10.0.0.1, dst=10.0.0.2)/icmp(type=[8, 13, 15, 17, 3], id=1..2, seq=1..2)] }\n"
            "probe reply { send [eth()/arp(op=1..4, psrc=10.0.0.1..10.0.0.3), "
            "ip(src=10.0.0.2..10.0.0.3, dst=10.0.0.1)/icmp(type=[0, 14, 16, 18], id=1..3, "
            "seq=1..2)] }\n",
            10);
    return check_result();
}
