/* SPDX-License-Identifier: MIT */
/* The duration of each phase of the boot. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define BOOT_MARKS_MAX 16

struct boot_mark {
    const char *phase; /* name of the phase that ended; static storage */
    uint64_t tsc;
};

extern struct boot_mark boot_marks[BOOT_MARKS_MAX];
extern size_t boot_mark_count;

/* Ends the current phase and begins the next. Callers: boot. */
void boot_mark(const char *phase);
/* Prints a bar for each phase. Caller: boot, after the last mark. */
void boot_marks_show(void);
