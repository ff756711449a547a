/* Dissection, rule by rule: fields, windows, cuts, lists, payloads, leftovers and limits. */
#include <stdlib.h>

#include "../base/check.h"
#include "machine.h"
#include "tiling.h"

static const char *const layers =
    "layer fixed { a: u8; b: u4; c: u12; d: ip4 }\n"
    "layer group { bits u16le { hi: u12; lo: u4 }; n: u32le; s: i8 }\n"
    "layer wide { bits u32le { x: u4; y: u24; z: u4 } }\n"
    "layer tlv { n: u8; within n { items: option[] until it.kind == 0; pad: bytes }; tail: bytes "
    "}\n"
    "struct option { kind: u8; if kind > 1 { len: u8 = size(this) }\n"
    "  payload by kind within (kind > 1 ? len - 2 : 0)\n"
    "  case one = 1\n"
    "  case two = 2 { x: u16 } }\n"
    "layer lists { n: u8; words: u16[n]; rest_of: u24[] }\n"
    "layer outer { len: u8; kind: u8; payload by kind within (len ? len - 2 : rest)\n"
    "  pad: bytes within (kind == 9 ? 0 : rest) }\n"
    "layer inner on outer(kind=1) { v: u8; payload within 1 }\n"
    "layer plain { len: u8; kind: u8; payload by kind within (len ? len - 2 : rest) }\n"
    "layer short on plain(kind=1), shim(kind=1) { v: u8 }\n"
    "layer shim on plain(kind=2) { kind: u8; payload by kind within rest }\n"
    "layer pair { type: u8; code: u8; payload by (type, code), type }\n"
    "layer both on pair(type=1, code=2) { v: u8 }\n"
    "layer alone on pair(type=2) { v: u8 }\n"
    "layer numbers { a: uleb; b: uvlq; c: q; n: c2; data: bytes[n] }\n"
    "struct q { p: u2 = value < 64 ? 0 : 1; v: u(p ? 14 : 6) = value; let value = v }\n"
    "struct c2 { v: u8 = value - 1; let value = v + 1 }\n"
    "layer maps { present: u8[] until it & 0x80 == 0; parts: part[for w in present] }\n"
    "struct part(w) { if w & 1 { one: u8 }; if w & 2 { two: u16 } }\n"
    "layer deep { d: deeper }\n"
    "struct deeper { tag: u8; if rest { more: deeper } }\n"
    "layer self on self(k=7) { k: u8; payload by k }\n"
    "layer loops { n: u8; items: nothing[n]; all: u8[] until count(all) == 3 }\n"
    "struct nothing { data: bytes[0] }\n"
    "layer places { a: u8; b: block; c: bytes[-here % 4]; d: u8 = pos }\n"
    "struct block { x: u8; y: bytes[pos]; z: bytes[here] }\n";

static machine m;

static void expect_bytes(const char *layer, const uint8_t *bytes, size_t len, const char *want)
{
    pk_buf dump = {0};
    CHECK(machine_read(&m, layer, bytes, len));
    machine_dump(&m.read, &dump);
    CHECK_TEXT(pk_buf_cstr(&dump), want);
    CHECK(tiles(&m.read));
    pk_buf_free(&dump);
}

static void expect(const char *layer, const char *hex, const char *want)
{
    static uint8_t bytes[256];
    size_t len = 0;
    for (; hex[2 * len]; len++) {
        const char digits[3] = {hex[2 * len], hex[2 * len + 1], 0};
        bytes[len] = (uint8_t)strtoul(digits, NULL, 16);
    }
    expect_bytes(layer, bytes, len, want);
}

static void fixed_fields_are_one_record(void)
{
    expect("fixed", "010203040a000001", "fixed\n a 1\n b 0\n c 515\n d 040a0000\n_rest 01\n");
    CHECK_INT(m.read.count, 3); /* frame, instance, rest */
    CHECK(m.read.recs[1].flags & PK_REC_FIXED);
    CHECK_INT(pk_tree_value(&m.read, pk_tree_slot(&m.read, (pk_tree_node){1, 0}, 2)).number, 515);
}

