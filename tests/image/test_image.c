#include "image/image.h"

#include <stdlib.h>

#include "../base/check.h"
#include "image/builder.h"
#include "image/format.h"

static pk_ref text(pk_image_builder *builder, const char *text)
{
    return pk_image_builder_text(builder, text, strlen(text));
}

/* A buffer's bytes reach the loader through malloc, which aligns them. */
static int load(const pk_buf *buf, pk_image *ret_image, char reason[256])
{
    reason[0] = 0;
    return pk_image_load(buf->data, buf->len, ret_image, reason, 256);
}

static void sealed(pk_buf *buf)
{
    uint64_t hash = pk_image_hash(buf->data, buf->len);
    memcpy(buf->data + offsetof(pk_image_header, hash), &hash, sizeof hash);
}

/* Two enums with three entries, one alias-free layer-less image. */
static void sample(pk_buf *out, const pk_image *base)
{
    pk_image_builder *builder = pk_image_builder_new(base);
    pk_ref first = PK_ADD(builder, ENT, 3);
    for (uint32_t i = 0; i < 3; i++) {
        static const char *const names[] = {"hello", "stat", "bye"};
        PK_AT(builder, ENT, first + i)->value = i + 1;
        PK_AT(builder, ENT, first + i)->name = text(builder, names[i]);
    }
    pk_ref cmd = PK_ADD(builder, ENU, 1);
    PK_AT(builder, ENU, cmd)->name = text(builder, "cmd");
    PK_AT(builder, ENU, cmd)->entries = first;
    PK_AT(builder, ENU, cmd)->n_entries = 3;
    CHECK(pk_image_builder_blob(builder, "\1\2\3", 3) != 0);
    CHECK_INT(pk_image_builder_finish(builder, out), PK_OK);
    pk_image_builder_free(builder);
}

static void test_a_finished_image_loads_with_what_was_put_in(void)
{
    pk_buf buf = {0};
    pk_image image;
    char reason[256];
    sample(&buf, NULL);
    CHECK_INT(buf.len % 8, 0);
    CHECK_INT(load(&buf, &image, reason), PK_OK);
    CHECK_TEXT(reason, "");
    CHECK_INT(image.n_enums, 2);
    CHECK_TEXT(pk_image_text(&image, image.enums[1].name), "cmd");
    CHECK_TEXT(pk_image_text(&image, image.entries[image.enums[1].entries + 2].name), "bye");
    CHECK_INT(image.entries[3].value, 3);
    CHECK_INT(image.n_layers, 1);
    CHECK_INT(image.layers[0].n_items, 0);
    CHECK_TEXT(pk_image_text(&image, 0), "");
    pk_bytes bytes = pk_image_bytes(&image, 1);
    CHECK(bytes.len == 3 && memcmp(bytes.data, "\1\2\3", 3) == 0);
    CHECK_INT(pk_image_name_find(&image, "stat"), image.entries[2].name);
    CHECK_INT(pk_image_name_find(&image, "tat"), 0);
    pk_buf_free(&buf);
}

static void test_same_records_give_same_bytes(void)
{
    pk_buf one = {0}, two = {0};
    sample(&one, NULL);
    sample(&two, NULL);
    CHECK_INT(one.len, two.len);
    CHECK(memcmp(one.data, two.data, one.len) == 0);
    pk_buf_free(&one);
    pk_buf_free(&two);
}

static void test_a_builder_starts_from_its_base_and_interns_its_texts(void)
{
    pk_buf buf = {0}, again = {0};
    pk_image base, view;
    char reason[256];
    sample(&buf, NULL);
    CHECK_INT(load(&buf, &base, reason), PK_OK);
    pk_image_builder *builder = pk_image_builder_new(&base);
    CHECK_INT(text(builder, "stat"), base.entries[2].name);
    CHECK_INT(text(builder, ""), 0);
    CHECK_INT(pk_image_builder_blob(builder, "\1\2\3", 3), 1);
    CHECK_INT(pk_image_builder_blob(builder, "", 0), 0);
    pk_ref fresh = text(builder, "fresh");
    CHECK_INT(fresh, base.n_strings);
    CHECK_INT(text(builder, "fresh"), fresh);
    CHECK_INT(pk_image_builder_text(builder, "freshwater", 5), fresh);
    CHECK_INT(PK_ADD(builder, ENU, 2), 2);
    pk_image_builder_view(builder, &view);
    CHECK_INT(view.n_enums, 4);
    CHECK_TEXT(pk_image_text(&view, fresh), "fresh");
    CHECK_TEXT(pk_image_text(&view, view.enums[1].name), "cmd");
    pk_image_builder_free(builder);

    builder = pk_image_builder_new(&base);
    CHECK_INT(pk_image_builder_finish(builder, &again), PK_OK);
    CHECK_INT(again.len, buf.len);
    CHECK(memcmp(again.data, buf.data, buf.len) == 0);
    pk_image_builder_free(builder);
    pk_buf_free(&buf);
    pk_buf_free(&again);
}

