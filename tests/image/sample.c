#include "sample.h"

#include <string.h>

static pk_ref text(pk_image_builder *to, const char *words)
{
    return pk_image_builder_text(to, words, strlen(words));
}

#define EXPR(to, layer, args, words, ...)                        \
    expr(to, layer, args, words, (const pk_insn[]){__VA_ARGS__}, \
         sizeof((const pk_insn[]){__VA_ARGS__}) / sizeof(pk_insn))

static pk_ref expr(pk_image_builder *to, pk_ref layer, uint32_t args, const char *words,
                   const pk_insn *insns, uint32_t count)
{
    pk_ref start = PK_PUT(to, CODE, insns, count);
    pk_ref written = text(to, words);
    pk_ref ref = PK_ADD(to, EXP, 1);
    *PK_AT(to, EXP, ref) = (pk_image_expr){
        .start = start, .count = count, .args = args, .layer = layer, .text = written};
    return ref;
}

static pk_ref layer(pk_image_builder *to, const char *name, pk_layer_kind kind, pk_ref parent)
{
    pk_ref ref = PK_ADD(to, LAY, 1);
    pk_image_layer at = {.name = text(to, name),
                         .title = text(to, "for tests"),
                         .source = text(to, "sample.pkt:1"),
                         .kind = kind,
                         .parent = parent};
    *PK_AT(to, LAY, ref) = at;
    return ref;
}

static void items(pk_image_builder *to, pk_ref owner, const pk_insn *insns, uint32_t count)
{
    pk_ref start = PK_PUT(to, CODE, insns, count);
    PK_AT(to, LAY, owner)->items = start;
    PK_AT(to, LAY, owner)->n_items = count;
    if (insns->op == PK_OPC_FIX) {
        PK_AT(to, LAY, owner)->fixed_fields = insns->d;
        PK_AT(to, LAY, owner)->fixed_bits = (uint32_t)insns->e;
    }
}

static pk_ref field(pk_image_builder *to, pk_ref owner, const char *name, pk_image_field at)
{
    pk_ref ref = PK_ADD(to, FLD, 1);
    at.name = text(to, name);
    at.layer = owner;
    if (at.init)
        at.flags |= PK_FIELD_HAS_INIT;
    if (!at.fixed_off)
        at.fixed_off = UINT32_MAX;
    *PK_AT(to, FLD, ref) = at;
    pk_image_layer *of = PK_AT(to, LAY, owner);
    if (!of->n_fields++)
        of->fields = ref;
    of->n_slots = at.slot + 1U;
    return ref;
}

static void member(pk_image_builder *to, pk_ref owner, const char *name, pk_member_kind kind,
                   uint32_t ref)
{
    pk_ref at = PK_ADD(to, MEM, 1);
    *PK_AT(to, MEM, at) = (pk_image_member){text(to, name), kind, ref, 0};
    pk_image_layer *of = PK_AT(to, LAY, owner);
    if (!of->n_members++)
        of->members = at;
}

static pk_ref enums(pk_image_builder *to)
{
    pk_ref entries = PK_ADD(to, ENT, 3);
    static const char *const names[] = {"hello", "stat", "bye"};
    for (uint32_t i = 0; i < 3; i++)
        *PK_AT(to, ENT, entries + i) = (pk_image_entry){i + 1, text(to, names[i]), 0};
    pk_ref ref = PK_ADD(to, ENU, 2);
    *PK_AT(to, ENU, ref) = (pk_image_enum){
        .name = text(to, "cmd"), .entries = entries, .n_entries = 2, .next = ref + 1, .chained = 1};
    *PK_AT(to, ENU, ref + 1) = (pk_image_enum){
        .name = text(to, "cmd"), .entries = entries, .n_entries = 3, .select = 7, .chained = 1};
    return ref;
}