static void what_does_not_fit_is_cut(void)
{
    expect("fixed", "", "");
    expect("fixed", "01", "fixed\n a 1\n _cut \n");
    expect("fixed", "0102", "fixed\n a 1\n b 0\n _cut 0010\n");
    expect("fixed", "010203", "fixed\n a 1\n b 0\n c 515\n _cut \n");
    expect("fixed", "010203040506", "fixed\n a 1\n b 0\n c 515\n _cut 040506\n");
}

static void little_endian_groups_are_read_as_one_integer(void)
{
    expect("group", "b3a278563412ff", "group\n hi 2603\n lo 3\n n 305419896\n s -1\n");
    expect("group", "b3", "group\n _cut b3\n");
    expect("wide", "1f2e3d4c", "wide\n x 4\n y 12833505\n z 15\n");
    pk_bit_run runs[PK_TREE_RUNS];
    pk_tree_node y = pk_tree_slot(&m.read, (pk_tree_node){1, 0}, 1);
    CHECK_INT(pk_tree_runs(&m.read, y, runs), 3);
    CHECK_INT(runs[0].off * 100 + runs[0].bits, 4);
    CHECK_INT(runs[1].off * 100 + runs[1].bits, 816);
    CHECK_INT(runs[2].off * 100 + runs[2].bits, 2804);
}

static void windows_bound_lists_and_name_what_is_left(void)
{
    expect("tlv", "06010204123400ffee",
           "tlv\n n 6\n items\n  option\n   kind 1\n  option\n   kind 2\n   len 4\n   two\n    x "
           "4660\n  option\n   kind 0\n pad \n tail ffee\n");
    expect("tlv", "0302041234",
           "tlv\n n 3\n items\n  option\n   kind 2\n   len 4\n   two\n    _cut "
           "12\n pad \n tail 34\n");
    expect("tlv", "050205123400ff",
           "tlv\n n 5\n items\n  option\n   kind 2\n   len 5\n   two\n    x "
           "4660\n   _rest 00\n pad \n tail ff\n");
    expect("tlv", "ff0200", "tlv\n n 255\n items\n  option\n   kind 2\n   len 0\n pad \n tail \n");
}

static void lists_stop_at_their_count_or_window(void)
{
    expect("lists", "0200010002aabbcc",
           "lists\n n 2\n words\n  words 1\n  words 2\n rest_of\n  rest_of 11189196\n");
    expect("lists", "0300010002", "lists\n n 3\n words\n  words 1\n  words 2\n rest_of\n");
    expect("lists", "02000100", "lists\n n 2\n words\n  words 1\n _cut 00\n");
    expect("loops", "03010203",
           "loops\n n 3\n items\n  nothing\n   data \n all\n  all 1\n  all 2\n  "
           "all 3\n");
}

static void what_a_payload_leaves_goes_to_the_items_behind_it_first(void)
{
    /* inner takes one byte and one of payload; the rest of its window is outer's pad */
    expect("outer", "060111223344ff",
           "outer\n len 6\n kind 1\n inner\n  v 17\n  raw 22\n pad "
           "3344ff\n");
    expect("plain", "050111223344",
           "plain\n len 5\n kind 1\n short\n  v 17\n _rest 2233\n_rest 44\n");
    expect("plain", "000111223344", "plain\n len 0\n kind 1\n short\n  v 17\n_rest 223344\n");
    expect("plain", "050201112233",
           "plain\n len 5\n kind 2\n shim\n  kind 1\n  short\n   v 17\n _rest "
           "22\n_rest 33\n");
    expect("plain", "0403112233", "plain\n len 4\n kind 3\n raw 1122\n_rest 33\n");
    expect("plain", "0201", "plain\n len 2\n kind 1\n");
}

