/* Templates make what the general machine makes, byte for byte, in any order and on any kind of
 * processor; and what has no single shape is refused with the reason.
 *
 *   test_template STDLAYERS programs|expressions|samples|shapes|zeros|refusals [FILE..] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../differential/machines.h"
#include "../vm/machine.h"
#include "sample.h"
#include "standard.h"
#include "vm/template_expander.h"
#include "vm/template_kernels.h"

enum {
    SAMPLES = 200, /* random programs */
    MOST = 700,    /* packets of an alternative that are compared one after the other */
    JUMPS = 60,    /* and in random order */
    NAIVE = 6,     /* packets of an expression that the naive interpreter builds, too */
    STRIDE = 4096
};

static const char *const kernels[] = {"plain", "sse2", "avx2"};

typedef struct tally {
    unsigned failures, alternatives, templates, packets, stopped;
    uint64_t state;
} tally;

static void fail(tally *t, const char *text, const char *what, unsigned long long n)
{
    t->failures++;
    (void)printf("# %s (%llu): %.300s\n", what, n, text);
}

typedef struct subject {
    const char *text;
    machine *m;
    pk_ref first, alt;
    pk_template *templ;
    pk_u128 begin, count;
    uint8_t *slots;
} subject;

/* What the general machine makes at index `n` must stand in `slot`; `there`: the template wrote it. */
static void compare(tally *t, const subject *s, pk_u128 n, const uint8_t *slot, bool there)
{
    pk_vm_error error = {0};
    pk_buf out = {0};
    uint32_t len = pk_template_length(s->templ);
    bool found =
        pk_space_locate(pk_vm_space(s->m->vm), s->first, s->alt - s->first + 1, n, &s->m->point);
    bool good = found && pk_vm_build(s->m->vm, &s->m->point, &out, NULL, &error) == PK_OK;
    if (good != there)
        fail(t, s->text, good ? "not expanded" : "expanded, but cannot be built",
             (unsigned long long)n);
    else if (good && (out.len != len || memcmp(out.data, slot, len) != 0))
        fail(t, s->text, "differs", (unsigned long long)n);
    t->packets++;
    t->stopped += !there;
    pk_buf_free(&out);
}

static void in_sequence(tally *t, const subject *s, pk_u128 from, uint32_t count)
{
    pk_template_run run = {.first = s->begin + from, .count = count, .base = s->slots};
    run.stride = STRIDE;
    memset(s->slots, 0x5a, (size_t)MOST * STRIDE);
    uint32_t done = pk_template_expand(s->templ, &run);
    uint32_t len = pk_template_length(s->templ);
    for (uint32_t i = 0; i < done; i++)
        compare(t, s, run.first + i, s->slots + (size_t)i * STRIDE, true);
    if (done < count)
        compare(t, s, run.first + done, NULL, false);
    for (uint32_t i = 0; i < done; i++)
        for (uint32_t k = len; k < STRIDE; k++)
            if (s->slots[(size_t)i * STRIDE + k] != 0x5a) {
                fail(t, s->text, "wrote behind the packet", i);
                return;
            }
}

/* Into slots that stand anywhere, half of them prepared. */
static void in_disorder(tally *t, const subject *s)
{
    pk_u128 numbers[JUMPS];
    uint8_t *slots[JUMPS];
    pk_template_run run = {.numbers = numbers, .count = JUMPS, .slots = slots};
    for (unsigned i = 0; i < JUMPS; i++) {
        pk_u128 wide = (pk_u128)sample_next(&t->state) << 64 | sample_next(&t->state);
        numbers[i] = s->begin + wide % s->count;
        slots[i] = s->slots + (size_t)((i * 37) % JUMPS) * STRIDE;
    }
    for (unsigned pass = 0; pass < 2; pass++) {
        run.prepared = pass == 1;
        uint32_t done = pk_template_expand(s->templ, &run);
        for (uint32_t i = 0; i < done; i++)
            compare(t, s, numbers[i], slots[i], true);
        if (done < JUMPS) {
            compare(t, s, numbers[done], NULL, false);
            return;
        }
        for (unsigned i = 0; i < JUMPS / 2; i++) { /* other packets into slots that are filled */
            pk_u128 swap = numbers[i];
            numbers[i] = numbers[JUMPS - 1 - i];
            numbers[JUMPS - 1 - i] = swap;
        }
    }
}

