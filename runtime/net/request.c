#include "net/request.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

static size_t aligned(size_t len)
{
    return (len + 3) & ~(size_t)3;
}

void pk_request_put(pk_request *request, const void *data, size_t len)
{
    if (request->overflow || aligned(len) > PK_NETLINK_REQUEST_MAX - request->len) {
        request->overflow = true;
        return;
    }
    if (len > 0)
        memcpy(request->bytes + request->len, data, len);
    memset(request->bytes + request->len + len, 0, aligned(len) - len);
    request->len += aligned(len);
}

void pk_request_begin(pk_request *request, uint16_t type, uint16_t flags, const void *body,
                      size_t len)
{
    request->len = 0;
    request->overflow = false;
    request->dump = (flags & NLM_F_DUMP) == NLM_F_DUMP;
    struct nlmsghdr header = {
        .nlmsg_type = type,
        .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags | (request->dump ? 0 : NLM_F_ACK)),
    };
    pk_request_put(request, &header, sizeof header);
    pk_request_put(request, body, len);
}

void pk_request_add(pk_request *request, uint16_t type, const void *data, size_t len)
{
    struct rtattr header = {.rta_len = (uint16_t)(sizeof header + len), .rta_type = type};
    pk_request_put(request, &header, sizeof header);
    pk_request_put(request, data, len);
}

void pk_request_add_u32(pk_request *request, uint16_t type, uint32_t value)
{
    pk_request_add(request, type, &value, sizeof value);
}

void pk_request_add_text(pk_request *request, uint16_t type, const char *text)
{
    pk_request_add(request, type, text, strlen(text) + 1);
}

void pk_request_add_ip(pk_request *request, uint16_t type, const pk_ip *ip)
{
    pk_request_add(request, type, ip->bytes, pk_ip_len(ip));
}

size_t pk_request_nest(pk_request *request, uint16_t type)
{
    size_t at = request->len;
    struct rtattr header = {.rta_type = (uint16_t)(type | NLA_F_NESTED)};
    pk_request_put(request, &header, sizeof header);
    return at;
}

void pk_request_nest_end(pk_request *request, size_t at)
{
    if (request->overflow)
        return;
    uint16_t len = (uint16_t)(request->len - at);
    memcpy(request->bytes + at, &len, sizeof len);
}

bool pk_attribute_next(pk_bytes *list, uint16_t *ret_type, pk_bytes *ret_value)
{
    struct rtattr header;
    if (list->len < sizeof header)
        return false;
    memcpy(&header, list->data, sizeof header);
    if (header.rta_len < sizeof header || header.rta_len > list->len)
        return false;
    *ret_type = (uint16_t)(header.rta_type & NLA_TYPE_MASK);
    *ret_value = (pk_bytes){list->data + sizeof header, header.rta_len - sizeof header};
    size_t step = aligned(header.rta_len);
    step = step < list->len ? step : list->len;
    list->data += step;
    list->len -= step;
    return true;
}

uint32_t pk_attribute_u32(pk_bytes value)
{
    uint32_t number = 0;
    if (value.len >= sizeof number)
        memcpy(&number, value.data, sizeof number);
    return number;
}

void pk_attribute_text(pk_bytes value, char *out, size_t room)
{
    size_t len = strnlen((const char *)value.data, value.len);
    len = len < room ? len : room - 1;
    memcpy(out, value.data, len);
    out[len] = 0;
}

pk_ip pk_attribute_ip(pk_bytes value, uint8_t family)
{
    pk_ip ip = {.family = family};
    if (value.len == 0 || value.len != pk_ip_len(&ip))
        return (pk_ip){0};
    memcpy(ip.bytes, value.data, value.len);
    return ip;
}

bool pk_body_take(pk_bytes *body, void *structure, size_t len)
{
    if (body->len < len)
        return false;
    memcpy(structure, body->data, len);
    size_t step = aligned(len);
    step = step < body->len ? step : body->len;
    body->data += step;
    body->len -= step;
    return true;
}
