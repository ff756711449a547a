/* Item programs: a layer's items in wire order become one instruction each, conditions forward
 * jumps, windows nested pairs. Field records get their expressions on the same walk, which visits
 * the fields in the order in which declare.c made their records. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

typedef struct lowering {
    pk_ref layer;
    pk_scope scope;
    pk_insn *items;
    size_t n_items, cap_items;
    pk_ref next_field;
    uint16_t group_bits, group_used, group_flags;
    uint32_t args;
} lowering;

static void item(lowering *l, pk_op op, uint32_t d, uint64_t e)
{
    if (pk_grow((void **)&l->items, &l->cap_items, l->n_items, sizeof *l->items))
        l->items[l->n_items++] = (pk_insn){.op = (uint8_t)op, .d = d, .e = e};
}

static pk_ref lower(pk_compiler *cx, lowering *l, pk_node node, pk_ref expected, bool element)
{
    if (!node)
        return 0;
    if (!element)
        return pk_lower_expr(cx, &l->scope, node, expected, l->args);
    /* List conditions see the element as `it`, argument 0. */
    pk_binding it = {.name = pk_ast_atom(cx->ast, "it", 2)};
    pk_scope scope = l->scope;
    scope.outer = &l->scope;
    scope.bindings = &it;
    scope.n_bindings = 1;
    return pk_lower_expr(cx, &scope, node, expected, 1);
}

/* bytes(until=END) */
static bool ends_by(pk_compiler *cx, pk_type kind, pk_node args)
{
    pk_ast_node arg = args ? *pk_at(cx, args) : (pk_ast_node){0};
    return kind == PK_TYPE_BYTES && arg.a && !arg.next && pk_at(cx, arg.a)->kind == PK_AST_NAME &&
           strcmp(pk_ast_atom_text(cx->ast, pk_at(cx, arg.a)->a), "until") == 0;
}

/* What `until=END` stands for: scan(END). */
static pk_node scan_of(pk_compiler *cx, pk_node arg)
{
    pk_ast_node at = *pk_at(cx, arg);
    pk_node name =
        pk_ast_add(cx->ast, PK_AST_NAME, at.span, pk_ast_atom(cx->ast, "scan", 4), 0, 0, 0, 0);
    pk_node end = pk_ast_add(cx->ast, PK_AST_ARG, at.span, 0, at.b, 0, 0, 0);
    return pk_ast_add(cx->ast, PK_AST_CALL, at.span, name, end, 0, 0, 0);
}

static void lower_field_type(pk_compiler *cx, lowering *l, pk_ref ref, pk_node type)
{
    pk_ast_node at = *pk_at(cx, type);
    pk_image_field *field = PK_AT(cx->builder, FLD, ref);
    pk_type kind = (pk_type)field->type;
    pk_ref sub = field->sub;
    bool wants_width = (kind == PK_TYPE_UINT || kind == PK_TYPE_INT) && field->bits == 0;
    if (wants_width) {
        if (!at.b)
            pk_diag_report(cx->diags, PK_DIAG_UNKNOWN_TYPE, at.span,
                           "this integer has no width: write u16, or u(bits)");
        pk_ref width = at.b ? lower(cx, l, pk_at(cx, at.b)->b, 0, false) : 0;
        PK_AT(cx->builder, FLD, ref)->width = width;
    } else if (kind == PK_TYPE_STRUCT && sub && at.b) {
        uint32_t n = 0;
        pk_ref exprs[16];
        for (pk_node arg = at.b; arg && n < 16; arg = pk_at(cx, arg)->next)
            exprs[n++] = lower(cx, l, pk_at(cx, arg)->b, 0, false);
        /* The arguments must be consecutive records: they are copied behind each other. */
        pk_ref first = PK_ADD(cx->builder, EXP, n);
        for (uint32_t i = 0; i < n; i++)
            *PK_AT(cx->builder, EXP, first + i) = *PK_AT(cx->builder, EXP, exprs[i]);
        PK_AT(cx->builder, FLD, ref)->args = first;
        PK_AT(cx->builder, FLD, ref)->n_args = n;
    } else if (ends_by(cx, kind, at.b)) {
        pk_ref width = lower(cx, l, scan_of(cx, at.b), 0, false);
        PK_AT(cx->builder, FLD, ref)->width = width;
    } else if (at.b) {
        pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, pk_at(cx, at.b)->span,
                       "the type `%s` takes no such argument",
                       pk_str(cx, pk_text_of_atom(cx, at.a)));
        if (kind == PK_TYPE_BYTES)
            pk_diag_help(cx->diags, "bytes[5], or bytes(until=\"\\n\")");
    }
    if (!at.c)
        return;
    pk_ast_node list = *pk_at(cx, at.c);
    pk_ref extent = lower(cx, l, list.b, 0, list.a == PK_LIST_UNTIL);
    if (kind == PK_TYPE_BYTES && list.a == PK_LIST_COUNT && !at.b)
        PK_AT(cx->builder, FLD, ref)->width = extent;
    else
        PK_AT(cx->builder, FLD, ref)->extent = extent;
}

