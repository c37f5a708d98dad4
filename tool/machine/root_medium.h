/* SPDX-License-Identifier: MIT */
/* Where the root's files are: in memory, or on the medium (--root-on-medium, or because they do not fit); and the data partition of an image (--data). */
#pragma once

#include "machine/options.h"

/* The value of --data: SIZE or SIZE:/PATH. NULL, or why it is none. */
const char *data_parse(struct request *request, const char *text);
/* Fails the tool if the request names a medium that the kernel cannot read, or a kind of image that can have no data partition. */
void root_medium_check(const struct request *request);
/* The tree that goes into the archive: `tree`, or with the files on the medium the rest, after request->label was set, the
 * commands for the image prepared and a disk made that has the files where the machine boots without one. Says so where that was not asked for. `taken`: bytes of memory below the archive. Before disks_words(). */
const struct tree *root_place(struct request *request, const struct tree *tree, uint64_t taken);
/* Makes the data partition for the next image. Adds the kernel's words that root_place() and the partition need. */
void root_words(struct request *request, struct args *words);
