/* SPDX-License-Identifier: MIT */
/* Who has the memory: what a report says when there is none left. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Line n of the answer, which line 0 works out: first all memory by what it is for, then the areas of
 * the program that have a share worth a line, most first. False when there are no more. No locks, no heap.
 * Callers: reports of the program's faults. */
bool memory_usage_line(unsigned n, char *to, size_t size);
