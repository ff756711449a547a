/*
 * Random numbers without state: a value is a function of (seed, packet index, stream).
 *
 * So packet i is the same whoever computes it, in whatever order, on however many threads, and
 * after a resume. A stream is one place in a description that draws (`random` number d of the
 * image).
 *
 * The function is Philox4x64-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as
 * 1, 2, 3", SC 2011): a bijection of a 256-bit counter under a 128-bit key, ten rounds of two
 * 64x64-bit multiplications. Here
 *
 *     counter = (index low 64 bits, index high 64 bits, stream, block)    key = (seed, 0)
 *
 * and block counts up where one draw needs more than 256 bits. It passes the known statistical
 * tests (TestU01's BigCrush); it is not meant to resist an adversary who sees its output.
 *
 * Ranges. x uniform in [0, 2^k) gives floor(x n / 2^k), the high half of a product. Values are hit
 * floor(2^k / n) times or once more; those x whose low half of the product is below 2^k mod n are
 * the surplus, and are drawn again from the next block (Lemire 2019), so no value is favoured.
 */
#ifndef PK_BASE_RNG_H
#define PK_BASE_RNG_H

#include "base/types.h"

/* 256 random bits. */
void pk_rng_block(uint64_t seed, pk_u128 index, uint64_t stream, uint64_t block,
                  uint64_t ret_words[4]);

uint64_t pk_rng_u64(uint64_t seed, pk_u128 index, uint64_t stream);

/* Uniform in [0, n); 0 for n = 0. */
pk_u128 pk_rng_below(uint64_t seed, pk_u128 index, uint64_t stream, pk_u128 n);

/* `len` random bytes; a shorter draw is the beginning of a longer one. */
void pk_rng_bytes(uint64_t seed, pk_u128 index, uint64_t stream, uint8_t *ret_bytes, size_t len);

/* Philox4x64-10 itself. */
void pk_rng_philox(const uint64_t counter[4], const uint64_t key[2], uint64_t ret_words[4]);

#endif
