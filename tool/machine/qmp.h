/* SPDX-License-Identifier: MIT */
/* Commands to a running QEMU (QMP: a line of JSON each way, with events between). */
#pragma once

#include <stdbool.h>

/* Makes QEMU write a PNG of its screen to `file`. False: *reason is the end of a message, malloc'ed. */
bool qmp_screenshot(const char *socket_path, const char *file, char **reason);
