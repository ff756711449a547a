/* The writers' forms, exactly, over hand-made trees (world.h). */
#include "tree/writers.h"

#include <stdlib.h>

#include "../base/check.h"
#include "world.h"

/* Inferred are the fields whose names stand in the context, a list with a blank behind each. */
static bool named_inferred(void *context, const pk_tree *tree, pk_tree_node node)
{
    char name[64];

    snprintf(name, sizeof name, "%s ", pk_tree_name(tree, node));
    return strstr(context, name) != NULL;
}

/* The expressions of world.c: the first instruction's slot. */
static pk_value eval_slot(void *context, const pk_tree *tree, pk_tree_node self, pk_ref expr)
{
    const pk_insn *insn = &tree->image->code[tree->image->exprs[expr].start];

    (void)context;
    if (insn->op == PK_OPC_INT)
        return pk_value_int((int64_t)insn->e);
    return pk_tree_value(tree, pk_tree_slot(tree, self, insn->d));
}

typedef void writer(pk_buf *out, const pk_tree *tree, const pk_writer *how);

static void wants(writer *write, const pk_tree *tree, const pk_writer *how, const char *want)
{
    pk_buf out = {0};

    write(&out, tree, how);
    CHECK_TEXT(pk_buf_cstr(&out), want);
    pk_buf_free(&out);
}

static void outline(pk_buf *out, const pk_tree *tree, const pk_writer *how)
{
    pk_write_tree(out, tree, how, NULL);
}

static void json(pk_buf *out, const pk_tree *tree, const pk_writer *how)
{
    pk_writer cached = how ? *how : (pk_writer){0};
    pk_buf again = {0};

    pk_write_json(out, tree, how, NULL);
    cached.cache = pk_writer_cache_new(tree->image);
    CHECK(cached.cache != NULL);
    for (unsigned i = 0; i < 2; i++) { /* while it is filled, and out of it */
        pk_buf_clear(&again);
        pk_write_json(&again, tree, &cached, NULL);
        CHECK_TEXT(pk_buf_cstr(&again), pk_buf_cstr(out));
    }
    pk_writer_cache_free(cached.cache);
    pk_buf_free(&again);
}

static void spans(pk_buf *out, const pk_tree *tree, const pk_writer *how)
{
    pk_write_spans(out, tree, how, NULL);
}

static char hop_inferred[] = "ver kind len sum sport code length kind ";

static void the_outline_shows_every_field_in_wire_order(void)
{
    world w;

    world_open(&w);
    world_packet(&w);
    wants(outline, &w.tree, NULL,
          "packet 1, 38 bytes\n"
          "hop  22 bytes\n"
          "  ver = 4\n"
          "  flags = 2 (DF)\n"
          "  kind = 6 (talk)\n"
          "  len = 36\n"
          "  sum = 0xbeef\n"
          "  src = 10.0.0.1\n"
          "  dst = 10.0.0.2\n"
          "  options  2 elements, 5 bytes\n"
          "    opt/nop  1 byte\n"
          "      kind = 1\n"
          "      nop  0 bytes\n"
          "    opt/size  4 bytes\n"
          "      kind = 2\n"
          "      length = 4\n"
          "      size  2 bytes\n"
          "        size = 1400\n"
          "  pad = x\"000000\"\n"
          "talk  6 bytes\n"
          "  sport = 20\n"
          "  dport = 443\n"
          "  flags = 18 (SA)\n"
          "  code = 0\n"
          "  raw = \"hi\"\n"
          "hop, behind its payload\n"
          "  tail = x\"fffe7800\"\n"
          "behind everything\n"
          "  _rest = x\"01020304\"\n");
    world_close(&w);
}

