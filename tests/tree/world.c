#include "world.h"

#include <stdlib.h>
#include <string.h>

static pk_ref text(world *w, const char *t)
{
    return t ? pk_image_builder_text(w->builder, t, strlen(t)) : 0;
}

/* ---- the image ----------------------------------------------------------------------------------
 */

static pk_ref add_enum(world *w, const char *name, uint32_t flags, const char *const *names,
                       const uint64_t *values, uint32_t n)
{
    pk_ref entries = PK_ADD(w->builder, ENT, n), set = PK_ADD(w->builder, ENU, 1);

    for (uint32_t i = 0; i < n; i++) {
        PK_AT(w->builder, ENT, entries + i)->name = text(w, names[i]);
        PK_AT(w->builder, ENT, entries + i)->value = values ? values[i] : i;
    }
    PK_AT(w->builder, ENU, set)->name = text(w, name);
    PK_AT(w->builder, ENU, set)->flags = flags;
    PK_AT(w->builder, ENU, set)->entries = entries;
    PK_AT(w->builder, ENU, set)->n_entries = n;
    return set;
}

/* `op d, e; ret`: an expression of one instruction. */
static pk_ref expr(world *w, pk_op op, uint32_t d, uint64_t e, const char *as_written)
{
    pk_ref code = PK_ADD(w->builder, CODE, 2), exp = PK_ADD(w->builder, EXP, 1);

    *PK_AT(w->builder, CODE, code) = (pk_insn){.op = (uint8_t)op, .d = d, .e = e};
    *PK_AT(w->builder, CODE, code + 1) = (pk_insn){.op = PK_OPC_RET};
    *PK_AT(w->builder, EXP, exp) =
        (pk_image_expr){.start = code, .count = 2, .text = text(w, as_written)};
    return exp;
}

static pk_ref number(world *w, uint64_t value, const char *as_written)
{
    return expr(w, PK_OPC_INT, 0, value, as_written);
}

typedef struct field_row {
    const char *name;
    pk_type type;
    uint16_t bits;
    uint16_t flags;
    pk_ref init, names, select;
    const char *sub, *codec, *doc;
    bool list;
} field_row;

static pk_ref declared(world *w, const char *name)
{
    pk_image view;

    pk_image_builder_view(w->builder, &view);
    return name ? pk_image_layer_find(&view, name) : 0;
}

static pk_ref add_layer(world *w, const char *name, pk_layer_kind kind, const char *parent,
                        const field_row *rows, uint32_t n, uint32_t fixed)
{
    pk_ref fields = n ? PK_ADD(w->builder, FLD, n) : 0, layer = PK_ADD(w->builder, LAY, 1);
    uint32_t off = 0;

    for (uint32_t i = 0; i < n; i++) {
        pk_ref name_text = text(w, rows[i].name), codec = text(w, rows[i].codec);
        pk_ref doc = text(w, rows[i].doc);
        pk_image_field *f = PK_AT(w->builder, FLD, fields + i);

        f->name = name_text;
        f->codec = codec;
        f->doc = doc;
        f->layer = layer;
        f->slot = (uint16_t)i;
        f->type = (uint8_t)rows[i].type;
        f->list = rows[i].list ? 1 + PK_IMAGE_LIST_WINDOW : 0;
        f->bits = rows[i].bits;
        f->flags = rows[i].flags;
        f->init = rows[i].init;
        f->names = rows[i].names;
        f->select = rows[i].select;
        f->fixed_off = i < fixed ? off : UINT32_MAX;
        f->sub = declared(w, rows[i].sub);
        off += rows[i].bits;
        if (i + 1 == fixed)
            PK_AT(w->builder, LAY, layer)->fixed_bits = off;
    }
    PK_AT(w->builder, LAY, layer)->name = text(w, name);
    PK_AT(w->builder, LAY, layer)->kind = kind;
    PK_AT(w->builder, LAY, layer)->parent = declared(w, parent);
    PK_AT(w->builder, LAY, layer)->fields = fields;
    PK_AT(w->builder, LAY, layer)->n_fields = n;
    PK_AT(w->builder, LAY, layer)->n_slots = n;
    PK_AT(w->builder, LAY, layer)->fixed_fields = fixed;
    return layer;
}

typedef struct member_row {
    const char *name;
    uint32_t kind, ref, alias;
} member_row;

static int by_name(const void *a, const void *b)
{
    const pk_image_member *x = a, *y = b;

    return x->name < y->name ? -1 : x->name > y->name;
}

