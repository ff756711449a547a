/*
 * Capture files made byte by byte, so that the reader is held to the formats and not to our writer.
 */
#ifndef PK_TESTS_IO_CAPTURE_FIXTURE_H
#define PK_TESTS_IO_CAPTURE_FIXTURE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "io/capture.h"

/* Integers of either byte order. */
static inline void put(pk_buf *buf, bool big, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++)
        pk_buf_byte(buf, (uint8_t)(value >> 8 * (big ? size - 1 - i : i)));
}

static inline void put_pcap_header(pk_buf *buf, bool big, uint32_t magic, uint32_t link)
{
    put(buf, big, 4, magic);
    put(buf, big, 2, 2);
    put(buf, big, 2, 4);
    put(buf, big, 8, 0);
    put(buf, big, 4, 65535);
    put(buf, big, 4, link);
}

static inline void put_pcap_record(pk_buf *buf, bool big, uint32_t seconds, uint32_t fraction,
                                   uint32_t captured, uint32_t original)
{
    put(buf, big, 4, seconds);
    put(buf, big, 4, fraction);
    put(buf, big, 4, captured);
    put(buf, big, 4, original);
}

/* A block around a body that is there already; the body is padded. */
static inline void put_block(pk_buf *buf, bool big, uint32_t type, const pk_buf *body)
{
    uint32_t len = (uint32_t)(body->len + 3) / 4 * 4 + 12;
    put(buf, big, 4, type);
    put(buf, big, 4, len);
    pk_buf_add(buf, body->data, body->len);
    pk_buf_zeros(buf, len - 12 - body->len);
    put(buf, big, 4, len);
}

static inline void put_section(pk_buf *buf, bool big)
{
    pk_buf body = {0};
    put(&body, big, 4, 0x1a2b3c4d);
    put(&body, big, 2, 1);
    put(&body, big, 2, 0);
    put(&body, big, 8, UINT64_MAX);
    put_block(buf, big, 0x0a0d0d0a, &body);
    pk_buf_free(&body);
}

static inline void put_option(pk_buf *buf, bool big, uint16_t code, const void *data, uint16_t len)
{
    put(buf, big, 2, code);
    put(buf, big, 2, len);
    pk_buf_add(buf, data, len);
    pk_buf_zeros(buf, (4u - len % 4u) % 4u);
}

/* resolution: the byte of if_tsresol; 0 leaves it out. */
static inline void put_interface(pk_buf *buf, bool big, uint16_t link, uint32_t snap,
                                 uint8_t resolution, int64_t offset)
{
    pk_buf body = {0};
    put(&body, big, 2, link);
    put(&body, big, 2, 0);
    put(&body, big, 4, snap);
    if (resolution)
        put_option(&body, big, 9, &resolution, 1);
    if (offset) {
        put(&body, big, 2, 14);
        put(&body, big, 2, 8);
        put(&body, big, 8, (uint64_t)offset);
    }
    put_block(buf, big, 1, &body);
    pk_buf_free(&body);
}

static inline void put_packet(pk_buf *buf, bool big, uint32_t interface, uint64_t ticks,
                              const char *data, const pk_buf *options)
{
    pk_buf body = {0};
    uint32_t len = (uint32_t)strlen(data);
    put(&body, big, 4, interface);
    put(&body, big, 4, ticks >> 32);
    put(&body, big, 4, ticks & UINT32_MAX);
    put(&body, big, 4, len);
    put(&body, big, 4, len);
    pk_buf_add(&body, data, len);
    pk_buf_zeros(&body, (4u - len % 4u) % 4u);
    if (options)
        pk_buf_add(&body, options->data, options->len);
    put_block(buf, big, 6, &body);
    pk_buf_free(&body);
}

/* A file without a name that holds the bytes, at its start. */
static inline int file_of(const pk_buf *buf)
{
    int fd = memfd_create("capture", MFD_CLOEXEC);
    if (fd < 0 || write(fd, buf->data, buf->len) != (ssize_t)buf->len ||
        lseek(fd, 0, SEEK_SET) != 0) {
        perror("memfd");
        exit(1);
    }
    return fd;
}

/* A temporary folder for files by name; the caller removes it. */
static inline void make_folder(char path[64])
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(path, 64, "%.40s/pktc-io-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(path)) {
        perror("mkdtemp");
        exit(1);
    }
}

#endif
