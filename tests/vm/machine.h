/* A description compiled over the standard layers and a machine for it, for tests. */
#ifndef PK_TESTS_VM_MACHINE_H
#define PK_TESTS_VM_MACHINE_H

#include "vm/vm.h"

typedef struct machine {
    pk_buf bytes; /* of the image */
    pk_image image;
    pk_vm *vm;
    pk_tree built, read;
    pk_point point;
    char why[512]; /* what the compiler or the machine refused */
} machine;

/* Compiles `text` over `standard` (NULL: over nothing). False with `why`. */
bool machine_open(machine *m, const char *text, const pk_image *standard);
void machine_close(machine *m);

/* Packet 0 of alternative `alt`, and its tree in `built`. False with `why`. */
bool machine_build(machine *m, pk_ref alt, pk_buf *out);

/* Like machine_open and machine_build of the first packet of the text's first probe. */
bool machine_packet(machine *m, const char *text, const pk_image *standard, pk_buf *out);

/* Dissects into `read` as the layer of that name. */
bool machine_read(machine *m, const char *layer, const uint8_t *bytes, size_t len);

/* The packet of `tree` as source. */
void machine_source(machine *m, const pk_tree *tree, pk_buf *out);

/* Every node of a tree on a line: "ip", " .version 4", " _rest deadbeef". */
void machine_dump(const pk_tree *tree, pk_buf *out);

#endif
