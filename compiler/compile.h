/*
 * Text -> image. The compiler reads sources (and what they import), reports what is wrong with them
 * to `diags`, and makes an image when nothing is. It performs no other I/O, prints nothing and
 * keeps no state between calls. The standard layers come as an image, read exactly as a machine
 * reads them; compiling the standard layers themselves starts from none.
 *
 *   parse -> declare (names, layouts) -> lower (expressions, item programs) -> plan (packets, sets)
 */
#ifndef PK_COMPILER_COMPILE_H
#define PK_COMPILER_COMPILE_H

#include "diag.h"
#include "image/image.h"

typedef struct pk_compile_options {
    const pk_image *standard;        /* NULL: start from nothing */
    const char *const *import_paths; /* searched after the importing file's folder */
    size_t n_import_paths;
    /* Compiles the text of a `capture` clause for frames of a LINKTYPE_ number into classic BPF,
     * appended; false with a sentence in `reterr_why`. NULL: there is none, and the clause is refused. */
    bool (*filter)(const char *text, uint32_t linktype, pk_buf *out, pk_buf *reterr_why);
    bool mark_standard; /* layers made now are the standard ones */
} pk_compile_options;

/* Compiles the sources whose spans are `texts[0..n)`, as one program. On success (no error in
 * `diags`) the image is appended to `ret_image` and PK_OK returned; PK_EFORMAT when there were
 * errors; PK_ENOMEM, PK_ELIMIT when memory or the image's size ended it (reported as well). */
int pk_compile(const pk_compile_options *options, pk_sources *sources, const pk_span *texts,
               size_t n_texts, pk_diags *diags, pk_buf *ret_image);

/* The same, but the image stays in the builder that it was made in (pk_image_builder_view), which is given
 * to the caller: for who runs it at once and has no use for its bytes. */
struct pk_image_builder;
int pk_compile_view(const pk_compile_options *options, pk_sources *sources, const pk_span *texts,
                    size_t n_texts, pk_diags *diags, struct pk_image_builder **ret_builder);

/* Compiles `where CONDITION` over one packet (`-Y`), in which names of layers alone are the packet's:
 * appends it to a copy of `base`, which stays in the builder, and gives its EXP in that image. The
 * expression takes the arguments of a row of views, of which only the reply is there. Same errors. */
int pk_compile_filter(const pk_image *base, pk_sources *sources, pk_span text, pk_diags *diags,
                      struct pk_image_builder **ret_builder, pk_ref *ret_expr);

#endif
