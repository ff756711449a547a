#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "cli.h"

/* The first address of the family that the system's resolver gives. */
int pk_cli_resolve(const char *host, uint32_t len, uint8_t ret_address[16], pk_error *reterr_)
{
    const struct addrinfo hints = {.ai_family = len == 4 ? AF_INET : AF_INET6,
                                   .ai_socktype = SOCK_DGRAM};
    struct addrinfo *found = NULL;
    int code = getaddrinfo(host, NULL, &hints, &found);
    if (code || !found)
        return pk_error_set(reterr_, PK_ENOENT, "host `%s` has no IPv%c address here: %s", host,
                            len == 4 ? '4' : '6', gai_strerror(code));
    struct sockaddr_in ip4;
    struct sockaddr_in6 ip6;
    if (len == 4) {
        memcpy(&ip4, found->ai_addr, sizeof ip4);
        memcpy(ret_address, &ip4.sin_addr, len);
    } else {
        memcpy(&ip6, found->ai_addr, sizeof ip6);
        memcpy(ret_address, &ip6.sin6_addr, len);
    }
    freeaddrinfo(found);
    return PK_OK;
}
