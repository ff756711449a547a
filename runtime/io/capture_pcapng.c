#include "io/capture_reader.h"

#include <string.h>

/* draft-ietf-opsawg-pcapng. Every block is
 *
 *   type (4) | total length (4) | body ... | total length again (4)
 */
#define BLOCK_MIN     12u
#define SECTION_MIN   28u
#define BYTE_ORDER_LE 0x1a2b3c4du
#define NS_PER_S      1000000000ll

enum {
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET_OLD = 2,
    BLOCK_PACKET_SIMPLE = 3,
    BLOCK_NAMES = 4,
    BLOCK_STATISTICS = 5,
    BLOCK_PACKET = 6,
    BLOCK_CUSTOM = 0x00000bad,
    BLOCK_CUSTOM_NO_COPY = 0x40000bad,
    BLOCK_SECTION = 0x0a0d0d0a
};

enum {
    OPTION_END = 0,
    OPTION_COMMENT = 1,
    OPTION_INTERFACE_NAME = 2,
    OPTION_PACKET_FLAGS = 2,
    OPTION_TIME_RESOLUTION = 9,
    OPTION_FCS_LEN = 13,
    OPTION_TIME_OFFSET = 14
};

typedef struct block {
    uint32_t type;
    uint32_t len; /* the whole block */
    const uint8_t *body;
    uint32_t body_len;
    uint64_t offset;
} block;

typedef struct option {
    uint16_t code;
    uint16_t len;
    const uint8_t *data;
} option;

/* Takes the next option off the list. False at its end; a list that runs over is counted once. */
static bool next_option(pk_capture_reader *reader, pk_bytes *list, option *ret_option)
{
    if (list->len == 0)
        return false;
    if (list->len < 4) {
        reader->counts.bad_options++;
        list->len = 0;
        return false;
    }
    uint16_t code = pk_capture_u16(reader, list->data);
    uint16_t len = pk_capture_u16(reader, list->data + 2);
    if (code == OPTION_END)
        return false;
    size_t padded = (len + 3u) & ~3u;
    if (padded > list->len - 4) {
        reader->counts.bad_options++;
        list->len = 0;
        return false;
    }
    *ret_option = (option){code, len, list->data + 4};
    list->data += 4 + padded;
    list->len -= 4 + padded;
    return true;
}

/* The first section header decides the byte order of its own length field, too. */
static int set_byte_order(pk_capture_reader *reader, pk_error *reterr_)
{
    const uint8_t *at = pk_window_at(&reader->window);
    bool before = reader->big_endian;
    reader->big_endian = false;
    uint32_t mark = pk_capture_u32(reader, at + 8);
    if (mark == BYTE_ORDER_LE)
        return PK_OK;
    reader->big_endian = true;
    if (mark == __builtin_bswap32(BYTE_ORDER_LE))
        return PK_OK;
    reader->big_endian = before;
    return pk_capture_damaged(reader, reader->window.offset, reterr_,
                              "a section header with byte order mark %08x", mark);
}

static int check_length(pk_capture_reader *reader, const block *b, pk_error *reterr_)
{
    uint32_t least = b->type == BLOCK_SECTION ? SECTION_MIN : BLOCK_MIN;
    if (b->len < least || b->len % 4 != 0)
        return pk_capture_damaged(reader, b->offset, reterr_,
                                  "a block of type 0x%08x with length %u", b->type, b->len);
    if (b->len > PK_CAPTURE_BLOCK_MAX)
        return pk_error_set(
            reterr_, PK_ELIMIT,
            "%s: a block claims %u bytes, the limit of a capture block is %u, at offset %llu",
            reader->name, b->len, PK_CAPTURE_BLOCK_MAX, (unsigned long long)b->offset);
    return PK_OK;
}

static int read_block(pk_capture_reader *reader, block *b, pk_error *reterr_)
{
    int code = pk_capture_need(reader, BLOCK_MIN, true, "a block", reterr_);
    if (code < 0)
        return code;
    const uint8_t *at = pk_window_at(&reader->window);
    b->type = pk_capture_u32(reader, at);
    if (b->type == BLOCK_SECTION && (code = set_byte_order(reader, reterr_)) < 0)
        return code;
    b->len = pk_capture_u32(reader, at + 4);
    b->offset = reader->window.offset;
    if ((code = check_length(reader, b, reterr_)) < 0)
        return code;
    if ((code = pk_capture_need(reader, b->len, false, "the block", reterr_)) < 0)
        return code;
    at = pk_window_at(&reader->window);
    uint32_t again = pk_capture_u32(reader, at + b->len - 4);
    if (again != b->len)
        return pk_capture_damaged(reader, b->offset, reterr_,
                                  "a block says %u bytes in front and %u behind", b->len, again);
    b->body = at + 8;
    b->body_len = b->len - BLOCK_MIN;
    pk_window_skip(&reader->window, b->len);
    return PK_OK;
}

