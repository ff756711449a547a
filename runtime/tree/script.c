#include "tree/script.h"

#include <stdlib.h>
#include <string.h>

#include "base/literal.h"

enum { STEP = 64, ROOM = 128 };

typedef enum kind {
    NUMBER, /* of at most 53 bits */
    NAMED,  /* the same, and its name if it has one */
    SIGNED,
    IP4,
    IP6,
    MAC,
    DIGITS, /* `len` bytes in hexadecimal */
    GENERAL
} kind;

typedef struct operation {
    uint32_t text; /* bytes that stand before it */
    uint8_t kind;
    uint8_t skip, drop; /* NUMBER: bits of the word before it; 64 - its width */
    bool little;
    uint32_t at; /* byte of the packet */
    uint32_t len;
    union {
        pk_prepared_names *names; /* NULL = none */
        pk_tree_node node;        /* GENERAL */
    };
} operation;

typedef struct script {
    uint64_t shape; /* 0 = free */
    uint32_t n_operations, n_text, n_recs;
    size_t most; /* bytes that all but the general operations may write */
    size_t size;
    operation *operations; /* behind them the records, then the text */
    pk_rec *recs;
    uint8_t *text;
} script;

struct pk_scripts {
    size_t used;
    bool watching, failed;
    size_t start, done; /* in the writer's buffer: the tree's text, what is accounted for */
    script made;        /* while the writer is watched */
    operation operations[PK_SCRIPT_OPERATIONS];
    script slots[PK_SCRIPT_SLOTS];
};

void pk_scripts_free(pk_scripts *scripts)
{
    if (!scripts)
        return;
    for (uint32_t i = 0; i < PK_SCRIPT_SLOTS; i++)
        free(scripts->slots[i].operations);
    free(scripts);
}

/* ---- watching -------------------------------------------------------------------------------- */

void pk_script_begin(pk_writer_cache *cache, const pk_buf *out, const pk_tree *tree)
{
    if (!cache || !tree->shape)
        return;
    if (!cache->scripts && !(cache->scripts = calloc(1, sizeof *cache->scripts)))
        return;
    pk_scripts *scripts = cache->scripts;
    scripts->watching = true;
    scripts->failed = false;
    scripts->start = scripts->done = out->len;
    scripts->made = (script){.shape = tree->shape, .n_recs = tree->count};
}

/* Where the bits of a leaf lie, as long as that is in one piece. */
static bool place_of(const pk_tree *tree, pk_tree_node leaf, const pk_prepared_field *field,
                     pk_bit_run *ret_run)
{
    const pk_rec *rec = &tree->recs[leaf.rec];
    *ret_run = (pk_bit_run){rec->off, rec->bits};
    if (leaf.fixed)
        *ret_run = (pk_bit_run){rec->off + field->off, field->bits};
    return ret_run->off + (uint64_t)ret_run->bits <= (uint64_t)tree->len * 8 &&
           (leaf.fixed || !field->bits || field->bits == rec->bits);
}

/* An integer is read as a part of eight bytes that lie within the packet. */
static bool make_number(const pk_tree *tree, const pk_prepared_field *field, pk_bit_run run,
                        operation *op)
{
    enum { EXACT_BITS = 53 };
    uint32_t at = run.off / 8 + 8 <= tree->len ? run.off / 8 : tree->len - 8;
    if (tree->len < 8 || !field->bits || field->bits > EXACT_BITS || run.bits == 0 ||
        (field->little && run.bits % 8 != 0) || run.off - at * 8 + run.bits > 64)
        return false;
    op->kind = field->kind == PK_PREPARED_SIGNED ? SIGNED
               : field->names || field->little   ? NAMED
                                                 : NUMBER;
    op->at = at;
    op->skip = (uint8_t)(run.off - at * 8);
    op->drop = (uint8_t)(64 - run.bits);
    op->little = field->little;
    op->names = field->names;
    return true;
}

static bool make_bytes(kind what, pk_bit_run run, operation *op)
{
    op->kind = (uint8_t)what;
    op->at = run.off / 8;
    op->len = run.bits / 8;
    return run.off % 8 == 0 && run.bits % 8 == 0;
}

