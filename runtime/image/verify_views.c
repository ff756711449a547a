#include "image/verify.h"

/* What the expressions of a view are given. */
typedef struct view_args {
    pk_ref view;
    uint32_t row, group; /* arguments of an expression over a row, over a group */
} view_args;

static int refuse(const pk_verifier *verifier, pk_ref view, const char *what, uint32_t count,
                  uint32_t limit)
{
    return pk_verify_refuse(verifier, PK_SEC_VIW, view, PK_VERIFY_NO_INSN, "%u %s (limit %u)",
                            count, what, limit);
}

static int verify_functions(const pk_verifier *verifier, const view_args *args, pk_ref first,
                            uint32_t count, uint32_t given)
{
    int code = PK_OK;
    for (uint32_t i = 0; i < count && !code; i++) {
        const pk_image_aggregate *at = &verifier->image->aggregates[first + i];
        const pk_verify_use uses[] = {{at->expr, given, "the argument of a function"},
                                      {at->other, given, "the second packet of a function"},
                                      {at->where, given, "the condition of a function"}};
        code =
            pk_verify_uses(verifier, uses, sizeof uses / sizeof *uses, 0, PK_SEC_VIW, args->view);
    }
    return code;
}

/* Keys are told from a row, all else in a grouped view from a group. */
static bool over_row(const pk_image_view *view, const pk_image_column *column)
{
    return !(view->flags & PK_VIEW_GROUPED) || column->role == PK_COLUMN_KEY ||
           column->role == PK_COLUMN_ROW || column->role == PK_COLUMN_ACROSS;
}

static int verify_columns(const pk_verifier *verifier, const view_args *args)
{
    const pk_image *image = verifier->image;
    const pk_image_view *view = &image->views[args->view];
    int code = PK_OK;
    for (uint32_t i = 0; i < view->n_columns && !code; i++) {
        const pk_image_column *at = &image->columns[view->columns + i];
        uint32_t given = over_row(view, at) ? args->row : args->group;
        const pk_verify_use uses[] = {{at->expr, given, "a column"},
                                      {at->other, given, "the second packet of a column"}};
        code =
            pk_verify_uses(verifier, uses, sizeof uses / sizeof *uses, 0, PK_SEC_VIW, args->view);
    }
    return code;
}

static int verify_view(const pk_verifier *verifier, pk_ref ref)
{
    const pk_image_view *view = &verifier->image->views[ref];
    if (view->n_columns > PK_VIEW_COLUMNS_LIMIT)
        return refuse(verifier, ref, "columns", view->n_columns, PK_VIEW_COLUMNS_LIMIT);
    if (view->n_running > PK_VIEW_FUNCTIONS_LIMIT)
        return refuse(verifier, ref, "running functions", view->n_running, PK_VIEW_FUNCTIONS_LIMIT);
    if (view->n_aggregates > PK_VIEW_FUNCTIONS_LIMIT)
        return refuse(verifier, ref, "aggregates", view->n_aggregates, PK_VIEW_FUNCTIONS_LIMIT);
    const view_args args = {ref, PK_VIEW_ARGUMENTS + view->n_running, view->n_aggregates};
    const pk_verify_use uses[] = {{view->where, args.row, "the condition of rows"},
                                  {view->having, args.group, "the condition of groups"},
                                  {view->limit, 0, "the limit"}};
    int code = pk_verify_uses(verifier, uses, sizeof uses / sizeof *uses, 0, PK_SEC_VIW, ref);
    if (!code)
        code = verify_functions(verifier, &args, view->running, view->n_running, PK_VIEW_ARGUMENTS);
    if (!code)
        code = verify_functions(verifier, &args, view->aggregates, view->n_aggregates, args.row);
    return code ? code : verify_columns(verifier, &args);
}

int pk_verify_views(pk_verifier *verifier)
{
    int code = PK_OK;
    for (pk_ref ref = 1; ref < verifier->image->n_views && !code; ref++)
        code = verify_view(verifier, ref);
    return code;
}
