/*
 * The view of a run: exchanges become the rows of a view, and what it writes goes to a buffer or,
 * with `format pcapng`, into a capture file. The same for a run as it happens and for one that was
 * kept.
 */
#ifndef PK_RUN_VIEWED_H
#define PK_RUN_VIEWED_H

#include "run/session.h"
#include "view/view.h"

typedef struct pk_viewed pk_viewed;

typedef struct pk_viewed_setup {
    const pk_image *image;
    pk_vm *vm; /* parameters set */
    pk_ref view;
    bool forced; /* `format` in place of the view's own */
    pk_view_format format;
    unsigned width;
    uint32_t link;       /* LINKTYPE_ of the packets */
    const char *program; /* of the capture file that is written */
} pk_viewed_setup;

int pk_viewed_open(pk_viewed **ret_viewed, const pk_viewed_setup *setup, pk_error *reterr_);

/* Only answers are rows; any other exchange is passed over. */
int pk_viewed_received(pk_viewed *viewed, const pk_exchange *exchange, pk_buf *out,
                       pk_error *reterr_);

/* A stimulus that was not answered. `sent` may be NULL when it cannot be built. */
int pk_viewed_unanswered(pk_viewed *viewed, const pk_tree *sent, pk_u128 n, pk_buf *out,
                         pk_error *reterr_);

/* The rest; releases the view whatever comes out. Accepts NULL. */
int pk_viewed_finish(pk_viewed *viewed, pk_buf *out, pk_error *reterr_);

#endif
