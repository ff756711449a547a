/* The compiled machines against the naive interpreter.
 *
 *   test_differential STDLAYERS FILE..
 *
 * A line of a file is `HEX EXPRESSION` (bytes that an independent program made, and how) or
 * `EXPRESSION` alone; # begins a comment. Expressions are built both ways, the first packets of a
 * set and a sample of it. Bytes are dissected both ways: whole, cut at every length, and mutated by
 * a fixed sequence. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machines.h"

enum { PACKETS = 40, MUTATIONS = 60, PACKET_MAX = 4096 };

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static size_t from_hex(const char *text, size_t len, uint8_t *bytes, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i + 1 < len && n < room; i += 2) {
        const char pair[3] = {text[i], text[i + 1], 0};
        bytes[n++] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return n;
}

/* The layer that an expression begins with: its outermost. */
static void outermost(const char *expression, char *ret, size_t size)
{
    size_t n = 0;
    while (expression[n] && (isalnum((unsigned char)expression[n]) || expression[n] == '_') &&
           n + 1 < size)
        n++;
    memcpy(ret, expression, n);
    ret[n] = 0;
}

static void dissect_variants(machines *m, const char *layer, const uint8_t *bytes, size_t len,
                             uint64_t *seed)
{
    uint8_t copy[PACKET_MAX];
    for (size_t cut = 0; cut <= len; cut++)
        machines_compare_dissect(m, layer, bytes, (uint32_t)cut);
    for (unsigned i = 0; i < MUTATIONS && len; i++) {
        memcpy(copy, bytes, len);
        for (unsigned flips = 1 + i % 5; flips; flips--)
            copy[next_random(seed) % len] = (uint8_t)next_random(seed);
        machines_compare_dissect(m, layer, copy, (uint32_t)(len - next_random(seed) % len / 8));
    }
}

static void run_line(machines *m, char *line, uint64_t *seed)
{
    uint8_t bytes[PACKET_MAX];
    char layer[64];
    line[strcspn(line, "\n")] = 0;
    size_t hex = strspn(line, "0123456789abcdef");
    const char *expression = hex && line[hex] == ' ' ? line + hex + 1 : line;
    if (!*line || *line == '#')
        return;
    machines_compare_build(m, expression, PACKETS);
    outermost(expression, layer, sizeof layer);
    if (expression != line && naive_layer_find(m->unit, layer))
        dissect_variants(m, layer, bytes, from_hex(line, hex, bytes, sizeof bytes), seed);
}

static bool run_file(machines *m, const char *path, uint64_t *seed)
{
    FILE *file = fopen(path, "r");
    if (!file) {
        (void)printf("# cannot read %s\n", path);
        return false;
    }
    static char line[65536];
    while (fgets(line, sizeof line, file))
        run_line(m, line, seed);
    (void)fclose(file);
    return true;
}

/* Fuzzed packets of every standard layer: they build, and are the same both ways. Left out are
 * `link`, which is no layer, and one whose lists have elements by default only in the oracle. */
static void fuzz_layers(machines *m)
{
    for (pk_ref i = 1; i < m->standard.n_layers; i++) {
        const pk_image_layer *layer = &m->standard.layers[i];
        const char *name = pk_image_text(&m->standard, layer->name);
        char expression[128];
        if (layer->kind != PK_LAYER_LAYER || strcmp(name, "link") == 0 ||
            strcmp(name, "radiotap") == 0)
            continue;
        (void)snprintf(expression, sizeof expression,
                       "ip(src=1.1.1.1, dst=2.2.2.2, id=1..20)/fuzz(%s())", name);
        machines_compare_build(m, expression, PACKETS);
    }
}

int main(int argc, char **argv)
{
    machines m;
    uint64_t seed = 20260101;
    if (argc < 3 || !machines_open(&m, argv[1]))
        return 1;
    (void)printf("1..%d\n", argc - 1);
    fuzz_layers(&m);
    (void)printf("%sok 1 - every layer fuzzed: %u packets compared, %u differ\n",
                 m.differences ? "not " : "", m.compared, m.differences);
    for (int i = 2; i < argc; i++) {
        unsigned before = m.differences;
        unsigned compared = m.compared;
        bool good = run_file(&m, argv[i], &seed) && m.differences == before;
        const char *slash = strrchr(argv[i], '/');
        (void)printf("%sok %d - %s: %u packets compared, %u differ\n", good ? "" : "not ", i,
                     slash ? slash + 1 : argv[i], m.compared - compared, m.differences - before);
    }
    bool good = m.differences == 0 && m.compared > 0;
    machines_close(&m);
    return good ? 0 : 1;
}