static void verbosity_adds_places_marks_and_documentation(void)
{
    world w;
    pk_writer how = {named_inferred, NULL, hop_inferred, 2, 0, NULL};

    world_open(&w);
    W_begin(&w, world_packet_bytes, 14, 60);
    W_open(&w, "hop", 0, NULL);
    W_list(&w, "options");
    W_end(&w);
    W_end(&w);
    wants(outline, &w.tree, &how,
          "packet 1, 14 bytes captured of 60\n"
          "0+14          hop  14 bytes\n"
          "0+0.4             ver = 4\n"
          "0.4+0.4       *   flags = 2 (DF)  # default 0\n"
          "1+1               kind = 6 (talk)  # what it carries\n"
          "2+2               len = 36\n"
          "4+2               sum = 0xbeef\n"
          "6+4           *   src = 10.0.0.1\n"
          "10+4          *   dst = 10.0.0.2  # default 127.0.0.1\n"
          "14+0          *   options  0 elements, 0 bytes\n");
    world_close(&w);
}

static void long_bytes_are_dumped_and_long_lists_wrapped(void)
{
    uint8_t bytes[140];
    world w;

    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    world_open(&w);
    W_begin(&w, bytes, sizeof bytes, sizeof bytes);
    W_open(&w, "talk", 0, NULL);
    W_leaf(&w, PK_REC_RAW, NULL, 8 * 40, PK_REC_PAYLOAD | PK_REC_STOP);
    W_end(&w);
    w.tree.len = 46;
    wants(outline, &w.tree, NULL,
          "packet 1, 46 bytes captured of 140\n"
          "talk  6 bytes\n"
          "  sport = 1\n"
          "  dport = 515\n"
          "  flags = 4 (R)\n"
          "  code = 5\n"
          "  raw = 40 bytes (dissection stopped)\n"
          "    0000  06 07 08 09 0a 0b 0c 0d  0e 0f 10 11 12 13 14 15  ................\n"
          "    0010  16 17 18 19 1a 1b 1c 1d  1e 1f 20 21 22 23 24 25  .......... !\"#$%\n"
          "    0020  26 27 28 29 2a 2b 2c 2d                           &'()*+,-\n");
    W_begin(&w, bytes, sizeof bytes, sizeof bytes);
    W_open(&w, "odd", 0, NULL);
    w.at = 8 * 90;
    W_list(&w, "codes");
    for (unsigned i = 0; i < 25; i++)
        W_field(&w, "codes", 0);
    W_end(&w);
    W_end(&w);
    w.tree.recs[1].flags = 0; /* without its fixed fields */
    wants(outline, &w.tree, NULL,
          "packet 1, 140 bytes\n"
          "odd  115 bytes\n"
          "  codes = [90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105,\n"
          "           106, 107, 108, 109, 110, 111, 112, 113, 114]\n");
    world_close(&w);
}

static void a_line_tells_what_defaults_do_not(void)
{
    world w;
    pk_writer how = {named_inferred, NULL, hop_inferred, 0, 0, NULL};

    world_open(&w);
    world_packet(&w);
    wants(pk_write_line, &w.tree, NULL,
          "hop 10.0.0.1 > 10.0.0.2 flags=DF options=[nop, size] pad=x\"000000\" "
          "tail=x\"fffe7800\" / talk 20 > 443 flags=SA / 2 bytes \"hi\" / 4 bytes x\"01020304\"");
    wants(pk_write_line, &w.tree, &how,
          "hop 10.0.0.1 > 10.0.0.2 flags=DF options=[nop, size] pad=x\"000000\" "
          "tail=x\"fffe7800\" / talk 20 > 443 flags=SA / 2 bytes \"hi\" / 4 bytes x\"01020304\"");
    W_begin(&w, NULL, 0, 0);
    wants(pk_write_line, &w.tree, NULL, "0 bytes");
    wants(pk_write_source, &w.tree, NULL, "send x\"\"");
    W_begin(&w, "ab\x1b[1m", 6, 6);
    W_leaf(&w, PK_REC_RAW, NULL, 48, 0);
    wants(pk_write_line, &w.tree, NULL, "6 bytes x\"61621b5b316d\"");
    wants(pk_write_source, &w.tree, NULL, "send x\"61621b5b316d\"");
    world_close(&w);
}

