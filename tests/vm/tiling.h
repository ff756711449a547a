/* The property that every tree has: its leaves cover every captured bit exactly once. */
#ifndef PK_TESTS_TILING_H
#define PK_TESTS_TILING_H

#include "tree/tree.h"

bool tiles(const pk_tree *tree);

#endif
