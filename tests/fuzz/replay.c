/*
 * Feeds a fuzz target without a fuzzer:
 *
 *   replay [--damage N] PATH...
 *
 * Each file (folders are walked) is run as it is, and N damaged copies of it: cut short, bytes
 * changed, pieces repeated, dropped or moved in from the file before. The damage depends on the
 * file's content and the number of the copy alone.
 */
#include "fuzz.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_LIMIT = 64 * 1024 };

typedef struct text {
    uint8_t bytes[2 * SIZE_LIMIT];
    size_t len;
} text;

static text current, before, damaged;
static unsigned damage_count;
static unsigned long runs;

static uint64_t next_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t pick(uint64_t *state, size_t below)
{
    return below ? (size_t)(next_random(state) % below) : 0;
}

static void insert(text *into, size_t at, const uint8_t *bytes, size_t len)
{
    if (into->len + len > SIZE_LIMIT)
        return;
    memmove(into->bytes + at + len, into->bytes + at, into->len - at);
    memmove(into->bytes + at, bytes, len);
    into->len += len;
}

static void drop(text *from, size_t at, size_t len)
{
    memmove(from->bytes + at, from->bytes + at + len, from->len - at - len);
    from->len -= len;
}

/* One small injury. */
static void injure(text *victim, uint64_t *state)
{
    static const char marks[] = "(){}[],;:.=<>+-*/%&|^~?@#\"'\\\n\r\t \0\x80\xff";
    size_t at = pick(state, victim->len);
    size_t piece = pick(state, victim->len - at < 40 ? victim->len - at : 40);
    uint8_t copy[40];
    switch (pick(state, 6)) {
    case 0:
        victim->len = at;
        break;
    case 1:
        if (victim->len)
            victim->bytes[at] = (uint8_t)next_random(state);
        break;
    case 2:
        insert(victim, at, (const uint8_t *)&marks[pick(state, sizeof marks - 1)], 1);
        break;
    case 3:
        drop(victim, at, piece);
        break;
    case 4:
        memcpy(copy, victim->bytes + at, piece);
        insert(victim, pick(state, victim->len), copy, piece);
        break;
    default:
        at = pick(state, before.len);
        piece = pick(state, before.len - at < 40 ? before.len - at : 40);
        insert(victim, pick(state, victim->len), before.bytes + at, piece);
        break;
    }
}

static void run(const text *input)
{
    /* An exact copy, so that a read past the end is seen. */
    uint8_t *bytes = malloc(input->len ? input->len : 1);
    if (!bytes)
        abort();
    memcpy(bytes, input->bytes, input->len);
    (void)LLVMFuzzerTestOneInput(bytes, input->len);
    free(bytes);
    runs++;
}

static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    current.len = fread(current.bytes, 1, SIZE_LIMIT, file);
    (void)fclose(file);
    run(&current);
    uint64_t state = current.len;
    for (size_t i = 0; i < current.len; i++)
        state = state * 31 + current.bytes[i];
    for (unsigned i = 0; i < damage_count; i++) {
        damaged = current;
        for (size_t injuries = 1 + pick(&state, 4); injuries; injuries--)
            injure(&damaged, &state);
        run(&damaged);
    }
    before = current;
    return 0;
}

static int visit(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
    (void)st;
    (void)walk;
    return kind == FTW_F ? replay(path) : 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--damage") && i + 1 < argc)
            damage_count = (unsigned)strtoul(argv[++i], NULL, 10);
        else if (nftw(argv[i], visit, 16, FTW_PHYS))
            return 1;
    }
    printf("%lu runs\n", runs);
    return runs ? 0 : 1;
}
