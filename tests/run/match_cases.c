/* Judges pairs of packets: reads lines `FIRST-LAYER SENT-HEX FIRST-LAYER RECEIVED-HEX`, prints for
 * each `answer`, `quote`, `none` or `other`, as the matcher has it, and behind it how near the two
 * came. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "standard.h"
#include "vm/match.h"

enum { BYTES = 65536 };

static const pk_tree *rebuild(void *context, uint32_t number)
{
    (void)number;
    return context;
}

static bool answered(void *context, uint32_t number)
{
    (void)context;
    (void)number;
    return false;
}

static uint32_t from_hex(const char *text, uint8_t *out)
{
    uint32_t len = 0;
    for (; text[0] && text[1] && len < BYTES; text += 2) {
        const char digits[3] = {text[0], text[1], 0};
        char *end;
        unsigned long byte = strtoul(digits, &end, 16);
        if (end != digits + 2)
            break;
        out[len++] = (uint8_t)byte;
    }
    return len;
}

typedef struct judge {
    pk_image image;
    pk_vm *vm;
    pk_tree sent, received;
} judge;

static bool dissect(judge *j, const char *layer, const char *hex, uint8_t *bytes, pk_tree *tree)
{
    pk_ref first = pk_image_layer_find(&j->image, layer);
    uint32_t len = from_hex(hex, bytes);
    return first && pk_vm_dissect(j->vm, first, bytes, len, len, tree) == PK_OK;
}

static void judge_pair(judge *j)
{
    static const char *const words[] = {"other", "none", "answer", "quote"};
    pk_match *match = pk_match_new(j->vm, &j->image);
    pk_match_source source = {rebuild, answered, &j->sent};
    pk_match_result result = {0};
    pk_buf why = {0};
    if (!match || pk_match_add(match, 0, &j->sent))
        exit(9);
    pk_match_find(match, &j->received, &source, &result);
    int near = pk_match_compare(match, &j->received, &j->sent, &why);
    printf("%s %d %s\n", words[result.kind], near, pk_buf_cstr(&why));
    pk_buf_free(&why);
    pk_match_free(match);
}

int main(void)
{
    static char line[4 * BYTES], sent_layer[64], sent[2 * BYTES], layer[64], received[2 * BYTES];
    static uint8_t sent_bytes[BYTES], bytes[BYTES];
    judge j = {0};
    char why[256];
    if (pk_image_load(pk_standard_image, pk_standard_image_size, &j.image, why, sizeof why))
        return 9;
    j.vm = pk_vm_new(&j.image, NULL);
    pk_tree_init(&j.sent, &j.image);
    pk_tree_init(&j.received, &j.image);
    while (j.vm && fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "%63s %131071s %63s %131071s", sent_layer, sent, layer, received) != 4 ||
            !dissect(&j, sent_layer, sent, sent_bytes, &j.sent) ||
            !dissect(&j, layer, received, bytes, &j.received))
            printf("bad\n");
        else
            judge_pair(&j);
    }
    pk_tree_free(&j.sent);
    pk_tree_free(&j.received);
    pk_vm_free(j.vm);
    return 0;
}
