/* SPDX-License-Identifier: MIT */
/*
 * overlay: a file system of two directories, as Linux's overlayfs (same names, same marks on the upper one).
 *
 *     /etc/hosts       ->  upper has it:      upper's
 *                          upper has nothing: lower's; copied up by the first open for writing, chmod, link, rename ...
 *                          upper has a whiteout (device 0:0): not there
 *     a directory in both: merged, unless upper's is opaque (trusted.overlay.opaque = y)
 *
 * Lower is never written: a medium, or any other file system. Upper takes all changes: the root file system in memory, or
 * a disk with ext4 (both have extended attributes and O_TMPFILE). It is a stored file system (fs/vfs/store.h): its operations sleep as those of the
 * layers do.
 */
#pragma once

#include "fs/vfs/dentry.h"

#define OVERLAY_MAGIC 0x794c7630

/* A file system of the two directories, which get a reference each. Neither is changed by others as long as it lives. `options`: for
 * /proc/mounts, "" or ",lowerdir=..."; copied. E_NOMEM, E_INVAL: the upper one cannot hold what is needed. */
MUST_CHECK enum err overlay_make(struct dentry *lower, struct dentry *upper, const char *options,
                                 struct filesystem **out);
/* The type overlay of mount(2), with lowerdir= (up to 8 directories, the first on top), upperdir= (without one it is read-only) and workdir=,
 * which is not used. */
void overlay_register(void);