static void compare_template(tally *t, const subject *s)
{
    for (unsigned i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        const pk_kernels *use = pk_kernels_named(kernels[i]);
        if (!use)
            continue;
        pk_template_use(s->templ, use);
        in_sequence(t, s, 0, s->count < MOST ? (uint32_t)s->count : MOST);
        pk_u128 spread = (pk_u128)sample_next(&t->state) << 64 | sample_next(&t->state);
        pk_u128 from = spread % s->count, left = s->count - from;
        in_sequence(t, s, from, left < 300 ? (uint32_t)left : 300);
        in_disorder(t, s);
    }
}

/* One packet of a whole probe, as the expander and as the machine give it. */
static void compare_expanded(tally *t, const char *text, machine *m, pk_expander *expander,
                             const pk_image_probe *probe, pk_u128 n)
{
    pk_vm_error error = {0};
    pk_vm_error expected = {0};
    pk_bytes bytes = {0};
    pk_buf out = {0};
    pk_ref alt = 0;
    bool good = pk_expander_packet(expander, n, &bytes, &alt, &error) == PK_OK;
    (void)pk_space_locate(pk_vm_space(m->vm), probe->alts, probe->n_alts, n, &m->point);
    bool built = pk_vm_build(m->vm, &m->point, &out, NULL, &expected) == PK_OK;
    t->packets++;
    if (good != built || (good && (alt != m->point.alt || bytes.len != out.len ||
                                   memcmp(bytes.data, out.data, out.len) != 0)))
        fail(t, text, "the expander's packet differs", (unsigned long long)n);
    if (!good && strcmp(error.text, expected.text) != 0)
        fail(t, text, "the expander's error differs", (unsigned long long)n);
    pk_buf_free(&out);
}

static void compare_expander(tally *t, const char *text, machine *m)
{
    for (uint32_t p = 1; p < m->image.n_probes; p++) {
        const pk_image_probe *probe = &m->image.probes[p];
        pk_u128 count = 0;
        pk_expander *expander = pk_expander_new(m->vm, probe->alts, probe->n_alts);
        if (!expander || !pk_space_count(pk_vm_space(m->vm), probe->alts, probe->n_alts, &count) ||
            !count) {
            pk_expander_free(expander);
            continue;
        }
        for (pk_u128 n = 0; n < count && n < 2 * JUMPS; n++)
            compare_expanded(t, text, m, expander, probe, n);
        for (unsigned i = 0; i < JUMPS; i++)
            compare_expanded(t, text, m, expander, probe, sample_next(&t->state) % count);
        pk_vm_error error;
        pk_bytes bytes;
        pk_ref alt;
        if (pk_expander_packet(expander, count, &bytes, &alt, &error) != PK_ENOENT)
            fail(t, text, "a packet beyond the end", (unsigned long long)count);
        pk_expander_free(expander);
    }
}

/* All alternatives of all probes; returns how many have templates. */
static unsigned compare_machine(tally *t, const char *text, machine *m, char *ret_reason)
{
    const pk_space *space = pk_vm_space(m->vm);
    subject s = {.text = text, .m = m, .slots = malloc((size_t)MOST * STRIDE)};
    unsigned made = 0;
    for (uint32_t p = 1; p < m->image.n_probes && s.slots; p++) {
        const pk_image_probe *probe = &m->image.probes[p];
        s.first = probe->alts;
        for (uint32_t a = 0; a < probe->n_alts; a++) {
            s.alt = probe->alts + a;
            if (!pk_space_count(space, s.first, a, &s.begin) ||
                !pk_space_count(space, s.alt, 1, &s.count) || !s.count)
                continue;
            t->alternatives++;
            s.templ = pk_template_new(m->vm, s.first, s.alt, ret_reason, NULL);
            if (!s.templ && !*ret_reason)
                fail(t, text, "refused without a reason", a);
            if (s.templ && pk_template_length(s.templ) <= STRIDE)
                compare_template(t, &s);
            made += s.templ != NULL;
            pk_template_free(s.templ);
        }
    }
    t->templates += made;
    free(s.slots);
    compare_expander(t, text, m);
    return made;
}

