/* A packet expression as a set of packets: counted, and built by index. Checks are such programs.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct naive_program {
    naive_unit *unit;
    pk_arena arena;
    pk_node expr;
    naive_alternative *alternatives;
    size_t n_alternatives;
};

static naive_program *open_program(naive_unit *unit, pk_node expr)
{
    naive_program *program = calloc(1, sizeof *program);
    if (program == NULL)
        abort();
    program->unit = unit;
    program->expr = expr;
    if (naive_alternatives(unit, &program->arena, expr, &program->alternatives,
                           &program->n_alternatives))
        return program;
    naive_program_free(program);
    return NULL;
}

/* The expression is read as a let's: what a name at the beginning means is then not in doubt. */
naive_program *naive_program_new(naive_unit *unit, const char *expression)
{
    unit->n_draws = 0;
    pk_span span;
    pk_buf text = {0};
    unit->failed = false;
    pk_buf_printf(&text, "let packets = %s\n", expression);
    if (text.failed || pk_sources_add(unit->sources, "-e", text.data, text.len, &span) != PK_OK)
        abort();
    pk_buf_clear(&text);
    unsigned errors = pk_diags_errors(unit->diags);
    pk_node file = pk_parse(unit->ast, unit->sources, span, unit->diags);
    pk_node let = file == 0 ? 0 : naive_at(unit, file)->a;
    bool good = pk_diags_errors(unit->diags) == errors && naive_at(unit, let)->kind == PK_AST_LET;
    if (!good) {
        pk_diags_render(unit->diags, PK_DIAG_TEXT, &text);
        naive_fail(unit, 0, "%s", pk_buf_cstr(&text));
    }
    pk_buf_free(&text);
    return good ? open_program(unit, naive_at(unit, let)->b) : NULL;
}

void naive_program_free(naive_program *program)
{
    if (program == NULL)
        return;
    pk_arena_free(&program->arena);
    free(program);
}

bool naive_program_count(naive_program *program, pk_u128 *ret_count)
{
    pk_u128 count = 0;
    for (size_t i = 0; i < program->n_alternatives; i++) {
        if (program->alternatives[i].count > ~count)
            return naive_fail(program->unit, program->expr, "more than 2^128 packets");
        count += program->alternatives[i].count;
    }
    *ret_count = count;
    return true;
}

static void find_digits(const naive_alternative *a, pk_u128 index, pk_u128 *digits)
{
    for (size_t i = a->n_axes; i-- > 0;) {
        digits[i] = index % a->axes[i].count;
        index /= a->axes[i].count;
    }
}

/* Packet `index` of alternative `a`, which is packet `number` of all. */
static bool build(naive_program *program, const naive_alternative *a, pk_u128 index, pk_u128 number,
                  pk_buf *out)
{
    naive_unit *unit = program->unit;
    pk_arena arena = {0};
    naive_packet packet = {.unit = unit, .arena = &arena, .alternative = a, .index = number};
    packet.digits = naive_alloc(&arena, a->n_axes + 1, sizeof *packet.digits);
    find_digits(a, index, packet.digits);
    unit->failed = false;
    naive_scope scope = {.packet = &packet};
    naive_value value = naive_stack_of(&scope, program->expr);
    naive_value bytes = naive_undefined();
    if (!unit->failed) {
        naive_stack *stack = naive_finish(&packet, value.stack);
        packet.root = stack->first;
        bytes = naive_encode_stack(&packet, stack);
    }
    if (!unit->failed)
        pk_buf_add(out, bytes.bytes.data, bytes.bytes.len);
    pk_arena_free(&arena);
    return !unit->failed;
}

bool naive_program_build(naive_program *program, pk_u128 index, pk_buf *out)
{
    const pk_u128 number = index;
    for (size_t i = 0; i < program->n_alternatives; i++) {
        const naive_alternative *a = &program->alternatives[i];
        if (index < a->count)
            return build(program, a, index, number, out);
        index -= a->count;
    }
    program->unit->failed = false;
    return naive_fail(program->unit, program->expr, "there are not that many packets");
}

/* ---- checks ------------------------------------------------------------------------------------
 */

size_t naive_unit_checks(const naive_unit *unit)
{
    return unit->n_checks;
}

static void add_hex(pk_buf *out, pk_bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        pk_buf_printf(out, "%02x", bytes.data[i]);
}

static bool report_place(naive_unit *unit, pk_node where, pk_buf *report, const char *text)
{
    pk_place place = pk_sources_place(unit->sources, naive_at(unit, where)->span.lo);
    pk_buf_printf(report, "%s:%u: %s", place.name, place.line, text);
    return false;
}

static bool compare(naive_unit *unit, pk_node where, pk_bytes got, pk_node expect, pk_buf *report)
{
    pk_arena arena = {0};
    naive_packet packet = {.unit = unit, .arena = &arena};
    naive_scope scope = {.packet = &packet};
    naive_value want = naive_eval(&scope, expect);
    bool same = want.kind == NAIVE_BYTES && want.bytes.len == got.len &&
                (got.len == 0 || memcmp(want.bytes.data, got.data, got.len) == 0);
    if (!same) {
        report_place(unit, where, report, "expected ");
        add_hex(report, want.bytes);
        pk_buf_text(report, ", built ");
        add_hex(report, got);
    }
    pk_arena_free(&arena);
    return same;
}

bool naive_unit_check(naive_unit *unit, size_t i, pk_buf *report)
{
    pk_node clause = unit->checks[i];
    pk_node arg = naive_at(unit, clause)->b;
    const pk_ast_node equal = *naive_at(unit, naive_at(unit, arg)->b);
    unit->failed = false;
    if (equal.kind != PK_AST_BINARY || equal.a != PK_OP_EQ)
        return report_place(unit, clause, report, "a check compares a packet with bytes");
    naive_program *program = open_program(unit, equal.b);
    pk_buf bytes = {0};
    bool good = program != NULL && naive_program_build(program, 0, &bytes);
    if (!good)
        report_place(unit, clause, report, naive_unit_error(unit));
    good = good && compare(unit, clause, (pk_bytes){bytes.data, bytes.len}, equal.c, report);
    pk_buf_free(&bytes);
    naive_program_free(program);
    return good;
}
