/* SPDX-License-Identifier: MIT */
/*
 * The files in /etc that C libraries read: users, groups, name resolution, the time zone. Files of
 * the root folder are kept. The tool adds the files, not the kernel, so that the archive shows them
 * and boots under Linux with the same files.
 */
#pragma once

#include "image/tree.h"

/* `hostname`: the machine's name; NULL: the kernel's own. */
void etc_add(struct tree *tree, const char *hostname);
