/* The stub of standalone probes, built together with pktc and carried by it (stub/embed.h puts an
 * image into it). */
#ifndef PK_STUB_PROBE_STUB_H
#define PK_STUB_PROBE_STUB_H

#include <stddef.h>
#include <stdint.h>

extern const uint8_t pk_probe_stub[];
extern const size_t pk_probe_stub_size;

#endif
