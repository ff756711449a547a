/* Building and inference, rule by rule, over small descriptions. */
#include <stdlib.h>

#include "../base/check.h"
#include "machine.h"
#include "tiling.h"

static const char *const layers =
    "layer low { len: u16 = size(this); kind: u8 = 9; sum: u16 as hex = inet_sum(head)\n"
    "  within rest { payload by kind; pad: bytes = zeros(pad_to - here) }\n"
    "  param pad_to: int = 0\n"
    "  def pseudo(n) = x\"0102\" + u16(n) }\n"
    "layer mid on low(kind=5) { sum: u16 as hex = inet_sum(below.pseudo(size(this)) + this)\n"
    "  flag: u1 = has(extra); small: u7 = 3\n"
    "  if flag { extra: u16 = 0x55 }\n"
    "  payload by small }\n"
    "layer high on low(pad_to=0)/mid(small=8) { v: u8 = 1 }\n"
    "layer opts { size8: u4 = size(head) / 4; z: u12; within size8*4 - 2 {\n"
    "    items: opt[] until it.k == 0; fill: bytes = zeros(-here % 4) }; payload }\n"
    "struct opt { k: u8 = 1; if k > 1 { l: u8 = size(this) }; payload by k within (k > 1 ? l - 2 : "
    "0)\n"
    "  case nop = 1\n"
    "  case word = 2 { w: u16 = 0xabcd }\n"
    "  case list = 3 { e: u8[] } }\n"
    "layer text { n: u8 = size(t); t: bytes[n]; m: u8 = size(u); u: bytes[m] = \"hi\" }\n"
    "layer two { a: q = 5; b: q = 300; c: len2 = size(d); d: bytes }\n"
    "struct q { p: u2 = value < 64 ? 0 : 1; v: u(p ? 14 : 6) = value; let value = v }\n"
    "struct len2 { v: u8 = value + 1; let value = v - 1 }\n"
    "layer lst { n: u8 = count(a); a: u16[n] = [5, 0x1234]; b: i16le[] = [-2]; c: ip4[] = "
    "[1.2.3.4] }\n"
    "layer le { bits u16le { hi: u12 = 0xabc; lo: u4 = 3 }; n: u32le = 0x01020304; s: i8 = -2 }\n"
    "layer vars { a: uleb = 624485; b: uvlq = 975 }\n"
    "layer ring { a: u8 = b; b: u8 = a }\n"
    "layer wide { w: u(w > 3 ? 16 : 8) = 1 }\n"
    "layer pres { a: u8 = 1; if size(this) > 3 { b: u8 = 0 } }\n"
    "layer inf { s: nest }\n"
    "struct nest { more: nest }\n";

static void expect(const char *expression, const char *hex)
{
    char text[8192];
    pk_buf out = {0}, got = {0};
    machine m;
    snprintf(text, sizeof text, "%ssend %s\n", layers, expression);
    if (machine_packet(&m, text, NULL, &out)) {
        for (size_t i = 0; i < out.len; i++)
            pk_buf_printf(&got, "%02x", out.data[i]);
        CHECK(tiles(&m.built));
    } else {
        pk_buf_text(&got, m.why);
    }
    if (strcmp(pk_buf_cstr(&got), hex) != 0)
        fprintf(stderr, "%s\n", expression);
    CHECK_TEXT(pk_buf_cstr(&got), hex);
    machine_close(&m);
    pk_buf_free(&out);
    pk_buf_free(&got);
}

static void refuse(const char *expression, const char *why)
{
    char text[8192];
    pk_buf out = {0};
    machine m;
    snprintf(text, sizeof text, "%ssend %s\n", layers, expression);
    CHECK(!machine_packet(&m, text, NULL, &out));
    if (!strstr(m.why, why))
        fprintf(stderr, "%s: %s\n  expected %s\n", expression, m.why, why);
    CHECK(strstr(m.why, why) != NULL);
    CHECK_INT(out.len, 0);
    machine_close(&m);
    pk_buf_free(&out);
}

static void defaults_are_computed(void)
{
    expect("low()", "000509f6fa");
    expect("low()/\"abc\"", "000809f6f7616263");
    expect("low(pad_to=8)/\"a\"", "000809f6f7610000");
    expect("low(len=1, kind=raw(x\"aabbcc\"))", "0001aabbcc8942");
}

static void layers_above_impose_defaults(void)
{
    expect("low()/mid()", "000805faf7fbfa03");
    expect("low(kind=1)/mid(extra=1)", "000a01fef57af8830001");
    expect("low()/mid()/high()", "000905faf6f6f80801");
    expect("mid()/mid()", "fcff03fcff03");
}

static void lists_nest_instances_and_values(void)
{
    expect("opts()", "10000000");
    expect("opts(items=[nop, word(7), nop()])/\"x\"", "200001020400070178");
    expect("opts(items=[opt(l=9)/word(), opt(k=200)/x\"01\"])", "30000209abcdc80301000000");
    expect("opts(items=[list(e=[1, 2, 3])], z=5)", "2005030501020300");
}