static void test_thousands_of_texts_stay_distinct(void)
{
    pk_image_builder *builder = pk_image_builder_new(NULL);
    static pk_ref refs[20000];
    char name[32];
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(name, sizeof name, "name%d", i);
        refs[i] = text(builder, name);
    }
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(name, sizeof name, "name%d", i);
        if (text(builder, name) != refs[i])
            CHECK_INT(text(builder, name), refs[i]);
    }
    CHECK_TEXT((const char *)PK_AT(builder, STR, refs[12345]), "name12345");
    pk_image_builder_free(builder);
}

static void test_too_large_an_image_is_a_limit(void)
{
    pk_image_builder *builder = pk_image_builder_new(NULL);
    pk_buf out = {0};
    CHECK_INT(PK_ADD(builder, LAY, PK_IMAGE_SIZE_LIMIT / sizeof(pk_image_layer)), 0);
    CHECK_INT(PK_ADD(builder, ENU, 1), 0);
    PK_AT(builder, ENU, 0)->name = 7; /* lands in the dummy */
    CHECK_INT(PK_AT(builder, ENU, 0)->name, 0);
    CHECK_INT(pk_image_builder_finish(builder, &out), PK_ELIMIT);
    CHECK_INT(out.len, 0);
    pk_image_builder_free(builder);
}

static void refused(const void *blob, size_t len, int code, const char *reason_part)
{
    char reason[256] = "";
    pk_image image = {.n_layers = 77};
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, blob, len);
    CHECK_INT(pk_image_load(copy, len, &image, reason, sizeof reason), code);
    CHECK_INT(image.n_layers, 77);
    if (!strstr(reason, reason_part))
        CHECK_TEXT(reason, reason_part);
    free(copy);
}

static void test_damage_is_refused_with_its_reason(void)
{
    pk_buf buf = {0};
    sample(&buf, NULL);
    refused(buf.data, 0, PK_EFORMAT, "not an image");
    refused("#!/bin/sh\necho no image here", 28, PK_EFORMAT, "not an image");
    refused("\x89PKT\n\x1a\n", 7, PK_EFORMAT, "text-mode transfer");
    refused("\x09PKT\r\n\x1a\nxxxxxxxxx", 16, PK_EFORMAT, "text-mode transfer");
    refused("\x89PKT\r\r\n\x1a\r\nxxxxxx", 16, PK_EFORMAT, "text-mode transfer");
    refused(buf.data, 20, PK_EFORMAT, "hold no header");
    for (size_t len = 64; len < buf.len; len++)
        refused(buf.data, len, PK_EFORMAT, "image cut short");
    pk_buf_zeros(&buf, 8);
    refused(buf.data, buf.len, PK_EFORMAT, "8 bytes that do not belong");
    pk_buf_free(&buf);
}