static pk_op op_of_field(const pk_image_field *field)
{
    if (field->list)
        return PK_OPC_LST;
    switch ((pk_type)field->type) {
    case PK_TYPE_UINT:
    case PK_TYPE_INT:
        return field->bits ? PK_OPC_FLD : PK_OPC_FLX;
    case PK_TYPE_IP4:
    case PK_TYPE_IP6:
    case PK_TYPE_MAC:
        return PK_OPC_FLD;
    case PK_TYPE_BYTES:
        return PK_OPC_BYT;
    case PK_TYPE_STRUCT:
        return PK_OPC_SUB;
    case PK_TYPE_ULEB:
    case PK_TYPE_UVLQ:
        return PK_OPC_VAR;
    }
    return PK_OPC_FLD;
}

/* Where a field lies in its bit group: first declared is most significant. */
static void place_in_group(pk_compiler *cx, lowering *l, pk_ref ref, pk_span span)
{
    pk_image_field *field = PK_AT(cx->builder, FLD, ref);
    if (field->list || !field->bits || field->bits + l->group_used > l->group_bits) {
        pk_diag_report(cx->diags, PK_DIAG_BAD_WIDTH, span, "`%s` does not fit its group of %u bits",
                       pk_str(cx, field->name), l->group_bits);
        return;
    }
    l->group_used = (uint16_t)(l->group_used + field->bits);
    field->group_bits = l->group_bits;
    field->group_shift = (uint16_t)(l->group_bits - l->group_used);
    field->flags |= l->group_flags;
}

static bool element_bytes(pk_compiler *cx, lowering *l, pk_ref ref, pk_node element, pk_buf *out)
{
    const pk_image_field at = *PK_AT(cx->builder, FLD, ref);
    int64_t number;
    pk_bytes bytes;
    if (at.type != PK_TYPE_UINT && at.type != PK_TYPE_INT) {
        if (at.type == PK_TYPE_STRUCT || !pk_constant_bytes(cx, &l->scope, element, ref, &bytes))
            return false;
        pk_buf_add(out, bytes.data, bytes.len);
        return true;
    }
    if (!at.bits || at.bits % 8 || !pk_constant_int(cx, &l->scope, element, ref, &number) ||
        !pk_fits(cx, ref, pk_expr_int(cx, number), pk_at(cx, element)->span))
        return false;
    uint8_t digits[8];
    for (unsigned i = 0; i < at.bits / 8u; i++)
        digits[i] =
            (uint8_t)((uint64_t)number >> (at.flags & PK_FIELD_LE ? 8 * i : at.bits - 8u - 8 * i));
    pk_buf_add(out, digits, at.bits / 8u);
    return true;
}

/* The default of a list is the bytes of its elements, which are constant; 0 after a report. */
static pk_ref lower_list(pk_compiler *cx, lowering *l, pk_ref ref, pk_node list)
{
    pk_buf bytes = {0};
    pk_ref expr = 0;
    pk_node at = pk_at(cx, list)->a;
    while (at && element_bytes(cx, l, ref, at, &bytes))
        at = pk_at(cx, at)->next;
    if (!at && !bytes.failed)
        expr = pk_expr_bytes(cx, bytes.data, bytes.len);
    else if (!pk_diags_errors(cx->diags))
        pk_diag_report(cx->diags, PK_DIAG_NOT_CONSTANT, pk_at(cx, at ? at : list)->span,
                       "the default of a list has constant numbers or addresses");
    pk_buf_free(&bytes);
    return expr;
}

