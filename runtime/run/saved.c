#include "run/saved.h"

#include <stdlib.h>
#include <string.h>

#include "run/record.h"
#include "vm/match_chain.h"

/* A stimulus: the latest try of it. */
typedef struct stimulus {
    pk_u128 n;
    const uint8_t *bytes;
    uint32_t len;
    bool answered;
} stimulus;

struct pk_saved {
    pk_capture_reader *reader;
    pk_capture_record record; /* the first packet, read to reach what stands before it */
    bool waiting;
    int ended; /* the code that reading it ended with */
    pk_error end;
    pk_saved_about about;
    char *text; /* of the first block; the strings of `about` point into it */

    pk_arena arena; /* bytes of stimuli */
    stimulus *stimuli;
    uint64_t n_stimuli, cap_stimuli;
    uint64_t *table; /* by number: 1 + stimulus, open addressing, a power of two */
    uint64_t cap_table;
};

/* ---- what stands before the packets ------------------------------------------------------------ */

static void take_custom(void *context, uint32_t enterprise, pk_bytes data)
{
    pk_saved *saved = context;
    size_t head = strlen(PK_RECORD_BEGIN);
    if (saved->text || enterprise != PK_RECORD_ENTERPRISE || data.len < head ||
        data.len > PK_SAVED_ABOUT_LIMIT || memcmp(data.data, PK_RECORD_BEGIN, head) != 0)
        return;
    saved->text = calloc(1, data.len - head + 1);
    if (saved->text)
        memcpy(saved->text, data.data + head, data.len - head);
}

static void take_line(pk_saved_about *about, char *line)
{
    char *colon = strstr(line, ": ");
    if (!colon)
        return;
    *colon = 0;
    const char *value = colon + 2;
    if (strcmp(line, "program") == 0)
        about->program = value;
    else if (strcmp(line, "probe") == 0)
        about->probe = value;
    else if (strcmp(line, "seed") == 0)
        about->seed = value;
    else if (strncmp(line, "param ", 6) == 0 && about->n_params < PK_SAVED_PARAMS)
        about->params[about->n_params++] = (pk_saved_param){line + 6, value};
}

/* Lines of `name: value`, then the source; the zeros behind it are the block's. */
static void take_about(pk_saved *saved)
{
    pk_saved_about *about = &saved->about;
    char *at = saved->text;
    *about = (pk_saved_about){.program = "", .probe = "", .seed = "", .source = ""};
    while (at && *at && strncmp(at, "source:\n", 8) != 0) {
        char *end = strchr(at, '\n');
        if (end)
            *end = 0;
        take_line(about, at);
        at = end ? end + 1 : NULL;
    }
    if (at && *at)
        about->source = at + 8;
    about->source_len = strlen(about->source);
}

int pk_saved_open(pk_saved **ret_saved, const char *path, const pk_capture_codec *gzip,
                  pk_error *reterr_)
{
    pk_saved *saved = calloc(1, sizeof *saved);
    if (!saved)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory to read a run");
    const pk_capture_read_options options = {.gzip = gzip, .custom = take_custom, .context = saved};
    int error = pk_capture_open(&saved->reader, path, &options, reterr_);
    if (!error) {
        saved->ended = pk_capture_next(saved->reader, &saved->record, &saved->end);
        saved->waiting = !saved->ended;
    }
    if (!error && !saved->text)
        error =
            pk_error_set(reterr_, PK_EFORMAT,
                         "%s: no run of pktc is kept in it (`pktc run -w FILE` keeps one)", path);
    if (error) {
        pk_saved_free(saved);
        return error;
    }
    take_about(saved);
    const pk_capture_interface *first = pk_capture_interface_at(saved->reader, 0);
    saved->about.link = first ? first->link : 0;
    *ret_saved = saved;
    return PK_OK;
}

const pk_saved_about *pk_saved_about_of(const pk_saved *saved)
{
    return &saved->about;
}

