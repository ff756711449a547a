#include "image/image.h"

#include <stdlib.h>
#include <time.h>

#include "../base/check.h"
#include "image/builder.h"
#include "image/format.h"
#include "image/shapes.h"
#include "sample.h"

static int load_built(pk_image_builder *to, char reason[512])
{
    pk_buf buf = {0};
    pk_image image;
    reason[0] = 0;
    CHECK_INT(pk_image_builder_finish(to, &buf), PK_OK);
    int code = pk_image_load(buf.data, buf.len, &image, reason, 512);
    pk_buf_free(&buf);
    return code;
}

/* Makes the sample, applies `change`, and expects exactly this sentence. */
#define REFUSED(change, sentence)                          \
    do {                                                   \
        char reason[512];                                  \
        pk_image_builder *to = pk_image_builder_new(NULL); \
        sample s = sample_make(to);                        \
        (void)s;                                           \
        change;                                            \
        CHECK_INT(load_built(to, reason), PK_EFORMAT);     \
        CHECK_TEXT(reason, sentence);                      \
        pk_image_builder_free(to);                         \
    } while (0)

#define INSN(expr, i)  (PK_AT(to, CODE, PK_AT(to, EXP, expr)->start + (i)))
#define ITEM(layer, i) (PK_AT(to, CODE, PK_AT(to, LAY, layer)->items + (i)))

static void test_the_sample_is_accepted(void)
{
    char reason[512];
    pk_image_builder *to = pk_image_builder_new(NULL);
    (void)sample_make(to);
    CHECK_INT(load_built(to, reason), PK_OK);
    CHECK_TEXT(reason, "");
    for (int i = 0; i < PK_SEC_COUNT_OF; i++) /* and leaves no section untested */
        CHECK(pk_image_builder_count(to, (pk_section)i) > 1);
    pk_image_builder_free(to);
}

static void test_records_are_held_to_their_table(void)
{
    REFUSED(PK_AT(to, FLD, s.a)->name = 1 << 20,
            "rejected: field 3 (`demo.`): name is 1048576, but there are only 308 records of STR");
    REFUSED(PK_AT(to, FLD, s.a)->layer = 0,
            "rejected: field 3 (`a`): layer is 0, but may not be none");
    REFUSED(PK_AT(to, FLD, s.a)->init = 99,
            "rejected: field 3 (`demo.a`): init is 99, but there are only 11 records of EXP");
    REFUSED(PK_AT(to, FLD, s.a)->type = 9, "rejected: field 3 (`demo.a`): type is 9, out of range");
    REFUSED(PK_AT(to, FLD, s.a)->flags = 1 << 6,
            "rejected: field 3 (`demo.a`): flags is 64, unknown flags");
    REFUSED(PK_AT(to, LAY, s.demo)->spare = 1,
            "rejected: layer 3 (`demo`): spare is 1, but is reserved");
    REFUSED(PK_AT(to, LAY, s.demo)->n_fields = UINT32_MAX,
            "rejected: layer 3 (`demo`): fields is 2, and 4294967295 records of FLD from there "
            "are not among its 7");
    REFUSED(PK_AT(to, LAY, s.demo)->fields = 0,
            "rejected: layer 3 (`demo`): fields is 0, and 5 records of FLD from there are not "
            "among its 7");
    REFUSED(PK_AT(to, LAY, s.demo)->n_slots = 4097,
            "rejected: layer 3 (`demo`): n_slots is 4097, out of range");
    REFUSED(*PK_AT(to, STR, pk_image_builder_count(to, PK_SEC_STR) - 1) = 'x',
            "rejected: text 307: the last text has no end");
    REFUSED(*PK_AT(to, STR, 0) = 'x', "rejected: text 0: the reserved record is not zero");
    REFUSED(PK_AT(to, BLB, 1)->len = 4,
            "rejected: blob 1: off is 1, and 4 records of DATA from there are not among its 4");
}

