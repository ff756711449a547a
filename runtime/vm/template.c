#include "template_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Shapes of trees: dissecting numbers those that it finds from 1 on. */
#define SHAPE_OF_TEMPLATE (UINT64_C(1) << 63)

/* ---- from the trace's nodes to columns ------------------------------------------------------- */

typedef struct making {
    pk_vm *vm;
    const vm_trace *trace;
    pk_template *templ;
    pk_ref first, alt;
    uint16_t *column_of; /* by node; 0: not needed */
    char *reason;
} making;

__attribute__((format(printf, 2, 3))) static bool refuse(const making *make, const char *format,
                                                         ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(make->reason, PK_TEMPLATE_REASON, format, args);
    va_end(args);
    return false;
}

static void need(const making *make, uint16_t node)
{
    make->column_of[node] = 1;
}

/* Operands stand before what uses them, so one pass from the end finds all that is needed. */
static uint32_t mark_needed(const making *make)
{
    const vm_trace *trace = make->trace;
    uint32_t n = 0;
    for (uint32_t i = trace->emitted; i < trace->n_pieces; i++)
        need(make, trace->pieces[i].node);
    for (uint32_t i = 0; i < trace->n_guards; i++)
        need(make, trace->guards[i].node);
    for (uint32_t i = trace->n_nodes; i-- > 1;) {
        const trace_node *node = &trace->nodes[i];
        if (!make->column_of[i])
            continue;
        n++;
        need(make, node->a);
        need(make, node->b);
        for (uint32_t k = 0; k < node->n_pieces; k++)
            need(make, trace->pieces[node->pieces + k].node);
    }
    make->column_of[0] = 0;
    return n;
}

/* The place of a dimension among those of the alternative: rightmost fastest. */
static bool place_digit(const making *make, template_column *column)
{
    const pk_image *image = make->vm->image;
    const pk_image_alt *alt = &image->alts[make->alt];
    pk_u128 step = 1;
    for (uint32_t i = alt->n_dims; i-- > 0;) {
        uint32_t dim = image->dims[alt->dims + i];
        column->radix = pk_space_dim_count(pk_vm_space(make->vm), dim);
        column->step = step;
        if (dim == column->what.dim)
            return true;
        step *= column->radix;
    }
    return refuse(make, "a value varies along a dimension that this alternative does not have");
}

static bool make_room(const making *make, template_column *column)
{
    size_t size = column->wide ? sizeof(uint64_t) : sizeof(uint32_t);
    column->own = aligned_alloc(64, PK_TEMPLATE_BATCH * size);
    if (!column->own)
        return refuse(make, "out of memory");
    column->at = column->own;
    pk_u128 period =
        column->step && column->radix < TEMPLATE_PERIOD && column->step < TEMPLATE_PERIOD
            ? column->step * column->radix
            : 0;
    if (!period || period > TEMPLATE_PERIOD)
        return true;
    column->table = malloc(((size_t)period + PK_TEMPLATE_BATCH) * size);
    if (!column->table)
        return refuse(make, "out of memory");
    column->period = (uint32_t)period;
    return true;
}

/* The pieces of a sum, with columns in place of nodes. */
static void take_pieces(const making *make, uint32_t from, uint32_t n, uint32_t to)
{
    for (uint32_t i = 0; i < n; i++) {
        trace_piece piece = make->trace->pieces[from + i];
        piece.node = make->column_of[piece.node];
        make->templ->pieces[to + i] = piece;
    }
}

static bool make_column(const making *make, uint32_t node, uint32_t *pieces)
{
    pk_template *templ = make->templ;
    template_column *column = &templ->columns[templ->n_columns];
    column->what = make->trace->nodes[node];
    trace_node *what = &column->what;
    make->column_of[node] = (uint16_t)templ->n_columns++;
    what->a = make->column_of[what->a];
    what->b = make->column_of[what->b];
    if (what->kind == TRACE_SUM) {
        if (what->n_pieces > PK_TEMPLATE_SUM)
            return refuse(make, "too many parts under one checksum (limit %d)", PK_TEMPLATE_SUM);
        take_pieces(make, what->pieces, what->n_pieces, *pieces);
        what->pieces = *pieces;
        *pieces += what->n_pieces;
    }
    column->wide = what->least < 0 || what->most > UINT32_MAX;
    if (what->set) {
        column->high = what->set->shape.width == 16 && what->part == 0;
        column->linear = !what->set->views && what->set->shape.kind != PK_RUN_BLOB && !column->high;
    }
    if (what->kind == TRACE_ELEMENT && !place_digit(make, column))
        return false;
    if (what->kind == TRACE_WAY && !templ->ways) {
        templ->ways = calloc(PK_TEMPLATE_BATCH, sizeof *templ->ways);
        if (!templ->ways)
            return refuse(make, "out of memory");
    }
    return make_room(make, column);
}

