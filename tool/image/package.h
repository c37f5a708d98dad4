/* SPDX-License-Identifier: MIT */
/*
 * --with package:NAME: the files of a Debian package that is installed on this computer, and of the packages that it depends
 * on, from dpkg's database (dpkg(1)). Left out are documentation, and packages that only scripts of installation use.
 *
 * A .deb file that is not installed: --with package:FILE.deb, which packs its own files, and the libraries that they need from
 * this computer.
 */
#pragma once

#include "image/tree.h"

#define PACKAGE_PREFIX "package:"

/* Packs the package. Needs guard_start(). Fails the tool if it is not there. */
void package_pack(struct tree *tree, const char *name);
/* The installed package that has this path in its list, by its name with or without /usr in front; NULL: none, or no
 * database. malloc'ed. O(bytes of dpkg's lists). */
char *package_owner(const char *path);
/* Packs an installed package as its program needs it at run time, with those that it depends on, but for packages that every
 * Debian system has; of one of those its own files outside of the folders of programs. What cannot be read is left out. */
void package_pack_run_time(struct tree *tree, const char *name);
