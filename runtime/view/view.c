#include "view/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/wide.h"
#include "tree/difference.h"
#include "tree/writers.h"

enum { N_DIGITS = 40 };

/* The packets of one row and what its expressions are given. */
typedef struct row_context {
    const pk_tree *trees[2]; /* by pk_value.tree: the reply, the stimulus */
    pk_value args[PK_VIEW_ROW_ARGUMENTS];
    uint32_t n_args;
    uint8_t digits[N_DIGITS]; /* of a number beyond 63 bits */
} row_context;

static const pk_tree_node root = {0, 0};

/* ---- evaluation -------------------------------------------------------------------------------- */

static pk_value node_of(uint8_t tree, pk_tree_node node)
{
    return (pk_value){.kind = PK_NODE, .tree = tree, .node = pk_tree_pack(node)};
}

static pk_value number_of(pk_u128 n, uint8_t digits[N_DIGITS])
{
    if (n <= INT64_MAX)
        return pk_value_int((int64_t)n);
    uint32_t at = N_DIGITS;
    for (; n; n /= 10)
        digits[--at] = (uint8_t)('0' + (unsigned)(n % 10));
    return pk_value_bytes(digits + at, N_DIGITS - at);
}

static void fill_context(const pk_view *view, const pk_view_row *row, row_context *c)
{
    *c = (row_context){.trees = {row->reply ? row->reply : &view->empty, row->sent},
                       .n_args = PK_VIEW_ARGUMENTS};
    if (row->sent)
        c->args[PK_VIEW_SENT] = node_of(1, root);
    if (row->reply)
        c->args[PK_VIEW_REPLY] = node_of(0, root);
    if (row->reply && !pk_tree_none(row->quoting))
        c->args[PK_VIEW_QUOTED] = node_of(0, row->quoting);
    if (row->sent)
        c->args[PK_VIEW_N] = number_of(row->n, c->digits);
    if (row->try)
        c->args[PK_VIEW_TRY] = pk_value_int(row->try);
    if (row->reply && row->sent)
        c->args[PK_VIEW_RTT] = row->rtt < 0 ? pk_value_undefined() : pk_value_int(row->rtt);
    if (row->time_ns)
        c->args[PK_VIEW_TIME] = pk_value_int(row->time_ns);
    c->args[PK_VIEW_ANSWERED] = pk_value_int(row->answered);
}

static pk_value evaluate(pk_view *view, pk_ref expr, const row_context *c)
{
    return pk_vm_eval_many(view->setup.vm, expr, c->trees[0], root, c->trees[1], c->args,
                           c->n_args);
}

static bool truth(pk_value value)
{
    return value.kind == PK_MANY ? value.len && pk_value_truth(*value.many) : pk_value_truth(value);
}

static pk_value writer_eval(void *context, const pk_tree *tree, pk_tree_node self, pk_ref expr)
{
    return pk_vm_eval(context, expr, tree, self, NULL, NULL, 0);
}

static bool writer_inferred(void *context, const pk_tree *tree, pk_tree_node node)
{
    return pk_vm_inferred(context, tree, node);
}

/* The tree of a packet of the row; NULL when the value is none. */
static const pk_tree *packet_of(const row_context *c, pk_value value, pk_tree_node *ret_node)
{
    if (value.kind != PK_NODE || !c->trees[value.tree & 1])
        return NULL;
    *ret_node = pk_tree_unpack(value.node);
    return c->trees[value.tree & 1];
}

/* A quoted packet is written from the bytes of the quotation on. */
static bool quotation(const pk_tree *tree, pk_tree_node node, pk_bytes *ret_bytes,
                      pk_ref *ret_layer)
{
    pk_tree_node payload = pk_tree_payload(tree, node);
    if (!node.rec || pk_tree_none(payload))
        return false;
    pk_bit_run runs[PK_TREE_RUNS];
    pk_tree_runs(tree, payload, runs);
    if (runs[0].off % 8 || runs[0].off / 8 > tree->len)
        return false;
    *ret_bytes = (pk_bytes){tree->bytes + runs[0].off / 8, tree->len - runs[0].off / 8};
    *ret_layer = pk_tree_layer(tree, payload);
    return true;
}

/* A line says nothing of the link below a packet that has more than that. */
static size_t link_part(const pk_buf *line)
{
    const char *text = pk_buf_cstr(line), *rest = strstr(text, " / ");
    return rest ? (size_t)(rest + 3 - text) : 0;
}

