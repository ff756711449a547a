/* IMAGE.md's generated chapters are what the tables say. `test_image_md IMAGE.md --bless` writes
 * them anew. */
#include "image/image.h"

#include <stdlib.h>

#include "../base/check.h"
#include "base/buf.h"
#include "image/format.h"
#include "image/shapes.h"

/* A table cell: the bar is the table's own sign. */
static void cell(pk_buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            pk_buf_byte(out, '\\');
        pk_buf_byte(out, (uint8_t)*text);
    }
}

static void sections(pk_buf *out)
{
    static const char *const types[] = {
#define PK_SECTION(id, field, type) #type,
        PK_SECTIONS
#undef PK_SECTION
    };
    pk_buf_text(out, "| number | section | record | size | required |\n|---|---|---|---|---|\n");
    for (int i = 0; i < PK_SEC_COUNT_OF; i++)
        pk_buf_printf(out, "| %d | %s | %s (`%s`) | %u | %s |\n", i,
                      pk_image_section_name((pk_section)i), pk_section_noun((pk_section)i),
                      types[i], pk_image_record_size((pk_section)i),
                      i == PK_SEC_SRC ? "no" : "yes");
}

static void record_row(pk_buf *out, const pk_record_info *info)
{
    pk_buf_printf(out, "| %u | %u | `%s` | %s", info->off, info->size, info->member,
                  info->kind_text);
    if (info->kind == PK_KIND_NEED || info->kind == PK_KIND_MAYBE || info->kind == PK_KIND_LIST)
        pk_buf_printf(out, " %s", pk_image_section_name((pk_section)info->target));
    if (info->kind == PK_KIND_BELOW)
        pk_buf_printf(out, " %u", info->most);
    pk_buf_text(out, " | ");
    cell(out, info->doc);
    pk_buf_text(out, " |\n");
}

static void records(pk_buf *out)
{
    size_t n;
    const pk_record_info *infos = pk_record_infos(&n);
    for (size_t i = 0; i < n; i++) {
        pk_section section = (pk_section)infos[i].section;
        if (!i || infos[i - 1].section != infos[i].section)
            pk_buf_printf(out,
                          "%s### %s: %s, %u bytes\n\n| offset | size | member | kind | meaning |\n"
                          "|---|---|---|---|---|\n",
                          i ? "\n" : "", pk_image_section_name(section), pk_section_noun(section),
                          pk_image_record_size(section));
        record_row(out, &infos[i]);
    }
}

static void opcodes(pk_buf *out, bool item)
{
    pk_buf_text(out, "| op | name | a | b | c | d | e | what it does |\n"
                     "|---|---|---|---|---|---|---|---|\n");
    for (unsigned op = 0; op < PK_OPC_COUNT_OF; op++) {
        const pk_op_info *info = pk_op_info_of(op);
        if (info->item != item)
            continue;
        pk_buf_printf(out, "| %u | `%s` |", op, info->text);
        for (unsigned i = 0; i < PK_OPERANDS; i++)
            pk_buf_printf(out, " %s |", info->spelled[i]);
        pk_buf_byte(out, ' ');
        cell(out, info->doc);
        pk_buf_text(out, " |\n");
    }
}

static void items(pk_buf *out)
{
    opcodes(out, true);
}

static void expressions(pk_buf *out)
{
    opcodes(out, false);
}

static void natives(pk_buf *out)
{
    pk_buf_text(out, "| number | name | arguments | what it gives |\n|---|---|---|---|\n");
    for (unsigned fn = 0; fn < PK_FN_COUNT_OF; fn++) {
        const pk_fn_info *info = pk_fn_info_of(fn);
        pk_buf_printf(out, "| %u | `%s` | ", fn, info->text);
        if (info->least == info->most)
            pk_buf_printf(out, "%u | ", info->least);
        else
            pk_buf_printf(out, "%u to %u | ", info->least, info->most);
        cell(out, info->doc);
        pk_buf_text(out, " |\n");
    }
}