static void a_tuple_that_a_bind_names_whole_chooses_alone(void)
{
    expect("pair", "010207", "pair\n type 1\n code 2\n both\n  v 7\n");
    expect("pair", "010307", "pair\n type 1\n code 3\n raw 07\n");
    expect("pair", "020307", "pair\n type 2\n code 3\n alone\n  v 7\n");
}

static void integers_of_every_encoding_are_read(void)
{
    expect("numbers", "e58e26874f4100018899",
           "numbers\n a 624485\n b 975\n c\n  p 1\n  v 256\n n\n  v 1\n data 8899\n");
    expect("numbers", "80", "numbers\n _cut 80\n");
    expect("numbers", "ffffffffffffffffffff01", "numbers\n _cut ffffffffffffffffffff01\n");
}

static void elements_get_their_argument(void)
{
    expect("maps", "820381aa01ff",
           "maps\n present\n  present 130\n  present 3\n parts\n  part\n   two "
           "33194\n  part\n   one 1\n   _cut ff\n");
}

static void places_are_counted_from_struct_and_layer(void)
{
    expect("places", "01aabbccddeeff0011",
           "places\n a 1\n b\n  x 170\n  y bbcc\n  z ddeeff\n c 00\n d 17\n");
}

static void nesting_ends_with_one_raw_leaf(void)
{
    uint8_t bytes[300];
    memset(bytes, 7, sizeof bytes);
    CHECK(machine_read(&m, "deep", bytes, sizeof bytes));
    CHECK(m.read.flags & PK_TREE_STOPPED);
    CHECK(tiles(&m.read));
    CHECK_INT(m.read.recs[m.read.count - 1].bits, (sizeof bytes - 32) * 8);
    CHECK(machine_read(&m, "self", bytes, sizeof bytes));
    CHECK(m.read.flags & PK_TREE_STOPPED);
    CHECK(tiles(&m.read));
    CHECK_INT(m.read.count, 1 + PK_LAYER_DEPTH + 1);
    CHECK_INT(m.read.recs[m.read.count - 1].flags, PK_REC_STOP | PK_REC_PAYLOAD);
}

static void records_and_steps_are_bounded(void)
{
    size_t len = 60000;
    uint8_t *bytes = calloc(len, 1);
    memset(bytes + 1, 1, len - 1);
    bytes[0] = 255;
    bytes[1] = 255;
    CHECK(machine_read(&m, "tlv", bytes, len)); /* options of one byte: two records each */
    CHECK(tiles(&m.read));
    CHECK(machine_read(&m, "lists", bytes, len));
    CHECK(tiles(&m.read));
    CHECK(m.read.count <= PK_NODES_BASE + len + 2);
    free(bytes);
}

static void nonsense_is_raw(void)
{
    const uint8_t bytes[] = {1, 2};
    CHECK(pk_vm_dissect(m.vm, 0, bytes, 2, 9, &m.read) == PK_OK);
    CHECK_INT(m.read.wire_len, 9);
    CHECK_INT(m.read.recs[1].kind, PK_REC_RAW);
    CHECK(tiles(&m.read));
}

int main(void)
{
    if (!machine_open(&m, layers, NULL)) {
        fprintf(stderr, "%s\n", m.why);
        return 99;
    }
    fixed_fields_are_one_record();
    what_does_not_fit_is_cut();
    little_endian_groups_are_read_as_one_integer();
    windows_bound_lists_and_name_what_is_left();
    lists_stop_at_their_count_or_window();
    what_a_payload_leaves_goes_to_the_items_behind_it_first();
    a_tuple_that_a_bind_names_whole_chooses_alone();
    integers_of_every_encoding_are_read();
    elements_get_their_argument();
    places_are_counted_from_struct_and_layer();
    nesting_ends_with_one_raw_leaf();
    records_and_steps_are_bounded();
    nonsense_is_raw();
    machine_close(&m);
    return check_result();
}
