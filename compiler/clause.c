/* Values of clauses. */
#include "internal.h"

#include <string.h>

/* A bare number has no unit that could be guessed: 5 seconds and 5 ns differ by much. */
bool pk_unit_missing(pk_compiler *cx, const char *clause, pk_node value)
{
    static const struct {
        const char *clause, *kind, *units;
    } wanted[] = {{"timeout", "a duration", "5s, 500ms or 5us"},
                  {"inter", "a duration", "5s, 500ms or 5us"},
                  {"duration", "a duration", "5s, 5min or 5h"},
                  {"rate", "a rate", "5pps, 10kpps, 10Mbit or line"}};
    pk_ast_node at = *pk_at(cx, value);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        if (at.kind != PK_AST_INT || strcmp(clause, wanted[i].clause) != 0)
            continue;
        pk_diag_report(cx->diags, PK_DIAG_CLAUSE_VALUE, at.span, "`%s` takes %s, with its unit",
                       clause, wanted[i].kind);
        pk_diag_label(cx->diags, "such as %s", wanted[i].units);
        return true;
    }
    return false;
}
