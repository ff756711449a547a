#include "set/space.h"

#include <stdlib.h>

#include "../base/check.h"
#include "image/builder.h"

/* Expressions here are just numbers: EXP n is worth values[n]. Nothing else of the image's code is
 * used, so it need not be verified. */
typedef struct fixture {
    pk_image_builder *to;
    pk_image image;
    pk_value values[64];
    pk_ref n_values;
    const pk_set *given; /* value of parameter 1 */
    pk_space *space;
    char reason[256];
} fixture;

static pk_value eval(void *context, pk_ref expr)
{
    return ((fixture *)context)->values[expr];
}

static const pk_set *param_set(void *context, pk_ref param)
{
    const fixture *f = context;
    return param == 1 ? f->given : NULL;
}

static pk_ref value(fixture *f, pk_value value)
{
    f->values[++f->n_values] = value;
    return f->n_values;
}

static pk_ref number(fixture *f, int64_t number)
{
    return value(f, pk_value_int(number));
}

static pk_ref set(fixture *f, const char *text, const pk_image_set_step *steps, uint32_t n)
{
    pk_ref first = PK_ADD(f->to, SOP, n);
    memcpy(PK_AT(f->to, SOP, first), steps, n * sizeof *steps);
    pk_ref ref = PK_ADD(f->to, SET, 1);
    pk_ref words = pk_image_builder_text(f->to, text, strlen(text));
    *PK_AT(f->to, SET, ref) = (pk_image_set){first, n, words, 0};
    return ref;
}

static pk_ref range(fixture *f, int64_t lo, int64_t hi)
{
    pk_image_set_step step = {PK_SET_RANGE, number(f, lo), number(f, hi), 0};
    return set(f, "range", &step, 1);
}

static pk_ref axis(fixture *f, pk_ref set, uint32_t dim)
{
    pk_ref ref = PK_ADD(f->to, AXS, 1);
    *PK_AT(f->to, AXS, ref) = (pk_image_axis){set, dim, 0, 0};
    return ref;
}

static pk_ref alt(fixture *f, const uint32_t *dims, uint32_t n)
{
    pk_ref first = PK_ADD(f->to, DML, n);
    if (n)
        memcpy(PK_AT(f->to, DML, first), dims, n * sizeof *dims);
    pk_ref ref = PK_ADD(f->to, ALT, 1);
    *PK_AT(f->to, ALT, ref) = (pk_image_alt){1, first, n, 0};
    return ref;
}

static fixture begin(void)
{
    return (fixture){.to = pk_image_builder_new(NULL)};
}

static int open_space(fixture *f)
{
    pk_space_source source = {.eval = eval, .param_set = param_set, .context = f};
    pk_image_builder_view(f->to, &f->image);
    return pk_space_new(&f->image, &source, &f->space, f->reason, sizeof f->reason);
}

static void end(fixture *f)
{
    pk_space_free(f->space);
    pk_image_builder_free(f->to);
}

static int64_t element(const fixture *f, pk_ref axis, const pk_point *point)
{
    uint8_t scratch[16];
    pk_value value = pk_space_element(f->space, axis, point, scratch);
    CHECK_INT(value.kind, PK_INT);
    return value.number;
}

/* ip(ttl=1..3)/udp(dport=10..11 with sport zipped), then one packet, then none, then 2. */
static void test_packets_come_in_reading_order(void)
{
    fixture f = begin();
    pk_ref ttl = axis(&f, range(&f, 1, 3), 1);
    pk_ref dport = axis(&f, range(&f, 10, 11), 2);
    pk_ref sport = axis(&f, range(&f, 70, 71), 2);
    const pk_image_set_step nothing = {PK_SET_NONE, 0, 0, 0};
    (void)axis(&f, set(&f, "[]", &nothing, 1), 3);
    pk_ref first = alt(&f, (const uint32_t[]){1, 2}, 2);
    (void)alt(&f, NULL, 0);
    (void)alt(&f, (const uint32_t[]){1, 3}, 2);
    (void)alt(&f, (const uint32_t[]){2}, 1);
    CHECK_INT(open_space(&f), PK_OK);
    pk_u128 count = 0;
    CHECK(pk_space_count(f.space, first, 4, &count) && count == 9);
    CHECK(pk_space_count(f.space, first + 2, 1, &count) && count == 0);
    CHECK(pk_space_count(f.space, first + 1, 2, &count) && count == 1);
    CHECK(pk_space_count(f.space, first, 0, &count) && count == 0);
    pk_point point;
    CHECK_INT(pk_point_init(f.space, &point), PK_OK);
    static const struct {
        pk_ref alt;
        int64_t ttl, dport, sport;
    } want[] = {{0, 1, 10, 70}, {0, 1, 11, 71}, {0, 2, 10, 70}, {0, 2, 11, 71}, {0, 3, 10, 70},
                {0, 3, 11, 71}, {1, 0, 0, 0},   {3, 0, 10, 70}, {3, 0, 11, 71}};
    for (uint32_t i = 0; i < 9; i++) {
        CHECK(pk_space_locate(f.space, first, 4, i, &point));
        CHECK(point.index == i);
        CHECK_INT(point.alt, first + want[i].alt);
        if (want[i].ttl)
            CHECK_INT(element(&f, ttl, &point), want[i].ttl);
        if (want[i].dport) {
            CHECK_INT(element(&f, dport, &point), want[i].dport);
            CHECK_INT(element(&f, sport, &point), want[i].sport);
        }
    }
    CHECK(!pk_space_locate(f.space, first, 4, 9, &point));
    CHECK(!pk_space_locate(f.space, first + 2, 1, 0, &point));
    CHECK(pk_space_locate(f.space, first + 3, 1, 1, &point));
    CHECK_INT(element(&f, dport, &point), 11);
    pk_point_free(&point);
    end(&f);
}

