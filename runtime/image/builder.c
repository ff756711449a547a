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

/* Content to reference, open addressing; 0 = free. */
typedef struct intern {
    pk_ref *refs;
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

pk_ref pk_image_builder_add(pk_image_builder *builder, pk_section section, uint32_t count)
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
    if (count)
        memset(table->data + first * record, 0, count * record);
    table->count += count;
    builder->bytes += size;
    return first;
}

pk_ref pk_image_builder_put(pk_image_builder *builder, pk_section section, const void *records,
                            uint32_t count)
{
    pk_ref first = pk_image_builder_add(builder, section, count);
    if (first && count)
        memcpy(pk_image_builder_at(builder, section, first), records,
               count * pk_image_record_size(section));
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

/* FNV-1a, 32 bits: the strings are short and the caller is trusted. */
static uint32_t bytes_hash(pk_bytes bytes)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ bytes.data[i]) * 16777619U;
    return hash;
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
static pk_ref *intern_slot(const pk_image_builder *builder, const intern *map, content_at *at,
                           pk_bytes bytes)
{
    uint32_t mask = map->cap - 1;
    for (uint32_t i = bytes_hash(bytes) & mask;; i = (i + 1) & mask) {
        if (!map->refs[i])
            return &map->refs[i];
        pk_bytes have = at(builder, map->refs[i]);
        if (have.len == bytes.len && memcmp(have.data, bytes.data, bytes.len) == 0)
            return &map->refs[i];
    }
}

static bool intern_reserve(pk_image_builder *builder, intern *map, content_at *at)
{
    if (map->count + 1 <= map->cap / 2)
        return true;
    intern bigger = {.count = map->count, .cap = map->cap ? map->cap * 2 : 256};
    bigger.refs = calloc(bigger.cap, sizeof *bigger.refs);
    if (!bigger.refs)
        return false;
    for (uint32_t i = 0; i < map->cap; i++)
        if (map->refs[i])
            *intern_slot(builder, &bigger, at, at(builder, map->refs[i])) = map->refs[i];
    free(map->refs);
    *map = bigger;
    return true;
}

/* The slot for `bytes`, or NULL after a (now sticky) failure. */
static pk_ref *intern_find(pk_image_builder *builder, intern *map, content_at *at, pk_bytes bytes)
{
    if (builder->failure)
        return NULL;
    if (!intern_reserve(builder, map, at)) {
        builder->failure = PK_ENOMEM;
        return NULL;
    }
    return intern_slot(builder, map, at, bytes);
}

pk_ref pk_image_builder_text(pk_image_builder *builder, const char *text, size_t len)
{
    len = strnlen(text, len);
    pk_ref *slot =
        len ? intern_find(builder, &builder->texts, text_at, (pk_bytes){(const uint8_t *)text, len})
            : NULL;
    if (!slot || *slot)
        return slot ? *slot : 0;
    if (len >= PK_IMAGE_SIZE_LIMIT) {
        builder->failure = PK_ELIMIT;
        return 0;
    }
    pk_ref ref = PK_ADD(builder, STR, (uint32_t)len + 1);
    if (!ref)
        return 0;
    memcpy(PK_AT(builder, STR, ref), text, len);
    *slot = ref;
    builder->texts.count++;
    return ref;
}

pk_ref pk_image_builder_blob(pk_image_builder *builder, const void *bytes, size_t len)
{
    pk_bytes want = {bytes, len};
    pk_ref *slot = len ? intern_find(builder, &builder->blobs, blob_at, want) : NULL;
    if (!slot || *slot)
        return slot ? *slot : 0;
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
    *slot = ref;
    builder->blobs.count++;
    return ref;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void intern_all(pk_image_builder *builder)
{
    uint32_t end = builder->tables[PK_SEC_STR].count;
    for (pk_ref ref = 1; ref < end;) {
        pk_bytes text = text_at(builder, ref);
        pk_ref *slot = intern_find(builder, &builder->texts, text_at, text);
        if (slot && !*slot) {
            *slot = ref;
            builder->texts.count++;
        }
        ref += (uint32_t)text.len + 1;
    }
    for (pk_ref ref = 1; ref < builder->tables[PK_SEC_BLB].count; ref++) {
        pk_ref *slot = intern_find(builder, &builder->blobs, blob_at, blob_at(builder, ref));
        if (slot && !*slot) {
            *slot = ref;
            builder->blobs.count++;
        }
    }
}

pk_image_builder *pk_image_builder_new(const pk_image *base)
{
    pk_image_builder *builder = calloc(1, sizeof *builder);
    if (!builder)
        return NULL;
    for (int i = 0; i < PK_SEC_COUNT_OF; i++) {
        pk_section section = (pk_section)i;
        uint32_t count = 1;
        const void *data = base ? pk_image_section_data(base, section, &count) : NULL;
        (void)pk_image_builder_add(builder, section, count);
        if (data && builder->tables[i].data && !builder->failure)
            memcpy(builder->tables[i].data, data, (size_t)count * pk_image_record_size(section));
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
    free(builder->texts.refs);
    free(builder->blobs.refs);
    free(builder);
}

void pk_image_builder_view(pk_image_builder *builder, pk_image *ret_image)
{
    *ret_image = (pk_image){0};
    for (int i = 0; i < PK_SEC_COUNT_OF; i++)
        pk_image_section_set(ret_image, (pk_section)i, builder->tables[i].data,
                             builder->tables[i].count);
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
