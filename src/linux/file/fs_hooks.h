/* SPDX-License-Identifier: MIT */
/* What the file systems want to know of the process: fills in fs_hooks. Boot, before the program
 * starts. */
#pragma once

void fs_bridge_init(void);
