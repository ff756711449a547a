/* Views: a block of clauses, in any order, becomes records of conditions, columns and functions. */
#include "view.h"

#include <stdlib.h>
#include <string.h>

enum { VIEW_LETS = 64 };

/* Names from the outside in: what a row has, lets, what groups are named, what columns are. Each
 * sees those before it. */
typedef struct names {
    pk_binding list[VIEW_LETS];
    pk_scope scope;
} names;

typedef struct view {
    pk_image_view record;
    pk_image_column columns[PK_VIEW_COLUMNS_LIMIT];
    pk_view_state state;
    names row, lets, groups, shown;
    pk_node block, where, having;
    bool grouped, matrix, shows, keyed;
} view;

static const struct {
    const char *name;
    pk_view_argument argument;
    bool packet;
} row_names[] = {
    {"sent", PK_VIEW_SENT, true},     {"reply", PK_VIEW_REPLY, true},
    {"quoted", PK_VIEW_QUOTED, true}, {"n", PK_VIEW_N, false},
    {"try", PK_VIEW_TRY, false},      {"rtt", PK_VIEW_RTT, false},
    {"time", PK_VIEW_TIME, false},    {"answered", PK_VIEW_ANSWERED, false},
};

static const char *const format_names[] = {
    [PK_VIEW_TABLE] = "table",   [PK_VIEW_CSV] = "csv", [PK_VIEW_JSON] = "json",
    [PK_VIEW_MARKDOWN] = "md",   [PK_VIEW_TEX] = "tex", [PK_VIEW_SOURCE] = "source",
    [PK_VIEW_PCAPNG] = "pcapng",
};

/* ---- names ------------------------------------------------------------------------------------- */

static void open_names(names *level, const names *outer, pk_view_state *state)
{
    level->scope =
        (pk_scope){.outer = outer ? &outer->scope : NULL, .bindings = level->list, .view = state};
}

static void bind_row(pk_compiler *cx, view *v)
{
    for (size_t i = 0; i < sizeof row_names / sizeof *row_names; i++)
        v->row.list[v->row.scope.n_bindings++] =
            (pk_binding){.name = pk_ast_atom(cx->ast, row_names[i].name, strlen(row_names[i].name)),
                         .arg = row_names[i].argument,
                         .packet = row_names[i].packet};
}

static void bind(pk_compiler *cx, names *level, const names *seen, pk_atom name, pk_node value,
                 pk_span span)
{
    size_t *count = &level->scope.n_bindings;
    for (size_t i = 0; i < *count; i++) {
        if (level->list[i].name != name)
            continue;
        pk_diag_report(cx->diags, PK_DIAG_DUPLICATE, span, "`%s` is named twice in this view",
                       pk_ast_atom_text(cx->ast, name));
        return;
    }
    if (*count == VIEW_LETS) {
        pk_diag_report(cx->diags, PK_DIAG_TOO_MANY, span, "too many names in a view (limit %d)",
                       VIEW_LETS);
        return;
    }
    level->list[(*count)++] = (pk_binding){.name = name, .value = value, .scope = &seen->scope};
}

static const char *clause_text(pk_compiler *cx, const pk_ast_node *at)
{
    return at->kind == PK_AST_CLAUSE ? pk_ast_atom_text(cx->ast, at->a) : "";
}

static pk_atom name_before(pk_compiler *cx, const pk_ast_node *arg)
{
    return arg->a && pk_at(cx, arg->a)->kind == PK_AST_NAME ? pk_at(cx, arg->a)->a : 0;
}

/* The names of `group host=..` or `show host=..`. */
static void bind_clause(pk_compiler *cx, const view *v, const char *clause, names *level,
                        const names *seen)
{
    for (pk_node node = v->block; node; node = pk_at(cx, node)->next) {
        pk_ast_node at = *pk_at(cx, node);
        if (strcmp(clause_text(cx, &at), clause) != 0)
            continue;
        for (pk_node arg = at.b; arg; arg = pk_at(cx, arg)->next) {
            pk_ast_node carg = *pk_at(cx, arg);
            pk_atom name = name_before(cx, &carg);
            if (name)
                bind(cx, level, seen, name, carg.b, carg.span);
        }
    }
}