/* Four dimensions of 2^32, 2^32, 2^32 and 2^31 packets, then the same again. */
static void test_products_are_exact_up_to_2_to_the_128(void)
{
    fixture f = begin();
    for (uint32_t dim = 1; dim <= 3; dim++)
        (void)axis(&f, range(&f, 1, (int64_t)1 << 32), dim);
    (void)axis(&f, range(&f, 1, (int64_t)1 << 31), 4);
    static const uint32_t dims[] = {1, 2, 3, 4};
    pk_ref first = alt(&f, dims, 4);
    (void)alt(&f, dims, 4);
    (void)alt(&f, (const uint32_t[]){1, 2, 3, 4, 4, 4}, 6);
    (void)alt(&f, NULL, 0);
    CHECK_INT(open_space(&f), PK_OK);
    pk_u128 count = 0, half = (pk_u128)1 << 127;
    CHECK(pk_space_count(f.space, first, 1, &count) && count == half);
    CHECK(pk_space_count(f.space, first + 1, 1, &count) && count == half);
    CHECK(!pk_space_count(f.space, first, 2, &count));
    CHECK(!pk_space_count(f.space, first + 2, 1, &count));
    CHECK(!pk_space_count(f.space, first + 1, 3, &count));
    CHECK(pk_space_count(f.space, first + 3, 1, &count) && count == 1);
    pk_point point;
    CHECK_INT(pk_point_init(f.space, &point), PK_OK);
    CHECK(pk_space_locate(f.space, first, 1, half - 1, &point));
    CHECK_INT(element(&f, 1, &point), (int64_t)1 << 32);
    CHECK_INT(element(&f, 4, &point), (int64_t)1 << 31);
    CHECK(!pk_space_locate(f.space, first, 1, half, &point));
    /* Beyond what can be counted, packets are still found. */
    CHECK(pk_space_locate(f.space, first, 4, half + ((pk_u128)5 << 95) + 6, &point));
    CHECK_INT(point.alt, first + 1);
    CHECK_INT(element(&f, 1, &point), 6);
    CHECK_INT(element(&f, 2, &point), 1);
    CHECK_INT(element(&f, 4, &point), 7);
    CHECK(pk_space_locate(f.space, first + 2, 2, ~(pk_u128)0, &point));
    CHECK_INT(point.alt, first + 2);
    pk_point_free(&point);
    end(&f);
}

static void test_every_index_has_its_own_digits(void)
{
    fixture f = begin();
    (void)axis(&f, range(&f, 0, 6), 1);
    (void)axis(&f, range(&f, 0, 4), 2);
    (void)axis(&f, range(&f, 0, 10), 3);
    pk_ref first = alt(&f, (const uint32_t[]){3, 1, 2}, 3);
    CHECK_INT(open_space(&f), PK_OK);
    pk_point point;
    CHECK_INT(pk_point_init(f.space, &point), PK_OK);
    for (uint32_t i = 0; i < 7 * 5 * 11; i++) {
        CHECK(pk_space_locate(f.space, first, 1, i, &point));
        int64_t back = (element(&f, 3, &point) * 7 + element(&f, 1, &point)) * 5;
        CHECK_INT(back + element(&f, 2, &point), i);
    }
    pk_point_free(&point);
    end(&f);
}

