#include "io/af_packet_stamp.h"

#include <time.h> /* before errqueue.h, which needs it and does not say so */

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <string.h>
#include <sys/socket.h>

enum { AT_ONCE = 32, CONTROL = 256 };

static bool arm(int fd)
{
    int flags = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID |
                SOF_TIMESTAMPING_OPT_TSONLY;
    return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags) == 0;
}

bool pk_stamps_open(pk_stamps *ret_stamps, int fd)
{
    *ret_stamps = (pk_stamps){.on = arm(fd)};
    return ret_stamps->on;
}

/* One message of the error queue: which frame, and when. */
static bool read_message(struct msghdr *message, uint32_t *ret_number, int64_t *ret_time)
{
    bool has_number = false, has_time = false;
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
        if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_TIMESTAMPING) {
            struct timespec times[3];
            memcpy(times, CMSG_DATA(at), sizeof times);
            *ret_time = (int64_t)times[0].tv_sec * 1000000000 + times[0].tv_nsec;
            has_time = *ret_time != 0;
        } else if (at->cmsg_len >= CMSG_LEN(sizeof(struct sock_extended_err))) {
            struct sock_extended_err report; /* at the level of whatever protocol the socket has */
            memcpy(&report, CMSG_DATA(at), sizeof report);
            *ret_number = report.ee_data;
            has_number = report.ee_origin == SO_EE_ORIGIN_TIMESTAMPING;
        }
    }
    return has_number && has_time;
}

/* Reads what the queue holds; the number of messages. */
static int drain(int fd, uint32_t first, uint32_t count, int64_t *times)
{
    _Alignas(8) uint8_t control[AT_ONCE][CONTROL];
    struct mmsghdr messages[AT_ONCE];
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < AT_ONCE; i++) {
        messages[i].msg_hdr.msg_control = control[i];
        messages[i].msg_hdr.msg_controllen = CONTROL;
    }
    int got = recvmmsg(fd, messages, AT_ONCE, MSG_ERRQUEUE | MSG_DONTWAIT, NULL);
    for (int i = 0; i < got; i++) {
        uint32_t number = 0;
        int64_t time = 0;
        if (read_message(&messages[i].msg_hdr, &number, &time) && number - first < count)
            times[number - first] = time;
    }
    return got;
}

void pk_stamps_take(pk_stamps *stamps, int fd, uint32_t offered, int taken, int64_t *ret_times)
{
    uint32_t count = taken > 0 ? (uint32_t)taken : 0;
    while (drain(fd, stamps->next, count, ret_times) == AT_ONCE)
        ;
    stamps->next += count;
    if (count == offered)
        return;
    int off = 0;
    (void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &off, sizeof off);
    stamps->on = arm(fd);
    stamps->next = 0;
}