/* The fields of a layer as members, and the rows beside them. */
static void add_members(world *w, pk_ref layer, const member_row *rows, uint32_t n)
{
    uint32_t fields = PK_AT(w->builder, LAY, layer)->n_fields;
    pk_ref first = PK_AT(w->builder, LAY, layer)->fields;
    pk_ref members = PK_ADD(w->builder, MEM, n + fields);

    for (uint32_t i = 0; i < fields; i++)
        *PK_AT(w->builder, MEM, members + i) =
            (pk_image_member){PK_AT(w->builder, FLD, first + i)->name, PK_MEMBER_FIELD, i, 0};
    for (uint32_t i = 0; i < n; i++)
        *PK_AT(w->builder, MEM, members + fields + i) =
            (pk_image_member){text(w, rows[i].name), rows[i].kind, rows[i].ref, rows[i].alias};
    qsort(PK_AT(w->builder, MEM, members), n + fields, sizeof(pk_image_member), by_name);
    PK_AT(w->builder, LAY, layer)->members = members;
    PK_AT(w->builder, LAY, layer)->n_members = n + fields;
}

/* A payload item whose key is slot `slot` of the layer, looked up in a new table of these keys. */
static pk_ref add_payload(world *w, pk_ref layer, uint32_t slot, const char *key_name,
                          const pk_image_key *keys, uint32_t n)
{
    pk_ref key = expr(w, PK_OPC_SLOT, slot, 0, key_name), rows = PK_ADD(w->builder, KEY, n);
    pk_ref table = PK_ADD(w->builder, TAB, 1), selector = PK_ADD(w->builder, SEL, 1);
    pk_ref payload = PK_ADD(w->builder, PLD, 1);

    for (uint32_t i = 0; i < n; i++)
        *PK_AT(w->builder, KEY, rows + i) = keys[i];
    *PK_AT(w->builder, TAB, table) =
        (pk_image_table){.layer = layer, .name = text(w, key_name), .keys = rows, .n_keys = n};
    *PK_AT(w->builder, SEL, selector) = (pk_image_selector){key, table};
    *PK_AT(w->builder, PLD, payload) = (pk_image_payload){.selectors = selector, .n_selectors = 1};
    return payload;
}

/* The item program: the fields of the layer in order, the last one of hop behind the payload and
 * under a condition. */
static void add_items(world *w, pk_ref layer, pk_ref payload, pk_ref condition)
{
    uint32_t n = PK_AT(w->builder, LAY, layer)->n_fields, at = 0;
    pk_ref fields = PK_AT(w->builder, LAY, layer)->fields;
    uint32_t total = n + 1 + (payload ? 1 : 0) + (condition ? 1 : 0);
    pk_ref items = PK_ADD(w->builder, CODE, total);

    for (uint32_t i = 0; i < n; i++) {
        const pk_image_field *field = PK_AT(w->builder, FLD, fields + i);
        pk_op op = field->list                    ? PK_OPC_LST
                   : field->type == PK_TYPE_BYTES ? PK_OPC_BYT
                                                  : PK_OPC_FLD;

        if (payload && i + 1 == n) {
            *PK_AT(w->builder, CODE, items + at++) = (pk_insn){.op = PK_OPC_PAY, .d = payload};
            *PK_AT(w->builder, CODE, items + at) =
                (pk_insn){.op = PK_OPC_JIF, .d = at + 2, .e = condition};
            at++;
        }
        *PK_AT(w->builder, CODE, items + at++) = (pk_insn){.op = (uint8_t)op, .d = fields + i};
    }
    *PK_AT(w->builder, CODE, items + at) = (pk_insn){.op = PK_OPC_END};
    PK_AT(w->builder, LAY, layer)->items = items;
    PK_AT(w->builder, LAY, layer)->n_items = total;
}

