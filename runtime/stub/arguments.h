/*
 * The command line of a standalone probe: `probe [PROBE] [--parameter VALUE ..] [options] [SET]`.
 *
 * Each parameter of the program is a flag; a parameter that is called like an option takes its
 * place. The first set that stands without a flag is the first parameter of set type. Nothing is
 * allocated beyond the arena.
 */
#ifndef PK_STUB_ARGUMENTS_H
#define PK_STUB_ARGUMENTS_H

#include "base/arena.h"
#include "base/error.h"
#include "run/front.h"

typedef enum pk_stub_verb {
    PK_STUB_RUN,
    PK_STUB_HELP,
    PK_STUB_VERSION,
    PK_STUB_INFO,
    PK_STUB_VERIFY,
    PK_STUB_SOURCE
} pk_stub_verb;

/* Fills setup's probe, parameters and options. PK_EFORMAT with one sentence for what cannot be. */
int pk_stub_arguments(const pk_image *image, int argc, char **argv, pk_arena *arena,
                      pk_front_setup *setup, pk_stub_verb *ret_verb, pk_error *reterr_);

/* What --help says. */
void pk_stub_help(const pk_image *image, const char *name, pk_buf *out);

#endif
