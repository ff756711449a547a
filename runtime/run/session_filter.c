/* The filter of the receive side: what a `capture` clause was compiled to when the image was made,
 * once for Ethernet and once for links whose frames begin with IP, or what the caller makes. */
#include <string.h>

#include "base/linktype.h"
#include "run/session_internal.h"

enum { INSTRUCTION = 8 };

static const pk_image_option *option_of(const pk_session *session, const char *name)
{
    const pk_image *image = session->image;
    const pk_image_probe *probe = &image->probes[session->setup.probe];
    for (uint32_t i = 0; i < probe->n_options; i++)
        if (strcmp(pk_image_text(image, image->options[probe->options + i].name), name) == 0)
            return &image->options[probe->options + i];
    return NULL;
}

int pk_session_find_filter(pk_session *session, uint32_t linktype, pk_buf *out, pk_error *reterr_)
{
    if (session->setup.filter)
        return session->setup.filter(session->setup.filter_context, linktype, out, reterr_);
    if (!option_of(session, PK_RUN_CAPTURE) && !option_of(session, PK_RUN_CAPTURE_BARE))
        return PK_OK;
    const pk_image_option *option =
        linktype == PK_LINKTYPE_ETHERNET ? option_of(session, PK_RUN_CAPTURE)
        : linktype == PK_LINKTYPE_RAW    ? option_of(session, PK_RUN_CAPTURE_BARE)
                                         : NULL;
    if (!option)
        return pk_error_set(reterr_, PK_EUNSUPPORTED,
                            "the filter of `capture` cannot be had on frames of link type %u",
                            linktype);
    pk_value value =
        pk_vm_eval(session->setup.vm, option->value, NULL, PK_TREE_NONE, NULL, NULL, 0);
    if (value.kind != PK_BYTES || value.len % INSTRUCTION)
        return pk_error_set(reterr_, PK_EFORMAT, "the filter of `capture` is no program");
    pk_buf_add(out, value.bytes, value.len);
    return out->failed ? pk_error_set(reterr_, PK_ENOMEM, "no memory for a filter") : PK_OK;
}
