/* SPDX-License-Identifier: MIT */
/* The disks of this machine. */
#pragma once

#include "kern/options.h"
#include "parse/boot_info.h"

/* Finds the disks that a driver knows, and registers them (kern/block.h): vda, vdb and so on. After port_start(). O(devices).
 * Boot. */
void disks_start(const struct boot_info *boot, const struct options *options);
