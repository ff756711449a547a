#include "tree/reference_text.h"

#include "tree/value_text.h"

static void put_ref(pk_buf *out, const pk_image *image, pk_ref text)
{
    pk_reference_safe(out, pk_image_text(image, text));
}

/* ---- below
 * ------------------------------------------------------------------------------------------ */

static const char *slot_name(const pk_image *image, pk_ref layer, uint32_t slot)
{
    const pk_image_layer *at = &image->layers[layer];

    for (uint32_t i = 0; i < at->n_fields; i++)
        if (image->fields[at->fields + i].slot == slot)
            return pk_image_text(image, image->fields[at->fields + i].name);
    return "";
}

/* A key as its field would write it: a number of a list of protocols is best known in hexadecimal.
 */
static void put_key(pk_buf *out, const pk_image *image, const pk_image_table *table, uint64_t key)
{
    const pk_image_layer *layer = &image->layers[table->layer];

    for (uint32_t i = 0; i < layer->n_fields; i++) {
        const pk_image_field *field = &image->fields[layer->fields + i];

        if (field->name != table->name)
            continue;
        if (field->flags & PK_FIELD_HEX || (field->names && field->bits >= 16)) {
            pk_text_hexadecimal(out, key, field->bits / 4u);
            return;
        }
    }
    pk_text_unsigned(out, key);
}

static void put_keys(pk_buf *out, const pk_image *image, const pk_image_table *table,
                     const pk_image_key *key)
{
    put_key(out, image, table, key->lo);
    if (key->hi != key->lo) {
        pk_buf_text(out, "..");
        put_key(out, image, table, key->hi);
    }
}

/* Where no field takes the key, the table itself tells it: link(dlt=1). */
static void put_table_keys(pk_buf *out, const pk_image *image, pk_ref layer, pk_ref lower)
{
    unsigned n = 0;

    for (uint32_t t = 1; t < image->n_tables; t++)
        for (uint32_t k = 0; image->tables[t].layer == lower && k < image->tables[t].n_keys; k++) {
            const pk_image_key *key = &image->keys[image->tables[t].keys + k];

            if (key->layer != layer)
                continue;
            pk_buf_text(out, n++ ? ", " : "(");
            put_ref(out, image, image->tables[t].name);
            pk_buf_byte(out, '=');
            put_keys(out, image, &image->tables[t], key);
        }
    pk_buf_text(out, n ? ")" : "");
}

static void put_imposed(pk_buf *out, const pk_image *image, const pk_image_imposition *at)
{
    const pk_image_expr *value = &image->exprs[at->value];

    pk_reference_safe(out, slot_name(image, at->layer, at->slot));
    pk_buf_byte(out, '=');
    put_ref(out, image, value->text);
    if (!value->text && value->count && image->code[value->start].op == PK_OPC_INT)
        pk_text_unsigned(out, image->code[value->start].e);
}

/* `name(field=value, ..)` with what is imposed on the layer at that depth; false when nothing is.
 */
static bool put_lower(pk_buf *out, const pk_image *image, const pk_image_bind *bind, pk_ref layer,
                      uint32_t depth)
{
    bool any = false;

    put_ref(out, image, image->layers[layer].name);
    for (uint32_t i = 0; i < bind->n_impositions; i++) {
        const pk_image_imposition *at = &image->impositions[bind->impositions + i];

        if (at->depth != depth)
            continue;
        pk_buf_text(out, any ? ", " : "(");
        any = true;
        put_imposed(out, image, at);
    }
    pk_buf_text(out, any ? ")" : "");
    return any;
}

/* The lowest first: a chained bind names layers further down by what it imposes on them. */
void pk_reference_bind(pk_buf *out, const pk_image *image, pk_ref layer, uint32_t index)
{
    const pk_image_bind *bind = &image->binds[image->layers[layer].binds + index];
    uint32_t deepest = 0;

    for (uint32_t i = 0; i < bind->n_impositions; i++)
        if (image->impositions[bind->impositions + i].depth > deepest)
            deepest = image->impositions[bind->impositions + i].depth;
    for (uint32_t depth = deepest; depth; depth--)
        for (uint32_t i = 0; i < bind->n_impositions; i++) {
            const pk_image_imposition *at = &image->impositions[bind->impositions + i];

            if (at->depth == depth) {
                (void)put_lower(out, image, bind, at->layer, depth);
                pk_buf_byte(out, '/');
                break;
            }
        }
    if (!put_lower(out, image, bind, bind->lower, 0))
        put_table_keys(out, image, layer, bind->lower);
}

/* Whether a bind names `lower` already, one of those before `index`. */
static bool bound_before(const pk_image *image, pk_ref layer, uint32_t index)
{
    const pk_image_bind *binds = &image->binds[image->layers[layer].binds];

    for (uint32_t i = 0; i < index; i++)
        if (binds[i].lower == binds[index].lower && !binds[i].n_impositions &&
            !binds[index].n_impositions)
            return true;
    return false;
}

static bool bound_to(const pk_image *image, pk_ref layer, pk_ref lower)
{
    const pk_image_layer *at = &image->layers[layer];

    for (uint32_t i = 0; i < at->n_binds; i++)
        if (image->binds[at->binds + i].lower == lower)
            return true;
    return false;
}