static void source_names_what_defaults_do_not_say(void)
{
    world w;
    pk_writer how = {named_inferred, NULL, hop_inferred, 0, 0, NULL};

    world_open(&w);
    world_packet(&w);
    wants(pk_write_source, &w.tree, &how,
          "hop(flags=DF, src=10.0.0.1, dst=10.0.0.2, options=[nop, size(1400)], pad=x\"000000\", "
          "tail=x\"fffe7800\")/talk(dport=443, flags=SA)/\"hi\" + x\"01020304\"");
    /* Nothing is inferred without a machine; `talk` is a layer too, so the number stands. */
    wants(pk_write_source, &w.tree, NULL,
          "hop(ver=4, flags=DF, kind=6, len=36, sum=0xbeef, src=10.0.0.1, dst=10.0.0.2, "
          "options=[opt(kind=1)/nop(), opt(kind=2, length=4)/size(1400)], pad=x\"000000\", "
          "tail=x\"fffe7800\")/talk(sport=20, dport=443, flags=SA, code=0)/\"hi\" + x\"01020304\"");
    /* A lie about one length brings the general form. */
    how.context = "ver kind len sum sport code kind ";
    wants(pk_write_source, &w.tree, &how,
          "hop(flags=DF, src=10.0.0.1, dst=10.0.0.2, options=[nop, opt(length=4)/size(1400)], "
          "pad=x\"000000\", tail=x\"fffe7800\")/talk(dport=443, flags=SA)/\"hi\" + x\"01020304\"");
    how.context = "ver kind len sum sport code length flags src dst options pad tail dport ";
    wants(pk_write_source, &w.tree, &how, "hop()/talk()/\"hi\" + x\"01020304\"");
    world_close(&w);
}

/* A window without bytes has no payload: the case is known by its key alone. */
static void a_case_without_content_keeps_its_name(void)
{
    static const uint8_t bytes[] = "\x40\0\0\x12\0\0\0\0\0\0\x7f\0\0\1\1\2\7\1\1";
    pk_writer how = {named_inferred, NULL, "ver flags kind len sum src dst ", 0, 0, NULL};
    world w;

    world_open(&w);
    W_begin(&w, bytes, 17, 17);
    W_open(&w, "hop", 0, NULL);
    W_list(&w, "options");
    for (unsigned i = 0; i < 3; i++) {
        W_open(&w, "opt", PK_REC_FIELD_OF, NULL);
        W_end(&w);
    }
    W_end(&w);
    W_end(&w);
    /* Kind 2 is a case with content, kind 7 none: the carrier is written. */
    wants(pk_write_source, &w.tree, &how, "hop(options=[nop, opt(), opt()])");
    how.context = "ver flags len sum src dst ";
    wants(pk_write_source, &w.tree, &how, "hop(kind=0, options=[nop, opt(kind=2), opt(kind=7)])");
    wants(pk_write_line, &w.tree, NULL, "hop 0.0.0.0 > 127.0.0.1 options=[nop, opt, opt]");
    world_close(&w);
}

static void a_cut_forces_the_item_before_it(void)
{
    world w;
    pk_writer how = {named_inferred,
                     NULL,
                     "ver flags kind len sum src dst length sport dport code ",
                     0,
                     0,
                     NULL};

    world_open(&w);
    W_begin(&w, world_packet_bytes, 20, 20);
    W_open(&w, "hop", 0, NULL);
    W_list(&w, "options");
    W_open(&w, "opt", PK_REC_FIELD_OF, NULL);
    W_leaf(&w, PK_REC_CUT, NULL, 4, 0);
    W_end(&w);
    W_end(&w);
    W_leaf(&w, PK_REC_REST, "options", 4, 0);
    W_open(&w, "talk", PK_REC_PAYLOAD, NULL);
    w.at = 8 * 16;
    w.tree.recs[w.open[1]].flags = PK_REC_PAYLOAD; /* cut before its first field */
    W_leaf(&w, PK_REC_CUT, NULL, 0, 0);
    W_end(&w);
    W_leaf(&w, PK_REC_CUT, "options", 40, 0);
    W_end(&w);
    wants(pk_write_source, &w.tree, &how,
          "hop(options=[opt(kind=1, _cut=bits\"0000\")], options_rest=bits\"0010\", "
          "options_cut=x\"0405780000\")/talk(_cut=x\"\")");
    world_close(&w);
}

