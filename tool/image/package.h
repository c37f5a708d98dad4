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