/* The operation for a leaf of the usual kind; false: the general one. */
static bool make_leaf(pk_writer_cache *cache, const pk_tree *tree, pk_tree_node leaf, operation *op)
{
    const pk_rec *rec = &tree->recs[leaf.rec];
    pk_bit_run run = {rec->off, rec->bits};
    if (!leaf.fixed && rec->kind != PK_REC_FIELD)
        return rec->kind >= PK_REC_RAW && run.off + (uint64_t)run.bits <= (uint64_t)tree->len * 8 &&
               make_bytes(DIGITS, run, op);
    pk_ref ref = pk_tree_field(tree, leaf);
    const pk_prepared_field *field = pk_prepared_of(cache, ref);
    if (!place_of(tree, leaf, field, &run))
        return false;
    switch ((pk_prepared_kind)field->kind) {
    case PK_PREPARED_UNSIGNED:
    case PK_PREPARED_SIGNED:
        return make_number(tree, field, run, op);
    case PK_PREPARED_IP4:
        return make_bytes(IP4, run, op);
    case PK_PREPARED_IP6:
        return make_bytes(IP6, run, op);
    case PK_PREPARED_MAC:
        return make_bytes(MAC, run, op);
    case PK_PREPARED_BYTES:
        return make_bytes(DIGITS, run, op);
    case PK_PREPARED_UNKNOWN:
    case PK_PREPARED_GENERAL:
        break;
    }
    return false;
}

/* The key before the value belongs to the text that stays, with the quote of what is quoted. */
static bool find_value(const operation *op, const uint8_t *text, size_t len, size_t *ret_before,
                       size_t *ret_behind)
{
    static const char *const keys[] = {",\"value\":", ",\"value\":\"", ",\"hex\":\""};
    bool quoted = op->kind >= IP4;
    const char *key = keys[op->kind == DIGITS ? 2 : quoted];
    *ret_before = strlen(key);
    *ret_behind = quoted;
    return len >= *ret_before + quoted && !memcmp(text, key, *ret_before) &&
           (!quoted || text[len - 1] == '"');
}

/* The most bytes that an operation writes. */
static size_t most_of(const operation *op)
{
    switch ((kind)op->kind) {
    case NUMBER:
    case NAMED:
    case SIGNED:
        return 48 + (op->names ? op->names->longest : 0);
    case IP4:
    case IP6:
    case MAC:
        return 48;
    case DIGITS:
        return 2 * (size_t)op->len;
    case GENERAL:
        break;
    }
    return 0;
}

void pk_script_part(pk_writer_cache *cache, const pk_buf *out, size_t start, pk_tree_node node)
{
    pk_scripts *scripts = cache ? cache->scripts : NULL;
    if (!scripts || !scripts->watching)
        return;
    script *made = &scripts->made;
    if (made->n_operations == PK_SCRIPT_OPERATIONS || out->failed)
        scripts->failed = true;
    else
        scripts->operations[made->n_operations++] =
            (operation){.kind = GENERAL,
                        .text = (uint32_t)(start - scripts->done),
                        .node = node,
                        .len = (uint32_t)(out->len - start)};
    scripts->done = out->len;
}

/* Gives the parts their operations, and the script its text: all that is not a part. Bytes that are
 * none are text too. */
static void settle(pk_writer_cache *cache, script *made, const pk_buf *out, const pk_tree *tree)
{
    const pk_scripts *scripts = cache->scripts;
    const uint8_t *part = out->data + scripts->start, *text = part;
    uint8_t *to = made->text, *begun = to;
    uint32_t n = 0;
    for (uint32_t i = 0; i < scripts->made.n_operations; i++) {
        operation op = scripts->operations[i], special = {0};
        size_t before = 0, behind = 0, len = op.len;
        part += op.text;
        if (pk_tree_is_leaf(tree, op.node) && make_leaf(cache, tree, op.node, &special) &&
            find_value(&special, part, len, &before, &behind))
            op = special;
        if (op.kind == DIGITS && op.len == 0) {
            part += len;
            continue;
        }
        to = pk_put(to, text, (size_t)(part - text) + before);
        part += len;
        text = part - behind;
        op.text = (uint32_t)(to - begun);
        begun = to;
        made->operations[n++] = op;
        made->most += most_of(&op);
    }
    to = pk_put(to, text, (size_t)(out->data + out->len - text));
    made->n_operations = n;
    made->n_text = (uint32_t)(to - made->text);
    made->most += made->n_text + ROOM;
}

