/* SPDX-License-Identifier: MIT */
/* Reading what the loader left, while the stub's identity map of the first 4 GiB stands. Boot only.
 */
#pragma once

#include "parse/boot_info.h"

/* `loader` and `info` as the stub passed them. Stops the machine with a sentence when they make no
 * sense. */
void loader_read(uint32_t loader, uint64_t info, struct boot_info *out);

/* What of it later code may ask for. */
struct boot_summary {
    char loader_name[64];
    bool uefi;
    struct phys_range archive; /* the root archive; empty when there is none */
    uint64_t modules;          /* handed over in all */
};
extern struct boot_summary boot_summary;
