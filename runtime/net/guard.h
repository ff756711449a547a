/*
 * Keeping the kernel from answering in our place.
 *
 * What a probe sends as TCP belongs to no socket of the kernel, so the kernel resets every connection
 * that a peer accepts: the RST arrives before whatever the probe sends next. A guard drops the
 * resets that this machine's kernel would send by one interface, as long as it stands.
 *
 * It is an nftables table that its netlink socket owns (NFT_TABLE_F_OWNER): the kernel removes it
 * with the socket, however the process ends. Nothing else is touched, no program is run. Frames of
 * packet sockets do not pass it, so a probe's own RSTs leave.
 *
 * Opening fails with PK_EPERM without CAP_NET_ADMIN, or PK_EUNSUPPORTED where the kernel has no
 * nftables (or none with owners, before 5.12).
 */
#ifndef PK_NET_GUARD_H
#define PK_NET_GUARD_H

#include "base/error.h"
#include "base/types.h"

typedef struct pk_guard pk_guard;

/* Is this the name of something that can be guarded, and which those are. */
bool pk_guard_knows(const char *name, size_t len);
#define PK_GUARD_NAME     "tcp"
#define PK_GUARD_EXPECTED "`" PK_GUARD_NAME "`"

int pk_guard_open(pk_guard **ret_guard, uint32_t interface_index, pk_error *reterr_);
void pk_guard_close(pk_guard *guard); /* accepts NULL */

#endif
