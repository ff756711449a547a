#include "tree/prepared.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "tree/script.h"

/* ---- life ------------------------------------------------------------------------------------ */

pk_writer_cache *pk_writer_cache_new(const pk_image *image)
{
    pk_writer_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return NULL;
    cache->image = image;
    cache->fields = calloc(image->n_fields, sizeof *cache->fields);
    cache->names = calloc(image->n_enums, sizeof *cache->names);
    cache->layers = calloc(image->n_layers, sizeof *cache->layers);
    if (!cache->fields || !cache->names || !cache->layers) {
        pk_writer_cache_free(cache);
        return NULL;
    }
    return cache;
}

void pk_writer_cache_free(pk_writer_cache *cache)
{
    if (!cache)
        return;
    free(cache->fields);
    free(cache->names);
    free(cache->layers);
    pk_scripts_free(cache->scripts);
    pk_buf_free(&cache->text);
    pk_arena_free(&cache->arena);
    free(cache);
}

bool pk_prepared_keep(pk_writer_cache *cache, size_t start, pk_prepared_text *ret_text)
{
    if (cache->text.failed || cache->text.len > UINT32_MAX) {
        cache->text.len = start;
        cache->text.failed = false;
        return false;
    }
    *ret_text = (pk_prepared_text){(uint32_t)start, (uint32_t)(cache->text.len - start)};
    return true;
}

/* ---- names ----------------------------------------------------------------------------------- */

static bool plain(const char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7e || *text == '"' || *text == '\\')
            return false;
    return true;
}

/* By value, and of equal values the first declared first. */
static int name_order(const void *a, const void *b)
{
    const pk_prepared_name *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return x->len < y->len ? -1 : x->len > y->len;
}

static void set_rows(pk_prepared_names *names, pk_prepared_name *rows, const pk_image *image,
                     const pk_image_enum *at)
{
    names->letters = true;
    for (uint32_t i = 0; i < at->n_entries; i++) {
        const pk_image_entry *entry = &image->entries[at->entries + i];
        const char *text = pk_image_text(image, entry->name);
        names->letters = names->letters && text[0] && !text[1];
        if (entry->value < 64 && !rows[entry->value].text) {
            rows[entry->value] = (pk_prepared_name){entry->value, text, (uint32_t)strlen(text)};
            names->longest += rows[entry->value].len + 1;
        }
    }
    names->longest += 24; /* what is left, as a number */
    names->n = 64;
}

/* While they are sorted, `len` is the entry's number. */
static void value_rows(pk_prepared_names *names, pk_prepared_name *rows, const pk_image *image,
                       const pk_image_enum *at)
{
    for (uint32_t i = 0; i < at->n_entries; i++)
        rows[i] = (pk_prepared_name){image->entries[at->entries + i].value, NULL, i};
    qsort(rows, at->n_entries, sizeof *rows, name_order);
    for (uint32_t i = 0; i < at->n_entries; i++) {
        rows[i].text = pk_image_text(image, image->entries[at->entries + rows[i].len].name);
        rows[i].len = (uint32_t)strlen(rows[i].text);
        if (rows[i].len > names->longest)
            names->longest = rows[i].len;
    }
    names->n = at->n_entries;
}

static void study_names(pk_writer_cache *cache, pk_ref ref)
{
    const pk_image *image = cache->image;
    const pk_image_enum *at = &image->enums[ref];
    pk_prepared_names *names = &cache->names[ref];
    names->ready = true;
    names->general = true;
    names->is_set = at->flags & 1;
    for (uint32_t i = 0; i < at->n_entries; i++)
        if (!plain(pk_image_text(image, image->entries[at->entries + i].name)))
            return;
    uint32_t n = names->is_set ? 64 : at->n_entries;
    pk_prepared_name *rows = pk_arena_alloc(&cache->arena, (n + 1) * sizeof *rows);
    if (!rows)
        return;
    memset(rows, 0, (n + 1) * sizeof *rows);
    if (names->is_set)
        set_rows(names, rows, image, at);
    else
        value_rows(names, rows, image, at);
    names->rows = rows;
    names->general = names->longest > UINT16_MAX;
}

