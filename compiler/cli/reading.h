/*
 * Packets on their way to a reader: what `read` and `sniff` share. A reading dissects one packet
 * after the other by the standard layers and writes it to standard output as the command line asks.
 */
#ifndef PK_CLI_READING_H
#define PK_CLI_READING_H

#include "cli.h"
#include "io/capture.h"
#include "tree/columns.h"

typedef struct pk_reading {
    pk_cli *cli;
    pk_description d;
    pk_form form;
    pk_columns *columns; /* -T fields: instead of a form */
    pk_tree tree;
    pk_ref where;          /* EXP of -Y; 0 = every packet */
    uint64_t number;       /* of the packet, over all files and interfaces */
    uint64_t limit;        /* 0 = none */
    pk_ref first;          /* the layer that packets begin with; 0 = as their link type says */
    const char *interface; /* where it was seen, when that is worth telling; or NULL */
    bool offloaded;        /* its checksums are left to the hardware */
    uint64_t unknown_links;
    bool damaged; /* a part of the file that is being read was left out */
} pk_reading;

/* 0, or an exit code after a message; close it either way. */
int pk_reading_open(pk_reading *ret_reading, pk_cli *cli);
void pk_reading_close(pk_reading *reading);

int pk_reading_record(pk_reading *reading, const pk_capture_record *record);

#endif