static void put_packet(pk_view *view, const row_context *c, pk_value value, pk_view_form form,
                       pk_buf *out)
{
    pk_writer how = {writer_inferred, writer_eval, view->setup.vm, 0, 0, NULL};
    pk_tree_node node;
    const pk_tree *tree = packet_of(c, value, &node);
    pk_tree inner;
    pk_bytes bytes;
    pk_ref layer;
    if (!tree) {
        pk_cell_put(out, value, c->trees);
        return;
    }
    pk_tree_init(&inner, view->image);
    bool quoted = quotation(tree, node, &bytes, &layer);
    if (quoted && pk_vm_dissect(view->setup.vm, layer, bytes.data, (uint32_t)bytes.len,
                                (uint32_t)bytes.len, &inner) == PK_OK)
        tree = &inner;
    pk_buf_clear(&view->line);
    if (form == PK_WRITTEN_PACKET)
        pk_write_source(&view->line, tree, &how);
    else
        pk_write_line(&view->line, tree, &how);
    size_t skip = form == PK_WRITTEN_LINE && !quoted ? link_part(&view->line) : 0;
    pk_cell_put_text(out, pk_buf_cstr(&view->line) + skip, view->line.len - skip);
    out->failed |= view->line.failed;
    pk_tree_free(&inner);
}

static void put_difference(pk_view *view, const row_context *c, pk_value first, pk_value second,
                           pk_buf *out)
{
    pk_tree_node a, b;
    const pk_tree *x = packet_of(c, first, &a), *y = packet_of(c, second, &b);
    if (!x || !y) {
        pk_buf_byte(out, PK_UNDEFINED);
        return;
    }
    pk_buf_clear(&view->line);
    pk_tree_difference(&view->line, x, a, y, b);
    pk_cell_put_text(out, view->line.data, view->line.len);
    out->failed |= view->line.failed;
}

/* Appends the cell of an expression over a row. */
static void put_cell(pk_view *view, const row_context *c, pk_ref expr, pk_ref other, uint32_t form,
                     pk_buf *out)
{
    pk_value value = evaluate(view, expr, c);
    if (form == PK_WRITTEN_DIFFERENCE)
        put_difference(view, c, value, evaluate(view, other, c), out);
    else if (form >= PK_WRITTEN_LINE)
        put_packet(view, c, value, (pk_view_form)form, out);
    else
        pk_cell_put(out, value, c->trees);
}

/* ---- groups ------------------------------------------------------------------------------------ */

static pk_value evaluate_group(pk_view *view, pk_ref expr, const pk_value *args)
{
    return pk_vm_eval_many(view->setup.vm, expr, &view->empty, root, NULL, args,
                           view->record->n_aggregates);
}

bool pk_view_group_holds(pk_view *view, pk_ref condition, const pk_value *args)
{
    return truth(evaluate_group(view, condition, args));
}

void pk_view_group_cell(pk_view *view, const pk_image_column *column, const pk_value *args,
                        pk_buf *out)
{
    const pk_tree *const none[2] = {&view->empty, NULL};
    pk_cell_put(out, evaluate_group(view, column->expr, args), none);
}

bool pk_view_over_row(const pk_view *view, const pk_image_column *column)
{
    return !(view->record->flags & PK_VIEW_GROUPED) || column->role == PK_COLUMN_KEY ||
           column->role == PK_COLUMN_ROW || column->role == PK_COLUMN_ACROSS;
}

int pk_view_use_memory(pk_view *view, uint64_t bytes, pk_error *reterr_)
{
    view->memory += bytes;
    if (view->memory <= PK_VIEW_MEMORY_LIMIT)
        return PK_OK;
    return pk_error_set(reterr_, PK_ELIMIT,
                        "view `%s` keeps too much (PK_VIEW_MEMORY_LIMIT %llu bytes); leave rows "
                        "out with where, or do without group and sort",
                        pk_image_text(view->image, view->record->name),
                        (unsigned long long)PK_VIEW_MEMORY_LIMIT);
}

static void accumulate(pk_view *view, const row_context *c, const pk_image_aggregate *record,
                       pk_accumulator *at, uint64_t *ret_grown)
{
    if (record->where && !truth(evaluate(view, record->where, c)))
        return;
    size_t before = at->cells.len;
    pk_buf_clear(&view->cells);
    if (record->expr)
        put_cell(view, c, record->expr, record->other, record->form, &view->cells);
    pk_accumulator_add(at, (pk_aggregate)record->kind, record->expr ? view->cells.data : NULL);
    *ret_grown += at->cells.len > before ? at->cells.len - before : 0;
}

