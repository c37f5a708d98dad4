/* SPDX-License-Identifier: MIT */
/*
 * The root file system, filled from the archive that the loader brought. What Linux's initramfs
 * does with an archive is done here: an entry that comes again replaces the earlier one,
 * directories that no entry names are made, hard links are found by device and inode number and
 * have their data with the last of them, symbolic links in the middle of a name are followed.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "parse/parse_fault.h"

#include <stdint.h>

/* Makes the root ramfs, mounts it and fills it. The archive stays mapped, and unchanged, for ever:
 * files lie in it. size 0: an empty root. E_INVAL with *fault: malformed at that offset; E_NOMEM
 * with *fault: the offset that was reached. Boot, once. */
MUST_CHECK enum err rootfs_fill(const void *archive, uint64_t size, phys_t archive_phys,
                                struct parse_fault *fault);
