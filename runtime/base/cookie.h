/*
 * Cookies: a word in each packet by which its answer is known, with nothing stored.
 *
 * A stateless run lays a word of `bits` bits into fields that answers echo. The word of packet n is
 * a function of n and the seed alone. Where it has room for the number of a packet and 16 bits
 * more, it is the encrypted number: a keyed permutation of all words of that width (permute.h), so
 * that the word of an answer gives the number back, and a word made up by somebody else decrypts to
 * a number of the set once in 65536 times at most. Where it has not, the word is the beginning of a
 * keyed random number (rng.h): it cannot be turned back, and proves a number that was found
 * otherwise.
 *
 * Either way an answer is believed only when the packet of that number, made again, is one that it
 * answers, word included. The seed is the key: whoever knows it can forge answers.
 */
#ifndef PK_BASE_COOKIE_H
#define PK_BASE_COOKIE_H

#include "base/permute.h"

enum {
    PK_COOKIE_BITS = 64,  /* of a word at most */
    PK_COOKIE_LEAST = 12, /* below, a word proves too little */
    PK_COOKIE_PROOF = 16  /* bits that a word has beyond the number's */
};

/* A number of random words (rng.h) that is none: with the word's bits in the low byte it stands for
 * the cookie. */
#define PK_COOKIE_STREAM UINT32_C(0x80000000)
static inline bool pk_cookies_stream(uint64_t stream)
{
    return stream >> 8 == PK_COOKIE_STREAM >> 8;
}

typedef struct pk_cookies {
    pk_u128 total; /* packets of the set */
    uint64_t seed;
    pk_permute permutes[PK_COOKIE_BITS + 1]; /* by bits; index 0 is not used */
} pk_cookies;

/* `total` must not be 0. */
void pk_cookies_init(pk_cookies *ret_cookies, pk_u128 total, uint64_t seed);

/* Is a word of `bits` (1 to 64) an encrypted number? */
bool pk_cookies_tell(const pk_cookies *cookies, unsigned bits);

/* The word of packet `index`; the set starts over behind its end. */
uint64_t pk_cookies_word(const pk_cookies *cookies, unsigned bits, pk_u128 index);

/* The same for a stream of random words that stands for a cookie; 0 without cookies, or for a width
 * that no word has. */
uint64_t pk_cookies_random(const pk_cookies *cookies, uint64_t stream, pk_u128 index);

/* The packet that has this word; false when there is none, or pk_cookies_tell is. */
bool pk_cookies_index(const pk_cookies *cookies, unsigned bits, uint64_t word, pk_u128 *ret_index);

#endif
