/*
 * Capture files: pcap (microseconds, nanoseconds, both byte orders, the "modified" kind) and pcapng
 * (draft-ietf-opsawg-pcapng), read and written as a stream; and hex dumps, read.
 *
 * READING. A reader is opened on a path, on "-" (standard input) or on an open descriptor; pipes do
 * as well as files, nothing seeks, and memory stays constant (one window, grown to the largest
 * block met, never beyond PK_CAPTURE_BLOCK_MAX) however long the capture is. pk_capture_next hands
 * out one record at a time; its bytes are borrowed and stay good until the next call (with
 * `map` until pk_capture_close). The file is hostile: a stated length never allocates by itself, a
 * snap length never counts, byte order may change from section to section. A file that is cut short
 * delivers every whole record and then, once and for ever after, PK_EFORMAT with the offset in its
 * text; an orderly end is PK_EOF. What is not a capture is refused at open by what it is (gzip,
 * ELF, text, ...) with PK_EFORMAT.
 *
 * HEX DUMPS as xxd, hexdump -C, od -A x -t x1, tcpdump -x and Wireshark print them: an offset, bytes in
 * groups, perhaps their characters; offset 0 begins a packet. Without offsets, a word of digits is a
 * packet (what `--as hex` prints), and lines of groups are one until a line without bytes. Lines
 * beginning with # are comments; other text is skipped and counted. A dump tells no link type: it
 * is said to be Ethernet's.
 *
 * WRITING. A writer is opened on a path, "-" or a descriptor. Output is buffered; every error of
 * the system surfaces at the call that meets it or at pk_capture_finish (PK_EIO, sys_errno ENOSPC
 * for a full disk), and sticks. On a regular path nothing is visible under its name before
 * pk_capture_finish succeeds: the file grows without a name (or under a temporary one) and is
 * renamed at the end, unless `live` or `append` is asked for. pk_capture_abandon drops everything.
 *
 * Link types are LINKTYPE_ numbers of the tcpdump registry (1 Ethernet, 101 raw IP, ...). Times are
 * nanoseconds since 1970-01-01 UTC. A reader or writer is used by one thread at a time.
 */
#ifndef PK_IO_CAPTURE_H
#define PK_IO_CAPTURE_H

#include "base/error.h"
#include "base/types.h"

#define PK_CAPTURE_BLOCK_MAX     (16u * 1024u * 1024u) /* bytes of one block or one record */
#define PK_CAPTURE_INTERFACE_MAX 65536u                /* interfaces in one section, and in all */
#define PK_CAPTURE_NAME_MAX      64u                   /* bytes kept of an interface's name */

typedef enum pk_capture_format {
    PK_CAPTURE_NONE = 0,
    PK_CAPTURE_PCAP,    /* pcap, microseconds */
    PK_CAPTURE_PCAP_NS, /* pcap, nanoseconds */
    PK_CAPTURE_PCAPNG,
    PK_CAPTURE_HEXDUMP /* text; read only */
} pk_capture_format;

typedef enum pk_capture_direction {
    PK_DIRECTION_UNKNOWN = 0,
    PK_DIRECTION_IN = 1, /* the values of epb_flags bits 0-1 */
    PK_DIRECTION_OUT = 2
} pk_capture_direction;

typedef struct pk_capture_interface {
    uint32_t link;        /* LINKTYPE_ number */
    uint32_t snap;        /* as written in the file; 0 = no limit. Never trusted */
    uint8_t time_decimal; /* time stamps count 10^-n s when binary is false, 2^-n s when true */
    bool time_binary;
    int64_t time_offset;            /* seconds to add (if_tsoffset) */
    uint8_t fcs_len;                /* bytes of frame check sequence at each frame's end */
    char name[PK_CAPTURE_NAME_MAX]; /* if_name, cut; bytes from outside */
} pk_capture_interface;

