#include "internal.h"

#include "base/literal.h"

#include <ctype.h>
#include <string.h>

naive_value naive_undefined(void)
{
    return (naive_value){.kind = NAIVE_UNDEFINED};
}

naive_value naive_int(int64_t number)
{
    return (naive_value){.kind = NAIVE_INT, .number = number};
}

naive_value naive_bytes(const void *data, size_t len)
{
    return (naive_value){.kind = NAIVE_BYTES, .bytes = {data, len}};
}

naive_value naive_copy(naive_packet *packet, const void *data, size_t len)
{
    uint8_t *copy = naive_alloc(packet->arena, len + 1, 1);
    if (len != 0)
        memcpy(copy, data, len);
    return naive_bytes(copy, len);
}

bool naive_truth(naive_value value)
{
    switch (value.kind) {
    case NAIVE_UNDEFINED:
        return false;
    case NAIVE_INT:
        return value.number != 0;
    case NAIVE_BYTES:
    case NAIVE_RAW:
        return value.bytes.len != 0;
    case NAIVE_NODE:
    case NAIVE_STACK:
        return true;
    case NAIVE_LIST:
        return true;
    }
    return false;
}

naive_value naive_join(naive_packet *packet, naive_value a, naive_value b)
{
    size_t n = a.kind == NAIVE_BYTES ? a.bytes.len : 0, m = b.kind == NAIVE_BYTES ? b.bytes.len : 0;
    uint8_t *data = naive_alloc(packet->arena, n + m + 1, 1);
    if (n != 0)
        memcpy(data, a.bytes.data, n);
    if (m != 0)
        memcpy(data + n, b.bytes.data, m);
    return naive_bytes(data, n + m);
}

bool naive_number(naive_packet *packet, naive_value value, int64_t *ret_number)
{
    if (value.kind == NAIVE_NODE && value.node->type != NULL && value.node->type->value != 0) {
        if (!value.node->dissected && value.node->scalar.kind == NAIVE_INT) {
            value = value.node->scalar;
        } else {
            naive_scope scope = {.packet = packet, .self = value.node};
            value = naive_eval(&scope, value.node->type->value);
        }
    }
    if (value.kind != NAIVE_INT)
        return false;
    *ret_number = value.number;
    return true;
}

/* ---- enumerators -------------------------------------------------------------------------------
 */

/* Scapy writes who-has and message-type where the language has who_has and message_type. */
static bool same_word(const char *a, const char *b)
{
    for (; *a != 0 && *b != 0; a++, b++) {
        int x = *a == '-' || *a == ' ' ? '_' : tolower((unsigned char)*a);
        int y = *b == '-' || *b == ' ' ? '_' : tolower((unsigned char)*b);
        if (x != y)
            return false;
    }
    return *a == *b;
}

static bool entry_named(naive_packet *packet, pk_node entries, bool flags, const char *text,
                        bool exact, int64_t *ret_number)
{
    const naive_unit *unit = packet->unit;
    int64_t number = 0;
    for (pk_node e = entries; e != 0; e = naive_at(unit, e)->next, number++) {
        const pk_ast_node *entry = naive_at(unit, e);
        if (entry->b != 0) {
            naive_scope scope = {.packet = packet};
            number = naive_eval(&scope, entry->b).number;
        }
        const char *own = naive_text(unit, entry->a);
        if (exact ? strcmp(own, text) != 0 : !same_word(own, text))
            continue;
        *ret_number = flags ? (int64_t)((uint64_t)1 << number) : number;
        return true;
    }
    return false;
}

/* The declaration that `as name[index]` means for this instance, 0 = none. */
static pk_node names_of(naive_packet *packet, const naive_field *field, naive_inst *inst)
{
    const naive_unit *unit = packet->unit;
    pk_node flags = naive_global(unit, PK_AST_FLAGS, field->as_name);
    if (flags != 0 || field->as_index == 0)
        return flags != 0 ? flags : naive_global(unit, PK_AST_ENUM, field->as_name);
    naive_scope scope = {.packet = packet, .self = inst};
    naive_value chosen = inst == NULL ? naive_undefined() : naive_eval(&scope, field->as_index);
    for (size_t i = 0; i < unit->n_globals; i++) {
        const pk_ast_node *n = naive_at(unit, unit->globals[i]);
        if (n->kind != PK_AST_ENUM || n->a != field->as_name)
            continue;
        naive_scope bare = {.packet = packet};
        if (n->c == 0 || naive_equal(naive_eval(&bare, n->c), chosen))
            return unit->globals[i];
    }
    return 0;
}

static bool letters(naive_packet *packet, pk_node entries, const char *text, int64_t *ret_number)
{
    int64_t all = 0;
    for (; *text != 0; text++) {
        char letter[2] = {*text, 0};
        int64_t bit;
        if (!entry_named(packet, entries, true, letter, true, &bit))
            return false;
        all |= bit;
    }
    *ret_number = all;
    return true;
}

bool naive_enumerator(naive_packet *packet, const naive_field *field, naive_inst *inst,
                      const char *text, int64_t *ret_number)
{
    if (field == NULL || field->as_name == 0)
        return false;
    pk_node names = names_of(packet, field, inst);
    if (names == 0)
        return false;
    const pk_ast_node *n = naive_at(packet->unit, names);
    bool flags = n->kind == PK_AST_FLAGS;
    pk_node entries = flags ? n->b : n->d;
    return entry_named(packet, entries, flags, text, true, ret_number) ||
           entry_named(packet, entries, flags, text, false, ret_number) ||
           (flags && letters(packet, entries, text, ret_number));
}