/* (b == 1 ? size(this) : inet_sum(bytes(this))) + defined(magic) */
static pk_ref formula(pk_image_builder *to, const sample *s)
{
    return EXPR(to, s->demo, 0, "b == 1 ? size(this) : inet_sum(this)",
                {.op = PK_OPC_SLOT, .a = 1, .d = 2}, {.op = PK_OPC_INT, .a = 2, .e = 1},
                {.op = PK_OPC_EQ, .a = 1, .b = 1, .c = 2}, {.op = PK_OPC_SELF, .a = 3},
                {.op = PK_OPC_JUMPF, .a = 1, .d = 7},
                {.op = PK_OPC_SIZE, .a = 0, .b = 3, .c = PK_PART_THIS}, {.op = PK_OPC_JUMP, .d = 9},
                {.op = PK_OPC_BYTES, .a = 4, .b = 3, .c = PK_PART_SPAN, .d = 0, .e = 2},
                {.op = PK_OPC_NATIVE, .a = 0, .b = 4, .c = 1, .d = PK_FN_INET_SUM},
                {.op = PK_OPC_RET, .a = 0});
}

static pk_ref table(pk_image_builder *to, pk_ref owner, const char *name, pk_ref one, pk_ref two)
{
    pk_ref keys = PK_ADD(to, KEY, 2);
    *PK_AT(to, KEY, keys) = (pk_image_key){1, 9, one, 0};
    *PK_AT(to, KEY, keys + 1) = (pk_image_key){10, UINT64_MAX, two, 0};
    pk_ref ref = PK_ADD(to, TAB, 1);
    *PK_AT(to, TAB, ref) =
        (pk_image_table){.layer = owner, .name = text(to, name), .keys = keys, .n_keys = 2};
    return ref;
}

static void make_part(pk_image_builder *to, sample *s)
{
    s->part = layer(to, "part", PK_LAYER_STRUCT, 0);
    PK_AT(to, LAY, s->part)->n_formals = 1;
    pk_ref init =
        EXPR(to, s->part, 1, "n", {.op = PK_OPC_ARG, .a = 0, .d = 0}, {.op = PK_OPC_RET, .a = 0});
    s->v = field(to, s->part, "v",
                 (pk_image_field){.type = PK_TYPE_UINT, .bits = 8, .init = init, .slot = 0});
    items(to, s->part, (const pk_insn[]){{.op = PK_OPC_FLD, .d = s->v}, {.op = PK_OPC_END}}, 2);
    member(to, s->part, "v", PK_MEMBER_FIELD, 0);
    member(to, s->part, "value", PK_MEMBER_LET, init);
    s->big = layer(to, "big", PK_LAYER_CASE, s->part);
    items(to, s->big, &(pk_insn){.op = PK_OPC_END}, 1);
}

static void make_fields(pk_image_builder *to, sample *s, pk_ref names)
{
    pk_ref argument = s->constant;
    s->magic = field(
        to, s->demo, "magic",
        (pk_image_field){
            .type = PK_TYPE_UINT, .bits = 16, .init = s->constant, .names = names, .slot = 0});
    PK_AT(to, FLD, s->magic)->fixed_off = 0;
    s->a = field(to, s->demo, "a",
                 (pk_image_field){.type = PK_TYPE_UINT,
                                  .bits = 12,
                                  .group_bits = 16,
                                  .group_shift = 4,
                                  .flags = PK_FIELD_GROUP_LE,
                                  .slot = 1,
                                  .fixed_off = 16});
    s->b = field(to, s->demo, "b",
                 (pk_image_field){.type = PK_TYPE_UINT,
                                  .bits = 4,
                                  .group_bits = 16,
                                  .flags = PK_FIELD_GROUP_LE,
                                  .slot = 2,
                                  .fixed_off = 16,
                                  .init = s->formula});
    s->more = field(to, s->demo, "more", (pk_image_field){.type = PK_TYPE_BYTES, .slot = 3});
    s->list = field(to, s->demo, "parts",
                    (pk_image_field){.type = PK_TYPE_STRUCT,
                                     .sub = s->part,
                                     .slot = 4,
                                     .list = 1 + PK_IMAGE_LIST_UNTIL,
                                     .extent = s->condition,
                                     .args = argument,
                                     .n_args = 1});
}

