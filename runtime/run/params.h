/*
 * Parameters given as text: what a person types behind --name or -D name=, as the parameter's type
 * wants it.
 *
 *   int uN    22  0x16  64k            (uN: must fit N bits)
 *   rate      500pps  10Mbps  line     duration  2s  10ms       bool  true false yes no 1 0
 *   ip4 ip6 mac                        bytes     x"00 ff"  or the text itself
 *   text iface file                    the text itself
 *   set of..  members by comma, in brackets or not: 22,80,8000..8100   1..9 step 2
 *             10.0.0.0/24   10.0.0.1..10.0.0.20   [22, 80] except 80
 *             @FILE: members from a file, a line each, # begins a comment
 *
 * Values are borrowed from the arena, which must outlive the machine. Errors name the parameter,
 * what is wrong with which part of the text, its type and an example.
 */
#ifndef PK_RUN_PARAMS_H
#define PK_RUN_PARAMS_H

#include "base/arena.h"
#include "base/error.h"
#include "vm/vm.h"

#define PK_PARAMS_FILE_LIMIT (64u * 1024u * 1024u) /* bytes of a file of members */

/* Sets parameter `name` of the image from `text`. PK_ENOENT for an unknown name (with the names
 * there are), PK_EFORMAT for a text that is no such value, PK_EIO for a file. */
int pk_params_assign(pk_vm *vm, const pk_image *image, pk_arena *arena, const char *name,
                     const char *text, pk_error *reterr_);

/* The parameter of that name; 0 = none. */
pk_ref pk_params_find(const pk_image *image, const char *name);

/* PK_OK when each parameter without a default is among the `given` (n_given references); else
 * PK_EFORMAT with their names. */
int pk_params_complete(const pk_image *image, const pk_ref *given, uint32_t n_given,
                       pk_error *reterr_);

/* "set of IPv4 addresses", "duration": how a help text says a parameter's type; and an example. */
void pk_params_type_text(const pk_image *image, pk_ref param, pk_buf *out);
const char *pk_params_example(const pk_image *image, pk_ref param);

#endif
