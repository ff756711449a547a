/*
 * Digests of bytes: MD5 (RFC 1321), SHA-1 (RFC 3174), SHA-224 and SHA-256 (RFC 6234), HMAC over them
 * (RFC 2104), and SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012).
 *
 * For the fields of protocols that carry them, not for secrets: nothing here takes constant time, and
 * MD5 and SHA-1 resist nobody. Pure functions, no memory, no state.
 */
#ifndef PK_BASE_DIGEST_H
#define PK_BASE_DIGEST_H

#include "base/types.h"

typedef enum pk_digest { PK_DIGEST_MD5, PK_DIGEST_SHA1, PK_DIGEST_SHA256 } pk_digest;

enum { PK_DIGEST_MAX = 32 /* bytes of the longest digest */ };

/* Writes the digest of the concatenation of two byte strings; returns its bytes: 16, 20 or 32. */
uint32_t pk_digest_of(pk_digest digest, pk_bytes first, pk_bytes second,
                      uint8_t ret_digest[PK_DIGEST_MAX]);

uint32_t pk_digest_hmac(pk_digest digest, pk_bytes key, pk_bytes text,
                        uint8_t ret_digest[PK_DIGEST_MAX]);

/* SipHash-2-4 under a key of 16 bytes (two little-endian words). */
uint64_t pk_siphash(const uint8_t key[16], pk_bytes text);

#endif
