/* SPDX-License-Identifier: MIT */
/* What every thread is doing: for reports, and for the person who asks at the keyboard. */
#pragma once

#include <stdbool.h>

/* Reports each thread of the program with its last system call and a trace, and `all`: those of the
 * kernel by name. Interrupts off; callers: any. */
void thread_dump(bool all);

/* Has the magic keys (kern/magic.h) show threads and page tables, where there is a keyboard to press
 * them on. Boot. */
void thread_dump_keys(void);
