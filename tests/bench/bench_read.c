/*
 * What reading a packet costs: dissecting it, and writing it as a line, as JSON, as a tree.
 *
 *   bench_read VECTORS                      every kind over every corpus, nanoseconds a packet
 *   bench_read VECTORS KIND CORPUS ROUNDS   one of them, so many times (instructions.py)
 *   bench_read VECTORS print KIND CORPUS    what is written, to compare two builds
 *
 * Corpora: `syn` are Ethernet/IP/TCP frames of 54 bytes that differ in addresses and ports,
 * `options` the same with the five options that a Linux host sends, `mix` the packets of VECTORS
 * whose expression begins with a layer that stands alone.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/checksum.h"
#include "standard.h"
#include "tree/writers.h"
#include "vm/vm.h"

enum { PACKETS = 64, PACKET_SIZE = 2048, LINE_SIZE = 16384 };

typedef struct packet {
    pk_ref layer;
    uint32_t len;
    uint8_t bytes[PACKET_SIZE];
} packet;

typedef struct bench {
    pk_image image;
    pk_vm *vm;
    pk_tree tree;
    pk_buf out;
    pk_writer how;
    packet packets[PACKETS];
    unsigned n;
} bench;

typedef enum kind { DISSECT, LINE, JSON, TREE, KINDS } kind;
static const char *const kinds[] = {"dissect", "line", "json", "tree"};
static const char *const corpora[] = {"syn", "options", "mix"};

/* ---- corpora --------------------------------------------------------------------------------- */

static void put16(uint8_t *at, unsigned number)
{
    at[0] = (uint8_t)(number >> 8);
    at[1] = (uint8_t)number;
}

static const uint8_t linux_options[20] = {2, 4, 5,    0xb4, 4, 2, 8, 10, 0x12, 0x34,
                                          5, 6, 0x78, 9,    0, 0, 1, 3,  3,    7};

static void make_syn(packet *p, unsigned number, bool options)
{
    static const uint8_t start[] = {2,    0, 0,  0,  0,    1, 2,    0, 0,  0,  0, 2, 8,  0,
                                    0x45, 0, 0,  40, 0,    1, 0,    0, 64, 6,  0, 0, 10, 0,
                                    0,    1, 10, 0,  0,    2, 0,    0, 0,  80, 0, 0, 3,  0,
                                    0x10, 0, 0,  0,  0x50, 2, 0x20, 0, 0,  0,  0, 0};
    uint8_t *ip = p->bytes + 14, *tcp = ip + 20, sum[12 + 40] = {0};
    unsigned segment = options ? 40 : 20;
    memcpy(p->bytes, start, sizeof start);
    if (options)
        memcpy(tcp + 20, linux_options, sizeof linux_options);
    p->len = 34 + segment;
    put16(ip + 2, 20 + segment);
    put16(ip + 14, number * 31 & 0xffff);
    put16(tcp, 1024 + number * 977);
    tcp[12] = (uint8_t)(segment / 4 << 4);
    put16(ip + 10, pk_checksum_inet(ip, 20));
    memcpy(sum, ip + 12, 8);
    sum[9] = 6;
    put16(sum + 10, segment);
    memcpy(sum + 12, tcp, segment);
    put16(tcp + 16, pk_checksum_inet(sum, 12 + segment));
}

