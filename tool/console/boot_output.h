/* SPDX-License-Identifier: MIT */
/*
 * What firmware, GRUB and the 32-bit stub say before the kernel speaks: searched for signs that the
 * boot has ended badly, and kept for the report. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct boot_output {
    void (*on_line)(void *context, const char *line); /* every line that holds something, or NULL */
    void *context;
    char stop[256]; /* why the boot ended, as one sentence; "" while nothing is known */
    size_t line_length;
    unsigned escape; /* inside a terminal's control sequence */
    char line[512];
    char last[8][160]; /* the last lines that hold anything, oldest at [next] */
    unsigned next;
};

/* Control sequences are dropped, carriage returns too. */
void boot_output_feed(struct boot_output *c, const char *bytes, size_t size);
/* Calls `each` for the kept lines, oldest first, the unfinished one too. */
void boot_output_last(const struct boot_output *c, void (*each)(const char *line));
