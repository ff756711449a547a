/* What a path through a packet leads to: so that a wrong step is told when compiling, and a value
 * is compared and written as its field is. */
#include "internal.h"

#include <string.h>

enum { LOOKS = 1024 /* nodes that are looked at for one answer: lets may multiply */ };

static pk_path_end look(pk_compiler *cx, const pk_scope *scope, pk_node node, unsigned *budget);

static pk_path_end in_layer(pk_ref layer)
{
    return (pk_path_end){layer ? PK_PATH_LAYER : PK_PATH_UNKNOWN, layer, 0};
}

static pk_path_end in_field(pk_compiler *cx, pk_ref field)
{
    return (pk_path_end){field ? PK_PATH_FIELD : PK_PATH_UNKNOWN,
                         field ? PK_AT(cx->builder, FLD, field)->sub : 0, field};
}

static pk_path_end of_name(pk_compiler *cx, const pk_scope *scope, pk_atom name, unsigned *budget)
{
    const pk_scope *bound_in;
    const pk_binding *binding = pk_binding_find(scope, name, &bound_in);
    if (binding && binding->value)
        return look(cx, binding->scope, binding->value, budget);
    if (binding)
        return (pk_path_end){binding->packet ? PK_PATH_PACKET : PK_PATH_UNKNOWN, 0, 0};
    const pk_symbol *symbol = pk_symbol_find(cx, pk_text_of_atom(cx, name));
    if (symbol && symbol->kind == PK_SYM_LAYER && pk_bare_packet(scope))
        return in_layer(symbol->ref);
    return (pk_path_end){PK_PATH_UNKNOWN, 0, 0};
}

/* The member of `layer`, or a layer stacked on it. */
static pk_path_end of_member(pk_compiler *cx, pk_ref layer, pk_ref name)
{
    pk_image_member member;
    if (!layer || !pk_member(cx, layer, name, &member))
        return in_layer(pk_layer_by_name(cx, name));
    switch ((pk_member_kind)member.kind) {
    case PK_MEMBER_FIELD:
        return in_field(cx, pk_field_of_slot(cx, layer, member.ref));
    case PK_MEMBER_CASE:
        return in_layer(member.ref);
    case PK_MEMBER_LET:
    case PK_MEMBER_DEF:
    case PK_MEMBER_PARAM:
    case PK_MEMBER_WINDOW:
        break;
    }
    return (pk_path_end){PK_PATH_UNKNOWN, 0, 0};
}

static pk_path_end step(pk_compiler *cx, pk_path_end base, pk_ref name)
{
    if (base.kind == PK_PATH_PACKET && strcmp(pk_str(cx, name), "payload") == 0)
        return in_layer(pk_layer_by_name(cx, pk_image_builder_text(cx->builder, "raw", 3)));
    if (base.kind == PK_PATH_PACKET || base.layer)
        return of_member(cx, base.layer, name);
    return (pk_path_end){PK_PATH_UNKNOWN, 0, 0};
}

static pk_path_end look(pk_compiler *cx, const pk_scope *scope, pk_node node, unsigned *budget)
{
    pk_ast_node at = *pk_at(cx, node);
    if (!*budget || !--*budget)
        return (pk_path_end){PK_PATH_UNKNOWN, 0, 0};
    if (at.kind == PK_AST_NAME)
        return of_name(cx, scope, at.a, budget);
    if (at.kind == PK_AST_MEMBER)
        return step(cx, look(cx, scope, at.a, budget), pk_text_of_atom(cx, at.b));
    if (at.kind == PK_AST_NTH)
        return look(cx, scope, at.a, budget);
    if (at.kind == PK_AST_INDEX || at.kind == PK_AST_SLICE) {
        pk_path_end base = look(cx, scope, at.a, budget);
        if (base.kind == PK_PATH_FIELD && PK_AT(cx->builder, FLD, base.field)->list)
            return base;
    }
    return (pk_path_end){PK_PATH_UNKNOWN, 0, 0};
}

pk_path_end pk_path_end_of(pk_compiler *cx, const pk_scope *scope, pk_node node)
{
    unsigned looks = LOOKS;
    return look(cx, scope, node, &looks);
}

/* ---- steps that lead nowhere ------------------------------------------------------------------ */

/* The name behind the last dot. */
static pk_span last_name(pk_compiler *cx, const pk_ast_node *at)
{
    uint32_t len = (uint32_t)strlen(pk_ast_atom_text(cx->ast, at->b));
    return (pk_span){at->span.hi > len ? at->span.hi - len : at->span.lo, at->span.hi};
}

static bool is_flag(pk_compiler *cx, pk_path_end base, pk_ref name)
{
    uint64_t bit;
    return base.kind == PK_PATH_FIELD && pk_enumerator(cx, base.field, pk_str(cx, name), &bit);
}

/* What no layer declares and the language gives. */
static bool is_given(pk_compiler *cx, pk_ref name)
{
    return strcmp(pk_str(cx, name), "payload") == 0;
}

bool pk_check_step(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *at)
{
    pk_path_end base = pk_path_end_of(cx, scope, at->a);
    pk_ref name = pk_text_of_atom(cx, at->b);
    pk_image_member member;
    if (base.kind == PK_PATH_UNKNOWN || is_given(cx, name) || pk_layer_by_name(cx, name) ||
        (base.layer && pk_member(cx, base.layer, name, &member)) || is_flag(cx, base, name))
        return true;
    if (base.kind == PK_PATH_PACKET) {
        pk_report_unknown_layer(cx, last_name(cx, at), name);
    } else if (base.layer) {
        pk_report_unknown_field(cx, last_name(cx, at), base.layer, name);
    } else {
        pk_diag_report(cx->diags, PK_DIAG_UNKNOWN_FIELD, last_name(cx, at),
                       "`%s` is one value and has no `%s`",
                       pk_str(cx, PK_AT(cx->builder, FLD, base.field)->name), pk_str(cx, name));
    }
    return false;
}