/* Built trees may have several payloads side by side (LANGUAGE.md 2.5). */
static void juxtaposed_payloads_stand_in_brackets(void)
{
    world w;
    pk_writer how = {named_inferred,
                     NULL,
                     "ver flags kind len sum src dst sport dport code options ",
                     0,
                     0,
                     NULL};

    world_open(&w);
    W_begin(&w, world_packet_bytes, 38, 38);
    W_open(&w, "hop", 0, NULL);
    W_open(&w, "talk", PK_REC_PAYLOAD, NULL);
    W_leaf(&w, PK_REC_RAW, NULL, 8, PK_REC_PAYLOAD);
    W_end(&w);
    W_leaf(&w, PK_REC_RAW, NULL, 16, PK_REC_PAYLOAD);
    W_end(&w);
    W_leaf(&w, PK_REC_REST, NULL, 8 * 15, 0);
    wants(pk_write_source, &w.tree, &how,
          "hop()/(talk()/x\"00\" + x\"0000\") + x\"1401bb12006869fffe780001020304\"");
    W_begin(&w, world_packet_bytes, 38, 38);
    W_open(&w, "hop", 0, NULL);
    W_open(&w, "talk", PK_REC_PAYLOAD, NULL);
    W_end(&w);
    W_open(&w, "talk", PK_REC_PAYLOAD, NULL);
    W_end(&w);
    W_end(&w);
    wants(pk_write_source, &w.tree, &how, "hop()/(talk() + talk())");
    world_close(&w);
}

static const uint8_t odd_bytes[] = {
    0x34, 0xa2,                                     /* u16le 0xa234: a = 0xa23, b = 4 */
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, /* big */
    0xfb,                                           /* temp -5 */
    2,    0,    0,    0,    0,    1,                /* mac */
    0x85, 0,                                        /* var: 5 in two bytes */
    3,    'w',  'w',  'w',  0,                      /* name */
    7,                                              /* n */
    'a',  '"',  '\n',                               /* text */
    'k',  0,    0,    0,                            /* key */
    1,    2,    3                                   /* codes */
};

static void odd_packet(world *w)
{
    W_begin(w, odd_bytes, sizeof odd_bytes, sizeof odd_bytes);
    W_open(w, "odd", 0, NULL);
    W_field(w, "var", 16);
    W_open(w, "nm", PK_REC_FIELD_OF, "name");
    W_field(w, "data", 40);
    W_end(w);
    W_open(w, "vlen", PK_REC_FIELD_OF, "n");
    W_end(w);
    W_field(w, "text", 24);
    W_field(w, "key", 0);
    W_list(w, "codes");
    for (unsigned i = 0; i < 3; i++)
        W_field(w, "codes", 0);
    W_end(w);
    W_end(w);
}

static void unusual_values_are_written_exactly(void)
{
    world w;
    pk_writer how = {named_inferred, eval_slot, "v ", 0, 0, NULL};

    world_open(&w);
    odd_packet(&w);
    wants(pk_write_source, &w.tree, &how,
          "odd(a=2595, b=4, big=18446744073709551614, temp=-5, mac=02:00:00:00:00:01, "
          "var=raw(x\"8500\"), name=\"www\", n=7, text=\"a\\\"\\n\", key=\"k\", codes=[1, 2, 3])");
    /* A two-way scalar with something to say of its own; one that nobody evaluates. */
    how.context = "";
    w.tree.bytes = odd_bytes;
    wants(pk_write_source, &w.tree, &how,
          "odd(a=2595, b=4, big=18446744073709551614, temp=-5, mac=02:00:00:00:00:01, "
          "var=raw(x\"8500\"), name=\"www\", n=vlen(7, v=7), text=\"a\\\"\\n\", key=\"k\", "
          "codes=[1, 2, 3])");
    wants(outline, &w.tree, NULL,
          "packet 1, 35 bytes\n"
          "odd  35 bytes\n"
          "  a = 2595\n"
          "  b = 4\n"
          "  big = 18446744073709551614\n"
          "  temp = -5\n"
          "  mac = 02:00:00:00:00:01\n"
          "  var = 5\n"
          "  name = \"www\"\n"
          "  n = vlen  1 byte\n"
          "    v = 7\n"
          "  text = \"a\\\"\\n\"\n"
          "  key = \"k\"\n"
          "  codes = [1, 2, 3]\n");
    world_close(&w);
}

