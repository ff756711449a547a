/*
 * The lab: a private network in which a kernel answers for every address, so that a probe can be
 * tried without a network and without privilege.
 *
 *      near (the caller)                                                far
 *   lab0 198.18.0.1/30  ------- [router 1] ... [router n] -------  answers for all of
 *        2001:2::1/126                                             IPv4 and IPv6
 *
 * pk_lab_open moves the CALLING process into the near namespace (for an ordinary user through a new
 * user namespace, in which it keeps its user id and gains every capability over the lab and none
 * over the machine). Default routes of both families lead to the far kernel, which takes every
 * destination for its own: it answers echo requests, resets or accepts TCP, reports closed UDP
 * ports as unreachable, and answers ARP for any address, with its rate limits for ICMP off.
 * Addresses are from the blocks for benchmarks (198.18.0.0/15 RFC 2544, 2001:2::/48 RFC 5180), that
 * nobody probes. With `hops` = n a packet passes n routers, each of which counts down the TTL and
 * reports its end from 198.18.<i>.2 (2001:2:0:<i>::2), i from 0. Every left end of a link has
 * fe80::1 there, every right end fe80::2. Checksum offload is off everywhere: bytes captured are
 * bytes sent. The router's and the far end's neighbours are fixed entries.
 *
 * Namespaces have no name: descriptors of this process hold them, no other process does. They are
 * gone when the process ends, however it ends. The caller must have one thread only, and must open
 * the lab before it opens sockets meant for it. Descriptors are close-on-exec.
 *
 * What can fail: PK_EPERM where the machine forbids user namespaces (the text names the setting),
 * PK_EUNSUPPORTED where the kernel has no veth or no policy routing.
 */
#ifndef PK_NET_LAB_H
#define PK_NET_LAB_H

#include "net/netlink.h"

#define PK_LAB_HOPS_MAX     8u
#define PK_LAB_SERVICES_MAX 1024u
#define PK_LAB_INTERFACE    "lab0"

typedef struct pk_lab pk_lab;

typedef struct pk_lab_options {
    uint32_t hops; /* routers between the near and the far end, 0 to PK_LAB_HOPS_MAX */
    uint32_t mtu;  /* of every link; 0: 1500 */
} pk_lab_options;

/* `options` may be NULL. On failure the caller may already be in a new, empty namespace. */
int pk_lab_open(pk_lab **ret_lab, const pk_lab_options *options, pk_error *reterr_);

/* Opens a TCP port on every address of the far end. family: AF_INET (IPv4 only) or AF_INET6 (both).
 * PK_ELIMIT beyond PK_LAB_SERVICES_MAX. */
int pk_lab_listen(pk_lab *lab, int family, uint16_t port, pk_error *reterr_);

/* What could not be set (read-only /proc/sys in some containers) and what it means for answers;
 * "" when the lab is as described. */
const char *pk_lab_warning(const pk_lab *lab);

/* The near end's addresses, and the next hop's. */
void pk_lab_addresses(const pk_lab *lab, pk_ip *ret_near4, pk_ip *ret_near6, pk_ip *ret_hop4,
                      pk_ip *ret_hop6);

/* Lets the lab go. The caller returns to the network it came from where it may (root), and else
 * stays in what is now an empty namespace. Accepts NULL. */
void pk_lab_close(pk_lab *lab);

#endif