static void test_every_flipped_bit_is_noticed(void)
{
    pk_buf buf = {0};
    pk_image image;
    char reason[256];
    sample(&buf, NULL);
    for (size_t bit = 0; bit < buf.len * 8; bit++) {
        buf.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        if (load(&buf, &image, reason) == PK_OK)
            CHECK_INT(bit, -1);
        buf.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    CHECK_INT(load(&buf, &image, reason), PK_OK);
    pk_buf_free(&buf);
}

static void test_a_newer_image_is_unsupported_rather_than_wrong(void)
{
    pk_buf buf = {0};
    sample(&buf, NULL);
    pk_image_header *header = (pk_image_header *)(void *)buf.data;
    pk_image_section *entries = (pk_image_section *)(void *)(buf.data + sizeof *header);
    header->version = 9;
    sealed(&buf);
    pk_image image;
    char reason[256];
    CHECK_INT(load(&buf, &image, reason), PK_OK); /* written by a newer one, readable by this one */
    header->min_reader = 2;
    refused(buf.data, buf.len, PK_EUNSUPPORTED, "needs a reader of version 2");
    header->min_reader = 1;
    uint32_t last = header->n_sections - 1;
    entries[last].id = 200;
    sealed(&buf);
    refused(buf.data, buf.len, PK_EUNSUPPORTED, "section 200 is required");
    entries[last].flags = 0;
    sealed(&buf);
    pk_buf_free(&buf);
}

static void test_a_wrong_section_table_is_refused(void)
{
    pk_buf buf = {0};
    sample(&buf, NULL);
    pk_image_header *header = (pk_image_header *)(void *)buf.data;
    pk_image_section *entries = (pk_image_section *)(void *)(buf.data + sizeof *header);
    const struct {
        pk_image_section change;
        const char *reason;
    } cases[] = {
        {{.off = 4}, "not a multiple of 8"},
        {{.off = 0xfffffffffffffff8}, "overlaps"},
        {{.len = 1}, "not a whole number of records"},
        {{.len = 0x7ffffffffffffff0}, "overlaps"},
        {{.record = 1}, "records of 9 bytes, expected 8"},
        {{.id = 0xfffffffe}, "section 4294967295 is required"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pk_image_section saved = entries[2];
        CHECK_INT(saved.id, 2 /* BLB */);
        if (cases[i].change.id)
            entries[2].id = UINT32_MAX;
        entries[2].off += cases[i].change.off;
        entries[2].len += cases[i].change.len;
        entries[2].record += cases[i].change.record;
        sealed(&buf);
        refused(buf.data, buf.len, cases[i].change.id ? PK_EUNSUPPORTED : PK_EFORMAT,
                cases[i].reason);
        entries[2] = saved;
    }
    entries[2].id = 1;
    sealed(&buf);
    refused(buf.data, buf.len, PK_EFORMAT, "entry 2 is out of order");
    header->n_sections = 0x10000000;
    sealed(&buf);
    refused(buf.data, buf.len, PK_EFORMAT, "number of sections");
    pk_buf_free(&buf);
}

static void test_lookups_find_members_keys_and_aliases(void)
{
    pk_image_builder *builder = pk_image_builder_new(NULL);
    pk_ref layer = PK_ADD(builder, LAY, 2);
    PK_AT(builder, LAY, layer)->name = text(builder, "one");
    PK_AT(builder, LAY, layer + 1)->name = text(builder, "two");
    pk_ref members = PK_ADD(builder, MEM, 5);
    pk_ref names[5];
    for (uint32_t i = 0; i < 5; i++) {
        static const char *const spelled[] = {"a", "b", "c", "d", "e"};
        names[i] = text(builder, spelled[i]);
        PK_AT(builder, MEM, members + i)->name = names[i];
        PK_AT(builder, MEM, members + i)->ref = i;
    }
    PK_AT(builder, LAY, layer)->members = members;
    PK_AT(builder, LAY, layer)->n_members = 5;
    pk_ref keys = PK_ADD(builder, KEY, 3);
    *PK_AT(builder, KEY, keys) = (pk_image_key){1, 1, layer, 0};
    *PK_AT(builder, KEY, keys + 1) = (pk_image_key){10, 20, layer + 1, 0};
    *PK_AT(builder, KEY, keys + 2) = (pk_image_key){1ULL << 63, UINT64_MAX, layer, 0};
    pk_ref table = PK_ADD(builder, TAB, 1);
    PK_AT(builder, TAB, table)->keys = keys;
    PK_AT(builder, TAB, table)->n_keys = 3;
    pk_ref alias = PK_ADD(builder, ALI, 1);
    *PK_AT(builder, ALI, alias) =
        (pk_image_alias){.name = text(builder, "Deux"), .layer = layer + 1};
    pk_image image;
    pk_image_builder_view(builder, &image);
    for (uint32_t i = 0; i < 5; i++)
        CHECK_INT(pk_image_member_find(&image, layer, names[i])->ref, i);
    CHECK(!pk_image_member_find(&image, layer, image.layers[layer].name));
    CHECK(!pk_image_member_find(&image, layer + 1, names[0]));
    CHECK_INT(pk_image_layer_find(&image, "two"), layer + 1);
    CHECK_INT(pk_image_layer_find(&image, "Deux"), layer + 1);
    CHECK_INT(pk_image_layer_find(&image, "deux"), 0);
    CHECK_INT(pk_image_table_find(&image, table, 0), 0);
    CHECK_INT(pk_image_table_find(&image, table, 1), layer);
    CHECK_INT(pk_image_table_find(&image, table, 9), 0);
    CHECK_INT(pk_image_table_find(&image, table, 20), layer + 1);
    CHECK_INT(pk_image_table_find(&image, table, 21), 0);
    CHECK_INT(pk_image_table_find(&image, table, UINT64_MAX), layer);
    pk_image_builder_free(builder);
}

int main(void)
{
    test_a_finished_image_loads_with_what_was_put_in();
    test_same_records_give_same_bytes();
    test_a_builder_starts_from_its_base_and_interns_its_texts();
    test_thousands_of_texts_stay_distinct();
    test_too_large_an_image_is_a_limit();
    test_damage_is_refused_with_its_reason();
    test_every_flipped_bit_is_noticed();
    test_a_newer_image_is_unsupported_rather_than_wrong();
    test_a_wrong_section_table_is_refused();
    test_lookups_find_members_keys_and_aliases();
    return check_result();
}
