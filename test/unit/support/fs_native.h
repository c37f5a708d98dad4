/* SPDX-License-Identifier: MIT */
/* Stand-ins for the kernel below the file systems in native tests: clock, waiting, usercopy, console. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The credentials of the only thread. */
extern const struct credentials *native_credentials;

/* The last signal sent to the only process, number 1, which has one thread. */
extern int native_raised;
extern struct fs_job native_job; /* of the calling process */

/* Called when a test's thread would sleep, in place of another thread. If it returns false, the sleep
 * ends with E_INTR. */
extern bool (*native_other_thread)(void);

/* The clock, in nanoseconds; each reading advances it by native_clock_step. */
extern uint64_t native_clock, native_clock_step;

/* Program memory is the test's own, except this range, where every access faults. */
extern uintptr_t native_fault_start, native_fault_end;
/* A page, which a device has until copy_wait() is called: copies that do not sleep answer E_INTR. 0: none. */
extern uintptr_t native_missing;

/* Console: the output to each stream, and the input. */
extern char native_console_out[4][4096];
extern size_t native_console_length[4];
void native_console_reset(void);
void native_console_type(const char *bytes, size_t size);
void native_console_end_input(void);
extern bool native_console_framed;
extern bool native_console_full;  /* there is no room for output */
extern unsigned native_terminals; /* bit n: descriptor n is a terminal */

/* thread_create() succeeds: the test does what the thread would. */
extern bool native_threads;
extern struct shrinker *native_shrinker; /* the last one registered */

/* The number of calls of areas_forget_pages(). */
extern unsigned native_forgotten;
/* The number of pages passed to areas_pages_written(). */
extern uint64_t native_pages_written;

/* The last line of console_tell_host(). */
extern char fs_native_told[256];
