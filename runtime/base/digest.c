#include "base/digest.h"

#include <string.h>

/* All three work on blocks of 64 bytes and end with a 1 bit, zeros, and the length in bits in the
 * last eight bytes. What differs is the step over a block, and the order of bytes in words. */
enum { BLOCK = 64, WORDS = 8 };

typedef struct digest_kind {
    void (*step)(uint32_t state[WORDS], const uint8_t block[BLOCK]);
    uint32_t start[WORDS];
    uint8_t words;
    bool big_endian;
} digest_kind;

static uint32_t left(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static uint32_t right(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static uint32_t load_little(const uint8_t *at)
{
    return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static uint32_t load_big(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* ---- MD5: RFC 1321 section 3.4 ---- */

static void md5_step(uint32_t state[WORDS], const uint8_t block[BLOCK])
{
    /* floor(2^32 abs(sin(i + 1))) */
    static const uint32_t table[64] = {
        0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613,
        0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193,
        0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d,
        0x02441453, 0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed,
        0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122,
        0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa,
        0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244,
        0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
        0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb,
        0xeb86d391};
    static const uint8_t turns[4][4] = {
        {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    for (unsigned i = 0; i < 64; i++) {
        uint32_t f = 0;
        unsigned k = i;
        switch (i / 16) {
        case 0:
            f = (b & c) | (~b & d);
            break;
        case 1:
            f = (d & b) | (~d & c);
            k = 5 * i + 1;
            break;
        case 2:
            f = b ^ c ^ d;
            k = 3 * i + 5;
            break;
        default:
            f = c ^ (b | ~d);
            k = 7 * i;
            break;
        }
        uint32_t sum = a + f + table[i] + load_little(block + k % 16 * 4);
        a = d;
        d = c;
        c = b;
        b += left(sum, turns[i / 16][i % 4]);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

/* ---- SHA-1: RFC 3174 section 6.1 ---- */

static void sha1_step(uint32_t state[WORDS], const uint8_t block[BLOCK])
{
    uint32_t w[80];
    for (unsigned i = 0; i < 16; i++)
        w[i] = load_big(block + i * 4);
    for (unsigned i = 16; i < 80; i++)
        w[i] = left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (unsigned i = 0; i < 80; i++) {
        static const uint32_t constants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
        uint32_t f = i < 20              ? (b & c) | (~b & d)
                     : i >= 40 && i < 60 ? (b & c) | (b & d) | (c & d)
                                         : b ^ c ^ d;
        uint32_t next = left(a, 5) + f + e + w[i] + constants[i / 20];
        e = d;
        d = c;
        c = left(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

/* ---- SHA-256: RFC 6234 section 6.2 ---- */

static void sha256_step(uint32_t state[WORDS], const uint8_t block[BLOCK])
{
    /* the first 32 bits of the fractional parts of the cube roots of the first 64 primes */
    static const uint32_t table[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
        0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
        0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
        0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
        0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
        0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
        0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
        0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
        0xc67178f2};
    uint32_t w[64], s[WORDS];
    for (unsigned i = 0; i < 16; i++)
        w[i] = load_big(block + i * 4);
    for (unsigned i = 16; i < 64; i++) {
        uint32_t x = w[i - 15], y = w[i - 2];
        w[i] = (right(y, 17) ^ right(y, 19) ^ y >> 10) + w[i - 7] +
               (right(x, 7) ^ right(x, 18) ^ x >> 3) + w[i - 16];
    }
    memcpy(s, state, sizeof s);
    for (unsigned i = 0; i < 64; i++) {
        uint32_t a = s[0], e = s[4];
        uint32_t choice = (e & s[5]) ^ (~e & s[6]);
        uint32_t majority = (a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]);
        uint32_t one =
            s[7] + (right(e, 6) ^ right(e, 11) ^ right(e, 25)) + choice + table[i] + w[i];
        uint32_t two = (right(a, 2) ^ right(a, 13) ^ right(a, 22)) + majority;
        memmove(s + 1, s, (WORDS - 1) * sizeof *s);
        s[4] += one;
        s[0] = one + two;
    }
    for (unsigned i = 0; i < WORDS; i++)
        state[i] += s[i];
}

static const digest_kind kinds[] = {
    [PK_DIGEST_MD5] = {md5_step, {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}, 4, false},
    [PK_DIGEST_SHA1] = {sha1_step,
                        {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0},
                        5,
                        true},
    [PK_DIGEST_SHA256] = {sha256_step,
                          {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                           0x1f83d9ab, 0x5be0cd19},
                          8,
                          true}};

/* ---- over bytes ---- */

typedef struct running {
    const digest_kind *kind;
    uint32_t state[WORDS];
    uint8_t block[BLOCK];
    uint64_t length; /* bytes so far */
} running;

static void take(running *r, const uint8_t *bytes, size_t len)
{
    while (len) {
        size_t used = r->length % BLOCK, n = BLOCK - used < len ? BLOCK - used : len;
        memcpy(r->block + used, bytes, n);
        r->length += n;
        bytes += n;
        len -= n;
        if (r->length % BLOCK == 0)
            r->kind->step(r->state, r->block);
    }
}

static uint32_t finish(running *r, uint8_t *ret_digest)
{
    static const uint8_t padding[BLOCK] = {0x80};
    bool big = r->kind->big_endian;
    uint64_t bits = r->length * 8;
    uint8_t length[8];
    for (unsigned i = 0; i < 8; i++)
        length[i] = (uint8_t)(bits >> 8 * (big ? 7 - i : i));
    take(r, padding, 1 + (BLOCK - 1 + BLOCK - 8 - r->length % BLOCK) % BLOCK);
    take(r, length, sizeof length);
    for (unsigned i = 0; i < r->kind->words * 4u; i++)
        ret_digest[i] = (uint8_t)(r->state[i / 4] >> 8 * (big ? 3 - i % 4 : i % 4));
    return r->kind->words * 4u;
}

uint32_t pk_digest_of(pk_digest digest, pk_bytes first, pk_bytes second,
                      uint8_t ret_digest[PK_DIGEST_MAX])
{
    running r = {.kind = &kinds[digest]};
    memcpy(r.state, r.kind->start, sizeof r.state);
    take(&r, first.data, first.len);
    take(&r, second.data, second.len);
    return finish(&r, ret_digest);
}

uint32_t pk_digest_hmac(pk_digest digest, pk_bytes key, pk_bytes text,
                        uint8_t ret_digest[PK_DIGEST_MAX])
{
    static const pk_bytes none = {(const uint8_t *)"", 0};
    uint8_t inner[BLOCK] = {0}, outer[BLOCK], middle[PK_DIGEST_MAX];
    if (key.len > BLOCK)
        (void)pk_digest_of(digest, key, none, inner);
    else if (key.len)
        memcpy(inner, key.data, key.len);
    for (unsigned i = 0; i < BLOCK; i++) {
        outer[i] = inner[i] ^ 0x5c;
        inner[i] ^= 0x36;
    }
    uint32_t len = pk_digest_of(digest, (pk_bytes){inner, BLOCK}, text, middle);
    return pk_digest_of(digest, (pk_bytes){outer, BLOCK}, (pk_bytes){middle, len}, ret_digest);
}

/* ---- SipHash ---- */

static uint64_t left64(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static void siphash_rounds(uint64_t v[4], unsigned n)
{
    for (; n; n--) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = left64(v[1], 13) ^ v[0];
        v[3] = left64(v[3], 16) ^ v[2];
        v[0] = left64(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = left64(v[1], 17) ^ v[2];
        v[3] = left64(v[3], 21) ^ v[0];
        v[2] = left64(v[2], 32);
    }
}

uint64_t pk_siphash(const uint8_t key[16], pk_bytes text)
{
    uint64_t k0 = (uint64_t)load_little(key + 4) << 32 | load_little(key);
    uint64_t k1 = (uint64_t)load_little(key + 12) << 32 | load_little(key + 8);
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                     k1 ^ 0x7465646279746573};
    for (size_t at = 0; at <= text.len; at += 8) {
        uint64_t word = 0;
        for (size_t i = 0; i < 8 && at + i < text.len; i++)
            word |= (uint64_t)text.data[at + i] << 8 * i;
        if (text.len - at < 8) /* the last one ends with the length */
            word |= (uint64_t)text.len << 56;
        v[3] ^= word;
        siphash_rounds(v, 2);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    siphash_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
