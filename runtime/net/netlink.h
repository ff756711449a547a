/*
 * A NETLINK_ROUTE socket: how links, routes, neighbours and rules are asked for and set, without
 * running another program.
 *
 * A handle belongs to the network namespace it was opened in and keeps that namespace alive and
 * reachable even when its process has moved on to another. Requests are synchronous: one request,
 * its answers, then the kernel's verdict. The kernel's own error text (extended acknowledgement)
 * goes into the pk_error. A handle is used by one thread at a time; close accepts NULL.
 */
#ifndef PK_NET_NETLINK_H
#define PK_NET_NETLINK_H

#include "base/error.h"
#include "base/types.h"

#define PK_NETLINK_REQUEST_MAX 4096u  /* bytes of one request */
#define PK_NETLINK_ANSWER_MAX  65536u /* bytes of one datagram of answers */

typedef struct pk_netlink pk_netlink;

int pk_netlink_open(pk_netlink **ret_netlink, pk_error *reterr_);
void pk_netlink_close(pk_netlink *netlink);

/* The socket, for ioctl calls that concern the handle's namespace. */
int pk_netlink_fd(const pk_netlink *netlink);

/* An address of the Internet protocols. family is AF_INET or AF_INET6 (0: none); bytes are in the
 * order of the wire, the first 4 or all 16 of them. */
typedef struct pk_ip {
    uint8_t family;
    uint8_t bytes[16];
} pk_ip;

/* 4 or 16; 0 for no address. */
uint32_t pk_ip_len(const pk_ip *ip);

/* Reads "192.0.2.1" or "2001:db8::1"; false for anything else. */
bool pk_ip_parse(pk_ip *ret_ip, const char *text);

#define PK_IP_TEXT_MAX 46u
/* Writes the usual text into out (PK_IP_TEXT_MAX bytes) and returns it; "none" for no address. */
const char *pk_ip_text(const pk_ip *ip, char *out);

bool pk_ip_equal(const pk_ip *a, const pk_ip *b);

#endif
