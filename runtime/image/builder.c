#include "image/builder.h"

#include <stdlib.h>
#include <string.h>

#include "image/format.h"

/* The largest record; what a failed or reserved reference points at. */
typedef union any_record {
#define PK_SECTION(id, field, type) type id;
    PK_SECTIONS
#undef PK_SECTION
} any_record;

typedef struct rows {
    uint8_t *data;
    uint32_t count, cap; /* records */
} rows;

/* Content to reference, open addressing; reference 0 = free. */
typedef struct intern_entry {
    pk_ref ref;
    uint32_t hash;
} intern_entry;
typedef struct intern {
    intern_entry *entries;
    uint32_t count, cap; /* cap is a power of two, or 0 */
} intern;

struct pk_image_builder {
    rows tables[PK_SEC_COUNT_OF];
    intern texts, blobs;
    uint64_t bytes; /* of all records */
    int failure;    /* sticky: 0, PK_ENOMEM or PK_ELIMIT */
    any_record dummy;
};

static bool is_bytes(pk_section section)
{
    return pk_image_record_size(section) == 1;
}

static bool table_reserve(rows *table, size_t record, uint32_t count)
{
    if (count <= table->cap - table->count)
        return true;
    uint64_t cap = table->cap ? (uint64_t)table->cap * 2 : 16;
    if (cap < (uint64_t)table->count + count)
        cap = (uint64_t)table->count + count;
    uint8_t *data = realloc(table->data, (size_t)cap * record);
    if (!data)
        return false;
    table->data = data;
    table->cap = (uint32_t)cap;
    return true;
}

/* Room for `count` records, which the caller fills. */
static pk_ref rows_add(pk_image_builder *builder, pk_section section, uint32_t count)
{
    rows *table = &builder->tables[section];
    size_t record = pk_image_record_size(section);
    uint64_t size = (uint64_t)count * record;
    if (builder->failure)
        return 0;
    if (builder->bytes + size > PK_IMAGE_SIZE_LIMIT) {
        builder->failure = PK_ELIMIT;
        return 0;
    }
    if (!table_reserve(table, record, count)) {
        builder->failure = PK_ENOMEM;
        return 0;
    }
    pk_ref first = table->count;
    table->count += count;
    builder->bytes += size;
    return first;
}

pk_ref pk_image_builder_add(pk_image_builder *builder, pk_section section, uint32_t count)
{
    pk_ref first = rows_add(builder, section, count);
    size_t record = pk_image_record_size(section);
    if (!builder->failure && count)
        memset(builder->tables[section].data + first * record, 0, count * record);
    return first;
}

pk_ref pk_image_builder_put(pk_image_builder *builder, pk_section section, const void *records,
                            uint32_t count)
{
    pk_ref first = rows_add(builder, section, count);
    size_t record = pk_image_record_size(section);
    if (!builder->failure && count)
        memcpy(builder->tables[section].data + first * record, records, count * record);
    return first;
}

void *pk_image_builder_at(pk_image_builder *builder, pk_section section, pk_ref ref)
{
    const rows *table = &builder->tables[section];
    if (ref < table->count && (ref || is_bytes(section)))
        return table->data + (size_t)ref * pk_image_record_size(section);
    memset(&builder->dummy, 0, sizeof builder->dummy);
    return &builder->dummy;
}

uint32_t pk_image_builder_count(const pk_image_builder *builder, pk_section section)
{
    return builder->tables[section].count;
}

/* ---- interning ------------------------------------------------------------------------------- */

static uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* All of at most 8 bytes, none beyond them. */
static uint64_t few_bytes(const uint8_t *bytes, size_t len)
{
    uint32_t first, last;
    if (len == 8)
        return word_at(bytes);
    if (len >= 4) {
        memcpy(&first, bytes, sizeof first);
        memcpy(&last, bytes + len - 4, sizeof last);
        return first | (uint64_t)last << 32;
    }
    return len ? bytes[0] | (uint64_t)bytes[len / 2] << 8 | (uint64_t)bytes[len - 1] << 16 : 0;
}

static uint64_t hash_step(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    return hash ^ hash >> 32;
}

/* A word at a time: the strings are short and the caller is trusted. */
static uint32_t bytes_hash(pk_bytes bytes)
{
    uint64_t hash = bytes.len;
    size_t at = 0;
    for (; bytes.len - at > 8; at += 8)
        hash = hash_step(hash, word_at(bytes.data + at));
    return (uint32_t)hash_step(hash, few_bytes(bytes.data + at, bytes.len - at));
}

static pk_bytes text_at(const pk_image_builder *builder, pk_ref ref)
{
    const uint8_t *data = builder->tables[PK_SEC_STR].data + ref;
    return (pk_bytes){data, strlen((const char *)data)};
}

