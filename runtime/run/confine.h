/*
 * Giving up what a run does not need once its sockets and files are open, and before the first
 * byte from the network is read.
 *
 * pk_confine drops every capability but CAP_NET_RAW and CAP_NET_ADMIN (link addresses of next hops
 * are asked for lazily, with what there is of the two) from the effective, permitted, inheritable
 * and ambient sets, and sets no_new_privs, so that no program started from here can have them again.
 * What cannot be dropped stays: a process without capabilities has nothing to lose. It concerns the
 * whole process and cannot be undone: for programs, not for users of the library.
 */
#ifndef PK_RUN_CONFINE_H
#define PK_RUN_CONFINE_H

void pk_confine(void);

#endif