static bool count_pieces(const making *make, uint64_t *ret_count)
{
    const vm_trace *trace = make->trace;
    assert(make->column_of);
    *ret_count = trace->n_pieces - trace->emitted;
    for (uint32_t i = 1; i < trace->n_nodes; i++)
        if (make->column_of[i])
            *ret_count += trace->nodes[i].n_pieces;
    return *ret_count <= UINT32_MAX;
}

static bool allocate(const making *make, uint32_t n_columns, uint64_t n_pieces)
{
    pk_template *templ = make->templ;
    templ->columns = calloc((size_t)n_columns + 1, sizeof *templ->columns);
    templ->pieces = calloc((size_t)n_pieces + 1, sizeof *templ->pieces);
    templ->guards = calloc((size_t)make->trace->n_guards + 1, sizeof *templ->guards);
    if (!templ->columns || !templ->pieces || !templ->guards)
        return refuse(make, "out of memory");
    templ->n_columns = 1;
    return true;
}

static bool make_columns(const making *make)
{
    const vm_trace *trace = make->trace;
    pk_template *templ = make->templ;
    uint64_t n_pieces;
    assert(make->column_of);
    uint32_t pieces = 0, n = mark_needed(make);
    if (!count_pieces(make, &n_pieces) || !allocate(make, n, n_pieces))
        return make->reason[0] ? false : refuse(make, "too many parts that vary");
    for (uint32_t i = 1; i < trace->n_nodes; i++)
        if (make->column_of[i] && !make_column(make, i, &pieces))
            return false;
    templ->patches = pieces;
    templ->n_patches = trace->n_pieces - trace->emitted;
    take_pieces(make, trace->emitted, templ->n_patches, pieces);
    for (uint32_t i = 0; i < trace->n_guards; i++) {
        templ->guards[i] = trace->guards[i];
        templ->guards[i].node = make->column_of[trace->guards[i].node];
    }
    templ->n_guards = trace->n_guards;
    for (uint32_t i = 1; i < templ->n_columns; i++)
        if (templ->columns[i].period)
            pk_template_table(templ, &templ->columns[i]);
    return true;
}

/* ---- the packet that shows the shape --------------------------------------------------------- */

static bool build_at(const making *make, pk_point *point, pk_u128 index, pk_buf *out, pk_tree *tree)
{
    pk_vm_error error = {0};
    pk_u128 asked = make->templ->begin + index;
    if (!pk_space_locate(pk_vm_space(make->vm), make->first, make->alt - make->first + 1, asked,
                         point))
        return refuse(make, "the alternative has no packets");
    if (pk_vm_build(make->vm, point, out, tree, &error) == PK_OK)
        return true;
    return refuse(make, "%.*s", PK_TEMPLATE_REASON - 1, error.text);
}

static bool take_bytes(const making *make, const pk_buf *packet)
{
    pk_template *templ = make->templ;
    if (packet->len > PK_TEMPLATE_LIMIT)
        return refuse(make, "the packets are too long (limit %d bytes)", PK_TEMPLATE_LIMIT);
    templ->bytes = malloc(packet->len ? packet->len : 1);
    if (!templ->bytes)
        return refuse(make, "out of memory");
    if (packet->len)
        memcpy(templ->bytes, packet->data, packet->len);
    templ->len = (uint32_t)packet->len;
    return true;
}

/* The bits that no patch writes. */
static bool note_fixed(const making *make)
{
    pk_template *templ = make->templ;
    templ->fixed = malloc(templ->len + 1u);
    if (!templ->fixed)
        return refuse(make, "out of memory");
    memset(templ->fixed, 0xff, templ->len + 1u);
    for (uint32_t i = 0; i < templ->n_patches; i++)
        pk_bits_put(templ->fixed, templ->pieces[templ->patches + i].bit,
                    templ->pieces[templ->patches + i].bits, 0);
    templ->tree.fixed = templ->fixed;
    return true;
}

