#include <string.h>

#include "io/capture_reader.h"

#define SNIFF_LEN  4096u                       /* the first line of a dump must stand in them */
#define LEAST      2u                          /* bytes: a line of them is no word such as "be" */
#define PAIRS      16u                         /* in an ordinary line */
#define LINE_LIMIT (2u * PK_CAPTURE_BLOCK_MAX) /* digits of the longest packet */

typedef enum line_kind {
    LINE_BLANK,  /* nothing, or a comment */
    LINE_TEXT,   /* anything else */
    LINE_OFFSET, /* bytes behind their offset, perhaps with their characters behind them */
    LINE_GROUPS, /* bytes with blanks between them */
    LINE_WORD    /* one word of digits */
} line_kind;

/* A line of text, without its end, and how far it is read. */
typedef struct cursor {
    const char *at, *end;
} cursor;

typedef struct line {
    line_kind kind;
    uint64_t offset; /* LINE_OFFSET */
} line;

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static size_t run_of_digits(const cursor *c)
{
    size_t n = 0;
    while (c->at + n < c->end && digit(c->at[n]) >= 0)
        n++;
    return n;
}

static size_t run_of_blanks(const cursor *c)
{
    size_t n = 0;
    while (c->at + n < c->end && is_blank(c->at[n]))
        n++;
    return n;
}

/* What is known of the dump before a line is read. */
typedef struct expectation {
    uint64_t next; /* bytes of its packet so far */
    size_t step;   /* bytes of a whole line; 0 = not known */
    bool inside;   /* the line before had an offset */
} expectation;

/* `0000:`; or `0000` and two blanks, or od's `000000` and one, before pairs and only where such an
 * offset is due: hexdump's own form, of words in the machine's order, is no offset and bytes. */
static bool take_offset(cursor *c, const expectation *known, uint64_t *ret_offset)
{
    cursor at = *c;
    if (at.end - at.at > 2 && at.at[0] == '0' && (at.at[1] | 0x20) == 'x')
        at.at += 2;
    size_t n = run_of_digits(&at);
    if (n < 4 || n > 16)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++)
        value = value << 4 | (uint64_t)digit(at.at[i]);
    at.at += n;
    bool colon = at.at < at.end && *at.at == ':';
    size_t blanks = colon ? 0 : run_of_blanks(&at);
    bool due = value == 0 || value == known->next || known->inside;
    at.at += colon ? 1 : blanks;
    bool apart = blanks >= (n < 6 ? 2u : 1u) && run_of_digits(&at) == 2;
    bool last = at.at == at.end && known->inside && value == known->next;
    if (!colon && !last && !(due && apart))
        return false;
    *c = at;
    *ret_offset = value;
    return true;
}

/* Two blanks stand between the halves of a line of pairs, and before the characters of a line of
 * longer groups; three always stand before characters. */
static bool ends_bytes(size_t blanks, size_t group)
{
    return blanks > 2 || (blanks == 2 && group > 2);
}

/* Appends the groups of digits at `c`, at most `most` bytes, and of pairs behind an offset no more
 * than fit an ordinary line when `most` is 0; their number. */
static size_t take_groups(cursor *c, size_t most, bool offset, pk_buf *out)
{
    size_t groups = 0;
    size_t from = out->len;
    size_t pairs = offset && !most ? PAIRS : SIZE_MAX;
    size_t blanks = run_of_blanks(c);
    c->at += blanks;
    while (c->at < c->end && (!most || out->len - from < most)) {
        size_t n = run_of_digits(c);
        if (n == 2 && groups == pairs)
            break;
        const char *behind = c->at + n;
        if (n == 0 || n % 2 != 0 || (behind < c->end && !is_blank(*behind)))
            break;
        for (size_t i = 0; i < n; i += 2)
            pk_buf_byte(out,
                        (uint8_t)((unsigned)digit(c->at[i]) << 4 | (unsigned)digit(c->at[i + 1])));
        groups++;
        c->at = behind;
        blanks = run_of_blanks(c);
        c->at += blanks;
        if (offset && ends_bytes(blanks, n))
            break;
    }
    return groups;
}

/* Appends the bytes of a line to `out`, which holds those of its packet so far. */
static line read_line(cursor c, const expectation *known, pk_buf *out)
{
    line got = {LINE_BLANK, 0};
    size_t before = out->len;
    c.at += run_of_blanks(&c);
    if (c.at == c.end || *c.at == '#')
        return got;
    bool offset = take_offset(&c, known, &got.offset);
    if (offset && c.at == c.end)
        return got; /* how od and hexdump end */
    size_t groups = take_groups(&c, offset ? known->step : 0, offset, out);
    got.kind = offset ? LINE_OFFSET : groups == 1 ? LINE_WORD : LINE_GROUPS;
    if (groups == 0 || (!offset && c.at < c.end)) {
        out->len = before;
        got.kind = LINE_TEXT;
    }
    return got;
}