static void bind_all(pk_compiler *cx, view *v)
{
    open_names(&v->row, NULL, &v->state);
    open_names(&v->lets, &v->row, &v->state);
    open_names(&v->groups, &v->lets, &v->state);
    open_names(&v->shown, &v->groups, &v->state);
    bind_row(cx, v);
    for (pk_node node = v->block; node; node = pk_at(cx, node)->next) {
        pk_ast_node at = *pk_at(cx, node);
        if (at.kind == PK_AST_LET && !at.value)
            bind(cx, &v->lets, &v->lets, pk_at(cx, at.a)->a, at.b, at.span);
    }
    bind_clause(cx, v, "group", &v->groups, &v->lets);
    bind_clause(cx, v, "show", &v->shown, &v->groups);
}

/* ---- columns ----------------------------------------------------------------------------------- */

static bool over_row(const view *v, pk_view_role role)
{
    return !v->grouped || role == PK_COLUMN_KEY || role == PK_COLUMN_ROW ||
           role == PK_COLUMN_ACROSS;
}

static pk_image_column *add_column(pk_compiler *cx, view *v, pk_view_role role, pk_span span)
{
    if (v->record.n_columns == PK_VIEW_COLUMNS_LIMIT) {
        pk_diag_report(cx->diags, PK_DIAG_TOO_MANY, span, "too many columns in a view (limit %d)",
                       PK_VIEW_COLUMNS_LIMIT);
        return NULL;
    }
    pk_image_column *column = &v->columns[v->record.n_columns++];
    *column = (pk_image_column){.role = role};
    return column;
}

static void name_column(pk_compiler *cx, view *v, pk_image_column *column, pk_ref name,
                        pk_span span)
{
    column->name = name;
    for (uint32_t i = 0; i + 1 < v->record.n_columns; i++)
        if (v->columns[i].role == column->role && v->columns[i].name == name) {
            pk_diag_report(cx->diags, PK_DIAG_DUPLICATE, span, "two columns are called `%s`",
                           pk_str(cx, name));
            pk_diag_help(cx->diags, "name one of them: other=%s", pk_str(cx, name));
        }
}

static void put_column(pk_compiler *cx, view *v, pk_view_role role, const names *seen, pk_node node,
                       pk_ref name, uint32_t flags)
{
    pk_span span = pk_at(cx, node)->span;
    pk_image_column *column = add_column(cx, v, role, span);
    if (!column)
        return;
    v->state.over_group = !over_row(v, role);
    v->state.cell = role == PK_COLUMN_CELL;
    pk_measured measured = pk_view_measure(cx, &seen->scope, node);
    column->expr = measured.expr;
    column->other = measured.other;
    column->field = measured.field;
    column->form = measured.form;
    column->flags = flags;
    if (role != PK_COLUMN_SORT)
        name_column(cx, v, column, name ? name : pk_text_of_node(cx, node), span);
}

static void put_clause(pk_compiler *cx, view *v, pk_view_role role, const names *seen,
                       const pk_ast_node *clause)
{
    for (pk_node arg = clause->b; arg; arg = pk_at(cx, arg)->next) {
        pk_ast_node carg = *pk_at(cx, arg);
        pk_ast_node value = *pk_at(cx, carg.b);
        pk_atom name = name_before(cx, &carg);
        bool descending =
            role == PK_COLUMN_SORT && value.kind == PK_AST_UNARY && value.a == PK_OP_NEG;
        put_column(cx, v, role, seen, descending ? value.b : carg.b,
                   name ? pk_text_of_atom(cx, name) : 0, descending ? PK_COLUMN_DESCENDING : 0);
    }
}

/* One of `row=`, `col=`, `cell=`: a value or a tuple of some. */
static void put_matrix_part(pk_compiler *cx, view *v, pk_view_role role, pk_node value)
{
    pk_ast_node at = *pk_at(cx, value);
    if (at.kind != PK_AST_TUPLE) {
        put_column(cx, v, role, &v->shown, value, 0, 0);
        return;
    }
    for (pk_node part = at.a; part; part = pk_at(cx, part)->next)
        put_column(cx, v, role, &v->shown, part, 0, 0);
}

static void put_matrix(pk_compiler *cx, view *v, const pk_ast_node *clause)
{
    static const struct {
        const char *name;
        pk_view_role role;
    } parts[] = {{"row", PK_COLUMN_ROW}, {"col", PK_COLUMN_ACROSS}, {"cell", PK_COLUMN_CELL}};
    bool given[3] = {false};
    for (pk_node arg = clause->b; arg; arg = pk_at(cx, arg)->next) {
        pk_ast_node carg = *pk_at(cx, arg);
        pk_atom name = name_before(cx, &carg);
        const char *text = name ? pk_ast_atom_text(cx->ast, name) : "";
        size_t i = 0;
        while (i < 3 && strcmp(text, parts[i].name) != 0)
            i++;
        if (i == 3 || given[i])
            break;
        given[i] = true;
        put_matrix_part(cx, v, parts[i].role, carg.b);
    }
    if (given[0] && given[1] && given[2])
        return;
    pk_diag_report(cx->diags, PK_DIAG_CLAUSE_VALUE, clause->span,
                   "`table` takes row=, col= and cell=, each once");
    pk_diag_help(cx->diags, "table row=sent.ip.ttl, col=sent.ip.dst, cell=reply.ip.src");
}