static int add_to_group(pk_view *view, const row_context *c, pk_error *reterr_)
{
    const pk_image_view *record = view->record;
    pk_buf_clear(&view->key);
    for (uint32_t i = 0; i < record->n_columns; i++) {
        const pk_image_column *column = &view->image->columns[record->columns + i];
        if (pk_view_over_row(view, column))
            put_cell(view, c, column->expr, column->other, column->form, &view->key);
    }
    view_group *group = pk_view_group_of(view, reterr_);
    if (!group)
        return view->key.failed ? PK_ENOMEM : PK_ELIMIT;
    uint64_t grown = 0;
    bool failed = false;
    for (uint32_t i = 0; i < record->n_aggregates; i++) {
        accumulate(view, c, &view->image->aggregates[record->aggregates + i], &group->functions[i],
                   &grown);
        failed |= group->functions[i].cells.failed || view->cells.failed;
    }
    if (failed)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for the groups of a view");
    return pk_view_use_memory(view, grown, reterr_);
}

/* ---- rows -------------------------------------------------------------------------------------- */

int pk_view_emit(pk_view *view, const uint8_t *cells, size_t len, pk_buf *out, pk_error *reterr_)
{
    if (view->n_sort)
        return pk_view_keep(view, cells, len, reterr_);
    pk_view_put(view, cells, out);
    return PK_OK;
}

static void run_functions(pk_view *view, row_context *c)
{
    for (uint32_t i = 0; i < view->record->n_running; i++) {
        const pk_image_aggregate *record = &view->image->aggregates[view->record->running + i];
        pk_value value = evaluate(view, record->expr, c);
        pk_value before = view->previous[i];
        pk_value step = pk_value_undefined();
        if (value.kind == PK_INT && before.kind == PK_INT)
            step = pk_value_int((int64_t)((uint64_t)value.number - (uint64_t)before.number));
        if (value.kind == PK_INT)
            view->previous[i] = value;
        c->args[PK_VIEW_ARGUMENTS + i] = step;
    }
    c->n_args = PK_VIEW_ARGUMENTS + view->record->n_running;
}

/* Sort keys first. */
static void put_columns(pk_view *view, const row_context *c, const pk_value *args)
{
    const pk_view_role roles[] = {PK_COLUMN_SORT, PK_COLUMN_SHOWN};
    pk_buf_clear(&view->cells);
    for (size_t r = 0; r < 2; r++)
        for (uint32_t i = 0; i < view->record->n_columns; i++) {
            const pk_image_column *column = &view->image->columns[view->record->columns + i];
            if (column->role != (uint32_t)roles[r])
                continue;
            if (c)
                put_cell(view, c, column->expr, column->other, column->form, &view->cells);
            else
                pk_view_group_cell(view, column, args, &view->cells);
        }
}

static void put_source(pk_view *view, const pk_view_row *row, pk_buf *out)
{
    pk_writer how = {writer_inferred, writer_eval, view->setup.vm, 0, 0, NULL};
    if (!row->sent || view->written >= view->limit)
        return;
    view->written++;
    pk_buf_text(out, "send ");
    pk_write_source(out, row->sent, &how);
    pk_buf_byte(out, '\n');
}

static int put_row(pk_view *view, const pk_view_row *row, const row_context *c, pk_buf *out,
                   pk_error *reterr_)
{
    if (view->setup.format == PK_VIEW_SOURCE) {
        put_source(view, row, out);
        return PK_OK;
    }
    if (view->setup.format == PK_VIEW_PCAPNG) {
        bool more = view->written < view->limit && view->setup.packets;
        view->written += more;
        return more ? view->setup.packets(view->setup.context, row) : PK_OK;
    }
    put_columns(view, c, NULL);
    if (view->cells.failed)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for a row of a view");
    return pk_view_emit(view, view->cells.data, view->cells.len, out, reterr_);
}

/* Running functions go over the rows that are left, unless they decide which are. */
static bool asks_running(const pk_view *view)
{
    return view->image->exprs[view->record->where].args > PK_VIEW_ARGUMENTS;
}

int pk_view_row_add(pk_view *view, const pk_view_row *row, pk_buf *out, pk_error *reterr_)
{
    row_context c;
    bool packets = view->setup.format >= PK_VIEW_SOURCE;
    fill_context(view, row, &c);
    bool needed = asks_running(view);
    if (needed)
        run_functions(view, &c);
    if (view->record->where && !truth(evaluate(view, view->record->where, &c)))
        return PK_OK;
    if (!needed)
        run_functions(view, &c);
    if (view->record->flags & PK_VIEW_GROUPED && !packets)
        return add_to_group(view, &c, reterr_);
    return put_row(view, row, &c, out, reterr_);
}

/* ---- the end ----------------------------------------------------------------------------------- */