static uint8_t *put_set(uint8_t *to, const pk_prepared_names *names, uint64_t value)
{
    uint8_t *start = to;
    uint64_t left = 0;
    for (; value; value &= value - 1) {
        const pk_prepared_name *row = &names->rows[__builtin_ctzll(value)];
        if (!row->text) {
            left |= value & -value;
            continue;
        }
        if (to > start && !names->letters)
            *to++ = '|';
        to = pk_put(to, row->text, row->len);
    }
    if (!left || to == start)
        return to;
    to = PK_PUT(to, "|0x");
    for (unsigned shift = (63 - (unsigned)__builtin_clzll(left)) / 4 * 4;; shift -= 4) {
        *to++ = (uint8_t) "0123456789abcdef"[left >> shift & 15];
        if (!shift)
            return to;
    }
}

static uint8_t *find_name(uint8_t *to, const pk_prepared_names *names, uint64_t value)
{
    uint32_t lo = 0, hi = names->n;
    if (names->is_set)
        return put_set(to, names, value);
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (names->rows[mid].value < value)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == names->n || names->rows[lo].value != value)
        return to;
    return pk_put(to, names->rows[lo].text, names->rows[lo].len);
}

uint8_t *pk_prepared_find_name(uint8_t *to, pk_prepared_names *names, uint64_t value)
{
    uint8_t *end = find_name(to, names, value);
    size_t len = (size_t)(end - to);
    if (len > sizeof names->last_text)
        return end;
    names->last = value;
    names->last_len = (uint8_t)len;
    names->has_last = true;
    memcpy(names->last_text, to, len);
    return end;
}

/* ---- fields ---------------------------------------------------------------------------------- */

static pk_prepared_kind kind_of(const pk_image_field *field)
{
    bool little_group = field->group_bits && (field->flags & PK_FIELD_GROUP_LE);
    if (field->codec || field->select || little_group)
        return PK_PREPARED_GENERAL;
    switch ((pk_type)field->type) {
    case PK_TYPE_UINT:
        return field->bits > 64 ? PK_PREPARED_GENERAL : PK_PREPARED_UNSIGNED;
    case PK_TYPE_INT:
        return field->bits > 64 ? PK_PREPARED_GENERAL : PK_PREPARED_SIGNED;
    case PK_TYPE_IP4:
        return field->bits == 32 ? PK_PREPARED_IP4 : PK_PREPARED_GENERAL;
    case PK_TYPE_IP6:
        return field->bits == 128 ? PK_PREPARED_IP6 : PK_PREPARED_GENERAL;
    case PK_TYPE_MAC:
        return field->bits == 48 ? PK_PREPARED_MAC : PK_PREPARED_GENERAL;
    case PK_TYPE_BYTES:
        return PK_PREPARED_BYTES;
    case PK_TYPE_STRUCT:
    case PK_TYPE_ULEB:
    case PK_TYPE_UVLQ:
        break;
    }
    return PK_PREPARED_GENERAL;
}

const pk_prepared_field *pk_prepared_study(pk_writer_cache *cache, pk_ref field)
{
    const pk_image_field *at = &cache->image->fields[field];
    pk_prepared_field *row = &cache->fields[field];
    row->kind = (uint8_t)kind_of(at);
    row->little = at->flags & PK_FIELD_LE;
    row->bits = at->bits;
    row->off = at->fixed_off;
    if (at->fixed_off != UINT32_MAX && at->group_bits)
        row->off += (uint32_t)(at->group_bits - at->group_shift - at->bits);
    if (!at->names || row->kind == PK_PREPARED_GENERAL)
        return row;
    if (!cache->names[at->names].ready)
        study_names(cache, at->names);
    row->names = &cache->names[at->names];
    if (row->names->general)
        row->kind = PK_PREPARED_GENERAL;
    return row;
}

/* ---- text ------------------------------------------------------------------------------------ */

/* Three digits each, and how many of them are written when nothing stands before. */
#define THREE(h, t, u)                                     \
    {                                                      \
        (h), (t), (u), (h) != '0' ? 3 : (t) != '0' ? 2 : 1 \
    }
#define TEN(h, t)                                                                             \
    THREE(h, t, '0'), THREE(h, t, '1'), THREE(h, t, '2'), THREE(h, t, '3'), THREE(h, t, '4'), \
        THREE(h, t, '5'), THREE(h, t, '6'), THREE(h, t, '7'), THREE(h, t, '8'), THREE(h, t, '9')
