/* SPDX-License-Identifier: MIT */
#pragma once

#include "parse/boot_info.h"

/* What later code may ask about the boot loader. Filled by boot/loader.c. */
struct boot_summary {
    char loader_name[64];
    bool uefi;
    struct phys_range archive; /* the root archive; empty when there is none */
    uint64_t modules;          /* handed over in all */
};
extern struct boot_summary boot_summary;
