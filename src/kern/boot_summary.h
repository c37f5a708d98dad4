/* SPDX-License-Identifier: MIT */
#pragma once

#include "parse/boot_info.h"

/* What later code may ask about the boot loader. boot/loader.c defines and fills it. */
struct boot_summary {
    char loader_name[64];
    bool uefi;
    struct phys_range archive; /* the root archive; empty when there is none */
    uint64_t modules;          /* handed over in all */
    const char *command_line;  /* options_read() sets it, start_proc_fill() moves it to the heap */
};
extern struct boot_summary boot_summary;
