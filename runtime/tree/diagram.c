#include "tree/diagram.h"

#include <stdio.h>
#include <string.h>

#include "base/escape.h"

enum { ROW_BITS = 32, ROW_CHARS = 2 * ROW_BITS + 1, MARGIN = 2 };

/* One row being filled: the field (FLD) to which each bit belongs, 0 = none yet. */
typedef struct drawing {
    pk_buf *out;
    const pk_image *image;
    pk_ref above[ROW_BITS]; /* the row that was drawn last */
    pk_ref row[ROW_BITS];
    unsigned used;
    bool dotted; /* the last row drawn is one of unknown height */
} drawing;

static void put_margin(drawing *d)
{
    for (unsigned i = 0; i < MARGIN; i++)
        pk_buf_byte(d->out, ' ');
}

static void put_line(drawing *d, char *line, size_t len)
{
    while (len && line[len - 1] == ' ')
        len--;
    put_margin(d);
    pk_escape_terminal(d->out, line, len);
    pk_buf_byte(d->out, '\n');
}

/* The border above `row`: open where one field goes on from the row above. */
static void put_border(drawing *d, const pk_ref row[ROW_BITS])
{
    char line[ROW_CHARS];

    for (unsigned i = 0; i < ROW_BITS; i++) {
        bool open = row[i] && row[i] == d->above[i];
        bool open_before = i && row[i - 1] && row[i - 1] == d->above[i - 1];
        bool drawn = row[i] || d->above[i];
        bool drawn_before = i && (row[i - 1] || d->above[i - 1]);

        line[2 * i] = (open && open_before) || (!drawn && !drawn_before) ? ' ' : '+';
        line[2 * i + 1] = open || !drawn ? ' ' : '-';
    }
    line[ROW_CHARS - 1] = row[ROW_BITS - 1] || d->above[ROW_BITS - 1] ? '+' : ' ';
    put_line(d, line, ROW_CHARS);
}

/* `name` in the middle of line[from .. to). */
static void put_label(char *line, unsigned from, unsigned to, const char *name)
{
    size_t room = to - from, len = strlen(name);

    if (len > room)
        len = room;
    for (size_t i = 0; i < len; i++)
        line[from + (room - len) / 2 + i] = name[i];
}

static const char *name_of(const drawing *d, pk_ref field)
{
    return pk_image_text(d->image, d->image->fields[field].name);
}

static void put_row(drawing *d)
{
    char line[ROW_CHARS];

    memset(line, ' ', sizeof line);
    for (unsigned at = 0; at < d->used;) {
        pk_ref field = d->row[at];
        unsigned end = at;

        while (end < d->used && d->row[end] == field)
            end++;
        line[2 * at] = '|';
        line[2 * end] = '|';
        /* A field that fills row after row is named in the first. */
        if (!(end - at == ROW_BITS && d->above[0] == field && d->above[ROW_BITS - 1] == field))
            put_label(line, 2 * at + 1, 2 * end, name_of(d, field));
        at = end;
    }
    put_line(d, line, ROW_CHARS);
}

static void end_row(drawing *d)
{
    if (!d->used)
        return;
    put_border(d, d->row);
    put_row(d);
    memcpy(d->above, d->row, sizeof d->above);
    memset(d->row, 0, sizeof d->row);
    d->used = 0;
    d->dotted = false;
}

/* Closes the drawing so far, for text between the rows or the end. */
static void close_rows(drawing *d)
{
    static const pk_ref nothing[ROW_BITS];

    end_row(d);
    put_border(d, nothing);
    memset(d->above, 0, sizeof d->above);
}

static void put_field(drawing *d, pk_ref field, uint32_t bits)
{
    while (bits--) {
        d->row[d->used++] = field;
        if (d->used == ROW_BITS)
            end_row(d);
    }
}

/* A row of unknown height: `:      options ..      :` */
static void put_dotted(drawing *d, const char *name, const char *more)
{
    char line[ROW_CHARS], label[ROW_CHARS];
    pk_ref full[ROW_BITS];
    size_t n = strlen(name);

    end_row(d);
    memset(full, 0xff, sizeof full);
    put_border(d, full);
    memset(line, ' ', sizeof line);
    line[0] = line[ROW_CHARS - 1] = ':';
    if (n > ROW_CHARS - 12)
        n = ROW_CHARS - 12;
    (void)snprintf(label, sizeof label, "%.*s%s", (int)n, name, more);
    put_label(line, 1, ROW_CHARS - 1, label);
    put_line(d, line, ROW_CHARS);
    /* A number that no field has, so that the next border is closed. */
    memset(d->above, 0xfe, sizeof d->above);
}

