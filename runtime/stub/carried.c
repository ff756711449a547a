#include "stub/carried.h"

#include <elf.h>
#include <string.h>
#include <sys/auxv.h>

/* What stands in the section before an image does; the linker puts the section at an address above
 * everything else (meson.build), so it has a segment of its own. */
#define EMPTY "pktc: no image"
__attribute__((section(".pktc_image"), used, aligned(16))) static const char placeholder[16] =
    EMPTY;

bool pk_carried_image(pk_bytes *ret_image)
{
    const Elf64_Phdr *segments = (const Elf64_Phdr *)getauxval(AT_PHDR);
    unsigned long count = getauxval(AT_PHNUM);
    /* The compiler must not reason with the placeholder's own content and size. */
    const char *volatile opaque = placeholder;
    const uint8_t *start = (const uint8_t *)opaque;
    for (unsigned long i = 0; segments && i < count; i++) {
        if (segments[i].p_type != PT_LOAD || segments[i].p_vaddr != (uintptr_t)start)
            continue;
        if (segments[i].p_filesz == sizeof EMPTY + 1 && memcmp(start, EMPTY, sizeof EMPTY) == 0)
            return false;
        *ret_image = (pk_bytes){start, (size_t)segments[i].p_filesz};
        return true;
    }
    return false;
}
