/*
 * Writes trees of random shape over random bytes, for check_trees.py to hold against the schema:
 * for each a line of JSON, a line of spans and a line of each of the forms for people, the latter
 * as JSON strings in one array. Usage: emit_trees COUNT SEED
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "world.h"

enum { BYTES = 400, DEPTH = 24 };

static uint32_t state;

static uint32_t random_below(uint32_t n)
{
    state = state * 1664525 + 1013904223;
    return n ? (state >> 8) % n : 0;
}

static uint32_t bits_left(const world *w)
{
    return w->tree.len * 8 - w->at;
}

static uint32_t some_bits(const world *w)
{
    uint32_t n = random_below(4) ? 8 * random_below(20) : random_below(100);

    return n < bits_left(w) ? n : bits_left(w);
}

/* A layer or struct, if its fixed fields fit. */
static bool try_open(world *w, const char *name, uint32_t bits, uint8_t flags, const char *field)
{
    if (bits > bits_left(w) || w->depth >= DEPTH)
        return false;
    W_open(w, name, flags, field);
    return true;
}

static void options(world *w)
{
    W_list(w, "options");
    for (uint32_t n = random_below(5); n--;) {
        if (!try_open(w, "opt", 8, PK_REC_FIELD_OF, NULL))
            break;
        if (random_below(2) && bits_left(w) >= 8)
            W_field(w, "length", 0);
        switch (random_below(5)) {
        case 0:
            if (try_open(w, "nop", 0, PK_REC_PAYLOAD, NULL))
                W_end(w);
            break;
        case 1:
            if (try_open(w, "size", 16, PK_REC_PAYLOAD, NULL))
                W_end(w);
            break;
        case 2:
            if (!try_open(w, "words", 0, PK_REC_PAYLOAD, NULL))
                break;
            W_list(w, "words");
            for (uint32_t k = random_below(40); k-- && bits_left(w) >= 16;)
                W_field(w, "words", 0);
            W_end(w);
            W_end(w);
            break;
        case 3:
            W_leaf(w, PK_REC_CUT, NULL, some_bits(w), 0);
            break;
        default:
            W_leaf(w, PK_REC_RAW, NULL, some_bits(w), PK_REC_PAYLOAD);
            break;
        }
        W_end(w);
    }
    W_end(w);
}

static void odd(world *w)
{
    if (bits_left(w) >= 16)
        W_field(w, "var", 8 + 8 * random_below(2));
    if (try_open(w, "nm", 0, PK_REC_FIELD_OF, "name")) {
        uint32_t n = some_bits(w);

        if (n)
            W_field(w, "data", n);
        W_end(w);
    }
    if (try_open(w, "vlen", 8, PK_REC_FIELD_OF, "n"))
        W_end(w);
    if (bits_left(w) >= 24)
        W_field(w, "text", 24);
    if (bits_left(w) >= 32)
        W_field(w, "key", 0);
    if (random_below(3) == 0)
        W_leaf(w, PK_REC_CUT, "options", some_bits(w), 0);
    W_list(w, "codes");
    for (uint32_t k = random_below(30); k-- && bits_left(w) >= 8;)
        W_field(w, "codes", 0);
    W_end(w);
}

/* What a layer has before its payload. */
static void head(world *w, uint32_t kind)
{
    if (kind == 0) {
        options(w);
        if (random_below(2))
            W_leaf(w, PK_REC_REST, "options", some_bits(w), 0);
    } else if (kind == 2) {
        odd(w);
    }
}