static void add_opt(world *w)
{
    field_row opt[] = {
        {.name = "kind", .bits = 8, .init = number(w, 1, "1")},
        {.name = "length", .bits = 8, .init = expr(w, PK_OPC_SELF, 0, 0, "size(this)")}};
    field_row size[] = {{.name = "size", .bits = 16, .init = number(w, 1460, "1460")}};
    field_row words[] = {{.name = "words", .bits = 16, .list = true}, {.name = "n", .bits = 8}};
    pk_ref layer = add_layer(w, "opt", PK_LAYER_STRUCT, NULL, opt, 2, 1), nop, mss, list;

    nop = add_layer(w, "nop", PK_LAYER_CASE, "opt", NULL, 0, 0);
    mss = add_layer(w, "size", PK_LAYER_CASE, "opt", size, 1, 1);
    list = add_layer(w, "words", PK_LAYER_CASE, "opt", words, 2, 0);
    add_members(w, mss, NULL, 0);
    add_items(w, mss, 0, 0);
    add_members(w, list, NULL, 0);
    add_items(w, layer,
              add_payload(w, layer, 0, "kind",
                          (pk_image_key[]){{1, 1, nop, 0}, {2, 2, mss, 0}, {5, 5, list, 0}}, 3),
              expr(w, PK_OPC_SLOT, 0, 0, "kind > 1"));
    add_members(w, layer,
                (member_row[]){{"nop", PK_MEMBER_CASE, nop, 0},
                               {"size", PK_MEMBER_CASE, mss, 0},
                               {"words", PK_MEMBER_CASE, list, 0}},
                3);
}

static pk_ref add_hop(world *w)
{
    pk_ref kinds =
        add_enum(w, "hop_kind", 0, (const char *[]){"echo", "talk"}, (uint64_t[]){1, 6}, 2);
    pk_ref flags = add_enum(w, "hop_flags", 1, (const char *[]){"MF", "DF", "evil"}, NULL, 3);
    pk_ref local = pk_image_builder_blob(w->builder, "\x7f\0\0\1", 4), layer;
    field_row rows[] = {
        {.name = "ver", .bits = 4, .init = number(w, 4, "4")},
        {.name = "flags", .bits = 4, .init = number(w, 0, "0"), .names = flags},
        {.name = "kind",
         .bits = 8,
         .init = number(w, 0, "0"),
         .names = kinds,
         .doc = "what it carries"},
        {.name = "len", .bits = 16, .init = expr(w, PK_OPC_SELF, 0, 0, "size(this)")},
        {.name = "sum",
         .bits = 16,
         .flags = PK_FIELD_HEX,
         .init = expr(w, PK_OPC_SELF, 0, 0, "inet_sum(head)")},
        {.name = "src", .type = PK_TYPE_IP4, .bits = 32},
        {.name = "dst",
         .type = PK_TYPE_IP4,
         .bits = 32,
         .init = expr(w, PK_OPC_BLOB, local, 0, "127.0.0.1")},
        {.name = "options", .type = PK_TYPE_STRUCT, .sub = "opt", .list = true},
        {.name = "pad", .type = PK_TYPE_BYTES},
        {.name = "tail", .type = PK_TYPE_BYTES}};

    layer = add_layer(w, "hop", PK_LAYER_LAYER, NULL, rows, 10, 7);
    PK_AT(w->builder, LAY, layer)->title = text(w, "The invented hop protocol");
    PK_AT(w->builder, LAY, layer)->source = text(w, "net/hop.pkt:9");
    add_members(w, layer,
                (member_row[]){{"checksum", PK_MEMBER_FIELD, 4, 1},
                               {"words", PK_MEMBER_LET, number(w, 7, "len / 4"), 0}},
                2);
    return layer;
}

static pk_ref add_talk(world *w, pk_ref hop)
{
    pk_ref flags = add_enum(w, "talk_flags", 1, (const char *[]){"F", "S", "R", "P", "A"}, NULL, 5);
    pk_ref reason = add_enum(w, "reason", 0, (const char *[]){"lost"}, (uint64_t[]){2}, 1);
    pk_ref layer, bind, imposition, payload;
    field_row rows[] = {{.name = "sport", .bits = 16, .init = number(w, 20, "20")},
                        {.name = "dport", .bits = 16, .init = number(w, 80, "80")},
                        {.name = "flags", .bits = 8, .init = number(w, 2, "S"), .names = flags},
                        {.name = "code",
                         .bits = 8,
                         .init = number(w, 0, "0"),
                         .names = reason,
                         .select = expr(w, PK_OPC_SLOT, 2, 0, "flags")}};

    PK_AT(w->builder, ENU, reason)->chained = 1;
    PK_AT(w->builder, ENU, reason)->select = 1;
    layer = add_layer(w, "talk", PK_LAYER_LAYER, NULL, rows, 4, 4);
    bind = PK_ADD(w->builder, BND, 1);
    imposition = PK_ADD(w->builder, IMP, 1);
    *PK_AT(w->builder, IMP, imposition) =
        (pk_image_imposition){.layer = hop, .slot = 2, .value = number(w, 6, "6")};
    *PK_AT(w->builder, BND, bind) =
        (pk_image_bind){.lower = hop, .impositions = imposition, .n_impositions = 1};
    PK_AT(w->builder, LAY, layer)->binds = bind;
    PK_AT(w->builder, LAY, layer)->n_binds = 1;
    PK_AT(w->builder, LAY, layer)->answers = expr(w, PK_OPC_SELF, 0, 0, "sport == q.dport");
    add_members(w, layer, NULL, 0);
    payload = add_payload(w, hop, 2, "kind", &(pk_image_key){6, 6, layer, 0}, 1);
    add_items(w, hop, payload, expr(w, PK_OPC_SLOT, 1, 0, "flags"));
    return layer;
}

