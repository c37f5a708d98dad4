/* SPDX-License-Identifier: MIT */
/*
 * What a dynamic program needs before its first line runs: its interpreter and its libraries, found
 * by the rules of ld.so(8), and put into the tree where ld.so will find them in the machine.
 *
 * For a name without a slash that object A needs:
 *   1. DT_RPATH of A, of what loaded A, and so on, when A has no DT_RUNPATH
 *   2. DT_RUNPATH of A
 *   3. /etc/ld.so.cache          (as it will be in the machine; also packed)
 *   4. the default folders       (3 and 4 not for objects with DF_1_NODEFLIB)
 * in each folder glibc-hwcaps/x86-64-v4 … v2 come first. Which of those the machine's CPU allows is
 * known only there, so all that exist are packed. LD_LIBRARY_PATH of this computer means nothing to
 * the machine. musl's loader has other rules: its path file or its default folders, RUNPATH, and the
 * libc is the loader itself.
 */
#pragma once

#include "image/tree.h"

#include <stdbool.h>

enum missing {
    MISSING_FAILS, /* the tool ends with STATUS_CANNOT_RUN and names the library */
    MISSING_WARNS, /* it is named, and the program may still do without */
};

/* Adds what the object at the absolute path `place` of the tree needs. `host_folder` is where its
 * own folder lies on this computer when that is not the same path, else NULL; `name` is what
 * messages call it. Returns whether anything was missing. */
bool library_add(struct tree *tree, const char *place, const char *host_folder, const char *name,
                 enum missing missing);