void pk_saved_free(pk_saved *saved)
{
    if (!saved)
        return;
    pk_capture_close(saved->reader);
    pk_arena_free(&saved->arena);
    free(saved->stimuli);
    free(saved->table);
    free(saved->text);
    free(saved);
}

/* ---- stimuli ----------------------------------------------------------------------------------- */

static uint64_t place_of(const pk_saved *saved, pk_u128 n)
{
    uint64_t hash = ((uint64_t)n ^ (uint64_t)(n >> 64)) * UINT64_C(0x9e3779b97f4a7c15);
    uint64_t at = (hash ^ hash >> 32) & (saved->cap_table - 1);
    while (saved->table[at] && saved->stimuli[saved->table[at] - 1].n != n)
        at = (at + 1) & (saved->cap_table - 1);
    return at;
}

static stimulus *find_stimulus(const pk_saved *saved, pk_u128 n)
{
    uint64_t at = saved->cap_table ? saved->table[place_of(saved, n)] : 0;
    return at ? &saved->stimuli[at - 1] : NULL;
}

static bool grow_list(pk_saved *saved)
{
    if (saved->stimuli && saved->n_stimuli < saved->cap_stimuli)
        return true;
    uint64_t cap = saved->cap_stimuli ? saved->cap_stimuli * 2 : 256;
    stimulus *grown = realloc(saved->stimuli, cap * sizeof *grown);
    if (!grown)
        return false;
    saved->stimuli = grown;
    saved->cap_stimuli = cap;
    return true;
}

static bool grow_table(pk_saved *saved)
{
    if (saved->table && saved->n_stimuli * 2 < saved->cap_table)
        return true;
    uint64_t cap = saved->cap_table ? saved->cap_table * 2 : 1024;
    uint64_t *table = calloc(cap, sizeof *table);
    if (!table)
        return false;
    free(saved->table);
    saved->table = table;
    saved->cap_table = cap;
    for (uint64_t i = 0; saved->stimuli && i < saved->n_stimuli; i++)
        table[place_of(saved, saved->stimuli[i].n)] = i + 1;
    return true;
}

static int keep_bytes(pk_saved *saved, const pk_capture_record *record, const uint8_t **ret_bytes,
                      pk_error *reterr_)
{
    if (saved->arena.used + record->captured > PK_SAVED_LIMIT)
        return pk_error_set(reterr_, PK_ELIMIT,
                            "the run has more stimuli than are kept (PK_SAVED_LIMIT %llu bytes)",
                            (unsigned long long)PK_SAVED_LIMIT);
    uint8_t *copy = pk_arena_alloc(&saved->arena, record->captured);
    if (!copy)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory to read a run");
    if (record->captured)
        memcpy(copy, record->data, record->captured);
    *ret_bytes = copy;
    return PK_OK;
}

/* A further try takes the place of the one before; its bytes are mostly the same. */
static int take_sent(pk_saved *saved, const pk_capture_record *record, pk_u128 n, pk_error *reterr_)
{
    const uint8_t *bytes = NULL;
    stimulus *known = find_stimulus(saved, n);
    if (known && known->len == record->captured &&
        (!known->len || memcmp(known->bytes, record->data, known->len) == 0))
        return PK_OK;
    int error = keep_bytes(saved, record, &bytes, reterr_);
    if (error)
        return error;
    if (known) {
        known->bytes = bytes;
        known->len = record->captured;
        return PK_OK;
    }
    if (!grow_table(saved) || !grow_list(saved))
        return pk_error_set(reterr_, PK_ENOMEM, "no memory to read a run");
    saved->stimuli[saved->n_stimuli] = (stimulus){n, bytes, record->captured, false};
    saved->table[place_of(saved, n)] = ++saved->n_stimuli;
    return PK_OK;
}

/* ---- exchanges --------------------------------------------------------------------------------- */

typedef struct reading {
    pk_saved *saved;
    const pk_saved_reader *reader;
    pk_tree reply, sent;
    pk_match_chain chain;
    uint32_t link;
} reading;