static void json_keeps_every_bit_and_never_loses_precision(void)
{
    world w;

    world_open(&w);
    odd_packet(&w);
    wants(
        json, &w.tree, NULL,
        "{\"v\":1,\"n\":1,\"len\":35,\"cap\":35,\"hex\":\"34a2fffffffffffffffefb020000000001850003"
        "77777700076122"
        "0a6b000000010203\",\"layers\":[{\"layer\":\"odd\",\"off\":0,\"len\":35,\"fields\":["
        "{\"name\":\"a\",\"at\":0,\"bits\":12,\"runs\":[[0,4],[8,8]],\"value\":2595},"
        "{\"name\":\"b\",\"at\":4,\"bits\":4,\"value\":4},"
        "{\"name\":\"big\",\"at\":16,\"bits\":64,\"value\":\"18446744073709551614\"},"
        "{\"name\":\"temp\",\"at\":80,\"bits\":8,\"value\":-5},"
        "{\"name\":\"mac\",\"at\":88,\"bits\":48,\"value\":\"02:00:00:00:00:01\"},"
        "{\"name\":\"var\",\"at\":136,\"bits\":16,\"value\":\"5\"},"
        "{\"name\":\"name\",\"layer\":\"nm\",\"off\":19,\"len\":5,\"text\":\"www\",\"fields\":["
        "{\"name\":\"data\",\"at\":0,\"bits\":40,\"hex\":\"0377777700\"}]},"
        "{\"name\":\"n\",\"layer\":\"vlen\",\"off\":24,\"len\":1,\"fields\":["
        "{\"name\":\"v\",\"at\":0,\"bits\":8,\"value\":7}]},"
        "{\"name\":\"text\",\"at\":200,\"bits\":24,\"hex\":\"61220a\",\"text\":\"a\\\"\\n\"},"
        "{\"name\":\"key\",\"at\":224,\"bits\":32,\"hex\":\"6b000000\",\"text\":\"k\"},"
        "{\"name\":\"codes\",\"at\":256,\"bits\":24,\"list\":["
        "{\"at\":256,\"bits\":8,\"value\":1},{\"at\":264,\"bits\":8,\"value\":2},"
        "{\"at\":272,\"bits\":8,\"value\":3}]}]}]}\n");
    world_close(&w);
}