/* Whether a default is written as an instance of the field's struct; the layer's own names win. */
static bool is_instance(pk_compiler *cx, const lowering *l, pk_ref sub, pk_node init)
{
    static const pk_scope outside = {0};
    pk_ast_node at = *pk_at(cx, init);
    pk_node name = at.kind == PK_AST_CALL ? at.a : init;
    pk_image_member own;
    bool is_name = pk_at(cx, name)->kind == PK_AST_NAME;
    if (!sub || (at.kind != PK_AST_BINARY && !is_name))
        return false;
    if (is_name && pk_member(cx, l->layer, pk_text_of_atom(cx, pk_at(cx, name)->a), &own))
        return false;
    return pk_is_element(cx, &outside, sub, init);
}

/* The default of a struct, or of a list of them, as it would be given in a packet; 0 after a report. */
static pk_ref lower_instances(pk_compiler *cx, pk_ref sub, pk_node node)
{
    static const pk_scope outside = {0};
    bool list = pk_at(cx, node)->kind == PK_AST_LIST;
    pk_node element = list ? pk_at(cx, node)->a : node;
    pk_ref first = 0;
    pk_ref last = 0;
    while (element) {
        pk_ref plan = pk_plan_struct(cx, &outside, sub, element);
        if (!plan)
            return 0;
        if (last)
            PK_AT(cx->builder, PLN, last)->next = plan;
        else
            first = plan;
        last = plan;
        element = list ? pk_at(cx, element)->next : 0;
    }
    return first ? pk_expr_packet(cx, first) : 0;
}

static pk_ref lower_default(pk_compiler *cx, lowering *l, pk_ref ref, pk_node init)
{
    const pk_image_field at = *PK_AT(cx->builder, FLD, ref);
    bool list = at.list && pk_at(cx, init)->kind == PK_AST_LIST;
    if (list && at.sub && pk_at(cx, init)->a)
        return lower_instances(cx, at.sub, init);
    if (list)
        return lower_list(cx, l, ref, init);
    return is_instance(cx, l, at.sub, init) ? lower_instances(cx, at.sub, init)
                                            : lower(cx, l, init, ref, false);
}

static void lower_init(pk_compiler *cx, lowering *l, pk_ref ref, pk_node init)
{
    if (!init)
        return;
    pk_ref expr = lower_default(cx, l, ref, init);
    pk_image_field *field = PK_AT(cx->builder, FLD, ref);
    field->init = expr;
    field->flags |= PK_FIELD_HAS_INIT;
}

static void lower_field(pk_compiler *cx, lowering *l, const pk_ast_node *at)
{
    pk_ref ref = l->next_field++;
    pk_node within = at->d ? pk_at(cx, at->d)->a : 0;
    pk_node select = at->d ? pk_at(cx, at->d)->c : 0;
    lower_field_type(cx, l, ref, at->b);
    if (l->group_bits)
        place_in_group(cx, l, ref, at->span);
    if (select) {
        pk_ref expr = lower(cx, l, select, 0, false);
        PK_AT(cx->builder, FLD, ref)->select = expr;
    }
    lower_init(cx, l, ref, at->c);
    if (within) {
        pk_ref window = lower(cx, l, within, 0, false);
        item(l, PK_OPC_WIN, pk_text_of_atom(cx, at->a), window);
    }
    item(l, op_of_field(PK_AT(cx->builder, FLD, ref)), ref, 0);
    if (within)
        item(l, PK_OPC_WEN, 0, 0);
}

/* `by type in eth.type` shares the table of another layer. */
static pk_ref shared_table(pk_compiler *cx, pk_node path)
{
    pk_ast_node at = *pk_at(cx, path);
    if (at.kind == PK_AST_MEMBER && pk_at(cx, at.a)->kind == PK_AST_NAME) {
        pk_ref owner = pk_text_of_atom(cx, pk_at(cx, at.a)->a);
        pk_ref layer = pk_layer_by_name(cx, owner);
        pk_ref name = pk_text_of_atom(cx, at.b);
        if (!layer) {
            pk_report_unknown_layer(cx, pk_at(cx, at.a)->span, owner);
            return 0;
        }
        pk_ref table = pk_table_find(cx, layer, name);
        if (table)
            return table;
        /* A table that only `on` fills (modbus_adu.req): it exists by being named. */
        table = PK_ADD(cx->builder, TAB, 1);
        *PK_AT(cx->builder, TAB, table) = (pk_image_table){.layer = layer, .name = name};
        return table;
    }
    pk_diag_report(cx->diags, PK_DIAG_BAD_BIND, at.span,
                   "expected `layer.selector` behind `in`, as in `payload by type in eth.type`");
    return 0;
}

