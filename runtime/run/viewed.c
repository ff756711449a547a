#include "run/viewed.h"

#include <stdlib.h>

#include "io/capture.h"

struct pk_viewed {
    pk_view *view;
    pk_capture_writer *writer; /* format pcapng */
    pk_error error;            /* of the writer */
};

static int write_packet(pk_viewed *viewed, const pk_tree *tree, int64_t time_ns,
                        pk_capture_direction direction)
{
    pk_capture_packet packet = {.data = tree->bytes,
                                .captured = tree->len,
                                .original = tree->wire_len,
                                .time_ns = time_ns,
                                .direction = direction};
    return pk_capture_write(viewed->writer, &packet, &viewed->error);
}

/* The stimulus left as long before its reply as the reply took. */
static int write_row(void *context, const pk_view_row *row)
{
    pk_viewed *viewed = context;
    int error = PK_OK;
    if (row->sent)
        error = write_packet(viewed, row->sent, row->time_ns - (row->reply ? row->rtt : 0),
                             PK_DIRECTION_OUT);
    if (!error && row->reply)
        error = write_packet(viewed, row->reply, row->time_ns, PK_DIRECTION_IN);
    return error;
}

static int open_writer(pk_viewed *viewed, const pk_viewed_setup *setup, pk_error *reterr_)
{
    const pk_image_view *view = &setup->image->views[setup->view];
    const pk_capture_write_options options = {.format = PK_CAPTURE_PCAPNG,
                                              .link = setup->link,
                                              .declare = true,
                                              .application = setup->program};
    return pk_capture_create(&viewed->writer, pk_image_text(setup->image, view->file), &options,
                             reterr_);
}

int pk_viewed_open(pk_viewed **ret_viewed, const pk_viewed_setup *setup, pk_error *reterr_)
{
    pk_viewed *viewed = calloc(1, sizeof *viewed);
    if (!viewed)
        return pk_error_set(reterr_, PK_ENOMEM, "no memory for a view");
    const pk_view_setup inner = {
        .image = setup->image,
        .vm = setup->vm,
        .view = setup->view,
        .format =
            setup->forced ? setup->format : (pk_view_format)setup->image->views[setup->view].format,
        .width = setup->width,
        .packets = write_row,
        .context = viewed};
    int error = pk_view_open(&viewed->view, &inner, reterr_);
    if (!error && inner.format == PK_VIEW_PCAPNG)
        error = open_writer(viewed, setup, reterr_);
    if (error) {
        pk_view_free(viewed->view);
        free(viewed);
        return error;
    }
    *ret_viewed = viewed;
    return PK_OK;
}

static int add(pk_viewed *viewed, const pk_view_row *row, pk_buf *out, pk_error *reterr_)
{
    int error = pk_view_row_add(viewed->view, row, out, reterr_);
    if (viewed->error.code && reterr_)
        *reterr_ = viewed->error;
    return error;
}

int pk_viewed_received(pk_viewed *viewed, const pk_exchange *exchange, pk_buf *out,
                       pk_error *reterr_)
{
    if (exchange->verdict != PK_VERDICT_ANSWER)
        return PK_OK;
    const pk_view_row row = {.sent = exchange->sent,
                             .reply = exchange->reply,
                             .quoting = exchange->quoted ? exchange->quoting : PK_TREE_NONE,
                             .n = exchange->n,
                             .try = exchange->try,
                             .rtt = exchange->rtt,
                             .time_ns = exchange->time_ns,
                             .answered = true};
    return add(viewed, &row, out, reterr_);
}

int pk_viewed_unanswered(pk_viewed *viewed, const pk_tree *sent, pk_u128 n, pk_buf *out,
                         pk_error *reterr_)
{
    const pk_view_row row = {.sent = sent, .quoting = PK_TREE_NONE, .n = n};
    return add(viewed, &row, out, reterr_);
}

int pk_viewed_finish(pk_viewed *viewed, pk_buf *out, pk_error *reterr_)
{
    if (!viewed)
        return PK_OK;
    int error = pk_view_finish(viewed->view, out, reterr_);
    int closed = pk_capture_finish(viewed->writer, error ? NULL : reterr_);
    pk_view_free(viewed->view);
    free(viewed);
    return error ? error : closed;
}
