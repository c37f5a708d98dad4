/* SPDX-License-Identifier: MIT */
/* Orders to a QEMU that runs (its QMP: a line of JSON there, a line back; events come between). */
#pragma once

#include <stdbool.h>

/* Has QEMU write a PNG of its screen to `file`. False: `*reason` is a sentence's end. The reason is malloc'ed. */
bool qmp_screenshot(const char *socket_path, const char *file, char **reason);
