#include "image/image.h"

#include <stdio.h>
#include <string.h>

#include "image/format.h"

_Static_assert(sizeof(pk_insn) == 16 && sizeof(pk_image_header) == 64 &&
                   sizeof(pk_image_section) == 32 && sizeof(pk_image_layer) == 96 &&
                   sizeof(pk_image_field) == 64,
               "records have no padding; changing one means a new version");

static const struct {
    const char *name;
    uint32_t record;
} sections[] = {
#define PK_SECTION(id, field, type) {#id, sizeof(type)},
    PK_SECTIONS
#undef PK_SECTION
};

/* What an absent section holds: its reserved element 0. */
static const uint64_t reserved[sizeof(pk_image_layer) / 8];

uint32_t pk_image_record_size(pk_section section)
{
    return sections[section].record;
}

const char *pk_image_section_name(pk_section section)
{
    return sections[section].name;
}

const void *pk_image_section_data(const pk_image *image, pk_section section, uint32_t *ret_count)
{
    switch (section) {
#define PK_SECTION(id, field, type)    \
    case PK_SEC_##id:                  \
        *ret_count = image->n_##field; \
        return image->field;
        PK_SECTIONS
#undef PK_SECTION
    case PK_SEC_COUNT_OF:
        break;
    }
    *ret_count = 0;
    return NULL;
}

void pk_image_section_set(pk_image *image, pk_section section, const void *data, uint32_t count)
{
    switch (section) {
#define PK_SECTION(id, field_, type) \
    case PK_SEC_##id:                \
        image->field_ = data;        \
        image->n_##field_ = count;   \
        return;
        PK_SECTIONS
#undef PK_SECTION
    case PK_SEC_COUNT_OF:
        break;
    }
}

enum { LANES = 4 };

static inline uint64_t hash_step(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    return hash ^ hash >> 32;
}

static inline uint64_t word_at(const uint8_t *bytes, size_t word)
{
    uint64_t value;
    memcpy(&value, bytes + 8 * word, sizeof value);
    return value;
}

/* The lanes do not wait for each other. */
static void hash_words(uint64_t lanes[LANES], const uint8_t *bytes, size_t count)
{
    uint64_t a = lanes[0], b = lanes[1], c = lanes[2], d = lanes[3];
    for (; count >= LANES; count -= LANES, bytes += LANES * sizeof a) {
        a = hash_step(a, word_at(bytes, 0));
        b = hash_step(b, word_at(bytes, 1));
        c = hash_step(c, word_at(bytes, 2));
        d = hash_step(d, word_at(bytes, 3));
    }
    lanes[0] = count > 0 ? hash_step(a, word_at(bytes, 0)) : a;
    lanes[1] = count > 1 ? hash_step(b, word_at(bytes, 1)) : b;
    lanes[2] = count > 2 ? hash_step(c, word_at(bytes, 2)) : c;
    lanes[3] = d;
}

uint64_t pk_image_hash(const void *blob, size_t len)
{
    static const uint64_t start = 0x6a09e667f3bcc908;
    uint64_t lanes[LANES] = {start, start + 1, start + 2, start + 3};
    pk_image_header header = {0};
    size_t head = len < sizeof header ? len : sizeof header;
    memcpy(&header, blob, head);
    header.hash = 0;
    hash_words(lanes, (const uint8_t *)&header, head / 8);
    hash_words(lanes, (const uint8_t *)blob + head, (len - head) / 8);
    uint64_t hash = lanes[0];
    for (size_t k = 1; k < LANES; k++)
        hash = hash_step(hash, lanes[k]);
    return hash;
}

/* ---- loading --------------------------------------------------------------------------------- */

#define REFUSE(code, ...) return snprintf(reterr_text, reterr_size, __VA_ARGS__), (code)

/* A magic that a text-mode transfer or a 7-bit channel has been at. */
static bool magic_damaged(const uint8_t *bytes)
{
    return memcmp(bytes + 1, "PKT", 3) == 0 &&
           (bytes[0] == 0x89 || bytes[0] == 0x09 || bytes[0] == 0xc2 || bytes[0] == '?');
}

