#include <inttypes.h>
#include <string.h>

#include "base/escape.h"
#include "reading.h"

/* Does the condition of -Y hold for the packet in the tree? */
static bool is_wanted(pk_reading *r)
{
    const pk_tree_node root = {0, 0};
    pk_value args[PK_VIEW_ARGUMENTS] = {{0}};
    if (!r->where)
        return true;
    args[PK_VIEW_REPLY] = (pk_value){.kind = PK_NODE, .node = pk_tree_pack(root)};
    return pk_value_truth(
        pk_vm_eval(r->d.vm, r->where, &r->tree, root, NULL, args, PK_VIEW_ARGUMENTS));
}

int pk_reading_record(pk_reading *r, const pk_capture_record *record)
{
    pk_ref layer = r->first ? r->first : pk_vm_link_layer(r->d.vm, record->link);
    uint32_t wire = record->original > record->captured ? record->original : record->captured;
    if (!layer)
        r->unknown_links++;
    if (pk_vm_dissect(r->d.vm, layer, record->data, record->captured, wire, &r->tree) != PK_OK)
        return pk_cli_fail(r->cli, PK_EXIT_ENVIRONMENT, "memory is exhausted");
    if (!is_wanted(r))
        return 0;
    pk_writer_packet packet = {.number = r->number,
                               .has_time = record->has_time,
                               .interface = r->interface,
                               .offloaded = r->offloaded};
    if (record->has_time) {
        int64_t nanoseconds = record->time_ns % 1000000000;
        packet.seconds = record->time_ns / 1000000000 - (nanoseconds < 0);
        packet.nanoseconds = (uint32_t)(nanoseconds + (nanoseconds < 0 ? 1000000000 : 0));
    }
    if (r->interface && r->form == PK_FORM_LINE && !r->columns) {
        pk_escape_terminal(&r->cli->out, r->interface, strlen(r->interface));
        pk_buf_text(&r->cli->out, "  ");
    }
    if (r->columns) {
        const pk_writer how = pk_form_writer(r->cli, r->d.vm);
        pk_columns_row(&r->cli->out, r->columns, PK_COLUMNS_TABS, &r->tree, &how, &packet);
    } else {
        pk_form_write(r->cli, r->d.vm, r->form, &r->tree, &packet);
    }
    return 0;
}

static void say_damaged(void *context, uint64_t from, uint64_t to, const char *why)
{
    pk_reading *r = context;
    bool closed = false;
    r->damaged = true;
    (void)pk_cli_flush(r->cli, true, &closed);
    (void)pk_cli_fail(r->cli, 0, "%s; bytes %" PRIu64 " to %" PRIu64 " are left out", why, from,
                      to - 1);
}

static int read_file(pk_reading *r, const char *path, bool *ret_closed)
{
    pk_capture_reader *reader = NULL;
    pk_error error;
    const pk_capture_read_options options = {
        .gzip = PK_CLI_GZIP, .damaged = say_damaged, .context = r};
    r->damaged = false;
    int code = pk_capture_open(&reader, path, &options, &error);
    if (code)
        return pk_cli_fail(r->cli, PK_EXIT_USAGE, "%s", error.text);
    int status = 0;
    while (!status && !*ret_closed && (!r->limit || r->number < r->limit)) {
        pk_capture_record record;
        code = pk_capture_next(reader, &record, &error);
        if (code == PK_EOF)
            break;
        if (code) {
            (void)pk_cli_flush(r->cli, true, ret_closed);
            status = pk_cli_fail(r->cli, PK_EXIT_USAGE, "%s", error.text);
            break;
        }
        r->number++;
        status = pk_reading_record(r, &record);
        if (!status)
            status = pk_cli_flush(r->cli, false, ret_closed);
    }
    pk_capture_close(reader);
    return status ? status : r->damaged ? PK_EXIT_USAGE : 0;
}

static int read_files(pk_reading *r)
{
    static const char *const standard_input[] = {"-"};
    const char *const *paths = r->cli->n_operands ? r->cli->operands : standard_input;
    size_t n = r->cli->n_operands ? r->cli->n_operands : 1;
    int worst = 0;
    bool closed = false;
    for (size_t i = 0; i < n && !closed; i++) {
        int status = read_file(r, paths[i], &closed);
        worst = worst ? worst : status;
    }
    int status = closed ? 0 : pk_cli_flush(r->cli, true, &closed);
    if (r->unknown_links)
        pk_cli_note(r->cli,
                    "%" PRIu64 " packets of link types that no layer claims are shown as raw",
                    r->unknown_links);
    return worst ? worst : status;
}

static int choose_first(pk_reading *r)
{
    const char *name = r->cli->value[PK_OPT_LINK];
    if (!name)
        return 0;
    r->first = pk_image_layer_find(&r->d.image, name);
    return r->first ? 0 : pk_cli_unknown_layer(r->cli, &r->d.image, name);
}

static int open_columns(pk_reading *r)
{
    const char *type = r->cli->value[PK_OPT_FIELDS];
    if (!type && !r->cli->n_exprs)
        return 0;
    if (!type || strcmp(type, "fields") != 0 || !r->cli->n_exprs)
        return pk_cli_fail(r->cli, PK_EXIT_USAGE,
                           "columns are chosen with -T fields -e ip.src -e tcp.flags");
    pk_buf why = {0};
    int status = 0;
    if (pk_columns_new(&r->d.image, r->cli->exprs, r->cli->n_exprs, 0, &r->columns, &why))
        status = pk_cli_fail(r->cli, PK_EXIT_USAGE, "%s", pk_buf_cstr(&why));
    pk_buf_free(&why);
    return status;
}

int pk_reading_open(pk_reading *ret_reading, pk_cli *cli)
{
    pk_reading *r = ret_reading;
    pk_u128 limit = 0;
    *r = (pk_reading){.cli = cli};
    r->form = pk_form_of(cli, cli->times[PK_OPT_VERBOSE] ? PK_FORM_TREE : PK_FORM_LINE);
    if (pk_cli_given(cli, PK_OPT_LIMIT) && !pk_cli_number(cli, PK_OPT_LIMIT, &limit))
        return PK_EXIT_USAGE;
    r->limit = (uint64_t)limit;
    const char *where = cli->value[PK_OPT_WHERE];
    int status =
        where ? pk_describe_filter(cli, where, &r->d, &r->where) : pk_describe_standard(cli, &r->d);
    if (status)
        return status;
    pk_tree_init(&r->tree, &r->d.image);
    status = choose_first(r);
    if (!status)
        status = open_columns(r);
    if (!status)
        status = pk_form_verify(cli, r->form, &r->d.image);
    cli->cache = pk_writer_cache_new(&r->d.image);
    return status;
}

void pk_reading_close(pk_reading *r)
{
    pk_form_verify_end(r->cli);
    pk_writer_cache_free(r->cli->cache);
    r->cli->cache = NULL;
    pk_tree_free(&r->tree);
    pk_columns_free(r->columns);
    pk_description_free(&r->d);
}

int pk_cli_read(pk_cli *cli)
{
    pk_reading r;
    int status = pk_reading_open(&r, cli);
    bool none = pk_cli_given(cli, PK_OPT_LIMIT) && !r.limit;
    if (!status && !none)
        status = read_files(&r);
    pk_reading_close(&r);
    return status;
}