static void make_demo(pk_image_builder *to, sample *s)
{
    s->constant = EXPR(to, 0, 0, "4", {.op = PK_OPC_INT, .a = 0, .e = 4}, {.op = PK_OPC_RET});
    PK_AT(to, EXP, s->constant)->flags = PK_EXPR_CONST;
    s->demo = layer(to, "demo", PK_LAYER_LAYER, 0);
    PK_AT(to, LAY, s->demo)->n_slots = 5;
    s->formula = formula(to, s);
    s->branch =
        EXPR(to, s->demo, 0, "a", {.op = PK_OPC_SLOT, .a = 0, .d = 1},
             {.op = PK_OPC_CALL, .a = 0, .b = 9, .c = 0, .d = s->constant}, {.op = PK_OPC_RET});
    s->condition = EXPR(to, s->demo, 1, "it.v == 0", {.op = PK_OPC_ARG, .a = 0},
                        {.op = PK_OPC_GET, .a = 0, .b = 0, .d = text(to, "v")}, {.op = PK_OPC_RET});
    make_fields(to, s, enums(to));
    s->table = table(to, s->demo, "magic", s->demo, s->part);
    pk_ref selector = PK_ADD(to, SEL, 1);
    *PK_AT(to, SEL, selector) = (pk_image_selector){s->branch, s->table};
    pk_ref payload = PK_ADD(to, PLD, 1);
    *PK_AT(to, PLD, payload) =
        (pk_image_payload){selector, 1, .window = s->constant, .otherwise = s->part};
    const pk_insn program[] = {{.op = PK_OPC_FIX, .d = 3, .e = 32},
                               {.op = PK_OPC_FLD, .d = s->magic},
                               {.op = PK_OPC_FLD, .d = s->a},
                               {.op = PK_OPC_FLD, .d = s->b},
                               {.op = PK_OPC_JIF, .d = 8, .e = s->branch},
                               {.op = PK_OPC_WIN, .d = text(to, "more"), .e = s->constant},
                               {.op = PK_OPC_BYT, .d = s->more},
                               {.op = PK_OPC_WEN},
                               {.op = PK_OPC_LST, .d = s->list},
                               {.op = PK_OPC_PAY, .d = payload},
                               {.op = PK_OPC_END}};
    items(to, s->demo, program, 11);
    member(to, s->demo, "_a", PK_MEMBER_FIELD, 1);
    member(to, s->demo, "_b", PK_MEMBER_FIELD, 2);
    member(to, s->demo, "_big", PK_MEMBER_CASE, s->big);
    member(to, s->demo, "more_rest", PK_MEMBER_WINDOW, text(to, "more"));
}

static void make_bindings(pk_image_builder *to, const sample *s)
{
    pk_ref imposition = PK_ADD(to, IMP, 1);
    *PK_AT(to, IMP, imposition) =
        (pk_image_imposition){.layer = s->demo, .slot = 0, .value = s->constant};
    pk_ref bind = PK_ADD(to, BND, 1);
    *PK_AT(to, BND, bind) = (pk_image_bind){s->demo, imposition, 1, 0};
    PK_AT(to, LAY, s->demo)->binds = bind;
    PK_AT(to, LAY, s->demo)->n_binds = 1;
    pk_ref pair = PK_ADD(to, KYP, 1);
    *PK_AT(to, KYP, pair) = (pk_image_key_pair){s->branch, s->branch, 1, 1};
    pk_ref shape = PK_ADD(to, SHP, 1);
    *PK_AT(to, SHP, shape) = (pk_image_shape){pair, 1, s->branch, 0, text(to, "more"), 0};
    PK_AT(to, LAY, s->demo)->shapes = shape;
    PK_AT(to, LAY, s->demo)->n_shapes = 1;
    PK_AT(to, LAY, s->demo)->answers = s->condition;
    pk_ref alias = PK_ADD(to, ALI, 1);
    *PK_AT(to, ALI, alias) = (pk_image_alias){.name = text(to, "Demo"), .layer = s->demo};
}

