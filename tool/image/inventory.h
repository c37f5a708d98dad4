/* SPDX-License-Identifier: MIT */
/*
 * What an image carries: the package of each file, with version and licence. Databases: dpkg's of this computer (or of
 * --sysroot), for files of it; dpkg's and apk's in the tree itself, for a container's. Also what no file of the tree is: kernel,
 * lwIP, and those named by the caller, as GRUB.
 */
#pragma once

#include "image/tree.h"

#include <stdbool.h>
#include <stddef.h>

#define INVENTORY_NONE SIZE_MAX

struct inventory_package {
    char *name, *version; /* version: "" if unknown */
    char *kind;           /* "deb", "apk", or "" for a part of Ouro */
    char *machine;        /* architecture; "" */
    char *said;           /* the licence as the package names it; NULL: it does not */
    char *copyright;      /* file here with the licence's text; NULL: none, or in the tree itself */
};

struct inventory {
    struct inventory_package *package; /* sorted by kind and name */
    size_t count;
    size_t *owner; /* by entry of the tree: its package, or INVENTORY_NONE */
};

/* `more`: names of installed packages that are parts of the image without a file in the tree. O(files + databases). */
void inventory_make(const struct tree *tree, const struct args *more, struct inventory *out);
void inventory_free(struct inventory *inventory);

/* The licence as SPDX has it; NULL: it is not known to be one of SPDX's. Pure. */
const char *inventory_spdx(const char *said);

/* Makes a folder with the texts of licences that redistribution asks for, a file for each package, and common/ for those that
 * Debian's refer to. `names` lists them, relative to the folder, sorted. */
void inventory_licences(const struct inventory *inventory, const char *folder, struct args *names);
