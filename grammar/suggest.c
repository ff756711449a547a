#include "diag.h"

#include <string.h>

enum { WORD_LIMIT = 63 };

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

enum { SWAP = 2, EDIT = 3 }; /* what they cost: a swap is the likelier slip */

/* Optimal string alignment: insertions, deletions, replacements and swaps of neighbours; the case of
 * letters costs nothing. Both words have at most WORD_LIMIT characters. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned rows[3][WORD_LIMIT + 1];
    for (unsigned j = 0; j <= b_len; j++)
        rows[0][j] = EDIT * j;
    for (unsigned i = 1; i <= a_len; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3];
        const unsigned *higher = rows[(i + 1) % 3];
        row[0] = EDIT * i;
        for (unsigned j = 1; j <= b_len; j++) {
            unsigned change = lower(a[i - 1]) != lower(b[j - 1]) ? EDIT : 0;
            row[j] = least(least(above[j], row[j - 1]) + EDIT, above[j - 1] + change);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                row[j] = least(row[j], higher[j - 2] + SWAP);
        }
    }
    return rows[a_len % 3][b_len];
}

void pk_suggest_begin(pk_suggest *suggest, const char *word)
{
    *suggest = (pk_suggest){.word = word, .distance = EDIT * (unsigned)(strlen(word) / 3) + 1};
}

void pk_suggest_offer(pk_suggest *suggest, const char *candidate)
{
    size_t len = strlen(suggest->word);
    size_t other = strlen(candidate);
    if (len > WORD_LIMIT || other > WORD_LIMIT || !strcmp(suggest->word, candidate))
        return;
    unsigned found = distance(suggest->word, len, candidate, other);
    if (found < suggest->distance) {
        suggest->best = candidate;
        suggest->distance = found;
    }
}