static bool open_text(tally *t, const char *text, machine *m, const pk_image *standard)
{
    if (machine_open(m, text, standard))
        return true;
    fail(t, m->why, "does not compile", 0);
    (void)printf("# in: %s\n", text);
    machine_close(m);
    return false;
}

static bool load_standard(pk_image *standard)
{
    char why[256];
    return pk_image_load(pk_standard_image, pk_standard_image_size, standard, why, sizeof why) == 0;
}

/* ---- programs, expressions, samples ---------------------------------------------------------- */

static void run_program(tally *t, const pk_image *standard, const char *path)
{
    static char text[65536];
    char reason[PK_TEMPLATE_REASON] = "";
    machine m;
    FILE *file = fopen(path, "r");
    size_t len = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[len] = 0;
    if (file)
        (void)fclose(file);
    if (!len)
        fail(t, path, "cannot be read", 0);
    else if (open_text(t, text, &m, standard)) {
        (void)compare_machine(t, path, &m, reason);
        machine_close(&m);
    }
}

static void run_expression(tally *t, machines *naive, const pk_image *standard, char *line)
{
    char reason[PK_TEMPLATE_REASON] = "";
    machine m;
    line[strcspn(line, "\n")] = 0;
    size_t hex = strspn(line, "0123456789abcdef");
    const char *expression = hex && line[hex] == ' ' ? line + hex + 1 : line;
    if (!*line || *line == '#' || !open_text(t, expression, &m, standard))
        return;
    (void)compare_machine(t, expression, &m, reason);
    machine_close(&m);
    if (naive)
        machines_compare_build(naive, expression, NAIVE);
}

static void run_expressions(tally *t, const pk_image *standard, machines *naive, const char *path)
{
    static char line[65536];
    FILE *file = fopen(path, "r");
    if (!file) {
        fail(t, path, "cannot be read", 0);
        return;
    }
    while (fgets(line, sizeof line, file))
        run_expression(t, naive, standard, line);
    (void)fclose(file);
}

static void run_samples(tally *t, const pk_image *standard)
{
    char reason[PK_TEMPLATE_REASON] = "";
    for (unsigned i = 0; i < SAMPLES; i++) {
        pk_buf text = {0};
        machine m;
        sample_program(&t->state, &text);
        if (open_text(t, pk_buf_cstr(&text), &m, standard)) {
            (void)compare_machine(t, pk_buf_cstr(&text), &m, reason);
            machine_close(&m);
        }
        pk_buf_free(&text);
    }
    /* Hardly any of them decides its shape by what varies. */
    if (t->templates * 10 < t->alternatives * 9)
        fail(t, reason, "too few templates", t->templates);
}

/* ---- what must have a template, and what must not -------------------------------------------- */

