/* SPDX-License-Identifier: MIT */
/* Files of /proc about the machine and the kernel: cpuinfo, meminfo, uptime, stat, version,
 * sys/kernel … */
#pragma once

#include "base/compiler.h"
#include "base/err.h"

/* Adds them; after procfs_start(). E_NOMEM. */
MUST_CHECK enum err proc_machine_add(void);