typedef struct pk_capture_record {
    const uint8_t *data; /* borrowed */
    uint32_t captured;   /* bytes at data */
    uint32_t original;   /* bytes on the wire as the file claims; may be below captured */
    int64_t time_ns;     /* since the epoch; 0 when has_time is false */
    bool has_time;       /* false for simple packet blocks and for times outside 64 bits */
    pk_capture_direction direction;
    uint32_t interface; /* counted over the whole file, in the order of appearance */
    uint32_t link;      /* that interface's link type */
    uint64_t number;    /* packets counted from 1 */
    uint64_t offset;    /* of the record's or block's first byte in the file */
    pk_bytes comment;   /* first opt_comment, borrowed; bytes from outside */
    pk_bytes options;   /* raw options without their end mark, borrowed, in the section's order */
    bool big_endian;    /* that byte order */
} pk_capture_record;

typedef struct pk_capture_counts {
    uint64_t packets;     /* delivered */
    uint64_t sections;    /* pcapng section headers; 1 for pcap */
    uint64_t names;       /* name resolution blocks, skipped */
    uint64_t statistics;  /* interface statistics blocks, skipped */
    uint64_t custom;      /* custom blocks, skipped */
    uint64_t other;       /* blocks of any other kind, lines that are no dump: skipped */
    uint64_t bad_options; /* blocks whose option list ran over its end */
} pk_capture_counts;

typedef struct pk_capture_reader pk_capture_reader;

/* How to unpack what was compressed. io/capture_gzip.h has one where zlib was found; a build
 * without it passes NULL and a gzip file is refused by name. */
typedef struct pk_capture_codec {
    void *(*open)(int fd, const uint8_t *head, size_t head_len); /* NULL: no memory */
    /* Bytes unpacked into out, 0 at the end, -1 on error (errno EBADMSG: the data is damaged). */
    ptrdiff_t (*read)(void *state, uint8_t *out, size_t cap);
    void (*close)(void *state); /* leaves fd open */
} pk_capture_codec;

typedef struct pk_capture_read_options {
    /* Map regular files instead of reading them: records stay good until close. A file that another
     * program truncates meanwhile then ends this process with SIGBUS, hence not the default. */
    bool map;
    const pk_capture_codec *gzip; /* NULL: gzip files are refused */
    /* Is shown each custom block that is passed, in its place among the records; may be NULL. */
    void (*custom)(void *context, uint32_t enterprise, pk_bytes data);
    /* pcapng only; NULL: reading ends where the file is damaged. Else it goes on at the next block
     * that is whole, and this is told which bytes `from` .. below `to` were left out, and why. What
     * follows no whole block is still PK_EFORMAT. */
    void (*damaged)(void *context, uint64_t from, uint64_t to, const char *why);
    void *context;
} pk_capture_read_options;

/* Opens `path` ("-": standard input). `options` may be NULL. */
int pk_capture_open(pk_capture_reader **ret_reader, const char *path,
                    const pk_capture_read_options *options, pk_error *reterr_);

/* The same on a descriptor, which stays the caller's; `name` stands in messages (copied). */
int pk_capture_open_fd(pk_capture_reader **ret_reader, int fd, const char *name,
                       const pk_capture_read_options *options, pk_error *reterr_);

/* The next record: PK_OK, PK_EOF at an orderly end, PK_EFORMAT where the file is cut or damaged,
 * PK_EIO where it cannot be read, PK_ELIMIT where a named limit is met. Errors and the end stick.
 */
int pk_capture_next(pk_capture_reader *reader, pk_capture_record *ret_record, pk_error *reterr_);

/* Once reading has ended: how many bytes of the file are whole records and blocks, and whether it
 * ends within the next one (as a killed writer leaves it). */
uint64_t pk_capture_reader_whole(const pk_capture_reader *reader, bool *ret_cut);

pk_capture_format pk_capture_reader_format(const pk_capture_reader *reader);
const pk_capture_counts *pk_capture_reader_counts(const pk_capture_reader *reader);

/* Interfaces met so far, and one of them (NULL beyond the last). pcap has one from the start. */
uint32_t pk_capture_interface_count(const pk_capture_reader *reader);
const pk_capture_interface *pk_capture_interface_at(const pk_capture_reader *reader, uint32_t id);

/* Accepts NULL. */
void pk_capture_close(pk_capture_reader *reader);

/* ---- writing ---- */

