/*
 * Identity of captured packets: dissected, written as source, compiled and built again, each has
 * the same bytes, and its leaves tile them.
 *
 *   test_identity [--packets N] [--show] CAPTURE..
 *
 * Of each capture the first N packets (0: all). Prints how many were written in brief, with every
 * field, and as bytes; --show prints those of the last two kinds. The text of every batch is then
 * compiled once more, in one piece, and every packet of it compared.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../base/check.h"
#include "../vm/machine.h"
#include "../vm/tiling.h"
#include "io/capture.h"
#include "source_verify.h"
#include "standard.h"

enum { SAVED = 64 };

typedef struct identity {
    machine m;
    const pk_image *standard;
    pk_source_verify *verify;
    pk_buf out;
    pk_buf saved[SAVED];
    size_t n_saved;
    unsigned long limit, packets, different;
    bool show;
} identity;

static bool inferred(void *context, const pk_tree *tree, pk_tree_node node)
{
    return pk_vm_inferred(context, tree, node);
}

static pk_value eval(void *context, const pk_tree *tree, pk_tree_node self, pk_ref expr)
{
    return pk_vm_eval(context, expr, tree, self, NULL, NULL, 0);
}

/* What was written gives the packets that were read. */
static void hold(identity *t)
{
    machine again;
    if (t->n_saved == 0)
        return;
    CHECK(pk_source_verify_flush(t->verify, &t->out) == PK_OK);
    bool good = machine_open(&again, pk_buf_cstr(&t->out), t->standard) &&
                again.image.n_alts == t->standard->n_alts + t->n_saved;
    CHECK(good);
    if (!good)
        printf("# %s\n", again.why);
    for (size_t i = 0; good && i < t->n_saved; i++) {
        pk_buf built = {0};
        bool same = machine_build(&again, t->standard->n_alts + (pk_ref)i, &built) &&
                    built.len == t->saved[i].len &&
                    (!built.len || memcmp(built.data, t->saved[i].data, built.len) == 0);
        t->different += !same;
        CHECK(same);
        pk_buf_free(&built);
    }
    machine_close(&again);
    for (size_t i = 0; i < t->n_saved; i++)
        pk_buf_clear(&t->saved[i]);
    t->n_saved = 0;
    pk_buf_clear(&t->out);
}

static void show(identity *t, const char *path, unsigned long number)
{
    pk_buf text = {0};
    pk_source_counts before = pk_source_verify_counts(t->verify);
    CHECK(pk_source_verify_flush(t->verify, &t->out) == PK_OK);
    pk_source_counts now = pk_source_verify_counts(t->verify);
    if (now.brief == before.brief) {
        machine_source(&t->m, &t->m.read, &text);
        printf("# %s %lu: %s\n# %s", path, number, now.full > before.full ? "full" : "bytes",
               pk_buf_cstr(&text));
        machine again;
        pk_buf built = {0};
        if (!machine_packet(&again, pk_buf_cstr(&text), t->standard, &built)) {
            printf("#   %s\n", again.why);
        } else {
            printf("#   ");
            for (size_t i = 0; i < t->m.read.len && i < 600; i++)
                printf("%02x", t->m.read.bytes[i]);
            size_t at = 0;
            while (at < built.len && at < t->m.read.len && built.data[at] == t->m.read.bytes[at])
                at++;
            printf("\n#   %u bytes, built %zu, different from %zu\n#   ", t->m.read.len, built.len,
                   at);
            for (size_t i = 0; i < built.len && i < 600; i++)
                printf("%02x", built.data[i]);
            printf("\n");
        }
        machine_close(&again);
        pk_buf_free(&built);
    }
    pk_buf_free(&text);
}

static void hold_packet(identity *t, const char *path, const pk_capture_record *record)
{
    const pk_writer how = {.inferred = inferred, .eval = eval, .context = t->m.vm};
    pk_ref layer = pk_vm_link_layer(t->m.vm, record->link);
    uint32_t len = record->captured;
    uint32_t wire = record->original > len ? record->original : len;
    CHECK(pk_vm_dissect(t->m.vm, layer, record->data, len, wire, &t->m.read) == PK_OK);
    CHECK(tiles(&t->m.read));
    if (t->n_saved == SAVED)
        hold(t);
    pk_buf_add(&t->saved[t->n_saved++], record->data, len);
    CHECK(pk_source_verify_add(t->verify, &t->m.read, &how, &t->out) == PK_OK);
    t->packets++;
    if (t->show)
        show(t, path, (unsigned long)record->number);
}

static void hold_capture(identity *t, const char *path)
{
    pk_capture_reader *reader = NULL;
    pk_capture_record record;
    pk_error error;
    if (pk_capture_open(&reader, path, NULL, &error) != PK_OK)
        return;
    for (unsigned long n = 0; !t->limit || n < t->limit; n++) {
        if (pk_capture_next(reader, &record, &error) != PK_OK)
            break;
        hold_packet(t, path, &record);
    }
    pk_capture_close(reader);
}

int main(int argc, char **argv)
{
    pk_image standard;
    char why[256];
    identity t = {.standard = &standard};
    if (pk_image_load(pk_standard_image, pk_standard_image_size, &standard, why, sizeof why) ||
        !machine_open(&t.m, "", &standard))
        return 99;
    t.verify = pk_source_verify_new(&standard);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--packets") == 0 && i + 1 < argc)
            t.limit = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--show") == 0)
            t.show = true;
        else
            hold_capture(&t, argv[i]);
    }
    hold(&t);
    pk_source_counts counts = pk_source_verify_counts(t.verify);
    printf("# packets %lu, brief %lu, every field %lu, bytes %lu, different %lu\n", t.packets,
           (unsigned long)counts.brief, (unsigned long)counts.full, (unsigned long)counts.bytes,
           t.different);
    CHECK(t.packets > 0);
    CHECK(t.different == 0);
    pk_source_verify_free(t.verify);
    for (size_t i = 0; i < SAVED; i++)
        pk_buf_free(&t.saved[i]);
    pk_buf_free(&t.out);
    machine_close(&t.m);
    return check_result();
}