static void a_length_and_its_bytes_agree_in_either_order(void)
{
    expect("text()", "00026869");
    expect("text(t=\"abc\", u=\"\")", "0361626300");
    expect("text(n=2)", "02000002"
                        "6869");
    expect("text(n=9, t=\"a\")", "096102"
                                 "6869");
}

static void two_way_scalars_take_their_integer(void)
{
    expect("two(d=\"abc\")", "05412c04616263");
    expect("two(a=64, b=q(p=0, v=7), c=0)", "40400701");
}

static void a_list_has_its_default_element_by_element(void)
{
    expect("lst()", "0200051234feff01020304");
    expect("lst(a=[], b=[1])", "00010001020304");
}

static void every_encoding_is_written(void)
{
    expect("le()", "c3ab04030201fe");
    expect("le(hi=1, lo=15, s=127)", "1f00040302017f");
    expect("vars()", "e58e26874f");
    expect("vars(a=0, b=128)", "008100");
}

static void what_cannot_be_is_said(void)
{
    refuse("ring()", "the value of `ring.a` depends on itself: a -> b -> a");
    refuse("wide()", "`wide.w` depends on itself");
    refuse("pres()", "what is present in `pres` depends on itself");
    refuse("inf()", "too many nested structures in a layer (limit 32)");
    refuse("low()/zeros(2000000)", "too many bytes in one value (limit 1048576)");
    refuse("low()/(zeros(600000) + zeros(600000))", "(limit 1048576)");
    refuse("low(kind=zeros(1)[0] + 300)", "`low.kind` is 8 bits wide, 300 does not fit");
    refuse("le(s=zeros(1)[0] + 128)", "`le.s` is 8 bits wide, 128 does not fit");
}

static void a_value_without_a_place_is_left_out_and_said(void)
{
    char text[8192], name[96];
    uint32_t lo = 0;
    machine m;
    pk_buf out = {0};
    expect("mid(flag=0, extra=1)", "fcff03");
    snprintf(text, sizeof text, "%ssend mid(flag=0, extra=1)\n", layers);
    CHECK(machine_packet(&m, text, NULL, &out));
    CHECK_TEXT(pk_vm_ignored(m.vm, name, sizeof name, &lo), "mid.extra");
    CHECK(lo != 0);
    machine_close(&m);
    snprintf(text, sizeof text, "%ssend mid(flag=1, extra=1)\n", layers);
    CHECK(machine_packet(&m, text, NULL, &out));
    CHECK(pk_vm_ignored(m.vm, name, sizeof name, &lo) == NULL);
    machine_close(&m);
    pk_buf_free(&out);
}

/* Names of the fields that the tree of a built packet does not need in its description. */
static void expect_inferred(const char *expression, const char *hex, const char *names)
{
    char text[8192];
    uint8_t bytes[64];
    size_t len = 0;
    pk_buf got = {0};
    machine m;
    snprintf(text, sizeof text, "%ssend %s()\n", layers, expression);
    CHECK(machine_open(&m, text, NULL));
    for (; hex[2 * len]; len++) {
        const char digits[3] = {hex[2 * len], hex[2 * len + 1], 0};
        bytes[len] = (uint8_t)strtoul(digits, NULL, 16);
    }
    CHECK(machine_read(&m, expression, bytes, len));
    pk_tree_node node = pk_tree_first(&m.read, (pk_tree_node){0, 0});
    for (; !pk_tree_none(node); node = pk_tree_walk(&m.read, node))
        if (pk_vm_inferred(m.vm, &m.read, node))
            pk_buf_printf(&got, "%s ", pk_tree_name(&m.read, node));
    CHECK_TEXT(pk_buf_cstr(&got), names);
    machine_close(&m);
    pk_buf_free(&got);
}

static void fields_equal_to_their_default_are_inferred(void)
{
    expect_inferred("low", "000509f6fa", "len kind sum pad ");
    expect_inferred("low", "000609fff1", "kind pad ");
    expect_inferred("low", "000805faf7fbfa03", "len kind sum sum flag small pad ");
    expect_inferred("low", "000801fef7fef603", "len sum pad ");
    expect_inferred("opts", "2005030501020300", "size8 k l fill ");
    expect_inferred("two", "05412c04616263", "a p v b p v c v ");
    expect_inferred("two", "4005412c04616263", "v b p v c v ");
    expect_inferred("vars", "e58e26874f", "a b ");
    expect_inferred("vars", "e58ea68000874f", "b ");
    expect_inferred("le", "c3ab04030201fe", "hi lo n s ");
    expect_inferred("text", "00026869", "n t m u ");
}

int main(void)
{
    defaults_are_computed();
    layers_above_impose_defaults();
    lists_nest_instances_and_values();
    a_length_and_its_bytes_agree_in_either_order();
    two_way_scalars_take_their_integer();
    a_list_has_its_default_element_by_element();
    every_encoding_is_written();
    what_cannot_be_is_said();
    a_value_without_a_place_is_left_out_and_said();
    fields_equal_to_their_default_are_inferred();
    return check_result();
}
