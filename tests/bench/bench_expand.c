/* How long a packet takes to expand in memory.
 *
 *   bench_expand SET PATH COUNT     prints ns a packet
 *
 * SET is one of the names below; PATH is `general` (the general machine), or the kernels of a
 * template (plain, sse2, avx2, best), with `-inplace` when slots hold a packet already. 256 slots of
 * 64 bytes (2,048 for long packets) are written again and again, COUNT packets in all. Each way is
 * checked against the general machine before it is timed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../vm/machine.h"
#include "standard.h"
#include "vm/template.h"
#include "vm/template_kernels.h"

#define ETHER "send eth(dst=02:00:00:00:00:02, src=02:00:00:00:00:01)/"

static const struct {
    const char *name, *text;
} sets[] = {
    {"syn", ETHER "ip(src=10.0.0.1, dst=10.1.0.0/16)/tcp(sport=40000, dport=1..1024, "
                  "seq=0..1048575, flags=S)/zeros(10)"},
    {"syn-random", ETHER "ip(src=10.0.0.1, dst=10.1.0.0/16)/tcp(sport=40000, dport=1..1024, "
                         "seq=random(u32), flags=S)/zeros(10)"},
    {"six", ETHER "ip(src=10.0.0.1, dst=10.1.0.0/16, id=0..65535, ttl=32..63)/"
                  "tcp(sport=1024..65535, dport=1..1024, seq=0..1048575, flags=S)/zeros(10)"},
    {"six-random", ETHER "ip(src=10.0.0.1, dst=10.1.0.0/16, id=0..65535, ttl=32..63)/"
                         "tcp(sport=random(1024..65535), dport=1..1024, seq=random(u32), "
                         "flags=S)/zeros(10)"},
    {"long", ETHER "ip(src=10.0.0.1, dst=10.1.0.0/16)/tcp(sport=40000, dport=1..1024, "
                   "seq=0..1048575, flags=S)/zeros(1446)"},
};

typedef struct bench {
    machine m;
    pk_template *templ;
    pk_ref alts;
    uint8_t *slots;
    size_t stride;
    bool inplace;
} bench;

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static bool build(bench *b, pk_u128 n, pk_buf *out)
{
    pk_vm_error error;
    pk_buf_clear(out);
    return pk_space_locate(pk_vm_space(b->m.vm), b->alts, 1, n, &b->m.point) &&
           pk_vm_build(b->m.vm, &b->m.point, out, NULL, &error) == PK_OK;
}

static bool run_general(bench *b, uint64_t count)
{
    pk_buf out = {0};
    bool good = true;
    for (uint64_t n = 0; n < count && good; n++) {
        good = build(b, n, &out);
        if (good)
            memcpy(b->slots + n % PK_TEMPLATE_BATCH * b->stride, out.data, out.len);
    }
    pk_buf_free(&out);
    return good;
}

static bool expand(bench *b, pk_u128 first, bool prepared)
{
    const pk_template_run run = {.first = first,
                                 .count = PK_TEMPLATE_BATCH,
                                 .base = b->slots,
                                 .stride = b->stride,
                                 .prepared = prepared};
    return pk_template_expand(b->templ, &run) == PK_TEMPLATE_BATCH;
}

static bool run_template(bench *b, uint64_t count)
{
    bool good = expand(b, 0, false);
    for (uint64_t n = 0; n < count && good; n += PK_TEMPLATE_BATCH)
        good = expand(b, n, b->inplace);
    return good;
}

static bool check(bench *b)
{
    pk_buf out = {0};
    pk_u128 first = 1000003;
    bool good = expand(b, 0, false) && expand(b, first, b->inplace);
    for (unsigned i = 0; i < PK_TEMPLATE_BATCH && good; i++)
        good = build(b, first + i, &out) && out.len == pk_template_length(b->templ) &&
               memcmp(out.data, b->slots + i * b->stride, out.len) == 0;
    pk_buf_free(&out);
    return good;
}

static bool prepare(bench *b, const char *text, const char *path)
{
    static char reason[PK_TEMPLATE_REASON];
    static pk_image standard;
    char name[16];
    if (!path)
        return false;
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(path, "-"), path);
    b->inplace = strstr(path, "-inplace") != NULL;
    if (pk_image_load(pk_standard_image, pk_standard_image_size, &standard, reason,
                      sizeof reason) ||
        !machine_open(&b->m, text, &standard)) {
        (void)fprintf(stderr, "%s%s\n", reason, b->m.why);
        return false;
    }
    b->alts = b->m.image.probes[1].alts;
    b->templ = pk_template_new(b->m.vm, b->alts, b->alts, reason, NULL);
    b->stride = b->templ && pk_template_length(b->templ) > 64 ? 2048 : 64;
    b->slots = aligned_alloc(4096, PK_TEMPLATE_BATCH * b->stride);
    const pk_kernels *use = strcmp(name, "best") == 0 ? pk_kernels_best() : pk_kernels_named(name);
    if (!b->templ || !b->slots)
        (void)fprintf(stderr, "no template: %s\n", reason);
    else if (strcmp(name, "general") == 0)
        return true;
    else if (!use)
        (void)fprintf(stderr, "this processor has no %s\n", name);
    else {
        pk_template_use(b->templ, use);
        if (check(b))
            return true;
        (void)fprintf(stderr, "the template's packets are wrong\n");
    }
    return false;
}

int main(int argc, char **argv)
{
    bench b = {0};
    const char *text = NULL;
    for (unsigned i = 0; argc == 4 && i < sizeof sets / sizeof *sets; i++)
        if (strcmp(sets[i].name, argv[1]) == 0)
            text = sets[i].text;
    if (!text || !prepare(&b, text, argv[2]))
        return 2;
    uint64_t count = strtoull(argv[3], NULL, 10);
    count = (count + PK_TEMPLATE_BATCH - 1) / PK_TEMPLATE_BATCH * PK_TEMPLATE_BATCH;
    bool general = strncmp(argv[2], "general", 7) == 0;
    double start = now();
    bool good = general ? run_general(&b, count) : run_template(&b, count);
    (void)printf("%.2f\n", (now() - start) / (double)count);
    pk_template_free(b.templ);
    machine_close(&b.m);
    free(b.slots);
    return good ? 0 : 1;
}
