/*
 * When frames left: the kernel's time stamps of sent frames (SO_TIMESTAMPING), taken off the send
 * socket's error queue. Internal to runtime/io.
 *
 * The kernel numbers the frames that a socket offers, and queues for each a message with its number
 * and the time at which the driver took it. For a virtual link that is before the system call is
 * over; for others it may come later, and is then not waited for. A frame that the kernel refuses
 * may have used up a number: after any refusal the count is begun anew.
 */
#ifndef PK_IO_AF_PACKET_STAMP_H
#define PK_IO_AF_PACKET_STAMP_H

#include "base/types.h"

typedef struct pk_stamps {
    bool on;
    uint32_t next; /* the number of the next frame offered */
} pk_stamps;

/* False when the kernel does not stamp; the socket is then as it was. */
bool pk_stamps_open(pk_stamps *ret_stamps, int fd);

/* Of `offered` frames the kernel took `taken` (negative: none): ret_times[i] becomes the time of the
 * i-th one, in ns since the epoch, where it is known. */
void pk_stamps_take(pk_stamps *stamps, int fd, uint32_t offered, int taken, int64_t *ret_times);

#endif