/* ---- the other clauses ------------------------------------------------------------------------- */

static pk_node both(pk_compiler *cx, pk_node a, pk_node b)
{
    return a ? pk_ast_add(cx->ast, PK_AST_BINARY, pk_at(cx, a)->span, PK_OP_AND, a, b, 0, 0) : b;
}

/* Conditions with functions over rows are about groups, the others about rows. */
static void take_where(pk_compiler *cx, view *v, pk_node condition)
{
    pk_node *of = pk_view_aggregates(cx, &v->groups.scope, condition) ? &v->having : &v->where;
    *of = both(cx, *of, condition);
}

static void take_limit(pk_compiler *cx, view *v, const pk_ast_node *clause)
{
    const pk_scope outside = {0};
    pk_node value = clause->b && !pk_at(cx, clause->b)->next ? pk_at(cx, clause->b)->b : 0;
    if (!value || v->record.limit) {
        pk_diag_report(cx->diags, PK_DIAG_CLAUSE_VALUE, clause->span,
                       "`limit` takes a number of rows, once");
        return;
    }
    v->record.limit = pk_lower_expr(cx, &outside, value, 0, 0);
}

static void report_format(pk_compiler *cx, pk_span span)
{
    pk_diag_report(cx->diags, PK_DIAG_CLAUSE_VALUE, span, "there is no such format");
    pk_diag_label(cx->diags, "table csv json md tex source, or pcapng \"FILE\"");
}

/* `format csv`, `format pcapng "answered.pcapng"`. */
static void take_format(pk_compiler *cx, view *v, const pk_ast_node *clause)
{
    pk_ast_node value = clause->b ? *pk_at(cx, pk_at(cx, clause->b)->b) : (pk_ast_node){0};
    pk_node file = value.kind == PK_AST_CALL && value.b ? pk_at(cx, value.b)->b : 0;
    pk_ast_node word = value.kind == PK_AST_CALL ? *pk_at(cx, value.a) : value;
    const char *text = word.kind == PK_AST_NAME ? pk_ast_atom_text(cx->ast, word.a) : "";
    size_t i = 0;
    while (i <= PK_VIEW_PCAPNG && strcmp(text, format_names[i]) != 0)
        i++;
    bool named = file && pk_at(cx, file)->kind == PK_AST_STRING;
    if (i > PK_VIEW_PCAPNG || named != (i == PK_VIEW_PCAPNG)) {
        report_format(cx, clause->span);
        return;
    }
    v->record.format = (uint32_t)i;
    if (!named)
        return;
    pk_bytes path = pk_ast_blob_bytes(cx->ast, pk_at(cx, file)->a);
    if (!path.len || memchr(path.data, 0, path.len)) {
        report_format(cx, clause->span);
        return;
    }
    v->record.file = pk_image_builder_text(cx->builder, (const char *)path.data, path.len);
}

/* ---- the block --------------------------------------------------------------------------------- */

typedef enum use { USE_GROUP, USE_SHOW, USE_SORT, USE_TABLE, USE_LIMIT, USE_FORMAT, USES } use;

/* Which clause it is; a clause that views do not have is reported when `told`. */
static bool use_of(pk_compiler *cx, const pk_ast_node *at, bool told, use *ret_use)
{
    static const char *const words[] = {"group", "show", "sort", "table", "limit", "format"};
    const char *text = clause_text(cx, at);
    pk_suggest suggest;
    pk_suggest_begin(&suggest, text);
    for (size_t i = 0; i < USES; i++) {
        pk_suggest_offer(&suggest, words[i]);
        if (strcmp(text, words[i]) == 0) {
            *ret_use = (use)i;
            return true;
        }
    }
    if (!told)
        return false;
    pk_span span = {at->span.lo, at->span.lo + (uint32_t)strlen(text)};
    pk_diag_report(cx->diags, PK_DIAG_CLAUSE_PLACE, span, "`%s` is no clause of a view", text);
    if (suggest.best)
        pk_diag_label(cx->diags, "did you mean `%s`?", suggest.best);
    else
        pk_diag_label(cx->diags, "let where group show sort limit table format");
    return false;
}

