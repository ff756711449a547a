/*
 * Chosen fields of packets as columns: `-T fields -e ip.src -e tcp.flags`.
 *
 * A path names a layer and then, with dots between, a field or alias of it, and so on into structs,
 * lists, cases (`tcp.options.mss.mss`), single flags (`tcp.flags.S`, 1 or 0), derived values
 * (`ip.hdr_len`, which need a pk_writer that evaluates) and `payload`, the bytes above. A layer
 * alone tells that it is there. The packet itself has frame.number, frame.len, frame.cap_len and
 * frame.time_epoch. Paths are resolved once, against the image.
 *
 * A packet gives a row. A path that occurs several times (two ip headers, the elements of a list)
 * gives all its values in wire order. Values are what is on the wire: integers in decimal (fields
 * declared `as hex` in hexadecimal), addresses, byte strings as hexadecimal digits, or as text
 * where the field has a text codec and the bytes have a text. With PK_COLUMNS_NAMES integers are
 * written by their meaning where they have one.
 *
 *   tabs  columns separated by a tab, values of one column by a comma, all through the terminal
 *         escaper (so a value never holds a tab)
 *   csv   RFC 4180; the values of one column separated by a comma
 *   json  one object a line, a key for each different path, always an array of values; integers
 *         as in the JSON of packets (tree/writers.h)
 */
#ifndef PK_TREE_COLUMNS_H
#define PK_TREE_COLUMNS_H

#include "tree/writers.h"

enum {
    PK_COLUMNS_STEPS = 16, /* names in a path */
    PK_COLUMNS_LIMIT = 256 /* columns */
};

typedef enum pk_columns_form { PK_COLUMNS_TABS, PK_COLUMNS_CSV, PK_COLUMNS_JSON } pk_columns_form;
enum { PK_COLUMNS_NAMES = 1 };

typedef struct pk_columns pk_columns;

/* Borrows the image and the paths. PK_ENOENT for a name that is not there, PK_ELIMIT, PK_ENOMEM;
 * *reterr_text then gets one sentence that names the path. */
int pk_columns_new(const pk_image *image, const char *const *paths, size_t count, uint32_t flags,
                   pk_columns **ret_columns, pk_buf *reterr_text);
void pk_columns_free(pk_columns *columns);

/* The line of headings (tabs, csv); nothing for json. */
void pk_columns_head(pk_buf *out, const pk_columns *columns, pk_columns_form form);

/* The packet's row, with its newline. */
void pk_columns_row(pk_buf *out, const pk_columns *columns, pk_columns_form form,
                    const pk_tree *tree, const pk_writer *how, const pk_writer_packet *packet);

#endif
