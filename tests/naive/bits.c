#include "internal.h"

#include <string.h>

static void reserve(naive_packet *packet, naive_bits *bits, uint64_t more)
{
    if (bits->count + more <= bits->cap)
        return;
    uint64_t cap = (bits->count + more) * 2 + 512;
    uint8_t *grown = naive_alloc(packet->arena, (size_t)(cap / 8 + 1), 1);
    if (bits->count != 0)
        memcpy(grown, bits->data, (size_t)((bits->count + 7) / 8));
    bits->data = grown;
    bits->cap = cap;
}

void naive_bits_put(naive_packet *packet, naive_bits *bits, uint64_t value, unsigned width)
{
    reserve(packet, bits, width);
    for (unsigned i = width; i-- > 0;) {
        if (i < 64 && (value >> i & 1) != 0)
            bits->data[bits->count / 8] |= (uint8_t)(0x80 >> bits->count % 8);
        bits->count++;
    }
}

void naive_bits_put_bytes(naive_packet *packet, naive_bits *bits, const uint8_t *data,
                          uint64_t n_bits)
{
    reserve(packet, bits, n_bits);
    if (bits->count % 8 == 0 && n_bits % 8 == 0) {
        if (n_bits != 0)
            memcpy(bits->data + bits->count / 8, data, (size_t)(n_bits / 8));
        bits->count += n_bits;
        return;
    }
    for (uint64_t i = 0; i < n_bits; i++)
        naive_bits_put(packet, bits, data[i / 8] >> (7 - i % 8) & 1, 1);
}

uint64_t naive_bits_get(const uint8_t *data, uint64_t off, unsigned width)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++, off++)
        value = value << 1 | (data[off / 8] >> (7 - off % 8) & 1);
    return value;
}

uint64_t naive_swap(uint64_t value, unsigned width)
{
    uint64_t swapped = 0;
    for (unsigned i = 0; i < width / 8; i++)
        swapped = swapped << 8 | (value >> 8 * i & 0xff);
    return swapped;
}

unsigned naive_width(naive_packet *packet, const naive_field *field, naive_inst *inst)
{
    if (field->width == 0)
        return field->bits;
    naive_scope scope = {.packet = packet, .self = inst, .item = field->node};
    int64_t width;
    if (!naive_number(packet, naive_eval(&scope, field->width), &width) || width < 0)
        return 0;
    return width > 64 ? 64 : (unsigned)width;
}

static bool fits(const naive_field *field, int64_t number, unsigned width)
{
    if (width >= 64)
        return true;
    if (field->type == NAIVE_UINT)
        return (uint64_t)number >> width == 0;
    if (width == 0)
        return number == 0;
    int64_t half = (int64_t)1 << (width - 1);
    return number >= -half && number < half;
}

static bool put_integer(naive_packet *packet, naive_bits *bits, const naive_field *field,
                        naive_inst *inst, naive_value value)
{
    unsigned width = naive_width(packet, field, inst);
    int64_t number = 0;
    if (value.kind != NAIVE_UNDEFINED && !naive_number(packet, value, &number))
        return naive_fail(packet->unit, field->node, "`%s.%s` needs a number",
                          naive_text(packet->unit, field->layer->name),
                          naive_text(packet->unit, field->name));
    if (!fits(field, number, width))
        return naive_fail(packet->unit, field->node, "%lld does not fit `%s.%s` (%u bits)",
                          (long long)number, naive_text(packet->unit, field->layer->name),
                          naive_text(packet->unit, field->name), width);
    uint64_t raw = (uint64_t)number;
    if (width < 64)
        raw &= ((uint64_t)1 << width) - 1;
    naive_bits_put(packet, bits, field->little ? naive_swap(raw, width) : raw, width);
    return true;
}

static void put_varint(naive_packet *packet, naive_bits *bits, naive_type type, uint64_t number)
{
    uint8_t groups[10];
    unsigned n = 0;
    do {
        groups[n++] = number & 0x7f;
        number >>= 7;
    } while (number != 0);
    for (unsigned i = 0; i < n; i++) {
        unsigned group = groups[type == NAIVE_ULEB ? i : n - 1 - i];
        naive_bits_put(packet, bits, group | (i + 1 < n ? 0x80U : 0), 8);
    }
}

bool naive_scalar_put(naive_packet *packet, naive_bits *bits, const naive_field *field,
                      naive_inst *inst, naive_value value)
{
    int64_t number = 0;
    if (value.kind == NAIVE_RAW || field->type == NAIVE_OCTETS) {
        uint64_t n_bits = value.n_bits != 0 ? value.n_bits : value.bytes.len * 8;
        if (value.kind == NAIVE_RAW || value.kind == NAIVE_BYTES)
            naive_bits_put_bytes(packet, bits, value.bytes.data, n_bits);
        else if (value.kind != NAIVE_UNDEFINED)
            return naive_fail(packet->unit, field->node, "`%s` needs bytes",
                              naive_text(packet->unit, field->name));
        return true;
    }
    if (field->type == NAIVE_UINT || field->type == NAIVE_SINT)
        return put_integer(packet, bits, field, inst, value);
    naive_number(packet, value, &number);
    put_varint(packet, bits, field->type, (uint64_t)number);
    return true;
}