typedef struct pk_capture_writer pk_capture_writer;

typedef struct pk_capture_write_options {
    pk_capture_format format; /* PK_CAPTURE_NONE: by the path's suffix, pcapng where it says none */
    uint32_t link;            /* of interface 0, when `declare` is true */
    bool declare;             /* interface 0 is known now; always so for pcap */
    uint32_t snap;            /* written as it stands; 0 becomes 262144 in pcap */
    bool live;                /* write under the final name at once (a regular file is truncated) */
    bool append;              /* pcapng: add a section behind what the file holds; implies live */
    const char *interface_name; /* of interface 0; NULL: none */
    const char *application;    /* shb_userappl; NULL: none */
} pk_capture_write_options;

typedef struct pk_capture_packet {
    const uint8_t *data;
    uint32_t captured;
    uint32_t original; /* 0: the same as captured */
    int64_t time_ns;
    uint32_t interface;             /* as pk_capture_add_interface numbered them */
    pk_capture_direction direction; /* pcapng only */
    const char *comment;            /* pcapng only; NULL: none */
    /* Further options, already encoded in host byte order and padded (no opt_endofopt), or empty.
     */
    pk_bytes options;
} pk_capture_packet;

int pk_capture_create(pk_capture_writer **ret_writer, const char *path,
                      const pk_capture_write_options *options, pk_error *reterr_);
int pk_capture_create_fd(pk_capture_writer **ret_writer, int fd, const char *name,
                         const pk_capture_write_options *options, pk_error *reterr_);

/* Declares one more interface. pcap holds one link type: another one is PK_EUNSUPPORTED there. */
int pk_capture_add_interface(pk_capture_writer *writer, const pk_capture_interface *interface,
                             uint32_t *ret_id, pk_error *reterr_);

int pk_capture_write(pk_capture_writer *writer, const pk_capture_packet *packet, pk_error *reterr_);

/* Packets of one length, written in place: packet i at base + i * stride. */
typedef struct pk_capture_batch {
    uint32_t interface;
    uint32_t len;             /* bytes of each */
    int64_t time_ns, step_ns; /* of the first, and from one to the next */
    uint32_t count;           /* asked for; then how many there is room for, at least 1 */
    uint8_t *base;
    size_t stride;
} pk_capture_batch;

/* Makes room for a batch, with everything but the packets' own bytes in place; nothing else may be
 * written until the first `count` of them are taken. PK_ELIMIT as pk_capture_write, and for packets
 * too long for a batch. */
int pk_capture_reserve(pk_capture_writer *writer, pk_capture_batch *batch, pk_error *reterr_);
void pk_capture_take(pk_capture_writer *writer, const pk_capture_batch *batch, uint32_t count);

/* A custom block (pcapng only): private enterprise number and data; copied on by other programs. */
int pk_capture_write_custom(pk_capture_writer *writer, uint32_t enterprise, pk_bytes data,
                            pk_error *reterr_);

/* Hands everything so far to the system; the file then holds whole records only. */
int pk_capture_flush(pk_capture_writer *writer, pk_error *reterr_);

/* Bytes accepted so far, those still buffered included. */
uint64_t pk_capture_written(const pk_capture_writer *writer);

/* Flushes, closes, gives the file its name, and releases the writer whatever comes out; after a
 * failure a path that did not exist still does not. Accepts NULL (PK_OK). */
int pk_capture_finish(pk_capture_writer *writer, pk_error *reterr_);

/* Releases the writer and drops what it wrote (live output stays as far as it got). Accepts NULL.
 */
void pk_capture_abandon(pk_capture_writer *writer);

/* ---- names ---- */

/* pcapng for .pcapng, .ntar and .ngcap; pcap for .pcap, .cap and .dmp; pcap-ns for .pcapns and
 * .pcap-ns; NONE for anything else. Case does not count. */
pk_capture_format pk_capture_format_of_path(const char *path);

/* "pcap", "pcap-ns", "pcapng"; "" for NONE. And back (NONE for any other text). */
const char *pk_capture_format_name(pk_capture_format format);
pk_capture_format pk_capture_format_of_name(const char *name);

#endif