static void test_names_in_sentences_are_escaped_and_cut(void)
{
    REFUSED(memcpy(PK_AT(to, STR, PK_AT(to, LAY, s.demo)->name), "\x1b[2J", 4);
            PK_AT(to, LAY, s.demo)->spare = 1,
            "rejected: layer 3 (`\\x1b[2J`): spare is 1, but is reserved");
    REFUSED(char longest[300]; memset(longest, 'x', sizeof longest);
            PK_AT(to, LAY, s.demo)->name = pk_image_builder_text(to, longest, 300);
            PK_AT(to, LAY, s.demo)->spare = 1,
            "rejected: layer 3 (`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`): spare is 1, "
            "but is reserved");
}

static void test_expressions_only_jump_forward_and_inside(void)
{
    REFUSED(INSN(s.formula, 4)->d = 1, "rejected: expression 3 (default of `demo.b`), instruction "
                                       "4: jump to 1 goes backwards");
    REFUSED(INSN(s.formula, 4)->d = 4, "rejected: expression 3 (default of `demo.b`), instruction "
                                       "4: jump to 4 goes backwards");
    REFUSED(INSN(s.formula, 6)->d = 10,
            "rejected: expression 3 (default of `demo.b`), instruction 6: jump to 10 leaves the "
            "program of 10 instructions");
    REFUSED(INSN(s.formula, 9)->op = PK_OPC_SELF,
            "rejected: expression 3 (default of `demo.b`): does not end in `ret`");
    REFUSED(PK_AT(to, EXP, s.formula)->count = 0,
            "rejected: expression 3 (default of `demo.b`): does not end in `ret`");
}

static void test_registers_are_written_on_every_path_before_they_are_read(void)
{
    REFUSED(INSN(s.formula, 9)->a = 9, "rejected: expression 3 (default of `demo.b`), instruction "
                                       "9: register 9 may be read before it is written");
    /* Register 4 is written on one of the two ways to the end. */
    REFUSED(INSN(s.formula, 9)->a = 4, "rejected: expression 3 (default of `demo.b`), instruction "
                                       "9: register 4 may be read before it is written");
    REFUSED(INSN(s.formula, 0)->a = 64, "rejected: expression 3 (default of `demo.b`), instruction "
                                        "0: `slot` names register 64, which does not exist");
    REFUSED(*INSN(s.formula, 8) =
                ((pk_insn){.op = PK_OPC_NATIVE, .b = 63, .c = 2, .d = PK_FN_FILL}),
            "rejected: expression 3 (default of `demo.b`), instruction 8: `native` reads beyond "
            "register 63");
    REFUSED(*INSN(s.formula, 8) = ((pk_insn){.op = PK_OPC_METHOD, .b = 3, .c = 2, .d = 1}),
            "rejected: expression 3 (default of `demo.b`), instruction 8: register 5 may be read "
            "before it is written");
}

static void test_operands_have_their_shape(void)
{
    REFUSED(INSN(s.formula, 0)->op = 255,
            "rejected: expression 3 (default of `demo.b`), instruction 0: opcode 255 is no "
            "expression instruction");
    REFUSED(INSN(s.formula, 0)->op = PK_OPC_FLD,
            "rejected: expression 3 (default of `demo.b`), instruction 0: opcode 1 is no "
            "expression instruction");
    REFUSED(INSN(s.formula, 0)->e = 1, "rejected: expression 3 (default of `demo.b`), instruction "
                                       "0: `slot` has an operand where it takes none");
    REFUSED(INSN(s.formula, 0)->d = 5, "rejected: expression 3 (default of `demo.b`), instruction "
                                       "0: `slot` names slot 5, which does not exist");
    REFUSED(INSN(s.formula, 5)->c = 5, "rejected: expression 3 (default of `demo.b`), instruction "
                                       "5: `size` names part 5, which does not exist");
    REFUSED(INSN(s.formula, 7)->e = 4096, "rejected: expression 3 (default of `demo.b`), "
                                          "instruction 7: slot 4096 (limit 4096)");
    char no_native[128];
    (void)snprintf(no_native, sizeof no_native,
                   "rejected: expression 3 (default of `demo.b`), instruction 8: `native` names "
                   "native function %d, which does not exist",
                   PK_FN_COUNT_OF);
    REFUSED(INSN(s.formula, 8)->d = PK_FN_COUNT_OF, no_native);
    REFUSED(INSN(s.formula, 8)->d = PK_FN_FILL,
            "rejected: expression 3 (default of `demo.b`), instruction 8: `fill` takes 2 to 2 "
            "arguments, 1 given");
    REFUSED(*INSN(s.formula, 0) = ((pk_insn){.op = PK_OPC_PEEK, .a = 1, .d = 65}),
            "rejected: expression 3 (default of `demo.b`), instruction 0: peeks 65 bits (limit "
            "64)");
    REFUSED(*INSN(s.formula, 1) = ((pk_insn){.op = PK_OPC_ENCODE, .a = 2, .b = 1, .d = 12}),
            "rejected: expression 3 (default of `demo.b`), instruction 1: encodes 12 bits in order "
            "0");
    REFUSED(*INSN(s.formula, 0) = ((pk_insn){.op = PK_OPC_PARAM, .a = 1, .d = 0}),
            "rejected: expression 3 (default of `demo.b`), instruction 0: `param` names parameter "
            "0, which does not exist");
}

