/*
 * Capture filters in pcap-filter syntax (pcap-filter(7)), compiled by libpcap into what the kernel
 * runs on a receive socket.
 *
 * The kernel takes VLAN tags off before a filter sees a frame, so `vlan` could never hold there: it
 * is refused with that sentence. A text is bounded, because libpcap's optimizer takes minutes for
 * lists of thousands of hosts.
 */
#ifndef PK_CLI_FILTER_H
#define PK_CLI_FILTER_H

#include "base/buf.h"
#include "base/error.h"

#define PK_FILTER_TEXT_LIMIT 4096u /* bytes of a filter's text */

/* The program for frames of a LINKTYPE_ number, appended as instructions of 8 bytes. PK_EFORMAT with
 * libpcap's own message. */
int pk_filter_compile(const char *text, uint32_t linktype, pk_buf *ret_program, pk_error *reterr_);

/* "libpcap version 1.10.3 (with TPACKET_V3)". */
const char *pk_filter_library(void);

#endif
