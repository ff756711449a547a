/* What only views and filters ask of the machine: the n-th layer, lists in order, values as text,
 * all the values of a path. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "template_trace.h"
#include "tree/value_text.h"

enum { VM_TEXT_LIMIT = 1 << 16 /* bytes of one text made of a value */ };

/* ---- the n-th layer -------------------------------------------------------------------------- */

static pk_value above(const pk_vm *vm, pk_value at)
{
    switch (pk_vm_kind(vm, at)) {
    case VM_IS_ROOT:
        return pk_vm_first(vm, at);
    case VM_IS_INSTANCE:
        return pk_vm_payload(vm, at);
    case VM_IS_LIST:
    case VM_IS_LEAF:
        break;
    }
    return pk_value_undefined();
}

pk_value pk_vm_nth(const pk_vm *vm, pk_value base, pk_ref layer, int64_t n)
{
    pk_value found[PK_LAYER_DEPTH];
    int64_t count = 0;
    pk_value at = base.kind == PK_NODE ? above(vm, base) : pk_value_undefined();
    while (at.kind == PK_NODE && pk_vm_kind(vm, at) == VM_IS_INSTANCE && count < PK_LAYER_DEPTH) {
        if (pk_vm_layer_of(vm, at) == layer)
            found[count++] = at;
        at = above(vm, at);
    }
    int64_t index = n < 0 ? n + count : n - 1;
    return index >= 0 && index < count ? found[index] : pk_value_undefined();
}

/* ---- lists in order -------------------------------------------------------------------------- */

static int compare_values(const void *left, const void *right)
{
    const pk_value *a = left, *b = right;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->kind == PK_INT)
        return (a->number > b->number) - (a->number < b->number);
    if (a->kind != PK_BYTES)
        return 0;
    uint32_t len = a->len < b->len ? a->len : b->len;
    int order = len ? memcmp(a->bytes, b->bytes, len) : 0;
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

pk_value pk_vm_sorted(pk_vm *vm, pk_value many)
{
    if (many.kind != PK_MANY)
        return many;
    for (uint32_t i = 0; i < many.len; i++)
        if (!pk_trace_settled(vm, many.many[i], "an order of values"))
            return pk_value_undefined();
    pk_value *values = (pk_value *)(void *)pk_vm_bytes_alloc(vm, (many.len + 1u) * sizeof *values);
    if (!values)
        return pk_value_undefined();
    memcpy(values, many.many, many.len * sizeof *values);
    qsort(values, many.len, sizeof *values, compare_values);
    vm->fuel = vm->fuel > many.len ? vm->fuel - many.len : 0;
    return pk_value_many(values, many.len);
}

/* ---- text ------------------------------------------------------------------------------------ */

static bool node_text(const pk_vm *vm, pk_value node, pk_buf *out)
{
    if (pk_vm_on_build(vm, node))
        return false;
    const pk_tree *tree = vm->trees[node.tree & 1];
    pk_tree_node at = pk_tree_unpack(node.node);
    if (pk_vm_kind(vm, node) != VM_IS_INSTANCE)
        return false;
    if (!pk_text_meaning(out, tree, at, NULL))
        pk_buf_text(out, pk_image_text(vm->image, pk_vm_layer(vm, pk_vm_layer_of(vm, node))->name));
    return true;
}

static void one_text(const pk_vm *vm, const pk_insn *insn, pk_value value, pk_value selector,
                     pk_buf *out)
{
    if (value.kind == PK_NODE)
        (void)node_text(vm, value, out);
    else if (insn->op == PK_OPC_NAMED)
        pk_text_value(out, vm->image, insn->d, value, insn->e != 0, selector);
    else
        pk_text_form(out, (pk_view_form)insn->c, value);
}

pk_value pk_vm_text(pk_vm *vm, const pk_insn *insn, pk_value value, pk_value selector)
{
    if (value.kind == PK_UNDEFINED || !pk_trace_settled(vm, value, "the text of a value"))
        return pk_value_undefined();
    pk_buf out = {0};
    if (value.kind != PK_MANY)
        one_text(vm, insn, value, selector, &out);
    for (uint32_t i = 0; value.kind == PK_MANY && i < value.len && out.len < VM_TEXT_LIMIT; i++) {
        if (i)
            pk_buf_text(&out, ", ");
        one_text(vm, insn, value.many[i], selector, &out);
    }
    uint8_t *bytes = out.failed ? NULL : pk_vm_bytes_alloc(vm, out.len + 1);
    if (bytes && out.len)
        memcpy(bytes, out.data, out.len);
    pk_value text = bytes ? pk_value_bytes(bytes, (uint32_t)out.len) : pk_value_undefined();
    pk_buf_free(&out);
    return text;
}
