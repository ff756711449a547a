/*
 * The standard layers, compiled when pktc was built. The bytes are an image as pk_image_load takes
 * it, 8-byte aligned and read-only.
 */
#ifndef PK_COMPILER_STANDARD_H
#define PK_COMPILER_STANDARD_H

#include <stddef.h>
#include <stdint.h>

extern const uint64_t pk_standard_image[];
extern const size_t pk_standard_image_size; /* bytes */

#endif
