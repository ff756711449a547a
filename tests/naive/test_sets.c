/* Sets of packets: what is an axis, in which order a set expands, what a list is. */
#include "test.h"

typedef struct expansion {
    const char *expression;
    const char *packets; /* separated by blanks; NULL: an error is expected */
} expansion;

static const char layers[] = "layer pair { a: u8 = 0; b: u8 = 0 }\n"
                             "layer one { c: u8 = 0 }\n"
                             "enum word: u8 { small = 1, big = 9 }\n"
                             "layer worded { w: u8 as word = small }\n"
                             "struct item { k: u8 = 0; payload by k\n"
                             "  case x = 1 { v: u8 = 7 }\n"
                             "  case y = 2 }\n"
                             "layer holder { n: u8 = count(items); items: item[] }\n"
                             "layer wide { v: u16 = 0 }\n"
                             "layer place { at: ip4 = 0.0.0.0 }\n"
                             "let t = 1..2\n"
                             "let both = [one(1), one(2)]\n"
                             "def around(p) = one(8)/p/one(9)\n";

static const expansion cases[] = {
    {"pair(1..2, 3..4)", "0103 0104 0203 0204"},
    {"pair(b=3..4, a=1..2)", "0103 0203 0104 0204"},
    {"pair(t, t)", "0101 0202"},
    {"pair(t, 10 + t)", "010b 020c"},
    {"pair(a=[5, 7..8])", "0500 0700 0800"},
    {"pair(a=1..7 step 3)", "0100 0400 0700"},
    {"pair(a=3..1)", "0300 0200 0100"},
    {"pair(a=9..1 step -4)", "0900 0500 0100"},
    {"pair(a=1..5 except 2..4)", "0100 0500"},
    {"pair(a=[1, 3, 5, 7] except [3, 7])", "0100 0500"},
    {"pair((1, 3))", "0100 0200 0300"},
    {"pair(None, 5)", "0005"},
    {"[one(1), one(3..4)]/one(t)", "0101 0102 0301 0302 0401 0402"},
    {"one(t)/[one(8), pair(t, 9)]", "0108 0208 010109 020209"},
    {"both/one(t)", "0101 0102 0201 0202"},
    {"around(pair(1..2))", "08010009 08020009"},
    {"one(1)/[\"a\", \"b\"]", "0161 0162"},
    {"one(1)/\"a\" + \"b\"", "016162"},
    {"one(1)/(\"ab\" * 2)", "0161626162"},
    {"x\"ff\"/one(2)", "ff02"},
    {"one(t)/padding(\"z\")/one(7)", "01077a 02077a"},
    {"worded([small, big])", "01 09"},
    {"worded(\"big\")", "09"},
    {"holder(items=[x(1..2), y, (\"x\", 3), \"y\"])", "04010102010302 04010202010302"},
    {"holder(items=[item(k=5)/x(4)])", "010504"},
    {"holder(items=[(77, x\"aabb\")])", "014daabb"},
    {"holder(n=9, items=[])", "09"},
    {"holder(items=[y])/one(3)", "010203"},
    {"one(3)/x()", "030107"},
    {"wide(0xffff)", "ffff"},
    {"wide(70000 & 0xffff)", "1170"},
    {"wide(raw(x\"010203\"))", "010203"},
    {"wide(70000)", NULL},
    {"wide(-1)", NULL},
    {"pair(c=1)", NULL},
    {"pair(1, 2, 3)", NULL},
    {"worded(middle)", NULL},
    {"place(10.0.0.6/30)", "0a000004 0a000005 0a000006 0a000007"},
    {"place(\"10.0.0.0/31\")", "0a000000 0a000001"},
    {"place(10.0.0.254..10.0.1.1)", "0a0000fe 0a0000ff 0a000100 0a000101"},
    {"place(10.0.0.0/30 except 10.0.0.1)", "0a000000 0a000002 0a000003"},
    {"place(\"nowhere\")", NULL},
    {"pair(weighted([5, 7..8], [2, 1]))", "0500 0500 0700 0800"},
    {"pair(each([1, 3..4]), 2)", "0102 0302 0402"},
    {"pair(sample(1..9, 10))", NULL},
};

static bool expand(naive_unit *unit, const char *expression, pk_buf *out)
{
    naive_program *program = naive_program_new(unit, expression);
    pk_u128 count = 0;
    bool good = program != NULL && naive_program_count(program, &count);
    pk_buf bytes = {0}, hex = {0};
    for (pk_u128 i = 0; good && i < count; i++) {
        pk_buf_clear(&bytes);
        good = naive_program_build(program, i, &bytes);
        hex_of(&bytes, &hex);
        pk_buf_printf(out, "%s%s", i == 0 ? "" : " ", pk_buf_cstr(&hex));
    }
    pk_buf_free(&bytes);
    pk_buf_free(&hex);
    naive_program_free(program);
    return good;
}

static void expansions(naive_unit *unit)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pk_buf got = {0};
        bool good = expand(unit, cases[i].expression, &got);
        if (cases[i].packets == NULL)
            EXPECT(!good, "%s: built %s", cases[i].expression, pk_buf_cstr(&got));
        else
            EXPECT(good && strcmp(pk_buf_cstr(&got), cases[i].packets) == 0,
                   "%s: expected %s, got %s (%s)", cases[i].expression, cases[i].packets,
                   pk_buf_cstr(&got), good ? "" : naive_unit_error(unit));
        pk_buf_free(&got);
    }
}

static void big_set_is_counted_and_indexed(naive_unit *unit)
{
    naive_program *program =
        naive_program_new(unit, "place(10.0.0.0/8)/wide(0..65535)/pair(1..200)");
    pk_u128 count = 0;
    pk_buf bytes = {0}, hex = {0};
    EXPECT(program != NULL && naive_program_count(program, &count), "not a set");
    EXPECT(count == (pk_u128)16777216 * 65536 * 200, "counts wrong");
    EXPECT(naive_program_build(program, count - 1, &bytes), "the last one is missing");
    hex_of(&bytes, &hex);
    EXPECT(strcmp(pk_buf_cstr(&hex), "0affffffffffc800") == 0, "last is %s", pk_buf_cstr(&hex));
    EXPECT(!naive_program_build(program, count, &bytes), "one too many");
    pk_buf_free(&bytes);
    pk_buf_free(&hex);
    naive_program_free(program);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    naive_unit *unit = standard_unit(argv[1], layers);
    expansions(unit);
    big_set_is_counted_and_indexed(unit);
    naive_unit_free(unit);
    return failures != 0;
}