/* Does any argument of the clause look at many rows? */
static bool clause_aggregates(pk_compiler *cx, const view *v, const pk_ast_node *at)
{
    for (pk_node arg = at->b; arg; arg = pk_at(cx, arg)->next)
        if (pk_view_aggregates(cx, &v->shown.scope, pk_at(cx, arg)->b))
            return true;
    return false;
}

/* What decides how the rest is read: are there groups, a matrix, columns? */
static void survey(pk_compiler *cx, view *v)
{
    for (pk_node node = v->block; node; node = pk_at(cx, node)->next) {
        pk_ast_node at = *pk_at(cx, node);
        use what;
        if (at.kind == PK_AST_LET && !at.value)
            continue;
        if (at.kind == PK_AST_WHERE) {
            take_where(cx, v, at.a);
        } else if (at.kind != PK_AST_CLAUSE) {
            (void)pk_not_built(cx, at.span, "this statement in a view");
        } else if (use_of(cx, &at, true, &what)) {
            v->matrix |= what == USE_TABLE;
            v->shows |= what == USE_SHOW;
            v->keyed |= what == USE_GROUP;
            v->grouped |= what == USE_GROUP || what == USE_TABLE ||
                          ((what == USE_SHOW || what == USE_SORT) && clause_aggregates(cx, v, &at));
        }
    }
    v->grouped |= v->having != 0;
    if (v->matrix && (v->shows || v->keyed))
        pk_diag_report(cx->diags, PK_DIAG_CLAUSE_PLACE, pk_at(cx, v->block)->span,
                       "a view has `table`, or `show` and `group`, not both");
}

static void lower_clause(pk_compiler *cx, view *v, const pk_ast_node *at)
{
    use what;
    if (at->kind != PK_AST_CLAUSE || !use_of(cx, at, false, &what))
        return;
    switch (what) {
    case USE_GROUP:
        put_clause(cx, v, PK_COLUMN_KEY, &v->lets, at);
        break;
    case USE_SHOW:
        put_clause(cx, v, PK_COLUMN_SHOWN, &v->groups, at);
        break;
    case USE_SORT:
        put_clause(cx, v, PK_COLUMN_SORT, &v->shown, at);
        break;
    case USE_TABLE:
        put_matrix(cx, v, at);
        break;
    case USE_LIMIT:
        take_limit(cx, v, at);
        break;
    case USE_FORMAT:
        take_format(cx, v, at);
        break;
    case USES:
        break;
    }
}

/* Without `show`, a group shows its keys and a row its packets. */
static void put_defaults(pk_compiler *cx, view *v)
{
    static const char *const shown[] = {"n", "rtt", "sent", "reply"};
    if (v->shows || v->matrix)
        return;
    if (!v->grouped) {
        for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
            pk_atom name = pk_ast_atom(cx->ast, shown[i], strlen(shown[i]));
            pk_node node = pk_ast_add(cx->ast, PK_AST_NAME, (pk_span){0, 0}, name, 0, 0, 0, 0);
            put_column(cx, v, PK_COLUMN_SHOWN, &v->row, node, pk_text_of_atom(cx, name), 0);
        }
        return;
    }
    for (pk_node node = v->block; node; node = pk_at(cx, node)->next) {
        pk_ast_node at = *pk_at(cx, node);
        if (strcmp(clause_text(cx, &at), "group") == 0)
            put_clause(cx, v, PK_COLUMN_SHOWN, &v->lets, &at);
    }
}

/* ---- records ----------------------------------------------------------------------------------- */

static pk_ref put_functions(pk_compiler *cx, const pk_view_function *list, uint32_t count)
{
    pk_ref first = count ? PK_ADD(cx->builder, AGG, count) : 0;
    for (uint32_t i = 0; i < count; i++)
        *PK_AT(cx->builder, AGG, first + i) = list[i].record;
    return first;
}

static void write_view(pk_compiler *cx, view *v)
{
    v->record.columns = PK_PUT(cx->builder, COL, v->columns, v->record.n_columns);
    v->record.running = put_functions(cx, v->state.running, v->state.n_running);
    v->record.n_running = v->state.n_running;
    v->record.aggregates = put_functions(cx, v->state.aggregates, v->state.n_aggregates);
    v->record.n_aggregates = v->state.n_aggregates;
    v->record.flags = v->grouped ? PK_VIEW_GROUPED : 0;
    (void)PK_PUT(cx->builder, VIW, &v->record, 1);
}

