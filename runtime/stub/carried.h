/*
 * The image that this very program carries in its section `.pktc_image` (stub/embed.h): found
 * through the program's own headers, so it works when everything else was stripped away.
 */
#ifndef PK_STUB_CARRIED_H
#define PK_STUB_CARRIED_H

#include "base/types.h"

/* False in a stub that was never given an image. */
bool pk_carried_image(pk_bytes *ret_image);

#endif
