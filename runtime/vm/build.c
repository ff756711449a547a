#include "internal.h"

#include <string.h>

static void begin(pk_vm *vm, const pk_point *point)
{
    pk_vm_scratch_reset(&vm->scratch);
    vm->depth = vm->base = 0;
    vm->building = true;
    vm->inferring = false;
    vm->failed = false;
    vm->error = (pk_vm_error){0};
    vm->fuel = PK_VM_BUILD_FUEL;
    vm->trees[0] = vm->trees[1] = NULL;
    vm->passed_over = 0;
    vm->ignored = 0;
    vm->point = point;
}

static bool evaluate(pk_vm *vm, vm_frame_kind kind)
{
    return pk_vm_push_whole(vm, kind, 0, VM_DISCARD) == VM_PUSHED && !vm->failed &&
           pk_vm_run_frame(vm) == PK_OK;
}

/* Room for the whole packet at once: its tree refers to the bytes while they are written. */
static bool make_room(pk_vm *vm, pk_buf *out, pk_tree *tree)
{
    if (!evaluate(vm, VM_SIZE))
        return false;
    int64_t len = vm->result.number + 1; /* a last byte that is not whole */
    if (len > PK_VM_PACKET_LIMIT) {
        pk_vm_fail(vm, PK_ELIMIT, 0, "packet too long: %lld bytes (limit %d)", (long long)len,
                   PK_VM_PACKET_LIMIT);
        return false;
    }
    const uint8_t *start = pk_buf_reserve(out, (size_t)len);
    if (!start) {
        pk_vm_fail(vm, PK_ENOMEM, 0, "out of memory");
        return false;
    }
    if (tree) {
        pk_tree_reset(tree, start, (uint32_t)len, (uint32_t)len); /* the end comes with the bytes */
        if (tree->count == 0)
            pk_vm_fail(vm, PK_ENOMEM, 0, "out of memory");
    }
    return !vm->failed;
}

/* The tree of a captured frame is what dissecting it gives. */
static bool read_frame(pk_vm *vm, const pk_buf *out, size_t start, pk_tree *tree)
{
    uint32_t len = (uint32_t)(out->len - start);
    pk_ref layer = pk_vm_link_layer(vm, vm->frame_link);
    if (pk_vm_dissect(vm, layer, out->data + start, len, len, tree) != PK_OK)
        pk_vm_fail(vm, PK_ENOMEM, 0, "out of memory");
    return !vm->failed;
}

int pk_vm_build(pk_vm *vm, const pk_point *point, pk_buf *out, pk_tree *tree,
                pk_vm_error *reterr_error)
{
    size_t start = out->len;
    pk_ref plan = point->alt < vm->image->n_alts ? vm->image->alts[point->alt].plan : 0;
    bool frame = vm->image->plans[plan].flags & PK_PLAN_FRAME;
    pk_tree *made = frame ? NULL : tree;
    begin(vm, point);
    bool good = pk_vm_plan_build(vm, plan) && evaluate(vm, VM_RESOLVE) &&
                make_room(vm, out, made) && pk_vm_emit(vm, 0, 0, 0, out, made, pk_vm_dissect_part);
    vm->building = false;
    vm->point = NULL;
    if (good && frame && tree)
        good = read_frame(vm, out, start, tree);
    if (good)
        return PK_OK;
    out->len = start;
    if (tree)
        pk_tree_reset(tree, NULL, 0, 0);
    *reterr_error = vm->error;
    return vm->error.code;
}

bool pk_vm_frame_link(const pk_vm *vm, pk_ref alt, uint32_t *ret_link)
{
    if (!(vm->image->plans[vm->image->alts[alt].plan].flags & PK_PLAN_FRAME))
        return false;
    *ret_link = vm->frame_link;
    return true;
}

const char *pk_vm_ignored(const pk_vm *vm, char *text, size_t size, uint32_t *ret_lo)
{
    if (!vm->ignored)
        return NULL;
    *ret_lo = vm->ignored_lo;
    return pk_vm_field_text(vm, vm->ignored, text, size);
}

/* ---- expressions over finished trees --------------------------------------------------------- */

static pk_value evaluate_over(pk_vm *vm, pk_ref expr, const pk_tree *tree, pk_tree_node self,
                              const pk_tree *other, const pk_value *args, uint32_t n_args)
{
    uint64_t len = (tree ? tree->len : 0) + (uint64_t)(other ? other->len : 0);
    pk_vm_scratch_reset(&vm->scratch);
    vm->depth = vm->base = 0;
    vm->building = vm->inferring = false;
    vm->failed = false;
    vm->fuel = PK_FUEL_BASE + PK_FUEL_PER_BYTE * len;
    vm->trees[0] = tree;
    vm->trees[1] = other;
    pk_value node = tree ? pk_vm_tree_node(0, self) : pk_value_undefined();
    pk_value value = pk_vm_evaluate(vm, expr, node, VM_NO_ITEM, args, n_args);
    return vm->failed ? pk_value_undefined() : value;
}

pk_value pk_vm_eval(pk_vm *vm, pk_ref expr, const pk_tree *tree, pk_tree_node self,
                    const pk_tree *other, const pk_value *args, uint32_t n_args)
{
    pk_value value = evaluate_over(vm, expr, tree, self, other, args, n_args);
    if (value.kind == PK_MANY) {
        value = value.len ? *value.many : pk_value_undefined();
        if (value.kind == PK_NODE && pk_vm_kind(vm, value) == VM_IS_LEAF)
            (void)pk_vm_plain(vm, &value, 0);
    }
    if (!vm->trace)
        value.spare = 0;
    return value;
}

/* A list is read like the elements of a path through it. */
pk_value pk_vm_eval_many(pk_vm *vm, pk_ref expr, const pk_tree *tree, pk_tree_node self,
                         const pk_tree *other, const pk_value *args, uint32_t n_args)
{
    pk_value value = evaluate_over(vm, expr, tree, self, other, args, n_args);
    bool list = value.kind == PK_NODE && pk_vm_kind(vm, value) == VM_IS_LIST;
    if (!list)
        return value;
    (void)pk_vm_push_map(vm, value, 0, 0);
    return pk_vm_run_frame(vm) == PK_OK ? vm->result : pk_value_undefined();
}