static int put_groups(pk_view *view, pk_buf *out, pk_error *reterr_)
{
    pk_arena scratch = {0};
    int error = PK_OK;
    for (uint64_t i = 0; !error && i < view->n_groups; i++) {
        pk_value args[PK_VIEW_FUNCTIONS_LIMIT];
        pk_view_group_values(view, &view->groups[i], &scratch, args);
        if (!view->record->having || pk_view_group_holds(view, view->record->having, args)) {
            put_columns(view, NULL, args);
            error = view->cells.failed
                        ? pk_error_set(reterr_, PK_ENOMEM, "no memory for a row of a view")
                        : pk_view_emit(view, view->cells.data, view->cells.len, out, reterr_);
        }
        pk_arena_free(&scratch);
    }
    return error;
}

int pk_view_finish(pk_view *view, pk_buf *out, pk_error *reterr_)
{
    if (view->setup.format >= PK_VIEW_SOURCE)
        return PK_OK;
    if (view->matrix)
        return pk_view_matrix(view, out, reterr_);
    int error = put_groups(view, out, reterr_);
    if (!error)
        pk_view_put_kept(view, out);
    if (!error)
        pk_sheet_finish(&view->sheet, out);
    return error;
}

bool pk_view_full(const pk_view *view)
{
    bool waits = view->n_sort || view->record->flags & PK_VIEW_GROUPED;
    return view->written >= view->limit && !waits;
}

/* ---- open and close ---------------------------------------------------------------------------- */

static bool open_columns(pk_view *view)
{
    const pk_image_view *record = view->record;
    uint32_t n = 0;
    for (uint32_t i = 0; i < record->n_columns; i++) {
        const pk_image_column *column = &view->image->columns[record->columns + i];
        view->matrix |= column->role == PK_COLUMN_CELL;
        view->n_sort += column->role == PK_COLUMN_SORT;
        if (column->role == PK_COLUMN_SHOWN)
            view->columns[n++] = (pk_sheet_column){pk_image_text(view->image, column->name),
                                                   column->field, column->form};
    }
    return pk_sheet_open(&view->sheet, view->image, pk_image_text(view->image, record->name),
                         view->setup.format, view->setup.width, view->columns, n);
}

static uint64_t limit_of(const pk_view *view)
{
    if (!view->record->limit)
        return UINT64_MAX;
    pk_value value =
        pk_vm_eval(view->setup.vm, view->record->limit, NULL, PK_TREE_NONE, NULL, NULL, 0);
    return value.kind == PK_INT && value.number >= 0 ? (uint64_t)value.number : UINT64_MAX;
}

int pk_view_open(pk_view **ret_view, const pk_view_setup *setup, pk_error *reterr_)
{
    if (!setup->view || setup->view >= setup->image->n_views)
        return pk_error_set(reterr_, PK_ENOENT, "there is no such view");
    pk_view *view = calloc(1, sizeof *view);
    if (!view)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for a view");
    view->setup = *setup;
    view->image = setup->image;
    view->record = &setup->image->views[setup->view];
    pk_tree_init(&view->empty, setup->image);
    pk_tree_reset(&view->empty, (const uint8_t *)"", 0, 0);
    view->limit = limit_of(view);
    if (!view->empty.count || !open_columns(view)) {
        pk_view_free(view);
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for a view");
    }
    *ret_view = view;
    return PK_OK;
}

void pk_view_free(pk_view *view)
{
    if (!view)
        return;
    pk_view_groups_free(view);
    free(view->kept);
    pk_sheet_free(&view->sheet);
    pk_tree_free(&view->empty);
    pk_buf_free(&view->cells);
    pk_buf_free(&view->key);
    pk_buf_free(&view->line);
    pk_arena_free(&view->arena);
    free(view);
}

/* ---- by name ----------------------------------------------------------------------------------- */

pk_ref pk_view_find(const pk_image *image, const char *name)
{
    for (pk_ref i = 1; i < image->n_views; i++)
        if (strcmp(pk_image_text(image, image->views[i].name), name) == 0)
            return i;
    return 0;
}

pk_ref pk_view_first(const pk_image *image, pk_ref probe)
{
    for (pk_ref i = 1; i < image->n_views; i++)
        if (!image->views[i].probe || image->views[i].probe == probe)
            return i;
    return 0;
}

bool pk_view_format_find(const char *name, pk_view_format *ret_format)
{
    static const char *const names[] = {
        [PK_VIEW_TABLE] = "table", [PK_VIEW_CSV] = "csv", [PK_VIEW_JSON] = "json",
        [PK_VIEW_MARKDOWN] = "md", [PK_VIEW_TEX] = "tex", [PK_VIEW_SOURCE] = "source",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) {
            *ret_format = (pk_view_format)i;
            return true;
        }
    return false;
}
