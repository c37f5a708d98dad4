/* SPDX-License-Identifier: MIT */
/*
 * The root file system, filled from the archive that the loader passed, as Linux unpacks an
 * initramfs: a later entry of the same name replaces the earlier one; missing directories are made;
 * hard links have the same device and inode number, and the data is with the last of them; symbolic
 * links in the middle of a name are followed.
 */
#pragma once

#include "base/addr.h"
#include "base/compiler.h"
#include "base/err.h"
#include "parse/parse_fault.h"

#include <stdint.h>

/* Makes the root ramfs, mounts it and fills it. The archive must stay mapped and unchanged:
 * files refer to it. size 0: an empty root. E_INVAL: malformed; E_NOMEM; *fault has the offset.
 * Boot, once. */
MUST_CHECK enum err rootfs_fill(const void *archive, uint64_t size, phys_t archive_phys,
                                struct parse_fault *fault);