/* Several flags in one string: "MF+DF", "S|A". */
static bool flag_text(naive_packet *packet, const naive_field *field, naive_inst *inst,
                      const char *text, int64_t *ret_number)
{
    if (naive_enumerator(packet, field, inst, text, ret_number))
        return true;
    int64_t all = 0;
    while (*text != 0) {
        char word[64];
        size_t len = strcspn(text, "+|,");
        if (len == 0 || len >= sizeof word)
            return false;
        memcpy(word, text, len);
        word[len] = 0;
        int64_t one;
        if (!naive_enumerator(packet, field, inst, word, &one))
            return false;
        all |= one;
        text += len + (text[len] != 0);
    }
    *ret_number = all;
    return true;
}

/* ---- coercion ----------------------------------------------------------------------------------
 */

static naive_value address_text(naive_packet *packet, pk_bytes text)
{
    pk_literal literal;
    pk_literal_fault fault;
    if (pk_literal_parse((const char *)text.data, text.len, &literal, &fault) != PK_LITERAL_FINE)
        return naive_undefined();
    if (literal.kind == PK_LITERAL_IP4)
        return naive_copy(packet, literal.address, 4);
    if (literal.kind == PK_LITERAL_IP6)
        return naive_copy(packet, literal.address, 16);
    if (literal.kind == PK_LITERAL_MAC)
        return naive_copy(packet, literal.address, 6);
    return naive_undefined();
}

static naive_value padded(naive_packet *packet, const naive_field *field, naive_value value)
{
    naive_scope scope = {.packet = packet};
    int64_t width = 0;
    if (field->width == 0 || !naive_number(packet, naive_eval(&scope, field->width), &width) ||
        width < (int64_t)value.bytes.len || width > NAIVE_BYTES_LIMIT)
        return value;
    uint8_t *data = naive_alloc(packet->arena, (size_t)width + 1, 1);
    if (value.bytes.len != 0)
        memcpy(data, value.bytes.data, value.bytes.len);
    return naive_bytes(data, (size_t)width);
}

/* Dotted text to labels; the root label ends it (RFC 1035 section 3.1). */
static naive_value name_labels(naive_packet *packet, pk_bytes text)
{
    uint8_t *data = naive_alloc(packet->arena, text.len + 2, 1);
    size_t out = 0;
    for (size_t i = 0; i < text.len;) {
        size_t end = i;
        while (end < text.len && text.data[end] != '.')
            end++;
        if (end > i) {
            data[out++] = (uint8_t)(end - i);
            memcpy(data + out, text.data + i, end - i);
            out += end - i;
        }
        i = end + 1;
    }
    data[out++] = 0;
    naive_value value = naive_bytes(data, out);
    value.kind = NAIVE_RAW;
    return value;
}

static naive_value to_octets(naive_packet *packet, const naive_field *field, naive_value value)
{
    const char *as = naive_text(packet->unit, field->as_name);
    bool addr = strcmp(as, "addr") == 0;
    if (value.kind == NAIVE_BYTES && value.text && (field->address || addr)) {
        naive_value address = address_text(packet, value.bytes);
        if (address.kind != NAIVE_UNDEFINED)
            value = address;
        else if (field->address)
            naive_fail(packet->unit, field->node, "`%s` is not an address",
                       (const char *)value.bytes.data);
    }
    if (value.kind == NAIVE_INT && field->address) {
        uint8_t data[16] = {0};
        size_t width = field->bits / 8;
        for (size_t i = 0; i < width && i < 8; i++)
            data[width - 1 - i] = (uint8_t)((uint64_t)value.number >> 8 * i);
        return naive_copy(packet, data, width);
    }
    if (value.kind == NAIVE_BYTES && strcmp(as, "padded") == 0)
        return padded(packet, field, value);
    return value;
}

static naive_value to_integer(naive_packet *packet, const naive_field *field, naive_inst *inst,
                              naive_value value)
{
    if (value.kind != NAIVE_BYTES)
        return value;
    int64_t number = 0;
    if (value.text) {
        const char *text = (const char *)value.bytes.data;
        if (!flag_text(packet, field, inst, text, &number))
            naive_fail(packet->unit, field->node, "`%s` is no value of `%s`", text,
                       naive_text(packet->unit, field->name));
    } else if (value.bytes.len * 8 == field->bits) {
        number = (int64_t)naive_bits_get(value.bytes.data, 0, field->bits);
    } else {
        return value;
    }
    return naive_int(number);
}

naive_value naive_coerce(naive_packet *packet, const naive_field *field, naive_inst *inst,
                         naive_value value)
{
    if (value.kind == NAIVE_STACK) {
        naive_value raw = naive_encode_stack(packet, value.stack);
        raw.kind = NAIVE_RAW;
        return raw;
    }
    if (value.kind == NAIVE_RAW)
        return value;
    const char *codec = field->sub == NULL ? "" : naive_text(packet->unit, field->sub->codec);
    if (field->type == NAIVE_STRUCT) {
        if (value.kind == NAIVE_BYTES && strcmp(codec, "dnsname") == 0)
            return name_labels(packet, value.bytes);
        if (value.kind == NAIVE_BYTES)
            value.kind = NAIVE_RAW;
        return value;
    }
    return field->type == NAIVE_OCTETS ? to_octets(packet, field, value)
                                       : to_integer(packet, field, inst, value);
}
