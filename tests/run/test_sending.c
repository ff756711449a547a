/* What a session sends, in batches from templates, is what the general machine builds one by one:
 * the same frames in the same order and with the same trees, whatever the order of the set, the
 * loops through it, and the ways that its destinations go.
 *
 *   test_run_sending PROGRAM.. */
#include "../base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scene.h"

enum { MOST = 600 /* packets of one run */ };

/* ---- surroundings: 10.0.0.0/8 goes by one gateway, 10.9/16 is not known, the rest is on the link
 * -- */

static uint8_t net_of(pk_bytes to)
{
    return to.len ? to.data[0] : 0;
}

static bool source_address(void *context, pk_bytes to, uint8_t ret_address[16])
{
    (void)context;
    memset(ret_address, 0, 16);
    ret_address[0] = net_of(to) == 10 ? 192 : 198;
    ret_address[3] = net_of(to) == 10 ? 1 : to.data[to.len - 1];
    return true;
}

static bool source_mac(void *context, pk_bytes to, uint8_t ret_mac[6])
{
    (void)context;
    (void)to;
    memcpy(ret_mac, "\2\0\0\0\0\1", 6);
    return true;
}

static bool nexthop_mac(void *context, pk_bytes to, uint8_t ret_mac[6])
{
    (void)context;
    memcpy(ret_mac, "\2\0\0\0\0\2", 6);
    if (net_of(to) != 10 && to.len)
        memcpy(ret_mac + 2, to.data + to.len - 4, 4);
    return true;
}

static pk_way_state way(void *context, pk_bytes first, const uint8_t *last, pk_way *ret_way)
{
    bool gateway = first.data[0] == 10 && last[0] == 10;
    bool one = memcmp(first.data, last, first.len) == 0;
    if (!one && (!gateway || first.data[1] <= 9))
        return PK_WAY_VARIES;
    if (gateway && first.data[1] == 9)
        return PK_WAY_LATER;
    pk_way known = {{0}, {0}, {0}};
    (void)source_address(context, first, known.source);
    (void)source_mac(context, first, known.source_mac);
    (void)nexthop_mac(context, first, known.nexthop_mac);
    *ret_way = known;
    return PK_WAY_KNOWN;
}

static const pk_env surroundings = {.source_address = source_address,
                                    .source_mac = source_mac,
                                    .nexthop_mac = nexthop_mac,
                                    .way = way};

/* ---- comparing ------------------------------------------------------------------------------- */

typedef struct comparing {
    const char *text;
    uint64_t sent;
    unsigned differ;
} comparing;

static void compare_sent(scene *s, const pk_sent *sent)
{
    comparing *c = s->own;
    pk_bytes frame = pk_memory_sent(s->transport, c->sent++);
    if (frame.len != sent->bytes.len || memcmp(frame.data, sent->bytes.data, frame.len) != 0)
        c->differ++;
}

static bool same_tree(const pk_tree *a, const pk_tree *b)
{
    return a->count == b->count && a->len == b->len && a->wire_len == b->wire_len &&
           a->flags == b->flags && memcmp(a->recs, b->recs, a->count * sizeof *a->recs) == 0;
}

/* The frame that was sent as number `index`, against what the machine builds. */
static bool same_frame(scene *s, pk_stimuli *built, pk_stimuli *asked, uint64_t index)
{
    pk_buf out = {0};
    pk_buf again = {0};
    pk_tree tree;
    pk_tree other;
    pk_vm_error error;
    pk_tree_init(&tree, &s->image);
    pk_tree_init(&other, &s->image);
    pk_u128 n = pk_stimuli_number(built, index);
    pk_bytes frame = pk_memory_sent(s->transport, index);
    bool same = pk_stimuli_build(built, n, &out, &tree, &error) == PK_OK && frame.len == out.len &&
                memcmp(frame.data, out.data, out.len) == 0;
    same = same && pk_stimuli_packet(asked, n, &again, &other, &error) == PK_OK &&
           again.len == out.len && memcmp(again.data, out.data, out.len) == 0 &&
           same_tree(&tree, &other);
    pk_tree_free(&tree);
    pk_tree_free(&other);
    pk_buf_free(&out);
    pk_buf_free(&again);
    return same;
}

