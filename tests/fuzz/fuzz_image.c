/*
 * A damaged image is refused with a sentence, or accepted and then entirely usable.
 *
 * The input edits the records of a valid image (tests/image/sample.h), whose hash is put right
 * again, so that the verifier and not the checksum has to see it. Seven bytes an edit: where (4),
 * how wide (1), and a value (2) that is written, added, or taken from elsewhere in the image. An
 * input whose first byte is odd stands for a number of random scripts instead, so that a replay
 * over any files goes to many places.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "../image/sample.h"
#include "base/rng.h"
#include "image/disasm.h"
#include "image/format.h"

enum { EDIT = 7, SCRIPTS = 100 };

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void sample_bytes(pk_buf *out)
{
    pk_image_builder *builder = pk_image_builder_new(NULL);
    require(builder);
    (void)sample_make(builder);
    require(pk_image_builder_finish(builder, out) == PK_OK);
    pk_image_builder_free(builder);
}

static void edit(uint8_t *image, size_t len, const uint8_t *step)
{
    uint32_t where, value = 0, old = 0;
    size_t widths[] = {1, 2, 4}, width = widths[step[4] % 3];
    memcpy(&where, step, 4);
    memcpy(&value, step + 5, 2);
    /* Most edits hit a whole 32-bit member. */
    size_t at = where % (len - 4);
    if (step[4] & 0x40)
        at &= ~(size_t)3;
    memcpy(&old, image + at, width);
    if (step[4] & 0x80)
        value = old + (value % 9) - 4;
    else if (step[4] & 0x20)
        memcpy(&value, image + (value * 4U) % (len - 4), 4);
    memcpy(image + at, &value, width);
}

/* Walks what lookups and disassembly reach. */
static void use(const pk_image *image)
{
    pk_buf text = {0};
    pk_image_disasm(image, 0, &text);
    require(!text.failed && text.len > 0);
    pk_buf_free(&text);
    for (pk_ref layer = 1; layer < image->n_layers; layer++)
        for (uint32_t i = 0; i < image->layers[layer].n_members; i++) {
            const pk_image_member *member = &image->members[image->layers[layer].members + i];
            require(pk_image_member_find(image, layer, member->name) == member);
        }
    for (pk_ref table = 1; table < image->n_tables; table++)
        for (uint32_t i = 0; i < image->tables[table].n_keys; i++) {
            const pk_image_key *key = &image->keys[image->tables[table].keys + i];
            require(pk_image_table_find(image, table, key->lo) == key->layer);
            require(pk_image_table_find(image, table, key->hi) == key->layer);
        }
}

static void load(const uint8_t *bytes, size_t len)
{
    char reason[512] = "";
    pk_image image;
    if (pk_image_load(bytes, len, &image, reason, sizeof reason) == PK_OK)
        use(&image);
    else
        require(*reason && strlen(reason) < sizeof reason);
}

static void run_script(const uint8_t *script, size_t size)
{
    pk_buf buf = {0};
    sample_bytes(&buf);
    for (; size >= EDIT; script += EDIT, size -= EDIT)
        edit(buf.data, buf.len, script);
    uint64_t hash = pk_image_hash(buf.data, buf.len);
    memcpy(buf.data + offsetof(pk_image_header, hash), &hash, sizeof hash);
    /* A copy of exactly this length, so that a read behind it is seen. */
    uint8_t *copy = malloc(buf.len);
    require(copy != NULL);
    memcpy(copy, buf.data, buf.len);
    load(copy, buf.len);
    free(copy);
    pk_buf_free(&buf);
}

/* One to three edits each: more are nearly always refused for the first. */
static void run_random(const uint8_t *data, size_t size)
{
    uint64_t seed = size;
    for (size_t i = 0; i < size; i++)
        seed = (seed ^ data[i]) * 0x100000001b3;
    for (uint64_t i = 0; i < SCRIPTS; i++) {
        uint8_t script[3 * EDIT];
        pk_rng_bytes(seed, i, 0, script, sizeof script);
        run_script(script, (1 + i % 3) * EDIT);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size && data[0] % 2)
        run_random(data, size);
    else if (size)
        run_script(data + 1, size - 1);
    return 0;
}
