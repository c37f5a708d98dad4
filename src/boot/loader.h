/* SPDX-License-Identifier: MIT */
/* Reads the boot loader's data, while the first 4 GiB are identity-mapped. Boot. */
#pragma once

#include "parse/boot_info.h"

/* `loader` (enum boot_loader) and `info`, a physical address, come from multiboot2.S. Stops the
 * machine with a message if they are invalid. */
void loader_read(uint32_t loader, uint64_t info, struct boot_info *out);
