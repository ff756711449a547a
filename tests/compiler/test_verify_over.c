/*
 * What was made over the standard layers is checked where it differs from them, with the same verdict
 * as if all of it were: of images as compiled, and of images with damage in what is new, in what is
 * old, and in both.
 */
#include <stdlib.h>
#include <string.h>

#include "../base/check.h"
#include "base/rng.h"
#include "compile.h"
#include "image/format.h"
#include "standard.h"

enum { ROUNDS = 400 };

static bool compile(const pk_image *standard, const char *source, pk_buf *image)
{
    pk_sources *sources = pk_sources_new();
    pk_diags *diags = pk_diags_new(sources);
    const pk_compile_options options = {.standard = standard};
    pk_span text;
    bool good = pk_sources_add(sources, "-e", source, strlen(source), &text) == 0 &&
                pk_compile(&options, sources, &text, 1, diags, image) == PK_OK;
    pk_diags_free(diags);
    pk_sources_free(sources);
    return good;
}

static int verdict(const pk_buf *bytes, const pk_image *over, bool *ret_attached)
{
    pk_image image;
    char why[256];
    *ret_attached = pk_image_attach(bytes->data, bytes->len, &image, why, sizeof why) == PK_OK;
    if (!*ret_attached)
        return PK_EFORMAT;
    return over ? pk_image_verify_over(&image, over, why, sizeof why)
                : pk_image_verify(&image, why, sizeof why);
}

/* A place in the records of some section that the base does not have; 0 where there are none. */
static size_t new_place(const pk_buf *bytes, const pk_image *base, uint64_t seed, uint64_t round)
{
    pk_image image;
    char why[256];
    uint32_t have, old;
    if (pk_image_attach(bytes->data, bytes->len, &image, why, sizeof why))
        return 0;
    pk_section section = (pk_section)pk_rng_below(seed, round, 3, PK_SEC_COUNT_OF);
    const uint8_t *data = pk_image_section_data(&image, section, &have);
    (void)pk_image_section_data(base, section, &old);
    size_t record = pk_image_record_size(section);
    if (have <= old)
        return 0;
    size_t at = old * record + (size_t)pk_rng_below(seed, round, 4, (have - old) * record);
    return (size_t)(data - bytes->data) + at;
}

static void damage(pk_buf *bytes, const pk_image *base, uint64_t seed, uint64_t round)
{
    for (uint64_t i = 0; i <= round % 2; i++) {
        size_t at = (size_t)pk_rng_below(seed, round, 8 * i + 1, bytes->len);
        size_t within = new_place(bytes, base, seed + i, round);
        uint64_t how = pk_rng_u64(seed, round, 8 * i + 2);
        uint8_t *byte = &bytes->data[how % 4 && within ? within : at];
        *byte = how & 16 ? (uint8_t)(*byte + how % 3 - 1) : (uint8_t)(how >> 8);
    }
}

static void hold(const pk_image *standard, const char *source)
{
    pk_buf image = {0}, copy = {0};
    bool attached;
    unsigned refused = 0;
    CHECK(compile(standard, source, &image));
    CHECK_INT(verdict(&image, standard, &attached), PK_OK);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        pk_buf_clear(&copy);
        pk_buf_add(&copy, image.data, image.len);
        damage(&copy, standard, 42, round);
        int all = verdict(&copy, NULL, &attached), over = verdict(&copy, standard, &attached);
        refused += attached && all != PK_OK;
        CHECK_INT(over, all);
    }
    CHECK(refused > ROUNDS / 20);
    pk_buf_free(&image);
    pk_buf_free(&copy);
}

int main(void)
{
    pk_image standard;
    char why[256];
    if (pk_image_load(pk_standard_image, pk_standard_image_size, &standard, why, sizeof why))
        return 99;
    hold(&standard, "ip(dst=10.0.0.0/30)/tcp(dport=[80, 443], flags=S)/\"x\"");
    hold(&standard,
         "layer mine on udp(dport=9) { kind: u8 = 1; size: u8 = size(payload); payload }\n"
         "ip(dst=10.0.0.1)/udp()/mine()/\"y\"");
    return check_result();
}