static void test_calls_match_what_they_call(void)
{
    REFUSED(INSN(s.branch, 1)->d = s.condition,
            "rejected: expression 4 (`a`), instruction 1: expression 5 takes 1 arguments, 0 given");
    REFUSED(INSN(s.branch, 1)->d = PK_AT(to, FLD, s.v)->init,
            "rejected: expression 4 (`a`), instruction 1: expression 1 is of another layer");
    REFUSED(INSN(s.branch, 1)->d = 0,
            "rejected: expression 4 (`a`), instruction 1: `call` names no expression");
    REFUSED(INSN(s.condition, 0)->d = 1,
            "rejected: expression 5 (extent of `demo.parts`), instruction 0: argument 1 of 1");
}

static void test_expressions_are_used_in_their_own_layer(void)
{
    REFUSED(PK_AT(to, FLD, s.v)->init = s.formula,
            "rejected: field 1 (`part.v`): the default is expression 3, which is of another layer");
    REFUSED(PK_AT(to, FLD, s.more)->width = s.condition,
            "rejected: field 5 (`demo.more`): the width is expression 5, which takes 1 arguments, "
            "0 given");
    REFUSED(PK_AT(to, OPT, 1)->value = s.branch,
            "rejected: option 1 (`timeout`): the value is expression 4, which is of another layer");
    REFUSED(PK_AT(to, CHK, 1)->expect = s.branch,
            "rejected: check 1 (`sample.pkt:9`): the expectation is expression 4, which is of "
            "another layer");
    REFUSED(PK_AT(to, GIV, 1)->ref = PK_AT(to, FLD, s.v)->init,
            "rejected: given value 1: the value is expression 1, which is of another layer");
    REFUSED(PK_AT(to, EXP, s.formula)->count = 13,
            "rejected: expression 4 (`a`): instruction 18 of section CODE belongs to another "
            "program");
}

static void test_views_give_their_expressions_what_they_take(void)
{
    REFUSED(PK_AT(to, VIW, s.view)->where = s.branch,
            "rejected: view 1 (`kinds`): the condition of rows is expression 4, which is of "
            "another layer");
    REFUSED(INSN(s.over_row, 0)->d = 9;
            PK_AT(to, EXP, s.over_row)->args = 10,
            "rejected: view 1 (`kinds`): the argument of a function is expression 9, which takes "
            "10 arguments, 8 given");
    REFUSED(INSN(s.over_group, 0)->d = 1;
            PK_AT(to, EXP, s.over_group)->args = 2,
            "rejected: view 1 (`kinds`): a column is expression 10, which takes 2 arguments, 1 "
            "given");
    REFUSED(PK_AT(to, VIW, s.view)->limit = s.over_group,
            "rejected: view 1 (`kinds`): the limit is expression 10, which takes 1 arguments, 0 "
            "given");
    REFUSED(PK_AT(to, VIW, s.view)->columns = PK_ADD(to, COL, 65);
            PK_AT(to, VIW, s.view)->n_columns = 65;
            for (pk_ref i = 3; i < 68; i++) PK_AT(to, COL, i)->expr = s.over_group,
            "rejected: view 1 (`kinds`): 65 columns (limit 64)");
    REFUSED(PK_AT(to, COL, 1)->role = 6, "rejected: column 1 (`sent`): role is 6, out of range");
    REFUSED(PK_AT(to, AGG, 1)->number = 1000001,
            "rejected: aggregate 1: number is 1000001, out of range");
}