/* A tuple of keys is one number: each component behind the other, in its field's width. */
static pk_ref tuple_key(pk_compiler *cx, lowering *l, pk_node tuple)
{
    pk_code code = {0};
    pk_code *outer = cx->code;
    cx->code = &code;
    bool good = pk_emit(cx, PK_OPC_INT, 0, 0, 0, 0, 0);
    for (pk_node at = pk_at(cx, tuple)->a; at && good; at = pk_at(cx, at)->next) {
        pk_ref field = pk_field_of_expr(cx, &l->scope, at);
        uint64_t bits = field ? PK_AT(cx->builder, FLD, field)->bits : 16;
        good = pk_emit(cx, PK_OPC_INT, 1, 0, 0, 0, bits) &&
               pk_emit(cx, PK_OPC_SHL, 0, 0, 1, 0, 0) && pk_lower(cx, &l->scope, at, 0, 1) &&
               pk_emit(cx, PK_OPC_OR, 0, 0, 1, 0, 0);
    }
    good = good && pk_emit(cx, PK_OPC_RET, 0, 0, 0, 0, 0);
    cx->code = outer;
    pk_ref ref = 0;
    if (good) {
        pk_ref start = PK_PUT(cx->builder, CODE, code.insns, code.count);
        pk_ref text = pk_text_of_node(cx, tuple);
        ref = PK_ADD(cx->builder, EXP, 1);
        *PK_AT(cx->builder, EXP, ref) =
            (pk_image_expr){.start = start, .count = code.count, .layer = l->layer, .text = text};
    }
    free(code.insns);
    return ref;
}

static pk_image_selector selector_of(pk_compiler *cx, lowering *l, pk_node node)
{
    pk_ast_node at = *pk_at(cx, node);
    pk_image_selector selector = {0};
    pk_node key = node;
    if (at.kind == PK_AST_BINARY && at.a == PK_OP_IN) {
        selector.table = shared_table(cx, at.c);
        key = at.b;
    } else {
        selector.table = pk_table_find(cx, l->layer, pk_text_of_node(cx, node));
    }
    selector.key =
        pk_at(cx, key)->kind == PK_AST_TUPLE ? tuple_key(cx, l, key) : lower(cx, l, key, 0, false);
    return selector;
}

static void lower_payload(pk_compiler *cx, lowering *l, const pk_ast_node *at)
{
    pk_image_payload payload = {0};
    pk_image_selector selectors[8];
    for (pk_node by = at->a; by; by = pk_at(cx, by)->next) {
        if (payload.n_selectors == 8) {
            pk_diag_report(cx->diags, PK_DIAG_BAD_BIND, pk_at(cx, by)->span,
                           "too many selectors in one payload (limit 8)");
            break;
        }
        selectors[payload.n_selectors++] = selector_of(cx, l, by);
    }
    payload.window = lower(cx, l, at->b, 0, false);
    if (at->c) {
        pk_ref name = pk_text_of_atom(cx, at->c);
        payload.otherwise = pk_layer_by_name(cx, name);
        if (!payload.otherwise)
            pk_report_unknown_layer(cx, at->span, name);
    }
    if (payload.n_selectors) {
        payload.selectors = PK_ADD(cx->builder, SEL, payload.n_selectors);
        for (uint32_t i = 0; i < payload.n_selectors; i++)
            *PK_AT(cx->builder, SEL, payload.selectors + i) = selectors[i];
    }
    pk_ref ref = PK_ADD(cx->builder, PLD, 1);
    *PK_AT(cx->builder, PLD, ref) = payload;
    item(l, PK_OPC_PAY, ref, 0);
}

static void lower_items(pk_compiler *cx, lowering *l, pk_node items);

static void lower_if(pk_compiler *cx, lowering *l, const pk_ast_node *at)
{
    pk_ref condition = lower(cx, l, at->a, 0, false);
    size_t skip = l->n_items;
    item(l, PK_OPC_JIF, 0, condition);
    lower_items(cx, l, at->b);
    if (at->c) {
        size_t leave = l->n_items;
        item(l, PK_OPC_JMP, 0, 0);
        l->items[skip].d = (uint32_t)l->n_items;
        lower_items(cx, l, at->c);
        l->items[leave].d = (uint32_t)l->n_items;
    } else {
        l->items[skip].d = (uint32_t)l->n_items;
    }
}

