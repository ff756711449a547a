#include "run/scope.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/literal.h"

typedef struct range {
    pk_u128 first, last;
} range;

typedef struct ranges {
    range *at;
    uint32_t count, room;
} ranges;

enum { FAMILIES = 2 /* by length of the address: 4, 16 */ };

static const struct {
    const char *prefix;
    bool reachable;
    const char *what;
} special[] = {
#define PK_SPECIAL(prefix, reachable, what) {prefix, reachable, what},
#include "run/special.def"
};
enum { SPECIALS = sizeof special / sizeof special[0] };

struct pk_scope {
    ranges lists[PK_SCOPE_LISTS][FAMILIES];
    range special[SPECIALS];
    uint8_t special_family[SPECIALS];
};

static pk_u128 number_of(const uint8_t *bytes, size_t len)
{
    pk_u128 number = 0;
    for (size_t i = 0; i < len; i++)
        number = number << 8 | bytes[i];
    return number;
}

/* ---- members ---- */

/* An address or prefix; *ret_family. */
static bool read_prefix(const char *text, size_t len, range *ret_range, unsigned *ret_family)
{
    pk_literal literal;
    pk_literal_fault fault;
    if (pk_literal_parse(text, len, &literal, &fault) != PK_LITERAL_FINE || literal.zone)
        return false;
    if (literal.kind != PK_LITERAL_IP4 && literal.kind != PK_LITERAL_IP6)
        return false;
    unsigned bits = literal.kind == PK_LITERAL_IP4 ? 32 : 128;
    unsigned prefix = literal.prefix ? literal.prefix - 1 : bits;
    pk_u128 number = number_of(literal.address, bits / 8);
    pk_u128 hosts = prefix == 0 && bits == 128 ? ~(pk_u128)0 : ((pk_u128)1 << (bits - prefix)) - 1;
    *ret_range = (range){number & ~hosts, number | hosts};
    *ret_family = literal.kind == PK_LITERAL_IP6;
    return true;
}

/* A prefix, or first-last. */
static bool read_member(const char *text, size_t len, range *ret_range, unsigned *ret_family)
{
    const char *dash = memchr(text, '-', len);
    if (!dash)
        return read_prefix(text, len, ret_range, ret_family);
    size_t before = (size_t)(dash - text);
    range first, last;
    unsigned family;
    if (!read_prefix(text, before, &first, ret_family) ||
        !read_prefix(dash + 1, len - before - 1, &last, &family))
        return false;
    *ret_range = (range){first.first, last.last};
    return family == *ret_family && first.first <= last.last;
}

static int add_range(ranges *list, range member, pk_error *reterr_)
{
    if (list->count == PK_SCOPE_MEMBER_LIMIT)
        return pk_error_set(reterr_, PK_ELIMIT,
                            "too many members of a list of addresses (limit %u)",
                            PK_SCOPE_MEMBER_LIMIT);
    if (list->count == list->room) {
        uint32_t room = list->room ? list->room * 2 : 64;
        range *at = realloc(list->at, room * sizeof *at);
        if (!at)
            return pk_error_set(reterr_, PK_ENOMEM, "no memory for a list of addresses");
        list->at = at;
        list->room = room;
    }
    list->at[list->count++] = member;
    return PK_OK;
}

static int add_text(pk_scope *scope, pk_scope_list list, const char *text, size_t len,
                    pk_error *reterr_)
{
    range member;
    unsigned family;
    if (!read_member(text, len, &member, &family))
        return pk_error_set(reterr_, PK_EFORMAT,
                            "`%.*s` is no address, prefix or range, as in 192.0.2.1, 10.0.0.0/8, "
                            "10.0.0.5-10.0.0.9 or 2001:db8::/32",
                            (int)len, text);
    return add_range(&scope->lists[list][family], member, reterr_);
}

int pk_scope_add(pk_scope *scope, pk_scope_list list, const char *text, pk_error *reterr_)
{
    return add_text(scope, list, text, strlen(text), reterr_);
}

/* The part of a line that says something. */
static const char *trim(char *line, size_t *ret_len)
{
    size_t len = strcspn(line, "#\n");
    while (len && strchr(" \t\r", line[len - 1]))
        len--;
    size_t blank = strspn(line, " \t");
    blank = blank < len ? blank : len;
    *ret_len = len - blank;
    return line + blank;
}