/* ---- how values are written -------------------------------------------------------------------- */

static const pk_written plain = {0, PK_WRITTEN_PLAIN, false};
static const pk_written text = {0, PK_WRITTEN_PLAIN, true};

static pk_written written(pk_compiler *cx, const pk_scope *scope, pk_node node, unsigned *budget);

static bool is_plain(pk_written how)
{
    return !how.field && !how.form && !how.text;
}

/* Two fields of one kind whose values are written alike. */
static bool alike(pk_compiler *cx, pk_ref a, pk_ref b)
{
    const pk_image_field *x = PK_AT(cx->builder, FLD, a), *y = PK_AT(cx->builder, FLD, b);
    bool flags = (x->names && PK_AT(cx->builder, ENU, x->names)->flags) ||
                 (y->names && PK_AT(cx->builder, ENU, y->names)->flags);
    return a && b && !flags && x->type == y->type && x->codec == y->codec &&
           ((x->flags ^ y->flags) & PK_FIELD_HEX) == 0;
}

pk_written pk_written_either(pk_compiler *cx, pk_written a, pk_written b)
{
    if ((a.field == b.field && a.form == b.form && a.text == b.text) || is_plain(b))
        return a;
    if (is_plain(a))
        return b;
    return alike(cx, a.field, b.field) ? a : text;
}

static pk_written of_two(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *at,
                         unsigned *budget)
{
    pk_written left = written(cx, scope, at->b, budget);
    pk_written right = written(cx, scope, at->c, budget);
    if (at->a == PK_OP_ADD && (left.text || right.text))
        return text;
    if (at->a == PK_OP_SUB && left.form == PK_WRITTEN_MOMENT && right.form == left.form)
        return (pk_written){0, PK_WRITTEN_DURATION, false};
    bool sum = at->a == PK_OP_ADD || at->a == PK_OP_SUB;
    bool scaled = (at->a == PK_OP_MUL || at->a == PK_OP_DIV) && !right.form;
    if ((sum || scaled) && left.form)
        return left;
    bool address = sum && left.field && PK_AT(cx->builder, FLD, left.field)->type >= PK_TYPE_IP4 &&
                   PK_AT(cx->builder, FLD, left.field)->type <= PK_TYPE_MAC;
    return address ? left : plain;
}

static pk_written of_bound(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *at,
                           unsigned *budget)
{
    const pk_scope *bound_in;
    const pk_binding *binding = pk_binding_find(scope, at->a, &bound_in);
    if (binding && binding->value)
        return written(cx, binding->scope, binding->value, budget);
    if (binding && scope->view && binding->arg == PK_VIEW_RTT)
        return (pk_written){0, PK_WRITTEN_DURATION, false};
    if (binding && scope->view && binding->arg == PK_VIEW_TIME)
        return (pk_written){0, PK_WRITTEN_MOMENT, false};
    return plain;
}

static pk_written of_call(pk_compiler *cx, const pk_scope *scope, const pk_ast_node *at,
                          unsigned *budget)
{
    static const char *const texts[] = {"text", "name", "oui", "ranges"};
    static const char *const same[] = {"first", "last",     "list",   "uniq", "min",
                                       "max",   "quantile", "sorted", "mean"};
    const char *name =
        pk_at(cx, at->a)->kind == PK_AST_NAME ? pk_ast_atom_text(cx->ast, pk_at(cx, at->a)->a) : "";
    pk_written first = at->b ? written(cx, scope, pk_at(cx, at->b)->b, budget) : plain;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(name, texts[i]) == 0)
            return text;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (strcmp(name, same[i]) == 0)
            return first;
    if (strcmp(name, "delta") == 0 && first.form)
        return (pk_written){0, PK_WRITTEN_DURATION, false};
    return plain;
}

static pk_written written(pk_compiler *cx, const pk_scope *scope, pk_node node, unsigned *budget)
{
    pk_ast_node at = *pk_at(cx, node);
    if (!*budget || !--*budget)
        return plain;
    pk_path_end place = pk_path_end_of(cx, scope, node);
    if (place.kind == PK_PATH_FIELD)
        return (pk_written){place.field, PK_WRITTEN_PLAIN, false};
    if (place.kind == PK_PATH_PACKET)
        return (pk_written){0, PK_WRITTEN_LINE, false};
    switch ((pk_ast_kind)at.kind) {
    case PK_AST_NAME:
        return of_bound(cx, scope, &at, budget);
    case PK_AST_STRING:
        return text;
    case PK_AST_DURATION:
        return (pk_written){0, PK_WRITTEN_DURATION, false};
    case PK_AST_COND: {
        pk_written yes = written(cx, scope, at.b, budget);
        return pk_written_either(cx, yes, written(cx, scope, at.c, budget));
    }
    case PK_AST_BINARY:
        return at.a > PK_OP_EXCEPT ? of_two(cx, scope, &at, budget) : plain;
    case PK_AST_CALL:
        return of_call(cx, scope, &at, budget);
    default:
        return plain;
    }
}

pk_written pk_written_as(pk_compiler *cx, const pk_scope *scope, pk_node node)
{
    unsigned looks = LOOKS;
    return written(cx, scope, node, &looks);
}
