#include "run/resume.h"

#include <stdlib.h>
#include <string.h>

#include "run/record.h"

/* ---- what is done ---- */

void pk_done_free(pk_done *done)
{
    free(done->bits);
    *done = (pk_done){0};
}

bool pk_done_has(const pk_done *done, uint64_t k)
{
    if (k < done->base)
        return true;
    uint64_t at = k - done->base;
    return at / 8 < done->len && done->bits[at / 8] >> at % 8 & 1;
}

uint64_t pk_done_count(const pk_done *done)
{
    uint64_t count = done->base;
    for (size_t i = 0; i < done->len; i++)
        count += (unsigned)__builtin_popcount(done->bits[i]);
    return count;
}

static int reach(pk_done *done, uint64_t k, pk_error *reterr_)
{
    uint64_t need = (k - done->base) / 8 + 1;
    if (need <= done->len)
        return PK_OK;
    if (need > PK_RESUME_WINDOW_LIMIT / 8)
        return pk_error_set(reterr_, PK_ELIMIT,
                            "too many stimuli behind the last checkpoint (limit %llu)",
                            (unsigned long long)PK_RESUME_WINDOW_LIMIT);
    size_t len = (size_t)(need < 4096 ? 4096 : need * 2);
    uint8_t *bits = realloc(done->bits, len);
    if (!bits)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for what was done");
    memset(bits + done->len, 0, len - done->len);
    done->bits = bits;
    done->len = len;
    return PK_OK;
}

int pk_done_add(pk_done *done, uint64_t k, pk_error *reterr_)
{
    if (k < done->base)
        return PK_OK;
    int error = reach(done, k, reterr_);
    if (!error)
        done->bits[(k - done->base) / 8] |= (uint8_t)(1u << k % 8);
    return error;
}

int pk_done_settle(pk_done *done, uint64_t k, pk_error *reterr_)
{
    uint64_t base = k & ~UINT64_C(7);
    if (k <= done->base)
        return PK_OK;
    size_t shift =
        (base - done->base) / 8 < done->len ? (size_t)((base - done->base) / 8) : done->len;
    if (shift) {
        memmove(done->bits, done->bits + shift, done->len - shift);
        memset(done->bits + done->len - shift, 0, shift);
    }
    done->base = base;
    for (uint64_t at = base; at < k; at++) {
        int error = pk_done_add(done, at, reterr_);
        if (error)
            return error;
    }
    return PK_OK;
}

/* ---- reading ---- */

typedef struct reading {
    pk_buf *about; /* where the first block's text goes, or NULL */
    bool begun;
    pk_done done;
    int error;
    pk_error *reterr_;
} reading;

static bool starts_with(pk_bytes text, const char *head)
{
    size_t len = strlen(head);
    return text.len >= len && memcmp(text.data, head, len) == 0;
}

/* The number of "\nNAME: number\n". */
static bool number_in(pk_bytes text, const char *name, uint64_t *ret_number)
{
    size_t len = strlen(name);
    for (size_t at = 0; at + len < text.len; at++) {
        if (text.data[at] != '\n' || at + 1 + len > text.len ||
            memcmp(text.data + at + 1, name, len) != 0)
            continue;
        uint64_t number = 0;
        for (at += 1 + len; at < text.len && text.data[at] >= '0' && text.data[at] <= '9'; at++)
            number = number * 10 + (uint64_t)(text.data[at] - '0');
        *ret_number = number;
        return true;
    }
    return false;
}

static void on_custom(void *context, uint32_t enterprise, pk_bytes data)
{
    reading *r = context;
    uint64_t settled;
    if (enterprise != PK_RECORD_ENTERPRISE || r->error)
        return;
    if (starts_with(data, PK_RECORD_BEGIN) && !r->begun) {
        size_t head = strlen(PK_RECORD_BEGIN);
        r->begun = true;
        if (r->about)
            pk_buf_add(r->about, data.data + head,
                       strnlen((const char *)data.data + head, data.len - head));
    } else if (starts_with(data, PK_RECORD_CHECKPOINT) && number_in(data, "settled: ", &settled)) {
        r->error = pk_done_settle(&r->done, settled, r->reterr_);
    }
}

static int no_run(const char *path, pk_error *reterr_)
{
    return pk_error_set(reterr_, PK_EFORMAT, "%s is a capture, but not of a run that was kept (-w)",
                        path);
}

int pk_resume_about(const char *path, pk_buf *out, pk_error *reterr_)
{
    reading r = {.about = out, .reterr_ = reterr_};
    pk_capture_reader *reader;
    const pk_capture_read_options options = {.custom = on_custom, .context = &r};
    int code = pk_capture_open(&reader, path, &options, reterr_);
    if (code)
        return code;
    pk_capture_record packet;
    (void)pk_capture_next(reader, &packet, NULL); /* the first block stands before the packets */
    pk_capture_close(reader);
    if (!r.begun)
        return no_run(path, reterr_);
    return out->failed ? pk_error_set(reterr_, PK_ENOMEM, "no memory for a saved run") : PK_OK;
}

static int take_packet(reading *r, const pk_order *order, const pk_capture_record *packet)
{
    pk_record_link link;
    pk_u128 k;
    if (!pk_record_link_find(packet, &link) || link.kind != PK_RECORD_SENT)
        return PK_OK;
    if (!pk_order_find(order, (pk_u128)link.n_high << 64 | link.n_low, &k) || k > UINT64_MAX)
        return PK_OK;
    return pk_done_add(&r->done, (uint64_t)k, r->reterr_);
}

int pk_resume_read(const char *path, const pk_order *order, pk_done *ret_done, uint64_t *ret_whole,
                   bool *ret_cut, pk_error *reterr_)
{
    reading r = {.reterr_ = reterr_};
    pk_capture_reader *reader;
    const pk_capture_read_options options = {.custom = on_custom, .context = &r};
    int code = pk_capture_open(&reader, path, &options, reterr_);
    if (code)
        return code;
    pk_capture_record packet;
    while (!r.error && (code = pk_capture_next(reader, &packet, reterr_)) == PK_OK)
        r.error = take_packet(&r, order, &packet);
    *ret_whole = pk_capture_reader_whole(reader, ret_cut);
    pk_capture_close(reader);
    code = r.error ? r.error : code == PK_EOF || *ret_cut ? PK_OK : code;
    if (!code && !r.begun)
        code = no_run(path, reterr_);
    if (code) {
        pk_done_free(&r.done);
        return code;
    }
    *ret_done = r.done;
    return PK_OK;
}