static void lower_block(pk_compiler *cx, view *v)
{
    bind_all(cx, v);
    survey(cx, v);
    if (v->where) {
        v->state.over_group = false;
        v->record.where = pk_view_measure(cx, &v->groups.scope, v->where).expr;
    }
    for (pk_node node = v->block; node; node = pk_at(cx, node)->next) {
        pk_ast_node at = *pk_at(cx, node);
        lower_clause(cx, v, &at);
    }
    put_defaults(cx, v);
    v->state.cell = false;
    if (v->having) {
        v->state.over_group = true;
        v->record.having = pk_view_measure(cx, &v->groups.scope, v->having).expr;
    }
    write_view(cx, v);
}

/* Whether a flow or a responder, which are not built yet, has that name. */
static bool is_flow(pk_compiler *cx, pk_atom name)
{
    for (size_t f = 0; f < cx->n_files; f++)
        for (pk_node node = pk_at(cx, cx->files[f])->a; node; node = pk_at(cx, node)->next) {
            pk_ast_node at = *pk_at(cx, node);
            const char *clause = clause_text(cx, &at);
            if (!at.b || (strcmp(clause, "flow") != 0 && strcmp(clause, "respond") != 0))
                continue;
            pk_ast_node head = *pk_at(cx, pk_at(cx, at.b)->b);
            if (head.kind == PK_AST_CALL)
                head = *pk_at(cx, head.a);
            if (head.kind == PK_AST_NAME && head.a == name)
                return true;
        }
    return false;
}

static bool find_probe(pk_compiler *cx, const pk_ast_node *name, pk_ref *ret_probe)
{
    pk_ref text = pk_text_of_atom(cx, name->a);
    uint32_t count = pk_image_builder_count(cx->builder, PK_SEC_PRB);
    pk_suggest suggest;
    pk_suggest_begin(&suggest, pk_str(cx, text));
    for (pk_ref i = 1; i < count; i++) {
        pk_ref known = PK_AT(cx->builder, PRB, i)->name;
        *ret_probe = i;
        if (known == text)
            return true;
        if (known)
            pk_suggest_offer(&suggest, pk_str(cx, known));
    }
    if (is_flow(cx, name->a))
        return pk_not_built(cx, name->span, "a view of a flow");
    pk_diag_report(cx->diags, PK_DIAG_UNKNOWN_VIEW, name->span, "there is no probe `%s`",
                   pk_str(cx, text));
    if (suggest.best)
        pk_diag_label(cx->diags, "did you mean `%s`?", suggest.best);
    return false;
}

/* `NAME(PROBE)` or, for any probe, `NAME`. */
static bool take_head(pk_compiler *cx, view *v, const pk_ast_node *at)
{
    pk_ast_node head = at->b ? *pk_at(cx, pk_at(cx, at->b)->b) : (pk_ast_node){0};
    pk_ast_node name = head.kind == PK_AST_CALL ? *pk_at(cx, head.a) : head;
    pk_ast_node probe = {0};
    if (head.kind == PK_AST_CALL && head.b)
        probe = *pk_at(cx, pk_at(cx, head.b)->b);
    if (name.kind != PK_AST_NAME || (head.kind == PK_AST_CALL && probe.kind != PK_AST_NAME)) {
        pk_diag_report(cx->diags, PK_DIAG_CLAUSE_VALUE, at->span,
                       "a view has a name, and names the probe that it is about");
        pk_diag_help(cx->diags, "view hosts(ping) { where answered ; show sent.ip.dst, rtt }");
        return false;
    }
    v->record.name = pk_text_of_atom(cx, name.a);
    v->record.source = pk_place_text(cx, at->span);
    uint32_t count = pk_image_builder_count(cx->builder, PK_SEC_VIW);
    for (pk_ref i = 1; i < count; i++)
        if (PK_AT(cx->builder, VIW, i)->name == v->record.name) {
            pk_diag_report(cx->diags, PK_DIAG_DUPLICATE, name.span, "`%s` is declared twice",
                           pk_str(cx, v->record.name));
            return false;
        }
    return probe.kind != PK_AST_NAME || find_probe(cx, &probe, &v->record.probe);
}

void pk_lower_view(pk_compiler *cx, const pk_ast_node *at)
{
    view *v = calloc(1, sizeof *v);
    if (!v) {
        pk_diag_report(cx->diags, PK_DIAG_NO_MEMORY, at->span, "no memory for this view");
        return;
    }
    v->block = at->c;
    if (take_head(cx, v, at))
        lower_block(cx, v);
    free(v);
}