static void test_items_tell_the_truth_about_the_fixed_prefix(void)
{
    REFUSED(ITEM(s.demo, 0)->e = 33, "rejected: layer 3 (`demo`), item 0: `fix` promises 33 bits, "
                                     "its 3 fields have 32");
    REFUSED(ITEM(s.demo, 0)->d = 4, "rejected: layer 3 (`demo`), item 0: `fix` promises 4 fields, "
                                    "item 4 is none");
    REFUSED(ITEM(s.demo, 0)->d = 2;
            ITEM(s.demo, 0)->e = 28,
            "rejected: layer 3 (`demo`), item 0: the layer promises 3 fixed fields of 32 bits, its "
            "items 2 of 28");
    REFUSED(PK_AT(to, FLD, s.b)->fixed_off = 28,
            "rejected: layer 3 (`demo`), item 0: fixed field 4 is at bit 16, not 28");
    REFUSED(PK_AT(to, FLD, s.v)->fixed_off = 0,
            "rejected: field 1 (`part.v`): has a fixed offset, its layer denies it");
    REFUSED(PK_AT(to, LAY, s.demo)->fixed_bits = 0,
            "rejected: layer 3 (`demo`), item 0: the layer promises 3 fixed fields of 0 bits, its "
            "items 3 of 32");
    REFUSED(*ITEM(s.demo, 9) = ((pk_insn){.op = PK_OPC_FIX, .d = 1, .e = 16}),
            "rejected: layer 3 (`demo`), item 9: `fix` is not the first item");
}

static void test_windows_nest_and_jumps_stay_inside_them(void)
{
    REFUSED(ITEM(s.demo, 4)->d = 6,
            "rejected: layer 3 (`demo`), item 4: jump to 6 crosses a window's boundary");
    REFUSED(ITEM(s.demo, 4)->d = 7,
            "rejected: layer 3 (`demo`), item 4: jump to 7 crosses a window's boundary");
    REFUSED(*ITEM(s.demo, 7) = ((pk_insn){.op = PK_OPC_JMP, .d = 8}),
            "rejected: layer 3 (`demo`), item 10: the window of item 5 stays open");
    REFUSED(*ITEM(s.demo, 5) = ((pk_insn){.op = PK_OPC_JMP, .d = 6}),
            "rejected: layer 3 (`demo`), item 7: `wen` closes no window");
    REFUSED(ITEM(s.demo, 4)->d = 11,
            "rejected: layer 3 (`demo`), item 4: jump to 11 leaves the program of 11 instructions");
    REFUSED(ITEM(s.demo, 4)->e = 0, "rejected: layer 3 (`demo`), item 4: `jif` has no condition");
    REFUSED(ITEM(s.demo, 10)->op = PK_OPC_WEN,
            "rejected: layer 3 (`demo`), item 10: the last item is not `end`");
    REFUSED(ITEM(s.demo, 9)->d = 0;
            ITEM(s.demo, 9)->op = PK_OPC_END,
            "rejected: layer 3 (`demo`), item 9: `end` is not the last item");
    REFUSED(PK_AT(to, LAY, s.link)->n_items = 0, "rejected: layer 4 (`link`): has no items");
    REFUSED(PK_AT(to, LAY, s.link)->items = PK_AT(to, LAY, s.big)->items,
            "rejected: layer 4 (`link`): instruction 5 of section CODE belongs to another program");
}

