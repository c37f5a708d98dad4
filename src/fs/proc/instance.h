/* SPDX-License-Identifier: MIT */
/* Mounts of proc and sysfs. Each has a file system of its own, with its options (proc(5)). */
#pragma once

#include "fs/vfs/inode.h"

enum hidepid {
    HIDEPID_OFF,
    HIDEPID_NOACCESS,       /* others' /proc/PID cannot be looked into: E_PERM */
    HIDEPID_INVISIBLE,      /* nor seen */
    HIDEPID_PTRACEABLE = 4, /* the same, for all but who may trace the process */
};

struct proc_options {
    uint32_t gid; /* sees all, but with HIDEPID_PTRACEABLE */
    uint8_t hidepid;
    bool pids_only; /* subset=pid */
};

/* Those of the proc that the inode is in. O(1). */
const struct proc_options *proc_options_of(const struct inode *inode);
/* True if the calling thread sees the process there under hidepid=`from` and above. O(log groups). */
bool proc_may_see(const struct inode *inode, uint32_t pid, enum hidepid from);