static void lower_group(pk_compiler *cx, lowering *l, const pk_ast_node *at)
{
    const char *text = pk_str(cx, pk_text_of_atom(cx, pk_at(cx, at->a)->a));
    char *end = NULL;
    unsigned long bits = *text == 'u' ? strtoul(text + 1, &end, 10) : 0;
    bool le = end && strcmp(end, "le") == 0;
    if (!end || bits == 0 || bits > 64 || bits % 8 || (*end && !le)) {
        pk_diag_report(cx->diags, PK_DIAG_BAD_WIDTH, pk_at(cx, at->a)->span,
                       "a bit group is u8, u16, .. u64, or one of them with `le`");
        return;
    }
    l->group_bits = (uint16_t)bits;
    l->group_used = 0;
    l->group_flags = le ? PK_FIELD_GROUP_LE : 0;
    lower_items(cx, l, at->b);
    if (l->group_used != l->group_bits)
        pk_diag_report(cx->diags, PK_DIAG_BAD_WIDTH, at->span,
                       "the fields of this group take %u of its %u bits", l->group_used,
                       l->group_bits);
    l->group_bits = 0;
}

static void lower_items(pk_compiler *cx, lowering *l, pk_node items)
{
    for (pk_node node = items; node; node = pk_at(cx, node)->next) {
        pk_ast_node at = *pk_at(cx, node);
        switch ((pk_ast_kind)at.kind) {
        case PK_AST_FIELD:
            lower_field(cx, l, &at);
            break;
        case PK_AST_IF:
            lower_if(cx, l, &at);
            break;
        case PK_AST_WITHIN: {
            pk_ref window = lower(cx, l, at.a, 0, false);
            item(l, PK_OPC_WIN, pk_window_text(cx, at.b), window);
            lower_items(cx, l, at.b);
            item(l, PK_OPC_WEN, 0, 0);
            break;
        }
        case PK_AST_BITGROUP:
            lower_group(cx, l, &at);
            break;
        case PK_AST_PAYLOAD:
            lower_payload(cx, l, &at);
            break;
        default:
            break;
        }
    }
}

/* ---- the fixed prefix -------------------------------------------------------------------------
 */

/* Leading FLD items in the order of their records have offsets known now. */
static void fix_prefix(pk_compiler *cx, lowering *l)
{
    pk_image_layer *layer = PK_AT(cx->builder, LAY, l->layer);
    uint32_t fields = 0;
    uint32_t bits = 0;
    uint32_t group_left = 0;
    uint32_t whole_fields = 0;
    uint32_t whole_bits = 0;
    for (size_t i = 0; i < l->n_items && l->items[i].op == PK_OPC_FLD; i++) {
        pk_image_field *field = PK_AT(cx->builder, FLD, l->items[i].d);
        if (l->items[i].d != layer->fields + fields)
            break;
        if (field->group_bits) {
            if (!group_left)
                group_left = field->group_bits;
            field->fixed_off = bits;
            group_left -= field->bits;
            if (!group_left)
                bits += field->group_bits;
        } else {
            field->fixed_off = bits;
            bits += field->bits;
        }
        fields++;
        if (!group_left) {
            whole_fields = fields;
            whole_bits = bits;
        }
    }
    for (uint32_t i = whole_fields; i < fields; i++)
        PK_AT(cx->builder, FLD, layer->fields + i)->fixed_off = UINT32_MAX;
    layer->fixed_fields = whole_fields;
    layer->fixed_bits = whole_bits;
}

static void items_write(pk_compiler *cx, lowering *l)
{
    item(l, PK_OPC_END, 0, 0);
    fix_prefix(cx, l);
    pk_image_layer layer = *PK_AT(cx->builder, LAY, l->layer);
    uint32_t shift = layer.fixed_fields ? 1 : 0;
    for (size_t i = 0; i < l->n_items; i++)
        if (l->items[i].op == PK_OPC_JIF || l->items[i].op == PK_OPC_JMP)
            l->items[i].d += shift;
    const pk_insn fix = {.op = PK_OPC_FIX, .d = layer.fixed_fields, .e = layer.fixed_bits};
    pk_ref start = shift ? PK_PUT(cx->builder, CODE, &fix, 1) : 0;
    pk_ref rest = PK_PUT(cx->builder, CODE, l->items, (uint32_t)l->n_items);
    start = start ? start : rest;
    pk_image_layer *at = PK_AT(cx->builder, LAY, l->layer);
    at->items = start;
    at->n_items = (uint32_t)l->n_items + shift;
}

/* ---- lets and defs ----------------------------------------------------------------------------
 */