static const struct {
    const char *name;
    void (*make)(pk_buf *out);
} chapters[] = {{"sections", sections},
                {"records", records},
                {"items", items},
                {"expressions", expressions},
                {"natives", natives}};

/* The document with every chapter as the tables have it. */
static void renew(const char *text, pk_buf *out)
{
    for (size_t i = 0; i < sizeof chapters / sizeof *chapters; i++) {
        char begin[64], end[64];
        (void)snprintf(begin, sizeof begin, "<!-- begin %s -->\n", chapters[i].name);
        (void)snprintf(end, sizeof end, "<!-- end %s -->\n", chapters[i].name);
        const char *from = strstr(text, begin), *to = from ? strstr(from, end) : NULL;
        CHECK(from && to);
        if (!from || !to)
            continue;
        pk_buf_add(out, text, (size_t)(from - text) + strlen(begin));
        pk_buf_byte(out, '\n');
        chapters[i].make(out);
        pk_buf_byte(out, '\n');
        text = to;
    }
    pk_buf_text(out, text);
}

static bool read_file(const char *path, pk_buf *out)
{
    FILE *file = fopen(path, "rb");
    int byte;
    while (file && (byte = fgetc(file)) != EOF)
        pk_buf_byte(out, (uint8_t)byte);
    return file && fclose(file) == 0;
}

/* Structures and their table agree: every byte of a record belongs to exactly one member. */
static void test_the_table_of_members_covers_every_record(void)
{
    size_t n;
    const pk_record_info *infos = pk_record_infos(&n);
    for (size_t i = 0; i < n; i++) {
        bool first = !i || infos[i - 1].section != infos[i].section;
        bool last = i + 1 == n || infos[i + 1].section != infos[i].section;
        uint32_t end = first ? 0 : (uint32_t)infos[i - 1].off + infos[i - 1].size;
        CHECK_INT(infos[i].off, end);
        if (last)
            CHECK_INT((uint32_t)infos[i].off + infos[i].size,
                      pk_image_record_size((pk_section)infos[i].section));
        if (infos[i].kind == PK_KIND_LIST)
            CHECK(!last && infos[i + 1].kind == PK_KIND_COUNT && infos[i + 1].size == 4);
    }
    bool known[PK_SEC_COUNT_OF] = {[PK_SEC_STR] = true,
                                   [PK_SEC_DATA] = true,
                                   [PK_SEC_CODE] = true,
                                   [PK_SEC_DML] = true,
                                   [PK_SEC_SRC] = true};
    for (size_t i = 0; i < n; i++)
        known[infos[i].section] = true;
    for (int i = 0; i < PK_SEC_COUNT_OF; i++)
        CHECK(known[i]);
}

/* No spelling in ops.def is unknown: each operand of each instruction has a shape. */
static void test_every_shape_is_known(void)
{
    for (unsigned op = 0; op < PK_OPC_COUNT_OF; op++)
        for (unsigned i = 0; i < PK_OPERANDS; i++) {
            const pk_op_info *info = pk_op_info_of(op);
            bool unused = strcmp(info->spelled[i], "-") == 0;
            CHECK_INT(info->shapes[i] == PK_SHAPE_UNUSED, unused);
        }
}

static void test_the_document_says_what_the_tables_say(const char *path, bool bless)
{
    pk_buf have = {0}, want = {0};
    CHECK(read_file(path, &have));
    renew(pk_buf_cstr(&have), &want);
    if (bless) {
        FILE *file = fopen(path, "wb");
        CHECK(file && fwrite(want.data, 1, want.len, file) == want.len && fclose(file) == 0);
    } else if (!have.data || have.len != want.len || memcmp(have.data, want.data, want.len) != 0) {
        fprintf(stderr, "%s differs from its tables; run this program with --bless\n", path);
        check_failures++;
    }
    pk_buf_free(&have);
    pk_buf_free(&want);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    test_the_table_of_members_covers_every_record();
    test_every_shape_is_known();
    test_the_document_says_what_the_tables_say(argv[1], argc > 2);
    return check_result();
}