static void make_sets(pk_image_builder *to, sample *s)
{
    pk_ref steps = PK_ADD(to, SOP, 4);
    s->set = PK_ADD(to, SET, 2);
    pk_ref param = PK_ADD(to, PAR, 2);
    *PK_AT(to, PAR, param) = (pk_image_param){.name = text(to, "ports"),
                                              .type = PK_PARAM_INT,
                                              .bits = 16,
                                              .is_set = 1,
                                              .init_set = s->set,
                                              .init_text = text(to, "4")};
    *PK_AT(to, PAR, param + 1) = (pk_image_param){
        .name = text(to, "count"), .init = s->constant, .doc = text(to, "how many")};
    *PK_AT(to, SOP, steps) = (pk_image_set_step){PK_SET_VALUE, s->constant, 0, 0};
    *PK_AT(to, SOP, steps + 1) = (pk_image_set_step){PK_SET_RANGE, s->constant, s->constant, 0};
    *PK_AT(to, SOP, steps + 2) = (pk_image_set_step){PK_SET_PARAM, param, 0, 0};
    *PK_AT(to, SOP, steps + 3) = (pk_image_set_step){PK_SET_JOIN, 0, 0, 0};
    *PK_AT(to, SET, s->set) = (pk_image_set){steps, 1, text(to, "4"), 0};
    *PK_AT(to, SET, s->set + 1) = (pk_image_set){steps + 1, 3, text(to, "[4..4, ports]"), 0};
    s->axis = PK_ADD(to, AXS, 1);
    *PK_AT(to, AXS, s->axis) = (pk_image_axis){s->set + 1, 1, text(to, "p"), 0};
}

static void make_pattern(pk_image_builder *to, sample *s)
{
    pk_ref step = PK_ADD(to, PST, 2);
    s->member = EXPR(to, s->demo, 0, "_a in ports", {.op = PK_OPC_SLOT, .a = 0, .d = 1},
                     {.op = PK_OPC_IN, .a = 0, .b = 0, .d = s->set}, {.op = PK_OPC_RET});
    *PK_AT(to, PST, step) = (pk_image_pattern_step){.layer = s->demo, .condition = s->member};
    *PK_AT(to, PST, step + 1) = (pk_image_pattern_step){.layer = s->demo, .gap = 1};
    pk_ref pattern = PK_ADD(to, PAT, 1);
    *PK_AT(to, PAT, pattern) = (pk_image_pattern){step, 2, text(to, "demo(_a=4)/.../demo()"), 0};
    s->pattern = pattern;
}

/* Rows by what was sent, and how many of each. */
static void make_view(pk_image_builder *to, sample *s, pk_ref probe)
{
    s->over_row =
        EXPR(to, 0, 1, "sent", {.op = PK_OPC_ARG, .a = 0, .d = PK_VIEW_SENT}, {.op = PK_OPC_RET});
    s->over_group =
        EXPR(to, 0, 1, "count()", {.op = PK_OPC_ARG, .a = 0, .d = 0}, {.op = PK_OPC_RET});
    pk_ref columns = PK_ADD(to, COL, 2), functions = PK_ADD(to, AGG, 2);
    *PK_AT(to, COL, columns) =
        (pk_image_column){.name = text(to, "sent"), .expr = s->over_row, .role = PK_COLUMN_KEY};
    *PK_AT(to, COL, columns + 1) = (pk_image_column){.name = text(to, "n"), .expr = s->over_group};
    *PK_AT(to, AGG, functions) = (pk_image_aggregate){.kind = PK_AGG_DELTA, .expr = s->over_row};
    *PK_AT(to, AGG, functions + 1) = (pk_image_aggregate){.kind = PK_AGG_COUNT};
    s->view = PK_ADD(to, VIW, 1);
    *PK_AT(to, VIW, s->view) = (pk_image_view){.name = text(to, "kinds"),
                                               .probe = probe,
                                               .columns = columns,
                                               .n_columns = 2,
                                               .running = functions,
                                               .n_running = 1,
                                               .aggregates = functions + 1,
                                               .n_aggregates = 1,
                                               .flags = PK_VIEW_GROUPED,
                                               .source = text(to, "sample.pkt:10")};
}

