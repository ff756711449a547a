#include "template_internal.h"

#include <string.h>

/* How many packets of the batch stand before the first whose values may not fit. */
static uint32_t guarded(pk_template *templ, uint32_t count)
{
    for (uint32_t g = 0; g < templ->n_guards; g++) {
        const trace_guard *guard = &templ->guards[g];
        const uint64_t *values = pk_template_wide(&templ->columns[guard->node], count, templ->left);
        for (uint32_t i = 0; i < count; i++)
            if ((int64_t)values[i] < guard->least || (int64_t)values[i] > guard->most)
                count = i;
    }
    return count;
}

static uint8_t *row(const pk_rows *rows, uint32_t i)
{
    return rows->slots ? rows->slots[i] : rows->base + i * rows->stride;
}

static void patch_bits(pk_template *templ, const pk_rows *rows, trace_piece piece)
{
    const uint64_t *values =
        pk_template_wide(&templ->columns[piece.node], rows->count, templ->left);
    for (uint32_t i = 0; i < rows->count; i++)
        pk_bits_put(row(rows, i), piece.bit, piece.bits, values[i]);
}

static void patch(pk_template *templ, const pk_rows *rows, trace_piece piece)
{
    const template_column *column = &templ->columns[piece.node];
    const pk_kernels *kernels = templ->kernels;
    uint32_t at = piece.bit / 8;
    unsigned bits = piece.bit % 8 == 0 ? piece.bits : 0;
    if (bits == 64)
        kernels->store64(rows, at, pk_template_wide(column, rows->count, templ->left));
    else if (bits == 32)
        kernels->store32(rows, at, pk_template_narrow(column, rows->count, templ->narrow));
    else if (bits == 16)
        kernels->store16(rows, at, pk_template_narrow(column, rows->count, templ->narrow));
    else if (bits == 8)
        kernels->store8(rows, at, pk_template_narrow(column, rows->count, templ->narrow));
    else
        patch_bits(templ, rows, piece);
}

static uint32_t expand(pk_template *templ, const template_batch *batch, pk_rows *rows,
                       bool prepared)
{
    for (uint32_t i = 1; i < templ->n_columns; i++)
        pk_template_column(templ, &templ->columns[i], batch);
    rows->count = guarded(templ, batch->count);
    if (!prepared)
        templ->kernels->copy(rows, templ->bytes, templ->len);
    for (uint32_t i = 0; i < templ->n_patches; i++)
        patch(templ, rows, templ->pieces[templ->patches + i]);
    return rows->count;
}

uint32_t pk_template_expand(pk_template *templ, const pk_template_run *run)
{
    for (uint32_t done = 0; done < run->count;) {
        uint32_t left = run->count - done;
        uint32_t n = left < PK_TEMPLATE_BATCH ? left : PK_TEMPLATE_BATCH;
        template_batch batch = {.count = n,
                                .numbers = run->numbers ? run->numbers + done : NULL,
                                .index = run->first + done,
                                .first = run->first + done - templ->begin};
        pk_rows rows = {.base = run->slots ? NULL : run->base + done * run->stride,
                        .stride = run->stride,
                        .slots = run->slots ? run->slots + done : NULL};
        uint32_t written = expand(templ, &batch, &rows, run->prepared);
        done += written;
        if (written < n)
            return done;
    }
    return run->count;
}
