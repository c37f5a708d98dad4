/* SPDX-License-Identifier: MIT */
/* What every thread is doing: for reports, and for the person who asks at the keyboard. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct thread;

/* What a thread of a program does, for a line of a report: "of process 1, asleep in futex(...)". False:
 * it is the kernel's own, or, unless `everybody`, not of the current process. Callers: any. */
bool thread_dump_line(const struct thread *thread, bool everybody, char *to, size_t size);

/* Has the magic keys (kern/sysrq.h) show threads and page tables, where there is a keyboard to press
 * them on. Boot. */
void thread_dump_keys(void);