static void make_program(pk_image_builder *to, sample *s)
{
    pk_ref drawn = EXPR(to, 0, 0, "p", {.op = PK_OPC_AXIS, .a = 0, .d = s->axis},
                        {.op = PK_OPC_PARAM, .a = 1, .d = 2},
                        {.op = PK_OPC_ADD, .a = 0, .b = 0, .c = 1}, {.op = PK_OPC_RET});
    pk_ref bytes = EXPR(to, 0, 0, "\"hey\"",
                        {.op = PK_OPC_BLOB, .a = 0, .d = pk_image_builder_blob(to, "hey", 3)},
                        {.op = PK_OPC_RET});
    pk_ref givens = PK_ADD(to, GIV, 3);
    s->plan = PK_ADD(to, PLN, 3);
    s->inner = s->plan + 1;
    *PK_AT(to, GIV, givens) = (pk_image_given){0, PK_GIVEN_VALUE, drawn, 12};
    *PK_AT(to, GIV, givens + 1) = (pk_image_given){4, PK_GIVEN_LIST, s->inner, 0};
    *PK_AT(to, GIV, givens + 2) = (pk_image_given){text(to, "more"), PK_GIVEN_REST, bytes, 0};
    *PK_AT(to, PLN, s->plan) = (pk_image_plan){.kind = PK_PLAN_INSTANCE,
                                               .ref = s->demo,
                                               .givens = givens,
                                               .n_givens = 3,
                                               .payload = s->plan + 2};
    *PK_AT(to, PLN, s->inner) =
        (pk_image_plan){.kind = PK_PLAN_INSTANCE, .ref = s->part, .next = s->plan + 2};
    *PK_AT(to, PLN, s->plan + 2) = (pk_image_plan){.kind = PK_PLAN_VALUE, .ref = bytes};
    pk_ref dims = PK_ADD(to, DML, 1);
    *PK_AT(to, DML, dims) = 1;
    pk_ref alt = PK_ADD(to, ALT, 1);
    *PK_AT(to, ALT, alt) = (pk_image_alt){s->plan, dims, 1, 0};
    pk_ref option = PK_ADD(to, OPT, 1);
    *PK_AT(to, OPT, option) = (pk_image_option){text(to, "timeout"), s->constant};
    pk_ref cookie = PK_ADD(to, CKI, 1);
    *PK_AT(to, CKI, cookie) =
        (pk_image_cookie){.plan = s->plan, .slot = 1, .shift = 2, .bits = 16, .word = 32};
    pk_ref probe = PK_ADD(to, PRB, 1);
    *PK_AT(to, PRB, probe) = (pk_image_probe){.name = text(to, "ping"),
                                              .alts = alt,
                                              .n_alts = 1,
                                              .options = option,
                                              .n_options = 1,
                                              .answer = s->pattern,
                                              .n_answer = 1,
                                              .listen = s->pattern,
                                              .n_listen = 1,
                                              .where = bytes,
                                              .cookies = cookie,
                                              .n_cookies = 1};
    pk_ref check = PK_ADD(to, CHK, 1);
    *PK_AT(to, CHK, check) = (pk_image_check){alt, bytes, text(to, "sample.pkt:9"), 0};
    (void)PK_PUT(to, SRC, "layer demo {", 12);
    make_view(to, s, probe);
}

sample sample_make(pk_image_builder *builder)
{
    sample s = {0};
    make_part(builder, &s);
    make_demo(builder, &s);
    s.link = layer(builder, "link", PK_LAYER_LAYER, 0);
    items(builder, s.link, &(pk_insn){.op = PK_OPC_END}, 1);
    (void)table(builder, s.link, "dlt", s.demo, s.part);
    make_bindings(builder, &s);
    make_sets(builder, &s);
    make_pattern(builder, &s);
    make_program(builder, &s);
    return s;
}