static pk_bytes blob_at(const pk_image_builder *builder, pk_ref ref)
{
    pk_image_blob blob = ((const pk_image_blob *)builder->tables[PK_SEC_BLB].data)[ref];
    return (pk_bytes){builder->tables[PK_SEC_DATA].data + blob.off, blob.len};
}

typedef pk_bytes content_at(const pk_image_builder *builder, pk_ref ref);

/* Where `bytes` stands or would stand. The table is never full. */
static intern_entry *intern_slot(const pk_image_builder *builder, const intern *map, content_at *at,
                                 pk_bytes bytes, uint32_t hash)
{
    uint32_t mask = map->cap - 1;
    for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
        intern_entry *entry = &map->entries[i];
        if (!entry->ref)
            return entry;
        if (entry->hash != hash)
            continue;
        pk_bytes have = at(builder, entry->ref);
        if (have.len == bytes.len && memcmp(have.data, bytes.data, bytes.len) == 0)
            return entry;
    }
}

/* Contents in the table are distinct: the first free place is right. */
static void intern_move(intern *map, intern_entry entry)
{
    uint32_t i = entry.hash & (map->cap - 1);
    while (map->entries[i].ref)
        i = (i + 1) & (map->cap - 1);
    map->entries[i] = entry;
}

/* Room for `count` contents in all, with as many places free. */
static bool intern_reserve(intern *map, uint32_t count)
{
    if (count <= map->cap / 2)
        return true;
    intern bigger = {.count = map->count, .cap = map->cap ? map->cap * 2 : 256};
    while (count > bigger.cap / 2)
        bigger.cap *= 2;
    bigger.entries = calloc(bigger.cap, sizeof *bigger.entries);
    if (!bigger.entries)
        return false;
    for (uint32_t i = 0; i < map->cap; i++)
        if (map->entries[i].ref)
            intern_move(&bigger, map->entries[i]);
    free(map->entries);
    *map = bigger;
    return true;
}

/* The entry for `bytes`, whose reference is 0 when it is new; NULL after a (now sticky) failure. */
static intern_entry *intern_find(pk_image_builder *builder, intern *map, content_at *at,
                                 pk_bytes bytes)
{
    if (builder->failure)
        return NULL;
    if (!intern_reserve(map, map->count + 1)) {
        builder->failure = PK_ENOMEM;
        return NULL;
    }
    uint32_t hash = bytes_hash(bytes);
    intern_entry *entry = intern_slot(builder, map, at, bytes, hash);
    if (!entry->ref)
        entry->hash = hash;
    return entry;
}

static void intern_put(intern *map, intern_entry *entry, pk_ref ref)
{
    entry->ref = ref;
    map->count++;
}

pk_ref pk_image_builder_text(pk_image_builder *builder, const char *text, size_t len)
{
    len = strnlen(text, len);
    intern_entry *entry =
        len ? intern_find(builder, &builder->texts, text_at, (pk_bytes){(const uint8_t *)text, len})
            : NULL;
    if (!entry || entry->ref)
        return entry ? entry->ref : 0;
    if (len >= PK_IMAGE_SIZE_LIMIT) {
        builder->failure = PK_ELIMIT;
        return 0;
    }
    pk_ref ref = PK_ADD(builder, STR, (uint32_t)len + 1);
    if (!ref)
        return 0;
    memcpy(PK_AT(builder, STR, ref), text, len);
    intern_put(&builder->texts, entry, ref);
    return ref;
}