static void spans_are_absolute_bits(void)
{
    world w;

    world_open(&w);
    W_begin(&w, world_packet_bytes, 30, 30);
    W_open(&w, "hop", 0, NULL);
    w.at = 8 * 22;
    W_open(&w, "talk", PK_REC_PAYLOAD, NULL);
    W_leaf(&w, PK_REC_CUT, NULL, 16, 0);
    W_end(&w);
    W_end(&w);
    wants(spans, &w.tree, NULL,
          "{\"n\":1,\"malformed\":true,\"layers\":[{\"name\":\"hop\",\"pos\":0,\"len\":22},"
          "{\"name\":\"talk\",\"pos\":22,\"len\":8}],\"fields\":["
          "{\"l\":0,\"name\":\"ver\",\"bits\":[[0,4]],\"int\":4},"
          "{\"l\":0,\"name\":\"flags\",\"bits\":[[4,4]],\"int\":2},"
          "{\"l\":0,\"name\":\"flags.3\",\"bits\":[[4,1]],\"int\":0},"
          "{\"l\":0,\"name\":\"flags.evil\",\"bits\":[[5,1]],\"int\":0},"
          "{\"l\":0,\"name\":\"flags.DF\",\"bits\":[[6,1]],\"int\":1},"
          "{\"l\":0,\"name\":\"flags.MF\",\"bits\":[[7,1]],\"int\":0},"
          "{\"l\":0,\"name\":\"kind\",\"bits\":[[8,8]],\"int\":6},"
          "{\"l\":0,\"name\":\"len\",\"bits\":[[16,16]],\"int\":36},"
          "{\"l\":0,\"name\":\"sum\",\"bits\":[[32,16]],\"int\":48879},"
          "{\"l\":0,\"name\":\"src\",\"bits\":[[48,32]],\"val\":\"10.0.0.1\"},"
          "{\"l\":0,\"name\":\"dst\",\"bits\":[[80,32]],\"val\":\"10.0.0.2\"},"
          "{\"l\":1,\"name\":\"sport\",\"bits\":[[176,16]],\"int\":20},"
          "{\"l\":1,\"name\":\"dport\",\"bits\":[[192,16]],\"int\":443},"
          "{\"l\":1,\"name\":\"flags\",\"bits\":[[208,8]],\"int\":18},"
          "{\"l\":1,\"name\":\"flags.7\",\"bits\":[[208,1]],\"int\":0},"
          "{\"l\":1,\"name\":\"flags.6\",\"bits\":[[209,1]],\"int\":0},"
          "{\"l\":1,\"name\":\"flags.5\",\"bits\":[[210,1]],\"int\":0},"
          "{\"l\":1,\"name\":\"flags.A\",\"bits\":[[211,1]],\"int\":1},"
          "{\"l\":1,\"name\":\"flags.P\",\"bits\":[[212,1]],\"int\":0},"
          "{\"l\":1,\"name\":\"flags.R\",\"bits\":[[213,1]],\"int\":0},"
          "{\"l\":1,\"name\":\"flags.S\",\"bits\":[[214,1]],\"int\":1},"
          "{\"l\":1,\"name\":\"flags.F\",\"bits\":[[215,1]],\"int\":0},"
          "{\"l\":1,\"name\":\"code\",\"bits\":[[216,8]],\"int\":0},"
          "{\"l\":1,\"name\":\"_cut\",\"bits\":[[224,16]],\"blob\":true}]}\n");
    world_close(&w);
}

static void dumps_and_arrays_show_bytes(void)
{
    pk_buf out = {0};

    pk_write_hex(&out, (pk_bytes){world_packet_bytes, 18}, 2);
    pk_write_hex(&out, (pk_bytes){NULL, 0}, 2);
    pk_write_hex_line(&out, (pk_bytes){world_packet_bytes, 3});
    pk_buf_byte(&out, '\n');
    pk_write_c(&out, (pk_bytes){world_packet_bytes, 2}, "packet");
    CHECK_TEXT(pk_buf_cstr(&out),
               "  0000  42 06 00 24 be ef 0a 00  00 01 0a 00 00 02 01 02  B..$............\n"
               "  0010  04 05                                             ..\n"
               "420600\n"
               "static const unsigned char packet[2] = {\n    0x42, 0x06,\n};\n");
    pk_buf_free(&out);
}

int main(void)
{
    the_outline_shows_every_field_in_wire_order();
    verbosity_adds_places_marks_and_documentation();
    long_bytes_are_dumped_and_long_lists_wrapped();
    a_line_tells_what_defaults_do_not();
    source_names_what_defaults_do_not_say();
    a_case_without_content_keeps_its_name();
    a_cut_forces_the_item_before_it();
    juxtaposed_payloads_stand_in_brackets();
    unusual_values_are_written_exactly();
    json_keeps_every_bit_and_never_loses_precision();
    spans_are_absolute_bits();
    dumps_and_arrays_show_bytes();
    return check_result();
}