static void set_member(pk_compiler *cx, pk_ref layer, pk_ref name, pk_ref expr)
{
    const pk_image_layer *at = PK_AT(cx->builder, LAY, layer);
    for (uint32_t i = 0; i < at->n_members; i++) {
        pk_image_member *member = PK_AT(cx->builder, MEM, at->members + i);
        if (member->name == name)
            member->ref = expr;
    }
}

/* An alias of a let or def is a copy made before it was lowered. */
static void settle_aliases(pk_compiler *cx, pk_ref layer, pk_node items)
{
    for (pk_node node = items; node; node = pk_at(cx, node)->next) {
        pk_ast_node at = *pk_at(cx, node);
        pk_image_member target;
        if (at.kind == PK_AST_ALIAS && pk_member(cx, layer, pk_text_of_atom(cx, at.b), &target) &&
            (target.kind == PK_MEMBER_LET || target.kind == PK_MEMBER_DEF))
            set_member(cx, layer, pk_text_of_atom(cx, at.a), target.ref);
    }
}

static void lower_def(pk_compiler *cx, lowering *l, pk_node node)
{
    pk_ast_node at = *pk_at(cx, node);
    pk_ref name = pk_text_of_atom(cx, at.a);
    pk_binding bindings[16];
    uint32_t n = 0;
    for (pk_node formal = at.b; formal; formal = pk_at(cx, formal)->next) {
        if (n == 16) {
            pk_diag_report(cx->diags, PK_DIAG_BAD_ARGUMENT, at.span,
                           "too many parameters of a def (limit 16)");
            return;
        }
        bindings[n] = (pk_binding){.name = pk_at(cx, formal)->a, .arg = n};
        n++;
    }
    pk_scope scope = l->scope;
    scope.outer = &l->scope;
    scope.bindings = bindings;
    scope.n_bindings = n;
    bool answers = strcmp(pk_str(cx, name), "answers") == 0;
    if (answers)
        scope.other = l->layer;
    pk_ref expr = pk_lower_expr(cx, &scope, at.c, 0, n);
    set_member(cx, l->layer, name, expr);
    if (answers) {
        PK_AT(cx->builder, LAY, l->layer)->answers = expr;
        pk_lower_answers(cx, l->layer, node);
    } else if (strcmp(pk_str(cx, name), "quotes") == 0) {
        PK_AT(cx->builder, LAY, l->layer)->quotes = expr;
    }
}

static void lower_derived(pk_compiler *cx, lowering *l, pk_node items)
{
    for (pk_node node = items; node; node = pk_at(cx, node)->next) {
        pk_ast_node at = *pk_at(cx, node);
        if (at.kind == PK_AST_LET) {
            pk_ref expr = lower(cx, l, at.b, 0, false);
            set_member(cx, l->layer, pk_text_of_atom(cx, pk_at(cx, at.a)->a), expr);
        } else if (at.kind == PK_AST_DEF) {
            lower_def(cx, l, node);
        } else if (at.kind == PK_AST_PARAM) {
            lower_init(cx, l, l->next_field, at.c);
            l->next_field++;
        } else if (at.kind == PK_AST_IF) {
            lower_derived(cx, l, at.b);
            lower_derived(cx, l, at.c);
        }
    }
}

static void lower_layer(pk_compiler *cx, pk_node node, pk_ref layer)
{
    pk_ast_node at = *pk_at(cx, node);
    pk_binding formals[16];
    lowering l = {.layer = layer, .scope = {.layer = layer}};
    l.next_field = PK_AT(cx->builder, LAY, layer)->fields;
    if (at.kind == PK_AST_STRUCT && at.d) {
        for (pk_node formal = pk_at(cx, at.d)->a; formal && l.args < 16;
             formal = pk_at(cx, formal)->next) {
            formals[l.args] = (pk_binding){.name = pk_at(cx, formal)->a, .arg = l.args};
            l.args++;
        }
        l.scope.bindings = formals;
        l.scope.n_bindings = l.args;
    }
    lower_items(cx, &l, at.c);
    lower_derived(cx, &l, at.c);
    settle_aliases(cx, layer, at.c);
    items_write(cx, &l);
    free(l.items);
}

void pk_lower_layers(pk_compiler *cx)
{
    for (size_t i = 0; i < cx->n_declared; i++)
        if (pk_at(cx, cx->declared[i].node)->kind != PK_AST_EXTEND)
            lower_layer(cx, cx->declared[i].node, cx->declared[i].layer);
}