pk_ref pk_image_builder_blob(pk_image_builder *builder, const void *bytes, size_t len)
{
    pk_bytes want = {bytes, len};
    intern_entry *entry = len ? intern_find(builder, &builder->blobs, blob_at, want) : NULL;
    if (!entry || entry->ref)
        return entry ? entry->ref : 0;
    if (len >= PK_IMAGE_SIZE_LIMIT) {
        builder->failure = PK_ELIMIT;
        return 0;
    }
    uint32_t off = PK_ADD(builder, DATA, (uint32_t)len);
    pk_ref ref = PK_ADD(builder, BLB, 1);
    if (!off || !ref)
        return 0;
    memcpy(PK_AT(builder, DATA, off), bytes, len);
    *PK_AT(builder, BLB, ref) = (pk_image_blob){off, (uint32_t)len};
    intern_put(&builder->blobs, entry, ref);
    return ref;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void intern_all(pk_image_builder *builder)
{
    enum { BYTES_A_TEXT = 8 }; /* texts are not shorter on average: saves growing step by step */
    uint32_t end = builder->tables[PK_SEC_STR].count;
    if (!intern_reserve(&builder->texts, end / BYTES_A_TEXT))
        builder->failure = PK_ENOMEM;
    for (pk_ref ref = 1; ref < end;) {
        pk_bytes text = text_at(builder, ref);
        intern_entry *entry = intern_find(builder, &builder->texts, text_at, text);
        if (entry && !entry->ref)
            intern_put(&builder->texts, entry, ref);
        ref += (uint32_t)text.len + 1;
    }
    for (pk_ref ref = 1; ref < builder->tables[PK_SEC_BLB].count; ref++) {
        intern_entry *entry = intern_find(builder, &builder->blobs, blob_at, blob_at(builder, ref));
        if (entry && !entry->ref)
            intern_put(&builder->blobs, entry, ref);
    }
}

/* A section of the base, with room for what a program adds. */
static void copy_section(pk_image_builder *builder, const pk_image *base, pk_section section)
{
    rows *table = &builder->tables[section];
    size_t record = pk_image_record_size(section);
    uint32_t count;
    const void *data = pk_image_section_data(base, section, &count);
    if (!table_reserve(table, record, count + count / 8 + 16)) {
        builder->failure = PK_ENOMEM;
        return;
    }
    (void)pk_image_builder_put(builder, section, data, count);
}

pk_image_builder *pk_image_builder_new(const pk_image *base)
{
    pk_image_builder *builder = calloc(1, sizeof *builder);
    if (!builder)
        return NULL;
    for (int i = 0; i < PK_SEC_COUNT_OF; i++) {
        if (base)
            copy_section(builder, base, (pk_section)i);
        else
            (void)pk_image_builder_add(builder, (pk_section)i, 1);
    }
    if (!builder->failure)
        intern_all(builder);
    if (builder->failure) {
        pk_image_builder_free(builder);
        return NULL;
    }
    return builder;
}

void pk_image_builder_free(pk_image_builder *builder)
{
    if (!builder)
        return;
    for (int i = 0; i < PK_SEC_COUNT_OF; i++)
        free(builder->tables[i].data);
    free(builder->texts.entries);
    free(builder->blobs.entries);
    free(builder);
}

void pk_image_builder_view(pk_image_builder *builder, pk_image *ret_image)
{
    *ret_image = (pk_image){0};
#define PK_SECTION(id, field_, type)                                     \
    ret_image->field_ = (const void *)builder->tables[PK_SEC_##id].data; \
    ret_image->n_##field_ = builder->tables[PK_SEC_##id].count;
    PK_SECTIONS /* asked for all the time: no call for each */
#undef PK_SECTION
}

int pk_image_builder_failure(const pk_image_builder *builder)
{
    return builder->failure;
}

/* ---- writing --------------------------------------------------------------------------------- */

static uint64_t aligned(uint64_t off)
{
    return (off + 7) & ~(uint64_t)7;
}

/* Fills `entries` with the sections that hold something; returns how many, the image's size in
 * *ret_size. */
static uint32_t lay_out(const pk_image_builder *builder, pk_image_section *entries,
                        uint64_t *ret_size)
{
    uint32_t n = 0;
    for (int i = 0; i < PK_SEC_COUNT_OF; i++)
        n += builder->tables[i].count > 1;
    uint64_t off = sizeof(pk_image_header) + n * sizeof *entries;
    n = 0;
    for (int i = 0; i < PK_SEC_COUNT_OF; i++) {
        if (builder->tables[i].count <= 1)
            continue;
        uint32_t record = pk_image_record_size((pk_section)i);
        entries[n] = (pk_image_section){
            .id = (uint32_t)i,
            .flags = i == PK_SEC_SRC ? 0 : PK_SECTION_REQUIRED,
            .off = off,
            .len = (uint64_t)builder->tables[i].count * record,
            .record = record,
        };
        off = aligned(off + entries[n++].len);
    }
    *ret_size = off;
    return n;
}

int pk_image_builder_finish(pk_image_builder *builder, pk_buf *out)
{
    pk_image_section entries[PK_SEC_COUNT_OF];
    pk_image_header header = {.version = PK_IMAGE_VERSION, .min_reader = 1};
    if (builder->failure)
        return builder->failure;
    header.n_sections = lay_out(builder, entries, &header.size);
    if (header.size > PK_IMAGE_SIZE_LIMIT)
        return PK_ELIMIT;
    memcpy(header.magic, PK_IMAGE_MAGIC, sizeof header.magic);
    size_t start = out->len;
    if (!pk_buf_reserve(out, (size_t)header.size))
        return PK_ENOMEM;
    pk_buf_add(out, &header, sizeof header);
    pk_buf_add(out, entries, header.n_sections * sizeof *entries);
    for (uint32_t i = 0; i < header.n_sections; i++) {
        pk_buf_add(out, builder->tables[entries[i].id].data, (size_t)entries[i].len);
        pk_buf_zeros(out, (size_t)(aligned(entries[i].len) - entries[i].len));
    }
    header.hash = pk_image_hash(out->data + start, (size_t)header.size);
    memcpy(out->data + start, &header, sizeof header);
    return PK_OK;
}
