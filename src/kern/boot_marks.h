/* SPDX-License-Identifier: MIT */
/* How long each phase of boot took. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define BOOT_MARKS_MAX 16

struct boot_mark {
    const char *phase; /* what ended here; static storage */
    uint64_t tsc;
};

extern struct boot_mark boot_marks[BOOT_MARKS_MAX];
extern size_t boot_mark_count;

/* The phase ends now, and the next begins. Callers: boot. */
void boot_mark(const char *phase);
/* Prints a bar for each phase. Caller: boot, after the last mark. */
void boot_marks_show(void);