static void add_odd(world *w)
{
    field_row nm[] = {{.name = "data", .type = PK_TYPE_BYTES}};
    field_row vlen[] = {{.name = "v", .bits = 8, .init = expr(w, PK_OPC_VALUE, 0, 0, "value")}};
    pk_ref layer = add_layer(w, "nm", PK_LAYER_STRUCT, NULL, nm, 1, 0), value;
    field_row rows[] = {
        {.name = "a", .bits = 12, .flags = PK_FIELD_GROUP_LE, .init = number(w, 0, "0")},
        {.name = "b", .bits = 4, .flags = PK_FIELD_GROUP_LE, .init = number(w, 0, "0")},
        {.name = "big", .bits = 64, .init = number(w, 0, "0")},
        {.name = "temp", .type = PK_TYPE_INT, .bits = 8, .init = number(w, 0, "0")},
        {.name = "mac", .type = PK_TYPE_MAC, .bits = 48},
        {.name = "var", .type = PK_TYPE_ULEB, .init = number(w, 0, "0")},
        {.name = "name", .type = PK_TYPE_STRUCT, .sub = "nm"},
        {.name = "n", .type = PK_TYPE_STRUCT, .sub = "vlen"},
        {.name = "text", .type = PK_TYPE_BYTES, .codec = "text"},
        {.name = "key", .type = PK_TYPE_BYTES, .bits = 32, .codec = "padded"},
        {.name = "codes", .bits = 8, .list = true}};

    PK_AT(w->builder, LAY, layer)->codec = text(w, "dnsname");
    add_members(w, layer, NULL, 0);
    layer = add_layer(w, "vlen", PK_LAYER_STRUCT, NULL, vlen, 1, 1);
    PK_AT(w->builder, LAY, layer)->flags = PK_LAYER_TWO_WAY;
    value = expr(w, PK_OPC_SLOT, 0, 0, "v");
    add_members(w, layer, (member_row[]){{"value", PK_MEMBER_LET, value, 0}}, 1);
    layer = add_layer(w, "odd", PK_LAYER_LAYER, NULL, rows, 11, 5);
    for (uint32_t i = 0; i < 2; i++) {
        pk_image_field *f = PK_AT(w->builder, FLD, PK_AT(w->builder, LAY, layer)->fields + i);

        f->fixed_off = 0; /* of a group's fields: where the group starts */
        f->group_bits = 16;
        f->group_shift = i ? 0 : 4;
    }
    add_members(w, layer, NULL, 0);
}

void world_open(world *w)
{
    pk_ref hop, alias;

    memset(w, 0, sizeof *w);
    w->builder = pk_image_builder_new(NULL);
    if (!w->builder)
        abort();
    add_opt(w);
    hop = add_hop(w);
    add_talk(w, hop);
    add_odd(w);
    alias = PK_ADD(w->builder, ALI, 1);
    *PK_AT(w->builder, ALI, alias) = (pk_image_alias){.name = text(w, "HOP"), .layer = hop};
    pk_image_builder_view(w->builder, &w->image);
    pk_tree_init(&w->tree, &w->image);
}

void world_close(world *w)
{
    pk_tree_free(&w->tree);
    pk_image_builder_free(w->builder);
}

/* ---- trees --------------------------------------------------------------------------------------
 */

void W_begin(world *w, const void *bytes, uint32_t len, uint32_t wire_len)
{
    pk_tree_reset(&w->tree, bytes, len, wire_len);
    w->at = 0;
    w->depth = 0;
}

