#include "ready.h"

#include <stdlib.h>
#include <string.h>

/*
 * Inference: would building give this field the bits that it has? Its expression is the one that
 * build would take when nothing is given: what an upper layer imposes, else the default, else zero
 * or nothing. It is evaluated on the finished tree, where the field itself reads as zero.
 */

typedef struct question {
    pk_vm *vm;
    const pk_tree *tree;
    pk_tree_node node, owner;
    pk_ref field;
} question;

/* ---- which expression ------------------------------------------------------------------------ */

static bool bound(const pk_vm *vm, pk_ref upper, pk_ref lower)
{
    const pk_image_layer *at = pk_vm_layer(vm, upper);
    for (uint32_t i = 0; i < at->n_binds; i++)
        if (vm->image->binds[at->binds + i].lower == lower)
            return true;
    return false;
}

static pk_ref imposed_by(const pk_vm *vm, pk_ref upper, pk_ref lower, uint32_t depth, pk_ref target,
                         uint32_t slot)
{
    const pk_image_layer *at = pk_vm_layer(vm, upper);
    for (uint32_t i = 0; i < at->n_binds; i++) {
        const pk_image_bind *bind = &vm->image->binds[at->binds + i];
        if (bind->lower != lower)
            continue;
        for (uint32_t k = 0; k < bind->n_impositions; k++) {
            const pk_image_imposition *what = &vm->image->impositions[bind->impositions + k];
            if (what->depth == depth && what->layer == target && what->slot == slot)
                return what->value;
        }
        return 0;
    }
    return 0;
}

/* The nearest layer above that imposes something on the slot. */
static pk_ref imposition(const question *ask, uint32_t slot)
{
    pk_ref target = pk_tree_layer(ask->tree, ask->owner), lower = target;
    pk_tree_node at = pk_tree_payload(ask->tree, ask->owner);
    for (uint32_t depth = 0; !pk_tree_none(at) && depth < PK_LAYER_DEPTH; depth++) {
        pk_ref upper = pk_tree_layer(ask->tree, at);
        pk_ref found = upper ? imposed_by(ask->vm, upper, lower, depth, target, slot) : 0;
        if (found || !upper)
            return found;
        lower = upper;
        at = pk_tree_payload(ask->tree, at);
    }
    return 0;
}

/* ---- what it gives --------------------------------------------------------------------------- */

static void begin(const question *ask)
{
    pk_vm *vm = ask->vm;
    const pk_rec *rec = &ask->tree->recs[ask->node.rec];
    pk_vm_scratch_reset(&vm->scratch);
    vm->depth = vm->base = 0;
    vm->building = false;
    vm->inferring = true;
    vm->failed = false;
    vm->fuel = PK_FUEL_BASE + (uint64_t)PK_FUEL_PER_BYTE * ask->tree->len;
    vm->trees[0] = ask->tree;
    vm->trees[1] = NULL;
    vm->n_blank = pk_tree_runs(ask->tree, ask->node, vm->blank);
    vm->at_bit = ask->node.fixed ? vm->blank[0].off : rec->off;
}

static pk_value evaluate(const question *ask, pk_ref expr)
{
    pk_value self = pk_vm_tree_node(0, ask->owner), value;
    if (pk_vm_ready(ask->vm, expr, ask->owner.rec, NULL, 0, &value))
        return value;
    value = pk_vm_evaluate(ask->vm, expr, self, VM_NO_ITEM, NULL, 0);
    if (ask->vm->failed)
        return pk_value_undefined();
    if (value.kind == PK_NODE) {
        uint64_t off, end;
        if (pk_vm_tree_part(ask->vm, value, PK_PART_THIS, 0, 0, &off, &end))
            value = pk_vm_tree_bytes(ask->vm, value, off, end);
    }
    return value;
}

/* The key that a shared table gives the layer above. */
static bool keyed(const question *ask, uint32_t slot, uint64_t *ret_key)
{
    pk_ref lower = pk_tree_layer(ask->tree, ask->owner);
    pk_tree_node payload = pk_tree_payload(ask->tree, ask->owner);
    pk_ref upper = pk_tree_none(payload) ? 0 : pk_tree_layer(ask->tree, payload);
    uint32_t selects;
    if (!upper || bound(ask->vm, upper, lower))
        return false;
    return pk_vm_table_key(ask->vm, lower, upper, &selects, ret_key) && selects == slot;
}

