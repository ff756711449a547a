/*
 * Random numbers without state: a value is a function of (seed, packet index, stream).
 *
 * So packet i is the same whoever computes it, in whatever order, on however many threads, and
 * after a resume. A stream is one place in a description that draws (`random` number d of the
 * image).
 *
 * The function is Philox4x32-7 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1,
 * 2, 3", SC 2011): a bijection of a 128-bit counter under a 64-bit key, seven rounds of two
 * 32x32-bit multiplications, of which a processor with vectors does eight packets' at a time
 * (vm/template_kernels.c). Here
 *
 *     counter = (index bits 0..31, index bits 32..63, stream bits 0..31, block)     key = seed
 *
 * where block counts up when one draw needs more than 128 bits. The upper halves of index and stream
 * are mixed into the key where they are not 0. Seven rounds pass TestU01's BigCrush; they are not meant to resist an
 * adversary who sees the output.
 *
 * Ranges. x uniform in [0, 2^k) gives floor(x n / 2^k), the high half of a product; k is 64 for n up
 * to 2^64 and else 128. Values are hit floor(2^k / n) times or once more; those x whose low half of
 * the product is below 2^k mod n are the surplus, and are drawn again from the next block (Lemire
 * 2019), so no value is favoured.
 */
#ifndef PK_BASE_RNG_H
#define PK_BASE_RNG_H

#include "base/types.h"

/* 128 random bits. */
void pk_rng_block(uint64_t seed, pk_u128 index, uint64_t stream, uint32_t block,
                  uint64_t ret_words[2]);

uint64_t pk_rng_u64(uint64_t seed, pk_u128 index, uint64_t stream);

/* Uniform in [0, n); 0 for n = 0. */
pk_u128 pk_rng_below(uint64_t seed, pk_u128 index, uint64_t stream, pk_u128 n);

/* `len` random bytes; a shorter draw is the beginning of a longer one. */
void pk_rng_bytes(uint64_t seed, pk_u128 index, uint64_t stream, uint8_t *ret_bytes, size_t len);

/* The key for all indices and streams that have the upper halves of these. */
uint64_t pk_rng_key(uint64_t seed, pk_u128 index, uint64_t stream);

enum { PK_PHILOX_ROUNDS = 7 };
#define PK_PHILOX_M0 UINT32_C(0xd2511f53)
#define PK_PHILOX_M1 UINT32_C(0xcd9e8d57)
#define PK_PHILOX_W0 UINT32_C(0x9e3779b9) /* golden ratio, sqrt(3) - 1: Weyl sequences */
#define PK_PHILOX_W1 UINT32_C(0xbb67ae85)

/* Philox4x32-7 itself. */
void pk_rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t ret_words[4]);

#endif
