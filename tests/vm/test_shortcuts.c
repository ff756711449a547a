/*
 * The fast ways change nothing: a machine that recalls shapes and reads expressions without frames
 * makes the trees of one that does neither, and the writers with a cache write what they write
 * without one.
 *
 *   test_shortcuts --vectors FILE      packets of tests/vectors, also cut at every length and damaged
 *   test_shortcuts CAPTURE..           the first packets of each, also cut
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../base/check.h"
#include "../vm/machine.h"
#include "io/capture.h"
#include "standard.h"
#include "tree/writers.h"

enum { LINE_SIZE = 16384, PACKET_SIZE = 8192, OF_A_CAPTURE = 40, CUTS = 24, DAMAGED = 60 };

typedef struct bench {
    pk_image image;
    pk_vm *fast, *thorough;
    pk_tree quick, slow;
    pk_writer_cache *cache;
    pk_buf one, other;
    uint64_t random;
    unsigned long packets, recalled;
} bench;

static pk_value eval(void *context, const pk_tree *tree, pk_tree_node self, pk_ref expr)
{
    return pk_vm_eval(context, expr, tree, self, NULL, NULL, 0);
}

static bool inferred(void *context, const pk_tree *tree, pk_tree_node node)
{
    return pk_vm_inferred(context, tree, node);
}

typedef enum form { JSON, LINE, TREE, FORMS } form;

static void write_as(form what, pk_buf *out, const pk_tree *tree, const pk_writer *how)
{
    const pk_writer_packet about = {.number = 7, .has_time = true, .seconds = 5};
    pk_buf_clear(out);
    if (what == JSON)
        pk_write_json(out, tree, how, &about);
    else if (what == LINE)
        pk_write_line(out, tree, how);
    else
        pk_write_tree(out, tree, how, &about);
}

static bool same_text(bench *b)
{
    const pk_writer fast = {
        .inferred = inferred, .eval = eval, .context = b->fast, .cache = b->cache};
    const pk_writer slow = {.inferred = inferred, .eval = eval, .context = b->thorough};
    bool same = true;
    for (unsigned i = 0; i < FORMS && same; i++) {
        write_as((form)i, &b->one, &b->quick, &fast);
        write_as((form)i, &b->other, &b->slow, &slow);
        same = b->one.len == b->other.len && !memcmp(b->one.data, b->other.data, b->one.len);
        if (!same)
            printf("# %s\n# %s\n", pk_buf_cstr(&b->one), pk_buf_cstr(&b->other));
    }
    return same;
}

static bool same_tree(const pk_tree *a, const pk_tree *b)
{
    return a->count == b->count && a->flags == b->flags && a->len == b->len &&
           a->wire_len == b->wire_len && !memcmp(a->recs, b->recs, a->count * sizeof *a->recs);
}

/* Several times: the first makes the shape, the second is recalled and makes the script. */
static void hold(bench *b, pk_ref layer, const uint8_t *bytes, uint32_t len)
{
    CHECK(pk_vm_dissect(b->thorough, layer, bytes, len, len, &b->slow) == PK_OK);
    for (unsigned round = 0; round < 4; round++) {
        CHECK(pk_vm_dissect(b->fast, layer, bytes, len, len, &b->quick) == PK_OK);
        bool same = same_tree(&b->quick, &b->slow) && same_text(b);
        CHECK(same);
        if (!same)
            printf("# packet %lu of %u bytes\n", b->packets, len);
        b->recalled += b->quick.shape != 0;
    }
    b->packets++;
}

static uint32_t draw(bench *b, uint32_t below)
{
    b->random = b->random * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(b->random >> 33) % below;
}

/* Bytes that end where the packet does, so that reading behind it is seen. */
static uint8_t *copy_of(const uint8_t *bytes, uint32_t len)
{
    uint8_t *copy = malloc(len + 1U);
    if (!copy)
        exit(99);
    memcpy(copy + 1, bytes, len);
    return copy;
}

