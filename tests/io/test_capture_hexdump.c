/* Hex dumps are read as the programs that print them mean them, and refused where they contradict
 * themselves. */
#include "../base/check.h"
#include "capture_fixture.h"

typedef struct dump {
    const char *text;
    const char *packets; /* as hex, blanks between them; "" = refused at open */
    const char *error;   /* behind them; NULL = an orderly end */
} dump;

static const dump dumps[] = {
    /* xxd, hexdump -C, od -A x -t x1z, tcpdump -x, Wireshark */
    {"00000000: 4500 0012 ab01  E...ab\n00000006: 1122                \"\n", "45000012ab011122",
     NULL},
    {"00000000  45 00 00 12 00 01 02 03  04 05 06 07 08 09 0a 0b  |E...............|\n"
     "00000010  ab cd                                             |..|\n00000012\n",
     "45000012000102030405060708090a0babcd", NULL},
    {"000000 45 00 00 12  >E...<\n000004 ab\n000005\n", "45000012ab", NULL},
    {"10:00:00.1 IP 1.2.3.4 > 5.6.7.8: ICMP\n\t0x0000:  4500 0001\n\t0x0004:  beef\n"
     "10:00:01.2 IP 1.2.3.4 > 5.6.7.8: ICMP\n\t0x0000:  4600 00\n",
     "45000001beef 460000", NULL},
    {"0000   45 00 00 01   E...\n0004   be ef   ..\n\n0000   ab cd   ..\n", "45000001beef abcd",
     NULL},
    /* characters that look like bytes: the next offset tells */
    {"0000: 45 00 00 01 ab cd\n0004: 01 02\n", "450000010102", NULL},
    /* without offsets: a word is a packet, groups go on */
    {"# two packets\nFFee01\r\n02aa\n", "ffee01 02aa", NULL},
    {"45 00 00\n01 02\n\n46 00", "4500000102 4600", NULL},
    {"0000: 4500\n46 00\n47 00\n", "4500 46004700", NULL},
    /* contradictions */
    {"0000: 45 00\n0030: 44 55\n", "",
     "test: a hex dump's line says 0x30 where 0x2 is the next byte, "
     "at offset 12"},
    {"0000  45 00\n0030  44 55\n", "",
     "test: a hex dump's line says 0x30 where 0x2 is the next byte, "
     "at offset 12"},
    {"hello world\n", "", "test: not a capture but text (pcap, pcapng and hex dumps are read)"},
    /* hexdump's words in the machine's order are no bytes */
    {"0000000 0045 1200\n0000004\n", "",
     "test: not a capture but text (pcap, pcapng and hex dumps are read)"},
    {"be\nadd\n", "", "test: not a capture but text (pcap, pcapng and hex dumps are read)"},
};

static void add_packet(pk_buf *out, const pk_capture_record *record)
{
    if (out->len)
        pk_buf_byte(out, ' ');
    for (uint32_t i = 0; i < record->captured; i++)
        pk_buf_printf(out, "%02x", record->data[i]);
    CHECK_INT(record->original, record->captured);
    CHECK_INT(record->link, 1);
    CHECK(!record->has_time);
}

static void check_dump(const dump *d, bool map)
{
    pk_buf text = {0};
    pk_buf got = {0};
    pk_error error = {0};
    pk_capture_reader *reader = NULL;
    const pk_capture_read_options options = {.map = map};
    pk_buf_text(&text, d->text);
    int fd = file_of(&text);
    int code = pk_capture_open_fd(&reader, fd, "test", &options, &error);
    pk_capture_record record;
    while (code == PK_OK && (code = pk_capture_next(reader, &record, &error)) == PK_OK)
        add_packet(&got, &record);
    CHECK_INT(code, d->error ? PK_EFORMAT : PK_EOF);
    CHECK_TEXT(pk_buf_cstr(&got), d->packets);
    if (d->error)
        CHECK_TEXT(error.text, d->error);
    pk_capture_close(reader);
    (void)close(fd);
    pk_buf_free(&text);
    pk_buf_free(&got);
}

int main(void)
{
    for (size_t i = 0; i < sizeof dumps / sizeof *dumps; i++) {
        check_dump(&dumps[i], false);
        check_dump(&dumps[i], true);
    }
    return check_failures > 99 ? 99 : check_failures;
}