static int dissect(reading *r, const uint8_t *bytes, uint32_t len, uint32_t wire_len, pk_tree *tree)
{
    pk_ref layer = pk_vm_link_layer(r->reader->vm, r->link);
    return pk_vm_dissect(r->reader->vm, layer, bytes, len, wire_len, tree);
}

static int take_received(reading *r, const pk_capture_record *record, const pk_record_link *link,
                         pk_error *reterr_)
{
    pk_u128 n = (pk_u128)link->n_high << 64 | link->n_low;
    stimulus *of = find_stimulus(r->saved, n);
    uint32_t wire = record->original > record->captured ? record->original : record->captured;
    int error = dissect(r, record->data, record->captured, wire, &r->reply);
    if (!error && of)
        error = dissect(r, of->bytes, of->len, of->len, &r->sent);
    if (error)
        return pk_error_set(reterr_, error, "no memory to read a run");
    pk_exchange exchange = {.verdict = (pk_verdict)(link->kind - 1),
                            .quoted = link->quoted != 0,
                            .k = UINT32_MAX,
                            .n = n,
                            .try = link->try,
                            .rtt = link->rtt,
                            .time_ns = record->time_ns,
                            .bytes = {record->data, record->captured},
                            .wire_len = wire,
                            .reply = &r->reply,
                            .sent = of ? &r->sent : NULL,
                            .quoting = PK_TREE_NONE};
    if (exchange.quoted) {
        pk_match_chain_of(r->reader->vm, &r->reply, PK_TREE_NONE, &r->chain);
        if (r->chain.n_quoting)
            exchange.quoting = r->chain.quoting[0].node;
    }
    if (of && exchange.verdict == PK_VERDICT_ANSWER)
        of->answered = true;
    return r->reader->received ? r->reader->received(r->reader->context, &exchange) : PK_OK;
}

static int take_record(reading *r, const pk_capture_record *record, pk_error *reterr_)
{
    pk_record_link link;
    if (!pk_record_link_find(record, &link) || link.kind > 1 + PK_VERDICT_OTHER)
        return PK_OK;
    r->link = record->link;
    if (link.kind == PK_RECORD_SENT)
        return take_sent(r->saved, record, (pk_u128)link.n_high << 64 | link.n_low, reterr_);
    return take_received(r, record, &link, reterr_);
}

static int tell_unanswered(reading *r, pk_error *reterr_)
{
    const pk_saved *saved = r->saved;
    int error = PK_OK;
    for (uint64_t i = 0; !error && r->reader->unanswered && i < saved->n_stimuli; i++) {
        const stimulus *at = &saved->stimuli[i];
        if (at->answered)
            continue;
        if (dissect(r, at->bytes, at->len, at->len, &r->sent))
            return pk_error_set(reterr_, PK_ENOMEM, "no memory to read a run");
        error = r->reader->unanswered(r->reader->context, &r->sent, at->n);
    }
    return error;
}

int pk_saved_read(pk_saved *saved, const pk_saved_reader *reader, bool *ret_cut, pk_error *reterr_)
{
    reading r = {.saved = saved, .reader = reader, .link = saved->about.link};
    pk_tree_init(&r.reply, reader->image);
    pk_tree_init(&r.sent, reader->image);
    int error = PK_OK;
    while (!error && saved->waiting) {
        error = take_record(&r, &saved->record, reterr_);
        if (error)
            break;
        saved->ended = pk_capture_next(saved->reader, &saved->record, &saved->end);
        saved->waiting = !saved->ended;
    }
    *ret_cut = saved->ended == PK_EFORMAT;
    if (!error && saved->ended != PK_EOF && saved->ended != PK_EFORMAT)
        error = pk_error_set(reterr_, saved->ended, "%s", saved->end.text);
    if (!error)
        error = tell_unanswered(&r, reterr_);
    pk_tree_free(&r.reply);
    pk_tree_free(&r.sent);
    return error;
}