static void hold_cut(bench *b, pk_ref layer, const uint8_t *bytes, uint32_t len)
{
    uint8_t *copy = copy_of(bytes, len);
    hold(b, layer, copy + 1, len);
    free(copy);
}

static void hold_damaged(bench *b, pk_ref layer, const uint8_t *bytes, uint32_t len)
{
    uint8_t *copy = copy_of(bytes, len);
    for (unsigned round = 0; round < DAMAGED && len > 0; round++) {
        memcpy(copy + 1, bytes, len);
        for (uint32_t flips = draw(b, 4); flips > 0; flips--)
            copy[1 + draw(b, len)] = (uint8_t)draw(b, 256);
        hold(b, layer, copy + 1, len);
    }
    free(copy);
}

static void hold_line(bench *b, const char *line)
{
    static const char *const names[][2] = {
        {"Ether(", "eth"}, {"Dot3(", "eth"}, {"IP(", "ip"}, {"IPv6(", "ipv6"}};
    static uint8_t bytes[PACKET_SIZE];
    const char *text = strchr(line, ' ');
    pk_ref layer = 0;
    uint32_t len = 0;
    for (size_t i = 0; text && i < sizeof names / sizeof *names; i++)
        if (strncmp(text + 1, names[i][0], strlen(names[i][0])) == 0)
            layer = pk_image_layer_find(&b->image, names[i][1]);
    while (layer && len < PACKET_SIZE && isxdigit((unsigned char)line[2 * len])) {
        const char digits[3] = {line[2 * len], line[2 * len + 1], 0};
        bytes[len++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    for (uint32_t cut = 0; layer && cut <= len; cut++)
        hold_cut(b, layer, bytes, cut);
    if (layer)
        hold_damaged(b, layer, bytes, len);
}

static void hold_vectors(bench *b, const char *path)
{
    static char line[LINE_SIZE];
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    while (file && fgets(line, sizeof line, file))
        if (line[0] != '#')
            hold_line(b, line);
    if (file)
        fclose(file);
}

static void hold_capture(bench *b, const char *path)
{
    pk_capture_reader *reader = NULL;
    pk_capture_record record;
    pk_error error;
    if (pk_capture_open(&reader, path, NULL, &error) != PK_OK)
        return;
    for (unsigned n = 0; n < OF_A_CAPTURE; n++) {
        if (pk_capture_next(reader, &record, &error) != PK_OK)
            break;
        pk_ref layer = pk_vm_link_layer(b->fast, record.link);
        hold_cut(b, layer, record.data, record.captured);
        for (unsigned i = 0; i < CUTS && record.captured > 0 && n % 8 == 0; i++)
            hold_cut(b, layer, record.data, draw(b, record.captured));
    }
    pk_capture_close(reader);
}

static bool open_bench(bench *b)
{
    char why[256];
    if (pk_image_load(pk_standard_image, pk_standard_image_size, &b->image, why, sizeof why))
        return false;
    b->fast = pk_vm_new(&b->image, NULL);
    b->thorough = pk_vm_new(&b->image, NULL);
    b->cache = pk_writer_cache_new(&b->image);
    if (!b->fast || !b->thorough || !b->cache)
        return false;
    pk_vm_shortcuts_set(b->thorough, false);
    pk_tree_init(&b->quick, &b->image);
    pk_tree_init(&b->slow, &b->image);
    return true;
}

int main(int argc, char **argv)
{
    static bench b;
    if (!open_bench(&b))
        return 99;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--vectors") == 0 && i + 1 < argc)
            hold_vectors(&b, argv[++i]);
        else
            hold_capture(&b, argv[i]);
    }
    printf("# %lu packets, %lu of four times as many recalled\n", b.packets, b.recalled);
    CHECK(b.packets > 0);
    CHECK(b.recalled > b.packets);
    pk_tree_free(&b.quick);
    pk_tree_free(&b.slow);
    pk_vm_free(b.fast);
    pk_vm_free(b.thorough);
    pk_writer_cache_free(b.cache);
    pk_buf_free(&b.one);
    pk_buf_free(&b.other);
    return check_result();
}
