/* SPDX-License-Identifier: MIT */
/* The file system type "9p": folders of the host (fs/p9/node.h). */
#pragma once

/* Makes it known. Boot. */
void p9_type_register(void);