static int read_section(pk_capture_reader *reader, const block *b, pk_error *reterr_)
{
    uint16_t major = pk_capture_u16(reader, b->body + 4);
    uint16_t minor = pk_capture_u16(reader, b->body + 6);
    if (major != 1)
        return pk_capture_damaged(reader, b->offset, reterr_, "pcapng version %u.%u is not known",
                                  major, minor);
    reader->section_first = reader->interface_count;
    reader->counts.sections++;
    return PK_OK;
}

static void take_interface_option(pk_capture_reader *reader, pk_capture_interface *interface,
                                  const option *o)
{
    if (o->code == OPTION_INTERFACE_NAME) {
        size_t len = o->len < PK_CAPTURE_NAME_MAX ? o->len : PK_CAPTURE_NAME_MAX - 1;
        memcpy(interface->name, o->data, len);
        interface->name[len] = 0;
    } else if (o->code == OPTION_TIME_RESOLUTION && o->len >= 1) {
        interface->time_binary = o->data[0] & 0x80;
        interface->time_decimal = o->data[0] & 0x7f;
    } else if (o->code == OPTION_FCS_LEN && o->len >= 1) {
        interface->fcs_len = o->data[0];
    } else if (o->code == OPTION_TIME_OFFSET && o->len >= 8) {
        uint64_t first = pk_capture_u32(reader, o->data);
        uint64_t second = pk_capture_u32(reader, o->data + 4);
        interface->time_offset =
            (int64_t)(reader->big_endian ? first << 32 | second : second << 32 | first);
    }
}

static int read_interface(pk_capture_reader *reader, const block *b, pk_error *reterr_)
{
    if (b->body_len < 8)
        return pk_capture_damaged(reader, b->offset, reterr_, "an interface block of only %u bytes",
                                  b->len);
    pk_capture_interface interface = {
        .link = pk_capture_u16(reader, b->body),
        .snap = pk_capture_u32(reader, b->body + 4),
        .time_decimal = 6,
    };
    pk_bytes list = {b->body + 8, b->body_len - 8};
    option o;
    while (next_option(reader, &list, &o))
        take_interface_option(reader, &interface, &o);
    return pk_capture_declare(reader, &interface, reterr_);
}

static void set_time(pk_capture_record *record, const pk_capture_interface *interface,
                     uint64_t ticks)
{
    __extension__ typedef __int128 wide;
    unsigned exponent = interface->time_decimal;
    pk_u128 ns = ticks;
    if (interface->time_binary) {
        ns = ns * (pk_u128)NS_PER_S >> exponent;
    } else {
        for (; exponent < 9; exponent++)
            ns *= 10;
        for (; exponent > 9 && ns > 0; exponent--)
            ns /= 10;
    }
    wide time = (wide)ns + (wide)interface->time_offset * NS_PER_S;
    record->has_time = time >= INT64_MIN && time <= INT64_MAX;
    record->time_ns = record->has_time ? (int64_t)time : 0;
}

static int use_interface(pk_capture_reader *reader, const block *b, uint32_t id,
                         pk_capture_record *record, pk_error *reterr_)
{
    uint32_t known = reader->interface_count - reader->section_first;
    if (id >= known)
        return pk_capture_damaged(reader, b->offset, reterr_,
                                  "a packet of interface %u where %u are described", id, known);
    record->interface = reader->section_first + id;
    record->link = reader->interfaces[record->interface].link;
    record->offset = b->offset;
    record->big_endian = reader->big_endian;
    return PK_OK;
}

static void take_packet_options(pk_capture_reader *reader, pk_capture_record *record)
{
    pk_bytes list = record->options;
    option o;
    while (next_option(reader, &list, &o)) {
        if (o.code == OPTION_COMMENT && !record->comment.data)
            record->comment = (pk_bytes){o.data, o.len};
        else if (o.code == OPTION_PACKET_FLAGS && o.len == 4)
            record->direction = (pk_capture_direction)(pk_capture_u32(reader, o.data) & 3);
    }
    record->options.len = (size_t)(list.data - record->options.data);
    if (record->direction != PK_DIRECTION_IN && record->direction != PK_DIRECTION_OUT)
        record->direction = PK_DIRECTION_UNKNOWN;
}

/* Enhanced and (obsolete) packet blocks differ in how they count interfaces:
 *   enhanced: interface (4)            | time high | time low | captured | original | data, options
 *   old:      interface (2), drops (2) | ... */
static int read_packet(pk_capture_reader *reader, const block *b, pk_capture_record *record,
                       pk_error *reterr_)
{
    if (b->body_len < 20)
        return pk_capture_damaged(reader, b->offset, reterr_, "a packet block of only %u bytes",
                                  b->len);
    uint32_t id =
        b->type == BLOCK_PACKET ? pk_capture_u32(reader, b->body) : pk_capture_u16(reader, b->body);
    int code = use_interface(reader, b, id, record, reterr_);
    if (code < 0)
        return code;
    uint64_t ticks =
        (uint64_t)pk_capture_u32(reader, b->body + 4) << 32 | pk_capture_u32(reader, b->body + 8);
    set_time(record, &reader->interfaces[record->interface], ticks);
    record->captured = pk_capture_u32(reader, b->body + 12);
    record->original = pk_capture_u32(reader, b->body + 16);
    if (record->captured > b->body_len - 20)
        return pk_capture_damaged(reader, b->offset, reterr_,
                                  "a packet of %u captured bytes in a block of %u",
                                  record->captured, b->len);
    record->data = b->body + 20;
    /* The body is a multiple of four, so the padded length fits when the length does. */
    uint32_t padded = (record->captured + 3) & ~3u;
    record->options = (pk_bytes){record->data + padded, b->body_len - 20 - padded};
    if (record->options.len > 0)
        take_packet_options(reader, record);
    return PK_OK;
}

