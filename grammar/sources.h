/*
 * Sources: every text that a compilation reads, laid end to end in one 32-bit space of offsets, so
 * that a span alone names its file. Each source owns a copy of its bytes, with a NUL sentinel
 * behind them. Line numbers and columns count from 1; a column counts code points, a tab as one.
 */
#ifndef PK_GRAMMAR_SOURCES_H
#define PK_GRAMMAR_SOURCES_H

#include "base/arena.h"

typedef struct pk_sources pk_sources;

typedef struct pk_place {
    const char *name; /* as given: a path, "stdin", "-e", "--ports" */
    uint32_t line;    /* from 1 */
    uint32_t column;  /* from 1, in code points */
    pk_bytes text;    /* the whole line, without its newline */
    uint32_t line_lo; /* offset of the line's first byte in the space of all sources */
} pk_place;

enum {
    PK_SOURCE_LIMIT = 16 * 1024 * 1024, /* bytes in one source */
    PK_IMPORT_DEPTH_LIMIT = 32
};

pk_sources *pk_sources_new(void);
void pk_sources_free(pk_sources *sources);

/* Copies `len` bytes under `name`; *ret_span is the whole text. PK_ENOMEM, PK_ELIMIT. */
int pk_sources_add(pk_sources *sources, const char *name, const void *text, size_t len,
                   pk_span *ret_span);

/* Reads a regular file or pipe, never more than PK_SOURCE_LIMIT bytes ("-" is standard input).
 * PK_EIO with errno, PK_ENOMEM, PK_ELIMIT. */
int pk_sources_read(pk_sources *sources, const char *path, pk_span *ret_span);

/* The first `lead` bytes of the source that `text` is are read, and never shown nor counted: words put
 * before what somebody typed. They hold no newline. */
void pk_sources_hide(pk_sources *sources, pk_span text, uint32_t lead);

pk_bytes pk_sources_text(const pk_sources *sources, pk_span span);
pk_place pk_sources_place(const pk_sources *sources, uint32_t offset);

#endif