/* What building would put there; undefined when it would fail. */
static pk_value expected(const question *ask)
{
    pk_vm *vm = ask->vm;
    const pk_image_field *field = &vm->image->fields[ask->field];
    pk_ref exprs[] = {imposition(ask, field->slot), field->init};
    uint64_t key;
    for (unsigned i = 0; i < 2; i++) {
        if (i == 0 && !exprs[0] && keyed(ask, field->slot, &key))
            return pk_value_int((int64_t)key);
        pk_value value = exprs[i] ? evaluate(ask, exprs[i]) : pk_value_undefined();
        if (vm->failed || value.kind == PK_INT || value.kind == PK_BYTES)
            return value;
    }
    if (field->type == PK_TYPE_BYTES && field->width) {
        pk_value width = evaluate(ask, field->width);
        return pk_vm_fill(vm, 0, width.kind == PK_INT ? width.number : 0);
    }
    return pk_vm_zero(vm, ask->field);
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool same_bytes(pk_value a, pk_value b)
{
    return a.kind == PK_BYTES && b.kind == PK_BYTES && a.len == b.len &&
           (a.len == 0 || memcmp(a.bytes, b.bytes, a.len) == 0);
}

static bool leaf_inferred(const question *ask)
{
    pk_vm *vm = ask->vm;
    const pk_image_field *field = &vm->image->fields[ask->field];
    pk_bit_run runs[PK_TREE_RUNS];
    uint32_t bits = 0;
    for (unsigned i = pk_tree_runs(ask->tree, ask->node, runs); i-- > 0;)
        bits += runs[i].bits;
    pk_value built = expected(ask), wire = pk_tree_value(ask->tree, ask->node);
    pk_vm_note_leaf(&vm->dissection.notes, ask->tree, ask->node);
    if (vm->failed || built.kind == PK_UNDEFINED || wire.kind == PK_UNDEFINED)
        return false;
    bool base128 = field->type == PK_TYPE_ULEB || field->type == PK_TYPE_UVLQ;
    if (wire.kind == PK_INT && field->width) {
        pk_value width = evaluate(ask, field->width);
        if (width.kind != PK_INT || width.number != bits)
            return false;
    }
    if (!pk_vm_convert(vm, ask->field, bits, &built, 0) || vm->failed)
        return false;
    if (wire.kind == PK_INT)
        return built.kind == PK_INT && built.number == wire.number &&
               (!base128 || bits == 8 * pk_vm_base128_len((uint64_t)wire.number));
    return same_bytes(built, wire);
}

static bool leaf_or_list_inferred(const question *ask)
{
    const pk_tree *tree = ask->tree;
    pk_tree_node up = pk_tree_parent(tree, ask->node);
    bool element = !ask->node.fixed && !pk_tree_none(up) && pk_tree_kind(tree, up) == PK_REC_LIST;
    if (ask->field == 0 || element || pk_tree_none(ask->owner))
        return false;
    if (ask->vm->field_facts[ask->field] & VM_FIELD_ASKED) /* left out, `has` would say no */
        return false;
    if (pk_tree_kind(tree, ask->node) == PK_REC_LIST)
        return pk_tree_count(tree, ask->node) == 0 && !ask->vm->image->fields[ask->field].init;
    begin(ask);
    return leaf_inferred(ask);
}

/* Everything inside the node is a field that is inferred by itself. */
static bool contents_inferred(const question *ask)
{
    const pk_tree *tree = ask->tree;
    uint32_t end = tree->recs[ask->node.rec].end;
    pk_tree_node at = pk_tree_walk(tree, ask->node);
    for (; !pk_tree_none(at) && at.rec < end; at = pk_tree_walk(tree, at)) {
        if (!pk_tree_is_leaf(tree, at) && pk_tree_kind(tree, at) != PK_REC_LIST)
            continue;
        question inner = {ask->vm, tree, at, pk_tree_owner(tree, at), pk_tree_field(tree, at)};
        if (!leaf_or_list_inferred(&inner))
            return false;
    }
    return true;
}

/* A struct field: the bytes that its default gives, the integer of a two-way scalar, or the
 * defaults of its own fields, which must be inferred in any case. */
static bool struct_inferred(const question *ask)
{
    pk_vm *vm = ask->vm;
    pk_value self = pk_vm_tree_node(0, ask->node), value = self;
    pk_ref init = imposition(ask, vm->image->fields[ask->field].slot);
    if (!init)
        init = vm->image->fields[ask->field].init;
    begin(ask);
    pk_value built = init ? evaluate(ask, init) : pk_value_undefined();
    uint64_t off, end;
    if (vm->failed)
        return false;
    if (built.kind == PK_BYTES && pk_vm_tree_part(vm, self, PK_PART_THIS, 0, 0, &off, &end)) {
        vm->n_blank = 0;
        return (end - off) % 8 == 0 && same_bytes(built, pk_vm_tree_bytes(vm, self, off, end));
    }
    if (built.kind == PK_UNDEFINED)
        return !init && contents_inferred(ask);
    if (built.kind != PK_INT || !vm->value_name)
        return false;
    if (pk_vm_plain(vm, &value, 0) == VM_PUSHED)
        value = pk_vm_run_frame(vm) == PK_OK ? vm->result : pk_value_undefined();
    return value.kind == PK_INT && value.number == built.number && contents_inferred(ask);
}

static pk_ref struct_field(const question *ask)
{
    const pk_rec *rec = &ask->tree->recs[ask->node.rec];
    pk_ref layer = pk_tree_layer(ask->tree, ask->owner);
    if (!(rec->flags & PK_REC_FIELD_OF) || rec->slot >= pk_vm_layer(ask->vm, layer)->n_slots)
        return 0;
    pk_ref field = ask->vm->slot_field[ask->vm->slot_base[layer] + rec->slot];
    while (field && ask->vm->image->fields[field].sub != rec->id)
        field = ask->vm->same_slot[field];
    return field && !ask->vm->image->fields[field].list ? field : 0;
}

/* ---- integers with constant defaults ---------------------------------------------------------- */

static bool has_constant_default(const pk_image *image, const pk_image_field *field)
{
    const pk_image_expr *expr = &image->exprs[field->init];
    const pk_insn *code = &image->code[expr->start];
    if (field->type != PK_TYPE_UINT && field->type != PK_TYPE_INT)
        return false;
    return field->bits && field->bits <= 64 && !field->list && !field->width &&
           (!field->init ||
            (expr->count == 2 && code[0].op == PK_OPC_INT && code[0].a == code[1].a));
}

static void not_simple(pk_vm *vm, pk_ref layer, uint32_t slot)
{
    if (slot >= vm->image->layers[layer].n_slots)
        return;
    pk_ref field = vm->slot_field[vm->slot_base[layer] + slot];
    for (; field; field = vm->same_slot[field])
        vm->field_facts[field] &= (uint8_t)~VM_FIELD_SIMPLE;
}

/* A field that an upper layer imposes, or that selects it, is what that layer says. */
void pk_vm_study_defaults(pk_vm *vm)
{
    const pk_image *image = vm->image;
    for (pk_ref i = 1; i < image->n_fields; i++)
        if (has_constant_default(image, &image->fields[i]))
            vm->field_facts[i] |= VM_FIELD_SIMPLE;
    for (pk_ref i = 1; i < image->n_impositions; i++)
        not_simple(vm, image->impositions[i].layer, image->impositions[i].slot);
    for (pk_ref i = 1; i < image->n_selectors; i++) {
        const pk_image_expr *expr = &image->exprs[image->selectors[i].key];
        for (uint32_t k = 0; k < expr->count; k++)
            if (image->code[expr->start + k].op == PK_OPC_SLOT)
                not_simple(vm, expr->layer, image->code[expr->start + k].d);
    }
}

/* A fixed field stands in its instance whatever the others say. */
static bool simple_inferred(const pk_vm *vm, const pk_tree *tree, pk_tree_node node, pk_ref field)
{
    const pk_image_expr *expr = &vm->image->exprs[vm->image->fields[field].init];
    pk_value wire = pk_tree_value(tree, node);
    int64_t built = vm->image->fields[field].init ? (int64_t)vm->image->code[expr->start].e : 0;
    return wire.kind == PK_INT && wire.number == built;
}

/* ---- what was answered before ------------------------------------------------------------------ */

/*
 * Of a shape (tree.h) an answer depends on the bits that were read for it, the node's own among them.
 * Where these are few, as of a length or a type, they are kept with the answer; of a checksum they are
 * all of a packet, and it is computed each time.
 */
enum { ANSWERS = 1024, ANSWER_NOTES = 4 };

typedef struct vm_answer {
    uint64_t shape; /* 0 = none */
    pk_tree_node node;
    pk_rec rec;
    uint8_t n;
    bool inferred;
    struct {
        uint64_t value;
        uint32_t off, bits;
    } read[ANSWER_NOTES];
} vm_answer;

static vm_answer *answer_place(pk_vm *vm, const pk_tree *tree, pk_tree_node node)
{
    if (!tree->shape || vm->thorough)
        return NULL;
    if (!vm->answers && !(vm->answers = calloc(ANSWERS, sizeof *vm->answers)))
        return NULL;
    uint64_t hash = (tree->shape * 31 + node.rec) * 31 + node.fixed;
    return &vm->answers[hash % ANSWERS];
}

static bool answered(const vm_answer *at, const pk_tree *tree, pk_tree_node node)
{
    bool same = at->shape == tree->shape && at->node.rec == node.rec &&
                at->node.fixed == node.fixed &&
                memcmp(&at->rec, &tree->recs[node.rec], sizeof at->rec) == 0;
    for (unsigned i = 0; i < at->n && same; i++)
        same = at->read[i].off + (uint64_t)at->read[i].bits <= (uint64_t)tree->len * 8 &&
               pk_vm_load(tree, at->read[i].off, at->read[i].bits) == at->read[i].value;
    return same;
}

static void keep_answer(vm_answer *at, const vm_notes *notes, const pk_tree *tree,
                        pk_tree_node node, bool inferred)
{
    at->shape = 0;
    if (!notes->told)
        return;
    *at = (vm_answer){tree->shape, node, tree->recs[node.rec], (uint8_t)notes->n, inferred, {{0}}};
    for (uint32_t i = 0; i < notes->n; i++) {
        at->read[i].value = notes->at[i].value;
        at->read[i].off = notes->at[i].off;
        at->read[i].bits = notes->at[i].bits;
    }
}

static bool find_out(pk_vm *vm, const pk_tree *tree, pk_tree_node node)
{
    question ask = {vm, tree, node, pk_tree_owner(tree, node), 0};
    if (pk_tree_none(ask.owner))
        return false;
    bool instance = pk_tree_kind(tree, node) == PK_REC_INSTANCE;
    ask.field = instance ? struct_field(&ask) : pk_tree_field(tree, node);
    if (vm->field_facts[ask.field] & VM_FIELD_ASKED) /* left out, `has` would say no */
        return false;
    return instance ? ask.field != 0 && struct_inferred(&ask) : leaf_or_list_inferred(&ask);
}

bool pk_vm_inferred(pk_vm *vm, const pk_tree *tree, pk_tree_node node)
{
    if (node.rec >= tree->count)
        return false;
    if (node.fixed) {
        pk_ref field = pk_tree_field(tree, node);
        if ((vm->field_facts[field] & (VM_FIELD_SIMPLE | VM_FIELD_ASKED)) == VM_FIELD_SIMPLE)
            return simple_inferred(vm, tree, node, field);
    }
    vm_answer *place = answer_place(vm, tree, node);
    if (place && answered(place, tree, node))
        return place->inferred;
    vm_notes *notes = &vm->dissection.notes;
    notes->n = 0;
    notes->most = ANSWER_NOTES;
    notes->told = true;
    bool inferred = find_out(vm, tree, node);
    vm->inferring = false;
    vm->n_blank = 0;
    vm->failed = false;
    if (place)
        keep_answer(place, notes, tree, node, inferred);
    return inferred;
}
