/*
 * The Internet checksum of RFC 1071 over plain memory, and its incremental form of RFC 1624.
 *
 * Bytes are read in the order of the wire and results are host integers whose big-endian form goes
 * into the packet: a checksum field is written as `field[0] = sum >> 8, field[1] = sum & 0xff`.
 * Nothing here can fail.
 */
#ifndef PK_BASE_CHECKSUM_H
#define PK_BASE_CHECKSUM_H

#include "base/types.h"

/* The one's complement of the one's complement sum of `len` bytes, an odd last byte padded with
 * zero (RFC 1071 section 1). Over data that holds its own right checksum this is 0. */
uint16_t pk_checksum_inet(const void *bytes, size_t len);

/* The unfolded sum, to be continued over several pieces (each but the last of even length) and
 * closed by pk_checksum_finish. */
uint64_t pk_checksum_add(uint64_t sum, const void *bytes, size_t len);
uint16_t pk_checksum_finish(uint64_t sum);

/* The new checksum after a 16-bit word of the covered data changed (RFC 1624 equation 3). */
uint16_t pk_checksum_update(uint16_t checksum, uint16_t old_word, uint16_t new_word);

#endif