/* A stack of layers, then the way back down with what stands behind the payloads. */
static void packet(world *w, const uint8_t *bytes, uint32_t len)
{
    static const char *const names[] = {"hop", "talk", "odd"};
    static const uint32_t fixed[] = {112, 48, 136};

    W_begin(w, bytes, len, len + random_below(3));
    for (uint32_t n = 1 + random_below(DEPTH); n--;) {
        uint32_t kind = random_below(3);

        if (!try_open(w, names[kind], fixed[kind], w->depth ? PK_REC_PAYLOAD : 0, NULL))
            break;
        head(w, kind);
    }
    if (w->depth && random_below(2))
        W_leaf(w, PK_REC_RAW, NULL, some_bits(w),
               (uint8_t)(PK_REC_PAYLOAD | (random_below(9) ? 0 : PK_REC_STOP)));
    while (w->depth) {
        if (!random_below(4))
            W_leaf(w, random_below(2) ? PK_REC_REST : PK_REC_CUT, NULL, some_bits(w), 0);
        if (!random_below(6) && try_open(w, "talk", 48, PK_REC_PAYLOAD, NULL))
            W_end(w);
        W_end(w);
    }
    if (bits_left(w))
        W_leaf(w, PK_REC_REST, NULL, bits_left(w), 0);
}

static void put_form(pk_buf *out, pk_buf *text)
{
    pk_buf_byte(out, out->data[out->len - 1] == '[' ? ' ' : ',');
    pk_escape_json(out, text->data, text->len);
    pk_buf_clear(text);
}

/* A cache makes writing faster and changes nothing. */
static bool same_with_a_cache(const pk_tree *tree, const pk_writer_packet *at)
{
    pk_writer how = {.cache = pk_writer_cache_new(tree->image)};
    pk_buf plain = {0}, cached = {0};
    bool same = how.cache != NULL;

    pk_write_json(&plain, tree, NULL, at);
    for (unsigned i = 0; i < 2; i++) {
        pk_buf_clear(&cached);
        pk_write_json(&cached, tree, &how, at);
        same = same && strcmp(pk_buf_cstr(&cached), pk_buf_cstr(&plain)) == 0;
    }
    pk_writer_cache_free(how.cache);
    pk_buf_free(&plain);
    pk_buf_free(&cached);
    return same;
}

static void write_all(world *w, const pk_writer_packet *at)
{
    pk_buf out = {0}, text = {0};
    pk_writer verbose = {.verbosity = 2, .flags = PK_WRITER_MARKS};

    if (!same_with_a_cache(&w->tree, at)) {
        fprintf(stderr, "packet %llu differs with a cache\n", (unsigned long long)at->number);
        exit(1);
    }
    pk_write_json(&out, &w->tree, at->number % 2 ? NULL : &verbose, at);
    pk_write_spans(&out, &w->tree, NULL, at);
    pk_buf_byte(&out, '[');
    pk_write_tree(&text, &w->tree, NULL, at);
    put_form(&out, &text);
    pk_write_tree(&text, &w->tree, &verbose, at);
    put_form(&out, &text);
    pk_write_line(&text, &w->tree, NULL);
    put_form(&out, &text);
    pk_write_source(&text, &w->tree, NULL);
    put_form(&out, &text);
    pk_write_hex(&text, (pk_bytes){w->tree.bytes, w->tree.len}, 2);
    put_form(&out, &text);
    pk_buf_text(&out, "]\n");
    fwrite(out.data, 1, out.len, stdout);
    pk_buf_free(&out);
    pk_buf_free(&text);
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    world w;

    state = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1;
    world_open(&w);
    for (uint64_t i = 1; i <= count; i++) {
        pk_writer_packet at = {.number = i,
                               .has_time = i % 3 == 0,
                               .seconds = -1 - (int64_t)i,
                               .nanoseconds = (uint32_t)i};
        uint8_t *bytes;
        uint32_t len = random_below(BYTES);

        bytes = malloc(len + 1);
        if (!bytes)
            return 1;
        for (uint32_t k = 0; k < len; k++)
            bytes[k] = (uint8_t)(random_below(3) ? random_below(256) : 'a' + random_below(26));
        packet(&w, bytes, len);
        write_all(&w, &at);
        free(bytes);
    }
    world_close(&w);
    return 0;
}
