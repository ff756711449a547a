#include "io/capture_reader.h"

/* draft-ietf-opsawg-pcap: 24 bytes of file header, then records of 16 bytes of header and data. */
#define FILE_HEADER_LEN 24u
#define NS_PER_S        1000000000ll

/* Early programs wrote the kernel's DLT_RAW, which differed from system to system. */
static uint32_t linktype_of(uint32_t field)
{
    uint32_t link = field & 0x03ffffffu;
    return link == 12 || link == 14 ? 101 : link;
}

int pk_pcap_start(pk_capture_reader *reader, pk_error *reterr_)
{
    int code = pk_capture_need(reader, FILE_HEADER_LEN, false, "the file header", reterr_);
    if (code < 0)
        return code;
    const uint8_t *at = pk_window_at(&reader->window);
    uint16_t major = pk_capture_u16(reader, at + 4);
    reader->minor_version = pk_capture_u16(reader, at + 6);
    if (major != 2)
        return pk_capture_damaged(reader, 4, reterr_, "pcap version %u.%u is not known", major,
                                  reader->minor_version);
    uint32_t field = pk_capture_u32(reader, at + 20);
    pk_capture_interface interface = {
        .link = linktype_of(field),
        .snap = pk_capture_u32(reader, at + 16),
        .time_decimal = reader->format == PK_CAPTURE_PCAP_NS ? 9 : 6,
        /* The length counts 16-bit words and is there when bit 26 is set. */
        .fcs_len = (uint8_t)(field & 0x04000000u ? (field >> 28) * 2 : 0),
    };
    code = pk_capture_declare(reader, &interface, reterr_);
    if (code < 0)
        return code;
    pk_window_skip(&reader->window, FILE_HEADER_LEN);
    reader->counts.sections = 1;
    return PK_OK;
}

/* Before version 2.3 the two lengths stood the other way round; 2.3 was written both ways. */
static bool lengths_swapped(const pk_capture_reader *reader, uint32_t captured, uint32_t original)
{
    return reader->minor_version < 3 || (reader->minor_version == 3 && captured > original);
}

static void swap_lengths(pk_capture_record *record)
{
    uint32_t captured = record->captured;
    record->captured = record->original;
    record->original = captured;
}

int pk_pcap_next(pk_capture_reader *reader, pk_capture_record *record, pk_error *reterr_)
{
    size_t header = reader->record_header;
    int code = pk_capture_need(reader, header, true, "a record header", reterr_);
    if (code < 0)
        return code;
    const uint8_t *at = pk_window_at(&reader->window);
    int64_t fraction = pk_capture_u32(reader, at + 4);
    record->time_ns = pk_capture_u32(reader, at) * NS_PER_S +
                      (reader->format == PK_CAPTURE_PCAP_NS ? fraction : fraction * 1000);
    record->has_time = true;
    record->captured = pk_capture_u32(reader, at + 8);
    record->original = pk_capture_u32(reader, at + 12);
    if (lengths_swapped(reader, record->captured, record->original))
        swap_lengths(record);
    record->offset = reader->window.offset;
    record->link = reader->interfaces[0].link;
    record->big_endian = reader->big_endian;
    if (record->captured > PK_CAPTURE_BLOCK_MAX)
        return pk_error_set(
            reterr_, PK_ELIMIT,
            "%s: a record claims %u bytes, the limit of a capture record is %u, at offset %llu",
            reader->name, record->captured, PK_CAPTURE_BLOCK_MAX,
            (unsigned long long)record->offset);
    code = pk_capture_need(reader, header + record->captured, false, "the record", reterr_);
    if (code < 0)
        return code;
    record->data = pk_window_at(&reader->window) + header;
    pk_window_skip(&reader->window, header + record->captured);
    return PK_OK;
}
