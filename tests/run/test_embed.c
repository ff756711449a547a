#include "../base/check.h"

#include <elf.h>
#include <stdlib.h>

#include "stub/embed.h"

static pk_buf stub;
static pk_error error;
static const uint8_t image[70000] = {'i', 'm', 'a', 'g', 'e', [69999] = 'z'};

static bool read_stub(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t part[4096];
    size_t got = 0;
    while (file && (got = fread(part, 1, sizeof part, file)) > 0)
        pk_buf_add(&stub, part, got);
    if (file)
        fclose(file);
    return stub.len > 0;
}

static pk_bytes bytes_of(const pk_buf *buf)
{
    return (pk_bytes){buf->data, buf->len};
}

static void the_image_is_found_where_it_was_put(void)
{
    pk_buf program = {0};
    pk_bytes found = {0};
    CHECK_INT(pk_embed(bytes_of(&stub), (pk_bytes){image, sizeof image}, &program, &error), PK_OK);
    CHECK_INT(pk_embed_find(bytes_of(&program), &found, &error), PK_OK);
    CHECK_INT(found.len, sizeof image);
    CHECK(found.len == sizeof image && memcmp(found.data, image, sizeof image) == 0);
    CHECK_INT((found.data - program.data) % 4096, 0);
    CHECK(memcmp(program.data, stub.data, 16) == 0);
    pk_buf_free(&program);
}

/* A probe can be given another image. */
static void a_probe_is_a_stub_itself(void)
{
    pk_buf first = {0}, second = {0};
    pk_bytes found = {0};
    CHECK_INT(pk_embed(bytes_of(&stub), (pk_bytes){image, sizeof image}, &first, &error), PK_OK);
    CHECK_INT(pk_embed(bytes_of(&first), (pk_bytes){image, 5}, &second, &error), PK_OK);
    CHECK_INT(pk_embed_find(bytes_of(&second), &found, &error), PK_OK);
    CHECK_INT(found.len, 5);
    pk_buf_free(&first);
    pk_buf_free(&second);
}

static void what_is_no_stub_is_refused(void)
{
    pk_buf out = {0};
    pk_bytes found = {0};
    pk_bytes text = {(const uint8_t *)"#!/bin/sh\n", 10};
    CHECK_INT(pk_embed(text, (pk_bytes){image, 4}, &out, &error), PK_EFORMAT);
    CHECK(strstr(error.text, "ELF") != NULL);
    CHECK_INT(pk_embed_find(text, &found, &error), PK_EFORMAT);
    CHECK_INT(out.len, 0);
    pk_buf_free(&out);
}

/* Cut anywhere, or with any of its headers' bytes turned: an error or a program, never a wild read
 * (the sanitizers watch). */
static void damaged_stubs_are_refused_or_harmless(void)
{
    unsigned refused = 0;
    for (size_t len = 0; len < stub.len; len += stub.len / 97 + 1) {
        uint8_t *cut = malloc(len + 1);
        pk_buf out = {0};
        memcpy(cut, stub.data, len);
        refused += pk_embed((pk_bytes){cut, len}, (pk_bytes){image, 64}, &out, &error) != PK_OK;
        pk_buf_free(&out);
        free(cut);
    }
    CHECK_INT(refused, 97);
    const Elf64_Ehdr *head = (const Elf64_Ehdr *)(const void *)stub.data;
    size_t spots[] = {32, 40, 56, 60, 62, head->e_phoff + 8, head->e_shoff + 24};
    for (size_t i = 0; i < sizeof spots / sizeof spots[0]; i++)
        for (unsigned bit = 0; bit < 64; bit++) {
            size_t at = spots[i] + bit / 8;
            pk_buf out = {0};
            pk_bytes found;
            stub.data[at] ^= (uint8_t)(1u << bit % 8);
            if (pk_embed(bytes_of(&stub), (pk_bytes){image, 64}, &out, &error) == PK_OK)
                CHECK_INT(pk_embed_find(bytes_of(&out), &found, &error), PK_OK);
            stub.data[at] ^= (uint8_t)(1u << bit % 8);
            pk_buf_free(&out);
        }
}

int main(int argc, char **argv)
{
    if (argc < 2 || !read_stub(argv[1]))
        return 99;
    the_image_is_found_where_it_was_put();
    a_probe_is_a_stub_itself();
    what_is_no_stub_is_refused();
    damaged_stubs_are_refused_or_harmless();
    pk_buf_free(&stub);
    return check_result();
}
