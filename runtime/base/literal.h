/*
 * Literals: the text of integers, numbers, durations, rates and addresses, both ways.
 *
 * One reader serves the compiler's lexer, the values of parameters on a command line and the flags
 * of a standalone probe, so a value means the same thing wherever it is typed. It takes exactly one
 * literal, the whole of the given text, no blanks around it. It allocates nothing; what it cannot
 * read it describes by a fault: which rule was broken and where.
 *
 *   integer    1_000 0xff 0b1010 0o17, or with a count suffix: 64k 2M 1G (powers of 1000),
 *              64Ki 2Mi 1Gi (powers of 1024); 0 .. 2^64-1; no leading zeros
 *   number     1.5 (digits on both sides, at most 2^53 without the point, so that it is exact)
 *   duration   100ns 250us 10ms 1.5s 5min 2h, in whole nanoseconds
 *   rate       500pps 10kpps 2.5Mpps 1Gpps; 1bps 9kbps 10Mbps 1Gbps 1Tbps or bit kbit Mbit Gbit
 *              Tbit, always a second, always powers of 1000
 *   IPv4       192.0.2.1 or 192.0.2.0/24 (four decimal parts without leading zeros)
 *   IPv6       RFC 4291 section 2.2 text, with an optional %zone (RFC 4007) and /length behind it
 *   MAC        00:11:22:33:44:55
 */
#ifndef PK_BASE_LITERAL_H
#define PK_BASE_LITERAL_H

#include "base/buf.h"

typedef enum pk_literal_kind {
    PK_LITERAL_INT,
    PK_LITERAL_NUMBER,
    PK_LITERAL_DURATION,
    PK_LITERAL_RATE,
    PK_LITERAL_IP4,
    PK_LITERAL_IP6,
    PK_LITERAL_MAC
} pk_literal_kind;

typedef enum pk_literal_unit { PK_RATE_PACKETS, PK_RATE_BITS } pk_literal_unit;

typedef struct pk_literal {
    pk_literal_kind kind;
    pk_literal_unit unit; /* RATE */
    uint64_t integer;     /* INT; DURATION in nanoseconds */
    double number;        /* NUMBER; RATE per second */
    uint8_t address[16];  /* IP4, IP6, MAC: 4, 16, 6 bytes in network order */
    unsigned prefix;      /* IP4, IP6: prefix length + 1, 0 = none written */
    const char *zone;     /* IP6: into the text that was read, or NULL */
    size_t zone_len;
} pk_literal;

/* PK_LITERAL_FAULT(name, summary): the summary is the end of a sentence that begins with the text
 * that was read. */
#define PK_LITERAL_FAULTS(FAULT)                                          \
    FAULT(NOT_LITERAL, "is not an integer, duration, rate or address")    \
    FAULT(MILLI_OR_MINUTE, "is not a duration")                           \
    FAULT(UNKNOWN_UNIT, "has an unknown unit")                            \
    FAULT(BAD_DIGIT, "has a character that is no digit of its base")      \
    FAULT(UNDERSCORE, "has an underscore that is not between two digits") \
    FAULT(LEADING_ZERO, "has a leading zero")                             \
    FAULT(TOO_BIG, "is too big")                                          \
    FAULT(TOO_PRECISE, "has more digits than can be kept exactly")        \
    FAULT(NOT_WHOLE, "is not a whole number")                             \
    FAULT(IP4_PARTS, "is not an IPv4 address")                            \
    FAULT(IP4_OCTET, "has an octet above 255")                            \
    FAULT(PREFIX, "has a prefix length that is out of range")             \
    FAULT(IP6_GROUP, "has a group that is not one to four hex digits")    \
    FAULT(IP6_COUNT, "is not an IPv6 address")                            \
    FAULT(IP6_GAPS, "has more than one `::`")                             \
    FAULT(ZONE, "has an empty or malformed zone")                         \
    FAULT(MAC, "is not a MAC address")

typedef enum pk_literal_error {
    PK_LITERAL_FINE,
#define PK_LITERAL_FAULT_ENUM(name, summary) PK_LITERAL_E_##name,
    PK_LITERAL_FAULTS(PK_LITERAL_FAULT_ENUM)
#undef PK_LITERAL_FAULT_ENUM
} pk_literal_error;

typedef struct pk_literal_fault {
    pk_literal_error error;
    size_t at, len; /* the part of the text that is wrong */
} pk_literal_fault;

/* Reads `text`, all of it. On failure *ret_literal is untouched, *reterr_fault is set and the same
 * error is returned. */
pk_literal_error pk_literal_parse(const char *text, size_t len, pk_literal *ret_literal,
                                  pk_literal_fault *reterr_fault);

/* One sentence for the person who typed the text ("10m is not a duration"), and what to type
 * instead ("write 10ms or 10min"). The text is shown through the terminal escaper. */
void pk_literal_explain(pk_buf *out, const pk_literal_fault *fault, const char *text, size_t len);
void pk_literal_help(pk_buf *out, const pk_literal_fault *fault, const char *text, size_t len);

/* "integer", "IPv4 address", ... */
const char *pk_literal_kind_name(pk_literal_kind kind);

/* Addresses as text: dotted decimal; RFC 5952 with IPv4-mapped addresses in mixed notation
 * (section 5); lower-case pairs with colons. Reading them back gives the same bytes. */
void pk_literal_add_ip4(pk_buf *out, const uint8_t address[static 4]);
void pk_literal_add_ip6(pk_buf *out, const uint8_t address[static 16]);

/* The same into room for PK_LITERAL_IP6_TEXT bytes; returns its end. */
enum { PK_LITERAL_IP6_TEXT = 48 };
uint8_t *pk_literal_put_ip6(uint8_t *to, const uint8_t address[static 16]);
void pk_literal_add_mac(pk_buf *out, const uint8_t address[static 6]);

/* Durations (nanoseconds) and rates as the shortest literal that reads back to the same value. */
void pk_literal_add_duration(pk_buf *out, uint64_t nanoseconds);
void pk_literal_add_rate(pk_buf *out, double per_second, pk_literal_unit unit);

#endif
