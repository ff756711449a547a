#include "base/linktype.h"

/* Devices whose frames a packet socket shows as they stand. Tunnels without a header of their own
 * show the packet inside. */
static const struct {
    uint16_t arphrd;
    uint16_t link;
} table[] = {
    {1, PK_LINKTYPE_ETHERNET},              /* ARPHRD_ETHER */
    {772, PK_LINKTYPE_ETHERNET},            /* ARPHRD_LOOPBACK: zero addresses, else Ethernet */
    {512, PK_LINKTYPE_RAW},                 /* ARPHRD_PPP: the kernel hides the PPP header */
    {519, PK_LINKTYPE_RAW},                 /* ARPHRD_RAWIP */
    {768, PK_LINKTYPE_RAW},                 /* ARPHRD_TUNNEL */
    {769, PK_LINKTYPE_RAW},                 /* ARPHRD_TUNNEL6 */
    {776, PK_LINKTYPE_RAW},                 /* ARPHRD_SIT */
    {778, PK_LINKTYPE_RAW},                 /* ARPHRD_IPGRE */
    {823, PK_LINKTYPE_RAW},                 /* ARPHRD_IP6GRE */
    {0xfffe, PK_LINKTYPE_RAW},              /* ARPHRD_NONE: tun, WireGuard */
    {801, PK_LINKTYPE_IEEE802_11},          /* ARPHRD_IEEE80211 */
    {802, PK_LINKTYPE_IEEE802_11_PRISM},    /* ARPHRD_IEEE80211_PRISM */
    {803, PK_LINKTYPE_IEEE802_11_RADIOTAP}, /* ARPHRD_IEEE80211_RADIOTAP */
    {824, PK_LINKTYPE_NETLINK},             /* ARPHRD_NETLINK */
};

uint32_t pk_linktype_of_arphrd(uint16_t arphrd)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].arphrd == arphrd)
            return table[i].link;
    return PK_LINKTYPE_NONE;
}