static int read_simple(pk_capture_reader *reader, const block *b, pk_capture_record *record,
                       pk_error *reterr_)
{
    if (b->body_len < 4)
        return pk_capture_damaged(reader, b->offset, reterr_,
                                  "a simple packet block of only %u bytes", b->len);
    int code = use_interface(reader, b, 0, record, reterr_);
    if (code < 0)
        return code;
    uint32_t snap = reader->interfaces[record->interface].snap;
    record->original = pk_capture_u32(reader, b->body);
    record->captured = record->original;
    if (snap && record->captured > snap)
        record->captured = snap;
    if (record->captured > b->body_len - 4)
        return pk_capture_damaged(reader, b->offset, reterr_,
                                  "a simple packet of %u bytes in a block of %u", record->captured,
                                  b->len);
    record->data = b->body + 4;
    return PK_OK;
}

static void show_custom(const pk_capture_reader *reader, const block *b)
{
    if (reader->custom && b->body_len >= 4)
        reader->custom(reader->context, pk_capture_u32(reader, b->body),
                       (pk_bytes){b->body + 4, b->body_len - 4});
}

static void pass_other(pk_capture_reader *reader, const block *b)
{
    switch (b->type) {
    case BLOCK_NAMES:
        reader->counts.names++;
        break;
    case BLOCK_STATISTICS:
        reader->counts.statistics++;
        break;
    case BLOCK_CUSTOM:
    case BLOCK_CUSTOM_NO_COPY:
        reader->counts.custom++;
        show_custom(reader, b);
        break;
    default:
        reader->counts.other++;
        break;
    }
}

/* Reads blocks up to one that holds a packet. */
static int read_on(pk_capture_reader *reader, pk_capture_record *record, pk_error *reterr_)
{
    for (;;) {
        block b = {0};
        reader->whole = reader->window.offset;
        int code = read_block(reader, &b, reterr_);
        if (code < 0)
            return code;
        switch (b.type) {
        case BLOCK_PACKET:
        case BLOCK_PACKET_OLD:
            return read_packet(reader, &b, record, reterr_);
        case BLOCK_PACKET_SIMPLE:
            return read_simple(reader, &b, record, reterr_);
        case BLOCK_SECTION:
            code = read_section(reader, &b, reterr_);
            break;
        case BLOCK_INTERFACE:
            code = read_interface(reader, &b, reterr_);
            break;
        default:
            pass_other(reader, &b);
            break;
        }
        if (code < 0)
            return code;
    }
}

static bool is_known(uint32_t type)
{
    return (type >= BLOCK_INTERFACE && type <= BLOCK_PACKET) || type == BLOCK_CUSTOM ||
           type == BLOCK_CUSTOM_NO_COPY || type == BLOCK_SECTION;
}

static bool skip_word(pk_capture_reader *reader)
{
    if (pk_window_need(&reader->window, 4, NULL) != PK_OK)
        return false;
    pk_window_skip(&reader->window, 4);
    return true;
}

/* Blocks begin at multiples of four, and say their length twice. */
static bool seek_block(pk_capture_reader *reader)
{
    uint64_t aligned = (4 - reader->window.offset % 4) % 4;
    if (aligned && pk_window_need(&reader->window, aligned, NULL) == PK_OK)
        pk_window_skip(&reader->window, aligned);
    while (pk_window_need(&reader->window, BLOCK_MIN, NULL) == PK_OK) {
        const uint8_t *at = pk_window_at(&reader->window);
        uint32_t type = pk_capture_u32(reader, at), len = pk_capture_u32(reader, at + 4);
        if (is_known(type) && len >= BLOCK_MIN && len % 4 == 0 && len <= PK_CAPTURE_BLOCK_MAX &&
            pk_window_need(&reader->window, len, NULL) == PK_OK &&
            pk_capture_u32(reader, pk_window_at(&reader->window) + len - 4) == len)
            return true;
        pk_window_skip(&reader->window, 4);
    }
    return false;
}

int pk_pcapng_next(pk_capture_reader *reader, pk_capture_record *record, pk_error *reterr_)
{
    pk_error why = {0};
    int code;
    while ((code = read_on(reader, record, &why)) == PK_EFORMAT || code == PK_ELIMIT) {
        uint64_t from = reader->whole;
        if (!reader->damaged)
            break;
        if (reader->window.offset == from && !skip_word(reader))
            break;
        if (!seek_block(reader))
            break;
        reader->cut = false;
        reader->damaged(reader->context, from, reader->window.offset, why.text);
        *record = (pk_capture_record){0};
    }
    if (code < 0 && reterr_)
        *reterr_ = why;
    return code;
}