static void run_shapes(tally *t, const pk_image *standard)
{
    static const char *const texts[] = {
        "ip(dst=10.0.0.0/8)/tcp(dport=1..65535, flags=S)",
        "eth(dst=02:00:00:00:00:01, src=02:00:00:00:00:00..02:00:00:01:00:00)/ip(src=1.2.3.4, "
        "dst=10.0.0.0/16, "
        "id=0..65535, ttl=32..63)/tcp(sport=random(1024..65535), dport=1..1024, seq=random(u32))",
        "ipv6(src=2001:db8::/64, dst=2001:db8:1::1)/udp(dport=1..9)/\"odd\"",
        "ip(src=10.0.0.0/12, dst=192.0.2.1)/udp(sport=random(1024..65535), dport=7)/zeros(1473)",
        "ip(src=1.1.1.1, dst=2.2.2.2)/gre(chksum_present=1)/ip(src=3.3.3.3, "
        "dst=10.0.0.0/24)/icmp(id=1..5)",
        "eth()/dot1q(vlan=1..4094, prio=0..7)/ip(dst=10.0.0.0/24)/icmp()",
        "ip(dst=127.0.0.0/24)/udp(dport=1..3)/[\"a\", \"b\"]",
        "ip(dst=10.0.0.0/30)/tcp(options=[mss(1..9), ts(random(u32), 2), "
        "sack(blocks=[sack_block(1..3, 4)])])",
        "ip(src=1.1.1.1, dst=2.2.2.2)/udp(chksum=inet_sum(u16(1..9) + \"abc\"))",
        "arp(psrc=1.1.1.1, pdst=10.0.0.0/24)",
        "ip(src=1.1.1.1, dst=shuffle(10.0.0.0/8), ttl=sample(1..200, 3))/udp(dport=1..3)",
        "ip(dst=shuffle([10.0.0.0/20, 10.1.0.0/30]))/tcp(seq=random(weighted([1..3, 9], [1, 5])))",
        "ipv6(src=2001:db8::1, dst=shuffle(2001:db8:1::/64))/udp(dport=weighted([53, 80], [3, 1]))",
        "let (a, b) = zip(10.0.0.0/24, cycle([7, 9, 11]))\nsend ip(src=1.1.1.1, dst=a, "
        "ttl=b)/udp()",
        "param t: ip4 = 10.0.0.77\nsend ip(src=1.1.1.1, dst=t/20, id=1..3)/udp(dport=9)",
        "ip(src=1.1.1.1, dst=\"10.0.*.1-9\")/udp(dport=hash(\"x\") & 0xffff)",
        "param a: set(u16) = 0..300\nsend ip(src=1.1.1.1, dst=2.2.2.2)/udp(dport=9)/"
        "(u32(a * 65537)[1..2] + u8((u16(a))[1]) + u16(min(a, 77)) + u16(max(a, 77)) + u8(a == 5) "
        "+ "
        "u8(a < 9) + u8(not a) + u16(a / 7) + u16(a % 7) + u64(-a) + u64(~a) + u16(a << 3 ^ 5 | "
        "1))",
        "param a: set(u16) = 0..300\nsend ip(src=1.1.1.1, dst=2.2.2.2)/udp(dport=9)/"
        "(((10.0.0.0 + a) & 255.255.0.255) + u8(10.0.0.5 == 10.0.0.0 + a) + u8(10.0.0.7 <= "
        "10.0.0.0 + a) + u16le(a) + u32le(a * 70001) + (u16(a) * 3) + u8((-a) / 5 & 255) + "
        "u64(0x7fffffffffffff00 + a))",
        "param a: set(u16) = 0..300\nsend wireguard()/transport(receiver_index=a, counter=a * "
        "99999999)/\"data\"",
    };
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
        char reason[PK_TEMPLATE_REASON] = "";
        machine m;
        if (!open_text(t, texts[i], &m, standard))
            continue;
        if (compare_machine(t, texts[i], &m, reason) != 1)
            fail(t, reason, "has no template", i);
        machine_close(&m);
    }
}

/* Checksums that come out as one of the two forms of zero: of all 65,536 packets those are compared.
 */
static void run_zeros(tally *t, const pk_image *standard)
{
    static const struct {
        const char *text;
        unsigned at;    /* of the checksum */
        unsigned least; /* how many packets have such a checksum */
    } sets[] = {{"ip(src=1.1.1.1, dst=2.2.2.2)/udp(sport=0..65535)/\"odd\"", 26, 1},
                {"ip(src=1.1.1.1, dst=2.2.2.2)/tcp(seq=0..65535)", 36, 1},
                {"ip(src=1.1.1.1, dst=2.2.2.2)/udp(chksum=inet_sum(u16(0..65535)))", 26, 2},
                {"ip(src=1.1.1.1, dst=2.2.2.2, id=0..65535)/udp()", 10, 1}};
    for (unsigned i = 0; i < sizeof sets / sizeof *sets; i++) {
        char reason[PK_TEMPLATE_REASON] = "";
        machine m;
        if (!open_text(t, sets[i].text, &m, standard))
            continue;
        pk_ref alts = m.image.probes[1].alts;
        subject s = {.text = sets[i].text, .m = &m, .first = alts, .alt = alts};
        s.templ = pk_template_new(m.vm, alts, alts, reason, NULL);
        uint8_t slot[STRIDE];
        unsigned found = 0;
        for (pk_u128 n = 0; s.templ && n < 65536; n++) {
            const pk_template_run run = {.first = n, .count = 1, .base = slot};
            bool there = pk_template_expand(s.templ, &run) == 1;
            const uint8_t *sum = slot + sets[i].at;
            if (there && sum[0] == sum[1] && (sum[0] == 0 || sum[0] == 0xff)) {
                compare(t, &s, n, slot, true);
                found++;
            }
        }
        if (found < sets[i].least)
            fail(t, reason, "too few checksums are zero", found);
        pk_template_free(s.templ);
        machine_close(&m);
    }
}

