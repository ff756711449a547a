#include "vm/vm.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* ---- scratch --------------------------------------------------------------------------------- */

enum { CHUNK = 16384 };

struct vm_chunk {
    vm_chunk *next;
    size_t cap;
};

void *pk_vm_scratch_alloc(vm_scratch *scratch, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    while (scratch->at && scratch->used + size > scratch->at->cap && scratch->at->next) {
        scratch->at = scratch->at->next;
        scratch->used = 0;
    }
    if (!scratch->at || scratch->used + size > scratch->at->cap) {
        size_t cap = size > CHUNK ? size : CHUNK;
        vm_chunk *chunk = malloc(sizeof *chunk + cap);
        if (!chunk)
            return NULL;
        *chunk = (vm_chunk){.cap = cap};
        if (scratch->at)
            scratch->at->next = chunk;
        else
            scratch->first = chunk;
        scratch->at = chunk;
        scratch->used = 0;
    }
    void *memory = (uint8_t *)(scratch->at + 1) + scratch->used;
    scratch->used += size;
    return memory;
}

void pk_vm_scratch_reset(vm_scratch *scratch)
{
    scratch->at = scratch->first;
    scratch->used = 0;
}

void pk_vm_scratch_free(vm_scratch *scratch)
{
    for (vm_chunk *chunk = scratch->first; chunk;) {
        vm_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    *scratch = (vm_scratch){0};
}

uint8_t *pk_vm_bytes_alloc(pk_vm *vm, size_t len)
{
    uint8_t *bytes = pk_vm_scratch_alloc(&vm->scratch, len);
    if (!bytes)
        pk_vm_fail(vm, PK_ENOMEM, 0, "out of memory");
    return bytes;
}

/* ---- faults ---------------------------------------------------------------------------------- */

void pk_vm_fail(pk_vm *vm, int code, uint32_t lo, const char *format, ...)
{
    va_list list;
    if (vm->failed)
        return;
    vm->failed = true;
    vm->error.code = code;
    vm->error.lo = lo;
    va_start(list, format);
    vsnprintf(vm->error.text, sizeof vm->error.text, format, list);
    va_end(list);
}

const char *pk_vm_field_text(const pk_vm *vm, pk_ref field, char *text, size_t size)
{
    const pk_image_field *at = &vm->image->fields[field];
    snprintf(text, size, "%s.%s", pk_image_text(vm->image, pk_vm_layer(vm, at->layer)->name),
             pk_image_text(vm->image, at->name));
    return text;
}

/* ---- tables of the image --------------------------------------------------------------------- */

const pk_image_layer *pk_vm_layer(const pk_vm *vm, pk_ref layer)
{
    return &vm->image->layers[layer];
}

/* One more than the highest operand that can be a register. */
static unsigned registers_of(const pk_insn *insn)
{
    unsigned most = insn->a;
    if (insn->b > most)
        most = insn->b;
    bool call = insn->op == PK_OPC_NATIVE || insn->op == PK_OPC_CALL || insn->op == PK_OPC_METHOD;
    if (call && insn->b + (unsigned)insn->c > most)
        most = insn->b + (unsigned)insn->c;
    if (!call && insn->op != PK_OPC_ENCODE && insn->c > most)
        most = insn->c;
    if (insn->op == PK_OPC_SLICE && insn->d > most && insn->d < PK_IMAGE_REGS)
        most = insn->d;
    return most < PK_IMAGE_REGS ? most + 1 : PK_IMAGE_REGS;
}

unsigned pk_vm_count_registers(pk_vm *vm, pk_ref expr)
{
    const pk_image_expr *at = &vm->image->exprs[expr];
    unsigned most = 1;
    for (uint32_t k = 0; k < at->count; k++) {
        unsigned n = registers_of(&vm->image->code[at->start + k]);
        most = n > most ? n : most;
    }
    vm->regs_of[expr] = (uint8_t)most;
    return most;
}

static void list_slots(pk_vm *vm)
{
    const pk_image *image = vm->image;
    uint32_t base = 0;
    for (pk_ref i = 1; i < image->n_layers; i++) {
        vm->slot_base[i] = base;
        base += image->layers[i].n_slots;
    }
    for (pk_ref i = 1; i < image->n_layers; i++) {
        const pk_image_layer *layer = &image->layers[i];
        for (uint32_t k = layer->n_fields; k-- > 0;) {
            pk_ref field = layer->fields + k;
            uint32_t *first = &vm->slot_field[vm->slot_base[i] + image->fields[field].slot];
            vm->same_slot[field] = *first;
            *first = field;
        }
    }
}

static bool is_field_item(uint8_t op)
{
    return op == PK_OPC_FLD || op == PK_OPC_FLX || op == PK_OPC_BYT || op == PK_OPC_VAR ||
           op == PK_OPC_SUB || op == PK_OPC_LST;
}

/* Follows a layer's item program once: where each field's item is, which items every path reaches,
 * and behind which a payload has passed on every path. All jumps go forward. */
static void study_items(pk_vm *vm, const pk_image_layer *layer, uint8_t *behind)
{
    const pk_insn *items = vm->image->code + layer->items;
    uint32_t n = layer->n_items, sure_from = 0;
    memset(behind, 2, n + 1);
    behind[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint8_t op = items[i].op, after = op == PK_OPC_PAY ? 1 : behind[i];
        if (is_field_item(op)) {
            vm->item_of[items[i].d] = i;
            vm->field_facts[items[i].d] = (uint8_t)((i >= sure_from ? VM_FIELD_SURE : 0) |
                                                    (after == 1 ? VM_FIELD_BEHIND_PAY : 0));
        }
        bool jumps = op == PK_OPC_JIF || op == PK_OPC_JMP;
        if (jumps && items[i].d > sure_from)
            sure_from = items[i].d;
        if (jumps && behind[items[i].d] != 0)
            behind[items[i].d] = after;
        if (op != PK_OPC_JMP && behind[i + 1] != 0)
            behind[i + 1] = after;
    }
}

static bool study_layers(pk_vm *vm)
{
    const pk_image *image = vm->image;
    uint32_t most = 0;
    for (pk_ref i = 1; i < image->n_layers; i++)
        most = image->layers[i].n_items > most ? image->layers[i].n_items : most;
    uint8_t *behind = malloc(most + 1U); /* 0 no, 1 yes, 2 not reached */
    for (pk_ref i = 1; behind && i < image->n_layers; i++)
        study_items(vm, &image->layers[i], behind);
    bool good = behind != NULL;
    free(behind);
    return good;
}

/* The conditional fields that `has` asks about. */
static void study_questions(pk_vm *vm)
{
    const pk_image *image = vm->image;
    for (pk_ref i = 1; i < image->n_exprs; i++) {
        const pk_image_expr *expr = &image->exprs[i];
        for (uint32_t k = 0; k < expr->count; k++) {
            const pk_insn *insn = &image->code[expr->start + k];
            if (insn->op != PK_OPC_HAS || !expr->layer ||
                insn->d >= image->layers[expr->layer].n_slots)
                continue;
            pk_ref field = vm->slot_field[vm->slot_base[expr->layer] + insn->d];
            for (; field; field = vm->same_slot[field])
                if (!(vm->field_facts[field] & VM_FIELD_SURE))
                    vm->field_facts[field] |= VM_FIELD_ASKED;
        }
    }
}

/* Where the name stands or would stand. */
static vm_name *name_place(const pk_vm *vm, pk_ref name)
{
    uint32_t at = name * UINT32_C(2654435761) & vm->name_mask;
    while (vm->names[at].name && vm->names[at].name != name)
        at = (at + 1) & vm->name_mask;
    return &vm->names[at];
}

/* Of two layers with one name the first counts. */
static void add_name(pk_vm *vm, pk_ref name, pk_ref layer)
{
    vm_name *at = name_place(vm, name);
    if (name && (!at->name || layer < at->layer))
        *at = (vm_name){name, layer};
}

static bool list_names(pk_vm *vm)
{
    const pk_image *image = vm->image;
    uint32_t places = 64;
    while (places < 2 * ((uint64_t)image->n_layers + image->n_aliases))
        places *= 2;
    vm->names = calloc(places, sizeof *vm->names);
    vm->name_mask = places - 1;
    for (pk_ref i = 1; vm->names && i < image->n_layers; i++)
        if (image->layers[i].kind != PK_LAYER_CASE)
            add_name(vm, image->layers[i].name, i);
    for (pk_ref i = 1; vm->names && i < image->n_aliases; i++)
        add_name(vm, image->aliases[i].name, image->aliases[i].layer);
    return vm->names != NULL;
}

pk_ref pk_vm_layer_named(const pk_vm *vm, pk_ref name)
{
    return name_place(vm, name)->layer;
}

static void find_names(pk_vm *vm)
{
    const pk_image *image = vm->image;
    static const char *const names[] = {"value", "payload", "dst"};
    pk_ref found[3];
    pk_image_names_find(image, names, 3, found);
    vm->value_name = found[0];
    vm->payload_name = found[1];
    vm->dst_name = found[2];
    vm->raw_layer = pk_image_layer_find(image, "raw");
    for (pk_ref i = 1; i < image->n_tables; i++) {
        const pk_image_table *table = &image->tables[i];
        if (strcmp(pk_image_text(image, table->name), "dlt") == 0 &&
            strcmp(pk_image_text(image, image->layers[table->layer].name), "link") == 0)
            vm->link_table = i;
    }
}

static uint32_t total_slots(const pk_image *image)
{
    uint32_t total = 0;
    for (pk_ref i = 1; i < image->n_layers; i++)
        total += image->layers[i].n_slots;
    return total;
}

static bool study(pk_vm *vm)
{
    const pk_image *image = vm->image;
    vm->regs_of = calloc(image->n_exprs, 1);
    vm->slot_base = calloc(image->n_layers, sizeof *vm->slot_base);
    vm->slot_field = calloc(total_slots(image) + 1, sizeof *vm->slot_field);
    vm->same_slot = calloc(image->n_fields, sizeof *vm->same_slot);
    vm->item_of = malloc(image->n_fields * sizeof *vm->item_of);
    vm->field_facts = calloc(image->n_fields, 1);
    vm->ready = calloc(image->n_exprs, sizeof(struct vm_ready *));
    if (!vm->regs_of || !vm->slot_base || !vm->slot_field || !vm->same_slot || !vm->item_of ||
        !vm->field_facts || !vm->ready)
        return false;
    memset(vm->item_of, 0xff, image->n_fields * sizeof *vm->item_of);
    list_slots(vm);
    if (!list_names(vm) || !study_layers(vm))
        return false;
    find_names(vm);
    study_questions(vm);
    pk_vm_study_defaults(vm);
    pk_vm_study_fixed(vm);
    return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

pk_vm *pk_vm_new(const pk_image *image, const pk_env *env)
{
    pk_vm *vm = calloc(1, sizeof *vm);
    if (!vm)
        return NULL;
    vm->image = image;
    if (env)
        vm->env = *env;
    vm->frames = malloc(PK_VM_FRAMES * sizeof *vm->frames);
    vm->regs = malloc((size_t)PK_VM_FRAMES * PK_IMAGE_REGS * sizeof *vm->regs);
    vm->params = calloc(image->n_params, sizeof *vm->params);
    vm->param_state = calloc(image->n_params, 1);
    vm->param_sets = calloc(image->n_params, sizeof *vm->param_sets);
    if (!vm->frames || !vm->regs || !vm->params || !vm->param_state || !vm->param_sets ||
        !study(vm)) {
        pk_vm_free(vm);
        return NULL;
    }
    return vm;
}

void pk_vm_free(pk_vm *vm)
{
    if (!vm)
        return;
    pk_space_free(vm->space);
    free(vm->cookies);
    free(vm->regs_of);
    free(vm->slot_base);
    free(vm->slot_field);
    free(vm->same_slot);
    free(vm->item_of);
    free(vm->field_facts);
    free(vm->ready);
    free(vm->names);
    free(vm->params);
    free(vm->param_state);
    free(vm->param_sets);
    free(vm->frames);
    free(vm->regs);
    free(vm->nodes);
    free(vm->slots);
    free(vm->items);
    free(vm->visits);
    free(vm->dissection.levels);
    pk_vm_recall_free(vm->recall);
    free(vm->answers);
    pk_buf_free(&vm->encoding);
    pk_arena_free(&vm->param_bytes);
    pk_arena_free(&vm->ready_memory);
    pk_vm_scratch_free(&vm->scratch);
    free(vm);
}

const pk_env_files *pk_vm_files(const pk_vm *vm)
{
    return &vm->env.files;
}

/* ---- parameters and the space ---------------------------------------------------------------- */

/* What was read with other values is no guide to what will be. */
static int keep_param(pk_vm *vm, pk_ref param, pk_value value)
{
    pk_vm_recall_free(vm->recall);
    vm->recall = NULL;
    if (value.kind == PK_BYTES) {
        uint8_t *bytes = pk_arena_alloc(&vm->param_bytes, value.len);
        if (!bytes)
            return PK_ENOMEM;
        if (value.len)
            memcpy(bytes, value.bytes, value.len);
        value.bytes = bytes;
    }
    vm->params[param] = value;
    vm->param_state[param] = VM_DONE;
    return PK_OK;
}

int pk_vm_param_value(pk_vm *vm, pk_ref param, pk_value value)
{
    if (param == 0 || param >= vm->image->n_params || value.kind > PK_BYTES)
        return PK_EFORMAT;
    return keep_param(vm, param, value);
}

int pk_vm_param_set(pk_vm *vm, pk_ref param, const pk_set *set)
{
    if (param == 0 || param >= vm->image->n_params)
        return PK_EFORMAT;
    vm->param_sets[param] = set;
    return PK_OK;
}

/* Bytes of what an expression without a packet gives must outlive the space: they are copied. */
static pk_value space_eval(void *context, pk_ref expr)
{
    pk_vm *vm = context;
    pk_value value = pk_vm_eval(vm, expr, NULL, PK_TREE_NONE, NULL, NULL, 0);
    if (vm->failed && !vm->space_error.code)
        vm->space_error = vm->error;
    if (value.kind != PK_BYTES)
        return value.kind == PK_INT ? value : pk_value_undefined();
    uint8_t *bytes = pk_arena_alloc(&vm->param_bytes, value.len);
    if (!bytes)
        return pk_value_undefined();
    if (value.len)
        memcpy(bytes, value.bytes, value.len);
    return pk_value_bytes(bytes, value.len);
}

static const pk_set *space_param(void *context, pk_ref param)
{
    const pk_vm *vm = context;
    return vm->param_sets[param];
}

static int told(int code, const pk_error *error, char *why)
{
    if (code)
        (void)snprintf(why, 256, "%.255s", error->text);
    return code;
}

static int space_lines(void *context, const pk_image_set_step *step, pk_bytes name, pk_arena *arena,
                       pk_set *to, char *why)
{
    const pk_vm *vm = context;
    const pk_env_files *files = &vm->env.files;
    pk_error error = {.text = "there are no files here"};
    int code = files->members
                   ? files->members(files->context, vm->image, step, name, arena, to, &error)
                   : PK_EUNSUPPORTED;
    return told(code, &error, why);
}

static int space_frames(void *context, pk_bytes name, uint64_t *ret_count, char *why)
{
    const pk_vm *vm = context;
    const pk_env_files *files = &vm->env.files;
    pk_error error = {.text = "there are no files here"};
    int code =
        files->frames ? files->frames(files->context, name, ret_count, &error) : PK_EUNSUPPORTED;
    return told(code, &error, why);
}

/* Defaults of parameters are computed once and for all: nothing they depend on changes. */
static int settle_params(pk_vm *vm, pk_vm_error *reterr_error)
{
    for (pk_ref i = 1; i < vm->image->n_params; i++) {
        const pk_image_param *param = &vm->image->params[i];
        if (param->is_set || vm->param_state[i] == VM_DONE)
            continue;
        pk_value value = pk_vm_eval(vm, param->init, NULL, PK_TREE_NONE, NULL, NULL, 0);
        if (value.kind != PK_INT && value.kind != PK_BYTES)
            continue;
        if (keep_param(vm, i, value) != PK_OK) {
            *reterr_error = (pk_vm_error){.code = PK_ENOMEM, .text = "out of memory"};
            return PK_ENOMEM;
        }
    }
    return PK_OK;
}

static int open_space(pk_vm *vm, uint64_t seed, pk_ref first, pk_vm_error *reterr_error)
{
    pk_space *space = NULL;
    pk_vm_error error = {0};
    const pk_space_source source = {.eval = space_eval,
                                    .param_set = space_param,
                                    .lines = space_lines,
                                    .frames = space_frames,
                                    .context = vm,
                                    .seed = seed,
                                    .first = first};
    vm->space_error = (pk_vm_error){0};
    error.code = pk_space_new(vm->image, &source, &space, error.text, sizeof error.text);
    if (error.code != PK_OK) {
        *reterr_error = vm->space_error.code ? vm->space_error : error;
        return reterr_error->code;
    }
    pk_space_free(vm->space);
    vm->space = space;
    vm->seed = seed;
    return PK_OK;
}

int pk_vm_space_open(pk_vm *vm, uint64_t seed, pk_vm_error *reterr_error)
{
    int code = settle_params(vm, reterr_error);
    return code ? code : open_space(vm, seed, 0, reterr_error);
}

int pk_vm_space_open_from(pk_vm *vm, pk_ref first, pk_vm_error *reterr_error)
{
    return open_space(vm, 0, first, reterr_error);
}

int pk_vm_probe_set(pk_vm *vm, const pk_image_probe *probe)
{
    pk_u128 total;
    free(vm->cookies);
    vm->cookies = NULL;
    if (!probe->n_cookies || !pk_space_count(vm->space, probe->alts, probe->n_alts, &total) ||
        !total)
        return PK_OK;
    vm->cookies = malloc(sizeof *vm->cookies);
    if (!vm->cookies)
        return PK_ENOMEM;
    pk_cookies_init(vm->cookies, total, vm->seed);
    return PK_OK;
}

const pk_cookies *pk_vm_cookies(const pk_vm *vm)
{
    return vm->cookies;
}

const pk_space *pk_vm_space(const pk_vm *vm)
{
    return vm->space;
}

void pk_vm_link_set(pk_vm *vm, pk_ref layer)
{
    vm->link = layer < vm->image->n_layers ? layer : 0;
}

void pk_vm_shortcuts_set(pk_vm *vm, bool on)
{
    vm->thorough = !on;
}

pk_ref pk_vm_link_layer(const pk_vm *vm, uint32_t dlt)
{
    return vm->link_table ? pk_image_table_find(vm->image, vm->link_table, dlt) : 0;
}