void pk_script_end(pk_writer_cache *cache, const pk_buf *out, const pk_tree *tree)
{
    pk_scripts *scripts = cache ? cache->scripts : NULL;
    if (!scripts || !scripts->watching)
        return;
    scripts->watching = false;
    script *made = &scripts->made, *slot = &scripts->slots[made->shape % PK_SCRIPT_SLOTS];
    size_t operations = made->n_operations * sizeof *made->operations;
    size_t recs = made->n_recs * sizeof *made->recs;
    size_t most_text = out->len - scripts->start + ROOM, size = operations + recs + most_text;
    if (scripts->failed || out->failed || most_text > PK_SCRIPT_TEXT)
        return;
    free(slot->operations);
    scripts->used -= slot->size;
    *slot = (script){0};
    if (scripts->used + size > PK_SCRIPT_MEMORY || !(made->operations = malloc(size)))
        return;
    made->recs = (pk_rec *)(void *)((uint8_t *)made->operations + operations);
    memcpy(made->recs, tree->recs, recs);
    made->text = (uint8_t *)made->recs + recs;
    memset(made->text, 0, most_text);
    made->size = size;
    script kept = *made;
    settle(cache, &kept, out, tree);
    *slot = kept;
    scripts->used += size;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Text is copied a little further than it goes: behind it there is room on both sides. */
static inline uint8_t *put_text(uint8_t *to, const uint8_t *text, size_t len)
{
    uint8_t *end = to + len;
    do {
        __builtin_memcpy(to, text, STEP);
        to += STEP;
        text += STEP;
    } while (to < end);
    return end;
}

static inline uint64_t bits_of(const operation *op, const uint8_t *bytes)
{
    uint64_t word;
    __builtin_memcpy(&word, bytes + op->at, sizeof word);
    return be64toh(word) << op->skip >> op->drop;
}

static uint64_t value_of(const operation *op, const uint8_t *bytes)
{
    uint64_t word = bits_of(op, bytes);
    return op->little ? pk_bits_swap(word, 64U - op->drop) : word;
}

static uint8_t *put_name(uint8_t *to, const operation *op, uint64_t number)
{
    if (!op->names)
        return to;
    uint8_t *start = to, *text = PK_PUT(to, ",\"text\":\"");
    to = pk_prepared_put_name(text, op->names, number);
    if (to == text)
        return start;
    *to++ = '"';
    return to;
}

static uint8_t *put_named(uint8_t *to, const operation *op, const uint8_t *bytes)
{
    uint64_t number = value_of(op, bytes);
    to = pk_put_unsigned(to, number);
    return put_name(to, op, number);
}

static uint8_t *put_signed(uint8_t *to, const operation *op, const uint8_t *bytes)
{
    uint64_t number = value_of(op, bytes), size = number;
    if (number >> (63 - op->drop) & 1) {
        number |= ~pk_bits_mask(64U - op->drop);
        *to++ = '-';
        size = 0 - number;
    }
    to = pk_put_unsigned(to, size);
    return put_name(to, op, number);
}

/* Writes into room that is there; NULL for a general operation. */
static inline uint8_t *put_operation(uint8_t *to, const operation *op, const uint8_t *bytes)
{
    switch ((kind)op->kind) {
    case NUMBER:
        return pk_put_unsigned(to, bits_of(op, bytes));
    case NAMED:
        return put_named(to, op, bytes);
    case SIGNED:
        return put_signed(to, op, bytes);
    case IP4:
        return pk_put_ip4(to, bytes + op->at);
    case IP6:
        return pk_literal_put_ip6(to, bytes + op->at);
    case MAC:
        return pk_put_mac(to, bytes + op->at);
    case DIGITS:
        return pk_put_hex(to, bytes + op->at, op->len);
    case GENERAL:
        break;
    }
    return NULL;
}

static const script *script_for(const pk_writer_cache *cache, const pk_tree *tree)
{
    if (!cache->scripts || !tree->shape)
        return NULL;
    const script *at = &cache->scripts->slots[tree->shape % PK_SCRIPT_SLOTS];
    bool same = at->shape == tree->shape && at->n_recs == tree->count &&
                !memcmp(at->recs, tree->recs, at->n_recs * sizeof *at->recs);
    return same ? at : NULL;
}

bool pk_script_write(pk_buf *out, const pk_tree *tree, const pk_writer *how,
                     pk_script_writer *general)
{
    const script *at = script_for(how->cache, tree);
    uint8_t *to = at ? pk_buf_reserve(out, at->most) : NULL;
    if (!to)
        return false;
    const uint8_t *text = at->text, *end = at->text + at->n_text;
    for (uint32_t i = 0; i < at->n_operations; i++) {
        const operation *op = &at->operations[i];
        to = put_text(to, text, op->text);
        text += op->text;
        if (op->kind != GENERAL) {
            to = put_operation(to, op, tree->bytes);
            continue;
        }
        pk_put_done(out, to);
        general(out, tree, op->node, how);
        to = pk_buf_reserve(out, at->most);
        if (!to)
            return true; /* the buffer says so */
    }
    to = put_text(to, text, (size_t)(end - text));
    pk_put_done(out, to);
    return true;
}