static void compare_frames(scene *s, const char *text)
{
    pk_stimuli built = {0};
    pk_stimuli asked = {0};
    const pk_image_probe *probe = &s->image.probes[1];
    CHECK_INT(pk_stimuli_init(&built, s->vm, &s->image, probe, &s->options, &s->error), PK_OK);
    CHECK_INT(pk_stimuli_init(&asked, s->vm, &s->image, probe, &s->options, &s->error), PK_OK);
    pk_stimuli_link_set(&built, pk_transport_link_of(s->transport)->link);
    pk_stimuli_link_set(&asked, pk_transport_link_of(s->transport)->link);
    uint64_t count = pk_memory_sent_count(s->transport);
    for (uint64_t i = 0; i < count; i++)
        if (!same_frame(s, &built, &asked, i)) {
            printf("# %.200s: frame %llu differs\n", text, (unsigned long long)i);
            CHECK_TEXT("this frame", "the same both ways");
            break;
        }
    pk_stimuli_free(&built);
    pk_stimuli_free(&asked);
}

typedef struct variant {
    bool random_order, discard;
    unsigned loops;
    const pk_env *env;
} variant;

static void run_text(const char *text, const variant *how, uint64_t expect)
{
    scene s;
    comparing c = {.text = text};
    scene_open_in(&s, text, how->env);
    s.own = &c;
    s.responder = compare_sent;
    s.options.rate = 0;
    s.options.retry = 0;
    s.options.timeout = 1;
    s.options.random_order = how->random_order;
    s.options.discard = how->discard;
    s.options.loops = how->loops;
    s.options.count = 0;
    s.options.duration = 0;
    pk_stimuli stimuli = {0};
    if (pk_stimuli_init(&stimuli, s.vm, &s.image, &s.image.probes[1], &s.options, &s.error) ||
        stimuli.asked > MOST)
        s.options.count = MOST;
    pk_stimuli_free(&stimuli);
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(c.differ, 0);
    CHECK_INT(c.sent, s.counts.sent);
    if (expect)
        CHECK_INT(s.counts.sent, expect);
    else
        CHECK(s.counts.sent > 0);
    compare_frames(&s, text);
    scene_close(&s);
}

static void run_variants(const char *text, uint64_t expect)
{
    for (unsigned i = 0; i < 16; i++) {
        const variant how = {.random_order = i & 1,
                             .discard = i & 2,
                             .loops = i & 4 ? 3 : 1,
                             .env = i & 8 ? &surroundings : NULL};
        uint64_t all = expect * how.loops;
        run_text(text, &how, all > MOST ? MOST : all);
    }
}

/* ---- the cases ------------------------------------------------------------------------------- */

static void a_set_of_one_shape_is_sent_as_built(void)
{
    run_variants("send ip(dst=10.1.0.0/24)/icmp(seq=random(u16))", 256);
}

static void stacks_of_several_shapes_keep_their_order(void)
{
    run_variants("send ip(dst=10.1.2.0/28)/[udp(dport=1..20), tcp(dport=1..20), icmp()]", 656);
}

static void destinations_with_ways_of_their_own_get_their_own_addresses(void)
{
    run_variants("send ip(dst=[198.51.100.0/25, 10.1.0.0/25])/udp(dport=7)", 256);
    run_variants("send ip(dst=198.51.100.0/26, id=random(u16))/icmp()", 64);
    run_variants("send ipv6(dst=2001:db8::/121)/icmpv6()", 128);
}

static void what_has_no_known_way_is_built(void)
{
    run_variants("send ip(dst=10.8.255.192..10.9.0.63)/icmp()", 128);
    run_variants("send ip(dst=10.9.0.1, ttl=1..40)/udp()", 40);
}

/* The template refuses what may not fit; those packets fail, the others around them leave. */
static void values_that_do_not_fit_fail_alone(void)
{
    scene s;
    scene_open(&s, "let x = 0..99\nsend ip(dst=10.0.0.1)/udp(sport=65486 + x, dport=7)");
    s.options.rate = 0;
    s.options.timeout = 1;
    CHECK_INT(scene_run(&s, NULL), PK_OK);
    CHECK_INT(s.counts.sent, 50);
    CHECK_INT(s.counts.failed, 50);
    compare_frames(&s, "65486 + x");
    scene_close(&s);
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 65536);
    CHECK(file && text && fread(text, 1, 65535, file) > 0);
    if (file)
        (void)fclose(file);
    return text;
}

int main(int argc, char **argv)
{
    a_set_of_one_shape_is_sent_as_built();
    stacks_of_several_shapes_keep_their_order();
    destinations_with_ways_of_their_own_get_their_own_addresses();
    what_has_no_known_way_is_built();
    values_that_do_not_fit_fail_alone();
    for (int i = 1; i < argc; i++) {
        char *text = read_file(argv[i]);
        run_variants(text, 0);
        free(text);
    }
    return check_result();
}
