/* SPDX-License-Identifier: MIT */
/* The machine below the file systems in native tests: clock, waiting, program memory, console. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* There is one process, 1, with one thread; this is the last signal that it was sent. */
extern int native_raised;

/* Called when a test's thread would sleep: does what the other thread would do. Returns false when
 * there is nobody: the sleep then ends with E_INTR. */
extern bool (*native_other_thread)(void);

/* The clock, nanoseconds; each question moves it on by native_clock_step. */
extern uint64_t native_clock, native_clock_step;

/* Program memory is the test's own, except this range, where every access faults. */
extern uintptr_t native_fault_start, native_fault_end;

/* Console: what was written to each stream, and what comes in. */
extern char native_console_out[4][4096];
extern size_t native_console_length[4];
void native_console_reset(void);
void native_console_type(const char *bytes, size_t size);
void native_console_end_input(void);
extern bool native_console_framed;
extern bool native_console_full;  /* there is no room for output */
extern unsigned native_terminals; /* bit n: descriptor n is a terminal */

/* How often mappings were told that pages changed. */
extern unsigned native_forgotten;
/* How many pages they were told were written past them. */
extern uint64_t native_pages_written;