static int header_check(const void *blob, size_t len, pk_image_header *header, char *reterr_text,
                        size_t reterr_size)
{
    const uint8_t *bytes = blob;
    if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
        REFUSE(PK_EUNSUPPORTED, "images are little-endian, this machine is not");
    if (len >= 4 && (len < 8 || memcmp(bytes, PK_IMAGE_MAGIC, 8) != 0) && magic_damaged(bytes))
        REFUSE(PK_EFORMAT, "image damaged by a text-mode transfer: copy it as a binary file");
    if (len < 8 || memcmp(bytes, PK_IMAGE_MAGIC, 8) != 0)
        REFUSE(PK_EFORMAT, "not an image: it does not begin with the magic bytes");
    if (len < sizeof *header)
        REFUSE(PK_EFORMAT, "image cut short: %zu bytes hold no header", len);
    if ((uintptr_t)blob % 8 != 0)
        REFUSE(PK_EFORMAT, "image at an address that is not a multiple of 8");
    memcpy(header, blob, sizeof *header);
    if (header->min_reader > PK_IMAGE_VERSION)
        REFUSE(PK_EUNSUPPORTED, "image needs a reader of version %u, this one is version %d",
               header->min_reader, PK_IMAGE_VERSION);
    if (header->size > len)
        REFUSE(PK_EFORMAT, "image cut short: %zu of %llu bytes", len,
               (unsigned long long)header->size);
    if (header->size < len)
        REFUSE(PK_EFORMAT, "image followed by %zu bytes that do not belong to it",
               len - (size_t)header->size);
    if (len > PK_IMAGE_SIZE_LIMIT)
        REFUSE(PK_EFORMAT, "image of %zu bytes is too large (limit %d)", len, PK_IMAGE_SIZE_LIMIT);
    if (len % 8 != 0 || header->n_sections > (len - sizeof *header) / sizeof(pk_image_section))
        REFUSE(PK_EFORMAT, "image header is wrong about the size or the number of sections");
    return PK_OK;
}

/* Checks entry `entry`; `end` is where the part before it ended. */
static int section_check(const pk_image_section *entry, uint64_t end, size_t len, char *reterr_text,
                         size_t reterr_size)
{
    if (entry->off % 8 != 0)
        REFUSE(PK_EFORMAT, "section %u begins at %llu, which is not a multiple of 8", entry->id,
               (unsigned long long)entry->off);
    if (entry->off < end || entry->off > len || entry->len > len - entry->off)
        REFUSE(PK_EFORMAT, "section %u overlaps another or the end of the image", entry->id);
    if (entry->id >= PK_SEC_COUNT_OF) {
        if (entry->flags & PK_SECTION_REQUIRED)
            REFUSE(PK_EUNSUPPORTED, "section %u is required and unknown to this version",
                   entry->id);
        return PK_OK;
    }
    const char *name = sections[entry->id].name;
    if (entry->record != sections[entry->id].record)
        REFUSE(PK_EFORMAT, "section %s has records of %u bytes, expected %u", name, entry->record,
               sections[entry->id].record);
    if (entry->len == 0 || entry->len % entry->record != 0)
        REFUSE(PK_EFORMAT, "section %s of %llu bytes is not a whole number of records", name,
               (unsigned long long)entry->len);
    return PK_OK;
}

static int sections_load(const uint8_t *blob, const pk_image_header *header, pk_image *image,
                         char *reterr_text, size_t reterr_size)
{
    uint64_t end = sizeof *header + header->n_sections * sizeof(pk_image_section);
    uint32_t next_id = 0;
    for (uint32_t i = 0; i < header->n_sections; i++) {
        pk_image_section entry;
        memcpy(&entry, blob + sizeof *header + i * sizeof entry, sizeof entry);
        if (entry.id < next_id)
            REFUSE(PK_EFORMAT, "section table entry %u is out of order", i);
        int code = section_check(&entry, end, (size_t)header->size, reterr_text, reterr_size);
        if (code)
            return code;
        if (entry.id < PK_SEC_COUNT_OF)
            pk_image_section_set(image, (pk_section)entry.id, blob + entry.off,
                                 (uint32_t)(entry.len / entry.record));
        end = entry.off + entry.len;
        next_id = entry.id + 1;
        if (!next_id)
            REFUSE(PK_EFORMAT, "section table entry %u has no valid number", i);
    }
    return PK_OK;
}