static bool make_from_trace(making *make, pk_point *point, vm_trace *trace)
{
    pk_buf packet = {0};
    make->vm->trace = trace;
    pk_tree *tree = &make->templ->tree;
    bool good = build_at(make, point, 0, &packet, tree);
    make->vm->trace = NULL;
    if (trace->opaque)
        tree->count = 0;
    tree->shape = SHAPE_OF_TEMPLATE | ++make->vm->templates;
    make->trace = trace;
    make->column_of = good ? calloc((size_t)trace->n_nodes + 1, sizeof *make->column_of) : NULL;
    if (good && !make->column_of)
        good = refuse(make, "out of memory");
    good = good && take_bytes(make, &packet) && make_columns(make) && note_fixed(make);
    free(make->column_of);
    pk_buf_free(&packet);
    return good;
}

/* ---- the proof of it ------------------------------------------------------------------------- */

static bool same_at(const making *make, pk_point *point, pk_u128 index)
{
    pk_template *templ = make->templ;
    pk_buf packet = {0};
    uint8_t *mine = malloc(templ->len ? templ->len : 1);
    pk_template_run run = {
        .first = templ->begin + index, .count = 1, .base = mine, .stride = templ->len};
    bool expanded = mine && pk_template_expand(templ, &run) == 1;
    bool same = build_at(make, point, index, &packet, NULL);
    if (!same && !expanded) { /* both refuse this packet */
        make->reason[0] = 0;
        same = true;
    } else if (same && expanded) {
        same =
            packet.len == templ->len && (!templ->len || memcmp(packet.data, mine, packet.len) == 0);
    }
    if (!same && !make->reason[0])
        (void)refuse(make, "its packets are not what the general machine makes");
    free(mine);
    pk_buf_free(&packet);
    return same;
}

static bool verify(const making *make, pk_point *point)
{
    pk_u128 count = make->templ->count;
    const pk_u128 places[] = {0, count - 1, count / 2, count / 3, 1};
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++)
        if (places[i] < count && !same_at(make, point, places[i]))
            return false;
    return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

void pk_template_free(pk_template *templ)
{
    if (!templ)
        return;
    for (uint32_t i = 0; i < templ->n_columns; i++) {
        free(templ->columns[i].own);
        free(templ->columns[i].table);
    }
    free(templ->columns);
    free(templ->pieces);
    free(templ->guards);
    free(templ->bytes);
    free(templ->ways);
    free(templ->fixed);
    pk_tree_free(&templ->tree);
    free(templ);
}

pk_template *pk_template_new(pk_vm *vm, pk_ref first, pk_ref alt, char *reterr_reason,
                             bool *ret_later)
{
    vm_trace trace = {.n_nodes = 1, .n_strings = 1};
    pk_point point = {0};
    pk_template *templ = calloc(1, sizeof *templ);
    making make = {.vm = vm, .templ = templ, .first = first, .alt = alt, .reason = reterr_reason};
    const pk_space *space = pk_vm_space(vm);
    reterr_reason[0] = 0;
    bool good = templ != NULL && pk_point_init(space, &point) == PK_OK;
    if (!good) {
        (void)refuse(&make, "out of memory");
    } else {
        templ->kernels = pk_kernels_best();
        templ->seed = vm->seed;
        templ->cookies = vm->cookies;
        templ->env = vm->env;
        pk_tree_init(&templ->tree, vm->image);
        good = pk_space_count(space, first, alt - first, &templ->begin) &&
               pk_space_count(space, alt, 1, &templ->count);
        if (!good)
            (void)refuse(&make, "the set has more than 2^128 - 1 packets");
    }
    good = good && make_from_trace(&make, &point, &trace) && verify(&make, &point);
    if (ret_later)
        *ret_later = trace.later;
    pk_trace_free(&trace);
    pk_point_free(&point);
    if (good)
        return templ;
    pk_template_free(templ);
    return NULL;
}

void pk_template_use(pk_template *templ, const struct pk_kernels *kernels)
{
    templ->kernels = kernels;
}

uint32_t pk_template_length(const pk_template *templ)
{
    return templ->len;
}

const uint8_t *pk_template_bytes(const pk_template *templ)
{
    return templ->bytes;
}

const pk_tree *pk_template_tree(pk_template *templ, const uint8_t *bytes)
{
    if (!templ->tree.count)
        return NULL;
    templ->tree.bytes = bytes;
    return &templ->tree;
}

uint32_t pk_template_steps(const pk_template *templ)
{
    return templ->n_columns - 1;
}