/* Makes the next line visible, without its end; its length with it. PK_EOF behind the last. */
static int next_line(pk_capture_reader *reader, cursor *ret_line, size_t *ret_len,
                     pk_error *reterr_)
{
    for (size_t seen = 0;;) {
        const char *at = (const char *)pk_window_at(&reader->window);
        size_t visible = pk_window_visible(&reader->window);
        const char *newline = visible > seen ? memchr(at + seen, '\n', visible - seen) : NULL;
        int code = PK_OK;
        if (!newline) {
            seen = visible;
            if (visible > LINE_LIMIT)
                return pk_capture_damaged(reader, reader->window.offset, reterr_,
                                          "a line longer than the limit of %u bytes", LINE_LIMIT);
            code = pk_window_need(&reader->window, visible + 1, reterr_);
            if (code == PK_OK)
                continue;
            if (code != PK_EOF || visible == 0)
                return code;
        }
        size_t len = newline ? (size_t)(newline - at) : visible;
        *ret_line = (cursor){at, at + len};
        *ret_len = len + (newline != NULL);
        return PK_OK;
    }
}

/* Whether the line just read, whose bytes stand behind the first `before`, goes on with the
 * packet. The characters of the line before may have been taken for bytes: the offset tells. */
static bool goes_on(pk_capture_reader *reader, const line *got, size_t before)
{
    pk_buf *packet = &reader->packet;
    bool first = before == 0;
    if (got->kind != LINE_OFFSET)
        return first || (got->kind == LINE_GROUPS && reader->dump_kind == LINE_GROUPS);
    if (got->offset == 0 || first)
        return first && got->offset == 0;
    if (got->offset > before || got->offset <= before - reader->dump_last)
        return false;
    memmove(packet->data + got->offset, packet->data + before, packet->len - before);
    packet->len -= before - (size_t)got->offset;
    return true;
}

static int misplaced(pk_capture_reader *reader, const line *got, size_t before, pk_error *reterr_)
{
    return pk_capture_damaged(reader, reader->window.offset, reterr_,
                              "a hex dump's line says 0x%llx where 0x%zx is the next byte",
                              (unsigned long long)got->offset, before);
}

/* Takes lines until the packet is whole; a line that begins the next one stays in the window. */
static int assemble(pk_capture_reader *reader, pk_error *reterr_)
{
    pk_buf *packet = &reader->packet;
    for (;;) {
        cursor text = {NULL, NULL};
        size_t len = 0;
        size_t before = packet->len;
        int code = next_line(reader, &text, &len, reterr_);
        if (code != PK_OK)
            return code == PK_EOF && before ? PK_OK : code;
        const expectation known = {before, reader->dump_step,
                                   before && reader->dump_kind == LINE_OFFSET};
        const line got = read_line(text, &known, packet);
        bool bytes = got.kind > LINE_TEXT;
        if (bytes && !goes_on(reader, &got, before)) {
            packet->len = before;
            bool whole = got.kind != LINE_OFFSET || got.offset == 0;
            return whole && before ? PK_OK : misplaced(reader, &got, before, reterr_);
        }
        if (packet->failed)
            return pk_error_set(reterr_, PK_ENOMEM, "%s: no memory for a packet", reader->name);
        if (packet->len > PK_CAPTURE_BLOCK_MAX)
            return pk_capture_damaged(reader, reader->window.offset, reterr_,
                                      "a packet longer than the limit of %u bytes",
                                      PK_CAPTURE_BLOCK_MAX);
        pk_window_skip(&reader->window, len);
        reader->counts.other += got.kind == LINE_TEXT;
        if (!bytes && before && reader->dump_kind == LINE_GROUPS)
            return PK_OK;
        if (!bytes)
            continue;
        if (got.kind == LINE_OFFSET && before && !reader->dump_step)
            reader->dump_step = got.offset; /* the first line's length is that of all */
        reader->dump_kind = (unsigned)got.kind;
        reader->dump_last = packet->len - (got.kind == LINE_OFFSET ? (size_t)got.offset : before);
        if (got.kind == LINE_WORD)
            return PK_OK;
    }
}

bool pk_hexdump_recognize(pk_capture_reader *reader)
{
    (void)pk_window_need(&reader->window, SNIFF_LEN, NULL);
    const char *at = (const char *)pk_window_at(&reader->window);
    size_t visible = pk_window_visible(&reader->window);
    const char *end = at + (visible < SNIFF_LEN ? visible : SNIFF_LEN);
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        pk_buf bytes = {0};
        const line got = read_line((cursor){at, stop}, &(expectation){0}, &bytes);
        bool found = got.kind > LINE_TEXT && got.offset == 0 && bytes.len >= LEAST;
        pk_buf_free(&bytes);
        if (found)
            return true;
        at = stop + 1;
    }
    return false;
}

int pk_hexdump_start(pk_capture_reader *reader, pk_error *reterr_)
{
    const pk_capture_interface interface = {.link = 1}; /* LINKTYPE_ETHERNET */
    return pk_capture_declare(reader, &interface, reterr_);
}

int pk_hexdump_next(pk_capture_reader *reader, pk_capture_record *record, pk_error *reterr_)
{
    pk_buf_clear(&reader->packet);
    record->offset = reader->window.offset;
    int code = assemble(reader, reterr_);
    if (code != PK_OK)
        return code;
    record->data = reader->packet.data;
    record->captured = record->original = (uint32_t)reader->packet.len;
    record->link = reader->interfaces[0].link;
    return PK_OK;
}