/* `why`: what the reason says, or NULL: a template that stops before some packets. */
static const struct refusal {
    const char *text, *why;
} refusals[] = {
    {"ip(dst=10.0.0.1)/udp()/zeros(1..40)", "other than inet_sum"},
    {"ip(dst=10.0.0.1)/udp()/[\"a\", \"bcd\"]", "different kinds or lengths"},
    {"ip(dst=126.255.255.0..127.0.0.9)/udp()", "loopback"},
    {"ip(src=1.1.1.1, dst=10.0.0.1, len=[0, 28])/udp()", "depends on what varies"},
    {"ip(src=1.1.1.1, dst=10.0.0.1)/udp(dport=9)/(\"x\" * (1..3))", "repeated"},
    {"param t: set(u16) = 250..260\nsend ip(src=1.1.1.1, dst=10.0.0.1, ttl=t)/icmp()", NULL},
    {"ip(src=1.1.1.1, dst=10.0.0.1)/udp()/u32(crc32(u8(1..5)))", "other than inet_sum"},
    {"ip(src=1.1.1.1, dst=10.0.0.1, frag=0..3)/udp()", "present"},
    {"ip(src=cycle([1.1.1.1, 1.1.1.2, 1.1.1.3]), dst=10.0.0.0/24)/udp()", "the packet's number"},
    {"ip(src=1.1.1.1, dst=10.0.0.1)/udp()/md5(u8(1..9))", "other than inet_sum"},
};

static void run_refusals(tally *t, const pk_image *standard)
{
    for (unsigned i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        char reason[PK_TEMPLATE_REASON] = "";
        machine m;
        unsigned stopped = t->stopped;
        if (!open_text(t, refusals[i].text, &m, standard))
            continue;
        unsigned made = compare_machine(t, refusals[i].text, &m, reason);
        if (refusals[i].why && (made || !strstr(reason, refusals[i].why)))
            fail(t, reason, made ? "has a template" : "has another reason", i);
        if (!refusals[i].why && (made != 1 || stopped == t->stopped))
            fail(t, reason, "does not stop", i);
        (void)printf("# %s: %s\n", refusals[i].text, made ? "template" : reason);
        machine_close(&m);
    }
}

int main(int argc, char **argv)
{
    tally t = {.state = 20260102};
    pk_image standard;
    if (argc < 3 || !load_standard(&standard))
        return 1;
    const char *what = argv[2];
    if (strcmp(what, "samples") == 0)
        run_samples(&t, &standard);
    else if (strcmp(what, "shapes") == 0)
        run_shapes(&t, &standard);
    else if (strcmp(what, "zeros") == 0)
        run_zeros(&t, &standard);
    else if (strcmp(what, "refusals") == 0)
        run_refusals(&t, &standard);
    machines naive = {0};
    bool naively = strcmp(what, "expressions") == 0;
    if (naively && !machines_open(&naive, argv[1]))
        return 1;
    for (int i = 3; i < argc; i++)
        if (naively)
            run_expressions(&t, &standard, &naive, argv[i]);
        else
            run_program(&t, &standard, argv[i]);
    if (naively) {
        t.failures += naive.differences;
        machines_close(&naive);
    }
    (void)printf("# %s: %u alternatives, %u templates, %u packets compared, stopped before %u\n",
                 what, t.alternatives, t.templates, t.packets, t.stopped);
    (void)printf("1..1\n%sok 1 - %s\n", t.failures || !t.packets ? "not " : "", what);
    return t.failures || !t.packets ? 1 : 0;
}
