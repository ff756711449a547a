/*
 * Parameters given as text: what a person types behind --name or -D name=, as the parameter's type
 * wants it (run/members.h).
 *
 * Values are borrowed from the arena, which must outlive the machine. Errors name the parameter,
 * what is wrong with which part of the text, its type and an example.
 */
#ifndef PK_RUN_PARAMS_H
#define PK_RUN_PARAMS_H

#include "base/arena.h"
#include "base/error.h"
#include "vm/vm.h"

/* Sets parameter `name` of the image from `text`. PK_ENOENT for an unknown name (with the names
 * there are), PK_EFORMAT for a text that is no such value, PK_EIO for a file. */
int pk_params_assign(pk_vm *vm, const pk_image *image, pk_arena *arena, const char *name,
                     const char *text, pk_error *reterr_);

/* The parameter of that name; 0 = none. */
pk_ref pk_params_find(const pk_image *image, const char *name);

/* PK_OK when each parameter without a default is among the `given` (n_given references); else
 * PK_EFORMAT with their names. */
int pk_params_complete(const pk_image *image, const pk_ref *given, uint32_t n_given,
                       pk_error *reterr_);

/* "set of IPv4 addresses", "duration": how a help text says a parameter's type; and an example. */
void pk_params_type_text(const pk_image *image, pk_ref param, pk_buf *out);
const char *pk_params_example(const pk_image *image, pk_ref param);

#endif