/* The layers on which it was bound, and those whose tables lead to it without a bind. */
void pk_reference_below(pk_buf *out, const pk_image *image, pk_ref layer)
{
    const pk_image_layer *at = &image->layers[layer];
    size_t line = out->len + 1;
    unsigned n = 0;

    for (uint32_t i = 0; i < at->n_binds; i++) {
        size_t start;

        if (bound_before(image, layer, i))
            continue;
        pk_buf_text(out, n++ ? "," : "\nSits on");
        start = out->len;
        pk_buf_byte(out, ' ');
        pk_reference_bind(out, image, layer, i);
        pk_reference_item(out, &line, start);
    }
    for (uint32_t t = 1; t < image->n_tables; t++)
        for (uint32_t k = 0; k < image->tables[t].n_keys; k++) {
            const pk_image_key *key = &image->keys[image->tables[t].keys + k];
            pk_ref owner = image->tables[t].layer;
            size_t start;

            if (key->layer != layer || bound_to(image, layer, owner))
                continue;
            pk_buf_text(out, n++ ? "," : "\nSits on");
            start = out->len;
            pk_buf_byte(out, ' ');
            put_ref(out, image, image->layers[owner].name);
            pk_buf_byte(out, '(');
            put_ref(out, image, image->tables[t].name);
            pk_buf_byte(out, '=');
            put_keys(out, image, &image->tables[t], key);
            pk_buf_byte(out, ')');
            pk_reference_item(out, &line, start);
        }
    if (n)
        pk_buf_byte(out, '\n');
}

/* ---- above
 * ------------------------------------------------------------------------------------------ */

static void put_table(pk_buf *out, const pk_image *image, const pk_image_table *table, bool shared)
{
    size_t line = out->len + 1;

    pk_buf_text(out, "\nCarries by ");
    put_ref(out, image, table->name);
    if (shared) {
        pk_buf_text(out, " in ");
        put_ref(out, image, image->layers[table->layer].name);
    }
    pk_buf_byte(out, ':');
    for (uint32_t i = 0; i < table->n_keys; i++) {
        const pk_image_key *key = &image->keys[table->keys + i];
        size_t start;

        pk_buf_text(out, i ? "," : "");
        start = out->len;
        pk_buf_byte(out, ' ');
        put_keys(out, image, table, key);
        pk_buf_byte(out, ' ');
        put_ref(out, image, image->layers[key->layer].name);
        pk_reference_item(out, &line, start);
    }
    pk_buf_text(out, table->n_keys ? "\n" : " nothing yet\n");
}

/* The first payload item that uses this table: one with several branches names it several times. */
static bool used_before(const pk_image *image, const pk_image_layer *layer, uint32_t item,
                        pk_ref table, uint32_t selector)
{
    for (uint32_t i = 0; i <= item; i++) {
        const pk_insn *insn = &image->code[layer->items + i];
        const pk_image_payload *payload = &image->payloads[insn->op == PK_OPC_PAY ? insn->d : 0];

        for (uint32_t k = 0; insn->op == PK_OPC_PAY && k < payload->n_selectors; k++)
            if (i == item && k == selector)
                return false;
            else if (image->selectors[payload->selectors + k].table == table)
                return true;
    }
    return false;
}

void pk_reference_above(pk_buf *out, const pk_image *image, pk_ref ref)
{
    const pk_image_layer *layer = &image->layers[ref];

    for (uint32_t i = 0; i < layer->n_items; i++) {
        const pk_insn *insn = &image->code[layer->items + i];
        const pk_image_payload *payload = &image->payloads[insn->op == PK_OPC_PAY ? insn->d : 0];

        if (insn->op != PK_OPC_PAY)
            continue;
        for (uint32_t k = 0; k < payload->n_selectors; k++) {
            pk_ref table = image->selectors[payload->selectors + k].table;

            if (!used_before(image, layer, i, table, k))
                put_table(out, image, &image->tables[table], image->tables[table].layer != ref);
        }
        if (payload->otherwise) {
            pk_buf_text(out, "\nCarries else: ");
            put_ref(out, image, image->layers[payload->otherwise].name);
            pk_buf_byte(out, '\n');
        }
    }
}

/* The cases of a struct with the first of their keys: `mss = 2`. */
void pk_reference_cases(pk_buf *out, const pk_image *image, pk_ref ref)
{
    size_t line = out->len + 1;
    unsigned n = 0;

    for (uint32_t t = 1; t < image->n_tables; t++)
        for (uint32_t k = 0; image->tables[t].layer == ref && k < image->tables[t].n_keys; k++) {
            const pk_image_key *key = &image->keys[image->tables[t].keys + k];
            size_t start;

            if (image->layers[key->layer].parent != ref)
                continue;
            pk_buf_text(out, n++ ? "," : "\nCases:");
            start = out->len;
            pk_buf_byte(out, ' ');
            put_ref(out, image, image->layers[key->layer].name);
            pk_buf_text(out, " = ");
            put_keys(out, image, &image->tables[t], key);
            pk_reference_item(out, &line, start);
        }
    if (n)
        pk_buf_byte(out, '\n');
}
