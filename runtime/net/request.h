/*
 * Building a netlink request and reading its answers. Internal to runtime/net.
 *
 * A request is a fixed buffer with a sticky overflow; pk_netlink_ask sends it, hands every answer's
 * body to `take`, and comes back with the kernel's verdict: PK_OK or the error, "<what>: <meaning>"
 * with the kernel's own words behind it. `take` may end the asking early with an error of its own.
 */
#ifndef PK_NET_REQUEST_H
#define PK_NET_REQUEST_H

#include "net/netlink.h"

typedef struct pk_request {
    _Alignas(8) uint8_t bytes[PK_NETLINK_REQUEST_MAX];
    size_t len;
    bool overflow;
    bool dump; /* ends with NLMSG_DONE, not with an acknowledgement */
} pk_request;

/* type: RTM_*; flags: NLM_F_* beside NLM_F_REQUEST. body: the fixed structure of that type. */
void pk_request_begin(pk_request *request, uint16_t type, uint16_t flags, const void *body,
                      size_t len);
void pk_request_add(pk_request *request, uint16_t type, const void *data, size_t len);
void pk_request_add_u32(pk_request *request, uint16_t type, uint32_t value);
void pk_request_add_text(pk_request *request, uint16_t type, const char *text);
void pk_request_add_ip(pk_request *request, uint16_t type, const pk_ip *ip);

/* An attribute that holds others, between begin and end; a structure may come first in it. */
size_t pk_request_nest(pk_request *request, uint16_t type);
void pk_request_put(pk_request *request, const void *data, size_t len);
void pk_request_nest_end(pk_request *request, size_t at);

typedef int (*pk_answer_taker)(void *context, uint16_t type, pk_bytes body, pk_error *reterr_);

int pk_netlink_ask(pk_netlink *netlink, pk_request *request, pk_answer_taker take, void *context,
                   pk_error *reterr_, const char *what, ...) __attribute__((format(printf, 6, 7)));

/* Takes the next attribute off a list; false at its end. */
bool pk_attribute_next(pk_bytes *list, uint16_t *ret_type, pk_bytes *ret_value);
uint32_t pk_attribute_u32(pk_bytes value);
void pk_attribute_text(pk_bytes value, char *out, size_t room);
/* An address of that family, family 0 when the length does not fit. */
pk_ip pk_attribute_ip(pk_bytes value, uint8_t family);

/* Copies the fixed structure at a body's start and cuts it off; false when the body is shorter. */
bool pk_body_take(pk_bytes *body, void *structure, size_t len);

#endif