static void test_items_fit_their_fields(void)
{
    REFUSED(ITEM(s.demo, 6)->d = s.v,
            "rejected: layer 3 (`demo`), item 6: `byt` of field 1, which is of layer 1");
    REFUSED(ITEM(s.demo, 6)->d = s.b,
            "rejected: layer 3 (`demo`), item 6: `byt` of field 4, which is out of order");
    REFUSED(
        ITEM(s.demo, 6)->op = PK_OPC_FLD,
        "rejected: layer 3 (`demo`), item 6: `fld` of field 5, which has another type or width");
    REFUSED(
        PK_AT(to, FLD, s.magic)->bits = 65,
        "rejected: layer 3 (`demo`), item 1: `fld` of field 2, which has another type or width");
    REFUSED(
        PK_AT(to, FLD, s.list)->n_args = 0,
        "rejected: layer 3 (`demo`), item 8: `lst` of field 6, which has another type or width");
    REFUSED(
        PK_AT(to, FLD, s.list)->sub = 0,
        "rejected: layer 3 (`demo`), item 8: `lst` of field 6, which has another type or width");
    REFUSED(PK_AT(to, FLD, s.more)->flags = PK_FIELD_PARAM,
            "rejected: layer 3 (`demo`), item 6: `byt` of field 5, which is a parameter");
    REFUSED(PK_AT(to, FLD, s.a)->slot = 5, "rejected: field 3 (`demo.a`): slot 5 of 5");
    REFUSED(PK_AT(to, FLD, s.b)->flags &= (uint16_t)~PK_FIELD_HAS_INIT,
            "rejected: field 4 (`demo.b`): its flags are wrong about its default");
    REFUSED(PK_AT(to, FLD, s.magic)->n_args = 2,
            "rejected: field 2 (`demo.magic`): args is 0, and 2 records of EXP from there are not "
            "among its 11");
}

static void test_bit_groups_are_whole(void)
{
    REFUSED(PK_AT(to, FLD, s.a)->group_shift = 5,
            "rejected: layer 3 (`demo`), item 2: field 3 does not fit its bit group");
    REFUSED(PK_AT(to, FLD, s.b)->bits = 3,
            "rejected: layer 3 (`demo`), item 3: field 4 leaves a gap in its bit group");
    REFUSED(PK_AT(to, FLD, s.b)->flags ^= PK_FIELD_GROUP_LE,
            "rejected: layer 3 (`demo`), item 3: field 4 changes its bit group");
    REFUSED(PK_AT(to, FLD, s.a)->bits = 8; PK_AT(to, FLD, s.a)->group_shift = 8;
            PK_AT(to, FLD, s.b)->bits = 4;
            PK_AT(to, FLD, s.b)->group_shift = 4,
            "rejected: layer 3 (`demo`), item 4: stands within a bit group");
}

static void test_layers_own_their_names(void)
{
    REFUSED(PK_AT(to, MEM, PK_AT(to, LAY, s.demo)->members)->name = PK_AT(to, LAY, s.link)->name,
            "rejected: member 4 (`_b`): the members of layer 3 are not sorted");
    REFUSED(PK_AT(to, MEM, PK_AT(to, LAY, s.demo)->members)->ref = 5,
            "rejected: member 3 (`_a`): kind 0 names 5 of 5");
    REFUSED(PK_AT(to, MEM, 2)->ref = s.formula,
            "rejected: member 2 (`value`): its value is expression 3, which is of another layer");
    REFUSED(PK_AT(to, LAY, s.link)->members = 1;
            PK_AT(to, LAY, s.link)->n_members = 1,
            "rejected: layer 4 (`link`): shares members with another layer");
    REFUSED(PK_AT(to, LAY, s.big)->parent = 0,
            "rejected: layer 2 (`big`): a case has a parent, nothing else has");
    REFUSED(PK_AT(to, LAY, s.big)->parent = s.big,
            "rejected: layer 2 (`big`): its chain comes back to itself");
    REFUSED(PK_AT(to, KYP, 1)->echoed_slot = 5, "rejected: key pair 1: slot 5 of 5");
    REFUSED(PK_AT(to, KYP, 1)->term_slot = 5, "rejected: key pair 1: slot 5 of 5");
    REFUSED(PK_AT(to, LAY, s.link)->shapes = 1;
            PK_AT(to, LAY, s.link)->n_shapes = 1,
            "rejected: layer 4 (`link`): shares answer shapes with another layer");
    REFUSED(PK_AT(to, IMP, 1)->slot = 5, "rejected: imposition 1: slot 5 of 5");
    REFUSED(ITEM(s.demo, 8)->op = PK_OPC_PAY;
            ITEM(s.demo, 8)->d = 1,
            "rejected: payload 1: is used twice, or shares selectors with another");
}

