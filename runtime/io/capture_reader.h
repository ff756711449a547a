/*
 * What the parts of the capture reader share: capture_read.c opens, recognizes and dispatches,
 * capture_pcap.c, capture_pcapng.c and capture_hexdump.c know one format each. Internal to runtime/io.
 */
#ifndef PK_IO_CAPTURE_READER_H
#define PK_IO_CAPTURE_READER_H

#include "base/buf.h"
#include "io/window.h"

struct pk_capture_reader {
    pk_window window;
    int own_fd; /* closed at the end; -1 when the descriptor is the caller's */
    char *name;
    pk_capture_format format;
    bool big_endian; /* of the file or the present section */
    pk_capture_counts counts;
    pk_capture_interface *interfaces;
    uint32_t interface_count;
    uint32_t interface_room;
    uint32_t section_first; /* the present section's interface 0 */
    /* pcap only */
    uint32_t record_header; /* 16, or 24 in the modified kind */
    uint16_t minor_version; /* decides about swapped lengths */
    /* hex dumps only */
    pk_buf packet;      /* the one at hand */
    size_t dump_last;   /* bytes that its last line brought */
    size_t dump_step;   /* bytes in a whole line; 0 = not known yet */
    unsigned dump_kind; /* of its lines */
    void (*custom)(void *context, uint32_t enterprise, pk_bytes data);
    void (*damaged)(void *context, uint64_t from, uint64_t to, const char *why);
    void *context;
    uint64_t whole; /* bytes in front of the record or block that is being read */
    bool cut;       /* it runs over the end */
    /* the end, once met */
    int ended;
    pk_error end;
};

static inline uint16_t pk_capture_u16(const pk_capture_reader *reader, const uint8_t *at)
{
    return reader->big_endian ? (uint16_t)(at[0] << 8 | at[1]) : (uint16_t)(at[1] << 8 | at[0]);
}

static inline uint32_t pk_capture_u32(const pk_capture_reader *reader, const uint8_t *at)
{
    uint32_t low = (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
    return reader->big_endian ? __builtin_bswap32(low) : low;
}

/* Adds an interface; PK_ELIMIT, PK_ENOMEM. */
int pk_capture_declare(pk_capture_reader *reader, const pk_capture_interface *interface,
                       pk_error *reterr_);

/* "<name>: <text> at offset N" with code PK_EFORMAT. */
int pk_capture_damaged(const pk_capture_reader *reader, uint64_t offset, pk_error *reterr_,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

/* n visible bytes for a thing that starts at the window's start. At the end of the stream: PK_EOF
 * when nothing of it is there and `may_end`, else PK_EFORMAT with the offset. */
int pk_capture_need(pk_capture_reader *reader, size_t n, bool may_end, const char *what,
                    pk_error *reterr_);

/* Reads the header behind a magic number that was recognized. */
int pk_pcap_start(pk_capture_reader *reader, pk_error *reterr_);
int pk_pcap_next(pk_capture_reader *reader, pk_capture_record *record, pk_error *reterr_);
int pk_pcapng_next(pk_capture_reader *reader, pk_capture_record *record, pk_error *reterr_);

/* Whether the text at the window's start is a hex dump. */
bool pk_hexdump_recognize(pk_capture_reader *reader);
int pk_hexdump_start(pk_capture_reader *reader, pk_error *reterr_);
int pk_hexdump_next(pk_capture_reader *reader, pk_capture_record *record, pk_error *reterr_);

#endif
