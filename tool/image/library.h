/* SPDX-License-Identifier: MIT */
/*
 * The interpreter and the libraries of a dynamic program, found by the rules of ld.so(8) and added to
 * the tree at the paths where ld.so finds them in the machine.
 *
 * For a name without a slash that object A needs:
 *   1. if A has no DT_RUNPATH: DT_RPATH of A, of the object that loaded A, and so on
 *   2. DT_RUNPATH of A
 *   3. /etc/ld.so.cache          (as it will be in the machine; also packed)
 *   4. the default folders       (3 and 4 not for objects with DF_1_NODEFLIB)
 * In each folder glibc-hwcaps/x86-64-v4 … v2 come first. The choice depends on the machine's CPU, so
 * all that exist are packed. What is not found so may be offered (below). musl's loader has other
 * rules: RUNPATH, then its path file or its default folders, and the libc is the loader itself.
 */
#pragma once

#include "image/tree.h"

#include <stdbool.h>

enum missing {
    MISSING_FAILS,   /* the tool ends with STATUS_CANNOT_RUN and names the library */
    MISSING_WARNS,   /* a warning names it; the program may not need it */
    MISSING_IGNORED, /* it was not asked for */
};

/* Adds what the object at the absolute path `place` of the tree needs. `host_folder` is the object's
 * folder on this computer if its path differs, else NULL; messages use `name`. Returns true if
 * anything was missing. */
bool library_add(struct tree *tree, const char *place, const char *host_folder, const char *name,
                 enum missing missing);

/* A library that no folder of ld.so has may come from what was offered: a file that --with packs, or a folder of
 * LD_LIBRARY_PATH. Call them before library_add(). */
void library_offer(const char *typed);
void library_offer_path(const char *path);
/* Adds LD_LIBRARY_PATH with the folders of the offers that were taken, if there are any. */
void library_environment(struct args *environment);