static void test_tables_are_sorted(void)
{
    REFUSED(PK_AT(to, KEY, 1)->hi = 10,
            "rejected: table 1 (`magic`): its keys are not sorted, or overlap");
    REFUSED(PK_AT(to, KEY, 1)->hi = 0, "rejected: key 1: 1 to 0 is empty");
    REFUSED(PK_AT(to, TAB, 1)->n_keys = 4,
            "rejected: table 1 (`magic`): its keys are not sorted, or overlap");
    REFUSED(PK_AT(to, ENU, 2)->next = 1,
            "rejected: enum 1 (`cmd`): its chain comes back to itself");
    REFUSED(PK_AT(to, ENU, 2)->next = 2,
            "rejected: enum 2 (`cmd`): its chain comes back to itself");
}

static void test_sets_leave_one_set(void)
{
    REFUSED(PK_AT(to, SOP, 4)->op = PK_SET_NONE,
            "rejected: set 2 (`[4..4, ports]`): its steps leave 3 sets, not one");
    REFUSED(PK_AT(to, SOP, 3)->op = PK_SET_EXCEPT,
            "rejected: set 2 (`[4..4, ports]`): step 1 takes 2 sets, there are 1");
    REFUSED(PK_AT(to, SET, 1)->n_steps = 0,
            "rejected: set 1 (`4`): its steps leave 0 sets, not one");
    REFUSED(PK_AT(to, SET, 1)->steps = 2,
            "rejected: set 2 (`[4..4, ports]`): shares steps with another set");
    REFUSED(PK_AT(to, SOP, 2)->b = 0, "rejected: set step 2: 0 is no expression");
    REFUSED(PK_AT(to, SOP, 3)->a = 2, "rejected: set step 3: 2 is no set parameter");
    REFUSED(PK_AT(to, SOP, 1)->a = s.formula,
            "rejected: set step 1: an operand is expression 3, which is of another layer");
    REFUSED(PK_AT(to, AXS, 1)->dim = 2, "rejected: axis 1 (`p`): dimension 2, among 1 axes");
    REFUSED(*PK_AT(to, DML, 1) = 2, "rejected: dimension 1: dimension 2 has no axis");
}

static void test_patterns_are_of_their_layers(void)
{
    REFUSED(PK_AT(to, PST, 1)->layer = s.part,
            "rejected: pattern layer 1: the condition is expression 6, which is of another layer");
    REFUSED(PK_AT(to, PST, 1)->layer = 0,
            "rejected: pattern layer 1: layer is 0, but may not be none");
    REFUSED(PK_AT(to, PRB, 1)->where = s.member,
            "rejected: probe 1 (`ping`): the condition is expression 6, which is of another layer");
    REFUSED(PK_AT(to, CKI, 1)->slot = 5,
            "rejected: piece of a cookie 1: plan node 1 has no slot 5");
    REFUSED(PK_AT(to, CKI, 1)->plan = s.plan + 2,
            "rejected: piece of a cookie 1: plan node 3 has no slot 1");
    REFUSED(PK_AT(to, CKI, 1)->bits = 31,
            "rejected: piece of a cookie 1: bits 2 to 33 of a word of 32");
    REFUSED(PK_AT(to, PRB, 1)->n_answer = 2, "rejected: probe 1 (`ping`): answer is 1, and 2 "
                                             "records of PAT from there are not among its 2");
}

