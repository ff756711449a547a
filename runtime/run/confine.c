#include "run/confine.h"

#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What stays, of the first 32 capabilities. */
#define KEPT (UINT32_C(1) << CAP_NET_RAW | UINT32_C(1) << CAP_NET_ADMIN)

void pk_confine(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capget, &header, data))
        return;
    for (unsigned i = 0; i < 2; i++) {
        uint32_t kept = i == 0 ? KEPT : 0;
        data[i].effective &= kept;
        data[i].permitted &= kept;
        data[i].inheritable = 0;
    }
    (void)syscall(SYS_capset, &header, data);
}
