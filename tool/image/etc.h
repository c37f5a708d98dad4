/* SPDX-License-Identifier: MIT */
/*
 * The files in /etc that C libraries read: who root is, how names are resolved, the time zone. What
 * the root folder brings stays as it is. They are made here and not by the kernel, so that they can
 * be looked at in the archive, and so that it boots under Linux with the same files.
 */
#pragma once

#include "image/tree.h"

void etc_add(struct tree *tree);
