/* SPDX-License-Identifier: MIT */
/*
 * --root-on-medium: the files stay on the medium, an ISO 9660 with Rock Ridge on CDs and disks alike, in a folder of their own beside
 * what boots. The kernel finds it by its label (root=LABEL=NAME:/FOLDER), and puts the archive above, which has what ISO
 * 9660 cannot hold: devices, pipes, and the folders that lead there.
 *
 * One format for all, because one image serves as CD and as disk (ext4 would need a second copy, or another
 * image), xorriso takes owners and modes from a list, so the tool needs no rights, and equal input gives equal bytes.
 */
#pragma once

#include "image/tree.h"

#define MEDIUM_FOLDER "/root"

struct root_medium {
    char *label;      /* OURO_ and a sum of the names, sizes and times of all files */
    char *commands;   /* file with xorriso's commands that add the folder */
    struct tree rest; /* for the archive; the strings are the tree's */
};

/* Fails the tool if a file cannot be read. O(files). Needs guard_start() and date_choose(). */
void medium_plan(const struct tree *tree, struct root_medium *out);
