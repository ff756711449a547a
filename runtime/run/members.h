/*
 * Values and members of sets given as text: behind an option, or in a file, a line each.
 *
 *   int uN    22  0x16  64k            (uN: must fit N bits)
 *   rate      500pps  10Mbps  line     duration  2s  10ms       bool  true false yes no 1 0
 *   ip4 ip6 mac                        bytes     x"00 ff"  or the text itself
 *   text iface file                    the text itself
 *   set of..  members by comma, in brackets or not: 22,80,8000..8100   1..9 step 2
 *             10.0.0.0/24   10.0.0.1..10.0.0.20   [22, 80] except 80   192.168.*.1-10
 *             @FILE: members from a file, a line each, # begins a comment
 *
 * An address may be a host name, which is looked up. A line of a file is what stands between the commas of a set; `#` begins a comment at the start of
 * a line or behind a blank. Read for a field, texts go through its codec, and a name among those of
 * the field is its number. Values are borrowed from the arena. Errors name the place, what is wrong
 * with which part of the text, the type and an example.
 */
#ifndef PK_RUN_MEMBERS_H
#define PK_RUN_MEMBERS_H

#include "base/arena.h"
#include "base/error.h"
#include "vm/vm.h"

/* What a text is read as, and for whom. */
typedef struct pk_reading {
    const pk_image *image;
    pk_param_type type;
    unsigned bits;             /* of an integer, 0 = 64 */
    bool is_set;               /* in messages: one value, or members of a set */
    pk_ref names;              /* ENU: names that stand for integers */
    const char *codec;         /* of a text, "" or NULL: none */
    unsigned width;            /* bytes of a text of constant size, else 0 */
    const char *where;         /* "--ports", "hosts.txt" */
    const char *what;          /* "ports", "ip.dst" */
    uint32_t line;             /* 0: none */
    const pk_env_files *hosts; /* for names in place of addresses, NULL: there are none */
    pk_arena *arena;
    pk_error *error;
} pk_reading;

int pk_reading_value(const pk_reading *r, const char *text, pk_value *ret_value);
int pk_reading_set(const pk_reading *r, const char *text, pk_set *set);
/* The members that stand a line each in `text`, which must live as long as the arena. */
int pk_reading_lines(const pk_reading *r, pk_bytes text, pk_set *set);

/* "set of IPv4 addresses", "duration"; and an example. */
void pk_reading_type_text(const pk_reading *r, pk_buf *out);
const char *pk_reading_example(const pk_reading *r);

#endif