/* ---- the item program
 * ---------------------------------------------------------------------------- */

static void put_condition(drawing *d, const char *word, const char *text)
{
    bool drawn = d->used || d->above[0];

    end_row(d);
    if (drawn)
        close_rows(d);
    put_margin(d);
    pk_buf_text(d->out, word);
    if (*text)
        pk_buf_byte(d->out, ' ');
    pk_escape_terminal(d->out, text, strlen(text));
    pk_buf_text(d->out, ":\n");
}

static void put_item_field(drawing *d, pk_ref ref)
{
    const pk_image_field *field = &d->image->fields[ref];

    if (field->bits && !field->list && field->bits <= 4 * ROW_BITS)
        put_field(d, ref, field->bits);
    else
        put_dotted(d, name_of(d, ref), field->list ? "[]" : "");
}

enum { OPEN_CONDITIONS = 64 };

/* The ends of the conditions that are open, innermost last: index of the first item behind. */
typedef struct conditions {
    uint32_t ends[OPEN_CONDITIONS];
    unsigned n;
} conditions;

static void put_ends(drawing *d, conditions *open, uint32_t index, bool draws)
{
    bool ended = false;

    while (open->n && open->ends[open->n - 1] <= index) {
        open->n--;
        ended = true;
    }
    if (ended && draws && !open->n)
        put_condition(d, "in any case", "");
}

/* `JIF else C; ..; JMP end` has an else branch, `JIF end C; ..` has none. */
static void put_item(drawing *d, const pk_image_layer *layer, uint32_t index, conditions *open)
{
    const pk_insn *insn = &d->image->code[layer->items + index];
    bool after_else;

    switch (insn->op) {
    case PK_OPC_FLD:
    case PK_OPC_FLX:
    case PK_OPC_BYT:
    case PK_OPC_VAR:
    case PK_OPC_SUB:
    case PK_OPC_LST:
        put_item_field(d, insn->d);
        break;
    case PK_OPC_JIF:
        after_else = index && d->image->code[layer->items + index - 1].op == PK_OPC_JMP;
        put_condition(d, after_else ? "else if" : "if",
                      pk_image_text(d->image, d->image->exprs[insn->e].text));
        if (open->n < OPEN_CONDITIONS)
            open->ends[open->n++] = insn->d;
        break;
    case PK_OPC_JMP:
        while (open->n > 1 && open->ends[open->n - 1] <= index)
            open->n--;
        if (open->n)
            open->ends[open->n - 1] = insn->d;
        if (insn[1].op != PK_OPC_JIF)
            put_condition(d, "else", "");
        break;
    case PK_OPC_PAY:
        put_dotted(d, "payload", "");
        break;
    default: /* windows, the end and the note of what is fixed draw nothing */
        break;
    }
}

static void put_scale(drawing *d)
{
    char line[ROW_CHARS];

    memset(line, ' ', sizeof line);
    for (unsigned i = 0; i < ROW_BITS; i += 10)
        line[2 * i + 1] = (char)('0' + i / 10);
    put_line(d, line, ROW_CHARS);
    for (unsigned i = 0; i < ROW_BITS; i++)
        line[2 * i + 1] = (char)('0' + i % 10);
    put_line(d, line, ROW_CHARS);
}

void pk_write_diagram(pk_buf *out, const pk_image *image, pk_ref ref)
{
    const pk_image_layer *layer = &image->layers[ref];
    drawing d = {.out = out, .image = image};
    conditions open = {.n = 0};

    put_scale(&d);
    for (uint32_t i = 0; i < layer->n_items; i++) {
        uint32_t op = image->code[layer->items + i].op;

        if (op != PK_OPC_JMP && op != PK_OPC_END)
            put_ends(&d, &open, i, op != PK_OPC_JIF && op != PK_OPC_WIN && op != PK_OPC_WEN);
        put_item(&d, layer, i, &open);
    }
    if (d.used || d.above[0])
        close_rows(&d);
}