static pk_ref field_named(const world *w, const char *name)
{
    for (unsigned d = w->depth; d--;) {
        const pk_rec *rec = &w->tree.recs[w->open[d]];
        const pk_image_layer *layer = &w->image.layers[rec->id];

        if (rec->kind != PK_REC_INSTANCE)
            continue;
        for (uint32_t i = 0; i < layer->n_fields; i++)
            if (!strcmp(pk_image_text(&w->image, w->image.fields[layer->fields + i].name), name))
                return layer->fields + i;
        break;
    }
    abort();
}

static uint32_t add(world *w, pk_rec rec)
{
    uint32_t index;

    rec.off = w->at;
    rec.up = w->depth ? w->open[w->depth - 1] : 0;
    index = pk_tree_add(&w->tree, rec);
    if (!index)
        abort();
    return index;
}

/* Cases included, which pk_image_layer_find leaves to their struct. */
static pk_ref layer_named(const world *w, const char *name)
{
    for (uint32_t i = 1; i < w->image.n_layers; i++)
        if (!strcmp(pk_image_text(&w->image, w->image.layers[i].name), name))
            return i;
    abort();
}

void W_open(world *w, const char *layer, uint8_t flags, const char *field)
{
    pk_ref type = layer_named(w, layer);
    pk_rec rec = {.kind = PK_REC_INSTANCE, .id = type, .flags = flags};

    if (field)
        rec.slot = w->image.fields[field_named(w, field)].slot;
    if (w->image.layers[type].fixed_fields)
        rec.flags |= PK_REC_FIXED;
    w->open[w->depth] = add(w, rec);
    w->depth++;
    w->at += w->image.layers[type].fixed_bits;
}

void W_list(world *w, const char *field)
{
    pk_ref ref = field_named(w, field);

    w->open[w->depth] =
        add(w, (pk_rec){.kind = PK_REC_LIST, .id = ref, .slot = w->image.fields[ref].slot});
    w->depth++;
}

void W_field(world *w, const char *field, uint32_t bits)
{
    pk_ref ref = field_named(w, field);
    uint32_t n = bits ? bits : w->image.fields[ref].bits;

    add(w, (pk_rec){.kind = PK_REC_FIELD, .id = ref, .slot = w->image.fields[ref].slot, .bits = n});
    w->at += n;
}

void W_leaf(world *w, pk_rec_kind kind, const char *window, uint32_t bits, uint8_t flags)
{
    pk_ref name = window ? pk_image_name_find(&w->image, window) : 0;

    add(w, (pk_rec){.kind = (uint8_t)kind, .id = name, .bits = bits, .flags = flags});
    w->at += bits;
}

void W_end(world *w)
{
    w->depth--;
    pk_tree_close(&w->tree, w->open[w->depth], w->at);
}

const uint8_t world_packet_bytes[38] = {
    0x42, 6,    0,   36,            /* ver 4, DF; kind talk; len */
    0xbe, 0xef, 10,  0,    0,    1, /* sum; src */
    10,   0,    0,   2,             /* dst */
    1,                              /* nop */
    2,    4,    5,   0x78,          /* size(1400) */
    0,    0,    0,                  /* pad */
    0,    20,   1,   187,  0x12, 0, /* talk: 20 > 443, SA, code 0 */
    'h',  'i',                      /* raw */
    0xff, 0xfe, 'x', 0,             /* tail */
    1,    2,    3,   4              /* behind everything */
};

void world_packet(world *w)
{
    W_begin(w, world_packet_bytes, sizeof world_packet_bytes, sizeof world_packet_bytes);
    W_open(w, "hop", 0, NULL);
    W_list(w, "options");
    W_open(w, "opt", PK_REC_FIELD_OF, NULL);
    W_open(w, "nop", PK_REC_PAYLOAD, NULL);
    W_end(w);
    W_end(w);
    W_open(w, "opt", PK_REC_FIELD_OF, NULL);
    W_field(w, "length", 0);
    W_open(w, "size", PK_REC_PAYLOAD, NULL);
    W_end(w);
    W_end(w);
    W_end(w);
    W_field(w, "pad", 24);
    W_open(w, "talk", PK_REC_PAYLOAD, NULL);
    W_leaf(w, PK_REC_RAW, NULL, 16, PK_REC_PAYLOAD);
    W_end(w);
    W_field(w, "tail", 32);
    W_end(w);
    W_leaf(w, PK_REC_REST, NULL, 32, 0);
}