/* [1..9] except [3, p], joined with p; p defaults to 5..6, made by a later set record. */
static void test_sets_are_run_as_stack_programs(void)
{
    fixture f = begin();
    pk_image_set_step steps[] = {
        {PK_SET_RANGE, number(&f, 1), number(&f, 9), number(&f, 2)},
        {PK_SET_VALUE, number(&f, 3), 0, 0},
        {PK_SET_PARAM, 1, 0, 0},
        {PK_SET_JOIN, 0, 0, 0},
        {PK_SET_EXCEPT, 0, 0, 0},
        {PK_SET_PARAM, 1, 0, 0},
        {PK_SET_JOIN, 0, 0, 0},
    };
    pk_ref whole = set(&f, "whole", steps, 7);
    pk_ref init = range(&f, 5, 6);
    pk_ref param = PK_ADD(f.to, PAR, 1);
    *PK_AT(f.to, PAR, param) = (pk_image_param){.is_set = 1, .init_set = init};
    (void)axis(&f, whole, 1);
    pk_arena arena = {0};
    pk_set given = {0};
    CHECK_INT(pk_set_add_value(&arena, &given, pk_value_int(9)), PK_OK);
    for (int round = 0; round < 2; round++) {
        static const int64_t want[2][5] = {{1, 7, 9, 5, 6}, {1, 5, 7, 9}};
        f.given = round ? &given : NULL;
        CHECK_INT(open_space(&f), PK_OK);
        const pk_set *set = pk_space_set(f.space, whole);
        uint8_t scratch[16];
        CHECK_INT(set->count, round ? 4 : 5);
        for (uint32_t i = 0; i < set->count; i++)
            CHECK_INT(pk_set_at(set, i, scratch).number, want[round][i]);
        CHECK(pk_space_axis_set(f.space, 1) == set);
        CHECK_INT(pk_space_set(f.space, init)->count, 2);
        pk_space_free(f.space);
        f.space = NULL;
    }
    CHECK_INT(given.count, 1);
    pk_arena_free(&arena);
    end(&f);
}

static void refused(pk_image_set_step step, fixture *f, int code, const char *sentence)
{
    pk_ref ref = set(f, "10.0.0.0/x", &step, 1);
    if (step.op == PK_SET_PARAM && step.b)
        PK_AT(f->to, PAR, 1)->init_set = ref;
    CHECK_INT(open_space(f), code);
    CHECK_TEXT(f->reason, sentence);
    CHECK(!f->space);
    end(f);
    *f = begin();
}

static void test_what_is_no_set_is_told_by_its_text(void)
{
    static const uint8_t zeros[16];
    fixture f = begin();
    refused((pk_image_set_step){PK_SET_VALUE, value(&f, pk_value_undefined()), 0, 0}, &f,
            PK_EFORMAT,
            "the set `10.0.0.0/x`: an element is neither a number, an address nor bytes");
    refused(
        (pk_image_set_step){PK_SET_PREFIX, value(&f, pk_value_bytes(zeros, 4)), number(&f, 33), 0},
        &f, PK_EFORMAT,
        "the set `10.0.0.0/x`: a prefix needs an address, and a length within the address's "
        "bits");
    refused(
        (pk_image_set_step){PK_SET_PREFIX, value(&f, pk_value_bytes(zeros, 16)), number(&f, 0), 0},
        &f, PK_ELIMIT,
        "the set `10.0.0.0/x`: it has more than 2^128 - 1 members, or more than 1048576 separate "
        "parts");
    refused((pk_image_set_step){PK_SET_RANGE, number(&f, 1), number(&f, 9), number(&f, 0)}, &f,
            PK_EFORMAT, "the set `10.0.0.0/x`: the step of a range is an integer other than 0");
    refused((pk_image_set_step){PK_SET_RANGE, number(&f, 9), number(&f, 1), number(&f, 2)}, &f,
            PK_EFORMAT,
            "the set `10.0.0.0/x`: a range needs two integers or two addresses of one kind, and a "
            "step that leads from the first to the second");
    (void)PK_ADD(f.to, PAR, 1);
    refused((pk_image_set_step){PK_SET_PARAM, 1, 0, 0}, &f, PK_EFORMAT,
            "the set `10.0.0.0/x`: it uses a parameter that was not given");
    (void)PK_ADD(f.to, PAR, 1);
    refused((pk_image_set_step){PK_SET_PARAM, 1, 1, 0}, &f, PK_EFORMAT,
            "the set `10.0.0.0/x`: it depends on itself");
    end(&f);
}

int main(void)
{
    test_packets_come_in_reading_order();
    test_products_are_exact_up_to_2_to_the_128();
    test_every_index_has_its_own_digits();
    test_sets_are_run_as_stack_programs();
    test_what_is_no_set_is_told_by_its_text();
    return check_result();
}
