/*
 * Which destinations a run may send to.
 *
 * Three lists of addresses, of both versions of IP: what is excluded; what is in scope (when that
 * list has members nothing else may be sent to); and what is allowed although it is of special
 * purpose (special.def). Members are written
 *
 *   192.0.2.1    10.0.0.0/8    10.0.0.5-10.0.0.9    2001:db8::/32
 *
 * and in files one to a line, with # before a comment. The lists are sorted ranges: a question
 * costs a binary search however many members there are.
 *
 * A scope owns its memory. It is filled, settled, and then asked.
 */
#ifndef PK_RUN_SCOPE_H
#define PK_RUN_SCOPE_H

#include "base/error.h"
#include "base/types.h"

#define PK_SCOPE_LINE_LIMIT   256u                /* bytes of a line of a file */
#define PK_SCOPE_MEMBER_LIMIT (UINT32_C(1) << 24) /* members of one list */

typedef enum pk_scope_list {
    PK_SCOPE_EXCLUDED,
    PK_SCOPE_ONLY,
    PK_SCOPE_ALLOWED,
    PK_SCOPE_LISTS
} pk_scope_list;

typedef struct pk_scope pk_scope;

pk_scope *pk_scope_new(void); /* NULL: no memory */
void pk_scope_free(pk_scope *scope);

/* One member. PK_EFORMAT for a text that is none. */
int pk_scope_add(pk_scope *scope, pk_scope_list list, const char *text, pk_error *reterr_);

/* All of a file; a bad line is PK_EFORMAT with the file's name and the line's number. */
int pk_scope_add_file(pk_scope *scope, pk_scope_list list, const char *path, pk_error *reterr_);

/* After the last member, before the first question. */
void pk_scope_settle(pk_scope *scope);

/* Is anything listed but what is allowed? */
bool pk_scope_restricts(const pk_scope *scope);

typedef enum pk_scope_verdict {
    PK_SCOPE_FREE,
    PK_SCOPE_SPECIAL, /* of special purpose and not allowed: no business of a router's */
    PK_SCOPE_REFUSED  /* excluded, or outside of the scope */
} pk_scope_verdict;

/* `address` has 4 or 16 bytes (others are free). *ret_why, static text, says of what is not free
 * what it is. */
pk_scope_verdict pk_scope_judge(const pk_scope *scope, pk_bytes address, const char **ret_why);

/* The row of special.def that holds the address; -1: none, or one that is reachable from everywhere.
 */
int pk_scope_special(const pk_scope *scope, pk_bytes address);

#endif
