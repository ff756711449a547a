#include "template_internal.h"

#include <string.h>

/* Refuses the packets whose values may not fit. */
static void guard(pk_template *templ, uint32_t count)
{
    for (uint32_t g = 0; g < templ->n_guards; g++) {
        const trace_guard *guard = &templ->guards[g];
        const uint64_t *values =
            pk_template_wide(&templ->columns[guard->node], 0, count, templ->left);
        for (uint32_t i = 0; i < count; i++)
            if ((int64_t)values[i] < guard->least || (int64_t)values[i] > guard->most)
                templ->refused[i] = true;
    }
}

static bool may_refuse(const pk_template *templ)
{
    return templ->n_guards || templ->ways;
}

/* How many packets stand before the first that is refused. */
static uint32_t accepted(const pk_template *templ, uint32_t count)
{
    const bool *first = may_refuse(templ) ? memchr(templ->refused, true, count) : NULL;
    return first ? (uint32_t)(first - templ->refused) : count;
}

static uint8_t *row(const pk_rows *rows, uint32_t i)
{
    return rows->slots ? rows->slots[i] : rows->base + i * rows->stride;
}

static void patch_bits(pk_template *templ, const pk_rows *rows, uint32_t from, trace_piece piece)
{
    const uint64_t *values =
        pk_template_wide(&templ->columns[piece.node], from, rows->count, templ->left);
    for (uint32_t i = 0; i < rows->count; i++)
        pk_bits_put(row(rows, i), piece.bit, piece.bits, values[i]);
}

/* The rows take the column's values from `from` on. */
static void patch(pk_template *templ, const pk_rows *rows, uint32_t from, trace_piece piece)
{
    const template_column *column = &templ->columns[piece.node];
    const pk_kernels *kernels = templ->kernels;
    uint32_t at = piece.bit / 8;
    unsigned bits = piece.bit % 8 == 0 ? piece.bits : 0;
    if (bits == 64)
        kernels->store64(rows, at, pk_template_wide(column, from, rows->count, templ->left));
    else if (bits == 32)
        kernels->store32(rows, at, pk_template_narrow(column, from, rows->count, templ->narrow));
    else if (bits == 16)
        kernels->store16(rows, at, pk_template_narrow(column, from, rows->count, templ->narrow));
    else if (bits == 8)
        kernels->store8(rows, at, pk_template_narrow(column, from, rows->count, templ->narrow));
    else
        patch_bits(templ, rows, from, piece);
}

/* Long packets are written a few at a time, so that they stay in the nearest cache meanwhile. */
static uint32_t block_of(const pk_template *templ)
{
    return templ->len <= 128 ? PK_TEMPLATE_BATCH : 16;
}

static void write_rows(pk_template *templ, const pk_rows *rows, uint32_t at, bool prepared)
{
    if (!prepared)
        templ->kernels->copy(rows, templ->bytes, templ->len);
    for (uint32_t i = 0; i < templ->n_patches; i++)
        patch(templ, rows, at, templ->pieces[templ->patches + i]);
}

static uint32_t expand(pk_template *templ, const template_batch *batch, const pk_rows *all,
                       const pk_template_run *run)
{
    uint32_t count = batch->count, block = block_of(templ);
    if (may_refuse(templ))
        memset(templ->refused, 0, count * sizeof *templ->refused);
    templ->way_a = templ->way_b = 0;
    for (uint32_t i = 1; i < templ->n_columns; i++)
        pk_template_column(templ, &templ->columns[i], batch);
    guard(templ, count);
    if (!run->refused)
        count = accepted(templ, count);
    for (uint32_t at = 0; at < count; at += block) {
        const pk_rows rows = {.base = all->slots ? NULL : all->base + at * all->stride,
                              .stride = all->stride,
                              .slots = all->slots ? all->slots + at : NULL,
                              .count = count - at < block ? count - at : block};
        write_rows(templ, &rows, at, run->prepared);
    }
    return count;
}

uint32_t pk_template_expand(pk_template *templ, const pk_template_run *run)
{
    for (uint32_t done = 0; done < run->count;) {
        uint32_t left = run->count - done;
        uint32_t n = left < PK_TEMPLATE_BATCH ? left : PK_TEMPLATE_BATCH;
        template_batch batch = {.count = n,
                                .numbers = run->numbers ? run->numbers + done : NULL,
                                .index = run->first + done + run->loop,
                                .loop = run->loop,
                                .first = run->first + done - templ->begin};
        pk_rows rows = {.base = run->slots ? NULL : run->base + done * run->stride,
                        .stride = run->stride,
                        .slots = run->slots ? run->slots + done : NULL};
        uint32_t written = expand(templ, &batch, &rows, run);
        if (run->refused && may_refuse(templ))
            memcpy(run->refused + done, templ->refused, n * sizeof *run->refused);
        else if (run->refused)
            memset(run->refused + done, 0, n * sizeof *run->refused);
        done += written;
        if (written < n)
            return done;
    }
    return run->count;
}