static int container_open(const void *blob, size_t len, bool hashed, pk_image *ret_image,
                          char *reterr_text, size_t reterr_size)
{
    pk_image_header header;
    pk_image image = {.blob = blob, .blob_len = len};
    int code = header_check(blob, len, &header, reterr_text, reterr_size);
    if (code)
        return code;
    if (hashed && header.hash != pk_image_hash(blob, len))
        REFUSE(PK_EFORMAT, "image damaged: its content does not have the hash in its header");
    image.hash = header.hash;
    for (int i = 0; i < PK_SEC_COUNT_OF; i++)
        pk_image_section_set(&image, (pk_section)i, reserved, 1);
    code = sections_load(blob, &header, &image, reterr_text, reterr_size);
    if (!code)
        *ret_image = image;
    return code;
}

int pk_image_attach(const void *blob, size_t len, pk_image *ret_image, char *reterr_text,
                    size_t reterr_size)
{
    return container_open(blob, len, false, ret_image, reterr_text, reterr_size);
}

int pk_image_load(const void *blob, size_t len, pk_image *ret_image, char *reterr_text,
                  size_t reterr_size)
{
    pk_image image;
    int code = container_open(blob, len, true, &image, reterr_text, reterr_size);
    if (!code)
        code = pk_image_verify(&image, reterr_text, reterr_size);
    if (!code)
        *ret_image = image;
    return code;
}

/* ---- lookups --------------------------------------------------------------------------------- */

pk_bytes pk_image_bytes(const pk_image *image, pk_ref blob)
{
    pk_image_blob at = image->blobs[blob];
    return (pk_bytes){image->data + at.off, at.len};
}

const pk_image_member *pk_image_member_find(const pk_image *image, pk_ref layer, pk_ref name)
{
    const pk_image_layer *owner = &image->layers[layer];
    const pk_image_member *members = image->members + owner->members;
    uint32_t lo = 0, hi = owner->n_members;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (members[mid].name == name)
            return &members[mid];
        if (members[mid].name < name)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

pk_ref pk_image_layer_find(const pk_image *image, const char *name)
{
    for (pk_ref i = 1; i < image->n_layers; i++)
        if (image->layers[i].kind != PK_LAYER_CASE &&
            strcmp(pk_image_text(image, image->layers[i].name), name) == 0)
            return i;
    for (pk_ref i = 1; i < image->n_aliases; i++)
        if (strcmp(pk_image_text(image, image->aliases[i].name), name) == 0)
            return image->aliases[i].layer;
    return 0;
}

void pk_image_names_find(const pk_image *image, const char *const names[], size_t n,
                         pk_ref *ret_refs)
{
    for (size_t i = 0; i < n; i++)
        ret_refs[i] = 0;
    for (pk_ref at = 1; at < image->n_strings;) {
        const char *text = image->strings + at;
        for (size_t i = 0; i < n; i++)
            if (!ret_refs[i] && *text == *names[i] && strcmp(text, names[i]) == 0)
                ret_refs[i] = at;
        at += (pk_ref)strlen(text) + 1;
    }
}

pk_ref pk_image_name_find(const pk_image *image, const char *name)
{
    pk_ref found;
    pk_image_names_find(image, &name, 1, &found);
    return found;
}

pk_ref pk_image_table_find(const pk_image *image, pk_ref table, uint64_t key)
{
    const pk_image_table *owner = &image->tables[table];
    const pk_image_key *keys = image->keys + owner->keys;
    uint32_t lo = 0, hi = owner->n_keys;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (key < keys[mid].lo)
            hi = mid;
        else if (key > keys[mid].hi)
            lo = mid + 1;
        else
            return keys[mid].layer;
    }
    return 0;
}

const char *pk_op_name(pk_op op)
{
    static const char *const names[] = {
#define PK_OP(name, text, group, a, b, c, d, e, doc) text,
#include "image/ops.def"
#undef PK_OP
    };
    return op < PK_OPC_COUNT_OF ? names[op] : "?";
}
