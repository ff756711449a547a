#include <string.h>

#include "template_kernels.h"

static bool runs_here(const pk_kernels *kernels)
{
#if defined(__x86_64__)
    if (kernels == &pk_kernels_avx2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
#endif
    return kernels != NULL;
}

/* The fastest first. */
static const pk_kernels *const all[] = {
#if defined(__x86_64__)
    &pk_kernels_avx2, &pk_kernels_sse2,
#endif
    &pk_kernels_plain};

const pk_kernels *pk_kernels_best(void)
{
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        if (runs_here(all[i]))
            return all[i];
    return &pk_kernels_plain;
}

const pk_kernels *pk_kernels_named(const char *name)
{
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i]->name, name) == 0)
            return runs_here(all[i]) ? all[i] : NULL;
    return NULL;
}
