/* SPDX-License-Identifier: MIT */
#pragma once

#include "parse/boot_info.h"

/* Data of the boot loader that is used after boot. Defined and filled in by boot/loader.c. */
struct boot_summary {
    char loader_name[64];
    bool uefi;
    struct phys_range archive; /* the root archive; empty if there is none */
    uint64_t modules;          /* number of modules, all kinds */
    const char *command_line;  /* options_read() sets it, start_proc_keep() moves it to the heap */
};
extern struct boot_summary boot_summary;
