#include "image/disasm.h"

#include <stdlib.h>

#include "../base/check.h"
#include "image/builder.h"
#include "image/shapes.h"
#include "sample.h"

typedef struct fixture {
    pk_image_builder *to;
    sample s;
    pk_buf blob, text;
    pk_image image;
} fixture;

static fixture begin(void)
{
    char reason[256] = "";
    fixture f = {.to = pk_image_builder_new(NULL)};
    f.s = sample_make(f.to);
    CHECK_INT(pk_image_builder_finish(f.to, &f.blob), PK_OK);
    CHECK_INT(pk_image_load(f.blob.data, f.blob.len, &f.image, reason, sizeof reason), PK_OK);
    CHECK_TEXT(reason, "");
    return f;
}

static void end(fixture *f)
{
    pk_buf_free(&f->blob);
    pk_buf_free(&f->text);
    pk_image_builder_free(f->to);
}

static void expect(fixture *f, pk_insn insn, const char *want)
{
    pk_buf_clear(&f->text);
    pk_image_disasm_insn(&f->image, &insn, &f->text);
    CHECK_TEXT(pk_buf_cstr(&f->text), want);
}

static void test_operands_are_written_as_their_shapes_say(void)
{
    fixture f = begin();
    expect(&f, (pk_insn){.op = PK_OPC_ADD, .a = 1, .b = 2, .c = 3}, "add r1, r2, r3");
    expect(&f, (pk_insn){.op = PK_OPC_INT, .a = 1, .e = 7}, "int r1, 7");
    expect(&f, (pk_insn){.op = PK_OPC_INT, .a = 1, .e = UINT64_MAX},
           "int r1, -1 (0xffffffffffffffff)");
    expect(&f, (pk_insn){.op = PK_OPC_BLOB, .a = 1, .d = 1}, "blob r1, x\"686579\"");
    expect(&f, (pk_insn){.op = PK_OPC_JUMPF, .a = 1, .d = 9}, "jumpf r1, -> 9");
    expect(&f, (pk_insn){.op = PK_OPC_NATIVE, .a = 1, .b = 2, .c = 1, .d = PK_FN_CRC32C},
           "native r1, r2, 1, crc32c");
    expect(&f, (pk_insn){.op = PK_OPC_SIZE, .a = 1, .b = 2, .c = PK_PART_HEAD},
           "size r1, r2, head");
    expect(&f, (pk_insn){.op = PK_OPC_BYTES, .a = 1, .b = 2, .c = PK_PART_FIELD, .d = 3},
           "bytes r1, r2, field, 3");
    expect(&f, (pk_insn){.op = PK_OPC_BYTES, .a = 1, .b = 2, .c = PK_PART_SPAN, .d = 3, .e = 4},
           "bytes r1, r2, span, 3, 4");
    expect(&f, (pk_insn){.op = PK_OPC_OVER, .a = 1, .d = f.s.big}, "over r1, part.big");
    expect(&f, (pk_insn){.op = PK_OPC_SLICE, .a = 1, .b = 2, .c = 3, .d = 4},
           "slice r1, r2, r3, r4");
    expect(&f, (pk_insn){.op = PK_OPC_PARAM, .a = 1, .d = 2}, "param r1, count");
    expect(&f, (pk_insn){.op = PK_OPC_FLD, .d = f.s.a}, "fld a");
    expect(&f, (pk_insn){.op = PK_OPC_END}, "end");
    expect(&f, (pk_insn){.op = 200}, "? opcode 200");
    end(&f);
}

static void test_a_layer_is_shown_with_all_it_owns(void)
{
    fixture f = begin();
    pk_image_disasm(&f.image, f.s.demo, &f.text);
    const char *text = pk_buf_cstr(&f.text);
    static const char *const parts[] = {
        "\nlayer demo:\n",
        " slot=1 bits=12 flags=4 group_bits=16 group_shift=4 fixed_off=16\n",
        "  items:\n      0  fix 3, 32\n      1  fld magic\n",
        "      4  jif -> 8, expression 4\n      5  win \"more\", expression 2\n",
        "  payload 1: selectors=SEL:1 n_selectors=1 window=EXP:2 otherwise=part\n",
        "  key 2: lo=10 hi=-1 (0xffffffffffffffff) layer=part\n",
        "  expression 3: b == 1 ? size(this) : inet_sum(this)\n      0  slot r1, 2 b\n",
        "      7  bytes r4, r3, span, 0, 2\n      8  native r0, r4, 1, inet_sum\n      9  ret r0\n",
        "  expression 5 (1 arguments): it.v == 0\n      0  arg r0, 0\n      1  get r0, r0, \"v\"\n",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(text, parts[i]))
            CHECK_TEXT(text, parts[i]);
    CHECK(!strstr(text, "layer link"));
    end(&f);
}

/* Every record and every instruction of the sample is in the text. */
static void test_nothing_is_left_out(void)
{
    fixture f = begin();
    pk_image_disasm(&f.image, 0, &f.text);
    const char *text = pk_buf_cstr(&f.text);
    size_t n;
    const pk_record_info *infos = pk_record_infos(&n);
    for (size_t i = 0; i < n; i++) {
        char line[64];
        pk_section section = (pk_section)infos[i].section;
        if (section == PK_SEC_BLB)
            continue; /* shown where they are used */
        for (uint32_t ref = 1; ref < pk_image_builder_count(f.to, section); ref++) {
            bool expr = section == PK_SEC_EXP;
            (void)snprintf(line, sizeof line, "  %s %u%s", pk_section_noun(section), ref,
                           expr ? "" : ":");
            if (!strstr(text, line))
                CHECK_TEXT("missing", line);
        }
    }
    size_t insns = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        insns += strncmp(at, "\n     ", 6) == 0;
    CHECK_INT(insns, f.image.n_code - 1);
    CHECK(strstr(text, "\nsection DML\n  1\n"));
    end(&f);
}

static void test_hostile_names_are_escaped(void)
{
    fixture f = begin();
    char *name = (char *)f.blob.data + ((const char *)f.image.strings - (const char *)f.blob.data) +
                 f.image.layers[f.s.demo].name;
    static const char escape[4] = {0x1b, '[', '2', 'J'};
    memcpy(name, escape, sizeof escape);
    pk_image_disasm(&f.image, 0, &f.text);
    CHECK(!strchr(pk_buf_cstr(&f.text), 0x1b));
    CHECK(strstr(pk_buf_cstr(&f.text), "layer \\x1b[2J:"));
    end(&f);
}

int main(void)
{
    test_operands_are_written_as_their_shapes_say();
    test_a_layer_is_shown_with_all_it_owns();
    test_nothing_is_left_out();
    test_hostile_names_are_escaped();
    return check_result();
}