#define HUNDRED(h)                                                                             \
    TEN(h, '0'), TEN(h, '1'), TEN(h, '2'), TEN(h, '3'), TEN(h, '4'), TEN(h, '5'), TEN(h, '6'), \
        TEN(h, '7'), TEN(h, '8'), TEN(h, '9')
const uint8_t pk_put_threes[1001][4] = {HUNDRED('0'), HUNDRED('1'), HUNDRED('2'), HUNDRED('3'),
                                        HUNDRED('4'), HUNDRED('5'), HUNDRED('6'), HUNDRED('7'),
                                        HUNDRED('8'), HUNDRED('9')};

#define OF(h, l) \
    {            \
        h, l     \
    }
#define SIXTEEN(h)                                                                          \
    OF(h, '0'), OF(h, '1'), OF(h, '2'), OF(h, '3'), OF(h, '4'), OF(h, '5'), OF(h, '6'),     \
        OF(h, '7'), OF(h, '8'), OF(h, '9'), OF(h, 'a'), OF(h, 'b'), OF(h, 'c'), OF(h, 'd'), \
        OF(h, 'e'), OF(h, 'f')
static const uint8_t hexadecimal[256][2] = {SIXTEEN('0'), SIXTEEN('1'), SIXTEEN('2'), SIXTEEN('3'),
                                            SIXTEEN('4'), SIXTEEN('5'), SIXTEEN('6'), SIXTEEN('7'),
                                            SIXTEEN('8'), SIXTEEN('9'), SIXTEEN('a'), SIXTEEN('b'),
                                            SIXTEEN('c'), SIXTEEN('d'), SIXTEEN('e'), SIXTEEN('f')};

uint8_t *pk_put_long(uint8_t *to, uint64_t number)
{
    if (number < 1000000) {
        to = pk_put_unsigned(to, number / 1000);
        memcpy(to, pk_put_threes[number % 1000], 4);
        return to + 3;
    }
    unsigned parts[7], n = 0;
    for (; number >= 1000; number /= 1000)
        parts[n++] = (unsigned)(number % 1000);
    to = pk_put_unsigned(to, number);
    while (n-- > 0)
        to = pk_put(to, pk_put_threes[parts[n]], 3);
    return to;
}

static inline uint8_t *put_byte(uint8_t *to, unsigned byte)
{
    memcpy(to, hexadecimal[byte], 2);
    return to + 2;
}

/* Sixteen bytes at once: nibbles above 9 get what lies between '9' and 'a' added. */
typedef uint8_t vector __attribute__((vector_size(16)));

static inline vector digits_of(vector nibbles)
{
    vector above = (vector)(nibbles > 9);
    return nibbles + '0' + (above & ('a' - '9' - 1));
}

static inline uint8_t *put_sixteen(uint8_t *to, const uint8_t *bytes)
{
    vector all;
    memcpy(&all, bytes, sizeof all);
    vector high = digits_of(all >> 4), low = digits_of(all & 15);
    vector first =
        __builtin_shufflevector(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    vector second = __builtin_shufflevector(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29,
                                            14, 30, 15, 31);
    memcpy(to, &first, sizeof first);
    memcpy(to + sizeof first, &second, sizeof second);
    return to + sizeof first + sizeof second;
}

uint8_t *pk_put_hex(uint8_t *to, const uint8_t *bytes, size_t len)
{
    size_t i = 0;
    for (; i + sizeof(vector) <= len; i += sizeof(vector))
        to = put_sixteen(to, bytes + i);
    for (; i < len; i++)
        to = put_byte(to, bytes[i]);
    return to;
}

uint8_t *pk_put_ip4(uint8_t *to, const uint8_t *bytes)
{
    for (unsigned i = 0; i < 4; i++) {
        to = pk_put_unsigned(to, bytes[i]);
        *to++ = '.';
    }
    return to - 1;
}

uint8_t *pk_put_mac(uint8_t *to, const uint8_t *bytes)
{
    for (unsigned i = 0; i < 6; i++) {
        to = put_byte(to, bytes[i]);
        *to++ = ':';
    }
    return to - 1;
}
