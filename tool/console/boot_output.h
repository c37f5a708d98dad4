/* SPDX-License-Identifier: MIT */
/*
 * Output of firmware, GRUB and the 32-bit stub before the kernel's first frame: searched for signs of a
 * failed boot, and its last lines kept for messages. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct boot_output {
    void (*on_line)(void *context,
                    const char *line); /* called for each non-empty line; may be NULL */
    void *context;
    char stop[256]; /* the reason of a failed boot; "": none so far */
    size_t line_length;
    unsigned escape; /* state inside an escape sequence */
    char line[512];
    char last[8][160]; /* the last non-empty lines, oldest at [next] */
    unsigned next;
};

/* Escape sequences and carriage returns are dropped. */
void boot_output_feed(struct boot_output *c, const char *bytes, size_t size);
/* Calls `each` for the kept lines, oldest first, the unfinished one included. */
void boot_output_last(const struct boot_output *c, void (*each)(const char *line));