static int add_lines(pk_scope *scope, pk_scope_list list, FILE *file, const char *path,
                     pk_error *reterr_)
{
    char line[PK_SCOPE_LINE_LIMIT + 2];
    for (unsigned long number = 1; fgets(line, sizeof line, file); number++) {
        size_t len;
        const char *text = trim(line, &len);
        pk_error why = {0};
        int code = PK_OK;
        if (!strchr(line, '\n') && !feof(file))
            code = pk_error_set(&why, PK_ELIMIT, "the line is too long (limit %u)",
                                PK_SCOPE_LINE_LIMIT);
        else if (len)
            code = add_text(scope, list, text, len, &why);
        if (code)
            return pk_error_set(reterr_, code, "%s:%lu: %s", path, number, why.text);
    }
    return ferror(file) ? pk_error_sys(reterr_, errno, "cannot read %s", path) : PK_OK;
}

int pk_scope_add_file(pk_scope *scope, pk_scope_list list, const char *path, pk_error *reterr_)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return pk_error_sys(reterr_, errno, "cannot read %s", path);
    int code = add_lines(scope, list, file, path, reterr_);
    (void)fclose(file);
    return code;
}

/* ---- the scope ---- */

pk_scope *pk_scope_new(void)
{
    pk_scope *scope = calloc(1, sizeof *scope);
    for (size_t i = 0; scope && i < SPECIALS; i++) {
        unsigned family = 0;
        (void)read_prefix(special[i].prefix, strlen(special[i].prefix), &scope->special[i],
                          &family);
        scope->special_family[i] = (uint8_t)family;
    }
    return scope;
}

void pk_scope_free(pk_scope *scope)
{
    if (!scope)
        return;
    for (unsigned list = 0; list < PK_SCOPE_LISTS; list++)
        for (unsigned family = 0; family < FAMILIES; family++)
            free(scope->lists[list][family].at);
    free(scope);
}

static int by_first(const void *left, const void *right)
{
    const range *a = left, *b = right;
    return (a->first > b->first) - (a->first < b->first);
}

/* Sorted, and what overlaps made one. */
static void settle(ranges *list)
{
    uint32_t kept = 0;
    if (!list->count)
        return;
    qsort(list->at, list->count, sizeof *list->at, by_first);
    for (uint32_t i = 1; i < list->count; i++) {
        range *before = &list->at[kept];
        if (list->at[i].first > before->last)
            list->at[++kept] = list->at[i];
        else if (list->at[i].last > before->last)
            before->last = list->at[i].last;
    }
    list->count = kept + 1;
}

void pk_scope_settle(pk_scope *scope)
{
    for (unsigned list = 0; list < PK_SCOPE_LISTS; list++)
        for (unsigned family = 0; family < FAMILIES; family++)
            settle(&scope->lists[list][family]);
}

static bool has_members(const pk_scope *scope, pk_scope_list list)
{
    return scope->lists[list][0].count || scope->lists[list][1].count;
}

bool pk_scope_restricts(const pk_scope *scope)
{
    return has_members(scope, PK_SCOPE_EXCLUDED) || has_members(scope, PK_SCOPE_ONLY);
}

static bool holds(const ranges *list, pk_u128 address)
{
    uint32_t low = 0, high = list->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (list->at[middle].last < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->count && list->at[low].first <= address;
}

int pk_scope_special(const pk_scope *scope, pk_bytes address)
{
    pk_u128 number = number_of(address.data, address.len);
    for (int i = 0; i < SPECIALS; i++)
        if (scope->special_family[i] == (address.len == 16) && number >= scope->special[i].first &&
            number <= scope->special[i].last)
            return special[i].reachable ? -1 : i;
    return -1;
}

pk_scope_verdict pk_scope_judge(const pk_scope *scope, pk_bytes address, const char **ret_why)
{
    if (address.len != 4 && address.len != 16)
        return PK_SCOPE_FREE;
    unsigned family = address.len == 16;
    pk_u128 number = number_of(address.data, address.len);
    if (has_members(scope, PK_SCOPE_ONLY) && !holds(&scope->lists[PK_SCOPE_ONLY][family], number)) {
        *ret_why = "outside of the scope (--scope)";
        return PK_SCOPE_REFUSED;
    }
    if (holds(&scope->lists[PK_SCOPE_EXCLUDED][family], number)) {
        *ret_why = "excluded (--exclude)";
        return PK_SCOPE_REFUSED;
    }
    int row = pk_scope_special(scope, address);
    if (row < 0 || holds(&scope->lists[PK_SCOPE_ALLOWED][family], number))
        return PK_SCOPE_FREE;
    *ret_why = special[row].what;
    return PK_SCOPE_SPECIAL;
}
