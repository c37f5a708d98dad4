/* SPDX-License-Identifier: MIT */
/* Fills in fs_hooks, through which the file systems query the process. Boot, before the program
 * starts. */
#pragma once

void fs_bridge_init(void);