static void test_plans_are_trees(void)
{
    REFUSED(PK_AT(to, PLN, s.inner)->next = s.plan,
            "rejected: plan node 1: is part of a cycle, or below one");
    REFUSED(PK_AT(to, PLN, s.inner)->payload = s.inner,
            "rejected: plan node 2: is part of a cycle, or below one");
    REFUSED(PK_AT(to, GIV, 2)->ref = s.plan,
            "rejected: plan node 1: is part of a cycle, or below one");
    REFUSED(PK_AT(to, PLN, s.plan + 2)->payload = s.inner,
            "rejected: plan node 3: a value has given values or a payload");
    REFUSED(PK_AT(to, PLN, s.inner)->ref = 99, "rejected: plan node 2: kind 0 names 99 of 5");
    REFUSED(PK_AT(to, PLN, s.inner)->givens = 1;
            PK_AT(to, PLN, s.inner)->n_givens = 1,
            "rejected: plan node 2: shares given values with another");
    REFUSED(PK_AT(to, GIV, 1)->slot = 5, "rejected: given value 1: slot 5 of 5");
    REFUSED(PK_AT(to, GIV, 1)->ref = 0, "rejected: given value 1: kind 0 names 0 of 11");
}

/* Time is measured against itself: four times the image may not take thirty times as long. */
static double seconds_to_load(uint32_t n)
{
    pk_image_builder *to = pk_image_builder_new(NULL);
    sample s = sample_make(to);
    pk_image_expr expr = *PK_AT(to, EXP, s.formula);
    pk_ref exprs = PK_ADD(to, EXP, n);
    for (uint32_t i = 0; i < n; i++)
        *PK_AT(to, EXP, exprs + i) = expr;
    pk_ref enums = PK_ADD(to, ENU, n);
    for (uint32_t i = 0; i + 1 < n; i++)
        PK_AT(to, ENU, enums + i)->next = enums + i + 1;
    pk_ref keys = PK_ADD(to, KEY, n);
    for (uint32_t i = 0; i < n; i++)
        *PK_AT(to, KEY, keys + i) = (pk_image_key){i, i, s.demo, 0};
    pk_ref tables = PK_ADD(to, TAB, n);
    for (uint32_t i = 0; i < n; i++)
        *PK_AT(to, TAB, tables + i) = (pk_image_table){s.demo, 0, keys, n};
    pk_ref plans = PK_ADD(to, PLN, n);
    for (uint32_t i = 0; i < n; i++)
        *PK_AT(to, PLN, plans + i) = (pk_image_plan){.kind = PK_PLAN_INSTANCE,
                                                     .ref = s.part,
                                                     .next = i ? plans + i - 1 : 0,
                                                     .payload = i ? plans + i - 1 : 0};
    pk_buf buf = {0};
    pk_image image;
    char reason[512] = "";
    CHECK_INT(pk_image_builder_finish(to, &buf), PK_OK);
    clock_t start = clock();
    CHECK_INT(pk_image_load(buf.data, buf.len, &image, reason, sizeof reason), PK_OK);
    double taken = (double)(clock() - start) / CLOCKS_PER_SEC;
    CHECK_TEXT(reason, "");
    pk_buf_free(&buf);
    pk_image_builder_free(to);
    return taken;
}

static void test_time_is_linear_where_ranges_are_shared(void)
{
    (void)seconds_to_load(1000);
    double small = seconds_to_load(20000), large = seconds_to_load(80000);
    CHECK(large < 30 * small + 0.05);
}

int main(void)
{
    test_the_sample_is_accepted();
    test_records_are_held_to_their_table();
    test_names_in_sentences_are_escaped_and_cut();
    test_expressions_only_jump_forward_and_inside();
    test_registers_are_written_on_every_path_before_they_are_read();
    test_operands_have_their_shape();
    test_calls_match_what_they_call();
    test_expressions_are_used_in_their_own_layer();
    test_views_give_their_expressions_what_they_take();
    test_items_tell_the_truth_about_the_fixed_prefix();
    test_windows_nest_and_jumps_stay_inside_them();
    test_items_fit_their_fields();
    test_bit_groups_are_whole();
    test_layers_own_their_names();
    test_tables_are_sorted();
    test_sets_leave_one_set();
    test_patterns_are_of_their_layers();
    test_plans_are_trees();
    test_time_is_linear_where_ranges_are_shared();
    return check_result();
}
