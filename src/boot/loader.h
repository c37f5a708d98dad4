/* SPDX-License-Identifier: MIT */
/* Reads the boot loader's data, while the first 4 GiB are identity-mapped. Boot. */
#pragma once

#include "parse/boot_info.h"

/* `loader` and `info` are the loader's magic number and information pointer, as multiboot2.S passes
 * them. Stops the machine with a message if they are invalid. */
void loader_read(uint32_t loader, uint64_t info, struct boot_info *out);