static bool from_line(bench *b, const char *line)
{
    static const char *const names[][2] = {
        {"Ether(", "eth"}, {"Dot3(", "eth"}, {"IP(", "ip"}, {"IPv6(", "ipv6"}};
    packet *p = &b->packets[b->n];
    const char *text = strchr(line, ' ');
    p->layer = 0;
    p->len = 0;
    for (size_t i = 0; text && i < sizeof names / sizeof *names; i++)
        if (strncmp(text + 1, names[i][0], strlen(names[i][0])) == 0)
            p->layer = pk_image_layer_find(&b->image, names[i][1]);
    while (p->layer && p->len < PACKET_SIZE && isxdigit((unsigned char)line[2 * p->len])) {
        const char digits[3] = {line[2 * p->len], line[2 * p->len + 1], 0};
        p->bytes[p->len++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return p->layer && p->len;
}

static bool read_vectors(bench *b, const char *path)
{
    static char line[LINE_SIZE];
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    while (b->n < PACKETS && fgets(line, sizeof line, file))
        if (line[0] != '#' && from_line(b, line))
            b->n++;
    fclose(file);
    return b->n > 0;
}

static bool load_corpus(bench *b, const char *corpus, const char *vectors)
{
    bool options = strcmp(corpus, "options") == 0;
    b->n = 0;
    if (strcmp(corpus, "mix") == 0)
        return read_vectors(b, vectors);
    for (; b->n < PACKETS; b->n++) {
        make_syn(&b->packets[b->n], b->n, options);
        b->packets[b->n].layer = pk_image_layer_find(&b->image, "eth");
    }
    return options || strcmp(corpus, "syn") == 0;
}

/* ---- the machine ----------------------------------------------------------------------------- */

static bool inferred(void *context, const pk_tree *tree, pk_tree_node node)
{
    return pk_vm_inferred(context, tree, node);
}

static pk_value eval(void *context, const pk_tree *tree, pk_tree_node self, pk_ref expr)
{
    return pk_vm_eval(context, expr, tree, self, NULL, NULL, 0);
}

static bool open_bench(bench *b)
{
    char why[256];
    if (pk_image_load(pk_standard_image, pk_standard_image_size, &b->image, why, sizeof why))
        return false;
    b->vm = pk_vm_new(&b->image, NULL);
    pk_tree_init(&b->tree, &b->image);
    b->how = (pk_writer){.inferred = inferred, .eval = eval, .context = b->vm};
    b->how.cache = pk_writer_cache_new(&b->image);
    return b->vm != NULL;
}

static void close_bench(bench *b)
{
    pk_writer_cache_free(b->how.cache);
    pk_tree_free(&b->tree);
    pk_vm_free(b->vm);
    pk_buf_free(&b->out);
}

static bool run_one(bench *b, kind what, const packet *p, uint64_t number)
{
    const pk_writer_packet about = {.number = number};
    if (pk_vm_dissect(b->vm, p->layer, p->bytes, p->len, p->len, &b->tree) != PK_OK)
        return false;
    if (what == LINE) {
        pk_write_line(&b->out, &b->tree, &b->how);
        pk_buf_byte(&b->out, '\n');
    } else if (what == JSON) {
        pk_write_json(&b->out, &b->tree, &b->how, &about);
    } else if (what == TREE) {
        pk_write_tree(&b->out, &b->tree, &b->how, &about);
    }
    return !b->out.failed;
}

static bool run(bench *b, kind what, uint64_t rounds)
{
    for (uint64_t round = 0; round < rounds; round++) {
        pk_buf_clear(&b->out);
        for (unsigned i = 0; i < b->n; i++)
            if (!run_one(b, what, &b->packets[i], i + 1))
                return false;
    }
    return true;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static bool time_all(bench *b, const char *vectors)
{
    enum { ROUNDS = 300, TIMES = 5 };
    for (size_t c = 0; c < sizeof corpora / sizeof *corpora; c++) {
        if (!load_corpus(b, corpora[c], vectors))
            return false;
        for (unsigned k = 0; k < KINDS; k++) {
            double best = 0;
            for (unsigned i = 0; i < TIMES; i++) {
                double start = seconds();
                if (!run(b, (kind)k, ROUNDS))
                    return false;
                double took = (seconds() - start) * 1e9 / (double)(b->n * ROUNDS);
                best = i == 0 || took < best ? took : best;
            }
            printf("%-8s %-8s %9.1f ns a packet\n", corpora[c], kinds[k], best);
        }
    }
    return true;
}

static bool one(bench *b, const char *kind_name, uint64_t rounds)
{
    for (unsigned k = 0; k < KINDS; k++)
        if (strcmp(kinds[k], kind_name) == 0)
            return run(b, (kind)k, rounds);
    return false;
}

int main(int argc, char **argv)
{
    static bench b;
    bool print = argc == 5 && strcmp(argv[2], "print") == 0, good = open_bench(&b);
    if (argc != 2 && argc != 5)
        return 2;
    if (good && argc == 2)
        good = time_all(&b, argv[1]);
    else if (good && print)
        good = load_corpus(&b, argv[4], argv[1]) && one(&b, argv[3], 1) &&
               fwrite(b.out.data, 1, b.out.len, stdout) == b.out.len;
    else if (good)
        good = load_corpus(&b, argv[3], argv[1]) && one(&b, argv[2], strtoull(argv[4], NULL, 10));
    if (good && argc == 5 && !print)
        printf("%u\n", b.n);
    close_bench(&b);
    return good ? 0 : 1;
}
