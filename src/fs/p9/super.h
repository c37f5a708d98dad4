/* SPDX-License-Identifier: MIT */
/* The file system type "9p": folders of the host (fs/p9/node.h). */
#pragma once

#include <stdint.h>

/* Makes it known. `uid` and `gid`: the owner that the program sees of all files that root has mounted; others see themselves. Boot. */
void p9_type_register(uint32_t uid, uint32_t gid);
