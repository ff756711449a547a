/* Columns by path over the hand-made packets of world.h. */
#include "tree/columns.h"

#include "../base/check.h"
#include "world.h"

enum { PATHS = 8 };

static void rows(world *w, const char *const *paths, uint32_t flags, pk_columns_form form,
                 const pk_writer *how, const char *want)
{
    pk_buf out = {0}, why = {0};
    pk_columns *columns = NULL;
    pk_writer_packet packet = {
        .number = 7, .has_time = true, .seconds = 1700000000, .nanoseconds = 5};
    size_t n = 0;

    while (paths[n])
        n++;
    CHECK_INT(pk_columns_new(&w->image, paths, n, flags, &columns, &why), PK_OK);
    CHECK_TEXT(pk_buf_cstr(&why), "");
    pk_columns_head(&out, columns, form);
    pk_columns_row(&out, columns, form, &w->tree, how, &packet);
    CHECK_TEXT(pk_buf_cstr(&out), want);
    pk_columns_free(columns);
    pk_buf_free(&out);
    pk_buf_free(&why);
}

static void values_of_one_path_are_joined_in_wire_order(void)
{
    world w;

    world_open(&w);
    world_packet(&w);
    rows(&w,
         (const char *[]){"hop.src", "HOP.checksum", "hop.options.kind", "hop.options.size.size",
                          "talk.flags.S", "talk.flags.R", "talk.payload", NULL},
         0, PK_COLUMNS_TABS, NULL,
         "hop.src\tHOP.checksum\thop.options.kind\thop.options.size.size\ttalk.flags.S\t"
         "talk.flags.R\ttalk.payload\n"
         "10.0.0.1\t0xbeef\t1,2\t1400\t1\t0\t6869\n");
    rows(&w,
         (const char *[]){"frame.number", "frame.len", "frame.cap_len", "frame.time_epoch", "hop",
                          "opt", "odd.a", "hop.words", NULL},
         0, PK_COLUMNS_CSV, NULL,
         "frame.number,frame.len,frame.cap_len,frame.time_epoch,hop,opt,odd.a,hop.words\n"
         "7,38,38,1700000000.000000005,hop,\"opt,opt\",,\n");
    rows(&w,
         (const char *[]){"hop.flags", "hop.kind", "talk.flags", "hop.tail", "hop.options", NULL},
         PK_COLUMNS_NAMES, PK_COLUMNS_TABS, NULL,
         "hop.flags\thop.kind\ttalk.flags\thop.tail\thop.options\n"
         "DF\ttalk\tSA\tfffe7800\topt,opt\n");
    world_close(&w);
}

static void json_rows_are_arrays_without_repeated_keys(void)
{
    world w;

    world_open(&w);
    world_packet(&w);
    rows(&w,
         (const char *[]){"hop.src", "hop.options.kind", "hop.src", "odd.big", "frame.time_epoch",
                          NULL},
         0, PK_COLUMNS_JSON, NULL,
         "{\"hop.src\":[\"10.0.0.1\"],\"hop.options.kind\":[1,2],\"odd.big\":[],"
         "\"frame.time_epoch\":[\"1700000000.000000005\"]}\n");
    world_close(&w);
}

static void escapes_never_break_a_row(void)
{
    static const uint8_t bytes[] = "................a\"\t,";
    world w;

    world_open(&w);
    W_begin(&w, bytes, 20, 20);
    W_open(&w, "odd", 0, NULL);
    w.tree.recs[1].flags = 0;
    w.at = 8 * 16;
    W_field(&w, "text", 32);
    W_end(&w);
    rows(&w, (const char *[]){"odd.text", NULL}, 0, PK_COLUMNS_TABS, NULL, "odd.text\na\"\\x09,\n");
    rows(&w, (const char *[]){"odd.text", NULL}, 0, PK_COLUMNS_CSV, NULL,
         "odd.text\n\"a\"\"\\x09,\"\n");
    rows(&w, (const char *[]){"odd.text", NULL}, 0, PK_COLUMNS_JSON, NULL,
         "{\"odd.text\":[\"a\\\"\\t,\"]}\n");
    world_close(&w);
}

static void refused(world *w, const char *path, int code, const char *want)
{
    pk_buf why = {0};
    pk_columns *columns = NULL;

    CHECK_INT(pk_columns_new(&w->image, &path, 1, 0, &columns, &why), code);
    CHECK_TEXT(pk_buf_cstr(&why), want);
    CHECK(!columns);
    pk_buf_free(&why);
}

static void unknown_names_are_told(void)
{
    world w;

    world_open(&w);
    refused(&w, "hp.src", PK_ENOENT, "`hp.src`: there is no layer `hp.src`");
    refused(&w, "hop.srcc", PK_ENOENT, "`hop.srcc`: there is no field `srcc`");
    refused(&w, "hop.options.size.x", PK_ENOENT, "`hop.options.size.x`: there is no field `x`");
    refused(&w, "talk.flags.Q", PK_ENOENT, "`talk.flags.Q`: there is no field `Q`");
    refused(&w, "hop.", PK_ENOENT, "`hop.`: there is no field ``");
    refused(&w, "hop.\x1b", PK_ENOENT, "`hop.\\x1b`: there is no field `\\x1b`");
    world_close(&w);
}

int main(void)
{
    values_of_one_path_are_joined_in_wire_order();
    json_rows_are_arrays_without_repeated_keys();
    escapes_never_break_a_row();
    unknown_names_are_told();
    return check_result();
}
